"""Values and paths of informed evaders on an overlay, by compiled searches where there are enough of them to pay (`solvers.compiled`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from optimizer.problem.instance.evaders import arc_costs
from optimizer.solvers.search.compiled import kernels

if TYPE_CHECKING:
    from types import ModuleType

    from numpy.typing import NDArray

    from optimizer.problem.instance.evaders import Searches
    from optimizer.solvers.overlay.overlay import Overlay


class Arranged(NamedTuple):
    """The arcs of an overlay as searches from some roots follow them, and the leaves by root, as `searches_kernels` take them."""

    first: NDArray[np.int64]
    end: NDArray[np.int64]
    arcs: NDArray[np.int64]
    roots: NDArray[np.int64]
    start: NDArray[np.int64]
    order: NDArray[np.int64]
    leaf: NDArray[np.int64]

    @classmethod
    def of(cls, overlay: Overlay, searches: Searches) -> Arranged:
        """Arrange the arcs of an overlay; those out of a node stay in their order."""
        tail, head = (overlay.head, overlay.tail) if searches.reverse else (overlay.tail, overlay.head)
        arcs = np.argsort(tail, kind="stable")
        return cls(
            np.searchsorted(tail[arcs], np.arange(overlay.n_nodes + 1)),
            head[arcs].astype(np.int64),
            arcs,
            searches.roots.astype(np.int64),
            np.searchsorted(np.sort(searches.row), np.arange(searches.roots.size + 1)),
            np.argsort(searches.row, kind="stable"),
            searches.leaf.astype(np.int64),
        )


def compiled_searches(overlay: Overlay, searches: Searches) -> ModuleType | None:
    """Return the compiled searches if they pay by now."""
    return kernels("searches", overlay.tail.size * searches.roots.size)


def arranged(overlay: Overlay, searches: Searches) -> Arranged:
    """Return the arcs and leaves, arranged once for an overlay and its searches."""
    kept: dict[int, tuple[Searches, Arranged]] = overlay.arrangements
    if id(searches) not in kept:
        kept[id(searches)] = (searches, Arranged.of(overlay, searches))
    return kept[id(searches)][1]


def search_values(overlay: Overlay, searches: Searches, placed: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the (evaders,) largest chances to get through under an (options,) mask."""
    survival = overlay.arc_survival(placed)
    if (compiled := compiled_searches(overlay, searches)) is None:
        return searches.values(overlay.n_nodes, overlay.tail, overlay.head, survival)
    way = arranged(overlay, searches)
    costs = compiled.leaf_costs(
        way.first, way.end, way.arcs, arc_costs(survival), way.roots, way.start, way.order, way.leaf
    )
    return np.asarray(np.exp(-costs))
