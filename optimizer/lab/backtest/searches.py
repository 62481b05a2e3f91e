"""Searches with an outcome, as `import stop-search` writes them: read, checked, one
force at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import KDTree

from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.files.readwrite import read_json
from optimizer.problem.network.geodesy import METRES_PER_DEGREE
from optimizer.problem.network.network import Network
from optimizer.problem.network.polylines import Polylines
from optimizer.records.importers.frames import COUNTS, FILE, add_rows, numbers, read_columns
from optimizer.records.importers.stop_search import LINKED
from optimizer.risk.field_flow.field import Neighbours

Floats = NDArray[np.float64]

WHAT = "searches.csv of `import stop-search`"

NAME = "searches.csv"

NUMBERS = ("lon", "lat", "group", "weight", "found")

COLUMNS = ("time", "lon", "lat", "source", "group", "weight", "found")

MONTH = r"[0-9]{4}-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12][0-9]|3[01]))?"


@dataclass(frozen=True)
class ForceSearches:
    """The searches of one force; k people, in the order of their months."""

    #: Who searched.
    force: str
    #: (k,) datetime64[M].
    month: NDArray[np.datetime64]
    #: `lon`, `lat`: (k,) the publisher's point, degrees.
    lon: Floats
    lat: Floats
    #: (k,) people searched together share a number.
    group: NDArray[np.int64]
    #: (k,) what the person counts as a search, in (0, 1]: 1 / size of the group.
    weight: Floats
    #: (k,) whether something was found, 0 or 1.
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
        Files, or folders with a `searches.csv`. What stands beside them in
        `import.json` says which forces were left out.
    remarks
        As in `optimizer.base.files.tables.read_csv`.

    Raises
    ------
    InputError
        With the faults of all files: a missing file or column, a time, number or
        outcome that cannot be understood, a weight of nothing, or one month of a force
        in two files.
    """
    files = [path / NAME if path.is_dir() else path for path in paths]
    faults = ProblemList()
    parts = []
    for file in files:
        try:
            _complain_of_raw_file(file)
            parts.append(
                _checked(
                    read_columns(
                        file,
                        WHAT,
                        COLUMNS,
                        numeric=NUMBERS,
                        degrees=("lon", "lat"),
                        remarks=remarks,
                    )
                )
            )
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
        raise InputError(
            Problem(
                str(file), found, WHAT, "Import it first: cli.py import stop-search FILES --out DIR"
            )
        )


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
    for force, when, file in zip(
        rows["source"].tolist(), month.tolist(), rows[FILE].tolist(), strict=True
    ):
        of_month.setdefault((force, when), set()).add(file)
    twice = sorted((key, sorted(files)) for key, files in of_month.items() if len(files) > 1)
    if twice:
        (force, when), files = twice[0]
        found = (
            f"{len(twice)} months of a force in several files, such as {when} of {force} in"
            f" {' and '.join(files)}"
        )
        raise InputError(
            Problem("searches", found, "each month of a force in one file", "Import them together")
        )


def _of_force(force: str, rows: pd.DataFrame) -> ForceSearches:
    month = np.array([text[:7] for text in rows["time"]], dtype="datetime64[M]")
    _, group = np.unique(
        np.column_stack((pd.factorize(rows[FILE])[0], rows["group"].to_numpy(np.int64))),
        axis=0,
        return_inverse=True,
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
    """Return the forces that the import left out because of their outcomes, as the
    summary beside the file says.
    """
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


# Points in place of roads: the publisher's snap points as segments of their own, and
# the graph of nearest points for the field.
#
# Points are anonymised, so distances below about 50 m mean nothing; the weights below
# do not tell distances up to `NEAR_M` apart.

NEAREST = 8
"""Points to which each point is tied; 4 and 16 gave the same gains within 1 mnat
(results/risk.md).
"""

NEAR_M = 200.0
"""Metres up to which a tie has its full weight; beyond, it falls as one over the distance."""

CELL_M = 500.0
"""Side of the squares that count as one place in intervals, tests and hot spots."""


def plane(lon: Floats, lat: Floats) -> Floats:
    """Return (m, 2) metres east and north of the middle of (m,) points, equirectangular."""
    scale = METRES_PER_DEGREE
    middle_lon, middle_lat = (lon.min() + lon.max()) / 2, (lat.min() + lat.max()) / 2
    return np.column_stack(
        ((lon - middle_lon) * scale * np.cos(np.radians(middle_lat)), (lat - middle_lat) * scale)
    )


def squares(lon: Floats, lat: Floats) -> NDArray[np.int64]:
    """Return the (m,) number of the square in which each point lies, from 0 without
    gaps.

    Squares lie in rows along parallels, counted from the equator and the meridian of
    Greenwich: which points share one depends on no other point.
    """
    scale = METRES_PER_DEGREE / CELL_M
    row = np.floor(lat * scale)
    column = np.floor(lon * scale * np.cos(np.radians((row + 0.5) / scale)))
    number = np.unique(np.column_stack((row, column)), axis=0, return_inverse=True)[1]
    return np.asarray(number, dtype=np.int64).ravel()


def nearest_neighbours(lon: Floats, lat: Floats, nearest: int = NEAREST) -> Neighbours:
    """Return the graph in which each point is tied to its nearest ones, each pair once.

    Parameters
    ----------
    lon, lat
        (m,) degrees, no point twice.
    nearest
        k: the tie of points d metres apart weighs min(1, `NEAR_M` / d) / k.
    """
    m = lon.size
    k = min(nearest, m - 1)
    if k < 1:
        nothing = np.empty(0, dtype=np.int64)
        return Neighbours(m, nothing, nothing, np.empty(0))
    distance, other = KDTree(plane(lon, lat)).query(plane(lon, lat), k=k + 1)
    one = np.repeat(np.arange(m), k + 1)
    two, apart = np.asarray(other, dtype=np.int64).ravel(), np.asarray(distance).ravel()
    itself = one == two
    one = one[~itself]
    two = two[~itself]
    apart = apart[~itself]
    pair, at = np.unique(
        np.column_stack((np.minimum(one, two), np.maximum(one, two))), axis=0, return_index=True
    )
    weight = np.minimum(1.0, NEAR_M / np.maximum(apart[at], 1e-9)) / k
    return Neighbours(m, pair[:, 0], pair[:, 1], weight)


def point_network(lon: Floats, lat: Floats) -> Network:
    """Return m points as a network of m segments that lead nowhere, for models that ask
    for one; all have one class and one metre.
    """
    m = lon.size
    number = np.arange(m)
    place = number.astype(np.int32)
    return Network(
        node_id=number,
        lon=lon,
        lat=lat,
        tail=place,
        head=place,
        length_m=np.ones(m),
        time_s=np.ones(m),
        road_class=np.full(m, "point"),
        name=np.full(m, ""),
        way=np.zeros(m, dtype=np.int64),
        segment=place,
        polylines=Polylines.of(
            np.arange(0, 2 * m + 1, 2), np.repeat(np.column_stack((lon, lat)), 2, axis=0)
        ),
    )
