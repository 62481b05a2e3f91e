"""Tips of residents: place, time, grade and words, of which clusters are made. Who
reported is never read.

Copies of one tip, and tips that say nearly the same of one place at one time, are one
cluster and weigh as one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from optimizer.base.errors import FileProblems, InputError, Problem
from optimizer.base.files.tables import POINT_ALIASES, TextTable, WantedColumns, read_csv
from optimizer.base.text.messages import Message, counted_message, message
from optimizer.problem.network.exchanged import EXCHANGE, metres_if_exchanged
from optimizer.problem.network.geodesy import KM_PER_DEGREE
from optimizer.problem.network.network import Network
from optimizer.records.fusion.reports import place_key, unlikeness
from optimizer.records.grades import (
    GRADE_FORMS,
    Grade,
    grades_conflict,
    learn_reliability,
    parse_grade,
)
from optimizer.records.period import FORMS, parse_period
from optimizer.records.personal import is_personal
from optimizer.records.record_parser import plain_number

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NEAR_KM, NEAR_DAYS = 3.0, 7
"""Distance and days up to which tips of nearly the same words are one."""
HERE_KM = 0.3
"""Distance up to which tips of one day are one, whatever their words."""
ALIKE = 0.5
"""Unlikeness of words (one minus the cosine of trigrams) up to which they are nearly the same."""
YES, NO = frozenset(["yes", "true", "1", "confirmed"]), frozenset(["no", "false", "0", "refuted"])
LEVEL = 0.8
"""Probability of the interval whose upper end is taken as the share of false tips: 0.9
of the posterior lies below it.
"""


@dataclass(frozen=True)
class Tips:
    """Clusters of tips, k of them, in order of time."""

    #: `lon`, `lat`: (k,) degrees: of the first tip of each.
    lon: Floats
    lat: Floats
    #: (k,) datetime64[D] of the first tip.
    day: NDArray[np.datetime64]
    #: (k,) share of such tips that is taken as false, the cautious end of what grades
    #: and outcomes tell, in (0, 1).
    false_rate: Floats
    #: How many tips were read.
    rows: int
    #: Rows without a place or time.
    unused: int
    #: Sentences for the planner.
    remarks: tuple[str, ...]
    #: (k,) class of the grade of each, A to E, "?" where it is unknown; empty where
    #: nobody says.
    grade: tuple[str, ...] = ()
    #: (k,) tips of each; empty where nobody says.
    copies: tuple[int, ...] = ()

    @property
    def size(self) -> int:
        """Number of clusters k."""
        return self.lon.size


FAR_KM = 10.0
"""A tip farther than this from every road is not of the region."""


@dataclass(frozen=True)
class _TipRows:
    lon: Floats
    lat: Floats
    day: Ints
    grade: list[Grade | None]
    words: list[str]
    confirmed: list[bool | None]


def read_tips(path: Path, network: Network | None = None) -> Tips:
    """Read a file of tips: columns `time`, `lon`, `lat`, and where they are there
    `grade`, `text` and `confirmed`. No other column is kept.

    Raises
    ------
    InputError
        If most tips lie on the roads of the network only once longitude and latitude
        are exchanged; with the rows whose time, place, grade or outcome cannot be
        understood; if the file is no table, or has no row with a time and place.
    """
    wanted = WantedColumns(
        ("time", "lon", "lat"),
        ("grade", "text", "confirmed"),
        show_header=True,
        aliases=POINT_ALIASES,
        numeric=("lon", "lat"),
    )
    remarks: list[str] = []
    table = read_csv(path, "a file of tips", wanted, remarks=remarks)
    rows = _parsed(path, table)
    if network is not None:
        _check_exchanged(path, rows, network)
    label = _clusters(rows)
    first = np.unique(label, return_index=True)[1]
    grade = _best_classes(rows, label)
    rate = _false_rates(rows, label, grade)
    read, unused = len(table), len(table) - rows.day.size
    personal = [name for name in table.unread if is_personal(name) or "report" in name.casefold()]
    if personal:
        shown = ", ".join(map(repr, personal[:6]))
        remarks.append(
            message(
                "{file}: columns that look personal are not read: {names}. Take them out.",
                file=path.name,
                names=shown,
            )
        )
    remarks.append(
        message(
            "{file}: {tips} read, {unused} of them without a time or place and not used; {clusters}"
            " of time, place and words, each of which weighs as one. Tips are no searches.",
            file=path.name,
            tips=counted_message("{count} tip", "{count} tips", read),
            unused=unused,
            clusters=counted_message("{count} cluster", "{count} clusters", first.size),
        )
    )
    remarks += _conflicts(path, rows, label)
    day = rows.day[first].astype("datetime64[D]")
    copies = tuple(np.bincount(label).tolist())
    return Tips(
        rows.lon[first], rows.lat[first], day, rate, read, unused, tuple(remarks), grade, copies
    )


def _parsed(path: Path, table: TextTable) -> _TipRows:
    """Return the rows that have a time and place, in order of time."""
    problems = FileProblems(path)
    blank = [""] * len(table)
    column = {
        name: table.text.get(name, blank)
        for name in ("time", "lon", "lat", "grade", "text", "confirmed")
    }
    found: list[tuple[int, float, float, Grade | None, str, bool | None]] = []
    for at, number in enumerate(table.number):
        cell = {name: values[at] for name, values in column.items()}
        grade = parse_grade(cell["grade"]) if cell["grade"] else None
        if cell["grade"] and grade is None:
            problems.add(number, repr(cell["grade"]), GRADE_FORMS, column="grade")
        word = cell["confirmed"].casefold()
        if word and word not in YES | NO:
            problems.add(number, repr(cell["confirmed"]), "yes, no or nothing", column="confirmed")
        if not (cell["time"] and cell["lon"] and cell["lat"]):
            continue
        day, place = (
            _day(number, cell["time"], problems),
            _point(number, cell["lon"], cell["lat"], problems),
        )
        found.append(
            (
                day,
                place[0],
                place[1],
                grade,
                place_key(cell["text"]),
                None if not word else word in YES,
            )
        )
    problems.raise_if_any()
    if not found:
        raise InputError(
            Problem(
                str(path),
                "no tip with a time and a place",
                "one at least",
                "Name them time, lon and lat",
            )
        )
    found.sort(key=lambda row: row[:3])
    return _TipRows(
        lon=np.array([row[1] for row in found], dtype=float),
        lat=np.array([row[2] for row in found], dtype=float),
        day=np.array([row[0] for row in found], dtype=np.int64),
        grade=[row[3] for row in found],
        words=[row[4] for row in found],
        confirmed=[row[5] for row in found],
    )


def _check_exchanged(path: Path, rows: _TipRows, network: Network) -> None:
    away, turned = (
        network.nearest_segments(rows.lon, rows.lat)[1],
        metres_if_exchanged(network, rows.lon, rows.lat),
    )
    near = 1000 * FAR_KM
    if (away <= near).sum() * 2 < away.size < (turned <= near).sum() * 2:
        found = (
            f"{(away > near).sum()} of {away.size} tips far from every road, but most near one if"
            " lon and lat are exchanged"
        )
        lon, lat = network.centre
        expected = f"points around {lon:.2f}, {lat:.2f} (longitude, latitude)"
        raise InputError(Problem(f"{path}, columns lon, lat", found, expected, EXCHANGE))


def _day(number: int, text: str, problems: FileProblems) -> int:
    try:
        return int(np.datetime64(parse_period(text).start).astype(np.int64))
    except InputError:
        problems.add(number, repr(text), FORMS, column="time")
        return 0


def _point(number: int, lon: str, lat: str, problems: FileProblems) -> list[float]:
    try:
        point = [plain_number(lon), plain_number(lat)]
    except ValueError:
        point = [np.inf, np.inf]
    if abs(point[0]) > 180 or abs(point[1]) > 90:
        remedy = EXCHANGE if abs(point[0]) <= 90 and abs(point[1]) <= 180 else ""
        problems.add(
            number,
            f"{lon!r}, {lat!r}",
            "degrees of longitude and latitude",
            remedy,
            column="lon, lat",
        )
    return point


def _clusters(rows: _TipRows) -> Ints:
    """Return (n,) the cluster of each tip, numbered by its first one: single linkage
    over words, time and place.
    """
    words, code = np.unique(np.array(rows.words, dtype=np.str_), return_inverse=True)
    x = rows.lon * np.cos(np.radians(rows.lat.mean())) * KM_PER_DEGREE
    cells = np.column_stack(
        [code, rows.day, np.round(x / 0.01), np.round(rows.lat * KM_PER_DEGREE / 0.01)]
    ).astype(np.int64)
    first, same = np.unique(cells, axis=0, return_index=True, return_inverse=True)[1:]
    scaled = np.column_stack([x, rows.lat * KM_PER_DEGREE, rows.day * (NEAR_KM / NEAR_DAYS)])[first]
    pairs = cKDTree(scaled).query_pairs(NEAR_KM, p=np.inf, output_type="ndarray")
    one, other = first[pairs[:, 0]], first[pairs[:, 1]]
    km = np.hypot(*(scaled[pairs[:, 0], :2] - scaled[pairs[:, 1], :2]).T)
    here = (km <= HERE_KM) & (rows.day[one] == rows.day[other])
    near = here | ((km <= NEAR_KM) & _alike(words.tolist(), code[one], code[other]))
    graph = sparse.coo_array(
        (np.ones(near.sum()), (pairs[near, 0], pairs[near, 1])), shape=(first.size, first.size)
    )
    label = connected_components(graph, directed=False)[1][same.ravel()]
    start = np.full(label.max() + 1, label.size)
    np.minimum.at(start, label, np.arange(label.size))
    return np.unique(start[label], return_inverse=True)[1].astype(np.int64)


def _alike(words: list[str], one: Ints, other: Ints) -> NDArray[np.bool_]:
    """Return (k,) whether pairs of texts, by position among the distinct ones, are
    nearly the same; texts that say nothing are not.
    """
    out = one == other
    some = np.flatnonzero(~out)
    for block in np.array_split(some, max(1, some.size // 200_000)):
        rows, columns = np.unique(one[block]), np.unique(other[block])
        if rows.size and columns.size:
            table = unlikeness([words[at] for at in rows], [words[at] for at in columns])
            out[block] = (
                table[np.searchsorted(rows, one[block]), np.searchsorted(columns, other[block])]
                <= ALIKE
            )
    said = np.array([bool(word) for word in words])
    return np.asarray(out & said[one] & said[other])


def _best_classes(rows: _TipRows, label: Ints) -> tuple[str, ...]:
    """Return by cluster the best class of its tips' grades."""
    best: dict[int, str] = {}
    for own, grade in zip(label.tolist(), rows.grade, strict=True):
        each = _class(grade)
        best[own] = min(best.get(own, each), each, key="ABC?DE".index)
    return tuple(best[own] for own in range(len(best)))


