"""Roads as an instance has them: straight pieces between its nodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class StraightRoads:
    """Roads as straight pieces: (k, 2) degrees of both ends; `left_out` counts those that are not drawn."""

    begin: NDArray[np.float64]
    end: NDArray[np.float64]
    left_out: int
