"""The compact model: one mixed-integer program, by LP duality of the evaders' shortest
paths. A referee of the methods of the package: `solve(instance, method=COMPACT)`.

Sets      T destinations of informed evaders; V overlay nodes; A overlay arcs (i, j), some with an option j(a); C habitual routes
Data      r_a, s_a; p_k; psi^t_i, phi^t_i best reliability i -> t with nothing / everything placed;
          R_c, rho_cm of habitual routes that meet the same options, weights within R_c (routes share the y of a common beginning)
Variables x_j in {0, 1}; pi^t_i in [phi^t_i, psi^t_i] reliability label; y_cm share of R_c left after the first m options
Minimise  sum_k p_k pi^{d_k}_{o_k} + sum_c R_c y_c,last
such that pi^t_i >= r_a pi^t_j                                    plain arcs a = (i, j), and
          pi^t_i >= r_a s_a pi^t_j
          pi^t_i >= r_a pi^t_j - (r_a psi^t_j - max(phi^t_i, r_a s_a psi^t_j)) x_a      option arcs
          y_cm >= rho_cm y_c,m-1,   y_cm >= y_c,m-1 - (1 - rho_cm) x_m,   y_c0 = 1
          budgets, at most one option of each conflict set, requirements

All evaders of one destination share its labels. A row of node i is left out where r_a
psi^t_j <= phi^t_i: it can never bind. Labels are scaled by psi (u^t_i = pi^t_i /
psi^t_i), so that every variable lies in [0, 1] however small the reliability, and the
objective is divided by its value with nothing placed.

What the bound of HiGHS proves is in `optimizer.solvers.mip.relaxed_program`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.text.messages import message
from optimizer.base.work.listener import SILENT, Listener, SilentListener, step
from optimizer.base.work.work_clock import limited_by_work, machine_limit, work_seconds
from optimizer.problem.instance.evaders import arc_costs
from optimizer.problem.network.shortest_paths import cost_graph
from optimizer.problem.plan.result import tolerance_of
from optimizer.solvers.best_first import BestFirstSearch, Child
from optimizer.solvers.branch_and_cut.improve.local_search import PlanImprover
from optimizer.solvers.branch_and_cut.improve.state import SolveState, reduce_plan
from optimizer.solvers.branch_and_cut.tree.node import Node
from optimizer.solvers.mip.backend import solve_mip
from optimizer.solvers.mip.relaxed_program import RelaxedProgram, relaxed_program
from optimizer.solvers.mip.rows import RowBuilder
from optimizer.solvers.place import METHODS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.problem.instance.instance import Instance
    from optimizer.solvers.overlay.overlay import FixedRoutes, Overlay

COMPACT = "compact program"
"""Name of this method once this module is imported."""


def compact_model(instance: Instance, overlay: Overlay) -> RelaxedProgram:
    """Build the compact model of an instance on its overlay."""
    n_options = len(instance.options)
    rows = RowBuilder(n_options)
    offset = _add_destinations(overlay, rows) + _add_fixed_routes(
        overlay.fixed_routes, rows, n_options
    )
    return relaxed_program(
        instance, rows, overlay.free, offset, max(overlay.n_nodes, _longest(overlay.fixed_routes))
    )


def _longest(fixed_routes: FixedRoutes) -> int:
    """Return the most options that a fixed route meets."""
    return int(np.bincount(fixed_routes.route).max(initial=0))


def _add_destinations(overlay: Overlay, rows: RowBuilder) -> float:
    """Add one label system for each destination; return the part of the objective that
    no plan can change.
    """
    targets = np.unique(overlay.destination)
    if not targets.size:
        return 0.0
    open_ = cost_graph(
        overlay.n_nodes, overlay.tail, overlay.head, arc_costs(overlay.reliability), reverse=True
    )
    shut = cost_graph(
        overlay.n_nodes,
        overlay.tail,
        overlay.head,
        arc_costs(overlay.arc_survival(overlay.free)),
        reverse=True,
    )
    psi, phi = np.exp(-open_.distances(targets)), np.exp(-shut.distances(targets))
    constant = 0.0
    for t, target in enumerate(targets):
        here = overlay.destination == target
        demand = np.zeros(overlay.n_nodes)
        np.add.at(demand, overlay.origin[here], overlay.weight[here])
        constant += _add_labels(overlay, rows, demand, psi[t], np.minimum(phi[t], psi[t]))
    return constant


def _add_labels(
    overlay: Overlay,
    rows: RowBuilder,
    demand: NDArray[np.float64],
    psi: NDArray[np.float64],
    phi: NDArray[np.float64],
) -> float:
    """Add the labels of one destination; return the weight of the origins whose label
    is constant.
    """
    tail, head, option = overlay.tail, overlay.head, overlay.option
    kept = np.flatnonzero(overlay.reliability * psi[head] > phi[tail])
    kept = kept[_within_reach(overlay.n_nodes, tail[kept], head[kept], np.flatnonzero(demand))]
    i, j, a = tail[kept], head[kept], overlay.reliability[kept]
    labelled = np.unique(i)
    column = np.full(overlay.n_nodes, -1)
    column[labelled] = rows.new_columns(phi[labelled] / psi[labelled])
    free = np.greater_equal(column, 0)
    rows.cost.append((column[free], (demand * psi)[free]))
    # in scaled labels arc a requires u_i >= rho u_j, rho = r psi_j / psi_i; a constant
    # u_j is moved to the right-hand side
    rho = a * psi[j] / psi[i]
    known = np.where(column[j] >= 0, 0.0, phi[j] / np.where(psi[j] > 0, psi[j], 1.0))
    one = np.ones(kept.size)
    watched = option[kept] >= 0
    plain = ~watched
    rows.add((rho * known)[plain], (column[i][plain], one[plain]), (column[j][plain], -rho[plain]))
    survival = overlay.survival[kept]
    useful = watched & (a * survival * psi[j] > phi[i])
    under = rho * survival
    rows.add(
        (under * known)[useful],
        (column[i][useful], one[useful]),
        (column[j][useful], -under[useful]),
    )
    relief = rho - np.maximum(phi[i] / psi[i], under)
    rows.add(
        (rho * known)[watched],
        (column[i][watched], one[watched]),
        (column[j][watched], -rho[watched]),
        (option[kept][watched], relief[watched]),
    )
    return float((demand * phi)[~free].sum())


def _within_reach(
    n_nodes: int, tail: NDArray[np.int32], head: NDArray[np.int32], origins: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Return the mask of arcs whose tail can be reached from an origin over these arcs."""
    graph = cost_graph(n_nodes, tail, head, np.zeros(tail.size))
    reached = np.asarray(np.isfinite(graph.distances(origins)).any(axis=0))
    return np.asarray(reached[tail], dtype=bool)


