"""A linear program to which rows and columns are added, and a bound from it that no tolerance can make wrong.

Minimise cost v over lower <= v <= upper, rows v >= side. For any duals y >= 0,

    sum_i y_i side_i + sum_v min over [lower_v, upper_v] of (cost - y rows)_v

is at most the optimum, however roughly y solves the dual: that is the bound given, not the solver's objective. Column bounds can be moved
and rows can belong to a node of a search tree and be inactive elsewhere; a bound then holds for the columns' bounds and the active rows. GLOP
starts from its last basis, or from one that was kept (`LinearProgram.basis`); where it fails or goes round in circles, it and then HiGHS
solve from scratch (`warm_solver`).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from ortools.math_opt.python import mathopt
from pybind11_abseil.status import StatusNotOk
from scipy.sparse import csr_array

from optimizer.base.errors import SolverError
from optimizer.base.sums import weighted_sum
from optimizer.solvers.branch_and_cut.growing_rows import DROPPED, Entries, GrowingRows
from optimizer.solvers.branch_and_cut.row_tables import taken
from optimizer.solvers.branch_and_cut.warm_solver import Answer, State, WarmSolver, from_scratch
from optimizer.solvers.interrupts import interrupt_held_back

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from optimizer.solvers.branch_and_cut.warm_solver import Basis

LONGEST = 1e8
"""Seconds from which on a limit is none."""
ROUNDING = 1e-13
"""Allowance for rounding in the sums of the bound, relative to the sum of what they add and take away."""


@dataclass(frozen=True)
class LpSolution:
    """The optimum of a linear program.

    Attributes
    ----------
    bound
        Proven lower bound of the objective.
    values
        (columns,) v.
    reduced
        (columns,) cost - y rows: the bound rises by at least reduced_v a unit by which v is moved up from where it is least.
    worth
        (columns,) what a unit of v takes off the cost, and off the sides of rows at their duals: positive entries alone.
    dual_cost
        (columns,) cost of a unit of v at the duals of the rows that are never dropped.
    price
        (kept,) these duals, >= 0.
    dual
        (stored,) duals of all rows that are stored, >= 0; 0 for those that are not active.
    """

    bound: float
    values: NDArray[np.float64]
    reduced: NDArray[np.float64]
    worth: NDArray[np.float64]
    dual_cost: NDArray[np.float64]
    price: NDArray[np.float64]
    dual: NDArray[np.float64]


@dataclass(frozen=True)
class NamedRows:
    """Rows of a linear program.

    Attributes
    ----------
    name, node, side
        (rows,) name, rising in the program that it is of; node of the search to which the row belongs, 0 for the root; left-hand side.
    rows
        (rows, columns).
    """

    name: NDArray[np.int64]
    node: NDArray[np.int64]
    side: NDArray[np.float64]
    rows: csr_array

    def take(self, chosen: NDArray[np.bool_]) -> NamedRows:
        """Return some of the rows."""
        return NamedRows(self.name[chosen], self.node[chosen], self.side[chosen], taken(self.rows, chosen))


class LinearProgram:
    """A linear program over finite bounds.

    Parameters
    ----------
    cost, lower, upper
        (columns,) per variable; bounds are finite.
    rows, side
        (kept, columns) rows that are never dropped, and their (kept,) left-hand sides.
    """

    def __init__(
        self,
        cost: NDArray[np.float64],
        lower: NDArray[np.float64],
        upper: NDArray[np.float64],
        rows: csr_array,
        side: NDArray[np.float64],
    ) -> None:
        self._cost, self._lower, self._upper = cost, lower.copy(), upper.copy()
        self._rows = GrowingRows(cost.size)
        self._next_name = 0
        self.add(rows, side)
        self._n_kept = side.size
        self._solver: WarmSolver | None = None
        self._last: State | None = None
        self._start: Basis | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Return what is kept when it is sent to another process: all but the solver."""
        return self.__dict__ | {"_solver": None, "_last": None}

    @property
    def next_name(self) -> int:
        """Name of the next row that is added; those after it follow on."""
        return self._next_name

    @property
    def names(self) -> NDArray[np.int64]:
        """(rows,) names of the rows at present, rising."""
        return self._rows.name[self._rows.there]

    def named_rows(self, nodes: Iterable[int], since: int) -> NamedRows:
        """Return the rows of these nodes that were named from `since` on."""
        return self._named((self._rows.name >= since) & np.isin(self._rows.node, [*nodes]))

    def rows_in_use(self, names: NDArray[np.int64]) -> NamedRows:
        """Return those of some rows that had a dual in the last solve."""
        rows = self._rows
        return self._named(rows.there & (rows.slack_for == 0) & np.isin(rows.name, names))

    def _named(self, those: NDArray[np.bool_]) -> NamedRows:
        rows, chosen = self._rows, np.flatnonzero(those)
        return NamedRows(rows.name[chosen], rows.node[chosen], rows.side[chosen], rows.table(chosen))

    @property
    def basis(self) -> Basis | None:
        """The basis of the last solve, if there is one."""
        return None if self._solver is None else self._solver.basis

    def start_from(self, basis: Basis | None) -> None:
        """Let the next solve start from this basis, if all of its rows that matter are still there; from the last one if None."""
        self._start = basis

    @property
    def n_rows(self) -> int:
        """Number of rows at present."""
        return int(np.count_nonzero(self._rows.there))

    def add_columns(self, upper: NDArray[np.float64], entries: csr_array) -> None:
        """Add variables in [0, upper] of cost 0, with (first, new) entries in the first rows: those that are never dropped, or all."""
        new = upper.size
        self._rows.widen(entries)
        self._cost = np.append(self._cost, np.zeros(new))
        self._lower = np.append(self._lower, np.zeros(new))
        self._upper = np.append(self._upper, upper)

    def add(self, rows: csr_array, side: NDArray[np.float64], node: int | NDArray[np.int64] = 0) -> None:
        """Add (new, columns) rows with (new,) left-hand sides, which belong to a node of the search (0 is the root); they are active.

        Rows may be narrower than the program: their entries in the last columns are 0 then.
        """
        self._rows.add(rows, side, self._next_name + np.arange(side.size), node)
        self._next_name += side.size

    @property
    def bounds(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(columns,) lower and upper bounds at present, copies."""
        return self._lower.copy(), self._upper.copy()

    def move_bounds(self, lower: NDArray[np.float64], upper: NDArray[np.float64]) -> None:
        """Set the bounds of all columns."""
        self._lower, self._upper = lower.copy(), upper.copy()

    def activate(self, nodes: Iterable[int]) -> None:
        """Make the rows of these nodes and of the root active, and no others."""
        self._rows.active[:] = np.isin(self._rows.node, [0, *nodes])

    def drop_slack(self, rounds: int) -> None:
        """Drop the rows, but for the first ones, that have had no dual in more than so many solves in which they were active."""
        old = self._rows.slack_for > rounds
        old[: self._n_kept] = False
        self._rows.drop(old)

    def drop_nodes(self, kept: Iterable[int]) -> None:
        """Drop the rows of all nodes but these and the root."""
        self._rows.drop(~np.isin(self._rows.node, [0, *kept, DROPPED]))

    def solve(self, until: float = np.inf) -> LpSolution | None:
        """Return the optimum, or None when `until` (`time.monotonic()`) came first.

        Raises
        ------
        SolverError
            If both solvers fail.
        """
        for attempt in (self._from_last_basis, self._glop_afresh, self._highs):
            left = until - time.monotonic()
            if left <= 0:
                return None
            answer = attempt(timedelta(seconds=left) if left < LONGEST else None)
            if answer is not None:
                self._start = None
                return self._solution(*answer)
            self._solver = None
        if time.monotonic() >= until:
            return None
        raise SolverError("GLOP and HiGHS both failed on the relaxation")

    def _solution(self, values: NDArray[np.float64], dual: NDArray[np.float64]) -> LpSolution:
        """Return the solution from values of the columns, and duals of the active rows."""
        rows, active = self._rows, np.flatnonzero(self._rows.active)
        found, dual = np.maximum(dual, 0.0), np.zeros(rows.size)
        dual[active] = found
        rows.slack_for[active] = np.where(found > 0, 0, rows.slack_for[active] + 1)
        shares = self._shares(dual)
        reduced = self._cost - shares.sums(self._cost.size)
        return LpSolution(
            bound=self._bound(dual, shares, reduced),
            values=values,
            reduced=reduced,
            worth=np.bincount(shares.column, np.maximum(shares.value, 0.0), self._cost.size) - self._cost,
            dual_cost=-shares.of_first(self._n_kept).sums(self._cost.size),
            price=dual[: self._n_kept],
            dual=dual,
        )

    def bound(self, dual: NDArray[np.float64]) -> float:
        """Return the lower bound that (stored,) duals >= 0 prove."""
        shares = self._shares(dual)
        return self._bound(dual, shares, self._cost - shares.sums(self._cost.size))

    def _bound(self, dual: NDArray[np.float64], shares: Entries, reduced: NDArray[np.float64]) -> float:
        """Return the same from the entries times the duals of their rows, and the (columns,) reduced costs."""
        held = np.flatnonzero(dual)
        terms = np.append(dual[held] * self._rows.side[held], np.minimum(reduced * self._lower, reduced * self._upper))
        widest = np.maximum(np.abs(self._lower), np.abs(self._upper))
        doubt = (
            np.abs(terms).sum()
            + weighted_sum(np.abs(self._cost), widest)
            + weighted_sum(np.abs(shares.value), widest[shares.column])
        )
        return float(terms.sum() - ROUNDING * doubt)

    def means(self, dual: NDArray[np.float64], first: int, count: int) -> NamedRows:
        """Return for each of `count` columns from `first` on the mean, by (stored,) duals, of the rows that hold it with an entry of 1.

        Rows that are never dropped do not count, nor do columns without a row; names are positions among these columns.
        """
        held = np.flatnonzero(dual)
        held = held[held >= self._n_kept]
        rows = self._rows.table(held)
        share = csr_array(rows[:, first : first + count].multiply(dual[held, None]))
        total: NDArray[np.float64] = np.asarray(share.sum(axis=0))
        name = np.flatnonzero(total > 0)
        weight = csr_array((share[:, name] / total[name]).T)
        return NamedRows(
            name, np.zeros_like(name), np.asarray(weight @ self._rows.side[held]), csr_array(weight @ rows)
        )

    def _shares(self, dual: NDArray[np.float64]) -> Entries:
        """Return the entries of the rows that have a dual, each times the dual."""
        return self._rows.entries(np.flatnonzero(dual)).times(dual)

    @property
    def state(self) -> State:
        """Return the program without the rows that are not active; of the same rows, with the same arrays as the last time."""
        rows, active = self._rows, np.flatnonzero(self._rows.active)
        name, last = rows.name[active], self._last
        if last is not None and last.cost.size == self._cost.size and np.array_equal(name, last.name):
            state = replace(last, cost=self._cost, lower=self._lower, upper=self._upper)
        else:
            state = State(self._cost, self._lower, self._upper, rows.table(active), rows.side[active], name)
        self._last = state
        return state

    def _from_last_basis(self, limit: timedelta | None) -> Answer | None:
        """Solve with GLOP from the last basis."""
        state = self.state
        try:
            with interrupt_held_back():
                if self._solver is None:
                    self._solver = WarmSolver(state)
                return self._solver.solve(state, self._start, limit)
        except StatusNotOk:
            return None

    def _glop_afresh(self, limit: timedelta | None) -> Answer | None:
        return from_scratch(self.state, mathopt.SolverType.GLOP, limit)

    def _highs(self, limit: timedelta | None) -> Answer | None:
        return from_scratch(self.state, mathopt.SolverType.HIGHS, limit)
