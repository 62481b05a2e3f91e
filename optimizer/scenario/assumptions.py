"""What a scenario leaves to the program: defaults that change the plan, and built-in tables."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.patrols.candidates import ROUNDS, WATCHED
from optimizer.problem.road_classes import DEFAULT_KMH
from optimizer.scenario.options import past, road_class_of
from optimizer.scenario.references import fitting_kinds
from optimizer.scenario.risk_model import MODELS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pydantic import BaseModel

    from optimizer.problem.network import Network
    from optimizer.region.model import Region
    from optimizer.scenario.demand import GravityDemand
    from optimizer.scenario.model import ScenarioModel
    from optimizer.scenario.sites import PlacedSite

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
        "weights",
        "local_share",
        "local_evaders",
    ),
    "traffic": ("busy_hours",),
    "sites": ("max_distance_m",),
    "solve": ("method", "gap", "time_limit"),
    "resources": ("availability",),
    "teams": ("shift_hours", "slot_minutes", "most_slots", "capacity", "passing", "posts", "spacing_m"),
    "roster": ("farthest_minutes",),
    "crews": ("hours_a_week", "rest_hours", "most_days", "days_off"),
}
"""Fields whose default changes the result, by table."""
LEARNT = {"evaders.local_share": "the share of seizures that no flow explains, learnt from the record"}
"""What stands in for a default that is not a number."""


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


def assumptions_of(
    scenario: ScenarioModel, sites: Sequence[PlacedSite], region: Region | None, demand: GravityDemand | None
) -> tuple[Assumption, ...]:
    """Return the defaults that a scenario uses, and the built-in tables and rules.

    Parameters
    ----------
    scenario
        The file, validated.
    sites
        On their segments.
    region, demand
        Roads and places, and who travels between them; None where a fault prevents that.
    """
    tables: list[Assumption] = []
    if region is not None:
        tables += _region(region)
        tables += _traffic(scenario, sites, region.network)
    if demand is not None:
        tables += _demand(demand)
    return (*_defaults(scenario), *_risk(scenario), *_candidates(scenario), *tables)


def _defaults(scenario: ScenarioModel) -> Iterator[Assumption]:
    for table, fields in DEFAULTS.items():
        content = getattr(scenario, table)
        entries: Sequence[BaseModel] = content if isinstance(content, list) else [] if content is None else [content]
        for field in fields:
            silent = [entry for entry in entries if field not in entry.model_fields_set]
            for value in dict.fromkeys(_text(getattr(entry, field)) for entry in silent):
                many = f" ({len(silent)} of {len(entries)} entries)" if isinstance(content, list) else ""
                yield Assumption(f"{table}.{field}", LEARNT.get(f"{table}.{field}", value) + many)


def _risk(scenario: ScenarioModel) -> Iterator[Assumption]:
    """Yield the numbers of the risk model that a record does not decide alone."""
    numbers = MODELS[scenario.risk.model].numbers() if scenario.records.seizures else ""
    if numbers:
        yield Assumption(f"numbers of the risk model {scenario.risk.model!r}", f"{numbers} (docs/risk.md)")


def _candidates(scenario: ScenarioModel) -> Iterator[Assumption]:
    """Yield how sites and posts are chosen that nobody lists."""
    if scenario.sites.roads:
        value = f"the most travelled roads with nothing placed, {scenario.sites.spacing_m:g} m apart at least"
        yield Assumption(f"{scenario.sites.roads} sites on roads", value)
    if scenario.teams:
        value = (
            f"the most travelled roads, in {ROUNDS} rounds: in each evaders survive {WATCHED:g} of the time on those that were chosen "
            "before, so that their ways round are among the posts too"
        )
        yield Assumption("posts of teams", value)


def _traffic(scenario: ScenarioModel, sites: Sequence[PlacedSite], network: Network) -> Iterator[Assumption]:
    """Yield what is taken for the traffic where neither a site nor the table of classes gives it, and it matters."""
    kinds = {kind.id: kind for kind in scenario.kinds}
    concerned = [
        item
        for item in sites
        if any(
            kinds[name].needs_traffic
            for name in fitting_kinds(item.site.kinds, item.site.existing, kinds)
            if name in kinds
        )
    ]
    unknown = [item for item in concerned if not past(item, scenario, network).source]
    if unknown:
        yield Assumption(
            f"traffic past {len(unknown)} of {len(concerned)} sites",
            "not known: a post there inspects every vehicle that passes, and delays as many as it has the capacity for",
        )
    by_class = Counter(road_class_of(item, network) for item in concerned if item.site.traffic is None)
    given = {name: n for name, n in by_class.items() if name in scenario.traffic.by_class}
    if given:
        table = ", ".join(f"{name} {scenario.traffic.by_class[name]:g}" for name in given)
        what = f"traffic past {sum(given.values())} of {len(concerned)} sites, by road class"
        yield Assumption(what, f"vehicles a day in one direction, from traffic.by_class of the scenario: {table}")
    if any(team.capacity is not None for team in scenario.teams):
        classes = set(network.road_class.tolist())
        names = sorted(classes - scenario.traffic.by_class.keys())
        if names:
            value = f"not known on roads of class {', '.join(names)}: a team at a post there inspects every vehicle"
            yield Assumption("traffic past posts of teams", value)


def _region(region: Region) -> Iterator[Assumption]:
    """Yield the numbers that stood in for what the map does not say; a saved region keeps its own."""
    if region.border is None and region.gateways:
        yield Assumption("gateways", "where main roads end on the map: there is no border")
    terms = region.terms
    if terms is None:
        value = "not known: the saved region does not state them, as one does that `region` of this version builds"
        yield Assumption("speeds, populations and distances where the map gives none", value)
        return
    used = set(region.network.road_class.tolist())
    speeds = {name: kmh for name, kmh in DEFAULT_KMH.items() if name in used and name not in terms.speed_kmh}
    if speeds:
        table = ", ".join(f"{name} {kmh:g}" for name, kmh in speeds.items())
        yield Assumption("speed on roads without a limit of their own, km/h by class", f"{table} (region.speed_kmh)")
    if region.crossings:
        value = (
            f"{terms.official_within_m:g} m, on service roads, tracks and paths {terms.official_off_road_within_m:g} m"
        )
        yield Assumption("a crossing is official where a border control stands within", value)
    yield Assumption("a place is left out where no road lies within", f"{terms.settlement_within_m:g} m")


def _demand(demand: GravityDemand) -> Iterator[Assumption]:
    exposures = {gateway.exposure for gateway in demand.gateways}
    if len(exposures) == 1 and len(demand.gateways) > 1 and not demand.terms.exposure:
        value = "1 each: before records are counted, all gateways (with shares: all of a kind) carry the same"
        yield Assumption(f"exposure of {len(demand.gateways)} gateways", value)
    places = demand.settlements
    assumed = [place.population for place in places if place.population_assumed]
    if assumed:
        counts = Counter(assumed)
        table = ", ".join(f"{population:g} in {counts[population]}" for population in sorted(counts, reverse=True))
        what = f"population of {len(assumed)} of {len(places)} settlements"
        yield Assumption(what, f"assumed for the class of the place, as the map gives none: {table}")


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
