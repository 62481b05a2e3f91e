"""The sheet that a still map is drawn on: its frame, its foot, its bar of scale, its legend."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.legend_handler import HandlerTuple
from matplotlib.patches import Rectangle

from optimizer.base.formatting import SPACE, number, plain
from optimizer.base.language import gettext as _
from optimizer.report.bounds import Bounds
from optimizer.report.crowds import SHAPE
from optimizer.report.geography import METRES_PER_DEGREE
from optimizer.report.palette import FAINT, TEXT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D
    from numpy.typing import NDArray

    from optimizer.report.content import ReportContent
    from optimizer.report.crowds import Crowd

    Handle: TypeAlias = Line2D | tuple[Line2D, ...]

LABEL_BOX = {"facecolor": "white", "alpha": 0.65, "edgecolor": "none", "pad": 0.6}
POINTS_PER_PIXEL = 0.55
"""Sizes of symbols are in screen pixels; on paper about half as many points look the same."""
FOOT_POINTS = 6.0
LEGEND_POINTS = 8.0


def fix_frame(ax: Axes, bounds: Bounds) -> None:
    """Fix what the map shows (degrees), so that places on the sheet are known before anything is drawn."""
    ax.set_xlim(bounds.west, bounds.east)
    ax.set_ylim(bounds.south, bounds.north)
    ax.set_aspect(1 / np.cos(np.radians(bounds.middle_latitude)))
    ax.set_autoscale_on(False)
    ax.apply_aspect()


def on_sheet(ax: Axes, lonlat: Sequence[tuple[float, float]] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (k, 2) points of a typographer for (k, 2) degrees."""
    pixels = ax.transData.transform(np.asarray(lonlat, dtype=np.float64).reshape(-1, 2))
    return np.asarray(pixels * 72 / ax.figure.dpi)


def sheet_bounds(ax: Axes) -> Bounds:
    """Return the bounds of the map on the sheet, in points of a typographer."""
    box, inch = ax.bbox, ax.figure.dpi / 72
    return Bounds(box.x0 / inch, box.y0 / inch, box.x1 / inch, box.y1 / inch)


def finish_map(
    ax: Axes, content: ReportContent, handles: Sequence[Handle], title: str | None, *, below: bool = False
) -> Axes:
    """Add scale bar, attribution and legend: beside the map, or `below` it in two columns."""
    ax.set_xticks([])
    ax.set_yticks([])
    for spine in ax.spines.values():
        spine.set_color(FAINT)
    _scale_bar(ax)
    ax.annotate(
        _("N") + "\N{UPWARDS ARROW}",
        (0.985, 0.02),
        xycoords="axes fraction",
        ha="right",
        fontsize=9,
        color=TEXT,
        bbox=LABEL_BOX,
        zorder=8,
    )
    foot = _foot(ax, content)
    place: dict[str, Any] = {"bbox_to_anchor": (1.01, 1.0), "borderaxespad": 0, "ncols": 1}
    if below:
        under = (foot.count("\n") + 1.0) * 1.3 * FOOT_POINTS + 6 if foot else 4.0
        place = {"bbox_to_anchor": (-0.01, 0.0), "borderaxespad": under / LEGEND_POINTS, "ncols": 2}
    legend = ax.legend(
        handles=list(handles),
        labels=[str((handle[0] if isinstance(handle, tuple) else handle).get_label()) for handle in handles],
        handler_map={tuple: HandlerTuple(ndivide=None, pad=0.15)},
        title=title,
        loc="upper left",
        frameon=False,
        fontsize=LEGEND_POINTS,
        **place,
    )
    legend.get_title().set(parse_math=False, fontsize=LEGEND_POINTS, fontweight="bold")
    legend.set_alignment("left")
    return ax


def inset_axes(ax: Axes, crowds: Sequence[Crowd]) -> list[Axes]:
    """Return axes under a finished map, one a place that is to be shown larger, and mark on the map what each shows."""
    inset, gap = 1 / 3, 0.02
    box, figure = ax.get_position(), ax.get_figure(root=True)
    assert figure is not None  # noqa: S101 - a map is drawn on a sheet
    wide, high = (float(size) for size in figure.get_size_inches())
    width = (inset - gap) * box.width
    height = width * wide * SHAPE / high
    lines = ax.get_xlabel().count("\n") + 1
    top = box.y0 - ((lines * 1.3 * FOOT_POINTS + 28) / 72) / high
    made = []
    for place, crowd in enumerate(crowds):
        bounds = crowd.bounds
        shape = Rectangle(
            (bounds.west, bounds.south), bounds.width, bounds.height, fill=False, color=TEXT, linewidth=0.9, zorder=8
        )
        ax.add_patch(shape)
        letter = "abc"[place]
        ax.annotate(
            letter, (bounds.west, bounds.north), xytext=(2, -2), textcoords="offset points", ha="left", va="top", fontsize=8,
            fontweight="bold", color=TEXT, bbox=LABEL_BOX, zorder=9,
        )  # fmt: skip
        made.append(figure.add_axes((box.x0 + place * inset * box.width, top - height, width, height), label=letter))
    return made


def finish_inset(ax: Axes, name: str) -> None:
    """Give an inset its title, its frame and its bar of scale."""
    ax.set_title(f"{ax.get_label()}  {name}".strip(), loc="left", fontsize=9, color=TEXT, parse_math=False)
    ax.set_xticks([])
    ax.set_yticks([])
    _scale_bar(ax)


def _foot(ax: Axes, content: ReportContent) -> str:
    """Write under the map whose data it shows, in as many lines as that takes."""
    most = max(40, int(sheet_bounds(ax).width / (0.56 * FOOT_POINTS)))
    text = textwrap.fill(plain("; ".join(content.sources)), most)
    ax.set_xlabel(text, loc="left", fontsize=FOOT_POINTS, color="#4d4d4d", parse_math=False)
    return text


def _scale_bar(ax: Axes) -> None:
    """Draw a bar of a round length, about a quarter of the map wide, in the lower left corner."""
    (west, east), (south, north) = ax.get_xlim(), ax.get_ylim()
    per_degree = METRES_PER_DEGREE * np.cos(np.radians((south + north) / 2))
    metres = _round_length((east - west) * per_degree / 4)
    x, y = west + (east - west) * 0.03, south + (north - south) * 0.03
    ax.plot([x, x + metres / per_degree], [y, y], color=TEXT, linewidth=2, solid_capstyle="butt", zorder=8)
    text = f"{number(metres / 1000)}{SPACE}km" if metres >= 1000 else f"{number(metres)}{SPACE}m"
    ax.annotate(
        text, (x, y), xytext=(0, 4), textcoords="offset points", fontsize=7, color=TEXT, bbox=LABEL_BOX, zorder=8
    )


def _round_length(metres: float) -> float:
    power = 10.0 ** np.floor(np.log10(metres))
    return float(power * max(step for step in (1, 2, 5) if step * power <= metres))
