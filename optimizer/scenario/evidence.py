"""What a scenario's files say, checked: region, demand, records, search effort, sites and bases on the network, and the risk model chosen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.base.errors import InputError
from optimizer.base.listener import SILENT
from optimizer.scenario.check import check_scenario
from optimizer.scenario.risk_model import MODELS

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from pathlib import Path

    from optimizer.base.listener import Listener
    from optimizer.records import Effort, Seizures
    from optimizer.records.tips import Tips
    from optimizer.region.model import Region
    from optimizer.risk import RiskModel
    from optimizer.scenario.burden import Community
    from optimizer.scenario.check import ScenarioCheck
    from optimizer.scenario.demand import GravityDemand
    from optimizer.scenario.jurisdictions import Jurisdictions
    from optimizer.scenario.model import ScenarioModel
    from optimizer.scenario.sites import PlacedSite


@dataclass(frozen=True)
class ScenarioEvidence:
    """What a scenario's files say, without a fault.

    Attributes
    ----------
    scenario
        The file.
    region
        Roads and places.
    demand
        Where loads come from and go to: the gateways and settlements that evaders use, and what gravity expects between them.
    records, effort
        What the files say; None where the scenario names none.
    sites
        Those of the tables, then the crossings that are offered.
    base_nodes
        Node of each base, in the order of the file.
    jurisdictions
        Which agency may act where.
    communities
        Who bears the searches, on the roads.
    inputs
        Every file that was read, the scenario first.
    warnings
        Sentences for the planner.
    skipped
        Ids of the settlements that no gateway reaches.
    tips
        Residents' tips; None where the scenario names none.
    """

    scenario: ScenarioModel
    region: Region
    demand: GravityDemand
    records: Seizures | None
    effort: Effort | None
    sites: tuple[PlacedSite, ...]
    base_nodes: tuple[int, ...]
    jurisdictions: Jurisdictions
    communities: tuple[Community, ...]
    inputs: tuple[Path, ...]
    warnings: tuple[str, ...]
    skipped: tuple[str, ...] = ()
    tips: Tips | None = None

    def risk_model(self) -> RiskModel:
        """Return the risk model that the scenario chooses, not yet fitted."""
        terms = self.scenario.risk
        return MODELS[terms.model].make(self.demand.prior(), terms.interval)


def read_evidence(
    path: str | os.PathLike[str],
    *,
    solve: Mapping[str, object] | None = None,
    settings: Mapping[str, object] | None = None,
    skip_unreachable: bool = False,
    listener: Listener = SILENT,
) -> ScenarioEvidence:
    """Read a scenario file and everything it names; parameters as in `check_scenario`.

    Raises
    ------
    InputError
        With every fault of the file and of the files it names.
    """
    check = check_scenario(path, solve=solve, settings=settings, skip_unreachable=skip_unreachable, listener=listener)
    return evidence_of(check)


def evidence_of(check: ScenarioCheck) -> ScenarioEvidence:
    """Return what a checked scenario says.

    Raises
    ------
    InputError
        With every problem that the check found.
    """
    if (
        check.problems
        or check.scenario is None
        or check.region is None
        or check.demand is None
        or check.jurisdictions is None
    ):
        raise InputError(*check.problems)
    return ScenarioEvidence(
        scenario=check.scenario,
        region=check.region,
        demand=check.demand,
        records=check.records,
        effort=check.effort,
        sites=check.sites,
        base_nodes=check.base_nodes,
        jurisdictions=check.jurisdictions,
        communities=check.communities,
        inputs=check.inputs,
        warnings=check.warnings,
        skipped=check.demand.skipped,
        tips=check.tips,
    )
