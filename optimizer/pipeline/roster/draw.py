"""From a mixture to the plans of days or shifts: what the command `draw` does."""

from __future__ import annotations

import os
import re
import stat
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from optimizer.base.arguments import checked
from optimizer.base.errors import InputError, Problem, ProblemList, SolverError
from optimizer.base.files.readwrite import sha256, write_json, written_whole
from optimizer.base.text.formatting import SPACE, ValueText, number, percent
from optimizer.base.text.language import counted, long_date, short_date, speaking, term
from optimizer.base.text.language import gettext as _
from optimizer.base.text.messages import all_translated
from optimizer.base.work.listener import SILENT, Listener, step
from optimizer.plans.display_names import row_name
from optimizer.plans.plan_folder import PlanFolder, made_of
from optimizer.problem.files.plan_file import DUTIES_FILE
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.options import named_options
from optimizer.problem.plan.plan import Mixture, Plan, violations, with_mixture
from optimizer.report.content.report_table import FIRST_ROWS, Column, ReportTable
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
    from optimizer.report.answer import ShortPage

MOST_DAYS = 366


@dataclass(frozen=True, slots=True)
class GradualFacts:
    """What a limit of change means and costs."""

    #: Placements that come new, or go, at most.
    most: int
    #: Days, or shifts, of the plans of a round, without steps.
    periods: int
    #: Share of the draws that are steps between plans, over many rounds.
    steps: float
    #: By how much the share of the worst placement misses its probability, over many
    #: rounds.
    off: float
    #: `before`, `after`: What evaders achieve who know the mixture, and who know the
    #: shares over many rounds; None where it was not proven.
    before: float | None
    after: float | None


@dataclass(frozen=True)
class Drawn:
    """Draws of a mixture."""

    #: Which plan is used when.
    draws: DrawsFile
    #: How often each placement is in them, beside its probability; overrides count.
    frequencies: Frequencies
    #: What the overrides cost; None without any.
    price: OverridePrice | None
    #: What people call each placement, by id.
    names: Mapping[str, str]
    #: How what evaders achieve is written.
    text: ValueText
    #: The file that holds the draws; the page stands beside it.
    path: Path
    #: What a limit of change means and costs; None without one.
    gradual: GradualFacts | None
    #: Sentences for whoever uses them.
    warnings: tuple[str, ...]

    @property
    def page_path(self) -> Path:
        """The page that says what stands when."""
        return _page_beside(self.path)


