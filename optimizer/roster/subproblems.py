"""From duties to the solver's arrays: independent subproblems, each with the crews and duties that have to do with one another."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from optimizer.roster.solver.problem import CrewLimits, EarlierShift, RosterProblem, RosterTask

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from optimizer.roster.calendar import Slot
    from optimizer.roster.earlier import Worked
    from optimizer.roster.model import Crew, Duties
    from optimizer.scenario.duties_file import Duty


@dataclass(frozen=True, slots=True)
class SlotDuty:
    """A duty in one shift of one day."""

    slot: Slot
    duty: Duty


@dataclass(frozen=True)
class Subproblem:
    """Crews and duties that no other crew or duty touches.

    Attributes
    ----------
    name
        Its agencies, for messages.
    crews
        One for each of `problem.crews`.
    duties
        What each of `problem.tasks` is.
    problem
        What the solver reads.
    """

    name: str
    crews: tuple[Crew, ...]
    duties: tuple[SlotDuty, ...]
    problem: RosterProblem


def subproblems_of(
    duties: Duties, slots: Sequence[Slot], first: date, weeks: int, before: Sequence[Worked] = ()
) -> list[Subproblem]:
    """Split a horizon into subproblems that can be solved alone.

    Parameters
    ----------
    duties
        Everything there is.
    slots
        The horizon's shifts, in order of time.
    first, weeks
        The horizon.
    before
        What crews did just before it; shifts of crews that are no more are left out.
    """
    asked = {duty.id: duty for slot in slots for duty in slot.duties}
    able = {duty.id: [c for c, crew in enumerate(duties.crews) if crew.may_do(duty)] for duty in asked.values()}
    group = _groups(able)
    subproblems = []
    for root in sorted(set(group.values())):
        mine = [SlotDuty(slot, duty) for slot in slots for duty in slot.duties if group[duty.id] == root]
        crews = sorted({c for one in mine for c in able[one.duty.id]})
        subproblems.append(_subproblem(tuple(mine), tuple(duties.crews[c] for c in crews), first, weeks, before))
    return subproblems


def _groups(able: dict[str, list[int]]) -> dict[str, str]:
    """Return for each duty the first of the duties that it is tied to by crews who may do both."""
    duties_of: defaultdict[int, list[str]] = defaultdict(list)
    for duty, crews in able.items():
        for crew in crews:
            duties_of[crew].append(duty)
    group: dict[str, str] = {}
    for first in sorted(able):
        stack = [] if first in group else [first]
        while stack:
            duty = stack.pop()
            if duty not in group:
                group[duty] = first
                stack += [other for crew in able[duty] for other in duties_of[crew] if other not in group]
                for crew in able[duty]:
                    duties_of[crew] = []
    return group


def _subproblem(
    asked: tuple[SlotDuty, ...], crews: tuple[Crew, ...], first: date, weeks: int, before: Sequence[Worked]
) -> Subproblem:
    asked_of = {one.duty.id: one.duty for one in asked}
    minutes = {  # the same table on every day: with many crews it is what is large
        name: {c: crew.travel_to(duty) for c, crew in enumerate(crews) if crew.may_do(duty)}
        for name, duty in asked_of.items()
    }
    tasks = tuple(
        RosterTask(
            start=_minutes(slot.start),
            end=_minutes(slot.end),
            day=slot.index,
            staff=duty.staff,
            night=slot.night,
            weekend=slot.weekend,
            travel=minutes[duty.id],
        )
        for slot, duty in ((one.slot, one.duty) for one in asked)
    )
    agencies = sorted({duty.agency for duty in (one.duty for one in asked) if duty.agency})
    limits = tuple(_limits(crew, first, weeks) for crew in crews)
    position = {crew.id: c for c, crew in enumerate(crews)}
    earlier = tuple(
        EarlierShift(position[one.crew], (one.day - first).days, _minutes(one.leave), _minutes(one.back))
        for one in before
        if one.crew in position
    )
    return Subproblem(", ".join(agencies), crews, asked, RosterProblem(limits, tasks, weeks, earlier))


def _minutes(moment: datetime) -> int:
    """Return minutes since 1970."""
    return round(moment.timestamp() / 60)


def _limits(crew: Crew, first: date, weeks: int) -> CrewLimits:
    last = first + timedelta(days=7 * weeks)
    away = frozenset((day - first).days for day in crew.away if first <= day < last)
    return CrewLimits(crew.people, crew.week_minutes, crew.rest_minutes, crew.most_days, crew.days_off, away)
