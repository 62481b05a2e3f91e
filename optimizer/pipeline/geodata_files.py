"""Rows of results as CSV and as GeoJSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pandas as pd
import shapely

from optimizer.base.files import write_json
from optimizer.records.importers.writing import safe_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def write_csv(path: Path, rows: Sequence[dict[str, Any]], columns: Sequence[str] | None = None) -> None:
    """Write rows as CSV in which no cell of text is taken for a formula; `columns` head the table where there is no row."""
    table = pd.DataFrame(rows, columns=None if columns is None else list(columns))
    for column in table.columns[[not pd.api.types.is_numeric_dtype(kind) for kind in table.dtypes]]:
        table[column] = safe_text(table[column].map(lambda cell: "" if cell is None else str(cell)).astype(object))
    table.to_csv(path, index=False, lineterminator="\n", encoding="utf-8")


def write_geojson(path: Path, rows: Sequence[dict[str, Any]], shapes: Sequence[shapely.Geometry]) -> None:
    """Write rows as features in longitude and latitude, each with its shape."""
    features = [
        {"type": "Feature", "geometry": json.loads(shapely.to_geojson(shape)), "properties": row}
        for row, shape in zip(rows, shapes, strict=True)
    ]
    write_json(path, {"type": "FeatureCollection", "features": features}, indent=None)
