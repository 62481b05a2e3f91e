"""`place` runs a method on options alone, and values its plan on the full network; what a method is, and the methods by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from optimizer.problem.instance.instance import Instance
    from optimizer.problem.plan.result import Limit
    from optimizer.solvers.overlay.overlay import Overlay


class MethodSearch(Protocol):
    """One solve as its method sees it: offer plans, prove bounds, and return when `closed`, out of time, or with nothing left to try.

    Attributes
    ----------
    placed
        (options,) mask of the best plan so far; at first the forced options, with as few more as the requirements ask for.
    lower, upper
        Proven bound, and value of the best plan on the overlay.
    limit
        Set it to `"time"` where the time limit ended the method.
    """

    placed: NDArray[np.bool_]
    lower: float
    upper: float
    limit: Limit | None

    @property
    def instance(self) -> Instance:
        """The problem."""

    @property
    def overlay(self) -> Overlay:
        """The contracted network: `overlay.value(placed)` is the exact value of a plan, `overlay.free` the options that may be placed."""

    @property
    def seed(self) -> int:
        """Seed of every random choice."""

    @property
    def until(self) -> float:
        """`time.monotonic()` of the time limit; infinity without one."""

    @property
    def closed(self) -> bool:
        """Whether the bounds have met to within the gap asked for."""

    def offer(self, placed: NDArray[np.bool_]) -> None:
        """Take a plan as the best one if it is feasible and better; a solve values its last one again on the full network."""

    def prove(self, lower: float) -> None:
        """Take a lower bound of the optimal value: what is told here is believed."""

    def cancelled(self) -> bool:
        """Return whether the caller wants the method to stop."""
