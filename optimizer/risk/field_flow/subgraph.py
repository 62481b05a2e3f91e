"""A connected part of a large problem, on which hyperparameters are learnt: three numbers need no more than some thousand segments."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order

from optimizer.risk.field_flow.field import Field, Neighbours
from optimizer.risk.field_flow.latent import Design, Problem

if TYPE_CHECKING:
    from numpy.typing import NDArray

LARGEST = 8_000
"""Segments up to which a problem is taken whole."""


def part_of(problem: Problem, largest: int = LARGEST) -> NDArray[np.int64]:
    """Return the sorted segments around the one with most finds, `largest` at most; all where the problem is no larger."""
    near = problem.field.neighbours
    if near.size <= largest:
        return np.arange(near.size)
    found = np.bincount(problem.cells.segment, problem.cells.count, near.size)
    graph = coo_array((np.ones(near.first.size), (near.first, near.second)), shape=(near.size, near.size)).tocsr()
    order = breadth_first_order(graph, int(np.argmax(found)), directed=False, return_predecessors=False)
    return np.sort(order[:largest]).astype(np.int64)


def restricted(problem: Problem, segments: NDArray[np.int64]) -> Problem:
    """Return the problem on some of its segments; counts by area stay where all of the area does."""
    near = problem.field.neighbours
    if segments.size == near.size:
        return problem
    place = np.full(near.size, -1, dtype=np.int64)
    place[segments] = np.arange(segments.size)
    inside = (place[near.first] >= 0) & (place[near.second] >= 0)
    smaller = Neighbours(segments.size, place[near.first[inside]], place[near.second[inside]], near.weight[inside])
    cells = problem.cells.take(place[problem.cells.segment] >= 0)
    design = problem.design
    return Problem(
        Field(smaller),
        replace(cells, segment=place[cells.segment]),
        tuple(replace(area, segment=place[area.segment]) for area in problem.areas if (place[area.segment] >= 0).all()),
        Design(design.columns[segments], design.prior_mean, design.prior_sd, design.offset[segments]),
        problem.n_units,
        own=None if problem.own is None else problem.own[segments],
    )
