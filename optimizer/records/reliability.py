"""How reliable sources are, learnt from what was later confirmed or refuted.

    confirmed_i of known_i  ~  Binomial(p_i),      p_i ~ Beta(c mu_g, c (1 - mu_g)),      g the class of the source's grade

mu_g and c are not known either: mu_g has a Beta prior around the share that is usually held of the grade (`USUAL`), worth `STATED` reports, c a
log-uniform one over `CONCENTRATIONS`. The posterior of each source is the mixture of Betas over a grid of (mu_g, c), weighted by the
beta-binomial chances of all sources of the class. A grade of F or 2 says nothing: the prior of mu is flat, so that such a source is
uncertain, not average.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import betainc, betaln, logsumexp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

USUAL = {"A": 0.9, "B": 0.75, "C": 0.6, "D": 0.4, "E": 0.2}
"""Share of reports that are right, by class of source, before any outcome is known: an assumption of this package, no part of the standards."""
STATED = 6.0
"""Reports that the usual share counts for."""
CONCENTRATIONS = np.exp(np.linspace(np.log(1.0), np.log(60.0), 8))
MEANS = (np.arange(20) + 0.5) / 20
POINTS = np.linspace(0.0, 1.0, 129)


@dataclass(frozen=True)
class Reliability:
    """Share of a source's reports that are right, (k,) sources: median and interval.

    Attributes
    ----------
    median, low, high
        In [0, 1].
    level
        Probability of the interval.
    """

    median: Floats
    low: Floats
    high: Floats
    level: float


def learn_reliability(
    classes: Sequence[str | None], confirmed: Sequence[int], known: Sequence[int], level: float = 0.9
) -> Reliability:
    """Return the reliability of sources.

    Parameters
    ----------
    classes
        (k,) class of each source, A to E; None where its grade is unknown (F, 2 or none).
    confirmed, known
        (k,) reports that were confirmed, and whose outcome is known (confirmed or refuted).
    level
        Probability of the interval.
    """
    right, total = np.asarray(confirmed, dtype=float), np.asarray(known, dtype=float)
    quantiles = np.empty((3, right.size))
    ends = np.array([0.5, (1 - level) / 2, (1 + level) / 2])
    of_class = np.array([one or "" for one in classes], dtype=np.str_)
    mean, strength = (part.ravel() for part in np.meshgrid(MEANS, CONCENTRATIONS, indexing="ij"))
    for one in np.unique(of_class).tolist():
        own = np.flatnonzero(of_class == one)
        a, b = mean * strength, (1 - mean) * strength
        chance = betaln(a + right[own, None], b + (total - right)[own, None]) - betaln(a, b)
        weight = chance.sum(axis=0) + _prior(one, mean)
        weight = np.exp(weight - logsumexp(weight))
        kept = weight > 1e-4 * weight.max()
        parts = weight[kept] / weight[kept].sum()
        for at in own.tolist():
            shapes = (a[kept] + right[at])[:, None], (b[kept] + total[at] - right[at])[:, None]
            quantiles[:, at] = np.interp(ends, parts @ betainc(*shapes, POINTS), POINTS)
    return Reliability(quantiles[0], quantiles[1], quantiles[2], level)


def _prior(one: str, mean: Floats) -> Floats:
    """Return the log prior of a class's mean."""
    if one not in USUAL:
        return np.zeros(mean.size)
    share = USUAL[one]
    return np.asarray((STATED * share - 0.5) * np.log(mean) + (STATED * (1 - share) - 0.5) * np.log1p(-mean))
