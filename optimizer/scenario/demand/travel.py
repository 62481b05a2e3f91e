"""Who travels a scenario's roads, and what the roads do to them: risk, weights and
routes, tips, evaders, in that order.

What tips make of evaders' weights: routes past a tip weigh more, by a factor that is
bounded.

    w'_r = w_r exp(max of T_s over the segments s of route r) / normalisation          T_s in [0, B], `optimizer.risk.tips`

Bound on a plan. Every w'_r / w_r lies in [e^-B, e^B], as the normalisation of weights
that sum to one lies in [1, e^B]. What gets through a plan x is f(x) = sum of weights
times chances to pass, and no chance depends on tips, so e^-B f(x) <= f'(x) <= e^B f(x)
for every x. The best plan x' with tips then has f(x') <= e^B f'(x') <= e^B f'(x*) <=
e^2B f(x*): judged without tips it lets through at most e^2B = 1.5625 times what the
best plan lets through, however many tips are sent and by whom. Kinds of gateways keep
the shares that a scenario gives them; the bound then holds kind by kind.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.base.errors import InputError, Problem
from optimizer.base.text.messages import Message, counted_message, listed, message
from optimizer.base.work.listener import SILENT, Listener, step
from optimizer.problem.instance.evaders import Route
from optimizer.risk.tips import BOUND, CELL_KM, MOST_CLUSTERS, TipShift, weigh_tips
from optimizer.scenario.demand.evaders import (
    PairRoutes,
    ScenarioEvaders,
    background_cost,
    routes_between,
    scenario_evaders,
    usual_routes,
)
from optimizer.scenario.demand.gravity import GravityDemand, check_loads, gateway_index
from optimizer.scenario.demand.record_demand import (
    FittedRisk,
    RecordDemand,
    fitted_risk,
    record_demand,
    with_record,
    without_places,
)
from optimizer.scenario.demand.stages import ScenarioEvidence
from optimizer.scenario.demand.weighed_demand import weighed_demand
from optimizer.scenario.sites.options import compile_options

if TYPE_CHECKING:
    from optimizer.problem.network.network import Network

Floats = NDArray[np.float64]


NO_RECORD = message(
    "The scenario names no seizure record: evaders' weights rest on gateways and populations alone."
)
NO_RECORD_FOR_TIPS = message(
    "Tips are not used: without a seizure record there is no risk that they could raise."
)
NO_EVADERS = ScenarioEvaders((), ())
PRIOR_OF_SMALLEST = 0.1
"""Pairs whose share by gravity is below this part of `smallest_share` are left out
before the record is explained.
"""


@dataclass(frozen=True, eq=False)
class ScenarioTravel:
    """Who travels, and what the roads do to them."""

    #: What the scenario's files say.
    evidence: ScenarioEvidence
    #: The risk model fitted to the record; None without one.
    risk: FittedRisk | None
    #: What the record makes of weights and routes.
    record: RecordDemand
    #: The evaders, and where each enters and goes.
    evaders: ScenarioEvaders
    #: (m,) chance to pass each arc undetected with nothing placed.
    reliability: NDArray[np.float64]
    #: What residents' tips make of the risk; None without tips, or without a record to
    #: weigh them against.
    tips: TipShift | None


def scenario_travel(evidence: ScenarioEvidence, listener: Listener = SILENT) -> ScenarioTravel:
    """Return who travels by what a scenario's files say.

    Parameters
    ----------
    evidence
        The files.
    listener
        Told of each step.

    Raises
    ------
    InputError
        If no load travels, or a road lets nobody through with nothing placed.
    """
    scenario = evidence.scenario
    network = evidence.region.network
    where = str(evidence.path)
    with step(listener, "estimating risk"):
        risk = _fitted_risk(evidence, listener)
    cost = background_cost(evidence.region, scenario)
    tips: TipShift | None = None
    with step(listener, "choosing routes"):
        record = _record_demand(evidence, risk, cost)
        if evidence.tips is not None and risk is not None:
            # The record is explained by the risk without tips: were they in it, they
            # would count once there and once in the weights.
            tips = weigh_tips(evidence.tips, risk.estimate, network)
            risk = replace(risk, estimate=tips.shifted(risk.estimate))
        elif evidence.tips is not None:
            record = replace(record, warnings=(*record.warnings, NO_RECORD_FOR_TIPS))
        return _travelled(
            ScenarioTravel(evidence, risk, record, NO_EVADERS, _reliability(cost, where), tips)
        )


def travel_by(travel: ScenarioTravel, evidence: ScenarioEvidence) -> ScenarioTravel:
    """Return who travels by another record of the same scenario, or by gravity, without
    a fit of the risk model to it.

    Effort counts as the fit to the scenario's own record has it, and places are as
    wrong as that record's. Routes are by travel time, or by length where the other
    record is explained better so. Loads that keep to a place are where flows leave
    something over, as there is no map of it.

    Parameters
    ----------
    travel
        By the scenario's own record.
    evidence
        What the files would say with the other record, or with weights from gravity.

    Raises
    ------
    InputError
        If no load travels.
    """
    demand = evidence.demand
    network = evidence.region.network
    risk = travel.risk
    own = travel.record
    if (
        demand.terms.weights == "record"
        and own.flows is not None
        and risk is not None
        and evidence.records is not None
    ):
        risk = with_record(risk, evidence.records, evidence.effort, network)
        record = record_demand(
            demand, network, risk, own.flows.by_time, around=own.flows.around, in_place_of=own.fit
        )
    else:
        routes = own.routes if own.flows is None else own.flows.by_time.by_pair()
        record = RecordDemand(demand.shares(np.ones(len(demand.gateways))), routes)
    return _travelled(replace(travel, evidence=evidence, risk=risk, record=record))


def _travelled(travel: ScenarioTravel) -> ScenarioTravel:
    """Return who travels once tips and what loads carry count as well."""
    evidence = travel.evidence
    record = travel.record
    tips = travel.tips
    network = travel.evidence.region.network
    if tips is not None:
        record = _after_tips(evidence, record, tips)
    known = None if travel.risk is None else travel.risk.known
    record = weighed_demand(record, evidence.demand, network, evidence.records, known)
    check_loads(record.shares, evidence.scenario.evaders.smallest_share, str(evidence.path))
    return replace(
        travel, record=record, evaders=scenario_evaders(evidence.demand, network, record)
    )


def _fitted_risk(evidence: ScenarioEvidence, listener: Listener) -> FittedRisk | None:
    """Fit the scenario's risk model; None without records."""
    if evidence.records is None:
        return None
    return fitted_risk(
        evidence.risk_model(), evidence.records, evidence.effort, evidence.region.network, listener
    )


