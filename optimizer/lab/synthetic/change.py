"""Planted changes as people write them: `PLACE:FROM:FACTOR`."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.risk.simulation import FIRST_MONTH, Change

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from optimizer.region.model import Region

NEAR_M = 500.0
"""A point farther than this from every road is a fault."""


def read_changes(words: Sequence[str], region: Region, months: int) -> tuple[Change, ...]:
    """Return the changes that are asked for.

    Parameters
    ----------
    words
        Each `PLACE:FROM:FACTOR`: a segment's number, `LON,LAT` (the nearest segment) or a gateway's id (the segments that meet there); a month
        such as 2024-03; what the true rate is multiplied by from then on.
    region
        Where the places are.
    months
        Length of the record, whose first month is January 2023.

    Raises
    ------
    InputError
        With every fault of all of them.
    """
    problems = ProblemList()
    changes = []
    for word in words:
        try:
            changes.append(_change(word, region, months))
        except InputError as error:
            problems.extend(error)
    problems.raise_if_any()
    return tuple(changes)


def _change(word: str, region: Region, months: int) -> Change:
    where = f"--change {word}"
    parts = word.rsplit(":", 2)
    if len(parts) < 3:
        raise InputError(Problem(where, repr(word), "PLACE:FROM:FACTOR, such as 812:2024-03:5"))
    place, month, factor = parts
    return Change(_segments(place, region, where), _month(month, months, where), _factor(factor, where))


def _month(text: str, months: int, where: str) -> int:
    last = FIRST_MONTH + months - 1
    position = (
        int((np.datetime64(text, "M") - FIRST_MONTH).astype(int))
        if re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", text)
        else -1
    )
    if not 0 <= position < months:
        raise InputError(Problem(where, repr(text), f"a month of the record, {FIRST_MONTH} to {last}"))
    return position


def _factor(text: str, where: str) -> float:
    try:
        factor = float(text)
    except ValueError:
        factor = math.nan
    if not 0 <= factor < 1e6:
        raise InputError(Problem(where, repr(text), "a factor from 0 to a million, such as 5"))
    return factor


def _segments(place: str, region: Region, where: str) -> NDArray[np.int64]:
    network = region.network
    for gateway in region.gateways:
        if gateway.id == place:
            return np.unique(network.segment[(network.tail == gateway.node) | (network.head == gateway.node)]).astype(
                np.int64
            )
    if re.fullmatch(r"\d+", place):
        if len(place) > 9 or int(place) >= network.n_segments:
            raise InputError(Problem(where, place, f"a segment, 0 to {network.n_segments - 1}"))
        return np.array([int(place)])
    try:
        lon, lat = (float(part) for part in place.split(","))
    except ValueError:
        raise InputError(Problem(where, repr(place), "a segment's number, LON,LAT or the id of a gateway")) from None
    if not (abs(lon) <= 180 and abs(lat) <= 90):
        raise InputError(Problem(where, place, "degrees, longitude first"))
    nearest, distance = network.nearest_segments(np.array([lon]), np.array([lat]))
    if not distance[0] <= NEAR_M:
        found = f"{place}, {distance[0]:.0f} m from the nearest road"
        raise InputError(Problem(where, found, f"a point within {NEAR_M:g} m of a road", "Longitude comes first"))
    return nearest.astype(np.int64)
