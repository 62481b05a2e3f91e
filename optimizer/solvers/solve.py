"""`solve`: the best plan of any instance, with or without patrol teams, or the best mixture of plans; its steps are calls of `place`."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.errors import InputError, Problem
from optimizer.base.text.names import unknown_name
from optimizer.base.work.cluster import connected
from optimizer.base.work.executor import thread_count
from optimizer.base.work.listener import SILENT, Stopping, stop_if_cancelled
from optimizer.problem.instance.methods import METHOD_NAMES, MIXED, installed_methods
from optimizer.problem.plan.plan import known_options
from optimizer.solvers.branch_and_cut.cuts_search import search_cuts
from optimizer.solvers.branch_and_cut.parallel.workers import ClusterTreeWorkers
from optimizer.solvers.mip.compact import search_compact
from optimizer.solvers.search.feasible_start import feasible_start
from optimizer.solvers.search.local_search import PlanImprover
from optimizer.solvers.search.state import SolveState

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from optimizer.base.work.listener import Listener
    from optimizer.problem.instance.instance import Instance
    from optimizer.problem.plan.plan import Plan
    from optimizer.problem.plan.result import Result
    from optimizer.solvers.branch_and_cut.lp.master import Master
    from optimizer.solvers.overlay.overlay import Overlay
    from optimizer.solvers.place import MethodSearch
    from optimizer.solvers.search.warm_start import Carried


def solve(
    instance: Instance,
    *,
    method: str = "auto",
    gap: float = 1e-4,
    time_limit: float | None = None,
    seed: int = 0,
    start: Plan | None = None,
    threads: int | None = None,
    scheduler: str | None = None,
    support: int | None = None,
    listener: Listener = SILENT,
) -> Result:
    """Place options, and beats where there are patrol teams, so that as little as possible gets through; prove how good the plan is.

    Ctrl-C ends the search and returns the best plan so far with its bounds; a second one raises KeyboardInterrupt.

    Parameters
    ----------
    instance
        The problem.
    method
        `cuts` (branch and cut), `compact` (one mixed-integer program in HiGHS), `greedy` (a greedy plan and one local search; its bound is
        the value with every option placed), or `auto`, which is `cuts`: none of the benchmark's problems is solved faster by another
        (results/benchmarks.md). `mixed` makes a mixture of plans, against evaders who know it but not the plan of the day; the result's bounds
        are then those of mixtures, its plan is the best single one (`Result.mixed`).
    gap
        Relative gap (upper - lower) / upper at which to stop, >= 0; one below `PROVEN` (1e-7) counts as that. It is a promise about the
        bound: whatever it is, no method stops before it has made a greedy plan and one local search, unless the time limit comes first (`cuts`
        makes no greedy plan where its own has a gap of at most 0.1 %).
    time_limit
        Seconds, > 0; None for no limit.
    seed
        Seed of every random choice, >= 0.
    start
        A plan to begin from and to search around, where it is feasible; what the instance does not have is left out. With patrol teams
        its beats are among the first columns; method `mixed` begins from its options alone.
    threads
        Processes that expand the tree of `cuts` once it has taken some seconds; None for one on each core. With 1 the same arguments give the
        same search, but for time limits.
    scheduler
        Address of the scheduler of a dask.distributed cluster, whose workers expand the tree instead.
    support
        With the method `mixed`, how many different plans the mixture has at most, >= 1; None for as many as are found. The lower bound stays
        that of all mixtures.
    listener
        Told of steps, of bounds as they move, and of each better plan; a search that it cancels ends as by Ctrl-C.

    Raises
    ------
    InputError
        If an argument is out of range, or the instance has faults (`Instance.problems`).
    InfeasibleError
        If the forced options break a constraint, or no plan reaches the requirements; it names the constraint. (Without either the empty
        plan is feasible.)
    SolverError
        If the solver underneath fails.
    KeyboardInterrupt
        If it comes before there is any plan.
    """
    instance.check()
    starts = () if start is None else (instance.placed(known_options(instance, start)),)
    _check_support(support, method)
    if method == MIXED:
        from optimizer.solvers.mixed.solve_mixed import solve_mixed  # its steps are calls of `place`

        return solve_mixed(
            instance,
            gap=gap,
            time_limit=time_limit,
            seed=seed,
            threads=threads,
            scheduler=scheduler,
            support=support,
            listener=listener,
            starts=starts,
        )
    if instance.patrols is None:
        return place(
            instance,
            method=method,
            gap=gap,
            time_limit=time_limit,
            seed=seed,
            threads=threads,
            scheduler=scheduler,
            listener=listener,
            starts=starts,
        )
    from optimizer.solvers.patrols.joint import solve_joint  # its steps are calls of `place`

    return solve_joint(
        instance,
        method=method,
        gap=gap,
        time_limit=time_limit,
        seed=seed,
        threads=threads,
        scheduler=scheduler,
        listener=listener,
        starts=() if start is None else (start,),
    )


def place(
    instance: Instance,
    *,
    method: str = "auto",
    gap: float = 1e-4,
    time_limit: float | None = None,
    seed: int = 0,
    threads: int | None = None,
    scheduler: str | None = None,
    listener: Listener = SILENT,
    overlay: Overlay | None = None,
    master: Master | None = None,
    starts: Sequence[NDArray[np.bool_]] = (),
    proven: float = 0.0,
    began: float = np.inf,
    exact: Callable[[NDArray[np.bool_]], float] | None = None,
    carried: Carried | None = None,
) -> Result:
    """Place options alone, whatever patrol teams the instance has.

    Parameters
    ----------
    instance
        The problem.
    method, gap, time_limit, seed, threads, scheduler, listener
        As in `solve`.
    overlay
        The instance contracted, by one who knows it better; by default it is contracted here. `compact` takes none.
    master
        The linear program of `cuts`, not cut yet, over this overlay; by default one is made. Where it has loose options, `proven` and its
        bounds are those of plans with any of them, and no time is spent on better plans: there are searches without loose options for that.
    starts
        (options,) masks of plans to begin from and to search around; one that is not feasible is not used.
    proven
        A lower bound of the optimal value that is known already.
    began
        `time.monotonic()` at which the work began of which this is a part; by default now. Other processes are started some seconds after it.
    exact
        Value of an (options,) mask on the full network, where the overlay's is not the sum over the instance's evaders.
    carried
        Rows of earlier solves over the same overlay, changed into those of this one: for a series of problems of other budgets, or of other
        options forced and forbidden. Where there are `starts` no greedy plan is made then, and no ruins before the root is cut.

    Raises
    ------
    InputError, InfeasibleError, SolverError, KeyboardInterrupt
        As in `solve`.
    """
    check_arguments(method, gap, time_limit, seed)
    processes = thread_count(threads)
    start = feasible_start(instance)
    with ExitStack() as stack:
        workers = None
        if scheduler is not None:
            workers = ClusterTreeWorkers(stack.enter_context(connected(scheduler)))
        stopping = stack.enter_context(Stopping(listener))
        search = SolveState(
            instance,
            gap,
            time_limit,
            seed,
            stopping,
            start,
            given=overlay,
            starts=starts,
            proven=proven,
            began=began,
            threads=processes,
            workers=workers,
            exact=exact,
            carried=carried,
            master=master,
        )
        if starts:  # there are plans to keep
            search.contract()
        else:
            stopping.attempt(search.contract)
            if stopping.stopped:
                raise KeyboardInterrupt
        search.begin()
        stopping.attempt(lambda: _run(METHODS[method], search))
        if stopping.stopped:
            search.limit = "interrupted"
        search.verify()
        return search.result(method)


def _run(method: Callable[[SolveState], None], search: SolveState) -> None:
    stop_if_cancelled(search.listener)
    method(search)


def _greedy(search: SolveState) -> None:
    PlanImprover.without_tree(search).look()
    search.limit = "time" if search.out_of_time else None


METHODS: dict[str, Callable[[SolveState], None]] = {
    "auto": search_cuts,
    "cuts": search_cuts,
    "compact": search_compact,
    "greedy": _greedy,
}

METHODS.update(installed_methods())


def register_method(name: str, method: Callable[[MethodSearch], None]) -> None:
    """Let `solve`, `--method` and scenarios use a method that another package defines; one of the same name is replaced."""
    METHODS[name] = method
    if name not in METHOD_NAMES:
        METHOD_NAMES.append(name)


def _check_support(support: int | None, method: str) -> None:
    """Raise InputError if a most number of plans is none, or the method makes no mixture."""
    if support is None:
        return
    if method != MIXED:
        remedy = "Leave the support out, or take the method 'mixed'"
        raise InputError(Problem("support", f"{support} with the method {method!r}", f"the method {MIXED!r}", remedy))
    if support < 1:
        raise InputError(Problem("support", str(support), "a whole number of plans of at least 1"))


def check_arguments(method: str, gap: float, time_limit: float | None, seed: int) -> None:
    """Raise InputError if an argument of `solve` is out of range."""
    if method not in METHODS:
        raise InputError(unknown_name("method", method, METHODS))
    if not 0 <= gap < np.inf:
        raise InputError(Problem("gap", str(gap), "a number of at least 0, such as 0.01 for 1 %"))
    if time_limit is not None and not time_limit > 0:
        raise InputError(Problem("time limit", str(time_limit), "a number of seconds above 0"))
    if seed < 0:
        raise InputError(Problem("seed", str(seed), "a whole number of at least 0"))
