"""Evaders: who travels from where to where, knowing what, and the routes they take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.sparse import csr_array

from optimizer.base.read_only import ReadOnlyFields
from optimizer.base.schema import (
    Amount,
    ComposedId,
    Text,
)
from optimizer.problem.network.places import Node
from optimizer.problem.network.shortest_paths import ArcOrder, CostGraph, cost_graph

TREE_CELLS = 20_000_000
"""Cells of a (sources, nodes) table of shortest-path trees held at once: about 240 MB."""


@dataclass(frozen=True, slots=True)
class Route(ReadOnlyFields):
    """A fixed route of a habitual evader."""

    #: Positions of its arcs in order of travel.
    arcs: Annotated[
        tuple[int, ...], Field(min_length=1, description="arc positions in order of travel")
    ]
    #: Probability, in (0, 1], that the evader takes it; the shares of one evader sum to
    #: 1.
    share: Annotated[float, Field(gt=0, le=1, description="probability that the evader takes it")]


@dataclass(frozen=True, slots=True)
class Evader(ReadOnlyFields):
    """Who travels from where to where; habitual if `routes` is given, informed if not."""

    #: Unique name.
    id: Annotated[ComposedId, Field(description="unique name")]
    #: `origin`, `destination`: Node positions.
    origin: Annotated[Node, Field(description="node id")]
    destination: Annotated[Node, Field(description="node id")]
    #: Expected loads a period, or a probability; >= 0.
    weight: Annotated[Amount, Field(description="loads a period, or a probability")]
    #: Empty for an *informed* evader, who sees the plan and takes the best path. A
    #: *habitual* one keeps to these routes.
    routes: Annotated[
        tuple[Route, ...], Field(description="of a habitual evader; shares sum to 1")
    ] = field(default_factory=tuple)
    #: What people call it, such as `Bendern > Vaduz`; the id where empty.
    label: Annotated[Text, Field(description="what people call it; the id where empty")] = ""

    @property
    def kind(self) -> str:
        """`habitual` if the routes are fixed, else `informed`."""
        return "habitual" if self.routes else "informed"


@dataclass(frozen=True)
class Habits(ReadOnlyFields):
    """The fixed routes of all habitual evaders, as one sparse table."""

    #: (routes,) position of the evader each route belongs to.
    evader: NDArray[np.int64]
    #: (routes,) its share of that evader.
    share: NDArray[np.float64]
    #: (routes, m) how often each route travels each arc.
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
            np.array([k for k, _ in routes], dtype=np.int64),
            np.array([route.share for _, route in routes]),
            table,
        )

    def values(self, survival: NDArray[np.float64], n_evaders: int) -> NDArray[np.float64]:
        """Return the (n_evaders,) mean survival over the routes of each evader; 0 for
        those without routes.
        """
        through = np.exp(-(self.arcs @ arc_costs(survival)))
        values = np.zeros(n_evaders)
        np.add.at(values, self.evader, self.share * through)
        return values


@dataclass(frozen=True)
class Searches(ReadOnlyFields):
    """How informed evaders' best answers are found: one search serves all that share an
    end, from the end with fewer distinct nodes.
    """

    #: Sorted nodes that searches start from.
    roots: NDArray[np.int64]
    #: (evaders,) position in `roots` of the search that serves each evader.
    row: NDArray[np.int64]
    #: (evaders,) node where its path ends in that search.
    leaf: NDArray[np.int64]
    #: Whether roots are destinations and arcs are followed backwards.
    reverse: bool

    @classmethod
    def of(cls, evaders: Sequence[Evader]) -> Searches:
        """Arrange the searches for informed evaders."""
        origin = np.array([evader.origin for evader in evaders], dtype=np.int64)
        destination = np.array([evader.destination for evader in evaders], dtype=np.int64)
        origins, destinations = np.unique(origin), np.unique(destination)
        reverse = destinations.size < origins.size
        roots, root, leaf = (
            (destinations, destination, origin) if reverse else (origins, origin, destination)
        )
        return cls(roots, np.searchsorted(roots, root), leaf, reverse)

    def values(
        self,
        n_nodes: int,
        tail: NDArray[np.integer],
        head: NDArray[np.integer],
        survival: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Return the (evaders,) largest products of `survival` along a path; 0 where
        every path is blocked.
        """
        return self.values_on(
            cost_graph(n_nodes, tail, head, arc_costs(survival), reverse=self.reverse)
        )

    def values_on(self, graph: CostGraph) -> NDArray[np.float64]:
        """Return the (evaders,) values on a graph of costs, its arcs turned round where
        searches start from destinations.
        """
        n_nodes = graph.matrix.shape[0]
        values = np.zeros(self.leaf.size)
        for start, part in self._slices(n_nodes):
            here = np.flatnonzero((self.row >= start) & (self.row < start + part.size))
            costs = graph.distances(part)
            values[here] = np.exp(-costs[self.row[here] - start, self.leaf[here]])
        return values

    def paths(
        self,
        n_nodes: int,
        tail: NDArray[np.int32],
        head: NDArray[np.int32],
        survival: NDArray[np.float64],
    ) -> list[tuple[int, ...]]:
        """Return each evader's best path as arcs in order of travel; none where every
        path is blocked.
        """
        graph = cost_graph(n_nodes, tail, head, arc_costs(survival), reverse=self.reverse)
        paths: list[tuple[int, ...]] = [()] * self.leaf.size
        for start, part in self._slices(n_nodes):
            for row, predecessors in enumerate(graph.trees(part)[1], start=start):
                here = np.flatnonzero(self.row == row).tolist()
                for k, arcs in zip(
                    here, graph.paths(predecessors, self.leaf[here].tolist()), strict=True
                ):
                    paths[k] = arcs[::-1] if self.reverse else arcs
        return paths

    def _slices(self, n_nodes: int) -> Iterator[tuple[int, NDArray[np.int64]]]:
        """Yield the roots in parts whose trees fit in memory together, each with the
        position of its first.
        """
        step = max(1, TREE_CELLS // max(1, n_nodes))
        for start in range(0, self.roots.size, step):
            yield start, self.roots[start : start + step]


def best_responses(
    n_nodes: int,
    tail: NDArray[np.int32],
    head: NDArray[np.int32],
    survival: NDArray[np.float64],
    evaders: Sequence[Evader],
) -> list[tuple[int, ...]]:
    """Return, evader by evader, the arcs of the best answer to a plan, in order of
    travel; none where every path is blocked.

    Parameters
    ----------
    n_nodes
        Number of nodes.
    tail, head
        (m,) ends of the arcs.
    survival
        (m,) chance in [0, 1] to pass each arc undetected under the plan; 0 blocks it.
    evaders
        Informed evaders answer with the path of largest product, a habitual one with
        its likeliest route.
    """
    paths = iter(
        Searches.of([e for e in evaders if not e.routes]).paths(n_nodes, tail, head, survival)
    )
    return [
        max(e.routes, key=lambda route: route.share).arcs if e.routes else next(paths)
        for e in evaders
    ]


def arc_costs(survival: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return -ln of survival probabilities: costs >= 0 that add along a path; infinity
    where survival is 0.
    """
    with np.errstate(divide="ignore"):
        return np.maximum(-np.log(survival), 0.0)


# The network as the searches of informed evaders need it: without dead ends, a road
# between two junctions as one arc.
#
# Both are exact under every plan. A way between two ends has no reason to enter a dead
# end: it would have to come back to the node where it left the road. A node with two
# neighbours, where no evader begins or ends, is passed from one of them to the other;
# so the arcs of such a road come all or none, and in this order.


@dataclass(frozen=True)
class ContractedNetwork(ReadOnlyFields):
    """A network reduced to the roads between junctions and ends of evaders, and
    searches on it.
    """

    #: Junctions and ends n.
    n_nodes: int
    #: `tail`, `head`: (roads,) positions of the ends of each road in [0, n).
    tail: NDArray[np.int64]
    head: NDArray[np.int64]
    #: (roads, m) 1 for each arc of the whole network that a road travels.
    arcs: csr_array
    #: The searches, over junctions and ends.
    searches: Searches

    @classmethod
    def of(
        cls, n_nodes: int, tail: NDArray[np.integer], head: NDArray[np.integer], searches: Searches
    ) -> ContractedNetwork:
        """Return the reduced form of a network of (m,) tails and heads."""
        ends = np.zeros(n_nodes, dtype=bool)
        ends[searches.roots] = ends[searches.leaf] = True
        nodes = _without_dead_ends(tail, head, ends)
        left = np.flatnonzero(nodes[tail] & nodes[head] & (tail != head))
        inner = (
            nodes
            & ~ends
            & _with_two_neighbours(
                tail[left].astype(np.int64), head[left].astype(np.int64), n_nodes
            )
        )
        onward = _next_arcs(left, tail, head, inner)
        at = left[~inner[tail[left]]]
        first, road = at, np.arange(at.size)
        steps, last = [np.array((road, at))], at.copy()
        while at.size:  # all roads at once, an arc a round, until each is at a junction or an end
            going = inner[head[at]]
            at, road = onward[at[going]], road[going]
            last[road] = at
            at, road = at[at >= 0], road[at >= 0]
            steps.append(np.array((road, at)))
        ended = np.flatnonzero(last >= 0)
        row, arc = np.concatenate(steps, axis=1)
        table = csr_array((np.ones(row.size), (row, arc)), shape=(first.size, tail.size))[ended]
        kept = nodes & ~inner
        place = np.cumsum(kept) - 1
        there = replace(searches, roots=place[searches.roots], leaf=place[searches.leaf])
        return cls(
            int(kept.sum()),
            place[tail[first[ended]]],
            place[head[last[ended]]],
            csr_array(table),
            there,
        )

    def values(self, survival: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the (evaders,) largest products along a way of the (m,) chances to
        pass each arc; 0 where every way is blocked.
        """
        return self.searches.values_on(self._order.graph(self.arcs @ arc_costs(survival)))

    @cached_property
    def _order(self) -> ArcOrder:
        return ArcOrder.of(self.n_nodes, self.tail, self.head, reverse=self.searches.reverse)


def _without_dead_ends(
    tail: NDArray[np.integer], head: NDArray[np.integer], ends: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return the mask of the nodes that are left when nodes of one neighbour, ends
    aside, are taken away until there are none.
    """
    n = ends.size
    low, high = np.minimum(tail, head).astype(np.int64), np.maximum(tail, head).astype(np.int64)
    one, other = np.divmod(np.unique((low * n + high)[low != high]), n)
    nodes = np.ones(n, dtype=bool)
    while True:
        neighbours = np.bincount(one, minlength=n) + np.bincount(other, minlength=n)
        dead = nodes & ~ends & (neighbours <= 1)
        if not dead.any():
            return nodes
        nodes &= ~dead
        left = nodes[one] & nodes[other]
        one, other = one[left], other[left]


def _with_two_neighbours(
    tail: NDArray[np.int64], head: NDArray[np.int64], n: int
) -> NDArray[np.bool_]:
    """Return the mask of the nodes with two neighbours, and at most one arc from and to each."""
    pair, count = np.unique(tail * n + head, return_counts=True)
    several = pair[count > 1]
    one, other = np.divmod(np.unique(np.minimum(tail, head) * n + np.maximum(tail, head)), n)
    passed = np.bincount(one, minlength=n) + np.bincount(other, minlength=n) == 2
    passed[several // n] = passed[several % n] = False
    return np.asarray(passed)


def _next_arcs(
    arcs: NDArray[np.int64],
    tail: NDArray[np.integer],
    head: NDArray[np.integer],
    inner: NDArray[np.bool_],
) -> NDArray[np.int64]:
    """Return the (m,) arc that follows each arc into an inner node, without turning
    round; -1 where there is none.
    """
    out = np.full((2, inner.size), -1, dtype=np.int64)
    leaving = arcs[inner[tail[arcs]]]
    out[0, tail[leaving]] = leaving  # of two arcs the later one is kept
    others = leaving[out[0, tail[leaving]] != leaving]
    out[1, tail[others]] = others
    onward = np.full(tail.size, -1, dtype=np.int64)
    into = arcs[inner[head[arcs]]]
    for choice in out:
        following = choice[head[into]]
        fits = (following >= 0) & (head[following] != tail[into])
        onward[into[fits]] = following[fits]
    return onward
