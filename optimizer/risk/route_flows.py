"""Flows on routes, and traffic that keeps to a place, which together explain a record.

    y_i ~ Poisson(sum over the segments s of row i of e_is rate_s),      rate_s = sum of f_p over the routes p on s + l_i
    f_p = c m_o m_d g_p      g_p ~ Gamma(a q_k share_p, mean q_k share_p)      m ~ Gamma(A, mean 1)      l_i ~ Gamma(b, mean l)

A row i is a segment, or an area of which only the sum is known; e is the effort there
as expected seizures. Route p belongs to pair k, which goes from origin o to destination
d: q_k is the pair's share by gravity, share_p the share of the route by travel time
(probit draws). The flows of several routes or pairs add up to a Gamma of the same kind:
one number, a, says how closely pairs keep to gravity and routes to travel time, and two
pairs that the record cannot tell apart stay in proportion. m is what all pairs of one
end have in common, l_i what no flow explains.

Expectation and maximisation (Vardi's network tomography with Gamma priors, posterior
means in place of modes) share each seizure among the routes that pass and the place
itself, in proportion to what they bring; the place by the mean of log l_i (variational
Bayes), for l_i is known from one count alone. l is estimated by the marginal likelihood
of the counts, places integrated out; c follows from the sums. What a route without
effort carries stays at its prior.

References
----------
Y. Vardi (1996), Network tomography: estimating source-destination traffic intensities
from link data, JASA 91(433). M. G. H. Bell (1991), The estimation of origin-destination
matrices by constrained generalised least squares, Transportation Research B 25(1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.special import digamma, gammaln

from optimizer.problem.network.shortest_paths import shortest_path_tree

if TYPE_CHECKING:
    from optimizer.problem.instance.evaders import Route
    from optimizer.problem.network.network import Network

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PRIOR_SEIZURES = 500.0
"""a: how many seizures the prior of all pairs and routes together is worth."""

ORIGIN_SHAPE, DESTINATION_SHAPE = 0.5, 5.0
"""A: how many seizures the prior of one origin's or destination's factor is worth: what
a gateway sends is known least.
"""

LOCAL_SHAPE = 1.0
"""b: how uneven places are in what no flow explains; below 1, few places hold most of it."""

SHARES = np.concatenate(([0.001, 0.003, 0.01, 0.03], np.arange(0.06, 0.99, 0.06), [0.99]))
"""Local shares that are tried."""

LOCAL_EVERY = 3
"""Rounds after which the local share is estimated again."""

MOST_ROUNDS = 100

STOP_CHANGE = 1e-4
"""Change of the flows, as a share of all, at which rounds stop."""


@dataclass(frozen=True, eq=False)
class CandidateRoutes:
    """The routes that pairs may take, with what is believed of them before any record."""

    #: `origin`, `destination`: (k,) ends of each pair, counted from 0.
    origin: Ints
    destination: Ints
    #: (k,) share of all loads of each pair, > 0, sum 1.
    weight: Floats
    #: (p,) the pair of each route; routes of a pair are next to each other.
    pair: Ints
    #: (p,) share of each route of its pair, > 0; the shares of a pair sum to 1.
    share: Floats
    #: (segments, p) sparse: 1 where a route passes a segment.
    on: csr_array

    def prior(self) -> Floats:
        """Return the (p,) share of all loads on each route."""
        return np.asarray(self.weight[self.pair] * self.share)


def candidate_routes(
    network: Network,
    ends: Sequence[tuple[int, int]],
    weight: Floats,
    routes: Sequence[Sequence[Route]],
) -> CandidateRoutes:
    """Return the routes of pairs as arrays.

    Parameters
    ----------
    network
        The roads.
    ends
        Origin and destination of each of k pairs, counted from 0.
    weight
        (k,) share of all loads of each pair.
    routes
        At least one route of each pair, as `optimizer.risk.demand.habitual_routes`
        returns them.
    """
    origin, destination = np.array(ends, dtype=np.int64).reshape(-1, 2).T
    flat = [route for of_pair in routes for route in of_pair]
    length = np.array([len(route.arcs) for route in flat], dtype=np.int64)
    arcs = np.fromiter(
        chain.from_iterable(route.arcs for route in flat), dtype=np.int64, count=int(length.sum())
    )
    at = (network.segment[arcs], np.repeat(np.arange(len(flat)), length))
    on = csr_array((np.ones(arcs.size), at), shape=(network.n_segments, len(flat)))
    on.data[:] = 1.0
    return CandidateRoutes(
        origin,
        destination,
        weight / weight.sum(),
        np.repeat(np.arange(len(routes)), [len(of_pair) for of_pair in routes]),
        np.array([route.share for route in flat]),
        on,
    )


@dataclass(frozen=True, eq=False)
class CountedRows:
    """What a record says in sums: rows of segments with the effort behind them, and
    what was found there.
    """

    #: (rows, segments) sparse: expected seizures on each segment of a row, >= 0.
    effort: csr_array
    #: (rows, d) seizures of d draws, >= 0; need not be whole.
    count: Floats


@dataclass(frozen=True, eq=False)
class RouteFlows:
    """Flows that explain d draws of a record."""

    #: (p, d) flow of each route, in the unit of count over effort.
    flow: Floats
    #: (rows, d) seizures of each row that no flow explains.
    local: Floats
    #: (rows, d) posterior mean of l_i of each row, in the same unit.
    at_place: Floats
    #: (d,) mean of l_i before a record: where there is no row.
    anywhere: Floats
    #: (d,) logarithm of the marginal likelihood of the counts, up to what is the same
    #: for every effort behind the same counts.
    likelihood: Floats


def explain_by_routes(
    routes: CandidateRoutes, record: CountedRows, rounds: int = MOST_ROUNDS
) -> RouteFlows:
    """Return the flows of routes that explain counts, and what of the counts they leave
    to the places themselves.

    Parameters
    ----------
    routes
        The routes and their prior.
    record
        What was found, given effort.
    rounds
        Rounds of expectation and maximisation at most.
    """
    effort = np.asarray(record.effort.sum(axis=1), dtype=np.float64)
    all_rows = csr_array(record.effort @ routes.on)
    seen = np.asarray(all_rows.sum(axis=0))[:, None]
    seized = np.flatnonzero(record.count.any(axis=1))  # the others count by their effort alone
    use = csr_array(all_rows[seized])
    back = csr_array(use.T)
    count, here = record.count[seized], effort[seized, None]
    origin, destination = routes.origin[routes.pair], routes.destination[routes.pair]
    total = np.maximum(count.sum(axis=0), 1e-12)
    prior = routes.prior()[:, None]
    weighed = prior * seen if (seen > 0).any() else prior
    weighed = weighed / weighed.sum()
    common, own = np.ones((prior.size, total.size)), np.tile(prior, (1, total.size))
    drawn = np.ones((int(destination.max(initial=-1)) + 1, total.size))
    even = total / max(float(effort.sum()), 1e-300)
    stayed, by_flows = np.zeros_like(count), 0.5 * total
    flow = own
    for turn in range(rounds):
        shape = common * own
        expects = np.maximum((shape * seen).sum(axis=0), 1e-300)
        if turn % LOCAL_EVERY == 0:
            local_share, likelihood = _local_share(
                record.count, effort[:, None], (all_rows @ shape) * (total / expects), even
            )
        renewed = shape * (by_flows / expects)
        moved = float(np.abs(renewed - flow).sum() / max(renewed.sum(), 1e-300))
        flow = renewed
        mean_local = np.maximum(local_share * even, 1e-300)
        local = np.exp(digamma(LOCAL_SHAPE + stayed)) / (LOCAL_SHAPE / mean_local + here)
        expected = use @ flow + here * local
        ratio = np.divide(count, expected, out=np.zeros_like(expected), where=expected > 0)
        found, stayed = flow * (back @ ratio), here * local * ratio
        if moved < STOP_CHANGE:
            break
        by_flows = np.maximum(found.sum(axis=0), 1e-12)
        scale = by_flows / np.maximum((prior * common * seen).sum(axis=0), 1e-300)
        own = (prior + found / PRIOR_SEIZURES) / (1 + seen * scale * common / PRIOR_SEIZURES)
        by_scale = seen * scale * own
        sent = _factors(origin, found, by_scale * drawn[destination], ORIGIN_SHAPE)
        drawn = _factors(destination, found, by_scale * sent[origin], DESTINATION_SHAPE)
        common = sent[origin] * drawn[destination]
        common /= (weighed * common).sum(axis=0)  # their mean is c's
    left = np.zeros_like(record.count)
    left[seized] = stayed
    at_place = (LOCAL_SHAPE + left) / (LOCAL_SHAPE / mean_local + effort[:, None])
    return RouteFlows(flow, left, at_place, mean_local, likelihood)


def _local_share(
    count: Floats, effort: Floats, by_flow: Floats, even: Floats
) -> tuple[Floats, Floats]:
    """Return the (d,) posterior mean of the share of seizures that no flow explains,
    all shares alike before, and the (d,) log likelihood.

    The count of a row is a Poisson one of the flows and a negative binomial one of the
    place; the sum is taken for one negative binomial of the same mean and variance.

    Parameters
    ----------
    count, effort
        (rows, d) and (rows, 1).
    by_flow
        (rows, d) seizures that the flows would make if they explained all.
    even
        (d,) seizures per unit of effort.
    """
    share = SHARES[:, None, None]
    local = share * even * effort
    mean = np.maximum((1 - share) * by_flow + local, 1e-12)
    shape = LOCAL_SHAPE * (mean / np.maximum(local, 1e-12)) ** 2
    found = count.any(axis=1)
    chance = -(shape * np.log1p(mean / shape)).sum(axis=1)
    y = count[found]
    r = shape[:, found]
    m = mean[:, found]
    chance += (gammaln(y + r) - gammaln(r) + y * np.log(m / (r + m))).sum(axis=1)
    most = chance.max(axis=0)
    weight = np.exp(chance - most)
    return np.asarray((SHARES @ weight) / weight.sum(axis=0)), np.asarray(
        most + np.log(weight.mean(axis=0))
    )


def _factors(group: Ints, found: Floats, expected: Floats, shape: float) -> Floats:
    """Return the (groups, d) factor of each group: what was found of it over what its
    routes expect, with the shape added to both.
    """
    return np.asarray((shape + _sums(group, found)) / (shape + _sums(group, expected)))


def _sums(group: Ints, values: Floats) -> Floats:
    """Return the (groups, d) sums of (p, d) values."""
    at = (group, np.arange(group.size))
    members = csr_array(
        (np.ones(group.size), at), shape=(int(group.max(initial=-1)) + 1, group.size)
    )
    return np.asarray(members @ values)


LOAD_ROUNDS = 50
ROUNDING = 1e-9
"""Share of the local loads below which none are elsewhere."""


@dataclass(frozen=True, eq=False)
class LocalTraffic:
    """Loads that keep to a place."""

    #: Arcs of each way, in order of travel: the segment, and from it to the nearest
    #: through road.
    ways: tuple[tuple[int, ...], ...]
    #: (len(ways),) share of the local loads on each, the heaviest first; their sum is
    #: at most 1, as loops that lead nowhere have no way.
    weight: Floats
    #: How many of them, from the heaviest on, are looked at one by one.
    listed: int

    @property
    def elsewhere(self) -> float:
        """Share of the local loads at no listed place, in [0, 1]; 0 where there are no
        local loads.
        """
        share = 1.0 - float(self.weight[: self.listed].sum())
        return share if self.ways and share > ROUNDING else 0.0

    def passed(self, reliability: Floats) -> float:
        """Return the mean chance of the loads elsewhere to pass their ways; 1 for those
        without a way.

        Parameters
        ----------
        reliability
            (m,) chance to pass each arc.
        """
        rest = self.weight[self.listed :].tolist()
        chance = [float(np.prod(reliability[list(way)])) for way in self.ways[self.listed :]]
        away = self.elsewhere
        return (
            1.0 - sum(w * (1 - c) for w, c in zip(rest, chance, strict=True)) / away
            if away > 0
            else 1.0
        )


def local_traffic(
    network: Network, rate: Floats, through: NDArray[np.bool_], most: int
) -> LocalTraffic:
    """Return where local loads are.

    Each segment has one way: the quickest one over it to a through road, or the segment
    alone where it is part of one or none can be reached. The loads on the ways are
    those whose sums come nearest to the rate (Richardson and Lucy's iteration), so that
    the segments on the way from a place do not count as places again.

    Parameters
    ----------
    network
        The roads.
    rate
        (n_segments,) local loads that pass, in any unit, >= 0.
    through
        (n_segments,) whether a segment is part of a through road.
    most
        Places to list, >= 0.
    """
    places = np.flatnonzero(rate > 0)
    found = _ways(network, places, through)
    ways = [way for way in found if way]
    if not ways:
        return LocalTraffic((), np.empty(0), 0)
    weight = _explained(network, ways, rate)
    loops = rate[
        [place for place, way in zip(places.tolist(), found, strict=True) if not way]
    ].sum()
    order = np.argsort(-weight, kind="stable")
    order = order[weight[order] > 0]
    share = weight[order] / (weight.sum() + loops)
    return LocalTraffic(tuple(ways[k] for k in order.tolist()), share, min(most, order.size))


def _ways(network: Network, places: Ints, through: NDArray[np.bool_]) -> list[tuple[int, ...]]:
    """Return the way of each segment in `places`, as arcs; none for a road that leads
    back to where it begins, on a through road.
    """
    ends = np.unique(
        np.concatenate(
            (network.tail[through[network.segment]], network.head[through[network.segment]])
        )
    )
    onward = shortest_path_tree(network.n_nodes, network.tail, network.head, network.time_s, ends)
    # the arc of each segment that leads to a through road sooner
    outward = network.segment_arc.copy()
    nearer = np.lexsort((onward.cost[network.head], network.segment))
    outward[network.segment[nearer[::-1]]] = nearer[::-1]
    tail = network.tail.tolist()
    head = network.head.tolist()
    then = onward.arc.tolist()
    ways = []
    for segment, arc in zip(places.tolist(), outward[places].tolist(), strict=True):
        way = [arc]
        while not through[segment] and (arc := then[head[arc]]) >= 0:
            way.append(arc)
        if (
            head[way[-1]] == tail[way[0]]
        ):  # a loop: who keeps to it has no other place to go to, so its last road is not driven
            way.pop()
        ways.append(tuple(way))
    return ways


def _explained(network: Network, ways: list[tuple[int, ...]], rate: Floats) -> Floats:
    """Return the (ways,) loads whose sums on the segments come nearest to the rate."""
    length = np.array([len(way) for way in ways])
    arcs = np.fromiter(
        (arc for way in ways for arc in way), dtype=np.int64, count=int(length.sum())
    )
    at = (network.segment[arcs], np.repeat(np.arange(len(ways)), length))
    on = csr_array((np.ones(arcs.size), at), shape=(rate.size, len(ways)))
    back = csr_array(on.T)
    load = rate[network.segment[[way[0] for way in ways]]].copy()
    for _ in range(LOAD_ROUNDS):
        passing = np.asarray(on @ load)
        ratio = np.divide(rate, passing, out=np.zeros_like(passing), where=passing > 0)
        load = load * (back @ ratio) / length
    return np.asarray(load)
