"""Where to search next: mixed worlds searched for half a year in several ways, and the estimates that follow."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from optimizer.base.version import package_version
from optimizer.lab.machine import stamp
from optimizer.lab.rows import PlannedRow, RunKey
from optimizer.lab.study.rows import ExplorationRow, SearchOutcome
from optimizer.risk import FieldFlow, History, as_records, captured, make_history, make_world
from optimizer.risk.information_gain import chance_of_top, information_gain, near_segments
from optimizer.risk.simulation.searching import SEARCHES_A_MONTH, rate_for, search
from optimizer.risk.simulation.settings import CHASING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from optimizer.lab.study.cells import StudyRoads
    from optimizer.problem.network.network import Network
    from optimizer.risk import World

    Floats: TypeAlias = NDArray[np.float64]

MONTHS, WINDOW = 24, 3
"""Months that the rate of a search is set for; months of a round."""
WAYS = ("uniform", "chasing", "around", "information", "thompson")
"""By length; near seizures and by habit; by the information a patrol gains about the segment and those around it, or about itself; by draws."""
SEARCH_ROUNDS, PATROL, THOMPSON_DRAWS = 2, 5.0, 60
"""Rounds of three months, each after a new fit; searches of a patrol; draws that share a round's searches."""
ACTIVE = 0.1
"""Rate, over the mean, from which a segment counts as active."""
TRUTHS = 16
WORLD, EFFORT, SEIZURES = "mixed", "feedback", 400


def planned_rows(roads: StudyRoads, truths: int = TRUTHS) -> Iterator[PlannedRow[ExplorationRow]]:
    """Give the rows of some truths."""
    for seed in range(1, truths + 1):
        options = {"world": WORLD, "effort": EFFORT, "seizures": SEIZURES, "seed": seed}
        key = RunKey.of(package_version(), roads.digest, "exploration", **options)
        yield PlannedRow(key, partial(exploration_row, roads, seed))


def exploration_row(roads: StudyRoads, seed: int) -> ExplorationRow:
    """Search one truth in each way, half a year after one of chasing, and measure the estimates."""
    network, table = roads.network, roads.table
    rng = np.random.default_rng([77, seed, len(WORLD)])
    world = make_world("mixed", network, table, rng)
    per_search = rate_for(world, "feedback", SEIZURES, MONTHS, rng)
    year = make_history(world, "feedback", SEIZURES, 12, rng, per_search)
    first = FieldFlow(table).fit(*as_records(year), network)
    ways = {}
    for way in WAYS:
        history, model, chance = year, first, np.random.default_rng([5, seed])
        for _ in range(SEARCH_ROUNDS):
            at = _where(way, model, history, network, chance)
            months = [search(world.rate, per_search, at, chance) for _ in range(WINDOW)]
            effort, found = (np.array(part) for part in zip(*months, strict=True))
            history = history.followed_by(History(effort, found, np.zeros_like(found)))
            model = FieldFlow(table).fit(*as_records(history), network)
        ways[way] = _outcome(model, world, float(history.found[12:].sum()))
    return ExplorationRow(
        roads=roads.digest,
        world=WORLD,
        effort=EFFORT,
        seizures=SEIZURES,
        seed=seed,
        start=_outcome(first, world, None),
        ways=ways,
        **stamp(),
    )


def _where(way: str, model: FieldFlow, history: History, network: Network, rng: np.random.Generator) -> Floats:
    """Return the (m,) chance of a search."""
    length = network.length_m[network.segment_arc]
    if way == "uniform":
        return np.asarray(length / length.sum())
    near = near_segments(network, 1)
    if way == "chasing":
        found = history.found.sum(axis=0)
        wish = found + near @ found
        habit = history.effort[:12].sum(axis=0)
        return np.asarray(CHASING * wish / wish.sum() + (1 - CHASING) * habit / habit.sum())
    at = np.zeros(length.size)
    if way == "thompson":
        drawn = model.sample(THOMPSON_DRAWS, rng)
        for draw in drawn:
            top = chance_of_top(draw[None], length) > 0
            at += top * length / (top @ length) / len(drawn)
        return at
    gain = information_gain(model, network, PATROL)
    chosen = _spread(
        gain.around if way == "around" else gain.information, near, int(WINDOW * SEARCHES_A_MONTH / PATROL)
    )
    at[chosen] = 1 / chosen.size
    return at


def _spread(score: Floats, near: csr_array, most: int) -> NDArray[np.int64]:
    """Return the best segments, none next to a better one: neighbours teach much the same."""
    taken = np.zeros(score.size, dtype=bool)
    chosen: list[int] = []
    for segment in np.argsort(-score, kind="stable").tolist():
        if not taken[segment] and len(chosen) < most:
            chosen.append(segment)
            taken[near.indices[near.indptr[segment] : near.indptr[segment + 1]]] = True
    return np.array(chosen)


def _outcome(model: FieldFlow, world: World, found: float | None) -> SearchOutcome:
    """Return what an estimate is: the error is weighed by length over active segments, its mean taken out."""
    median, active = model.predict().median, world.rate > ACTIVE
    length = world.network.length_m[world.network.segment_arc][active]
    off = np.log(median[active] / world.rate[active])
    off -= np.average(off, weights=length)
    error = float(np.sqrt(np.average(off**2, weights=length)))
    return SearchOutcome(rel5=captured(world, median), error=error, found=found)
