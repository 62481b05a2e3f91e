"""OpenStreetMap's objects as a reader finds them, and the ways that become roads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.base.errors import InputError, Problem
from optimizer.base.language import marked
from optimizer.problem.road_classes import NO_SPEEDS
from optimizer.region.model import Dropped
from optimizer.region.roads import Road, read_road
from optimizer.region.ways import Points, SourceWays, Ways, ranges

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

ATTRIBUTION = "© OpenStreetMap contributors, ODbL 1.0"


@dataclass(frozen=True, slots=True)
class PlaceNode:
    """A node with a `place` tag: its OSM id, degrees, and tags (name, kind of place, population as it stands, empty where missing)."""

    id: int
    lon: float
    lat: float
    name: str
    kind: str
    population: str


@dataclass(frozen=True, slots=True)
class Boundary:
    """A boundary relation of a country: its OSM id, every name it goes by, and its area in degrees (None where it does not close)."""

    id: int
    names: tuple[str, ...]
    area: BaseGeometry | None

    @property
    def label(self) -> str:
        """Its first name, or its number."""
        return self.names[0] if self.names else f"relation {self.id}"


@dataclass(frozen=True)
class OsmNodes:
    """Nodes of ways: (n,) ids in rising order, and their (n, 2) degrees."""

    id: NDArray[np.int64]
    lonlat: NDArray[np.float64]


@dataclass(frozen=True)
class PointFeatures:
    """Nodes with a meaning of their own: (c, 2) degrees of border controls, and places."""

    controls: NDArray[np.float64]
    places: tuple[PlaceNode, ...]


@dataclass(frozen=True)
class OsmData:
    """Ways with their tags and nodes.

    Attributes
    ----------
    way, tags
        (w,) OSM ids, and the tags of each way.
    start, ref
        (w + 1,) and (r,): way i runs through the nodes `ref[start[i]:start[i + 1]]`.
    node, lon, lat
        (n,) ids in rising order, with degrees; nodes that ways refer to may be missing.
    controls
        (c, 2) degrees of the nodes tagged `barrier=border_control`.
    places
        Nodes tagged `place`.
    boundaries
        Boundary relations of `admin_level=2`.
    """

    way: NDArray[np.int64]
    tags: Sequence[Mapping[str, str]]
    start: NDArray[np.int64]
    ref: NDArray[np.int64]
    node: NDArray[np.int64]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    controls: NDArray[np.float64]
    places: tuple[PlaceNode, ...] = ()
    boundaries: tuple[Boundary, ...] = ()


def roads_of(data: OsmData, modes: frozenset[str], where: str, speeds: Mapping[str, float] = NO_SPEEDS) -> SourceWays:
    """Return the ways of the asked modes as lines, and what was left out.

    Raises
    ------
    InputError
        If no way is left.
    """
    read = [read_road(tags, modes, speeds) for tags in data.tags]
    dropped = [
        Dropped(f"way {way}", road) for way, road in zip(data.way.tolist(), read, strict=True) if isinstance(road, str)
    ]
    kept = np.array([isinstance(road, Road) for road in read], dtype=bool)
    roads = [road for road in read if isinstance(road, Road)]
    way = data.way[kept]
    count = np.diff(data.start)[kept]
    entries = _entries(data, ranges(data.start[:-1][kept], count), np.repeat(np.arange(way.size), count))
    lines = _lines(entries)
    dropped += [
        Dropped(f"way {way[i]}", marked("part of the way lies outside the extract"))
        for i in np.intersect1d(entries.incomplete, lines.owner)
    ]
    lost = np.setdiff1d(np.arange(way.size), lines.owner)
    dropped += [Dropped(f"way {way[i]}", marked("fewer than two points inside the extract")) for i in lost]
    if not lines.owner.size:
        raise InputError(_no_roads(where, modes, len(read)))
    points = Points(data.node, data.lon, data.lat, np.zeros(data.node.size, dtype=bool))
    columns = _columns(roads, lines.owner)
    ways = Ways(points=points, start=lines.start, point=lines.point, way=way[lines.owner], **columns)
    return SourceWays(ways, dropped)


@dataclass(frozen=True)
class _Entries:
    """Nodes along ways: (r,) way and node position of each entry (-1 where the node is missing); the ways that miss a node."""

    owner: NDArray[np.int64]
    position: NDArray[np.int64]
    incomplete: NDArray[np.int64]


@dataclass(frozen=True)
class _Lines:
    """Lines of at least two points each: `start` and `point` as in `Ways`, and the (w,) way that each is part of."""

    start: NDArray[np.int64]
    owner: NDArray[np.int64]
    point: NDArray[np.int64]


def _entries(data: OsmData, entries: NDArray[np.int64], owner: NDArray[np.int64]) -> _Entries:
    """Return the entries with their nodes, repeats in a row left out."""
    wanted = data.ref[entries]
    position = np.searchsorted(data.node, wanted)
    position[position == data.node.size] = 0
    absent = data.node[position] != wanted if data.node.size else np.ones(wanted.size, dtype=bool)
    position[absent] = -1
    fresh = np.ones(wanted.size, dtype=bool)
    fresh[1:] = (wanted[1:] != wanted[:-1]) | (owner[1:] != owner[:-1])
    return _Entries(owner[fresh], position[fresh], np.unique(owner[absent]))


def _lines(entries: _Entries) -> _Lines:
    """Cut ways where nodes are missing; return the parts with two points or more."""
    owner, position = entries.owner, entries.position
    new = np.ones(owner.size, dtype=bool)
    new[1:] = (owner[1:] != owner[:-1]) | (position[:-1] < 0)
    new |= position < 0
    first = np.flatnonzero(new)
    count = np.diff(np.append(first, owner.size))
    usable = (count > 1) & (position[first] >= 0)
    first, count = first[usable], count[usable]
    return _Lines(np.concatenate(([0], np.cumsum(count))), owner[first], position[ranges(first, count)])


def _columns(roads: Sequence[Road], line_owner: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    dtypes: dict[str, Any] = {
        "road_class": np.str_,
        "name": np.str_,
        "ref": np.str_,
        "forward": bool,
        "backward": bool,
        "speed_kmh": float,
        "time_s": float,
    }
    columns = {
        name: np.array([getattr(road, name) for road in roads], dtype=kind)[line_owner] for name, kind in dtypes.items()
    }
    return {**columns, "length_m": np.full(line_owner.size, np.nan)}


def _no_roads(where: str, modes: frozenset[str], n_ways: int) -> Problem:
    asked = ", ".join(sorted(modes))
    found = f"{n_ways} ways, none of them usable in the modes {asked}" if n_ways else "no roads at all"
    return Problem(where, found, "at least one road", "Check the area, or ask for more modes")
