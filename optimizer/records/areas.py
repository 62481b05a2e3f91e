"""Areas that records name in place of a point: sectors, districts, port field offices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from shapely.geometry import shape

from optimizer.base.errors import ProblemList
from optimizer.base.files.geojson import IN_DEGREES, TO_DEGREES, geometry_type, read_features

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from optimizer.problem.network.network import Network


@dataclass(frozen=True, slots=True)
class Area:
    """A named polygon; areas may overlap.

    Attributes
    ----------
    name
        How records call it; two areas never share a name, whatever the case of the letters.
    geometry
        Polygon or multipolygon in degrees (WGS 84).
    classes
        Road classes that belong to it; empty means all.
    """

    name: str
    geometry: BaseGeometry
    classes: tuple[str, ...] = ()

    def segments(self, network: Network) -> NDArray[np.int64]:
        """Return the sorted segments whose middle lies inside and whose class belongs to the area, (k,)."""
        middle = network.segment_midpoint
        shapely.prepare(self.geometry)
        inside = np.asarray(shapely.contains_xy(self.geometry, middle[:, 0], middle[:, 1]))
        if self.classes:
            inside &= np.isin(network.road_class[network.segment_arc], self.classes)
        return np.flatnonzero(inside).astype(np.int64)


def load_areas(path: Path) -> tuple[Area, ...]:
    """Read areas from the polygons of a GeoJSON file.

    Each feature needs a property `name`; a property `classes`, a list of road classes, limits the area to those roads.

    Raises
    ------
    InputError
        With every fault of the file: a feature without a name or with one already taken, a geometry that is no valid polygon,
        positions outside longitude and latitude, classes that are no list of words.
    """
    problems = ProblemList()
    areas: dict[str, Area] = {}
    features = read_features(path)
    for number, feature in enumerate(features, start=1):
        where = f"{path}, feature {number}"
        name = feature["properties"].get("name")
        geometry = _polygon(feature["geometry"], where, problems)
        classes = _classes(feature["properties"].get("classes"), where, problems)
        if not isinstance(name, str) or not name.strip():
            problems.add(f"{where}, name", repr(name), "the name by which records call the area")
        elif name_key(name) in areas:
            problems.add(
                f"{where}, name", repr(name), "a name no other area has", "Join its parts into one MultiPolygon"
            )
        elif geometry is not None:
            areas[name_key(name)] = Area(name.strip(), geometry, classes)
    if not features:
        problems.add(str(path), "no feature", "at least one polygon")
    problems.raise_if_any()
    return tuple(areas.values())


def name_key(name: str) -> str:
    """Return what two spellings of one name share: case and spacing do not matter."""
    return " ".join(name.casefold().split())


def _polygon(geometry: dict[str, Any] | None, where: str, problems: ProblemList) -> BaseGeometry | None:
    kind = geometry_type(geometry)
    if geometry is None or kind not in {"Polygon", "MultiPolygon"}:
        problems.add(where, kind or "no geometry", "a Polygon or MultiPolygon", "Draw the area as a polygon")
        return None
    try:
        polygon = shape(geometry)
    except (ValueError, TypeError, IndexError, KeyError, AttributeError, shapely.errors.ShapelyError):
        problems.add(
            where, "coordinates that make no polygon", "rings of at least four positions, the last like the first"
        )
        return None
    if polygon.is_empty or not polygon.is_valid:
        problems.add(where, shapely.is_valid_reason(polygon), "a valid polygon", "Repair its rings")
        return None
    west, south, east, north = polygon.bounds
    if west < -180 or east > 180 or south < -90 or north > 90:
        found = f"bounds {', '.join(f'{side:g}' for side in polygon.bounds)}"
        problems.add(where, found, IN_DEGREES, TO_DEGREES)
        return None
    return polygon


def _classes(value: object, where: str, problems: ProblemList) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return tuple(value)
    problems.add(f"{where}, classes", repr(value), 'a list of road classes such as ["trunk", "primary"]')
    return ()
