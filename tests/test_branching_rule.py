"""The order of splits follows what earlier ones brought."""

from __future__ import annotations

import numpy as np
import pytest

from optimizer.solvers.branch_and_cut.tree.node import Node
from optimizer.solvers.branch_and_cut.tree.path_set_branching import BranchingRule, PathCutSets, score


def singles(*rises: tuple[float, float]) -> PathCutSets:
    """Return the splits by one option each, of these estimates."""
    place = np.arange(len(rises))
    return PathCutSets(place, np.arange(len(rises) + 1), place, place, np.zeros((len(rises), 1)), np.array(rises))


def test_pseudo_costs_take_the_place_of_estimates() -> None:
    """An option that looks best and brought nothing goes behind one that brought something in both children."""
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
