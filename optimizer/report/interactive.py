"""The interactive map: roads by risk, traffic before and after, places and sites; layers that a click in the legend hides.

Text of records appears in hover tooltips, which bokeh escapes, and in `Text` glyphs, which it paints as they are; it is kept out of
titles, axis labels and legends, which bokeh parses as TeX.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from bokeh.embed import json_item
from bokeh.models import CDSView, ColumnDataSource, HoverTool, IndexFilter, Legend, LegendItem, ScaleBar, WheelZoomTool
from bokeh.plotting import figure

from optimizer.base.formatting import plain
from optimizer.report.geography import (
    border_fits,
    map_bounds,
    plane_of,
    segments_to_draw,
    thinness,
    towns_by_size,
)
from optimizer.report.map_lines import border_lines, flow_lines, road_columns, road_tooltips
from optimizer.report.map_points import look_points, place_points, site_points
from optimizer.report.map_tours import POST_TOOLTIPS, TOUR_TOOLTIPS, base_points, tour_lines, tour_posts
from optimizer.report.palette import FAINT, GATEWAY, LOOK, OFFICIAL, POST, SETTLEMENT, SITES, TEXT, UNOFFICIAL
from optimizer.report.placing import Taken, boxes_around, place_badges, place_words, text_width
from optimizer.report.tours import tours
from optimizer.report.views import map_layers

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from optimizer.report.content import ReportContent
    from optimizer.report.geography import Plane
    from optimizer.report.map_lines import LineLayer
    from optimizer.report.map_points import PointLayer
    from optimizer.report.views import MapLayers, View

TARGET = "map"
"""Id of the element of the page that the map fills."""

MAX_SEGMENTS = 12_000
"""Segments a browser still pans smoothly."""

TOWNS_NAMED = 30

LOOK_VIEW = "look"
"""Id of the view of where to look next."""

HEIGHT = 760
"""Height of the map on the screen, in pixels."""

SCREENS = {"wide": (930.0, 590.0), "narrow": (330.0, 290.0)}
"""About what a map is wide and high when it opens, in pixels, on a desk and on a telephone. What is placed for one screen bears its name;
the page's script shows what belongs to the screen it finds."""

BADGE = 18.0
"""Size of a site's number on its ground, in pixels."""

POST_BADGE = 16.0
"""The same of a post's."""

BEATS_BESIDE = {"wide": 16, "narrow": 5}
"""Letters of beats in a row of their legend."""

POSTS_LETTERED = {"wide": 120, "narrow": 30}
"""Posts beyond which only the first of each beat bears its letter: the others would lie on one another."""

LEGEND_TITLE, LEGEND_ROW = 34, 19
"""Height of the title and of a row of the legend of beats, in pixels."""

SMALL = 0.7
"""What a symbol whose number stands on a badge of its own is shrunk by."""


@dataclass(frozen=True, slots=True)
class MapView:
    """A choice above the map: `id` for the page's script, `name` to choose it by, `title` for what the colours count.

    Names and titles may hold a record's text.
    """

    id: str
    name: str
    title: str


def map_views(content: ReportContent, layers: MapLayers) -> list[MapView]:
    """Return what the reader can colour the roads by, the first shown first."""
    views = [MapView(view.id, view.name, view.title) for view in layers.roads]
    if content.look_first:
        title = (
            "Where a search would teach most, over roads coloured by how sure their risk is; numbered as in the table"
        )
        views.append(MapView(LOOK_VIEW, LOOK.label, title))
    return views


