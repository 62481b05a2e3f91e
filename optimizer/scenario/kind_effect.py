"""What a kind does at a site: the arcs it watches from there, and the chance to pass each of them undetected."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimizer.problem.detection import (
    beat_survival,
    checkpoint_survival,
    orbit_meeting,
    patrol_survival,
    random_search,
    sensor_survival,
    station_share,
)
from optimizer.problem.graph import cost_graph
from optimizer.problem.network import great_circle_m

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.problem.network import Network
    from optimizer.scenario.kind_model import KindModel, OrbitModel
    from optimizer.scenario.sites import PlacedSite


def kind_effect(
    kind: KindModel, item: PlacedSite, network: Network, hourly: float
) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Return the arcs that a kind watches from a site and the chance to pass it undetected on each, below 1.

    A drone watches beyond its site and, whatever the site's direction, both ways; everything else watches the site's own arcs.

    Parameters
    ----------
    kind
        The kind.
    item
        The site on its segment.
    network
        The roads.
    hourly
        Vehicles an hour past the site in the watched direction, > 0.
    """
    if kind.orbit is not None:
        arcs, survival = _from_the_air(kind, kind.orbit, item, network)
    else:
        arcs = np.array(item.arcs, dtype=np.int64)
        survival = np.full(arcs.size, _on_the_ground(kind, item.site.lanes, hourly))
    touched = survival < 1  # what detects nothing touches nothing
    return tuple(arcs[touched].tolist()), tuple(survival[touched].tolist())


def _on_the_ground(kind: KindModel, lanes: float, hourly: float) -> float:
    if kind.survival is not None:
        return kind.survival
    detection = kind.detection or 0.0
    if kind.uptime is not None:
        return sensor_survival(kind.uptime, detection, kind.response or 0.0)
    return checkpoint_survival((kind.capacity or 0.0) * lanes, hourly, detection)


def _from_the_air(
    kind: KindModel, orbit: OrbitModel, item: PlacedSite, network: Network
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the arcs under an orbit and the survival on each: to be seen in the time on the arc, while it is up, and acted upon."""
    acted = station_share(orbit.station_hours, orbit.shift_hours) * (kind.response or 0.0)
    detection = kind.detection or 0.0
    if orbit.area_km2 is not None:
        arcs = _arcs_of_area(item, network, orbit.area_km2)
        hours = network.time_s[arcs] / 3600
        effective_m = (orbit.width_m or 0.0) * detection
        return arcs, patrol_survival(random_search(effective_m, orbit.speed_kmh, hours, orbit.area_km2), acted)
    road_km = orbit.road_km or 0.0
    arcs = _arcs_of_road(item, network, road_km)
    km = network.length_m[arcs] / 1000
    flown = np.minimum(km, road_km)
    hours = network.time_s[arcs] / 3600 * flown / km
    both_ways = orbit_meeting(flown / orbit.speed_kmh, hours, 2 * road_km / orbit.speed_kmh)
    return arcs, beat_survival(np.column_stack(both_ways), detection * acted)


def _arcs_of_area(item: PlacedSite, network: Network, area_km2: float) -> NDArray[np.int64]:
    """Return the arcs whose segments have their middle in a disc around the site, and the site's own."""
    middle = network.segment_midpoint
    here = np.array([item.lon]), np.array([item.lat])
    near = great_circle_m(middle[:, 0], middle[:, 1], *here) <= 1000 * np.sqrt(area_km2 / np.pi)
    near[item.segment] = True
    return np.flatnonzero(near[network.segment])


def _arcs_of_road(item: PlacedSite, network: Network, road_km: float) -> NDArray[np.int64]:
    """Return the arcs of the site's road (its name, or its class where it has none) to half the length on either side, and the site's own."""
    own = network.segment == item.segment
    first = item.arcs[0]
    called = network.name if network.name[first] else network.road_class
    same = np.flatnonzero((called == called[first]) | own)
    tail, head, length = network.tail[same], network.head[same], network.length_m[same]
    ends, starts = np.append(tail, head), np.append(head, tail)  # a drone flies against a one-way road as well
    graph = cost_graph(network.n_nodes, ends, starts, np.append(length, length))
    reach = graph.distances([network.tail[first], network.head[first]], limit=500 * road_km).min(axis=0)
    middle = np.minimum(reach[tail], reach[head]) + (length + network.length_m[first]) / 2
    return np.asarray(same[(middle <= 500 * road_km) | own[same]])
