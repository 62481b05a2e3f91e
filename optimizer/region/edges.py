"""Gateways of a region without a border: where roads enter the map."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimizer.problem.places import Gateway

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.problem.network import Network

_RANKS = (
    ("motorway", "motorway_link", "trunk", "trunk_link", "primary", "primary_link", "secondary", "secondary_link"),
    ("tertiary", "tertiary_link"),
    ("unclassified",),
)
"""Classes of road in the order in which their loose ends are believed to be the map's edge."""

_ENOUGH = 2


def make_edge_gateways(network: Network) -> tuple[Gateway, ...]:
    """Return a gateway of kind `edge` for each loose end of a main road that one can drive in from.

    A main road (motorway to secondary) hardly ever ends anywhere but at the map's edge. Where fewer than two do, loose ends of lesser
    roads are taken too, class by class; a network without loose ends has no gateways.
    """
    loose = _loose_ends(network)
    rank = np.full(network.n_nodes, len(_RANKS))
    for number, classes in reversed(list(enumerate(_RANKS))):
        rank[network.tail[np.isin(network.road_class, classes)]] = number
    chosen = loose[:0]
    for number in range(len(_RANKS) + 1):
        chosen = loose[rank[loose] <= number]
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
    segments = np.bincount(np.concatenate((network.tail[arc], network.head[arc])), minlength=network.n_nodes)
    leaving = np.bincount(network.tail, minlength=network.n_nodes)
    return np.flatnonzero((segments == 1) & (leaving > 0))
