"""OpenStreetMap extracts (`.osm`, `.osm.pbf`, and compressed `.osm`), parsed by
pyosmium.

Passes, each for one kind of object: relations (for borders), ways with the places of
their nodes, and nodes with a meaning of their own. pyosmium refuses XML entities, so an
XML bomb ends as a message.
"""

from __future__ import annotations

import bz2
import ctypes
import gzip
import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from optimizer.base.errors import InputError, Problem
from optimizer.base.files.readwrite import existing_file
from optimizer.base.files.temporary import scratch_folder
from optimizer.base.text.formatting import number
from optimizer.problem.network.polylines import GRID, PORTION, LonLat, ranges
from optimizer.problem.network.road_classes import MODES
from optimizer.region.osm import (
    USED_TAGS,
    Boundary,
    OsmData,
    PlaceNode,
    PointFeatures,
    Road,
    read_road,
)
from optimizer.region.ways import Growing

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

MOST_EXPANSION = 200
"""Times its own size that a compressed extract may unpack to: maps as XML shrink ten-
to twentyfold, a decompression bomb a thousandfold.
"""

SUFFIXES = (".osm", ".osm.pbf", ".pbf", ".osm.bz2", ".osm.gz")

WAYS_AT_ONCE = 4_000
"""Ways whose text is taken apart at once."""

_NOT_UTF8 = "text that is not UTF-8"

_NAME_TAGS = (
    "name",
    "name:en",
    "int_name",
    "official_name",
    "ISO3166-1",
    "ISO3166-1:alpha2",
    "ISO3166-1:alpha3",
)


class _Relation(NamedTuple):
    """A boundary relation: its number, names, and the ways around and inside it."""

    id: int
    names: tuple[str, ...]
    outer: tuple[int, ...]
    inner: tuple[int, ...]


def read_extract(path: Path, modes: frozenset[str] = frozenset(MODES)) -> OsmData:
    """Read the roads, ferries, places, border controls and country boundaries of an
    extract; of ways of other modes no nodes.

    Raises
    ------
    InputError
        If the file is missing, damaged, or empty.
    """
    existing_file(path, "an OpenStreetMap extract")
    check_expansion(path, "an OpenStreetMap extract", MOST_EXPANSION)
    try:
        return _read(path, modes)
    except UnicodeDecodeError:  # pyosmium decodes each text as it is asked for
        raise InputError(
            Problem(str(path), _NOT_UTF8, "a whole OpenStreetMap extract", "Download it again")
        ) from None


def _read(path: Path, modes: frozenset[str]) -> OsmData:
    boundaries = tuple(_boundaries(path))
    texts = WayTexts(modes)
    roads = _read_roads(path, texts)
    nodes = nodes_of(roads, partial(_late_nodes, path))
    features = _read_features(path)
    if not (features.places or (roads.id.size and (nodes.id.size or not roads.ref.size))):
        raise InputError(
            Problem(
                str(path),
                "no roads and no places",
                "an OpenStreetMap extract with roads",
                "Choose another",
            )
        )
    return OsmData(
        way=roads.id,
        tags=texts.tags,
        tags_of=roads.tags,
        name=roads.name,
        start=np.concatenate(([0], np.cumsum(roads.count, dtype=np.int64))),
        point=nodes.point,
        node=nodes.id,
        lonlat=LonLat(nodes.grid),
        controls=features.controls,
        places=features.places,
        boundaries=boundaries,
    )


