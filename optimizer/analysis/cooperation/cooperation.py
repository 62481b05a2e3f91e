"""What several agencies reach alone, in every coalition, and together; what cooperation
is worth, and how to split it fairly.

The worth of a coalition is by how much its best plan lowers what gets through, against
nobody placing anything (or, where the others keep what they have, against today). It
has its members' options and resources, and in full what all share; of the others it has
nothing, or what stands today. A plan of some members is one of more members too, so
plans and bounds are passed on between coalitions.

Whose roads a site relieves: by how much less gets through because of it, by the
agencies whose roads the evaders travelled before.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.base.choices import Others
from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.text.formatting import ValueText
from optimizer.base.work.executor import SERIAL, Executor
from optimizer.base.work.listener import SILENT, Listener, Stopping, step
from optimizer.base.work.tasks import LostTaskError, Task, TaskCall
from optimizer.plans.plan_folder import OwnWords
from optimizer.problem.instance.instance import Instance, series_digest
from optimizer.problem.instance.methods import check_single_plans
from optimizer.problem.plan.agencies import (
    Coalition,
    CoalitionGame,
    agencies_of,
    check_today,
    coalition_problem,
    coalitions_on,
    every_coalition,
    existing_mask,
    owners_of,
    sampled_orders,
)
from optimizer.problem.plan.evaluation import evader_values, evaluate, plan_value
from optimizer.problem.plan.plan import Placement, Plan, packed_plan, unpacked_plan, with_plan
from optimizer.problem.plan.result import ProvenInterval, Result
from optimizer.solvers.patrols.joint import solve_joint
from optimizer.solvers.solve import plan_without_search, solve_with

if TYPE_CHECKING:
    from optimizer.base.files.json_lines import FinishedTasks
    from optimizer.scenario.file.model import SolveModel

MOST_FOR_EVERY_COALITION = 8
"""Agencies up to which every coalition is solved."""

ORDERS = 16
"""Orders of joining that are sampled above."""

SINGLE_SOLVES = 5.0
"""Time of all coalitions, in time limits of a single solve, where none is given."""


@dataclass(frozen=True)
class CoalitionValue:
    """What gets through under the best plan of a coalition."""

    #: Ids of agencies.
    members: tuple[str, ...]
    #: `lower`, `upper`: Proven bound of every plan of the coalition, and value of the
    #: best one found.
    lower: float
    upper: float
    #: That plan; the empty one where none was looked for.
    plan: Plan
    #: Whether it was looked for; else the values are what others prove.
    solved: bool


@dataclass(frozen=True)
class AgencyShare:
    """An agency's part of what all reach together."""

    #: Its id.
    agency: str
    #: What it reaches alone.
    alone: ProvenInterval
    #: Its Shapley value; those found sum to what the best plan of all reaches.
    share: ProvenInterval


@dataclass(frozen=True)
class Cooperation:
    """Agencies alone and together."""

    #: The problem of all.
    instance: Instance
    #: What those outside a coalition have.
    others: Others
    #: What gets through without any of them: nothing placed, or today's sites.
    nobody: float
    #: The smallest first, that of all last.
    coalitions: tuple[CoalitionValue, ...]
    #: One an agency.
    shares: tuple[AgencyShare, ...]
    #: What all reach together beyond the sum of what each reaches alone; below 0 where
    #: sites of several do the same work.
    worth: ProvenInterval
    #: Whether the split is in the core: no coalition does better apart. None where the
    #: bounds, or sampling, leave it open.
    in_core: bool | None
    #: Coalitions that, by the plans found, do.
    better_apart: tuple[tuple[str, ...], ...]
    #: How many orders of joining were sampled; None where every coalition was taken.
    sampled: int | None
    #: What each site of the plan of all brings, and whose roads it relieves.
    gains: tuple[SiteGain, ...]
    #: What pages call the agencies and other terms of a scenario.
    own_words: OwnWords = field(default_factory=OwnWords)

    @property
    def complete(self) -> bool:
        """Whether every coalition was solved."""
        return all(each.solved for each in self.coalitions)

    @property
    def together(self) -> CoalitionValue:
        """The coalition of all."""
        return self.coalitions[-1]


