"""Feeds: what one agency hands over, files of seizures and effort with a mapping each,
read into frames of reports.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.files.readwrite import read_toml
from optimizer.base.schema import Strict, validated
from optimizer.records.areas import name_key
from optimizer.records.importers.mapped_csv import (
    SEARCHES,
    MappedRows,
    Mapping,
    checked_mapping,
    read_mapped,
    read_mapping,
)
from optimizer.records.sources import KILOGRAMS

TOGETHER = " + "
"""What stands between the agencies of a record that several reported."""
TEXT = ("area", "place", "drug", "grade", "unit")
MARKS = ("owner", "tlp", "released_to")
"""Columns that say whose a row is and who may see it (`optimizer.records.marking`);
empty where the feed does not.
"""
FIGURES = ("lon", "lat", "segment", "count", "amount", "quantity", "parcels", "confirmed")
_HOUR = r"[T ](\d{2}):(\d{2})(?::(\d{2}))?"


class FeedFile(Strict):
    """One file of a feed: `[[files]]`."""

    file: Path = Field(description="CSV file, relative to the feed's.")
    mapping: Path | dict[str, Any] = Field(
        description=(
            "TOML mapping as of `import csv`, relative to the feed's file; or the mapping itself,"
            " as a table."
        )
    )


class FeedModel(Strict):
    """What one agency hands over: a TOML file."""

    agency: Annotated[
        str, Field(min_length=1, max_length=60, pattern=r"^[^+;,/\\\x00-\x1f]*\S$")
    ] = Field(description="The agency's name, without + ; , and slashes.")
    files: tuple[FeedFile, ...] = Field(min_length=1, description="Its files.")
    owner: Annotated[str, Field(min_length=1, max_length=60, pattern=r"^\S+$")] | None = Field(
        None, description="Id of the agency as owner of its rows, for `release`; without blanks."
    )
    tlp: Literal["red", "amber+strict", "amber", "green", "clear"] | None = Field(
        None, description="Marking of its rows (TLP 2.0); needs an owner."
    )
    released_to: tuple[Annotated[str, Field(pattern=r"^\S+$")], ...] = Field(
        (), description="Ids of other agencies that may see its rows."
    )


@dataclass(frozen=True)
class Feed:
    """One agency's rows."""

    #: Its name.
    agency: str
    #: `seizures`, `effort`: Reports, one a row: `agency`, `file`, `line`, `start`,
    #: `end` (the day after the last), `hour` (hours since 1970 as written; NaN where no
    #: hour is), `written_time`, `source`, and the columns of `TEXT` (empty where
    #: unknown) and `FIGURES` (NaN where unknown), `kg`.
    seizures: pd.DataFrame
    effort: pd.DataFrame
    #: Rows read.
    rows: int
    #: Reason -> rows left out.
    dropped: dict[str, int]
    #: What a user must know.
    notes: tuple[str, ...]
    #: The files that were read: the feed, mappings of their own, and tables.
    files: tuple[Path, ...]


def read_feeds(paths: Sequence[Path]) -> tuple[Feed, ...]:
    """Read feeds: TOML files, or CSV files each with a mapping of the same name beside
    it (`customs.csv`, `customs.toml`).

    Raises
    ------
    InputError
        With the faults of all files; if fewer than two feeds are given, or two have one
        name.
    """
    problems = ProblemList()
    if len(paths) < 2:
        problems.add(
            "fuse",
            f"{len(paths)} feed",
            "two at least",
            "Name the feed of each agency; one alone is for `import csv`",
        )
    feeds: list[Feed] = []
    for path in paths:
        with problems.collected():
            feeds.append(_read_feed(path))
    problems.raise_if_any()
    taken: dict[str, Path] = {}
    for feed, path in zip(feeds, paths, strict=True):
        earlier = taken.setdefault(name_key(feed.agency), path)
        if earlier is not path:
            problems.add(
                str(path),
                f"agency {feed.agency!r}, which {earlier} is of too",
                "a name for each feed",
                "Put files of one agency into one feed; of two agencies, tell their names apart",
            )
    problems.raise_if_any()
    return tuple(feeds)


def _read_feed(path: Path) -> Feed:
    if path.suffix.lower() == ".toml":
        model = validated(FeedModel, read_toml(path, "a feed"), str(path))
        pairs = [
            (path.parent / each.file, _mapping(path, number, each))
            for number, each in enumerate(model.files, 1)
        ]
        if (model.owner is None) != (model.tlp is None):
            problem = Problem(
                str(path),
                "one of owner and tlp",
                "both, or neither",
                "Say whose the rows are and how they are marked",
            )
            raise InputError(problem)
        mappings = [
            path.parent / each.mapping for each in model.files if not isinstance(each.mapping, dict)
        ]
        return _marked(_joined(model.agency, pairs, (path, *mappings)), model)
    beside = path.with_suffix(".toml")
    if not beside.is_file():
        found = "a file that is no feed, and no mapping beside it"
        raise InputError(
            Problem(
                str(path),
                found,
                f"a feed (TOML), or a CSV file with {beside.name} beside it",
                "See docs/fusion.md",
            )
        )
    mapping = checked_mapping(read_mapping(beside), str(beside))
    named = "source" in mapping.model_fields_set
    return _joined(mapping.source if named else path.stem, [(path, mapping)], (path, beside))


