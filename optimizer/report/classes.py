"""Roads in classes: a few steps a reader can tell apart, and others for what nobody ever searched."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.formatting import DASH, number
from optimizer.base.language import gettext as _
from optimizer.report.palette import EFFORT, RISK, WIDTH

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.report.content import SegmentRisk

QUANTILES = (0.4, 0.65, 0.85, 0.95)
"""Where classes of risk and effort part: both are skewed, and the few roads at the top matter most."""

WIDTHS = (3.0, 10.0, 100.0, 1000.0)
"""Where classes of interval part, in times the lower end. The same in every report, so that a poor record looks poor."""

UNSEARCHED = -1
"""Class of a segment that nobody ever searched."""

ELSEWHERE = -2
"""Class of a segment that was searched, though not in the unit shown."""


@dataclass(frozen=True, slots=True)
class Classes:
    """Segments in classes.

    Attributes
    ----------
    index
        (n_segments,) class of each segment, 0 the lowest; `UNSEARCHED` or `ELSEWHERE` where it has none.
    labels
        Range of each class.
    colours
        Colour of each class.
    """

    index: NDArray[np.int64]
    labels: tuple[str, ...]
    colours: tuple[str, ...]


def risk_classes(risk: SegmentRisk) -> Classes:
    """Sort segments by risk into classes that part at quantiles of the searched ones, rounded to two significant digits."""
    return _by_quantiles(risk.median, risk.searched & np.isfinite(risk.median), RISK)


def width_classes(risk: SegmentRisk) -> Classes:
    """Sort searched segments by how wide their interval is: its upper end over its lower."""
    times = interval_ratio(risk)
    shown = risk.searched & ~np.isnan(times)
    index = np.full(times.shape, UNSEARCHED, dtype=np.int64)
    index[shown] = np.searchsorted(WIDTHS, times[shown], side="right")
    edges = [number(edge) for edge in WIDTHS]
    labels = (
        _("under {number} times").format(number=edges[0]),
        *(_("{low} {dash} {high} times").format(low=a, dash=DASH, high=b) for a, b in pairwise(edges)),
        _("{number} times and over").format(number=edges[-1]),
    )
    return Classes(index, labels, WIDTH)


def effort_classes(risk: SegmentRisk, unit: int, length_km: NDArray[np.float64]) -> Classes:
    """Sort segments by effort per kilometre in one unit, into classes as those of risk.

    Parameters
    ----------
    risk
        Risk and effort.
    unit
        Position in `risk.efforts`.
    length_km
        (n_segments,) lengths, > 0.
    """
    amount = risk.efforts[unit].amount
    classes = _by_quantiles(amount / length_km, amount > 0, EFFORT)
    index = np.where((classes.index == UNSEARCHED) & risk.searched, ELSEWHERE, classes.index)
    return Classes(index, classes.labels, classes.colours)


def interval_ratio(risk: SegmentRisk) -> NDArray[np.float64]:
    """Return (n_segments,) the upper end of the interval over its lower end, >= 1; infinite where that is 0, NaN where unknown."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where((risk.high == 0) & (risk.low == 0), np.nan, np.asarray(risk.high / risk.low))


def two_digits(amount: float) -> float:
    """Return a number rounded to two significant digits."""
    return float(f"{amount:.1e}")


def _by_quantiles(amount: NDArray[np.float64], shown: NDArray[np.bool_], scale: tuple[str, ...]) -> Classes:
    index = np.full(amount.shape, UNSEARCHED, dtype=np.int64)
    if not shown.any():
        return Classes(index, (), ())
    values = amount[shown]
    edges = np.unique([two_digits(edge) for edge in np.quantile(values, QUANTILES)])
    edges = edges[(edges > values.min()) & (edges <= values.max())]
    index[shown] = np.searchsorted(edges, values, side="right")
    return Classes(index, _labels(edges, values), _colours(scale, edges.size + 1))


def _labels(edges: NDArray[np.float64], values: NDArray[np.float64]) -> tuple[str, ...]:
    if not edges.size:
        low, high = _edge(float(values.min())), _edge(float(values.max()))
        return (low if low == high else f"{low} {DASH} {high}",)
    between = (f"{_edge(low)} {DASH} {_edge(high)}" for low, high in pairwise(edges.tolist()))
    return (
        _("under {number}").format(number=_edge(edges[0])),
        *between,
        _("{number} and over").format(number=_edge(edges[-1])),
    )


def _edge(amount: float) -> str:
    return number(two_digits(amount), 2)


def _colours(scale: tuple[str, ...], count: int) -> tuple[str, ...]:
    """Take the highest class from the dark end: few classes still look like a warning."""
    return tuple(
        scale[round(place)] for place in np.linspace(0 if count > 1 else 2, len(scale) - 1 if count > 1 else 2, count)
    )
