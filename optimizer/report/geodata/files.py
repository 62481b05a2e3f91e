"""The files of tables: a GeoPackage with its styles, GeoJSON with a style beside it, CSV, and a project."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pandas as pd
import shapely

from optimizer.base.files import write_json
from optimizer.base.language import gettext as _
from optimizer.records.importers.writing import safe_text
from optimizer.report.geodata.styles import qml
from optimizer.report.geodata.tables import GeoTable, LayerField, table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MOMENT = "2000-01-01T00:00:00.000Z"
"""What GeoPackages give as the time of their last change: the same content makes the same file."""
STYLE_FIELDS = (
    *(LayerField(name, "text") for name in ("f_table_catalog", "f_table_schema", "f_table_name", "f_geometry_column")),
    *(LayerField(name, "text") for name in ("styleName", "styleQML", "styleSLD")),
    LayerField("useAsDefault", "yes or no"),
    *(LayerField(name, "text") for name in ("description", "owner", "ui", "update_time")),
)
"""Columns of the table in which QGIS keeps the styles of a GeoPackage."""
DIGITS = 6
"""Decimals of degrees: a tenth of a metre."""


def write_csv(path: Path, rows: Sequence[dict[str, Any]], columns: Sequence[str] | None = None) -> None:
    """Write rows as CSV in which no cell of text is taken for a formula; `columns` head the table where there is no row."""
    frame = pd.DataFrame(rows, columns=None if columns is None else list(columns))
    _write_frame(path, frame, [name for name in frame.columns if not pd.api.types.is_numeric_dtype(frame[name].dtype)])


def write_geojson(path: Path, rows: Sequence[dict[str, Any]], shapes: Sequence[shapely.Geometry | None]) -> None:
    """Write rows as features in longitude and latitude, each with its shape."""
    features = [
        {
            "type": "Feature",
            "geometry": None if shape is None else json.loads(shapely.to_geojson(shape)),
            "properties": row,
        }
        for row, shape in zip(rows, shapes, strict=True)
    ]
    write_json(path, {"type": "FeatureCollection", "features": features}, indent=None)


def write_table(folder: Path, one: GeoTable) -> None:
    """Write a table as CSV; a layer also as GeoJSON, with its style beside it."""
    frame = one.frame()
    texts = [field.name for field in one.fields if field.kind == "text"]
    if one.geometry == "Point":
        place = shapely.get_coordinates([shape or shapely.Point() for shape in one.shapes or ()])
        known = [shape is not None for shape in one.shapes or ()]
        for axis, name in enumerate(("lon", "lat")):
            frame.loc[known, name] = place[:, axis].round(DIGITS)
    _write_frame(folder / f"{one.name}.csv", frame, texts)
    if one.shapes is not None and one.style is not None:
        names = [field.name for field in one.fields]
        cells = frame[names].astype(object).where(frame[names].notna(), None)
        rows: list[dict[str, Any]] = [dict(zip(names, row, strict=True)) for row in cells.itertuples(index=False)]
        rounded = [None if s is None else shapely.set_precision(s, 10.0**-DIGITS, mode="pointwise") for s in one.shapes]
        write_geojson(folder / f"{one.name}.geojson", rows, rounded)
        (folder / f"{one.name}.qml").write_text(qml(one.style), encoding="utf-8", newline="\n")


def write_geopackage(path: Path, tables: Sequence[GeoTable], *, styles: bool = True) -> None:
    """Write tables as the layers of one GeoPackage, with the style of each that has one in `layer_styles`, as QGIS reads them."""
    import geopandas as gpd
    import pyogrio

    drawn = [(one.name, "geom", "default", qml(one.style), True) for one in tables if one.style is not None]
    rows = [("", "", *row[:3], row[3], "", row[4], "", "", "", MOMENT) for row in drawn]
    every = [*tables, *([table("layer_styles", "", STYLE_FIELDS, rows)] if styles and rows else [])]
    options = {"OGR_CURRENT_DATE": MOMENT, "OGR_SQLITE_SYNCHRONOUS": "OFF"}
    before = {name: pyogrio.get_gdal_config_option(name) for name in options}
    pyogrio.set_gdal_config_options(options)
    try:
        for one in every:
            frame: Any = one.frame()
            if one.shapes is not None:
                frame = gpd.GeoDataFrame(frame, geometry=list(one.shapes), crs=4326)
            kind = {"geometry_type": one.geometry} if one.geometry else {}
            pyogrio.write_dataframe(
                frame,
                path,
                layer=one.name,
                driver="GPKG",
                append=path.exists(),
                layer_options={"DESCRIPTION": one.title},
                **kind,
            )
    finally:
        pyogrio.set_gdal_config_options(before)
    _settle(path)


def _settle(path: Path) -> None:
    """Give a GeoPackage the same bytes whenever it is written."""
    with closing(sqlite3.connect(path)) as file:
        file.execute("VACUUM")


def write_fields(path: Path, tables: Sequence[GeoTable]) -> None:
    """Write what every field of every table means, in the language that is spoken."""
    rows = [
        {
            "table": one.name,
            "title": one.title,
            "rows": len(one.rows),
            "field": field.name,
            "type": field.kind,
            "meaning": _(field.meaning),
        }
        for one in tables
        for field in one.fields
    ]
    write_csv(path, rows)


def _write_frame(path: Path, frame: pd.DataFrame, texts: Sequence[str]) -> None:
    """Write a frame as CSV; no cell of the columns of text is taken for a formula."""
    frame = frame.copy()
    for name in texts:
        column = frame[name].map(lambda cell: "" if cell is None or cell is pd.NA else str(cell))
        frame[name] = safe_text(column.astype(object))
    frame.to_csv(path, index=False, lineterminator="\n", encoding="utf-8")
