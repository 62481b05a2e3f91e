"""Plans that close one cut of the network between origins and destinations: minimum
cuts, and a program over the rows of the root.

Along a border the best plans often close every road across one line, in all sectors at
once. No change of one option, or of those of one sector, leads from such a plan to
another, as a line with an opening stops nobody; and the linear program closes several
lines by a half each.

Sets      J options; V nodes and A arcs (i, j) of the overlay, each with an option j(a) or none; O origins and D destinations of
          informed evaders
Data      W_o, W_d weights of the evaders of an end, each times its value with nothing placed, as shares of their sum;
          q_a the largest share of its value with nothing placed that an evader keeps on a path through arc a;
          u_jr and C_r uses and budgets; s_j what option j leaves

Minimum cuts (`cheapest_cut_plan`). For multipliers mu >= 0 and numbers l, b, m >= 0 the
arcs of q_a >= level have the capacity sum_r mu_r u_jr / C_r (1 + l s_j^b), those
without an option an infinite one; a source has arcs of capacity m W_o to the origins,
and destinations have arcs of m W_d to a sink. A minimum cut of the two places options,
cheap and strong ones, and leaves out the ends whose arcs it takes. m is the largest
that is found for which its options fit the budgets; level, l, b and mu are drawn. A cut
takes milliseconds, and where options lie on most roads it is the only search here that
finds a closed line in a second.

The program (`min_cut_heuristic`) asks for one whole line as well, and for what it
leaves through by the rows of the root:

Variables x, theta and e of `master`, x whole; y_v in [0, 1], 1 on the side of the
origins; z_o, z_d in [0, 1], which leave an end out Minimise  the objective of `master`
as a share of the value with nothing placed, + PENALTY (sum_o W_o z_o + sum_d W_d z_d)
such that the rows of `master` at the root;
          y_i - y_j <= x_j(a), or 0 without an option,   for the arcs of q_a >= LEVEL: others lie on long ways round
          y_o + z_o >= 1,   y_d <= z_d                   for o in O and d in D;
          the objective <= 1 - BETTER of the best plan's value

For whole x there are whole y and z: those of a minimum cut in which the arcs of placed
options cost nothing. Ends that no cut can close, or that are not worth it, are left
out. The bound of the program is one of such plans alone: nothing is proven by either,
and only plans are used.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack, vstack
from scipy.sparse.csgraph import breadth_first_order, maximum_flow

from optimizer.base.errors import SolverError
from optimizer.base.work.listener import (
    Listener,
    OnlyCancels,
    SilentListener,
    step,
    stop_if_cancelled,
)
from optimizer.base.work.work_clock import machine_seconds_left, put_forward, work_seconds
from optimizer.problem.instance.evaders import arc_costs
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.requirements import requirements_met
from optimizer.problem.network.shortest_paths import cost_graph
from optimizer.problem.plan.plan import within_limits
from optimizer.solvers.mip.rows import RowBuilder

if TYPE_CHECKING:
    from optimizer.solvers.branch_and_cut.tree.tree import BranchAndCut
    from optimizer.solvers.mip.backend import MipModel, MipOutcome
    from optimizer.solvers.overlay.overlay import Overlay

LEVEL = 0.9
"""Share of the value of a best route that another must keep for a cut to have to close it."""
PENALTY = 0.3
"""What it costs to leave out all ends, as a share of the value with nothing placed."""
FEWEST = 50
"""Undecided options below which it is not, as the tree takes less time than the start
of the solver's process.
"""
MOST_ARCS = 20_000
"""Arcs of the overlay above which it is not."""
CLOSE = 0.02
"""Relative gap at which it ends."""
POLL_SECONDS = 0.1
"""How often the listener is asked whether to stop."""
LEAST_SECONDS, MOST_SHARE = 5.0, 0.8
"""Processor seconds that it may take whatever its share of the work left, and the
largest share that these may be. Mostly its nodes end it: on the smaller scenario of the
Rio Grande it needs 1 s.
"""
BETTER = 0.03
"""How far below the value of the best plan its objective must be, relative: without
this the solver finds little at its root.
"""

CUTS = 40
"""Minimum cuts that are drawn: on dense-25-sensors the best of 800 was among the first four."""
FIRST_CUTS, FAR = 8, 1.1
"""Minimum cuts after which no more are drawn where the best is so many times as bad as
the best plan: on SNIP they take a tenth of the time.
"""
CUTS_SHARE = 0.02
"""Share of the time left that they may take."""
LEVELS = (0.1, 0.2, 0.3, 0.5, 0.8, 0.9)
"""Levels that are drawn from."""

EXPONENTS = (1.0, 2.0, 4.0)
"""Exponents b that are drawn from."""

NOISES = (0.0, 0.1, 0.3)
"""Relative changes of capacities that are drawn from; strengths l lie between the two
`STRENGTHS`.
"""

STRENGTHS = (0.05, 20.0)
WIDEST, HALVINGS = 12.0, 7
"""Largest m, and how often the range of m is halved where its options do not fit."""
UNIT, NO_LIMIT = 1e6, 2**30
"""Capacities of 1 and of infinity in the whole numbers of SciPy's flows."""


