"""A Gaussian Markov field on the segments of a road network.

Segments that meet at a junction are neighbours. With L the Laplacian of that graph the
field has the precision

    Q = tau (kappa^2 I + L),    L_ss = sum over t of w_st,    L_st = -w_st,

where each junction of `deg` segments gives every pair of them the weight 1 / (deg - 1),
so that a junction ties each of its segments with weight one in all, however many meet
there; a pair of unlike road class is tied more loosely (`RiskParams.across_classes`).

References
----------
H. Rue, L. Held (2005), Gaussian Markov Random Fields, Chapman & Hall.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csc_array, csr_array, diags_array, triu

from optimizer.risk.numerics.ldl import Factor
from optimizer.risk.params import USUAL

if TYPE_CHECKING:
    from optimizer.problem.network.network import Network

Floats = NDArray[np.float64]

BLOCK = 128
"""Draws that are worked on together: their numbers stay in the processor's cache."""


def blocks(n: int) -> list[slice]:
    """Return the numbers below n in blocks of `BLOCK`."""
    return [slice(first, min(first + BLOCK, n)) for first in range(0, n, BLOCK)]


@dataclass(frozen=True)
class Neighbours:
    """The graph on which the field lives; m vertices, k pairs."""

    #: m.
    size: int
    #: `first`, `second`: (k,) the two vertices of each pair, first < second, each pair
    #: once.
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    #: (k,) w > 0.
    weight: Floats


def road_neighbours(network: Network, across_classes: float = USUAL.across_classes) -> Neighbours:
    """Return the segments of a network as neighbours; a segment that meets itself or
    another twice counts once a junction.

    Parameters
    ----------
    network
        The roads, m segments.
    across_classes
        Weight of a pair of unlike road class over that of a pair of one class, in (0,
        1].
    """
    arc = network.segment_arc
    m = arc.size
    ends = np.concatenate((network.tail[arc], network.head[arc]))
    at = coo_array(
        (np.ones(2 * m), (np.tile(np.arange(m), 2), ends)), shape=(m, network.n_nodes)
    ).tocsr()
    at.data[:] = 1.0
    degree: Floats = np.asarray(at.sum(axis=0), dtype=np.float64).ravel()
    share = 1 / np.maximum(degree - 1, 1)
    pairs = coo_array(triu(at @ diags_array(share) @ at.T, k=1))
    first, second = pairs.row.astype(np.int64), pairs.col.astype(np.int64)
    road = network.road_class[arc]
    weight = pairs.data * np.where(road[first] == road[second], 1.0, across_classes)
    return Neighbours(m, first, second, weight)


class Field:
    """The field's precision, and that of the field once evidence adds to its diagonal.

    Parameters
    ----------
    neighbours
        The graph.

    Attributes
    ----------
    neighbours
        As given.
    """

    def __init__(self, neighbours: Neighbours) -> None:
        self.neighbours = neighbours
        m = neighbours.size
        total = np.bincount(neighbours.first, neighbours.weight, m) + np.bincount(
            neighbours.second, neighbours.weight, m
        )
        every = np.arange(m)
        rows, columns = (
            np.concatenate((neighbours.first, every)),
            np.concatenate((neighbours.second, every)),
        )
        entry = csc_array(coo_array((np.arange(1.0, rows.size + 1), (rows, columns)), shape=(m, m)))
        entry.sort_indices()
        order = entry.data.astype(np.int64) - 1
        self._laplacian = np.concatenate((-neighbours.weight, total))[order]
        # one a column, in the order of the columns
        self._diagonal = np.flatnonzero(order >= neighbours.first.size)
        upper = csc_array((self._laplacian, entry.indices, entry.indptr), shape=(m, m))
        self._prior = self._factor(upper)
        self._posterior = self._factor(upper)
        self._refreshed: tuple[float, float, Floats] | None = None
        self._part: tuple[NDArray[np.int64], Field] | None = None

    def _factor(self, upper: csc_array) -> Factor:
        filled = upper.copy()
        filled.data[self._diagonal] += 1.0
        return Factor(filled)

    def part(self, vertices: NDArray[np.int64]) -> Field:
        """Return the field on (k,) sorted vertices and the pairs between them; that of
        the last call is kept.
        """
        if self._part is None or not np.array_equal(self._part[0], vertices):
            near = self.neighbours
            place = np.full(near.size, -1, dtype=np.int64)
            place[vertices] = np.arange(vertices.size)
            inside = (place[near.first] >= 0) & (place[near.second] >= 0)
            pairs = place[near.first[inside]], place[near.second[inside]], near.weight[inside]
            self._part = vertices, Field(Neighbours(vertices.size, *pairs))
        return self._part[1]

    def times(self, tau: float, kappa2: float, values: Floats) -> Floats:
        """Return Q times (m,) values."""
        near = self.neighbours
        apart = near.weight * (values[near.first] - values[near.second])
        drawn = np.bincount(near.first, apart, near.size) - np.bincount(
            near.second, apart, near.size
        )
        return np.asarray(tau * (kappa2 * values + drawn))

    def log_determinant(self, tau: float, kappa2: float) -> float:
        """Return log det Q."""
        data = self._laplacian.copy()
        data[self._diagonal] += kappa2
        self._prior.refresh(data)
        return self.neighbours.size * float(np.log(tau)) + self._prior.log_determinant

    def with_evidence(self, tau: float, kappa2: float, evidence: Floats) -> Factor:
        """Return the factor of Q + diag(evidence), good until a call that asks for
        another.

        Where seizures are known by area alone there is no evidence on the diagonal, and
        all steps to a mode have one factor.
        """
        if self._refreshed is not None:
            known_tau, known_kappa2, known = self._refreshed
            if (known_tau, known_kappa2) == (tau, kappa2) and np.array_equal(known, evidence):
                return self._posterior
        self._refreshed = tau, kappa2, evidence.copy()
        data = tau * self._laplacian
        data[self._diagonal] += tau * kappa2 + evidence
        self._posterior.refresh(data)
        return self._posterior

    @cached_property
    def _incidence(self) -> csr_array:
        """(m, k) from pairs to vertices, whose product with its own transpose is L."""
        near = self.neighbours
        root, pair = np.sqrt(near.weight), np.arange(near.weight.size)
        ends = np.concatenate((near.first, near.second)), np.tile(pair, 2)
        return csr_array(
            coo_array((np.concatenate((root, -root)), ends), shape=(near.size, pair.size))
        )

    def noise(self, tau: float, kappa2: float, n: int, rng: np.random.Generator) -> Floats:
        """Return n draws with covariance Q (not its inverse), (n, m)."""
        near = self.neighbours
        out = np.sqrt(tau * kappa2) * rng.standard_normal((n, near.size))
        for part in blocks(n):
            step = rng.standard_normal((part.stop - part.start, near.weight.size))
            out[part] += np.sqrt(tau) * (self._incidence @ step.T).T
        return np.asarray(out)
