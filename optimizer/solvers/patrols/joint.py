"""Checkpoints and beats in one plan, under shared resources, with two gaps: within the beats made, and against every beat there is.

0. The fixed options alone are placed for a share of the time: a plan with beats should not be worse.
1. Column generation (`column_generation`) proves a bound over all beats and makes those that its linear program asks for.
2. A dive, with beats priced on the way, makes a plan (`optimizer.solvers.patrols.branch_and_price`).
3. The placement problem over fixed options and the beats of least reduced cost is solved from there (`optimizer.solvers.solve`): its bound
   holds for plans of these beats. A better plan than the dive's holds no beat whose reduced cost exceeds the gap; where all others can be
   listed, they are the pool, and its bound holds for all beats. Otherwise the time that is left goes to the bound over all beats, by splitting
   the space of plans.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.errors import InfeasibleError, ProblemList
from optimizer.base.listener import SILENT, step
from optimizer.problem.options import Resource
from optimizer.problem.plan import violations
from optimizer.problem.result import PROVEN, relative_gap
from optimizer.problem.teams import team_resource
from optimizer.solvers.patrols.branch_and_price import JointTree
from optimizer.solvers.patrols.column_generation import Generation
from optimizer.solvers.solve import check_arguments, solve

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from optimizer.base.listener import Listener
    from optimizer.problem.instance import Instance
    from optimizer.problem.placements import Beat
    from optimizer.problem.result import Result
    from optimizer.problem.teams import PatrolField

ALONE, GENERATING, DIVING = 0.25, 0.45, 0.55
"""Shares of the time after which the fixed options alone, the bounds over all beats, and the dive must end."""
LONGEST_ALONE = 60.0
"""Most seconds for the fixed options alone."""
LISTED = 40
"""Most beats of which all are listed."""
COPIES = 400
"""Most options that they are in the placement problem, one for each team that could drive each."""
POOL = 120
"""Most beats in the placement problem beside those of the plan it begins from: those of least reduced cost."""


@dataclass(frozen=True)
class Joint:
    """A plan of fixed options and beats.

    Attributes
    ----------
    patrols
        What teams could do.
    instance
        The placement problem: fixed options first, then the beats of the pool.
    beats
        Those of the pool, by option id; one that several teams could drive is there once for each.
    result
        Plan and bounds within the pool; its status is `optimal` only where the plan is, among all beats, to within the gap asked for.
    lower_all
        Proven: no plan with any beats is worth less.
    exact
        Whether pricing was solved to proof for it; else the bound allows for what pricing left open.
    statistics
        Beats made, linear programs, pricing problems solved to proof and their median seconds.
    """

    patrols: PatrolField
    instance: Instance
    beats: Mapping[str, Beat]
    result: Result
    lower_all: float
    exact: bool
    statistics: Mapping[str, float]

    @property
    def gap_all(self) -> float | None:
        """Relative gap of the plan against every beat there is."""
        return relative_gap(self.lower_all, self.result.upper)

    @cached_property
    def chosen(self) -> Mapping[str, Beat]:
        """The beats of the plan, by option id."""
        placed = set(self.result.plan.options if self.result.plan else ())
        return {name: beat for name, beat in self.beats.items() if name in placed}

    @cached_property
    def planned(self) -> Instance:
        """The instance with the plan's own beats alone behind the fixed options."""
        kept = tuple(o for o in self.instance.options if o.id not in self.beats or o.id in self.chosen)
        return replace(self.instance, options=kept)


def solve_joint(
    instance: Instance,
    field: PatrolField,
    *,
    method: str = "auto",
    gap: float = 1e-4,
    time_limit: float | None = None,
    seed: int = 0,
    listener: Listener = SILENT,
) -> Joint:
    """Place fixed options and beats so that as little as possible gets through.

    Ctrl-C ends the step under way (fixed options alone, bounds over all beats, placement) and goes on to the next with the best plan so far.

    Parameters
    ----------
    instance
        Fixed options, and resources; teams are added to them.
    field
        What teams could do.
    method, gap, time_limit, seed, listener
        As in `optimizer.solvers.solve.solve`; the time is shared.

    Raises
    ------
    InputError, InfeasibleError, SolverError
        As in `solve`.
    """
    check_arguments(method, gap, time_limit, seed)
    started = time.monotonic()
    instance = with_teams(instance, field)
    if broken := violations(instance, instance.forced):
        raise InfeasibleError(
            "No plan is feasible: " + "; ".join(broken) + ". Raise the budget or force fewer options."
        )

    def end(share: float) -> float:
        return np.inf if time_limit is None else started + share * time_limit

    with step(listener, "placing fixed options alone"):
        alone = _alone(instance, gap, None if time_limit is None else ALONE * time_limit, seed)
    generation = Generation(instance, field, until=end(GENERATING), seed=seed)
    tree = JointTree(generation, gap=gap, listener=listener)
    with contextlib.suppress(KeyboardInterrupt), step(listener, "making beats"):
        tree.cut_root()
        generation.until = end(DIVING)
        _dive(tree)
    complete = False
    with contextlib.suppress(KeyboardInterrupt):
        complete = _completed(tree)
    pool, driven = _pool(tree, complete=complete)
    whole = with_beats(instance, pool)
    left = None if time_limit is None else max(started + time_limit - time.monotonic(), 0.05)
    result = solve(
        whole,
        method=method,
        gap=gap,
        time_limit=left,
        seed=seed,
        listener=listener,
        overlay=None if method == "compact" else generation.overlay_of(whole, pool),
        proven=tree.lower,
        starts=(np.concatenate((tree.placed, driven)), np.concatenate((alone, np.zeros_like(driven)))),
    )
    if not complete and result.upper is not None and result.limit is None:  # time is left for the bound over all beats
        generation.until, tree.upper = end(1.0), result.upper
        with contextlib.suppress(KeyboardInterrupt), step(listener, "bounding over all beats"):
            tree.branch()
    return _joint(tree, whole, pool, result, started, complete=complete, gap=gap)


