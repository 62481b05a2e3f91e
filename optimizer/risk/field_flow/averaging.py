"""What the candidates say together: the averaged log rates, and the seizures they expect behind the record they were fitted to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.said import said
from optimizer.risk.field_flow.model_averaging import ALIKE
from optimizer.risk.numerics.lognormal import LARGEST_SD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from optimizer.risk.evidence import Evidence
    from optimizer.risk.field_flow.model_averaging import Candidate

    Floats = NDArray[np.float64]

WIDENING, WIDENING_WITH_FLOWS = 1.1, 1.3
"""Posterior standard deviations are multiplied by these, so that 90 % intervals hold about as often in simulation as they promise
(docs/risk.md). Models with flows do not include the uncertainty about which of several roads is taken, so their intervals are too narrow."""
WIDENING_FAULTY, FAULTS_SD = 1.1, 1.2
"""Where seizures are recorded where nobody is recorded to have searched, the record has faults, of which the model knows some on the whole and
others (recorded tips, missing rows, places that detect differently) not at all. Intervals then are those of log rates whose standard
deviation is the model's times the first, and, independently, the second; chosen in simulated worlds (results/risk/model.md)."""

LEAST_SD = 0.3
"""Standard deviations are taken as at least this where faults widen them: the factor stays below 4.2."""

LEAST_SIGNAL = 0.5
"""Posterior probability that segments differ below which the record is said to hold no spatial signal."""


@dataclass(frozen=True, eq=False)
class AveragedRates:
    """Log rates averaged over the candidates, as normal distributions with the mixture's mean and standard deviation.

    Attributes
    ----------
    mean, sd
        (m,) log rate at level 0.
    unit_mean, unit_sd
        (n_units, m) log rate with the level of each unit. The two are kept apart because log rates and levels are correlated: where a unit
        searched alone, only their sum is known.
    expected
        (n_units,) seizures expected behind the record, averaged over the candidates.
    """

    mean: Floats
    sd: Floats
    unit_mean: Floats
    unit_sd: Floats
    expected: Floats


def average_rates(candidates: Sequence[Candidate], weights: Floats, evidence: Evidence) -> AveragedRates:
    """Return the average of the candidates with a weight above 0, which must have their posterior."""
    kept = [one for one, weight in zip(candidates, weights, strict=True) if weight > 0]
    weight = weights[weights > 0]
    mean, sd = _mixed(weight, np.array([one.mean for one in kept]), np.array([one.sd for one in kept]))
    if len(evidence.units) == 1:
        unit_mean, unit_sd = mean[None], sd[None]
    else:
        unit_mean, unit_sd = _mixed(
            weight, np.array([one.unit_mean for one in kept]), np.array([one.unit_sd for one in kept])
        )
    expected = weight @ np.array([_expected(one, evidence) for one in kept])
    return AveragedRates(mean, sd, unit_mean, unit_sd, expected)


def _mixed(weight: Floats, means: Floats, sds: Floats) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of a mixture of normal distributions, the components along the first axis."""
    mean = np.tensordot(weight, means, 1)
    return mean, np.sqrt(np.tensordot(weight, sds**2 + (means - mean) ** 2, 1))


def _expected(one: Candidate, evidence: Evidence) -> Floats:
    """Return the (n_units,) seizures that a candidate expects behind the record."""
    if one.unit_mean is None or one.unit_sd is None:
        raise ValueError("the candidate has no posterior yet")
    rate = np.exp(one.unit_mean + np.minimum(one.unit_sd, LARGEST_SD) ** 2 / 2)
    expected = np.asarray((evidence.unit_expected * rate).sum(axis=1))
    if one.summary is not None:
        np.add.at(expected, [area.unit for area in evidence.area_counts], one.summary.expected)
    return expected


def widening_of(candidates: Sequence[Candidate], weights: Floats, evidence: Evidence, sd: Floats) -> float:
    """Return the factor on the (m,) standard deviations `sd` in intervals and draws that simulation calls for, by the (candidates,) weights.

    In a record with faults it is the one that `FAULTS_SD` asks for at the median of the standard deviations.
    """
    factors = [WIDENING_WITH_FLOWS if one.flows else WIDENING for one in candidates]
    widening = float(weights @ factors)
    if evidence.misplaced is None:
        return widening
    return max(widening, float(np.hypot(WIDENING_FAULTY, FAULTS_SD / max(float(np.median(sd)), LEAST_SD))))


def spatial_signal(candidates: Sequence[Candidate]) -> float:
    """Return the posterior probability that segments differ by more than their road class, all candidates being as likely before, in [0, 1]."""
    logs = np.array([one.log_evidence for one in candidates])
    chance = np.exp(logs - logs.max())
    differ = np.array([one.name != ALIKE for one in candidates])
    return float(chance[differ].sum() / chance.sum())


def replaced(found: str, model: str) -> str:
    """Return what a reader must know where a candidate takes the place of the average; `found` is what the average contradicted."""
    simpler = {"field": said("The field without flows"), "alike": said("One rate for each road class")}
    return said(
        "The averaged risk model contradicted its own record ({found}). {model} is used in its place: it fits the record, and tells places "
        "apart less.",
        found=found,
        model=simpler[model],
    )


def too_few_draws(effective: float) -> str:
    """Return what a reader must know where few of the draws that weigh areas count."""
    return said(
        "Seizures known by area alone are weighed by draws, and only about {count:.0f} of them count: medians and intervals of these areas are "
        "rough.",
        count=effective,
    )


def signal_remarks(candidates: Sequence[Candidate]) -> list[str]:
    """Return what a reader must know where the record does not tell places apart."""
    signal = spatial_signal(candidates)
    if signal >= LEAST_SIGNAL:
        return []
    return [
        said(
            "The record holds no spatial signal: that roads of one class are alike has a posterior probability of {probability:.0%}. The risk "
            "map then says little of where, and where loads pass rests on the flows that gravity expects. More searches, in more places, may "
            "change this.",
            probability=1 - signal,
        )
    ]
