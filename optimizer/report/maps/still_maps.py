"""Still maps: where the risk is, and what the plan does to it, drawn with matplotlib
into the axes they are given.

First the maps, then their lines (roads, routes, beats, the border), their places
(towns, ways in, sites, bases, posts and the numbers on them), and the sheet they lie
on: frame, foot, bar of scale, legend.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import shapely
from matplotlib.collections import LineCollection
from matplotlib.legend_handler import HandlerTuple
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from optimizer.base.text.formatting import SPACE, known, number, plain, round_below
from optimizer.base.text.language import gettext as _
from optimizer.problem.network.geodesy import METRES_PER_DEGREE
from optimizer.problem.network.places import NamedPlace
from optimizer.problem.network.road_classes import MAIN_CLASSES
from optimizer.report.content.report_content import ReportContent
from optimizer.report.maps.geography import (
    Bounds,
    border_parts,
    map_bounds,
    opening_bounds,
    thinness,
)
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
from optimizer.report.maps.map_layers import (
    CROWD_SHAPE,
    RIM,
    Crowd,
    DrawnBeat,
    DrawnHole,
    Layout,
    LegendGroup,
    MapLayers,
    RoadClass,
    RoadLayer,
    flow_width,
    legend_groups,
    letters_by_base,
    map_layers,
)
from optimizer.report.palette import (
    AFTER,
    BASE,
    BEFORE,
    BORDER,
    FAINT,
    GATEWAY,
    HOLE,
    IN_USE,
    LOOK,
    MINOR_ROAD,
    OFFICIAL,
    SETTLEMENT,
    SITES,
    TEXT,
    TODAY,
    UNOFFICIAL,
    Symbol,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Handle: TypeAlias = Line2D | tuple[Line2D, ...]


def draw_road_layer(
    ax: Axes, content: ReportContent, layer: RoadLayer, bounds: Bounds | None = None
) -> Axes:
    """Draw the roads as one layer colours them, with the border and the towns; the
    legend stands below.

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
    handles += draw_badges(ax, middle.reshape(-1, 2), [LOOK] * len(rows), occupied) + draw_towns(
        ax, content, occupied
    )
    return finish_map(ax, content, handles, layer.title, below=True)


def draw_plan(ax: Axes, content: ReportContent, layers: MapLayers | None = None) -> Axes:
    """Draw where evaders go before and after the plan, and the sites chosen and not;
    chosen sites carry their number.

    `layers` are those of the content, where they have been made.
    """
    layers = layers or map_layers(content)
    ax.set_title(_plan_title(content), loc="left", color=TEXT, parse_math=False)
    return _draw_with_insets(ax, content, layers, _draw_marks)


def draw_today(ax: Axes, content: ReportContent, layers: MapLayers) -> Axes:
    """Draw today's layout and the routes past it; `content` is of a plan that is
    today's layout.
    """
    ax.set_title(_("Today's layout, and the routes evaders take"), loc="left", color=TEXT)
    return _draw_with_insets(
        ax, content, layers, partial(_draw_marks, layouts=("today",), symbols={"kept": IN_USE})
    )


def _draw_with_insets(
    ax: Axes,
    content: ReportContent,
    layers: MapLayers,
    draw: Callable[[Axes, ReportContent, MapLayers, Bounds], list[Handle]],
) -> Axes:
    """Draw a map, where in the region it lies, and larger the places where marks crowd."""
    bounds = opening_bounds(content, layers.bounds)
    finish_map(ax, content, draw(ax, content, layers, bounds), None)
    if bounds != layers.bounds:
        _draw_locator(ax, content, layers.bounds, bounds)
    for inset, crowd in zip(inset_axes(ax, layers.crowds), layers.crowds, strict=True):
        draw(inset, content, layers, crowd.bounds)
        finish_inset(inset, crowd.name)
    return ax


def _plan_title(content: ReportContent) -> str:
    """Return what the plan does to what gets through, in a few words; what the map
    shows where that is not known.
    """
    summary = content.summary
    before = summary.existing if known(summary.existing) else summary.nothing
    if not known(summary.upper) or not known(before):
        return _("The plan, and the routes evaders take without and with it")
    said = (
        _(
            "With the plan {value} gets through, under today\N{RIGHT SINGLE QUOTATION MARK}s layout"
            " {before}"
        )
        if known(summary.existing)
        else _("With the plan {value} gets through, with nothing placed {before}")
    )
    return said.format(value=summary.text.value(summary.upper), before=summary.text.value(before))


