"""Which line is the border: one of the extract's own closed boundaries, a GeoJSON file, or a shape given in Python."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.files.readwrite import IN_DEGREES, TO_DEGREES, geometry_type, json_kind, read_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from optimizer.region.osm import Boundary

BorderSource = BaseGeometry | str | os.PathLike[str] | None
"""A shape in degrees, a GeoJSON file, the name of a boundary in the extract, or None: the only one that closes, if there is one."""

_LINES = {"LineString", "MultiLineString", "LinearRing"}
_AREAS = {"Polygon", "MultiPolygon"}
_WANTED = "a line or polygon (GeoJSON LineString, MultiLineString, Polygon or MultiPolygon)"
_GEOJSON = {".geojson", ".json"}


@dataclass(frozen=True)
class Border:
    """A border.

    Attributes
    ----------
    line
        Line or lines in degrees. The rim of an area runs anticlockwise round it.
    area
        The defended area; None where the border is a plain line, which has no inside.
    """

    line: BaseGeometry
    area: BaseGeometry | None

    def contains(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.bool_]:
        """(k,) whether points lie on the defended side; always where the border is a plain line."""
        if self.area is None:
            return np.ones(np.shape(lon), dtype=bool)
        shapely.prepare(self.area)
        return np.asarray(shapely.contains_xy(self.area, lon, lat))


def is_border_file(source: BorderSource) -> bool:
    """Whether a source names a file rather than a boundary."""
    return isinstance(source, os.PathLike) or (isinstance(source, str) and Path(source).suffix.lower() in _GEOJSON)


def choose_border(source: BorderSource, boundaries: Sequence[Boundary], where: str) -> Border | None:
    """Return the border that a source means; None where none is asked for and the extract has none that closes.

    Raises
    ------
    InputError
        If several boundaries close and none is named, if the named one is unknown or does not close, or if a file or shape is no border.
    """
    if isinstance(source, BaseGeometry):
        return border_of_shape(source, where)
    if source is not None and is_border_file(source):
        return read_border(Path(source))
    closed = [boundary for boundary in boundaries if boundary.area is not None]
    if source is None:
        if len(closed) > 1:
            found = f"{len(closed)} closed borders: {', '.join(boundary.label for boundary in closed)}"
            raise InputError(Problem(where, found, "one border", "Name the one to defend with `border`"))
        return _border_of_area(closed[0].area) if closed else None
    wanted = str(source).strip().casefold()
    named = [boundary for boundary in boundaries if wanted in {name.casefold() for name in boundary.names}]
    usable = [boundary for boundary in named if boundary.area is not None]
    if not usable:
        found = f"border {str(source)!r}, which {'does not close in this extract' if named else 'it does not hold'}"
        known = f"one that closes: {', '.join(boundary.label for boundary in closed) or 'there is none'}"
        raise InputError(
            Problem(
                where,
                found,
                known,
                "Name one of these, give a GeoJSON file, or take a larger extract",
            )
        )
    return _border_of_area(usable[0].area)


def read_border(path: Path) -> Border:
    """Read a border from GeoJSON: geometry, Feature or FeatureCollection, of lines or polygons, in degrees.

    Raises
    ------
    InputError
        If the file is no GeoJSON, holds no line or polygon, or coordinates that cannot be; all faults together.
    """
    problems = ProblemList()
    shapes = []
    for where, geometry in _geometries(read_json(path, "a border as GeoJSON"), str(path), problems):
        shape = _shape(geometry, where, problems)
        if shape is not None:
            shapes.append(shape)
    if not problems and not shapes:
        problems.add(str(path), "nothing to draw", f"at least one {_WANTED.removeprefix('a ')}", "Draw the border")
    problems.raise_if_any()
    return border_of_shape(shapely.union_all(shapes) if len(shapes) > 1 else shapes[0], str(path))


def border_of_shape(shape: BaseGeometry, where: str) -> Border:
    """Return a shape in degrees as a border. A polygon is the defended area.

    Raises
    ------
    InputError
        If the shape is empty, crosses itself, or is neither line nor polygon.
    """
    if shape.is_empty or shape.geom_type not in _LINES | _AREAS:
        raise InputError(
            Problem(
                where,
                "an empty shape" if shape.is_empty else f"a {shape.geom_type}",
                _WANTED,
                "Draw lines or polygons alone",
            )
        )
    if not shapely.is_valid(shape):
        raise InputError(
            Problem(where, f"a shape that is faulty ({shapely.is_valid_reason(shape)})", _WANTED, "Mend it")
        )
    shape = shapely.force_2d(shape)
    if shape.geom_type in _AREAS:
        return _border_of_area(shape)
    return Border(shapely.line_merge(shape) if shape.geom_type == "MultiLineString" else shape, None)


def check_reach(border: Border, bounds: tuple[float, float, float, float], where: str) -> None:
    """Refuse a border that has nothing to do with a network within `bounds` (west, south, east, north; degrees).

    Raises
    ------
    InputError
        If it neither meets the box nor holds it. Says so where it would with longitude and latitude swapped.
    """
    box = shapely.box(*bounds)
    if shapely.intersects(border.line, box) or (border.area is not None and shapely.contains(border.area, box)):
        return
    swapped = shapely.transform(border.line, lambda points: points[:, ::-1])
    west, south, east, north = border.line.bounds
    found = f"a border between {west:.3f}, {south:.3f} and {east:.3f}, {north:.3f}"
    near = f"one that meets the roads between {bounds[0]:.3f}, {bounds[1]:.3f} and {bounds[2]:.3f}, {bounds[3]:.3f} (longitude, latitude)"
    if shapely.intersects(swapped, box):
        raise InputError(Problem(where, f"{found}: latitude before longitude", near, "Swap the coordinates"))
    raise InputError(Problem(where, f"{found}: far away", near, "Check that it belongs to this region"))


def _border_of_area(area: BaseGeometry | None) -> Border:
    oriented = cast("BaseGeometry", shapely.orient_polygons(area))
    return Border(cast("BaseGeometry", shapely.boundary(oriented)), oriented)


def _geometries(content: Any, where: str, problems: ProblemList) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - JSON
    """Give each geometry of a GeoJSON object with its place in the file."""
    kind = geometry_type(content)
    if kind == "FeatureCollection" and isinstance(content.get("features"), list):
        for number, feature in enumerate(content["features"], start=1):
            yield from _geometries(feature, f"{where}, feature {number}", problems)
    elif kind == "Feature":
        yield where, content.get("geometry")
    elif kind in _LINES | _AREAS | {"Point", "MultiPoint", "GeometryCollection"}:
        yield where, content
    else:
        problems.add(
            where,
            (f"type {kind!r}" if kind else json_kind(content)) if isinstance(content, dict) else "no object",
            "GeoJSON",
            "Save the border as GeoJSON",
        )


def _shape(geometry: Any, where: str, problems: ProblemList) -> BaseGeometry | None:  # noqa: ANN401 - JSON
    """Return the shape of a GeoJSON line or polygon; None, with a problem noted, where it is none."""
    kind = geometry_type(geometry)
    if kind not in _LINES | _AREAS:
        problems.add(where, f"a {kind}" if kind else "no geometry", _WANTED, "Remove it, or draw the border as a line")
        return None
    try:
        shape = shapely.geometry.shape(geometry)
        points = shapely.get_coordinates(shape)
    except (shapely.errors.GEOSException, ValueError, TypeError, KeyError, IndexError, AttributeError):
        problems.add(where, f"a {kind} whose coordinates cannot be read", _WANTED, "Save it again as GeoJSON")
        return None
    if not points.size:
        problems.add(where, f"a {kind} without points", _WANTED, "Draw it")
        return None
    west, south, east, north = shape.bounds
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        swapped = -180 <= south <= north <= 180 and -90 <= west <= east <= 90
        found = f"coordinates from {west:g}, {south:g} to {east:g}, {north:g}"
        remedy = "Swap the coordinates" if swapped else TO_DEGREES
        problems.append(Problem(where, found, IN_DEGREES, remedy))
        return None
    return shape
