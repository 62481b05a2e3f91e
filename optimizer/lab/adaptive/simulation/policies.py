"""Policies by which planners plan again each period.

A policy knows the problem (its evaders are the loads of each pair at first), the routes
that may be taken and its own record, which it is told period after period. It is not
told how traffickers learn, nor where they travel; of `terms` it reads what is said of
planners alone.

today     what stands today
fixed     the first single plan, always
hotspot   options by the counts near them, remembered with fading weight; the first single plan until something is caught
coverage  refit of flows; greedy maximal covering of them: the field's practice
exact     refit of flows; local search of the real solver around the last plan, against evaders who know it
mixed     the first mixture, a plan drawn for each day
explore   candidate models of replies weighed by the record; the mixture best against them; a share of the days for what teaches most;
          the first mixture where models or record say that it lets less through
random    any plan that fits, a new one each day
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from optimizer.lab.adaptive.simulation.traffickers import (
    STEEPEST,
    Layout,
    PairLoads,
    Passages,
    RoutePassage,
    RouteSet,
    passage,
)
from optimizer.lab.adaptive.simulation.world import AdaptiveWorld, BestPlanInHindsight
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.options import BUDGET_TOLERANCE
from optimizer.problem.instance.requirements import options_that_break_none
from optimizer.risk.route_flows import CandidateRoutes, CountedRows, explain_by_routes
from optimizer.solvers.branch_and_cut.improve.feasible_start import feasible_start
from optimizer.solvers.branch_and_cut.improve.local_search import local_search
from optimizer.solvers.branch_and_cut.paths.path_pool import PooledValues
from optimizer.solvers.branch_and_cut.tree.node import options_that_fit
from optimizer.solvers.mixed.double_oracle import systematic_sample

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Ints = NDArray[np.int64]

NEAR = 3
"""Counts spread to the distance of the so-manieth nearest option, on the median over options."""

NEW = 0.3
"""Score of the option that promises most to teach, beside the probability of the
mixture, in plans of exploration.
"""

SEARCHED_ALWAYS = 0.1
"""Periods of effort that are added to those of every option, in what exploration goes by."""

ORACLE_ROUNDS = 8
"""Rounds of the double oracle before the first plan against the replies expected; each
later period has one.
"""

TRIAL = 6
"""Periods of the fixed mixture before the own plans of `explore`."""

SETTLING = 2
"""Periods after a change that are not compared."""

REST = 12
"""Periods of a fall back."""

DOUBT = 1.0
"""Standard errors by which the own record must be worse."""

LEAST_COMPARED = 3
"""Periods of each that are compared at least."""


class Policy(Protocol):
    """How planners plan again."""

    def take(self, period: PeriodRecord) -> None:
        """Take the record of a period that has ended."""

    def layout(self, rng: np.random.Generator) -> Layout:
        """Return what stands in the next period."""


class Today:
    """What stands today, always."""

    def __init__(self, world: AdaptiveWorld) -> None:
        self._layout = Layout.fixed(world.today, world.terms.days)

    def take(self, period: PeriodRecord) -> None:
        """Learn nothing."""

    def layout(self, rng: np.random.Generator) -> Layout:  # noqa: ARG002 - nothing is drawn
        """Return today's layout."""
        return self._layout


class Fixed:
    """The first single plan, always: the best that is known before anything is learnt,
    and that traffickers can learn.
    """

    def __init__(self, world: AdaptiveWorld) -> None:
        self._layout = Layout.fixed(world.first.single, world.terms.days)

    def take(self, period: PeriodRecord) -> None:
        """Learn nothing."""

    def layout(self, rng: np.random.Generator) -> Layout:  # noqa: ARG002 - nothing is drawn
        """Return the plan."""
        return self._layout


class Hotspot:
    """Chase counts: they spread to options near them, and nothing corrects them for
    where was searched.
    """

    def __init__(self, world: AdaptiveWorld) -> None:
        self._world, self._placer = world, PlanFromScores(world.instance)
        self._near = _near(world)
        self._score = world.begun.astype(np.float64)

    def take(self, period: PeriodRecord) -> None:
        """Mix the counts of a period into those remembered."""
        newest = self._world.terms.interdiction_learning
        self._score = (1 - newest) * self._score + newest * period.counts.sum(axis=0)

    def layout(self, rng: np.random.Generator) -> Layout:  # noqa: ARG002 - nothing is drawn
        """Place options by the counts near them; the first single plan, which catches
        something, while nothing was ever counted.
        """
        terms, score = self._world.terms, self._near @ self._score
        plan = self._placer.by_score(score) if score.any() else self._world.first.single
        return Layout.fixed(plan, terms.days)