def _add_fixed_routes(fixed_routes: FixedRoutes, rows: RowBuilder, n_options: int) -> float:
    """Add the habitual routes; return the value of those that no option touches.

    Fixed routes that begin with the same options share the variables of that beginning:
    all together are a tree, the options that most of them meet nearest its root.
    """
    often = np.bincount(fixed_routes.option, minlength=n_options)
    order = np.lexsort((fixed_routes.option, -often[fixed_routes.option], fixed_routes.route))
    node_of: dict[tuple[int, int, float], int] = {}
    parent: list[int] = []
    option: list[int] = []
    survival: list[float] = []
    last = np.full(fixed_routes.value.size, -1)
    links = zip(
        fixed_routes.route[order].tolist(),
        fixed_routes.option[order].tolist(),
        fixed_routes.survival[order].tolist(),
        strict=True,
    )
    for route, j, rho in links:
        key = (int(last[route]), j, rho)
        if key not in node_of:
            node_of[key] = len(parent)
            parent.append(key[0])
            option.append(j)
            survival.append(rho)
        last[route] = node_of[key]
    _add_tree(
        rows, np.array(parent, dtype=np.int64), np.array(option, dtype=np.int64), np.array(survival)
    )
    touched = last >= 0
    first = rows.n_columns - len(parent)
    rows.cost.append((first + last[touched], fixed_routes.value[touched]))
    return float(fixed_routes.value[~touched].sum())


def _add_tree(
    rows: RowBuilder, parent: NDArray[np.int64], option: NDArray[np.int64], rho: NDArray[np.float64]
) -> None:
    """Add y_m for each node m of the tree of fixed routes: y_m >= rho_m y_before, y_m
    >= y_before - (1 - rho_m) x_m, and 1 before the first.
    """
    floor = rho.copy()
    for m in range(rho.size):  # parents come before their children
        if parent[m] >= 0:
            floor[m] *= floor[parent[m]]
    column = rows.new_columns(floor)
    before = np.where(parent >= 0, column[0] + parent, -1) if rho.size else parent
    start, one = np.where(parent >= 0, 0.0, 1.0), np.ones(rho.size)
    rows.add(start * rho, (column, one), (before, -rho))
    rows.add(start, (column, one), (before, -one), (option, 1 - rho))


FEW = 10
"""Most free options whose plans are all tried where the bound of the mixed-integer
program is in doubt.
"""


def search_compact(search: SolveState) -> None:
    """Solve the compact model in HiGHS from the best of a greedy plan and a local
    search; its plan is no worse than a greedy one, as that of a method of the package.
    """
    _search(search, PlanImprover.without_tree(search))
    if not (search.closed or search.looked) and search.improves:
        PlanImprover.without_tree(search).make_sure()


