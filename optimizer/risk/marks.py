"""What a load carries on the mean, by where it set out, from the quantities of
seizures.

Loads are a Poisson process with marks: the drug d of a load and its kilograms x.
Finding thins it. Where the chance to be found does not depend on the mark, the marks of
seizures are draws of those of loads, and a load from origin g weighs on the mean

    m_g = sum over d of p_gd h_d exp(mu_gd) S_d

with p_gd the share of loads from g that carry d and h_d the worth of a kilogram (1, or
a harm index). Row i of a record stands for n_i seizures of x_i kilograms each; r_ig is
the chance that they set out at g, and w_ig = n_i r_ig.

Quantities have heavy tails: a few seizures hold most of the weight, and the mean of a
few rows says little of a place. So origins are told apart by means of logarithms, and
the shape of the tail is that of all seizures of the drug (smearing, Duan 1983):

    S_d = sum over i of n_i x_i / sum over i, g of w_ig exp(mu_gd)

p and mu are partially pooled (credibility of Buhlmann and Straub), mu with y = ln x:

    mu_g = z_g ybar_g + (1 - z_g) mu        z_g = w_g / (w_g + s^2 / t^2)        mu = sum z_g ybar_g / sum z_g
    s^2  = sum over g, i of w_ig (y_i - ybar_g)^2 / sum over g of max(n_g - 1, 0)          n_g = sum over i of r_ig
    t^2  = max(0, (sum over g of w_g (ybar_g - ybar)^2 - (G - 1) s^2) / (w - sum over g of w_g^2 / w))

t^2 = 0 pools all: mu is then the mean of all rows. s^2 / t^2 counts as `LEAST_POOL` at
least: few rows that happen to agree prove little. p is the mean of the indicators of
the drugs, with one z_g for all of them (s^2 and t^2 are sums over drugs), so that its
rows sum to 1.

References
----------
H. Buhlmann and E. Straub (1970), Glaubwuerdigkeit fuer Schadensaetze, Mitteilungen der
Vereinigung schweizerischer Versicherungsmathematiker. H. Buhlmann and A. Gisler (2005),
A Course in Credibility Theory and its Applications, Springer, chapter 4. N. Duan
(1983), Smearing estimate: a nonparametric retransformation method, JASA 78(383).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEAST_POOL = 1.0
"""Seizures that the pool is worth at least beside those of an origin."""


@dataclass(frozen=True, eq=False)
class Credibility:
    """Means of groups, partially pooled."""

    #: (groups, values) mu_g.
    mean: Floats
    #: (groups,) z_g in [0, 1): how much a group's own mean counts.
    factor: Floats
    #: (values,) mu.
    collective: Floats
    #: `within`, `between`: s^2 and t^2, summed over the values.
    within: float
    between: float


def credibility(value: Floats, weight: Floats, member: Floats | None = None) -> Credibility:
    """Return the means of groups, partially pooled.

    Parameters
    ----------
    value
        (rows, values) what was observed; the mean of a row of several.
    weight
        (rows, groups) w_ig >= 0, at least one of them above 0.
    member
        (rows, groups) r_ig in [0, 1]; whole where a weight is above 0 if None.
    """
    counted = (weight > 0).astype(np.float64) if member is None else member
    of_group, observed = weight.sum(axis=0), counted.sum(axis=0)
    used = of_group > 0
    total = float(of_group.sum())
    every = weight.sum(axis=1) @ value / total
    own = np.where(
        used[:, None], (weight.T @ value) / np.where(used, of_group, 1.0)[:, None], every
    )
    spread = sum(
        float((weight[:, g] @ (value - own[g]) ** 2).sum()) for g in np.flatnonzero(used).tolist()
    )
    free = float(np.maximum(observed[used] - 1, 0).sum())
    within = spread / free if free > 0 else np.inf
    apart = total - float((of_group**2).sum()) / total
    differ = float(of_group @ ((own - every) ** 2).sum(axis=1))
    between = 0.0
    if np.isfinite(within) and apart > 1e-9 * total:
        between = max(0.0, (differ - (np.count_nonzero(used) - 1) * within) / apart)
    if between <= 0:
        return Credibility(np.tile(every, (used.size, 1)), np.zeros(used.size), every, within, 0.0)
    factor = of_group / (of_group + max(within / between, LEAST_POOL))
    collective = factor @ own / factor.sum()
    mean = factor[:, None] * own + (1 - factor)[:, None] * collective
    return Credibility(mean, factor, collective, within, between)


@dataclass(frozen=True, eq=False)
class MeanMarks:
    """What loads carry on the mean."""

    #: (origins, drugs) p: share of the loads of each origin that carry a drug; rows sum
    #: to 1.
    share: Floats
    #: (origins, drugs) exp(mu) S: mean kilograms of a load of a drug.
    kg: Floats

    def of_load(self, worth: Floats) -> Floats:
        """Return (origins,) m: what a load weighs on the mean, where a kilogram of each
        of the (drugs,) drugs is worth so much.
        """
        return np.asarray((self.share * self.kg) @ worth)


def mean_marks(kg: Floats, count: Floats, drug: Ints, origin: Floats) -> MeanMarks:
    """Return what loads carry on the mean, by where they set out.

    Parameters
    ----------
    kg
        (rows,) mean kilograms of the seizures of a row, >= 0; at least one row.
    count
        (rows,) seizures that each row stands for, > 0.
    drug
        (rows,) drug of each row, numbered from 0 without a gap.
    origin
        (rows, origins) chance that they set out at each; rows sum to 1.
    """
    weight = count[:, None] * origin
    drugs = np.arange(drug.max() + 1)
    share = credibility((drug[:, None] == drugs).astype(np.float64), weight, origin).mean
    means = np.empty((origin.shape[1], drugs.size))
    for d in drugs.tolist():
        own = drug == d
        means[:, d] = _mean_kg(kg[own], count[own], weight[own], origin[own])
    return MeanMarks(share, means)


def _mean_kg(kg: Floats, count: Floats, weight: Floats, origin: Floats) -> Floats:
    """Return (origins,) exp(mu) S of one drug; rows of 0 kg count as half the least above 0."""
    if not kg.any():
        return np.zeros(origin.shape[1])
    y = np.log(np.maximum(kg, kg[kg > 0].min() / 2))
    scale = np.exp(credibility(y[:, None], weight, origin).mean[:, 0])
    return np.asarray(scale * float(count @ kg) / float(weight.sum(axis=0) @ scale))
