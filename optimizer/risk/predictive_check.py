"""A fit held against its own record: what it expects of the effort it was fitted to,
against what that effort found.

Found and expected are compared in all, by the sources of each unit of effort, by
quarter, and by the form of the place (a point or segment, or an area alone). The
p-value of a comparison is the two-sided mid-p-value of the count under the distribution
that the fitted rates predict: Poisson, or negative binomial with the shape that the fit
gave to a month's counts. It takes the rates as known, and so is too large rather than
too small: the counts were fitted to, and lie nearer to their expectation than new ones
would. A comparison fails if its p-value is below `FALSE_ALARM` over the number of
comparisons (Bonferroni), so that a record which the model describes fails anywhere with
a chance of at most `FALSE_ALARM`, whatever its size.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.base.text.messages import Message, message
from optimizer.records.model import (
    Effort,
    LocatedRecords,
    Seizures,
    has_effort,
    in_time,
    unit_of_seizures,
)
from optimizer.risk.chance import PredictiveCounts, p_values
from optimizer.risk.evidence import Evidence

if TYPE_CHECKING:
    from optimizer.problem.network.network import Network

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FALSE_ALARM = 1e-3
"""Chance at most that a record which the model describes fails in any comparison."""
NAMED_COMPARISONS = 4
"""Comparisons that a warning names."""


class Aspect(StrEnum):
    """What found and expected seizures are compared by."""

    ALL = "all"
    SOURCE = "source"
    QUARTER = "quarter"
    PLACE = "form of place"


@dataclass(frozen=True, slots=True)
class FoundAgainstExpected:
    """Found against expected in one part of the record."""

    #: `aspect`, `name`: Which part: in all, the sources of one unit of effort, a
    #: quarter, or one form of place.
    aspect: Aspect
    name: str
    #: `found`, `expected`: Seizures with effort behind them, and how many the fit
    #: expects of that effort; >= 0.
    found: float
    expected: float
    #: Two-sided mid-p-value, in [0, 1].
    p: float

    def __str__(self) -> str:
        """Return both numbers and where they were compared."""
        return str(self.said)

    @property
    def said(self) -> Message:
        """The same as a sentence that can be said in another language."""
        return message(
            "{found:g} found and {expected:.3g} expected {where}",
            found=self.found,
            expected=self.expected,
            where=self.name,
        )


@dataclass(frozen=True, slots=True)
class PredictiveCheck:
    """Every comparison of a fit with its own record."""

    comparisons: tuple[FoundAgainstExpected, ...]

    @property
    def failed(self) -> tuple[FoundAgainstExpected, ...]:
        """The comparisons that chance does not explain, the least likely first."""
        limit = FALSE_ALARM / max(len(self.comparisons), 1)
        return tuple(
            sorted((one for one in self.comparisons if one.p < limit), key=lambda one: one.p)
        )

    @property
    def contradictions(self) -> tuple[FoundAgainstExpected, ...]:
        """Those of the failed ones that are not about time: all times are added up, so
        that a fit need not follow what changes.
        """
        return tuple(one for one in self.failed if one.aspect is not Aspect.QUARTER)

    def warnings(self) -> tuple[str, ...]:
        """Return what a reader must know of the failed comparisons; nothing where there
        are none.
        """
        changed = [one for one in self.failed if one.aspect is Aspect.QUARTER]
        out: list[str] = []
        if self.contradictions:
            out.append(
                message(
                    "The risk model contradicts its own record: {comparisons}. Do not rely on its"
                    " rates.",
                    comparisons=_listed(self.contradictions),
                )
            )
        if changed:
            out.append(
                message(
                    "Seizures changed over time more than the effort explains: {comparisons}. The"
                    " risk model adds all times up: leave out old periods if they no longer hold.",
                    comparisons=_listed(changed),
                )
            )
        return tuple(out)


def _listed(comparisons: Sequence[FoundAgainstExpected]) -> list[Message]:
    rest = len(comparisons) - NAMED_COMPARISONS
    parts = [one.said for one in comparisons[:NAMED_COMPARISONS]]
    return [*parts, message("and {count} more", count=rest)] if rest > 0 else parts


@dataclass(frozen=True, eq=False)
class FittedRates:
    """What a fit says of its record."""

    #: (m,) expected risk index.
    index: Floats
    #: (units,) seizures that it expects behind the record, by unit of effort.
    expected: Floats
    #: Shape of a month's counts; infinity is Poisson.
    shape: float


def check_record(
    records: Seizures,
    comparable: Effort | None,
    network: Network,
    evidence: Evidence,
    fitted: FittedRates,
) -> PredictiveCheck:
    """Compare a fit with the record it was fitted to.

    Parameters
    ----------
    records, comparable
        The record; effort in amounts that compare, such as hours of an average month.
    network
        The roads.
    evidence
        What the record says.
    fitted
        What the fit says.
    """
    parts = _Parts.of(evidence, fitted)
    found = evidence.unit_count.sum(axis=1)
    in_areas = np.zeros(found.size)
    np.add.at(
        in_areas,
        [area.unit for area in evidence.area_counts],
        [area.count for area in evidence.area_counts],
    )
    comparisons = [
        _compared(
            Aspect.ALL, message("in all"), found.sum() + in_areas.sum(), parts, np.ones(found.size)
        )
    ]
    if found.size > 1:
        for unit in np.flatnonzero(fitted.expected > 0).tolist():
            name = _sources_of(records, evidence, unit)
            comparisons.append(
                _compared(
                    Aspect.SOURCE,
                    name,
                    found[unit] + in_areas[unit],
                    parts,
                    np.eye(found.size)[unit],
                )
            )
    if evidence.area_counts:
        comparisons.append(
            _compared(Aspect.PLACE, message("at points"), found.sum(), parts, parts.own_share)
        )
        comparisons.append(
            _compared(Aspect.PLACE, message("in areas"), in_areas.sum(), parts, 1 - parts.own_share)
        )
    if comparable is not None and len(comparable):
        comparisons += _by_quarter(records, comparable, network, evidence, parts, fitted.index)
    return PredictiveCheck(tuple(comparisons))


@dataclass(frozen=True, eq=False)
class _Parts:
    """(units,) expected seizures, their part behind points, and what a month's clumps
    add to the variance of a count, over their shape.
    """

    expected: Floats
    own_share: Floats
    clumping: Floats
    shape: float

    @classmethod
    def of(cls, evidence: Evidence, fitted: FittedRates) -> _Parts:
        own = evidence.unit_expected * fitted.index
        clumping = (own**2 / np.maximum(evidence.months, 1.0)).sum(axis=1)
        total = own.sum(axis=1)
        for area in evidence.area_counts:
            expected = float(area.expected @ fitted.index[area.segment])
            total[area.unit] += expected
            clumping[area.unit] += expected**2 / area.clumps
        used = np.where(total > 0, total, 1.0)
        return cls(
            fitted.expected,
            own.sum(axis=1) / used,
            clumping * (fitted.expected / used) ** 2,
            fitted.shape,
        )


def _compared(
    aspect: Aspect, name: str, found: float, parts: _Parts, share: Floats
) -> FoundAgainstExpected:
    """Compare what was found with a share of each unit's expected seizures."""
    expected = float(share @ parts.expected)
    if expected <= 0:
        return FoundAgainstExpected(aspect, name, float(found), 0.0, 0.0 if found > 0 else 1.0)
    clumping = float(share @ parts.clumping) / parts.shape
    shape = np.array([expected**2 / clumping if clumping > 0 else np.inf])
    counts = PredictiveCounts(np.log([expected]), np.zeros(1), shape)
    p = float(p_values(counts, np.array([float(found)])).two_sided[0])
    return FoundAgainstExpected(aspect, name, float(found), expected, p)


