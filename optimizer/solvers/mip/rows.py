"""Rows of linear and mixed-integer programs over options: budgets, conflicts and
requirements, and masks to exclude.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from optimizer.problem.instance.options import BUDGET_TOLERANCE

if TYPE_CHECKING:
    from optimizer.problem.instance.instance import Instance


@dataclass
class RowBuilder:
    """Grows a sparse matrix of rows `sum coefficient * variable >= side`."""

    n_columns: int
    row: list[NDArray[np.int64]] = field(default_factory=list)
    column: list[NDArray[np.int64]] = field(default_factory=list)
    value: list[NDArray[np.float64]] = field(default_factory=list)
    side: list[NDArray[np.float64]] = field(default_factory=list)
    cost: list[tuple[NDArray[np.int64], NDArray[np.float64]]] = field(default_factory=list)
    lower: list[NDArray[np.float64]] = field(default_factory=list)
    n_rows: int = 0

    def new_columns(self, lower: NDArray[np.float64]) -> NDArray[np.int64]:
        """Add variables in [lower, 1] and return their positions."""
        self.lower.append(lower)
        self.n_columns += lower.size
        return np.arange(self.n_columns - lower.size, self.n_columns)

    def add(
        self, side: NDArray[np.float64], *terms: tuple[NDArray[np.int64], NDArray[np.float64]]
    ) -> None:
        """Add one row for each entry of `side`; each term gives its variable (negative:
        none) and coefficient row by row.
        """
        rows = np.arange(self.n_rows, self.n_rows + side.size)
        self.n_rows += side.size
        self.side.append(side)
        for column, value in terms:
            there = column >= 0
            self.row.append(rows[there])
            self.column.append(column[there])
            self.value.append(value[there])

    def add_row(self, side: float, column: NDArray[np.int64], value: NDArray[np.float64]) -> None:
        """Add one row."""
        self.add_table(np.array([side]), np.zeros(column.size, dtype=np.int64), column, value)

    def add_table(
        self,
        side: NDArray[np.float64],
        row: NDArray[np.int64],
        column: NDArray[np.int64],
        value: NDArray[np.float64],
    ) -> None:
        """Add one row for each entry of `side`, with coefficients by position of the
        row among these, and by variable.
        """
        self.row.append(self.n_rows + row)
        self.column.append(column)
        self.value.append(value)
        self.side.append(side)
        self.n_rows += side.size

    def table(self, n_columns: int | None = None) -> csr_array:
        """Return the (rows, columns) coefficients; `n_columns` where there are more
        than the rows know of.
        """
        row, column = (
            np.concatenate([*parts, []]).astype(np.int64) for parts in (self.row, self.column)
        )
        shape = (self.n_rows, self.n_columns if n_columns is None else n_columns)
        return csr_array((np.concatenate([*self.value, []]), (row, column)), shape=shape)

    @property
    def sides(self) -> NDArray[np.float64]:
        """(rows,) right-hand sides."""
        return np.concatenate([*self.side, []])


def add_side_constraints(instance: Instance, rows: RowBuilder, breaking: int | None = None) -> None:
    """Add budgets (each divided by itself; twice as much is as good as any more),
    conflicts and requirements as rows >=.

    A requirement is divided by its largest coefficient; the variable `breaking`, if
    any, relaxes it.
    """
    for use, budget in zip(instance.use.T, instance.budget, strict=True):
        touched = np.flatnonzero(use)
        share = (
            np.minimum(use[touched], 2 * budget) / budget if budget > 0 else np.ones(touched.size)
        )
        rows.add_row(-1.0 if budget > 0 else 0.0, touched, -share)
    for group in instance.conflicts:
        rows.add_row(-1.0, np.array(group), -np.ones(len(group)))
    for each in instance.requirements:
        size = max(map(abs, each.coefficients), default=1.0) or 1.0
        column, value = np.array(each.options, dtype=np.int64), np.array(each.coefficients) / size
        if breaking is not None:
            column, value = np.append(column, breaking), np.append(value, 1.0)
        rows.add_row((each.least - each.tolerance) / size, column, value)


def exclude(instance: Instance, rows: RowBuilder, placed: NDArray[np.bool_]) -> None:
    """Add rows that an (options,) mask which breaks a constraint does not keep, and
    that every plan keeps.

    Of options that are over a budget together, no plan has as many, nor in their place
    as many that use no less than any of them.
    """
    over = np.flatnonzero(placed @ instance.use > instance.budget * (1 + BUDGET_TOLERANCE))
    for use in instance.use.T[over]:
        members = placed & (use > 0)
        options = np.flatnonzero(members | (use >= use[members].max()))
        rows.add_row(1.0 - float(members.sum()), options, -np.ones(options.size))
    if not over.size:
        rows.add_row(1.0 - float(placed.sum()), np.arange(placed.size), np.where(placed, -1.0, 1.0))
