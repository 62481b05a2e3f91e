"""What a scenario leaves to the program: defaults that change the plan, and built-in tables."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.scenario.options import LEAST_TRAFFIC, TRAFFIC_BY_CLASS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pydantic import BaseModel

    from optimizer.scenario.check import ScenarioCheck
    from optimizer.scenario.model import ScenarioModel

DEFAULTS = {
    "risk": ("model", "interval"),
    "background": ("per_hour", "per_km"),
    "evaders": (
        "gateways",
        "decay_minutes",
        "population_power",
        "habitual_share",
        "habitual_draws",
        "habitual_spread",
        "unreachable",
    ),
    "sites": ("max_distance_m", "busy_hours"),
    "solve": ("method", "gap", "time_limit"),
    "resources": ("availability",),
    "teams": ("shift_hours", "slot_minutes", "most_slots", "capacity", "passing", "posts", "spacing_m"),
    "roster": ("farthest_minutes",),
    "crews": ("hours_a_week", "rest_hours", "most_days", "days_off"),
}
"""Fields whose default changes the result, by table."""


@dataclass(frozen=True, slots=True)
class Assumption:
    """Something that the scenario does not say and the program assumes.

    Attributes
    ----------
    what
        Field, or what the built-in table stands in for.
    value
        The value assumed, and for how many entries where there are several.
    """

    what: str
    value: str


def assumptions_of(scenario: ScenarioModel, check: ScenarioCheck) -> tuple[Assumption, ...]:
    """Return the defaults that a scenario uses, and the built-in tables.

    Parameters
    ----------
    scenario
        The file, validated.
    check
        What the pass over it found.
    """
    return (*_defaults(scenario), *_tables(scenario, check))


def _defaults(scenario: ScenarioModel) -> Iterator[Assumption]:
    for table, fields in DEFAULTS.items():
        content = getattr(scenario, table)
        entries: Sequence[BaseModel] = content if isinstance(content, list) else [] if content is None else [content]
        for field in fields:
            silent = [entry for entry in entries if field not in entry.model_fields_set]
            for value in dict.fromkeys(_text(getattr(entry, field)) for entry in silent):
                many = f" ({len(silent)} of {len(entries)} entries)" if isinstance(content, list) else ""
                yield Assumption(f"{table}.{field}", value + many)


def _tables(scenario: ScenarioModel, check: ScenarioCheck) -> Iterator[Assumption]:
    region = check.region
    silent = [item for item in check.sites if item.site.traffic is None]
    if region is not None and silent:
        classes = Counter(str(region.network.road_class[item.arcs[0]]) for item in silent)
        built_in = {name: n for name, n in classes.items() if name not in scenario.sites.traffic_by_class}
        table = ", ".join(f"{name} {TRAFFIC_BY_CLASS.get(name, LEAST_TRAFFIC):g}" for name in built_in)
        if built_in:
            yield Assumption(
                f"traffic past {sum(built_in.values())} of {len(check.sites)} sites",
                f"vehicles a day by road class, from a built-in table: {table}",
            )
    places = check.demand.settlements if check.demand is not None else ()
    assumed = sum(place.population_assumed for place in places)
    if assumed:
        value = "a built-in population for the class of the place"
        yield Assumption(f"population of {assumed} of {len(places)} settlements", value)


def _text(value: object) -> str:
    if value is None:
        return "none"
    return (
        ", ".join(map(str, value))
        if isinstance(value, list)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )
