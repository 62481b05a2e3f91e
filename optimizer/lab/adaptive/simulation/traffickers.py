"""Populations of traffickers: what they know of sites, the routes and gateways they
choose, how much they send and in shipments of what size.

Sets      K pairs of gateway and destination, each with routes; G places where something may stand
State     d_g believed chance to be seized at place g; s_r share of the learning loads of its pair on route r; V_k loads of a pair a period;
          z_k size of its shipments, in loads
A period  n_r ~ Poisson(f_r / z_k) shipments leave, f_r = V_k (h_k usual_r + (1 - h_k) s_r), h_k being the share of habitual loads
Beliefs   d_g <- (a d_g + Y_g + c D_g) / (a + N_g + c): N_g shipments that reached the place, Y_g seized there, c scouts who pass without a loss
          and see the chance D_g of what stands; a is the memory
Routes    payoff of route r: base_r prod_{g on r} (1 - d_g), with beliefs `delay` periods old and normal errors; a learning rule does the rest
Gateways  a share `mobility` of the loads bound for a place is divided anew, in proportion to V_k(0) exp((u_k - max u) / temperature), u_k
          being the payoff of the pair on the mean over its shares; what a place receives in all is kept
          (by `spreading` one population divides all loads among the open routes, whatever their ends, and none keeps to usual routes)
Supply    in all, V(0) + supply_response * (loads lost in the period before), at least a tenth of V(0)
Size      losses above the tolerance make the shipments of a pair smaller by the share `splitting`, others larger again, within
          [smallest_shipment, 1]

How populations choose among actions: best replies, smoothed fictitious play,
exponential weights, logit with memory, NarcoLogic-like rules.

A population is a group of actions that stand next to each other; its shares over them
sum to 1. Each period the rule is told the payoff that the population believes each
action to have had, in [0, 1], and returns the shares of the next period:

best-reply    a share `rate` of the population moves to the action of largest payoff
fictitious    s ~ exp(mean of all payoffs so far / temperature): smoothed fictitious play (Fudenberg and Levine 1998)
exp-weights   s ~ exp(eta * sum of all payoffs), eta = rate: exponential weights, whose regret after T periods against the best of n actions
              is at most ln(n) / eta + eta T / 8 (Cesa-Bianchi and Lugosi 2006, theorem 2.2)
logit         s ~ exp(m / temperature), m <- (1 - rate) m + rate * payoff
narcologic    as best-reply towards exp(payoff / temperature), over the actions that are open: losses above the tolerance open the best closed
              action of a population, others close its worst open one (after Magliocca et al. 2019, PNAS 116(16))
spreading     one population over all actions, which begins with few: a loss of k to k + 1 times the tolerance opens the k best closed actions,
              at most so many; a loss within it closes the worst. Shares move by `rate` towards w exp(payoff / temperature), w being weights
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from optimizer.problem.instance.evaders import Evader, Searches
from optimizer.problem.instance.instance import Instance

if TYPE_CHECKING:
    from optimizer.scenario.file.model import AdaptModel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

PRIOR = 0.02
"""Chance to be seized that is believed of a place of which nothing is known."""
STEEPEST = 50.0
"""Largest exponent, below the best gateway, in the division of loads among gateways."""
LEAST_SUPPLY = 0.1
"""Share of the first supply below which it does not fall."""


def mobility_after(share: float, periods: int) -> float:
    """Return the share of loads that has chosen its gateway again after some periods,
    by the share a period: `[evaders] mobility` of `plan`.
    """
    return float(1 - (1 - share) ** periods)


@dataclass(frozen=True, eq=False)
class PairLoads:
    """Who traffics: (pairs,) arrays."""

    #: Loads of each pair a period, at first.
    loads: Floats
    #: Share of them that keeps to the usual routes.
    habitual: Floats
    #: `gateway`, `destination`: Ends, counted from 0.
    gateway: Ints
    destination: Ints


@dataclass(frozen=True, eq=False)
class PeriodOutcome:
    """What became of the shipments of a period."""

    #: (plans, options) seizures of each option on the days of each plan.
    counts: Ints
    #: (options,) loads seized by each option.
    volumes: Floats
    #: `sent`, `seized`, `found`: (pairs,) loads sent, seized, and found by ordinary
    #: policing; the others got through.
    sent: Floats
    seized: Floats
    found: Floats
    #: (routes,) number of shipments.
    shipments: Ints
    #: `reached`, `lost`: (places,) shipments that reached each place, and that were
    #: seized there.
    reached: Floats
    lost: Floats

    @property
    def seizures(self) -> int:
        """Number of seizures."""
        return int(self.counts.sum())


class Traffickers:
    """The state of all populations.

    Parameters
    ----------
    routes, crowd, terms
        Where they may go, who they are, and how they learn.
    """

    def __init__(self, routes: RouteSet, crowd: PairLoads, terms: AdaptModel) -> None:
        self._routes = routes
        self._crowd = crowd
        self._terms = terms
        self.belief: Floats = np.full(routes.n_places, PRIOR)
        self._known = deque([self.belief] * terms.delay, maxlen=terms.delay)
        self.groups = ActionGroups(routes.pair, routes.start)
        self._rule = _rule(terms, self.groups, self.payoffs(self.belief), crowd.loads[routes.pair])
        self.loads: Floats = crowd.loads.copy()
        self.size: Floats = np.ones(crowd.loads.size)
        self._supply = float(crowd.loads.sum())

    def payoffs(self, belief: Floats) -> Floats:
        """Return the (routes,) chances to get through by (places,) believed chances to
        be seized.
        """
        return np.asarray(
            self._routes.base * np.exp(self._routes.passing @ np.log1p(-np.minimum(belief, 0.999)))
        )

    @property
    def flows(self) -> Floats:
        """(routes,) loads expected on each route in the next period."""
        if isinstance(self._rule, Spreading):
            return np.asarray(self.loads.sum() * self.shares)
        return np.asarray(self.loads[self._routes.pair] * self._own_shares())

    @property
    def shares(self) -> Floats:
        """(routes,) shares of the loads of its pair that do not keep to usual routes."""
        return self._rule.shares

    def _own_shares(self) -> Floats:
        """Return the (routes,) shares of all loads of its pair."""
        habitual = self._crowd.habitual[self._routes.pair]
        return np.asarray(habitual * self._routes.usual + (1 - habitual) * self.shares)

    def send(self, layout: Layout, passages: Passages, rng: np.random.Generator) -> PeriodOutcome:
        """Send the shipments of a period against a layout."""
        routes = self._routes
        # n_r ~ Poisson(f_r / z_k), then n_r over the plans of the layout by their
        # shares of the days
        shipments = rng.poisson(self.flows / self.size[routes.pair])
        taken = np.flatnonzero(shipments)
        of_plan = rng.multinomial(shipments[taken], layout.share)
        row, plan = np.nonzero(of_plan)
        number, route = of_plan[row, plan], taken[row]
        width, n = routes.option.shape[1], routes.n_options
        # Where each ends: seized at one of the `width` places of its route, found by
        # ordinary policing, or through.
        chances = np.zeros((row.size, width + 2))
        for d in np.unique(plan).tolist():
            part = passages.of(layout.plans[d])
            here = plan == d
            chances[here, :width] = part.seized[route[here]]
            chances[here, width + 1] = part.through[route[here]]
        chances[:, width] = np.maximum(1.0 - chances.sum(axis=1), 0.0)
        chances /= chances.sum(axis=1, keepdims=True)
        ended = rng.multinomial(number, chances)
        seized = ended[:, :width]
        # Routes have fewer places than `width`: the rest of a row is the option n,
        # whose column is dropped.
        plans, at = layout.days.size, plan[:, None] * (n + 1) + routes.option[route]
        counts = (
            np.bincount(at.ravel(), seized.ravel(), plans * (n + 1))
            .reshape(plans, n + 1)
            .round()
            .astype(np.int64)
        )
        size, pair = self.size[routes.pair[route]], routes.pair[route]
        volumes = _sums(routes.option[route].ravel(), (seized * size[:, None]).ravel(), n + 1)[:n]
        # N_g and Y_g of the beliefs: those that reached a place are all that were not
        # seized before it, its own seizures included.
        reaching = number[:, None] - np.cumsum(seized, axis=1) + seized
        place = routes.place[routes.option[route]]
        reached = _sums(
            place.ravel(), (reaching * routes.arriving[route]).ravel(), routes.n_places + 1
        )
        lost = _sums(place.ravel(), seized.ravel(), routes.n_places + 1)
        pairs = self.loads.size
        return PeriodOutcome(
            counts=counts[:, :n],
            volumes=volumes,
            sent=_sums(pair, number * size, pairs),
            seized=_sums(pair, seized.sum(axis=1) * size, pairs),
            found=_sums(pair, ended[:, width] * size, pairs),
            shipments=shipments,
            reached=reached[:-1],
            lost=lost[:-1],
        )

    def learn(self, outcome: PeriodOutcome, standing: Floats, rng: np.random.Generator) -> None:
        """Take what was lost, and the (places,) chance to be seized of what stood;
        choose routes, gateways, amounts and sizes anew.
        """
        terms = self._terms
        seen = outcome.lost + terms.scouts * standing
        self.belief = (terms.memory * self.belief + seen) / (
            terms.memory + outcome.reached + terms.scouts
        )
        self._known.append(self.belief)
        payoff = self.payoffs(self._known[0])
        with np.errstate(invalid="ignore", divide="ignore"):
            losses = np.where(outcome.sent > 0, outcome.seized / outcome.sent, 0.0)
        noisy = payoff + terms.noise * rng.standard_normal(payoff.size) if terms.noise else payoff
        if isinstance(self._rule, Spreading):
            self._rule.learn(
                np.clip(noisy, 0.0, 1.0),
                np.array([outcome.seized.sum() / max(outcome.sent.sum(), 1e-12)]),
            )
        else:
            self._rule.learn(np.clip(noisy, 0.0, 1.0), losses)
        self._resize(losses, outcome.sent > 0)
        self._move(payoff, float(outcome.seized.sum() + outcome.found.sum()))

    def _resize(self, losses: Floats, sent: Mask) -> None:
        terms = self._terms
        factor = np.where(
            losses > terms.loss_tolerance, 1 - terms.splitting, 1 / max(1 - terms.splitting, 1e-9)
        )
        self.size = np.where(
            sent, np.clip(self.size * factor, terms.smallest_shipment, 1.0), self.size
        )

    def _move(self, payoff: Floats, lost: float) -> None:
        """Divide loads among gateways, and set what is sent in all."""
        terms, crowd = self._terms, self._crowd
        if isinstance(self._rule, Spreading):
            self.loads = self._routes.sums(self.flows)
        elif terms.mobility:
            value = self._routes.sums(self._own_shares() * payoff)
            whole = np.bincount(crowd.destination, self.loads)
            best = np.zeros(whole.size)
            np.maximum.at(best, crowd.destination, np.where(crowd.loads > 0, value, 0.0))
            # relative to the best gateway no exponent is above 0, however small the
            # temperature is
            lift = np.minimum(value - best[crowd.destination], 0.0) / terms.temperature
            wish = crowd.loads * np.exp(np.maximum(lift, -STEEPEST))
            wish *= (whole / np.bincount(crowd.destination, wish))[crowd.destination]
            self.loads = (1 - terms.mobility) * self.loads + terms.mobility * wish
        if terms.supply_response:
            supply = max(self._supply + terms.supply_response * lost, LEAST_SUPPLY * self._supply)
            self.loads = self.loads * (supply / self.loads.sum())


def _sums(group: Ints, amount: NDArray[Any], groups: int) -> Floats:
    return np.bincount(group, amount, groups).astype(np.float64)


def _rule(terms: AdaptModel, groups: ActionGroups, first: Floats, wanted: Floats) -> LearningRule:
    if terms.learning == "best-reply":
        return BestReply(groups, first, terms.rate)
    if terms.learning == "fictitious":
        return FictitiousPlay(groups, first, terms.temperature)
    if terms.learning == "exp-weights":
        return ExponentialWeights(groups, first, terms.rate)
    if terms.learning == "logit":
        return Logit(groups, first, terms.rate, terms.temperature)
    if terms.learning == "spreading":
        return Spreading(
            first,
            wanted,
            rate=terms.rate,
            temperature=terms.temperature,
            tolerance=terms.loss_tolerance,
            begins=min(terms.first_routes, first.size),
            most=terms.new_routes,
        )
    return NarcoLogic(
        groups, first, terms.rate, terms.temperature, terms.loss_tolerance, terms.new_routes
    )


LEAST_KEPT = 1
"""Open actions below which none is closed."""


@dataclass(frozen=True, eq=False)
class ActionGroups:
    """Which actions belong to which population."""

    #: (actions,) the population of each, rising from 0 without gaps.
    of: Ints
    #: (populations,) first action of each.
    start: Ints

    @classmethod
    def single(cls, actions: int) -> ActionGroups:
        """Return one population."""
        return cls(np.zeros(actions, dtype=np.int64), np.zeros(1, dtype=np.int64))

    def best(self, values: Floats) -> Floats:
        """Return for each action the largest value of its population."""
        return np.asarray(np.maximum.reduceat(values, self.start)[self.of])

    def normed(self, weight: Floats) -> Floats:
        """Return nonnegative weights divided by their sum over each population."""
        return np.asarray(weight / np.add.reduceat(weight, self.start)[self.of])

    def softmax(self, values: Floats) -> Floats:
        """Return shares in proportion to the exponential of values; minus infinity is no share."""
        return self.normed(np.exp(values - self.best(values)))

    def on_open(self, shares: Floats, opened: Mask, wanted: Floats) -> Floats:
        """Return shares on the open actions alone; a population none of which is on one
        goes to those that it wants.
        """
        kept = np.where(opened, shares, 0.0)
        return self.normed(np.where(np.add.reduceat(kept, self.start)[self.of] > 0, kept, wanted))

    def first_best(self, values: Floats) -> Floats:
        """Return shares of 1 for the first action of the largest value of each population."""
        shares = np.zeros(values.size)
        order = np.lexsort((np.arange(values.size), -values, self.of))
        shares[order[self.start]] = 1.0
        return shares


class LearningRule(Protocol):
    """How a population learns."""

    shares: Floats
    """(actions,) shares of the next period."""

    def learn(self, payoff: Floats, losses: Floats | None = None) -> None:
        """Take (actions,) believed payoffs of a period and, where it is known, the
        (populations,) share that was lost.
        """


class BestReply:
    """A share of the population moves to the best action."""

    def __init__(self, groups: ActionGroups, first: Floats, rate: float) -> None:
        self._groups, self._rate = groups, rate
        self.shares = groups.first_best(first)

    def learn(self, payoff: Floats, losses: Floats | None = None) -> None:  # noqa: ARG002 - losses move it by payoffs alone
        """Move a share to the best reply."""
        self.shares = (1 - self._rate) * self.shares + self._rate * self._groups.first_best(payoff)


class FictitiousPlay:
    """Smoothed best reply to the mean of everything so far."""

    def __init__(self, groups: ActionGroups, first: Floats, temperature: float) -> None:
        self._groups, self._temperature = groups, temperature
        self._mean, self._seen = np.asarray(first, dtype=np.float64).copy(), 1
        self.shares = groups.softmax(self._mean / temperature)

    def learn(self, payoff: Floats, losses: Floats | None = None) -> None:  # noqa: ARG002 - losses move it by payoffs alone
        """Add a period to the mean."""
        self._seen += 1
        self._mean += (payoff - self._mean) / self._seen
        self.shares = self._groups.softmax(self._mean / self._temperature)


class ExponentialWeights:
    """Weights that grow with the exponential of payoffs; the first payoffs are those of
    no period, and only break the symmetry if not flat.
    """

    def __init__(self, groups: ActionGroups, first: Floats, rate: float) -> None:
        self._groups, self._rate = groups, rate
        self._sum = rate * np.asarray(first, dtype=np.float64)
        self.shares = groups.softmax(self._sum)

    def learn(self, payoff: Floats, losses: Floats | None = None) -> None:  # noqa: ARG002 - losses move it by payoffs alone
        """Add the payoffs of a period."""
        self._sum = self._sum + self._rate * payoff
        self.shares = self._groups.softmax(self._sum)


class Logit:
    """Smoothed best reply to payoffs remembered with fading weight."""

    def __init__(
        self, groups: ActionGroups, first: Floats, rate: float, temperature: float
    ) -> None:
        self._groups = groups
        self._rate = rate
        self._temperature = temperature
        self._memory = np.asarray(first, dtype=np.float64).copy()
        self.shares = groups.softmax(self._memory / temperature)

    def learn(self, payoff: Floats, losses: Floats | None = None) -> None:  # noqa: ARG002 - losses move it by payoffs alone
        """Mix the payoffs of a period into the memory."""
        self._memory = (1 - self._rate) * self._memory + self._rate * payoff
        self.shares = self._groups.softmax(self._memory / self._temperature)


class NarcoLogic:
    """Routes are opened where losses exceed the tolerance, and closed where they do not."""

    def __init__(
        self,
        groups: ActionGroups,
        first: Floats,
        rate: float,
        temperature: float,
        tolerance: float,
        most: int,
    ) -> None:
        self._groups = groups
        self._rate = rate
        self._temperature = temperature
        self._tolerance, self._most = tolerance, most
        self.open: Mask = groups.first_best(first) > 0
        self.shares = self._wanted(first)

    def learn(self, payoff: Floats, losses: Floats | None = None) -> None:
        """Open and close, then move a share of the population towards the open actions
        of larger payoff.
        """
        if losses is not None:
            self._reopen(payoff, losses)
        wanted = self._wanted(payoff)
        self.shares = self._groups.on_open(
            (1 - self._rate) * self.shares + self._rate * wanted, self.open, wanted
        )

    def _wanted(self, payoff: Floats) -> Floats:
        return self._groups.softmax(np.where(self.open, payoff / self._temperature, -np.inf))

    def _reopen(self, payoff: Floats, losses: Floats) -> None:
        groups = self._groups
        expanding = losses > self._tolerance
        closed = groups.first_best(np.where(self.open, -np.inf, payoff)) > 0
        new = np.flatnonzero(closed & ~self.open & expanding[groups.of])
        new = new[np.argsort(-losses[groups.of[new]], kind="stable")][: self._most]
        worst = groups.first_best(np.where(self.open, -payoff, -np.inf)) > 0
        count = np.add.reduceat(self.open.astype(np.int64), groups.start)
        narrowing = ~expanding & (count > LEAST_KEPT)
        self.open = self.open & ~(worst & self.open & narrowing[groups.of])
        self.open[new] = True


class Spreading:
    """One population that begins with few actions, and opens others by what it loses.

    Parameters
    ----------
    first, weight
        (actions,) payoffs believed at first, and how much is wanted of each action at
        equal payoffs, > 0.
    rate, temperature, tolerance
        As of the other rules.
    begins, most
        Actions open at first, and opened in a period at most.
    """

    def __init__(
        self,
        first: Floats,
        weight: Floats,
        *,
        rate: float,
        temperature: float,
        tolerance: float,
        begins: int,
        most: int,
    ) -> None:
        self._rate = rate
        self._temperature = temperature
        self._tolerance = tolerance
        self._begins = begins
        self._most = most
        self._lean = np.log(weight)
        self._groups = ActionGroups.single(first.size)
        self.open: Mask = np.zeros(first.size, dtype=bool)
        self.open[np.argsort(-self._wish(first), kind="stable")[:begins]] = True
        self.shares = self._wanted(first)

    def learn(self, payoff: Floats, losses: Floats | None = None) -> None:
        """Take the payoffs of a period and the (1,) share that was lost in all."""
        wish = self._wish(payoff)
        if losses is not None:
            lost = float(losses[0])
            if lost > self._tolerance:
                ratio = lost / self._tolerance if self._tolerance else np.inf
                number = int(min(ratio, self._most))
                order = np.argsort(np.where(self.open, np.inf, -wish), kind="stable")[:number]
                self.open[order] = True
            elif self.open.sum() > self._begins:
                self.open[np.where(self.open, wish, np.inf).argmin()] = False
        wanted = self._wanted(payoff)
        self.shares = self._groups.on_open(
            (1 - self._rate) * self.shares + self._rate * wanted, self.open, wanted
        )

    def _wish(self, payoff: Floats) -> Floats:
        return self._lean + payoff / self._temperature

    def _wanted(self, payoff: Floats) -> Floats:
        return self._groups.softmax(np.where(self.open, self._wish(payoff), -np.inf))


# The routes that populations choose among, and what a layout does to a load on each.
#
# A load on a route meets elements (option, survival) in order of travel. It passes arc
# a undetected by ordinary policing with r_a, and a placed element l with s_l. With b_l
# the product of r up to the arc of l, it is seized by l with
#
#     q_l = b_l prod_{i < l placed} s_i (1 - s_l)      if l is placed, else 0,
#
# gets through with prod_a r_a prod_{l placed} s_l, and is otherwise found by ordinary
# policing. Under a layout of several plans, each on a share of the days, all are means
# over the days, as a load travels on any day.


@dataclass(frozen=True, eq=False)
class RouteSet:
    """Routes of all pairs of gateway and destination; those of a pair are next to each
    other.
    """

    #: (routes,) the pair of each, rising.
    pair: Ints
    #: (routes,) chance to get through with nothing placed.
    base: Floats
    #: `option`, `survival`: (routes, width) elements in order of travel; padded with
    #: the number of options, and 1.
    option: Ints
    survival: Floats
    #: (routes, width) chance that ordinary policing has not found a load up to the
    #: element's arc.
    before: Floats
    #: (routes,) share of the habitual loads of its pair; 0 on routes that nobody takes
    #: by habit.
    usual: Floats
    #: (routes, segments) sparse: which stretches of road it travels.
    segments: csr_array
    #: (options + 1,) place of each option: options of a site share one. The last is
    #: that of the padding.
    place: Ints

    @property
    def n_pairs(self) -> int:
        """Number of pairs."""
        return int(self.pair[-1]) + 1 if self.pair.size else 0

    @property
    def n_options(self) -> int:
        """Number of options."""
        return self.place.size - 1

    @property
    def n_places(self) -> int:
        """Number of places, without that of the padding."""
        return int(self.place[-1])

    @cached_property
    def start(self) -> Ints:
        """(pairs,) first route of each pair."""
        return np.flatnonzero(np.append(True, self.pair[1:] != self.pair[:-1])).astype(np.int64)

    @cached_property
    def arriving(self) -> Mask:
        """(routes, width) whether an element is the first of its place that a load meets there."""
        place = self.place[self.option]
        same = np.zeros(place.shape, dtype=bool)
        same[:, 1:] = place[:, 1:] == place[:, :-1]
        return (place < self.n_places) & ~same

    @cached_property
    def passing(self) -> csr_array:
        """(routes, places) how often each route passes each place."""
        row, column = np.nonzero(self.arriving)
        place = self.place[self.option[row, column]]
        return csr_array((np.ones(row.size), (row, place)), shape=(self.pair.size, self.n_places))

    def place_detection(self, presence: Floats) -> Floats:
        """Return the (places,) chance to be seized of options that stand on (options,)
        shares of the days.
        """
        kept = np.ones(self.n_places)
        np.multiply.at(kept, self.place[: self.n_options], 1 - presence * (1 - self._strongest))
        return 1 - kept

    @cached_property
    def _strongest(self) -> Floats:
        """(options,) least survival of each option on any route."""
        survival = np.ones(self.n_options + 1)
        np.minimum.at(survival, self.option, self.survival)
        return survival[:-1]

    def promise(self, flows: Floats) -> Floats:
        """Return the (options,) loads that each option would seize alone of (routes,) flows."""
        every = self.before * (1 - self.survival) * flows[:, None]
        return np.bincount(self.option.ravel(), every.ravel(), self.n_options + 1)[:-1].astype(
            np.float64
        )

    def best(self, values: Floats) -> Floats:
        """Return the (pairs,) largest of (routes,) values of each pair."""
        return np.asarray(np.maximum.reduceat(values, self.start)) if values.size else np.empty(0)

    def sums(self, values: Floats) -> Floats:
        """Return the (pairs,) sums of (routes,) values of each pair."""
        return np.asarray(np.add.reduceat(values, self.start)) if values.size else np.empty(0)


@dataclass(frozen=True, eq=False)
class RoutePassage:
    """What a plan does to a load on each route."""

    #: (routes,) chance to get through.
    through: Floats
    #: (routes, width) chance to be seized by each element.
    seized: Floats


@dataclass(frozen=True, eq=False)
class Layout:
    """What stands in a period: plans, each on a number of its days."""

    #: (plans, options) masks.
    plans: Mask
    #: (plans,) on how many days each stands, >= 0; the sum is the number of days of the
    #: period.
    days: Floats

    @classmethod
    def fixed(cls, plan: Mask, days: int = 1) -> Layout:
        """Return the layout of one plan on every day."""
        return cls(plan[None].copy(), np.array([float(days)]))

    @classmethod
    def drawn(cls, plans: list[Mask]) -> Layout:
        """Return the layout of a plan for each day, equal ones together."""
        table = np.array(plans, dtype=bool)
        distinct, days = np.unique(table, axis=0, return_counts=True)
        return cls(distinct, days.astype(np.float64))

    @property
    def share(self) -> Floats:
        """(plans,) share of the days."""
        return np.asarray(self.days / self.days.sum())

    @property
    def presence(self) -> Floats:
        """(options,) share of the days on which each option stands."""
        return np.asarray(self.share @ self.plans)


class Passages:
    """What plans do to loads, computed once a plan.

    Parameters
    ----------
    routes
        The routes.
    most
        Plans that are kept.
    """

    def __init__(self, routes: RouteSet, most: int = 48) -> None:
        self.routes, self._most = routes, most
        self._known: dict[bytes, RoutePassage] = {}

    def of(self, plan: Mask) -> RoutePassage:
        """Return what a plan, an (options,) mask, does."""
        key = plan.tobytes()
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= self._most:
                del self._known[next(iter(self._known))]
            found = self._known[key] = passage(self.routes, plan)
        return found

    def mean(self, layout: Layout) -> RoutePassage:
        """Return what a layout does on the mean over its days."""
        if layout.days.size == 1:
            return self.of(layout.plans[0])
        parts = [self.of(plan) for plan in layout.plans]
        through = sum(share * part.through for share, part in zip(layout.share, parts, strict=True))
        seized = sum(share * part.seized for share, part in zip(layout.share, parts, strict=True))
        return RoutePassage(np.asarray(through), np.asarray(seized))

    def through(self, layout: Layout) -> Floats:
        """Return the (routes,) chances to get through on the mean over the days."""
        return self.mean(layout).through


def passage(routes: RouteSet, plan: Mask) -> RoutePassage:
    """Return what a plan, an (options,) mask, does to a load on each route."""
    placed = np.append(plan, False)
    survival = np.where(placed[routes.option], routes.survival, 1.0)
    left = np.cumprod(survival, axis=1)
    reaching = np.ones_like(left)
    reaching[:, 1:] = left[:, :-1]
    return RoutePassage(routes.base * left[:, -1], routes.before * reaching * (1.0 - survival))


# Choice sets: the routes of a pair that are a best reply to something, and those that
# it takes by habit.
#
# Best replies are collected to nothing placed, to today's layout, to everything placed,
# and to plans of the first mixture. Of the routes of a pair that are found, those are
# kept that are best most often; a pair whose loads are all habitual keeps its usual
# routes alone.


@dataclass(eq=False)
class _Pair:
    """What is gathered of a pair: loads of both kinds, usual routes with their loads,
    how often each was a best reply, those of a mode.
    """

    ends: tuple[int, int]
    informed: float = 0.0
    habitual: float = 0.0
    usual: dict[tuple[int, ...], float] = field(default_factory=dict)
    replies: dict[tuple[int, ...], int] = field(default_factory=dict)
    of_mode: list[tuple[int, ...]] = field(default_factory=list)

    def kept(self, most: int) -> list[tuple[int, ...]]:
        """Return the routes to keep: usual ones, the best of each mode, then best
        replies, the most frequent first.
        """
        order = sorted(self.replies, key=lambda arcs: (-self.replies[arcs], len(arcs), arcs))
        certain = dict.fromkeys((*self.usual, *self.of_mode))
        new = [arcs for arcs in order if arcs not in certain]
        return [*certain, *new[: max(most - (len(order) - len(new)), 1 if self.informed else 0)]]


@dataclass(frozen=True, eq=False)
class ChoiceSets:
    """Routes with who takes them, and the arcs of each route."""

    #: `routes`, `crowd`: What the simulation works with.
    routes: RouteSet
    crowd: PairLoads
    #: (gateways,) nodes; `crowd.gateway` counts them.
    gateways: Ints
    #: Arcs of each route in order of travel.
    arcs: tuple[tuple[int, ...], ...]
    #: Origin and destination node of each pair.
    ends: tuple[tuple[int, int], ...]


def choice_sets(
    instance: Instance,
    plans: Sequence[Mask],
    *,
    segment: Ints,
    most: int,
    loads: float,
    fixed: int,
    closed: Sequence[Mask] = (),
) -> ChoiceSets:
    """Return the choice sets of an instance's pairs.

    Parameters
    ----------
    instance
        The problem.
    plans
        (options,) masks to which best replies are collected.
    segment
        (arcs,) stretch of road of each arc.
    most
        Routes of a pair at most, besides usual ones.
    loads
        Loads a period in all.
    fixed
        Options that are no beats of teams, the first ones.
    closed
        (arcs,) masks of the arcs that those who keep to a mode do not travel: the best
        route without them, nothing placed, is kept.
    """
    pairs: dict[tuple[int, int], _Pair] = {}
    for evader in instance.evaders:
        if evader.weight <= 0:
            continue
        # a local evader keeps to its place, which is no pair of gateway and destination
        # that others share
        pair = pairs.setdefault(
            (evader.origin, evader.destination), _Pair((evader.origin, evader.destination))
        )
        if evader.routes:
            pair.habitual += evader.weight
            for route in evader.routes:
                pair.usual[route.arcs] = (
                    pair.usual.get(route.arcs, 0.0) + evader.weight * route.share
                )
        else:
            pair.informed += evader.weight
    listed = list(pairs.values())
    informed = [pair for pair in listed if pair.informed]
    searches = Searches.of([Evader("", *pair.ends, 1.0) for pair in informed])
    for plan in plans:
        survival = instance.survival(plan)
        found = searches.paths(instance.n_nodes, instance.tail, instance.head, survival)
        for pair, reply in zip(informed, found, strict=True):
            # An empty reply means that no path is left, unless the pair ends where it
            # begins.
            if reply or pair.ends[0] == pair.ends[1]:
                pair.replies[reply] = pair.replies.get(reply, 0) + 1
    _add_modes(instance, informed, searches, closed)
    kept = [pair.kept(most) for pair in listed]
    arcs = tuple(route for routes in kept for route in routes)
    of = np.repeat(np.arange(len(listed)), [len(routes) for routes in kept]).astype(np.int64)
    usual = np.array(
        [
            pair.usual.get(route, 0.0)
            for pair, routes in zip(listed, kept, strict=True)
            for route in routes
        ]
    )
    weight = np.array([pair.informed + pair.habitual for pair in listed])
    habitual = np.array([pair.habitual for pair in listed])
    usual = usual / np.where(habitual > 0, habitual, 1.0)[of]
    gateways, gateway = np.unique([pair.ends[0] for pair in listed], return_inverse=True)
    destination = np.unique([pair.ends[1] for pair in listed], return_inverse=True)[1]
    crowd = PairLoads(
        loads * weight / weight.sum(),
        habitual / weight,
        gateway.astype(np.int64),
        destination.astype(np.int64),
    )
    routes = _route_set(instance, arcs, of, usual, segment, fixed)
    return ChoiceSets(
        routes, crowd, gateways.astype(np.int64), arcs, tuple(pair.ends for pair in listed)
    )


def _add_modes(
    instance: Instance, pairs: list[_Pair], searches: Searches, closed: Sequence[Mask]
) -> None:
    """Give each pair its best route without closed arcs, where it has one, mask by mask."""
    for mask in closed:
        survival = np.where(
            mask, 0.0, instance.survival(np.zeros(len(instance.options), dtype=bool))
        )
        found = searches.paths(instance.n_nodes, instance.tail, instance.head, survival)
        for pair, reply in zip(pairs, found, strict=True):
            if reply:
                pair.of_mode.append(reply)


def _route_set(
    instance: Instance,
    arcs: tuple[tuple[int, ...], ...],
    pair: Ints,
    usual: Floats,
    segment: Ints,
    fixed: int,
) -> RouteSet:
    option, arc, survival = instance.effects
    order = np.argsort(arc, kind="stable")
    option = option[order]
    arc = arc[order]
    survival = survival[order]
    first = np.searchsorted(arc, np.arange(instance.tail.size + 1))
    base, elements = np.empty(len(arcs)), []
    for r, route in enumerate(arcs):
        reached = np.cumprod(instance.reliability[list(route)]) if route else np.ones(1)
        base[r] = reached[-1]
        # What may stand on the route, in order of travel, with the chance to have
        # reached it.
        met = [
            (int(option[e]), float(survival[e]), float(reached[step]))
            for step, each in enumerate(route)
            for e in range(first[each], first[each + 1])
        ]
        elements.append(_merged(met, fixed))
    width = max([1, *map(len, elements)])
    n = len(instance.options)
    shape = (len(arcs), width)
    table = (np.full(shape, n, dtype=np.int64), np.ones(shape), np.ones(shape))
    for r, met in enumerate(elements):
        for column, values in enumerate(met):
            for part, value in zip(table, values, strict=True):
                part[r, column] = value
    count = [len(route) for route in arcs]
    flat = np.array([each for route in arcs for each in route], dtype=np.int64)
    on = csr_array(
        (np.ones(flat.size), (np.repeat(np.arange(len(arcs)), count), segment[flat])),
        shape=(len(arcs), int(segment.max(initial=-1)) + 1),
    )
    on.data[:] = 1.0  # the constructor adds up a segment that a route drives twice
    return RouteSet(pair, base, *table, usual=usual, segments=on, place=_places(instance))


def _merged(met: list[tuple[int, float, float]], fixed: int) -> list[tuple[int, float, float]]:
    """Return (option, survival, reached) in order of travel with those of each beat as
    one, where it is met first.

    A beat watches many roads. Whether a load gets through does not change by it; what
    seizes it, among options between, does a little.
    """
    found: dict[tuple[int, int], tuple[int, float, float]] = {}
    for at, (option, survival, reached) in enumerate(met):
        key = (option, -1 if option >= fixed else at)
        first = found.get(key, (option, 1.0, reached))
        found[key] = (option, first[1] * survival, first[2])
    return list(found.values())


def _places(instance: Instance) -> Ints:
    """Return the (options + 1,) place of each option; that of the padding is the last."""
    known: dict[str, int] = {}
    place = [
        known.setdefault(f"site {o.site}" if o.site else f"option {o.id}", len(known))
        for o in instance.options
    ]
    return np.array([*place, len(known)], dtype=np.int64)
