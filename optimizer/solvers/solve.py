"""The solvers by name, and `solve`, which runs one of them and re-evaluates what it says on the full network."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.errors import InfeasibleError, InputError, Problem
from optimizer.base.names import unknown_name
from optimizer.problem.evaluation import plan_value
from optimizer.problem.plan import Plan, violations
from optimizer.problem.result import PROVEN, Progress, Result, relative_gap
from optimizer.solvers.branch_and_cut.master import Units
from optimizer.solvers.branch_and_cut.path_pool import PathPool
from optimizer.solvers.branch_and_cut.tree import BranchAndCut
from optimizer.solvers.compact import compact_model
from optimizer.solvers.heuristics import greedy, local_search, ruin_and_recreate, tidy
from optimizer.solvers.overlay.overlay import Overlay, contract
from optimizer.solvers.pooled_values import PooledValues

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from optimizer.problem.instance import Instance
    from optimizer.problem.result import Limit

SEARCH_SECONDS = 10.0
"""Longest local search, in seconds."""
SEARCH_SHARE = 0.25
"""Longest local search, as a share of the time left; and of all of them, as a share of the time spent."""
START_SHARE, START_WORSE = 0.6, 0.03
"""Share of the time left that a search around a plan to begin from may take, and how much worse than the best it may be, relative."""
WIDE = 0.05
"""Gap after the first local search from which on a greedy plan is made to search around as well."""


def solve(
    instance: Instance,
    *,
    method: str = "auto",
    gap: float = 1e-4,
    time_limit: float | None = None,
    seed: int = 0,
    on_progress: Callable[[Progress], None] | None = None,
    overlay: Overlay | None = None,
    starts: Sequence[NDArray[np.bool_]] = (),
    proven: float = 0.0,
) -> Result:
    """Place options so that as little as possible gets through, and prove how good the plan is.

    Ctrl-C ends the search and returns the best plan so far with its bounds.

    Parameters
    ----------
    instance
        The problem.
    method
        `cuts` (branch and cut of our own), `compact` (one mixed-integer program in HiGHS), `greedy` (its bound is the value with every
        option placed), or `auto`, which is `cuts`: none of the benchmark's problems is solved faster by another (results/benchmarks.md).
    gap
        Relative gap (upper - lower) / upper at which to stop, >= 0.
    time_limit
        Seconds, > 0; None for no limit.
    seed
        Seed of every random choice, >= 0.
    on_progress
        Called when the bounds move.
    overlay
        The instance contracted, by one who knows it better; by default it is contracted here. `compact` takes none.
    starts
        (options,) masks of plans to begin from and to search around; one that is not feasible is not used.
    proven
        A lower bound of the optimal value that is known already.

    Raises
    ------
    InputError
        If an argument is out of range.
    InfeasibleError
        If the forced options break a constraint; it names the constraint. (Without them the empty plan is feasible.)
    SolverError
        If the solver underneath fails.
    KeyboardInterrupt
        If it comes before there is any plan.
    """
    check_arguments(method, gap, time_limit, seed)
    if broken := violations(instance, instance.forced):
        raise InfeasibleError(
            "No plan is feasible: " + "; ".join(broken) + ". Raise the budget or force fewer options."
        )
    search = _Search(
        instance, gap, time_limit, seed, on_progress, instance.forced, given=overlay, starts=starts, proven=proven
    )
    try:
        search.prepare()
        METHODS[method](search)
    except KeyboardInterrupt:
        if not np.isfinite(search.upper):
            raise
        search.limit = "interrupted"
    search.verify()
    return search.result(method)


@dataclass
class _Search:
    """The state of one solve: the incumbent and the bounds, which only ever improve."""

    instance: Instance
    gap: float
    time_limit: float | None
    seed: int
    on_progress: Callable[[Progress], None] | None
    placed: NDArray[np.bool_]
    lower: float = 0.0
    upper: float = np.inf
    limit: Limit | None = None
    started: float = field(default_factory=time.monotonic)
    statistics: dict[str, float] = field(default_factory=dict)
    given: Overlay | None = None
    starts: Sequence[NDArray[np.bool_]] = ()
    proven: float = 0.0
    overlay: Overlay = field(init=False)

    def prepare(self) -> None:
        """Contract the network and take the two bounds that need no search: forced options alone, and everything at once."""
        self.say("contracting")
        self.overlay = self.given or contract(self.instance)
        self.statistics |= {"overlay_nodes": self.overlay.n_nodes, "overlay_arcs": self.overlay.tail.size}
        self.lower = max(self.overlay.value(self.overlay.free | self.placed), self.proven)
        self.offer(self.placed)
        for start in self.starts:
            self.offer(start)
        self.say("bounding")

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
        return (relative_gap(self.lower, self.upper) or 0.0) <= max(self.gap, PROVEN)

    def offer(self, placed: NDArray[np.bool_], step: str = "") -> None:
        """Take a feasible plan as the incumbent if it is better by its value on the overlay; `verify` has the last word."""
        value = self.overlay.value(placed)
        if value < self.upper and not violations(self.instance, placed):
            self.placed, self.upper = placed, value
            self.prove(self.lower)
            if step:
                self.say(step)

    def verify(self) -> None:
        """Value the incumbent on the full network, which knows nothing of the overlay."""
        self.upper = plan_value(self.instance, self.placed)
        self.prove(self.lower)

    def prove(self, lower: float) -> None:
        """Take a proven lower bound if it is better; rounding alone can set it above the incumbent."""
        self.lower = min(max(self.lower, lower), self.upper)

    def rise(self, lower: float) -> None:
        """Take a proven lower bound, and report it if it is better."""
        before = self.lower
        self.prove(lower)
        if self.lower > before:
            self.say("cutting")

    def tidy(self) -> None:
        """Drop the options of the incumbent that change nothing."""
        self.placed = tidy(self.instance, self.overlay, self.placed)

    def say(self, step: str, lower: float | None = None, upper: float | None = None) -> None:
        """Report progress, with bounds better than the state's if given."""
        if self.on_progress is not None:
            low = self.lower if lower is None else max(lower, self.lower)
            high = self.upper if upper is None else min(upper, self.upper)
            self.on_progress(Progress(step, low, high if np.isfinite(high) else None))

    def result(self, method: str) -> Result:
        """Return the outcome."""
        return Result(
            method=method,
            status="optimal" if self.closed else "feasible",
            limit=None if self.closed and self.limit != "interrupted" else self.limit,
            plan=Plan.from_mask(self.instance, self.placed),
            lower=self.lower,
            upper=self.upper,
            seconds=time.monotonic() - self.started,
            seed=self.seed,
            statistics=self.statistics,
        )


