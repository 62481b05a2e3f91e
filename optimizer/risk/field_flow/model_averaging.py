"""The candidate models of a record: their covariates, fitted hyperparameters and
posterior weights, and what they say together.

    field                field alone (with the road classes)
    field + flow         and b1 (log (F + local) - mean), F the flow that the prior table of pairs sends over each segment over its mean, and
                         `local` what passes everywhere; the nugget shrinks where flow is thick, as local / (F + local)
    field + flow, masses and what each origin and destination sends and draws is fitted too (`with_masses`)
    alike                none of these: the level and the road classes are all there is

The weight of each is proportional to its evidence (Laplace's approximation at the most
likely hyperparameters), so that flows are dropped where they explain nothing. Theta,
the preference for short ways, and `local` are chosen by evidence among a few.

Hyperparameters are fitted on a connected part of a large network (`learning_subgraph`);
`average_rates` mixes the candidates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order

from optimizer.base.text.messages import message
from optimizer.base.work.listener import SILENT, Listener, step
from optimizer.risk.estimate import LARGEST_SD
from optimizer.risk.evidence import Evidence
from optimizer.risk.field_flow.area_posterior import (
    AreaPosterior,
    PosteriorSummary,
    RateDraws,
    RateMoments,
)
from optimizer.risk.field_flow.laplace import (
    Design,
    Hyperparameters,
    LatentModel,
    LatentPoint,
    PosteriorExpansion,
    draw,
    draw_points,
    find_mode,
    log_evidence,
)
from optimizer.risk.od_flows import OdTable, PathFlows, path_flows
from optimizer.risk.params import USUAL, RiskParams

if TYPE_CHECKING:
    from optimizer.problem.network.network import Network

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEVEL_PRIOR_SD = 10.0

LOCAL_SHARES = (0.1, 0.03, 0.3, 1.0)
"""What passes everywhere whatever the pairs send, over the mean flow of a segment:
values that are tried, the first with every theta.
"""

HYPER_MEAN = np.array([0.0, -3.0, -1.0])

HYPER_SD = np.array([2.5, 2.5, 1.5])
"""Prior of log tau, log kappa^2 and the log of the nugget."""

SHAPES = (np.inf, 16.0, 4.0, 1.0)
"""Shapes of a month's counts that are tried; infinity is Poisson."""

SHAPE_MARGIN = 1.0
"""Where seizures are known by area alone, a shape must be better by this much log
evidence than one nearer to Poisson: sums of many months over few areas hardly
distinguish shapes, and a wrong one costs a third of a nat in the forecast of every
month.
"""

STOP_GAIN = 3e-3
"""Gain in log posterior at which the search for a mode stops."""

LEAST_WEIGHT = 1e-3

ALIKE = "alike"

BLURS = 1
"""Rounds from the mode to the normal distribution nearest to the posterior; more change
nothing that matters (measured).
"""

WIDEST_BLUR = 3.0

TOLERANCE = 0.25
"""Size of the simplex, in the logarithms, at which the search for hyperparameters stops."""

START = Hyperparameters(*np.exp(HYPER_MEAN).tolist())

NO_FIELD = Hyperparameters(1e4, 1.0)
"""A field that is nothing (standard deviation below 0.01) and no nugget: segments of a
class are alike.
"""


