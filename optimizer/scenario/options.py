"""Options: every site with every kind that fits it, how well it detects there, and what it uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.base.errors import ProblemList
from optimizer.base.names import close_match
from optimizer.problem.detection import false_alarm_hours, inspection_delay
from optimizer.problem.options import Option, Resource
from optimizer.scenario.kind_effect import kind_effect

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from optimizer.problem.network import Network
    from optimizer.scenario.kind_model import KindModel
    from optimizer.scenario.model import ResourceModel, ScenarioModel, SiteModel
    from optimizer.scenario.sites import PlacedSite

TRAFFIC_BY_CLASS = {
    "motorway": 15_000.0,
    "trunk": 8_000.0,
    "primary": 4_000.0,
    "secondary": 1_500.0,
    "tertiary": 600.0,
    "unclassified": 200.0,
    "residential": 200.0,
    "service": 50.0,
    "track": 20.0,
    "path": 10.0,
    "footway": 10.0,
    "ferry": 200.0,
}
"""Vehicles a day in one direction where a site gives none: assumed, of the order of rural traffic counts."""
LEAST_TRAFFIC = 100.0
"""Vehicles a day on a class the tables do not name: assumed."""


def compile_options(
    placed: Sequence[PlacedSite], scenario: ScenarioModel, network: Network, where: str
) -> tuple[tuple[Option, ...], tuple[Resource, ...]]:
    """Return one option for each site and kind that fits it, and the resources with their budgets.

    Raises
    ------
    InputError
        Naming each site whose kind, agency or resource is not defined.
    """
    problems = ProblemList()
    compiler = _Compiler(scenario, problems)
    options = []
    for item in placed:
        compiler.check(item.site, f"{where}, site {item.site.id!r}")
        fitting = compiler.kinds_of(item.site)
        daily = compiler.traffic(item.site, str(network.road_class[item.arcs[0]]))
        for kind in fitting:
            uses = compiler.uses(kind, item.site, daily, f"{where}, site {item.site.id!r}, kind {kind.id!r}")
            effect = kind_effect(kind, item, network, daily / scenario.sites.busy_hours)
            options.append(_option(item, kind, effect, uses, alone=len(fitting) == 1))
    problems.raise_if_any()
    return tuple(options), compiler.resources(options)


@dataclass(frozen=True)
class _Compiler:
    """What a scenario says of kinds, agencies and resources, applied to one site at a time."""

    scenario: ScenarioModel
    problems: ProblemList

    @property
    def kinds(self) -> dict[str, KindModel]:
        return {kind.id: kind for kind in self.scenario.kinds}

    @property
    def resource_ids(self) -> dict[tuple[str, str], str]:
        """Instance id of each resource by (name, agency)."""
        named = [(r.name, r.agency) for r in self.scenario.resources]
        return {(name, agency): f"{name}@{agency}" if agency else name for name, agency in named}

    def check(self, site: SiteModel, here: str) -> None:
        """Note kinds and agencies that are not defined."""
        for name in [*site.kinds, *([site.existing] if site.existing else [])]:
            if name not in self.kinds:
                self.problems.add(
                    here, f"kind {name!r}", f"one of {', '.join(self.kinds)}", close_match(name, self.kinds)
                )
        agencies = [agency.id for agency in self.scenario.agencies]
        if site.agency and site.agency not in agencies:
            expected = f"one of {', '.join(agencies)}" if agencies else "an agency of [[agencies]]"
            self.problems.add(here, f"agency {site.agency!r}", expected, close_match(site.agency, agencies))
        if site.forced and len(self.kinds_of(site)) > 1 and not site.existing:
            expected = "one kind, or the one that exists"
            self.problems.add(here, "forced, with several kinds to choose from", expected, "Name it in kinds")

    def kinds_of(self, site: SiteModel) -> list[KindModel]:
        """Return the kinds that fit a site: those it names (all where it names none), and the one that stands there."""
        names = [*(site.kinds or self.kinds), *([site.existing] if site.existing else [])]
        return [self.kinds[name] for name in dict.fromkeys(names) if name in self.kinds]

    def traffic(self, site: SiteModel, road_class: str) -> float:
        """Return the vehicles a day past a site in the watched direction."""
        table = TRAFFIC_BY_CLASS | self.scenario.sites.traffic_by_class
        return site.traffic or table.get(road_class, LEAST_TRAFFIC)

    def uses(self, kind: KindModel, site: SiteModel, daily: float, here: str) -> dict[str, float]:
        """Return what a kind uses at a site, by resource id: its agency's own resource if there is one, else the shared one."""
        amounts = {name: amount * site.lanes for name, amount in kind.uses.items()}
        if kind.delay is not None:
            # vehicle-hours a day that honest travellers lose
            capacity = (kind.capacity or 0.0) * site.lanes * self.scenario.sites.busy_hours
            lost = inspection_delay(capacity, daily, kind.delay.minutes)
            amounts[kind.delay.resource] = amounts.get(kind.delay.resource, 0.0) + lost
        if kind.alarms is not None:
            lost = false_alarm_hours(kind.alarms.per_day * site.lanes, kind.alarms.minutes)
            amounts[kind.alarms.resource] = amounts.get(kind.alarms.resource, 0.0) + lost
        uses = {}
        for name, amount in amounts.items():
            resource = self.resource_ids.get((name, site.agency)) or self.resource_ids.get((name, ""))
            if resource is None:
                expected = f"a resource of that name of agency {site.agency!r}, or one shared by all"
                near = close_match(name, {n for n, _ in self.resource_ids} - {name})
                self.problems.add(here, f"resource {name!r}", expected, near or "Add it to [[resources]]")
            else:
                uses[resource] = amount
        return uses

    def resources(self, options: Sequence[Option]) -> tuple[Resource, ...]:
        """Return the resources with what can be used of each."""
        resources = []
        for model in self.scenario.resources:
            name = self.resource_ids[model.name, model.agency]
            today = sum((option.uses.get(name, 0.0) for option in options if option.existing), 0.0)
            resources.append(Resource(name, usable(model, today), model.agency, model.unit, model.name))
        return tuple(resources)


