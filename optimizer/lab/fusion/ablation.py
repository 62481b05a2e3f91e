"""What tips bring where some are true, and what they cost where all are false: worlds of the family, with and without them.

Each world of the family is searched and written down as it is designed, the recommended model is fitted, and its map is judged by rel5 (what
passes on the 5 % of road length that it ranks highest, over that of the true ranking) and by the mean absolute error of the log index on
active segments, without tips and with several sets of them. True tips come from segments in proportion to what passes there times length,
false ones from anywhere, in proportion to length. A flood is aimed at the quietest tenth of the roads and graded as reliable.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimizer.lab.study.cells import GENERATED, family_plan
from optimizer.lab.study.estimators import ESTIMATORS, OURS
from optimizer.lab.study.measures import ACTIVE, make_trial, ranks
from optimizer.lab.study.roads import generated_roads, world_of
from optimizer.records.reliability import learn_reliability
from optimizer.records.tips import LEVEL, Tips
from optimizer.risk import captured
from optimizer.risk.tips import weigh_tips

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from optimizer.lab.study.measures import Trial
    from optimizer.risk import RiskEstimate

    Floats = NDArray[np.float64]

MONTHS = 24
JITTER_DEG = 0.004


@dataclass(frozen=True)
class TipSet:
    """Tips that are planted: how many clusters, which share of them is false, the class of their grade, and whether they are a flood."""

    name: str
    count: int
    false_share: float
    grade: str | None
    flood: bool = False


SETS = (
    TipSet("60 tips, a third false, graded B", 60, 1 / 3, "B"),
    TipSet("200 tips, a third false, graded B", 200, 1 / 3, "B"),
    TipSet("200 tips, a third false, ungraded", 200, 1 / 3, None),
    TipSet("200 tips, all false, graded B", 200, 1.0, "B"),
    TipSet("flood of 20,000 on quiet roads, graded A", 20_000, 1.0, "A", flood=True),
)


@dataclass(frozen=True)
class TipResult:
    """One world and set of tips: rel5 and error without and with them, the greatest factor of an index, clusters that count."""

    world: str
    tips: str
    rel5_without: float
    rel5_with: float
    error_without: float
    error_with: float
    factor: float
    used: int


def ablation(worlds: int, every: int = 3) -> Iterator[TipResult]:
    """Yield the results of every third world of the family, as many as asked for.

    Parameters
    ----------
    worlds
        How many worlds.
    every
        One in so many of the family.
    """
    roads = generated_roads()
    cells = [cell for cell in family_plan((GENERATED,), 1) if cell.effort != "even"][::every][:worlds]
    for number, cell in enumerate(cells):
        world = world_of(roads, cell)
        trial = make_trial(cell, world)
        model = ESTIMATORS[OURS](roads.table)
        estimate = model.fit(*trial.record, roads.network).predict()
        for chosen in SETS:
            tips = planted(chosen, trial, np.random.default_rng(number))
            shift = weigh_tips(tips, estimate, roads.network)
            after = shift.shifted(estimate)
            yield TipResult(
                cell.world,
                chosen.name,
                captured(world, ranks(estimate.median, trial.lot)),
                captured(world, ranks(after.median, trial.lot)),
                _error(estimate, trial),
                _error(after, trial),
                float(np.exp(shift.log_factor.max())),
                shift.used,
            )


def planted(chosen: TipSet, trial: Trial, rng: np.random.Generator) -> Tips:
    """Return clusters of tips about a truth."""
    network = trial.world.network
    length = network.length_m[network.segment_arc]
    true = trial.world.rate * length
    anywhere = length * (trial.world.rate <= np.quantile(trial.world.rate, 0.1)) if chosen.flood else length
    false = rng.random(chosen.count) < chosen.false_share
    at = np.where(
        false,
        rng.choice(length.size, chosen.count, p=anywhere / anywhere.sum()),
        rng.choice(length.size, chosen.count, p=true / true.sum()),
    )
    point = network.segment_midpoint[at] + rng.normal(0, JITTER_DEG, (chosen.count, 2))
    day = np.sort(rng.integers(0, 30 * MONTHS, chosen.count)).astype("datetime64[D]")
    low = learn_reliability([chosen.grade], [0], [0], LEVEL).low[0]
    rate = np.full(chosen.count, min(1 - low, 0.98))
    return Tips(point[:, 0], point[:, 1], day, rate, chosen.count, 0, ())


def _error(estimate: RiskEstimate, trial: Trial) -> float:
    """Return the mean absolute error of the log index on active segments, both sides scaled to a median of 1 there."""
    active = trial.world.rate > ACTIVE
    apart = np.log(np.maximum(estimate.median[active], 1e-9)) - np.log(trial.world.rate[active])
    return float(np.abs(apart - np.median(apart)).mean())
