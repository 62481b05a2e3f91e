"""Covariates of the candidate models, their likeliest hyperparameters, and how far each is believed.

    field                field alone (with the road classes)
    field + flow         and b1 (log (F + local) - mean), F the flow that the prior table of pairs sends over each segment over its mean, and
                         `local` what passes everywhere; the nugget shrinks where flow is thick, as local / (F + local)
    field + flow, masses and what each origin and destination sends and draws is fitted too (`optimizer.risk.field_flow.masses`)
    alike                none of these: the level and the road classes are all there is

Each is believed in proportion to its evidence (Laplace's approximation at the likeliest hyperparameters), so that flows are dropped where they
explain nothing. Theta, the preference for short ways, and `local` are chosen by evidence among a few.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize

from optimizer.risk.field_flow.area_posterior import Pools
from optimizer.risk.field_flow.flow import path_flows
from optimizer.risk.field_flow.laplace import climb, log_evidence
from optimizer.risk.field_flow.latent import Design, Point, Problem, Setting
from optimizer.risk.field_flow.subgraph import part_of, restricted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from optimizer.problem.network import Network
    from optimizer.risk.field_flow.area_posterior import Summary
    from optimizer.risk.field_flow.flow import PathFlows
    from optimizer.risk.field_flow.posterior import View
    from optimizer.risk.od import OdTable

    Floats = NDArray[np.float64]

LEVEL_PRIOR_SD = 10.0
CLASS_PRIOR_SD = 1.0
FLOW_PRIOR = (1.0, 0.5)
"""Mean and standard deviation of b1: finds in proportion to flow, unless the record says otherwise."""
LOCAL_SHARES = (0.1, 0.03, 0.3, 1.0)
"""What passes everywhere whatever the pairs send, over the mean flow of a segment: values that are tried, the first with every theta."""
HYPER_MEAN = np.array([0.0, -3.0, -1.0])
HYPER_SD = np.array([2.5, 2.5, 1.5])
"""Prior of log tau, log kappa^2 and the log of the nugget."""
SHAPES = (np.inf, 16.0, 4.0, 1.0)
"""Shapes of a month's counts that are tried; infinity is Poisson."""
SHAPE_MARGIN = 1.0
"""Where finds are known by area alone, a shape must be better by this much log evidence than one nearer to Poisson: sums of many months over
few areas tell shapes apart by hairs, and a wrong one costs a third of a nat in every month foretold."""
CLOSE = 3e-3
"""Gain in log chance at which a climb stops."""
LEAST_BELIEF = 1e-3
BLURS = 1
"""Rounds from the mode to the normal distribution nearest to the posterior; more change nothing that matters (measured)."""
WIDEST_BLUR = 3.0
START = Setting(*np.exp(HYPER_MEAN).tolist())
ALIKE = Setting(1e4, 1.0)
"""A field that is nothing (standard deviation below 0.01) and no nugget: segments of a class are alike."""


@dataclass(frozen=True)
class Fitted:
    """One candidate at its likeliest hyperparameters: at its mode, or, settled, at the normal distribution nearest to its posterior.

    Attributes
    ----------
    name
        `field`, `field + flow`, `field + flow, masses` or `alike`.
    problem, setting, mode
        The model, its hyperparameters and its mode.
    log_evidence
        Log chance of the record, priors of the hyperparameters included.
    mean, sd
        (m,) log rate; the standard deviation is NaN until the candidate is settled.
    theta
        Preference for short times; NaN without flows.
    table
        Pairs that the flow stands for; None without.
    pools, summary
        The posterior where finds are known by area alone, and what its draws say; None until the candidate is settled, or without areas.
    """

    name: str
    problem: Problem
    setting: Setting
    mode: View
    log_evidence: float
    mean: Floats
    sd: Floats
    theta: float = np.nan
    table: OdTable | None = None
    pools: Pools | None = None
    summary: Summary | None = None

    @property
    def flows(self) -> bool:
        """Whether flows are among its covariates."""
        return not np.isnan(self.theta)


