"""What the page of a desk says, as HTML: every text of a plan passes `escaped` or is a
value of `markup`, the only ways into it.
"""

from __future__ import annotations

import math
from html import escape

from markupsafe import Markup

from optimizer.analysis.desk.view import DeskBeat, DeskBudget, DeskProgress, DeskSite, DeskView
from optimizer.base.errors import InputError, OptimizerError
from optimizer.base.text.formatting import DASH, ValueText, number, percent, plain
from optimizer.base.text.language import gettext as _
from optimizer.base.text.language import marked, markup
from optimizer.base.text.messages import translated

STEPS = frozenset((
    marked("begins"),
    marked("contracting"),
    marked("cutting"),
    marked("branching"),
    marked("diving"),
    marked("enumerating"),
    marked("greedy"),
    marked("local search"),
))  # fmt: skip
"""Steps of a search, as progress names them."""


def escaped(text: object) -> str:
    """Return a text on one line as HTML that shows it and does nothing else."""
    return escape(plain(text), quote=True)


def paragraph(text: object, kind: str = "") -> str:
    """Return a text on one line as a paragraph, of a class of the page's style."""
    return f'<p class="{kind}">{escaped(text)}</p>' if kind else f"<p>{escaped(text)}</p>"


def value(view: DeskView) -> str:
    """Return the value of the plan shown, and how it compares with today's layout."""
    share = Markup('<strong id="value">{}</strong>').format(view.values.value(view.value))
    through = markup("{value} gets through", value=share)
    against = "" if view.today is None else _against(view, view.today, _TODAY)
    state = (
        paragraph(_("This plan cannot be used."), "over")
        if view.faults
        else paragraph(_("Keeps every budget and demand."), "fits")
    )
    return (
        f'<p class="value">{through}</p>' + (paragraph(against, "today") if against else "") + state
    )


_TODAY = (
    marked("As much as under today's layout."),
    marked("{amount} more than under today's layout."),
    marked("{amount} less than under today's layout."),
)
_OPENED = (
    marked("As much as in the plan that was opened."),
    marked("{amount} more than in the plan that was opened."),
    marked("{amount} less than in the plan that was opened."),
)


def _against(view: DeskView, other: float, said: tuple[str, str, str]) -> str:
    """Return how the value of the plan shown compares with another: as much, more or less."""
    change = view.value - other
    same = abs(change) <= 1e-9 * max(1.0, abs(other))
    return _(said[0 if same else 1 if change > 0 else 2]).format(
        amount=view.values.points(abs(view.values.less(view.value, other)))
    )


def outcome(view: DeskView) -> str:
    """Return how the plan shown compares with the one that was opened, what is proven,
    and what is against it.
    """
    bound = _("No plan within these budgets and demands lets less than {bound} through.")
    if view.lower <= 0:
        bound = _(
            "What no plan goes below is not known yet for these budgets and demands: a search works"
            " it out."
        )
    faults = "".join(f"<li>{escaped(fault)}</li>" for fault in view.faults)
    state = f'<div class="faults"><ul>{faults}</ul></div>' if faults else ""
    found = _("Exact value, found in {milliseconds} ms.").format(
        milliseconds=number(view.evaluation_ms, 2)
    )
    return (
        state
        + paragraph(_against(view, view.opened_value, _OPENED))
        + paragraph(bound.format(bound=view.values.pair(view.lower, view.value)[0]))
        + paragraph(found, "quiet")
    )


def budget(row: DeskBudget, values: ValueText) -> str:
    """Return what is used of a budget, and what more of it is worth, in words."""
    over = row.used - row.budget
    said = (
        _("{used} used of {budget}{unit}; it was {opened}")
        if row.budget != row.opened
        else _("{used} used of {budget}{unit}")
    ).format(
        used=number(row.used, 6),
        budget=number(row.budget, 6),
        unit=f" {row.unit}" if row.unit else "",
        opened=number(row.opened, 6),
    )
    excess = escaped(_("{amount} too much").format(amount=number(over, 6)))
    much = f' <strong class="over">{excess}</strong>' if over > 1e-9 * (1 + row.budget) else ""
    return f"<p><strong>{escaped(row.name)}</strong><br>{escaped(said)}{much}</p>" + paragraph(
        _more(row, values), "quiet"
    )


def _more(row: DeskBudget, values: ValueText) -> str:
    """Return what more of a budget is worth, the rest of the plan shown as it is."""
    if not row.known:
        return _("What more of it brings is being worked out.")
    if row.more is None:
        return _("More of this alone pays for no further site.")
    rate = row.more.gain / row.more.amount * row.step
    each = number(100 * rate if values.share else rate, 2)
    said = _("{amount} more pay for {site}: {gain} less gets through, {each} for each {step} more.")
    if row.more.others:
        said = _(
            "{amount} more, with {others} more, pay for {site}: {gain} less gets through, {each}"
            " for each {step} more."
        )
    return said.format(
        step=number(row.step),
        each=_("{number} points").format(number=each) if values.share else each,
        amount=number(row.more.amount),
        others=row.more.others,
        site=row.more.site,
        gain=values.points(row.more.gain),
    )


