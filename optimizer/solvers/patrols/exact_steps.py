"""Two problems in turn, each solved by an exact method, around a plan of fixed options
and beats.

Sets      J fixed options; B the beats of the plan at hand, each an option that may be left out
Step 1    fixed options beside those beats: place a subset of J and B by branch and cut
Step 2    beats beside those fixed options: J is decided, and beats are made by column generation

Each step begins from the plan of the one before, so no plan is worse than the first. A
step is much smaller than both together: with the beats of a good plan given, branch and
cut closes its gap over the fixed options within seconds, and finds beats that are not
worth their teams and money. Both end when neither step has gained anything, or the time
is up. The bounds of a step hold for its own problem alone, and none is handed on.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Self

import numpy as np

from optimizer.base.errors import SolverError
from optimizer.base.work.aside import Aside
from optimizer.base.work.kernels import ready
from optimizer.base.work.listener import SILENT, Listener, OnlyCancels, Stopping, step
from optimizer.base.work.work_clock import limited, machine_seconds_left, work_seconds
from optimizer.problem.instance.instance import Instance
from optimizer.problem.plan.plan import Beat, Plan, known_options, with_beats, with_plan
from optimizer.problem.plan.result import Result
from optimizer.solvers.kernel_modules import SEARCH, TOURS
from optimizer.solvers.params import SolveOptions
from optimizer.solvers.patrols.beat_pool import ban, beat_pool, begin_from, with_tours
from optimizer.solvers.patrols.branch_and_price import BranchAndPrice
from optimizer.solvers.patrols.column_generation import ColumnGeneration
from optimizer.solvers.place import place

OF_THE_REST = 0.7
"""Share of the seconds that are left which one step may take."""

HEURISTICS = 0.02
"""Share of the first step for local search. From a plan of .7130 on the Rio Grande's
roads the tree found .7075 in 38 s of processor time, and with the usual share of .25
none below .7126: the plans of a nearly closed tree are better than those around the
plan at hand.
"""

SHORTEST = 0.05
"""Fewest seconds of a step; below them the steps end."""

LONGEST = 60.0
"""Most seconds of a step, also where the search has no limit."""

MAKING = 0.6
"""Share of the second step for making beats; the rest is for choosing among them."""

LEAST_GAIN = 1e-6
"""Relative gain of two steps from which on there are two more."""

LESS = 0.9
"""Share of the seconds left by the clock of the machine that another process has, as
its start takes some.
"""


class ExactSteps:
    """The steps around the best plan of a search over beats, here or beside it.

    Parameters
    ----------
    tree
        The search over beats; its listener is told of the step, and it is offered the
        plan.
    options
        Of the whole search.
    until
        `work_seconds()` at which the steps end.
    banned
        Beats whose tours no plan may have.
    stopping
        Of the whole search.
    aside
        Whether another process makes them, until the plan is taken; else, or where none
        can be started, they are made at once.
    """

    def __init__(
        self,
        tree: BranchAndPrice,
        options: SolveOptions,
        until: float,
        stopping: Stopping,
        *,
        banned: Sequence[Beat] = (),
        aside: bool,
    ) -> None:
        self._tree, self._stopping = tree, stopping
        pool = beat_pool(tree, 0, complete=False)
        driven = [
            beat for beat, is_driven in zip(pool.beats, pool.driven, strict=True) if is_driven
        ]
        instance = tree.generation.instance
        fixed = Plan.from_mask(instance, tree.placed)
        arguments = (
            instance,
            Plan((*fixed.placements, *driven)),
            options,
            until - work_seconds(),
            tuple(banned),
        )
        self._aside: Aside | None = None
        if aside:
            try:
                self._aside = Aside(improved_exactly, *arguments, LESS * machine_seconds_left())
            except SolverError as error:
                stopping.noted(f"The plan is improved before the bound over all beats: {error}")
        if self._aside is None:
            here = improved_exactly(*arguments, listener=OnlyCancels(stopping))
            self._offer(lambda: here)

    def __enter__(self) -> Self:
        """Return this."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the other process."""
        if self._aside is not None:
            self._aside.end()

    def take(self) -> None:
        """Offer the plan that another process has found, once it has; the one that it
        has by then after Ctrl-C, or where the process is lost and the search goes on
        without it.
        """
        aside, tree = self._aside, self._tree
        if aside is None or tree.lower >= tree.cutoff:
            return
        lost = False
        if not self._stopping.stopped:
            try:
                self._offer(lambda: self._result(aside))
            except SolverError as error:
                lost = True
                self._stopping.noted(
                    f"Improving the plan in another process failed ({error}): the search goes"
                    " on with what it has."
                )
        if (lost or self._stopping.stopped) and (plan := aside.so_far()) is not None:
            begin_from(tree, [plan])

    def _offer(self, made: Callable[[], Generator[Plan]]) -> None:
        """Offer each plan that is made, as soon as it is."""

        def offered() -> None:
            with (
                step(self._stopping, "improving fixed options and beats in turn"),
                closing(made()) as plans,
            ):
                for plan in plans:
                    begin_from(self._tree, [plan])

        self._stopping.attempt(offered)

    def _result(self, aside: Aside) -> Generator[Plan]:
        """Yield the plan of another process, once it has ended."""
        yield aside.result(self._stopping)


