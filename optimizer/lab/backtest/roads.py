"""A scenario judged: records on roads, counted against effort, each period foretold from everything before it.

Rows lie in cells of about 500 m; an area whose effort or seizures have no point is one cell with all its roads, for of it only the sum is
known. Each cell is scored by the models' own `score`, given its own effort, against the global rates of the units before.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.special import gammaln

from optimizer.base.errors import InputError, Problem
from optimizer.base.listener import SILENT, step
from optimizer.lab.backtest.bootstrap import resamples
from optimizer.lab.backtest.calibration import recalibrate_counts, tenths
from optimizer.lab.backtest.heterogeneity import scatter_p
from optimizer.lab.backtest.hotspots import held_by_top
from optimizer.lab.backtest.judge import gain_of
from optimizer.lab.backtest.outcome import MNATS, Backtest, HotSpots, Judged, PeriodResult
from optimizer.lab.backtest.periods import Length, label_of, periods_of
from optimizer.lab.backtest.points import squares
from optimizer.lab.backtest.sums import sums
from optimizer.risk import CountsOverEffort, FieldFlow, RawCounts, ShrunkRate
from optimizer.risk.evidence import gather_evidence
from optimizer.risk.numerics.gamma import GammaModel
from optimizer.scenario.evidence import read_evidence

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from optimizer.base.listener import Listener
    from optimizer.problem.network import Network
    from optimizer.records import Effort, Seizures
    from optimizer.risk import RiskModel
    from optimizer.risk.evidence import Evidence
    from optimizer.scenario.evidence import ScenarioEvidence

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

BASELINES = {
    "field": FieldFlow,
    "shrunk": ShrunkRate,
    "counts-over-effort": CountsOverEffort,
    "raw-counts": RawCounts,
}


@dataclass(frozen=True)
class Told:
    """One period with what each model foretold of it.

    Attributes
    ----------
    result
        Its line of the table.
    cell, finds, more
        (c,) cells with effort in the period, their finds, and model -> (c,) log chance over that of the global rate.
    unseen
        (c,) whether nobody had searched in the cell before.
    segment, count, expected
        (s,) segments with effort, their finds (those of areas spread), and what the global rate expects.
    index
        Model -> (s,) predicted risk index.
    past_finds, past_expected
        (m,) of all segments before the period.
    left_out
        Seizures of the period without effort.
    """

    result: PeriodResult
    cell: Ints
    finds: Floats
    more: dict[str, Floats]
    unseen: NDArray[np.bool_]
    segment: Ints
    count: Floats
    expected: Floats
    index: dict[str, Floats]
    past_finds: Floats
    past_expected: Floats
    left_out: float


def backtest_scenario(
    path: Path,
    length: Length = Length.MONTH,
    *,
    seed: int = 0,
    listener: Listener = SILENT,
) -> Backtest:
    """Judge the risk model of a scenario on its own records; Ctrl-C keeps the periods done.

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
        If the scenario has no seizures or no effort, or nothing is left to foretell.
    """
    with step(listener, "reading the scenario"):
        known = read_evidence(path)
    records, effort = _both(known, path)
    starts, within = _test_periods(effort, length)
    if len(starts) < 1:
        raise InputError(
            Problem(
                f"{path}, records.effort",
                f"{int(within.sum())} of {len(effort)} rows that lie within one {length.value}, and nothing before or after them",
                f"effort in at least two {length.value}s",
                "Give effort by month, or by quarter with --period quarter: longer spans do not say when it was",
            )
        )
    cell = cells_of_rows(known.region.network, records, effort)
    told: list[Told] = []
    interrupted = False
    try:
        for start in starts:
            with step(listener, f"{path.name}: {label_of(start, length)}"):
                one = _tell(known, records, effort, start, length, within, cell)
            if one is not None:
                told.append(one)
    except KeyboardInterrupt:
        interrupted = True
    if not told and not interrupted:
        raise InputError(
            Problem(
                f"{path}, records",
                "no seizure with effort behind it in a period with something before it",
                "at least one",
                "Check units, times and places of seizures and effort",
            )
        )
    if not told:
        return Backtest(length.value, seed, [], [], interrupted)
    remarks = _remarks(records, effort, within, length, told)
    last = (path.absolute().parent.name, known.region.network, records, effort, told, cell, remarks, seed)
    try:
        with step(listener, "intervals and tests"):
            judged = _judge(*last)
    except KeyboardInterrupt:  # what was foretold is kept: its figures take a moment
        interrupted = True
        judged = _judge(*last)
    return Backtest(length.value, seed, [judged], [], interrupted)


def _both(known: ScenarioEvidence, path: Path) -> tuple[Seizures, Effort]:
    if known.records is None or known.effort is None or not len(known.effort) or not len(known.records):
        found = "no seizures" if known.records is None or not len(known.records) else "no search effort"
        raise InputError(
            Problem(
                f"{path}, records",
                found,
                "seizures and effort: a period is judged given its own effort",
                "Add [[records.seizures]] and [[records.effort]]",
            )
        )
    return known.records, known.effort


def _test_periods(effort: Effort, length: Length) -> tuple[list[np.datetime64], NDArray[np.bool_]]:
    """Return the first month of each test period, and which rows of effort lie within one period."""
    first = periods_of(effort.start.astype("datetime64[M]"), length)
    last = periods_of((effort.end - np.timedelta64(1, "D")).astype("datetime64[M]"), length)
    within = (first == last) & (effort.amount > 0)
    earliest = effort.end[effort.amount > 0].min() if (effort.amount > 0).any() else np.datetime64("NaT")
    return [start for start in np.unique(first[within]) if earliest <= start.astype("datetime64[D]")], within


def cells_of_rows(network: Network, records: Seizures, effort: Effort) -> Ints:
    """Return the (m,) cell of each segment: squares, those that share an area with rows of its own joined to one."""
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
    of_area = np.array([cell[members[0]] if members.size else -1 for members in rows.area_segment], dtype=np.int64)
    located = cell[np.maximum(rows.segment, 0)]
    return np.where(rows.segment >= 0, located, of_area[rows.area] if of_area.size else -1)


def _tell(
    known: ScenarioEvidence,
    records: Seizures,
    effort: Effort,
    start: np.datetime64,
    length: Length,
    within: NDArray[np.bool_],
    cell: Ints,
) -> Told | None:
    """Return what the models foretell of one period; None if it has no find with effort behind it, or nothing lies before it."""
    network = known.region.network
    begin = start.astype("datetime64[D]")
    after = (start + np.timedelta64(3 if length is Length.QUARTER else 1, "M")).astype("datetime64[D]")
    past = records.take(records.end <= begin), effort.take((effort.end <= begin) & (effort.amount > 0))
    before = gather_evidence(*past, network)
    models = _models(known)
    for model in models.values():
        model.fit(*past, network)
    fitted = np.isfinite(before.global_rate)
    units = np.array([before.units.index(name) for name in effort.unit])
    chosen = within & (effort.start >= begin) & (effort.end <= after) & fitted[units[effort.source]]
    later_effort = effort.take(chosen)
    inside = records.take((records.start >= begin) & (records.end <= after))
    # A cell's seizures need no effort of the very day: the period is judged as a whole.
    later_records = replace(inside, start=np.full(len(inside), begin), end=np.full(len(inside), after))
    if not len(later_effort):
        return None
    later = _evidence(later_records, later_effort, network, before)
    if not later.count.any():
        return None
    row_cell, effort_cell = _row_cell(later_records, cell), _row_cell(later_effort, cell)
    cells = np.unique(effort_cell[effort_cell >= 0])
    more = {name: np.zeros(cells.size) for name in models}
    finds = np.zeros(cells.size)
    for number, one in enumerate(cells.tolist()):
        own = later_records.take(row_cell == one), later_effort.take(effort_cell == one)
        evidence = _evidence(*own, network, before)
        finds[number] = evidence.count.sum()
        for name, model in models.items():
            chance = model.score(*own) * max(finds[number], 1.0)
            more[name][number] = chance - _reference(evidence, together=isinstance(model, GammaModel))
    segment = np.flatnonzero(later.expected > 0)
    total = float(finds.sum())
    searched = sums(cell, before.searched.astype(np.float64), int(cell.max()) + 1) > 0
    unseen = ~searched[cells]
    used = np.unique(units[later_effort.source])
    result = PeriodResult(
        label=label_of(start, length),
        learnt_from=float(before.count.sum()),
        searches=float(later.expected.sum()),
        finds=total,
        chance=float(before.global_rate[used[0]]) if used.size == 1 else None,
        unseen=float(later.expected[segment][~before.searched[segment]].sum() / later.expected.sum()),
        gain={name: MNATS * float(values.sum()) / max(total, 1e-300) for name, values in more.items()},
        note={},
    )
    return Told(
        result=result,
        cell=cells,
        finds=finds,
        more=more,
        unseen=unseen,
        segment=segment,
        count=later.count[segment],
        expected=later.expected[segment],
        index={name: np.maximum(model.predict().mean[segment], 1e-12) for name, model in models.items()},
        past_finds=before.count,
        past_expected=before.expected,
        left_out=float(inside.count.sum() - later.count.sum()),
    )


def _models(known: ScenarioEvidence) -> dict[str, RiskModel]:
    """Return the scenario's own model first, then the baselines."""
    own = str(known.scenario.risk.model)
    return {own: known.risk_model()} | {name: make() for name, make in BASELINES.items() if name != own}


