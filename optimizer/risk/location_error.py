"""Seizures where nobody is recorded to have searched: misplaced, of searches that were
not written down, or from tips.

Left out they are lost, and what is left is biased: a road beside a searched one loses
its seizures to it.

Where each seizure of one unit of effort lies is taken as a draw from a mixture,

    P(s) = pi_0 e_s / e + sum over d of pi_d (G_d e)_s / e + pi_t h_s / h,

e the recorded effort, G_d e where effort comes to lie once places are wrong by a
standard deviation of d metres along each axis, and h road length: tips come from
anywhere. The weights pi are the likeliest (EM). A record all of whose seizures lie
where effort is gives pi_0 = 1. Every seizure then counts, and the seizures expected on
a segment are their number times P.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.sparse import csr_array
from scipy.special import ndtri

from optimizer.base.text.messages import message
from optimizer.problem.network.geodesy import METRES_PER_DEGREE
from optimizer.records.model import Seizures, in_time, unit_of_seizures
from optimizer.risk.evidence import Evidence, WrittenPlaces

if TYPE_CHECKING:
    from optimizer.problem.network.network import Network

Floats = NDArray[np.float64]

DISTANCES_M = (30.0, 100.0, 300.0, 1000.0)
"""Errors of places that are tried together."""
POINTS = 5
"""Points by which a segment is represented."""
MOST_CELLS = 3000
"""Cells along each side of the raster on which effort is spread, at most."""
START_WEIGHT, MOST_ROUNDS = 0.9, 300
"""Weight that the effort as recorded begins with, and rounds of the search: where
errors of places change nothing, none are claimed.
"""
KEPT_RASTERS, KEPT_SPREADS = 12, 6
"""Rasters that are kept, and efforts spread on each."""
LEAST_STRAY = 5
"""Seizures of a unit without effort from which on they are not left out."""
FEW_SEIZURES, WEAK_STRAY_SHARE = 150, 0.4
"""Seizures of a unit below which, and share of them without effort from which on, a
risk map is weak (results/risk/model.md).
"""


@dataclass(frozen=True, slots=True)
class LocationError:
    """Where the seizures of a unit of effort are to be expected if every segment is
    alike.
    """

    #: (m,) chance that a seizure is recorded on each segment; sums to 1.
    chance: Floats
    #: Share of the seizures that effort made, wherever they were written down, in [0,
    #: 1]; the others are from tips.
    by_effort: float
    #: Share that is not where its effort is recorded to be, in [0, 1].
    misplaced: float
    #: (parts,) weights of the mixture; sum to 1.
    weight: Floats


def estimate_location_error(count: Floats, effort: Floats, network: Network) -> LocationError:
    """Return where the seizures of a unit are to be expected.

    Parameters
    ----------
    count, effort
        (m,) all its seizures, and its effort, > 0 somewhere.
    network
        The roads, m segments.
    """
    chance = mixture_parts(effort, network)
    seen = np.flatnonzero(count)
    others = len(chance) - 1
    weight = np.array([START_WEIGHT, *[(1 - START_WEIGHT) / others] * others])
    for _ in range(MOST_ROUNDS):
        # EM for the weights alone: each seizure is shared by how likely each part makes
        # its place. The likelihood is concave in them.
        each = weight[:, None] * chance[:, seen]
        weight = (each / each.sum(axis=0)) @ count[seen] / count[seen].sum()
    return LocationError(
        np.asarray(weight @ chance), float(1 - weight[-1]), float(1 - weight[0]), weight
    )


def mixture_parts(effort: Floats, network: Network) -> Floats:
    """Return (parts, m) chances: of searches as recorded by (m,) effort, of the same
    spread by each distance, and of tips by length of road.
    """
    length = network.length_m[network.segment_arc]
    parts = [effort, *(spread(network, effort, distance) for distance in DISTANCES_M), length]
    return np.array([part / part.sum() for part in parts])


def learnt_errors(evidence: Evidence, network: Network) -> tuple[LocationError | None, ...]:
    """Return for each unit of effort the errors of places that `fit_location_error`
    found; None where it left the unit as it was.
    """
    shares, written = evidence.misplaced, evidence.written
    if shares is None or written is None:
        return (None,) * len(evidence.units)
    return tuple(
        (
            estimate_location_error(written.count[unit], written.expected[unit], network)
            if share > 0
            else None
        )
        for unit, share in enumerate(shares)
    )


def spread(network: Network, effort: Floats, distance_m: float) -> Floats:
    """Return where (m,) effort comes to lie, (m,), when its places are wrong by
    `distance_m` along each axis and moved to the nearest road.
    """
    raster = _raster(network, distance_m)
    key = np.ascontiguousarray(effort).tobytes()
    known = raster.spreads.get(key)
    if known is None:
        known = raster.spreads[key] = raster.spread(effort)
        while len(raster.spreads) > KEPT_SPREADS:
            raster.spreads.popitem(last=False)
    return known


@dataclass(frozen=True, eq=False)
class _Raster:
    """Cells on which effort is spread by one distance, and the last efforts spread:
    every model of a record asks for the same.
    """

    #: The roads, m segments; kept, so that their id stays their own.
    network: Network
    #: (2, m POINTS) cell of each point of each segment.
    at: NDArray[np.int64]
    #: The distance, in cells.
    reach: float
    #: (m POINTS,) length of road around each point.
    roads: Floats
    #: Bytes of effort -> (m,) where it comes to lie.
    spreads: OrderedDict[bytes, Floats]

    @classmethod
    def of(cls, network: Network, distance_m: float) -> _Raster:
        """Return the cells of a network."""
        length = network.length_m[network.segment_arc]
        lines = np.repeat(network.lines, POINTS)
        along = np.tile((np.arange(POINTS) + 0.5) / POINTS, length.size)
        lonlat = shapely.get_coordinates(
            shapely.line_interpolate_point(lines, along, normalized=True)
        )
        scale = METRES_PER_DEGREE * np.array([np.cos(np.radians(lonlat[:, 1].mean())), 1.0])
        xy = (lonlat - lonlat.min(axis=0)) * scale
        cell = max(distance_m / 2, float(xy.max()) / MOST_CELLS)
        at = (xy / cell).astype(np.int64).T
        roads = np.maximum(_smoothed(at, distance_m / cell, length), 1e-300)
        return cls(network, at, distance_m / cell, roads, OrderedDict())

    def spread(self, effort: Floats) -> Floats:
        """Return where (m,) effort comes to lie."""
        density = (
            (_smoothed(self.at, self.reach, effort) / self.roads).reshape(-1, POINTS).mean(axis=1)
        )
        moved = density * self.network.length_m[self.network.segment_arc]
        return np.asarray(moved * effort.sum() / moved.sum())


_RASTERS: OrderedDict[tuple[int, float], _Raster] = OrderedDict()


def _raster(network: Network, distance_m: float) -> _Raster:
    """Return the cells of a network, kept for the last few networks."""
    key = id(network), distance_m
    known = _RASTERS.get(key)
    if known is None:
        known = _RASTERS[key] = _Raster.of(network, distance_m)
        while len(_RASTERS) > KEPT_RASTERS:
            _RASTERS.popitem(last=False)
    return known


def _smoothed(at: NDArray[np.int64], reach: float, values: Floats) -> Floats:
    """Return (m POINTS,) what lies around each point of (m,) values, each spread evenly
    over the points of its segment.
    """
    raster = np.zeros(at.max(axis=1) + 1)
    np.add.at(raster, tuple(at), np.repeat(values / POINTS, POINTS))
    return np.asarray(gaussian_filter(raster, reach, mode="constant", truncate=3.0)[tuple(at)])


ALONG, OFFSETS = 5, 10
"""Points of a segment, and errors tried at each, by which chances to be written down
elsewhere are computed.
"""


def misplacement(network: Network, segments: NDArray[np.int64], error_m: float) -> csr_array:
    """Return the (m, m) chance that a seizure made on one of some segments (columns) is
    written down on each segment (rows).

    A place anywhere on the segment is wrong by a normal error along each axis, and what
    is wrong lies on the nearest segment. Errors are a lattice of low discrepancy (R.
    Korobov; generators of the plastic number), so that they are the same in every run.

    Parameters
    ----------
    network
        The roads, m segments.
    segments
        The columns that are computed; others are 0.
    error_m
        Standard deviation of the error, metres along each axis, > 0.
    """
    turn = np.arange(1, OFFSETS + 1)[:, None] * np.array([0.7548776662466927, 0.5698402909980532])
    metres = error_m * ndtri(np.clip(turn % 1, 1e-6, 1 - 1e-6))
    along = np.tile((np.arange(ALONG) + 0.5) / ALONG, segments.size)
    lines = np.repeat(network.lines[segments], ALONG)
    at = shapely.get_coordinates(shapely.line_interpolate_point(lines, along, normalized=True))
    lat = at[:, 1, None] + metres[:, 1] / METRES_PER_DEGREE
    lon = at[:, 0, None] + metres[:, 0] / (METRES_PER_DEGREE * np.cos(np.radians(at[:, 1, None])))
    nearest, _ = network.nearest_segments(lon.ravel(), lat.ravel())
    column = np.repeat(segments, ALONG * OFFSETS)
    chance = np.full(nearest.size, 1 / (ALONG * OFFSETS))
    return csr_array((chance, (nearest, column)), shape=(network.n_segments, network.n_segments))


def fit_location_error(
    evidence: Evidence, records: Seizures, network: Network, exact: Collection[str] = ()
) -> Evidence:
    """Return the evidence with the seizures of no recorded effort among it, and with
    what is expected of each segment to match.

    Units with fewer than `LEAST_STRAY` of them are left as they are, and so is
    everything where seizures are known by area alone.

    Parameters
    ----------
    evidence
        What the record says.
    records
        The seizures it was gathered from.
    network
        The roads.
    exact
        Units whose places are taken as right.
    """
    if evidence.area_counts or not evidence.exposure.recorded:
        return evidence
    strays = _strays(evidence, records)
    count, expected = evidence.unit_count.copy(), evidence.unit_expected.copy()
    alike = np.array([name in exact for name in evidence.units], dtype=bool)
    evidence = replace(evidence, written=WrittenPlaces(count + strays, expected.copy(), alike))
    rate, warnings = evidence.global_rate.copy(), list(evidence.warnings)
    misplaced = np.zeros(len(evidence.units))
    for unit, name in enumerate(evidence.units):
        stray = strays[unit]
        if name in exact or stray.sum() < LEAST_STRAY or not expected[unit].any():
            continue
        before = float(expected[unit].sum())
        count[unit] += stray
        where = estimate_location_error(count[unit], expected[unit], network)
        total = float(count[unit].sum())
        # What is expected takes the shape of where seizures are written down; the rate
        # stays what effort finds, without the tips.
        expected[unit] = total * where.chance
        rate[unit] *= total * where.by_effort / before
        misplaced[unit] = where.misplaced
        before_it = f"seizures lie where no effort in {name} is recorded"
        warnings = [one for one in warnings if before_it not in one]
        warnings.append(
            message(
                "{stray:g} of {total:g} seizures lie where no effort in {unit} is recorded. The"
                " risk model takes {misplaced:.0%} of all as written down elsewhere than their"
                " search, and {tips:.0%} as due to no search (tips); intervals are wider for it. If"
                " effort is missing from the record, add it.",
                stray=stray.sum(),
                total=total,
                unit=name,
                misplaced=where.misplaced - (1 - where.by_effort),
                tips=1 - where.by_effort,
            )
        )
        if _is_weak(total, float(stray.sum())):
            warnings.append(_weak(float(stray.sum()), total, name))
    if not misplaced.any():
        return evidence
    return replace(
        evidence,
        global_rate=rate,
        count=count.sum(axis=0),
        expected=expected.sum(axis=0),
        unit_count=count,
        unit_expected=expected,
        months=np.where(expected > 0, np.maximum(evidence.months, 1.0), evidence.months),
        misplaced=misplaced,
        warnings=tuple(warnings),
    )


def _strays(evidence: Evidence, records: Seizures) -> Floats:
    """Return the (units, m) seizures at segments without effort of their unit, of the
    time of its effort.
    """
    made_by = unit_of_seizures(records, evidence.exposure)
    kept = in_time(records, evidence.exposure, made_by) & (records.segment >= 0)
    found = np.zeros_like(evidence.unit_expected)
    np.add.at(found, (made_by[kept], records.segment[kept]), records.count[kept])
    return np.where(evidence.unit_expected > 0, 0.0, found)


def _is_weak(total: float, stray: float) -> bool:
    return total < FEW_SEIZURES and stray >= max(LEAST_STRAY, WEAK_STRAY_SHARE * total)


def _weak(stray: float, total: float, unit: str) -> str:
    return message(
        "{stray:g} of only {total:g} seizures lie where no effort in {unit} is recorded: the risk"
        " map is weak. In simulated records of fewer than {few} seizures, {share:.0%} or more of"
        " them such, the twentieth of roads that it ranks highest held .49 of what it could, and"
        " less than .3 in 5 of 14 (with fewer of them such .70, and 2 of 36). Add the missing"
        " effort, correct the places, or take a longer period; until then hold it against [risk]"
        ' model = "shrunk" by `risk backtest`, and place nothing because of a single road.',
        stray=stray,
        total=total,
        unit=unit,
        few=FEW_SEIZURES,
        share=WEAK_STRAY_SHARE,
    )


def weak_remarks(evidence: Evidence, records: Seizures) -> list[str]:
    """Return what to know, before any model is fitted, of units whose few seizures lie
    to a large part where no effort is recorded.
    """
    if evidence.area_counts or not evidence.exposure.recorded:
        return []
    stray = _strays(evidence, records).sum(axis=1)
    total = stray + evidence.unit_count.sum(axis=1)
    return [
        _weak(float(stray[unit]), float(total[unit]), name)
        for unit, name in enumerate(evidence.units)
        if evidence.unit_expected[unit].any() and _is_weak(float(total[unit]), float(stray[unit]))
    ]
