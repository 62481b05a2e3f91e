"""Sites: read, put on their segments, and warned of where they may lie on the wrong
road.

Also sites that no table lists (border crossings, the roads that evaders travel most),
and roads by what people call them: by name, by number and by class.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from optimizer.base.errors import FileProblems, InputError, Problem, ProblemList
from optimizer.base.files.readwrite import IN_DEGREES, TO_DEGREES, looks_projected
from optimizer.base.files.tables import POINT_ALIASES, WantedColumns, read_csv
from optimizer.base.schema import valid, validated
from optimizer.base.text.messages import NAMED, message, shortened
from optimizer.base.text.names import unknown_name
from optimizer.problem.instance.evaders import Evader, best_responses
from optimizer.problem.network.exchanged import EXCHANGE, metres_if_exchanged
from optimizer.problem.network.geodesy import great_circle_m
from optimizer.problem.network.places import DOUBTFUL_M
from optimizer.problem.network.road_classes import RANK_OF
from optimizer.problem.network.shortest_paths import shortest_path_tree
from optimizer.records.traffic_counts import CountedRoads
from optimizer.region.model import Region, road_of_port
from optimizer.risk.demand import segment_loads
from optimizer.scenario.file.model import SiteModel, SitesModel, TeamBaseModel
from optimizer.scenario.file.placed import ListedSite, PlacedSite
from optimizer.scenario.file.references import entry_where

if TYPE_CHECKING:
    from optimizer.problem.network.network import Network

NUMBERS = ("lon", "lat", "traffic", "lanes")


def with_counts(
    sites: Sequence[PlacedSite], counted: CountedRoads | None
) -> tuple[PlacedSite, ...]:
    """Return sites with the traffic counted on their roads, nearest to the place of
    each; `counted` is None without counts.
    """
    if counted is None or not sites:
        return tuple(sites)
    segment = np.array([item.segment if item.road is None else item.road for item in sites])
    lon, lat = np.array([(item.lon, item.lat) for item in sites]).T
    daily = counted.at(segment, lon, lat)
    return tuple(
        replace(item, counted=amount) if np.isfinite(amount) else item
        for item, amount in zip(sites, daily.tolist(), strict=True)
    )


def sites_of(content: object, where: str) -> list[ListedSite]:
    """Return the entries of `[[site]]`; faulty fields are for the schema of the
    scenario to report.
    """
    listed = []
    for position, fields in enumerate(content if isinstance(content, list | tuple) else ()):
        if isinstance(fields, dict):
            here = entry_where(where, "site", position, fields)
            listed.append(ListedSite(here, fields, valid(SiteModel, fields)))
    return listed


@dataclass(frozen=True, slots=True)
class SitesFile:
    """What a CSV of sites says."""

    #: Its rows, faulty ones too.
    rows: tuple[ListedSite, ...]
    #: How it was read, where that is not plain.
    remarks: tuple[str, ...] = ()


def read_sites(path: Path, columns: Mapping[str, str], problems: ProblemList) -> SitesFile | None:
    """Read a CSV of sites, one row a site; `kinds` are separated by blanks.

    Parameters
    ----------
    path
        The file.
    columns
        Column of each field of `[[site]]` that is not called like the field. Columns
        that are no field's are not read.
    problems
        To note each faulty row in, and each fault of the mapping; a file without any
        site is a fault.

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
        table = read_csv(
            path, "a CSV of sites", wanted, problems=faults, typed_by_hand=True, remarks=remarks
        )
        texts = {
            field: table.text[column] for field, column in column_of.items() if column in table.text
        }
        _check_places(path, texts, table.unread)
    except InputError as error:
        problems.extend(error)
        return None
    if not table.number and not faults:
        problems.add(
            str(path),
            "no site",
            "at least one row below the header",
            "Add sites, or leave out sites.file",
        )
    rows = [{field: text[k] for field, text in texts.items() if text[k]} for k in range(len(table))]
    listed = [
        _listed(row, path, line, column_of, faults)
        for line, row in zip(table.number, rows, strict=True)
    ]
    return SitesFile(tuple(listed), tuple(remarks))


