"""Regions on disk: one GeoPackage that QGIS opens and that reads back to the bit.

Layers: `nodes`, `arcs`, `border`, `crossings`, `gateways`, `settlements` (geometry in
WGS 84), `dropped` and `metadata` (tables). Numbers are stored as 8-byte integers and
doubles, geometries as well-known binary: nothing is rounded.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import numpy as np
import shapely
from numpy.typing import NDArray

from optimizer.base.arguments import checked
from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.files.readwrite import existing_file, written_whole
from optimizer.problem.network.network import Network
from optimizer.problem.network.places import Crossing, Gateway, Settlement
from optimizer.problem.network.polylines import Polylines
from optimizer.region.model import Dropped, Region, terms_of_text
from optimizer.region.ways import Growing

PlaceType = TypeVar("PlaceType", Crossing, Gateway, Settlement)

FORMAT = "border-interdiction region"
FORMAT_VERSION = "1"

_PLACES: dict[str, type[Crossing | Gateway | Settlement]] = {
    "crossings": Crossing,
    "gateways": Gateway,
    "settlements": Settlement,
}
_ARC_COLUMNS = {
    "tail": np.int32,
    "head": np.int32,
    "length_m": np.float64,
    "time_s": np.float64,
    "road_class": np.str_,
    "name": np.str_,
    "way": np.int64,
    "segment": np.int32,
}
_NEWER_ARC_COLUMNS = {"ref": np.str_}
"""Those that files of earlier versions lack."""
_NEWER_PLACE_COLUMNS = frozenset({"exposure_assumed"})
"""The same of places."""
_DTYPE = {str: np.str_, int: np.int64, float: np.float64, bool: np.bool_}
_KINDS = {"i": "iub", "f": "iuf", "b": "b", "U": "OU"}
"""NumPy kinds a stored column may have (values) where a field wants another (keys)."""


@checked
def save_region(region: Region, path: str | os.PathLike[str]) -> None:
    """Write a region as one GeoPackage, whole or not at all; the same region gives the
    same bytes.

    Raises
    ------
    InputError
        If the suffix is not `.gpkg`, or the folder cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() != ".gpkg":
        raise InputError(
            Problem(
                str(path), f"the suffix {path.suffix!r}", "a name that ends in .gpkg", "Rename it"
            )
        )
    network = region.network
    border = np.array([region.border] if region.border is not None else [], dtype=object)
    metadata = {"format": FORMAT, "version": FORMAT_VERSION, "attribution": region.attribution}
    if region.open_borders:
        metadata["open_borders"] = "\n".join(region.open_borders)
    if region.terms is not None:
        metadata["terms"] = region.terms.model_dump_json()
    with written_whole(path) as temporary, writing():
        write_layer(
            temporary,
            "nodes",
            {"node_id": network.node_id},
            lambda rows: np.asarray(shapely.points(network.lon[rows], network.lat[rows])),
        )
        write_layer(
            temporary,
            "arcs",
            {
                name: getattr(network, name)
                for name in (*_ARC_COLUMNS, *_NEWER_ARC_COLUMNS)
                if getattr(network, name) is not None
            },
            lambda rows: network.polylines.take(np.arange(*rows.indices(network.n_arcs))).drawn(),
            "LineString",
        )
        write_layer(temporary, "border", {}, lambda rows: border[rows], "Unknown")
        for layer, place_type in _PLACES.items():
            places = getattr(region, layer)
            lonlat = np.array(
                [(place.lon, place.lat) for place in places], dtype=np.float64
            ).reshape(-1, 2)
            points = np.asarray(shapely.points(lonlat))
            columns = _columns(places, _place_dtypes(place_type))
            write_layer(temporary, layer, columns, points.__getitem__)
        write_layer(
            temporary, "dropped", _columns(region.dropped, {"what": np.str_, "reason": np.str_})
        )
        write_layer(
            temporary,
            "metadata",
            {"key": np.array(list(metadata)), "value": np.array(list(metadata.values()))},
        )


