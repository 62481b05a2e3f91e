"""OpenStreetMap extracts (`.osm`, `.osm.pbf`, and compressed `.osm`), parsed by pyosmium.

Three passes, each of which parses one kind of object: relations (for borders), ways, then the nodes that the ways need.
pyosmium refuses XML entities, so an XML bomb ends as a message.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import shapely

from optimizer.base.compressed import check_expansion
from optimizer.base.errors import InputError, Problem
from optimizer.base.files import existing_file
from optimizer.region.osm import Boundary, OsmData, OsmNodes, PlaceNode, PointFeatures
from optimizer.region.roads import USED_TAGS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

MOST_EXPANSION = 200
"""Times its own size that a compressed extract may unpack to: maps as XML shrink ten- to twentyfold, a decompression bomb a thousandfold."""
SUFFIXES = (".osm", ".osm.pbf", ".pbf", ".osm.bz2", ".osm.gz")

_NAME_TAGS = ("name", "name:en", "int_name", "official_name", "ISO3166-1", "ISO3166-1:alpha2", "ISO3166-1:alpha3")


class _Relation(NamedTuple):
    """A boundary relation: its number, names, and the ways around and inside it."""

    id: int
    names: tuple[str, ...]
    outer: tuple[int, ...]
    inner: tuple[int, ...]


@dataclass
class _RawWays:
    id: list[int] = field(default_factory=list)
    tags: list[dict[str, str]] = field(default_factory=list)
    refs: list[int] = field(default_factory=list)
    count: list[int] = field(default_factory=list)


def read_extract(path: Path) -> OsmData:
    """Read the roads, ferries, places, border controls and country boundaries of an extract.

    Raises
    ------
    InputError
        If the file is missing, damaged, or empty.
    """
    existing_file(path, "an OpenStreetMap extract")
    check_expansion(path, "an OpenStreetMap extract", MOST_EXPANSION)
    try:
        return _read(path)
    except UnicodeDecodeError:  # pyosmium decodes each text as it is asked for
        found = "text that is not UTF-8"
        raise InputError(Problem(str(path), found, "a whole OpenStreetMap extract", "Download it again")) from None


def _read(path: Path) -> OsmData:
    relations = _read_relations(path)
    rim = {way for relation in relations for way in (*relation.outer, *relation.inner)}
    rim_refs: dict[int, NDArray[np.int64]] = {}
    roads = _read_ways(path, rim, rim_refs)
    wanted = np.unique(np.concatenate([np.array(roads.refs, dtype=np.int64), *rim_refs.values()]))
    nodes = _read_nodes(path, wanted)
    features = _read_features(path)
    if not (nodes.id.size or features.places):
        raise InputError(
            Problem(str(path), "no roads and no places", "an OpenStreetMap extract with roads", "Choose another")
        )
    return OsmData(
        way=np.array(roads.id, dtype=np.int64),
        tags=roads.tags,
        start=np.concatenate(([0], np.cumsum(roads.count))).astype(np.int64),
        ref=np.array(roads.refs, dtype=np.int64),
        node=nodes.id,
        lon=nodes.lonlat[:, 0],
        lat=nodes.lonlat[:, 1],
        controls=features.controls,
        places=features.places,
        boundaries=tuple(
            Boundary(
                relation.id,
                relation.names,
                _area(list(map(rim_refs.get, relation.outer)), list(map(rim_refs.get, relation.inner)), nodes),
            )
            for relation in relations
        ),
    )


def _objects(path: Path, kind: str, *filters: Any) -> Iterator[Any]:  # noqa: ANN401 - pyosmium has no types
    import osmium

    with _readable(path):
        processor = osmium.FileProcessor(str(path), getattr(osmium.osm, kind))
        for each in filters:
            processor.with_filter(each)
        yield from processor


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Say of osmium's errors that the file is at fault."""
    import osmium

    try:
        yield
    except (RuntimeError, ValueError, osmium.InvalidLocationError) as error:
        raise InputError(
            Problem(
                str(path), f"data that cannot be read ({error})", "a whole OpenStreetMap extract", "Download it again"
            )
        ) from None


def _read_relations(path: Path) -> list[_Relation]:
    """Return the boundary relations of countries, by rising number."""
    import osmium

    found = []
    for relation in _objects(path, "RELATION", osmium.filter.TagFilter(("admin_level", "2"))):
        tags = dict(relation.tags)
        if tags.get("boundary") == "administrative" and tags.get("type") == "boundary":
            names = tuple(dict.fromkeys(tags[tag] for tag in _NAME_TAGS if tags.get(tag)))
            ways = [(member.role, member.ref) for member in relation.members if member.type == "w"]
            outer = tuple(way for role, way in ways if role in {"outer", ""})
            inner = tuple(way for role, way in ways if role == "inner")
            found.append(_Relation(relation.id, names, outer, inner))
    return sorted(found)


