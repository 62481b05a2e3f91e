"""Lagrangian cuts for groups of evaders: rows that hold for every plan within the
budgets, each proven by a search of its own.

For a group g of informed evaders, V_g(x) the sum of their values under a plan x, and
prices pi >= 0 of the options,

    theta_g + pi x >= v,    v a lower bound of min { V_g(x) + pi x : x obeys all budgets, exclusions and requirements },

holds for every feasible plan. v comes from branch and cut on the group alone, whose
program has pi as further costs of the options; its bound holds wherever that search is
stopped. pi are the means of the group's rows by their duals: these rows add up to
theta_g + pi x >= a at the optimum of the root, so each cut raises the bound of the root
by at least v - a, for all groups together (Lagrangian duality; Chen & Luedtke 2022 make
such cuts scenario by scenario). Star and chord cuts of one evader are far from the
convex hull of its values where many sets of roads can be closed in its stead, as on a
grid.

Before, the loop of cuts at the root goes on where its bound stands still, so that the
means are those of an optimum that violates no value row; and after, as many points are
then optimal and most of them violate some: the tree gains more from one that does not.
Searches are independent of each other, so that the processes of a tree share them.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from optimizer.base.work.listener import step
from optimizer.base.work.work_clock import work_seconds
from optimizer.solvers.branch_and_cut.cuts.separation import Cuts
from optimizer.solvers.branch_and_cut.lp.master import Master
from optimizer.solvers.branch_and_cut.parallel.messages import GroupTask
from optimizer.solvers.branch_and_cut.parallel.parallel_tree import ParallelTree
from optimizer.solvers.branch_and_cut.proof.record import SearchRecord
from optimizer.solvers.branch_and_cut.tree.tree import BranchAndCut
from optimizer.solvers.overlay.overlay import FixedRoutes, Overlay
from optimizer.solvers.params import LagrangianParams

LONGEST = 2.0
"""How many times its equal share of that time, in all processes, one of them may take."""
GAP = 0.05
"""Gap up to which a search has `LagrangianParams.nodes`; they rise with the square of
the gap, as the tree gains the less the wider it is.
"""
CLOSE = 2e-3
"""Relative gap at which one search ends."""
IN_VAIN = 2
"""Searches without any gain after which no more are made."""
SETTLING, MOST_ROUNDS = 0.03, 150
"""Share of the time left, and rounds, that cuts at the root may take before and after."""
ROUNDING = 1e-9
"""Relative allowance for rounding in a sum of prices; taken off the side of every cut."""


def add_lagrangian_cuts_if_worthwhile(
    tree: BranchAndCut, placed: NDArray[np.bool_], parallel: ParallelTree | None = None
) -> None:
    """Add Lagrangian cuts to the root of a tree that was cut, and cut on, where its gap
    is wide and as long as they close some of it.

    Parameters
    ----------
    tree
        A tree no node of which was expanded.
    placed
        (options,) the best plan known.
    parallel
        What shares the searches with other processes, if there are to be any.
    """
    overlay = tree.overlay
    if (
        overlay.scenario_weights is not None
        or overlay.bundle is not None
        or tree.master.relaxed_options.any()
    ):
        return  # the value is no sum over groups, or an option is not what the overlay has
    if tree.lower >= (1 - tree.params.lagrangian.gap) * tree.upper or tree.out_of_time:
        return
    with step(tree.listener, "cutting by groups of evaders"):
        # the record of a group's search stays where it is made
        add_lagrangian_cuts(tree, placed, parallel if tree.record is None else None)


def add_lagrangian_cuts(
    tree: BranchAndCut, placed: NDArray[np.bool_], parallel: ParallelTree | None = None
) -> None:
    """Search the groups whose rows the best plan is furthest above first; add the cuts
    that were found to the root and cut on.
    """
    master = tree.master
    params = tree.params.lagrangian
    gained = 0.0
    found = []
    _settle(tree)
    left = params.share * (tree.until - (now := work_seconds()))
    means = master.mean_rows(tree.root)
    values = master.commodities.sums(master.values(placed))
    informed = np.unique(master.commodities.group[: master.commodities.searches.row.size])
    means = means.take(np.isin(means.commodity, informed))
    promise = values[means.commodity] - means.values(placed.astype(np.float64))
    order = np.argsort(-promise, kind="stable")
    longest = LONGEST * left * (1 if parallel is None else parallel.size) / max(order.size, 1)
    nodes = int(params.nodes * max(1.0, (1 - tree.lower / tree.upper) / GAP) ** 2)
    tasks = [GroupTask(means.take(np.array([k])), nodes, longest) for k in order.tolist()]
    before = dict(zip(means.commodity.tolist(), means.side.tolist(), strict=True))
    with closing(_searched(tree, tasks, placed, parallel)) as cuts:
        for count, cut in enumerate(cuts, 1):
            gain = float(cut.side[0]) - before[int(cut.commodity[0])]
            if gain > 0:
                gained += gain
                found.append(cut)
            tree.listener.bounds_moved(tree.lower, tree.upper)
            expected = gained / count * order.size
            in_vain = count >= IN_VAIN and not found
            too_little = count >= params.tried and expected < params.worthwhile * (
                tree.upper - tree.lower
            )
            if in_vain or too_little or work_seconds() >= now + left:
                break
    if found:
        if tree.record is not None:
            tree.record.rows_of_groups(master.program.next_name, Cuts.join(found))
        tree.master.add_within_budgets(Cuts.join(found))
        tree.cut_root(floors=False)
        _settle(tree)


def _settle(tree: BranchAndCut) -> None:
    """Cut on at the root until no value row is above its solution, whether or not the
    bound moves, for a share of the time.
    """
    master, until = tree.master, (now := work_seconds()) + SETTLING * (tree.until - now)
    master.enter(tree.root)
    for _ in range(MOST_ROUNDS):
        tree.rounds += 1
        if (relaxed := master.relax(until)) is None:
            return
        tree.root = replace(
            tree.root.proven(relaxed.bound, relaxed.duals), basis=master.program.basis
        )
        tree.lower = max(tree.lower, min(tree.root.lower, tree.upper))
        tree.listener.bounds_moved(tree.lower, tree.upper)
        tightened = master.tighten(relaxed.x)
        if not (master.separate(tree.root, relaxed) or tightened):
            return


def _searched(
    tree: BranchAndCut,
    tasks: list[GroupTask],
    placed: NDArray[np.bool_],
    parallel: ParallelTree | None,
) -> Generator[Cuts, None, None]:
    """Yield the cut of each task as it is proven, here or in other processes."""

    def here(task: GroupTask) -> Cuts:
        return proven_cut(tree, task, placed)

    yield from map(here, tasks) if parallel is None else parallel.lagrangian_cuts(tasks, here)


def proven_cut(
    tree: BranchAndCut,
    task: GroupTask,
    placed: NDArray[np.bool_],
    stopped: Callable[[], bool] = lambda: False,
) -> Cuts:
    """Return the row of a task with the bound that a search proves in its time, or
    until it is stopped.
    """
    until = work_seconds() + task.seconds
    least = least_with_prices(tree, task.row, placed, until, nodes=task.nodes, stopped=stopped)
    return replace(task.row, side=np.array([least]))


def least_with_prices(
    tree: BranchAndCut,
    row: Cuts,
    placed: NDArray[np.bool_],
    until: float = np.inf,
    *,
    nodes: int = LagrangianParams.nodes,
    stopped: Callable[[], bool] = lambda: False,
) -> float:
    """Return a proven lower bound of the value of a group plus the prices of the
    options placed, over all feasible plans.

    Parameters
    ----------
    tree
        The tree of the problem.
    row
        One row theta_g >= a - pi x, pi >= 0, of a group of informed evaders.
    placed
        (options,) a feasible plan.
    until
        `work_seconds()` at which to stop.
    nodes
        Nodes after which to stop.
    stopped
        Asked between nodes: whether to stop.
    """
    price = np.zeros(row.n_options)
    price[row.option] = row.entry
    instance = tree.instance
    alone = _alone(tree.overlay, np.flatnonzero(tree.master.commodities.group == row.commodity[0]))
    record = None if tree.record is None else SearchRecord()
    master = Master(instance, alone, price=price, record=record)
    master.thorough = tree.master.thorough
    search = BranchAndCut(
        instance, alone, gap=CLOSE, until=until, master=master, params=tree.params
    )
    search.pause = lambda: search.nodes >= nodes or stopped()
    for plan in (placed, instance.forced):
        search.offer(plan)
    search.cut_root(floors=False)
    search.branch()
    if record is not None and tree.record is not None:
        record.finish(search)
        tree.record.groups[int(row.commodity[0])] = record
    return search.lower * (1 - ROUNDING)


def _alone(overlay: Overlay, commodities: NDArray[np.int64]) -> Overlay:
    """Return an overlay with the informed evaders of some commodities alone."""
    ends = np.unique(overlay.origin * overlay.n_nodes + overlay.destination, return_inverse=True)[1]
    those = np.isin(ends, commodities)
    none = np.empty(0, dtype=np.int64)
    return replace(
        overlay,
        origin=overlay.origin[those],
        destination=overlay.destination[those],
        weight=overlay.weight[those],
        fixed_routes=FixedRoutes(np.empty(0), none, none, np.empty(0)),
    )