def site_line(site: DeskSite, detail: str) -> str:
    """Return what is asked of a site, where it is, and what it does."""
    called = f"{site.number}. {site.label}" if site.number else site.label
    return (
        f"<p><strong>{escaped(called)}</strong>: {escaped(site.says)}. {escaped(detail)}</p>"
        + paragraph(site.road, "quiet")
    )


def called(beat: DeskBeat) -> str:
    """Return what a beat is called, with its letter on the map where it has one."""
    return f"{beat.letter}. {beat.label}" if beat.letter else beat.label


def beat_line(beat: DeskBeat) -> str:
    """Return what is asked of a beat."""
    asked = {True: _("must be driven"), False: _("must not be driven"), None: _("no demand")}[
        beat.must
    ]
    stands = _("in the plan") if beat.used else _("not in the plan")
    return f"<p><strong>{escaped(called(beat))}</strong>: {escaped(asked)}; {escaped(stands)}.</p>"


def progress(found: DeskProgress | None, values: ValueText) -> str:
    """Return how far the search is."""
    if found is None:
        return ""
    if found.stopping:
        return paragraph(
            _("Stopping: the step that runs now ends first, then the best plan so far is shown.")
        )
    if not math.isfinite(found.upper):
        said = _("Searching, {seconds} of at most {most} s ({step}): no plan yet; bound {bound}.")
    elif found.upper > 0:
        said = _(
            "Searching, {seconds} of at most {most} s ({step}): best plan so far {value}; bound"
            " {bound}, gap {gap}."
        )
    else:
        said = _(
            "Searching, {seconds} of at most {most} s ({step}): best plan so far {value}; bound"
            " {bound}."
        )
    gap = (found.upper - found.lower) / found.upper if 0 < found.upper < math.inf else 0.0
    bound, value = values.pair(found.lower, found.upper)
    said = said.format(
        seconds=number(math.floor(found.seconds)),
        most=number(found.limit),
        step=_(found.step) if found.step in STEPS else found.step,
        value=value,
        bound=bound,
        gap=percent(gap),
    )
    return paragraph(said)


def listed(view: DeskView) -> str:
    """Return all sites as a table: those of the plan by number, those with a demand,
    then the others, that which would add most first.
    """
    rows = sorted(
        view.sites,
        key=lambda s: (
            not s.used,
            int(s.number or 0) if s.used else 0,
            s.standing == "not used",
            -(s.adds or 0.0),
            s.label,
        ),
    )
    head = (
        _("No."),
        _("Site"),
        _("Road"),
        _("In the plan, and what is asked"),
        _("Adds (points)") if view.values.share else _("Adds"),
    )
    cells = "".join(f"<th>{escaped(name)}</th>" for name in head)
    body = "".join(_row(site, head, view.values) for site in rows)
    return (
        "<div"
        f' class="sites"><table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table></div>'
        + _beats(view)
    )


def _row(site: DeskSite, head: tuple[str, ...], values: ValueText) -> str:
    name = (
        f'<button type="button" data-name="{escaped(site.name)}"'
        f' data-mark="{escaped(site.mark)}">{escaped(site.label)}</button>'
    )
    adds = DASH if site.adds is None else values.difference(max(site.adds, 0.0))
    cells = (escaped(site.number), name, escaped(site.road), escaped(site.says), escaped(adds))
    row = "".join(
        f'<td data-of="{escaped(of)}">{cell}</td>' for of, cell in zip(head, cells, strict=True)
    )
    return (
        f'<tr data-number="{escaped(site.number)}"'
        f' class="{"in" if site.used else "out"}">{row}</tr>'
    )


def _beats(view: DeskView) -> str:
    asked = {True: ": " + _("must be driven"), False: ": " + _("must not be driven"), None: ""}
    beats = "".join(f"<li>{escaped(called(beat) + asked[beat.must])}</li>" for beat in view.beats)
    title = escaped(_("Beats of patrols"))
    return f"<h3>{title}</h3><ul>{beats}</ul>" if beats else ""


def fault(error: OptimizerError) -> str:
    """Return why something cannot be done: each problem in a sentence, in the language
    that is spoken as far as it has them.
    """
    if not isinstance(error, InputError):
        return translated(error.args[0]) if error.args else str(error)
    problems = []
    for each in error.problems:
        said = _("{where}: found {found}; expected {expected}.")
        problems.append(
            said.format(
                where=translated(each.where),
                found=translated(each.found),
                expected=translated(each.expected),
            )
        )
        if each.remedy:
            problems.append(f"{translated(each.remedy).rstrip('.')}.")
    return " ".join(problems)


def message(text: str, *, wrong: bool) -> str:
    """Return what came of the last action."""
    return paragraph(text, "wrong" if wrong else "done") if text else ""
