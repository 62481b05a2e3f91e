"""Checkpoints and beats in one plan, under shared resources, with two bounds: within
the beats weighed, and over every beat there is.

1. Fixed options are placed greedily, so that an interrupt finds a plan from the first
   second on.
2. Column generation (`column_generation`) proves a bound over all beats and makes those
   of negative reduced cost.
3. A dive, with beats priced on the way, makes a plan
   (`optimizer.solvers.patrols.branch_and_price`), where none is awaited.
4. Fixed options are placed alone, by all processes that have nothing else: a plan with
   beats should not be worse. Another dive makes beats beside that plan. A plan that
   another process makes meanwhile is awaited then.
5. A local search around the best plan swaps its options and beats for others: where a
   plan was awaited in another process, beside step 6.
6. A tree over fixed options, whose bounds hold with any beats beside them
   (`beat_tree`), raises the bound over all beats.
7. The placement problem over fixed options and the beats of least reduced cost is
   solved from these plans (`optimizer.solvers.solve`): its bound holds for plans of
   these beats. A better plan than the dive's holds no beat whose reduced cost exceeds
   the gap; where all others can be listed, they are the pool, and its bound holds for
   all beats. Otherwise the time that is left, if any, is spent on the bound over all
   beats, by branch and price.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np

from optimizer.base.errors import SolverError
from optimizer.base.work.aside import Aside
from optimizer.base.work.kernels import ready
from optimizer.base.work.listener import SILENT, ForwardingListener, OnlyCancels, Stopping, step
from optimizer.base.work.work_clock import limited, machine_seconds_left, work_seconds
from optimizer.problem.instance.options import BUDGET_TOLERANCE
from optimizer.problem.plan.plan import (
    Plan,
    known_options,
    make_beat,
    with_beats,
    with_teams,
    within_limits,
)
from optimizer.problem.plan.result import relative_gap, tolerance_of
from optimizer.solvers.branch_and_cut.paths.commodities import Commodities
from optimizer.solvers.branch_and_cut.paths.path_pool import PathPool, PooledValues
from optimizer.solvers.params import SolveOptions
from optimizer.solvers.patrols.beat_tree import FixedOptions
from optimizer.solvers.patrols.branch_and_price import BranchAndPrice
from optimizer.solvers.patrols.column_generation import ColumnGeneration, note_times
from optimizer.solvers.patrols.tours.tour import Tour
from optimizer.solvers.place import check_options, limited_as_asked, place
from optimizer.solvers.search.feasible_start import feasible_start, plan_made_to_fit
from optimizer.solvers.search.kernel_modules import SEARCH
from optimizer.solvers.search.local_search import local_search

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from optimizer.base.work.listener import Listener
    from optimizer.problem.instance.instance import Instance
    from optimizer.problem.instance.teams import PatrolField, Post
    from optimizer.problem.plan.plan import Beat, Placement
    from optimizer.problem.plan.result import Result
    from optimizer.solvers.overlay.overlay import Overlay

GREEDY, ENOUGH = 0.02, 0.2
"""Shares of the time after which the greedy plan, and branching in the search for fixed
options, must end; others are in `PatrolParams`.
"""

LEAST_DIVE, LEAST_FIXED, SWAPPING = 0.07, 0.3, 0.16
"""Shares of the time left that a dive and such a search have at least, where steps
before took longer than theirs, and that swaps have.
"""

SWAPPING_ASIDE = 0.3
"""The same of swaps in a process of their own."""

LESS = 0.9
"""Share of the seconds left by the clock of the machine that these have, as the start
of their process takes some.
"""


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
        fixed = FixedOptions(tree, replace(options, method="auto"), clock.started)
        if instance.options and not stopping.stopped:
            here = fixed if awaited is None else fixed.in_this_process()
            alone = _fixed_options(here, alone, fixed_starts, clock, stopping)
        if awaited is not None and tree.lower < tree.cutoff and not stopping.stopped:
            fixed_starts += _awaited_starts(tree, awaited, stopping)
        bounding = (
            instance.options and params.bounding > params.diving_again and tree.lower < tree.cutoff
        )
        if bounding and not (complete or stopping.stopped):
            _bound_and_swap(fixed, alone, clock, stopping, aside=awaited is not None)
        pool = _pool(tree, params.most_beats, complete=complete)
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
        self.started, self._limit, self._machine_started = work_seconds(), limit, time.monotonic()

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


def _fixed_options(
    fixed: FixedOptions,
    alone: NDArray[np.bool_],
    starts: Sequence[NDArray[np.bool_]],
    clock: _Clock,
    stopping: Stopping,
) -> NDArray[np.bool_]:
    """Return the best (options,) mask without beats that a search finds, else `alone`;
    make a plan of some of its options, and beats.
    """
    params = fixed.options.params.patrols
    found = stopping.attempt(
        lambda: fixed.alone(clock.end(ENOUGH), clock.end(params.fixed, LEAST_FIXED), starts)
    )
    alone = alone if found is None else found  # None: Ctrl-C came before it had a plan of its own
    if not stopping.stopped:
        stopping.attempt(lambda: _with_beats_beside(fixed, alone, clock))
    return alone


def _with_beats_beside(fixed: FixedOptions, alone: NDArray[np.bool_], clock: _Clock) -> None:
    """Make a plan of some of the fixed options of a plan without beats, and beats."""
    tree, share = fixed.tree, fixed.options.params.patrols.diving_again
    with step(tree.listener, "making beats beside fixed options"):
        if alone.any():
            tree.dive(replace(tree.generation.root, zeros=~alone), clock.end(share, LEAST_DIVE))


def _bound_and_swap(
    fixed: FixedOptions, alone: NDArray[np.bool_], clock: _Clock, stopping: Stopping, *, aside: bool
) -> None:
    """Bound all plans with any beats, and swap options and beats of the best plan:
    before, or meanwhile in another process.
    """
    share = SWAPPING_ASIDE if aside else SWAPPING
    with SwapSearch(fixed.tree, clock.end(0.0, share), stopping, aside=aside) as swaps:
        if not stopping.stopped:
            stopping.attempt(
                lambda: fixed.bound(clock.end(fixed.options.params.patrols.bounding), alone)
            )
        swaps.take()


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


class SwapSearch:
    """A search around the best plan, whose options and beats give way to others; a
    better value ends nodes of the tree sooner.

    All beats made are tried: those of dives have large reduced costs at the root, and
    better plans hold some of them.

    Parameters
    ----------
    tree
        The search over beats; its listener is told of the step.
    until
        `work_seconds()` at which it ends.
    stopping
        Of the whole search.
    aside
        Whether another process makes it, until the plan is taken; else, or where none
        can be started, it is made at once.
    """

    def __init__(
        self, tree: BranchAndPrice, until: float, stopping: Stopping, *, aside: bool
    ) -> None:
        generation = tree.generation
        self._tree, self._stopping = tree, stopping
        self._pool = _pool(tree, len(generation.beats), complete=False)
        whole = with_beats(generation.instance, self._pool.beats)
        start = np.concatenate((tree.placed, self._pool.driven))
        arguments = (
            whole,
            generation.overlay_of(whole, self._pool.beats),
            start,
            until - work_seconds(),
        )
        self._aside: Aside | None = None
        if aside:
            try:
                self._aside = Aside(swapped, *arguments, LESS * machine_seconds_left())
            except SolverError as error:
                stopping.noted(
                    f"Fixed options and beats are swapped before the bound over all beats: {error}"
                )
        if self._aside is None:
            self._offer(lambda: swapped(*arguments, listener=OnlyCancels(stopping)))

    def __enter__(self) -> Self:
        """Return this."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the other process."""
        if self._aside is not None:
            self._aside.end()

    def take(self) -> None:
        """Offer the plan that another process has found, once it has; where the process
        is lost the search goes on without it.
        """
        aside, tree = self._aside, self._tree
        if aside is not None and tree.lower < tree.cutoff and not self._stopping.stopped:
            try:
                self._offer(lambda: aside.result(self._stopping))
            except SolverError as error:
                self._stopping.noted(
                    f"The swaps of fixed options and beats failed ({error}): the search goes on"
                    " without them."
                )

    def _offer(self, made: Callable[[], NDArray[np.bool_]]) -> None:
        """Offer the plan of a mask that is made."""

        def offered() -> None:
            with step(self._stopping, "swapping fixed options and beats"):
                placed, fixed = made(), self._tree.placed.size
            driven = self._pool.made[placed[fixed:]]
            self._tree.offer(
                placed[:fixed], np.bincount(driven, minlength=len(self._tree.generation.beats))
            )

        self._stopping.attempt(offered)


