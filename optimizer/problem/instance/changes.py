"""What a planner changes about a problem before it is solved: budgets, sites to use or
not, how much may differ from today.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from optimizer.base.errors import ProblemList
from optimizer.base.text.formatting import number, plain
from optimizer.base.text.names import unknown_name
from optimizer.problem.instance.options import Option, Resource, named_options
from optimizer.problem.instance.requirements import Requirement

if TYPE_CHECKING:
    from optimizer.problem.instance.instance import Instance

WHERE = "what is to change"


@dataclass(frozen=True)
class Changes:
    """Changes of an instance; without any it stays as it is."""

    #: New budget of each resource, by its id (`agents@laredo-sector`) or, where one
    #: resource alone has it, its name (`agents`). A name that several resources have
    #: which no agency owns, as caps on searches, stands for each of them. The id or
    #: name of a type of patrol teams stands for their number, a whole one.
    budgets: Mapping[str, float] = field(default_factory=dict)
    #: `forced`, `forbidden`: What every plan must, and no plan may, use: ids of
    #: options, sites, `SITE:KIND`, or labels. One that names several options of a site
    #: forces one of them, whichever, or forbids them all.
    forced: Sequence[str] = ()
    forbidden: Sequence[str] = ()
    #: Whether every plan must contain what stands today.
    keep_today: bool = False
    #: By how many options, at most, a plan differs from what stands today: each of
    #: today's that it does not have counts one, and so does each other option in it at
    #: a site where nothing stands. Another kind at the same site counts once, beats do
    #: not count. None for no limit.
    change_at_most: int | None = None

    def __bool__(self) -> bool:
        """Return whether anything changes."""
        return bool(
            self.budgets
            or self.forced
            or self.forbidden
            or self.keep_today
            or self.change_at_most is not None
        )

    @property
    def sentences(self) -> tuple[str, ...]:
        """What changes, for people; where there is an instance, `change_sentences` says
        budgets in its units.
        """
        return change_sentences(self, ())

    @property
    def content(self) -> dict[str, Any]:
        """What changes, for JSON; what does not is left out."""
        found = {
            "budgets": dict(self.budgets),
            "forced": list(self.forced),
            "forbidden": list(self.forbidden),
            "keep_today": self.keep_today,
        }
        limit = {} if self.change_at_most is None else {"change_at_most": self.change_at_most}
        return {name: value for name, value in found.items() if value} | limit

    def applied(self, instance: Instance) -> Instance:
        """Return an instance with these changes.

        Raises
        ------
        InputError
            With every name that the instance does not have, every amount out of range,
            and every option that is forced as well as forbidden.
        """
        if not self:
            return instance
        problems = ProblemList()
        teams = [] if instance.patrols is None else [team.id for team in instance.patrols.teams]
        resource = {
            name: (
                []
                if _team_named(instance, name) is not None
                else named_resources(name, instance.resources, teams, problems)
            )
            for name in self.budgets
        }
        forced = {name: self._options(instance, name, problems) for name in self.forced}
        forbidden = {name: self._options(instance, name, problems) for name in self.forbidden}
        out = {j for options in forbidden.values() for j in options}
        today = {j for j, option in enumerate(instance.options) if option.existing}
        self._check(instance, forced, out, today, problems)
        problems.raise_if_any()
        for name, amount in self.budgets.items():
            if (team := _team_named(instance, name)) is not None:
                instance = _with_teams(instance, team, int(amount))
                continue
            for each in resource[name]:
                instance = instance.with_budget(each, amount)
        chosen = {name: [j for j in options if j not in out] for name, options in forced.items()}
        alone = {options[0] for options in chosen.values() if len(options) == 1} | (
            today if self.keep_today else set()
        )
        several = {name: options for name, options in chosen.items() if len(options) > 1}
        instance = instance.with_forbidden(*_ids(instance, out))
        released = {
            j for options in several.values() for j in options if instance.options[j].forbidden
        }
        instance = instance.with_forbidden(*_ids(instance, released), forbidden=False)
        instance = instance.with_forced(*_ids(instance, alone))
        more = [_one_of(f"{name} is used", options) for name, options in several.items()]
        if self.change_at_most is not None:
            more.append(_few_changes(instance, self.change_at_most))
        return replace(instance, requirements=(*instance.requirements, *more)) if more else instance

    def _check(
        self,
        instance: Instance,
        forced: Mapping[str, list[int]],
        out: set[int],
        today: set[int],
        problems: ProblemList,
    ) -> None:
        """Note amounts out of range, and what contradicts itself."""
        for name, amount in self.budgets.items():
            if not 0 <= amount <= 1e15:
                problems.add(
                    f"{WHERE}, budget of {name}", f"{amount:.10g}", "a number from 0 to 1e15"
                )
            elif _team_named(instance, name) is not None and not (
                amount <= MOST_TEAMS and float(amount).is_integer()
            ):
                problems.add(
                    f"{WHERE}, teams of {name}",
                    f"{amount:.10g}",
                    f"a whole number from 0 to {MOST_TEAMS}",
                )
        if self.change_at_most is not None and self.change_at_most < 0:
            problems.add(
                f"{WHERE}, changes at most",
                str(self.change_at_most),
                "a whole number of at least 0",
            )
        if self.keep_today and not today:
            problems.add(
                WHERE,
                "what stands today is to stay, but no site is marked as existing",
                "a site that exists",
            )
        for name, options in forced.items():
            if options and out.issuperset(options):
                problems.add(WHERE, f"{name!r} is forced as well as forbidden", "one of the two")
        if self.keep_today and out & today:
            names = ", ".join(map(repr, _ids(instance, out & today)))
            problems.add(
                WHERE, f"what stands today is to stay, but {names} is forbidden", "one of the two"
            )

    def _options(self, instance: Instance, name: str, problems: ProblemList) -> list[int]:
        return named_options(instance.options, name, f"{WHERE}, sites", problems)


def named_resources(
    name: str, resources: Sequence[Resource], teams: Sequence[str], problems: ProblemList
) -> list[str]:
    """Return the ids of the resources that the name of a budget stands for; a name that
    is none of them, or of several agencies, is noted.

    Parameters
    ----------
    name
        An id, or a name that one resource has, or several without agencies.
    resources
        Those that there are.
    teams
        Names of teams, to tell what could be meant.
    problems
        Receives what is wrong.
    """
    ids = [each.id for each in resources]
    same = [each.id for each in resources if name in {each.id, each.name}]
    owned = any(each.agency for each in resources if each.id in same)
    where = f"{WHERE}, budget"
    if name in ids or len(same) == 1 or (same and not owned):
        return [name] if name in ids else same
    if same:
        found = f"{name!r}, which {len(same)} agencies have"
        problems.add(where, found, "the budget of one of them: " + ", ".join(map(repr, same)))
    else:
        known = dict.fromkeys([*ids, *(each.name for each in resources if each.name), *teams])
        problems.append(unknown_name(where, name, list(known)))
    return []


def _ids(instance: Instance, positions: set[int]) -> list[str]:
    return [instance.options[j].id for j in sorted(positions)]


def _one_of(name: str, options: list[int]) -> Requirement:
    return Requirement(name, tuple(options), (1.0,) * len(options), 1.0)


def change_sentences(changes: Changes, resources: Sequence[Resource]) -> tuple[str, ...]:
    """Say what changes, for people: budgets in the units of these resources."""
    units = {name: plain(each.unit) for each in resources for name in (each.name, each.id)}
    return (
        *(
            f"the budget of {name} is {number(amount, 10)} {units.get(name, '')}".rstrip()
            for name, amount in changes.budgets.items()
        ),
        *(f"{name} must be used" for name in changes.forced),
        *(f"{name} must not be used" for name in changes.forbidden),
        *(["what stands today stays"] if changes.keep_today else []),
        *(
            [f"at most {changes.change_at_most} sites differ from today"]
            if changes.change_at_most is not None
            else []
        ),
    )


MOST_TEAMS = 1000
"""Most teams of a type."""


def _team_named(instance: Instance, name: str) -> str | None:
    """Return the id of the teams that a name stands for; None where it is that of a
    resource, or of no teams.
    """
    if instance.patrols is None or any(name in {each.id, each.name} for each in instance.resources):
        return None
    return next((team.id for team in instance.patrols.teams if name in {team.id, team.label}), None)


def _with_teams(instance: Instance, team: str, number: int) -> Instance:
    """Return the instance with so many teams of a type."""
    field = instance.patrols
    assert field is not None  # noqa: S101 - it has these teams
    patrols = tuple(
        replace(each, team=replace(each.team, number=number)) if each.team.id == team else each
        for each in field.patrols
    )
    return replace(instance, patrols=replace(field, patrols=patrols))


@dataclass(frozen=True, slots=True)
class Ordered:
    """Options as an order has them: a site where nothing stood opens, one of another
    kind changes, one of which nothing is left closes.
    """

    opens: tuple[Option, ...]
    changes: tuple[Option, ...]
    closes: tuple[Option, ...]


def ordered(comes: Sequence[Option], goes: Sequence[Option]) -> Ordered:
    """Return what an order says of the options that come and go from one layout to another."""
    left, taken = ({option.site for option in options} - {""} for options in (goes, comes))
    return Ordered(
        tuple(option for option in comes if option.site not in left),
        tuple(option for option in comes if option.site in left),
        tuple(option for option in goes if option.site not in taken),
    )


def differences(options: Sequence[Option]) -> tuple[list[int], list[int]]:
    """Return the positions of what stands today, which a plan may lack, and of options
    where nothing stands, which it may have.
    """
    today = [j for j, option in enumerate(options) if option.existing]
    occupied = {options[j].site for j in today} - {""}
    return today, [j for j, o in enumerate(options) if not o.existing and o.site not in occupied]


def changes_made(options: Sequence[Option], placed: NDArray[np.bool_]) -> int:
    """Return by how many of some options a mask differs from what stands today, as
    `Changes.change_at_most` counts them.
    """
    today, new = differences(options)
    return int(np.count_nonzero(~placed[today]) + np.count_nonzero(placed[new]))


def _few_changes(instance: Instance, most: int) -> Requirement:
    """Return the requirement that a plan differs from what stands today by so many
    options at most.
    """
    today, new = differences(instance.options)
    coefficients = (1.0,) * len(today) + (-1.0,) * len(new)
    return Requirement(
        f"at most {most} changes", (*today, *new), coefficients, float(len(today) - most)
    )
