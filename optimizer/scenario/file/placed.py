"""A site as a table lists it and as it stands on its segment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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
    """A site on its segment."""

    #: As the scenario gives it.
    site: SiteModel
    #: Segment of the network.
    segment: int
    #: Arcs it watches.
    arcs: tuple[int, ...]
    #: `lon`, `lat`: Where to draw it, in degrees.
    lon: float
    lat: float
    #: Metres from the place given to the segment; 0 where the segment was given.
    distance_m: float = 0.0
    #: Whether it is on the nearest segment to its place, without a word on which road
    #: is meant.
    snapped: bool = False
    #: Who may run it; empty where its agency may, with every kind that fits.
    operators: tuple[Operator, ...] = ()
    #: Vehicles a day in one direction by the nearest count on its own road; None where
    #: none is near.
    counted: float | None = None
    #: Segment of the road whose traffic passes: another one where the site stands among
    #: the lanes of a port, which maps draw as service roads; None for its own segment.
    road: int | None = None


@dataclass(frozen=True, slots=True)
class ListedSite:
    """A site as a table lists it."""

    #: File, row and id, for messages.
    where: str
    #: Its fields, unchecked.
    content: Mapping[str, Any]
    #: The same, checked; None where a field is faulty.
    site: SiteModel | None
