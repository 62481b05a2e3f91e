"""The backtest of a scenario: records on roads, counted against effort, each period
forecast from everything before it.

Rows lie in cells of about 500 m; an area whose effort or seizures have no point is one
cell with all its roads, for of it only the sum is known. Each cell is scored by the
models' own `score`, given its own effort, against the global rates of the units before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.special import gammaln

from optimizer.base.choices import PeriodLength
from optimizer.base.errors import InputError, Problem
from optimizer.base.work.listener import SILENT, Listener, step
from optimizer.lab.backtest.engine import (
    MNATS,
    Backtest,
    PeriodForecast,
    PeriodResult,
    Subject,
    forecast_periods,
    judge,
    label_of,
    periods_of,
)
from optimizer.lab.backtest.searches import squares
from optimizer.lab.backtest.statistics import recalibrate_counts, scatter_p, sums
from optimizer.problem.network.network import Network
from optimizer.records import Effort, Seizures
from optimizer.risk import CountsOverEffort, FieldFlow, RawCounts, RiskModel, ShrunkRate
from optimizer.risk.estimate import GammaModel
from optimizer.risk.evidence import Evidence, gather_evidence, later_evidence
from optimizer.scenario.check.check import read_evidence
from optimizer.scenario.demand.stages import ScenarioEvidence

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BASELINES = {
    "field": FieldFlow,
    "shrunk": ShrunkRate,
    "counts-over-effort": CountsOverEffort,
    "raw-counts": RawCounts,
}


@dataclass(frozen=True)
class RoadPeriod:
    """A period of a scenario: its forecast, and the rows of the test of heterogeneity."""

    #: What the models forecast.
    forecast: PeriodForecast
    #: (s,) segments with effort, the places of the forecast.
    segment: Ints
    #: Seizures of the period without effort.
    left_out: float


def backtest_scenario(
    path: Path, length: PeriodLength = "month", *, seed: int = 0, listener: Listener = SILENT
) -> Backtest:
    """Judge the risk model of a scenario on its own records; Ctrl-C keeps the periods
    done.

    Parameters
    ----------
    path
        The TOML file.
    length
        Of a test period.
    seed
        Of resampling and shuffling.
    listener
        Told of each step.

    Raises
    ------
    InputError
        If the scenario has no seizures or no effort, or nothing is left to forecast.
    """
    with step(listener, "reading the scenario"):
        known = read_evidence(path)
    records, effort = _both(known, path)
    starts, within = _test_periods(effort, length)
    if len(starts) < 1:
        raise InputError(
            Problem(
                f"{path}, records.effort",
                f"{int(within.sum())} of {len(effort)} rows that lie within one {length}, and"
                " nothing before or after them",
                f"effort in at least two {length}s",
                "Give effort by month, or by quarter with --period quarter: longer spans do not say"
                " when it was",
            )
        )
    cell = cells_of_rows(known.region.network, records, effort)
    periods: dict[str, RoadPeriod] = {}

    def make(start: np.datetime64) -> PeriodForecast | None:
        one = _forecast(known, records, effort, start, length, within, cell)
        if one is None:
            return None
        periods[one.forecast.result.label] = one
        return one.forecast

    run = forecast_periods(
        ((f"{path.name}: {label_of(start, length)}", partial(make, start)) for start in starts),
        listener,
    )
    if not run.periods and not run.interrupted:
        raise InputError(
            Problem(
                f"{path}, records",
                "no seizure with effort behind it in a period with something before it",
                "at least one",
                "Check units, times and places of seizures and effort",
            )
        )
    if not run.periods:
        return Backtest(length, seed, [], [], run.interrupted)
    done = [periods[one.result.label] for one in run.periods]
    remarks = (*_remarks(records, effort, within, length, done), *run.remarks)
    everything = gather_evidence(records, effort, known.region.network)
    subject = Subject(
        name=path.absolute().parent.name,
        outcome="find",
        searches=float(everything.expected.sum()),
        finds=float(everything.count.sum()),
        places=int(everything.searched.sum()),
        cells=int(np.unique(cell[everything.searched]).size),
        unseen=float(
            np.average(
                [one.result.unseen for one in run.periods],
                weights=[one.result.searches for one in run.periods],
            )
        ),
        recalibrate=recalibrate_counts,
        heterogeneity=partial(_heterogeneity, done),
        remarks=remarks,
    )
    judged = judge(subject, run.periods, [seed, 0], listener, "intervals and tests")
    return Backtest(length, seed, [judged.judged], [], run.interrupted or judged.interrupted)


def _heterogeneity(periods: Sequence[RoadPeriod], rng: np.random.Generator) -> dict[str, float]:
    """Return p for cells and for places, finds thrown at random on the effort of each period."""
    period = np.repeat(np.arange(len(periods)), [one.segment.size for one in periods])
    cell = np.concatenate([one.forecast.place_cell for one in periods])
    segment = np.concatenate([one.segment for one in periods])
    count = np.concatenate([one.forecast.finds for one in periods])
    expected = np.concatenate([one.forecast.size for one in periods])
    cells = np.unique(np.concatenate([one.forecast.cell for one in periods]))
    return {
        "cells": scatter_p(np.searchsorted(cells, cell), period, count, expected, rng),
        "places": scatter_p(
            np.unique(segment, return_inverse=True)[1].ravel(), period, count, expected, rng
        ),
    }


def _both(known: ScenarioEvidence, path: Path) -> tuple[Seizures, Effort]:
    if (
        known.records is None
        or known.effort is None
        or not len(known.effort)
        or not len(known.records)
    ):
        found = (
            "no seizures" if known.records is None or not len(known.records) else "no search effort"
        )
        raise InputError(
            Problem(
                f"{path}, records",
                found,
                "seizures and effort: a period is judged given its own effort",
                "Add [[records.seizures]] and [[records.effort]]",
            )
        )
    return known.records, known.effort


def _test_periods(
    effort: Effort, length: PeriodLength
) -> tuple[list[np.datetime64], NDArray[np.bool_]]:
    """Return the first month of each test period, and which rows of effort lie within
    one period.
    """
    first = periods_of(effort.start.astype("datetime64[M]"), length)
    last = periods_of((effort.end - np.timedelta64(1, "D")).astype("datetime64[M]"), length)
    within = (first == last) & (effort.amount > 0)
    earliest = (
        effort.end[effort.amount > 0].min() if (effort.amount > 0).any() else np.datetime64("NaT")
    )
    return [
        start for start in np.unique(first[within]) if earliest <= start.astype("datetime64[D]")
    ], within


def cells_of_rows(network: Network, records: Seizures, effort: Effort) -> Ints:
    """Return the (m,) cell of each segment: squares, those that share an area with rows
    of its own joined to one.
    """
    middle = network.segment_midpoint
    square = squares(middle[:, 0], middle[:, 1])
    ties: list[Ints] = []
    for rows in (records, effort):
        for area in np.unique(rows.area[rows.area >= 0]).tolist():
            own = np.unique(square[rows.area_segment[area]])
            ties.append(np.column_stack((np.repeat(own[:1], own.size), own)))
    pair = np.concatenate(ties) if ties else np.empty((0, 2), dtype=np.int64)
    size = int(square.max()) + 1
    graph = coo_array((np.ones(len(pair)), (pair[:, 0], pair[:, 1])), shape=(size, size))
    return np.asarray(connected_components(graph, directed=False)[1][square], dtype=np.int64)


def _row_cell(rows: Seizures | Effort, cell: Ints) -> Ints:
    """Return the (k,) cell of each row; -1 for an area without a segment."""
    of_area = np.array(
        [cell[members[0]] if members.size else -1 for members in rows.area_segment], dtype=np.int64
    )
    located = cell[np.maximum(rows.segment, 0)]
    return np.where(rows.segment >= 0, located, of_area[rows.area] if of_area.size else -1)


def _forecast(
    known: ScenarioEvidence,
    records: Seizures,
    effort: Effort,
    start: np.datetime64,
    length: PeriodLength,
    within: NDArray[np.bool_],
    cell: Ints,
) -> RoadPeriod | None:
    """Return what the models forecast of one period; None if it has no find with effort
    behind it, or nothing lies before it.
    """
    network = known.region.network
    begin = start.astype("datetime64[D]")
    after = (start + np.timedelta64(3 if length == "quarter" else 1, "M")).astype("datetime64[D]")
    past = (
        records.take(records.end <= begin),
        effort.take((effort.end <= begin) & (effort.amount > 0)),
    )
    before = gather_evidence(*past, network)
    models = _models(known)
    for model in models.values():
        model.fit(*past, network)
    fitted = np.isfinite(before.global_rate)
    units = np.array([before.units.index(name) for name in effort.unit])
    # A unit that the past does not have has no rate to forecast from; its effort is
    # left out for every model alike.
    chosen = within & (effort.start >= begin) & (effort.end <= after) & fitted[units[effort.source]]
    later_effort = effort.take(chosen)
    inside = records.take((records.start >= begin) & (records.end <= after))
    # A cell's seizures need no effort of the very day: the period is judged as a whole.
    later_records = replace(
        inside, start=np.full(len(inside), begin), end=np.full(len(inside), after)
    )
    if not len(later_effort):
        return None
    later = later_evidence(before, later_records, later_effort, network)
    if not later.count.any():
        return None
    effort_cell = _row_cell(later_effort, cell)
    cells = np.unique(effort_cell[effort_cell >= 0])
    n_cells = int(cell.max()) + 1
    finds = sums(cell, later.count, n_cells)[cells]
    more = {}
    for name, model in models.items():
        over = model.log_chances(later_records, later_effort)
        # Gain over the global rate. Gamma models score a segment's counts together, the
        # field cell by cell; the reference does the same.
        over -= _reference(later, together=isinstance(model, GammaModel))
        more[name] = sums(cell, over, n_cells)[cells]
    segment = np.flatnonzero(later.expected > 0)
    total = float(finds.sum())
    searched = sums(cell, before.searched.astype(np.float64), n_cells) > 0
    unseen = ~searched[cells]
    used = np.unique(units[later_effort.source])
    result = PeriodResult(
        label=label_of(start, length),
        learnt_from=float(before.count.sum()),
        searches=float(later.expected.sum()),
        finds=total,
        chance=float(before.global_rate[used[0]]) if used.size == 1 else None,
        unseen=float(
            later.expected[segment][~before.searched[segment]].sum() / later.expected.sum()
        ),
        gain={
            name: MNATS * float(values.sum()) / max(total, 1e-300) for name, values in more.items()
        },
        note={},
    )
    forecast = PeriodForecast(
        result=result,
        cell=cells,
        weight=finds,
        gain=more,
        unseen=unseen,
        place_cell=cell[segment],
        finds=later.count[segment],
        size=later.expected[segment],
        predicted={
            name: np.maximum(_index_in(model, later_effort, later.expected)[segment], 1e-12)
            for name, model in models.items()
        },
        past_finds=sums(cell, before.count, n_cells),
        past_searches=sums(cell, before.expected, n_cells),
        later_finds=sums(cell[segment], later.count[segment], n_cells),
    )
    return RoadPeriod(forecast, segment, left_out=float(inside.count.sum() - later.count.sum()))


def _index_in(model: RiskModel, effort: Effort, expected: Floats) -> Floats:
    """Return the (m,) index that a model forecasts for the effort of a period: with its
    season and its rates, over those of the time before.
    """
    if not isinstance(model, FieldFlow):
        return model.predict().mean
    forecast = model.expected_seizures(effort)
    return np.divide(forecast, expected, out=np.zeros_like(forecast), where=expected > 0)


class JudgedModel(RiskModel, Protocol):
    """A risk model whose score of a later record can be told by place."""

    def log_chances(self, records: Seizures, effort: Effort | None) -> Floats:
        """Return the (m,) log chance by segment; of an area, at the first of its segments."""
        ...


def _models(known: ScenarioEvidence) -> dict[str, JudgedModel]:
    """Return the scenario's own model first, then the baselines."""
    own = str(known.scenario.risk.model)
    return {own: cast("JudgedModel", known.risk_model())} | {
        name: make() for name, make in BASELINES.items() if name != own
    }


