"""A linear program to which rows and columns are added, and a bound from it that no
tolerance can make wrong.

Minimise cost v over lower <= v <= upper, rows v >= side. For any duals y >= 0,

    sum_i y_i side_i + sum_v min over [lower_v, upper_v] of (cost - y rows)_v

is at most the optimum, however roughly y solves the dual: that is the bound given, not
the solver's objective. Column bounds can be moved and rows can belong to a node of a
search tree and be inactive elsewhere; a bound then holds for the columns' bounds and
the active rows. GLOP starts from its last basis, or from one that was kept
(`LinearProgram.basis`); where it fails or goes round in circles, it and then HiGHS
solve from scratch (`from_scratch`).
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ortools.math_opt import (
    callback_pb2,
    model_parameters_pb2,
    model_pb2,
    model_update_pb2,
    parameters_pb2,
)
from ortools.math_opt import solution_pb2 as statuses
from ortools.math_opt.core.python import solver as mathopt_core
from ortools.math_opt.python import mathopt
from pybind11_abseil.status import StatusNotOk
from scipy.sparse import csr_array, hstack, vstack

from optimizer.base.errors import SolverError
from optimizer.base.work.listener import interrupt_held_back
from optimizer.base.work.work_clock import machine_limit, work_seconds
from optimizer.problem.plan.evaluation import weighted_sum
from optimizer.solvers.mip.backend import stdout_closed

LONGEST = 1e8
"""Seconds from which on a limit is none."""

ROUNDING = 1e-13
"""Allowance for rounding in the sums of the bound, relative to the sum of what they add
and take away.
"""


@dataclass(frozen=True)
class LpSolution:
    """The optimum of a linear program."""

    #: Proven lower bound of the objective.
    bound: float
    #: (columns,) v.
    values: NDArray[np.float64]
    #: (columns,) cost - y rows: the bound rises by at least reduced_v a unit by which v
    #: is moved up from where it is least.
    reduced: NDArray[np.float64]
    #: (columns,) what a unit of v takes off the cost, and off the sides of rows at
    #: their duals: positive entries alone.
    worth: NDArray[np.float64]
    #: (columns,) cost of a unit of v at the duals of the rows that are never dropped.
    dual_cost: NDArray[np.float64]
    #: (kept,) these duals, >= 0.
    price: NDArray[np.float64]
    #: (stored,) duals of all rows that are stored, >= 0; 0 for those that are not
    #: active.
    dual: NDArray[np.float64]


@dataclass(frozen=True)
class NamedRows:
    """Rows of a linear program."""

    #: `name`, `node`, `side`: (rows,) name, rising in the program that it is of; node
    #: of the search to which the row belongs, 0 for the root; left-hand side.
    name: NDArray[np.int64]
    node: NDArray[np.int64]
    side: NDArray[np.float64]
    #: (rows, columns).
    rows: csr_array

    def take(self, chosen: NDArray[np.bool_]) -> NamedRows:
        """Return some of the rows."""
        return NamedRows(
            self.name[chosen], self.node[chosen], self.side[chosen], taken(self.rows, chosen)
        )


LOADED = 2.0
"""How many seconds by the clock of the machine a solve may take for each one of work
that is left: as with two programs a core.
"""


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
        self._cost = cost
        self._lower = lower.copy()
        self._upper = upper.copy()
        self._rows = GrowingRows(cost.size)
        self._next_name = 0
        self.add(rows, side)
        self._n_kept = side.size
        self._solver: WarmSolver | None = None
        self._last: State | None = None
        self._start: Basis | None = None
        self.perturbed = False
        """Whether GLOP perturbs costs on its way: where very many solutions are
        optimal, a program then takes a quarter less time.
        """

    def __getstate__(self) -> dict[str, Any]:
        """Return what is kept when it is sent to another process: all but the solver."""
        return self.__dict__ | {"_solver": None, "_last": None}

    @property
    def next_name(self) -> int:
        """Name of the next row that is added; those after it follow on."""
        return self._next_name

    @property
    def stored_names(self) -> NDArray[np.int64]:
        """(stored,) names of all rows that are stored, rising: those of `LpSolution.dual`."""
        return self._rows.name

    @property
    def names(self) -> NDArray[np.int64]:
        """(rows,) names of the rows at present, rising."""
        return self._rows.name[self._rows.there]

    def named_rows(self, nodes: Iterable[int], since: int) -> NamedRows:
        """Return the rows of these nodes that were named from `since` on."""
        return self._named((self._rows.name >= since) & np.isin(self._rows.node, [*nodes]))

    @property
    def active_rows(self) -> NamedRows:
        """The rows that are active at present."""
        return self._named(self._rows.active.copy())

    def rows_in_use(self, names: NDArray[np.int64]) -> NamedRows:
        """Return those of some rows that had a dual in the last solve."""
        rows = self._rows
        return self._named(rows.there & (rows.slack_for == 0) & np.isin(rows.name, names))

    def _named(self, those: NDArray[np.bool_]) -> NamedRows:
        rows, chosen = self._rows, np.flatnonzero(those)
        return NamedRows(
            rows.name[chosen], rows.node[chosen], rows.side[chosen], rows.table(chosen)
        )

    @property
    def basis(self) -> Basis | None:
        """The basis of the last solve, if there is one."""
        return None if self._solver is None else self._solver.basis

    def start_from(self, basis: Basis | None) -> None:
        """Let the next solve start from this basis, if all of its rows that matter are
        still there; from the last one if None.
        """
        self._start = basis

    @property
    def n_rows(self) -> int:
        """Number of rows at present."""
        return int(np.count_nonzero(self._rows.there))

    def add_columns(self, upper: NDArray[np.float64], entries: csr_array) -> None:
        """Add variables in [0, upper] of cost 0, with (first, new) entries in the first
        rows: those that are never dropped, or all.
        """
        new = upper.size
        self._rows.widen(entries)
        self._cost = np.append(self._cost, np.zeros(new))
        self._lower = np.append(self._lower, np.zeros(new))
        self._upper = np.append(self._upper, upper)

    def add(
        self, rows: csr_array, side: NDArray[np.float64], node: int | NDArray[np.int64] = 0
    ) -> None:
        """Add (new, columns) rows with (new,) left-hand sides, which belong to a node
        of the search (0 is the root); they are active.

        Rows may be narrower than the program: their entries in the last columns are 0
        then.
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
        """Drop the rows, but for the first ones, that have had no dual in more than so
        many solves in which they were active.
        """
        old = self._rows.slack_for > rounds
        old[: self._n_kept] = False
        self._rows.drop(old)

    def drop_nodes(self, kept: Iterable[int]) -> None:
        """Drop the rows of all nodes but these and the root."""
        self._rows.drop(~np.isin(self._rows.node, [0, *kept, DROPPED]))

    def solve(
        self,
        until: float = np.inf,
        within: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None,
    ) -> LpSolution | None:
        """Return the optimum, or None when `until` (`work_seconds()`) came first.

        With (columns,) lower and upper bounds `within` it is the optimum between these;
        its bound still holds for the bounds of the program.

        Raises
        ------
        SolverError
            If both solvers fail.
        """
        whole = self._lower, self._upper
        try:
            if within is not None:
                self._lower, self._upper = within
            answer = self._answer(until)
        finally:
            self._lower, self._upper = whole
        return None if answer is None else self._solution(*answer)

    def _answer(self, until: float) -> Answer | None:
        imprecise: Answer | None = None
        for attempt in (self._from_last_basis, self._glop_afresh, self._highs):
            left = until - work_seconds()
            if left <= 0:
                return None
            # the solver's limit is by the clock of the machine, by which a busy one
            # takes longer for the same work
            left, began = machine_limit(LOADED * left), time.perf_counter()
            answer = attempt(timedelta(seconds=left) if left < LONGEST else None)
            if answer is None and time.perf_counter() - began >= left:
                return None
            if answer is not None and self.state.met_by(answer[0]):
                self._start = None
                return answer
            imprecise = imprecise or answer
            self._solver = None
        if work_seconds() >= until:
            return None
        # Where entries are far apart no solver may have a precise answer; the bound of
        # an imprecise one holds all the same.
        if imprecise is not None:
            self._start = None
            return imprecise
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
            worth=np.bincount(shares.column, np.maximum(shares.value, 0.0), self._cost.size)
            - self._cost,
            dual_cost=-shares.of_first(self._n_kept).sums(self._cost.size),
            price=dual[: self._n_kept],
            dual=dual,
        )

    def bound(self, dual: NDArray[np.float64]) -> float:
        """Return the lower bound that (stored,) duals >= 0 prove."""
        shares = self._shares(dual)
        return self._bound(dual, shares, self._cost - shares.sums(self._cost.size))

    def _bound(
        self, dual: NDArray[np.float64], shares: Entries, reduced: NDArray[np.float64]
    ) -> float:
        """Return the same from the entries times the duals of their rows, and the
        (columns,) reduced costs.
        """
        held = np.flatnonzero(dual)
        terms = np.append(
            dual[held] * self._rows.side[held],
            np.minimum(reduced * self._lower, reduced * self._upper),
        )
        widest = np.maximum(np.abs(self._lower), np.abs(self._upper))
        doubt = (
            np.abs(terms).sum()
            + weighted_sum(np.abs(self._cost), widest)
            + weighted_sum(np.abs(shares.value), widest[shares.column])
        )
        return float(terms.sum() - ROUNDING * doubt)

    def means(self, dual: NDArray[np.float64], first: int, count: int) -> NamedRows:
        """Return for each of `count` columns from `first` on the mean, by (stored,)
        duals, of the rows that hold it with an entry of 1.

        Rows that are never dropped do not count, nor do columns without a row; names
        are positions among these columns.
        """
        held = np.flatnonzero(dual)
        held = held[held >= self._n_kept]
        rows = self._rows.table(held)
        share = csr_array(rows[:, first : first + count].multiply(dual[held, None]))
        total: NDArray[np.float64] = np.asarray(share.sum(axis=0))
        name = np.flatnonzero(total > 0)
        weight = csr_array((share[:, name] / total[name]).T)
        return NamedRows(
            name,
            np.zeros_like(name),
            np.asarray(weight @ self._rows.side[held]),
            csr_array(weight @ rows),
        )

    def _shares(self, dual: NDArray[np.float64]) -> Entries:
        """Return the entries of the rows that have a dual, each times the dual."""
        return self._rows.entries(np.flatnonzero(dual)).times(dual)

    @property
    def state(self) -> State:
        """Return the program without the rows that are not active; of the same rows,
        with the same arrays as the last time.
        """
        rows, active = self._rows, np.flatnonzero(self._rows.active)
        name, last = rows.name[active], self._last
        if (
            last is not None
            and last.cost.size == self._cost.size
            and np.array_equal(name, last.name)
        ):
            state = replace(last, cost=self._cost, lower=self._lower, upper=self._upper)
        else:
            state = State(
                self._cost, self._lower, self._upper, rows.table(active), rows.side[active], name
            )
        self._last = state
        return state

    def _from_last_basis(self, limit: timedelta | None) -> Answer | None:
        """Solve with GLOP from the last basis."""
        state = self.state
        try:
            with interrupt_held_back():
                if self._solver is None:
                    self._solver = WarmSolver(state)
                return self._solver.solve(state, self._start, limit, perturbed=self.perturbed)
        except StatusNotOk:
            return None

    def _glop_afresh(self, limit: timedelta | None) -> Answer | None:
        return from_scratch(self.state, mathopt.SolverType.GLOP, limit)

    def _highs(self, limit: timedelta | None) -> Answer | None:
        return from_scratch(self.state, mathopt.SolverType.HIGHS, limit)


