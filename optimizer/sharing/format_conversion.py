"""Seizures and tips from one format into another: what the command `exchange` does.

Seizures and tips as STIX 2.1, GeoJSON and CSV, there and back: one data dictionary
(`FIELDS`) for every format.
"""

from __future__ import annotations

import csv
import io
import json
import os
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, cast

import pandas as pd

from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.files.readwrite import (
    TO_DEGREES,
    check_file,
    existing_file,
    geometry_type,
    read_features,
    read_json,
    written_whole,
)
from optimizer.base.files.tables import POINT_ALIASES, WantedColumns, read_csv
from optimizer.base.text.messages import joined
from optimizer.problem.network.exchanged import EXCHANGE
from optimizer.records.importers.frames import safe_text
from optimizer.records.period import parse_period
from optimizer.records.record_parser import UnreadColumns, plain_number

Format = Literal["csv", "geojson", "stix"]

FORMATS: dict[str, Format] = {".csv": "csv", ".geojson": "geojson", ".json": "stix"}


@dataclass(frozen=True)
class Exchanged:
    """What was written."""

    #: The file.
    path: Path
    #: Its format.
    format: Format
    #: Rows written.
    rows: int
    #: Rows of the other kind, which the file does not hold.
    left_out: int
    #: How the source was read, where that is not plain.
    remarks: tuple[str, ...]


def exchange_records(
    source: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    tips: bool = False,
    made: datetime | None = None,
    overwrite: bool = False,
) -> Exchanged:
    """Read seizures or tips from CSV, GeoJSON or a STIX 2.1 bundle, and write them in
    another of these formats, by the ending of its name.

    Parameters
    ----------
    source
        File to read.
    out
        File to write: `.csv`, `.geojson`, or `.json` for STIX.
    tips
        Whether tips are meant; seizures by default.
    made
        Time of the STIX objects; now by default.
    overwrite
        Replace `out` if there is one.

    Raises
    ------
    InputError
        If a file is at fault, a marking is unknown, a coordinate is none, or `out` is
        there already.
    """
    path, target = Path(source), Path(out)
    existing_file(path, "seizures or tips")
    if target.suffix.lower() not in FORMATS:
        raise InputError(
            Problem(
                str(target), f"the ending {target.suffix!r}", "one of .csv, .geojson, .json (STIX)"
            )
        )
    if target.exists() and not overwrite:
        raise InputError(
            Problem(str(target), "a file", "no file yet", "Add --overwrite, or name another")
        )
    check_file(target)
    kind: Kind = "tip" if tips else "seizure"
    remarks: list[str] = []
    every = _read(path, kind, remarks)
    rows = [row for row in every if row.kind == kind]
    _check(rows, str(path))
    style = FORMATS[target.suffix.lower()]
    content: dict[str, Any] | str = (
        csv_of(rows)
        if style == "csv"
        else geojson_of(rows)
        if style == "geojson"
        else write_stix(rows, made or datetime.now(UTC))
    )
    text = (
        content
        if isinstance(content, str)
        else json.dumps(content, ensure_ascii=False, indent=1) + "\n"
    )
    with written_whole(target) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return Exchanged(target, style, len(rows), len(every) - len(rows), tuple(remarks))


def _read(path: Path, kind: Kind, remarks: list[str]) -> list[ExchangeRow]:
    if path.suffix.lower() not in {".json", ".geojson"}:
        return read_exchange_csv(path, kind, remarks)
    content = read_json(path, "seizures or tips")
    if isinstance(content, dict) and content.get("type") == "bundle":
        return read_stix(content, str(path))
    return read_exchange_geojson(path, kind)


def _check(rows: Sequence[ExchangeRow], where: str) -> None:
    """Refuse markings and coordinates that other programs would take for something else."""
    problems = ProblemList()
    for number, row in enumerate(rows, start=1):
        here, mark = f"{where}, row {number}", row.get("tlp").casefold().removeprefix("tlp:")
        if mark and mark not in MARKING_IDS:
            problems.add(
                here, repr(row.get("tlp")), "a marking of TLP 2.0: " + ", ".join(MARKING_IDS)
            )
        elif mark:
            row.texts["tlp"] = mark
        for name, most in (("lon", 180), ("lat", 90)):
            try:
                wrong = bool(row.get(name)) and abs(plain_number(row.get(name))) > most
            except ValueError:
                wrong = True
            if wrong:
                problems.add(
                    here, f"{name} {row.get(name)!r}", f"degrees, at most {most}", _cure(row)
                )
        try:
            if row.get("time"):
                parse_period(row.get("time"))
        except InputError as error:
            problems.add(
                f"{here}, time",
                repr(row.get("time")),
                error.problems[0].expected,
                error.problems[0].remedy,
            )
    problems.raise_if_any()


