"""One run: a policy against traffickers who learn, period after period; and where the
loads of a run travel.

Traffickers of a scenario in the units of a trial: what gets through, week by week,
where plan and today's layout take turns.

Each unit is a copy of the border with traffickers of its own, who learn as `[adapt]`
says: none go from one unit to another. `[adapt]` speaks of periods of D days, and a
trial of weeks. A share c that chooses again in a period is 1 - (1 - c)^(7 / D) a week;
loads and scouts are 7 / D of those of a period, delay and history D / 7 times as many
weeks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from optimizer.base.text.language import marked
from optimizer.lab.adaptive.simulation.policies import (
    Coverage,
    Exact,
    Exp3,
    Explore,
    Fixed,
    FollowThePerturbedLeader,
    Hotspot,
    Mixed,
    PeriodRecord,
    Policy,
    Random,
    Today,
)
from optimizer.lab.adaptive.simulation.traffickers import (
    ChoiceSets,
    Layout,
    PairLoads,
    Passages,
    PeriodOutcome,
    RouteSet,
    Traffickers,
    choice_sets,
)
from optimizer.lab.adaptive.simulation.world import AdaptiveWorld
from optimizer.problem.instance.instance import Instance
from optimizer.scenario.file.model import POLICY_NAMES, AdaptModel

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Ints = NDArray[np.int64]


POLICIES: Final[dict[str, Callable[[AdaptiveWorld], Policy]]] = {
    "today": Today,
    "fixed": Fixed,
    "hotspot": Hotspot,
    "exact": Exact,
    "mixed": Mixed,
    "explore": Explore,
    "coverage": Coverage,
    "random": Random,
    "fpl-ue": FollowThePerturbedLeader,
    "exp3": Exp3,
}
"""How each policy is made from what all runs share."""

COMPARED = 12
"""Plans of the first mixture from which, besides the single plan, exchanges look for
the best fixed plan in hindsight.
"""


@dataclass(frozen=True, slots=True)
class PeriodRow:
    """What is measured of a period of a run."""

    #: From 1.
    period: int
    #: `sent`, `through`: Loads sent, and loads that get through, both expected given
    #: who travels where.
    sent: float
    through: float
    #: `seizures`, `seizure_value`: Number of seizures, and loads a seizure on the mean;
    #: None without a seizure.
    seizures: int
    seizure_value: float | None
    #: `routes`, `gateways`, `footprint_km`: Routes and gateways in use, and length of
    #: road with traffic; None where the problem has no lengths.
    routes: int
    gateways: int
    footprint_km: float | None
    #: Loads let through so far beyond the best plan that is the same in all periods of
    #: the run, known afterwards.
    regret: float
    #: Loads let through in this period beyond the best plan for it, >= 0; None for
    #: periods for which that is not computed.
    reply_regret: float | None
    #: Share of the loads that enter by another gateway than at first: half the sum of
    #: differences.
    displaced: float
    #: What honest travellers lose, in the unit of the resource `delay`; None without
    #: such a resource.
    burden: float | None


@dataclass(frozen=True, eq=False)
class Run:
    """A run: a row for each period, and what each period left."""

    #: One for each period.
    rows: tuple[PeriodRow, ...]
    #: What stood in each period, those of the history first.
    layouts: tuple[Layout, ...]
    #: What became of the shipments of each period, those of the history first.
    outcomes: tuple[PeriodOutcome, ...]
    #: (periods, routes) loads expected on each route.
    flows: Floats


def simulate(
    world: AdaptiveWorld,
    policy: str,
    run: int,
    *,
    periods: int,
    seed: int = 0,
    learner: Callable[[RouteSet, PairLoads, AdaptModel], Traffickers] = Traffickers,
) -> Run:
    """Return one run of a policy.

    Parameters
    ----------
    world
        What all runs share.
    policy
        A key of `POLICIES`.
    run
        Number of the run; traffickers of the same number draw from the same random
        numbers under every policy, each for other events once what stands differs.
    periods
        Number of periods that count, >= 1.
    seed
        Seed of all runs.
    learner
        Makes the traffickers; by default those of the scenario.
    """
    routes, terms = world.sets.routes, world.terms
    chance = np.random.default_rng([seed, run, 0])
    lot = np.random.default_rng([seed, run, 1 + POLICY_NAMES.index(policy)])
    traffickers = learner(routes, world.sets.crowd, terms)
    planners, passages = POLICIES[policy](world), world.passages
    layouts = []
    outcomes = []
    flows = []
    chances = []
    for period in range(-world.history, periods):
        layout = Layout.fixed(world.today, terms.days) if period < 0 else planners.layout(lot)
        flows.append(traffickers.flows)
        outcome = traffickers.send(layout, passages, chance)
        traffickers.learn(outcome, world.place_detection(layout.presence), chance)
        planners.take(PeriodRecord(layout, outcome.counts, outcome.volumes))
        layouts.append(layout)
        chances.append(passages.through(layout))
        outcomes.append(outcome)
    unmeasured = Run((), tuple(layouts), tuple(outcomes), np.array(flows))
    return replace(unmeasured, rows=_measured(world, unmeasured, np.array(chances)))


def baseline_flows(world: AdaptiveWorld, *, periods: int, seed: int = 0) -> Floats:
    """Return the (periods, routes) loads on each route where nothing ever stands,
    forced options neither; traffickers are those of run 0.
    """
    chance = np.random.default_rng([seed, 0, 0])
    nothing = Layout.fixed(np.zeros_like(world.today), world.terms.days)
    standing = world.place_detection(nothing.presence)
    traffickers, flows = Traffickers(world.sets.routes, world.sets.crowd, world.terms), []
    for _ in range(world.history + periods):
        flows.append(traffickers.flows)
        traffickers.learn(traffickers.send(nothing, world.passages, chance), standing, chance)
    return np.array(flows[world.history :])


def _measured(world: AdaptiveWorld, run: Run, chances: Floats) -> tuple[PeriodRow, ...]:
    """Return the rows of a run, given the (periods, routes) chances to get through."""
    hindsight, passages = world.hindsight, world.passages
    flows = run.flows[world.history :]
    layouts = run.layouts[world.history :]
    outcomes = run.outcomes[world.history :]
    routes, gateway = world.sets.routes, world.sets.crowd.gateway
    through = np.array(
        [flow @ chance for flow, chance in zip(flows, chances[world.history :], strict=True)]
    )
    fixed = hindsight.best(flows.sum(axis=0), [world.first.single, *world.first.plans[:COMPARED]])
    regret = np.cumsum(through - flows @ passages.of(fixed).through)
    first = _by_gateway(gateway, world.sets.crowd.loads)
    reply, rows = fixed, []
    for t, (layout, outcome) in enumerate(zip(layouts, outcomes, strict=True)):
        beyond = None
        if (t + 1) % world.terms.reply_every == 0:
            let = [float(flows[t] @ passages.of(plan).through) for plan in layout.plans]
            reply = hindsight.best(flows[t], [reply, layout.plans[int(np.argmin(let))]])
            beyond = float(through[t] - flows[t] @ passages.of(reply).through)
        used = outcome.shipments > 0
        here = _by_gateway(gateway, routes.sums(flows[t]))
        rows.append(
            PeriodRow(
                period=t + 1,
                sent=float(flows[t].sum()),
                through=float(through[t]),
                seizures=outcome.seizures,
                seizure_value=(
                    float(outcome.volumes.sum()) / outcome.seizures if outcome.seizures else None
                ),
                routes=int(used.sum()),
                gateways=int(np.unique(gateway[routes.pair[used]]).size),
                footprint_km=_footprint(world, used),
                regret=float(regret[t]),
                reply_regret=beyond,
                displaced=float(np.abs(here - first).sum() / 2),
                burden=world.burden(layout.presence),
            )
        )
    return tuple(rows)


def _by_gateway(gateway: NDArray[np.int64], loads: Floats) -> Floats:
    total = np.bincount(gateway, loads)
    return np.asarray(total / max(float(total.sum()), 1e-300))


def _footprint(world: AdaptiveWorld, used: Mask) -> float | None:
    """Return the length of the roads on routes in use, in kilometres."""
    if world.length_km is None:
        return None
    travelled = world.sets.routes.segments.T @ used.astype(np.float64) > 0
    return float(world.length_km[: travelled.size] @ travelled)


# Where the loads of a run travel: in named parts of the network, such as districts, and
# on each stretch of road.
#
# With f_tr the loads on route r in period t and P the roads of a part, the loads that
# travel there are sum_r f_tr [r meets P], and the load-kilometres sum_r f_tr km(r, P).
# Both are products of the flows with a (routes, parts) table that all runs share. A
# stretch is a set of roads that lie on the same routes: the loads on one road of it are
# those on every other.


DISTRICT, MODE = "district", "mode"
"""Kinds of parts of the network."""

ELSEWHERE = marked("outside all districts")
"""Name of the district of the roads that lie in none."""

NAME_LENGTH = 40
"""Characters of the name of a district that a sentence or figure shows."""

LAST_PERIODS = 12
"""Periods at the end of a run over which changes are means."""


@dataclass(frozen=True, slots=True)
class RoadPart:
    """A named part of the network, and what kind of part it is: `district` or `mode`."""

    kind: str
    name: str


@dataclass(frozen=True, eq=False)
class RunTravel:
    """Where the loads of a run travel."""

    #: `loads`, `load_km`: (periods, parts) loads that travel in each part of the
    #: network, and kilometres that they travel there.
    loads: Floats
    load_km: Floats
    #: (periods on a map, stretches) loads on each stretch of road.
    stretches: Floats

    def content(self) -> dict[str, Any]:
        """Return the arrays as JSON can hold them."""
        return {name: getattr(self, name).tolist() for name in ("loads", "load_km", "stretches")}

    @classmethod
    def of(cls, content: Mapping[str, Any], parts: int) -> Self:
        """Return what `content` returned."""
        loads, km = (
            # a region may have no parts
            np.array(content[name], dtype=np.float64).reshape(len(content[name]), parts)
            for name in ("loads", "load_km")
        )
        return cls(loads, km, np.array(content["stretches"], dtype=np.float64))


class TravelMeter:
    """Measures where flows travel.

    Parameters
    ----------
    routes
        The routes.
    inside
        (parts, segments) mask of the roads of each part.
    length_km
        (segments,) lengths.
    periods
        Periods on a map, from 1.
    """

    #: (segments,) the stretch of each road; -1 where no route goes.
    stretch: Ints

    def __init__(
        self, routes: RouteSet, inside: Mask, length_km: Floats, periods: Sequence[int]
    ) -> None:
        on: csr_array = routes.segments
        used = on.shape[1]
        self._km = np.asarray(on @ (inside[:, :used] * length_km[:used]).T)
        self._meets = np.asarray(on @ inside[:, :used].T.astype(np.float64) > 0).astype(np.float64)
        self._frames = np.array(periods, dtype=np.int64) - 1
        self.stretch = np.full(length_km.size, -1, dtype=np.int64)
        by_road = on.tocsc()
        by_road.sort_indices()
        known: dict[bytes, int] = {}
        first: list[int] = []
        for road in np.flatnonzero(np.diff(by_road.indptr)).tolist():
            key = by_road.indices[by_road.indptr[road] : by_road.indptr[road + 1]].tobytes()
            self.stretch[road] = known.setdefault(key, len(known))
            if len(known) > len(first):
                first.append(road)
        self._on_stretch = by_road[:, first]

    def travel(self, flows: Floats) -> RunTravel:
        """Return where (periods, routes) loads travel."""
        stretches = np.asarray((self._on_stretch.T @ flows[self._frames].T).T)
        return RunTravel(flows @ self._meets, flows @ self._km, np.round(stretches, 6))


WEEK = 7.0
SETTLED = (100, 160)
"""Weeks of one layout whose mean counts as what lasts. At a mobility of .1 a week,
effects of weeks 20 to 80 are twice those that last.
"""
MOST_HISTORY = 52
"""Weeks of today's layout before a trial, at most."""


