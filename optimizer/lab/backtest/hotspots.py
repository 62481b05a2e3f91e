"""The maps that are drawn today: whether places with most past finds hold more later finds than those with most past searches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SHARE = 0.05


def held_by_top(score: Floats, later: Floats, share: float = SHARE) -> float:
    """Return how much of `later` lies in the share of places with the highest score; places that tie at the edge count in part.

    Parameters
    ----------
    score, later
        (c,) what places are ranked by, and what they hold.
    share
        Share of the places, in (0, 1]; at least one place.
    """
    wanted = max(1, int(np.ceil(share * score.size)))
    edge = np.partition(score, score.size - wanted)[score.size - wanted]
    above, ties = score > edge, score == edge
    return float(later[above].sum() + later[ties].sum() * (wanted - above.sum()) / ties.sum())
