"""What is known of a scenario after its files were read, with faults and without."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from optimizer.scenario.demand.risk_model import MODELS

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import BaseModel

    from optimizer.base.errors import Problem
    from optimizer.records import Effort, Seizures
    from optimizer.records.tips import Tips
    from optimizer.records.traffic_counts import CountedRoads
    from optimizer.region.model import Region
    from optimizer.risk import RiskModel
    from optimizer.scenario.demand.gravity import GravityDemand
    from optimizer.scenario.file.model import (
        ScenarioModel,
    )
    from optimizer.scenario.file.placed import PlacedSite
    from optimizer.scenario.sites.burden import Community
    from optimizer.scenario.sites.jurisdictions import Jurisdictions

    Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class ScenarioCheck:
    """What one pass over a scenario found.

    Attributes
    ----------
    path
        The file.
    scenario
        The file, validated; None where a field is faulty.
    problems
        Every fault.
    region, demand
        Roads and places, and who travels between them; None where a fault prevents
        that.
    sites
        Listed sites on their segments, then the crossings that are offered; faulty ones
        are left out.
    n_listed
        How many of them are listed.
    base_nodes
        Node of each base.
    jurisdictions
        Which agency may act where; None where a fault leaves it open.
    communities
        Who bears the searches, on the roads.
    records, effort, tips
        What the files say; None where the scenario names none, or where they cannot be
        read.
    inputs
        Every file that the scenario names and that exists, the scenario first.
    warnings
        Sentences for the planner.
    counted
        Counts of traffic on the roads; None where the scenario names none.
    """

    path: Path
    scenario: ScenarioModel | None
    problems: tuple[Problem, ...]
    region: Region | None
    demand: GravityDemand | None
    sites: tuple[PlacedSite, ...]
    n_listed: int
    base_nodes: tuple[int, ...]
    jurisdictions: Jurisdictions | None
    communities: tuple[Community, ...]
    records: Seizures | None
    effort: Effort | None
    inputs: tuple[Path, ...]
    warnings: tuple[str, ...] = ()
    tips: Tips | None = None
    counted: CountedRoads | None = None


@dataclass(frozen=True)
class ScenarioEvidence(ScenarioCheck):
    """What a scenario's files say: a check that found no fault, so that the file, its
    region, its demand and its jurisdictions are there.
    """

    scenario: ScenarioModel
    region: Region
    demand: GravityDemand
    jurisdictions: Jurisdictions

    def risk_model(self) -> RiskModel:
        """Return the risk model that the scenario chooses, not yet fitted."""
        terms = self.scenario.risk
        return MODELS[terms.model].make(self.demand.prior(), terms.interval, terms.params)
