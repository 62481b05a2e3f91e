"""The state of one solve: the incumbent and the bounds, whichever method works on them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.base.work.listener import Listener, SilentListener, step, stop_if_cancelled
from optimizer.base.work.work_clock import machine_end, work_seconds
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.requirements import requirements_met
from optimizer.problem.plan.evaluation import plan_value
from optimizer.problem.plan.plan import Plan, violations
from optimizer.problem.plan.result import Limit, Result, relative_gap, tolerance_of
from optimizer.solvers.branch_and_cut.improve.feasible_start import made_to_fit, todays_layout
from optimizer.solvers.branch_and_cut.parallel.messages import TreeWorkers
from optimizer.solvers.branch_and_cut.proof.record import SearchRecord
from optimizer.solvers.overlay.overlay import LEAST_NORMAL, Overlay, contract
from optimizer.solvers.params import SolveParams

if TYPE_CHECKING:
    from optimizer.solvers.branch_and_cut.improve.warm_start import WarmStart
    from optimizer.solvers.branch_and_cut.lp.master import Master
    from optimizer.solvers.branch_and_cut.paths.path_pool import PooledValues

BRANCHING = "branching"
"""The step in which a tree is searched."""
NOTHING = 1e-12
"""A gain below this share of the value is rounding and counts as none."""


@dataclass
class SolveState(SilentListener):
    """The state of one solve: the incumbent and the bounds, which only ever improve,
    whatever the searches that it listens to report.

    `looked` says whether a greedy plan and a local search were made in time, or nothing
    was left to gain, `greedy_made` whether the greedy plan was; `start` is the plan of
    the fewest options, at first `placed`. `starts` are made to fit the instance, and
    `start_values` are their values. It is timed by the clock of work: `started`,
    `began`; `machine_started` is by the machine's.
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
    greedy_made: bool = False
    started: float = field(default_factory=work_seconds)
    machine_started: float = field(default_factory=time.monotonic)
    statistics: dict[str, float] = field(default_factory=dict)
    given: Overlay | None = None
    starts: Sequence[NDArray[np.bool_]] = ()
    proven: float = 0.0
    known: float = np.inf
    began: float = np.inf
    exact: Callable[[NDArray[np.bool_]], float] | None = None
    threads: int = 1
    workers: TreeWorkers | None = None
    warm_start: WarmStart | None = None
    master: Master | None = None
    params: SolveParams = SolveParams()
    record: SearchRecord | None = None
    overlay: Overlay = field(init=False)
    start_values: list[float] = field(init=False, default_factory=list)
    start: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        """Keep the plan that the search begins from, and make those that are known fit."""
        self.start = self.placed
        self.starts = [made_to_fit(self.instance, start) for start in self.starts]

    def contract(self) -> None:
        """Contract the network."""
        with step(self.listener, "contracting", stoppable=False):
            self.overlay = self.given or contract(self.instance)
        if self.overlay.left_out:
            self.listener.noted(
                f"{self.overlay.left_out} evaders or habitual routes are left out of the search:"
                f" each is worth less than {LEAST_NORMAL:.1e}, too little to compute with. The"
                " value of the plan counts them, its lower bound does not."
            )

    def begin(self) -> None:
        """Take the two bounds that need no search, forced options alone and everything
        at once, today's layout and the plans to begin from.
        """
        self.statistics |= {
            "overlay_nodes": self.overlay.n_nodes,
            "overlay_arcs": self.overlay.tail.size,
        }
        # a program that is given may have relaxed options, which come several times:
        # more than everything once
        everything = (
            self.overlay.value(self.overlay.free | self.placed) if self.master is None else 0.0
        )
        self.lower = max(everything, self.proven)
        self.offer(self.placed)
        if self.improves and (today := todays_layout(self.instance)) is not None:
            self.offer(today)
        self.start_values = [self.overlay.value(start) for start in self.starts]
        for start, value in zip(self.starts, self.start_values, strict=True):
            self.plan_found(start, value)
        self.report()

    @property
    def ended(self) -> bool:
        """Whether the search is over as its gap is closed; most searches go on to look
        for a better plan.
        """
        return self.quick and self.closed

    @property
    def improves(self) -> bool:
        """Whether to search around plans; not where the linear program is given, as by
        one who wants its bound and has plans already.
        """
        return self.master is None

    @property
    def quick(self) -> bool:
        """Whether a search that closes the gap is to end there, without a local search
        around its plan.
        """
        return self.warm_start is not None and self.warm_start.quick

    @property
    def seconds_left(self) -> float | None:
        """Seconds of work until the time limit, at least 0; None without one."""
        return (
            None
            if self.time_limit is None
            else max(0.0, self.started + self.time_limit - work_seconds())
        )

    @property
    def until(self) -> float:
        """`time.monotonic()` of the time limit, for methods that know of no other
        clock; infinity without one.
        """
        return (
            np.inf
            if self.time_limit is None
            else min(self.machine_started + self.time_limit, machine_end())
        )

    @property
    def work_until(self) -> float:
        """`work_seconds()` of the time limit; infinity without one."""
        return np.inf if self.time_limit is None else self.started + self.time_limit

    @property
    def may_share(self) -> bool:
        """Whether further processes are worth their start: there are to be some, and
        the search has taken some seconds.
        """
        return (self.threads > 1 or self.workers is not None) and work_seconds() - min(
            self.started, self.began
        ) > self.params.workers.start_after

    @property
    def closed(self) -> bool:
        """Whether the bounds have met to within the gap asked for."""
        return self.gap_left <= tolerance_of(self.gap)

    @property
    def enough(self) -> float:
        """Value of a plan that would close the gap."""
        return self.lower / (1 - tolerance_of(self.gap)) if tolerance_of(self.gap) < 1 else np.inf

    @property
    def gap_left(self) -> float:
        """Relative gap of the bounds so far; 0 where it is not known."""
        return relative_gap(self.lower, self.upper) or 0.0

    @property
    def out_of_time(self) -> bool:
        """Whether the time limit has come."""
        return work_seconds() >= self.work_until

    def offer(self, placed: NDArray[np.bool_]) -> None:
        """Take a plan as the incumbent if it is feasible and better by its value on the
        overlay; `verify` has the last word.
        """
        self.plan_found(placed, self.overlay.value(placed))

    def plan_found(self, placed: NDArray[np.bool_], value: float) -> None:
        """Take a plan of this value on the overlay as the incumbent if it is feasible
        and better.
        """
        if value < self.upper and not violations(self.instance, placed):
            self.placed, self.upper = placed, value
            self.prove(self.lower)
            self.listener.plan_found(placed, value)
            self.report()

    def verify(self) -> None:
        """Value the incumbent on the full network, which knows nothing of the overlay."""
        self.upper = (
            plan_value(self.instance, self.placed)
            if self.exact is None
            else self.exact(self.placed)
        )
        self.prove(self.lower)

    def prove(self, lower: float) -> None:
        """Take a proven lower bound if it is better; rounding alone can set it above
        the incumbent.
        """
        self.lower = min(max(self.lower, lower), self.upper)

    def bounds_moved(self, lower: float, upper: float) -> None:  # noqa: ARG002 - plans come by `plan_found`
        """Take a proven lower bound, and report it if it is better."""
        before = self.lower
        self.prove(lower)
        if self.lower > before:
            self.report()
        stop_if_cancelled(self.listener)

    def step_started(self, name: str) -> None:
        """Pass it on."""
        self.listener.step_started(name)

    def step_ended(self, name: str, seconds: float) -> None:
        """Pass it on."""
        self.listener.step_ended(name, seconds)

    def noted(self, sentence: str) -> None:
        """Pass it on."""
        self.listener.noted(sentence)

    def cancelled(self) -> bool:
        """Return whether the listener wants the search to stop."""
        return self.listener.cancelled()

    def reduce_plan(self, pooled: PooledValues | None = None) -> None:
        """Drop the options of the incumbent that change nothing; values over a pool of
        paths make it quicker.
        """
        self.placed = reduce_plan(self.instance, self.overlay, self.placed, pooled)

    def report(self) -> None:
        """Tell the listener the bounds."""
        self.listener.bounds_moved(self.lower, self.upper)

    def result(self, method: str) -> Result:
        """Return the outcome."""
        return Result(
            method=method,
            status="optimal" if self.closed else "feasible",
            limit=(
                None if self.closed and self.looked and self.limit != "interrupted" else self.limit
            ),
            plan=Plan.from_mask(self.instance, self.placed),
            lower=self.lower,
            upper=self.upper,
            seconds=time.monotonic() - self.machine_started,
            seed=self.seed,
            statistics=self.statistics,
            tolerance=tolerance_of(self.gap),
        )


def reduce_plan(
    instance: Instance,
    overlay: Overlay,
    placed: NDArray[np.bool_],
    pooled: PooledValues | None = None,
) -> NDArray[np.bool_]:
    """Return the mask without the options whose removal, one after another, does not
    change the value.

    Values over a pool save most of the exact ones: an option whose removal raises the
    value over some paths raises it, whichever others are gone.
    """
    placed = placed.copy()
    value = overlay.value(placed)
    idle = placed & ~instance.forced
    if pooled is not None:
        idle &= pooled.losses(placed) <= max(value * (1 + NOTHING) - pooled.value(placed), 0.0)
    for option in reversed(np.flatnonzero(idle).tolist()):
        placed[option] = False
        if not requirements_met(instance, placed) or overlay.value(placed) > value * (1 + NOTHING):
            placed[option] = True
    return placed
