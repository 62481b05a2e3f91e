"""Small records on which the judges and the product are set against each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.problem.network.network import Network
from optimizer.records import Effort, Seizures
from optimizer.risk import OdTable
from tests.referees.dense import DenseModel, class_columns, flow_over_mean, laplacian_of
from tests.risk_cases import by_segment, effort_of, grid_network, records_of

Floats = NDArray[np.float64]

FLOW_PRIOR = (1.0, 0.5)


@dataclass(frozen=True)
class SmallCase:
    """A small network with flows, effort and seizures."""

    #: `network`, `table`: The roads and the prior flows.
    network: Network
    table: OdTable
    #: `hours`, `count`: (m,) effort and seizures of each segment.
    hours: Floats
    count: Floats

    @property
    def records(self) -> tuple[Seizures, Effort]:
        """The rows of seizures and of effort."""
        return records_of(by_segment(self.count)), effort_of(by_segment(self.hours))

    def dense(self, flow: tuple[float, float] | None = None, shape: float = np.inf) -> DenseModel:
        """Return the dense model of it: the field alone, or with flows for a theta and
        a local share.
        """
        columns = class_columns(self.network)
        mean, sd = np.zeros(columns.shape[1]), np.array([10.0] + [1.0] * (columns.shape[1] - 1))
        own = np.ones(self.network.n_segments)
        if flow is not None:
            theta, local = flow
            passing = flow_over_mean(self.network, self.table, theta)
            column = np.log(passing + local)
            columns = np.column_stack((columns, column - column.mean()))
            mean, sd = np.append(mean, FLOW_PRIOR[0]), np.append(sd, FLOW_PRIOR[1])
            own = local / (passing + local)
        at = np.flatnonzero(self.hours > 0)
        rate = self.count.sum() / self.hours.sum()
        return DenseModel(
            laplacian_of(self.network),
            columns,
            mean,
            sd,
            own,
            at,
            self.count[at],
            rate * self.hours[at],
            shape,
        )


def small_case(size: int, seed: int, seizures: float = 3.0) -> SmallCase:
    """Return a lattice of size x size junctions, rates that are part smooth and part
    flow, and about so many seizures a segment searched.
    """
    rng = np.random.default_rng(seed)
    network = grid_network(size, rng, keep=1.0)
    corner = size * size
    table = OdTable(
        np.array([0, size - 1]),
        np.array([corner - 1, corner - size]),
        np.array([[3.0, 1.0], [1.0, 2.0]]),
    )
    m = network.n_segments
    smooth = np.linalg.cholesky(
        np.linalg.inv(2.0 * (0.1 * np.eye(m) + laplacian_of(network)))
    ) @ rng.normal(size=m)
    rate = np.exp(0.7 * np.log(flow_over_mean(network, table, 1 / 90) + 0.1) + smooth)
    hours = rng.gamma(1.0, 1.0, m) * (rng.random(m) < 0.7)
    hours *= seizures * (hours > 0).sum() / (hours @ rate)
    return SmallCase(network, table, hours, rng.poisson(hours * rate).astype(np.float64))
