"""GeoPackage layers as arrays, read and written through pyogrio."""

from __future__ import annotations

import errno
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from optimizer.base.errors import InputError, Problem
from optimizer.base.files.readwrite import existing_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

WGS84 = "EPSG:4326"
FEATURES_AT_ONCE = 100_000
"""Features that are written or read at once."""

_SQLITE = b"SQLite format 3\x00"
_APPLICATION_AT = 68
_APPLICATIONS = {b"GPKG", b"GP10", b"GP11"}
"""What the GeoPackage standard (table 1, "SQLite database header") puts at byte 68."""

_WRITING = {
    "OGR_CURRENT_DATE": "2000-01-01T00:00:00.000Z",  # one date for all, so that equal content gives equal bytes
    "OGR_SQLITE_SYNCHRONOUS": "OFF",  # the file has a temporary name until it is whole: no need to wait for the disk
}


def layer_names(path: Path) -> tuple[str, ...]:
    """Return the names of a GeoPackage's layers.

    Raises
    ------
    InputError
        If the file is missing or is not a GeoPackage. Its header is looked at before GDAL sees the file, because GDAL would
        follow a text file dressed up as one to other files and servers.
    """
    import pyogrio

    with existing_file(path, "a GeoPackage").open("rb") as stream:
        header = stream.read(100)
    if not header.startswith(_SQLITE) or header[_APPLICATION_AT:][:4] not in _APPLICATIONS:
        raise _not_a_geopackage(path, "something else")
    with _reading(path, "database"):
        return tuple(str(name) for name, _ in pyogrio.list_layers(path))


@dataclass(frozen=True)
class Layer:
    """A layer of k features.

    Attributes
    ----------
    geometry
        (k,) shapely geometries; empty for a table.
    columns
        Field -> (k,) values.
    crs
        Name of the coordinate system; None where none is stated.
    """

    geometry: NDArray[np.object_]
    columns: dict[str, NDArray[Any]]
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
    """Read a layer `FEATURES_AT_ONCE` features at a time, at least one part: shapes as objects take a multiple of their coordinates.

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
    """
    import pyogrio

    spatial = {} if geometry is None else {"geometry_type": kind, "crs": WGS84}
    size = max((column.size for column in columns.values()), default=0)
    for first in range(0, max(size, 1), FEATURES_AT_ONCE):
        rows = slice(first, first + FEATURES_AT_ONCE)
        data = [
            column[rows].astype(object) if column.dtype.kind == "U" else column[rows] for column in columns.values()
        ]
        wkb = None if geometry is None else np.asarray(shapely.to_wkb(geometry(rows)), dtype=object)
        pyogrio.raw.write(path, wkb, data, list(columns), layer=layer, driver="GPKG", append=first > 0, **spatial)


@contextmanager
def writing() -> Iterator[None]:
    """Make GDAL write quickly and the same bytes for the same content; put its options back afterwards."""
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
    except (RuntimeError, ValueError, shapely.errors.GEOSException) as error:
        raise _not_a_geopackage(path, f"a {what} that cannot be read ({error})") from None


def _not_a_geopackage(path: Path, found: str) -> InputError:
    return InputError(Problem(str(path), found, "a GeoPackage", "Check the file, or build it again"))
