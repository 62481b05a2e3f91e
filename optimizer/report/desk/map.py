"""The map of a desk: roads, sites by what is asked of them, posts of beats, and a ring around the site that is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from bokeh.models import ColumnDataSource, HoverTool, TapTool, WheelZoomTool
from bokeh.plotting import figure

from optimizer.base.formatting import plain
from optimizer.base.language import gettext as _
from optimizer.report.geography import Plane
from optimizer.report.interactive.glyphs import name_tools
from optimizer.report.palette import BEATS, FAINT, ROAD, SITES

if TYPE_CHECKING:
    from optimizer.report.content.desk import DeskSite, DeskView
    from optimizer.report.content.straight_roads import StraightRoads

MUST, MUST_NOT = "#b34700", "#a3002b"
"""Outline of what must be used, and colour of what must not."""
LABEL = 80
"""Characters of a name that the map shows."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a site is drawn: bokeh's marker, pixels across, and colours."""

    marker: str
    size: int
    fill: str
    line: str
    width: float


LOOKS = {
    ("used", True): Look("circle", 18, SITES["kept"].fill, "#ffffff", 1.5),
    ("must", True): Look("square", 19, SITES["kept"].fill, MUST, 4),
    ("must", False): Look("square", 19, "#ffffff", MUST, 4),
    ("must not", False): Look("x", 15, MUST_NOT, MUST_NOT, 4),
    ("must not", True): Look("square_x", 17, "#ffffff", MUST_NOT, 3),
    ("not used", False): Look("circle", 11, "#ffffff", "#4d4d4d", 1.5),
}
"""By standing, and whether the plan shown uses the site."""


class DeskMap:
    """The map, with what can be put on it.

    Parameters
    ----------
    roads
        The roads.
    sites
        Those with a place are on the map.
    """

    def __init__(self, roads: StraightRoads, sites: tuple[DeskSite, ...]) -> None:
        ends = np.vstack((roads.begin, roads.end))
        middle = ends.mean(axis=0) if ends.size else np.zeros(2)
        self._plane = Plane(float(middle[0]), float(middle[1]))
        self.sites = ColumnDataSource(_site_columns(self._plane, sites))
        self.ring = ColumnDataSource({"x": [], "y": []})
        self.posts = ColumnDataSource({"x": [], "y": [], "colour": [], "label": []})
        self.plot = self._drawn(roads)

    def show(self, view: DeskView) -> None:
        """Show what lies on the desk."""
        self.sites.data = _site_columns(self._plane, view.sites)
        points = [
            (lon, lat, BEATS[k % len(BEATS)], plain(beat.label, LABEL))
            for k, beat in enumerate(beat for beat in view.beats if beat.used)
            for lon, lat in zip(beat.lon, beat.lat, strict=True)
        ]
        at = self._plane.project(np.array([point[:2] for point in points]).reshape(-1, 2))
        self.posts.data = {
            "x": at[:, 0],
            "y": at[:, 1],
            "colour": [point[2] for point in points],
            "label": [point[3] for point in points],
        }

    def look_at(self, name: str) -> None:
        """Put the ring around a site; none where it has no place."""
        data = self.sites.data
        here = [k for k, each in enumerate(data["name"]) if each == name]
        self.ring.data = {axis: [data[axis][k] for k in here] for axis in ("x", "y")}

    def _drawn(self, roads: StraightRoads) -> Any:  # noqa: ANN401 - bokeh has no types
        wheel = WheelZoomTool(description=_("Zoom with the wheel"))
        plot = figure(
            name="plot",
            sizing_mode="stretch_both",
            min_height=320,
            match_aspect=True,
            tools="pan,zoom_in,zoom_out,reset",
            toolbar_location="above",
            outline_line_color=FAINT,
        )
        plot.add_tools(wheel)
        plot.toolbar.active_scroll = wheel
        name_tools(plot)
        plot.toolbar.logo = None
        plot.axis.visible = False
        plot.grid.visible = False
        begin, end = self._plane.project(roads.begin), self._plane.project(roads.end)
        plot.segment(begin[:, 0], begin[:, 1], end[:, 0], end[:, 1], line_color=ROAD, line_width=1)
        posts = plot.scatter(
            "x", "y", source=self.posts, marker="diamond", size=12, fill_color="colour", line_color="#ffffff"
        )
        ring = plot.scatter("x", "y", source=self.ring, marker="circle", size=32, fill_alpha=0, line_color="#000000")
        ring.glyph.line_width = 2
        sites = plot.scatter(
            "x",
            "y",
            source=self.sites,
            marker="marker",
            size="size",
            fill_color="fill",
            line_color="line",
            line_width="width",
            name="sites",
        )
        for drawn in (posts, ring, sites):
            drawn.nonselection_glyph = drawn.selection_glyph = None
        plot.add_tools(TapTool(renderers=[sites]))
        plot.add_tools(
            HoverTool(renderers=[sites], tooltips=[(_("site"), "@label"), ("", "@says")], limit=1, visible=False)
        )
        plot.add_tools(HoverTool(renderers=[posts], tooltips=[(_("beat"), "@label")], limit=1, visible=False))
        return plot


def _site_columns(plane: Plane, sites: tuple[DeskSite, ...]) -> dict[str, Any]:
    """Return what the map shows of each site; those that are used lie on top."""
    placed = sorted((s for s in sites if s.lon is not None), key=lambda site: (site.used, site.standing == "must"))
    at = plane.project(np.array([(site.lon, site.lat) for site in placed], dtype=np.float64).reshape(-1, 2))
    looks = [LOOKS[site.standing, site.used] for site in placed]
    return {
        "x": at[:, 0],
        "y": at[:, 1],
        "name": [site.name for site in placed],
        "label": [plain(site.label, LABEL) for site in placed],
        "says": [plain(site.says, 2 * LABEL) for site in placed],
        **{field: [getattr(look, field) for look in looks] for field in ("marker", "size", "fill", "line", "width")},
    }
