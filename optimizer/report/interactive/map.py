"""The interactive map: what the reader can choose, the layers in drawing order, and the legends whose lines hide them with a click.

Each layer is drawn by a function that returns its lines of the legend. Numbers, letters and names are placed for one screen at a time so that
they do not lie on one another; what is placed for one bears its name, and the page's script shows what belongs to the screen it finds.

Text of records appears in hover tooltips, which bokeh escapes, and in `Text` glyphs, which it paints as they are; it is kept out of
titles, axis labels and legends, which bokeh parses as TeX.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from bokeh.embed import json_item
from bokeh.models import CDSView, ColumnDataSource, HoverTool, IndexFilter, Legend, LegendItem, ScaleBar, WheelZoomTool
from bokeh.plotting import figure

from optimizer.base.text.formatting import number, plain
from optimizer.base.text.language import ENGLISH, marked, spoken
from optimizer.base.text.language import gettext as _
from optimizer.report.interactive.layers import (
    POST_TOOLTIPS,
    TOUR_TOOLTIPS,
    base_points,
    beat_lines,
    beat_posts,
    border_lines,
    flow_lines,
    look_points,
    place_points,
    road_columns,
    road_tooltips,
    site_points,
)
from optimizer.report.maps.geography import border_fits, opening_bounds, plane_of, segments_to_draw, thinness
from optimizer.report.maps.labels import (
    OccupiedBoxes,
    boxes_around,
    marked_places,
    named_areas,
    named_towns,
    place_badges,
    place_names,
    road_numbers,
    text_width,
)
from optimizer.report.maps.map_layers import map_layers
from optimizer.report.maps.road_layers import plan_layer
from optimizer.report.palette import FAINT, GATEWAY, LOOK, OFFICIAL, POST, SETTLEMENT, SITES, TEXT, UNOFFICIAL

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from optimizer.report.content.report_content import ReportContent
    from optimizer.report.interactive.layers import LineLayer, PointLayer
    from optimizer.report.maps.geography import Bounds, Plane
    from optimizer.report.maps.map_layers import MapLayers
    from optimizer.report.maps.place_names import NamedPlace
    from optimizer.report.maps.road_layers import RoadLayer

TARGET = "map"
"""Id of the element of the page that the map fills."""

MAX_SEGMENTS = 3_000
"""Segments a browser still pans smoothly, and that keep the page of a large network small."""

LEGEND_TITLE, LEGEND_ROW = 34, 19
"""Height of the title and of a row of the legend of beats, in pixels."""


@dataclass(frozen=True, slots=True)
class LayerChoice:
    """A choice above the map: `id` for the page's script, `name` to choose it by, `title` for what the colours count.

    Names and titles may hold a record's text.
    """

    id: str
    name: str
    title: str


@dataclass(frozen=True, slots=True)
class CloseUp:
    """A place that a button shows larger: its `name` (a record's text), and its `box` as west, south, east and north in metres of the map."""

    name: str
    box: str


@dataclass(frozen=True, slots=True)
class InteractiveMap:
    """The map as bokeh's JSON `item` for the element `map`, and a `note` on what it leaves out (empty where nothing)."""

    item: dict[str, Any]
    note: str


def layer_choices(content: ReportContent, layers: MapLayers) -> list[LayerChoice]:
    """Return what the reader can colour the roads by, the first shown first."""
    choices = [LayerChoice(layer.id, layer.name, layer.title) for layer in _views(content, layers)]
    if content.look_first:
        title = _(
            "Where a search would give most information, over roads coloured by how sure their risk is; numbered as in the table"
        )
        choices.append(LayerChoice(LOOK_CHOICE, LOOK.text, title))
    return choices


def close_ups(content: ReportContent, layers: MapLayers) -> list[CloseUp]:
    """Return the places where marks crowd, for buttons that show them larger."""
    return [
        CloseUp(crowd.name or _("Detail {letter}").format(letter=letter), _box(content, crowd.bounds))
        for letter, crowd in zip("abc", layers.crowds, strict=False)
    ]


def first_view(content: ReportContent, layers: MapLayers) -> str:
    """Return the box that the map shows when it opens: where the orders are; empty where that is most of the map."""
    bounds = opening_bounds(content, layers.bounds)
    return "" if bounds == layers.bounds else _box(content, bounds)


def _box(content: ReportContent, bounds: Bounds) -> str:
    """Return bounds (degrees) as west, south, east and north in metres of the map."""
    low, high = plane_of(content).project(np.array(astuple(bounds)).reshape(2, 2)).tolist()
    return " ".join(f"{metres:.0f}" for metres in (*low, *high))


def interactive_map(
    content: ReportContent, layers: MapLayers | None = None, *, most: int = MAX_SEGMENTS
) -> InteractiveMap:
    """Return the interactive map.

    Layers that belong to some choices alone carry the ids of those as tags, and so do their lines of the legend; the page's
    script shows those of the choice that is made. Layers without tags are always there.

    Parameters
    ----------
    content
        The report.
    layers
        Its layers, where they have been made; None makes them.
    most
        Segments to draw; beyond that minor roads far from routes and sites are left out.
    """
    plot, roads = plan_plot(content, layers or map_layers(content), most=most)
    return InteractiveMap(json_item(plot, TARGET), roads_note(roads.segments.size, content.network.n_segments))


@dataclass(frozen=True, slots=True)
class DrawnRoads:
    """The roads of a map: (k,) `segments`, their columns, the lines of the legend and the tool that shows tooltips; as bokeh has them."""

    segments: NDArray[np.int64]
    source: ColumnDataSource
    items: list[LegendItem]
    tool: HoverTool


def plan_plot(
    content: ReportContent,
    layers: MapLayers,
    *,
    most: int = MAX_SEGMENTS,
    roads: DrawnRoads | None = None,
    numbers: Mapping[str, str] | None = None,
    offered: bool = False,
    under: Sequence[PointLayer] = (),
) -> tuple[Any, DrawnRoads]:
    """Return the map as bokeh's plot, and its roads.

    Parameters
    ----------
    content, layers, most
        As in `interactive_map`.
    roads
        Of a map of the same roads, which this one shares: that is how it is drawn anew.
    numbers
        Number of each site of the plan, by id, where that is not its place in their order.
    offered
        Whether sites that are not chosen are shown at first.
    under
        Marks that lie under the sites.
    """
    not_effort = _not_effort(layer_choices(content, layers))
    plane = plane_of(content)
    plot, screens = (
        empty_plot(),
        [MapScreen.of(name, opening_bounds(content, layers.bounds), plane) for name in SCREENS],
    )
    routes = [  # those that begin hidden are the reader's to show, whatever the choice
        tagged(draw_lines(plot, layer), not_effort) if layer.shown else draw_lines(plot, layer)
        for layer in flow_lines(content, plane, layers)
    ]
    borders = [draw_lines(plot, layer) for layer in border_lines(content, plane)]
    if roads is None:
        drawn = segments_to_draw(content, _busy(content, layers), most)
        columns = road_columns(content, plane, drawn, layers)
        roads = draw_roads(plot, content, drawn, columns, layers, _views(content, layers))
    else:
        plot.renderers += [item.renderers[0] for item in roads.items]
        plot.add_tools(roads.tool)
    framed = [*roads.items, *borders] if border_fits(content) else roads.items
    plot.x_range.renderers = plot.y_range.renderers = [item.renderers[0] for item in framed]
    tours = draw_tours(plot, content, plane, layers)
    names = [item for screen in screens for item in draw_border_names(plot, content, plane, screen)]
    items = [  # in drawing order: what comes later lies on top, and is placed last
        *routes,
        *roads.items,
        *borders,
        *draw_places(plot, content, plane, not_effort),
        *[draw_points(plot, layer) for layer in under],
        *draw_sites(plot, site_points(content, plane, numbers), screens, offered=offered),
        *draw_bases(plot, plane, layers, screens),
    ]
    beats = draw_posts(plot, plane, layers, tours, screens)
    items += [
        *names,
        *draw_look_next(plot, content, plane, layers),
        *(item for screen in screens for item in draw_names(plot, content, plane, screen, roads.segments)),
    ]
    draw_ring(plot)
    _add_legends(plot, items, beats)
    return plot, roads


def _views(content: ReportContent, layers: MapLayers) -> tuple[RoadLayer, ...]:
    """Return the ways to show the roads: the plan over plain roads first; where no risk is given the only one there is."""
    return layers.roads if content.risk is None else (plan_layer(content), *layers.roads)


def _busy(content: ReportContent, layers: MapLayers) -> NDArray[np.bool_]:
    """(n_segments,) whether a segment must stay on the map: it carries a route or a beat, is watched, or is advised to be searched."""
    busy = np.asarray((layers.before.weight > 0) | (layers.today.weight > 0) | (layers.after.weight > 0))
    busy[[segment for site in content.sites for segment in site.entry.segments]] = True
    busy[[row.segment for row in content.look_first]] = True
    for beat in content.beats:
        busy[content.network.segment[beat.arcs]] = True
    return busy


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
        plot.add_layout(Legend(items=own, name=screen, title=_("Beats"), **under, **look), "below")
        height = LEGEND_TITLE + LEGEND_ROW * -(-len(own) // beside)
        if screen == "wide":
            plot.height += height
        else:
            plot.tags = [height]  # the page's script makes the map higher by it


def _not_effort(choices: Sequence[LayerChoice]) -> list[str]:
    """Return the ids of the choices that do not show effort: there what is known of a bridge would lie under routes and symbols."""
    return [choice.id for choice in choices if not choice.id.startswith("effort")]


def roads_note(drawn: int, every: int) -> str:
    """Return what the map leaves out; empty where it draws every segment."""
    if drawn == every:
        return ""
    said = _(
        "To stay quick, the interactive map draws {drawn} of {every} road segments: routes, watched roads and main roads first, then the minor "
        "roads nearest to them. The still maps draw them all."
    )
    return said.format(drawn=number(drawn), every=number(every))


SCREENS = {"wide": (930.0, 590.0), "narrow": (330.0, 290.0)}
"""About what a map is wide and high when it opens, in pixels, on a desk and on a telephone."""

BEATS_BESIDE = {"wide": 16, "narrow": 5}
"""Letters of beats in a row of their legend."""

POSTS_LETTERED = {"wide": 120, "narrow": 30}
"""Posts beyond which only the first of each beat bears its letter: the others would lie on one another."""


@dataclass(frozen=True, slots=True)
class MapScreen:
    """About where things stand on a screen when the map opens.

    Attributes
    ----------
    name
        One of `SCREENS`.
    scale
        Pixels a metre.
    occupied
        Boxes, in pixels, in which something stands; added to as things are placed.
    """

    name: str
    scale: float
    occupied: OccupiedBoxes = field(default_factory=OccupiedBoxes)

    @classmethod
    def of(cls, name: str, bounds: Bounds, plane: Plane) -> MapScreen:
        """Return the screen of a name for a map of some bounds (degrees)."""
        corners = np.array([(bounds.west, bounds.south), (bounds.east, bounds.north)])
        (x0, y0), (x1, y1) = plane.project(corners).tolist()
        wide, high = SCREENS[name]
        return cls(name, min(wide / max(x1 - x0, 1.0), high / max(y1 - y0, 1.0)))

    def own(self, item: LegendItem, renderers: Sequence[Any] | None = None) -> LegendItem:
        """Let a line of the legend and its layer, or the given parts of it, show on this screen alone."""
        for part in (item, *(item.renderers if renderers is None else renderers)):
            part.update(name=self.name, visible=self.name == "wide")
        return item

    def points(self, columns: dict[str, list[Any]]) -> NDArray[np.float64]:
        """(k, 2) pixels of the points of a layer."""
        return np.asarray(np.column_stack((columns["x"], columns["y"])) * self.scale, dtype=np.float64).reshape(-1, 2)


LOOK_CHOICE = "look"
"""Id of the choice that shows where to look next."""

POST_BADGE = 16.0
"""Size of a post's letter and number on their ground, in pixels."""


def draw_roads(
    plot: Any,  # noqa: ANN401 - bokeh has no types
    content: ReportContent,
    drawn: NDArray[np.int64],
    columns: dict[str, list[Any]],
    layers: MapLayers,
    roads: Sequence[RoadLayer],
) -> DrawnRoads:
    """Draw every road layer from one set of lines; all but the first start hidden."""
    source, thin = ColumnDataSource(columns), thinness(drawn.size, 0.6)
    place = np.full(content.network.n_segments, -1)
    place[drawn] = np.arange(drawn.size)
    items = []
    for layer in roads:
        tags = [layer.id, LOOK_CHOICE] if layer is layers.under_advice else [layer.id]
        for part in layer.classes:
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
            items.append(tagged(item, tags, visible=layer is roads[0]))
    glyphs = [item.renderers[0] for item in items]
    tool = hover(glyphs, road_tooltips(content), line_policy="interp")
    plot.add_tools(tool)
    return DrawnRoads(drawn, source, items, tool)


def draw_places(
    plot: Any,  # noqa: ANN401 - bokeh has no types
    content: ReportContent,
    plane: Plane,
    not_effort: list[str],
) -> list[LegendItem]:
    """Draw towns and ways in: crossings under the choices `not_effort` alone, gateways hidden at first."""
    items = []
    for layer in place_points(content, plane):
        item = draw_points(plot, layer)
        if layer.symbol == GATEWAY:  # the reader's to show, whatever the choice: the rings hide what lies in them
            item.renderers[0].visible = False
        items.append(tagged(item, not_effort) if layer.symbol in {OFFICIAL, UNOFFICIAL} else item)
    return items


def draw_sites(
    plot: Any,  # noqa: ANN401 - bokeh has no types
    layers: Sequence[PointLayer],
    screens: Sequence[MapScreen],
    *,
    offered: bool,
) -> list[LegendItem]:
    """Draw sites by standing, those not chosen hidden at first unless `offered`, and the numbers of those in the plan for each screen."""
    items = [draw_points(plot, layer) for layer in layers]
    for layer, item in zip(layers, items, strict=True):
        item.renderers[0].visible = offered or layer.symbol != SITES["not chosen"]
    if any("number" in layer.columns for layer in layers):
        items += [screen.own(draw_numbers(plot, layers, screen, _("Numbers of the sites"))) for screen in screens]
    return items


def draw_tours(plot: Any, content: ReportContent, plane: Plane, layers: MapLayers) -> list[Any]:  # noqa: ANN401 - bokeh has no types
    """Draw the lines of every beat, and return their renderers."""
    glyphs = []
    for beat in layers.beats:
        source = ColumnDataSource(beat_lines(content, plane, beat))
        glyph = plot.multi_line("xs", "ys", source=source, line_color="colour", line_width="width")
        glyph.glyph.update(line_cap="round", line_join="round")
        glyph.nonselection_glyph = None
        glyphs.append(glyph)
    if glyphs:
        plot.add_tools(hover(glyphs, [(_(label), column) for label, column in TOUR_TOOLTIPS], line_policy="interp"))
    return glyphs


def draw_bases(plot: Any, plane: Plane, layers: MapLayers, screens: Sequence[MapScreen]) -> list[LegendItem]:  # noqa: ANN401 - bokeh has no types
    """Draw the bases that beats set out from."""
    points = base_points(plane, layers.beats)
    for layer, screen in product(points, screens):
        screen.occupied.add(boxes_around(screen.points(layer.columns), layer.symbol.size))
    return [draw_points(plot, layer) for layer in points]


def draw_posts(
    plot: Any,  # noqa: ANN401 - bokeh has no types
    plane: Plane,
    layers: MapLayers,
    tours: Sequence[Any],
    screens: Sequence[MapScreen],
) -> dict[str, list[LegendItem]]:
    """Draw the posts of each beat, and return for each screen the lines of its legend; a click hides a beat's tour, posts and letters."""
    items: dict[str, list[LegendItem]] = {screen.name: [] for screen in screens}
    glyphs = []
    posts_in_all = sum(len(beat.numbers) for beat in layers.beats)
    for beat, tour in zip(layers.beats, tours, strict=True):
        columns = beat_posts(plane, beat)
        posts = plot.scatter(
            "x", "y", source=ColumnDataSource(columns), marker=POST.bokeh, size=POST.size, fill_color="colour",
            line_color=POST.line, line_width=1.3,
        )  # fmt: skip
        glyphs.append(posts)
        for screen in screens:
            crowded = posts_in_all > POSTS_LETTERED[screen.name]
            lettered = {name: column[:1] for name, column in columns.items()} if crowded else columns
            text = draw_badges(plot, lettered, screen, POST_BADGE, "9px", reach=2.0)
            item = LegendItem(label=beat.letter, renderers=[tour, posts, *text])
            items[screen.name].append(screen.own(item, text))
    if glyphs:
        plot.add_tools(hover(glyphs, [(_(label), column) for label, column in POST_TOOLTIPS]))
    return items


def draw_look_next(plot: Any, content: ReportContent, plane: Plane, layers: MapLayers) -> list[LegendItem]:  # noqa: ANN401 - bokeh has no types
    """Draw where to look next with its numbers; hidden until it is chosen."""
    points = look_points(content, plane)
    items = [draw_points(plot, layer) for layer in points]
    if points:
        screen = MapScreen.of("wide", layers.bounds, plane)
        items.append(draw_numbers(plot, points, screen, _("Numbers of where to look")))
    return [tagged(item, [LOOK_CHOICE], visible=False) for item in items]


TOWNS_NAMED, ROADS_NUMBERED = 36, 30

TEXTS: dict[str, dict[str, Any]] = {
    "towns": {"text_color": TEXT, "text_font_size": "12px", "background_fill_color": "#ffffff", "background_fill_alpha": 0.75},
    "roads": {
        "text_color": "#1f3d7a", "text_font_size": "10px", "text_font_style": "bold", "background_fill_color": "#ffffff",
        "background_fill_alpha": 0.9, "border_line_color": "#1f3d7a", "border_radius": 3, "padding": 2,
    },
    "areas": {"text_color": "#5a5a5a", "text_font_size": "15px", "text_font_style": "italic"},
}  # fmt: skip
"""How each kind of name is written."""

AVOIDED = 13.0
"""Size of the marks that names of border towns keep off, in pixels."""

BADGE = 18.0
"""Size of a site's number on its ground, in pixels."""


def draw_numbers(plot: Any, layers: Sequence[PointLayer], screen: MapScreen, label: str) -> LegendItem:  # noqa: ANN401 - bokeh has no types
    """Write the numbers of places on them, or beside them where others stand."""
    numbered = [
        (layer.columns["x"][k], layer.columns["y"][k], number, layer.symbol.fill, layer.columns["mark"][k])
        for layer in layers
        for k, number in enumerate(layer.columns.get("number", ()))
    ]
    x, y, number, colour, mark = (
        list(column) for column in zip(*sorted(numbered, key=lambda row: int(row[2])), strict=True)
    )
    columns = {"x": x, "y": y, "number": number, "colour": colour, "mark": mark}
    for layer in layers:
        if layer.symbol == SITES["given up"]:
            screen.occupied.add(boxes_around(screen.points(layer.columns), 0.5 * layer.symbol.size))
    return LegendItem(label=label, renderers=draw_badges(plot, columns, screen, BADGE, "11px"))


def draw_badges(
    plot: Any,  # noqa: ANN401 - bokeh has no types
    columns: dict[str, list[Any]],
    screen: MapScreen,
    size: float,
    font: str,
    *,
    reach: float = 4.0,
) -> list[Any]:
    """Write `number` on a ground of `colour` at places, or beside them with a line to them where something else stands."""
    offsets = place_badges(screen.points(columns), size, screen.occupied, reach=reach).round()
    shown = {name: columns[name] for name in ("x", "y", "number", "colour", "mark")}
    shown |= {"right": offsets[:, 0].tolist(), "down": (-offsets[:, 1]).tolist()}
    moved = np.flatnonzero(offsets.any(axis=1)).tolist()  # bokeh draws a ray of no length without end
    lines = {name: [shown[name][k] for k in moved] for name in ("x", "y", "colour")}
    lines |= {"length": np.hypot(*offsets[moved].T).tolist(), "angle": np.arctan2(*offsets[moved].T[::-1]).tolist()}
    leaders = plot.ray(
        "x", "y", source=ColumnDataSource(lines), length="length", angle="angle", length_units="screen", line_color="colour",
        line_width=1.3,
    )  # fmt: skip
    leaders.nonselection_glyph = None
    text = draw_text(
        plot, ColumnDataSource(shown), "number", text_color="#ffffff", text_font_size=font, text_font_style="bold",
        x_offset="right", y_offset="down", background_fill_color="colour", background_fill_alpha=1.0,
        border_line_color="#ffffff", border_radius=4, padding=3 if size == BADGE else 2,
    )  # fmt: skip
    return [leaders, text]


def draw_border_names(plot: Any, content: ReportContent, plane: Plane, screen: MapScreen) -> list[LegendItem]:  # noqa: ANN401 - bokeh has no types
    """Name the towns at the border, before numbers are placed: those give way to the names."""
    towns = named_towns(content).border
    if not towns:
        return []
    around = OccupiedBoxes(screen.occupied.boxes)
    around.add(boxes_around(plane.project(np.array(marked_places(content)).reshape(-1, 2)) * screen.scale, AVOIDED))
    before = len(around.boxes)
    items = _draw(plot, "towns", towns, 12, TOWNS_NAMED, _("Names of border towns"), plane, screen, around)
    screen.occupied.add(around.boxes[before:])
    return items


def draw_names(
    plot: Any,  # noqa: ANN401 - bokeh has no types
    content: ReportContent,
    plane: Plane,
    screen: MapScreen,
    drawn: NDArray[np.int64],
) -> list[LegendItem]:
    """Name the other towns, main roads among the segments that are drawn, and areas, where the name lies on nothing else."""
    towns, roads, areas = named_towns(content).inland, road_numbers(content, drawn), named_areas(content)
    if towns:
        screen.occupied.add(boxes_around(screen.points(_columns(towns, plane)), SETTLEMENT.size))
    occupied = screen.occupied
    return [
        *_draw(plot, "towns", towns, 12, TOWNS_NAMED, _("Names of towns"), plane, screen, occupied),
        *_draw(plot, "roads", roads, 10, ROADS_NUMBERED, _("Numbers of main roads"), plane, screen, occupied),
        *_draw(plot, "areas", areas, 15, len(areas), _("States and countries"), plane, screen, occupied),
    ]


def _draw(
    plot: Any,  # noqa: ANN401 - bokeh has no types
    kind: str,
    places: Sequence[NamedPlace],
    size: float,
    most: int,
    label: str,
    plane: Plane,
    screen: MapScreen,
    occupied: OccupiedBoxes,
) -> list[LegendItem]:
    """Write the names of places, in that order, where there is room; no line of the legend where there is none."""
    columns = _columns(places, plane)
    widths = [text_width(name, size) + (6 if kind == "roads" else 0) for name in columns["name"]]
    gap = 5 if kind == "towns" else 0
    offsets = place_names(screen.points(columns), widths, 1.3 * size, gap, occupied, most)
    kept = [k for k, offset in enumerate(offsets) if offset is not None]
    if not kept:
        return []
    shown = {key: [column[k] for k in kept] for key, column in columns.items()}
    shown |= {
        "right": [round(offset[0], 1) for offset in offsets if offset is not None],
        "down": [-round(offset[1], 1) for offset in offsets if offset is not None],
    }
    text = draw_text(plot, ColumnDataSource(shown), "name", x_offset="right", y_offset="down", **TEXTS[kind])
    return [screen.own(LegendItem(label=label, renderers=[text]))]


def _columns(places: Sequence[NamedPlace], plane: Plane) -> dict[str, list[Any]]:
    x, y = plane.project(np.array([(place.lon, place.lat) for place in places]).reshape(-1, 2)).round().T
    return {"x": x.tolist(), "y": y.tolist(), "name": [plain(place.name, 28) for place in places]}


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
    if layer.tooltips:
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
