"""OpenStreetMap extracts (`.osm`, `.osm.pbf`, and compressed `.osm`), parsed by pyosmium.

Passes, each for one kind of object: relations (for borders), ways with the places of their nodes, and nodes with a meaning of their own.
pyosmium refuses XML entities, so an XML bomb ends as a message.
"""

from __future__ import annotations

import ctypes
import re
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import shapely

from optimizer.base.compressed import check_expansion
from optimizer.base.errors import InputError, Problem
from optimizer.base.files import existing_file
from optimizer.base.temporary import scratch_folder
from optimizer.region.osm import Boundary, OsmData, OsmNodes, PlaceNode, PointFeatures
from optimizer.region.roads import USED_TAGS
from optimizer.region.ways import ranges

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

MOST_EXPANSION = 200
"""Times its own size that a compressed extract may unpack to: maps as XML shrink ten- to twentyfold, a decompression bomb a thousandfold."""
SUFFIXES = (".osm", ".osm.pbf", ".pbf", ".osm.bz2", ".osm.gz")

WAYS_AT_ONCE = 20_000
"""Ways whose text is taken apart at once."""

MOST_TEXTS = 65_536
"""Texts of tags that are kept for the next way that has the same."""

_USED_KEYS = tuple((tag.encode(), tag) for tag in USED_TAGS)
_SEPARATED = bytes.maketrans(b"nxy,", b"    ")
_NOT_UTF8 = "text that is not UTF-8"
_NAME_TAGS = ("name", "name:en", "int_name", "official_name", "ISO3166-1", "ISO3166-1:alpha2", "ISO3166-1:alpha3")


class _Relation(NamedTuple):
    """A boundary relation: its number, names, and the ways around and inside it."""

    id: int
    names: tuple[str, ...]
    outer: tuple[int, ...]
    inner: tuple[int, ...]


@dataclass(frozen=True)
class _RawWays:
    """Ways: (w,) ids, tags and numbers of nodes; (r,) the ids of these nodes and their (r, 2) degrees, NaN where they are not known."""

    id: NDArray[np.int64]
    tags: list[dict[str, str]]
    count: NDArray[np.int64]
    ref: NDArray[np.int64]
    lonlat: NDArray[np.float64]

    @classmethod
    def join(cls, parts: Sequence[_RawWays]) -> _RawWays:
        """Return all of several."""
        return cls(
            np.concatenate([part.id for part in parts]),
            [tags for part in parts for tags in part.tags],
            np.concatenate([part.count for part in parts]),
            np.concatenate([part.ref for part in parts]),
            np.concatenate([part.lonlat for part in parts]),
        )

    def sorted(self) -> _RawWays:
        """Return them by rising number."""
        order = np.argsort(self.id, kind="stable")
        if np.array_equal(order, np.arange(order.size)):
            return self
        count = self.count[order]
        at = ranges((np.cumsum(self.count) - self.count)[order], count)
        return _RawWays(self.id[order], [self.tags[k] for k in order.tolist()], count, self.ref[at], self.lonlat[at])

    def refs(self) -> dict[int, NDArray[np.int64]]:
        """Return the nodes of each way."""
        parts = np.split(self.ref, np.cumsum(self.count)[:-1])
        return dict(zip(self.id.tolist(), parts, strict=True)) if self.id.size else {}


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
        raise InputError(Problem(str(path), _NOT_UTF8, "a whole OpenStreetMap extract", "Download it again")) from None


