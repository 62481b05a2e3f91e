"""Elements of dwells as slots: one column a post in the tree beside any beats, in place of one for each length of a dwell.

Dwelling l slots at a post is an element of its own (`optimizer.problem.teams`); on each arc it does what l dwells of one slot do, or nearly so:
with depths d = -ln s there is kappa with d_l <= l kappa d_1 on every arc. So for z = sum_l l y_l, what y leaves of any path is at least what z
times kappa elements of one slot leave of it. Elements of other kinds stay as they are, z = y.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from optimizer.solvers.branch_and_cut.path_pool import Paths, padded
from optimizer.solvers.branch_and_cut.value_rows import ValueRows
from optimizer.solvers.overlay.overlay import Links

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.problem.teams import PatrolField


@dataclass(frozen=True)
class MergedSlots:
    """Elements as multiples of fewer ones.

    Attributes
    ----------
    column
        (elements,) the column z of each element.
    slots
        (elements,) how much of z one of it is.
    power
        (elements,) kappa of the element that stands for its column; 0 for those that do not.
    """

    column: NDArray[np.int64]
    slots: NDArray[np.int64]
    power: NDArray[np.float64]

    @property
    def size(self) -> int:
        """Number of columns."""
        return int(self.column.max(initial=-1)) + 1

    @classmethod
    def of(cls, field: PatrolField) -> MergedSlots:
        """Merge the dwells at each post that watch the same arcs."""
        elements = field.elements
        arcs: list[dict[int, float]] = [{} for _ in range(elements.size)]
        for element, arc, survival in zip(
            elements.element.tolist(), elements.arc.tolist(), elements.survival.tolist(), strict=True
        ):
            arcs[element][arc] = arcs[element].get(arc, 1.0) * survival
        slots, power = np.ones(elements.size, dtype=np.int64), np.ones(elements.size)
        first = np.arange(elements.size)
        for patrol in field.patrols:
            for dwell in patrol.dwell.tolist():
                kappa = _kappa([arcs[element] for element in dwell])
                if kappa is not None and len({*dwell}) == len(dwell) and (first[dwell] == dwell).all():
                    slots[dwell] = np.arange(1, len(dwell) + 1)
                    power[dwell] = 0.0
                    power[dwell[0]], first[dwell] = kappa, dwell[0]
        return cls(np.unique(first, return_inverse=True)[1], slots, power)

    def spread(self, of_column: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (elements,) amounts that are so much for each unit of a column."""
        return of_column[self.column] * self.slots

    def of_columns(self, price: csr_array) -> csr_array:
        """Return the (rows, columns) prices of a unit of each column, from (rows, elements) prices that rise evenly with the slots."""
        first = np.unique(self.column, return_index=True)[1]
        return csr_array(price[:, first] / self.slots[first])

    def merged(self, paths: Paths, fixed: int) -> Paths:
        """Return paths over fixed options and elements as paths over fixed options and columns."""
        power = np.concatenate((np.ones(fixed), self.power, [0.0]))
        target = np.concatenate((np.arange(fixed), fixed + self.column))
        row, place = np.nonzero(power[paths.option])
        option = paths.option[row, place]
        survival = paths.survival[row, place] ** power[option]
        order = np.lexsort((target[option], row))
        links = Links(row[order], target[option][order], survival[order])
        return padded(paths.commodity, paths.value, links, fixed + self.size)

    def merged_rows(self, found: ValueRows, fixed: int, others: int) -> ValueRows:
        """Return rows over fixed options, elements and other columns as rows over fixed options, columns z and the others.

        As sum_e c_e y_e <= max_e (c_e / l_e) z, where l_e is how much of z one of e is, rows with these coefficients of z hold for every plan.
        """
        target = np.concatenate((np.arange(fixed), fixed + self.column, fixed + self.size + np.arange(others)))
        slots = np.concatenate((np.ones(fixed), self.slots, np.ones(others)))
        rows = found.rows[:, : target.size].tocoo()
        entry = np.nextafter(rows.data.astype(np.float64) / slots[rows.col], np.inf)
        width = fixed + self.size + others
        key = rows.row.astype(np.int64) * width + target[rows.col]
        order = np.lexsort((-entry, key))
        key, first = np.unique(key[order], return_index=True)
        table = csr_array((entry[order][first], (key // width, key % width)), shape=(rows.shape[0], width))
        return ValueRows.weakened(table, found.side.astype(np.float64))

    def bundle(self, fixed: int) -> csr_array:
        """Return the (fixed options and elements, fixed options and columns) table of how often each column holds each element."""
        power = np.append(np.ones(fixed), self.power)
        target = np.append(np.arange(fixed), fixed + self.column)
        part = np.flatnonzero(power)
        return csr_array((power[part], (part, target[part])), shape=(power.size, fixed + self.size))


def _kappa(arcs: list[dict[int, float]]) -> float | None:
    """Return the largest depth of a dwell on an arc, per slot, over that of one slot; None where arcs differ or one is closed."""
    if not arcs or not arcs[0] or any(one.keys() != arcs[0].keys() for one in arcs):
        return None
    if min(min(one.values()) for one in arcs) <= 0 or max(arcs[0].values()) >= 1:
        return None
    return max(math.log(one[arc]) / (n * math.log(arcs[0][arc])) for n, one in enumerate(arcs, start=1) for arc in one)
