"""The same report twice: effort or seizures that overlap in area or time within one
source, and entries that copy each other.

For an area, and again at points, for smaller areas inside it, or for parts of the time:
Rows of an area and rows inside it at the same time may be parts of one whole, or the
area's may be totals that hold the others; so may a year's row of an area and its
months'. Files do not say which. Totals that agree with what lies inside them are taken
off; else the source's `overlap` decides, and without it the record is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from optimizer.base.errors import ProblemList
from optimizer.base.text.messages import counted_message, message, shortened
from optimizer.records.model import Effort, Seizures

if TYPE_CHECKING:
    from optimizer.problem.network.network import Network
    from optimizer.records.sources import EffortSource, SeizureSource

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Row = tuple[object, ...]

SLIVER = 0.05
"""Share of the smaller area's roads up to which two areas are taken as neighbours whose
borders are drawn loosely.
"""

WHOLLY = 0.95
"""Share of an area's roads from which on it is taken as inside another."""

EQUAL_AMOUNT = 0.01
"""Relative difference up to which two amounts are taken as equal, and share of an
area's amount up to which what lies inside is let be.
"""

TINY = 1e-9


@dataclass(frozen=True)
class _Inside:
    """What lies inside an area at the times of its rows: (rows of the area,) amounts,
    and how many points and which areas they come from.
    """

    amount: Floats
    points: int
    areas: tuple[int, ...]


@dataclass(frozen=True)
class _EffortKeptOnce:
    """(k,) amounts, nothing in them twice, and what was taken off."""

    amount: Floats
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class _Rows:
    """The rows of one source and unit, positions among all, and what a message calls them."""

    at: Ints
    label: str
    unit: str
    choice: str | None


def remove_double_effort(
    effort: Effort, sources: Sequence[EffortSource], network: Network
) -> Effort:
    """Return effort in which nothing that one source reports in one unit is counted
    twice, with a warning for what was taken off.

    Raises
    ------
    InputError
        Where rows of an area and rows inside it overlap in time, do not agree, and no
        `overlap` says what they are.
    """
    kinds = [(each.source.casefold(), each.unit) for each in sources]
    groups = _groups(effort.source, kinds, sources, "effort", [each.unit for each in sources])
    settled = _settle(effort, effort.amount, groups, network, points=True)
    return replace(effort, amount=settled.amount, warnings=(*effort.warnings, *settled.warnings))


def settle_seizures(
    seizures: Seizures, sources: Sequence[SeizureSource], network: Network
) -> Seizures:
    """Return seizures of which none is counted for an area and again for one inside it,
    by source and drug.

    Seizures with a point, rows of one seizure each, and areas that overlap in part are
    let be: an area's rows are then further seizures, known less closely.

    Raises
    ------
    InputError
        As `remove_double_effort` does.
    """
    sums = np.array(
        [
            bool((seizures.count[seizures.source == number] > 1).any())
            for number in range(len(sources))
        ]
    )
    if not sums.any():
        return seizures
    names = np.array([f"{each.source.casefold()}|{each.effort_unit}" for each in sources])
    of_row = np.char.add(
        np.char.add(names[seizures.source].astype(np.str_), "|"), seizures.drug.astype(np.str_)
    )
    groups = [
        _Rows(
            rows,
            f"seizures of {sources[first].source}",
            "seizures",
            _choice(sources, seizures.source[rows]),
        )
        for rows in (
            np.flatnonzero((of_row == name) & sums[seizures.source])
            for name in np.unique(of_row).tolist()
        )
        if rows.size
        for first in (int(seizures.source[rows[0]]),)
    ]
    settled = _settle(seizures, seizures.count, groups, network, points=False)
    return replace(
        seizures, count=np.round(settled.amount), warnings=(*seizures.warnings, *settled.warnings)
    )


def _choice(sources: Sequence[EffortSource | SeizureSource], used: Ints) -> str | None:
    stated = [
        sources[number].overlap
        for number in np.unique(used).tolist()
        if sources[number].overlap is not None
    ]
    return stated[0] if stated else None


def _groups(
    of_row: Ints,
    kinds: Sequence[tuple[str, str]],
    sources: Sequence[EffortSource],
    what: str,
    units: Sequence[str],
) -> list[_Rows]:
    groups = []
    for kind in dict.fromkeys(kinds):
        members = [number for number, one in enumerate(kinds) if one == kind]
        rows = np.flatnonzero(np.isin(of_row, members))
        label = f"{what} of {sources[members[0]].source}"
        groups.append(_Rows(rows, label, units[members[0]], _choice(sources, np.array(members))))
    return groups


