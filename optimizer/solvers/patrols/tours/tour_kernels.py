"""Compiled forms of loops of `ruin_and_recreate` and `label_search`; loaded only where there is much to do (`search.compiled`).

The formulas of `recreated`, and what comes first of equal rates, are those of `ruin_and_recreate`; powers agree but for the rounding of
their last digit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Visits(NamedTuple):
    """(visits,) posts and slots of a tour."""

    posts: NDArray[np.int64]
    slots: NDArray[np.int64]


@njit(cache=True)
def _rate(gain: float, seconds: int, power: float) -> float:
    rate: float = max(gain, 0.0) ** power / max(seconds, 1)
    return rate


@njit(cache=True)
def recreated(  # noqa: C901, PLR0912 - two searches and what they find
    posts: NDArray[np.int64],
    slots: NDArray[np.int64],
    left: int,
    power: float,
    shaking: NDArray[np.float64],
    travel: NDArray[np.int64],
    leg: NDArray[np.float64],
    prize: NDArray[np.float64],
    slot: int,
) -> Visits:
    """Return a tour filled in, visit by visit or dwell by dwell, as long as seconds are left.

    Parameters
    ----------
    posts, slots
        (visits,) of the tour, at least one.
    left, slot
        Seconds left, and seconds of a slot.
    power, shaking
        Power of a gain, and the (n + 1,) perturbation of rates by post.
    travel, leg
        (n + 1, n + 1) driving and values of legs.
    prize
        (n + 1, L + 1) worth of dwells; 0 at the base.
    """
    size, most, m = prize.shape[0], prize.shape[1] - 1, posts.size
    at, stay, inside = np.zeros(size + 1, np.int64), np.zeros(size + 1, np.int64), np.zeros(size, np.bool_)
    at[1 : m + 1], stay[1 : m + 1] = posts, slots
    inside[0] = True
    for post in posts:
        inside[post] = True
    while True:
        top, place, new, more, longer = -1.0, 0, 0, 0, 0
        for p in range(m + 1):
            i, j = at[p], at[p + 1]
            for v in range(1, size):
                detour = travel[i, v] + travel[v, j] - travel[i, j]
                if inside[v] or detour + slot > left:
                    continue
                worth = leg[i, v] + leg[v, j] - leg[i, j]
                for k in range(1, most + 1):
                    if detour + k * slot > left:
                        break
                    rate = _rate(worth + prize[v, k], detour + k * slot, power) * shaking[v]
                    if rate > top:
                        top, place, new, more, longer = rate, p, v, k, detour
        if most > 1:
            for p in range(m):
                v, had = at[p + 1], stay[p + 1]
                for k in range(had + 1, most + 1):
                    if (k - had) * slot > left:
                        break
                    rate = _rate(prize[v, k] - prize[v, had], (k - had) * slot, power) * shaking[v]
                    if rate > max(top, 0.0):
                        top, place, new, more, longer = rate, p, 0, k - had, 0
        if top < 0:
            return Visits(at[1 : m + 1].copy(), stay[1 : m + 1].copy())
        left -= longer + more * slot
        if new:
            for p in range(m + 1, place, -1):
                at[p + 1], stay[p + 1] = at[p], stay[p]
            at[place + 1], stay[place + 1], inside[new] = new, more, True
            m += 1
        else:
            stay[place + 1] += more


# The compiled form of the tables of `tour_bounds.Walks`; loaded only where there is much to do (`solvers.compiled`).
#
# The formulas are those of `tour_bounds`; every number is the same, as sums are of two terms and the rest is maxima.


@njit(cache=True)
def fill(
    arrive: NDArray[np.float64],
    leave: NDArray[np.float64],
    prize: NDArray[np.float64],
    drive: NDArray[np.int64],
    leg: NDArray[np.float64],
    cells: int,
    most: int,
) -> None:
    """Fill the rows of times from 0 on of A and T, where T holds the ways home at first.

    Parameters
    ----------
    arrive, leave
        As in `tour_bounds.Completion`; minus infinity elsewhere.
    prize
        (n + 1, L + 1) p_vl - lambda_v, minus infinity at the base.
    drive, leg
        (n + 1, n + 1) driving in cells, more than the shift where there is no way, and q.
    cells, most
        Cells to a slot, and most slots of one visit.
    """
    rows, size = arrive.shape
    for row in range(rows // 2, rows):
        for v in range(1, size):
            for slots in range(1, most + 1):
                arrive[row, v] = max(arrive[row, v], leave[row - slots * cells, v] + prize[v, slots])
        for u in range(size):
            best = leave[row, u]
            for v in range(1, size):
                best = max(best, arrive[row - drive[u, v], v] + leg[u, v])
            leave[row, u] = best
