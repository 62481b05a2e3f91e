"""The curvature of the log posterior, eliminated part by part, and what it answers: steps, variances, determinants.

Letters as in `optimizer.risk.field_flow.laplace`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from optimizer.risk.field_flow.latent import LatentPoint, nuggets

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.risk.field_flow.latent import Hyperparameters, LatentModel
    from optimizer.risk.field_flow.posterior import PosteriorExpansion

    Floats = NDArray[np.float64]


@dataclass(frozen=True)
class NewtonStep:
    """A Newton step, and half of what f would gain by it if it were quadratic."""

    point: LatentPoint
    gain: float


class Hessian:
    """H as seen from a point, ready to solve with until the problem's field is used again.

    Parameters
    ----------
    latent, hyper, expansion
        Where.

    Attributes
    ----------
    log_determinant
        log det A + log det S + sum of log(1 + n w), with the areas' part.
    """

    def __init__(self, latent: LatentModel, hyper: Hyperparameters, expansion: PosteriorExpansion) -> None:
        self._expansion = expansion
        self._free = 1 / (1 + nuggets(latent, hyper) * expansion.weight)  # R
        self._own = nuggets(latent, hyper) * self._free  # K
        self._factor = latent.field.with_evidence(hyper.tau, hyper.kappa2, self._free * expansion.weight)
        seen = latent.searched
        cross = expansion.cross[seen]
        joint = self._free[seen, None] * cross
        whole = np.zeros_like(expansion.cross)
        whole[seen] = joint
        self._behind = self._factor.solve(whole)
        schur = expansion.fixed - cross.T @ (self._own[seen, None] * cross) - joint.T @ self._behind[seen]
        self._schur = cho_factor(schur, lower=True)
        self.log_determinant = (
            self._factor.log_determinant
            + 2 * float(np.log(np.diag(self._schur[0])).sum())
            - float(np.log(self._free).sum())
        )
        self._field_variance: Floats | None = None
        self._area: tuple[Floats, Floats, tuple[Floats, bool]] | None = None
        active = expansion.area_weight > 0
        if active.any():
            at, beta, weight = (
                expansion.area_u[:, active],
                expansion.area_beta[:, active],
                expansion.area_weight[active],
            )
            parts = self.solve_without_areas(at, beta, self._own[:, None] * at)
            inner = at.T @ (parts.u + parts.v) + beta.T @ parts.beta
            root = np.sqrt(weight)
            self.log_determinant += float(np.linalg.slogdet(np.eye(root.size) + root[:, None] * inner * root)[1])
            self._area = (at, beta, cho_factor(np.diag(1 / weight) + inner, lower=True))
            self._parts = parts

    def solve_without_areas(self, right_u: Floats, right_beta: Floats, owned: Floats) -> LatentPoint:
        """Solve without the areas' part; `owned` is K times the right side of v. All three may have a second axis, of several right sides."""
        expansion = self._expansion
        each = (slice(None), *(None,) * (right_u.ndim - 1))
        weight, own = expansion.weight[each], self._own[each]
        right_u = right_u - weight * owned
        right_beta = right_beta - expansion.cross.T @ owned
        beta = cho_solve(self._schur, right_beta - self._behind.T @ right_u)
        u = self._factor.solve(right_u) - self._behind @ beta
        return LatentPoint(u, owned - own * (weight * u + expansion.cross @ beta), beta)

    def solve(self, right_u: Floats, right_beta: Floats, owned: Floats) -> LatentPoint:
        """Return H^-1 times a right side: (m,) of u, (q,) of beta, and K times the (m,) of v."""
        point = self.solve_without_areas(right_u, right_beta, owned)
        if self._area is not None:
            at, beta, inner = self._area
            share = cho_solve(inner, at.T @ (point.u + point.v) + beta.T @ point.beta)
            moved = LatentPoint(self._parts.u @ share, self._parts.v @ share, self._parts.beta @ share)
            point = point.moved(moved, -1.0)
        return point

    def newton(self, nugget: Floats) -> NewtonStep:
        """Return Newton's step."""
        expansion = self._expansion
        step = self.solve(
            expansion.slope_u, expansion.slope_beta, self._own * expansion.pull - self._free * expansion.point.v
        )
        gain = float(expansion.slope_u @ step.u + expansion.slope_beta @ step.beta + expansion.pull @ step.v)
        if nugget.any():
            gain -= float(expansion.point.v @ (step.v / nugget))
        return NewtonStep(step, gain / 2)

    def area_variance(self) -> Floats:
        """Return the (areas,) variances of the linear log sums of the areas."""
        variance = np.zeros(self._expansion.area_weight.size)
        if self._area is not None:
            weight = self._expansion.area_weight[self._expansion.area_weight > 0]
            inner = self._area[2]
            # with J = V' H0^-1 V, W the weights: J - J (1/W + J)^-1 J = 1/W - 1/W (1/W + J)^-1 1/W
            variance[self._expansion.area_weight > 0] = (
                1 / weight - np.diag(cho_solve(inner, np.eye(weight.size))) / weight**2
            )
        return np.maximum(variance, 0.0)

    def unit_variance(self, latent: LatentModel) -> Floats:
        """Return the (n_units, m) variances of eta with the level of each unit."""
        x = latent.design.columns
        if not latent.levels:
            return self.rate_variance(x)[None]
        level = np.eye(latent.levels)
        return np.array([self.rate_variance(np.column_stack((x, np.tile(one, (len(x), 1))))) for one in level])

    def rate_variance(self, columns: Floats) -> Floats:
        """Return the (m,) variances of eta = columns @ beta + u + v, for the (m, p) covariates of the first p of beta and the levels."""
        p = columns.shape[1]
        if self._field_variance is None:
            self._field_variance = self._factor.inverse_diagonal()
        rest = -self._own[:, None] * self._expansion.cross - self._free[:, None] * self._behind
        rest[:, :p] += columns
        variance = self._free**2 * self._field_variance + self._own
        variance += (rest * cho_solve(self._schur, rest.T).T).sum(axis=1)
        if self._area is not None:
            inner = self._area[2]
            t = self._parts.u + self._parts.v + columns @ self._parts.beta[:p]
            variance -= (t * cho_solve(inner, t.T).T).sum(axis=1)
        return np.asarray(np.maximum(variance, 1e-12))
