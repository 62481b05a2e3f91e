"""Sites: read, and put on their segments."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from optimizer.base.errors import InputError, Problem
from optimizer.base.geojson import IN_DEGREES, TO_DEGREES, looks_projected
from optimizer.base.names import unknown_name
from optimizer.base.schema import valid, validated
from optimizer.base.table_dialect import POINT_ALIASES
from optimizer.base.tables import WantedColumns, read_csv
from optimizer.scenario.model import SiteModel
from optimizer.scenario.references import entry_where
from optimizer.scenario.road_names import RoadNames, off_its_road

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from optimizer.base.errors import FileProblems, ProblemList
    from optimizer.problem.network import Network
NUMBERS = ("lon", "lat", "traffic", "lanes")


@dataclass(frozen=True, slots=True)
class Operator:
    """An agency that may run a site, empty where it is everybody's, and the ids of the kinds that it may place there."""

    agency: str
    kinds: tuple[str, ...]


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
    distance_m
        How far the place given lies from the segment; 0 where the segment was given.
    snapped
        Whether it is on the nearest segment to its place, without a word on which road is meant.
    operators
        Who may run it; empty where its agency may, with every kind that fits.
    """

    site: SiteModel
    segment: int
    arcs: tuple[int, ...]
    lon: float
    lat: float
    distance_m: float = 0.0
    snapped: bool = False
    operators: tuple[Operator, ...] = ()


@dataclass(frozen=True, slots=True)
class ListedSite:
    """A site as a table lists it.

    Attributes
    ----------
    where
        File, row and id, for messages.
    content
        Its fields, unchecked.
    site
        The same, checked; None where a field is faulty.
    """

    where: str
    content: Mapping[str, Any]
    site: SiteModel | None


def sites_of(content: object, where: str) -> list[ListedSite]:
    """Return the entries of `[[site]]`; faulty fields are for the schema of the scenario to report."""
    listed = []
    for position, fields in enumerate(content if isinstance(content, list | tuple) else ()):
        if isinstance(fields, dict):
            here = entry_where(where, "site", position, fields)
            listed.append(ListedSite(here, fields, valid(SiteModel, fields)))
    return listed


@dataclass(frozen=True, slots=True)
class SitesFile:
    """What a CSV of sites says.

    Attributes
    ----------
    rows
        Its rows, faulty ones too.
    remarks
        How it was read, where that is not plain.
    """

    rows: tuple[ListedSite, ...]
    remarks: tuple[str, ...] = ()


def read_sites(path: Path, columns: Mapping[str, str], problems: ProblemList) -> SitesFile | None:
    """Read a CSV of sites, one row a site; `kinds` are separated by blanks.

    Parameters
    ----------
    path
        The file.
    columns
        Column of each field of `[[site]]` that is not called like the field. Columns that are no field's are not read.
    problems
        To note each faulty row in, and each fault of the mapping; a file without any site is a fault.

    Returns
    -------
    The rows; None where the file cannot be read or its columns are not clear.
    """
    fields = SiteModel.model_fields
    for field in columns:
        if field not in fields:
            problems.append(unknown_name(f"{path}, sites.columns", field, fields))
    column_of = {field: columns.get(field, field) for field in fields}
    by_default = tuple(field for field in fields if field not in columns)
    wanted = WantedColumns(
        tuple(dict.fromkeys([*columns.values(), column_of["id"]])),
        by_default,
        remedy="Correct sites.columns",
        show_header=True,
        aliases={field: POINT_ALIASES.get(field, (field,)) for field in by_default},
        numeric=tuple(column_of[field] for field in NUMBERS),
    )
    faults = problems.of_file(path)
    remarks: list[str] = []
    try:
        table = read_csv(path, "a CSV of sites", wanted, problems=faults, typed_by_hand=True, remarks=remarks)
        texts = {field: table.text[column] for field, column in column_of.items() if column in table.text}
        _check_places(path, texts, table.unread)
    except InputError as error:
        problems.extend(error)
        return None
    if not table.number and not faults:
        problems.add(str(path), "no site", "at least one row below the header", "Add sites, or leave out sites.file")
    rows = [{field: text[k] for field, text in texts.items() if text[k]} for k in range(len(table))]
    listed = [_listed(row, path, line, column_of, faults) for line, row in zip(table.number, rows, strict=True)]
    return SitesFile(tuple(listed), tuple(remarks))


def _check_places(path: Path, fields: Collection[str], unread: Sequence[str]) -> None:
    """Refuse a table without the columns of a place, and name those that it has instead."""
    if {"lon", "lat"} <= set(fields) or {"tail", "head"} <= set(fields):
        return
    plane = [name for name in unread if name.casefold() in {"x", "y"}]
    if len(plane) == 2:
        x, y = sorted(plane, key=str.casefold)
        remedy = f'If they are degrees, state sites.columns = {{ lon = "{x}", lat = "{y}" }}; metres have to be converted to EPSG:4326'
    else:
        remedy = "Name the columns in sites.columns"
    among = f" among {', '.join(map(repr, unread[:12]))}" if unread else ""
    raise InputError(Problem(f"{path}, line 1", f"no place{among}", "columns lon and lat, or tail and head", remedy))


def _listed(
    row: Mapping[str, str], path: Path, line: int, column_of: Mapping[str, str], faults: FileProblems
) -> ListedSite:
    content: dict[str, Any] = dict(row)
    for field in ("kinds", "manned_by"):
        if field in content:
            content[field] = content[field].split()
    where = f"{path}, line {line}"
    site = valid(SiteModel, content)
    if site is None:
        _note_faults(content, where, line, column_of, faults)
    return ListedSite(f"{where}, site {content['id']!r}" if "id" in content else where, content, site)


def _note_faults(
    content: Mapping[str, Any], where: str, line: int, column_of: Mapping[str, str], faults: FileProblems
) -> None:
    """Note what is wrong with a row; positions of the size of metres once, for both coordinates."""
    metres = [name for name in ("lon", "lat") if _is_metres(content.get(name, ""))]
    if metres:
        found = ", ".join(f"{name} {content.get(name)!r}" for name in ("lon", "lat"))
        faults.add(line, f"{found}: metres?", IN_DEGREES, TO_DEGREES)
    try:
        validated(SiteModel, content, where)
    except InputError as error:
        for problem in error.problems:
            field = problem.where.removeprefix(where).removeprefix(", ")
            if not (metres and field in {"lon", "lat"}):
                faults.add(line, problem.found, problem.expected, problem.remedy, column=column_of.get(field, field))


def _is_metres(text: str) -> bool:
    try:
        return looks_projected(float(text))
    except ValueError:
        return False


def place_sites(
    listed: Sequence[ListedSite], network: Network, max_distance_m: float, problems: ProblemList
) -> list[PlacedSite]:
    """Put every site on its segment.

    Parameters
    ----------
    listed
        The sites; those with a faulty field are passed over.
    network
        The roads.
    max_distance_m
        How far a site given by a point may lie from the nearest segment.
    problems
        To note each site in that is off the network, or whose nodes no segment joins.
    """
    sites = [(each.where, each.site) for each in listed if each.site is not None]
    named = RoadNames(network)
    nearest = iter(_nearest([site for _, site in sites if site.tail is None], network, named))
    between = _segments_between(network)
    placed = []
    for where, site in sites:
        near = next(nearest) if site.tail is None else Near(between.get((site.tail, site.head or ""), -1), 0.0)
        if (
            site.tail is None
            and (near.segment < 0 or near.distance_m > max_distance_m)
            and (site.road or site.road_class)
        ):
            problems.append(off_its_road(where, site, network, max_distance_m))
        elif near.segment < 0:
            found = f"no segment from {site.tail} to {site.head}"
            problems.add(where, found, "two nodes that a segment joins", "Check the ids of the nodes and their order")
        elif near.distance_m > max_distance_m:
            problems.append(too_far(where, near.distance_m, max_distance_m, "road"))
        else:
            item = placed_on(site, network, near.segment, near.distance_m)
            placed.append(replace(item, snapped=not (site.tail or site.road or site.road_class)))
    return placed


def too_far(where: str, distance_m: float, max_distance_m: float, what: str) -> Problem:
    """Return the problem of a place that lies too far from the nearest road or junction."""
    return Problem(
        where,
        f"{distance_m / 1000:.1f} km from the nearest {what}",
        f"a place within {max_distance_m:g} m of one",
        "Check that longitude and latitude are not swapped, or raise sites.max_distance_m",
    )


def placed_on(site: SiteModel, network: Network, segment: int, distance_m: float = 0.0) -> PlacedSite:
    """Return a site on a segment it is known to belong to, drawn at its own place or half way along."""
    arcs = np.array(network.arcs_of(segment), dtype=np.int64)
    if site.direction == "forward" and site.tail is not None:
        arcs = arcs[network.node_id[network.tail[arcs]].astype(str) == site.tail]
    middle = network.segment_midpoint[segment]
    lon = float(middle[0]) if site.lon is None else site.lon
    lat = float(middle[1]) if site.lat is None else site.lat
    return PlacedSite(site, segment, tuple(arcs.tolist()), lon, lat, distance_m)


class Near(NamedTuple):
    """The nearest segment (-1 for none), and its distance in metres."""

    segment: int
    distance_m: float


def _nearest(sites: Sequence[SiteModel], network: Network, named: RoadNames) -> list[Near]:
    """Return the nearest segment to each site given by a point, on the road that it names where it names one."""
    found = [Near(-1, 0.0)] * len(sites)
    groups: dict[tuple[str, str], list[int]] = {}
    for position, site in enumerate(sites):
        groups.setdefault((site.road, site.road_class), []).append(position)
    for (road, road_class), positions in groups.items():
        among = named.segments(road, road_class) if road or road_class else None
        if among is not None and not among.size:
            continue
        lon = np.array([sites[position].lon for position in positions], dtype=np.float64)
        lat = np.array([sites[position].lat for position in positions], dtype=np.float64)
        segments, distances = network.nearest_segments(lon, lat, among)
        for position, segment, distance in zip(positions, segments.tolist(), distances.tolist(), strict=True):
            found[position] = Near(segment, distance)
    return found


def _segments_between(network: Network) -> dict[tuple[str, str], int]:
    """Return the segment of the quickest arc from one named node to another."""
    names = network.node_id.astype(str)
    slowest_first = np.argsort(-network.time_s, kind="stable")
    tails, heads = names[network.tail[slowest_first]].tolist(), names[network.head[slowest_first]].tolist()
    return dict(zip(zip(tails, heads, strict=True), network.segment[slowest_first].tolist(), strict=True))
