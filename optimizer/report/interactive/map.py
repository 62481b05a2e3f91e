"""The interactive map: what the reader can choose, the layers in drawing order, and the
legends whose lines hide them with a click.

Each layer is drawn by a function that returns its lines of the legend. Numbers, letters
and names are placed for one screen at a time so that they do not lie on one another;
what is placed for one bears its name, and the page's script shows what belongs to the
screen it finds.

Text of records appears in hover tooltips, which bokeh escapes, and in `Text` glyphs,
which it paints as they are; it is kept out of titles, axis labels and legends, which
bokeh parses as TeX.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from itertools import product
from typing import Any

import numpy as np
import shapely
from bokeh.embed import json_item
from bokeh.models import (
    CDSView,
    ColumnDataSource,
    HoverTool,
    IndexFilter,
    Legend,
    LegendItem,
    ScaleBar,
    WheelZoomTool,
)
from bokeh.plotting import figure
from numpy.typing import NDArray

from optimizer.base.text.formatting import number, plain
from optimizer.base.text.language import ENGLISH, marked, spoken
from optimizer.base.text.language import gettext as _
from optimizer.problem.network.places import NamedPlace
from optimizer.problem.network.road_classes import MAIN_CLASSES
from optimizer.report.content.report_content import ReportContent
from optimizer.report.interactive.layers import (
    POST_TOOLTIPS,
    TOUR_TOOLTIPS,
    LineLayer,
    PointLayer,
    base_points,
    beat_lines,
    beat_posts,
    border_lines,
    flow_lines,
    hole_lines,
    line_columns,
    look_points,
    place_points,
    road_columns,
    road_tooltips,
    site_points,
    tolerance,
    traffic_columns,
)
from optimizer.report.maps.geography import (
    Bounds,
    Plane,
    border_fits,
    opening_bounds,
    plane_of,
    segments_to_draw,
    thinness,
)
from optimizer.report.maps.labels import (
    Group,
    OccupiedBoxes,
    boxes_around,
    group_badges,
    marked_places,
    named_areas,
    named_towns,
    place_badges,
    place_names,
    road_numbers,
    text_width,
)
from optimizer.report.maps.map_layers import MapLayers, RoadLayer, map_layers, plan_layer
from optimizer.report.palette import (
    FAINT,
    GATEWAY,
    LOOK,
    MINOR_ROAD,
    OFFICIAL,
    POST,
    SETTLEMENT,
    SITES,
    TEXT,
    UNOFFICIAL,
)

TARGET = "map"
"""Id of the element of the page that the map fills."""

MAX_SEGMENTS = 3_000
"""Segments with texts of their own that a browser still pans smoothly, and that keep the
page of a large network small.
"""

REST_PIXELS = 0.7
"""Width of the other main roads."""

LEGEND_TITLE, LEGEND_ROW = 34, 19
"""Height of the title and of a row of the legend of beats, in pixels."""


@dataclass(frozen=True, slots=True)
class LayerChoice:
    """A choice above the map: `id` for the page's script, `name` to choose it by,
    `title` for what the colours count.

    Names and titles may hold a record's text.
    """

    id: str
    name: str
    title: str


@dataclass(frozen=True, slots=True)
class CloseUp:
    """A place that a button shows larger: its `name` (a record's text), and its `box`
    as west, south, east and north in metres of the map.
    """

    name: str
    box: str


@dataclass(frozen=True, slots=True)
class InteractiveMap:
    """The map as bokeh's JSON `item` for the element `map`, and a `note` on what it
    leaves out (empty where nothing).
    """

    item: dict[str, Any]
    note: str


def layer_choices(content: ReportContent, layers: MapLayers) -> list[LayerChoice]:
    """Return what the reader can colour the roads by, the first shown first."""
    choices = [LayerChoice(layer.id, layer.name, layer.title) for layer in _views(content, layers)]
    if content.look_first:
        title = _(
            "Where a search would give most information, over roads coloured by how sure their risk"
            " is; numbered as in the table"
        )
        choices.append(LayerChoice(LOOK_CHOICE, LOOK.text, title))
    return choices


def close_ups(content: ReportContent, layers: MapLayers) -> list[CloseUp]:
    """Return the places where marks crowd, for buttons that show them larger."""
    return [
        CloseUp(
            crowd.name or _("Detail {letter}").format(letter=letter), _box(content, crowd.bounds)
        )
        for letter, crowd in zip("abc", layers.crowds, strict=False)
    ]


def first_view(content: ReportContent, layers: MapLayers) -> str:
    """Return the box that the map shows when it opens: where the orders are; empty
    where that is most of the map.
    """
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

    Layers that belong to some choices alone carry the ids of those as tags, and so do
    their lines of the legend; the page's script shows those of the choice that is made.
    Layers without tags are always there.

    Parameters
    ----------
    content
        The report.
    layers
        Its layers, where they have been made; None makes them.
    most
        Segments to draw with their texts; beyond that minor roads far from routes and
        sites are thin lines without any.
    """
    drawn = plan_plot(content, layers or map_layers(content), most=most)
    return InteractiveMap(
        json_item(drawn.plot, TARGET),
        roads_note(drawn.roads.segments.size, content.network.n_segments),
    )


@dataclass(frozen=True, slots=True)
class DrawnRoads:
    """The roads of a map: (k,) `segments`, their columns and the lines of the legend;
    as bokeh has them.
    """

    segments: NDArray[np.int64]
    source: ColumnDataSource
    items: list[LegendItem]


class DrawnMap:
    """The map as bokeh has it: each layer by its name, so that it can be drawn again
    with what a changed plan changes alone.

    Making bokeh's models, and the browser's views of them, takes nearly all the time of
    a map. A layer that is there already gets the columns that differ; one that is not
    drawn again is emptied. What a reader has hidden stays hidden.

    Attributes
    ----------
    plot
        Bokeh's plot.
    """

    #: Its roads, which no plan changes.
    roads: DrawnRoads
    #: `names`, `named`: Lines of the legend of names that stay where they were placed
    #: first, and the boxes that they fill on each screen at each closeness, which
    #: numbers give way to.
    names: list[LegendItem]
    named: list[list[NDArray[np.float64]]]

    def __init__(self) -> None:
        self.plot = empty_plot()
        self.again = False
        self._layers: dict[Hashable, Any] = {}
        self._stack: list[Hashable] = []  # names in drawing order
        self._last: Hashable = None
        self._drawn: set[Hashable] = set()
        self._items: dict[tuple[str, ...], LegendItem] = {}
        self._copies: dict[LegendItem, LegendItem] = {}
        self._legends: dict[Hashable, Legend] = {}
        self._tools: dict[Hashable, HoverTool] = {}
        self._new: set[Any] = set()

    def layer(
        self,
        name: Hashable,
        kind: str,
        columns: dict[str, list[Any]] | ColumnDataSource,
        **look: Any,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401 - bokeh has no types
        """Draw columns over the layers before as a `kind` of bokeh's glyph, and return
        its renderer; `look` is bokeh's, and never changes.
        """
        if name not in self._layers:
            source = columns if isinstance(columns, ColumnDataSource) else ColumnDataSource(columns)
            at = ("xs", "ys") if kind == "multi_line" else ("x", "y")
            made = self._layers[name] = getattr(self.plot, kind)(*at, source=source, **look)
            made.nonselection_glyph = None
            self._new.add(made)
            self._stack.insert(
                self._stack.index(self._last) + 1 if self._last is not None else 0, name
            )
        elif not isinstance(columns, ColumnDataSource):
            renew(self._layers[name].data_source, columns)
        self._last = name
        self._drawn.add(name)
        return self._layers[name]

    def __contains__(self, name: Hashable) -> bool:
        """Return whether there is a layer of that name."""
        return name in self._layers

    def keep(self, kind: str) -> None:
        """Leave layers whose names begin with `kind` as they are."""
        for name in self._stack:
            if isinstance(name, tuple) and name[0] == kind:
                self._last = name
                self._drawn.add(name)

    def item(self, label: str, renderers: Sequence[Any]) -> LegendItem:
        """Return the line of the legend of layers."""
        key = (label, *(each.id for each in renderers))
        if key not in self._items:
            self._items[key] = LegendItem(label=label, renderers=list(renderers))
            self._new.add(self._items[key])
        return self._items[key]

    def begin(self, parts: Iterable[Any], **properties: Any) -> None:  # noqa: ANN401 - bokeh's
        """Give properties to layers, and lines of the legend, that were not there
        before; the others are as the reader has them.
        """
        for part in parts:
            if part in self._new:
                part.update(**properties)

    def hover(
        self,
        name: Hashable,
        renderers: Sequence[Any],
        tooltips: Iterable[tuple[str, str]],
        **options: str,
    ) -> None:
        """Show tooltips over layers; `options` are bokeh's."""
        if name not in self._tools:
            tool = HoverTool(
                renderers=list(renderers),
                tooltips=list(tooltips),
                limit=1,
                visible=False,
                **options,
            )
            self._tools[name] = tool
            self.plot.add_tools(tool)
        elif list(self._tools[name].renderers) != list(renderers):
            self._tools[name].renderers = list(renderers)

    def legend(self, key: str, place: str, items: Sequence[LegendItem], **look: Any) -> bool:  # noqa: ANN401 - bokeh's
        """Show lines in a legend, and return whether it is new; it is made when there are lines."""
        if key in self._legends:
            if list(self._legends[key].items) != list(items):
                self._legends[key].items = list(items)
            return False
        if not items:
            return False
        shared = {
            "click_policy": "hide",
            "label_text_font_size": "12px",
            "border_line_color": None,
            "spacing": 1,
        }
        self._legends[key] = Legend(items=list(items), **look, **shared)
        self.plot.add_layout(self._legends[key], place)
        return True

    def copied(self, item: LegendItem) -> LegendItem:
        """Return the line of the other legend that is like a line."""
        if item not in self._copies:
            self._copies[item] = LegendItem(**item.properties_with_values(include_defaults=False))
        return self._copies[item]

    def finish(self) -> None:
        """Empty what was not drawn this time, and order the layers."""
        for name in self._stack:
            source = self._layers[name].data_source
            if name not in self._drawn:
                renew(source, {column: [] for column in source.data})
        stacked = [self._layers[name] for name in self._stack]
        if list(self.plot.renderers) != stacked:
            self.plot.renderers = stacked
        self.again, self._last = True, None
        self._drawn.clear()
        self._new.clear()


def renew(source: ColumnDataSource, columns: dict[str, list[Any]]) -> None:
    """Let a source have columns: where as many rows stay, those that differ are
    patched, and what shows them is not laid out anew.
    """
    before = source.data
    changed = {
        name: column
        for name, column in columns.items()
        if name not in before or before[name] != column
    }
    same = before.keys() == columns.keys() and all(
        len(before[name]) == len(columns[name]) for name in columns
    )
    if changed and same and not {"xs", "ys"} & changed.keys():
        rows = {
            name: enumerate(zip(before[name], column, strict=True))
            for name, column in changed.items()
        }
        source.patch(
            {
                name: [(k, now) for k, (was, now) in pairs if was != now]
                for name, pairs in rows.items()
            }
        )
    elif changed or before.keys() != columns.keys():
        source.data = columns


def plan_plot(
    content: ReportContent,
    layers: MapLayers,
    *,
    most: int = MAX_SEGMENTS,
    drawn: DrawnMap | None = None,
    numbers: Mapping[str, str] | None = None,
    changing: bool = False,
    under: Sequence[PointLayer] = (),
) -> DrawnMap:
    """Return the map.

    Parameters
    ----------
    content, layers, most
        As in `interactive_map`.
    drawn
        A map of the same roads, which is then drawn again.
    numbers
        Number of each site of the plan, by id, where that is not its place in their
        order.
    changing
        Whether another plan will be drawn over the same roads: sites that are not
        chosen are shown at first, and layers that the plan leaves empty are there, as
        one that comes later makes the browser prepare the whole map again.
    under
        Marks that lie under the sites.
    """
    # effort has none: there what is known of a bridge would lie under routes and
    # symbols
    not_effort = [
        choice.id for choice in layer_choices(content, layers) if not choice.id.startswith("effort")
    ]
    plane = plane_of(content)
    plot = DrawnMap() if drawn is None else drawn
    opening = opening_bounds(content, layers.bounds)
    screens = [MapScreen.of(name, opening, layers.bounds, plane) for name in SCREENS]
    if plot.again:
        for screen, boxes in zip(screens, plot.named, strict=True):
            screen.add(boxes)
    routes = []
    for layer in flow_lines(content, plane, layers):
        routes.append(draw_lines(plot, layer))
        if layer.shown:  # those that begin hidden are the reader's to show, whatever the choice
            tag(plot, routes[-1], not_effort)
    borders = [draw_lines(plot, layer) for layer in border_lines(content, plane)]
    if plot.again:
        plot.keep("road")
        renew(
            plot.roads.source,
            plot.roads.source.data | traffic_columns(content, plot.roads.segments, layers),
        )
    else:
        segments = segments_to_draw(content, _busy(content, layers), most)
        columns = road_columns(content, plane, segments, layers)
        plot.roads = draw_roads(
            plot, content, plane, segments, columns, layers, _views(content, layers)
        )
        framed = [*plot.roads.items, *borders] if border_fits(content) else plot.roads.items
        plot.plot.x_range.renderers = plot.plot.y_range.renderers = [
            item.renderers[0] for item in framed
        ]
    roads = plot.roads
    holes = [draw_lines(plot, layer) for layer in hole_lines(content, plane, layers)]
    for item in holes:
        tag(plot, item, not_effort)
    tours = draw_tours(plot, content, plane, layers)
    names = [item for screen in screens for item in draw_border_names(plot, content, plane, screen)]
    sites, bases = (
        site_points(content, plane, numbers, every=changing),
        base_points(plane, layers.beats),
    )
    posts = [beat_posts(plane, beat) for beat in layers.beats]
    for screen, base in product(screens, bases):
        screen.add(
            [boxes_around(points, base.symbol.size) for points in screen.points(base.columns)]
        )
    firsts = [{name: column[:1] for name, column in columns.items()} for columns in posts]
    numbered = _numbered(sites)
    badges = [screen.badges([numbered, *firsts]) for screen in screens]
    items = [  # in drawing order: what comes later lies on top, and is placed last
        *routes,
        *roads.items,
        *borders,
        *holes,
        *draw_places(plot, content, plane, not_effort),
        *[draw_points(plot, layer) for layer in under],
        *draw_sites(plot, sites, numbered, screens, badges, offered=changing),
        *[draw_points(plot, layer) for layer in bases],
    ]
    beats = draw_posts(plot, layers, posts, tours, screens, badges)
    items += draw_groups(plot, screens, badges, every=changing)
    items += [*names, *draw_look_next(plot, content, plane, layers)]
    if plot.again:
        plot.keep("name")
    else:
        before = [[len(each.boxes) for each in screen.occupied] for screen in screens]
        plot.names = [
            item
            for screen in screens
            for item in draw_names(plot, content, plane, screen, roads.segments)
        ]
        plot.named = [
            [each.boxes[k:] for each, k in zip(screen.occupied, counts, strict=True)]
            for screen, counts in zip(screens, before, strict=True)
        ]
    items += plot.names
    draw_ring(plot)
    _show_legends(plot, items, beats)
    plot.finish()
    return plot


def _views(content: ReportContent, layers: MapLayers) -> tuple[RoadLayer, ...]:
    """Return the ways to show the roads: the plan over plain roads first; where no risk
    is given the only one there is.
    """
    return layers.roads if content.risk is None else (plan_layer(content), *layers.roads)


def _busy(content: ReportContent, layers: MapLayers) -> NDArray[np.bool_]:
    """(n_segments,) whether a segment must stay on the map: it carries a route or a
    beat, is watched, is advised to be searched, or lies on a route past the plan that the
    first page names.
    """
    busy = np.asarray(
        (layers.before.weight > 0) | (layers.today.weight > 0) | (layers.after.weight > 0)
    )
    busy[[segment for site in content.sites for segment in site.entry.segments]] = True
    busy[[row.segment for row in content.look_first]] = True
    for beat in content.beats:
        busy[content.network.segment[beat.arcs]] = True
    for way in content.holes:
        busy[content.network.segment[way.arcs]] = True
    return busy


def _show_legends(
    drawn: DrawnMap, items: list[LegendItem], beats: dict[str, list[LegendItem]]
) -> None:
    """Put a legend beside the map for a wide screen, and one under it for a narrow one,
    of which the page's script shows its own.

    Beats have one of their own, under the map on either. The line of a layer of nothing
    is hidden, so that the legend keeps its lines: with others bokeh looks through all
    its models. Lines that the page's script shows and hides are left out.
    """
    filled = {item: any(map(len, item.renderers[-1].data_source.data.values())) for item in items}
    items = [item for item, has in filled.items() if has or not (item.name or item.tags)]
    copies = [drawn.copied(item) for item in items]
    for item, copy in zip(items, copies, strict=True):
        if not (item.name or item.tags):
            item.visible = copy.visible = filled[item]
    drawn.legend("wide", "right", items, name="wide")
    drawn.legend("narrow", "below", copies, name="narrow", visible=False, location="top_left")
    for screen, own in beats.items():
        beside = BEATS_BESIDE[screen]
        under = {
            "visible": screen == "wide",
            "location": "top_left",
            "ncols": beside,
            "orientation": "horizontal",
        }
        if drawn.legend(f"beats {screen}", "below", own, name=screen, title=_("Beats"), **under):
            height = LEGEND_TITLE + LEGEND_ROW * -(-len(own) // beside)
            if screen == "wide":
                drawn.plot.height += height
            else:
                # the page's script makes the map higher by it
                drawn.plot.tags = [height, *drawn.plot.tags[1:]]


def rest_lines(
    content: ReportContent, drawn: NDArray[np.int64], plane: Plane
) -> dict[str, list[Any]] | None:
    """Return the main roads that are not among the drawn segments, as few long lines;
    None where there is none.
    """
    network = content.network
    main = np.isin(network.road_class[network.segment_arc], MAIN_CLASSES)
    rest = np.setdiff1d(np.flatnonzero(main), drawn)
    if not rest.size:
        return None
    merged = shapely.get_parts(shapely.line_merge(shapely.multilinestrings(network.lines[rest])))
    return line_columns(np.asarray(merged, dtype=object), plane, tolerance(content))


def roads_note(drawn: int, every: int) -> str:
    """Return of how many segments the map tells nothing; empty where it tells all."""
    if drawn == every:
        return ""
    said = _(
        "To stay quick, the interactive map tells risk and traffic of {drawn} of {every} road"
        " segments: routes, watched roads and main roads first, then the minor roads nearest to"
        " them. Other main roads are thin grey lines. The still maps draw and colour all roads."
    )
    return said.format(drawn=number(drawn), every=number(every))


SCREENS = {"wide": (930.0, 590.0), "narrow": (330.0, 290.0)}
"""About what a map is wide and high when it opens, in pixels, on a desk and on a telephone."""

BEATS_BESIDE = {"wide": 16, "narrow": 5}
"""Letters of beats in a row of their legend."""

POSTS_LETTERED = {"wide": 120, "narrow": 12}
"""Posts beyond which only the first of each beat bears its letter when the map opens:
the others would lie on one another.
"""

CLOSER = (1, 3, 9, 27)
"""How many times closer than at first the map is where numbers, letters and names are
placed anew.
"""

FARTHER = 0.8
"""The same of the whole map, or of the first view on the smallest screens, over the
nearer of both on that of `SCREENS`.
"""

OPENING = 1
"""Place of the first view in `MapScreen.scales`."""

AWAY = 9_999
"""Pixels from its place of what does not show at a closeness: it is out of sight there."""


@dataclass(frozen=True, slots=True)
class MapScreen:
    """About where things stand on a screen when the map opens, and when it is closer."""

    #: One of `SCREENS`.
    name: str
    #: Pixels a metre at each closeness: the whole map, then `CLOSER`.
    scales: tuple[float, ...]
    #: For each, boxes in pixels in which something stands; added to as things are
    #: placed.
    occupied: tuple[OccupiedBoxes, ...]

    @classmethod
    def of(cls, name: str, opening: Bounds, whole: Bounds, plane: Plane) -> MapScreen:
        """Return the screen of a name for a map that opens on some bounds and has
        others (degrees).
        """
        wide, high = SCREENS[name]
        fits = []
        for bounds in (opening, whole):
            corners = np.array([(bounds.west, bounds.south), (bounds.east, bounds.north)])
            (x0, y0), (x1, y1) = plane.project(corners).tolist()
            fits.append(min(wide / max(x1 - x0, 1.0), high / max(y1 - y0, 1.0)))
        scales = (FARTHER * min(fits), *(by * fits[0] for by in CLOSER))
        return cls(name, scales, tuple(OccupiedBoxes() for _scale in scales))

    def add(self, boxes: Sequence[NDArray[np.float64]]) -> None:
        """Let boxes be occupied, (k, 4) for each closeness."""
        for each, own in zip(self.occupied, boxes, strict=True):
            each.add(own)

    def own(
        self, drawn: DrawnMap, item: LegendItem, renderers: Sequence[Any] | None = None
    ) -> LegendItem:
        """Let a line of the legend and its layer, or the given parts of it, show on
        this screen alone.
        """
        drawn.begin(
            (item, *(item.renderers if renderers is None else renderers)),
            name=self.name,
            visible=self.name == "wide",
        )
        return item

    def points(self, columns: dict[str, list[Any]]) -> list[NDArray[np.float64]]:
        """Return (k, 2) pixels of the points of a layer at each closeness."""
        metres = np.column_stack((columns["x"], columns["y"])).astype(np.float64).reshape(-1, 2)
        return [metres * scale for scale in self.scales]

    def badges(self, layers: Sequence[dict[str, list[Any]]]) -> Badges:
        """Place the numbers of layers on their places, near them, or in groups."""
        columns = {
            name: [each for layer in layers for each in layer.get(name, ())]
            for name in ("x", "y", "mark")
        }
        placed = [
            group_badges(points, BADGE, each, reach=REACH, wide=GROUP_WIDTH)
            for points, each in zip(self.points(columns), self.occupied, strict=True)
        ]
        starts = np.cumsum([0, *(len(layer.get("x", ())) for layer in layers)]).tolist()
        return Badges(
            columns,
            self.points(columns),
            [offsets for offsets, _groups in placed],
            [groups for _offsets, groups in placed],
            starts,
        )


@dataclass(frozen=True, slots=True)
class Badges:
    """Where the numbers of layers stand on a screen."""

    #: `x` and `y` of all, in metres, and the `mark` of each.
    columns: dict[str, list[Any]]
    #: `points`, `offsets`, `groups`: For each closeness (k, 2) pixels of their places,
    #: (k, 2) pixels from them to the numbers (not a number for those in groups), and
    #: the groups.
    points: list[NDArray[np.float64]]
    offsets: list[NDArray[np.float64]]
    groups: list[list[Group]]
    #: First row of each layer.
    starts: list[int]

    def of(self, layer: int) -> BadgeOffsets:
        """Return where the numbers of a layer stand."""
        rows = slice(self.starts[layer], self.starts[layer + 1])
        ends = []
        for points, offsets, groups in zip(self.points, self.offsets, self.groups, strict=True):
            to = offsets.copy()
            for group in groups:
                to[list(group.rows)] = group.place - points[list(group.rows)]
            ends.append(to[rows])
        return BadgeOffsets([offsets[rows] for offsets in self.offsets], ends)


@dataclass(frozen=True, slots=True)
class BadgeOffsets:
    """For each closeness, (k, 2) pixels from places to their numbers, not a number
    where these do not show, and to where the lines end.
    """

    stands: list[NDArray[np.float64]]
    ends: list[NDArray[np.float64]]


def offset_columns(
    offsets: Sequence[NDArray[np.float64]], names: tuple[str, str]
) -> dict[str, list[Any]]:
    """Return offsets at each closeness as columns; those that are not a number are out of sight."""
    columns: dict[str, list[Any]] = {}
    for k, each in enumerate(offsets):
        shown = np.where(np.isfinite(each), each, AWAY).round().astype(int)
        columns |= {f"{name}{k or ''}": shown[:, side].tolist() for side, name in enumerate(names)}
    return columns


LOOK_CHOICE = "look"
"""Id of the choice that shows where to look next."""

POST_BADGE = 16.0
"""Size of a post's letter and number on their ground, in pixels."""


def draw_roads(
    plot: DrawnMap,
    content: ReportContent,
    plane: Plane,
    drawn: NDArray[np.int64],
    columns: dict[str, list[Any]],
    layers: MapLayers,
    roads: Sequence[RoadLayer],
) -> DrawnRoads:
    """Draw every road layer from one set of lines, over thin lines of the other main
    roads; all layers but the first start hidden.
    """
    source, thin = ColumnDataSource(columns), thinness(drawn.size, 0.6)
    place = np.full(content.network.n_segments, -1)
    place[drawn] = np.arange(drawn.size)
    items = []
    if (rest := rest_lines(content, drawn, plane)) is not None:
        glyph = plot.layer(
            ("road", "rest"), "multi_line", rest, line_color=MINOR_ROAD, line_width=REST_PIXELS
        )
        items.append(plot.item(_("Main roads, no details"), [glyph]))
    for layer in roads:
        tags = [layer.id, LOOK_CHOICE] if layer is layers.under_advice else [layer.id]
        for number_of_class, part in enumerate(layer.classes):
            rows = place[part.segments]
            if not (rows >= 0).any():
                continue
            glyph = plot.layer(
                ("road", layer.id, number_of_class),
                "multi_line",
                source,
                view=CDSView(filter=IndexFilter(rows[rows >= 0].tolist())),
                line_color=part.colour,
                line_width=part.width * thin,
                line_dash=[5, 3] if part.dashed else "solid",
                line_cap="butt" if part.dashed else "round",
            )
            items.append(tag(plot, plot.item(part.label, [glyph]), tags, visible=layer is roads[0]))
    glyphs = [item.renderers[0] for item in items]
    plot.hover("road", glyphs, road_tooltips(content), line_policy="interp")
    return DrawnRoads(drawn, source, items)


def draw_places(
    plot: DrawnMap, content: ReportContent, plane: Plane, not_effort: list[str]
) -> list[LegendItem]:
    """Draw towns and ways in: crossings under the choices `not_effort` alone, gateways
    hidden at first.
    """
    items = []
    for layer in place_points(content, plane):
        item = draw_points(plot, layer)
        # the reader's to show, whatever the choice: the rings hide what lies in them
        if layer.symbol == GATEWAY:
            plot.begin(item.renderers, visible=False)
        items.append(
            tag(plot, item, not_effort) if layer.symbol in {OFFICIAL, UNOFFICIAL} else item
        )
    return items


def draw_sites(
    plot: DrawnMap,
    layers: Sequence[PointLayer],
    numbered: dict[str, list[Any]],
    screens: Sequence[MapScreen],
    badges: Sequence[Badges],
    *,
    offered: bool,
) -> list[LegendItem]:
    """Draw sites by standing, those not chosen hidden at first unless `offered`, and
    the numbers of those in the plan for each screen.
    """
    items = [draw_points(plot, layer) for layer in layers]
    for layer, item in zip(layers, items, strict=True):
        plot.begin(item.renderers, visible=offered or layer.symbol != SITES["not chosen"])
    if numbered:
        label = _("Numbers of the sites")
        for screen, placed in zip(screens, badges, strict=True):
            drawn = draw_badges(plot, label, numbered, screen, placed.of(0), BADGE, "11px")
            items.append(screen.own(plot, plot.item(label, drawn)))
    return items


def draw_tours(
    plot: DrawnMap, content: ReportContent, plane: Plane, layers: MapLayers
) -> list[Any]:
    """Draw the lines of every beat, and return their renderers."""
    glyphs = []
    for beat in layers.beats:
        look = {
            "line_color": "colour",
            "line_width": "width",
            "line_cap": "round",
            "line_join": "round",
        }
        glyphs.append(
            plot.layer(
                ("tour", beat.letter), "multi_line", beat_lines(content, plane, beat), **look
            )
        )
    if glyphs:
        tooltips = [(_(label), column) for label, column in TOUR_TOOLTIPS]
        plot.hover("tour", glyphs, tooltips, line_policy="interp")
    return glyphs


def draw_posts(
    plot: DrawnMap,
    layers: MapLayers,
    posts: Sequence[dict[str, list[Any]]],
    tours: Sequence[Any],
    screens: Sequence[MapScreen],
    badges: Sequence[Badges],
) -> dict[str, list[LegendItem]]:
    """Draw the posts of each beat, and return for each screen the lines of its legend;
    a click hides a beat's tour, posts and letters.
    """
    glyphs = [
        plot.layer(
            ("post", beat.letter), "scatter", columns, marker=POST.bokeh, size=POST.size, fill_color="colour",
            line_color=POST.line, line_width=1.3,
        )
        for beat, columns in zip(layers.beats, posts, strict=True)
    ]  # fmt: skip
    if glyphs:
        plot.hover("post", glyphs, [(_(label), column) for label, column in POST_TOOLTIPS])
    items: dict[str, list[LegendItem]] = {screen.name: [] for screen in screens}
    posts_in_all = sum(len(beat.numbers) for beat in layers.beats)
    for place, (beat, columns, tour, glyph) in enumerate(
        zip(layers.beats, posts, tours, glyphs, strict=True)
    ):
        for screen, placed in zip(screens, badges, strict=True):
            crowded = posts_in_all > POSTS_LETTERED[screen.name]
            offsets = _letters(screen, columns, placed.of(1 + place), crowded=crowded)
            text = draw_badges(plot, beat.letter, columns, screen, offsets, POST_BADGE, "9px")
            item = plot.item(beat.letter, [tour, glyph, *text])
            items[screen.name].append(screen.own(plot, item, text))
    return items


def _letters(
    screen: MapScreen, columns: dict[str, list[Any]], first: BadgeOffsets, *, crowded: bool
) -> BadgeOffsets:
    """Return where the letters of a beat's posts stand: the first as it was placed
    beside others' firsts, the others where there is room.
    """
    stands, ends = [], []
    for k, (points, occupied) in enumerate(
        zip(screen.points(columns), screen.occupied, strict=True)
    ):
        others = np.full_like(points[1:], np.nan)
        if k > OPENING or not crowded:
            others = place_badges(points[1:], POST_BADGE, occupied, reach=REACH, every=False)
        stands.append(np.vstack((first.stands[k], others)))
        ends.append(np.vstack((first.ends[k], others)))
    return BadgeOffsets(stands, ends)


def draw_groups(
    plot: DrawnMap,
    screens: Sequence[MapScreen],
    badges: Sequence[Badges],
    label: str = "",
    *,
    every: bool = False,
) -> list[LegendItem]:
    """Say how many numbers stand where there is no room for each.

    The page's script moves closer to the `box` of one that is pressed, counts those of
    its `marks` that show, and takes it from its place in the `east` where none does.
    `every` asks for a layer of each screen, if of nothing.
    """
    label, items = label or _("Several here: press to see each"), []
    for screen, placed in zip(screens, badges, strict=True):
        metres, rows = np.column_stack((placed.columns["x"], placed.columns["y"])), []
        for k, groups in enumerate(placed.groups):
            for group in groups:
                own = metres[list(group.rows)]
                offsets = np.full((len(screen.scales), 2), np.nan)
                offsets[k] = (group.place - placed.points[k][group.rows[0]]) * (1, -1)
                box = " ".join(f"{edge:.0f}" for edge in (*own.min(axis=0), *own.max(axis=0)))
                marks = [placed.columns["mark"][row] for row in group.rows]
                rows.append(
                    (
                        *own[0].tolist(),
                        _("{count} here").format(count=number(len(own))),
                        box,
                        marks,
                        offsets,
                    )
                )
        if not rows and not every:
            continue
        x, y, text, boxes, marks, where = (
            (list(column) for column in zip(*rows, strict=True))
            if rows
            else ([], [], [], [], [], [])
        )
        columns = {"x": x, "y": y, "east": list(x), "name": text, "box": boxes, "marks": marks}
        there = np.array(where).reshape(-1, len(screen.scales), 2)
        columns |= offset_columns(list(there.swapaxes(0, 1)), ("right", "down"))
        drawn = draw_text(
            plot, ("group", label, screen.name), columns, "name", screen, text_color=TEXT, text_font_size="11px", text_font_style="bold",
            background_fill_color="#ffffff", background_fill_alpha=1.0, border_line_color=TEXT, border_line_width=2, border_radius=9, padding=3,
        )  # fmt: skip
        items.append(screen.own(plot, plot.item(label, [drawn])))
    return items


def draw_look_next(
    plot: DrawnMap, content: ReportContent, plane: Plane, layers: MapLayers
) -> list[LegendItem]:
    """Draw where to look next with its numbers; hidden until it is chosen."""
    points = look_points(content, plane)
    items = [draw_points(plot, layer) for layer in points]
    if points:
        screen, label = (
            MapScreen.of("wide", layers.bounds, layers.bounds, plane),
            _("Numbers of where to look"),
        )
        numbered = _numbered(points)
        placed = screen.badges([numbered])
        drawn = draw_badges(plot, label, numbered, screen, placed.of(0), BADGE, "11px")
        items += [
            plot.item(label, drawn),
            *draw_groups(plot, [screen], [placed], _("Several to look at here")),
        ]
    return [tag(plot, item, [LOOK_CHOICE], visible=False) for item in items]


TOWNS_NAMED, ROADS_NUMBERED = {"wide": 36, "narrow": 8}, {"wide": 30, "narrow": 8}
"""Most names of towns (of those at the border, and of the others) and most numbers of
roads on each screen.
"""

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


REACH, GROUP_WIDTH = 1.5, 46.0
"""How far from its place a number may stand, in sizes of it, and how wide the mark of a
group is, in pixels.
"""


def _numbered(layers: Sequence[PointLayer]) -> dict[str, list[Any]]:
    """Return the columns of the numbers of places, by number; empty where nothing bears one."""
    rows = [
        (
            layer.columns["x"][k],
            layer.columns["y"][k],
            number,
            layer.columns["mark"][k],
            layer.symbol.fill,
            layer.symbol.ink,
        )
        for layer in layers
        for k, number in enumerate(layer.columns.get("number", ()))
    ]
    columns = zip(*sorted(rows, key=lambda row: int(row[2])), strict=True)
    return (
        {
            name: list(column)
            for name, column in zip(
                ("x", "y", "number", "mark", "colour", "edge"), columns, strict=True
            )
        }
        if rows
        else {}
    )


def draw_badges(
    plot: DrawnMap,
    name: str,
    columns: dict[str, list[Any]],
    screen: MapScreen,
    offsets: BadgeOffsets,
    size: float,
    font: str,
) -> list[Any]:
    """Write `number` on a ground of `colour` at places, or beside them with a line to
    them where something else stands.
    """
    shown = {key: columns[key] for key in ("x", "y", "number", "colour", "mark")}
    shown["edge"] = columns.get("edge", columns["colour"])
    shown["ink"] = [
        "#ffffff" if edge == ground else edge
        for edge, ground in zip(shown["edge"], shown["colour"], strict=True)
    ]
    lines = {key: shown[key] for key in ("x", "y", "edge")}
    rays = [
        np.column_stack((np.fmax(np.hypot(*each.T), SHORTEST), np.arctan2(*each.T[::-1])))
        for each in offsets.ends
    ]
    for k, ray in enumerate(rays):
        length, angle = np.where(np.isfinite(ray), ray, (SHORTEST, 0.0)).round(2).T.tolist()
        lines |= {f"length{k or ''}": length, f"angle{k or ''}": angle}
    leaders = plot.layer(
        ("leader", name, screen.name), "ray", lines, length="length", angle="angle", length_units="screen", line_color="edge",
        line_width=1.3,
    )  # fmt: skip
    leaders.glyph.tags = list(screen.scales)
    shown |= offset_columns(
        [np.column_stack((each[:, 0], -each[:, 1])) for each in offsets.stands], ("right", "down")
    )
    text = draw_text(
        plot, ("badge", name, screen.name), shown, "number", screen, text_color="ink", text_font_size=font, text_font_style="bold",
        background_fill_color="colour", background_fill_alpha=1.0,
        border_line_color="ink", border_radius=4, padding=3 if size == BADGE else 2,
    )  # fmt: skip
    return [leaders, text]


SHORTEST = 0.1
"""Pixels of a line to a number that stands on its place: bokeh draws one of no length
without end.
"""


def draw_border_names(
    plot: DrawnMap, content: ReportContent, plane: Plane, screen: MapScreen
) -> list[LegendItem]:
    """Name the towns at the border, before numbers are placed: those give way to the names."""
    towns = named_towns(content).border
    if not towns:
        return []
    marks = plane.project(np.array(marked_places(content)).reshape(-1, 2))
    around = [OccupiedBoxes(each.boxes) for each in screen.occupied]
    for each, scale in zip(around, screen.scales, strict=True):
        each.add(boxes_around(marks * scale, AVOIDED))
    before = [len(each.boxes) for each in around]
    items = _draw(
        plot,
        "towns",
        towns,
        12,
        TOWNS_NAMED[screen.name],
        _("Names of border towns"),
        plane,
        screen,
        around,
    )
    screen.add([each.boxes[k:] for each, k in zip(around, before, strict=True)])
    return items


def draw_names(
    plot: DrawnMap,
    content: ReportContent,
    plane: Plane,
    screen: MapScreen,
    drawn: NDArray[np.int64],
) -> list[LegendItem]:
    """Name the other towns, main roads among the segments that are drawn, and areas,
    where the name lies on nothing else.
    """
    towns = named_towns(content).inland
    roads = road_numbers(content, drawn)
    areas = named_areas(content)
    if towns:
        screen.add(
            [
                boxes_around(points, SETTLEMENT.size)
                for points in screen.points(_columns(towns, plane))
            ]
        )
    occupied = screen.occupied
    return [
        *_draw(
            plot,
            "towns",
            towns,
            12,
            TOWNS_NAMED[screen.name],
            _("Names of towns"),
            plane,
            screen,
            occupied,
        ),
        *_draw(
            plot,
            "roads",
            roads,
            10,
            ROADS_NUMBERED[screen.name],
            _("Numbers of main roads"),
            plane,
            screen,
            occupied,
        ),
        *_draw(
            plot, "areas", areas, 15, len(areas), _("States and countries"), plane, screen, occupied
        ),
    ]


def _draw(
    plot: DrawnMap,
    kind: str,
    places: Sequence[NamedPlace],
    size: float,
    most: int,
    label: str,
    plane: Plane,
    screen: MapScreen,
    occupied: Sequence[OccupiedBoxes],
) -> list[LegendItem]:
    """Write the names of places, in that order, where there is room, more the closer
    the map is; no line of the legend where there is none.
    """
    columns = _columns(places, plane)
    widths = [text_width(name, size) + (6 if kind == "roads" else 0) for name in columns["name"]]
    gap = 5 if kind == "towns" else 0
    placed = [
        place_names(points, widths, 1.3 * size, gap, each, most * by)
        for points, each, by in zip(screen.points(columns), occupied, (1, *CLOSER), strict=True)
    ]
    offsets = np.array(
        [
            [(np.nan, np.nan) if each is None else (each[0], -each[1]) for each in found]
            for found in placed
        ]
    )
    kept = np.flatnonzero(np.isfinite(offsets).any(axis=(0, 2))).tolist() if places else []
    if not kept:
        return []
    shown = {key: [column[k] for k in kept] for key, column in columns.items()}
    shown |= offset_columns(list(offsets[:, kept]), ("right", "down"))
    text = draw_text(plot, ("name", label, screen.name), shown, "name", screen, **TEXTS[kind])
    return [screen.own(plot, plot.item(label, [text]))]


def _columns(places: Sequence[NamedPlace], plane: Plane) -> dict[str, list[Any]]:
    x, y = (
        plane.project(np.array([(place.lon, place.lat) for place in places]).reshape(-1, 2))
        .round()
        .T
    )
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
    # the page's script shows one card at a time, made of these tooltips
    plot.toolbar.active_inspect = None
    plot.toolbar.logo = None
    name_tools(plot)
    plot.axis.visible = False
    plot.grid.visible = False
    scale = ScaleBar(range=plot.x_range, unit="m", orientation="horizontal", location="bottom_left")
    scale.update(
        bar_length=0.2, background_fill_alpha=0.8, border_line_color=None, label="@{value} @{unit}"
    )
    plot.add_layout(scale, "below")  # not on the map: it would hide what lies in its corner
    return plot


def name_tools(plot: Any) -> None:  # noqa: ANN401 - bokeh has no types
    """Name the tools of a map in the language that is spoken; in English they are named
    as bokeh does.
    """
    if spoken().code != ENGLISH:
        for tool in plot.toolbar.tools:
            if type(tool).__name__ in TOOLS:
                tool.description = _(TOOLS[type(tool).__name__])


def draw_lines(plot: DrawnMap, layer: LineLayer) -> LegendItem:
    """Draw a layer of lines, and return its line of the legend."""
    name = ("lines", layer.label)
    look = {
        "line_color": layer.colour,
        "line_dash": layer.dash,
        "line_cap": layer.cap,
        "visible": layer.shown,
    }
    glyph = plot.layer(name, "multi_line", layer.columns, **look, **layer.width)
    if layer.tooltips:
        plot.hover(name, [glyph], layer.tooltips, line_policy="interp")
    return plot.item(layer.label, [glyph])


def draw_points(plot: DrawnMap, layer: PointLayer) -> LegendItem:
    """Draw a layer of points, and return its line of the legend."""
    symbol = layer.symbol
    name = ("points", symbol.text)
    glyph = plot.layer(
        name,
        "scatter",
        layer.columns,
        marker=symbol.bokeh,
        size=(SMALL if "number" in layer.columns else 1) * symbol.size,
        fill_color=symbol.fill,
        line_color=symbol.line,
        line_width=1.3,
    )
    if layer.tooltips:
        plot.hover(name, [glyph], layer.tooltips)
    return plot.item(symbol.text, [glyph])


def draw_ring(plot: DrawnMap) -> None:
    """Add the ring that the page's script puts round the mark whose card is open; where
    it is already is the script's.
    """
    if plot.again:
        plot.keep("ring")
        return
    ring = plot.layer(
        ("ring",), "scatter", {"x": [], "y": []}, marker="circle", size=34, fill_color=None, line_color="#d00000", line_width=3
    )  # fmt: skip
    ring.name = "ring"


def draw_text(
    plot: DrawnMap,
    name: Hashable,
    columns: dict[str, list[Any]],
    column: str,
    screen: MapScreen,
    **style: Any,  # noqa: ANN401 - bokeh has no types
) -> Any:  # noqa: ANN401
    """Write a column beside its points, `right` and `down` of them when the map opens;
    the page's script takes the offsets of other scales.
    """
    text = plot.layer(
        name, "text", columns, text=column, text_align="center", text_baseline="middle", x_offset="right", y_offset="down", **style
    )  # fmt: skip
    text.glyph.tags = list(screen.scales)
    return text


def tag(
    plot: DrawnMap, item: LegendItem, choices: list[str], *, visible: bool = True
) -> LegendItem:
    """Let a layer and its line of the legend show under some choices alone; `visible`
    says whether the first is among them.
    """
    plot.begin((item, *item.renderers), tags=choices, visible=visible)
    return item
