"""Sites: read, put on their segments, and turned into options with the resources they use."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.errors import InputError, ProblemList
from optimizer.files import read_text
from optimizer.resources import Option, Resource, checkpoint_survival
from optimizer.scenario.model import KindModel, ScenarioModel, SiteModel
from optimizer.schema import close_match, validated

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from optimizer.network import Network

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


@dataclass(frozen=True, slots=True)
class PlacedSite:
    """A site on its segment.

    Attributes
    ----------
    site
        As the scenario gives it.
    segment
        Segment of the network.
    arcs
        Arcs it watches.
    lon, lat
        Where to draw it.
    """

    site: SiteModel
    segment: int
    arcs: tuple[int, ...]
    lon: float
    lat: float


def read_sites(path: Path, columns: Mapping[str, str]) -> list[SiteModel]:
    """Read a CSV of sites, one row a site; `kinds` are separated by blanks.

    Parameters
    ----------
    path
        The file.
    columns
        Column of each field of `[[site]]` that is not called like the field. Columns that are no field's are not read.

    Raises
    ------
    InputError
        With every row that is wrong, or for a mapping that names no field or no column.
    """
    reader = csv.DictReader(io.StringIO(read_text(path, "a CSV of sites")))
    problems = ProblemList()
    field_of = _fields_of_columns(path, reader.fieldnames or [], columns, problems)
    rows = list(reader)
    sites = []
    for number, row in enumerate(rows, start=2):
        content: dict[str, Any] = {
            field: text.strip() for name, field in field_of.items() if (text := row[name]) and text.strip()
        }
        if "kinds" in content:
            content["kinds"] = content["kinds"].split()
        if None in row:
            problems.add(
                f"{path}, row {number}",
                "more cells than the header has columns",
                "one cell a column",
                "Quote cells that hold commas",
            )
            continue
        try:
            sites.append(validated(SiteModel, content, f"{path}, row {number}"))
        except InputError as error:
            problems.extend(error)
    problems.raise_if_any()
    return sites


def _fields_of_columns(
    path: Path, header: Sequence[str], columns: Mapping[str, str], problems: ProblemList
) -> dict[str, str]:
    """Return the field that each column of the header gives."""
    fields = SiteModel.model_fields
    for field, column in columns.items():
        if field not in fields:
            problems.add(
                f"{path}, sites.columns", repr(field), f"one of {', '.join(fields)}", close_match(field, fields)
            )
        if column not in header:
            problems.add(
                f"{path}, row 1", f"no column {column!r}", f"the column of {field!r}", close_match(column, header)
            )
    problems.raise_if_any()
    renamed = {column: field for field, column in columns.items()}
    return {
        name: renamed.get(name, name) for name in header if name in renamed or (name in fields and name not in columns)
    }


def place_sites(sites: Sequence[SiteModel], network: Network, max_distance_m: float, where: str) -> list[PlacedSite]:
    """Put every site on its segment.

    Raises
    ------
    InputError
        Naming each site that is off the network, or whose nodes no segment joins, and each id given twice.
    """
    problems = ProblemList()
    placed = []
    by_point = [site for site in sites if site.tail is None]
    segments, distances = network.nearest_segments(
        np.array([site.lon for site in by_point], dtype=np.float64),
        np.array([site.lat for site in by_point], dtype=np.float64),
    )
    nearest = {id(site): (int(s), float(d)) for site, s, d in zip(by_point, segments, distances, strict=True)}
    arcs_between = _arcs_between(network)
    seen: set[str] = set()
    for site in sites:
        here = f"{where}, site {site.id!r}"
        if site.id in seen:
            problems.add(here, "the id a second time", "each id once")
        seen.add(site.id)
        if site.tail is not None:
            arcs = arcs_between.get((site.tail, site.head or ""), ())
            if not arcs:
                problems.add(here, f"no segment from {site.tail} to {site.head}", "two nodes that a segment joins")
                continue
            segment = int(network.segment[arcs[0]])
        else:
            segment, distance = nearest[id(site)]
            if distance > max_distance_m:
                problems.add(
                    here,
                    f"{distance / 1000:.1f} km from the nearest road",
                    f"a place within {max_distance_m:g} m of a road",
                    "Check that longitude and latitude are not swapped, or raise sites.max_distance_m",
                )
                continue
        placed.append(placed_on(site, network, segment))
    problems.raise_if_any()
    return placed


def placed_on(site: SiteModel, network: Network, segment: int) -> PlacedSite:
    """Return a site on a segment it is known to belong to, drawn at its own place or half way along."""
    arcs = np.flatnonzero(network.segment == segment)
    if site.direction == "forward" and site.tail is not None:
        arcs = arcs[network.node_id[network.tail[arcs]].astype(str) == site.tail]
    middle = network.segment_midpoint[segment]
    lon = float(middle[0]) if site.lon is None else site.lon
    lat = float(middle[1]) if site.lat is None else site.lat
    return PlacedSite(site, segment, tuple(arcs.tolist()), lon, lat)


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
    kinds = {kind.id: kind for kind in scenario.kinds}
    agencies = {agency.id for agency in scenario.agencies}
    resource_ids = {(r.name, r.agency): f"{r.name}@{r.agency}" if r.agency else r.name for r in scenario.resources}
    traffic = TRAFFIC_BY_CLASS | scenario.sites.traffic_by_class
    options = []
    for item in placed:
        here = f"{where}, site {item.site.id!r}"
        site = item.site
        for name in [*site.kinds, *([site.existing] if site.existing else [])]:
            if name not in kinds:
                problems.add(here, f"kind {name!r}", f"one of {', '.join(kinds)}", close_match(name, kinds))
        if site.agency and site.agency not in agencies:
            problems.add(
                here,
                f"agency {site.agency!r}",
                f"one of {', '.join(sorted(agencies))}",
                close_match(site.agency, agencies),
            )
        fitting = _kinds_of(site, kinds)
        if site.forced and len(fitting) > 1 and not site.existing:
            problems.add(
                here,
                "forced, with several kinds to choose from",
                "one kind, or the one that exists",
                "Name it in kinds",
            )
        flow = site.traffic or traffic.get(str(network.road_class[item.arcs[0]]), LEAST_TRAFFIC)
        for kind in fitting:
            uses = _uses(kind, site, flow, resource_ids, here, problems)
            options.append(_option(item, kind, flow, uses, alone=len(fitting) == 1))
    for resource in scenario.resources:
        if resource.agency and resource.agency not in agencies:
            problems.add(
                f"{where}, resource {resource.name!r}", f"agency {resource.agency!r}", "an agency of [[agencies]]"
            )
    problems.raise_if_any()
    return tuple(options), _resources(scenario, resource_ids, options)


def _kinds_of(site: SiteModel, kinds: Mapping[str, KindModel]) -> list[KindModel]:
    """Return the kinds that fit a site: those it names (all where it names none), and the one that stands there."""
    names = site.kinds or list(kinds)
    return [
        kinds[name] for name in dict.fromkeys([*names, *([site.existing] if site.existing else [])]) if name in kinds
    ]


def _option(item: PlacedSite, kind: KindModel, flow: float, uses: Mapping[str, float], *, alone: bool) -> Option:
    site = item.site
    if kind.survival is not None:
        survival = kind.survival
    else:
        survival = checkpoint_survival((kind.capacity or 0.0) * site.lanes, flow / 24, kind.detection or 0.0)
    useful = survival < 1
    label = site.label or site.id
    return Option(
        id=site.id if alone else f"{site.id}:{kind.id}",
        arcs=item.arcs if useful else (),
        survival=(survival,) * len(item.arcs) if useful else (),
        uses=uses,
        site=site.id,
        agency=site.agency,
        kind=kind.kind,
        label=label if alone else f"{label} ({kind.label or kind.id})",
        existing=site.existing == kind.id,
        forced=site.forced and (alone or site.existing == kind.id),
        forbidden=site.forbidden,
    )


def _uses(
    kind: KindModel,
    site: SiteModel,
    flow: float,
    resource_ids: Mapping[tuple[str, str], str],
    here: str,
    problems: ProblemList,
) -> dict[str, float]:
    """Return what a kind uses at a site, by resource id: its agency's own resource if there is one, else the shared one."""
    amounts = {name: amount * site.lanes for name, amount in kind.uses.items()}
    if kind.delay is not None:
        # vehicle-hours a day that honest travellers lose: those stopped, times the minutes each is held
        stopped = min(flow / 24, (kind.capacity or 0.0) * site.lanes) * kind.delay.hours
        amounts[kind.delay.resource] = amounts.get(kind.delay.resource, 0.0) + stopped * kind.delay.minutes / 60
    uses = {}
    for name, amount in amounts.items():
        resource = resource_ids.get((name, site.agency)) or resource_ids.get((name, ""))
        if resource is None:
            problems.add(
                f"{here}, kind {kind.id!r}",
                f"resource {name!r}",
                f"a resource of that name of agency {site.agency!r}, or one shared by all",
                close_match(name, {n for n, _ in resource_ids}) or "Add it to [[resources]]",
            )
        else:
            uses[resource] = amount
    return uses


def _resources(
    scenario: ScenarioModel, resource_ids: Mapping[tuple[str, str], str], options: Sequence[Option]
) -> tuple[Resource, ...]:
    resources = []
    for model in scenario.resources:
        name = resource_ids[model.name, model.agency]
        budget = model.budget
        if budget == "existing":
            budget = sum(option.uses.get(name, 0.0) for option in options if option.existing)
        resources.append(Resource(name, float(budget), model.agency, model.unit))
    return tuple(resources)


def _arcs_between(network: Network) -> dict[tuple[str, str], tuple[int, ...]]:
    names = network.node_id.astype(str)
    between: dict[tuple[str, str], tuple[int, ...]] = {}
    for arc, (tail, head) in enumerate(zip(names[network.tail].tolist(), names[network.head].tolist(), strict=True)):
        between[tail, head] = (*between.get((tail, head), ()), arc)
    return between
