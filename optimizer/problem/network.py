"""The road network: frozen arc arrays, shortest paths in time, and the nearest segment to a point."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from scipy.sparse.csgraph import connected_components

from optimizer.problem.graph import CostGraph, cost_graph

if TYPE_CHECKING:
    from numpy.typing import NDArray

EARTH_RADIUS_M = 6_371_008.8
"""Mean radius of the Earth in metres (IUGG R1)."""


@dataclass(frozen=True)
class Network:
    """A directed road network in WGS 84.

    Attributes
    ----------
    node_id
        (n,) integers or strings, unique: what files and people call the nodes.
    lon, lat
        (n,) degrees.
    tail, head
        (m,) positions in `node_id`; arcs may run in parallel.
    length_m
        (m,) metres, > 0.
    time_s
        (m,) seconds of free-flow travel, > 0.
    road_class
        (m,) strings: an OSM `highway` value, `ferry`, or a word of the file's own.
    name
        (m,) road name or number; empty where unknown.
    way
        (m,) OSM way the arc comes from; 0 where it comes from none.
    segment
        (m,) undirected road segment in [0, n_segments): the two directions of one stretch share it.
    shape_start
        (m + 1,) where each arc's line starts in `shape`.
    shape
        (p, 2) longitude and latitude of the points of all lines, in the direction of travel.
    ref
        (m,) numbers of the road (`L191`; several with `;` between), empty where it has none; None where the source keeps none beside names.
    """

    node_id: NDArray[Any]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    tail: NDArray[np.int32]
    head: NDArray[np.int32]
    length_m: NDArray[np.float64]
    time_s: NDArray[np.float64]
    road_class: NDArray[np.str_]
    name: NDArray[np.str_]
    way: NDArray[np.int64]
    segment: NDArray[np.int32]
    shape_start: NDArray[np.int64]
    shape: NDArray[np.float64]
    ref: NDArray[np.str_] | None = None

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return self.node_id.size

    @property
    def n_arcs(self) -> int:
        """Number of directed arcs."""
        return self.tail.size

    @property
    def n_segments(self) -> int:
        """Number of undirected segments."""
        return int(self.segment.max()) + 1 if self.n_arcs else 0

    @cached_property
    def segment_arc(self) -> NDArray[np.int64]:
        """(n_segments,) one arc of each segment: the first in the table."""
        return np.unique(self.segment, return_index=True)[1]

    def arcs_of(self, segment: int) -> tuple[int, ...]:
        """Return the arcs of a segment: both directions, or one where it is one-way."""
        return tuple(np.flatnonzero(self.segment == segment).tolist())

    @cached_property
    def lines(self) -> NDArray[np.object_]:
        """(n_segments,) shapely lines in degrees, drawn as `segment_arc` runs."""
        start, end = self.shape_start[self.segment_arc], self.shape_start[self.segment_arc + 1]
        count = end - start
        offset = np.repeat(start - np.concatenate(([0], np.cumsum(count)[:-1])), count)
        points = self.shape[offset + np.arange(count.sum())]
        return np.asarray(shapely.linestrings(points, indices=np.repeat(np.arange(count.size), count)), dtype=object)

    @cached_property
    def segment_midpoint(self) -> NDArray[np.float64]:
        """(n_segments, 2) longitude and latitude half way along each segment."""
        return np.asarray(shapely.get_coordinates(shapely.line_interpolate_point(self.lines, 0.5, normalized=True)))

    @cached_property
    def _projected_tree(self) -> shapely.STRtree:
        return shapely.STRtree(shapely.transform(self.lines, self._to_plane))

    @property
    def centre(self) -> tuple[float, float]:
        """Longitude and latitude of the middle of the bounding box."""
        return (
            float((self.lon.min() + self.lon.max()) / 2),
            float((self.lat.min() + self.lat.max()) / 2),
        )

    def _to_plane(self, lonlat: NDArray[np.float64]) -> NDArray[np.float64]:
        """Project to metres around the network's centre (equirectangular: right to 1 % over a few hundred km near the centre's latitude)."""
        scale = np.radians(1) * EARTH_RADIUS_M
        return np.asarray(
            (lonlat - np.array(self.centre)) * np.array([scale * np.cos(np.radians(self.centre[1])), scale])
        )

    def nearest_segments(
        self, lon: NDArray[np.float64], lat: NDArray[np.float64], among: NDArray[np.int64] | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return for each of k points the nearest segment (k,) and its distance in metres (k,).

        Points are compared in an equirectangular plane scaled at the network's middle latitude; on networks that span many degrees
        the chosen segment's distance is measured again at the point's own latitude.

        Parameters
        ----------
        lon, lat
            (k,) degrees.
        among
            Segments to choose from, at least one; all where None.
        """
        points = np.column_stack((lon, lat)).astype(np.float64)
        if not len(points):
            return np.empty(0, dtype=np.int64), np.empty(0)
        tree = self._projected_tree if among is None else shapely.STRtree(self._projected_tree.geometries[among])
        segment = np.asarray(tree.nearest(shapely.points(self._to_plane(points))), dtype=np.int64)
        segment = segment if among is None else among[segment]
        nearest = shapely.get_coordinates(
            shapely.line_interpolate_point(
                self.lines[segment], shapely.line_locate_point(self.lines[segment], shapely.points(points))
            )
        )
        return segment, great_circle_m(points[:, 0], points[:, 1], nearest[:, 0], nearest[:, 1])

    def segments_near(
        self, lon: NDArray[np.float64], lat: NDArray[np.float64], within_m: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return every pair of one of k points and a segment within (k,) metres of it: positions of points, and segments, in their order."""
        places = np.asarray(shapely.points(self._to_plane(np.column_stack((lon, lat)).astype(np.float64))))
        point, segment = self._projected_tree.query(places, predicate="dwithin", distance=within_m)
        order = np.lexsort((segment, point))
        return point[order].astype(np.int64), segment[order].astype(np.int64)

    def nearest_nodes(
        self, lon: NDArray[np.float64], lat: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return for each of k points the nearest node (k,) and its great-circle distance in metres (k,)."""
        tree = shapely.STRtree(np.asarray(shapely.points(self._to_plane(np.column_stack((self.lon, self.lat))))))
        points = np.column_stack((lon, lat)).astype(np.float64)
        node = np.asarray(tree.nearest(shapely.points(self._to_plane(points))), dtype=np.int64)
        return node, great_circle_m(points[:, 0], points[:, 1], self.lon[node], self.lat[node])

    def time_graph(self, *, reverse: bool = False) -> CostGraph:
        """Return the graph of travel times in seconds."""
        return cost_graph(self.n_nodes, self.tail, self.head, self.time_s, reverse=reverse)

    def weak_component(self) -> NDArray[np.int32]:
        """(n,) label of each node's weakly connected component."""
        return np.asarray(
            connected_components(self.time_graph().matrix, directed=True, connection="weak")[1], dtype=np.int32
        )


def great_circle_m(
    lon1: NDArray[np.float64], lat1: NDArray[np.float64], lon2: NDArray[np.float64], lat2: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return great-circle distances in metres between points in degrees (haversine on a sphere of radius R1)."""
    x1, y1, x2, y2 = (np.radians(np.asarray(v, dtype=np.float64)) for v in (lon1, lat1, lon2, lat2))
    half = np.sin((y2 - y1) / 2) ** 2 + np.cos(y1) * np.cos(y2) * np.sin((x2 - x1) / 2) ** 2
    return np.asarray(2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.clip(half, 0, 1))))
