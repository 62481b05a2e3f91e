"""What OpenStreetMap's tags say of a way: its mode, class, name, direction and speed.

One table holds every class of road with its mode and default speed. Legal access (`access=private`, `motor_vehicle=no`, ...) is left
out of account on purpose: evaders do not respect it. Direction of travel is respected, because going against it is conspicuous.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.base.errors import InputError, Problem
from optimizer.base.text.language import marked
from optimizer.base.text.messages import message
from optimizer.problem.network.road_classes import MODE_OF, MODES, NO_SPEEDS, speed_kmh

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["MODES", "USED_TAGS", "Road", "checked_modes", "parse_duration_s", "read_road"]

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


def read_road(tags: Mapping[str, str], modes: frozenset[str], speeds: Mapping[str, float] = NO_SPEEDS) -> Road | str:
    """Return how a way is travelled, or the reason why it is left out; `speeds` by class go before the built-in ones."""
    value = tags.get("highway", "").split(";")[0].strip() or ("ferry" if tags.get("route") == "ferry" else "")
    if not value:
        return marked("neither a road nor a ferry")
    if value in _NO_ROAD:
        return message("highway={value}: not a road yet, or no longer", value=value)
    if value not in MODE_OF:
        return message("highway={value}: not a road that is travelled", value=value)
    if tags.get("area") == "yes":
        return marked("area=yes: an area, not a line")
    if MODE_OF[value] not in modes:
        return message("mode {mode} was not asked for", mode=MODE_OF[value])
    forward, backward = _directions(value, tags)
    return Road(
        road_class=value,
        name=tags.get("name") or tags.get("ref", ""),
        ref=tags.get("ref", ""),
        forward=forward,
        backward=backward,
        speed_kmh=speed_kmh(value, tags.get("maxspeed", ""), speeds),
        time_s=parse_duration_s(tags.get("duration", "")) if value == "ferry" else float("nan"),
    )


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
