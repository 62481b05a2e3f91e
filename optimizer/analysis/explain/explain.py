"""Why a plan is as it is: what each site adds, what would replace it, why others were
left out, and which routes remain.

The best routes that a plan leaves to an evader, told apart by the sites they pass.

The best routes of a road network differ by a detour round a block. Here each route
avoids at least one site of every better one: route 1 is the best; route k is the best
among the routes that, for each i < k, pass not all of the sites of route i. They are
found by best-first search over sets of closed sites: where the best route with the
sites F closed passes all sites of an earlier route, or is taken itself, every later
route avoids one of these sites, so that F is split into F with each of them closed as
well.
"""

from __future__ import annotations

import heapq
import os
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimizer.analysis.explain.replacements import (
    OptionPrice,
    Pricing,
    promising,
    released,
    root_rows,
    swapped,
)
from optimizer.base.errors import ProblemList
from optimizer.base.text.formatting import ValueText
from optimizer.base.work.executor import LEAST_SECONDS, SERIAL, Executor
from optimizer.base.work.listener import SILENT, Listener, Stopping, step
from optimizer.base.work.work_clock import limited, work_seconds
from optimizer.plans.plan_folder import KnownPlan, PlanFolder
from optimizer.problem.instance.evaders import Evader, arc_costs
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.options import Option, named_options, site_names
from optimizer.problem.network.shortest_paths import cost_graph
from optimizer.problem.plan.evaluation import evader_values
from optimizer.problem.plan.plan import Plan, violations
from optimizer.solvers.overlay.overlay import contract
from optimizer.solvers.params import SolveOptions, SolveParams

ROUNDING = 1e-9
"""Costs up to this are rounding."""

COMPARING = 0.05
"""Share of the time limit that is kept for what comes after the solves, and for the
last of them, which may take a little longer.
"""

AT_ROOT = 0.15
"""Share of the time limit in which the root program is cut whose rows all solves begin with."""

TOUCHED = 1e-9
"""Least change of a chance to get through that counts as touched."""


@dataclass(frozen=True, slots=True)
class TouchedEvader:
    """An evader whose chance to get through depends on an option."""

    #: Who.
    evader: Evader
    #: `without`, `with_it`: Chance to get through without and with the option, the rest
    #: of the plan as it is.
    without: float
    with_it: float

    @property
    def adds(self) -> float:
        """By how much the option lowers what gets through of this evader, weight included."""
        return self.evader.weight * (self.without - self.with_it)


@dataclass(frozen=True)
class ExplainedOption:
    """What an option does, and what it would cost to do without it, or to have it."""

    #: The plan.
    known: KnownPlan
    #: The best plan without it, or with it.
    price: OptionPrice
    #: By how much the value is lower with it than without it, the rest of the plan as
    #: it is and, where it is not chosen, budgets aside and in place of what excludes
    #: it; below 0 where that was better.
    adds: float
    #: The evaders whose chance to get through it changes, those first of whom it lowers
    #: most.
    touched: tuple[TouchedEvader, ...]
    #: How many routes of habitual evaders pass it.
    habitual_routes: int
    #: `comes`, `goes`: Positions of the options that the best plan without it, or with
    #: it, has and the plan has not, and the other way round, itself aside; those of the
    #: largest marginal value first.
    comes: tuple[int, ...]
    goes: tuple[int, ...]

    @property
    def replacement(self) -> int | None:
        """What takes its place where it is chosen, else what makes way for it: that of
        the largest marginal value.
        """
        others = self.comes if self.price.chosen else self.goes
        return others[0] if others else None

    @property
    def cost(self) -> float | None:
        """By how much the value of the best plan found without it, or with it, exceeds
        that of the plan.
        """
        return None if self.price.upper is None else self.price.upper - self.known.value

    @property
    def cost_low(self) -> float | None:
        """Proven: it costs at least so much against the plan; below 0 where a better
        plan is not ruled out. With teams, of the same beats.
        """
        proven = self.price.lower if self.price.same_beats is None else self.price.same_beats
        return None if proven is None else proven - self.known.value