LOCATOR = (1.02, 0.0, 0.24)
"""Left and lower end, and width, of the locator, in widths and heights of the map."""


def _draw_locator(ax: Axes, content: ReportContent, whole: Bounds, shown: Bounds) -> None:
    """Draw beside a cropped map where in the region it lies: border, main roads, and its frame."""
    per_latitude = np.cos(np.radians(whole.middle_latitude))
    shape = (whole.height / (whole.width * per_latitude)) * (ax.bbox.width / ax.bbox.height)
    left, low, wide = LOCATOR
    inset = ax.inset_axes((left, low, wide, wide * shape))
    fix_frame(inset, whole)
    network = content.network
    main = np.isin(network.road_class[network.segment_arc], MAIN_CLASSES)
    lines = [shapely.get_coordinates(line) for line in network.lines[main if main.any() else ~main]]
    inset.add_collection(LineCollection(lines, colors=MINOR_ROAD, linewidths=0.4), autolim=False)
    draw_border(inset, content)
    frame = Rectangle(
        (shown.west, shown.south),
        shown.width,
        shown.height,
        fill=False,
        color=TEXT,
        linewidth=1.2,
        zorder=8,
    )
    inset.add_patch(frame)
    inset.set_xticks([])
    inset.set_yticks([])


def _draw_marks(
    ax: Axes,
    content: ReportContent,
    layers: MapLayers,
    bounds: Bounds,
    layouts: Sequence[Layout] = ("before", "after"),
    symbols: Mapping[str, Symbol] = SITES,
) -> list[Handle]:
    """Draw roads, the routes under some layouts, and marks within bounds (degrees);
    return the lines of the legend.
    """
    fix_frame(ax, bounds)
    lines = content.network.lines
    inside = np.sort(shapely.STRtree(lines).query(shapely.box(*astuple(bounds))))
    every = RoadClass(_("Road"), inside, MINOR_ROAD, 0.6 / POINTS_PER_PIXEL)
    handles: list[Handle] = [
        *draw_roads(ax, content, every, thinness(content.network.n_segments, 0.5))
    ]
    for layout in layouts:
        handles += draw_routes(ax, content, layers, layout)
    occupied = OccupiedBoxes()
    name_border_towns(ax, content, occupied)
    handles += [draw_hole(ax, hole) for hole in layers.holes]
    for beat in layers.beats:
        draw_beat(ax, beat)
    handles += (
        draw_border(ax, content)
        + draw_ways_in(ax, content)
        + draw_sites(ax, content, occupied, symbols)
    )
    handles += [*draw_bases(ax, layers.beats, occupied), *draw_posts(ax, layers.beats, occupied)]
    ways = [(place.lon, place.lat) for place in content.gateways]
    ways += [(place.lon, place.lat) for place in content.crossings]
    occupied.add(boxes_around(on_sheet(ax, ways), 0.6 * GATEWAY.size * POINTS_PER_PIXEL))
    return [*handles, *draw_towns(ax, content, occupied)]


def draw_layer(ax: Axes, content: ReportContent, layer: RoadLayer) -> list[Line2D]:
    """Draw the roads as a layer colours them, and return the lines of the legend."""
    thin = thinness(content.network.n_segments, 0.35)
    return [handle for part in layer.classes for handle in draw_roads(ax, content, part, thin)]


def draw_roads(ax: Axes, content: ReportContent, part: RoadClass, thin: float) -> list[Line2D]:
    """Draw the roads of one class, their width times `thin`, and return the line of the legend."""
    lines = content.network.lines[part.segments]
    # short pieces of a long road would each begin their dashes anew and look like one
    # whole line
    if part.dashed:
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
        Line2D(
            [],
            [],
            color=part.colour,
            linewidth=float(np.clip(width, 1.5, 4.0)),
            linestyle=style,
            label=part.label,
        )
    ]


def draw_routes(
    ax: Axes, content: ReportContent, layers: MapLayers, layout: Layout
) -> list[Line2D]:
    """Draw the routes under a layout."""
    colour, label, traffic = {
        "before": (BEFORE, _("Routes with nothing placed"), layers.before),
        "today": (TODAY, _("Routes with today's layout"), layers.today),
        "after": (AFTER, _("Routes with the plan"), layers.after),
    }[layout]
    weight = traffic.weight
    heaviest = max(weight.max(initial=0.0), layers.before.weight.max(initial=0.0))
    busy = np.flatnonzero(weight)
    if not busy.size:
        return []
    lines = [shapely.get_coordinates(line) for line in content.network.lines[busy]]
    width = flow_width(weight[busy], heaviest, layout) * POINTS_PER_PIXEL
    ax.add_collection(
        LineCollection(lines, colors=colour, linewidths=width, capstyle="round"), autolim=False
    )
    return [Line2D([], [], color=colour, linewidth=5, label=label)]


