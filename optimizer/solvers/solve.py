"""The solvers by name: `solve` takes any instance; `place` runs one of them on options alone, and values its plan on the full network."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.errors import InfeasibleError, InputError, Problem
from optimizer.base.interrupts import Stopping
from optimizer.base.listener import SILENT, SilentListener, step, stop_if_cancelled
from optimizer.base.names import unknown_name
from optimizer.problem.evaluation import plan_value
from optimizer.problem.methods import METHOD_NAMES, installed_methods
from optimizer.problem.plan import Plan, violations
from optimizer.problem.result import PROVEN, Result, relative_gap, tolerance_of
from optimizer.solvers.branch_and_cut.commodities import Commodities
from optimizer.solvers.branch_and_cut.path_pool import PathPool
from optimizer.solvers.branch_and_cut.tree import BranchAndCut
from optimizer.solvers.compact import compact_model
from optimizer.solvers.enumeration import Enumeration
from optimizer.solvers.heuristics import greedy, local_search, ruin_and_recreate, tidy
from optimizer.solvers.overlay.overlay import Overlay, contract
from optimizer.solvers.pooled_values import PooledValues

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from optimizer.base.listener import Listener
    from optimizer.problem.instance import Instance
    from optimizer.problem.result import Limit
    from optimizer.solvers.compact import CompactModel
    from optimizer.solvers.method import MethodSearch

SEARCH_SECONDS = 10.0
"""Longest local search, in seconds."""
SEARCH_SHARE = 0.25
"""Longest local search, as a share of the time left; and of all of them, as a share of the time spent."""
START_SHARE, START_WORSE = 0.6, 0.03
"""Share of the time left that a search around a plan to begin from may take, and how much worse than the best it may be, relative."""
FEW = 10
"""Most free options whose plans are all tried where the bound of the mixed-integer program is in doubt."""
WIDE = 0.05
"""Gap after the first local search from which on a greedy plan is made to search around as well."""


def solve(
    instance: Instance,
    *,
    method: str = "auto",
    gap: float = 1e-4,
    time_limit: float | None = None,
    seed: int = 0,
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
        (results/benchmarks.md).
    gap
        Relative gap (upper - lower) / upper at which to stop, >= 0; one below `PROVEN` (1e-7) counts as that. It is a promise about the
        bound: whatever it is, no method stops before it has made a greedy plan and one local search, unless the time limit comes first.
    time_limit
        Seconds, > 0; None for no limit.
    seed
        Seed of every random choice, >= 0.
    listener
        Told of steps, of bounds as they move, and of each better plan; a search that it cancels ends as by Ctrl-C.

    Raises
    ------
    InputError
        If an argument is out of range, or the instance has faults (`Instance.problems`).
    InfeasibleError
        If the forced options break a constraint; it names the constraint. (Without them the empty plan is feasible.)
    SolverError
        If the solver underneath fails.
    KeyboardInterrupt
        If it comes before there is any plan.
    """
    instance.check()
    if instance.patrols is None:
        return place(instance, method=method, gap=gap, time_limit=time_limit, seed=seed, listener=listener)
    from optimizer.solvers.patrols.joint import solve_joint  # its steps are calls of `place`

    return solve_joint(instance, method=method, gap=gap, time_limit=time_limit, seed=seed, listener=listener)


