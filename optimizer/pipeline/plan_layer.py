"""The map layer of a plan folder, plan.geojson, made from the plan file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from optimizer.problem.instance import Instance
    from optimizer.problem.network import Network
    from optimizer.problem.plan_file import PlanBeat, PlanFile, PlanSite

ELSEWHERE = {"lon", "lat", "uses", "segments", "survival"}
"""Fields of a site that are no properties of its point: its place, and what is not one number or word."""


def plan_geojson(plan: PlanFile, network: Network, attribution: str) -> dict[str, Any]:
    """Return every site as a point, the segments that placed ones watch as lines, and beats as tours with their stops."""
    sites = [(site, True) for site in plan.sites] + [(site, False) for site in plan.candidates]
    watched = sorted({segment for site in plan.sites for segment in site.segments})
    features = [
        *(_site_point(site, chosen=chosen) for site, chosen in sites),
        *(_watched_line(network, segment) for segment in watched),
        *(feature for beat in plan.beats for feature in _tour(beat, _driven(beat, network))),
    ]
    return {"type": "FeatureCollection", "attribution": attribution, "features": features}


def straight_geojson(plan: PlanFile, instance: Instance) -> dict[str, Any]:
    """Return the same without the roads' names and shapes, which an instance does not have: sites, and beats from node to node."""
    lonlat = instance.lonlat
    sites = [(site, True) for site in plan.sites] + [(site, False) for site in plan.candidates]
    features = [_site_point(site, chosen=chosen) for site, chosen in sites if site.lon is not None]
    for beat in plan.beats:
        nodes = [node for arc in beat.route for node in (instance.tail[arc], instance.head[arc])]
        features += _tour(beat, [] if lonlat is None else lonlat[nodes].tolist())
    return {"type": "FeatureCollection", "features": features}


def _site_point(site: PlanSite, *, chosen: bool) -> dict[str, Any]:
    return _feature("Point", [site.lon, site.lat], site.model_dump(exclude=ELSEWHERE) | {"chosen": chosen})


def _watched_line(network: Network, segment: int) -> dict[str, Any]:
    name = str(network.name[network.segment_arc[segment]])
    line = [list(point) for point in network.lines[segment].coords]
    return _feature("LineString", line, {"segment": segment, "watched": True, "name": name})


def _driven(beat: PlanBeat, network: Network) -> list[list[float]]:
    """Return the points along the roads that a beat drives."""
    points: list[list[float]] = network.polylines.take(np.asarray(beat.route, dtype=np.int64)).shape().tolist()
    return points


def _tour(beat: PlanBeat, line: list[list[float]]) -> list[dict[str, Any]]:
    """Return the tour of a beat as a line, and its stops as points."""
    properties = {"id": beat.id, "beat": True, "team": beat.team, "base": beat.base}
    tour = [_feature("LineString", line, properties)] if len(line) > 1 else []
    return tour + [
        _feature(
            "Point",
            [stop.lon, stop.lat],
            {
                "beat": beat.id,
                "label": stop.label,
                "arrive_minute": round(stop.arrive_minute, 1),
                "leave_minute": round(stop.leave_minute, 1),
            },
        )
        for stop in beat.stops
    ]


def _feature(kind: str, coordinates: object, properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Feature", "geometry": {"type": kind, "coordinates": coordinates}, "properties": properties}
