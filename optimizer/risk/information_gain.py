"""Where to search next: the information that a patrol would give, and the probability
of each segment to be among the worst.

A patrol of some effort on segment s finds Y ~ Poisson(e exp(eta_s)) (or negative
binomial of the month's shape), e what it would find at the global rate, and eta_s ~
N(mean_s, sd_s^2). Its information is the mutual information of Y and eta_s, in nats:

    I_s = H(Y) - E[H(Y | eta_s)] = E[log p(Y | eta_s) / p(Y)]

Y depends on the other log rates through eta_s alone, so that I_s is the information
about all of them together. `around` adds up the information about each of the segments
near by, taking log rates as normal with correlation rho_st (from joint draws):

    I(Y; eta_t) ~ -1/2 log(1 - rho_st^2 (1 - exp(-2 I_s)))

Information does not ask whether a road matters. `top` does: the chance that a segment
is among the worst roads in a draw of all log rates; who searches in proportion to it
searches as Thompson's rule says (Thompson 1933), where a road is bad or may be.

References
----------
W. R. Thompson (1933), On the likelihood that one unknown probability exceeds another in
view of the evidence of two samples, Biometrika 25. D. V. Lindley (1956), On a measure
of the information provided by an experiment, Annals of Mathematical Statistics 27(4).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RegularGridInterpolator
from scipy.sparse import coo_array, csr_array
from scipy.special import gammaln

from optimizer.base.errors import InputError, Problem
from optimizer.base.text.language import marked
from optimizer.risk.field_flow.field import road_neighbours

if TYPE_CHECKING:
    from optimizer.problem.network.network import Network
    from optimizer.risk.field_flow.model import FieldFlow

Floats: TypeAlias = NDArray[np.float64]

TOP = 0.05
"""Share of the network's length that counts as the worst roads."""
PAIRS = 100_000
"""Pairs of near segments that are worked out at once."""
DRAWS = 200
STEPS = 2
"""Junctions to go, at most, from a segment to those that count as around it."""
LARGEST_LOG_MEAN = 30.0
"""Log means of a patrol's seizures are cut at this and its opposite, far from what any
patrol finds.
"""
FEWEST_NODES = 97
MANY = 400.0
"""Fisher information of a count about its log mean from which its error is taken as normal."""
PANEL = 3.2
"""Spreads of a count in a panel of `POINTS`; with the eight points of Gauss's rule,
sums over counts are right to 1e-6 (measured).
"""
POINTS, SHARES = np.polynomial.legendre.leggauss(8)
DIRECT = 400
"""Up to so many values are integrated one by one; more are interpolated in a table of
the logarithm, to less than 1 % (measured).
"""
LEAST_SD = 1e-3
MUCH, SURE = 0.1, 0.5
"""Share of segments whose information is called much, and probability of being among
the worst from which a road is called bad.
"""


@dataclass(frozen=True, eq=False)
class InformationGain:
    """Expected seizures and information of a patrol, segment by segment (m of them)."""

    #: `amount`, `unit`: Effort of the patrol.
    amount: float
    unit: str
    #: (m,) median risk index.
    median: Floats
    #: (m,) median of the expected seizures of the patrol.
    seizures: Floats
    #: (m,) information about the segment's log rate, >= 0, in nats.
    information: Floats
    #: (m,) `information` and the sum of the information about each of the segments
    #: around, in nats.
    around: Floats
    #: (m,) chance that the segment is among the worst `TOP` of the network's length.
    top: Floats
    #: (m,) whether anybody ever searched there.
    searched: NDArray[np.bool_]


def information_gain(
    model: FieldFlow,
    network: Network,
    amount: float,
    unit: str | None = None,
    *,
    draws: int = DRAWS,
) -> InformationGain:
    """Return the information of one patrol of the given effort on each segment.

    Parameters
    ----------
    model
        Fitted.
    network
        The roads it was fitted on.
    amount
        Effort of the patrol, > 0.
    unit
        Its unit; by default the first that has a rate.
    draws
        Joint draws of the log rates, always the same ones.

    Raises
    ------
    InputError
        If the amount is not above 0, or no effort in the unit was ever recorded.
    """
    number = _unit(model, unit)
    if not 0 < amount < np.inf:
        raise InputError(
            Problem(
                "--effort",
                f"{amount:.10g}",
                f"an amount of {model.evidence_.units[number]} above 0",
            )
        )
    main = model.candidates_[int(np.argmax(model.weights_))]
    log_mean = (
        np.log(amount * model.evidence_.global_rate[number]) + model.levels_[number] + model.mean_
    )
    sd = model.widening * model.sd_
    drawn = model.sample(draws, np.random.default_rng(0))
    own = count_information(log_mean, sd, main.hyper.shape)
    length = network.length_m[network.segment_arc]
    return InformationGain(
        amount,
        model.evidence_.units[number],
        model.predict().median,
        np.exp(log_mean),
        own,
        own + information_around(own, drawn, near_segments(network)),
        chance_of_top(drawn, length),
        model.evidence_.searched,
    )


