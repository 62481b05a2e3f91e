"""Policies by which planners plan again each period.

A policy knows the problem (its evaders are the loads of each pair at first), the routes that may be taken and its own record, which it is told
period after period. It is not told how traffickers learn, nor where they travel; of `terms` it reads what is said of planners alone.

today     what stands today
fixed     the first single plan, always
hotspot   options by the counts near them, remembered with fading weight
coverage  refit of flows; greedy maximal covering of them: the field's practice
exact     refit of flows; local search of the real solver around the last plan, against evaders who know it
mixed     the first mixture, a plan drawn for each day
explore   candidate models of replies weighed by the record; the mixture best against them; a share of the days for what teaches most
random    any plan that fits, a new one each day
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np
from scipy.sparse import csr_array

from optimizer.solvers.adaptive.placing import Placer
from optimizer.solvers.adaptive.refit import Refit
from optimizer.solvers.adaptive.reply_mixture import ReplyMixture
from optimizer.solvers.adaptive.reply_models import ReplyModels
from optimizer.solvers.adaptive.routes import Layout
from optimizer.solvers.heuristics import local_search
from optimizer.solvers.mixed.sampling import systematic_sample
from optimizer.solvers.pooled_values import PooledValues

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.solvers.adaptive.own_record import PeriodRecord
    from optimizer.solvers.adaptive.world import AdaptiveWorld

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

NEAR = 3
"""Counts spread to the distance of the so-manieth nearest option, on the median over options."""
NEW = 0.3
"""Score of the option that promises most to teach, beside the probability of the mixture, in plans of exploration."""
SEARCHED_ALWAYS = 0.1
"""Periods of effort that are added to those of every option, in what exploration goes by."""
ROUNDS = 8
"""Rounds of the double oracle before the first plan against the replies expected; each later period has one."""


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
    """The first single plan, always: the best that is known before anything is learnt, and that traffickers can learn."""

    def __init__(self, world: AdaptiveWorld) -> None:
        self._layout = Layout.fixed(world.first.single, world.terms.days)

    def take(self, period: PeriodRecord) -> None:
        """Learn nothing."""

    def layout(self, rng: np.random.Generator) -> Layout:  # noqa: ARG002 - nothing is drawn
        """Return the plan."""
        return self._layout


class Hotspot:
    """Chase counts: they spread to options near them, and nothing corrects them for where was searched."""

    def __init__(self, world: AdaptiveWorld) -> None:
        self._world, self._placer = world, Placer(world.instance)
        self._near = _near(world)
        self._score = world.begun.astype(np.float64)

    def take(self, period: PeriodRecord) -> None:
        """Mix the counts of a period into those remembered."""
        newest = self._world.terms.interdiction_learning
        self._score = (1 - newest) * self._score + newest * period.counts.sum(axis=0)

    def layout(self, rng: np.random.Generator) -> Layout:  # noqa: ARG002 - nothing is drawn
        """Place options by the counts near them; today's layout while nothing was ever counted."""
        terms, score = self._world.terms, self._near @ self._score
        plan = self._placer.by_score(score) if score.any() else self._world.today
        return Layout.fixed(plan, terms.days)


class Coverage:
    """Maximal covering of the flows that explain the record."""

    def __init__(self, world: AdaptiveWorld) -> None:
        routes = world.sets.routes
        self._world, self._placer = world, Placer(world.instance)
        self._refit = Refit(routes, world.sets.crowd, world.terms.forgetting)
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
        self._refit = Refit(world.sets.routes, world.sets.crowd, world.terms.forgetting)
        self._weights = EvaderWeights(world)
        self._pool = copy.copy(world.first.pool)  # it grows; other runs begin with the first one

    def take(self, period: PeriodRecord) -> None:
        """Add a period to the refit."""
        self._refit.add(period, self._world.passages)

    def layout(self, rng: np.random.Generator) -> Layout:  # noqa: ARG002 - nothing is drawn
        """Search around the last plan with the weights of the refit."""
        world, found = self._world, self._weights.of(self._refit.flows().pairs)
        overlay = replace(world.overlay, weight=found.evader, chains=replace(world.overlay.chains, value=found.chains))
        first = world.first
        commodities = replace(
            first.commodities, weight=found.commodity, chains=replace(first.commodities.chains, value=found.chains)
        )
        self._plan = local_search(world.instance, overlay, PooledValues(commodities, self._pool), self._plan)
        return Layout.fixed(self._plan, world.terms.days)


