"""When the loop of cuts at the root ends: its bound has stalled."""

from __future__ import annotations

STALLED = 1e-3
"""Relative rise of the root's bound over `PATIENCE` rounds below which the loop ends."""
PATIENCE = 5
"""Rounds over which the rise of the root's bound is measured."""
FLAT, MOVED = 40, 1e-2
"""Rounds at the root after which a bound that has not moved, by this share, counts as stalled."""


def has_stalled(history: list[float], *, moved: bool = False) -> bool:
    """Whether the last rounds at the root gained next to nothing; before the pool has enough paths the bound may not move for long.

    `moved` says that it has moved before.
    """
    moved |= history[-1] - history[0] > MOVED * abs(history[-1])
    if len(history) <= (PATIENCE if moved else FLAT):
        return False
    return history[-1] - history[-1 - PATIENCE] <= STALLED * abs(history[-1])
