"""Places on a still map: towns with their names, ways in, sites, bases, posts, and the numbers that stand on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.lines import Line2D

from optimizer.base.formatting import plain
from optimizer.report.drawn_beats import drawn_bases, legend_groups
from optimizer.report.map_labels import marked_places, named_areas, named_towns, road_numbers
from optimizer.report.palette import BASE, GATEWAY, LOOK, OFFICIAL, SETTLEMENT, SITES, TEXT, UNOFFICIAL, Symbol
from optimizer.report.placing import OccupiedBoxes, boxes_around, place_badges, place_names, text_width
from optimizer.report.still.sheet import LABEL_BOX, POINTS_PER_PIXEL, on_sheet, sheet_bounds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from optimizer.report.content import ReportContent
    from optimizer.report.drawn_beats import DrawnBeat, LegendGroup
    from optimizer.report.place_names import NamedPlace

TOWNS_NAMED, ROADS_NUMBERED = 26, 20
AVOIDED = 6.0
"""Size of the marks that names of border towns keep off, in points."""
NAME_POINTS = 7.0
POST_POINTS = 5.0
"""Size of the letter and number of a post."""


@dataclass(frozen=True, slots=True)
class _Post:
    """A post as it is drawn: its letter and number, where it is (degrees), the colour of its beat."""

    name: str
    lon: float
    lat: float
    colour: str


def name_border_towns(ax: Axes, content: ReportContent, occupied: OccupiedBoxes) -> None:
    """Name the towns at the border, before numbers are placed: those give way to the names."""
    around = OccupiedBoxes(occupied.boxes, sheet_bounds(ax))
    around.add(boxes_around(on_sheet(ax, marked_places(content)), AVOIDED))
    before = len(around.boxes)
    _write(ax, named_towns(content).border, NAME_POINTS, 2.5, around, TOWNS_NAMED, {"color": TEXT, "bbox": LABEL_BOX})
    occupied.add(around.boxes[before:])


def draw_towns(ax: Axes, content: ReportContent, occupied: OccupiedBoxes) -> list[Line2D]:
    """Draw the towns; name those inland, main roads and areas, where the name lies on nothing else."""
    towns = named_towns(content)
    places = [(town.lon, town.lat) for town in content.settlements] + [
        (town.lon, town.lat) for town in (*towns.border, *towns.inland)
    ]
    handles = draw_points(ax, list(dict.fromkeys(places)), SETTLEMENT)
    occupied.frame = sheet_bounds(ax)
    if places:
        occupied.add(boxes_around(on_sheet(ax, places), SETTLEMENT.size * POINTS_PER_PIXEL))
    road = {"color": "#1f3d7a", "fontweight": "bold", "bbox": {**LABEL_BOX, "alpha": 0.9}}
    _write(ax, towns.inland, NAME_POINTS, 2.5, occupied, TOWNS_NAMED, {"color": TEXT, "bbox": LABEL_BOX})
    _write(ax, road_numbers(content), 0.85 * NAME_POINTS, 0.0, occupied, ROADS_NUMBERED, road)
    _write(ax, named_areas(content), 1.2 * NAME_POINTS, 0.0, occupied, 20, {"color": "#5a5a5a", "fontstyle": "italic"})
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
    offsets = place_names(points, [text_width(name, size) for name in names], 1.3 * size, gap, occupied, most)
    for place, name, offset in zip(places, names, offsets, strict=True):
        if offset is not None:
            ax.annotate(
                name, (place.lon, place.lat), xytext=offset, ha="center", va="center", textcoords="offset points", fontsize=size,
                parse_math=False, zorder=4, **style,
            )  # fmt: skip


def draw_ways_in(ax: Axes, content: ReportContent) -> list[Line2D]:
    """Draw gateways and crossings, and return the lines of the legend."""
    handles = draw_points(ax, [(place.lon, place.lat) for place in content.gateways], GATEWAY)
    handles += draw_points(
        ax, [(place.lon, place.lat) for place in content.crossings if not place.official], UNOFFICIAL
    )
    return handles + draw_points(
        ax, [(place.lon, place.lat) for place in content.crossings if place.official], OFFICIAL
    )


def draw_sites(ax: Axes, content: ReportContent, occupied: OccupiedBoxes) -> list[Line2D]:
    """Draw sites, those in the plan with their number, and return the lines of the legend."""
    handles: list[Line2D] = []
    for standing, symbol in SITES.items():
        others = [(site.lon, site.lat) for site in content.sites if site.standing == standing and not site.chosen]
        handles += draw_points(ax, others, symbol)
        if standing == "given up":
            occupied.add(boxes_around(on_sheet(ax, others), 0.7 * symbol.size * POINTS_PER_PIXEL))
    chosen = content.chosen
    points = np.array([(site.lon, site.lat) for site in chosen]).reshape(-1, 2)
    return handles + draw_badges(ax, points, [SITES[site.standing] for site in chosen], occupied)


def draw_bases(ax: Axes, beats: Sequence[DrawnBeat], occupied: OccupiedBoxes) -> list[Line2D]:
    """Draw the bases that beats set out from, and return the line of the legend."""
    places = [(drawn.base.lon, drawn.base.lat) for drawn in drawn_bases(beats)]
    occupied.add(boxes_around(on_sheet(ax, places), BASE.size * POINTS_PER_PIXEL))
    return draw_points(ax, places, BASE)


def draw_posts(ax: Axes, beats: Sequence[DrawnBeat], occupied: OccupiedBoxes) -> list[tuple[Line2D, ...]]:
    """Write letter and number on every post, or beside it with a line to its place where something else stands."""
    posts = [
        _Post(name, stop.lon, stop.lat, drawn.colour)
        for drawn in beats
        for name, stop in zip(drawn.numbers, drawn.beat.stops, strict=True)
    ]
    lonlat = np.array([(post.lon, post.lat) for post in posts], dtype=np.float64).reshape(-1, 2)
    occupied.frame = sheet_bounds(ax)
    shown = _within(ax, lonlat)
    offsets = place_badges(on_sheet(ax, lonlat[shown]), 2.0 * POST_POINTS, occupied)
    for post, offset in zip([posts[k] for k in shown], offsets, strict=True):
        ax.plot(
            post.lon,
            post.lat,
            marker="D",
            color=post.colour,
            markersize=3,
            markeredgecolor="white",
            markeredgewidth=0.5,
            zorder=5,
        )
        ax.annotate(
            post.name,
            (post.lon, post.lat),
            xytext=(float(offset[0]), float(offset[1])),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=POST_POINTS,
            color="white",
            weight="bold",
            bbox={"boxstyle": "round,pad=0.2", "facecolor": post.colour, "edgecolor": "white", "linewidth": 0.4},
            arrowprops={"arrowstyle": "-", "color": post.colour, "linewidth": 0.7} if offset.any() else None,
            zorder=7,
        )
    return [_beats_handle(group) for group in legend_groups(beats)]


def _beats_handle(group: LegendGroup) -> tuple[Line2D, ...]:
    """Return a line of the legend that shows the colours of some beats side by side."""
    return tuple(Line2D([], [], color=drawn.colour, linewidth=3, label=group.label) for drawn in group.beats)


def draw_badges(
    ax: Axes, lonlat: NDArray[np.float64], symbols: Sequence[Symbol], occupied: OccupiedBoxes
) -> list[Line2D]:
    """Draw numbered symbols; one that would lie on another stands beside it, with a line to its place."""
    size = 1.12 * max((symbol.size for symbol in symbols), default=0) * POINTS_PER_PIXEL
    occupied.frame = sheet_bounds(ax)
    shown = _within(ax, lonlat)
    offsets = place_badges(on_sheet(ax, lonlat[shown]), size, occupied)
    for index, at, offset in zip(shown, lonlat[shown].tolist(), offsets, strict=True):
        symbol = symbols[index]
        lon, lat = at if not offset.any() else _moved(ax, at, offset)
        if offset.any():
            ax.plot([at[0], lon], [at[1], lat], color=symbol.fill, linewidth=1.0, zorder=5)
            ax.plot(*at, "o", color=symbol.fill, markersize=3, markeredgecolor="white", markeredgewidth=0.5, zorder=5)
        draw_points(ax, [(lon, lat)], symbol)
        ax.annotate(
            str(index + 1),
            (lon, lat),
            ha="center",
            va="center_baseline",
            fontsize=6,
            color="white",
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
    """Draw places with one symbol, and return the line of the legend; none where there is no place."""
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
