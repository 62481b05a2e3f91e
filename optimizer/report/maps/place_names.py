"""What people call a spot: its road, and where it lies from the nearest place with a name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from optimizer.base.text.formatting import SPACE, number
from optimizer.base.text.language import gettext as _
from optimizer.base.text.language import localised, marked, spoken, term
from optimizer.problem.network.geodesy import EARTH_RADIUS_M, great_circle_m
from optimizer.report.words import word

if TYPE_CHECKING:
    from optimizer.problem.network.network import Network
    from optimizer.problem.network.places import NamedPlace

NEAR_KM = 10.0
"""Kilometres from a place up to which a spot is near it; beyond them its distance and
direction are said.
"""
TOWN_KM = 60.0
"""Kilometres up to which a town is named before a crossing that is nearer."""
FEW = 8
"""Places nearest to a spot among which one of its own side is sought."""
WINDS = (
    marked("north"),
    marked("north-east"),
    marked("east"),
    marked("south-east"),
    marked("south"),
    marked("south-west"),
    marked("west"),
    marked("north-west"),
)


class SegmentName(NamedTuple):
    """What people call a segment in full, its road, and the place it is named after
    (None where there is none).
    """

    text: str
    road: str
    place: str | None


class PlaceNames:
    """The places that a spot can be near to: a town within 60 km before any other
    place, else the nearest of any kind.

    A town beyond the border is named last: nobody is sent to a road near a town of
    another country.

    Parameters
    ----------
    network
        The roads.
    places
        In any order; states and countries are not used.
    border
        Its lines, in degrees; None where there is none.
    """

    def __init__(
        self,
        network: Network | None,
        places: Sequence[NamedPlace],
        border: NDArray[np.object_] | None = None,
    ) -> None:
        self._network = network
        self._border = np.empty(0, dtype=object) if border is None else border
        towns = [place for place in places if place.kind == "town" and place.name]
        others = [place for place in places if place.kind == "crossing" and place.name]
        self._sets = [
            (each, cKDTree(_on_sphere(np.array([(place.lon, place.lat) for place in each]))))
            for each in (towns, towns + others)
            if each
        ]
        self._known: dict[tuple[str, float, float, str], str] = {}

    def where(self, lon: float, lat: float, road: str = "") -> str:
        """Return `near X`, or `N km west of X`, for a spot in degrees; the degrees
        where there is no place.

        `road` is the name of the road there: a bridge is not near itself.
        """
        key = spoken().code, lon, lat, road
        if key not in self._known:  # the desk asks for the same sites at every action
            spot = np.array([lon, lat])
            nearest = self._nearest(spot, road)
            degrees = _("at {lat}, {lon}").format(
                lat=localised(f"{lat:.3f}"), lon=localised(f"{lon:.3f}")
            )
            self._known[key] = degrees if nearest is None else _away(nearest, spot)
        return self._known[key]

    @staticmethod
    def in_degrees(where: str) -> bool:
        """Return whether a text of `where` gives degrees, for want of a place."""
        return where.startswith(_("at {lat}, {lon}").partition("{")[0])

    @staticmethod
    def joined(road: str, where: str) -> str:
        """Return a road and where it is, as `where` says it."""
        if not where:
            return road
        near = where.startswith(_("near {place}").partition("{")[0]) or PlaceNames.in_degrees(where)
        return (_("{road} {near}") if near else _("{road}, {near}")).format(road=road, near=where)

    def segment(self, segment: int) -> SegmentName:
        """Return what people would call a segment of the network: its road (or its
        class), and where that is.
        """
        network = self._network
        if network is None:
            raise ValueError("places without a network name no segment")
        arc = network.segment_arc[segment]
        road = term(str(network.name[arc])) or word(str(network.road_class[arc])) or _("road")
        lon, lat = network.segment_midpoint[segment].tolist()
        nearest, where = self._nearest(np.array([lon, lat]), road), self.where(lon, lat, road)
        return SegmentName(
            self.joined(road, where), road, None if nearest is None else nearest.name
        )

    def _nearest(self, spot: NDArray[np.float64], road: str) -> NamedPlace | None:
        beyond = None
        for places, tree in self._sets:
            last = tree is self._sets[-1][1]
            for k in _nearest_few(tree, spot, len(places)):
                place = places[k]
                if place.name in {road, term(road)} or not (
                    last or _kilometres(place, spot) <= TOWN_KM
                ):
                    continue
                if place.kind != "town" or not self._across(place, spot):
                    return place
                beyond = beyond or place
        return beyond

    def _across(self, place: NamedPlace, spot: NDArray[np.float64]) -> bool:
        """Return whether the way to a place crosses the border an odd number of times."""
        way = shapely.LineString(np.array([spot, (place.lon, place.lat)]))
        crossed = shapely.intersection(self._border[shapely.intersects(self._border, way)], way)
        return len(shapely.get_coordinates(crossed)) % 2 == 1


def _nearest_few(tree: cKDTree, spot: NDArray[np.float64], count: int) -> list[int]:
    found = tree.query(_on_sphere(spot[None])[0], k=list(range(1, min(FEW, count) + 1)))[1]
    return [int(k) for k in np.ravel(found)]


def _kilometres(place: NamedPlace, spot: NDArray[np.float64]) -> float:
    here = np.array([[place.lon, place.lat]])
    return float(great_circle_m(here[:, 0], here[:, 1], spot[:1], spot[1:])[0]) / 1000


def _away(place: NamedPlace, spot: NDArray[np.float64]) -> str:
    lon, lat = spot.tolist()
    kilometres = _kilometres(place, spot)
    if kilometres <= NEAR_KM:
        return _("near {place}").format(place=place.name)
    east = (lon - place.lon + 180) % 360 - 180
    bearing = np.degrees(np.arctan2(east * np.cos(np.radians(place.lat)), lat - place.lat))
    wind = _(WINDS[round(bearing / 45) % 8])
    distance = f"{number(round(kilometres))}{SPACE}km"
    return _("{distance} {wind} of {place}").format(distance=distance, wind=wind, place=place.name)


def _on_sphere(lonlat: NDArray[np.float64]) -> NDArray[np.float64]:
    """(k, 3) metres of (k, 2) degrees: straight lines through the earth sort places as
    the ground does.
    """
    lon, lat = np.radians(lonlat).T
    return EARTH_RADIUS_M * np.column_stack(
        (np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat))
    )
