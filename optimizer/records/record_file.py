"""A file of records as text by field: CSV, or GeoJSON points, read through the mapping from fields to columns."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from optimizer.base.errors import ProblemList
from optimizer.base.geojson import GEOJSON_SUFFIXES, geometry_type, read_features
from optimizer.base.table_dialect import POINT_ALIASES
from optimizer.base.tables import TextTable, WantedColumns, check_columns, read_csv

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from optimizer.records.sources import EffortSource, SeizureSource

POINT = ("lon", "lat")
ALIASES = {**POINT_ALIASES, "quantity_unit": ("quantity_unit", "unit", "units", "uom")}
"""Names under which a field is looked for where its column is not named."""
NUMBERS = (*POINT, "count", "quantity", "amount", "segment")


def read_record_file(path: Path, source: SeizureSource | EffortSource, remarks: list[str]) -> TextTable:
    """Read the fields of a source, under the fields' names, and the columns of its `where` (under `column:` and their names).

    Parameters
    ----------
    path
        `.geojson` or `.json` is read as GeoJSON points, everything else as CSV.
    source
        What the scenario says of the file. A field with a named column must be there; another is looked for under its usual name, in whatever
        case, and a point also under names such as lng and latitude.
    remarks
        As in `optimizer.base.tables.read_csv`.

    Raises
    ------
    InputError
        If the file is missing, is not UTF-8, cannot be parsed, lacks a column that was named, or has no place, time, amount or row.
    """
    columns = source.columns
    stated = {field: getattr(columns, field) for field in type(columns).model_fields}
    column_of = {field: name or columns.usual_name(field) for field, name in stated.items()}
    column_of |= {f"column:{name}": name for name in source.where}
    required = [name for name in [*stated.values(), *source.where] if name is not None]
    if path.suffix.lower() in GEOJSON_SUFFIXES:
        table = _read_geojson(path, column_of, required)
    else:
        wanted = replace(
            _wanted(column_of, required),
            aliases={
                name: ALIASES.get(field, (name.casefold(),))
                for field, name in column_of.items()
                if stated.get(field, name) is None
            },
            numeric=tuple(column_of[field] for field in NUMBERS if field in column_of),
        )
        table = _by_field(read_csv(path, "a file of records", wanted, remarks=remarks), column_of)
    check_fields(path, source, table)
    return table


def _read_geojson(path: Path, column_of: Mapping[str, str], required: list[str]) -> TextTable:
    """Read features: their points as `lon` and `lat`, the other fields from their properties."""
    features = read_features(path)
    problems = ProblemList()
    point: dict[str, list[str]] = {"lon": [], "lat": []}
    for number, feature in enumerate(features, start=1):
        geometry = feature.get("geometry")
        position = geometry.get("coordinates") if isinstance(geometry, dict) else None
        if geometry is None:
            position = ["", ""]
        elif geometry_type(geometry) != "Point" or not isinstance(position, list) or len(position) < 2:
            found = geometry_type(geometry) or "a geometry without a type"
            problems.add(f"{path}, feature {number}", found, "a Point, or no geometry", "Give one point a record")
            continue
        for name, degrees in zip(POINT, position, strict=False):
            point[name].append(str(degrees))
    problems.raise_if_any()
    in_properties = {field: name for field, name in column_of.items() if field not in POINT}
    needed = [name for name in in_properties.values() if name in required]
    header = list(dict.fromkeys(name for feature in features for name in feature["properties"]))
    wanted = _wanted(in_properties, needed)
    check_columns(str(path), header, wanted)
    text = {name: [_as_text(feature["properties"].get(name)) for feature in features] for name in wanted.among(header)}
    table = _by_field(TextTable("feature", list(range(1, len(features) + 1)), text), in_properties)
    table.text.update(point)
    return table


def _wanted(column_of: Mapping[str, str], required: list[str]) -> WantedColumns:
    return WantedColumns(
        tuple(required), tuple(column_of.values()), remedy="Correct the columns mapping", show_header=True
    )


def _by_field(table: TextTable, column_of: Mapping[str, str]) -> TextTable:
    text = {field: table.text[name] for field, name in column_of.items() if name in table.text}
    return TextTable(table.unit, table.number, text, table.unread)


def check_fields(path: Path, source: SeizureSource | EffortSource, table: TextTable) -> None:
    """Refuse a table without a place, a time, an amount or a row.

    Raises
    ------
    InputError
        With all that is missing.
    """
    problems = ProblemList()
    has = table.text.keys()
    shown = f" among {', '.join(map(repr, table.unread[:12]))}" if table.unread else ""
    remedy = "Name the column under columns"
    if source.period is None and "time" not in has and not {"start", "end"} <= has:
        problems.add(
            f"{path}, columns", f"no time{shown}", "a column of times", remedy + ", or state the period of all rows"
        )
    if not ({"segment"} & has or {"area"} & has or {"lon", "lat"} <= has):
        problems.add(f"{path}, columns", f"no place{shown}", "lon and lat, or segment, or area", remedy)
    if getattr(source, "amount_per_row", 1) is None and "amount" not in has:
        problems.add(
            f"{path}, columns", f"no amount{shown}", "a column of amounts", remedy + ", or state amount_per_row"
        )
    if not table.number:
        problems.add(str(path), "no row", "at least one record")
    problems.raise_if_any()


def _as_text(value: Any) -> str:  # noqa: ANN401 - JSON
    return "" if value is None else str(value).strip()