def class_design(network: Network, offset: Floats | None = None) -> Design:
    """Return the level and one column for each road class that has at least two segments, where there are several."""
    road = network.road_class[network.segment_arc]
    classes, number = np.unique(road, return_counts=True)
    kept = classes[number > 1] if classes.size > 1 else classes[:0]
    columns = np.column_stack((np.ones(road.size), *(road == name for name in kept))).astype(np.float64)
    return Design(
        columns,
        np.zeros(1 + kept.size),
        np.concatenate(([LEVEL_PRIOR_SD], np.full(kept.size, CLASS_PRIOR_SD))),
        np.zeros(road.size) if offset is None else offset,
    )


def flow_column(flow: Floats, local: float = LOCAL_SHARES[0]) -> Floats:
    """Return the (m,) centred logarithm of flow over its mean and what passes everywhere, `local` > 0."""
    mean = flow.mean()
    if mean <= 0:
        return np.zeros(flow.size)
    column = np.log(flow / mean + local)
    return np.asarray(column - column.mean())


def with_flow(design: Design, column: Floats) -> Design:
    """Return the design with the flow as its last column."""
    return Design(
        np.column_stack((design.columns, column)),
        np.append(design.prior_mean, FLOW_PRIOR[0]),
        np.append(design.prior_sd, FLOW_PRIOR[1]),
        design.offset,
    )


def likeliest(problem: Problem, start: Setting, tolerance: float = 0.25) -> tuple[Setting, View]:
    """Return the likeliest tau, kappa^2 and nugget, learnt on a part where the problem is large, and the mode there.

    Parameters
    ----------
    problem
        The model.
    start
        Where the search begins; its shape is kept.
    tolerance
        Size of the simplex, in the logarithms, at which the search stops.
    """
    problem = restricted(problem, part_of(problem))
    best: list[tuple[float, Setting, View]] = []

    def cost(logs: Floats) -> float:
        tau, kappa2, nugget = np.exp(np.clip(logs, -20, 20)).tolist()
        setting = Setting(tau, kappa2, nugget, start.shape)
        value, mode = weigh(problem, setting, best[0][2].point if best else None)
        if not best or value > best[0][0]:
            best[:] = [(value, setting, mode)]
        return -value

    at = _logs(start)
    corners = at + np.vstack((np.zeros(3), np.diag([1.0, 1.5, 1.0])))
    options = {"initial_simplex": corners, "xatol": tolerance, "fatol": 0.05, "maxfev": 60}
    minimize(cost, at, method="Nelder-Mead", options=options)  # type: ignore[call-overload]  # stubs lack initial_simplex
    return best[0][1], best[0][2]


def _logs(setting: Setting) -> Floats:
    return np.log([setting.tau, setting.kappa2, max(setting.nugget, 1e-8)])


def weigh(problem: Problem, setting: Setting, start: Point | None) -> tuple[float, View]:
    """Return the log evidence with the priors of the hyperparameters, and the mode."""
    mode, hessian = climb(problem, setting, start, close=CLOSE)
    return log_evidence(problem, setting, mode, hessian) + _log_prior(setting), mode


def _log_prior(setting: Setting) -> float:
    return float(-0.5 * (((_logs(setting) - HYPER_MEAN) / HYPER_SD) ** 2).sum())


def likeliest_shape(problem: Problem, setting: Setting, mode: View, shapes: Sequence[float] = SHAPES) -> Setting:
    """Return the setting with the shape of a month's counts under which the record is likeliest.

    Where finds are known by area alone, the first of the shapes that is not worse than that by more than `SHAPE_MARGIN`.
    """
    tried = [replace(setting, shape=shape) for shape in shapes]
    smaller = restricted(problem, part_of(problem))
    values = [weigh(smaller, one, mode.point)[0] for one in tried]
    enough = max(values) - (SHAPE_MARGIN if problem.areas else 0.0)
    return next(one for one, value in zip(tried, values, strict=True) if value >= enough)


def climbed(
    name: str,
    problem: Problem,
    setting: Setting,
    start: Point | None,
    theta: float = np.nan,
    table: OdTable | None = None,
) -> Fitted:
    """Return a candidate at its mode, with its evidence."""
    mode, hessian = climb(problem, setting, start, close=CLOSE)
    evidence = log_evidence(problem, setting, mode, hessian) + _log_prior(setting)
    mean = problem.rates(mode.point)
    return Fitted(name, problem, setting, mode, evidence, mean, np.full(mean.size, np.nan), theta, table)


