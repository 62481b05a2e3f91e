"""A box on a map or a sheet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Bounds:
    """West, south, east and north end of a box: degrees of a map, or any unit of length of a sheet."""

    west: float
    south: float
    east: float
    north: float

    @property
    def width(self) -> float:
        """From west to east, in the unit of the box."""
        return self.east - self.west

    @property
    def height(self) -> float:
        """From south to north, in the unit of the box."""
        return self.north - self.south

    @property
    def middle_latitude(self) -> float:
        """The latitude halfway up a box in degrees."""
        return (self.south + self.north) / 2

    def holds(self, box: NDArray[np.float64]) -> bool:
        """Return whether a (4,) box (west, south, east, north) lies wholly inside."""
        return bool(self.west <= box[0] and self.south <= box[1] and box[2] <= self.east and box[3] <= self.north)
