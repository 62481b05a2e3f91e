"""How much a seizure on one segment says about another: the probability that a random walk from one passes the other.

The walk is Brownian motion along the roads from the middle of a segment: it turns at random at junctions and back at dead ends, and is killed
at a constant rate, such that on one long road it gets farther than x km each way with probability exp(-x / reach). Its Green
function solves, on the segments (length h, potential u) and the junctions (potential v, no length),

    h u + c (u - v1) + c (u - v2) = f,    sum over the segments at a junction of c (v - u) = 0,    c = 2 reach^2 / h,

the finite-volume form of u - reach^2 u'' = f. Eliminating the segments leaves one symmetric M-matrix over the junctions, as sparse as the
road network itself. With G the inverse, the probability to pass t from s is F_st = G_st / G_tt, in [0, 1], and F_ss = 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array, csc_array, diags_array

from optimizer.risk.numerics.ldl import Factor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.problem.network import Network

SHORTEST_KM = 0.001
"""Segments shorter than a metre count as a metre, which keeps the matrix well conditioned."""


@dataclass(frozen=True)
class Walk:
    """A random walk on the segments of a network.

    Attributes
    ----------
    reach_km
        Distance over which the probability to get so far falls by a factor e, on one long road.
    load
        (m,) h + 2 c of each segment.
    link
        (m, n) sparse c of each segment at its two ends.
    factor
        Factors of the (n, n) matrix over the junctions.
    home
        (m,) G_ss, the Green function of each segment at itself.
    """

    reach_km: float
    load: NDArray[np.float64]
    link: csc_array
    factor: Factor
    home: NDArray[np.float64]

    def gathered(self, evidence: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return for each segment s the sum over t of F_st x evidence_t; `evidence` is (m,) or (m, k)."""
        columns = evidence.reshape(len(evidence), -1) / self.home[:, None] / self.load[:, None]
        spread = columns + self.link @ self.factor.solve(self.link.T @ columns) / self.load[:, None]
        return np.asarray(spread.reshape(evidence.shape))


def walk(network: Network, reach_km: float) -> Walk:
    """Return the random walk with a reach of `reach_km` > 0 kilometres. Time grows a little faster than the number of segments."""
    arc = network.segment_arc
    length = np.maximum(network.length_m[arc] / 1000, SHORTEST_KM)
    strength = 2 * reach_km**2 / length
    load = length + 2 * strength
    segment = np.arange(arc.size)
    ends = np.concatenate((network.tail[arc], network.head[arc]))
    link = coo_array((np.tile(strength, 2), (np.tile(segment, 2), ends)), shape=(arc.size, network.n_nodes)).tocsc()
    total: NDArray[np.float64] = np.asarray(link.sum(axis=0))
    total[total == 0] = 1.0  # a node without a road
    matrix = csc_array(diags_array(total) - link.T @ diags_array(1 / load) @ link)
    factor = Factor.of(matrix)
    return Walk(reach_km, load, link, factor, _home(network, factor, strength, load))


def _home(
    network: Network, factor: Factor, strength: NDArray[np.float64], load: NDArray[np.float64]
) -> NDArray[np.float64]:
    tail, head = network.tail[network.segment_arc], network.head[network.segment_arc]
    own = factor.inverse_diagonal()
    between = factor.inverse_at(tail, head)
    return np.asarray(1 / load + (strength / load) ** 2 * (own[tail] + own[head] + 2 * between))
