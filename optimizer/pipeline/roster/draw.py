"""From a mixture to the plans of days or shifts: what the command `draw` does."""

from __future__ import annotations

import os
import re
import stat
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from optimizer.base.errors import InputError, Problem, ProblemList, SolverError
from optimizer.base.files.readwrite import sha256, write_json
from optimizer.base.work.listener import SILENT, step
from optimizer.plans.plan_folder import PlanFolder
from optimizer.problem.files.plan_file import DUTIES_FILE
from optimizer.problem.instance.options import named_options, printed_name
from optimizer.problem.plan.plan import Mixture, Plan, violations, with_mixture
from optimizer.roster.calendar import first_day
from optimizer.roster.draws import (
    BLOCK_DAYS,
    DrawRow,
    DrawsFile,
    Frequencies,
    GradualDraw,
    GradualRounds,
    block_length,
    draw_plans,
    drawn_mixture,
    draws_since,
    frequencies,
    periods_of,
    practically_one,
    read_secret,
)
from optimizer.sharing.recording import record_overrides

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from optimizer.base.work.listener import Listener
    from optimizer.problem.instance.instance import Instance

MOST_DAYS = 366


@dataclass(frozen=True, slots=True)
class GradualFacts:
    """What a limit of change means and costs.

    Attributes
    ----------
    most
        Placements that come new, or go, at most.
    periods
        Days, or shifts, of the plans of a round, without steps.
    steps
        Share of the draws that are steps between plans, over many rounds.
    off
        By how much the share of the worst placement misses its probability, over many rounds.
    before, after
        What evaders achieve who know the mixture, and who know the shares over many rounds; None where it was not proven.
    """

    most: int
    periods: int
    steps: float
    off: float
    before: float | None
    after: float | None


@dataclass(frozen=True)
class Drawn:
    """Draws of a mixture.

    Attributes
    ----------
    draws
        Which plan is used when.
    frequencies
        How often each placement is in them, beside its probability; overrides count.
    price
        What the overrides cost; None without any.
    names
        What people call each placement, with its id, by id.
    path
        The file that holds the draws.
    gradual
        What a limit of change means and costs; None without one.
    warnings
        Sentences for whoever uses them.
    """

    draws: DrawsFile
    frequencies: Frequencies
    price: OverridePrice | None
    names: Mapping[str, str]
    path: Path
    gradual: GradualFacts | None
    warnings: tuple[str, ...]


def draw_from_plan(
    plan_folder: str | os.PathLike[str],
    first: str,
    seed_file: str | os.PathLike[str],
    *,
    days: int = BLOCK_DAYS,
    every: Literal["day", "shift"] = "day",
    stay: int | None = None,
    change: float | None = None,
    begun: str | None = None,
    new_seed: bool = False,
    overrides: Sequence[Override] = (),
    out: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    listener: Listener = SILENT,
) -> Drawn:
    """Draw a plan for each day or shift from the mixture of a plan folder, and write the draws.

    Parameters
    ----------
    plan_folder
        Folder that `plan --method mixed` wrote.
    first
        First day, such as 2026-12-01.
    seed_file
        File that holds the secret of the draws, of at least 16 bytes; not in the plan folder. The same secret gives the same draws.
    days
        How many, 1 to 366.
    every
        Whether a plan is drawn for each day, or for each shift of the scenario.
    stay
        Days, or shifts, that a plan stays, 1 to 30; as the scenario of the plan says if None.
    change
        Largest share of the sites that changes from one draw to the next, in (0, 1]; as the scenario says if None.
    begun
        First day of the first 30 days within which frequencies are kept; `first` if None. Give the day on which the use of the mixture began
        to go on with earlier draws.
    new_seed
        Make the secret; the file must not exist.
    overrides
        Changes of what is drawn.
    out
        File to write; `plan_folder`/draws-`first`.json if None.
    overwrite
        Replace the file if there is one.
    listener
        Receives steps.

    Raises
    ------
    InputError
        If an argument, a file or an override is at fault.
    """
    opened, day = PlanFolder(plan_folder), first_day(first)
    start = day if begun is None else first_day(begun, "--begun")
    content, folder = opened.mixture_file, opened.path
    stay, change = content.stay if stay is None else stay, content.change if change is None else change
    _check(day, start, days, stay, change)
    place = folder / f"draws-{day.isoformat()}.json" if out is None else Path(out)
    if place.exists() and not overwrite:
        raise InputError(Problem(str(place), "a file", "no file yet", "Add --overwrite, or name another with --out"))
    shifts = _shifts(opened) if every == "shift" else ()
    instance, mixture = opened.instance, opened.mixture
    secret, warnings = read_secret(Path(seed_file), folder, new=new_seed)
    periods, a_day = periods_of(day, days, shifts), max(1, len(shifts))
    whole, price = with_mixture(instance, mixture), None
    going = (
        None
        if change is None or change >= 1
        else GradualRounds.of(mixture, instance, change, block_length(a_day, stay))
    )
    with step(listener, "drawing plans"):
        if going is None:
            numbers = draw_plans(mixture, secret, content.instance, start, periods, shifts=a_day, stay=stay)
            drawn = [GradualDraw(tuple(mixture.plans[k].options), k, step=False) for k in numbers]
        else:
            terms = f"{content.instance}|{start.isoformat()}|{a_day}|{stay}|{change}"
            drawn = _gradual_draws(going, secret, terms, draws_since(start, periods, shifts=a_day, stay=stay))
    rows = [
        DrawRow(date=period.date, shift=period.shift, plan=list(one.plan), drawn=one.drawn, step=one.step)
        for period, one in zip(periods, drawn, strict=True)
    ]
    if overrides:
        rows = overridden(rows, overrides, whole)
        with step(listener, "pricing the overrides"):
            price = price_of(rows, mixture, whole)
    draws = DrawsFile(
        schema_version=1,
        name=content.name,
        mixture=sha256(opened.mixture_path),
        begun=start,
        every=every,
        stay=stay,
        change=change,
        marginals=mixture.marginals,
        rows=rows,
    )
    write_json(place, draws.model_dump(mode="json"))
    os.chmod(place, stat.S_IRUSR | stat.S_IWUSR)  # noqa: PTH101 - what is placed tonight is for few
    if overrides:
        record_overrides(folder, place, len(overrides), listener)
    found = frequencies(draws.marginals, [frozenset(row.plan) for row in rows], a_day)
    gradual = None if going is None else _gradual_facts(going, mixture, stay, listener)
    names = {option.id: printed_name(option) for option in whole.options}
    one = practically_one(mixture)
    return Drawn(draws, found, price, names, place, gradual, (*warnings, *([one] if one else [])))