def draw_hole(ax: Axes, hole: DrawnHole) -> Line2D:
    """Draw a route past the plan, and return its line of the legend."""
    drawn = LineCollection(
        [shapely.get_coordinates(line) for line in hole.lines],
        colors=HOLE,
        linewidths=HOLE_POINTS,
        linestyles=hole.dash,
        capstyle="butt",
        gid=f"hole-{hole.number}",
    )
    ax.add_collection(drawn, autolim=False)
    look: dict[str, Any] = {"color": HOLE, "linewidth": HOLE_POINTS, "linestyle": hole.dash}
    return Line2D([], [], label=hole.label, **look)


def draw_border(ax: Axes, content: ReportContent) -> list[Line2D]:
    """Draw the border, where there is one, and return the line of the legend."""
    border = border_parts(content.border)
    if not border.size:
        return []
    lines = [shapely.get_coordinates(part) for part in border]
    style = (0.0, (6.0, 2.0, 1.0, 2.0))
    ax.add_collection(
        LineCollection(lines, colors=BORDER, linewidths=1.6, linestyles=[style], capstyle="butt"),
        autolim=False,
    )
    return [Line2D([], [], color=BORDER, linewidth=1.6, linestyle=style, label=_("Border"))]


def draw_beat(ax: Axes, beat: DrawnBeat) -> None:
    """Draw the roads of a beat with a white rim, so that it parts from what lies under it."""
    lines = [shapely.get_coordinates(line) for line in beat.lines]
    for width, colour in ((beat.width + 2 * RIM, "white"), (beat.width, beat.colour)):
        drawn = LineCollection(
            lines, colors=colour, linewidths=width * POINTS_PER_PIXEL, capstyle="round"
        )
        ax.add_collection(drawn, autolim=False)


TOWNS_NAMED, ROADS_NUMBERED = 26, 20

HOLE_POINTS = 1.8
"""Width of a route past the plan, in points."""

AVOIDED = 6.0
"""Size of the marks that names of border towns keep off, in points."""

NAME_POINTS = 7.0

TRIANGLE_RISE = 1.6
"""How far above its middle a triangle that points down holds a number of two digits, in points."""

POST_POINTS = 5.0
"""Size of the letter and number of a post."""


def name_border_towns(ax: Axes, content: ReportContent, occupied: OccupiedBoxes) -> None:
    """Name the towns at the border, before numbers are placed: those give way to the names."""
    around = OccupiedBoxes(occupied.boxes, sheet_bounds(ax))
    around.add(boxes_around(on_sheet(ax, marked_places(content)), AVOIDED))
    before = len(around.boxes)
    _write(
        ax,
        named_towns(content).border,
        NAME_POINTS,
        2.5,
        around,
        TOWNS_NAMED,
        {"color": TEXT, "bbox": LABEL_BOX},
    )
    occupied.add(around.boxes[before:])


def draw_towns(ax: Axes, content: ReportContent, occupied: OccupiedBoxes) -> list[Line2D]:
    """Draw the towns; name those inland, main roads and areas, where the name lies on
    nothing else.
    """
    towns = named_towns(content)
    places = [(town.lon, town.lat) for town in content.settlements] + [
        (town.lon, town.lat) for town in (*towns.border, *towns.inland)
    ]
    handles = draw_points(ax, list(dict.fromkeys(places)), SETTLEMENT)
    occupied.frame = sheet_bounds(ax)
    if places:
        occupied.add(boxes_around(on_sheet(ax, places), SETTLEMENT.size * POINTS_PER_PIXEL))
    road = {"color": "#1f3d7a", "fontweight": "bold", "bbox": {**LABEL_BOX, "alpha": 0.9}}
    _write(
        ax,
        towns.inland,
        NAME_POINTS,
        2.5,
        occupied,
        TOWNS_NAMED,
        {"color": TEXT, "bbox": LABEL_BOX},
    )
    _write(ax, road_numbers(content), 0.85 * NAME_POINTS, 0.0, occupied, ROADS_NUMBERED, road)
    _write(
        ax,
        named_areas(content),
        1.2 * NAME_POINTS,
        0.0,
        occupied,
        20,
        {"color": "#5a5a5a", "fontstyle": "italic"},
    )
    return handles


