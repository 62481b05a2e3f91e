"""What the machine-readable files of a plan folder say of beats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optimizer.pipeline.comparison import Comparison
    from optimizer.problem.network import Network
    from optimizer.problem.plan import Plan
    from optimizer.problem.result import Result


def patrol_content(result: Result, comparison: Comparison) -> dict[str, Any]:
    """Return what plan.json says of beats: the bound over all beats, and each beat's stops with minutes from the start of the shift."""
    return {
        "weighed_beats": {"number": result.weighed, "lower": result.weighed_lower, "gap": result.weighed_gap},
        "pricing_proven": result.pricing_proven,
        "beats": [
            {
                "id": beat.id,
                "team": beat.team.id,
                "agency": beat.team.agency,
                "base": beat.base.id,
                "back_minute": round(beat.back_s / 60, 1),
                "worth": comparison.marginal_values[beat.id],
                "uses": dict(beat.uses),
                "stops": [
                    {
                        "label": (post := stop.post).label,
                        "lon": round(post.lon, 6),
                        "lat": round(post.lat, 6),
                        "arrive_minute": round(stop.arrive_s / 60, 1),
                        "leave_minute": round(stop.leave_s / 60, 1),
                    }
                    for stop in beat.stops
                ],
            }
            for beat in (result.plan.beats if result.plan else ())
        ],
    }


def tour_features(plan: Plan, network: Network) -> list[dict[str, Any]]:
    """Return the tour of each beat of the plan as a line, and its posts as points."""
    features: list[dict[str, Any]] = []
    for beat in plan.beats:
        line = [
            [float(lon), float(lat)]
            for arc in beat.route
            for lon, lat in network.shape[network.shape_start[arc] : network.shape_start[arc + 1]]
        ]
        if len(line) > 1:
            properties = {"id": beat.id, "beat": True, "team": beat.team.id, "base": beat.base.id}
            features.append(
                {"type": "Feature", "geometry": {"type": "LineString", "coordinates": line}, "properties": properties}
            )
        for stop in beat.stops:
            post = stop.post
            features.append(
                {
                    "type": "Feature",
                    "geometry": {"type": "Point", "coordinates": [round(post.lon, 6), round(post.lat, 6)]},
                    "properties": {
                        "beat": beat.id,
                        "label": post.label,
                        "arrive_minute": round(stop.arrive_s / 60, 1),
                        "leave_minute": round(stop.leave_s / 60, 1),
                    },
                }
            )
    return features
