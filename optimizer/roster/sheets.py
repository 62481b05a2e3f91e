"""The sheets of crews: for each duty of the plan and shift a page, with a sheet a week
to print, and a page that lists them.

Where a duty takes place as GPX 1.1 and KML 2.2: waypoints with their times, and the
track of a beat.

There are no colours: a bare one breaks readers of GPX.
"""

from __future__ import annotations

import hashlib
import io
import math
import re
from base64 import b64encode
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote
from xml.etree import ElementTree as ET

import numpy as np
import shapely
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup
from numpy.typing import NDArray
from shapely import LineString

from optimizer.base.text.formatting import number, plain, round_below
from optimizer.base.text.language import (
    counted,
    long_date,
    markup,
    short_date,
    spoken,
    term,
    zone_name,
)
from optimizer.base.text.language import gettext as _
from optimizer.problem.network.geodesy import KM_PER_DEGREE
from optimizer.problem.network.places import NamedPlace
from optimizer.report.maps.geography import Bounds
from optimizer.report.maps.labels import OccupiedBoxes, boxes_around, place_names, text_width
from optimizer.report.maps.place_names import PlaceNames
from optimizer.report.styles import styles
from optimizer.roster.model import (
    Assignment,
    Duties,
    Duty,
    DutyRoad,
    DutyTown,
    Roster,
    crew_name,
    leaving,
    moment,
    stop_name,
)

HERE = Path(__file__).parent

STEM_LENGTH, ROAD = 40, 60
"""Characters of a file's name, and of a road in a heading."""

SHEET_CM = 25.2
"""Height of a sheet of Letter or A4 within its margins."""

ROW_CM = 0.52
"""Height of a row of its log."""

STOP_CM = 1.8
"""Height of a stop."""

ONE_COLUMN = 20
"""Most rows of a log in one column."""

MAP_CM = (6.0, 13.2)
"""Least and most height of the map of a printed sheet."""


@dataclass(frozen=True, slots=True)
class FieldDuty:
    """A duty that somebody is assigned to."""

    #: Of the names of its files, each once.
    stem: str
    #: Its first assignment, whose times the sheet shows.
    first: Assignment
    #: Its assignments by day.
    days: dict[date, list[Assignment]]
    #: `places`, `bases`: Where it takes place, and where crews set out.
    places: tuple[Waypoint, ...]
    bases: tuple[Waypoint, ...]

    @property
    def title(self) -> str:
        """The duty and its shift."""
        return _("{duty}, {shift}").format(
            duty=self.first.duty.title, shift=term(self.first.shift.name)
        )

    def heading(self, near: PlaceNames) -> str:
        """Return the duty and its shift as a sheet says it: a beat by its roads, and
        what they are near to.
        """
        duty = self.first.duty
        if not (duty.stops and duty.mark):
            return self.title
        roads = [
            (plain(term(stop_name(stop)), ROAD).partition(" (")[0], stop) for stop in duty.stops
        ]
        named = dict.fromkeys(
            near.joined(road, near.where(stop.lon, stop.lat, road)) for road, stop in roads
        )
        said = _("Beat {mark}: {name}").format(mark=duty.mark, name="; ".join(named))
        return _("{duty}, {shift}").format(duty=said, shift=term(self.first.shift.name))

    @property
    def track(self) -> tuple[tuple[float, float], ...]:
        """Points along the roads of a beat."""
        return self.first.duty.track


@dataclass(frozen=True, slots=True)
class _Day:
    """A day of a sheet: its heading, and crews with when they leave and are back."""

    name: str
    crews: tuple[str, ...]

    @property
    def rows(self) -> int:
        """Rows of its log."""
        return max(1, len(self.crews))


