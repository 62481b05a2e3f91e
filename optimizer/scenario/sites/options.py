"""Options: every site with every kind that fits it, how well it detects there, and what
it uses; sensors with the teams that they cue.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import maximum_flow

from optimizer.base.text.formatting import amount_with_unit
from optimizer.base.text.messages import Message, counted_message, message, shortened
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.options import BUDGET_TOLERANCE, Option, Resource
from optimizer.problem.instance.requirements import Requirement
from optimizer.problem.network.shortest_paths import cost_graph
from optimizer.scenario.file.kinds import CueModel, Effect, KindModel
from optimizer.scenario.file.placed import Operator, PlacedSite
from optimizer.scenario.file.references import fitting_kinds
from optimizer.scenario.file.traffic import Traffic

if TYPE_CHECKING:
    from optimizer.problem.network.network import Network
    from optimizer.scenario.file.model import ScenarioModel, ScenarioResourceModel


@dataclass(frozen=True, slots=True)
class OptionTable:
    """Options and what they use."""

    #: One for each site and kind that fits it, in the order of the sites.
    options: tuple[Option, ...]
    #: With what a plan may use of each.
    resources: tuple[Resource, ...]
    #: Sensors stand beside teams that answer them.
    requirements: tuple[Requirement, ...] = ()
    #: Labels of sensors that no team reaches, which are no options.
    unanswered: tuple[str, ...] = ()


def compile_options(
    placed: Sequence[PlacedSite], scenario: ScenarioModel, network: Network
) -> OptionTable:
    """Return the options of a scenario whose references are checked, and its resources;
    those of sensors that cue teams come last.
    """
    options: list[Option] = []
    sensors: list[CuedSensor] = []
    teams: dict[str, list[RespondingTeam]] = {}
    kinds = {kind.id: kind for kind in scenario.kinds}
    for item in placed:
        operators = operators_of(item, kinds)
        traffic = past(item, scenario, network)
        several = len(operators) > 1
        fitting = {name for operator in operators for name in operator.kinds}
        for operator in operators:
            for kind in (kinds[name] for name in operator.kinds):
                uses = owned(kind.amounts(item.site.lanes, traffic), operator.agency, scenario)
                option = _option(
                    item, kind, kind.effect(item, network, traffic), uses, alone=len(fitting) == 1
                )
                stands = option.existing and operator is operators[0]
                costs = kind.closing(item.site.lanes) if stands else kind.opening(item.site.lanes)
                change = owned(costs, operator.agency, scenario)
                option, owner = (
                    replace(option, change=change),
                    run_by(operator.agency, uses | change, scenario),
                )
                terms = (operator.agency, owner, operator is operators[0], several)
                if (
                    kind.cue is not None
                    # what it is worth depends on who answers: options follow once all teams
                    # are known
                ):
                    at = partial(
                        _answered, _of_operator(option, *terms), kind, item, network, traffic
                    )
                    sensors.append(CuedSensor(at(0.0), item, kind.cue, at))
                    continue
                turnout = getattr(kind, "turnout_minutes", 0.0)
                option = _of_operator(option, *terms)
                teams.setdefault(kind.id, []).append(
                    RespondingTeam(len(options), option, item, turnout)
                )
                options.append(option)
    cued = _cued_options(sensors, teams, len(options), network)
    options += cued.options
    return replace(cued, options=tuple(options), resources=_resources(scenario, options))


def _answered(
    option: Option,
    kind: KindModel,
    item: PlacedSite,
    network: Network,
    traffic: Traffic,
    response: float,
) -> Option:
    """Return the option of a sensor when so large a share of its detections is acted on."""
    effect = kind.model_copy(update={"response": response}).effect(item, network, traffic)
    return replace(
        option, arcs=tuple(effect.arcs.tolist()), survival=tuple(effect.survival.tolist())
    )


def unanswered_warnings(unanswered: Sequence[str]) -> list[Message]:
    """Return what to tell of sensors that no team reaches."""
    if not unanswered:
        return []
    return [
        message(
            "No team that could answer is within reach of {sensors}, so they are not offered:"
            " {named}.",
            sensors=counted_message("{count} sensor", "{count} sensors", len(unanswered)),
            named=shortened(unanswered, 5),
        )
    ]


def unpassed_warnings(instance: Instance) -> list[Message]:
    """Return what to tell of sites that no evader can pass: on no way between two
    places where evaders begin or end.

    A road is part of such a way if and only if paths that share no node lead from its
    two ends to two of these places. Directions are left out, so what is named is passed
    by nobody.
    """
    # these may drive a loop
    passed = {arc for each in instance.evaders for route in each.routes for arc in route.arcs}
    doubtful = [
        each
        for each in instance.options
        if each.site and each.arcs and passed.isdisjoint(each.arcs)
    ]
    if not doubtful:
        return []
    ways = _WaysBetweenEnds(instance)
    unpassed = [each for each in doubtful if not any(map(ways.lead_over, each.arcs))]
    names = list(dict.fromkeys(each.label or each.id for each in unpassed))
    if not names:
        return []
    return [
        message(
            "No evader passes these, so they find nothing; check on which road each stands:"
            " {sites}.",
            sites=shortened(names, 5),
        )
    ]


class _WaysBetweenEnds:
    """Ways between two places where evaders begin or end, which visit no node twice.

    Each node i lets one way through, from 2i to 2i + 1; all those places lead to one
    more node, and both ends of the road in question are led to from another one.
    """

    def __init__(self, instance: Instance) -> None:
        tail, head = (np.asarray(end, dtype=np.int64) for end in (instance.tail, instance.head))
        ends = np.unique([node for e in instance.evaders for node in (e.origin, e.destination)])
        node = np.arange(instance.n_nodes)
        self._instance = instance
        self._outside, self._road = 2 * instance.n_nodes, 2 * instance.n_nodes + 1
        self._from = np.concatenate((2 * node, 2 * tail + 1, 2 * head + 1, 2 * ends + 1))
        onto = (2 * node + 1, 2 * head, 2 * tail, np.full(ends.size, self._outside))
        self._to = np.concatenate(onto)
        self._known: dict[frozenset[int], bool] = {}

    def lead_over(self, arc: int) -> bool:
        """Return whether such a way passes an arc, in either direction."""
        road = frozenset((int(self._instance.tail[arc]), int(self._instance.head[arc])))
        if road not in self._known:
            begins = np.full(len(road), self._road)
            rows = np.concatenate((self._from, begins))
            columns = np.concatenate((self._to, [2 * node for node in road]))
            size = (self._road + 1, self._road + 1)
            room = coo_array((np.ones(rows.size, dtype=np.int32), (rows, columns)), shape=size)
            found = maximum_flow(room.tocsr(), self._road, self._outside)
            self._known[road] = found.flow_value == 2
        return self._known[road]


def layout_warnings(options: Sequence[Option], resources: Sequence[Resource]) -> list[Message]:
    """Return what to tell of a layout of today that takes more of a resource than there is."""
    found = []
    for resource in resources:
        total = math.fsum(
            option.uses.get(resource.id, 0.0) for option in options if option.existing
        )
        if total > resource.budget * (1 + BUDGET_TOLERANCE):
            found.append(
                message(
                    "Today's layout takes {total} of {resource}, and there is {budget}: not all of"
                    " it can stay.",
                    total=amount_with_unit(total, resource.unit),
                    resource=resource.id,
                    budget=amount_with_unit(resource.budget, resource.unit),
                )
            )
    return found


def operators_of(item: PlacedSite, kinds: Mapping[str, KindModel]) -> tuple[Operator, ...]:
    """Return who may run a site with what: by default its agency, with the kinds that
    fit and the one that stands there.
    """
    own = Operator(
        item.site.agency, tuple(fitting_kinds(item.site.kinds, item.site.existing, kinds))
    )
    return item.operators or (own,)


def _of_operator(option: Option, agency: str, owner: str, first: bool, several: bool) -> Option:
    """Return an option of one of those who may run a site; what stands there today is
    of the first of them.
    """
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
    """Return the class of the road whose traffic passes a site."""
    return str(
        network.road_class[item.arcs[0] if item.road is None else network.segment_arc[item.road]]
    )


def past(item: PlacedSite, scenario: ScenarioModel, network: Network) -> Traffic:
    """Return the traffic past a site: its own, that counted on its road, or that of its
    road's class.
    """
    return scenario.traffic.past(item.site.traffic, road_class_of(item, network), item.counted)


def owned(amounts: Mapping[str, float], agency: str, scenario: ScenarioModel) -> dict[str, float]:
    """Return amounts by resource id for those by name: `NAME@AGENCY` as it is, else the
    agency's resource of the name, else the shared one.
    """
    ids = {(r.name, r.agency): resource_id(r) for r in scenario.resources}
    every = set(ids.values())
    found: dict[str, float] = {}
    for name, amount in amounts.items():
        own = ids.get((name, agency)) or ids.get((name, "")) or name
        key = name if name in every and (name, agency) not in ids else own
        found[key] = found.get(key, 0.0) + amount
    return found


def run_by(agency: str, uses: Mapping[str, float], scenario: ScenarioModel) -> str:
    """Return the agency of an option: nobody's own where it uses resources of others
    too, as of a joint task force.
    """
    owners = {
        r.agency for r in scenario.resources if r.agency and uses.get(resource_id(r), 0.0) > 0
    }
    return agency if owners <= {agency} else ""


def resource_id(resource: ScenarioResourceModel) -> str:
    """Return the id of a resource in the instance: `agents@laredo-sector`, or the name
    alone where all share it.
    """
    return f"{resource.name}@{resource.agency}" if resource.agency else resource.name


def _resources(scenario: ScenarioModel, options: Sequence[Option]) -> tuple[Resource, ...]:
    """Return the resources with what can be used of each."""
    resources = []
    for model in scenario.resources:
        name = resource_id(model)
        today = sum((option.uses.get(name, 0.0) for option in options if option.existing), 0.0)
        shared = model.model_dump(exclude={"budget", "availability"})
        resources.append(Resource(id=name, budget=usable(model, today), **shared))
    return tuple(resources)


def usable(resource: ScenarioResourceModel, today: float) -> float:
    """Return how much of a resource a plan may use: the share of its budget that is
    available, or what today's sites use.
    """
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


# Sensors and drones that cue teams: a detection counts where a team is near enough to
# answer it, so that both are planned together.
#
# Sensor s with answering team p is an option (s, p) with the survival of the sensor at
# the response of p,
#
#     r_sp = share exp(-(turnout + tau_sp) / window),       tau_sp <= reach (without a window r_sp = share),
#
# tau_sp being the time by which a driver gets from the team's site to the sensor's. All
# pairs of s are options of one site, so at most one is placed, and each uses what the
# sensor uses. The team is an option y_p of its own; rows y_p >= sum of x_sp over the
# kinds at one site, and most y_p >= sum of all x_sp, let pairs stand only beside their
# team.


@dataclass(frozen=True)
class CuedSensor:
    """A sensor without a team: its option with nothing watched, its site, its terms,
    and the option for a response.
    """

    option: Option
    item: PlacedSite
    cue: CueModel
    at: Callable[[float], Option]


@dataclass(frozen=True)
class RespondingTeam:
    """An option that may answer, with its position, its site and its turnout in minutes."""

    position: int
    option: Option
    item: PlacedSite
    turnout: float


def _cued_options(
    sensors: Sequence[CuedSensor],
    teams: Mapping[str, Sequence[RespondingTeam]],
    first: int,
    network: Network,
) -> OptionTable:
    """Return the options of sensors, each with one of the teams that may answer it, by
    kind; the first option made has position `first`.
    """
    drive = _Drives(network)
    options: list[Option] = []
    pairs: list[tuple[int, int, CuedSensor]] = []
    unanswered = []
    for sensor in sensors:
        near = list(_near(sensor, teams, drive))
        # A sensor that stands today is answered today by the nearest team that stands
        # today.
        today = (
            [r for a, r in near if a.option.existing and r > 0] if sensor.option.existing else []
        )
        made = len(options)
        # One that stands without a team that answers it today is not opened by giving
        # it one: nor is it closed by taking it away.
        answered = not sensor.option.existing or bool(today)
        for team, response in near:
            option = sensor.at(response)
            stands = bool(today) and team.option.existing and response == max(today)
            if stands:
                today = []  # one of several that are equally near
            pairs.append((first + len(options), team.position, sensor))
            name = team.option.label or team.option.id
            options.append(
                replace(
                    option,
                    id=f"{option.id}<{team.option.id}",
                    label=message("{option}, answered from {team}", option=option.label, team=name),
                    existing=stands,
                    change=option.change if answered else {},
                    forced=False,  # the site is, with whichever team: a requirement
                )
            )
        if len(options) == made:
            unanswered.append(sensor.option.label or sensor.option.id)
    return OptionTable(
        tuple(options), (), tuple(_requirements(pairs, teams, sensors)), tuple(unanswered)
    )


def _near(
    sensor: CuedSensor, teams: Mapping[str, Sequence[RespondingTeam]], drive: _Drives
) -> Iterator[tuple[RespondingTeam, float]]:
    """Yield the teams within reach of a sensor whose answer counts, with the share of
    detections that each answers in time.
    """
    for kind in dict.fromkeys(sensor.cue.by):
        for team in teams.get(kind, ()):
            if team.item.site.id == sensor.item.site.id:
                continue  # of a site one option is placed
            minutes = drive.minutes(team.item, sensor.item)
            response = sensor.cue.in_time(team.turnout + minutes)
            if minutes <= sensor.cue.reach_minutes and any(
                s < 1 for s in sensor.at(response).survival
            ):
                yield team, response


def _requirements(
    pairs: Sequence[tuple[int, int, CuedSensor]],
    teams: Mapping[str, Sequence[RespondingTeam]],
    sensors: Sequence[CuedSensor],
) -> Iterator[Requirement]:
    """Yield what lets pairs of (own position, position of the team, sensor) stand only
    beside their team.
    """
    name = {a.position: a.option.id for group in teams.values() for a in group}
    at_site: dict[tuple[int, str], list[int]] = {}
    of_team: dict[tuple[int, str], list[int]] = {}
    of_sensor: dict[str, list[int]] = {}
    terms = {sensor.option.type: sensor.cue for sensor in sensors}
    for position, team, sensor in pairs:
        at_site.setdefault((team, sensor.item.site.id), []).append(position)
        of_team.setdefault((team, sensor.option.type), []).append(position)
        of_sensor.setdefault(sensor.option.id, []).append(position)
    for (team, site), mine in at_site.items():
        yield Requirement(
            f"{name[team]} answers {site}", (team, *mine), (1.0, *(-1.0,) * len(mine)), 0.0
        )
    for (team, kind), mine in of_team.items():
        most = terms[kind].most
        if most is not None and len(mine) > most:
            yield Requirement(
                f"{name[team]} answers {most} of {kind}",
                (team, *mine),
                (float(most), *(-1.0,) * len(mine)),
                0.0,
            )
    for sensor in sensors:
        if sensor.option.forced and (mine := of_sensor.get(sensor.option.id, [])):
            yield Requirement(f"{sensor.option.id} is used", tuple(mine), (1.0,) * len(mine), 1.0)


class _Drives:
    """Times from site to site along the roads, from the middle of one segment to the
    middle of the other.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._graph = cost_graph(network.n_nodes, network.tail, network.head, network.time_s)
        self._from: dict[int, NDArray[np.float64]] = {}

    def minutes(self, team: PlacedSite, sensor: PlacedSite) -> float:
        """Return how long a driver takes; infinite where no road leads there."""
        if team.segment == sensor.segment:
            return 0.0
        here, there = (int(self._network.segment_arc[item.segment]) for item in (team, sensor))
        tail = self._network.tail
        head = self._network.head
        time = self._network.time_s
        if team.segment not in self._from:
            self._from[team.segment] = self._graph.distances([tail[here], head[here]]).min(axis=0)
        seconds = (
            self._from[team.segment][[tail[there], head[there]]].min()
            + (time[here] + time[there]) / 2
        )
        return float(seconds) / 60