def alike(problem: Problem, shape: float, start: Point) -> Fitted:
    """Return the candidate in which segments differ by road class alone, at its mode; it has no hyperparameters and pays for none."""
    setting = replace(ALIKE, shape=shape)
    nothing = np.zeros_like(start.u)
    mode, hessian = climb(problem, setting, Point(nothing, nothing, start.beta), close=CLOSE)
    mean = problem.rates(mode.point)
    evidence = log_evidence(problem, setting, mode, hessian)
    return Fitted("alike", problem, setting, mode, evidence, mean, np.full(mean.size, np.nan))


def settled(one: Fitted) -> Fitted:
    """Return a climbed candidate moved on from its mode to the normal distribution nearest to its posterior.

    Where finds are known by area alone no normal distribution is near, and mean and spread are those of draws (`area_posterior`).
    """
    problem, setting = one.problem, one.setting
    mode, hessian = climb(problem, setting, one.mode.point, close=CLOSE)
    for _ in range(BLURS):
        sd = np.sqrt(hessian.rate_variance(problem.design.columns))
        problem = replace(problem, blur=np.minimum(sd, WIDEST_BLUR), area_blur=np.sqrt(hessian.area_variance()))
        mode, hessian = climb(problem, setting, mode.point, close=CLOSE)
    if problem.areas:
        pools = Pools(problem, setting, mode)
        found = pools.summary()
        return replace(one, problem=problem, mode=mode, mean=found.mean, sd=found.sd, pools=pools, summary=found)
    sd = np.sqrt(hessian.rate_variance(problem.design.columns))
    return replace(one, problem=problem, mode=mode, mean=problem.rates(mode.point), sd=sd)


def without_flow(field: Fitted) -> Point:
    """Return the field's mode as a point of the problem with flow: a slope of nothing between the road classes and the levels."""
    point = field.mode.point
    return Point(point.u, point.v, np.insert(point.beta, field.problem.design.columns.shape[1], 0.0))


@dataclass(frozen=True)
class FlowChoice:
    """The flow that explains the record best.

    Attributes
    ----------
    flows
        Its paths.
    local
        What passes everywhere, over the mean flow of a segment.
    problem
        The problem with the flow as its last covariate.
    """

    flows: PathFlows
    local: float
    problem: Problem


def best_flow(
    problem: Problem, network: Network, table: OdTable, thetas: Sequence[float], setting: Setting
) -> FlowChoice:
    """Return the flow under whose theta, and then local share, the record is likeliest at the given hyperparameters."""
    segments = part_of(problem)

    def believed(flows: PathFlows, total: Floats, local: float) -> tuple[float, FlowChoice]:
        own = (
            local / (total / total.mean() + local) if total.any() else None
        )  # the less flow, the more a road is its own
        fuller = replace(problem, design=with_flow(problem.design, flow_column(total, local)), own=own)
        return weigh(restricted(fuller, segments), setting, None)[0], FlowChoice(flows, local, fuller)

    tried = []
    for theta in thetas:
        flows = path_flows(network, table, theta)
        total = flows.net(table.shares()).sum(axis=0)
        tried.append((*believed(flows, total, LOCAL_SHARES[0]), total))
    value, choice, total = max(tried, key=lambda item: item[0])
    others = [(value, choice), *(believed(choice.flows, total, local) for local in LOCAL_SHARES[1:])]
    return max(others, key=lambda item: item[0])[1]


def beliefs(candidates: Sequence[Fitted]) -> Floats:
    """Return how far each candidate is believed: its evidence over that of all, from equal prior belief.

    Those that would be believed less than `LEAST_BELIEF` are not believed at all (Madigan and Raftery 1994, Occam's window).
    """
    logs = np.array([candidate.log_evidence for candidate in candidates])
    chance = np.exp(logs - logs.max())
    chance[chance < LEAST_BELIEF * chance.sum()] = 0.0
    return np.asarray(chance / chance.sum())
