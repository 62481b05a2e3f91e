"""From a scenario to an instance: region, records, risk, demand, sites, in that order,
keeping what the report needs of each step.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from optimizer.base.arguments import checked
from optimizer.base.errors import ProblemList
from optimizer.base.text.messages import message
from optimizer.base.work.listener import SILENT, Listener, step
from optimizer.problem.files.instance_file import check_content
from optimizer.problem.instance.checks import check_evaders
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.options import Option
from optimizer.problem.network.places import Gateway, Settlement
from optimizer.records.model import Effort, Seizures
from optimizer.region.model import Region
from optimizer.risk.estimate import RiskEstimate, RiskModel
from optimizer.risk.tips import TipShift
from optimizer.scenario.check.assumptions import Assumption, assumptions_of
from optimizer.scenario.check.check import read_evidence
from optimizer.scenario.demand.evaders import Pair
from optimizer.scenario.demand.patrols import compile_patrols
from optimizer.scenario.demand.record_demand import RecordDemand
from optimizer.scenario.demand.source_measures import with_elsewhere, with_measures, with_mobility
from optimizer.scenario.demand.stages import ScenarioEvidence
from optimizer.scenario.demand.travel import ScenarioTravel, scenario_travel
from optimizer.scenario.file.model import ScenarioModel
from optimizer.scenario.file.placed import PlacedSite
from optimizer.scenario.sites.burden import Burden, burden_of
from optimizer.scenario.sites.limits import limit_requirements
from optimizer.scenario.sites.options import (
    OptionTable,
    compile_options,
    layout_warnings,
    unanswered_warnings,
    unpassed_warnings,
)
from optimizer.scenario.sites.sites import road_sites, with_counts


@dataclass(frozen=True)
class Compiled:
    """A scenario made ready to solve."""

    #: Who travels the roads, and within it what the scenario's files say.
    travel: ScenarioTravel
    #: The problem; its arcs are the network's, in the same order, then one before each
    #: gateway that a measure acts on, then those by which mobile evaders choose a
    #: gateway, then that of local loads at no listed place.
    instance: Instance
    #: The site on its segment of each option of the instance, by site id.
    sites: Mapping[str, PlacedSite]
    #: Sentences for the planner.
    warnings: tuple[str, ...]
    #: Defaults, built-in tables and rules that stand in for what the scenario does not
    #: say.
    assumed: tuple[Assumption, ...]
    #: Who bears the searches of each option.
    burden: Burden

    @property
    def scenario(self) -> ScenarioModel:
        """The file."""
        return self.travel.evidence.scenario

    @property
    def inputs(self) -> tuple[Path, ...]:
        """Every file that was read, the scenario first."""
        return self.travel.evidence.inputs

    @property
    def region(self) -> Region:
        """Roads and places."""
        return self.travel.evidence.region

    @property
    def gateways(self) -> tuple[Gateway, ...]:
        """Those that evaders use."""
        return self.travel.evidence.demand.gateways

    @property
    def settlements(self) -> tuple[Settlement, ...]:
        """Those that evaders use."""
        return self.travel.evidence.demand.settlements

    @property
    def skipped(self) -> tuple[str, ...]:
        """Ids of the settlements that no gateway reaches, which have no evader."""
        return self.travel.evidence.demand.skipped

    @property
    def records(self) -> Seizures | None:
        """What the files say; None where the scenario names none."""
        return self.travel.evidence.records

    @property
    def effort(self) -> Effort | None:
        """What the files say; None where the scenario names none."""
        return self.travel.evidence.effort

    @property
    def model(self) -> RiskModel | None:
        """The risk model, fitted to the records; None without them."""
        return None if self.travel.risk is None else self.travel.risk.model

    @property
    def risk(self) -> RiskEstimate | None:
        """Rate of every segment; None without records."""
        return None if self.travel.risk is None else self.travel.risk.estimate

    @property
    def record(self) -> RecordDemand:
        """What the record made of evaders' weights and routes."""
        return self.travel.record

    @property
    def tips(self) -> TipShift | None:
        """What residents' tips make of the risk; None without tips, or without a record
        to weigh them against.
        """
        return self.travel.tips

    @property
    def pairs(self) -> tuple[Pair | None, ...]:
        """One for each evader of the instance; None for those who keep to a place, the
        last ones.
        """
        own = self.travel.evaders.pairs
        # who keeps to places elsewhere comes last
        return (*own, *[None] * (len(self.instance.evaders) - len(own)))