@dataclass(frozen=True)
class HyperparameterFit:
    """Hyperparameters, the mode of the latent variables under them, and the log
    evidence, their priors included.

    `log_volume` is what the evidence averaged over the hyperparameters has less, their
    whole prior being given for a part of it; <= 0.
    """

    hyper: Hyperparameters
    mode: PosteriorExpansion
    log_evidence: float
    log_volume: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Candidate(HyperparameterFit):
    """One candidate at its most likely hyperparameters: at its mode or, after
    `with_posterior`, with its mean and standard deviation.
    """

    #: `field`, `field + flow`, `field + flow, masses` or `class_rate_candidate`.
    name: str
    #: The model.
    latent: LatentModel
    #: `mean`, `sd`: (m,) log rate; the standard deviation is NaN before
    #: `with_posterior`.
    mean: Floats
    sd: Floats
    #: `unit_mean`, `unit_sd`: (n_units, m) the same of the log rate with the level of
    #: each unit; None before `with_posterior`.
    unit_mean: Floats | None = None
    unit_sd: Floats | None = None
    #: Preference for short times; NaN without flows.
    theta: float = np.nan
    #: Pairs that the flow stands for; None without.
    table: OdTable | None = None
    #: What masses are fitted; None where none are.
    masses: Masses | None = None
    #: `area_posterior`, `summary`: The posterior where seizures are known by area
    #: alone, and what its draws say; None before `with_posterior`, or without areas.
    area_posterior: AreaPosterior | None = None
    summary: PosteriorSummary | None = None

    @property
    def flows(self) -> bool:
        """Whether flows are among its covariates."""
        return not np.isnan(self.theta)

    def draws(self, n: int, rng: np.random.Generator) -> RateDraws:
        """Return n draws of the log rates, with the level of every unit: the one at the
        mode, unless seizures are known by area alone.
        """
        units = np.arange(self.latent.n_units)
        if self.area_posterior is None:
            eta = self.mean + draw(self.latent, self.hyper, self.mode, n, rng)
            level = self.latent.level(self.mode.point.beta, units) - usual_level(
                self.latent, self.mode.point
            )
            return RateDraws(eta, np.tile(level, (n, 1)))
        drawn = self.area_posterior.resampled(n, rng)
        return drawn if self.latent.levels else RateDraws(drawn.eta, np.zeros((n, units.size)))


def class_design(network: Network, params: RiskParams = USUAL) -> Design:
    """Return the level and one column for each road class that has at least two
    segments, where there are several.
    """
    road = network.road_class[network.segment_arc]
    classes, number = np.unique(road, return_counts=True)
    kept = classes[number > 1] if classes.size > 1 else classes[:0]
    columns = np.column_stack((np.ones(road.size), *(road == name for name in kept))).astype(
        np.float64
    )
    return Design(
        columns,
        np.zeros(1 + kept.size),
        np.concatenate(([LEVEL_PRIOR_SD], np.full(kept.size, params.class_sd))),
        np.zeros(road.size),
    )


def flow_column(flow: Floats, local: float = LOCAL_SHARES[0]) -> Floats:
    """Return the (m,) centred logarithm of flow over its mean and what passes
    everywhere, `local` > 0.
    """
    mean = flow.mean()
    if mean <= 0:
        return np.zeros(flow.size)
    column = np.log(flow / mean + local)
    return np.asarray(column - column.mean())


def with_flow(design: Design, column: Floats, params: RiskParams = USUAL) -> Design:
    """Return the design with the flow as its last column."""
    return Design(
        np.column_stack((design.columns, column)),
        np.append(design.prior_mean, params.flow_mean),
        np.append(design.prior_sd, params.flow_sd),
        design.offset,
    )


def fit_hyperparameters(latent: LatentModel, start: Hyperparameters) -> HyperparameterFit:
    """Return the most likely tau, kappa^2 and nugget, fitted on a subgraph where the
    model is large, and the mode there.

    Parameters
    ----------
    latent
        The model.
    start
        Where the search begins; its shape is kept.
    """
    latent = restrict(latent, learning_subgraph(latent))
    best: list[HyperparameterFit] = []
    seen: list[tuple[Floats, float]] = []

    def cost(logs: Floats) -> float:
        tau, kappa2, nugget = np.exp(np.clip(logs, -20, 20)).tolist()
        hyper = Hyperparameters(tau, kappa2, nugget, start.shape)
        tried = fit_at(latent, hyper, best[0].mode.point if best else None)
        if not best or tried.log_evidence > best[0].log_evidence:
            best[:] = [tried]
        seen.append((logs.copy(), tried.log_evidence))
        return -tried.log_evidence

    at = _logs(start)
    corners = at + np.vstack((np.zeros(3), np.diag([1.0, 1.5, 1.0])))
    options = {"initial_simplex": corners, "xatol": TOLERANCE, "fatol": 0.05, "maxfev": 60}
    minimize(cost, at, method="Nelder-Mead", options=options)  # type: ignore[call-overload]  # stubs lack initial_simplex
    return replace(
        best[0],
        log_volume=log_volume(
            np.array([one for one, _ in seen]), np.array([one for _, one in seen])
        ),
    )


