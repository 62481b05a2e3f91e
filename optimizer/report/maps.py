"""Still maps: where the risk is, and what the plan does to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D

from optimizer.report.classes import UNSEARCHED, risk_classes
from optimizer.report.geography import (
    METRES_PER_DEGREE,
    border_parts,
    labelled_settlements,
    map_bounds,
    thinness,
    traffic,
)
from optimizer.report.palette import (
    AFTER,
    BEFORE,
    BORDER,
    FAINT,
    GATEWAY,
    OFFICIAL,
    ROAD,
    SETTLEMENT,
    SITES,
    TEXT,
    UNOFFICIAL,
    Symbol,
)
from optimizer.report.palette import UNSEARCHED as UNSEARCHED_COLOUR
from optimizer.report.words import SPACE, number, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from optimizer.report.content import ReportContent

TOWNS_NAMED = 18
LABEL_BOX = {"facecolor": "white", "alpha": 0.65, "edgecolor": "none", "pad": 0.6}
POINTS_PER_PIXEL = 0.55
"""Sizes of symbols are in screen pixels; on paper about half as many points look the same."""


def draw_risk(ax: Axes, content: ReportContent) -> Axes:
    """Draw roads coloured by risk, with the border and the places on it."""
    ax.set_title("Risk on the roads", loc="left", color=TEXT)
    thin = thinness(content.network.n_segments, 0.35)
    if content.risk is None:
        handles = [_roads(ax, content, slice(None), ROAD, thin, "Roads (no risk given)")]
        title = None
    else:
        classes = risk_classes(content.risk)
        unknown = classes.index == UNSEARCHED
        label = "Never searched: risk is a guess"
        handles = (
            [_roads(ax, content, unknown, UNSEARCHED_COLOUR, 0.8 * thin, label, dash=(0, (3, 1.5)))]
            if unknown.any()
            else []
        )
        for step, (words, colour) in enumerate(zip(classes.labels, classes.colours, strict=True)):
            handles.append(_roads(ax, content, classes.index == step, colour, (1.0 + 0.4 * step) * thin, words))
        title = f"Risk, {plain(content.risk.unit, 40)}"
    return _finish(ax, content, handles + _places(ax, content), title)


def draw_plan(ax: Axes, content: ReportContent) -> Axes:
    """Draw where evaders go before and after the plan, and the sites chosen and not; chosen sites carry their number."""
    ax.set_title("The plan, and the routes evaders take without and with it", loc="left", color=TEXT)
    handles = [_roads(ax, content, slice(None), FAINT, 0.6 * thinness(content.network.n_segments, 0.5), "Road")]
    for after, colour, words in ((False, BEFORE, "Routes with nothing placed"), (True, AFTER, "Routes with the plan")):
        handles += _flow(ax, content, colour, words, after=after)
    return _finish(ax, content, handles + _places(ax, content) + _sites(ax, content), None)


def flow_width(weight: NDArray[np.float64], heaviest: float, *, after: bool) -> NDArray[np.float64]:
    """Return line widths in screen pixels: area-like in weight; routes before the plan are drawn wider, as a rim round those after."""
    share = np.sqrt(weight / heaviest) if heaviest > 0 else np.zeros_like(weight)
    return np.asarray((2.0 if after else 5.5) + 8 * share)


def _roads(
    ax: Axes,
    content: ReportContent,
    which: NDArray[np.bool_] | slice,
    colour: str,
    width: float,
    label: str,
    dash: tuple[float, tuple[float, float]] | None = None,
) -> Line2D:
    lines = [shapely.get_coordinates(line) for line in content.network.lines[which]]
    ax.add_collection(
        LineCollection(
            lines, colors=colour, linewidths=width, linestyles=[dash or "solid"], capstyle="butt" if dash else "round"
        )
    )
    return Line2D([], [], color=colour, linewidth=max(width, 1.5), linestyle=dash or "solid", label=label)


def _flow(ax: Axes, content: ReportContent, colour: str, label: str, *, after: bool) -> list[Line2D]:
    weight = traffic(content, after=after).weight
    heaviest = max(weight.max(initial=0.0), traffic(content, after=False).weight.max(initial=0.0))
    busy = np.flatnonzero(weight)
    if not busy.size:
        return []
    lines = [shapely.get_coordinates(line) for line in content.network.lines[busy]]
    width = flow_width(weight[busy], heaviest, after=after) * POINTS_PER_PIXEL
    ax.add_collection(LineCollection(lines, colors=colour, linewidths=width, capstyle="round"))
    return [Line2D([], [], color=colour, linewidth=5, label=label)]


def _places(ax: Axes, content: ReportContent) -> list[Line2D]:
    handles: list[Line2D] = []
    border = border_parts(content)
    if border.size:
        lines = [shapely.get_coordinates(part) for part in border]
        ax.add_collection(
            LineCollection(lines, colors=BORDER, linewidths=1.6, linestyles=[(0, (6, 2, 1, 2))], capstyle="butt")
        )
        handles.append(Line2D([], [], color=BORDER, linewidth=1.6, linestyle=(0, (6, 2, 1, 2)), label="Border"))
    handles += _points(ax, [(town.lon, town.lat) for town in content.settlements], SETTLEMENT)
    handles += _points(ax, [(place.lon, place.lat) for place in content.gateways], GATEWAY)
    handles += _points(ax, [(place.lon, place.lat) for place in content.crossings if not place.official], UNOFFICIAL)
    handles += _points(ax, [(place.lon, place.lat) for place in content.crossings if place.official], OFFICIAL)
    west, _, east, _ = map_bounds(content)
    for town in labelled_settlements(content, TOWNS_NAMED):
        outward = 1 if town.lon < west + 0.85 * (east - west) else -1  # near the right edge the name goes to the left
        ax.annotate(
            plain(town.name, 24),
            (town.lon, town.lat),
            xytext=(4 * outward, 3),
            ha="left" if outward > 0 else "right",
            textcoords="offset points",
            fontsize=7,
            color=TEXT,
            parse_math=False,
            clip_on=True,
            bbox=LABEL_BOX,
            zorder=4,
        )
    return handles


def _sites(ax: Axes, content: ReportContent) -> list[Line2D]:
    handles: list[Line2D] = []
    for standing, symbol in SITES.items():
        handles += _points(ax, [(site.lon, site.lat) for site in content.sites if site.standing == standing], symbol)
    for place, site in enumerate(content.chosen, start=1):
        ax.annotate(
            str(place),
            (site.lon, site.lat),
            ha="center",
            va="center_baseline",
            fontsize=6,
            color="white",
            weight="bold",
            zorder=7,
        )
    return handles


def _points(ax: Axes, places: Sequence[tuple[float, float]], symbol: Symbol) -> list[Line2D]:
    if not places:
        return []
    style: dict[str, Any] = {
        "marker": symbol.matplotlib,
        "markersize": symbol.size * POINTS_PER_PIXEL,
        "markerfacecolor": symbol.fill,
        "markeredgecolor": symbol.line,
        "markeredgewidth": 0.7,
        "linestyle": "none",
    }
    ax.plot(*np.array(places).T, zorder=6 if symbol in SITES.values() else 3, **style)
    return [Line2D([], [], label=symbol.label, **style)]


def _finish(ax: Axes, content: ReportContent, handles: Sequence[Line2D], title: str | None) -> Axes:
    west, south, east, north = map_bounds(content)
    ax.set_xlim(west, east)
    ax.set_ylim(south, north)
    ax.set_aspect(1 / np.cos(np.radians((south + north) / 2)))
    ax.set_xticks([])
    ax.set_yticks([])
    for spine in ax.spines.values():
        spine.set_color(FAINT)
    _scale_bar(ax)
    legend = ax.legend(
        handles=list(handles),
        title=title,
        loc="upper left",
        bbox_to_anchor=(1.01, 1.0),
        borderaxespad=0,
        frameon=False,
        fontsize=8,
    )
    legend.get_title().set(parse_math=False, fontsize=8, fontweight="bold")
    legend.set_alignment("left")
    if content.sources:
        ax.set_xlabel(plain("; ".join(content.sources), 160), loc="left", fontsize=6, color="#4d4d4d", parse_math=False)
    return ax


def _scale_bar(ax: Axes) -> None:
    """Draw a bar of a round length, about a quarter of the map wide, in the lower left corner."""
    (west, east), (south, north) = ax.get_xlim(), ax.get_ylim()
    per_degree = METRES_PER_DEGREE * np.cos(np.radians((south + north) / 2))
    metres = _round_length((east - west) * per_degree / 4)
    x, y = west + (east - west) * 0.03, south + (north - south) * 0.03
    ax.plot([x, x + metres / per_degree], [y, y], color=TEXT, linewidth=2, solid_capstyle="butt", zorder=8)
    words = f"{number(metres / 1000)}{SPACE}km" if metres >= 1000 else f"{number(metres)}{SPACE}m"
    ax.annotate(
        words, (x, y), xytext=(0, 4), textcoords="offset points", fontsize=7, color=TEXT, bbox=LABEL_BOX, zorder=8
    )
    ax.set_xlim(west, east)
    ax.set_ylim(south, north)


def _round_length(metres: float) -> float:
    power = 10.0 ** np.floor(np.log10(metres))
    return float(power * max(step for step in (1, 2, 5) if step * power <= metres))
