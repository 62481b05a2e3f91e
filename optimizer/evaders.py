"""Evaders: who travels from where to where, knowing what, and the routes they take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

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


def best_responses(
    n_nodes: int,
    tail: NDArray[np.int32],
    head: NDArray[np.int32],
    survival: NDArray[np.float64],
    evaders: Sequence[Evader],
) -> list[tuple[float, tuple[int, ...]]]:
    """Return, evader by evader, the chance to get through on the best answer to a plan and the arcs of that answer.

    Parameters
    ----------
    n_nodes
        Number of nodes.
    tail, head
        (m,) ends of the arcs.
    survival
        (m,) chance in [0, 1] to pass each arc undetected under the plan; 0 blocks it.
    evaders
        Informed evaders answer with the path of largest product; a habitual one is worth the mean over its routes, and the route
        shown is its likeliest.

    Returns
    -------
    list of (value, arcs)
        Value 0 and no arcs where every path is blocked.
    """
    answers: list[tuple[float, tuple[int, ...]]] = [(0.0, ())] * len(evaders)
    for k, evader in enumerate(evaders):
        if evader.routes:
            value = sum(route.share * float(np.prod(survival[list(route.arcs)])) for route in evader.routes)
            answers[k] = (value, max(evader.routes, key=lambda route: route.share).arcs)
    informed = [k for k, evader in enumerate(evaders) if not evader.routes]
    ends, reverse = _fewer_ends([evaders[k] for k in informed])
    graph = cost_graph(n_nodes, tail, head, arc_costs(survival), reverse=reverse)
    by_root: dict[int, list[int]] = {}
    for k in informed:
        by_root.setdefault(evaders[k].destination if reverse else evaders[k].origin, []).append(k)
    for root, predecessors in _trees(graph, ends):
        for k in by_root[root]:
            arcs = graph.trace(predecessors, evaders[k].origin if reverse else evaders[k].destination)
            if arcs or evaders[k].origin == evaders[k].destination:
                answers[k] = (float(np.prod(survival[arcs])), tuple(reversed(arcs) if reverse else arcs))
    return answers


def best_values(
    n_nodes: int,
    tail: NDArray[np.int32],
    head: NDArray[np.int32],
    survival: NDArray[np.float64],
    evaders: Sequence[Evader],
) -> NDArray[np.float64]:
    """Return the (len(evaders),) values of `best_responses` without their routes: faster, equal to rounding."""
    values = np.empty(len(evaders))
    informed = [k for k, evader in enumerate(evaders) if not evader.routes]
    for k, evader in enumerate(evaders):
        if evader.routes:
            values[k] = sum(route.share * float(np.prod(survival[list(route.arcs)])) for route in evader.routes)
    if informed:
        ends, reverse = _fewer_ends([evaders[k] for k in informed])
        graph = cost_graph(n_nodes, tail, head, arc_costs(survival), reverse=reverse)
        origin = np.array([evaders[k].origin for k in informed])
        destination = np.array([evaders[k].destination for k in informed])
        root, leaf = (destination, origin) if reverse else (origin, destination)
        row = np.searchsorted(ends, root)
        step = max(1, TREE_CELLS // n_nodes)
        for start in range(0, ends.size, step):
            here = np.flatnonzero((row >= start) & (row < start + step))
            costs = graph.distances(ends[start : start + step])
            values[np.array(informed)[here]] = np.exp(-costs[row[here] - start, leaf[here]])
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
