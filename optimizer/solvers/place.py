"""`place` runs a method on options alone, and values its plan on the full network; what
a method is, and the methods by name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from optimizer.base.errors import InputError, Problem
from optimizer.base.text.names import one_of
from optimizer.base.work.cluster import connected
from optimizer.base.work.executor import thread_count
from optimizer.base.work.listener import SILENT, Listener, Stopping, stop_if_cancelled
from optimizer.base.work.work_clock import limited
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.methods import (
    BUILT_IN,
    METHOD_NAMES,
    installed_methods,
    method_remedy,
)
from optimizer.problem.plan.result import Limit, Result
from optimizer.solvers.branch_and_cut.cuts_search import search_cuts
from optimizer.solvers.branch_and_cut.improve.feasible_start import feasible_start
from optimizer.solvers.branch_and_cut.improve.local_search import PlanImprover
from optimizer.solvers.branch_and_cut.improve.state import SolveState
from optimizer.solvers.branch_and_cut.improve.warm_start import WarmStart
from optimizer.solvers.branch_and_cut.lp.master import Master
from optimizer.solvers.branch_and_cut.parallel.workers import ClusterTreeWorkers
from optimizer.solvers.branch_and_cut.proof.record import SearchRecord
from optimizer.solvers.overlay.overlay import Overlay
from optimizer.solvers.params import SolveOptions, SolveParams


def place(
    instance: Instance,
    options: SolveOptions = SolveOptions(),
    *,
    listener: Listener = SILENT,
    overlay: Overlay | None = None,
    master: Master | None = None,
    starts: Sequence[NDArray[np.bool_]] = (),
    proven: float = 0.0,
    known: float = np.inf,
    began: float = np.inf,
    exact: Callable[[NDArray[np.bool_]], float] | None = None,
    warm_start: WarmStart | None = None,
    greedy_known: bool = False,
    record: SearchRecord | None = None,
) -> Result:
    """Place options alone, whatever patrol teams the instance has.

    Parameters
    ----------
    instance
        The problem.
    options, listener
        As in `solve`.
    overlay
        The instance contracted, by one who knows it better; by default it is contracted
        here.
    master
        The linear program of `cuts`, not cut yet, over this overlay; by default one is
        made. Where it has relaxed options, `proven` and its bounds are those of plans
        with any of them, and no time is spent on better plans: there are searches
        without relaxed options for that.
    starts
        (options,) masks of plans to begin from and to search around; one that is not
        feasible is made to fit.
    proven
        A lower bound of the optimal value that is known already.
    known
        Value of a plan that is known and that this search cannot make, as of one with
        relaxed options: nodes of no lower bound are pruned.
    began
        `work_seconds()` at which the work began of which this is a part; by default
        now. Other processes are started some seconds after it.
    exact
        Value of an (options,) mask on the full network, where the overlay's is not the
        sum over the instance's evaders.
    warm_start
        Rows of earlier solves over the same overlay, changed into those of this one:
        for a series of problems of other budgets, or of other options forced and
        forbidden. Where there are `starts` no greedy plan is made then, and no ruins
        before the root is cut.
    greedy_known
        Whether a plan of `starts` is no worse than a greedy one: none is made then
        after the time limit.
    record
        Receives what a certificate of the bound needs; of the method `cuts`, without
        `master` and `warm_start`.

    Raises
    ------
    InputError, InfeasibleError, SolverError, KeyboardInterrupt
        As in `solve`.
    """
    check_options(options)
    processes = thread_count(options.threads)
    start = feasible_start(instance)
    with ExitStack() as stack:
        workers = None
        if options.scheduler is not None:
            workers = ClusterTreeWorkers(stack.enter_context(connected(options.scheduler)))
        stack.enter_context(limited_as_asked(options))
        stopping = stack.enter_context(Stopping(listener))
        search = SolveState(
            instance,
            options.gap,
            options.time_limit,
            options.seed,
            stopping,
            start,
            given=overlay,
            starts=starts,
            proven=proven,
            known=known,
            began=began,
            threads=processes,
            workers=workers,
            exact=exact,
            warm_start=warm_start,
            greedy_made=greedy_known,
            master=master,
            params=options.params,
            record=record,
        )
        if starts:  # there are plans to keep
            search.contract()
        else:
            stopping.attempt(search.contract)
            if stopping.stopped:
                raise KeyboardInterrupt
        search.begin()
        stopping.attempt(lambda: _run(METHODS[options.method], search))
        if options.method in BUILT_IN:  # a method of another package is shown as it is
            stopping.attempt(lambda: _make_sure(search, exchanging=not greedy_known))
        if stopping.stopped:
            search.limit = "interrupted"
        search.verify()
        return search.result(options.method)


def limited_as_asked(options: SolveOptions) -> AbstractContextManager[None]:
    """Limit what is done within by the clock of the machine, or by work where the
    parameters say so.
    """
    if options.params.clock.by_work and options.time_limit is not None:
        return limited(np.inf, options.time_limit)
    return limited(options.time_limit)


def check_options(options: SolveOptions) -> None:
    """Raise InputError if an argument of `solve` is out of range."""
    if options.method not in METHODS:
        found, expected = repr(options.method), one_of(METHODS, options.method)
        raise InputError(Problem("method", found, expected, method_remedy(options.method)))
    if not 0 <= options.gap < np.inf:
        raise InputError(
            Problem("gap", str(options.gap), "a number of at least 0, such as 0.01 for 1 %")
        )
    if options.time_limit is not None and not options.time_limit > 0:
        raise InputError(
            Problem("time limit", str(options.time_limit), "a number of seconds above 0")
        )
    if options.seed < 0:
        raise InputError(Problem("seed", str(options.seed), "a whole number of at least 0"))
    if options.params != SolveParams():  # a series of solves need not check what nobody set
        options.params.checked()


class MethodSearch(Protocol):
    """One solve as its method sees it: offer plans, prove bounds, and return when
    `closed`, out of time, or with nothing left to try.
    """

    #: (options,) mask of the best plan so far; at first the forced options, with as few
    #: more as the requirements ask for.
    placed: NDArray[np.bool_]
    #: `lower`, `upper`: Proven bound, and value of the best plan on the overlay.
    lower: float
    upper: float
    #: Set it to `"time"` where the time limit ended the method.
    limit: Limit | None

    @property
    def instance(self) -> Instance:
        """The problem."""

    @property
    def overlay(self) -> Overlay:
        """The contracted network: `overlay.value(placed)` is the exact value of a plan,
        `overlay.free` the options that may be placed.
        """

    @property
    def seed(self) -> int:
        """Seed of every random choice."""

    @property
    def until(self) -> float:
        """`time.monotonic()` of the time limit; infinity without one."""

    @property
    def closed(self) -> bool:
        """Whether the bounds have met to within the gap asked for."""

    def offer(self, placed: NDArray[np.bool_]) -> None:
        """Take a plan as the best one if it is feasible and better; a solve values its
        last one again on the full network.
        """

    def prove(self, lower: float) -> None:
        """Take a lower bound of the optimal value: what is told here is believed."""

    def cancelled(self) -> bool:
        """Return whether the caller wants the method to stop."""


def _run(method: Callable[[SolveState], None], search: SolveState) -> None:
    stop_if_cancelled(search.listener)
    method(search)


def _make_sure(search: SolveState, *, exchanging: bool) -> None:
    """See to it that the plan is no worse than one to begin from, filled, or a greedy
    one; not where the search was whole, or was stopped.
    """
    stop_if_cancelled(search.listener)
    if search.closed or search.looked or not search.improves:
        return
    paths = None if search.warm_start is None else search.warm_start.paths
    improver = (
        PlanImprover.without_tree(search) if paths is None else PlanImprover(search, paths.values)
    )
    improver.make_sure(exchanging=exchanging)


def _greedy(search: SolveState) -> None:
    PlanImprover.without_tree(search).finish()
    search.limit = "time" if search.out_of_time else None


METHODS: dict[str, Callable[[SolveState], None]] = {
    "auto": search_cuts,
    "cuts": search_cuts,
    "greedy": _greedy,
}

METHODS.update(installed_methods())


def register_method(name: str, method: Callable[[MethodSearch], None]) -> None:
    """Let `solve`, `--method` and scenarios use a method that another package defines;
    one of the same name is replaced.
    """
    METHODS[name] = method
    if name not in METHOD_NAMES:
        METHOD_NAMES.append(name)
