"""The part of a risk model's estimate that its prior flows explain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@runtime_checkable
class ExplainsByFlows(Protocol):
    """A fitted model that reports how much of its log index the flows of its prior table explain."""

    def explained_by_flows(self) -> NDArray[np.float64]:
        """Return the (m,) part of the log index that the prior flows explain, weighted by the models' posterior weights; 0 without flows."""
        ...