class Coverage:
    """Maximal covering of the flows that explain the record."""

    def __init__(self, world: AdaptiveWorld) -> None:
        routes = world.sets.routes
        self._world, self._placer = world, PlanFromScores(world.instance)
        self._refit = RouteFlowEstimator(routes, world.sets.crowd, world.terms.forgetting)
        row, column = np.nonzero(routes.option < routes.n_options)
        shape = (routes.n_options, routes.pair.size)
        self._meets = csr_array((np.ones(row.size), (routes.option[row, column], row)), shape=shape)
        self._meets.data[:] = 1.0

    def take(self, period: PeriodRecord) -> None:
        """Add a period to the refit."""
        self._refit.add(period, self._world.passages)

    def layout(self, rng: np.random.Generator) -> Layout:  # noqa: ARG002 - nothing is drawn
        """Cover the flows estimated."""
        flow = self._refit.flows().routes
        plan = self._placer.covering(self._world.sets.routes, self._meets, flow)
        return Layout.fixed(plan, self._world.terms.days)


class Exact:
    """The best single plan against evaders who know it, for the flows that explain the record."""

    def __init__(self, world: AdaptiveWorld) -> None:
        self._world, self._plan = world, world.first.single
        self._refit = RouteFlowEstimator(
            world.sets.routes, world.sets.crowd, world.terms.forgetting
        )
        self._weights = EvaderWeights(world)
        self._pool = copy.copy(world.first.pool)  # it grows; other runs begin with the first one

    def take(self, period: PeriodRecord) -> None:
        """Add a period to the refit."""
        self._refit.add(period, self._world.passages)

    def layout(self, rng: np.random.Generator) -> Layout:  # noqa: ARG002 - nothing is drawn
        """Search around the last plan with the weights of the refit."""
        world, found = self._world, self._weights.of(self._refit.flows().pairs)
        overlay = replace(
            world.overlay,
            weight=found.evader,
            fixed_routes=replace(world.overlay.fixed_routes, value=found.fixed_routes),
        )
        first = world.first
        commodities = replace(
            first.commodities,
            weight=found.commodity,
            fixed_routes=replace(first.commodities.fixed_routes, value=found.fixed_routes),
        )
        self._plan = local_search(
            world.instance, overlay, PooledValues(commodities, self._pool), self._plan
        )
        return Layout.fixed(self._plan, world.terms.days)


class Mixed:
    """The first mixture: a plan drawn for each day, each as often as its probability
    says, to whole days.
    """

    def __init__(self, world: AdaptiveWorld) -> None:
        self._world = world

    def take(self, period: PeriodRecord) -> None:
        """Learn nothing."""

    def layout(self, rng: np.random.Generator) -> Layout:
        """Draw the days."""
        first = self._world.first
        return drawn_days(first.plans, first.probability, self._world.terms.days, rng)


class Explore:
    """The mixture that is best against the replies that the record lets expect, and
    days of plans that teach most.

    It begins with the first mixture, and falls back to it where the models or the own
    record say that its own lets more through.
    """

    def __init__(self, world: AdaptiveWorld) -> None:
        self._world, self._placer = world, PlanFromScores(world.instance)
        routes, first = world.sets.routes, world.first
        self._models = ResponseModels(routes, world.sets.crowd)
        self._mixture = ReplyMixture(routes, world.hindsight, first.plans, first.probability)
        self._first_through = self._mixture.through
        self._guard = RecordGuard()
        self._periods = 0
        self._effort = np.zeros(len(world.instance.options))
        self._promise = routes.promise(self._models.long_run(routes.base))

    def take(self, period: PeriodRecord) -> None:
        """Weigh the models by a period, and remember what was seized."""
        self._models.take(period, self._world.passages.mean(period.layout))
        self._guard.take(float(period.volumes.sum()))
        self._effort = (1 - self._world.terms.forgetting) * self._effort + period.layout.presence

    def layout(self, rng: np.random.Generator) -> Layout:
        """Draw the days of the mixture and those of exploration, or those of the first mixture."""
        terms, mixture = self._world.terms, self._mixture
        mixture.improve(self._models, 1 if self._periods else ORACLE_ROUNDS)
        self._periods += 1
        through = mixture.through
        expected = [
            float(self._models.long_run(each) @ each) for each in (through, self._first_through)
        ]
        if not self._guard.own_next(expected[0] < expected[1]):
            first = self._world.first
            return drawn_days(first.plans, first.probability, terms.days, rng)
        teaching = min(
            round(terms.exploration * terms.days / np.sqrt(self._periods)), terms.days - 1
        )
        drawn = drawn_days(mixture.plans, mixture.probability, terms.days - teaching, rng)
        days = [
            plan
            for plan, n in zip(drawn.plans, drawn.days.tolist(), strict=True)
            for _ in range(int(n))
        ]
        unknown = self._promise / (SEARCHED_ALWAYS + self._effort)
        wish = mixture.probability @ mixture.plans + NEW * unknown / max(
            float(unknown.max(initial=0.0)), 1e-300
        )
        days += [
            self._placer.by_score(wish * rng.exponential(size=wish.size)) for _ in range(teaching)
        ]
        return Layout.drawn(days)