def _unit(model: FieldFlow, unit: str | None) -> int:
    units = model.evidence_.units
    rated = [
        name
        for name, rate in zip(units, model.evidence_.global_rate, strict=True)
        if np.isfinite(rate)
    ]
    if unit is None:
        return units.index(rated[0])
    if unit not in rated:
        expected = "a unit with recorded effort: " + " or ".join(map(repr, rated))
        raise InputError(Problem("--unit", repr(unit), expected))
    return units.index(unit)


def count_information(log_mean: Floats, sd: Floats, shape: float = np.inf) -> Floats:
    """Return the (k,) mutual informations, in nats, of a count and its log rate.

    Parameters
    ----------
    log_mean
        (k,) mean of the log of the count's mean.
    sd
        (k,) standard deviation of that log, >= 0.
    shape
        Shape of the count given its mean, > 0; infinity is Poisson.
    """
    centre = np.clip(log_mean, -LARGEST_LOG_MEAN, LARGEST_LOG_MEAN)
    spread = np.maximum(sd, LEAST_SD)
    if centre.size <= DIRECT:
        return np.array(
            [
                _integrated(m, s, shape)
                for m, s in zip(centre.tolist(), spread.tolist(), strict=True)
            ]
        )
    at = _grid(centre, 0.25), _grid(np.log(spread), 0.15)
    table = [
        [np.log(_integrated(m, s, shape)) for s in np.exp(at[1]).tolist()] for m in at[0].tolist()
    ]
    between = RegularGridInterpolator(at, np.array(table))
    return np.asarray(np.exp(between(np.column_stack((centre, np.log(spread))))))


def _grid(values: Floats, step: float) -> Floats:
    low, high = float(values.min()) - 1e-9, float(values.max()) + 1e-9
    return np.linspace(low, high, max(int(np.ceil((high - low) / step)) + 1, 2))


def _integrated(centre: float, sd: float, shape: float) -> float:
    """Return one mutual information: the mean over log rates x of k(x), the divergence
    of the count at x from a count at any log rate.

    k(x) is a sum over counts where the Fisher information F of a count about x is below
    `MANY`. Beyond, the sum would have to be very fine; there a count tells x with a
    normal error of variance 1 / F. Between `MANY` and four times as much, one gives way
    to the other smoothly: a step would make more effort seem to teach less.
    """
    finest = min(1 / (np.exp(-centre - 8 * sd) + 1 / shape), 4 * MANY)
    # no farther apart than the width of what a count says
    nodes = np.ceil(16 * sd * np.sqrt(finest))
    z = np.linspace(-8.0, 8.0, max(int(nodes), FEWEST_NODES))
    weight = np.exp(-(z**2) / 2)
    weight /= weight.sum()
    x = centre + sd * z
    fisher = 1 / (np.exp(-x) + 1 / shape)
    far = np.clip(np.log(fisher / MANY) / np.log(4.0), 0.0, 1.0)
    far *= far * (3 - 2 * far)
    variance = sd**2 + 1 / fisher
    normal = np.log(fisher * variance) / 2 + ((x - centre) ** 2 + 1 / fisher) / variance / 2 - 0.5
    counted = weight * (1 - far)
    end = np.searchsorted(far, 1.0)
    told = float(weight @ (far * normal))
    if end == 0:
        return told
    beyond = int(
        np.searchsorted(x, x[end - 1] + 10 / np.sqrt(fisher[end - 1]))
    )  # whose counts are mixed with those of the nodes before
    count, step = _counts(float(np.exp(x[end - 1])), shape)
    log_chance = _log_chance(count, x[:beyond], shape)
    chance = np.exp(log_chance)
    overall = np.maximum(weight[:beyond] @ chance, 1e-300)
    divergence = (chance[:end] * (log_chance[:end] - np.log(overall))) @ step
    return max(told + float(counted[:end] @ divergence), 1e-300)