def _cure(row: ExchangeRow) -> str:
    """Return what to do about a place that is none: longitude and latitude are
    exchanged, or in metres.
    """
    try:
        can = abs(plain_number(row.get("lon"))) <= 90 and abs(plain_number(row.get("lat"))) <= 180
    except ValueError:
        return TO_DEGREES
    return EXCHANGE if can else TO_DEGREES


Kind = Literal["seizure", "tip"]


@dataclass(frozen=True, slots=True)
class ExchangeField:
    """A field of a row."""

    #: Column of a CSV file, property of a GeoJSON feature, field of the STIX extension.
    name: str
    #: Rows that have it.
    kinds: tuple[Kind, ...]
    #: What stands there.
    meaning: str
    #: Where STIX 2.1 itself has a word for it; empty where the extension alone holds
    #: it.
    stix: str = ""


BOTH: tuple[Kind, ...] = ("seizure", "tip")

FIELDS = (
    ExchangeField("time", BOTH, "day, month, year or span, as the record writes it"),
    ExchangeField("lon", BOTH, "longitude in degrees (WGS 84)", "`longitude` of a `location`"),
    ExchangeField("lat", BOTH, "latitude in degrees (WGS 84)", "`latitude` of a `location`"),
    ExchangeField(
        "area", BOTH, "name of an area, where there is no point", "`name` of a `location`"
    ),
    ExchangeField("drug", ("seizure",), "what was seized"),
    ExchangeField("quantity", ("seizure",), "how much"),
    ExchangeField("quantity_unit", ("seizure",), "kg, g, t, lb, oz, or a word; kg where empty"),
    ExchangeField("count", ("seizure",), "seizures that the row stands for; 1 where empty"),
    ExchangeField(
        "grade", BOTH, "grade of the report: Admiralty (`B2`) or 3x5x2 (`1A P`); never a confidence"
    ),
    ExchangeField("text", ("tip",), "what was told, in words", "`content` of a `note`"),
    ExchangeField("confirmed", ("tip",), "yes, no, or nothing where it is not known"),
    ExchangeField("owner", BOTH, "agency whose row it is", "`created_by_ref`, an `identity`"),
    ExchangeField("tlp", BOTH, "marking, TLP 2.0", "`object_marking_refs`"),
    ExchangeField("released_to", BOTH, "other agencies that may see the row, separated by blanks"),
)

NAMES = tuple(field.name for field in FIELDS)


@dataclass(frozen=True, slots=True)
class ExchangeRow:
    """A seizure or a tip as text by field; a field that is absent is empty."""

    kind: Kind
    texts: dict[str, str]

    def get(self, name: str) -> str:
        """Return the text of a field."""
        return self.texts.get(name, "")


def names_of(kind: Kind) -> tuple[str, ...]:
    """Return the names of the fields that a kind of row has."""
    return tuple(field.name for field in FIELDS if kind in field.kinds)


