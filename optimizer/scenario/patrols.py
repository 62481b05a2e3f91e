"""The patrols of a scenario: bases on their nodes, posts on the roads that evaders use, and what each team could do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.errors import ProblemList
from optimizer.base.names import close_match
from optimizer.patrols.field import driving_time, patrol_field
from optimizer.patrols.posts import choose_posts
from optimizer.problem.graph import cost_graph
from optimizer.problem.teams import TeamBase, TeamType
from optimizer.scenario.options import LEAST_TRAFFIC, TRAFFIC_BY_CLASS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from optimizer.problem.evaders import Evader
    from optimizer.problem.network import Network
    from optimizer.problem.teams import PatrolField, Post
    from optimizer.region.model import Region
    from optimizer.scenario.model import ScenarioModel
    from optimizer.scenario.team_model import TeamModel


def compile_patrols(
    scenario: ScenarioModel,
    region: Region,
    evaders: Sequence[Evader],
    reliability: NDArray[np.float64],
    where: str,
) -> PatrolField | None:
    """Return what the scenario's teams could do; None where it has none.

    Parameters
    ----------
    scenario
        The file.
    region
        Roads, and the crossings and gateways that no team passes.
    evaders, reliability
        Who travels the roads, and the (m,) chance to pass each arc undetected with nothing placed.
    where
        The file's name for messages.

    Raises
    ------
    InputError
        Naming each base off the network, team without a base, resource that is not there, or shift too short to reach any post.
    """
    if not scenario.teams:
        return None
    network = region.network
    bases = _bases(scenario, network, where)
    closed = sorted({c.node for c in region.crossings} | {g.node for g in region.gateways})
    traffic = _traffic(scenario, network)
    posts: dict[int, Post] = {}
    order: list[int] = []
    assigned = []
    problems = ProblemList()
    for model in scenario.teams:
        here = f"{where}, team {model.id!r}"
        team = _team(model, scenario, here, problems)
        names = model.bases or [b.id for b in scenario.bases if b.agency in {"", model.agency}]
        if not names:
            problems.add(here, "no base", "the id of a base, or a base of its agency", "Name it in bases")
        for name in names:
            if name not in bases:
                problems.add(here, f"base {name!r}", f"one of {', '.join(bases)}", close_match(name, bases))
                continue
            time = driving_time(network, team, np.array(closed))
            chosen = _posts(model, bases[name], network, time, evaders, reliability, traffic)
            if not chosen:
                problems.add(
                    here,
                    f"no post within reach of base {name!r}: there, {model.slot_minutes:g} minutes of dwelling and back take "
                    f"more than a shift of {model.shift_hours:g} hours on every road that evaders use",
                    "at least one post that can be reached",
                    "Lengthen the shift, shorten the slot or move the base",
                )
            for post in chosen:
                if post.segment not in posts:
                    order.append(post.segment)
                    posts[post.segment] = post
            assigned.append((team, bases[name], [order.index(post.segment) for post in chosen]))
    problems.raise_if_any()
    return patrol_field(network, [posts[segment] for segment in order], assigned, closed)


def check_teams(scenario: ScenarioModel, where: str) -> None:
    """Check that bases and teams are named once and that their agencies exist.

    Raises
    ------
    InputError
        With every fault.
    """
    problems = ProblemList()
    agencies = [agency.id for agency in scenario.agencies]
    tables = {
        "bases": [(base.id, base.agency) for base in scenario.bases],
        "teams": [(team.id, team.agency) for team in scenario.teams],
    }
    for table, items in tables.items():
        names = [name for name, _ in items]
        for position, (name, agency) in enumerate(items):
            here = f"{where}, {table}[{position}]"
            if name in names[:position]:
                problems.add(here, f"{name!r} again", "each once", "Rename or remove it")
            if agency and agency not in agencies:
                expected = f"one of {', '.join(agencies)}" if agencies else "an agency of [[agencies]]"
                problems.add(here, f"agency {agency!r}", expected, close_match(agency, agencies))
    problems.raise_if_any()


def _bases(scenario: ScenarioModel, network: Network, where: str) -> Mapping[str, TeamBase]:
    lon = np.array([base.lon for base in scenario.bases], dtype=np.float64)
    lat = np.array([base.lat for base in scenario.bases], dtype=np.float64)
    nodes, distances = network.nearest_nodes(lon, lat)
    problems = ProblemList()
    most = scenario.sites.max_distance_m
    for base, distance in zip(scenario.bases, distances.tolist(), strict=True):
        if distance > most:
            problems.add(
                f"{where}, base {base.id!r}",
                f"{distance / 1000:.1f} km from the nearest junction",
                f"a place within {most:g} m of one",
                "Check that longitude and latitude are not swapped, or raise sites.max_distance_m",
            )
    problems.raise_if_any()
    return {
        base.id: TeamBase(base.id, node, base.lon, base.lat, base.label or base.id)
        for base, node in zip(scenario.bases, nodes.tolist(), strict=True)
    }


def _team(model: TeamModel, scenario: ScenarioModel, here: str, problems: ProblemList) -> TeamType:
    known = {(r.name, r.agency): f"{r.name}@{r.agency}" if r.agency else r.name for r in scenario.resources}
    uses = {}
    for name, amount in model.uses.items():
        resource = known.get((name, model.agency)) or known.get((name, ""))
        if resource is None:
            expected = f"a resource of that name of agency {model.agency!r}, or one shared by all"
            problems.add(here, f"resource {name!r}", expected, close_match(name, {n for n, _ in known}))
        else:
            uses[resource] = amount
    return TeamType(
        id=model.id,
        number=model.number,
        shift_s=round(3600 * model.shift_hours),
        slot_s=round(60 * model.slot_minutes),
        most_slots=model.most_slots,
        detection=model.detection,
        uses=uses,
        agency=model.agency,
        label=model.label or model.id,
        speed=model.speed_kmh,
        passing=model.passing,
        capacity=np.inf if model.capacity is None else model.capacity,
        shifts=tuple(model.shifts),
    )


def _traffic(scenario: ScenarioModel, network: Network) -> NDArray[np.float64]:
    """(segments,) vehicles an hour in one direction, by road class."""
    table = TRAFFIC_BY_CLASS | scenario.sites.traffic_by_class
    daily = [table.get(name, LEAST_TRAFFIC) for name in network.road_class[network.segment_arc].tolist()]
    return np.array(daily) / scenario.sites.busy_hours


def _posts(
    model: TeamModel,
    base: TeamBase,
    network: Network,
    time: NDArray[np.float64],
    evaders: Sequence[Evader],
    reliability: NDArray[np.float64],
    traffic: NDArray[np.float64],
) -> list[Post]:
    """Return the posts of a team type at a base: on roads whose first arc begins where it can be, and be back from, in time."""
    there, back = (
        cost_graph(network.n_nodes, network.tail, network.head, time, reverse=reverse).distances([base.node])[0]
        for reverse in (False, True)
    )
    stand = network.tail[network.segment_arc]
    within = there[stand] + back[stand] + 60 * model.slot_minutes <= 3600 * model.shift_hours
    return choose_posts(network, reliability, evaders, within, model.posts, model.spacing_m, traffic)
