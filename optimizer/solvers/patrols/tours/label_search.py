"""The best tour by label setting: sets of posts grow by one visit at a time, and labels
that cannot become best are dropped.

A label is a set S of posts in some order that ends at v, with its driving time t, the
value w of its legs, and, since the dwell times are chosen at the end, the table f_S(k):
the largest prize of k slots spread over S. Of two labels with the same S and v, one of
no longer driving time and no smaller value of legs dominates the other. A label is
extended by a post only where the upper bound of its completions
(`optimizer.solvers.patrols.tours.label_search`),

    max over k of f_S(k) + w + q_vu + A(u, shift - t - t_vu - k slot) + sum of lambda outside S,

exceeds the value of the best tour found. Labels of one size are handled together. A
beam keeps only the labels of highest bound: a heuristic, whose outcome holds the
largest bound of those it dropped.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from optimizer.base.work.kernels import Floats2, Ints2, kernel, ready
from optimizer.base.work.work_clock import work_seconds
from optimizer.solvers.kernel_modules import TOURS
from optimizer.solvers.patrols.tours.tour import Tour, TourProblem

BLOCK = 1 << 20
"""Numbers in one array of bounds at a time."""

NUMBERS = 1 << 24
"""Numbers in the tables of the labels of one size: 128 MB."""

SPARE = 4
"""Extensions held, in widths of the beam, before the dominated ones are taken out."""

WORD = 64
"""Posts in one word of a set."""


@dataclass(frozen=True)
class Labels:
    """Labels of one size; m of them."""

    #: (m,) position of the last post.
    last: NDArray[np.int64]
    #: (m, w) set of posts in bits.
    words: NDArray[np.uint64]
    #: (m,) driving so far.
    seconds: NDArray[np.int64]
    #: (m,) value of the legs so far.
    legs: NDArray[np.float64]
    #: Size of the sets.
    visits: int
    #: (m, c) f_S of `visits`, `visits` + 1, ... slots: at least one for each post, at
    #: most L, and no more than the shift has.
    table: NDArray[np.float64]
    #: (m,) sum of the prices of posts outside S.
    outside: NDArray[np.float64]
    #: (m,) upper bound of the value of tours that begin so.
    bound: NDArray[np.float64]
    #: (m,) place of the label before the last visit, among the labels of one size less.
    parent: NDArray[np.int64]


@dataclass(frozen=True)
class _Steps:
    """Extensions of labels: place of the label, position of the post, bound; all (e,)."""

    label: NDArray[np.int64]
    post: NDArray[np.int64]
    bound: NDArray[np.float64]

    def take(self, keep: NDArray[np.bool_] | NDArray[np.int64]) -> _Steps:
        return _Steps(self.label[keep], self.post[keep], self.bound[keep])


@dataclass
class Outcome:
    """What a search found."""

    #: Orders of posts with their values: the best of every size, as many as asked for.
    found: list[tuple[float, tuple[int, ...]]] = field(default_factory=list)
    #: Largest bound of the labels dropped: no tour has more than the largest of it, the
    #: best of `found` and the value given to the search.
    bound: float = -np.inf
    #: False where the width or the time took labels that could have become best.
    ended: bool = True
    #: Labels made.
    labels: int = 0

    def drop(self, bound: NDArray[np.float64]) -> None:
        """Remember the bounds of what is not followed."""
        self.bound = max(self.bound, float(bound.max(initial=-np.inf)))


class LabelSearch:
    """Search for the best tours of a problem under given tables.

    Parameters
    ----------
    problem
        What to solve.
    table
        Bounds of completions.
    """

    def __init__(self, problem: TourProblem, table: Completion) -> None:
        self._problem, self._table = problem, table
        self._most = problem.shift // problem.slot
        self._bit = np.zeros((problem.n + 1, problem.n // WORD + 1), dtype=np.uint64)
        place = np.arange(problem.n + 1)
        self._bit[place, place // WORD] = np.uint64(1) << (place % WORD).astype(np.uint64)
        self._travel = np.minimum(problem.travel, problem.shift + 1)

    def run(self, value: float, *, width: int, deadline: float = np.inf, each: int = 1) -> Outcome:
        """Return the best tours; labels whose bound does not exceed `value`, or the
        values of `each` tours found, are dropped.

        Parameters
        ----------
        value
            Tours of no larger value are not searched for (they may still be found).
        width
            Most labels of one size.
        deadline
            Value of `work_seconds` after which labels are given up.
        each
            How many of the best tours to look for, and to return of every size at most.
        """
        outcome, best = Outcome(), value
        labels, layers = self._start(), []
        while labels.last.size:
            layers.append((labels.last, labels.parent))
            steps = self._steps(labels, best, width, deadline, outcome)
            labels = self._children(labels, steps)
            outcome.labels += labels.last.size
            values = self._closed(labels)
            for at in np.argsort(-values, kind="stable")[:each].tolist():
                if values[at] > -np.inf:
                    outcome.found.append(
                        (float(values[at]), _posts([*layers, (labels.last, labels.parent)], at))
                    )
            top = sorted((found for found, _ in outcome.found), reverse=True)[each - 1 : each]
            best = max([value, *top])
        return outcome

    def _start(self) -> Labels:
        zero = np.zeros(1, dtype=np.int64)
        words = np.zeros((1, self._bit.shape[1]), dtype=np.uint64)
        prices, bound = self._table.price.sum(), self._table.bound
        return Labels(
            zero,
            words,
            zero,
            np.zeros(1),
            0,
            np.zeros((1, 1)),
            np.array([prices]),
            np.array([bound]),
            zero,
        )

    def _steps(
        self, labels: Labels, best: float, width: int, deadline: float, outcome: Outcome
    ) -> _Steps:
        """Return the extensions to follow, at most `width`, none of them dominated."""
        width = min(width, NUMBERS // self._columns(labels.visits + 1))
        block = max(1, BLOCK // ((self._problem.n + 1) * labels.table.shape[1]))
        steps = _Steps(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
        for start in range(0, labels.last.size, block):
            if work_seconds() > deadline:
                left = labels.bound[start:]
                outcome.drop(left)
                outcome.ended &= not (left > best).any()
                break
            more = self._extended(labels, np.arange(start, min(start + block, labels.last.size)))
            outcome.drop(more.bound[more.bound <= best])
            more = more.take(more.bound > best)
            steps = _Steps(
                *(
                    np.concatenate((getattr(steps, f), getattr(more, f)))
                    for f in ("label", "post", "bound")
                )
            )
            if steps.label.size > 2 * SPARE * width:
                steps = _narrowed(steps, SPARE * width, outcome)
        return _narrowed(steps.take(self._undominated(labels, steps)), width, outcome)

    def _extended(self, labels: Labels, some: NDArray[np.int64]) -> _Steps:
        """Return all extensions of some labels by posts outside them from which the
        base can be reached in time.
        """
        problem, table = self._problem, self._table
        free = np.asarray(~(labels.words[some][:, None, :] & self._bit).any(axis=2))
        free[:, 0] = False
        place, post = np.nonzero(free)
        label = some[place]
        last = labels.last[label]
        left = problem.shift - labels.seconds[label] - self._travel[last, post]
        row = np.maximum(left * table.cells // problem.slot, -1) + table.before
        row = np.maximum(row[:, None] - self._slots(labels) * table.cells, 0)
        rest = table.arrive.ravel()[row * (problem.n + 1) + post[:, None]] + labels.table[label]
        bound = rest.max(axis=1) + (
            labels.legs[label] + problem.leg[last, post] + labels.outside[label]
        )
        return _Steps(label, post, bound).take(bound > -np.inf)

    def _undominated(self, labels: Labels, steps: _Steps) -> NDArray[np.int64]:
        """Return places of extensions that none to the same set and post matches in
        time and legs; of equals, one.
        """
        last = labels.last[steps.label]
        words = labels.words[steps.label] | self._bit[steps.post]
        seconds = labels.seconds[steps.label] + self._travel[last, steps.post]
        legs = labels.legs[steps.label] + self._problem.leg[last, steps.post]
        order = np.lexsort((-legs, seconds, steps.post, *words.T))
        same = (words[order[1:]] == words[order[:-1]]).all(axis=1) & (
            steps.post[order[1:]] == steps.post[order[:-1]]
        )
        new = np.ones(order.size, dtype=bool)
        new[1:] = ~same
        # the value of legs must rise within a group: as ranks, offset group by group,
        # it must rise throughout
        rank = np.unique(legs, return_inverse=True)[1][order] + np.cumsum(new) * (order.size + 1)
        keep = new.copy()
        keep[1:] |= rank[1:] > np.maximum.accumulate(rank)[:-1]
        return np.asarray(order[keep])

    def _children(self, labels: Labels, steps: _Steps) -> Labels:
        problem = self._problem
        parent = steps.label
        post = steps.post
        last = labels.last[parent]
        before = labels.table[parent]
        visits = labels.visits + 1
        columns = self._columns(visits)
        table = np.full((post.size, columns), -np.inf)
        for more in range(min(problem.most_slots, columns)):
            longer = before[:, : columns - more] + problem.prize[post - 1, more + 1][:, None]
            target = table[:, more : more + longer.shape[1]]
            np.maximum(target, longer, out=target)
        return Labels(
            last=post,
            words=labels.words[parent] | self._bit[post],
            seconds=labels.seconds[parent] + self._travel[last, post],
            legs=labels.legs[parent] + problem.leg[last, post],
            visits=visits,
            table=table,
            outside=labels.outside[parent] - self._table.price[post],
            bound=steps.bound,
            parent=parent,
        )

    def _closed(self, labels: Labels) -> NDArray[np.float64]:
        """Return the value of each label closed at the base; minus infinity where it
        does not fit.
        """
        problem = self._problem
        left = (problem.shift - labels.seconds - self._travel[labels.last, 0]) // problem.slot
        within = self._slots(labels) <= left[:, None]
        dwell = np.where(within, labels.table, -np.inf).max(axis=1)
        return np.asarray(dwell + labels.legs + problem.leg[labels.last, 0])

    def _columns(self, visits: int) -> int:
        return max(min(visits * self._problem.most_slots, self._most) - visits + 1, 1)

    @staticmethod
    def _slots(labels: Labels) -> NDArray[np.int64]:
        """Return the numbers of slots that the columns of the labels' tables stand for."""
        return np.arange(labels.visits, labels.visits + labels.table.shape[1])


