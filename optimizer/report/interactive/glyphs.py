"""Parts of the interactive map in bokeh: the empty plot, lines, points, texts, and what a pointer shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bokeh.models import ColumnDataSource, HoverTool, LegendItem, ScaleBar, WheelZoomTool
from bokeh.plotting import figure

from optimizer.base.language import ENGLISH, marked, spoken
from optimizer.base.language import gettext as _
from optimizer.report.palette import FAINT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from optimizer.report.interactive.line_layers import LineLayer
    from optimizer.report.interactive.point_layers import PointLayer

HEIGHT = 760
"""Height of the map on the screen, in pixels."""

SMALL = 0.7
"""What a symbol whose number stands on a badge of its own is shrunk by."""


TOOLS = {
    "PanTool": marked("Pan"),
    "BoxZoomTool": marked("Box Zoom"),
    "ZoomInTool": marked("Zoom In"),
    "ZoomOutTool": marked("Zoom Out"),
    "ResetTool": marked("Reset"),
}
"""What bokeh calls its buttons."""


def empty_plot() -> Any:  # noqa: ANN401 - bokeh has no types
    """Return a plot without axes, with tools to move and zoom and a bar of scale."""
    plot = figure(
        sizing_mode="stretch_width",
        height=HEIGHT,
        match_aspect=True,
        tools="pan,box_zoom,zoom_in,zoom_out,reset",
        active_drag="pan",
        toolbar_location="above",
        background_fill_color="#ffffff",
        outline_line_color=FAINT,
    )
    wheel = WheelZoomTool(modifiers={"ctrl": True}, description=_("Zoom with Ctrl and the wheel"))
    plot.add_tools(wheel)
    plot.toolbar.active_scroll = wheel
    plot.toolbar.active_inspect = None  # the page's script shows one card at a time, made of these tooltips
    plot.toolbar.logo = None
    name_tools(plot)
    plot.axis.visible = False
    plot.grid.visible = False
    scale = ScaleBar(range=plot.x_range, unit="m", orientation="horizontal", location="bottom_left")
    scale.update(bar_length=0.2, background_fill_alpha=0.8, border_line_color=None, label="@{value} @{unit}")
    plot.add_layout(scale, "below")  # not on the map: it would hide what lies in its corner
    return plot


def name_tools(plot: Any) -> None:  # noqa: ANN401 - bokeh has no types
    """Name the tools of a map in the language that is spoken; in English they are named as bokeh does."""
    if spoken().code != ENGLISH:
        for tool in plot.toolbar.tools:
            if type(tool).__name__ in TOOLS:
                tool.description = _(TOOLS[type(tool).__name__])


def draw_lines(plot: Any, layer: LineLayer) -> LegendItem:  # noqa: ANN401 - bokeh has no types
    """Draw a layer of lines, and return its line of the legend."""
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
    glyph.visible = layer.shown
    if layer.tooltips:
        plot.add_tools(hover([glyph], layer.tooltips, line_policy="interp"))
    return LegendItem(label=layer.label, renderers=[glyph])


def draw_points(plot: Any, layer: PointLayer) -> LegendItem:  # noqa: ANN401 - bokeh has no types
    """Draw a layer of points, and return its line of the legend."""
    symbol = layer.symbol
    glyph = plot.scatter(
        "x",
        "y",
        source=ColumnDataSource(layer.columns),
        marker=symbol.bokeh,
        size=(SMALL if "number" in layer.columns else 1) * symbol.size,
        fill_color=symbol.fill,
        line_color=symbol.line,
        line_width=1.3,
    )
    plot.add_tools(hover([glyph], layer.tooltips))
    return LegendItem(label=symbol.text, renderers=[glyph])


def draw_ring(plot: Any) -> None:  # noqa: ANN401 - bokeh has no types
    """Add the ring that the page's script puts round the mark whose card is open."""
    ring = plot.scatter(
        "x", "y", source=ColumnDataSource({"x": [], "y": []}), marker="circle", size=34, fill_color=None, line_color="#d00000", line_width=3
    )  # fmt: skip
    ring.name = "ring"


def draw_text(plot: Any, source: ColumnDataSource, column: str, **style: Any) -> Any:  # noqa: ANN401 - bokeh has no types
    """Write a column of a source at its points; `style` is bokeh's."""
    return plot.text("x", "y", text=column, source=source, text_align="center", text_baseline="middle", **style)


def hover(renderers: Sequence[Any], tooltips: Iterable[tuple[str, str]], **options: str) -> HoverTool:
    """Return a tool that shows tooltips over renderers; `options` are bokeh's."""
    return HoverTool(renderers=list(renderers), tooltips=list(tooltips), limit=1, visible=False, **options)


def tagged(item: LegendItem, choices: list[str], *, visible: bool = True) -> LegendItem:
    """Let a layer and its line of the legend show under some choices alone; `visible` says whether the first is among them."""
    for part in (item, *item.renderers):
        part.update(tags=choices, visible=visible)
    return item
