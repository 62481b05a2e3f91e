"""The layers of a report's maps: made once, and drawn by the still maps and the
interactive one.

Beats: on which roads, in which colour and how wide, so that beats that share a road all
show. Traffic: the loads that set out over each segment with nothing placed, today and
with the plan. Crowds: the places that insets and buttons of the interactive map show
larger. Roads are coloured in layers of their own, one thing at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from optimizer.base.text.formatting import ARROW, DASH, letter, number, percent, plain, two_digits
from optimizer.base.text.language import gettext as _
from optimizer.problem.network.road_classes import MAIN_CLASSES
from optimizer.report.content.placements import BeatBase, BeatRow
from optimizer.report.content.routes import ResidualRoute
from optimizer.report.maps.geography import Bounds, map_bounds
from optimizer.report.maps.labels import named_towns
from optimizer.report.palette import (
    BEATS,
    EFFORT,
    ELSEWHERE,
    MINOR_ROAD,
    RISK,
    ROAD,
    UNSEARCHED,
    WIDTH,
)

if TYPE_CHECKING:
    from optimizer.report.content.report_content import ReportContent
    from optimizer.report.content.risk import SegmentRisk


@dataclass(frozen=True, slots=True)
class MapLayers:
    """What the figures and the interactive map draw: made once for a report, by
    `map_layers`.
    """

    #: Ways to colour the roads, the first shown first.
    roads: tuple[RoadLayer, ...]
    #: `before`, `today`, `after`: Loads on the routes with nothing placed, with today's
    #: layout, and with the plan.
    before: RouteTraffic
    today: RouteTraffic
    after: RouteTraffic
    #: Beats of the plan in drawing order.
    beats: tuple[DrawnBeat, ...]
    #: The routes past the plan that the first page names, the largest first.
    holes: tuple[DrawnHole, ...]
    #: What every map shows, in degrees.
    bounds: Bounds
    #: Places where the marks of the plan crowd, from west to east.
    crowds: tuple[Crowd, ...]

    @property
    def under_advice(self) -> RoadLayer:
        """Return the layer that lies under where to look next: how sure the risk is, or
        the only one there is.
        """
        return self.roads[min(1, len(self.roads) - 1)]


def map_layers(content: ReportContent) -> MapLayers:
    """Return the layers of a report's maps."""
    bounds = map_bounds(content)
    return MapLayers(
        roads=road_layers(content),
        before=traffic(content, "before"),
        today=traffic(content, "today"),
        after=traffic(content, "after"),
        beats=drawn_beats(content),
        holes=drawn_holes(content),
        bounds=bounds,
        crowds=crowds(content, bounds),
    )


THIN = 3.0
"""Width of a beat that has a road for itself, in screen pixels."""

STRIPE = 5.0
"""What each beat drawn over it adds."""

WIDEST = 23.0
"""The widest of all."""

RIM = 1.2
"""White on both sides of a beat, in screen pixels."""

MOST_LEGEND_BEATS = 10
"""Up to so many beats each has its own line in the legend; more share one a base."""


@dataclass(frozen=True, slots=True)
class DrawnBeat:
    """A beat as it is drawn."""

    #: Who drives it.
    beat: BeatRow
    #: `letter`, `colour`: What tells it from others.
    letter: str
    colour: str
    #: (k,) shapely lines in degrees, each road once.
    lines: NDArray[np.object_]
    #: (k,) width of each, in screen pixels; wider where beats that are drawn later lie
    #: on top.
    width: NDArray[np.float64]

    @property
    def numbers(self) -> list[str]:
        """What stands at its posts, in order: `A1`, `A2`."""
        return [f"{self.letter}{place}" for place in range(1, len(self.beat.stops) + 1)]


@dataclass(frozen=True, slots=True)
class DrawnHole:
    """A route past the plan as it is drawn: its number in the table and the figure, what
    is said of it, and (k,) shapely lines in degrees, each road once.
    """

    number: int
    way: ResidualRoute
    lines: NDArray[np.object_]

    @property
    def label(self) -> str:
        """Its line in a legend."""
        return _("Best route left, No. {number}").format(number=self.number)

    @property
    def dash(self) -> str:
        """How its line is broken, as bokeh and matplotlib call it; that of the largest is
        not.
        """
        return ("solid", "dashed", "dotted")[(self.number - 1) % 3]


