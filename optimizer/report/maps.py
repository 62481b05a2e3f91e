"""Still maps: where the risk is, and what the plan does to it."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from matplotlib.collections import LineCollection
from matplotlib.legend_handler import HandlerTuple
from matplotlib.lines import Line2D

from optimizer.base.formatting import SPACE, number, plain
from optimizer.report.geography import METRES_PER_DEGREE, border_parts, map_bounds, thinness, towns_by_size
from optimizer.report.palette import (
    AFTER,
    BASE,
    BEFORE,
    BORDER,
    FAINT,
    GATEWAY,
    LOOK,
    OFFICIAL,
    SETTLEMENT,
    SITES,
    TEXT,
    UNOFFICIAL,
    Symbol,
)
from optimizer.report.placing import Taken, boxes_around, place_badges, place_words, text_width
from optimizer.report.tours import RIM, bases, tour_groups, tours
from optimizer.report.views import RoadClass, map_layers, road_views

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from optimizer.report.content import ReportContent
    from optimizer.report.tours import Tour
    from optimizer.report.views import MapLayers, View

    Handle: TypeAlias = Line2D | tuple[Line2D, ...]

TOWNS_NAMED = 18
NAME_POINTS = 7.0
LABEL_BOX = {"facecolor": "white", "alpha": 0.65, "edgecolor": "none", "pad": 0.6}
POINTS_PER_PIXEL = 0.55
"""Sizes of symbols are in screen pixels; on paper about half as many points look the same."""
FOOT_POINTS = 6.0
LEGEND_POINTS = 8.0
POST_POINTS = 5.0
"""Size of the letter and number of a post."""


def draw_risk(ax: Axes, content: ReportContent) -> Axes:
    """Draw roads coloured by risk, with the border and the towns."""
    return draw_view(ax, content, road_views(content)[0])


def draw_view(ax: Axes, content: ReportContent, view: View) -> Axes:
    """Draw the roads as one view colours them, with the border and the towns; the legend stands below."""
    ax.set_title(view.name, loc="left", color=TEXT, parse_math=False)
    _frame(ax, content)
    border = _border(ax, content)  # under the roads: what is known of a bridge lies on it
    handles = _view_roads(ax, content, view) + border + _towns(ax, content, Taken())
    return _finish(ax, content, handles, view.title, below=True)


def draw_look_next(ax: Axes, content: ReportContent, view: View) -> Axes:
    """Draw where to look next over a view of the roads, numbered as in the table."""
    ax.set_title(LOOK.label, loc="left", color=TEXT)
    _frame(ax, content)
    rows = content.look_first
    middle = content.network.segment_midpoint[[row.segment for row in rows]]
    taken = Taken()
    handles = _view_roads(ax, content, view) + _border(ax, content)
    handles += _badges(ax, middle.reshape(-1, 2), [LOOK] * len(rows), taken) + _towns(ax, content, taken)
    return _finish(ax, content, handles, view.title, below=True)


def draw_plan(ax: Axes, content: ReportContent, layers: MapLayers | None = None) -> Axes:
    """Draw where evaders go before and after the plan, and the sites chosen and not; chosen sites carry their number.

    `layers` are those of the content, where they have been made.
    """
    layers = layers or map_layers(content)
    ax.set_title("The plan, and the routes evaders take without and with it", loc="left", color=TEXT)
    _frame(ax, content)
    every = RoadClass("Road", np.arange(content.network.n_segments), FAINT, 0.6 / POINTS_PER_PIXEL)
    handles: list[Handle] = [*_roads(ax, content, every, thinness(content.network.n_segments, 0.5))]
    handles += _flow(ax, content, layers, after=False)
    handles += _flow(ax, content, layers, after=True)
    taken, made = Taken(), tours(content)
    for tour in made:
        _tour(ax, tour)
    handles += _border(ax, content) + _ways_in(ax, content) + _sites(ax, content, taken)
    handles += [*_bases(ax, content, taken), *_beats(ax, made, taken)]
    ways = [(place.lon, place.lat) for place in content.gateways]
    ways += [(place.lon, place.lat) for place in content.crossings]
    taken.add(boxes_around(_on_paper(ax, ways), 0.6 * GATEWAY.size * POINTS_PER_PIXEL))
    return _finish(ax, content, [*handles, *_towns(ax, content, taken)], None)


def flow_width(weight: NDArray[np.float64], heaviest: float, *, after: bool) -> NDArray[np.float64]:
    """Return line widths in screen pixels: area-like in weight; routes before the plan are drawn wider, as a rim round those after."""
    share = np.sqrt(weight / heaviest) if heaviest > 0 else np.zeros_like(weight)
    return np.asarray((2.0 if after else 5.5) + 8 * share)


def _frame(ax: Axes, content: ReportContent) -> None:
    """Fix what the map shows, so that places on paper are known before anything is drawn."""
    west, south, east, north = map_bounds(content)
    ax.set_xlim(west, east)
    ax.set_ylim(south, north)
    ax.set_aspect(1 / np.cos(np.radians((south + north) / 2)))
    ax.set_autoscale_on(False)
    ax.apply_aspect()


def _on_paper(ax: Axes, lonlat: Sequence[tuple[float, float]] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (k, 2) points of a typographer for (k, 2) degrees."""
    pixels = ax.transData.transform(np.asarray(lonlat, dtype=np.float64).reshape(-1, 2))
    return np.asarray(pixels * 72 / ax.figure.dpi)


