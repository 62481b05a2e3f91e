"""The road network: frozen arc arrays, shortest paths in time, and the nearest segment
to a point.

Networks come from a region, a networkx graph (`Network.from_networkx`), data frames
(`from_frames`) or arrays (`from_arrays`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from scipy.sparse.csgraph import connected_components

from optimizer.base.errors import InputError, Problem
from optimizer.base.read_only import ReadOnlyFields, cached_read_only
from optimizer.base.summary import Facts, Summarised
from optimizer.problem.network.arrays import arc_arrays, network_problems
from optimizer.problem.network.geodesy import METRES_PER_DEGREE, great_circle_m
from optimizer.problem.network.graph_conversion import (
    AttributeNames,
    GivenGraph,
    edge_keys,
    graph_of_network,
    network_fields,
    table_of_frames,
    table_of_graph,
)
from optimizer.problem.network.polylines import Polylines
from optimizer.problem.network.shortest_paths import CostGraph, cost_graph


@dataclass(frozen=True, repr=False)
class Network(Summarised, ReadOnlyFields):
    """A directed road network in WGS 84."""

    #: (n,) integers or strings, unique: what files and people call the nodes.
    node_id: NDArray[Any]
    #: `lon`, `lat`: (n,) degrees.
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    #: `tail`, `head`: (m,) positions in `node_id`; arcs may run in parallel.
    tail: NDArray[np.int32]
    head: NDArray[np.int32]
    #: (m,) metres, > 0.
    length_m: NDArray[np.float64]
    #: (m,) seconds of free-flow travel, > 0.
    time_s: NDArray[np.float64]
    #: (m,) strings, here and below of fixed width or as objects that equal ones share:
    #: an OSM `highway` value, `ferry`, or a word of the file's own.
    road_class: NDArray[Any]
    #: (m,) road name or number; empty where unknown.
    name: NDArray[Any]
    #: (m,) OSM way the arc comes from; 0 where it comes from none.
    way: NDArray[np.int64]
    #: (m,) undirected road segment in [0, n_segments): the two directions of one
    #: stretch share it.
    segment: NDArray[np.int32]
    #: The lines that the arcs are drawn as, in the direction of travel:
    #: `Polylines.of(shape_start, shape)` of plain arrays.
    polylines: Polylines
    #: (m,) numbers of the road (`L191`; several with `;` between), empty where it has
    #: none; None where the source keeps none beside names.
    ref: NDArray[Any] | None = None
    #: What the graph or frames it was made of state beyond these arrays, for
    #: `to_networkx`; None where it was made of something else.
    given: GivenGraph | None = field(default=None, compare=False, repr=False)

    def _facts(self) -> Facts:
        _, first = np.unique(self.segment, return_index=True)
        return [
            ("nodes", f"{self.n_nodes:,}"),
            ("arcs", f"{self.n_arcs:,}"),
            ("segments", f"{first.size:,}"),
            ("roads", f"{self.length_m[first].sum() / 1000:,.0f} km"),
        ]

    @classmethod
    def from_networkx(
        cls,
        graph: Any,  # noqa: ANN401 - networkx has no types
        *,
        length: str = "length",
        travel_time: str = "travel_time",
        speed: str = "speed_kph",
    ) -> Self:
        """Return the network of a networkx graph in memory, such as OSMnx makes: one
        arc an edge, in its order.

        Nodes are integers or strings with `x` and `y` in the coordinate system
        `graph.graph["crs"]` (degrees without one). Edges have `length`, `travel_time`
        or `speed_kph`, `highway`, `name`, `ref`, `osmid`, `geometry`, all of them
        optional: a length is measured along the line; a time is the length at
        `speed_kph`, at `maxspeed`, or at the default speed of the class; the class is
        `road`; the line is straight. Where no node has `x` and `y` all stand at 0, 0,
        and every edge needs a length. An edge of an undirected graph is two arcs next
        to each other. Arcs to and fro with the same `osmid`, line and length share a
        segment. Parallel edges and loops stay as they are.

        Parameters
        ----------
        graph
            `MultiDiGraph`, `DiGraph`, `MultiGraph` or `Graph`.
        length, travel_time, speed
            Names of the attributes that hold metres, seconds and km/h.

        Raises
        ------
        InputError
            If there are no nodes or edges; a node is neither integer nor string, or
            lacks a position that others have; a length, time or speed is not a finite
            number above 0; a coordinate is off the globe; or lines and nodes are in
            different coordinate systems.
        """
        return cls._checked(
            network_fields(table_of_graph(graph), AttributeNames(length, travel_time, speed))
        )

    @classmethod
    def from_frames(
        cls,
        nodes: Any,  # noqa: ANN401 - pandas or geopandas
        edges: Any,  # noqa: ANN401 - pandas or geopandas
        *,
        length: str = "length",
        travel_time: str = "travel_time",
        speed: str = "speed_kph",
    ) -> Self:
        """Return the network of two data frames, as `osmnx.graph_to_gdfs` makes them:
        one arc a row of `edges`.

        Columns and defaults are those of `from_networkx`.

        Parameters
        ----------
        nodes
            One row a node: ids in the index, or in a column `osmid`, `node_id` or `id`;
            `x` and `y`, or a geometry of points.
        edges
            One row an arc: `u`, `v` and, if there, `key` in the index or as columns.
        length, travel_time, speed
            Names of the columns that hold metres, seconds and km/h.

        Raises
        ------
        InputError
            If a column is missing, an id is there twice, an edge names an unknown node,
            the frames differ in their coordinate system, or as `from_networkx`.
        """
        names = AttributeNames(length, travel_time, speed)
        return cls._checked(network_fields(table_of_frames(nodes, edges), names))

    @classmethod
    def from_arrays(
        cls,
        tail: ArrayLike,
        head: ArrayLike,
        length_m: ArrayLike,
        time_s: ArrayLike | None = None,
        *,
        node_id: ArrayLike | None = None,
        lon: ArrayLike = 0.0,
        lat: ArrayLike = 0.0,
        road_class: ArrayLike = "road",
        name: ArrayLike = "",
        way: ArrayLike = 0,
        segment: ArrayLike | None = None,
        shape_start: ArrayLike | None = None,
        shape: ArrayLike | None = None,
    ) -> Self:
        """Return a network from arrays; a single value stands for every row.

        Parameters
        ----------
        tail, head
            (m,) positions of nodes, from 0.
        length_m
            (m,) metres, > 0.
        time_s
            (m,) seconds, > 0; by default at the speed of each class.
        node_id
            (n,) integers or strings, unique; by default 0 to the largest position.
        lon, lat
            (n,) degrees; by default 0: a network without a map, on which nothing can be
            located.
        road_class, name, way
            (m,) as in `Network`.
        segment
            (m,) as in `Network`; by default arcs to and fro of the same way, line and
            length (to the millimetre) share one.
        shape_start, shape
            (m + 1,) where each arc's line starts in the (p, 2) degrees of the points of
            all lines; by default straight.

        Raises
        ------
        InputError
            With every fault: positions out of range, lengths or times that are not
            finite and above 0, coordinates off the globe, columns of another length,
            ids that occur twice.
        """
        return cls._checked(
            arc_arrays(
                tail,
                head,
                length_m,
                time_s,
                node_id=node_id,
                lon=lon,
                lat=lat,
                road_class=road_class,
                name=name,
                way=way,
                segment=segment,
                shape_start=shape_start,
                shape=shape,
            )
        )

    @classmethod
    def _checked(cls, values: Mapping[str, Any]) -> Self:
        network = cls(**values)
        network.check()
        return network

    def to_networkx(self, attributes: Mapping[str, ArrayLike] | None = None) -> Any:  # noqa: ANN401 - networkx has no types
        """Return the network as a networkx graph that OSMnx and networkx work on.

        A network that `from_networkx` or `from_frames` made gives back that graph, of
        the same kind, with every attribute of graph, nodes and edges; any other gives a
        `MultiDiGraph` in EPSG:4326 with OSMnx's names. Lengths and times are written in
        either case.

        Parameters
        ----------
        attributes
            Name -> (m,) values to write on the edges, such as
            `arc_results(...).columns()`; an edge of an undirected graph gets those of
            the first of its arcs.

        Raises
        ------
        InputError
            If an attribute does not have one value an arc.
        """
        return graph_of_network(self, attributes)

    @property
    def edge_keys(self) -> list[tuple[Any, ...]]:
        """For each arc the edge by which the graph names it:
        `networkx.set_edge_attributes(G, dict(zip(network.edge_keys, values)), name)`.
        """
        return edge_keys(self)

    @cached_read_only
    def problems(self) -> tuple[Problem, ...]:
        """Every fault of shapes, positions, lengths, times, coordinates and ids; found once."""
        return network_problems(self)

    def check(self) -> None:
        """Refuse a network with faults.

        Raises
        ------
        InputError
            With every problem of `problems`.
        """
        if self.problems:
            raise InputError(*self.problems)

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return self.node_id.size

    @property
    def n_arcs(self) -> int:
        """Number of directed arcs."""
        return self.tail.size

    @property
    def has_map(self) -> bool:
        """Whether nodes have places of their own: False where all stand at one spot, as
        without coordinates.
        """
        return bool(np.ptp(self.lon) > 0 or np.ptp(self.lat) > 0)

    @property
    def n_segments(self) -> int:
        """Number of undirected segments."""
        return int(self.segment.max()) + 1 if self.n_arcs else 0

    @property
    def shape_start(self) -> NDArray[np.int64]:
        """(m + 1,) where each arc's line starts in `shape`; made when it is asked for."""
        return self.polylines.shape_start

    @property
    def shape(self) -> NDArray[np.float64]:
        """(p, 2) degrees of the points of all arcs' lines, in the direction of travel;
        made when it is asked for, 75 bytes an arc of a map.
        """
        return self.polylines.shape()

    @cached_read_only
    def segment_arc(self) -> NDArray[np.int64]:
        """(n_segments,) one arc of each segment: the first in the table."""
        return np.unique(self.segment, return_index=True)[1]

    def arcs_of(self, segment: int) -> tuple[int, ...]:
        """Return the arcs of a segment: both directions, or one where it is one-way."""
        order, start = self._arcs_by_segment
        return tuple(order[start[segment] : start[segment + 1]].tolist())

    @cached_read_only
    def _arcs_by_segment(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Arcs in the order of their segments, and where each segment begins among
        them: (m,) and (n_segments + 1,).
        """
        order = np.argsort(self.segment, kind="stable")
        return order, np.searchsorted(self.segment[order], np.arange(self.n_segments + 1))

    def arcs_of_each(self, segments: Sequence[int]) -> list[tuple[int, ...]]:
        """Return the arcs of each of some segments, as `arcs_of`, with one look at the table."""
        wanted = np.asarray(segments, dtype=np.int64)
        arcs = np.flatnonzero(np.isin(self.segment, wanted)).tolist()
        found: dict[int, list[int]] = {}
        for arc in arcs:
            found.setdefault(int(self.segment[arc]), []).append(arc)
        return [tuple(found.get(int(segment), ())) for segment in wanted]

    @cached_read_only
    def lines(self) -> NDArray[np.object_]:
        """(n_segments,) shapely lines in degrees, drawn as `segment_arc` runs."""
        return self.polylines.take(self.segment_arc).drawn()

    @cached_read_only
    def segment_midpoint(self) -> NDArray[np.float64]:
        """(n_segments, 2) longitude and latitude half way along each segment."""
        return np.asarray(
            shapely.get_coordinates(
                shapely.line_interpolate_point(self.lines, 0.5, normalized=True)
            )
        )

    @cached_read_only
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
        """Project to metres around the network's centre (equirectangular: right to 1 %
        over a few hundred km near the centre's latitude).
        """
        scale = METRES_PER_DEGREE * np.array([np.cos(np.radians(self.centre[1])), 1.0])
        return np.asarray((lonlat - np.array(self.centre)) * scale)

    def nearest_segments(
        self,
        lon: NDArray[np.float64],
        lat: NDArray[np.float64],
        among: NDArray[np.int64] | None = None,
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return for each of k points the nearest segment (k,) and its distance in
        metres (k,).

        Points are compared in an equirectangular plane scaled at the network's middle
        latitude; on networks that span many degrees the chosen segment's distance is
        measured again at the point's own latitude.

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
        tree = (
            self._projected_tree
            if among is None
            else shapely.STRtree(self._projected_tree.geometries[among])
        )
        segment = np.asarray(tree.nearest(shapely.points(self._to_plane(points))), dtype=np.int64)
        segment = segment if among is None else among[segment]
        nearest = shapely.get_coordinates(
            shapely.line_interpolate_point(
                self.lines[segment],
                shapely.line_locate_point(self.lines[segment], shapely.points(points)),
            )
        )
        return segment, great_circle_m(points[:, 0], points[:, 1], nearest[:, 0], nearest[:, 1])

    def segments_near(
        self, lon: NDArray[np.float64], lat: NDArray[np.float64], within_m: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return every pair of one of k points and a segment within (k,) metres of it:
        positions of points, and segments, in their order.
        """
        places = np.asarray(
            shapely.points(self._to_plane(np.column_stack((lon, lat)).astype(np.float64)))
        )
        point, segment = self._projected_tree.query(places, predicate="dwithin", distance=within_m)
        order = np.lexsort((segment, point))
        return point[order].astype(np.int64), segment[order].astype(np.int64)

    def nearest_nodes(
        self, lon: NDArray[np.float64], lat: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return for each of k points the nearest node (k,) and its great-circle
        distance in metres (k,).
        """
        from scipy.spatial import KDTree

        points = np.column_stack((lon, lat)).astype(np.float64)
        tree = KDTree(self._to_plane(np.column_stack((self.lon, self.lat))), balanced_tree=False)
        node = np.asarray(tree.query(self._to_plane(points))[1], dtype=np.int64)
        return node, great_circle_m(points[:, 0], points[:, 1], self.lon[node], self.lat[node])

    def time_graph(self, *, reverse: bool = False) -> CostGraph:
        """Return the graph of travel times in seconds."""
        return cost_graph(self.n_nodes, self.tail, self.head, self.time_s, reverse=reverse)

    def weak_component(self) -> NDArray[np.int32]:
        """(n,) label of each node's weakly connected component."""
        return np.asarray(
            connected_components(self.time_graph().matrix, directed=True, connection="weak")[1],
            dtype=np.int32,
        )