def _sources_of(records: Seizures, evidence: Evidence, unit: int) -> str:
    made_by = unit_of_seizures(records, evidence.exposure)
    names = [
        records.source_name[number]
        for number in np.unique(records.source[made_by == unit]).tolist()
    ]
    if not names:
        return message("in {unit}", unit=evidence.units[unit])
    return message("in {unit} ({sources})", unit=evidence.units[unit], sources=", ".join(names))


def _by_quarter(
    records: Seizures,
    comparable: Effort,
    network: Network,
    evidence: Evidence,
    parts: _Parts,
    index: Floats,
) -> Iterator[FoundAgainstExpected]:
    """Compare quarter by quarter, in units all of whose rows lie within one."""
    unit = np.array([evidence.units.index(name) for name in comparable.unit], dtype=np.int64)[
        comparable.source
    ]
    made_by = unit_of_seizures(records, evidence.exposure)
    counted = has_effort(records, made_by, evidence.exposure)
    if evidence.misplaced is not None:
        counted |= (evidence.misplaced > 0)[made_by]
    counted &= in_time(records, evidence.exposure, made_by)
    counted &= records.count > 0
    worked = comparable.amount > 0
    quarterly = np.ones(len(evidence.units), dtype=bool)
    quarterly[unit[worked & (_quarter(comparable.start) != _last_quarter(comparable))]] = False
    quarterly[made_by[counted & (_quarter(records.start) != _last_quarter(records))]] = False
    worked, counted = worked & quarterly[unit], counted & quarterly[made_by]
    quarter = np.unique(
        np.concatenate((_quarter(comparable.start)[worked], _quarter(records.start)[counted]))
    )
    if quarter.size < 2:
        return
    share = np.zeros((quarter.size, len(evidence.units)))
    weight = comparable.amount * _index_at(comparable, network, index)
    np.add.at(
        share,
        (np.searchsorted(quarter, _quarter(comparable.start)[worked]), unit[worked]),
        weight[worked],
    )
    share /= np.maximum(share.sum(axis=0), 1e-300)
    number = np.searchsorted(quarter, _quarter(records.start)[counted])
    found = np.bincount(number, records.count[counted], quarter.size)
    for at, first in enumerate(quarter.tolist()):
        name = message("in {quarter}", quarter=f"{1970 + first // 4}-Q{first % 4 + 1}")
        yield _compared(Aspect.QUARTER, name, float(found[at]), parts, share[at])


def _quarter(day: NDArray[np.datetime64]) -> Ints:
    """Return the (k,) quarters since 1970 began."""
    return np.asarray(day.astype("datetime64[M]").astype(np.int64) // 3)


def _last_quarter(rows: LocatedRecords) -> Ints:
    return _quarter(rows.end - np.timedelta64(1, "D"))


def _index_at(rows: LocatedRecords, network: Network, index: Floats) -> Floats:
    """Return the (k,) index where each row lies; over an area its mean by length, as
    effort is spread.
    """
    length = network.length_m[network.segment_arc]
    of_area = np.array(
        [
            np.average(index[own], weights=length[own]) if own.size else 0.0
            for own in rows.area_segment
        ]
        or [0.0]
    )
    return np.where(
        rows.segment >= 0, index[np.maximum(rows.segment, 0)], of_area[np.maximum(rows.area, 0)]
    )
