"""Who travels a scenario's roads, and what the roads do to them: risk, weights and routes, tips, evaders, in that order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.errors import InputError, Problem
from optimizer.base.text.messages import message
from optimizer.base.work.listener import SILENT, step
from optimizer.risk.tips import TipShift, weigh_tips
from optimizer.scenario.demand.evaders import background_cost, scenario_evaders, usual_routes
from optimizer.scenario.demand.gravity import check_loads, gateway_index
from optimizer.scenario.demand.record_demand import FittedRisk, RecordDemand, fitted_risk, record_demand, without_places
from optimizer.scenario.demand.tipped_demand import tipped_demand, tips_sentence
from optimizer.scenario.demand.weighed_demand import weighed_demand

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.base.work.listener import Listener
    from optimizer.scenario.check.check import ScenarioEvidence
    from optimizer.scenario.demand.evaders import ScenarioEvaders

NO_RECORD = message("The scenario names no seizure record: evaders' weights rest on gateways and populations alone.")
NO_RECORD_FOR_TIPS = message("Tips are not used: without a seizure record there is no risk that they could raise.")
PRIOR_OF_SMALLEST = 0.1
"""Pairs whose share by gravity is below this part of `smallest_share` are left out before the record is explained."""


@dataclass(frozen=True, eq=False)
class ScenarioTravel:
    """Who travels, and what the roads do to them.

    Attributes
    ----------
    evidence
        What the scenario's files say.
    risk
        The risk model fitted to the record; None without one.
    record
        What the record makes of weights and routes.
    evaders
        The evaders, and where each enters and goes.
    reliability
        (m,) chance to pass each arc undetected with nothing placed.
    tips
        What residents' tips make of the risk; None without tips, or without a record to weigh them against.
    """

    evidence: ScenarioEvidence
    risk: FittedRisk | None
    record: RecordDemand
    evaders: ScenarioEvaders
    reliability: NDArray[np.float64]
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
    scenario, network, where = evidence.scenario, evidence.region.network, str(evidence.path)
    with step(listener, "estimating risk"):
        risk = _fitted_risk(evidence)
    cost = background_cost(evidence.region, scenario)
    tips: TipShift | None = None
    with step(listener, "choosing routes"):
        record = _record_demand(evidence, risk, cost)
        if evidence.tips is not None and risk is not None:
            # The record is explained by the risk without tips: were they in it, they would count once there and once in the weights.
            tips = weigh_tips(evidence.tips, risk.estimate, network)
            risk = replace(risk, estimate=tips.shifted(risk.estimate))
            record = _after_tips(evidence, record, tips)
        elif evidence.tips is not None:
            record = replace(record, warnings=(*record.warnings, NO_RECORD_FOR_TIPS))
        known = None if risk is None else risk.known
        record = weighed_demand(record, evidence.demand, network, evidence.records, known)
        check_loads(record.shares, scenario.evaders.smallest_share, where)
        evaders = scenario_evaders(evidence.demand, network, record)
    return ScenarioTravel(evidence, risk, record, evaders, _reliability(cost, where), tips)


def _fitted_risk(evidence: ScenarioEvidence) -> FittedRisk | None:
    """Fit the scenario's risk model; None without records."""
    if evidence.records is None:
        return None
    return fitted_risk(evidence.risk_model(), evidence.records, evidence.effort, evidence.region.network)


def _record_demand(evidence: ScenarioEvidence, risk: FittedRisk | None, cost: NDArray[np.float64]) -> RecordDemand:
    """Return the weights and routes of evaders, by what the scenario lets the record say of them."""
    demand, network, seed = evidence.demand, evidence.region.network, evidence.scenario.solve.seed
    terms = demand.terms
    if risk is not None and terms.weights == "record":
        # A record can raise a pair that gravity thinks little of, so pairs below `smallest_share` are kept until it is explained.
        usual = usual_routes(demand, network, cost, terms.smallest_share * PRIOR_OF_SMALLEST, seed)
        return record_demand(demand, network, risk, usual)
    index = np.ones(len(demand.gateways))
    if risk is not None and terms.weights == "gateways":
        index = gateway_index(risk.model, risk.estimate, network, demand.gateways)
    usual = usual_routes(demand, network, cost, 0.0, seed)
    remarks = without_places(terms.local_share)
    if risk is None:
        remarks = (NO_RECORD, *remarks)
    return RecordDemand(demand.shares(index), usual.by_pair(), warnings=remarks)


def _after_tips(evidence: ScenarioEvidence, record: RecordDemand, tips: TipShift) -> RecordDemand:
    """Return weights and routes after tips, with a sentence on what they changed; with weights from gravity alone nothing moves."""
    network = evidence.region.network
    after = record
    if evidence.scenario.evaders.weights != "gravity":
        after = tipped_demand(record, tips.log_factor, evidence.demand, network)
    moved = float(
        np.abs(after.shares - record.shares).sum() / 2
    )  # total variation: each load that moves counts at both of its pairs
    return replace(after, warnings=(*record.warnings, tips_sentence(tips, moved, network)))


def _reliability(cost: NDArray[np.float64], where: str) -> NDArray[np.float64]:
    """Return the (m,) chance to pass each arc undetected with nothing placed; one of zero is a fault, as nothing would be left to plan."""
    reliability = np.exp(-cost)
    if not (reliability > 0).all():
        found = f"{np.count_nonzero(reliability <= 0)} roads that nobody passes undetected, even with nothing placed"
        expected, remedy = "a chance above 0 on every road", "Lower per_hour, per_km or by_class"
        raise InputError(Problem(f"{where}, background", found, expected, remedy))
    return reliability
