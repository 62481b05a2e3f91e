"""Risk models by the names that a scenario gives them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer import risk

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from optimizer.risk import OdTable, RiskModel
    from optimizer.scenario.model import RiskName


@dataclass(frozen=True)
class RiskModelEntry:
    """A risk model that a scenario can choose.

    Attributes
    ----------
    description
        What it estimates from, to be read after "Estimated from".
    make
        Makes one from the flows that gravity expects and the probability of the intervals.
    """

    description: str
    make: Callable[[OdTable, float], RiskModel]


MODELS: Mapping[RiskName, RiskModelEntry] = {
    "field-flow": RiskModelEntry(
        "seizures per unit of search effort on a road and on those that meet it, and from where loads would pass between gateways and "
        "settlements, as far as the record supports that",
        lambda flows, level: risk.FieldFlow(flows, level=level),
    ),
    "field": RiskModelEntry(
        "seizures per unit of search effort on a road and on those that meet it",
        lambda _, level: risk.FieldFlow(level=level),
    ),
    "flow-regression": RiskModelEntry(
        "seizures per unit of search effort, explained by where loads would pass between gateways and settlements and by road class alone",
        lambda flows, level: risk.FlowRegression(flows, level=level),
    ),
    "shrunk": RiskModelEntry(
        "seizures per unit of search effort, shrunk along the network",
        lambda _, level: risk.ShrunkRate(level=level),
    ),
    "counts-over-effort": RiskModelEntry(
        "seizures over search effort, each segment by itself",
        lambda _, level: risk.CountsOverEffort(level=level),
    ),
    "kernel-density": RiskModelEntry(
        "seizures alone, spread along the roads, as if all roads had been searched alike",
        lambda _, level: risk.KernelDensity(level=level),
    ),
    "raw-counts": RiskModelEntry(
        "seizures alone, as if all roads had been searched alike",
        lambda _, level: risk.RawCounts(level=level),
    ),
}
"""The first is the default; the last three are what is drawn today, to compare with."""