def _evidence(records: Seizures, effort: Effort, network: Network, before: Evidence) -> Evidence:
    rate = np.where(np.isfinite(before.global_rate), before.global_rate, 1.0)
    return gather_evidence(records, effort, network, units=before.units, global_rate=rate)


def _reference(evidence: Evidence, *, together: bool) -> float:
    """Return the log chance of a record at the global rates; `together` adds units up segment by segment, as Gamma models do."""
    count = evidence.own_count if together else evidence.unit_count
    expected = evidence.own_expected if together else evidence.unit_expected
    seen = expected > 0
    areas = [(area.count, float(area.expected.sum())) for area in evidence.area_counts]
    y = np.concatenate((count[seen], [area[0] for area in areas]))
    e = np.concatenate((expected[seen], [area[1] for area in areas]))
    return float((y * np.log(e) - e - gammaln(y + 1)).sum())


def _judge(
    name: str,
    network: Network,
    records: Seizures,
    effort: Effort,
    told: Sequence[Told],
    cell: Ints,
    remarks: tuple[str, ...],
    seed: int,
) -> Judged:
    rng = np.random.default_rng([seed, 0])
    drawn_cells, number = np.unique(np.concatenate([one.cell for one in told]), return_inverse=True)
    number = number.ravel()
    drawn = resamples(drawn_cells.size, rng)
    finds = np.concatenate([one.finds for one in told])
    unseen = np.concatenate([one.unseen for one in told])
    segment = np.concatenate([one.segment for one in told])
    count, expected = (np.concatenate([getattr(one, what) for one in told]) for what in ("count", "expected"))
    period = np.repeat(np.arange(len(told)), [one.segment.size for one in told])
    at = np.searchsorted(drawn_cells, cell[segment])
    names = list(told[0].more)
    index = {model: np.concatenate([one.index[model] for one in told]) for model in names}
    everything = gather_evidence(records, effort, network)
    return Judged(
        name=name,
        outcome="find",
        searches=float(everything.expected.sum()),
        finds=float(everything.count.sum()),
        places=int(everything.searched.sum()),
        cells=int(np.unique(cell[everything.searched]).size),
        periods=[one.result for one in told],
        unseen=float(np.average([one.result.unseen for one in told], weights=[one.result.searches for one in told])),
        gain={
            model: gain_of(np.concatenate([one.more[model] for one in told]), finds, number, drawn, unseen)
            for model in names
        },
        calibration={model: recalibrate_counts(values, count, expected, at, drawn) for model, values in index.items()},
        tenths=tenths(index[names[0]], count, expected),
        heterogeneity={
            "cells": scatter_p(at, period, count, expected, rng),
            "places": scatter_p(np.unique(segment, return_inverse=True)[1].ravel(), period, count, expected, rng),
        },
        hot_spots=_hot_spots(told, cell),
        remarks=remarks,
    )