def _boundaries(path: Path) -> Iterator[Boundary]:
    """Give the boundaries of countries, by rising number."""
    relations = _read_relations(path)
    rim = sorted({way for relation in relations for way in (*relation.outer, *relation.inner)})
    around = _read_rim(path, rim)
    nodes = nodes_of(around, partial(_late_nodes, path))
    parts = np.split(nodes.point, np.cumsum(around.count)[:-1])
    lines = dict(zip(around.id.tolist(), parts, strict=True)) if around.id.size else {}
    lonlat = LonLat(nodes.grid).degrees()
    for relation in relations:
        outer, inner = list(map(lines.get, relation.outer)), list(map(lines.get, relation.inner))
        yield Boundary(relation.id, relation.names, _area(outer, inner, lonlat))


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
        raise InputError(
            Problem(str(path), found, "a whole OpenStreetMap extract", "Download it again")
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


def _read_roads(path: Path, texts: WayTexts) -> RawWays:
    """Return the ways that may be travelled, by rising number."""
    import osmium

    return _read_ways(path, osmium.filter.KeyFilter("highway", "route"), texts)


def _read_rim(path: Path, rim: Sequence[int]) -> RawWays:
    """Return the ways of these numbers, which borders are made of."""
    import osmium

    texts = WayTexts(None)
    return _read_ways(path, osmium.filter.IdFilter(rim), texts) if rim else texts.parsed([])


def _read_ways(path: Path, chosen: Any, texts: WayTexts) -> RawWays:  # noqa: ANN401 - pyosmium has no types
    """Return the ways that a filter lets through, with the places of their nodes.

    osmium chooses the ways, looks up their nodes and writes them as text (OPL): to ask
    for each node in Python takes ten times as long. It knows the nodes that stand
    before the way that needs them, as in any file in the usual order.
    """
    import osmium

    with scratch_folder() as folder, _readable(path):
        text = folder / "ways.opl"
        writer = osmium.SimpleWriter(
            osmium.io.File(str(text), "opl,add_metadata=false,locations_on_ways=true")
        )
        with _undestroyed_if_it_fails(writer):
            store = osmium.NodeLocationsForWays(osmium.index.create_map("sparse_mmap_array"))
            store.ignore_errors()
            reader = osmium.io.Reader(str(path), osmium.osm.NODE | osmium.osm.WAY)
            only = osmium.filter.EntityFilter(osmium.osm.WAY)
            osmium.apply(reader, store, only, chosen.enable_for(osmium.osm.WAY), writer)
            writer.close()
            del store  # it holds every node of the file
        with text.open("rb") as lines:
            columns = {each.name: Growing() for each in fields(RawWays)}
            for batch in chain([()], iter(lambda: list(islice(lines, WAYS_AT_ONCE)), [])):
                ways = texts.parsed(batch)
                for name, column in columns.items():
                    column.put(getattr(ways, name))
    return RawWays(**{name: column.taken() for name, column in columns.items()}).sorted()


@contextmanager
def _undestroyed_if_it_fails(writer: Any) -> Iterator[None]:  # noqa: ANN401 - pyosmium has no types
    """Keep a writer for good if the block fails: the destructor of one that has failed
    writes again, and that ends the process.
    """
    try:
        yield
    except BaseException:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(writer))
        raise


def _late_nodes(path: Path, wanted: set[int]) -> dict[int, tuple[int, int]]:
    """Return the places, in steps of 1e-7 degree, of nodes that do not stand before the
    ways that need them, looked for one by one.
    """
    return {
        each.id: (each.location.x, each.location.y)
        for each in _objects(path, "NODE")
        if each.id in wanted and each.location.valid()
    }


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
                PlaceNode(
                    each.id,
                    each.lon,
                    each.lat,
                    tags.get("name", ""),
                    tags["place"],
                    tags.get("population", ""),
                )
            )
    return PointFeatures(
        np.array(sorted(controls), dtype=np.float64).reshape(-1, 2),
        tuple(sorted(places, key=lambda place: place.id)),
    )


def _area(
    outer: Sequence[NDArray[np.int32] | None],
    inner: Sequence[NDArray[np.int32] | None],
    lonlat: NDArray[np.float64],
) -> BaseGeometry | None:
    """Return the area that a boundary's ways enclose; None where one is missing or they
    do not close.
    """
    whole, holes = _enclosed(outer, lonlat), _enclosed(inner, lonlat)
    if whole is None or holes is None or whole.is_empty:
        return None
    return shapely.orient_polygons(shapely.difference(whole, holes))


def _enclosed(
    members: Sequence[NDArray[np.int32] | None], lonlat: NDArray[np.float64]
) -> BaseGeometry | None:
    lines = []
    for points in members:
        if points is None or points.size < 2 or (points < 0).any():
            return None
        lines.append(shapely.linestrings(lonlat[points]))
    polygons, *leftovers = shapely.polygonize_full(np.asarray(lines, dtype=object))
    return (
        shapely.union_all(shapely.get_parts(polygons))
        if shapely.is_empty(leftovers).all()
        else None
    )


