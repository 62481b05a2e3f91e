"""What a unit did, from its positions: where it stood and for how long, and its hours
on each road.

Positions closer together in time than a gap make a drive. Within it, a stay is a run of
positions in which the speed, over a minute at least, keeps below a limit for some
minutes, at one spot. Between stays the positions are matched to roads, and the time
from one to the next is spread over the way by road as free flow would take it. Where a
unit arrives at a stay, or leaves it, between two positions, it drove for as long as it
takes at its usual pace, and stood for the rest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.operations.map_matching import MatchParams, match_path
from optimizer.problem.network.geodesy import great_circle_m
from optimizer.problem.network.network import Network
from optimizer.problem.network.shortest_paths import CostGraph

WINDOW_S = 59.0
"""Least time over which a speed is taken: shorter, noise looks like driving."""
AT_THE_SPOT = 0.8
"""Least share of the positions of a stay that lie at its spot."""
PACES = (0.7, 3.0)
"""Driving times, as multiples of free flow, within which a usual pace lies."""


@dataclass(frozen=True, slots=True)
class StayParams:
    """Parameters of stays."""

    #: A unit that is slower stands.
    speed_kmh: float = 5.0
    #: Shortest stay.
    minutes: float = 5.0
    #: Radius of the spot of a stay.
    spot_m: float = 100.0
    #: Longest time between positions of one drive.
    gap_minutes: float = 15.0


@dataclass(frozen=True)
class Track:
    """Positions of a unit in order of time."""

    #: Whose.
    unit: str
    #: The file.
    source: str
    #: (T,) seconds since 1970, UTC, each once.
    time: NDArray[np.float64]
    #: `lon`, `lat`: (T,) degrees.
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]


@dataclass(frozen=True)
class Movement:
    """What a unit did: rows of time on roads, and its stays."""

    #: `begin`, `seconds`: (r,) when each row begins, in seconds since 1970, and how
    #: long it takes.
    begin: NDArray[np.float64]
    seconds: NDArray[np.float64]
    #: (r,) road; -1 off the roads.
    segment: NDArray[np.int64]
    #: (r,) position of the row's stay; -1 while driving.
    stay: NDArray[np.int64]
    #: `stay_begin`, `stay_end`, `stay_lon`, `stay_lat`, `stay_segment`: (s,) of each
    #: stay.
    stay_begin: NDArray[np.float64]
    stay_end: NDArray[np.float64]
    stay_lon: NDArray[np.float64]
    stay_lat: NDArray[np.float64]
    stay_segment: NDArray[np.int64]
    #: `fixes`, `off_roads`: Positions, and how many of them lie off the roads.
    fixes: int
    off_roads: int
    #: (c, 2) begin and end of the times for which there are positions, in order.
    covered: NDArray[np.float64]


def movement(
    track: Track,
    network: Network,
    graph: CostGraph,
    match: MatchParams = MatchParams(),
    params: StayParams = StayParams(),
) -> Movement:
    """Return what a unit did.

    Parameters
    ----------
    track
        Its positions.
    network, graph
        The roads, and `length_graph` of them.
    match, params
        Of map matching and of stays.
    """
    runs = stays(track.time, track.lon, track.lat, params)
    places = _places_in_order(track, runs, match.noise_m)
    wait = places.begin[1:] - places.end[:-1]
    seconds = np.where(wait <= 60 * params.gap_minutes, np.maximum(wait, 1.0), np.inf)
    path = match_path(network, graph, seconds, places.lon, places.lat, match)
    # Parts of the way between places: free-flow seconds, and their share of the time
    # from one to the next.
    free = path.leg_m / network.length_m[network.segment_arc[path.leg_segment]]
    free = free * network.time_s[network.segment_arc[path.leg_segment]]
    total = np.bincount(path.leg, weights=free, minlength=wait.size).astype(np.float64)
    begin, end = _stretched(places, wait, total, np.isfinite(seconds) & path.linked)
    wait = begin[1:] - end[:-1]
    linked = path.linked & (wait > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(total[path.leg] > 0, free / total[path.leg], 0.0)
    standing = linked & (total <= 0)  # two places on one spot
    before = np.concatenate(([0.0], np.cumsum(share)))
    first = np.searchsorted(path.leg, path.leg)
    leg_begin = end[path.leg] + wait[path.leg] * (before[:-1] - before[first])
    moving = linked[path.leg] & (share > 0)
    lost = ~linked & np.isfinite(seconds) & (wait > 0)  # recorded, but on no road
    still = np.flatnonzero(standing)
    away = np.flatnonzero(lost)
    stay = np.flatnonzero(places.stay >= 0)
    rows = (
        (
            leg_begin[moving],
            (share * wait[path.leg])[moving],
            path.leg_segment[moving],
            np.full(int(moving.sum()), -1),
        ),
        (end[still], wait[still], path.segment[still], np.full(still.size, -1)),
        (end[away], wait[away], np.full(away.size, -1), np.full(away.size, -1)),
        (begin[stay], (end - begin)[stay], path.segment[stay], places.stay[stay]),
    )
    table = [np.concatenate(column) for column in zip(*rows, strict=True)]
    order = np.argsort(table[0], kind="stable")
    breaks = np.flatnonzero(np.diff(track.time) > 60 * params.gap_minutes)
    starts = np.concatenate(([0], breaks + 1)) if track.time.size else np.empty(0, dtype=np.int64)
    stops = (
        np.concatenate((breaks, [track.time.size - 1]))
        if track.time.size
        else np.empty(0, dtype=np.int64)
    )
    return Movement(
        begin=table[0][order],
        seconds=table[1][order],
        segment=table[2][order].astype(np.int64),
        stay=table[3][order].astype(np.int64),
        stay_begin=begin[stay],
        stay_end=end[stay],
        stay_lon=places.lon[stay],
        stay_lat=places.lat[stay],
        stay_segment=path.segment[stay],
        fixes=track.time.size,
        off_roads=int(places.fixes[path.segment < 0].sum()),
        covered=np.column_stack((track.time[starts], track.time[stops])),
    )


def stays(
    time: NDArray[np.float64],
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
    params: StayParams,
) -> list[tuple[int, int]]:
    """Return the first and last position of each stay, in order; parameters as of `Track`."""
    if time.size < 2:
        return []
    ahead = np.minimum(np.searchsorted(time, time[:-1] + WINDOW_S), time.size - 1)
    gap = np.diff(time) > 60 * params.gap_minutes
    moved = great_circle_m(lon[:-1], lat[:-1], lon[ahead], lat[ahead])
    slow = (moved <= params.speed_kmh / 3.6 * np.maximum(time[ahead] - time[:-1], 1.0)) & ~gap
    edges = np.flatnonzero(np.diff(np.concatenate(([0], slow.view(np.int8), [0]))))
    found: list[tuple[int, int]] = []
    for first, last in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        found += _at_one_spot(lon, lat, first, last, params)
    joined: list[tuple[int, int]] = []
    for first, last in found:
        if joined and _one_stay(time, lon, lat, joined[-1], (first, last), params):
            joined[-1] = (joined[-1][0], last)
        else:
            joined.append((first, last))
    return [(a, b) for a, b in joined if time[b] - time[a] >= 60 * params.minutes]


def _at_one_spot(
    lon: NDArray[np.float64], lat: NDArray[np.float64], first: int, last: int, params: StayParams
) -> list[tuple[int, int]]:
    """Return the positions `first` to `last` without those at either end that are not
    at the spot; none where the run creeps along a road.
    """
    part = slice(first, last + 1)
    at_lon, at_lat = np.median(lon[part]), np.median(lat[part])
    near = great_circle_m(
        lon[part], lat[part], np.full(last + 1 - first, at_lon), np.full(last + 1 - first, at_lat)
    )
    here = np.flatnonzero(near <= params.spot_m)
    if here.size < 2 or here.size < AT_THE_SPOT * near.size:
        return []
    return [(first + int(here[0]), first + int(here[-1]))]


def _one_stay(
    time: NDArray[np.float64],
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
    one: tuple[int, int],
    other: tuple[int, int],
    params: StayParams,
) -> bool:
    """Return whether two stays are one that noise, or a turn of the car, has parted."""
    if time[other[0]] - time[one[1]] > 60 * params.minutes:
        return False
    a, b = slice(one[0], one[1] + 1), slice(other[0], other[1] + 1)
    (x, y), (u, v) = (tuple(float(np.median(axis[part])) for axis in (lon, lat)) for part in (a, b))
    return metres_between(x, y, u, v) <= params.spot_m


@dataclass(frozen=True)
class _Places:
    """Stays, and positions on the way, in order: when each begins and ends, where it
    is, which stay (-1: none), positions behind it.
    """

    begin: NDArray[np.float64]
    end: NDArray[np.float64]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    stay: NDArray[np.int64]
    fixes: NDArray[np.int64]


def _places_in_order(track: Track, runs: list[tuple[int, int]], noise_m: float) -> _Places:
    """Return the places of a track; of positions on the way closer than two standard
    deviations the first alone (Newson and Krumm, 4.1).
    """
    stay_of = np.full(track.time.size, -1, dtype=np.int64)
    for k, (first, last) in enumerate(runs):
        stay_of[first : last + 1] = k
    rows: list[tuple[float, float, float, float, int, int]] = []
    n = 0
    while n < track.time.size:
        k = int(stay_of[n])
        if k >= 0:
            first, last = runs[k]
            part = slice(first, last + 1)
            where = float(np.median(track.lon[part])), float(np.median(track.lat[part]))
            rows.append(
                (float(track.time[first]), float(track.time[last]), *where, k, last + 1 - first)
            )
            n = last + 1
            continue
        at = float(track.lon[n]), float(track.lat[n])
        ends = n + 1 == track.time.size or stay_of[n + 1] >= 0
        if (
            not rows
            or rows[-1][4] >= 0
            or ends
            or metres_between(*at, *rows[-1][2:4]) >= 2 * noise_m
        ):
            rows.append((float(track.time[n]), float(track.time[n]), *at, -1, 1))
        else:
            rows[-1] = (*rows[-1][:5], rows[-1][5] + 1)
        n += 1
    table = np.array(rows, dtype=np.float64).reshape(-1, 6)
    begin, end, lon, lat, stay, fixes = table.T
    return _Places(begin, end, lon, lat, stay.astype(np.int64), fixes.astype(np.int64))


def metres_between(lon: float, lat: float, other_lon: float, other_lat: float) -> float:
    """Return the great-circle distance of two points in degrees."""
    return float(
        great_circle_m(*(np.array(degrees) for degrees in (lon, lat, other_lon, other_lat)))
    )


def _stretched(
    places: _Places, wait: NDArray[np.float64], free: NDArray[np.float64], linked: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return begin and end of places with stays stretched over the time that driving to
    and from them does not take.

    Parameters
    ----------
    places
        As they are seen.
    wait, free
        (n - 1,) seconds from one to the next, and what driving takes in free flow.
    linked
        (n - 1,) whether a way by road is known.
    """
    begin, end = places.begin.copy(), places.end.copy()
    stands = places.stay >= 0
    driving = linked & ~stands[:-1] & ~stands[1:] & (free > 10)
    pace = float(np.median(wait[driving] / free[driving])) if driving.any() else 1.0
    rest = np.where(linked, np.maximum(wait - free * min(max(pace, PACES[0]), PACES[1]), 0.0), 0.0)
    for k in np.flatnonzero(linked & (stands[:-1] | stands[1:])).tolist():
        halves = 2 if stands[k] and stands[k + 1] else 1
        if stands[k]:
            end[k] += rest[k] / halves
        if stands[k + 1]:
            begin[k + 1] -= rest[k] / halves
    return begin, end
