"""Alerts: places whose recent seizures are more, or fewer, than their own search effort
led to expect.

The model is fitted to the time before a recent window. At each place the window's
effort, season and detection give the distribution of the seizures to come: Poisson, or
negative binomial of the shape that the model chose for a month, averaged over what the
model does not know of the log rate. A place whose count is too far out in either tail
is called, at a stated rate of false discoveries over all places that were searched in
the window.

    mu_a = sum over cells c of place a of e_c exp(eta_c + level_c),   log mu_a ~ N
    Y_a ~ negative binomial (mu_a, R_a),   1 / R_a = sum of share_c^2 / (r clumps_c)

For one segment log mu_a is normal as the model has it; for more, its mean and spread
come from joint draws, which know that neighbours go together.

The p-value is twice the smaller of the two mid-p-values: randomised ones would let a
coin decide whom to alarm. Places are called by Benjamini and Hochberg's rule, which
holds where p-values are independent or positively dependent. Given the true rates
counts are independent, and errors of neighbouring estimates pull their p-values the
same way; for two-sided p-values that is no proof, so it was measured
(results/risk/alerts.md), and `any_dependence` gives Benjamini and Yekutieli's rule,
which needs no such assumption. `false_a_year` calls by one budget of false alarms a
year in place of a share of alarms: then places of several scales may be tested
together, and each scale has an equal part of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from optimizer.base.text.messages import listed, message
from optimizer.base.work.listener import SILENT, Listener
from optimizer.records.model import Effort, Seizures
from optimizer.risk.alerts.places import Place, segment_label, whole_place
from optimizer.risk.alerts.window import (
    RateReference,
    Span,
    Tally,
    in_silent_months,
    split_record,
    tally,
    without_effort,
)
from optimizer.risk.chance import (
    PredictiveCounts,
    false_alarms,
    false_discovery_rates,
    p_values,
)
from optimizer.risk.field_flow.area_posterior import RateDraws
from optimizer.risk.field_flow.season import in_average_months
from optimizer.risk.location_error import learnt_errors

if TYPE_CHECKING:
    from optimizer.problem.network.network import Network
    from optimizer.risk.field_flow.model import FieldFlow
    from optimizer.risk.field_flow.model_averaging import Candidate

Floats: TypeAlias = NDArray[np.float64]

SURPRISING = 0.05
"""p-value of the whole network below which a warning says that everything has changed."""
DRAWS = 200
DAYS_OF_A_YEAR = 365.25
DRAWS_OF_MANY, MANY = 100, 20_000
"""Joint draws, and how many on networks of more segments than so."""


@dataclass(frozen=True, eq=False)
class PlaceTest:
    """A place and its window."""

    #: Where.
    place: Place
    #: Seizures with effort behind them.
    observed: float
    #: Median of the expected seizures, > 0.
    expected: float
    #: `low`, `high`: Ends of the central interval of the seizures that were to be
    #: expected.
    low: float
    high: float
    #: Two-sided p-value.
    p: float
    #: Smallest rate of false discoveries at which it is called; with a budget, smallest
    #: number of false alarms a year.
    q: float
    #: On which side of the expectation the seizures lie.
    direction: Literal["more", "fewer"]
    #: Whether it is called.
    alarm: bool
    #: Whether the alarm is of more and rests on a single seizure.
    thin: bool
    #: Whether nobody searched there before the window: the expectation comes from
    #: elsewhere and is wide.
    new: bool


@dataclass(frozen=True)
class Unrecorded:
    """Seizures that no recorded search explains: where, when, and how many."""

    place: str
    segment: int | None
    start: np.datetime64
    last: np.datetime64
    count: float


@dataclass(frozen=True, eq=False)
class Alerts:
    """What the window says."""

    #: `before`, `window`: The time that the model was fitted to, and the time that was
    #: tested.
    before: Span
    window: Span
    #: The stated rate of false discoveries.
    fdr: float
    #: The stated budget of false alarms a year, which takes its place; None without
    #: one.
    false_a_year: float | None
    #: Every place that was searched in the window, the most surprising first.
    tested: tuple[PlaceTest, ...]
    #: All places together; None where nothing was searched. It is no part of the false
    #: discovery rate.
    whole: PlaceTest | None
    #: Seizures of the window without effort behind them.
    unrecorded: tuple[Unrecorded, ...]
    #: What a reader must know.
    warnings: tuple[str, ...]

    @property
    def alarms(self) -> tuple[PlaceTest, ...]:
        """The places that are called."""
        return tuple(one for one in self.tested if one.alarm)


@dataclass(frozen=True, eq=False)
class CountForecast:
    """What the model predicts for the places of a tally."""

    #: (j,) positions of the places that were searched.
    place: NDArray[np.int64]
    #: Predictive distributions of their j counts.
    counts: PredictiveCounts


@dataclass(frozen=True, eq=False)
class _Tests:
    """Outcomes of the tests of k places: two-sided p-values, false discovery rates,
    alarms, and whether nobody searched there before.
    """

    p: Floats
    q: Floats
    alarm: NDArray[np.bool_]
    new: NDArray[np.bool_]


class AlertMonitor:
    """Tests a recent window of a record against a model fitted to the time before it.

    Parameters
    ----------
    model
        The risk model with its parameters; it is fitted here, to the time before the
        window.
    records, effort
        The whole record.
    network
        The roads.
    since
        First day of the window; by default as
        `optimizer.risk.alerts.window.split_record` says.
    memory
        Months before the window to which the model is fitted; by default all.
    seed
        Of the joint draws, so that one record gives one answer.
    listener
        Told which of the models is being fitted.

    Raises
    ------
    InputError
        If there is no effort, or none before the window, or the window begins after the
        record.
    """

    def __init__(
        self,
        model: FieldFlow,
        records: Seizures,
        effort: Effort | None,
        network: Network,
        *,
        since: date | np.datetime64 | None = None,
        memory: int | None = None,
        seed: int = 0,
        listener: Listener = SILENT,
    ) -> None:
        silent = in_silent_months(records, effort, network)
        self._silent = records.take(silent)
        self.split = split_record(records.take(~silent), effort, since, memory=memory)
        self.network = network
        before = self.split.before
        self.model = model.fit(before.seizures, before.effort, network, listener=listener)
        self._seed = seed
        self._draws: RateDraws | None = None
        learnt = self.model.evidence_
        self.reference = RateReference(
            learnt.units, learnt.global_rate, learnt_errors(learnt, network)
        )

    def test(
        self,
        places: Sequence[Place],
        *,
        fdr: float = 0.1,
        any_dependence: bool = False,
        false_a_year: float | None = None,
        level: float = 0.9,
    ) -> Alerts:
        """Return the places that depart from expectation; those without effort in the
        window are not tested.

        Parameters
        ----------
        places
            Where to look; they may overlap.
        fdr
            Expected share of false alarms among alarms, in (0, 1); where nothing has
            changed, the chance that there is any alarm.
        any_dependence
            Benjamini and Yekutieli's rule in place of Benjamini and Hochberg's.
        false_a_year
            Call places by a budget of so many false alarms a year in all, > 0, an equal
            part for the places of each scale, in place of `fdr`.
        level
            Probability of the interval of seizures.
        """
        records, effort = self.split.window.seizures, self.split.window.effort
        counted = tally(places, records, self.comparable(effort), self.network, self.reference)
        forecast = self.forecast(counted)
        searched = forecast.place
        observed = counted.observed[searched]
        sides = p_values(forecast.counts, observed)
        p = sides.two_sided
        if false_a_year is None:
            q, most = false_discovery_rates(p, any_dependence=any_dependence), fdr
        else:
            scale = np.unique([place.scale for place in places], return_inverse=True)[1]
            least = p_values(forecast.counts, np.zeros(searched.size)).fewer
            q = false_alarms(sides, least, scale[searched], self.years, false_a_year)
            most = false_a_year
        tests = _Tests(p, q, q <= most, self._never_before(counted, len(places))[searched])
        tested = _place_tests(
            [places[k] for k in searched.tolist()], observed, forecast.counts, tests, level
        )
        whole = self._whole(records, effort, level)
        remarks = [
            *self.split.warnings,
            *self._remarks(effort, len(places), searched.size),
            *_moved(whole),
        ]
        return Alerts(
            self.split.before.span,
            self.split.window.span,
            fdr,
            false_a_year,
            tuple(sorted(tested, key=lambda one: (one.q, one.p))),
            whole,
            self._unrecorded(records, effort),
            (*self.model.predict().warnings, *remarks),
        )

    @property
    def years(self) -> float:
        """Length of the window in years."""
        span = self.split.window.span
        return float((span.end - span.start) / np.timedelta64(1, "D")) / DAYS_OF_A_YEAR

    def comparable(self, effort: Effort) -> Effort:
        """Return effort in hours of an average month, by the fitted season."""
        return in_average_months(effort, self.model.season_)

    def forecast(self, counted: Tally) -> CountForecast:
        """Return the predictive distributions of the seizures at those places of a
        tally that were searched.
        """
        searched, first, number = np.unique(counted.place, return_index=True, return_inverse=True)
        middle = counted.expected * np.exp(
            self.model.levels_[counted.unit] + self.model.mean_[counted.segment]
        )
        share = middle / np.bincount(number, middle)[number] if searched.size else middle
        thinness = np.bincount(number, share**2 / counted.clumps, searched.size) / self._shape()
        shape = np.full(searched.size, np.inf)
        np.divide(1.0, thinness, out=shape, where=thinness > 0)
        # levels of units and log rates hang together
        by_draws = np.full(searched.size, len(self.reference.units) > 1)
        by_draws[number[counted.segment != counted.segment[first][number]]] = True
        centre, sd = np.empty(searched.size), np.empty(searched.size)
        centre[~by_draws] = np.log(np.bincount(number, middle, searched.size)[~by_draws])
        sd[~by_draws] = self.model.sd_[counted.segment[first][~by_draws]]
        if by_draws.any():
            logs = self._log_sums(counted, number, by_draws)
            centre[by_draws], sd[by_draws] = logs.mean(axis=0), logs.std(axis=0)
        return CountForecast(searched, PredictiveCounts(centre, sd, shape))

    def _log_sums(
        self, counted: Tally, number: NDArray[np.int64], wanted: NDArray[np.bool_]
    ) -> Floats:
        """Return draws of the log of the expected seizures of the wanted places,
        (draws, places).
        """
        kept = wanted[number]
        starts = np.flatnonzero(np.diff(number[kept], prepend=-1))
        segment = counted.segment[kept]
        unit = counted.unit[kept]
        expected = counted.expected[kept]
        joint = self._joint()
        return np.array(
            [
                np.log(np.add.reduceat(expected * np.exp(draw[segment] + level[unit]), starts))
                for draw, level in zip(joint.eta, joint.level, strict=True)
            ]
        )

    def _joint(self) -> RateDraws:
        """Return joint draws of the log rates and of the levels of the units."""
        if self._draws is None:
            n = DRAWS if self.network.n_segments <= MANY else DRAWS_OF_MANY
            mean = self.model.mean_
            rng = np.random.default_rng(self._seed)
            rates = mean + (self.model.sample_found(n, rng) - mean) / self.model.widening
            self._draws = RateDraws(rates, self._levels(rates, rng))
        return self._draws

    def _levels(self, rates: Floats, rng: np.random.Generator) -> Floats:
        """Return for each draw of the log rates one of the levels of the units; 0 where
        there is one unit, whose level is in the rates.

        Given the rates, the seizures N of a unit are Poisson with mean exp(level) S, S
        the mean at level 0, and the level's prior is normal about 0: its conditional is
        close to normal about the mode. The rates alone scatter with all that is not
        known of the levels; rate and level together do not.
        """
        out = np.zeros((len(rates), len(self.reference.units)))
        if len(self.reference.units) == 1:
            return out
        evidence = self.model.evidence_
        shape = self._shape()
        prior = float(self._main.latent.precision[-1])
        for unit in range(out.shape[1]):
            areas = [area for area in evidence.area_counts if area.unit == unit]
            expected = evidence.unit_expected[unit].copy()
            for area in areas:
                np.add.at(expected, area.segment, area.expected)
            count = evidence.unit_count[unit].sum() + sum(area.count for area in areas)
            used = np.flatnonzero(expected > 0)
            if not used.size:
                continue
            clumps = np.maximum(evidence.months[unit, used], 1.0)
            for row, draw in enumerate(rates):
                mean = expected[used] * np.exp(
                    draw[used] - self.model.shift_
                )  # the prior is that of the levels as fitted
                level = _level(count, float(mean.sum()), prior)
                mean *= np.exp(level)
                heard = mean.sum() ** 2 / float((mean + mean**2 / (shape * clumps)).sum())
                out[row, unit] = (
                    level - self.model.shift_ + rng.standard_normal() / np.sqrt(heard + prior)
                )
        return out

    def _shape(self) -> float:
        return self._main.hyper.shape

    @property
    def _main(self) -> Candidate:
        """The candidate of the greatest weight."""
        return self.model.candidates_[int(np.argmax(self.model.weights_))]

    def _never_before(self, counted: Tally, size: int) -> NDArray[np.bool_]:
        """Return whether no cell of each place lies where anybody searched before the
        window, (size,).
        """
        before = np.bincount(counted.place, self.model.evidence_.searched[counted.segment], size)
        return np.asarray(before == 0)

    def _whole(self, records: Seizures, effort: Effort, level: float) -> PlaceTest | None:
        whole = whole_place(self.network)
        counted = tally([whole], records, self.comparable(effort), self.network, self.reference)
        forecast = self.forecast(counted)
        if not forecast.place.size:
            return None
        p = p_values(forecast.counts, counted.observed).two_sided
        tests = _Tests(p, p, p <= 0.0, self._never_before(counted, 1))
        return _place_tests([whole], counted.observed, forecast.counts, tests, level)[0]

    def _unrecorded(self, records: Seizures, effort: Effort) -> tuple[Unrecorded, ...]:
        nowhere = records.take(without_effort(records, effort, self.network, self.reference.units))
        silent = self._silent.take(
            (self._silent.start >= self.split.window.span.start) & (self._silent.count > 0)
        )
        day = np.timedelta64(1, "D")
        return tuple(
            Unrecorded(
                (
                    segment_label(self.network, segment)
                    if segment >= 0
                    else alone.area_name[alone.area[row]]
                ),
                segment if segment >= 0 else None,
                alone.start[row],
                alone.end[row] - day,
                float(alone.count[row]),
            )
            for alone in (nowhere, silent)
            for row, segment in enumerate(alone.segment.tolist())
        )

    def _remarks(self, effort: Effort, asked: int, tested: int) -> list[str]:
        remarks: list[str] = []
        if self._silent.count.sum():
            remarks.append(
                message(
                    "{count:n6} seizures are left out: in their months no search effort is recorded"
                    " on their road or one that meets it, although it is in others. Were sheets of"
                    " effort lost?",
                    count=self._silent.count.sum(),
                )
            )
        used = effort.take(effort.amount > 0)
        names = {effort.unit[source] for source in np.unique(used.source).tolist()}
        fresh = [
            u
            for u, rate in zip(self.reference.units, self.reference.global_rate, strict=True)
            if u in names and np.isnan(rate)
        ]
        if not names:
            remarks.append(
                message(
                    "No search effort is recorded in the window, {window}: nothing can be tested."
                    " Seizures without effort are listed.",
                    window=self.split.window.span.said,
                )
            )
        elif not tested:
            remarks.append(
                message(
                    "None of the places has search effort of its own in the window. Effort known by"
                    " area alone tells of areas, not of roads: test by area."
                )
            )
        elif tested < asked:
            remarks.append(
                message(
                    "{count:n6} of {all:n6} places were not searched in the window and are not"
                    " tested.",
                    count=asked - tested,
                    all=asked,
                )
            )
        if fresh:
            remarks.append(
                message(
                    "Effort in {units} begins in the window: nothing says what it finds, and it is"
                    " left out.",
                    units=listed(fresh),
                )
            )
        return remarks


def _moved(whole: PlaceTest | None) -> list[str]:
    if whole is None or whole.p > SURPRISING:
        return []
    return [
        message(
            "{found:n6} seizures against {expected:n} expected, border-wide: an alert may say no"
            " more of a place.",
            found=whole.observed,
            expected=whole.expected,
        )
    ]


def _level(count: float, mean: float, prior: float) -> float:
    """Return the likeliest level of a unit: the root of count - mean exp(level) - prior
    level, by Newton's method from above it.
    """
    level = np.log((count + 1.0) / mean)
    for _ in range(50):
        rate = mean * np.exp(level)
        step = (count - rate - prior * level) / (rate + prior)
        level += step
        if abs(step) < 1e-10:
            break
    return float(level)


def _place_tests(
    places: Sequence[Place], observed: Floats, counts: PredictiveCounts, tests: _Tests, level: float
) -> list[PlaceTest]:
    interval = counts.interval(level)
    sides = p_values(counts, observed)
    more = sides.more < sides.fewer
    return [
        PlaceTest(
            place=place,
            observed=float(observed[k]),
            expected=float(np.exp(counts.centre[k])),
            low=float(interval.low[k]),
            high=float(interval.high[k]),
            p=float(tests.p[k]),
            q=float(tests.q[k]),
            direction="more" if more[k] else "fewer",
            alarm=bool(tests.alarm[k]),
            thin=bool(tests.alarm[k] and observed[k] == 1 and more[k]),
            new=bool(tests.new[k]),
        )
        for k, place in enumerate(places)
    ]
