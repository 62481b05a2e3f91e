"""Necessary conditions, checked by counting before any search: enough people, and enough of their hours and days in each week."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from optimizer.roster.infeasibility import InfeasibilityReport

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from optimizer.roster.solver.clock import Clock
    from optimizer.roster.subproblems import SlotDuty, Subproblem


@dataclass(frozen=True, slots=True)
class _Family:
    """Tasks that only certain crews may do, and those crews, by position in the subproblem."""

    tasks: list[int]
    crews: list[int]


def impossible(subproblem: Subproblem, clock: Clock) -> InfeasibilityReport | None:
    """Return the first necessary condition that a subproblem violates; None where it violates none, or the clock ends the counting."""
    for check in (_too_few_people, _too_few_at_once, _too_few_hours, _too_few_days):
        report = check(subproblem, clock)
        if report is not None:
            return report
    return None


def _too_few_people(subproblem: Subproblem, clock: Clock) -> InfeasibilityReport | None:
    """Find a duty that all crews who may do it together cannot fill, or cannot on a day of leave."""
    away: defaultdict[date, list[int]] = defaultdict(list)
    for c, crew in enumerate(subproblem.crews):
        for day in crew.away:
            away[day].append(c)
    people_of: dict[str, int] = {}
    for t, one in enumerate(subproblem.duties):
        if clock.over:
            return None
        slot, duty = one.slot, one.duty
        crews = subproblem.problem.tasks[t].travel
        if duty.id not in people_of:
            people_of[duty.id] = sum(subproblem.crews[c].people for c in crews)
        people = people_of[duty.id]
        there = people - sum(subproblem.crews[c].people for c in away[slot.day] if c in crews)
        if people < duty.staff:
            able = f"of the crews of its agency that serve it from their base and can do it, there are {people}"
            return InfeasibilityReport("crews", slot, duty, duty.staff, people, f"people are needed and, {able}")
        if there < duty.staff:
            return InfeasibilityReport(
                "away", slot, duty, duty.staff, there, f"people are needed and {there} are not away"
            )
    return None


def _too_few_at_once(subproblem: Subproblem, clock: Clock) -> InfeasibilityReport | None:
    """Find a shift whose duties together need more people than there are."""
    by_slot: defaultdict[int, list[int]] = defaultdict(list)
    for t, one in enumerate(subproblem.duties):
        by_slot[id(one.slot)].append(t)
    for tasks in by_slot.values():
        if clock.over:
            return None
        for family in _families(subproblem, tasks):
            inside, crews = family.tasks, family.crews
            needed = sum(subproblem.duties[t].duty.staff for t in inside)
            first = subproblem.duties[inside[0]]
            there = sum(subproblem.crews[c].people for c in crews if first.slot.day not in subproblem.crews[c].away)
            if there < needed:
                others = f", over {len(inside)} duties at once" if len(inside) > 1 else ""
                reason = f"people are needed{others} and {there} may be sent"
                return InfeasibilityReport("one at a time", first.slot, first.duty, needed, there, reason)
    return None


def _too_few_hours(subproblem: Subproblem, clock: Clock) -> InfeasibilityReport | None:
    """Find a week whose duties take more hours than their crews have."""
    for family in _weeks(subproblem):
        if clock.over:
            return None
        inside, crews = family.tasks, family.crews
        minutes = [
            subproblem.duties[t].duty.staff * (task.end - task.start + 2 * min(task.travel.values()))
            for t in inside
            for task in [subproblem.problem.tasks[t]]
        ]
        there = sum(subproblem.crews[c].people * subproblem.crews[c].week_minutes for c in crews)
        if sum(minutes) > there:
            first = _where_it_runs_out(subproblem, inside, minutes, there)
            needed, have = sum(minutes) / 60, there / 60
            reason = (
                f"person-hours of work are needed in the week of {_monday(subproblem, inside)} (travel counted) and {len(crews)} crews have "
                f"{have:,.0f}"
            )
            return InfeasibilityReport("hours", first.slot, first.duty, needed, have, reason)
    return None


def _too_few_days(subproblem: Subproblem, clock: Clock) -> InfeasibilityReport | None:
    """Find a week whose duties take more shifts than their crews may work, where nobody can work two shifts that begin on one day."""
    for family in _weeks(subproblem):
        if clock.over:
            return None
        inside, crews = family.tasks, family.crews
        if not _one_a_day(subproblem, inside, crews):
            continue
        staff = [subproblem.duties[t].duty.staff for t in inside]
        days = sorted({subproblem.duties[t].slot.day for t in inside})
        free = {c: sum(day not in subproblem.crews[c].away for day in days) for c in crews}
        there = sum(subproblem.crews[c].people * min(7 - subproblem.crews[c].days_off, free[c]) for c in crews)
        without_rule = sum(subproblem.crews[c].people * free[c] for c in crews)
        if there < sum(staff) <= without_rule:
            first = _where_it_runs_out(subproblem, inside, staff, there)
            reason = (
                f"person-shifts are needed in the week of {_monday(subproblem, inside)} and {len(crews)} crews may work {there:,.0f} of them "
                "with their days off"
            )
            return InfeasibilityReport("days off", first.slot, first.duty, sum(staff), there, reason)
    return None


def _weeks(subproblem: Subproblem) -> Iterator[_Family]:
    """Yield for each week the families of its tasks."""
    by_week: defaultdict[int, list[int]] = defaultdict(list)
    for t, one in enumerate(subproblem.duties):
        by_week[one.slot.index // 7].append(t)
    for week in sorted(by_week):
        yield from _families(subproblem, by_week[week])


def _families(subproblem: Subproblem, tasks: list[int]) -> Iterator[_Family]:
    """Yield the tasks that only certain crews may do, with those crews: once for each set of crews, and all together."""
    able = {t: frozenset(subproblem.problem.tasks[t].travel) for t in tasks}
    everybody = frozenset().union(*able.values())
    for crews in sorted({*able.values(), everybody}, key=lambda some: (len(some), sorted(some))):
        yield _Family([t for t in tasks if able[t] <= crews], sorted(crews))


def _one_a_day(subproblem: Subproblem, tasks: list[int], crews: list[int]) -> bool:
    """Return whether no crew can work two shifts that begin on one day."""
    spans: defaultdict[int, set[tuple[int, int]]] = defaultdict(set)
    for t in tasks:
        task = subproblem.problem.tasks[t]
        spans[task.day].add((task.start, task.end))
    rest = min(subproblem.crews[c].rest_minutes for c in crews)
    return all(b[0] - a[1] < rest for day in spans.values() for a in day for b in day if a < b)


def _where_it_runs_out(subproblem: Subproblem, tasks: list[int], amounts: list[int], there: int) -> SlotDuty:
    """Return the first task, in order of time, by which more is needed than there is."""
    total = 0
    for t, amount in zip(tasks, amounts, strict=True):
        total += amount
        if total > there:
            return subproblem.duties[t]
    raise AssertionError("called only where the amounts exceed what there is")


def _monday(subproblem: Subproblem, tasks: list[int]) -> str:
    """Return the first day of the roster's week that holds the tasks."""
    slot = subproblem.duties[tasks[0]].slot
    return (slot.day - timedelta(days=slot.index % 7)).isoformat()
