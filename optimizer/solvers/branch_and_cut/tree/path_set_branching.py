"""Branching on path sets: a node is split in two by a set of paths that are all closed,
or not all.

A *path set* of commodity u is a set of its paths, best first; J(P) are the undecided
options on path P and g_P its value with what the node has placed. Either every one of
the paths gets one more option (the set is closed), or some path P* of it gets none (the
set is open): then theta_u >= g_P*, and every commodity w has at least its value with
all options but J(P*) placed,

    theta_w >= min over P of f_w(N - J(P)),      N: all options that the node allows.

On road networks many parallel roads often have to be closed together, and one that is
left open makes the others useless. A linear program closes each of them by a half,
which halves the value; a split by a path set decides a dozen options at once, a split
by one option decides one. The set of a single path with a single option j is the usual
split into x_j = 1 and x_j = 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optimizer.base.work.kernels import Floats, Floats2, Ints, Ints2, Mask, rare_kernel
from optimizer.problem.plan.evaluation import weighted_sum
from optimizer.solvers.branch_and_cut.tree.node import Node
from optimizer.solvers.params import TreeParams

if TYPE_CHECKING:
    from optimizer.solvers.branch_and_cut.paths.path_pool import Paths

Learnt = tuple[NDArray[np.float64], ...]

EPSILON = 1e-6
"""An x this close to 0 or 1 counts as integral."""


@dataclass(frozen=True)
class PathSet:
    """Paths that are closed together, or not all."""

    #: For each path, the undecided options on it.
    members: tuple[NDArray[np.int64], ...]
    #: (commodities,) lower bound of the value of each commodity if one of the paths
    #: stays open.
    floor: NDArray[np.float64]
    #: `rise_open`, `rise_closed`: Estimates of how much the bound rises in either
    #: child, > 0.
    rise_open: float
    rise_closed: float

    @property
    def singles(self) -> NDArray[np.int64]:
        """The options that are the only one on their path."""
        return np.array(
            [options[0] for options in self.members if options.size == 1], dtype=np.int64
        )

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
    """The solution of a node's relaxation, as far as splits depend on it."""

    #: Paths of informed commodities found so far.
    paths: Paths
    #: (options,) point of the relaxation.
    x: NDArray[np.float64]
    #: (commodities,) largest right-hand side of the cuts of each commodity at x.
    cut_value: NDArray[np.float64]
    #: (commodities,) p_u.
    weight: NDArray[np.float64]
    #: (options,) dual cost of placing a whole option, >= 0.
    dual_cost: NDArray[np.float64]

    def rise(self, floor: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how much each row of (sets, commodities) floors raises the value above
        that of the cuts.
        """
        return np.asarray((self.weight * np.maximum(floor - self.cut_value, 0.0)).sum(axis=1))


@dataclass(frozen=True)
class PathSets:
    """The path sets of a node in tables, as only a few of them are ever tried."""

    #: `option`, `start`: (entries,) undecided options, one path after the other, and
    #: (paths + 1,) where those of each path start.
    option: NDArray[np.int64]
    start: NDArray[np.int64]
    #: `first`, `last`: (sets,) the paths that each set begins and ends with.
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    #: (paths, commodities) `PathSet.floor` of the set that ends with a path.
    floor: NDArray[np.float64]
    #: (sets, 2) `PathSet.rise_open` and `rise_closed`.
    rise: NDArray[np.float64]

    def __len__(self) -> int:
        """Return the number of sets."""
        return self.last.size

    def __getitem__(self, k: int) -> PathSet:
        """Return the k-th set."""
        starts = self.start[self.first[k] : self.last[k] + 2].tolist()
        members = tuple(self.option[start:end] for start, end in pairwise(starts))
        return PathSet(members, self.floor[self.last[k]], *self.rise[k].tolist())

    @property
    def alone(self) -> NDArray[np.int64]:
        """(sets,) `PathSet.option`, or -1."""
        begin = self.start[self.first]
        return np.where(self.start[self.last + 1] - begin == 1, self.option[begin], -1)


def path_sets(node: Node, solution: NodeSolution, params: TreeParams = TreeParams()) -> PathSets:
    """Return path sets to split a node by, each once, the most promising first; splits
    by one option are among them.

    A node with losses (`relaxed_options`) is split by single options alone: the floors
    of open sets would have many witnesses.
    """
    x, paths = solution.x, solution.paths
    split = node.undecided & (x > EPSILON) & (x < 1 - EPSILON)
    single = np.flatnonzero(split if split.any() else node.undecided)
    value, n = paths.values(np.append(node.ones, False)), single.size
    row = (
        np.empty(0, dtype=np.int64)
        if node.beside_relaxed
        else _members(node, solution, value, params)
    )
    there = np.append(node.undecided, False)[paths.option[row]]
    option = np.append(single, paths.option[row][there])
    start = np.cumsum(np.concatenate(([0], np.ones(n, dtype=np.int64), there.sum(axis=1))))
    floor = np.maximum.reduceat(values_without_each(node, paths)[option], start[:-1])
    closing = _closing(solution, option, start)
    closing[:n] = (solution.dual_cost * (1 - x))[single]
    # of unequal sets with equal keys one is lost: by chance once in about 2^60
    mark = np.random.default_rng(0).integers(1, 2**63, x.size)
    key = np.add.reduceat(mark[option], start[:-1]) ** 2
    chains = n + np.flatnonzero(np.diff(paths.commodity[row], prepend=-1, append=-1))
    for table, accumulate in ((floor, np.minimum), (closing, np.add), (key, np.add)):
        for begin, end in pairwise(chains.tolist()):
            accumulate.accumulate(table[begin:end], out=table[begin:end])
    floor[n + np.arange(row.size), paths.commodity[row]] = value[row]
    rise = np.column_stack((solution.rise(floor), closing))
    floor[:n] = 0.0  # the values without a single option follow from its being fixed to 0
    least = EPSILON * weighted_sum(solution.weight, solution.cut_value) + np.finfo(np.float64).tiny
    rise[:n] = np.maximum(rise[:n], least)  # so that they can always be compared
    last = np.flatnonzero((rise > 0).all(axis=1))
    last = last[np.argsort(-rise[last, 0] * rise[last, 1], kind="stable")]
    last = last[np.sort(np.unique(key[last], return_index=True)[1])]
    first = np.append(np.arange(n), np.repeat(chains[:-1], np.diff(chains)))
    return PathSets(option, start, first[last], last, floor, rise[last])


def values_without_each(node: Node, paths: Paths) -> NDArray[np.float64]:
    """Return (options, commodities) lower bounds of the values with everything that the
    node allows placed but one option.
    """
    allowed, undecided = np.append(~node.zeros, False), np.append(node.undecided, False)
    order = np.argsort(paths.commodity, kind="stable")
    return _without_each(
        order,
        paths.commodity,
        paths.value,
        paths.option,
        paths.survival,
        allowed,
        undecided,
        node.floor,
    ).T


@rare_kernel
def _without_each(
    order: Ints,
    commodity: Ints,
    value: Floats,
    option: Ints2,
    survival: Floats2,
    allowed: Mask,
    undecided: Mask,
    floor: Floats,
) -> Floats2:
    """Return (commodities, options) the largest of a floor and the values of paths
    under all allowed options but an undecided one.

    Parameters
    ----------
    order
        The paths by commodity: each row of the table is filled at once.
    commodity, value, option, survival
        Paths, as in `path_pool.Paths`.
    allowed, undecided
        (options + 1,) masks, the second within the first; the last is padding.
    floor
        (commodities,) values that are there in any case.
    """
    most = np.empty((floor.size, allowed.size - 1))
    for u in range(floor.size):
        for j in range(allowed.size - 1):
            most[u, j] = floor[u]
    place, before = np.empty(option.shape[1], dtype=np.int64), np.empty(option.shape[1])
    for at in range(order.size):
        # the product without one factor is that before it times that after it: dividing
        # by a survival of 0 is not to be
        p = order[at]
        product = value[p]
        some = 0
        u = commodity[p]
        for w in range(option.shape[1]):
            if option[p, w] == allowed.size - 1:
                break
            if allowed[option[p, w]]:
                place[some], before[some] = w, product
                product *= survival[p, w]
                some += 1
        after = 1.0
        for k in range(some - 1, -1, -1):
            j = option[p, place[k]]
            if undecided[j]:
                most[u, j] = max(most[u, j], before[k] * after)
            after *= survival[p, place[k]]
    return most


def _members(
    node: Node, solution: NodeSolution, value: NDArray[np.float64], params: TreeParams
) -> NDArray[np.int64]:
    """Return the paths that sets are made of, without those closed with one before: by
    commodity, most promising first, and falling value.

    (paths,) `value` is that of each with the options of the node placed.
    """
    paths, undecided = solution.paths, np.append(node.undecided, False)
    most = params.most_commodities
    rank = np.full(node.floor.size, most)
    promising = _by_promise(node, solution, value)[:most]
    rank[promising] = np.arange(promising.size)
    place = rank[paths.commodity]
    row = np.flatnonzero((place < most) & (value > node.floor[paths.commodity]))
    row = row[np.lexsort((-value[row], place[row]))]
    return np.asarray(row[_uncovered(place[row], paths.option[row], undecided, params.most_paths)])


@rare_kernel
def _uncovered(  # noqa: C901 - one loop over paths
    chain: Ints, option: Ints2, undecided: Mask, most: int
) -> Mask:
    """Return the (paths,) mask of those, at most so many a chain, whose undecided
    options include all of no path before in their chain.

    A path without undecided options, which cannot be closed, is not among them, nor one
    after it.

    Parameters
    ----------
    chain, option
        (paths,) the chain of each, rising, and (paths, width) its options, as in
        `path_pool.Paths`.
    undecided
        (options + 1,) mask; the last is padding.
    """
    found, before = np.zeros(chain.size, dtype=np.bool_), np.empty(most, dtype=np.int64)
    # the last path with each option; past all for decided ones
    on, count = np.empty(undecided.size, dtype=np.int64), 0
    for j in range(undecided.size):
        on[j] = -1 if undecided[j] else chain.size
    for p in range(chain.size):
        if p > 0 and chain[p] != chain[p - 1]:
            count = 0
        if count == most:
            continue
        for w in range(option.shape[1]):
            if undecided[option[p, w]]:
                on[option[p, w]], found[p] = p, True
        covered = False
        for k in range(count):
            # by the k-th path, unless that has an undecided option which is not on this
            # one
            covered = True
            for w in range(option.shape[1]):
                if on[option[before[k], w]] < p:
                    covered = False
                    break
            if covered:
                break
        if covered:
            found[p] = False
        else:
            before[count] = p
            count += 1
    return found


def _by_promise(
    node: Node, solution: NodeSolution, value: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Return the commodities that the relaxation sets below their value with no more
    options placed, the furthest below first.
    """
    best = node.floor.copy()
    np.maximum.at(best, solution.paths.commodity, value)
    promise = solution.weight * (best - solution.cut_value)
    order = np.argsort(-promise, kind="stable")
    return order[promise[order] > 0]


def _closing(
    solution: NodeSolution, option: NDArray[np.int64], start: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the (paths,) dual cost of what each path still takes to be closed; its
    options as in `PathSets`.
    """
    left, size = 1 - solution.x, np.diff(start)
    placed = np.empty(size.size)
    for each in np.unique(size).tolist():
        same = size == each
        # as each path alone
        placed[same] = solution.x[option[start[:-1][same, None] + np.arange(each)]].sum(axis=1)
    cost = np.minimum.reduceat((solution.dual_cost * left)[option], start[:-1])
    most = np.maximum.reduceat(left[option], start[:-1])
    return np.asarray(cost * np.maximum(0.0, 1 - placed) / np.maximum(EPSILON, most))


TINY = 1e-6
"""Share of the distance to the cutoff that every rise counts at least for, so that
products can be compared.
"""


def score(rises: ArrayLike, left: float) -> NDArray[np.float64]:
    """Return the (...,) scores of the (..., 2) rises of two children, at a distance > 0
    to the cutoff.
    """
    return np.asarray((np.clip(rises, 0.0, left) / left + TINY).prod(axis=-1))


def learnt_since(now: Learnt, before: Learnt) -> Learnt:
    """Return what a rule has learnt since an earlier moment."""
    return tuple(np.subtract(new, old) for new, old in zip(now, before, strict=True))


class BranchingRule:
    """What was learnt from the splits tried so far.

    Both children of a split matter: its score is the product of their rises, each at
    most the distance to the cutoff. What a child is expected to gain comes from two
    sources:

    estimate     `path_sets`: the floors of the open child, the dual cost of what the closed child must still place; times the ratio of what
                 was found to what was estimated so far, by kind of split and child
    pseudo-cost  single options only: the mean rise for each unit by which x_j was
    moved, over the splits by j that were tried; for an option of
                 which none was tried, the mean over all options, where it is more than the estimate

    Path sets differ from node to node, so they have no pseudo-costs. Every split is
    tried before it is used: to rely on pseudo-costs after four trials of an option
    (reliability branching: Achterberg, Koch & Martin 2005) took 231 nodes and 33 s in
    place of 90 and 17 s on andorra-like-911-20.

    Parameters
    ----------
    n_options
        Number of options.
    """

    def __init__(self, n_options: int) -> None:
        self._sum, self._count = np.zeros((2, n_options)), np.zeros((2, n_options))
        self._estimated, self._found = np.ones((2, 2)), np.ones((2, 2))

    @property
    def learnt(self) -> Learnt:
        """The sums and counts of everything learnt so far: those of two rules can be
        taken from each other and added.
        """
        return self._sum.copy(), self._count.copy(), self._estimated.copy(), self._found.copy()

    def add(self, learnt: Learnt) -> None:
        """Add sums and counts that another rule of the same options has learnt."""
        self._sum, self._count, self._estimated, self._found = (
            own + other for own, other in zip(self.learnt, learnt, strict=True)
        )

    def ordered(self, splits: PathSets, x: NDArray[np.float64], left: float) -> Iterator[PathSet]:
        """Return splits by falling expected score, each made when it is asked for.

        Parameters
        ----------
        splits
            Splits of a node.
        x
            (options,) point of its relaxation.
        left
            Distance of its bound to the cutoff, > 0.
        """
        order = np.argsort(-score(self.expected(splits, x), left), kind="stable")
        return (splits[k] for k in order.tolist())

    def learn(
        self, split: PathSet, x: NDArray[np.float64], rises: NDArray[np.float64], left: float
    ) -> None:
        """Take the rises of the open and the closed child of a split that was tried at a point."""
        kind, capped = int(split.option is None), np.minimum(rises, left)
        self._estimated[kind] += np.minimum((split.rise_open, split.rise_closed), left) / left
        self._found[kind] += capped / left
        if (j := split.option) is not None:
            moved = np.array([x[j], 1 - x[j]])
            far = moved > TINY
            self._sum[far, j] += capped[far] / moved[far]
            self._count[far, j] += 1

    def expected(self, splits: PathSets, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the (splits, 2) rises that are expected of the open and the closed
        child of splits at a point.
        """
        j = splits.alone
        estimate = (self._found / self._estimated)[(j < 0).astype(np.int64)] * splits.rise
        moved, count = np.column_stack((x[j], 1 - x[j])), self._count[:, j].T
        mean = self._sum.sum(axis=1) / np.maximum(self._count.sum(axis=1), 1)
        cost = self._sum[:, j].T / np.maximum(count, 1)
        learnt = np.where(count > 0, cost * moved, np.maximum(mean * moved, estimate))
        return np.where(j[:, None] < 0, estimate, learnt)
