"""Sums that no roster can escape, done before any search: people there are, hours and days of a week."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING

from optimizer.roster.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.roster.calendar import Slot
    from optimizer.roster.model import Duty
    from optimizer.roster.parts import Part


def impossible(part: Part) -> Refusal | None:
    """Return what plain sums say against a part, or None where they say nothing."""
    for check in (_too_few_people, _too_few_at_once, _too_few_hours, _too_few_days):
        refusal = check(part)
        if refusal is not None:
            return refusal
    return None


def _too_few_people(part: Part) -> Refusal | None:
    """Find a duty that all crews who may do it together cannot fill, or cannot on a day of leave."""
    for t, (slot, duty) in enumerate(part.asked):
        crews = part.problem.tasks[t].travel
        people = sum(part.crews[c].people for c in crews)
        there = sum(part.crews[c].people for c in crews if slot.day not in part.crews[c].away)
        if people < duty.staff:
            able = f"of the crews of its agency that serve it from their base and can do it, there are {people}"
            return Refusal("crews", slot, duty, duty.staff, people, f"people are needed and, {able}")
        if there < duty.staff:
            return Refusal("away", slot, duty, duty.staff, there, f"people are needed and {there} are not away")
    return None


def _too_few_at_once(part: Part) -> Refusal | None:
    """Find a shift whose duties together need more people than there are."""
    by_slot: defaultdict[int, list[int]] = defaultdict(list)
    for t, (slot, _) in enumerate(part.asked):
        by_slot[id(slot)].append(t)
    for tasks in by_slot.values():
        for inside, crews in _families(part, tasks):
            needed = sum(part.asked[t][1].staff for t in inside)
            slot, duty = part.asked[inside[0]]
            there = sum(part.crews[c].people for c in crews if slot.day not in part.crews[c].away)
            if there < needed:
                others = f", over {len(inside)} duties at once" if len(inside) > 1 else ""
                words = f"people are needed{others} and {there} may be sent"
                return Refusal("one at a time", slot, duty, needed, there, words)
    return None


def _too_few_hours(part: Part) -> Refusal | None:
    """Find a week whose duties take more hours than their crews have."""
    for inside, crews in _weeks(part):
        minutes = [
            part.asked[t][1].staff * (task.end - task.start + 2 * min(task.travel.values()))
            for t in inside
            for task in [part.problem.tasks[t]]
        ]
        there = sum(part.crews[c].people * part.crews[c].week_minutes for c in crews)
        if sum(minutes) > there:
            slot, duty = _where_it_runs_out(part, inside, minutes, there)
            needed, have = sum(minutes) / 60, there / 60
            words = (
                f"person-hours of work are needed in the week of {_monday(part, inside)} (travel counted) and {len(crews)} crews have "
                f"{have:,.0f}"
            )
            return Refusal("hours", slot, duty, needed, have, words)
    return None


def _too_few_days(part: Part) -> Refusal | None:
    """Find a week whose duties take more shifts than their crews may work, where nobody can work two shifts that begin on one day."""
    for inside, crews in _weeks(part):
        if not _one_a_day(part, inside, crews):
            continue
        staff = [part.asked[t][1].staff for t in inside]
        days = sorted({part.asked[t][0].day for t in inside})
        free = {c: sum(day not in part.crews[c].away for day in days) for c in crews}
        there = sum(part.crews[c].people * min(7 - part.crews[c].days_off, free[c]) for c in crews)
        without_rule = sum(part.crews[c].people * free[c] for c in crews)
        if there < sum(staff) <= without_rule:
            slot, duty = _where_it_runs_out(part, inside, staff, there)
            words = (
                f"person-shifts are needed in the week of {_monday(part, inside)} and {len(crews)} crews may work {there:,.0f} of them with "
                "their days off"
            )
            return Refusal("days off", slot, duty, sum(staff), there, words)
    return None


def _weeks(part: Part) -> Iterator[tuple[list[int], list[int]]]:
    """Yield for each week the families of its tasks."""
    by_week: defaultdict[int, list[int]] = defaultdict(list)
    for t, (slot, _) in enumerate(part.asked):
        by_week[slot.index // 7].append(t)
    for week in sorted(by_week):
        yield from _families(part, by_week[week])


def _families(part: Part, tasks: list[int]) -> Iterator[tuple[list[int], list[int]]]:
    """Yield the tasks that only certain crews may do, with those crews: once for each set of crews, and all together."""
    able = {t: frozenset(part.problem.tasks[t].travel) for t in tasks}
    everybody = frozenset().union(*able.values())
    for crews in sorted({*able.values(), everybody}, key=lambda some: (len(some), sorted(some))):
        yield [t for t in tasks if able[t] <= crews], sorted(crews)


def _one_a_day(part: Part, tasks: list[int], crews: list[int]) -> bool:
    """Return whether no crew can work two shifts that begin on one day."""
    spans: defaultdict[int, set[tuple[int, int]]] = defaultdict(set)
    for t in tasks:
        task = part.problem.tasks[t]
        spans[task.day].add((task.start, task.end))
    rest = min(part.crews[c].rest_minutes for c in crews)
    return all(b[0] - a[1] < rest for day in spans.values() for a in day for b in day if a < b)


def _where_it_runs_out(part: Part, tasks: list[int], amounts: list[int], there: int) -> tuple[Slot, Duty]:
    """Return the first task, in order of time, by which more is needed than there is."""
    total = 0
    for t, amount in zip(tasks, amounts, strict=True):
        total += amount
        if total > there:
            return part.asked[t]
    raise AssertionError("called only where the amounts exceed what there is")


def _monday(part: Part, tasks: list[int]) -> str:
    """Return the first day of the roster's week that holds the tasks."""
    slot = part.asked[tasks[0]][0]
    return (slot.day - timedelta(days=slot.index % 7)).isoformat()