def read_exchange_csv(path: Path, kind: Kind, remarks: list[str]) -> list[ExchangeRow]:
    """Return the rows of a CSV file; columns of other names are not read.

    Raises
    ------
    InputError
        If the file is no table, or has no time.
    """
    wanted = WantedColumns(
        ("time",),
        names_of(kind),
        aliases=POINT_ALIASES,
        numeric=("lon", "lat", "quantity", "count"),
        show_header=True,
    )
    table = read_csv(path, f"a file of {kind}s", wanted, remarks=remarks)
    if table.unread:
        remarks.append(joined((path.name, UnreadColumns(path.name, table.unread).reason), ": "))
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
            if (
                geometry_type(geometry) != "Point"
                or not isinstance(position, list)
                or len(position) < 2
            ):
                problems.add(
                    f"{path}, feature {number}",
                    geometry_type(geometry) or "no type",
                    "a Point, or no geometry",
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
        point = (
            [float(row.get("lon")), float(row.get("lat"))]
            if row.get("lon") and row.get("lat")
            else None
        )
        properties = {name: text for name, text in row.texts.items() if name not in {"lon", "lat"}}
        geometry = None if point is None else {"type": "Point", "coordinates": point}
        features.append({"type": "Feature", "geometry": geometry, "properties": properties})
    return {"type": "FeatureCollection", "features": features}


# STIX 2.1 bundles: a seizure as an `incident`, a tip as a `note`, with a `location`, an
# owner, a marking, and an extension for the rest.
#
# STIX has no words for drugs, amounts and grades; they stand in a property extension of
# ours, whose definition is in the bundle. A program that does not know it still has
# place, owner and marking. TLP 2.0 is the extension of OASIS with its fixed marking
# definitions.
OWN = "extension-definition--8f1f0a3e-6c55-5d0c-9a3b-6f8d2c1a7e42"
"""Our extension; `docs/sharing.md` describes it."""

TLP = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
"""TLP 2.0, of OASIS."""

MARKING_IDS = {
    "clear": "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
    "green": "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    "amber": "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
    "amber+strict": "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
    "red": "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
}

_SPACE = uuid.UUID("3d2f5a52-1f63-5b7e-8f0a-9f0c7a3f1d21")

_OBJECT: dict[Kind, str] = {"seizure": "incident", "tip": "note"}

_KIND: dict[str, Kind] = {name: kind for kind, name in _OBJECT.items()}

MAKER_ID = f"identity--{uuid.uuid5(_SPACE, 'identity of the program')}"

DEFINED = "2026-01-01T00:00:00.000Z"


def write_stix(rows: Iterable[ExchangeRow], made: datetime) -> dict[str, Any]:
    """Return a bundle of rows; the same row always gets the same ids.

    Parameters
    ----------
    rows
        The rows; equal rows are told apart by their number.
    made
        When the objects are made, in UTC.
    """
    stamp = f"{made.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000Z"
    makers = {
        "type": "identity",
        "spec_version": "2.1",
        "created": DEFINED,
        "modified": DEFINED,
        "name": "Border interdiction optimizer",
        "identity_class": "system",
        "id": MAKER_ID,
    }
    objects: dict[str, dict[str, Any]] = {MAKER_ID: makers, OWN: _definition()}
    seen: Counter[str] = Counter()
    for row in rows:
        key = json.dumps([row.kind, sorted(row.texts.items())], ensure_ascii=False)
        seen[key] += 1
        for one in _objects_of(row, f"{key}#{seen[key]}", stamp):
            objects.setdefault(one["id"], one)
    bundle = _id("bundle", "\n".join(objects))
    return {"type": "bundle", "id": bundle, "objects": list(objects.values())}


def _objects_of(row: ExchangeRow, key: str, stamp: str) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    common: dict[str, Any] = {"spec_version": "2.1", "created": stamp, "modified": stamp}
    if mark := row.get("tlp"):
        made.append(_marking(mark))
        common["object_marking_refs"] = [MARKING_IDS[mark]]
    if owner := row.get("owner"):
        identity = {
            "type": "identity",
            "spec_version": "2.1",
            "created": DEFINED,
            "modified": DEFINED,
        }
        made.append(
            identity
            | {
                "id": _id("identity", owner),
                "name": owner,
                "identity_class": "organization",
            }
        )
        common["created_by_ref"] = _id("identity", owner)
    place: dict[str, Any] | None = None
    # STIX has no location that is a name alone: an area stands in the extension
    if row.get("lon") and row.get("lat"):
        point = {"longitude": float(row.get("lon")), "latitude": float(row.get("lat"))}
        place = {"type": "location", "id": _id("location", key)} | common | point
        made.append(place)
    extension = {name: row.get(name) for name in names_of(row.kind) if row.get(name)}
    main: dict[str, Any] = {"type": _OBJECT[row.kind], "id": _id(_OBJECT[row.kind], key)} | common
    main["extensions"] = {
        OWN: {"extension_type": "property-extension", "kind": row.kind, **extension}
    }
    if row.kind == "tip":
        about = MAKER_ID if place is None else place["id"]
        return [
            *made,
            main | {"content": row.get("text") or "a tip without words", "object_refs": [about]},
        ]
    main["name"] = f"seizure of {row.get('drug') or 'drugs'}, {row.get('time') or 'time not known'}"
    if place is None:
        return [*made, main]
    tie = {
        "type": "relationship",
        "id": _id("relationship", key),
        "relationship_type": "related-to",
    } | common
    return [*made, main, tie | {"source_ref": main["id"], "target_ref": place["id"]}]


def read_stix(content: Mapping[str, Any], where: str) -> list[ExchangeRow]:
    """Return the rows of a bundle: objects with our extension in full, other incidents
    and notes as far as STIX has words for them.

    Raises
    ------
    InputError
        If it is no bundle of STIX 2.1, or an object is at fault.
    """
    problems = ProblemList()
    objects = content.get("objects")
    if (
        content.get("type") != "bundle"
        or not isinstance(objects, list)
        or not all(isinstance(o, dict) for o in objects)
    ):
        problems.add(
            where, "JSON of another kind", "a bundle of STIX 2.1", "Name a file that holds a bundle"
        )
        problems.raise_if_any()
    known = cast("list[dict[str, Any]]", objects)
    by_id = {str(one.get("id")): one for one in known}
    marks = {name: mark for mark, name in MARKING_IDS.items()} | _own_markings(known)
    ties = {
        str(o.get("source_ref")): str(o.get("target_ref"))
        for o in known
        if o.get("type") == "relationship"
    }
    rows = []
    for place, one in enumerate(known):
        if str(one.get("type")) in _KIND:
            here = f"{where}, object {place}"
            rows.append(_row_of(one, by_id, marks, ties, here, problems))
    problems.raise_if_any()
    return rows


def _row_of(
    one: Mapping[str, Any],
    by_id: Mapping[str, Mapping[str, Any]],
    marks: Mapping[str, str],
    ties: Mapping[str, str],
    where: str,
    problems: ProblemList,
) -> ExchangeRow:
    kind = _KIND[str(one["type"])]
    own = _extension(one, OWN)
    values = {
        name: str(own[name])
        for name in names_of(kind)
        if own.get(name) is not None and own[name] != ""
    }
    for name in values:
        if isinstance(own[name], dict | list):
            problems.add(
                f"{where}, {name}",
                f"JSON of another kind ({type(own[name]).__name__})",
                "a text or number",
            )
    # A tip (note) names its place itself; of a seizure (sighting or observation) a
    # relationship elsewhere in the bundle does.
    refs = (
        _references(one, "object_refs", where, problems)
        if kind == "tip"
        else [ties.get(str(one.get("id")), "")]
    )
    location = next(
        (by_id[ref] for ref in refs if by_id.get(ref, {}).get("type") == "location"), {}
    )
    # What other programs wrote stands in STIX's own fields. `created` is when the
    # object was written: a last resort for the day of the event.
    found = {
        "lon": _text(location.get("longitude")),
        "lat": _text(location.get("latitude")),
        "area": _text(location.get("name")) if "longitude" not in location else "",
        "text": _text(one.get("content")) if not own else "",
        "owner": _text(by_id.get(str(one.get("created_by_ref")), {}).get("name")),
        "time": _text(one.get("created"))[:10] if not own else "",
    }
    refs = _references(one, "object_marking_refs", where, problems)
    held = [marks[ref] for ref in refs if ref in marks]
    if len(refs) > len(held):
        problems.add(
            where,
            "a marking that is none of TLP 2.0",
            "markings of TLP 2.0",
            "Mark the object, or take the other marking out",
        )
    if len(set(held)) > 1 or (held and values.get("tlp", held[0]) != held[0]):
        problems.add(
            where,
            f"the markings {', '.join(sorted({*held, values.get('tlp', held[0])}))}",
            "one marking",
        )
    found["tlp"] = held[0] if held else ""
    # Our own extension wins: it holds the values as they were, STIX's fields are a copy
    # for others.
    return ExchangeRow(
        kind,
        {name: text for name, text in (found | values).items() if text and name in names_of(kind)},
    )


def _own_markings(objects: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return other marking definitions that carry TLP 2.0 in OASIS' extension."""
    found = {}
    for one in objects:
        mark = str(_extension(one, TLP).get("tlp_2_0"))
        if one.get("type") == "marking-definition" and mark in MARKING_IDS:
            found[str(one.get("id"))] = mark
    return found


def _extension(one: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return an extension of an object; nothing where it has none of that name."""
    every = one.get("extensions")
    own = every.get(name) if isinstance(every, dict) else None
    return own if isinstance(own, dict) else {}


def _references(one: Mapping[str, Any], name: str, where: str, problems: ProblemList) -> list[str]:
    """Return the ids that a field of an object lists; none where there is no such field."""
    refs = one.get(name)
    if refs is None:
        return []
    if not isinstance(refs, list) or not all(isinstance(ref, str) for ref in refs):
        problems.add(f"{where}, {name}", "JSON of another kind", "a list of ids")
        return []
    return refs


def _marking(mark: str) -> dict[str, Any]:
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": MARKING_IDS[mark],
        "created": "2022-10-01T00:00:00.000Z",
        "name": f"TLP:{mark.upper()}",
        "extensions": {TLP: {"extension_type": "property-extension", "tlp_2_0": mark}},
    }


def _definition() -> dict[str, Any]:
    return {
        "type": "extension-definition",
        "spec_version": "2.1",
        "id": OWN,
        "created_by_ref": MAKER_ID,
        "created": DEFINED,
        "modified": DEFINED,
        "name": "Seizures and tips",
        "description": (
            "Time as written, drug, amount, grade, outcome and recipients of a seizure (incident)"
            " or tip (note)."
        ),
        "schema": "docs/sharing.md#data-dictionary",
        "version": "1.0.0",
        "extension_types": ["property-extension"],
    }


def _id(kind: str, key: str) -> str:
    return f"{kind}--{uuid.uuid5(_SPACE, f'{kind}|{key}')}"


def _text(value: object) -> str:
    return "" if value is None else str(value)