# Ways as osmium writes them (OPL text), taken apart into arrays as narrow as may be:
# maps have tens of millions of nodes.

UNKNOWN = np.iinfo(np.int32).min
"""Stands for a coordinate that is not known."""

_USED_KEYS = {tag.encode() for tag in USED_TAGS}

_SEPARATED = bytes.maketrans(b"nxy,", b"    ")


@dataclass(frozen=True)
class RawWays:
    """Ways and the nodes that they run through."""

    #: `id`, `tags`, `name`, `count`: (w,) OSM id, position in `WayTexts.tags`, name,
    #: and number of nodes.
    id: NDArray[np.int64]
    tags: NDArray[np.int32]
    name: NDArray[np.object_]
    count: NDArray[np.int32]
    #: `ref`, `grid`: (r,) ids of these nodes, and their (r, 2) places in steps of 1e-7
    #: degree, `UNKNOWN` where they are not known.
    ref: NDArray[np.int64]
    grid: NDArray[np.int32]

    def sorted(self) -> RawWays:
        """Return them by rising number."""
        if (self.id[1:] > self.id[:-1]).all():
            return self
        order = np.argsort(self.id, kind="stable")
        count = self.count[order].astype(np.int64)
        at = ranges((np.cumsum(self.count) - self.count)[order], count)
        return RawWays(
            self.id[order],
            self.tags[order],
            self.name[order],
            self.count[order],
            self.ref[at],
            self.grid[at],
        )


class _Learnt(NamedTuple):
    """A set of tags: its position in `WayTexts.tags`, -1 where it is no road's, and
    whether the nodes of its ways are wanted.
    """

    at: int
    wanted: bool


class WayTexts:
    """Takes lines of text apart; ways with the same tags, names aside, share one set of
    them, and roads of one name the name.

    Parameters
    ----------
    modes
        Of ways that cannot be travelled nothing is returned, and of those of other
        modes no nodes; None for all of every way.

    Attributes
    ----------
    tags
        Each set of tags without the name.
    """

    def __init__(self, modes: frozenset[str] | None) -> None:
        self.tags: list[dict[str, str]] = []
        self._modes = modes
        self._learnt: dict[bytes, _Learnt] = {}
        self._names: dict[bytes, str] = {}

    def parsed(self, lines: Sequence[bytes]) -> RawWays:
        """Return ways from lines such as `w7 Thighway=path,name=Old%20%Road Nn1x-8.6y41.1,n2xy`."""
        ids = []
        tags = []
        names = []
        counts = []
        nodes = []
        for line in lines:
            way, pairs, refs = line.rstrip(b"\n").split(b" ")
            used, name = [], b""
            for pair in pairs[1:].split(b","):
                key, _, value = pair.partition(b"=")
                if key == b"name":
                    name = value
                elif key in _USED_KEYS:
                    used.append(pair)
            text = b",".join(used)
            # Few combinations of tags make up millions of ways, so each is judged once
            # and looked up by its text.
            at, wanted = self._learnt.get(text) or self._learn(text)
            if at < 0:
                continue
            if name not in self._names:
                self._names[name] = _plain(name)
            ids.append(int(way[1:]))
            tags.append(at)
            names.append(self._names[name])
            counts.append(refs.count(b"n") if wanted else 0)
            if counts[-1]:
                nodes.append(refs[1:])
        # All numbers of the batch are parsed at once, in C: there are tens of millions
        # of nodes.
        whole = b",".join(nodes).replace(b"xy", b"x999y999").translate(_SEPARATED)  # 999: not known
        table = np.fromstring(whole, dtype=np.float64, sep=" ").reshape(-1, 3)
        place = table[:, 1:]
        place[(np.abs(place) > (180, 90)).any(axis=1)] = UNKNOWN / GRID
        return RawWays(
            np.array(ids, dtype=np.int64),
            np.array(tags, dtype=np.int32),
            np.array(names, dtype=object),
            np.array(counts, dtype=np.int32),
            table[:, 0].astype(np.int64),
            np.rint(place * GRID).astype(np.int32),
        )

    def _learn(self, text: bytes) -> _Learnt:
        """Note a set of tags."""
        tags = {
            key.decode(): _plain(value)
            for key, value in (pair.split(b"=") for pair in text.split(b",") if pair)
        }
        learnt = _Learnt(-1, wanted=False)
        if self._modes is None or "highway" in tags or tags.get("route") == "ferry":
            wanted = self._modes is None or isinstance(read_road(tags, self._modes), Road)
            learnt = _Learnt(len(self.tags), wanted)
            self.tags.append(tags)
        self._learnt[text] = learnt
        return learnt


