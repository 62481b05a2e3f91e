"""What a post at any place would be worth, whether or not the scenario lists a site there.

A point is put on the nearest road, and the scenario makes the options that it would make
of a site there. With survivals s_a of the plan on arc a and r_a of the option, the value
of both is that of the survivals s_a r_a: exact, as every value of a plan is. Whether the
plan can have the option is asked of the problem with the option behind its others; where
it cannot, or where that is better, the option takes the place of one site of the plan.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from optimizer.analysis.explain.explain import TOUCHED
from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.text.formatting import ValueText
from optimizer.base.text.names import unknown_name
from optimizer.base.work.listener import SILENT, Listener, Stopping, step
from optimizer.plans.plan_folder import KnownPlan, PlanFolder
from optimizer.problem.instance.evaders import Evader, best_responses
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.options import Option, Resource
from optimizer.problem.network.geodesy import great_circle_m
from optimizer.problem.network.network import Network
from optimizer.problem.plan.evaluation import plan_value, values_under
from optimizer.problem.plan.plan import over_budget, violations
from optimizer.scenario.check.check import read_evidence
from optimizer.scenario.demand.stages import ScenarioEvidence
from optimizer.scenario.file.model import SiteModel
from optimizer.scenario.file.placed import ListedSite, PlacedSite
from optimizer.scenario.sites.burden import burden_of
from optimizer.scenario.sites.options import compile_options
from optimizer.scenario.sites.sites import place_sites, road_label, with_counts, with_labels

HERE: Final = "here"
"""Id of the site that is asked about."""

MOST_DETOURS = 3
"""Evaders whose way round is told."""

MOST_ROADS = 3
"""Roads of a way round that are named."""


@dataclass(frozen=True, slots=True)
class ResponseToPost:
    """How an evader answers the post."""

    #: Who.
    evader: Evader
    #: `without`, `with_it`: Chance to get through without and with the post.
    without: float
    with_it: float
    #: Roads that he takes now and did not take before, those with most metres first; none
    #: where he stays on his way.
    roads: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Swap:
    """A plan with the post in place of a site."""

    #: The site that makes way.
    goes: Option
    #: Value of the plan then.
    value: float


@dataclass(frozen=True)
class PostThere:
    """What one kind of post would be worth there."""

    #: The option that the scenario makes of it.
    option: Option
    #: Value of the plan with it, limits aside.
    value: float
    #: Resources that the plan has too little of for it, with how much is missing.
    lacks: tuple[tuple[Resource, float], ...]
    #: What else the plan breaks with it.
    broken: tuple[str, ...]
    #: The best plan within all limits that has it in place of one site; None where there is
    #: none, or none was looked for.
    swap: Swap | None
    #: The informed evaders for whom it changes most, weight included.
    responses: tuple[ResponseToPost, ...]
    #: What it takes off those who travel by habit, weight included.
    by_habit: float

    @property
    def fits(self) -> bool:
        """Whether the plan can have it."""
        return not (self.lacks or self.broken)


@dataclass(frozen=True)
class PlaceAsked:
    """A place, and what posts there would be worth beside a plan."""

    #: The plan.
    known: KnownPlan
    #: The point, in degrees.
    lon: float
    lat: float
    #: The nearest road, and how far it is, in metres.
    road: str
    distance_m: float
    #: By the value of the plan with each, the best first.
    posts: tuple[PostThere, ...]
    #: Sites of the scenario on the same segment.
    listed: tuple[str, ...]
    #: What a reader must know of the answer.
    notes: tuple[str, ...]

    @property
    def text(self) -> ValueText:
        """How its values are written."""
        return ValueText.of(self.known.instance.weight)


def worth_at(
    folder: str | os.PathLike[str],
    lon: float,
    lat: float,
    *,
    kinds: Sequence[str] = (),
    swaps: bool = True,
    listener: Listener = SILENT,
) -> PlaceAsked:
    """Say what a post on the road nearest to a point would be worth beside a plan.

    Parameters
    ----------
    folder
        Folder of the plan; its scenario, or the copy of it, must be there.
    lon, lat
        The point in degrees (WGS 84).
    kinds
        Ids of the scenario's kinds to ask about; all that may stand there where empty.
    swaps
        Whether to look for the site of the plan whose place it would take best. Ctrl-C
        ends that, and keeps the best so far.
    listener
        Told of each step.

    Raises
    ------
    InputError
        If the folder holds no plan with its scenario, the point is off the roads or in
        nobody's jurisdiction, a kind is unknown, or the roads have changed.
    """
    _check_degrees(lon, lat)
    notes: list[str] = []
    with step(listener, f"reading {folder}"):
        opened = PlanFolder(folder)
        known = opened.known
    path = opened.scenario_told(notes.append, as_made=True)
    evidence = read_evidence(path, settings=opened.settings, listener=listener)
    near = _nearest(lon, lat, evidence)
    if near is not None:
        notes.append(
            f"The scenario draws no jurisdictions: the post is taken to be run as the nearest"
            f" site, {near.label or near.id}, by {' or '.join((near.agency, *near.manned_by))}."
            " Draw [jurisdictions] to say who may."
        )
    item = _placed(lon, lat, kinds, evidence, near)
    network = evidence.region.network
    _check_roads(known.instance, network, str(path))
    options, told = _options(item, evidence, {resource.id for resource in known.instance.resources})
    listed = tuple(
        site.site.label or site.site.id for site in evidence.sites if site.segment == item.segment
    )
    with Stopping(listener) as stopping:
        found = [_worth(known, option, network, swaps, stopping) for option in options]
    return PlaceAsked(
        known=known,
        lon=lon,
        lat=lat,
        road=road_label(network, item.segment),
        distance_m=item.distance_m,
        posts=tuple(sorted(found, key=lambda post: post.value)),
        listed=listed,
        notes=(*notes, *told),
    )


def _check_degrees(lon: float, lat: float) -> None:
    problems = ProblemList()
    for name, degrees, largest in (("longitude", lon, 180), ("latitude", lat, 90)):
        if not abs(degrees) <= largest:
            found, expected = f"{name} {degrees:.10g}", f"degrees from -{largest} to {largest}"
            problems.add("--at", found, expected, "Write longitude first, then latitude")
    problems.raise_if_any()


def _nearest(lon: float, lat: float, evidence: ScenarioEvidence) -> SiteModel | None:
    """Return the nearest site, whose agencies stand for those of the place; None where the
    scenario draws jurisdictions or no site has an agency.
    """
    run = [each for each in evidence.sites if each.site.agency]
    if evidence.jurisdictions.bounded or not run:
        return None
    lons, lats = np.array([each.lon for each in run]), np.array([each.lat for each in run])
    away = great_circle_m(lons, lats, np.array([lon]), np.array([lat]))
    return run[int(np.argmin(away))].site


def _placed(
    lon: float,
    lat: float,
    kinds: Sequence[str],
    evidence: ScenarioEvidence,
    near: SiteModel | None,
) -> PlacedSite:
    """Return the point as a site of the scenario, with those who may run it."""
    problems = ProblemList()
    known = [kind.id for kind in evidence.scenario.kinds]
    for kind in kinds:
        if kind not in known:
            problems.append(unknown_name("--kind", kind, known))
    problems.raise_if_any()
    site = SiteModel(id=HERE, lon=lon, lat=lat, kinds=list(kinds))
    if near is not None:
        operators = {"agency": near.agency, "manned_by": near.manned_by}
        site = site.model_copy(update=operators)
    network, most = evidence.region.network, evidence.scenario.sites.max_distance_m
    placed = place_sites([ListedSite("--at", {}, site)], network, most, problems)
    problems.raise_if_any()
    item = evidence.jurisdictions.operated(placed[0])
    evidence.jurisdictions.check([item], problems, "--at")
    problems.raise_if_any()
    return with_labels(with_counts([item], evidence.counted), network)[0]


def _check_roads(instance: Instance, network: Network, where: str) -> None:
    """Refuse a scenario whose roads are not those of the plan."""
    m = network.n_arcs
    if not (
        np.array_equal(instance.tail[:m], network.tail)
        and np.array_equal(instance.head[:m], network.head)
    ):
        raise InputError(
            Problem(where, "other roads than the plan's", "the roads of the plan", "Plan again")
        )


def _options(
    item: PlacedSite, evidence: ScenarioEvidence, resources: set[str]
) -> tuple[list[Option], list[str]]:
    """Return the options of a place that use resources of the plan, and what is to be told
    of those that are left out.
    """
    scenario, network = evidence.scenario, evidence.region.network
    table = compile_options([item], scenario, network)
    burden = burden_of(evidence.communities, table.options, {HERE: item}, scenario, network)
    told = []
    if table.unanswered:
        told.append(
            "Sensors that a team answers are left out: list the place as a site to plan them"
            " with their team."
        )
    if scenario.limits:
        told.append("The scenario's [[limits]] do not count the post.")
    # the same post of two agencies that share what it uses is one
    different = {
        (option.type, *sorted(option.uses.items())): option
        for option in burden.options(table.options)
        if set(option.uses) <= resources
    }
    options = list(different.values())
    if not options:
        found = f"no agency that may and can run {' or '.join(item.site.kinds) or 'any kind'} there"
        expected = "a place where an agency has what a kind uses"
        raise InputError(Problem("--at", found, expected, "Choose another point or --kind"))
    return options, told


def _worth(
    known: KnownPlan, option: Option, network: Network, swaps: bool, stopping: Stopping
) -> PostThere:
    """Return what an option would be worth beside a plan."""
    survival = known.instance.survival(known.placed)
    instance = replace(known.instance, options=(*known.instance.options, option))
    placed = np.append(known.placed, True)
    value = plan_value(instance, placed)
    lacks = tuple(
        (instance.resources[r], float(instance.amounts(placed)[r]) - instance.resources[r].budget)
        for r in over_budget(instance, placed)
    )
    broken = tuple(violations(instance, placed)[len(lacks) :])
    swap = _best_swap(instance, placed, known, stopping) if swaps else None
    after = instance.survival(placed)
    without, with_it = (values_under(known.instance, each) for each in (survival, after))
    fall = known.instance.weight * (without - with_it)
    touched = without - with_it > TOUCHED
    habit = touched.copy()
    habit[known.instance.informed] = False
    order = [int(k) for k in np.argsort(-fall, kind="stable") if touched[k] and not habit[k]]
    ways = _ways_round(known.instance, network, order[:MOST_DETOURS], survival, after)
    responses = tuple(
        ResponseToPost(known.instance.evaders[k], float(without[k]), float(with_it[k]), roads)
        for k, roads in zip(order, ways, strict=False)
    )
    return PostThere(option, value, lacks, broken, swap, responses, float(fall[habit].sum()))


def _best_swap(
    instance: Instance, placed: NDArray[np.bool_], known: KnownPlan, stopping: Stopping
) -> Swap | None:
    """Return the best plan that has the last option in place of one of the others."""
    beats = {beat.id for beat in known.plan.beats}
    best: Swap | None = None
    with step(stopping, f"looking for what {instance.options[-1].label} would replace"):
        for j in np.flatnonzero(placed[:-1]).tolist():
            if stopping.cancelled():
                break
            other = instance.options[j]
            if other.forced or other.id in beats:
                continue
            without = placed.copy()
            without[j] = False
            if violations(instance, without):
                continue
            value = plan_value(instance, without)
            if best is None or value < best.value:
                best = Swap(other, value)
    return best


def _ways_round(
    instance: Instance,
    network: Network,
    evaders: Sequence[int],
    before: NDArray[np.float64],
    after: NDArray[np.float64],
) -> list[tuple[str, ...]]:
    """Return the roads that informed evaders take after a change and did not take before."""
    asked = [instance.evaders[k] for k in evaders]
    ways = [
        best_responses(instance.n_nodes, instance.tail, instance.head, survival, asked)
        for survival in (before, after)
    ]
    return [_new_roads(network, set(new) - set(old)) for old, new in zip(*ways, strict=True)]


def _new_roads(network: Network, arcs: set[int]) -> tuple[str, ...]:
    """Return the roads of some arcs, those with most metres first."""
    metres: dict[str, float] = {}
    for arc in arcs:
        if arc < network.n_arcs:
            road = str(network.name[arc]) or f"roads of class {network.road_class[arc]}"
            metres[road] = metres.get(road, 0.0) + float(network.length_m[arc])
    return tuple(sorted(metres, key=lambda road: -metres[road])[:MOST_ROADS])