WARM = mathopt.SolveParameters(
    lp_algorithm=mathopt.LPAlgorithm.DUAL_SIMPLEX,
    presolve=mathopt.Emphasis.OFF,
    scaling=mathopt.Emphasis.OFF,
)
"""Presolve and scaling would throw the last basis away: three times the iterations at
the root, eight times in a tree.
"""

_WARM, _COLD = WARM.to_proto(), mathopt.SolveParameters().to_proto()

# GLOP begins from nothing where its bound of the basis's condition number is above
# 1e50, as with 400 rows it often is: 2,400 steps in place of 550 at the root of
# dense-25-sensors. A basis that cannot be factorised it refuses whatever this is.
_WARM.glop.initial_condition_number_threshold = 1e300

# A solution that misses its tolerances by a little serves (`State.met_by`): bounds are
# computed anew from its duals. As a failure it would be found again from nothing, and
# the next one as well: four of some sixty programs beside beats on the shipped
# scenario, at .3 to .8 s.
_WARM.glop.change_status_to_imprecise = False

_PERTURBED = parameters_pb2.SolveParametersProto()
_PERTURBED.CopyFrom(_WARM)
_PERTURBED.glop.perturb_costs_in_dual_simplex = True

PRECISION = 1e-5
"""How far rows may be missed, relative, and bounds of columns: ten times what GLOP
itself calls precise. What duals miss shows in the bound.
"""

