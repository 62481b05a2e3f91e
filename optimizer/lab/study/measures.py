"""One cell of the study: a simulated record, every estimator fitted to it, and each compared with the truth.

rel5      what passes on the 5 % of road length that the median ranks highest, over that of the true ranking; ties are broken by lot
coverage  share of active segments (more than a tenth of the mean rate) whose true index, of an average search, lies inside the interval
log score chance of six later months given their own effort (seizures from tips left out), beside that of the truth and of the record's global
          rates; and of six months searched evenly, the uniform audit. What is judged is written down without errors, the record need not be.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import poisson

from optimizer.lab.study.cells import Stream
from optimizer.lab.study.estimators import ESTIMATORS
from optimizer.risk import History, as_records, captured, make_history
from optimizer.risk.simulation import AS_IT_WAS, Clerk, rate_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from optimizer.lab.study.cells import Cell
    from optimizer.lab.study.roads import StudyRoads
    from optimizer.records import Effort, Seizures
    from optimizer.risk import RiskModel, World

    Floats = NDArray[np.float64]

MONTHS, LATER = 24, 6
LEVELS = (0.5, 0.8, 0.9, 0.95)
"""Probabilities of the intervals that are judged."""
ACTIVE = 0.1


@dataclass(frozen=True)
class Trial:
    """A truth, the record an estimator sees, and what it is judged by.

    Attributes
    ----------
    world, per_search
        The truth, and the seizures a search makes where it is 1.
    past, later, audit
        The time of the record; the months after it without tips; as many months searched evenly.
    record
        What was written down of the past.
    lot
        (m,) random numbers that break ties.
    """

    world: World
    per_search: float
    past: History
    record: tuple[Seizures, Effort]
    later: History
    audit: History
    lot: Floats


def make_trial(cell: Cell, world: World) -> Trial:
    """Search the truth of a cell."""
    effort: Any = cell.design.search if cell.is_family else cell.effort
    rng = cell.stream(Stream.HISTORY)
    per_search = rate_for(world, effort, cell.seizures, MONTHS, rng)
    whole = make_history(world, effort, cell.seizures, MONTHS + LATER, rng, per_search)
    audit = make_history(world, "uniform", cell.seizures, LATER, cell.stream(Stream.AUDIT), per_search)
    lot = cell.stream(Stream.TIES).random(world.rate.size)
    past = whole.months(slice(None, MONTHS))
    faults = cell.design.record if cell.is_family else AS_IT_WAS
    record = as_records(past, Clerk(faults, world.network, cell.stream(Stream.CLERK)))
    return Trial(world, per_search, past, record, whole.months(slice(MONTHS, None)).without_tips(), audit, lot)


def measure(cell: Cell, roads: StudyRoads, world: World, estimators: Sequence[str]) -> list[dict[str, Any]]:
    """Return for each estimator what `MapRow` says of a cell."""
    trial = make_trial(cell, world)
    return [{"estimator": name, **_measured(trial, ESTIMATORS[name](roads.table), roads)} for name in estimators]


def _measured(trial: Trial, model: RiskModel, roads: StudyRoads) -> dict[str, Any]:
    records, effort = trial.record
    began = time.process_time()
    model.fit(records, effort, roads.network)
    estimate = model.predict()
    seconds = time.process_time() - began
    rate = float(estimate.global_rate[0])
    weights = getattr(model, "weights_", None)
    active, true_rate = trial.world.rate > ACTIVE, trial.world.found * trial.per_search
    return {
        "seconds": round(seconds, 4),
        "segments": trial.world.rate.size,
        "found": int(records.count.sum()),
        "searched": round(float(trial.past.effort.any(axis=0).mean()), 4),
        "rel5": round(captured(trial.world, ranks(estimate.median, trial.lot)), 6),
        "active": int(active.sum()),
        "coverage": coverage(model, true_rate / rate, active),
        "flow_weight": None if weights is None else round(float(weights[1:].sum()), 4),
        "later": int(trial.later.found.sum()),
        "audited": int(trial.audit.found.sum()),
        **scores("log", model, trial.later, true_rate),
        **scores("audit", model, trial.audit, true_rate),
    }


def ranks(median: Floats, lot: Floats) -> Floats:
    """Return (m,) numbers in the order of the medians, ties in the order of the lot."""
    place = np.empty(median.size)
    place[np.lexsort((lot, median))] = np.arange(median.size)
    return place


def coverage(model: RiskModel, index: Floats, active: NDArray[np.bool_]) -> list[float] | None:
    """Return the shares of active segments whose true (m,) index lies inside the intervals of LEVELS; None where none is active."""
    if not active.any():
        return None
    asked: Any = model  # every model of the study has its level as an attribute
    usual, shares = asked.level, []
    for level in LEVELS:
        asked.level = level
        estimate = model.predict()
        inside = (index >= estimate.low) & (index <= estimate.high)
        shares.append(round(float(inside[active].mean()), 6))
    asked.level = usual
    return shares


def scores(name: str, model: Any, history: History, truth: Floats) -> dict[str, float | None]:  # noqa: ANN401 - keeps evidence
    """Return the log chances a seizure of a later history: the model's, that of the (m,) true seizures a search, that of one rate a source."""
    found, weighed = history.found.sum(axis=0), history.weighed.sum(axis=0)
    total = found.sum()
    if not total > 0:
        return {f"{name}_model": None, f"{name}_truth": None, f"{name}_global": None}
    overall = np.nan_to_num(model.evidence_.global_rate)
    effort = history.effort.sum(axis=0) * overall[0]
    if history.second is not None:
        effort = effort + (overall[-1] - overall[0]) * history.second.effort.sum(axis=0)
    return {
        f"{name}_model": round(float(model.score(*as_records(history))), 6),
        f"{name}_truth": round(float(poisson.logpmf(found, weighed * truth).sum() / total), 6),
        f"{name}_global": round(float(poisson.logpmf(found, effort).sum() / total), 6),
    }
