"""Files and data frames of seizures and of search effort: read, checked, put on the
network, and how many rows of each are used.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from optimizer.base.arguments import checked
from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.files.tables import TextTable
from optimizer.base.schema import validated
from optimizer.base.text.formatting import plural
from optimizer.base.text.language import marked
from optimizer.base.text.messages import Message, counted_message, message
from optimizer.problem.files.frames import frame_points
from optimizer.problem.network.network import Network
from optimizer.records.areas import Area, Gazetteer, locate
from optimizer.records.duplicates import drop_copied_entries, remove_double_effort, settle_seizures
from optimizer.records.model import Effort, LocatedRecords, Seizures
from optimizer.records.period import Period
from optimizer.records.record_parser import (
    DaySpans,
    RecordParser,
    UnreadColumns,
    Unused,
    amount,
    check_fields,
    open_records,
    open_table,
    quantities,
    refuse_mixed_effort,
    whole,
)
from optimizer.records.sources import EffortSource, SeizureSource

Columns: TypeAlias = dict[str, NDArray[Any]]

MOST_UNUSED = 0.1
"""Share of a file's rows that may be unused before there is a warning."""

CURES = {
    "no place": marked(
        "Name the columns of the place under columns, or leave such rows out with where"
    ),
    "no time": marked("Name the column of the time under columns, or state the period of all rows"),
    "no ": marked("Check the column, or leave such rows out with where"),
    "farther than": marked("Check that the positions are of this region, or raise max_distance_m"),
    "the area holds no segment": marked(
        "Check that the areas lie on the roads of this region, and their classes"
    ),
    "left out by where": marked("Correct where: no row has these values"),
    "outside the period": marked("Check the period and the times"),
    "below the least quantity": marked(
        "Check the unit of the quantities, or lower evaders.least_quantity"
    ),
}
"""Beginning of a reason -> what to do about it."""

OTHERWISE = marked("Check place, period and columns")


def read_seizures(
    sources: Sequence[SeizureSource],
    network: Network,
    areas: Sequence[Area] = (),
    *,
    folder: Path = Path(),
    period: Period | None = None,
    least_kg: float = 0.0,
) -> Seizures:
    """Read seizures and put them on the network.

    Parameters
    ----------
    sources
        The files.
    network
        The roads; points go to the nearest segment within the source's
        `max_distance_m`.
    areas
        Areas that rows may name.
    folder
        What the files' paths are relative to.
    period
        Rows that do not lie wholly inside are not used.
    least_kg
        Rows whose seizures hold fewer kilograms on the mean are not used; those without
        a quantity are.

    Raises
    ------
    InputError
        With every fault found in all files: a file, column, number, date or area that
        cannot be understood, exchanged coordinates, or a file of which no row can be
        used.
    """
    opened = [partial(open_records, each, folder) for each in sources]
    return _seizures(sources, opened, network, areas, period, least_kg)


def seizures_of_tables(
    sources: Sequence[SeizureSource],
    tables: Sequence[TextTable],
    network: Network,
    areas: Sequence[Area] = (),
    *,
    period: Period | None = None,
) -> Seizures:
    """Return the seizures of tables that are read already, one a source; else as
    `read_seizures`.
    """
    opened = [
        partial(_opened, source, table) for source, table in zip(sources, tables, strict=True)
    ]
    return _seizures(sources, opened, network, areas, period)


def _opened(source: SeizureSource | EffortSource, table: TextTable) -> RecordParser:
    check_fields(source.file, source, table)
    return open_table(source, source.file, table)


def _seizures(
    sources: Sequence[SeizureSource],
    opened: Sequence[Callable[[], RecordParser]],
    network: Network,
    areas: Sequence[Area],
    period: Period | None,
    least_kg: float = 0.0,
) -> Seizures:
    gazetteer = Gazetteer(network, tuple(areas))
    readers = [
        partial(_seizure_columns, source=source, period=period, least_kg=least_kg)
        for source in sources
    ]
    read = Seizures(
        **_read_files(sources, readers, gazetteer, opened, Seizures.OWN),
        effort_unit=tuple(source.effort_unit for source in sources),
    )
    kinds = [str(source.effort_unit) for source in sources]
    return settle_seizures(drop_copied_entries(read, kinds, sources), sources, network)