@checked
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
        Fields to set whatever the file says, by path, such as `evaders.habitual_share`
        or `kinds.tactical.detection`.
    skip_unreachable
        Leave out destinations that no gateway reaches, also where the scenario does not
        skip them under `[evaders] unreachable`.
    listener
        Told of each step.

    Raises
    ------
    InputError
        With every problem of the file at fault.
    """
    evidence = read_evidence(
        path, solve=solve, settings=settings, skip_unreachable=skip_unreachable, listener=listener
    )
    return compile_evidence(evidence, listener)


def options_before_risk(evidence: ScenarioEvidence) -> tuple[Option, ...] | None:
    """Return the options, which beats are not, that are known before risk is; None
    where there are others: at travelled roads, measures.
    """
    scenario = evidence.scenario
    if scenario.sites.roads or scenario.measures:
        return None
    return compile_options(evidence.sites, scenario, evidence.region.network).options


def compile_evidence(evidence: ScenarioEvidence, listener: Listener = SILENT) -> Compiled:
    """Return the instance of a scenario whose files are read; else as `compile_scenario`."""
    scenario = evidence.scenario
    network = evidence.region.network
    where = str(evidence.path)
    travel = scenario_travel(evidence, listener)
    with step(listener, "placing sites"):
        sites = _sites(travel)
    site_of = {site.site.id: site for site in sites}
    table = compile_options(sites, scenario, network)
    burden = burden_of(evidence.communities, table.options, site_of, scenario, network)
    instance = _instance(travel, sites, table, burden)
    check_evaders(instance, where)  # first, as posts are looked for on the ways of evaders
    instance = replace(instance, patrols=compile_patrols(travel))
    # Measures come last: they put nodes and arcs behind those of the roads, on which
    # posts and beats are searched for.
    measured = with_measures(instance, travel)
    complete = with_elsewhere(with_mobility(measured.instance, travel), travel)
    check_content(complete, where)
    return Compiled(
        travel=travel,
        instance=complete,
        sites={option.site: site_of[option.site] for option in instance.options}
        | dict(measured.sites),
        warnings=tuple(_warnings(travel, table, instance)),
        assumed=assumptions_of(scenario, sites, evidence.region, evidence.demand),
        burden=burden,
    )


def _sites(travel: ScenarioTravel) -> tuple[PlacedSite, ...]:
    """Return the sites of the tables, the crossings that are offered, and the most
    travelled roads that the scenario asks for.
    """
    evidence = travel.evidence
    roads = road_sites(
        evidence.scenario.sites,
        evidence.region.network,
        travel.evaders.evaders,
        travel.reliability,
        taken=evidence.sites,
        operated=evidence.jurisdictions.operated,
    )
    return (*evidence.sites, *with_counts(roads, evidence.counted))


def _instance(
    travel: ScenarioTravel, sites: Sequence[PlacedSite], table: OptionTable, burden: Burden
) -> Instance:
    """Return the problem of sites alone: without patrols, and without measures at the source."""
    scenario, network = travel.evidence.scenario, travel.evidence.region.network
    options = burden.options(table.options)
    return Instance(
        name=scenario.name,
        node_id=network.node_id,
        tail=network.tail,
        head=network.head,
        reliability=travel.reliability,
        evaders=travel.evaders.evaders,
        options=options,
        resources=(*table.resources, *burden.resources()),
        exclusions=_exclusions(scenario, sites, options, str(travel.evidence.path)),
        lonlat=np.column_stack((network.lon, network.lat)),
        requirements=(
            *table.requirements,
            *burden.requirements(scenario.burden),
            *limit_requirements(
                travel.evidence.limits,
                options,
                {item.site.id: item for item in sites},
                str(travel.evidence.path),
            ),
        ),
    )


def _exclusions(
    scenario: ScenarioModel, sites: Sequence[PlacedSite], options: Sequence[Option], where: str
) -> tuple[tuple[int, ...], ...]:
    """Return the options of each group of sites; a road that is not offered after all
    is a fault, known only now.
    """
    problems = ProblemList()
    offered = {item.site.id for item in sites}
    for position, group in enumerate(scenario.exclusions):
        for site in group:
            if site not in offered:
                expected = (
                    "the id of a site; this road is not among the most travelled ones that are"
                    " offered"
                )
                problems.add(
                    f"{where}, exclusions[{position}]",
                    repr(site),
                    expected,
                    "Remove it, or raise sites.roads",
                )
    problems.raise_if_any()
    return tuple(
        tuple(j for j, option in enumerate(options) if option.site in group)
        for group in scenario.exclusions
    )


def _warnings(travel: ScenarioTravel, table: OptionTable, instance: Instance) -> list[str]:
    """Return the sentences for the planner, in the order of the steps that they come from."""
    warnings = [*travel.evidence.warnings]
    warnings += () if travel.risk is None else travel.risk.estimate.warnings
    warnings += [*travel.record.warnings, *unanswered_warnings(table.unanswered)]
    warnings += layout_warnings(table.options, table.resources)
    warnings += unpassed_warnings(instance)
    if not instance.options and instance.patrols is None:
        warnings.append(message("The scenario offers no site: nothing can be placed."))
    return warnings