def min_cut_heuristic(
    tree: BranchAndCut, listener: Listener, meanwhile: Callable[[], None] | None = None
) -> NDArray[np.bool_] | None:
    """Return an (options,) plan that closes one cut of the network, where the gap of a
    root that was cut is wide; None where there is none.

    It is feasible; budgets may be left. Of a solver that fails the listener is told.

    Parameters
    ----------
    tree
        A tree whose root was cut.
    listener
        Told of the step, and asked whether to stop.
    meanwhile
        What this process does while that of the solver works, where it is solved; by
        default it waits.

    Raises
    ------
    KeyboardInterrupt
        If the listener cancels, or by Ctrl-C.
    """
    if not _worthwhile(tree):
        return None
    try:
        with step(listener, "closing a cut of the network"):
            outcome = _solved(tree, listener, meanwhile)
    except SolverError as error:
        listener.noted(
            f"The search for a plan that closes a cut of the network failed ({error}): it goes on"
            " without one."
        )
        return None
    if outcome.limit == "interrupted":
        raise KeyboardInterrupt
    if outcome.x is None:
        return None
    placed = np.rint(outcome.x[: tree.root.ones.size]).astype(bool)
    return placed if _feasible(tree.instance, placed) else None


def cheapest_cut_plan(
    tree: BranchAndCut, rng: np.random.Generator, listener: Listener
) -> NDArray[np.bool_] | None:
    """Return the (options,) plan of least value out of minimum cuts at prices that are
    drawn, where the gap of a root that was cut is wide.

    It is feasible; budgets may be left. None where no plan is better than the best one
    known.

    Raises
    ------
    KeyboardInterrupt
        If the listener cancels.
    """
    if not _worthwhile(tree):
        return None
    until = (now := work_seconds()) + CUTS_SHARE * (tree.until - now)
    best = None
    least = tree.upper
    nearest = np.inf
    with step(listener, "closing a cut of the network"):
        network = _CutNetwork(tree)
        for drawn in range(CUTS):
            stop_if_cancelled(listener)
            if work_seconds() >= until or (drawn >= FIRST_CUTS and nearest > FAR * tree.upper):
                break
            plan = network.drawn(rng)
            if plan is None:
                continue
            value = tree.master.value(plan)
            nearest = min(nearest, value)
            if value < least and _feasible(tree.instance, plan):
                best, least = plan, value
    return best


def _worthwhile(tree: BranchAndCut) -> bool:
    """Whether the gap is wide, and the problem one in which cuts can be closed and are
    not too large to be looked for.
    """
    overlay = tree.overlay
    if overlay.bundle is not None or tree.master.relaxed_options.any() or not overlay.origin.size:
        return False  # an option is not what the overlay has, or nobody chooses a way
    if tree.lower >= (1 - tree.params.heuristics.min_cut_gap) * tree.upper or tree.out_of_time:
        return False
    return bool(tree.root.undecided.sum() >= FEWEST and overlay.tail.size <= MOST_ARCS)


def _feasible(instance: Instance, placed: NDArray[np.bool_]) -> bool:
    return within_limits(instance, placed) and requirements_met(instance, placed)