def drawn_holes(content: ReportContent) -> tuple[DrawnHole, ...]:
    """Return the routes past the plan that the first page names, the largest first."""
    network, made = content.network, []
    for number_of_way, way in enumerate(content.holes, 1):
        segments = np.unique(network.segment[np.asarray(way.arcs, dtype=np.int64)])
        merged = _merged(network.lines[segments], np.full(segments.size, THIN))
        made.append(DrawnHole(number_of_way, way, merged.lines))
    return tuple(made)


@dataclass(frozen=True, slots=True)
class LegendGroup:
    """Beats that share a line of the legend of a still map, and its `label`."""

    label: str
    beats: tuple[DrawnBeat, ...]


@dataclass(frozen=True, slots=True)
class _MergedLines:
    """(k,) shapely lines, and the width of each."""

    lines: NDArray[np.object_]
    width: NDArray[np.float64]


def drawn_beats(content: ReportContent) -> tuple[DrawnBeat, ...]:
    """Return the beats of the plan in drawing order, which is that of their letters."""
    network, beats = content.network, content.driven
    driven = [np.unique(network.segment[np.asarray(beat.arcs, dtype=np.int64)]) for beat in beats]
    every = np.bincount(
        np.concatenate([*driven, np.empty(0, np.int64)]).astype(np.int64),
        minlength=network.n_segments,
    )
    stripe = np.minimum(STRIPE, (WIDEST - THIN) / np.maximum(every - 1, 1))
    drawn = np.zeros(network.n_segments, dtype=np.int64)
    made = []
    for place, (beat, segments) in enumerate(zip(beats, driven, strict=True)):
        drawn[segments] += 1
        above = every[segments] - drawn[segments]
        merged = _merged(network.lines[segments], THIN + stripe[segments] * above)
        made.append(
            DrawnBeat(beat, letter(place), BEATS[place % len(BEATS)], merged.lines, merged.width)
        )
    return tuple(made)


def legend_groups(beats: Sequence[DrawnBeat]) -> list[LegendGroup]:
    """Return beats by line of the legend: one each where there are few, else one a base."""
    if len(beats) <= MOST_LEGEND_BEATS:
        return [LegendGroup(_one_beat(drawn), (drawn,)) for drawn in beats]
    groups = [tuple(group) for key, group in groupby(beats, key=lambda drawn: drawn.beat.home)]
    return [
        LegendGroup(
            (
                _("Beats {first} {dash} {last}").format(
                    first=group[0].letter, dash=DASH, last=group[-1].letter
                )
                if len(group) > 1
                else _one_beat(group[0])
            ),
            group,
        )
        for group in groups
    ]


def _one_beat(drawn: DrawnBeat) -> str:
    return _("Beat {letter}").format(letter=drawn.letter)


def letters_by_base(beats: Sequence[DrawnBeat]) -> dict[BeatBase, list[str]]:
    """Return each base that beats of the plan set out from, with the letters of its beats."""
    letters: dict[BeatBase, list[str]] = {}
    for drawn in beats:
        letters.setdefault(drawn.beat.home, []).append(drawn.letter)
    return letters


def _merged(lines: NDArray[np.object_], width: NDArray[np.float64]) -> _MergedLines:
    """Return lines of one width as few long ones."""
    parts: list[NDArray[np.object_]] = [np.empty(0, dtype=object)]
    widths: list[NDArray[np.float64]] = [np.empty(0)]
    for one in np.unique(width).tolist():
        merged = shapely.get_parts(
            shapely.line_merge(shapely.multilinestrings(lines[width == one]))
        )
        parts.append(np.asarray(merged, dtype=object))
        widths.append(np.full(merged.size, one))
    return _MergedLines(np.concatenate(parts), np.concatenate(widths))


