"""Randomisation inference: what a schedule that chance drew changed, judged by the schedules that it could have drawn instead.

Cells c are units in periods. A schedule z gives each an exposure E_c(z) in 0..K, of which 0 is the comparison, with known chances
pi_kc = P(E_c = k). Of outcomes v_c, each counted on an amount n_c, the Hajek contrast of exposure k is

    S_k(z; v) = sum_c w_kc v_c / sum_c w_kc - sum_c w_0c v_c / sum_c w_0c,      w_jc = n_c [E_c(z) = j] / pi_jc,

over the cells in which both exposures have a chance. A dose d_kc is what was delivered of exposure k; by plan it is [E_c = k]. The model is
y_c = y0_c + sum_k tau_k d_kc, where the schedule does not change y0. Means of units and periods are taken out of y and d alike, which is linear
and leaves the model as it is. The estimate solves M tau = S(z; y) with M_kj = S_k(z; d_j).

Schedules z_r, drawn as z was, give M^-1 S(z_r; y - d tau) the distribution of that of z if tau is true (Fisher 1935; with partial delivery
Rosenbaum 2002, section 5.4). A value of tau_k lies in the interval unless one tail has less than alpha / 2. The statistic is linear in tau_k:
each z_r passes that of z at one value, so the ends are order statistics of these. With K > 1 the others are held at their estimates. The
p-value is that of "no exposure changed anything": (1 + number as extreme) / (1 + number of schedules) in the smaller tail, doubled. With K = 1
it is exact. With K > 1 nearly so: M is that of z also where z_r is judged. S(z; y) alone would be exact, but mixes exposures and finds less.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int8]

ALPHA = 0.1
"""Intervals are of 90 %."""
LEAST_CHANCE = 0.01
"""Chance of an exposure below which a cell tells nothing of it."""
BATCH = 100
"""Schedules whose weights are held at a time."""
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class ArmEffect:
    """The effect of an exposure on the outcome of a cell.

    Attributes
    ----------
    effect
        Estimate of tau_k, in units of the outcome.
    low, high
        90 % interval; infinite where too little was delivered to bound it.
    p
        Of no effect of anything.
    """

    effect: float
    low: float
    high: float
    p: float


def hajek_weights(exposure: Ints, chance: Floats, amount: Floats) -> Floats:
    """Return the (schedules, K, cells) weights a with S_k(z; v) = a_k v.

    Parameters
    ----------
    exposure
        (schedules, cells) in 0..K.
    chance
        (K + 1, cells) chance of each exposure.
    amount
        (cells,) >= 0; 0 where nothing is known of a cell.

    Returns
    -------
    NDArray[float64]
        Weights; NaN where a schedule has no cell of an exposure.
    """
    kinds = chance.shape[0] - 1
    weights = np.zeros((exposure.shape[0], kinds, exposure.shape[1]))
    for k in range(1, kinds + 1):
        both = (chance[0] >= LEAST_CHANCE) & (chance[k] >= LEAST_CHANCE)
        for arm, sign in ((k, 1.0), (0, -1.0)):
            mass = np.where(both, amount / np.maximum(chance[arm], LEAST_CHANCE), 0.0) * (exposure == arm)
            total = mass.sum(axis=1, keepdims=True)
            weights[:, k - 1] += sign * np.divide(mass, total, out=np.full_like(mass, np.nan), where=total > 0)
    return weights


def without_means(values: Floats, amount: Floats, *, periods: bool) -> Floats:
    """Return (..., units, periods) values less the means of units, and of periods if asked, weighted by (units, periods) amounts."""
    rows, columns = amount.sum(axis=1), amount.sum(axis=0)
    left = np.where(amount > 0, values, 0.0)
    for _ in range(200 if periods else 1):
        mean = np.divide((left * amount).sum(axis=-1), rows, out=np.zeros(left.shape[:-1]), where=rows > 0)
        left = left - mean[..., None]
        if not periods:
            break
        mean = np.divide(
            (left * amount).sum(axis=-2), columns, out=np.zeros((*left.shape[:-2], columns.size)), where=columns > 0
        )
        left = left - mean[..., None, :]
        if np.abs(mean).max(initial=0.0) <= 1e-12 * max(1.0, float(np.abs(values).max(initial=0.0))):
            break
    return np.where(amount > 0, left, 0.0)


def effects_of(
    observed: Floats, redrawn: Iterable[Floats], outcome: Floats, dose: Floats, alpha: float = ALPHA
) -> list[ArmEffect] | None:
    """Return the effect of each exposure; None where the schedule, or what was delivered, tells no exposure from the comparison.

    Parameters
    ----------
    observed
        (K, cells) weights of the schedule.
    redrawn
        Batches of (schedules, K, cells) weights of others; those with NaN are left out.
    outcome
        (cells,), with means taken out as from `dose`.
    dose
        (K, cells) of what was delivered.
    alpha
        1 less the level of the interval.
    """
    matrix = observed @ dose.T
    if not np.isfinite(matrix).all() or np.linalg.matrix_rank(matrix, tol=1e-9) < len(matrix):
        return None
    inverse = np.linalg.inv(matrix)
    effect = inverse @ (observed @ outcome)
    of_outcome, of_dose = [], []
    for weights in redrawn:
        known = weights[np.isfinite(weights).all(axis=(1, 2))]
        of_outcome.append(known @ outcome @ inverse.T)
        of_dose.append(inverse @ (known @ dose.T))
    a, b = np.concatenate(of_outcome), np.concatenate(of_dose)
    found = []
    for k, estimate in enumerate(effect.tolist()):
        held = a[:, k] - (b[:, k] @ effect - b[:, k, k] * estimate)
        low, high = _inverted(estimate, held, b[:, k, k], alpha)
        slack = ROUNDING * max(abs(estimate), 1e-300)
        tails = (1 + int((a[:, k] >= estimate - slack).sum()), 1 + int((a[:, k] <= estimate + slack).sum()))
        found.append(ArmEffect(estimate, low, high, min(1.0, 2 * min(tails) / (len(a) + 1))))
    return found


def _inverted(estimate: float, a: Floats, b: Floats, alpha: float) -> tuple[float, float]:
    """Return the ends of the values tau at which neither tail of a_r - b_r tau against estimate - tau is below alpha / 2."""
    least = alpha / 2 * (a.size + 1) - 1 + ROUNDING  # schedules that a tail must have beside that of the trial
    alike = np.abs(b - 1) <= ROUNDING
    equal = int(alike.sum())
    slope, at = b[~alike], (estimate - a[~alike]) / (1 - b[~alike])
    usual = slope < 1  # such a schedule comes into the upper tail as tau rises past `at`; the others leave it there
    up, down = np.sort(at[usual]), np.sort(at[~usual])

    def in_tails(tau: Floats) -> Floats:
        upper = np.searchsorted(up, tau, side="right") + down.size - np.searchsorted(down, tau, side="left")
        lower = up.size - np.searchsorted(up, tau, side="left") + np.searchsorted(down, tau, side="right")
        return np.asarray(np.minimum(upper, lower) + equal, dtype=np.float64)

    if min(down.size, up.size) + equal > least:  # at both ends of the line a tail has as many as it needs
        return float("-inf"), float("inf")
    values = np.concatenate((up, down, [estimate]))
    inside = values[in_tails(values) > least]
    return (float(inside.min()), float(inside.max())) if inside.size else (estimate, estimate)


def batches(exposures: Ints, chance: Floats, amount: Floats) -> Iterable[Floats]:
    """Yield the weights of (schedules, cells) exposures, some schedules at a time."""
    for begin in range(0, len(exposures), BATCH):
        yield hajek_weights(exposures[begin : begin + BATCH], chance, amount)


def mean_without(exposure: Sequence[int] | Ints, chance: Floats, amount: Floats, outcome: Floats) -> float:
    """Return the weighted mean outcome of the cells of the comparison; NaN where there is none."""
    weight = np.where(chance[0] >= LEAST_CHANCE, amount / np.maximum(chance[0], LEAST_CHANCE), 0.0)
    weight *= np.asarray(exposure) == 0
    return float(weight @ outcome / weight.sum()) if weight.sum() > 0 else float("nan")
