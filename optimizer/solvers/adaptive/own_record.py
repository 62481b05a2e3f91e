"""What planners know: what they placed, and what they seized there. Nothing of the traffickers' choices reaches them in another way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from optimizer.solvers.adaptive.routes import Layout


@dataclass(frozen=True, eq=False)
class PeriodRecord:
    """The record of one period.

    Attributes
    ----------
    layout
        What stood.
    counts
        (plans, options) seizures of each option on the days of each plan.
    volumes
        (options,) loads seized.
    """

    layout: Layout
    counts: NDArray[np.int64]
    volumes: NDArray[np.float64]
