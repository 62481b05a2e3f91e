"""A mean over runs with Student's interval: what tables, figures and consoles show of repeated simulations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class MeanInterval:
    """A mean over runs with its interval; None where nothing is known, and no interval with one run."""

    mean: float | None
    low: float | None
    high: float | None


def student_interval(values: Sequence[float | None]) -> MeanInterval:
    """Return the mean of what is known, with Student's interval of probability `LEVEL`; None and NaN are not known."""
    known = np.array([value for value in values if value is not None], dtype=np.float64)
    known = known[~np.isnan(known)]
    if not known.size:
        return MeanInterval(None, None, None)
    mean = float(known.mean())
    if known.size < 2:
        return MeanInterval(mean, None, None)
    from scipy.stats import t

    half = float(t.ppf((1 + LEVEL) / 2, known.size - 1)) * float(known.std(ddof=1)) / np.sqrt(known.size)
    return MeanInterval(mean, mean - half, mean + half)
