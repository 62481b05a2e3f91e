"""Upper bounds of the value of the rest of a tour, by relaxation to walks: they prune the search for the best tour.

Walks are tours that may visit a post again. With a multiplier lambda_v >= 0 for each visit of v, and T(v, t) the largest value of a walk from
leaving v with t left until it is back at the base,

    A(v, t) = max over l of p_vl - lambda_v + T(v, t - l slot),       T(u, t) = max over v of q_uv + A(v, t - t_uv), or q_u0 going home,

no tour that has visited S, has value w so far and leaves v with t left can exceed w + T(v, t) + sum of lambda outside S: the rest visits each
of those posts at most once. A subgradient search on the bound at the base chooses multipliers under which walks visit each post about once.
Time is counted in cells, a whole number of them to a slot; driving is rounded down to cells, so the table stays a bound.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimizer.solvers.compiled import kernels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.solvers.patrols.tour import TourProblem

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
    """Tables for one vector of prices; N is the number of cells in the shift, and times below 0 stand in front.

    Attributes
    ----------
    arrive
        (before + N + 1, n + 1) A; minus infinity where the base cannot be reached, in rows below `before`, and for the base.
    leave
        (before + N + 1, n + 1) T, the same way.
    before
        Rows of times below 0: one shift.
    cells
        Cells to a slot.
    price
        (n + 1,) lambda; 0 for the base.
    bound
        Upper bound of the value of every tour.
    """

    arrive: NDArray[np.float64]
    leave: NDArray[np.float64]
    before: int
    cells: int
    price: NDArray[np.float64]
    bound: float


class Walks:
    """Best walks of a problem under changing prices."""

    def __init__(self, problem: TourProblem) -> None:
        self._problem = problem
        blocks = problem.shift // problem.slot + 1
        per_cell = blocks * (problem.n + 1) ** 2
        least = min(-(-COARSEST // blocks), FINEST)
        self.cells = int(np.clip(WORK // per_cell, least, FINEST))
        self.whole = self.in_cells(problem.shift)
        reach = np.minimum(problem.travel, problem.shift + problem.slot)
        self._drive = reach * self.cells // problem.slot
        self._drive[problem.travel > problem.shift] = self.whole + 1
        np.fill_diagonal(self._drive, self.whole + 1)
        self.before = self.whole + 1
        self._leg = problem.leg
        self._home = np.arange(self.whole + 1)[:, None] >= self._drive[:, 0]

    def in_cells(self, seconds: int) -> int:
        """Return whole cells in a span of time."""
        return seconds * self.cells // self._problem.slot

    def completion(self, price: NDArray[np.float64]) -> Completion:
        """Return the tables under (n + 1,) prices."""
        problem, n = self._problem, self._problem.n
        arrive = np.full((self.before + self.whole + 1, n + 1), -np.inf)
        leave = arrive.copy()
        leave[self.before :] = np.where(self._home, self._leg[:, 0], -np.inf)
        leave[self.before :, 0] = -np.inf
        prize = np.vstack((np.full((1, problem.most_slots + 1), -np.inf), problem.prize)) - price[:, None]
        most = min(problem.most_slots, self.whole // self.cells)
        if (compiled := kernels("walks", (self.whole + 1) * (n + 1) ** 2)) is not None:
            compiled.fill(arrive, leave, prize, self._drive, self._leg, self.cells, most)
        else:
            self._fill(arrive, leave, prize, most)
        return Completion(arrive, leave, self.before, self.cells, price, float(leave[-1, 0] + price.sum()))

    def _fill(
        self, arrive: NDArray[np.float64], leave: NDArray[np.float64], prize: NDArray[np.float64], most: int
    ) -> None:
        """Fill the tables as `walks_kernels.fill` does, all times within a slot at once."""
        column = np.arange(len(prize))
        flat = arrive.ravel()
        for start in range(0, self.whole + 1, self.cells):
            row = np.arange(start, min(start + self.cells, self.whole + 1)) + self.before
            for slots in range(1, most + 1):
                np.maximum(
                    arrive[row[0] : row[-1] + 1],
                    leave[row[0] - slots * self.cells : row[-1] + 1 - slots * self.cells] + prize[:, slots],
                    out=arrive[row[0] : row[-1] + 1],
                )
            at = (row[:, None, None] - self._drive) * column.size + column
            onward = (flat[at] + self._leg).max(axis=2)
            np.maximum(leave[row[0] : row[-1] + 1], onward, out=leave[row[0] : row[-1] + 1])

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


def sharpest(walks: Walks, table: Completion, value: float, rounds: int, deadline: float = np.inf) -> Completion:
    """Return the tables whose bound is the least found in a subgradient search on the prices (steps of Polyak 1969).

    Parameters
    ----------
    walks
        Of the problem.
    table
        Tables to start from.
    value
        The bound need not fall below it; it sets the length of the steps, best with the value of a tour.
    rounds
        Tables to make at most.
    deadline
        Value of `time.perf_counter` after which no more are made.
    """
    best, pace, idle = table, 1.0, 0
    for _ in range(rounds):
        if best.bound <= value or time.perf_counter() > deadline:
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
            table, pace, idle = best, pace / 2, 0
    return best
