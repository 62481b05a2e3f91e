"""Origin-destination flows: a prior table, and what the seizures on the roads say about
it.

    y_s ~ Poisson(E_s scale sum over pairs k of q_k P_ks),      q_k ~ Gamma(shape a, mean q0_k)

P_ks is the flow of one unit of pair k on segment s (`path_flows`, below), E_s the
effort. Expectation and maximisation (Vardi's network tomography with Gamma priors)
share each seizure among the pairs that pass there, in proportion to what they bring,
and add it to their prior count.

Alone this is badly over-confident, for it knows of no seizure that is not on somebody's
way. `od_draws` therefore takes draws of the whole rate field, which know better how
little is known, and explains each of them.

References
----------
Y. Vardi (1996), Network tomography: estimating source-destination traffic intensities
from link data, JASA 91(433).
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csc_array, eye_array
from scipy.sparse.linalg import splu

if TYPE_CHECKING:
    from optimizer.problem.network.network import Network

Floats = NDArray[np.float64]

MOST_ROUNDS = 200

STOP_CHANGE = 1e-6

SMALLEST = 1e-6
"""Share of all flows up to which a pair is left out of what passes segments."""


@dataclass(frozen=True)
class OdTable:
    """Flows between places."""

    #: `origins`, `destinations`: (g,), (s,) nodes of the network.
    origins: NDArray[np.int64]
    destinations: NDArray[np.int64]
    #: (g, s) flow of each pair, >= 0; only proportions matter.
    weight: Floats

    def shares(self) -> Floats:
        """Return the (g, s) weights as shares of the whole; all 0 where nothing flows."""
        total = self.weight.sum()
        return np.asarray(self.weight / total if total > 0 else self.weight)

    def with_weight(self, weight: Floats) -> OdTable:
        """Return the same places with other (g, s) weights."""
        return replace(self, weight=weight)


@dataclass(frozen=True)
class LinkUse:
    """How much of each pair passes each searched segment."""

    #: (k,) positions in the flattened table of the pairs that carry anything.
    pair: NDArray[np.int64]
    #: (k, j) P, >= 0.
    use: Floats
    #: (k,) shares q0 of the pairs, > 0, summing to 1.
    prior: Floats


def link_use(flows: PathFlows, segments: NDArray[np.int64]) -> LinkUse:
    """Return how the pairs of the flows' table pass the (j,) segments; pairs with a
    share of `SMALLEST` or less are left out.
    """
    shares = flows.table.shares()
    kept = shares > SMALLEST
    even = kept.astype(np.float64)
    blocks = [np.abs(flows.by_pair(g, even, segments)).T[kept[g]] for g in range(len(shares))]
    use = np.concatenate(blocks) if blocks else np.empty((0, segments.size))
    pair = np.flatnonzero(kept.ravel())
    prior = shares.ravel()[pair]
    return LinkUse(pair, use, prior / prior.sum() if prior.size else prior)


def explain(passing: LinkUse, count: Floats, expected: Floats, shape: float) -> Floats:
    """Return the (k, d) flows of the pairs that explain d sets of counts, as rates of
    the same unit as count / expected.

    Parameters
    ----------
    passing
        The pairs and where they pass.
    count
        (j, d) seizures, >= 0; need not be whole.
    expected
        (j,) effort at each segment, >= 0.
    shape
        a: how closely pairs keep to the prior table, > 0.
    """
    seen = passing.use @ expected
    total = np.maximum(count.sum(axis=0), 1e-12)
    scale = total / max(float(passing.prior @ seen), 1e-300)
    centre = passing.prior[:, None] * scale
    flow = centre.copy()
    for _ in range(MOST_ROUNDS):
        mean = expected[:, None] * (passing.use.T @ flow)
        ratio = np.divide(count * expected[:, None], mean, out=np.zeros_like(mean), where=mean > 0)
        renewed = (shape + flow * (passing.use @ ratio)) / (shape / centre + seen[:, None])
        moved = np.abs(renewed - flow).sum() / np.maximum(flow.sum(), 1e-300)
        flow = renewed
        if moved < STOP_CHANGE:
            break
    return np.asarray(flow)


def fit_od(flows: PathFlows, count: Floats, expected: Floats, shape: float = 1.0) -> OdTable:
    """Return the table that explains seizures on roads.

    Parameters
    ----------
    flows
        Paths and prior table.
    count, expected
        (m,) seizures and effort of each segment.
    shape
        How closely pairs keep to the prior table, > 0.
    """
    return od_draws(flows, count[None, :], expected, shape)[0]


def od_draws(
    flows: PathFlows, counts: Floats, expected: Floats, shape: float = 1.0
) -> list[OdTable]:
    """Return one table for each of the (d, m) sets of seizures that `expected` (m,)
    effort would make, such as draws of a rate times effort.
    """
    segments = np.flatnonzero(expected > 0)
    passing = link_use(flows, segments)
    found = explain(passing, counts[:, segments].T, expected[segments], shape)
    tables = []
    for column in found.T:
        weight = np.zeros(flows.table.weight.size)
        weight[passing.pair] = column
        tables.append(flows.table.with_weight(weight.reshape(flows.table.weight.shape)))
    return tables


# Where trafficking would pass: flows between origins and destinations along randomised
# shortest paths.
#
# A traveller who minds delay, but not only delay, steps from node i along arc a with
# weight M_a = exp(-theta time_a) / (arcs that leave i). With Z = (I - M)^-1, the mean
# number of times that the flow of one pair (o, d) uses the arc from i to j is z_oi M_a
# z_jd / z_od: an exponential preference among all walks, which nears the shortest path
# as theta grows. What counts on a segment is the net flow: there less back.
#
# One sparse LU and a solve an end point give all pairs. M has no negative entries, so I
# - M and its factors lose no relative precision however small z is; theta is lowered
# where z itself would leave the range of floating point.
#
# References
# ----------
# M. Saerens, Y. Achbany, F. Fouss, L. Yen (2009), Randomized shortest-path problems:
# two related models, Neural Computation 21(8).

FAINTEST = 1e-290
"""Weight of a pair below which products would leave the range of floating point."""

MOST_LOWERINGS = 40

KEPT_BYTES = 400_000_000
"""Paths that were computed are kept, the last ones up to this size: the fits of a
backtest ask for the same again and again.
"""


@dataclass(frozen=True)
class PathFlows:
    """The randomised paths of every pair of a table."""

    #: The roads, m segments.
    network: Network
    #: The pairs, g origins and s destinations.
    table: OdTable
    #: Preference for short times as used, per second.
    theta: float
    #: (arcs,) M.
    step: Floats
    #: (g, n) z_o.
    from_origin: Floats
    #: (n, s) z_d.
    to_destination: Floats
    #: (m, arcs) sparse: 1 where the arc runs as the segment is drawn, -1 against it.
    along: csc_array

    @property
    def lost(self) -> float:
        """Share of the table's weight on pairs that have no way: they carry nothing."""
        return float(self.table.shares()[self.from_origin[:, self.table.destinations] <= 0].sum())

    def net(self, weight: Floats) -> Floats:
        """Return the (g, m) net flow on each segment of what leaves each origin, for a
        (g, s) table of weights >= 0.
        """
        return np.array(
            [
                np.abs(self.along @ (self._leaving(g) * self._sought(g, weight)))
                for g in range(len(weight))
            ]
        )

    def _leaving(self, g: int) -> Floats:
        return np.asarray(self.from_origin[g][self.network.tail] * self.step)

    def _share(self, g: int, weight: Floats) -> Floats:
        """(s,) weight over z_od; nothing where the pair has no way."""
        z = self.from_origin[g, self.table.destinations]
        return np.asarray(np.divide(weight[g], z, out=np.zeros_like(z), where=z > 0))

    def _sought(self, g: int, weight: Floats) -> Floats:
        return np.asarray((self.to_destination @ self._share(g, weight))[self.network.head])

    def by_pair(self, g: int, weight: Floats, segments: NDArray[np.int64] | None = None) -> Floats:
        """Return the (segments, s) flow from origin g to each destination, in the
        direction of the origin's net flow.

        What runs against it (a detour of one destination on the main road to another)
        counts as negative, so that the sum over destinations is the net flow of the
        origin. Weights are (g, s); `segments` are all by default.
        """
        along, back = self._directions if segments is None else self._directions[:, segments]
        # an arc of -1, where a segment is one-way, carries nothing
        leaving = np.append(self._leaving(g), 0.0)
        head = self.network.head
        flow = leaving[along, None] * self.to_destination[head[along]]
        flow -= leaving[back, None] * self.to_destination[head[back]]
        flow *= self._share(g, weight)
        flow *= np.sign(flow.sum(axis=1, keepdims=True))
        return np.asarray(flow)

    def by_end(
        self, weight: Floats, segments: NDArray[np.int64] | None = None
    ) -> tuple[Floats, Floats]:
        """Return the (segments, g) net flow of each origin and the (segments, s) flow
        to each destination: sums of `by_pair`.

        What leaves origin g on an arc is a_g times the destinations' T, so that sums
        over origins are products of small matrices.
        """
        arcs = self._directions if segments is None else self._directions[:, segments]
        share = np.array([self._share(g, weight) for g in range(len(weight))])
        # an arc of -1 carries nothing
        run = np.array((1.0, -1.0))[:, None] * np.append(self.step, 0.0)[arcs]
        leaving = [
            one[:, None] * self.from_origin.T[self.network.tail[arc]]
            for one, arc in zip(run, arcs, strict=True)
        ]
        sought = [self.to_destination[self.network.head[arc]] for arc in arcs]
        net = sum(left * (wanted @ share.T) for left, wanted in zip(leaving, sought, strict=True))
        sign = np.sign(net)
        to = sum(
            ((left * sign) @ share) * wanted for left, wanted in zip(leaving, sought, strict=True)
        )
        return np.abs(net), np.asarray(to)

    @cached_property
    def _directions(self) -> NDArray[np.int64]:
        """(2, m) the arc of each segment that runs as it is drawn, and the one against
        it; -1 where there is none.
        """
        arcs = np.full((2, self.network.n_segments), -1, dtype=np.int64)
        arcs[(self.along.data < 0).astype(np.int64), self.network.segment] = np.arange(
            self.step.size
        )
        return arcs