def swapped(
    whole: Instance,
    overlay: Overlay,
    start: NDArray[np.bool_],
    seconds: float,
    machine_seconds: float = np.inf,
    listener: Listener = SILENT,
) -> NDArray[np.bool_]:
    """Return the mask that a local search of so many seconds finds around another one,
    of options and beats.

    In another process it ends as well when so many seconds by the clock of the machine
    are over, since its start.
    """
    ready(SEARCH, whole.tail.size * len(whole.evaders))
    with limited(None if np.isinf(machine_seconds) else machine_seconds, seconds):
        until = work_seconds() + seconds
        commodities = Commodities.of(overlay)
        pooled = PooledValues(commodities, PathPool(overlay, commodities.searches))
        return local_search(whole, overlay, pooled, start, until=until, listener=listener)


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


@dataclass(frozen=True)
class BeatPool:
    """Beats of the placement problem, their (beats,) positions in column generation,
    and the mask of those that the best plan so far drives.
    """

    beats: tuple[Beat, ...]
    made: NDArray[np.int64]
    driven: NDArray[np.bool_]


def _pool(tree: BranchAndPrice, most: int, *, complete: bool) -> BeatPool:
    """Return beats for the placement problem, and which of them the best plan so far
    drives, as often as it does.

    Those of the plan come first, with one to spare where there are teams for it, then
    so many others. All come as often as there are teams where the pool is to be
    complete.
    """
    generation = tree.generation
    number = np.pad(tree.number, (0, len(generation.beats) - tree.number.size))
    reduced = (
        np.zeros(number.size) if tree.proof is None else generation.reduced_at(tree.proof.relaxed)
    )
    order = np.argsort(np.where(number > 0, -np.inf, reduced), kind="stable")
    in_plan = int((number > 0).sum())
    beats: list[Beat] = []
    made: list[int] = []
    driven: list[bool] = []
    for rank, b in enumerate(order[: None if complete else in_plan + most].tolist()):
        beat = generation.beats[b]
        teams = generation.most_teams[beat.patrol]
        copies = teams if complete else min(teams, number[b] + 1) if rank < in_plan else 1
        for copy in range(copies):
            name = beat.option.id + (f" ({copy + 1})" if copy else "")
            beats.append(replace(beat, option=replace(beat.option, id=name)))
            made.append(b)
            driven.append(copy < number[b])
    return BeatPool(tuple(beats), np.array(made, dtype=np.int64), np.array(driven, dtype=bool))


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


