"""The best-first search: nodes come by bound, ties as asked for, and the bound of the whole is true at every moment, interrupts included."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.solvers.search.best_first import BestFirstSearch, Child
from tests.examples import examples

Bits = tuple[int, ...]
SEEDS = st.integers(0, 2**20)


class Knapsack:
    """Choose one of two costs for each of a few positions; a node fixes the first ones, and its bound takes the cheaper of the others."""

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
    optimum = min(sum(costs[k, bit] for k, bit in enumerate(bits)) for bits in product((0, 1), repeat=len(costs)))
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
    assert stopped.search.bound <= Knapsack(random_costs(seed), newest_first=True).bound_of((0,) * 5)
    stopped.steps = np.inf
    stopped.search.run()
    whole = Knapsack(random_costs(seed), newest_first=True)
    whole.search.run()
    assert stopped.order == whole.order


@pytest.mark.parametrize(("newest_first", "second"), [(True, (1,)), (False, (0,))])
def test_of_equal_bounds_the_newest_or_the_oldest_comes_first(newest_first: bool, second: Bits) -> None:
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
