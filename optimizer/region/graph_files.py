"""Files that hold a graph: GraphML, and a GeoPackage with the layers `nodes` and `edges`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import ParseError

import shapely
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import parse

from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.files import existing_file
from optimizer.region.geopackage import layer_names, read_layer
from optimizer.region.graphs import Edge, RawGraph, line_points

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from xml.etree.ElementTree import Element

_NODE_IDS = ("osmid", "node_id", "id")


def read_graphml(path: Path) -> RawGraph:
    """Read a GraphML file with `x` and `y` on its nodes, as OSMnx saves it. Document type definitions are refused.

    Raises
    ------
    InputError
        If the file is missing, is no GraphML, declares entities, or has nodes without coordinates.
    """
    existing_file(path, "a graph as GraphML")
    try:
        root = parse(path, forbid_dtd=True).getroot()
    except DefusedXmlException:
        found, remedy = "a document type definition, which could name other files or expand without end", "Remove it"
        raise InputError(Problem(str(path), found, "GraphML without one", remedy)) from None
    except (ParseError, ValueError, LookupError) as error:
        raise InputError(Problem(str(path), f"XML that cannot be read ({error})", "GraphML", "Save it again")) from None
    graph = None if root is None else next(_children(root, "graph"), None)
    if root is None or graph is None:
        raise InputError(Problem(str(path), "no element <graph> at the top", "GraphML", "Save it again"))
    names = {key.get("id", ""): key.get("attr.name", key.get("id", "")) for key in _children(root, "key")}
    problems = ProblemList()
    nodes = {}
    for node in _children(graph, "node"):
        values = _values(node, names)
        try:
            nodes[node.get("id", "")] = float(values["x"]), float(values["y"])
        except (KeyError, ValueError):
            problems.add(
                f"{path}, node {node.get('id')}", f"x {values.get('x')}, y {values.get('y')}", "two numbers", "Add them"
            )
    problems.raise_if_any()
    edges = [
        Edge(edge.get("source", ""), edge.get("target", ""), values, _line(values.get("geometry", "")))
        for edge in _children(graph, "edge")
        for values in [_values(edge, names)]
    ]
    crs = _values(graph, names).get("crs", "EPSG:4326")
    return RawGraph(nodes, edges, graph.get("edgedefault") != "undirected", _crs(crs))


def read_graph_geopackage(path: Path) -> RawGraph:
    """Read a GeoPackage with the layers `nodes` and `edges`, as OSMnx saves it.

    Raises
    ------
    InputError
        If the file is missing, is no GeoPackage, or lacks a layer or field.
    """
    layers = layer_names(path)
    if not {"nodes", "edges"} <= set(layers):
        found = f"the layers {', '.join(layers) or 'none'}"
        raise InputError(
            Problem(str(path), found, "the layers nodes and edges, as OSMnx saves them", "Save it with both")
        )
    node_layer, edge_layer = read_layer(path, "nodes"), read_layer(path, "edges")
    points, node_columns = node_layer.geometry, node_layer.columns
    columns = edge_layer.columns
    problems = ProblemList()
    id_column = next((name for name in _NODE_IDS if name in node_columns), "")
    if not id_column:
        problems.add(
            f"{path}, layer nodes", f"the fields {', '.join(node_columns)}", f"one of {', '.join(_NODE_IDS)}", "Add it"
        )
    for end in {"u", "v"} - set(columns):
        problems.add(f"{path}, layer edges", f"no field {end}", "u and v, the ends of each edge", "Add it")
    if len(points) and (shapely.get_type_id(points) != shapely.GeometryType.POINT).any():
        problems.add(f"{path}, layer nodes", "a geometry that is no point", "points", "Save it again")
    problems.raise_if_any()
    names = [str(name) for name in node_columns[id_column].tolist()]
    nodes = dict(zip(names, map(tuple, shapely.get_coordinates(points).tolist()), strict=True))
    fields = [name for name in columns if name not in {"u", "v"}]
    rows = zip(
        columns["u"].tolist(),
        columns["v"].tolist(),
        edge_layer.geometry,
        *(columns[name].tolist() for name in fields),
        strict=True,
    )
    edges = [
        Edge(str(u), str(v), dict(zip(fields, values, strict=True)), line_points(line)) for u, v, line, *values in rows
    ]
    return RawGraph(nodes, edges, crs=_crs(node_layer.crs or "EPSG:4326"))


def _crs(name: str) -> str:
    """Return a coordinate system's name, with OSMnx's and the OGC's names for WGS 84 made one."""
    return (
        "EPSG:4326"
        if re.fullmatch(
            r"(epsg:4326|ogc:crs84|.*wgs 84.*\[\"epsg\",\s*\"?4326\"?\]\].*)", name.strip().lower(), re.DOTALL
        )
        else name
    )


def _line(text: str) -> Any:  # noqa: ANN401 - as `line_points` returns it
    try:
        return line_points(shapely.from_wkt(text)) if text else None
    except shapely.errors.GEOSException:
        return None


def _children(parent: Element, tag: str) -> Iterator[Element]:
    return (child for child in parent if _local(child) == tag)


def _local(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _values(element: Element, names: dict[str, str]) -> dict[str, str]:
    return {
        names.get(data.get("key", ""), data.get("key", "")): (data.text or "").strip()
        for data in _children(element, "data")
    }
