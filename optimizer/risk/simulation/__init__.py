"""Worlds whose truth is known, and records made in them: what every risk model is judged on.

A world is a true rate of seizures per unit of effort on every segment. A history is what comes of searching it, month by month, under a way
of choosing where to look. The truth's travellers do not choose roads as any estimator here believes: each takes the road that looks
fastest to him (Burrell 1968), with his own error on every segment.

**Frozen on 24 November 2026**, before the study of the risk models (`optimizer.lab.study`, results/risk.md) was run: the settings of
`optimizer.risk.simulation.world` and `optimizer.risk.simulation.searching`, and every draw that a seed makes, stay as they are.
A test holds the settings and the draws. Planted changes (`Change`) were added after; a history without them is what it was.
"""

from __future__ import annotations

from optimizer.risk.simulation.record import FIRST_MONTH, as_records
from optimizer.risk.simulation.searching import (
    BEAT_S,
    CHASING,
    EXPLORING,
    NEAR_S,
    SEARCHES_A_MONTH,
    STATIONS,
    TIPPED,
    Change,
    EffortKind,
    History,
    make_history,
    rate_for,
    search,
)
from optimizer.risk.simulation.world import (
    ADDRESS_S,
    DRIVERS,
    FLOWS_IN_MIXED,
    MASS_ERROR,
    PERCEPTION,
    ROUGHNESS,
    SPOT_REACH_S,
    SPOTS,
    UNINFORMED_ERROR,
    World,
    WorldKind,
    captured,
    local_markets,
    make_world,
    true_flow,
)

__all__ = [
    "ADDRESS_S",
    "BEAT_S",
    "CHASING",
    "DRIVERS",
    "EXPLORING",
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
    "World",
    "WorldKind",
    "as_records",
    "captured",
    "local_markets",
    "make_history",
    "make_world",
    "rate_for",
    "search",
    "true_flow",
]
