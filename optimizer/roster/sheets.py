"""The sheets of crews: for each duty of the plan and shift a page, with a sheet a week to print, and a page that lists them.

Where a duty takes place as GPX 1.1 and KML 2.2: waypoints with their times, and the track of a beat.

There are no colours: a bare one breaks readers of GPX.
"""

from __future__ import annotations

import hashlib
import io
import math
import re
from base64 import b64encode
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote
from xml.etree import ElementTree as ET

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from optimizer.base.text.formatting import number, plain, round_below
from optimizer.base.text.language import counted, long_date, markup, short_date, spoken, term
from optimizer.base.text.language import gettext as _
from optimizer.problem.network.geodesy import KM_PER_DEGREE
from optimizer.problem.network.places import NamedPlace
from optimizer.report.maps.place_names import PlaceNames
from optimizer.report.styles import styles
from optimizer.roster.model import Assignment, Duties, Duty, DutyRoad, DutyTown, Roster, leaving, moment, stop_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


HERE = Path(__file__).parent

STEM_LENGTH, ROAD = 40, 60
"""Characters of a file's name, and of a road in a heading."""

SHEET_CM, ROW_CM, STOP_CM, ONE_COLUMN = 25.2, 0.52, 1.8, 20
"""Height of a sheet of Letter or A4 within its margins, of a row of its log and of a stop, and the most rows of a log in one column."""
MAP_CM = (6.0, 13.2)
"""Least and most height of the map of a printed sheet."""


@dataclass(frozen=True, slots=True)
class FieldDuty:
    """A duty that somebody is assigned to.

    Attributes
    ----------
    stem
        Of the names of its files, each once.
    first
        Its first assignment, whose times the sheet shows.
    days
        Its assignments by day.
    places, bases
        Where it takes place, and where crews set out.
    """

    stem: str
    first: Assignment
    days: dict[date, list[Assignment]]
    places: tuple[Waypoint, ...]
    bases: tuple[Waypoint, ...]

    @property
    def title(self) -> str:
        """The duty and its shift."""
        return _("{duty}, {shift}").format(duty=self.first.duty.title, shift=term(self.first.shift.label))

    def heading(self, near: PlaceNames) -> str:
        """Return the duty and its shift as a sheet says it: a beat by its roads, and what they are near to."""
        duty = self.first.duty
        if not (duty.stops and duty.mark):
            return self.title
        roads = [(plain(stop_name(stop), ROAD).partition(" (")[0], stop) for stop in duty.stops]
        named = dict.fromkeys(near.joined(road, near.where(stop.lon, stop.lat, road)) for road, stop in roads)
        said = _("Beat {mark}: {name}").format(mark=duty.mark, name="; ".join(named))
        return _("{duty}, {shift}").format(duty=said, shift=term(self.first.shift.label))

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
    """Return every duty that somebody is assigned to, by the start of its shift, then as in the plan."""
    rows: defaultdict[str, defaultdict[date, list[Assignment]]] = defaultdict(lambda: defaultdict(list))
    for one in roster.assignments:
        rows[one.duty.id][one.day].append(one)
    made: list[FieldDuty] = []
    for duty in roster.duties.duties:
        days = rows.get(duty.id)
        if days:
            first = days[min(days)][0]
            words = re.sub(r"[^A-Za-z0-9]+", "-", f"{first.shift.id} {duty.mark} {duty.name}").strip("-")[:STEM_LENGTH]
            stem = f"{len(made) + 1:03d}-{words.strip('-')}"
            made.append(
                FieldDuty(stem, first, dict(days), waypoints(first, roster.duties), bases_of(duty, roster.duties))
            )
    return tuple(sorted(made, key=lambda one: (one.first.shift.start, one.stem)))


def sheet(roster: Roster, duty: FieldDuty, every: tuple[FieldDuty, ...]) -> str:
    """Return the page of a duty: a sheet a week."""
    weeks, reached = [_week(roster, duty, k) for k in range(roster.weeks)], _reached(roster, duty)
    others = [one.places[0] for one in every if one.first.shift.id == duty.first.shift.id and one is not duty]
    return template("sheet.html").render(
        language=spoken().code,
        roster=roster,
        duty=duty,
        first=duty.first,
        picture=Markup(sketch(duty.places, duty.bases, duty.track, others, roster.duties.roads, roster.duties.towns)),  # noqa: S704 - built as XML, which escapes
        reached=reached,
        codes=[Markup(_code(place.uri)) for place in duty.places],  # noqa: S704 - an SVG of squares
        weeks=weeks,
        heading=duty.heading(towns_of(roster)),
        map_cm=round(_map_cm(duty, weeks, len(reached) + len(roster.duties.look_for)), 1),
        one_column=ONE_COLUMN,
        row_cm=ROW_CM - 0.02,
    )


