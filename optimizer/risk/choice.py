"""Covariates of the candidate models, their likeliest hyperparameters, and how far each is believed.

    field                field alone (with the road classes)
    field + flow         and b1 (log (F + local) - mean), F the flow that the prior table of pairs sends over each segment over its mean, and
                         `local` what passes everywhere; the nugget shrinks where flow is thick, as local / (F + local)
    field + flow, masses and what each origin and destination sends and draws is fitted too: F = F(delta), pairs o, d times
                         exp(delta_o + delta_d), delta ~ N(0, MASS_SD^2), made linear at the mode: d log F / d delta is the share of o
                         (or d) in F

Each is believed in proportion to its evidence (Laplace's approximation at the likeliest hyperparameters), so that flows are dropped where they
explain nothing. Theta, the preference for short ways, and `local` are chosen by evidence among a few.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize

from optimizer.risk.flow import path_flows
from optimizer.risk.laplace import Design, Point, Problem, Setting, climb, log_evidence
from optimizer.risk.part import part_of, restricted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from optimizer.network import Network
    from optimizer.risk.flow import PathFlows
    from optimizer.risk.laplace import View
    from optimizer.risk.od import OdTable

    Floats = NDArray[np.float64]

LEVEL_PRIOR_SD = 10.0
CLASS_PRIOR_SD = 1.0
FLOW_PRIOR = (1.0, 0.5)
"""Mean and standard deviation of b1: finds in proportion to flow, unless the record says otherwise."""
LOCAL_SHARES = (0.1, 0.03, 0.3, 1.0)
"""What passes everywhere whatever the pairs send, over the mean flow of a segment: values that are tried, the first with every theta."""
MASS_SD = 1.0
MOST_MASSES = 16
"""Origins and destinations, each the largest, whose masses are fitted; the others keep the prior's."""
MASS_ROUNDS = 4
HYPER_MEAN = np.array([0.0, -3.0, -1.0])
HYPER_SD = np.array([2.5, 2.5, 1.5])
"""Prior of log tau, log kappa^2 and the log of the nugget."""
SHAPES = (np.inf, 16.0, 4.0, 1.0)
"""Shapes of a month's counts that are tried; infinity is Poisson."""
CLOSE = 3e-3
"""Gain in log chance at which a climb stops."""
LARGEST_FOR_MASSES = 20_000
"""Segments up to which masses are fitted; beyond, a column for each origin and destination would take most of a minute."""
BLURS = 1
"""Rounds from the mode to the normal distribution nearest to the posterior; more change nothing that matters (measured)."""
WIDEST_BLUR = 3.0
START = Setting(*np.exp(HYPER_MEAN).tolist())


@dataclass(frozen=True)
class Fitted:
    """One candidate at its likeliest hyperparameters.

    Attributes
    ----------
    name
        `field`, `field + flow` or `field + flow, masses`.
    problem, setting, mode
        The model, its hyperparameters and its mode.
    log_evidence
        Log chance of the record, priors of the hyperparameters included.
    mean, sd
        (m,) log rate.
    theta
        Preference for short times; NaN without flows.
    table
        Pairs that the flow stands for; None without.
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
    """Return the setting with the shape of a month's counts under which the record is likeliest."""
    tried = [replace(setting, shape=shape) for shape in shapes]
    return max(tried, key=lambda one: weigh(restricted(problem, part_of(problem)), one, mode.point)[0])


def settled(
    name: str,
    problem: Problem,
    setting: Setting,
    start: Point | None,
    theta: float = np.nan,
    table: OdTable | None = None,
) -> Fitted:
    """Return a candidate climbed to its mode, and from there to the normal distribution nearest to its posterior."""
    mode, hessian = climb(problem, setting, start, close=CLOSE)
    evidence = log_evidence(problem, setting, mode, hessian) + _log_prior(setting)
    for _ in range(BLURS):
        sd = np.sqrt(hessian.rate_variance(problem.design.columns))
        problem = replace(problem, blur=np.minimum(sd, WIDEST_BLUR))
        mode, hessian = climb(problem, setting, mode.point, close=CLOSE)
    sd = np.sqrt(hessian.rate_variance(problem.design.columns))
    return Fitted(name, problem, setting, mode, evidence, problem.rates(mode.point), sd, theta, table)


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


