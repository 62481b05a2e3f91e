"""How likely a checkpoint, a patrol, a sensor or a drone is to find an evader who
passes: formulas and nothing else.

Each gives a survival, the chance in [0, 1] to pass undetected, or the chance to be met
or seen that goes into one. Times of one call share a unit, whichever it is, unless the
name of the argument says one. `tests/test_detection.py` holds every formula against
evaders and teams simulated one by one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optimizer.base.arguments import checked
from optimizer.base.errors import InputError, Problem
from optimizer.base.text.formatting import number


def checkpoint_coverage(capacity: float, traffic: float) -> float:
    """Return q = min(1, capacity / traffic), the share of passing vehicles that a
    checkpoint looks at.

    It takes for granted that vehicles wait in line, so that no inspector is idle while
    traffic lasts. Where there is no room to wait and a vehicle that comes while all are
    busy drives on, random arrivals leave only capacity / (capacity + traffic) (Erlang's
    loss formula with one server): a half where the two are equal.

    Parameters
    ----------
    capacity
        Vehicles that can be inspected an hour, >= 0.
    traffic
        Vehicles that pass an hour in the watched direction, > 0.

    Raises
    ------
    ValueError
        If a number is out of its range.
    """
    if not capacity >= 0 or not traffic > 0:
        raise ValueError(f"capacity {capacity} must be >= 0 and traffic {traffic} > 0")
    return min(1.0, capacity / traffic)


@checked
def checkpoint_survival(capacity: float, traffic: float, detection: float) -> float:
    """Return 1 - q d, the chance that an evader passes a checkpoint undetected.

    q is the share of passing vehicles that can be looked at (`checkpoint_coverage`), d
    the chance that a look at a loaded vehicle finds the load. Vehicles are picked
    blindly: a profile that picks the right ones does better, evaders who pick their
    hour do worse.

    Parameters
    ----------
    capacity
        Vehicles that can be inspected an hour, >= 0.
    traffic
        Vehicles that pass an hour in the watched direction, > 0.
    detection
        Search quality d in [0, 1].

    Raises
    ------
    InputError
        If a number is out of its range.
    """
    if not capacity >= 0 or not traffic > 0 or not 0 <= detection <= 1:
        raise InputError(
            Problem(
                "checkpoint_survival",
                f"capacity {capacity:g}, traffic {traffic:g}, detection {detection:g}",
                "a capacity from 0, traffic above 0, a detection from 0 to 1",
            )
        )
    return 1.0 - checkpoint_coverage(capacity, traffic) * detection


def inspection_delay(capacity: float, traffic: float, minutes: float) -> float:
    """Return the time that those inspected lose at a checkpoint: min(capacity, traffic)
    minutes / 60.

    The wait in line comes on top where traffic is near capacity and is not in it.

    Parameters
    ----------
    capacity, traffic
        Vehicles that can be inspected and that pass, in one period (a day), >= 0.
    minutes
        What one inspection takes, >= 0.

    Returns
    -------
    float
        Vehicle-hours a period.

    Raises
    ------
    ValueError
        If a number is negative.
    """
    _check_least("capacity, traffic and minutes", 0, capacity, traffic, minutes)
    return min(capacity, traffic) * minutes / 60


def dwell_meeting(dwell: ArrayLike, shift: ArrayLike) -> NDArray[np.float64]:
    """Return min(1, w / H), the chance that an evader passes a point of the road while
    a team dwells there for w of a shift of H.

    The evader's moment is uniform over the shift, and shift follows upon shift, so that
    it does not matter when within the shift the team is there.

    Parameters
    ----------
    dwell
        w >= 0; several dwells at one point exclude each other, so their times may be
        added up.
    shift
        H > 0.

    Raises
    ------
    ValueError
        If a number is out of its range.
    """
    dwell, shift = _numbers(dwell), _numbers(shift)
    _check_least("dwell", 0, dwell)
    _check_positive("shift", shift)
    return _capped(dwell / shift)


def drive_meeting(
    drive: ArrayLike, travel: ArrayLike, shift: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the chances that a team which drives through a segment once a shift meets
    an evader who passes it.

    The team takes w, the evader tau, entering at a moment uniform over the shift H.
    Against each other they meet if both are on the segment at one time, (w + tau) / H;
    in one direction if one overtakes the other, |w - tau| / H. Each is capped at 1.
    With w = 10, tau = 6, H = 480 minutes: 0.0333 and 0.0083.

    Parameters
    ----------
    drive, travel
        w and tau, >= 0: the team's and the evader's time from end to end.
    shift
        H > 0.

    Returns
    -------
    tuple
        Chance for evaders of the opposing direction and for those of the team's own,
        each of the arguments' joint shape.

    Raises
    ------
    ValueError
        If a number is out of its range.
    """
    return orbit_meeting(drive, travel, shift)


