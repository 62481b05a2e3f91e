"""Floors under the budgets: values that no plan can bring an evader below, whatever
else it gives up.

Sets      P the paths of one informed commodity found so far; J options that are not decided; rows A x <= b: what is left of the budgets, and
          of budget cuts (`budget_hull`)
Data      R_P the value of a path with what is placed; u_Pj = -ln rho_Pj, rho_Pj what option j leaves of path P

A plan brings the commodity below v only if every path with R_P >= v gets options with
sum_j u_Pj x_j > ln(R_P / v), so only if

    sum_j c_Pj x_j >= 1,   c_Pj = min(1, u_Pj / ln(R_P / v)),   for these P,     A x <= b,     0 <= x <= 1           (1)

has a solution. With multipliers mu >= 0 of the rows and y_P >= 0, summing (1) shows
that it has none if

    sum_P y_P > mu b + sum_j max(0, sum_P c_Pj y_P - (mu A)_j),                                                        (2)

and then v is a floor. y is found path by path: y_P is raised while that raises the left
side of (2) by more than the right one, with prices (mu A)_j of which earlier paths have
taken their part. mu are the rows one by one, then mixtures with most weight on the rows
that were used most by the options that covered the paths so far (multiplicative
weights); when the mean of these covers is within all rows, it solves (1). Values of
paths are the levels v that are tried. For many roads of about equal value the linear
program closes each in part; where the budgets cannot close all of them, the floor is
the value of the best road that must stay open.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.base.work.kernels import Floats, Floats2, Ints, Ints2, Mask, part, rare_kernel
from optimizer.base.work.listener import SILENT, Listener
from optimizer.base.work.work_clock import work_seconds
from optimizer.problem.instance.options import BUDGET_TOLERANCE
from optimizer.solvers.branch_and_cut.cuts.separation import STEEPEST
from optimizer.solvers.branch_and_cut.tree.node import Node

if TYPE_CHECKING:
    from optimizer.problem.instance.instance import Instance
    from optimizer.solvers.branch_and_cut.cuts.budget_hull import BudgetCuts
    from optimizer.solvers.branch_and_cut.paths.path_pool import Paths

TURNS = 16
"""Mixtures of rows that are tried for a level."""
NOTHING_LEFT = 1e-6
"""Share of a budget up to which nothing is left of it: what still uses it is fixed by
propagation.
"""
MARGIN = 1e-7
"""Relative excess over what the rows allow that proves a level out of reach."""
SAME = 1e-12
"""Relative distance up to which values of paths count as equal; taken off every floor."""
SHORT = 1e-6
"""Depth that a path needs up to which one option on it is asked for, whatever it leaves."""
STEP = 2.0
"""Scale of the exponents of multipliers."""
AT_ONCE = 8
"""Commodities whose floors are raised before the time is looked at."""


def tightened_bounds(
    instance: Instance,
    node: Node,
    paths: Paths,
    cuts: BudgetCuts,
    until: float = np.inf,
    listener: Listener = SILENT,
) -> NDArray[np.float64]:
    """Return (commodities,) floors of the plans of a node, each at least as large as
    the node's.

    Parameters
    ----------
    instance
        Whose budgets hold.
    node
        The node, propagated.
    paths
        Paths of informed commodities, with every option on them.
    cuts
        Budget cuts.
    until
        `work_seconds()` from which on commodities keep the floors they have.
    listener
        Told of that.
    """
    use = _rows(instance, node, cuts)
    value = paths.values(np.append(node.ones, False))
    above = np.flatnonzero(value > node.floor[paths.commodity])
    if not use.shape[1] or not above.size:
        return node.floor
    order = above[np.lexsort((-value[above], paths.commodity[above]))]
    option = paths.option[order]
    with np.errstate(divide="ignore"):
        depth = (
            np.minimum(-np.log(paths.survival[order]), STEEPEST)
            * np.append(node.undecided, False)[option]
        )
    start = np.searchsorted(paths.commodity[order], np.arange(node.floor.size + 1))
    floor, values = node.floor.copy(), value[order]
    for k in range(0, floor.size, AT_ONCE):
        if work_seconds() >= until:
            listener.noted(
                f"Floors under the budgets were raised for {k} of {floor.size} commodities in their"
                " share of the time; the bound is lower for it. A longer time limit raises more."
            )
            break
        some = slice(k, k + AT_ONCE)
        floor[some] = _raised(
            start[k : k + AT_ONCE + 1], values, option, depth, node.floor[some], use
        )
    return floor


def _rows(instance: Instance, node: Node, cuts: BudgetCuts) -> NDArray[np.float64]:
    """Return the (options + 1, rows) uses of the rows of which something is left, as
    shares of that; the last option is padding.
    """
    coefficient = cuts.coefficient.toarray()
    use = np.vstack(
        (
            np.column_stack((instance.use, coefficient.T)),
            np.zeros(instance.budget.size + cuts.side.size),
        )
    )
    budget = np.append(instance.budget * (1 + 2 * BUDGET_TOLERANCE), cuts.side)
    left = budget - np.append(node.ones, False) @ use
    used = (
        np.isfinite(left)
        & (left > NOTHING_LEFT * budget)
        & (use[np.append(node.undecided, False)] > 0).any(axis=0)
    )
    return np.ascontiguousarray(use[:, used] / left[used])


@rare_kernel
def _raised(
    start: Ints, value: Floats, option: Ints2, depth: Floats2, floor: Floats, use: Floats2
) -> Floats:
    """Return (commodities,) floors, each at least as large as before.

    Parameters
    ----------
    start
        (commodities + 1,) where the paths of each commodity start.
    value
        (paths,) falling within a commodity.
    option, depth
        (paths, width) options, and -ln of what each leaves of the path; 0 where it
        cannot be placed.
    floor
        (commodities,) floors before.
    use
        (options + 1, rows) what each uses of each row, whose right side is 1; the last
        option is padding.
    """
    floors = np.empty(floor.size)
    price, chosen = np.zeros(use.shape[0]), np.zeros(use.shape[0], dtype=np.bool_)
    for u in range(start.size - 1):
        floors[u] = floor[u]
        first = end = start[u]
        while end < start[u + 1] and value[end] > floor[u] * (1 + MARGIN):
            end += 1
        # values fall, so the levels out of reach come last: the first of them is looked
        # for from the end, in steps that double
        low = first
        high = end
        step = 1
        while low < high:
            middle = max(low, high - step)
            last = middle  # paths of the same value are closed with it
            while last + 1 < start[u + 1] and value[last + 1] >= value[middle] * (1 - SAME):
                last += 1
            if _out_of_reach(first, last, value, option, depth, use, price, chosen):
                high, step = middle, 2 * step
            else:
                low, step = middle + 1, max(1, (high - middle) // 2)
        if high < end:
            floors[u] = max(floor[u], value[high] * (1 - SAME))
    return floors


@part
def _out_of_reach(  # noqa: C901 - one loop over multipliers
    first: int,
    last: int,
    value: Floats,
    option: Ints2,
    depth: Floats2,
    use: Floats2,
    price: Floats,
    chosen: Mask,
) -> bool:
    """Return whether it is proven that no plan within the rows brings all the paths
    from `first` to `last` below the value of the last.

    `price` and `chosen` are (options + 1,) scratch.
    """
    rows = use.shape[1]
    spent = np.zeros(rows)
    used = np.zeros(rows)
    multiplier = np.zeros(rows)
    # each row twice, with the paths in either order, then mixtures
    for turn in range(2 * rows + TURNS):
        most = _largest(spent) / turn if turn else 0.0
        if turn >= 2 * rows and most <= 1:
            return False  # the mean of the covers is within all rows
        for r in range(rows):
            if turn >= 2 * rows:
                multiplier[r] = math.exp(
                    STEP * math.sqrt(turn - 2.0 * rows + 1) * (spent[r] / turn - most)
                )
            else:
                multiplier[r] = 1.0 if r == turn // 2 else 0.0
        _set_prices(first, last, option, use, multiplier, price, chosen)
        total = allowed = 0.0
        for step in range(last - first + 1):
            path = first + step if turn % 2 == 0 else last - step
            total += _charge(path, value[path] / value[last], option, depth, price)
        for r in range(rows):
            allowed += multiplier[r]
            used[r] = 0.0
        if total > allowed * (1 + MARGIN):
            return True  # (2) holds
        for path in range(first, last + 1):
            _cover(path, value[path] / value[last], option, depth, price, chosen, use, used)
        if _largest(used) <= 1:
            return False  # a plan within the rows closes all paths
        for r in range(rows):
            spent[r] += used[r]
    return False


@part
def _largest(values: Floats) -> float:
    """Return the largest of values >= 0."""
    largest = 0.0
    for value in values:
        largest = max(largest, value)
    return largest


@part
def _set_prices(
    first: int,
    last: int,
    option: Ints2,
    use: Floats2,
    multiplier: Floats,
    price: Floats,
    chosen: Mask,
) -> None:
    """Set the prices of the options on paths to what they use, at multipliers of the
    rows, and choose none of them.
    """
    for path in range(first, last + 1):
        for w in range(option.shape[1]):
            j = option[path, w]
            chosen[j] = False
            price[j] = 0.0
            for r in range(multiplier.size):
                price[j] += multiplier[r] * use[j, r]


@part
def _share(depth: float, need: float) -> float:
    """Return what an option does of what a path needs, at most 1."""
    if depth <= 0:
        return 0.0
    return 1.0 if need <= SHORT or depth >= need else depth / need


@part
def _charge(path: int, ratio: float, option: Ints2, depth: Floats2, price: Floats) -> float:
    """Return the least price, at most once each, of options that bring a path down by a
    ratio, and take it off their prices; inf if none do.
    """
    need = math.log(ratio)
    paid = 0.0
    done = 0.0
    while done < 1 - MARGIN:
        done, least = 0.0, np.inf
        for w in range(option.shape[1]):
            part = _share(depth[path, w], need)
            if part > 0 and price[option[path, w]] <= 0:
                done += part
            elif part > 0:
                least = min(least, price[option[path, w]] / part)
        if done < 1 - MARGIN:
            if least == np.inf:
                return np.inf
            paid += least * (1 - done)
            for w in range(option.shape[1]):
                part = _share(depth[path, w], need)
                left = price[option[path, w]] - part * least
                if part > 0:
                    price[option[path, w]] = left if left > SAME * part * least else 0.0
    return paid


@part
def _cover(
    path: int,
    ratio: float,
    option: Ints2,
    depth: Floats2,
    price: Floats,
    chosen: Mask,
    use: Floats2,
    used: Floats,
) -> None:
    """Choose options, the cheapest for what they do first, until a path is brought down
    by a ratio, and add what they use.
    """
    need, done = math.log(ratio), 0.0
    while done < 1 - MARGIN:
        done = 0.0
        least = np.inf
        best = -1
        for w in range(option.shape[1]):
            part = _share(depth[path, w], need)
            if part > 0 and chosen[option[path, w]]:
                done += part
            elif part > 0 and price[option[path, w]] / part < least:
                least, best = price[option[path, w]] / part, option[path, w]
        if done >= 1 - MARGIN or best < 0:
            return
        chosen[best] = True
        for r in range(use.shape[1]):
            used[r] += use[best, r]
