"""The floor of a beat: one that stops fewer loads beside the rest of a plan than its teams ask for is not driven.

Beats go one by one, that of the smallest marginal value among those below their floor first; the others then stop more. What is left is a plan
of the same problem, so the bound holds as it is, and the gap says what the floor costs too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from optimizer.base.text.formatting import number
from optimizer.base.text.messages import Message, counted_message, message, shortened
from optimizer.problem.plan.evaluation import marginal_values, plan_value
from optimizer.problem.plan.plan import Plan, with_plan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from optimizer.problem.instance.instance import Instance
    from optimizer.problem.plan.result import Result


@dataclass(frozen=True, slots=True)
class DrivenBeats:
    """A result without the beats below their floor, and what to tell of those."""

    found: Result
    warnings: tuple[Message, ...] = ()


def without_weak_beats(instance: Instance, found: Result, floors: Mapping[str, float]) -> DrivenBeats:
    """Return a result without the beats that stop less than the floor of their teams; of a mixture as it is.

    Parameters
    ----------
    instance, found
        The problem, and its result.
    floors
        By id of a type of teams, >= 0, in the unit of the value.
    """
    plan, before = found.plan, found.upper
    if plan is None or before is None or found.mixed is not None or not any(floors.get(b.team.id) for b in plan.beats):
        return DrivenBeats(found)
    left_out = []
    while weak := _weak(instance, plan, floors):
        left_out.append(weak)
        plan = Plan(tuple(placement for placement in plan.placements if placement.id != weak))
    if not left_out:
        return DrivenBeats(found)
    whole = with_plan(instance, plan)
    value = plan_value(whole, whole.placed(plan.options))
    warning = message(
        "{beats} not driven, as each stops less than the floor of its teams: {names}. What gets through rises by {rise} in all.",
        beats=counted_message("{count} beat is", "{count} beats are", len(left_out)),
        names=shortened(left_out),
        rise=number(value - before),
    )
    return DrivenBeats(replace(found, plan=plan, upper=value, status="feasible"), (warning,))


def _weak(instance: Instance, plan: Plan, floors: Mapping[str, float]) -> str | None:
    """Return the id of the beat of the smallest marginal value among those below their floor; None where there is none."""
    worth = marginal_values(with_plan(instance, plan), plan)
    below = [beat for beat in plan.beats if worth[beat.id] < floors.get(beat.team.id, 0.0)]
    return min(below, key=lambda beat: (worth[beat.id], beat.id)).id if below else None
