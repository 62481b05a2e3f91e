"""From a scenario to an instance: region, records, risk, demand, sites, in that order, keeping what the report needs of each step."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.text.messages import message
from optimizer.base.work.listener import SILENT, step
from optimizer.problem.files.instance_file import check_content
from optimizer.problem.instance.checks import check_evaders
from optimizer.problem.instance.instance import Instance
from optimizer.risk.tips import TipShift, weigh_tips
from optimizer.scenario.check.assumptions import assumptions_of
from optimizer.scenario.check.check import read_evidence
from optimizer.scenario.check.sites import road_sites
from optimizer.scenario.compile.burden import NO_BURDEN, burden_of
from optimizer.scenario.compile.options import compile_options, unanswered_warnings
from optimizer.scenario.compile.source_measures import with_measures
from optimizer.scenario.demand.evaders import background_cost, scenario_evaders, usual_routes
from optimizer.scenario.demand.gravity import check_loads, gateway_index
from optimizer.scenario.demand.record_demand import FittedRisk, RecordDemand, fitted_risk, record_demand, without_places
from optimizer.scenario.demand.tipped_demand import tipped_demand, tips_sentence
from optimizer.scenario.patrols.patrol_field import compile_patrols

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from optimizer.base.work.listener import Listener
    from optimizer.problem.instance.options import Option
    from optimizer.problem.network.places import Gateway, Settlement
    from optimizer.records.model import Effort, Seizures
    from optimizer.region.model import Region
    from optimizer.risk.estimate import RiskEstimate, RiskModel
    from optimizer.scenario.check.assumptions import Assumption
    from optimizer.scenario.check.check import ScenarioEvidence
    from optimizer.scenario.check.sites import PlacedSite
    from optimizer.scenario.compile.burden import Burden
    from optimizer.scenario.demand.evaders import Pair, ScenarioEvaders
    from optimizer.scenario.file.model import ScenarioModel

NO_RECORD = message("The scenario names no seizure record: evaders' weights rest on gateways and populations alone.")
NO_RECORD_FOR_TIPS = message("Tips are not used: without a seizure record there is no risk that they could raise.")
PRIOR_OF_SMALLEST = 0.1
"""Pairs whose share by gravity is below this part of `smallest_share` are left out before the record is explained."""


@dataclass(frozen=True)
class Compiled:
    """A scenario made ready to solve.

    Attributes
    ----------
    scenario
        The file.
    region
        Roads and places.
    gateways, settlements
        Those that evaders use.
    records, effort
        What the files say; None where the scenario names none.
    model
        The risk model, fitted to them; None without records.
    risk
        Rate of every segment; None without records.
    instance
        The problem; its arcs are the network's, in the same order, then one before each gateway that a measure acts on.
    pairs
        One for each evader of the instance; None for those who keep to a place, the last ones.
    sites
        The site on its segment of each option of the instance, by site id.
    inputs
        Every file that was read.
    warnings
        Sentences for the planner.
    skipped
        Ids of the settlements that no gateway reaches, which have no evader.
    record
        What the record made of evaders' weights and routes.
    assumed
        Defaults, built-in tables and rules that stand in for what the scenario does not say.
    burden
        Who bears the searches of each option.
    tips
        What residents' tips make of the risk; None without tips, or without a record to weigh them against.
    """

    scenario: ScenarioModel
    region: Region
    gateways: tuple[Gateway, ...]
    settlements: tuple[Settlement, ...]
    records: Seizures | None
    effort: Effort | None
    model: RiskModel | None
    risk: RiskEstimate | None
    instance: Instance
    pairs: tuple[Pair | None, ...]
    record: RecordDemand
    sites: Mapping[str, PlacedSite]
    inputs: tuple[Path, ...]
    warnings: tuple[str, ...]
    skipped: tuple[str, ...] = ()
    assumed: tuple[Assumption, ...] = ()
    burden: Burden = field(default_factory=lambda: NO_BURDEN)
    tips: TipShift | None = None


def compile_scenario(
    path: str | os.PathLike[str],
    *,
    solve: Mapping[str, object] | None = None,
    settings: Mapping[str, object] | None = None,
    skip_unreachable: bool = False,
    listener: Listener = SILENT,
) -> Compiled:
    """Read a scenario file and everything it names, and build its instance.

    Parameters
    ----------
    path
        The TOML file; paths in it are relative to its folder.
    solve
        Fields of `[solve]` to take in place of the scenario's.
    settings
        Fields to set whatever the file says, by path, such as `evaders.habitual_share` or `kinds.tactical.detection`.
    skip_unreachable
        Leave out destinations that no gateway reaches, also where the scenario does not skip them under `[evaders] unreachable`.
    listener
        Told of each step.

    Raises
    ------
    InputError
        With every problem of the file at fault.
    """
    evidence = read_evidence(path, solve=solve, settings=settings, skip_unreachable=skip_unreachable, listener=listener)
    scenario, region, demand = evidence.scenario, evidence.region, evidence.demand
    travel = scenario_travel(evidence, str(path), listener)
    risk, record, reliability, evaders = travel.risk, travel.record, travel.reliability, travel.evaders.evaders
    warnings = [*evidence.warnings, *(() if risk is None else risk.estimate.warnings), *record.warnings]
    with step(listener, "placing sites"):
        roads = road_sites(
            scenario.sites,
            region.network,
            evaders,
            reliability,
            taken=evidence.sites,
            operated=evidence.jurisdictions.operated,
        )
    sites = [*evidence.sites, *roads]
    table = compile_options(sites, scenario, region.network)
    warnings += unanswered_warnings(table.unanswered)
    site_of = {site.site.id: site for site in sites}
    burden = burden_of(evidence.communities, table.options, site_of, scenario, region.network)
    options, resources = burden.options(table.options), (*table.resources, *burden.resources())
    network = region.network
    instance = Instance(
        name=scenario.name,
        node_id=network.node_id,
        tail=network.tail,
        head=network.head,
        reliability=reliability,
        evaders=evaders,
        options=options,
        resources=resources,
        exclusions=_exclusions(scenario, sites, options, str(path)),
        lonlat=np.column_stack((network.lon, network.lat)),
        requirements=(*table.requirements, *burden.requirements(scenario.burden)),
    )
    check_evaders(instance, str(path))
    patrols = compile_patrols(evidence, evaders, instance.reliability, str(path))
    instance = replace(instance, patrols=patrols)
    measured = with_measures(instance, scenario, demand.gateways, travel.evaders.pairs, network)
    instance = measured.instance
    check_content(instance, str(path))
    if not options and patrols is None:
        warnings.append(message("The scenario offers no site: nothing can be placed."))
    return Compiled(
        scenario=scenario,
        region=region,
        gateways=demand.gateways,
        settlements=demand.settlements,
        records=evidence.records,
        effort=evidence.effort,
        model=None if risk is None else risk.model,
        risk=None if risk is None else risk.estimate,
        instance=instance,
        pairs=travel.evaders.pairs,
        record=record,
        sites={option.site: site_of[option.site] for option in options} | dict(measured.sites),
        inputs=evidence.inputs,
        warnings=tuple(warnings),
        skipped=evidence.skipped,
        assumed=assumptions_of(scenario, sites, region, demand),
        burden=burden,
        tips=travel.tips,
    )


@dataclass(frozen=True, eq=False)
class ScenarioTravel:
    """Who travels, and what the roads do to them.

    Attributes
    ----------
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

    risk: FittedRisk | None
    record: RecordDemand
    evaders: ScenarioEvaders
    reliability: NDArray[np.float64]
    tips: TipShift | None = None


