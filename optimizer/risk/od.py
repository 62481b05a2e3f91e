"""Origin-destination flows: a prior table, and what the seizures on the roads say about it.

    y_s ~ Poisson(E_s scale sum over pairs k of q_k P_ks),      q_k ~ Gamma(shape a, mean q0_k)

P_ks is the flow of one unit of pair k on segment s (`optimizer.risk.field_flow.flow`), E_s the effort. Expectation and maximisation (Vardi's
network tomography with Gamma priors) share each seizure among the pairs that pass there, in proportion to what they bring, and add it to
their prior count.

Alone this is badly over-confident, for it knows of no seizure that is not on somebody's way. `od_draws` therefore takes draws of the whole rate
field, which know better how little is known, and explains each of them.

References
----------
Y. Vardi (1996), Network tomography: estimating source-destination traffic intensities from link data, JASA 91(433).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.risk.field_flow.flow import PathFlows

    Floats = NDArray[np.float64]

ROUNDS = 200
CLOSE = 1e-6
SMALLEST = 1e-6
"""Share of all flows up to which a pair is left out of what passes segments."""


@dataclass(frozen=True)
class OdTable:
    """Flows between places.

    Attributes
    ----------
    origins, destinations
        (g,), (s,) nodes of the network.
    weight
        (g, s) flow of each pair, >= 0; only proportions matter.
    """

    origins: NDArray[np.int64]
    destinations: NDArray[np.int64]
    weight: Floats

    def shares(self) -> Floats:
        """Return the (g, s) weights as shares of the whole; all 0 where nothing flows."""
        total = self.weight.sum()
        return np.asarray(self.weight / total if total > 0 else self.weight)

    def with_weight(self, weight: Floats) -> OdTable:
        """Return the same places with other (g, s) weights."""
        return replace(self, weight=weight)


@dataclass(frozen=True)
class Passage:
    """How much of each pair passes each searched segment.

    Attributes
    ----------
    pair
        (k,) positions in the flattened table of the pairs that carry anything.
    use
        (k, j) P, >= 0.
    prior
        (k,) shares q0 of the pairs, > 0, summing to 1.
    """

    pair: NDArray[np.int64]
    use: Floats
    prior: Floats


def passage(flows: PathFlows, segments: NDArray[np.int64]) -> Passage:
    """Return how the pairs of the flows' table pass the (j,) segments; pairs with a share of `SMALLEST` or less are left out."""
    shares = flows.table.shares()
    kept = shares > SMALLEST
    even = kept.astype(np.float64)
    blocks = [np.abs(flows.by_pair(g, even, segments)).T[kept[g]] for g in range(len(shares))]
    use = np.concatenate(blocks) if blocks else np.empty((0, segments.size))
    pair = np.flatnonzero(kept.ravel())
    prior = shares.ravel()[pair]
    return Passage(pair, use, prior / prior.sum() if prior.size else prior)


def explain(way: Passage, count: Floats, expected: Floats, shape: float) -> Floats:
    """Return the (k, d) flows of the pairs that explain d sets of counts, as rates of the same unit as count / expected.

    Parameters
    ----------
    way
        The pairs and where they pass.
    count
        (j, d) seizures, >= 0; need not be whole.
    expected
        (j,) effort at each segment, >= 0.
    shape
        a: how closely pairs keep to the prior table, > 0.
    """
    seen = way.use @ expected
    total = np.maximum(count.sum(axis=0), 1e-12)
    scale = total / max(float(way.prior @ seen), 1e-300)
    centre = way.prior[:, None] * scale
    flow = centre.copy()
    for _ in range(ROUNDS):
        mean = expected[:, None] * (way.use.T @ flow)
        ratio = np.divide(count * expected[:, None], mean, out=np.zeros_like(mean), where=mean > 0)
        renewed = (shape + flow * (way.use @ ratio)) / (shape / centre + seen[:, None])
        moved = np.abs(renewed - flow).sum() / np.maximum(flow.sum(), 1e-300)
        flow = renewed
        if moved < CLOSE:
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


def od_draws(flows: PathFlows, counts: Floats, expected: Floats, shape: float = 1.0) -> list[OdTable]:
    """Return one table for each of the (d, m) sets of seizures that `expected` (m,) effort would make, such as draws of a rate times effort."""
    segments = np.flatnonzero(expected > 0)
    way = passage(flows, segments)
    found = explain(way, counts[:, segments].T, expected[segments], shape)
    tables = []
    for column in found.T:
        weight = np.zeros(flows.table.weight.size)
        weight[way.pair] = column
        tables.append(flows.table.with_weight(weight.reshape(flows.table.weight.shape)))
    return tables
