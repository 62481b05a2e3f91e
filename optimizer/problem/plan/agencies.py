"""Agencies: whose options are whose, the problem of some without the others, and games
that split what cooperation is worth.

An option is of the agency that runs it and of every agency whose resources it uses: one
that uses resources of several is a joint one. A coalition can place the options of its
members alone, with their resources and with those that all share, in full.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.base.choices import Others
from optimizer.base.errors import InputError, Problem
from optimizer.problem.instance.options import Option
from optimizer.problem.instance.teams import PatrolField
from optimizer.problem.plan.plan import violations
from optimizer.problem.plan.result import ProvenInterval

if TYPE_CHECKING:
    from optimizer.problem.instance.instance import Instance


def agencies_of(instance: Instance) -> tuple[str, ...]:
    """Return the agencies of an instance: those that own a resource, run an option or
    have a team, in this order.
    """
    teams = () if instance.patrols is None else instance.patrols.teams
    named = [
        *(resource.agency for resource in instance.resources),
        *(option.agency for option in instance.options),
        *(team.agency for team in teams),
    ]
    return tuple(dict.fromkeys(name for name in named if name))


def owners_of(instance: Instance, uses: Mapping[str, float], agency: str) -> frozenset[str]:
    """Return whose an option or beat is: of the agency that runs it, and of the owners
    of what it uses; empty where it is everybody's.
    """
    owner = {resource.id: resource.agency for resource in instance.resources}
    return frozenset(
        name
        for name in (agency, *(owner.get(each, "") for each, amount in uses.items() if amount > 0))
        if name
    )


def existing_mask(instance: Instance) -> NDArray[np.bool_]:
    """Return the (options,) mask of what stands today."""
    return instance.placed(option.id for option in instance.options if option.existing)


def check_today(instance: Instance) -> None:
    """Refuse a problem whose layout of today breaks a constraint: others could not be
    left as they are.

    Raises
    ------
    InputError
        With the constraints that it breaks.
    """
    marks = tuple(replace(option, forced=False, forbidden=False) for option in instance.options)
    plain = replace(instance, options=marks, requirements=())
    if broken := violations(plain, existing_mask(plain)):
        expected = "today's sites within the budgets, where others keep what they have today"
        remedy = "Raise the budgets, or take others as absent"
        raise InputError(
            Problem(f"{instance.name}, today's sites", "; ".join(broken), expected, remedy)
        )


def coalition_problem(
    instance: Instance, members: Collection[str], others: Others = "absent"
) -> Instance:
    """Return the problem of some agencies.

    Parameters
    ----------
    instance
        The problem of all.
    members
        Ids of agencies, at least one. Options that are nobody's are theirs.
    others
        What the others have: nothing, or what stands today, which then is part of every
        plan.
    """
    inside = frozenset(members)

    def marked(option: Option) -> Option:
        if owners_of(instance, option.uses, option.agency) <= inside:
            return option
        stays = others == "today" and option.existing
        change = option.change if stays else {}  # what is absent has never stood, and is not closed
        return replace(option, forced=stays, forbidden=not stays, change=change)

    return replace(
        instance,
        options=tuple(map(marked, instance.options)),
        patrols=_patrols_of(instance, inside),
    )


def _patrols_of(instance: Instance, inside: frozenset[str]) -> PatrolField | None:
    field = instance.patrols
    if field is None:
        return None
    kept = tuple(
        p for p in field.patrols if owners_of(instance, p.team.uses, p.team.agency) <= inside
    )
    return replace(field, patrols=kept) if kept else None


# Games of coalitions whose worths are known as intervals: Shapley values, and whether a
# split is in the core.
#
# w(S) is what coalition S reaches, w of nobody 0, and w(S) lies in [low(S), high(S)].
# The Shapley value of i is the mean of what it adds, w(S with i) - w(S), over the
# orders in which players may join (L. S. Shapley, A value for n-person games, 1953):
#
#     phi_i = sum over S without i of |S|! (n - |S| - 1)! / n! (w(S with i) - w(S)).
#
# Each coalition stands in one term of a player, so taking each term at its least and at
# its most gives an interval that holds phi_i and is tight where worths are independent.
# More members never reach less, so that no term is below 0. Above a number of players
# the mean is one over sampled orders (J. Castro, D. Gomez, J. Tejada, Polynomial
# calculation of the Shapley value based on sampling, 2009), and the interval has 1.96
# standard errors on either side. Each order's additions sum to w(all), so do their
# means.
#
# A split x of w(all) is in the core if no coalition S has w(S) > sum of x over S:
# nobody does better apart.

Coalition = frozenset[int]
"""Positions of players."""

SAMPLED_ERRORS = 1.96
"""Standard errors on either side of a sampled mean: 95 % of a normal distribution."""

ROUNDING = 1e-9
"""Relative to what all reach: differences below it are rounding."""


@dataclass(frozen=True)
class CoalitionGame:
    """The worths of coalitions."""

    #: How many.
    players: int
    #: By coalition: what its best plan found reaches, and what none exceeds, as `low`
    #: (= `found`) and `high`; all coalitions, or those of `orders`.
    worths: Mapping[Coalition, ProvenInterval]
    #: Orders of joining that were sampled; empty where all coalitions are known.
    orders: tuple[tuple[int, ...], ...] = ()
    #: Whether more members never reach less; else terms below 0 are not ruled out.
    rising: bool = True

    def worth(self, members: Coalition) -> ProvenInterval:
        """Return the worth of a coalition; 0 of nobody."""
        return self.worths[members] if members else ProvenInterval(0.0, 0.0, 0.0)

    def shapley(self) -> tuple[ProvenInterval, ...]:
        """Return the share of each player; those found sum to what all are found to reach."""
        shares = [self._sampled(i) if self.orders else self._exact(i) for i in range(self.players)]
        return tuple(shares)

    def cooperation(self) -> ProvenInterval:
        """Return what all reach together beyond the sum of what each reaches alone;
        below 0 where they get into each other's way.
        """
        whole = self.worth(frozenset(range(self.players)))
        alone = [self.worth(frozenset({i})) for i in range(self.players)]
        return ProvenInterval(
            whole.low - math.fsum(each.high for each in alone),
            whole.found - math.fsum(each.found for each in alone),
            whole.high - math.fsum(each.low for each in alone),
        )

    def excess(self, members: Coalition) -> ProvenInterval:
        """Return what a coalition reaches alone beyond the sum of its members' Shapley
        values: above 0 it does better apart.
        """
        weight = {members: 1.0}
        for i in members:
            for before, factor in self._before(i):
                weight[before | {i}] = weight.get(before | {i}, 0.0) - factor
                weight[before] = weight.get(before, 0.0) + factor
        worths = [(factor, self.worth(each)) for each, factor in weight.items()]
        return ProvenInterval(
            math.fsum(f * (w.low if f > 0 else w.high) for f, w in worths),
            math.fsum(f * w.found for f, w in worths),
            math.fsum(f * (w.high if f > 0 else w.low) for f, w in worths),
        )

    def better_apart(self) -> tuple[Coalition, ...]:
        """Return the coalitions that, as found, reach more alone than their members'
        shares; the smallest first.
        """
        return tuple(each for each in self._proper() if self.excess(each).found > self._rounding)

    def in_core(self) -> bool | None:
        """Return whether the Shapley value is in the core; None where the bounds, or
        the sample, leave it open.
        """
        if self.orders:
            return None
        excesses = [self.excess(each) for each in self._proper()]
        if any(each.low > self._rounding for each in excesses):
            return False
        return True if all(each.high <= self._rounding for each in excesses) else None

    @property
    def _rounding(self) -> float:
        return ROUNDING * max(abs(self.worth(frozenset(range(self.players))).high), 1e-300)

    def _proper(self) -> Iterator[Coalition]:
        """Yield the known coalitions but that of all, the smallest first."""
        known = sorted(
            (each for each in self.worths if each), key=lambda each: (len(each), sorted(each))
        )
        return (each for each in known if len(each) < self.players)

    def _before(self, i: int) -> Iterator[tuple[Coalition, float]]:
        """Yield the coalitions that a player may join, each with its share of the orders."""
        if self.orders:
            for order in self.orders:
                yield frozenset(order[: order.index(i)]), 1 / len(self.orders)
            return
        rest = [k for k in range(self.players) if k != i]
        for size in range(self.players):
            factor = 1 / (self.players * math.comb(self.players - 1, size))
            for before in combinations(rest, size):
                yield frozenset(before), factor

    def _added(self, i: int, before: Coalition) -> ProvenInterval:
        """Return what a player adds to a coalition."""
        without, with_it = self.worth(before), self.worth(before | {i})
        least = with_it.low - without.high
        return ProvenInterval(
            max(least, 0.0) if self.rising else least,
            with_it.found - without.found,
            with_it.high - without.low,
        )

    def _exact(self, i: int) -> ProvenInterval:
        terms = [(factor, self._added(i, before)) for before, factor in self._before(i)]
        return ProvenInterval(
            math.fsum(factor * term.low for factor, term in terms),
            math.fsum(factor * term.found for factor, term in terms),
            math.fsum(factor * term.high for factor, term in terms),
        )

    def _sampled(self, i: int) -> ProvenInterval:
        terms = [self._added(i, before) for before, _ in self._before(i)]
        low, found, high = (
            np.array([getattr(term, end) for term in terms]) for end in ("low", "found", "high")
        )
        least = float(low.mean()) - _error(low)
        return ProvenInterval(
            max(least, 0.0) if self.rising else least,
            math.fsum(found.tolist()) / len(terms),
            float(high.mean()) + _error(high),
        )


def _error(sample: np.ndarray) -> float:
    """Return how far the mean of what was sampled may lie from that of all orders."""
    if sample.size < 2:
        return math.inf
    return float(SAMPLED_ERRORS * sample.std(ddof=1) / math.sqrt(sample.size))


def every_coalition(players: int) -> tuple[Coalition, ...]:
    """Return all coalitions of at least one player, the smallest first."""
    return tuple(
        frozenset(c) for size in range(1, players + 1) for c in combinations(range(players), size)
    )


def sampled_orders(players: int, count: int, seed: int) -> tuple[tuple[int, ...], ...]:
    """Return so many random orders of joining."""
    rng = np.random.default_rng(seed)
    return tuple(tuple(rng.permutation(players).tolist()) for _ in range(count))


def coalitions_on(orders: Sequence[Sequence[int]]) -> tuple[Coalition, ...]:
    """Return the coalitions that come about in some orders of joining, each player
    alone and all among them, the smallest first.
    """
    players = len(orders[0])
    met = {frozenset(order[:k]) for order in orders for k in range(1, players + 1)}
    met |= {frozenset({i}) for i in range(players)}
    return tuple(sorted(met, key=lambda each: (len(each), sorted(each))))
