"""The instance file: its schema, its checks, reading and writing, with patrol teams and
requirements.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from pydantic import BeforeValidator, Field
from pydantic_core import PydanticKnownError
from scipy.sparse import csr_array

from optimizer.base.arguments import checked
from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.files.readwrite import GEOJSON, PLAN, json_in, json_kind, read_text, write_json
from optimizer.base.schema import (
    Amount,
    ComposedId,
    ExactFile,
    Text,
    schema_of,
    validated,
    validated_text,
)
from optimizer.base.text.names import unknown_name
from optimizer.problem.instance.checks import OnUnreachable, check_evaders
from optimizer.problem.instance.evaders import Evader, Route
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.options import Option, Resource
from optimizer.problem.instance.requirements import LARGEST_COEFFICIENT, Requirement
from optimizer.problem.instance.teams import (
    NO_WAY,
    Elements,
    Patrol,
    PatrolField,
    Position,
    Post,
    TeamBase,
    TeamType,
)
from optimizer.problem.network.arrays import float_column
from optimizer.problem.network.places import NodeName, NodeNumber

if TYPE_CHECKING:
    from optimizer.problem.network.network import Network


Id = ComposedId


SCHEMA_VERSION: Literal[2] = 2


def _whole(value: object) -> object:
    """Return a whole number as it is: pydantic takes `true` and `1.0` for the word 1."""
    if type(value) is not int:
        raise PydanticKnownError("int_type")
    return value


class NodesModel(ExactFile):
    """Nodes, column by column."""

    id: list[NodeNumber] | list[NodeName] = Field(
        min_length=1, description="unique names: all integers or all strings"
    )
    lon: list[float] | None = Field(None, description="degrees, for drawing")
    lat: list[float] | None = Field(None, description="degrees, for drawing")


class ArcsModel(ExactFile):
    """Arcs, column by column; other parts of the file name an arc by its position, from
    0. Arcs may run in parallel.
    """

    tail: list[NodeNumber | NodeName] = Field(description="node ids")
    head: list[NodeNumber | NodeName] = Field(description="node ids")
    reliability: list[Annotated[float, Field(gt=0, le=1)]] = Field(
        description="chance to pass the arc undetected with nothing placed, in (0, 1]"
    )


class EffectModel(ExactFile):
    """What an option does to one arc."""

    arc: int = Field(ge=0, description="arc position")
    survival: float = Field(
        ge=0, lt=1, description="chance to pass the option undetected, in [0, 1)"
    )


class OptionModel(ExactFile):
    """Something that can be placed."""

    id: Id = Field(description="unique name")
    effects: list[EffectModel]
    uses: dict[Text, Amount] = Field(default_factory=dict, description="amount of each resource")
    site: Text = Field("", description="at most one option of a site is placed")
    agency: Text = Field(
        "", description="its owner; empty when all share it, or several run it together"
    )
    kind: Text = Field(
        "checkpoint",
        description="`checkpoint`, `sensor`, `patrol`, `drone`, or a word of one's own",
    )
    label: Text = Field("", description="what people call it; the id where empty")
    existing: bool = Field(False, description="stands today")
    forced: bool = Field(False, description="part of every plan")
    forbidden: bool = Field(False, description="part of no plan")
    type: Text = Field("", description="id of what defines it; several types may be of one kind")
    change: dict[Text, Amount] = Field(
        default_factory=dict,
        description=(
            "amount of each resource that opening it takes, or closing it where it stands today:"
            " then at most what it uses"
        ),
    )


Name = ComposedId


Seconds = Annotated[int, Field(ge=0)]


class LegRoutesModel(ExactFile):
    """Arcs driven on each leg that can be driven; the leg from place i to place j is
    number i (n + 1) + j, the base being place 0.
    """

    leg: list[Position] = Field(description="numbers of the legs")
    arcs: list[list[Position]] = Field(description="arc positions in order of travel")


class LegElementsModel(ExactFile):
    """Elements driven on each leg, one pair each time; legs are numbered as in `routes`."""

    leg: list[Position] = Field(description="numbers of the legs")
    element: list[Position] = Field(description="element positions")


class PatrolModel(ExactFile):
    """A team type at one of its bases, with the n posts that it can reach."""

    team: Name = Field(description="id of the team type")
    base: Name = Field(description="id of the base")
    posts: list[Position] = Field(description="positions in the posts of the file")
    travel_s: list[list[Seconds | None]] = Field(
        description=(
            "(n + 1) x (n + 1) seconds from place to place, the base first; null where there is"
            " no way"
        )
    )
    routes: LegRoutesModel
    dwell: list[list[Position]] = Field(
        description="n x most_slots: element of dwelling 1, 2, ... slots at each post"
    )
    drives: LegElementsModel


class PatrolFieldModel(ExactFile):
    """Patrol teams, and what they can do."""

    bases: list[TeamBase]
    teams: list[TeamType]
    posts: list[Post]
    elements: Elements
    patrols: list[PatrolModel]
    teams_at_post: int | None = Field(
        None,
        ge=1,
        description=(
            "most teams that may dwell at one post in one shift; as many as there are where null"
        ),
    )


class TermModel(ExactFile):
    """What an option counts in a requirement."""

    option: ComposedId = Field(description="option id")
    coefficient: float = Field(
        1.0,
        ge=-LARGEST_COEFFICIENT,
        le=LARGEST_COEFFICIENT,
        description="added to the sum when the option is placed",
    )


class RequirementModel(ExactFile):
    """A sum over options that every plan must reach."""

    id: ComposedId = Field(description="unique name, for people")
    terms: list[TermModel] = Field(description="each option once")
    least: float = Field(
        ge=-LARGEST_COEFFICIENT, le=LARGEST_COEFFICIENT, description="what the sum must reach"
    )


class InstanceModel(ExactFile):
    """An interdiction instance, version 2; version 1 had no `patrols` or
    `requirements`, no `type` of options and no `name` of resources.
    """

    schema_version: Annotated[Literal[1, 2], BeforeValidator(_whole)] = Field(
        SCHEMA_VERSION, description="version of the format"
    )
    name: Text = Field(description="what people call it")
    nodes: NodesModel
    arcs: ArcsModel
    evaders: list[Evader] = Field(min_length=1)
    options: list[OptionModel] = Field(default_factory=list)
    resources: list[Resource] = Field(default_factory=list)
    agencies: list[Id] = Field(
        default_factory=list,
        description="ids; an option uses resources of its agency or shared ones",
    )
    exclusions: list[list[Id]] = Field(
        default_factory=list, description="option ids of which at most one is placed"
    )
    requirements: list[RequirementModel] = Field(
        default_factory=list, description="sums that a plan must reach"
    )
    patrols: PatrolFieldModel | None = Field(
        None, description="patrol teams: a plan then also chooses beats"
    )


@dataclass(frozen=True)
class ReadInstance:
    """An instance file, or one that was made of a foreign problem."""

    #: Where it lies.
    file: Path
    #: The problem.
    instance: Instance
    #: Ids of the evaders without a path, which were left out.
    skipped: tuple[str, ...] = ()
    #: How tables of a foreign problem were read, where that is not plain.
    remarks: tuple[str, ...] = ()


def instance_schema() -> dict[str, Any]:
    """Return the JSON schema of the instance file."""
    return schema_of(InstanceModel)


@checked
def read_instance(
    path: str | os.PathLike[str], *, on_unreachable: OnUnreachable | None = None
) -> Instance:
    """Read and check an instance file.

    Parameters
    ----------
    path
        The file.
    on_unreachable
        Called with the ids of the evaders that cannot get from origin to destination,
        which are then left out; None makes them a fault.

    Raises
    ------
    InputError
        With every problem of the file.
    """
    path = Path(path)
    text, problems = read_text(path, "an instance"), ProblemList()
    content = json_in(text, path, "an instance", problems, finite=False)
    if (kind := json_kind(content)) in {PLAN, GEOJSON}:
        made_for = (
            "Give the instance that it was made for, and a plan after it where one is asked for"
        )
        remedy = made_for if kind == PLAN else "Check that it is the right file"
        raise InputError(Problem(str(path), kind, "an instance", remedy))
    with problems.collected():
        model = validated_text(InstanceModel, text, str(path))
    problems.raise_if_any()
    return instance_from_model(model, str(path), on_unreachable=on_unreachable)


@checked
def write_instance(path: str | os.PathLike[str], instance: Instance) -> None:
    """Write an instance file that `read_instance` gives back unchanged."""
    content = instance_to_model(instance).model_dump(exclude_defaults=True)
    write_json(Path(path), content | {"schema_version": SCHEMA_VERSION}, indent=None)


def check_content(instance: Instance, where: str) -> None:
    """Check that an instance can be written, roads aside, before it is solved.

    Raises
    ------
    InputError
        With each amount or id that its file has no room for.
    """
    no_roads = {"nodes": {"id": [0]}, "arcs": {"tail": [], "head": [], "reliability": []}}
    validated(InstanceModel, _content(instance) | no_roads, f"{where}, as an instance")


@checked
def make_instance(
    network: Network,
    *,
    reliability: ArrayLike,
    evaders: Sequence[Evader],
    options: Sequence[Option],
    resources: Sequence[Resource],
    exclusions: Sequence[Sequence[int]] = (),
    name: str = "instance",
) -> Instance:
    """Return a checked instance on the arcs of a network.

    Parameters
    ----------
    network
        The roads; node and arc positions below are its own.
    reliability
        (m,) chance, in (0, 1], to pass each arc undetected with nothing placed; a
        single number stands for all.
    evaders, options, resources
        The rest of the problem.
    exclusions
        Groups of option positions of which at most one is placed, beyond those that
        share a site.
    name
        What people call it.

    Raises
    ------
    InputError
        With every problem found.
    """
    network.check()
    instance = Instance(
        name=name,
        node_id=network.node_id,
        tail=network.tail,
        head=network.head,
        reliability=float_column(f"{name}, reliability", reliability, network.n_arcs),
        evaders=tuple(evaders),
        options=tuple(options),
        resources=tuple(resources),
        exclusions=tuple(tuple(group) for group in exclusions),
        lonlat=np.column_stack((network.lon, network.lat)) if network.has_map else None,
    )
    if not instance.evaders:
        nobody = Problem(
            f"{name}, evaders", "none", "at least one evader", "Say who travels from where to where"
        )
        raise InputError(*instance.problems, nobody)
    instance.check()
    return check_evaders(instance, name)


def instance_from_model(
    model: InstanceModel, where: str, *, on_unreachable: OnUnreachable | None = None
) -> Instance:
    """Compile a schema object into an `Instance`, checking what the schema alone
    cannot; unreachable evaders as in `read_instance`.

    Raises
    ------
    InputError
        With every problem found.
    """
    problems = ProblemList()
    node = _positions(model.nodes.id, f"{where}, nodes.id", problems)
    _check_columns(model, where, problems)
    tail = _looked_up(model.arcs.tail, node, f"{where}, arcs.tail", problems)
    head = _looked_up(model.arcs.head, node, f"{where}, arcs.head", problems)
    origin = _looked_up(
        [e.origin for e in model.evaders], node, f"{where}, evaders.origin", problems
    )
    destination = _looked_up(
        [e.destination for e in model.evaders], node, f"{where}, evaders.destination", problems
    )
    _check_options(model, where, problems)
    _check_resources(model, where, problems)
    if model.patrols is not None:
        _check_teams(model, model.patrols, node, where, problems)
    problems.raise_if_any()
    option = _positions([o.id for o in model.options], f"{where}, options.id", problems)
    instance = Instance(
        name=model.name,
        node_id=np.array(model.nodes.id),
        tail=tail,
        head=head,
        reliability=np.array(model.arcs.reliability, dtype=np.float64),
        evaders=tuple(
            replace(e, origin=int(o), destination=int(d))
            for e, o, d in zip(model.evaders, origin, destination, strict=True)
        ),
        options=tuple(
            Option(
                arcs=tuple(effect.arc for effect in o.effects),
                survival=tuple(effect.survival for effect in o.effects),
                **o.model_dump(exclude={"effects"}),
            )
            for o in model.options
        ),
        resources=tuple(model.resources),
        exclusions=tuple(tuple(option[name] for name in group) for group in model.exclusions),
        requirements=tuple(requirement_from_model(each, option) for each in model.requirements),
        lonlat=(
            None
            if model.nodes.lon is None
            else np.column_stack((model.nodes.lon, model.nodes.lat or ()))
        ),
        patrols=None if model.patrols is None else patrols_from_model(model.patrols, node),
    )
    return check_evaders(instance, where, on_unreachable=on_unreachable)


def instance_to_model(instance: Instance) -> InstanceModel:
    """Return the schema object of an instance."""
    return InstanceModel.model_validate(_content(instance))


def _content(instance: Instance) -> dict[str, Any]:
    """Return an instance as the content of its file, unchecked."""
    ids = instance.node_id.tolist()
    lonlat = instance.lonlat
    place = {} if lonlat is None else {"lon": lonlat[:, 0].tolist(), "lat": lonlat[:, 1].tolist()}
    agencies = {r.agency for r in instance.resources} | {o.agency for o in instance.options}
    patrols = instance.patrols
    agencies |= {team.agency for team in patrols.teams} if patrols is not None else set()
    return {
        "schema_version": SCHEMA_VERSION,
        "name": instance.name.strip(),
        "nodes": {"id": ids, **place},
        "arcs": {
            "tail": instance.node_id[instance.tail].tolist(),
            "head": instance.node_id[instance.head].tolist(),
            "reliability": instance.reliability.tolist(),
        },
        "evaders": [
            _fields(evader)
            | {"origin": ids[evader.origin], "destination": ids[evader.destination]}
            | {"routes": [_fields(route) for route in evader.routes]}
            for evader in instance.evaders
        ],
        "options": [_option_content(option) for option in instance.options],
        "resources": [_trimmed(asdict(resource)) for resource in instance.resources],
        "agencies": sorted(agencies - {""}),
        "exclusions": [[instance.options[j].id for j in group] for group in instance.exclusions],
        "requirements": [
            requirement_content(each, instance.options) for each in instance.requirements
        ],
        "patrols": None if patrols is None else patrols_content(patrols, ids),
    }


def _fields(item: Evader | Route) -> dict[str, Any]:
    """Return the fields of an evader or of a route as they are: `asdict` would copy
    each arc of each route.
    """
    return _trimmed({each.name: getattr(item, each.name) for each in fields(item)})


def _trimmed(content: dict[str, Any]) -> dict[str, Any]:
    """Return fields with no blanks at the ends of what people call things, as names of
    maps may have them; an id with such blanks is a fault.
    """
    return {
        field: value.strip() if field in _FOR_PEOPLE and isinstance(value, str) else value
        for field, value in content.items()
    }


_FOR_PEOPLE = {"label", "name", "unit"}


def _option_content(option: Option) -> dict[str, Any]:
    content = _trimmed(
        {
            name: getattr(option, name)
            for name in OptionModel.model_fields
            if name not in {"effects", "uses", "change"}
        }
    )
    effects = [{"arc": a, "survival": s} for a, s in zip(option.arcs, option.survival, strict=True)]
    changing = {"change": dict(option.change)} if option.change else {}
    return content | {"effects": effects, "uses": dict(option.uses)} | changing


def _positions(ids: Sequence[Any], where: str, problems: ProblemList) -> dict[Any, int]:
    """Return the position of each id, noting repetitions."""
    positions: dict[Any, int] = {}
    for position, name in enumerate(ids):
        if name in positions:
            problems.add(f"{where}[{position}]", f"{name!r} again", "each id once")
        positions.setdefault(name, position)
    return positions


def _looked_up(
    names: Sequence[Any], positions: dict[Any, int], where: str, problems: ProblemList
) -> np.ndarray[Any, Any]:
    """Return node positions, noting unknown nodes (the first ten of them)."""
    found = np.array([positions.get(name, -1) for name in names], dtype=np.int32)
    for unknown in np.flatnonzero(found < 0)[:10]:
        problems.add(f"{where}[{unknown}]", repr(names[unknown]), "a node id of this file")
    return found


def _check_columns(model: InstanceModel, where: str, problems: ProblemList) -> None:
    arcs, nodes = model.arcs, model.nodes
    if not len(arcs.tail) == len(arcs.head) == len(arcs.reliability):
        found = (
            f"{len(arcs.tail)} tails, {len(arcs.head)} heads, {len(arcs.reliability)} reliabilities"
        )
        problems.add(f"{where}, arcs", found, "columns of one length")
    for name, column in (("lon", nodes.lon), ("lat", nodes.lat)):
        if (nodes.lon is None) != (nodes.lat is None) or (
            column is not None and len(column) != len(nodes.id)
        ):
            problems.add(
                f"{where}, nodes.{name}",
                f"{len(column or ())} numbers",
                f"{len(nodes.id)}, one a node, or neither lon nor lat",
            )
    _positions([e.id for e in model.evaders], f"{where}, evaders.id", problems)


def _check_options(model: InstanceModel, where: str, problems: ProblemList) -> None:
    n_arcs = len(model.arcs.tail)
    known = _positions([o.id for o in model.options], f"{where}, options.id", problems)
    resources = {r.id: r for r in model.resources}
    for option in model.options:
        here = f"{where}, option {option.id!r}"
        arcs = [effect.arc for effect in option.effects]
        for arc in arcs:
            if arc >= n_arcs:
                problems.add(f"{here}, effects", f"arc {arc}", f"an arc position below {n_arcs}")
        if len(set(arcs)) < len(arcs):
            problems.add(
                f"{here}, effects", "an arc named twice", "each arc once", "Multiply the survivals"
            )
        if option.forced and option.forbidden:
            problems.add(here, "both forced and forbidden", "one of them at most")
        _check_uses(option.uses, option.agency, resources, f"{here}, uses", problems)
        _check_uses(option.change, option.agency, resources, f"{here}, change", problems)
    for position, group in enumerate(model.exclusions):
        for name in group:
            if name not in known:
                problems.append(
                    unknown_name(
                        f"{where}, exclusions[{position}]", name, known, expected="an option id"
                    )
                )
        if len(set(group)) < len(group):
            problems.add(
                f"{where}, exclusions[{position}]", "an option named twice", "each option once"
            )
    check_requirements(model.requirements, known, where, problems)


def _check_uses(
    uses: Iterable[str],
    agency: str,
    resources: Mapping[str, Resource],
    where: str,
    problems: ProblemList,
) -> None:
    for name in uses:
        if name not in resources:
            problems.append(unknown_name(where, name, sorted(resources)))
        elif agency and resources[name].agency not in {"", agency}:
            found = f"{name!r}, which belongs to {resources[name].agency!r}"
            problems.add(where, found, f"a resource of its own agency {agency!r}, or a shared one")


def _check_teams(
    model: InstanceModel,
    patrols: PatrolFieldModel,
    node: Mapping[Any, int],
    where: str,
    problems: ProblemList,
) -> None:
    check_patrols(patrols, node, len(model.arcs.tail), f"{where}, patrols", problems)
    resources = {r.id: r for r in model.resources}
    for team in patrols.teams:
        here = f"{where}, patrols, team {team.id!r}"
        _check_agency(here, team.agency, set(model.agencies), problems)
        _check_uses(team.uses, team.agency, resources, f"{here}, uses", problems)


def _check_resources(model: InstanceModel, where: str, problems: ProblemList) -> None:
    _positions([r.id for r in model.resources], f"{where}, resources.id", problems)
    agencies = set(model.agencies)
    named = [(f"resource {r.id!r}", r.agency) for r in model.resources] + [
        (f"option {o.id!r}", o.agency) for o in model.options
    ]
    for what, agency in named:
        _check_agency(f"{where}, {what}", agency, agencies, problems)


def _check_agency(where: str, agency: str, agencies: set[str], problems: ProblemList) -> None:
    if agency and agency not in agencies:
        problems.append(unknown_name(f"{where}, agency", agency, sorted(agencies)))


# Patrol teams in the instance file: the schema, its checks, reading and writing.
#
# Legs are named by one number: the leg from place i to place j of a patrol with n posts
# is i (n + 1) + j, with the base as place 0 and its posts as places 1 to n, in the
# order of the patrol's `posts`.


def patrols_content(field: PatrolField, node_id: Sequence[Any]) -> dict[str, Any]:
    """Return teams as the content of their part of the file, unchecked; node ids by
    position in `node_id`.
    """
    elements = field.elements
    return {
        "bases": [
            _trimmed(asdict(base)) | {"node": node_id[base.node]}
            for base in {patrol.base.id: patrol.base for patrol in field.patrols}.values()
        ],
        "teams": [_team_content(team) for team in field.teams],
        "posts": [_trimmed(asdict(post)) | {"node": node_id[post.node]} for post in field.posts],
        "elements": {
            name: getattr(elements, name).tolist()
            for name in ("element", "arc", "survival", "post", "times")
        },
        "patrols": [_patrol_content(patrol) for patrol in field.patrols],
        "teams_at_post": field.teams_at_post,
    }


def _team_content(team: TeamType) -> dict[str, Any]:
    return _trimmed(asdict(team)) | {
        "capacity": team.capacity if np.isfinite(team.capacity) else None
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
    teams = {team.id: team for team in model.teams}
    bases = {base.id: replace(base, node=node[base.node]) for base in model.bases}
    elements = model.elements
    return PatrolField(
        posts=tuple(replace(post, node=node[post.node]) for post in model.posts),
        patrols=tuple(
            _patrol(p, teams[p.team], bases[p.base], len(elements.post)) for p in model.patrols
        ),
        elements=elements,
        teams_at_post=model.teams_at_post,
    )


def _patrol(model: PatrolModel, team: TeamType, base: TeamBase, n_elements: int) -> Patrol:
    n = len(model.posts)
    places = n + 1
    travel = [[NO_WAY if s is None else s for s in row] for row in model.travel_s]
    pairs = (
        np.array(model.drives.leg, dtype=np.int64),
        np.array(model.drives.element, dtype=np.int64),
    )
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
                problems.add(
                    f"{where}.{table}[{position}].node", repr(unknown), "a node id of this file"
                )
    _check_elements(model, n_arcs, f"{where}.elements", problems)
    _check_pairs(model, teams, bases, where, problems)
    for position, patrol in enumerate(model.patrols):
        if patrol.team in teams:
            most_slots = model.teams[teams.index(patrol.team)].most_slots
            _check_patrol(
                model, patrol, most_slots, n_arcs, f"{where}.patrols[{position}]", problems
            )


def _check_pairs(
    model: PatrolFieldModel,
    teams: Sequence[str],
    bases: Sequence[str],
    where: str,
    problems: ProblemList,
) -> None:
    seen: set[tuple[str, str]] = set()
    for position, patrol in enumerate(model.patrols):
        here = f"{where}.patrols[{position}]"
        for table, name, known in (("team", patrol.team, teams), ("base", patrol.base, bases)):
            if name not in known:
                problems.append(unknown_name(f"{here}.{table}", name, known))
        if (patrol.team, patrol.base) in seen:
            problems.add(
                here, f"team {patrol.team!r} at base {patrol.base!r} again", "each pair once"
            )
        seen.add((patrol.team, patrol.base))


def _check_elements(
    model: PatrolFieldModel, n_arcs: int, where: str, problems: ProblemList
) -> None:
    elements = model.elements
    if not len(elements.element) == len(elements.arc) == len(elements.survival):
        problems.add(
            where, "element, arc and survival of different lengths", "columns of one length"
        )
    if len(elements.post) != len(elements.times):
        problems.add(where, "post and times of different lengths", "columns of one length")
    if (np.diff(elements.element) < 0).any():
        problems.add(f"{where}.element", "elements in another order", "ascending positions")
    _check_below(elements.element, len(elements.post), f"{where}.element", problems)
    _check_below(elements.arc, n_arcs, f"{where}.arc", problems)
    _check_below(elements.post, len(model.posts), f"{where}.post", problems)


def _check_patrol(
    model: PatrolFieldModel,
    patrol: PatrolModel,
    most_slots: int,
    n_arcs: int,
    where: str,
    problems: ProblemList,
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
            problems.add(
                f"{where}.{table}", "columns of different lengths", "columns of one length"
            )
        _check_below(legs, places**2, f"{where}.{table}.leg", problems)
    _check_below(
        [a for arcs in patrol.routes.arcs for a in arcs], n_arcs, f"{where}.routes.arcs", problems
    )
    _check_below([e for row in patrol.dwell for e in row], n_elements, f"{where}.dwell", problems)
    _check_below(patrol.drives.element, n_elements, f"{where}.drives.element", problems)
    post = dict(enumerate(model.elements.post.tolist()))
    dwelling = {(e, p) for p, row in zip(patrol.posts, patrol.dwell, strict=False) for e in row}
    if any(post.get(e, p) != p for e, p in dwelling) or any(
        post.get(e, -1) >= 0 for e in patrol.drives.element
    ):
        problems.add(
            f"{where}.dwell",
            "an element of another post or of driving",
            "elements whose post is that of their row",
        )


def _check_below(positions: Iterable[int], end: int, where: str, problems: ProblemList) -> None:
    largest = max(positions, default=-1)
    if largest >= end:
        problems.add(where, f"position {largest}", f"positions below {end}")


def check_requirements(
    models: Sequence[RequirementModel], known: Mapping[str, int], where: str, problems: ProblemList
) -> None:
    """Note every option that a requirement names and the file does not have."""
    for model in models:
        here = f"{where}, requirement {model.id!r}"
        for term in model.terms:
            if term.option not in known:
                problems.append(unknown_name(here, term.option, known, expected="an option id"))


def requirement_from_model(model: RequirementModel, position: Mapping[str, int]) -> Requirement:
    """Return a requirement over the options at these positions."""
    options = tuple(position[term.option] for term in model.terms)
    return Requirement(
        model.id, options, tuple(term.coefficient for term in model.terms), model.least
    )


def requirement_content(requirement: Requirement, options: Sequence[Option]) -> dict[str, Any]:
    """Return a requirement as the content of its part of the file."""
    terms = [
        {"option": options[j].id, "coefficient": coefficient}
        for j, coefficient in zip(requirement.options, requirement.coefficients, strict=True)
    ]
    return {"id": requirement.id, "terms": terms, "least": requirement.least}