def _write(
    ax: Axes,
    places: Sequence[NamedPlace],
    size: float,
    gap: float,
    occupied: OccupiedBoxes,
    most: int,
    style: dict[str, Any],
) -> None:
    """Write the names of places beside them, in that order, where there is room."""
    names = [plain(place.name, 24) for place in places]
    points = on_sheet(ax, [(place.lon, place.lat) for place in places])
    offsets = place_names(
        points, [text_width(name, size) for name in names], 1.3 * size, gap, occupied, most
    )
    for place, name, offset in zip(places, names, offsets, strict=True):
        if offset is not None:
            ax.annotate(
                name, (place.lon, place.lat), xytext=offset, ha="center", va="center", textcoords="offset points", fontsize=size,
                parse_math=False, zorder=4, **style,
            )  # fmt: skip


def draw_ways_in(ax: Axes, content: ReportContent) -> list[Line2D]:
    """Draw crossings, and gateways where there is none, and return the lines of the legend."""
    crossings = {(place.lon, place.lat) for place in content.crossings}
    ways = [(place.lon, place.lat) for place in content.gateways]
    handles = draw_points(ax, [way for way in ways if way not in crossings], GATEWAY)
    handles += draw_points(
        ax,
        [(place.lon, place.lat) for place in content.crossings if not place.official],
        UNOFFICIAL,
    )
    return handles + draw_points(
        ax, [(place.lon, place.lat) for place in content.crossings if place.official], OFFICIAL
    )


def draw_sites(
    ax: Axes,
    content: ReportContent,
    occupied: OccupiedBoxes,
    symbols: Mapping[str, Symbol] = SITES,
) -> list[Line2D]:
    """Draw what is ordered of sites with their numbers, and return the lines of the legend."""
    # of others there is no mark: it would hide what is ordered; the interactive map has
    # them
    numbers = content.numbers
    numbered = sorted(
        (site for site in content.sites if site.id in numbers), key=lambda site: numbers[site.id]
    )
    points = np.array([(site.lon, site.lat) for site in numbered]).reshape(-1, 2)
    return draw_badges(ax, points, [symbols[site.standing] for site in numbered], occupied)


def draw_bases(ax: Axes, beats: Sequence[DrawnBeat], occupied: OccupiedBoxes) -> list[Line2D]:
    """Draw the bases that beats set out from, and return the line of the legend."""
    places = [(base.lon, base.lat) for base in letters_by_base(beats)]
    occupied.add(boxes_around(on_sheet(ax, places), BASE.size * POINTS_PER_PIXEL))
    return draw_points(ax, places, BASE)


def draw_posts(
    ax: Axes, beats: Sequence[DrawnBeat], occupied: OccupiedBoxes
) -> list[tuple[Line2D, ...]]:
    """Write letter and number on every post, or beside it with a line to its place
    where something else stands.
    """
    posts = [
        (name, stop, drawn.colour)
        for drawn in beats
        for name, stop in zip(drawn.numbers, drawn.beat.stops, strict=True)
    ]
    lonlat = np.array(
        [(stop.lon, stop.lat) for _name, stop, _colour in posts], dtype=np.float64
    ).reshape(-1, 2)
    occupied.frame = sheet_bounds(ax)
    shown = _within(ax, lonlat)
    offsets = place_badges(on_sheet(ax, lonlat[shown]), 2.0 * POST_POINTS, occupied)
    for (name, stop, colour), offset in zip([posts[k] for k in shown], offsets, strict=True):
        ax.plot(
            stop.lon,
            stop.lat,
            marker="D",
            color=colour,
            markersize=3,
            markeredgecolor="white",
            markeredgewidth=0.5,
            zorder=5,
        )
        ax.annotate(
            name,
            (stop.lon, stop.lat),
            xytext=(float(offset[0]), float(offset[1])),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=POST_POINTS,
            color="white",
            weight="bold",
            bbox={
                "boxstyle": "round,pad=0.2",
                "facecolor": colour,
                "edgecolor": "white",
                "linewidth": 0.4,
            },
            arrowprops=(
                {"arrowstyle": "-", "color": colour, "linewidth": 0.7} if offset.any() else None
            ),
            zorder=7,
        )
    return [_beats_handle(group) for group in legend_groups(beats)]


