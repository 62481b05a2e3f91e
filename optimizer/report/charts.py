"""Bar charts: the marginal value of each site, how layouts compare, what evaders can still do."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.patches import Patch

from optimizer.base.formatting import ARROW, known, percent, plain, sentence
from optimizer.base.language import gettext as _
from optimizer.report.palette import AFTER, BEFORE, BOUND, FAINT, ROAD, SITES, TEXT, TODAY
from optimizer.report.still.sheet import LABEL_BOX
from optimizer.report.tables.report_table import minus
from optimizer.report.values import difference, difference_short, difference_unit, unit, value
from optimizer.report.words import word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from optimizer.report.content import ReportContent, SiteRow

MOST_BARS = 25
MOST_EVADERS = 12
NAME_LENGTH = 56
GAINED = {"given up": "#8f8f8f", "not chosen": "#f2f2f2"}
BELOW = 5.0
"""Space between a chart and the legend under it, in font sizes: past the axis label."""


def draw_sites(ax: Axes, content: ReportContent) -> Axes:
    """Draw the marginal value of each site: lost without it (in the plan), gained with it (not in the plan)."""
    chosen = [
        (_two_lines(f"{place}  {plain(site.label, 2 * NAME_LENGTH)}"), site)
        for place, site in enumerate(content.chosen, 1)
        if known(site.marginal_value)
    ]
    others = [
        (_two_lines(plain(site.label, 2 * NAME_LENGTH)), site)
        for site in content.not_chosen
        if site.marginal_value and known(site.marginal_value)
    ]
    rows = (chosen + sorted(others, key=lambda row: -(row[1].marginal_value or 0.0)))[:MOST_BARS]
    if not rows:
        return _nothing(ax, _("Marginal value of each site"), _("No site has a marginal value to show."))
    scale = 100 if content.summary.share else 1
    sites = [site for name, site in rows]
    lengths = [(site.marginal_value or 0.0) * scale for site in sites]
    bars = ax.barh(
        range(len(rows)),
        lengths,
        color=[_site_colour(site) for site in sites],
        edgecolor=[_site_edge(site) for site in sites],
    )
    ax.bar_label(bars, [difference(content.summary, site.marginal_value) for site in sites], padding=3, fontsize=8)
    ax.legend(
        handles=_site_legend(sites),
        loc="upper center",
        bbox_to_anchor=(0.5, 0.0),
        borderaxespad=BELOW,
        ncols=2,
        fontsize=8,
        frameon=False,
    )
    ax.set_xlabel(
        _("Change of the {unit}, {in_unit}").format(
            unit=plain(unit(content.summary), 60), in_unit=difference_unit(content.summary)
        ),
        parse_math=False,
    )
    return _finish(ax, _title(_sites_title(content), len(rows), len(content.sites)), [name for name, site in rows])


def draw_layouts(ax: Axes, content: ReportContent) -> Axes:
    """Draw the value of each layout, and the bound no layout within the budgets can pass."""
    rows = [row for row in content.layouts if known(row.value)][:MOST_BARS]
    if not rows:
        return _nothing(ax, _("How layouts compare"), _("No layout has a value to show."))
    scale = 100 if content.summary.share else 1
    values = [(row.value or 0.0) * scale for row in rows]
    today = content.summary.existing
    upper = content.summary.upper
    colours = [AFTER if _same(row.value, upper) else TODAY if _same(row.value, today) else ROAD for row in rows]
    bars = ax.barh(range(len(rows)), values, color=colours, height=0.6)
    ax.bar_label(
        bars, [value(content.summary, row.value) for row in rows], padding=3, fontsize=9, bbox=LABEL_BOX, zorder=5
    )
    lower = content.summary.bound
    if lower is not None and known(lower):
        ax.axvline(
            lower * scale,
            color=BOUND,
            linewidth=1.4,
            linestyle=(0, (4, 2)),
            label=_("No layout within the budgets goes below this"),
        )
    if today is not None and known(today):
        ax.axvline(today * scale, color=TODAY, linewidth=1.2, label=_("Today's layout"))
    if ax.get_legend_handles_labels()[0]:
        ax.legend(
            loc="upper center", bbox_to_anchor=(0.5, 0.0), borderaxespad=BELOW, ncols=2, frameon=False, fontsize=8
        )
    ax.set_xlabel(
        sentence(plain(unit(content.summary), 80)) + (", %" if content.summary.share else ""), parse_math=False
    )
    return _finish(ax, _layouts_title(content), [plain(row.name, NAME_LENGTH) for row in rows])


def draw_evaders(ax: Axes, content: ReportContent) -> Axes:
    """Draw each evader's chance to get through before and after the plan, those who contribute most first."""
    known_rows = [row for row in content.open_ends if known(row.before) and known(row.after)]
    rows = sorted(known_rows, key=lambda row: -(row.contribution or 0.0))[:MOST_EVADERS]
    if not rows:
        return _nothing(ax, _("What evaders can still do"), _("No evader has a chance to show."))
    places = np.arange(len(rows))
    before, after = (np.array([getattr(row, name) for row in rows]) * 100 for name in ("before", "after"))
    ax.hlines(places, after, before, color=BEFORE, linewidth=4)
    ax.plot(before, places, "o", color=BEFORE, markeredgecolor=TEXT, markersize=7, label=_("With nothing placed"))
    today = np.array([np.nan if row.today is None else row.today for row in rows], dtype=np.float64) * 100
    if np.isfinite(today).any():
        ax.plot(today, places, "|", color=TODAY, markersize=15, markeredgewidth=2.5, label=_("Today"))
    ax.plot(after, places, "o", color=AFTER, markeredgecolor=TEXT, markersize=7, label=_("With the plan"))
    for place, amount in zip(places.tolist(), after.tolist(), strict=True):
        ax.annotate(
            f"{amount:.0f}", (amount, place), (-7, 0), textcoords="offset points", ha="right", va="center", fontsize=8
        )
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, 0.0), borderaxespad=BELOW, ncols=3, frameon=False, fontsize=8)
    ax.set_xlim(0, 102)
    ax.set_xlabel(_("Chance to get through, %"))
    names = [
        f"{plain(row.start, 44)} {ARROW} {plain(row.end, 24)} ({plain(word(row.kind), 10)}, {value(content.summary, row.weight)})"
        for row in rows
    ]
    title = _("Most gets through from {start} to {end}: {share} of those loads").format(
        start=plain(rows[0].start, 44), end=plain(rows[0].end, 24), share=percent(rows[0].after, 0)
    )
    _finish(ax, title if len(rows) == len(known_rows) else _first(title, len(rows), len(known_rows)), names)
    ax.set_xlim(left=max(0.0, 10 * np.floor(np.nanmin([*after, *before, *today]) / 10) - 10))
    return ax


