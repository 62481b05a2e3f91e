"""In which order the splits of a node are tried: single options and path cut sets in one list, by how much they should raise the bounds.

Both children of a split matter: its score is the product of their rises, each at most the distance to the cutoff. What a child is expected to
gain comes from two sources:

estimate     `path_cut_sets`: the floors of the open child, the dual cost of what the closed child must still place; times the ratio of what
             was found to what was estimated so far, by kind of split and child
pseudo-cost  single options only: the mean rise for each unit by which x_j was moved, over the splits by j that were tried; for an option of
             which none was tried, the mean over all options, where it is more than the estimate

Path cut sets differ from node to node, so they have no pseudo-costs. Every split is tried before it is used: to rely on pseudo-costs after
four trials of an option (reliability branching: Achterberg, Koch & Martin 2005) took 231 nodes and 33 s in place of 90 and 17 s on
andorra-like-911-20.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray

    from optimizer.solvers.branch_and_cut.path_cut_sets import PathCutSet, PathCutSets

    Learnt = tuple[NDArray[np.float64], ...]

TINY = 1e-6
"""Share of the distance to the cutoff that every rise counts at least for, so that products can be compared."""


def score(rises: ArrayLike, left: float) -> NDArray[np.float64]:
    """Return the (...,) scores of the (..., 2) rises of two children, at a distance > 0 to the cutoff."""
    return np.asarray((np.clip(rises, 0.0, left) / left + TINY).prod(axis=-1))


def learnt_since(now: Learnt, before: Learnt) -> Learnt:
    """Return what a rule has learnt since an earlier moment."""
    return tuple(np.subtract(new, old) for new, old in zip(now, before, strict=True))


class BranchingRule:
    """What was learnt from the splits tried so far.

    Parameters
    ----------
    n_options
        Number of options.
    """

    def __init__(self, n_options: int) -> None:
        self._sum, self._count = np.zeros((2, n_options)), np.zeros((2, n_options))
        self._estimated, self._found = np.ones((2, 2)), np.ones((2, 2))

    @property
    def learnt(self) -> Learnt:
        """The sums and counts of everything learnt so far: those of two rules can be taken from each other and added."""
        return self._sum.copy(), self._count.copy(), self._estimated.copy(), self._found.copy()

    def add(self, learnt: Learnt) -> None:
        """Add sums and counts that another rule of the same options has learnt."""
        self._sum, self._count, self._estimated, self._found = (
            own + other for own, other in zip(self.learnt, learnt, strict=True)
        )

    def ordered(self, splits: PathCutSets, x: NDArray[np.float64], left: float) -> Iterator[PathCutSet]:
        """Return splits by falling expected score, each made when it is asked for.

        Parameters
        ----------
        splits
            Splits of a node.
        x
            (options,) point of its relaxation.
        left
            Distance of its bound to the cutoff, > 0.
        """
        order = np.argsort(-score(self.expected(splits, x), left), kind="stable")
        return (splits[k] for k in order.tolist())

    def learn(self, split: PathCutSet, x: NDArray[np.float64], rises: NDArray[np.float64], left: float) -> None:
        """Take the rises of the open and the closed child of a split that was tried at a point."""
        kind, capped = int(split.option is None), np.minimum(rises, left)
        self._estimated[kind] += np.minimum((split.rise_open, split.rise_closed), left) / left
        self._found[kind] += capped / left
        if (j := split.option) is not None:
            moved = np.array([x[j], 1 - x[j]])
            far = moved > TINY
            self._sum[far, j] += capped[far] / moved[far]
            self._count[far, j] += 1

    def expected(self, splits: PathCutSets, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the (splits, 2) rises that are expected of the open and the closed child of splits at a point."""
        j = splits.alone
        estimate = (self._found / self._estimated)[(j < 0).astype(np.int64)] * splits.rise
        moved, count = np.column_stack((x[j], 1 - x[j])), self._count[:, j].T
        mean = self._sum.sum(axis=1) / np.maximum(self._count.sum(axis=1), 1)
        cost = self._sum[:, j].T / np.maximum(count, 1)
        learnt = np.where(count > 0, cost * moved, np.maximum(mean * moved, estimate))
        return np.where(j[:, None] < 0, estimate, learnt)
