"""A connected part of a large model, on which hyperparameters are fitted: three numbers need no more than some thousand segments."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order

from optimizer.risk.field_flow.latent import Design, LatentModel

if TYPE_CHECKING:
    from numpy.typing import NDArray

LARGEST = 8_000
"""Segments up to which a model is taken whole."""


def learning_subgraph(latent: LatentModel, largest: int = LARGEST) -> NDArray[np.int64]:
    """Return the sorted segments around the one with most seizures, `largest` at most; all where the model is no larger."""
    near = latent.field.neighbours
    if near.size <= largest:
        return np.arange(near.size)
    found = np.bincount(latent.cells.segment, latent.cells.count, near.size)
    graph = coo_array((np.ones(near.first.size), (near.first, near.second)), shape=(near.size, near.size)).tocsr()
    order = breadth_first_order(graph, int(np.argmax(found)), directed=False, return_predecessors=False)
    return np.sort(order[:largest]).astype(np.int64)


def restrict(latent: LatentModel, segments: NDArray[np.int64]) -> LatentModel:
    """Return the model on some of its segments; counts by area stay where all of the area does."""
    near = latent.field.neighbours
    if segments.size == near.size:
        return latent
    place = np.full(near.size, -1, dtype=np.int64)
    place[segments] = np.arange(segments.size)
    cells = latent.cells.take(place[latent.cells.segment] >= 0)
    design = latent.design
    return LatentModel(
        latent.field.part(segments),
        replace(cells, segment=place[cells.segment]),
        tuple(replace(area, segment=place[area.segment]) for area in latent.areas if (place[area.segment] >= 0).all()),
        Design(design.columns[segments], design.prior_mean, design.prior_sd, design.offset[segments]),
        latent.n_units,
        own=None if latent.own is None else latent.own[segments],
    )