class RecordGuard:
    """Whether a policy goes on with its own plans, by the loads that they and the fixed
    mixture seized in a period.

    The mixture stands for `TRIAL` periods at first. Afterwards the own plans stand
    until what they seize on the mean is below the mixture's by `DOUBT` standard errors;
    then the mixture stands for `REST` periods, and the own plans are tried anew. The
    `SETTLING` periods after a change do not count: traffickers have not yet answered.
    """

    def __init__(self) -> None:
        self._own = False
        self._since = 0
        self._left = TRIAL
        self._seized: dict[bool, list[float]] = {False: [], True: []}

    def take(self, seized: float) -> None:
        """Take the loads seized in the period that has ended."""
        self._since += 1
        if self._since > SETTLING:
            self._seized[self._own].append(seized)

    def own_next(self, expected_better: bool) -> bool:
        """Return whether the own plans stand in the next period, if models expect them
        to be better.
        """
        if self._own and self._worse():
            self._left = REST
            self._seized[True].clear()
        wanted = expected_better and self._left <= 0
        self._left -= 1
        if wanted != self._own:
            self._own, self._since = wanted, 0
        return wanted

    def _worse(self) -> bool:
        own, fixed = (np.array(self._seized[each]) for each in (True, False))
        if own.size < LEAST_COMPARED or fixed.size < LEAST_COMPARED:
            return False
        error = np.sqrt(own.var(ddof=1) / own.size + fixed.var(ddof=1) / fixed.size)
        return bool(own.mean() < fixed.mean() - DOUBT * error)


class Random:
    """Any plan that fits, a new one each day."""

    def __init__(self, world: AdaptiveWorld) -> None:
        self._days, self._placer = world.terms.days, PlanFromScores(world.instance)

    def take(self, period: PeriodRecord) -> None:
        """Learn nothing."""

    def layout(self, rng: np.random.Generator) -> Layout:
        """Draw the days."""
        return Layout.drawn([self._placer.random(rng) for _ in range(self._days)])


@dataclass(frozen=True, eq=False)
class NewWeights:
    """Weights of one set of pairs: of the overlay's informed evaders, of all
    commodities, and values of fixed routes with nothing placed.
    """

    evader: Floats
    commodity: Floats
    fixed_routes: Floats


class EvaderWeights:
    """Weights of evaders, commodities and fixed routes from those of pairs.

    Parameters
    ----------
    world
        What all runs share.
    """

    def __init__(self, world: AdaptiveWorld) -> None:
        instance = world.instance
        overlay = world.overlay
        crowd = world.sets.crowd
        pair_of = {ends: k for k, ends in enumerate(world.sets.ends)}
        self._first = crowd.loads / crowd.loads.sum()
        self._pair = np.array(
            [pair_of.get((e.origin, e.destination), -1) for e in instance.evaders], dtype=np.int64
        )
        self._weight = np.array([e.weight for e in instance.evaders])
        self._informed = np.array(
            [k for k, e in enumerate(instance.evaders) if not e.routes and e.weight > 0],
            dtype=np.int64,
        )
        ends = overlay.origin * overlay.n_nodes + overlay.destination
        self._commodity = np.unique(ends, return_inverse=True)[1]
        self._members = overlay.fixed_routes.members
        self._fixed_routes = overlay.fixed_routes.value

    def of(self, pairs: Floats) -> NewWeights:
        """Return the weights where (pairs,) are the shares of all loads of each pair."""
        ratio = np.append(pairs / self._first, 1.0)[self._pair]
        weight = self._weight * ratio
        evader = weight[self._informed]
        fixed_routes = (
            self._fixed_routes if self._members is None else np.asarray(self._members @ weight)
        )
        informed = np.bincount(self._commodity, evader, int(self._commodity.max(initial=-1)) + 1)
        return NewWeights(evader, np.append(informed, np.ones(fixed_routes.size)), fixed_routes)