def _hot_spots(told: Sequence[Told], cell: Ints) -> HotSpots | None:
    by_finds = by_searches = total = 0.0
    size = int(cell.max()) + 1
    for one in told:
        finds, searches = sums(cell, one.past_finds, size), sums(cell, one.past_expected, size)
        later = sums(cell[one.segment], one.count, size)
        seen = searches > 0
        by_finds += held_by_top(finds[seen], later[seen])
        by_searches += held_by_top(searches[seen], later[seen])
        total += float(later.sum())
    return HotSpots(by_finds / total, by_searches / total) if total > 0 else None


def _remarks(
    records: Seizures, effort: Effort, within: NDArray[np.bool_], length: Length, told: Sequence[Told]
) -> tuple[str, ...]:
    remarks = []
    if (records.area >= 0).any() or (effort.area >= 0).any():
        remarks.append(
            "Areas are scored as sums: what is known of seizures or effort by area alone says nothing of which of its roads it was. "
            "An area, with those that overlap it, is one cell."
        )
    straddling = int((~within & (effort.amount > 0)).sum())
    if straddling:
        remarks.append(
            f"{straddling} rows of effort reach over the end of a {length.value}: they are learnt from once they are past, and never judged."
        )
    remarks.append(
        "Searches are the finds that the effort makes at the global rate before. The gain where nobody had searched is that of whole cells."
    )
    left_out = sum(one.left_out for one in told)
    if left_out:
        remarks.append(f"{left_out:g} later seizures have no effort behind them in their period and are left out.")
    return tuple(remarks)