@dataclass(frozen=True, slots=True)
class _Game:
    """What all coalitions have in common."""

    instance: Instance
    agencies: tuple[str, ...]
    others: Others
    terms: SolveModel
    starts: tuple[Plan, ...] = ()
    own_words: OwnWords = field(default_factory=OwnWords)

    def case(self, members: Coalition) -> Instance:
        """Return the problem of a coalition."""
        return coalition_problem(self.instance, [self.agencies[k] for k in members], self.others)

    def key(self, members: Coalition) -> str:
        """Return what messages call a coalition: its members' names, or their ids where
        names would not tell coalitions apart.
        """
        names = [self.own_words.agency(each) for each in self.agencies]
        apart = len(set(names)) == len(names) and not any("+" in name for name in names)
        called = names if apart else self.agencies
        return " + ".join(called[k] for k in sorted(members))

    @property
    def rising(self) -> bool:
        """Whether every plan of a coalition is one of more agencies: so it is where no
        option must be used and nothing must be reached.

        What stands today must also be free to go where others are absent, as who joins
        has to close what he does not keep; and it must be allowed to stay where others
        keep it.
        """
        today = [option for option in self.instance.options if option.existing]
        bound = [
            option.forbidden if self.others == "today" else any(option.change.values())
            for option in today
        ]
        return not (self.instance.forced.any() or self.instance.requirements or any(bound))


def cooperate(
    instance: Instance,
    terms: SolveModel,
    *,
    others: Others = "absent",
    orders: int = ORDERS,
    starts: Sequence[Plan] = (),
    own_words: OwnWords | None = None,
    time_limit: float | None = None,
    executor: Executor = SERIAL,
    finished: FinishedTasks | None = None,
    listener: Listener = SILENT,
) -> Cooperation:
    """Plan for each agency alone, for each coalition, and for all; split what all reach
    fairly.

    Ctrl-C ends the search; coalitions that were not solved have the bounds that the
    others prove, and the intervals are as much wider. Where their time ran out they
    have a greedy plan besides.

    Parameters
    ----------
    instance
        The problem of all.
    terms
        Method, gap and seed of each solve.
    others
        What those outside a coalition have: nothing (`absent`), or what stands today
        (`today`).
    orders
        Above 8 agencies, how many orders of joining are sampled, >= 2.
    starts
        Plans that are known; each coalition begins from what of them is its members'.
    own_words
        What pages and messages call the agencies; by default their ids.
    time_limit
        Seconds for all coalitions together; by default five times that of `terms`, None
        where that has none.
    executor
        Who solves them.
    finished
        Where coalitions are kept as they are solved, and read from in place of solving
        them.
    listener
        Told of each.

    Raises
    ------
    InputError
        If there are fewer than two agencies, or today's sites break a constraint where
        others keep them.
    InfeasibleError
        If a coalition has no feasible plan.
    """
    agencies = _checked(instance, others, orders)
    check_single_plans(terms.method, "cooperate")
    if time_limit is None and terms.time_limit is not None:
        time_limit = SINGLE_SOLVES * terms.time_limit
    until = None if time_limit is None else time.monotonic() + time_limit
    game = _Game(instance, agencies, others, terms, tuple(starts), own_words or OwnWords())
    sample = (
        ()
        if len(agencies) <= MOST_FOR_EVERY_COALITION
        else sampled_orders(len(agencies), orders, terms.seed)
    )
    coalitions = coalitions_on(sample) if sample else every_coalition(len(agencies))
    tasks = [
        Task(
            game.key(each),
            each,
            tuple(game.key(less) for less in _one_less(each, coalitions)),
            size=len(each),
        )
        # a bound of many members holds for fewer of them too, and takes longest to
        # prove
        for each in coalitions
    ]
    known: dict[Coalition, Mapping[str, Any]] = {}
    with Stopping(listener) as stopping:
        stopping.search_began(shares=ValueText.of(instance.weight).share, seconds=time_limit)
        for ended in executor.run(
            solve_coalition, tasks, shared=game, until=until, finished=finished, listener=stopping
        ):
            if isinstance(ended.error, LostTaskError):
                stopping.noted(f"{ended.task.key} was not solved: {ended.fault}.")
            else:
                known[ended.task.argument] = ended.value()
        for each in coalitions:
            if each not in known and (starts or not stopping.cancelled()):
                known[each] = _without_search(game, each, known, stopping)
        with step(stopping, "splitting", stoppable=False):
            return _cooperation(game, coalitions, known, sample)


def cooperation_digest(
    instance: Instance,
    terms: SolveModel,
    others: Others,
    orders: int,
    time_limit: float | None,
    starts: Sequence[Plan] = (),
    own_words: OwnWords | None = None,
) -> str:
    """Return the digest of all that the coalitions' values, and the keys of their
    tasks, depend on, for `FinishedTasks`.
    """
    begun = [packed_plan(start) for start in starts]
    agencies = agencies_of(instance)
    called = [] if own_words is None else [own_words.agency(each) for each in agencies]
    return series_digest(
        instance,
        "cooperate",
        agencies,
        terms.of_search(),
        others,
        orders,
        time_limit,
        begun,
        called,
    )


