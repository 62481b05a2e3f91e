"""Figures of analyses: the budget curve, the shares of a cooperation, and maps of plans
side by side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from optimizer.base.text.formatting import ValueText, decimal, number, percent, plain
from optimizer.base.text.language import gettext as _
from optimizer.base.text.language import marked
from optimizer.problem.plan.result import ProvenInterval, ValueBounds, difference
from optimizer.report.maps.geography import LEAST_DEGREES, StraightRoads
from optimizer.report.palette import AFTER, BOUND, FAINT, ROAD, SITES, TEXT

if TYPE_CHECKING:
    from matplotlib.axes import Axes


CURVE_DPI = 300

BUDGET_NAME_LENGTH = 60

BUDGETS_NAMED = 5
"""Amounts that stand under a curve, at most."""

LINE_LETTERS = 56
"""Letters of a line of a curve's title: as many as its figure is wide."""


def draw_frontier(
    ax: Axes,
    resource: str,
    budgets: Sequence[float],
    lower: Sequence[float],
    upper: Sequence[float],
    knee: int | None,
    values: ValueText,
    *,
    changes: bool = False,
) -> Axes:
    """Draw a curve into axes and return them.

    Parameters
    ----------
    ax
        Where to draw.
    resource
        What people call the resource, with its unit.
    budgets, lower, upper
        (points,) budgets, proven bounds and values of the plans found.
    knee
        The point to mark; None for none.
    values
        How values are written.
    changes
        Whether the budgets are numbers of sites that may differ from today.
    """
    ax.fill_between(
        budgets,
        lower,
        upper,
        color=FAINT,
        alpha=0.6,
        linewidth=0,
        label=_("Not known: a better plan may lie here"),
    )
    ax.plot(
        budgets,
        upper,
        color=AFTER,
        marker="o",
        markersize=4,
        linewidth=1.8,
        label=_("Best plan found"),
    )
    ax.plot(
        budgets,
        lower,
        color=BOUND,
        linestyle="--",
        linewidth=1.4,
        label=_("No plan gets below this"),
    )
    if knee is not None:
        ax.annotate(
            _("From {budget} on a unit brings on average\nless than over the whole curve").format(
                budget=number(budgets[knee])
            ),
            (budgets[knee], upper[knee]),
            xytext=(0.03, 0.05),
            textcoords="axes fraction",
            fontsize=8,
            color=TEXT,
            arrowprops={"arrowstyle": "-", "color": TEXT, "linewidth": 0.8},
            parse_math=False,
        )
    fall = difference(
        ValueBounds(lower[0], upper[0]), ValueBounds(lower[-1], upper[-1]), rising=True
    )
    said = {
        "less": _("From {first} to {last} the value falls by {fall}"),
        "nothing": _("From {first} to {last} more brings nothing"),
    }
    title = said.get(
        fall.says,
        _("From {first} to {last} the value falls by {low} to {high}: more is not yet known"),
    )
    first, last = (number(budget) for budget in (budgets[0], budgets[-1]))
    finding = title.format(
        first=first,
        last=last,
        fall=values.points(fall.found),
        low=values.points(fall.low),
        high=values.points(fall.high),
    )
    ax.set_title(fill(finding, LINE_LETTERS), loc="left", fontsize=11, parse_math=False)
    budget = _("Budget of {resource}").format(resource=plain(resource, BUDGET_NAME_LENGTH))
    ax.set_xlabel(
        _("Sites that differ from today, at most") if changes else budget, parse_math=False
    )
    ax.xaxis.set_major_locator(MaxNLocator(BUDGETS_NAMED, steps=(1, 2, 5, 10)))
    ax.xaxis.set_major_formatter(lambda amount, _tick: number(amount, 6))
    ax.set_ylabel(_("Loads that get through"))
    if values.share:
        ax.yaxis.set_major_formatter(lambda share, _tick: percent(share))
    spread = max(max(upper) - min(lower), 0.02 * abs(max(upper)), 1e-12)
    ax.set_ylim(max(0.0, min(lower) - 0.35 * spread), max(upper) + 0.08 * spread)
    ax.grid(color=FAINT, linewidth=0.5)
    ax.spines[["top", "right"]].set_visible(False)
    # within the axes it would lie on the curve
    ax.legend(frameon=False, fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=3)
    return ax


