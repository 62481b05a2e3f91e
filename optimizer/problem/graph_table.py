"""A graph of another program as columns, and the network it stands for.

Attributes have OSMnx's names. What an edge does not state has a default: its length is measured along its line; its time is its
length at `speed_kph`, or else at `maxspeed` and the default speed of its class (`optimizer.problem.road_classes`); its class is `road`.
Positions default to 0, 0 where no node has any, and every edge then needs a length.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.problem.arc_arrays import line_signature, paired_segments
from optimizer.problem.attribute_values import first_text
from optimizer.problem.graph_lines import edge_lines, lengths_m, to_degrees
from optimizer.problem.network import Network
from optimizer.problem.network_checks import at_fault
from optimizer.problem.road_classes import speed_kmh

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from optimizer.problem.polylines import Polylines

SHORTEST_M = 0.01
"""Length in metres of an edge without one whose ends share a spot."""


class Absent(Enum):
    """Marks an attribute that a node or edge does not have."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT


@dataclass(frozen=True)
class GivenGraph:
    """What a graph states beyond the arrays of a network, so that it can be given back.

    Attributes
    ----------
    directed, multigraph
        Kind of the graph.
    attributes
        Attributes of the graph itself.
    node_columns, edge_columns
        Name -> values as given, `ABSENT` where there is none, one a node or edge.
    key
        Key of each edge of a multigraph.
    edge
        (m,) edge that each arc of the network comes from.
    """

    directed: bool
    multigraph: bool
    attributes: Mapping[str, Any]
    node_columns: Mapping[str, Sequence[Any]]
    edge_columns: Mapping[str, Sequence[Any]]
    key: Sequence[Any]
    edge: NDArray[np.int64]


@dataclass(frozen=True)
class AttributeNames:
    """Names of the attributes that are read: metres, seconds and km/h of an edge."""

    length: str = "length"
    travel_time: str = "travel_time"
    speed: str = "speed_kph"


@dataclass(frozen=True)
class GraphTable:
    """A graph as columns.

    Attributes
    ----------
    where
        What to call it in messages.
    node_id
        Names of the n nodes.
    tail, head
        (e,) positions of the ends of each edge.
    key
        Key of each edge; empty where edges have none.
    node_columns, edge_columns
        Name -> values, `ABSENT` where there is none.
    crs
        Coordinate system of `x`, `y` and `geometry`: anything that pyproj understands.
    directed, multigraph, attributes
        As in `GivenGraph`.
    """

    where: str
    node_id: Sequence[Any]
    tail: NDArray[np.int32]
    head: NDArray[np.int32]
    key: Sequence[Any]
    node_columns: Mapping[str, Sequence[Any]]
    edge_columns: Mapping[str, Sequence[Any]]
    crs: object
    directed: bool = True
    multigraph: bool = True
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def edge_name(self, edge: int) -> str:
        """Return what to call an edge in messages."""
        key = f", {self.key[edge]!r}" if len(self.key) else ""
        return f"edge ({self.node_id[self.tail[edge]]!r}, {self.node_id[self.head[edge]]!r}{key})"


def network_of_table(table: GraphTable, names: AttributeNames) -> Network:
    """Return the network of a graph: one arc an edge, in its order, or two next to each other where the graph has no directions.

    Raises
    ------
    InputError
        With every fault of the nodes, or every fault of the edges.
    """
    node_id = _node_ids(table)
    xy = _positions(table)
    lonlat = np.zeros((node_id.size, 2)) if xy is None else to_degrees(xy, table.crs, f"{table.where}, nodes")
    lines = edge_lines(table.edge_columns.get("geometry", ()), lonlat, (table.tail, table.head), table.crs, table.where)
    length = _lengths(table, names.length, None if xy is None else lines)
    road_class = _texts(table, ("highway", "road_class"), "road")
    time = _times(table, names, length, road_class)
    way = np.array([_whole(text) for text in _texts(table, ("osmid",), "")], dtype=np.int64)
    ref = _texts(table, ("ref",), "")
    name = _texts(table, ("name",), "")
    edge = np.arange(table.tail.size) if table.directed else np.repeat(np.arange(table.tail.size), 2)
    back = np.zeros(edge.size, dtype=bool) if table.directed else np.arange(edge.size) % 2 == 1
    alike = [*line_signature(lines.shape_start, lines.shape()), way, np.round(length * 1000).astype(np.int64)]
    network = Network(
        node_id=node_id,
        lon=np.ascontiguousarray(lonlat[:, 0]),
        lat=np.ascontiguousarray(lonlat[:, 1]),
        tail=np.where(back, table.head[edge], table.tail[edge]),
        head=np.where(back, table.tail[edge], table.head[edge]),
        length_m=length[edge],
        time_s=time[edge],
        road_class=road_class[edge],
        name=np.where(name == "", ref, name)[edge],
        way=way[edge],
        segment=paired_segments(table.tail, table.head, alike) if table.directed else edge.astype(np.int32),
        polylines=lines.take(edge, back) if back.any() else lines,
        ref=ref[edge],
        given=GivenGraph(
            table.directed,
            table.multigraph,
            table.attributes,
            table.node_columns,
            table.edge_columns,
            table.key,
            edge,
        ),
    )
    network.check()
    return network