class _CutNetwork:
    """The network of minimum cuts, and what options take of the budgets that `forced`
    ones leave.
    """

    def __init__(self, tree: BranchAndCut) -> None:
        overlay, instance = tree.overlay, tree.instance
        self._overlay = overlay
        self._instance = instance
        self._start = tree.root.ones
        self._open = np.append(tree.root.undecided, False)[overlay.option]
        limited = np.isfinite(instance.budget) & (instance.budget > 0)
        self._rate = instance.use[:, limited] / instance.budget[limited]
        self._left = np.ones(tree.root.ones.size)
        np.minimum.at(self._left, overlay.option[self._open], overlay.survival[self._open])
        self._share = largest_shares(overlay)
        self._origins, self._destinations = _ends(tree)

    def drawn(self, rng: np.random.Generator) -> NDArray[np.bool_] | None:
        """Return the plan of a minimum cut at prices that are drawn, with as many ends
        as fit the budgets; None if none fits.
        """
        level, exponent, noise = (rng.choice(values) for values in (LEVELS, EXPONENTS, NOISES))
        strength = np.exp(rng.uniform(*np.log(STRENGTHS)))
        price = (
            self._rate @ rng.dirichlet(np.ones(self._rate.shape[1]))
            if self._rate.shape[1]
            else np.ones(self._left.size)
        )
        price = (
            price
            * (1 + strength * self._left**exponent)
            * rng.uniform(1 - noise, 1 + noise, price.size)
        )
        capacity = np.clip(np.rint(UNIT * price), 1, NO_LIMIT)
        low = 0.0
        high = 2 * WIDEST
        best = None
        for _ in range(1 + HALVINGS):
            middle = (low + high) / 2
            plan = self._cut(capacity, level, middle) | self._start
            if within_limits(self._instance, plan):
                low, best = middle, plan
                if middle == WIDEST:
                    break
            else:
                high = middle
        return best

    def _cut(self, capacity: NDArray[np.float64], level: float, worth: float) -> NDArray[np.bool_]:
        """Return the (options,) mask of a minimum cut."""
        overlay, n = self._overlay, self._overlay.n_nodes
        arcs = np.flatnonzero(self._share >= level)
        option, open_ = overlay.option[arcs], self._open[arcs]
        ends = (self._origins, self._destinations)
        worths = [np.ceil(UNIT * worth * each.share) for each in ends]
        tail = np.concatenate((overlay.tail[arcs], np.full(ends[0].node.size, n), ends[1].node))
        head = np.concatenate((overlay.head[arcs], ends[0].node, np.full(ends[1].node.size, n + 1)))
        size = np.concatenate((np.where(open_, capacity[option], NO_LIMIT), *worths)).astype(
            np.int64
        )
        added = csr_array((size, (tail, head)), shape=(n + 2, n + 2))  # parallel arcs add up
        network = csr_array(
            (np.minimum(added.data, NO_LIMIT).astype(np.int32), added.indices, added.indptr),
            shape=added.shape,
        )
        left = csr_array(network - maximum_flow(network, n, n + 1).flow)
        left.eliminate_zeros()
        reached = np.zeros(n + 2, dtype=bool)
        reached[breadth_first_order(left, n, return_predecessors=False)] = True
        placed = np.zeros(capacity.size, dtype=bool)
        placed[option[open_ & reached[overlay.tail[arcs]] & ~reached[overlay.head[arcs]]]] = True
        return placed


def _solved(
    tree: BranchAndCut, listener: Listener, meanwhile: Callable[[], None] | None
) -> MipOutcome:
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

    overlay = tree.overlay
    tree.master.enter(tree.root)
    state = tree.master.program.state
    origins, destinations = _ends(tree)
    closed = np.flatnonzero(largest_shares(overlay) >= LEVEL)
    rows = RowBuilder(state.cost.size)
    side, leave, reach = (
        rows.new_columns(np.zeros(size))
        for size in (overlay.n_nodes, origins.node.size, destinations.node.size)
    )
    one = np.ones(max(closed.size, origins.node.size, destinations.node.size))

    def add(least: float, *terms: tuple[NDArray[np.int64], float]) -> None:
        size = terms[0][0].size
        rows.add(np.full(size, least), *((column, sign * one[:size]) for column, sign in terms))

    add(
        0.0,
        (side[overlay.head[closed]], 1.0),
        (side[overlay.tail[closed]], -1.0),
        (overlay.option[closed], 1.0),
    )
    add(1.0, (side[origins.node], 1.0), (leave, 1.0))
    add(0.0, (side[destinations.node], -1.0), (reach, 1.0))
    left_out = PENALTY * np.concatenate((origins.share, destinations.share))
    cost = np.concatenate((state.cost, np.zeros(overlay.n_nodes), left_out))
    priced = np.flatnonzero(cost)
    rows.add_row(-(1 - BETTER) * tree.upper / tree.master.total, priced, -cost[priced])
    more = rows.n_columns - state.cost.size
    return MipModel(
        cost=cost,
        lower=np.append(state.lower, np.zeros(more)),
        upper=np.append(state.upper, np.ones(more)),
        integer=np.arange(rows.n_columns) < tree.root.ones.size,
        rows=csr_array(
            vstack((hstack((state.rows, csr_array((state.rows.shape[0], more)))), rows.table()))
        ),
        row_lower=np.append(state.least, rows.sides),
    )


class _WeightedEnds(NamedTuple):
    """(ends,) Nodes that are origins, or destinations, and the share of all weight that
    each has.
    """

    node: NDArray[np.int64]
    share: NDArray[np.float64]


def _ends(tree: BranchAndCut) -> tuple[_WeightedEnds, _WeightedEnds]:
    """Return the origins and the destinations of informed evaders."""
    overlay, commodities = tree.overlay, tree.master.commodities
    weight = (commodities.weight * commodities.start)[: commodities.searches.leaf.size]
    ends = np.divmod(
        np.unique(overlay.origin * overlay.n_nodes + overlay.destination), overlay.n_nodes
    )
    origins, destinations = (
        _ends_of(node, weight / max(weight.sum(), np.finfo(np.float64).tiny)) for node in ends
    )
    return origins, destinations


def _ends_of(node: NDArray[np.int64], share: NDArray[np.float64]) -> _WeightedEnds:
    nodes, place = np.unique(node, return_inverse=True)
    return _WeightedEnds(nodes, np.bincount(place, share, nodes.size).astype(np.float64))


def largest_shares(overlay: Overlay) -> NDArray[np.float64]:
    """Return for each arc the largest share of its value, nothing placed, that an
    informed evader keeps on a path through it; (arcs,).
    """
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
