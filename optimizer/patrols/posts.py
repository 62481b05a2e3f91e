"""Where a patrol might stand: on the roads that evaders take, and on those they would take if the first were watched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.patrols.candidates import candidate_segments
from optimizer.problem.teams import Post

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from optimizer.problem.evaders import Evader
    from optimizer.problem.network import Network


def choose_posts(
    network: Network,
    reliability: NDArray[np.float64],
    evaders: Sequence[Evader],
    allowed: NDArray[np.bool_],
    count: int,
    spacing_m: float,
    traffic: NDArray[np.float64] | None = None,
) -> list[Post]:
    """Return up to `count` posts on the segments that carry most evaders.

    Parameters
    ----------
    network, reliability, evaders
        The problem: (m,) chance to pass each arc undetected.
    allowed
        (segments,) where a post may stand.
    count
        How many, >= 0.
    spacing_m
        Least distance between two.
    traffic
        (segments,) vehicles an hour, > 0; 1 where None.
    """
    kept = candidate_segments(network, reliability, evaders, count, spacing_m=spacing_m, allowed=allowed)
    return [
        post_on(network, segment, traffic=1.0 if traffic is None else float(traffic[segment]))
        for segment in kept.tolist()
    ]


def post_on(network: Network, segment: int, label: str = "", traffic: float = 1.0) -> Post:
    """Return a post on a segment; the team stands at the end where its first arc begins, the label has the segment's middle."""
    arc = int(network.segment_arc[segment])
    node = int(network.tail[arc])
    lon, lat = network.segment_midpoint[segment]
    road = str(network.name[arc]) or str(network.road_class[arc])
    name = label or f"{road} ({lat:.3f}, {lon:.3f})"
    return Post(segment, node, float(network.lon[node]), float(network.lat[node]), name, traffic)
