"""The instance file: its schema, its checks, reading and writing. Patrol teams: `optimizer.problem.patrols_file`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field, StrictInt, StrictStr

from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.file_kinds import GEOJSON, PLAN, json_kind
from optimizer.base.files import read_json, write_json
from optimizer.base.names import unknown_name
from optimizer.base.schema import ComposedId, Strict, validated
from optimizer.problem.arc_arrays import float_column
from optimizer.problem.evader_checks import check_evaders
from optimizer.problem.evaders import Evader, Route
from optimizer.problem.instance import Instance
from optimizer.problem.options import Option, Resource
from optimizer.problem.patrols_file import PatrolFieldModel, check_patrols, patrols_content, patrols_from_model
from optimizer.problem.requirements_file import (
    RequirementModel,
    check_requirements,
    requirement_content,
    requirement_from_model,
)

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import ArrayLike

    from optimizer.problem.network import Network
    from optimizer.problem.reachability import OnUnreachable

NodeId = StrictInt | StrictStr
Id = ComposedId
Amount = Annotated[float, Field(ge=0, le=1e15)]
SCHEMA_VERSION: Literal[2] = 2


class NodesModel(Strict):
    """Nodes, column by column."""

    id: list[StrictInt] | list[StrictStr] = Field(min_length=1, description="unique names: all integers or all strings")
    lon: list[float] | None = Field(None, description="degrees, for drawing")
    lat: list[float] | None = Field(None, description="degrees, for drawing")


class ArcsModel(Strict):
    """Arcs, column by column; other parts of the file name an arc by its position, from 0. Arcs may run in parallel."""

    tail: list[NodeId] = Field(description="node ids")
    head: list[NodeId] = Field(description="node ids")
    reliability: list[Annotated[float, Field(gt=0, le=1)]] = Field(
        description="chance to pass the arc undetected with nothing placed, in (0, 1]"
    )


class RouteModel(Strict):
    """A fixed route of a habitual evader."""

    arcs: list[int] = Field(min_length=1, description="arc positions in order of travel")
    share: float = Field(gt=0, le=1, description="probability that the evader takes it")


class EvaderModel(Strict):
    """Who travels from where to where; habitual if `routes` is given, informed if not."""

    id: Id = Field(description="unique name")
    origin: NodeId = Field(description="node id")
    destination: NodeId = Field(description="node id")
    weight: Amount = Field(description="loads a period, or a probability")
    routes: list[RouteModel] = Field(default_factory=list, description="of a habitual evader; shares sum to 1")
    label: str = Field("", description="what people call it; the id where empty")


class EffectModel(Strict):
    """What an option does to one arc."""

    arc: int = Field(ge=0, description="arc position")
    survival: float = Field(ge=0, lt=1, description="chance to pass the option undetected, in [0, 1)")


class OptionModel(Strict):
    """Something that can be placed."""

    id: Id = Field(description="unique name")
    effects: list[EffectModel]
    uses: dict[str, Amount] = Field(default_factory=dict, description="amount of each resource")
    site: str = Field("", description="at most one option of a site is placed")
    agency: str = Field("", description="its owner; empty when all share it, or several run it together")
    kind: str = Field("checkpoint", description="`checkpoint`, `sensor`, `patrol`, `drone`, or a word of one's own")
    label: str = Field("", description="what people call it; the id where empty")
    existing: bool = Field(False, description="stands today")
    forced: bool = Field(False, description="part of every plan")
    forbidden: bool = Field(False, description="part of no plan")
    type: str = Field("", description="id of what defines it; several types may be of one kind")


class ResourceModel(Strict):
    """Something a plan may use up."""

    id: Id = Field(description="unique name")
    budget: Amount = Field(description="how much a plan may use")
    agency: str = Field("", description="its owner; empty when all may use it")
    unit: str = Field("", description="unit of the amounts, for people")
    name: str = Field("", description="what people call it, the same for all agencies; the id where empty")


class InstanceModel(Strict):
    """An interdiction instance, version 2; version 1 had no `patrols` or `requirements`, no `type` of options and no `name` of resources."""

    schema_version: Literal[1, 2] = Field(SCHEMA_VERSION, description="version of the format")
    name: str = Field(description="what people call it")
    nodes: NodesModel
    arcs: ArcsModel
    evaders: list[EvaderModel] = Field(min_length=1)
    options: list[OptionModel] = Field(default_factory=list)
    resources: list[ResourceModel] = Field(default_factory=list)
    agencies: list[Id] = Field(
        default_factory=list, description="ids; an option uses resources of its agency or shared ones"
    )
    exclusions: list[list[Id]] = Field(default_factory=list, description="option ids of which at most one is placed")
    requirements: list[RequirementModel] = Field(default_factory=list, description="sums that a plan must reach")
    patrols: PatrolFieldModel | None = Field(None, description="patrol teams: a plan then also chooses beats")


def instance_schema() -> dict[str, Any]:
    """Return the JSON schema of the instance file."""
    return InstanceModel.model_json_schema()


def read_instance(path: str | os.PathLike[str], *, on_unreachable: OnUnreachable | None = None) -> Instance:
    """Read and check an instance file.

    Parameters
    ----------
    path
        The file.
    on_unreachable
        Called with the ids of the evaders that cannot get from origin to destination, which are then left out; None makes them a fault.

    Raises
    ------
    InputError
        With every problem of the file.
    """
    path = Path(path)
    content = read_json(path, "an instance")
    if (kind := json_kind(content)) in {PLAN, GEOJSON}:
        remedy = "Give the instance first, then the plan" if kind == PLAN else "Check that it is the right file"
        raise InputError(Problem(str(path), kind, "an instance", remedy))
    model = validated(InstanceModel, content, str(path))
    return instance_from_model(model, str(path), on_unreachable=on_unreachable)


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
        (m,) chance, in (0, 1], to pass each arc undetected with nothing placed; a single number stands for all.
    evaders, options, resources
        The rest of the problem.
    exclusions
        Groups of option positions of which at most one is placed, beyond those that share a site.
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
        nobody = Problem(f"{name}, evaders", "none", "at least one evader", "Say who travels from where to where")
        raise InputError(*instance.problems, nobody)
    instance.check()
    return check_evaders(instance, name)


def instance_from_model(model: InstanceModel, where: str, *, on_unreachable: OnUnreachable | None = None) -> Instance:
    """Compile a schema object into an `Instance`, checking what the schema alone cannot; unreachable evaders as in `read_instance`.

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
    origin = _looked_up([e.origin for e in model.evaders], node, f"{where}, evaders.origin", problems)
    destination = _looked_up([e.destination for e in model.evaders], node, f"{where}, evaders.destination", problems)
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
            Evader(e.id, int(o), int(d), e.weight, tuple(Route(tuple(r.arcs), r.share) for r in e.routes), e.label)
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
        resources=tuple(Resource(**r.model_dump()) for r in model.resources),
        exclusions=tuple(tuple(option[name] for name in group) for group in model.exclusions),
        requirements=tuple(requirement_from_model(each, option) for each in model.requirements),
        lonlat=None if model.nodes.lon is None else np.column_stack((model.nodes.lon, model.nodes.lat or ())),
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
        "name": instance.name,
        "nodes": {"id": ids, **place},
        "arcs": {
            "tail": instance.node_id[instance.tail].tolist(),
            "head": instance.node_id[instance.head].tolist(),
            "reliability": instance.reliability.tolist(),
        },
        "evaders": [
            {"id": e.id, "origin": ids[e.origin], "destination": ids[e.destination], "weight": e.weight}
            | {"routes": [{"arcs": list(r.arcs), "share": r.share} for r in e.routes]}
            | ({"label": e.label} if e.label else {})
            for e in instance.evaders
        ],
        "options": [_option_content(option) for option in instance.options],
        "resources": [asdict(resource) for resource in instance.resources],
        "agencies": sorted(agencies - {""}),
        "exclusions": [[instance.options[j].id for j in group] for group in instance.exclusions],
        "requirements": [requirement_content(each, instance.options) for each in instance.requirements],
        "patrols": None if patrols is None else patrols_content(patrols, ids),
    }


