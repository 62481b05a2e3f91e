"""What is known of a scenario after its files were read, with faults and without."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from optimizer.base.errors import Problem
from optimizer.scenario.demand.risk_model import MODELS
from optimizer.scenario.file.placed import PlacedSite

if TYPE_CHECKING:
    from pydantic import BaseModel

    from optimizer.records import Effort, Seizures
    from optimizer.records.tips import Tips
    from optimizer.records.traffic_counts import CountedRoads
    from optimizer.region.model import Region
    from optimizer.risk import RiskModel
    from optimizer.scenario.demand.gravity import GravityDemand
    from optimizer.scenario.file.model import ScenarioModel
    from optimizer.scenario.sites.burden import Community
    from optimizer.scenario.sites.jurisdictions import Jurisdictions
    from optimizer.scenario.sites.limits import StatedLimit

    Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class ScenarioCheck:
    """What one pass over a scenario found."""

    #: The file.
    path: Path
    #: The file, validated; None where a field is faulty.
    scenario: ScenarioModel | None
    #: Every fault.
    problems: tuple[Problem, ...]
    #: `region`, `demand`: Roads and places, and who travels between them; None where a
    #: fault prevents that.
    region: Region | None
    demand: GravityDemand | None
    #: Listed sites on their segments, then the crossings that are offered; faulty ones
    #: are left out.
    sites: tuple[PlacedSite, ...]
    #: How many of them are listed.
    n_listed: int
    #: Node of each base.
    base_nodes: tuple[int, ...]
    #: Which agency may act where; None where a fault leaves it open.
    jurisdictions: Jurisdictions | None
    #: Who bears the searches, on the roads.
    communities: tuple[Community, ...]
    #: How many sites a plan may or must have, on the roads.
    limits: tuple[StatedLimit, ...]
    #: `records`, `effort`, `tips`: What the files say; None where the scenario names
    #: none, or where they cannot be read.
    records: Seizures | None
    #: `records`, `effort`, `tips`: What the files say; None where the scenario names
    #: none, or where they cannot be read.
    effort: Effort | None
    #: Every file that the scenario names and that exists, the scenario first.
    inputs: tuple[Path, ...]
    #: Sentences for the planner.
    warnings: tuple[str, ...] = ()
    #: `records`, `effort`, `tips`: What the files say; None where the scenario names
    #: none, or where they cannot be read.
    tips: Tips | None = None
    #: Counts of traffic on the roads; None where the scenario names none.
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
