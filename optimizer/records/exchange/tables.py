"""CSV and GeoJSON of seizures and tips: read and written with the same names."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import pandas as pd

from optimizer.base.errors import ProblemList
from optimizer.base.geojson import geometry_type, read_features
from optimizer.base.table_dialect import POINT_ALIASES
from optimizer.base.tables import WantedColumns, read_csv
from optimizer.records.exchange.fields import NAMES, ExchangeRow, Kind, names_of
from optimizer.records.importers.writing import safe_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def read_exchange_csv(path: Path, kind: Kind, remarks: list[str]) -> list[ExchangeRow]:
    """Return the rows of a CSV file; columns of other names are not read.

    Raises
    ------
    InputError
        If the file is no table, or has no time.
    """
    wanted = WantedColumns(
        ("time",), names_of(kind), aliases=POINT_ALIASES, numeric=("lon", "lat", "quantity", "count"), show_header=True
    )
    table = read_csv(path, f"a file of {kind}s", wanted, remarks=remarks)
    columns = {name: table.text[name] for name in names_of(kind) if name in table.text}
    return [
        ExchangeRow(kind, {name: texts[place] for name, texts in columns.items() if texts[place]})
        for place in range(len(table))
    ]


def read_exchange_geojson(path: Path, kind: Kind) -> list[ExchangeRow]:
    """Return the rows of GeoJSON points; properties of other names are not read.

    Raises
    ------
    InputError
        With every feature that is neither a point nor without a geometry.
    """
    problems = ProblemList()
    rows = []
    for number, feature in enumerate(read_features(path), start=1):
        geometry = feature.get("geometry")
        values = {name: str(feature["properties"].get(name) or "") for name in names_of(kind)}
        if geometry is not None:
            position = geometry.get("coordinates") if isinstance(geometry, dict) else None
            if geometry_type(geometry) != "Point" or not isinstance(position, list) or len(position) < 2:
                problems.add(
                    f"{path}, feature {number}", geometry_type(geometry) or "no type", "a Point, or no geometry"
                )
                continue
            values |= {"lon": str(position[0]), "lat": str(position[1])}
        rows.append(ExchangeRow(kind, {name: text for name, text in values.items() if text}))
    problems.raise_if_any()
    return rows


def csv_of(rows: Sequence[ExchangeRow]) -> str:
    """Return rows as CSV, with the columns that they have."""
    names = [name for name in NAMES if any(row.get(name) for row in rows)] or ["time"]
    stream = io.StringIO()
    table = csv.writer(stream, lineterminator="\n")
    table.writerow(names)
    for row in rows:
        cells = pd.Series([row.get(name) for name in names], dtype=object)
        table.writerow(safe_text(cells).tolist())
    return stream.getvalue()


def geojson_of(rows: Sequence[ExchangeRow]) -> dict[str, Any]:
    """Return rows as GeoJSON points; those without one have no geometry."""
    features = []
    for row in rows:
        point = [float(row.get("lon")), float(row.get("lat"))] if row.get("lon") and row.get("lat") else None
        properties = {name: text for name, text in row.texts.items() if name not in {"lon", "lat"}}
        geometry = None if point is None else {"type": "Point", "coordinates": point}
        features.append({"type": "Feature", "geometry": geometry, "properties": properties})
    return {"type": "FeatureCollection", "features": features}