def _search(search: SolveState, improver: PlanImprover) -> None:
    improver.finish()
    if search.closed or search.out_of_time:
        search.limit = "time" if search.out_of_time else None
        return
    model = compact_model(search.instance, search.overlay)
    search.statistics |= {"rows": model.mip.rows.shape[0], "columns": model.mip.rows.shape[1]}
    start = np.full(model.mip.cost.size, np.nan)
    start[: search.placed.size] = search.placed
    with step(search.listener, "branching"):
        outcome = solve_mip(
            model.mip,
            gap=search.gap / 2,  # the rest for what the tolerances may hide
            time_limit=None if search.seconds_left is None else machine_limit(search.seconds_left),
            work_limit=search.seconds_left if limited_by_work() else None,
            seed=search.seed,
            presolve=not model.delicate,
            start=start,
            listener=_Scaled(search, model),
        )
    search.statistics["nodes"] = outcome.nodes
    search.limit = outcome.limit
    if outcome.x is not None:
        search.offer(
            reduce_plan(search.instance, search.overlay, outcome.x[: search.placed.size] > 0.5)
        )
    proven = model.proven(outcome.bound)
    # else the solver contradicts a plan, and nothing that it says is proven
    if proven <= search.upper:
        search.prove(proven)
    search.report()
    if not search.closed and search.limit is None and int(search.overlay.free.sum()) <= FEW:
        _enumerate(search)
    elif search.lower == proven:
        search.noted(
            message(
                "The lower bound is HiGHS's own, less what its tolerances can hide, and not"
                " confirmed by a second way; `cuts` proves its own."
            )
        )
    if search.limit is None:
        improver.finish()  # a plan of the solver within the gap may leave an option out that fits


def _enumerate(search: SolveState) -> None:
    """Try all plans, in exact arithmetic."""
    with step(search.listener, "enumerating"):
        trial = Enumeration(
            search.instance, search.overlay, search.upper, search.gap, search.work_until, search
        )
        trial.run()
    search.prove(trial.lower)
    search.limit = "time" if trial.out_of_time else None
    search.reduce_plan()


class _Scaled(SilentListener):
    """Passes on the bounds of a scaled model where they are better than what the search
    has; they are not proven yet.
    """

    def __init__(self, search: SolveState, model: RelaxedProgram) -> None:
        self._search, self._model = search, model

    def bounds_moved(self, lower: float, upper: float) -> None:
        """Report them in the commodities of the problem."""
        search, model = self._search, self._model
        best = min(upper * model.scale, search.upper)
        search.listener.bounds_moved(min(max(model.proven(lower), search.lower), best), best)

    def cancelled(self) -> bool:
        """Return whether the search is to stop."""
        return self._search.cancelled()


# Enumeration of the plans of a few options: best first, each node bounded by its value
# with all undecided options placed.
#
# No solver, no tolerances: it proves the rest where a mixed-integer solver's bound is
# in doubt by more than the gap and options are few.


@dataclass
class Enumeration:
    """The state of one search."""

    #: `instance`, `overlay`: The problem; its forced options must be feasible by
    #: themselves.
    instance: Instance
    overlay: Overlay
    #: Value of the best plan known.
    upper: float
    #: Relative gap to `upper` at which to stop, >= 0.
    gap: float = 0.0
    #: `work_seconds()` at which to stop.
    until: float = np.inf
    #: Told of every plan that is better than `upper`, and of the bounds after each
    #: node.
    listener: Listener = SILENT
    _search: BestFirstSearch[Node] = field(init=False)

    def __post_init__(self) -> None:
        """Open the root."""
        self._search = BestFirstSearch(self, newest_first=True)
        forced = self.instance.forced
        root = Node(forced, ~(self.overlay.free | forced), np.empty(0)).propagated(self.instance)
        self._search.add(root, self._bound(root))

    @property
    def cutoff(self) -> float:
        """Bound from which on a node need not be looked at further."""
        return self.upper * (1 - tolerance_of(self.gap))

    @property
    def out_of_time(self) -> bool:
        """Whether the search must end."""
        return work_seconds() >= self.until

    @property
    def lower(self) -> float:
        """Proven lower bound of the value of every feasible plan."""
        return min(self._search.bound, self.upper)

    def run(self) -> None:
        """Expand nodes until the bounds meet or time is up."""
        self._search.run()

    def expanded(self, node: Node, bound: float) -> list[Child[Node]]:
        """Return the node with and without its first undecided option; none, but an
        offer, where all are decided.
        """
        if not node.undecided.any():
            self._search.prune(bound)
            if bound < self.upper:
                self.upper = bound
                self.listener.plan_found(node.ones, bound)
            return []
        first = np.equal(np.arange(node.ones.size), int(node.undecided.argmax()))
        with_it = replace(node, ones=node.ones | first).propagated(self.instance)
        without = replace(node, zeros=node.zeros | first)
        return [
            Child(child, self._bound(child))
            for child in (with_it, without)
            if child.may_hold_plans(self.instance)
        ]

    def step_done(self, bound: float) -> None:
        """Report the bound over all nodes."""
        self.listener.bounds_moved(min(bound, self.upper), self.upper)

    def _bound(self, node: Node) -> float:
        return self.overlay.value(node.ones | node.undecided)


METHODS[COMPACT] = search_compact
