"""`review.csv`: pairs that a person should look at, and the decisions read back.

A report is named by a digest of what it says (agency, time, place, drug, amounts). A
decision holds for two reports, in whatever files and lines they come again; one about a
report that is not there, or says something else now, is refused.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from optimizer.base.errors import FileProblems, InputError, Problem
from optimizer.base.files.tables import WantedColumns, read_csv
from optimizer.records.fusion.matching import Candidates
from optimizer.records.fusion.reports import km_between

Floats = NDArray[np.float64]

SAME, DIFFERENT = "same", "different"
SAID = (
    "hour",
    "lon",
    "lat",
    "segment",
    "area",
    "place",
    "count",
    "amount",
    "unit",
    "drug",
    "kg",
    "parcels",
)
"""Columns of a report that its digest covers, beside agency and days."""
SIDE_COLUMNS = (
    "agency",
    "file",
    "line",
    "written_time",
    "lon",
    "lat",
    "area",
    "place",
    "drug",
    "kg",
    "parcels",
    "amount",
    "unit",
)


@dataclass(frozen=True)
class ReviewFile:
    """Decisions as read: names of two reports -> whether they are one event, and the file."""

    path: Path
    decision: dict[frozenset[str], bool]


@dataclass(frozen=True)
class Decisions:
    """What a person decided: pairs of reports that are one event, and pairs that are not."""

    same: Candidates
    different: Candidates


def read_review(path: Path) -> ReviewFile:
    """Read the decisions of a `review.csv`; rows without one are passed over.

    Raises
    ------
    InputError
        If it is no such file, a decision is neither `same` nor `different`, or two of
        one pair contradict each other.
    """
    wanted = WantedColumns(
        ("report_1", "report_2", "decision"), remedy="Give the review.csv that fuse wrote"
    )
    remarks: list[str] = []
    table = read_csv(path, "a review of `fuse`", wanted, remarks=remarks)
    problems = FileProblems(path)
    decision: dict[frozenset[str], bool] = {}
    columns = (table.number, *(table.text[name] for name in wanted.required))
    for number, one, other, text in zip(*columns, strict=True):
        word = text.casefold()
        if not word:
            continue
        if word not in {SAME, DIFFERENT}:
            problems.add(number, repr(text), f"{SAME}, {DIFFERENT} or nothing", column="decision")
        elif decision.setdefault(frozenset([one, other]), word == SAME) is not (word == SAME):
            found = f"{word}, where an earlier row of the pair says otherwise"
            problems.add(number, found, "one decision for each pair", column="decision")
    problems.raise_if_any()
    return ReviewFile(path, decision)


def report_names(frame: pd.DataFrame) -> list[str]:
    """Return (n,) the name of each report, a digest of what it says; equal reports of
    one agency are numbered.
    """
    days = [
        frame[name].to_numpy().astype("datetime64[D]").astype(np.int64).tolist()
        for name in ("start", "end")
    ]
    columns = [frame["agency"].tolist(), *days, *(frame[name].tolist() for name in SAID)]
    count: dict[bytes, int] = {}
    names = []
    for row in zip(*columns, strict=True):
        own = hashlib.sha256("\x1f".join(map(str, row)).encode("utf-8", "replace")).digest()
        count[own] = count.get(own, 0) + 1
        names.append(f"r{own.hex()[:16]}.{count[own]}")
    return names


def decisions_on(review: ReviewFile | None, names: dict[str, int]) -> Decisions:
    """Return the decisions on reports, by their names -> positions; those about others
    are passed over.
    """
    pairs: dict[bool, list[list[int]]] = {True: [], False: []}
    for pair, same in ({} if review is None else review.decision).items():
        if len(pair) == 2 and pair <= names.keys():
            pairs[same].append(sorted(names[one] for one in pair))
    return Decisions(*(_pairs(pairs[same]) for same in (True, False)))


def _pairs(found: list[list[int]]) -> Candidates:
    both = np.array(found, dtype=np.int64).reshape(-1, 2)
    return Candidates(both[:, 0], both[:, 1])


def refuse_strange(review: ReviewFile, names: set[str]) -> None:
    """Refuse decisions about reports that the feeds do not hold.

    Raises
    ------
    InputError
        With how many there are, and the first.
    """
    strange = [pair for pair in review.decision if not pair <= names]
    if strange:
        first = " and ".join(sorted(strange[0]))
        raise InputError(
            Problem(
                str(review.path),
                f"{len(strange)} of {len(review.decision)} decisions about reports that these feeds"
                f" do not hold (the first: {first})",
                "decisions made for these feeds, or for earlier ones whose reports are unchanged",
                "Give the review of these feeds; delete the rows of reports that were corrected"
                " since, and decide them again",
            )
        )


def review_table(
    frame: pd.DataFrame,
    pairs: Candidates,
    probability: Floats,
    merged: NDArray[np.bool_],
    kind: str,
    share: Floats,
) -> pd.DataFrame:
    """Return one row a pair, what changes the risk map most first: an empty decision,
    what is made of it now, and both reports.

    A pair that is decided the other way moves the rate of its place by the share of the
    place's events that it is. It is expected to move it by that times the chance that
    what is made of it now is wrong; doubt alone is the order where this is equal.

    Parameters
    ----------
    frame
        The reports, with `name`.
    pairs, probability
        The pairs.
    merged
        (k,) whether they count once as things stand.
    kind
        `seizure` or `effort`.
    share
        (k,) by what part the rate of its place moves where the pair is decided the
        other way.
    """
    moves = share * np.where(merged, 1 - probability, probability)
    order = np.lexsort((np.abs(probability - 0.5), -moves))
    one, other = frame.iloc[pairs.one[order]], frame.iloc[pairs.other[order]]
    table = pd.DataFrame(
        {
            "decision": "",
            "kind": kind,
            "now": np.where(merged[order], "one", "two"),
            "probability": probability[order].round(3),
            "moves_rate": moves[order].round(4),
            "hours_apart": (
                (other["hour"].to_numpy(dtype=float) - one["hour"].to_numpy(dtype=float)).round(2)
            ),
            "report_1": one["name"].to_numpy(),
            "report_2": other["name"].to_numpy(),
            "km_apart": (
                km_between(
                    *(
                        side[axis].to_numpy(dtype=float)
                        for side in (one, other)
                        for axis in ("lon", "lat")
                    )
                ).round(2)
            ),
        }
    )
    for number, side in enumerate((one, other), start=1):
        for column in SIDE_COLUMNS:
            table[f"{column}_{number}"] = side[column].to_numpy()
    return table
