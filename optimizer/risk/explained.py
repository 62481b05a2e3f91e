"""Models that know which part of their answer comes from the flows they were given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@runtime_checkable
class ExplainsByFlows(Protocol):
    """A fitted model that tells how much of its log index stands for the flows of its prior table."""

    def explained_by_flows(self) -> NDArray[np.float64]:
        """Return the (m,) part of the log index that the prior flows stand for, as far as they are believed; 0 without flows."""
        ...
