"""Other ways to randomise, on the roads themselves: without the overlay and the marginal relaxation that the method `mixed` has.

uniform             as many plans as `DRAWN`, each filled at random, of equal probability
betweenness         the one plan of the options that most evaders' best routes meet with nothing placed
greedy              the one plan that greedily lowers what evaders achieve over k routes each, found by making those used so far dearer
weights             evaders keep multiplicative weights (Freund and Schapire 1999) on their routes, the defender answers them in each round by
                    exchanges from the last answer; the mixture is the mean of the answers
double oracle       the double oracle of `mixed` (exact answers of both sides by the same searches, and the same smoothing) from one plan
"""

from __future__ import annotations

import time
from collections.abc import Callable  # noqa: TC003 - the dataclass's annotations are read by tools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.listener import SILENT
from optimizer.problem.evaders import arc_costs
from optimizer.problem.mixture import Mixture
from optimizer.problem.plan import Plan
from optimizer.problem.requirements import without_breaking
from optimizer.solvers.branch_and_cut.commodities import Commodities
from optimizer.solvers.branch_and_cut.node import addable
from optimizer.solvers.branch_and_cut.path_pool import PathPool
from optimizer.solvers.feasible_start import feasible_start
from optimizer.solvers.mixed.defender import Exchanges
from optimizer.solvers.mixed.double_oracle import CertifiedMixture, DoubleOracle
from optimizer.solvers.mixed.marginals import MarginalRelaxation
from optimizer.solvers.mixed.sampling import sampled_plan
from optimizer.solvers.overlay.chains import chains_of
from optimizer.solvers.overlay.overlay import Overlay

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.base.listener import Listener
    from optimizer.problem.instance import Instance
    from optimizer.problem.result import Randomised
    from optimizer.solvers.branch_and_cut.path_pool import Paths

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

DRAWN = 25
"""Plans of `uniform`: the exact value of more takes long."""
TURNS = 200
"""Rounds of `weights`."""
ROUTES, DEARER = 20, 1.3
"""Rounds of best routes, and by how much each makes the roads dearer that it uses."""


@dataclass(frozen=True)
class PeerTerms:
    """What a peer is asked for: `gap` and `seed` as in `solve`, `until` a `time.monotonic()`; only `double oracle` uses the gap."""

    gap: float
    until: float
    seed: int = 0
    listener: Listener = SILENT


@dataclass(frozen=True)
class PeerAnswer:
    """A mixture, with proven bounds where the method has them, and what ours says of single plans."""

    mixture: Mixture
    lower: float | None = None
    upper: float | None = None
    found: Randomised | None = None


def uniform(instance: Instance, terms: PeerTerms) -> PeerAnswer:
    """Return a mixture of plans filled at random."""
    rng, start = np.random.default_rng(terms.seed), feasible_start(instance)
    everything = np.ones(start.size)
    return _equally(instance, [sampled_plan(instance, start, everything, rng) for _ in range(DRAWN)])


def betweenness(instance: Instance, _: PeerTerms) -> PeerAnswer:
    """Return the plan of the options that most of the evaders' weight passes."""
    roads = roads_as_overlay(instance)
    load = np.zeros(len(instance.options))
    for weight, path in zip(roads.weight.tolist(), roads.paths(np.zeros_like(roads.free)), strict=True):
        met = np.unique(roads.option[list(path)])
        load[met[met >= 0]] += weight
    placed = feasible_start(instance)
    for option in np.argsort(-load, kind="stable").tolist():
        placed[option] |= _may_add(instance, placed)[option]
    return _equally(instance, [placed])


def greedy(instance: Instance, _: PeerTerms) -> PeerAnswer:
    """Return a plan made greedily against k routes of each evader."""
    roads = roads_as_overlay(instance)
    commodities = Commodities.of(roads)
    pool = _routes(roads, commodities)
    paths = pool.paths
    order = np.argsort(paths.commodity, kind="stable")
    paths = paths.take(order)
    first = np.unique(paths.commodity, return_index=True)[1]
    weight = commodities.weight[paths.commodity[first]]
    loss = _survivals(paths, len(instance.options))
    placed = feasible_start(instance)
    value = paths.values(np.append(placed, False))
    while (may := np.flatnonzero(_may_add(instance, placed) & ~placed)).size:
        after = np.maximum.reduceat(value * loss[may], first, axis=1) @ weight
        best = int(may[after.argmin()])
        placed[best] = True
        value = value * loss[best]
    return _equally(instance, [placed])


