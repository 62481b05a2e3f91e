"""Rows of a CSV or GeoJSON file as text, with their numbers; columns nobody named are never kept."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.files import read_json, read_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

GEOJSON_SUFFIXES = frozenset({".geojson", ".json"})


@dataclass(frozen=True, slots=True)
class Table:
    """Text of the columns that were asked for.

    Attributes
    ----------
    number
        (k,) row of each record in its file: in a CSV the header is row 1; in GeoJSON the first feature is 1.
    text
        Field -> (k,) stripped texts; fields that the file does not have are absent.
    """

    number: list[int]
    text: dict[str, list[str]]


def read_table(
    path: Path, named: Mapping[str, str | None], usual: Mapping[str, str], extra: Iterable[str] = ()
) -> Table:
    """Read the columns that stand for fields, and the `extra` columns under their own names (after `column:`).

    Parameters
    ----------
    path
        `.geojson` or `.json` is read as GeoJSON points, everything else as CSV.
    named
        Field -> column of the file, which must be there; None looks for the usual column and does without it.
    usual
        Field -> its usual column.
    extra
        Columns of the file that must be there.

    Raises
    ------
    InputError
        If the file is missing, is not UTF-8, cannot be parsed, or lacks a column that was named.
    """
    wanted = {field: (name or usual[field], name is not None) for field, name in named.items()}
    wanted |= {f"column:{name}": (name, True) for name in extra}
    if path.suffix.lower() in GEOJSON_SUFFIXES:
        return _read_geojson(path, wanted)
    return _read_csv(path, wanted)


def _present(where: str, header: list[str], wanted: Mapping[str, tuple[str, bool]]) -> dict[str, str]:
    """Field -> column for the columns that exist; complain of those that were named and do not."""
    problems = ProblemList()
    for name in sorted({name for name in header if header.count(name) > 1}):
        if name in {column for column, _ in wanted.values()}:
            problems.add(f"{where}, column {name!r}", "two columns of this name", "one", "Rename one of them")
    for column in dict.fromkeys(column for column, needed in wanted.values() if needed and column not in header):
        shown = ", ".join(repr(name) for name in header[:12])
        hint = "Separate the columns by commas" if len(header) == 1 and ";" in header[0] else "Mend the columns mapping"
        problems.add(f"{where}, column {column!r}", f"columns {shown}", "a column of this name", hint)
    problems.raise_if_any()
    return {field: column for field, (column, _) in wanted.items() if column in header}


def _read_csv(path: Path, wanted: Mapping[str, tuple[str, bool]]) -> Table:
    reader = csv.reader(io.StringIO(read_text(path, "a CSV file"), newline=""), strict=True)
    try:
        rows = [(number, row) for number, row in enumerate(reader, start=1) if row]
    except csv.Error as error:
        raise InputError(Problem(f"{path}, line {reader.line_num}", str(error), "CSV", "Mend the file there")) from None
    if not rows or rows[0][0] != 1:
        raise InputError(Problem(f"{path}, row 1", "nothing", "a header row that names the columns"))
    header = [name.strip() for name in rows[0][1]]
    columns = _present(str(path), header, wanted)
    problems = ProblemList()
    for number, row in rows[1:]:
        if len(row) != len(header):
            problems.add(
                f"{path}, row {number}",
                f"{len(row)} fields",
                f"{len(header)} as in the header",
                "Quote fields that hold commas",
            )
    problems.raise_if_any()
    at = {field: header.index(column) for field, column in columns.items()}
    return Table(
        [number for number, _ in rows[1:]],
        {field: [row[position].strip() for _, row in rows[1:]] for field, position in at.items()},
    )


def _read_geojson(path: Path, wanted: Mapping[str, tuple[str, bool]]) -> Table:
    features = read_features(path)
    problems = ProblemList()
    points: list[tuple[str, str]] = []
    for number, feature in enumerate(features, start=1):
        geometry = feature.get("geometry")
        position = geometry.get("coordinates") if isinstance(geometry, dict) else None
        if geometry is None:
            points.append(("", ""))
        elif geometry.get("type") == "Point" and isinstance(position, list) and len(position) >= 2:
            points.append((str(position[0]), str(position[1])))
        else:
            problems.add(
                f"{path}, feature {number}", geometry.get("type"), "a Point, or no geometry", "Give one point a record"
            )
    problems.raise_if_any()
    header = list(dict.fromkeys(name for feature in features for name in feature["properties"]))
    columns = _present(
        str(path), header, {field: want for field, want in wanted.items() if field not in {"lon", "lat"}}
    )
    text = {
        field: [_as_text(feature["properties"].get(column)) for feature in features]
        for field, column in columns.items()
    }
    text["lon"], text["lat"] = [lon for lon, _ in points], [lat for _, lat in points]
    return Table(list(range(1, len(features) + 1)), text)


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


def _as_text(value: object) -> str:
    if value is None:
        return ""
    return str(value).strip()