def read_effort(
    sources: Sequence[EffortSource],
    network: Network,
    areas: Sequence[Area] = (),
    *,
    folder: Path = Path(),
    period: Period | None = None,
) -> Effort:
    """Read search effort and put it on the network.

    Parameters are those of `read_seizures`, but a row that lies partly inside `period`
    counts by its share of days inside.

    Raises
    ------
    InputError
        As `read_seizures` does; a negative amount is a fault.
    """
    return _effort(
        sources, [partial(open_records, each, folder) for each in sources], network, areas, period
    )


def effort_of_tables(
    sources: Sequence[EffortSource],
    tables: Sequence[TextTable],
    network: Network,
    areas: Sequence[Area] = (),
    *,
    period: Period | None = None,
) -> Effort:
    """Return the effort of tables that are read already, one a source; else as `read_effort`."""
    opened = [
        partial(_opened, source, table) for source, table in zip(sources, tables, strict=True)
    ]
    return _effort(sources, opened, network, areas, period)


def _effort(
    sources: Sequence[EffortSource],
    opened: Sequence[Callable[[], RecordParser]],
    network: Network,
    areas: Sequence[Area],
    period: Period | None,
) -> Effort:
    gazetteer = Gazetteer(network, tuple(areas))
    readers = [partial(_effort_columns, source=source, period=period) for source in sources]
    read = Effort(
        **_read_files(sources, readers, gazetteer, opened, Effort.OWN),
        unit=tuple(source.unit for source in sources),
    )
    return remove_double_effort(
        drop_copied_entries(read, [source.unit for source in sources], sources), sources, network
    )


def _seizure_columns(
    rows: RecordParser, *, source: SeizureSource, period: Period | None, least_kg: float
) -> Columns:
    days = rows.days()
    if period is not None:
        share = _share_inside(days, period)
        for position in np.flatnonzero(rows.used & (share < 1)).tolist():
            reason = (
                marked("only partly inside the period")
                if share[position] > 0
                else marked("outside the period")
            )
            rows.leave_out(position, reason, days.text(position))
    size = rows.used.size
    count = (
        rows.numbers("count", whole, "a whole number of seizures >= 0")
        if rows.has("count")
        else np.ones(size)
    )
    drug = np.array(rows.table.text.get("drug", [""] * size), dtype=np.str_)
    quantity = quantities(rows, source)
    for position in np.flatnonzero(
        rows.used & (count > 0) & (quantity < least_kg * count)
    ).tolist():
        found = f"{quantity[position] / count[position]:.3g} kg"
        rows.leave_out(position, marked("below the least quantity"), found)
    return {
        "start": days.start,
        "end": days.end,
        "count": count,
        "quantity_kg": quantity,
        "drug": drug,
    }


def _effort_columns(rows: RecordParser, *, source: EffortSource, period: Period | None) -> Columns:
    days = rows.days()
    size = rows.used.size
    refuse_mixed_effort(rows, source)
    if source.amount_per_row is None:
        value = rows.numbers("amount", amount, f"an amount >= 0 of {source.unit}")
    else:
        value = np.full(size, source.amount_per_row)
    if period is not None:
        share = _share_inside(days, period)
        for position in np.flatnonzero(rows.used & (share <= 0)).tolist():
            rows.leave_out(position, marked("outside the period"), days.text(position))
        partly = rows.used & (share < 1)
        if partly.any():
            rows.warnings.append(
                message(
                    "{file}: {count} rows lie partly inside {period}; they count by their share of"
                    " days inside.",
                    file=rows.label,
                    count=partly.sum(),
                    period=str(period),
                )
            )
        value = value * share
    return {"start": days.start, "end": days.end, "amount": value}


def _share_inside(days: DaySpans, period: Period) -> NDArray[np.float64]:
    """(k,) share of each row's days that lies inside the period; NaN where the row has no time."""
    first, after = np.datetime64(period.start), np.datetime64(period.end)
    inside = (np.minimum(days.end, after) - np.maximum(days.start, first)) / np.timedelta64(1, "D")
    return np.asarray(np.maximum(inside, 0) / ((days.end - days.start) / np.timedelta64(1, "D")))