def field_duties(roster: Roster) -> tuple[FieldDuty, ...]:
    """Return every duty that somebody is assigned to, by the start of its shift, then
    as in the plan.
    """
    rows: defaultdict[str, defaultdict[date, list[Assignment]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for one in roster.assignments:
        rows[one.duty.id][one.day].append(one)
    made: list[FieldDuty] = []
    for duty in roster.duties.duties:
        days = rows.get(duty.id)
        if days:
            first = days[min(days)][0]
            words = re.sub(
                r"[^A-Za-z0-9]+", "-", f"{first.shift.id} {duty.mark} {duty.name}"
            ).strip("-")[:STEM_LENGTH]
            stem = f"{len(made) + 1:03d}-{words.strip('-')}"
            made.append(
                FieldDuty(
                    stem,
                    first,
                    dict(days),
                    waypoints(first, roster.duties),
                    bases_of(duty, roster.duties),
                )
            )
    return tuple(sorted(made, key=lambda one: (one.first.shift.start, one.stem)))


def sheet(roster: Roster, duty: FieldDuty, every: tuple[FieldDuty, ...]) -> str:
    """Return the page of a duty: a sheet a week."""
    weeks, reached = [_week(roster, duty, k) for k in range(roster.weeks)], _reached(roster, duty)
    others = [
        one.places[0]
        for one in every
        if one.first.shift.id == duty.first.shift.id and one is not duty
    ]
    map_cm = round(_map_cm(duty, weeks, len(reached) + len(roster.duties.look_for)), 1)
    sizes = {
        "on-screen": ON_SCREEN,
        "on-paper": Size(PAPER_WIDTH, round(PAPER_WIDTH * map_cm / PAPER_CM)),
    }
    around, near = (roster.duties.roads, roster.duties.towns), towns_of(roster)
    return template("sheet.html").render(
        language=spoken().code,
        roster=roster,
        duty=duty,
        first=duty.first,
        pictures={
            name: (
                size,
                Markup(sketch(duty.places, duty.bases, duty.track, others, *around, size)),  # noqa: S704
            )
            for name, size in sizes.items()
        },
        named=[_named(place, duty, near) for place in duty.places],
        reached=reached,
        codes=[Markup(_code(place.uri)) for place in duty.places],  # noqa: S704 - an SVG of squares
        weeks=weeks,
        heading=duty.heading(near),
        map_cm=map_cm,
        one_column=ONE_COLUMN,
        row_cm=ROW_CM - 0.02,
    )


def _named(place: Waypoint, duty: FieldDuty, near: PlaceNames) -> tuple[str, str]:
    """Return mark and name of a place, and where it lies from the nearest town; empty
    where no town is known.
    """
    # a post is called by its degrees
    title = place.title.partition(" (")[0] if duty.first.duty.stops else place.title
    where = near.where(place.lon, place.lat)
    return title, "" if near.in_degrees(where) else where


def towns_of(roster: Roster) -> PlaceNames:
    """Return the towns that a roster's places are near to."""
    return PlaceNames(
        None, [NamedPlace(town.name, town.lon, town.lat, "town") for town in roster.duties.towns]
    )


def _map_cm(duty: FieldDuty, weeks: Sequence[tuple[_Day, ...]], lines: int) -> float:
    """Return how high the map may be on paper, so that a week takes one sheet where its
    log leaves room for a map.
    """
    rows = max(sum(day.rows for day in week) for week in weeks)
    log = ROW_CM * (rows if rows <= ONE_COLUMN else -(-rows // 2) + 1)
    words = 6.7 + 0.5 * lines  # headings, the shift, the key of the map, what to do
    return min(max(SHEET_CM - words - STOP_CM * len(duty.places) - log, MAP_CM[0]), MAP_CM[1])


def _reached(roster: Roster, duty: FieldDuty) -> list[tuple[str, str, str]]:
    """Return for each base of a duty that says it: its name, who commands there, and
    how to reach them.
    """
    bases = [base for base in roster.duties.bases if base.id in duty.first.duty.travel]
    told = [base for base in bases if base.commander or base.channel]
    rows = [(term(base.label or base.id), base.commander, base.channel) for base in told]
    return [(plain(name), plain(commander), plain(channel)) for name, commander, channel in rows]


@dataclass(frozen=True, slots=True)
class _DayOfBase:
    """What the crews of a base do on a day: sheets with the crews that take them, by
    the start of their shift.
    """

    name: str
    duties: tuple[tuple[FieldDuty, str], ...]


def index(roster: Roster, every: tuple[FieldDuty, ...], calendars: dict[str, str]) -> str:
    """Return the page that lists the sheets by base and day, and the calendars;
    `calendars` gives the file of each crew's label.
    """
    found: defaultdict[str, defaultdict[date, list[tuple[FieldDuty, str]]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for duty in every:
        for day, assignments in duty.days.items():
            crews: defaultdict[str, list[str]] = defaultdict(list)
            for one in assignments:
                crews[one.crew.base].append(crew_name(one.crew))
            for base, labels in crews.items():
                found[base][day].append((duty, ", ".join(labels)))
    bases = [
        (
            term(roster.duties.base_name(base)),
            [_DayOfBase(short_date(day), tuple(days[day])) for day in sorted(days)],
        )
        for base, days in sorted(found.items())
    ]
    return template("sheet_index.html").render(
        language=spoken().code, first=long_date(roster.first), roster=roster, bases=bases, calendars=calendars,
        near=towns_of(roster), weeks=counted("{count} week", "{count} weeks", roster.weeks),
        script=Markup(SEARCH), digest=b64encode(hashlib.sha256(SEARCH.encode()).digest()).decode(),  # noqa: S704 - a constant
    )  # fmt: skip


SEARCH = """
const field = document.querySelector("input");
field.closest("p").hidden = false;
field.addEventListener("input", () => {
  const asked = field.value.trim().toLowerCase();
  for (const row of document.querySelectorAll("#sheets li")) row.hidden = !row.textContent.toLowerCase().includes(asked);
  for (const day of document.querySelectorAll("#sheets details")) {
    day.hidden = !day.querySelector("li:not([hidden])");
    day.open = asked !== "";
  }
});
"""
"""Script of the index: it shows the sheets whose place, shift or crews have what is
typed. Without it the page is whole too.
"""


@cache
def template(name: str) -> Template:
    """Return a page of this folder, in the colours of all pages."""
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["plain"] = plain
    environment.globals.update(_=markup, colours=styles(), zone_name=zone_name)
    return environment.get_template(name)


def _week(roster: Roster, duty: FieldDuty, k: int) -> tuple[_Day, ...]:
    days = [roster.first + timedelta(days=7 * k + d) for d in range(7)]
    return tuple(
        _Day(
            short_date(day),
            tuple(
                f"{crew_name(one.crew)} ({_away(roster, duty, one)})"
                for one in duty.days.get(day, ())
            ),
        )
        for day in days
    )


def _away(roster: Roster, duty: FieldDuty, one: Assignment) -> str:
    """Return when a crew leaves and is back by the clocks of its base, which are named
    where the sheet shows others.
    """
    own, shown = (roster.duties.zone_of(crew.base).key for crew in (one.crew, duty.first.crew))
    return f"{leaving(one)}-{one.back:%H:%M}" + (f" {zone_name(own)}" if own != shown else "")


def _code(text: str) -> str:
    """Return a QR code as SVG."""
    import segno

    stream = io.BytesIO()
    segno.make_qr(text, error="m").save(
        stream, kind="svg", border=2, omitsize=True, xmldecl=False, svgns=True, nl=False
    )
    return stream.getvalue().decode("ascii")


# A map of a duty as SVG: its places and track, the base, the roads and what lies near,
# a scale and where north is.


class Size(NamedTuple):
    """Width and height of a picture, in pixels of its letters."""

    width: float
    height: float


ON_SCREEN = Size(480.0, 360.0)
"""The picture of a screen, whose letters a telephone still shows."""

PAPER_WIDTH = 720.0
"""Width of the picture on paper, in its own units."""

PAPER_CM = 19.0
"""What that is on paper."""

ROADS_NUMBERED, AROUND_NUMBER = 16, 8.0
"""Numbers of roads on a map, and how many pixels around one are free."""

LEAST_KM = 3.0
"""A map is at least so wide."""


class _Spot(NamedTuple):
    """A point of the picture, in pixels."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class _Frame:
    """From degrees to the picture: its size, the middle of the map, and pixels a kilometre."""

    size: Size
    lon: float
    lat: float
    scale: float

    def at(self, lon: float, lat: float) -> _Spot:
        east = (lon - self.lon) * KM_PER_DEGREE * math.cos(math.radians(self.lat))
        return _Spot(
            self.size.width / 2 + east * self.scale,
            self.size.height / 2 - (lat - self.lat) * KM_PER_DEGREE * self.scale,
        )

    def shows(self, spot: _Spot) -> bool:
        """Return whether a spot lies in the picture, and not at its very edge."""
        return 10 < spot.x < self.size.width - 10 and 10 < spot.y < self.size.height - 10


def sketch(
    places: Sequence[Waypoint],
    bases: Sequence[Waypoint],
    track: Sequence[tuple[float, float]],
    others: Sequence[Waypoint],
    roads: Sequence[DutyRoad] = (),
    towns: Sequence[DutyTown] = (),
    size: Size = ON_SCREEN,
) -> str:
    """Return the map, with the nearest town of each place; `others`, `roads` and
    further towns are drawn where they lie within it.

    Texts lie on nothing else: numbers of places stand first, then bases, towns, other
    duties and roads, and one without room is left out.
    """
    nearest = (
        {
            min(towns, key=lambda town: math.dist((town.lon, town.lat), (p.lon, p.lat)))
            for p in places
        }
        if towns
        else set()
    )
    shown = [(town.lon, town.lat) for town in nearest]
    frame = _frame([(p.lon, p.lat) for p in (*places, *bases)] + list(track) + shown, size)
    box = {
        "width": f"{size.width:g}",
        "height": f"{size.height:g}",
        "viewBox": f"0 0 {size.width:g} {size.height:g}",
    }
    root = ET.Element(
        "svg", box | {"role": "img", "aria-label": _("Map of the places below, north up")}
    )
    ET.SubElement(root, "rect", x="0", y="0", width="100%", height="100%", fill="#fff")
    taken = OccupiedBoxes(frame=Bounds(2.0, 2.0, size.width - 2, size.height - 2))
    drawn = _add_roads(root, frame, roads)
    if len(track) > 1:
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in (frame.at(*point) for point in track))
        ET.SubElement(
            root,
            "polyline",
            {"points": points, "fill": "none", "stroke": "#7a00b8", "stroke-width": "3"},
        )
    _add_scale(root, frame, taken)
    at = {
        kind: [(spot, text) for lon, lat, text in each if frame.shows(spot := frame.at(lon, lat))]
        for kind, each in (
            ("other", [(other.lon, other.lat, other.mark) for other in others]),
            ("town", [(town.lon, town.lat, plain(town.name, 28)) for town in towns]),
            (
                "base",
                [(base.lon, base.lat, plain(base.name.partition(",")[0], 28)) for base in bases],
            ),
            ("place", [(place.lon, place.lat, place.mark or "x") for place in places]),
        )
    }
    for kind, spots in at.items():
        for spot, _text_there in spots:
            _add_mark(root, kind, spot)
        taken.add(
            boxes_around(np.array([spot for spot, _said in spots]).reshape(-1, 2), MARK_SIZES[kind])
        )
    for kind in ("place", "base", "town", "other"):
        _add_names(root, at[kind], kind, taken)
    _add_numbers(root, drawn, [spot for spot, _said in at["place"]], taken)
    return ET.tostring(root, encoding="unicode")


def _frame(points: Sequence[tuple[float, float]], size: Size) -> _Frame:
    lons, lats = [p[0] for p in points], [p[1] for p in points]
    lon, lat = (min(lons) + max(lons)) / 2, (min(lats) + max(lats)) / 2
    wide = (max(lons) - min(lons)) * KM_PER_DEGREE * math.cos(math.radians(lat))
    high = (max(lats) - min(lats)) * KM_PER_DEGREE
    # room for names and the scale at the edges
    free = Size(0.84 * size.width, size.height - 2 * 34)
    return _Frame(
        size, lon, lat, min(free.width / max(wide, LEAST_KM), free.height / max(high, LEAST_KM / 2))
    )


TEXTS = {
    "place": (16, "#1a1a1a"),
    "base": (13, "#1a1a1a"),
    "town": (13, "#1a1a1a"),
    "other": (12, "#6b6b6b"),
    "road": (12, "#1f3d7a"),
}
"""Size in pixels and colour of the texts of each kind."""

MARK_SIZES = {"place": 16.0, "base": 12.0, "town": 9.0, "other": 7.0}
"""Sizes of the marks of each kind, in pixels."""

CIRCLES = {
    "place": ("7", "#006b4f", "#fff"),
    "town": ("4", "#fff", "#1a1a1a"),
    "other": ("3", "#6b6b6b", "none"),
}
"""Radius, colour and edge of the marks that are circles."""


def _add_mark(root: ET.Element, kind: str, spot: _Spot) -> None:
    x, y = spot
    if kind == "base":
        square = {"x": f"{x - 5:.1f}", "y": f"{y - 5:.1f}", "width": "10", "height": "10"}
        ET.SubElement(root, "rect", square | {"fill": "#ffd92f", "stroke": "#000"})
        return
    radius, fill, edge = CIRCLES[kind]
    ET.SubElement(root, "circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r=radius, fill=fill, stroke=edge)


def _add_names(
    root: ET.Element, named: Sequence[tuple[_Spot, str]], kind: str, taken: OccupiedBoxes
) -> None:
    """Write texts beside their marks where there is room."""
    size, colour = TEXTS[kind]
    points = np.array([spot for spot, _said in named]).reshape(-1, 2)
    widths = [text_width(text, size) for _at, text in named]
    offsets = place_names(points, widths, 1.1 * size, MARK_SIZES[kind] / 2 + 1, taken, len(named))
    for (spot, text), width, offset in zip(named, widths, offsets, strict=True):
        if offset is not None:
            side = int(np.sign(offset[0]))  # the text begins at its mark, however wide its font is
            anchor = ("middle", "start", "end")[side]
            _text(
                root,
                spot.x + offset[0] - side * width / 2,
                spot.y + offset[1],
                text,
                colour,
                size,
                anchor,
            )


def _add_roads(
    root: ET.Element, frame: _Frame, roads: Sequence[DutyRoad]
) -> list[tuple[str, LineString]]:
    """Draw the roads that the map shows, minor ones first, and return the numbers of
    main ones with what shows of them.
    """
    numbered = []
    for road in sorted(roads, key=lambda road: road.main):
        spots = [frame.at(*point) for point in road.points]
        seen = shapely.clip_by_rect(LineString(spots if len(spots) > 1 else []), 0, 0, *frame.size)
        if not seen.length:
            continue
        line = " ".join(f"{x:.0f},{y:.0f}" for x, y in spots)
        look = (
            {"stroke": "#767676", "stroke-width": "1.8"}
            if road.main
            else {"stroke": "#8f8f8f", "stroke-width": "0.8"}
        )
        ET.SubElement(root, "polyline", {"points": line, "fill": "none", **look})
        if road.main and road.number:
            numbered += [(plain(road.number, 12), part) for part in shapely.get_parts(seen)]
    return numbered


def _add_numbers(
    root: ET.Element,
    numbered: Sequence[tuple[str, LineString]],
    places: Sequence[_Spot],
    taken: OccupiedBoxes,
) -> None:
    """Write each number of a road once on it, where nothing stands; that of the road at
    a place first, and near it.
    """
    size, colour = TEXTS["road"]
    spots = [(text, _Spot(*point.coords[0])) for text, line in numbered for point in _along(line)]
    far = [
        min((math.dist(spot, place) for place in places), default=0.0) for _number, spot in spots
    ]
    written = set[str]()
    for k in np.argsort(far, kind="stable").tolist():
        text, spot = spots[k]
        room = np.array((text_width(text, size), 1.1 * size)) + AROUND_NUMBER
        box = boxes_around(np.array([spot]), room)
        if text in written or taken.overlap(box)[0] > 0:
            continue
        _text(root, spot.x, spot.y, text, colour, size)
        taken.add(box)
        written.add(text)
        if len(written) == ROADS_NUMBERED:
            return


def _along(line: LineString) -> NDArray[np.object_]:
    """Return places for a number on a road, some 20 pixels from one another."""
    return shapely.line_interpolate_point(
        line, np.linspace(0.1, 0.9, 2 + int(line.length / 25)), normalized=True
    )


def _add_scale(root: ET.Element, frame: _Frame, taken: OccupiedBoxes) -> None:
    """Draw a bar of a round number of kilometres, and an arrow to the north; what they
    fill is taken.
    """
    width, height = frame.size
    km = round_below(0.25 * width / frame.scale)
    long = km * frame.scale
    ET.SubElement(
        root, "rect", x="10", y=f"{height - 12:g}", width=f"{long:.1f}", height="3", fill="#1a1a1a"
    )
    _text(root, 10 + long / 2, height - 21, f"{number(km, 6)} km", "#1a1a1a", 13)
    ET.SubElement(root, "path", d=f"M{width - 15:g} 8 l5 14 l-5 -4 l-5 4 z", fill="#1a1a1a")
    _text(root, width - 15, 32, _("N"), "#1a1a1a", 13)
    taken.add(np.array([(5.0, height - 32, 15 + long, height), (width - 28, 0.0, width, 42.0)]))


def _text(
    root: ET.Element, x: float, y: float, text: str, colour: str, size: int, anchor: str = "middle"
) -> None:
    """Write a text around a place, or from it on."""
    # the middle of its letters
    words = {"x": f"{x:.1f}", "y": f"{y + 0.35 * size:.1f}", "text-anchor": anchor}
    words |= {"font-size": str(size), "fill": colour}
    words |= {"stroke": "#fff", "stroke-width": "3", "paint-order": "stroke"}  # legible over roads
    ET.SubElement(root, "text", words).text = text


KML = "http://www.opengis.net/kml/2.2"

CREATOR = "border-interdiction"


@dataclass(frozen=True, slots=True)
class Waypoint:
    """A place of a duty: its mark and name, when somebody is there by which clocks, and
    where it is.
    """

    mark: str
    name: str
    times: str
    lon: float
    lat: float
    zone: str = ""

    @property
    def when(self) -> str:
        """The times with their zone, for files that say nothing else of it; empty without times."""
        return f"{self.times} ({self.zone})" if self.times else ""

    @property
    def title(self) -> str:
        """Mark and name."""
        return f"{self.mark} {self.name}".strip()

    @property
    def uri(self) -> str:
        """The place as a `geo:` URI (RFC 5870), for a QR code."""
        return f"geo:{self.lat:.6f},{self.lon:.6f}"

    @property
    def link(self) -> str:
        """The same with its name, as map programs of phones take it."""
        return f"{self.uri}?q={self.lat:.6f},{self.lon:.6f}({quote(self.title, safe='')})"


def waypoints(one: Assignment, duties: Duties) -> tuple[Waypoint, ...]:
    """Return the places of a duty in order, with times as on the day of an assignment:
    the stops of a beat, or the site.
    """
    duty, zone = one.duty, zone_name(duties.zone_of(one.crew.base).key)
    if not duty.stops:
        times = f"{one.start:%H:%M}-{one.end:%H:%M}"
        return (
            Waypoint(plain(duty.mark), plain(term(duty.name)), times, duty.lon, duty.lat, zone),
        )
    return tuple(
        Waypoint(
            f"{plain(duty.mark)}{place}",
            plain(term(stop_name(stop))),
            f"{moment(one, stop.arrive):%H:%M}-{moment(one, stop.leave):%H:%M}",
            stop.lon,
            stop.lat,
            zone,
        )
        for place, stop in enumerate(duty.stops, start=1)
    )


def bases_of(duty: Duty, duties: Duties) -> tuple[Waypoint, ...]:
    """Return the bases that crews set out from for a duty."""
    near = [base for base in duties.bases if base.id in duty.travel]
    return tuple(
        Waypoint("", plain(term(base.label or base.id)), "", base.lon, base.lat) for base in near
    )


def gpx(title: str, places: Sequence[Waypoint], track: Sequence[tuple[float, float]]) -> str:
    """Return waypoints, and a track where there is one, as GPX 1.1."""
    from gpxpy.gpx import GPX, GPXTrack, GPXTrackPoint, GPXTrackSegment, GPXWaypoint

    document = GPX()
    document.creator, document.name = CREATOR, plain(title)
    document.waypoints = [
        GPXWaypoint(p.lat, p.lon, name=p.title or _("Base"), description=p.when or None)
        for p in places
    ]
    if len(track) > 1:
        points = [GPXTrackPoint(lat, lon) for lon, lat in track]
        line = GPXTrack(name=plain(title))
        line.segments.append(GPXTrackSegment(points))
        document.tracks.append(line)
    return str(document.to_xml(version="1.1"))


def kml(title: str, places: Sequence[Waypoint], track: Sequence[tuple[float, float]]) -> str:
    """Return the same as KML 2.2."""
    ET.register_namespace("", KML)
    root = ET.Element(f"{{{KML}}}kml")
    document = ET.SubElement(root, f"{{{KML}}}Document")
    ET.SubElement(document, f"{{{KML}}}name").text = plain(title)
    for place in places:
        mark = _placemark(document, place.title or _("Base"), place.when)
        _coordinates(ET.SubElement(mark, f"{{{KML}}}Point"), [(place.lon, place.lat)])
    if len(track) > 1:
        line = ET.SubElement(_placemark(document, title, ""), f"{{{KML}}}LineString")
        ET.SubElement(line, f"{{{KML}}}tessellate").text = "1"
        _coordinates(line, track)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode")


def _placemark(parent: ET.Element, name: str, about: str) -> ET.Element:
    mark = ET.SubElement(parent, f"{{{KML}}}Placemark")
    ET.SubElement(mark, f"{{{KML}}}name").text = plain(name)
    if about:
        ET.SubElement(mark, f"{{{KML}}}description").text = about
    return mark


def _coordinates(parent: ET.Element, points: Sequence[tuple[float, float]]) -> None:
    text = " ".join(f"{lon:.6f},{lat:.6f}" for lon, lat in points)
    ET.SubElement(parent, f"{{{KML}}}coordinates").text = text
