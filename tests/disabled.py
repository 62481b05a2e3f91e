"""The same answer with every part of the search left out, one at a time: `python -m
tests.disabled --count 30`.

Small instances with every feature are solved to proof as the search is, and then once
more for each part: a family of cuts, a rule of the tree, a heuristic, compiled kernels,
a second process. Values must agree with one another and with all plans, and no bound
may be above them. A part that is needed for a right answer, and not for a quick one,
shows here.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import numpy as np

from optimizer.base.work import kernels
from optimizer.problem.instance.instance import Instance
from optimizer.problem.plan.result import PROVEN
from optimizer.solvers.branch_and_cut.cuts.budget_hull import BudgetHull
from optimizer.solvers.branch_and_cut.cuts.separation import Kinds
from optimizer.solvers.branch_and_cut.lp import master as master_module
from optimizer.solvers.branch_and_cut.tree.tree import BranchAndCut
from optimizer.solvers.params import SolveOptions, SolveParams
from optimizer.solvers.solve import solve_with
from tests.certificate_cases import least_value
from tests.tree_cases import budget_case

ROUNDING = 1e-9
"""Relative rounding of values by brute force."""


@contextmanager
def without_cuts(family: str) -> Iterator[None]:
    """Leave a family of cuts on values out."""

    def fewer(stars: Any, chords: Any, tangents: Any) -> Any:
        none = np.zeros_like(stars)
        given = {"stars": stars, "chords": chords, "tangents": tangents}
        return Kinds(**given | {family: False if family == "tangents" else none})

    with patch.object(master_module, "Kinds", fewer):
        yield


@contextmanager
def without_budget_cuts() -> Iterator[None]:
    """Leave cuts on budgets out."""
    cuts = BudgetHull.cuts

    def none(self: Any, *arguments: Any) -> Any:
        found = cuts(self, *arguments)
        return type(found)(found.coefficient[[]], found.side[:0])

    with patch.object(BudgetHull, "cuts", none):
        yield


@contextmanager
def without_fixing() -> Iterator[None]:
    """Fix no options by reduced costs."""
    with patch.object(BranchAndCut, "_fixed", lambda _, node, __: node):
        yield


@contextmanager
def with_kernels() -> Iterator[None]:
    """Compile kernels for small instances as well."""
    with patch.object(kernels, "HUGE", 1.0):
        yield


def _with(part: str, **changed: Any) -> SolveParams:
    params = SolveParams()
    return replace(params, **{part: replace(getattr(params, part), **changed)})


PARTS: dict[str, tuple[Callable[[], AbstractContextManager[None]], dict[str, Any]]] = {
    "nothing left out": (nullcontext, {}),
    "star cuts": (lambda: without_cuts("stars"), {}),
    "chord cuts": (lambda: without_cuts("chords"), {}),
    "tangent cuts": (lambda: without_cuts("tangents"), {}),
    "budget cuts": (without_budget_cuts, {}),
    "floors under the budgets": (nullcontext, {"params": _with("root", most_tightenings=0)}),
    "cuts for groups of evaders": (nullcontext, {"params": _with("lagrangian", gap=1.0)}),
    "fixing by reduced costs": (without_fixing, {}),
    "strong branching": (nullcontext, {"params": _with("tree", splits=0)}),
    "paths kept between rounds": (nullcontext, {"params": _with("tree", search_every=1)}),
    "dropping of slack rows": (nullcontext, {"params": _with("tree", slack_solves=10**6)}),
    "dive and plans that close a cut": (
        nullcontext,
        {"params": _with("heuristics", dive_gap=1.0, min_cut_gap=1.0)},
    ),
    "one process": (nullcontext, {"threads": 2, "params": _with("workers", start_after=0.0)}),
    "a start from nothing": (nullcontext, {"start": True}),
    "NumPy in place of kernels": (with_kernels, {}),
}
"""What is left out of the search, as a context and as arguments. The last three are
exchanged: for two processes, for the plan that was found, and for compiled kernels,
which stay loaded.
"""


def check_instance(instance: Instance, parts: dict[str, Any]) -> Iterator[tuple[str, str, float]]:
    """Yield each part with its fault, or nothing, and the processor seconds of its search."""
    least, best = least_value(instance), None
    for name, (left_out, given) in parts.items():
        arguments = dict(given)
        starts = (best,) if arguments.pop("start", False) and best is not None else ()
        begun = time.process_time()
        with left_out():
            result = solve_with(
                instance, replace(SolveOptions(gap=0.0, threads=1), **arguments), starts=starts
            )
        seconds = time.process_time() - begun
        best = best or result.plan
        lower, upper = result.lower or 0.0, np.inf if result.upper is None else result.upper
        fault = ""
        if not least * (1 - ROUNDING) <= upper <= least * (1 + 2 * PROVEN) + ROUNDING:
            fault = f"value {upper:.12g}, and {least:.12g} by all plans"
        elif lower > least * (1 + ROUNDING):
            fault = f"bound {lower:.12g} above {least:.12g}"
        yield name, fault, seconds


def main() -> int:
    """Print a row a part: processor seconds beside the whole search, and faults."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=30, help="instances")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    seconds, faults = dict.fromkeys(PARTS, 0.0), dict.fromkeys(PARTS, 0)
    for seed in range(arguments.seed, arguments.seed + arguments.count):
        for name, fault, spent in check_instance(budget_case(seed), PARTS):
            seconds[name] += spent
            faults[name] += bool(fault)
            if fault:
                sys.stdout.write(f"seed {seed}, without {name}: {fault}\n")
    whole = seconds["nothing left out"]
    for name, spent in seconds.items():
        sys.stdout.write(f"| {name} | {spent:.1f} | {spent / whole:.2f} | {faults[name]} |\n")
    return int(any(faults.values()))


if __name__ == "__main__":
    sys.exit(main())
