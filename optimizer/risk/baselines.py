"""A baseline that a risk model must beat: Poisson regression on the trafficking flow and
the road class.

Other baselines: the maps that are drawn today (`optimizer.risk.simple_maps`), and
seizures over effort shrunk along the network (`optimizer.risk.shrunk_rate`).
"""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from optimizer.problem.network.network import Network
from optimizer.records.model import Effort, Seizures
from optimizer.risk.estimate import (
    RiskEstimate,
    by_segment,
    estimate_of,
    log_chance,
    log_chance_of_area,
    per_outcome,
)
from optimizer.risk.evidence import Evidence, cells_of, gather_evidence, later_evidence
from optimizer.risk.field_flow.laplace import Design
from optimizer.risk.field_flow.model_averaging import class_design, flow_column, with_flow
from optimizer.risk.location_error import fit_location_error
from optimizer.risk.numerics.likelihood import Cells
from optimizer.risk.od_flows import OdTable, path_flows

Floats = NDArray[np.float64]


class FlowRegression:
    """Poisson regression of seizures on the trafficking flow and the road class, with
    effort as exposure.

    Parameters
    ----------
    flows
        Prior table of origins and destinations; None leaves road classes alone.
    theta
        Preference for short times, per second.
    level
        Probability of the interval, in (0, 1).
    ridge
        Standard deviation of the normal priors on all but the level, centred on none;
        infinity is plain Poisson regression.

    Attributes
    ----------
    coefficients_, covariance_
        (q,) and (q, q): the level, road classes, log flow.
    mean_, sd_
        (m,) log index and its standard deviation.
    evidence_
        What the records say.
    """

    def __init__(
        self,
        flows: OdTable | None = None,
        *,
        theta: float = 1 / 90,
        level: float = 0.9,
        ridge: float = 1.0,
    ) -> None:
        self.flows = flows
        self.theta = theta
        self.level = level
        self.ridge = ridge

    def fit(self, records: Seizures, effort: Effort | None, network: Network) -> Self:
        """Fit the regression to segments that were searched; seizures known by area
        alone are left out.

        Raises
        ------
        InputError
            If seizures cannot be assigned to one unit of effort.
        """
        self._network = network
        self.evidence_ = fit_location_error(
            gather_evidence(records, effort, network), records, network
        )
        design = class_design(network)
        if self.flows is not None:
            flow = path_flows(network, self.flows, self.theta).net(self.flows.shares()).sum(axis=0)
            design = with_flow(design, flow_column(flow))
        self._fit_regression(cells_of(self.evidence_), design)
        self.mean_ = design.columns @ self.coefficients_
        self.sd_ = np.sqrt(((design.columns @ self.covariance_) * design.columns).sum(axis=1))
        return self

    def explained_by_flows(self) -> Floats:
        """Return the (m,) part of the log index that the prior flows stand for; 0 without flows."""
        if self.flows is None:
            return np.zeros(self.mean_.size)
        return np.asarray(
            self.mean_ - class_design(self._network).columns @ self.coefficients_[:-1]
        )

    def _fit_regression(self, cells: Cells, design: Design) -> None:
        """Set the coefficients to their mode and their covariance to the inverse of the
        information, by Newton's method with halved steps.
        """
        x = design.columns[cells.segment]
        precision = np.full(x.shape[1], self.ridge**-2.0)
        precision[0] = design.prior_sd[0] ** -2.0 if np.isfinite(self.ridge) else 0.0
        beta = np.zeros(x.shape[1])
        terms = cells.terms(x @ beta, np.inf)
        for _ in range(100):
            gradient = x.T @ terms.slope - precision * beta
            information = x.T @ (terms.curvature[:, None] * x) + np.diag(precision)
            step = cho_solve(cho_factor(information), gradient)
            if gradient @ step < 1e-12:
                break
            before, length = terms.value.sum() - 0.5 * beta @ (precision * beta), 1.0
            while length > 1e-9:
                tried = beta + length * step
                terms = cells.terms(x @ tried, np.inf)
                if terms.value.sum() - 0.5 * tried @ (precision * tried) >= before:
                    break
                length /= 2
            beta = tried
        self.coefficients_ = beta
        self.covariance_ = np.asarray(np.linalg.inv(information), dtype=np.float64)

    def predict(self) -> RiskEstimate:
        """Return the risk index of every segment."""
        return estimate_of(self.evidence_, self.mean_, self.sd_, self.sd_, self.level)

    def sample(self, n: int, rng: np.random.Generator) -> Floats:
        """Return n draws of the log risk index, (n, m); segments are drawn apart."""
        return np.asarray(self.mean_ + self.sd_ * rng.standard_normal((n, self.mean_.size)))

    def score(self, records: Seizures, effort: Effort | None) -> float:
        """Return the log chance of a later record given its own effort, a seizure
        (natural logarithm; higher is better).

        Raises
        ------
        InputError
            If the record has effort in a unit that was not fitted.
        """
        later = later_evidence(self.evidence_, records, effort, self._network)
        return per_outcome(
            float(self._log_chances_of(later).sum()), cells_of(later), later.area_counts
        )

    def log_chances(self, records: Seizures, effort: Effort | None) -> Floats:
        """Return the (m,) log chance of a later record by segment; of an area, at the
        first of its segments.

        Raises
        ------
        InputError
            If the record has effort in a unit that was not fitted.
        """
        return self._log_chances_of(later_evidence(self.evidence_, records, effort, self._network))

    def _log_chances_of(self, later: Evidence) -> Floats:
        cells, areas = cells_of(later), later.area_counts
        of_cell = log_chance(cells, self.mean_[cells.segment], self.sd_[cells.segment], np.inf)
        draws = self.sample(100 if areas else 0, np.random.default_rng(0))
        of_area = [log_chance_of_area(area, draws, np.inf) for area in areas]
        return by_segment(cells, of_cell, areas, of_area, self.mean_.size)