@checked
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
    language: str | None = None,
    overwrite: bool = False,
    listener: Listener = SILENT,
) -> Drawn:
    """Draw a plan for each day or shift from the mixture of a plan folder, and write
    the draws with a page beside them.

    Parameters
    ----------
    plan_folder
        Folder that `plan --method mixed` wrote.
    first
        First day, such as 2026-12-01.
    seed_file
        File that holds the secret of the draws, of at least 16 bytes; not in the plan
        folder. The same secret gives the same draws.
    days
        How many, 1 to 366.
    every
        Whether a plan is drawn for each day, or for each shift of the scenario.
    stay
        Days, or shifts, that a plan stays, 1 to 30; as the scenario of the plan says if
        None.
    change
        Largest share of the sites that changes from one draw to the next, in (0, 1]; as
        the scenario says if None.
    begun
        First day of the first 30 days within which frequencies are kept; `first` if
        None. Give the day on which the use of the mixture began to go on with earlier
        draws.
    new_seed
        Make the secret; the file must not exist.
    overrides
        Changes of what is drawn.
    out
        File to write; `plan_folder`/draws-`first`.json if None. The page has its name,
        and ends in `.html`.
    language
        Of the page; that of the plan's own pages if None.
    overwrite
        Replace the files if they are there.
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
    stay, change = (
        content.stay if stay is None else stay,
        (content.change if change is None else change),
    )
    _check(day, start, days, stay, change)
    place = folder / f"draws-{day.isoformat()}.json" if out is None else Path(out)
    _check_places(place, _page_beside(place), overwrite=overwrite)
    tongue = opened.language(language)
    shifts = _shifts(opened) if every == "shift" else ()
    instance, mixture = opened.instance, opened.mixture
    secret = read_secret(Path(seed_file), folder, new=new_seed)
    periods, a_day = periods_of(day, days, shifts), max(1, len(shifts))
    whole, price = with_mixture(instance, mixture), None
    going = (
        None
        if change is None or change >= 1
        else GradualRounds.of(mixture, instance, change, block_length(a_day, stay))
    )
    with step(listener, "drawing plans"):
        if going is None:
            numbers = draw_plans(
                mixture, secret, content.instance, start, periods, shifts=a_day, stay=stay
            )
            drawn = [GradualDraw(tuple(mixture.plans[k].options), k, step=False) for k in numbers]
        else:
            terms = f"{content.instance}|{start.isoformat()}|{a_day}|{stay}|{change}"
            drawn = _gradual_draws(
                going, secret, terms, draws_since(start, periods, shifts=a_day, stay=stay)
            )
    rows = [
        DrawRow(
            date=period.date,
            shift=period.shift,
            plan=list(one.plan),
            drawn=one.drawn,
            step=one.step,
        )
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
    found = frequencies(draws.marginals, [frozenset(row.plan) for row in rows], a_day)
    gradual = None if going is None else _gradual_facts(going, mixture, stay, listener)
    one, values = (
        practically_one(mixture),
        ValueText.of(evader.weight for evader in instance.evaders),
    )
    with speaking(tongue, opened.own_words.translations):
        names = {option.id: row_name(option) or option.id for option in whole.options}
        names |= {beat.id: row_name(beat) for plan in mixture.plans for beat in plan.beats}
        made = Drawn(draws, found, price, names, values, place, gradual, (one,) if one else ())
        _write(made, folder)
    if overrides:
        record_overrides(folder, place, len(overrides), listener)
    return made


def _page_beside(place: Path) -> Path:
    return place.with_name(f"{place.stem}.html")


def _check_places(place: Path, page_place: Path, *, overwrite: bool) -> None:
    """Refuse files that are there, and a name that leaves none for the page."""
    if page_place == place:
        raise InputError(
            Problem(
                "--out",
                place.name,
                "a name that ends in .json, as the page beside it ends in .html",
            )
        )
    for file in (place, page_place):
        if file.exists() and not overwrite:
            raise InputError(
                Problem(
                    str(file),
                    "a file",
                    "no file yet",
                    "Add --overwrite, or name another with --out",
                )
            )


PRIVATE = stat.S_IRUSR | stat.S_IWUSR
"""Who may read what is placed tonight: the owner alone."""


def _write(made: Drawn, folder: Path) -> None:
    """Write the draws of a plan folder and the page beside them: both files, or none."""
    from optimizer.report.answer import write_short_page

    with written_whole(made.page_path) as temporary:
        temporary.touch(PRIVATE)
        write_short_page(temporary, replace(draw_page(made), made=made_of([folder])), {})
        write_json(made.path, made.draws.model_dump(mode="json"))  # once the page is made
        os.chmod(made.path, PRIVATE)  # noqa: PTH101 - what is placed tonight is for few


def draw_page(drawn: Drawn) -> ShortPage:
    """Return the page of some draws: what stands always, what besides on which day, and
    how far that is from the probabilities.
    """
    from optimizer.report.answer import PageSection, ShortPage

    draws = drawn.draws
    found = drawn.frequencies
    rows = drawn.draws.rows
    always = [
        name for name, share in draws.marginals.items() if all(name in row.plan for row in rows)
    ]
    others = {name for row in rows for name in row.plan} - set(always)
    each = _("The same {always} placements stand from {first} to {last}: every draw is the same.")
    if others and draws.every == "day":
        each = _(
            "{always} placements stand always from {first} to {last}, and {others} on some of the"
            " days."
        )
    elif others:
        each = _(
            "{always} placements stand always from {first} to {last}, and {others} in some of the"
            " shifts."
        )
    headline = each.format(
        first=long_date(rows[0].date),
        last=long_date(rows[-1].date),
        always=number(len(always)),
        others=number(len(others)),
    )
    off = _("No placement is off its probability by more than {points} over these draws.")
    sentences = [off.format(points=_points(found.worst))]
    if found.worst_month is not None:
        month = _("Over any 30 days of them none is off by more than {points}.")
        sentences.append(month.format(points=_points(found.worst_month)))
    days = _days(drawn, frozenset(always))
    more = len(days.rows) - FIRST_ROWS
    first = replace(days, rows=days.rows[:FIRST_ROWS])
    later = replace(days, id="later-draws", rows=days.rows[FIRST_ROWS:])
    columns = (
        Column(_("Placement")),
        Column(_("Probability"), numeric=True),
        Column(_("Share of draws"), numeric=True),
    )
    shares = tuple(
        (drawn.names.get(r.placement, r.placement), percent(r.probability), percent(r.share))
        for r in found.rows
    )
    caption = _("Each placement, that which is farthest from its probability first")
    return ShortPage(
        title=_("{name}: what stands when").format(name=term(draws.name)),
        headline=headline,
        warnings=all_translated(drawn.warnings),
        sections=(
            PageSection(
                title=_("What stands besides"),
                sentences=(*sentences, *_costs(drawn)),
                tables=(first,) if others else (),
            ),
            *(
                [PageSection(title=_("Later draws"), tables=(later,), folded=True)]
                if others and more > 0
                else ()
            ),
            PageSection(
                title=_("How often each placement stands"),
                tables=(ReportTable("shares", caption, columns, shares),),
                folded=True,
            ),
            PageSection(
                title=_("What stands always"),
                sentences=tuple(drawn.names.get(name, name) for name in always) or (_("Nothing."),),
                folded=True,
            ),
        ),
    )


def _days(drawn: Drawn, always: frozenset[str]) -> ReportTable:
    """Return what stands in each period besides what stands always."""
    by_shift = drawn.draws.every == "shift"
    rows = []
    for row in drawn.draws.rows:
        names = Counter(drawn.names.get(name, name) for name in row.plan if name not in always)
        said = "; ".join(
            name if count == 1 else f"{name} ({count})" for name, count in names.items()
        ) or _("Nothing.")
        notes = [_("on the way to the next plan")] if row.step else []
        notes += [_("overridden")] if row.overridden else []
        what = f"{said} ({', '.join(notes)})" if notes else said
        day = short_date(row.date).replace(" ", SPACE)  # on one line
        rows.append((day, *([row.shift or ""] if by_shift else []), number(row.drawn + 1), what))
    columns = (
        Column(_("Day")),
        *([Column(_("Shift"))] if by_shift else []),
        Column(_("Plan"), numeric=True),
        Column(_("Placed besides what stands always")),
    )
    return ReportTable("draws", _("What is drawn"), columns, tuple(rows))


def _costs(drawn: Drawn) -> list[str]:
    """Say what little change and overrides mean, and what they cost."""
    said = []
    values = drawn.text
    gradual = drawn.gradual
    price = drawn.price
    if gradual is not None:
        round_of = (
            _(
                "At most {most} placements come and {most} go from one draw to the next; a round"
                " takes {periods} days."
            )
            if drawn.draws.every == "day"
            else _(
                "At most {most} placements come and {most} go from one draw to the next; a round"
                " takes {periods} shifts."
            )
        )
        said.append(round_of.format(most=number(gradual.most), periods=number(gradual.periods)))
        steps = _(
            "Steps between plans are {steps} of the draws; over many rounds no placement is off by"
            " more than {points}."
        )
        said.append(steps.format(steps=percent(gradual.steps), points=_points(gradual.off)))
        if gradual.before is not None and gradual.after is not None:
            known = _(
                "Against evaders who know the shares {after} gets through over many rounds, and"
                " {before} with the mixture."
            )
            said.append(
                known.format(after=values.value(gradual.after), before=values.value(gradual.before))
            )
            said.append(_("Who sees what stands today can tell much of tomorrow."))
    if price is not None:
        changed = counted(
            "{count} draw is overridden", "{count} draws are overridden", price.periods
        )
        cost = _(
            "{changed}: against evaders who know the shares {after} gets through, and {before}"
            " without the overrides."
        )
        said.append(
            cost.format(
                changed=changed, after=values.value(price.after), before=values.value(price.before)
            )
        )
        said.append(
            _("If they learn of the overrides, {known} gets through then.").format(
                known=values.value(price.known)
            )
        )
    return said


def _points(share: float) -> str:
    return ValueText(share=True).points(share)


def _gradual_draws(
    going: GradualRounds, secret: bytes, terms: str, numbers: Sequence[int]
) -> list[GradualDraw]:
    """Return the draws of some numbers, counted since the mixture came into use: each
    follows from the one before, so all are made.
    """
    since = list(islice(going.draws(secret, terms), numbers[-1] + 1))
    return [since[number] for number in numbers]


def _gradual_facts(
    going: GradualRounds, mixture: Mixture, stay: int, listener: Listener
) -> GradualFacts:
    """Return what rounds mean; their value is given up where it cannot be proven, or on Ctrl-C."""
    from optimizer.solvers.mixed.exploitability import exploitability

    measured = going.measured()
    found = frequencies(mixture.marginals, [frozenset(one.plan) for one in measured], 1)
    steps = sum(one.step for one in measured) / len(measured)
    before = after = None
    with step(listener, "pricing little change"):
        try:
            before = exploitability(mixture, going.instance, listener=listener).value
            after = exploitability(
                drawn_mixture(measured, going.instance), going.instance, listener=listener
            ).value
        except (SolverError, KeyboardInterrupt):
            listener.noted(
                "What little change costs was not proven: a mixture of fewer plans is easier."
            )
    return GradualFacts(going.most, going.length * stay, steps, found.worst, before, after)


def _check(day: date, begun: date, days: int, stay: int, change: float | None) -> None:
    if not 1 <= days <= MOST_DAYS:
        raise InputError(Problem("--days", str(days), f"1 to {MOST_DAYS}"))
    if not 1 <= stay <= BLOCK_DAYS:
        raise InputError(Problem("--stay", str(stay), f"1 to {BLOCK_DAYS}"))
    if change is not None and not 0 < change <= 1:
        raise InputError(
            Problem("--change", f"{change:g}", "a share above 0 and up to 1, such as 0.2")
        )
    if begun > day:
        raise InputError(
            Problem("--begun", begun.isoformat(), f"a day not after {day.isoformat()} (--from)")
        )


def _shifts(opened: PlanFolder) -> tuple[str, ...]:
    if not opened.has_duties:
        found = f"no {DUTIES_FILE} in {opened.path}, so no shifts"
        raise InputError(
            Problem("--every shift", found, "a scenario with [[shifts]]", "Draw a plan a day")
        )
    return tuple(shift.id for shift in opened.duties.shifts)


EXAMPLE = "'2026-12-03 +zapata -laredo-bridge', or '2026-12-03@night +zapata'"


@dataclass(frozen=True)
class Override:
    """A change of what is drawn for a day, or a shift of it."""

    #: Which.
    day: date
    #: Id of the shift; None for every shift of the day.
    shift: str | None
    #: `add`, `remove`: Ids of options or beats, sites, `SITE:KIND`, or labels.
    add: tuple[str, ...]
    remove: tuple[str, ...]

    @classmethod
    def parsed(cls, text: str) -> Override:
        """Return the override that a text such as '2026-12-03@night +zapata
        -laredo-bridge' names.

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
    """What overrides cost."""

    #: How many periods are overridden.
    periods: int
    #: `before`, `after`: What evaders achieve who know the mixture; and who know the
    #: mixture with the overrides in it, over all periods that were drawn.
    before: float
    after: float
    #: What they achieve on average in the overridden periods if they learn of the
    #: overrides.
    known: float

    @property
    def price(self) -> float:
        """By how much the overrides raise what evaders achieve."""
        return self.after - self.before


