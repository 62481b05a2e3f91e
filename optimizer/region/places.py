"""The places of a region: crossings (which are official, and which let evaders in),
gateways at the map's edge, and settlements.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from optimizer.base.errors import ProblemList
from optimizer.base.text.language import marked
from optimizer.base.text.messages import message
from optimizer.problem.network.geodesy import great_circle_m
from optimizer.problem.network.network import Network
from optimizer.problem.network.places import Crossing, Gateway, Settlement
from optimizer.problem.network.road_classes import HIGHWAY_CLASSES, MODE_OF
from optimizer.problem.network.shortest_paths import shortest_path_tree
from optimizer.region.border import Border, Cut
from optimizer.region.model import BUILT_IN, SAME_ROAD, Dropped, RegionTerms, road_names
from optimizer.region.osm import PlaceNode
from optimizer.region.ways import Ways

OfficialMark = str | int | tuple[float, float]
"""What a user may list as official: a crossing's id, a way's number, or longitude and
latitude of a point beside the crossing.
"""

_OUTBOUND = marked("one-way out of the defended area: nobody enters there")


def make_crossings(
    ways: Ways,
    cuts: Sequence[Cut],
    node: NDArray[np.integer],
    controls: NDArray[np.float64],
    official: Sequence[OfficialMark],
    terms: RegionTerms = BUILT_IN,
) -> tuple[Crossing, ...]:
    """Return the crossings that lie on the network.

    Parameters
    ----------
    ways, cuts
        Ways cut at the border, and where.
    node
        (p,) position in the network of each point of the ways, -1 for none.
    controls
        (c, 2) longitude and latitude of border controls.
    official
        Crossings that the user knows to be official.
    terms
        How near a border control makes a crossing official.

    Raises
    ------
    InputError
        If a mark in `official` fits no crossing; all such marks are named.
    """
    count: dict[int, int] = {}
    crossings = []
    for line, point in cuts:
        way = int(ways.way[line])
        count[way] = count.get(way, 0) + 1
        lon, lat = ways.points.lonlat.degrees(np.array([point]))[0].tolist()
        road_class = str(ways.road_class[line])
        drive = MODE_OF.get(road_class, "drive") == "drive"
        within = terms.official_within_m if drive else terms.official_off_road_within_m
        crossings.append(
            Crossing(
                id=f"w{way}-{count[way]}",
                node=int(node[point]),
                lon=lon,
                lat=lat,
                official=bool((_distances(lon, lat, controls) <= within).any()),
                road_class=road_class,
                name=str(ways.name[line]),
                way=way,
            )
        )
    return _marked(
        [crossing for crossing in crossings if crossing.node >= 0],
        official,
        terms.official_within_m,
    )


def make_gateways(
    crossings: Sequence[Crossing],
    network: Network,
    border: Border,
    settlements: Sequence[Settlement],
    dropped: list[Dropped],
    terms: RegionTerms = BUILT_IN,
) -> tuple[Gateway, ...]:
    """Return one gateway for each road with a crossing from which an arc leads into the
    defended area; other crossings join `dropped`.

    A road that weaves over the border has one gateway: an official crossing if it has
    any, and of these the one from which the way to the nearest settlement of the
    defended side takes longest. From there a load passes the others on its way in.
    """
    inward = _starts_inside(
        network, border, np.array([crossing.node for crossing in crossings], dtype=np.int64)
    )
    gateways: dict[int, Gateway] = {}
    for crossing in sorted(crossings, key=lambda each: not each.official):
        if not inward[crossing.node]:
            dropped.append(Dropped(f"gateway {crossing.id}", _OUTBOUND))
        elif crossing.node not in gateways:
            kind = "port" if crossing.official else "unofficial"
            gateways[crossing.node] = Gateway(
                crossing.id, crossing.node, crossing.lon, crossing.lat, kind, name=crossing.name
            )
    crossed = {crossing.node for crossing in crossings}
    road = _roads_of(network, sorted(gateways), crossed, terms.same_road_within_m)
    home = [place.node for place in settlements if place.domestic]
    away = shortest_path_tree(
        network.n_nodes, network.tail, network.head, network.time_s, home
    ).cost
    chosen: dict[int, Gateway] = {}
    for gateway in sorted(
        gateways.values(), key=lambda each: (each.kind != "port", -away[each.node])
    ):
        chosen.setdefault(road[gateway.node], gateway)
    dropped += [
        Dropped(f"gateway {gateway.id}", SAME_ROAD)
        for gateway in gateways.values()
        if chosen[road[gateway.node]] is not gateway
    ]
    order = {crossing.id: number for number, crossing in enumerate(crossings)}
    return tuple(sorted(chosen.values(), key=lambda gateway: order[gateway.id]))


def _roads_of(
    network: Network, entries: Sequence[int], crossed: set[int], within_m: float
) -> dict[int, int]:
    """Return a number for the road of each gateway, by its node.

    Two gateways are of one road if a vehicle can drive from one to the other along a
    road of one number or name, or with no junction between them but other crossings.
    Lanes side by side are not: nobody drives from one to the other.
    """
    if not within_m or not entries:
        return {node: number for number, node in enumerate(entries)}
    number_of = {node: number for number, node in enumerate(entries)}
    leaving = np.argsort(network.tail, kind="stable")
    start = np.searchsorted(network.tail[leaving], np.arange(network.n_nodes + 1))

    def outgoing(node: int) -> list[int]:
        return [int(arc) for arc in leaving[start[node] : start[node + 1]]]

    pairs = []
    for node in entries:
        names = {name for arc in outgoing(node) for name in road_names(network, arc)}
        reached = _reached(network, outgoing, node, lambda here, _arc: here in crossed, within_m)
        for name in names:
            reached |= _reached(
                network,
                outgoing,
                node,
                lambda _here, arc, name=name: name in road_names(network, arc),  # type: ignore[misc]
                within_m,
            )
        pairs += [(number_of[node], number_of[other]) for other in reached if other in number_of]
    ends = np.array(pairs, dtype=np.int32).T
    joined = coo_array((np.ones(len(pairs)), (ends[0], ends[1])), shape=(len(entries),) * 2)
    road = connected_components(joined, directed=False)[1].tolist()
    return dict(zip(entries, road, strict=True))


def _reached(
    network: Network,
    outgoing: Callable[[int], list[int]],
    node: int,
    follows: Callable[[int, int], bool],
    within_m: float,
) -> set[int]:
    """Return the nodes that can be driven to within some metres along the arcs that a
    rule, asked with node and arc, follows.
    """
    done: set[int] = set()
    queue = [(0.0, node)]
    while queue:
        gone, here = heapq.heappop(queue)
        if here in done:
            continue
        done.add(here)
        for arc in outgoing(here):
            farther = gone + float(network.length_m[arc])
            if farther <= within_m and follows(here, arc):
                heapq.heappush(queue, (farther, int(network.head[arc])))
    return done


def _starts_inside(network: Network, border: Border, nodes: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(n,) whether an arc leaves each of some nodes towards the defended area: the
    middle of its first straight piece lies inside.
    """
    inward = np.zeros(network.n_nodes, dtype=bool)
    inward[nodes] = True
    leaving = np.flatnonzero(inward[network.tail])
    lines = network.polylines.take(leaving)
    middle = (lines.nth(0) + lines.nth(1)) / 2
    inward[nodes] = False
    inward[network.tail[leaving[border.contains(middle[:, 0], middle[:, 1])]]] = True
    return inward