def _narrowed(steps: _Steps, width: int, outcome: Outcome) -> _Steps:
    """Return the extensions of highest bound, in their order."""
    if steps.bound.size <= width:
        return steps
    order = np.argpartition(-steps.bound, width)
    outcome.drop(steps.bound[order[width:]])
    outcome.ended = False
    return steps.take(np.sort(order[:width]))


def _posts(layers: list[tuple[NDArray[np.int64], NDArray[np.int64]]], at: int) -> tuple[int, ...]:
    """Return the order of posts of a label of the last layer."""
    posts = []
    for last, parent in reversed(layers[1:]):
        posts.append(int(last[at]))
        at = int(parent[at])
    return tuple(reversed(posts))


def with_best_slots(problem: TourProblem, posts: tuple[int, ...]) -> Tour:
    """Return the tour over posts, in this order, that dwells best; the posts must fit
    with one slot each.
    """
    at = np.array((0, *posts, 0), dtype=np.int64)
    left = problem.shift - int(problem.travel[at[:-1], at[1:]].sum())
    most = min(left // problem.slot, len(posts) * problem.most_slots)
    table = np.full((len(posts) + 1, most + 1), -np.inf)
    table[0, 0] = 0.0
    for i, post in enumerate(posts):
        for slots in range(1, min(problem.most_slots, most) + 1):
            longer = table[i, : most + 1 - slots] + problem.prize[post - 1, slots]
            np.maximum(table[i + 1, slots:], longer, out=table[i + 1, slots:])
    total, chosen = int(table[-1].argmax()), []
    for i in range(len(posts), 0, -1):
        stay = np.arange(1, min(problem.most_slots, total) + 1)
        chosen.append(
            int(stay[(table[i - 1, total - stay] + problem.prize[posts[i - 1] - 1, stay]).argmax()])
        )
        total -= chosen[-1]
    return Tour(posts, tuple(reversed(chosen)))


# Upper bounds of the value of the rest of a tour, by relaxation to walks: they prune
# the search for the best tour.

WORK = 3e6
"""Cells times legs that one table may take: a few hundredths of a second."""

FINEST = 30
"""Most cells to a slot."""

COARSEST = 160
"""Fewest cells in a shift, whatever the work (or one to a slot)."""

PATIENCE = 4
"""Tables without a better bound after which the steps are halved."""


@dataclass(frozen=True)
class Completion:
    """Tables for one vector of prices; N is the number of cells in the shift, and times
    below 0 stand in front.

    Walks are tours that may visit a post again. With a multiplier lambda_v >= 0 for
    each visit of v, and T(v, t) the largest value of a walk from leaving v with t left
    until it is back at the base,

        A(v, t) = max over l of p_vl - lambda_v + T(v, t - l slot),       T(u, t) = max over v of q_uv + A(v, t - t_uv), or q_u0 going home,

    no tour that has visited S, has value w so far and leaves v with t left can exceed w
    + T(v, t) + sum of lambda outside S: the rest visits each of those posts at most
    once. A subgradient search on the bound at the base chooses multipliers under which
    walks visit each post about once. Time is counted in cells, a whole number of them
    to a slot; driving is rounded down to cells, so the table stays a bound.
    """

    #: (before + N + 1, n + 1) A; minus infinity where the base cannot be reached, in
    #: rows below `before`, and for the base.
    arrive: NDArray[np.float64]
    #: (before + N + 1, n + 1) T, the same way.
    leave: NDArray[np.float64]
    #: Rows of times below 0: one shift.
    before: int
    #: Cells to a slot.
    cells: int
    #: (n + 1,) lambda; 0 for the base.
    price: NDArray[np.float64]
    #: Upper bound of the value of every tour.
    bound: float


class Walks:
    """Best walks of a problem under changing prices."""

    def __init__(self, problem: TourProblem) -> None:
        self._problem = problem
        blocks = problem.shift // problem.slot + 1
        per_cell = blocks * (problem.n + 1) ** 2
        least = min(-(-COARSEST // blocks), FINEST)
        self.cells = int(np.clip(WORK // per_cell, least, FINEST))
        self.whole = problem.shift * self.cells // problem.slot
        reach = np.minimum(problem.travel, problem.shift + problem.slot)
        self._drive = reach * self.cells // problem.slot
        self._drive[problem.travel > problem.shift] = self.whole + 1
        np.fill_diagonal(self._drive, self.whole + 1)
        self.before = self.whole + 1
        self._leg = problem.leg
        self._home = np.arange(self.whole + 1)[:, None] >= self._drive[:, 0]
        ready(TOURS, (self.whole + 1) * (problem.n + 1) ** 2)

    def completion(self, price: NDArray[np.float64]) -> Completion:
        """Return the tables under (n + 1,) prices."""
        problem, n = self._problem, self._problem.n
        arrive = np.full((self.before + self.whole + 1, n + 1), -np.inf)
        leave = arrive.copy()
        leave[self.before :] = np.where(self._home, self._leg[:, 0], -np.inf)
        leave[self.before :, 0] = -np.inf
        prize = (
            np.vstack((np.full((1, problem.most_slots + 1), -np.inf), problem.prize))
            - price[:, None]
        )
        most = min(problem.most_slots, self.whole // self.cells)
        _fill(arrive, leave, prize, self._drive, self._leg, self.cells, most)
        return Completion(
            arrive, leave, self.before, self.cells, price, float(leave[-1, 0] + price.sum())
        )

    def visits(self, table: Completion) -> NDArray[np.int64]:
        """Return the (n + 1,) visits of the best walk."""
        problem = self._problem
        count = np.zeros(problem.n + 1, dtype=np.int64)
        at, row = 0, self.before + self.whole
        prize = problem.prize - table.price[1:, None]
        column = np.arange(problem.n + 1)
        while True:
            onward = table.arrive[row - self._drive[at], column] + self._leg[at]
            after = int(onward.argmax())
            if at and onward[after] < table.leave[row, at]:
                return count
            row -= int(self._drive[at, after])
            slots = np.arange(1, min(problem.most_slots, (row - self.before) // self.cells) + 1)
            stay = table.leave[row - slots * self.cells, after] + prize[after - 1, slots]
            row -= int(slots[stay.argmax()]) * self.cells
            at = after
            count[at] += 1


@kernel
def _fill(
    arrive: Floats2,
    leave: Floats2,
    prize: Floats2,
    drive: Ints2,
    leg: Floats2,
    cells: int,
    most: int,
) -> None:
    """Fill the rows of times from 0 on of A and T, where T holds the ways home at
    first.

    Parameters
    ----------
    arrive, leave
        As in `Completion`; minus infinity elsewhere.
    prize
        (n + 1, L + 1) p_vl - lambda_v, minus infinity at the base.
    drive, leg
        (n + 1, n + 1) driving in cells, more than the shift where there is no way, and
        q.
    cells, most
        Cells to a slot, and most slots of one visit.
    """
    rows, size = arrive.shape
    for row in range(rows // 2, rows):
        for v in range(1, size):
            for slots in range(1, most + 1):
                arrive[row, v] = max(
                    arrive[row, v], leave[row - slots * cells, v] + prize[v, slots]
                )
        for u in range(size):
            best = leave[row, u]
            for v in range(1, size):
                best = max(best, arrive[row - drive[u, v], v] + leg[u, v])
            leave[row, u] = best


def sharpest(
    walks: Walks, table: Completion, value: float, rounds: int, deadline: float = np.inf
) -> Completion:
    """Return the tables whose bound is the least found in a subgradient search on the
    prices (steps of Polyak 1969).

    Parameters
    ----------
    walks
        Of the problem.
    table
        Tables to start from.
    value
        The bound need not fall below it; it sets the length of the steps, best with the
        value of a tour.
    rounds
        Tables to make at most.
    deadline
        Value of `work_seconds` after which no more are made.
    """
    best = table
    pace = 1.0
    idle = 0
    for _ in range(rounds):
        if best.bound <= value or work_seconds() > deadline:
            break
        slope = 1.0 - walks.visits(table)
        slope[(table.price <= 0) & (slope > 0)] = 0.0
        slope[0] = 0.0
        if not slope.any():
            break
        step = pace * (table.bound - value) / float(slope @ slope)
        table = walks.completion(np.maximum(table.price - step * slope, 0.0))
        idle += 1
        if table.bound < best.bound:
            best, idle = table, 0
        elif idle == PATIENCE:
            table = best
            pace = pace / 2
            idle = 0
    return best
