"""Seizures and effort of a span of time, place by place, as the model of an earlier time expects them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from optimizer.records.areas import name_key
from optimizer.records.exposure import has_effort, in_time, spread_effort, unit_of_seizures
from optimizer.risk.evidence import gather_evidence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from optimizer.problem.network import Network
    from optimizer.records.model import Effort, Seizures
    from optimizer.risk.alerts.places import Place

    Floats: TypeAlias = NDArray[np.float64]
    Ints: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True)
class RateReference:
    """What an earlier time fixed: units of effort, and (units,) seizures per unit where the index is 1; NaN where it had no effort."""

    units: tuple[str, ...]
    global_rate: Floats


@dataclass(frozen=True)
class Tally:
    """Seizures of k places, and the c cells of effort behind them.

    Attributes
    ----------
    observed
        (k,) seizures that have effort behind them.
    place
        (c,) whose cell it is, in rising order.
    segment, unit
        (c,) where, and in which unit of effort.
    expected
        (c,) seizures that the effort would make at the global rate, > 0.
    clumps
        (c,) over how many months it went, >= 1.
    """

    observed: Floats
    place: Ints
    segment: Ints
    unit: Ints
    expected: Floats
    clumps: Floats


def tally(
    places: Sequence[Place], records: Seizures, effort: Effort, network: Network, reference: RateReference
) -> Tally:
    """Count seizures and expected seizures at each place.

    At a segment or a group of segments only seizures with a point count, against the effort behind such seizures (`gather_evidence`). An
    area's seizures are those that name it and those with a point inside, against the effort that names it or has a point inside: effort and
    seizures of another area that overlaps it stay out. On the whole network everything counts that has effort behind it.

    Parameters
    ----------
    places
        Where.
    records, effort
        Of the span alone; effort in hours of an average month.
    network
        The roads.
    reference
        Units and their rates. Effort in units without a rate is left out: nothing says what it finds.
    """
    effort = _with_a_rate(effort, reference)
    points = np.array([k for k, place in enumerate(places) if place.by_points], dtype=np.int64)
    parts = [(points, _located([places[k] for k in points.tolist()], records, effort, network, reference))]
    parts += [
        (np.array([k]), _around(place.segments, place.area, records, effort, network, reference))
        for k, place in enumerate(places)
        if not place.by_points
    ]
    return _joined(len(places), parts)


def _with_a_rate(effort: Effort, reference: RateReference) -> Effort:
    rated = np.isfinite(reference.global_rate)
    unit = np.array([reference.units.index(name) for name in effort.unit], dtype=np.int64)
    return effort.take(rated[unit[effort.source]])


def _located(
    places: Sequence[Place], records: Seizures, effort: Effort, network: Network, reference: RateReference
) -> Tally:
    rate = np.where(np.isnan(reference.global_rate), 1.0, reference.global_rate)
    found = gather_evidence(records, effort, network, units=reference.units, global_rate=rate)
    sizes = [place.segments.size for place in places]
    place = np.repeat(np.arange(len(places)), sizes)
    segment = np.concatenate([np.empty(0, dtype=np.int64), *(place.segments for place in places)])
    observed = np.bincount(place, found.own_count[segment], len(places)).astype(np.float64)
    cell, unit = np.nonzero(found.unit_expected[:, segment].T > 0)
    at = segment[cell]
    clumps = np.maximum(found.months[unit, at], 1.0)
    return Tally(observed, place[cell], at, unit, found.unit_expected[unit, at], clumps)


def _around(
    segments: Ints, area: str | None, records: Seizures, effort: Effort, network: Network, reference: RateReference
) -> Tally:
    """Return the tally of one area, or of everything where there is no name."""
    inside = np.zeros(network.n_segments, dtype=bool)
    inside[segments] = True
    effort = effort.take(_belongs(effort, inside, area))
    exposure = spread_effort(effort, network, reference.units)
    made_by = unit_of_seizures(records, exposure)
    counted = (
        _belongs(records, inside, area) & in_time(records, exposure, made_by) & has_effort(records, made_by, exposure)
    )
    unit, segment = np.nonzero(exposure.amount > 0)
    nowhere = np.zeros(segment.size, dtype=np.int64)
    expected = reference.global_rate[unit] * exposure.amount[unit, segment]
    clumps = np.maximum(exposure.months[unit, segment], 1.0)
    return Tally(np.array([records.count[counted].sum()]), nowhere, segment, unit, expected, clumps)


def _belongs(table: Seizures | Effort, inside: NDArray[np.bool_], area: str | None) -> NDArray[np.bool_]:
    if area is None:
        return np.ones(len(table), dtype=bool)
    named = np.array([name_key(name) == name_key(area) for name in (*table.area_name, "")]) & (area != "")
    return np.where(table.segment >= 0, inside[np.maximum(table.segment, 0)], named[table.area])


def without_effort(records: Seizures, effort: Effort, network: Network, units: tuple[str, ...]) -> NDArray[np.bool_]:
    """Return whether each row of seizures, with seizures in it, was made where or when no effort of its unit is recorded, (k,)."""
    exposure = spread_effort(effort, network, units)
    made_by = unit_of_seizures(records, exposure)
    backed = has_effort(records, made_by, exposure) & in_time(records, exposure, made_by)
    return np.asarray(~backed & (records.count > 0))


def _joined(size: int, parts: Sequence[tuple[Ints, Tally]]) -> Tally:
    observed = np.zeros(size)
    for number, part in parts:
        observed[number] = part.observed
    place = np.concatenate([number[part.place] for number, part in parts])
    order = np.argsort(place, kind="stable")
    columns = [
        np.concatenate([getattr(part, name) for _, part in parts])[order]
        for name in ("segment", "unit", "expected", "clumps")
    ]
    return Tally(observed, place[order], *columns)