MAX_EVADERS_NAMED = 3

Layout = Literal["before", "today", "after"]
"""Nothing placed, today's layout, the plan."""

NARROWEST: dict[Layout, float] = {"before": 5.5, "today": 3.7, "after": 2.0}
"""Pixels of the lightest route: those of one layout lie as a rim round those of the next."""


@dataclass(frozen=True, slots=True)
class RouteTraffic:
    """Loads that set out over each segment, and by whom."""

    #: (n_segments,) sum of the weights of the routes that use the segment.
    weight: NDArray[np.float64]
    #: Positions of those routes in the content, the heaviest first, by segment;
    #: segments without routes are left out.
    routes: dict[int, list[int]]


def traffic(content: ReportContent, layout: Layout) -> RouteTraffic:
    """Add up the routes under a layout, segment by segment (both directions together)."""
    weight = np.zeros(content.network.n_segments)
    users: dict[int, list[int]] = {}
    for position in np.argsort([-route.weight for route in content.routes], kind="stable"):
        route = content.routes[position]
        arcs = {"before": route.arcs_before, "today": route.arcs_today, "after": route.arcs_after}[
            layout
        ]
        segments = np.unique(content.network.segment[np.asarray(arcs, dtype=np.int64)])
        weight[segments] += route.weight
        for segment in segments.tolist():
            users.setdefault(segment, []).append(int(position))
    return RouteTraffic(weight, users)


def evader_names(content: ReportContent, positions: Iterable[int]) -> str:
    """Name the first few routes of a list as `from -> to` and count the rest."""
    every = list(positions)
    rows = [content.routes[position] for position in every[:MAX_EVADERS_NAMED]]
    names = [f"{plain(row.start, 30)} {ARROW} {plain(row.end, 30)}" for row in rows]
    rest = len(every) - len(rows)
    return "; ".join([*names, *([_("{count} more").format(count=rest)] if rest else [])])


def flow_width(weight: NDArray[np.float64], heaviest: float, layout: Layout) -> NDArray[np.float64]:
    """Return line widths in screen pixels: area-like in weight."""
    share = np.sqrt(weight / heaviest) if heaviest > 0 else np.zeros_like(weight)
    return np.asarray(NARROWEST[layout] + 8 * share)


MOST_CROWDS = 3
"""Places that are shown larger."""

LEAST_MARKS = 4
"""Crowded marks that make a place."""

CROWDED_SHARE = 1 / 45
"""Marks nearer to one another than this share of the map lie on one another, as on a
sheet they are about so wide.
"""

CROWD_WIDTH = 1 / 6
"""Width of a place, as a share of the map."""

CROWD_SHAPE = 0.8
"""Its height over its width, on the ground."""


class Crowd(NamedTuple):
    """A place where marks crowd: the town there that people know it by (empty where
    there is none), and its box in degrees.
    """

    name: str
    bounds: Bounds


def crowds(content: ReportContent, bounds: Bounds) -> tuple[Crowd, ...]:
    """Return up to three boxes that hold most of the crowded marks, from west to east;
    none share a mark.

    Marks are places of sites of the plan, of sites that close, of posts of beats, and
    of official crossings. `bounds` (degrees) are those of the map.
    """
    places = [
        (site.lon, site.lat) for site in content.sites if site.chosen or site.standing == "given up"
    ]
    places += [(stop.lon, stop.lat) for beat in content.beats for stop in beat.stops]
    places += [(crossing.lon, crossing.lat) for crossing in content.crossings if crossing.official]
    lonlat = np.unique(np.array(places, dtype=np.float64).reshape(-1, 2).round(4), axis=0)
    lonlat = lonlat[np.isfinite(lonlat).all(axis=1)]
    # degrees to one unit east and north
    ground = np.array([np.cos(np.radians(bounds.middle_latitude)), 1.0])
    width = max(bounds.width * ground[0], bounds.height)
    marks = lonlat * ground
    half = CROWD_WIDTH * width * np.array([1.0, CROWD_SHAPE]) / 2
    found: list[Crowd] = []
    left = np.ones(len(marks), dtype=bool)
    crowded = _crowded(marks, CROWDED_SHARE * width)
    while len(found) < MOST_CROWDS and (left & crowded).any():
        # Greedy: the box with most crowded marks, centred on one of them, then moved to
        # the middle of all it holds.
        # (k, k): a box around each mark
        inside = (np.abs(marks[:, None] - marks[None]) <= half).all(axis=2) & left
        full = (inside & crowded).sum(axis=1) * left
        best = int(np.argmax(full))
        if full[best] < LEAST_MARKS:
            break
        own = marks[inside[best]]
        middle = (own.min(axis=0) + own.max(axis=0)) / 2
        low, high = (middle - half) / ground, (middle + half) / ground
        box = Bounds(*np.concatenate((low, high)).tolist())
        found.append(Crowd(_town_in(content, box, own.mean(axis=0) / ground), box))
        left &= ~(np.abs(marks - middle) <= half).all(axis=1)
    return tuple(sorted(found, key=lambda crowd: crowd.bounds.west))