def drawn_days(plans: Mask, probability: Floats, days: int, rng: np.random.Generator) -> Layout:
    """Return a layout of a mixture: each plan on as many days as its probability says,
    up or down to whole days.
    """
    expected = probability * days
    whole = np.floor(expected + 1e-9)
    extra = systematic_sample(np.maximum(expected - whole, 0.0), rng)
    count = whole.copy()
    np.add.at(count, extra, 1.0)
    missing = days - int(count.sum())
    if missing > 0:  # rounding alone
        count[int(probability.argmax())] += missing
    kept = count > 0
    return Layout(plans[kept], count[kept])


def _near(world: AdaptiveWorld) -> Floats:
    """Return the (options, options) weights with which counts of one option count for another."""
    instance = world.instance
    n = len(instance.options)
    place = world.sets.routes.place[:n]
    same = np.equal.outer(place, place).astype(np.float64)
    if instance.lonlat is None or n < 2:
        return same
    middle = np.array(
        [
            instance.lonlat[
                np.append(instance.tail[list(o.arcs)], instance.head[list(o.arcs)])
            ].mean(axis=0)
            for o in instance.options
        ]
    )
    middle[:, 0] *= np.cos(np.radians(middle[:, 1].mean()))
    distance = np.sqrt(((middle[:, None] - middle[None]) ** 2).sum(axis=2))
    other = np.where(same > 0, np.inf, distance)
    reach = float(np.median(np.sort(other, axis=1)[:, min(NEAR, n) - 1]))
    if not 0 < reach < np.inf:
        return same
    return np.asarray(np.maximum(same, np.exp(-distance / reach)))


# What planners know: what they placed, and what they seized there. Nothing of the
# traffickers' choices reaches them in another way.


@dataclass(frozen=True, eq=False)
class PeriodRecord:
    """The record of one period."""

    #: What stood.
    layout: Layout
    #: (plans, options) seizures of each option on the days of each plan.
    counts: NDArray[np.int64]
    #: (options,) loads seized.
    volumes: NDArray[np.float64]


class PlanFromScores:
    """Makes feasible plans from scores.

    Parameters
    ----------
    instance
        The problem.
    """

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self.start: Mask = feasible_start(instance)
        self._allowed = np.array([not option.forbidden for option in instance.options], dtype=bool)
        budget = np.where(instance.budget > 0, instance.budget, 1e-12)
        self.price: Floats = np.maximum((instance.use / budget).max(axis=1, initial=0.0), 1e-3)
        self._rivals = [np.empty(0, dtype=np.int64) for _ in instance.options]
        for group in instance.conflicts:
            for j in group:
                self._rivals[j] = np.union1d(
                    self._rivals[j], np.array([k for k in group if k != j], dtype=np.int64)
                )
        self._most = instance.budget * (1 + BUDGET_TOLERANCE)

    def by_score(self, score: Floats) -> Mask:
        """Return a plan of options in the order of (options,) scores over price; those
        of a score of 0 or less are left out.
        """
        instance, placed = self._instance, self.start.copy()
        order = np.argsort(-score / self.price, kind="stable")
        left = self._most - placed @ instance.use
        for j in order[score[order] > 0].tolist():
            if (
                placed[j]
                or not self._allowed[j]
                or (instance.use[j] > left).any()
                or placed[self._rivals[j]].any()
            ):
                continue
            if instance.requirements and not options_that_break_none(instance, placed)[j]:
                continue
            placed[j] = True
            left = left - instance.use[j]
        return placed

    def random(self, rng: np.random.Generator) -> Mask:
        """Return a plan of options in random order."""
        return self.by_score(np.asarray(rng.permutation(self.price.size) + 1.0, dtype=np.float64))

    def covering(self, routes: RouteSet, meets: csr_array, flow: Floats) -> Mask:
        """Return the plan of greedy maximal covering: flow on routes with at least one
        placed option (Church and ReVelle 1974).

        Parameters
        ----------
        routes
            The routes.
        meets
            (options, routes) sparse: 1 where a route meets an option.
        flow
            (routes,) flow.
        """
        instance, placed = self._instance, self.start.copy()
        open_flow = flow.copy()
        open_flow[_covered(routes, placed)] = 0.0
        while True:
            fitting = (
                options_that_fit(instance, placed)
                & ~placed
                & self._allowed
                & options_that_break_none(instance, placed)
            )
            gain = np.where(fitting, meets @ open_flow, 0.0)
            choice = int((gain / self.price).argmax())
            if gain[choice] <= 0:
                return placed
            placed[choice] = True
            open_flow[meets.indices[meets.indptr[choice] : meets.indptr[choice + 1]]] = 0.0


