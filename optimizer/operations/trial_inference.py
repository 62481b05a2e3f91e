"""Randomisation inference: what a schedule that chance drew changed, judged by the
schedules that it could have drawn instead.

Cells c are units in periods. A schedule z gives each an exposure E_c(z) in 0..K, of
which 0 is the comparison, with known chances pi_kc = P(E_c = k). Of outcomes v_c, each
counted on an amount n_c, the Hajek contrast of exposure k is

    S_k(z; v) = sum_c w_kc v_c / sum_c w_kc - sum_c w_0c v_c / sum_c w_0c,      w_jc = n_c [E_c(z) = j] / pi_jc,

over the cells in which both exposures have a chance. A dose d_kc is what was delivered
of exposure k; by plan it is [E_c = k]. The model is y_c = y0_c + sum_k tau_k d_kc,
where the schedule does not change y0. Means of units and periods are taken out of y and
d alike, which is linear and leaves the model as it is. The estimate solves M tau = S(z;
y) with M_kj = S_k(z; d_j).

Schedules z_r, drawn as z was, give M^-1 S(z_r; y - d tau) the distribution of that of z
if tau is true (Fisher 1935; with partial delivery Rosenbaum 2002, section 5.4). A value
of tau_k lies in the interval unless one tail has less than alpha / 2. The statistic is
linear in tau_k: each z_r passes that of z at one value, so the ends are order
statistics of these. With K > 1 the others are held at their estimates. The p-value is
that of "no exposure changed anything": (1 + number as extreme) / (1 + number of
schedules) in the smaller tail, doubled. With K = 1 it is exact. With K > 1 nearly so: M
is that of z also where z_r is judged. S(z; y) alone would be exact, but mixes exposures
and finds less.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.operations.trial_terms import TrialWorld

if TYPE_CHECKING:
    Simulate = Callable[
        ["Ints", float, "TrialSetting", "TrialWorld", np.random.Generator],
        tuple["Floats", "Floats", float],
    ]

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
    """The effect of an exposure on the outcome of a cell."""

    #: Estimate of tau_k, in units of the outcome.
    effect: float
    #: `low`, `high`: 90 % interval; infinite where too little was delivered to bound
    #: it.
    low: float
    high: float
    #: Of no effect of anything.
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
            mass = np.where(both, amount / np.maximum(chance[arm], LEAST_CHANCE), 0.0) * (
                exposure == arm
            )
            total = mass.sum(axis=1, keepdims=True)
            weights[:, k - 1] += sign * np.divide(
                mass, total, out=np.full_like(mass, np.nan), where=total > 0
            )
    return weights


def without_means(values: Floats, amount: Floats, *, periods: bool) -> Floats:
    """Return (..., units, periods) values less the means of units, and of periods if
    asked, weighted by (units, periods) amounts.
    """
    rows, columns = amount.sum(axis=1), amount.sum(axis=0)
    left = np.where(amount > 0, values, 0.0)
    for _ in range(200 if periods else 1):
        mean = np.divide(
            (left * amount).sum(axis=-1), rows, out=np.zeros(left.shape[:-1]), where=rows > 0
        )
        left = left - mean[..., None]
        if not periods:
            break
        mean = np.divide(
            (left * amount).sum(axis=-2),
            columns,
            out=np.zeros((*left.shape[:-2], columns.size)),
            where=columns > 0,
        )
        left = left - mean[..., None, :]
        if np.abs(mean).max(initial=0.0) <= 1e-12 * max(
            1.0, float(np.abs(values).max(initial=0.0))
        ):
            break
    return np.where(amount > 0, left, 0.0)


def effects_of(
    observed: Floats, redrawn: Iterable[Floats], outcome: Floats, dose: Floats
) -> list[ArmEffect] | None:
    """Return the effect of each exposure; None where the schedule, or what was
    delivered, tells no exposure from the comparison.

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
        low, high = _inverted(estimate, held, b[:, k, k])
        slack = ROUNDING * max(abs(estimate), 1e-300)
        tails = (
            1 + int((a[:, k] >= estimate - slack).sum()),
            1 + int((a[:, k] <= estimate + slack).sum()),
        )
        found.append(ArmEffect(estimate, low, high, min(1.0, 2 * min(tails) / (len(a) + 1))))
    return found


def _inverted(estimate: float, a: Floats, b: Floats) -> tuple[float, float]:
    """Return the ends of the values tau at which neither tail of a_r - b_r tau against
    estimate - tau is below `ALPHA` / 2.
    """
    # schedules that a tail must have beside that of the trial
    least = ALPHA / 2 * (a.size + 1) - 1 + ROUNDING
    alike = np.abs(b - 1) <= ROUNDING
    equal = int(alike.sum())
    slope, at = b[~alike], (estimate - a[~alike]) / (1 - b[~alike])
    # such a schedule comes into the upper tail as tau rises past `at`; the others leave
    # it there
    usual = slope < 1
    up, down = np.sort(at[usual]), np.sort(at[~usual])

    def in_tails(tau: Floats) -> Floats:
        upper = (
            np.searchsorted(up, tau, side="right")
            + down.size
            - np.searchsorted(down, tau, side="left")
        )
        lower = (
            up.size
            - np.searchsorted(up, tau, side="left")
            + np.searchsorted(down, tau, side="right")
        )
        return np.asarray(np.minimum(upper, lower) + equal, dtype=np.float64)

    # at both ends of the line a tail has as many as it needs
    if min(down.size, up.size) + equal > least:
        return float("-inf"), float("inf")
    values = np.concatenate((up, down, [estimate]))
    inside = values[in_tails(values) > least]
    return (float(inside.min()), float(inside.max())) if inside.size else (estimate, estimate)