def solve_coalition(call: TaskCall) -> dict[str, Any]:
    """Return bounds and plan of a coalition, from the plans of one member less: the
    best first, and with teams the beats of all.
    """
    game: _Game = call.shared
    case, terms = game.case(call.task.argument), game.terms
    options = terms.search(time_limit=call.seconds, threads=call.threads(terms.threads))
    less = sorted((each for each in call.earlier if each), key=lambda each: each["upper"])
    plans = [unpacked_plan(case, each["plan"]) for each in less]
    if case.patrols is not None:
        result = solve_joint(case, options, starts=[*plans, *game.starts], listener=call.listener)
    else:
        result = solve_with(
            case, options, starts=[*plans[:1], *game.starts], listener=call.listener
        )
    return _content(result)


def _without_search(
    game: _Game,
    members: Coalition,
    known: Mapping[Coalition, Mapping[str, Any]],
    listener: Listener,
) -> dict[str, Any]:
    """Return bounds and plan of a coalition that was not solved: the best of its
    members' plans, those given and a greedy one.
    """
    case = game.case(members)
    less = [each for some, each in known.items() if game.rising and some < members]
    best = sorted(less, key=lambda each: float(each["upper"]))[:1]
    plans = [unpacked_plan(case, each["plan"]) for each in best]
    result = plan_without_search(
        case, [*plans, *game.starts], seed=game.terms.seed, listener=listener
    )
    return _content(result) | {"solved": False}


def _content(result: Result) -> dict[str, Any]:
    assert result.plan is not None  # noqa: S101 - else an error was raised
    return {"lower": result.lower or 0.0, "upper": result.upper, "plan": packed_plan(result.plan)}


def _checked(instance: Instance, others: Others, orders: int) -> tuple[str, ...]:
    """Return the agencies, at least two."""
    agencies = agencies_of(instance)
    problems = ProblemList()
    if len(agencies) < 2:
        found = f"one agency, {agencies[0]!r}" if agencies else "no agency"
        remedy = "Name owners with `agency` in [[resources]], [[site]] and [[teams]]"
        problems.append(
            Problem(
                instance.name,
                found,
                "at least two agencies with resources, options or teams",
                remedy,
            )
        )
    if orders < 2:
        problems.add("orders of joining", str(orders), "at least 2")
    problems.raise_if_any()
    if others == "today":
        check_today(instance)
    elif others != "absent":
        raise InputError(Problem("others", repr(others), "absent or today"))
    return agencies


def _one_less(members: Coalition, known: Sequence[Coalition]) -> list[Coalition]:
    among = set(known)
    return [less for i in sorted(members) if (less := members - {i}) in among]


def _cooperation(
    game: _Game,
    coalitions: Sequence[Coalition],
    known: Mapping[Coalition, Mapping[str, Any]],
    sample: tuple[tuple[int, ...], ...],
) -> Cooperation:
    instance, agencies = game.instance, game.agencies
    before = (
        existing_mask(instance)
        if game.others == "today"
        else np.zeros(len(instance.options), dtype=bool)
    )
    nobody = plan_value(instance, before)
    # with nothing placed as much gets through as can
    known_to_fit = before if game.rising else np.zeros_like(before)
    least = {"options": list(instance.ids_of(known_to_fit)), "beats": []}
    first = {"lower": 0.0, "upper": plan_value(instance, known_to_fit), "plan": least}
    values = tuple(_value(game, members, known, first) for members in coalitions)
    worths = {
        members: ProvenInterval(nobody - each.upper, nobody - each.upper, nobody - each.lower)
        for members, each in zip(coalitions, values, strict=True)
    }
    split = CoalitionGame(len(agencies), worths, sample, game.rising)
    shares = tuple(
        AgencyShare(name, worths[frozenset({i})], share)
        for i, (name, share) in enumerate(zip(agencies, split.shapley(), strict=True))
    )
    return Cooperation(
        instance=instance,
        others=game.others,
        nobody=nobody,
        coalitions=values,
        shares=shares,
        worth=split.cooperation(),
        in_core=split.in_core(),
        better_apart=tuple(
            tuple(agencies[k] for k in sorted(each)) for each in split.better_apart()
        ),
        sampled=len(sample) or None,
        gains=site_gains(instance, values[-1].plan),
        own_words=game.own_words,
    )