def _node_ids(table: GraphTable) -> NDArray[Any]:
    """Return the ids of the nodes: integers where all are, strings where all are."""
    where, ids = table.where, table.node_id
    if not len(ids):
        raise InputError(Problem(where, "no nodes", "at least one node", "Check where the graph comes from"))
    if not table.tail.size:
        raise InputError(Problem(where, "no edges", "at least one edge", "Check where the graph comes from"))
    if all(isinstance(name, int | np.integer) and not isinstance(name, bool) for name in ids):
        return np.array(ids, dtype=np.int64)
    if all(isinstance(name, str) for name in ids):
        return np.array(ids, dtype=np.str_)
    odd = next(name for name in ids if isinstance(name, bool) or not isinstance(name, int | np.integer))
    raise InputError(
        Problem(
            f"{where}, nodes",
            f"the node {odd!r} of type {type(odd).__name__}",
            "nodes that are all integers or all strings",
            'Rename them: networkx.convert_node_labels_to_integers(G, label_attribute="label")',
        )
    )


def _positions(table: GraphTable) -> NDArray[np.float64] | None:
    """Return (n, 2) x and y of the nodes as stated; None where no node states any."""
    columns = [table.node_columns.get(axis, ()) for axis in "xy"]
    if not any(value is not ABSENT for column in columns for value in column):
        return None
    axes = [_numbers(column, len(table.node_id)) for column in columns]
    problems = ProblemList()
    for axis, values in zip("xy", axes, strict=True):
        for problem in at_fault(
            f"{table.where}, nodes, {axis}",
            ~np.isfinite(values),
            lambda row: f"nothing, or no number, of node {table.node_id[row]!r}",
            "a number at every node, or at none",
            "Add it",
        ):
            problems.append(problem)
    problems.raise_if_any()
    return np.column_stack(axes)


def _lengths(table: GraphTable, name: str, lines: Polylines | None) -> NDArray[np.float64]:
    """Return (e,) metres of each edge: as stated, or else along its line; `lines` is None where nodes have no positions."""
    stated = _stated(table, name, "a length in metres above 0")
    missing = np.isnan(stated)
    if not missing.any():
        return stated
    if lines is None:
        raise InputError(
            *at_fault(
                f"{table.where}, edges, {name}",
                missing,
                lambda edge: f"no length of {table.edge_name(edge)}",
                "metres at every edge, as no node has a position to measure from",
                f"Add the attribute {name!r}, or x and y to the nodes",
            )
        )
    return np.where(missing, np.maximum(lengths_m(lines), SHORTEST_M), stated)


def _times(
    table: GraphTable, names: AttributeNames, length: NDArray[np.float64], road_class: NDArray[np.str_]
) -> NDArray[np.float64]:
    """Return (e,) seconds of each edge: as stated, or else its length at its speed."""
    stated = _stated(table, names.travel_time, "a time in seconds above 0")
    speed = _stated(table, names.speed, "a speed in km/h above 0")
    if not (np.isnan(stated) & np.isnan(speed)).any():
        return np.where(np.isnan(stated), length / (speed / 3.6), stated)
    limits = _texts(table, ("maxspeed",), "")
    known: dict[tuple[str, str], float] = {}
    default = np.array(
        [
            known.get(pair) or known.setdefault(pair, speed_kmh(*pair))
            for pair in zip(road_class.tolist(), limits.tolist(), strict=True)
        ]
    )
    speed = np.where(np.isnan(speed), default, speed)
    return np.where(np.isnan(stated), length / (speed / 3.6), stated)


def _stated(table: GraphTable, name: str, expected: str) -> NDArray[np.float64]:
    """Return (e,) numbers that edges state, NaN where they state none; refuse those that are not finite numbers above 0."""
    column = table.edge_columns.get(name, ())
    if not len(column):
        return np.full(table.tail.size, np.nan)
    values = _numbers(column, table.tail.size)
    silent = np.array([is_absent(value) for value in column])
    problems = at_fault(
        f"{table.where}, edges, {name}",
        ~silent & ~(np.isfinite(values) & (values > 0)),
        lambda edge: f"{column[edge]!r} of {table.edge_name(edge)}",
        expected,
        "Correct it, or leave it out for the default",
    )
    if problems:
        raise InputError(*problems)
    return values


def _texts(table: GraphTable, names: Sequence[str], default: str) -> NDArray[np.str_]:
    """Return (e,) texts of the first of some attributes that an edge states; the first of a list."""
    texts = [default] * table.tail.size
    for name in reversed(names):
        known: dict[Any, str] = {}
        column = table.edge_columns.get(name, ())
        for edge, value in enumerate(column):
            if value is ABSENT:
                continue
            text = known.get(value) if isinstance(value, str) else None
            if text is None:
                text = first_text(value)
                if isinstance(value, str):
                    known[value] = text
            texts[edge] = text or texts[edge]
    return np.array(texts, dtype=np.str_)


def _numbers(column: Sequence[Any], size: int) -> NDArray[np.float64]:
    """Return (size,) numbers; NaN for what is none. Text counts where it reads as a number."""
    if not len(column):
        return np.full(size, np.nan)
    return np.fromiter((_number(value) for value in column), dtype=np.float64, count=size)


def _number(value: Any) -> float:  # noqa: ANN401 - whatever a graph holds
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


def _whole(text: str) -> int:
    try:
        number = int(text or 0)
    except ValueError:
        return 0
    return number if abs(number) < 2**63 else 0


def is_absent(value: object) -> bool:
    """Return whether a value says nothing: absent, None or NaN, as data frames fill gaps."""
    return value is ABSENT or value is None or (isinstance(value, float | np.floating) and bool(np.isnan(value)))
