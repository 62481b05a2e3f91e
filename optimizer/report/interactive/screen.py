"""Screens that the map is made for: what is placed for one bears its name, and the page's script shows what belongs to the screen it finds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.report.placing import OccupiedBoxes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bokeh.models import LegendItem
    from numpy.typing import NDArray

    from optimizer.report.bounds import Bounds
    from optimizer.report.geography import Plane

SCREENS = {"wide": (930.0, 590.0), "narrow": (330.0, 290.0)}
"""About what a map is wide and high when it opens, in pixels, on a desk and on a telephone."""

BEATS_BESIDE = {"wide": 16, "narrow": 5}
"""Letters of beats in a row of their legend."""

POSTS_LETTERED = {"wide": 120, "narrow": 30}
"""Posts beyond which only the first of each beat bears its letter: the others would lie on one another."""


@dataclass(frozen=True, slots=True)
class MapScreen:
    """About where things stand on a screen when the map opens.

    Attributes
    ----------
    name
        One of `SCREENS`.
    scale
        Pixels a metre.
    occupied
        Boxes, in pixels, in which something stands; added to as things are placed.
    """

    name: str
    scale: float
    occupied: OccupiedBoxes = field(default_factory=OccupiedBoxes)

    @classmethod
    def of(cls, name: str, bounds: Bounds, plane: Plane) -> MapScreen:
        """Return the screen of a name for a map of some bounds (degrees)."""
        corners = np.array([(bounds.west, bounds.south), (bounds.east, bounds.north)])
        (x0, y0), (x1, y1) = plane.project(corners).tolist()
        wide, high = SCREENS[name]
        return cls(name, min(wide / max(x1 - x0, 1.0), high / max(y1 - y0, 1.0)))

    def own(self, item: LegendItem, renderers: Sequence[Any] | None = None) -> LegendItem:
        """Let a line of the legend and its layer, or the given parts of it, show on this screen alone."""
        for part in (item, *(item.renderers if renderers is None else renderers)):
            part.update(name=self.name, visible=self.name == "wide")
        return item

    def points(self, columns: dict[str, list[Any]]) -> NDArray[np.float64]:
        """(k, 2) pixels of the points of a layer."""
        return np.asarray(np.column_stack((columns["x"], columns["y"])) * self.scale, dtype=np.float64).reshape(-1, 2)