def _record_demand(
    evidence: ScenarioEvidence, risk: FittedRisk | None, cost: NDArray[np.float64]
) -> RecordDemand:
    """Return the weights and routes of evaders, by what the scenario lets the record
    say of them.
    """
    demand = evidence.demand
    network = evidence.region.network
    seed = evidence.scenario.solve.seed
    terms = demand.terms
    if risk is not None and terms.weights == "record":
        # A record can raise a pair that gravity thinks little of, so pairs below
        # `smallest_share` are kept until it is explained.
        usual = usual_routes(demand, network, cost, terms.smallest_share * PRIOR_OF_SMALLEST, seed)
        return record_demand(
            demand, network, risk, usual, around=_around_today(evidence, cost, usual.ends)
        )
    index = np.ones(len(demand.gateways))
    if risk is not None and terms.weights == "gateways":
        index = gateway_index(risk.model, risk.estimate, network, demand.gateways)
    usual = usual_routes(demand, network, cost, 0.0, seed)
    remarks = without_places(terms.local_share)
    if risk is None:
        remarks = (NO_RECORD, *remarks)
    return RecordDemand(demand.shares(index), usual.by_pair(), warnings=remarks)


def _around_today(
    evidence: ScenarioEvidence, cost: NDArray[np.float64], ends: tuple[tuple[int, int], ...]
) -> PairRoutes | None:
    """Return the best routes of loads that know what stands today, which was there
    while the record was made; None where nothing does.
    """
    if not any(item.site.existing for item in evidence.sites):
        return None
    demand = evidence.demand
    network = evidence.region.network
    known = cost.copy()
    for option in compile_options(evidence.sites, evidence.scenario, network).options:
        if option.existing:
            known[list(option.arcs)] -= np.log(
                np.maximum(option.survival, np.finfo(np.float64).tiny)
            )
    terms = demand.terms.model_copy(update={"habitual_draws": 1, "habitual_spread": 0.0})
    return routes_between(replace(demand, terms=terms), network, known, ends, seed=0)


def _after_tips(evidence: ScenarioEvidence, record: RecordDemand, tips: TipShift) -> RecordDemand:
    """Return weights and routes after tips, with a sentence on what they changed; with
    weights from gravity alone nothing moves.
    """
    network = evidence.region.network
    after = record
    if evidence.scenario.evaders.weights != "gravity":
        after = tipped_demand(record, tips.log_factor, evidence.demand, network)
    moved = float(
        np.abs(after.shares - record.shares).sum() / 2
    )  # total variation: each load that moves counts at both of its pairs
    return replace(after, warnings=(*record.warnings, tips_sentence(tips, moved, network)))


