"""Points and lines that a planner draws on a map, and how far sites lie from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.base.geojson import geometry_type
from optimizer.problem.network import EARTH_RADIUS_M

if TYPE_CHECKING:
    from numpy.typing import NDArray

TYPES = {"Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2}
"""Depth of the list of positions of each geometry that can be drawn."""
EXPECTED = "a Point, MultiPoint, LineString or MultiLineString of longitude and latitude in degrees"


@dataclass(frozen=True, slots=True)
class DrawnShape:
    """A point or a line.

    Attributes
    ----------
    corners
        (k, 2) longitude and latitude in degrees; one row for a point.
    """

    corners: NDArray[np.float64]

    @property
    def is_line(self) -> bool:
        """Whether it is a line."""
        return len(self.corners) > 1

    def metres_to(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the metres from places to the nearest point of the shape.

        Each place is the centre of a plane of equal scale both ways: exact to the metre within the distances at which sites are taken.
        """
        scale = np.radians(1) * EARTH_RADIUS_M
        east = (self.corners[:, 0] - lon[:, None] + 180) % 360 - 180
        x, y = scale * east * np.cos(np.radians(lat))[:, None], scale * (self.corners[:, 1] - lat[:, None])
        if not self.is_line:
            return np.asarray(np.hypot(x[:, 0], y[:, 0]))
        dx, dy = np.diff(x, axis=1), np.diff(y, axis=1)
        length = np.maximum(dx**2 + dy**2, np.finfo(np.float64).tiny)
        along = np.clip(-(x[:, :-1] * dx + y[:, :-1] * dy) / length, 0, 1)
        return np.asarray(np.hypot(x[:, :-1] + along * dx, y[:, :-1] + along * dy).min(axis=1))


def drawn_shapes(geometry: dict[str, Any] | None) -> tuple[DrawnShape, ...]:
    """Return the points and lines of a geometry of GeoJSON, one each; none where it is no geometry that can be drawn, in degrees."""
    kind, positions = geometry_type(geometry), (geometry or {}).get("coordinates")
    depth = TYPES.get(kind, -1)
    if depth < 0 or not isinstance(positions, list):
        return ()
    parts = [[[positions]], [positions], positions][depth]
    if kind == "MultiPoint":
        parts = [[each] for each in positions]
    found = [_corners(part, line=kind.endswith("LineString")) for part in parts]
    return (
        tuple(DrawnShape(each) for each in found if each is not None) if all(each is not None for each in found) else ()
    )


def _corners(part: object, *, line: bool) -> NDArray[np.float64] | None:
    """Return positions as (k, 2) degrees; None where they are none."""
    if not isinstance(part, list) or len(part) < (2 if line else 1):
        return None
    for each in part:
        if not isinstance(each, list) or len(each) < 2 or not all(_is_number(x) for x in each[:2]):
            return None
    corners = np.array([each[:2] for each in part], dtype=np.float64)
    inside = np.isfinite(corners).all() and (np.abs(corners) <= (180, 90)).all()
    return corners if inside else None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
