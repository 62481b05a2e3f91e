"""Small multiples of a simulation: means over runs with their Student's intervals of 95 % by policy, over the periods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from optimizer.base.text.language import gettext as _
from optimizer.report.palette import FAINT, TEXT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from matplotlib.axes import Axes

DPI = 200

COLUMNS = 3

STROKES = ("-", "--", "-.", ":")

COLOURS = ("#4477AA", "#EE6677", "#228833", "#AA3377", "#CCBB44", "#66CCEE", "#555555", "#000000", "#BB5566", "#004488")
"""Colours that people of any colour vision tell apart, with the strokes (Tol 2021)."""


@dataclass(frozen=True, slots=True)
class PolicyCurve:
    """A measure of a policy over the periods: means with the ends of their intervals; None where nothing is known.

    A reference is drawn in black.
    """

    policy: str
    mean: tuple[float | None, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    reference: bool = False

    @classmethod
    def over_runs(cls, policy: str, periods: Iterable[Sequence[float | None]]) -> Self:
        """Return the curve of the values of each period, one a run."""
        found = [student_interval(values) for values in periods]
        mean, low, high = zip(*((each.mean, each.low, each.high) for each in found), strict=True)
        return cls(policy, mean, low, high)


@dataclass(frozen=True, slots=True)
class MeasurePanel:
    """One measure: its title and a curve for each policy."""

    title: str
    curves: tuple[PolicyCurve, ...]


def draw_panel(ax: Axes, panel: MeasurePanel) -> Axes:
    """Draw a measure into axes and return them."""
    for k, curve in enumerate(panel.curves):
        known = [t for t, value in enumerate(curve.mean) if value is not None]
        colour = TEXT if curve.reference else COLOURS[k % len(COLOURS)]
        stroke = ":" if curve.reference else STROKES[k % len(STROKES)]
        mean = [curve.mean[t] or 0.0 for t in known]
        low = [value if (value := curve.low[t]) is not None else curve.mean[t] or 0.0 for t in known]
        high = [value if (value := curve.high[t]) is not None else curve.mean[t] or 0.0 for t in known]
        periods = [t + 1 for t in known]
        ax.fill_between(periods, low, high, color=colour, alpha=0.15, linewidth=0)
        ax.plot(periods, mean, color=colour, linestyle=stroke, linewidth=1.3, label=curve.policy)
    ax.set_title(panel.title, loc="left", fontsize=9, parse_math=False)
    ax.tick_params(labelsize=7)
    ax.grid(color=FAINT, linewidth=0.5)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def panels_figure(panels: Sequence[MeasurePanel]) -> Figure:
    """Return a figure with one panel a measure."""
    rows = (len(panels) + COLUMNS - 1) // COLUMNS
    figure = Figure(figsize=(10.5, 2.6 * rows + 0.5), dpi=DPI, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    for k, panel in enumerate(panels):
        ax = draw_panel(figure.add_subplot(rows, COLUMNS, k + 1), panel)
        if k + COLUMNS >= len(panels):
            ax.set_xlabel(_("period"), fontsize=8)
        if not k:
            handles, labels = ax.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=min(len(labels), 8), frameon=False, fontsize=8)
    return figure


# A mean over runs with Student's interval: what tables, figures and consoles show of repeated simulations.

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class MeanInterval:
    """A mean over runs with its interval; None where nothing is known, and no interval with one run."""

    mean: float | None
    low: float | None
    high: float | None


def student_interval(values: Sequence[float | None]) -> MeanInterval:
    """Return the mean of what is known, with Student's interval of probability `LEVEL`; None and NaN are not known."""
    known = np.array([value for value in values if value is not None], dtype=np.float64)
    known = known[~np.isnan(known)]
    if not known.size:
        return MeanInterval(None, None, None)
    mean = float(known.mean())
    if known.size < 2:
        return MeanInterval(mean, None, None)
    from scipy.stats import t

    half = float(t.ppf((1 + LEVEL) / 2, known.size - 1)) * float(known.std(ddof=1)) / np.sqrt(known.size)
    return MeanInterval(mean, mean - half, mean + half)
