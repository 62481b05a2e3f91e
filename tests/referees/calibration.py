"""Simulation-based calibration: truths drawn from the model's own prior, and where each
truth lies among the draws of its posterior.

Were the approximation exact, the rank of the truth among n draws would be uniform on
0..n (Talts et al. 2018, arXiv:1804.06788). Draws whose record has fewer than `FEWEST`
or more than `MOST` seizures are thrown away: whether a truth is kept depends on its
record alone, so that ranks stay uniform. `python -m tests.referees calibration` runs
it; a short version is a test.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from optimizer.risk import FieldFlow, OdTable
from optimizer.risk.field_flow.model_averaging import LOCAL_SHARES
from optimizer.risk.params import USUAL, RiskParams
from tests.referees.cases import FLOW_PRIOR, SmallCase
from tests.referees.dense import HYPER_MEAN, HYPER_SD, flow_over_mean, laplacian_of
from tests.risk_cases import grid_network

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

KINDS = ("field", "field + flow", "field + flow, masses", "alike")
FEWEST, MOST = 20, 2000
DRAWS, BINS = 99, 20
LEVEL = 0.9
CERTAIN = 1e5
"""Expected seizures from which more than `MOST` are certain."""


@dataclass(frozen=True)
class Truth:
    """A truth drawn from the prior, with its record: its kind, the (m,) log rate, and
    the table that makes its flows.
    """

    kind: str
    log_rate: Floats
    table: OdTable
    case: SmallCase


@dataclass(frozen=True)
class CalibrationRow:
    """Where one truth lies in its posterior."""

    #: `seed`, `kind`, `seizures`: Which truth.
    seed: int
    kind: str
    seizures: int
    #: Posterior weight of the candidates, by name.
    weights: dict[str, float]
    #: Whether the product gave the averaged model up for a simpler one.
    replaced: bool
    #: `searched`, `unsearched`, `pairs`: (BINS,) how many segments, and pairs of the
    #: table, have their rank in each part of 0..DRAWS.
    searched: list[int]
    unsearched: list[int]
    pairs: list[int]
    #: `held_searched`, `held_unsearched`, `held_pairs`: How many lie inside 90 %
    #: intervals, segments by the model's own spread.
    held_searched: int
    held_unsearched: int
    held_pairs: int
    #: `widened_searched`, `widened_unsearched`: The same with the spread that the
    #: product publishes.
    widened_searched: int
    widened_unsearched: int


def draw_truth(seed: int, size: int) -> Truth:
    """Return the first truth of a seed whose record has a number of seizures that is wanted."""
    rng = np.random.default_rng([20261125, seed])
    network = grid_network(size, rng, keep=1.0)
    m, last = network.n_segments, size * size - 1
    prior = OdTable(
        np.array([0, size - 1, size * (size // 2)]),
        np.array([last, last - size + 1, size // 2]),
        rng.gamma(2.0, 1.0, (3, 3)),
    )
    value, vector = np.linalg.eigh(laplacian_of(network))
    value = np.maximum(value, 0.0)
    share = np.array([1.0, 1.0, 1.0, USUAL.alike_weight])
    while True:
        kind = str(rng.choice(KINDS, p=share / share.sum()))
        tau, kappa2, nugget = np.exp(HYPER_MEAN + HYPER_SD * rng.standard_normal(3))
        log_rate = np.full(m, 10.0 * rng.standard_normal())
        own, table = np.ones(m), prior
        if "flow" in kind:
            theta, local = float(rng.choice(USUAL.thetas)), float(rng.choice(LOCAL_SHARES))
            thick = flow_over_mean(network, prior, theta)
            own = local / (thick + local)
            if kind.endswith("masses"):
                masses = USUAL.mass_sd * rng.standard_normal((2, 3))
                table = prior.with_weight(prior.shares() * np.exp(masses[0][:, None] + masses[1]))
                thick = flow_over_mean(network, table, theta) * _total(table, prior)
            column = np.log(thick + local)
            log_rate += (FLOW_PRIOR[0] + FLOW_PRIOR[1] * rng.standard_normal()) * column
        if kind != "alike":
            log_rate += vector @ (rng.standard_normal(m) / np.sqrt(tau * (kappa2 + value)))
            log_rate += np.sqrt(nugget * own) * rng.standard_normal(m)
        hours = rng.gamma(1.0, 1.0, m) * (rng.random(m) < 0.6)
        mean = hours * np.exp(np.clip(log_rate, -300, 300))
        if mean.sum() > CERTAIN:
            continue
        count = rng.poisson(mean).astype(np.float64)
        if FEWEST <= count.sum() <= MOST:
            return Truth(kind, log_rate, table, SmallCase(network, prior, hours, count))


def _total(table: OdTable, prior: OdTable) -> float:
    """Return how much more flows in all than under the prior table: columns are
    relative to the prior's mean.
    """
    return float(table.weight.sum() / prior.shares().sum())


def judge(seed: int, size: int = 5, *, shrink: float = 1.0) -> CalibrationRow:
    """Return where a truth lies in the posterior of its record; spreads are multiplied
    by `shrink`, to see that the judge notices.
    """
    truth = draw_truth(seed, size)
    case = truth.case
    rng = np.random.default_rng([20261126, seed])
    # no doubt: these truths are the model's own, without tips
    model = FieldFlow(
        case.table, season=False, shape=np.inf, masses=True, params=RiskParams(doubt=0.0)
    )
    model.fit(*case.records, case.network)
    published, model._widening = model.widening, shrink
    estimate = model.predict()
    true = truth.log_rate - np.log(estimate.global_rate[0])
    draws = model.sample(DRAWS, rng)
    rank = _rank(draws, true, rng)
    reach = float(ndtri(0.5 + LEVEL / 2)) * shrink * model.sd_
    off = np.abs(true - model.mean_)
    wide = reach * published
    seen = case.hours > 0
    wanted = truth.table.shares().ravel()
    pairs = np.array([one.shares().ravel() for one in model.tables(DRAWS, rng)])
    flows = "flow" in truth.kind
    pair_rank = _rank(pairs, wanted, rng) if flows else np.empty(0, dtype=np.int64)
    edge = (1 - LEVEL) / 2 * (DRAWS + 1)
    return CalibrationRow(
        seed=seed,
        kind=truth.kind,
        seizures=int(case.count.sum()),
        weights={
            one.name: round(float(weight), 4)
            for one, weight in zip(model.candidates_, model.weights_, strict=True)
        },
        replaced=any("is used in its place" in remark for remark in model.remarks_),
        searched=_histogram(rank[seen]),
        unsearched=_histogram(rank[~seen]),
        pairs=_histogram(pair_rank),
        held_searched=int((off <= reach)[seen].sum()),
        held_unsearched=int((off <= reach)[~seen].sum()),
        held_pairs=int(((pair_rank >= edge) & (pair_rank < DRAWS + 1 - edge)).sum()),
        widened_searched=int((off <= wide)[seen].sum()),
        widened_unsearched=int((off <= wide)[~seen].sum()),
    )


def _rank(draws: Floats, true: Floats, rng: np.random.Generator) -> Ints:
    """Return the rank of each truth among its draws; a truth that equals some of them
    gets a place among these by chance.
    """
    equal = np.isclose(draws, true, rtol=1e-9, atol=0)
    below = ((draws < true) & ~equal).sum(axis=0)
    return np.asarray(below + rng.integers(0, equal.sum(axis=0) + 1), dtype=np.int64)


def _histogram(rank: Ints) -> list[int]:
    return [int(one) for one in np.bincount(rank * BINS // (DRAWS + 1), minlength=BINS)]


@dataclass(frozen=True)
class Spread:
    """Mean and standard error, over truths, of what a uniform rank would make `wanted`."""

    mean: float
    error: float
    wanted: float

    @property
    def z(self) -> float:
        """Distance from what is wanted in standard errors."""
        return (self.mean - self.wanted) / self.error


def mean_rank(histograms: list[list[int]]) -> Spread:
    """Return the mean rank as a share of 0..1, truth by truth; 0.5 is wanted."""
    middle = (np.arange(BINS) + 0.5) / BINS
    return _spread([float(middle @ one / sum(one)) for one in histograms if sum(one)], 0.5)


def outer_share(histograms: list[list[int]]) -> Spread:
    """Return the share of ranks in the outer tenth of 0..1, both ends together, truth
    by truth; 0.1 is wanted.
    """
    return _spread([(one[0] + one[-1]) / sum(one) for one in histograms if sum(one)], 2 / BINS)


def _spread(values: list[float], wanted: float) -> Spread:
    return Spread(
        float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(len(values))), wanted
    )


def run_calibration(seeds: range, size: int = 5) -> list[dict[str, Any]]:
    """Return the rows of the seeds as dictionaries."""
    return [asdict(judge(seed, size)) for seed in seeds]