def _greedy(search: _Search) -> None:
    search.say("greedy")
    units = Units.of(search.overlay)
    pooled = PooledValues(units, PathPool(search.overlay, units.searches))
    on_plan = partial(search.offer, step="greedy")
    search.offer(greedy(search.instance, search.overlay, pooled, until=search.until, on_plan=on_plan))
    search.limit = "time" if time.monotonic() >= search.until else None


def _cuts(search: _Search) -> None:
    """Cut at the root, improve on the plans that its fractional solution suggests, then split."""
    tree = BranchAndCut(
        search.instance,
        search.overlay,
        upper=search.upper,
        gap=search.gap,
        until=search.until,
        on_plan=lambda placed, _: search.offer(placed, "cutting"),
        on_bounds=search.rise,
    )
    try:
        for start in sorted(search.starts, key=search.overlay.value):
            near = search.overlay.value(start) <= search.upper * (1 + START_WORSE)
            if near and not violations(search.instance, start):
                _Improver(search, PooledValues(tree.master.units, tree.master.pool)).search_around(start, START_SHARE)
        tree.upper = search.upper
        search.say("cutting")
        tree.cut_root()
        if not (search.closed or tree.out_of_time):
            _improve(search, tree)
        if not search.closed:
            tree.branch()
    finally:
        search.statistics |= {"linear_programs": tree.rounds, "parts": tree.parts, "rows": tree.master.program.n_rows}
    search.prove(tree.lower)
    search.limit = "time" if tree.out_of_time else None
    search.tidy()


