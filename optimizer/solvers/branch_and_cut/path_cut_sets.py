"""Branching on path cut sets: a node is split in two by a set of paths that are all closed, or not all.

A *path cut set* of commodity u is a set of its paths, best first; J(P) are the undecided options on path P and g_P its value with what the
node has placed. Either every one of the paths gets one more option (the set is closed), or some path P* of it gets none (the set is open): then
theta_u >= g_P*, and every commodity w has at least its value with all options but J(P*) placed,

    theta_w >= min over P of f_w(N - J(P)),      N: all options that the node allows.

On road networks many parallel roads often have to be closed together, and one that is left open makes the others useless. A linear program
closes each of them by a half, which halves the value; a split by a path cut set decides a dozen options at once, a split by one option
decides one. The set of a single path with a single option j is the usual split into x_j = 1 and x_j = 0.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.solvers.branch_and_cut.node import Node
    from optimizer.solvers.branch_and_cut.path_pool import Paths

MOST_PATHS = 80
"""Most paths of a set."""
MOST_COMMODITIES = 24
"""Commodities for which sets are made."""
EPSILON = 1e-6
"""An x this close to 0 or 1 counts as integral."""


@dataclass(frozen=True)
class PathCutSet:
    """Paths that are closed together, or not all.

    Attributes
    ----------
    members
        For each path, the undecided options on it.
    floor
        (commodities,) lower bound of the value of each commodity if one of the paths stays open.
    rise_open, rise_closed
        Estimates of how much the bound rises in either child, > 0.
    own
        Rows of the pool: the paths; empty for a single option.
    """

    members: tuple[NDArray[np.int64], ...]
    floor: NDArray[np.float64]
    rise_open: float
    rise_closed: float
    own: tuple[int, ...] = ()

    @property
    def singles(self) -> NDArray[np.int64]:
        """The options that are the only one on their path."""
        return np.array([options[0] for options in self.members if options.size == 1], dtype=np.int64)

    @property
    def option(self) -> int | None:
        """The option, where the split is by one option alone."""
        return int(self.members[0][0]) if len(self.members) == self.members[0].size == 1 else None

    def opened(self, node: Node, child: int) -> Node:
        """Return the child of this id in which one of the paths is open."""
        zeros = node.zeros.copy()
        if len(self.members) == 1:
            zeros[self.members[0]] = True
        floor = np.maximum(node.floor, self.floor)
        return replace(node, zeros=zeros, floor=floor, ancestors=(*node.ancestors, child))

    def closed(self, node: Node, child: int) -> Node:
        """Return the child of this id in which all of the paths are closed."""
        ones = node.ones.copy()
        ones[self.singles] = True
        return replace(node, ones=ones, ancestors=(*node.ancestors, child))


@dataclass(frozen=True)
class NodeSolution:
    """The solution of a node's relaxation, as far as splits depend on it.

    Attributes
    ----------
    paths
        Paths of informed commodities found so far.
    x
        (options,) point of the relaxation.
    cut_value
        (commodities,) largest right-hand side of the cuts of each commodity at x.
    weight
        (commodities,) p_u.
    dual_cost
        (options,) dual cost of placing a whole option, >= 0.
    """

    paths: Paths
    x: NDArray[np.float64]
    cut_value: NDArray[np.float64]
    weight: NDArray[np.float64]
    dual_cost: NDArray[np.float64]

    def rise(self, floor: NDArray[np.float64]) -> float:
        """Return how much (commodities,) floors raise the value above that of the cuts."""
        return float(self.weight @ np.maximum(floor - self.cut_value, 0.0))


def path_cut_sets(node: Node, solution: NodeSolution) -> list[PathCutSet]:
    """Return path cut sets to split a node by, the most promising first; splits by one option are among them."""
    x = solution.x
    split = node.undecided & (x > EPSILON) & (x < 1 - EPSILON)
    options = np.flatnonzero(split if split.any() else node.undecided).tolist()
    without = _without_each(node, solution.paths)
    least = EPSILON * float(solution.weight @ solution.cut_value) + np.finfo(np.float64).tiny
    found = [_single(j, solution, without[j], least) for j in options]
    for commodity in _by_promise(node, solution)[:MOST_COMMODITIES].tolist():
        found += _sets_of(commodity, node, solution, without)
    found.sort(key=lambda one: -one.rise_open * one.rise_closed)
    return _distinct(found)


def _without_each(node: Node, paths: Paths) -> NDArray[np.float64]:
    """Return (options, commodities) lower bounds of the values with everything that the node allows placed but one option."""
    values, each = np.repeat(node.floor[None], node.zeros.size, axis=0), left_out(node, paths)
    np.maximum.at(values, (each.option, paths.commodity[each.path]), each.value)
    return values


class LeftOut(NamedTuple):
    """(pairs,) A path, an undecided option on it, and the value of the path with everything that the node allows placed but this option."""

    path: NDArray[np.int64]
    option: NDArray[np.int64]
    value: NDArray[np.float64]


def left_out(node: Node, paths: Paths) -> LeftOut:
    """Return every pair of a path and an undecided option on it."""
    there = np.append(~node.zeros, False)[paths.option]
    left = np.where(there, paths.survival, 1.0)
    before = np.cumprod(np.column_stack((paths.value, left[:, :-1])), axis=1)
    after = np.cumprod(np.column_stack((np.ones(paths.value.size), left[:, :0:-1])), axis=1)[:, ::-1]
    path, place = np.nonzero(there & np.append(node.undecided, False)[paths.option])
    return LeftOut(path, paths.option[path, place], (before * after)[path, place])


def _by_promise(node: Node, solution: NodeSolution) -> NDArray[np.int64]:
    """Return the commodities that the relaxation sets below their value with no more options placed, the furthest below first."""
    best = node.floor.copy()
    np.maximum.at(best, solution.paths.commodity, solution.paths.values(np.append(node.ones, False)))
    promise = solution.weight * (best - solution.cut_value)
    order = np.argsort(-promise, kind="stable")
    return order[promise[order] > 0]


def _single(option: int, solution: NodeSolution, without: NDArray[np.float64], least: float) -> PathCutSet:
    """Return the set of one option; its rises are at least `least`, so that it can always be compared."""
    rise, closing = solution.rise(without), float(solution.dual_cost[option] * (1 - solution.x[option]))
    floor = np.zeros_like(without)  # the values without the option follow from its being fixed to 0
    return PathCutSet((np.array([option]),), floor, max(rise, least), max(closing, least))


def _sets_of(commodity: int, node: Node, solution: NodeSolution, without: NDArray[np.float64]) -> list[PathCutSet]:
    """Return the sets of a commodity at all levels above its floor."""
    paths, x = solution.paths, solution.x
    own = np.flatnonzero(paths.commodity == commodity)
    value = paths.take(own).values(np.append(node.ones, False))
    undecided = np.append(node.undecided, False)
    above = np.flatnonzero(value > node.floor[commodity])
    members: list[NDArray[np.int64]] = []
    rows: list[int] = []
    keys: list[set[int]] = []
    floor, deficit = np.full(node.floor.size, np.inf), 0.0
    found: list[PathCutSet] = []
    for k in above[np.argsort(-value[above], kind="stable")].tolist():
        options = paths.option[own[k]]
        options = options[undecided[options]]
        key = set(options.tolist())
        if any(other <= key for other in keys):
            continue  # closed with one before
        if not key or len(members) >= MOST_PATHS:
            break
        keys.append(key)
        members.append(options)
        rows.append(int(own[k]))
        floor = np.minimum(floor, without[options].max(axis=0))
        floor[commodity] = value[k]
        cost = solution.dual_cost[options] * (1 - x[options])
        deficit += float(cost.min() * max(0.0, 1 - x[options].sum()) / max(EPSILON, (1 - x[options]).max()))
        rise = solution.rise(floor)
        if rise > 0 and deficit > 0:
            found.append(PathCutSet(tuple(members), floor.copy(), rise, deficit, tuple(rows)))
    return found


def _distinct(sets: list[PathCutSet]) -> list[PathCutSet]:
    """Return the sets without those that close the same paths as one before."""
    seen: set[tuple[tuple[int, ...], ...]] = set()
    kept = []
    for one in sets:
        key = tuple(sorted(tuple(options.tolist()) for options in one.members))
        if key not in seen:
            seen.add(key)
            kept.append(one)
    return kept