def log_volume(logs: Floats, values: Floats) -> float:
    """Return the log of the mean of exp(evidence) over the prior of the
    hyperparameters, over its largest value; <= 0.

    By Laplace's approximation: a quadratic is fitted to the (k,) values, priors
    included, at (k, 3) logs of the hyperparameters, by least squares weighted by
    exp(value - largest). The likelihood is taken not to be convex: in units of the
    prior no curvature is below the prior's.
    """
    z = (logs - HYPER_MEAN) / HYPER_SD
    z = z - z[np.argmax(values)]
    above, below = np.triu_indices(3)
    columns = np.column_stack((np.ones(len(z)), z, z[:, above] * z[:, below]))
    weight = np.exp((values - values.max()) / 2)[:, None]
    fitted = np.linalg.lstsq(weight * columns, weight[:, 0] * (values - values.max()), rcond=1e-6)[
        0
    ]
    half = np.zeros((3, 3))
    half[above, below] = fitted[4:]
    curvature = np.linalg.eigvalsh(-(half + half.T))
    return -0.5 * float(np.log(np.maximum(curvature, 1.0)).sum())


def _logs(hyper: Hyperparameters) -> Floats:
    return np.log([hyper.tau, hyper.kappa2, max(hyper.nugget, 1e-8)])


def fit_at(
    latent: LatentModel, hyper: Hyperparameters, start: LatentPoint | None
) -> HyperparameterFit:
    """Return the mode and the evidence under given hyperparameters."""
    found = find_mode(latent, hyper, start, close=STOP_GAIN)
    evidence = log_evidence(latent, hyper, found.expansion, found.hessian) + _log_prior(hyper)
    return HyperparameterFit(hyper, found.expansion, evidence)


def _log_prior(hyper: Hyperparameters) -> float:
    return float(-0.5 * (((_logs(hyper) - HYPER_MEAN) / HYPER_SD) ** 2).sum())


def fit_shape(latent: LatentModel, fit: HyperparameterFit) -> Hyperparameters:
    """Return the hyperparameters of a fit with the shape of a month's counts under
    which the record is most likely.

    Where seizures are known by area alone, the first of the shapes that is not worse
    than that by more than `SHAPE_MARGIN`.
    """
    tried = [replace(fit.hyper, shape=shape) for shape in SHAPES]
    smaller = restrict(latent, learning_subgraph(latent))
    values = [fit_at(smaller, one, fit.mode.point).log_evidence for one in tried]
    enough = max(values) - (SHAPE_MARGIN if latent.areas else 0.0)
    return next(one for one, value in zip(tried, values, strict=True) if value >= enough)


def candidate_at_mode(
    name: str,
    latent: LatentModel,
    hyper: Hyperparameters,
    start: LatentPoint | None,
    theta: float = np.nan,
    table: OdTable | None = None,
    log_volume: float = 0.0,
) -> Candidate:
    """Return a candidate at its mode, with its evidence, averaged over its
    hyperparameters as far as `log_volume` says.
    """
    fit = fit_at(latent, hyper, start)
    mean = latent.rates(fit.mode.point)
    evidence = fit.log_evidence + log_volume
    unknown = np.full(mean.size, np.nan)
    return Candidate(
        hyper,
        fit.mode,
        evidence,
        log_volume,
        name=name,
        latent=latent,
        mean=mean,
        sd=unknown,
        theta=theta,
        table=table,
    )


def class_rate_candidate(latent: LatentModel, shape: float, start: LatentPoint) -> Candidate:
    """Return the candidate in which segments differ by road class alone, at its mode;
    it has no hyperparameters and pays for none.
    """
    hyper = replace(NO_FIELD, shape=shape)
    nothing = np.zeros_like(start.u)
    found = find_mode(latent, hyper, LatentPoint(nothing, nothing, start.beta), close=STOP_GAIN)
    mode = found.expansion
    mean = latent.rates(mode.point)
    evidence = log_evidence(latent, hyper, mode, found.hessian)
    return Candidate(
        hyper, mode, evidence, name=ALIKE, latent=latent, mean=mean, sd=np.full(mean.size, np.nan)
    )


