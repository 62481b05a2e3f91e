"""Classes of road: the mode each belongs to, its default speed, and what a speed limit says of it.

Sources of networks and graphs of other programs share this table.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

MODES: dict[str, dict[str, float]] = {
    # OSRM 5, profiles/car.lua, `speeds`: what a car makes on a road without a speed limit of its own. `road` is assumed as unclassified.
    "drive": {
        "motorway": 90.0,
        "motorway_link": 45.0,
        "trunk": 85.0,
        "trunk_link": 40.0,
        "primary": 65.0,
        "primary_link": 30.0,
        "secondary": 55.0,
        "secondary_link": 25.0,
        "tertiary": 40.0,
        "tertiary_link": 20.0,
        "unclassified": 25.0,
        "residential": 25.0,
        "living_street": 10.0,
        "road": 25.0,
    },
    # `service` from the same table; `busway` is assumed the same.
    "service": {"service": 15.0, "busway": 15.0},
    # Assumed: a car on an unsurfaced track (OSRM 5 allows between 5 and 30 by its `tracktype`).
    "track": {"track": 15.0},
    # OSRM 5, profiles/foot.lua, `walking_speed`, for every class.
    "foot": {
        "path": 5.0,
        "footway": 5.0,
        "pedestrian": 5.0,
        "steps": 5.0,
        "bridleway": 5.0,
        "cycleway": 5.0,
        "corridor": 5.0,
        "via_ferrata": 5.0,
    },
    # OSRM 5, profiles/car.lua, `route_speeds`; a ferry's own `duration` goes first.
    "ferry": {"ferry": 5.0},
}
"""Default speed in km/h by mode and class of road."""

RANKS = (
    ("motorway", "motorway_link"),
    ("trunk", "trunk_link"),
    ("primary", "primary_link"),
    ("secondary", "secondary_link"),
    ("tertiary", "tertiary_link"),
    ("unclassified", "road"),
    ("residential", "living_street"),
    ("service", "busway"),
    ("track",),
    ("path", "footway", "pedestrian", "steps", "bridleway", "cycleway", "corridor", "via_ferrata"),
)
"""Classes of road by importance, the most important first."""
RANK_OF = {road_class: rank for rank, classes in enumerate(RANKS) for road_class in classes}

MODE_OF = {road_class: mode for mode, classes in MODES.items() for road_class in classes}
DEFAULT_KMH = {road_class: kmh for classes in MODES.values() for road_class, kmh in classes.items()}

_KMH_PER_UNIT = {"": 1.0, "km/h": 1.0, "kmh": 1.0, "kph": 1.0, "mph": 1.609344, "knots": 1.852}
_SLOWEST_KMH, _FASTEST_KMH = 1.0, 200.0


NO_SPEEDS: Mapping[str, float] = MappingProxyType({})
"""No speeds by class but the built-in ones."""


def speed_kmh(road_class: str, maxspeed: str, speeds: Mapping[str, float] = NO_SPEEDS) -> float:
    """Return the free-flow speed in km/h of a class of road with a `maxspeed` tag (empty where it has none).

    On roads for driving the limit replaces the default of the class. Elsewhere it can only lower it: what a limit allows on a track
    is not what the track allows. `speeds` holds defaults by class that go before the built-in ones.
    """
    default = speeds.get(road_class, DEFAULT_KMH.get(road_class, DEFAULT_KMH["road"]))
    limit = parse_maxspeed_kmh(maxspeed)
    if limit is None or MODE_OF.get(road_class) in {"foot", "ferry"}:
        return default
    return limit if MODE_OF.get(road_class, "drive") == "drive" else min(limit, default)


def parse_maxspeed_kmh(text: str) -> float | None:
    """Return a `maxspeed` tag in km/h, the lowest of several; None where it holds no number between 1 and 200 km/h.

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
