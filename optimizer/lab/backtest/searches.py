"""Searches with an outcome, as `import stop-search` writes them: read, checked, one force at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.files import read_json
from optimizer.records.importers.frames import FILE, add_rows, numbers, read_columns
from optimizer.records.importers.stop_search import LINKED
from optimizer.records.importers.writing import COUNTS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

WHAT = "searches.csv of `import stop-search`"
NAME = "searches.csv"
NUMBERS = ("lon", "lat", "group", "weight", "found")
COLUMNS = ("time", "lon", "lat", "source", "group", "weight", "found")
MONTH = r"[0-9]{4}-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12][0-9]|3[01]))?"


@dataclass(frozen=True)
class ForceSearches:
    """The searches of one force; k people, in the order of their months.

    Attributes
    ----------
    force
        Who searched.
    month
        (k,) datetime64[M].
    lon, lat
        (k,) the publisher's point, degrees.
    group
        (k,) people searched together share a number.
    weight
        (k,) what the person counts as a search, in (0, 1]: 1 / size of the group.
    found
        (k,) whether something was found, 0 or 1.
    """

    force: str
    month: NDArray[np.datetime64]
    lon: Floats
    lat: Floats
    group: NDArray[np.int64]
    weight: Floats
    found: Floats

    def __len__(self) -> int:
        """Return the number of people k."""
        return self.month.size

    @property
    def searches(self) -> float:
        """How many searches there were; a group is one."""
        return float(self.weight.sum())

    @property
    def finds(self) -> float:
        """How many of them found something; a group counts by the share of its people."""
        return float(self.weight @ self.found)


@dataclass(frozen=True)
class Excluded:
    """A force that is not judged, and why."""

    force: str
    reason: str


def read_searches(
    paths: Sequence[Path], remarks: list[str] | None = None
) -> tuple[list[ForceSearches], list[Excluded]]:
    """Read searches, each force by itself, and the forces that the import left out.

    Parameters
    ----------
    paths
        Files, or folders with a `searches.csv`. What stands beside them in `import.json` says which forces were left out.
    remarks
        As in `optimizer.base.tables.read_csv`.

    Raises
    ------
    InputError
        With the faults of all files: a missing file or column, a time, number or outcome that cannot be understood, a weight of nothing,
        or one month of a force in two files.
    """
    files = [path / NAME if path.is_dir() else path for path in paths]
    faults = ProblemList()
    parts = []
    for file in files:
        try:
            _complain_of_raw_file(file)
            parts.append(_checked(read_columns(file, WHAT, COLUMNS, numeric=NUMBERS, remarks=remarks)))
        except InputError as error:
            faults.extend(error)
    faults.raise_if_any()
    rows = pd.concat(parts, ignore_index=True)
    _complain_of_months(rows)
    forces = [_of_force(str(name), own) for name, own in rows.groupby("source", sort=True)]
    judged = {one.force for one in forces}
    excluded = [item for file in files for item in _left_out(file) if item.force not in judged]
    return forces, list(dict.fromkeys(excluded))


def _complain_of_raw_file(file: Path) -> None:
    """Say what to do with a file as the police publish it."""
    if not file.is_file():
        return
    with file.open("rb") as stream:
        header = stream.readline()
    if LINKED.encode() in header:
        found = "a file of data.police.uk as it was published"
        raise InputError(Problem(str(file), found, WHAT, "Import it first: cli.py import stop-search FILES --out DIR"))


def _checked(rows: pd.DataFrame) -> pd.DataFrame:
    faults = ProblemList()
    dated = rows["time"].str.fullmatch(MONTH)
    add_rows(faults, rows[~dated], "time", "a month or a day such as 2020-01 or 2020-01-31")
    add_rows(faults, rows[rows["source"] == ""], "source", "the name of the force")
    read = {
        "lon": numbers(rows, "lon", faults, least=-180, most=180),
        "lat": numbers(rows, "lat", faults, least=-90, most=90),
        "group": numbers(rows, "group", faults, whole=True),
        "weight": numbers(rows, "weight", faults, most=1.0),
        "found": numbers(rows, "found", faults, most=1.0, whole=True),
    }
    for name in read:
        add_rows(faults, rows[rows[name] == ""], name, "a number")
    nothing = read["weight"] == 0
    add_rows(
        faults,
        rows[nothing],
        "weight",
        "more than 0 and at most 1",
        "Leave out rows that are no search; a find needs one",
    )
    faults.raise_if_any()
    return rows.assign(**read)


def _complain_of_months(rows: pd.DataFrame) -> None:
    """Refuse one month of one force from two files: nothing tells copies from other searches."""
    month = rows["time"].str.slice(0, 7)
    of_month: dict[tuple[str, str], set[str]] = {}
    for force, when, file in zip(rows["source"].tolist(), month.tolist(), rows[FILE].tolist(), strict=True):
        of_month.setdefault((force, when), set()).add(file)
    twice = sorted((key, sorted(files)) for key, files in of_month.items() if len(files) > 1)
    if twice:
        (force, when), files = twice[0]
        found = f"{len(twice)} months of a force in several files, such as {when} of {force} in {' and '.join(files)}"
        raise InputError(Problem("searches", found, "each month of a force in one file", "Import them together"))


def _of_force(force: str, rows: pd.DataFrame) -> ForceSearches:
    month = np.array([text[:7] for text in rows["time"]], dtype="datetime64[M]")
    _, group = np.unique(
        np.column_stack((pd.factorize(rows[FILE])[0], rows["group"].to_numpy(np.int64))), axis=0, return_inverse=True
    )
    order = np.argsort(month, kind="stable")
    return ForceSearches(
        force=force,
        month=month[order],
        lon=rows["lon"].to_numpy(np.float64)[order],
        lat=rows["lat"].to_numpy(np.float64)[order],
        group=np.asarray(group, dtype=np.int64).ravel()[order],
        weight=rows["weight"].to_numpy(np.float64)[order],
        found=rows["found"].to_numpy(np.float64)[order],
    )


def _left_out(file: Path) -> list[Excluded]:
    """Return the forces that the import left out because of their outcomes, as the summary beside the file says."""
    summary = file.parent / COUNTS
    if not summary.is_file():
        return []
    content = read_json(summary, "the summary of an import")
    dropped = content.get("dropped") if isinstance(content, dict) else None
    out = []
    for said, count in (dropped if isinstance(dropped, dict) else {}).items():
        reason, _, force = str(said).rpartition(", ")
        if reason.startswith("outcome ") and reason != "outcome unknown":
            out.append(Excluded(force, f"{reason}: the import left out its {count} searches"))
    return out
