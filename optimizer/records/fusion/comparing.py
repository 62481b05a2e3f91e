"""Levels at which pairs of reports agree, theme by theme (`optimizer.records.fusion.themes`)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from optimizer.records.fusion.reports import NamedPlaces, km_between
from optimizer.records.fusion.themes import AMOUNT, DRUG, PLACE, TIME
from optimizer.records.fusion.words import unlikeness

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.records.fusion.candidates import Candidates
    from optimizer.records.fusion.reports import Reports
    from optimizer.records.fusion.themes import Theme

    Floats = NDArray[np.float64]
    Levels = NDArray[np.int64]

TOWN_KM, SECTOR_KM = 3.0, 15.0
"""How far from its place a name is used, up to which it is a town's, and from which on a sector's."""
LEAST_SPREAD_KM = 0.5
ALIKE = 0.45
"""Unlikeness up to which an unknown name is taken for a slip of a known one."""
FEWEST_AT_NAME, FEWEST_WEIGHED = 3, 8
"""Reports from which on the place of a name, and the weight of a parcel, are taken as known."""
SKEW_HOURS = 0.2
"""Difference of two clocks up to which they are taken as the same."""


@dataclass(frozen=True)
class Learnt:
    """What earlier pairs of two feeds taught about comparing them.

    Attributes
    ----------
    places
        Where names are.
    parcel_kg
        (drugs + 1,) logarithm of the kilograms of a parcel by drug, the last for an unknown drug; NaN where unknown.
    skew
        Hours by which the clocks of the other feed are ahead of the one's.
    skew_pairs
        Pairs it was learnt from.
    """

    places: NamedPlaces
    parcel_kg: Floats
    skew: float = 0.0
    skew_pairs: int = 0


def nothing_learnt(reports: Reports, places: NamedPlaces) -> Learnt:
    """Return what is known before any pair: the places of areas, and of names that stand beside points."""
    known = ~np.isnan(reports.lon) & (reports.name >= 0)
    at = np.flatnonzero(known)
    own = _placed(reports, reports.name[at], reports.lon[at], reports.lat[at], places)
    return Learnt(_slips(reports, own), np.full(len(reports.drugs) + 1, np.nan))


def learn(reports: Reports, pairs: Candidates, places: NamedPlaces) -> Learnt:
    """Learn from pairs that are one event almost surely: places of names, weights of parcels, the difference of clocks."""
    known = np.flatnonzero(~np.isnan(reports.lon) & (reports.name >= 0))
    name, lon, lat = [reports.name[known]], [reports.lon[known]], [reports.lat[known]]
    for named, pointed in ((pairs.one, pairs.other), (pairs.other, pairs.one)):
        use = (reports.name[named] >= 0) & np.isnan(reports.lon[named]) & ~np.isnan(reports.lon[pointed])
        name.append(reports.name[named[use]])
        lon.append(reports.lon[pointed[use]])
        lat.append(reports.lat[pointed[use]])
    own = _placed(reports, np.concatenate(name), np.concatenate(lon), np.concatenate(lat), places)
    apart = reports.hour[pairs.other] - reports.hour[pairs.one]
    apart = apart[np.isfinite(apart)]
    skew = float(np.median(apart)) if apart.size >= FEWEST_WEIGHED else 0.0
    return Learnt(
        _slips(reports, own),
        _parcel_kg(reports, pairs),
        skew if abs(skew) > SKEW_HOURS else 0.0,
        apart.size,
    )


def _placed(reports: Reports, name: Levels, lon: Floats, lat: Floats, places: NamedPlaces) -> NamedPlaces:
    """Return the median point of each name that enough points are known of, and 1.2 times the median distance from it."""
    size = len(reports.names)
    out = replace(places, lon=places.lon.copy(), lat=places.lat.copy(), spread=places.spread.copy())
    order = np.argsort(name, kind="stable")
    bounds = np.searchsorted(name[order], np.arange(size + 1))
    for at in np.flatnonzero((np.diff(bounds) >= FEWEST_AT_NAME) & np.isnan(places.lon)).tolist():
        own = order[bounds[at] : bounds[at + 1]]
        middle = np.median(lon[own]), np.median(lat[own])
        km = km_between(lon[own], lat[own], np.full(own.size, middle[0]), np.full(own.size, middle[1]))
        out.lon[at], out.lat[at] = middle
        out.spread[at] = max(1.2 * float(np.median(km)), LEAST_SPREAD_KM)
    return out


def _slips(reports: Reports, places: NamedPlaces) -> NamedPlaces:
    """Return places in which names that are unknown stand where the likest known name does, if that is like enough."""
    lost, found = np.flatnonzero(np.isnan(places.lon)), np.flatnonzero(~np.isnan(places.lon))
    if not lost.size or not found.size:
        return places
    unlike = unlikeness([reports.names[at] for at in lost], [reports.names[at] for at in found])
    best = unlike.argmin(axis=1)
    near = unlike[np.arange(lost.size), best] <= ALIKE
    lon, lat, spread = places.lon.copy(), places.lat.copy(), places.spread.copy()
    for to, of in ((lon, places.lon), (lat, places.lat), (spread, places.spread)):
        to[lost[near]] = of[found[best[near]]]
    return NamedPlaces(lon, lat, spread)


def _parcel_kg(reports: Reports, pairs: Candidates) -> Floats:
    kg = np.concatenate([reports.kg[pairs.one], reports.kg[pairs.other], reports.kg])
    parcels = np.concatenate([reports.parcels[pairs.other], reports.parcels[pairs.one], reports.parcels])
    drug = np.concatenate([reports.drug[pairs.one], reports.drug[pairs.other], reports.drug])
    ratio = np.log(kg / parcels)
    known = np.isfinite(ratio)
    out = np.full(len(reports.drugs) + 1, np.nan)
    if known.sum() >= FEWEST_WEIGHED:
        out[:] = np.median(ratio[known])
    for at in np.unique(drug[known & (drug >= 0)]).tolist():
        own = ratio[known & (drug == at)]
        if own.size >= FEWEST_WEIGHED:
            out[at] = np.median(own)
    return out


def pair_levels(reports: Reports, pairs: Candidates, learnt: Learnt) -> Levels:
    """Return the (themes, k) levels at which pairs agree."""
    return np.stack(
        [
            _time(reports, pairs, learnt.skew),
            _place(reports, pairs, learnt.places),
            _drug(reports, pairs),
            _amount(reports, pairs, learnt.parcel_kg),
        ]
    )


def _graded(level: Levels, theme: Theme, way: str, apart: Floats, where: NDArray[np.bool_]) -> None:
    """Set the levels of the pairs `where` a way applies, by how far they are apart, (k,)."""
    level[where] = theme.first[way] + np.searchsorted(np.array(theme.way(way).bounds), apart[where])


def _time(reports: Reports, pairs: Candidates, skew: float) -> Levels:
    level = np.zeros(pairs.size, dtype=np.int64)
    apart = np.abs(reports.hour[pairs.other] - reports.hour[pairs.one] - skew)
    both = np.isfinite(apart)
    _graded(level, TIME, "hours", apart, both)
    days = np.abs(np.floor(reports.day[pairs.one]) - np.floor(reports.day[pairs.other]))
    _graded(level, TIME, "days", days, ~both)
    return level


def _place(reports: Reports, pairs: Candidates, places: NamedPlaces) -> Levels:
    level = np.zeros(pairs.size, dtype=np.int64)
    pointed = ~np.isnan(reports.lon)
    named = ~pointed & (reports.name >= 0)
    lon, lat, spread = reports.lon.copy(), reports.lat.copy(), np.where(pointed, 0.0, np.nan)
    for to, of in ((lon, places.lon), (lat, places.lat), (spread, places.spread)):
        to[named] = of[reports.name[named]]
    one, other = pairs.one, pairs.other
    apart = km_between(lon[one], lat[one], lon[other], lat[other])
    located = np.isfinite(apart)
    points = pointed[one] & pointed[other]
    _graded(level, PLACE, "points", apart, points)
    wide = np.hypot(spread[one], spread[other])
    sector = np.nan_to_num(spread, nan=0.0) >= SECTOR_KM
    names = named[one] & named[other] & ((sector[one] == sector[other]) | ~located)
    if names.any():
        _graded(level, PLACE, "names", _apart_in_words(reports, pairs, names), names)
    rest = located & ~points & ~names
    scaled = apart / np.maximum(wide, LEAST_SPREAD_KM)
    _graded(level, PLACE, "point and a town", scaled, rest & (wide <= TOWN_KM))
    _graded(level, PLACE, "point and a district", scaled, rest & (wide > TOWN_KM) & (wide < SECTOR_KM))
    _graded(level, PLACE, "point and a sector", scaled, rest & (wide >= SECTOR_KM))
    segments = (level == 0) & (reports.segment[one] >= 0) & (reports.segment[other] >= 0)
    _graded(level, PLACE, "segments", (reports.segment[one] != reports.segment[other]).astype(float), segments)
    return level


def _apart_in_words(reports: Reports, pairs: Candidates, where: NDArray[np.bool_]) -> Floats:
    """Return (k,) unlikeness of the names of the pairs `where` both have one."""
    one, other = reports.name[pairs.one[where]], reports.name[pairs.other[where]]
    rows, columns = np.unique(one), np.unique(other)
    table = unlikeness([reports.names[at] for at in rows], [reports.names[at] for at in columns])
    out = np.zeros(pairs.size)
    out[where] = table[np.searchsorted(rows, one), np.searchsorted(columns, other)]
    return out


def _drug(reports: Reports, pairs: Candidates) -> Levels:
    level = np.zeros(pairs.size, dtype=np.int64)
    one, other = reports.drug[pairs.one], reports.drug[pairs.other]
    _graded(level, DRUG, "drug", (one != other).astype(float), (one >= 0) & (other >= 0))
    return level


def _amount(reports: Reports, pairs: Candidates, parcel_kg: Floats) -> Levels:
    level = np.zeros(pairs.size, dtype=np.int64)
    kg = np.log(reports.kg)
    parcels = np.log(reports.parcels)
    by_parcels = parcels + parcel_kg[np.where(reports.drug >= 0, reports.drug, parcel_kg.size - 1)]
    one, other = pairs.one, pairs.other
    weights = np.abs(kg[one] - kg[other])
    _graded(level, AMOUNT, "weights", weights, np.isfinite(weights))
    counted = np.abs(parcels[one] - parcels[other])
    _graded(level, AMOUNT, "parcels", counted, np.isfinite(counted) & (level == 0))
    mixed = np.abs(np.where(np.isfinite(kg[one]), kg[one] - by_parcels[other], by_parcels[one] - kg[other]))
    _graded(level, AMOUNT, "weight and parcels", mixed, np.isfinite(mixed) & (level == 0))
    return level