def _beats_handle(group: LegendGroup) -> tuple[Line2D, ...]:
    """Return a line of the legend that shows the colours of some beats side by side."""
    return tuple(
        Line2D([], [], color=drawn.colour, linewidth=3, label=group.label) for drawn in group.beats
    )


def draw_badges(
    ax: Axes, lonlat: NDArray[np.float64], symbols: Sequence[Symbol], occupied: OccupiedBoxes
) -> list[Line2D]:
    """Draw numbered symbols; one that would lie on another stands beside it, with a
    line to its place.
    """
    size = 1.12 * max((symbol.size for symbol in symbols), default=0) * POINTS_PER_PIXEL
    occupied.frame = sheet_bounds(ax)
    shown = _within(ax, lonlat)
    offsets = place_badges(on_sheet(ax, lonlat[shown]), size, occupied)
    for index, at, offset in zip(shown, lonlat[shown].tolist(), offsets, strict=True):
        symbol = symbols[index]
        lon, lat = at if not offset.any() else _moved(ax, at, offset)
        if offset.any():
            ax.plot([at[0], lon], [at[1], lat], color=symbol.ink, linewidth=1.0, zorder=5)
            ax.plot(
                *at,
                "o",
                color=symbol.ink,
                markersize=3,
                markeredgecolor="white",
                markeredgewidth=0.5,
                zorder=5,
            )
        draw_points(ax, [(lon, lat)], symbol)
        ax.annotate(
            str(index + 1),
            (lon, lat),
            xytext=(0.0, TRIANGLE_RISE if symbol.matplotlib == "v" else 0.0),
            textcoords="offset points",
            ha="center",
            va="center_baseline",
            fontsize=6,
            color="white" if symbol.ink == symbol.fill else symbol.ink,
            weight="bold",
            zorder=7,
        )
    return [_handle(symbol) for symbol in dict.fromkeys(symbols)]


def _within(ax: Axes, lonlat: NDArray[np.float64]) -> list[int]:
    """Return which of (k, 2) points (degrees) the map shows."""
    (west, east), (south, north) = ax.get_xlim(), ax.get_ylim()
    inside = ((lonlat >= (west, south)) & (lonlat <= (east, north))).all(axis=1)
    return [int(k) for k in np.flatnonzero(inside)]


def _moved(ax: Axes, at: Sequence[float], offset: NDArray[np.float64]) -> tuple[float, float]:
    pixels = ax.transData.transform(at) + offset * ax.figure.dpi / 72
    lon, lat = ax.transData.inverted().transform(pixels)
    return float(lon), float(lat)


def draw_points(ax: Axes, places: Sequence[tuple[float, float]], symbol: Symbol) -> list[Line2D]:
    """Draw places with one symbol, and return the line of the legend; none where there
    is no place.
    """
    if not places:
        return []
    over = symbol in SITES.values() or symbol in {LOOK, BASE}
    ax.plot(*np.array(places).T, zorder=6 if over else 3, **_style(symbol))
    return [_handle(symbol)]


def _handle(symbol: Symbol) -> Line2D:
    return Line2D([], [], label=symbol.text, **_style(symbol))


def _style(symbol: Symbol) -> dict[str, Any]:
    return {
        "marker": symbol.matplotlib,
        "markersize": symbol.size * POINTS_PER_PIXEL,
        "markerfacecolor": symbol.fill,
        "markeredgecolor": symbol.line,
        "markeredgewidth": 0.7,
        "linestyle": "none",
    }


LABEL_BOX = {"facecolor": "white", "alpha": 0.65, "edgecolor": "none", "pad": 0.6}

POINTS_PER_PIXEL = 0.55
"""Sizes of symbols are in screen pixels; on paper about half as many points look the same."""

FOOT_POINTS = 6.0

NAME_LENGTH = 60
"""Characters of the title of a report under a map."""

LEGEND_POINTS = 8.0


def fix_frame(ax: Axes, bounds: Bounds) -> None:
    """Fix what the map shows (degrees), so that places on the sheet are known before
    anything is drawn.
    """
    ax.set_xlim(bounds.west, bounds.east)
    ax.set_ylim(bounds.south, bounds.north)
    ax.set_aspect(1 / np.cos(np.radians(bounds.middle_latitude)))
    ax.set_autoscale_on(False)
    ax.apply_aspect()


