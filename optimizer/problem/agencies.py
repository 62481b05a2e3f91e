"""Whose options are whose, and the problem of some agencies without the others.

An option is of the agency that runs it and of every agency whose resources it uses: one that uses resources of several is a joint one. A
coalition can place the options of its members alone, with their resources and with those that all share, in full.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from optimizer.base.errors import InputError, Problem
from optimizer.problem.plan import violations

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from optimizer.problem.instance import Instance
    from optimizer.problem.options import Option
    from optimizer.problem.teams import PatrolField

Others = Literal["absent", "today"]
"""What those outside a coalition have: nothing, or what stands today."""


def agencies_of(instance: Instance) -> tuple[str, ...]:
    """Return the agencies of an instance: those that own a resource, run an option or have a team, in this order."""
    teams = () if instance.patrols is None else instance.patrols.teams
    named = [
        *(resource.agency for resource in instance.resources),
        *(option.agency for option in instance.options),
        *(team.agency for team in teams),
    ]
    return tuple(dict.fromkeys(name for name in named if name))


def owners_of(instance: Instance, uses: Mapping[str, float], agency: str) -> frozenset[str]:
    """Return whose an option or beat is: of the agency that runs it, and of the owners of what it uses; empty where it is everybody's."""
    owner = {resource.id: resource.agency for resource in instance.resources}
    return frozenset(
        name for name in (agency, *(owner.get(each, "") for each, amount in uses.items() if amount > 0)) if name
    )


def existing_mask(instance: Instance) -> NDArray[np.bool_]:
    """Return the (options,) mask of what stands today."""
    return instance.placed(option.id for option in instance.options if option.existing)


def check_today(instance: Instance) -> None:
    """Refuse a problem whose layout of today breaks a constraint: others could not be left as they are.

    Raises
    ------
    InputError
        With the constraints that it breaks.
    """
    marks = tuple(replace(option, forced=False, forbidden=False) for option in instance.options)
    plain = replace(instance, options=marks, requirements=())
    if broken := violations(plain, existing_mask(plain)):
        expected = "today's sites within the budgets, where others keep what they have today"
        remedy = "Raise the budgets, or take others as absent"
        raise InputError(Problem(f"{instance.name}, today's sites", "; ".join(broken), expected, remedy))


def coalition_problem(instance: Instance, members: Collection[str], others: Others = "absent") -> Instance:
    """Return the problem of some agencies.

    Parameters
    ----------
    instance
        The problem of all.
    members
        Ids of agencies, at least one. Options that are nobody's are theirs.
    others
        What the others have: nothing, or what stands today, which then is part of every plan.
    """
    inside = frozenset(members)

    def marked(option: Option) -> Option:
        if owners_of(instance, option.uses, option.agency) <= inside:
            return option
        stays = others == "today" and option.existing
        return replace(option, forced=stays, forbidden=not stays)

    return replace(
        instance,
        options=tuple(map(marked, instance.options)),
        patrols=_patrols_of(instance, inside),
    )


def _patrols_of(instance: Instance, inside: frozenset[str]) -> PatrolField | None:
    field = instance.patrols
    if field is None:
        return None
    kept = tuple(p for p in field.patrols if owners_of(instance, p.team.uses, p.team.agency) <= inside)
    return replace(field, patrols=kept) if kept else None
