"""Checkpoints and beats in one plan, under shared resources, with two bounds: within
the beats weighed, and over every beat there is.

1. Fixed options are placed greedily, so that an interrupt finds a plan from the first
   second on.
2. Column generation (`column_generation`) proves a bound over all beats and makes those
   of negative reduced cost.
3. A dive, with beats priced on the way, makes a plan
   (`optimizer.solvers.patrols.branch_and_price`). A plan that another process makes
   meanwhile is awaited in place of it.
4. Exact steps improve the best plan (`exact_steps`): fixed options beside its beats, and
   beats beside those options, in turn. Where a plan was awaited, another process makes
   them beside step 5.
5. A tree over fixed options, whose bounds hold with any beats beside them
   (`beat_tree`), raises the bound over all beats.
6. The placement problem over fixed options and the beats of least reduced cost is
   solved from these plans (`optimizer.solvers.solve`): its bound holds for plans of
   these beats. A better plan than the best so far holds no beat whose reduced cost
   exceeds the gap; where all others can be listed, they are the pool, and its bound
   holds for all beats. Otherwise the time that is left, if any, is spent on the bound
   over all beats, by branch and price.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from optimizer.base.work.listener import (
    SILENT,
    ForwardingListener,
    Listener,
    OnlyCancels,
    Stopping,
    step,
)
from optimizer.base.work.work_clock import work_seconds
from optimizer.problem.instance.instance import Instance
from optimizer.problem.plan.plan import (
    Beat,
    Plan,
    known_options,
    with_beats,
    with_teams,
)
from optimizer.problem.plan.result import Result, relative_gap, tolerance_of
from optimizer.solvers.branch_and_cut.improve.feasible_start import feasible_start, plan_made_to_fit
from optimizer.solvers.params import SolveOptions
from optimizer.solvers.patrols.beat_pool import ban, beat_pool, begin_from, with_tours
from optimizer.solvers.patrols.beat_tree import bound_beside_any_beats
from optimizer.solvers.patrols.branch_and_price import BranchAndPrice
from optimizer.solvers.patrols.column_generation import ColumnGeneration, note_times
from optimizer.solvers.patrols.exact_steps import ExactSteps
from optimizer.solvers.place import check_options, limited_as_asked, place

GREEDY = 0.02
"""Share of the time after which the greedy plan must end; others are in `PatrolParams`."""

LEAST_DIVE = 0.07
"""Share of the time left that a dive has at least, where steps before took longer than
theirs.
"""

LEAST_IMPROVING = 0.2
"""The same of exact steps around the best plan."""

COPIES = 400
"""Most options of the placement problem that they become, one for each team that could
drive each.
"""


def solve_joint(
    instance: Instance,
    options: SolveOptions = SolveOptions(),
    *,
    listener: Listener = SILENT,
    starts: Sequence[Plan] = (),
    awaited: Callable[[], Sequence[Plan]] | None = None,
    proven: float = 0.0,
    banned: Sequence[Beat] = (),
) -> Result:
    """Place fixed options and beats so that as little as possible gets through.

    Ctrl-C ends the search, whatever step is under way, and returns the best plan so far
    with its bounds; one before there is any plan raises KeyboardInterrupt.

    Parameters
    ----------
    instance
        Fixed options, patrol teams, and resources; the teams are added to them.
    options, listener
        As in `optimizer.solvers.solve.solve`; the time is shared, and what kernels take
        to compile does not count towards it.
    starts
        Plans to begin from: their beats are among the first columns, and their options
        and beats together the plans to beat. What the instance does not have, or has no
        room for, is left out.
    awaited
        Returns more of them, which another process makes meanwhile; it is asked once,
        when beats have been made here and a gap is left, and may wait. They stand for
        the dives of the root, and this process searches alone until they are there.
    proven
        A lower bound of the optimal value, over all beats, that is known already.
    banned
        Beats whose tours no plan may have.

    Raises
    ------
    InputError, InfeasibleError, SolverError
        As in `solve`.
    """
    check_options(options)
    params, time_limit = options.params.patrols, options.time_limit
    clock = _Clock(time_limit)
    instance = with_teams(instance)
    if instance.patrols is None:
        raise ValueError("an instance without patrol teams")
    starts = [plan_made_to_fit(instance, plan) for plan in starts]
    fixed_starts = [instance.placed(known_options(instance, plan)) for plan in starts]

    whole_bounds = _WholeBounds(listener)
    with limited_as_asked(options), Stopping(whole_bounds) as stopping:

        def make_beats() -> None:
            with step(stopping, "making beats"):
                tree.cut_root(clock.end(params.generating))
                if awaited is None:
                    _dive(tree, clock.end(params.diving, LEAST_DIVE))

        def bound_over_all() -> None:
            with step(stopping, "bounding over all beats"):
                tree.branch(clock.end(1.0), result.upper or np.inf)

        # Every step below may be cut short, by the clock or by Ctrl-C (`attempt`), so
        # the order is that of what a planner needs first: a plan, then beats worth
        # having, then the best of both together, and last the bound over the beats that
        # were not made.
        alone = _first_plan(instance, fixed_starts, options, stopping)
        generation = ColumnGeneration(instance, instance.patrols, seed=options.seed)
        tree = BranchAndPrice(generation, gap=options.gap, listener=stopping, params=params)
        ban(generation, banned)
        note_times(instance.patrols, stopping)
        tree.offer(alone, np.empty(0, dtype=np.int64))  # a value to beat, with no beat yet
        begin_from(tree, starts)
        tree.prove(proven)
        stopping.attempt(make_beats)
        # Where the beats that can be in an optimal plan are few, all are listed: then
        # the placement problem is the whole problem, and its bound that over all beats.
        complete = not stopping.stopped and bool(
            stopping.attempt(lambda: _completed(tree, params.listed))
        )
        if awaited is not None and tree.lower < tree.cutoff and not stopping.stopped:
            fixed_starts += _awaited_starts(tree, awaited, stopping)
        free = any(not (option.forced or option.forbidden) for option in instance.options)
        if free and tree.lower < tree.cutoff and not (complete or stopping.stopped):
            aside = awaited is not None
            _improve_and_bound(tree, options, alone, clock, stopping, banned, aside=aside)
        pool = beat_pool(tree, params.most_beats, complete=complete)
        whole = with_beats(instance, pool.beats)
        whole_bounds.over_all_beats = complete
        left = None if time_limit is None else max(clock.end(1.0) - work_seconds(), 0.05)
        # The beats at hand become options, and one placement problem chooses among
        # both. It has the bounds of branch and cut, which are stronger than those of
        # columns; but they hold for these beats alone, hence `tree.lower` beside them.
        result = place(
            whole,
            replace(options, time_limit=left),
            began=clock.started,
            listener=stopping,
            overlay=generation.overlay_of(whole, pool.beats),
            proven=tree.lower,
            greedy_known=True,
            starts=(
                np.concatenate((tree.placed, pool.driven)),
                *(
                    np.concatenate((fixed, np.zeros_like(pool.driven)))
                    for fixed in (alone, *fixed_starts)
                ),
            ),
        )
        whole_bounds.over_all_beats = True
        if (
            not complete and result.upper is not None and result.limit is None
        ):  # time is left for the bound over all beats
            stopping.attempt(bound_over_all)
        if stopping.stopped:
            result = replace(result, limit="interrupted")
        return _over_all_beats(
            tree, pool.beats, result, clock.seconds, complete=complete, gap=options.gap
        )


class _WholeBounds(ForwardingListener):
    """Tells another listener the best bounds so far over all beats, whichever step has
    them, and each note once: several steps contract the same network.

    Attributes
    ----------
    over_all_beats
        Whether lower bounds that come hold for all beats: those of the placement
        problem hold for the beats at hand.
    """

    def __init__(self, listener: Listener) -> None:
        super().__init__(listener)
        self.over_all_beats = True
        self._lower, self._upper = 0.0, np.inf
        self._noted: set[str] = set()

    def noted(self, sentence: str) -> None:
        """Tell what was not told before."""
        if sentence not in self._noted:
            self._noted.add(sentence)
            super().noted(sentence)

    def bounds_moved(self, lower: float, upper: float) -> None:
        """Tell the better ones of these and those before."""
        self._lower, self._upper = (
            max(self._lower, lower if self.over_all_beats else 0.0),
            min(self._upper, upper),
        )
        super().bounds_moved(self._lower, self._upper)


class _Clock:
    """The time of a search, by the clock of work.

    Parameters
    ----------
    limit
        Seconds, if there is a limit.

    Attributes
    ----------
    started
        `work_seconds()` when it began.
    """

    def __init__(self, limit: float | None) -> None:
        self.started = work_seconds()
        self._limit = limit
        self._machine_started = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since then by the clock of the machine."""
        return time.monotonic() - self._machine_started

    def end(self, share: float, least: float = 0.0) -> float:
        """Return when a step must end: after its share of the time, or of what is left
        now where earlier steps took longer than theirs.
        """
        if self._limit is None:
            return np.inf
        now = work_seconds()
        return max(
            self.started + share * self._limit, now + least * (self.started + self._limit - now)
        )