@checked
def load_region(path: str | os.PathLike[str]) -> Region:
    """Read a region that `save_region` wrote.

    Raises
    ------
    InputError
        If the file is missing, is not such a GeoPackage, or its layers contradict each
        other.
    """
    path = Path(path)
    layers = layer_names(path)
    metadata = _metadata(path, layers)
    problems = ProblemList()
    for layer in ("nodes", "arcs", "border", *_PLACES, "dropped"):
        if layer not in layers:
            problems.add(
                str(path),
                f"no layer {layer}",
                "a region saved whole by this program",
                "Build the region again",
            )
    problems.raise_if_any()
    network = _load_network(path)
    border = read_layer(path, "border").geometry
    dropped = _read_table(path, "dropped", {"what": np.str_, "reason": np.str_}).columns
    return Region(
        network=network,
        border=border[0] if border.size else None,
        crossings=_load_places(path, "crossings", Crossing, network.n_nodes),
        gateways=_load_places(path, "gateways", Gateway, network.n_nodes),
        settlements=_load_places(path, "settlements", Settlement, network.n_nodes),
        dropped=tuple(map(Dropped, dropped["what"].tolist(), dropped["reason"].tolist())),
        attribution=metadata["attribution"],
        open_borders=tuple(metadata["open_borders"].splitlines()),
        terms=(
            terms_of_text(metadata["terms"], f"{path}, layer metadata, terms")
            if "terms" in metadata
            else None
        ),
    )


def is_saved_region(path: Path) -> bool:
    """Whether a GeoPackage is one that `save_region` wrote, rather than a foreign one.

    Raises
    ------
    InputError
        If the file is missing or is no GeoPackage.
    """
    layers = layer_names(path)
    return "metadata" in layers and "arcs" in layers


def _metadata(path: Path, layers: tuple[str, ...]) -> dict[str, str]:
    expected = f"{FORMAT}, version {FORMAT_VERSION}"
    if "metadata" not in layers:
        raise InputError(
            Problem(
                str(path),
                f"a GeoPackage with the layers {', '.join(layers)}",
                expected,
                "Build the region again",
            )
        )
    columns = _read_table(path, "metadata", {"key": np.str_, "value": np.str_}).columns
    metadata = dict(zip(columns["key"].tolist(), columns["value"].tolist(), strict=True))
    if (metadata.get("format"), metadata.get("version")) != (FORMAT, FORMAT_VERSION):
        found = f"{metadata.get('format')!r}, version {metadata.get('version')!r}"
        raise InputError(
            Problem(
                f"{path}, layer metadata",
                found,
                expected,
                "Build the region again with this version",
            )
        )
    return {"attribution": "", "open_borders": "", **metadata}


def _load_network(path: Path) -> Network:
    ids = Growing()
    points = Growing()
    lines = Growing()
    counts = Growing()
    for nodes in read_layer_parts(path, "nodes"):
        ids.put(nodes.columns.get("node_id", np.empty(0, dtype=np.int64)))
        points.put(_coordinates(path, "nodes", nodes.geometry, shapely.GeometryType.POINT))
    known: dict[str, str] = {}
    columns: dict[str, Growing] = defaultdict(Growing)
    for table in read_layer_parts(path, "arcs"):
        lines.put(_coordinates(path, "arcs", table.geometry, shapely.GeometryType.LINESTRING))
        counts.put(shapely.get_num_points(table.geometry))
        for name, column in _typed(
            table, f"{path}, layer arcs", _ARC_COLUMNS, _NEWER_ARC_COLUMNS, known
        ).columns.items():
            columns[name].put(column)
    node_id = ids.taken()
    node_id = node_id.astype(np.str_ if node_id.dtype.kind == "O" else np.int64)
    lonlat, shape = points.taken(), lines.taken()
    arcs = {name: column.taken() for name, column in columns.items()}
    _check_network(path, node_id, len(lonlat), arcs)
    start = np.append(0, np.cumsum(counts.taken(), dtype=np.int64))
    return Network(
        node_id=node_id,
        lon=lonlat[:, 0],
        lat=lonlat[:, 1],
        polylines=Polylines.of(start, shape),
        given=None,
        **arcs,
    )