def _gradual_draws(going: GradualRounds, secret: bytes, terms: str, numbers: Sequence[int]) -> list[GradualDraw]:
    """Return the draws of some numbers, counted since the mixture came into use: each follows from the one before, so all are made."""
    since = list(islice(going.draws(secret, terms), numbers[-1] + 1))
    return [since[number] for number in numbers]


def _gradual_facts(going: GradualRounds, mixture: Mixture, stay: int, listener: Listener) -> GradualFacts:
    """Return what rounds mean; their value is given up where it cannot be proven, or on Ctrl-C."""
    from optimizer.solvers.mixed.exploitability import exploitability

    measured = going.measured()
    found = frequencies(mixture.marginals, [frozenset(one.plan) for one in measured], 1)
    steps = sum(one.step for one in measured) / len(measured)
    before = after = None
    with step(listener, "pricing little change"):
        try:
            before = exploitability(mixture, going.instance, listener=listener).value
            after = exploitability(drawn_mixture(measured, going.instance), going.instance, listener=listener).value
        except (SolverError, KeyboardInterrupt):
            listener.noted("What little change costs was not proven: a mixture of fewer plans is easier.")
    return GradualFacts(going.most, going.length * stay, steps, found.worst, before, after)


def _check(day: date, begun: date, days: int, stay: int, change: float | None) -> None:
    if not 1 <= days <= MOST_DAYS:
        raise InputError(Problem("--days", str(days), f"1 to {MOST_DAYS}"))
    if not 1 <= stay <= BLOCK_DAYS:
        raise InputError(Problem("--stay", str(stay), f"1 to {BLOCK_DAYS}"))
    if change is not None and not 0 < change <= 1:
        raise InputError(Problem("--change", f"{change:g}", "a share above 0 and up to 1, such as 0.2"))
    if begun > day:
        raise InputError(Problem("--begun", begun.isoformat(), f"a day not after {day.isoformat()} (--from)"))


def _shifts(opened: PlanFolder) -> tuple[str, ...]:
    if not opened.has_duties:
        found = f"no {DUTIES_FILE} in {opened.path}, so no shifts"
        raise InputError(Problem("--every shift", found, "a scenario with [[shifts]]", "Draw a plan a day"))
    return tuple(shift.id for shift in opened.duties.shifts)


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
        Ids of options or beats, sites, `SITE:KIND`, or labels.
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
        when, *words = re.split(r"\s+(?=[+-]\S)", text.strip())  # labels have blanks
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
        there = [instance.options[instance.option_index[each]] for each in plan]
        gone = [there[j].id for j in named_options(there, name, where, problems)]
        plan = [each for each in plan if each not in gone]
    for name in override.add:
        named = [instance.options[j].id for j in named_options(instance.options, name, where, problems)]
        if len(named) > 1:
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
