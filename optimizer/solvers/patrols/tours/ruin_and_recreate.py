"""Good tours fast, by ruin and recreate (Schrimpf et al. 2000).

A few consecutive visits are removed; then, while time is left, the visit or the longer dwell of the largest gain per second is added, with
gains raised to a power and perturbed, both drawn anew each time. A tour slightly worse than the one before is accepted too, less so towards
the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.work.work_clock import work_seconds
from optimizer.solvers.patrols.tours.tour import Tour, seconds_of, tour_value
from optimizer.solvers.search.kernels import TOURS, kernel, part, ready

if TYPE_CHECKING:
    from optimizer.solvers.patrols.tours.tour import TourProblem
    from optimizer.solvers.search.kernels import Floats, Floats2, Ints, Ints2

MOST_REMOVED = 5
"""Most visits taken out at once."""
POWERS = (0.5, 2.0)
"""Range of the power of a gain."""
SHAKE = 0.3
"""Range of the perturbation, relative."""
TOLERATED = 0.03
"""Loss of value that is accepted at first, relative."""


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
        ready(TOURS)

    def improved(self, tour: Tour, rounds: int, deadline: float = np.inf) -> Tour:
        """Return the best tour met in so many rounds from a tour that fits."""
        best = now = tour
        best_value = now_value = self._meet(tour)
        for turn in range(rounds):
            if work_seconds() > deadline:
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
        found = _recreated(
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
        return Tour(tuple(found[0].tolist()), tuple(found[1].tolist()))


@part
def _rate(gain: float, seconds: int, power: float) -> float:
    """Return the gain, raised to a power, per second; negative where nothing is gained but by a visit that takes no time."""
    rate: float = max(gain, 0.0) ** power / max(seconds, 1)
    return rate


@kernel
def _recreated(  # noqa: C901, PLR0912 - two searches and what they find
    posts: Ints,
    slots: Ints,
    left: int,
    power: float,
    shaking: Floats,
    travel: Ints2,
    leg: Floats2,
    prize: Floats2,
    slot: int,
) -> Ints2:
    """Return the (2, visits) posts and slots of a tour filled in, visit by visit or dwell by dwell, as long as seconds are left.

    Parameters
    ----------
    posts, slots
        (visits,) of the tour, at least one.
    left, slot
        Seconds left, and seconds of a slot.
    power, shaking
        Power of a gain, and the (n + 1,) perturbation of rates by post.
    travel, leg
        (n + 1, n + 1) driving and values of legs.
    prize
        (n + 1, L + 1) worth of dwells; 0 at the base.
    """
    size, most, m = prize.shape[0], prize.shape[1] - 1, posts.size
    at, stay, inside = np.zeros(size + 1, np.int64), np.zeros(size + 1, np.int64), np.zeros(size, np.bool_)
    for p in range(m):
        at[p + 1], stay[p + 1] = posts[p], slots[p]
    inside[0] = True
    for p in range(m):
        inside[posts[p]] = True
    while True:
        # the best step: so many slots more at a place, of a new post or (0) of the one there, and how much longer the drive is
        top, place, new, more, longer = -1.0, 0, 0, 0, 0
        for p in range(m + 1):
            i, j = at[p], at[p + 1]
            for v in range(1, size):
                detour = travel[i, v] + travel[v, j] - travel[i, j]
                if inside[v] or detour + slot > left:
                    continue
                worth = leg[i, v] + leg[v, j] - leg[i, j]
                for k in range(1, most + 1):
                    if detour + k * slot > left:
                        break
                    rate = _rate(worth + prize[v, k], detour + k * slot, power) * shaking[v]
                    if rate > top:
                        top, place, new, more, longer = rate, p, v, k, detour
        if most > 1:
            for p in range(m):
                v, had = at[p + 1], stay[p + 1]
                for k in range(had + 1, most + 1):
                    if (k - had) * slot > left:
                        break
                    rate = _rate(prize[v, k] - prize[v, had], (k - had) * slot, power) * shaking[v]
                    if rate > max(top, 0.0):
                        top, place, new, more, longer = rate, p, 0, k - had, 0
        if top < 0:
            found = np.empty((2, m), np.int64)
            for p in range(m):
                found[0, p], found[1, p] = at[p + 1], stay[p + 1]
            return found
        left -= longer + more * slot
        if new:
            for p in range(m + 1, place, -1):
                at[p + 1], stay[p + 1] = at[p], stay[p]
            at[place + 1], stay[place + 1], inside[new] = new, more, True
            m += 1
        else:
            stay[place + 1] += more
