"""The best routes that a plan leaves to an evader, told apart by the sites they pass.

The best routes of a road network differ by a detour round a block. Here each route avoids at least one site of every better one: route 1 is the
best; route k is the best among the routes that, for each i < k, pass not all of the sites of route i. They are found by best-first search over
sets of closed sites: where the best route with the sites F closed passes all sites of an earlier route, or is taken itself, every later route
avoids one of these sites, so that F is split into F with each of them closed as well.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from optimizer.problem.instance.evaders import arc_costs
from optimizer.problem.network.shortest_paths import cost_graph

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from optimizer.problem.instance.evaders import Evader
    from optimizer.problem.instance.instance import Instance
    from optimizer.problem.instance.options import Option

MOST_SEARCHES = 200
"""Searches of the network for one evader after which no further route is looked for."""


@dataclass(frozen=True, slots=True)
class OpenRoute:
    """A route that is left to an evader.

    Attributes
    ----------
    through
        Chance to get through on it under the plan, in (0, 1].
    share
        Share of a habitual evader that takes it; 1 for an informed one.
    arcs
        Arc positions in order of travel.
    sites
        Sites that it passes, used or not, in order of travel; an option without a site counts as one of its own.
    """

    through: float
    share: float
    arcs: tuple[int, ...]
    sites: tuple[str, ...]


@dataclass(frozen=True)
class RoutesLeft:
    """The routes that are left to an evader, the best first, and whether a further one may have been missed."""

    routes: tuple[OpenRoute, ...]
    complete: bool = True


@dataclass(frozen=True)
class SitesOnArcs:
    """Which sites watch which arcs.

    Attributes
    ----------
    on
        Arc position -> names of the sites that watch it.
    arcs
        Name of a site -> (k,) arc positions that its options watch.
    """

    on: dict[int, tuple[str, ...]]
    arcs: dict[str, NDArray[np.int64]]

    @classmethod
    def of(cls, options: Iterable[Option]) -> SitesOnArcs:
        """Gather options by site."""
        watched: dict[str, set[int]] = {}
        for option in options:
            watched.setdefault(option.site or option.id, set()).update(option.arcs)
        on: dict[int, tuple[str, ...]] = {}
        for name, arcs in watched.items():
            for arc in arcs:
                on[arc] = (*on.get(arc, ()), name)
        return cls(on, {name: np.array(sorted(arcs), dtype=np.int64) for name, arcs in watched.items()})

    def along(self, arcs: tuple[int, ...]) -> tuple[str, ...]:
        """Return the sites that a route passes, each once, in order of travel."""
        return tuple(dict.fromkeys(name for arc in arcs for name in self.on.get(arc, ())))


def routes_left(
    instance: Instance, survival: NDArray[np.float64], evader: Evader, sites: SitesOnArcs, count: int = 3
) -> RoutesLeft:
    """Return the best routes of an evader.

    Parameters
    ----------
    instance
        The problem.
    survival
        (m,) chance to pass each arc under the plan: `instance.survival(placed)`.
    evader
        One of the instance's. A habitual one has its own routes, those first on which most gets through.
    sites
        By which routes are told apart.
    count
        How many, at most.
    """
    if evader.routes:
        own = [
            OpenRoute(float(np.prod(survival[list(route.arcs)])), route.share, route.arcs, sites.along(route.arcs))
            for route in evader.routes
        ]
        open_ones = [route for route in own if route.through > 0]
        return RoutesLeft(tuple(sorted(open_ones, key=lambda route: -route.share * route.through)[:count]))
    return _Search(instance, arc_costs(survival), evader, sites).best(count)


@dataclass
class _Search:
    """The best-first search for one informed evader."""

    instance: Instance
    cost: NDArray[np.float64]
    evader: Evader
    sites: SitesOnArcs
    searches: int = 0
    seen: set[frozenset[str]] = field(default_factory=set)

    def best(self, count: int) -> RoutesLeft:
        """Return the best routes."""
        found: list[OpenRoute] = []
        queue = list(self._opened(frozenset()))
        while queue and len(found) < count:
            _, _, closed, route = heapq.heappop(queue)
            same = next((one for one in found if set(one.sites) <= set(route.sites)), None)
            if same is None:
                found.append(same := route)
            # All further routes avoid a site of `same`, so that the set of closed sites is split by which of them it is. A route
            # without sites is contained in every other, so that none differs from it.
            for name in same.sites:
                if self.searches >= MOST_SEARCHES:
                    return RoutesLeft(tuple(found), complete=len(found) == count)
                for entry in self._opened(closed | {name}):
                    heapq.heappush(queue, entry)
        return RoutesLeft(tuple(found))

    def _opened(self, closed: frozenset[str]) -> Iterator[tuple[float, int, frozenset[str], OpenRoute]]:
        """Yield the best route with some sites closed, behind its cost; nothing where there is none, or it was asked before."""
        if closed in self.seen:
            return
        self.seen.add(closed)
        self.searches += 1
        cost = self.cost.copy()
        for name in closed:
            cost[self.sites.arcs[name]] = np.inf
        graph = cost_graph(self.instance.n_nodes, self.instance.tail, self.instance.head, cost)
        costs, predecessors = graph.trees([self.evader.origin])
        total = float(costs[0, self.evader.destination])
        if np.isfinite(total):
            arcs = graph.paths(predecessors[0], [self.evader.destination])[0]
            route = OpenRoute(float(np.exp(-total)), 1.0, arcs, self.sites.along(arcs))
            yield total, self.searches, closed, route
