"""The patrols of a scenario: bases on their nodes, posts on the roads that evaders use, and what each team could do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.errors import ProblemList
from optimizer.patrols.field import driving_time, patrol_field
from optimizer.patrols.posts import choose_posts
from optimizer.problem.graph import cost_graph
from optimizer.problem.teams import TeamBase, TeamType
from optimizer.scenario.options import owned, run_by
from optimizer.scenario.ranges import middle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from optimizer.problem.evaders import Evader
    from optimizer.problem.network import Network
    from optimizer.problem.teams import PatrolField, Post
    from optimizer.scenario.evidence import ScenarioEvidence
    from optimizer.scenario.model import ScenarioModel
    from optimizer.scenario.team_model import TeamModel


def compile_patrols(
    evidence: ScenarioEvidence, evaders: Sequence[Evader], reliability: NDArray[np.float64], where: str
) -> PatrolField | None:
    """Return what the scenario's teams could do; None where it has none.

    Parameters
    ----------
    evidence
        The scenario, checked, and its region; teams pass no crossing and no gateway.
    evaders, reliability
        Who travels the roads, and the (m,) chance to pass each arc undetected with nothing placed.
    where
        The file's name for messages.

    Raises
    ------
    InputError
        Naming each team whose shift is too short to reach any post from a base.
    """
    scenario, region = evidence.scenario, evidence.region
    if not scenario.teams:
        return None
    network = region.network
    bases = {
        base.id: TeamBase(base.id, node, base.lon, base.lat, base.label or base.id)
        for base, node in zip(scenario.bases, evidence.base_nodes, strict=True)
    }
    closed = sorted({c.node for c in region.crossings} | {g.node for g in region.gateways})
    traffic = _traffic(scenario, network)
    posts: dict[int, Post] = {}
    order: list[int] = []
    assigned = []
    problems = ProblemList()
    for model in scenario.teams:
        team = _team(model, scenario)
        for name in model.bases or [b.id for b in scenario.bases if b.agency in {"", model.agency}]:
            time = driving_time(network, team, np.array(closed))
            allowed = evidence.jurisdictions.allowed(model.agency, model.id)
            chosen = _posts(model, bases[name], network, time, evaders, reliability, traffic, allowed)
            if not chosen:
                problems.add(
                    f"{where}, team {model.id!r}",
                    f"no post within reach of base {name!r}: there, {model.slot_minutes:g} minutes of dwelling and back take "
                    f"more than a shift of {model.shift_hours:g} hours on every road that evaders use and on which it may stand",
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


def _team(model: TeamModel, scenario: ScenarioModel) -> TeamType:
    uses = owned(model.uses, model.agency, scenario)
    return TeamType(
        id=model.id,
        number=model.number,
        shift_s=round(3600 * model.shift_hours),
        slot_s=round(60 * model.slot_minutes),
        most_slots=model.most_slots,
        detection=middle(model.detection),
        uses=uses,
        agency=run_by(model.agency, uses, scenario),
        label=model.label or model.id,
        speed=model.speed_kmh,
        passing=model.passing,
        capacity=np.inf if model.capacity is None else model.capacity,
        shifts=tuple(model.shifts),
    )


def _traffic(scenario: ScenarioModel, network: Network) -> NDArray[np.float64]:
    """(segments,) vehicles an hour in one direction, by road class; where they are not known 1, so that a team inspects all."""
    classes = network.road_class[network.segment_arc]
    hourly = {name: scenario.traffic.past(None, name).hourly(1.0) for name in np.unique(classes).tolist()}
    return np.array([hourly[name] for name in classes.tolist()])


def _posts(
    model: TeamModel,
    base: TeamBase,
    network: Network,
    time: NDArray[np.float64],
    evaders: Sequence[Evader],
    reliability: NDArray[np.float64],
    traffic: NDArray[np.float64],
    allowed: NDArray[np.bool_],
) -> list[Post]:
    """Return the posts of a team type at a base: on allowed roads whose first arc begins where it can be, and be back from, in time."""
    there, back = (
        cost_graph(network.n_nodes, network.tail, network.head, time, reverse=reverse).distances([base.node])[0]
        for reverse in (False, True)
    )
    stand = network.tail[network.segment_arc]
    within = there[stand] + back[stand] + 60 * model.slot_minutes <= 3600 * model.shift_hours
    return choose_posts(network, reliability, evaders, within & allowed, model.posts, model.spacing_m, traffic)
