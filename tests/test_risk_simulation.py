"""Simulated worlds: they are what they are said to be."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.base.choices import EffortKind, WorldKind
from optimizer.risk import OdTable, World, as_records, captured, make_history, make_world
from optimizer.risk.simulation import observation, searching, settings, world
from optimizer.risk.simulation.searching import SEARCHES_A_MONTH, Change, rate_for, search
from tests.risk_cases import grid_network

pytestmark = pytest.mark.lab

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


FROZEN = {
    "DRIVERS": 30,
    "PERCEPTION": 0.3,
    "ADDRESS_S": 120.0,
    "MASS_ERROR": 0.5,
    "UNINFORMED_ERROR": 1.5,
    "FLOWS_IN_MIXED": 0.6,
    "SPOTS": 40,
    "SPOT_REACH_S": 45.0,
    "ROUGHNESS": 0.5,
    "CHASING": 0.7,
    "EXPLORING": 0.2,
    "NEAR_S": 15.0,
    "TIPPED": 0.25,
    "SEARCHES_A_MONTH": 350,
    "STATIONS": 6,
    "BEAT_S": 300.0,
}
"""The settings of 24 November 2026, before the study was run: to change one is to make
another simulator.
"""


def test_the_settings_are_frozen() -> None:
    there = vars(settings) | vars(world) | vars(searching) | vars(observation)
    assert {name: there[name] for name in FROZEN} == FROZEN


@pytest.mark.parametrize(
    ("kind", "digest"),
    [
        ("flows", "d3b9430a27a87cc7"),
        ("uninformed", "07529c1512656b40"),
        ("mixed", "4f3f5ad79ca621c3"),
        ("local", "ca3ab8a38b219415"),
    ],
)
def test_the_truths_of_a_seed_are_frozen(kind: WorldKind, digest: str) -> None:
    world = make_world(kind, NETWORK, TABLE, np.random.default_rng(7))
    assert hashlib.sha256(np.round(world.rate, 9).tobytes()).hexdigest()[:16] == digest


@pytest.mark.parametrize(
    ("kind", "digest"),
    [
        ("uniform", "508a4180cc923fe3"),
        ("static", "8304e16179bd1403"),
        ("feedback", "c97f9b79745f5b68"),
        ("tips", "4f6a6aa19dc15413"),
        ("exploring", "e1fe9beebe24293c"),
    ],
)
def test_the_histories_of_a_seed_are_frozen(kind: EffortKind, digest: str) -> None:
    world = make_world("mixed", NETWORK, TABLE, np.random.default_rng(7))
    history = make_history(world, kind, 200, 8, np.random.default_rng(8))
    joined = hashlib.sha256()
    for part in (history.effort, history.found, history.tipped):
        joined.update(part.astype(np.int64).tobytes())
    assert joined.hexdigest()[:16] == digest


def changed(*changes: Change, kind: EffortKind = "uniform") -> searching.History:
    world = make_world("mixed", NETWORK, TABLE, np.random.default_rng(7))
    return make_history(world, kind, 2000, 8, np.random.default_rng(8), changes=changes)


def test_a_change_leaves_what_was_before_it_alone_and_shows_from_its_month_on() -> None:
    quiet = changed()
    busiest = np.argsort(-quiet.found.sum(axis=0))[:3]
    silenced = changed(Change(busiest, 5, 0.0))
    np.testing.assert_array_equal(silenced.found[:5], quiet.found[:5])
    np.testing.assert_array_equal(silenced.effort[:5], quiet.effort[:5])
    assert quiet.found[5:, busiest].sum() > 0
    assert silenced.found[5:, busiest].sum() == 0
    raised = changed(Change(busiest, 5, 10.0))
    assert raised.found[5:, busiest].sum() > 5 * quiet.found[5:, busiest].sum()


def test_changes_of_one_segment_multiply() -> None:
    places = np.array([3, 17])
    there_and_back = changed(Change(places, 2, 4.0), Change(places, 2, 0.25), kind="feedback")
    np.testing.assert_array_equal(there_and_back.found, changed(kind="feedback").found)


def test_the_rate_for_so_many_finds_is_the_one_that_a_history_uses() -> None:
    world = make_world("mixed", NETWORK, TABLE, np.random.default_rng(7))
    rng = np.random.default_rng(8)
    per_search = rate_for(world, "feedback", 200, 8, rng)
    by_hand = make_history(world, "feedback", 200, 8, rng, per_search)
    whole = make_history(world, "feedback", 200, 8, np.random.default_rng(8))
    np.testing.assert_array_equal(by_hand.found, whole.found)


def test_a_month_of_search_finds_what_its_rate_says() -> None:
    rate = np.array([0.0, 1.0, 3.0])
    rng = np.random.default_rng(9)
    months = [search(rate, 0.1, np.array([0.5, 0.25, 0.25]), rng) for _ in range(400)]
    effort, found = (np.array(part) for part in zip(*months, strict=True))
    np.testing.assert_array_equal(effort.sum(axis=1), SEARCHES_A_MONTH)
    assert found[:, 0].sum() == 0
    expected = 0.1 * effort.sum(axis=0)[1:] * rate[1:]
    assert (np.abs(found.sum(axis=0)[1:] - expected) < 4 * np.sqrt(expected)).all()


def test_months_of_a_history_join_again() -> None:
    history = changed(kind="tips")
    joined = history.months(slice(None, 3)).followed_by(history.months(slice(3, None)))
    for name in ("effort", "found", "tipped"):
        np.testing.assert_array_equal(getattr(joined, name), getattr(history, name))


@given(seed=st.integers(0, 2**32 - 1), share=st.floats(0.01, 1.0))
def test_no_ranking_captures_more_than_the_true_one(seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    world = World(NETWORK, rng.gamma(0.5, size=LENGTH.size))
    assert (
        0
        <= captured(world, rng.random(LENGTH.size), share)
        <= captured(world, world.rate, share) + 1e-12
    )