def _read(path: Path) -> OsmData:
    relations = _read_relations(path)
    rim = sorted({way for relation in relations for way in (*relation.outer, *relation.inner)})
    roads, around = _read_roads(path), _read_rim(path, rim)
    rim_refs = around.refs()
    nodes = _nodes_of(path, _RawWays.join((roads, around)))
    features = _read_features(path)
    if not (nodes.id.size or features.places):
        raise InputError(
            Problem(str(path), "no roads and no places", "an OpenStreetMap extract with roads", "Choose another")
        )
    return OsmData(
        way=roads.id,
        tags=roads.tags,
        start=np.concatenate(([0], np.cumsum(roads.count))).astype(np.int64),
        ref=roads.ref,
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
        found = _NOT_UTF8 if "Unicode" in str(error) else f"data that cannot be read ({error})"
        raise InputError(Problem(str(path), found, "a whole OpenStreetMap extract", "Download it again")) from None


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


def _read_roads(path: Path) -> _RawWays:
    """Return the ways that may be travelled, by rising number."""
    import osmium

    return _read_ways(path, osmium.filter.KeyFilter("highway", "route"), roads=True)


def _read_rim(path: Path, rim: Sequence[int]) -> _RawWays:
    """Return the ways of these numbers, which borders are made of."""
    import osmium

    return _read_ways(path, osmium.filter.IdFilter(rim), roads=False) if rim else _parsed([], roads=False)


def _read_ways(path: Path, chosen: Any, *, roads: bool) -> _RawWays:  # noqa: ANN401 - pyosmium has no types
    """Return the ways that a filter lets through, of `roads` those that may be travelled, with the degrees of their nodes.

    osmium chooses the ways, looks up their nodes and writes them as text (OPL): to ask for each node in Python takes ten times as long. It
    knows the nodes that stand before the way that needs them, as in any file in the usual order.
    """
    import osmium

    store = osmium.NodeLocationsForWays(osmium.index.create_map("flex_mem"))
    store.ignore_errors()
    with scratch_folder() as folder, _readable(path):
        text = folder / "ways.opl"
        writer = osmium.SimpleWriter(osmium.io.File(str(text), "opl,add_metadata=false,locations_on_ways=true"))
        with _undestroyed_if_it_fails(writer):
            reader = osmium.io.Reader(str(path), osmium.osm.NODE | osmium.osm.WAY)
            only = osmium.filter.EntityFilter(osmium.osm.WAY)
            osmium.apply(reader, store, only, chosen.enable_for(osmium.osm.WAY), writer)
            writer.close()
        with text.open("rb") as lines:
            parts = [_parsed([], roads=roads)]
            while batch := list(islice(lines, WAYS_AT_ONCE)):
                parts.append(_parsed(batch, roads=roads))
    return _RawWays.join(parts).sorted()


@contextmanager
def _undestroyed_if_it_fails(writer: Any) -> Iterator[None]:  # noqa: ANN401 - pyosmium has no types
    """Keep a writer for good if the block fails: the destructor of one that has failed writes again, and that ends the process."""
    try:
        yield
    except BaseException:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(writer))
        raise


def _parsed(lines: Sequence[bytes], *, roads: bool) -> _RawWays:
    """Return ways from lines such as `w7 Thighway=path,name=Old%20%Road Nn1x-8.6y41.1,n2xy`; of `roads`, those that may be travelled."""
    ids, every, counts, nodes = [], [], [], []
    for line in lines:
        way, tags, refs = line.rstrip(b"\n").split(b" ")
        found = dict(pair.split(b"=") for pair in tags[1:].split(b",") if pair)
        if roads and not (b"highway" in found or found.get(b"route") == b"ferry"):
            continue
        ids.append(int(way[1:]))
        every.append({tag: _plain(found[key]) for key, tag in _USED_KEYS if key in found})
        counts.append(refs.count(b"n"))
        if len(refs) > 1:
            nodes.append(refs[1:])
    numbers = np.array(
        b",".join(nodes).replace(b"xy", b"x999y999").translate(_SEPARATED).split(), dtype=np.float64
    )  # 999: not known
    table = numbers.reshape(-1, 3)
    table[(np.abs(table[:, 1]) > 180) | (np.abs(table[:, 2]) > 90), 1:] = np.nan
    return _RawWays(
        np.array(ids, dtype=np.int64),
        every,
        np.array(counts, dtype=np.int64),
        table[:, 0].astype(np.int64),
        table[:, 1:],
    )


@lru_cache(MOST_TEXTS)
def _plain(text: bytes) -> str:
    """Return a text of OPL without its escapes, `%20%` for a space."""
    plain = text.decode()
    return re.sub("%([0-9a-f]+)%", lambda found: chr(int(found[1], 16)), plain) if "%" in plain else plain


def _nodes_of(path: Path, ways: _RawWays) -> OsmNodes:
    """Return the nodes of ways that the extract holds; those that were not before their way are looked for one by one."""
    known = ~np.isnan(ways.lonlat[:, 0])
    node, first = np.unique(ways.ref[known], return_index=True)
    nodes = OsmNodes(node, ways.lonlat[known][first])
    missing = set(ways.ref[~known].tolist()).difference(node.tolist() if not known.all() else ())
    if not missing:
        return nodes
    late = {
        each.id: (each.lon, each.lat) for each in _objects(path, "NODE") if each.id in missing and each.location.valid()
    }
    ids = np.append(node, np.array(list(late), dtype=np.int64))
    order = np.argsort(ids)
    return OsmNodes(ids[order], np.concatenate((nodes.lonlat, np.array(list(late.values())).reshape(-1, 2)))[order])


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
