"""Which plan of a mixture is used when: draws whose frequencies follow the probabilities, of every plan and of every placement.

Plans s have probabilities p_s; placement j is in plan s where A_js = 1. Periods are drawn in blocks of L. Each block gets counts n_s with
sum_s n_s = L by dependent rounding of L p_s (Gandhi, Khuller, Parthasarathy, Srinivasan 2006; the walk is the cube method of Deville and Tille
2004):

1. x = L p. A plan is settled when x_s is whole; a placement is settled when sum_s A_js x_s is whole.
2. Along a direction d with sum_s d_s = 0 and A_j d = 0 for every settled placement j, over plans that are not settled, x moves forward or back
   to where the next plan or placement is settled, by a step of mean 0: so E[n_s] = L p_s, and each count is L p_s rounded up or down.
3. Where there is no such direction, the settled placement with fewest open plans is given up (Beck and Fiala 1981); its count may then be off
   by more than one.

A block is halved by the same rounding with x = n / 2, and its halves again, until parts of at most `SHORTEST` periods are left, which are put
in random order: parts of a block track p nearly as well as the whole. Somebody who has seen the beginning of a part can guess a little of its
end: that is the price of frequencies that are kept.

One rounding has E[n_s] = L p_s exactly. Of `TRIES` roundings of a block the one is taken in which the count of the placement that is worst off
is nearest to its probability, so that E[n_s] = L p_s holds up to that choice.

Numbers come from HMAC-SHA-256 of a secret, so that they are the same on every machine and say nothing of one another without the secret.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Incidence = NDArray[np.bool_]

SHORTEST = 8
"""Periods up to which a part is not halved again."""
TRIES = 20
"""Roundings of a block, of which the best is taken."""
WHOLE = 1e-9
"""How near a number lies to a whole one to count as it."""


class SecretNumbers:
    """Uniform numbers in [0, 1) that follow from a secret and a purpose.

    Parameters
    ----------
    secret
        Key.
    purpose
        Another purpose gives other numbers.
    """

    def __init__(self, secret: bytes, purpose: str) -> None:
        self._secret, self._purpose, self._count = secret, purpose, 0

    def next(self) -> float:
        """Return the next number."""
        message = f"{self._purpose}|{self._count}".encode()
        self._count += 1
        digest = hmac.new(self._secret, message, hashlib.sha256).digest()
        return (int.from_bytes(digest[:8], "big") >> 11) / (1 << 53)

    def shuffled(self, items: Sequence[int]) -> list[int]:
        """Return the items in random order."""
        order = list(items)
        for k in range(len(order) - 1, 0, -1):
            other = int(self.next() * (k + 1))
            order[k], order[other] = order[other], order[k]
        return order


def balanced_block(
    probabilities: Sequence[float], placements: Incidence, periods: int, numbers: SecretNumbers
) -> list[int]:
    """Return the position of the plan of each of some periods.

    Parameters
    ----------
    probabilities
        (plans,) p, with a sum of 1.
    placements
        (placements, plans) A.
    periods
        How many, >= 1.
    numbers
        Source of chance.
    """
    rows = telling_rows(placements)
    counts = balanced_counts(np.asarray(probabilities, dtype=float), rows, periods, numbers)
    parts = balanced_parts(counts, rows, SHORTEST, numbers)
    return [plan for part in parts for plan in numbers.shuffled(np.repeat(np.arange(part.size), part).tolist())]


def balanced_counts(share: Floats, rows: Incidence, periods: int, numbers: SecretNumbers) -> NDArray[np.int64]:
    """Return how often each plan is drawn in a block: the best of `TRIES` roundings; (plans,) p and (placements, plans) `telling_rows`."""
    expected = periods * share / share.sum()
    tried = [dependent_rounding(expected, rows, numbers) for _ in range(TRIES)]
    return min(tried, key=lambda counts: float(np.abs(rows @ (counts - expected)).max(initial=0.0)))


def dependent_rounding(x: Floats, rows: Incidence, numbers: SecretNumbers) -> NDArray[np.int64]:
    """Return whole (plans,) numbers of mean x with the sum of x: each is x rounded up or down, as are most sums over (placements, plans) rows.

    Raises
    ------
    ValueError
        If the sum of x is not whole.
    """
    total = round(float(x.sum()))
    if abs(float(x.sum()) - total) > 1e-6 * max(1, total):
        raise ValueError(f"the sum {x.sum():g} is not whole")
    x, kept = _snapped(x), np.ones(len(rows), dtype=bool)
    while (free := np.flatnonzero(np.abs(x - np.round(x)) > WHOLE)).size > 1:
        sums = rows @ x
        touched = kept & rows[:, free].any(axis=1)
        settled = touched & (np.abs(sums - np.round(sums)) <= 10 * WHOLE)
        direction = _null_vector(np.vstack((np.ones(free.size), rows[settled][:, free])))
        while direction is None:
            tight = np.flatnonzero(settled)
            dropped = tight[int(np.argmin(rows[tight][:, free].sum(axis=1)))]
            kept[dropped] = settled[dropped] = touched[dropped] = False
            direction = _null_vector(np.vstack((np.ones(free.size), rows[settled][:, free])))
        moving = rows[touched & ~settled]
        levels, rates = np.append(x[free], moving @ x), np.append(direction, moving[:, free] @ direction)
        forward, back = _farthest(levels, rates), _farthest(levels, -rates)
        x[free] += (forward if numbers.next() * (forward + back) < back else -back) * direction
        x = _snapped(x)
    return np.round(x).astype(np.int64)


def balanced_parts(
    counts: NDArray[np.int64], rows: Incidence, shortest: int, numbers: SecretNumbers
) -> list[NDArray[np.int64]]:
    """Return (plans,) counts of parts of a block, one after the other: halves of halves, down to at most `shortest` periods, all balanced."""
    length = int(counts.sum())
    if length <= shortest:
        return [counts]
    first = length // 2 if numbers.next() < 0.5 else length - length // 2
    half = dependent_rounding(np.asarray(counts * (first / length), dtype=float), rows, numbers)
    both = (half, counts - half)
    return [part for each in both for part in balanced_parts(each, rows, shortest, numbers)]


def telling_rows(placements: Incidence) -> Incidence:
    """Return the rows that say something: not those of placements in every plan or in none, and each once."""
    rows = np.unique(placements, axis=0)
    return np.asarray(rows[rows.any(axis=1) & ~rows.all(axis=1)])


def _snapped(x: Floats) -> Floats:
    """Return x with what is nearly whole made whole."""
    near = np.round(x)
    return np.where(np.abs(x - near) <= WHOLE, near, x)


def _farthest(levels: Floats, rates: Floats) -> float:
    """Return how far all levels can move at their rates before one is whole."""
    moving = np.abs(rates) > WHOLE
    room = np.where(rates > 0, np.ceil(levels) - levels, levels - np.floor(levels))
    return float((room[moving] / np.abs(rates[moving])).min())


def _null_vector(matrix: Floats) -> Floats | None:
    """Return a vector that every row of a matrix is orthogonal to, of largest entry 1; None where there is none. The same on every machine."""
    work = matrix.astype(float)
    pivots: list[int] = []
    for column in range(work.shape[1]):
        row = len(pivots)  # pivots so far
        best = row + int(np.argmax(np.abs(work[row:, column]))) if row < len(work) else row
        if row == len(work) or abs(work[best, column]) <= WHOLE:
            vector = np.zeros(work.shape[1])
            vector[column] = 1.0
            for k, pivot in enumerate(pivots):
                vector[pivot] = -work[k, column]
            return np.asarray(vector / np.abs(vector).max())
        work[[row, best]] = work[[best, row]]
        work[row] /= work[row, column]
        for other in range(len(work)):
            if other != row and work[other, column] != 0:
                work[other] -= work[other, column] * work[row]
        pivots.append(column)
    return None
