"""Risk in classes: a few steps a reader can tell apart, and one more for what nobody ever searched."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from optimizer.report.palette import RISK
from optimizer.report.words import DASH, number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.report.content import SegmentRisk

QUANTILES = (0.4, 0.65, 0.85, 0.95)
"""Where the classes part: rates are skewed, and the few roads at the top matter most."""

UNSEARCHED = -1


@dataclass(frozen=True, slots=True)
class RiskClasses:
    """Segments in classes of risk.

    Attributes
    ----------
    index
        (n_segments,) class of each segment, 0 the lowest; -1 where nobody searched or the rate is unknown.
    labels
        Range of each class, in the unit of the risk.
    colours
        Colour of each class.
    """

    index: NDArray[np.int64]
    labels: tuple[str, ...]
    colours: tuple[str, ...]


def risk_classes(risk: SegmentRisk) -> RiskClasses:
    """Sort segments into classes that part at quantiles of the searched ones, rounded to two significant digits."""
    shown = risk.searched & np.isfinite(risk.median)
    index = np.full(risk.median.shape, UNSEARCHED, dtype=np.int64)
    if not shown.any():
        return RiskClasses(index, (), ())
    rates = risk.median[shown]
    edges = np.unique([_rounded(edge) for edge in np.quantile(rates, QUANTILES)])
    edges = edges[(edges > rates.min()) & (edges <= rates.max())]
    index[shown] = np.searchsorted(edges, rates, side="right")
    return RiskClasses(index, _labels(edges, rates), _colours(edges.size + 1))


def _rounded(edge: float) -> float:
    return float(f"{edge:.1e}")


def _labels(edges: NDArray[np.float64], rates: NDArray[np.float64]) -> tuple[str, ...]:
    if not edges.size:
        low, high = _edge(float(rates.min())), _edge(float(rates.max()))
        return (low if low == high else f"{low} {DASH} {high}",)
    between = (f"{_edge(low)} {DASH} {_edge(high)}" for low, high in pairwise(edges.tolist()))
    return (f"under {_edge(edges[0])}", *between, f"{_edge(edges[-1])} and over")


def _edge(rate: float) -> str:
    return number(rate, 2)


def _colours(count: int) -> tuple[str, ...]:
    """Take the highest class from the dark end: few classes still look like a warning."""
    return tuple(
        RISK[round(place)] for place in np.linspace(0 if count > 1 else 2, len(RISK) - 1 if count > 1 else 2, count)
    )
