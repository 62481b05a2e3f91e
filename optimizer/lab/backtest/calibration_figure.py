"""Calibration drawn: what each tenth of the predicted chances promised, and what was found, with the counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from scipy.stats import beta, gamma

from optimizer.base.files import written_whole
from optimizer.report.palette import AFTER as FOUND
from optimizer.report.palette import BOUND as PREDICTED
from optimizer.report.palette import FAINT, TEXT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

COLUMNS = 3
PANEL_INCHES = 4.2
DPI = 130
LEVEL = 0.9


@dataclass(frozen=True)
class Panel:
    """What one panel shows; g groups of rising prediction.

    Attributes
    ----------
    title
        Above it.
    predicted
        (g,) predicted share of searches with a find, or predicted finds over those expected.
    finds, searches
        (g,) what was found, and in how many searches (or how many finds were expected).
    counted
        Whether finds are counted against those expected, rather than searches that end in yes or no.
    """

    title: str
    predicted: Floats
    finds: Floats
    searches: Floats
    counted: bool


def save_calibration(path: Path, panels: Sequence[Panel]) -> None:
    """Write the panels as one PNG, whole or not at all."""
    across = min(COLUMNS, max(1, len(panels)))
    down = max(1, -(-len(panels) // COLUMNS))
    figure = Figure(
        figsize=(PANEL_INCHES * across, PANEL_INCHES * down), dpi=DPI, facecolor="white", layout="constrained"
    )
    canvas = FigureCanvasAgg(figure)
    for number, one in enumerate(panels):
        draw_tenths(figure.add_subplot(down, across, number + 1), one)
    with written_whole(path) as temporary:
        canvas.print_figure(temporary)


def draw_tenths(ax: Axes, panel: Panel) -> Axes:
    """Draw what each group promised and what was found there, with the numbers under it: finds, and of how many searches (or expected)."""
    at = np.arange(1, panel.finds.size + 1)
    found = panel.finds / panel.searches
    ax.errorbar(
        at,
        found,
        yerr=np.abs(_ends(panel) - found),
        fmt="o",
        color=FOUND,
        elinewidth=1.2,
        markersize=5,
        label=f"found, with {100 * LEVEL:.0f} % interval",
    )
    ax.plot(
        at,
        panel.predicted,
        marker="D",
        markersize=5,
        color=PREDICTED,
        markerfacecolor="white",
        linestyle=(0, (4, 2)),
        linewidth=1,
        label="predicted",
    )
    ax.set_xticks(
        at,
        [f"{y:.0f} of {n:.0f}" for y, n in zip(panel.finds.tolist(), panel.searches.tolist(), strict=True)],
        rotation=90,
        fontsize=7,
    )
    ax.set_ylim(bottom=0)
    ax.set_xlabel(
        ("Finds of those expected" if panel.counted else "Finds of searches") + ", in tenths of rising prediction"
    )
    ax.set_ylabel("Finds over those at the global rate" if panel.counted else "Share of searches with a find")
    ax.set_title(panel.title, loc="left", color=TEXT, parse_math=False)
    ax.legend(loc="lower right", fontsize=8, frameon=False)
    ax.grid(color=FAINT, linewidth=0.6)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _ends(panel: Panel) -> Floats:
    """Return (2, g) interval of each share, or rate where finds are counted, under Jeffreys's prior."""
    sides = np.array([[0.5 - LEVEL / 2], [0.5 + LEVEL / 2]])
    if panel.counted:
        ends = np.asarray(gamma.ppf(sides, panel.finds + 0.5)) / panel.searches
    else:
        ends = np.asarray(beta.ppf(sides, panel.finds + 0.5, panel.searches - panel.finds + 0.5))
    found = panel.finds / panel.searches
    return np.asarray([np.minimum(ends[0], found), np.maximum(ends[1], found)])