def _read_files(
    sources: Sequence[SeizureSource | EffortSource],
    readers: Sequence[Callable[[RecordParser], Columns]],
    gazetteer: Gazetteer,
    opened: Sequence[Callable[[], RecordParser]],
    own: Mapping[str, type],
) -> dict[str, Any]:
    """Return the fields of `LocatedRecords` and `own` ones, from all files together;
    raise with the faults of all.
    """
    problems = ProblemList()
    days = np.empty(0, dtype="datetime64[D]")
    numbers = np.empty(0, dtype=np.int64)
    blank: Columns = {name: np.empty(0, dtype=kind) for name, kind in own.items()}
    parts = [
        blank | {"start": days, "end": days, "segment": numbers, "area": numbers, "source": numbers}
    ]
    unused: list[Unused] = []
    warnings: list[str] = []
    unread: list[UnreadColumns] = []
    for index, (source, open_rows, reader) in enumerate(zip(sources, opened, readers, strict=True)):
        try:
            rows = open_rows()
            columns = _used_columns(rows, reader, gazetteer)
        except InputError as error:
            problems.extend(error)
            continue
        parts.append(columns | {"source": np.full(rows.used.sum(), index)})
        unused += sorted(rows.unused, key=lambda item: item.row)
        warnings += rows.warnings
        unread.append(UnreadColumns(source.file.as_posix(), rows.table.unread))
    problems.raise_if_any()
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]} | {
        "source_name": tuple(source.source for source in sources),
        "area_name": tuple(area.name for area in gazetteer.areas),
        "area_segment": gazetteer.members,
        "unused": tuple(unused),
        "warnings": tuple(warnings),
        "unread": tuple(unread),
    }


def _used_columns(
    rows: RecordParser, reader: Callable[[RecordParser], Columns], gazetteer: Gazetteer
) -> Columns:
    """Return what one file says, column by column, of the rows that can be used; raise
    with its faults.
    """
    columns = reader(rows)
    places = locate(rows, gazetteer)
    rows.problems.raise_if_any()
    if not rows.used.any():
        reasons = _lost(rows) or Counter(item.reason for item in rows.unused)
        (reason, count), *_ = reasons.most_common(1)
        found = f"no row that can be used: {count} of {rows.used.size} {reason}"
        raise InputError(Problem(str(rows.path), found, "at least one", _cure(rows, reason)))
    _warn_of_unused(rows)
    _warn_of_dates(rows, columns)
    _warn_of_quantities(rows, columns)
    columns |= {"segment": places.segment, "area": places.area}
    _warn_of_effort(rows, columns)
    return {name: values[rows.used] for name, values in columns.items()}


EARLIEST = np.datetime64("1950-01-01")
"""First day of records that nobody doubts."""

MOST_KG = 50_000.0
"""Kilograms of one seizure that nobody doubts: few that were ever reported are larger."""


def _warn_of_dates(rows: RecordParser, columns: Columns) -> None:
    """Warn of used rows that begin after today, and of those that end before
    `EARLIEST`, with the first of each.
    """
    start, end = columns["start"], columns["end"]
    today = np.datetime64(_today())
    for wrong, text in (
        (
            start > today,
            marked(
                "{file}, {unit} {line}: {day} is in the future; rows so dated: {count}. Correct"
                " them."
            ),
        ),
        (
            end <= EARLIEST,
            marked(
                "{file}, {unit} {line}: {day} is long past; rows dated before 1950: {count}."
                " Correct them."
            ),
        ),
    ):
        _warn_of_rows(rows, wrong & rows.used, text, lambda k: {"day": str(start[k])})


def _warn_of_quantities(rows: RecordParser, columns: Columns) -> None:
    """Warn of used rows whose mean quantity of a seizure is above `MOST_KG`."""
    if "quantity_kg" not in columns:
        return
    each = columns["quantity_kg"] / np.maximum(columns["count"], 1)
    text = marked(
        "{file}, {unit} {line}: {tons:n} t in one seizure; rows with more than 50 t: {count}. Check"
        " the unit."
    )
    _warn_of_rows(
        rows, rows.used & (each > MOST_KG), text, lambda k: {"tons": float(each[k] / 1000)}
    )


MOST_AT_ONCE = {"segment": 100.0, "area": 3000.0}
"""Units on duty day and night, on one road and in one area, that nobody doubts: few
agencies have more in a whole sector. Assumed.
"""


