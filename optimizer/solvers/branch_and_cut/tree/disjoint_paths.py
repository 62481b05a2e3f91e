"""Paths of evaders that share no option, as many as there are: a plan closes each of
them, or leaves one as it is.

Where options lie on most roads a linear program closes many lines across the network by
a little each. Whole options close one line, and where the budgets suffice for hardly
more, that line takes one option of each of the disjoint paths, or leaves one of them
free. Both say much: a path that is free serves all evaders near it, and one option on
each path leaves nothing for the roads between them.

Sets      options J(P) on a path P; paths P_1, ..., P_m with J(P_i) disjoint and not empty
Split     child i, i = 1..m: sum_{j in J(P_l)} x_j >= 1 for l < i, and x_j = 0 for j in J(P_i); the last child: the rows for all paths

Every plan is in exactly one child: that of the first path on which it has no option,
else in the last. Nothing is asked of the paths but that they are sets of options; which
paths are taken decides strength, not truth.

The paths are a flow of largest amount and, of these, least cost: from a source joined
to the origins to a sink behind the destinations, with a capacity of 1 on arcs with an
undecided option and the cost -ln r.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from ortools.graph.python import min_cost_flow

from optimizer.problem.instance.evaders import arc_costs

if TYPE_CHECKING:
    from optimizer.solvers.overlay.overlay import Overlay

UNIT = 1e6
"""Cost of -ln r = 1 in the whole numbers of the flow."""


def disjoint_paths(overlay: Overlay, undecided: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    """Return the undecided options on each of the disjoint paths of informed evaders;
    none where some path has no such option.

    Parameters
    ----------
    overlay
        The problem.
    undecided
        (options,) mask.
    """
    n, closable = overlay.n_nodes, np.append(undecided, False)[overlay.option]
    most = int(undecided.sum()) + 1
    origins, destinations = np.unique(overlay.origin), np.unique(overlay.destination)
    flow = min_cost_flow.SimpleMinCostFlow()
    # the ends take as much as comes; arcs without an option too, so that a free way
    # shows in the amount
    for tail, head, capacity, cost in (
        (
            overlay.tail,
            overlay.head,
            np.where(closable, 1, most),
            np.rint(UNIT * arc_costs(overlay.reliability)),
        ),
        (np.full(origins.size, n), origins, np.full(origins.size, most), np.zeros(origins.size)),
        (
            destinations,
            np.full(destinations.size, n + 1),
            np.full(destinations.size, most),
            np.zeros(destinations.size),
        ),
    ):
        flow.add_arcs_with_capacity_and_unit_cost(
            *(each.astype(np.int64) for each in (tail, head, capacity, cost))
        )
    flow.set_nodes_supplies(np.array([n, n + 1]), np.array([most, -most]))
    if flow.solve_max_flow_with_min_cost() != flow.OPTIMAL or flow.maximum_flow() >= most:
        return []
    arcs = np.arange(overlay.tail.size)
    left = np.asarray(flow.flows(np.arange(flow.num_arcs())))
    found = (
        _options(overlay, closable, path)
        for path in _taken(overlay, left[: arcs.size], left[arcs.size :], origins)
    )
    return _disjoint([options for options in found if options.size], undecided.size)


def _taken(
    overlay: Overlay, flow: NDArray[np.int64], begun: NDArray[np.int64], origins: NDArray[np.int64]
) -> list[list[int]]:
    """Return the arcs of the paths of a flow, by the (arcs,) amounts on arcs and those
    into the origins; cycles of no cost are left.
    """
    left, paths = flow.copy(), []
    ending = np.zeros(overlay.n_nodes, dtype=np.int64)
    destinations = np.unique(overlay.destination)
    ending[destinations] = begun[origins.size :]
    order = np.argsort(overlay.tail, kind="stable")
    first = np.searchsorted(overlay.tail[order], np.arange(overlay.n_nodes + 1))
    for origin, amount in zip(origins.tolist(), begun[: origins.size].tolist(), strict=True):
        for _ in range(amount):
            node, path = origin, []
            while not ending[node]:
                arc = next(
                    (a for a in order[first[node] : first[node + 1]].tolist() if left[a] > 0), None
                )
                if arc is None:
                    break
                left[arc] -= 1
                path.append(arc)
                node = int(overlay.head[arc])
            ending[node] -= 1
            paths.append(path)
    return paths


def _options(overlay: Overlay, closable: NDArray[np.bool_], path: list[int]) -> NDArray[np.int64]:
    """Return the undecided options on a path."""
    arcs = np.array(path, dtype=np.int64)
    return np.unique(overlay.option[arcs[closable[arcs]]]).astype(np.int64)


def _disjoint(paths: list[NDArray[np.int64]], n_options: int) -> list[NDArray[np.int64]]:
    """Return those that share no option with one before: an option with several arcs
    may be on several paths of the flow.
    """
    taken, kept = np.zeros(n_options, dtype=bool), []
    for options in paths:
        if not taken[options].any():
            taken[options] = True
            kept.append(options)
    return kept