def _reliability(cost: NDArray[np.float64], where: str) -> NDArray[np.float64]:
    """Return the (m,) chance to pass each arc undetected with nothing placed; one of
    zero is a fault, as nothing would be left to plan.
    """
    reliability = np.exp(-cost)
    if not (reliability > 0).all():
        found = (
            f"{np.count_nonzero(reliability <= 0)} roads that nobody passes undetected, even with"
            " nothing placed"
        )
        expected, remedy = "a chance above 0 on every road", "Lower per_hour, per_km or by_class"
        raise InputError(Problem(f"{where}, background", found, expected, remedy))
    return reliability


ROADS_NAMED = 3
"""Roads that are named."""


def tipped_demand(
    record: RecordDemand, log_factor: Floats, demand: GravityDemand, network: Network
) -> RecordDemand:
    """Return weights and routes after tips; loads that keep to a place stay as they
    are.

    Parameters
    ----------
    record
        Weights and routes before.
    log_factor
        (segments,) T, in [0, `optimizer.risk.tips.BOUND`].
    demand
        Gateways, and the shares of their kinds.
    network
        The roads.
    """
    if not log_factor.any():
        return record
    shares = record.shares.copy()
    routes = {}
    for pair, own in record.routes.items():
        weight = np.array(
            [route.share * np.exp(raised(route.arcs, log_factor, network)) for route in own]
        )
        total = float(weight.sum())
        if not total > 0:
            routes[pair] = own
            continue
        shares[pair] *= total / sum(route.share for route in own)
        routes[pair] = tuple(
            Route(route.arcs, share)
            for route, share in zip(own, (weight / total).tolist(), strict=True)
        )
    flows = record.flows
    if flows is not None:
        arcs = [route.arcs for own in flows.usual.routes for route in own]
        flows = replace(flows, raised=np.array([raised(one, log_factor, network) for one in arcs]))
    return replace(
        record, shares=_by_kind(shares, record.shares, demand), routes=routes, flows=flows
    )


def raised(arcs: tuple[int, ...], log_factor: Floats, network: Network) -> float:
    """Return the greatest T on a route."""
    return float(log_factor[network.segment[list(arcs)]].max(initial=0.0))


def tips_sentence(shift: TipShift, moved: float, network: Network) -> Message:
    """Return what tips changed: how many count, the risk of roads with and without
    them, and how much of the loads they moved.

    Parameters
    ----------
    shift
        What they make of the risk map.
    moved
        Share of the loads whose pair they changed.
    network
        The roads.
    """
    before, limit = shift.before.median, message("none is over the limit")
    if shift.over_limit:
        limit = message(
            "{count} more do not, as {most} of a month and {side:g} km square count at most",
            count=shift.over_limit,
            most=MOST_CLUSTERS,
            side=CELL_KM,
        )
    factor = np.exp(shift.log_factor)
    up = np.flatnonzero(factor > 1.01)
    km = network.length_m[network.segment_arc][up].sum() / 1000
    top = up[np.argsort(-before[up] * (factor[up] - 1), kind="stable")]
    named: dict[str, Message] = {}
    for at in top.tolist():
        arc = network.segment_arc[at]
        name = str(network.name[arc]) or message(
            "segment {number} ({road_class})", number=at, road_class=network.road_class[arc]
        )
        risen = message(
            "{road} from {before:.3g} to {after:.3g}",
            road=name,
            before=before[at],
            after=before[at] * factor[at],
        )
        named.setdefault(name, risen)
        if len(named) == ROADS_NAMED:
            break
    roads = ""
    if named:
        roads = message(
            " They raise the risk index on {length:,.3g} km of roads by more than 1 %: {roads}"
            " (without tips, with them).",
            length=km,
            roads=listed(named.values()),
        )
    return message(
        "Tips: {clusters} count, {limit}.{roads} They moved {moved:.1%} of the loads between pairs"
        " of gateway and settlement. No index or weight rises by more than {most:.0%} for tips,"
        " however many are sent; judged without tips, the best plan lets through at most"
        " {worst:.3g} times what it would have. Searched and unsearched roads are as before.",
        clusters=counted_message("{count} cluster", "{count} clusters", shift.used),
        limit=limit,
        roads=roads,
        moved=moved,
        most=np.expm1(BOUND),
        worst=np.exp(2 * BOUND),
    )


def _by_kind(after: Floats, before: Floats, demand: GravityDemand) -> Floats:
    """Return shares that sum to what they did before, of each kind of gateway where the
    scenario gives kinds their shares.
    """
    kinds = [gateway.kind if demand.terms.shares else "" for gateway in demand.gateways]
    out = after.copy()
    for kind in set(kinds):
        own = np.array([one == kind for one in kinds])
        total = after[own].sum()
        if total > 0:
            out[own] *= before[own].sum() / total
    return out
