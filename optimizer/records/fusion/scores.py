"""Scores of pairs of reports after Fellegi and Sunter (1969), with shares m and u learnt by expectation and maximisation.

    weight = sum over themes of log(m_l / u_l),   l the level at which the two reports agree
    odds   = share / (1 - share) exp(weight),     share = part of the candidate pairs that are one event
    m_l, u_l = chance of level l for a pair that is one event, and for one that is not

EM (Winkler 1988) alternates the probability of each pattern of levels with the m, u and share that fit it best. m has a Dirichlet prior of
`STATED_PAIRS` pairs at the stated shares, so that two short feeds are compared by what is stated and long ones by what is learnt. Agreement on
a rare drug says more than on a common one: for equal drugs u is the drug's own frequency.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimizer.records.fusion.themes import DRUG, THEMES, TIME

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.records.fusion.themes import Theme

    Floats = NDArray[np.float64]
    Levels = NDArray[np.int64]

STATED_PAIRS = 20.0
"""Pairs that the stated shares of m count for."""
BACKGROUND_PAIRS = 50.0
"""Pairs that random ones count for in u."""
WITHIN_WINDOW = (1.0, 0.0036, 0.0104, 0.028, 0.125, 0.333, 0.5, 0.14, 0.29, 0.57)
"""Shares of the levels of time of pairs within `optimizer.records.fusion.candidates.WINDOW` days whose times are independent."""
LEAST = 1e-5
"""Smallest share of any level: no single theme decides alone."""
ROUNDS = 200
CLOSE = 1e-7
EQUAL_DRUG = DRUG.first["drug"]


@dataclass(frozen=True)
class PairModel:
    """Learnt shares.

    Attributes
    ----------
    m, u
        By theme, (levels,) chance of each level among pairs that are one event, and that are not; 1 at level 0.
    share
        Part of the candidate pairs that are one event.
    rounds
        Rounds of EM.
    """

    m: tuple[Floats, ...]
    u: tuple[Floats, ...]
    share: float
    rounds: int

    def weight(self, levels: Levels, drug_share: Floats | None = None) -> Floats:
        """Return (k,) log likelihood ratios of pairs.

        Parameters
        ----------
        levels
            (themes, k) levels.
        drug_share
            (k,) frequency of the first report's drug; None takes the mean chance of agreement.
        """
        total = np.zeros(levels.shape[1])
        for theme, m, u, level in zip(THEMES, self.m, self.u, levels, strict=True):
            weight = np.log(m / u)
            total += weight[level]
            if theme is DRUG and drug_share is not None:
                equal = level == EQUAL_DRUG
                total[equal] += np.log(u[EQUAL_DRUG] / np.maximum(drug_share[equal], LEAST))
        return total

    def log_odds(self, levels: Levels, drug_share: Floats | None = None) -> Floats:
        """Return (k,) log odds that pairs are one event, each taken alone."""
        prior = float(np.log(self.share / (1 - self.share)))
        return prior + self.weight(levels, drug_share)


def fit_pairs(levels: Levels, background: Levels, most: float) -> PairModel:
    """Learn m, u and the share of true pairs.

    Parameters
    ----------
    levels
        (themes, k) levels of the candidate pairs.
    background
        (themes, j) levels of pairs drawn at random, whatever their times; where candidates are few, they tell how often different events
        agree.
    most
        Pairs that can be one event at most: the rows of the shorter feed.
    """
    sizes = tuple(theme.size for theme in THEMES)
    count = np.bincount(np.ravel_multi_index(tuple(levels), sizes), minlength=int(np.prod(sizes)))
    pattern = np.flatnonzero(count)
    number = count[pattern].astype(float)
    at = np.array(np.unravel_index(pattern, sizes))
    total = number.sum()
    share = min(0.3 * most / total, 0.5)
    apart = tuple(_background(theme, level) for theme, level in zip(THEMES, background, strict=True))
    model = PairModel(
        tuple(theme.stated() for theme in THEMES),
        tuple(_normal(theme, prior) for theme, prior in zip(THEMES, apart, strict=True)),
        share,
        0,
    )
    for rounds in range(1, ROUNDS + 1):
        odds = np.exp(np.clip(model.log_odds(at), -700, 700))
        match = odds / (1 + odds)
        m, u = [], []
        for theme, level, prior in zip(THEMES, at, apart, strict=True):
            m.append(_normal(theme, np.bincount(level, number * match, theme.size) + STATED_PAIRS * theme.stated()))
            u.append(_normal(theme, np.bincount(level, number * (1 - match), theme.size) + prior))
        share = float(np.clip((number * match).sum() / total, 0.5 / (total + 1), min(most / total, 0.9)))
        before, model = model, PairModel(tuple(m), tuple(u), share, rounds)
        if (
            abs(np.log(model.share / before.share)) < CLOSE * 1e3
            and max(float(np.abs(new - old).max()) for new, old in zip(model.m, before.m, strict=True)) < 1e-4
        ):
            break
    return model


def _background(theme: Theme, level: Levels) -> Floats:
    """Return (levels,) what the prior of u counts at each level: of times by `WITHIN_WINDOW`, of other themes by random pairs."""
    count = np.asarray(WITHIN_WINDOW) if theme is TIME else np.bincount(level, minlength=theme.size) + 0.5
    return np.asarray(BACKGROUND_PAIRS * _normal(theme, count.astype(float)))


def _normal(theme: Theme, weight: Floats) -> Floats:
    """Return shares of levels that sum to 1 within each way of a theme."""
    out = np.ones(weight.size)
    for part in theme.slices():
        share = np.maximum(weight[part] / weight[part].sum(), LEAST)
        out[part] = share / share.sum()
    return out
