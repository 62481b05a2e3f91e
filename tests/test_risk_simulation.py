"""Simulated worlds: they are what they are said to be."""

from __future__ import annotations

import numpy as np
import pytest

from optimizer.risk import OdTable, as_records, captured, make_history, make_world
from optimizer.risk.simulation import SEARCHES_A_MONTH, EffortKind, WorldKind
from tests.risk_cases import grid_network

NETWORK = grid_network(9, np.random.default_rng(1), keep=1.0)
TABLE = OdTable(np.array([0, 8]), np.array([80, 72, 40]), np.ones((2, 3)))
LENGTH = NETWORK.length_m[NETWORK.segment_arc]


@pytest.mark.parametrize("kind", ["flows", "uninformed", "mixed", "local"])
def test_a_world_has_mean_one_by_length(kind: WorldKind) -> None:
    world = make_world(kind, NETWORK, TABLE, np.random.default_rng(2))
    np.testing.assert_allclose((world.rate * LENGTH).sum() / LENGTH.sum(), 1.0)
    assert (world.rate >= 0).all()


@pytest.mark.parametrize("kind", ["uniform", "static", "feedback", "tips", "exploring"])
def test_a_history_makes_about_as_many_finds_as_asked(kind: EffortKind) -> None:
    rng = np.random.default_rng(3)
    world = make_world("mixed", NETWORK, TABLE, rng)
    history = make_history(world, kind, 400, 12, rng)
    assert 200 < history.found.sum() < 800
    np.testing.assert_array_equal(history.effort.sum(axis=1), SEARCHES_A_MONTH)
    assert history.tipped.any() == (kind == "tips")
    records, effort = as_records(history)
    assert records.count.sum() == history.found.sum()
    assert effort.amount.sum() == history.effort.sum()
    assert (records.start < records.end).all()


def test_feedback_looks_where_it_found() -> None:
    rng = np.random.default_rng(4)
    world = make_world("local", NETWORK, TABLE, rng)
    chased = make_history(world, "feedback", 400, 12, rng)
    even = make_history(world, "uniform", 400, 12, rng)
    late = slice(6, None)
    rate = [(h.effort[late] @ world.rate).sum() / h.effort[late].sum() for h in (chased, even)]
    assert rate[0] > 1.2 * rate[1]


def test_the_same_seed_makes_the_same_history() -> None:
    made = [
        make_history(make_world("local", NETWORK, TABLE, rng), "feedback", 100, 6, rng)
        for rng in (np.random.default_rng(5), np.random.default_rng(5))
    ]
    np.testing.assert_array_equal(made[0].found, made[1].found)


def test_the_true_ranking_captures_all_and_a_bad_one_little() -> None:
    world = make_world("flows", NETWORK, TABLE, np.random.default_rng(6))
    assert captured(world, world.rate) == pytest.approx(1.0)
    assert captured(world, -world.rate) < 0.2
    assert captured(world, np.zeros(LENGTH.size), share=1.0) == pytest.approx(1.0)