@dataclass(frozen=True)
class Explanation:
    """A plan explained."""

    #: The plan and its bounds.
    known: KnownPlan
    #: The chosen options first, then the most promising others.
    options: tuple[ExplainedOption, ...]
    #: Those of whom most gets through, with the routes left to them.
    evaders: tuple[ExplainedEvader, ...]
    #: How many options were to be priced; fewer are where time ran out or Ctrl-C was
    #: pressed.
    wanted: int
    #: Whether these options were asked for by name.
    named: bool = False

    @property
    def better(self) -> tuple[Plan, float] | None:
        """The best plan that was found on the way, with its value; None where none is
        better than the plan explained and keeps every limit and demand.
        """
        instance, prices = self.known.instance, [one.price for one in self.options]
        found = [
            (price.upper, k, price.plan)
            for k, price in enumerate(prices)
            if price.plan is not None
            and price.upper is not None
            and price.upper < self.known.value - ROUNDING
            and not violations(instance, price.plan)
        ]
        if not found:
            return None
        value, _, placed = min(found, key=lambda each: each[:2])
        ids = set(instance.ids_of(placed))
        beats = tuple(beat for beat in self.known.plan.beats if beat.id in ids)
        fixed = Plan.of(instance, ids - _beats(self.known))
        return Plan((*fixed.placements, *beats)), value

    @property
    def text(self) -> ValueText:
        """How its values are written."""
        return ValueText.of(self.known.instance.weight)


def explain_folder(
    folder: str | os.PathLike[str],
    *,
    sites: Sequence[str] = (),
    others: int = 20,
    evaders: int = 5,
    gap: float = 1e-4,
    time_limit: float | None = 60.0,
    seed: int = 0,
    params: Mapping[str, Any] | None = None,
    skip_unreachable: bool = False,
    executor: Executor = SERIAL,
    listener: Listener = SILENT,
) -> Explanation:
    """Explain the plan in a folder; parameters as in `explain_plan`, the time limit
    with the reading.

    The parameters of the search are those that the plan was made with; `params` sets
    some anew by name, such as `tree.splits`.

    Raises
    ------
    InputError
        If the folder holds no plan with its instance, or there is no such site.
    """
    began = time.monotonic()
    _check(others, evaders, time_limit)
    with step(listener, f"reading {folder}"):
        opened = PlanFolder(folder, skip_unreachable=skip_unreachable)
        known, search_params = opened.known, opened.search_params(params)
    if time_limit is not None:
        time_limit = max(time_limit - (time.monotonic() - began), LEAST_SECONDS)
    return explain_plan(
        known,
        sites=sites,
        others=others,
        evaders=evaders,
        gap=gap,
        time_limit=time_limit,
        seed=seed,
        params=search_params,
        executor=executor,
        listener=listener,
    )


