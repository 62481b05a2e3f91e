"""What every risk model answers: the interface, the estimate, and the answers where
rates are Gamma or log-normal.

`RiskModel` is what callers rely on. `GammaModel` answers for models whose segments
stand each on their own; `estimate_of` and the functions after it answer where log rates
are normal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv, gammaln, logsumexp, ndtri, xlogy

from optimizer.records.model import Effort, Seizures
from optimizer.risk.evidence import Evidence, later_evidence
from optimizer.risk.numerics.likelihood import LARGEST, AreaCount, Cells, count_terms

if TYPE_CHECKING:
    from optimizer.problem.network.network import Network

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Interval:
    """Central intervals of k numbers."""

    #: `low`, `high`: (k,) lower and upper ends.
    low: NDArray[np.float64]
    high: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SeizureRates:
    """Seizures per unit of effort, by segment (m of them)."""

    #: (m,) median.
    median: NDArray[np.float64]
    #: The central interval.
    interval: Interval


@dataclass(frozen=True)
class RiskEstimate:
    """Risk index by segment (m of them): 1 where a unit of effort finds what it finds
    on the whole.
    """

    #: `median`, `low`, `high`: (m,) median and the ends of the central interval, >= 0.
    #: Rank by the median: means are dominated by segments that were never searched. In
    #: a record with faults `FieldFlow` lowers the median where little is known, within
    #: the interval, and what searches find is the mean (docs/risk.md).
    median: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    #: (m,) expected index, > 0: what to add up or multiply into expected loads. Where
    #: nobody searched the median may be near 0 while the mean is not.
    mean: NDArray[np.float64]
    #: (m,) whether any effort is recorded there. Where none is, the risk is unknown and
    #: the estimate rests on other segments alone.
    searched: NDArray[np.bool_]
    #: Probability of the interval.
    level: float
    #: `units`, `global_rate`: Units of effort, and (len(units),) the seizures per unit
    #: where the index is 1; NaN for a unit without effort.
    units: tuple[str, ...]
    global_rate: NDArray[np.float64]
    #: What a reader must know.
    warnings: tuple[str, ...]

    @property
    def unknown(self) -> NDArray[np.bool_]:
        """(m,) whether nobody ever searched there."""
        return ~self.searched

    def rates(self, unit: str) -> SeizureRates:
        """Return the seizures per unit of effort of every segment, in one of `units`."""
        rate = self.global_rate[self.units.index(unit)]
        return SeizureRates(rate * self.median, Interval(rate * self.low, rate * self.high))

    def to_frame(self, network: Network | None = None) -> Any:  # noqa: ANN401 - pandas, or geopandas with a network
        """Return one row a segment: `median`, `low`, `high`, `mean`, `searched`.

        With the network the rows also have `road_class` and `name`, and the frame is a
        GeoDataFrame of lines in EPSG:4326.
        """
        import pandas as pd

        columns = {
            name: getattr(self, name) for name in ("median", "low", "high", "mean", "searched")
        }
        index = pd.RangeIndex(self.median.size, name="segment")
        if network is None:
            return pd.DataFrame(columns, index=index)
        import geopandas as gpd

        arc = network.segment_arc
        described = {"road_class": network.road_class[arc], "name": network.name[arc]}
        return gpd.GeoDataFrame(
            {**columns, **described}, index=index, geometry=network.lines, crs="EPSG:4326"
        )


@runtime_checkable
class RiskModel(Protocol):
    """A model of risk, with the conventions of scikit-learn's estimators.

    `__init__` only stores its parameters, under their own names. `fit` learns from a
    record, sets attributes whose names end in `_` (`evidence_`, `mean_`), and returns
    self; fitting again starts anew. `predict`, `score` and `sample` need a fitted
    model.
    """

    def fit(self, records: Seizures, effort: Effort | None, network: Network) -> Self:
        """Learn from a record; return self."""
        ...

    def predict(self) -> RiskEstimate:
        """Return the risk index of every segment, with an interval."""
        ...

    def score(self, records: Seizures, effort: Effort | None) -> float:
        """Return the log chance of a later record given its own effort: natural
        logarithm, higher is better.

        Per seizure where seizures are counted, per search where each ends in yes or no.
        """
        ...

    def sample(self, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return n draws of the logarithm of the risk index of every segment, (n, m)."""
        ...


