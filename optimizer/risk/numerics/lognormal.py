"""Answers of a model whose log rates are normal: medians, intervals, and the chance of a later record."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import logsumexp, ndtri

from optimizer.risk.estimate import RiskEstimate
from optimizer.risk.numerics.likelihood import LARGEST, count_terms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from optimizer.risk.evidence import Evidence
    from optimizer.risk.numerics.likelihood import AreaCount, Cells

    Floats = NDArray[np.float64]

NODES = 24
"""Points of the Gauss-Hermite rule by which cells are averaged over their log rate."""
_AT, _WEIGHT = np.polynomial.hermite_e.hermegauss(NODES)
_WEIGHT = _WEIGHT / _WEIGHT.sum()
LARGEST_SD = 3.0
"""Log-normal means are cut as if the standard deviation were at most this: e^(9/2) is 90 times the median already."""


def estimate_of(evidence: Evidence, mean: Floats, sd: Floats, plain_sd: Floats, level: float) -> RiskEstimate:
    """Return the estimate of (m,) normal log indices.

    Parameters
    ----------
    evidence
        What the records say.
    mean, sd
        (m,) log index and its standard deviation, widened as far as the intervals ask.
    plain_sd
        (m,) the model's own standard deviation, which the expected index rests on.
    level
        Probability of the interval.
    """
    reach = float(ndtri(0.5 + level / 2)) * sd
    return RiskEstimate(
        median=np.exp(mean),
        low=np.exp(mean - reach),
        high=np.exp(mean + reach),
        mean=np.exp(mean + np.minimum(plain_sd, LARGEST_SD) ** 2 / 2),
        searched=evidence.searched,
        level=level,
        units=evidence.units,
        global_rate=evidence.global_rate,
        warnings=evidence.warnings,
    )


def log_chance(cells: Cells, mean: Floats, sd: Floats, shape: float) -> Floats:
    """Return the (k,) log chances of cells whose log rates are normal with (k,) mean and sd, each on its own."""
    eta = mean[:, None] + sd[:, None] * _AT
    return np.asarray(logsumexp(cells.terms(eta, shape).value + np.log(_WEIGHT), axis=1))


def chance_of_any(log_rate: Floats, sd: Floats) -> Floats:
    """Return the (k,) chances 1 - exp(-rate) that a search finds something, averaged over log rates that are normal with (k,) mean and sd."""
    rate = np.exp(np.minimum(log_rate[:, None] + sd[:, None] * _AT, LARGEST))
    return np.asarray(-np.expm1(-rate) @ _WEIGHT)


def log_chance_of_area(area: AreaCount, draws: Floats, shape: float) -> float:
    """Return the log chance of a count by area, averaged over the (n, m) draws of log rates."""
    log_mean = np.minimum(logsumexp(np.log(area.expected) + draws[:, area.segment], axis=1), LARGEST)
    chances = count_terms(np.full(1, area.count), log_mean, np.full(1, shape * area.clumps)).value
    return float(logsumexp(chances)) - float(np.log(len(draws)))


def by_segment(cells: Cells, of_cell: Floats, areas: Sequence[AreaCount], of_area: Sequence[float], m: int) -> Floats:
    """Return (m,) log chances by segment: those of its cells, and of the areas whose first segment it is."""
    out: Floats = np.bincount(cells.segment, of_cell, m).astype(np.float64)
    for area, chance in zip(areas, of_area, strict=True):
        out[area.segment[0]] += chance
    return out


def per_outcome(total: float, cells: Cells, areas: Sequence[AreaCount]) -> float:
    """Return a log chance per seizure and per yes-or-no search; whole where there is neither."""
    counted = np.isnan(cells.searches)
    outcomes = cells.count[counted].sum() + cells.searches[~counted].sum() + sum(area.count for area in areas)
    return float(total / max(outcomes, 1.0))
