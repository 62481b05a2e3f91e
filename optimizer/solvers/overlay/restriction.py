"""The overlay of a problem with more options forced or forbidden, from that of the problem itself, without another contraction.

What is left out of an overlay lies on no best path of any plan, so on none of a plan that has, or has not, certain options.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from optimizer.solvers.overlay.chains import Chains

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.problem.instance import Instance
    from optimizer.solvers.overlay.overlay import Overlay


def restricted(overlay: Overlay, instance: Instance) -> Overlay:
    """Return an overlay for an instance in which more options are forced or forbidden than in the one it was contracted from.

    Parameters
    ----------
    overlay
        The contraction of an instance in which every option that is free here was free; each option a part of its own.
    instance
        The same problem with more options forced, which are folded into the reliabilities, or forbidden, which are left out.
    """
    forced = instance.forced & overlay.free
    free = overlay.free & ~np.array([o.forced or o.forbidden for o in instance.options], dtype=bool)
    if np.array_equal(free, overlay.free):
        return overlay
    watched = overlay.option >= 0
    met = watched & np.append(forced, False)[overlay.option]
    plain = watched & ~np.append(free, False)[overlay.option]
    reliability = np.where(met, overlay.reliability * overlay.survival, overlay.reliability)
    kept = reliability > 0  # a forced option may close an arc
    return replace(
        overlay,
        tail=overlay.tail[kept],
        head=overlay.head[kept],
        reliability=reliability[kept],
        option=np.where(plain, -1, overlay.option)[kept],
        survival=np.where(plain, 1.0, overlay.survival)[kept],
        chains=_restricted_chains(overlay.chains, forced, free),
        free=free,
    )


def _restricted_chains(chains: Chains, forced: NDArray[np.bool_], free: NDArray[np.bool_]) -> Chains:
    """Return the chains with forced options folded into their values, and without those that let nothing through."""
    value = chains.values(forced)
    kept = value > 0
    place = np.cumsum(kept) - 1
    links = free[chains.option] & kept[chains.chain]
    return Chains(value[kept], place[chains.chain[links]], chains.option[links], chains.survival[links])