def _marked(
    crossings: list[Crossing], official: Sequence[OfficialMark], within_m: float
) -> tuple[Crossing, ...]:
    chosen: set[str] = set()
    problems = ProblemList()
    for mark in official:
        fitting = _fitting(crossings, mark, within_m)
        chosen.update(fitting)
        if not fitting:
            known = ", ".join(crossing.id for crossing in crossings) or "there are no crossings"
            problems.add(
                "official",
                mark,
                f"a crossing's id, its way, or a point within {within_m:,.10g} m of one ({known})",
                "Correct it",
            )
    problems.raise_if_any()
    return tuple(
        replace(crossing, official=True) if crossing.id in chosen else crossing
        for crossing in crossings
    )


def _fitting(crossings: Sequence[Crossing], mark: Any, within_m: float) -> list[str]:  # noqa: ANN401 - from a user's file
    """Return ids of the crossings that a mark means: a point means the nearest."""
    if isinstance(mark, str | int):
        text = str(mark).removeprefix("way").strip()
        return [crossing.id for crossing in crossings if text in {crossing.id, str(crossing.way)}]
    if not crossings or not _is_point(mark):
        return []
    places = np.array([(crossing.lon, crossing.lat) for crossing in crossings])
    distances = _distances(float(mark[0]), float(mark[1]), places)
    nearest = int(distances.argmin())
    return [crossings[nearest].id] if distances[nearest] <= within_m else []


def _is_point(mark: Any) -> bool:  # noqa: ANN401 - as above
    return (
        isinstance(mark, list | tuple)
        and len(mark) == 2
        and all(isinstance(each, int | float) for each in mark)
    )


def _distances(lon: float, lat: float, places: NDArray[np.float64]) -> NDArray[np.float64]:
    return great_circle_m(
        np.full(len(places), lon), np.full(len(places), lat), places[:, 0], places[:, 1]
    )


