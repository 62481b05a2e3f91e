"""Whether places are alike, by a permutation test: what searches found, shuffled among the searches of one period.

The statistic is the sum over places of (finds - searches x chance of the period)^2, which is locally the most powerful against chances that
vary from place to place. People searched together move together. Under the null hypothesis p is uniform.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array

from optimizer.lab.backtest.sums import sums

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SHUFFLES = 1999
AT_ONCE = 100


def permutation_p(
    place: NDArray[np.int64],
    stratum: NDArray[np.int64],
    outcome: Floats,
    rng: np.random.Generator,
    shuffles: int = SHUFFLES,
    *,
    lasting: bool = False,
) -> float:
    """Return how often shuffled outcomes differ as much between places as the real ones, in (0, 1].

    Parameters
    ----------
    place
        (k,) place of each search, from 0.
    stratum
        (k,) outcomes are shuffled within these (the period).
    outcome
        (k,) what was found, in [0, 1].
    rng
        Source of chance.
    shuffles
        How many; p is a multiple of 1 / (shuffles + 1).
    lasting
        Count only what places have in common across periods (the sum over places and pairs of periods of the product of their residuals): a
        place where one night's operation found much does not count.
    """
    order = np.argsort(stratum, kind="stable")
    place, outcome = place[order], outcome[order]
    _, first, count = np.unique(stratum[order], return_index=True, return_counts=True)
    residual = outcome - np.repeat(np.add.reduceat(outcome, first) / count, count)
    number = np.repeat(np.arange(first.size), count)
    rows = np.arange(place.size)
    whole = coo_array((np.ones(place.size), (place, rows))).tocsr()
    parts = coo_array((np.ones(place.size), (place * first.size + number, rows))).tocsr()

    def differ(values: Floats) -> Floats:
        all_in_all = np.square(np.asarray(whole @ values)).sum(axis=0)
        return np.asarray(all_in_all - np.square(np.asarray(parts @ values)).sum(axis=0) if lasting else all_in_all)

    real = float(differ(residual))
    least = real - 1e-9 * abs(real)  # equal sums in another order
    as_far = 0
    for begin in range(0, shuffles, AT_ONCE):
        shuffled = np.tile(residual[:, None], (1, min(AT_ONCE, shuffles - begin)))
        for start, size in zip(first.tolist(), count.tolist(), strict=True):
            rng.permuted(shuffled[start : start + size], axis=0, out=shuffled[start : start + size])
        as_far += int((differ(shuffled) >= least).sum())
    return (1 + as_far) / (1 + shuffles)


def scatter_p(
    place: NDArray[np.int64],
    stratum: NDArray[np.int64],
    count: Floats,
    expected: Floats,
    rng: np.random.Generator,
    shuffles: int = SHUFFLES,
) -> float:
    """Return p where finds are counted: each period's finds are thrown at random on its effort.

    Finds that come in clumps (a convoy) make p too small.

    Parameters
    ----------
    place, stratum
        (k,) place and period of each row, from 0.
    count, expected
        (k,) finds, whole numbers, and what the effort would find at the global rate, > 0.
    rng, shuffles
        As in `permutation_p`.
    """
    size = int(place.max()) + 1
    real, thrown = np.zeros(size), np.zeros((shuffles, size))
    for one in np.unique(stratum).tolist():
        mine = stratum == one
        effort = sums(place[mine], expected[mine], size)
        finds = sums(place[mine], count[mine], size)
        share = effort / effort.sum()
        total = float(finds.sum())
        real += finds - total * share
        thrown += rng.multinomial(round(total), share, size=shuffles) - total * share
    as_far = (thrown**2).sum(axis=1) >= (real**2).sum() * (1 - 1e-9)
    return (1 + int(as_far.sum())) / (1 + shuffles)