def with_posterior(one: Candidate, weight: float = 1.0) -> Candidate:
    """Return a candidate at its mode with the mean and standard deviation of the normal
    distribution nearest to its posterior.

    Where seizures are known by area alone no normal distribution is near, and mean and
    spread are those of draws (`area_posterior`), on large networks as many as the
    candidate's `weight` in the average asks for.
    """
    latent, hyper = one.latent, one.hyper
    found = find_mode(latent, hyper, one.mode.point, close=STOP_GAIN)
    for _ in range(BLURS):
        sd = np.sqrt(found.hessian.unit_variance(latent))
        latent = replace(
            latent,
            blur=np.minimum(sd, WIDEST_BLUR),
            area_blur=np.sqrt(found.hessian.area_variance()),
        )
        found = find_mode(latent, hyper, found.expansion.point, close=STOP_GAIN)
    mode = found.expansion
    if latent.areas:
        area_posterior = AreaPosterior(latent, hyper, mode)
        summary = area_posterior.summary(weight)
        return replace(
            one,
            latent=latent,
            mode=mode,
            mean=summary.mean,
            sd=summary.sd,
            unit_mean=summary.unit_mean,
            unit_sd=summary.unit_sd,
            area_posterior=area_posterior,
            summary=summary,
        )
    mean, unit_sd = latent.rates(mode.point), np.sqrt(found.hessian.unit_variance(latent))
    level = latent.level(mode.point.beta, np.arange(latent.n_units))
    sd = np.sqrt(found.hessian.rate_variance(latent.usual_columns)) if latent.levels else unit_sd[0]
    usual = mean + usual_level(latent, mode.point)
    return replace(
        one,
        latent=latent,
        mode=mode,
        mean=usual,
        sd=sd,
        unit_mean=mean + level[:, None],
        unit_sd=unit_sd,
    )


def usual_level(latent: LatentModel, point: LatentPoint) -> float:
    """Return the mean level of the units of effort by what is expected of each; 0 where
    levels are not free.
    """
    return (
        float(latent.unit_share @ point.beta[latent.design.columns.shape[1] :])
        if latent.levels
        else 0.0
    )


def without_flow(field: Candidate) -> LatentPoint:
    """Return the field's mode as a point of the problem with flow: a slope of nothing
    between the road classes and the levels.
    """
    point = field.mode.point
    return LatentPoint(
        point.u, point.v, np.insert(point.beta, field.latent.design.columns.shape[1], 0.0)
    )


@dataclass(frozen=True)
class FittedFlow:
    """The flow that explains the record best."""

    #: Its paths.
    flows: PathFlows
    #: What passes everywhere, over the mean flow of a segment.
    local: float
    #: The model with the flow as its last covariate.
    latent: LatentModel
    #: Of the record under the hyperparameters that it was fitted at.
    log_evidence: float


def fit_flow(
    latent: LatentModel,
    network: Network,
    table: OdTable,
    hyper: Hyperparameters,
    params: RiskParams,
    listener: Listener = SILENT,
) -> FittedFlow:
    """Return the flow under whose theta, and then local share, the record is likeliest
    at the given hyperparameters.
    """
    segments = learning_subgraph(latent)

    def fit_local(flows: PathFlows, total: Floats, local: float) -> FittedFlow:
        own = (
            local / (total / total.mean() + local) if total.any() else None
        )  # the less flow, the more a road is its own
        fuller = replace(
            latent, design=with_flow(latent.design, flow_column(total, local), params), own=own
        )
        evidence = fit_at(restrict(fuller, segments), hyper, None).log_evidence
        return FittedFlow(flows, local, fuller, evidence)

    tried = []
    for number, theta in enumerate(params.thetas, 1):
        with step(listener, f"routes of loads, {number} of {len(params.thetas)}"):
            flows = path_flows(network, table, theta)
            total = flows.net(table.shares()).sum(axis=0)
            tried.append((fit_local(flows, total, LOCAL_SHARES[0]), total))
    best, total = max(tried, key=lambda item: item[0].log_evidence)
    with step(listener, "loads off their routes"):
        by_local = [best, *(fit_local(best.flows, total, local) for local in LOCAL_SHARES[1:])]
    return max(by_local, key=lambda fit: fit.log_evidence)


def model_weights(candidates: Sequence[Candidate], params: RiskParams = USUAL) -> Floats:
    """Return the posterior weight of each candidate: its evidence over that of all,
    from equal prior weights.

    Where some have flows, that roads of a class are all alike has the prior weight
    `alike_weight`: traffic is known to prefer some.

    Weights below `LEAST_WEIGHT` are set to 0 (Madigan and Raftery 1994, Occam's
    window).
    """
    logs = np.array([candidate.log_evidence for candidate in candidates])
    if any(candidate.flows for candidate in candidates):
        logs[[candidate.name == ALIKE for candidate in candidates]] += np.log(params.alike_weight)
    chance = np.exp(logs - logs.max())
    chance[chance < LEAST_WEIGHT * chance.sum()] = 0.0
    return np.asarray(chance / chance.sum())


