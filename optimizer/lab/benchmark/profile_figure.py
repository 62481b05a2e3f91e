"""The performance profile of a benchmark: for each method the share of problems it solves within a factor of the quickest."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, PercentFormatter

from optimizer.base.files.readwrite import written_whole
from optimizer.report.palette import FAINT, TEXT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

STYLES = (("#2b7bba", "-"), ("#d55e00", "--"), ("#006b4f", "-."), ("#a3477a", ":"), ("#1a1a1a", (0, (6, 1, 1, 1))))
"""Colour and dash of each curve: distinguishable in grey too."""
WIDEST = 1000.0
"""Largest factor drawn."""


def draw_profile(ax: Axes, ratios: Mapping[str, NDArray[np.float64]]) -> Axes:
    """Draw a performance profile.

    Parameters
    ----------
    ax
        Where to draw.
    ratios
        For each method, (problems,) its time over that of the quickest method of the problem, >= 1, sorted; infinity where it failed.
    """
    finite = np.concatenate([own[np.isfinite(own)] for own in ratios.values()] or [np.ones(1)])
    right = float(np.clip(finite.max(initial=1.0) * 1.3, 2.0, WIDEST))
    for (method, own), (colour, dash) in zip(ratios.items(), cycle(STYLES), strict=False):
        solved = own[np.isfinite(own)]
        factor = np.unique(np.concatenate(([1.0], solved, [right])))
        ax.step(
            factor,
            np.searchsorted(solved, factor, side="right") / max(1, own.size),
            where="post",
            color=colour,
            linestyle=dash,
            linewidth=2,
            label=f"{method}: {solved.size} of {own.size} proven",
        )
    ax.set_xscale("log")
    ax.set_xlim(1.0, right)
    ax.set_ylim(0.0, 1.02)
    ax.set_xlabel("Time over that of the quickest method of each problem")
    ax.set_ylabel("Problems proven within that factor")
    ax.xaxis.set_major_formatter(FuncFormatter(lambda factor, _: f"{factor:g}"))
    ax.xaxis.set_minor_formatter(FuncFormatter(lambda factor, _: f"{factor:g}" if right < 12 else ""))
    ax.yaxis.set_major_formatter(PercentFormatter(1.0))
    ax.set_title("Performance profile", loc="left", color=TEXT)
    ax.legend(loc="lower right", facecolor="white", edgecolor="none", framealpha=1.0)
    ax.grid(color=FAINT, linewidth=0.6)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def save_profile(path: Path, ratios: Mapping[str, NDArray[np.float64]]) -> None:
    """Write a performance profile as a PNG, whole or not at all."""
    figure = Figure(figsize=(8.0, 5.0), dpi=150, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    draw_profile(figure.add_subplot(), ratios)
    with written_whole(path) as temporary:
        canvas.print_figure(temporary, bbox_inches="tight", pad_inches=0.1)
