"""The roads of an instance as straight pieces, for maps that have nothing but the instance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimizer.report.content.straight_roads import StraightRoads

if TYPE_CHECKING:
    from optimizer.problem.instance import Instance

MOST_ROADS = 30_000
"""Pieces of road that a page still draws at once."""


def straight_roads(instance: Instance) -> StraightRoads | None:
    """Return the roads, those on routes and at options first; None where the problem has no map."""
    if instance.lonlat is None:
        return None
    ends = np.sort(np.column_stack((instance.tail, instance.head)).astype(np.int64), axis=1)
    busy = np.zeros(ends.shape[0], dtype=bool)
    busy[[arc for option in instance.options for arc in option.arcs]] = True
    busy[[arc for evader in instance.evaders for route in evader.routes for arc in route.arcs]] = True
    order = np.argsort(~busy, kind="stable")
    _, first = np.unique(ends[order], axis=0, return_index=True)
    kept = order[np.sort(first)]
    drawn = ends[kept[:MOST_ROADS]]
    return StraightRoads(instance.lonlat[drawn[:, 0]], instance.lonlat[drawn[:, 1]], max(0, kept.size - MOST_ROADS))