STEPS, STEPS_EACH = 2_000, 5
"""Steps of the simplex method after which GLOP is given up, and how many more for each
row and column: where coefficients are within 1e-6 to 1e-12 of one another it may go
round in circles, on 7 rows and 8 columns for ever. Solves that ended took at most .7 a
row and column (4,170 solves of rio-grande-100, grid-30-plain-40 and of a joint search,
where one went round for 22 s under a limit of 100).
"""


@dataclass(frozen=True)
class Basis:
    """A basis of the simplex method, in the statuses of MathOpt
    (`solution_pb2.BasisStatusProto`).
    """

    #: (columns,) status of each variable.
    column: NDArray[np.int8]
    #: `name`, `row`: (rows,) names of rows, rising, and the status of each.
    name: NDArray[np.int64]
    row: NDArray[np.int8]

    def not_basic(self) -> NDArray[np.int64]:
        """Return the names of the rows that are not basic."""
        other: NDArray[np.bool_] = self.row != int(statuses.BASIS_STATUS_BASIC)
        return self.name[other]

    def message(self, state: State) -> Any:  # noqa: ANN401 - a message without stubs
        """Return it for a program whose other rows and columns are new; None where rows
        that are not basic are missing in it.
        """
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
        row[np.isinf(state.least) & (row != statuses.BASIS_STATUS_BASIC)] = (
            statuses.BASIS_STATUS_FREE
        )
        for vector, ids, values in (
            (proto.variable_status, np.arange(column.size), column),
            (proto.constraint_status, state.name, row),
        ):
            vector.ids.extend(ids.tolist())
            vector.values.extend(values.tolist())
        return proto