def batches(exposures: Ints, chance: Floats, amount: Floats) -> Iterable[Floats]:
    """Yield the weights of (schedules, cells) exposures, some schedules at a time."""
    for begin in range(0, len(exposures), BATCH):
        yield hajek_weights(exposures[begin : begin + BATCH], chance, amount)


def mean_without(
    exposure: Sequence[int] | Ints, chance: Floats, amount: Floats, outcome: Floats
) -> float:
    """Return the weighted mean outcome of the cells of the comparison; NaN where there is none."""
    weight = np.where(chance[0] >= LEAST_CHANCE, amount / np.maximum(chance[0], LEAST_CHANCE), 0.0)
    weight *= np.asarray(exposure) == 0
    return float(weight @ outcome / weight.sum()) if weight.sum() > 0 else float("nan")


# A made-up world of traffickers who learn, in which a trial is run many times before it
# begins: its power, and its bias.
#
# A unit i has b_i loads for each amount that is looked at. Where an arm stands with the
# delivered share x_it, a share of them is deterred:
#
#     D_it = E b_i (kappa x_it + (1 - kappa) m_it),
#
# where kappa of the traffickers know what stands now, and the others believe m_it,
# which they learn from what they met: half of the way in a half-life h. Of the deterred
# loads a share goes to the neighbours, in equal parts; the others stay away. Finds are
# Poisson with the loads that are left, log-normal noise of each cell and of each
# period, times the amount. A share of the cells is not delivered in full.


EFFECTS = (0.1, 0.2, 0.3)
"""Effects, as shares of the outcome, whose power is stated."""
RUNS = 200


@dataclass(frozen=True, slots=True)
class TrialSetting:
    """How a trial is laid out, for its simulation and its analysis."""

    #: (schedules, units, periods) arms, 0 or 1; each is once the true one, the others
    #: are drawn again.
    schedules: Ints
    #: (units, units) whether loads that leave one unit may come to another.
    neighbours: NDArray[np.bool_]
    #: Whether the exposure to neighbours is analysed.
    nearby: bool
    #: (exposures, cells).
    chance: Floats
    #: `days`, `washout`: Days of a period, and of those at its begin that do not count.
    days: float
    washout: float
    #: Whether the effect that is asked for is that of one period, given what was
    #: learned before; else that of an arm that stays.
    at_once: bool


@dataclass(frozen=True, slots=True)
class TrialPower:
    """What simulated runs say: the share that finds the effect at 10 %, bias of the
    mean as a share of it, how often the interval holds it.
    """

    effect: float
    power: float
    bias: float
    holds: float


def nearby_share(arms: Floats, neighbours: NDArray[np.bool_]) -> Floats:
    """Return (..., units, periods) the share of its neighbours at which an arm stands;
    0 where a unit has none.
    """
    count = neighbours.sum(axis=1)
    total = np.einsum("ij,...jt->...it", neighbours.astype(np.float64), arms)
    return np.asarray(total / np.maximum(count, 1)[:, None])


def exposures(arms: Ints, neighbours: NDArray[np.bool_], *, nearby: bool) -> Ints:
    """Return (..., cells) exposures: 1 where the arm stands, 2 where it stands at a
    neighbour alone (if asked), else 0.
    """
    found = arms.astype(np.int8)
    if nearby:
        found = np.where(
            (found == 0) & (nearby_share(arms.astype(np.float64), neighbours) > 0),
            np.int8(2),
            found,
        )
    return found.reshape(*found.shape[:-2], -1)


def doses(arms: Floats, neighbours: NDArray[np.bool_], *, nearby: bool) -> Floats:
    """Return (exposures - 1, units, periods) doses of (units, periods) delivered arms."""
    return np.stack([arms, nearby_share(arms, neighbours)]) if nearby else arms[None]


def analysed_units(schedules: Ints) -> bool:
    """Return whether means of periods can be taken out: with three units or more."""
    return int(schedules.shape[-2]) >= 3


