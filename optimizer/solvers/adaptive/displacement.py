"""Where the loads of a run travel: in named parts of the network, such as districts, and on each stretch of road.

With f_tr the loads on route r in period t and P the roads of a part, the loads that travel there are sum_r f_tr [r meets P], and the
load-kilometres sum_r f_tr km(r, P). Both are products of the flows with a (routes, parts) table that all runs share. A stretch is a set of
roads that lie on the same routes: the loads on one road of it are those on every other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from optimizer.solvers.adaptive.routes import RouteSet

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class RoadPart:
    """A named part of the network, and what kind of part it is: `district` or `mode`."""

    kind: str
    name: str


@dataclass(frozen=True, eq=False)
class RunTravel:
    """Where the loads of a run travel.

    Attributes
    ----------
    loads, load_km
        (periods, parts) loads that travel in each part of the network, and kilometres that they travel there.
    stretches
        (periods on a map, stretches) loads on each stretch of road.
    """

    loads: Floats
    load_km: Floats
    stretches: Floats

    def content(self) -> dict[str, Any]:
        """Return the arrays as JSON can hold them."""
        return {name: getattr(self, name).tolist() for name in ("loads", "load_km", "stretches")}

    @classmethod
    def of(cls, content: Mapping[str, Any], parts: int) -> Self:
        """Return what `content` returned."""
        loads, km = (np.array(content[name], dtype=np.float64).reshape(-1, parts) for name in ("loads", "load_km"))
        return cls(loads, km, np.array(content["stretches"], dtype=np.float64))


class TravelMeter:
    """Measures where flows travel.

    Parameters
    ----------
    routes
        The routes.
    inside
        (parts, segments) mask of the roads of each part.
    length_km
        (segments,) lengths.
    periods
        Periods on a map, from 1.

    Attributes
    ----------
    stretch
        (segments,) the stretch of each road; -1 where no route goes.
    """

    stretch: Ints

    def __init__(self, routes: RouteSet, inside: Mask, length_km: Floats, periods: Sequence[int]) -> None:
        on: csr_array = routes.segments
        used = on.shape[1]
        self._km = np.asarray(on @ (inside[:, :used] * length_km[:used]).T)
        self._meets = np.asarray(on @ inside[:, :used].T.astype(np.float64) > 0).astype(np.float64)
        self._frames = np.array(periods, dtype=np.int64) - 1
        self.stretch = np.full(length_km.size, -1, dtype=np.int64)
        by_road = on.tocsc()
        by_road.sort_indices()
        known: dict[bytes, int] = {}
        first: list[int] = []
        for road in np.flatnonzero(np.diff(by_road.indptr)).tolist():
            key = by_road.indices[by_road.indptr[road] : by_road.indptr[road + 1]].tobytes()
            self.stretch[road] = known.setdefault(key, len(known))
            if len(known) > len(first):
                first.append(road)
        self._on_stretch = by_road[:, first]

    def travel(self, flows: Floats) -> RunTravel:
        """Return where (periods, routes) loads travel."""
        stretches = np.asarray((self._on_stretch.T @ flows[self._frames].T).T)
        return RunTravel(flows @ self._meets, flows @ self._km, np.round(stretches, 6))