def _check_network(
    path: Path, node_id: NDArray[Any], n_nodes: int, arcs: Mapping[str, NDArray[Any]]
) -> None:
    problems, where = ProblemList(), f"{path}, layer arcs"
    if not n_nodes or np.unique(node_id).size != n_nodes:
        problems.add(
            f"{path}, layer nodes",
            "no nodes, or node_id twice or not given",
            "unique node_id",
            "Build the region again",
        )
    for end in ("tail", "head"):
        _refuse(
            problems, where, end, ~_is_position(arcs[end], n_nodes), "a position in the layer nodes"
        )
    for measure in ("length_m", "time_s"):
        _refuse(
            problems,
            where,
            measure,
            ~(np.isfinite(arcs[measure]) & (arcs[measure] > 0)),
            "a number above 0",
        )
    _refuse(
        problems,
        where,
        "segment",
        ~_is_position(arcs["segment"], arcs["segment"].size),
        "a segment number from 0 on, without gaps",
    )
    problems.raise_if_any()


def _load_places(
    path: Path, layer: str, place_type: type[PlaceType], n_nodes: int
) -> tuple[PlaceType, ...]:
    dtypes = _place_dtypes(place_type)
    newer = {name: dtypes.pop(name) for name in _NEWER_PLACE_COLUMNS & dtypes.keys()}
    table = _typed(read_layer(path, layer), f"{path}, layer {layer}", dtypes, newer, {})
    columns = table.columns
    lonlat = _coordinates(path, layer, table.geometry, shapely.GeometryType.POINT)
    problems = ProblemList()
    _refuse(
        problems,
        f"{path}, layer {layer}",
        "node",
        ~_is_position(columns["node"], n_nodes),
        "a position in the layer nodes",
    )
    problems.raise_if_any()
    rows = zip(*(column.tolist() for column in columns.values()), lonlat.tolist(), strict=True)
    return tuple(
        place_type(**dict(zip(columns, values, strict=True)), lon=lon, lat=lat)
        for *values, (lon, lat) in rows
    )


def _read_table(path: Path, layer: str, dtypes: dict[str, Any]) -> Layer:
    """Return a layer with the wanted columns, each checked to hold what it should."""
    return _typed(read_layer(path, layer), f"{path}, layer {layer}", dtypes, {}, {})


def _typed(
    read: Layer, where: str, dtypes: dict[str, Any], newer: Mapping[str, Any], known: dict[str, str]
) -> Layer:
    """Return a layer with the wanted columns and those of the newer ones that it has;
    equal texts are one object, kept in `known`.
    """
    columns = read.columns
    dtypes = dtypes | {name: dtype for name, dtype in newer.items() if name in columns}
    problems = ProblemList()
    for name, dtype in dtypes.items():
        column = columns.get(name)
        if column is None:
            problems.add(
                where,
                f"no field {name}",
                "a region saved by this program",
                "Build the region again",
            )
        elif column.size and column.dtype.kind not in _KINDS[np.dtype(dtype).kind]:
            problems.add(
                f"{where}, field {name}",
                column.dtype,
                np.dtype(dtype).name,
                "Build the region again",
            )
    problems.raise_if_any()
    return replace(
        read,
        columns={
            name: (
                np.array(
                    [known.setdefault(text, text) for text in map(str, columns[name].tolist())],
                    dtype=object,
                )
                if dtype is np.str_
                else columns[name].astype(dtype)
            )
            for name, dtype in dtypes.items()
        },
    )


