"""Overrides of draws: this site tonight and not that one, and what that costs."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.names import unknown_name
from optimizer.problem.changes import is_named
from optimizer.problem.mixture import Mixture
from optimizer.problem.plan import Plan, violations

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.problem.instance import Instance
    from optimizer.roster.draws_file import DrawRow

EXAMPLE = "'2026-12-03 +zapata -laredo-bridge', or '2026-12-03@night +zapata'"


@dataclass(frozen=True)
class Override:
    """A change of what is drawn for a day, or a shift of it.

    Attributes
    ----------
    day
        Which.
    shift
        Id of the shift; None for every shift of the day.
    add, remove
        Ids of options or beats, sites, or `SITE:KIND`.
    """

    day: date
    shift: str | None
    add: tuple[str, ...]
    remove: tuple[str, ...]

    @classmethod
    def parsed(cls, text: str) -> Override:
        """Return the override that a text such as '2026-12-03@night +zapata -laredo-bridge' names.

        Raises
        ------
        InputError
            If it has another form.
        """
        when, *words = text.split()
        day, _, shift = when.partition("@")
        try:
            parsed = date.fromisoformat(day)
        except ValueError:
            raise InputError(Problem("--override", repr(text), EXAMPLE)) from None
        if not words or any(word[0] not in "+-" or len(word) < 2 for word in words):
            raise InputError(Problem("--override", repr(text), EXAMPLE))
        add = tuple(word[1:] for word in words if word[0] == "+")
        return cls(parsed, shift or None, add, tuple(word[1:] for word in words if word[0] == "-"))


@dataclass(frozen=True)
class OverridePrice:
    """What overrides cost.

    Attributes
    ----------
    periods
        How many periods are overridden.
    before, after
        What evaders achieve who know the mixture; and who know the mixture with the overrides in it, over all periods that were drawn.
    known
        What they achieve on average in the overridden periods if they learn of the overrides.
    """

    periods: int
    before: float
    after: float
    known: float

    @property
    def price(self) -> float:
        """By how much the overrides raise what evaders achieve."""
        return self.after - self.before


def overridden(rows: Sequence[DrawRow], overrides: Sequence[Override], instance: Instance) -> list[DrawRow]:
    """Return draws with the overrides carried out.

    Raises
    ------
    InputError
        With every override of a period that is not drawn, of a name that is not known or means several options, that removes what is not
        placed, or that breaks a budget.
    """
    problems, changed = ProblemList(), list(rows)
    for override in overrides:
        where = f"--override {override.day.isoformat()}{f'@{override.shift}' if override.shift else ''}"
        places = [
            k
            for k, row in enumerate(rows)
            if row.date == override.day and (override.shift is None or row.shift == override.shift)
        ]
        if not places:
            found = f"no draw for it; draws are from {rows[0].date} to {rows[-1].date}"
            problems.add(where, found, "a day, and a shift, that is drawn")
        for k in places:
            changed[k] = _changed(changed[k], override, instance, where, problems)
    for k, row in enumerate(changed):
        if row.overridden and not problems and (broken := violations(instance, instance.placed(row.plan))):
            problems.add(f"--override {row.date.isoformat()}", "; ".join(broken), "a feasible plan")
        del k
    problems.raise_if_any()
    return changed


def _changed(row: DrawRow, override: Override, instance: Instance, where: str, problems: ProblemList) -> DrawRow:
    plan = list(row.plan)
    for name in override.remove:
        named = [each for each in plan if is_named(instance.options[instance.option_index[each]], name)]
        if not named:
            problems.append(unknown_name(where, name, plan))
        plan = [each for each in plan if each not in named]
    for name in override.add:
        named = [option.id for option in instance.options if is_named(option, name)]
        if not named:
            known = dict.fromkeys(each for option in instance.options for each in (option.site, option.id) if each)
            problems.append(unknown_name(where, name, list(known)))
        elif len(named) > 1:
            problems.add(where, f"{name!r}, which has {len(named)} kinds", f"one of {', '.join(named)}")
        plan += [each for each in named[:1] if each not in plan]
    return row.model_copy(update={"plan": plan, "overridden": True})


def price_of(rows: Sequence[DrawRow], mixture: Mixture, instance: Instance) -> OverridePrice:
    """Return what the overridden rows among all rows cost.

    Over all the periods together an evader meets the mixture, but for the share of overridden ones, in which he meets what was put there.
    """
    from optimizer.solvers.mixed.exploitability import exploitability

    instead = Counter(frozenset(row.plan) for row in rows if row.overridden)
    share = sum(instead.values()) / len(rows)
    parts: defaultdict[frozenset[str], float] = defaultdict(float)
    for plan, probability in zip(mixture.plans, mixture.probabilities, strict=True):
        parts[frozenset(plan.options)] += probability * (1 - share)
    for ids, number in instead.items():
        parts[ids] += number / len(rows)
    kept = [(Plan.of(instance, ids), weight) for ids, weight in parts.items() if weight > 0]
    after = Mixture(tuple(plan for plan, _ in kept), tuple(weight for _, weight in kept))
    known = sum(number * exploitability(Plan.of(instance, ids), instance).value for ids, number in instead.items())
    return OverridePrice(
        periods=sum(instead.values()),
        before=exploitability(mixture, instance).value,
        after=exploitability(after, instance).value,
        known=known / sum(instead.values()),
    )
