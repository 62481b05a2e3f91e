"""The bound of mixtures as a record for a certificate (Proposition 18).

The evaders' strategy of the last game gives each path a weight. Against it every path is the route of a habitual evader. So the bound is that
of a placement problem without informed evaders, on the network itself. That problem is solved, and its search is recorded.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.work.listener import SILENT, OnlyCancels
from optimizer.base.work.work_clock import work_seconds
from optimizer.problem.instance.evaders import Evader, Route
from optimizer.solvers.branch_and_cut.proof.certificate import WEIGHTS, NetworkWalks
from optimizer.solvers.branch_and_cut.proof.record import Strategy
from optimizer.solvers.mixed.double_oracle import MOVED
from optimizer.solvers.place import place

if TYPE_CHECKING:
    from optimizer.base.work.listener import Listener
    from optimizer.solvers.branch_and_cut.proof.record import SearchRecord
    from optimizer.solvers.mixed.double_oracle import DoubleOracle, GameSolution
    from optimizer.solvers.params import SolveOptions

MOST_ROUNDS = 20
"""Rounds in which paths are added to the last game."""
LEAST_TIME = 1e-3
"""Seconds, above 0, of a search for which no time is left."""


def record_bound(
    search: DoubleOracle, record: SearchRecord, options: SolveOptions, until: float, listener: Listener = SILENT
) -> None:
    """Bound all plans against the evaders' strategy of the last game, and record the search; without any time left nothing is recorded.

    Parameters
    ----------
    search
        A search that has ended, whose pool has kept the arcs of its paths.
    record
        Receives the search and the strategy.
    options
        Of the search for the bound; it ends at half the gap, or when `work_seconds()` passes `until`.
    listener
        Asked whether to stop.
    """
    solution, instance = _last_game(search), search.instance
    if solution is None:
        return
    walks = _walks(search, np.flatnonzero(solution.weight > 0).tolist())
    paths = tuple((arcs, float(solution.weight[place]) * (1 - WEIGHTS)) for place, arcs in walks.items())
    habitual = [k for k, evader in enumerate(instance.evaders) if evader.routes]
    against = [
        Evader(f"path {n}", int(instance.tail[arcs[0]]), int(instance.head[arcs[-1]]), weight, (Route(arcs, 1.0),))
        for n, (arcs, weight) in enumerate(paths)
    ]
    problem = replace(instance, evaders=(*(instance.evaders[k] for k in habitual), *against))
    left = None if until == np.inf else max(until - work_seconds(), LEAST_TIME)
    options = replace(options, method="cuts", gap=options.gap / 2, time_limit=left, threads=1)
    found = place(problem, options, starts=list(search.best.plans), listener=OnlyCancels(listener), record=record)
    routes = ((k, 0) for k in habitual), ((-1, n) for n in range(len(paths)))
    record.strategy = Strategy(paths, tuple(pair for part in routes for pair in part), float(found.lower or 0.0))


def _last_game(search: DoubleOracle) -> GameSolution | None:
    """Return the game's solution once evaders have no quick answer (where the gap closed at once none was played); None without time."""
    for plan in search.best.plans:
        search.game.add(plan)
    solution = search.game.solve()
    for _ in range(MOST_ROUNDS):
        if solution is None or search.answer_quickly(solution) <= MOVED * solution.value:
            break
        solution = search.game.solve()
    return solution


def _walks(search: DoubleOracle, wanted: list[int]) -> dict[int, tuple[int, ...]]:
    """Return the arcs, in order of travel, of paths of the pool, by their place in it."""
    overlay, commodities, pool = search.overlay, search.game.commodities, search.game.pool
    assert pool.steps is not None  # noqa: S101 - the caller has asked for them
    assert overlay.node is not None  # noqa: S101 - the overlay is that of the whole instance
    series: dict[int, list[int]] = defaultdict(list)
    for steps in pool.steps:
        for path, arc in steps.T.tolist():
            series[path].append(arc)
    network = NetworkWalks(search.instance, overlay)
    pairs = np.unique(overlay.origin * overlay.n_nodes + overlay.destination).tolist()
    ends = [(network.node[pair // overlay.n_nodes], network.node[pair % overlay.n_nodes]) for pair in pairs]
    found = [
        (
            ends[int(pool.paths.commodity[place])],
            network.arcs(series[place] if commodities.searches.reverse else series[place][::-1]),
        )
        for place in wanted
    ]
    walks, parts = network.walks(found)
    arcs = {
        place: tuple(arc for part in parts[way] for arc in walks[part])
        for place, way in zip(wanted, found, strict=True)
    }
    return {place: path for place, path in arcs.items() if path}
