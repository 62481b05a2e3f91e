"""Populations of traffickers: what they know of sites, the routes and gateways they choose, how much they send and in shipments of what size.

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

How populations choose among actions: best replies, smoothed fictitious play, exponential weights, logit with memory, NarcoLogic-like rules.

A population is a group of actions that stand next to each other; its shares over them sum to 1. Each period the rule is told the payoff that
the population believes each action to have had, in [0, 1], and returns the shares of the next period:

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
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.lab.adaptive.simulation.routes import Layout, Passages, RouteSet
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
    """Return the share of loads that has chosen its gateway again after some periods, by the share a period: `[evaders] mobility` of `plan`."""
    return float(1 - (1 - share) ** periods)


@dataclass(frozen=True, eq=False)
class PairLoads:
    """Who traffics: (pairs,) arrays.

    Attributes
    ----------
    loads
        Loads of each pair a period, at first.
    habitual
        Share of them that keeps to the usual routes.
    gateway, destination
        Ends, counted from 0.
    """

    loads: Floats
    habitual: Floats
    gateway: Ints
    destination: Ints


@dataclass(frozen=True, eq=False)
class PeriodOutcome:
    """What became of the shipments of a period.

    Attributes
    ----------
    counts
        (plans, options) seizures of each option on the days of each plan.
    volumes
        (options,) loads seized by each option.
    sent, seized, found
        (pairs,) loads sent, seized, and found by ordinary policing; the others got through.
    shipments
        (routes,) number of shipments.
    reached, lost
        (places,) shipments that reached each place, and that were seized there.
    """

    counts: Ints
    volumes: Floats
    sent: Floats
    seized: Floats
    found: Floats
    shipments: Ints
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
        self._routes, self._crowd, self._terms = routes, crowd, terms
        self.belief: Floats = np.full(routes.n_places, PRIOR)
        self._known = deque([self.belief] * terms.delay, maxlen=terms.delay)
        self.groups = ActionGroups(routes.pair, routes.start)
        self._rule = _rule(terms, self.groups, self.payoffs(self.belief), crowd.loads[routes.pair])
        self.loads: Floats = crowd.loads.copy()
        self.size: Floats = np.ones(crowd.loads.size)
        self._supply = float(crowd.loads.sum())

    def payoffs(self, belief: Floats) -> Floats:
        """Return the (routes,) chances to get through by (places,) believed chances to be seized."""
        return np.asarray(self._routes.base * np.exp(self._routes.passing @ np.log1p(-np.minimum(belief, 0.999))))

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
        # n_r ~ Poisson(f_r / z_k), then n_r over the plans of the layout by their shares of the days
        shipments = rng.poisson(self.flows / self.size[routes.pair])
        taken = np.flatnonzero(shipments)
        of_plan = rng.multinomial(shipments[taken], layout.share)
        row, plan = np.nonzero(of_plan)
        number, route = of_plan[row, plan], taken[row]
        width, n = routes.option.shape[1], routes.n_options
        # Where each ends: seized at one of the `width` places of its route, found by ordinary policing, or through.
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
        # Routes have fewer places than `width`: the rest of a row is the option n, whose column is dropped.
        plans, at = layout.days.size, plan[:, None] * (n + 1) + routes.option[route]
        counts = np.bincount(at.ravel(), seized.ravel(), plans * (n + 1)).reshape(plans, n + 1).round().astype(np.int64)
        size, pair = self.size[routes.pair[route]], routes.pair[route]
        volumes = _sums(routes.option[route].ravel(), (seized * size[:, None]).ravel(), n + 1)[:n]
        # N_g and Y_g of the beliefs: those that reached a place are all that were not seized before it, its own seizures included.
        reaching = number[:, None] - np.cumsum(seized, axis=1) + seized
        place = routes.place[routes.option[route]]
        reached = _sums(place.ravel(), (reaching * routes.arriving[route]).ravel(), routes.n_places + 1)
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
        """Take what was lost, and the (places,) chance to be seized of what stood; choose routes, gateways, amounts and sizes anew."""
        terms = self._terms
        seen = outcome.lost + terms.scouts * standing
        self.belief = (terms.memory * self.belief + seen) / (terms.memory + outcome.reached + terms.scouts)
        self._known.append(self.belief)
        payoff = self.payoffs(self._known[0])
        with np.errstate(invalid="ignore", divide="ignore"):
            losses = np.where(outcome.sent > 0, outcome.seized / outcome.sent, 0.0)
        noisy = payoff + terms.noise * rng.standard_normal(payoff.size) if terms.noise else payoff
        if isinstance(self._rule, Spreading):
            self._rule.learn(
                np.clip(noisy, 0.0, 1.0), np.array([outcome.seized.sum() / max(outcome.sent.sum(), 1e-12)])
            )
        else:
            self._rule.learn(np.clip(noisy, 0.0, 1.0), losses)
        self._resize(losses, outcome.sent > 0)
        self._move(payoff, float(outcome.seized.sum() + outcome.found.sum()))

    def _resize(self, losses: Floats, sent: Mask) -> None:
        terms = self._terms
        factor = np.where(losses > terms.loss_tolerance, 1 - terms.splitting, 1 / max(1 - terms.splitting, 1e-9))
        self.size = np.where(sent, np.clip(self.size * factor, terms.smallest_shipment, 1.0), self.size)

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
            # relative to the best gateway no exponent is above 0, however small the temperature is
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
    return NarcoLogic(groups, first, terms.rate, terms.temperature, terms.loss_tolerance, terms.new_routes)


LEAST_KEPT = 1
"""Open actions below which none is closed."""


@dataclass(frozen=True, eq=False)
class ActionGroups:
    """Which actions belong to which population.

    Attributes
    ----------
    of
        (actions,) the population of each, rising from 0 without gaps.
    start
        (populations,) first action of each.
    """

    of: Ints
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
        """Return shares on the open actions alone; a population none of which is on one goes to those that it wants."""
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
        """Take (actions,) believed payoffs of a period and, where it is known, the (populations,) share that was lost."""


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
    """Weights that grow with the exponential of payoffs; the first payoffs are those of no period, and only break the symmetry if not flat."""

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

    def __init__(self, groups: ActionGroups, first: Floats, rate: float, temperature: float) -> None:
        self._groups, self._rate, self._temperature = groups, rate, temperature
        self._memory = np.asarray(first, dtype=np.float64).copy()
        self.shares = groups.softmax(self._memory / temperature)

    def learn(self, payoff: Floats, losses: Floats | None = None) -> None:  # noqa: ARG002 - losses move it by payoffs alone
        """Mix the payoffs of a period into the memory."""
        self._memory = (1 - self._rate) * self._memory + self._rate * payoff
        self.shares = self._groups.softmax(self._memory / self._temperature)


class NarcoLogic:
    """Routes are opened where losses exceed the tolerance, and closed where they do not."""

    def __init__(
        self, groups: ActionGroups, first: Floats, rate: float, temperature: float, tolerance: float, most: int
    ) -> None:
        self._groups, self._rate, self._temperature = groups, rate, temperature
        self._tolerance, self._most = tolerance, most
        self.open: Mask = groups.first_best(first) > 0
        self.shares = self._wanted(first)

    def learn(self, payoff: Floats, losses: Floats | None = None) -> None:
        """Open and close, then move a share of the population towards the open actions of larger payoff."""
        if losses is not None:
            self._reopen(payoff, losses)
        wanted = self._wanted(payoff)
        self.shares = self._groups.on_open((1 - self._rate) * self.shares + self._rate * wanted, self.open, wanted)

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
        (actions,) payoffs believed at first, and how much is wanted of each action at equal payoffs, > 0.
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
        self._rate, self._temperature, self._tolerance = rate, temperature, tolerance
        self._begins, self._most, self._lean = begins, most, np.log(weight)
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
        self.shares = self._groups.on_open((1 - self._rate) * self.shares + self._rate * wanted, self.open, wanted)

    def _wish(self, payoff: Floats) -> Floats:
        return self._lean + payoff / self._temperature

    def _wanted(self, payoff: Floats) -> Floats:
        return self._groups.softmax(np.where(self.open, self._wish(payoff), -np.inf))