def _settle(
    records: Effort | Seizures,
    amount: Floats,
    groups: Sequence[_Rows],
    network: Network,
    *,
    points: bool,
) -> _EffortKeptOnce:
    amount = amount.copy()
    length = network.length_m[network.segment_arc]
    problems = ProblemList()
    warnings: list[str] = []
    for group in groups:
        of_area = records.area[group.at]
        size = {
            area: float(length[records.area_segment[area]].sum())
            for area in np.unique(of_area[of_area >= 0]).tolist()
        }
        if group.choice == "add":
            continue
        # Small areas first: what they take off an area around them is then what is left
        # of them.
        for area in sorted(size, key=lambda one: (size[one], one)):
            rows = group.at[of_area == area]
            for level in _longer(records, rows):
                part = _shorter_inside(records, amount, rows, level)
                shorter = message(
                    "{whole}, and {part:,.6g} in rows there of shorter times within",
                    whole=_said(records, group, area, level, amount),
                    part=part.sum(),
                )
                _take_off(amount, level, part, shorter, group, problems, warnings)
            inside = _inside(records, amount, group.at, area, rows, size, length, points=points)
            found = _found(records, inside, _said(records, group, area, rows, amount))
            _take_off(amount, rows, inside.amount, found, group, problems, warnings)
    problems.raise_if_any()
    return _EffortKeptOnce(amount, tuple(warnings))


def _take_off(
    amount: Floats,
    rows: Ints,
    inside: Floats,
    found: str,
    group: _Rows,
    problems: ProblemList,
    warnings: list[str],
) -> None:
    """Take (rows,) amounts told again more closely off rows, with a warning, or note a
    fault where nothing says that they are the same.
    """
    whole = float(amount[rows].sum())
    if inside.sum() <= EQUAL_AMOUNT * whole:
        return
    same = float(amount[rows][np.abs(inside - amount[rows]) <= EQUAL_AMOUNT * amount[rows]].sum())
    if group.choice is None and same < (1 - EQUAL_AMOUNT) * whole:
        problems.add(
            group.label,
            found,
            "each of them once",
            'Say overlap = "once" in its entries if rows of an area are totals that hold what lies'
            ' inside (which is then taken off), or overlap = "add" if they come on top of it',
        )
        return
    less = int((inside > (1 + EQUAL_AMOUNT) * amount[rows]).sum())
    left = amount[rows] - inside
    amount[rows] = np.where(left > TINY * amount[rows], left, 0.0)
    why = message("the two agree") if group.choice is None else message('as overlap = "once" says')
    once = message(
        "{group}: {found}. They are counted once, where they are told more closely: {why}.",
        group=group.label,
        found=found,
        why=why,
    )
    short = message(
        "{once} In {rows} the area has less than what lies inside: nothing of it is left.",
        once=once,
        rows=counted_message("{count} row", "{count} rows", less),
    )
    warnings.append(short if less else once)


def _longer(records: Effort | Seizures, rows: Ints) -> list[Ints]:
    """Return the rows that hold the whole time of a row at most half as long; those of
    one length together, the short ones first.
    """
    span = (records.end[rows] - records.start[rows]).astype(np.int64)
    if not rows.size or span.max() < 2 * span.min():
        return []
    start, end = records.start[rows], records.end[rows]
    holds = [
        at
        for at in np.flatnonzero(span >= 2 * span.min()).tolist()
        if ((start >= start[at]) & (end <= end[at]) & (2 * span <= span[at])).any()
    ]
    lengths = sorted({int(span[at]) for at in holds})
    return [rows[[at for at in holds if span[at] == length]] for length in lengths]


def _shorter_inside(records: Effort | Seizures, amount: Floats, rows: Ints, longer: Ints) -> Floats:
    """Return what the rows that lie inside the times of longer ones, and are at most
    half as long, amount to, (longer,).
    """
    start, end = records.start[rows], records.end[rows]
    inside = [
        (start >= records.start[at])
        & (end <= records.end[at])
        & (2 * (end - start) <= records.end[at] - records.start[at])
        for at in longer.tolist()
    ]
    return np.array([amount[rows[mask]].sum() for mask in inside])


def _said(records: Effort | Seizures, group: _Rows, area: int, rows: Ints, amount: Floats) -> str:
    return message(
        "{amount:,.6g} {unit} in {area} ({rows})",
        amount=amount[rows].sum(),
        unit=group.unit,
        area=records.area_name[area],
        rows=counted_message("{count} row", "{count} rows", rows.size),
    )


