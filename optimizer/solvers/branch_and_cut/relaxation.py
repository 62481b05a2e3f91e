"""A linear program to which rows and columns are added, and a bound from it that no tolerance can make wrong.

Minimise cost v over lower <= v <= upper, rows v >= side. For any duals y >= 0,

    sum_i y_i side_i + sum_v min over [lower_v, upper_v] of (cost - y rows)_v

is at most the optimum, however roughly y solves the dual: that is the bound given, not the solver's objective. Column bounds can be moved
and rows can belong to a node of a search tree and be inactive elsewhere; a bound then holds for the columns' bounds and the active rows. GLOP
starts from its last basis; where it fails, it and then HiGHS solve from scratch.

MathOpt is called with protocol messages instead of its Python model: reading a solution into Python objects took twice as long as finding it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from ortools.math_opt import callback_pb2, model_parameters_pb2, model_pb2, model_update_pb2, parameters_pb2
from ortools.math_opt.core.python import solver as mathopt_core
from ortools.math_opt.python import mathopt
from pybind11_abseil.status import StatusNotOk
from scipy.sparse import csr_array, hstack, vstack

from optimizer.base.errors import SolverError
from optimizer.solvers.backend import stdout_closed
from optimizer.solvers.interrupts import interrupt_held_back

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

LONGEST = 1e8
"""Seconds from which on a limit is none."""
ROUNDING = 1e-13
"""Allowance for rounding in the sums of the bound, relative to the sum of what they add and take away."""
WARM = mathopt.SolveParameters(
    lp_algorithm=mathopt.LPAlgorithm.DUAL_SIMPLEX, presolve=mathopt.Emphasis.OFF, scaling=mathopt.Emphasis.OFF
)
"""Presolve and scaling would throw the last basis away: three times the iterations at the root, eight times in a tree."""
COLD = mathopt.SolveParameters()


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
    dual_cost
        (columns,) cost of a unit of v at the duals of the rows that are never dropped.
    price
        (kept,) these duals, >= 0.
    """

    bound: float
    values: NDArray[np.float64]
    reduced: NDArray[np.float64]
    dual_cost: NDArray[np.float64]
    price: NDArray[np.float64]


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
        self._rows = csr_array((0, cost.size))
        self._side = np.empty(0)
        self._name = np.empty(0, dtype=np.int64)
        self._slack_for = np.empty(0, dtype=np.int64)
        self._node = np.empty(0, dtype=np.int64)
        self._active = np.empty(0, dtype=bool)
        self._next_name = 0
        self.add(rows, side)
        self._n_kept = side.size
        self._solver: _WarmSolver | None = None

    @property
    def n_rows(self) -> int:
        """Number of rows at present."""
        return self._side.size

    def add_columns(self, upper: NDArray[np.float64], entries: csr_array) -> None:
        """Add variables in [0, upper] of cost 0, with (kept, new) entries in the rows that are never dropped."""
        new = upper.size
        below = csr_array((self.n_rows - self._n_kept, new))
        self._rows = csr_array(hstack((self._rows, vstack((entries, below)))))
        self._cost = np.append(self._cost, np.zeros(new))
        self._lower = np.append(self._lower, np.zeros(new))
        self._upper = np.append(self._upper, upper)

    def add(self, rows: csr_array, side: NDArray[np.float64], node: int = 0) -> None:
        """Add (new, columns) rows with (new,) left-hand sides, which belong to a node of the search (0 is the root); they are active.

        Rows may be narrower than the program: their entries in the last columns are 0 then.
        """
        beyond = csr_array((rows.shape[0], self._cost.size - rows.shape[1]))
        self._rows = csr_array(vstack((self._rows, hstack((rows, beyond)))))
        self._side = np.append(self._side, side)
        self._name = np.append(self._name, self._next_name + np.arange(side.size))
        self._slack_for = np.append(self._slack_for, np.zeros(side.size, dtype=np.int64))
        self._node = np.append(self._node, np.full(side.size, node))
        self._active = np.append(self._active, np.ones(side.size, dtype=bool))
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
        self._active = np.isin(self._node, [0, *nodes])

    def drop_slack(self, rounds: int) -> None:
        """Drop the rows, but for the first ones, that have had no dual in more than so many solves in which they were active."""
        old = self._slack_for > rounds
        old[: self._n_kept] = False
        self._keep(~old)

    def drop_nodes(self, kept: Iterable[int]) -> None:
        """Drop the rows of all nodes but these and the root."""
        self._keep(np.isin(self._node, [0, *kept]))

    def _keep(self, kept: NDArray[np.bool_]) -> None:
        if not kept.all():
            self._rows, self._side, self._name = self._rows[kept], self._side[kept], self._name[kept]
            self._slack_for, self._node, self._active = self._slack_for[kept], self._node[kept], self._active[kept]

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
                return self._solution(*answer)
            self._solver = None
        if time.monotonic() >= until:
            return None
        raise SolverError("GLOP and HiGHS both failed on the relaxation")

    def _solution(self, values: NDArray[np.float64], dual: NDArray[np.float64]) -> LpSolution:
        dual = np.maximum(dual, 0.0) * self._active
        self._slack_for = np.where(dual > 0, 0, self._slack_for + self._active)
        kept = slice(0, self._n_kept)
        return LpSolution(
            bound=self.bound(dual),
            values=values,
            reduced=self._cost - self._rows.T @ dual,
            dual_cost=np.asarray(-(self._rows[kept].T @ dual[kept])),
            price=dual[kept],
        )

    def bound(self, dual: NDArray[np.float64]) -> float:
        """Return the lower bound that (rows,) duals >= 0 prove."""
        reduced = self._cost - self._rows.T @ dual
        terms = np.append(dual * self._side, np.minimum(reduced * self._lower, reduced * self._upper))
        widest = np.maximum(np.abs(self._lower), np.abs(self._upper))
        doubt = np.abs(terms).sum() + np.abs(self._cost) @ widest + dual @ (abs(self._rows) @ widest)
        return float(terms.sum() - ROUNDING * doubt)

    def _state(self) -> _State:
        least = np.where(self._active, self._side, -np.inf)
        return _State(self._cost, self._lower, self._upper, self._rows, least, self._name)

    def _from_last_basis(self, limit: timedelta | None) -> _Answer | None:
        """Solve with GLOP from the last basis."""
        state = self._state()
        try:
            with interrupt_held_back():
                if self._solver is None:
                    self._solver = _WarmSolver(state)
                return self._solver.solve(state, limit)
        except StatusNotOk:
            return None

    def _glop_afresh(self, limit: timedelta | None) -> _Answer | None:
        return _from_scratch(self._state(), mathopt.SolverType.GLOP, limit)

    def _highs(self, limit: timedelta | None) -> _Answer | None:
        return _from_scratch(self._state(), mathopt.SolverType.HIGHS, limit)


