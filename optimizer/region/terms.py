"""Numbers that stand in for what a map does not say, each of which a user can replace."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from optimizer.problem.road_classes import NO_SPEEDS

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class RegionTerms:
    """Numbers that stand in for what a map does not say.

    Attributes
    ----------
    speed_kmh
        Speed by road class where a road has no limit of its own, > 0; `optimizer.region.MODES` for classes that are not named.
    population
        Inhabitants by kind of place (city, town, village, hamlet) where a place gives none, > 0; the built-in table for others.
    official_within_m, official_off_road_within_m
        A crossing is official where a border control stands this near: on roads for driving, and on service roads, tracks and paths.
        Posts often stand a little inside; one on the main road does not watch the track beside it. Assumed.
    settlement_within_m
        A place whose nearest node is farther than this is not on the network. Assumed.
    """

    speed_kmh: Mapping[str, float] = field(default_factory=lambda: NO_SPEEDS)
    population: Mapping[str, float] = field(default_factory=dict)
    official_within_m: float = 500.0
    official_off_road_within_m: float = 100.0
    settlement_within_m: float = 5_000.0


BUILT_IN = RegionTerms()
"""The terms where a user gives none."""
