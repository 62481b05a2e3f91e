"""Placing of names and numbers on a map so that they do not lie on one another.

Boxes are (west, south, east, north) in any unit of length that is the same both ways, say pixels or points.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from optimizer.report.bounds import Bounds


@dataclass(slots=True)
class OccupiedBoxes:
    """Boxes in which something stands already.

    Attributes
    ----------
    boxes
        (k, 4) boxes.
    frame
        Box that everything must stay in; None for no bound.
    """

    boxes: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 4)))
    frame: Bounds | None = None

    def add(self, boxes: NDArray[np.float64]) -> None:
        """Add (k, 4) boxes."""
        self.boxes = np.vstack((self.boxes, boxes))

    def overlap(self, box: NDArray[np.float64]) -> float:
        """Return the area that a (4,) box shares with the occupied ones, each counted by itself; infinite outside the frame."""
        if self.frame is not None and not self.frame.holds(box):
            return np.inf
        size = np.minimum(self.boxes[:, 2:], box[2:]) - np.maximum(self.boxes[:, :2], box[:2])
        return float(np.prod(np.maximum(size, 0.0), axis=1).sum())


def boxes_around(points: NDArray[np.float64], size: float) -> NDArray[np.float64]:
    """Return (k, 4) squares of a size around (k, 2) points."""
    return np.hstack((points - size / 2, points + size / 2))


def place_names(
    points: NDArray[np.float64], widths: Iterable[float], height: float, gap: float, occupied: OccupiedBoxes, most: int
) -> list[tuple[float, float] | None]:
    """Place names beside points, in the order given; those for which no side is free are left out.

    Parameters
    ----------
    points
        (k, 2) where they belong.
    widths, height
        Size of each.
    gap
        Distance from the point; with 0 the point itself is tried first.
    occupied
        Boxes that are occupied; what is placed is added to them.
    most
        How many to place.

    Returns
    -------
    list
        For each name the offset of the middle of its box from its point; None where no side is free.
    """
    offsets: list[tuple[float, float] | None] = []
    for point, width in zip(points, widths, strict=True):
        if most <= 0:
            offsets.append(None)
            continue
        sides = _sides(width, height, gap)
        half = np.array((width, height)) / 2
        for side in sides:
            middle = point + side
            box = np.concatenate((middle - half, middle + half))
            if occupied.overlap(box) == 0:
                occupied.add(box[None])
                offsets.append(side)
                most -= 1
                break
        else:
            offsets.append(None)
    return offsets


def _sides(width: float, height: float, gap: float) -> list[tuple[float, float]]:
    """Return the middles of the boxes that are tried, nearest first: on the point without a gap, else beside it at up to four gaps."""
    sides = [] if gap else [(0.0, 0.0)]
    for far in (1, 2, 4):
        x, y = far * gap + width / 2, far * gap + height / 2
        sides += [(x, y), (x, 0.0), (x, -y), (-x, y), (-x, 0.0), (-x, -y), (0.0, y), (0.0, -y)]
    return sides


def place_badges(
    points: NDArray[np.float64], size: float, occupied: OccupiedBoxes, *, reach: float = 4.0
) -> NDArray[np.float64]:
    """Place numbered badges on their points, or beside them where another badge is: every badge is placed.

    Parameters
    ----------
    points
        (k, 2) where they belong.
    size
        Width and height of a badge.
    occupied
        Boxes that are occupied; what is placed is added to them.
    reach
        How far from its point a badge may stand, in sizes.

    Returns
    -------
    ndarray
        (k, 2) offsets; among the spots tried the nearest that is free, or else the one that covers least.
    """
    spots = np.vstack([_ring(radius * size) for radius in (0.0, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0) if radius <= reach])
    offsets = np.zeros_like(points)
    for place, point in enumerate(points):
        covered = [occupied.overlap(box) for box in boxes_around(point + spots, size)]
        best = int(np.argmin(covered))  # the first of the least: spots are sorted by distance
        offsets[place] = spots[best]
        occupied.add(boxes_around(point[None] + spots[best], size))
    return offsets


def _ring(radius: float) -> NDArray[np.float64]:
    if radius == 0:
        return np.zeros((1, 2))
    angle = np.radians(np.arange(0, 360, 22.5))
    return radius * np.column_stack((np.cos(angle), np.sin(angle)))


def text_width(text: str, size: float) -> float:
    """Return about how wide a text is set, in the unit of its font size: wide scripts count double."""
    return size * sum(0.6 if ord(mark) < 0x2E80 else 1.05 for mark in text)
