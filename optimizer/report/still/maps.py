"""Still maps: where the risk is, and what the plan does to it."""

from __future__ import annotations

from dataclasses import astuple
from typing import TYPE_CHECKING

import numpy as np
import shapely

from optimizer.base.language import gettext as _
from optimizer.report.geography import map_bounds, thinness
from optimizer.report.map_layers import map_layers
from optimizer.report.palette import GATEWAY, LOOK, MINOR_ROAD, TEXT
from optimizer.report.placing import OccupiedBoxes, boxes_around
from optimizer.report.road_layers import RoadClass
from optimizer.report.still.lines import draw_beat, draw_border, draw_layer, draw_roads, draw_routes
from optimizer.report.still.places import (
    draw_badges,
    draw_bases,
    draw_posts,
    draw_sites,
    draw_towns,
    draw_ways_in,
    name_border_towns,
)
from optimizer.report.still.sheet import POINTS_PER_PIXEL, finish_inset, finish_map, fix_frame, inset_axes, on_sheet

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from optimizer.report.bounds import Bounds
    from optimizer.report.content import ReportContent
    from optimizer.report.map_layers import MapLayers
    from optimizer.report.road_layers import RoadLayer
    from optimizer.report.still.sheet import Handle


def draw_road_layer(ax: Axes, content: ReportContent, layer: RoadLayer, bounds: Bounds | None = None) -> Axes:
    """Draw the roads as one layer colours them, with the border and the towns; the legend stands below.

    `bounds` are those of the map in degrees, where they have been worked out.
    """
    ax.set_title(layer.name, loc="left", color=TEXT, parse_math=False)
    fix_frame(ax, bounds or map_bounds(content))
    border = draw_border(ax, content)  # under the roads: what is known of a bridge lies on it
    occupied = OccupiedBoxes()
    name_border_towns(ax, content, occupied)
    handles = draw_layer(ax, content, layer) + border + draw_towns(ax, content, occupied)
    return finish_map(ax, content, handles, layer.title, below=True)


def draw_look_next(ax: Axes, content: ReportContent, layers: MapLayers) -> Axes:
    """Draw where to look next over how sure the risk is, numbered as in the table."""
    layer = layers.under_advice
    ax.set_title(LOOK.text, loc="left", color=TEXT)
    fix_frame(ax, layers.bounds)
    rows = content.look_first
    middle = content.network.segment_midpoint[[row.segment for row in rows]]
    occupied = OccupiedBoxes()
    name_border_towns(ax, content, occupied)
    handles = draw_layer(ax, content, layer) + draw_border(ax, content)
    handles += draw_badges(ax, middle.reshape(-1, 2), [LOOK] * len(rows), occupied) + draw_towns(ax, content, occupied)
    return finish_map(ax, content, handles, layer.title, below=True)


def draw_plan(ax: Axes, content: ReportContent, layers: MapLayers | None = None) -> Axes:
    """Draw where evaders go before and after the plan, and the sites chosen and not; chosen sites carry their number.

    `layers` are those of the content, where they have been made.
    """
    layers = layers or map_layers(content)
    ax.set_title(_("The plan, and the routes evaders take without and with it"), loc="left", color=TEXT)
    handles = _draw_marks(ax, content, layers, layers.bounds)
    finish_map(ax, content, handles, None)
    for inset, crowd in zip(inset_axes(ax, layers.crowds), layers.crowds, strict=True):
        _draw_marks(inset, content, layers, crowd.bounds)
        finish_inset(inset, crowd.name)
    return ax


def _draw_marks(ax: Axes, content: ReportContent, layers: MapLayers, bounds: Bounds) -> list[Handle]:
    """Draw roads, routes and marks within bounds (degrees), and return the lines of the legend."""
    fix_frame(ax, bounds)
    lines = content.network.lines
    inside = np.sort(shapely.STRtree(lines).query(shapely.box(*astuple(bounds))))
    every = RoadClass(_("Road"), inside, MINOR_ROAD, 0.6 / POINTS_PER_PIXEL)
    handles: list[Handle] = [*draw_roads(ax, content, every, thinness(content.network.n_segments, 0.5))]
    handles += draw_routes(ax, content, layers, after=False)
    handles += draw_routes(ax, content, layers, after=True)
    occupied = OccupiedBoxes()
    name_border_towns(ax, content, occupied)
    for beat in layers.beats:
        draw_beat(ax, beat)
    handles += draw_border(ax, content) + draw_ways_in(ax, content) + draw_sites(ax, content, occupied)
    handles += [*draw_bases(ax, layers.beats, occupied), *draw_posts(ax, layers.beats, occupied)]
    ways = [(place.lon, place.lat) for place in content.gateways]
    ways += [(place.lon, place.lat) for place in content.crossings]
    occupied.add(boxes_around(on_sheet(ax, ways), 0.6 * GATEWAY.size * POINTS_PER_PIXEL))
    return [*handles, *draw_towns(ax, content, occupied)]
