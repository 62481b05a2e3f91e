"""Crossings: which are official, and which let evaders in."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.base.errors import ProblemList
from optimizer.base.language import marked
from optimizer.problem.network import great_circle_m
from optimizer.problem.places import Crossing, Gateway
from optimizer.problem.road_classes import MODE_OF
from optimizer.region.model import Dropped
from optimizer.region.terms import BUILT_IN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from optimizer.problem.network import Network
    from optimizer.region.crossings.border import Border
    from optimizer.region.crossings.cut import Cut
    from optimizer.region.terms import RegionTerms
    from optimizer.region.ways import Ways

OfficialMark = str | int | tuple[float, float]
"""What a user may list as official: a crossing's id, a way's number, or longitude and latitude of a point beside the crossing."""

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
    return _marked([crossing for crossing in crossings if crossing.node >= 0], official, terms.official_within_m)


def make_gateways(
    crossings: Sequence[Crossing], network: Network, border: Border, dropped: list[Dropped]
) -> tuple[Gateway, ...]:
    """Return one gateway for each node with a crossing from which an arc leads into the defended area; other crossings join `dropped`."""
    inward = _starts_inside(network, border, np.array([crossing.node for crossing in crossings], dtype=np.int64))
    gateways: dict[int, Gateway] = {}
    for crossing in sorted(crossings, key=lambda each: not each.official):
        if not inward[crossing.node]:
            dropped.append(Dropped(f"gateway {crossing.id}", _OUTBOUND))
        elif crossing.node not in gateways:
            kind = "port" if crossing.official else "unofficial"
            gateways[crossing.node] = Gateway(
                crossing.id, crossing.node, crossing.lon, crossing.lat, kind, name=crossing.name
            )
    order = {crossing.id: number for number, crossing in enumerate(crossings)}
    return tuple(sorted(gateways.values(), key=lambda gateway: order[gateway.id]))


def _starts_inside(network: Network, border: Border, nodes: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(n,) whether an arc leaves each of some nodes towards the defended area: the middle of its first straight piece lies inside."""
    inward = np.zeros(network.n_nodes, dtype=bool)
    inward[nodes] = True
    leaving = np.flatnonzero(inward[network.tail])
    lines = network.polylines.take(leaving)
    middle = (lines.nth(0) + lines.nth(1)) / 2
    inward[nodes] = False
    inward[network.tail[leaving[border.contains(middle[:, 0], middle[:, 1])]]] = True
    return inward


def _marked(crossings: list[Crossing], official: Sequence[OfficialMark], within_m: float) -> tuple[Crossing, ...]:
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
                f"a crossing's id, its way, or a point within {within_m:g} m of one ({known})",
                "Correct it",
            )
    problems.raise_if_any()
    return tuple(replace(crossing, official=True) if crossing.id in chosen else crossing for crossing in crossings)


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
    return isinstance(mark, list | tuple) and len(mark) == 2 and all(isinstance(each, int | float) for each in mark)


def _distances(lon: float, lat: float, places: NDArray[np.float64]) -> NDArray[np.float64]:
    return great_circle_m(np.full(len(places), lon), np.full(len(places), lat), places[:, 0], places[:, 1])