def _coordinates(
    path: Path, layer: str, geometry: NDArray[np.object_], kind: shapely.GeometryType
) -> NDArray[np.float64]:
    if geometry.size and (shapely.get_type_id(geometry) != kind).any():
        raise InputError(
            Problem(
                f"{path}, layer {layer}",
                "a geometry of another kind",
                kind.name.lower(),
                "Build the region again",
            )
        )
    return np.asarray(shapely.get_coordinates(geometry))


def _refuse(
    problems: ProblemList, where: str, field: str, bad: NDArray[np.bool_], expected: str
) -> None:
    rows = np.flatnonzero(bad)
    if rows.size:
        problems.add(
            f"{where}, row {rows[0] + 1}, field {field}",
            f"{rows.size} rows that do not hold one",
            expected,
        )


def _is_position(values: NDArray[np.integer], size: int) -> NDArray[np.bool_]:
    return np.asarray((values >= 0) & (values < size))


def _place_dtypes(place_type: type) -> dict[str, Any]:
    return {
        name: _DTYPE[kind]
        for name, kind in get_type_hints(place_type).items()
        if name not in {"lon", "lat"}
    }


def _columns(items: Sequence[object], dtypes: dict[str, Any]) -> dict[str, NDArray[Any]]:
    return {
        name: np.array([getattr(item, name) for item in items], dtype=dtype)
        for name, dtype in dtypes.items()
    }


# GeoPackage layers as arrays, read and written through pyogrio.

WGS84 = "EPSG:4326"
FEATURES_AT_ONCE = 100_000
"""Features that are written or read at once."""

_SQLITE = b"SQLite format 3\x00"
_APPLICATION_AT = 68
_APPLICATIONS = {b"GPKG", b"GP10", b"GP11"}
"""What the GeoPackage standard (table 1, "SQLite database header") puts at byte 68."""

_WRITING = {
    # one date for all, so that equal content gives equal bytes
    "OGR_CURRENT_DATE": "2000-01-01T00:00:00.000Z",
    # the file has a temporary name until it is whole: no need to wait for the disk
    "OGR_SQLITE_SYNCHRONOUS": "OFF",
}


def layer_names(path: Path) -> tuple[str, ...]:
    """Return the names of a GeoPackage's layers.

    Raises
    ------
    InputError
        If the file is missing, is not a GeoPackage, or has a view in place of a layer,
        which may have rows without end. Its header is looked at before GDAL sees the
        file, because GDAL would follow a text file dressed up as one to other files and
        servers.
    """
    import pyogrio

    try:
        with existing_file(path, "a GeoPackage").open("rb") as stream:
            header = stream.read(100)
    except OSError as error:
        raise _not_a_geopackage(path, error.strerror or str(error)) from None
    if not header.startswith(_SQLITE) or header[_APPLICATION_AT:][:4] not in _APPLICATIONS:
        raise _not_a_geopackage(path, "something else")
    with _reading(path, "database"):
        layers = tuple(str(name) for name, _ in pyogrio.list_layers(path))
    views = {name for name in _views(path) if name in layers}
    if views:
        raise InputError(
            Problem(
                f"{path}, layer {min(views)}",
                "a view",
                "a table",
                "Save what it shows as a layer of its own",
            )
        )
    return layers


def _views(path: Path) -> list[str]:
    """Return the names of the views of a database."""
    with _reading(path, "database"):
        database = sqlite3.connect(f"{path.resolve().as_uri()}?immutable=1", uri=True)
        try:
            rows = database.execute("SELECT name FROM sqlite_master WHERE type = 'view'").fetchall()
        finally:
            database.close()
    return [str(name) for (name,) in rows]


@dataclass(frozen=True)
class Layer:
    """A layer of k features."""

    #: (k,) shapely geometries; empty for a table.
    geometry: NDArray[np.object_]
    #: Field -> (k,) values.
    columns: dict[str, NDArray[Any]]
    #: Name of the coordinate system; None where none is stated.
    crs: str | None


