"""What a simulated world, the searches in it and the record of them are made by: every number that worlds of the family differ in.

The defaults and the named settings (`WORLD_KINDS`, `EFFORT_KINDS`) are those of the simulator that was frozen on 24 November 2026.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

WorldKind = Literal["flows", "uninformed", "mixed", "local"]
"""All flows; flows of which the prior table knows the places and not the masses; 60 % flows and 40 % local; nothing but local."""
EffortKind = Literal["uniform", "static", "feedback", "tips", "exploring"]
"""Alike per kilometre; where searches always were; chasing earlier seizures; that with seizures from tips that no effort explains; that with
a share of exploration."""
RouteChoice = Literal["probit", "logit", "shortest", "sticky"]
"""How drivers choose: each by his own errors on every segment; among such routes by a logit of travel time; evenly among a few shortest
routes; each pair always by one and the same route."""
Movement = Literal["even", "stations", "chasing", "quotas"]
"""How effort moves: alike per kilometre; around stations; after seizures; after seizures within districts that each get a fixed number."""

MASS_ERROR, UNINFORMED_ERROR = 0.5, 1.5
"""Standard deviation of the log of true masses over those of the prior table."""
FLOWS_IN_MIXED = 0.6
SPOTS = 40
"""Local markets."""
CHASING, EXPLORING = 0.7, 0.2
TIPPED = 0.25
"""Share of seizures that come from tips."""


@dataclass(frozen=True, slots=True)
class WorldSettings:
    """What a truth is made of.

    Attributes
    ----------
    flow_share
        Share of the rate, by length, that flows make, in [0, 1]; local markets make the rest.
    mass_error
        Standard deviation of the log of true masses of origins and destinations over those of the prior table, >= 0.
    routes
        How drivers choose their roads.
    spots
        Local markets, >= 1.
    off_flows
        Whether local markets lie only on roads with less than the median flow.
    detection
        Standard deviation of the log of how well a search detects at a place, >= 0; places of one neighbourhood are alike.
    """

    flow_share: float = 1.0
    mass_error: float = MASS_ERROR
    routes: RouteChoice = "probit"
    spots: int = SPOTS
    off_flows: bool = False
    detection: float = 0.0


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """How a world is searched.

    Attributes
    ----------
    movement
        How effort moves.
    chasing
        Share of the searches that go where seizures were, under `chasing` and `quotas`, in [0, 1].
    power
        Power of the seizures near a place that the wish to search there is proportional to, > 0.
    window
        Months of which seizures are remembered; None remembers all.
    rotating
        Whether each month's roster decides anew how active each station is.
    exploring
        Share of the searches that are spread evenly, in [0, 1].
    open_share
        Share of the road length that is ever searched, in (0, 1]: where habit searches most.
    tips
        Share of the seizures that come from tips, in [0, 1).
    tips_recorded
        Whether the record has the search that each tip led to; else it has the seizure alone.
    team
        Standard deviation of the log of how well a team detects, >= 0; the record does not say which team searched.
    second_detection
        Detection of a second source of searches over that of the first, each with its own unit in the record; 0 is no second source.
    displaced
        Share of the traffic near seizures of the last three months that goes elsewhere, in [0, 1].
    """

    movement: Movement = "chasing"
    chasing: float = CHASING
    power: float = 1.0
    window: int | None = None
    rotating: bool = False
    exploring: float = 0.0
    open_share: float = 1.0
    tips: float = 0.0
    tips_recorded: bool = False
    team: float = 0.0
    second_detection: float = 0.0
    displaced: float = 0.0


@dataclass(frozen=True, slots=True)
class RecordSettings:
    """What goes wrong when it is written down; by default nothing.

    Attributes
    ----------
    place_error_m
        Standard deviation of the error of a place, in metres along each axis, >= 0; what is misplaced lies on the nearest segment.
    effort_misplaced
        Whether the place of a search is wrong like that of a seizure.
    late
        Share of the seizures that are written down a month late, in [0, 1].
    missing_seizures, missing_effort
        Share of the rows that are missing, in [0, 1].
    """

    place_error_m: float = 0.0
    effort_misplaced: bool = False
    late: float = 0.0
    missing_seizures: float = 0.0
    missing_effort: float = 0.0


WORLD_KINDS: Mapping[WorldKind, WorldSettings] = {
    "flows": WorldSettings(),
    "uninformed": WorldSettings(mass_error=UNINFORMED_ERROR),
    "mixed": WorldSettings(flow_share=FLOWS_IN_MIXED),
    "local": WorldSettings(flow_share=0.0),
}
EFFORT_KINDS: Mapping[EffortKind, SearchSettings] = {
    "uniform": SearchSettings(movement="even"),
    "static": SearchSettings(movement="stations"),
    "feedback": SearchSettings(),
    "tips": SearchSettings(tips=TIPPED),
    "exploring": SearchSettings(exploring=EXPLORING),
}
AS_IT_WAS = RecordSettings()
