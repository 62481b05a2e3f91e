"""Plans that close one cut of the network between origins and destinations: a mixed-integer program over the rows of the root.

Along a border the best plans often close every road across one line, in all sectors at once. No change of one option, or of those of one
sector, leads from such a plan to another, as a line with an opening stops nobody; and the linear program closes several lines by a half each.
This program asks for one whole line.

Sets      J options; V nodes and A arcs (i, j) of the overlay, each with an option j(a) or none; O origins and D destinations of
          informed evaders
Data      W_o, W_d weights of the evaders of an end, each times its value with nothing placed, as shares of their sum;
          q_a the largest share of its value with nothing placed that an evader keeps on a path through arc a
Variables x, theta and e of `master`, x whole; y_v in [0, 1], 1 on the side of the origins; z_o, z_d in [0, 1], which leave an end out
Minimise  the objective of `master` as a share of the value with nothing placed, + PENALTY (sum_o W_o z_o + sum_d W_d z_d)
such that the rows of `master` at the root;
          y_i - y_j <= x_j(a), or 0 without an option,   for the arcs of q_a >= LEVEL: others lie on long ways round
          y_o + z_o >= 1,   y_d <= z_d                   for o in O and d in D;
          the objective <= 1 - BETTER of the best plan's value

For whole x there are whole y and z: those of a minimum cut in which the arcs of placed options cost nothing. Ends that no cut can close, or
that are not worth it, are left out. The bound of the program is one of such plans alone: nothing is proven by it, and only its plan is used.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.sparse import csr_array, hstack, vstack

from optimizer.base.errors import SolverError
from optimizer.base.work.listener import OnlyCancels, SilentListener, step, stop_if_cancelled
from optimizer.base.work.work_clock import machine_seconds_left, put_forward, work_seconds
from optimizer.problem.instance.evaders import arc_costs
from optimizer.problem.instance.requirements import requirements_met
from optimizer.problem.network.shortest_paths import cost_graph
from optimizer.problem.plan.plan import within_limits
from optimizer.solvers.mip.rows import RowBuilder, add_row

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from optimizer.base.work.listener import Listener
    from optimizer.solvers.branch_and_cut.tree.tree import BranchAndCut
    from optimizer.solvers.mip.backend import MipModel, MipOutcome
    from optimizer.solvers.overlay.overlay import Overlay

LEVEL = 0.9
"""Share of the value of a best route that another must keep for a cut to have to close it."""
PENALTY = 0.3
"""What it costs to leave out all ends, as a share of the value with nothing placed."""
FEWEST = 50
"""Undecided options below which it is not, as the tree takes less time than the start of the solver's process."""
MOST_ARCS = 20_000
"""Arcs of the overlay above which it is not."""
CLOSE = 0.02
"""Relative gap at which it ends."""
POLL_SECONDS = 0.1
"""How often the listener is asked whether to stop."""
LEAST_SECONDS, MOST_SHARE = 5.0, 0.8
"""Processor seconds that it may take whatever its share of the work left, and the largest share that these may be. Mostly its nodes end it: on
the shipped scenario it needs 1 s."""
BETTER = 0.03
"""How far below the value of the best plan its objective must be, relative: without this the solver finds little at its root."""


def min_cut_heuristic(
    tree: BranchAndCut, listener: Listener, meanwhile: Callable[[], None] | None = None
) -> NDArray[np.bool_] | None:
    """Return an (options,) plan that closes one cut of the network, where the gap of a root that was cut is wide; None where there is none.

    It is feasible; budgets may be left. Of a solver that fails the listener is told.

    Parameters
    ----------
    tree
        A tree whose root was cut.
    listener
        Told of the step, and asked whether to stop.
    meanwhile
        What this process does while that of the solver works, where it is solved; by default it waits.

    Raises
    ------
    KeyboardInterrupt
        If the listener cancels, or by Ctrl-C.
    """
    overlay, instance = tree.overlay, tree.instance
    if overlay.bundle is not None or tree.master.relaxed_options.any() or not overlay.origin.size:
        return None  # an option is not what the overlay has, or nobody chooses a way
    if tree.lower >= (1 - tree.params.heuristics.min_cut_gap) * tree.upper or tree.out_of_time:
        return None
    if tree.root.undecided.sum() < FEWEST or overlay.tail.size > MOST_ARCS:
        return None
    try:
        with step(listener, "closing a cut of the network"):
            outcome = _solved(tree, listener, meanwhile)
    except SolverError as error:
        listener.noted(
            f"The search for a plan that closes a cut of the network failed ({error}): it goes on without one."
        )
        return None
    if outcome.limit == "interrupted":
        raise KeyboardInterrupt
    if outcome.x is None:
        return None
    placed = np.rint(outcome.x[: tree.root.ones.size]).astype(bool)
    return placed if within_limits(instance, placed) and requirements_met(instance, placed) else None


