"""What maps need to know of the ground: a plane in metres, boxes, the bounds of the
map, which roads and towns to show.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely
from numpy.typing import NDArray

from optimizer.problem.network.geodesy import METRES_PER_DEGREE
from optimizer.problem.network.places import Crossing, Gateway, NamedPlace, Settlement
from optimizer.problem.network.road_classes import MAIN_CLASSES
from optimizer.report.maps.place_names import PlaceNames

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from optimizer.problem.network.network import Network
    from optimizer.report.content.report_content import ReportContent


@dataclass(frozen=True, slots=True)
class Plane:
    """Metres east and north of a point (equirectangular: equal scale both ways at the
    latitude of the point).
    """

    lon: float
    lat: float

    def project(self, lonlat: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (k, 2) metres for (k, 2) degrees."""
        return (lonlat - (self.lon, self.lat)) * (
            METRES_PER_DEGREE * np.cos(np.radians(self.lat)),
            METRES_PER_DEGREE,
        )


def plane_of(content: ReportContent) -> Plane:
    """Return the plane around the network's centre."""
    return Plane(*content.network.centre) if content.network.n_nodes else Plane(0.0, 0.0)


def segments_to_draw(
    content: ReportContent, busy: NDArray[np.bool_], most: int
) -> NDArray[np.int64]:
    """Return the segments an interactive map can hold, in ascending order.

    Parameters
    ----------
    content
        The report.
    busy
        (n_segments,) bool: segments that must stay (routes and sites).
    most
        Number of segments to keep where there are more. Main roads are kept before
        minor ones, and those before minor ones further from what must stay.
    """
    network = content.network
    if network.n_segments <= most:
        return np.arange(network.n_segments)
    minor = ~np.isin(network.road_class[network.segment_arc], MAIN_CLASSES)
    order = np.lexsort((_distance_to(network, busy), minor, ~busy))
    return np.sort(order[: max(most, int(busy.sum()))])


