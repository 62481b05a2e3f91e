"""From a plan to the duties that a roster is made of: what each placed option asks of people, and how far its bases are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimizer.scenario.duties import Base, Placed, Stop, make_duties

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.problem.options import Option
    from optimizer.problem.placements import Beat
    from optimizer.problem.result import Result
    from optimizer.scenario.compile import Compiled
    from optimizer.scenario.duties_file import DutiesFile
    from optimizer.scenario.sites import PlacedSite
    from optimizer.solvers.patrols.joint import Joint


def duties_of(compiled: Compiled, result: Result, joint: Joint | None) -> DutiesFile | None:
    """Return what people do under a plan; None where the scenario says nothing of shifts and crews.

    Raises
    ------
    InputError
        If something that needs people lies too far from every base, or a beat is longer than every shift.
    """
    scenario = compiled.scenario
    if scenario.roster is None or result.plan is None:
        return None
    fixed, chosen = compiled.instance.options[: len(compiled.sites)], set(result.plan.options)
    travel = _minutes(compiled, [site.segment for site in compiled.sites])
    placed = [
        _at_site(compiled, option, site, travel[position])
        for position, (option, site) in enumerate(zip(fixed, compiled.sites, strict=True))
        if option.id in chosen
    ]
    if joint is not None:
        placed += [_beat(joint, name, beat) for name, beat in joint.chosen.items()]
    bases = [Base(base.id, base.label or base.id, base.lon, base.lat) for base in scenario.bases]
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


def _at_site(compiled: Compiled, option: Option, placed: PlacedSite, travel: dict[str, float]) -> Placed:
    network, site = compiled.region.network, placed.site
    kinds = {kind.id: kind for kind in compiled.scenario.kinds}
    fitting = [*(site.kinds or kinds), *([site.existing] if site.existing else [])]
    named = option.id.removeprefix(f"{site.id}:")
    kind = kinds[named if named in kinds and option.id != site.id else fitting[0]]
    arc = network.segment_arc[placed.segment]
    serving = {b.id for b in compiled.scenario.bases if not site.agency or b.agency in {"", site.agency}}
    return Placed(
        id=option.id,
        label=option.label or option.id,
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


def _beat(joint: Joint, name: str, beat: Beat) -> Placed:
    who = joint.patrols.patrols[beat.patrol]
    stops = [
        Stop((post := stop.post).label, post.lon, post.lat, stop.arrive_s / 60, stop.leave_s / 60)
        for stop in beat.stops
    ]
    return Placed(
        id=name,
        label=beat.option.label or name,
        kind="patrol",
        type=who.team.id,
        agency=who.team.agency,
        lon=who.base.lon,
        lat=who.base.lat,
        uses=beat.option.uses,
        place=who.base.label,
        travel={who.base.id: 0.0},
        stops=tuple(stops),
        minutes=beat.back_s / 60,
        shifts=who.team.shifts,
    )