def _value(
    game: _Game,
    members: Coalition,
    known: Mapping[Coalition, Mapping[str, Any]],
    first: Mapping[str, Any],
) -> CoalitionValue:
    """Return the value of a coalition with what others prove of it: plans of fewer
    members, bounds of more.
    """
    own = known.get(members)
    plans, bounds = ([first, own] if own else [first]), ([own["lower"]] if own else [0.0])
    if game.rising:
        plans += [each for some, each in known.items() if some < members]
        bounds += [each["lower"] for some, each in known.items() if some > members]
    elif own:
        plans = [own]
    best = min(plans, key=lambda each: each["upper"])
    names = tuple(game.agencies[k] for k in sorted(members))
    plan = unpacked_plan(game.instance, best["plan"])
    solved = own is not None and own.get("solved", True)
    return CoalitionValue(names, min(max(bounds), best["upper"]), best["upper"], plan, solved)


@dataclass(frozen=True, slots=True)
class SiteGain:
    """What one placement of a plan brings."""

    #: Which.
    placement: Placement
    #: Agencies that it is of; of several for a joint one.
    owners: tuple[str, ...]
    #: By how much less gets through because of it, the rest of the plan as it is, by
    #: the agency whose roads the evaders travel when nothing is placed; an evader
    #: counts in equal parts for all of whom he passes an option, and under the empty
    #: name where he passes none.
    gains: Mapping[str, float]

    @property
    def total(self) -> float:
        """What it brings in all."""
        return sum(self.gains.values())


@dataclass(frozen=True, slots=True)
class AgencyGain:
    """What all placements of an agency, or all joint ones of the same agencies, bring
    together; fields as of `SiteGain`.
    """

    owners: tuple[str, ...]
    placements: int
    gains: Mapping[str, float]

    @property
    def total(self) -> float:
        """What they bring in all."""
        return sum(self.gains.values())


def site_gains(instance: Instance, plan: Plan) -> tuple[SiteGain, ...]:
    """Return what each placement of a plan brings to each agency, the largest first."""
    whole = with_plan(instance, plan)
    groups = [((placement.id,), placement) for placement in plan.placements]
    falls = _falls(whole, plan, [ids for ids, _ in groups])
    gains = []
    for (_, placement), by_agency in zip(groups, falls, strict=True):
        owners = sorted(owners_of(whole, placement.uses, placement.agency))
        gains.append(
            SiteGain(
                placement,
                tuple(owners),
                {name: each for name, each in by_agency.items() if each > 0},
            )
        )
    return tuple(sorted(gains, key=lambda each: -each.total))


def agency_gains(instance: Instance, plan: Plan) -> tuple[AgencyGain, ...]:
    """Return what the placements of each agency, and the joint ones of several, bring
    to each agency; the largest first.
    """
    whole = with_plan(instance, plan)
    groups: dict[tuple[str, ...], list[str]] = {}
    for placement in plan.placements:
        owners = tuple(sorted(owners_of(whole, placement.uses, placement.agency)))
        groups.setdefault(owners, []).append(placement.id)
    falls = _falls(whole, plan, list(groups.values()))
    gains = [
        AgencyGain(owners, len(ids), by_agency)
        for (owners, ids), by_agency in zip(groups.items(), falls, strict=True)
    ]
    return tuple(sorted(gains, key=lambda each: -each.total))


def _falls(whole: Instance, plan: Plan, groups: Sequence[Sequence[str]]) -> list[dict[str, float]]:
    """Return by how much less gets through because of each group of placements, by the
    agency whose roads the evaders travel.
    """
    placed = whole.placed(plan.options)
    values = evader_values(whole, placed)
    weights = np.array([evader.weight for evader in whole.evaders])
    passed = _shares_of_agencies(whole)
    found = []
    for ids in groups:
        without = placed.copy()
        without[[whole.option_index[name] for name in ids]] = False
        fall = weights * (evader_values(whole, without) - values)
        found.append({name: float(fall @ share) for name, share in passed.items()})
    return found


def _shares_of_agencies(instance: Instance) -> dict[str, np.ndarray]:
    """Return for each agency the (evaders,) part of each evader that counts for it."""
    roads: dict[str, set[int]] = {}
    for option in instance.options:
        for name in owners_of(instance, option.uses, option.agency):
            roads.setdefault(name, set()).update(option.arcs)
    responses = evaluate(instance, ()).evaders
    met = [
        [
            name
            for name, arcs in roads.items()
            if not arcs.isdisjoint(_travelled(instance, k, response.arcs))
        ]
        for k, response in enumerate(responses)
    ]
    return {
        name: np.array(
            [(name in each or (not name and not each)) / max(len(each), 1) for each in met]
        )
        for name in [*roads, ""]
    }


def _travelled(instance: Instance, k: int, arcs: tuple[int, ...]) -> set[int]:
    routes = instance.evaders[k].routes
    return {arc for route in routes for arc in route.arcs} if routes else set(arcs)
