"""Learning rules against textbook results: regret bounds, convergence in zero-sum games, and what each rule says of its shares."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.lab.adaptive.simulation.learning_rules import (
    ActionGroups,
    BestReply,
    ExponentialWeights,
    FictitiousPlay,
    Logit,
    NarcoLogic,
    Spreading,
)
from tests.examples import examples

if TYPE_CHECKING:
    from collections.abc import Callable

    from optimizer.lab.adaptive.simulation.learning_rules import LearningRule

pytestmark = pytest.mark.lab

MATCHING = np.array([[1.0, 0.0, 0.4], [0.0, 1.0, 0.5], [0.7, 0.2, 0.3]])
"""Payoffs of the row player."""


def value_of(game: np.ndarray) -> float:
    """Return the value of a zero-sum game by its linear program."""
    from scipy.optimize import linprog

    rows, columns = game.shape
    found = linprog(
        np.append(np.zeros(rows), -1.0),
        A_ub=np.hstack((-game.T, np.ones((columns, 1)))),
        b_ub=np.zeros(columns),
        A_eq=[[1.0] * rows + [0.0]],
        b_eq=[1.0],
        bounds=[(0, None)] * rows + [(None, None)],
    )
    assert found.x is not None
    return float(found.x[-1])


@examples(30)
@given(st.integers(0, 10_000), st.integers(2, 6), st.sampled_from([0.05, 0.2, 0.5, 1.0]))
def test_the_regret_of_exponential_weights_is_within_its_bound(seed: int, actions: int, rate: float) -> None:
    payoffs = np.random.default_rng(seed).random((200, actions)) ** 2
    rule = ExponentialWeights(ActionGroups.single(actions), np.zeros(actions), rate)
    gained = 0.0
    for turn, payoff in enumerate(payoffs, 1):
        gained += float(rule.shares @ payoff)
        rule.learn(payoff)
        regret = payoffs[:turn].sum(axis=0).max() - gained
        assert regret <= np.log(actions) / rate + rate * turn / 8 + 1e-9


def test_smoothed_fictitious_play_converges_in_a_zero_sum_game() -> None:
    value, temperature = value_of(MATCHING), 0.01
    row = FictitiousPlay(ActionGroups.single(3), np.full(3, 0.5), temperature)
    column = FictitiousPlay(ActionGroups.single(3), np.full(3, 0.5), temperature)
    rows, columns = np.zeros(3), np.zeros(3)
    for _ in range(20_000):
        x, y = row.shares, column.shares
        rows, columns = rows + x, columns + y
        row.learn(MATCHING @ y)
        column.learn(1 - x @ MATCHING)
    x, y = rows / rows.sum(), columns / columns.sum()
    assert (x @ MATCHING).min() == pytest.approx(value, abs=0.02)
    assert (MATCHING @ y).max() == pytest.approx(value, abs=0.02)


def test_best_reply_moves_its_share_and_logit_settles_at_its_fixed_point() -> None:
    groups = ActionGroups.single(3)
    reply = BestReply(groups, np.array([1.0, 0.0, 0.0]), 0.25)
    reply.learn(np.array([0.1, 0.9, 0.9]))
    assert reply.shares.tolist() == [0.75, 0.25, 0.0]
    payoff, temperature = np.array([0.5, 0.6, 0.2]), 0.1
    logit = Logit(groups, np.zeros(3), 0.3, temperature)
    for _ in range(200):
        logit.learn(payoff)
    wanted = np.exp(payoff / temperature)
    assert logit.shares == pytest.approx(wanted / wanted.sum(), abs=1e-9)


def test_losses_open_routes_and_their_absence_closes_them() -> None:
    groups = ActionGroups(np.array([0, 0, 0, 1, 1]), np.array([0, 3]))
    rule = NarcoLogic(groups, np.array([0.9, 0.8, 0.7, 0.5, 0.4]), 0.5, 0.05, tolerance=0.05, most=9)
    assert rule.open.tolist() == [True, False, False, True, False]
    payoff = np.array([0.6, 0.8, 0.7, 0.5, 0.4])
    rule.learn(payoff, np.array([0.2, 0.0]))
    assert rule.open.tolist() == [True, True, False, True, False]
    assert rule.shares[1] > 0
    rule.learn(payoff, np.array([0.0, 0.0]))
    assert rule.open.tolist() == [False, True, False, True, False]


def test_no_more_routes_open_in_a_period_than_allowed() -> None:
    of = np.repeat(np.arange(10), 2)
    rule = NarcoLogic(ActionGroups(of, np.arange(0, 20, 2)), np.tile([0.9, 0.8], 10), 0.5, 0.05, tolerance=0.05, most=3)
    rule.learn(np.tile([0.5, 0.8], 10), np.linspace(0.1, 0.5, 10))
    assert rule.open.sum() == 13
    assert rule.open[1::2].tolist() == [False] * 7 + [True] * 3  # where most is lost


def test_a_network_spreads_by_what_it_loses_and_narrows_where_it_loses_nothing() -> None:
    payoff = np.linspace(0.9, 0.5, 9)
    rule = Spreading(payoff, np.ones(9), rate=0.5, temperature=0.05, tolerance=0.05, begins=1, most=4)
    assert rule.open.tolist() == [True] + [False] * 8
    assert rule.shares.tolist() == [1.0] + [0.0] * 8
    for lost, number in (
        (0.04, 1),
        (0.06, 2),
        (0.11, 4),
        (0.9, 8),
        (0.0, 7),
    ):  # 1 beyond, 2 beyond, 4 at most, one closed
        rule.learn(payoff, np.array([lost]))
        assert rule.open.sum() == number
        assert rule.open[:number].all()  # the best first
        assert rule.shares.sum() == pytest.approx(1)
        assert (rule.shares[~rule.open] == 0).all()


RATES = {"reply": 0.3, "fictitious": 0.3, "weights": 0.5, "logit": 0.3, "narcologic": 0.3, "spreading": 0.3}


@examples(60)
@given(st.integers(0, 10_000), st.sampled_from([*RATES]), st.booleans())
def test_shares_of_each_population_sum_to_one(seed: int, name: str, nobody_moves: bool) -> None:
    rng, rate = np.random.default_rng(seed), 0.0 if nobody_moves else RATES[name]
    size = rng.integers(1, 5, 1 if name == "spreading" else rng.integers(1, 6))
    groups = ActionGroups(np.repeat(np.arange(size.size), size), np.cumsum(size) - size)
    first = rng.random(groups.of.size)
    rules: dict[str, Callable[[], LearningRule]] = {
        "reply": lambda: BestReply(groups, first, rate),
        "fictitious": lambda: FictitiousPlay(groups, first, 0.05),
        "weights": lambda: ExponentialWeights(groups, first, rate),
        "logit": lambda: Logit(groups, first, rate, 0.05),
        "narcologic": lambda: NarcoLogic(groups, first, rate, 0.05, 0.05, 2),
        "spreading": lambda: Spreading(
            first, np.ones(first.size), rate=rate, temperature=0.05, tolerance=0.05, begins=1, most=2
        ),
    }
    rule = rules[name]()
    for _ in range(8):
        rule.learn(rng.random(groups.of.size), rng.random(size.size) * 0.2)
        assert (rule.shares >= 0).all()
        assert np.add.reduceat(rule.shares, groups.start) == pytest.approx(np.ones(size.size))
