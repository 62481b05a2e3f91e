"""Roads by what people call them: by name, by number and by class."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.names import unknown_name

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.base.errors import Problem
    from optimizer.problem.network import Network
    from optimizer.scenario.model import SiteModel


def road_label(network: Network, segment: int) -> str:
    """Return what messages call the road of a segment: its name (else its number) and class."""
    arc = network.segment_arc[segment]
    name, road_class = str(network.name[arc]), str(network.road_class[arc])
    return f"{name}, {road_class}" if name else f"a road of class {road_class}"


class RoadNames:
    """The segments of a network by name, number and class of their road; letter case and blanks do not count.

    Parameters
    ----------
    network
        The roads.
    """

    def __init__(self, network: Network) -> None:
        self._network = network

    @cached_property
    def _by_name(self) -> dict[str, list[int]]:
        network = self._network
        arcs = network.segment_arc
        numbers = [""] * arcs.size if network.ref is None else network.ref[arcs].tolist()
        found: dict[str, list[int]] = {}
        for segment, (name, number) in enumerate(zip(network.name[arcs].tolist(), numbers, strict=True)):
            for text in {_plain(name), *map(_plain, name.split(";")), *map(_plain, number.split(";"))} - {""}:
                found.setdefault(text, []).append(segment)
        return found

    def segments(self, road: str, road_class: str) -> NDArray[np.int64]:
        """Return the segments of roads of a name or number, and of a class; either may be empty."""
        network = self._network
        chosen = np.ones(network.n_segments, dtype=bool)
        if road:
            chosen[:] = False
            chosen[self._by_name.get(_plain(road), [])] = True
        if road_class:
            chosen &= network.road_class[network.segment_arc] == road_class
        return np.flatnonzero(chosen)


def off_its_road(where: str, site: SiteModel, network: Network, max_distance_m: float) -> Problem:
    """Return the problem of a site that names a road which is not near it, with the roads that are."""
    lon, lat = np.array([site.lon], dtype=np.float64), np.array([site.lat], dtype=np.float64)
    _, segments = network.segments_near(lon, lat, np.array([max_distance_m]))
    arcs = network.segment_arc[segments]
    names = network.name[arcs].tolist() + ([] if network.ref is None else network.ref[arcs].tolist())
    near = [name for name in dict.fromkeys(names if site.road else network.road_class[arcs].tolist()) if name]
    wanted = " of class ".join(filter(None, (site.road, site.road_class))) if site.road else site.road_class
    field = "road" if site.road else "road_class"
    return unknown_name(
        f"{where}, {field}",
        wanted,
        near,
        found=f"{wanted!r}, which no road within {max_distance_m:g} m is",
        expected="" if near else "a road near the site",
        remedy="Correct it, leave it out, or raise sites.max_distance_m",
    )


def _plain(text: str) -> str:
    return "".join(text.casefold().split())
