"""A plan beside the layouts it is compared with, all on the same model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from optimizer.problem.instance.options import BUDGET_TOLERANCE
from optimizer.problem.plan.evaluation import Evaluation, evaluate, marginal_values, plan_value
from optimizer.problem.plan.plan import Plan, violations, with_plan
from optimizer.solvers.overlay.overlay import contract

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from numpy.typing import NDArray

    from optimizer.problem.instance.instance import Instance

CONTRACTED_FROM = 4_000
"""Nodes from which the many layouts of a comparison are valued on the contracted network: its making pays off there."""


@dataclass(frozen=True)
class Comparison:
    """A plan beside other layouts: exact values on the full network.

    Attributes
    ----------
    instance
        The problem with the beats of the plan behind its options.
    plan
        The plan, with every evader's best response.
    nothing
        Nothing placed.
    existing
        Today's layout; None where no option is marked existing.
    everything
        Every option that is not forbidden, without budgets: a lower bound of every plan from these options.
    placed
        (options,) mask of the plan.
    marginal_values
        For each option, by id: by how much the value would rise without it (placed), or fall with it in addition (not placed), >= 0.
    value_of
        Value of an (options,) mask of `instance`: that of `plan_value`, to rounding.
    """

    instance: Instance
    plan: Evaluation
    nothing: Evaluation
    existing: Evaluation | None
    everything: float
    placed: NDArray[np.bool_]
    marginal_values: Mapping[str, float]
    value_of: Callable[[NDArray[np.bool_]], float]


def compare(instance: Instance, plan: Plan) -> Comparison:
    """Evaluate a plan, the layouts it is compared with, and the marginal value of every option."""
    instance = with_plan(instance, plan)
    placed = instance.placed(plan.options)
    existing = np.array([option.existing for option in instance.options], dtype=bool)
    allowed = np.array([not option.forbidden for option in instance.options], dtype=bool)
    evaluated = evaluate(instance, plan)
    value_of = _values(instance)
    return Comparison(
        instance=instance,
        plan=evaluated,
        nothing=evaluate(instance, ()),
        existing=evaluate(instance, Plan.from_mask(instance, existing)) if existing.any() else None,
        everything=plan_value(instance, allowed),
        placed=placed,
        marginal_values=marginal_values(instance, plan, value_of) | _additions(instance, evaluated, placed, value_of),
        value_of=value_of,
    )


def _values(instance: Instance) -> Callable[[NDArray[np.bool_]], float]:
    """Return what values any mask: the whole network, or where that is large its contraction, with no option forced or forbidden."""
    if instance.n_nodes < CONTRACTED_FROM:
        return partial(plan_value, instance)
    options = tuple(replace(option, forced=False, forbidden=False) for option in instance.options)
    return contract(replace(instance, options=options)).value


@dataclass(frozen=True, slots=True)
class Exchange:
    """A plan with one of its options exchanged for another: positions of what goes and what comes, and its (options,) mask."""

    goes: int
    comes: int
    placed: NDArray[np.bool_]


def exchanges(
    instance: Instance, placed: NDArray[np.bool_], option: int, others: Iterable[int], most: int
) -> Iterator[Exchange]:
    """Yield the feasible plans in which an option of a plan is exchanged for another one; or, if the plan has it not, another one for it.

    Parameters
    ----------
    instance, placed
        The problem and the (options,) mask of the plan.
    option
        The option, by position; another kind at its place may come for it.
    others
        What it is exchanged with, by position, in the order to try.
    most
        How many that fit into the budgets are tried.
    """
    left = instance.budget * (1 + BUDGET_TOLERANCE) - placed @ instance.use
    fitting = 0
    for other in others:
        goes, comes = (option, other) if placed[option] else (other, option)
        if not placed[goes] or placed[comes] or (instance.use[comes] > left + instance.use[goes]).any():
            continue
        fitting += 1
        if fitting > most:
            return
        changed = placed.copy()
        changed[goes], changed[comes] = False, True
        if not violations(instance, changed):
            yield Exchange(goes, comes, changed)


def _additions(
    instance: Instance, plan: Evaluation, placed: NDArray[np.bool_], value_of: Callable[[NDArray[np.bool_]], float]
) -> dict[str, float]:
    """Return how much the value falls when each option that is not placed is added; its site's other kinds make way for it.

    An option that displaces nothing and watches no arc that an evader takes changes no best response, so that its value is 0 without an
    evaluation; options with the same effects have the same value.
    """
    travelled = {arc for evader in instance.evaders for route in evader.routes for arc in route.arcs}
    travelled |= {arc for response in plan.evaders for arc in response.arcs}
    at_site: dict[str, list[int]] = {}
    for j in np.flatnonzero(placed).tolist():
        at_site.setdefault(instance.options[j].site, []).append(j)
    value = value_of(placed)
    known: dict[tuple[object, ...], float] = {}
    additions = {}
    for j in np.flatnonzero(~placed).tolist():
        option = instance.options[j]
        displaced = tuple(at_site.get(option.site, ())) if option.site else ()
        effects = (displaced, option.arcs, option.survival)
        if not displaced and travelled.isdisjoint(option.arcs):
            known[effects] = 0.0
        if effects not in known:
            changed = placed.copy()
            changed[list(displaced)] = False
            changed[j] = True
            known[effects] = max(0.0, value - value_of(changed))
        additions[option.id] = known[effects]
    return additions
