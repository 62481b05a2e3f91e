"""The recent window of a record: where it is cut, the quarters that it falls into, and
what was found and searched in it.

`split_record` cuts; `tally` holds seizures and effort of a span against what the model
of an earlier time expects, place by place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from optimizer.base.errors import InputError, Problem
from optimizer.base.text.messages import Message, message
from optimizer.records.areas import name_key
from optimizer.records.model import (
    Effort,
    Seizures,
    has_effort,
    in_time,
    spread_effort,
    unit_of_seizures,
)
from optimizer.risk.alerts.places import Place
from optimizer.risk.evidence import Evidence, gather_evidence
from optimizer.risk.field_flow.field import road_neighbours
from optimizer.risk.location_error import LocationError, mixture_parts

if TYPE_CHECKING:
    from optimizer.problem.network.network import Network

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]

WINDOW_MONTHS = 3
"""Months of the window where none is asked for."""


@dataclass(frozen=True)
class Span:
    """Whole days from `start` up to and without `end`."""

    #: `start`, `end`: datetime64[D], start < end.
    start: np.datetime64
    end: np.datetime64

    @property
    def last(self) -> np.datetime64:
        """The last day."""
        return self.end - np.timedelta64(1, "D")

    @property
    def said(self) -> Message:
        """First and last day, for people."""
        return message("{low} to {high}", low=str(self.start), high=str(self.last))

    def __str__(self) -> str:
        """Return first and last day."""
        return str(self.said)


@dataclass(frozen=True, eq=False)
class SpanRecord:
    """What was recorded in a span of time."""

    #: When.
    span: Span
    #: `seizures`, `effort`: The records of it.
    seizures: Seizures
    effort: Effort


@dataclass(frozen=True, eq=False)
class RecordSplit:
    """A record split into the time before a window, and the window."""

    #: `before`, `window`: The two parts.
    before: SpanRecord
    window: SpanRecord
    #: What fell between them.
    warnings: tuple[str, ...]


def split_record(
    records: Seizures,
    effort: Effort | None,
    since: date | np.datetime64 | None = None,
    *,
    memory: int | None = None,
) -> RecordSplit:
    """Split a record into the part that the model is fitted to and the window that is
    tested against it.

    Effort that spans the split counts on each side by its days there. Seizures dated by
    a time that spans it belong to neither. The window ends with the last day of effort.

    Parameters
    ----------
    records, effort
        The record.
    since
        First day of the window; by default three months before the last day of effort,
        or as much earlier as it takes for no seizure to reach over the cut: records by
        fiscal year give a window of a year.
    memory
        Months before the window to which the model is fitted, >= 1; by default all. The
        model knows no slow change: over a long memory a drift shows as an alert.

    Raises
    ------
    InputError
        If there is no effort, or none before the window, or the window begins after the
        record's end.
    """
    if memory is not None and memory < 1:
        raise InputError(Problem("--memory", str(memory), "at least one month"))
    if effort is None or not (effort.amount > 0).any():
        found, expected = "no search effort", "effort with the days on which it was made"
        raise InputError(
            Problem(
                "alerts",
                found,
                expected,
                "Add [[records.effort]]: without it a busy month and a risky one look alike",
            )
        )
    used = effort.amount > 0
    first, end = effort.start[used].min(), effort.end[used].max()
    start = (
        _default_start(records, first, end)
        if since is None
        else np.datetime64(since).astype("datetime64[D]")
    )
    _check(start, first, end, given=since is not None)
    learnt = records.end <= start
    if memory is not None:
        earliest = start.astype("datetime64[M]") - np.timedelta64(memory, "M")
        first = max(first, earliest.astype("datetime64[D]"))
        learnt &= records.start >= first
    before, window = Span(first, start), Span(start, end)
    across = (records.start < start) & (records.end > start)
    warnings = _late_finds(records, before)
    if records.count[across].sum():
        warnings.append(
            message(
                "{count:n6} seizures are dated by spans that reach over {day} and are in neither"
                " part, so that both look quieter than they were. Begin the window where the"
                " records' spans do.",
                count=records.count[across].sum(),
                day=str(start),
            )
        )
    return RecordSplit(
        SpanRecord(before, records.take(learnt), effort_within(effort, before)),
        SpanRecord(window, records.take(records.start >= start), effort_within(effort, window)),
        tuple(warnings),
    )


def _late_finds(records: Seizures, before: Span) -> list[str]:
    """Return a remark if effort was recorded long before the first seizure: then
    perhaps seizures were not.
    """
    dated = records.start[(records.end <= before.end) & (records.count > 0)]
    late = before.start.astype("datetime64[M]") + np.timedelta64(WINDOW_MONTHS, "M")
    if not dated.size or dated.min() < late:
        return []
    return [
        message(
            "Effort is recorded from {day}, seizures from {first}: if they only began to be"
            " recorded then, too little is expected. Fit to a shorter time.",
            day=str(before.start),
            first=str(dated.min()),
        )
    ]


def _default_start(records: Seizures, first: np.datetime64, end: np.datetime64) -> np.datetime64:
    last = (end - np.timedelta64(1, "D")).astype("datetime64[M]")
    start = (last - np.timedelta64(WINDOW_MONTHS - 1, "M")).astype("datetime64[D]")
    while (across := (records.start < start) & (records.end > start)).any() and start > first:
        start = records.start[across].min()
    return np.datetime64(start, "D")


def _check(start: np.datetime64, first: np.datetime64, end: np.datetime64, *, given: bool) -> None:
    where = "--since" if given else "alerts"
    last = end - np.timedelta64(1, "D")
    if start >= end:
        expected = f"a day up to {last}, the last with search effort"
        raise InputError(Problem(where, str(start), expected, "Begin the window earlier"))
    if start <= first:
        found = (
            f"{start}, with no effort before it"
            if given
            else f"a record of {first} to {last} that cannot be cut"
        )
        expected = f"a day after {first}, so that the time before says what to expect"
        raise InputError(
            Problem(where, found, expected, "Begin the window later, or give an earlier record")
        )


def effort_within(effort: Effort, span: Span) -> Effort:
    """Return the effort inside a span; rows that reach over its ends count by their
    share of days inside.
    """
    days = (effort.end - effort.start) / np.timedelta64(1, "D")
    start, end = np.maximum(effort.start, span.start), np.minimum(effort.end, span.end)
    inside = (end - start) / np.timedelta64(1, "D")
    kept = inside > 0
    clipped = replace(
        effort, start=start, end=end, amount=effort.amount * np.maximum(inside, 0) / days
    )
    return clipped.take(kept)


def records_within(records: Seizures, span: Span) -> Seizures:
    """Return the seizures that lie wholly inside a span."""
    return records.take((records.start >= span.start) & (records.end <= span.end))


def quarters(split: RecordSplit) -> tuple[Span, ...]:
    """Return the calendar quarters of a record, cut at the window too, and joined where
    seizures are dated by longer spans.
    """
    first = split.before.span.start
    cut_at = split.window.span.start
    end = split.window.span.end
    early = split.before.seizures
    first = min(first, *early.start[early.end > first]) if (early.end > first).any() else first
    month = first.astype("datetime64[M]").astype(np.int64)
    quarter = np.arange(month // 3 * 3 + 3, end.astype("datetime64[M]").astype(np.int64) + 3, 3)
    inner = quarter.astype("datetime64[M]").astype("datetime64[D]")
    bounds = np.unique(np.concatenate((inner[(inner > first) & (inner < end)], [cut_at])))
    across = np.zeros(bounds.size, dtype=bool)
    for records in (split.before.seizures, split.window.seizures):
        across |= ((records.start[:, None] < bounds) & (records.end[:, None] > bounds)).any(axis=0)
    bounds = np.concatenate(([first], bounds[~across], [end]))
    return tuple(Span(start, after) for start, after in pairwise(bounds))


@dataclass(frozen=True)
class RateReference:
    """What an earlier time fixed."""

    #: Units of effort.
    units: tuple[str, ...]
    #: (units,) seizures per unit where the index is 1; NaN where it had no effort.
    global_rate: Floats
    #: For each unit, how wrong places are; None where they are right. Seizures where
    #: nobody searched then count, as they did in the fit.
    errors: tuple[LocationError | None, ...] = ()


@dataclass(frozen=True)
class Tally:
    """Seizures of k places, and the c cells of effort behind them."""

    #: (k,) seizures that have effort behind them.
    observed: Floats
    #: (c,) whose cell it is, in rising order.
    place: Ints
    #: `segment`, `unit`: (c,) where, and in which unit of effort.
    segment: Ints
    unit: Ints
    #: (c,) seizures that the effort would make at the global rate, > 0.
    expected: Floats
    #: (c,) over how many months it went, >= 1.
    clumps: Floats


def tally(
    places: Sequence[Place],
    records: Seizures,
    effort: Effort,
    network: Network,
    reference: RateReference,
) -> Tally:
    """Count seizures and expected seizures at each place.

    At a segment or a group of segments only seizures with a point count, against the
    effort behind such seizures (`gather_evidence`). An area's seizures are those that
    name it and those with a point inside, against the effort that names it or has a
    point inside: effort and seizures of another area that overlaps it stay out. On the
    whole network everything counts that has effort behind it.

    Parameters
    ----------
    places
        Where.
    records, effort
        Of the span alone; effort in hours of an average month.
    network
        The roads.
    reference
        Units and their rates. Effort in units without a rate is left out: nothing says
        what it finds.
    """
    effort = _with_a_rate(effort, reference)
    points = np.array([k for k, place in enumerate(places) if place.by_points], dtype=np.int64)
    parts = [
        (
            points,
            _located([places[k] for k in points.tolist()], records, effort, network, reference),
        )
    ]
    parts += [
        (np.array([k]), _around(place.segments, place.area, records, effort, network, reference))
        for k, place in enumerate(places)
        if not place.by_points
    ]
    return _joined(len(places), parts)


def _with_a_rate(effort: Effort, reference: RateReference) -> Effort:
    rated = np.isfinite(reference.global_rate)
    unit = np.array([reference.units.index(name) for name in effort.unit], dtype=np.int64)
    return effort.take(rated[unit[effort.source]])


def _located(
    places: Sequence[Place],
    records: Seizures,
    effort: Effort,
    network: Network,
    reference: RateReference,
) -> Tally:
    rate = np.where(np.isnan(reference.global_rate), 1.0, reference.global_rate)
    found = gather_evidence(records, effort, network, units=reference.units, global_rate=rate)
    sizes = [place.segments.size for place in places]
    place = np.repeat(np.arange(len(places)), sizes)
    segment = np.concatenate([np.empty(0, dtype=np.int64), *(place.segments for place in places)])
    searched = np.bincount(place, found.own_expected[segment], len(places)) > 0
    count, expect = _as_written(found, records, network, reference)
    observed = np.where(searched, np.bincount(place, count[segment], len(places)), 0.0)
    cell, unit = np.nonzero((expect[:, segment].T > 0) & searched[place, None])
    at = segment[cell]
    clumps = np.maximum(found.months[unit, at], 1.0)
    return Tally(observed, place[cell], at, unit, expect[unit, at], clumps)


def _as_written(
    found: Evidence, records: Seizures, network: Network, reference: RateReference
) -> tuple[Floats, Floats]:
    """Return (m,) seizures and (units, m) expected ones where they are written down: of
    units with errors, all seizures of its time count.
    """
    count, expect = found.own_count.astype(np.float64), found.unit_expected.copy()
    made_by = unit_of_seizures(records, found.exposure)
    backed = has_effort(records, made_by, found.exposure)
    for unit, wrong in enumerate(reference.errors):
        if wrong is not None and expect[unit].any():
            stray = (
                (made_by == unit)
                & (records.segment >= 0)
                & ~backed
                & in_time(records, found.exposure, made_by)
            )
            np.add.at(count, records.segment[stray], records.count[stray])
            expect[unit] = (
                expect[unit].sum()
                / wrong.by_effort
                * (wrong.weight @ mixture_parts(expect[unit], network))
            )
    return count, expect


def _around(
    segments: Ints,
    area: str | None,
    records: Seizures,
    effort: Effort,
    network: Network,
    reference: RateReference,
) -> Tally:
    """Return the tally of one area, or of everything where there is no name."""
    inside = np.zeros(network.n_segments, dtype=bool)
    inside[segments] = True
    effort = effort.take(_belongs(effort, inside, area))
    exposure = spread_effort(effort, network, reference.units)
    made_by = unit_of_seizures(records, exposure)
    strays = np.array(
        [wrong is not None for wrong in reference.errors or (None,) * len(reference.units)]
    )
    backed = has_effort(records, made_by, exposure) | (strays[made_by] & (records.segment >= 0))
    counted = _belongs(records, inside, area) & in_time(records, exposure, made_by) & backed
    unit, segment = np.nonzero(exposure.amount > 0)
    nowhere = np.zeros(segment.size, dtype=np.int64)
    made = np.array(
        [
            1.0 if wrong is None else wrong.by_effort
            for wrong in reference.errors or (None,) * len(strays)
        ]
    )
    expected = (reference.global_rate / made)[unit] * exposure.amount[unit, segment]
    clumps = np.maximum(exposure.months[unit, segment], 1.0)
    return Tally(np.array([records.count[counted].sum()]), nowhere, segment, unit, expected, clumps)


def _belongs(
    table: Seizures | Effort, inside: NDArray[np.bool_], area: str | None
) -> NDArray[np.bool_]:
    if area is None:
        return np.ones(len(table), dtype=bool)
    named = np.array([name_key(name) == name_key(area) for name in (*table.area_name, "")]) & (
        area != ""
    )
    return np.where(table.segment >= 0, inside[np.maximum(table.segment, 0)], named[table.area])


def without_effort(
    records: Seizures, effort: Effort, network: Network, units: tuple[str, ...]
) -> NDArray[np.bool_]:
    """Return whether each row of seizures, with seizures in it, was made where or when
    no effort of its unit is recorded, (k,).
    """
    exposure = spread_effort(effort, network, units)
    made_by = unit_of_seizures(records, exposure)
    backed = has_effort(records, made_by, exposure) & in_time(records, exposure, made_by)
    return np.asarray(~backed & (records.count > 0))


def in_silent_months(
    records: Seizures, effort: Effort | None, network: Network
) -> NDArray[np.bool_]:
    """Return whether each row of seizures was made in months of which no effort of its
    unit is known there, although it is of others, (k,).

    Such seizures mostly mean that a sheet of effort was lost: against the effort of the
    other months they would look like a rise. There is the segment and those that meet
    it, since a recorded point may lie on the wrong one. Rows of areas are never in such
    a month.

    Parameters
    ----------
    records, effort
        The whole record; effort None means none is known.
    network
        The roads.

    Raises
    ------
    InputError
        If a source's seizures cannot be assigned to one unit of effort.
    """
    out = np.zeros(len(records), dtype=bool)
    if effort is None:
        return out
    exposure = spread_effort(effort, network)
    made_by = unit_of_seizures(records, exposure)
    used = effort.take(effort.amount > 0)
    row = np.flatnonzero(
        (records.segment >= 0)
        & has_effort(records, made_by, exposure)
        & in_time(records, exposure, made_by)
    )
    if not row.size or not len(used):
        return out
    from_, to = _months_of(used)
    zero, size = from_.min(), int(np.ptp(np.append(from_, to))) + 1
    unit = np.array([exposure.units.index(name) for name in used.unit], dtype=np.int64)[used.source]
    for number in np.unique(made_by[row]).tolist():
        begun = np.zeros((network.n_segments, size + 1), dtype=np.int32)
        of = unit == number
        point = of & (used.segment >= 0)
        np.add.at(begun, (used.segment[point], from_[point] - zero), 1)
        np.add.at(begun, (used.segment[point], to[point] - zero), -1)
        for each in np.flatnonzero(of & ~point).tolist():
            members = used.area_segment[used.area[each]]
            begun[members, from_[each] - zero] += 1
            begun[members, to[each] - zero] -= 1
        # months with effort up to each
        known = np.zeros((network.n_segments, size + 1), dtype=np.int32)
        known[:, 1:] = np.cumsum(
            _with_neighbours(np.cumsum(begun, axis=1)[:, :-1] > 0, network), axis=1
        )
        mine = row[made_by[row] == number]
        low, high = (np.clip(month - zero, 0, size) for month in _months_of(records.take(mine)))
        out[mine] = known[records.segment[mine], high] == known[records.segment[mine], low]
    return out


def _months_of(table: Seizures | Effort) -> tuple[Ints, Ints]:
    """Return the month in which each row begins, and the one after that in which it
    ends, since 1970.
    """
    first = table.start.astype("datetime64[M]").astype(np.int64)
    last = (table.end - np.timedelta64(1, "D")).astype("datetime64[M]").astype(np.int64)
    return first, np.maximum(last, first) + 1


def _with_neighbours(known: NDArray[np.bool_], network: Network) -> NDArray[np.bool_]:
    """Return (m, months) whether anything is known of a segment or one that meets it."""
    near, out = road_neighbours(network), known.copy()
    np.logical_or.at(out, near.first, known[near.second])
    np.logical_or.at(out, near.second, known[near.first])
    return out


def _joined(size: int, parts: Sequence[tuple[Ints, Tally]]) -> Tally:
    observed = np.zeros(size)
    for number, part in parts:
        observed[number] = part.observed
    place = np.concatenate([number[part.place] for number, part in parts])
    order = np.argsort(place, kind="stable")
    columns = [
        np.concatenate([getattr(part, name) for _, part in parts])[order]
        for name in ("segment", "unit", "expected", "clumps")
    ]
    return Tally(observed, place[order], *columns)
