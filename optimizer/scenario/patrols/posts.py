"""Where a patrol might stand: on the roads that evaders take, and on those they would take if the first were watched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from optimizer.base.errors import InputError, Problem
from optimizer.problem.instance.evaders import best_responses
from optimizer.problem.instance.teams import Post
from optimizer.problem.network.arrays import float_column
from optimizer.problem.network.geodesy import great_circle_m
from optimizer.risk.demand import segment_loads

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from optimizer.problem.instance.evaders import Evader
    from optimizer.problem.network.network import Network


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


FROM_JUNCTION_M = 300.0
"""Metres of its road from the junction to where a team stands, at most half of the segment: clear of the other roads there, and under
half a minute's drive, which times leave out. Assumed."""


def post_on(network: Network, segment: int, traffic: float = 1.0) -> Post:
    """Return a post on a segment: a little way along it from the junction at which its first arc begins, and named by that place.

    Teams drive to the junction in the model. Posts on two roads of one junction stand on their own roads.
    """
    arc = int(network.segment_arc[segment])
    along = min(0.5, FROM_JUNCTION_M / max(float(network.length_m[arc]), 1.0))
    place = shapely.line_interpolate_point(network.lines[segment], along, normalized=True)
    lon, lat = float(place.x), float(place.y)
    road = str(network.name[arc]) or str(network.road_class[arc])
    return Post(segment, int(network.tail[arc]), lon, lat, f"{road} ({lat:.3f}, {lon:.3f})", traffic)


ROUNDS = 4
"""Times that evaders are asked for their answer, each with what was chosen before watched."""

WATCHED = 0.5
"""Survival on a segment chosen in an earlier round: evaders look for other roads, and do not give up."""


def candidate_segments(
    network: Network,
    reliability: ArrayLike,
    evaders: Sequence[Evader],
    count: int,
    *,
    spacing_m: float = 0.0,
    allowed: ArrayLike | None = None,
    rounds: int = ROUNDS,
) -> NDArray[np.int64]:
    """Return up to `count` segments on good routes of evaders, the busiest first.

    Evaders are asked for their best routes; the segments that carry most of them are taken, then they are asked again with these watched, so
    that the ways round are among the candidates too.

    Parameters
    ----------
    network
        The roads.
    reliability
        (m,) chance in (0, 1] to pass each arc undetected with nothing placed, or one for all.
    evaders
        Who travels.
    count
        How many segments, >= 0.
    spacing_m
        Least great-circle distance between the middles of two.
    allowed
        (segments,) mask of where an option may stand; anywhere where None.
    rounds
        How often evaders are asked, >= 1.

    Returns
    -------
    (k,) segments, each once; fewer than `count` where evaders use no more.

    Raises
    ------
    InputError
        If a parameter is out of range or of another shape.
    """
    survival = float_column("reliability", reliability, network.n_arcs)
    mask = np.ones(network.n_segments, dtype=bool) if allowed is None else np.asarray(allowed)
    for name, wrong, found, expected in (
        ("count", count < 0, f"{count}", "a number from 0"),
        ("rounds", rounds < 1, f"{rounds}", "a number from 1"),
        ("spacing_m", not spacing_m >= 0, f"{spacing_m:.10g}", "metres from 0"),
        ("allowed", mask.shape != (network.n_segments,), f"shape {mask.shape}", f"shape ({network.n_segments},)"),
        ("reliability", not ((survival > 0) & (survival <= 1)).all(), "a value out of range", "chances in (0, 1]"),
    ):
        if wrong:
            raise InputError(Problem(f"candidate_segments, {name}", found, expected))
    kept: list[int] = []
    base, middle = survival, network.segment_midpoint
    for step in range(rounds):
        wanted = count * (step + 1) // rounds
        answers = best_responses(network.n_nodes, network.tail, network.head, survival, evaders)
        flow = np.where(mask, segment_loads(network, evaders, answers), 0.0)
        _take(kept, wanted, flow, middle, spacing_m)
        survival = np.where(np.isin(network.segment, kept), WATCHED * base, base)
    return np.array(kept, dtype=np.int64)


def _take(
    kept: list[int], wanted: int, flow: NDArray[np.float64], middle: NDArray[np.float64], spacing_m: float
) -> None:
    """Add the segments that carry most, none too near to one that is kept, until there are `wanted`."""
    for segment in np.argsort(-flow, kind="stable").tolist():
        if len(kept) >= wanted or flow[segment] <= 0:
            break
        if segment in kept:
            continue
        lon, lat = middle[segment]
        if kept and great_circle_m(middle[kept, 0], middle[kept, 1], lon, lat).min() < spacing_m:
            continue
        kept.append(segment)
