"""Means and intervals over runs of a simulation over time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.formatting import number, with_range
from optimizer.report.student_interval import student_interval

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from optimizer.pipeline.adapt import Adaptation
    from optimizer.report.student_interval import MeanInterval

MEASURES = (
    "through",
    "seizures",
    "seizure_value",
    "routes",
    "gateways",
    "footprint_km",
    "regret",
    "reply_regret",
    "displaced",
    "burden",
)
"""What is summed up; of the regret the last value of a run counts, of all others the mean over its periods."""


@dataclass(frozen=True, slots=True)
class PolicySummary:
    """What a policy comes to: over how many runs, and each of `MEASURES`."""

    policy: str
    runs: int
    measures: dict[str, MeanInterval]

    def shown(self) -> list[MeanInterval]:
        """Return what a table shows."""
        names = ("through", "seizures", "seizure_value", "routes", "footprint_km", "regret")
        return [self.measures[name] for name in names]


def summaries(found: Adaptation) -> list[PolicySummary]:
    """Return one summary for each policy that has runs, in the order asked for."""
    results = []
    for policy in found.policies:
        runs: dict[int, list[dict[str, float | None]]] = {}
        for row in found.rows:
            if row.policy == policy:
                runs.setdefault(row.run, []).append(row.content())
        if runs:
            measures = {name: student_interval([_of_run(rows, name) for rows in runs.values()]) for name in MEASURES}
            results.append(PolicySummary(policy, len(runs), measures))
    return results


def _four_digits(amount: float | None) -> str:
    return number(amount, 4)


def with_interval(measure: MeanInterval, text: Callable[[float | None], str] = _four_digits) -> str:
    """Return a mean with its interval, for a table; `text` says how a number is written."""
    if measure.low is None or measure.high is None:
        return text(measure.mean)
    return with_range(text(measure.mean), text(measure.low), text(measure.high))


def _of_run(rows: Sequence[dict[str, float | None]], name: str) -> float | None:
    values = [value for row in rows if (value := row[name]) is not None]
    if not values:
        return None
    return float(values[-1]) if name == "regret" else float(np.mean(values))