# The candidate in which what each origin sends and each destination draws is fitted
# too.
#
#     F = F(delta): pairs (o, d) times exp(delta_o + delta_d),      delta ~ N(0, mass_sd^2)
#
# made linear around the mode: d log (F + local) / d delta is the share of o (or d) in F
# + local. Around which point is found on the part of the roads on which hyperparameters
# are fitted; the candidate itself has one column a mass on the whole.

MASS_ROUNDS = 4


@dataclass(frozen=True)
class _Linear:
    """Around which point the masses' flow is made linear: (masses,) delta, and b1."""

    masses: Floats
    slope: float


def with_masses(
    plain: Candidate, base: Design, choice: FittedFlow, params: RiskParams
) -> Candidate | None:
    """Return the candidate in which what origins send and destinations draw is fitted,
    at its mode; None where that is nothing.

    Parameters
    ----------
    plain
        The candidate with the flow of the prior table, at its mode.
    base
        Its covariates without the flow.
    choice
        The flow of the prior table.
    """
    movable = Masses.of(choice, params)
    if movable is None:
        return None
    p = base.columns.shape[1]
    beta = plain.mode.point.beta
    around = _Linear(np.zeros(movable.size), float(beta[p]))
    segments = learning_subgraph(plain.latent)
    small = restrict(plain.latent, segments)
    small_base = replace(base, columns=base.columns[segments], offset=base.offset[segments])
    whole = plain.mode.point
    here = LatentPoint(
        whole.u[segments],
        whole.v[segments],
        np.concatenate((beta[: p + 1], around.masses, beta[p + 1 :])),
    )
    for _ in range(MASS_ROUNDS):
        latent = replace(small, design=movable.design(small_base, around, segments))
        here = find_mode(latent, plain.hyper, here, close=1e-2, most=2).expansion.point
        found = here.beta[p + 1 : p + 1 + movable.size]
        moved = found - around.masses
        around = _Linear(around.masses + np.clip(moved, -1.5, 1.5), max(float(here.beta[p]), 0.05))
        here = replace(
            here,
            beta=np.concatenate(
                (here.beta[: p + 1], around.masses, here.beta[p + 1 + movable.size :])
            ),
        )
        if np.abs(moved).max() < 0.05:
            break
    table = choice.flows.table.with_weight(movable.weight(around.masses))
    latent = replace(plain.latent, design=movable.design(base, around))
    start = here if segments.size == whole.u.size else LatentPoint(whole.u, whole.v, here.beta)
    fitted = candidate_at_mode(
        "field + flow, masses", latent, plain.hyper, start, plain.theta, table, plain.log_volume
    )
    return replace(fitted, masses=movable)


def draw_tables(
    candidates: Sequence[Candidate], weights: Floats, n: int, rng: np.random.Generator
) -> list[OdTable] | None:
    """Return n draws of the table from the average of the candidates; None where no
    candidate has masses fitted.

    The candidate with masses draws them from the normal distribution around its mode.
    That with the flows of the prior table takes it as right. Those without flows say
    nothing of the table: masses are drawn from their prior.
    """
    movable = next((one.masses for one in candidates if one.masses is not None), None)
    if movable is None:
        return None
    prior = movable.flows.table
    tables: list[OdTable] = []
    for one, count in zip(candidates, rng.multinomial(n, weights).tolist(), strict=True):
        if one.masses is not None:
            first = one.latent.design.columns.shape[1] - movable.size
            points = draw_points(one.latent, one.hyper, one.mode, count, rng) if count else []
            masses = [
                (one.mode.point.beta + point.beta)[first : first + movable.size] for point in points
            ]
            tables += [prior.with_weight(movable.weight(drawn)) for drawn in masses]
        elif one.flows:
            tables += [prior] * count
        else:
            unknown = movable.params.mass_sd * rng.standard_normal((count, movable.size))
            tables += [prior.with_weight(movable.weight(drawn)) for drawn in unknown]
    # Mixed again: a caller that takes the first few draws must not get those of one
    # candidate.
    return [tables[place] for place in rng.permutation(n)]


