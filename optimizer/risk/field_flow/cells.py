"""Evidence as the likelihood takes it: one cell for each segment and unit of effort."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.errors import ProblemList
from optimizer.risk.numerics.likelihood import Cells

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from optimizer.risk.evidence import Evidence

POWER_MISPLACED = 0.5
"""Power of the likelihood of a unit all of whose seizures are misplaced (results/risk/model.md)."""


def cells_of(evidence: Evidence, yes_no: Collection[str] = ()) -> Cells:
    """Return the cells with expected seizures above zero.

    Parameters
    ----------
    evidence
        What the records say.
    yes_no
        Units of which each is one search that ends in yes or no.

    Raises
    ------
    InputError
        If a segment has more seizures than searches, or seizures of such searches are known by area alone.
    """
    unit, segment = np.nonzero(evidence.unit_expected > 0)
    expected = evidence.unit_expected[unit, segment]
    binary = np.array([name in yes_no for name in evidence.units], dtype=bool)[unit]
    count = evidence.unit_count[unit, segment]
    searches = np.where(binary, evidence.exposure.amount[unit, segment], np.nan)
    _complain(evidence, yes_no, int((count > searches * (1 + 1e-9)).sum()))
    return Cells(segment, unit, count, expected, np.maximum(evidence.months[unit, segment], 1.0), searches)


def tempered(cells: Cells, misplaced: NDArray[np.float64] | None) -> Cells:
    """Return cells whose log likelihood counts for less as far as seizures of their unit are taken as misplaced.

    A likelihood that is known to be wrong in part is raised to a power below 1; for a Poisson count that is count and expectation multiplied by
    it (general Bayesian updating: Bissiri, Holmes and Walker 2016, J. R. Statist. Soc. B 78(5)). Half of few counts may no longer tell places
    apart at all: then the model takes them as counted.

    Parameters
    ----------
    cells
        As counted.
    misplaced
        (units,) share of the seizures of each unit that are taken as misplaced, in [0, 1]; None where there are none.
    """
    if misplaced is None or not misplaced.any():
        return cells
    power = (1 - (1 - POWER_MISPLACED) * misplaced)[cells.unit]
    return replace(cells, count=power * cells.count, expected=power * cells.expected)


def _complain(evidence: Evidence, yes_no: Collection[str], too_many: int) -> None:
    problems = ProblemList()
    if too_many:
        problems.add(
            "searches that end in yes or no",
            f"{too_many} segments with more seizures than searches",
            "at most one seizure a search",
            "Count each seizure with its search, or do not name the unit in yes_no",
        )
    if any(evidence.units[area.unit] in yes_no for area in evidence.area_counts):
        problems.add(
            "searches that end in yes or no",
            "seizures of which only the area is known, where the area's searches have points",
            "the place of each search and its outcome",
            "Give outcomes the same place as searches, or do not name the unit in yes_no",
        )
    problems.raise_if_any()