def path_flows(network: Network, table: OdTable, theta: float) -> PathFlows:
    """Return the randomised paths of every pair.

    Parameters
    ----------
    network
        The roads.
    table
        Origins and destinations.
    theta
        Preference for short times, per second, > 0: with 1/90 a way that takes 90 s
        longer is e times less likely. It is lowered as far as it takes for every pair
        that has a way to have a weight in floating point.
    """
    known = _KEPT.get(network, table, theta)
    if known is None:
        known = _find_paths(network, table, theta)
        _KEPT.add(known, theta)
    return replace(known, table=table)


def _find_paths(network: Network, table: OdTable, theta: float) -> PathFlows:
    walks = _walks(network, table, theta)
    between = walks.from_origin[:, table.destinations]
    faint = (between < FAINTEST) & (table.weight > 0)
    if faint.any():
        faint &= np.isfinite(network.time_graph().distances(table.origins)[:, table.destinations])
    for _ in range(MOST_LOWERINGS):
        if not (walks.from_origin[:, table.destinations][faint] < FAINTEST).any():
            break
        theta /= 1.5
        walks = _walks(network, table, theta)
    drawn = np.where(network.tail == network.tail[network.segment_arc][network.segment], 1.0, -1.0)
    along = csc_array(
        coo_array(
            (drawn, (network.segment, np.arange(network.n_arcs))),
            shape=(network.n_segments, network.n_arcs),
        )
    )
    return PathFlows(
        network, table, theta, walks.step, walks.from_origin, walks.to_destination, along
    )


