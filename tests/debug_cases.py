"""Searches that may not lose the best plan: `python -m tests.debug_cases --count 500`.

All plans of a tiny problem are listed, and the best one is handed to the search as a
debug solution (`optimizer.solvers.branch_and_cut.debug_solution`). The cutoff stands
just above its value and no other plan is taken, so that every step is judged down to
its leaf. Floors of the root are held against the enumeration of all plans.

Problems are those of `tests.tree_cases`, and a kind of their own: one evader, three to
five disjoint roads of options in series, and one budget that closes all of them or all
but one. There floors under the budgets decide.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from optimizer.base.work.listener import SILENT
from optimizer.problem.instance.evaders import Evader
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.options import Option, Resource
from optimizer.problem.instance.requirements import requirements_met
from optimizer.problem.plan.evaluation import plan_value
from optimizer.solvers.branch_and_cut.cuts.lagrangian_cuts import add_lagrangian_cuts
from optimizer.solvers.branch_and_cut.debug_solution import CutOffError, DebugSolution
from optimizer.solvers.branch_and_cut.lp.master import Master
from optimizer.solvers.branch_and_cut.parallel.parallel_tree import ParallelTree
from optimizer.solvers.branch_and_cut.tree.tree import BranchAndCut
from optimizer.solvers.overlay.overlay import Overlay, contract
from optimizer.solvers.params import RootParams, SolveParams, TreeParams
from optimizer.solvers.search.feasible_start import feasible_start
from optimizer.solvers.search.state import SolveState
from tests.beat_tree_cases import best_beside_beats
from tests.tree_cases import LosingTreeWorkers, budget_case, check_seeds, faults, fitting_plans

ABOVE = (1e-5, 1e-3, 0.05, 1.0)
"""How far the cutoff stands above the best value, relative."""
ROUNDING = 1e-9
MOST_FREE = 12
"""Free options up to which all plans are listed."""


def series_case(seed: int) -> Instance:
    """Return disjoint roads of options in series, and a budget that closes all of them
    once, or all but one.
    """
    rng = np.random.default_rng([seed, 47])
    lengths = rng.integers(1, 4, int(rng.integers(3, 6)))
    tail: list[int] = []
    head: list[int] = []
    node = 2
    for length in lengths.tolist():
        stops = [0, *range(node, node + length - 1), 1]
        tail, head, node = tail + stops[:-1], head + stops[1:], node + length - 1
    n = len(tail)
    uses = rng.choice([1.0, 2.0, 3.0] if rng.random() < 0.5 else [1.0], n)
    first = np.concatenate(([0], np.cumsum(lengths)[:-1]))
    cheapest = np.array([uses[a : a + k].min() for a, k in zip(first, lengths, strict=True)])
    budget = cheapest.sum() - (cheapest.max() if rng.random() < 0.7 else 0.0)
    survival = rng.choice([0.0, 0.05, 0.3, 0.5], n)
    return Instance(
        f"series-{seed}",
        np.arange(node),
        np.array(tail, dtype=np.int32),
        np.array(head, dtype=np.int32),
        np.where(rng.random(n) < 0.3, 1.0, rng.uniform(0.6, 1.0, n)),
        (Evader("e", 0, 1, 1.0),),
        tuple(
            Option(f"o{j}", (j,), (float(survival[j]),), {"teams": float(uses[j])})
            for j in range(n)
        ),
        (Resource("teams", float(budget)),),
    )


def feasible_masks(instance: Instance, overlay: Overlay) -> NDArray[np.bool_]:
    """Return every feasible (plans, options) mask; none where they are too many."""
    if int(overlay.free.sum()) > MOST_FREE:
        return np.zeros((0, overlay.free.size), dtype=bool)
    fitting = fitting_plans(instance, overlay)
    return np.array([mask for mask in fitting if requirements_met(instance, mask)]).reshape(
        -1, overlay.free.size
    )


def false_steps(instance: Instance, seed: int) -> Iterator[str]:
    """Yield a line for each step that loses the best plan, and "debug solution" for a
    search that keeps it.
    """
    overlay = contract(instance)
    plans = feasible_masks(instance, overlay)
    value = np.array([overlay.value(mask) for mask in plans])
    whole = np.array([plan_value(instance, mask) for mask in plans])
    if not np.allclose(value, whole, rtol=ROUNDING, atol=0):
        yield f"false overlay: {value.tolist()} in place of {whole.tolist()}"
    if not value.size or value.min() <= np.finfo(np.float64).tiny:
        yield "nothing to lose"
        return
    for way in ("alone", "flat", "groups", "shared"):
        rng = np.random.default_rng([seed, len(way)])
        if rng.random() < {"alone": 0.0, "flat": 0.3, "groups": 0.6, "shared": 0.3}[way]:
            continue
        try:
            yield from _searched(instance, overlay, plans, value, rng, way)
        except CutOffError as error:
            yield f"false step ({error.step}): {error.what}"


def _searched(
    instance: Instance,
    overlay: Overlay,
    plans: NDArray[np.bool_],
    value: NDArray[np.float64],
    rng: np.random.Generator,
    way: str,
) -> Iterator[str]:
    """Yield what is false about one search."""
    least = float(value.min())
    best = plans[rng.choice(np.flatnonzero(value <= least * (1 + 1e-12)))]
    master = Master(instance, overlay)
    debug = DebugSolution.of(master, best)
    debug.every, debug.every_values = plans, np.array([master.values(mask) for mask in plans])
    master.debug = debug
    upper = least * (1 + float(rng.choice(ABOVE)))
    params = SolveParams(
        root=RootParams(patience=int(rng.choice([1, 5]))),
        tree=TreeParams(splits=int(rng.choice([0, 3])), search_every=int(rng.choice([1, 3]))),
    )
    if way == "shared":
        search = SolveState(instance, 0.0, None, 0, SILENT, feasible_start(instance), given=overlay)
        search.contract()
        search.begin()
        tree = BranchAndCut(
            instance, overlay, upper=upper, listener=search, master=master, params=params
        )
        lost = (2, 5) if rng.random() < 0.5 else ()
        workers = LosingTreeWorkers(2, lost)
        ParallelTree(search, tree, workers, slice_seconds=np.inf, slice_nodes=1).run()
    else:
        tree = BranchAndCut(instance, overlay, upper=upper, master=master, params=params)
        last = tree.cut_root() if rng.random() < 0.6 else tree.cut_root(1)
        if way == "groups":
            add_lagrangian_cuts(tree, best)
        if way == "flat" and last is not None:
            # a root that stood still by itself is rare
            tree._leaves_open(last.x)
            tree.to_split = bool(tree._paths)
        tree.branch()
    debug.bound(tree.lower, "the bound over all nodes")
    found = list(faults(tree, least))
    yield from found or [f"debug solution, {way}"]


def check_debug(seed: int) -> Iterator[str]:
    """Yield what is found about the problems of a seed."""
    yield from false_steps(series_case(seed), seed)
    yield from false_steps(budget_case(seed), seed)
    if seed % 4 == 0:
        yield from false_beats(seed)


def false_beats(seed: int) -> Iterator[str]:
    """Yield a line for each step beside beats that loses the best plan with its beats."""
    found = best_beside_beats(seed)
    if found is None:
        yield "nothing to lose"
        return
    problem, debug = found
    problem.master.debug = debug
    try:
        tree = BranchAndCut(
            problem.instance,
            problem.overlay,
            upper=debug.value * (1 + float(ABOVE[seed // 4 % len(ABOVE)])),
            master=problem.master,
        )
        tree.cut_root()
        tree.branch()
        debug.bound(tree.lower, "the bound over all nodes")
    except CutOffError as error:
        yield f"false step beside beats ({error.step}): {error.what}"
        return
    yield "debug solution beside beats"


def main() -> int:
    """Check many problems; return the exit code."""
    return check_seeds("tests.debug_cases", "Searches with a debug solution.", check_debug, 500)


if __name__ == "__main__":
    sys.exit(main())