def _covered(routes: RouteSet, placed: Mask) -> Mask:
    """Return the (routes,) mask of those that meet a placed option."""
    return np.asarray(np.append(placed, False)[routes.option].any(axis=1))


# The flows that explain a planner's own record: the estimator that makes evaders of a
# record (`optimizer.risk.route_flows`), on its sites.
#
# Row j of the record is an option, its effort e_j the share of days on which it stood,
# summed over the periods with weights that fall by the share `forgetting` a period.
# Route r passes the row with the seizures of option j that are expected of one load on
# it, summed likewise, over e_j: what stands before the option on the route is thus
# taken off. The prior is that of the instance's evaders.

INFORMED_TEMPERATURE = 0.05
"""Prior of the informed loads of a pair over its routes: by chance to get through with
nothing placed, at this temperature.
"""

EXPLAINED = 30
"""Rounds of expectation and maximisation at most, as the record is read anew each period."""

LEAST_SHARE = 1e-4
"""Least prior share of a route of its pair."""


@dataclass(frozen=True, eq=False)
class Flows:
    """An estimate: (pairs,) share of all loads of each, and (routes,) share of all
    loads on each.
    """

    pairs: Floats
    routes: Floats


class RouteFlowEstimator:
    """The record in sums, kept up period after period.

    Parameters
    ----------
    routes, crowd
        Routes, and the loads of each pair as they are known at first.
    forgetting
        Share of what was counted before that no longer counts a period later.
    """

    def __init__(self, routes: RouteSet, crowd: PairLoads, forgetting: float) -> None:
        self._routes, self._kept = routes, 1 - forgetting
        self._prior = prior_shares(routes, crowd)
        self._weight = crowd.loads / crowd.loads.sum()
        self._crowd = crowd
        self._expected = np.zeros(routes.option.shape)
        self._effort = np.zeros(routes.n_options)
        self._counts = np.zeros(routes.n_options)
        self._mark = np.random.default_rng(0).random(
            routes.n_options
        )  # tells the sets of options that routes meet apart
        row, column = np.nonzero(routes.option < routes.n_options)
        self._at, self._option = (row, column), routes.option[row, column]

    def add(self, period: PeriodRecord, passages: Passages) -> None:
        """Take a period of the record."""
        mean = passages.mean(period.layout)
        self._expected = self._kept * self._expected + mean.seized
        reach = period.layout.presence
        self._effort = self._kept * self._effort + reach
        self._counts = self._kept * self._counts + period.counts.sum(axis=0)

    def flows(self) -> Flows:
        """Return the flows that explain the record; those known at first where nothing
        was seized.
        """
        routes = self._routes
        if not self._counts.any():
            prior = self._weight[routes.pair] * self._prior
            return Flows(self._weight, prior)
        effort = np.maximum(self._effort, 1e-12)
        data = self._expected[self._at] / effort[self._option]
        seen = data > 0
        place = (self._option[seen], self._at[0][seen])
        on = csr_array((data[seen], place), shape=(routes.n_options, routes.pair.size))
        # routes of a pair that the record sees alike are one to it: their Gamma priors
        # add up, and what is found is shared by the prior
        keys = np.column_stack((routes.pair.astype(np.float64), np.asarray(on.T @ self._mark)))
        _, first, one = np.unique(keys, axis=0, return_index=True, return_inverse=True)
        prior = np.bincount(one.ravel(), self._prior).astype(np.float64)
        candidates = CandidateRoutes(
            self._crowd.gateway,
            self._crowd.destination,
            self._weight,
            routes.pair[first],
            prior,
            csr_array(on[:, first]),
        )
        searched = csr_array((self._effort, (np.arange(effort.size), np.arange(effort.size))))
        merged = explain_by_routes(
            candidates, CountedRows(searched, self._counts[:, None]), EXPLAINED
        ).flow[:, 0]
        found = (merged / prior)[one.ravel()] * self._prior
        total = max(float(found.sum()), 1e-300)
        return Flows(routes.sums(found) / total, found / total)