class Mixed:
    """The first mixture: a plan drawn for each day, each as often as its probability says, to whole days."""

    def __init__(self, world: AdaptiveWorld) -> None:
        self._world = world

    def take(self, period: PeriodRecord) -> None:
        """Learn nothing."""

    def layout(self, rng: np.random.Generator) -> Layout:
        """Draw the days."""
        first = self._world.first
        return drawn_days(first.plans, first.probability, self._world.terms.days, rng)


class Explore:
    """The mixture that is best against the replies that the record lets expect, and days of plans that teach most."""

    def __init__(self, world: AdaptiveWorld) -> None:
        self._world, self._placer = world, Placer(world.instance)
        routes, first = world.sets.routes, world.first
        self._models = ReplyModels(routes, world.sets.crowd)
        self._mixture = ReplyMixture(routes, world.hindsight, first.plans, first.probability)
        self._begun = False
        self._effort = np.zeros(len(world.instance.options))
        self._promise = routes.promise(self._models.long_run(routes.base))

    def take(self, period: PeriodRecord) -> None:
        """Weigh the models by a period."""
        self._models.take(period, self._world.passages.mean(period.layout))
        self._effort = (1 - self._world.terms.forgetting) * self._effort + period.layout.presence

    def layout(self, rng: np.random.Generator) -> Layout:
        """Draw the days of the mixture and those of exploration."""
        terms, mixture = self._world.terms, self._mixture
        mixture.improve(self._models, 1 if self._begun else ROUNDS)
        self._begun = True
        teaching = min(round(terms.exploration * terms.days), terms.days - 1)
        drawn = drawn_days(mixture.plans, mixture.probability, terms.days - teaching, rng)
        days = [plan for plan, n in zip(drawn.plans, drawn.days.tolist(), strict=True) for _ in range(int(n))]
        unknown = self._promise / (SEARCHED_ALWAYS + self._effort)
        wish = mixture.probability @ mixture.plans + NEW * unknown / max(float(unknown.max(initial=0.0)), 1e-300)
        days += [self._placer.by_score(wish * rng.exponential(size=wish.size)) for _ in range(teaching)]
        return Layout.drawn(days)


class Random:
    """Any plan that fits, a new one each day."""

    def __init__(self, world: AdaptiveWorld) -> None:
        self._days, self._placer = world.terms.days, Placer(world.instance)

    def take(self, period: PeriodRecord) -> None:
        """Learn nothing."""

    def layout(self, rng: np.random.Generator) -> Layout:
        """Draw the days."""
        return Layout.drawn([self._placer.random(rng) for _ in range(self._days)])


@dataclass(frozen=True, eq=False)
class NewWeights:
    """Weights of one set of pairs: of the overlay's informed evaders, of all commodities, and the values of chains with nothing placed."""

    evader: Floats
    commodity: Floats
    chains: Floats


class EvaderWeights:
    """Weights of evaders, commodities and chains from those of pairs.

    Parameters
    ----------
    world
        What all runs share.
    """

    def __init__(self, world: AdaptiveWorld) -> None:
        instance, overlay, crowd = world.instance, world.overlay, world.sets.crowd
        pair_of = {ends: k for k, ends in enumerate(world.sets.ends)}
        self._first = crowd.loads / crowd.loads.sum()
        self._pair = np.array([pair_of.get((e.origin, e.destination), -1) for e in instance.evaders], dtype=np.int64)
        self._weight = np.array([e.weight for e in instance.evaders])
        self._informed = np.array(
            [k for k, e in enumerate(instance.evaders) if not e.routes and e.weight > 0], dtype=np.int64
        )
        ends = overlay.origin * overlay.n_nodes + overlay.destination
        self._commodity = np.unique(ends, return_inverse=True)[1]
        self._members = overlay.chains.members
        self._chains = overlay.chains.value

    def of(self, pairs: Floats) -> NewWeights:
        """Return the weights where (pairs,) are the shares of all loads of each pair."""
        ratio = np.append(pairs / self._first, 1.0)[self._pair]
        weight = self._weight * ratio
        evader = weight[self._informed]
        chains = self._chains if self._members is None else np.asarray(self._members @ weight)
        informed = np.bincount(self._commodity, evader, int(self._commodity.max(initial=-1)) + 1)
        return NewWeights(evader, np.append(informed, np.ones(chains.size)), chains)


def drawn_days(plans: Mask, probability: Floats, days: int, rng: np.random.Generator) -> Layout:
    """Return a layout of a mixture: each plan on as many days as its probability says, up or down to whole days."""
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
            instance.lonlat[np.append(instance.tail[list(o.arcs)], instance.head[list(o.arcs)])].mean(axis=0)
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
