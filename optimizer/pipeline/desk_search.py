"""A search in the background: the best plan for the budgets and demands on a desk, from the plan shown."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from optimizer.base.errors import InputError, OptimizerError, Problem
from optimizer.base.interrupts import is_interrupt
from optimizer.base.language import marked
from optimizer.base.listener import SilentListener
from optimizer.base.said import said
from optimizer.pipeline.desk import DeskModel
from optimizer.pipeline.substitutes import make_room
from optimizer.problem.beats import with_beats, with_teams
from optimizer.problem.plan import Plan, with_plan
from optimizer.solvers.overlay.restriction import restricted
from optimizer.solvers.patrols.joint import solve_joint, with_tours
from optimizer.solvers.solve import place

if TYPE_CHECKING:
    from optimizer.pipeline.desk import Desk
    from optimizer.problem.instance import Instance
    from optimizer.problem.result import Result


BEATS_KEPT = 0.3
"""Share of the time of a search with teams that it first spends on sites alone, with the beats of the plan shown."""
LEAST_SECONDS = 0.1
"""What is left for the search with other beats, at least."""


class DeskSearch(SilentListener):
    """A search for the best plan, in a thread of its own; it has the best plan so far when it is stopped.

    Parameters
    ----------
    desk
        What to search for, and where to begin. It must not change before `done`.
    time_limit, gap, seed
        As in `optimizer.solvers.solve.solve`.

    Attributes
    ----------
    lower, upper
        Bound that is proven so far, and value of the best plan so far; infinite where none is known.
    step
        What is being done.
    done
        Whether it has ended.
    result
        What it found; None before the end, and where there is no plan.
    failure
        Why there is none, in words.

    Raises
    ------
    InputError
        If the time limit is no number of seconds above 0.
    """

    def __init__(self, desk: Desk, *, time_limit: float, gap: float = 1e-4, seed: int = 0) -> None:
        if not 0 < time_limit < math.inf:
            raise InputError(Problem(said("time limit"), str(time_limit), said("a number of seconds above 0")))
        self.desk, self.case, self.model = desk, desk.case, desk.model
        self.time_limit, self.gap, self.seed = time_limit, gap, seed
        self.lower, self.upper, self.step = 0.0, math.inf, marked("begins")
        self.result: Result | None = None
        self.failure: str = ""
        self.began = time.monotonic()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="desk search", daemon=True)

    @property
    def done(self) -> bool:
        """Whether the search has ended."""
        return self._thread.ident is not None and not self._thread.is_alive()

    @property
    def seconds(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self.began

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Ask it to end soon, with the best plan so far."""
        self._stopped = True

    def wait(self, seconds: float | None = None) -> None:
        """Wait for its end."""
        self._thread.join(seconds)

    def take(self) -> None:
        """Lay the plan that it found on the desk, or the one that was shown with what is proven now, where that is better.

        Raises
        ------
        InputError
            If it found none; `failure` says why.
        """
        if self.result is None:
            raise InputError(
                Problem("search", self.failure or "no end yet", "a plan that keeps every budget and demand")
            )
        desk, found = self.desk, self.result
        if desk.feasible and found.upper is not None and desk.value < found.upper:
            kept = replace(found, plan=desk.state.plan, upper=desk.value)
            desk.show(kept, self.case, desk.model)
        else:
            desk.show(found, self.case, self.model)

    def step_started(self, name: str) -> None:
        """Keep the name."""
        self.step = name

    def bounds_moved(self, lower: float, upper: float) -> None:
        """Keep both."""
        self.lower, self.upper = lower, upper

    def cancelled(self) -> bool:
        """Return whether it was asked to end."""
        return self._stopped

    def _run(self) -> None:
        try:
            result = self._solved()
            if result.plan is not None and self.case.patrols is not None:
                self.model = DeskModel.of(self.desk.base, result.plan)
            self.result = result
            self.failure = "" if result.plan is not None else said("no plan before the time ended: give it more")
        except OptimizerError as error:
            self.failure = error.args[0] if error.args else ""
        except BaseException as error:  # noqa: BLE001 - a thread has nobody else to tell
            stopped = is_interrupt(error)
            self.failure = said("stopped before there was a plan") if stopped else f"{type(error).__name__}: {error}"

    def _solved(self) -> Result:
        """Search for sites with the beats of the plan shown; where there are teams, then for sites and beats together, from both plans."""
        case, state = self.case, self.desk.state
        if case.patrols is None:
            return self._placed(case, self.time_limit)
        demands, ids = state.beats, [beat.id for beat in state.beats.must]
        shown = demands.kept_in(state.plan)
        near = self._placed(with_plan(case, shown).with_forced(*ids), self.time_limit * BEATS_KEPT)
        beats = {beat.id: beat for beat in shown.beats}
        names = () if near.plan is None else near.plan.options
        fixed = Plan.of(case, [name for name in names if name in case.option_index])
        same = Plan((*fixed.placements, *(beats[name] for name in names if name in beats)))
        proven = min(self.desk.lower, near.upper or 0.0)  # what is proven there is so of these beats alone
        near = replace(near, plan=same, lower=proven, weighed_lower=near.lower, status="feasible")
        if self._stopped:
            return near
        whole = with_beats(with_teams(case), demands.must).with_forced(*ids)
        found = solve_joint(
            whole,
            gap=self.gap,
            time_limit=max(self.time_limit - self.seconds, LEAST_SECONDS),
            seed=self.seed,
            starts=[demands.as_options(plan) for plan in (same, shown)],
            proven=self.desk.lower,
            banned=demands.banned,
            listener=self,
        )
        if found.plan is not None:
            found = replace(found, plan=with_tours(found.plan, demands.must))
        better = near.upper is not None and (found.upper is None or near.upper < found.upper)
        return replace(found, plan=near.plan, upper=near.upper) if better else found

    def _placed(self, case: Instance, seconds: float) -> Result:
        """Return the best plan found of the options of a case, from the plan shown."""
        start = self.desk.placed.copy()
        make_room(case, start, [])
        return place(
            case,
            gap=self.gap,
            time_limit=seconds,
            seed=self.seed,
            listener=self,
            overlay=restricted(self.model.overlay, case),
            starts=[start],
            proven=self.desk.lower,
        )
