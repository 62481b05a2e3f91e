"""The interactive map: roads by risk, traffic before and after, places and sites; layers that a click in the legend hides.

Text of records appears in hover tooltips, which bokeh escapes, and in `Text` glyphs, which it paints as they are; it is kept out of
titles, axis labels and legends, which bokeh parses as TeX.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from bokeh.embed import json_item
from bokeh.models import ColumnDataSource, HoverTool, Legend, LegendItem, ScaleBar, WheelZoomTool
from bokeh.plotting import figure

from optimizer.report.geography import border_fits, labelled_settlements, plane_of, segments_to_draw, traffic
from optimizer.report.map_lines import border_lines, flow_lines, road_lines
from optimizer.report.map_points import place_points, site_points
from optimizer.report.palette import FAINT, TEXT
from optimizer.report.words import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from optimizer.report.content import ReportContent
    from optimizer.report.geography import Plane
    from optimizer.report.map_lines import LineLayer
    from optimizer.report.map_points import PointLayer

TARGET = "map"
"""Id of the element of the page that the map fills."""

MAX_SEGMENTS = 12_000
"""Segments a browser still pans smoothly."""

TOWNS_NAMED = 30


def interactive_map(content: ReportContent, *, most: int = MAX_SEGMENTS) -> tuple[dict[str, Any], str]:
    """Return the map as bokeh's JSON item for the element `map`, and a note on what it leaves out (empty where nothing).

    Parameters
    ----------
    content
        The report.
    most
        Segments to draw; beyond that minor roads far from routes and sites are left out.
    """
    flows = traffic(content, after=False), traffic(content, after=True)
    busy = (flows[0].weight > 0) | (flows[1].weight > 0)
    busy[[segment for site in content.sites for segment in site.segments]] = True
    drawn = segments_to_draw(content, busy, most)
    plane = plane_of(content)

    plot = _empty_plot()
    items = [_draw_lines(plot, layer) for layer in flow_lines(content, plane, flows)]
    roads = [_draw_lines(plot, layer) for layer in road_lines(content, plane, drawn, flows)]
    borders = [_draw_lines(plot, layer) for layer in border_lines(content, plane)]
    framed = [*roads, *borders] if border_fits(content) else roads
    plot.x_range.renderers = plot.y_range.renderers = [item.renderers[0] for item in framed]
    items += [*roads, *borders]
    items += [_draw_points(plot, layer) for layer in (*place_points(content, plane), *site_points(content, plane))]
    items += _draw_names(plot, content, plane)
    plot.add_layout(
        Legend(items=items, click_policy="hide", label_text_font_size="12px", border_line_color=None, spacing=1),
        "right",
    )
    return json_item(plot, TARGET), _note(drawn.size, content.network.n_segments)


def _empty_plot() -> Any:  # noqa: ANN401 - bokeh has no types
    plot = figure(
        sizing_mode="stretch_width",
        height=640,
        match_aspect=True,
        tools="pan,box_zoom,zoom_in,zoom_out,reset,save",
        active_drag="pan",
        toolbar_location="above",
        background_fill_color="#ffffff",
        outline_line_color=FAINT,
    )
    wheel = WheelZoomTool(modifiers={"ctrl": True}, description="Zoom with Ctrl and the wheel")
    plot.add_tools(wheel)
    plot.toolbar.active_scroll = wheel
    plot.toolbar.logo = None
    plot.axis.visible = False
    plot.grid.visible = False
    scale = ScaleBar(range=plot.x_range, unit="m", orientation="horizontal", location="bottom_left")
    scale.update(bar_length=0.2, background_fill_alpha=0.8, border_line_color=None, label="@{value} @{unit}")
    plot.add_layout(scale)
    return plot


def _draw_lines(plot: Any, layer: LineLayer) -> LegendItem:  # noqa: ANN401 - bokeh has no types
    glyph = plot.multi_line(
        "xs",
        "ys",
        source=ColumnDataSource(layer.columns),
        line_color=layer.colour,
        line_dash=layer.dash,
        line_cap=layer.cap,
        **layer.width,
    )
    glyph.nonselection_glyph = None
    if layer.tooltips:
        plot.add_tools(_hover([glyph], layer.tooltips, line_policy="interp"))
    return LegendItem(label=layer.label, renderers=[glyph])


def _draw_points(plot: Any, layer: PointLayer) -> LegendItem:  # noqa: ANN401 - bokeh has no types
    symbol = layer.symbol
    source = ColumnDataSource(layer.columns)
    glyph = plot.scatter(
        "x",
        "y",
        source=source,
        marker=symbol.bokeh,
        size=symbol.size,
        fill_color=symbol.fill,
        line_color=symbol.line,
        line_width=1.3,
    )
    renderers = [glyph]
    if "number" in layer.columns:
        renderers.append(
            _text(plot, source, "number", color="#ffffff", size="11px", align="center", baseline="middle", style="bold")
        )
    plot.add_tools(_hover([glyph], layer.tooltips))
    return LegendItem(label=symbol.label, renderers=renderers)


def _draw_names(plot: Any, content: ReportContent, plane: Plane) -> list[LegendItem]:  # noqa: ANN401 - bokeh has no types
    towns = labelled_settlements(content, TOWNS_NAMED)
    if not towns:
        return []
    x, y = plane.project(np.array([(town.lon, town.lat) for town in towns])).round().T
    source = ColumnDataSource({"x": x.tolist(), "y": y.tolist(), "name": [plain(town.name, 28) for town in towns]})
    return [
        LegendItem(
            label="Names of towns",
            renderers=[_text(plot, source, "name", color=TEXT, size="12px", offset=6, background="#ffffff")],
        )
    ]


def _text(
    plot: Any,  # noqa: ANN401 - bokeh has no types
    source: ColumnDataSource,
    column: str,
    *,
    color: str,
    size: str,
    align: str = "left",
    baseline: str = "bottom",
    style: str = "normal",
    offset: int = 0,
    background: str | None = None,
) -> Any:  # noqa: ANN401 - bokeh has no types
    return plot.text(
        "x", "y", text=column, source=source, text_color=color, text_font_size=size, text_align=align, text_baseline=baseline,
        text_font_style=style, x_offset=offset, background_fill_color=background, background_fill_alpha=0.7,
    )  # fmt: skip


def _hover(renderers: Sequence[Any], tooltips: Iterable[tuple[str, str]], **options: str) -> HoverTool:
    return HoverTool(renderers=list(renderers), tooltips=list(tooltips), limit=1, visible=False, **options)


def _note(drawn: int, every: int) -> str:
    if drawn == every:
        return ""
    return (
        f"To stay quick, the interactive map draws {drawn:,} of {every:,} road segments: routes, watched roads and main roads first, then the"
        " minor roads nearest to them. The still maps draw them all."
    )