class _KeptPaths:
    """Paths by network (the object itself), places, pairs that carry anything, and
    theta as asked for; the oldest go first.
    """

    def __init__(self) -> None:
        self._paths: OrderedDict[bytes, PathFlows] = OrderedDict()

    @staticmethod
    def _key(network: Network, table: OdTable, theta: float) -> bytes:
        said = (
            np.array([id(network)]),
            np.array([theta]),
            table.origins,
            table.destinations,
            table.weight > 0,
        )
        return b"|".join(np.ascontiguousarray(one).tobytes() for one in said)

    def get(self, network: Network, table: OdTable, theta: float) -> PathFlows | None:
        """Return the paths if they are kept."""
        key = self._key(network, table, theta)
        known = self._paths.get(key)
        if known is not None:
            self._paths.move_to_end(key)
        return known

    def add(self, paths: PathFlows, theta: float) -> None:
        """Keep paths, and drop the oldest while all are larger than `KEPT_BYTES`; each
        keeps its network, so that the id stays its own.
        """
        self._paths[self._key(paths.network, paths.table, theta)] = paths
        while sum(map(_size, self._paths.values())) > KEPT_BYTES:
            self._paths.popitem(last=False)


def _size(paths: PathFlows) -> int:
    return (
        paths.step.nbytes
        + paths.from_origin.nbytes
        + paths.to_destination.nbytes
        + paths.along.data.nbytes
    )


_KEPT = _KeptPaths()


@dataclass(frozen=True)
class _Walks:
    """M (arcs,), z from each origin (g, n) and z to each destination (n, s)."""

    step: Floats
    from_origin: Floats
    to_destination: Floats


def _walks(network: Network, table: OdTable, theta: float) -> _Walks:
    n = network.n_nodes
    leaving = np.maximum(np.bincount(network.tail, minlength=n), 1)
    step = np.exp(-theta * network.time_s) / leaving[network.tail]
    matrix = csc_array(eye_array(n) - coo_array((step, (network.tail, network.head)), shape=(n, n)))
    factor = splu(
        matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0, options={"SymmetricMode": True}
    )
    from_origin = np.maximum(factor.solve(_columns(table.origins, n), "T").T, 0)  # type: ignore[call-overload]  # stubs lack trans
    to_destination = np.maximum(factor.solve(_columns(table.destinations, n)), 0)
    return _Walks(step, np.ascontiguousarray(from_origin), np.ascontiguousarray(to_destination))


def _columns(nodes: NDArray[np.int64], n: int) -> Floats:
    columns = np.zeros((n, nodes.size))
    columns[nodes, np.arange(nodes.size)] = 1
    return columns
