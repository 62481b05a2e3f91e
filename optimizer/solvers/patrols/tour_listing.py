"""All tours above a value, by enumeration: where they are few, an optimal plan over them is optimal over all beats."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.solvers.patrols.pricing import Tour

if TYPE_CHECKING:
    from optimizer.solvers.patrols.pricing import TourProblem

MOST_STEPS = 100_000
"""Partial tours after which the enumeration is given up."""


def tours_above(problem: TourProblem, least: float, most: int) -> list[Tour] | None:
    """Return every tour that fits the shift and has at least this value; None where they are more than `most`, or too many to enumerate.

    Parameters
    ----------
    problem
        One team, one shift.
    least
        Least value of a tour.
    most
        Largest number of tours, >= 0.
    """
    travel, leg, prize = problem.travel.tolist(), problem.leg.tolist(), problem.prize.tolist()
    n = len(prize)
    found: list[Tour] = []
    steps = 0
    # (posts, slots, seconds since leaving, value so far)
    waiting: list[tuple[tuple[int, ...], tuple[int, ...], int, float]] = [((), (), 0, 0.0)]
    while waiting:
        posts, slots, clock, value = waiting.pop()
        here = posts[-1] if posts else 0
        if posts and clock + travel[here][0] <= problem.shift and value + leg[here][0] >= least:
            found.append(Tour(posts, slots))
            if len(found) > most:
                return None
        for post in range(1, n + 1):
            if post in posts:
                continue
            for dwell in range(1, problem.most_slots + 1):
                then = clock + travel[here][post] + dwell * problem.slot
                if then > problem.shift:
                    break
                steps += 1
                if steps > MOST_STEPS:
                    return None
                gained = value + leg[here][post] + prize[post - 1][dwell]
                waiting.append(((*posts, post), (*slots, dwell), then, gained))
    return found
