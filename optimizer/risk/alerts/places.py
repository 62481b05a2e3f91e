"""The places that alerts speak of: segments, crossings, neighbourhoods, areas, and the whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.base.errors import InputError, Problem
from optimizer.base.text.messages import message
from optimizer.records.model import Effort, Seizures
from optimizer.risk.field_flow.field import road_neighbours

if TYPE_CHECKING:
    from optimizer.problem.network.network import Network
    from optimizer.problem.network.places import Gateway


@dataclass(frozen=True, eq=False)
class Place:
    """Somewhere seizures are counted."""

    #: Unique among the places of one kind.
    id: str
    #: What people call it; a message where the words are ours.
    label: str
    #: (k,) sorted segments that belong to it.
    segments: NDArray[np.int64] = field(repr=False)
    #: Name of the area it is, of which seizures may be known without a point; None
    #: otherwise.
    area: str | None = None
    #: Whether it is the whole network, where seizures of every area count too.
    everything: bool = False
    #: Places of what size it is one of: they share a part of a budget of false alarms.
    scale: str = "segment"

    @property
    def by_points(self) -> bool:
        """Whether seizures with a point alone count here."""
        return self.area is None and not self.everything


def segment_places(
    network: Network, segments: NDArray[np.integer] | None = None
) -> tuple[Place, ...]:
    """Return each of the (k,) segments, by default of all, as a place of its own."""
    chosen = np.arange(network.n_segments) if segments is None else segments
    return tuple(Place(str(s), segment_label(network, s), np.array([s])) for s in chosen.tolist())


def segment_label(network: Network, segment: int) -> str:
    """Return what a person may call a segment: its road's name, else its class, and its number."""
    arc = network.segment_arc[segment]
    name = " ".join(str(network.name[arc]).split())
    return f"{name or network.road_class[arc]} ({segment})"


def crossing_places(network: Network, gateways: Sequence[Gateway]) -> tuple[Place, ...]:
    """Return the segments that meet at each gateway as a place.

    Raises
    ------
    InputError
        If there is no gateway.
    """
    if not gateways:
        raise InputError(
            Problem(
                "--by crossing",
                "a network without gateways",
                "at least one gateway",
                "Use --by segment or --by area",
            )
        )
    arc = network.segment_arc
    tail, head = network.tail[arc], network.head[arc]
    return tuple(
        Place(
            gateway.id,
            gateway.label,
            np.flatnonzero((tail == gateway.node) | (head == gateway.node)).astype(np.int64),
            scale="crossing",
        )
        for gateway in gateways
    )


def neighbourhood_places(network: Network) -> tuple[Place, ...]:
    """Return every segment with the segments that meet it; neighbourhoods overlap."""
    near = road_neighbours(network)
    chosen = np.arange(near.size)
    first, second = (
        np.concatenate((near.first, near.second)),
        np.concatenate((near.second, near.first)),
    )
    order = np.argsort(first, kind="stable")
    first, second = first[order], second[order]
    start, end = np.searchsorted(first, chosen), np.searchsorted(first, chosen, side="right")
    return tuple(
        Place(
            str(s),
            message("around {place}", place=segment_label(network, s)),
            np.sort(np.append(second[a:b], s)),
            scale="neighbourhood",
        )
        for s, a, b in zip(chosen.tolist(), start.tolist(), end.tolist(), strict=True)
    )


def area_places(records: Seizures, effort: Effort) -> tuple[Place, ...]:
    """Return the areas that records and effort may name, those without a segment left
    out.

    Raises
    ------
    InputError
        If there is none.
    """
    members = {
        name: segments
        for table in (records, effort)
        for name, segments in zip(table.area_name, table.area_segment, strict=True)
        if segments.size
    }
    if not members:
        raise InputError(
            Problem(
                "--by area",
                "a record without areas",
                "areas on the network",
                "State [region] areas, or use --by segment",
            )
        )
    return tuple(
        Place(name, name, np.sort(segments), name, scale="area")
        for name, segments in members.items()
    )


def whole_place(network: Network) -> Place:
    """Return the whole network as one place."""
    return Place(
        "whole",
        message("everywhere"),
        np.arange(network.n_segments),
        everything=True,
        scale="whole",
    )


ZONE_STEPS = (3, 7, 15)
"""Junctions from the middle of a zone to its rim, for each scale of zones: a fall shows
only where much is expected.
"""


def zone_places(network: Network, steps: int) -> tuple[Place, ...]:
    """Return every segment in one zone: zones are what is left within so many junctions
    of a segment that is in none yet, by its number.

    Parameters
    ----------
    network
        The roads.
    steps
        Junctions from the middle to the rim, >= 1.
    """
    near = road_neighbours(network)
    first, second = (
        np.concatenate((near.first, near.second)),
        np.concatenate((near.second, near.first)),
    )
    order = np.argsort(first, kind="stable")
    start = np.searchsorted(first[order], np.arange(near.size + 1))
    second, free = second[order], np.ones(near.size, dtype=bool)
    zones = []
    for middle in range(near.size):
        if not free[middle]:
            continue
        zone = rim = np.array([middle], dtype=np.int64)
        free[middle] = False
        for _ in range(steps):
            beside = [second[start[s] : start[s + 1]] for s in rim.tolist()]
            rim = np.unique(np.concatenate(beside)) if beside else rim
            rim = rim[free[rim]]
            free[rim] = False
            zone = np.append(zone, rim)
        label = message(
            "{count} roads around {place}", count=zone.size, place=segment_label(network, middle)
        )
        zones.append(
            Place(f"{middle} and {steps} junctions", label, np.sort(zone), scale=f"zone {steps}")
        )
    return tuple(zones)


def places_of_every_scale(network: Network) -> tuple[Place, ...]:
    """Return segments, neighbourhoods and zones, for one budget of false alarms."""
    return (
        *segment_places(network),
        *neighbourhood_places(network),
        *(zone for steps in ZONE_STEPS for zone in zone_places(network, steps)),
    )