def improved_exactly(
    instance: Instance,
    plan: Plan,
    options: SolveOptions,
    seconds: float,
    banned: Sequence[Beat] = (),
    machine_seconds: float = np.inf,
    listener: Listener = SILENT,
) -> Generator[Plan]:
    """Yield the plan that each step makes of the one before it, within so many seconds
    of work; at first the plan itself.

    In another process they end as well when so many seconds by the clock of the machine
    are over, since its start.
    """
    ready(SEARCH + TOURS, instance.tail.size * len(instance.evaders))
    alone = replace(options, method="cuts", threads=1, scheduler=None)

    def beats_beside(plan: Plan, limits: SolveOptions) -> Result:
        return _beats_beside_options(instance, plan, limits, banned, listener)

    def options_beside(plan: Plan, limits: SolveOptions) -> Result:
        return _options_beside_beats(instance, plan, limits, listener)

    yield plan
    with limited(None if np.isinf(machine_seconds) else machine_seconds, seconds):
        until = work_seconds() + seconds
        before = np.inf
        while True:
            for improved in (options_beside, beats_beside):
                left = until - work_seconds()
                if left < SHORTEST or listener.cancelled():
                    return
                result = improved(plan, replace(alone, time_limit=min(OF_THE_REST * left, LONGEST)))
                if result.plan is not None:
                    plan = result.plan
                    yield plan
            if result.upper is None or result.upper >= before * (1 - LEAST_GAIN):
                return
            before = result.upper


def _options_beside_beats(
    instance: Instance,
    plan: Plan,
    options: SolveOptions,
    listener: Listener,
) -> Result:
    """Place fixed options beside the beats of a plan, which may be left out."""
    whole = with_plan(instance, plan)
    start = whole.placed(plan.options)
    heuristics = replace(
        options.params.heuristics, share=HEURISTICS, start_share=HEURISTICS, most_seconds=1.0
    )
    options = replace(options, params=replace(options.params, heuristics=heuristics))
    result = place(whole, options, starts=[start], greedy_known=True, listener=listener)
    return (
        result if result.plan is None else replace(result, plan=with_tours(result.plan, plan.beats))
    )


def _beats_beside_options(
    instance: Instance,
    plan: Plan,
    options: SolveOptions,
    banned: Sequence[Beat],
    listener: Listener,
) -> Result:
    """Make beats beside the fixed options of a plan, and choose the best of them."""
    chosen = set(known_options(instance, plan))
    decided = replace(
        instance,
        options=tuple(
            replace(each, forced=each.id in chosen, forbidden=each.id not in chosen)
            for each in instance.options
        ),
    )
    began, limit = work_seconds(), options.time_limit or np.inf
    if decided.patrols is None:
        raise ValueError("an instance without patrol teams")
    generation = ColumnGeneration(decided, decided.patrols, seed=options.seed)
    tree = BranchAndPrice(
        generation, gap=options.gap, listener=listener, params=options.params.patrols
    )
    ban(generation, banned)
    begin_from(tree, [plan])
    tree.cut_root(began + MAKING * limit)
    tree.dive(generation.root, began + MAKING * limit)
    pool = beat_pool(tree, options.params.patrols.most_beats, complete=False)
    whole = with_beats(decided, pool.beats)
    left = max(began + limit - work_seconds(), SHORTEST)
    result = place(
        whole,
        replace(options, time_limit=left),
        starts=[np.concatenate((tree.placed, pool.driven))],
        overlay=generation.overlay_of(whole, pool.beats),
        greedy_known=True,
        listener=listener,
    )
    return (
        result if result.plan is None else replace(result, plan=with_tours(result.plan, pool.beats))
    )
