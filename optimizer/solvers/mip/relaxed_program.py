"""A mixed-integer program over options whose proven bound allows for the tolerances of
HiGHS.

A solver's bound holds for its tolerances only, and HiGHS's presolve goes wrong on
numbers near them (of 3,830 programs with survivals within 1e-12 of 0 and 1 it "proved"
false bounds on 3 at a tolerance of 1e-9, 4 at 1e-7; without presolve on none). So it
gets a relaxation whose coefficients are 0 or at least `SMALL`, and no presolve where
numbers are near 0 or 1 (`delicate`); and `RelaxedProgram.proven` takes off what the
tolerances can hide: a row may be violated by delta, a label is then too small by delta
more than the next one on its path, and so is y along a chain; an integer variable may
be off by delta, which moves a row by at most as much; and every reduced cost may be off
by delta, on a range of at most 1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from optimizer.solvers.mip.backend import TOLERANCE, MipModel
from optimizer.solvers.mip.rows import RowBuilder, add_side_constraints

if TYPE_CHECKING:
    from optimizer.problem.instance.instance import Instance

SMALL = 1e-6
"""Least size of a coefficient or bound that the solver gets, where the largest of a row
are about 1: a thousand times its tolerance.
"""

EXACT = 1e-13
"""Distance from 0 or 1 that is rounding."""

OVERRUN = 1e-8
"""By how much a budget, relative, may be overrun in the program: more than
`options.BUDGET_TOLERANCE` and the solver's own tolerance.
"""

FAINTEST = 1e-250
"""Value with nothing placed below which floating point is too coarse for the program."""


@dataclass(frozen=True)
class RelaxedProgram:
    """The program, and how its variables and objective map to the instance: columns 0..
    are the options, value = objective * scale.

    `doubt` is by how much the solver's tolerances can raise the bound of the objective
    above the true one; `delicate` whether coefficients or bounds lie within `SMALL` of
    0 or 1.
    """

    mip: MipModel
    scale: float
    doubt: float
    delicate: bool

    def proven(self, bound: float) -> float:
        """Return the lower bound of the value that a bound of the objective proves; 0
        where it proves none.
        """
        return max(bound - self.doubt, 0.0) * self.scale if self.scale > FAINTEST else 0.0


def relaxed_program(
    instance: Instance, rows: RowBuilder, free: NDArray[np.bool_], offset: float, deepest: int
) -> RelaxedProgram:
    """Return the program of some rows and costs over options and other variables in [0,
    1], with budgets, conflicts and requirements.

    Parameters
    ----------
    instance
        The problem.
    rows
        What there is so far; the constraints of the instance are added.
    free
        (options,) those that may be placed or not; of the others those that are forced
        are placed.
    offset
        Constant of the value.
    deepest
        Rows of which each may be violated, one after the other, and so make a variable
        of the objective too small.
    """
    n_options, n_labels = len(instance.options), rows.n_rows
    add_side_constraints(instance, rows)
    cost = np.zeros(rows.n_columns)
    for column, price in rows.cost:
        np.add.at(cost, column, price)
    forced = instance.forced.astype(np.float64)
    scale = max(offset + float(cost[n_options:].sum()), np.finfo(np.float64).tiny)
    matrix = rows.table()
    mip = MipModel(
        cost=cost / scale,
        lower=np.concatenate([forced, *rows.lower]),
        upper=np.concatenate([forced + free, np.ones(rows.n_columns - n_options)]),
        integer=np.arange(rows.n_columns) < n_options,
        rows=matrix,
        row_lower=rows.sides,
        offset=offset / scale,
    )
    numbers = np.abs(np.concatenate((matrix.data, mip.lower, mip.row_lower)))
    relaxed = _without_small(mip)
    relaxed.row_lower[n_labels:] -= OVERRUN
    return RelaxedProgram(
        relaxed, scale, TOLERANCE * (2 * deepest + cost.size), _are_delicate(numbers)
    )


def _are_delicate(numbers: NDArray[np.float64]) -> bool:
    distance = np.minimum(numbers, np.abs(1 - numbers))
    return bool(((distance > EXACT) & (distance < SMALL)).any())


def _without_small(mip: MipModel) -> MipModel:
    """Return a relaxation without coefficients below `SMALL`: each term is taken at its
    largest in a row, and at its least in the objective.
    """
    least = np.where(mip.integer | (mip.lower >= SMALL), mip.lower, 0.0)
    entries = mip.rows.tocoo()
    small = np.abs(entries.data) < SMALL
    row = entries.row[small]
    column = entries.col[small]
    value = entries.data[small]
    most = np.maximum(value * least[column], value * mip.upper[column])
    cheap = mip.cost < SMALL
    kept = (entries.data[~small], (entries.row[~small], entries.col[~small]))
    return replace(
        mip,
        cost=np.where(cheap, 0.0, mip.cost),
        lower=least,
        rows=csr_array(kept, shape=mip.rows.shape),
        row_lower=mip.row_lower - np.bincount(row, most, mip.row_lower.size),
        offset=mip.offset + float(mip.cost[cheap] @ least[cheap]),
    )
