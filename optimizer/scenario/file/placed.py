"""A site as a table lists it and as it stands on its segment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from optimizer.scenario.file.model import SiteModel


@dataclass(frozen=True, slots=True)
class Operator:
    """An agency that may run a site, empty where it is everybody's, and the ids of the
    kinds that it may place there.
    """

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
        Where to draw it, in degrees.
    distance_m
        Metres from the place given to the segment; 0 where the segment was given.
    snapped
        Whether it is on the nearest segment to its place, without a word on which road
        is meant.
    operators
        Who may run it; empty where its agency may, with every kind that fits.
    counted
        Vehicles a day in one direction by the nearest count on its own road; None where
        none is near.
    road
        Segment of the road whose traffic passes: another one where the site stands
        among the lanes of a port, which maps draw as service roads; None for its own
        segment.
    """

    site: SiteModel
    segment: int
    arcs: tuple[int, ...]
    lon: float
    lat: float
    distance_m: float = 0.0
    snapped: bool = False
    operators: tuple[Operator, ...] = ()
    counted: float | None = None
    road: int | None = None


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
