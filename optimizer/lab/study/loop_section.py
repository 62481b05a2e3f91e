"""The section of the page on the closed loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimizer.lab.study.estimators import ESTIMATORS, OURS
from optimizer.lab.study.goals import WORLD_WORDS
from optimizer.lab.study.loop import HABIT, PLACEMENTS, ROUND_MONTHS, ROUNDS
from optimizer.lab.study.markdown import grid, in_short, listed, mean_or_nan, shown_name, with_interval
from optimizer.lab.study.summary import mean_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from optimizer.lab.study.rows import LoopRow

LOOP_WORDS = (
    "Finds to be expected in the second half of the rounds, over those of the same placement by the truth, so that estimate and placement "
    "are judged apart. Proportional: searches in proportion to median and road length. Top: evenly over the best 5 % of road length. "
    "Thompson: that by a draw from the posterior, a new one each month."
)


def loop_section(loops: Sequence[LoopRow]) -> list[str]:
    """Return the paragraphs and tables of the closed loops."""
    worlds = [world for world in WORLD_WORDS if any(row.world == world for row in loops)]
    names = [name for name in ESTIMATORS if any(row.estimator == name for row in loops)]
    truths = len({(row.region, row.world, row.seed) for row in loops})
    roads = listed(row.region.capitalize() for row in loops)
    rounds = (
        f"{HABIT} months of habit, then {ROUNDS} rounds of {ROUND_MONTHS} months whose searches the estimate places"
    )
    words = f"{rounds}; {truths} truths on {roads}. {LOOP_WORDS}"
    ratios = [
        grid(
            [WORLD_WORDS[world], *PLACEMENTS],
            [
                [
                    shown_name(name),
                    *(with_interval(mean_of(_late_ratio(loops, world, name, placement))) for placement in PLACEMENTS),
                ]
                for name in names
            ],
        )
        for world in worlds
    ]
    rates = grid(
        ["finds of a round, by the truth", *PLACEMENTS],
        [
            [
                WORLD_WORDS[world],
                *(
                    in_short(mean_or_nan(row.oracle[-1] for row in loops if (row.world, row.placement) == (world, p)))
                    for p in PLACEMENTS
                ),
            ]
            for world in worlds
        ],
    )
    learnt = grid(
        [f"rel5 of `{OURS}`", "after habit", *(f"{p}, last round" for p in PLACEMENTS)],
        [
            [
                WORLD_WORDS[world],
                in_short(mean_or_nan(row.rel5[0] for row in loops if (row.world, row.estimator) == (world, OURS))),
                *(
                    in_short(
                        mean_or_nan(
                            row.rel5[-1]
                            for row in loops
                            if (row.world, row.estimator, row.placement) == (world, OURS, p)
                        )
                    )
                    for p in PLACEMENTS
                ),
            ]
            for world in worlds
        ],
    )
    return [
        words,
        *ratios,
        "What placements find when the truth is known, which the ratios above are over:",
        rates,
        learnt,
    ]


def _late_ratio(loops: Sequence[LoopRow], world: str, name: str, placement: str) -> NDArray[np.float64]:
    late = slice(ROUNDS // 2, None)
    return np.array(
        [
            sum(row.finds[late]) / sum(row.oracle[late])
            for row in loops
            if (row.world, row.estimator, row.placement) == (world, name, placement)
        ],
        dtype=np.float64,
    )
