"""Budget cuts: facets of the convex hull of how many options of each use fit the
budgets together.

Sets      R budgets taken together; C classes of options that use the same amount of each of them
Data      w_cr >= 0 use of an option of class c; B_r; m_c options of the class
Points    N = {n integer : sum_c w_cr n_c <= B_r for r in R, 0 <= n_c <= m_c}; V its maximal points, listed
Cut       sum_c k_c sum_{j in c} x_j <= max_{v in V} k v,         k >= 0 integer

A linear program spends the last of a budget on parts of options: of 8 p + 4 t + 2 v <=
19 with v <= 2 it uses all 19, while whole options of 8, 4 and 2 use at most 18: 2 p + t
+ v <= 5 holds. The classes are few, and so are the maximal points of N: they are
listed, and the facet that a point n* = (sum_{j in c} x_j) violates most is found by the
linear program

    maximise n* k   such that   v k <= 1 for v in V,   0 <= k <= 1.

Why a cut holds. A plan places n in N, and some v in V has v >= n, so with k >= 0 its
left side k n is at most max over V of k v. That program only proposes k: it is brought
to integers, and the right side is the maximum over the list, in integer arithmetic. The
list is exact where the uses of a budget are multiples of a common unit (`_units`: then
they and B_r are counted in units, B_r rounded down after the overrun that counts as
rounding was added); a budget without such a unit gets no cuts.

Nodes. Where l_c options of each class are placed in every plan of a node, and u_c in
none more, every n in N with l <= n <= u lies under min(v, u) for a v in V with v >= n
>= l, so the same holds of n - l and the points min(v, u) - l of these v: in place of V,

    sum_c k_c (sum_{j in c} x_j - l_c) <= max_{v in V, v >= l} k (min(v, u) - l),         k >= 0 integer.

The hull of what is left is much smaller than the part of the whole hull between l and
u: andorra-like-911-20 takes 35 nodes in place of 148.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import combinations
from math import floor, gcd, lcm
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.options import BUDGET_TOLERANCE
from optimizer.solvers.branch_and_cut.lp.linear_program import LinearProgram

MOST_POINTS = 20_000
"""Longest list of maximal points."""
MOST_STATES = 200_000
"""Most points in hand while they are listed."""
LISTS = 32
"""Lists of maximal points that are kept."""
MOST_UNITS = 1_000_000
"""Most units of a budget."""
LARGEST = 1_000
"""Largest right side that is tried when a facet is brought to integers."""
NEAR = 1e-6
"""Distance from an integer that is rounding, when a facet is brought to integers."""
VIOLATION = 1e-4
"""Least violation of a cut, relative to its right side."""
LEANING = 1e-3
"""Share of m_c that is added to n*, so that the coefficients of classes with n*_c = 0
are as large as they can be.
"""


@dataclass(frozen=True)
class BudgetCuts:
    """Rows coefficient x <= side, in integers."""

    #: (rows, options) k.
    coefficient: csr_array
    #: (rows,) right sides.
    side: NDArray[np.float64]

    @classmethod
    def none(cls, n_options: int) -> BudgetCuts:
        """Return no row."""
        return cls(csr_array((0, n_options)), np.empty(0))

    def joined(self, other: BudgetCuts) -> BudgetCuts:
        """Return the rows of both."""
        rows = csr_array(vstack((self.coefficient, other.coefficient)))
        return BudgetCuts(rows, np.append(self.side, other.side))


@dataclass
class _Part:
    """Budgets taken together."""

    #: (options,) class of each; -1 for one that uses none of them, or more than there
    #: is.
    of: NDArray[np.int64]
    #: (points, classes) maximal points.
    points: NDArray[np.int64]
    #: (classes,) m.
    most: NDArray[np.int64]
    #: (points,) mask of those that earlier facets needed; the next one begins with
    #: them.
    known: NDArray[np.bool_]


class _Facet(NamedTuple):
    """The (classes,) integers k >= 0 of a cut on how many options more than the least
    of each class are placed, and its right side.
    """

    k: NDArray[np.int64]
    side: int


class BudgetHull:
    """The hulls of an instance's budgets, all together where the list is short enough,
    else one by one and in pairs.

    Parameters
    ----------
    instance
        The problem.
    usable
        (options,) mask of those that any plan may place.
    """

    def __init__(self, instance: Instance, usable: NDArray[np.bool_]) -> None:
        self._n = usable.size
        units = [
            _units(instance.use[usable, r], float(budget))
            for r, budget in enumerate(instance.budget)
        ]
        counted = [r for r, (use, _) in enumerate(units) if use.any()]
        self._parts: list[_Part] = []
        if not counted:
            return
        use = np.zeros((usable.size, instance.budget.size), dtype=np.int64)
        use[usable] = np.column_stack([amount for amount, _ in units])
        budget = np.array([most for _, most in units])
        # All budgets at once give the strongest hull, but its list of maximal points
        # grows with every budget and may be given up (`_part` is None). Where it is
        # not, it implies the smaller ones, which are then left out. Otherwise pairs and
        # single budgets are taken, each where its own list is short enough. A pair that
        # no option uses together has the product of two hulls: the single ones say as
        # much.
        sizes = [len(counted)] if len(counted) > 2 else []
        for size in (*sizes, 2, 1):
            for some in combinations(counted, size):
                together = (use[:, some] > 0).all(axis=1).any() or size != 2
                part = _part(use[:, some], budget[list(some)]) if together else None
                if part is not None:
                    self._parts.append(part)
            if size == len(counted) and self._parts:
                break

    def cuts(
        self,
        x: NDArray[np.float64],
        ones: NDArray[np.bool_] | None = None,
        zeros: NDArray[np.bool_] | None = None,
    ) -> BudgetCuts:
        """Return the cuts that a point violates, at most one of each part.

        Parameters
        ----------
        x
            (options,) point.
        ones, zeros
            (options,) masks: the cuts hold for the plans that place all of the first
            and none of the second; by default for all plans.
        """
        rows, sides = [np.empty((0, self._n))], []
        for part in self._parts:
            inside, classes = part.of >= 0, part.most.size
            count = np.bincount(part.of[inside], x[inside], classes).astype(np.float64)
            least, most = np.zeros(classes, dtype=np.int64), part.most
            if ones is not None:
                least = np.bincount(part.of[inside & ones], minlength=classes)
            if zeros is not None:
                most = most - np.bincount(part.of[inside & zeros], minlength=classes)
            facet = _facet(part, count, least, most)
            if facet is not None and (count - least) @ facet.k > facet.side * (1 + VIOLATION):
                rows.append(np.append(facet.k, 0).astype(np.float64)[part.of][None])
                sides.append(float(facet.side + least @ facet.k))
        return BudgetCuts(csr_array(np.concatenate(rows)), np.array(sides))


def _units(use: NDArray[np.float64], budget: float) -> tuple[NDArray[np.int64], int]:
    """Return uses and the most that fits, in units of a budget; all 0 where there is no
    unit, or nothing can exceed the budget.
    """
    none = np.zeros(use.size, dtype=np.int64), 0
    amounts = {
        value: Fraction(value).limit_denominator(LARGEST)
        for value in np.unique(use[use > 0]).tolist()
    }
    if not amounts or min(amounts.values()) <= 0 or not np.isfinite(budget):
        return none
    excess = max(Fraction(0), *(near / Fraction(value) - 1 for value, near in amounts.items()))
    if max(abs(near / Fraction(value) - 1) for value, near in amounts.items()) > Fraction(
        BUDGET_TOLERANCE
    ):
        return none
    denominator = lcm(*(near.denominator for near in amounts.values()))
    unit = Fraction(gcd(*(int(near * denominator) for near in amounts.values())), denominator)
    # a plan's uses sum to at most B (1 + tolerance) but for the rounding of the sum,
    # for which the tolerance is taken twice
    most = floor(Fraction(budget) * (1 + 2 * Fraction(BUDGET_TOLERANCE)) * (1 + excess) / unit)
    if most > MOST_UNITS or max(amounts.values()) > MOST_UNITS * unit:
        return none
    amount = {value: int(near / unit) for value, near in amounts.items()}
    whole = np.array([amount.get(value, 0) for value in use.tolist()], dtype=np.int64)
    return (whole, most) if whole.sum() > most else none


def _part(use: NDArray[np.int64], budget: NDArray[np.int64]) -> _Part | None:
    """Return the classes and maximal points of some budgets; None where there are too many."""
    fitting = (use > 0).any(axis=1) & (use <= budget).all(axis=1)
    if not fitting.any():
        return None
    each, of, most = np.unique(use[fitting], axis=0, return_inverse=True, return_counts=True)
    points = _maximal_points(
        tuple(map(tuple, each.tolist())), tuple(most.tolist()), tuple(budget.tolist())
    )
    if points is None:
        return None
    place = np.full(use.shape[0], -1)
    place[fitting] = of.ravel()
    return _Part(place, points, most, np.zeros(points.shape[0], dtype=bool))


@lru_cache(maxsize=LISTS)
def _maximal_points(
    uses: tuple[tuple[int, ...], ...], mosts: tuple[int, ...], budgets: tuple[int, ...]
) -> NDArray[np.int64] | None:
    """Return the (points, classes) maximal points of N, read-only; None where there are
    too many.

    The latest lists are kept: a search makes several programs under the same budgets.

    Parameters
    ----------
    uses
        (classes, budgets), each with some use.
    mosts, budgets
        (classes,) m and (budgets,) B.
    """
    use = np.array(uses)
    most = np.array(mosts)
    budget = np.array(budgets)
    point, left = np.zeros((1, 0), dtype=np.int64), budget[None]
    for c in np.argsort(-use.sum(axis=1), kind="stable").tolist():
        used = use[c] > 0
        fit = np.minimum((left[:, used] // use[c, used]).min(axis=1), most[c])
        times = fit + 1
        if times.sum() > MOST_STATES:
            return None
        source = np.repeat(np.arange(fit.size), times)
        number = np.arange(source.size) - np.repeat(np.cumsum(times) - times, times)
        point = np.column_stack((point[source], number))
        left = left[source] - number[:, None] * use[c]
    point = point[:, np.argsort(np.argsort(-use.sum(axis=1), kind="stable"))]
    more = np.zeros(point.shape[0], dtype=bool)
    for c in range(most.size):
        more |= (point[:, c] < most[c]) & (left >= use[c]).all(axis=1)
    point = point[~more]
    point.flags.writeable = False
    return point if point.shape[0] <= MOST_POINTS else None


def _facet(
    part: _Part, count: NDArray[np.float64], least: NDArray[np.int64], most: NDArray[np.int64]
) -> _Facet | None:
    """Return the facet that a point violates most, with (classes,) l and u; None where
    it seems to violate none.
    """
    there = np.flatnonzero((part.points >= least).all(axis=1))
    points = np.minimum(part.points[there], most) - least
    room = most - least
    more = np.maximum(count - least, 0.0)
    if not there.size or (points == room).all(axis=1).any():
        return None  # no plan, or all that is left may be placed
    if room.size == 1:  # an interval: on SNIP the program below took 1 to 5 % of a search
        end = int(points.max())
        return _Facet(np.ones_like(room), end) if more[0] > max(end, 1) * (1 + VIOLATION) else None
    known = part.known[there]
    program = LinearProgram(
        cost=-(more + LEANING * room) / max(float(more.sum()), 1.0),
        lower=np.zeros(room.size),
        upper=np.ones(room.size),
        rows=csr_array(-points[known].astype(np.float64)),
        side=-np.ones(int(known.sum())),
    )
    while (solution := program.solve()) is not None:
        k = np.clip(solution.values, 0.0, 1.0)
        if more @ k <= 1 + VIOLATION:
            return None
        value = points @ k
        worst = np.argsort(-value, kind="stable")[:10]
        worst = worst[(value[worst] > 1 + NEAR / 10) & ~known[worst]]
        if not worst.size:
            whole = _in_integers(k)
            return _Facet(whole, int((points @ whole).max()))
        known[worst] = part.known[there[worst]] = True
        program.add(csr_array(-points[worst].astype(np.float64)), -np.ones(worst.size))
    return None


def _in_integers(k: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the smallest integers in about these proportions; where there are none up
    to `LARGEST`, the coefficients rounded down.
    """
    multiple = np.arange(1, LARGEST + 1)[:, None] * k
    near = (np.abs(multiple - np.round(multiple)) <= NEAR * np.arange(1, LARGEST + 1)[:, None]).all(
        axis=1
    )
    if near.any():
        return np.asarray(np.round(multiple[near.argmax()]), dtype=np.int64)
    return np.asarray(np.floor(k * LARGEST), dtype=np.int64)
