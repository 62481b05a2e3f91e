"""The figures of the closed loops, for the page of the study."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimizer.lab.pages import PageTable, interval, short
from optimizer.lab.rows import distinct
from optimizer.lab.study.estimators import ESTIMATORS, OURS
from optimizer.lab.study.goals import WORLD_NAMES
from optimizer.lab.study.loop import HABIT, PLACEMENTS, ROUND_MONTHS, ROUNDS
from optimizer.lab.study.summary import mean_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from optimizer.lab.study.rows import LoopRow
    from optimizer.lab.study.summary import Statistic


def loop_content(loops: Sequence[LoopRow]) -> dict[str, object]:
    """Return what the template says of the closed loops."""
    worlds = [world for world in WORLD_NAMES if any(row.world == world for row in loops)]
    last = [f"{placement}, last round" for placement in PLACEMENTS]
    return {
        "habit": HABIT,
        "rounds": ROUNDS,
        "round_months": ROUND_MONTHS,
        "truths": len({(row.region, row.world, row.seed) for row in loops}),
        "roads": distinct(row.region.capitalize() for row in loops),
        "ratios": [_ratio_table(loops, world) for world in worlds],
        "rates": PageTable.of(
            ["seizures of a round, by the truth", *PLACEMENTS],
            [
                [
                    WORLD_NAMES[world],
                    *(
                        _mean(row.oracle[-1] for row in loops if (row.world, row.placement) == (world, p))
                        for p in PLACEMENTS
                    ),
                ]
                for world in worlds
            ],
            dict.fromkeys(PLACEMENTS, short),
        ),
        "learnt": PageTable.of(
            [f"rel5 of `{OURS}`", "after habit", *last],
            [[WORLD_NAMES[world], *_learnt(loops, world)] for world in worlds],
            dict.fromkeys(("after habit", *last), short),
        ),
    }


def _ratio_table(loops: Sequence[LoopRow], world: str) -> PageTable:
    """Return late seizures over those of the same placement by the truth, by estimator and placement."""
    names = [name for name in ESTIMATORS if any(row.estimator == name for row in loops)]
    rows = [
        [
            f"**{name}**" if name == OURS else name,
            *(mean_of(_late_ratio(loops, world, name, placement)) for placement in PLACEMENTS),
        ]
        for name in names
    ]
    return PageTable.of([WORLD_NAMES[world], *PLACEMENTS], rows, dict.fromkeys(PLACEMENTS, _with_interval))


def _with_interval(found: Statistic) -> str:
    return interval(found.value, found.low, found.high, short)


def _learnt(loops: Sequence[LoopRow], world: str) -> list[float | None]:
    """Return the recommended model's rel5 after habit, and in the last round of each placement."""
    mine = [row for row in loops if (row.world, row.estimator) == (world, OURS)]
    return [
        _mean(row.rel5[0] for row in mine),
        *(_mean(row.rel5[-1] for row in mine if row.placement == placement) for placement in PLACEMENTS),
    ]


def _mean(values: Iterable[float]) -> float | None:
    listed = list(values)
    return float(np.mean(listed)) if listed else None


def _late_ratio(loops: Sequence[LoopRow], world: str, name: str, placement: str) -> NDArray[np.float64]:
    late = slice(ROUNDS // 2, None)
    return np.array(
        [
            sum(row.expected[late]) / sum(row.oracle[late])
            for row in loops
            if (row.world, row.estimator, row.placement) == (world, name, placement)
        ],
        dtype=np.float64,
    )
