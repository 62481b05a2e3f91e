"""The best-first search: nodes come by bound, ties as asked for, and the bound of the
whole is true at every moment, interrupts included.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.solvers.best_first import BestFirstSearch, Child
from optimizer.solvers.branch_and_cut.tree.node import Node
from optimizer.solvers.branch_and_cut.tree.path_set_branching import BranchingRule, PathSets, score
from tests.examples import examples

Bits = tuple[int, ...]
SEEDS = st.integers(0, 2**20)


class Knapsack:
    """Choose one of two costs for each of a few positions; a node fixes the first ones,
    and its bound takes the cheaper of the others.
    """

    def __init__(self, costs: np.ndarray, *, newest_first: bool, steps: float = np.inf) -> None:
        self.costs, self.steps = costs, steps
        self.cutoff = np.inf
        self.out_of_time = False
        self.bounds: list[float] = []
        self.order: list[tuple[float, Bits]] = []
        self.search: BestFirstSearch[Bits] = BestFirstSearch(self, newest_first=newest_first)
        self.search.add((), self.bound_of(()))

    def bound_of(self, bits: Bits) -> float:
        """Return the bound of a node, exact for a leaf."""
        fixed = sum(float(self.costs[k, bit]) for k, bit in enumerate(bits))
        return fixed + float(self.costs[len(bits) :].min(axis=1).sum())

    def expanded(self, node: Bits, bound: float) -> list[Child[Bits]] | None:
        """Return both children; a leaf is a plan, and is pruned at its value."""
        if self.search.expanded >= self.steps:
            return None
        self.order.append((bound, node))
        if len(node) == len(self.costs):
            self.cutoff = min(self.cutoff, bound)
            return [Child(node, bound)]
        return [Child(child, self.bound_of(child)) for child in ((*node, 0), (*node, 1))]

    def step_done(self, bound: float) -> None:
        """Keep the bound."""
        self.bounds.append(bound)


def random_costs(seed: int) -> np.ndarray:
    """Return costs with many ties."""
    return np.random.default_rng(seed).integers(0, 3, (5, 2)).astype(float)


@given(SEEDS, st.booleans())
@examples(60)
def test_the_bound_rises_to_the_optimum_and_never_above(seed: int, newest_first: bool) -> None:
    costs = random_costs(seed)
    optimum = min(
        sum(costs[k, bit] for k, bit in enumerate(bits))
        for bits in product((0, 1), repeat=len(costs))
    )
    problem = Knapsack(costs, newest_first=newest_first)
    problem.search.run()
    assert problem.bounds == sorted(problem.bounds)
    assert problem.bounds[-1] == optimum == problem.cutoff
    expanded = [bound for bound, _ in problem.order]
    assert expanded == sorted(expanded)


@given(SEEDS, st.integers(0, 8))
@examples(40)
def test_a_node_that_time_cut_short_stays_open(seed: int, steps: int) -> None:
    stopped = Knapsack(random_costs(seed), newest_first=True, steps=steps)
    stopped.search.run()
    assert stopped.search.bound <= Knapsack(random_costs(seed), newest_first=True).bound_of(
        (0,) * 5
    )
    stopped.steps = np.inf
    stopped.search.run()
    whole = Knapsack(random_costs(seed), newest_first=True)
    whole.search.run()
    assert stopped.order == whole.order


@pytest.mark.parametrize(("newest_first", "second"), [(True, (1,)), (False, (0,))])
def test_of_equal_bounds_the_newest_or_the_oldest_comes_first(
    newest_first: bool, second: Bits
) -> None:
    problem = Knapsack(np.ones((3, 2)), newest_first=newest_first, steps=2)
    problem.search.run()
    assert [node for _, node in problem.order] == [(), second]


def test_what_is_pruned_holds_the_bound() -> None:
    problem = Knapsack(random_costs(3), newest_first=True)
    before = problem.search.bound
    problem.search.prune(before - 1)
    assert problem.search.bound == before - 1
    problem.cutoff = before
    problem.search.add((0,), before)  # not below the cutoff
    assert len(list(problem.search.open_nodes)) == 1


def singles(*rises: tuple[float, float]) -> PathSets:
    """Return the splits by one option each, of these estimates."""
    place = np.arange(len(rises))
    return PathSets(
        place, np.arange(len(rises) + 1), place, place, np.zeros((len(rises), 1)), np.array(rises)
    )


def test_pseudo_costs_take_the_place_of_estimates() -> None:
    """An option that looks best and brought nothing goes behind one that brought
    something in both children.
    """
    rule, x = BranchingRule(3), np.array([0.5, 0.5, 0.5])
    splits = singles((0.9, 0.9), (0.1, 0.1))
    assert [split.option for split in rule.ordered(splits, x, 1.0)] == [0, 1]
    rule.learn(splits[0], x, np.array([0.0, 0.0]), 1.0)
    rule.learn(splits[1], x, np.array([0.2, 0.3]), 1.0)
    assert [split.option for split in rule.ordered(splits, x, 1.0)] == [1, 0]
    assert rule.expected(splits, np.array([0.5, 0.25, 0.5]))[1] == pytest.approx([0.1, 0.45])


def test_an_option_that_was_never_tried_is_expected_to_bring_the_mean() -> None:
    rule, x, splits = BranchingRule(2), np.array([0.5, 0.5]), singles((1e-9, 1e-9), (1e-9, 1e-9))
    rule.learn(splits[0], x, np.array([0.2, 0.3]), 1.0)
    assert rule.expected(splits, x)[1] == pytest.approx([0.2, 0.3])


def test_a_rise_counts_up_to_the_cutoff() -> None:
    assert score([np.inf, 0.5], 1.0) == score([1.0, 0.5], 1.0)
    assert score([-1e-9, 0.5], 1.0) == score([0.0, 0.5], 1.0)
    assert score([0.4, 0.4], 1.0) > score([0.0, 1.0], 1.0)


def test_a_node_within_one_that_contradicts_it_holds_no_plan() -> None:
    def node(ones: list[int], zeros: list[int], ancestors: tuple[int, ...]) -> Node:
        place = np.arange(3)
        return Node(np.isin(place, ones), np.isin(place, zeros), np.zeros(1), ancestors, 0.1)

    both = node([0], [], (1, 4)).within(node([1], [2], (1, 3)))
    assert both.ones.tolist() == [True, True, False]
    assert both.zeros.tolist() == [False, False, True]
    assert both.ancestors == (3, 1, 4)
    assert both.lower == 0.1
    assert node([0], [], (1,)).within(node([], [0], (2,))).lower == np.inf
