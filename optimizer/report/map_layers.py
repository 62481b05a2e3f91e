"""The layers of a report's maps: made once, and drawn by the still maps and the interactive one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.report.crowds import crowds
from optimizer.report.drawn_beats import drawn_beats
from optimizer.report.geography import map_bounds
from optimizer.report.road_layers import road_layers
from optimizer.report.traffic import traffic

if TYPE_CHECKING:
    from optimizer.report.bounds import Bounds
    from optimizer.report.content import ReportContent
    from optimizer.report.crowds import Crowd
    from optimizer.report.drawn_beats import DrawnBeat
    from optimizer.report.road_layers import RoadLayer
    from optimizer.report.traffic import RouteTraffic


@dataclass(frozen=True, slots=True)
class MapLayers:
    """What the figures and the interactive map draw: made once for a report, by `map_layers`.

    Attributes
    ----------
    roads
        Ways to colour the roads, the first shown first.
    before, today, after
        Loads on the routes with nothing placed, with today's layout, and with the plan.
    beats
        Beats of the plan in drawing order.
    bounds
        What every map shows, in degrees.
    crowds
        Places where the marks of the plan crowd, from west to east.
    """

    roads: tuple[RoadLayer, ...]
    before: RouteTraffic
    today: RouteTraffic
    after: RouteTraffic
    beats: tuple[DrawnBeat, ...]
    bounds: Bounds
    crowds: tuple[Crowd, ...]

    @property
    def under_advice(self) -> RoadLayer:
        """Return the layer that lies under where to look next: how sure the risk is, or the only one there is."""
        return self.roads[min(1, len(self.roads) - 1)]


def map_layers(content: ReportContent) -> MapLayers:
    """Return the layers of a report's maps."""
    bounds = map_bounds(content)
    return MapLayers(
        roads=road_layers(content),
        before=traffic(content, "before"),
        today=traffic(content, "today"),
        after=traffic(content, "after"),
        beats=drawn_beats(content),
        bounds=bounds,
        crowds=crowds(content, bounds),
    )
