"""The estimators that the study compares, by the names on its page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.risk import CountsOverEffort, FieldFlow, FlowRegression, KernelDensity, RawCounts, ShrunkRate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from optimizer.risk import OdTable, RiskModel

OURS, FIELD = "FieldFlow", "field alone"
KERNELS = ("KernelDensity 0.1 km", "KernelDensity 1 km")
RAW = "RawCounts"

ESTIMATORS: Mapping[str, Callable[[OdTable], RiskModel]] = {
    OURS: FieldFlow,
    FIELD: lambda _: FieldFlow(),
    "FlowRegression": FlowRegression,
    "ShrunkRate": lambda _: ShrunkRate(),
    "CountsOverEffort": lambda _: CountsOverEffort(),
    KERNELS[0]: lambda _: KernelDensity(0.1),
    KERNELS[1]: lambda _: KernelDensity(1.0),
    RAW: lambda _: RawCounts(),
}
LOOPED = (OURS, FIELD, "ShrunkRate", KERNELS[0], RAW)
"""Those that are followed in the closed loop."""
