"""Whose roads a site relieves: by how much less gets through because of it, by the agencies whose roads the evaders travelled before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimizer.problem.plan.agencies import owners_of
from optimizer.problem.plan.evaluation import evader_values, evaluate
from optimizer.problem.plan.plan import with_plan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from optimizer.problem.instance.instance import Instance
    from optimizer.problem.plan.plan import Placement, Plan


@dataclass(frozen=True, slots=True)
class SiteGain:
    """What one placement of a plan brings.

    Attributes
    ----------
    placement
        Which.
    owners
        Agencies that it is of; of several for a joint one.
    gains
        By how much less gets through because of it, the rest of the plan as it is, by the agency whose roads the evaders travel when nothing is
        placed; an evader counts in equal parts for all of whom he passes an option, and under the empty name where he passes none.
    """

    placement: Placement
    owners: tuple[str, ...]
    gains: Mapping[str, float]

    @property
    def total(self) -> float:
        """What it brings in all."""
        return sum(self.gains.values())


@dataclass(frozen=True, slots=True)
class AgencyGain:
    """What all placements of an agency, or all joint ones of the same agencies, bring together; fields as of `SiteGain`."""

    owners: tuple[str, ...]
    placements: int
    gains: Mapping[str, float]

    @property
    def total(self) -> float:
        """What they bring in all."""
        return sum(self.gains.values())


def site_gains(instance: Instance, plan: Plan) -> tuple[SiteGain, ...]:
    """Return what each placement of a plan brings to each agency, the largest first."""
    whole = with_plan(instance, plan)
    groups = [((placement.id,), placement) for placement in plan.placements]
    falls = _falls(whole, plan, [ids for ids, _ in groups])
    gains = []
    for (_, placement), by_agency in zip(groups, falls, strict=True):
        owners = sorted(owners_of(whole, placement.uses, placement.agency))
        gains.append(SiteGain(placement, tuple(owners), {name: each for name, each in by_agency.items() if each > 0}))
    return tuple(sorted(gains, key=lambda each: -each.total))


def agency_gains(instance: Instance, plan: Plan) -> tuple[AgencyGain, ...]:
    """Return what the placements of each agency, and the joint ones of several, bring to each agency; the largest first."""
    whole = with_plan(instance, plan)
    groups: dict[tuple[str, ...], list[str]] = {}
    for placement in plan.placements:
        owners = tuple(sorted(owners_of(whole, placement.uses, placement.agency)))
        groups.setdefault(owners, []).append(placement.id)
    falls = _falls(whole, plan, list(groups.values()))
    gains = [
        AgencyGain(owners, len(ids), by_agency) for (owners, ids), by_agency in zip(groups.items(), falls, strict=True)
    ]
    return tuple(sorted(gains, key=lambda each: -each.total))


def _falls(whole: Instance, plan: Plan, groups: Sequence[Sequence[str]]) -> list[dict[str, float]]:
    """Return by how much less gets through because of each group of placements, by the agency whose roads the evaders travel."""
    placed = whole.placed(plan.options)
    values = evader_values(whole, placed)
    weights = np.array([evader.weight for evader in whole.evaders])
    passed = _shares_of_agencies(whole)
    found = []
    for ids in groups:
        without = placed.copy()
        without[[whole.option_index[name] for name in ids]] = False
        fall = weights * (evader_values(whole, without) - values)
        found.append({name: float(fall @ share) for name, share in passed.items()})
    return found


def _shares_of_agencies(instance: Instance) -> dict[str, np.ndarray]:
    """Return for each agency the (evaders,) part of each evader that counts for it."""
    roads: dict[str, set[int]] = {}
    for option in instance.options:
        for name in owners_of(instance, option.uses, option.agency):
            roads.setdefault(name, set()).update(option.arcs)
    responses = evaluate(instance, ()).evaders
    met = [
        [name for name, arcs in roads.items() if not arcs.isdisjoint(_travelled(instance, k, response.arcs))]
        for k, response in enumerate(responses)
    ]
    return {
        name: np.array([(name in each or (not name and not each)) / max(len(each), 1) for each in met])
        for name in [*roads, ""]
    }


def _travelled(instance: Instance, k: int, arcs: tuple[int, ...]) -> set[int]:
    routes = instance.evaders[k].routes
    return {arc for route in routes for arc in route.arcs} if routes else set(arcs)