def _plain(text: bytes) -> str:
    """Return a text of OPL without its escapes, `%20%` for a space."""
    plain = text.decode()
    return (
        re.sub("%([0-9a-f]+)%", lambda found: chr(int(found[1], 16)), plain)
        if "%" in plain
        else plain
    )


@dataclass(frozen=True)
class RawNodes:
    """The nodes of ways."""

    #: `id`, `grid`: (n,) ids in rising order, and their (n, 2) places in steps of 1e-7
    #: degree.
    id: NDArray[np.int64]
    grid: NDArray[np.int32]
    #: (r,) position of each entry of `RawWays.ref`; -1 where the place of the node is
    #: not known.
    point: NDArray[np.int32]


def nodes_of(
    ways: RawWays, look_up: Callable[[set[int]], Mapping[int, tuple[int, int]]]
) -> RawNodes:
    """Return the nodes of ways; `look_up` gives places of those that no way knows, as
    far as there are any.
    """
    ranked = np.sort(ways.ref)
    node = ranked[np.append(True, ranked[1:] != ranked[:-1])[: ranked.size]]
    del ranked
    point, grid = (
        np.empty(ways.ref.size, dtype=np.int32),
        np.full((node.size, 2), UNKNOWN, dtype=np.int32),
    )
    for first in range(0, point.size, PORTION):
        rows = slice(first, first + PORTION)
        point[rows] = np.searchsorted(node, ways.ref[rows])
        known = ways.grid[rows, 0] != UNKNOWN
        grid[point[rows][known]] = ways.grid[rows][known]
    unknown = np.flatnonzero(grid[:, 0] == UNKNOWN)
    if not unknown.size:
        return RawNodes(node, grid, point)
    late = look_up(set(node[unknown].tolist()))
    grid[unknown] = [late.get(each, (UNKNOWN, UNKNOWN)) for each in node[unknown].tolist()]
    known = grid[:, 0] != UNKNOWN
    place = np.where(known, np.cumsum(known, dtype=np.int32) - 1, np.int32(-1))
    return RawNodes(node[known], grid[known], place[point])


# Compressed extracts: refused by their ratio before anybody unpacks a bomb.

SMALL_BYTES = 1 << 20
"""Bytes that any compressed file may unpack to."""

CHUNK_BYTES = 1 << 20


def check_expansion(path: Path, what: str, most: float) -> None:
    """Refuse a gzip or bzip2 file, by its suffix, that unpacks to more than `most`
    times its size; nothing is kept of what is unpacked.

    Raises
    ------
    InputError
        If it does, or its data are damaged.
    """
    suffix = path.suffix.lower()
    if suffix not in {".gz", ".bz2"}:
        return
    limit = SMALL_BYTES + most * path.stat().st_size
    unpacked = 0
    try:
        with gzip.open(path, "rb") if suffix == ".gz" else bz2.open(path, "rb") as stream:
            while chunk := stream.read(CHUNK_BYTES):
                unpacked += len(chunk)
                if unpacked > limit:
                    found = (
                        f"compressed data that unpack to more than {number(most, 6)} times their"
                        " size"
                    )
                    raise InputError(
                        Problem(str(path), found, what, "If the file is sound, unpack it yourself")
                    )
    except (EOFError, OSError, zlib.error) as error:
        found = f"damaged compressed data ({error})"
        raise InputError(Problem(str(path), found, what, "Download it again")) from None
