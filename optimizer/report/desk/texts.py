"""What the page of a desk says, as HTML: every text of a plan passes `escaped`, the only way into it."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

from optimizer.base.formatting import number, percent, plain

if TYPE_CHECKING:
    from optimizer.report.content.desk import DeskBeat, DeskBudget, DeskProgress, DeskSite, DeskView

LISTED = 60
"""Sites that the list shows; the others are counted."""


def escaped(text: object) -> str:
    """Return a text on one line as HTML that shows it and does nothing else."""
    return escape(plain(text), quote=True)


def outcome(view: DeskView) -> str:
    """Return the value of the plan shown, how it compares, and what is against it."""
    change = view.value - view.opened_value
    if abs(change) <= 1e-9 * max(1.0, abs(view.opened_value)):
        against = "as much as in the plan that was opened"
    else:
        share = f" ({percent(abs(change) / view.opened_value)})" if view.opened_value > 0 else ""
        against = f"{number(abs(change), 3)}{share} {'more' if change > 0 else 'less'} than in the plan that was opened"
    bound = f"No plan within these budgets and demands lets less than {number(view.lower, 4)} through."
    faults = "".join(f"<li>{escaped(fault)}</li>" for fault in view.faults)
    state = f'<div class="faults"><strong>This plan cannot be used:</strong><ul>{faults}</ul></div>' if faults else ""
    fits = "" if faults else '<p class="fits">It keeps every budget and demand.</p>'
    return (
        f'<p class="value"><strong id="value">{number(view.value, 6)}</strong> gets through</p>'
        f"<p>{against}. {bound}</p>{state}{fits}"
        f'<p class="quiet">Exact value, found in {number(view.evaluation_ms, 2)} ms.</p>'
    )


def budget(row: DeskBudget) -> str:
    """Return what is used of a budget, in words."""
    over = row.used - row.budget
    unit = f" {escaped(row.unit)}" if row.unit else ""
    said = f"{number(row.used, 6)} used of {number(row.budget, 6)}{unit}"
    opened = f"; it was {number(row.opened, 6)}" if row.budget != row.opened else ""
    much = f' <strong class="over">{number(over, 6)} too much</strong>' if over > 1e-9 * (1 + row.budget) else ""
    return f"<p><strong>{escaped(row.name)}</strong><br>{said}{opened}{much}</p>"


def site_line(site: DeskSite, detail: str) -> str:
    """Return what is asked of a site, and what it does."""
    return f"<p><strong>{escaped(site.label)}</strong>: {escaped(site.says)}. {escaped(detail)}</p>"


def beat_line(beat: DeskBeat) -> str:
    """Return what is asked of a beat."""
    asked = {True: "must be driven", False: "must not be driven", None: "no demand"}[beat.must]
    return (
        f"<p><strong>{escaped(beat.label)}</strong>: {asked}; {'in the plan' if beat.used else 'not in the plan'}.</p>"
    )


def progress(found: DeskProgress | None) -> str:
    """Return how far the search is."""
    if found is None:
        return ""
    plan = f"best plan so far {number(found.upper, 6)}" if math.isfinite(found.upper) else "no plan yet"
    gap = f", gap {percent((found.upper - found.lower) / found.upper)}" if 0 < found.upper < math.inf else ""
    return (
        f"<p>Searching, {number(math.floor(found.seconds))} of at most {number(found.limit)} s ({escaped(found.step)}): "
        f"{plan}; bound {number(found.lower, 4)}{gap}.</p>"
    )


def listed(view: DeskView) -> str:
    """Return the sites of the plan and those with a demand as a table, and the beats."""
    rows = [site for site in view.sites if site.used or site.standing in {"must", "must not"}]
    body = "".join(f"<tr><td>{escaped(site.label)}</td><td>{escaped(site.says)}</td></tr>" for site in rows[:LISTED])
    more = f"<p>{len(rows) - LISTED} more are not listed.</p>" if len(rows) > LISTED else ""
    asked = {True: ": must be driven", False: ": must not be driven", None: ""}
    beats = "".join(f"<li>{escaped(beat.label)}{asked[beat.must]}</li>" for beat in view.beats)
    tours = f"<h3>Beats of patrols</h3><ul>{beats}</ul>" if beats else ""
    head = "<thead><tr><th>Site</th><th>In the plan, and what is asked</th></tr></thead>"
    return f"<table>{head}<tbody>{body}</tbody></table>{more}{tours}" if rows else f"<p>No site is used.</p>{tours}"


def message(text: str, *, wrong: bool) -> str:
    """Return what came of the last action."""
    return f'<p class="{"wrong" if wrong else "done"}">{escaped(text)}</p>' if text else ""
