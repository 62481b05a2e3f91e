"""Where a patrol might stand: on the roads that evaders take, and on those they would take if the first were watched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimizer.problem.evaders import best_responses
from optimizer.problem.network import great_circle_m
from optimizer.problem.teams import Post
from optimizer.risk.demand import segment_loads

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from optimizer.problem.evaders import Evader
    from optimizer.problem.network import Network

ROUNDS = 4
"""Times that evaders are asked for their answer, each with what was chosen before watched."""
WATCHED = 0.5
"""Survival on a segment chosen in an earlier round: evaders look for other roads, and do not give up."""


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
    kept: list[int] = []
    survival = reliability.copy()
    middle = network.segment_midpoint
    for step in range(ROUNDS):
        wanted = count * (step + 1) // ROUNDS
        answers = best_responses(network.n_nodes, network.tail, network.head, survival, evaders)
        flow = np.where(allowed, segment_loads(network, evaders, answers), 0.0)
        for segment in np.argsort(-flow, kind="stable").tolist():
            if len(kept) >= wanted or flow[segment] <= 0:
                break
            if segment in kept:
                continue
            lon, lat = middle[segment]
            if kept and great_circle_m(middle[kept, 0], middle[kept, 1], lon, lat).min() < spacing_m:
                continue
            kept.append(segment)
        survival = np.where(np.isin(network.segment, kept), WATCHED * reliability, reliability)
    return [post_on(network, segment, traffic=1.0 if traffic is None else float(traffic[segment])) for segment in kept]


def post_on(network: Network, segment: int, label: str = "", traffic: float = 1.0) -> Post:
    """Return a post on a segment; the team stands at the end where its first arc begins."""
    arc = int(network.segment_arc[segment])
    lon, lat = network.segment_midpoint[segment]
    road = str(network.name[arc]) or str(network.road_class[arc])
    name = label or f"{road} ({lat:.3f}, {lon:.3f})"
    return Post(segment, int(network.tail[arc]), float(lon), float(lat), name, traffic)