def orbit_meeting(
    sweep: ArrayLike, travel: ArrayLike, revisit: ArrayLike, glimpse: ArrayLike = 0.0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the chances that an evader on a segment is inside the footprint of an
    orbit at least once.

    The footprint sweeps the segment end to end once in each revisit time R. Its middle
    needs w for it, it stays g over any one point (its length along the road divided by
    its speed), and the evader needs tau, entering at a moment uniform over R. Counting
    the entry times that lead into the footprint gives (w + g + tau) / R for evaders who
    come towards it and (g + |w - tau|) / R for those who go its way, each capped at 1.
    A spot that is seen whole or not at all has w = 0 and (g + tau) / R both ways; with
    g = 0 it is a team that drives.

    Parameters
    ----------
    sweep, travel, glimpse
        w, tau and g, >= 0.
    revisit
        R > 0. An orbit out and back over the same road has one sweep each way in every
        R.

    Returns
    -------
    tuple
        Chance for evaders of the opposing direction and for those of the sweep's own,
        each of the arguments' joint shape.

    Raises
    ------
    ValueError
        If a number is out of its range.
    """
    w = _numbers(sweep)
    tau = _numbers(travel)
    g = _numbers(glimpse)
    period = _numbers(revisit)
    _check_least("sweep or drive, travel and glimpse", 0, w, tau, g)
    _check_positive("revisit or shift", period)
    return _capped((w + g + tau) / period), _capped((g + np.abs(w - tau)) / period)


def patrol_survival(meeting: ArrayLike, detection: ArrayLike) -> NDArray[np.float64]:
    """Return 1 - d phi, the chance to get by one visit of a team that is met with phi
    and finds the load with d when met.

    Parameters
    ----------
    meeting
        phi in [0, 1].
    detection
        d in [0, 1].

    Raises
    ------
    ValueError
        If a number is out of its range.
    """
    meeting, detection = _numbers(meeting), _numbers(detection)
    _check_chance("meeting", meeting)
    _check_chance("detection", detection)
    return np.asarray(1 - detection * meeting)


def beat_survival(meetings: ArrayLike, detection: ArrayLike) -> NDArray[np.float64]:
    """Return the product of 1 - d phi_v over the visits v of a beat that one evader's
    way touches.

    The product takes the visits as independent. They are not: while the team is at one
    post it is not at another, and an evader who drives as fast as the team is met at
    most once. In truth such an evader is found with d sum phi_v, and the product says
    less: of a shift of 480 minutes with 2, 4 and 8 dwells of 30 minutes and d = 0.8 it
    says 0.098, 0.185 and 0.337 in place of 0.100, 0.200 and 0.400; with d = 0.5 0.062,
    0.119 and 0.224 in place of 0.063, 0.125 and 0.250. So it is at one post: l slots of
    w find 1 - d l w / H exactly, not (1 - d w / H)^l; add the slots of one post up
    (`dwell_meeting`) before they come here. Never does it say more than d sum phi_v. It
    does say more than the truth where one evader is met again and again, which takes a
    team much faster than the evader: one that drives 15-minute legs to and fro over all
    of a 120-minute walk, for half of each shift, finds 0.657 of those who walk it where
    d = 0.5 (it meets 0.72 of them, some of them up to eight times), and the product
    says 0.882.

    Parameters
    ----------
    meetings
        (..., v) phi of each visit, in [0, 1].
    detection
        d in [0, 1], the same for all visits or of a shape that fits `meetings`.

    Returns
    -------
    ndarray
        (...) survivals.

    Raises
    ------
    ValueError
        If a number is out of its range.
    """
    return np.asarray(patrol_survival(meetings, detection).prod(axis=-1))


def sensor_survival(uptime: float, detection: float, response: float) -> float:
    """Return 1 - u d r, the chance to pass a fixed sensor.

    It works for a share u of the time, notices a passing load with d when it works, and
    a share r of what it notices is acted upon in time. Outages that evaders can see, or
    alarms that come two at once where one team answers, make it worse than this.

    Parameters
    ----------
    uptime, detection, response
        u, d and r in [0, 1].

    Raises
    ------
    ValueError
        If a number is out of its range.
    """
    for name, value in (("uptime", uptime), ("detection", detection), ("response", response)):
        _check_chance(name, value)
    return 1.0 - uptime * detection * response


def false_alarm_hours(alarms: float, minutes: float) -> float:
    """Return the team-hours that go into false alarms: alarms minutes / 60.

    Parameters
    ----------
    alarms
        False alarms a period (a day) that somebody looks into, >= 0.
    minutes
        What looking into one takes, way there and back included, >= 0.

    Raises
    ------
    ValueError
        If a number is negative.
    """
    _check_least("alarms and minutes", 0, alarms, minutes)
    return alarms * minutes / 60


def random_search(
    width_m: ArrayLike, speed_kmh: ArrayLike, hours: ArrayLike, area_km2: ArrayLike
) -> NDArray[np.float64]:
    """Return 1 - exp(-W v t / A), the chance that a search without a pattern sees
    somebody who is in its area for t.

    W is the width seen across the line of flight (the effective one: times d, if a look
    finds with d), v the speed over the ground, A the area. B. O. Koopman, The theory of
    search II: target detection, Operations Research 4 (1956) 503-531, "random search".
    Strips flown side by side see min(1, W v t / A) of those who stand still, which is
    more; a flight of 3 km legs that turns at random and is turned back at the edges
    crosses its own track and sees less: 0.191 (+- 0.012) in place of 0.221 where W v t
    / A = 1/4.

    Parameters
    ----------
    width_m
        W >= 0, metres.
    speed_kmh
        v >= 0.
    hours
        t >= 0.
    area_km2
        A > 0.

    Raises
    ------
    ValueError
        If a number is out of its range.
    """
    width = _numbers(width_m)
    speed = _numbers(speed_kmh)
    time = _numbers(hours)
    area = _numbers(area_km2)
    _check_least("width, speed and hours", 0, width, speed, time)
    _check_positive("area", area)
    return np.asarray(-np.expm1(-width / 1000 * speed * time / area))


def station_share(hours: float, shift_hours: float) -> float:
    """Return min(1, hours / shift_hours), the share of a shift that an aircraft is over
    its area, not on the way, fuelling or grounded.

    Parameters
    ----------
    hours
        Hours on station a shift, >= 0; those of several aircraft that relieve each
        other add up.
    shift_hours
        Length of the shift, > 0.

    Raises
    ------
    ValueError
        If a number is out of its range.
    """
    _check_least("hours", 0, hours)
    _check_positive("shift_hours", shift_hours)
    return min(1.0, hours / shift_hours)


def _numbers(values: ArrayLike) -> NDArray[np.float64]:
    return np.asarray(values, dtype=np.float64)


def _capped(chance: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.minimum(chance, 1.0))


def _check_least(what: str, least: float, *values: float | NDArray[np.float64]) -> None:
    if not all(np.all(_numbers(value) >= least) for value in values):
        raise ValueError(
            f"{what} must be >= {number(least, 6)}; found"
            f" {', '.join(str(value) for value in values)}"
        )


def _check_positive(what: str, value: float | NDArray[np.float64]) -> None:
    if not np.all(_numbers(value) > 0):
        raise ValueError(f"{what} must be > 0; found {value}")


def _check_chance(what: str, value: float | NDArray[np.float64]) -> None:
    if not np.all((_numbers(value) >= 0) & (_numbers(value) <= 1)):
        raise ValueError(f"{what} must be in [0, 1]; found {value}")