def _solved(tree: BranchAndCut, listener: Listener, meanwhile: Callable[[], None] | None) -> MipOutcome:
    from optimizer.solvers.mip.backend import solve_mip

    model, params = min_cut_model(tree), tree.params.heuristics
    left, machine = tree.until - work_seconds(), machine_seconds_left()
    work = max(params.min_cut_share * left, min(LEAST_SECONDS, MOST_SHARE * left))

    def solved(listener: Listener) -> MipOutcome:
        return solve_mip(
            model,
            gap=CLOSE,
            time_limit=None if np.isinf(machine) else machine,
            work_limit=None if np.isinf(work) else work,
            most_nodes=params.min_cut_nodes,
            seed=0,
            listener=listener,
        )

    if meanwhile is None:
        return solved(OnlyCancels(listener))
    over, began = _Over(), work_seconds()

    def timed() -> tuple[MipOutcome, float]:
        before = work_seconds()
        return solved(over), work_seconds() - before

    with ThreadPoolExecutor(1) as thread:
        try:
            running = thread.submit(timed)
            meanwhile()
            while not wait([running], POLL_SECONDS).done:
                stop_if_cancelled(listener)
            outcome, seconds = running.result()
            put_forward(began + seconds)
            return outcome
        finally:
            over.said = True


class _Over(SilentListener):
    """Stops a solver when it is said."""

    def __init__(self) -> None:
        self.said = False

    def cancelled(self) -> bool:
        """Whether it was said."""
        return self.said


def min_cut_model(tree: BranchAndCut) -> MipModel:
    """Return the program; its first columns are the options."""
    from optimizer.solvers.mip.backend import MipModel

    overlay, commodities = tree.overlay, tree.master.commodities
    tree.master.enter(tree.root)
    state = tree.master.program.state
    weight = (commodities.weight * commodities.start)[: commodities.searches.leaf.size]
    ends = np.divmod(np.unique(overlay.origin * overlay.n_nodes + overlay.destination), overlay.n_nodes)
    origins, destinations = (_ends_of(node, weight / weight.sum()) for node in ends)
    closed = np.flatnonzero(largest_shares(overlay) >= LEVEL)
    rows = RowBuilder(state.cost.size)
    side, leave, reach = (
        rows.new_columns(np.zeros(size)) for size in (overlay.n_nodes, origins.node.size, destinations.node.size)
    )
    one = np.ones(max(closed.size, origins.node.size, destinations.node.size))

    def add(least: float, *terms: tuple[NDArray[np.int64], float]) -> None:
        size = terms[0][0].size
        rows.add(np.full(size, least), *((column, sign * one[:size]) for column, sign in terms))

    add(0.0, (side[overlay.head[closed]], 1.0), (side[overlay.tail[closed]], -1.0), (overlay.option[closed], 1.0))
    add(1.0, (side[origins.node], 1.0), (leave, 1.0))
    add(0.0, (side[destinations.node], -1.0), (reach, 1.0))
    left_out = PENALTY * np.concatenate((origins.share, destinations.share))
    cost = np.concatenate((state.cost, np.zeros(overlay.n_nodes), left_out))
    priced = np.flatnonzero(cost)
    add_row(rows, -(1 - BETTER) * tree.upper / tree.master.total, priced, -cost[priced])
    more = rows.n_columns - state.cost.size
    entries = (np.concatenate(rows.value), (np.concatenate(rows.row), np.concatenate(rows.column)))
    below = csr_array(entries, shape=(rows.n_rows, rows.n_columns))
    return MipModel(
        cost=cost,
        lower=np.append(state.lower, np.zeros(more)),
        upper=np.append(state.upper, np.ones(more)),
        integer=np.arange(rows.n_columns) < tree.root.ones.size,
        rows=csr_array(vstack((hstack((state.rows, csr_array((state.rows.shape[0], more)))), below))),
        row_lower=np.concatenate((state.least, *rows.side)),
    )


class _WeightedEnds(NamedTuple):
    """(ends,) Nodes that are origins, or destinations, and the share of all weight that each has."""

    node: NDArray[np.int64]
    share: NDArray[np.float64]


def _ends_of(node: NDArray[np.int64], share: NDArray[np.float64]) -> _WeightedEnds:
    nodes, place = np.unique(node, return_inverse=True)
    return _WeightedEnds(nodes, np.bincount(place, share, nodes.size).astype(np.float64))


def largest_shares(overlay: Overlay) -> NDArray[np.float64]:
    """Return for each arc the largest share of its value, nothing placed, that an informed evader keeps on a path through it; (arcs,)."""
    n, cost = overlay.n_nodes, arc_costs(overlay.reliability)
    origins, row = np.unique(overlay.origin, return_inverse=True)
    destinations, column = np.unique(overlay.destination, return_inverse=True)
    away = cost_graph(n, overlay.tail, overlay.head, cost).distances(origins)
    towards = cost_graph(n, overlay.tail, overlay.head, cost, reverse=True).distances(destinations)
    longer = np.full(cost.size, np.inf)
    for t, destination in enumerate(destinations.tolist()):
        here = np.unique(row[column == t])
        here = here[np.isfinite(away[here, destination])]
        ahead = (away[here] - away[here, destination][:, None]).min(axis=0, initial=np.inf)
        np.minimum(longer, ahead[overlay.tail] + cost + towards[t][overlay.head], out=longer)
    return np.asarray(np.exp(-np.maximum(longer, 0.0)))