def frontier_figure(
    resource: str,
    budgets: Sequence[float],
    lower: Sequence[float],
    upper: Sequence[float],
    knee: int | None,
    values: ValueText,
    *,
    changes: bool = False,
) -> Figure:
    """Return the figure of a curve; parameters as in `draw_frontier`."""
    figure = Figure(figsize=(6.0, 4.4), dpi=CURVE_DPI, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    draw_frontier(
        figure.add_subplot(), resource, budgets, lower, upper, knee, values, changes=changes
    )
    return figure


AGENCY_NAME_LENGTH = 40


def draw_shares(
    ax: Axes,
    agencies: Sequence[str],
    alone: Sequence[ProvenInterval],
    shares: Sequence[ProvenInterval],
    values: ValueText,
) -> Axes:
    """Draw two points with their ranges for each agency into axes and return them.

    Parameters
    ----------
    ax
        Where to draw.
    agencies
        Their names.
    alone, shares
        (agencies,) what each reaches alone, and its Shapley value.
    values
        How values are written.
    """
    for offset, intervals, color, marker, label in (
        (-0.14, alone, BOUND, "s", _("Reaches alone")),
        (0.14, shares, AFTER, "o", _("Fair share of what all reach")),
    ):
        places = [k + offset for k in range(len(agencies))]
        found = [each.found for each in intervals]
        sides = [
            [each.found - each.low for each in intervals],
            [each.high - each.found for each in intervals],
        ]
        ax.errorbar(
            found,
            places,
            xerr=sides,
            fmt=marker,
            color=color,
            capsize=3,
            linewidth=1.4,
            label=label,
        )
    ax.set_yticks(
        range(len(agencies)),
        [plain(name, AGENCY_NAME_LENGTH) for name in agencies],
        parse_math=False,
    )
    ax.invert_yaxis()
    measured = _("By how much less gets through (bars: what the bounds prove)")
    if values.share:
        ax.xaxis.set_major_formatter(lambda share, _tick: decimal(100 * share))
        measured = _("By how many points less gets through (bars: what the bounds prove)")
    # names of agencies leave little room at the left of the axis alone
    ax.set_xlabel(measured, loc="right")
    ax.set_xlim(left=min(0.0, *(each.low for each in (*alone, *shares))))
    ax.grid(axis="x", color=FAINT, linewidth=0.5)
    ax.spines[["top", "right"]].set_visible(False)
    # not on the bars
    ax.legend(frameon=False, fontsize=8, loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
    return ax


def shares_figure(
    agencies: Sequence[str],
    alone: Sequence[ProvenInterval],
    shares: Sequence[ProvenInterval],
    values: ValueText,
) -> Figure:
    """Return the figure of a cooperation; parameters as in `draw_shares`."""
    size = (6.0, 1.4 + 0.55 * len(agencies))
    figure = Figure(figsize=size, dpi=CURVE_DPI, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    draw_shares(figure.add_subplot(), agencies, alone, shares, values)
    return figure


PLAN_MAP_DPI = 200

PLAN_NAME_LENGTH = 60

MOST_PLANS = 6
"""Plans that one sheet shows."""

BESIDE = 2
"""Maps in a row."""

LOOKS = {
    "kept": (marked("In both plans"), "kept"),
    "goes": (marked("Only in the first plan: closed"), "given up"),
    "changes": (marked("Of another kind than in the first plan: changed"), "changed"),
    "comes": (marked("Not in the first plan: opened"), "new"),
}
"""What a map shows of a plan, in drawing order: its label, and the symbol of the report for it."""


@dataclass(frozen=True, slots=True)
class PlanMap:
    """A plan on a map."""

    #: Above it.
    title: str
    #: `kept`, `changes`, `comes`, `goes`: (k, 2) degrees of what it has as the first
    #: plan has, has of another kind, has besides, and has not.
    kept: NDArray[np.float64]
    changes: NDArray[np.float64]
    comes: NDArray[np.float64]
    goes: NDArray[np.float64]


def draw_plan_map(ax: Axes, roads: StraightRoads, plan: PlanMap) -> Axes:
    """Draw a plan over the roads into axes and return them."""
    ax.add_collection(
        LineCollection(
            list(np.stack((roads.begin, roads.end), axis=1)), colors=ROAD, linewidths=0.5
        )
    )
    for name, (label, standing) in LOOKS.items():
        at, look = getattr(plan, name), SITES[standing]
        ax.scatter(
            at[:, 0],
            at[:, 1],
            s=(0.5 * look.size) ** 2,
            marker=look.matplotlib,
            color=look.fill,
            linewidths=0.8,
            zorder=3,
            label=_(label),
            edgecolors=look.line,
        )
    ends = np.vstack((roads.begin, roads.end))
    if ends.size:
        ax.set_aspect(1 / max(float(np.cos(np.radians(ends[:, 1].mean()))), 0.05))
    ax.autoscale_view()
    marks = np.vstack([getattr(plan, name) for name in LOOKS])
    if len(marks):
        low, high = marks.min(axis=0), marks.max(axis=0)
        margin = max(0.12 * float((high - low).max()), LEAST_DEGREES)
        ax.set_xlim(low[0] - margin, high[0] + margin)
        ax.set_ylim(low[1] - margin, high[1] + margin)
    ax.set_xticks([])
    ax.set_yticks([])
    ax.set_title(
        plain(plan.title, PLAN_NAME_LENGTH), loc="left", fontsize=10, color=TEXT, parse_math=False
    )
    return ax


def plan_maps_figure(roads: StraightRoads, plans: Sequence[PlanMap]) -> Figure:
    """Return the figure of the first `MOST_PLANS` plans, side by side."""
    shown = plans[:MOST_PLANS]
    columns = min(BESIDE, len(shown))
    rows = -(-len(shown) // columns)
    figure = Figure(
        figsize=(5.2 * columns, 4.4 * rows + 0.5),
        dpi=PLAN_MAP_DPI,
        facecolor="white",
        layout="constrained",
    )
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax, plan in zip(axes, shown, strict=False):
        draw_plan_map(ax, roads, plan)
    for ax in axes[len(shown) :]:
        ax.set_axis_off()
    handles, labels = axes[0].get_legend_handles_labels()
    beside = len(labels) if columns > 1 else 2  # so that it is no wider than one map
    figure.legend(
        handles, labels, loc="outside lower center", ncols=beside, frameon=False, fontsize=9
    )
    return figure
