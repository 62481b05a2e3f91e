"""Where a duty takes place as GPX 1.1 and KML 2.2: waypoints with their times, and the track of a beat.

There are no colours: a bare one breaks readers of GPX.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote
from xml.etree import ElementTree as ET

from optimizer.base.text.formatting import plain
from optimizer.base.text.language import gettext as _
from optimizer.roster.table import moment, stop_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.roster.duties_file import Duty
    from optimizer.roster.model import Assignment, Duties

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
