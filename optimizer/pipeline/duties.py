"""From a plan to the duties that a roster is made of: what each placed option asks of people, and how far its bases are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimizer.scenario.duties import Placed, make_duties
from optimizer.scenario.duties_file import DutyBase, DutyStop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.problem.placements import Beat, Placement
    from optimizer.problem.plan import Plan
    from optimizer.scenario.compile import Compiled
    from optimizer.scenario.duties_file import DutiesFile
    from optimizer.scenario.sites import PlacedSite


def duties_of(compiled: Compiled, plan: Plan) -> DutiesFile | None:
    """Return what people do under a plan; None where the scenario says nothing of shifts and crews.

    Raises
    ------
    InputError
        If something that needs people lies too far from every base, or a beat is longer than every shift.
    """
    scenario = compiled.scenario
    if scenario.roster is None:
        return None
    sites = [compiled.sites[placement.site] for placement in plan.fixed]
    travel = _minutes(compiled, [site.segment for site in sites])
    placed = [
        _at_site(compiled, placement, site, minutes)
        for placement, site, minutes in zip(plan.fixed, sites, travel, strict=True)
    ]
    placed += [_of_beat(beat) for beat in plan.beats]
    bases = [DutyBase(id=base.id, label=base.label or base.id, lon=base.lon, lat=base.lat) for base in scenario.bases]
    return make_duties(
        scenario.name, scenario.roster, scenario.shifts, scenario.crews, bases, placed, str(compiled.inputs[0])
    )


def _minutes(compiled: Compiled, segments: Sequence[int]) -> list[dict[str, float]]:
    """Return for each segment the minutes of driving from each base that can get there."""
    network, bases = compiled.region.network, compiled.scenario.bases
    if not bases or not segments:
        return [{} for _ in segments]
    nodes, _ = network.nearest_nodes(np.array([b.lon for b in bases]), np.array([b.lat for b in bases]))
    arc = network.segment_arc[np.asarray(segments)]
    seconds = network.time_graph().distances(nodes)
    nearer = np.minimum(seconds[:, network.tail[arc]], seconds[:, network.head[arc]])
    return [
        {base.id: float(s) / 60 for base, s in zip(bases, column, strict=True) if np.isfinite(s)} for column in nearer.T
    ]


def _at_site(compiled: Compiled, option: Placement, placed: PlacedSite, travel: dict[str, float]) -> Placed:
    network, site = compiled.region.network, placed.site
    kind = next(kind for kind in compiled.scenario.kinds if kind.id == option.type)
    arc = network.segment_arc[placed.segment]
    serving = {b.id for b in compiled.scenario.bases if not site.agency or b.agency in {"", site.agency}}
    return Placed(
        id=option.id,
        label=option.label,
        kind=option.kind,
        type=kind.id,
        agency=option.agency,
        lon=placed.lon,
        lat=placed.lat,
        uses=option.uses,
        place=str(network.name[arc]) or str(network.road_class[arc]),
        travel={base: minutes for base, minutes in travel.items() if base in serving},
        shifts=tuple(kind.shifts),
    )


def _of_beat(beat: Beat) -> Placed:
    stops = [
        DutyStop(
            label=stop.post.label,
            lon=stop.post.lon,
            lat=stop.post.lat,
            arrive=stop.arrive_s / 60,
            leave=stop.leave_s / 60,
        )
        for stop in beat.stops
    ]
    return Placed(
        id=beat.id,
        label=beat.label,
        kind=beat.kind,
        type=beat.type,
        agency=beat.agency,
        lon=beat.base.lon,
        lat=beat.base.lat,
        uses=beat.uses,
        place=beat.base.label,
        travel={beat.base.id: 0.0},
        stops=tuple(stops),
        minutes=beat.back_s / 60,
        shifts=beat.team.shifts,
    )
