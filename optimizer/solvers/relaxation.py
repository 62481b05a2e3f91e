"""A linear program that grows and sheds rows, and a bound from it that no tolerance can make wrong.

Minimise cost v over lower <= v <= upper, rows v >= side. For any duals y >= 0,

    sum_i y_i side_i + sum_v min over [lower_v, upper_v] of (cost - y rows)_v

is at most the optimum, however roughly y solves the dual: that is the bound given, not the solver's objective. It keeps to the bounds the
program was made with, so it also holds for duals found while some variables were fixed. GLOP goes on from its last
basis; where it gives up, HiGHS solves from scratch.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
from ortools.math_opt.python import mathopt
from scipy.sparse import csr_array, vstack

from optimizer.errors import SolverError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

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
    """

    bound: float
    values: NDArray[np.float64]


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
        self._cost, self._lower, self._upper = cost, lower, upper
        self._model = mathopt.Model()
        bounds = zip(lower.tolist(), upper.tolist(), strict=True)
        self._variables = [self._model.add_variable(lb=least, ub=most) for least, most in bounds]
        for variable, price in zip(self._variables, cost.tolist(), strict=True):
            self._model.objective.set_linear_coefficient(variable, price)
        self._rows = csr_array((0, cost.size))
        self._side = np.empty(0)
        self._slack_for = np.empty(0, dtype=np.int64)
        self._handles: list[mathopt.LinearConstraint] = []
        self.add(rows, side)
        self._n_kept = side.size
        self._fixed: set[int] = set()
        self._solver: mathopt.IncrementalSolver | None = None

    @property
    def n_rows(self) -> int:
        """Number of rows at present."""
        return self._side.size

    def add(self, rows: csr_array, side: NDArray[np.float64]) -> None:
        """Add (new, columns) rows with (new,) left-hand sides."""
        start, column, value = rows.indptr.tolist(), rows.indices.tolist(), rows.data.tolist()
        for row, least in enumerate(side.tolist()):
            handle = self._model.add_linear_constraint(lb=least)
            for entry in range(start[row], start[row + 1]):
                handle.set_coefficient(self._variables[column[entry]], value[entry])
            self._handles.append(handle)
        self._rows = csr_array(vstack((self._rows, rows)))
        self._side = np.append(self._side, side)
        self._slack_for = np.append(self._slack_for, np.zeros(side.size, dtype=np.int64))

    def fix(self, columns: Iterable[int], value: float) -> None:
        """Fix variables at a value until `release`."""
        for column in columns:
            self._fixed.add(column)
            self._variables[column].lower_bound = self._variables[column].upper_bound = value

    def release(self) -> None:
        """Give fixed variables their bounds back."""
        for column in self._fixed:
            self._variables[column].lower_bound = float(self._lower[column])
            self._variables[column].upper_bound = float(self._upper[column])
        self._fixed.clear()

    def drop_slack(self, rounds: int) -> None:
        """Drop the rows, but for the first ones, that have had no dual in more than so many solves."""
        old = self._slack_for > rounds
        old[: self._n_kept] = False
        for row in np.flatnonzero(old).tolist():
            self._model.delete_linear_constraint(self._handles[row])
        kept = ~old
        self._handles = [self._handles[row] for row in np.flatnonzero(kept).tolist()]
        self._rows, self._side, self._slack_for = self._rows[kept], self._side[kept], self._slack_for[kept]

    def solve(self, until: float = np.inf) -> LpSolution | None:
        """Return the optimum, or None when `until` (`time.monotonic()`) came first.

        Raises
        ------
        SolverError
            If both solvers fail.
        """
        left = until - time.monotonic()
        if left <= 0:
            return None
        limit = timedelta(seconds=left) if np.isfinite(left) else None
        result = self._glop(limit) or self._highs(limit)
        if result.termination.reason is not mathopt.TerminationReason.OPTIMAL:
            if result.termination.limit is not None:  # time is the only limit set; GLOP calls it undetermined
                return None
            raise SolverError(f"the relaxation ended with {result.termination.reason.name}")
        dual = np.maximum(np.array(result.dual_values(self._handles), dtype=np.float64), 0.0)
        self._slack_for = np.where(dual > 0, 0, self._slack_for + 1)
        return LpSolution(self.bound(dual), np.array(result.variable_values(self._variables), dtype=np.float64))

    def bound(self, dual: NDArray[np.float64]) -> float:
        """Return the lower bound that (rows,) duals >= 0 prove."""
        reduced = self._cost - self._rows.T @ dual
        terms = np.append(dual * self._side, np.minimum(reduced * self._lower, reduced * self._upper))
        widest = np.maximum(np.abs(self._lower), np.abs(self._upper))
        doubt = np.abs(terms).sum() + np.abs(self._cost) @ widest + dual @ (abs(self._rows) @ widest)
        return float(terms.sum() - ROUNDING * doubt)

    def _glop(self, limit: timedelta | None) -> mathopt.SolveResult | None:
        """Solve from the last basis; None where GLOP ends abnormally, and the next solve begins afresh."""
        parameters = mathopt.SolveParameters(lp_algorithm=mathopt.LPAlgorithm.DUAL_SIMPLEX, time_limit=limit)
        try:
            if self._solver is None:
                self._solver = mathopt.IncrementalSolver(self._model, mathopt.SolverType.GLOP)
            result = self._solver.solve(params=parameters)
        except (AttributeError, RuntimeError, ValueError):  # MathOpt 9.15 loses GLOP's own words in an AttributeError
            self._close()
            return None
        if result.termination.reason is mathopt.TerminationReason.OPTIMAL or result.termination.limit is not None:
            return result
        self._close()
        return None

    def _highs(self, limit: timedelta | None) -> mathopt.SolveResult:
        try:
            return mathopt.solve(
                self._model, mathopt.SolverType.HIGHS, params=mathopt.SolveParameters(time_limit=limit)
            )
        except (AttributeError, RuntimeError, ValueError) as error:
            cause = error.__context__ or error
            raise SolverError(f"GLOP and HiGHS refused the relaxation: {cause}") from error

    def _close(self) -> None:
        if self._solver is not None:
            self._solver.close()
        self._solver = None