def _read_ways(path: Path, rim: set[int], rim_refs: dict[int, NDArray[np.int64]]) -> _RawWays:
    """Return the ways that may be travelled, by rising number; put the nodes of the ways that borders are made of into `rim_refs`."""
    raw: list[tuple[int, dict[str, str], list[int]]] = []
    for way in _objects(path, "WAY"):
        tags = way.tags
        road = "highway" in tags or tags.get("route") == "ferry"
        if road or way.id in rim:
            refs = [node.ref for node in way.nodes]
            if road:
                raw.append((way.id, {tag: tags[tag] for tag in USED_TAGS if tag in tags}, refs))
            if way.id in rim:
                rim_refs[way.id] = np.array(refs, dtype=np.int64)
    roads = _RawWays()
    for number, tags, refs in sorted(raw, key=lambda way: way[0]):
        roads.id.append(number)
        roads.tags.append(tags)
        roads.refs.extend(refs)
        roads.count.append(len(refs))
    return roads


def _read_nodes(path: Path, wanted: NDArray[np.int64]) -> OsmNodes:
    """Return the wanted nodes that the extract holds.

    osmium indexes the nodes of a file in ascending order without Python; nodes that it does not find there, as in a file in another
    order, are looked for one by one. (osmium's own IdFilter reserves 4 MB for every 33 million ids it spans: over 1 GB on new data.)
    """
    import osmium

    index = osmium.index.create_map("flex_mem")
    store = osmium.NodeLocationsForWays(index)
    store.ignore_errors()
    with _readable(path):
        osmium.apply(osmium.io.Reader(str(path), osmium.osm.NODE), store)
    node, lonlat, missing = [], [], set()
    for each in wanted.tolist():
        try:
            location = index.get(each)
        except (KeyError, TypeError):  # the second: new nodes of an editor, numbered below 0
            missing.add(each)
            continue
        if location.valid():
            node.append(each)
            lonlat.append((location.lon, location.lat))
    for each in _objects(path, "NODE") if missing else ():
        if each.id in missing and each.location.valid():
            node.append(each.id)
            lonlat.append((each.lon, each.lat))
    ids, first = np.unique(np.array(node, dtype=np.int64), return_index=True)
    return OsmNodes(ids, np.array(lonlat, dtype=np.float64).reshape(-1, 2)[first])


def _read_features(path: Path) -> PointFeatures:
    """Return the border controls and places of the extract."""
    import osmium

    controls, places = [], []
    for each in _objects(path, "NODE", osmium.filter.KeyFilter("place", "barrier")):
        tags = each.tags
        if tags.get("barrier") == "border_control" and each.location.valid():
            controls.append((each.lon, each.lat))
        if "place" in tags and each.location.valid():
            places.append(
                PlaceNode(each.id, each.lon, each.lat, tags.get("name", ""), tags["place"], tags.get("population", ""))
            )
    return PointFeatures(
        np.array(sorted(controls), dtype=np.float64).reshape(-1, 2),
        tuple(sorted(places, key=lambda place: place.id)),
    )


def _area(
    outer: Sequence[NDArray[np.int64] | None],
    inner: Sequence[NDArray[np.int64] | None],
    nodes: OsmNodes,
) -> BaseGeometry | None:
    """Return the area that a boundary's ways enclose; None where one is missing or they do not close."""
    whole, holes = _enclosed(outer, nodes), _enclosed(inner, nodes)
    if whole is None or holes is None or whole.is_empty:
        return None
    return shapely.orient_polygons(shapely.difference(whole, holes))


def _enclosed(members: Sequence[NDArray[np.int64] | None], nodes: OsmNodes) -> BaseGeometry | None:
    node, lines = nodes.id, []
    for refs in members:
        position = np.empty(0, dtype=np.int64) if refs is None else np.searchsorted(node, refs)
        if refs is None or refs.size < 2 or position.max() == node.size or (node[position] != refs).any():
            return None
        lines.append(shapely.linestrings(nodes.lonlat[position]))
    polygons, *leftovers = shapely.polygonize_full(np.asarray(lines, dtype=object))
    return shapely.union_all(shapely.get_parts(polygons)) if shapely.is_empty(leftovers).all() else None
