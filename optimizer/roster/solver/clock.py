"""The time limit of a search, and a CP-SAT solve that Ctrl-C stops."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from optimizer.base.errors import SolverError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ortools.sat.python import cp_model

POLL_SECONDS = 0.1
"""Seconds between two looks at the clock during a solve."""


@dataclass
class Clock:
    """Time left, and whether somebody pressed Ctrl-C."""

    until: float
    on_tick: Callable[[], None] = lambda: None
    interrupted: bool = False

    @property
    def left(self) -> float:
        """Seconds until the limit, at least 0."""
        return max(0.0, self.until - time.monotonic())

    @property
    def over(self) -> bool:
        """Whether the search must end."""
        return self.interrupted or self.left <= 0

    @property
    def limit(self) -> Literal["time", "interrupted"] | None:
        """What ended the search, if anything has."""
        return "interrupted" if self.interrupted else "time" if self.left <= 0 else None


def solve_until(solver: cp_model.CpSolver, model: cp_model.CpModel, clock: Clock) -> Any:  # noqa: ANN401 - an untyped status
    """Solve in a thread, so that this one receives Ctrl-C, which stops the search; the best solution so far is kept."""
    answer: list[Any] = []
    done = threading.Event()  # a join that Ctrl-C ends would take the thread for finished (CPython issue 89437)

    def run() -> None:
        try:
            answer.append(solver.solve(model))
        except BaseException as error:  # noqa: BLE001 - it is raised again below, in the main thread
            answer.append(error)
        finally:
            done.set()

    threading.Thread(target=run, daemon=True).start()
    ticked = False
    while not (done.is_set() and ticked):
        ticked = True
        try:
            if clock.interrupted:
                solver.stop_search()
            done.wait(POLL_SECONDS)
            clock.on_tick()
        except KeyboardInterrupt:
            clock.interrupted = True
    if isinstance(answer[0], BaseException):
        raise SolverError(f"CP-SAT failed: {answer[0]}") from answer[0]
    return answer[0]
