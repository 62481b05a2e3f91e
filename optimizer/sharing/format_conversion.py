"""Seizures and tips from one format into another: what the command `exchange` does."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.files.readwrite import TO_DEGREES, existing_file, read_json, written_whole
from optimizer.records.format_conversion import (
    MARKING_IDS,
    csv_of,
    geojson_of,
    read_exchange_csv,
    read_exchange_geojson,
    read_stix,
    write_stix,
)
from optimizer.records.record_parser import plain_number

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from optimizer.records.format_conversion import ExchangeRow, Kind

Format = Literal["csv", "geojson", "stix"]
FORMATS: dict[str, Format] = {".csv": "csv", ".geojson": "geojson", ".json": "stix"}


@dataclass(frozen=True)
class Exchanged:
    """What was written.

    Attributes
    ----------
    path
        The file.
    format
        Its format.
    rows
        Rows written.
    left_out
        Rows of the other kind, which the file does not hold.
    remarks
        How the source was read, where that is not plain.
    """

    path: Path
    format: Format
    rows: int
    left_out: int
    remarks: tuple[str, ...]


def exchange_records(
    source: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    tips: bool = False,
    made: datetime | None = None,
    overwrite: bool = False,
) -> Exchanged:
    """Read seizures or tips from CSV, GeoJSON or a STIX 2.1 bundle, and write them in another of these formats, by the ending of its name.

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
        If a file is at fault, a marking is unknown, a coordinate is none, or `out` is there already.
    """
    path, target = Path(source), Path(out)
    existing_file(path, "seizures or tips")
    if target.suffix.lower() not in FORMATS:
        raise InputError(Problem(str(target), f"the ending {target.suffix!r}", "one of .csv, .geojson, .json (STIX)"))
    if target.exists() and not overwrite:
        raise InputError(Problem(str(target), "a file", "no file yet", "Add --overwrite, or name another"))
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
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, indent=1) + "\n"
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
            problems.add(here, repr(row.get("tlp")), "a marking of TLP 2.0: " + ", ".join(MARKING_IDS))
        elif mark:
            row.texts["tlp"] = mark
        for name, most in (("lon", 180), ("lat", 90)):
            try:
                wrong = bool(row.get(name)) and abs(plain_number(row.get(name))) > most
            except ValueError:
                wrong = True
            if wrong:
                problems.add(here, f"{name} {row.get(name)!r}", f"degrees, at most {most}", TO_DEGREES)
    problems.raise_if_any()
