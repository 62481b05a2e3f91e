"""Answers of a model whose log rates are normal: medians, intervals, and the chance of a later record."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import logsumexp, ndtri

from optimizer.risk.estimate import RiskEstimate
from optimizer.risk.numerics.likelihood import LARGEST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from optimizer.risk.evidence import Evidence
    from optimizer.risk.numerics.likelihood import AreaCount, Cells

    Floats = NDArray[np.float64]

NODES = 24
"""Points of the Gauss-Hermite rule by which cells are averaged over their log rate."""
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
    at, weight = np.polynomial.hermite_e.hermegauss(NODES)
    eta = mean[:, None] + sd[:, None] * at
    return np.asarray(logsumexp(cells.terms(eta, shape).value + np.log(weight / weight.sum()), axis=1))


def chance_of_any(log_rate: Floats, sd: Floats) -> Floats:
    """Return the (k,) chances 1 - exp(-rate) that a search finds something, averaged over log rates that are normal with (k,) mean and sd."""
    at, weight = np.polynomial.hermite_e.hermegauss(NODES)
    rate = np.exp(np.minimum(log_rate[:, None] + sd[:, None] * at, LARGEST))
    return np.asarray(-np.expm1(-rate) @ (weight / weight.sum()))


def log_chance_of_area(area: AreaCount, draws: Floats, shape: float) -> float:
    """Return the log chance of a count by area, averaged over the (n, m) draws of log rates."""
    chances = [float(area.terms(area.log_mean(draw[area.segment]).log, shape).value[0]) for draw in draws]
    return float(logsumexp(chances)) - float(np.log(len(draws)))


def per_outcome(total: float, cells: Cells, areas: Sequence[AreaCount]) -> float:
    """Return a log chance per seizure and per yes-or-no search; whole where there is neither."""
    counted = np.isnan(cells.searches)
    outcomes = cells.count[counted].sum() + cells.searches[~counted].sum() + sum(area.count for area in areas)
    return float(total / max(outcomes, 1.0))