def _crowded(marks: NDArray[np.float64], near: float) -> NDArray[np.bool_]:
    """(k,) whether another mark is near each of (k, 2) marks."""
    apart = np.hypot(*(marks[:, None] - marks[None]).transpose(2, 0, 1))
    np.fill_diagonal(apart, np.inf)
    return np.asarray((apart < near).any(axis=1), dtype=bool)


def _town_in(content: ReportContent, box: Bounds, middle: NDArray[np.float64]) -> str:
    """Return the town in a box that is near the middle of its marks, the first that
    maps name; one at the border where there is one.
    """
    towns = named_towns(content)
    for group in (towns.border, towns.inland):
        inside = [town for town in group if box.holds(np.array([town.lon, town.lat] * 2))]
        if inside:
            apart = np.array(
                [np.hypot(town.lon - middle[0], town.lat - middle[1]) for town in inside]
            )
            return plain(inside[int(np.argmax(apart <= apart.min() + box.width / 6))].name, 24)
    return ""


# Road layers: the same roads, coloured by one thing at a time, in classes that a reader
# can tell apart.
#
# Both the still maps and the interactive one draw them from here. A new way to colour
# the roads is one more `RoadLayer` in `road_layers`. What nobody ever searched has a
# class of its own.


RARE = 0.03
"""Share of the road length below which roads are drawn as spots."""

SPOT = 5.0
"""Screen pixels that a spot is wider than a line."""

SHORTEST_KM = 1e-6
"""Length of a segment without any, so that effort per kilometre stays finite."""


@dataclass(frozen=True, slots=True)
class RoadClass:
    """Roads that look alike."""

    #: Text in the legend, without a unit; fixed text and numbers only, never a
    #: record's.
    label: str
    #: (k,) which.
    segments: NDArray[np.int64]
    #: As bokeh and matplotlib take it.
    colour: str
    #: Screen pixels on a map with few roads.
    width: float
    #: Whether the line is broken: nobody looked.
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class RoadLayer:
    """One way to colour the roads."""

    #: For file names and the page.
    id: str
    #: What the reader chooses it by; may hold a record's text.
    name: str
    #: What the classes count, with its unit; may hold a record's text.
    title: str
    #: Every segment stands in exactly one; those drawn first come first.
    classes: tuple[RoadClass, ...]
    #: What a picture of it shows, for those who cannot see it.
    alt: str


def plan_layer(content: ReportContent) -> RoadLayer:
    """Return the roads by how important they are, under the plan: the first view of the
    interactive map.
    """
    network = content.network
    main = np.isin(network.road_class[network.segment_arc], MAIN_CLASSES)
    classes = (
        RoadClass(_("Other roads"), np.flatnonzero(~main), MINOR_ROAD, 1.2),
        RoadClass(_("Main roads"), np.flatnonzero(main), ROAD, 2.2),
    )
    title = _("The plan: what stands where, and the routes that evaders choose without and with it")
    return RoadLayer("plan", _("Plan"), title, classes, _("Map of the plan over the roads."))


