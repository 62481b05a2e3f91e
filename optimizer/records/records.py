"""Seizures and search effort: read, checked, and put on the network."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import numpy as np

from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.records.locate import Gazetteer, locate
from optimizer.records.record_parser import Rows, Unused, amount, open_rows, whole
from optimizer.records.sources import KILOGRAMS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from optimizer.problem.network import Network
    from optimizer.records.areas import Area
    from optimizer.records.period import Period
    from optimizer.records.sources import EffortSource, SeizureSource

    Days: TypeAlias = NDArray[np.datetime64]
    Columns: TypeAlias = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Located:
    """Rows with a place and a time, k in all.

    Attributes
    ----------
    segment
        (k,) segment of the network, -1 where the row names an area.
    area
        (k,) position in `area_name`, -1 where the row has a segment.
    start, end
        (k,) datetime64[D]: first day, and the day after the last.
    source
        (k,) position in `source_name`.
    source_name
        Label of each source.
    area_name
        Name of each area.
    area_segment
        Sorted segments of each area.
    unused
        Every row of the files that is not among the k, with its reason.
    warnings
        What the user should know about the rows that are.
    """

    segment: NDArray[np.int64]
    area: NDArray[np.int64]
    start: NDArray[np.datetime64]
    end: NDArray[np.datetime64]
    source: NDArray[np.int64]
    source_name: tuple[str, ...]
    area_name: tuple[str, ...]
    area_segment: tuple[NDArray[np.int64], ...]
    unused: tuple[Unused, ...]
    warnings: tuple[str, ...]

    def __len__(self) -> int:
        """Return the number of rows k."""
        return self.segment.size

    def take(self, chosen: NDArray[np.bool_] | NDArray[np.integer]) -> Self:
        """Return the chosen rows (a mask (k,) or positions); what was not used in reading stays as it is."""
        columns = {
            item.name: getattr(self, item.name)[chosen]
            for item in fields(self)
            if isinstance(getattr(self, item.name), np.ndarray)
        }
        return replace(self, **columns)


@dataclass(frozen=True)
class Records(Located):
    """Seizures; rows of `Located` and what was seized.

    Attributes
    ----------
    count
        (k,) seizures the row stands for, whole numbers >= 0.
    quantity_kg
        (k,) kilograms >= 0; NaN where unknown.
    drug
        (k,) what was seized; empty where unknown.
    effort_unit
        For each source the unit of the effort that makes its seizures; None where not stated.
    """

    count: NDArray[np.float64]
    quantity_kg: NDArray[np.float64]
    drug: NDArray[np.str_]
    effort_unit: tuple[str | None, ...]


@dataclass(frozen=True)
class Effort(Located):
    """Search effort; rows of `Located` and how much.

    Attributes
    ----------
    amount
        (k,) effort >= 0, in the unit of the row's source.
    unit
        Unit of each source.
    """

    amount: NDArray[np.float64]
    unit: tuple[str, ...]


def read_seizures(
    sources: Sequence[SeizureSource],
    network: Network,
    areas: Sequence[Area] = (),
    *,
    folder: Path = Path(),
    period: Period | None = None,
) -> Records:
    """Read seizures and put them on the network.

    Parameters
    ----------
    sources
        The files.
    network
        The roads; points go to the nearest segment within the source's `max_distance_m`.
    areas
        Areas that rows may name.
    folder
        What the files' paths are relative to.
    period
        Rows that do not lie wholly inside are not used.

    Raises
    ------
    InputError
        With every fault found in all files: a file, column, number, date or area that cannot be understood, exchanged coordinates, or
        a file of which no row can be used.
    """
    gazetteer = Gazetteer(network, tuple(areas))
    readers = [partial(_seizure_columns, source=source, period=period) for source in sources]
    blank = {"count": np.empty(0), "quantity_kg": np.empty(0), "drug": np.empty(0, dtype=np.str_)}
    return Records(
        **_read_files(sources, readers, gazetteer, folder, blank),
        effort_unit=tuple(source.effort_unit for source in sources),
    )


def read_effort(
    sources: Sequence[EffortSource],
    network: Network,
    areas: Sequence[Area] = (),
    *,
    folder: Path = Path(),
    period: Period | None = None,
) -> Effort:
    """Read search effort and put it on the network.

    Parameters are those of `read_seizures`, but a row that lies partly inside `period` counts by its share of days inside.

    Raises
    ------
    InputError
        As `read_seizures` does; a negative amount is a fault.
    """
    gazetteer = Gazetteer(network, tuple(areas))
    readers = [partial(_effort_columns, source=source, period=period) for source in sources]
    return Effort(
        **_read_files(sources, readers, gazetteer, folder, {"amount": np.empty(0)}),
        unit=tuple(source.unit for source in sources),
    )


def _seizure_columns(rows: Rows, *, source: SeizureSource, period: Period | None) -> Columns:
    start, end = rows.days()
    if period is not None:
        share = _share_inside(start, end, period)
        for position in np.flatnonzero(rows.used & (share < 1)).tolist():
            reason = "only partly inside the period" if share[position] > 0 else "outside the period"
            rows.leave_out(position, reason, _span_text(start[position], end[position]))
    size = rows.used.size
    count = rows.numbers("count", whole, "a whole number of seizures >= 0") if rows.has("count") else np.ones(size)
    quantity = np.full(size, np.nan)
    if rows.has("quantity"):
        quantity = rows.numbers("quantity", amount, f"an amount >= 0 in {source.quantity_unit}", empty=np.nan)
    drug = np.array(rows.table.text.get("drug", [""] * size), dtype=np.str_)
    return {
        "start": start,
        "end": end,
        "count": count,
        "quantity_kg": quantity * KILOGRAMS[source.quantity_unit],
        "drug": drug,
    }


def _effort_columns(rows: Rows, *, source: EffortSource, period: Period | None) -> Columns:
    start, end = rows.days()
    size = rows.used.size
    if source.amount_per_row is None:
        value = rows.numbers("amount", amount, f"an amount >= 0 of {source.unit}")
    else:
        value = np.full(size, source.amount_per_row)
    if period is not None:
        share = _share_inside(start, end, period)
        for position in np.flatnonzero(rows.used & (share <= 0)).tolist():
            rows.leave_out(position, "outside the period", _span_text(start[position], end[position]))
        partly = rows.used & (share < 1)
        if partly.any():
            rows.warnings.append(
                f"{rows.label}: {partly.sum()} rows lie partly inside {period}; they count by their share of days inside."
            )
        value = value * share
    return {"start": start, "end": end, "amount": value}


def _share_inside(start: Days, end: Days, period: Period) -> NDArray[np.float64]:
    """(k,) share of each row's days that lies inside the period; NaN where the row has no time."""
    first, after = np.datetime64(period.start), np.datetime64(period.end)
    inside = (np.minimum(end, after) - np.maximum(start, first)) / np.timedelta64(1, "D")
    return np.asarray(np.maximum(inside, 0) / ((end - start) / np.timedelta64(1, "D")))