def _marked(feed: Feed, model: FeedModel) -> Feed:
    """Return a feed whose rows have the owner and the marking of the feed."""
    marks = {
        "owner": model.owner or "",
        "tlp": model.tlp or "",
        "released_to": " ".join(model.released_to),
    }
    return replace(feed, seizures=feed.seizures.assign(**marks), effort=feed.effort.assign(**marks))


def _mapping(path: Path, number: int, each: FeedFile) -> Mapping:
    if isinstance(each.mapping, dict):
        return checked_mapping(each.mapping, f"{path}, files {number}")
    place = path.parent / each.mapping
    return checked_mapping(read_mapping(place), str(place))


def _joined(agency: str, pairs: Sequence[tuple[Path, Mapping]], given: Sequence[Path]) -> Feed:
    """Return the rows of tables by their mappings; `given` are files that were read beside them."""
    problems = ProblemList()
    seizures = []
    effort = []
    notes = []
    rows, dropped = 0, dict[str, int]()
    for path, mapping in pairs:
        with problems.collected():
            read = read_mapped(path, mapping, unplaced=True)
            frame = _reports(read, mapping, agency, path)
            if "count" in read.rows:
                seizures.append(frame[frame["count"] > 0])
            if "amount" in read.rows:
                effort.append(frame[frame["amount"].notna()])
            rows += read.total
            notes += [f"{path.name}: {note}" for note in read.notes]
            for reason, count in read.dropped.items():
                dropped[reason] = dropped.get(reason, 0) + count
    problems.raise_if_any()
    blank = _blank()
    joined = [
        pd.concat([blank, *parts], ignore_index=True) if parts else blank
        for parts in (seizures, effort)
    ]
    return Feed(
        agency,
        _with_unit(joined[0], joined[1]),
        joined[1],
        rows,
        dropped,
        tuple(notes),
        tuple(dict.fromkeys((*given, *(path for path, _ in pairs)))),
    )


def _reports(read: MappedRows, mapping: Mapping, agency: str, path: Path) -> pd.DataFrame:
    rows = read.rows
    frame = rows[["start", "end", "written_time", "line", "source"]].copy()
    for name in TEXT:
        frame[name] = rows[name].astype(object) if name in rows else ""
    for name in FIGURES:
        frame[name] = rows[name].astype(float) if name in rows else np.nan
    if "amount" not in rows and mapping.unit is None and mapping.columns.unit is None:
        frame["unit"] = ""
    elif mapping.columns.outcome is not None and mapping.unit is None:
        frame["unit"] = frame["unit"].where(frame["unit"] != "", SEARCHES)
    frame["kg"] = frame["quantity"] * KILOGRAMS[mapping.quantity_unit]
    frame["hour"] = _hours(frame, read.date_format)
    if mapping.columns.source is None and "source" not in mapping.model_fields_set:
        frame["source"] = agency
    frame["agency"], frame["file"] = agency, path.name
    frame[list(MARKS)] = ""
    return frame


def _hours(frame: pd.DataFrame, date_format: str) -> pd.Series[float]:
    """Return hours since 1970, as written, of the rows whose time names an hour."""
    text = frame["written_time"]
    day = (frame["start"].to_numpy().astype("datetime64[D]").astype(np.int64) * 24).astype(float)
    if date_format in {"auto", "fiscal-year"}:
        found = text.astype(object).str.extract(_HOUR)
        clock = found.astype(float)
        within = clock[0] + clock[1] / 60 + clock[2].fillna(0.0) / 3600
        return pd.Series(day + within.to_numpy(), index=frame.index).where(
            ~text.str.contains("/", regex=False)
        )
    if not any(mark in date_format for mark in ("%H", "%I", "%c", "%X", "%T")):
        return pd.Series(np.nan, index=frame.index)
    stamp = (
        pd.to_datetime(text, format=date_format, errors="coerce").to_numpy().astype("datetime64[s]")
    )
    return pd.Series(stamp.astype(np.int64) / 3600, index=frame.index)


def _with_unit(seizures: pd.DataFrame, effort: pd.DataFrame) -> pd.DataFrame:
    """Return seizures that name no unit of effort with the only unit that the agency's
    effort has.
    """
    units = effort["unit"].unique()
    if len(units) != 1:
        return seizures
    return seizures.assign(unit=seizures["unit"].where(seizures["unit"] != "", units[0]))


def _blank() -> pd.DataFrame:
    text = {
        name: pd.Series(dtype=object)
        for name in ("agency", "file", "written_time", "source", *TEXT, *MARKS)
    }
    figures = {name: pd.Series(dtype=float) for name in ("hour", "kg", *FIGURES)}
    times = {name: pd.Series(dtype="datetime64[s]") for name in ("start", "end")}
    return pd.DataFrame(text | figures | times | {"line": pd.Series(dtype=np.int64)})
