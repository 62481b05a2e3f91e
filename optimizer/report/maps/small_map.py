"""The small map of the first page: main roads, border, and what is ordered where, as shapes of SVG in the colours of the page."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from optimizer.base.text.formatting import letter
from optimizer.problem.network.road_classes import MAIN_CLASSES
from optimizer.report.content.routes import NO_ARCS
from optimizer.report.maps.geography import border_parts, order_bounds, plane_of
from optimizer.report.maps.labels import OccupiedBoxes, place_badges

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.report.content.report_content import ReportContent

WIDTH = 360.0
"""Width of the map in its own units; a page shows it about so many pixels wide."""

LOWEST, HIGHEST = 0.45, 0.9
"""Height of the map over its width."""

BADGE = 17.0
"""Size of a number on its ground."""

DETAIL = 0.8
"""By how much a line may be simplified."""


@dataclass(frozen=True, slots=True)
class SmallMark:
    """A number or letter on its ground, in units of the map: where it belongs, where it stands, and its action."""

    text: str
    action: str
    x: float
    y: float
    at_x: float
    at_y: float

    @property
    def moved(self) -> bool:
        """Whether it stands beside its place, so that a line joins the two."""
        return (self.x, self.y) != (self.at_x, self.at_y)


@dataclass(frozen=True, slots=True)
class SmallMap:
    """Width and height; roads, border and the way of the largest hole as paths of SVG; marks of what is ordered."""

    width: float
    height: float
    roads: str
    border: str
    hole: str
    marks: tuple[SmallMark, ...]


def small_map(content: ReportContent) -> SmallMap | None:
    """Return the small map; None where nothing that is ordered has a place."""
    actions = {"new": "open", "kept": "keep", "changed": "change", "given up": "close"}
    numbers = content.numbers
    placed = [
        (site.lon, site.lat, str(numbers[site.id]), actions[site.standing])
        for site in (*content.chosen, *content.not_chosen)
        if site.id in numbers
    ]
    placed += [(beat.home.lon, beat.home.lat, letter(place), "drive") for place, beat in enumerate(content.driven)]
    placed = [row for row in placed if np.isfinite(row[:2]).all()]
    if not placed:
        return None
    bounds, plane = order_bounds(content), plane_of(content)
    (x0, y0), (x1, y1) = plane.project(np.array(astuple(bounds)).reshape(2, 2)).tolist()
    height = float(np.clip(WIDTH * (y1 - y0) / (x1 - x0), LOWEST * WIDTH, HIGHEST * WIDTH))
    scale = min(WIDTH / (x1 - x0), height / (y1 - y0))

    def units(lonlat: NDArray[np.float64]) -> NDArray[np.float64]:
        east, north = (plane.project(lonlat) - ((x0 + x1) / 2, (y0 + y1) / 2)).T
        return np.column_stack((WIDTH / 2 + scale * east, height / 2 - scale * north))

    network = content.network
    main = np.isin(network.road_class[network.segment_arc], MAIN_CLASSES)
    main &= shapely.intersects(network.lines, shapely.box(*astuple(bounds)))
    lines = network.lines[main] if main.any() else network.lines
    frame = shapely.box(0, 0, WIDTH, height)
    at = units(np.array([row[:2] for row in placed], dtype=np.float64).reshape(-1, 2))
    offsets = place_badges(at, BADGE, OccupiedBoxes())
    half = BADGE / 2
    stands = np.clip(at + offsets, half, (WIDTH - half, height - half))
    marks = tuple(
        SmallMark(text, action, *spot, *place)
        for (_lon, _lat, text, action), spot, place in zip(
            placed, stands.round(1).tolist(), at.round(1).tolist(), strict=True
        )
    )
    hole = content.residual_routes[0].arcs if content.residual_routes else NO_ARCS
    return SmallMap(
        WIDTH,
        round(height, 1),
        _path(shapely.transform(lines, units), frame),
        _path(shapely.transform(border_parts(content.border), units), frame),
        _path(shapely.transform(network.lines[network.segment[hole]], units), frame),
        marks,
    )


def _path(lines: NDArray[np.object_], frame: shapely.Polygon) -> str:
    """Return lines as the path of SVG, cut to a frame and simplified."""
    if not len(lines):
        return ""
    near = lines[shapely.intersects(lines, frame)]
    merged = shapely.line_merge(shapely.union_all(near, grid_size=0.1)) if len(near) else shapely.MultiLineString()
    cut = shapely.simplify(shapely.intersection(merged, frame), DETAIL)
    pieces = [shapely.get_coordinates(part).round(1).tolist() for part in shapely.get_parts(cut)]
    return "".join("M" + "L".join(f"{x:g} {y:g}" for x, y in piece) for piece in pieces if len(piece) > 1)
