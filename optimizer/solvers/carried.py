"""What solves of a series over one overlay, under other budgets or with other options forced or forbidden, pass on to each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.solvers.branch_and_cut.commodities import Commodities
from optimizer.solvers.branch_and_cut.path_pool import PathPool
from optimizer.solvers.pooled_values import PooledValues

if TYPE_CHECKING:
    from optimizer.solvers.branch_and_cut.value_rows import ValueRows
    from optimizer.solvers.overlay.overlay import Overlay


@dataclass
class Carried:
    """What a solve takes from those of its series before it, and leaves to those after it.

    Attributes
    ----------
    rows
        At first those of solves before, if there are any; then those of this one's root. They can be sent to another process.
    paths
        The paths found so far, of solves in this process; None where each solve finds its own.
    quick
        Whether a solve ends as soon as its bounds have met to within the gap, without a local search around its plan.
    """

    rows: ValueRows | None = None
    paths: SharedPaths | None = None
    quick: bool = False


@dataclass(frozen=True)
class SharedPaths:
    """Commodities of an overlay, their paths found so far, and values over them."""

    commodities: Commodities
    pool: PathPool
    values: PooledValues

    @classmethod
    def of(cls, overlay: Overlay) -> SharedPaths:
        """Return the commodities of an overlay, without paths."""
        commodities = Commodities.of(overlay)
        pool = PathPool(overlay, commodities.searches)
        return cls(commodities, pool, PooledValues(commodities, pool))

    def fits(self, overlay: Overlay) -> bool:
        """Return whether they are those of an overlay."""
        return self.pool.overlay is overlay
