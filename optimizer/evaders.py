"""Evaders: who travels from where to where, knowing what, and the routes they take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from optimizer.graph import cost_graph

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from optimizer.graph import CostGraph

TREE_CELLS = 20_000_000
"""Cells of a (sources, nodes) table of shortest-path trees held at once: about 240 MB."""


@dataclass(frozen=True, slots=True)
class Route:
    """One fixed route of a habitual evader.

    Attributes
    ----------
    arcs
        Positions of its arcs in order of travel.
    share
        Probability, in (0, 1], that the evader takes it; the shares of one evader sum to 1.
    """

    arcs: tuple[int, ...]
    share: float


@dataclass(frozen=True, slots=True)
class Evader:
    """A kind of traveller to be interdicted.

    Attributes
    ----------
    id
        Unique name.
    origin, destination
        Node positions.
    weight
        Expected loads a period, or a probability; >= 0.
    routes
        Empty for an *informed* evader, who sees the plan and takes the best path. A *habitual* one keeps to these routes.
    """

    id: str
    origin: int
    destination: int
    weight: float
    routes: tuple[Route, ...] = ()

    @property
    def kind(self) -> str:
        """`habitual` if the routes are fixed, else `informed`."""
        return "habitual" if self.routes else "informed"


@dataclass(frozen=True)
class Habits:
    """The fixed routes of all habitual evaders, as one sparse table.

    Attributes
    ----------
    evader
        (routes,) position of the evader each route belongs to.
    share
        (routes,) its share of that evader.
    arcs
        (routes, m) how often each route travels each arc.
    """

    evader: NDArray[np.int64]
    share: NDArray[np.float64]
    arcs: csr_array

    @classmethod
    def of(cls, evaders: Sequence[Evader], n_arcs: int) -> Habits:
        """Gather the routes of `evaders` on a network of `n_arcs` arcs."""
        routes = [(k, route) for k, evader in enumerate(evaders) for route in evader.routes]
        lengths = [len(route.arcs) for _, route in routes]
        columns = [arc for _, route in routes for arc in route.arcs]
        rows = np.repeat(np.arange(len(routes)), lengths)
        table = csr_array((np.ones(len(columns)), (rows, columns)), shape=(len(routes), n_arcs))
        return cls(
            np.array([k for k, _ in routes], dtype=np.int64), np.array([route.share for _, route in routes]), table
        )

    def values(self, survival: NDArray[np.float64], n_evaders: int) -> NDArray[np.float64]:
        """Return the (n_evaders,) mean survival over the routes of each evader; 0 for those without routes."""
        through = np.exp(-(self.arcs @ arc_costs(survival)))
        values = np.zeros(n_evaders)
        np.add.at(values, self.evader, self.share * through)
        return values


def best_responses(
    n_nodes: int,
    tail: NDArray[np.int32],
    head: NDArray[np.int32],
    survival: NDArray[np.float64],
    evaders: Sequence[Evader],
) -> list[tuple[int, ...]]:
    """Return, evader by evader, the arcs of the best answer to a plan.

    Parameters
    ----------
    n_nodes
        Number of nodes.
    tail, head
        (m,) ends of the arcs.
    survival
        (m,) chance in [0, 1] to pass each arc undetected under the plan; 0 blocks it.
    evaders
        Informed evaders answer with the path of largest product, a habitual one with its likeliest route.

    Returns
    -------
    list of tuple
        Arcs in order of travel; none where every path is blocked.
    """
    answers: list[tuple[int, ...]] = [()] * len(evaders)
    for k, evader in enumerate(evaders):
        if evader.routes:
            answers[k] = max(evader.routes, key=lambda route: route.share).arcs
    informed = [k for k, evader in enumerate(evaders) if not evader.routes]
    ends, reverse = _fewer_ends([evaders[k] for k in informed])
    graph = cost_graph(n_nodes, tail, head, arc_costs(survival), reverse=reverse)
    by_root: dict[int, list[int]] = {}
    for k in informed:
        by_root.setdefault(evaders[k].destination if reverse else evaders[k].origin, []).append(k)
    for root, predecessors in _trees(graph, ends):
        for k in by_root[root]:
            arcs = graph.trace(predecessors, evaders[k].origin if reverse else evaders[k].destination)
            answers[k] = tuple(reversed(arcs) if reverse else arcs)
    return answers


def best_values(
    n_nodes: int,
    tail: NDArray[np.int32],
    head: NDArray[np.int32],
    survival: NDArray[np.float64],
    evaders: Sequence[Evader],
) -> NDArray[np.float64]:
    """Return the (len(evaders),) chances to get through of informed evaders on their best paths; 0 where every path is blocked.

    Parameters are those of `best_responses`; evaders must be informed.
    """
    values = np.zeros(len(evaders))
    if not evaders:
        return values
    ends, reverse = _fewer_ends(evaders)
    graph = cost_graph(n_nodes, tail, head, arc_costs(survival), reverse=reverse)
    origin = np.array([evader.origin for evader in evaders])
    destination = np.array([evader.destination for evader in evaders])
    root, leaf = (destination, origin) if reverse else (origin, destination)
    row = np.searchsorted(ends, root)
    step = max(1, TREE_CELLS // n_nodes)
    for start in range(0, ends.size, step):
        here = np.flatnonzero((row >= start) & (row < start + step))
        costs = graph.distances(ends[start : start + step])
        values[here] = np.exp(-costs[row[here] - start, leaf[here]])
    return values


def arc_costs(survival: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return -ln of survival probabilities: costs >= 0 that add along a path; infinity where survival is 0."""
    with np.errstate(divide="ignore"):
        return np.maximum(-np.log(survival), 0.0)


def _fewer_ends(evaders: Sequence[Evader]) -> tuple[NDArray[np.int64], bool]:
    """Return the sorted distinct origins, or the destinations and True when those are fewer: one search serves all that share an end."""
    origins = np.unique([evader.origin for evader in evaders]).astype(np.int64)
    destinations = np.unique([evader.destination for evader in evaders]).astype(np.int64)
    return (destinations, True) if destinations.size < origins.size else (origins, False)


def _trees(graph: CostGraph, roots: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.int32]]]:
    """Yield each root with its predecessor row, a bounded number of trees in memory at a time."""
    step = max(1, TREE_CELLS // graph.matrix.shape[0])
    for start in range(0, roots.size, step):
        part = roots[start : start + step]
        yield from zip(part.tolist(), graph.trees(part)[1], strict=True)