class TrialTraffickers:
    """What gets through of the loads of populations who learn, under shares of the
    weeks in which a plan stands in place of today's layout.

    Parameters
    ----------
    sets
        Routes and crowd.
    today, plan
        (options,) masks.
    terms
        How traffickers learn, in steps of a week.
    """

    def __init__(self, sets: ChoiceSets, today: Mask, plan: Mask, terms: AdaptModel) -> None:
        self._sets, self._terms = sets, terms
        self._plans = np.stack([today, plan])
        self._passages = Passages(sets.routes)
        self._through = np.stack(
            [self._passages.through(Layout.fixed(each)) for each in self._plans]
        )

    @classmethod
    def of(cls, instance: Instance, plan: Mask, terms: AdaptModel, fixed: int) -> TrialTraffickers:
        """Return those of an instance; its options from `fixed` on are beats of teams.
        Terms are those of `[adapt]`.
        """
        terms, today = (
            weekly(terms),
            np.array([option.existing for option in instance.options], dtype=bool),
        )
        nothing = np.zeros(today.size, dtype=bool)
        sets = choice_sets(
            instance,
            [nothing, today, plan, today | plan],
            segment=np.arange(instance.tail.size),
            most=terms.routes,
            loads=terms.loads,
            fixed=fixed,
        )
        return cls(sets, today, plan, terms)

    def through(self, shares: Floats, rng: np.random.Generator) -> Floats:
        """Return the (weeks,) loads expected to get through, under (weeks,) shares of
        the days on which the plan stands.
        """
        traffickers, found = Traffickers(self._sets.routes, self._sets.crowd, self._terms), []
        history = self._terms.history if self._plans[0].any() else 0
        for share in (*[0.0] * history, *shares.tolist()):
            days = np.array([1 - share, share])
            layout = Layout(self._plans[days > 0], days[days > 0])
            found.append(float(traffickers.flows @ (days @ self._through)))
            outcome = traffickers.send(layout, self._passages, rng)
            traffickers.learn(outcome, self._sets.routes.place_detection(layout.presence), rng)
        return np.array(found[history:])

    def lasting(self, runs: int) -> tuple[float, float]:
        """Return the loads a week that get through under today's layout and under the
        plan, once all have learned it: means of runs.
        """
        begin, end = SETTLED
        today, plan = (
            float(
                np.mean(
                    [
                        self.through(np.full(end, s), np.random.default_rng(k))[begin:].mean()
                        for k in range(runs)
                    ]
                )
            )
            for s in (0.0, 1.0)
        )
        return today, plan

    def at_first(self) -> tuple[float, float]:
        """Return the loads that get through in one week of today's layout and of the
        plan, before anybody has learned the plan.
        """
        today, plan = (
            float(self.through(np.full(1, s), np.random.default_rng(0))[0]) for s in (0.0, 1.0)
        )
        return today, plan


def weekly(terms: AdaptModel) -> AdaptModel:
    """Return terms of weeks, of those of periods."""
    part = WEEK / terms.days
    return terms.model_copy(
        update={
            "rate": 1 - (1 - terms.rate) ** part,
            "mobility": 1 - (1 - terms.mobility) ** part,
            "loads": terms.loads * part,
            "scouts": terms.scouts * part,
            "delay": max(1, round(terms.delay / part)),
            "history": min(MOST_HISTORY, round(terms.history / part)),
            "days": round(WEEK),
        }
    )
