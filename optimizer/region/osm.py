"""OpenStreetMap's objects as a reader finds them, what its tags say of a way, and the
ways that become roads.

One table holds every class of road with its mode and default speed. Legal access
(`access=private`, `motor_vehicle=no`, ...) is left out of account on purpose: evaders
do not respect it. Direction of travel is respected, because going against it is
conspicuous.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from optimizer.base.errors import InputError, Problem
from optimizer.base.text.language import marked
from optimizer.base.text.messages import message
from optimizer.problem.network.polylines import LonLat
from optimizer.problem.network.road_classes import MODE_OF, MODES, NO_SPEEDS, speed_kmh
from optimizer.region.model import Dropped
from optimizer.region.ways import Points, SourceWays, Ways

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

__all__ = ["MODES"]  # what `optimizer.region` hands on

ATTRIBUTION = "© OpenStreetMap contributors, ODbL 1.0"


@dataclass(frozen=True, slots=True)
class PlaceNode:
    """A node with a `place` tag: its OSM id, degrees, and tags (name, kind of place,
    population as it stands, empty where missing).
    """

    id: int
    lon: float
    lat: float
    name: str
    kind: str
    population: str


@dataclass(frozen=True, slots=True)
class Boundary:
    """A boundary relation of a country: its OSM id, every name it goes by, and its area
    in degrees (None where it does not close).
    """

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
    """Ways with their tags and nodes."""

    #: (w,) OSM ids.
    way: NDArray[np.int64]
    #: `tags`, `tags_of`, `name`: Sets of tags, and the (w,) position of each way's
    #: among them; ways share sets. (w,) names, which these sets need not hold.
    tags: Sequence[Mapping[str, str]]
    tags_of: NDArray[np.int32]
    name: NDArray[np.object_]
    #: `start`, `point`: (w + 1,) and (r,): way i runs through the nodes
    #: `point[start[i]:start[i + 1]]`, positions in `node`, -1 for nodes that are
    #: missing.
    start: NDArray[np.int64]
    point: NDArray[np.int32]
    #: `node`, `lonlat`: (n,) ids in rising order, and where the nodes are.
    node: NDArray[np.int64]
    lonlat: LonLat
    #: (c, 2) degrees of the nodes tagged `barrier=border_control`.
    controls: NDArray[np.float64]
    #: Nodes tagged `place`.
    places: tuple[PlaceNode, ...] = ()
    #: Boundary relations of `admin_level=2`.
    boundaries: tuple[Boundary, ...] = ()


def roads_of(
    data: OsmData, modes: frozenset[str], where: str, speeds: Mapping[str, float] = NO_SPEEDS
) -> SourceWays:
    """Return the ways of the asked modes as lines, and what was left out.

    Raises
    ------
    InputError
        If no way is left.
    """
    read = [read_road(tags, modes, speeds) for tags in data.tags]
    usable = np.array([isinstance(road, Road) for road in read], dtype=bool)
    kept = usable[data.tags_of]
    ways = zip(data.way[~kept].tolist(), data.tags_of[~kept].tolist(), strict=True)
    dropped = [
        Dropped(f"way {way}", reason) for way, tags in ways if isinstance(reason := read[tags], str)
    ]
    way, name = data.way[kept], data.name[kept]
    road_of = (np.cumsum(usable, dtype=np.int32) - 1)[data.tags_of[kept]]
    lines = _lines(_entries(data, kept))
    dropped += [
        Dropped(f"way {way[i]}", marked("part of the way lies outside the extract"))
        for i in np.intersect1d(lines.incomplete, lines.owner)
    ]
    lost = np.setdiff1d(np.arange(way.size), lines.owner)
    dropped += [
        Dropped(f"way {way[i]}", marked("fewer than two points inside the extract")) for i in lost
    ]
    if not lines.owner.size:
        raise InputError(_no_roads(where, modes, data.way.size))
    points = Points(data.node, data.lonlat, np.zeros(data.node.size, dtype=bool))
    columns = _columns(
        [road for road in read if isinstance(road, Road)], road_of[lines.owner], name[lines.owner]
    )
    return SourceWays(
        Ways(points=points, start=lines.start, point=lines.point, way=way[lines.owner], **columns),
        dropped,
    )


@dataclass(frozen=True)
class _Entries:
    """Nodes along ways: (r,) way and node position of each entry (-1 where the node is missing)."""

    owner: NDArray[np.int32]
    position: NDArray[np.int32]


@dataclass(frozen=True)
class _Lines:
    """Lines of at least two points each: `start` and `point` as in `Ways`, the (w,) way
    that each is part of, and ways that miss a node.
    """

    start: NDArray[np.int64]
    owner: NDArray[np.int32]
    point: NDArray[np.int32]
    incomplete: NDArray[np.int32]


def _entries(data: OsmData, kept: NDArray[np.bool_]) -> _Entries:
    """Return the entries of some ways, repeats in a row left out."""
    count = np.diff(data.start)
    owner = np.repeat(np.arange(np.count_nonzero(kept), dtype=np.int32), count[kept])
    position = data.point if owner.size == data.point.size else data.point[np.repeat(kept, count)]
    fresh = np.ones(owner.size, dtype=bool)
    fresh[1:] = (position[1:] != position[:-1]) | (owner[1:] != owner[:-1]) | (position[1:] < 0)
    return _Entries(owner, position) if fresh.all() else _Entries(owner[fresh], position[fresh])


def _lines(entries: _Entries) -> _Lines:
    """Cut ways where nodes are missing; return the parts with two points or more."""
    owner, position = entries.owner, entries.position
    absent = position < 0
    new = np.ones(owner.size, dtype=bool)
    new[1:] = (owner[1:] != owner[:-1]) | absent[:-1]
    new |= absent
    first = np.flatnonzero(new)
    count = np.diff(np.append(first, owner.size))
    usable = (count > 1) & ~absent[first]
    start = np.concatenate(([0], np.cumsum(count[usable])))
    point = position if usable.all() else position[np.repeat(usable, count)]
    return _Lines(start, owner[first[usable]], point, np.unique(owner[absent]))


def _columns(
    roads: Sequence[Road], road_of: NDArray[np.int32], name: NDArray[np.object_]
) -> dict[str, NDArray[Any]]:
    """Return the columns of `Ways` from the roads that there are, the (w,) position of
    each line's, and (w,) names.
    """
    dtypes: dict[str, Any] = {
        "road_class": object,
        "name": object,
        "ref": object,
        "forward": bool,
        "backward": bool,
        "speed_kmh": float,
        "time_s": float,
    }
    columns = {
        field: np.array([getattr(road, field) for road in roads], dtype=kind)[road_of]
        for field, kind in dtypes.items()
    }
    columns["name"] = np.where(name != "", name, columns["name"])
    return {**columns, "length_m": np.full(road_of.size, np.nan)}


def _no_roads(where: str, modes: frozenset[str], n_ways: int) -> Problem:
    asked = ", ".join(sorted(modes))
    found = (
        f"{n_ways} ways, none of them usable in the modes {asked}" if n_ways else "no roads at all"
    )
    return Problem(where, found, "at least one road", "Check the area, or ask for more modes")


USED_TAGS = (
    "highway",
    "route",
    "area",
    "junction",
    "oneway",
    "oneway:foot",
    "maxspeed",
    "duration",
    "name",
    "ref",
)

_NO_ROAD = {
    "proposed",
    "planned",
    "construction",
    "abandoned",
    "disused",
    "razed",
    "demolished",
    "removed",
    "dismantled",
    "no",
}

_FORWARD = {"yes", "true", "1"}

_BACKWARD = {"-1", "reverse"}


@dataclass(frozen=True, slots=True)
class Road:
    """How one way is travelled."""

    #: Its `highway` value, or `ferry`.
    road_class: str
    #: Its name, or else its number; empty where it has neither.
    name: str
    #: Its number (`L191`; several with `;` between); empty where it has none.
    ref: str
    #: `forward`, `backward`: Whether it is travelled in and against the order of its
    #: nodes.
    forward: bool
    backward: bool
    #: Free-flow speed in km/h, > 0.
    speed_kmh: float
    #: Seconds for the whole way where it says so itself (a ferry's `duration`), else
    #: NaN.
    time_s: float


def checked_modes(modes: Iterable[str]) -> frozenset[str]:
    """Return the modes as a set.

    Raises
    ------
    InputError
        If one is unknown, or there is none.
    """
    asked = [modes] if isinstance(modes, str) else list(modes)
    known = f"one or more of {', '.join(MODES)}"
    problems = [
        Problem("modes", repr(mode), known, "Correct it") for mode in asked if mode not in MODES
    ]
    if problems or not asked:
        raise InputError(*(problems or [Problem("modes", "none", known, "Name at least one")]))
    return frozenset(asked)


def read_road(
    tags: Mapping[str, str], modes: frozenset[str], speeds: Mapping[str, float] = NO_SPEEDS
) -> Road | str:
    """Return how a way is travelled, or the reason why it is left out; `speeds` by
    class go before the built-in ones.
    """
    value = tags.get("highway", "").split(";")[0].strip() or (
        "ferry" if tags.get("route") == "ferry" else ""
    )
    if not value:
        return marked("neither a road nor a ferry")
    if value in _NO_ROAD:
        return message("highway={value}: not a road yet, or no longer", value=value)
    if value not in MODE_OF:
        return message("highway={value}: not a road that is travelled", value=value)
    if tags.get("area") == "yes":
        return marked("area=yes: an area, not a line")
    if MODE_OF[value] not in modes:
        return message("mode {mode} was not asked for", mode=MODE_OF[value])
    forward, backward = _directions(value, tags)
    return Road(
        road_class=value,
        name=tags.get("name") or tags.get("ref", ""),
        ref=tags.get("ref", ""),
        forward=forward,
        backward=backward,
        speed_kmh=speed_kmh(value, tags.get("maxspeed", ""), speeds),
        time_s=parse_duration_s(tags.get("duration", "")) if value == "ferry" else float("nan"),
    )


def parse_duration_s(text: str) -> float:
    """Return a `duration` tag (`1:30`, `1:30:00`, minutes, or ISO 8601 `PT1H30M`) in
    seconds; NaN where it is none.

    Examples
    --------
    >>> parse_duration_s("0:15"), parse_duration_s("PT1H30M"), parse_duration_s("20")
    (900.0, 5400.0, 1200.0)
    """
    text = text.strip().upper()
    seconds = float("nan")
    if re.fullmatch(r"\d{1,4}", text):
        seconds = float(text) * 60
    elif clock := re.fullmatch(r"(\d{1,3}):(\d{2})(?::(\d{2}))?", text):
        seconds = int(clock[1]) * 3600 + int(clock[2]) * 60 + int(clock[3] or 0)
    elif (iso := re.fullmatch(r"PT(?:(\d{1,3})H)?(?:(\d{1,4})M)?(?:(\d{1,5})S)?", text)) and any(
        iso.groups()
    ):
        seconds = sum(
            int(value or 0) * unit for value, unit in zip(iso.groups(), (3600, 60, 1), strict=True)
        )
    return float(seconds) if seconds > 0 else float("nan")


def _directions(road_class: str, tags: Mapping[str, str]) -> tuple[bool, bool]:
    """Return whether a way is travelled forward and backward. A walker obeys
    `oneway:foot` alone.
    """
    oneway = (
        tags.get("oneway:foot", "") if MODE_OF[road_class] == "foot" else tags.get("oneway", "")
    )
    if oneway in _BACKWARD:
        return False, True
    implied = road_class == "motorway" or (
        tags.get("junction") in {"roundabout", "circular"} and MODE_OF[road_class] != "foot"
    )
    if oneway in _FORWARD or (implied and oneway != "no"):
        return True, False
    return True, True