def towns_of(roster: Roster) -> PlaceNames:
    """Return the towns that a roster's places are near to."""
    return PlaceNames(None, [NamedPlace(town.name, town.lon, town.lat, "town") for town in roster.duties.towns])


def _map_cm(duty: FieldDuty, weeks: Sequence[tuple[_Day, ...]], lines: int) -> float:
    """Return how high the map may be on paper, so that a week takes one sheet where its log leaves room for a map."""
    rows = max(sum(day.rows for day in week) for week in weeks)
    log = ROW_CM * (rows if rows <= ONE_COLUMN else -(-rows // 2) + 1)
    words = 6.2 + 0.5 * lines  # headings, the shift, what to do
    return min(max(SHEET_CM - words - STOP_CM * len(duty.places) - log, MAP_CM[0]), MAP_CM[1])


def _reached(roster: Roster, duty: FieldDuty) -> list[tuple[str, str, str]]:
    """Return for each base of a duty that says it: its name, who commands there, and how to reach them."""
    bases = [base for base in roster.duties.places if base.id in duty.first.duty.travel]
    told = [base for base in bases if base.commander or base.channel]
    return [tuple(plain(text) for text in (base.label or base.id, base.commander, base.channel)) for base in told]  # type: ignore[misc]


@dataclass(frozen=True, slots=True)
class _DayOfBase:
    """What the crews of a base do on a day: sheets with the crews that take them, by the start of their shift."""

    name: str
    duties: tuple[tuple[FieldDuty, str], ...]


def index(roster: Roster, every: tuple[FieldDuty, ...], calendars: dict[str, str]) -> str:
    """Return the page that lists the sheets by base and day, and the calendars; `calendars` gives the file of each crew's label."""
    found: defaultdict[str, defaultdict[date, list[tuple[FieldDuty, str]]]] = defaultdict(lambda: defaultdict(list))
    for duty in every:
        for day, assignments in duty.days.items():
            crews: defaultdict[str, list[str]] = defaultdict(list)
            for one in assignments:
                crews[one.crew.base].append(one.crew.name)
            for base, labels in crews.items():
                found[base][day].append((duty, ", ".join(labels)))
    bases = [
        (
            term(roster.duties.bases.get(base, base)),
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
"""Script of the index: it shows the sheets whose place, shift or crews have what is typed. Without it the page is whole too."""


@cache
def template(name: str) -> Template:
    """Return a page of this folder, in the colours of all pages."""
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["plain"] = plain
    environment.globals.update(_=markup, colours=styles())
    return environment.get_template(name)


def _week(roster: Roster, duty: FieldDuty, k: int) -> tuple[_Day, ...]:
    days = [roster.first + timedelta(days=7 * k + d) for d in range(7)]
    return tuple(
        _Day(
            short_date(day),
            tuple(f"{one.crew.name} ({_away(roster, duty, one)})" for one in duty.days.get(day, ())),
        )
        for day in days
    )


def _away(roster: Roster, duty: FieldDuty, one: Assignment) -> str:
    """Return when a crew leaves and is back by the clocks of its base, which are named where the sheet shows others."""
    own, shown = (roster.duties.zone_of(crew.base).key for crew in (one.crew, duty.first.crew))
    return f"{leaving(one)}-{one.back:%H:%M}" + (f" {own}" if own != shown else "")


def _code(text: str) -> str:
    """Return a QR code as SVG."""
    import segno

    stream = io.BytesIO()
    segno.make_qr(text, error="m").save(
        stream, kind="svg", border=2, omitsize=True, xmldecl=False, svgns=True, nl=False
    )
    return stream.getvalue().decode("ascii")


# A small map of a duty as SVG: its places and track, the base, the roads and what lies near, a scale and where north is.
WIDTH, HEIGHT, EDGE = 720.0, 520.0, 56.0

ROADS_NUMBERED, APART = 16, 60.0
"""Numbers of roads on a map, and how far in pixels one keeps from what stands there."""

HALF_LETTER = 0.3
"""Half of the width of a letter over the size of its font, as a rule."""

LEAST_KM = 3.0
"""A map is at least so wide."""


class _Spot(NamedTuple):
    """A point of the picture, in pixels."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class _Frame:
    """From degrees to the picture: the middle of the map, and pixels a kilometre."""

    lon: float
    lat: float
    scale: float

    def at(self, lon: float, lat: float) -> _Spot:
        east = (lon - self.lon) * KM_PER_DEGREE * math.cos(math.radians(self.lat))
        return _Spot(WIDTH / 2 + east * self.scale, HEIGHT / 2 - (lat - self.lat) * KM_PER_DEGREE * self.scale)


def sketch(
    places: Sequence[Waypoint],
    bases: Sequence[Waypoint],
    track: Sequence[tuple[float, float]],
    others: Sequence[Waypoint],
    roads: Sequence[DutyRoad] = (),
    towns: Sequence[DutyTown] = (),
) -> str:
    """Return the map, with the nearest town of each place; `others`, `roads` and further towns are drawn where they lie within it."""
    nearest = (
        {min(towns, key=lambda town: math.dist((town.lon, town.lat), (p.lon, p.lat))) for p in places}
        if towns
        else set()
    )
    shown = [(town.lon, town.lat) for town in nearest]
    frame = _frame([(p.lon, p.lat) for p in (*places, *bases)] + list(track) + shown)
    size = {"width": f"{WIDTH:g}", "height": f"{HEIGHT:g}", "viewBox": f"0 0 {WIDTH:g} {HEIGHT:g}"}
    root = ET.Element("svg", size | {"role": "img", "aria-label": _("Map of the places below, north up")})
    ET.SubElement(root, "rect", x="0", y="0", width="100%", height="100%", fill="#fff", stroke="#8c8c8c")
    named = [(town.name, frame.at(town.lon, town.lat)) for town in towns]
    named = [
        (name, at) for name, at in named if EDGE / 2 < at.x < WIDTH - EDGE / 2 and EDGE / 2 < at.y < HEIGHT - EDGE / 2
    ]
    taken = [frame.at(p.lon, p.lat) for p in (*places, *bases)]
    _add_roads(root, frame, roads, [*taken, *(at for _name, at in named)])
    for k, (name, (x, y)) in enumerate(named):
        ET.SubElement(root, "circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r="4", fill="#fff", stroke="#1a1a1a")
        twin = any(math.hypot(x - at.x, y - at.y) < APART for _name, at in named[:k])  # two towns at one bridge
        _text(root, x, y + (-8 if twin else 18), plain(name, 28), "#1a1a1a", 13)
    for other in others:
        x, y = frame.at(other.lon, other.lat)
        if EDGE / 2 < x < WIDTH - EDGE / 2 and EDGE / 2 < y < HEIGHT - EDGE / 2:
            _text(root, x, y - 5, other.mark, "#6b6b6b", 12)
            ET.SubElement(root, "circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r="3", fill="#6b6b6b")
    if len(track) > 1:
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in (frame.at(*point) for point in track))
        ET.SubElement(root, "polyline", {"points": points, "fill": "none", "stroke": "#7a00b8", "stroke-width": "3"})
    for base in bases:
        x, y = frame.at(base.lon, base.lat)
        ET.SubElement(
            root, "rect", x=f"{x - 5:.1f}", y=f"{y - 5:.1f}", width="10", height="10", fill="#ffd92f", stroke="#000"
        )
        _text(root, x, y + 17, plain(base.name, 28), "#1a1a1a", 13)
    for place in places:
        x, y = frame.at(place.lon, place.lat)
        ET.SubElement(root, "circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r="7", fill="#006b4f", stroke="#fff")
        _text(root, x, y - 10, place.mark or "x", "#1a1a1a", 16)
    _add_scale(root, frame.scale)
    return ET.tostring(root, encoding="unicode")


def _frame(points: Sequence[tuple[float, float]]) -> _Frame:
    lons, lats = [p[0] for p in points], [p[1] for p in points]
    lon, lat = (min(lons) + max(lons)) / 2, (min(lats) + max(lats)) / 2
    wide = (max(lons) - min(lons)) * KM_PER_DEGREE * math.cos(math.radians(lat))
    high = (max(lats) - min(lats)) * KM_PER_DEGREE
    scale = min((WIDTH - 2 * EDGE) / max(wide, LEAST_KM), (HEIGHT - 2 * EDGE) / max(high, LEAST_KM / 2))
    return _Frame(lon, lat, scale)


def _add_roads(root: ET.Element, frame: _Frame, roads: Sequence[DutyRoad], taken: Sequence[_Spot]) -> None:
    """Draw the roads that the map shows, minor ones first, and the numbers of main ones once each where nothing stands."""
    written, names = list(taken), set[str]()
    for road in sorted(roads, key=lambda road: road.main):
        spots = [frame.at(*point) for point in road.points]
        xs, ys = [spot.x for spot in spots], [spot.y for spot in spots]
        if min(xs) > WIDTH or max(xs) < 0 or min(ys) > HEIGHT or max(ys) < 0:
            continue
        line = " ".join(f"{x:.0f},{y:.0f}" for x, y in spots)
        look = (
            {"stroke": "#767676", "stroke-width": "1.8"} if road.main else {"stroke": "#8f8f8f", "stroke-width": "0.8"}
        )
        ET.SubElement(root, "polyline", {"points": line, "fill": "none", **look})
        if not road.main or not road.number or road.number in names or len(names) >= ROADS_NUMBERED:
            continue
        for x, y in _along(spots):
            inside = EDGE < x < WIDTH - EDGE and EDGE < y < HEIGHT - EDGE
            if inside and all(math.hypot(x - spot.x, y - spot.y) > APART for spot in written):
                _text(root, x, y + 3, plain(road.number, 12), "#1f3d7a", 12)
                written.append(_Spot(x, y))
                names.add(road.number)
                break


def _along(spots: Sequence[_Spot]) -> Iterator[_Spot]:
    """Yield places for a number on a road: the middle of each straight piece, then others, as the middle may be off the map."""
    for share in (0.5, 0.25, 0.75, 0.1, 0.9):
        for begin, end in pairwise(spots):
            yield _Spot(begin.x + share * (end.x - begin.x), begin.y + share * (end.y - begin.y))


def _add_scale(root: ET.Element, scale: float) -> None:
    """Draw a bar of a round number of kilometres, and an arrow to the north."""
    km = round_below(180 / scale)
    ET.SubElement(root, "rect", x="10", y=f"{HEIGHT - 12:g}", width=f"{km * scale:.1f}", height="3", fill="#1a1a1a")
    _text(root, 10 + km * scale / 2, HEIGHT - 16, f"{number(km, 6)} km", "#1a1a1a", 13)
    ET.SubElement(root, "path", d=f"M{WIDTH - 15:g} 8 l5 14 l-5 -4 l-5 4 z", fill="#1a1a1a")
    _text(root, WIDTH - 15, 36, _("N"), "#1a1a1a", 13)


def _text(root: ET.Element, x: float, y: float, text: str, colour: str, size: int) -> None:
    """Write a text around a place, or beside it where it would leave the map."""
    half = HALF_LETTER * size * len(text)
    x = min(max(x, half), max(WIDTH - half, half))
    words = {"x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": "middle", "font-size": str(size), "fill": colour}
    words |= {"stroke": "#fff", "stroke-width": "3", "paint-order": "stroke"}  # legible over roads
    ET.SubElement(root, "text", words).text = text


KML = "http://www.opengis.net/kml/2.2"

CREATOR = "border-interdiction"


@dataclass(frozen=True, slots=True)
class Waypoint:
    """A place of a duty: its mark and name, when somebody is there by which clocks, and where it is."""

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
    """Return the places of a duty in order, with times as on the day of an assignment: the stops of a beat, or the site."""
    duty, zone = one.duty, duties.zone_of(one.crew.base).key
    if not duty.stops:
        times = f"{one.start:%H:%M}-{one.end:%H:%M}"
        return (Waypoint(plain(duty.mark), plain(duty.name), times, duty.lon, duty.lat, zone),)
    return tuple(
        Waypoint(
            f"{plain(duty.mark)}{place}",
            plain(stop_name(stop)),
            f"{moment(one, stop.arrive):%H:%M}-{moment(one, stop.leave):%H:%M}",
            stop.lon,
            stop.lat,
            zone,
        )
        for place, stop in enumerate(duty.stops, start=1)
    )


def bases_of(duty: Duty, duties: Duties) -> tuple[Waypoint, ...]:
    """Return the bases that crews set out from for a duty."""
    near = [base for base in duties.places if base.id in duty.travel]
    return tuple(Waypoint("", plain(base.label or base.id), "", base.lon, base.lat) for base in near)


def gpx(title: str, places: Sequence[Waypoint], track: Sequence[tuple[float, float]]) -> str:
    """Return waypoints, and a track where there is one, as GPX 1.1."""
    from gpxpy.gpx import GPX, GPXTrack, GPXTrackPoint, GPXTrackSegment, GPXWaypoint

    document = GPX()
    document.creator, document.name = CREATOR, plain(title)
    document.waypoints = [
        GPXWaypoint(p.lat, p.lon, name=p.title or _("Base"), description=p.when or None) for p in places
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