def _reference(evidence: Evidence, *, together: bool) -> Floats:
    """Return the (m,) log chance of a record at the global rates; `together` adds units
    up segment by segment, as Gamma models do.

    What is known by area alone stands at the first of the area's segments, as in the
    models' own `log_chances`.
    """
    count = evidence.own_count[None] if together else evidence.unit_count
    expected = evidence.own_expected[None] if together else evidence.unit_expected
    out = np.where(
        expected > 0,
        count * np.log(np.where(expected > 0, expected, 1.0)) - expected - gammaln(count + 1),
        0.0,
    )
    by_place = np.asarray(out.sum(axis=0))
    for area in evidence.area_counts:
        total = float(area.expected.sum())
        by_place[area.segment[0]] += area.count * np.log(total) - total - gammaln(area.count + 1)
    return by_place


def _remarks(
    records: Seizures,
    effort: Effort,
    within: NDArray[np.bool_],
    length: PeriodLength,
    periods: Sequence[RoadPeriod],
) -> tuple[str, ...]:
    remarks = []
    if (records.area >= 0).any() or (effort.area >= 0).any():
        remarks.append(
            "Areas are scored as sums: what is known of seizures or effort by area alone says"
            " nothing of which of its roads it was. An area, with those that overlap it, is one"
            " cell."
        )
    straddling = int((~within & (effort.amount > 0)).sum())
    if straddling:
        remarks.append(
            f"{straddling} rows of effort reach over the end of a {length}: they are learnt from"
            " once they are past, and never judged."
        )
    remarks.append(
        "Searches are the finds that the effort makes at the global rate before. The gain where"
        " nobody had searched is that of whole cells."
    )
    left_out = sum(one.left_out for one in periods)
    if left_out:
        remarks.append(
            f"{left_out:g} later seizures have no effort behind them in their period and are left"
            " out."
        )
    return tuple(remarks)