def road_layers(content: ReportContent) -> tuple[RoadLayer, ...]:
    """Return the road layers of a report: risk, how sure it is, and effort by unit;
    plain roads where no risk was given.
    """
    risk = content.risk
    if risk is None:
        return (_plain(content),)
    return (_risk(risk), _width(risk), *_efforts(content, risk))


def _plain(content: ReportContent) -> RoadLayer:
    every = np.arange(content.network.n_segments)
    alone = RoadClass(_("Roads (no risk given)"), every, ROAD, 1.6)
    return RoadLayer(
        "risk", _("Roads"), _("Roads"), (alone,), _("Map of the roads; no risk was given.")
    )


def _risk(risk: SegmentRisk) -> RoadLayer:
    return RoadLayer(
        "risk",
        _("Risk"),
        _("Risk, {unit}").format(unit=plain(risk.unit, 60)),
        risk_classes(risk),
        _("Map of the roads coloured by risk; roads nobody ever searched are dashed."),
    )


def _width(risk: SegmentRisk) -> RoadLayer:
    return RoadLayer(
        "sure",
        _("How sure"),
        _("Upper end of the {percent} interval over its lower end").format(
            percent=percent(risk.interval, 0)
        ),
        width_classes(risk),
        _(
            "Map of the roads coloured by how wide the interval of the risk is; roads nobody ever"
            " searched are dashed."
        ),
    )


def _efforts(content: ReportContent, risk: SegmentRisk) -> tuple[RoadLayer, ...]:
    network = content.network
    length = np.maximum(network.length_m[network.segment_arc] / 1000, SHORTEST_KM)
    if not risk.efforts:
        nothing = RoadClass(
            _("None: no effort was recorded"),
            np.arange(network.n_segments),
            UNSEARCHED,
            1.6,
            dashed=True,
        )
        return (
            RoadLayer(
                "effort-1",
                _("Effort"),
                _("Search effort"),
                (nothing,),
                _("Map of the roads; no search effort was recorded."),
            ),
        )
    return tuple(
        RoadLayer(
            f"effort-{place + 1}",
            _("Effort: {unit}").format(unit=plain(effort.unit, 30)),
            _("Search effort, {unit} per km of road").format(unit=plain(effort.unit, 40)),
            _seen(effort_classes(risk, place, length), effort.amount > 0, length),
            _(
                "Map of the roads coloured by search effort per kilometre ({unit}); roads without"
                " any are dashed."
            ).format(unit=plain(effort.unit, 40)),
        )
        for place, effort in enumerate(risk.efforts)
    )


def _seen(
    classes: tuple[RoadClass, ...], shown: NDArray[np.bool_], length: NDArray[np.float64]
) -> tuple[RoadClass, ...]:
    """Draw the steps of a scale as spots where they cover so little road (bridges, say)
    that as lines nobody would see them.
    """
    if length[shown].sum() >= RARE * length.sum():
        return classes
    return tuple(
        replace(part, width=part.width + SPOT) if shown[part.segments].any() else part
        for part in classes
    )


QUANTILES = (0.4, 0.65, 0.85, 0.95)
"""Where classes of risk and effort part: both are skewed, and the few roads at the top
matter most.
"""

WIDTHS = (3.0, 10.0, 100.0, 1000.0)
"""Where classes of interval part, in times the lower end. The same in every report, so
that a poor record looks poor.
"""


def risk_classes(risk: SegmentRisk) -> tuple[RoadClass, ...]:
    """Sort segments by risk into classes that part at quantiles of the searched ones,
    rounded to two significant digits.
    """
    shown = risk.searched & np.isfinite(risk.median)
    return (
        *_dashed(_("Never searched: unknown"), ~shown),
        *_by_quantiles(risk.median, shown, RISK),
    )


