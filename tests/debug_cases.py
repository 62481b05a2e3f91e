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
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import combinations_with_replacement
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from optimizer.base.work.listener import SILENT
from optimizer.problem.instance.evaders import Evader
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.options import Option, Resource
from optimizer.problem.instance.requirements import requirements_met
from optimizer.problem.plan.evaluation import plan_value
from optimizer.problem.plan.plan import make_beat, with_teams
from optimizer.solvers.branch_and_cut import cuts_search
from optimizer.solvers.branch_and_cut.cuts.lagrangian_cuts import add_lagrangian_cuts
from optimizer.solvers.branch_and_cut.debug_solution import CutOffError, DebugSolution
from optimizer.solvers.branch_and_cut.improve.feasible_start import feasible_start
from optimizer.solvers.branch_and_cut.improve.state import SolveState
from optimizer.solvers.branch_and_cut.lp.master import Master
from optimizer.solvers.branch_and_cut.parallel.parallel_tree import ParallelTree
from optimizer.solvers.branch_and_cut.tree.tree import BranchAndCut
from optimizer.solvers.overlay.overlay import LEAST_NORMAL, Overlay, contract
from optimizer.solvers.params import (
    PatrolParams,
    RootParams,
    SolveOptions,
    SolveParams,
    TreeParams,
)
from optimizer.solvers.patrols import joint
from optimizer.solvers.patrols.beat_tree import BeatTreeProblem
from optimizer.solvers.patrols.branch_and_price import BranchAndPrice
from optimizer.solvers.patrols.column_generation import ColumnGeneration
from optimizer.solvers.patrols.debug_beats import DebugBeats
from optimizer.solvers.patrols.joint import solve_joint
from optimizer.solvers.patrols.tours.tour import Tour
from tests.beat_tree_cases import best_beside_beats, every_plan, option_case
from tests.test_joint import every_tour
from tests.tree_cases import LosingTreeWorkers, budget_case, check_seeds, faults, fitting_plans

ABOVE = (1e-5, 1e-3, 0.05, 1.0)
"""How far the cutoff stands above the best value, relative."""
WAYS = {"alone": 1.0, "flat": 0.7, "groups": 0.4, "shared": 0.7, "thorough": 0.4, "wide": 0.4}
"""How a tree is made, and in what share of the problems: by itself; split by disjoint
paths; cut by groups of evaders; shared by workers; with rows that are lifted, for which
such problems are else too small; and shared with more nodes.
"""
FEW_CUTS = TreeParams(splits=0, most_rounds=3, worthwhile=1.0)
"""Parameters of a tree of many nodes."""
ROUNDING = 1e-9
MOST_FREE = 12
"""Free options up to which all plans are listed."""
MOST_LISTED = 40
"""Beats up to which all are listed that a better plan could hold."""
FEW_ROUNDS = PatrolParams(most_rounds=8, proof_every=2)
"""Parameters of column generation: few rounds, many of them proven."""


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
    kept = [mask for mask in fitting if requirements_met(instance, mask)]
    return np.array(kept, dtype=bool).reshape(len(kept), overlay.free.size)


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
        yield "no plan to lose"
        return
    for way, share in WAYS.items():
        rng = np.random.default_rng([seed, len(way)])
        if rng.random() >= share:
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
    if way == "wide":
        # hardly any cuts: the workers of a tree of more nodes have one another's rows
        params, upper = SolveParams(tree=FEW_CUTS), 2 * least
    if way in {"shared", "wide"}:
        search = SolveState(instance, 0.0, None, 0, SILENT, feasible_start(instance), given=overlay)
        search.contract()
        search.begin()
        tree = BranchAndCut(
            instance, overlay, upper=upper, listener=search, master=master, params=params
        )
        lost = (2, 5) if way == "shared" and rng.random() < 0.5 else ()
        workers = LosingTreeWorkers(2, lost)
        ParallelTree(search, tree, workers, slice_seconds=np.inf, slice_nodes=1).run()
    else:
        tree = BranchAndCut(instance, overlay, upper=upper, master=master, params=params)
        master.thorough = master._large = way == "thorough"
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
    if seed % 4 == 1:
        yield from false_columns(seed)