def _paper(ax: Axes) -> tuple[float, float, float, float]:
    box, inch = ax.bbox, ax.figure.dpi / 72
    return (box.x0 / inch, box.y0 / inch, box.x1 / inch, box.y1 / inch)


def _view_roads(ax: Axes, content: ReportContent, view: View) -> list[Line2D]:
    thin = thinness(content.network.n_segments, 0.35)
    return [handle for part in view.classes for handle in _roads(ax, content, part, thin)]


def _roads(ax: Axes, content: ReportContent, part: RoadClass, thin: float) -> list[Line2D]:
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


def _flow(ax: Axes, content: ReportContent, layers: MapLayers, *, after: bool) -> list[Line2D]:
    """Draw the routes with the plan, or with nothing placed."""
    colour, label = (AFTER, "Routes with the plan") if after else (BEFORE, "Routes with nothing placed")
    weight = (layers.after if after else layers.before).weight
    heaviest = max(weight.max(initial=0.0), layers.before.weight.max(initial=0.0))
    busy = np.flatnonzero(weight)
    if not busy.size:
        return []
    lines = [shapely.get_coordinates(line) for line in content.network.lines[busy]]
    width = flow_width(weight[busy], heaviest, after=after) * POINTS_PER_PIXEL
    ax.add_collection(LineCollection(lines, colors=colour, linewidths=width, capstyle="round"), autolim=False)
    return [Line2D([], [], color=colour, linewidth=5, label=label)]


def _border(ax: Axes, content: ReportContent) -> list[Line2D]:
    border = border_parts(content)
    if not border.size:
        return []
    lines = [shapely.get_coordinates(part) for part in border]
    style = (0.0, (6.0, 2.0, 1.0, 2.0))
    ax.add_collection(
        LineCollection(lines, colors=BORDER, linewidths=1.6, linestyles=[style], capstyle="butt"), autolim=False
    )
    return [Line2D([], [], color=BORDER, linewidth=1.6, linestyle=style, label="Border")]


def _ways_in(ax: Axes, content: ReportContent) -> list[Line2D]:
    handles = _points(ax, [(place.lon, place.lat) for place in content.gateways], GATEWAY)
    handles += _points(ax, [(place.lon, place.lat) for place in content.crossings if not place.official], UNOFFICIAL)
    return handles + _points(ax, [(place.lon, place.lat) for place in content.crossings if place.official], OFFICIAL)


