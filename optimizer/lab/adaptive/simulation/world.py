"""What all runs of a simulation share: the problem and its contraction, made once, the
routes, the crowd, and the plans to begin with.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.base.work.listener import SILENT, Listener, SilentListener, step
from optimizer.lab.adaptive.simulation.traffickers import (
    ChoiceSets,
    Passages,
    RouteSet,
    choice_sets,
)
from optimizer.problem.instance.evaders import Evader
from optimizer.problem.instance.instance import Instance
from optimizer.problem.plan.plan import with_beats, with_teams
from optimizer.solvers.branch_and_cut.improve.feasible_start import feasible_start
from optimizer.solvers.branch_and_cut.improve.local_search import greedy, local_search
from optimizer.solvers.branch_and_cut.paths.commodities import Commodities
from optimizer.solvers.branch_and_cut.paths.path_pool import PathPool, Paths, PooledValues
from optimizer.solvers.mixed.defender import Swaps
from optimizer.solvers.mixed.double_oracle import MarginalRelaxation, sampled_plan
from optimizer.solvers.mixed.restricted_game import GameSolution, RestrictedGame
from optimizer.solvers.overlay.overlay import Overlay, contract
from optimizer.solvers.patrols.column_generation import ColumnGeneration

if TYPE_CHECKING:
    from optimizer.scenario.file.model import AdaptModel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

REPLIED = 16
"""Plans of the first mixture to which best replies are collected."""

DIGITS = 5
"""Significant digits of evaders' weights that are kept: a risk model's last digits
depend on the number of threads, and ties on them.
"""

DELAY = "delay"
"""Name of the resource that counts what honest travellers lose."""


@dataclass(frozen=True, eq=False)
class AdaptiveWorld:
    """What all runs share."""

    #: The problem, with the beats that teams may drive behind its options.
    instance: Instance
    #: Its contraction.
    overlay: Overlay
    #: How traffickers learn, and how planners plan again.
    terms: AdaptModel
    #: Routes, crowd and gateways.
    sets: ChoiceSets
    #: (options,) mask of what stands today.
    today: Mask
    #: (segments,) length of each stretch of road; None where the problem has no map.
    length_km: Floats | None
    #: (options,) seizures of the scenario's record where each option watches.
    begun: Floats
    #: The plans that planners begin with.
    first: FirstPlans

    @property
    def history(self) -> int:
        """Periods of today's layout before the first that counts; none where nothing
        stands today.
        """
        return self.terms.history if self.today.any() else 0

    def place_detection(self, presence: Floats) -> Floats:
        """Return the (places,) chance to be seized of options that stand on (options,)
        shares of the days.
        """
        return self.sets.routes.place_detection(presence)

    @cached_property
    def hindsight(self) -> BestPlanInHindsight:
        """What finds best plans against given flows."""
        return BestPlanInHindsight(self.instance, self.overlay, self.sets.routes)

    @cached_property
    def passages(self) -> Passages:
        """What plans do to loads; runs of one process share it."""
        return Passages(self.sets.routes)

    def burden(self, presence: Floats) -> float | None:
        """Return what honest travellers lose under (options,) shares of the days, in
        the unit of the resource `delay`; None without one.
        """
        columns = [
            k for k, each in enumerate(self.instance.resources) if (each.name or each.id) == DELAY
        ]
        return float(presence @ self.instance.use[:, columns].sum(axis=1)) if columns else None


def rounded_evader(evader: Evader) -> Evader:
    """Return an evader with weight and shares of routes to `DIGITS` significant digits."""
    shares = [float(f"{route.share:.{DIGITS}g}") for route in evader.routes]
    routes = tuple(
        replace(route, share=share / sum(shares))
        for route, share in zip(evader.routes, shares, strict=True)
    )
    return replace(evader, weight=float(f"{evader.weight:.{DIGITS}g}"), routes=routes)


def adaptive_world(
    instance: Instance,
    terms: AdaptModel,
    *,
    seed: int = 0,
    segment: Ints | None = None,
    length_km: Floats | None = None,
    begun: Floats | None = None,
    closed: Sequence[Mask] = (),
    listener: Listener = SILENT,
) -> AdaptiveWorld:
    """Make ready what all runs share; the same for the same arguments.

    Parameters
    ----------
    instance
        The problem; patrol teams drive `terms.beats` beats at most, or are left out.
    terms
        How traffickers learn and planners plan again.
    seed
        Seed of the plans to begin with.
    segment, length_km
        (arcs,) stretch of road of each arc and (segments,) lengths; by default each arc
        is a stretch by itself, of unknown length.
    begun
        (options,) seizures of the scenario's record where each option of the instance
        watches; none by default, nor of beats.
    closed
        (arcs,) masks of the arcs that those who keep to a mode of travel do not use; a
        pair keeps its best route without them.
    listener
        Told of the steps.

    Raises
    ------
    InfeasibleError
        If no plan is feasible.
    """
    fixed = len(instance.options)
    instance = replace(
        instance, evaders=tuple(rounded_evader(evader) for evader in instance.evaders)
    )
    instance = with_team_pool(instance, terms.beats, seed, listener)
    with step(listener, "contracting the network"):
        overlay = contract(instance)
    first = first_plans(instance, overlay, seed, listener)
    today = np.array([option.existing for option in instance.options], dtype=bool) | instance.forced
    everything = overlay.free | instance.forced
    answered = [instance.forced, today, everything, first.single, *first.plans[:REPLIED]]
    with step(listener, "collecting routes"):
        sets = choice_sets(
            instance,
            answered,
            segment=np.arange(instance.tail.size) if segment is None else segment,
            most=terms.routes,
            loads=terms.loads,
            fixed=fixed,
            closed=closed,
        )
    seized = np.zeros(len(instance.options))
    if begun is not None:
        seized[:fixed] = begun
    return AdaptiveWorld(instance, overlay, terms, sets, today, length_km, seized, first)


# Plans that planners begin with: the real search for a mixture of plans, at a small
# limit of rounds in place of time, so that it repeats.
#
# 1. The marginal relaxation (`optimizer.solvers.mixed.double_oracle`), for so many
#    linear programs.
# 2. Plans sampled from its marginals, and local searches around the best of them:
#    single plans.
# 3. Rounds of the double oracle over these plans and pooled paths (`RestrictedGame`):
#    the game's mixture; exchanges that answer the evaders' strategy; best paths at the
#    mixture's marginals. What evaders achieve on paths that are not pooled is not
#    proven here.

PROGRAMS = 25
"""Linear programs of the relaxation at most."""

SAMPLED, SEARCHED = 40, 6
"""Plans sampled from the marginals, and how many of them are searched around."""

ORACLE_ROUNDS, STARTS = 8, 6
"""Rounds of the double oracle at most, and plans that exchanges begin from in one, and
as many sampled ones.
"""

WORK = 1_500
"""Rounds of the double oracle times pairs of origin and destination at most; one round
is made in any case.
"""

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
    """What planners begin with."""

    #: (options,) the best single plan found.
    single: Mask
    #: `plans`, `probability`: (plans, options) a pool of plans, and the mixture of
    #: them.
    plans: Mask
    probability: Floats
    #: `commodities`, `pool`: The evaders as the solver sees them, and their paths found
    #: so far.
    commodities: Commodities
    pool: PathPool
    #: Proven lower bound of the value of every mixture.
    bound: float
    #: What evaders achieve against the mixture on the pooled paths.
    value: float


def first_plans(
    instance: Instance, overlay: Overlay, seed: int, listener: Listener = SILENT
) -> FirstPlans:
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
        sampled = _distinct(
            sampled_plan(instance, start, relaxation.x, rng) for _ in range(SAMPLED)
        )
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
        pool=_lean_pool(
            overlay, master.commodities, [single, start], plans, probability / probability.sum()
        ),
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
    swaps = Swaps(instance, overlay)
    fixed_routes = game.commodities.fixed_routes
    solution = _solved(game)
    pairs = game.commodities.searches.leaf.size
    for _ in range(min(max(WORK // max(pairs, 1), 1), ORACLE_ROUNDS)):
        if listener.cancelled():
            raise KeyboardInterrupt
        marginals = np.array(game.plans[: solution.probability.size]).T @ solution.probability
        paths = game.pool.paths.take(np.arange(solution.weight.size)).joined(
            fixed_routes, game.pool.filling
        )
        swaps.weigh(paths, np.append(solution.weight, np.ones(fixed_routes.value.size)))
        game.pool.grow(marginals, np.zeros(marginals.size, dtype=bool))
        likely = np.argsort(-solution.probability, kind="stable")[:STARTS]
        starts = [game.plans[x] for x in likely.tolist() if solution.probability[x] > 0]
        starts += [sampled_plan(instance, start, marginals, rng) for _ in range(STARTS)]
        for plan in starts:
            game.add(swaps.improved(plan))
        solution = _solved(game)
    return solution


def _lean_pool(
    overlay: Overlay,
    commodities: Commodities,
    singles: list[Mask],
    plans: Mask,
    probability: Floats,
) -> PathPool:
    """Return a pool of best paths to a few plans and to the marginals of the mixture
    alone: searches over it are quicker.
    """
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


# Patrol teams among what policies place: a pool of beats stands for all that teams
# could drive.
#
# Column generation (`optimizer.solvers.patrols.column_generation`) for mixtures makes
# beats at a limit of rounds in place of time, so that it repeats, priced by heuristics
# alone. Of each team type at each base those of least reduced cost in its last program
# are the pool. They stand behind the other options, and the teams are a resource like
# others: every policy, referee and bound over options then counts them. What no beat of
# the pool does is out of reach of the policies, so that no bound over all beats
# follows.

COLUMN_ROUNDS = 8
"""Linear programs of column generation at most."""


def with_team_pool(
    instance: Instance, number: int, seed: int = 0, listener: Listener = SILENT
) -> Instance:
    """Return an instance whose options have a pool of beats behind them, and which has
    no teams beside; without beats where there are none.

    Parameters
    ----------
    instance
        The problem.
    number
        Beats of the pool at most, shared evenly by team types and bases, at least one
        each; 0 leaves the teams out.
    seed
        Seed of the pricing.
    listener
        Told of the step.

    Raises
    ------
    KeyboardInterrupt
        If the listener cancels.
    """
    patrols = instance.patrols
    if patrols is None or not patrols.patrols or not number:
        return replace(instance, patrols=None)
    whole = with_teams(instance)
    generation = ColumnGeneration(whole, patrols, seed=seed, mixed=True)
    generation.enter(generation.root)
    reduced = np.zeros(0)
    with step(listener, "making beats"):
        for _ in range(COLUMN_ROUNDS):
            relaxed = generation.relax()
            if listener.cancelled():
                raise KeyboardInterrupt
            if relaxed is None:
                break
            reduced = generation.reduced_at(relaxed)
            made = generation.add_quickly(relaxed)
            if not generation.cut(relaxed) and not made:
                break
    each, kept = max(number // len(patrols.patrols), 1), []
    for q in range(len(patrols.patrols)):
        own = [
            k
            for k in np.argsort(reduced, kind="stable").tolist()
            if generation.beats[k].patrol == q
        ]
        kept += own[:each]
    return replace(with_beats(whole, [generation.beats[k] for k in sorted(kept)]), patrols=None)


# The best plan once it is known who travelled where: the same plan in every period, or
# for one period alone.
#
# With the flows f_r of the routes given, a plan lets sum_r f_r base_r prod_{j on r
# placed} s_j through; exchanges of the real solver (`optimizer.solvers.mixed.defender`)
# look for the plan of least. What they find is feasible, so regret against it is at
# most the true one; on small problems tests hold it against enumeration.

NEGLIGIBLE = 1e-5
"""Share of all loads below which routes that meet the same options do not steer the swaps."""


class BestPlanInHindsight:
    """Finds best plans against given flows; routes that meet the same options with the
    same effect count as one.

    Parameters
    ----------
    instance, overlay
        The problem, without patrol teams, and its contraction.
    routes
        The routes.
    """

    def __init__(self, instance: Instance, overlay: Overlay, routes: RouteSet) -> None:
        self._swaps = Swaps(instance, overlay)
        self._base, n = routes.base, routes.n_options
        known: dict[tuple[tuple[int, float], ...], int] = {}
        group = np.empty(routes.pair.size, dtype=np.int64)
        for r, (option, survival) in enumerate(
            zip(routes.option.tolist(), routes.survival.tolist(), strict=True)
        ):
            met: dict[int, float] = {}
            for j, s in zip(option, survival, strict=True):
                if j < n:
                    met[j] = met.get(j, 1.0) * s
            group[r] = known.setdefault(tuple(sorted(met.items())), len(known))
        self._group = group
        shape = (len(known), max([1, *map(len, known)]))
        options, survivals = np.full(shape, n, dtype=np.int64), np.ones(shape)
        for place, signature in enumerate(known):
            for column, (j, s) in enumerate(signature):
                options[place, column], survivals[place, column] = j, s
        self._paths = Paths(
            np.zeros(len(known), dtype=np.int64), np.ones(len(known)), options, survivals
        )

    def best(self, flow: Floats, starts: list[Mask]) -> Mask:
        """Return the best plan found against (routes,) flows by exchanges from each of
        some plans.
        """
        weight = np.bincount(self._group, flow * self._base, self._paths.value.size).astype(
            np.float64
        )
        steering = np.where(weight > NEGLIGIBLE * weight.sum(), weight, 0.0)
        self._swaps.weigh(self._paths, steering)
        return min((self._swaps.improved(start) for start in starts), key=self._swaps.value)
