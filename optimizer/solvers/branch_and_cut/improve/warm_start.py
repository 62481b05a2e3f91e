"""What solves of a series over one overlay, under other budgets or with other options
forced or forbidden, pass on to each other.
"""

from __future__ import annotations

import zlib
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from optimizer.solvers.branch_and_cut.paths.commodities import Commodities
from optimizer.solvers.branch_and_cut.paths.path_pool import PathPool, PooledValues
from optimizer.solvers.overlay.overlay import Overlay


@dataclass
class WarmStart:
    """What a solve takes from those of its series before it, and leaves to those after
    it.
    """

    #: At first those of solves before, if there are any; then those of this one's root.
    #: They can be sent to another process.
    rows: ValueRows | None = None
    #: The paths found so far, of solves in this process; None where each solve finds
    #: its own.
    paths: SharedPaths | None = None
    #: Whether a solve ends as soon as its bounds have met to within the gap, without a
    #: local search around its plan.
    quick: bool = False


@dataclass(frozen=True)
class SharedPaths:
    """Commodities of an overlay, their paths found so far, and values over them."""

    commodities: Commodities
    pool: PathPool
    values: PooledValues

    @classmethod
    def of(cls, overlay: Overlay) -> SharedPaths:
        """Return the commodities of an overlay, without paths."""
        commodities = Commodities.of(overlay)
        pool = PathPool(overlay, commodities.searches)
        return cls(commodities, pool, PooledValues(commodities, pool))

    def fits(self, overlay: Overlay) -> bool:
        """Return whether they are those of an overlay."""
        return self.pool.overlay is overlay


# Rows on values that hold for every plan: what one solve leaves to another over the
# same overlay, under other budgets and demands.
#
# A row of `separation` with the overlay's own floors, the values with everything
# placed, bounds theta from below for every mask of the overlay's free options: neither
# its proof nor these floors use a budget, an exclusion, a requirement, or the value of
# a plan. So it holds as well where budgets differ, and where options that the overlay
# leaves free are forced or forbidden. Rows of nodes do not: their floors leave out
# options that no longer fit or that reduced costs have fixed; nor do budget cuts, or
# rows of branching.
#
# Rows are kept in 32 bits, coefficients rounded up and sides rounded down: with x,
# theta >= 0 that only weakens them.


@dataclass(frozen=True)
class ValueRows:
    """Rows of the linear program of an overlay (`master`), which hold for every plan."""

    #: (rows, columns) of 32 bits: 1 for the theta of a group, and what options take
    #: away.
    rows: csr_array
    #: (rows,) of 32 bits.
    side: NDArray[np.float32]

    @classmethod
    def weakened(cls, rows: csr_array, side: NDArray[np.float64]) -> ValueRows:
        """Return rows of nonnegative coefficients in 32 bits, each no stronger than it was."""
        entries = rows.data.astype(np.float32)
        entries = np.where(entries < rows.data, np.nextafter(entries, np.float32(np.inf)), entries)
        less = side.astype(np.float32)
        less = np.where(less > side, np.nextafter(less, np.float32(-np.inf)), less)
        return cls(csr_array((entries, rows.indices, rows.indptr), shape=rows.shape), less)

    @classmethod
    def joined(cls, parts: Sequence[ValueRows]) -> ValueRows | None:
        """Return the rows of several sets of one overlay, equal ones once; None where
        there are no sets.
        """
        if not parts:
            return None
        rows, side = (
            csr_array(vstack([part.rows for part in parts])),
            np.concatenate([part.side for part in parts]),
        )
        first: dict[bytes, int] = {}
        for number, (begin, end) in enumerate(zip(rows.indptr, rows.indptr[1:], strict=False)):
            entries = rows.indices[begin:end].tobytes() + rows.data[begin:end].tobytes()
            first.setdefault(side[number].tobytes() + entries, number)
        kept = [*first.values()]
        return cls(rows[kept], side[kept])

    def packed(self) -> dict[str, Any]:
        """Return the rows for JSON."""
        parts = (
            self.side.astype("<f4"),
            self.rows.data.astype("<f4"),
            self.rows.indptr.astype("<i4"),
        )
        content = b"".join(part.tobytes() for part in (*parts, self.rows.indices.astype("<i4")))
        return {
            "shape": list(self.rows.shape),
            "content": b64encode(zlib.compress(content)).decode(),
        }

    @classmethod
    def unpacked(cls, content: Mapping[str, Any]) -> ValueRows:
        """Return the rows of `packed`."""
        n_rows, n_columns = content["shape"]
        numbers = np.frombuffer(zlib.decompress(b64decode(content["content"])), dtype="<i4")
        entries = (numbers.size - 2 * n_rows - 1) // 2
        side, data, first, column = np.split(numbers, np.cumsum([n_rows, entries, n_rows + 1]))
        table = csr_array((data.view("<f4"), column, first), shape=(n_rows, n_columns))
        return cls(table, side.view("<f4"))
