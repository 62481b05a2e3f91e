"""Plans that planners begin with: the real search for a mixture of plans, at a small limit of rounds in place of time, so that it repeats.

1. The marginal relaxation (`optimizer.solvers.mixed.marginals`), for so many linear programs.
2. Plans sampled from its marginals, and local searches around the best of them: single plans.
3. Rounds of the double oracle over these plans and pooled paths (`restricted_game`): the game's mixture; exchanges that answer the evaders'
   strategy; best paths at the mixture's marginals. What evaders achieve on paths that are not pooled is not proven here.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.listener import SILENT, SilentListener, step
from optimizer.solvers.branch_and_cut.path_pool import PathPool
from optimizer.solvers.feasible_start import feasible_start
from optimizer.solvers.heuristics import greedy, local_search
from optimizer.solvers.mixed.defender import Exchanges
from optimizer.solvers.mixed.marginals import MarginalRelaxation
from optimizer.solvers.mixed.restricted_game import RestrictedGame
from optimizer.solvers.mixed.sampling import sampled_plan
from optimizer.solvers.pooled_values import PooledValues

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from optimizer.base.listener import Listener
    from optimizer.problem.instance import Instance
    from optimizer.solvers.branch_and_cut.commodities import Commodities
    from optimizer.solvers.mixed.restricted_game import GameSolution
    from optimizer.solvers.overlay.overlay import Overlay

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

PROGRAMS = 25
"""Linear programs of the relaxation at most."""
SAMPLED, SEARCHED = 40, 6
"""Plans sampled from the marginals, and how many of them are searched around."""
ROUNDS, STARTS = 8, 6
"""Rounds of the double oracle at most, and plans that exchanges begin from in one, and as many sampled ones."""
WORK = 1_500
"""Rounds of the double oracle times pairs of origin and destination at most; one round is made in any case."""
KEPT = 40
"""Plans of the pool that are kept."""


class _EnoughError(Exception):
    """The relaxation has had its programs."""


class _Counting(SilentListener):
    """Ends the relaxation after so many programs."""

    def __init__(self, listener: Listener) -> None:
        self._listener, self._count = listener, 0

    def bounds_moved(self, lower: float, upper: float) -> None:  # noqa: ARG002 - they are those of a part
        """Count a program."""
        self._count += 1
        if self._listener.cancelled():
            raise KeyboardInterrupt
        if self._count >= PROGRAMS:
            raise _EnoughError


@dataclass(frozen=True, eq=False)
class FirstPlans:
    """What planners begin with.

    Attributes
    ----------
    single
        (options,) the best single plan found.
    plans, probability
        (plans, options) a pool of plans, and the mixture of them.
    commodities, pool
        The evaders as the solver sees them, and their paths found so far.
    bound
        Proven lower bound of the value of every mixture.
    value
        What evaders achieve against the mixture on the pooled paths.
    """

    single: Mask
    plans: Mask
    probability: Floats
    commodities: Commodities
    pool: PathPool
    bound: float
    value: float


def first_plans(instance: Instance, overlay: Overlay, seed: int, listener: Listener = SILENT) -> FirstPlans:
    """Return the plans that planners begin with; the same for the same arguments.

    Parameters
    ----------
    instance, overlay
        The problem, without patrol teams, and its contraction.
    seed
        Seed of what is sampled.
    listener
        Told of the steps.

    Raises
    ------
    InfeasibleError
        If no plan is feasible.
    KeyboardInterrupt
        If the listener cancels.
    """
    rng = np.random.default_rng(seed)
    start = feasible_start(instance)
    relaxation = MarginalRelaxation(instance, overlay)
    with step(listener, "bounding mixtures"), suppress(_EnoughError):
        relaxation.cut(listener=_Counting(listener))
    master = relaxation.master
    pooled = PooledValues(master.commodities, master.pool)
    with step(listener, "first single plans"):
        sampled = _distinct(sampled_plan(instance, start, relaxation.x, rng) for _ in range(SAMPLED))
        sampled.append(greedy(instance, overlay, pooled, start=start))
        sampled.sort(key=overlay.value)
        searched = [local_search(instance, overlay, pooled, plan) for plan in sampled[:SEARCHED]]
        single = min([*searched, start], key=overlay.value)
    game = RestrictedGame(master.commodities, master.pool)
    for plan in _distinct([single, *searched, *sampled, start]):
        game.add(plan)
    with step(listener, "mixing first plans"):
        solution = _played(instance, overlay, game, start, rng, listener)
    order = np.lexsort((np.arange(solution.probability.size), -solution.probability))[:KEPT]
    probability = solution.probability[order]
    plans = np.array([game.plans[x] for x in order.tolist()])
    return FirstPlans(
        single=single,
        plans=plans,
        probability=probability / probability.sum(),
        commodities=master.commodities,
        pool=_lean_pool(overlay, master.commodities, [single, start], plans, probability / probability.sum()),
        bound=relaxation.lower,
        value=solution.value,
    )


def _played(
    instance: Instance,
    overlay: Overlay,
    game: RestrictedGame,
    start: Mask,
    rng: np.random.Generator,
    listener: Listener,
) -> GameSolution:
    """Play rounds of the double oracle and return the last solution of the game."""
    exchanges = Exchanges(instance, overlay)
    chains = game.commodities.chains
    solution = _solved(game)
    pairs = game.commodities.searches.leaf.size
    for _ in range(min(max(WORK // max(pairs, 1), 1), ROUNDS)):
        if listener.cancelled():
            raise KeyboardInterrupt
        marginals = np.array(game.plans[: solution.probability.size]).T @ solution.probability
        paths = game.pool.paths.take(np.arange(solution.weight.size)).joined(chains, game.pool.filling)
        exchanges.weigh(paths, np.append(solution.weight, np.ones(chains.value.size)))
        game.pool.grow(marginals, np.zeros(marginals.size, dtype=bool))
        likely = np.argsort(-solution.probability, kind="stable")[:STARTS]
        starts = [game.plans[x] for x in likely.tolist() if solution.probability[x] > 0]
        starts += [sampled_plan(instance, start, marginals, rng) for _ in range(STARTS)]
        for plan in starts:
            game.add(exchanges.improved(plan))
        solution = _solved(game)
    return solution


def _lean_pool(
    overlay: Overlay, commodities: Commodities, singles: list[Mask], plans: Mask, probability: Floats
) -> PathPool:
    """Return a pool of best paths to a few plans and to the marginals of the mixture alone: searches over it are quicker."""
    pool = PathPool(overlay, commodities.searches)
    nothing = np.zeros(overlay.free.size, dtype=bool)
    pool.grow(probability @ plans, nothing)
    for plan in (*singles, *plans[:STARTS]):
        pool.grow(plan.astype(np.float64), plan)
    return pool


def _solved(game: RestrictedGame) -> GameSolution:
    solution = game.solve()
    if solution is None:
        raise RuntimeError("the game without a time limit has no solution")
    return solution


def _distinct(plans: Iterable[Mask] | Sequence[Mask]) -> list[Mask]:
    return list({plan.tobytes(): plan for plan in plans}.values())