def read_layer(path: Path, layer: str) -> Layer:
    """Read a layer.

    Raises
    ------
    InputError
        If the layer cannot be read.
    """
    return _read(path, layer)


def read_layer_parts(path: Path, layer: str) -> Iterator[Layer]:
    """Read a layer `FEATURES_AT_ONCE` features at a time, at least one part: shapes as
    objects take a multiple of their coordinates.

    Raises
    ------
    InputError
        If the layer cannot be read.
    """
    first = 0
    while True:
        part = _read(path, layer, skip_features=first, max_features=FEATURES_AT_ONCE)
        size = part.geometry.size
        if size or not first:
            yield part
        if size < FEATURES_AT_ONCE:
            return
        first += size


def _read(path: Path, layer: str, **options: int) -> Layer:
    import pyogrio

    with _reading(path, f"layer {layer}"):
        meta, _, geometry, columns = pyogrio.raw.read(path, layer=layer, **options)
        shapes = np.empty(0, dtype=object) if geometry is None else shapely.from_wkb(geometry)
    named = dict(zip(meta["fields"].tolist(), columns, strict=True))
    return Layer(np.asarray(shapes, dtype=object), named, meta["crs"])


def write_layer(
    path: Path,
    layer: str,
    columns: Mapping[str, NDArray[Any]],
    geometry: Callable[[slice], NDArray[np.object_]] | None = None,
    kind: str = "Point",
) -> None:
    """Add a layer to a GeoPackage (made where there is none).

    Parameters
    ----------
    path, layer
        Where.
    columns
        Field -> (k,) values.
    geometry
        Gives shapely geometries in WGS 84 for some rows; None for a table.
    kind
        What they are.

    Raises
    ------
    InputError
        If the path has a line end: SQLite in GDAL leaves it out, and writes elsewhere.
    """
    import pyogrio

    if set(str(path)) & set("\n\r"):
        raise InputError(
            Problem(str(path), "a name with a line end", "one without", "Choose another --out")
        )
    spatial = {} if geometry is None else {"geometry_type": kind, "crs": WGS84}
    size = max((column.size for column in columns.values()), default=0)
    for first in range(0, max(size, 1), FEATURES_AT_ONCE):
        rows = slice(first, first + FEATURES_AT_ONCE)
        data = [
            column[rows].astype(object) if column.dtype.kind == "U" else column[rows]
            for column in columns.values()
        ]
        wkb = None if geometry is None else np.asarray(shapely.to_wkb(geometry(rows)), dtype=object)
        pyogrio.raw.write(
            path, wkb, data, list(columns), layer=layer, driver="GPKG", append=first > 0, **spatial
        )


@contextmanager
def writing() -> Iterator[None]:
    """Make GDAL write quickly and the same bytes for the same content; put its options
    back afterwards.
    """
    import pyogrio

    before = {option: pyogrio.get_gdal_config_option(option) for option in _WRITING}
    pyogrio.set_gdal_config_options(_WRITING)
    try:
        yield
    except RuntimeError as error:  # what pyogrio raises where the system does not let GDAL write
        raise OSError(errno.EIO, str(error)) from None
    finally:
        pyogrio.set_gdal_config_options(before)


@contextmanager
def _reading(path: Path, what: str) -> Iterator[None]:
    """Turn what GDAL and GEOS say of a damaged file into one message."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # GDAL warns on its way to an error
            yield
    except (
        RuntimeError,
        ValueError,
        shapely.errors.GEOSException,
        sqlite3.Error,
    ) as error:
        raise _not_a_geopackage(path, f"a {what} that cannot be read ({error})") from None


def _not_a_geopackage(path: Path, found: str) -> InputError:
    return InputError(
        Problem(str(path), found, "a GeoPackage", "Check the file, or build it again")
    )