def _warn_of_effort(rows: RecordParser, columns: Columns) -> None:
    """Warn of effort that is zero throughout, and of hours that must be of another unit."""
    source = rows.source
    if not isinstance(source, EffortSource):
        return
    amounts, used = columns["amount"], rows.used
    if not amounts[used].any():
        rows.warnings.append(
            message(
                "{file}: the effort of {rows} is 0, so that nobody searched anywhere. Check the"
                " column of amounts, or take the file off the scenario.",
                file=rows.label,
                rows=counted_message("{count} row", "{count} rows", int(used.sum())),
            )
        )
    if source.unit.casefold() not in {"hours", "hour", "h"}:
        return
    hours = (columns["end"] - columns["start"]) / np.timedelta64(1, "h")
    most = np.where(columns["area"] >= 0, MOST_AT_ONCE["area"], MOST_AT_ONCE["segment"])
    with np.errstate(invalid="ignore", divide="ignore"):
        at_once = amounts / hours
        many = used & (at_once > most)
    if many.sum() * 2 > used.sum():
        text = marked(
            "{file}, {unit} {line}: {amount:,.6g} hours in {days:g} days are {teams:,.0f} units on"
            " duty day and night; rows with so many: {count}. If these are seconds or minutes,"
            " divide by 3,600 or 60, or state their unit."
        )
        _warn_of_rows(
            rows,
            many,
            text,
            lambda k: {
                "amount": float(amounts[k]),
                "days": float(hours[k] / 24),
                "teams": float(at_once[k]),
            },
        )


def _warn_of_rows(
    rows: RecordParser, wrong: NDArray[np.bool_], text: str, said: Callable[[int], dict[str, Any]]
) -> None:
    """Add a warning that names the file, the first row that is wrong, and their number."""
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        place = {"file": rows.label, "unit": rows.table.unit, "line": rows.table.number[first]}
        rows.warnings.append(message(text, **place, count=int(wrong.sum()), **said(first)))


def _today() -> date:
    return datetime.now(UTC).date()


def _lost(rows: RecordParser) -> Counter[str]:
    """Return how many rows are not used although the scenario wants them, by reason."""
    return Counter(item.reason for item in rows.unused if not item.reason.startswith(ASKED_FOR))


def _warn_of_unused(rows: RecordParser) -> None:
    """Warn where more than a tenth of a file's rows are not used although the scenario
    wants them, with the commonest reason and its cure.
    """
    lost = _lost(rows)
    total = int(rows.used.sum()) + lost.total()
    if lost.total() > MOST_UNUSED * total:
        reason, count = lost.most_common(1)[0]
        often = message(
            "{file}: {lost} of {total} rows are not used, most often ({count}) for this reason:"
            " {reason}. {cure}.",
            file=rows.label,
            lost=lost.total(),
            total=total,
            count=count,
            reason=message(reason) if not isinstance(reason, Message) else reason,
            cure=_cure(rows, reason),
        )
        always = message(
            "{file}: {lost} of {total} rows are not used: {reason}. {cure}.",
            file=rows.label,
            lost=lost.total(),
            total=total,
            reason=message(reason) if not isinstance(reason, Message) else reason,
            cure=_cure(rows, reason),
        )
        rows.warnings.append(often if count < lost.total() else always)


def _cure(rows: RecordParser, reason: str) -> str:
    """Return what to do about rows that were left out for a reason."""
    if reason == "no place" and rows.table.unread:
        names = ", ".join(map(repr, rows.table.unread[:12]))
        return message(
            "Columns that are not read: {columns}; name those of the place under columns",
            columns=names,
        )
    return message(
        next((cure for start, cure in CURES.items() if reason.startswith(start)), OTHERWISE)
    )


ASKED_FOR = (
    "left out by where",
    "repeats an earlier row",
    "outside the period",
    "only partly inside the period",
    "below the least quantity",
)
"""Reasons for which the scenario itself leaves rows out."""


@dataclass(frozen=True, slots=True)
class RowUse:
    """Rows of one file."""

    #: As the scenario names it.
    file: str
    #: `used`, `lost`, `left_out`: Rows that count, rows that cannot be used, and rows
    #: that the scenario leaves out.
    used: int
    lost: int
    left_out: int

    def __str__(self) -> str:
        """Return the counts as a sentence without a full stop."""
        asked = (
            f"; {plural(self.left_out, 'row')} left out as the scenario asks"
            if self.left_out
            else ""
        )
        return f"{self.file}: {self.used:,} of {plural(self.used + self.lost, 'row')} used{asked}"


def row_uses(
    sources: Sequence[SeizureSource | EffortSource], records: LocatedRecords
) -> tuple[RowUse, ...]:
    """Return the use of each file that `sources` name, those of one file together;
    `records` were read from them.
    """
    used: Counter[str] = Counter()
    for position, source in enumerate(sources):
        used[source.file.as_posix()] += int((records.source == position).sum())
    asked = Counter(item.file for item in records.unused if item.reason.startswith(ASKED_FOR))
    every = Counter(item.file for item in records.unused)
    shared = Counter(source.file.as_posix() for source in sources)
    return tuple(
        RowUse(file, count, every[file] - asked[file], 0 if shared[file] > 1 else asked[file])
        for file, count in used.items()
    )


