"""The latent Gaussian model of a record: what is known, what is not, and the numbers that rule it (formulas: `laplace`)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.risk.field_flow.field import Field
    from optimizer.risk.numerics.likelihood import AreaCount, Cells

    Floats = NDArray[np.float64]

LEVEL_SD = 1.0
"""Prior standard deviation of the log level of detection of a unit of effort, relative to its own global rate."""


@dataclass(frozen=True)
class Design:
    """Covariates of the log rate.

    Attributes
    ----------
    columns
        (m, p) x.
    prior_mean, prior_sd
        (p,) of beta.
    offset
        (m,).
    """

    columns: Floats
    prior_mean: Floats
    prior_sd: Floats
    offset: Floats


@dataclass(frozen=True)
class Hyperparameters:
    """The hyperparameters.

    Attributes
    ----------
    tau, kappa2
        Precision and inverse squared reach of the field, > 0.
    nugget
        Variance of what is a segment's own, >= 0.
    shape
        Shape of a month's counts, > 0; infinity is Poisson.
    """

    tau: float
    kappa2: float
    nugget: float = 0.0
    shape: float = np.inf


@dataclass(frozen=True)
class LatentModel:
    """What is known: cells, counts by area, covariates, and the graph of the field.

    `own` is the (m,) size of the nugget of each segment relative to `Hyperparameters.nugget`, > 0; None is the same everywhere.

    With `blur`, (n_units, m) standard deviations of the log rate with the level of each unit, the log likelihood is its mean over normal
    log rates of that spread: finding the mode and taking the spread there, in turn, leads to the normal distribution that is nearest to the
    posterior in Kullback-Leibler divergence. The mode alone sits too high where seizures are few, for the posterior of a log rate has its
    long tail below.
    `area_blur`, (areas,),
    is the same for the log sums of areas: how a sum is divided may be known far worse than the sum.
    """

    field: Field
    cells: Cells
    areas: tuple[AreaCount, ...]
    design: Design
    n_units: int
    blur: Floats | None = None
    area_blur: Floats | None = None
    own: Floats | None = None

    @cached_property
    def levels(self) -> int:
        """How many levels of detection are free: none where all effort has one unit."""
        return self.n_units if self.n_units > 1 else 0

    @cached_property
    def searched(self) -> NDArray[np.int64]:
        """Segments that have a cell, in rising order."""
        return np.unique(self.cells.segment)

    @cached_property
    def precision(self) -> Floats:
        """(q,) prior precision of beta and the levels."""
        return np.concatenate((self.design.prior_sd**-2.0, np.full(self.levels, LEVEL_SD**-2.0)))

    @cached_property
    def centre(self) -> Floats:
        """(q,) prior mean of beta and the levels."""
        return np.concatenate((self.design.prior_mean, np.zeros(self.levels)))

    @cached_property
    def unit_share(self) -> Floats:
        """(levels,) share of each unit in the seizures expected of effort; empty where levels are not free."""
        if not self.levels:
            return np.zeros(0)
        expected = np.bincount(self.cells.unit, self.cells.expected, self.n_units)
        return np.asarray(expected / max(expected.sum(), 1e-300))

    @cached_property
    def usual_columns(self) -> Floats:
        """(m, q) covariates of the log rate of usual effort: units at their mean level by `unit_share`."""
        x = self.design.columns
        return np.column_stack((x, np.tile(self.unit_share, (len(x), 1)))) if self.levels else x

    def rates(self, point: LatentPoint) -> Floats:
        """Return the (m,) log rates eta of a unit of level 0."""
        p = self.design.columns.shape[1]
        return np.asarray(self.design.offset + self.design.columns @ point.beta[:p] + point.u + point.v)

    def level(self, beta: Floats, unit: NDArray[np.int64] | int) -> Floats:
        """Return the level of each unit asked for."""
        return np.asarray(beta[self.design.columns.shape[1] :][unit]) if self.levels else np.zeros(np.shape(unit))


@dataclass(frozen=True)
class LatentPoint:
    """Values of the latent variables: (m,) field, (m,) what is a segment's own, (q,) beta and levels."""

    u: Floats
    v: Floats
    beta: Floats

    def moved(self, step: LatentPoint, length: float = 1.0) -> LatentPoint:
        """Return the point a step away."""
        return LatentPoint(self.u + length * step.u, self.v + length * step.v, self.beta + length * step.beta)


def nuggets(latent: LatentModel, hyper: Hyperparameters) -> Floats:
    """Return the (m,) variances of what is each segment's own."""
    return hyper.nugget * (np.ones(latent.field.neighbours.size) if latent.own is None else latent.own)
