"""What the machine-readable files of a plan folder say of beats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optimizer.pipeline.comparison import Judgement
    from optimizer.problem.network import Network
    from optimizer.solvers.patrols.joint import Joint


def patrol_content(joint: Joint, judgement: Judgement) -> dict[str, Any]:
    """Return what plan.json says of beats: the bound over all beats, and each beat's stops with minutes from the start of the shift."""
    return {
        "all_beats": {"lower": joint.lower_all, "gap": joint.gap_all, "pricing_proven": joint.exact},
        "beats": [
            {
                "id": name,
                "team": (who := joint.patrols.patrols[beat.patrol]).team.id,
                "agency": who.team.agency,
                "base": who.base.id,
                "back_minute": round(beat.back_s / 60, 1),
                "worth": judgement.worths[name],
                "uses": dict(beat.option.uses),
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
            for name, beat in joint.chosen.items()
        ],
    }


def tour_features(joint: Joint, network: Network) -> list[dict[str, Any]]:
    """Return the tour of each beat of the plan as a line, and its posts as points."""
    features: list[dict[str, Any]] = []
    for name, beat in joint.chosen.items():
        who = joint.patrols.patrols[beat.patrol]
        line = [
            [float(lon), float(lat)]
            for arc in beat.route
            for lon, lat in network.shape[network.shape_start[arc] : network.shape_start[arc + 1]]
        ]
        if len(line) > 1:
            properties = {"id": name, "beat": True, "team": who.team.id, "base": who.base.id}
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
                        "beat": name,
                        "label": post.label,
                        "arrive_minute": round(stop.arrive_s / 60, 1),
                        "leave_minute": round(stop.leave_s / 60, 1),
                    },
                }
            )
    return features
