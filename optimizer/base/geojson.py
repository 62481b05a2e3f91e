"""Features of a GeoJSON file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optimizer.base.errors import InputError, Problem
from optimizer.base.files import read_json

if TYPE_CHECKING:
    from pathlib import Path

GEOJSON_SUFFIXES = frozenset({".geojson", ".json"})


def read_features(path: Path) -> list[dict[str, Any]]:
    """Return the features of a GeoJSON FeatureCollection in WGS 84, each with a `properties` object.

    Raises
    ------
    InputError
        If the file is not a FeatureCollection, or names a reference system other than WGS 84 (RFC 7946 allows no other).
    """
    content = read_json(path, "a GeoJSON file")
    features = content.get("features") if isinstance(content, dict) else None
    if not isinstance(features, list) or not all(
        isinstance(feature, dict) and isinstance(feature.get("geometry"), dict | None) for feature in features
    ):
        raise InputError(Problem(str(path), "something else", "a GeoJSON FeatureCollection", "Export it as GeoJSON"))
    system = str(content.get("crs") or "CRS84")
    if "CRS84" not in system and "4326" not in system:
        raise InputError(Problem(f"{path}, crs", system, "longitude and latitude in WGS 84", "Export it in EPSG:4326"))
    return [
        feature | {"properties": feature["properties"] if isinstance(feature.get("properties"), dict) else {}}
        for feature in features
    ]