def interactive_map(
    content: ReportContent, layers: MapLayers | None = None, *, most: int = MAX_SEGMENTS
) -> tuple[dict[str, Any], str]:
    """Return the map as bokeh's JSON item for the element `map`, and a note on what it leaves out (empty where nothing).

    Layers that belong to some views alone carry the ids of those views as tags, and so do their lines of the legend; the page's
    script shows those of the view that is chosen. Layers without tags are always there.

    Parameters
    ----------
    content
        The report.
    layers
        Its layers, where they have been made; None makes them.
    most
        Segments to draw; beyond that minor roads far from routes and sites are left out.
    """
    layers = layers or map_layers(content)
    flows = layers.before, layers.after
    not_effort = _not_effort(map_views(content, layers))
    busy = (flows[0].weight > 0) | (flows[1].weight > 0)
    busy[[segment for site in content.sites for segment in site.segments]] = True
    busy[[row.segment for row in content.look_first]] = True
    for beat in content.beats:
        busy[content.network.segment[beat.arcs]] = True
    drawn = segments_to_draw(content, busy, most)
    plane = plane_of(content)

    plot, screens = _empty_plot(), [_Screen(content, plane, name) for name in SCREENS]
    routes = [_tagged(_draw_lines(plot, layer), not_effort) for layer in flow_lines(content, plane, flows)]
    borders = [_draw_lines(plot, layer) for layer in border_lines(content, plane)]
    roads = _draw_roads(plot, content, drawn, road_columns(content, plane, drawn, flows), layers.roads)
    framed = [*roads, *borders] if border_fits(content) else roads
    plot.x_range.renderers = plot.y_range.renderers = [item.renderers[0] for item in framed]
    made = tours(content)
    driven = _draw_tours(plot, [tour_lines(content, plane, tour) for tour in made])
    items = [  # in drawing order: what comes later lies on top, and finds its room last
        *routes,
        *roads,
        *borders,
        *_draw_places(plot, content, plane, not_effort),
        *_draw_sites(plot, content, plane, screens),
        *_draw_bases(plot, content, plane, screens),
    ]
    beats = _draw_beats(plot, [(tour.letter, tour_posts(plane, tour)) for tour in made], driven, screens)
    items += [
        *_draw_look_next(plot, content, plane),
        *(_draw_names(plot, content, plane, screen) for screen in screens if towns_by_size(content)),
    ]
    _add_legends(plot, items, beats)
    return json_item(plot, TARGET), _note(drawn.size, content.network.n_segments)