def _first_plan(
    instance: Instance,
    starts: Sequence[NDArray[np.bool_]],
    options: SolveOptions,
    stopping: Stopping,
) -> NDArray[np.bool_]:
    """Return the (options,) mask of a greedy plan without beats, or of a better one to
    begin from, after a local search.

    Raises
    ------
    KeyboardInterrupt
        If it comes before there is any plan.
    """
    seconds = None if options.time_limit is None else GREEDY * options.time_limit
    greedily = replace(options, method="greedy", time_limit=seconds, threads=None, scheduler=None)
    with step(stopping, "placing fixed options greedily", stoppable=False):
        found = place(instance, greedily, listener=OnlyCancels(stopping, notes=True), starts=starts)
    return feasible_start(instance) if found.plan is None else instance.placed(found.plan.options)


def _dive(tree: BranchAndPrice, until: float) -> None:
    """Make a plan of both kinds, and one of patrols alone: the first may have spent all
    on fixed options.
    """
    root = tree.generation.root
    tree.dive(root, until)
    if root.ones.size and work_seconds() < until:
        tree.dive(replace(root, zeros=~root.ones), until)


def _improve_and_bound(
    tree: BranchAndPrice,
    options: SolveOptions,
    alone: NDArray[np.bool_],
    clock: _Clock,
    stopping: Stopping,
    banned: Sequence[Beat],
    *,
    aside: bool,
) -> None:
    """Improve the best plan by exact steps and bound all plans with any beats: one
    after the other, or the first in another process.
    """
    params = options.params.patrols
    steps_end = clock.end(params.bounding if aside else params.improving, LEAST_IMPROVING)

    def bound() -> None:
        until = clock.end(params.bounding)
        bound_beside_any_beats(tree, options, alone, began=clock.started, until=until)

    with ExactSteps(tree, options, steps_end, stopping, banned=banned, aside=aside) as improving:
        if params.bounding > params.improving and not stopping.stopped:
            stopping.attempt(bound)
        improving.take()