@dataclass(frozen=True)
class State:
    """A linear program at one moment."""

    #: `cost`, `lower`, `upper`: (columns,) per variable v: minimise cost v over lower
    #: <= v <= upper.
    cost: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    #: `rows`, `least`, `name`: (rows, columns), and (rows,) each: rows v >= least, by
    #: name in rising order.
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
        _fill(
            proto.objective.linear_coefficients,
            np.flatnonzero(self.cost),
            self.cost[self.cost != 0],
        )
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
        _fill(
            update.linear_constraint_updates.lower_bounds,
            self.name[new][turned],
            self.least[new][turned],
        )
        fresh = np.ones(self.name.size, dtype=bool)
        fresh[new] = False
        self._name_rows(update.new_linear_constraints, np.flatnonzero(fresh))
        matrix = update.linear_constraint_matrix_updates
        if wider.size:  # whole new rows, and of the others the entries in new columns
            _fill_matrix(matrix, self.name, _cut_left(self.rows, ~fresh, before.cost.size))
        elif fresh.any():
            _fill_matrix(matrix, self.name[fresh], taken(self.rows, fresh))
        return update

    def met_by(self, values: NDArray[np.float64]) -> bool:
        """Return whether values of the columns keep rows and bounds, nearly; else cuts
        would be sought that are there already.
        """
        kept = self.least - self.rows @ values <= PRECISION * np.maximum(1.0, np.abs(self.least))
        within = (self.lower - PRECISION <= values) & (values <= self.upper + PRECISION)
        return bool(kept.all() and within.all())

    def with_rows_of(self, other: State, names: NDArray[np.int64]) -> State:
        """Return it with those rows of another one, of these names, that it has not,
        and without a bound for them.
        """
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

    GLOP holds the active rows alone and starts from its last basis, or from one that
    was kept. A row that goes while it is not basic would leave a basis of the wrong
    size, for which GLOP starts afresh: such a row stays, without a bound, until it is
    basic.

    MathOpt is called with protocol messages instead of its Python model: reading a
    solution into Python objects took twice as long as finding it.

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

    def solve(
        self, state: State, start: Basis | None, limit: timedelta | None, *, perturbed: bool = False
    ) -> Answer | None:
        """Return the optimum of the program as it is now; None where there is none."""
        # A basis fits a program only if every row that is not basic in it is there. So
        # such rows, which GLOP still holds, stay in with no bound (`_whole`): they
        # change nothing, and the basis can be used. That of another node may name rows
        # that GLOP no longer holds; then the basis of the last solve is tried, and
        # without one GLOP starts as it likes.
        for basis in (start, self.basis) if start is not None else (self.basis,):
            whole = self._whole(state, basis)
            message = None if basis is None or start is None else basis.message(whole)
            if message is not None:
                break
        changes = whole.changes(self._held)
        if start is None and basis is not None and changes.deleted_linear_constraint_ids:
            # otherwise GLOP goes on from its last basis, already factorised
            message = basis.message(whole)
        fresh = changes.new_linear_constraints.ids
        if (not fresh or fresh[0] > self._last) and self._solver.update(changes):
            self._held, self._last = whole, fresh[-1] if fresh else self._last
        else:  # MathOpt takes no name a second time
            self._load(whole)
            message = None if basis is None else basis.message(whole)
        self._asked = state.name
        result = self._solver.solve(
            *_arguments(_PERTURBED if perturbed else _WARM, limit, message, _most_steps(whole))
        )
        self.basis, self.steps = _basis(result, whole), int(result.solve_stats.simplex_iterations)
        return _answer(result, whole, state)

    def _whole(self, state: State, basis: Basis | None) -> State:
        """Return a program with those rows that GLOP holds and that are not basic in a basis."""
        if state.name is self._asked:
            return replace(self._held, cost=state.cost, lower=state.lower, upper=state.upper)
        return state if basis is None else state.with_rows_of(self._held, basis.not_basic())