def weights(instance: Instance, terms: PeerTerms) -> PeerAnswer:
    """Return the mean of the defender's answers to evaders with multiplicative weights."""
    roads = roads_as_overlay(instance)
    commodities = Commodities.of(roads)
    pool = _routes(roads, commodities)
    paths, exchanges = pool.paths, Exchanges(instance, roads)
    scale = commodities.start[paths.commodity]
    rate = np.sqrt(8 * np.log(ROUTES) / TURNS)
    gained, plan, plans = np.zeros(scale.size), feasible_start(instance), []
    for _ in range(TURNS):
        score = np.exp(rate * (gained - gained.max()))
        share = score / np.bincount(paths.commodity, score)[paths.commodity]
        exchanges.weigh(paths, commodities.weight[paths.commodity] * share)
        plan = exchanges.improved(plan, terms.until)
        plans.append(plan)
        gained += paths.values(np.append(plan, False)) / scale
        if time.monotonic() >= terms.until:
            break
    return _equally(instance, plans)


def double_oracle(instance: Instance, terms: PeerTerms) -> PeerAnswer:
    """Return the mixture of a double oracle that knows of no overlay and no relaxation."""
    roads, start = roads_as_overlay(instance), feasible_start(instance)
    single = CertifiedMixture((start,), np.ones(1), roads.value(start))
    relaxation = MarginalRelaxation(instance, roads)  # its cuts are not made: it holds the routes
    search = DoubleOracle(
        instance, roads, relaxation, start, single, terms.gap, terms.until, terms.seed, terms.listener
    )
    search.lower = relaxation.lower
    search.game.add(start)
    search.run()
    best = search.best
    plans = tuple(Plan.from_mask(instance, mask) for mask in best.plans)
    mixture = Mixture(plans, tuple((best.probability / best.probability.sum()).tolist()))
    return PeerAnswer(mixture, search.lower, best.upper)


PEERS: dict[str, Callable[[Instance, PeerTerms], PeerAnswer]] = {
    "uniform": uniform,
    "betweenness": betweenness,
    "greedy": greedy,
    "weights": weights,
    "double oracle": double_oracle,
}


def roads_as_overlay(instance: Instance) -> Overlay:
    """Return the roads as they are in the form of an overlay, for instances without forced options whose roads hold one option each.

    Raises
    ------
    ValueError
        If they do not.
    """
    option, arc, survival = instance.effects
    if instance.forced.any() or np.unique(arc).size < arc.size or any(o.forbidden for o in instance.options):
        raise ValueError("forced or forbidden options, or a road with several")
    free = np.ones(len(instance.options), dtype=bool)
    on, passed = np.full(instance.tail.size, -1, dtype=np.int64), np.ones(instance.tail.size)
    on[arc], passed[arc] = option, survival
    informed = [evader for evader in instance.evaders if not evader.routes and evader.weight > 0]
    return Overlay(
        n_nodes=instance.n_nodes,
        tail=instance.tail,
        head=instance.head,
        reliability=instance.reliability,
        option=on,
        survival=passed,
        origin=np.array([e.origin for e in informed], dtype=np.int64),
        destination=np.array([e.destination for e in informed], dtype=np.int64),
        weight=np.array([e.weight for e in informed]),
        chains=chains_of(instance, instance.reliability, free),
        free=free,
    )


def _routes(roads: Overlay, commodities: Commodities) -> PathPool:
    """Return at most k routes of each evader."""
    searches = commodities.searches
    pool, cost = PathPool(roads, searches), arc_costs(roads.reliability)
    every = np.arange(searches.leaf.size)
    for _ in range(ROUTES):
        paths = searches.paths(roads.n_nodes, roads.tail, roads.head, np.exp(-cost))
        pool.add(every, paths)
        used = np.unique(np.concatenate([np.array(path, dtype=np.int64) for path in paths]))
        cost[used] *= DEARER
    return pool


def _survivals(paths: Paths, n_options: int) -> Floats:
    """Return the (options, paths) factors of options on paths."""
    table = np.ones((n_options + 1, paths.value.size))
    table[paths.option, np.arange(paths.value.size)[:, None]] = paths.survival
    return table[:-1]


def _may_add(instance: Instance, placed: Mask) -> Mask:
    return np.asarray(addable(instance, placed) & without_breaking(instance, placed))


def _equally(instance: Instance, masks: list[Mask]) -> PeerAnswer:
    """Return the mixture of some masks, each as likely as it is often there."""
    often: dict[bytes, tuple[Mask, int]] = {}
    for mask in masks:
        often[mask.tobytes()] = (mask, often.get(mask.tobytes(), (mask, 0))[1] + 1)
    ordered = sorted(often.values(), key=lambda each: -each[1])
    plans = tuple(Plan.from_mask(instance, mask) for mask, _ in ordered)
    return PeerAnswer(Mixture(plans, tuple(count / len(masks) for _, count in ordered)))
