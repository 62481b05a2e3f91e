"""Means and intervals over runs of a simulation over time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.formatting import DASH, number
from optimizer.base.language import gettext as _

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.pipeline.adapt import Adaptation

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
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class MeanInterval:
    """A mean over runs with its interval; None where nothing is known, and no interval with one run."""

    mean: float | None
    low: float | None
    high: float | None


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
            measures = {name: interval([_of_run(rows, name) for rows in runs.values()]) for name in MEASURES}
            results.append(PolicySummary(policy, len(runs), measures))
    return results


def interval(values: Sequence[float | None]) -> MeanInterval:
    """Return the mean of what is known, with Student's interval."""
    known = np.array([value for value in values if value is not None], dtype=np.float64)
    if not known.size:
        return MeanInterval(None, None, None)
    mean = float(known.mean())
    if known.size < 2:
        return MeanInterval(mean, None, None)
    from scipy.stats import t

    half = float(t.ppf((1 + LEVEL) / 2, known.size - 1)) * float(known.std(ddof=1)) / np.sqrt(known.size)
    return MeanInterval(mean, mean - half, mean + half)


def with_interval(measure: MeanInterval) -> str:
    """Return a mean with its interval, for a table."""
    if measure.mean is None:
        return DASH
    if measure.low is None or measure.high is None:
        return number(measure.mean, 4)
    return _("{found} ({low} to {high})").format(
        found=number(measure.mean, 4), low=number(measure.low, 4), high=number(measure.high, 4)
    )


def _of_run(rows: Sequence[dict[str, float | None]], name: str) -> float | None:
    values = [value for row in rows if (value := row[name]) is not None]
    if not values:
        return None
    return float(values[-1]) if name == "regret" else float(np.mean(values))
