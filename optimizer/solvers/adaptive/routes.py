"""The routes that populations choose among, and what a layout does to a load on each.

A load on a route meets elements (option, survival) in order of travel. It passes arc a undetected by ordinary policing with r_a, and a placed
element l with s_l. With b_l the product of r up to the arc of l, it is seized by l with

    q_l = b_l prod_{i < l placed} s_i (1 - s_l)      if l is placed, else 0,

gets through with prod_a r_a prod_{l placed} s_l, and is otherwise found by ordinary policing. Under a layout of several plans, each on a share
of the days, all are means over the days, as a load travels on any day.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class RouteSet:
    """Routes of all pairs of gateway and destination; those of a pair are next to each other.

    Attributes
    ----------
    pair
        (routes,) the pair of each, rising.
    base
        (routes,) chance to get through with nothing placed.
    option, survival
        (routes, width) elements in order of travel; padded with the number of options, and 1.
    before
        (routes, width) chance that ordinary policing has not found a load up to the element's arc.
    usual
        (routes,) share of the habitual loads of its pair; 0 on routes that nobody takes by habit.
    segments
        (routes, segments) sparse: which stretches of road it travels.
    place
        (options + 1,) place of each option: options of a site share one. The last is that of the padding.
    """

    pair: Ints
    base: Floats
    option: Ints
    survival: Floats
    before: Floats
    usual: Floats
    segments: csr_array
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

    def promise(self, flows: Floats) -> Floats:
        """Return the (options,) loads that each option would seize alone of (routes,) flows."""
        every = self.before * (1 - self.survival) * flows[:, None]
        return np.bincount(self.option.ravel(), every.ravel(), self.n_options + 1)[:-1].astype(np.float64)

    def best(self, values: Floats) -> Floats:
        """Return the (pairs,) largest of (routes,) values of each pair."""
        return np.asarray(np.maximum.reduceat(values, self.start)) if values.size else np.empty(0)

    def sums(self, values: Floats) -> Floats:
        """Return the (pairs,) sums of (routes,) values of each pair."""
        return np.asarray(np.add.reduceat(values, self.start)) if values.size else np.empty(0)


@dataclass(frozen=True, eq=False)
class RoutePassage:
    """What a plan does to a load on each route.

    Attributes
    ----------
    through
        (routes,) chance to get through.
    seized
        (routes, width) chance to be seized by each element.
    """

    through: Floats
    seized: Floats


@dataclass(frozen=True, eq=False)
class Layout:
    """What stands in a period: plans, each on a number of its days.

    Attributes
    ----------
    plans
        (plans, options) masks.
    days
        (plans,) on how many days each stands, >= 0; the sum is the number of days of the period.
    """

    plans: Mask
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
