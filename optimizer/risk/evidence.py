"""Seizures against what the search effort would have found if every segment were alike.

Efforts in different units cannot be added, so each unit u gets its own global rate g_u
= seizures / effort, and effort becomes *expected seizures* e = g_u E, which can.
Observed over expected is the risk index: 1 is a segment where a unit of effort finds
what it finds on the whole (in epidemiology the standardised ratio).

`cells_of` gives the evidence as the likelihood takes it: one cell for each segment and
unit of effort.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from optimizer.base.errors import ProblemList
from optimizer.base.text.messages import message
from optimizer.records.model import (
    ROAD_UNIT,
    Effort,
    Exposure,
    Seizures,
    in_time,
    spread_effort,
    unit_of_seizures,
)
from optimizer.risk.numerics.likelihood import AreaCount, Cells

if TYPE_CHECKING:
    from optimizer.problem.network.network import Network

LEAST_SEIZURES = 0.5
"""Seizures that stand for none in the global rate: the mean of a Poisson's rate under
Jeffreys's prior once nothing was found.
"""


@dataclass(frozen=True, eq=False)
class WrittenPlaces:
    """A record as it was written down, before any error of its places is allowed for."""

    #: `count`, `expected`: (units, m) seizures of each unit, those where no effort is
    #: recorded among them, and expected seizures of the effort as recorded.
    count: NDArray[np.float64]
    expected: NDArray[np.float64]
    #: (units,) whether places of the unit are taken as right.
    exact: NDArray[np.bool_]


@dataclass(frozen=True)
class Evidence:
    """What the records say, by segment (m of them)."""

    #: Units of effort.
    units: tuple[str, ...]
    #: (len(units),) seizures per unit of effort over everything that was searched.
    global_rate: NDArray[np.float64]
    #: `count`, `expected`: (m,) seizures and expected seizures, those of areas spread
    #: over their segments.
    count: NDArray[np.float64]
    expected: NDArray[np.float64]
    #: `unit_count`, `unit_expected`: (len(units), m) the part that is known to be the
    #: segment's own, by unit.
    unit_count: NDArray[np.float64]
    unit_expected: NDArray[np.float64]
    #: (len(units), m) over how many months the effort of each segment went, >= 1 where
    #: there is any (an effective number).
    months: NDArray[np.float64]
    #: Seizures of which only the area is known, and the effort behind them, area by
    #: area; with the segments' own they make up the whole.
    area_counts: tuple[AreaCount, ...]
    #: (m,) whether effort is recorded there, on the segment or in an area around it.
    searched: NDArray[np.bool_]
    #: What a reader of the rates must know.
    warnings: tuple[str, ...]
    #: The effort by unit and segment that the seizures were set against, as recorded.
    exposure: Exposure
    #: (len(units),) share of each unit's seizures that are taken as not made by the
    #: effort recorded where they lie (`optimizer.risk.location_error`); None where all
    #: are.
    misplaced: NDArray[np.float64] | None = None
    #: The record as it was written down; None where some of it is known by area alone,
    #: or no effort is recorded.
    written: WrittenPlaces | None = None

    @property
    def own_count(self) -> NDArray[np.float64]:
        """(m,) seizures that are known to be the segment's own."""
        return np.asarray(self.unit_count.sum(axis=0))

    @property
    def own_expected(self) -> NDArray[np.float64]:
        """(m,) expected seizures behind them."""
        return np.asarray(self.unit_expected.sum(axis=0))

    @property
    def faulty(self) -> bool:
        """Whether seizures lie where no effort of their unit is recorded: what else is
        wrong in such a record, nobody knows.
        """
        if self.written is None or not self.own_expected.any():
            return False
        inexact = ~self.written.exact
        return bool(self.written.count[inexact][self.written.expected[inexact] <= 0].any())

    def expected_by_unit(self) -> NDArray[np.float64]:
        """Return the (len(units), m) expected seizures, those behind counts by area among them."""
        expected = self.unit_expected.copy()
        for area in self.area_counts:
            expected[area.unit, area.segment] += area.expected
        return expected


@runtime_checkable
class KeepsEvidence(Protocol):
    """A fitted risk model that keeps the evidence it was fitted to."""

    evidence_: Evidence


