"""What the page of a desk says, as HTML: every text of a plan passes `escaped` or is a value of `markup`, the only ways into it."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

from markupsafe import Markup

from optimizer.base.errors import InputError
from optimizer.base.text.formatting import number, percent, plain
from optimizer.base.text.language import gettext as _
from optimizer.base.text.language import marked, markup
from optimizer.base.text.messages import translated

if TYPE_CHECKING:
    from optimizer.analysis.desk.view import DeskBeat, DeskBudget, DeskProgress, DeskSite, DeskView
    from optimizer.base.errors import OptimizerError

LISTED = 60
"""Sites that the list shows; the others are counted."""
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


def outcome(view: DeskView) -> str:
    """Return the value of the plan shown, how it compares, and what is against it."""
    change = view.value - view.opened_value
    share = f" ({percent(abs(change) / view.opened_value)})" if view.opened_value > 0 else ""
    if abs(change) <= 1e-9 * max(1.0, abs(view.opened_value)):
        against = _("As much as in the plan that was opened.")
    elif change > 0:
        against = _("{amount}{share} more than in the plan that was opened.")
    else:
        against = _("{amount}{share} less than in the plan that was opened.")
    against = against.format(amount=number(abs(change), 3), share=share)
    bound = _("No plan within these budgets and demands lets less than {bound} through.")
    faults = "".join(f"<li>{escaped(fault)}</li>" for fault in view.faults)
    cannot = escaped(_("This plan cannot be used:"))
    state = f'<div class="faults"><strong>{cannot}</strong><ul>{faults}</ul></div>' if faults else ""
    fits = "" if faults else paragraph(_("It keeps every budget and demand."), "fits")
    value = Markup('<strong id="value">{}</strong>').format(number(view.value, 6))
    through = markup("{value} gets through", value=value)
    found = _("Exact value, found in {milliseconds} ms.").format(milliseconds=number(view.evaluation_ms, 2))
    return (
        f'<p class="value">{through}</p>'
        f"<p>{escaped(against)} {escaped(bound.format(bound=number(view.lower, 4)))}</p>{state}{fits}"
        + paragraph(found, "quiet")
    )


def budget(row: DeskBudget) -> str:
    """Return what is used of a budget, in words."""
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
    return f"<p><strong>{escaped(row.name)}</strong><br>{escaped(said)}{much}</p>"


def site_line(site: DeskSite, detail: str) -> str:
    """Return what is asked of a site, and what it does."""
    return f"<p><strong>{escaped(site.label)}</strong>: {escaped(site.says)}. {escaped(detail)}</p>"


def beat_line(beat: DeskBeat) -> str:
    """Return what is asked of a beat."""
    asked = {True: _("must be driven"), False: _("must not be driven"), None: _("no demand")}[beat.must]
    stands = _("in the plan") if beat.used else _("not in the plan")
    return f"<p><strong>{escaped(beat.label)}</strong>: {escaped(asked)}; {escaped(stands)}.</p>"


def progress(found: DeskProgress | None) -> str:
    """Return how far the search is."""
    if found is None:
        return ""
    if found.stopping:
        return paragraph(_("Stopping: the step that runs now ends first, then the best plan so far is shown."))
    if not math.isfinite(found.upper):
        said = _("Searching, {seconds} of at most {most} s ({step}): no plan yet; bound {bound}.")
    elif found.upper > 0:
        said = _(
            "Searching, {seconds} of at most {most} s ({step}): best plan so far {value}; bound {bound}, gap {gap}."
        )
    else:
        said = _("Searching, {seconds} of at most {most} s ({step}): best plan so far {value}; bound {bound}.")
    gap = (found.upper - found.lower) / found.upper if 0 < found.upper < math.inf else 0.0
    said = said.format(
        seconds=number(math.floor(found.seconds)),
        most=number(found.limit),
        step=_(found.step) if found.step in STEPS else found.step,
        value=number(found.upper, 6),
        bound=number(found.lower, 4),
        gap=percent(gap),
    )
    return paragraph(said)


def listed(view: DeskView) -> str:
    """Return the sites of the plan and those with a demand as a table, and the beats."""
    rows = [site for site in view.sites if site.used or site.standing in {"must", "must not"}]
    body = "".join(f"<tr><td>{escaped(site.label)}</td><td>{escaped(site.says)}</td></tr>" for site in rows[:LISTED])
    left = _("{count} more are not listed.").format(count=number(len(rows) - LISTED))
    more = paragraph(left) if len(rows) > LISTED else ""
    asked = {True: ": " + _("must be driven"), False: ": " + _("must not be driven"), None: ""}
    beats = "".join(f"<li>{escaped(beat.label + asked[beat.must])}</li>" for beat in view.beats)
    title = escaped(_("Beats of patrols"))
    tours = f"<h3>{title}</h3><ul>{beats}</ul>" if beats else ""
    if not rows:
        return paragraph(_("No site is used.")) + tours
    head = "".join(f"<th>{escaped(name)}</th>" for name in (_("Site"), _("In the plan, and what is asked")))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}{tours}"


def fault(error: OptimizerError) -> str:
    """Return why something cannot be done: each problem in a sentence, in the language that is spoken as far as it has them."""
    if not isinstance(error, InputError):
        return translated(error.args[0]) if error.args else str(error)
    problems = []
    for each in error.problems:
        said = _("{where}: found {found}; expected {expected}.")
        problems.append(
            said.format(where=translated(each.where), found=translated(each.found), expected=translated(each.expected))
        )
        if each.remedy:
            problems.append(f"{translated(each.remedy).rstrip('.')}.")
    return " ".join(problems)


def message(text: str, *, wrong: bool) -> str:
    """Return what came of the last action."""
    return paragraph(text, "wrong" if wrong else "done") if text else ""
