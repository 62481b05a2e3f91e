"""Requirements: sums over options that a plan must reach, such as one option of a site,
or few changes against today's layout.

Without requirements every plan with less than a feasible one is feasible too, down to
the forced options; with them it need not be.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.base.errors import Problem
from optimizer.base.read_only import ReadOnlyFields
from optimizer.base.text.formatting import number

if TYPE_CHECKING:
    from optimizer.problem.instance.instance import Instance

TOLERANCE = 1e-9
"""By how much a sum may fall short, relative to the sizes of its terms, and still count
as reached.
"""
LARGEST_COEFFICIENT = 1e9
"""Largest size of a coefficient or of a sum to reach."""


@dataclass(frozen=True, slots=True)
class Requirement(ReadOnlyFields):
    """A sum that a plan must reach: sum over its options of coefficient times placed >=
    least.
    """

    #: What people call it; unique.
    id: str
    #: Positions of options, each once.
    options: tuple[int, ...]
    #: What each counts when it is placed; below 0 it counts against.
    coefficients: tuple[float, ...]
    #: What the sum must reach.
    least: float

    @property
    def tolerance(self) -> float:
        """By how much the sum may fall short."""
        return TOLERANCE * (1.0 + abs(self.least) + sum(map(abs, self.coefficients)))

    def total(self, placed: NDArray[np.bool_]) -> float:
        """Return the sum over an (options,) mask."""
        return (
            float(placed[list(self.options)] @ np.asarray(self.coefficients))
            if self.options
            else 0.0
        )

    def is_met(self, placed: NDArray[np.bool_]) -> bool:
        """Return whether an (options,) mask reaches it."""
        return self.total(placed) >= self.least - self.tolerance

    def slack(self, ones: NDArray[np.bool_], zeros: NDArray[np.bool_]) -> float:
        """Return by how much the sum of a plan with the options `ones` and without
        `zeros` exceeds it at most.
        """
        most = sum(
            coefficient
            for j, coefficient in zip(self.options, self.coefficients, strict=True)
            if ones[j] or (coefficient > 0 and not zeros[j])
        )
        return float(most) - self.least


@dataclass(frozen=True)
class RequirementTable(ReadOnlyFields):
    """Requirements as rows, entry by entry, with what each must reach less its
    tolerance.
    """

    #: `row`, `option`, `coefficient`: (k,) each.
    row: NDArray[np.int64]
    option: NDArray[np.int64]
    coefficient: NDArray[np.float64]
    #: (requirements,) what each sum must reach, less its tolerance.
    least: NDArray[np.float64]
    #: (requirements,) whether options only count against it, so that nothing mends it
    #: once it is broken.
    limit: NDArray[np.bool_]

    @classmethod
    def of(cls, requirements: Sequence[Requirement]) -> RequirementTable:
        """Return the rows of requirements."""
        sizes = [len(each.options) for each in requirements]
        return cls(
            np.repeat(np.arange(len(sizes)), sizes),
            np.array([j for each in requirements for j in each.options], dtype=np.int64),
            np.array([c for each in requirements for c in each.coefficients], dtype=np.float64),
            np.array([each.least - each.tolerance for each in requirements]),
            np.array(
                [max(each.coefficients, default=0.0) <= 0 for each in requirements], dtype=bool
            ),
        )

    def spare(self, counted: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return by how much each sum over the entries in a (k,) mask is above what it
        must reach.
        """
        sums = np.bincount(self.row[counted], self.coefficient[counted], self.least.size)
        return np.asarray(sums - self.least)


@dataclass(frozen=True)
class Implied:
    """What requirements imply for the plans with some options and without others."""

    #: Whether there may be such a plan at all.
    possible: bool
    #: `ones`, `zeros`: (options,) masks of what is in all and in none of them: those
    #: given, and more.
    ones: NDArray[np.bool_]
    zeros: NDArray[np.bool_]


def requirements_met(instance: Instance, placed: NDArray[np.bool_]) -> bool:
    """Return whether an (options,) mask reaches every requirement."""
    table = instance.requirement_table
    return not table.least.size or bool((table.spare(placed[table.option]) >= 0).all())


def implied_options(
    instance: Instance, ones: NDArray[np.bool_], zeros: NDArray[np.bool_]
) -> Implied:
    """Return what the requirements imply for the plans with the (options,) `ones` and
    without `zeros`, each requirement by itself.
    """
    table = instance.requirement_table
    ones = ones.copy()
    zeros = zeros.copy()
    adds = table.coefficient > 0
    while table.least.size:
        # The most that a sum can come to, less what it must: an option whose
        # coefficient is larger than that is forced, in where it adds and out where it
        # subtracts. Each forcing may force others, until a whole round forces none.
        spare = table.spare(ones[table.option] | (adds & ~zeros[table.option]))
        if (spare < 0).any():
            return Implied(False, ones, zeros)
        forced = (np.abs(table.coefficient) > spare[table.row]) & ~(ones | zeros)[table.option]
        if not forced.any():
            break
        ones[table.option[forced & adds]] = True
        zeros[table.option[forced & ~adds]] = True
        zeros &= ~ones  # forced both ways: the next round finds that there is no such plan
    return Implied(True, ones, zeros)


def options_that_help(instance: Instance, placed: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
    """Return the (options,) mask of those that bring an unmet requirement nearer; None
    where all are met.
    """
    unmet = [requirement for requirement in instance.requirements if not requirement.is_met(placed)]
    if not unmet:
        return None
    mask = np.zeros(placed.size, dtype=bool)
    for requirement in unmet:
        mask[
            [j for j, c in zip(requirement.options, requirement.coefficients, strict=True) if c > 0]
        ] = True
    return mask & ~placed


def options_that_break_none(
    instance: Instance, placed: NDArray[np.bool_], *, limits_alone: bool = False
) -> NDArray[np.bool_]:
    """Return the (options,) mask of those whose addition leaves each requirement met
    that is met now, or each limit, which nothing mends.
    """
    table, mask = instance.requirement_table, np.ones(placed.size, dtype=bool)
    if table.least.size:
        spare = table.spare(placed[table.option])[table.row]
        mask[
            table.option[
                (spare >= 0)
                & (-table.coefficient > spare)
                & (table.limit[table.row] | (not limits_alone))
            ]
        ] = False
    return mask


def requirement_problems(instance: Instance, where: str) -> Iterator[Problem]:
    """Yield the faults of the requirements of an instance."""
    seen: set[str] = set()
    for requirement in instance.requirements:
        here = f"{where}, requirement {requirement.id!r}"
        if requirement.id in seen or not requirement.id:
            yield Problem(here, "an id that is empty or used twice", "each id once", "Rename it")
        seen.add(requirement.id)
        if len(requirement.options) != len(requirement.coefficients):
            found = (
                f"{len(requirement.coefficients)} coefficients for {len(requirement.options)}"
                " options"
            )
            yield Problem(here, found, "one coefficient for each option")
        if len(set(requirement.options)) < len(requirement.options):
            yield Problem(here, "an option named twice", "each option once", "Add its coefficients")
        if any(not 0 <= j < len(instance.options) for j in requirement.options):
            expected = f"positions of options from 0 to {len(instance.options) - 1}"
            yield Problem(here, f"options {requirement.options!r}"[:80], expected)
        if not all(
            abs(number) <= LARGEST_COEFFICIENT
            for number in (*requirement.coefficients, requirement.least)
        ):
            yield Problem(
                here,
                "a coefficient or sum that is no number or too large",
                f"numbers up to {number(LARGEST_COEFFICIENT, 6)}",
            )