def _dive(tree: JointTree) -> None:
    """Make a plan of both kinds, and one of patrols alone: the first may have spent all on fixed options."""
    everything = tree.generation.everything
    tree.dive(everything)
    if everything.ones.size and not tree.generation.out_of_time:
        tree.dive(replace(everything, zeros=~everything.ones))


def _alone(instance: Instance, gap: float, seconds: float | None, seed: int) -> NDArray[np.bool_]:
    """Return a good mask of the fixed options when there are no beats."""
    if not instance.options:
        return np.zeros(0, dtype=bool)
    longest = LONGEST_ALONE if seconds is None else min(seconds, LONGEST_ALONE)
    plan = solve(instance, gap=gap, time_limit=longest, seed=seed).plan
    return instance.forced if plan is None else instance.placed(plan.options)


def with_teams(instance: Instance, field: PatrolField) -> Instance:
    """Return the instance with the teams of each type among its resources.

    Raises
    ------
    InputError
        If it has a resource of that name which is not the number of these teams: bounds and beats go by that number.
    """
    known = {resource.id: resource.budget for resource in instance.resources}
    problems = ProblemList()
    for team in field.teams:
        if known.get(name := team_resource(team.id), team.number) != team.number:
            found = f"a budget of {known[name]:g} where there are {team.number} teams"
            problems.add(
                f"resource {name!r}", found, "another name, or the number of teams", "Rename the resource or the teams"
            )
    problems.raise_if_any()
    teams = [
        Resource(team_resource(team.id), float(team.number), team.agency, "teams a shift")
        for team in field.teams
        if team_resource(team.id) not in known
    ]
    return replace(instance, resources=(*instance.resources, *teams))


def with_beats(instance: Instance, beats: Sequence[Beat]) -> Instance:
    """Return the instance with beats behind its options."""
    return replace(instance, options=(*instance.options, *(beat.option for beat in beats)))


def _completed(tree: JointTree) -> bool:
    """Make every beat that a better plan could hold, where they are few; return whether they are."""
    if tree.proof is None:
        return False
    # the tree's own bound may come from elsewhere, and these prices prove nothing about that one
    relaxed, bound = tree.proof
    generation = tree.generation
    listed = generation.add_all(relaxed, tree.upper - bound, LISTED)
    return listed and sum(generation.most_teams[beat.patrol] for beat in generation.beats) <= COPIES


def _pool(tree: JointTree, *, complete: bool) -> tuple[list[Beat], NDArray[np.bool_]]:
    """Return beats for the placement problem, and which of them the best plan so far drives, as often as it does.

    Those of the plan come first, with one to spare where there are teams for it; all come as often as there are teams where the pool is to be
    complete.
    """
    generation = tree.generation
    number = np.pad(tree.number, (0, len(generation.beats) - tree.number.size))
    reduced = np.zeros(number.size) if tree.proof is None else generation.reduced_at(tree.proof[0])
    order = np.argsort(np.where(number > 0, -np.inf, reduced), kind="stable")
    in_plan = int((number > 0).sum())
    pool: list[Beat] = []
    driven: list[bool] = []
    for rank, b in enumerate(order[: None if complete else in_plan + POOL].tolist()):
        beat = generation.beats[b]
        teams = generation.most_teams[beat.patrol]
        copies = teams if complete else min(teams, number[b] + 1) if rank < in_plan else 1
        for copy in range(copies):
            name = beat.option.id + (f" ({copy + 1})" if copy else "")
            pool.append(replace(beat, option=replace(beat.option, id=name)))
            driven.append(copy < number[b])
    return pool, np.array(driven, dtype=bool)


def _joint(
    tree: JointTree,
    whole: Instance,
    pool: Sequence[Beat],
    result: Result,
    started: float,
    *,
    complete: bool,
    gap: float,
) -> Joint:
    generation = tree.generation
    upper = np.inf if result.upper is None else result.upper
    lower = max(result.lower or 0.0, min(tree.lower, upper))
    lower_all = lower if complete else min(tree.lower, upper)
    seconds = generation.pricing_seconds
    statistics = {
        "beats": float(len(generation.beats)),
        "beat_programs": float(generation.rounds),
        "pricings": float(len(seconds)),
        "pricing_median_seconds": float(np.median(seconds)) if seconds else 0.0,
        "pricing_largest_seconds": max(seconds, default=0.0),
    }
    closed = (relative_gap(lower_all, result.upper) or 0.0) <= max(gap, PROVEN)
    result = replace(
        result,
        status="optimal" if closed else "feasible",
        lower=lower,
        seconds=time.monotonic() - started,
        statistics=dict(result.statistics) | statistics,
    )
    beats = {beat.option.id: beat for beat in pool}
    return Joint(generation.patrols, whole, beats, result, lower_all, tree.exact, statistics)