def unread_columns(*every: LocatedRecords | None) -> tuple[UnreadColumns, ...]:
    """Return the columns of each file that no source reads, in any of these records,
    for each file that has some.
    """
    common: dict[str, tuple[str, ...]] = {}
    for each in [each for records in every if records is not None for each in records.unread]:
        names = set(each.names)
        common[each.file] = tuple(
            name for name in common.get(each.file, each.names) if name in names
        )
    return tuple(UnreadColumns(file, names) for file, names in common.items() if names)


FILE = "frame"
"""What messages call the frame."""


@checked
def seizures_from_frame(
    frame: Any,  # noqa: ANN401 - pandas or geopandas
    network: Network,
    areas: Sequence[Area] = (),
    *,
    period: Period | None = None,
    **terms: Any,  # noqa: ANN401 - fields of SeizureSource
) -> Seizures:
    """Return the seizures of a frame, put on the network.

    Parameters
    ----------
    frame
        One row a seizure: `time`; `lon` and `lat`, a geometry of points, `segment`, or
        `area`; and if wanted `count`, `quantity`, `drug`.
    network, areas, period
        As in `read_seizures`.
    **terms
        Fields of `SeizureSource` but `file`, such as `source="CBP"`, `columns={"time":
        "date"}`, `effort_unit="hours"`.

    Raises
    ------
    InputError
        As `read_seizures` does, by row of the frame, from 1.
    """
    source = validated(
        SeizureSource, {"file": FILE, "source": FILE, **terms}, "seizures_from_frame"
    )
    return seizures_of_tables([source], [_table(frame, source)], network, areas, period=period)


@checked
def effort_from_frame(
    frame: Any,  # noqa: ANN401 - pandas or geopandas
    network: Network,
    areas: Sequence[Area] = (),
    *,
    period: Period | None = None,
    **terms: Any,  # noqa: ANN401 - fields of EffortSource
) -> Effort:
    """Return the search effort of a frame, put on the network.

    Parameters
    ----------
    frame
        One row a search or patrol: `time`, or `from` and `to`; a place as in
        `seizures_from_frame`; `amount`.
    network, areas, period
        As in `read_effort`.
    **terms
        Fields of `EffortSource` but `file`; `unit="hours"` where not given.

    Raises
    ------
    InputError
        As `read_effort` does, by row of the frame, from 1.
    """
    source = validated(
        EffortSource, {"file": FILE, "source": FILE, "unit": "hours", **terms}, "effort_from_frame"
    )
    return effort_of_tables([source], [_table(frame, source)], network, areas, period=period)


def _table(frame: Any, source: SeizureSource | EffortSource) -> TextTable:  # noqa: ANN401 - as above
    """Return a frame as the text that a file would hold, under the names of fields."""
    if not (hasattr(frame, "columns") and hasattr(frame, "index")):
        raise InputError(
            Problem(FILE, f"a {type(frame).__name__}", "a data frame of pandas or geopandas")
        )
    columns = source.columns
    text: dict[str, list[str]] = {}
    for field in type(columns).model_fields:
        stated = getattr(columns, field)
        name = stated or columns.usual_name(field)
        if name in frame.columns:
            text[field] = [_text(value) for value in frame[name].tolist()]
        elif stated is not None:
            found = f"no column {stated!r} among {', '.join(map(str, frame.columns))}"
            raise InputError(
                Problem(
                    f"{FILE}, columns", found, "the columns that are named", "Correct the mapping"
                )
            )
    text |= {
        f"column:{name}": [_text(value) for value in frame[name].tolist()] for name in source.where
    }
    if not {"lon", "lat"} <= set(text) and getattr(frame, "crs", None) is not None:
        points = frame_points(frame, FILE)
        if points is not None:
            text["lon"], text["lat"] = (
                [repr(float(value)) for value in points[:, axis]] for axis in (0, 1)
            )
    return TextTable("row", list(range(1, len(frame) + 1)), text)


def _text(value: Any) -> str:  # noqa: ANN401 - whatever a frame holds
    """Return a value as a file would have it: days without midnight, nothing for what
    is missing.
    """
    if value is None or type(value).__name__ == "NAType" or value != value:  # noqa: PLR0124 - NaN and NaT
        return ""
    if hasattr(value, "isoformat"):
        return str(value.isoformat())[:10]
    return str(value).strip()