def gather_evidence(
    records: Seizures,
    effort: Effort | None,
    network: Network,
    *,
    units: tuple[str, ...] | None = None,
    global_rate: NDArray[np.float64] | None = None,
    comparable: Effort | None = None,
    exposure: Exposure | None = None,
) -> Evidence:
    """Set seizures against effort.

    - An area's effort is spread over its segments by length.
    - An area's seizures are spread over its segments by the effort of their unit there,
      as if all were equally risky. They stay a pool: they tell the mean of the area,
      not which of its roads it was.
    - Where an area has both seizures with a point (N of them) and seizures without (Y),
      each segment's expected seizures are divided in that proportion: N / (N + Y) stand
      behind its own count.
    - Seizures where their unit has no effort, or from a time before or after all its
      effort, are reported and left out: no effort is known for them.
    - With no effort at all each kilometre of road counts as one unit of it.

    Parameters
    ----------
    records, effort
        Seizures and search effort; effort None or empty means none is known.
    network
        The roads they lie on.
    units, global_rate
        Units and rates of an earlier record, to measure this one against; by default
        this record's own.
    comparable
        The effort in amounts that compare, such as hours of an average month: expected
        seizures are made of them, while `exposure` keeps the effort as recorded. By
        default the two are the same.
    exposure
        `effort` spread over the segments, where that was done before.

    Raises
    ------
    InputError
        If a source's seizures cannot be assigned to one unit of effort.
    """
    if exposure is None:
        exposure = spread_effort(effort, network, units)
    weighed = exposure if comparable is None else spread_effort(comparable, network, exposure.units)
    unit = unit_of_seizures(records, exposure)
    timely = in_time(records, exposure, unit)
    rate = np.full(len(exposure.units), np.nan)
    parts: list[_UnitEvidence] = []
    warnings = [*records.warnings, *(effort.warnings if effort is not None else ())]
    for number, name in enumerate(exposure.units):
        amount = weighed.amount[number]
        seized = _seizures_of_unit(records.take((unit == number) & timely), amount)
        warnings += _left_out(records.count[(unit == number) & ~timely].sum(), seized, name)
        if amount.any():
            rate[number] = (
                max(seized.total, LEAST_SEIZURES) / amount.sum()
                if global_rate is None
                else global_rate[number]
            )
            parts.append(
                _evidence_of_unit(seized, rate[number] * amount, weighed.months[number], number)
            )
    return _join(parts, exposure, weighed.months, rate, warnings)


def later_evidence(
    known: Evidence,
    records: Seizures,
    effort: Effort | None,
    network: Network,
    comparable: Effort | None = None,
) -> Evidence:
    """Set a later record against its own effort at the global rates of an earlier one;
    `comparable` as in `gather_evidence`.

    A unit without effort in the earlier record has a rate of 1. Where there was no
    effort at all, the later record's own rate is used, so that only its places are
    judged.

    Raises
    ------
    InputError
        If the later record has effort in a unit that the earlier one does not name.
    """
    rate = (
        None
        if known.units == (ROAD_UNIT,)
        else np.where(np.isnan(known.global_rate), 1.0, known.global_rate)
    )
    return gather_evidence(
        records, effort, network, units=known.units, global_rate=rate, comparable=comparable
    )


@dataclass(frozen=True)
class _UnitSeizures:
    """Seizures of one unit: (m,) with a segment, by area without, and those without effort."""

    located: NDArray[np.float64]
    by_area: dict[int, float]
    members: tuple[NDArray[np.int64], ...]
    without_effort: float

    @property
    def total(self) -> float:
        return float(self.located.sum() + sum(self.by_area.values()))


@dataclass(frozen=True)
class _UnitEvidence:
    """Evidence of one unit; fields as in `Evidence`."""

    unit: int
    count: NDArray[np.float64]
    expected: NDArray[np.float64]
    own_count: NDArray[np.float64]
    own_expected: NDArray[np.float64]
    area_counts: list[AreaCount]


def _seizures_of_unit(records: Seizures, amount: NDArray[np.float64]) -> _UnitSeizures:
    at = records.segment >= 0
    located = np.zeros(amount.size)
    np.add.at(located, records.segment[at], records.count[at])
    in_area = np.bincount(records.area[~at], records.count[~at], minlength=len(records.area_name))
    by_area: dict[int, float] = {}
    without = located[amount <= 0].sum()
    for area in np.flatnonzero(in_area).tolist():
        members = records.area_segment[area][amount[records.area_segment[area]] > 0]
        if members.size == 1:  # there is only one place where it can have been
            located[members] += in_area[area]
        elif members.size:
            by_area[area] = float(in_area[area])
        else:
            without += in_area[area]
    return _UnitSeizures(
        np.where(amount > 0, located, 0.0), by_area, records.area_segment, float(without)
    )


def _evidence_of_unit(
    seized: _UnitSeizures, expected: NDArray[np.float64], months: NDArray[np.float64], unit: int
) -> _UnitEvidence:
    """Divide expected seizures between what is the segment's own and what is known by
    area alone.
    """
    size = expected.size
    own_share = np.ones(size)
    spread = np.zeros(size)
    shares: list[tuple[NDArray[np.int64], NDArray[np.float64]]] = []
    for area, count in seized.by_area.items():
        members = seized.members[area][expected[seized.members[area]] > 0]
        known = seized.located[members].sum()
        own_share[members] = np.minimum(own_share[members], known / (known + count))
        share = count * expected[members] / expected[members].sum()
        spread[members] += share
        shares.append((members, share))
    pooled = (1 - own_share) * expected
    area_counts = [
        AreaCount(
            members,
            pooled[members] * share / spread[members],
            unit,
            share,
            float(months[members].max()),
        )
        for members, share in shares
    ]
    return _UnitEvidence(
        unit, seized.located + spread, expected, seized.located, own_share * expected, area_counts
    )


