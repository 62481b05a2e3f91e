"""Data frames of nodes and edges, as `osmnx.graph_to_gdfs` makes them, read as columns. pandas and geopandas are not imported here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.base.errors import InputError, ProblemList
from optimizer.base.names import close_match
from optimizer.problem.graph_table import ABSENT, GraphTable, is_absent
from optimizer.problem.network_checks import at_fault, repeated_problems

if TYPE_CHECKING:
    from numpy.typing import NDArray

NODE_IDS = ("osmid", "node_id", "id")
"""Columns that may hold the ids of nodes where the index has no such name, in the order they are looked for."""


def table_of_frames(nodes: Any, edges: Any) -> GraphTable:  # noqa: ANN401 - pandas or geopandas
    """Return two frames as one graph.

    Raises
    ------
    InputError
        If a column is missing, an id is there twice, an edge names a node that is not there, or the frames differ in their coordinate system.
    """
    problems = ProblemList()
    for name, frame in (("nodes", nodes), ("edges", edges)):
        if not (hasattr(frame, "columns") and hasattr(frame, "index")):
            problems.add(name, f"a {type(frame).__name__}", "a data frame", "Use Network.from_arrays for arrays")
    problems.raise_if_any()
    crs, edge_crs = getattr(nodes, "crs", None), getattr(edges, "crs", None)
    crs = edge_crs if crs is None else crs
    if edge_crs is not None and crs != edge_crs:
        remedy = "Bring one to the other: edges.to_crs(nodes.crs)"
        problems.add("nodes and edges", f"{_name(crs)} and {_name(edge_crs)}", "one coordinate system", remedy)
    node_id = _node_ids(nodes, problems)
    node_columns = _columns(nodes, leave={"geometry"})
    if not {"x", "y"} <= set(node_columns):
        node_columns |= _points(nodes, problems)
    ends = _ends(edges, problems)
    problems.raise_if_any()
    position = {name: number for number, name in enumerate(node_id)}
    tail, head = (_positions(ends[side], position, side) for side in "uv")
    key = ends.get("key", [])
    triples = [repr(each) for each in zip(ends["u"], ends["v"], key, strict=True)] if key else []
    repeated = repeated_problems("edges, (u, v, key)", np.array(triples), "each edge once") if triples else []
    if faults := [*repeated_problems("nodes, ids", np.array(node_id), "each node once"), *repeated]:
        raise InputError(*faults)
    return GraphTable(
        where="frames",
        node_id=node_id,
        tail=tail,
        head=head,
        key=key,
        node_columns=node_columns,
        edge_columns=_columns(edges, leave={"u", "v", "key"}),
        crs=crs,
        attributes={} if crs is None else {"crs": crs},
    )


def _node_ids(nodes: Any, problems: ProblemList) -> list[Any]:  # noqa: ANN401 - as above
    """Return the ids of nodes: the index where it is named like one, or else the first column that is, or else the index."""
    column = next((name for name in NODE_IDS if name in nodes.columns), None)
    if nodes.index.nlevels > 1:
        problems.add("nodes", f"an index of {nodes.index.nlevels} levels", "one id a node", "Reset the index")
        return []
    if nodes.index.name in NODE_IDS or column is None:
        return list(nodes.index.tolist())
    return list(nodes[column].tolist())


def _points(nodes: Any, problems: ProblemList) -> dict[str, list[Any]]:  # noqa: ANN401 - as above
    """Return x and y of a frame that has points in place of them."""
    if "geometry" not in nodes.columns:
        found = ", ".join(map(str, nodes.columns)) or "none"
        problems.add("nodes, columns", found, "x and y, or a geometry of points", "Add them")
        return {}
    return {axis: [getattr(point, axis, ABSENT) for point in nodes["geometry"]] for axis in "xy"}


def _ends(edges: Any, problems: ProblemList) -> dict[str, list[Any]]:  # noqa: ANN401 - as above
    """Return the columns u, v and, where it is there, key, from the index or the columns."""
    levels = {name: edges.index.get_level_values(name).tolist() for name in edges.index.names if name is not None}
    ends = {}
    for name in ("u", "v", "key"):
        if name in edges.columns:
            ends[name] = list(edges[name].tolist())
        elif name in levels:
            ends[name] = list(levels[name])
        elif name != "key":
            near = close_match(name, [str(column) for column in edges.columns])
            found = f"no {name} among {', '.join(map(str, [*levels, *edges.columns]))}"
            problems.add(
                "edges, columns", found, "u and v, in the index or as columns", near or "Name the ends u and v"
            )
    return ends


def _positions(names: list[Any], position: dict[Any, int], side: str) -> NDArray[np.int32]:
    found = np.array([position.get(name, -1) for name in names], dtype=np.int32)
    problems = at_fault(
        f"edges, {side}",
        found < 0,
        lambda row: repr(names[row]),
        "an id of the nodes",
        "Add the node, or drop the edge",
    )
    if problems:
        raise InputError(*problems)
    return found


def _columns(frame: Any, leave: set[str]) -> dict[str, list[Any]]:  # noqa: ANN401 - as above
    """Return the columns of a frame but some, with gaps as `ABSENT`."""
    return {
        str(name): [ABSENT if is_absent(value) else value for value in frame[name].tolist()]
        for name in frame.columns
        if name not in leave
    }


def _name(crs: Any) -> str:  # noqa: ANN401 - a pyproj.CRS
    return str(getattr(crs, "srs", crs))