def _check_places(path: Path, fields: Collection[str], unread: Sequence[str]) -> None:
    """Refuse a table without the columns of a place, and name those that it has instead."""
    if {"lon", "lat"} <= set(fields) or {"tail", "head"} <= set(fields):
        return
    plane = [name for name in unread if name.casefold() in {"x", "y"}]
    if len(plane) == 2:
        x, y = sorted(plane, key=str.casefold)
        remedy = (
            f'If they are degrees, state sites.columns = {{ lon = "{x}", lat = "{y}" }}; metres'
            " have to be converted to EPSG:4326"
        )
    else:
        remedy = "Name the columns in sites.columns"
    among = f" among {', '.join(map(repr, unread[:12]))}" if unread else ""
    raise InputError(
        Problem(
            f"{path}, line 1", f"no place{among}", "columns lon and lat, or tail and head", remedy
        )
    )


def _listed(
    row: Mapping[str, str],
    path: Path,
    line: int,
    column_of: Mapping[str, str],
    faults: FileProblems,
) -> ListedSite:
    content: dict[str, Any] = dict(row)
    for field in ("kinds", "manned_by"):
        if field in content:
            content[field] = content[field].split()
    where = f"{path}, line {line}"
    site = valid(SiteModel, content)
    if site is None:
        _note_faults(content, where, line, column_of, faults)
    return ListedSite(
        f"{where}, site {content['id']!r}" if "id" in content else where, content, site
    )