def _option_content(option: Option) -> dict[str, Any]:
    fields = {name: getattr(option, name) for name in OptionModel.model_fields if name not in {"effects", "uses"}}
    effects = [{"arc": a, "survival": s} for a, s in zip(option.arcs, option.survival, strict=True)]
    return fields | {"effects": effects, "uses": dict(option.uses)}


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
        found = f"{len(arcs.tail)} tails, {len(arcs.head)} heads, {len(arcs.reliability)} reliabilities"
        problems.add(f"{where}, arcs", found, "columns of one length")
    for name, column in (("lon", nodes.lon), ("lat", nodes.lat)):
        if (nodes.lon is None) != (nodes.lat is None) or (column is not None and len(column) != len(nodes.id)):
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
            problems.add(f"{here}, effects", "an arc named twice", "each arc once", "Multiply the survivals")
        if option.forced and option.forbidden:
            problems.add(here, "both forced and forbidden", "one of them at most")
        _check_uses(option.uses, option.agency, resources, f"{here}, uses", problems)
    for position, group in enumerate(model.exclusions):
        for name in group:
            if name not in known:
                problems.append(unknown_name(f"{where}, exclusions[{position}]", name, known, expected="an option id"))
    check_requirements(model.requirements, known, where, problems)


def _check_uses(
    uses: Iterable[str], agency: str, resources: Mapping[str, ResourceModel], where: str, problems: ProblemList
) -> None:
    for name in uses:
        if name not in resources:
            problems.append(unknown_name(where, name, sorted(resources)))
        elif agency and resources[name].agency not in {"", agency}:
            found = f"{name!r}, which belongs to {resources[name].agency!r}"
            problems.add(where, found, f"a resource of its own agency {agency!r}, or a shared one")


def _check_teams(
    model: InstanceModel, patrols: PatrolFieldModel, node: Mapping[Any, int], where: str, problems: ProblemList
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
