"""Exact contraction of a road network to the arcs that options can touch.

Terminals T: origins, destinations, and the ends of every option arc. Any path splits at
its terminals, so the value of every plan is kept by

- the option arcs (i, j) with r_a and s_ja, an arc touched by several options becoming a
  series of arcs with one option each, and
- for terminals u, v one plain arc of the best reliability u -> v over paths that use no
  option arc *and pass no other terminal*.

Forced options are folded into r, forbidden ones left out. An arc is left out when
another overlay route is strictly better even with everything placed. Ties cannot remove
each other, because removal does not depend on the other arcs of the overlay: under any
plan, every piece u -> v of a best path is itself a best connection u -> v, so it is no
worse than the best with everything placed. Hence no piece of any best path of any plan
is ever left out, and what is left holds all of them.

For the same reason an arc is left out when, for every evader, the best route through it
with nothing placed is strictly worse than that evader's best route with everything
placed.

How the arcs are found: `contraction` eliminates the nodes that are no terminals,
exactly, down to a small core; then one search a terminal on the core, with everything
placed, finds both at once. In it each arc out of a terminal costs STRICTLY more than it
does, and each option arc STRICTLY more again: so a path u -> v that passes another
terminal or an option arc is taken only where it is strictly better than all that do
not, and where the tree's path passes none it is the plain arc. The search ends where
every path that it could go on with passes a terminal.

Where that would make more arcs than the leanest stage of the elimination has (a small
dense network with options everywhere), that stage is the overlay, terminals and all: at
most the network itself.

Cost: the elimination, then for each terminal a search of what lies between it and the
terminals around it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array, hstack

from optimizer.base.work.kernels import ready
from optimizer.problem.instance.evaders import Evader, Searches, arc_costs
from optimizer.problem.instance.instance import Instance
from optimizer.problem.network.shortest_paths import cost_graph
from optimizer.problem.plan.evaluation import weighted_sum
from optimizer.problem.plan.weight_scenarios import Draws, Objective, worst_weights
from optimizer.solvers.overlay import contraction, searching
from optimizer.solvers.overlay.contraction import STRICTLY, Core, eliminate
from optimizer.solvers.overlay.searching import SAMPLE, Arranged, connections, search_values

LEAST_NORMAL = float(np.finfo(np.float64).tiny)
"""Least value of an evader or a route that counts. Numbers below it have fewer digits
than others, and 1 over one of them may be infinite.
"""

SELDOM = 1000
"""Arcs times terminals that weigh as much as an arc times an evader in a search: a
contraction takes .16 s without a compiler where they are 900,000, and numba .7 s to
load.
"""


@dataclass(frozen=True)
class Overlay:
    """The contracted problem: same value as the instance for every feasible plan."""

    #: Number of terminals (or nodes of the leanest stage), and of the joints of series
    #: arcs.
    n_nodes: int
    #: `tail`, `head`: (m,) positions of overlay nodes.
    tail: NDArray[np.int32]
    head: NDArray[np.int32]
    #: (m,) r in (0, 1].
    reliability: NDArray[np.float64]
    #: (m,) position of the option on the arc in the instance; -1 on plain arcs.
    option: NDArray[np.int64]
    #: (m,) s in [0, 1) on option arcs, 1 on plain ones.
    survival: NDArray[np.float64]
    #: `origin`, `destination`, `weight`: (informed evaders,) ends on overlay nodes, and
    #: p_k > 0; 0 where the evader is left out.
    origin: NDArray[np.int64]
    destination: NDArray[np.int64]
    weight: NDArray[np.float64]
    #: Routes of habitual evaders.
    fixed_routes: FixedRoutes
    #: (options,) options that are neither forced nor forbidden.
    free: NDArray[np.bool_]
    #: (parts, options) how often each option holds each part, where parts of options
    #: lie on arcs (`option` then names parts) and several options hold the same ones;
    #: None where each option is a part of its own.
    bundle: csr_array | None = None
    #: How informed evaders, then fixed routes, make up the value over draws; None where
    #: it is the sum by `weight`.
    scenario_weights: ScenarioWeights | None = None
    #: (nodes,) position in the instance of each overlay node, -1 for joints; None where
    #: it is not kept.
    node: NDArray[np.int64] | None = None
    #: `left_out`, `left_out_value`: How many informed evaders and habitual routes have
    #: a value below `LEAST_NORMAL` with nothing placed, and the sum of their weighted
    #: values. They count for nothing here (Proposition 3a in docs/mathematics.md).
    left_out: int = 0
    left_out_value: float = 0.0

    def presence(self, share: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how much of each part is on its arcs when (options,) shares of options
        are placed.
        """
        return share if self.bundle is None else np.asarray(self.bundle @ share)

    def arc_survival(self, placed: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the (m,) chance to pass each overlay arc under an (options,) mask."""
        if self.bundle is not None:
            often = np.append(self.presence(placed.astype(np.float64)), 0.0)[self.option]
            return np.asarray(self.reliability * self.survival**often)
        under = self.option >= 0
        under[under] = placed[self.option[under]]
        return self.reliability * np.where(under, self.survival, 1.0)

    @cached_property
    def searches(self) -> Searches:
        """How the answers of the informed evaders are found."""
        ends = zip(self.origin.tolist(), self.destination.tolist(), strict=True)
        return Searches.of([Evader("", origin, destination, 1.0) for origin, destination in ends])

    @cached_property
    def arrangements(self) -> dict[int, tuple[Searches, Arranged]]:
        """What `searching.arranged` keeps."""
        return {}

    def informed_values(self, placed: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the (informed evaders,) chances to get through under an (options,) mask."""
        return search_values(self, self.searches, placed)

    def paths(self, placed: NDArray[np.bool_]) -> list[tuple[int, ...]]:
        """Return the best path of each informed evader as overlay arcs."""
        return self.searches.paths(self.n_nodes, self.tail, self.head, self.arc_survival(placed))

    def value(self, placed: NDArray[np.bool_]) -> float:
        """Return the value of an (options,) mask: equal to the instance's for every
        plan with all forced and no forbidden options.
        """
        informed, fixed_routes = self.informed_values(placed), self.fixed_routes.values(placed)
        if self.scenario_weights is not None:
            return self.scenario_weights.value(np.append(informed, fixed_routes))
        return weighted_sum(self.weight, informed) + float(fixed_routes.sum())


def repeated(overlay: Overlay, times: NDArray[np.int64] | NDArray[np.float64]) -> Overlay:
    """Return the overlay in which each option does at once what (options,) `times`
    copies of it do.
    """
    often = np.append(times, 1.0)
    routes = replace(
        overlay.fixed_routes,
        survival=overlay.fixed_routes.survival ** often[overlay.fixed_routes.option],
    )
    return replace(overlay, survival=overlay.survival ** often[overlay.option], fixed_routes=routes)


def bundled(overlay: Overlay, free: NDArray[np.bool_], bundle: csr_array) -> Overlay:
    """Return an overlay whose options are parts as one whose options are bundles of
    them.

    Parameters
    ----------
    overlay
        Each part an option.
    free
        (options,) options that are neither forced nor forbidden.
    bundle
        (parts, options) how often each option holds each part. The overlay must hold
        every best path under as many as plans can place.
    """
    fixed_routes = overlay.fixed_routes
    links = bundle_links(
        fixed_routes.route,
        fixed_routes.option,
        fixed_routes.survival,
        fixed_routes.value.size,
        csr_array(bundle),
    )
    fixed_routes = FixedRoutes(fixed_routes.value, links.row, links.option, links.survival)
    return replace(overlay, free=free, bundle=csr_array(bundle), fixed_routes=fixed_routes)


@dataclass(frozen=True)
class Links:
    """Which rows (paths, fixed routes) meet which options, sorted by row."""

    #: `row`, `option`: (links,) positions.
    row: NDArray[np.int64]
    option: NDArray[np.int64]
    #: (links,) rho: what the option multiplies the value of the row by.
    survival: NDArray[np.float64]


def bundle_links(
    row: NDArray[np.int64],
    part: NDArray[np.int64],
    survival: NDArray[np.float64],
    n_rows: int,
    bundle: csr_array,
) -> Links:
    """Return the links of rows to options from those to parts, of which a row may meet
    one several times.
    """
    parts = csr_array((arc_costs(survival), (row, part)), shape=(n_rows, bundle.shape[0]))
    whole = csr_array(parts @ bundle)
    whole.sort_indices()
    row = np.repeat(np.arange(n_rows), np.diff(whole.indptr))
    return Links(row, whole.indices.astype(np.int64), np.exp(-whole.data))


def contract(instance: Instance) -> Overlay:
    """Return the overlay of an instance."""
    free = np.array([not (o.forced or o.forbidden) for o in instance.options], dtype=bool)
    base = instance.survival(instance.forced)
    # forced options can block an arc for good
    touching = free[instance.effects[0]] & (base[instance.effects[1]] > 0)
    option, arc, survival = instance.effects
    option = option[touching]
    arc = arc[touching]
    survival = survival[touching]
    watched = np.unique(arc)
    informed = [evader for evader in instance.evaders if not evader.routes and evader.weight > 0]
    ends = [e.origin for e in informed] + [e.destination for e in informed]
    terminal = np.unique(
        np.concatenate((ends, instance.tail[watched], instance.head[watched]))
    ).astype(np.int64)
    unwatched = np.ones(instance.tail.size, dtype=bool)
    unwatched[watched] = False
    ready((contraction.__name__, searching.__name__), instance.tail.size * terminal.size / SELDOM)
    stages = eliminate(
        instance.n_nodes,
        instance.tail[unwatched],
        instance.head[unwatched],
        arc_costs(base[unwatched]),
        terminal,
    )
    options = Watched(
        instance.tail[watched],
        instance.head[watched],
        arc_costs(base[watched]),
        arc_costs(instance.survival(free | instance.forced)[watched]),
    )
    leanest = stages.leanest
    arcs = plain_connections(
        stages.core, terminal, options, leanest.tail.size
    ) or plain_connections(leanest, leanest.node, options)
    assert arcs is not None  # noqa: S101 - a stage has no more connections than arcs
    plain, useful = arcs.plain, arcs.useful
    met = np.isin(arc, watched[useful])
    node = plain.node
    series = _series_arcs(instance, base, node, (option[met], arc[met], survival[met]))
    joints = int(met.sum()) - int(useful.sum())
    route_values, negligible_routes = _route_values(instance, base)
    whole = Overlay(
        n_nodes=node.size + joints,
        tail=np.concatenate((plain.tail, series.tail)).astype(np.int32),
        head=np.concatenate((plain.head, series.head)).astype(np.int32),
        reliability=np.concatenate((np.exp(-plain.cost), series.reliability)),
        option=np.concatenate((np.full(plain.tail.size, -1), series.option)).astype(np.int64),
        survival=np.concatenate((np.ones(plain.tail.size), series.survival)),
        origin=plain.positions(np.array([e.origin for e in informed], dtype=np.int64)),
        destination=plain.positions(np.array([e.destination for e in informed], dtype=np.int64)),
        weight=np.array([e.weight for e in informed], dtype=np.float64),
        fixed_routes=fixed_routes_of(instance, base, free),
        free=free,
        node=np.append(node, np.full(joints, -1)),
        left_out=int(negligible_routes.sum()),
        left_out_value=float(route_values[negligible_routes].sum()),
    )
    return _of_use(whole)


@dataclass(frozen=True)
class Watched:
    """Arcs that free options touch: (w,) ends in the network, and costs with none and
    with all of these options placed.
    """

    tail: NDArray[np.integer]
    head: NDArray[np.integer]
    open: NDArray[np.float64]
    all: NDArray[np.float64]


@dataclass(frozen=True)
class _SeriesArcs:
    """Option arcs of the overlay, one option each, as the fields of `Overlay`."""

    tail: NDArray[np.int64]
    head: NDArray[np.int64]
    reliability: NDArray[np.float64]
    option: NDArray[np.int64]
    survival: NDArray[np.float64]


@dataclass(frozen=True)
class KeptArcs:
    """Plain arcs between overlay nodes, and the (w,) mask of the watched arcs that a
    best path may use.
    """

    plain: Core
    useful: NDArray[np.bool_]


def _series_arcs(
    instance: Instance,
    base: NDArray[np.float64],
    terminal: NDArray[np.int64],
    effects: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]],
) -> _SeriesArcs:
    """Return the option arcs; one touched by q options becomes q arcs in series, the
    first of which carries r.
    """
    order = np.argsort(effects[1], kind="stable")
    option = effects[0][order]
    arc = effects[1][order]
    survival = effects[2][order]
    first = np.ones(arc.size, dtype=bool)
    first[1:] = arc[1:] != arc[:-1]
    last = np.roll(first, -1)
    # the node that a later arc of a series starts from
    joint = terminal.size + np.cumsum(~first) - 1
    tail = np.where(first, np.searchsorted(terminal, instance.tail[arc]), joint)
    head = np.where(last, np.searchsorted(terminal, instance.head[arc]), np.roll(joint, -1))
    return _SeriesArcs(
        np.asarray(tail), np.asarray(head), np.where(first, base[arc], 1.0), option, survival
    )