@dataclass(frozen=True)
class _State:
    """A linear program at one moment: cost v over bounds, rows v >= least, rows by name in rising order."""

    cost: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    rows: csr_array
    least: NDArray[np.float64]
    name: NDArray[np.int64]

    def message(self) -> model_pb2.ModelProto:
        """Return it whole."""
        proto = model_pb2.ModelProto()
        n = self.cost.size
        proto.variables.ids.extend(range(n))
        proto.variables.lower_bounds.extend(self.lower.tolist())
        proto.variables.upper_bounds.extend(self.upper.tolist())
        proto.variables.integers.extend([False] * n)
        _fill(proto.objective.linear_coefficients, np.flatnonzero(self.cost), self.cost[self.cost != 0])
        every = np.arange(self.name.size)
        self._name_rows(proto.linear_constraints, every)
        _fill_matrix(proto.linear_constraint_matrix, self.name, self.rows)
        return proto

    def changes(self, before: _State) -> model_update_pb2.ModelUpdateProto:
        """Return what changed since an earlier moment."""
        update = model_update_pb2.ModelUpdateProto()
        gone = np.setdiff1d(before.name, self.name, assume_unique=True)
        update.deleted_linear_constraint_ids.extend(gone.tolist())
        for bounds, earlier, now in (
            (update.variable_updates.lower_bounds, before.lower, self.lower),
            (update.variable_updates.upper_bounds, before.upper, self.upper),
        ):
            moved = np.flatnonzero(earlier != now[: earlier.size])
            _fill(bounds, moved, now[moved])
        wider = np.arange(before.cost.size, self.cost.size)
        update.new_variables.ids.extend(wider.tolist())
        update.new_variables.lower_bounds.extend(self.lower[wider].tolist())
        update.new_variables.upper_bounds.extend(self.upper[wider].tolist())
        update.new_variables.integers.extend([False] * wider.size)
        both, old, new = np.intersect1d(before.name, self.name, assume_unique=True, return_indices=True)
        turned = before.least[old] != self.least[new]
        _fill(update.linear_constraint_updates.lower_bounds, both[turned], self.least[new][turned])
        fresh = ~np.isin(self.name, both, assume_unique=True)
        self._name_rows(update.new_linear_constraints, np.flatnonzero(fresh))
        matrix = update.linear_constraint_matrix_updates
        if wider.size:  # whole new rows, and of the others the entries in new columns
            _fill_matrix(matrix, self.name, _cut_left(self.rows, ~fresh, before.cost.size))
        else:
            _fill_matrix(matrix, self.name[fresh], self.rows[fresh])
        return update

    def _name_rows(self, constraints: Any, which: NDArray[np.int64]) -> None:  # noqa: ANN401 - messages without stubs
        constraints.ids.extend(self.name[which].tolist())
        constraints.lower_bounds.extend(self.least[which].tolist())
        constraints.upper_bounds.extend([np.inf] * which.size)