def explain_plan(
    known: KnownPlan,
    *,
    sites: Sequence[str] = (),
    others: int = 20,
    evaders: int = 5,
    gap: float = 1e-4,
    time_limit: float | None = 60.0,
    seed: int = 0,
    params: SolveParams = SolveParams(),
    executor: Executor = SERIAL,
    listener: Listener = SILENT,
) -> Explanation:
    """Price the options of a plan, and the most promising others: the problem is solved
    again without, or with, each.

    With patrol teams the beats of the plan are kept, or left out; no others are made,
    and bounds over every beat are those of the plan. Ctrl-C ends the series; what is
    priced so far is kept.

    Parameters
    ----------
    known
        The plan with its problem.
    sites
        Ids of options, sites, SITE:KIND, or labels to price; by default all chosen ones
        and the most promising others.
    others
        How many options that the plan does not have are priced where no sites are
        named.
    evaders
        For how many evaders the routes left are sought: those of whom most gets
        through, weight included.
    gap, seed, params
        Relative gap at which each solve stops, its seed, and the parameters of its
        search.
    time_limit
        Seconds for everything; None for no limit. No solve is begun after it, the first
        aside.
    executor
        Who solves the problems.
    listener
        Told of each.

    Raises
    ------
    InputError
        If there is no such site, or a number is out of range.
    """
    began = time.monotonic()
    named = _named(known.instance, sites)
    _check(others, evaders, time_limit)
    until = None if time_limit is None else began + (1 - COMPARING) * time_limit
    fixed = [
        int(j)
        for j in np.flatnonzero(known.placed)
        if known.instance.options[j].id not in _beats(known)
    ]
    with Stopping(listener) as stopping:
        with step(stopping, "contracting"):
            first = named or fixed
            overlay = contract(released(known.instance, first))
        with step(stopping, "choosing what to price"):
            partners = promising(known, overlay)
            options = first if named else [*fixed, *partners[:others]]
        with step(stopping, "looking for the routes left"):
            left = evaders_left(known.instance, known.placed, _beats(known), evaders, stopping)
        most = None if time_limit is None else AT_ROOT * time_limit
        with limited(most):
            end = None if most is None else work_seconds() + most
            asked = SolveOptions(gap=gap, seed=seed, threads=1, params=params)
            rows = stopping.attempt(lambda: root_rows(known, overlay, gap, end, stopping, params))
        prices = Pricing(known, overlay, asked, partners, rows).prices(
            options, until, executor, stopping
        )
        with step(stopping, "comparing with the plan", stoppable=False):
            explained = _explained(known, prices)
    return Explanation(known, explained, left, len(options), bool(named))


def _beats(known: KnownPlan) -> set[str]:
    return {beat.id for beat in known.plan.beats}


def _check(others: int, evaders: int, time_limit: float | None) -> None:
    problems = ProblemList()
    for where, number in (("other options", others), ("evaders", evaders)):
        if number < 0:
            problems.add(where, str(number), "a whole number of at least 0")
    if time_limit is not None and not time_limit > 0:
        problems.add("time limit", str(time_limit), "a number of seconds above 0")
    problems.raise_if_any()


def _named(instance: Instance, sites: Sequence[str]) -> list[int]:
    """Return the positions of the options that names mean, each once."""
    found: dict[int, None] = {}
    problems = ProblemList()
    for name in sites:
        found |= dict.fromkeys(named_options(instance.options, name, "sites to explain", problems))
    problems.raise_if_any()
    return list(found)


def _explained(known: KnownPlan, prices: Sequence[OptionPrice]) -> tuple[ExplainedOption, ...]:
    """Return the options with what they do in the plan."""
    instance = known.instance
    values = evader_values(instance, known.placed)
    weights = np.array([evader.weight for evader in instance.evaders])
    every = {arc for option in instance.options for arc in option.arcs}
    routes = [
        set(r.arcs) & every
        for evader in instance.evaders
        if evader.weight > 0
        for r in evader.routes
    ]
    explained = []
    for price in prices:
        other = evader_values(instance, swapped(instance, known.placed, price.option))
        without, with_it = (other, values) if price.chosen else (values, other)
        watched = set(instance.options[price.option].arcs)
        fall = weights * (without - with_it)
        touched = [
            k
            for k in np.argsort(-fall, kind="stable").tolist()
            if abs(without[k] - with_it[k]) > TOUCHED
        ]
        touching = tuple(
            TouchedEvader(instance.evaders[k], float(without[k]), float(with_it[k]))
            for k in touched
        )
        plan = known.placed if price.plan is None else price.plan
        explained.append(
            ExplainedOption(
                known=known,
                price=price,
                adds=float(fall.sum()),
                touched=touching,
                habitual_routes=sum(bool(watched & route) for route in routes),
                comes=_by_loss(instance, plan, plan & ~known.placed, price.option),
                goes=_by_loss(instance, known.placed, known.placed & ~plan, price.option),
            )
        )
    return tuple(explained)