def _inside(
    records: Effort | Seizures,
    amount: Floats,
    group: Ints,
    area: int,
    rows: Ints,
    size: dict[int, float],
    length: Floats,
    *,
    points: bool,
) -> _Inside:
    """Return what the group's other rows have inside an area at the times of its rows;
    of areas that are smaller, by their share of roads.
    """
    member = np.zeros(length.size, dtype=bool)
    member[records.area_segment[area]] = True
    share = np.zeros(group.size)
    at_point = records.segment[group] >= 0
    if points:
        share[at_point] = member[records.segment[group][at_point]]
    smaller = []
    for other, extent in size.items():
        if (extent, other) >= (size[area], area):
            continue
        roads = records.area_segment[other]
        part = float(length[roads[member[roads]]].sum()) / extent
        if part > (SLIVER if points else WHOLLY):
            smaller.append(other)
            share[records.area[group] == other] = 1.0 if part >= WHOLLY else part
    used = group[share > 0]
    if not used.size:
        return _Inside(np.zeros(rows.size), 0, ())
    total = _by_time(
        records.start[used],
        records.end[used],
        share[share > 0] * amount[used],
        records.start[rows],
        records.end[rows],
    )
    return _Inside(total, int((at_point & (share > 0)).sum()), tuple(smaller))


def _by_time(
    start: NDArray[np.datetime64],
    end: NDArray[np.datetime64],
    amount: Floats,
    first: NDArray[np.datetime64],
    after: NDArray[np.datetime64],
) -> Floats:
    """Return how much of amounts that are even over their days falls into each of the spans."""
    origin = min(start.min(), first.min())
    days = int((max(end.max(), after.max()) - origin) / np.timedelta64(1, "D")) + 1
    begin, stop, low, high = ((one - origin).astype(np.int64) for one in (start, end, first, after))
    daily = amount / np.maximum(stop - begin, 1)
    change = np.zeros(days + 1)
    np.add.at(change, begin, daily)
    np.add.at(change, stop, -daily)
    so_far = np.concatenate(([0.0], np.cumsum(np.cumsum(change))))
    return np.asarray(so_far[high] - so_far[low])


def _found(records: Effort | Seizures, inside: _Inside, whole: str) -> str:
    rows = counted_message("{count} row at points", "{count} rows at points", inside.points)
    others: list[str] = [rows] if inside.points else []
    others += [records.area_name[other] for other in inside.areas]
    by = shortened(others, 1) if others else message("nothing")
    return message(
        "{whole}, and {inside:,.6g} inside it then: {by}",
        whole=whole,
        inside=inside.amount.sum(),
        by=by,
    )


# Entries of a scenario whose rows another entry has too: a file named twice, or one
# export under two names.
#
# Rows of one source that are the same in two entries count once. Of two sources they
# may be what each of them did, or a copy: they are counted, and it is said.

Records = TypeVar("Records", "Effort", "Seizures")

FEWEST = 2
"""Rows from which on an entry of another source is called a copy; one alone is the same
by chance.
"""


def drop_copied_entries(
    records: Records, kinds: Sequence[str], sources: Sequence[EffortSource | SeizureSource]
) -> Records:
    """Return records without the rows of an entry all of whose rows an earlier entry of
    its source has, with a warning.

    Parameters
    ----------
    records
        Rows of all entries; those of two must agree in time, place and all columns of
        their own.
    kinds
        (entries,) what two entries must have alike to be compared, such as the unit.
    sources
        The entries.
    """
    if len(sources) < 2:
        return records
    values = [getattr(records, name) for name in ("start", "end", "segment", "area", *records.OWN)]
    # NaN equals nothing, itself included; amounts are never negative, so -1 stands for
    # "not known" in the sets below.
    known = [np.nan_to_num(one, nan=-1.0) if one.dtype.kind == "f" else one for one in values]
    rows: list[Row] = list(zip(*(one.tolist() for one in known), strict=True))
    of_entry = [np.flatnonzero(records.source == number) for number in range(len(sources))]
    held = [{rows[at] for at in mine.tolist()} for mine in of_entry]
    kept, warnings = np.ones(len(rows), dtype=bool), list(records.warnings)
    for number, entry in enumerate(sources):
        for first in range(number):
            # All rows must be in the earlier entry: two that merely overlap may both
            # report a busy day.
            if kinds[first] != kinds[number] or not held[number] or not held[number] <= held[first]:
                continue
            count = counted_message("{count} row", "{count} rows", of_entry[number].size)
            if sources[first].source.casefold() == entry.source.casefold():
                if entry.overlap == "add":
                    continue
                kept[of_entry[number]] = False
                warnings.append(
                    message(
                        "{file}: {rows} of {source} are all in an earlier entry of this source"
                        " ({earlier}). They are counted once; remove one of the entries, or state"
                        ' overlap = "add" in the later one if both happened.',
                        file=str(entry.file),
                        rows=count,
                        source=entry.source,
                        earlier=str(sources[first].file),
                    )
                )
            elif of_entry[number].size >= FEWEST:
                warnings.append(
                    message(
                        "{file}: {rows} of {source} are all in {earlier} of {other} too, with the"
                        " same times, places and amounts. Both are counted; if one is a copy of the"
                        " other, remove its entry.",
                        file=str(entry.file),
                        rows=count,
                        source=entry.source,
                        earlier=str(sources[first].file),
                        other=sources[first].source,
                    )
                )
            break
    return replace(records.take(kept), warnings=tuple(warnings))
