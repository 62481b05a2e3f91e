"""Traffic: the loads that set out over each segment with nothing placed, today and with the plan, and how wide they are drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from optimizer.base.formatting import ARROW, plain
from optimizer.base.language import gettext as _

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from optimizer.report.content import ReportContent

MAX_EVADERS_NAMED = 3
Layout = Literal["before", "today", "after"]
"""Nothing placed, today's layout, the plan."""
NARROWEST: dict[Layout, float] = {"before": 5.5, "today": 3.7, "after": 2.0}
"""Pixels of the lightest route: those of one layout lie as a rim round those of the next."""


@dataclass(frozen=True, slots=True)
class RouteTraffic:
    """Loads that set out over each segment, and by whom.

    Attributes
    ----------
    weight
        (n_segments,) sum of the weights of the routes that use the segment.
    routes
        Positions of those routes in the content, the heaviest first, by segment; segments without routes are left out.
    """

    weight: NDArray[np.float64]
    routes: dict[int, list[int]]


def traffic(content: ReportContent, layout: Layout) -> RouteTraffic:
    """Add up the routes under a layout, segment by segment (both directions together)."""
    weight = np.zeros(content.network.n_segments)
    users: dict[int, list[int]] = {}
    for position in np.argsort([-route.weight for route in content.routes], kind="stable"):
        route = content.routes[position]
        arcs = {"before": route.arcs_before, "today": route.arcs_today, "after": route.arcs_after}[layout]
        segments = np.unique(content.network.segment[np.asarray(arcs, dtype=np.int64)])
        weight[segments] += route.weight
        for segment in segments.tolist():
            users.setdefault(segment, []).append(int(position))
    return RouteTraffic(weight, users)


def evader_names(content: ReportContent, positions: Iterable[int]) -> str:
    """Name the first few routes of a list as `from -> to` and count the rest."""
    every = list(positions)
    rows = [content.routes[position] for position in every[:MAX_EVADERS_NAMED]]
    names = [f"{plain(row.start, 30)} {ARROW} {plain(row.end, 30)}" for row in rows]
    rest = len(every) - len(rows)
    return "; ".join([*names, *([_("{count} more").format(count=rest)] if rest else [])])


def flow_width(weight: NDArray[np.float64], heaviest: float, layout: Layout) -> NDArray[np.float64]:
    """Return line widths in screen pixels: area-like in weight."""
    share = np.sqrt(weight / heaviest) if heaviest > 0 else np.zeros_like(weight)
    return np.asarray(NARROWEST[layout] + 8 * share)
