"""How populations choose among actions: best replies, smoothed fictitious play, exponential weights, logit with memory, NarcoLogic-like rules.

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

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

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