def _by_loss(
    instance: Instance, plan: NDArray[np.bool_], chosen: NDArray[np.bool_], leave_out: int
) -> tuple[int, ...]:
    """Return the positions of some options of a plan, that without which its value
    rises most first.
    """
    weights = np.array([evader.weight for evader in instance.evaders])
    options = [j for j in np.flatnonzero(chosen).tolist() if j != leave_out]
    if len(options) < 2:
        return tuple(options)
    value = {
        j: float(weights @ evader_values(instance, swapped(instance, plan, j))) for j in options
    }
    return tuple(sorted(options, key=lambda j: -value[j]))


# The evaders of whom most gets through under a plan, with the routes left to them.
@dataclass(frozen=True)
class ExplainedEvader:
    """An evader of whom much gets through, with the routes left to him."""

    #: Who.
    evader: Evader
    #: Chance to get through under the plan.
    through: float
    #: His best routes under the plan.
    left: RoutesLeft
    #: What people call the sites, by id.
    site_names: Mapping[str, str]
    #: Ids of the sites where something of the plan stands.
    standing: frozenset[str]

    def called(self, route: OpenRoute) -> list[str]:
        """Return what people call a route: its sites by their names.

        Sites without a name stay out, but for those where something stands; where no
        site of the route has a name, all are called by their ids.
        """
        named = [
            name
            for site in route.sites
            if (name := self.site_names.get(site, site)) != site or site in self.standing
        ]
        return named or list(route.sites)


def evaders_left(
    instance: Instance,
    placed: NDArray[np.bool_],
    beats: Collection[str],
    count: int,
    listener: Listener,
) -> tuple[ExplainedEvader, ...]:
    """Return the evaders of whom most gets through, weight included; fewer where the
    listener has cancelled.

    Parameters
    ----------
    instance
        The problem, with the beats of the plan behind its options.
    placed
        Its (options,) mask.
    beats
        Ids of the beats, by which routes are not told apart.
    count
        How many evaders, at most.
    listener
        Asked whether to stop before each.
    """
    values = evader_values(instance, placed)
    through = values * np.array([evader.weight for evader in instance.evaders])
    fixed = [option for option in instance.options if option.id not in beats]
    sites, names = SitesOnArcs.of(fixed), site_names(fixed)
    standing = frozenset(
        o.site or o.id
        for o, x in zip(instance.options, placed, strict=True)
        if x and o.id not in beats
    )
    survival = instance.survival(placed)
    found: list[ExplainedEvader] = []
    for k in np.argsort(-through, kind="stable")[:count].tolist():
        if listener.cancelled() or through[k] <= 0:
            break
        evader = instance.evaders[k]
        left = routes_left(instance, survival, evader, sites)
        found.append(ExplainedEvader(evader, float(values[k]), left, names, standing))
    return tuple(found)


def evader_line(explained: ExplainedEvader) -> dict[str, Any]:
    """Return an evader with the routes left to him, for JSON."""
    return {
        "evader": explained.evader.id,
        "weight": explained.evader.weight,
        "value": explained.through,
        "complete": explained.left.complete,
        "routes": [
            {"value": r.through, "share": r.share, "sites": list(r.sites), "arcs": list(r.arcs)}
            for r in explained.left.routes
        ],
    }


MOST_SEARCHES = 200
"""Searches of the network for one evader after which no further route is looked for."""


@dataclass(frozen=True, slots=True)
class OpenRoute:
    """A route that is left to an evader."""

    #: Chance to get through on it under the plan, in (0, 1].
    through: float
    #: Share of a habitual evader that takes it; 1 for an informed one.
    share: float
    #: Arc positions in order of travel.
    arcs: tuple[int, ...]
    #: Sites that it passes, used or not, in order of travel; an option without a site
    #: counts as one of its own.
    sites: tuple[str, ...]


@dataclass(frozen=True)
class RoutesLeft:
    """The routes that are left to an evader, the best first, and whether a further one
    may have been missed.
    """

    routes: tuple[OpenRoute, ...]
    complete: bool = True