@dataclass(frozen=True)
class Masses:
    """The flow of a table whose masses can move."""

    #: `flows`, `local`: The paths, and what passes everywhere over the mean flow.
    flows: PathFlows
    local: float
    #: `origins`, `destinations`: Whose masses move.
    origins: Ints
    destinations: Ints
    #: `mean`, `centre`: Mean of the prior flow, and of the logarithm of it over that
    #: and `local`: both of the whole.
    mean: float
    centre: float
    #: Prior of the masses and of the exponent of flow.
    params: RiskParams

    @classmethod
    def of(cls, choice: FittedFlow, params: RiskParams) -> Masses | None:
        """Return the flow of a choice; None where there is nothing to move."""
        prior = choice.flows.table.shares()
        origins, destinations = (
            _largest(prior.sum(axis=axis), params.most_masses) for axis in (1, 0)
        )
        flow = choice.flows.net(prior).sum(axis=0)
        mean = float(flow.mean())
        if origins.size + destinations.size < 2 or mean <= 0:
            return None
        centre = float(np.log(flow / mean + choice.local).mean())
        return cls(choice.flows, choice.local, origins, destinations, mean, centre, params)

    @property
    def size(self) -> int:
        """How many masses there are."""
        return self.origins.size + self.destinations.size

    def weight(self, masses: Floats) -> Floats:
        """Return the (g, s) table under (size,) log masses."""
        prior = self.flows.table.shares()
        sent, drawn = np.zeros(prior.shape[0]), np.zeros(prior.shape[1])
        sent[self.origins], drawn[self.destinations] = (
            masses[: self.origins.size],
            masses[self.origins.size :],
        )
        return np.asarray(prior * np.exp(sent[:, None] + drawn))

    def design(self, base: Design, around: _Linear, segments: Ints | None = None) -> Design:
        """Return the covariates: those without flow, the flow, and one column a mass,
        on all or some segments.
        """
        thick, shares = self._parts(self.weight(around.masses), segments)
        flowed = with_flow(base, np.log(thick) - self.centre, self.params)
        return Design(
            np.column_stack((flowed.columns, around.slope * shares)),
            np.concatenate((flowed.prior_mean, np.zeros(self.size))),
            np.concatenate((flowed.prior_sd, np.full(self.size, self.params.mass_sd))),
            flowed.offset - around.slope * (shares @ around.masses),
        )

    def _parts(self, weight: Floats, segments: Ints | None) -> tuple[Floats, Floats]:
        """Return the (m,) flow over its mean and what passes everywhere, and the (m,
        size) share of each mass in it.
        """
        of_origin, of_destination = self.flows.by_end(weight, segments)
        thick = of_origin.sum(axis=1) / self.mean + self.local
        ends = of_origin[:, self.origins], of_destination[:, self.destinations]
        return thick, np.column_stack(ends) / self.mean / thick[:, None]


def _largest(mass: Floats, most: int) -> Ints:
    order = np.argsort(-mass, kind="stable")[:most]
    return np.sort(order[mass[order] > 0])


# What the candidates say together: the averaged log rates, and the seizures they expect
# behind the record they were fitted to.


@dataclass(frozen=True, eq=False)
class AveragedRates(RateMoments):
    """The average over the candidates, with the mixture's means and standard
    deviations.

    `expected` is the (n_units,) seizures expected behind the record, averaged over the
    candidates.
    """

    expected: Floats


def average_rates(
    candidates: Sequence[Candidate], weights: Floats, evidence: Evidence
) -> AveragedRates:
    """Return the average of the candidates with a weight above 0, which must have their
    posterior.
    """
    kept = [one for one, weight in zip(candidates, weights, strict=True) if weight > 0]
    weight = weights[weights > 0]
    mean, sd = _mixed(
        weight, np.array([one.mean for one in kept]), np.array([one.sd for one in kept])
    )
    if len(evidence.units) == 1:
        unit_mean, unit_sd = mean[None], sd[None]
    else:
        unit_mean, unit_sd = _mixed(
            weight,
            np.array([one.unit_mean for one in kept]),
            np.array([one.unit_sd for one in kept]),
        )
    expected = weight @ np.array([_expected(one, evidence) for one in kept])
    return AveragedRates(mean, sd, unit_mean, unit_sd, expected)