def prior_shares(routes: RouteSet, crowd: PairLoads) -> Floats:
    """Return the (routes,) prior shares of the routes of a pair: usual ones of the
    habitual loads, good ones of the others.
    """
    best = routes.best(routes.base)[routes.pair]
    weight = np.exp((routes.base - best) / INFORMED_TEMPERATURE)
    informed = weight / routes.sums(weight)[routes.pair]
    habitual = crowd.habitual[routes.pair]
    share = np.maximum(habitual * routes.usual + (1 - habitual) * informed, LEAST_SHARE)
    return np.asarray(share / routes.sums(share)[routes.pair])


# Policies of the literature on learning in repeated security games, as opponents of
# ours.
#
# fpl-ue  follow the perturbed leader with uniform exploration (Xu, Tran-Thanh and Jennings 2016, AAMAS): on a share of the days any plan that
#                 fits; on the others the best plan for the sums of rewards of options, perturbed by exponential draws. The reward of an
#         option is what it
#         seized, divided by the share of days on which it stood
# exp3    exponential weights for exploration and exploitation (Auer et al. 2002): arms are plans, the reward of a day what the plan seized


class FollowThePerturbedLeader:
    """FPL-UE, with a draw each day."""

    def __init__(self, world: AdaptiveWorld) -> None:
        self._terms, self._placer = world.terms, PlanFromScores(world.instance)
        self._reward = np.zeros(len(world.instance.options))
        self._periods = 0

    def take(self, period: PeriodRecord) -> None:
        """Add the rewards of a period."""
        presence = period.layout.presence
        seized = period.counts.sum(axis=0)
        self._reward += np.where(presence > 0, seized / np.maximum(presence, 1e-12), 0.0)
        self._periods += 1

    def layout(self, rng: np.random.Generator) -> Layout:
        """Draw the days."""
        scale = max(float(self._reward.max(initial=0.0)) / max(self._periods, 1), 1e-9) * np.sqrt(
            max(self._periods, 1)
        )
        days = []
        for _ in range(self._terms.days):
            if rng.random() < self._terms.exploration:
                days.append(self._placer.random(rng))
            else:
                days.append(
                    self._placer.by_score(
                        self._reward + scale * rng.exponential(size=self._reward.size)
                    )
                )
        return Layout.drawn(days)


class Exp3:
    """EXP3 over the plans of the first pool and today's layout, with a draw each day."""

    def __init__(self, world: AdaptiveWorld) -> None:
        self._terms = world.terms
        self._arms = np.unique(np.vstack((world.first.plans, world.today[None])), axis=0)
        self._place = {arm.tobytes(): k for k, arm in enumerate(self._arms)}
        self._log = np.zeros(self._arms.shape[0])
        self._chance = np.full(self._log.size, 1 / self._log.size)

    def take(self, period: PeriodRecord) -> None:
        """Add the rewards of the days of a period; plans that are no arm teach nothing."""
        daily = self._terms.loads / self._terms.days
        for plan, counts in zip(period.layout.plans, period.counts, strict=True):
            arm = self._place.get(plan.tobytes())
            if arm is not None:
                gained = float(counts.sum()) / daily
                self._log[arm] += (
                    self._terms.exploration * gained / self._chance[arm] / self._log.size
                )
        self._log -= self._log.max()

    def layout(self, rng: np.random.Generator) -> Layout:
        """Draw the days."""
        gamma, n = self._terms.exploration, self._log.size
        weight = np.exp(self._log)
        self._chance = (1 - gamma) * weight / weight.sum() + gamma / n
        self._chance /= self._chance.sum()
        return Layout.drawn(list(self._arms[rng.choice(n, size=self._terms.days, p=self._chance)]))


# Candidate models of how traffickers reply, weighted by how well each explains a
# planner's own record.
#
# A model has a temperature tau and a memory m: the payoffs of a period enter what is
# remembered with weight m, u <- (1 - m) u + m u(layout), and route r draws the share
# exp(u_r / tau) of the loads of its pair that do not keep to their usual routes. A pair
# draws loads from others of its destination in proportion to V_k exp(mean payoff of k /
# tau), V_k being its loads at first, a share mu a period, the mobility. With m = 0
# nobody learns or moves.
#
# By a model the seizures n of a period fall on options in proportion to the mu_j that
# it expects of them. The logarithm of its weight is the sum of n_j ln(mu_j / sum mu)
# over options and periods, in which earlier periods fade (a forecaster of exponential
# weights under logarithmic loss). Nothing else is known of a period than what stood and
# what was seized.


TEMPERATURES = 0.005 * 2.0 ** np.arange(7)
"""Temperatures of the candidates: differences of chances to get through at which a
route is chosen e times as often.
"""