def overridden(
    rows: Sequence[DrawRow], overrides: Sequence[Override], instance: Instance
) -> list[DrawRow]:
    """Return draws with the overrides carried out.

    Raises
    ------
    InputError
        With every override of a period that is not drawn, of a name that is not known
        or means several options, that removes what is not placed, or that breaks a
        budget.
    """
    problems, changed = ProblemList(), list(rows)
    for override in overrides:
        where = (
            f"--override {override.day.isoformat()}{f'@{override.shift}' if override.shift else ''}"
        )
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
        if (
            row.overridden
            and not problems
            and (broken := violations(instance, instance.placed(row.plan)))
        ):
            problems.add(f"--override {row.date.isoformat()}", "; ".join(broken), "a feasible plan")
        del k
    problems.raise_if_any()
    return changed


def _changed(
    row: DrawRow, override: Override, instance: Instance, where: str, problems: ProblemList
) -> DrawRow:
    plan = list(row.plan)
    for name in override.remove:
        there = [instance.options[instance.option_index[each]] for each in plan]
        gone = [there[j].id for j in named_options(there, name, where, problems)]
        plan = [each for each in plan if each not in gone]
    for name in override.add:
        named = [
            instance.options[j].id for j in named_options(instance.options, name, where, problems)
        ]
        if len(named) > 1:
            problems.add(
                where, f"{name!r}, which has {len(named)} kinds", f"one of {', '.join(named)}"
            )
        plan += [each for each in named[:1] if each not in plan]
    return row.model_copy(update={"plan": plan, "overridden": True})


def price_of(rows: Sequence[DrawRow], mixture: Mixture, instance: Instance) -> OverridePrice:
    """Return what the overridden rows among all rows cost.

    Over all the periods together an evader meets the mixture, but for the share of
    overridden ones, in which he meets what was put there.
    """
    from optimizer.solvers.mixed.exploitability import exploitability

    instead = Counter(frozenset(row.plan) for row in rows if row.overridden)
    share = sum(instead.values()) / len(rows)
    parts: defaultdict[frozenset[str], float] = defaultdict(float)
    for plan, probability in zip(mixture.plans, mixture.probabilities, strict=True):
        parts[frozenset(plan.options)] += probability * (1 - share)
    for ids, times in instead.items():
        parts[ids] += times / len(rows)
    kept = [(Plan.of(instance, ids), weight) for ids, weight in parts.items() if weight > 0]
    after = Mixture(tuple(plan for plan, _ in kept), tuple(weight for _, weight in kept))
    known = sum(
        times * exploitability(Plan.of(instance, ids), instance).value
        for ids, times in instead.items()
    )
    return OverridePrice(
        periods=sum(instead.values()),
        before=exploitability(mixture, instance).value,
        after=exploitability(after, instance).value,
        known=known / sum(instead.values()),
    )
