"""Places that may have been put on the wrong road: far from it, or beside a more important one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.said import NAMED, said, shortened
from optimizer.problem.network import great_circle_m
from optimizer.problem.places import DOUBTFUL_M
from optimizer.problem.road_classes import RANK_OF
from optimizer.scenario.road_names import road_label

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from optimizer.problem.network import Network
    from optimizer.scenario.sites import PlacedSite
    from optimizer.scenario.team_model import TeamBaseModel

MUCH_LOWER = 2
"""Ranks of road classes by which a site's road lies below another one near it for the other to be named: a side street beside a main road."""
FAR_FROM_JUNCTION_M = 500.0
"""Metres beyond which the distance from a base to its junction is named. Assumed."""


def site_warnings(sites: Sequence[PlacedSite], network: Network) -> Iterator[str]:
    """Yield a sentence on the sites that lie far from the road they were put on, and one on those beside a more important road.

    Parameters
    ----------
    sites
        On their segments. One that names its road, or its segment, is on the road that was meant.
    network
        The roads.
    """
    far = [
        said(
            "{site} ({metres:.0f} m from {road})",
            site=_called(item),
            metres=item.distance_m,
            road=road_label(network, item.segment),
        )
        for item in sites
        if item.distance_m > DOUBTFUL_M
    ]
    if far:
        yield said(
            "Some sites lie off the road they were put on; check that it is the right one: {sites}.",
            sites=shortened(far),
        )
    beside = _beside_more_important(sites, network)
    if beside:
        names = [
            said("{site} ({roads})", site=_called(each.site), roads=_two_roads(each, network))
            for each in beside[:NAMED]
        ]
        yield said(
            "Some sites were put on a road beside a more important one; where that is meant, name it in `road` or `road_class` of the site: "
            "{sites}.",
            sites=shortened(names, count=len(beside)),
        )


def base_warnings(bases: Sequence[TeamBaseModel], nodes: Sequence[int], network: Network) -> Iterator[str]:
    """Yield a sentence on the bases that lie far from the junction that their teams set out from.

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
        yield said(
            "Some bases lie off the nearest junction, from which their teams set out: {bases}.", bases=shortened(far)
        )


@dataclass(frozen=True, slots=True)
class _Beside:
    """A site, and the segments of the most important class near it."""

    site: PlacedSite
    segments: NDArray[np.int64]


def _beside_more_important(sites: Sequence[PlacedSite], network: Network) -> list[_Beside]:
    """Return the sites that are on the nearest road without a word on which is meant, and have a much more important one near by."""
    snapped = [item for item in sites if item.snapped]
    if not snapped:
        return []
    rank = np.array([RANK_OF.get(name, -1) for name in network.road_class[network.segment_arc].tolist()])
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
    """Return how far a site lies from its own road, and from the nearest of the more important ones."""
    item = beside.site
    nearest, distance = network.nearest_segments(np.array([item.lon]), np.array([item.lat]), beside.segments)
    return said(
        "{metres:.0f} m from {road}, {further:.0f} m from {other}",
        metres=item.distance_m,
        road=road_label(network, item.segment),
        further=distance[0],
        other=road_label(network, int(nearest[0])),
    )


def _called(item: PlacedSite) -> str:
    return item.site.label or item.site.id
