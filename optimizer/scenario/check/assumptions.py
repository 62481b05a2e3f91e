"""What a scenario leaves to the program: defaults that change the plan, and built-in tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.base.text.formatting import number
from optimizer.base.text.messages import listed, message, shortened
from optimizer.problem.network.road_classes import DEFAULT_KMH
from optimizer.region.model import APPROACH_M, Region
from optimizer.scenario.demand.patrols import ROUNDS, WATCHED
from optimizer.scenario.demand.risk_model import MODELS
from optimizer.scenario.file.placed import PlacedSite
from optimizer.scenario.file.references import fitting_kinds
from optimizer.scenario.sites.options import past, road_class_of

if TYPE_CHECKING:
    from pydantic import BaseModel

    from optimizer.problem.network.network import Network
    from optimizer.scenario.demand.gravity import GravityDemand
    from optimizer.scenario.file.model import ScenarioModel

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
        "mobility",
        "unreachable",
        "weights",
        "weights_by",
        "local_share",
        "local_evaders",
    ),
    "traffic": ("busy_hours",),
    "sites": ("max_distance_m",),
    "solve": ("method", "gap", "time_limit"),
    "resources": ("availability",),
    "teams": (
        "shift_hours",
        "slot_minutes",
        "most_slots",
        "capacity",
        "passing",
        "posts",
        "spacing_m",
    ),
    "roster": ("farthest_minutes",),
    "crews": ("hours_a_week", "rest_hours", "most_days", "days_off"),
}
"""Fields whose default changes the result, by table."""
LEARNT = {
    "evaders.local_share": message(
        "the share of seizures that no flow explains, learnt from the record"
    ),
    "evaders.weights_by": message("loads: each counts as one, whatever it carries"),
}
"""What stands in for a default that is not a number."""


@dataclass(frozen=True, slots=True)
class Assumption:
    """Something that the scenario does not say and the program assumes."""

    #: Field, or what the built-in table stands in for.
    what: str
    #: The value assumed, and for how many entries where there are several.
    value: str


def assumptions_of(
    scenario: ScenarioModel,
    sites: Sequence[PlacedSite],
    region: Region | None,
    demand: GravityDemand | None,
) -> tuple[Assumption, ...]:
    """Return the defaults that a scenario uses, and the built-in tables and rules.

    Parameters
    ----------
    scenario
        The file, validated.
    sites
        On their segments.
    region, demand
        Roads and places, and who travels between them; None where a fault prevents
        that.
    """
    tables: list[Assumption] = []
    if region is not None:
        tables += _region(region)
        tables += _traffic(scenario, sites, region.network)
    if demand is not None:
        tables += _demand(demand)
    return (
        *_defaults(scenario),
        *_quantities(scenario),
        *_risk(scenario),
        *_candidates(scenario),
        *tables,
    )


def _defaults(scenario: ScenarioModel) -> Iterator[Assumption]:
    for table, fields in DEFAULTS.items():
        content = getattr(scenario, table)
        entries: Sequence[BaseModel] = (
            content if isinstance(content, list) else [] if content is None else [content]
        )
        for field in fields:
            silent = [entry for entry in entries if field not in entry.model_fields_set]
            for value in dict.fromkeys(_text(getattr(entry, field)) for entry in silent):
                assumed = LEARNT.get(f"{table}.{field}", value)
                if isinstance(content, list):
                    assumed = message(
                        "{value} ({silent} of {count} entries)",
                        value=assumed,
                        silent=len(silent),
                        count=len(entries),
                    )
                yield Assumption(f"{table}.{field}", assumed)


def _risk(scenario: ScenarioModel) -> Iterator[Assumption]:
    """Yield the numbers of the risk model that a record does not decide alone."""
    numbers = (
        MODELS[scenario.risk.model].numbers(scenario.risk.params)
        if scenario.records.seizures
        else ""
    )
    if numbers:
        what = message("numbers of the risk model {model!r}", model=str(scenario.risk.model))
        yield Assumption(what, message("{numbers} (docs/risk.md)", numbers=numbers))


def _quantities(scenario: ScenarioModel) -> Iterator[Assumption]:
    """Yield the unit of quantities that neither the scenario nor a row states."""
    entries = scenario.records.seizures
    silent = [entry for entry in entries if "quantity_unit" not in entry.model_fields_set]
    for unit in dict.fromkeys(str(entry.quantity_unit) for entry in silent):
        yield Assumption(
            message("unit of quantities of seizures where a row states none"),
            message(
                "{unit} in {silent} of {count} files (quantity_unit under [[records.seizures]])",
                unit=unit,
                silent=len(silent),
                count=len(entries),
            ),
        )


def _candidates(scenario: ScenarioModel) -> Iterator[Assumption]:
    """Yield how sites and posts are chosen that nobody lists."""
    if scenario.sites.roads:
        value = message(
            "the most travelled roads with nothing placed, {metres:g} m apart at least",
            metres=scenario.sites.spacing_m,
        )
        yield Assumption(message("{count} sites on roads", count=scenario.sites.roads), value)
    if scenario.teams:
        value = message(
            "the most travelled roads, in {rounds} rounds: in each evaders survive {share:g} of the"
            " time on those that were chosen before, so that their ways round are among the"
            " posts too",
            rounds=ROUNDS,
            share=WATCHED,
        )
        yield Assumption(message("posts of teams"), value)


def _traffic(
    scenario: ScenarioModel, sites: Sequence[PlacedSite], network: Network
) -> Iterator[Assumption]:
    """Yield what is taken for the traffic where neither a site nor the table of classes
    gives it, and it matters.
    """
    kinds = {kind.id: kind for kind in scenario.kinds}

    def matters(item: PlacedSite) -> bool:
        names = fitting_kinds(item.site.kinds, item.site.existing, kinds)
        return any(kinds[name].needs_traffic for name in names if name in kinds)

    yield from _traffic_of_sites(scenario, [item for item in sites if matters(item)], network)
    yield from _traffic_of_posts(scenario, network)


def _traffic_of_sites(
    scenario: ScenarioModel, sites: Sequence[PlacedSite], network: Network
) -> Iterator[Assumption]:
    terms, count = scenario.traffic, len(sites)
    unknown = [item for item in sites if not past(item, scenario, network).source]
    if unknown:
        yield Assumption(
            message("traffic past {unknown} of {count} sites", unknown=len(unknown), count=count),
            message(
                "not known: a post there inspects every vehicle that passes, and delays as many as"
                " it has the capacity for"
            ),
        )
    silent = [item for item in sites if item.site.traffic is None]
    counted = [item for item in silent if item.counted is not None]
    if counted:
        yield Assumption(
            message(
                "traffic past {counted} of {count} sites, by counts",
                counted=len(counted),
                count=count,
            ),
            message(
                "that of the nearest count on the same road within {km:g} km, as the crow flies"
                " (traffic.counts_within_km)",
                km=terms.counts_within_km,
            ),
        )
    in_ports = [item for item in silent if item.road is not None]
    if in_ports:
        yield Assumption(
            message(
                "traffic past {lanes} of {count} sites, on service roads of ports",
                lanes=len(in_ports),
                count=count,
            ),
            message("that of the road they lead to within {km:g} km inland", km=APPROACH_M / 1000),
        )
    uncounted = [item for item in sites if item.site.traffic is not None and item.counted is None]
    if uncounted and terms.counts is not None:
        yield Assumption(
            message(
                "traffic past {given} of {count} sites, from their table",
                given=len(uncounted),
                count=count,
            ),
            message(
                "no count on the same road within {km:g} km of them: {sites}",
                km=terms.counts_within_km,
                sites=shortened([item.site.label for item in uncounted]),
            ),
        )
    by_class = Counter(road_class_of(item, network) for item in silent if item.counted is None)
    given = {name: n for name, n in by_class.items() if name in terms.by_class}
    if given:
        table = ", ".join(f"{name} {number(terms.by_class[name], 6)}" for name in given)
        yield Assumption(
            message(
                "traffic past {given} of {count} sites, by road class",
                given=sum(given.values()),
                count=count,
            ),
            message(
                "vehicles a day in one direction, from traffic.by_class of the scenario: {table}",
                table=table,
            ),
        )


def _traffic_of_posts(scenario: ScenarioModel, network: Network) -> Iterator[Assumption]:
    names = sorted(set(network.road_class.tolist()) - scenario.traffic.by_class.keys())
    if names and any(team.capacity is not None for team in scenario.teams):
        value = message(
            "not known on roads of class {classes}: a team at a post there inspects every vehicle",
            classes=", ".join(names),
        )
        yield Assumption(message("traffic past posts of teams"), value)


def _region(region: Region) -> Iterator[Assumption]:
    """Yield the numbers that stood in for what the map does not say; a saved region
    keeps its own.
    """
    if region.border is None and region.gateways:
        yield Assumption(
            message("gateways"), message("where main roads end on the map: there is no border")
        )
    terms = region.terms
    if terms is None:
        value = message(
            "not known: the saved region does not state them, as one does that `region` of this"
            " version builds"
        )
        yield Assumption(
            message("speeds, populations and distances where the map gives none"), value
        )
        return
    used = set(region.network.road_class.tolist())
    speeds = {
        name: kmh
        for name, kmh in DEFAULT_KMH.items()
        if name in used and name not in terms.speed_kmh
    }
    if speeds:
        table = ", ".join(f"{name} {number(kmh, 6)}" for name, kmh in speeds.items())
        what = message("speed on roads without a limit of their own, km/h by class")
        yield Assumption(what, message("{table} (region.speed_kmh)", table=table))
    if region.crossings:
        value = message(
            "{metres:g} m, on service roads, tracks and paths {off_road:g} m",
            metres=terms.official_within_m,
            off_road=terms.official_off_road_within_m,
        )
        yield Assumption(
            message("a crossing is official where a border control stands within"), value
        )
    yield Assumption(
        message("a place is left out where no road lies within"),
        message("{metres:g} m", metres=terms.settlement_within_m),
    )


def _demand(demand: GravityDemand) -> Iterator[Assumption]:
    exposures = {gateway.exposure for gateway in demand.gateways}
    if len(exposures) == 1 and len(demand.gateways) > 1 and not demand.terms.exposure:
        value = message(
            "1 each: before records are counted, all gateways (with shares: all of a kind) carry"
            " the same"
        )
        yield Assumption(message("exposure of {count} gateways", count=len(demand.gateways)), value)
    places = demand.settlements
    assumed = [place.population for place in places if place.population_assumed]
    if assumed:
        counts = Counter(assumed)
        table = listed(
            message("{population:g} in {count}", population=population, count=counts[population])
            for population in sorted(counts, reverse=True)
        )
        what = message(
            "population of {assumed} of {count} settlements",
            assumed=len(assumed),
            count=len(places),
        )
        value = message(
            "assumed for the class of the place, as the map gives none: {table}", table=table
        )
        yield Assumption(what, value)


def _text(value: object) -> str:
    if value is None:
        return message("none")
    return (
        ", ".join(map(str, value))
        if isinstance(value, list)
        else number(value, 6)
        if isinstance(value, float)
        else str(value)
    )
