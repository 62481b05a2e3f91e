"""The recommended risk model: a Gaussian Markov field on the roads and trafficking
flows, with search effort as exposure.

Seizures of segment s, searched with effort E in months with season t, are Poisson (or
negative binomial, or yes and no) with mean E exp(eta_s + season_t + level of the unit);
what is not searched says nothing, and what has no effort leaves the likelihood.
`optimizer.risk.field_flow.laplace` has the model,
`optimizer.risk.field_flow.model_averaging` the candidates that are averaged.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
from numpy.typing import NDArray

from optimizer.base.text.messages import message
from optimizer.base.work.kernels import ready
from optimizer.base.work.listener import SILENT, Listener, step
from optimizer.records.model import Effort, Exposure, Seizures, spread_effort
from optimizer.risk.estimate import (
    RiskEstimate,
    by_segment,
    chance_of_any,
    estimate_of,
    log_chance,
    log_chance_of_area,
    lowered,
    per_outcome,
)
from optimizer.risk.evidence import Evidence, cells_of, gather_evidence, later_evidence, tempered
from optimizer.risk.field_flow.area_posterior import RateDraws, expected_rates, log_sums, rake
from optimizer.risk.field_flow.field import Field, Neighbours, road_neighbours
from optimizer.risk.field_flow.laplace import (
    LatentModel,
    LatentPoint,
    PosteriorExpansion,
    find_mode,
)
from optimizer.risk.field_flow.model_averaging import (
    START,
    Candidate,
    FittedFlow,
    average_rates,
    candidate_at_mode,
    class_design,
    class_rate_candidate,
    draw_tables,
    fit_flow,
    fit_hyperparameters,
    fit_shape,
    model_weights,
    replaced,
    signal_remarks,
    spatial_signal,
    too_few_draws,
    widening_of,
    with_masses,
    with_posterior,
    without_flow,
)
from optimizer.risk.field_flow.season import NO_SEASON, by_month, fit_season, in_average_months
from optimizer.risk.location_error import fit_location_error
from optimizer.risk.numerics import ldl
from optimizer.risk.numerics.likelihood import AreaCount
from optimizer.risk.od_flows import OdTable, PathFlows, od_draws
from optimizer.risk.params import USUAL, RiskParams
from optimizer.risk.predictive_check import FittedRates, PredictiveCheck, check_record
from optimizer.risk.shrunk_rate import ShrunkRate
from optimizer.risk.simple_maps import KernelDensity

if TYPE_CHECKING:
    from optimizer.problem.network.network import Network

Floats = NDArray[np.float64]

DRAWS_FOR_AREAS = 200
LEAST_EFFECTIVE = 50.0
FAINTEST = 1e-9
"""Medians of the simpler maps count as at least this."""
NO_FLOWS = message(
    "No pair of a gateway and a settlement carries anything: trafficking flows say nothing of risk"
    " here."
)
FAULTY = message(
    "As seizures lie where no effort is recorded, the whole record counts as faulty: intervals are"
    " wider, roads that little is known of fall behind, and simpler maps weigh in."
)


class FieldFlow:
    """Risk by a Gaussian Markov field and trafficking flows, averaged over models with
    and without flows.

    Parameters
    ----------
    flows
        Prior table of origins and destinations; None leaves flows out.
    level
        Probability of the interval, in (0, 1).
    masses
        Whether what origins send and destinations draw is fitted too; None up to
        `masses_up_to` segments.
    season
        Whether months of the year may differ.
    yes_no
        Units of effort of which each is one search that ends in yes or no.
    shape
        Shape of a month's counts on a segment: infinity is Poisson, None chooses.
    widening
        Factor on the standard deviations of the log rates in intervals and draws; 1
        gives the model's own, None `widening_with_flows` as far as models with flows
        have posterior weight and else `widening`, and more where the record has faults
        (`widening_of`), whose intervals then also lie lower.
    neighbours
        Graph of the field in place of that of the roads, for records without roads.
    params
        Prior standard deviations and factors of widening.

    Attributes
    ----------
    candidates_, weights_
        The candidate models and their (candidates,) posterior weights, sum 1; only
        those with weight have a standard deviation.
    season_
        (12,) factors of the months, mean 1.
    mean_, sd_
        (m,) log index and its standard deviation before widening.
    levels_
        (units,) fitted log level of detection of each unit of effort about its global
        rate; 0 where there is one unit.
    shift_
        What was added to the candidates' log rates, and taken from their levels, so
        that an index of 1 is what effort finds on the whole; 0 where there is one unit.
    record_check_
        What the fit expects of its own record, against what was found.
    remarks_
        What a reader must know of that check.
    evidence_
        What the records say; its expected seizures are those of average months, its
        exposure is the effort as recorded.
    """

    def __init__(
        self,
        flows: OdTable | None = None,
        *,
        level: float = 0.9,
        masses: bool | None = None,
        season: bool = True,
        yes_no: Collection[str] = (),
        shape: float | None = None,
        widening: float | None = None,
        neighbours: Neighbours | None = None,
        params: RiskParams = USUAL,
    ) -> None:
        self.flows = flows
        self.level = level
        self.masses = masses
        self.season = season
        self.yes_no = yes_no
        self.shape = shape
        self._widening = widening
        self.neighbours = neighbours
        self.params = params.checked()

    def fit(
        self,
        records: Seizures,
        effort: Effort | None,
        network: Network,
        *,
        listener: Listener = SILENT,
    ) -> Self:
        """Estimate the log risk index of every segment; the listener is told which of
        the models is being fitted.

        Raises
        ------
        InputError
            If seizures cannot be assigned to one unit of effort, or yes-or-no searches
            do not add up.
        """
        self._network, self._record = network, (records, effort)
        self._kept_simpler: Floats | None = None
        if network.n_segments >= ldl.COMPILED_FROM:
            ready((ldl.__name__,), listener=listener)
        self.evidence_ = self._gather(records, effort)
        latent = self._latent_model(
            Field(self.neighbours or road_neighbours(network, self.params.across_classes))
        )
        with step(listener, "first look at the record"):
            self._start = find_mode(latent, START, close=1.0).expansion.point
        self.season_ = self._season(records, effort, latent)
        if effort is not None and (self.season_ != 1).any():
            seasonal = in_average_months(effort, self.season_)
            self.evidence_ = self._gather(records, effort, seasonal, self.evidence_.exposure)
            latent = self._latent_model(latent.field)
        self.candidates_ = self._candidates(latent, listener)
        if (
            self.evidence_.misplaced is not None
            and spatial_signal(self.candidates_) < self.params.least_signal
        ):
            self.candidates_ = self._candidates(
                self._latent_model(latent.field, temper=False), listener
            )
        self.remarks_: tuple[str, ...] = ()
        self._use(model_weights(self.candidates_, self.params), listener)
        self._check(
            records, None if effort is None else in_average_months(effort, self.season_), listener
        )
        return self

    def gathered(self, records: Seizures, effort: Effort | None) -> Evidence:
        """Return another record as this fit weighs effort: by its season."""
        seasonal = (
            None
            if effort is None or (self.season_ == 1).all()
            else in_average_months(effort, self.season_)
        )
        return self._gather(records, effort, seasonal)

    def _gather(
        self,
        records: Seizures,
        effort: Effort | None,
        comparable: Effort | None = None,
        exposure: Exposure | None = None,
    ) -> Evidence:
        found = gather_evidence(
            records, effort, self._network, comparable=comparable, exposure=exposure
        )
        return fit_location_error(found, records, self._network, self.yes_no)

    def _use(self, weights: Floats, listener: Listener) -> None:
        """Average the candidates by the given weights."""
        self.weights_ = weights
        self._kept_draws: RateDraws | None = None
        wanted = [
            k for k, one in enumerate(self.candidates_) if weights[k] > 0 and one.unit_mean is None
        ]
        for done, k in enumerate(wanted, 1):
            with step(listener, f"intervals of model {done} of {len(wanted)}"):
                self.candidates_[k] = with_posterior(self.candidates_[k], float(weights[k]))
        self._average()

    def _check(self, records: Seizures, comparable: Effort | None, listener: Listener) -> None:
        """Hold the fit against its own record; where it contradicts it, use the first
        simpler candidate that does not, and say so.
        """
        averaged, first = self.weights_, self._compare(records, comparable)
        self.record_check_ = first
        if first.contradictions:
            for simpler in (0, len(self.candidates_) - 1):
                self._use(np.eye(len(self.candidates_))[simpler], listener)
                self.record_check_ = self._compare(records, comparable)
                if not self.record_check_.contradictions:
                    self.remarks_ = (
                        replaced(first.contradictions[0].said, self.candidates_[simpler].name),
                    )
                    break
            else:
                self._use(averaged, listener)
                self.record_check_ = first
        self.remarks_ += self.record_check_.warnings()

    def _compare(self, records: Seizures, comparable: Effort | None) -> PredictiveCheck:
        shape = self.candidates_[int(np.argmax(self.weights_))].hyper.shape
        index = self._estimate().mean
        evidence = self.evidence_
        expected = np.exp(self.levels_) * (evidence.expected_by_unit() @ index)
        for unit in np.flatnonzero([name in self.yes_no for name in evidence.units]).tolist():
            expected[unit] = self._expected_searches(unit)
        return check_record(
            records, comparable, self._network, evidence, FittedRates(index, expected, shape)
        )

    def _expected_searches(self, unit: int) -> float:
        """Return how many of the recorded searches of a unit that end in yes or no are
        expected to find something.
        """
        searches, rate = self.evidence_.exposure.amount[unit], self.evidence_.unit_expected[unit]
        used = np.flatnonzero(rate > 0)
        log_rate = np.log(rate[used] / searches[used])
        chance = chance_of_any(log_rate + self._unit_mean[unit, used], self._unit_sd[unit, used])
        return float(searches[used] @ chance)

    def _average(self) -> None:
        """Average the candidates; where there are several units, scale the index so
        that 1 is what effort finds on the whole.

        Log rates and levels are known up to a constant that only their priors decide.
        The constant is chosen so that the index times the expected seizures of all
        units adds up to what the model expects behind the record; what is left of each
        unit is its level.
        """
        averaged = average_rates(self.candidates_, self.weights_, self.evidence_)
        self.mean_, self.sd_ = averaged.mean, averaged.sd
        self._unit_mean, self._unit_sd = averaged.unit_mean, averaged.unit_sd
        self.shift_, self.levels_ = 0.0, np.zeros(len(self.evidence_.units))
        if self.levels_.size == 1:
            return
        at_index = self.evidence_.expected_by_unit() @ self._estimate().mean
        self.shift_ = float(np.log(averaged.expected.sum() / at_index.sum()))
        self.mean_ = self.mean_ + self.shift_
        used = at_index > 0
        self.levels_[used] = np.log(averaged.expected[used] / at_index[used]) - self.shift_

    @property
    def widening(self) -> float | Floats:
        """Factor on the standard deviations of the log rates in intervals and draws,
        (m,) where the record has faults; known once fitted.
        """
        if self._widening is not None:
            return self._widening
        return widening_of(self.candidates_, self.weights_, self.evidence_, self.sd_, self.params)

    def predict(self) -> RiskEstimate:
        """Return the risk index of every segment, and the seizures that a unit of
        effort makes where it is 1, by the fitted levels.
        """
        estimate = self._estimate()
        remarks: list[str] = [NO_FLOWS] if self.flows is not None and self._paths is None else []
        remarks += signal_remarks(self.candidates_, self.params)
        if self.evidence_.faulty and self.evidence_.misplaced is None:
            remarks.append(FAULTY)
        estimate = replace(estimate, warnings=(*estimate.warnings, *remarks, *self.remarks_))
        excess = self.params.faults_excess if self._widening is None else 0.0
        return lowered(estimate, self._taken_off(), excess) if self.evidence_.faulty else estimate

    def _estimate(self) -> RiskEstimate:
        estimate = estimate_of(
            self.evidence_, self.mean_, self.widening * self.sd_, self.sd_, self.level
        )
        estimate = replace(estimate, global_rate=self.evidence_.global_rate * np.exp(self.levels_))
        return self._with_areas(estimate) if self._areas else estimate

    def _taken_off(self) -> Floats:
        """Return what is taken off the (m,) log indices of a record with faults; their
        mean by effort stays.

        Tips put seizures where hardly anybody searched, so that finds per search say
        too much there: the less is known of a segment, the more is taken off. And as
        far as flows explain nothing of the index, two simpler maps are pooled with it
        (results/risk/family.md).
        """
        if not self.evidence_.faulty:
            return np.zeros(self.sd_.size)
        off = self.params.doubt * self.sd_
        off += self.params.simpler * self._unexplained() * (self.mean_ - off - self._simpler_maps())
        return np.asarray(off - np.average(off, weights=self.evidence_.own_expected))

    def _unexplained(self) -> float:
        """Return (1 - r^2)^2, in [0, 1]: r, at least 0, is the correlation of the log
        index with what flows explain of it.
        """
        explained = self.explained_by_flows()
        if not np.ptp(explained) > 0 or not np.ptp(self.mean_) > 0:
            return 1.0
        r = max(float(np.corrcoef(explained, self.mean_)[0, 1]), 0.0)
        return (1 - r**2) ** 2

    def _simpler_maps(self) -> Floats:
        """Return the (m,) mean of the log medians of the shrunk rate and of kernel density."""
        if self._kept_simpler is None:
            maps = [
                model.fit(*self._record, self._network) for model in (ShrunkRate(), KernelDensity())
            ]
            self._kept_simpler = np.mean(
                [np.log(np.maximum(one.predict().median, FAINTEST)) for one in maps], axis=0
            )
        return self._kept_simpler

    def explained_by_flows(self) -> Floats:
        """Return the (m,) part of the log index that the prior flows explain, b1 log F,
        averaged over the models; 0 without flows.
        """
        flowing = [
            (weight, one)
            for weight, one in zip(self.weights_, self.candidates_, strict=True)
            if one.flows
        ]
        if not flowing:
            return np.zeros(self.mean_.size)
        design = flowing[0][1].latent.design  # the prior flow is its last column
        at = design.columns.shape[1] - 1
        slope = sum(weight * one.mode.point.beta[at] for weight, one in flowing)
        return np.asarray(slope * design.columns[:, at])

    def table(self) -> OdTable | None:
        """Return the posterior mean of the flows between origins and destinations, as
        shares; None without flows.

        The prior table where masses were not fitted, else its mean with the fitted one,
        by the weights of the models.
        """
        if self.flows is None:
            return None
        shares = [self.flows if one.table is None else one.table for one in self.candidates_]
        weight = sum(
            weight * one.shares() for weight, one in zip(self.weights_, shares, strict=True)
        )
        return self.flows.with_weight(np.asarray(weight))

    def tables(self, n: int, rng: np.random.Generator, shape: float = 1.0) -> list[OdTable]:
        """Return n draws of the flows between origins and destinations; none without
        flows.

        Draws from the posterior of the masses
        (`optimizer.risk.field_flow.model_averaging.draw_tables`). Where masses were not
        fitted, tables that explain draws of the rate, too much alike; `shape` > 0 is
        how closely their pairs keep to `table()`.
        """
        drawn = draw_tables(self.candidates_, self.weights_, n, rng)
        mean_table = self.table()
        if drawn is not None or mean_table is None or self._paths is None:
            return drawn or []
        expected = np.exp(self.levels_) @ self.evidence_.unit_expected
        counts = np.exp(self._draws_with_levels(n, rng).eta) * expected
        return od_draws(replace(self._paths, table=mean_table), counts, expected, shape)

    def sample(self, n: int, rng: np.random.Generator) -> Floats:
        """Return n draws of the log risk index, (n, m), segments together, about the
        medians; widened as the intervals are.
        """
        return self.sample_found(n, rng) - self._taken_off()

    def sample_found(self, n: int, rng: np.random.Generator) -> Floats:
        """Return n draws of the log of what a search finds over the global rate, (n,
        m), tips among it; widened as the intervals are.

        The sums of areas, known better than their segments, are widened by the same
        factor about their own means.
        """
        draws = self._draws_with_levels(n, rng).eta
        widened = np.asarray(self.mean_ + self.widening * (draws - self.mean_))
        if not self._areas or not n:
            return widened
        centre = self._of_areas("log_sum")
        return rake(
            self._areas, widened, centre + self.widening * (log_sums(self._areas, draws) - centre)
        )

    @property
    def _scoring_draws(self) -> RateDraws:
        """The draws by which counts by area are scored, the same for every later record."""
        if self._kept_draws is None:
            self._kept_draws = self._draws_with_levels(DRAWS_FOR_AREAS, np.random.default_rng(0))
        return self._kept_draws

    def _draws_with_levels(self, n: int, rng: np.random.Generator) -> RateDraws:
        """Return n draws of the log rates and of the level of every unit, by default
        the level at each candidate's mode.

        Where seizures are known by area alone, levels are drawn too.
        """
        counts = rng.multinomial(n, self.weights_)
        parts = [
            candidate.draws(count, rng)
            for candidate, count in zip(self.candidates_, counts.tolist(), strict=True)
            if count
        ]
        if not parts:
            return RateDraws(
                np.empty((0, self.mean_.size)), np.empty((0, len(self.evidence_.units)))
            )
        order = rng.permutation(n)
        eta = np.concatenate([part.eta for part in parts])
        return RateDraws(
            eta[order] + self.shift_,
            np.concatenate([part.level for part in parts])[order] - self.shift_,
        )

    @property
    def _areas(self) -> tuple[AreaCount, ...]:
        return self.candidates_[0].latent.areas

    def _of_areas(self, what: Literal["log_sum", "log_expected_sum"]) -> Floats:
        """Return the (areas,) mean over the models of what their summaries say of the
        areas' sums.
        """
        known = [
            (weight, one.summary)
            for weight, one in zip(self.weights_, self.candidates_, strict=True)
        ]
        return np.asarray(
            self.shift_
            + sum(weight * getattr(one, what) for weight, one in known if one is not None)
        )

    def _with_areas(self, estimate: RiskEstimate) -> RiskEstimate:
        """Return the estimate with an expected index whose sums over areas are those of
        the posterior.
        """
        at = np.unique(np.concatenate([area.segment for area in self._areas]))
        mean = estimate.mean.copy()
        wanted = self._of_areas("log_expected_sum")
        mean[at] = expected_rates(self._areas, self.mean_, self.sd_, wanted)[at]
        known = [
            (weight, one.summary)
            for weight, one in zip(self.weights_, self.candidates_, strict=True)
        ]
        effective = 1 / sum(weight**2 / one.effective for weight, one in known if one is not None)
        remarks = (too_few_draws(effective),) if effective < LEAST_EFFECTIVE else ()
        return replace(estimate, mean=mean, warnings=(*estimate.warnings, *remarks))

    def expected_seizures(self, effort: Effort) -> Floats:
        """Return the (m,) seizures that later effort is expected to make on each
        segment, with the season of its months.

        Units without effort in the record are expected to make none.

        Raises
        ------
        InputError
            If the effort has a unit that the record did not name.
        """
        estimate = self.predict()
        amount = spread_effort(
            in_average_months(effort, self.season_), self._network, estimate.units
        ).amount
        return np.asarray(np.nan_to_num(estimate.global_rate) @ amount * estimate.mean)

    def score(self, records: Seizures, effort: Effort | None) -> float:
        """Return the log chance of a later record given its own effort (natural
        logarithm; higher is better).

        Per seizure where seizures are counted, per search in units of `yes_no`; the
        whole log chance where there is neither. Seizures without effort are left out.
        Where the model was fitted without effort, the later record's number of seizures
        is taken as given and only their places are judged. Cells count one by one: each
        is averaged over its own log rate, not widened (a wider log-normal also has a
        higher mean, which later records do not show).

        Raises
        ------
        InputError
            If the record has effort in a unit that was not fitted.
        """
        later = self._later(records, effort)
        total = float(self._log_chances_of(later).sum())
        return per_outcome(total, cells_of(later, self.yes_no), later.area_counts)

    def log_chances(self, records: Seizures, effort: Effort | None) -> Floats:
        """Return the (m,) log chance of a later record by segment, and what it raises,
        as in `score`; of an area, at its first segment.
        """
        return self._log_chances_of(self._later(records, effort))

    def _later(self, records: Seizures, effort: Effort | None) -> Evidence:
        comparable = None if effort is None else in_average_months(effort, self.season_)
        return later_evidence(self.evidence_, records, effort, self._network, comparable)

    def _log_chances_of(self, later: Evidence) -> Floats:
        cells, areas = cells_of(later, self.yes_no), later.area_counts
        at = cells.unit, cells.segment
        shape = self.candidates_[int(np.argmax(self.weights_))].hyper.shape
        of_cell = log_chance(cells, self._unit_mean[at], self._unit_sd[at], shape)
        of_area = [
            log_chance_of_area(
                area, self._scoring_draws.eta + self._scoring_draws.level[:, area.unit, None], shape
            )
            for area in areas
        ]
        return by_segment(cells, of_cell, areas, of_area, self.mean_.size)

    def _latent_model(self, field: Field, *, temper: bool = True) -> LatentModel:
        cells = tempered(
            cells_of(self.evidence_, self.yes_no), self.evidence_.misplaced if temper else None
        )
        return LatentModel(
            field,
            cells,
            self.evidence_.area_counts,
            class_design(self._network, self.params),
            len(self.evidence_.units),
            unit_sd=self.params.unit_sd,
        )

    def _season(self, records: Seizures, effort: Effort | None, latent: LatentModel) -> Floats:
        if not self.season or effort is None or not len(effort):
            return NO_SEASON
        index = np.exp(latent.rates(self._start))
        known = self.evidence_
        counts = by_month(records, effort, known.exposure, self._network, known.global_rate, index)
        return fit_season(counts.count, counts.expected)

    def _candidates(self, latent: LatentModel, listener: Listener) -> list[Candidate]:
        """Return the models that are averaged, the field alone first."""
        self._paths: PathFlows | None = None
        flows = self.flows if self.flows is not None and self.flows.weight.sum() > 0 else None
        wanted = (
            self._network.n_segments <= self.params.masses_up_to
            if self.masses is None
            else self.masses
        )
        models = 2 if flows is None else 3 + wanted
        with step(listener, f"model 1 of {models}: neighbouring roads"):
            fit = fit_hyperparameters(latent, START)
            hyper = (
                fit_shape(latent, fit)
                if self.shape is None
                else replace(fit.hyper, shape=self.shape)
            )
            start = _whole(latent, fit.mode) or self._start
            found = [
                field := candidate_at_mode("field", latent, hyper, start, log_volume=fit.log_volume)
            ]
        if flows is not None:
            choice = fit_flow(latent, self._network, flows, hyper, self.params, listener)
            self._paths = choice.flows
            with step(listener, f"model 2 of {models}: flows"):
                found.append(plain := _with_flow(choice, field))
            if wanted:
                with step(
                    listener, f"model 3 of {models}: flows, and what each place sends and draws"
                ):
                    fitted = with_masses(plain, latent.design, choice, self.params)
                found += [] if fitted is None else [fitted]
        with step(listener, f"model {models} of {models}: roads of a class alike"):
            return [*found, class_rate_candidate(latent, hyper.shape, field.mode.point)]


def _with_flow(choice: FittedFlow, field: Candidate) -> Candidate:
    """Return the model with the flow of the prior table."""
    fit = fit_hyperparameters(choice.latent, field.hyper)
    start = _whole(field.latent, fit.mode) or without_flow(field)
    theta = choice.flows.theta
    return candidate_at_mode(
        "field + flow", choice.latent, fit.hyper, start, theta, log_volume=fit.log_volume
    )


def _whole(latent: LatentModel, mode: PosteriorExpansion) -> LatentPoint | None:
    """Return the mode as a place to start from, if it was found on the whole problem."""
    return mode.point if mode.point.u.size == latent.field.neighbours.size else None