def _join(
    parts: Sequence[_UnitEvidence],
    exposure: Exposure,
    months: NDArray[np.float64],
    rate: NDArray[np.float64],
    warnings: list[str],
) -> Evidence:
    nothing = np.zeros(exposure.amount.shape[1])
    own_count, own_expected = np.zeros_like(exposure.amount), np.zeros_like(exposure.amount)
    for part in parts:
        own_count[part.unit], own_expected[part.unit] = part.own_count, part.own_expected
    return Evidence(
        units=exposure.units,
        global_rate=rate,
        count=sum((part.count for part in parts), nothing),
        expected=sum((part.expected for part in parts), nothing),
        unit_count=own_count,
        unit_expected=own_expected,
        months=months,
        area_counts=tuple(area for part in parts for area in part.area_counts),
        searched=np.asarray(exposure.amount.any(axis=0) & exposure.recorded),
        warnings=(*warnings, *_remarks(parts, exposure)),
        exposure=exposure,
    )


def _left_out(untimely: float, seized: _UnitSeizures, unit: str) -> list[str]:
    remarks: list[str] = []
    if seized.without_effort:
        remarks.append(
            message(
                "{count:g} seizures lie where no effort in {unit} is recorded. They are counted"
                " here and left out of the rate: nothing says how hard anybody looked.",
                count=seized.without_effort,
                unit=unit,
            )
        )
    if untimely:
        remarks.append(
            message(
                "{count:g} seizures come from before or after all effort in {unit}. They are"
                " counted here and left out of the rate.",
                count=untimely,
                unit=unit,
            )
        )
    return remarks


def _remarks(parts: Sequence[_UnitEvidence], exposure: Exposure) -> list[str]:
    remarks: list[str] = []
    if not exposure.recorded:
        remarks.append(
            message(
                "No search effort was given. The rate is then seizures per kilometre of road: it"
                " measures where people searched as much as where drugs pass."
            )
        )
    elif len(parts) > 1:
        remarks.append(
            message(
                "Effort comes in several units. The index compares places searched in the same"
                " unit; that places searched in one unit are on the whole as risky as those"
                " searched in another is an assumption, not a finding."
            )
        )
    if not any(part.count.any() for part in parts):
        remarks.append(
            message(
                "No seizure has effort behind it. The index says how little was found for the"
                " effort, and nothing of where."
            )
        )
    return remarks


POWER_MISPLACED = 0.5
"""Power of the likelihood of a unit all of whose seizures are misplaced (results/risk/model.md)."""


def cells_of(evidence: Evidence, yes_no: Collection[str] = ()) -> Cells:
    """Return the cells with expected seizures above zero.

    Parameters
    ----------
    evidence
        What the records say.
    yes_no
        Units of which each is one search that ends in yes or no.

    Raises
    ------
    InputError
        If a segment has more seizures than searches, or seizures of such searches are
        known by area alone.
    """
    unit, segment = np.nonzero(evidence.unit_expected > 0)
    expected = evidence.unit_expected[unit, segment]
    binary = np.array([name in yes_no for name in evidence.units], dtype=bool)[unit]
    count = evidence.unit_count[unit, segment]
    searches = np.where(binary, evidence.exposure.amount[unit, segment], np.nan)
    _complain(evidence, yes_no, int((count > searches * (1 + 1e-9)).sum()))
    return Cells(
        segment, unit, count, expected, np.maximum(evidence.months[unit, segment], 1.0), searches
    )


def tempered(cells: Cells, misplaced: NDArray[np.float64] | None) -> Cells:
    """Return cells whose log likelihood counts for less as far as seizures of their
    unit are taken as misplaced.

    A likelihood that is known to be wrong in part is raised to a power below 1; for a
    Poisson count that is count and expectation multiplied by it (general Bayesian
    updating: Bissiri, Holmes and Walker 2016, J. R. Statist. Soc. B 78(5)). Half of few
    counts may no longer tell places apart at all: then the model takes them as counted.

    Parameters
    ----------
    cells
        As counted.
    misplaced
        (units,) share of the seizures of each unit that are taken as misplaced, in [0,
        1]; None where there are none.
    """
    if misplaced is None or not misplaced.any():
        return cells
    power = (1 - (1 - POWER_MISPLACED) * misplaced)[cells.unit]
    return replace(cells, count=power * cells.count, expected=power * cells.expected)


def _complain(evidence: Evidence, yes_no: Collection[str], too_many: int) -> None:
    problems = ProblemList()
    if too_many:
        problems.add(
            "searches that end in yes or no",
            f"{too_many} segments with more seizures than searches",
            "at most one seizure a search",
            "Count each seizure with its search, or do not name the unit in yes_no",
        )
    if any(evidence.units[area.unit] in yes_no for area in evidence.area_counts):
        problems.add(
            "searches that end in yes or no",
            "seizures of which only the area is known, where the area's searches have points",
            "the place of each search and its outcome",
            "Give outcomes the same place as searches, or do not name the unit in yes_no",
        )
    problems.raise_if_any()
