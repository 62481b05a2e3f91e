"""Rows of a linear program, to which a tree adds some thousand times and which it takes from as often, most of them of nodes that wait.

Behind the rows is room for more, and rows that were dropped stay, as those of no node, until they are half of all: a table made anew at each
change took a fifth of the time on grid-20-plain-15, where 42,000 rows were there and 600 active.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array, hstack, vstack

if TYPE_CHECKING:
    from numpy.typing import NDArray

GROWTH = 1.5
"""Room that is made, in multiples of what is needed."""

DROPPED = -1
"""Node of the rows that were dropped."""


@dataclass(frozen=True)
class Entries:
    """Entries of some rows of a table, row by row.

    Attributes
    ----------
    row, length
        (rows,) position of each row in the table, rising, and its number of entries.
    column, value
        (entries,) each.
    """

    row: NDArray[np.integer]
    length: NDArray[np.int64]
    column: NDArray[np.int32]
    value: NDArray[np.float64]

    def times(self, factor: NDArray[np.float64]) -> Entries:
        """Return them with each times the factor of its row, out of those of all rows of the table."""
        return replace(self, value=self.value * np.repeat(factor[self.row], self.length))

    def of_first(self, rows: int) -> Entries:
        """Return those of the first rows of the table."""
        held = int(np.searchsorted(self.row, rows))
        last = int(self.length[:held].sum())
        return Entries(self.row[:held], self.length[:held], self.column[:last], self.value[:last])

    def sums(self, columns: int) -> NDArray[np.float64]:
        """Return the (columns,) sums."""
        return np.bincount(self.column, self.value, columns).astype(np.float64)


class GrowingRows:
    """The rows, active or not, in the order in which they were added.

    Parameters
    ----------
    columns
        Columns of the table, >= 1.

    Attributes
    ----------
    size
        How many rows there are, with those that were dropped and are still here.
    columns
        Columns of the table.
    """

    def __init__(self, columns: int) -> None:
        self.size, self.columns = 0, columns
        self._entries = 0
        self._number = np.empty((5, 0), dtype=np.int64)
        self._side, self._active = np.empty(0), np.empty(0, dtype=bool)
        self._column, self._value = np.empty(0, dtype=np.int32), np.empty(0)

    @property
    def name(self) -> NDArray[np.int64]:
        """(rows,) names, rising."""
        return self._number[0, : self.size]

    @property
    def node(self) -> NDArray[np.int64]:
        """(rows,) node of the search to which each belongs; `DROPPED` for those that were dropped."""
        return self._number[1, : self.size]

    @property
    def there(self) -> NDArray[np.bool_]:
        """(rows,) whether each is still there."""
        return np.not_equal(self.node, DROPPED)

    @property
    def slack_for(self) -> NDArray[np.int64]:
        """(rows,) solves in which each was active since it last had a dual."""
        return self._number[2, : self.size]

    @property
    def side(self) -> NDArray[np.float64]:
        """(rows,) left-hand sides."""
        return self._side[: self.size]

    @property
    def active(self) -> NDArray[np.bool_]:
        """(rows,) whether each is in the program that is solved next."""
        return self._active[: self.size]

    def entries(self, rows: NDArray[np.integer]) -> Entries:
        """Return the entries of some rows, by position."""
        first, length = self._number[3, rows], self._number[4, rows]
        place = np.repeat(first - np.cumsum(length) + length, length) + np.arange(length.sum())
        return Entries(rows, length, self._column[place], self._value[place])

    def table(self, rows: NDArray[np.integer]) -> csr_array:
        """Return some rows as a table."""
        entries = self.entries(rows)
        start = np.concatenate(([0], np.cumsum(entries.length)))
        return csr_array((entries.value, entries.column, start), shape=(rows.size, self.columns))

    def add(
        self, rows: csr_array, side: NDArray[np.float64], name: NDArray[np.int64], node: int | NDArray[np.int64]
    ) -> None:
        """Add active rows: their (new, at most `columns`) entries, and (new,) sides, names and nodes."""
        size, entries = self.size + side.size, self._entries + rows.indices.size
        self._number, self._side, self._active = (
            _with_room(each, size) for each in (self._number, self._side, self._active)
        )
        self._column, self._value = _with_room(self._column, entries), _with_room(self._value, entries)
        new, own = slice(self.size, size), slice(self._entries, entries)
        self._number[0, new], self._number[1, new], self._number[2, new] = name, node, 0
        self._number[3, new], self._number[4, new] = self._entries + rows.indptr[:-1], np.diff(rows.indptr)
        self._side[new], self._active[new] = side, True
        self._column[own], self._value[own] = rows.indices, rows.data
        self.size, self._entries = size, entries

    def widen(self, entries: csr_array) -> None:
        """Add columns: their (first, new) entries in the first rows, which are never dropped, or in all."""
        every = np.arange(self.size)
        below = csr_array((self.size - entries.shape[0], entries.shape[1]))
        table = csr_array(hstack((self.table(every), vstack((entries, below)))))
        self.columns = table.shape[1]
        self._become(every, table)

    def drop(self, rows: NDArray[np.bool_]) -> None:
        """Drop the (rows,) masked ones: they are of no node, and not active."""
        if not rows.any():
            return
        self.node[rows], self.active[rows] = DROPPED, False
        there = np.flatnonzero(self.there)
        if 2 * there.size < self.size:
            self._become(there, self.table(there))

    def _become(self, rows: NDArray[np.int64], table: csr_array) -> None:
        """Keep some of the rows alone, with the entries of a table of as many."""
        other = GrowingRows(self.columns)
        other.add(table, self.side[rows], self.name[rows], self.node[rows])
        other.slack_for[:], other.active[:] = self.slack_for[rows], self.active[rows]
        self.__dict__.update(other.__dict__)


def _with_room(array: NDArray, size: int) -> NDArray:  # type: ignore[type-arg]  # of any kind
    """Return an array, or a larger copy of it, with room for so many in its last dimension."""
    room = array.shape[-1]
    if size <= room:
        return array
    larger = np.empty((*array.shape[:-1], int(GROWTH * size)), dtype=array.dtype)
    larger[..., :room] = array
    return larger


# Rows of sparse tables stacked and chosen, and where names stand in others.
#
# SciPy's own operations check and convert so much that on tables of some hundred rows they took ten times as long; a tree makes thousands.


def entries_of(table: csr_array, rows: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return where the entries of some rows lie, row by row."""
    length = np.diff(table.indptr)[rows]
    return np.repeat(table.indptr[rows] - np.cumsum(length) + length, length) + np.arange(length.sum())


def taken(table: csr_array, rows: NDArray[np.integer] | NDArray[np.bool_]) -> csr_array:
    """Return some rows of a table, as a mask or by position."""
    chosen: NDArray[np.integer] = np.flatnonzero(rows) if rows.dtype == np.bool_ else np.asarray(rows, dtype=np.int64)
    entries = entries_of(table, chosen)
    start = np.concatenate(([0], np.cumsum(np.diff(table.indptr)[chosen])))
    return csr_array((table.data[entries], table.indices[entries], start), shape=(chosen.size, table.shape[1]))


def stacked(above: csr_array, below: csr_array) -> csr_array:
    """Return the rows of two tables, the second of which may be narrower."""
    return csr_array(
        (
            np.concatenate((above.data, below.data)),
            np.concatenate((above.indices, below.indices)),
            np.concatenate((above.indptr, above.indptr[-1] + below.indptr[1:])),
        ),
        shape=(above.shape[0] + below.shape[0], above.shape[1]),
    )


def places(some: NDArray[np.int64], names: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return where each of some names stands in names that rise, -1 where it does not."""
    place = np.searchsorted(names, some)
    place[place == names.size] = -1
    there = place >= 0
    there[there] = names[place[there]] == some[there]
    return np.where(there, place, -1)