def _awaited_starts(
    tree: BranchAndPrice, awaited: Callable[[], Sequence[Plan]], stopping: Stopping
) -> list[NDArray[np.bool_]]:
    """Begin from plans that another process has made, once it has; return the
    (options,) masks of their fixed options.
    """
    instance = tree.generation.instance

    def asked() -> Sequence[Plan]:
        with step(stopping, "waiting for the plan of another process"):
            return awaited()

    plans = [plan_made_to_fit(instance, plan) for plan in stopping.attempt(asked) or ()]
    begin_from(tree, plans)
    return [instance.placed(known_options(instance, plan)) for plan in plans]


def _completed(tree: BranchAndPrice, most: int) -> bool:
    """Make every beat that a better plan could hold, where they are at most so many;
    return whether they are.
    """
    if tree.proof is None:
        return False
    # these duals prove the bound of the proof, not `tree.lower`, which may come from
    # elsewhere
    generation = tree.generation
    listed = generation.add_all(tree.proof.relaxed, tree.upper - tree.proof.bound, most)
    return listed and sum(generation.most_teams[beat.patrol] for beat in generation.beats) <= COPIES


def _over_all_beats(
    tree: BranchAndPrice,
    pool: Sequence[Beat],
    result: Result,
    so_far: float,
    *,
    complete: bool,
    gap: float,
) -> Result:
    """Return the outcome over the beats of a pool as an outcome over all beats."""
    generation = tree.generation
    upper = np.inf if result.upper is None else result.upper
    weighed_lower = max(result.lower or 0.0, min(tree.lower, upper))
    lower = weighed_lower if complete else min(tree.lower, upper)
    seconds = generation.pricing_seconds
    statistics = {
        "beats": float(len(generation.beats)),
        "beat_programs": float(generation.rounds),
        "pricings": float(len(seconds)),
        "pricing_median_seconds": float(np.median(seconds)) if seconds else 0.0,
        "pricing_largest_seconds": max(seconds, default=0.0),
    }
    closed = (relative_gap(lower, result.upper) or 0.0) <= tolerance_of(gap)
    return replace(
        result,
        status="optimal" if closed else "feasible",
        plan=None if result.plan is None else with_tours(result.plan, pool),
        lower=lower,
        seconds=so_far,
        statistics=dict(result.statistics) | statistics,
        weighed=len({(beat.patrol, beat.posts, beat.slots) for beat in pool}),
        weighed_lower=weighed_lower,
        pricing_proven=tree.exact,
    )