def from_scratch(
    state: State, solver: mathopt.SolverType, limit: timedelta | None
) -> Answer | None:
    """Return the optimum by a solver that knows nothing of earlier solves; None where
    it finds none in time.
    """
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
    """Return the arguments of a solve: parameters with limits, the basis to start from,
    no messages, no callback, no interrupter.
    """
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
    """Return the solution of a result that has one for primal and dual, and did not end
    by a limit, for rows that are all in the whole.
    """
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


# Rows of a linear program, to which a tree adds some thousand times and which it takes
# from as often, most of them of nodes that wait.
#
# Behind the rows is room for more, and rows that were dropped stay, as those of no
# node, until they are half of all: a table made anew at each change took a fifth of the
# time on grid-20-plain-15, where 42,000 rows were there and 600 active.

GROWTH = 1.5
"""Room that is made, in multiples of what is needed."""

DROPPED = -1
"""Node of the rows that were dropped."""


@dataclass(frozen=True)
class Entries:
    """Entries of some rows of a table, row by row."""

    #: `row`, `length`: (rows,) position of each row in the table, rising, and its
    #: number of entries.
    row: NDArray[np.integer]
    length: NDArray[np.int64]
    #: `column`, `value`: (entries,) each.
    column: NDArray[np.int32]
    value: NDArray[np.float64]

    def times(self, factor: NDArray[np.float64]) -> Entries:
        """Return them with each times the factor of its row, out of those of all rows
        of the table.
        """
        return replace(self, value=self.value * np.repeat(factor[self.row], self.length))

    def of_first(self, rows: int) -> Entries:
        """Return those of the first rows of the table."""
        held = int(np.searchsorted(self.row, rows))
        last = int(self.length[:held].sum())
        return Entries(self.row[:held], self.length[:held], self.column[:last], self.value[:last])

    def sums(self, columns: int) -> NDArray[np.float64]:
        """Return the (columns,) sums."""
        return np.bincount(self.column, self.value, columns).astype(np.float64)