def place(
    instance: Instance,
    *,
    method: str = "auto",
    gap: float = 1e-4,
    time_limit: float | None = None,
    seed: int = 0,
    listener: Listener = SILENT,
    overlay: Overlay | None = None,
    starts: Sequence[NDArray[np.bool_]] = (),
    proven: float = 0.0,
) -> Result:
    """Place options alone, whatever patrol teams the instance has.

    Parameters
    ----------
    instance
        The problem.
    method, gap, time_limit, seed, listener
        As in `solve`.
    overlay
        The instance contracted, by one who knows it better; by default it is contracted here. `compact` takes none.
    starts
        (options,) masks of plans to begin from and to search around; one that is not feasible is not used.
    proven
        A lower bound of the optimal value that is known already.

    Raises
    ------
    InputError, InfeasibleError, SolverError, KeyboardInterrupt
        As in `solve`.
    """
    check_arguments(method, gap, time_limit, seed)
    if broken := violations(instance, instance.forced):
        raise InfeasibleError(
            "No plan is feasible: " + "; ".join(broken) + ". Raise the budget or force fewer options."
        )
    with Stopping(listener) as stopping:
        search = _SolveState(
            instance, gap, time_limit, seed, stopping, instance.forced, given=overlay, starts=starts, proven=proven
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


def _run(method: Callable[[_SolveState], None], search: _SolveState) -> None:
    stop_if_cancelled(search.listener)
    method(search)


@dataclass
class _SolveState(SilentListener):
    """The state of one solve: the incumbent and the bounds, which only ever improve, whatever the searches that it listens to report.

    `looked` says whether a greedy plan and a local search were made in time, or nothing was left to gain.
    """

    instance: Instance
    gap: float
    time_limit: float | None
    seed: int
    listener: Listener
    placed: NDArray[np.bool_]
    lower: float = 0.0
    upper: float = np.inf
    limit: Limit | None = None
    looked: bool = False
    started: float = field(default_factory=time.monotonic)
    statistics: dict[str, float] = field(default_factory=dict)
    given: Overlay | None = None
    starts: Sequence[NDArray[np.bool_]] = ()
    proven: float = 0.0
    overlay: Overlay = field(init=False)

    def contract(self) -> None:
        """Contract the network."""
        with step(self.listener, "contracting", stoppable=False):
            self.overlay = self.given or contract(self.instance)

    def begin(self) -> None:
        """Take the two bounds that need no search, forced options alone and everything at once, and the plans to begin from."""
        self.statistics |= {"overlay_nodes": self.overlay.n_nodes, "overlay_arcs": self.overlay.tail.size}
        self.lower = max(self.overlay.value(self.overlay.free | self.placed), self.proven)
        self.offer(self.placed)
        for start in self.starts:
            self.offer(start)
        self.report()

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the time limit, at least 0; None without one."""
        return None if self.time_limit is None else max(0.0, self.started + self.time_limit - time.monotonic())

    @property
    def until(self) -> float:
        """`time.monotonic()` of the time limit; infinity without one."""
        return np.inf if self.time_limit is None else self.started + self.time_limit

    @property
    def closed(self) -> bool:
        """Whether the bounds have met to within the gap asked for."""
        return self.gap_left <= tolerance_of(self.gap)

    @property
    def gap_left(self) -> float:
        """Relative gap of the bounds so far; 0 where it is not known."""
        return relative_gap(self.lower, self.upper) or 0.0

    @property
    def out_of_time(self) -> bool:
        """Whether the time limit has come."""
        return time.monotonic() >= self.until

    def offer(self, placed: NDArray[np.bool_]) -> None:
        """Take a plan as the incumbent if it is feasible and better by its value on the overlay; `verify` has the last word."""
        self.plan_found(placed, self.overlay.value(placed))

    def plan_found(self, placed: NDArray[np.bool_], value: float) -> None:
        """Take a plan of this value on the overlay as the incumbent if it is feasible and better."""
        if value < self.upper and not violations(self.instance, placed):
            self.placed, self.upper = placed, value
            self.prove(self.lower)
            self.listener.plan_found(placed, value)
            self.report()

    def verify(self) -> None:
        """Value the incumbent on the full network, which knows nothing of the overlay."""
        self.upper = plan_value(self.instance, self.placed)
        self.prove(self.lower)

    def prove(self, lower: float) -> None:
        """Take a proven lower bound if it is better; rounding alone can set it above the incumbent."""
        self.lower = min(max(self.lower, lower), self.upper)

    def bounds_moved(self, lower: float, upper: float) -> None:  # noqa: ARG002 - plans come by `plan_found`
        """Take a proven lower bound, and report it if it is better."""
        before = self.lower
        self.prove(lower)
        if self.lower > before:
            self.report()
        stop_if_cancelled(self.listener)

    def cancelled(self) -> bool:
        """Return whether the listener wants the search to stop."""
        return self.listener.cancelled()

    def tidy(self) -> None:
        """Drop the options of the incumbent that change nothing."""
        self.placed = tidy(self.instance, self.overlay, self.placed)

    def report(self) -> None:
        """Tell the listener the bounds."""
        self.listener.bounds_moved(self.lower, self.upper)

    def result(self, method: str) -> Result:
        """Return the outcome."""
        return Result(
            method=method,
            status="optimal" if self.closed else "feasible",
            limit=None if self.closed and self.looked and self.limit != "interrupted" else self.limit,
            plan=Plan.from_mask(self.instance, self.placed),
            lower=self.lower,
            upper=self.upper,
            seconds=time.monotonic() - self.started,
            seed=self.seed,
            statistics=self.statistics,
            tolerance=tolerance_of(self.gap),
        )


def _greedy(search: _SolveState) -> None:
    commodities = Commodities.of(search.overlay)
    _PlanImprover(search, PooledValues(commodities, PathPool(search.overlay, commodities.searches))).look()
    search.limit = "time" if search.out_of_time else None


def _cuts(search: _SolveState) -> None:
    """Cut at the root, improve on the plans that its fractional solution suggests, then split."""
    tree = BranchAndCut(
        search.instance,
        search.overlay,
        upper=search.upper,
        gap=search.gap,
        until=search.until,
        listener=search,
    )
    try:
        for start in sorted(search.starts, key=search.overlay.value):
            near = search.overlay.value(start) <= search.upper * (1 + START_WORSE)
            if near and not violations(search.instance, start):
                _PlanImprover(search, PooledValues(tree.master.commodities, tree.master.pool)).search_around(
                    start, START_SHARE
                )
        tree.offer(search.placed)
        with step(search.listener, "cutting"):
            tree.cut_root()
        improver = _PlanImprover(search, PooledValues(tree.master.commodities, tree.master.pool))
        if not (search.closed or tree.out_of_time):
            _improve(search, tree, improver)
        if not (search.closed or tree.out_of_time):
            with step(search.listener, "branching"):
                tree.branch(improver.near_node)
        search.prove(tree.lower)
        improver.look()
    finally:
        search.statistics |= {"linear_programs": tree.rounds, "nodes": tree.nodes, "rows": tree.master.program.n_rows}
    search.prove(tree.lower)
    search.limit = "time" if tree.out_of_time else None
    search.tidy()


def _improve(search: _SolveState, tree: BranchAndCut, improver: _PlanImprover) -> None:
    """Dive for a plan, search around it and, while the gap is wide, around a greedy one."""
    with step(search.listener, "diving"):
        dived = tree.dive()
    if dived is not None:
        search.offer(dived)
        improver.search_around(search.placed)
    if search.gap_left > WIDE:
        improver.search_around(improver.greedy())
    tree.offer(search.placed)


class _PlanImprover:
    """Local searches around the plans of a tree, for a share of its time."""

    def __init__(self, search: _SolveState, pooled: PooledValues) -> None:
        self.pooled = pooled
        self._search = search
        self._began = time.monotonic()
        self._spent = 0.0
        self._rng = np.random.default_rng(search.seed)
        self._seen: set[bytes] = set()
        self._greedy: NDArray[np.bool_] | None = None

    def greedy(self) -> NDArray[np.bool_]:
        """Return a greedy plan, offered as well; it is made once."""
        search = self._search
        if self._greedy is None:
            with step(search.listener, "greedy"):
                made = greedy(search.instance, search.overlay, self.pooled, until=search.until, listener=search)
            search.offer(made)
            self._greedy = made
        return self._greedy

    def look(self) -> None:
        """Make sure of a greedy plan and a local search around the best, unless the bounds leave nothing to gain or time is up.

        A gap is a promise about the bound, not leave to stop looking.
        """
        search = self._search
        if search.gap_left > PROVEN and not search.out_of_time:
            self.greedy()
        if search.gap_left > PROVEN and not search.out_of_time and search.placed.tobytes() not in self._seen:
            self.search_around(search.placed, ruins=False)
        search.looked = search.gap_left <= PROVEN or not search.out_of_time

    def search_around(self, start: NDArray[np.bool_], share: float = 0.0, *, ruins: bool = True) -> NDArray[np.bool_]:
        """Search around a plan, for at least a share of the time that is left where there is a limit, and offer what is found.

        While the gap is wide the search goes on with ruins, where they are wanted.
        """
        search, began = self._search, time.monotonic()
        left = search.until - began
        seconds = max(min(SEARCH_SECONDS, left * SEARCH_SHARE), share * left if np.isfinite(left) else 0.0)
        problem = (search.instance, search.overlay, self.pooled)
        with step(search.listener, "local search"):
            improved = local_search(*problem, start, until=began + seconds, listener=search)
            search.offer(improved)
            if ruins and search.gap_left > WIDE:
                until = began + seconds
                improved = ruin_and_recreate(*problem, improved, rng=self._rng, until=until, listener=search)
                search.offer(improved)
        self._spent += time.monotonic() - began
        self._seen |= {start.tobytes(), improved.tobytes()}
        return improved

    def near_node(self, near: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
        """Search around a plan near a part's solution, unless that was done or the share of time is spent."""
        allowed = SEARCH_SHARE * (time.monotonic() - self._began)
        if self._spent > allowed or near.tobytes() in self._seen:
            return None
        return self.search_around(near)


def _compact(search: _SolveState) -> None:
    from optimizer.solvers.backend import solve_mip

    _greedy(search)
    if search.closed or search.limit is not None:
        return
    model = compact_model(search.instance, search.overlay)
    search.statistics |= {"rows": model.mip.rows.shape[0], "columns": model.mip.rows.shape[1]}
    start = np.full(model.mip.cost.size, np.nan)
    start[: search.placed.size] = search.placed
    with step(search.listener, "branching"):
        outcome = solve_mip(
            model.mip,
            gap=search.gap / 2,  # the rest for what the tolerances may hide
            time_limit=search.seconds_left,
            seed=search.seed,
            presolve=not model.delicate,
            start=start,
            listener=_Scaled(search, model),
        )
    search.statistics["nodes"] = outcome.nodes
    search.limit = outcome.limit
    if outcome.x is not None:
        search.offer(tidy(search.instance, search.overlay, outcome.x[: search.placed.size] > 0.5))
    proven = model.proven(outcome.bound)
    if proven <= search.upper:  # else the solver contradicts a plan, and nothing that it says is proven
        search.prove(proven)
    search.report()
    if not search.closed and search.limit is None and int(search.overlay.free.sum()) <= FEW:
        _enumerate(search)


def _enumerate(search: _SolveState) -> None:
    """Try all plans, in exact arithmetic."""
    with step(search.listener, "enumerating"):
        trial = Enumeration(search.instance, search.overlay, search.upper, search.gap, search.until, search)
        trial.run()
    search.prove(trial.lower)
    search.limit = "time" if trial.out_of_time else None
    search.tidy()


class _Scaled(SilentListener):
    """Passes on the bounds of a scaled model where they are better than what the search has; they are not proven yet."""

    def __init__(self, search: _SolveState, model: CompactModel) -> None:
        self._search, self._model = search, model

    def bounds_moved(self, lower: float, upper: float) -> None:
        """Report them in the commodities of the problem."""
        search, model = self._search, self._model
        best = min(upper * model.scale, search.upper)
        search.listener.bounds_moved(min(max(model.proven(lower), search.lower), best), best)

    def cancelled(self) -> bool:
        """Return whether the search is to stop."""
        return self._search.cancelled()


def _auto(search: _SolveState) -> None:
    _cuts(search)


METHODS: dict[str, Callable[[_SolveState], None]] = {
    "auto": _auto,
    "cuts": _cuts,
    "compact": _compact,
    "greedy": _greedy,
}


METHODS.update(installed_methods())


def register_method(name: str, method: Callable[[MethodSearch], None]) -> None:
    """Let `solve`, `--method` and scenarios use a method that another package defines; one of the same name is replaced."""
    METHODS[name] = method
    if name not in METHOD_NAMES:
        METHOD_NAMES.append(name)


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