def _note_faults(
    content: Mapping[str, Any],
    where: str,
    line: int,
    column_of: Mapping[str, str],
    faults: FileProblems,
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
                faults.add(
                    line,
                    problem.found,
                    problem.expected,
                    problem.remedy,
                    column=column_of.get(field, field),
                )


def _is_metres(text: str) -> bool:
    try:
        return looks_projected(float(text))
    except ValueError:
        return False


def with_labels(sites: Sequence[PlacedSite], network: Network) -> list[PlacedSite]:
    """Return sites in their order, each with a label that means it alone wherever it is
    printed.

    A site without a label is called by its road and its id. Those that share a label
    are numbered from 1.
    """
    labels = [item.site.label or _road_and_id(item, network) for item in sites]
    count = Counter(labels)
    number: Counter[str] = Counter()
    named = []
    for item, label in zip(sites, labels, strict=True):
        number[label] += 1
        own = label if count[label] == 1 else f"{label} ({number[label]})"
        named.append(replace(item, site=item.site.model_copy(update={"label": own})))
    return named


def _road_and_id(item: PlacedSite, network: Network) -> str:
    road = item.site.road or str(
        network.name[network.segment_arc[item.segment if item.road is None else item.road]]
    )
    return f"{road}, {item.site.id}" if road else item.site.id


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
        near = (
            next(nearest)
            if site.tail is None
            else Near(between.get((site.tail, site.head or ""), -1), 0.0)
        )
        if (
            site.tail is None
            and (near.segment < 0 or near.distance_m > max_distance_m)
            and (site.road or site.road_class)
        ):
            problems.append(off_its_road(where, site, network, max_distance_m))
        elif near.segment < 0:
            found = f"no segment from {site.tail} to {site.head}"
            problems.add(
                where,
                found,
                "two nodes that a segment joins",
                "Check the ids of the nodes and their order",
            )
        elif near.distance_m > max_distance_m:
            at = float(site.lon or 0), float(site.lat or 0)
            problems.append(too_far(where, *at, near.distance_m, max_distance_m, "road", network))
        else:
            item = placed_on(site, network, near.segment, near.distance_m)
            placed.append(replace(item, snapped=not (site.tail or site.road or site.road_class)))
    return placed


def too_far(
    where: str,
    lon: float,
    lat: float,
    distance_m: float,
    max_distance_m: float,
    what: str,
    network: Network,
) -> Problem:
    """Return the problem of a place that lies too far from the nearest road or
    junction; it says where exchanged degrees are on one.
    """
    found = f"lon {lon:.10g}, lat {lat:.10g}, {distance_m / 1000:,.1f} km from the nearest {what}"
    turned = float(metres_if_exchanged(network, np.array([lon]), np.array([lat]))[0])
    remedy = "Correct it, or raise sites.max_distance_m"
    if turned <= max_distance_m:
        found += f"; with longitude and latitude exchanged it is {turned:,.0f} m from a road"
        remedy = EXCHANGE
    return Problem(where, found, f"a place within {max_distance_m:,.10g} m of one", remedy)


def placed_on(
    site: SiteModel, network: Network, segment: int, distance_m: float = 0.0
) -> PlacedSite:
    """Return a site on a segment it is known to belong to, drawn at its own place or
    half way along.
    """
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
    """Return the nearest segment to each site given by a point, on the road that it
    names where it names one.
    """
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
        for position, segment, distance in zip(
            positions, segments.tolist(), distances.tolist(), strict=True
        ):
            found[position] = Near(segment, distance)
    return found


def _segments_between(network: Network) -> dict[tuple[str, str], int]:
    """Return the segment of the quickest arc from one named node to another."""
    names = network.node_id.astype(str)
    slowest_first = np.argsort(-network.time_s, kind="stable")
    tails, heads = (
        names[network.tail[slowest_first]].tolist(),
        names[network.head[slowest_first]].tolist(),
    )
    return dict(
        zip(zip(tails, heads, strict=True), network.segment[slowest_first].tolist(), strict=True)
    )


def crossing_sites(
    model: SitesModel, region: Region, settlements: Sequence[int]
) -> list[PlacedSite]:
    """Return a site just inside each crossing: on the segment by which one leaves it
    for the nearest settlement.
    """
    if model.crossings == "none":
        return []
    network = region.network
    inward_arc = shortest_path_tree(
        network.n_nodes, network.tail, network.head, network.time_s, settlements
    ).arc
    sites = []
    for crossing in region.crossings:
        inward = int(inward_arc[crossing.node])
        if (crossing.official or model.crossings == "all") and inward >= 0:
            road = crossing.name or crossing.road_class
            label = f"{road} at the border ({crossing.lat:.3f}, {crossing.lon:.3f})"
            site = SiteModel(
                id=f"crossing-{crossing.id}",
                label=label,
                lon=crossing.lon,
                lat=crossing.lat,
                agency=model.agency,
                kinds=model.kinds,
            )
            placed = placed_on(site, network, int(network.segment[inward]))
            behind = road_of_port(network, inward_arc, crossing.node) if crossing.official else -1
            sites.append(replace(placed, road=None if behind in (placed.segment, -1) else behind))
    return sites


def road_sites(
    model: SitesModel,
    network: Network,
    evaders: Sequence[Evader],
    reliability: NDArray[np.float64],
    *,
    taken: Sequence[PlacedSite],
    operated: Callable[[PlacedSite], PlacedSite],
) -> list[PlacedSite]:
    """Return sites on the segments that carry most evaders with nothing placed, each at
    least the spacing from busier and listed ones.

    Parameters
    ----------
    model, network
        What to offer, and the roads.
    evaders, reliability
        Who travels them, and the (m,) chance to pass each arc undetected with nothing
        placed.
    taken
        The other sites.
    operated
        Gives a site those who may run it; one that nobody may is not offered.
    """
    if not model.roads:
        return []
    answers = best_responses(network.n_nodes, network.tail, network.head, reliability, evaders)
    flow = segment_loads(network, evaders, answers)
    middle = network.segment_midpoint
    kept: list[PlacedSite] = []
    places = [(site.lon, site.lat) for site in taken]
    occupied = {site.segment for site in taken}
    for segment in np.argsort(-flow, kind="stable").tolist():
        if len(kept) == model.roads or flow[segment] <= 0:
            break
        lon, lat = middle[segment]
        near = np.array(places).reshape(-1, 2)
        if segment in occupied or (
            len(near) and great_circle_m(near[:, 0], near[:, 1], lon, lat).min() < model.spacing_m
        ):
            continue
        site = operated(placed_on(_road_site(model, network, segment), network, segment))
        if site.operators:
            kept.append(site)
            places.append((float(lon), float(lat)))
    return kept


def _road_site(model: SitesModel, network: Network, segment: int) -> SiteModel:
    arc = int(network.segment_arc[segment])
    lon, lat = network.segment_midpoint[segment]
    name = str(network.name[arc]) or str(network.road_class[arc])
    return SiteModel(
        id=f"road-{segment}",
        label=f"{name} ({lat:.3f}, {lon:.3f})",
        lon=float(lon),
        lat=float(lat),
        agency=model.agency,
        kinds=model.kinds,
    )


def road_label(network: Network, segment: int) -> str:
    """Return what messages call the road of a segment: its name (else its number) and class."""
    arc = network.segment_arc[segment]
    name, road_class = str(network.name[arc]), str(network.road_class[arc])
    return f"{name}, {road_class}" if name else f"a road of class {road_class}"


class RoadNames:
    """The segments of a network by name, number and class of their road; letter case
    and blanks do not count.

    Parameters
    ----------
    network
        The roads.
    """

    def __init__(self, network: Network) -> None:
        self._network = network

    @cached_property
    def _by_name(self) -> dict[str, list[int]]:
        network = self._network
        arcs = network.segment_arc
        numbers = [""] * arcs.size if network.ref is None else network.ref[arcs].tolist()
        found: dict[str, list[int]] = {}
        for segment, (name, number) in enumerate(
            zip(network.name[arcs].tolist(), numbers, strict=True)
        ):
            for text in {
                _plain(name),
                *map(_plain, name.split(";")),
                *map(_plain, number.split(";")),
            } - {""}:
                found.setdefault(text, []).append(segment)
        return found

    def segments(self, road: str, road_class: str) -> NDArray[np.int64]:
        """Return the segments of roads of a name or number, and of a class; either may be empty."""
        network = self._network
        chosen = np.ones(network.n_segments, dtype=bool)
        if road:
            chosen[:] = False
            chosen[self._by_name.get(_plain(road), [])] = True
        if road_class:
            chosen &= network.road_class[network.segment_arc] == road_class
        return np.flatnonzero(chosen)


def off_its_road(where: str, site: SiteModel, network: Network, max_distance_m: float) -> Problem:
    """Return the problem of a site that names a road which is not near it, with the
    roads that are.
    """
    lon, lat = np.array([site.lon], dtype=np.float64), np.array([site.lat], dtype=np.float64)
    _, segments = network.segments_near(lon, lat, np.array([max_distance_m]))
    arcs = network.segment_arc[segments]
    names = network.name[arcs].tolist() + (
        [] if network.ref is None else network.ref[arcs].tolist()
    )
    near = [
        name
        for name in dict.fromkeys(names if site.road else network.road_class[arcs].tolist())
        if name
    ]
    wanted = (
        " of class ".join(filter(None, (site.road, site.road_class)))
        if site.road
        else site.road_class
    )
    field = "road" if site.road else "road_class"
    return unknown_name(
        f"{where}, {field}",
        wanted,
        near,
        found=f"{wanted!r}, which no road within {max_distance_m:,.10g} m is",
        expected="" if near else "a road near the site",
        remedy="Correct it, leave it out, or raise sites.max_distance_m",
    )


def _plain(text: str) -> str:
    return "".join(text.casefold().split())


MUCH_LOWER = 2
"""Ranks of road classes by which a site's road lies below another one near it for the
other to be named: a side street beside a main road.
"""

FAR_FROM_JUNCTION_M = 500.0
"""Metres beyond which the distance from a base to its junction is named. Assumed."""


def site_warnings(sites: Sequence[PlacedSite], network: Network) -> Iterator[str]:
    """Yield a sentence on the sites that lie far from the road they were put on, and
    one on those beside a more important road.

    Parameters
    ----------
    sites
        On their segments. One that names its road, or its segment, is on the road that
        was meant.
    network
        The roads.
    """
    far = [
        message(
            "{site} ({metres:.0f} m from {road})",
            site=_called(item),
            metres=item.distance_m,
            road=road_label(network, item.segment),
        )
        for item in sites
        if item.distance_m > DOUBTFUL_M
    ]
    if far:
        yield message(
            "Some sites lie off the road they were put on; check that it is the right one:"
            " {sites}.",
            sites=shortened(far),
        )
    beside = _beside_more_important(sites, network)
    if beside:
        names = [
            message("{site} ({roads})", site=_called(each.site), roads=_two_roads(each, network))
            for each in beside[:NAMED]
        ]
        yield message(
            "Some sites were put on a road beside a more important one; where that is meant, name"
            " it in `road` or `road_class` of the site: {sites}.",
            sites=shortened(names, count=len(beside)),
        )


def base_warnings(
    bases: Sequence[TeamBaseModel], nodes: Sequence[int], network: Network
) -> Iterator[str]:
    """Yield a sentence on the bases that lie far from the junction that their teams set
    out from.

    Parameters
    ----------
    bases
        Of the scenario.
    nodes
        Node of each.
    network
        The roads.
    """
    at = np.array(nodes, dtype=np.int64)
    lon, lat = np.array([base.lon for base in bases]), np.array([base.lat for base in bases])
    distances = great_circle_m(lon, lat, network.lon[at], network.lat[at]).tolist()
    far = [
        f"{base.label or base.id} ({distance:.0f} m)"
        for base, distance in zip(bases, distances, strict=True)
        if distance > FAR_FROM_JUNCTION_M
    ]
    if far:
        yield message(
            "Some bases lie off the nearest junction, from which their teams set out: {bases}.",
            bases=shortened(far),
        )


@dataclass(frozen=True, slots=True)
class _Beside:
    """A site, and the segments of the most important class near it."""

    site: PlacedSite
    segments: NDArray[np.int64]


def _beside_more_important(sites: Sequence[PlacedSite], network: Network) -> list[_Beside]:
    """Return the sites that are on the nearest road without a word on which is meant,
    and have a much more important one near by.
    """
    snapped = [item for item in sites if item.snapped]
    if not snapped:
        return []
    rank = np.array(
        [RANK_OF.get(name, -1) for name in network.road_class[network.segment_arc].tolist()]
    )
    own = np.array([rank[item.segment] for item in snapped])
    lon, lat = np.array([item.lon for item in snapped]), np.array([item.lat for item in snapped])
    within = np.array([item.distance_m for item in snapped]) + DOUBTFUL_M
    point, segment = network.segments_near(lon, lat, within)
    better = (rank[segment] >= 0) & (rank[segment] + MUCH_LOWER <= own[point])
    order = np.flatnonzero(better)[np.argsort(point[better], kind="stable")]
    positions, first = np.unique(point[order], return_index=True)
    groups = np.split(segment[order], first[1:])
    return [
        _Beside(snapped[position], near[rank[near] == rank[near].min()])
        for position, near in zip(positions.tolist(), groups, strict=False)
    ]


def _two_roads(beside: _Beside, network: Network) -> str:
    """Return how far a site lies from its own road, and from the nearest of the more
    important ones.
    """
    item = beside.site
    nearest, distance = network.nearest_segments(
        np.array([item.lon]), np.array([item.lat]), beside.segments
    )
    return message(
        "{metres:.0f} m from {road}, {further:.0f} m from {other}",
        metres=item.distance_m,
        road=road_label(network, item.segment),
        further=distance[0],
        other=road_label(network, int(nearest[0])),
    )


def _called(item: PlacedSite) -> str:
    return item.site.label or item.site.id
