"""The pricing problem: the tour of largest value of one team, with a proof.

Posts that no tour can use are left out. In turn, a tour is improved by ruin and
recreate (`TourImprover`), the bounds on completions are tightened (`label_search`) and
a label search is widened, until the search is exhaustive, which is the proof. If the
widest search is not, CP-SAT continues from its best tour (`circuit`). It gives tours
alone: the bound is the label search's own arithmetic, as a solver's word proves nothing
here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from optimizer.base.work.kernels import Floats, Floats2, Ints, Ints2, kernel, part, ready
from optimizer.base.work.work_clock import work_seconds
from optimizer.problem.instance.teams import NO_WAY
from optimizer.solvers.kernel_modules import TOURS
from optimizer.solvers.patrols.tours.label_search import (
    LabelSearch,
    Walks,
    sharpest,
    with_best_slots,
)
from optimizer.solvers.patrols.tours.tour import Tour, TourProblem, seconds_of, tour_value

WIDTHS = (300, 3000, 30_000, 300_000)
"""Most labels of one size, search by search."""
ROUNDS = (15, 15, 30, 30)
"""Tables of bounds made before each search."""
TURNS = (2, 4, 8, 16)
"""Turns of ruin and recreate before each search, for each post."""
QUICK_TURNS = 2
"""The same for quick tours."""
ROUNDING = 1e-12
"""Allowance for floating-point sums, relative to the bound at the base."""
CIRCUIT_SECONDS = 10.0
"""Most that CP-SAT looks for a better tour: its proof counts for nothing."""
SPARE = 4
"""Posts that a quick tour is made through, for each tour asked for."""


@dataclass(frozen=True)
class BestTour:
    """Answer of `best_tour`."""

    #: Best tour found; None where none was. That none of value 0 fits is not proven by
    #: it.
    tour: Tour | None
    #: Its value; 0 without.
    value: float
    #: Proven upper bound of the value of every tour; at most `at_least`, up to the
    #: rounding of sums, where no tour has more.
    bound: float
    #: Whether `bound` is `value`, up to the rounding of sums.
    proven: bool
    #: Time taken.
    seconds: float


def best_tour(
    problem: TourProblem,
    *,
    time_limit: float | None = None,
    at_least: float = 0.0,
    forbidden: frozenset[int] = frozenset(),
    seed: int = 0,
    workers: int = 2,
) -> BestTour:
    """Return the tour of largest value.

    Parameters
    ----------
    problem
        What to solve.
    time_limit
        Seconds after which the best tour so far is returned with the bound so far; None
        for no limit.
    at_least
        Only tours of a larger value matter: the search may end once it has shown that
        there are none.
    forbidden
        Posts (positions 1..n) that must not be visited.
    seed
        Seed of ruin and recreate, and of CP-SAT; the label search is deterministic.
    workers
        Threads of CP-SAT.
    """
    began = work_seconds()
    deadline = np.inf if time_limit is None else began + time_limit
    allowed = _reachable(problem, forbidden)
    found = _Best(problem)
    for single in _singles(problem, allowed)[:1]:
        found.offer(single)
    proof, place = (
        _Proof(0.0 if found.tour is None else found.value, 0.0),
        _worthwhile(problem, allowed),
    )
    if place.size > 1:
        part = _part(problem, place)
        proof = _by_labels(part, place, found, at_least, deadline, seed)
        if not proof.holds(found.value) and proof.bound > at_least and work_seconds() < deadline:
            left = None if time_limit is None else deadline - work_seconds()
            _offer_circuit(part, place, found, at_least, left, seed, workers)
    if (
        found.tour is None
        and proof.holds(0.0)
        and at_least <= 0
        and allowed.size > 1
        and work_seconds() < deadline
    ):
        # tours of value 0 may still fit, by way of posts that were left out
        left = None if time_limit is None else deadline - work_seconds()
        _offer_circuit(_part(problem, allowed), allowed, found, at_least, left, seed, workers)
    bound = max(proof.bound, found.value)
    return BestTour(
        found.tour, found.value, bound, proof.holds(found.value), work_seconds() - began
    )


def quick_tours(problem: TourProblem, n: int, seed: int = 0) -> list[Tour]:
    """Return good tours that differ, by ruin and recreate.

    The best comes first, then each next best that visits a post no tour before it does,
    then the others from the best down; no two visit the same set of posts.

    There are none where no post can be visited alone.

    Parameters
    ----------
    problem
        What to solve.
    n
        How many tours to return at most.
    seed
        Seed of ruin and recreate; other seeds give other tours.
    """
    place = _worthwhile(problem, _reachable(problem, frozenset()))
    if place.size == 1 or n < 1:
        return []
    part = _part(problem, place)
    improver = TourImprover(part, seed)
    # none fits alone: rare, and then there are no quick tours
    starts = _singles(part, np.arange(part.n + 1))
    for start in starts[1 : SPARE * n]:
        improver.improved(start, 1)
    for start in starts[:1]:
        improver.improved(start, QUICK_TURNS * part.n)
    tours = sorted(improver.met.values(), key=itemgetter(0), reverse=True)
    return _different([_renamed(tour, place) for _, tour in tours])[:n]


@dataclass(frozen=True)
class _Proof:
    """An upper bound of the value of every tour, and what sums may be rounded by."""

    bound: float
    rounding: float

    def holds(self, value: float) -> bool:
        """Whether a tour of this value is proven to be the best."""
        return self.bound <= value + self.rounding


class _Best:
    """The best tour so far, in positions of the whole problem."""

    def __init__(self, problem: TourProblem) -> None:
        self.problem = problem
        self.tour: Tour | None = None
        self.value = 0.0

    def offer(self, tour: Tour) -> None:
        """Keep a tour if it is the best."""
        value = tour_value(self.problem, tour)
        if self.tour is None or value > self.value:
            self.tour, self.value = tour, value

    def within(self, place: NDArray[np.int64]) -> Tour | None:
        """Return the tour in positions of a part; None where it visits others."""
        if self.tour is None or not np.isin(self.tour.posts, place).all():
            return None
        return Tour(tuple(np.searchsorted(place, self.tour.posts).tolist()), self.tour.slots)

    def floor(self, at_least: float, slack: float) -> float:
        """Return the value up to which tours do not matter; without a tour and without
        `at_least`, any tour does.
        """
        return max(at_least - slack, self.value) if self.tour is not None else at_least - slack


def _by_labels(
    part: TourProblem,
    place: NDArray[np.int64],
    found: _Best,
    at_least: float,
    deadline: float,
    seed: int,
) -> _Proof:
    """Search with more and more labels."""
    walks = Walks(part)
    table = walks.completion(np.zeros(part.n + 1))
    if table.bound == -np.inf:
        return _Proof(found.value, 0.0)
    slack = ROUNDING * table.bound
    bound = table.bound + slack
    improver = TourImprover(part, seed)
    for width, rounds, turns in zip(WIDTHS, ROUNDS, TURNS, strict=True):
        start = found.within(place)
        if start is not None:
            found.offer(_renamed(improver.improved(start, turns * part.n, deadline), place))
        table = sharpest(walks, table, found.floor(at_least, slack), rounds, deadline)
        outcome = LabelSearch(part, table).run(
            found.floor(at_least, slack), width=width, deadline=deadline
        )
        for _, posts in outcome.found:
            found.offer(with_best_slots(found.problem, tuple(place[list(posts)].tolist())))
        bound = min(bound, max(outcome.bound + slack, found.value))
        if outcome.ended or bound <= at_least or work_seconds() > deadline:
            break
    return _Proof(bound, 2 * slack)


def _offer_circuit(
    part: TourProblem,
    place: NDArray[np.int64],
    found: _Best,
    at_least: float,
    time_limit: float | None,
    seed: int,
    workers: int,
) -> None:
    """Search with CP-SAT from the best tour so far, and keep what it finds."""
    from optimizer.solvers.patrols.tours.circuit import best_circuit

    outcome = best_circuit(
        part,
        time_limit=CIRCUIT_SECONDS if time_limit is None else min(time_limit, CIRCUIT_SECONDS),
        hint=found.within(place),
        at_least=max(at_least, found.value),
        seed=seed,
        workers=workers,
    )
    if outcome.tour is not None:
        found.offer(_renamed(outcome.tour, place))


def _reachable(problem: TourProblem, forbidden: frozenset[int]) -> NDArray[np.int64]:
    """Return the base and the posts that may be visited and that some way leads to and
    back from within the shift.
    """
    allowed = np.ones(problem.n + 1, dtype=bool)
    allowed[sorted(forbidden)] = False
    open_travel = np.where(allowed & allowed[:, None], problem.travel, NO_WAY)
    there, back = _shortest(open_travel), _shortest(open_travel.T)
    keep = allowed & (there + back + problem.slot <= problem.shift)
    keep[0] = True
    return np.flatnonzero(keep)


def _shortest(travel: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the shortest driving from the base to each position."""
    seconds: NDArray[np.int64] = travel[0].copy()
    seconds[0] = 0
    for _ in range(len(seconds)):
        np.minimum(seconds, (seconds[:, None] + travel).min(axis=0), out=seconds)
    return seconds


