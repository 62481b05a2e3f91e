"""The wanderer against dense linear algebra and against the chain of his steps."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.sparse import csc_array

from optimizer.problem.network.network import Network
from optimizer.risk.numerics import ldl
from optimizer.risk.numerics.ldl import Factor
from optimizer.risk.shrunk_rate import walk
from tests.examples import examples
from tests.risk_cases import grid_network, line_network, network_of


def chance_to_pass(network: Network, reach_km: float) -> NDArray[np.float64]:
    """Return (m, m) F by absorbing the step chain: from a segment the wanderer stops,
    or goes to one of its ends; from there to a road.
    """
    m, n = network.n_segments, network.n_nodes
    length = network.length_m[network.segment_arc] / 1000
    strength = 2 * reach_km**2 / length
    step = np.zeros((m + n, m + n))
    for s, arc in enumerate(network.segment_arc):
        for node in (network.tail[arc], network.head[arc]):
            step[s, m + node] += strength[s] / (length[s] + 2 * strength[s])
            step[m + node, s] += strength[s]
    step[m:] /= np.maximum(step[m:].sum(axis=1, keepdims=True), 1e-300)
    chance = np.empty((m, m))
    for t in range(m):
        others = np.delete(np.arange(m + n), t)
        reached = np.linalg.solve(np.eye(m + n - 1) - step[np.ix_(others, others)], step[others, t])
        chance[:, t] = np.insert(reached, t, 1.0)[:m]
    return chance


@examples(25)
@given(seed=st.integers(0, 2**32 - 1), reach=st.sampled_from([0.05, 0.5, 2.0, 30.0]))
def test_gathered_evidence_is_weighted_by_the_chance_to_pass(seed: int, reach: float) -> None:
    rng = np.random.default_rng(seed)
    network = grid_network(4, rng)
    evidence = rng.gamma(1.0, size=(network.n_segments, 3))
    np.testing.assert_allclose(
        walk(network, reach).gathered(evidence),
        chance_to_pass(network, reach) @ evidence,
        rtol=1e-7,
        atol=1e-12,
    )


def test_a_loop_and_parallel_roads_are_roads_too() -> None:
    network = network_of(
        np.array([1.5, 1.51, 1.52]),
        np.array([42.5, 42.5, 42.5]),
        np.array([[0, 1], [0, 1], [1, 2], [2, 1]]),
    )
    loop = np.array([2, 2])
    ends = np.vstack((np.column_stack((network.tail, network.head))[:4], loop))
    looped = network_of(network.lon, network.lat, ends)
    longer = np.where(looped.segment == 4, 700.0, looped.length_m)
    looped = replace(looped, length_m=longer)
    np.testing.assert_allclose(
        walk(looped, 1.5).gathered(np.eye(5)), chance_to_pass(looped, 1.5), rtol=1e-9
    )


def test_on_a_long_road_evidence_fades_exponentially() -> None:
    network = line_network(400, step=0.001)
    spacing = network.length_m[0] / 1000
    weight = walk(network, 2.0).gathered(np.eye(400))[200, 200:300]
    np.testing.assert_allclose(weight, np.exp(-spacing * np.arange(100) / 2.0), rtol=0.01)


def test_roads_that_do_not_meet_tell_nothing_of_each_other() -> None:
    network = network_of(
        np.array([1.5, 1.51, 1.7, 1.71]), np.full(4, 42.5), np.array([[0, 1], [2, 3]])
    )
    np.testing.assert_allclose(
        walk(network, 50.0).gathered(np.eye(2)), np.eye(2), rtol=1e-12, atol=0
    )


@pytest.mark.parametrize("reach", [1e-3, 1e4])
def test_extreme_reaches_stay_between_nothing_and_everything(reach: float) -> None:
    network = grid_network(6, np.random.default_rng(5))
    shorter = np.where(network.segment == 0, 0.01, network.length_m)
    network = replace(network, length_m=shorter)
    weight = walk(network, reach).gathered(np.eye(network.n_segments))
    assert (weight >= 0).all()
    assert (weight <= 1 + 1e-6).all()
    np.testing.assert_allclose(np.diag(weight), 1, rtol=1e-6)


@pytest.mark.slow
@examples(30)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 40),
    density=st.floats(0, 0.3),
    compiled=st.booleans(),
)
def test_the_selected_inverse_is_a_part_of_the_inverse(
    seed: int, n: int, density: float, compiled: bool
) -> None:
    rng = np.random.default_rng(seed)
    lower = np.tril(rng.random((n, n)) * (rng.random((n, n)) < density), -1)
    dense = np.diag((lower + lower.T).sum(axis=1) + rng.uniform(0.01, 1, n)) - lower - lower.T
    factor = Factor.of(csc_array(dense))
    inverse = np.linalg.inv(dense)
    row, column = np.nonzero(dense)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ldl, "LARGEST_BLOCKS", 0 if compiled else ldl.LARGEST_BLOCKS)
        np.testing.assert_allclose(
            factor.inverse_at(row, column), inverse[row, column], rtol=1e-8, atol=1e-12
        )
        np.testing.assert_allclose(factor.inverse_diagonal(), np.diag(inverse), rtol=1e-8)
    np.testing.assert_allclose(
        factor.log_determinant, np.linalg.slogdet(dense)[1], rtol=1e-9, atol=1e-9
    )
    right = rng.normal(size=(n, 3))
    np.testing.assert_allclose(factor.solve(right), inverse @ right, rtol=1e-7, atol=1e-9)


def test_factors_can_be_sent_to_another_process() -> None:
    factor = Factor.of(csc_array(np.array([[4.0, 1.0], [1.0, 3.0]])))
    factor.refresh(np.array([5.0, 1.0, 3.0]))
    sent = pickle.loads(pickle.dumps(factor))  # noqa: S301 - our own
    assert sent.solve(np.array([6.0, 4.0])).tolist() == factor.solve(np.array([6.0, 4.0])).tolist()
    assert factor.solve(np.array([6.0, 4.0])) == pytest.approx([1.0, 1.0])


@pytest.mark.slow
@examples(30)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 40),
    sides=st.integers(1, 20),
    in_columns=st.booleans(),
)
def test_compiled_solutions_are_those_of_each_side_to_the_bit(
    seed: int, n: int, sides: int, in_columns: bool
) -> None:
    rng = np.random.default_rng(seed)
    lower = np.tril(rng.random((n, n)) * (rng.random((n, n)) < 0.2), -1)
    factor = Factor.of(
        csc_array(
            np.diag((lower + lower.T).sum(axis=1) + rng.uniform(0.01, 1, n)) - lower - lower.T
        )
    )
    right = np.array(
        rng.normal(size=(n, sides)) * (rng.random(sides) < 0.8), order="F" if in_columns else "C"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ldl, "COMPILED_FROM", 0)
        solved = factor.solve(right)
    assert np.array_equal(solved, np.column_stack([factor.solve(side) for side in right.T]))
    assert solved.flags.f_contiguous


def test_a_place_without_an_entry_of_the_factor_is_refused() -> None:
    with pytest.raises(KeyError, match="no entry"):
        Factor.of(csc_array(np.eye(3))).inverse_at(np.array([0]), np.array([2]))
