"""How good a record is: months without rows, heaping of numbers and times, effort
without finds and finds without effort, outliers.

Each fault that is found is a sentence that ends in what it does to the plan.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom, poisson

from optimizer.base.text.messages import message, shortened
from optimizer.records.model import Effort, LocatedRecords, Seizures

LEAST_ROWS = 20
"""Rows below which heaping and outliers are not looked for."""
UNLIKELY = 1e-4
"""Chance below which a share or a count is not put down to chance: a record has some
dozens of them.
"""
ROUND = 5
DAY_ROWS = 0.8
"""Share of rows of one day from which a record is one of days."""


def record_faults(records: Seizures, effort: Effort | None) -> Iterator[str]:
    """Yield what is doubtful in a record, and what it does to the plan.

    Parameters
    ----------
    records
        Seizures.
    effort
        Search effort; None where the scenario has none.
    """
    for rows, what in (
        (records, message("seizures")),
        *(((effort, message("effort")),) if effort is not None else ()),
    ):
        yield from _silent_months(rows, what)
    yield from _heaped_amounts(records, effort)
    yield from _heaped_days(records)
    if effort is not None:
        yield from _one_sided(records, effort)
    yield from _outliers(records)


def _months(rows: LocatedRecords) -> NDArray[np.int64]:
    return rows.start.astype("datetime64[M]").astype(np.int64)


def _silent_months(rows: LocatedRecords, what: str) -> Iterator[str]:
    """Yield the sources that have months without a row between their first and their
    last, by the (unit and) source.
    """
    for k, name in enumerate(rows.source_name):
        mine = rows.source == k
        if not mine.any():
            continue
        first, last = (
            _months(rows)[mine],
            (rows.end[mine] - np.timedelta64(1, "D")).astype("datetime64[M]").astype(np.int64),
        )
        covered = np.zeros(int(last.max() - first.min()) + 1, dtype=bool)
        for a, b in np.unique(np.column_stack((first, last)), axis=0).tolist():
            covered[a - first.min() : b - first.min() + 1] = True
        missing = [
            str(np.datetime64(int(first.min()) + int(m), "M")) for m in np.flatnonzero(~covered)
        ]
        if missing and mine.sum() >= LEAST_ROWS:
            yield message(
                "{source}: no {what} in {missing} of {months} months ({names}). If nothing was"
                " reported, roads look safer, or less searched, than they were then.",
                source=name,
                what=what,
                missing=len(missing),
                months=covered.size,
                names=shortened(missing, 4),
            )


def _heaped_amounts(records: Seizures, effort: Effort | None) -> Iterator[str]:
    """Yield amounts that end in 0 or 5 more often than chance has it."""
    amounts = [
        (message("quantities of seizures"), records.quantity_kg[np.isfinite(records.quantity_kg)])
    ]
    if effort is not None:
        amounts += [
            (message("amounts of effort in {unit}", unit=unit), effort.amount[mine])
            for unit, mine in _by_unit(effort).items()
        ]
    for what, values in amounts:
        whole = values[(values >= 10) & (values == np.round(values))]
        heaped = int((whole % ROUND == 0).sum())
        if (
            whole.size >= LEAST_ROWS
            and binom.sf(heaped - 1, whole.size, 1 / ROUND) < UNLIKELY
            and heaped > 0.5 * whole.size
        ):
            yield message(
                "{share:.0%} of the {what} are multiples of {step}: they are rounded or guessed."
                " The plan treats them as measured, so its intervals are too narrow.",
                share=heaped / whole.size,
                what=what,
                step=ROUND,
            )


def _by_unit(effort: Effort) -> dict[str, NDArray[np.bool_]]:
    """Return the rows of effort of each unit, whose amounts alone can be added."""
    units = np.array(effort.unit)[effort.source]
    return {unit: units == unit for unit in dict.fromkeys(effort.unit)}


def _heaped_days(records: Seizures) -> Iterator[str]:
    """Yield a day of the month on which too many rows stand."""
    single = (records.end - records.start).astype(int) == 1
    if single.sum() < max(LEAST_ROWS, DAY_ROWS * len(records)):
        return
    days = (records.start[single] - records.start[single].astype("datetime64[M]")).astype(int) + 1
    counts = np.bincount(days, minlength=32)
    day = int(counts.argmax())
    if (
        binom.sf(counts[day] - 1, days.size, 12 / 365.25) < UNLIKELY / 31
        and counts[day] > 0.1 * days.size
    ):
        yield message(
            "{share:.0%} of the seizures stand on day {day} of a month: the day of the report and"
            " not of the find. Seasons and weeks of the plan rest on it.",
            share=counts[day] / days.size,
            day=day,
        )


def _one_sided(records: Seizures, effort: Effort) -> Iterator[str]:
    """Yield finds where nobody searched, and much effort that found nothing."""
    covered = set(effort.segment[effort.segment >= 0].tolist())
    for a in set(effort.area[effort.area >= 0].tolist()):
        covered |= set(effort.area_segment[a].tolist())
    placed = records.segment >= 0
    lost = placed & ~np.isin(records.segment, np.array(sorted(covered), dtype=np.int64))
    if records.count[lost].sum() and covered:
        yield message(
            "{finds:n} of {every:n} finds lie on roads without any recorded effort. There the risk"
            " rests on other roads, and effort that is missing makes them look riskier.",
            finds=float(records.count[lost].sum()),
            every=float(records.count.sum()),
        )
    for unit, mine in _by_unit(effort).items():
        on = mine & (effort.segment >= 0)
        if on.sum() < LEAST_ROWS:
            continue
        total = np.bincount(effort.segment[on], effort.amount[on])
        own = placed & _made_by(records, unit, len(set(effort.unit)))
        found = np.bincount(records.segment[own], records.count[own], total.size)[: total.size]
        rate = found.sum() / max(total.sum(), 1e-12)
        silent = np.flatnonzero((found == 0) & (np.exp(-rate * total) < UNLIKELY))
        if rate > 0 and silent.size:
            yield message(
                "{roads} searched roads have {amount:n} {unit} of effort and no find, where"
                " {expected:n} would be usual. If finds are not recorded there, the plan leaves"
                " these roads open.",
                roads=int(silent.size),
                amount=float(total[silent].sum()),
                unit=unit,
                expected=float(rate * total[silent].sum()),
            )


def _made_by(records: Seizures, unit: str, units: int) -> NDArray[np.bool_]:
    """Return the seizures that effort of a unit may have made: those of sources that
    name it, and of those that name none among one unit.
    """
    named = [own == unit or (own is None and units == 1) for own in records.effort_unit]
    return np.array(named, dtype=bool)[records.source]


def _outliers(records: Seizures) -> Iterator[str]:
    """Yield months of a source with far more finds than its others."""
    for k, name in enumerate(records.source_name):
        mine = records.source == k
        if mine.sum() < LEAST_ROWS:
            continue
        months = _months(records)[mine]
        counts = np.bincount(months - months.min(), records.count[mine])
        usual = float(np.median(counts))
        spread = max(
            float(np.var(counts[counts <= np.quantile(counts, 0.9)])) / max(usual, 1.0), 1.0
        )
        limit = float(poisson.isf(UNLIKELY, usual / spread)) * spread
        out = np.flatnonzero(counts > max(limit, 3 * usual))
        if out.size and usual > 0:
            worst = int(out[counts[out].argmax()])
            yield message(
                "{source}: {finds:n} finds in {month}, where {usual:n} are usual. Check that month:"
                " a batch of old reports moves risk to where it was filed.",
                source=name,
                finds=float(counts[worst]),
                month=str(np.datetime64(int(months.min()) + worst, "M")),
                usual=usual,
            )
