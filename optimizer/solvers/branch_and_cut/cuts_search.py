"""The method `cuts`: branch and cut, with searches around the plans that it suggests,
in one process or several.

The root is cut, and swaps are tried around its plan. Where that leaves a wide gap, a
plan that closes one cut of the network and Lagrangian cuts for groups of evaders are
looked for, and a dive and further local searches give plans. Then the tree is expanded.
Processes beside this one are started when the search has taken some seconds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optimizer.base.work.listener import step
from optimizer.base.work.work_clock import work_seconds
from optimizer.problem.plan.plan import violations
from optimizer.solvers.branch_and_cut.cuts.lagrangian_cuts import add_lagrangian_cuts_if_worthwhile
from optimizer.solvers.branch_and_cut.cuts.min_cut_heuristic import (
    cheapest_cut_plan,
    min_cut_heuristic,
)
from optimizer.solvers.branch_and_cut.improve.local_search import PlanImprover
from optimizer.solvers.branch_and_cut.improve.state import BRANCHING, SolveState
from optimizer.solvers.branch_and_cut.lp.master import Master
from optimizer.solvers.branch_and_cut.parallel.messages import ImproveTask
from optimizer.solvers.branch_and_cut.parallel.parallel_tree import BeginsWhenLate, ParallelTree
from optimizer.solvers.branch_and_cut.parallel.workers import TreeProcesses
from optimizer.solvers.branch_and_cut.paths.path_pool import PooledValues
from optimizer.solvers.branch_and_cut.tree.tree import BranchAndCut

START_WORSE = 0.03
"""How much worse than the best, relative, a plan to begin from may be for a search around it."""
FILLED = 3
"""Plans to begin from that are filled, the best first, in a series."""
FIRST_ROUNDS = 4
"""Rounds at the root, in a series that ends solves by their gap, before the first local search."""
NARROW = 1e-3
"""Gap up to which the plan of the root is not searched around before the tree, and no
greedy plan is made beside the tree's own.
"""


def search_cuts(search: SolveState) -> None:
    """Cut at the root, improve on the plans that its fractional solution suggests, then split."""
    tree = BranchAndCut(
        search.instance,
        search.overlay,
        upper=min(search.upper, search.known),
        gap=search.gap,
        until=search.work_until,
        listener=search,
        master=_master(search),
        params=search.params,
    )
    improver = PlanImprover(search, _pooled(search, tree))
    in_series = search.warm_start is not None and bool(search.starts)
    parallel = _parallel(search, tree, improver)
    try:
        if in_series:
            _begin_in_series(search, tree, improver)
            _leave_rows(search, tree)
        elif search.improves:
            _search_around_starts(search, tree, parallel)
        begun = not search.ended
        if begun:
            _cut_and_branch(search, tree, improver, parallel)
        if search.improves and (begun or search.gap_left > NARROW):
            improver.finish(NARROW)
    finally:
        if parallel is not None:
            parallel.end()
        if search.record is not None:
            search.record.finish(tree, () if parallel is None else parallel.left)
        search.statistics |= {
            "linear_programs": tree.rounds,
            "nodes": tree.nodes,
            "rows": tree.master.program.n_rows,
        }
    search.prove(tree.lower)
    search.limit = "time" if tree.out_of_time else None
    search.reduce_plan(improver.pooled)


def _cut_and_branch(
    search: SolveState, tree: BranchAndCut, improver: PlanImprover, parallel: ParallelTree | None
) -> None:
    """Cut at the root, improve on the plans that its fractional solution suggests, then split."""
    tree.offer(search.placed)
    if parallel is not None:
        tree.listener = BeginsWhenLate(search, parallel)
    with step(search.listener, "cutting"):
        if search.warm_start is not None:
            tree.cut_root(floors=False)
            _leave_rows(search, tree)
        elif search.improves:
            tree.when_flat = lambda: _close_a_cut(search, tree, improver)
            tree.splits_flat = search.record is None
        tree.cut_root()
    tree.listener = search
    if search.improves and not (search.closed or tree.out_of_time):
        _improve(search, tree, improver, parallel)
        # Where the root was flat the tree gains more: on dense-10-sensors groups took
        # 42 s for nothing, and the 7 s after them .014.
        if not tree.was_flat:
            _cut_thoroughly(search, tree)
            add_lagrangian_cuts_if_worthwhile(tree, search.placed, parallel)
    if not (search.closed or tree.out_of_time):
        with step(search.listener, BRANCHING):
            _branch(search, tree, improver, parallel)
    search.prove(tree.lower)


def _master(search: SolveState) -> Master:
    """Return the linear program with what solves before it have left."""
    if search.master is not None:
        return search.master
    warm_start = search.warm_start
    paths = None if warm_start is None else warm_start.paths
    if paths is None:
        master = Master(search.instance, search.overlay, record=search.record)
    else:
        master = Master(
            search.instance, search.overlay, commodities=paths.commodities, pool=paths.pool
        )
    if warm_start is not None and warm_start.rows is not None:
        master.add_value_rows(warm_start.rows)
    return master


def _leave_rows(search: SolveState, tree: BranchAndCut) -> None:
    """Leave the rows in use to solves after this one."""
    if search.warm_start is not None and tree.rounds:
        search.warm_start.rows = tree.master.value_rows


def _pooled(search: SolveState, tree: BranchAndCut) -> PooledValues:
    """Return the values over the paths of a tree."""
    if search.warm_start is not None and search.warm_start.paths is not None:
        return search.warm_start.paths.values
    return PooledValues(tree.master.commodities, tree.master.pool)


def _parallel(
    search: SolveState, tree: BranchAndCut, improver: PlanImprover
) -> ParallelTree | None:
    """Return what shares the tree with other processes, not begun yet; None where there
    are to be none.
    """
    if search.workers is None and search.threads == 1:
        return None
    workers = TreeProcesses(search.threads) if search.workers is None else search.workers
    return ParallelTree(search, tree, workers, improving=search.improves, improver=improver)


def _begin_in_series(search: SolveState, tree: BranchAndCut, improver: PlanImprover) -> None:
    """Solve the root's program with the rows of solves before; search around the best
    plan if that does not close the gap.
    """
    for start in _near(search)[:FILLED] or [search.placed]:
        improver.fill(start)
    if search.ended:
        return
    tree.offer(search.placed)
    tree.cut_root(FIRST_ROUNDS if search.quick else 1, by_turns=True)
    if search.closed:
        return
    improver.search_around(search.placed, ruins=False)


def _near(search: SolveState) -> list[NDArray[np.bool_]]:
    """Return the plans to begin from that are feasible and not much worse than the
    best, the best first.
    """
    values = search.start_values
    return [
        search.starts[k]
        for k in np.argsort(values, kind="stable").tolist()
        if values[k] <= search.upper * (1 + START_WORSE)
        and not violations(search.instance, search.starts[k])
    ]


def _search_around_starts(
    search: SolveState, tree: BranchAndCut, parallel: ParallelTree | None
) -> None:
    """Search around the plans to begin from; where the search may be shared already,
    the workers do, and this process without ruins.
    """
    near = _near(search)
    if near and parallel is not None and search.may_share:
        parallel.begin(
            [ImproveTask(greedy=False, share=search.params.heuristics.start_share)] * parallel.size
        )
        near = near[:1]
    begun = parallel is not None and parallel.begun
    for start in near:
        improver = PlanImprover(search, _pooled(search, tree))
        improver.search_around(start, search.params.heuristics.start_share, ruins=not begun)


def _improve(
    search: SolveState, tree: BranchAndCut, improver: PlanImprover, parallel: ParallelTree | None
) -> None:
    """Search around the plan of the root; while the gap is wide close cuts of the
    network, dive, search on, also around a greedy plan.

    Workers search if there are any. No dive is made where the root was flat: on
    two-kinds-400 it takes 5 s of 60 and finds no better plan.
    """
    # they have begun with a greedy plan, or around one that is known
    begun = parallel is not None and parallel.begun
    # Swaps come first: on SNIP they take .02 s, and leave a gap for which a dive and a
    # program of .4 to 1 s are not worth their time.
    if not (
        begun
        or tree.was_flat
        or search.gap_left <= NARROW
        or search.placed.tobytes() in improver.seen
    ):
        improver.search_around(search.placed, ruins=False)
        tree.offer(search.placed)
    wide = search.gap_left > search.params.heuristics.dive_gap
    diving = wide and not tree.was_flat
    dives: list[NDArray[np.bool_] | None] = []

    def dive() -> None:
        with step(search.listener, "diving"):
            dives.append(tree.dive())

    if search.warm_start is None and not tree.was_flat:
        _close_a_cut(search, tree, improver)
    # In a series (`warm_start`) no cut of the network is looked for: each solve has the
    # plans of those before it. Its program is solved by a process of its own; where
    # workers have begun already this one would wait for it, so it dives meanwhile. Nor
    # where disjoint paths are to be split: minimum cuts have found one in a second.
    closing = (
        None
        if search.warm_start is not None or tree.to_split
        else min_cut_heuristic(tree, search.listener, dive if begun and diving else None)
    )
    if closing is not None:
        improver.search_around(closing, ruins=False)
    if diving and not dives:
        dive()
    dived = dives[0] if dives else None
    if dived is not None:
        search.offer(dived)
    # Around the best plan; around a greedy one only while the gap is wide: near the
    # optimum it costs its time and finds nothing.
    for greedy in (False, True):
        wanted = (
            search.gap_left > search.params.heuristics.wide_gap and not begun if greedy else wide
        )
        if wanted and parallel is not None and search.may_share:
            parallel.add([ImproveTask(greedy)])
        # around a minimum cut it has searched; the split needs the time
        elif wanted and not tree.to_split:
            improver.search_around(
                improver.greedy(afresh=tree.was_flat) if greedy else search.placed
            )
    tree.offer(search.placed)


def _cut_thoroughly(search: SolveState, tree: BranchAndCut) -> None:
    """Cut a root thoroughly where the gap is still wide.

    After all plans: with such rows the program of a plan that closes a cut found none
    on rio-grande-100, and on SNIP swaps leave a narrow gap.
    """
    wide = search.gap_left > search.params.heuristics.wide_gap
    if wide and search.warm_start is None and not tree.out_of_time:
        with step(search.listener, "cutting"):
            tree.cut_thoroughly()


def _close_a_cut(search: SolveState, tree: BranchAndCut, improver: PlanImprover) -> None:
    """Search around the plan of the cheapest cut of the network that is found, if it is
    better than the best known.
    """
    cheapest = cheapest_cut_plan(tree, np.random.default_rng(search.seed), search.listener)
    if cheapest is not None:
        search.offer(cheapest)
        improver.search_around(cheapest, ruins=False)
        tree.offer(search.placed)


def _branch(
    search: SolveState, tree: BranchAndCut, improver: PlanImprover, parallel: ParallelTree | None
) -> None:
    """Expand the tree in this process, and where that takes long in several."""
    tree.offer(search.placed)
    near = improver.near_node if search.improves else lambda _: None
    if parallel is None:
        tree.branch(near)
        return
    if not parallel.begun:
        tree.pause = lambda: search.may_share
        tree.branch(near)
    if tree.lower < tree.cutoff and work_seconds() < tree.until:
        parallel.run()
