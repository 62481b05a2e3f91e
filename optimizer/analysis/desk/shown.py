"""The plan that lies on a desk, as the content of a report: the report's map draws it.

Roads, border, places and names come from the scenario of the plan folder, where that is
at hand and its roads are those of the plan's problem. Else roads are straight lines
between the nodes of the problem, and there is no border and no town; the page says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.errors import InputError
from optimizer.base.text.language import term
from optimizer.plans.display_names import (
    DisplayNames,
    beat_rows,
    place_names,
    said_places,
    said_region,
    site_rows,
)
from optimizer.plans.plan_folder import PlanFolder
from optimizer.problem.files.plan_file import PlanSite, beat_entries
from optimizer.problem.instance.evaders import Evader
from optimizer.problem.instance.instance import Instance
from optimizer.problem.network.geodesy import great_circle_m
from optimizer.problem.network.network import Network
from optimizer.problem.network.places import NamedPlace
from optimizer.problem.plan.evaluation import Response, evaluate
from optimizer.problem.plan.plan import Plan
from optimizer.region.model import Region
from optimizer.report.content.placements import BeatRow, SiteRow
from optimizer.report.content.report_content import ReportContent
from optimizer.report.content.routes import EvaderRow
from optimizer.report.content.summary import PlanSummary
from optimizer.report.maps.place_names import PlaceNames
from optimizer.scenario.check.check import read_evidence
from optimizer.scenario.demand.source_measures import on_roads
from optimizer.scenario.demand.stages import ScenarioEvidence

if TYPE_CHECKING:
    from optimizer.analysis.desk.desk import Desk

ROUTES = 25
"""Evaders whose routes are drawn where no scenario says how many."""


@dataclass(frozen=True)
class DeskGround:
    """What a desk's map shows whatever the plan."""

    #: The problem, without beats.
    base: Instance
    #: Roads, border and places.
    region: Region
    #: `names`, `spots`: What people call things, and the places that a spot can be near
    #: to.
    names: DisplayNames
    spots: PlaceNames
    #: What maps name besides.
    places: tuple[NamedPlace, ...] = ()
    #: How many evaders' routes are drawn.
    routes: int = ROUTES
    #: Attribution lines.
    sources: tuple[str, ...] = ()
    #: Whether there is no scenario behind it.
    bare: bool = False

    @classmethod
    def of(cls, opened: PlanFolder, base: Instance) -> DeskGround | None:
        """Return the ground of a plan folder's problem; None where neither a scenario
        nor the problem has a map.
        """
        read = _scenario_of(opened, base)
        if read is None:
            network = _straight(base)
            if network is None:
                return None
            region = Region(network, None, (), (), ())
            return cls(base, region, plain_names(base), PlaceNames(network, ()), bare=True)
        sites = {each.site.id: each.site.label or each.site.id for each in read.sites}
        return cls(
            base,
            said_region(read.region, read.demand.gateways, read.demand.settlements),
            DisplayNames.said_by(read.scenario, base, sites),
            place_names(read),
            said_places(read.scenario.report.places),
            read.scenario.report.routes,
            tuple(
                filter(None, map(term, (read.region.attribution, *read.scenario.report.sources)))
            ),
        )

    @cached_property
    def drawn(self) -> tuple[int, ...]:
        """Positions of the evaders whose routes are drawn: the heaviest informed ones."""
        evaders = self.base.evaders
        order = sorted(
            (k for k, each in enumerate(evaders) if not each.routes),
            key=lambda k: -evaders[k].weight,
        )
        return tuple(order[: self.routes])

    @cached_property
    def before(self) -> tuple[Response, ...]:
        """What those evaders do with nothing placed."""
        return self.answers(Plan(()))

    @cached_property
    def today(self) -> tuple[Response, ...]:
        """What they do under today's layout; empty where nothing stands."""
        existing = [option.id for option in self.base.options if option.existing]
        return self.answers(Plan.of(self.base, existing)) if existing else ()

    def answers(self, plan: Plan) -> tuple[Response, ...]:
        """Return what those evaders do under a plan."""
        return evaluate(
            replace(self.base, evaders=tuple(self.base.evaders[k] for k in self.drawn)), plan
        ).evaders


