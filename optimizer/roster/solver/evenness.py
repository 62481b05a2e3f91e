"""How even a roster is, and what can be left out of it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from optimizer.roster.solver.problem import Pair, RosterProblem, RosterTask

NIGHT_WEIGHT = WEEKEND_WEIGHT = 3
"""Weight of a night or a weekend shift beside a block of hours."""
WEIGHT_STEPS = 4
"""Resolution of the weight of crews that work fewer hours a week than others."""


def with_gaps(problem: RosterProblem, pairs: Sequence[Pair]) -> RosterProblem:
    """Return the problem that asks only for the people that a roster has."""
    there = people_there(problem, pairs)
    tasks = tuple(replace(task, staff=min(task.staff, there[t])) for t, task in enumerate(problem.tasks))
    return replace(problem, tasks=tasks)


def people_there(problem: RosterProblem, pairs: Iterable[Pair]) -> defaultdict[int, int]:
    """Return how many people a roster puts on each task."""
    there: defaultdict[int, int] = defaultdict(int)
    for crew, task in pairs:
        there[task] += problem.crews[crew].people
    return there


def without_idle(problem: RosterProblem, pairs: Sequence[Pair]) -> list[Pair]:
    """Leave out crews that a task does not need, the smallest and the most worked first; less work never breaks a rule."""
    there, minutes = people_there(problem, pairs), _minutes(problem, pairs)
    kept = set(pairs)
    for crew, task in sorted(pairs, key=lambda pair: (pair[1], problem.crews[pair[0]].people, -minutes[pair[0]], pair)):
        people = problem.crews[crew].people
        if there[task] - people >= problem.tasks[task].staff:
            there[task] -= people
            kept.remove((crew, task))
    return sorted(kept)


def unevenness(problem: RosterProblem, pairs: Sequence[Pair]) -> float:
    """Return the weighted sum of squares that is minimised, of a whole roster."""
    return sum(loads(problem, pairs).values())


def loads(problem: RosterProblem, pairs: Sequence[Pair]) -> defaultdict[int, float]:
    """Return the term of each crew in the unevenness."""
    nights: defaultdict[int, int] = defaultdict(int)
    weekends: defaultdict[int, int] = defaultdict(int)
    minutes: defaultdict[int, int] = defaultdict(int)
    for crew, t in pairs:
        minutes[crew] += problem.tasks[t].end - problem.tasks[t].start
        nights[crew] += problem.tasks[t].night
        weekends[crew] += problem.tasks[t].weekend
    loads: defaultdict[int, float] = defaultdict(float)
    for crew, on_duty in minutes.items():
        blocks = -(-on_duty // problem.block)
        squares = NIGHT_WEIGHT * nights[crew] ** 2 + WEEKEND_WEIGHT * weekends[crew] ** 2 + blocks**2
        loads[crew] = crew_weight(problem, crew) * squares
    return loads


def _minutes(problem: RosterProblem, pairs: Iterable[Pair]) -> defaultdict[int, int]:
    worked: defaultdict[int, int] = defaultdict(int)
    for crew, task in pairs:
        worked[crew] += minutes_away(problem.tasks[task], crew)
    return worked


def minutes_away(task: RosterTask, crew: int) -> int:
    """Return the minutes a crew is away from its base for a task."""
    return task.end - task.start + 2 * task.travel[crew]


def crew_weight(problem: RosterProblem, crew: int) -> int:
    """Return the weight of a crew's work: more where it works fewer hours a week than the others."""
    longest = max(limits.week_minutes for limits in problem.crews)
    return max(1, round(WEIGHT_STEPS * longest / max(1, problem.crews[crew].week_minutes)))