class GrowingRows:
    """The rows, active or not, in the order in which they were added.

    Parameters
    ----------
    columns
        Columns of the table, >= 1.

    Attributes
    ----------
    size
        How many rows there are, with those that were dropped and are still here.
    columns
        Columns of the table.
    """

    def __init__(self, columns: int) -> None:
        self.size, self.columns = 0, columns
        self._entries = 0
        self._number = np.empty((5, 0), dtype=np.int64)
        self._side, self._active = np.empty(0), np.empty(0, dtype=bool)
        self._column, self._value = np.empty(0, dtype=np.int32), np.empty(0)

    @property
    def name(self) -> NDArray[np.int64]:
        """(rows,) names, rising."""
        return self._number[0, : self.size]

    @property
    def node(self) -> NDArray[np.int64]:
        """(rows,) node of the search to which each belongs; `DROPPED` for those that
        were dropped.
        """
        return self._number[1, : self.size]

    @property
    def there(self) -> NDArray[np.bool_]:
        """(rows,) whether each is still there."""
        return np.not_equal(self.node, DROPPED)

    @property
    def slack_for(self) -> NDArray[np.int64]:
        """(rows,) solves in which each was active since it last had a dual."""
        return self._number[2, : self.size]

    @property
    def side(self) -> NDArray[np.float64]:
        """(rows,) left-hand sides."""
        return self._side[: self.size]

    @property
    def active(self) -> NDArray[np.bool_]:
        """(rows,) whether each is in the program that is solved next."""
        return self._active[: self.size]

    def entries(self, rows: NDArray[np.integer]) -> Entries:
        """Return the entries of some rows, by position."""
        first, length = self._number[3, rows], self._number[4, rows]
        place = np.repeat(first - np.cumsum(length) + length, length) + np.arange(length.sum())
        return Entries(rows, length, self._column[place], self._value[place])

    def table(self, rows: NDArray[np.integer]) -> csr_array:
        """Return some rows as a table."""
        entries = self.entries(rows)
        start = np.concatenate(([0], np.cumsum(entries.length)))
        return csr_array((entries.value, entries.column, start), shape=(rows.size, self.columns))

    def add(
        self,
        rows: csr_array,
        side: NDArray[np.float64],
        name: NDArray[np.int64],
        node: int | NDArray[np.int64],
    ) -> None:
        """Add active rows: their (new, at most `columns`) entries, and (new,) sides,
        names and nodes.
        """
        size, entries = self.size + side.size, self._entries + rows.indices.size
        self._number, self._side, self._active = (
            _with_room(each, size) for each in (self._number, self._side, self._active)
        )
        self._column, self._value = (
            _with_room(self._column, entries),
            _with_room(self._value, entries),
        )
        new, own = slice(self.size, size), slice(self._entries, entries)
        self._number[0, new], self._number[1, new], self._number[2, new] = name, node, 0
        self._number[3, new], self._number[4, new] = (
            self._entries + rows.indptr[:-1],
            np.diff(rows.indptr),
        )
        self._side[new], self._active[new] = side, True
        self._column[own], self._value[own] = rows.indices, rows.data
        self.size, self._entries = size, entries

    def widen(self, entries: csr_array) -> None:
        """Add columns: their (first, new) entries in the first rows, which are never
        dropped, or in all.
        """
        every = np.arange(self.size)
        below = csr_array((self.size - entries.shape[0], entries.shape[1]))
        table = csr_array(hstack((self.table(every), vstack((entries, below)))))
        self.columns = table.shape[1]
        self._become(every, table)

    def drop(self, rows: NDArray[np.bool_]) -> None:
        """Drop the (rows,) masked ones: they are of no node, and not active."""
        if not rows.any():
            return
        self.node[rows], self.active[rows] = DROPPED, False
        there = np.flatnonzero(self.there)
        if 2 * there.size < self.size:
            self._become(there, self.table(there))

    def _become(self, rows: NDArray[np.int64], table: csr_array) -> None:
        """Keep some of the rows alone, with the entries of a table of as many."""
        other = GrowingRows(self.columns)
        other.add(table, self.side[rows], self.name[rows], self.node[rows])
        other.slack_for[:], other.active[:] = self.slack_for[rows], self.active[rows]
        self.__dict__.update(other.__dict__)


