"""Tours of one team: the problem, the value of a tour, and whether it fits. No solver.

Position 0 is the base, 1..n are posts. A tour leaves the base, dwells l >= 1 slots at
each of some posts (at least one, each at most once) and is back within the shift. Its
value is the sum of prize[post, l] over its visits and of leg[i, j] over the legs it
drives.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.base.errors import InputError, Problem
from optimizer.problem.instance.teams import NO_WAY


@dataclass(frozen=True)
class TourProblem:
    """One team, one shift, n posts.

    Raises
    ------
    InputError
        If shapes or ranges are not these.
    """

    #: (n+1, n+1) seconds of driving from row to column, >= 0; `NO_WAY` where there is
    #: none. The diagonal is not read.
    travel: NDArray[np.int64]
    #: Seconds of one dwell slot, > 0.
    slot: int
    #: Seconds from leaving the base to being back, >= 0 and less than `NO_WAY`.
    shift: int
    #: (n, L+1) value >= 0 of dwelling 0..L slots at a post in one visit, L >= 1; column
    #: 0 is 0. Row i belongs to position i + 1.
    prize: NDArray[np.float64]
    #: (n+1, n+1) value >= 0 of driving from row to column. The diagonal is not read.
    leg: NDArray[np.float64]

    def __post_init__(self) -> None:
        """Check shapes and ranges."""
        n = len(self.prize)
        shapes = self.travel.shape, self.leg.shape
        if (
            self.prize.ndim != 2
            or self.prize.shape[1] < 2
            or shapes != ((n + 1, n + 1), (n + 1, n + 1))
        ):
            found = f"prizes {self.prize.shape}, travel {shapes[0]}, legs {shapes[1]}"
            expected = "prizes (n, L + 1) with L >= 1, travel and legs (n + 1, n + 1)"
            raise InputError(
                Problem("tour problem", found, expected, "Give the base as position 0")
            )
        if self.slot <= 0 or not 0 <= self.shift < NO_WAY or (self.travel < 0).any():
            found = f"slot {self.slot}, shift {self.shift}, least travel {self.travel.min()}"
            raise InputError(
                Problem("tour problem", found, "slot > 0, shift and travel >= 0", "Give seconds")
            )
        values = np.concatenate((self.prize.ravel(), self.leg.ravel()))
        if not np.isfinite(values).all() or (values < 0).any() or self.prize[:, 0].any():
            expected = "finite values >= 0, and 0 for no slots"
            raise InputError(
                Problem("tour problem", "other values", expected, "Clip negative values to 0")
            )

    @property
    def n(self) -> int:
        """Number of posts."""
        return len(self.prize)

    @property
    def most_slots(self) -> int:
        """Most slots of one visit, L."""
        return int(self.prize.shape[1]) - 1


@dataclass(frozen=True)
class Tour:
    """Posts in order of visit, and how long to dwell at each."""

    #: Positions 1..n.
    posts: tuple[int, ...]
    #: Slots of dwelling at each, >= 1.
    slots: tuple[int, ...]


def stops(tour: Tour) -> NDArray[np.int64]:
    """Return the (visits + 2,) positions of a tour, the base first and last."""
    return np.array((0, *tour.posts, 0), dtype=np.int64)


def tour_value(problem: TourProblem, tour: Tour) -> float:
    """Return the value of a tour; whether it fits is not checked."""
    at = stops(tour)
    posts, slots = at[1:-1] - 1, np.array(tour.slots, dtype=np.int64)
    return float(problem.prize[posts, slots].sum() + problem.leg[at[:-1], at[1:]].sum())


def seconds_of(problem: TourProblem, tour: Tour) -> int:
    """Return the seconds from leaving the base to being back."""
    at = stops(tour)
    return int(problem.travel[at[:-1], at[1:]].sum()) + problem.slot * sum(tour.slots)


def check_tour(problem: TourProblem, tour: Tour) -> None:
    """Do nothing if a tour keeps every rule.

    Raises
    ------
    InputError
        If it does not; all rules broken are named.
    """
    where, found = "tour", f"{tour.posts} for {tour.slots} slots"
    inside = all(1 <= post <= problem.n for post in tour.posts)
    problems = []
    if not tour.posts or len(set(tour.posts)) != len(tour.posts) or not inside:
        problems.append(
            Problem(where, found, f"one or more of the posts 1 to {problem.n}, each at most once")
        )
    if len(tour.slots) != len(tour.posts) or not all(
        1 <= slots <= problem.most_slots for slots in tour.slots
    ):
        problems.append(Problem(where, found, f"1 to {problem.most_slots} slots for each post"))
    if not problems and seconds_of(problem, tour) > problem.shift:
        expected = f"at most {problem.shift} s from base to base"
        problems.append(Problem(where, f"{found}, {seconds_of(problem, tour)} s", expected))
    if problems:
        raise InputError(*problems)
