"""Options: every site with every kind that fits it, how well it detects there, and what it uses."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from optimizer.base.text.messages import Message, counted_message, message, shortened
from optimizer.problem.instance.options import Option, Resource
from optimizer.scenario.check.sites import Operator
from optimizer.scenario.file.cues import Answerer, Watcher, cued_options
from optimizer.scenario.file.references import fitting_kinds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from optimizer.problem.instance.requirements import Requirement
    from optimizer.problem.network.network import Network
    from optimizer.scenario.check.sites import PlacedSite
    from optimizer.scenario.file.kinds import Effect, KindModel
    from optimizer.scenario.file.model import ScenarioModel, ScenarioResourceModel
    from optimizer.scenario.file.traffic import Traffic


@dataclass(frozen=True, slots=True)
class OptionTable:
    """Options and what they use.

    Attributes
    ----------
    options
        One for each site and kind that fits it, in the order of the sites.
    resources
        With what a plan may use of each.
    requirements
        Sensors stand beside teams that answer them.
    unanswered
        Labels of sensors that no team reaches, which are no options.
    """

    options: tuple[Option, ...]
    resources: tuple[Resource, ...]
    requirements: tuple[Requirement, ...] = ()
    unanswered: tuple[str, ...] = ()


def compile_options(placed: Sequence[PlacedSite], scenario: ScenarioModel, network: Network) -> OptionTable:
    """Return the options of a scenario whose references are checked, and its resources; those of sensors that cue teams come last."""
    options: list[Option] = []
    watchers: list[Watcher] = []
    answerers: dict[str, list[Answerer]] = {}
    kinds = {kind.id: kind for kind in scenario.kinds}
    for item in placed:
        operators = operators_of(item, kinds)
        traffic = past(item, scenario, network)
        several = len(operators) > 1
        fitting = {name for operator in operators for name in operator.kinds}
        for operator in operators:
            for kind in (kinds[name] for name in operator.kinds):
                uses = owned(kind.amounts(item.site.lanes, traffic), operator.agency, scenario)
                option = _option(item, kind, kind.effect(item, network, traffic), uses, alone=len(fitting) == 1)
                owner = run_by(operator.agency, uses, scenario)
                terms = (operator.agency, owner, operator is operators[0], several)
                if kind.cue is not None:
                    at = partial(_answered, _of_operator(option, *terms), kind, item, network, traffic)
                    watchers.append(Watcher(at(0.0), item, kind.cue, at))
                    continue
                turnout = getattr(kind, "turnout_minutes", 0.0)
                option = _of_operator(option, *terms)
                answerers.setdefault(kind.id, []).append(Answerer(len(options), option, item, turnout))
                options.append(option)
    cued = cued_options(watchers, answerers, len(options), network)
    options += cued.options
    return OptionTable(tuple(options), _resources(scenario, options), cued.requirements, cued.unanswered)


def _answered(
    option: Option, kind: KindModel, item: PlacedSite, network: Network, traffic: Traffic, response: float
) -> Option:
    """Return the option of a sensor when so large a share of its detections is acted on."""
    effect = kind.model_copy(update={"response": response}).effect(item, network, traffic)
    return replace(option, arcs=tuple(effect.arcs.tolist()), survival=tuple(effect.survival.tolist()))


def unanswered_warnings(unanswered: Sequence[str]) -> list[Message]:
    """Return what to tell of sensors that no team reaches."""
    if not unanswered:
        return []
    return [
        message(
            "No team that could answer is within reach of {sensors}, so they are not offered: {named}.",
            sensors=counted_message("{count} sensor", "{count} sensors", len(unanswered)),
            named=shortened(unanswered, 5),
        )
    ]


def operators_of(item: PlacedSite, kinds: Mapping[str, KindModel]) -> tuple[Operator, ...]:
    """Return who may run a site with what: by default its agency, with the kinds that fit and the one that stands there."""
    own = Operator(item.site.agency, tuple(fitting_kinds(item.site.kinds, item.site.existing, kinds)))
    return item.operators or (own,)


def _of_operator(option: Option, agency: str, owner: str, first: bool, several: bool) -> Option:
    """Return an option of one of those who may run a site; what stands there today is of the first of them."""
    if not several:
        return replace(option, agency=owner)
    return replace(
        option,
        id=f"{option.id}@{agency}",
        label=f"{option.label}, {agency}",
        agency=owner,
        existing=option.existing and first,
        forced=option.forced and option.existing and first,
    )


def road_class_of(item: PlacedSite, network: Network) -> str:
    """Return the class of the road that a site watches."""
    return str(network.road_class[item.arcs[0]])


def past(item: PlacedSite, scenario: ScenarioModel, network: Network) -> Traffic:
    """Return the traffic past a site: its own, or that of its road's class."""
    return scenario.traffic.past(item.site.traffic, road_class_of(item, network))


def owned(amounts: Mapping[str, float], agency: str, scenario: ScenarioModel) -> dict[str, float]:
    """Return amounts by resource id for those by name: `NAME@AGENCY` as it is, else the agency's resource of the name, else the shared one."""
    ids = {(r.name, r.agency): resource_id(r) for r in scenario.resources}
    every = set(ids.values())
    found: dict[str, float] = {}
    for name, amount in amounts.items():
        own = ids.get((name, agency)) or ids.get((name, "")) or name
        key = name if name in every and (name, agency) not in ids else own
        found[key] = found.get(key, 0.0) + amount
    return found


def run_by(agency: str, uses: Mapping[str, float], scenario: ScenarioModel) -> str:
    """Return the agency of an option: nobody's own where it uses resources of others too, as of a joint task force."""
    owners = {r.agency for r in scenario.resources if r.agency and uses.get(resource_id(r), 0.0) > 0}
    return agency if owners <= {agency} else ""


def resource_id(resource: ScenarioResourceModel) -> str:
    """Return the id of a resource in the instance: `agents@laredo-sector`, or the name alone where all share it."""
    return f"{resource.name}@{resource.agency}" if resource.agency else resource.name


def _resources(scenario: ScenarioModel, options: Sequence[Option]) -> tuple[Resource, ...]:
    """Return the resources with what can be used of each."""
    resources = []
    for model in scenario.resources:
        name = resource_id(model)
        today = sum((option.uses.get(name, 0.0) for option in options if option.existing), 0.0)
        resources.append(Resource(name, usable(model, today), model.agency, model.unit, model.name))
    return tuple(resources)


def usable(resource: ScenarioResourceModel, today: float) -> float:
    """Return how much of a resource a plan may use: the share of its budget that is available, or what today's sites use."""
    return today if resource.budget == "existing" else resource.budget * resource.availability


def _option(
    item: PlacedSite,
    kind: KindModel,
    effect: Effect,
    uses: Mapping[str, float],
    *,
    alone: bool,
) -> Option:
    site = item.site
    label = site.label or site.id
    return Option(
        id=site.id if alone else f"{site.id}:{kind.id}",
        arcs=tuple(effect.arcs.tolist()),
        survival=tuple(effect.survival.tolist()),
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