def _improve(search: _Search, tree: BranchAndCut) -> None:
    """Dive for a plan, search around it and, while the gap is wide, around a greedy one; then let the tree search around its own."""
    improver = _Improver(search, PooledValues(tree.master.units, tree.master.pool))
    dived = tree.dive()
    if dived is not None:
        search.offer(dived, "diving")
        improver.search_around(search.placed)
    if (relative_gap(search.lower, search.upper) or 0.0) > WIDE:
        on_plan = partial(search.offer, step="greedy")
        improver.search_around(
            greedy(search.instance, search.overlay, improver.pooled, until=search.until, on_plan=on_plan)
        )
    tree.upper = search.upper
    tree.improve = improver.from_part


class _Improver:
    """Local searches around the plans of a tree, for a share of its time."""

    def __init__(self, search: _Search, pooled: PooledValues) -> None:
        self.pooled = pooled
        self._search = search
        self._began = time.monotonic()
        self._spent = 0.0
        self._rng = np.random.default_rng(search.seed)
        self._seen: set[bytes] = set()

    def search_around(self, start: NDArray[np.bool_], share: float = 0.0) -> NDArray[np.bool_]:
        """Search around a plan, for at least a share of the time that is left where there is a limit, and offer what is found."""
        search, began = self._search, time.monotonic()
        left = search.until - began
        seconds = max(min(SEARCH_SECONDS, left * SEARCH_SHARE), share * left if np.isfinite(left) else 0.0)
        improved = local_search(
            search.instance,
            search.overlay,
            self.pooled,
            start,
            until=began + seconds,
            on_plan=partial(search.offer, step="local search"),
        )
        search.offer(improved, "local search")
        if (relative_gap(search.lower, search.upper) or 0.0) > WIDE:
            improved = ruin_and_recreate(
                search.instance,
                search.overlay,
                self.pooled,
                improved,
                rng=self._rng,
                until=began + seconds,
                on_plan=partial(search.offer, step="local search"),
            )
            search.offer(improved, "local search")
        self._spent += time.monotonic() - began
        self._seen |= {start.tobytes(), improved.tobytes()}
        return improved

    def from_part(self, near: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
        """Search around a plan near a part's solution, unless that was done or the share of time is spent."""
        allowed = SEARCH_SHARE * (time.monotonic() - self._began)
        if self._spent > allowed or near.tobytes() in self._seen:
            return None
        return self.search_around(near)


def _compact(search: _Search) -> None:
    from optimizer.solvers.backend import solve_mip

    if search.closed:
        return
    model = compact_model(search.instance, search.overlay)
    search.statistics |= {"rows": model.mip.rows.shape[0], "columns": model.mip.rows.shape[1]}
    start = np.full(model.mip.cost.size, np.nan)
    start[: search.placed.size] = search.placed
    search.say("branching")
    outcome = solve_mip(
        model.mip,
        gap=search.gap,
        time_limit=search.seconds_left,
        seed=search.seed,
        start=start,
        on_bounds=lambda lower, upper: search.say("branching", lower * model.scale, upper * model.scale),
    )
    search.statistics["nodes"] = outcome.nodes
    search.limit = outcome.limit
    if outcome.x is not None:
        search.offer(tidy(search.instance, search.overlay, outcome.x[: search.placed.size] > 0.5))
    search.prove(outcome.bound * model.scale)
    search.say("branching")


def _auto(search: _Search) -> None:
    _cuts(search)


METHODS: dict[str, Callable[[_Search], None]] = {
    "auto": _auto,
    "cuts": _cuts,
    "compact": _compact,
    "greedy": _greedy,
}


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