def width_classes(risk: SegmentRisk) -> tuple[RoadClass, ...]:
    """Sort searched segments by how wide their interval is: its upper end over its lower."""
    times = interval_ratio(risk)
    shown = risk.searched & ~np.isnan(times)
    edges = [number(edge) for edge in WIDTHS]
    labels = (
        _("under {number} times").format(number=edges[0]),
        *(
            _("{low} {dash} {high} times").format(low=a, dash=DASH, high=b)
            for a, b in pairwise(edges)
        ),
        _("{number} times and over").format(number=edges[-1]),
    )
    return (
        *_dashed(_("Never searched: unknown"), ~shown),
        *_steps(times, shown, WIDTHS, labels, WIDTH),
    )


def effort_classes(
    risk: SegmentRisk, unit: int, length_km: NDArray[np.float64]
) -> tuple[RoadClass, ...]:
    """Sort segments by effort per kilometre in one unit, into classes as those of risk;
    searched in another unit alone is a class.

    Parameters
    ----------
    risk
        Risk and effort.
    unit
        Position in `risk.efforts`.
    length_km
        (n_segments,) lengths, > 0.
    """
    amount = risk.efforts[unit].amount
    shown = amount > 0
    elsewhere = np.flatnonzero(~shown & risk.searched)
    return (
        *_dashed(_("None at all"), ~shown & ~risk.searched),
        *(
            [RoadClass(_("None in this unit, some in another"), elsewhere, ELSEWHERE, 1.5)]
            if elsewhere.size
            else []
        ),
        *_by_quantiles(amount / length_km, shown, EFFORT),
    )


def _dashed(label: str, where: NDArray[np.bool_]) -> list[RoadClass]:
    """Return the class of segments where nobody looked, if there are any; it comes
    first, and so lies under the others.
    """
    return (
        [RoadClass(label, np.flatnonzero(where), UNSEARCHED, 1.6, dashed=True)]
        if where.any()
        else []
    )


def _by_quantiles(
    amount: NDArray[np.float64], shown: NDArray[np.bool_], scale: tuple[str, ...]
) -> tuple[RoadClass, ...]:
    if not shown.any():
        return ()
    values = amount[shown]
    edges = np.unique([two_digits(edge) for edge in np.quantile(values, QUANTILES)])
    edges = edges[(edges > values.min()) & (edges <= values.max())]
    return _steps(amount, shown, edges, _labels(edges, values), _colours(scale, edges.size + 1))


def _steps(
    amount: NDArray[np.float64],
    shown: NDArray[np.bool_],
    edges: ArrayLike,
    labels: tuple[str, ...],
    colours: tuple[str, ...],
) -> tuple[RoadClass, ...]:
    """Return the steps of a scale, the lowest first, also those without a segment."""
    step = np.where(shown, np.searchsorted(edges, amount, side="right"), -1)
    return tuple(
        RoadClass(label, np.flatnonzero(step == k), colour, 1.4 + 0.5 * k)
        for k, (label, colour) in enumerate(zip(labels, colours, strict=True))
    )


def interval_ratio(risk: SegmentRisk) -> NDArray[np.float64]:
    """Return (n_segments,) the upper end of the interval over its lower end, >= 1;
    infinite where that is 0, NaN where unknown.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(
            (risk.high == 0) & (risk.low == 0), np.nan, np.asarray(risk.high / risk.low)
        )


def _labels(edges: NDArray[np.float64], values: NDArray[np.float64]) -> tuple[str, ...]:
    if not edges.size:
        low, high = _edge(float(values.min())), _edge(float(values.max()))
        return (low if low == high else f"{low} {DASH} {high}",)
    between = (f"{_edge(low)} {DASH} {_edge(high)}" for low, high in pairwise(edges.tolist()))
    return (
        _("under {number}").format(number=_edge(edges[0])),
        *between,
        _("{number} and over").format(number=_edge(edges[-1])),
    )


def _edge(amount: float) -> str:
    return number(two_digits(amount), 2)


def _colours(scale: tuple[str, ...], count: int) -> tuple[str, ...]:
    """Take the highest class from the dark end: few classes still look like a warning."""
    return tuple(
        scale[round(place)]
        for place in np.linspace(0 if count > 1 else 2, len(scale) - 1 if count > 1 else 2, count)
    )
