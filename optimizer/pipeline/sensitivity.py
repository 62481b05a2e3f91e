"""Which assumption moves the value of a plan most, and which changes the plan: each varied alone, the problem solved at both ends of its range.

Options, posts and beats stay those of the plan's problem; what changes is who travels, what detects how well, and budgets. With patrol teams
the solves keep or leave out the beats of the plan and make no others.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.executor import SERIAL, Piece
from optimizer.base.listener import SILENT
from optimizer.base.said import Said, said
from optimizer.pipeline.variations import Variation, variations
from optimizer.problem.changes import Changes
from optimizer.problem.evaluation import plan_value
from optimizer.problem.plan import violations, with_plan
from optimizer.problem.result import tolerance_of
from optimizer.scenario.compile import scenario_travel
from optimizer.scenario.draws import at_chances
from optimizer.scenario.evidence import read_evidence
from optimizer.scenario.source_measures import with_travel
from optimizer.solvers.solve import place

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from optimizer.base.executor import Executor, PieceCall
    from optimizer.base.listener import Listener
    from optimizer.pipeline.variations import VariationEnd
    from optimizer.problem.instance import Instance
    from optimizer.problem.plan import Plan
    from optimizer.scenario.compile import Compiled

SOLVES = 4.0
"""Time of all variations, in time limits of the scenario."""


@dataclass(frozen=True)
class VariedPlan:
    """A plan, and the best plan, where one assumption is at an end of its range.

    Attributes
    ----------
    value
        Value of the plan as it is; None where it breaks a budget there.
    lower, upper
        Proven bound, and value of the best plan found.
    comes, goes
        Ids of what the best plan found has and the plan has not, and the other way round. None where the plan is as good, or where the better
        plan is better without the change too: then it is the search that found it, not the assumption.
    """

    value: float | None
    lower: float
    upper: float
    comes: tuple[str, ...] = ()
    goes: tuple[str, ...] = ()


@dataclass(frozen=True)
class VariedAssumption:
    """An assumption with the outcomes at its ends; None where the time was over before."""

    variation: Variation
    low: VariedPlan | None
    high: VariedPlan | None

    def swing(self, value: float) -> float:
        """Return by how much the value of the best plan found differs at most between the ends and the plan as assumed."""
        known = [value, *(end.upper for end in (self.low, self.high) if end is not None)]
        return max(known) - min(known)


@dataclass(frozen=True)
class Sensitivity:
    """How a plan depends on what is assumed.

    Attributes
    ----------
    value
        Of the plan as assumed.
    varied
        Each assumption, that which moves the value most first.
    faults
        Which ends were not solved, and why, a sentence each.
    teams
        Whether beats of the plan were kept or left out, and no others made.
    """

    value: float
    varied: tuple[VariedAssumption, ...]
    faults: tuple[str, ...]
    teams: bool


@dataclass(frozen=True, eq=False)
class _Base:
    """What all variations have in common: the scenario's file and how it was read, its compilation, and the plan on its instance."""

    path: Path
    settings: Mapping[str, object]
    skip_unreachable: bool
    compiled: Compiled
    instance: Instance
    plan: Plan


def sensitivity_of(
    path: Path,
    compiled: Compiled,
    plan: Plan,
    *,
    settings: Mapping[str, object] | None = None,
    skip_unreachable: bool = False,
    executor: Executor = SERIAL,
    listener: Listener = SILENT,
) -> Sensitivity:
    """Vary the assumptions of a scenario one by one, and solve at both ends of each.

    Parameters
    ----------
    path, settings, skip_unreachable
        As the scenario was compiled.
    compiled
        The scenario, perhaps with changes to its instance.
    plan
        Its plan.
    executor
        Who solves.
    listener
        Told of each.
    """
    terms = compiled.scenario.solve
    varied = variations(compiled)
    pieces = [Piece(f"{each.name}: {end.text}", end) for each in varied for end in (each.low, each.high)]
    until = None if terms.time_limit is None else time.monotonic() + SOLVES * terms.time_limit
    whole = with_plan(compiled.instance, plan)
    base = _Base(path, dict(settings or {}), skip_unreachable, compiled, whole, plan)
    found: dict[str, VariedPlan] = {}
    faults: list[Said] = []
    for ended in executor.run(vary, pieces, shared=base, until=until, listener=listener):
        if ended.error is not None:
            faults.append(said("{what} could not be solved: {fault}", what=ended.piece.key, fault=ended.fault))
        else:
            found[ended.piece.key] = ended.result
    value = plan_value(whole, whole.placed(plan.options))
    ends = [found.get(piece.key) for piece in pieces]
    outcomes = [VariedAssumption(each, ends[2 * k], ends[2 * k + 1]) for k, each in enumerate(varied)]
    outcomes.sort(key=lambda each: -each.swing(value))
    left = len(pieces) - len(found) - len(faults)
    if left:
        faults.append(
            said(
                "{left} of {ends} ends were not solved before the time was over: give more with --time-limit",
                left=left,
                ends=len(pieces),
            )
        )
    return Sensitivity(value, tuple(outcomes), tuple(faults), whole.patrols is not None)


def vary(call: PieceCall) -> VariedPlan:
    """Return the outcome at one end of an assumption."""
    base: _Base = call.shared
    terms = base.compiled.scenario.solve
    case = _case(base, call.piece.argument)
    own = base.instance.placed(base.plan.options)
    fits = not violations(case, own)
    result = place(
        case,
        method=terms.method,
        gap=terms.gap,
        time_limit=call.seconds,
        seed=terms.seed,
        threads=terms.threads if call.alone else 1,
        starts=(own,) if fits else (),
        listener=call.listener,
    )
    value = plan_value(case, own)
    if result.plan is None or result.upper is None:
        return VariedPlan(value if fits else None, result.lower or 0.0, value)
    best = case.placed(result.plan.options)
    better = not fits or value - result.upper > tolerance_of(terms.gap) * value
    if better and not violations(base.instance, best):
        better = not fits or plan_value(base.instance, best) >= plan_value(base.instance, own)
    comes, goes = (best & ~own, own & ~best) if better else (own & ~own, own & ~own)
    return VariedPlan(
        value if fits else None,
        result.lower or 0.0,
        result.upper,
        _ids(case, comes),
        _ids(case, goes),
    )


def _ids(instance: Instance, mask: NDArray[np.bool_]) -> tuple[str, ...]:
    return tuple(instance.options[j].id for j in np.flatnonzero(mask).tolist())


def _case(base: _Base, end: VariationEnd) -> Instance:
    """Return the problem at an end of an assumption."""
    instance = base.instance
    if end.budgets:
        return Changes(budgets=end.budgets).applied(instance)
    if end.chances:
        return with_plan(at_chances(base.compiled, base.compiled.instance, end.chances), _remade(base, end.chances))
    evidence = read_evidence(
        base.path, settings={**base.settings, **end.settings}, skip_unreachable=base.skip_unreachable
    )
    travel = scenario_travel(evidence, str(base.path))
    return with_travel(instance, evidence.scenario, evidence.demand.gateways, travel)


def _remade(base: _Base, chances: Mapping[str, float]) -> Plan:
    """Return the plan with its beats as they are with other detection chances."""
    from optimizer.problem.plan import packed_plan, unpacked_plan

    return unpacked_plan(at_chances(base.compiled, base.compiled.instance, chances), packed_plan(base.plan))
