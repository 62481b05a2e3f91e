"""The figure of a budget curve: what the plans found let through, and the bound that no plan goes below, over the budget."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from optimizer.base.formatting import plain
from optimizer.base.language import gettext as _
from optimizer.base.language import localised
from optimizer.report.palette import AFTER, BOUND, FAINT, TEXT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

DPI = 300
NAME_LENGTH = 60


def draw_frontier(
    ax: Axes, resource: str, budgets: Sequence[float], lower: Sequence[float], upper: Sequence[float], knee: int | None
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
    """
    ax.fill_between(
        budgets, lower, upper, color=FAINT, alpha=0.6, linewidth=0, label=_("not known: a better plan may lie here")
    )
    ax.plot(budgets, upper, color=AFTER, marker="o", markersize=4, linewidth=1.8, label=_("best plan found"))
    ax.plot(budgets, lower, color=BOUND, linestyle="--", linewidth=1.4, label=_("no plan gets below this"))
    if knee is not None:
        ax.annotate(
            _("from {budget} on each unit brings\nless than the average").format(
                budget=localised(f"{budgets[knee]:g}")
            ),
            (budgets[knee], upper[knee]),
            xytext=(0.03, 0.05),
            textcoords="axes fraction",
            fontsize=8,
            color=TEXT,
            arrowprops={"arrowstyle": "-", "color": TEXT, "linewidth": 0.8},
            parse_math=False,
        )
    fall = upper[0] - upper[-1]
    title = (
        _("From {first} to {last} the value falls by {fall}")
        if fall > 0
        else _("From {first} to {last} more brings nothing")
    )
    first, last = (localised(f"{budget:g}") for budget in (budgets[0], budgets[-1]))
    ax.set_title(
        title.format(first=first, last=last, fall=localised(f"{fall:.3g}")),
        loc="left",
        fontsize=11,
        parse_math=False,
    )
    ax.set_xlabel(_("Budget of {resource}").format(resource=plain(resource, NAME_LENGTH)), parse_math=False)
    ax.set_ylabel(_("Value: what gets through"))
    spread = max(max(upper) - min(lower), 0.02 * abs(max(upper)), 1e-12)
    ax.set_ylim(max(0.0, min(lower) - 0.35 * spread), max(upper) + 0.08 * spread)
    ax.grid(color=FAINT, linewidth=0.5)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, fontsize=8, loc="upper right")
    return ax


def save_frontier(
    folder: Path,
    resource: str,
    budgets: Sequence[float],
    lower: Sequence[float],
    upper: Sequence[float],
    knee: int | None,
) -> None:
    """Write frontier.png (300 dpi) and frontier.svg into an existing folder; parameters as in `draw_frontier`."""
    figure = Figure(figsize=(7.5, 4.6), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    draw_frontier(figure.add_subplot(), resource, budgets, lower, upper, knee)
    figure.savefig(folder / "frontier.png", bbox_inches="tight", pad_inches=0.1)
    figure.savefig(folder / "frontier.svg", bbox_inches="tight", pad_inches=0.1, metadata={"Date": None})
