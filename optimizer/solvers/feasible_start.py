"""A plan to begin from: the forced options, with as little more as the requirements ask for.

Minimise  sum_j x_j
such that sum_j u_jr x_j <= C_r           budgets
          sum of x_j over a conflict <= 1
          sum_j a_j x_j >= b              requirements
          x_j in {0, 1}; forced ones 1, forbidden ones 0

It is solved by HiGHS with rows relaxed by `RELAXED`: what is infeasible then is infeasible. Its plan is checked exactly.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from optimizer.base.errors import InfeasibleError
from optimizer.problem.plan import violations

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.problem.instance import Instance

RELAXED = 1e-6
"""By how much each row is relaxed, relative to its largest term: more than the solver's own tolerance."""


def feasible_start(instance: Instance) -> NDArray[np.bool_]:
    """Return a feasible (options,) mask: the forced options where they are one.

    Raises
    ------
    InfeasibleError
        If there is no feasible plan; it names the constraint, and the requirements without which there would be one.
    """
    forced = instance.forced
    broken = violations(replace(instance, requirements=()), forced)
    if broken:
        raise InfeasibleError(
            "No plan is feasible: " + "; ".join(broken) + ". Raise the budget or force fewer options."
        )
    if not violations(instance, forced):
        return forced
    placed = _least(instance)
    if placed is not None:
        return placed
    names = [each.id for each in instance.requirements]
    in_the_way = [
        each.id
        for each in instance.requirements
        if _least(replace(instance, requirements=tuple(r for r in instance.requirements if r is not each))) is not None
    ]
    raise InfeasibleError(
        "No plan is feasible: none within the budgets and exclusions reaches "
        + ("the requirement " if len(names) == 1 else "all requirements ")
        + ", ".join(map(repr, names))
        + (f"; without {' or '.join(map(repr, in_the_way))} one would" if in_the_way and len(names) > 1 else "")
        + ". Raise a budget, or ask for less."
    )


def _least(instance: Instance) -> NDArray[np.bool_] | None:
    """Return a feasible mask of few options, None where there is none."""
    n = len(instance.options)
    allowed = np.array([not option.forbidden for option in instance.options], dtype=bool)
    rows, least = [-use for use in instance.use.T], list(-instance.budget)
    for group in instance.conflicts:
        rows.append(-np.isin(np.arange(n), group).astype(np.float64))
        least.append(-1.0)
    for each in instance.requirements:
        row = np.zeros(n)
        row[list(each.options)] = each.coefficients
        rows.append(row)
        least.append(each.least)
    matrix, side = np.array(rows).reshape(len(rows), n), np.array(least)
    size = np.maximum(np.abs(matrix).max(axis=1, initial=0.0), np.finfo(np.float64).tiny)
    with np.errstate(over="ignore"):  # a resource that no option uses
        matrix, side = matrix / size[:, None], side / size
    side = np.maximum(side, -2.0 * n)  # as good as no limit
    for relaxed in (RELAXED, 0.0, -RELAXED):
        outcome = milp(
            np.ones(n),
            constraints=LinearConstraint(matrix, side - relaxed * (1 + np.abs(side)), np.inf),
            integrality=np.ones(n, dtype=np.int64),
            bounds=Bounds(instance.forced.astype(np.float64), allowed.astype(np.float64)),
        )
        if outcome.x is None:
            return None
        placed = np.asarray(outcome.x) > 0.5
        if not violations(instance, placed):
            return placed
    return None