@runtime_checkable
class ExplainsByFlows(Protocol):
    """A fitted model that reports how much of its log index the flows of its prior
    table explain.
    """

    def explained_by_flows(self) -> NDArray[np.float64]:
        """Return the (m,) part of the log index that the prior flows explain, weighted
        by the models' posterior weights; 0 without flows.
        """
        ...


@runtime_checkable
class SamplesFinds(Protocol):
    """A fitted model whose index is not what searches find: it takes off what tips may
    have added.
    """

    def sample_found(self, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return n draws of the logarithm of what a search of every segment finds over
        the global rate, (n, m).
        """
        ...


def sampled_finds(model: RiskModel, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return n draws of the logarithm of what searches find, (n, m): those of the
    index, where a model makes no difference between the two.
    """
    return model.sample_found(n, rng) if isinstance(model, SamplesFinds) else model.sample(n, rng)


class GammaModel:
    """What models with independent Gamma posteriors share; a subclass fits `shape_` and
    `rate_`.
    """

    #: Probability of the interval.
    level: float
    #: `shape_`, `rate_`: (m,) parameters of the Gamma posterior of the risk index.
    shape_: Floats
    rate_: Floats
    #: What the records say.
    evidence_: Evidence
    _network: Network

    def predict(self) -> RiskEstimate:
        """Return the risk index of every segment."""
        low, median, high = (
            gammaincinv(self.shape_, chance) / self.rate_
            for chance in (0.5 - self.level / 2, 0.5, 0.5 + self.level / 2)
        )
        evidence = self.evidence_
        return RiskEstimate(
            median=median,
            low=low,
            high=high,
            mean=self.shape_ / self.rate_,
            searched=evidence.searched,
            level=self.level,
            units=evidence.units,
            global_rate=evidence.global_rate,
            warnings=evidence.warnings,
        )

    def sample(self, n: int, rng: np.random.Generator) -> Floats:
        """Return n draws of the log risk index, (n, m); segments are drawn apart."""
        least = np.finfo(np.float64).tiny
        return np.log(
            np.maximum(rng.gamma(self.shape_, 1 / self.rate_, size=(n, self.shape_.size)), least)
        )

    def score(self, records: Seizures, effort: Effort | None) -> float:
        """Return the log chance of a later record given its own effort, a seizure
        (natural logarithm; higher is better).

        Seizures without effort are left out. With no seizure the whole log chance is
        returned. Where the model was fitted without effort, the later record's number
        of seizures is taken as given and only their places are judged.

        Raises
        ------
        InputError
            If the record has effort in a unit that was not fitted.
        """
        later = later_evidence(self.evidence_, records, effort, self._network)
        return float(self._log_chances_of(later).sum() / max(later.count.sum(), 1.0))

    def log_chances(self, records: Seizures, effort: Effort | None) -> Floats:
        """Return the (m,) log chance of a later record by segment, whose sum is `score`
        times its seizures.

        What is known by area alone stands at the first of the area's segments.

        Raises
        ------
        InputError
            If the record has effort in a unit that was not fitted.
        """
        return self._log_chances_of(later_evidence(self.evidence_, records, effort, self._network))

    def _log_chances_of(self, later: Evidence) -> Floats:
        own = later.own_expected > 0
        out = np.zeros(own.size)
        out[own] = log_negative_binomial(
            later.own_count[own], later.own_expected[own], self.shape_[own], self.rate_[own]
        )
        for area in later.area_counts:
            out[area.segment[0]] += self._area_log_likelihood(area)
        return out

    def _area_log_likelihood(self, area: AreaCount) -> float:
        """Return the log chance of a pool's count: by default segments err apart."""
        at = area.segment
        return log_area_likelihood(
            area, self.shape_[at], self.shape_[at] / self.rate_[at], np.full(at.size, np.inf)
        )


def log_negative_binomial(count: Floats, expected: Floats, shape: Floats, rate: Floats) -> Floats:
    """Return log P(y) for y ~ Poisson(e r), r ~ Gamma(shape, rate): a negative binomial."""
    odds = expected / rate
    return np.asarray(
        gammaln(shape + count)
        - gammaln(shape)
        - gammaln(count + 1)
        + xlogy(count, odds)
        - (shape + count) * np.log1p(odds)
    )


def log_area_likelihood(area: AreaCount, shape: Floats, mean: Floats, known: Floats) -> float:
    """Return log P(count) of a pool whose segments' indices are Gamma(shape, mean).

    The sum of e_s r_s is matched by a Gamma of the same mean and variance. Segments err
    together as far as their neighbourhood does (squared coefficient of variation 1 /
    `known`), and apart in the rest.
    """
    part = area.expected * mean
    together = np.minimum(1 / known, 1 / shape)
    variance = np.sum(part**2 * (1 / shape - together)) + np.sum(part * np.sqrt(together)) ** 2
    total = part.sum()
    matched = np.array([total**2 / variance])
    return float(
        log_negative_binomial(np.array([area.count]), np.array([total]), matched, matched)[0]
    )


NODES = 24
"""Points of the Gauss-Hermite rule by which cells are averaged over their log rate."""

_AT, _WEIGHT = np.polynomial.hermite_e.hermegauss(NODES)

_WEIGHT = _WEIGHT / _WEIGHT.sum()

LARGEST_SD = 3.0
"""Log-normal means are cut as if the standard deviation were at most this: e^(9/2) is
90 times the median already.
"""


def estimate_of(
    evidence: Evidence, mean: Floats, sd: Floats, plain_sd: Floats, level: float
) -> RiskEstimate:
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


def lowered(estimate: RiskEstimate, logs: Floats, excess: float) -> RiskEstimate:
    """Return the estimate with medians lowered by (m,) logarithms and intervals by one,
    as far as they then hold the medians.

    What is expected to be found stays.
    """
    median = np.exp(-logs) * estimate.median
    low, high = (np.exp(-excess) * end for end in (estimate.low, estimate.high))
    return replace(
        estimate, median=median, low=np.minimum(low, median), high=np.maximum(high, median)
    )


def log_chance(cells: Cells, mean: Floats, sd: Floats, shape: float) -> Floats:
    """Return the (k,) log chances of cells whose log rates are normal with (k,) mean
    and sd, each on its own.
    """
    eta = mean[:, None] + sd[:, None] * _AT
    return np.asarray(logsumexp(cells.terms(eta, shape).value + np.log(_WEIGHT), axis=1))


def chance_of_any(log_rate: Floats, sd: Floats) -> Floats:
    """Return the (k,) chances 1 - exp(-rate) that a search finds something, averaged
    over log rates that are normal with (k,) mean and sd.
    """
    rate = np.exp(np.minimum(log_rate[:, None] + sd[:, None] * _AT, LARGEST))
    return np.asarray(-np.expm1(-rate) @ _WEIGHT)


def log_chance_of_area(area: AreaCount, draws: Floats, shape: float) -> float:
    """Return the log chance of a count by area, averaged over the (n, m) draws of log rates."""
    log_mean = np.minimum(
        logsumexp(np.log(area.expected) + draws[:, area.segment], axis=1), LARGEST
    )
    chances = count_terms(np.full(1, area.count), log_mean, np.full(1, shape * area.clumps)).value
    return float(logsumexp(chances)) - float(np.log(len(draws)))


def by_segment(
    cells: Cells, of_cell: Floats, areas: Sequence[AreaCount], of_area: Sequence[float], m: int
) -> Floats:
    """Return (m,) log chances by segment: those of its cells, and of the areas whose
    first segment it is.
    """
    out: Floats = np.bincount(cells.segment, of_cell, m).astype(np.float64)
    for area, chance in zip(areas, of_area, strict=True):
        out[area.segment[0]] += chance
    return out


def per_outcome(total: float, cells: Cells, areas: Sequence[AreaCount]) -> float:
    """Return a log chance per seizure and per yes-or-no search; whole where there is neither."""
    counted = np.isnan(cells.searches)
    outcomes = (
        cells.count[counted].sum()
        + cells.searches[~counted].sum()
        + sum(area.count for area in areas)
    )
    return float(total / max(outcomes, 1.0))