MEMORIES = (0.0, 0.15, 0.5)
"""Weights of the newest period of the candidates."""

MOBILITIES = (0.0, 0.2, 0.5)
"""Shares of the loads that choose their gateway anew in a period, of the candidates that learn."""

LASTING = 0.9
"""Share of a model's logarithm of likelihood that is kept from period to period."""

UNEXPLAINED = 1e-6
"""Share of all loads that every option is expected to meet besides, so that no seizure
is impossible.
"""

NEGLIGIBLE = 1e-3
"""Weight below which a model does not count."""


class ResponseModels:
    """The candidates and their weights.

    Parameters
    ----------
    routes, crowd
        Routes, and the loads of each pair as they are known at first.
    """

    def __init__(self, routes: RouteSet, crowd: PairLoads) -> None:
        self._routes, self._crowd = routes, crowd
        kinds = [(m, mu) for m in MEMORIES for mu in (MOBILITIES if m else (0.0,))]
        self._temperature = np.tile(TEMPERATURES, len(kinds))
        self._memory, self._mobility = np.repeat(np.array(kinds).T, TEMPERATURES.size, axis=1)
        self._recalled = np.repeat(routes.base[:, None], self._memory.size, axis=1)
        self._loads = np.repeat(crowd.loads[:, None], self._memory.size, axis=1)
        self._fit = np.zeros(self._memory.size)
        self._habitual = crowd.habitual[routes.pair, None]
        self._kept = self._habitual * routes.usual[:, None]
        pairs = np.arange(crowd.loads.size)
        self._into = csr_array((np.ones(pairs.size), (crowd.destination, pairs)))
        row, column = np.nonzero(routes.option < routes.n_options)
        self._at, self._option = (row, column), routes.option[row, column]
        self._still = self._memory == 0
        shares = self._shares(routes.base[:, None], self._temperature[self._still])
        self._unmoved = crowd.loads[routes.pair, None] * shares

    @property
    def weight(self) -> Floats:
        """(models,) weights, which sum to 1: temperatures in turn for the first memory
        and mobility, then for the next mobility.
        """
        found = np.exp(self._fit - self._fit.max())
        return np.asarray(found / found.sum())

    def take(self, period: PeriodRecord, passage: RoutePassage) -> None:
        """Weigh the models by a period of the record, given what its layout did to
        loads, and let them learn of it.
        """
        routes = self._routes
        presence = period.layout.presence
        seized = period.counts.sum(axis=0)
        shares = self._shares(self._recalled, self._temperature)
        seizing = csr_array(
            (passage.seized[self._at], (self._option, self._at[0])),
            shape=(routes.n_options, routes.pair.size),
        )
        expected = seizing @ (self._loads[routes.pair] * shares)
        expected += UNEXPLAINED * float(self._crowd.loads.sum()) * presence[:, None]
        self._fit = LASTING * self._fit
        where = seized > 0
        if where.any():
            self._fit += seized[where] @ np.log(expected[where] / expected.sum(axis=0))
        divided = self._divided(shares, self._recalled, self._temperature)
        self._loads = (1 - self._mobility) * self._loads + self._mobility * divided
        self._recalled = (1 - self._memory) * self._recalled + self._memory * passage.through[
            :, None
        ]

    def long_run(self, through: Floats) -> Floats:
        """Return the (routes,) loads expected, on the mean over the models, where
        (routes,) chances to get through last for long.
        """
        weight = np.where(self.weight < NEGLIGIBLE, 0.0, self.weight)
        weight /= weight.sum()
        flows = self._unmoved @ weight[self._still]
        # in the long run it does not matter how fast loads move, but whether they do
        group = 2 * np.searchsorted(TEMPERATURES, self._temperature) + (self._mobility > 0)
        learning = np.bincount(
            group, np.where(self._still, 0.0, weight), 2 * TEMPERATURES.size
        ).reshape(-1, 2)
        live = learning.any(axis=1)
        if live.any():
            payoff: Floats = through[:, None]
            temperature: Floats = np.asarray(TEMPERATURES, dtype=np.float64)[live]
            stay, move = learning[live].T
            shares, pair = self._shares(payoff, temperature), self._routes.pair
            flows = flows + self._crowd.loads[pair] * (shares @ stay)
            if move.any():
                loads = self._divided(shares, payoff, temperature)
                flows = flows + (loads[pair] * shares) @ move
        return np.asarray(flows)

    def _shares(self, payoff: Floats, temperature: Floats) -> Floats:
        """Return the (routes, models) shares of the loads of a pair by (routes, models)
        payoffs and (models,) temperatures.
        """
        routes = self._routes
        lift = payoff - np.maximum.reduceat(payoff, routes.start)[routes.pair]
        drawn = np.exp(lift / temperature)
        drawn /= np.add.reduceat(drawn, routes.start)[routes.pair]
        return np.asarray(self._kept + (1 - self._habitual) * drawn)

    def _divided(self, shares: Floats, payoff: Floats, temperature: Floats) -> Floats:
        """Return the (pairs, models) loads when all gateways are chosen anew by
        (routes, models) shares and payoffs.
        """
        crowd = self._crowd
        value = np.add.reduceat(shares * payoff, self._routes.start)
        best = np.full((self._into.shape[0], value.shape[1]), -np.inf)
        np.maximum.at(best, crowd.destination, value)
        lift = (value - best[crowd.destination]) / temperature
        wish = crowd.loads[:, None] * np.exp(np.maximum(lift, -STEEPEST))
        ratio = np.asarray(self._into @ crowd.loads)[:, None] / np.asarray(self._into @ wish)
        return np.asarray(wish * ratio[crowd.destination])


