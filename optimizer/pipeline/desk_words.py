"""What a planner at the desk is told of a plan that may not be: which budget is exceeded by how much, and what else is against it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.base.formatting import plain
from optimizer.base.language import marked
from optimizer.base.said import listed, said
from optimizer.problem.plan import BUDGET_TOLERANCE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from optimizer.problem.instance import Instance
    from optimizer.problem.options import Option, Resource

NAME = 60
"""Characters of a name that a sentence shows."""
USES = marked("The plan shown uses {total:n6} of {budget:n6} {resource}: {excess:n6} too much{unit}.")
NEEDS = marked(
    "No plan can have all that must be used: it alone needs {total:n6} of {budget:n6} {resource}: {excess:n6} too much{unit}."
)


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
        *_over_budget(instance, placed, USES),
        *(
            said("{names} exclude each other.", names=listed(option_name(options[j]) for j in group))
            for group in together
            if len(group) > 1
        ),
        *(
            said(
                "Not reached: {name} ({total:n} of at least {least:n}).",
                name=plain(each.id, NAME),
                total=each.total(placed),
                least=each.least,
            )
            for each in instance.requirements
            if not each.is_met(placed)
        ),
        *(
            said("{name} must be used, and the plan shown does not use it.", name=option_name(option))
            for option, used in zip(options, placed, strict=True)
            if option.forced and not used
        ),
        *(
            said("{name} must not be used, and the plan shown uses it.", name=option_name(option))
            for option, used in zip(options, placed, strict=True)
            if option.forbidden and used
        ),
    )


def impossible(instance: Instance) -> tuple[str, ...]:
    """Return a sentence for every budget that the forced options alone exceed: then no plan can have them all."""
    return _over_budget(instance, instance.forced, NEEDS)


def _over_budget(instance: Instance, placed: NDArray[np.bool_], sentence: str) -> tuple[str, ...]:
    used = placed @ instance.use
    return tuple(
        said(
            sentence,
            total=total,
            budget=resource.budget,
            resource=resource_name(resource),
            excess=total - resource.budget,
            unit=_unit(resource),
        )
        for resource, total in zip(instance.resources, used.tolist(), strict=True)
        if total > resource.budget * (1 + BUDGET_TOLERANCE)
    )


def _unit(resource: Resource) -> str:
    return f" ({plain(resource.unit, NAME)})" if resource.unit else ""
