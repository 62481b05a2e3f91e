"""Rows of sparse tables stacked and chosen, and where names stand in others.

SciPy's own operations check and convert so much that on tables of some hundred rows they took ten times as long; a tree makes thousands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from numpy.typing import NDArray


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