_ENOUGH = 2
"""Gateways with which no lesser class of road is asked for its loose ends."""


def make_edge_gateways(network: Network) -> tuple[Gateway, ...]:
    """Return a gateway of kind `edge` for each loose end of a main road that one can
    drive in from.

    A main road (motorway to secondary) hardly ever ends anywhere but at the map's edge.
    Where fewer than two do, loose ends of lesser roads are taken too, class by class; a
    network without loose ends has no gateways.
    """
    loose = _loose_ends(network)
    order = {row.name: row.edge for row in HIGHWAY_CLASSES if row.edge is not None}
    last = max(order.values()) + 1
    place = np.full(network.n_nodes, last)  # the best place of the roads that leave a node
    np.minimum.at(
        place, network.tail, [order.get(name, last) for name in network.road_class.tolist()]
    )
    chosen = loose[:0]
    for number in range(last + 1):
        chosen = loose[place[loose] <= number]
        if chosen.size >= _ENOUGH:
            break
    leaving = np.isin(network.tail, chosen)
    name = dict(zip(network.tail[leaving].tolist(), network.name[leaving].tolist(), strict=True))
    return tuple(
        Gateway(
            f"edge-{network.node_id[node]}",
            node,
            float(network.lon[node]),
            float(network.lat[node]),
            "edge",
            name=name[node],
        )
        for node in chosen.tolist()
    )


def _loose_ends(network: Network) -> NDArray[np.int64]:
    """Return the nodes on a single segment that an arc leaves."""
    arc = network.segment_arc
    segments = np.bincount(
        np.concatenate((network.tail[arc], network.head[arc])), minlength=network.n_nodes
    )
    leaving = np.bincount(network.tail, minlength=network.n_nodes)
    return np.flatnonzero((segments == 1) & (leaving > 0))


ASSUMED_POPULATION = {"city": 100_000.0, "town": 10_000.0, "village": 1_000.0, "hamlet": 100.0}
"""Inhabitants of a place without a usable `population`: the lower end of what
OpenStreetMap's wiki (Key:place) calls a city, a town and a village, and the upper end
of a hamlet. Assumed, and marked so. Other kinds of place are parts of these or single
houses.
"""


def make_settlements(
    places: Sequence[PlaceNode],
    network: Network,
    border: Border | None,
    dropped: list[Dropped],
    terms: RegionTerms = BUILT_IN,
) -> tuple[Settlement, ...]:
    """Return the cities, towns, villages and hamlets on a network; the places left out
    join `dropped`.
    """
    wanted = [place for place in places if place.kind in ASSUMED_POPULATION]
    others = [place for place in places if place.kind not in ASSUMED_POPULATION]
    dropped += [
        Dropped(
            f"node {place.id}",
            message("place={kind}: not a settlement of its own", kind=place.kind),
        )
        for place in others
    ]
    lon, lat = np.array([place.lon for place in wanted]), np.array([place.lat for place in wanted])
    if not wanted:
        return ()
    node, distance = network.nearest_nodes(lon, lat)
    domestic = border.contains(lon, lat) if border else np.ones(lon.size, dtype=bool)
    assumed = ASSUMED_POPULATION | dict(terms.population)
    settlements = []
    for i, place in enumerate(wanted):
        # None is not stated, 0 is stated: hamlets that were given up carry
        # `population=0` and are no destination.
        population = parse_population(place.population)
        if distance[i] > terms.settlement_within_m:
            dropped.append(
                Dropped(
                    f"node {place.id}",
                    message(
                        "no road within {distance:g} km", distance=terms.settlement_within_m / 1000
                    ),
                )
            )
        elif population == 0:
            dropped.append(Dropped(f"node {place.id}", marked("nobody lives there")))
        else:
            settlements.append(
                Settlement(
                    id=f"n{place.id}",
                    node=int(node[i]),
                    lon=place.lon,
                    lat=place.lat,
                    name=place.name,
                    population=assumed[place.kind] if population is None else float(population),
                    population_assumed=population is None,
                    domestic=bool(domestic[i]),
                )
            )
    return tuple(settlements)


def parse_population(text: str) -> int | None:
    """Return a `population` tag as a number; None where it holds none that is clear.

    Examples
    --------
    >>> parse_population("~1 200"), parse_population("24,678 (2022)"), parse_population("many")
    (1200, 24678, None)
    """
    match = re.match(
        r"\s*(?:~|≈|ca\.?|c\.|about|approx\.?)?\s*(\d{1,3}(?:[\s,.'\u2019\u00a0\u202f]\d{3})+|\d+)(?![\d.,])",
        text,
    )
    return int(re.sub(r"\D", "", match[1])[:12]) if match else None