def _add_legends(plot: Any, items: list[LegendItem], beats: dict[str, list[LegendItem]]) -> None:  # noqa: ANN401 - bokeh has no types
    """Put a legend beside the map for a wide screen, and one under it for a narrow one, of which the page's script shows its own.

    Beats have one of their own, under the map on either.
    """
    look = {"click_policy": "hide", "label_text_font_size": "12px", "border_line_color": None, "spacing": 1}
    copies = [LegendItem(**item.properties_with_values(include_defaults=False)) for item in items]
    plot.add_layout(Legend(items=items, name="wide", **look), "right")
    plot.add_layout(Legend(items=copies, name="narrow", visible=False, location="top_left", **look), "below")
    for screen, own in beats.items() if any(beats.values()) else ():
        beside = BEATS_BESIDE[screen]
        under = {"visible": screen == "wide", "location": "top_left", "ncols": beside, "orientation": "horizontal"}
        plot.add_layout(Legend(items=own, name=screen, title="Beats", **under, **look), "below")
        height = LEGEND_TITLE + LEGEND_ROW * -(-len(own) // beside)
        if screen == "wide":
            plot.height += height
        else:
            plot.tags = [height]  # the page's script makes room for it


def _not_effort(views: Sequence[MapView]) -> list[str]:
    """Return the ids of the views that do not show effort: there what is known of a bridge would lie under routes and symbols."""
    return [view.id for view in views if not view.id.startswith("effort")]


def _draw_places(
    plot: Any,  # noqa: ANN401 - bokeh has no types
    content: ReportContent,
    plane: Plane,
    not_effort: list[str],
) -> list[LegendItem]:
    ways_in = {GATEWAY, OFFICIAL, UNOFFICIAL}
    return [
        _tagged(_draw_points(plot, layer), not_effort if layer.symbol in ways_in else [])
        for layer in place_points(content, plane)
    ]


def _draw_sites(plot: Any, content: ReportContent, plane: Plane, screens: Sequence[_Screen]) -> list[LegendItem]:  # noqa: ANN401 - bokeh has no types
    layers = site_points(content, plane)
    items = [_draw_points(plot, layer) for layer in layers]
    if content.chosen:
        items += [screen.own(_draw_numbers(plot, layers, screen, "Numbers of the sites")) for screen in screens]
    return items


def _draw_tours(plot: Any, tours_of: Sequence[dict[str, list[Any]]]) -> list[Any]:  # noqa: ANN401 - bokeh has no types
    glyphs = []
    for columns in tours_of:
        glyph = plot.multi_line("xs", "ys", source=ColumnDataSource(columns), line_color="colour", line_width="width")
        glyph.glyph.update(line_cap="round", line_join="round")
        glyph.nonselection_glyph = None
        glyphs.append(glyph)
    if glyphs:
        plot.add_tools(_hover(glyphs, TOUR_TOOLTIPS, line_policy="interp"))
    return glyphs


def _draw_bases(plot: Any, content: ReportContent, plane: Plane, screens: Sequence[_Screen]) -> list[LegendItem]:  # noqa: ANN401 - bokeh has no types
    layers = base_points(content, plane)
    for layer, screen in product(layers, screens):
        screen.taken.add(boxes_around(screen.points(layer.columns), layer.symbol.size))
    return [_draw_points(plot, layer) for layer in layers]


def _draw_beats(
    plot: Any,  # noqa: ANN401 - bokeh has no types
    posts_of: Sequence[tuple[str, dict[str, list[Any]]]],
    driven: Sequence[Any],
    screens: Sequence[_Screen],
) -> dict[str, list[LegendItem]]:
    """Draw the posts of each beat, and return for each screen the lines of its legend; a click hides a beat's tour, posts and letters."""
    items: dict[str, list[LegendItem]] = {screen.name: [] for screen in screens}
    glyphs = []
    posts_in_all = sum(len(columns["x"]) for _, columns in posts_of)
    for (letter, columns), tour in zip(posts_of, driven, strict=True):
        posts = plot.scatter(
            "x", "y", source=ColumnDataSource(columns), marker=POST.bokeh, size=POST.size, fill_color="colour",
            line_color=POST.line, line_width=1.3,
        )  # fmt: skip
        glyphs.append(posts)
        for screen in screens:
            crowded = posts_in_all > POSTS_LETTERED[screen.name]
            lettered = {name: column[:1] for name, column in columns.items()} if crowded else columns
            text = _draw_badges(plot, lettered, screen, POST_BADGE, "9px", reach=2.0)
            item = LegendItem(label=letter, renderers=[tour, posts, text])
            items[screen.name].append(screen.own(item, [text]))
    if glyphs:
        plot.add_tools(_hover(glyphs, POST_TOOLTIPS))
    return items


def _draw_look_next(plot: Any, content: ReportContent, plane: Plane) -> list[LegendItem]:  # noqa: ANN401 - bokeh has no types
    layers = look_points(content, plane)
    items = [_draw_points(plot, layer) for layer in layers]
    if layers:
        items.append(_draw_numbers(plot, layers, _Screen(content, plane, "wide"), "Numbers of where to look"))
    return [_tagged(item, [LOOK_VIEW], visible=False) for item in items]


def _tagged(item: LegendItem, views: list[str], *, visible: bool = True) -> LegendItem:
    """Let a layer and its line of the legend show in some views alone; `visible` says whether the first is among them."""
    for part in (item, *item.renderers):
        part.update(tags=views, visible=visible)
    return item


class _Screen:
    """About where things stand on the screen when the map opens, in pixels, and what room is taken there."""

    def __init__(self, content: ReportContent, plane: Plane, name: str) -> None:
        west, south, east, north = map_bounds(content)
        (x0, y0), (x1, y1) = plane.project(np.array([(west, south), (east, north)])).tolist()
        wide, high = SCREENS[name]
        self.name = name
        self.scale = min(wide / max(x1 - x0, 1.0), high / max(y1 - y0, 1.0))
        self.taken = Taken()

    def own(self, item: LegendItem, renderers: Sequence[Any] | None = None) -> LegendItem:
        """Let a line of the legend and its layer, or the given parts of it, show on this screen alone."""
        for part in (item, *(item.renderers if renderers is None else renderers)):
            part.update(name=self.name, visible=self.name == "wide")
        return item

    def points(self, columns: dict[str, list[Any]]) -> NDArray[np.float64]:
        """(k, 2) pixels of the points of a layer."""
        return np.asarray(np.column_stack((columns["x"], columns["y"])) * self.scale, dtype=np.float64).reshape(-1, 2)


def _draw_roads(
    plot: Any,  # noqa: ANN401 - bokeh has no types
    content: ReportContent,
    drawn: NDArray[np.int64],
    columns: dict[str, list[Any]],
    views: Sequence[View],
) -> list[LegendItem]:
    """Draw every view of the roads from one set of lines; all but the first view start hidden."""
    source, thin = ColumnDataSource(columns), thinness(drawn.size, 0.6)
    place = np.full(content.network.n_segments, -1)
    place[drawn] = np.arange(drawn.size)
    items = []
    for view in views:
        tags = [view.id, LOOK_VIEW] if view is views[min(1, len(views) - 1)] else [view.id]
        for part in view.classes:
            rows = place[part.segments]
            if not (rows >= 0).any():
                continue
            glyph = plot.multi_line(
                "xs",
                "ys",
                source=source,
                view=CDSView(filter=IndexFilter(rows[rows >= 0].tolist())),
                line_color=part.colour,
                line_width=part.width * thin,
                line_dash=[5, 3] if part.dashed else "solid",
                line_cap="butt" if part.dashed else "round",
            )
            glyph.nonselection_glyph = None
            item = LegendItem(label=part.label, renderers=[glyph])
            items.append(_tagged(item, tags, visible=view is views[0]))
    glyphs = [item.renderers[0] for item in items]
    plot.add_tools(_hover(glyphs, road_tooltips(content), line_policy="interp"))
    return items


def _empty_plot() -> Any:  # noqa: ANN401 - bokeh has no types
    plot = figure(
        sizing_mode="stretch_width",
        height=HEIGHT,
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
    plot.add_layout(scale, "below")  # not on the map: it would hide what lies in its corner
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
    plot.add_tools(_hover([glyph], layer.tooltips))
    return LegendItem(label=symbol.label, renderers=[glyph])


def _draw_numbers(plot: Any, layers: Sequence[PointLayer], screen: _Screen, label: str) -> LegendItem:  # noqa: ANN401 - bokeh has no types
    """Write the numbers of places on them, or beside them where others stand."""
    numbered = [
        (layer.columns["x"][k], layer.columns["y"][k], number, layer.symbol.fill)
        for layer in layers
        for k, number in enumerate(layer.columns.get("number", ()))
    ]
    x, y, number, colour = (list(column) for column in zip(*sorted(numbered, key=lambda row: int(row[2])), strict=True))
    columns = {"x": x, "y": y, "number": number, "colour": colour}
    for layer in layers:
        if layer.symbol == SITES["given up"]:
            screen.taken.add(boxes_around(screen.points(layer.columns), 0.5 * layer.symbol.size))
    return LegendItem(label=label, renderers=[_draw_badges(plot, columns, screen, BADGE, "11px")])


def _draw_badges(
    plot: Any,  # noqa: ANN401 - bokeh has no types
    columns: dict[str, list[Any]],
    screen: _Screen,
    size: float,
    font: str,
    *,
    reach: float = 4.0,
) -> Any:  # noqa: ANN401 - bokeh has no types
    """Write `number` on a ground of `colour` at places, or beside them where something else stands."""
    offsets = place_badges(screen.points(columns), size, screen.taken, reach=reach).round()
    shown = {name: columns[name] for name in ("x", "y", "number", "colour")}
    shown |= {"right": offsets[:, 0].tolist(), "down": (-offsets[:, 1]).tolist()}
    return _text(
        plot, ColumnDataSource(shown), "number", text_color="#ffffff", text_font_size=font, text_font_style="bold",
        x_offset="right", y_offset="down", background_fill_color="colour", background_fill_alpha=1.0,
        border_line_color="#ffffff", border_radius=4, padding=3 if size == BADGE else 2,
    )  # fmt: skip


def _draw_names(plot: Any, content: ReportContent, plane: Plane, screen: _Screen) -> LegendItem:  # noqa: ANN401 - bokeh has no types
    """Name the largest towns that have room for their name."""
    towns = towns_by_size(content)
    x, y = plane.project(np.array([(town.lon, town.lat) for town in towns]).reshape(-1, 2)).round().T
    columns: dict[str, list[Any]] = {"x": x.tolist(), "y": y.tolist()}
    names = [plain(town.name, 28) for town in towns]
    points = screen.points(columns)
    screen.taken.add(boxes_around(points, SETTLEMENT.size))
    offsets = place_words(points, [text_width(name, 12) for name in names], 15, 5, screen.taken, TOWNS_NAMED)
    kept = [k for k, offset in enumerate(offsets) if offset is not None]
    columns = {key: [column[k] for k in kept] for key, column in (columns | {"name": names}).items()}
    columns |= {
        "right": [round(offset[0], 1) for offset in offsets if offset is not None],
        "down": [-round(offset[1], 1) for offset in offsets if offset is not None],
    }
    text = _text(
        plot, ColumnDataSource(columns), "name", text_color=TEXT, text_font_size="12px", x_offset="right", y_offset="down",
        background_fill_color="#ffffff", background_fill_alpha=0.7,
    )  # fmt: skip
    return screen.own(LegendItem(label="Names of towns", renderers=[text]))


def _text(plot: Any, source: ColumnDataSource, column: str, **style: Any) -> Any:  # noqa: ANN401 - bokeh has no types
    return plot.text("x", "y", text=column, source=source, text_align="center", text_baseline="middle", **style)


def _hover(renderers: Sequence[Any], tooltips: Iterable[tuple[str, str]], **options: str) -> HoverTool:
    return HoverTool(renderers=list(renderers), tooltips=list(tooltips), limit=1, visible=False, **options)


def _note(drawn: int, every: int) -> str:
    if drawn == every:
        return ""
    return (
        f"To stay quick, the interactive map draws {drawn:,} of {every:,} road segments: routes, watched roads and main roads first, then the"
        " minor roads nearest to them. The still maps draw them all."
    )