def _with_room(array: NDArray, size: int) -> NDArray:  # type: ignore[type-arg]  # of any kind
    """Return an array, or a larger copy of it, with room for so many in its last dimension."""
    room = array.shape[-1]
    if size <= room:
        return array
    larger = np.empty((*array.shape[:-1], int(GROWTH * size)), dtype=array.dtype)
    larger[..., :room] = array
    return larger


# Rows of sparse tables stacked and chosen, and where names stand in others.
#
# SciPy's own operations check and convert so much that on tables of some hundred rows
# they took ten times as long; a tree makes thousands.


def entries_of(table: csr_array, rows: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return where the entries of some rows lie, row by row."""
    length = np.diff(table.indptr)[rows]
    return np.repeat(table.indptr[rows] - np.cumsum(length) + length, length) + np.arange(
        length.sum()
    )


def taken(table: csr_array, rows: NDArray[np.integer] | NDArray[np.bool_]) -> csr_array:
    """Return some rows of a table, as a mask or by position."""
    chosen: NDArray[np.integer] = (
        np.flatnonzero(rows) if rows.dtype == np.bool_ else np.asarray(rows, dtype=np.int64)
    )
    entries = entries_of(table, chosen)
    start = np.concatenate(([0], np.cumsum(np.diff(table.indptr)[chosen])))
    return csr_array(
        (table.data[entries], table.indices[entries], start), shape=(chosen.size, table.shape[1])
    )


def stacked(above: csr_array, below: csr_array) -> csr_array:
    """Return the rows of two tables, the second of which may be narrower."""
    return csr_array(
        (
            np.concatenate((above.data, below.data)),
            np.concatenate((above.indices, below.indices)),
            np.concatenate((above.indptr, above.indptr[-1] + below.indptr[1:])),
        ),
        shape=(above.shape[0] + below.shape[0], above.shape[1]),
    )


def places(some: NDArray[np.int64], names: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return where each of some names stands in names that rise, -1 where it does not."""
    place = np.searchsorted(names, some)
    place[place == names.size] = -1
    there = place >= 0
    there[there] = names[place[there]] == some[there]
    return np.where(there, place, -1)