def on_sheet(
    ax: Axes, lonlat: Sequence[tuple[float, float]] | NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return (k, 2) points of a typographer for (k, 2) degrees."""
    pixels = ax.transData.transform(np.asarray(lonlat, dtype=np.float64).reshape(-1, 2))
    return np.asarray(pixels * 72 / ax.figure.dpi)


def sheet_bounds(ax: Axes) -> Bounds:
    """Return the bounds of the map on the sheet, in points of a typographer."""
    box, inch = ax.bbox, ax.figure.dpi / 72
    return Bounds(box.x0 / inch, box.y0 / inch, box.x1 / inch, box.y1 / inch)


def finish_map(
    ax: Axes,
    content: ReportContent,
    handles: Sequence[Handle],
    title: str | None,
    *,
    below: bool = False,
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
        labels=[
            str((handle[0] if isinstance(handle, tuple) else handle).get_label())
            for handle in handles
        ],
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


PANELS = 1.4
"""Width of the places that are shown larger, side by side, in widths of the map: they
lie under the legend too.
"""


def inset_axes(ax: Axes, crowds: Sequence[Crowd]) -> list[Axes]:
    """Return axes under a finished map, one a place that is to be shown larger, and
    mark on the map what each shows.
    """
    inset, gap = PANELS / 3, 0.02
    box, figure = ax.get_position(), ax.get_figure(root=True)
    assert figure is not None  # noqa: S101 - a map is drawn on a sheet
    wide, high = (float(size) for size in figure.get_size_inches())
    width = (inset - gap) * box.width
    height = width * wide * CROWD_SHAPE / high
    lines = ax.get_xlabel().count("\n") + 1
    top = box.y0 - ((lines * 1.3 * FOOT_POINTS + 28) / 72) / high
    made = []
    for place, crowd in enumerate(crowds):
        bounds = crowd.bounds
        shape = Rectangle(
            (bounds.west, bounds.south),
            bounds.width,
            bounds.height,
            fill=False,
            color=TEXT,
            linewidth=0.9,
            zorder=8,
        )
        ax.add_patch(shape)
        letter = "abc"[place]
        ax.annotate(
            letter, (bounds.west, bounds.north), xytext=(2, -2), textcoords="offset points", ha="left", va="top", fontsize=8,
            fontweight="bold", color=TEXT, bbox=LABEL_BOX, zorder=9,
        )  # fmt: skip
        made.append(
            figure.add_axes(
                (box.x0 + place * inset * box.width, top - height, width, height), label=letter
            )
        )
    return made


def finish_inset(ax: Axes, name: str) -> None:
    """Give an inset its title, its frame and its bar of scale."""
    ax.set_title(
        f"{ax.get_label()}  {name}".strip(), loc="left", fontsize=9, color=TEXT, parse_math=False
    )
    ax.set_xticks([])
    ax.set_yticks([])
    _scale_bar(ax)


def _foot(ax: Axes, content: ReportContent) -> str:
    """Write under the map whose data it shows, in as many lines as that takes."""
    most = max(40, int(sheet_bounds(ax).width / (0.56 * FOOT_POINTS)))
    text = textwrap.fill(
        "; ".join(filter(None, (made_line(content), plain("; ".join(content.sources))))), most
    )
    ax.set_xlabel(text, loc="left", fontsize=FOOT_POINTS, color="#4d4d4d", parse_math=False)
    return text


def made_line(content: ReportContent) -> str:
    """Return whose a figure is: the mark of handling, the title, the day, and the
    number of the plan.
    """
    number_of = _("Plan {number}").format(number=content.number) if content.number else ""
    parts = (
        plain(content.handling),
        plain(content.title, NAME_LENGTH),
        plain(content.created, NAME_LENGTH),
        number_of,
    )
    return ", ".join(filter(None, parts))


def _scale_bar(ax: Axes) -> None:
    """Draw a bar of a round length, about a quarter of the map wide, in the lower left corner."""
    (west, east), (south, north) = ax.get_xlim(), ax.get_ylim()
    per_degree = METRES_PER_DEGREE * np.cos(np.radians((south + north) / 2))
    metres = round_below((east - west) * per_degree / 4)
    x, y = west + (east - west) * 0.03, south + (north - south) * 0.03
    ax.plot(
        [x, x + metres / per_degree],
        [y, y],
        color=TEXT,
        linewidth=2,
        solid_capstyle="butt",
        zorder=8,
    )
    text = f"{number(metres / 1000)}{SPACE}km" if metres >= 1000 else f"{number(metres)}{SPACE}m"
    ax.annotate(
        text,
        (x, y),
        xytext=(0, 4),
        textcoords="offset points",
        fontsize=7,
        color=TEXT,
        bbox=LABEL_BOX,
        zorder=8,
    )
