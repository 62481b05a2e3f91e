"""The calls of MathOpt for a linear program that changes: what is sent to GLOP, and the basis that it starts from.

GLOP holds the active rows alone and starts from its last basis, or from one that was kept. A row that goes while it is not basic would leave a
basis of the wrong size, for which GLOP starts afresh: such a row stays, without a bound, until it is basic.

MathOpt is called with protocol messages instead of its Python model: reading a solution into Python objects took twice as long as finding it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from ortools.math_opt import callback_pb2, model_parameters_pb2, model_pb2, model_update_pb2, parameters_pb2
from ortools.math_opt import solution_pb2 as statuses
from ortools.math_opt.core.python import solver as mathopt_core
from ortools.math_opt.python import mathopt
from pybind11_abseil.status import StatusNotOk
from scipy.sparse import csr_array

from optimizer.solvers.backend import stdout_closed
from optimizer.solvers.branch_and_cut.row_tables import places, stacked, taken
from optimizer.solvers.interrupts import interrupt_held_back

if TYPE_CHECKING:
    from datetime import timedelta

    from numpy.typing import NDArray

WARM = mathopt.SolveParameters(
    lp_algorithm=mathopt.LPAlgorithm.DUAL_SIMPLEX, presolve=mathopt.Emphasis.OFF, scaling=mathopt.Emphasis.OFF
)
"""Presolve and scaling would throw the last basis away: three times the iterations at the root, eight times in a tree."""
_WARM, _COLD = WARM.to_proto(), mathopt.SolveParameters().to_proto()
STEPS, STEPS_EACH = 2_000, 5
"""Steps of the simplex method after which GLOP is given up, and how many more for each row and column: where coefficients are within 1e-6 to
1e-12 of one another it may go round in circles, on 7 rows and 8 columns for ever. Solves that ended took at most .7 a row and column
(4,170 solves of rio-grande-100, grid-30-plain-40 and of a joint search, where one went round for 22 s under a limit of 100)."""


@dataclass(frozen=True)
class Basis:
    """A basis of the simplex method, in the statuses of MathOpt (`solution_pb2.BasisStatusProto`).

    Attributes
    ----------
    column
        (columns,) status of each variable.
    name, row
        (rows,) names of rows, rising, and the status of each.
    """

    column: NDArray[np.int8]
    name: NDArray[np.int64]
    row: NDArray[np.int8]

    def not_basic(self) -> NDArray[np.int64]:
        """Return the names of the rows that are not basic."""
        other: NDArray[np.bool_] = self.row != int(statuses.BASIS_STATUS_BASIC)
        return self.name[other]

    def message(self, state: State) -> Any:  # noqa: ANN401 - a message without stubs
        """Return it for a program whose other rows and columns are new; None where rows that are not basic are missing in it."""
        proto = statuses.BasisProto()
        column = np.full(state.cost.size, statuses.BASIS_STATUS_AT_LOWER_BOUND)
        column[: self.column.size] = self.column
        if self.name is state.name:
            row = self.row.copy()
        else:
            place = places(self.name, state.name)
            here = place >= 0
            if (self.row[~here] != statuses.BASIS_STATUS_BASIC).any():
                return None
            row = np.full(state.name.size, statuses.BASIS_STATUS_BASIC)
            row[place[here]] = self.row[here]
        row[np.isinf(state.least) & (row != statuses.BASIS_STATUS_BASIC)] = statuses.BASIS_STATUS_FREE
        for vector, ids, values in (
            (proto.variable_status, np.arange(column.size), column),
            (proto.constraint_status, state.name, row),
        ):
            vector.ids.extend(ids.tolist())
            vector.values.extend(values.tolist())
        return proto


@dataclass(frozen=True)
class State:
    """A linear program at one moment.

    Attributes
    ----------
    cost, lower, upper
        (columns,) per variable v: minimise cost v over lower <= v <= upper.
    rows, least, name
        (rows, columns), and (rows,) each: rows v >= least, by name in rising order.
    """

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

    def changes(self, before: State) -> model_update_pb2.ModelUpdateProto:
        """Return what changed since an earlier moment."""
        update = model_update_pb2.ModelUpdateProto()
        for bounds, earlier, now in (
            (update.variable_updates.lower_bounds, before.lower, self.lower),
            (update.variable_updates.upper_bounds, before.upper, self.upper),
        ):
            moved = np.flatnonzero(earlier != now[: earlier.size])
            _fill(bounds, moved, now[moved])
        dearer = np.flatnonzero(before.cost != self.cost[: before.cost.size])
        _fill(update.objective_updates.linear_coefficients, dearer, self.cost[dearer])
        if self.name is before.name and self.cost.size == before.cost.size:
            return update
        place = places(before.name, self.name)
        old = np.flatnonzero(place >= 0)
        new = place[old]
        update.deleted_linear_constraint_ids.extend(before.name[place < 0].tolist())
        wider = np.arange(before.cost.size, self.cost.size)
        update.new_variables.ids.extend(wider.tolist())
        update.new_variables.lower_bounds.extend(self.lower[wider].tolist())
        update.new_variables.upper_bounds.extend(self.upper[wider].tolist())
        update.new_variables.integers.extend([False] * wider.size)
        turned = before.least[old] != self.least[new]
        _fill(update.linear_constraint_updates.lower_bounds, self.name[new][turned], self.least[new][turned])
        fresh = np.ones(self.name.size, dtype=bool)
        fresh[new] = False
        self._name_rows(update.new_linear_constraints, np.flatnonzero(fresh))
        matrix = update.linear_constraint_matrix_updates
        if wider.size:  # whole new rows, and of the others the entries in new columns
            _fill_matrix(matrix, self.name, _cut_left(self.rows, ~fresh, before.cost.size))
        elif fresh.any():
            _fill_matrix(matrix, self.name[fresh], taken(self.rows, fresh))
        return update

    def with_rows_of(self, other: State, names: NDArray[np.int64]) -> State:
        """Return it with those rows of another one, of these names, that it has not, and without a bound for them."""
        missing = names[places(names, self.name) < 0]
        place = places(missing, other.name)
        place = place[place >= 0]
        if not place.size:
            return self
        name = np.append(self.name, other.name[place])
        order = np.argsort(name)
        return replace(
            self,
            rows=taken(stacked(self.rows, taken(other.rows, place)), order),
            least=np.append(self.least, np.full(place.size, -np.inf))[order],
            name=name[order],
        )

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
    if not rows.has_sorted_indices:
        rows = csr_array(rows, copy=True)
        rows.sort_indices()
    matrix.row_ids.extend(np.repeat(name, np.diff(rows.indptr)).tolist())
    matrix.column_ids.extend(rows.indices.tolist())
    matrix.coefficients.extend(rows.data.tolist())


Answer = tuple["NDArray[np.float64]", "NDArray[np.float64]"]
"""Values of the columns, and duals of the rows."""


class WarmSolver:
    """GLOP, started from its last basis or another one.

    Attributes
    ----------
    basis
        The basis of the last solve, if it had one.
    steps
        Steps of the simplex method in the last solve.
    """

    def __init__(self, state: State) -> None:
        self.steps = 0
        self.basis: Basis | None = None
        self._asked: NDArray[np.int64] | None = None
        self._load(state)

    def _load(self, state: State) -> None:
        self._held = state
        self._last = int(state.name.max(initial=-1))
        self._solver = mathopt_core.new(
            mathopt.SolverType.GLOP.value, state.message(), parameters_pb2.SolverInitializerProto()
        )

    def solve(self, state: State, start: Basis | None, limit: timedelta | None) -> Answer | None:
        """Return the optimum of the program as it is now; None where there is none."""
        for basis in (start, self.basis) if start is not None else (self.basis,):
            whole = self._whole(state, basis)
            message = None if basis is None or start is None else basis.message(whole)
            if message is not None:
                break
        changes = whole.changes(self._held)
        if start is None and basis is not None and changes.deleted_linear_constraint_ids:
            message = basis.message(whole)  # otherwise GLOP goes on from its last basis, already factorised
        fresh = changes.new_linear_constraints.ids
        if (not fresh or fresh[0] > self._last) and self._solver.update(changes):
            self._held, self._last = whole, fresh[-1] if fresh else self._last
        else:  # MathOpt takes no name a second time
            self._load(whole)
            message = None if basis is None else basis.message(whole)
        self._asked = state.name
        result = self._solver.solve(*_arguments(_WARM, limit, message, _most_steps(whole)))
        self.basis, self.steps = _basis(result, whole), int(result.solve_stats.simplex_iterations)
        return _answer(result, whole, state)

    def _whole(self, state: State, basis: Basis | None) -> State:
        """Return a program with those rows that GLOP holds and that are not basic in a basis."""
        if state.name is self._asked:
            return replace(self._held, cost=state.cost, lower=state.lower, upper=state.upper)
        return state if basis is None else state.with_rows_of(self._held, basis.not_basic())


def from_scratch(state: State, solver: mathopt.SolverType, limit: timedelta | None) -> Answer | None:
    """Return the optimum by a solver that knows nothing of earlier solves; None where it finds none in time."""
    try:
        initializer = parameters_pb2.SolverInitializerProto()
        steps = _most_steps(state) if solver is mathopt.SolverType.GLOP else None
        with interrupt_held_back(), stdout_closed():
            arguments = _arguments(_COLD, limit, steps=steps)
            result = mathopt_core.solve(state.message(), solver.value, initializer, *arguments)
    except StatusNotOk:
        return None
    return _answer(result, state, state)


def _most_steps(state: State) -> int:
    return STEPS + STEPS_EACH * (state.cost.size + state.name.size)


def _arguments(
    parameters: parameters_pb2.SolveParametersProto,
    limit: timedelta | None,
    start: Any = None,  # noqa: ANN401 - a message without stubs
    steps: int | None = None,
) -> tuple[Any, ...]:
    """Return the arguments of a solve: parameters with limits, the basis to start from, no messages, no callback, no interrupter."""
    proto = parameters_pb2.SolveParametersProto()
    proto.CopyFrom(parameters)
    if steps is not None:
        proto.iteration_limit = steps
    if limit is not None:
        proto.time_limit.FromTimedelta(limit)
    own = model_parameters_pb2.ModelSolveParametersProto()
    if start is not None:
        own.initial_basis.CopyFrom(start)
    return proto, own, None, callback_pb2.CallbackRegistrationProto(), None, None


def _answer(result: Any, whole: State, state: State) -> Answer | None:  # noqa: ANN401 - a message without stubs
    """Return the solution of a result that has one for primal and dual, and did not end by a limit, for rows that are all in the whole."""
    if result.termination.limit or not result.solutions:
        return None
    solution = result.solutions[0]
    if not (solution.HasField("primal_solution") and solution.HasField("dual_solution")):
        return None
    values = _in_order(solution.primal_solution.variable_values, np.arange(whole.cost.size))
    dual = _in_order(solution.dual_solution.dual_values, whole.name)
    return values, dual if whole.name is state.name else dual[places(state.name, whole.name)]


def _in_order(vector: Any, ids: NDArray[np.int64]) -> NDArray[np.float64]:  # noqa: ANN401 - a message without stubs
    """Return the values of a vector in the order of all ids, 0 for those that it leaves out."""
    found = np.array(vector.values, dtype=np.float64)
    if found.size == ids.size:
        return found
    values = np.zeros(ids.size)
    values[places(np.array(vector.ids, dtype=np.int64), ids)] = found
    return values


def _basis(result: Any, state: State) -> Basis | None:  # noqa: ANN401 - a message without stubs
    """Return the basis of a result, if it has one."""
    if not result.solutions or not result.solutions[0].HasField("basis"):
        return None
    found = result.solutions[0].basis
    return Basis(
        np.array(found.variable_status.values, dtype=np.int8),
        state.name,
        np.array(found.constraint_status.values, dtype=np.int8),
    )


def _fill(vector: Any, ids: NDArray[np.integer], values: NDArray[np.float64]) -> None:  # noqa: ANN401 - a message without stubs
    vector.ids.extend(ids.tolist())
    vector.values.extend(values.tolist())
