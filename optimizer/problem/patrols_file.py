"""Patrol teams in the instance file: the schema, its checks, reading and writing.

Legs are named by one number: the leg from place i to place j of a patrol with n posts is i (n + 1) + j, with the base as place 0 and its posts
as places 1 to n, in the order of the patrol's `posts`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import Field, StrictInt, StrictStr
from scipy.sparse import csr_array

from optimizer.base.names import unknown_name
from optimizer.base.schema import ComposedId, Strict
from optimizer.problem.teams import NO_WAY, Elements, Patrol, PatrolField, Post, TeamBase, TeamType

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from optimizer.base.errors import ProblemList

Name = ComposedId
Chance = Annotated[float, Field(ge=0, le=1)]
Position = Annotated[int, Field(ge=0)]
Seconds = Annotated[int, Field(ge=0)]


class PatrolBaseModel(Strict):
    """Where teams set out from and come back to."""

    id: Name = Field(description="unique name")
    node: StrictInt | StrictStr = Field(description="node id")
    lon: float = Field(description="longitude in degrees (WGS 84)")
    lat: float = Field(description="latitude in degrees (WGS 84)")
    label: str = Field("", description="what people call it; the id where empty")


class PatrolTeamModel(Strict):
    """Teams that are alike."""

    id: Name = Field(description="unique name")
    number: int = Field(ge=0, description="teams on the road in one shift, all bases together")
    shift_s: int = Field(gt=0, description="seconds from leaving the base to being back")
    slot_s: int = Field(gt=0, description="seconds of one slot of dwelling")
    most_slots: int = Field(ge=1, description="longest dwell at a post, in slots")
    detection: Chance = Field(description="chance that a team which dwells and looks at a loaded evader detects him")
    passing: Chance = Field(0.0, description="the same while it drives")
    uses: dict[str, Annotated[float, Field(ge=0, le=1e15)]] = Field(
        default_factory=dict, description="amount of each resource that one beat takes, beside the team"
    )
    agency: str = Field("", description="its owner; empty when all share it")
    label: str = Field("", description="what people call it; the id where empty")
    speed: dict[str, float] = Field(
        default_factory=dict, description="km/h by road class, for people: the effect is in `travel_s`"
    )
    capacity: float | None = Field(None, ge=0, description="vehicles an hour that a team can look at; all where null")
    shifts: list[str] = Field(default_factory=list, description="shifts of a roster that they work; all where empty")


class PatrolPostModel(Strict):
    """A place where a team can stand and watch a road."""

    segment: Position = Field(description="segment of the road network; a name, as the instance has arcs alone")
    node: StrictInt | StrictStr = Field(description="node id")
    lon: float = Field(description="longitude in degrees (WGS 84)")
    lat: float = Field(description="latitude in degrees (WGS 84)")
    label: str = Field("", description="what people call it")
    traffic: float = Field(1.0, gt=0, description="vehicles an hour, for people: the effect is in `elements`")


class ElementsModel(Strict):
    """What beats are made of, column by column: dwelling so many slots at a post, or driving a stretch of road."""

    element: list[Position] = Field(description="element positions, in ascending order, one entry an element and arc")
    arc: list[Position] = Field(description="arc positions")
    survival: list[Annotated[float, Field(ge=0, lt=1)]] = Field(
        description="chance to travel that arc without being detected by that element"
    )
    post: list[Annotated[int, Field(ge=-1)]] = Field(description="of each element: position of its post; -1 driving")
    times: list[Annotated[int, Field(ge=1)]] = Field(description="of each element: most times that one beat holds it")


class LegRoutesModel(Strict):
    """Arcs driven on each leg that can be driven; the leg from place i to place j is number i (n + 1) + j, the base being place 0."""

    leg: list[Position] = Field(description="numbers of the legs")
    arcs: list[list[Position]] = Field(description="arc positions in order of travel")


class LegElementsModel(Strict):
    """Elements driven on each leg, one pair each time; legs are numbered as in `routes`."""

    leg: list[Position] = Field(description="numbers of the legs")
    element: list[Position] = Field(description="element positions")


class PatrolModel(Strict):
    """A team type at one of its bases, with the n posts that it can reach."""

    team: Name = Field(description="id of the team type")
    base: Name = Field(description="id of the base")
    posts: list[Position] = Field(description="positions in the posts of the file")
    travel_s: list[list[Seconds | None]] = Field(
        description="(n + 1) x (n + 1) seconds from place to place, the base first; null where there is no way"
    )
    routes: LegRoutesModel
    dwell: list[list[Position]] = Field(description="n x most_slots: element of dwelling 1, 2, ... slots at each post")
    drives: LegElementsModel


class PatrolFieldModel(Strict):
    """Patrol teams, and what they can do."""

    bases: list[PatrolBaseModel]
    teams: list[PatrolTeamModel]
    posts: list[PatrolPostModel]
    elements: ElementsModel
    patrols: list[PatrolModel]


def patrols_content(field: PatrolField, node_id: Sequence[Any]) -> dict[str, Any]:
    """Return teams as the content of their part of the file, unchecked; node ids by position in `node_id`."""
    elements = field.elements
    return {
        "bases": [
            {"id": b.id, "node": node_id[b.node], "lon": b.lon, "lat": b.lat, "label": b.label}
            for b in {patrol.base.id: patrol.base for patrol in field.patrols}.values()
        ],
        "teams": [_team_content(team) for team in field.teams],
        "posts": [
            {"segment": p.segment, "node": node_id[p.node], "lon": p.lon, "lat": p.lat}
            | {"label": p.label, "traffic": p.traffic}
            for p in field.posts
        ],
        "elements": {
            name: getattr(elements, name).tolist() for name in ("element", "arc", "survival", "post", "times")
        },
        "patrols": [_patrol_content(patrol) for patrol in field.patrols],
    }


def _team_content(team: TeamType) -> dict[str, Any]:
    plain = ("id", "number", "shift_s", "slot_s", "most_slots", "detection", "passing", "agency", "label")
    return {name: getattr(team, name) for name in plain} | {
        "uses": dict(team.uses),
        "speed": dict(team.speed),
        "capacity": team.capacity if np.isfinite(team.capacity) else None,
        "shifts": list(team.shifts),
    }


def _patrol_content(patrol: Patrol) -> dict[str, Any]:
    places = patrol.posts.size + 1
    drives = patrol.drives.tocoo()
    often = drives.data.astype(np.int64)
    return {
        "team": patrol.team.id,
        "base": patrol.base.id,
        "posts": patrol.posts.tolist(),
        "travel_s": [[None if s >= NO_WAY else s for s in row] for row in patrol.travel_s.tolist()],
        "routes": {
            "leg": [i * places + j for i, j in patrol.routes],
            "arcs": [list(arcs) for arcs in patrol.routes.values()],
        },
        "dwell": patrol.dwell.tolist(),
        "drives": {
            "leg": np.repeat(drives.coords[0], often).tolist(),
            "element": np.repeat(drives.coords[1], often).tolist(),
        },
    }


def patrols_from_model(model: PatrolFieldModel, node: Mapping[Any, int]) -> PatrolField:
    """Return the teams of a checked file; `node` gives the position of each node id."""
    teams = {
        t.id: TeamType(
            **t.model_dump(exclude={"capacity", "shifts"}),
            capacity=np.inf if t.capacity is None else t.capacity,
            shifts=tuple(t.shifts),
        )
        for t in model.teams
    }
    bases = {b.id: TeamBase(b.id, node[b.node], b.lon, b.lat, b.label) for b in model.bases}
    elements = model.elements
    return PatrolField(
        posts=tuple(Post(p.segment, node[p.node], p.lon, p.lat, p.label, p.traffic) for p in model.posts),
        patrols=tuple(_patrol(p, teams[p.team], bases[p.base], len(elements.post)) for p in model.patrols),
        elements=Elements(
            element=np.array(elements.element, dtype=np.int64),
            arc=np.array(elements.arc, dtype=np.int64),
            survival=np.array(elements.survival, dtype=np.float64),
            post=np.array(elements.post, dtype=np.int64),
            times=np.array(elements.times, dtype=np.int64),
        ),
    )


def _patrol(model: PatrolModel, team: TeamType, base: TeamBase, n_elements: int) -> Patrol:
    n = len(model.posts)
    places = n + 1
    travel = [[NO_WAY if s is None else s for s in row] for row in model.travel_s]
    pairs = (np.array(model.drives.leg, dtype=np.int64), np.array(model.drives.element, dtype=np.int64))
    return Patrol(
        team=team,
        base=base,
        posts=np.array(model.posts, dtype=np.int64),
        travel_s=np.array(travel, dtype=np.int64),
        routes={
            (leg // places, leg % places): tuple(arcs)
            for leg, arcs in zip(model.routes.leg, model.routes.arcs, strict=True)
        },
        dwell=np.array(model.dwell, dtype=np.int64).reshape(n, team.most_slots),
        drives=csr_array((np.ones(pairs[0].size), pairs), shape=(places**2, n_elements)),
    )


def check_patrols(
    model: PatrolFieldModel, node: Mapping[Any, int], n_arcs: int, where: str, problems: ProblemList
) -> None:
    """Note every fault of the teams of a file, but for resources and agencies."""
    teams, bases = [t.id for t in model.teams], [b.id for b in model.bases]
    for table, ids in (("teams", teams), ("bases", bases)):
        for position, name in enumerate(ids):
            if name in ids[:position]:
                problems.add(f"{where}.{table}[{position}].id", f"{name!r} again", "each id once")
    nodes = {"bases": [b.node for b in model.bases], "posts": [p.node for p in model.posts]}
    for table, names in nodes.items():
        for position, unknown in enumerate(names):
            if unknown not in node:
                problems.add(f"{where}.{table}[{position}].node", repr(unknown), "a node id of this file")
    _check_elements(model, n_arcs, f"{where}.elements", problems)
    _check_pairs(model, teams, bases, where, problems)
    for position, patrol in enumerate(model.patrols):
        if patrol.team in teams:
            most_slots = model.teams[teams.index(patrol.team)].most_slots
            _check_patrol(model, patrol, most_slots, n_arcs, f"{where}.patrols[{position}]", problems)


def _check_pairs(
    model: PatrolFieldModel, teams: Sequence[str], bases: Sequence[str], where: str, problems: ProblemList
) -> None:
    seen: set[tuple[str, str]] = set()
    for position, patrol in enumerate(model.patrols):
        here = f"{where}.patrols[{position}]"
        for table, name, known in (("team", patrol.team, teams), ("base", patrol.base, bases)):
            if name not in known:
                problems.append(unknown_name(f"{here}.{table}", name, known))
        if (patrol.team, patrol.base) in seen:
            problems.add(here, f"team {patrol.team!r} at base {patrol.base!r} again", "each pair once")
        seen.add((patrol.team, patrol.base))


def _check_elements(model: PatrolFieldModel, n_arcs: int, where: str, problems: ProblemList) -> None:
    elements = model.elements
    if not len(elements.element) == len(elements.arc) == len(elements.survival):
        problems.add(where, "element, arc and survival of different lengths", "columns of one length")
    if len(elements.post) != len(elements.times):
        problems.add(where, "post and times of different lengths", "columns of one length")
    if sorted(elements.element) != elements.element:
        problems.add(f"{where}.element", "elements in another order", "ascending positions")
    _check_below(elements.element, len(elements.post), f"{where}.element", problems)
    _check_below(elements.arc, n_arcs, f"{where}.arc", problems)
    _check_below(elements.post, len(model.posts), f"{where}.post", problems)


def _check_patrol(
    model: PatrolFieldModel, patrol: PatrolModel, most_slots: int, n_arcs: int, where: str, problems: ProblemList
) -> None:
    n, n_elements = len(patrol.posts), len(model.elements.post)
    places = n + 1
    if len(set(patrol.posts)) < n:
        problems.add(f"{where}.posts", "a post named twice", "each post once")
    _check_below(patrol.posts, len(model.posts), f"{where}.posts", problems)
    for table, rows, height, width in (
        ("travel_s", patrol.travel_s, places, places),
        ("dwell", patrol.dwell, n, most_slots),
    ):
        if len(rows) != height or any(len(row) != width for row in rows):
            problems.add(f"{where}.{table}", "a table of another size", f"{height} rows of {width}")
    for table, legs, others in (
        ("routes", patrol.routes.leg, patrol.routes.arcs),
        ("drives", patrol.drives.leg, patrol.drives.element),
    ):
        if len(legs) != len(others):
            problems.add(f"{where}.{table}", "columns of different lengths", "columns of one length")
        _check_below(legs, places**2, f"{where}.{table}.leg", problems)
    _check_below([a for arcs in patrol.routes.arcs for a in arcs], n_arcs, f"{where}.routes.arcs", problems)
    _check_below([e for row in patrol.dwell for e in row], n_elements, f"{where}.dwell", problems)
    _check_below(patrol.drives.element, n_elements, f"{where}.drives.element", problems)


def _check_below(positions: Iterable[int], end: int, where: str, problems: ProblemList) -> None:
    largest = max(positions, default=-1)
    if largest >= end:
        problems.add(where, f"position {largest}", f"positions below {end}")
