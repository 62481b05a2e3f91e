"""The interface of all risk models, and their estimate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from optimizer.problem.network import Network
    from optimizer.records.model import Effort, Seizures


@dataclass(frozen=True, eq=False)
class Interval:
    """Central intervals of k numbers.

    Attributes
    ----------
    low, high
        (k,) lower and upper ends.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SeizureRates:
    """Seizures per unit of effort, by segment (m of them).

    Attributes
    ----------
    median
        (m,) median.
    interval
        The central interval.
    """

    median: NDArray[np.float64]
    interval: Interval


@dataclass(frozen=True)
class RiskEstimate:
    """Risk index by segment (m of them): 1 where a unit of effort finds what it finds on the whole.

    Attributes
    ----------
    median, low, high
        (m,) median and the ends of the central interval, >= 0. Rank by the median: means are dominated by segments that were never searched.
    mean
        (m,) expected index, > 0: what to add up or multiply into expected loads. Where nobody searched the median may be near 0
        while the mean is not.
    searched
        (m,) whether any effort is recorded there. Where none is, the risk is unknown and the estimate rests on other segments alone.
    level
        Probability of the interval.
    units, global_rate
        Units of effort, and (len(units),) the seizures per unit where the index is 1; NaN for a unit without effort.
    warnings
        What a reader must know.
    """

    median: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    mean: NDArray[np.float64]
    searched: NDArray[np.bool_]
    level: float
    units: tuple[str, ...]
    global_rate: NDArray[np.float64]
    warnings: tuple[str, ...]

    @property
    def unknown(self) -> NDArray[np.bool_]:
        """(m,) whether nobody ever searched there."""
        return ~self.searched

    def rates(self, unit: str) -> SeizureRates:
        """Return the seizures per unit of effort of every segment, in one of `units`."""
        rate = self.global_rate[self.units.index(unit)]
        return SeizureRates(rate * self.median, Interval(rate * self.low, rate * self.high))

    def to_frame(self, network: Network | None = None) -> Any:  # noqa: ANN401 - pandas, or geopandas with a network
        """Return one row a segment: `median`, `low`, `high`, `mean`, `searched`.

        With the network the rows also have `road_class` and `name`, and the frame is a GeoDataFrame of lines in EPSG:4326.
        """
        import pandas as pd

        columns = {name: getattr(self, name) for name in ("median", "low", "high", "mean", "searched")}
        index = pd.RangeIndex(self.median.size, name="segment")
        if network is None:
            return pd.DataFrame(columns, index=index)
        import geopandas as gpd

        arc = network.segment_arc
        described = {"road_class": network.road_class[arc], "name": network.name[arc]}
        return gpd.GeoDataFrame({**columns, **described}, index=index, geometry=network.lines, crs="EPSG:4326")


@runtime_checkable
class RiskModel(Protocol):
    """A model of risk, with the conventions of scikit-learn's estimators.

    `__init__` only stores its parameters, under their own names. `fit` learns from a record, sets attributes whose names end in `_`
    (`evidence_`, `mean_`), and returns self; fitting again starts anew. `predict`, `score` and `sample` need a fitted model.
    """

    def fit(self, records: Seizures, effort: Effort | None, network: Network) -> Self:
        """Learn from a record; return self."""
        ...

    def predict(self) -> RiskEstimate:
        """Return the risk index of every segment, with an interval."""
        ...

    def score(self, records: Seizures, effort: Effort | None) -> float:
        """Return the log chance of a later record given its own effort: natural logarithm, higher is better.

        Per seizure where seizures are counted, per search where each ends in yes or no.
        """
        ...

    def sample(self, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return n draws of the logarithm of the risk index of every segment, (n, m)."""
        ...
