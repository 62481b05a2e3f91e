"""UK police stop and search (data.police.uk): each row is one search, at an anonymous
map point, that ends in yes or no.

Forces fill `Outcome linked to object of search` differently, so each force is put into
one of four kinds first (`Filling`), and the summary names the kind of each. People
searched together (same force, minute and point) are one search.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

import pandas as pd

from optimizer.base.choices import Groups, Unfilled
from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.files.readwrite import existing_file
from optimizer.base.text.names import unknown_name
from optimizer.records.importers.frames import (
    FILE,
    DropCounts,
    Imported,
    ImportSummary,
    ScenarioEntries,
    add_rows,
    filters,
    numbers,
    read_columns,
)

WHAT = "a stop-and-search file of data.police.uk"
DATE = "Date"
LAT = "Latitude"
LON = "Longitude"
OBJECT = "Object of search"
OUTCOME = "Outcome"
LINKED = "Outcome linked to object of search"
REQUIRED = (DATE, LAT, LON, OBJECT, OUTCOME, LINKED)
OPTIONAL = ("Type", "Part of a policing operation", "Legislation")
"""They help to tell copies of one row from two searches. The publisher's other columns
describe people and are not read.
"""

DRUGS = "Controlled drugs"
EVERY = "all"
NO_ACTION = ("a no further action disposal", "nothing found - no further action")
FORCE = "force of the row"
MOMENT = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T"
    r" ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
)

DOUBTFUL = 0.5
"""Share of a force's searches from which on what is missing or strange about them is
remarked on.
"""
FEW_SEARCHES = 5
"""Searches below which nothing is said of an implausible outcome."""
MOSTLY = 0.95
"""Share of rows from which on a force is said to fill the outcome in; a few rows are
forgotten everywhere.
"""


class Filling(StrEnum):
    """How a force fills `Outcome linked to object of search`."""

    FILLED = "filled in"
    POSITIVE = "filled in only where the search led to action"
    PARTLY = "filled in for some searches"
    NOT = "not filled in"


class Treatment(StrEnum):
    """What is done about the empty outcomes of one force."""

    NEGATIVE = "every empty one is read as nothing found"
    SKIP = "searches without one are left out"
    INFER = "an empty one with no further action is read as nothing found"
    LEAVE = "the force is left out"


def import_stop_search(
    paths: Sequence[Path],
    *,
    objects: Sequence[str] = (DRUGS,),
    unfilled: Unfilled = "auto",
    groups: Groups = "one",
    force: str | None = None,
) -> Imported:
    """Read stop-and-search files.

    Parameters
    ----------
    paths
        Files, or folders with files named `YYYY-MM-<force>-stop-and-search.csv`.
    objects
        Objects of search to keep, whatever the case; `all` keeps every one.
    unfilled
        What to do where the outcome is empty.
    groups
        What people searched together count as.
    force
        Police force of all files; by default each file's name says it.

    Returns
    -------
    `seizures.csv` (time, lon, lat, count, source) and `effort.csv` (time, lon, lat, amount, source), one row a month, point and force;
    `searches.csv` with one row a person searched: time, lon, lat, source, number and size of the group, weight = 1 / size, and found,
    0 or 1.

    Raises
    ------
    InputError
        With the problems of all files: what is no such file, a date, coordinate or
        outcome that cannot be understood, or no search left.
    """
    files = _files(paths)
    drops = DropCounts()
    notes: list[str] = []
    rows = _read(files, force, notes)
    total = len(rows)
    counts: dict[str, Any] = {"rows_out_of_date_order": _out_of_order(rows)}
    rows = _with_object(rows, objects, drops)
    rows = _without_copies(rows, drops)
    rows = _placed(rows, drops, notes)
    rows = _with_outcome(rows, unfilled, drops, notes)
    if rows.empty:
        found = ", ".join(f"{count} {reason}" for reason, count in drops.dropped.items())
        raise InputError(
            Problem("stop and search", f"no search left: {found}", "at least one", "Keep more rows")
        )
    searches = _grouped(rows)
    together = searches["size"] > 1
    counted = {
        "groups": int(searches.loc[together, "group"].nunique()),
        "people_in_groups": int(together.sum()),
    }
    counts |= counted
    tables = _tables(searches, groups)
    if groups == "one" and counted["groups"]:
        notes.append(
            f"{counted['people_in_groups']} people were searched in {counted['groups']} groups"
            " (same force, minute and point); a group is one search, which found something if"
            " anything was found on any of them."
        )
    notes.append(
        "Points are the publisher's anonymous map points: distances below about 50 m mean nothing."
    )
    notes.append(
        "Copies are told by the columns that are not about people: two people searched together"
        " with one outcome look like a copy. Where a group is one search this changes nothing."
    )
    counts |= {
        "searches_written": int(tables["effort.csv"]["amount"].sum()),
        "finds_written": int(tables["seizures.csv"]["count"].sum()),
        "points": len(searches[["lon", "lat"]].drop_duplicates()),
        "searches_by_month": (
            tables["effort.csv"].groupby("time")["amount"].sum().astype(int).to_dict()
        ),
        "searches_by_force": (
            tables["effort.csv"].groupby("source")["amount"].sum().astype(int).to_dict()
        ),
    }
    summary = ImportSummary(
        "UK police stop and search",
        tuple(path.name for path in files),
        total,
        drops.dropped,
        len(rows),
        counts,
        tuple(notes),
    )
    return Imported(tables, _entries(tables), summary)


def _files(paths: Sequence[Path]) -> list[Path]:
    files: list[Path] = []
    for path in paths:
        inside = (
            sorted(path.glob("*stop-and-search.csv"))
            if path.is_dir()
            else [existing_file(path, WHAT)]
        )
        if not inside:
            raise InputError(
                Problem(
                    str(path), "no file *stop-and-search.csv", WHAT, "Name the files themselves"
                )
            )
        files += inside
    return files


def _read(files: Sequence[Path], force: str | None, notes: list[str]) -> pd.DataFrame:
    parts = []
    problems = ProblemList()
    for path in files:
        try:
            part = read_columns(
                path,
                WHAT,
                REQUIRED,
                OPTIONAL,
                numeric=(LAT, LON),
                degrees=(LAT, LON),
                remarks=notes,
            )
        except InputError as error:
            problems.extend(error)
            continue
        named = re.fullmatch(r"\d{4}-\d{2}-(.+)-stop-and-search", path.stem)
        part[FORCE] = force or (named[1] if named else path.stem)
        parts.append(part)
    problems.raise_if_any()
    rows = pd.concat(parts, ignore_index=True)
    for name in OPTIONAL:
        rows[name] = rows[name].fillna("") if name in rows else ""
    return rows


def _out_of_order(rows: pd.DataFrame) -> int:
    dated = rows[rows[DATE] != ""]
    return int(((dated[DATE] < dated[DATE].shift()) & (dated[FILE] == dated[FILE].shift())).sum())


def _with_object(rows: pd.DataFrame, objects: Sequence[str], drops: DropCounts) -> pd.DataFrame:
    wanted = {name.strip().casefold() for name in objects}
    if EVERY in wanted:
        return rows
    there = sorted(set(rows[OBJECT]) - {""})
    unknown = wanted - {name.casefold() for name in there}
    for name in sorted(unknown):
        expected = f"an object of the files: {', '.join(there)}"
        raise InputError(unknown_name("--object", name, there, expected=expected))
    kept = rows[OBJECT].str.casefold().isin(wanted)
    drops.drop("no object of search", (~kept & (rows[OBJECT] == "")).sum())
    drops.drop("another object of search", (~kept & (rows[OBJECT] != "")).sum())
    return rows[kept]


def _without_copies(rows: pd.DataFrame, drops: DropCounts) -> pd.DataFrame:
    copies = rows.duplicated([FORCE, *REQUIRED, *OPTIONAL])
    for force, count in copies.groupby(rows[FORCE]).sum().items():
        drops.drop(f"copy of an earlier row, {force}", int(count))
    return rows[~copies]


def _placed(rows: pd.DataFrame, drops: DropCounts, notes: list[str]) -> pd.DataFrame:
    """Return rows with a moment and a point, as columns minute, time, lon, lat; a
    sentence about each force with few points joins `notes`.
    """
    undated = rows[DATE] == ""
    drops.drop("no date", undated.sum())
    rows = rows[~undated]
    unplaced = (rows[LAT] == "") | (rows[LON] == "")
    drops.drop("no coordinates", unplaced.sum())
    for name, without in unplaced.groupby(rows[FORCE]):
        if without.mean() >= DOUBTFUL:
            notes.append(
                f"{name}: {int(without.sum())} of {without.size} searches have no coordinates and"
                " are left out."
            )
    rows = rows[~unplaced].copy()
    problems = ProblemList()
    minute = (
        rows[DATE].where(rows[DATE].str.fullmatch(MOMENT)).str.slice(0, 16).str.replace(" ", "T")
    )
    rows["minute"] = pd.to_datetime(minute, format="%Y-%m-%dT%H:%M", errors="coerce")
    add_rows(
        problems,
        rows[rows["minute"].isna()],
        DATE,
        "a day and a time such as 2020-01-31T23:59:00+00:00",
    )
    rows["time"] = rows[DATE].str.slice(0, 7)
    rows["lon"] = numbers(rows, LON, problems, least=-180, most=180)
    rows["lat"] = numbers(rows, LAT, problems, least=-90, most=90)
    known = rows[LINKED].str.casefold().isin(["true", "false", ""])
    add_rows(problems, rows[~known], LINKED, "True, False or nothing")
    problems.raise_if_any()
    return rows


def _no_action(rows: pd.DataFrame) -> pd.Series[bool]:
    return rows[OUTCOME].str.casefold().isin(NO_ACTION)


def filling(rows: pd.DataFrame) -> Filling:
    """Return how one force fills the outcome, from its rows of `REQUIRED` columns."""
    filled = rows[LINKED] != ""
    none = _no_action(rows)
    action = ~none & (rows[OUTCOME] != "")
    if filled.mean() >= MOSTLY:
        return Filling.FILLED
    if action.any() and filled[action].mean() >= MOSTLY and filled[none].mean() <= 1 - MOSTLY:
        return Filling.POSITIVE
    if (
        action.any()
        and filled[action].mean() > 0.5
        and (rows[LINKED].str.casefold() == "true").any()
    ):
        return Filling.PARTLY
    return Filling.NOT


def _treatment(kind: Filling, unfilled: Unfilled) -> Treatment:
    if unfilled == "negative":
        return Treatment.NEGATIVE
    if kind is Filling.FILLED:
        return Treatment.SKIP
    if kind is Filling.POSITIVE and unfilled == "auto":
        return Treatment.INFER
    return Treatment.LEAVE


def _with_outcome(
    rows: pd.DataFrame, unfilled: Unfilled, drops: DropCounts, notes: list[str]
) -> pd.DataFrame:
    """Return rows with a column `found`; a sentence about each force that does not fill
    its outcomes in joins `notes`.
    """
    kept = pd.Series(True, index=rows.index)
    empty = rows[LINKED] == ""
    for name, own in rows.groupby(FORCE):
        kind = filling(own)
        idle = _no_action(own) & (own[LINKED] != "")
        strange = idle & (own[LINKED].str.casefold() == "true")
        if strange.sum() >= max(FEW_SEARCHES, DOUBTFUL * idle.sum()):
            notes.append(
                f"{name}: the outcome is true on {strange.sum()} of the {idle.sum()} searches that"
                " ended in no further action, which is not plausible; check how this force fills"
                " the column before its finds are used."
            )
        treatment = _treatment(kind, unfilled)
        blank = empty.loc[own.index]
        gone = {
            Treatment.NEGATIVE: blank & False,
            Treatment.INFER: blank & ~_no_action(own),
            Treatment.SKIP: blank,
            Treatment.LEAVE: blank | True,
        }[treatment]
        kept.loc[own.index] = ~gone
        reason = f"outcome {kind}" if treatment is Treatment.LEAVE else "outcome unknown"
        drops.drop(f"{reason}, {name}", int(gone.sum()))
        if blank.any():
            notes.append(
                f"{name}: outcome {kind} ({blank.sum()} of {len(own)} searches without);"
                f" {treatment}."
            )
    rows = rows[kept].copy()
    rows["found"] = (rows[LINKED].str.casefold() == "true").astype(int)
    return rows


def _grouped(rows: pd.DataFrame) -> pd.DataFrame:
    """Return one row a person searched, in order of time, with number and size of its
    group and its weight.
    """
    rows = rows.sort_values(["minute", FORCE, "lon", "lat"], kind="stable", ignore_index=True)
    by = rows.groupby(["minute", FORCE, "lon", "lat"], sort=False)
    rows["group"] = by.ngroup() + 1
    rows["size"] = by["found"].transform("size")
    rows["weight"] = 1.0 / rows["size"]
    rows["source"] = rows[FORCE]
    return rows[["time", "lon", "lat", "source", "group", "size", "weight", "found"]]


def _tables(searches: pd.DataFrame, groups: Groups) -> dict[str, pd.DataFrame]:
    place = ["time", "lon", "lat", "source"]
    single = searches
    if groups == "one":
        single = searches.groupby("group").agg(dict.fromkeys(place, "first") | {"found": "max"})
    sums = single.groupby(place)["found"].agg(["size", "sum"]).reset_index()
    effort = sums.rename(columns={"size": "amount"})[["time", "lon", "lat", "amount", "source"]]
    seizures = sums[sums["sum"] > 0].rename(columns={"sum": "count"})[
        ["time", "lon", "lat", "count", "source"]
    ]
    return {"seizures.csv": seizures, "effort.csv": effort, "searches.csv": searches}


def _entries(tables: dict[str, pd.DataFrame]) -> ScenarioEntries:
    """Return the entries of a scenario: one source a force, each with a unit (and so a
    detection level) of its own.
    """
    seizures = [
        {
            "file": "seizures.csv",
            "source": name,
            "where": filters(source=name),
            "effort_unit": f"searches by {name}",
        }
        for name in sorted(set(tables["seizures.csv"]["source"]))
    ]
    effort = [
        {
            "file": "effort.csv",
            "source": name,
            "where": filters(source=name),
            "unit": f"searches by {name}",
        }
        for name in sorted(set(tables["effort.csv"]["source"]))
    ]
    return ScenarioEntries(tuple(seizures), tuple(effort))
