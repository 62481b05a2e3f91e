"""Rosters by windows of weeks: a first one, a more even one, one that lacks the fewest people.

A long horizon is found week by week with the work before held fixed; where a week has no solution, the weeks before it are solved again with
it, so that "infeasible" is returned only for the whole beginning of the horizon: it is a proof. The roster is then balanced, whole or by
neighbourhoods. One worker, a seed and limits in CP-SAT's own deterministic time: the same call gives the same roster unless the clock ends it.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from optimizer.roster.solver.program import RosterOutcome, RosterProgram, loads, people_there, unevenness, without_idle

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

    from optimizer.roster.solver.program import Clock, Pair, RosterProblem, RuleName

WHOLE_PAIRS = 3_000
"""Most pairs of crew and task that are balanced in one model."""
WHOLE_EFFORT = 3.0
"""Deterministic time of that model: about as many seconds."""
STEP_PAIRS = 600
"""Most pairs that one step of the search of neighbourhoods does anew."""
STEP_EFFORT = 0.03
"""Deterministic time of one step."""
PATIENCE = 40
"""Steps without gain after which the search of neighbourhoods ends."""
SHORT_EFFORT = 4.0
"""Deterministic time of one question of the search for a reason, and of the fewest people short in a week."""


def first_roster(problem: RosterProblem, clock: Clock, seed: int) -> RosterOutcome:
    """Find any roster that keeps all rules, or prove that there is none.

    Parameters
    ----------
    problem
        Crews and tasks.
    clock
        Ends the search.
    seed
        Of the search, >= 0.
    """
    pairs: list[Pair] = []
    for week in range(problem.weeks):
        taken_back = 0
        while True:
            begin = max(0, week - taken_back)
            kept = [pair for pair in pairs if problem.tasks[pair[1]].day < 7 * begin]
            model = RosterProgram(problem, range(begin, week + 1), kept, clock)
            ended = model.first(seed)
            if ended in {"optimal", "feasible"}:
                pairs = kept + model.pairs
                break
            if ended == "unknown":
                return RosterOutcome("unknown", clock.limit, (), problem.weeks)
            if begin == 0:
                return RosterOutcome("infeasible", None, (), week + 1)
            taken_back = 2 * taken_back + 1
    return RosterOutcome("feasible", None, tuple(sorted(pairs)), problem.weeks)


def balanced(problem: RosterProblem, pairs: Sequence[Pair], clock: Clock, seed: int) -> RosterOutcome:
    """Spread hours, nights and weekends more evenly, starting from a roster that keeps all rules.

    A small problem is solved whole, which may prove that nothing is more even. What is left is a search of neighbourhoods: the work of some
    crews in some weeks is done anew with all else fixed, again and again until none of many tries helps.

    Parameters
    ----------
    problem
        Crews and tasks.
    pairs
        The roster to start from.
    clock
        Ends the search; what was reached by then is returned.
    seed
        Of the search, >= 0.
    """
    reached = _Reached(without_idle(problem, pairs))
    try:
        _even_out(problem, reached, clock, seed)
    except KeyboardInterrupt:  # between two solves
        clock.interrupted = True
    if reached.proven:
        return RosterOutcome("optimal", None, tuple(reached.pairs), problem.weeks)
    return RosterOutcome("feasible", clock.limit, tuple(reached.pairs), problem.weeks)


@dataclass
class _Reached:
    """The most even roster so far, and whether it is proven that none is more even."""

    pairs: list[Pair]
    proven: bool = False


def _even_out(problem: RosterProblem, reached: _Reached, clock: Clock, seed: int) -> None:
    """Solve whole if that is small enough, then by neighbourhoods; what is reached is kept at every moment."""
    if sum(len(task.travel) for task in problem.tasks) <= WHOLE_PAIRS:
        model = RosterProgram(problem, range(problem.weeks), [], clock)
        model.even_out(reached.pairs)
        ended = model.search(seed, effort=WHOLE_EFFORT)
        if ended in {"optimal", "feasible"}:
            reached.pairs = _more_even(problem, reached.pairs, model.pairs)
        reached.proven = ended == "optimal"
    rng = Random(seed)  # noqa: S311 - no secret
    idle = 0
    while not reached.proven and idle < PATIENCE and not clock.over:
        better = _step(problem, reached.pairs, clock, seed, rng)
        idle = idle + 1 if better is reached.pairs else 0
        reached.pairs = better


def _step(problem: RosterProblem, best: list[Pair], clock: Clock, seed: int, rng: Random) -> list[Pair]:
    """Do the work of some crews in some weeks anew; return a more even roster, or the same list."""
    weeks, crews = _neighbourhood(problem, best, rng)
    inside = {pair for pair in best if pair[0] in crews and problem.tasks[pair[1]].day // 7 in weeks}
    outside = [pair for pair in best if pair not in inside]
    model = RosterProgram(problem, weeks, outside, clock, crews=crews)
    model.even_out(sorted(inside))
    ended = model.search(seed, effort=STEP_EFFORT)
    return _more_even(problem, best, outside + model.pairs) if ended in {"optimal", "feasible"} else best


def _more_even(problem: RosterProblem, one: list[Pair], other: Sequence[Pair]) -> list[Pair]:
    """Return the more even of two rosters without idle crews; `one` if neither is."""
    trimmed = without_idle(problem, other)
    return trimmed if unevenness(problem, trimmed) < unevenness(problem, one) else one


def _neighbourhood(problem: RosterProblem, pairs: Sequence[Pair], rng: Random) -> tuple[range, frozenset[int]]:
    """Pick a few crews, some of them the most and the least loaded, and as many weeks as keep the model small."""
    load = loads(problem, pairs)
    length = rng.randint(1, problem.weeks)
    begin = rng.randint(0, problem.weeks - length)
    in_weeks = sum(len(task.travel) for task in problem.tasks if begin <= task.day // 7 < begin + length)
    size = max(2, min(len(problem.crews), STEP_PAIRS * len(problem.crews) // max(1, in_weeks)))
    order = sorted(range(len(problem.crews)), key=lambda crew: (load[crew], rng.random()))
    ends = max(1, size // 4)
    chosen = {*order[:ends], *order[len(order) - ends :]}
    rest = [crew for crew in order if crew not in chosen]
    chosen.update(rng.sample(rest, min(len(rest), size - len(chosen))))
    return range(begin, begin + length), frozenset(chosen)


@dataclass(frozen=True)
class ShortRoster:
    """A roster that may lack people: who does what, and the number missing by task."""

    pairs: tuple[Pair, ...]
    missing: dict[int, int]


def fewest_short(
    problem: RosterProblem, weeks: int, clock: Clock, seed: int, *, until_first: bool = False
) -> ShortRoster | None:
    """Find a roster of the first weeks that lacks as few people as can be found, week after week.

    Parameters
    ----------
    problem
        Crews and tasks.
    weeks
        How many of the first weeks.
    clock
        Ends the search.
    seed
        Of the search, >= 0.
    until_first
        Stop after the first week that lacks somebody.

    Returns
    -------
    The roster; None if the clock ended the search before there was one.
    """
    pairs: list[Pair] = []
    short: dict[int, int] = {}
    for week in range(weeks):
        model = RosterProgram(problem, range(week, week + 1), pairs, clock, gaps=True)
        model.shorten()
        if model.search(seed, effort=SHORT_EFFORT) not in {"optimal", "feasible"}:
            return None
        pairs = without_idle(problem, pairs + model.pairs)
        there = people_there(problem, pairs)
        lack = {t: task.staff - there[t] for t, task in enumerate(problem.tasks) if task.day // 7 == week}
        short |= {t: missing for t, missing in lack.items() if missing > 0}
        if short and until_first:
            break
    return ShortRoster(tuple(pairs), short)


def exists_without(
    problem: RosterProblem, weeks: int, clock: Clock, seed: int, dropped: AbstractSet[RuleName]
) -> bool | None:
    """Return whether the first weeks have a roster if some rules need not be kept; None where that was not found out."""
    ended = RosterProgram(problem, range(weeks), [], clock, dropped=dropped).first(seed, effort=SHORT_EFFORT)
    return {"optimal": True, "feasible": True, "infeasible": False}.get(ended)
