"""Lagrangian cuts for groups of evaders: rows that hold for every plan within the budgets, each proven by a search of its own.

For a group g of informed evaders, V_g(x) the sum of their values under a plan x, and prices pi >= 0 of the options,

    theta_g + pi x >= v,    v a lower bound of min { V_g(x) + pi x : x obeys all budgets, exclusions and requirements },

holds for every feasible plan. v comes from branch and cut on the group alone, whose program has pi as further costs of the options; its bound
holds wherever that search is stopped. pi are the means of the group's rows by their duals: these rows add up to theta_g + pi x >= a at the
optimum of the root, so each cut raises the bound of the root by at least v - a, for all groups together (Lagrangian duality; Chen & Luedtke
2022 make such cuts scenario by scenario). Star and chord cuts of one evader are far from the convex hull of its values where many sets of
roads can be closed in its stead, as on a grid.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.listener import step
from optimizer.solvers.branch_and_cut.master import Master
from optimizer.solvers.branch_and_cut.separation import Cuts
from optimizer.solvers.branch_and_cut.tree import BranchAndCut
from optimizer.solvers.overlay.chains import Chains

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.solvers.overlay.overlay import Overlay

WIDE = 0.05
"""Gap of the root, relative to the best plan, from which on groups are searched."""
SHARE = 0.6
"""Share of the time left that the searches may take."""
LONGEST = 0.03
"""Share of that time that one of them may take."""
MOST_NODES = 40
"""Nodes of one search."""
CLOSE = 5e-3
"""Relative gap at which one search ends."""
TRIED, WORTHWHILE = 2, 0.1
"""Searches after which all must be expected to close this share of the gap for more of them."""
MOST_TURNS = 3
"""Times that all groups are searched, with the prices of the root as it is then."""
ROUNDING = 1e-9
"""Relative allowance for rounding in a sum of prices; taken off the side of every cut."""


def cut_by_groups(tree: BranchAndCut, placed: NDArray[np.bool_]) -> None:
    """Add Lagrangian cuts to the root of a tree that was cut, and cut on, where its gap is wide and as long as they close some of it.

    Parameters
    ----------
    tree
        A tree no node of which was expanded.
    placed
        (options,) the best plan known.
    """
    overlay = tree.overlay
    if overlay.weighting is not None or overlay.bundle is not None or tree.master.loose.any():
        return  # the value is no sum over groups, or an option is not what the overlay has
    until = (now := time.monotonic()) + SHARE * (tree.until - now)
    for _ in range(MOST_TURNS):
        if tree.lower >= (1 - WIDE) * tree.upper or tree.out_of_time:
            return
        before = tree.lower
        with step(tree.listener, "cutting by groups of evaders"):
            add_group_cuts(tree, placed, until)
        if tree.lower - before < WORTHWHILE * (tree.upper - before):
            return


def add_group_cuts(tree: BranchAndCut, placed: NDArray[np.bool_], until: float) -> None:
    """Search the groups whose rows the best plan is furthest above first; add the cuts that were found to the root and cut on."""
    master, gained, found = tree.master, 0.0, []
    longest = LONGEST * (until - time.monotonic())
    means = master.mean_rows(tree.root)
    values = master.commodities.sums(master.values(placed))
    informed = np.unique(master.commodities.group[: master.commodities.searches.row.size])
    means = means.take(np.isin(means.commodity, informed))
    promise = values[means.commodity] - means.values(placed.astype(np.float64))
    order = np.argsort(-promise, kind="stable")
    for count, k in enumerate(order.tolist()):
        expected = gained / max(count, 1) * order.size
        too_little = count >= TRIED and expected < WORTHWHILE * (tree.upper - tree.lower)
        if too_little or time.monotonic() >= until:
            break
        mean = means.take(np.array([k]))
        cut = replace(mean, side=np.array([least_with_prices(tree, mean, placed, time.monotonic() + longest)]))
        gain = float(cut.side[0] - mean.side[0])
        if gain > 0:
            gained += gain
            found.append(cut)
        tree.listener.bounds_moved(tree.lower, tree.upper)
    if found:
        tree.master.add_within_budgets(Cuts.join(found))
        tree.cut_root(floors=False)


def least_with_prices(tree: BranchAndCut, mean: Cuts, placed: NDArray[np.bool_], until: float = np.inf) -> float:
    """Return a proven lower bound of the value of a group plus the prices of the options placed, over all feasible plans.

    Parameters
    ----------
    tree
        The tree of the problem.
    mean
        One row theta_g >= a - pi x, pi >= 0, of a group of informed evaders.
    placed
        (options,) a feasible plan.
    until
        `time.monotonic()` at which to stop.
    """
    price = np.zeros(mean.n_options)
    price[mean.option] = mean.entry
    instance = tree.instance
    alone = _alone(tree.overlay, np.flatnonzero(tree.master.commodities.group == mean.commodity[0]))
    search = BranchAndCut(instance, alone, gap=CLOSE, until=until, master=Master(instance, alone, price=price))
    search.pause = lambda: search.nodes >= MOST_NODES
    for plan in (placed, instance.forced):
        search.offer(plan)
    search.cut_root(floors=False)
    search.branch()
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
        chains=Chains(np.empty(0), none, none, np.empty(0)),
    )