def _worthwhile(problem: TourProblem, place: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return places without the posts of no value, legs included, that save no tour any
    time: a tour without them fits, at the same value.
    """
    travel, leg = problem.travel[np.ix_(place, place)], problem.leg[np.ix_(place, place)].copy()
    np.fill_diagonal(leg, 0.0)
    worthless = np.asarray(~(leg.any(axis=0) | leg.any(axis=1)))
    worthless[0] = False
    worthless[1:] &= ~problem.prize[place[1:] - 1].any(axis=1)
    for i in np.flatnonzero(worthless).tolist():
        gains = np.asarray(travel > travel[:, [i]] + problem.slot + travel[i])
        np.fill_diagonal(gains, False)
        gains[i] = gains[:, i] = False
        worthless[i] = not gains.any()
    return place[~worthless]


def _singles(problem: TourProblem, place: NDArray[np.int64]) -> list[Tour]:
    """Return the best tour to each post alone, where one fits; the best first."""
    post = place[1:]
    left = (problem.shift - problem.travel[0, post] - problem.travel[post, 0]) // problem.slot
    post, left = post[left >= 1], np.minimum(left[left >= 1], problem.most_slots)
    prize = np.where(
        np.arange(problem.most_slots + 1) <= left[:, None], problem.prize[post - 1], -1.0
    )
    slots = 1 + prize[:, 1:].argmax(axis=1)
    value = prize[np.arange(post.size), slots] + problem.leg[0, post] + problem.leg[post, 0]
    return [Tour((int(post[i]),), (int(slots[i]),)) for i in np.argsort(-value, kind="stable")]


def _renamed(tour: Tour, place: NDArray[np.int64]) -> Tour:
    """Return a tour of a part in positions of the whole."""
    return Tour(tuple(place[list(tour.posts)].tolist()), tour.slots)


def _part(problem: TourProblem, place: NDArray[np.int64]) -> TourProblem:
    """Return the problem over some places, the base first."""
    square = np.ix_(place, place)
    return replace(
        problem,
        travel=problem.travel[square],
        leg=problem.leg[square],
        prize=problem.prize[place[1:] - 1],
    )


def _different(tours: list[Tour]) -> list[Tour]:
    """Return tours of different sets of posts, those first that visit a post which none
    before them does.
    """
    seen: set[frozenset[int]] = set()
    visited: set[int] = set()
    first: list[Tour] = []
    rest: list[Tour] = []
    for tour in tours:
        posts = frozenset(tour.posts)
        if posts in seen:
            continue
        seen.add(posts)
        (rest if posts <= visited else first).append(tour)
        visited |= posts
    return first + rest


# Good tours fast, by ruin and recreate (Schrimpf et al. 2000).
#
# A few consecutive visits are removed; then, while time is left, the visit or the
# longer dwell of the largest gain per second is added, with gains raised to a power and
# perturbed, both drawn anew each time. A tour slightly worse than the one before is
# accepted too, less so towards the end.

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
        # too long, whatever leg it takes the place of
        self._travel = np.minimum(problem.travel, 2 * problem.shift + 1)
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
            if (
                other_value
                >= now_value - TOLERATED * (1 - turn / rounds) * self._rng.random() * best_value
            ):
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
        """Return a tour without some neighbours, not all of its visits; it still fits,
        or the tour is returned whole.
        """
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
    """Return the gain, raised to a power, per second; negative where nothing is gained
    but by a visit that takes no time.
    """
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
    """Return the (2, visits) posts and slots of a tour filled in, visit by visit or
    dwell by dwell, as long as seconds are left.

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
    size = prize.shape[0]
    most = prize.shape[1] - 1
    m = posts.size
    at = np.zeros(size + 1, np.int64)
    stay = np.zeros(size + 1, np.int64)
    inside = np.zeros(size, np.bool_)
    for p in range(m):
        at[p + 1], stay[p + 1] = posts[p], slots[p]
    inside[0] = True
    for p in range(m):
        inside[posts[p]] = True
    while True:
        # the best step: so many slots more at a place, of a new post or (0) of the one
        # there, and how much longer the drive is
        top = -1.0
        place = 0
        new = 0
        more = 0
        longer = 0
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
                        top = rate
                        place = p
                        new = v
                        more = k
                        longer = detour
        if most > 1:
            for p in range(m):
                v, had = at[p + 1], stay[p + 1]
                for k in range(had + 1, most + 1):
                    if (k - had) * slot > left:
                        break
                    rate = _rate(prize[v, k] - prize[v, had], (k - had) * slot, power) * shaking[v]
                    if rate > max(top, 0.0):
                        top = rate
                        place = p
                        new = 0
                        more = k - had
                        longer = 0
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
