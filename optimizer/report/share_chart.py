"""The figure of a cooperation: what each agency reaches alone, and its share of what all reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from optimizer.base.formatting import plain
from optimizer.base.language import gettext as _
from optimizer.report.palette import AFTER, BOUND, FAINT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from optimizer.problem.coalition_game import WorthInterval

DPI = 300
NAME_LENGTH = 40


def draw_shares(
    ax: Axes, agencies: Sequence[str], alone: Sequence[WorthInterval], shares: Sequence[WorthInterval]
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
    """
    for offset, intervals, color, marker, label in (
        (-0.14, alone, BOUND, "s", _("reaches alone")),
        (0.14, shares, AFTER, "o", _("fair share of what all reach")),
    ):
        places = [k + offset for k in range(len(agencies))]
        found = [each.found for each in intervals]
        sides = [[each.found - each.low for each in intervals], [each.high - each.found for each in intervals]]
        ax.errorbar(found, places, xerr=sides, fmt=marker, color=color, capsize=3, linewidth=1.4, label=label)
    ax.set_yticks(range(len(agencies)), [plain(name, NAME_LENGTH) for name in agencies], parse_math=False)
    ax.invert_yaxis()
    ax.set_xlabel(_("By how much less gets through (bars: what the bounds prove)"))
    ax.set_xlim(left=min(0.0, *(each.low for each in (*alone, *shares))))
    ax.grid(axis="x", color=FAINT, linewidth=0.5)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, fontsize=8, loc="best")
    return ax


def save_shares(
    folder: Path, agencies: Sequence[str], alone: Sequence[WorthInterval], shares: Sequence[WorthInterval]
) -> None:
    """Write shares.png (300 dpi) and shares.svg into an existing folder; parameters as in `draw_shares`."""
    figure = Figure(figsize=(7.5, 1.4 + 0.55 * len(agencies)), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    draw_shares(figure.add_subplot(), agencies, alone, shares)
    figure.savefig(folder / "shares.png", bbox_inches="tight", pad_inches=0.1)
    figure.savefig(folder / "shares.svg", bbox_inches="tight", pad_inches=0.1, metadata={"Date": None})
