"""Numbers that stand in for what a map does not say, each of which a user can replace."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from optimizer.base.errors import InputError, Problem
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


def terms_as_text(terms: RegionTerms) -> str:
    """Return terms as JSON, for a saved region."""
    content = {item.name: getattr(terms, item.name) for item in fields(terms)}
    return json.dumps(
        {name: value if isinstance(value, int | float) else dict(value) for name, value in content.items()}
    )


def terms_of_text(text: str, where: str) -> RegionTerms:
    """Return the terms that `terms_as_text` wrote.

    Raises
    ------
    InputError
        If the text is anything else.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = None
    known = {item.name: getattr(BUILT_IN, item.name) for item in fields(RegionTerms)}
    if not isinstance(content, dict) or not all(
        name in known and _is_like(value, known[name]) for name, value in content.items()
    ):
        found = "something else than the numbers that stood in for what the map does not say"
        raise InputError(Problem(where, found, "those that `region` wrote", "Build the region again"))
    return RegionTerms(**content)


def _is_like(value: Any, built_in: object) -> bool:  # noqa: ANN401 - JSON
    """Whether a value is a finite number where the built-in one is, or numbers by name."""
    if isinstance(built_in, int | float):
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return isinstance(value, dict) and all(_is_like(each, 0.0) for each in value.values())