@dataclass(frozen=True)
class SitesOnArcs:
    """Which sites watch which arcs."""

    #: Arc position -> names of the sites that watch it.
    on: dict[int, tuple[str, ...]]
    #: Name of a site -> (k,) arc positions that its options watch.
    arcs: dict[str, NDArray[np.int64]]

    @classmethod
    def of(cls, options: Iterable[Option]) -> SitesOnArcs:
        """Gather options by site."""
        watched: dict[str, set[int]] = {}
        for option in options:
            watched.setdefault(option.site or option.id, set()).update(option.arcs)
        on: dict[int, tuple[str, ...]] = {}
        for name, arcs in watched.items():
            for arc in arcs:
                on[arc] = (*on.get(arc, ()), name)
        return cls(
            on, {name: np.array(sorted(arcs), dtype=np.int64) for name, arcs in watched.items()}
        )

    def along(self, arcs: tuple[int, ...]) -> tuple[str, ...]:
        """Return the sites that a route passes, each once, in order of travel."""
        return tuple(dict.fromkeys(name for arc in arcs for name in self.on.get(arc, ())))


def routes_left(
    instance: Instance,
    survival: NDArray[np.float64],
    evader: Evader,
    sites: SitesOnArcs,
    count: int = 3,
) -> RoutesLeft:
    """Return the best routes of an evader.

    Parameters
    ----------
    instance
        The problem.
    survival
        (m,) chance to pass each arc under the plan: `instance.survival(placed)`.
    evader
        One of the instance's. A habitual one has its own routes, those first on which
        most gets through.
    sites
        By which routes are told apart.
    count
        How many, at most.
    """
    if evader.routes:
        own = [
            OpenRoute(
                float(np.prod(survival[list(route.arcs)])),
                route.share,
                route.arcs,
                sites.along(route.arcs),
            )
            for route in evader.routes
        ]
        open_ones = [route for route in own if route.through > 0]
        return RoutesLeft(
            tuple(sorted(open_ones, key=lambda route: -route.share * route.through)[:count])
        )
    return _Search(instance, arc_costs(survival), evader, sites).best(count)


@dataclass
class _Search:
    """The best-first search for one informed evader."""

    instance: Instance
    cost: NDArray[np.float64]
    evader: Evader
    sites: SitesOnArcs
    searches: int = 0
    seen: set[frozenset[str]] = field(default_factory=set)

    def best(self, count: int) -> RoutesLeft:
        """Return the best routes."""
        found: list[OpenRoute] = []
        queue = list(self._opened(frozenset()))
        while queue and len(found) < count:
            _, _, closed, route = heapq.heappop(queue)
            same = next((one for one in found if set(one.sites) <= set(route.sites)), None)
            if same is None:
                found.append(same := route)
            # All further routes avoid a site of `same`, so that the set of closed sites
            # is split by which of them it is. A route without sites is contained in
            # every other, so that none differs from it.
            for name in same.sites:
                if self.searches >= MOST_SEARCHES:
                    return RoutesLeft(tuple(found), complete=len(found) == count)
                for entry in self._opened(closed | {name}):
                    heapq.heappush(queue, entry)
        return RoutesLeft(tuple(found))

    def _opened(
        self, closed: frozenset[str]
    ) -> Iterator[tuple[float, int, frozenset[str], OpenRoute]]:
        """Yield the best route with some sites closed, behind its cost; nothing where
        there is none, or it was asked before.
        """
        if closed in self.seen:
            return
        self.seen.add(closed)
        self.searches += 1
        cost = self.cost.copy()
        for name in closed:
            cost[self.sites.arcs[name]] = np.inf
        graph = cost_graph(self.instance.n_nodes, self.instance.tail, self.instance.head, cost)
        costs, predecessors = graph.trees([self.evader.origin])
        total = float(costs[0, self.evader.destination])
        if np.isfinite(total):
            arcs = graph.paths(predecessors[0], [self.evader.destination])[0]
            route = OpenRoute(float(np.exp(-total)), 1.0, arcs, self.sites.along(arcs))
            yield total, self.searches, closed, route
