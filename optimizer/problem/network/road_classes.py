"""Classes of road in one table: how fast each is, how important, and what people call
it; and what a speed limit says.

Sources of networks, graphs of other programs, maps and texts share it. A new class is a
new row: every column has to be filled.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from optimizer.base.text.language import marked


@dataclass(frozen=True, slots=True)
class HighwayClass:
    """A class of road."""

    #: OpenStreetMap's `highway` value, or `ferry`.
    name: str
    #: What travels on it: `drive`, `service`, `track`, `foot` or `ferry`.
    mode: str
    #: Default speed, km/h.
    kmh: float
    #: Importance, 0 the highest; None where it has none among roads.
    rank: int | None
    #: Whether it stays on a map that cannot hold every road.
    main: bool
    #: Whether maps write its number.
    numbered: bool
    #: Place in the order in which its loose ends are believed to be the map's edge, 0
    #: first; None after all others.
    edge: int | None
    #: What people read, in English; `optimizer.base.text.language.gettext` translates
    #: it.
    word: str


HIGHWAY_CLASSES = (
    # Speeds of mode `drive` and of `service`: OSRM 5, profiles/car.lua, `speeds`, what
    # a car makes on a road without a limit of its own. `road`, a road of unknown class,
    # is assumed as `unclassified`, and `busway` as `service`.
    HighwayClass("motorway", "drive", 90.0, 0, True, True, 0, marked("motorway")),
    HighwayClass("motorway_link", "drive", 45.0, 0, True, False, 0, marked("motorway link")),
    HighwayClass("trunk", "drive", 85.0, 1, True, True, 0, marked("trunk road")),
    HighwayClass("trunk_link", "drive", 40.0, 1, True, False, 0, marked("trunk road link")),
    HighwayClass("primary", "drive", 65.0, 2, True, True, 0, marked("primary road")),
    HighwayClass("primary_link", "drive", 30.0, 2, True, False, 0, marked("primary road link")),
    HighwayClass("secondary", "drive", 55.0, 3, True, False, 0, marked("secondary road")),
    HighwayClass("secondary_link", "drive", 25.0, 3, True, False, 0, marked("secondary road link")),
    HighwayClass("tertiary", "drive", 40.0, 4, False, False, 1, marked("tertiary road")),
    HighwayClass("tertiary_link", "drive", 20.0, 4, False, False, 1, marked("tertiary road link")),
    HighwayClass("unclassified", "drive", 25.0, 5, False, False, 2, marked("minor road")),
    HighwayClass("residential", "drive", 25.0, 6, False, False, None, marked("residential street")),
    HighwayClass("living_street", "drive", 10.0, 6, False, False, None, marked("living street")),
    HighwayClass("road", "drive", 25.0, 5, False, False, None, marked("road")),
    HighwayClass("service", "service", 15.0, 7, False, False, None, marked("service road")),
    HighwayClass("busway", "service", 15.0, 7, False, False, None, marked("busway")),
    # Assumed: a car on an unsurfaced track (OSRM 5 allows between 5 and 30 by its
    # `tracktype`).
    HighwayClass("track", "track", 15.0, 8, False, False, None, marked("track")),
    # OSRM 5, profiles/foot.lua, `walking_speed`, for every class.
    HighwayClass("path", "foot", 5.0, 9, False, False, None, marked("path")),
    HighwayClass("footway", "foot", 5.0, 9, False, False, None, marked("footway")),
    HighwayClass("pedestrian", "foot", 5.0, 9, False, False, None, marked("pedestrian street")),
    HighwayClass("steps", "foot", 5.0, 9, False, False, None, marked("steps")),
    HighwayClass("bridleway", "foot", 5.0, 9, False, False, None, marked("bridleway")),
    HighwayClass("cycleway", "foot", 5.0, 9, False, False, None, marked("cycleway")),
    HighwayClass("corridor", "foot", 5.0, 9, False, False, None, marked("corridor")),
    HighwayClass("via_ferrata", "foot", 5.0, 9, False, False, None, marked("via ferrata")),
    # OSRM 5, profiles/car.lua, `route_speeds`; a ferry's own `duration` goes first.
    HighwayClass("ferry", "ferry", 5.0, None, True, False, None, marked("ferry")),
)
"""Every class that a source of networks may give; a network of arrays may have others,
which count as `road`.
"""

MODES: dict[str, dict[str, float]] = {
    mode: {row.name: row.kmh for row in HIGHWAY_CLASSES if row.mode == mode}
    for mode in dict.fromkeys(row.mode for row in HIGHWAY_CLASSES)
}
"""Default speed in km/h by mode and class of road."""
MODE_OF = {row.name: row.mode for row in HIGHWAY_CLASSES}
DEFAULT_KMH = {row.name: row.kmh for row in HIGHWAY_CLASSES}
RANK_OF = {row.name: row.rank for row in HIGHWAY_CLASSES if row.rank is not None}
MAIN_CLASSES = tuple(row.name for row in HIGHWAY_CLASSES if row.main)
WORD_OF = {row.name: row.word for row in HIGHWAY_CLASSES}

_KMH_PER_UNIT = {"": 1.0, "km/h": 1.0, "kmh": 1.0, "kph": 1.0, "mph": 1.609344, "knots": 1.852}
_SLOWEST_KMH, _FASTEST_KMH = 1.0, 200.0


NO_SPEEDS: Mapping[str, float] = MappingProxyType({})
"""No speeds by class but the built-in ones."""


def speed_kmh(road_class: str, maxspeed: str, speeds: Mapping[str, float] = NO_SPEEDS) -> float:
    """Return the free-flow speed in km/h of a class of road with a `maxspeed` tag
    (empty where it has none).

    On roads for driving the limit replaces the default of the class. Elsewhere it can
    only lower it: what a limit allows on a track is not what the track allows. `speeds`
    holds defaults by class that go before the built-in ones.
    """
    default = speeds.get(road_class, DEFAULT_KMH.get(road_class, DEFAULT_KMH["road"]))
    limit = parse_maxspeed_kmh(maxspeed)
    if limit is None or MODE_OF.get(road_class) in {"foot", "ferry"}:
        return default
    return limit if MODE_OF.get(road_class, "drive") == "drive" else min(limit, default)


def parse_maxspeed_kmh(text: str) -> float | None:
    """Return a `maxspeed` tag in km/h, the lowest of several; None where it holds no
    number between 1 and 200 km/h.

    Examples
    --------
    >>> parse_maxspeed_kmh("50"), parse_maxspeed_kmh("30 mph"), parse_maxspeed_kmh("AD:urban")
    (50.0, 48.28032, None)
    """
    speeds = []
    for part in re.split(r"[;|,]", text):
        match = re.fullmatch(r"\s*(\d{1,3}(?:\.\d{1,2})?)\s*([a-z/]*)\s*", part.lower())
        if match and match[2] in _KMH_PER_UNIT:
            speeds.append(float(match[1]) * _KMH_PER_UNIT[match[2]])
    usable = [speed for speed in speeds if _SLOWEST_KMH <= speed <= _FASTEST_KMH]
    return min(usable, default=None)