def with_masses(plain: Fitted, base: Design, choice: FlowChoice) -> Fitted | None:
    """Return the candidate in which what origins send and destinations draw is fitted; None where that is nothing or too much.

    Parameters
    ----------
    plain
        The candidate with the flow of the prior table.
    base
        Its covariates without the flow.
    choice
        The flow of the prior table.
    """
    flows, local = choice.flows, choice.local
    prior = flows.table.shares()
    origins, destinations = _largest(prior.sum(axis=1)), _largest(prior.sum(axis=0))
    if origins.size + destinations.size < 2 or base.offset.size > LARGEST_FOR_MASSES:
        return None
    mean_flow = flows.net(prior).sum(axis=0).mean()
    if mean_flow <= 0:
        return None
    centre = float(np.log(flows.net(prior).sum(axis=0) / mean_flow + local).mean())
    p = base.columns.shape[1]
    sharp = replace(plain.problem, blur=None)
    masses = np.zeros(origins.size + destinations.size)
    slope = float(plain.mode.point.beta[p])
    beta = plain.mode.point.beta
    start = plain.mode.point
    levels = plain.problem.levels
    for _ in range(MASS_ROUNDS):
        weight = _reweighted(prior, origins, destinations, masses)
        total, of_origin, of_destination = _parts(flows, weight)
        thick = total / mean_flow + local
        shares = np.column_stack((of_origin[:, origins], of_destination[:, destinations])) / mean_flow / thick[:, None]
        flowed = with_flow(base, np.log(thick) - centre)
        design = Design(
            np.column_stack((flowed.columns, slope * shares)),
            np.concatenate((flowed.prior_mean, np.zeros(masses.size))),
            np.concatenate((flowed.prior_sd, np.full(masses.size, MASS_SD))),
            flowed.offset - slope * (shares @ masses),
        )
        problem = replace(sharp, design=design)
        fixed, level = beta[: p + 1], beta[beta.size - levels :] if levels else beta[:0]
        start = replace(start, beta=np.concatenate((fixed, masses, level)))
        mode, _ = climb(problem, plain.setting, start, close=1e-2, most=2)
        start, beta = mode.point, mode.point.beta
        moved = beta[p + 1 : p + 1 + masses.size] - masses
        masses = masses + np.clip(moved, -1.5, 1.5)
        slope = max(float(beta[p]), 0.05)
        if np.abs(moved).max() < 0.05:
            break
    table = flows.table.with_weight(_reweighted(prior, origins, destinations, masses))
    return settled("field + flow, masses", problem, plain.setting, start, plain.theta, table)


def _largest(mass: Floats) -> NDArray[np.int64]:
    order = np.argsort(-mass, kind="stable")[:MOST_MASSES]
    return np.sort(order[mass[order] > 0])


def _reweighted(prior: Floats, origins: NDArray[np.int64], destinations: NDArray[np.int64], masses: Floats) -> Floats:
    sent, drawn = np.zeros(prior.shape[0]), np.zeros(prior.shape[1])
    sent[origins], drawn[destinations] = masses[: origins.size], masses[origins.size :]
    return np.asarray(prior * np.exp(sent[:, None] + drawn))


def _parts(flows: PathFlows, weight: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the (m,) flow, and its parts by origin (m, g) and by destination (m, s)."""
    of_destination = np.zeros((flows.along.shape[0], weight.shape[1]))
    of_origin = np.empty((flows.along.shape[0], weight.shape[0]))
    for g in range(len(weight)):
        part = flows.by_pair(g, weight)
        of_origin[:, g] = part.sum(axis=1)
        of_destination += part
    return of_origin.sum(axis=1), of_origin, of_destination


def beliefs(candidates: Sequence[Fitted]) -> Floats:
    """Return how far each candidate is believed: its evidence over that of all, from equal prior belief."""
    logs = np.array([candidate.log_evidence for candidate in candidates])
    chance = np.exp(logs - logs.max())
    return np.asarray(chance / chance.sum())