def _cut_left(rows: csr_array, old: NDArray[np.bool_], columns: int) -> csr_array:
    """Return rows without the entries that old ones have in the first columns."""
    entry_of_old = np.repeat(old, np.diff(rows.indptr))
    kept = ~(entry_of_old & (rows.indices < columns))
    start = np.concatenate(([0], np.cumsum(kept)))[rows.indptr]
    return csr_array((rows.data[kept], rows.indices[kept], start), shape=rows.shape)


def _fill_matrix(matrix: Any, name: NDArray[np.int64], rows: csr_array) -> None:  # noqa: ANN401 - a message without stubs
    rows = csr_array(rows, copy=True)
    rows.sort_indices()
    matrix.row_ids.extend(np.repeat(name, np.diff(rows.indptr)).tolist())
    matrix.column_ids.extend(rows.indices.tolist())
    matrix.coefficients.extend(rows.data.tolist())


_Answer = tuple["NDArray[np.float64]", "NDArray[np.float64]"]
"""Values of the columns, and duals of the rows."""


class _WarmSolver:
    """GLOP, started from its last basis."""

    def __init__(self, state: _State) -> None:
        self._seen = state
        self._solver = mathopt_core.new(
            mathopt.SolverType.GLOP.value, state.message(), parameters_pb2.SolverInitializerProto()
        )

    def solve(self, state: _State, limit: timedelta | None) -> _Answer | None:
        """Return the optimum of the program as it is now; None where there is none."""
        if not self._solver.update(state.changes(self._seen)):
            self._solver = mathopt_core.new(
                mathopt.SolverType.GLOP.value, state.message(), parameters_pb2.SolverInitializerProto()
            )
        self._seen = state
        return _answer(self._solver.solve(*_arguments(WARM, limit)), state)


def _from_scratch(state: _State, solver: mathopt.SolverType, limit: timedelta | None) -> _Answer | None:
    try:
        initializer = parameters_pb2.SolverInitializerProto()
        with interrupt_held_back(), stdout_closed():
            result = mathopt_core.solve(state.message(), solver.value, initializer, *_arguments(COLD, limit))
    except StatusNotOk:
        return None
    return _answer(result, state)


def _arguments(parameters: mathopt.SolveParameters, limit: timedelta | None) -> tuple[Any, ...]:
    """Return the arguments of a solve: parameters, none of the model's own, no messages, no callback, no interrupter."""
    proto = parameters.to_proto()
    if limit is not None:
        proto.time_limit.FromTimedelta(limit)
    nothing = (
        model_parameters_pb2.ModelSolveParametersProto(),
        None,
        callback_pb2.CallbackRegistrationProto(),
        None,
        None,
    )
    return proto, *nothing


def _answer(result: Any, state: _State) -> _Answer | None:  # noqa: ANN401 - a message without stubs
    """Return the solution of a result that has one for primal and dual, and did not end by its time limit."""
    if result.termination.limit or not result.solutions:
        return None
    solution = result.solutions[0]
    if not (solution.HasField("primal_solution") and solution.HasField("dual_solution")):
        return None
    values, dual = np.zeros(state.cost.size), np.zeros(state.name.size)
    found = solution.primal_solution.variable_values
    values[np.asarray(found.ids, dtype=np.int64)] = found.values
    found = solution.dual_solution.dual_values
    dual[np.searchsorted(state.name, np.asarray(found.ids, dtype=np.int64))] = found.values
    return values, dual


def _fill(vector: Any, ids: NDArray[np.integer], values: NDArray[np.float64]) -> None:  # noqa: ANN401 - a message without stubs
    vector.ids.extend(ids.tolist())
    vector.values.extend(values.tolist())