def _two_lines(text: str) -> str:
    """Return a name on two lines where it is long."""
    return "\n".join(textwrap.wrap(text, NAME_LENGTH, max_lines=2, placeholder="\N{HORIZONTAL ELLIPSIS}"))


def _same(a: float | None, b: float | None) -> bool:
    """Return whether two values are the same to rounding."""
    return a is not None and b is not None and bool(np.isclose(a, b, rtol=1e-9))


def _sites_title(content: ReportContent) -> str:
    """Return which site matters most, in words."""
    first = next((site for site in content.chosen if known(site.marginal_value)), None)
    if first is None:
        return _("Marginal value of each site")
    return _("{site} matters most: {points} more would get through without it").format(
        site=plain(first.place or first.label, 40), points=difference_short(content.summary, first.marginal_value)
    )


def _layouts_title(content: ReportContent) -> str:
    """Return what the plan lets through against today, in words."""
    summary = content.summary
    less = minus(summary.existing, summary.upper)
    if less is None:
        return _("This plan lets {value} through (shorter is better)").format(value=value(summary, summary.upper))
    said = (
        _("This plan lets {value} through: {points} less than today (shorter is better)")
        if less >= 0
        else _("This plan lets {value} through: {points} MORE than today (shorter is better)")
    )
    return said.format(value=value(summary, summary.upper), points=difference_short(summary, abs(less)))


def _site_colour(site: SiteRow) -> str:
    return SITES[site.standing].fill if site.chosen else GAINED[site.standing]


def _site_edge(site: SiteRow) -> str:
    return _site_colour(site) if site.chosen else SITES[site.standing].line


def _site_legend(sites: Sequence[SiteRow]) -> list[Patch]:
    labels = {
        "new": _("In the plan, new: lost without it"),
        "changed": _("In the plan, other kind than today: lost without it"),
        "kept": _("In the plan, in use today: lost without it"),
        "given up": _("Closed: gained with it, beyond the budget"),
        "not chosen": _("Not chosen: gained with it, beyond the budget"),
    }
    shown = {site.standing: site for site in sites}
    return [
        Patch(facecolor=_site_colour(shown[key]), edgecolor=_site_edge(shown[key]), label=labels[key])
        for key in labels
        if key in shown
    ]


def _title(title: str, shown: int, every: int) -> str:
    return _first(title, shown, every) if shown == MOST_BARS < every else title


def _first(title: str, shown: int, every: int) -> str:
    return _("{title} (the first {shown} of {every})").format(title=title, shown=shown, every=every)


def _finish(ax: Axes, title: str, names: Sequence[str]) -> Axes:
    ax.set_title(title, loc="left", color=TEXT, fontsize=11, parse_math=False)
    ax.set_yticks(range(len(names)), names, parse_math=False, fontsize=8)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.margins(x=0.12)
    ax.set_xlim(left=0)
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x", color=FAINT, linewidth=0.6)
    ax.set_axisbelow(True)
    return ax


def _nothing(ax: Axes, title: str, text: str) -> Axes:
    ax.set_title(title, loc="left", color=TEXT)
    ax.text(0.5, 0.5, text, ha="center", va="center", transform=ax.transAxes, color=TEXT)
    ax.set_axis_off()
    return ax
