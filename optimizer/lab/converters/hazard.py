"""From the length or time of an arc to the chance to pass it undetected."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.base.errors import InputError, Problem

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HOURS = {"s": 1 / 3600, "min": 1 / 60, "h": 1.0}
KILOMETRES = {"m": 1e-3, "km": 1.0, "mi": 1.609344, "ft": 0.3048e-3}
"""The international mile and foot."""
MOST_COST = 700.0
"""Largest -ln r of an arc: beyond about 745 the reliability is 0 in double precision."""
_UNIT = re.compile(r"\s*(\d+\.?\d*|\.\d+|)\s*([a-z]+)\s*")


@dataclass(frozen=True, slots=True)
class Hazard:
    """The hazard of ordinary policing: r = exp(-rate * amount).

    Attributes
    ----------
    rate
        Finds per unit of the file's lengths or times, >= 0.
    of_time
        Whether the file's times are meant, or its lengths.
    """

    rate: float
    of_time: bool

    def costs(self, amount: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return -ln r of arcs of the lengths or times given, in the file's unit."""
        return self.rate * amount


def hazard(
    unit: str, *, per_hour: float | None = None, per_km: float | None = None, speed_kmh: float | None = None
) -> Hazard:
    """Return the hazard by a file's unit.

    Parameters
    ----------
    unit
        Unit of the file's numbers: s, min or h for times, m, km, mi or ft for lengths, with a factor before it if need be ("0.1 m").
    per_hour
        Finds an hour on the road: r = exp(-per_hour * hours). Lengths need `speed_kmh` as well.
    per_km
        Finds a kilometre, instead: r = exp(-per_km * kilometres).
    speed_kmh
        Kilometres an hour that turn lengths into times, > 0.

    Raises
    ------
    InputError
        If the unit is not known, a number is out of its range, or the numbers do not fit the unit.
    """
    match = _UNIT.fullmatch(unit)
    known = [*HOURS, *KILOMETRES]
    if match is None or match[2] not in known:
        raise InputError(Problem("--unit", repr(unit), f"one of {', '.join(known)}, or a multiple such as '0.1 m'"))
    factor = float(match[1] or 1)
    of_time = match[2] in HOURS
    given = {"--unit": factor, "--detection-per-hour": per_hour, "--detection-per-km": per_km, "--speed-kmh": speed_kmh}
    for name, value in given.items():
        least = "above 0" if name in {"--unit", "--speed-kmh"} else "of at least 0"
        if value is not None and not (math.isfinite(value) and (value > 0 or (value == 0 and least != "above 0"))):
            raise InputError(Problem(name, str(value), f"a finite number {least}"))
    _check_combination(of_time, per_hour, per_km, speed_kmh)
    if of_time:
        return Hazard((per_hour or 0.0) * factor * HOURS[match[2]], of_time=True)
    kilometres = factor * KILOMETRES[match[2]]
    by_length = per_km if per_km is not None else (per_hour or 0.0) / (speed_kmh or 1.0)
    return Hazard(by_length * kilometres, of_time=False)


def _check_combination(of_time: bool, per_hour: float | None, per_km: float | None, speed_kmh: float | None) -> None:
    if (per_hour is None) == (per_km is None):
        found = "both" if per_hour is not None else "neither"
        raise InputError(Problem("--detection-per-hour, --detection-per-km", found, "one of them"))
    if of_time and per_km is not None:
        raise InputError(Problem("--detection-per-km", "a unit of time", "--detection-per-hour, or a unit of length"))
    if (speed_kmh is not None) != (not of_time and per_hour is not None):
        found = "none" if speed_kmh is None else f"{speed_kmh:g}"
        expected = "a speed where lengths meet --detection-per-hour, and nowhere else"
        raise InputError(Problem("--speed-kmh", found, expected))
