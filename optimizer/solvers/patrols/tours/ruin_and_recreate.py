"""Good tours fast, by ruin and recreate (Schrimpf et al. 2000).

A few consecutive visits are removed; then, while time is left, the visit or the longer dwell of the largest gain per second is added, with
gains raised to a power and perturbed, both drawn anew each time. A tour slightly worse than the one before is accepted too, less so towards
the end.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimizer.solvers.patrols.tours.tour import Tour, seconds_of, tour_value
from optimizer.solvers.search.compiled import kernels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.solvers.patrols.tours.tour import TourProblem

MOST_REMOVED = 5
"""Most visits taken out at once."""
POWERS = (0.5, 2.0)
"""Range of the power of a gain."""
SHAKE = 0.3
"""Range of the perturbation, relative."""
TOLERATED = 0.03
"""Loss of value that is accepted at first, relative."""


@dataclass(frozen=True, slots=True)
class _Extension:
    """A visit to add to a tour, or (post 0) a dwell to lengthen, with its gain per second, at a place in the tour, by so many slots."""

    rate: float
    place: int
    post: int
    slots: int


class TourImprover:
    """Improves tours of a problem.

    Parameters
    ----------
    problem
        What is solved.
    seed
        Seed of the random choices.

    Attributes
    ----------
    met
        Value and tour, the best found for each set of posts.
    """

    def __init__(self, problem: TourProblem, seed: int) -> None:
        self._problem, self._rng = problem, np.random.default_rng(seed)
        self._travel = np.minimum(problem.travel, 2 * problem.shift + 1)  # too long, whatever leg it takes the place of
        self._prize = np.vstack((np.zeros(problem.most_slots + 1), problem.prize))
        self.met: dict[frozenset[int], tuple[float, Tour]] = {}
        self._dwell = problem.slot * np.arange(problem.most_slots + 1)

    def improved(self, tour: Tour, rounds: int, deadline: float = np.inf) -> Tour:
        """Return the best tour met in so many rounds from a tour that fits."""
        best = now = tour
        best_value = now_value = self._meet(tour)
        for turn in range(rounds):
            if time.perf_counter() > deadline:
                break
            other = self._recreated(*self._ruined(now))
            other_value = self._meet(other)
            if other_value >= now_value - TOLERATED * (1 - turn / rounds) * self._rng.random() * best_value:
                now, now_value = other, other_value
            if now_value > best_value:
                best, best_value = now, now_value
        return best

    def _meet(self, tour: Tour) -> float:
        value, posts = tour_value(self._problem, tour), frozenset(tour.posts)
        if posts not in self.met or value > self.met[posts][0]:
            self.met[posts] = value, tour
        return value

    def _ruined(self, tour: Tour) -> tuple[list[int], list[int]]:
        """Return a tour without some neighbours, not all of its visits; it still fits, or the tour is returned whole."""
        visits = len(tour.posts)
        count = min(int(self._rng.integers(1, MOST_REMOVED + 1)), visits - 1)
        start = int(self._rng.integers(0, visits - count + 1))
        keep = [i for i in range(visits) if not start <= i < start + count]
        left = Tour(tuple(tour.posts[i] for i in keep), tuple(tour.slots[i] for i in keep))
        if seconds_of(self._problem, left) > self._problem.shift:
            left = tour  # without the triangle inequality a shorter tour can take longer
        return list(left.posts), list(left.slots)

    def _recreated(self, posts: list[int], slots: list[int]) -> Tour:
        """Return the tour filled in again."""
        problem, power = self._problem, self._rng.uniform(*POWERS)
        shaking = self._rng.uniform(1 - SHAKE, 1 + SHAKE, problem.n + 1)
        left = problem.shift - seconds_of(problem, Tour(tuple(posts), tuple(slots)))
        if (compiled := kernels("ruin", problem.n * len(posts) * problem.most_slots)) is not None:
            found = compiled.recreated(
                np.array(posts),
                np.array(slots),
                left,
                power,
                shaking,
                self._travel,
                problem.leg,
                self._prize,
                problem.slot,
            )
            return Tour(tuple(found.posts.tolist()), tuple(found.slots.tolist()))
        while True:
            step = self._best_step(posts, slots, left, power, shaking)
            if step is None:
                return Tour(tuple(posts), tuple(slots))
            place, post = step.place, step.post
            if post:
                at = [0, *posts, 0]
                i, j = at[place], at[place + 1]
                left -= int(self._travel[i, post] + self._travel[post, j] - self._travel[i, j])
                posts.insert(place, post)
                slots.insert(place, step.slots)
            else:
                slots[place] += step.slots
            left -= step.slots * problem.slot

    def _best_step(
        self, posts: list[int], slots: list[int], left: int, power: float, shaking: NDArray[np.float64]
    ) -> _Extension | None:
        """Return the visit to add, or the dwell to lengthen, of the best rate; None where nothing fits."""
        problem = self._problem
        at = np.array([0, *posts, 0])
        i, j = at[:-1], at[1:]
        longer = self._travel[i] + self._travel[:, j].T - self._travel[i, j][:, None]
        gain = problem.leg[i] + problem.leg[:, j].T - problem.leg[i, j][:, None]
        longer[:, at] = 2 * problem.shift + 1
        place, post = np.nonzero(longer + problem.slot <= left)
        seconds = longer[place, post][:, None] + self._dwell[1:]
        rate = _rate(gain[place, post][:, None] + self._prize[post, 1:], seconds, power) * shaking[post][:, None]
        rate[seconds > left] = -1.0
        best = divmod(int(rate.argmax()), problem.most_slots) if rate.size else (0, 0)
        top = rate[best] if rate.size else -1.0
        if problem.most_slots > 1:
            other = self._best_stay(posts, slots, left, power, shaking)
            if other.rate > max(float(top), 0.0):
                return other
        return _Extension(float(top), int(place[best[0]]), int(post[best[0]]), best[1] + 1) if top >= 0 else None

    def _best_stay(
        self, posts: list[int], slots: list[int], left: int, power: float, shaking: NDArray[np.float64]
    ) -> _Extension:
        """Return the longer dwell of the best rate, negative where none fits."""
        had = np.array(slots)[:, None]
        total = np.arange(self._problem.most_slots + 1)
        gain = self._prize[posts] - np.take_along_axis(self._prize[posts], had, axis=1)
        seconds = (total - had) * self._problem.slot
        rate = _rate(gain, seconds, power) * shaking[posts][:, None]
        rate[(seconds <= 0) | (seconds > left)] = -1.0
        place, slot = np.unravel_index(int(rate.argmax()), rate.shape)
        return _Extension(float(rate[place, slot]), int(place), 0, int(slot) - slots[place])


def _rate(gain: NDArray[np.float64], seconds: NDArray[np.int64], power: float) -> NDArray[np.float64]:
    """Return the gain, raised to a power, per second; negative where nothing is gained but by a visit that takes no time."""
    return np.asarray(np.maximum(gain, 0.0) ** power / np.maximum(seconds, 1))
