"""What OpenStreetMap's tags say of a way: its mode, class, name, direction and speed.

One table holds every class of road with its mode and default speed. Legal access (`access=private`, `motor_vehicle=no`, ...) is left
out of account on purpose: evaders do not respect it. Direction of travel is respected, because going against it is conspicuous.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.base.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

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
USED_TAGS = ("highway", "route", "area", "junction", "oneway", "oneway:foot", "maxspeed", "duration", "name", "ref")

_NO_ROAD = {
    "proposed",
    "planned",
    "construction",
    "abandoned",
    "disused",
    "razed",
    "demolished",
    "removed",
    "dismantled",
    "no",
}
_FORWARD = {"yes", "true", "1"}
_BACKWARD = {"-1", "reverse"}
_KMH_PER_UNIT = {"": 1.0, "km/h": 1.0, "kmh": 1.0, "kph": 1.0, "mph": 1.609344, "knots": 1.852}
_SLOWEST_KMH, _FASTEST_KMH = 1.0, 200.0


@dataclass(frozen=True, slots=True)
class Road:
    """How one way is travelled.

    Attributes
    ----------
    road_class
        Its `highway` value, or `ferry`.
    name
        Its name, or else its number; empty where it has neither.
    ref
        Its number (`L191`; several with `;` between); empty where it has none.
    forward, backward
        Whether it is travelled in and against the order of its nodes.
    speed_kmh
        Free-flow speed in km/h, > 0.
    time_s
        Seconds for the whole way where it says so itself (a ferry's `duration`), else NaN.
    """

    road_class: str
    name: str
    ref: str
    forward: bool
    backward: bool
    speed_kmh: float
    time_s: float


def checked_modes(modes: Iterable[str]) -> frozenset[str]:
    """Return the modes as a set.

    Raises
    ------
    InputError
        If one is unknown, or there is none.
    """
    asked = [modes] if isinstance(modes, str) else list(modes)
    known = f"one or more of {', '.join(MODES)}"
    problems = [Problem("modes", repr(mode), known, "Correct it") for mode in asked if mode not in MODES]
    if problems or not asked:
        raise InputError(*(problems or [Problem("modes", "none", known, "Name at least one")]))
    return frozenset(asked)


def read_road(tags: Mapping[str, str], modes: frozenset[str]) -> Road | str:
    """Return how a way is travelled, or the reason why it is left out."""
    value = tags.get("highway", "").split(";")[0].strip() or ("ferry" if tags.get("route") == "ferry" else "")
    if not value:
        return "neither a road nor a ferry"
    if value in _NO_ROAD:
        return f"highway={value}: not a road yet, or no longer"
    if value not in MODE_OF:
        return f"highway={value}: not a road that is travelled"
    if tags.get("area") == "yes":
        return "area=yes: an area, not a line"
    if MODE_OF[value] not in modes:
        return f"mode {MODE_OF[value]} was not asked for"
    forward, backward = _directions(value, tags)
    return Road(
        road_class=value,
        name=tags.get("name") or tags.get("ref", ""),
        ref=tags.get("ref", ""),
        forward=forward,
        backward=backward,
        speed_kmh=speed_kmh(value, tags.get("maxspeed", "")),
        time_s=parse_duration_s(tags.get("duration", "")) if value == "ferry" else float("nan"),
    )


def speed_kmh(road_class: str, maxspeed: str) -> float:
    """Return the free-flow speed in km/h of a class of road with a `maxspeed` tag (empty where it has none).

    On roads for driving the limit replaces the default of the class. Elsewhere it can only lower it: what a limit allows on a track
    is not what the track allows.
    """
    default = DEFAULT_KMH.get(road_class, DEFAULT_KMH["road"])
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


def parse_duration_s(text: str) -> float:
    """Return a `duration` tag (`1:30`, `1:30:00`, minutes, or ISO 8601 `PT1H30M`) in seconds; NaN where it is none.

    Examples
    --------
    >>> parse_duration_s("0:15"), parse_duration_s("PT1H30M"), parse_duration_s("20")
    (900.0, 5400.0, 1200.0)
    """
    text = text.strip().upper()
    seconds = float("nan")
    if re.fullmatch(r"\d{1,4}", text):
        seconds = float(text) * 60
    elif clock := re.fullmatch(r"(\d{1,3}):(\d{2})(?::(\d{2}))?", text):
        seconds = int(clock[1]) * 3600 + int(clock[2]) * 60 + int(clock[3] or 0)
    elif (iso := re.fullmatch(r"PT(?:(\d{1,3})H)?(?:(\d{1,4})M)?(?:(\d{1,5})S)?", text)) and any(iso.groups()):
        seconds = sum(int(value or 0) * unit for value, unit in zip(iso.groups(), (3600, 60, 1), strict=True))
    return float(seconds) if seconds > 0 else float("nan")


def _directions(road_class: str, tags: Mapping[str, str]) -> tuple[bool, bool]:
    """Return whether a way is travelled forward and backward. A walker obeys `oneway:foot` alone."""
    oneway = tags.get("oneway:foot", "") if MODE_OF[road_class] == "foot" else tags.get("oneway", "")
    if oneway in _BACKWARD:
        return False, True
    implied = road_class == "motorway" or (
        tags.get("junction") in {"roundabout", "circular"} and MODE_OF[road_class] != "foot"
    )
    if oneway in _FORWARD or (implied and oneway != "no"):
        return True, False
    return True, True