def plain_connections(
    core: Core, fixed: NDArray[np.int64], options: Watched, most: int | None = None
) -> KeptArcs | None:
    """Return the plain arcs between fixed nodes of a core, all terminals among them, as
    a core of these nodes, and the useful watched arcs.

    None where there are more than `most` plain arcs, or a sample shows that there would
    be.
    """
    is_fixed = np.zeros(core.n_nodes, dtype=bool)
    is_fixed[core.positions(fixed)] = True
    graph = cost_graph(
        core.n_nodes,
        np.concatenate((core.tail, core.positions(options.tail))),
        np.concatenate((core.head, core.positions(options.head))),
        np.concatenate((core.cost + STRICTLY * is_fixed[core.tail], options.all + 2 * STRICTLY)),
    )
    order, sources = np.argsort(options.tail, kind="stable"), np.flatnonzero(is_fixed)
    found = connections(
        graph.matrix.indptr.astype(np.int64),
        graph.matrix.indices.astype(np.int64),
        graph.matrix.data,
        graph.arc >= core.tail.size,
        sources[
            np.argsort(np.arange(sources.size) % max(1, sources.size // SAMPLE), kind="stable")
        ],
        np.searchsorted(core.positions(options.tail[order]), np.arange(core.n_nodes + 1)),
        core.positions(options.head[order]),
        options.open[order],
        core.n_nodes**2 if most is None else most,
    )
    if not found.all:
        return None
    useful = np.zeros(order.size, dtype=bool)
    useful[order] = found.useful
    place = np.cumsum(is_fixed) - 1
    tail, head = place[found.tail[: found.n_found]], place[found.head[: found.n_found]]
    sorted_ = np.lexsort((head, tail))
    cost = np.maximum(found.cost[: found.n_found] - STRICTLY, 0.0)
    return KeptArcs(Core(fixed, tail[sorted_], head[sorted_], cost[sorted_]), useful)


def _of_use(overlay: Overlay) -> Overlay:
    """Drop the arcs that lie on no route which, with nothing placed, is as good as some
    evader's best one with everything placed.
    """
    tail, head = overlay.tail, overlay.head
    own = arc_costs(overlay.reliability)
    pair, of_pair = np.unique(
        np.column_stack((overlay.origin, overlay.destination)), axis=0, return_inverse=True
    )
    (origin, row), (destination, column) = (np.unique(end, return_inverse=True) for end in pair.T)
    everything = cost_graph(
        overlay.n_nodes, tail, head, arc_costs(overlay.arc_survival(overlay.free))
    )
    out = cost_graph(overlay.n_nodes, tail, head, own).distances(origin)
    back = cost_graph(overlay.n_nodes, tail, head, own, reverse=True).distances(destination)
    worst = everything.distances(origin)[row, pair[:, 1]] + STRICTLY
    best = out[row, pair[:, 1]][of_pair]
    negligible = np.isfinite(best) & _negligible(np.exp(-best), overlay.weight)
    keep = np.zeros(own.size, dtype=bool)
    for k in range(len(pair)):
        rest = np.flatnonzero(~keep)
        through = out[row[k], tail[rest]] + own[rest] + back[column[k], head[rest]]
        keep[rest[(through <= worst[k]) & (through < np.inf)]] = True
    return replace(
        overlay,
        tail=tail[keep],
        head=head[keep],
        reliability=overlay.reliability[keep],
        option=overlay.option[keep],
        survival=overlay.survival[keep],
        weight=np.where(negligible, 0.0, overlay.weight),
        left_out=overlay.left_out + int(negligible.sum()),
        left_out_value=overlay.left_out_value
        + weighted_sum(overlay.weight[negligible], np.exp(-best[negligible])),
    )


def _negligible(value: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return the mask of values > 0 that are below `LEAST_NORMAL`, by themselves or with
    their weights.
    """
    return np.minimum(value, weight * value) < LEAST_NORMAL


def _route_values(
    instance: Instance, base: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the (routes of `Instance.habits`,) weighted values, and the mask of those
    that can be travelled and are left out for their small value.
    """
    habits = instance.habits
    cost = habits.arcs @ arc_costs(base)
    weight, through = instance.weight[habits.evader], np.exp(-cost)
    there = np.isfinite(cost) & (weight > 0)
    value = weight * habits.share * through
    return value, there & _negligible(habits.share * through, weight)


@dataclass(frozen=True)
class FixedRoutes:
    """Habitual routes as the options they meet; routes that meet the same options with
    the same survivals are one fixed route.
    """

    #: (routes,) R: evader weight, route share and survival multiplied, forced options
    #: included, free ones not; summed over its routes.
    value: NDArray[np.float64]
    #: `route`, `option`, `survival`: (links,) which route meets which free option, and
    #: rho: what the option multiplies its value by. Sorted by route, then option.
    route: NDArray[np.int64]
    option: NDArray[np.int64]
    survival: NDArray[np.float64]
    #: (routes, evaders) sparse: what a unit of each evader's weight adds to R; None
    #: where options are parts of others.
    members: csr_array | None = None
    #: (routes of `Instance.habits`,) the fixed route that each is part of, -1 for those
    #: of a value below `LEAST_NORMAL`; None as `members`.
    of_route: NDArray[np.int64] | None = None

    def values(self, placed: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the (routes,) values under an (options,) mask."""
        met = placed[self.option]
        values = self.value.copy()
        np.multiply.at(values, self.route[met], self.survival[met])
        return values


def fixed_routes_of(
    instance: Instance, base: NDArray[np.float64], free: NDArray[np.bool_]
) -> FixedRoutes:
    """Return the routes of habitual evaders, the arcs of one option on a route
    multiplied together.
    """
    option, arc, survival = instance.effects
    kept = free[option]
    habits = instance.habits
    n_options, n_arcs = len(instance.options), instance.tail.size
    # -ln rho of every (route, option): how often the route travels each arc, times what
    # the option does there
    effect = csr_array(
        (arc_costs(survival[kept]), (arc[kept], option[kept])), shape=(n_arcs, n_options)
    )
    cost = csr_array(habits.arcs @ effect)
    cost.sort_indices()
    through = np.exp(-(habits.arcs @ arc_costs(base)))
    value, negligible = _route_values(instance, base)
    total: dict[tuple[bytes, bytes], float] = {}
    links: dict[tuple[bytes, bytes], slice] = {}
    place: dict[tuple[bytes, bytes], int] = {}
    of_route: list[int] = []
    routes = np.flatnonzero((value > 0) & ~negligible)
    for route in routes.tolist():
        span = slice(int(cost.indptr[route]), int(cost.indptr[route + 1]))
        key = (cost.indices[span].tobytes(), cost.data[span].tobytes())
        links.setdefault(key, span)
        place.setdefault(key, len(place))
        of_route.append(place[key])
        total[key] = total.get(key, 0.0) + float(value[route])
    part_of = np.full(value.size, -1)
    part_of[routes] = of_route
    entry = np.concatenate(
        [np.arange(span.start, span.stop) for span in links.values()] or [np.empty(0)]
    ).astype(int)
    return FixedRoutes(
        value=np.array(list(total.values()), dtype=np.float64),
        route=np.repeat(
            np.arange(len(links)), [span.stop - span.start for span in links.values()]
        ).astype(np.int64),
        option=cost.indices[entry].astype(np.int64),
        survival=np.exp(-cost.data[entry]),
        members=csr_array(
            (
                (habits.share * through)[routes],
                (np.array(of_route, dtype=np.int64), habits.evader[routes]),
            ),
            shape=(len(links), len(instance.evaders)),
        ),
        of_route=part_of,
    )


# The overlay of a problem with more options forced or forbidden, from that of the
# problem itself, without another contraction.
#
# What is left out of an overlay lies on no best path of any plan, so on none of a plan
# that has, or has not, certain options.


def restricted(overlay: Overlay, instance: Instance) -> Overlay:
    """Return an overlay for an instance in which more options are forced or forbidden
    than in the one it was contracted from.

    Parameters
    ----------
    overlay
        The contraction of an instance in which every option that is free here was free;
        each option a part of its own.
    instance
        The same problem with more options forced, which are folded into the
        reliabilities, or forbidden, which are left out.
    """
    forced = instance.forced & overlay.free
    free = overlay.free & ~np.array([o.forced or o.forbidden for o in instance.options], dtype=bool)
    if np.array_equal(free, overlay.free):
        return overlay
    watched = overlay.option >= 0
    met = watched & np.append(forced, False)[overlay.option]
    plain = watched & ~np.append(free, False)[overlay.option]
    reliability = np.where(met, overlay.reliability * overlay.survival, overlay.reliability)
    kept = reliability > 0  # a forced option may close an arc
    return replace(
        overlay,
        tail=overlay.tail[kept],
        head=overlay.head[kept],
        reliability=reliability[kept],
        option=np.where(plain, -1, overlay.option)[kept],
        survival=np.where(plain, 1.0, overlay.survival)[kept],
        fixed_routes=_restricted_routes(overlay.fixed_routes, forced, free),
        free=free,
    )


def _restricted_routes(
    fixed_routes: FixedRoutes, forced: NDArray[np.bool_], free: NDArray[np.bool_]
) -> FixedRoutes:
    """Return the fixed routes with forced options folded into their values, and without
    those that let nothing through, or less than `LEAST_NORMAL`.
    """
    value = fixed_routes.values(forced)
    kept = value >= LEAST_NORMAL
    place = np.cumsum(kept) - 1
    links = free[fixed_routes.option] & kept[fixed_routes.route]
    return FixedRoutes(
        value[kept],
        place[fixed_routes.route[links]],
        fixed_routes.option[links],
        fixed_routes.survival[links],
    )


@dataclass(frozen=True, eq=False)
class ScenarioWeights:
    """The value of a plan as the largest mean over an envelope of draws of weighted
    sums of terms.
    """

    #: (draws, terms) sparse, >= 0: what a unit of each term adds to each draw.
    table: csr_array
    #: (draws,) largest weight of each draw, sum at least 1.
    caps: NDArray[np.float64]

    def value(self, terms: NDArray[np.float64]) -> float:
        """Return the value of (terms,) values."""
        by_draw = np.asarray(self.table @ terms)
        return weighted_sum(worst_weights(by_draw, self.caps), by_draw)

    def weights_at(self, terms: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the (terms,) weights w with w @ terms the value, and w @ others at
        most the value of any others.
        """
        return np.asarray(self.table.T @ worst_weights(np.asarray(self.table @ terms), self.caps))


def weighted(overlay: Overlay, draws: Draws, objective: Objective) -> Overlay:
    """Return the overlay of an instance of draws whose values are those of an objective
    over the draws.

    Parameters
    ----------
    overlay
        The contraction of the draws' instance, its fixed routes with their members.
    draws, objective
        Weights by draw, and what is made of the values.
    """
    if overlay.fixed_routes.members is None:
        raise ValueError("an overlay whose fixed routes have lost their members")
    informed = [k for k, e in enumerate(draws.instance.evaders) if not e.routes and e.weight > 0]
    unit = diags_array(1.0 / overlay.fixed_routes.value)
    fixed_routes = csr_array((draws.weight @ overlay.fixed_routes.members.T) @ unit)
    counted = diags_array((overlay.weight > 0).astype(np.float64))
    table = csr_array(hstack((csr_array(draws.weight)[:, informed] @ counted, fixed_routes)))
    return replace(
        overlay, scenario_weights=ScenarioWeights(table, objective.caps(draws.probability))
    )