def trial_powers(
    setting: TrialSetting,
    world: TrialWorld,
    *,
    effects: Sequence[float] = EFFECTS,
    runs: int = RUNS,
    seed: int = 0,
    simulate: Simulate | None = None,
) -> tuple[TrialPower, ...]:
    """Simulate a trial under each effect and return what its analysis by delivered arms
    finds; by `simulated_trial` if not by another.
    """
    simulate = simulate or simulated_trial
    shape = setting.schedules.shape[1:]
    amount = np.full(shape, world.amount)
    exposed = exposures(setting.schedules, setting.neighbours, nearby=setting.nearby)
    weights = list(batches(exposed, setting.chance, amount.ravel()))
    found = []
    for effect in effects:
        rng = np.random.default_rng(seed)
        estimates = []
        held = []
        seen = []
        for run in range(runs):
            arms = setting.schedules[run % len(setting.schedules)]
            outcome, given, truth = simulate(arms, effect, setting, world, rng)
            values = np.concatenate(
                [outcome[None], doses(given, setting.neighbours, nearby=setting.nearby)]
            )
            left = without_means(values, amount, periods=analysed_units(arms)).reshape(
                len(values), -1
            )
            own = hajek_weights(exposed[run % len(exposed)][None], setting.chance, amount.ravel())[
                0
            ]
            tested = effects_of(own, weights, left[0], left[1:])
            if tested is not None:
                one = tested[0]
                estimates.append(one.effect / truth if truth else one.effect)
                held.append(one.low <= truth <= one.high)
                seen.append(one.p <= 0.1)
        known = bool(estimates)
        bias = (
            (float(np.mean(estimates)) - 1 if effect else float(np.mean(estimates)))
            if known
            else float("nan")
        )
        shares = (float(np.mean(part)) if known else float("nan") for part in (seen, held))
        power, holds = shares
        found.append(TrialPower(effect, power, bias, holds))
    return tuple(found)


def simulated_trial(
    arms: Ints, effect: float, setting: TrialSetting, world: TrialWorld, rng: np.random.Generator
) -> tuple[Floats, Floats, float]:
    """Return (units, periods) outcomes and delivered arms of one run, and the true
    effect of a delivered arm on the outcome.
    """
    units, periods = arms.shape
    base = np.full(units, world.rate) * rng.lognormal(-(world.spread**2) / 2, world.spread, units)
    given = _delivered(arms, world, rng)
    learned = _learned(setting.days, setting.washout, world.half_life)
    at_once = world.informed + (1 - world.informed) * learned
    strength = effect / at_once if setting.at_once else effect
    believed = np.zeros(units)
    noise = rng.normal(0, world.noise, arms.shape) + rng.normal(0, world.noise / 2, periods)
    count = np.maximum(setting.neighbours.sum(axis=1), 1)
    outcome = np.empty(arms.shape)
    for t in range(periods):
        now = believed + (given[:, t] - believed) * learned
        deterred = strength * base * (world.informed * given[:, t] + (1 - world.informed) * now)
        come = setting.neighbours.T @ (deterred / count) * world.displaced
        loads = np.maximum(base - deterred + come, 0.0) * np.exp(noise[:, t])
        outcome[:, t] = rng.poisson(loads * world.amount) / world.amount
        believed += (given[:, t] - believed) * (1 - 2 ** (-setting.days / world.half_life))
    return outcome, given, float(-strength * base.mean() * (at_once if setting.at_once else 1.0))


def _delivered(arms: Ints, world: TrialWorld, rng: np.random.Generator) -> Floats:
    """Return (units, periods) shares in which arms are delivered."""
    part = rng.random(arms.shape)
    return np.asarray(
        arms * np.where(rng.random(arms.shape) < world.delivered, 1.0, part), dtype=np.float64
    )


def trial_of_traffickers(
    through: Callable[[Floats, np.random.Generator], Floats], today: float, plan: float
) -> Simulate:
    """Return how a trial is simulated whose units have traffickers of their own.

    Parameters
    ----------
    through
        From (weeks,) shares of the plan to the (weeks,) loads that get through.
    today, plan
        Loads a week that get through once all have learned today's layout, or the plan;
        the difference is the truth of a trial.

    Returns
    -------
    Simulate
        Effects are multiples of the plan's own: 0, where today's layout stands whatever
        the arm, or 1.
    """

    def simulate(
        arms: Ints,
        effect: float,
        setting: TrialSetting,
        world: TrialWorld,
        rng: np.random.Generator,
    ) -> tuple[Floats, Floats, float]:
        given, weeks = _delivered(arms, world, rng), max(1, round(setting.days / 7))
        counted = np.append(
            (np.arange(weeks - 1) + 0.5) * setting.days / weeks > setting.washout, [True]
        )
        left = np.stack([through(np.repeat(row * effect, weeks), rng) for row in given])
        mean = left.reshape(*arms.shape, weeks)[..., counted].mean(axis=-1) / today
        outcome = rng.poisson(world.rate * world.amount * mean) / world.amount
        return outcome, given, effect * world.rate * (plan - today) / today

    return simulate


def _learned(days: float, washout: float, half_life: float) -> float:
    """Return the share of a change that is learned on the mean of the days of a period
    that count.
    """
    rate = np.log(2) / half_life
    span = days - washout
    return float(1 - np.exp(-rate * washout) * (1 - np.exp(-rate * span)) / (rate * span))
