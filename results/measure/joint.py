"""What each part of the joint search brings: `python -m results.measure joint SECONDS
SEED CASE [PART...]` prints a table of a case of `patrols`.

The search is run whole, then without one part at a time: each of `PARTS`, or those
named, several at once with ` + ` between them. The limit is one by work, of one
process. Without a part its time is left to those after it.
"""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from optimizer.base.work.listener import SilentListener
from optimizer.base.work.work_clock import work_seconds
from optimizer.lab.benchmark.patrols import patrol_cases
from optimizer.problem.plan.result import relative_gap
from optimizer.solvers.params import ClockParams, PatrolParams, SolveOptions, SolveParams
from optimizer.solvers.patrols import exact_steps, joint
from optimizer.solvers.solve import solve_with

WHOLE = "whole"
PARTS: dict[str, tuple[object, str]] = {
    "dive": (joint, "_dive"),
    "exact steps": (exact_steps.ExactSteps, "_offer"),
    "tree beside any beats": (joint, "bound_beside_any_beats"),
    "listing of beats": (joint, "_completed"),
}
"""What is put out of action for each part: a function that then does nothing."""


class _Moments(SilentListener):
    """Notes the best plan, and after how much work it came."""

    def __init__(self) -> None:
        self.began, self.upper, self.found = work_seconds(), float("inf"), 0.0

    def bounds_moved(self, lower: float, upper: float) -> None:
        del lower
        if upper < self.upper * (1 - 1e-9):
            self.upper, self.found = upper, work_seconds() - self.began


def measured(case: Any, seconds: float, seed: int, part: str) -> str:
    """Return a row of the table."""
    params = SolveParams(clock=ClockParams(by_work=True), patrols=PatrolParams())
    options = SolveOptions(gap=1e-4, time_limit=seconds, threads=1, seed=seed, params=params)
    instance = case.make()
    solve_with(instance, replace(options, time_limit=0.01))  # compiles what is to be compiled
    moments = _Moments()
    with ExitStack() as put_out:
        for owner, name in () if part == WHOLE else (PARTS[one] for one in part.split(" + ")):
            put_out.enter_context(patch.object(owner, name, lambda *_, **__: None))
        result = solve_with(instance, options, listener=moments)
    took, gap = work_seconds() - moments.began, relative_gap(result.lower, result.upper) or 0.0
    told = (f"{result.upper or 0.0:.5f}", f"{result.lower or 0.0:.5f}", f"{100 * gap:.2f} %")
    return " | ".join((case.name, str(seed), part, *told, f"{moments.found:.1f}", f"{took:.1f}"))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the measurement takes."""
    parser.add_argument("seconds", type=float, help="of work")
    parser.add_argument("seed", type=int)
    parser.add_argument("case", help="case of the suite patrols")
    parser.add_argument("parts", nargs="*", help=f"without which; of {', '.join(PARTS)}")


def main(asked: argparse.Namespace) -> None:
    """Print the table."""
    (case,) = (one for one in patrol_cases() if one.name == asked.case)
    print(
        "| case | seed | without | value | bound over all beats | gap | best plan after s |"
        " took s |"
    )
    for part in asked.parts or [WHOLE, *PARTS]:
        print(f"| {measured(case, asked.seconds, asked.seed, part)} |", flush=True)