def usable(resource: ResourceModel, today: float) -> float:
    """Return how much of a resource a plan may use: the share of its budget that is available, or what today's sites use."""
    return today if resource.budget == "existing" else resource.budget * resource.availability


def _option(
    item: PlacedSite,
    kind: KindModel,
    effect: tuple[tuple[int, ...], tuple[float, ...]],
    uses: Mapping[str, float],
    *,
    alone: bool,
) -> Option:
    site = item.site
    label = site.label or site.id
    arcs, survival = effect
    return Option(
        id=site.id if alone else f"{site.id}:{kind.id}",
        arcs=arcs,
        survival=survival,
        uses=uses,
        site=site.id,
        agency=site.agency,
        kind=kind.kind,
        label=label if alone else f"{label} ({kind.label or kind.id})",
        existing=site.existing == kind.id,
        forced=site.forced and (alone or site.existing == kind.id),
        forbidden=site.forbidden,
        type=kind.id,
    )


def check_definitions(scenario: ScenarioModel, where: str) -> None:
    """Check that agencies, kinds and resources are named once, and that what names them names ones that exist.

    Raises
    ------
    InputError
        With every fault. It comes before any site is made, so that one wrong word is not said once for each of a hundred sites.
    """
    problems = ProblemList()
    agencies, kinds = [agency.id for agency in scenario.agencies], [kind.id for kind in scenario.kinds]
    named = [(f"resource {r.name!r}", r.agency) for r in scenario.resources] + [("sites.agency", scenario.sites.agency)]
    for what, agency in named:
        if agency and agency not in agencies:
            expected = f"one of {', '.join(agencies)}" if agencies else "an agency of [[agencies]]"
            problems.add(f"{where}, {what}", f"agency {agency!r}", expected, close_match(agency, agencies))
    for kind in scenario.sites.kinds:
        if kind not in kinds:
            problems.add(f"{where}, sites.kinds", repr(kind), f"one of {', '.join(kinds)}", close_match(kind, kinds))
    _check_uses(scenario, where, problems)
    _check_names(scenario, where, problems)
    problems.raise_if_any()


def _check_uses(scenario: ScenarioModel, where: str, problems: ProblemList) -> None:
    known = {r.name for r in scenario.resources}
    for kind in scenario.kinds:
        for resource in [*kind.uses, *(time.resource for time in (kind.delay, kind.alarms) if time)]:
            if resource not in known:
                near = close_match(resource, known) or "Add it to [[resources]]"
                problems.add(
                    f"{where}, kind {kind.id!r}", f"resource {resource!r}", f"one of {', '.join(sorted(known))}", near
                )


def _check_names(scenario: ScenarioModel, where: str, problems: ProblemList) -> None:
    tables = {
        "agencies": [repr(agency.id) for agency in scenario.agencies],
        "kinds": [repr(kind.id) for kind in scenario.kinds],
        "resources": [f"{r.name!r} of agency {r.agency!r}" if r.agency else repr(r.name) for r in scenario.resources],
    }
    for table, names in tables.items():
        for position, name in enumerate(names):
            if name in names[:position]:
                problems.add(f"{where}, {table}[{position}]", f"{name} again", "each once", "Rename or remove it")
