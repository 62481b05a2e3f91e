"""Features of a GeoJSON file."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from optimizer.base.errors import InputError, Problem
from optimizer.base.files.readwrite import GEOJSON, json_kind, read_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

GEOJSON_SUFFIXES = frozenset({".geojson", ".json"})
IN_DEGREES = "longitude and latitude in degrees, not coordinates of a projected reference system (CRS)"
TO_DEGREES = "Convert them to longitude and latitude in WGS 84 (EPSG:4326)"
"""What to do about positions in another coordinate reference system."""
LEAST_METRES = 1000.0
"""Size of a coordinate, beyond degrees, from which on it is taken for metres of a projected system; below it, for a slip."""


def read_features(path: Path) -> list[dict[str, Any]]:
    """Return the features of a GeoJSON FeatureCollection in WGS 84, each with `properties`, an object, and `geometry`, an object or None.

    Raises
    ------
    InputError
        If the file is not a FeatureCollection, or names a reference system other than WGS 84 (RFC 7946 allows no other).
    """
    content = read_json(path, "a GeoJSON file")
    features = content.get("features") if isinstance(content, dict) else None
    if not isinstance(features, list):
        kind = json_kind(content)
        found = "GeoJSON that is no collection" if kind == GEOJSON else kind
        raise InputError(Problem(str(path), found, "a GeoJSON FeatureCollection", "Export it as GeoJSON"))
    for number, feature in enumerate(features, start=1):
        if not isinstance(feature, dict) or not isinstance(feature.get("geometry"), dict | None):
            expected = "a Feature with a geometry, an object or null"
            raise InputError(Problem(f"{path}, feature {number}", json_kind(feature), expected, "Export it as GeoJSON"))
    system = str(content.get("crs") or "CRS84")
    if "CRS84" not in system and "4326" not in system:
        raise InputError(Problem(f"{path}, crs", system, "longitude and latitude in WGS 84", "Export it in EPSG:4326"))
    return [
        {
            **feature,
            "geometry": feature.get("geometry"),
            "properties": feature["properties"] if isinstance(feature.get("properties"), dict) else {},
        }
        for feature in features
    ]


def feature(kind: str, coordinates: object, properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return a feature with a geometry of some kind and its properties."""
    return {"type": "Feature", "geometry": {"type": kind, "coordinates": coordinates}, "properties": dict(properties)}


def geometry_type(geometry: object) -> str:
    """Return the type of a geometry as its file gives it; empty where there is none, or it is no text."""
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    return kind if isinstance(kind, str) else ""


def looks_projected(*coordinates: float) -> bool:
    """Return whether coordinates that are no degrees are of the size of metres in a projected system."""
    return any(LEAST_METRES <= abs(value) < math.inf for value in coordinates)