def scenario_travel(evidence: ScenarioEvidence, where: str, listener: Listener = SILENT) -> ScenarioTravel:
    """Return who travels by what a scenario's files say.

    Parameters
    ----------
    evidence
        The files.
    where
        The scenario, for messages.
    listener
        Told of each step.

    Raises
    ------
    InputError
        If no load travels, or a road lets nobody through with nothing placed.
    """
    network = evidence.region.network
    with step(listener, "estimating risk"):
        risk = _fitted_risk(evidence)
    cost = background_cost(network, evidence.scenario)
    with step(listener, "choosing routes"):
        record = _record_demand(evidence, risk, cost)
        tipped = _with_tips(evidence, risk, record)
        risk, record = tipped.risk, tipped.record
        check_loads(record.shares, evidence.scenario.evaders.smallest_share, where)
        evaders = scenario_evaders(evidence.demand, network, record)
    return ScenarioTravel(risk, record, evaders, _reliability(cost, where), tipped.tips)


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


@dataclass(frozen=True, eq=False)
class _Tipped:
    """Risk and demand after tips."""

    risk: FittedRisk | None
    record: RecordDemand
    tips: TipShift | None = None


def _with_tips(evidence: ScenarioEvidence, risk: FittedRisk | None, record: RecordDemand) -> _Tipped:
    """Return risk and demand after tips, with sentences on what they changed; they need a seizure record to be weighed against."""
    if evidence.tips is None:
        return _Tipped(risk, record)
    if risk is None:
        return _Tipped(None, replace(record, warnings=(*record.warnings, NO_RECORD_FOR_TIPS)))
    network = evidence.region.network
    shift = weigh_tips(evidence.tips, risk.estimate, network)
    after = record
    if evidence.scenario.evaders.weights != "gravity":
        after = tipped_demand(record, shift.log_factor, evidence.demand, network)
    moved = float(np.abs(after.shares - record.shares).sum() / 2)
    return _Tipped(
        replace(risk, estimate=shift.shifted(risk.estimate)),
        replace(after, warnings=(*record.warnings, tips_sentence(shift, moved, network))),
        shift,
    )


def _reliability(cost: NDArray[np.float64], where: str) -> NDArray[np.float64]:
    """Return the (m,) chance to pass each arc undetected with nothing placed; one of zero is a fault, as nothing would be left to plan."""
    reliability = np.exp(-cost)
    if not (reliability > 0).all():
        found = f"{np.count_nonzero(reliability <= 0)} roads that nobody passes undetected, even with nothing placed"
        expected, remedy = "a chance above 0 on every road", "Lower per_hour, per_km or by_class"
        raise InputError(Problem(f"{where}, background", found, expected, remedy))
    return reliability


def _exclusions(
    scenario: ScenarioModel, sites: Sequence[PlacedSite], options: Sequence[Option], where: str
) -> tuple[tuple[int, ...], ...]:
    """Return the options of each group of sites; a road that is not offered after all is a fault, known only now."""
    problems = ProblemList()
    offered = {item.site.id for item in sites}
    for position, group in enumerate(scenario.exclusions):
        for site in group:
            if site not in offered:
                expected = "the id of a site; this road is not among the most travelled ones that are offered"
                problems.add(
                    f"{where}, exclusions[{position}]", repr(site), expected, "Remove it, or raise sites.roads"
                )
    problems.raise_if_any()
    return tuple(tuple(j for j, option in enumerate(options) if option.site in group) for group in scenario.exclusions)
