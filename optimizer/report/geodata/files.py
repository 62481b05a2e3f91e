"""Typed tables with shapes (fields with a meaning, rows), and their files: GeoPackage
with styles, GeoJSON with a style beside it, CSV.
"""

from __future__ import annotations

import errno
import json
import math
import os
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import shapely

from optimizer.base.files.readwrite import write_json
from optimizer.base.text.formatting import plain
from optimizer.base.text.language import gettext as _
from optimizer.records.importers.frames import safe_text
from optimizer.report.content.report_table import Kind, LayerField
from optimizer.report.geodata.qgis_project import Style, qml

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry


MOMENT = "2000-01-01T00:00:00.000Z"
"""What GeoPackages give as the time of their last change: the same content makes the same file."""

NO_ROOM = ("disk I/O error", "database or disk is full")
"""What SQLite says where a file cannot grow."""

STYLE_FIELDS = (
    *(
        LayerField(name, "text")
        for name in ("f_table_catalog", "f_table_schema", "f_table_name", "f_geometry_column")
    ),
    *(LayerField(name, "text") for name in ("styleName", "styleQML", "styleSLD")),
    LayerField("useAsDefault", "yes or no"),
    *(LayerField(name, "text") for name in ("description", "owner", "ui", "update_time")),
)
"""Columns of the table in which QGIS keeps the styles of a GeoPackage."""

DIGITS = 6
"""Decimals of degrees: a tenth of a metre."""


def write_csv(
    path: Path, rows: Sequence[dict[str, Any]], columns: Sequence[str] | None = None
) -> None:
    """Write rows as CSV in which no cell of text is taken for a formula; `columns` head
    the table where there is no row.
    """
    frame = pd.DataFrame(rows, columns=None if columns is None else list(columns))
    _write_frame(
        path,
        frame,
        [name for name in frame.columns if not pd.api.types.is_numeric_dtype(frame[name].dtype)],
    )


def write_geojson(
    path: Path, rows: Sequence[dict[str, Any]], shapes: Sequence[shapely.Geometry | None]
) -> None:
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
        rows: list[dict[str, Any]] = [
            dict(zip(names, row, strict=True)) for row in cells.itertuples(index=False)
        ]
        rounded = [
            None if s is None else shapely.set_precision(s, 10.0**-DIGITS, mode="pointwise")
            for s in one.shapes
        ]
        write_geojson(folder / f"{one.name}.geojson", rows, rounded)
        (folder / f"{one.name}.qml").write_text(qml(one.style), encoding="utf-8", newline="\n")


def write_geopackage(path: Path, tables: Sequence[GeoTable]) -> None:
    """Write tables as the layers of one GeoPackage, with the style of each that has one
    in `layer_styles`, as QGIS reads them.

    Raises
    ------
    OSError
        If there is no room for it.
    """
    import geopandas as gpd
    import pyogrio

    drawn = [
        (one.name, "geom", "default", qml(one.style), True)
        for one in tables
        if one.style is not None
    ]
    rows = [("", "", *row[:3], row[3], "", row[4], "", "", "", MOMENT) for row in drawn]
    every = [*tables, *([table("layer_styles", "", STYLE_FIELDS, rows)] if rows else [])]
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
        _settle(path)
    except (
        pyogrio.errors.DataSourceError,
        pyogrio.errors.DataLayerError,
        sqlite3.OperationalError,
    ) as error:
        found = str(error)
        if not any(words in found for words in NO_ROOM):
            raise
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path)) from None
    finally:
        pyogrio.set_gdal_config_options(before)


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


DTYPES: Mapping[Kind, str] = {
    "text": "object",
    "number": "float64",
    "whole": "Int64",
    "yes or no": "boolean",
}
"""Type of a column in pandas, for each kind of field."""


@dataclass(frozen=True, slots=True)
class GeoTable:
    """A table of a plan; with shapes it is a layer."""

    #: `name`, `title`: In files, and for people.
    name: str
    title: str
    #: Its columns.
    fields: tuple[LayerField, ...]
    #: One value a field; None where it is not known.
    rows: tuple[tuple[Any, ...], ...]
    #: One a row, all of one type, in degrees; None for a table without a place, and in
    #: it for a row without one.
    shapes: tuple[BaseGeometry | None, ...] | None = None
    #: How the layer is drawn; None for a table.
    style: Style | None = None

    @property
    def geometry(self) -> str:
        """`Point`, `LineString` or `MultiLineString`; empty for a table without a place."""
        return next((shape.geom_type for shape in self.shapes or () if shape is not None), "")

    def frame(self) -> pd.DataFrame:
        """Return the rows with typed columns; texts are on one line, without control characters."""
        columns = list(zip(*self.rows, strict=True)) or [() for _ in self.fields]
        return pd.DataFrame(
            {
                field.name: pd.Series([_cell(value) for value in column], dtype=DTYPES[field.kind])
                for field, column in zip(self.fields, columns, strict=True)
            }
        )


def table(
    name: str,
    title: str,
    fields: Sequence[LayerField],
    rows: Iterable[tuple[Any, ...]],
    shapes: Iterable[BaseGeometry | None] | None = None,
    style: Style | None = None,
) -> GeoTable:
    """Return a table; lines of which some have several parts become lines of several
    parts throughout, as a layer has one type.
    """
    placed = None if shapes is None else tuple(shapes)
    if placed is not None and len({shape.geom_type for shape in placed if shape is not None}) > 1:
        placed = tuple(
            None if shape is None else shapely.MultiLineString(shapely.get_parts(shape))
            for shape in placed
        )
    return GeoTable(name, plain(title), tuple(fields), tuple(rows), placed, style)


def _cell(value: Any) -> Any:  # noqa: ANN401 - a cell of any column
    if isinstance(value, str):
        return plain(value)
    return None if isinstance(value, float) and math.isnan(value) else value
