"""Paths that are added to at their end: behind them is room for more, so that what is there is seldom copied."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from optimizer.solvers.branch_and_cut.path_pool import Paths

GROWTH = 1.5
"""Room that is made, in multiples of what is needed."""


class GrowingPaths:
    """Paths, whose arrays begin larger ones; those given out before stay as they are.

    Parameters
    ----------
    paths
        The first.
    filling
        Option that pads rows.

    Attributes
    ----------
    paths
        All of them.
    """

    def __init__(self, paths: Paths, filling: int) -> None:
        self.paths, self._room, self._filling = paths, paths, filling

    def add(self, more: Paths) -> None:
        """Add paths."""
        first, width = self.paths.value.size, more.option.shape[1]
        last = first + more.value.size
        if last > self._room.value.size or width > self._room.option.shape[1]:
            self._make_room(last, max(width, self._room.option.shape[1]))
        room, new = self._room, slice(first, last)
        room.commodity[new], room.value[new] = more.commodity, more.value
        room.option[new, :width], room.survival[new, :width] = more.option, more.survival
        room.option[new, width:], room.survival[new, width:] = self._filling, 1.0
        self.paths = room.take(slice(last))

    def _make_room(self, size: int, width: int) -> None:
        old, rows = self.paths, int(GROWTH * size)
        n, taken = old.option.shape
        option, survival = np.empty((rows, width), dtype=old.option.dtype), np.empty((rows, width))
        option[:n, :taken], survival[:n, :taken] = old.option, old.survival
        option[:n, taken:], survival[:n, taken:] = self._filling, 1.0
        commodity, value = np.empty(rows, dtype=old.commodity.dtype), np.empty(rows)
        commodity[:n], value[:n] = old.commodity, old.value
        self._room = type(old)(commodity, value, option, survival)
