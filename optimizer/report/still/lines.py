"""Lines on a still map: roads, routes, beats and the border."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D

from optimizer.base.language import gettext as _
from optimizer.report.drawn_beats import RIM
from optimizer.report.geography import border_parts, thinness
from optimizer.report.palette import AFTER, BEFORE, BORDER
from optimizer.report.still.sheet import POINTS_PER_PIXEL
from optimizer.report.traffic import flow_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from optimizer.report.content import ReportContent
    from optimizer.report.drawn_beats import DrawnBeat
    from optimizer.report.map_layers import MapLayers
    from optimizer.report.road_layers import RoadClass, RoadLayer
    from optimizer.report.traffic import Layout


def draw_layer(ax: Axes, content: ReportContent, layer: RoadLayer) -> list[Line2D]:
    """Draw the roads as a layer colours them, and return the lines of the legend."""
    thin = thinness(content.network.n_segments, 0.35)
    return [handle for part in layer.classes for handle in draw_roads(ax, content, part, thin)]


def draw_roads(ax: Axes, content: ReportContent, part: RoadClass, thin: float) -> list[Line2D]:
    """Draw the roads of one class, their width times `thin`, and return the line of the legend."""
    lines = content.network.lines[part.segments]
    if part.dashed:  # short pieces of a long road would each begin their dashes anew and look like one whole line
        lines = shapely.get_parts(shapely.line_merge(shapely.multilinestrings(lines)))
    width = part.width * POINTS_PER_PIXEL * thin * 1.3
    style = (0.0, (3.0, 1.5)) if part.dashed else (0.0, ())
    ax.add_collection(
        LineCollection(
            [shapely.get_coordinates(line) for line in lines],
            colors=part.colour,
            linewidths=width,
            linestyles=[style],
            capstyle="butt" if part.dashed else "round",
        ),
        autolim=False,
    )
    return [
        Line2D([], [], color=part.colour, linewidth=float(np.clip(width, 1.5, 4.0)), linestyle=style, label=part.label)
    ]


def draw_routes(ax: Axes, content: ReportContent, layers: MapLayers, *, after: bool) -> list[Line2D]:
    """Draw the routes with the plan, or with nothing placed."""
    colour, label = (AFTER, _("Routes with the plan")) if after else (BEFORE, _("Routes with nothing placed"))
    layout: Layout = "after" if after else "before"
    weight = (layers.after if after else layers.before).weight
    heaviest = max(weight.max(initial=0.0), layers.before.weight.max(initial=0.0))
    busy = np.flatnonzero(weight)
    if not busy.size:
        return []
    lines = [shapely.get_coordinates(line) for line in content.network.lines[busy]]
    width = flow_width(weight[busy], heaviest, layout) * POINTS_PER_PIXEL
    ax.add_collection(LineCollection(lines, colors=colour, linewidths=width, capstyle="round"), autolim=False)
    return [Line2D([], [], color=colour, linewidth=5, label=label)]


def draw_border(ax: Axes, content: ReportContent) -> list[Line2D]:
    """Draw the border, where there is one, and return the line of the legend."""
    border = border_parts(content)
    if not border.size:
        return []
    lines = [shapely.get_coordinates(part) for part in border]
    style = (0.0, (6.0, 2.0, 1.0, 2.0))
    ax.add_collection(
        LineCollection(lines, colors=BORDER, linewidths=1.6, linestyles=[style], capstyle="butt"), autolim=False
    )
    return [Line2D([], [], color=BORDER, linewidth=1.6, linestyle=style, label=_("Border"))]


def draw_beat(ax: Axes, beat: DrawnBeat) -> None:
    """Draw the roads of a beat with a white rim, so that it parts from what lies under it."""
    lines = [shapely.get_coordinates(line) for line in beat.lines]
    for width, colour in ((beat.width + 2 * RIM, "white"), (beat.width, beat.colour)):
        drawn = LineCollection(lines, colors=colour, linewidths=width * POINTS_PER_PIXEL, capstyle="round")
        ax.add_collection(drawn, autolim=False)
