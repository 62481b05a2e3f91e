"""Exact contraction of a road network to the arcs that decisions touch.

Terminals T: origins, destinations, and the ends of every option arc. Any path splits at its terminals, so the value of every plan is kept by

- the option arcs (i, j) with r_a and s_ja, an arc touched by several options becoming a series of arcs with one option each, and
- for terminals u, v one plain arc of the best reliability u -> v over paths that use no option arc *and pass no other terminal*.

The second condition keeps ties from removing each other, and is had by giving each terminal two copies: one that only sends and one that
only receives. Forced options are folded into r, forbidden ones left out. A plain or option arc is then dropped when another overlay route is
strictly better even with everything placed: no best path of any plan uses it, and no dropped arc is needed to drop another, because the best
routes with everything placed are themselves never dropped.

Where that would make more arcs than the network has (a small dense network with options everywhere), every node is kept as a terminal.

Cost: one Dijkstra a terminal, O(|T| m log n) time; (terminals, nodes) distances are held in slices.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from optimizer.evaders import TREE_CELLS, Evader, Searches, arc_costs
from optimizer.graph import cost_graph

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.instance import Instance

STRICTLY = 1e-12
"""How much cheaper (in -ln survival) another route must be before an arc counts as dominated: above rounding, far below any decision."""


@dataclass(frozen=True)
class Chains:
    """Habitual routes as decisions see them; routes that meet the same options with the same survivals are one chain.

    Attributes
    ----------
    value
        (chains,) R: evader weight, route share and survival multiplied, forced options included, free ones not; summed over its routes.
    chain, option, survival
        (links,) which chain meets which free option, and rho: what the option multiplies its value by. Sorted by chain, then option.
    """

    value: NDArray[np.float64]
    chain: NDArray[np.int64]
    option: NDArray[np.int64]
    survival: NDArray[np.float64]

    def values(self, placed: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the (chains,) values under an (options,) mask."""
        met = placed[self.option]
        values = self.value.copy()
        np.multiply.at(values, self.chain[met], self.survival[met])
        return values


