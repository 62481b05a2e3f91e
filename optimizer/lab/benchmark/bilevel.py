"""A placement problem as a bilevel linear program, in the two files that bilevel solvers and libraries read: MPS, and an auxiliary file.

Sets      T destinations of informed evaders; V overlay nodes; A overlay arcs a = (i, j), some with an option j(a); C habitual routes
Data      r_a, s_a; d^t_i the weight of the evaders from i to t, D_t their sum; R_c, rho_cm of habitual routes and the options that they meet
Leader    x_j in {0, 1}: budgets, at most one option of each conflict set, requirements
Follower  y^t_a >= 0 what sets out on arc a for t past no option, and z^t_a >= 0 past its option placed; v_cm, w_cm >= 0 the same on routes

Minimise over x the largest of
          sum_t sum_{a into t} r_a (y^t_a + s_a z^t_a) + sum_c (what is left of R_c after its last option)
such that sum_{a out of i} (y^t_a + z^t_a) <= d^t_i + sum_{a into i} r_a (y^t_a + s_a z^t_a)       all t, i != t
          y^t_a <= D_t (1 - x_j(a))                                                                 option arcs
          v_c1 + w_c1 <= R_c,   v_cm + w_cm <= v_c,m-1 + rho_c,m-1 w_c,m-1,   v_cm <= R_c (1 - x_m)

What sets out from i is multiplied by the chance to pass each arc, so the most that arrives is d^t_i times the best path's value: the follower's
optimum is the value of plan x. D_t is large enough because chances are at most 1, and a best flow runs in no circle. Leader and follower have
the same objective, with opposite senses; so which optimum the follower takes makes no difference.

The auxiliary file is the name-based one of MibS and BOBILib: the follower's variables with their costs, which it minimises, and its rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csc_array

from optimizer.problem.network.shortest_paths import cost_graph
from optimizer.solvers.overlay.overlay import contract

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from optimizer.problem.instance.instance import Instance
    from optimizer.solvers.overlay.overlay import FixedRoutes, Overlay

CONSTANT = "const"
"""Variable fixed at 1 that carries what no plan changes: readers differ in the sign of a constant on the right-hand side of the objective."""


@dataclass
class BilevelProgram:
    """The program as rows `sum coefficient * variable >= side`, the leader's first. Its variables are the options, then those of the follower.

    Attributes
    ----------
    lower, upper
        (options,) bounds of the leader's variables.
    rewards
        Follower variable and what a unit of it brings; constant is what is had without any.
    """

    lower: NDArray[np.bool_]
    upper: NDArray[np.bool_]
    constant: float = 0.0
    rewards: dict[int, float] = field(default_factory=dict)
    n_leader_rows: int = 0
    n_columns: int = 0
    side: list[float] = field(default_factory=list)
    row: list[NDArray[np.int64]] = field(default_factory=list)
    column: list[NDArray[np.int64]] = field(default_factory=list)
    value: list[NDArray[np.float64]] = field(default_factory=list)

    def add(self, side: float, columns: Iterable[int], values: Iterable[float]) -> None:
        """Add one row."""
        columns = np.fromiter(columns, dtype=np.int64)
        self.row.append(np.full(columns.size, len(self.side)))
        self.column.append(columns)
        self.value.append(np.fromiter(values, dtype=np.float64, count=columns.size))
        self.side.append(side)

    def new_columns(self, count: int) -> NDArray[np.int64]:
        """Add variables of the follower."""
        self.n_columns += count
        return np.arange(self.n_columns - count, self.n_columns)

    @property
    def matrix(self) -> csc_array:
        """(rows, columns) coefficients."""
        row, column, value = (np.concatenate([*parts, []]) for parts in (self.row, self.column, self.value))
        matrix = csc_array((value, (row.astype(int), column.astype(int))), shape=(len(self.side), self.n_columns))
        matrix.sum_duplicates()
        return matrix

    @property
    def names(self) -> list[str]:
        """Names of the variables."""
        leader = self.lower.size
        return [f"x{j}" for j in range(leader)] + [f"y{j}" for j in range(self.n_columns - leader)]

    @property
    def row_names(self) -> list[str]:
        """Names of the rows: u0, u1, ... of the leader, l0, l1, ... of the follower."""
        leader = self.n_leader_rows
        return [f"u{k}" for k in range(leader)] + [f"l{k}" for k in range(len(self.side) - leader)]

    def mps(self, name: str) -> str:
        """Return the file in free MPS. Numbers have all their digits, which the writer of OR-Tools cuts to six."""
        matrix, names, rows = self.matrix, self.names, self.row_names
        lines = [f"NAME {name}", "ROWS", " N obj", *(f" G {row}" for row in rows), "COLUMNS"]
        lines += [" MARKER MARKER 'MARKER' 'INTORG'"]
        for j, column in enumerate(names):
            if j == self.lower.size:
                lines += [" MARKER MARKER 'MARKER' 'INTEND'"]
            part = slice(matrix.indptr[j], matrix.indptr[j + 1])
            entries = [
                (rows[k], value) for k, value in zip(matrix.indices[part], matrix.data[part].tolist(), strict=True)
            ]
            if j in self.rewards or not entries:
                entries.insert(0, ("obj", self.rewards.get(j, 0.0)))
            lines += [f" {column} {row} {value!r}" for row, value in entries]
        if len(names) == self.lower.size:
            lines += [" MARKER MARKER 'MARKER' 'INTEND'"]
        lines += [f" {CONSTANT} obj {self.constant!r}", "RHS"]
        lines += [f" rhs {row} {side!r}" for row, side in zip(rows, self.side, strict=True) if side]
        lines.append("BOUNDS")
        for column, low, high in zip(names, self.lower.tolist(), self.upper.tolist(), strict=False):
            lines += [f" UP bnd {column} 1"] if low != high else [f" FX bnd {column} {int(low)}"]
        return "\n".join([*lines, f" FX bnd {CONSTANT} 1", "ENDATA", ""])

    def auxiliary(self, name: str) -> str:
        """Return the auxiliary file: the follower minimises less what it gains."""
        leader, rows = self.lower.size, self.row_names[self.n_leader_rows :]
        costs = [f"{column} {-self.rewards.get(leader + j, 0.0)!r}" for j, column in enumerate(self.names[leader:])]
        head = ["@NUMVARS", str(len(costs)), "@NUMCONSTRS", str(len(rows))]
        body = ["@VARSBEGIN", *costs, "@VARSEND", "@CONSTRSBEGIN", *rows, "@CONSTRSEND"]
        return "\n".join([*head, *body, "@NAME", name, "@MPS", f"{name}.mps", ""])


def bilevel_program(instance: Instance) -> BilevelProgram | None:
    """Return the program of an instance on its contracted network; None where it has no linear form.

    That is so with patrol teams, whose beats are not listed, and where options share parts, whose survivals multiply.
    """
    if instance.patrols is not None:
        return None
    overlay = contract(instance)
    if overlay.bundle is not None or overlay.scenario_weights is not None:
        return None
    forced = instance.forced
    program = BilevelProgram(forced, forced | overlay.free, n_columns=len(instance.options))
    _add_leader(program, instance)
    for target in np.unique(overlay.destination).tolist():
        _add_destination(program, overlay, target)
    _add_routes(program, overlay.fixed_routes)
    return program


def _add_leader(program: BilevelProgram, instance: Instance) -> None:
    for use, budget in zip(instance.use.T, instance.budget.tolist(), strict=True):
        touched = np.flatnonzero(use)
        program.add(-budget, touched.tolist(), (-use[touched]).tolist())
    for group in instance.conflicts:
        program.add(-1.0, group, [-1.0] * len(group))
    for each in instance.requirements:
        program.add(each.least, each.options, each.coefficients)
    program.n_leader_rows = len(program.side)


def _add_destination(program: BilevelProgram, overlay: Overlay, target: int) -> None:
    """Add what travels to one destination over arcs that lead from its origins to it."""
    here = overlay.destination == target
    demand = np.zeros(overlay.n_nodes)
    np.add.at(demand, overlay.origin[here], overlay.weight[here])
    free_of_cost = np.zeros(overlay.tail.size)
    from_origins = cost_graph(overlay.n_nodes, overlay.tail, overlay.head, free_of_cost)
    to_target = cost_graph(overlay.n_nodes, overlay.tail, overlay.head, free_of_cost, reverse=True)
    reached = np.asarray(np.isfinite(from_origins.distances(np.flatnonzero(demand))).any(axis=0), dtype=bool)
    leads = np.isfinite(to_target.distances(np.array([target]))[0])
    arcs = np.flatnonzero(reached[overlay.tail] & leads[overlay.head] & (overlay.tail != target))
    watched = overlay.option[arcs] >= 0
    passed = watched & (overlay.survival[arcs] > 0)
    plain = program.new_columns(arcs.size)
    under = program.new_columns(int(passed.sum()))
    tail = np.concatenate((overlay.tail[arcs], overlay.tail[arcs[passed]]))
    head = np.concatenate((overlay.head[arcs], overlay.head[arcs[passed]]))
    kept = np.concatenate((overlay.reliability[arcs], (overlay.reliability * overlay.survival)[arcs[passed]]))
    column = np.concatenate((plain, under))
    arrive = head == target
    program.rewards.update(zip(column[arrive].tolist(), kept[arrive].tolist(), strict=True))
    program.constant += float(demand[target])
    out, into = _grouped(tail, overlay.n_nodes), _grouped(head, overlay.n_nodes)
    for node in np.unique(tail).tolist():
        arcs_out, arcs_in = out(node), into(node)
        columns = np.concatenate((column[arcs_out], column[arcs_in]))
        values = np.concatenate((-np.ones(arcs_out.size), kept[arcs_in]))
        program.add(-float(demand[node]), columns.tolist(), values.tolist())
    total = float(demand.sum())
    for own, option in zip(plain[watched].tolist(), overlay.option[arcs[watched]].tolist(), strict=True):
        program.add(-total, (own, option), (-1.0, -total))


def _add_routes(program: BilevelProgram, routes: FixedRoutes) -> None:
    """Add the habitual routes: each a chain past the options that it meets."""
    for c, value in enumerate(routes.value.tolist()):
        links = np.flatnonzero(routes.route == c)
        before: Sequence[tuple[int, float]] = ()
        for option, rho in zip(routes.option[links].tolist(), routes.survival[links].tolist(), strict=True):
            past, under = program.new_columns(2).tolist()
            side = 0.0 if before else -value
            program.add(side, (past, under, *(j for j, _ in before)), (-1.0, -1.0, *(kept for _, kept in before)))
            program.add(-value, (past, option), (-1.0, -value))
            before = ((past, 1.0), (under, rho))
        if before:
            program.rewards.update(before)
        else:
            program.constant += value


def _grouped(key: NDArray[np.int32], count: int) -> Callable[[int], NDArray[np.int64]]:
    """Return what gives the positions of an (arcs,) array of nodes where a node stands."""
    order = np.argsort(key, kind="stable")
    first = np.searchsorted(key[order], np.arange(count + 1))
    return lambda k: order[first[k] : first[k + 1]]