def _towns(ax: Axes, content: ReportContent, taken: Taken) -> list[Line2D]:
    """Draw the towns, and name the largest that have room for their name."""
    handles = _points(ax, [(town.lon, town.lat) for town in content.settlements], SETTLEMENT)
    towns = towns_by_size(content)
    names = [plain(town.name, 24) for town in towns]
    points = _on_paper(ax, [(town.lon, town.lat) for town in towns])
    taken.frame = _paper(ax)
    taken.add(boxes_around(points, SETTLEMENT.size * POINTS_PER_PIXEL))
    widths = [text_width(name, NAME_POINTS) for name in names]
    offsets = place_words(points, widths, 1.3 * NAME_POINTS, 2.5, taken, TOWNS_NAMED)
    for town, name, offset in zip(towns, names, offsets, strict=True):
        if offset is not None:
            ax.annotate(
                name,
                (town.lon, town.lat),
                xytext=offset,
                ha="center",
                va="center",
                textcoords="offset points",
                fontsize=NAME_POINTS,
                color=TEXT,
                parse_math=False,
                bbox=LABEL_BOX,
                zorder=4,
            )
    return handles


def _sites(ax: Axes, content: ReportContent, taken: Taken) -> list[Line2D]:
    handles: list[Line2D] = []
    for standing, symbol in SITES.items():
        others = [(site.lon, site.lat) for site in content.sites if site.standing == standing and not site.chosen]
        handles += _points(ax, others, symbol)
        if standing == "given up":
            taken.add(boxes_around(_on_paper(ax, others), 0.7 * symbol.size * POINTS_PER_PIXEL))
    chosen = content.chosen
    points = np.array([(site.lon, site.lat) for site in chosen]).reshape(-1, 2)
    return handles + _badges(ax, points, [SITES[site.standing] for site in chosen], taken)


def _tour(ax: Axes, tour: Tour) -> None:
    """Draw the roads of a beat with a white rim, so that it parts from what lies under it."""
    lines = [shapely.get_coordinates(line) for line in tour.lines]
    for width, colour in ((tour.width + 2 * RIM, "white"), (tour.width, tour.colour)):
        drawn = LineCollection(lines, colors=colour, linewidths=width * POINTS_PER_PIXEL, capstyle="round")
        ax.add_collection(drawn, autolim=False)


def _bases(ax: Axes, content: ReportContent, taken: Taken) -> list[Line2D]:
    places = [(beat.lon, beat.lat) for beat, _ in bases(content)]
    taken.add(boxes_around(_on_paper(ax, places), BASE.size * POINTS_PER_PIXEL))
    return _points(ax, places, BASE)


def _beats(ax: Axes, made: Sequence[Tour], taken: Taken) -> list[tuple[Line2D, ...]]:
    """Write letter and number on every post, or beside it with a line to its place where something else stands."""
    posts = [(tour, name, stop) for tour in made for name, stop in zip(tour.numbers, tour.beat.stops, strict=True)]
    lonlat = np.array([(stop.lon, stop.lat) for _, _, stop in posts], dtype=np.float64).reshape(-1, 2)
    taken.frame = _paper(ax)
    offsets = place_badges(_on_paper(ax, lonlat), 2.0 * POST_POINTS, taken)
    for (tour, name, _), at, offset in zip(posts, lonlat.tolist(), offsets, strict=True):
        ax.plot(
            *at, marker="D", color=tour.colour, markersize=3, markeredgecolor="white", markeredgewidth=0.5, zorder=5
        )
        ax.annotate(
            name,
            (at[0], at[1]),
            xytext=(float(offset[0]), float(offset[1])),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=POST_POINTS,
            color="white",
            weight="bold",
            bbox={"boxstyle": "round,pad=0.2", "facecolor": tour.colour, "edgecolor": "white", "linewidth": 0.4},
            arrowprops={"arrowstyle": "-", "color": tour.colour, "linewidth": 0.7} if offset.any() else None,
            zorder=7,
        )
    return [_tour_handle(words, group) for words, group in tour_groups(list(made))]


