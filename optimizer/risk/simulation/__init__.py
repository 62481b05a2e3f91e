"""Worlds whose truth is known, and records made in them: what every risk model is judged on.

A world is a true rate of seizures per unit of effort on every segment. A history is what comes of searching it, month by month, under a way
of choosing where to look; a record is what is written down of it, right or wrong. Worlds differ by the settings of
`optimizer.risk.simulation.settings`; `optimizer.risk.simulation.settings` draws a family of them that covers the settings evenly. The truth's
travellers do not choose roads as any estimator here believes (`optimizer.risk.simulation.world`).

**Frozen on 24 November 2026**, before the study of the risk models (`optimizer.lab.study`, results/risk.md) was run: the named settings and
every draw that a seed makes under them stay as they are. A test holds the settings and the draws. Planted changes (`Change`) and the other
settings were added after; a history under the named ones is what it was. The family was frozen on 25 November 2026, before it was run.
"""

from __future__ import annotations

from optimizer.risk.simulation.observation import FIRST_MONTH, ObservationModel, as_records
from optimizer.risk.simulation.searching import (
    BEAT_S,
    NEAR_S,
    SEARCHES_A_MONTH,
    STATIONS,
    Change,
    History,
    SecondSource,
    make_history,
    rate_for,
    search,
)
from optimizer.risk.simulation.settings import (
    AS_IT_WAS,
    CHASING,
    EXPLORING,
    FACTORS,
    FLOWS_IN_MIXED,
    MASS_ERROR,
    SPOTS,
    TIPPED,
    UNINFORMED_ERROR,
    RecordSettings,
    SearchSettings,
    WorldDesign,
    WorldSettings,
    draw_family,
)
from optimizer.risk.simulation.world import (
    ADDRESS_S,
    DRIVERS,
    PERCEPTION,
    ROUGHNESS,
    SPOT_REACH_S,
    World,
    captured,
    local_markets,
    make_world,
    true_flow,
)

__all__ = [
    "ADDRESS_S",
    "AS_IT_WAS",
    "BEAT_S",
    "CHASING",
    "DRIVERS",
    "EXPLORING",
    "FACTORS",
    "FIRST_MONTH",
    "FLOWS_IN_MIXED",
    "MASS_ERROR",
    "NEAR_S",
    "PERCEPTION",
    "ROUGHNESS",
    "SEARCHES_A_MONTH",
    "SPOTS",
    "SPOT_REACH_S",
    "STATIONS",
    "TIPPED",
    "UNINFORMED_ERROR",
    "Change",
    "EffortKind",
    "History",
    "ObservationModel",
    "RecordSettings",
    "SearchSettings",
    "SecondSource",
    "World",
    "WorldDesign",
    "WorldKind",
    "WorldSettings",
    "as_records",
    "captured",
    "draw_family",
    "local_markets",
    "make_history",
    "make_world",
    "rate_for",
    "search",
    "true_flow",
]
