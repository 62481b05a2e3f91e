"""Effort of several agencies beside each other: where it overlaps, and rows that may be one report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.formatting import plural
from optimizer.records.areas import name_key
from optimizer.records.fusion.candidates import Candidates

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

CELL = 0.01
"""Size of the cells of the map whose points are taken as one place, degrees (about a kilometre)."""
CLOSE = 0.01
"""Relative difference of two amounts up to which they are equal."""


@dataclass(frozen=True)
class EffortOverlap:
    """Effort of two agencies at the same places and times.

    Attributes
    ----------
    alike
        Rows of two agencies that are equal in unit, place, time and amount, one to one.
    notes
        What overlaps, by unit and pair of agencies.
    """

    alike: Candidates
    notes: tuple[str, ...]


def effort_overlap(frame: pd.DataFrame, feed: Ints) -> EffortOverlap:
    """Find effort that two agencies report for the same place, time and unit.

    Parameters
    ----------
    frame
        Effort of all feeds (`optimizer.records.fusion.feeds.Feed.effort`).
    feed
        (n,) position of the feed of each row.
    """
    groups: dict[tuple[str, str], list[int]] = {}
    for at, key in enumerate(zip(frame["unit"].tolist(), _places(frame), strict=True)):
        groups.setdefault(key, []).append(at)
    start = frame["start"].to_numpy().astype("datetime64[D]").astype(np.int64)
    end = frame["end"].to_numpy().astype("datetime64[D]").astype(np.int64)
    amount = frame["amount"].to_numpy(dtype=float)
    within: dict[tuple[str, int, int], list[int]] = {}
    one, other = [], []
    for (unit, _), rows in groups.items():
        own = np.array(rows)
        present = np.unique(feed[own])
        for first in present.tolist():
            for second in present.tolist():
                if first == second:
                    continue
                mine, theirs = own[feed[own] == first], own[feed[own] == second]
                met = mine[_meets(start[mine], end[mine], start[theirs], end[theirs])]
                within.setdefault((unit, first, second), []).extend(met.tolist())
                if first < second:
                    for a, b in _equal(mine, theirs, start, end, amount):
                        one.append(a)
                        other.append(b)
    alike = Candidates(np.array(one, dtype=np.int64), np.array(other, dtype=np.int64))
    return EffortOverlap(alike, tuple(_notes(frame, feed, within, amount, alike)))


def _places(frame: pd.DataFrame) -> list[str]:
    """Return a key of each row's place: its segment, its cell of the map, its area or its place in words."""
    keys = []
    columns = [frame[name].tolist() for name in ("segment", "lon", "lat", "area", "place")]
    for segment, lon, lat, area, place in zip(*columns, strict=True):
        if segment == segment:  # noqa: PLR0124 - NaN is not itself
            keys.append(f"segment {segment:.0f}")
        elif lon == lon:  # noqa: PLR0124
            keys.append(f"{round(lon / CELL)} {round(lat / CELL)}")
        else:
            keys.append(name_key(area or place))
    return keys


def _meets(start: Ints, end: Ints, other_start: Ints, other_end: Ints) -> NDArray[np.bool_]:
    """Return (k,) whether each span meets one of the others."""
    begun = np.searchsorted(np.sort(other_start), end, side="left")
    over = np.searchsorted(np.sort(other_end), start, side="right")
    return np.asarray(begun > over)


def _equal(mine: Ints, theirs: Ints, start: Ints, end: Ints, amount: NDArray[np.float64]) -> list[list[int]]:
    """Return pairs of rows that are equal in time and amount, each row in one at most."""
    left: dict[tuple[int, int], list[int]] = {}
    for at in theirs.tolist():
        left.setdefault((int(start[at]), int(end[at])), []).append(at)
    found = []
    for at in mine.tolist():
        if amount[at] <= 0:
            continue
        for other in left.get((int(start[at]), int(end[at])), []):
            if abs(amount[other] - amount[at]) <= CLOSE * amount[at]:
                left[int(start[at]), int(end[at])].remove(other)
                found.append([at, other])
                break
    return found


def _notes(
    frame: pd.DataFrame,
    feed: Ints,
    within: dict[tuple[str, int, int], list[int]],
    amount: NDArray[np.float64],
    alike: Candidates,
) -> list[str]:
    agency = {int(of): str(name) for of, name in zip(feed, frame["agency"], strict=True)}
    notes = []
    for (unit, first, second), rows in within.items():
        if first > second or not rows:
            continue
        theirs = within[unit, second, first]
        same = int(
            (
                (feed[alike.one] == first)
                & (feed[alike.other] == second)
                & (frame["unit"].to_numpy()[alike.one] == unit)
            ).sum()
        )
        are = "is" if same == 1 else "are"
        equal = f" {plural(same, 'pair')} of them {are} equal in place, time and amount, and may be one report: see review.csv."
        sides = [
            f"{plural(len(own), 'row')} ({amount[own].sum():,.6g}) of {agency[of]}"
            for own, of in ((rows, first), (theirs, second))
        ]
        notes.append(
            f"Effort in {unit}: {' and '.join(sides)} are of the same places and times. Both are counted, as two patrols.{equal * bool(same)}"
        )
    return notes
