"""The game of a pool of plans against pooled paths as one table, whose best mixture is found anew when the weights of the evaders change.

Minimise over mu in the simplex  F(mu) = sum_d P_d tau ln sum_{k to d} (p_k / P_d) exp(v_k(mu) / tau) + c mu,  v_k(mu) = max_{P of k} (V mu)_P,

with V the values of paths under each plan, p_k the weight of a pair, P_d that of all pairs bound for d, and c mu the value of those who do
not answer. The first part is what those achieve who choose the best path and, with a noise of tau = `ANTICIPATED`, the gateway: F is convex,
and for a large tau the sum of p_k v_k. Entropic mirror descent with steps ~ 1 / sqrt(t) from the last mixture; the best mixture met is kept,
so F never rises against the one that it began from (Nemirovski and Yudin 1983). It is quick and repeats; the linear program of
`restricted_game` is the judge.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.solvers.branch_and_cut.commodities import Commodities
    from optimizer.solvers.branch_and_cut.path_pool import PathPool

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

ANTICIPATED = 0.05
"""Difference of chances to get through at which a gateway is expected to draw e times the loads."""
MIXTURES = 200
"""Random mixtures against which a path must be best, besides single plans, to be kept."""
STEPS = 40
"""Steps of mirror descent for one set of weights."""
SPREAD = 1e-3
"""Share of the uniform mixture in the one that the descent begins from, so that every plan can come back."""


class _Reply(NamedTuple):
    """What evaders achieve against a mixture, the best path of each commodity, and the loads on it when gateways have drawn theirs."""

    value: float
    top: Ints
    tilted: Floats


@dataclass(frozen=True, eq=False)
class GameTable:
    """The game.

    Attributes
    ----------
    start
        (commodities with a path,) first path of each, of those that follow.
    commodity
        (commodities with a path,) its position among all commodities.
    values
        (paths, plans) chance to get through on each path under each plan, by commodity.
    chains
        (chains, plans) share of its value with nothing placed that each chain of habitual routes keeps.
    """

    start: Ints
    commodity: Ints
    values: Floats
    chains: Floats

    @classmethod
    def of(cls, commodities: Commodities, pool: PathPool, plans: Mask, rng: np.random.Generator) -> GameTable:
        """Gather the paths that are best against some plan or mixture of plans."""
        masks = np.hstack((plans, np.zeros((plans.shape[0], 1), dtype=bool)))
        order = np.argsort(pool.paths.commodity, kind="stable")
        paths = pool.paths.take(order)
        values = np.array([paths.values(mask) for mask in masks]).T.reshape(order.size, plans.shape[0])
        first = np.flatnonzero(np.append(True, paths.commodity[1:] != paths.commodity[:-1])[: order.size])
        mixtures = np.vstack((np.eye(plans.shape[0]), rng.dirichlet(np.full(plans.shape[0], 0.3), MIXTURES)))
        expected = values @ mixtures.T
        kept = np.zeros(order.size, dtype=bool)
        if order.size:
            length = np.diff(np.append(first, order.size))
            best = np.repeat(np.maximum.reduceat(expected, first, axis=0), length, axis=0)
            kept = np.asarray((expected >= best).any(axis=1))
        chosen = paths.commodity[kept]
        start = np.flatnonzero(np.append(True, chosen[1:] != chosen[:-1])[: chosen.size])
        chains = commodities.chains
        ratio = np.array([chains.values(mask) for mask in masks]).T.reshape(chains.value.size, plans.shape[0])
        ratio = ratio / np.maximum(chains.value, 1e-300)[:, None]
        return cls(start, chosen[start], values[kept], ratio)

    @cached_property
    def _length(self) -> Ints:
        """(commodities with a path,) number of paths of each."""
        return np.diff(np.append(self.start, self.values.shape[0]))

    def value(self, mixture: Floats, weight: Floats, fixed: Floats, market: Ints) -> float:
        """Return F of a mixture, given (commodities,) weights and markets, and (plans,) values of those who do not answer."""
        return self._reply(mixture, weight, fixed, market).value

    def improved(self, mixture: Floats, weight: Floats, fixed: Floats, market: Ints, steps: int = STEPS) -> Floats:
        """Return a mixture that is at least as good as another for these weights."""
        here = (1 - SPREAD) * mixture + SPREAD / mixture.size
        best, least = mixture, self.value(mixture, weight, fixed, market)
        scale = 1.0
        for turn in range(1, steps + 1):
            reply = self._reply(here, weight, fixed, market)
            if reply.value < least:
                best, least = here, reply.value
            slope = np.einsum("k,kp->p", reply.tilted, self.values[reply.top]) + fixed
            slope = slope - slope @ here
            if turn == 1:
                scale = 1.0 / max(float(np.abs(slope).max(initial=0.0)), 1e-12)
            moved = here * np.exp(np.clip(-scale * slope / np.sqrt(turn), -30, 30))
            here = moved / moved.sum()
        return best

    def _reply(self, mixture: Floats, weight: Floats, fixed: Floats, market: Ints) -> _Reply:
        """Return what evaders do against a mixture."""
        expected = np.einsum(
            "kp,p->k", self.values, mixture
        )  # without BLAS, whose sums depend on the number of threads
        top = self._first_best(expected)
        own, at, best = weight[self.commodity], market[self.commodity], expected[top]
        whole = np.bincount(at, own)
        highest = np.zeros(whole.size)
        np.maximum.at(highest, at, best)
        tilted = own * np.exp((best - highest[at]) / ANTICIPATED)
        drawn = np.bincount(at, tilted)
        moved = highest + ANTICIPATED * np.log(np.maximum(drawn / np.maximum(whole, 1e-300), 1e-300))
        value = float(whole @ np.where(whole > 0, moved, 0.0) + fixed @ mixture)
        return _Reply(value, top, tilted * (whole / np.maximum(drawn, 1e-300))[at])

    def _first_best(self, expected: Floats) -> Ints:
        """Return the first path of largest value of each commodity."""
        if not self.start.size:
            return np.empty(0, dtype=np.int64)
        best = np.maximum.reduceat(expected, self.start)
        at = np.flatnonzero(expected >= np.repeat(best, self._length))
        return np.asarray(at[np.searchsorted(at, self.start)])
