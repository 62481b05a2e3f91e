"""Maps of plans side by side: the same roads, and what each plan has of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from optimizer.base.formatting import plain
from optimizer.base.language import gettext as _
from optimizer.base.language import marked
from optimizer.report.palette import ROAD, SITES, TEXT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from optimizer.report.content.straight_roads import StraightRoads

DPI = 200
NAME_LENGTH = 46
MOST_PLANS = 6
"""Plans that one sheet shows."""
BESIDE = 2
"""Maps in a row."""
LOOKS = {
    "shared": (marked("in the first plan too"), "o", SITES["kept"].fill),
    "comes": (marked("not in the first plan"), "s", SITES["new"].fill),
    "goes": (marked("in the first plan alone"), "x", "#a3002b"),
}
"""Label, marker and colour of what a map shows of a plan."""


@dataclass(frozen=True, slots=True)
class PlanMap:
    """A plan on a map.

    Attributes
    ----------
    title
        Above it.
    shared, comes, goes
        (k, 2) degrees of what it has as the first plan has, has besides, and has not.
    """

    title: str
    shared: NDArray[np.float64]
    comes: NDArray[np.float64]
    goes: NDArray[np.float64]


def draw_plan_map(ax: Axes, roads: StraightRoads, plan: PlanMap) -> Axes:
    """Draw a plan over the roads into axes and return them."""
    ax.add_collection(LineCollection(list(np.stack((roads.begin, roads.end), axis=1)), colors=ROAD, linewidths=0.5))
    for name, (label, marker, colour) in LOOKS.items():
        at = getattr(plan, name)
        edge = None if marker == "x" else "white"
        ax.scatter(
            at[:, 0],
            at[:, 1],
            s=40,
            marker=marker,
            color=colour,
            linewidths=1,
            zorder=3,
            label=_(label),
            edgecolors=edge,
        )
    ends = np.vstack((roads.begin, roads.end))
    if ends.size:
        ax.set_aspect(1 / max(float(np.cos(np.radians(ends[:, 1].mean()))), 0.05))
    ax.autoscale_view()
    ax.set_xticks([])
    ax.set_yticks([])
    ax.set_title(plain(plan.title, NAME_LENGTH), loc="left", fontsize=10, color=TEXT, parse_math=False)
    return ax


def save_plan_maps(folder: Path, roads: StraightRoads, plans: Sequence[PlanMap]) -> Path:
    """Write maps.png and maps.svg, the first plans side by side, into an existing folder; return the former."""
    shown = plans[:MOST_PLANS]
    columns = min(BESIDE, len(shown))
    rows = -(-len(shown) // columns)
    figure = Figure(figsize=(5.2 * columns, 4.4 * rows + 0.5), dpi=DPI, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax, plan in zip(axes, shown, strict=False):
        draw_plan_map(ax, roads, plan)
    for ax in axes[len(shown) :]:
        ax.set_axis_off()
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False, fontsize=9)
    figure.savefig(folder / "maps.png")
    figure.savefig(folder / "maps.svg", metadata={"Date": None})
    return folder / "maps.png"
