"""`solve`: the best plan of any instance, with or without patrol teams, or the best mixture of plans; its steps are calls of `place`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.base.errors import InputError, Problem
from optimizer.base.work.listener import SILENT
from optimizer.problem.instance.methods import MIXED
from optimizer.problem.plan.plan import known_options
from optimizer.solvers.mixed.solve_mixed import solve_mixed
from optimizer.solvers.params import SolveOptions, SolveParams
from optimizer.solvers.patrols.joint import solve_joint
from optimizer.solvers.place import place, register_method
from optimizer.solvers.search import kernels

if TYPE_CHECKING:
    from optimizer.base.work.listener import Listener
    from optimizer.problem.instance.instance import Instance
    from optimizer.problem.plan.plan import Plan
    from optimizer.problem.plan.result import Result

__all__ = ["register_method", "solve"]


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
    params: SolveParams | None = None,
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
    params
        Parameters of the search, None for their defaults; they change how long it takes and which plans it finds, never what is proven.
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
    options = SolveOptions(method, gap, time_limit, seed, threads, scheduler, params or SolveParams())
    return solve_with(instance, options, start=start, support=support, listener=listener)


def solve_with(
    instance: Instance,
    options: SolveOptions,
    *,
    start: Plan | None = None,
    support: int | None = None,
    listener: Listener = SILENT,
) -> Result:
    """Solve as `solve` does, with its arguments in one object."""
    instance.check()
    starts = () if start is None else (instance.placed(known_options(instance, start)),)
    _check_support(support, options.method)
    modules = (
        kernels.SEARCH + kernels.TOURS * (instance.patrols is not None) + kernels.MIXED * (options.method == MIXED)
    )
    kernels.ready(modules, instance.tail.size * len(instance.evaders), listener)  # before the time limit begins to run
    if options.method == MIXED:
        return solve_mixed(instance, options, support=support, listener=listener, starts=starts)
    if instance.patrols is None:
        return place(instance, options, listener=listener, starts=starts)
    return solve_joint(instance, options, listener=listener, starts=() if start is None else (start,))


def _check_support(support: int | None, method: str) -> None:
    """Raise InputError if a most number of plans is none, or the method makes no mixture."""
    if support is None:
        return
    if method != MIXED:
        remedy = "Leave the support out, or take the method 'mixed'"
        raise InputError(Problem("support", f"{support} with the method {method!r}", f"the method {MIXED!r}", remedy))
    if support < 1:
        raise InputError(Problem("support", str(support), "a whole number of plans of at least 1"))