def _distance_to(network: Network, busy: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(n_segments,) metres from each segment's middle to the nearest busy segment's
    middle; to the network's centre where none is busy.
    """
    middle = Plane(*network.centre).project(network.segment_midpoint)
    if not busy.any():
        return np.asarray(np.hypot(middle[:, 0], middle[:, 1]))
    points = np.asarray(shapely.points(middle), dtype=object)
    inputs, distances = shapely.STRtree(points[busy]).query_nearest(
        points, return_distance=True, all_matches=False
    )
    result = np.empty(network.n_segments)
    result[inputs[0]] = distances
    return result


def place_names(content: ReportContent) -> PlaceNames:
    """Return the places of a report that a spot can be near to."""
    return PlaceNames(
        content.network,
        (*content.places, *known_places(content.settlements, content.crossings, content.gateways)),
        border_parts(content.border),
    )


def known_places(
    settlements: Iterable[Settlement], crossings: Iterable[Crossing], gateways: Iterable[Gateway]
) -> tuple[NamedPlace, ...]:
    """Return places of a region as named places: towns, and crossings of either kind."""
    towns = [
        NamedPlace(town.name, town.lon, town.lat, "town", town.population) for town in settlements
    ]
    border: list[Crossing | Gateway] = [*crossings, *gateways]
    return (*towns, *(NamedPlace(each.name, each.lon, each.lat, "crossing") for each in border))


def thinness(segments: int, least: float) -> float:
    """Return what to multiply line widths by, in [least, 1]: on a dense map thick roads
    run together.
    """
    return float(np.clip((1500 / max(segments, 1)) ** 0.4, least, 1.0))


def border_parts(border: BaseGeometry | None) -> NDArray[np.object_]:
    """Return a border as simple lines (rings where it is an area); empty where there is none."""
    if border is None or border.is_empty:
        return np.empty(0, dtype=object)
    parts = shapely.get_parts(shapely.get_parts(border))
    kind = shapely.get_type_id(parts)
    rings = shapely.get_rings(parts[kind == shapely.GeometryType.POLYGON])
    lines = parts[np.isin(kind, (shapely.GeometryType.LINESTRING, shapely.GeometryType.LINEARRING))]
    return np.concatenate((lines, rings)).astype(object)


def border_fits(content: ReportContent) -> bool:
    """Return whether the whole border can be shown without shrinking the roads: it
    leaves their box by a fifth at most.
    """
    shape = content.network.shape
    if content.border is None or content.border.is_empty or not len(shape):
        return False
    low, high = shape.min(axis=0), shape.max(axis=0)
    margin = 0.2 * float((high - low).max())
    west, south, east, north = content.border.bounds
    return bool((low - margin <= (west, south)).all() and (high + margin >= (east, north)).all())


def map_bounds(content: ReportContent) -> Bounds:
    """Return what the map must show, with a margin, in degrees."""
    network = content.network
    places = [(site.lon, site.lat) for site in content.sites]
    for beat in content.beats:
        places += [(beat.home.lon, beat.home.lat), *((stop.lon, stop.lat) for stop in beat.stops)]
    points = np.vstack((network.shape, np.array(places, dtype=np.float64).reshape(-1, 2)))
    if not len(points):
        return Bounds(-1.0, -1.0, 1.0, 1.0)
    if border_fits(content):
        points = np.vstack((points, shapely.get_coordinates(content.border)))
    low, high = points.min(axis=0), points.max(axis=0)
    margin = max(0.03 * float((high - low).max()), 1e-4)
    west, south, east, north = np.concatenate((low - margin, high + margin)).tolist()
    return Bounds(west, south, east, north)


ROUND_ORDERS = 0.08
"""Margin around what is ordered, as a share of its larger side."""

LEAST_DEGREES = 0.02
"""Least width and height of what a map of the orders shows."""


def order_bounds(content: ReportContent) -> Bounds:
    """Return the box around what is ordered (sites in the plan or closed, bases and
    posts) and the routes past it that the first page names, in degrees; the whole map
    where nothing is ordered.
    """
    places = [
        (site.lon, site.lat) for site in content.sites if site.chosen or site.standing == "given up"
    ]
    for beat in content.beats:
        places += [(beat.home.lon, beat.home.lat), *((stop.lon, stop.lat) for stop in beat.stops)]
    points = np.array(places, dtype=np.float64).reshape(-1, 2)
    points = points[np.isfinite(points).all(axis=1)]
    if not len(points):
        return map_bounds(content)
    for way in content.holes:
        lines = content.network.lines[content.network.segment[np.asarray(way.arcs, dtype=np.int64)]]
        points = np.vstack((points, shapely.get_coordinates(lines)))
    low, high = points.min(axis=0), points.max(axis=0)
    margin = ROUND_ORDERS * float((high - low).max())
    short = np.maximum(LEAST_DEGREES - (high - low), 0.0) / 2
    west, south, east, north = np.concatenate(
        (low - margin - short, high + margin + short)
    ).tolist()
    return Bounds(west, south, east, north)


CROPPED = 0.8
"""Share of the map's area below which a map shows the orders alone."""


def opening_bounds(content: ReportContent, whole: Bounds) -> Bounds:
    """Return the bounds of the orders, or of the whole map where they are most of it."""
    orders = order_bounds(content)
    return orders if orders.width * orders.height < CROPPED * whole.width * whole.height else whole


@dataclass(frozen=True, slots=True)
class Bounds:
    """West, south, east and north end of a box: degrees of a map, or any unit of length
    of a sheet.
    """

    west: float
    south: float
    east: float
    north: float

    @property
    def width(self) -> float:
        """From west to east, in the unit of the box."""
        return self.east - self.west

    @property
    def height(self) -> float:
        """From south to north, in the unit of the box."""
        return self.north - self.south

    @property
    def middle_latitude(self) -> float:
        """The latitude halfway up a box in degrees."""
        return (self.south + self.north) / 2

    def holds(self, box: NDArray[np.float64]) -> bool:
        """Return whether a (4,) box (west, south, east, north) lies wholly inside."""
        return bool(
            self.west <= box[0]
            and self.south <= box[1]
            and box[2] <= self.east
            and box[3] <= self.north
        )


@dataclass(frozen=True, slots=True)
class StraightRoads:
    """Roads as straight pieces: (k, 2) degrees of both ends; `left_out` counts those
    that are not drawn.
    """

    begin: NDArray[np.float64]
    end: NDArray[np.float64]
    left_out: int
