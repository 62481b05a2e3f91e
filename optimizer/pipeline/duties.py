"""From a plan to the duties that a roster is made of: what each placed option asks of people, and how far its bases are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimizer.scenario.duties import Served, make_duties
from optimizer.scenario.duties_file import DutyBase

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.problem.plan_file import PlanFile
    from optimizer.scenario.compile import Compiled
    from optimizer.scenario.duties_file import DutiesFile


def duties_of(compiled: Compiled, plan: PlanFile) -> DutiesFile | None:
    """Return what people do under a plan; None where the scenario says nothing of shifts and crews.

    Raises
    ------
    InputError
        If something that needs people lies too far from every base, or a beat is longer than every shift.
    """
    scenario = compiled.scenario
    if scenario.roster is None:
        return None
    bases = [DutyBase(id=b.id, label=b.label or b.id, lon=b.lon, lat=b.lat) for b in scenario.bases]
    served = [*_served_sites(compiled, plan), *_served_beats(compiled, plan)]
    where = str(compiled.inputs[0])
    return make_duties(plan, scenario.roster, scenario.shifts, scenario.crews, bases, served, where)


def _served_sites(compiled: Compiled, plan: PlanFile) -> list[Served]:
    """Return the sites of a plan with the bases that may serve each and the shifts of its type."""
    shifts = {kind.id: tuple(kind.shifts) for kind in compiled.scenario.kinds}
    travel = _minutes(compiled, [compiled.sites[site.site].segment for site in plan.sites])
    owner = {base.id: base.agency for base in compiled.scenario.bases}
    return [
        Served(
            site,
            {base: m for base, m in minutes.items() if not site.agency or owner[base] in {"", site.agency}},
            shifts[site.type],
        )
        for site, minutes in zip(plan.sites, travel, strict=True)
    ]


def _served_beats(compiled: Compiled, plan: PlanFile) -> list[Served]:
    shifts = {team.id: tuple(team.shifts) for team in compiled.scenario.teams}
    return [Served(beat, {beat.base: 0.0}, shifts[beat.team]) for beat in plan.beats]


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