def with_tours(plan: Plan, pool: Sequence[Beat]) -> Plan:
    """Return a plan over the options of a pool with the beats themselves."""
    beats: dict[str, Placement] = {beat.id: beat for beat in pool}
    return Plan(tuple(beats.get(placement.id, placement) for placement in plan.placements))


@dataclass(frozen=True, slots=True)
class GivenTour:
    """A tour of a team type at a base, by its position in the patrols."""

    patrol: int
    tour: Tour


def given_tour(field: PatrolField, beat: Beat) -> GivenTour | None:
    """Return the tour of a beat, of this patrol field or another, by the ids of team
    and base and its posts; None where it cannot be driven.
    """
    for q, patrol in enumerate(field.patrols):
        if (patrol.team.id, patrol.base.id) != (beat.team.id, beat.base.id):
            continue
        place = {
            _post(field.posts[k]): number for number, k in enumerate(patrol.posts.tolist(), start=1)
        }
        posts = tuple(place.get(_post(stop.post), 0) for stop in beat.stops)
        if 0 in posts:
            return None
        try:
            make_beat(field, q, posts, beat.slots, beat.id)
        except ValueError:
            return None
        return GivenTour(q, Tour(posts, beat.slots))
    return None


def ban(generation: ColumnGeneration, beats: Sequence[Beat]) -> None:
    """Keep the tours of some beats out of the columns; bounds stay those over all
    beats, which hold for fewer.
    """
    for beat in beats:
        if (given := given_tour(generation.patrols, beat)) is not None:
            generation.ban(given.patrol, given.tour)


def begin_from(tree: BranchAndPrice, plans: Sequence[Plan]) -> None:
    """Add the beats of plans to the columns of a search, and offer each plan that keeps
    the budgets, less beats that cannot be driven.
    """
    generation = tree.generation
    instance, field = generation.instance, generation.patrols
    for plan in plans:
        given = [tour for beat in plan.beats if (tour := given_tour(field, beat)) is not None]
        found = [generation.position(each.patrol, each.tour) for each in given]
        places = [place for place in found if place is not None]
        ones = instance.placed(known_options(instance, plan)) | instance.forced
        number = np.bincount(np.array(places, dtype=np.int64), minlength=len(generation.beats))
        used = ones @ instance.use + number @ generation.uses()
        forbidden = np.array([option.forbidden for option in instance.options], dtype=bool)
        within = np.all(used <= instance.budget * (1 + BUDGET_TOLERANCE))
        if within and within_limits(instance, ones) and not (ones & forbidden).any():
            tree.offer(ones, number)


@dataclass(frozen=True, slots=True)
class _PostPlace:
    """Which road a post watches, and from where."""

    segment: int
    node: int


def _post(post: Post) -> _PostPlace:
    return _PostPlace(post.segment, post.node)
