"""What kind of file some bytes or some JSON are, so that a message names what was found and not the first letter that did not fit."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class FileKind:
    """A kind of file, as messages call it, and how to make another kind of it; the remedy may be empty."""

    name: str
    remedy: str = ""


_TO_GEOJSON = "Export it as GeoJSON in EPSG:4326"
_TO_CSV = "Save the sheet as CSV UTF-8"
_SIGNATURES: tuple[tuple[bytes, FileKind], ...] = (
    (b"\x00\x00\x27\x0a", FileKind("a shapefile", _TO_GEOJSON)),
    (b"SQLite format 3\0", FileKind("a GeoPackage or another SQLite database", "Export its table as a text file")),
    (b"\xd0\xcf\x11\xe0", FileKind("an Excel workbook (.xls)", _TO_CSV)),
    (b"\x1f\x8b", FileKind("gzip data", "Unpack it")),
    (b"BZh", FileKind("bzip2 data", "Unpack it")),
    (b"7z\xbc\xaf\x27\x1c", FileKind("a 7z archive", "Unpack it")),
    (b"PAR1", FileKind("a Parquet file", "Export it as CSV")),
    (b"%PDF", FileKind("a PDF document", "Export the data itself")),
    (b"\x89PNG", FileKind("a picture")),
    (b"\xff\xd8\xff", FileKind("a picture")),
)
_IN_ZIP: tuple[tuple[bytes, FileKind], ...] = (
    (b"xl/", FileKind("an Excel workbook (.xlsx)", _TO_CSV)),
    (b"opendocument.spreadsheet", FileKind("an OpenDocument spreadsheet (.ods)", _TO_CSV)),
    (b".shp", FileKind("a zipped shapefile", _TO_GEOJSON)),
)
_ZIP = FileKind("a ZIP archive", "Unpack it")
_WEB_PAGE = FileKind("a web page", "Download the file itself; the server may have answered with an error page")
_XML = FileKind("an XML file")
_MOST_ZIP = 1 << 20
"""Bytes at either end of a ZIP archive in which its names are looked for."""

INSTANCE, PLAN, GEOJSON = "an instance", "a plan", "GeoJSON"
_COMMANDS = {INSTANCE: "Use `solve`, which takes instances", PLAN: "Use `evaluate`, which takes an instance and a plan"}


def binary_kind(content: bytes) -> FileKind | None:
    """Return the kind of a file that is no text, by its first bytes; None where they say nothing."""
    if content.startswith(b"PK\x03\x04"):
        ends = content[:_MOST_ZIP] + content[-_MOST_ZIP:]
        return next((kind for mark, kind in _IN_ZIP if mark in ends), _ZIP)
    return next((kind for mark, kind in _SIGNATURES if content.startswith(mark)), None)


def text_kind(text: str) -> FileKind | None:
    """Return the kind of a text that was taken for something else: XML, JSON or TOML; None where it is none of them."""
    start = text.lstrip()[:200].casefold()
    if start.startswith("<"):
        return _WEB_PAGE if "html" in start else _XML
    try:
        if start.startswith(("{", "[")):
            kind = json_kind(json.loads(text))
            return FileKind(f"JSON: {kind}", _COMMANDS.get(kind, ""))
        content: Mapping[str, object] = tomllib.loads(text)
    except (ValueError, RecursionError):
        return None
    if "schema_version" in content and "region" in content:
        return FileKind("a scenario (TOML)", "Use `plan`, which takes scenarios")
    return FileKind("TOML") if content else None


def json_kind(content: object) -> str:
    """Return what an object of JSON is, by its keys: an instance, a plan, GeoJSON, or an object or a list of something else."""
    if not isinstance(content, dict):
        return "a list" if isinstance(content, list) else "a bare value"
    if "nodes" in content and "arcs" in content:
        return INSTANCE
    if isinstance(content.get("features"), list) or "coordinates" in content or content.get("type") == "Feature":
        return GEOJSON
    options = content.get("options")
    if isinstance(options, list) and not any(isinstance(option, dict) for option in options):
        return PLAN
    keys = ", ".join(str(key)[:30] for key in list(content)[:5])
    return f"an object with {keys}" if keys else "an empty object"