def _mixed(weight: Floats, means: Floats, sds: Floats) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of a mixture of normal distributions, the
    components along the first axis.
    """
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


def widening_of(
    candidates: Sequence[Candidate],
    weights: Floats,
    evidence: Evidence,
    sd: Floats,
    params: RiskParams,
) -> float | Floats:
    """Return the factor on the (m,) standard deviations `sd` in intervals and draws
    that simulation calls for, by the (candidates,) weights.

    In a record with faults it is one for each segment, (m,): faults add a variance of
    their own, whatever the posterior's.
    """
    factors = [params.widening_with_flows if one.flows else params.widening for one in candidates]
    widening = float(weights @ factors)
    return (
        params.faulty_widening * np.hypot(1.0, params.faults_sd / sd)
        if evidence.faulty
        else widening
    )


def spatial_signal(candidates: Sequence[Candidate]) -> float:
    """Return the posterior probability that segments differ by more than their road
    class, all candidates being as likely before, in [0, 1].
    """
    logs = np.array([one.log_evidence for one in candidates])
    chance = np.exp(logs - logs.max())
    differ = np.array([one.name != ALIKE for one in candidates])
    return float(chance[differ].sum() / chance.sum())


def replaced(found: str, model: str) -> str:
    """Return what a reader must know where a candidate takes the place of the average;
    `found` is what the average contradicted.
    """
    simpler = {
        "field": message("The field without flows"),
        "alike": message("One rate for each road class"),
    }
    return message(
        "The averaged risk model contradicted its own record ({found}). {model} is used in its"
        " place: it fits the record, and tells places apart less.",
        found=found,
        model=simpler[model],
    )


def too_few_draws(effective: float) -> str:
    """Return what a reader must know where few of the draws that weigh areas count."""
    return message(
        "Seizures known by area alone are weighed by draws, and only about {count:.0f} of them"
        " count: medians and intervals of these areas are rough.",
        count=effective,
    )


def signal_remarks(candidates: Sequence[Candidate], params: RiskParams) -> list[str]:
    """Return what a reader must know where the record does not tell places apart."""
    signal = spatial_signal(candidates)
    if signal >= params.least_signal:
        return []
    return [
        message(
            "The record holds no spatial signal: that roads of one class are alike has a posterior"
            " probability of {probability:.0%}. The risk map then says little of where, and where"
            " loads pass rests on the flows that gravity expects. More searches, in more places,"
            " may change this.",
            probability=1 - signal,
        )
    ]


# A connected part of a large model, on which hyperparameters are fitted: three numbers
# need no more than some thousand segments.

LARGEST = 8_000
"""Segments up to which a model is taken whole."""


def learning_subgraph(latent: LatentModel, largest: int = LARGEST) -> NDArray[np.int64]:
    """Return the sorted segments around the one with most seizures, `largest` at most;
    all where the model is no larger.
    """
    near = latent.field.neighbours
    if near.size <= largest:
        return np.arange(near.size)
    found = np.bincount(latent.cells.segment, latent.cells.count, near.size)
    graph = coo_array(
        (np.ones(near.first.size), (near.first, near.second)), shape=(near.size, near.size)
    ).tocsr()
    order = breadth_first_order(
        graph, int(np.argmax(found)), directed=False, return_predecessors=False
    )
    return np.sort(order[:largest]).astype(np.int64)


def restrict(latent: LatentModel, segments: NDArray[np.int64]) -> LatentModel:
    """Return the model on some of its segments; counts by area stay where all of the area does."""
    near = latent.field.neighbours
    if segments.size == near.size:
        return latent
    place = np.full(near.size, -1, dtype=np.int64)
    place[segments] = np.arange(segments.size)
    cells = latent.cells.take(place[latent.cells.segment] >= 0)
    design = latent.design
    return replace(
        latent,
        field=latent.field.part(segments),
        cells=replace(cells, segment=place[cells.segment]),
        areas=tuple(
            replace(area, segment=place[area.segment])
            for area in latent.areas
            if (place[area.segment] >= 0).all()
        ),
        design=Design(
            design.columns[segments], design.prior_mean, design.prior_sd, design.offset[segments]
        ),
        blur=None,
        area_blur=None,
        own=None if latent.own is None else latent.own[segments],
    )
