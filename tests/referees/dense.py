"""The field + flow model written down once more, with dense matrices and nothing of the
package but the roads and the record.

Everything follows docs/risk.md: the graph of segments that meet, its Laplacian,
randomised shortest paths by the inverse of I - M, the joint density of (beta, u, v)
with all its constants, Newton's method on the whole of it, and Laplace's approximation
from the dense Hessian.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import gammaln, logsumexp

from optimizer.problem.network.network import Network
from optimizer.risk.od_flows import OdTable

Floats = NDArray[np.float64]

ACROSS_CLASSES = 0.3
HYPER_MEAN, HYPER_SD = np.array([0.0, -3.0, -1.0]), np.array([2.5, 2.5, 1.5])
WIDEST = 3.0
"""Spreads are cut here before counts are averaged over them."""


@dataclass(frozen=True)
class DenseFit:
    """A normal approximation: (m,) mean and standard deviation of the log rate, and the
    log marginal likelihood.
    """

    mean: Floats
    sd: Floats
    log_marginal: float


@dataclass(frozen=True)
class DenseModel:
    """What is known of a small network; one count a searched segment."""

    #: (m, m).
    laplacian: Floats
    #: `columns`, `prior_mean`, `prior_sd`: (m, p) covariates and the priors of their
    #: coefficients.
    columns: Floats
    prior_mean: Floats
    prior_sd: Floats
    #: (m,) size of the nugget of each segment.
    own: Floats
    #: `segment`, `count`, `expected`: (k,) the counts.
    segment: NDArray[np.int64]
    count: Floats
    expected: Floats
    #: Shape of the counts; infinity is Poisson.
    shape: float = np.inf

    def precision(self, logs: Floats) -> Floats:
        """Return the prior precision of (beta, u, v) for the (3,) log tau, log kappa^2
        and log nugget.
        """
        tau, kappa2, nugget = np.exp(logs)
        m, p = self.columns.shape
        out = np.zeros((p + 2 * m, p + 2 * m))
        out[:p, :p] = np.diag(self.prior_sd**-2.0)
        out[p : p + m, p : p + m] = tau * (kappa2 * np.eye(m) + self.laplacian)
        out[p + m :, p + m :] = np.diag(1 / (nugget * self.own))
        return out

    def map(self) -> Floats:
        """Return the (m, p + 2 m) matrix from (beta, u, v) to the log rates."""
        m = len(self.columns)
        return np.hstack((self.columns, np.eye(m), np.eye(m)))

    def fit(self, logs: Floats, spread: Floats | None = None) -> DenseFit:
        """Return the normal approximation at given hyperparameters.

        With `spread`, (m,) standard deviations, Poisson counts have their log chance
        averaged over log rates of that spread: y eta - e exp(eta + spread^2 / 2).
        """
        prior, to_rate = self.precision(logs), self.map()
        centre = np.concatenate((self.prior_mean, np.zeros(2 * len(self.columns))))
        seen = to_rate[self.segment]
        more = 0.0 if spread is None else np.minimum(spread[self.segment], WIDEST) ** 2 / 2

        def chance(z: Floats) -> tuple[float, Floats, Floats]:
            x = np.log(self.expected) + seen @ z
            mean = np.exp(np.minimum(x + more, 60.0))
            if np.isinf(self.shape):
                value = self.count * x - mean - gammaln(self.count + 1)
                slope, bend = self.count - mean, mean
            else:
                r = self.shape
                value = gammaln(self.count + r) - gammaln(r) - gammaln(self.count + 1)
                value = value + r * np.log(r / (r + mean)) + self.count * (x - np.log(r + mean))
                slope = self.count - (self.count + r) * mean / (r + mean)
                bend = (self.count + r) * r * mean / (r + mean) ** 2
            off = z - centre
            total = float(value.sum() - 0.5 * off @ prior @ off)
            return total, seen.T @ slope - prior @ off, prior + seen.T @ (bend[:, None] * seen)

        z, value, hessian = _climb(chance, centre)
        covariance = np.linalg.inv(hessian)
        sd = np.sqrt(np.einsum("ij,jk,ik->i", to_rate, covariance, to_rate))
        log_marginal = value + 0.5 * (np.linalg.slogdet(prior)[1] - np.linalg.slogdet(hessian)[1])
        return DenseFit(to_rate @ z, sd, float(log_marginal))

    def nearest(self, logs: Floats, rounds: int) -> DenseFit:
        """Return the normal distribution nearest to the posterior after some rounds of
        spread and mode in turn.
        """
        fit = self.fit(logs)
        for _ in range(rounds):
            fit = self.fit(logs, fit.sd)
        return fit

    def likeliest(self) -> Floats:
        """Return the (3,) log hyperparameters of the largest marginal likelihood times prior."""

        def cost(z: Floats) -> float:
            return 0.5 * float(z @ z) - self.fit(HYPER_MEAN + HYPER_SD * z).log_marginal

        starts = [np.zeros(3), np.array([1.0, 0.0, -1.0]), np.array([-0.5, 0.0, 1.0])]
        found = [
            minimize(cost, one, method="Nelder-Mead", options={"xatol": 1e-3, "fatol": 1e-4})
            for one in starts
        ]
        return np.asarray(HYPER_MEAN + HYPER_SD * min(found, key=lambda one: float(one.fun)).x)

    def averaged(self, nodes: int) -> DenseFit:
        """Return mean and standard deviation of the mixture over the hyperparameters,
        and their marginal likelihood, by Gauss-Hermite rules.
        """
        at, weight = np.polynomial.hermite_e.hermegauss(nodes)
        fits, logs = [], []
        for index in product(range(nodes), repeat=3):
            point = HYPER_MEAN + HYPER_SD * at[list(index)]
            plain = self.fit(point)
            fits.append(self.fit(point, plain.sd))
            logs.append(plain.log_marginal + np.log(weight[list(index)] / weight.sum()).sum())
        total = logsumexp(logs)
        share = np.exp(np.array(logs) - total)
        means, sds = np.array([one.mean for one in fits]), np.array([one.sd for one in fits])
        mean = share @ means
        return DenseFit(mean, np.sqrt(share @ (sds**2 + (means - mean) ** 2)), float(total))


def _climb(
    chance: Callable[[Floats], tuple[float, Floats, Floats]], start: Floats
) -> tuple[Floats, float, Floats]:
    z = start
    value, slope, hessian = chance(z)
    for _ in range(200):
        step = np.linalg.solve(hessian, slope)
        if step @ slope < 1e-12:
            break
        length = 1.0
        while length > 1e-10:
            tried = chance(z + length * step)
            if tried[0] >= value:
                break
            length /= 2
        z = z + length * step
        value, slope, hessian = tried
    return z, value, hessian


def laplacian_of(network: Network) -> Floats:
    """Return the (m, m) Laplacian of the segments that meet, junction by junction."""
    arc = network.segment_arc
    ends = [{int(network.tail[one]), int(network.head[one])} for one in arc]
    classes = network.road_class[arc]
    m = len(ends)
    weight = np.zeros((m, m))
    for node in range(network.n_nodes):
        meet = [s for s in range(m) if node in ends[s]]
        for s, t in product(meet, meet):
            if s != t:
                weight[s, t] += (1.0 if classes[s] == classes[t] else ACROSS_CLASSES) / (
                    len(meet) - 1
                )
    return np.asarray(np.diag(weight.sum(axis=1)) - weight)


def class_columns(network: Network) -> Floats:
    """Return the level and one column for each road class of two segments or more,
    where there are several classes.
    """
    classes = network.road_class[network.segment_arc]
    names = sorted(set(classes.tolist()))
    kept = [name for name in names if (classes == name).sum() > 1] if len(names) > 1 else []
    return np.column_stack(
        [np.ones(classes.size), *[(classes == name).astype(float) for name in kept]]
    )


def flow_over_mean(network: Network, table: OdTable, theta: float) -> Floats:
    """Return the (m,) sum over origins of the net flow of the randomised paths, over its mean."""
    n, m = network.n_nodes, network.n_segments
    leaving = np.bincount(network.tail, minlength=n)
    step = np.zeros((n, n))
    np.add.at(
        step, (network.tail, network.head), np.exp(-theta * network.time_s) / leaving[network.tail]
    )
    z = np.linalg.inv(np.eye(n) - step)
    arc = network.segment_arc
    total = np.zeros(m)
    for g, origin in enumerate(table.origins.tolist()):
        net = np.zeros(m)
        for d, destination in enumerate(table.destinations.tolist()):
            for s in range(m):
                i, j = int(network.tail[arc[s]]), int(network.head[arc[s]])
                forth, back = (
                    z[origin, i] * step[i, j] * z[j, destination],
                    z[origin, j] * step[j, i] * z[i, destination],
                )
                net[s] += table.weight[g, d] * (forth - back) / z[origin, destination]
        total += np.abs(net)
    return np.asarray(total / total.mean())