def _scenario_of(opened: PlanFolder, base: Instance) -> ScenarioEvidence | None:
    """Return what the scenario of a plan folder says; None where it is not at hand,
    faulty, or of other roads.
    """
    try:
        read = read_evidence(opened.scenario, settings=opened.settings)
    except InputError:
        return None
    network, n = read.region.network, read.region.network.n_arcs
    same = np.array_equal(base.tail[:n], network.tail) and np.array_equal(
        base.head[:n], network.head
    )
    return read if same else None


def _straight(base: Instance) -> Network | None:
    """Return the arcs of a problem as straight roads; None where it has no map."""
    if base.lonlat is None or not np.isfinite(base.lonlat).all():
        return None
    lon, lat = base.lonlat.T
    ends = np.sort(np.column_stack((base.tail, base.head)).astype(np.int64), axis=1)
    _ends, segment = np.unique(ends, axis=0, return_inverse=True)
    metres = great_circle_m(lon[base.tail], lat[base.tail], lon[base.head], lat[base.head])
    return Network.from_arrays(
        base.tail, base.head, np.maximum(metres, 1.0), lon=lon, lat=lat, segment=segment.reshape(-1)
    )


def plain_names(base: Instance) -> DisplayNames:
    """Return the names that a problem has by itself."""
    return DisplayNames({}, {each.id: each.name or each.id for each in base.resources})


def shown_content(
    ground: DeskGround, desk: Desk, entries: Sequence[PlanSite], *, share: bool
) -> ReportContent:
    """Return the plan shown as the content of a report: what its map needs.

    Parameters
    ----------
    ground
        Of the desk.
    desk
        With the plan.
    entries
        What is known of each option of the problem, in its order.
    share
        Whether values are shares of all loads.
    """
    return ReportContent(
        title="",
        created="",
        summary=PlanSummary(status="feasible", upper=desk.value, share=share),
        region=ground.region,
        places=ground.places,
        sites=shown_sites(ground, desk, entries),
        beats=shown_beats(ground, desk),
        routes=_routes(ground, desk),
        sources=ground.sources,
    )


def shown_sites(
    ground: DeskGround | None, desk: Desk, entries: Sequence[PlanSite]
) -> tuple[SiteRow, ...]:
    """Return the report's rows of all options of a desk; marginal values, which take
    longer, are not in them.
    """
    names = plain_names(desk.base) if ground is None else ground.names
    spots = None if ground is None else ground.spots
    rows = [each.model_copy(update={"worth": None}) for each in entries]
    own = desk.placed[: len(rows)].tolist()
    chosen, others = (
        [row for row, used in zip(rows, own, strict=True) if used is wanted]
        for wanted in (True, False)
    )
    return site_rows(chosen, others, names, spots)


def shown_beats(ground: DeskGround | None, desk: Desk) -> tuple[BeatRow, ...]:
    """Return the report's rows of the beats of the plan shown."""
    instance = desk.model.instance
    worth = {
        beat.id: desk.option_adds([instance.option_index[beat.id]])
        for beat in desk.state.plan.beats
    }
    entries = beat_entries(desk.base, [desk.state.plan], worth)
    names, spots = (
        (plain_names(desk.base), None) if ground is None else (ground.names, ground.spots)
    )
    return beat_rows(entries, names, spots)


def _routes(ground: DeskGround, desk: Desk) -> tuple[EvaderRow, ...]:
    after, network = ground.answers(desk.state.plan), ground.region.network
    today = ground.today or (None,) * len(after)
    return tuple(
        _evader_row(desk.base.evaders[k], before, now, then, network)
        for k, before, now, then in zip(ground.drawn, ground.before, today, after, strict=True)
    )


def _evader_row(
    evader: Evader, before: Response, today: Response | None, after: Response, network: Network
) -> EvaderRow:
    start, _arrow, end = evader.label.removesuffix(", informed").partition(" > ")
    arcs_before, arcs_today, arcs_after = (
        np.array(() if answer is None else on_roads(answer.arcs, network), dtype=np.int64)
        for answer in (before, today, after)
    )
    return EvaderRow(
        evader=evader.id,
        start=start or evader.id,
        end=end,
        weight=evader.weight,
        before=before.value,
        today=None if today is None else today.value,
        after=after.value,
        arcs_before=arcs_before,
        arcs_today=arcs_today,
        arcs_after=arcs_after,
    )
