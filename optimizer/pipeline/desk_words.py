"""What a planner at the desk is told of a plan that may not be: which budget is exceeded by how much, and what else is against it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.base.formatting import number, plain
from optimizer.problem.plan import BUDGET_TOLERANCE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from optimizer.problem.instance import Instance
    from optimizer.problem.options import Option, Resource

NAME = 60
"""Characters of a name that a sentence shows."""


def option_name(option: Option) -> str:
    """Return what people call an option, on one line."""
    return plain(option.label or option.id, NAME)


def resource_name(resource: Resource) -> str:
    """Return what people call a resource, with its agency."""
    name = plain(resource.name or resource.id, NAME)
    return f"{name} ({plain(resource.agency, NAME)})" if resource.agency else name


def shortfalls(instance: Instance, placed: NDArray[np.bool_]) -> tuple[str, ...]:
    """Return a sentence for every constraint that an (options,) mask breaks, the budgets first; none for a feasible plan."""
    options = instance.options
    together = [[j for j in group if placed[j]] for group in instance.conflicts]
    return (
        *_over_budget(instance, placed, "The plan shown uses"),
        *(
            f"{' and '.join(option_name(options[j]) for j in group)} exclude each other."
            for group in together
            if len(group) > 1
        ),
        *(
            f"Not reached: {plain(each.id, NAME)} ({number(each.total(placed))} of at least {number(each.least)})."
            for each in instance.requirements
            if not each.is_met(placed)
        ),
        *(
            f"{option_name(option)} must be used, and the plan shown does not use it."
            for option, used in zip(options, placed, strict=True)
            if option.forced and not used
        ),
        *(
            f"{option_name(option)} must not be used, and the plan shown uses it."
            for option, used in zip(options, placed, strict=True)
            if option.forbidden and used
        ),
    )


def impossible(instance: Instance) -> tuple[str, ...]:
    """Return a sentence for every budget that the forced options alone exceed: then no plan can have them all."""
    return _over_budget(instance, instance.forced, "No plan can have all that must be used: it alone needs")


def _over_budget(instance: Instance, placed: NDArray[np.bool_], begin: str) -> tuple[str, ...]:
    used = placed @ instance.use
    return tuple(
        f"{begin} {number(total, 6)} of {number(resource.budget, 6)} {resource_name(resource)}: "
        f"{number(total - resource.budget, 6)} too much{_unit(resource)}."
        for resource, total in zip(instance.resources, used.tolist(), strict=True)
        if total > resource.budget * (1 + BUDGET_TOLERANCE)
    )


def _unit(resource: Resource) -> str:
    return f" ({plain(resource.unit, NAME)})" if resource.unit else ""