@dataclass(frozen=True)
class Overlay:
    """The contracted problem: same value as the instance for every feasible plan.

    Attributes
    ----------
    n_nodes
        Number of terminals, and of the joints of series arcs.
    tail, head
        (m,) positions of overlay nodes.
    reliability
        (m,) r in (0, 1].
    option
        (m,) position of the option on the arc in the instance; -1 on plain arcs.
    survival
        (m,) s in [0, 1) on option arcs, 1 on plain ones.
    origin, destination, weight
        (informed evaders,) ends on overlay nodes, and p_k > 0.
    chains
        Routes of habitual evaders.
    free
        (options,) options that are neither forced nor forbidden.
    """

    n_nodes: int
    tail: NDArray[np.int32]
    head: NDArray[np.int32]
    reliability: NDArray[np.float64]
    option: NDArray[np.int64]
    survival: NDArray[np.float64]
    origin: NDArray[np.int64]
    destination: NDArray[np.int64]
    weight: NDArray[np.float64]
    chains: Chains
    free: NDArray[np.bool_]

    def arc_survival(self, placed: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the (m,) chance to pass each overlay arc under an (options,) mask."""
        under = self.option >= 0
        under[under] = placed[self.option[under]]
        return self.reliability * np.where(under, self.survival, 1.0)

    @cached_property
    def searches(self) -> Searches:
        """How the answers of the informed evaders are found."""
        ends = zip(self.origin.tolist(), self.destination.tolist(), strict=True)
        return Searches.of([Evader("", origin, destination, 1.0) for origin, destination in ends])

    def informed_values(self, placed: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the (informed evaders,) chances to get through under an (options,) mask."""
        return self.searches.values(self.n_nodes, self.tail, self.head, self.arc_survival(placed))

    def paths(self, placed: NDArray[np.bool_]) -> list[tuple[int, ...]]:
        """Return the best path of each informed evader as overlay arcs."""
        return self.searches.paths(self.n_nodes, self.tail, self.head, self.arc_survival(placed))

    def value(self, placed: NDArray[np.bool_]) -> float:
        """Return the value of an (options,) mask: equal to the instance's for every plan with all forced and no forbidden options."""
        return float(self.weight @ self.informed_values(placed) + self.chains.values(placed).sum())


def contract(instance: Instance) -> Overlay:
    """Return the overlay of an instance."""
    free = np.array([not (o.forced or o.forbidden) for o in instance.options], dtype=bool)
    base = instance.survival(instance.forced)
    option, arc, survival = (part[free[instance.effects[0]]] for part in instance.effects)
    watched = np.unique(arc)
    informed = [evader for evader in instance.evaders if not evader.routes and evader.weight > 0]
    ends = [e.origin for e in informed] + [e.destination for e in informed]
    terminal = np.unique(np.concatenate((ends, instance.tail[watched], instance.head[watched]))).astype(np.int64)
    plain = _plain_arcs(instance, base, watched, terminal)
    if plain[0].size > instance.tail.size - watched.size:
        unwatched = np.setdiff1d(np.arange(instance.tail.size), watched)
        terminal = np.arange(instance.n_nodes)
        plain = (instance.tail[unwatched], instance.head[unwatched], base[unwatched])
    series = _series_arcs(instance, base, terminal, (option, arc, survival))
    whole = Overlay(
        n_nodes=terminal.size + option.size - watched.size,
        tail=np.concatenate((plain[0], series[0])).astype(np.int32),
        head=np.concatenate((plain[1], series[1])).astype(np.int32),
        reliability=np.concatenate((plain[2], series[2])),
        option=np.concatenate((np.full(plain[0].size, -1), series[3])).astype(np.int64),
        survival=np.concatenate((np.ones(plain[0].size), series[4])),
        origin=np.searchsorted(terminal, [e.origin for e in informed]),
        destination=np.searchsorted(terminal, [e.destination for e in informed]),
        weight=np.array([e.weight for e in informed], dtype=np.float64),
        chains=_chains(instance, base, free),
        free=free,
    )
    return _without_dominated(whole)


def _plain_arcs(
    instance: Instance, base: NDArray[np.float64], watched: NDArray[np.int64], terminal: NDArray[np.int64]
) -> tuple[NDArray[np.integer], NDArray[np.integer], NDArray[np.float64]]:
    """Return tail, head (terminal positions) and reliability of the best connections that touch no option arc and no other terminal."""
    n = instance.n_nodes
    sender = np.arange(n)
    sender[terminal] = n + np.arange(terminal.size)
    cost = arc_costs(base)
    cost[watched] = np.inf
    graph = cost_graph(n + terminal.size, sender[instance.tail], instance.head, cost)
    parts: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]] = []
    step = max(1, TREE_CELLS // (n + terminal.size))
    for start in range(0, terminal.size, step):
        distance = graph.distances(n + np.arange(start, min(start + step, terminal.size)))[:, terminal]
        row, column = np.nonzero(np.isfinite(distance))
        loop = row + start == column
        row, column = row[~loop], column[~loop]
        parts.append((row + start, column, np.exp(-distance[row, column])))
    tail, head, reliability = (
        (np.concatenate(part) for part in zip(*parts, strict=True)) if parts else (np.empty(0),) * 3
    )
    return tail.astype(np.int64), head.astype(np.int64), reliability


def _series_arcs(
    instance: Instance,
    base: NDArray[np.float64],
    terminal: NDArray[np.int64],
    effects: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """Return the option arcs; one touched by q options becomes q arcs in series, the first of which carries r."""
    order = np.argsort(effects[1], kind="stable")
    option, arc, survival = effects[0][order], effects[1][order], effects[2][order]
    first = np.ones(arc.size, dtype=bool)
    first[1:] = arc[1:] != arc[:-1]
    last = np.roll(first, -1)
    joint = terminal.size + np.cumsum(~first) - 1  # the node that a later arc of a series starts from
    tail = np.where(first, np.searchsorted(terminal, instance.tail[arc]), joint)
    head = np.where(last, np.searchsorted(terminal, instance.head[arc]), np.roll(joint, -1))
    return np.asarray(tail), np.asarray(head), np.where(first, base[arc], 1.0), option, survival


def _chains(instance: Instance, base: NDArray[np.float64], free: NDArray[np.bool_]) -> Chains:
    """Return the routes of habitual evaders, the arcs of one option on a route multiplied together."""
    option, arc, survival = instance.effects
    kept = free[option]
    habits = instance.habits
    n_options, n_arcs = len(instance.options), instance.tail.size
    # -ln rho of every (route, option): how often the route travels each arc, times what the option does there
    effect = csr_array((arc_costs(survival[kept]), (arc[kept], option[kept])), shape=(n_arcs, n_options))
    cost = csr_array(habits.arcs @ effect)
    cost.sort_indices()
    weight = np.array([evader.weight for evader in instance.evaders])[habits.evader] * habits.share
    value = weight * np.exp(-(habits.arcs @ arc_costs(base)))
    worth: dict[tuple[bytes, bytes], float] = {}
    links: dict[tuple[bytes, bytes], slice] = {}
    for route in np.flatnonzero(value).tolist():
        span = slice(int(cost.indptr[route]), int(cost.indptr[route + 1]))
        key = (cost.indices[span].tobytes(), cost.data[span].tobytes())
        links.setdefault(key, span)
        worth[key] = worth.get(key, 0.0) + float(value[route])
    entry = np.concatenate([np.arange(span.start, span.stop) for span in links.values()] or [np.empty(0)]).astype(int)
    return Chains(
        value=np.array(list(worth.values()), dtype=np.float64),
        chain=np.repeat(np.arange(len(links)), [span.stop - span.start for span in links.values()]).astype(np.int64),
        option=cost.indices[entry].astype(np.int64),
        survival=np.exp(-cost.data[entry]),
    )


def _without_dominated(overlay: Overlay) -> Overlay:
    """Drop arcs that are strictly worse, unwatched, than another route with everything placed."""
    everything = arc_costs(overlay.arc_survival(overlay.free))
    graph = cost_graph(overlay.n_nodes, overlay.tail, overlay.head, everything)
    own = arc_costs(overlay.reliability)
    keep = np.ones(own.size, dtype=bool)
    step = max(1, TREE_CELLS // max(1, overlay.n_nodes))
    for start in range(0, overlay.n_nodes, step):
        here = np.flatnonzero((overlay.tail >= start) & (overlay.tail < start + step))
        distance = graph.distances(np.arange(start, min(start + step, overlay.n_nodes)))
        keep[here] = own[here] <= distance[overlay.tail[here] - start, overlay.head[here]] + STRICTLY
    return replace(
        overlay,
        tail=overlay.tail[keep],
        head=overlay.head[keep],
        reliability=overlay.reliability[keep],
        option=overlay.option[keep],
        survival=overlay.survival[keep],
    )
