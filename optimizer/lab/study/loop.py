"""The closed loop: an estimate says where is searched, what is found there makes the next estimate.

A record of habit comes first. Each round the estimator is fitted to all that was found so far, and the searches of the round are placed by it:

proportional  in proportion to median and road length
top           evenly by length over the 5 % of roads that the median ranks highest
thompson      the same by a draw of the log rates, a new one each month

A round is judged by the seizures to be expected where it searched, beside those of the same placement by the truth: so estimate and placement
are judged apart.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.lab.study.cells import Stream
from optimizer.lab.study.estimators import ESTIMATORS, LOOPED
from optimizer.lab.study.measures import MONTHS, ranks
from optimizer.risk import History, as_records, captured, make_history
from optimizer.risk.simulation import SEARCHES_A_MONTH, rate_for, search

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.lab.study.cells import Cell
    from optimizer.lab.study.roads import StudyRoads
    from optimizer.risk import RiskModel, World

    Floats = NDArray[np.float64]

HABIT, ROUNDS, ROUND_MONTHS = 6, 6, 3
"""Months of habit, rounds, and months of each."""
TOP = 0.05
PLACEMENTS = ("proportional", "top", "thompson")
PAIRS = tuple((estimator, placement) for estimator in LOOPED for placement in PLACEMENTS)


def follow(
    cell: Cell, roads: StudyRoads, world: World, pairs: tuple[tuple[str, str], ...] = PAIRS
) -> list[dict[str, Any]]:
    """Return for each estimator and placement what `LoopRow` says of a cell; all start from the same record of habit."""
    rng = cell.stream(Stream.HISTORY)
    per_search = rate_for(world, "static", cell.seizures, MONTHS, rng)
    habit = make_history(world, "static", cell.seizures, HABIT, rng, per_search)
    return [
        {
            "estimator": estimator,
            "placement": placement,
            **_followed(cell, roads, world, per_search, habit, estimator, placement),
        }
        for estimator, placement in pairs
    ]


def _followed(
    cell: Cell, roads: StudyRoads, world: World, per_search: float, history: History, estimator: str, placement: str
) -> dict[str, Any]:
    rng, lot = cell.stream(Stream.LOOP), cell.stream(Stream.TIES).random(world.rate.size)
    length = world.network.length_m[world.network.segment_arc]
    expected = per_search * SEARCHES_A_MONTH * world.rate
    ideal = ROUND_MONTHS * float(expected @ _placed(world.rate, length, lot, placement))
    yielded, rel5, seconds = [], [], 0.0
    for _ in range(ROUNDS):
        began = time.process_time()
        model = ESTIMATORS[estimator](roads.table).fit(*as_records(history), roads.network)
        median = model.predict().median
        seconds += time.process_time() - began
        rel5.append(round(captured(world, ranks(median, lot)), 6))
        scores = _scores(model, median, placement, rng)
        chances = [_placed(score, length, lot, placement) for score in scores]
        searched = [search(world.rate, per_search, chance, rng) for chance in chances]
        effort, found = (np.array(part) for part in zip(*searched, strict=True))
        history = history.followed_by(History(effort, found, np.zeros_like(found)))
        yielded.append(round(float(sum(expected @ chance for chance in chances)), 6))
    return {
        "seconds": round(seconds, 4),
        "expected": yielded,
        "oracle": [round(ideal, 6)] * ROUNDS,
        "best": round(ROUND_MONTHS * float(expected.max()), 6),
        "rel5": rel5,
    }


def _scores(model: RiskModel, median: Floats, placement: str, rng: np.random.Generator) -> list[Floats]:
    """Return for each month of a round the (m,) scores that searches are placed by."""
    return list(model.sample(ROUND_MONTHS, rng)) if placement == "thompson" else [median] * ROUND_MONTHS


def _placed(score: Floats, length: Floats, lot: Floats, placement: str) -> Floats:
    """Return the (m,) chance that a search goes to each segment."""
    if placement == "proportional":
        wish = score * length
    else:
        order = np.argsort(-ranks(score, lot))
        before = np.cumsum(length[order]) - length[order]
        wish = np.zeros(length.size)
        best = order[before < TOP * length.sum()]
        wish[best] = length[best]
    return np.asarray(wish / wish.sum())