def _span_text(start: np.datetime64, end: np.datetime64) -> str:
    last = end - np.timedelta64(1, "D")
    return str(start) if last == start else f"{start} to {last}"


def _read_files(
    sources: Sequence[SeizureSource | EffortSource],
    readers: Sequence[Callable[[Rows], Columns]],
    gazetteer: Gazetteer,
    folder: Path,
    blank: Columns,
) -> dict[str, Any]:
    """Return the fields of `Located` and those in `blank`, from all files together; raise with the faults of all."""
    problems = ProblemList()
    days = np.empty(0, dtype="datetime64[D]")
    numbers = np.empty(0, dtype=np.int64)
    parts: list[Columns] = [
        blank | {"start": days, "end": days, "segment": numbers, "area": numbers, "source": numbers}
    ]
    unused: list[Unused] = []
    warnings: list[str] = []
    for index, (source, reader) in enumerate(zip(sources, readers, strict=True)):
        try:
            rows, columns = _read_file(source, reader, gazetteer, folder)
        except InputError as error:
            problems.extend(error)
            continue
        parts.append(
            {name: values[rows.used] for name, values in columns.items()} | {"source": np.full(rows.used.sum(), index)}
        )
        unused += sorted(rows.unused, key=lambda item: item.row)
        warnings += rows.warnings
    problems.raise_if_any()
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]} | {
        "source_name": tuple(source.source for source in sources),
        "area_name": tuple(area.name for area in gazetteer.areas),
        "area_segment": gazetteer.members,
        "unused": tuple(unused),
        "warnings": tuple(warnings),
    }


def _read_file(
    source: SeizureSource | EffortSource, reader: Callable[[Rows], Columns], gazetteer: Gazetteer, folder: Path
) -> tuple[Rows, Columns]:
    rows = open_rows(source, folder)
    columns = reader(rows)
    segment, area = locate(rows, gazetteer)
    rows.raise_if_any()
    if not rows.used.any():
        (reason, count), *_ = Counter(item.reason for item in rows.unused).most_common(1)
        raise InputError(
            Problem(
                str(rows.path),
                f"no row that can be used: {count} of {rows.used.size} {reason}",
                "at least one",
                "Check place, period and columns",
            )
        )
    return rows, columns | {"segment": segment, "area": area}
