"""Values that a file may have and hardly anybody means: a budget that limits nothing, a
kind that finds or costs nothing, hours where minutes are expected, two sites at one
place. Each is a warning with what was found, what was expected and what to do.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from optimizer.base.text.formatting import amount_with_unit
from optimizer.base.text.messages import counted_message, message, shortened
from optimizer.scenario.file.ranges import middle
from optimizer.scenario.sites.options import operators_of, owned, past, resource_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from optimizer.problem.network.network import Network
    from optimizer.scenario.file.kinds import KindModel
    from optimizer.scenario.file.model import MeasureModel, ScenarioModel, TeamModel
    from optimizer.scenario.file.placed import PlacedSite

MUCH = 100.0
"""Times that a budget exceeds all that could use it for it to be a likely slip."""

LANES = 4.0
"""Lanes of a site on a road that is not chosen yet, for the most that it could use."""

SHORT_DECAY_MINUTES = 15.0
"""`decay_minutes` below which hours were likely written: loads would hardly leave the
towns at the border.
"""

LONG_DECAY_MINUTES = 4320.0
"""`decay_minutes` of more than three days, above which seconds were likely written."""

SHORT_DRIVE_MINUTES = 5.0
"""Longest drive, in minutes, below which hours were likely written."""

LONG_YEARS = 40.0
"""`cost_years` above which months were likely written."""

SAME_POINT_DEGREES = 5
"""Decimals of a degree at which two places are one: a metre."""


def doubtful_values(scenario: ScenarioModel) -> Iterator[str]:
    """Yield a sentence for each value that hardly anybody means, of those that need no
    map.

    Parameters
    ----------
    scenario
        As the file gives it.
    """
    yield from _finds_nothing(scenario)
    yield from _costs_nothing(scenario)
    yield from _doubtful_times(scenario)


def doubtful_budgets(
    scenario: ScenarioModel, sites: Sequence[PlacedSite], network: Network
) -> Iterator[str]:
    """Yield a sentence for each budget that is far more than everything together could
    use.

    Parameters
    ----------
    scenario
        As the file gives it.
    sites
        On their segments.
    network
        The roads, whose traffic decides what some kinds use.
    """
    most = _most_used(scenario, sites, network)
    for position, resource in enumerate(scenario.resources):
        could = most.get(resource_id(resource), 0.0)
        if resource.budget == "existing" or not 0 < MUCH * could < resource.budget:
            continue
        yield message(
            "resources[{position}].budget: found {budget} of {resource}; all sites, teams and"
            " measures together could use {could} at most, so this budget limits nothing. Expected"
            " what there is, in the same unit as `uses`. Check the zeros and the unit.",
            position=position,
            budget=amount_with_unit(resource.budget, resource.unit),
            resource=resource_id(resource),
            could=amount_with_unit(could, resource.unit),
        )


def sites_at_one_place(scenario: ScenarioModel, sites: Sequence[PlacedSite]) -> Iterator[str]:
    """Yield a sentence on sites that watch the same direction of a road from one place
    with the same kind: a plan may open both.

    Parameters
    ----------
    scenario
        With the kinds, and with the exclusions that rule such a pair out.
    sites
        On their segments.
    """
    kinds = {kind.id: kind for kind in scenario.kinds}
    at: dict[tuple[float, float], list[PlacedSite]] = defaultdict(list)
    for item in sites:
        if not item.site.forbidden:
            place = round(item.lon, SAME_POINT_DEGREES), round(item.lat, SAME_POINT_DEGREES)
            at[place].append(item)
    apart = [set(ids) for ids in scenario.exclusions]
    pairs = [
        message("{one} and {other}", one=one.site.id, other=other.site.id)
        for items in at.values()
        for k, one in enumerate(items)
        for other in items[k + 1 :]
        if set(one.arcs) & set(other.arcs)
        and _offered(one, kinds) & _offered(other, kinds)
        and not any({one.site.id, other.site.id} <= ids for ids in apart)
    ]
    if pairs:
        yield message(
            "Found {pairs} of sites at one place, watching the same road: {named}. Expected one"
            " entry for each place, because a plan may open both and counts both. Remove one, move"
            " it, or name both in one list of `exclusions`.",
            pairs=counted_message("{count} pair", "{count} pairs", len(pairs)),
            named=shortened(pairs),
        )


def _offered(item: PlacedSite, kinds: dict[str, KindModel]) -> set[str]:
    return {kind for operator in operators_of(item, kinds) for kind in operator.kinds}


def _most_used(
    scenario: ScenarioModel, sites: Sequence[PlacedSite], network: Network
) -> dict[str, float]:
    """Return by resource id what all kinds at all sites, all teams and all measures use
    together.
    """
    kinds = {kind.id: kind for kind in scenario.kinds}
    most: dict[str, float] = defaultdict(float)

    def add(amounts: dict[str, float], agency: str, times: float = 1.0) -> None:
        for name, amount in owned(amounts, agency, scenario).items():
            most[name] += times * amount

    for item in sites:
        traffic = past(item, scenario, network)
        for operator in operators_of(item, kinds):
            for kind in (kinds[name] for name in operator.kinds):
                add(kind.amounts(item.site.lanes, traffic), operator.agency)
                add(kind.opening(item.site.lanes), operator.agency)
    for name in (scenario.sites.kinds or kinds) if scenario.sites.roads else ():
        kind, agency = kinds[name], scenario.sites.agency
        add(dict(kind.uses), agency, LANES * scenario.sites.roads)
        add(kind.opening(LANES), agency, scenario.sites.roads)
    for team in scenario.teams:
        add(team.uses, team.agency, team.number)
    for measure in scenario.measures:
        add(measure.uses, measure.agency)
    return most


def _finds_nothing(scenario: ScenarioModel) -> Iterator[str]:
    """Yield a sentence on each chance of 0 that leaves a kind, a team or a measure
    without any effect.
    """
    entries: tuple[tuple[str, str, str, Sequence[KindModel | TeamModel | MeasureModel]], ...] = (
        ("kinds", "detection", message("the chance that it detects a load"), scenario.kinds),
        (
            "kinds",
            "capacity",
            message("the vehicles that it inspects an hour and lane"),
            scenario.kinds,
        ),
        ("kinds", "uptime", message("the share of the time that it works"), scenario.kinds),
        ("kinds", "response", message("the share of detections that are acted on"), scenario.kinds),
        ("teams", "detection", message("the chance that it detects a load"), scenario.teams),
        (
            "measures",
            "reduction",
            message("the share of loads that it prevents"),
            scenario.measures,
        ),
    )
    for table, field, what, rows in entries:
        for position, entry in enumerate(rows):
            chance = getattr(entry, field, None)
            if not isinstance(chance, int | float | tuple) or middle(chance) > 0:
                continue
            if getattr(entry, "passing", 0) or getattr(entry, "tips", 0):
                continue
            yield message(
                "{where}: found 0; expected {what}. {name} then changes nothing, and a plan gains"
                " nothing by it. State the value, or remove the entry.",
                where=f"{table}[{position}].{field}",
                what=what,
                name=entry.id,
            )


def _costs_nothing(scenario: ScenarioModel) -> Iterator[str]:
    """Yield a sentence on each kind and measure that uses no resource, which a plan
    takes wherever it may.
    """
    for position, kind in enumerate(scenario.kinds):
        alarms = kind.alarms is not None or getattr(kind, "delay", None) is not None
        if not alarms and not any(kind.uses.values()) and not any(kind.open_cost.values()):
            yield _free(f"kinds[{position}].uses", kind.id, scenario)
    for position, measure in enumerate(scenario.measures):
        settled = measure.existing or measure.forced or measure.forbidden
        if not settled and not any(measure.uses.values()):
            yield _free(f"measures[{position}].uses", measure.id, scenario)


def _free(where: str, name: str, scenario: ScenarioModel) -> str:
    resource = scenario.resources[0].name if scenario.resources else "money"
    return message(
        "{where}: found nothing above 0; expected an amount of a resource. {name} costs nothing, so"
        " no budget limits how many of them a plan takes. State what one takes, such as"
        " uses = {{ {resource} = 1 }}.",
        where=where,
        name=name,
        resource=resource,
    )


def _doubtful_times(scenario: ScenarioModel) -> Iterator[str]:
    """Yield a sentence on each time that was likely written in another unit."""
    decay = scenario.evaders.decay_minutes
    if decay < SHORT_DECAY_MINUTES:
        yield _hours("evaders.decay_minutes", decay)
    elif decay > LONG_DECAY_MINUTES:
        yield message(
            "{where}: found {found:g}; expected minutes. If these are seconds, write {meant:g}.",
            where="evaders.decay_minutes",
            found=decay,
            meant=decay / 60,
        )
    drives = {
        f"teams[{position}].farthest_minutes": team.farthest_minutes
        for position, team in enumerate(scenario.teams)
    }
    drives |= {
        f"kinds[{position}].response.reach_minutes": kind.cue.reach_minutes
        for position, kind in enumerate(scenario.kinds)
        if kind.cue is not None
    }
    if scenario.roster is not None:
        drives["roster.farthest_minutes"] = scenario.roster.farthest_minutes
    for where, minutes in drives.items():
        if minutes is not None and 0 < minutes < SHORT_DRIVE_MINUTES:
            yield _hours(where, minutes)
    for position, kind in enumerate(scenario.kinds):
        if kind.cost_years is not None and kind.cost_years > LONG_YEARS:
            yield message(
                "{where}: found {found:g}; expected years. If these are months, write {meant:g}.",
                where=f"kinds[{position}].cost_years",
                found=kind.cost_years,
                meant=kind.cost_years / 12,
            )


def _hours(where: str, minutes: float) -> str:
    return message(
        "{where}: found {found:g}; expected minutes. If these are hours, write {meant:g}.",
        where=where,
        found=minutes,
        meant=minutes * 60,
    )
