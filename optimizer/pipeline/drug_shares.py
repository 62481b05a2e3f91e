"""What each evader carries, as far as a record tells: the mix of what was seized along his routes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from optimizer.problem.evaders import best_responses
from optimizer.scenario.source_measures import on_roads

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.scenario.compile import Compiled

UNKNOWN = "not stated"
"""Name of what a record does not say."""


@dataclass(frozen=True)
class DrugShares:
    """The share of each drug in what evaders carry: an estimate from the record, beside the model, which knows no drugs.

    Attributes
    ----------
    names
        The drugs.
    share
        (evaders, drugs) shares; each row sums to 1.
    """

    names: tuple[str, ...]
    share: NDArray[np.float64]


def drug_shares(compiled: Compiled) -> DrugShares | None:
    """Return what each evader of a scenario carries; None where its record names no drug.

    A seizure counts for an evader by the share of its segments, one or those of its area, that his routes travel: the habitual ones by their
    shares, or the best one with nothing placed. An evader along whose routes nothing was seized carries the mix of the whole record.
    """
    records, network = compiled.records, compiled.region.network
    if records is None or not (records.drug != "").any():
        return None
    names, drug = np.unique(np.where(records.drug == "", UNKNOWN, records.drug), return_inverse=True)
    found = np.zeros((network.n_segments, names.size))
    for row in np.flatnonzero(records.count > 0).tolist():
        area = int(records.area[row])
        segments = records.area_segment[area] if area >= 0 else records.segment[row : row + 1]
        if segments.size:
            found[segments, drug[row]] += records.count[row] / segments.size
    mix = _travelled(compiled) @ found
    total = mix.sum(axis=1, keepdims=True)
    whole = np.bincount(drug, records.count, names.size)
    known = np.where(total > 0, mix / np.where(total > 0, total, 1.0), whole / whole.sum())
    return DrugShares(tuple(str(name) for name in names), known)


def _travelled(compiled: Compiled) -> csr_array:
    """Return the (evaders, segments) share of each evader that travels each segment."""
    instance, network = compiled.instance, compiled.region.network
    best = best_responses(instance.n_nodes, instance.tail, instance.head, instance.reliability, instance.evaders)
    rows, columns, shares = [], [], []
    for k, evader in enumerate(instance.evaders):
        routes = [(route.arcs, route.share) for route in evader.routes] or [(best[k], 1.0)]
        for arcs, share in routes:
            segments = np.unique(network.segment[list(on_roads(arcs, network))])
            rows.append(np.full(segments.size, k))
            columns.append(segments)
            shares.append(np.full(segments.size, share))
    place = (np.concatenate(rows or [np.empty(0, int)]), np.concatenate(columns or [np.empty(0, int)]))
    shape = (len(instance.evaders), network.n_segments)
    return csr_array((np.concatenate(shares or [np.empty(0)]), place), shape=shape)