def _false_rates(rows: _TipRows, label: Ints, best: tuple[str, ...]) -> Floats:
    """Return by cluster the share of tips of its class that is taken as false; 1 where
    it was refuted.
    """
    classes = sorted({_class(grade) for grade in rows.grade})
    known = {one: [0, 0] for one in classes}
    outcome: dict[int, set[bool]] = {}
    for own, confirmed in zip(label.tolist(), rows.confirmed, strict=True):
        if confirmed is not None:
            outcome.setdefault(own, set()).add(confirmed)
    for own, found in outcome.items():
        if len(found) == 1:
            known[best[own]][0] += int(True in found)
            known[best[own]][1] += 1
    learnt = learn_reliability(
        [None if one == "?" else one for one in classes],
        [known[one][0] for one in classes],
        [known[one][1] for one in classes],
        LEVEL,
    )
    rate = {
        one: float(np.clip(1 - low, 0.02, 0.98))
        for one, low in zip(classes, learnt.low, strict=True)
    }
    out = np.array([rate[one] for one in best])
    for own, found in outcome.items():
        if found == {False}:
            out[own] = 1.0
    return out


def _class(grade: Grade | None) -> str:
    """Return the worse of the classes of source and information, A to E; "?" where
    either is bad or unknown and the other unknown too.
    """
    if grade is None:
        return "?"
    parts = [
        one
        for one in (
            grade.source_class,
            None if grade.information_class is None else "ABCDE"[grade.information_class - 1],
        )
        if one
    ]
    if len(parts) == 2:
        return max(parts)
    return parts[0] if parts and parts[0] in "DE" else "?"


def _conflicts(path: Path, rows: _TipRows, label: Ints) -> list[Message]:
    """Return a sentence on clusters whose tips are graded in contradiction."""
    seen: dict[int, list[Grade]] = {}
    for own, grade in zip(label.tolist(), rows.grade, strict=True):
        if grade is not None:
            seen.setdefault(own, []).append(grade)
    bad = [
        own
        for own, grades in seen.items()
        if any(grades_conflict(grades[0], other) for other in set(grades[1:]))
    ]
    if not bad:
        return []
    shown = " and ".join(sorted({str(grade) for grade in seen[bad[0]]}))
    return [
        message(
            "{file}: {clusters} of tips with grades that contradict each other (the first:"
            " {grades}); the best is taken.",
            file=path.name,
            clusters=counted_message("{count} cluster", "{count} clusters", len(bad)),
            grades=shown,
        )
    ]
