"""Seizures and search effort on the network, as columns of arrays."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.records.record_parser import UnreadColumns, Unused


@dataclass(frozen=True)
class LocatedRecords:
    """Records with a place and a time, k in all.

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
    unread
        What each source did not read of its file's columns; another source may read them.
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
    unread: tuple[UnreadColumns, ...] = field(default=(), kw_only=True)

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
class Seizures(LocatedRecords):
    """Seizures: the fields of `LocatedRecords` and what was seized.

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
class Effort(LocatedRecords):
    """Search effort: the fields of `LocatedRecords` and how much.

    Attributes
    ----------
    amount
        (k,) effort >= 0, in the unit of the row's source.
    unit
        Unit of each source.
    """

    amount: NDArray[np.float64]
    unit: tuple[str, ...]