def _tour_handle(words: str, group: Sequence[Tour]) -> tuple[Line2D, ...]:
    """Return a line of the legend that shows the colours of some beats side by side."""
    return tuple(Line2D([], [], color=tour.colour, linewidth=3, label=words) for tour in group)


def _badges(ax: Axes, lonlat: NDArray[np.float64], symbols: Sequence[Symbol], taken: Taken) -> list[Line2D]:
    """Draw numbered symbols; one that would lie on another stands beside it, with a line to its place."""
    size = 1.12 * max((symbol.size for symbol in symbols), default=0) * POINTS_PER_PIXEL
    taken.frame = _paper(ax)
    offsets = place_badges(_on_paper(ax, lonlat), size, taken)
    for place, (at, offset, symbol) in enumerate(zip(lonlat.tolist(), offsets, symbols, strict=True), 1):
        lon, lat = at if not offset.any() else _moved(ax, at, offset)
        if offset.any():
            ax.plot([at[0], lon], [at[1], lat], color=symbol.fill, linewidth=1.0, zorder=5)
            ax.plot(*at, "o", color=symbol.fill, markersize=3, markeredgecolor="white", markeredgewidth=0.5, zorder=5)
        _points(ax, [(lon, lat)], symbol)
        ax.annotate(
            str(place),
            (lon, lat),
            ha="center",
            va="center_baseline",
            fontsize=6,
            color="white",
            weight="bold",
            zorder=7,
        )
    return [_handle(symbol) for symbol in dict.fromkeys(symbols)]


def _moved(ax: Axes, at: Sequence[float], offset: NDArray[np.float64]) -> tuple[float, float]:
    pixels = ax.transData.transform(at) + offset * ax.figure.dpi / 72
    lon, lat = ax.transData.inverted().transform(pixels)
    return float(lon), float(lat)


def _points(ax: Axes, places: Sequence[tuple[float, float]], symbol: Symbol) -> list[Line2D]:
    if not places:
        return []
    over = symbol in SITES.values() or symbol in {LOOK, BASE}
    ax.plot(*np.array(places).T, zorder=6 if over else 3, **_style(symbol))
    return [_handle(symbol)]


def _handle(symbol: Symbol) -> Line2D:
    return Line2D([], [], label=symbol.label, **_style(symbol))


def _style(symbol: Symbol) -> dict[str, Any]:
    return {
        "marker": symbol.matplotlib,
        "markersize": symbol.size * POINTS_PER_PIXEL,
        "markerfacecolor": symbol.fill,
        "markeredgecolor": symbol.line,
        "markeredgewidth": 0.7,
        "linestyle": "none",
    }


def _finish(
    ax: Axes, content: ReportContent, handles: Sequence[Handle], title: str | None, *, below: bool = False
) -> Axes:
    ax.set_xticks([])
    ax.set_yticks([])
    for spine in ax.spines.values():
        spine.set_color(FAINT)
    _scale_bar(ax)
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


def _foot(ax: Axes, content: ReportContent) -> str:
    """Write under the map whose data it shows, in as many lines as that takes."""
    west, _, east, _ = _paper(ax)
    room = max(40, int((east - west) / (0.56 * FOOT_POINTS)))
    words = textwrap.fill(plain("; ".join(content.sources)), room)
    ax.set_xlabel(words, loc="left", fontsize=FOOT_POINTS, color="#4d4d4d", parse_math=False)
    return words


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


def _round_length(metres: float) -> float:
    power = 10.0 ** np.floor(np.log10(metres))
    return float(power * max(step for step in (1, 2, 5) if step * power <= metres))
