"""Seizures and search effort on the network, as columns of arrays, and how much each
segment was searched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from optimizer.base.errors import ProblemList
from optimizer.base.text.names import unknown_name

if TYPE_CHECKING:
    from optimizer.problem.network.network import Network
    from optimizer.records.record_parser import UnreadColumns, Unused


@dataclass(frozen=True)
class LocatedRecords:
    """Records with a place and a time, k in all."""

    OWN: ClassVar[Mapping[str, type]] = {}
    """Columns beside time and place, and their types: reading fills them, and rows that
    agree in all may be one row twice.
    """

    #: (k,) segment of the network, -1 where the row names an area.
    segment: NDArray[np.int64]
    #: (k,) position in `area_name`, -1 where the row has a segment.
    area: NDArray[np.int64]
    #: `start`, `end`: (k,) datetime64[D]: first day, and the day after the last.
    start: NDArray[np.datetime64]
    end: NDArray[np.datetime64]
    #: (k,) position in `source_name`.
    source: NDArray[np.int64]
    #: Label of each source.
    source_name: tuple[str, ...]
    #: Name of each area.
    area_name: tuple[str, ...]
    #: Sorted segments of each area.
    area_segment: tuple[NDArray[np.int64], ...]
    #: Every row of the files that is not among the k, with its reason.
    unused: tuple[Unused, ...]
    #: What the user should know about the rows that are.
    warnings: tuple[str, ...]
    #: What each source did not read of its file's columns; another source may read
    #: them.
    unread: tuple[UnreadColumns, ...] = field(default=(), kw_only=True)

    def __len__(self) -> int:
        """Return the number of rows k."""
        return self.segment.size

    def take(self, chosen: NDArray[np.bool_] | NDArray[np.integer]) -> Self:
        """Return the chosen rows (a mask (k,) or positions); what was not used in
        reading stays as it is.
        """
        columns = {
            item.name: getattr(self, item.name)[chosen]
            for item in fields(self)
            if isinstance(getattr(self, item.name), np.ndarray)
        }
        return replace(self, **columns)


@dataclass(frozen=True)
class Seizures(LocatedRecords):
    """Seizures: the fields of `LocatedRecords` and what was seized."""

    OWN: ClassVar[Mapping[str, type]] = {
        "count": np.float64,
        "quantity_kg": np.float64,
        "drug": np.str_,
    }

    #: (k,) seizures the row stands for, whole numbers >= 0.
    count: NDArray[np.float64]
    #: (k,) kilograms >= 0; NaN where unknown.
    quantity_kg: NDArray[np.float64]
    #: (k,) what was seized; empty where unknown.
    drug: NDArray[np.str_]
    #: For each source the unit of the effort that makes its seizures; None where not
    #: stated.
    effort_unit: tuple[str | None, ...]

    @classmethod
    def counted(cls, count: NDArray[np.float64], **known: Any) -> Self:  # noqa: ANN401 - fields by name
        """Return seizures of which time, place and number are known: every other column
        of `OWN` is empty, or NaN.
        """
        unknown = {
            name: np.full(count.size, "" if of is np.str_ else np.nan)
            for name, of in cls.OWN.items()
        }
        return cls(**{**unknown, "count": count, **known})


@dataclass(frozen=True)
class Effort(LocatedRecords):
    """Search effort: the fields of `LocatedRecords` and how much."""

    OWN: ClassVar[Mapping[str, type]] = {"amount": np.float64}

    #: (k,) effort >= 0, in the unit of the row's source.
    amount: NDArray[np.float64]
    #: Unit of each source.
    unit: tuple[str, ...]


# Search effort by unit and segment, and which effort made which seizures.

ROAD_UNIT = "km of road"
"""What stands in for effort where none is recorded."""


@dataclass(frozen=True)
class Exposure:
    """How much each segment was searched."""

    #: Units of effort; `ROAD_UNIT` alone where no effort is recorded.
    units: tuple[str, ...]
    #: (units, m) effort by unit and segment.
    amount: NDArray[np.float64]
    #: (units, m) over how many months it went, >= 1 where there is any: an effective
    #: number, (sum e)^2 / sum e^2 over the months' e.
    months: NDArray[np.float64]
    #: `first`, `after`: (units,) datetime64[D]: the first day of each unit's effort and
    #: the day after its last; NaT where it has none.
    first: NDArray[np.datetime64]
    after: NDArray[np.datetime64]

    @property
    def recorded(self) -> bool:
        """Whether effort was recorded at all."""
        return self.units != (ROAD_UNIT,)


def spread_effort(
    effort: Effort | None, network: Network, units: tuple[str, ...] | None = None
) -> Exposure:
    """Add up effort by segment; an area's effort is spread over its segments by length.

    Parameters
    ----------
    effort
        The record; None or empty means none is known, and each kilometre of road then
        counts as one unit.
    network
        The roads, m segments.
    units
        Units to tell apart, in this order; by default those of the record.

    Raises
    ------
    InputError
        If the record has a unit that is not among `units`.
    """
    length = network.length_m[network.segment_arc] / 1000
    if units == (ROAD_UNIT,) or effort is None or not len(effort):
        names = units or (ROAD_UNIT,)
        amount = length[None, :] if names == (ROAD_UNIT,) else np.zeros((len(names), length.size))
        never = np.full(len(names), "NaT", dtype="datetime64[D]")
        return Exposure(names, amount, (amount > 0).astype(np.float64), never, never)
    names = tuple(dict.fromkeys(effort.unit)) if units is None else units
    _complain_of_units(effort, names)
    unit = np.array([names.index(name) for name in effort.unit])[effort.source]
    amount = np.zeros((len(names), length.size))
    at = effort.segment >= 0
    np.add.at(amount, (unit[at], effort.segment[at]), effort.amount[at])
    in_area = np.zeros((len(names), len(effort.area_name)))
    np.add.at(in_area, (unit[~at], effort.area[~at]), effort.amount[~at])
    for area in np.flatnonzero(in_area.any(axis=0)).tolist():
        members = effort.area_segment[area]
        amount[:, members] += np.outer(in_area[:, area], length[members] / length[members].sum())
    return Exposure(
        names, amount, _months(effort, unit, amount, length), *_spans(effort, unit, len(names))
    )


def _months(
    effort: Effort,
    unit: NDArray[np.int64],
    amount: NDArray[np.float64],
    length: NDArray[np.float64],
) -> NDArray[np.float64]:
    """(units, m) effective number of months of effort; a row that spans several counts
    as one for each of them.
    """
    n_units, m = amount.shape
    month = effort.start.astype("datetime64[M]").astype(np.int64)
    spanned = np.maximum(
        (effort.end - np.timedelta64(1, "D")).astype("datetime64[M]").astype(np.int64) - month + 1,
        1,
    )
    place = np.where(effort.segment >= 0, effort.segment, m + effort.area)
    key, group = np.unique(np.column_stack((unit, place, month)), axis=0, return_inverse=True)
    squared = np.bincount(group.ravel(), effort.amount / np.sqrt(spanned), len(key)) ** 2
    at = np.zeros((n_units, m + len(effort.area_name)))
    np.add.at(at, (key[:, 0], key[:, 1]), squared)
    total = at[:, :m]
    for area in np.flatnonzero(at[:, m:].any(axis=0)).tolist():
        members = effort.area_segment[area]
        share = length[members] / length[members].sum()
        total[:, members] += np.outer(at[:, m + area], share**2)
    return np.where(amount > 0, np.maximum(amount**2 / np.where(total > 0, total, 1.0), 1.0), 0.0)


def _spans(
    effort: Effort, unit: NDArray[np.int64], n_units: int
) -> tuple[NDArray[np.datetime64], NDArray[np.datetime64]]:
    first = np.full(n_units, "NaT", dtype="datetime64[D]")
    after = first.copy()
    for number in range(n_units):
        chosen = (unit == number) & (effort.amount > 0)
        if chosen.any():
            first[number], after[number] = effort.start[chosen].min(), effort.end[chosen].max()
    return first, after


def _complain_of_units(effort: Effort, units: tuple[str, ...]) -> None:
    problems = ProblemList()
    for source, unit in zip(effort.source_name, effort.unit, strict=True):
        if unit not in units:
            problems.append(unknown_name(f"effort of {source}, unit", unit, units))
    problems.raise_if_any()


def unit_of_seizures(records: Seizures, exposure: Exposure) -> NDArray[np.int64]:
    """Return for each row of `records` the position of the unit of effort that made its
    seizures, (k,).

    Raises
    ------
    InputError
        If a source names a unit that has no effort, or names none where effort has
        several units.
    """
    problems = ProblemList()
    units = exposure.units
    numbers: list[int] = []
    for source, unit in zip(records.source_name, records.effort_unit, strict=True):
        if not exposure.recorded or (unit is None and len(units) == 1):
            numbers.append(0)
        elif unit in units:
            numbers.append(units.index(unit))
        else:
            found = "none" if unit is None else repr(unit)
            expected = "the unit of the effort that makes these seizures: " + " or ".join(
                map(repr, units)
            )
            problems.add(f"seizures of {source}, effort_unit", found, expected, "State effort_unit")
    problems.raise_if_any()
    return np.array(numbers, dtype=np.int64)[records.source]


def in_time(records: Seizures, exposure: Exposure, unit: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return whether each row of `records` falls in a time with effort of its unit,
    (k,); true where no time is known.
    """
    before = records.end <= exposure.first[unit]
    behind = records.start >= exposure.after[unit]
    return ~(before | behind)


def has_effort(
    records: Seizures, made_by: NDArray[np.int64], exposure: Exposure
) -> NDArray[np.bool_]:
    """Return whether each row of seizures has effort of its unit behind it, on its
    segment or somewhere in its area, (k,).
    """
    searched = exposure.amount > 0
    found = searched[made_by, np.maximum(records.segment, 0)]
    for row in np.flatnonzero(records.segment < 0).tolist():
        found[row] = searched[made_by[row], records.area_segment[records.area[row]]].any()
    return np.asarray(found)
