"""The last look at a result, whichever method made it: its bounds are numbers in their
order, its plans keep every limit, and its value is that of its plan on the full network.

A search believes its own sums. Nothing here does: values come from
`optimizer.problem.plan.evaluation`, which knows no overlay, no linear program and no
tree. A fault of the search thus ends in an error that names it, and never in a plan
that is called optimal.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from optimizer.base.errors import InputError, SolverError
from optimizer.problem.instance.instance import Instance
from optimizer.problem.plan.evaluation import plan_value
from optimizer.problem.plan.plan import Plan, violations, with_mixture, with_plan
from optimizer.problem.plan.result import Result, relative_gap
from optimizer.solvers.overlay.overlay import LEAST_NORMAL

SAME = 1e-9
"""Relative difference up to which two sums over the same routes are the same value."""


def checked_result(
    instance: Instance,
    result: Result,
    *,
    value_of: Callable[[NDArray[np.bool_]], float] | None = None,
) -> Result:
    """Return a result in which everything that can be computed again is true.

    Parameters
    ----------
    instance
        The problem that was solved.
    result
        What the method has returned.
    value_of
        Value of an (options,) mask, where it is not that of `plan_value`; with patrol
        teams the mask has the plan's beats behind the instance's options.

    Raises
    ------
    SolverError
        If a bound is no finite number, the lower bound is above the upper one, a plan
        breaks a limit, the value is not that of the plan, or the plan is called optimal
        with a wider gap than its tolerance.
    """
    faults = list(_false_bounds(result))
    if not faults and result.plan is not None:
        faults = list(_false_plans(instance, result, value_of))
    if faults:
        raise SolverError(
            f"The method {result.method!r} has ended with a result that is false:"
            f" {'; '.join(faults)}. This is a fault of the program, not of your data. Nothing of"
            " this result is used. Please report it with the instance, and try another method."
        )
    return result


def _false_bounds(result: Result) -> Iterator[str]:
    """Yield a clause for each false statement on bounds."""
    pairs = [("", result.lower, result.upper)]
    if result.weighed_lower is not None:
        pairs.append((" within the beats that were weighed", result.weighed_lower, result.upper))
    if result.mixed is not None:
        pairs.append((" of single plans", result.mixed.pure_lower, result.mixed.pure_upper))
    for of_what, lower, upper in pairs:
        for name, bound in (("lower", lower), ("upper", upper)):
            if bound is not None and not 0 <= bound < math.inf:
                yield f"its {name} bound{of_what} is {bound}, and no finite number of at least 0"
        if lower is not None and upper is not None and lower > upper:
            yield f"its lower bound{of_what}, {lower!r}, is above its upper bound, {upper!r}"
    gap = relative_gap(result.lower, result.upper)
    if result.status == "optimal" and (gap is None or gap > result.tolerance):
        yield f"it is called optimal with a gap of {gap} where {result.tolerance} was asked for"


def _false_plans(
    instance: Instance, result: Result, value_of: Callable[[NDArray[np.bool_]], float] | None
) -> Iterator[str]:
    """Yield a clause for each false statement on the plan, and on those of a mixture."""
    plan = result.plan or Plan(())
    stated = result.upper if result.mixed is None else result.mixed.pure_upper
    whole = with_plan(instance, plan)
    placed = whole.placed(plan.options)
    yield from violations(whole, placed)
    value = (value_of or partial(plan_value, whole))(placed)
    if stated is None or not math.isclose(value, stated, rel_tol=SAME, abs_tol=LEAST_NORMAL):
        yield f"its plan is worth {value!r}, and not {stated!r}"
    if result.mixed is not None:
        mixture = result.mixed.mixture
        try:
            mixture.check()
        except InputError as error:
            yield str(error)
        every = with_mixture(instance, mixture)
        for each in mixture.plans:
            yield from violations(every, every.placed(each.options))
