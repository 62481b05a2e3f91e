"""Charts of plans over draws, and of assumptions varied one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.base.formatting import percent, plain, sentence
from optimizer.base.language import gettext as _
from optimizer.report.palette import AFTER, BEFORE, BOUND, FAINT, TEXT
from optimizer.report.values import unit as unit_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from optimizer.report.content import DoubtRow, ReportContent

MOST_BARS = 25
NAME_LENGTH = 60
BELOW = 5.0
"""Space between a chart and the legend under it, in font sizes: past the axis label."""


def draw_doubt(ax: Axes, content: ReportContent) -> Axes:
    """Draw for each plan the interval that holds nine draws in ten, its mean, the mean of the worst draws and the worst draw."""
    facts = content.doubt
    rows = [] if facts is None else list(facts.rows)
    scale = 100 if content.summary.share else 1
    at = list(range(len(rows)))
    low = [row.low * scale for row in rows]
    ax.barh(
        at,
        [row.high * scale - first for row, first in zip(rows, low, strict=True)],
        left=low,
        color=BEFORE,
        height=0.5,
        label=_("nine draws in ten"),
    )
    ax.plot([row.mean * scale for row in rows], at, "o", color=AFTER, label=_("mean"))
    worst = "" if facts is None else _("mean of the worst {share}").format(share=percent(1 - facts.level))
    ax.plot([row.cvar * scale for row in rows], at, "D", color=BOUND, markersize=5, label=worst)
    ax.plot([row.worst * scale for row in rows], at, "|", color=TEXT, markersize=13, label=_("worst draw"))
    draws = 0 if facts is None else facts.draws
    title = _("{plan} is best on average over {draws} draws (left is better)") if rows else _("No plan")
    return _finished(ax, content, title.format(plan=_best(rows), draws=draws), [row.name for row in rows])


def draw_sensitivity(ax: Axes, content: ReportContent) -> Axes:
    """Draw a tornado: for each assumption the value of the best plan found at its ends, and that of this plan there."""
    facts = content.sensitivity
    if facts is None:
        return ax
    rows = list(facts.rows[:MOST_BARS])
    scale = 100 if content.summary.share else 1
    for place, row in enumerate(rows):
        best = sorted(end * scale for end in (row.best_low, row.best_high, facts.value) if end is not None)
        ax.barh(
            place, best[-1] - best[0], left=best[0], color=BEFORE, height=0.6, label=_once(place, _("best plan found"))
        )
        own = [end * scale for end in (row.plan_low, row.plan_high) if end is not None]
        ax.plot(own, [place] * len(own), "D", color=AFTER, markersize=4, label=_once(place, _("this plan")))
    ax.axvline(facts.value * scale, color=BOUND, linewidth=1.2, label=_("this plan, as assumed"))
    names = [
        _("{assumption}: {low} to {high}").format(assumption=plain(row.name, NAME_LENGTH), low=row.low, high=row.high)
        for row in rows
    ]
    most = _("{assumption} moves the value most").format(assumption=plain(rows[0].name, NAME_LENGTH)) if rows else ""
    return _finished(ax, content, most or _("Nothing was varied"), names)


def _best(rows: list[DoubtRow]) -> str:
    """Return which plan has the least mean."""
    return sentence(plain(min(rows, key=lambda row: row.mean).name, NAME_LENGTH)) if rows else ""


def _once(place: int, label: str) -> str | None:
    """Return the label for the first row alone, so that a legend has it once."""
    return None if place else label


def _finished(ax: Axes, content: ReportContent, title: str, names: list[str]) -> Axes:
    ax.set_yticks(range(len(names)), [plain(name, 2 * NAME_LENGTH) for name in names], parse_math=False, fontsize=9)
    ax.invert_yaxis()
    ax.set_title(title, loc="left", fontsize=11, parse_math=False)
    unit = sentence(plain(unit_of(content.summary), 80)) + (", %" if content.summary.share else "")
    ax.set_xlabel(unit, parse_math=False)
    ax.use_sticky_edges = False
    ax.margins(x=0.04)
    ax.grid(axis="x", color=FAINT, linewidth=0.5)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, 0.0), borderaxespad=BELOW, ncols=4, fontsize=8, frameon=False)
    return ax