def _counts(largest: float, shape: float) -> tuple[Floats, Floats]:
    """Return counts and how many each stands for: one by one below 100, then at Gauss's
    points in panels of some spreads of a count.
    """
    spread = np.sqrt(largest + largest**2 / shape)
    most = (
        largest + 10 * spread + 12 + 36 * largest / shape
    )  # the last for small shapes, whose tail falls as exp(-shape y / largest)
    single = np.arange(min(most, 100.0))
    if most <= 100:
        return single, np.ones(single.size)
    # with u = 2 sqrt(y) a Poisson count has a spread of 1 everywhere, with u = 2
    # sqrt(shape) asinh(sqrt(y / shape)) a negative binomial one; panels for a shape
    # below 2 would be wider than the chances beyond the mean, which fall as exp(-y)
    shape = max(shape, 2.0)
    scale = 2 * np.sqrt(shape)
    low, high = (
        scale * np.arcsinh(np.sqrt(y / shape)) if np.isfinite(shape) else 2 * np.sqrt(y)
        for y in (99.5, most)
    )
    starts = np.arange(low, high, PANEL)
    u = (starts[:, None] + PANEL * (1 + POINTS) / 2).ravel()
    many = shape * np.sinh(u / scale) ** 2 if np.isfinite(shape) else u**2 / 4
    stands_for = np.tile(PANEL / 2 * SHARES, starts.size) * np.sqrt(many + many**2 / shape)
    return np.concatenate((single, many)), np.concatenate((np.ones(single.size), stands_for))


def _log_chance(count: Floats, x: Floats, shape: float) -> Floats:
    """Return the (nodes, counts) log chances of counts given log means."""
    if np.isinf(shape):
        return np.asarray(count * x[:, None] - np.exp(x)[:, None] - gammaln(count + 1))
    ways = gammaln(count + shape) - gammaln(count + 1)
    large = (
        count > 1e5
        # there the difference of two large numbers loses its digits; Stirling's series
        # gives it without
    )
    y, r = count[large] + 1, shape - 1
    ways[large] = r * np.log(y) + (y + r - 0.5) * np.log1p(r / y) - r + (1 / (y + r) - 1 / y) / 12
    odds = np.exp(x)[:, None] / shape
    return np.asarray(ways - gammaln(shape) - shape * np.log1p(odds) - count * np.log1p(1 / odds))


def information_around(own: Floats, drawn: Floats, near: csr_array) -> Floats:
    """Return the (m,) sums of the information that a patrol on each segment gives about
    each of the segments near it, in nats.

    Parameters
    ----------
    own
        (m,) nats about the segment itself.
    drawn
        (n, m) joint draws of the log rates.
    near
        (m, m) whose entries say which segments are near which.
    """
    pairs = coo_array(near)
    first, second = pairs.row, pairs.col
    n = len(drawn)
    scaled = (drawn - drawn.mean(axis=0)) / np.maximum(drawn.std(axis=0), 1e-12)
    squared = np.empty(first.size)
    # all pairs at once would hold every draw of each pair
    for start in range(0, first.size, PAIRS):
        part = slice(start, start + PAIRS)
        squared[part] = (
            np.einsum("ij,ij->j", scaled[:, first[part]], scaled[:, second[part]]) ** 2 / n**2
        )
    # what n draws show by chance
    squared = np.clip(squared - (1 - squared) / max(n - 2, 1), 0.0, 1.0)
    information = -0.5 * np.log1p(-squared * -np.expm1(-2 * own[first]))
    return np.bincount(first, information, own.size).astype(np.float64)


def near_segments(network: Network, steps: int = STEPS) -> csr_array:
    """Return which segments can be reached from which over so many junctions,
    themselves left out.
    """
    pairs = road_neighbours(network)
    m = pairs.size
    one = coo_array((np.ones(pairs.first.size), (pairs.first, pairs.second)), shape=(m, m)).tocsr()
    one = one + one.T
    reached = one
    for _ in range(steps - 1):
        reached = reached + reached @ one
    pair = coo_array(reached)
    apart = pair.row != pair.col
    return csr_array((np.ones(apart.sum()), (pair.row[apart], pair.col[apart])), shape=(m, m))


def chance_of_top(drawn: Floats, length: Floats, share: float = TOP) -> Floats:
    """Return the (m,) share of the (n, m) draws in which each segment begins within the
    worst `share` of the roads' length.
    """
    within = np.zeros(length.size)
    for draw in drawn:
        order = np.argsort(-draw, kind="stable")
        before = np.cumsum(length[order]) - length[order]
        within[order[before < share * length.sum()]] += 1
    return within / len(drawn)


def reason(gain: InformationGain, segment: int) -> str:
    """Return in a few words why one would look at a segment, or need not."""
    if not gain.searched[segment]:
        worst = marked("unknown: never searched, may be among the worst")
        return worst if gain.top[segment] > TOP else marked("unknown: never searched")
    if (gain.around > gain.around[segment]).mean() < MUCH:
        return marked("searched, but a patrol would still give much information")
    if gain.top[segment] > SURE:
        return marked("known to be bad")
    return marked("unsure whether bad") if gain.top[segment] > TOP else marked("known well enough")