@contextmanager
def watched_searches(*, alone: bool) -> Iterator[None]:
    """Have every search by cuts watch its best plan by enumeration: each of a curve,
    over draws, with options changed, and over the beats at hand.
    """
    made = cuts_search._master

    def watched(search: SolveState) -> Master:
        master = made(search)
        plans = feasible_masks(search.instance, search.overlay)
        value = np.array([search.overlay.value(mask) for mask in plans])
        if value.size and value.min() > LEAST_NORMAL and not master.relaxed_options.any():
            best = plans[int(np.argmin(value))]
            master.debug = debug = DebugSolution.of(master, best, alone=alone)
            debug.every, debug.every_values = plans, np.array([*map(master.values, plans)])
        return master

    with patch.object(cuts_search, "_master", watched):
        yield


def false_steps_beside_teams(
    instance: Instance,
    placed: NDArray[np.bool_],
    tours: Sequence[tuple[int, Tour]],
    options: SolveOptions,
    *,
    every: Sequence[tuple[int, NDArray[np.float64]]],
    alone: bool,
) -> Iterator[str]:
    """Yield a line for each step of a whole search with teams that loses a plan of
    (options,) fixed options and tours of patrols, and "debug beats" for one that keeps
    it; `every` holds the elements of every tour of each patrol.
    """
    watching = []

    def watched(*arguments: Any, **named: Any) -> ColumnGeneration:
        generation = ColumnGeneration(*arguments, **named)
        debug = DebugBeats.watching(generation, placed, tours, every=every, alone=alone)
        watching.append(debug)
        return generation

    try:
        with patch.object(joint, "ColumnGeneration", watched):
            result = solve_joint(instance, options)
    except CutOffError as error:
        yield f"false step beside teams ({error.step}): {error.what}"
        return
    value = watching[0].value
    if result.lower is None or result.lower > value * (1 + ROUNDING):
        yield f"false bound: {result.lower!r} above {value!r}"
    yield "debug beats"


def false_columns(seed: int) -> Iterator[str]:
    """Yield a line for each step over columns of beats that loses the best plan."""
    instance = with_teams(option_case(seed))
    assert instance.patrols is not None
    generation = ColumnGeneration(instance, instance.patrols)
    plans = every_plan(generation)
    if plans is None or plans.value.min() <= LEAST_NORMAL:
        yield "no plan to lose"
        return
    best = int(np.argmin(plans.value))
    tours = [Tour(*tour) for tour in every_tour(instance.patrols)]
    beats = [make_beat(instance.patrols, 0, t.posts, t.slots, "b").elements for t in tours]
    driven = next(
        chosen
        for chosen in combinations_with_replacement(range(len(tours)), int(plans.teams[best]))
        if (
            sum((beats[k] for k in chosen), np.zeros_like(plans.present[best]))
            == plans.present[best]
        ).all()
    )
    debug = DebugBeats.watching(
        generation,
        plans.placed[best],
        [(0, tours[k]) for k in driven],
        every=[(0, each.astype(np.float64)) for each in beats],
    )
    tree = BranchAndPrice(
        generation, upper=debug.value * (1 + float(ABOVE[seed % len(ABOVE)])), params=FEW_ROUNDS
    )
    try:
        relaxed = tree.cut_root()
        if seed % 3 == 0 and relaxed is not None and tree.proof is not None:
            slack = tree.upper - tree.proof.bound
            generation.add_all(tree.proof.relaxed, slack, MOST_LISTED)
        BeatTreeProblem.of(generation)
        tree.branch()
        debug.proven(tree.lower, "the bound over all nodes and beats")
    except CutOffError as error:
        yield f"false step over columns ({error.step}): {error.what}"
        return
    yield "debug solution over columns"


def false_beats(seed: int) -> Iterator[str]:
    """Yield a line for each step beside beats that loses the best plan with its beats."""
    found = best_beside_beats(seed)
    if found is None:
        yield "no plan to lose"
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
