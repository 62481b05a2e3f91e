"""The tables of path cut sets hold, to the last digit and in the same order, what is found set by set."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from optimizer.problem.plan.evaluation import weighted_sum
from optimizer.solvers.branch_and_cut.tree import path_set_branching as module
from optimizer.solvers.branch_and_cut.tree.node import Node
from optimizer.solvers.branch_and_cut.tree.path_set_branching import (
    TINY,
    BranchingRule,
    NodeSolution,
    PathCutSet,
    values_without_each,
)
from optimizer.solvers.params import TreeParams
from tests.kernel_cases import plain_and_compiled
from tests.test_cuts import random_paths

if TYPE_CHECKING:
    from collections.abc import Iterator

N_OPTIONS, N_COMMODITIES = 25, 9
MOST_PATHS = 6


def sets_of(node: Node, solution: NodeSolution, commodity: int, without: np.ndarray) -> Iterator[PathCutSet]:
    """Yield the sets of a commodity, path by path."""
    paths, x = solution.paths, solution.x
    value, undecided = paths.values(np.append(node.ones, False)), np.append(node.undecided, False)
    floor, deficit = np.full(N_COMMODITIES, np.inf), 0.0
    members: list[np.ndarray] = []
    own = np.flatnonzero((paths.commodity == commodity) & (value > node.floor[commodity]))
    for path in own[np.argsort(-value[own], kind="stable")].tolist():
        options = paths.option[path][undecided[paths.option[path]]]
        if any(set(before.tolist()) <= set(options.tolist()) for before in members):
            continue
        if not options.size or len(members) == MOST_PATHS:
            return
        members.append(options)
        floor = np.minimum(floor, without[options].max(axis=0))
        floor[commodity] = value[path]
        cost = solution.dual_cost[options] * (1 - x[options])
        deficit += float(cost.min() * max(0.0, 1 - x[options].sum()) / max(module.EPSILON, (1 - x[options]).max()))
        rise = weighted_sum(solution.weight, np.maximum(floor - solution.cut_value, 0.0))
        if rise > 0 and deficit > 0:
            yield PathCutSet(tuple(members), floor.copy(), rise, deficit)


def set_by_set(node: Node, solution: NodeSolution) -> list[PathCutSet]:
    """Return the sets of a node as `path_cut_sets` is to find them."""
    x, weight, cut_value = solution.x, solution.weight, solution.cut_value
    without = values_without_each(node, solution.paths)
    least = module.EPSILON * weighted_sum(weight, cut_value) + np.finfo(np.float64).tiny
    best = node.floor.copy()
    np.maximum.at(best, solution.paths.commodity, solution.paths.values(np.append(node.ones, False)))
    promise = weight * (best - cut_value)
    found = []
    for j in np.flatnonzero(node.undecided & (x > module.EPSILON) & (x < 1 - module.EPSILON)).tolist():
        rise = max(weighted_sum(weight, np.maximum(without[j] - cut_value, 0.0)), least)
        found.append(PathCutSet((np.array([j]),), np.zeros(9), rise, max(solution.dual_cost[j] * (1 - x[j]), least)))
    for commodity in np.argsort(-promise, kind="stable").tolist():
        found += sets_of(node, solution, commodity, without) if promise[commodity] > 0 else []
    once: dict[frozenset[frozenset[int]], PathCutSet] = {}
    for one in sorted(found, key=lambda one: -one.rise_open * one.rise_closed):
        once.setdefault(frozenset(frozenset(options.tolist()) for options in one.members), one)
    return list(once.values())


def expected_score(rule: BranchingRule, split: PathCutSet, x: np.ndarray, left: float) -> float:
    """Return the score by which a rule is to order a split."""
    kind, j = int(split.option is None), split.option
    total, count, estimated, found = rule.learnt
    rises = found[kind] / estimated[kind] * (split.rise_open, split.rise_closed)
    for child, moved in enumerate((x[j], 1 - x[j]) if j is not None else ()):
        mean = total[child].sum() / max(count[child].sum(), 1)
        known = count[child, j] > 0
        rises[child] = total[child, j] / count[child, j] * moved if known else max(mean * moved, rises[child])
    first, second = (min(max(rise, 0.0), left) / left + TINY for rise in rises.tolist())
    return float(first * second)


def plainly(split: PathCutSet) -> tuple[object, ...]:
    """Return what a split holds in a form that can be compared."""
    members = [options.tolist() for options in split.members]
    return members, split.floor.tolist(), split.rise_open, split.rise_closed


@pytest.mark.parametrize("seed", range(60))
def test_tables_hold_what_is_found_set_by_set(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng, n = np.random.default_rng(seed), N_OPTIONS
    paths, ones = random_paths(rng, n, edges=False), rng.random(n) < 0.1
    node = Node(ones, (rng.random(n) < rng.choice([0.1, 0.5])) & ~ones, rng.random(N_COMMODITIES) * 0.01)
    x = np.where(ones, 1.0, rng.random(n) * ~node.zeros) * (rng.random(n) < 0.7) * rng.choice([0.05, 1.0])
    cut_value = node.floor + rng.random(N_COMMODITIES) * rng.choice([0.001, 0.1])
    dual_cost = rng.random(n) * (rng.random(n) < 0.9)
    solution = NodeSolution(paths, x, cut_value, rng.random(N_COMMODITIES), dual_cost)
    left, rule = float(rng.choice([0.01, 1.0])), BranchingRule(n)
    for _ in plain_and_compiled(monkeypatch):
        found, plain = (
            module.path_cut_sets(node, solution, TreeParams(most_paths=MOST_PATHS)),
            set_by_set(node, solution),
        )
        assert [plainly(found[k]) for k in range(len(found))] == [plainly(split) for split in plain]
        for split in rng.permutation(np.array(plain, dtype=object))[:8].tolist():
            rule.learn(split, x, rng.random(2) * 0.1, left)
        by_score = sorted(plain, key=lambda split: -expected_score(rule, split, x, left))
        assert [plainly(split) for split in rule.ordered(found, x, left)] == [plainly(split) for split in by_score]
