"""`solve`: the best plan of any instance, with or without patrol teams, or the best
mixture of plans; its steps are calls of `place`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from optimizer.base.arguments import checked
from optimizer.base.errors import InputError, Problem
from optimizer.base.work import kernels
from optimizer.base.work.listener import SILENT, ForwardingListener, Listener, OnlyCancels
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.methods import MIXED
from optimizer.problem.plan.plan import Plan, chosen, known_options, with_plan
from optimizer.problem.plan.result import BoundsAt, Result
from optimizer.solvers import kernel_modules
from optimizer.solvers.branch_and_cut.improve.feasible_start import plan_made_to_fit
from optimizer.solvers.branch_and_cut.proof.record import SearchRecord, check_certifiable
from optimizer.solvers.final_check import checked_result
from optimizer.solvers.mixed.solve_mixed import solve_mixed
from optimizer.solvers.overlay.overlay import Overlay
from optimizer.solvers.params import SolveOptions, SolveParams
from optimizer.solvers.patrols.beat_pool import with_tours
from optimizer.solvers.patrols.joint import solve_joint
from optimizer.solvers.place import place, register_method

__all__ = ["register_method", "solve"]


@checked
def solve(
    instance: Instance,
    *,
    method: str = "auto",
    gap: float = 1e-4,
    time_limit: float | None = None,
    seed: int = 0,
    start: Plan | Iterable[str] | NDArray[np.bool_] | None = None,
    threads: int | None = None,
    scheduler: str | None = None,
    support: int | None = None,
    params: SolveParams | None = None,
    listener: Listener = SILENT,
) -> Result:
    """Place options, and beats where there are patrol teams, so that as little as
    possible gets through; prove how good the plan is.

    Ctrl-C ends the search and returns the best plan so far with its bounds; a second
    one raises KeyboardInterrupt.

    Parameters
    ----------
    instance
        The problem.
    method
        `cuts` (branch and cut),
        `greedy` (a greedy plan and one local search; its bound is the value with every
        option placed), or `auto`, which is `cuts`: none of the benchmark's problems is
        solved faster by another (results/benchmarks.md). `mixed` makes a mixture of
        plans, against evaders who know it but not the plan of the day; the result's
        bounds are then those of mixtures, its plan is the best single one
        (`Result.mixed`).
    gap
        Relative gap (upper - lower) / upper at which to stop, >= 0; one below `PROVEN`
        (1e-7) counts as that. It is a promise about the bound: whatever it is, no
        method stops before it has made a greedy plan and one local search, unless the
        time limit comes first (`cuts` makes no greedy plan where its own has a gap of
        at most 0.1 %). The greedy plan is made even then, where the gap is not closed,
        but ended after a quarter of the limit, at least 5 s, beyond it: the listener is
        told. So no plan is worse than today's layout or `start`, nor than a greedy plan
        made whole by more than 0.1 %, or by the gap where time ended once it was
        closed.
    time_limit
        Seconds, > 0; None for no limit.
    seed
        Seed of every random choice, >= 0.
    start
        A plan to begin from and to search around, ids of options, or an (options,)
        mask; what a plan has and the instance does not, or has no room for, is left
        out. With patrol teams its beats are among the first columns.
    threads
        Processes that expand the tree of `cuts` once it has taken some seconds; None
        for one on each core. With 1 the same arguments give the same search, but for
        time limits.
    scheduler
        Address of the scheduler of a dask.distributed cluster, whose workers expand the
        tree instead.
    support
        With the method `mixed`, how many different plans the mixture has at most, >= 1;
        None for as many as are found. The lower bound stays that of all mixtures.
    params
        Parameters of the search, None for their defaults; they change how long it takes
        and which plans it finds, never what is proven.
    listener
        Told of steps, of bounds as they move, and of each better plan; a search that it
        cancels ends as by Ctrl-C.

    Raises
    ------
    InputError
        If an argument is out of range, or the instance has faults
        (`Instance.problems`).
    InfeasibleError
        If the forced options break a constraint, or no plan reaches the requirements;
        it names the constraint. (Without either the empty plan is feasible.)
    SolverError
        If the solver underneath fails, or the result is false (`final_check`).
    KeyboardInterrupt
        If it comes before there is any plan.
    """
    options = SolveOptions(
        method, gap, time_limit, seed, threads, scheduler, params or SolveParams()
    )
    if start is None:
        starts: tuple[Plan, ...] = ()
    else:
        starts = (start if isinstance(start, Plan) else Plan.from_mask(*chosen(instance, start)),)
    told = _History(listener)
    result = solve_with(instance, options, starts=starts, support=support, listener=told)
    return replace(result, history=tuple(told.moves))


class _History(ForwardingListener):
    """Keeps the bounds that a search tells, with their time."""

    def __init__(self, listener: Listener) -> None:
        super().__init__(listener)
        self.moves: list[BoundsAt] = []
        self._began = time.monotonic()

    def bounds_moved(self, lower: float, upper: float) -> None:
        """Keep them, and pass them on."""
        self.moves.append(BoundsAt(time.monotonic() - self._began, lower, upper))
        super().bounds_moved(lower, upper)


def solve_with(
    instance: Instance,
    options: SolveOptions,
    *,
    starts: Sequence[Plan] = (),
    awaited: Callable[[], Sequence[Plan]] | None = None,
    support: int | None = None,
    listener: Listener = SILENT,
    record: SearchRecord | None = None,
) -> Result:
    """Solve as `solve` does, with its arguments in one object and any number of plans
    to begin from.

    Plans that are `awaited` are those of `optimizer.solvers.patrols.joint.solve_joint`;
    without teams, and for mixtures, nobody asks for them. A record of the search, for a
    certificate, is made in one process with the method `mixed`.
    """
    instance.check()
    if record is not None:
        check_certifiable(instance, options)
        options = replace(options, threads=1) if options.method == MIXED else options
    _check_support(support, options.method)
    mixed = kernel_modules.MIXED * (options.method == MIXED)
    modules = kernel_modules.SEARCH + kernel_modules.TOURS * (instance.patrols is not None) + mixed
    # before the time limit begins to run
    kernels.ready(modules, instance.tail.size * len(instance.evaders), listener)
    if options.method == MIXED:
        result = solve_mixed(
            instance, options, support=support, listener=listener, starts=starts, record=record
        )
    elif instance.patrols is None:
        masks = [instance.placed(known_options(instance, start)) for start in starts]
        result = place(instance, options, listener=listener, starts=masks, record=record)
    else:
        result = solve_joint(instance, options, listener=listener, starts=starts, awaited=awaited)
    return checked_result(instance, result)


def plan_without_search(
    instance: Instance,
    starts: Sequence[Plan],
    *,
    overlay: Overlay | None = None,
    exact: Callable[[NDArray[np.bool_]], float] | None = None,
    proven: float = 0.0,
    seed: int = 0,
    listener: Listener = SILENT,
) -> Result:
    """Return the best of what is known without a search: plans to begin from, made to
    fit and filled, today's layout, a greedy plan.

    Parameters
    ----------
    instance, starts
        The problem, and the plans.
    overlay, exact, proven, listener
        As in `optimizer.solvers.place.place`; without patrol teams.
    seed
        Of the result.

    Raises
    ------
    InfeasibleError
        If no plan is feasible.
    KeyboardInterrupt
        If the listener cancels, and there is no plan to begin from.
    """
    options = SolveOptions(method="greedy", time_limit=NO_TIME, seed=seed)
    if instance.patrols is None:
        masks = [instance.placed(known_options(instance, plan)) for plan in starts]
        return place(
            instance,
            options,
            overlay=overlay,
            exact=exact,
            starts=masks,
            proven=proven,
            listener=OnlyCancels(listener),
        )
    found = []
    for plan in [plan_made_to_fit(instance, start) for start in starts] or [Plan(())]:
        whole = with_plan(instance, plan)
        result = place(
            whole, options, starts=[whole.placed(plan.options)], listener=OnlyCancels(listener)
        )
        chosen = None if result.plan is None else with_tours(result.plan, plan.beats)
        lower = min(
            proven, np.inf if result.upper is None else result.upper
        )  # the bound of these beats is not that of all
        found.append(replace(result, plan=chosen, lower=lower, status="feasible"))
    return min(found, key=lambda result: np.inf if result.upper is None else result.upper)


NO_TIME = 1e-6
"""Seconds, above 0, that end a search before it begins."""


def _check_support(support: int | None, method: str) -> None:
    """Raise InputError if a most number of plans is none, or the method makes no mixture."""
    if support is None:
        return
    if method != MIXED:
        remedy = "Leave the support out, or take the method 'mixed'"
        raise InputError(
            Problem(
                "support", f"{support} with the method {method!r}", f"the method {MIXED!r}", remedy
            )
        )
    if support < 1:
        raise InputError(Problem("support", str(support), "a whole number of plans of at least 1"))