# The mixture of plans that is best against the replies that are expected of it, by
# rounds of the double oracle over routes.
#
# Sought is a mixture mu at which no plan lets less through of the flows f(mu) that
# answer it, by the models above, than mu does. With one temperature and no choice of
# gateways it is the minimum of the convex F(mu) = sum_k V_k tau ln sum_{r of k} exp((U
# mu)_r / tau), U being the chances to get through by route and plan, whose slope is
# U'f: the logit equilibrium of the zero-sum game (McKelvey and Palfrey 1995). A round
# adds the plan that exchanges find against f(mu), and descends by entropic mirror
# descent; the mean of the later steps is kept.

STEPS = 25
"""Steps of mirror descent of a round; the second half of them is averaged."""

SPREAD = 0.01
"""Share of the uniform mixture in the one that the descent begins from, so that every
plan can come back.
"""

STARTS = 3
"""Plans of the pool from which exchanges begin."""

MOST_PLANS = 60
"""Plans that are kept."""


class ReplyMixture:
    """A pool of plans, and the mixture of them.

    Parameters
    ----------
    routes, oracle
        The routes, and what finds the best plan against given flows.
    plans, probability
        (plans, options) masks and (plans,) probabilities to begin with.
    """

    def __init__(
        self, routes: RouteSet, oracle: BestPlanInHindsight, plans: Mask, probability: Floats
    ) -> None:
        self._routes, self._oracle = routes, oracle
        self.plans, self.probability = plans, probability / probability.sum()
        self._through = np.array([passage(routes, plan).through for plan in plans]).T

    def improve(self, models: ResponseModels, rounds: int = 1) -> None:
        """Play rounds against the models as they are weighted now."""
        for _ in range(rounds):
            flows = models.long_run(self.through)
            nearest = np.argsort(np.einsum("r,rp->p", flows, self._through), kind="stable")[:STARTS]
            self._add(self._oracle.best(flows, list(self.plans[nearest])))
            self._descend(models)

    @property
    def through(self) -> Floats:
        """(routes,) chances to get through under the mixture."""
        return np.asarray(np.einsum("rp,p->r", self._through, self.probability))

    def _add(self, plan: Mask) -> None:
        if (self.plans == plan).all(axis=1).any():
            return
        if self.probability.size >= MOST_PLANS:
            kept = np.arange(self.probability.size) != self.probability.argmin()
            self.plans, self._through = self.plans[kept], self._through[:, kept]
            self.probability = self.probability[kept] / self.probability[kept].sum()
        self.plans = np.vstack((self.plans, plan))
        self._through = np.column_stack((self._through, passage(self._routes, plan).through))
        self.probability = np.append(self.probability, 0.0)

    def _descend(self, models: ResponseModels) -> None:
        here = (1 - SPREAD) * self.probability + SPREAD / self.probability.size
        total, scale = np.zeros(here.size), 0.0
        for step in range(1, STEPS + 1):
            flows = models.long_run(np.einsum("rp,p->r", self._through, here))
            slope = np.einsum("r,rp->p", flows, self._through)
            slope = slope - slope @ here
            scale = scale or 1.0 / max(float(np.abs(slope).max()), 1e-12)
            moved = here * np.exp(np.clip(-scale * slope / np.sqrt(step), -30, 30))
            here = moved / moved.sum()
            if 2 * step > STEPS:
                total += here
        self.probability = total / total.sum()
