"""Randomised shortest paths against dense algebra and walkers; origin-destination flows
against known truths.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.problem.network.network import Network
from optimizer.risk import OdTable, fit_od, od_draws, path_flows
from optimizer.risk.demand import gravity, gravity_table, travel_hours
from optimizer.risk.od_flows import explain, link_use
from tests.examples import examples
from tests.risk_cases import grid_network, line_network, network_of
from tests.tiny import tiny_region


def connected(seed: int) -> Network:
    return grid_network(4, np.random.default_rng(seed), keep=1.0)


def dense_net(network: Network, origin: int, destination: int, theta: float) -> np.ndarray:
    """(m,) net flow of one pair from the whole dense inverse, loops cancelled."""
    n = network.n_nodes
    leaving = np.bincount(network.tail, minlength=n)
    step = np.exp(-theta * network.time_s) / leaving[network.tail]
    matrix = np.zeros((n, n))
    np.add.at(matrix, (network.tail, network.head), step)
    z = np.linalg.inv(np.eye(n) - matrix)
    use = z[origin, network.tail] * step * z[network.head, destination] / z[origin, destination]
    net = np.zeros(network.n_segments)
    forward = network.tail == network.tail[network.segment_arc][network.segment]
    np.add.at(net, network.segment, np.where(forward, use, -use))
    return np.abs(net)


@examples(15)
@given(seed=st.integers(0, 2**20), theta=st.sampled_from([1 / 30, 1 / 90, 1 / 300]))
def test_the_flow_of_a_pair_is_that_of_the_dense_inverse(seed: int, theta: float) -> None:
    network = connected(seed)
    table = OdTable(np.array([0]), np.array([15]), np.ones((1, 1)))
    flows = path_flows(network, table, theta)
    np.testing.assert_allclose(
        flows.net(table.weight)[0], dense_net(network, 0, 15, theta), rtol=1e-7, atol=1e-12
    )
    ends = np.zeros(network.n_nodes)
    arc = network.segment_arc
    signed = flows.along @ (flows._leaving(0) * flows._sought(0, table.weight))
    np.add.at(ends, network.tail[arc], signed)
    np.add.at(ends, network.head[arc], -signed)
    np.testing.assert_allclose(
        ends, np.eye(16)[0] - np.eye(16)[15], atol=1e-8
    )  # one unit leaves, one arrives, no other is lost


def test_the_preference_for_short_ways_grows_with_theta() -> None:
    network = connected(3)
    table = OdTable(np.array([0]), np.array([15]), np.ones((1, 1)))
    times = network.time_s[network.segment_arc]
    spent = [
        float(path_flows(network, table, theta).net(table.weight)[0] @ times)
        for theta in (1 / 300, 1 / 90, 1 / 5)
    ]
    shortest = network.time_graph().distances([0])[0, 15]
    assert spent[0] > spent[1] > spent[2] >= shortest - 1e-6
    assert spent[2] < 1.05 * shortest


def test_the_parts_of_pairs_add_up_to_the_origins_flow() -> None:
    network = connected(4)
    table = OdTable(
        np.array([0, 3]), np.array([15, 12, 5]), np.random.default_rng(0).random((2, 3))
    )
    flows = path_flows(network, table, 1 / 60)
    some = np.array([1, 4, 7])
    for g in range(2):
        np.testing.assert_allclose(
            flows.by_pair(g, table.weight).sum(axis=1), flows.net(table.weight)[g], atol=1e-12
        )
        np.testing.assert_allclose(
            flows.by_pair(g, table.weight, some), flows.by_pair(g, table.weight)[some], atol=1e-12
        )
    by_pair = np.array([flows.by_pair(g, table.weight) for g in range(2)])
    of_origin, of_destination = flows.by_end(table.weight)
    np.testing.assert_allclose(of_origin, by_pair.sum(axis=2).T, atol=1e-12)
    np.testing.assert_allclose(of_destination, by_pair.sum(axis=0), atol=1e-12)
    np.testing.assert_allclose(
        flows.by_end(table.weight, some)[1], of_destination[some], atol=1e-12
    )


def test_a_very_long_road_does_not_leave_floating_point() -> None:
    network = line_network(1500, step=0.05)
    table = OdTable(np.array([0]), np.array([1500]), np.ones((1, 1)))
    flows = path_flows(network, table, 1 / 30)
    assert flows.theta < 1 / 30
    assert flows.lost == 0
    np.testing.assert_allclose(flows.net(table.weight)[0], 1.0, rtol=1e-6)


def test_a_pair_without_a_way_carries_nothing_and_is_counted() -> None:
    network = network_of(
        np.array([1.5, 1.51, 1.7, 1.71]), np.full(4, 42.5), np.array([[0, 1], [2, 3]])
    )
    table = OdTable(np.array([0]), np.array([1, 3]), np.array([[3.0, 1.0]]))
    flows = path_flows(network, table, 1 / 90)
    np.testing.assert_allclose(flows.net(table.weight)[0], [3.0, 0.0], rtol=1e-9)
    assert flows.lost == pytest.approx(0.25)


def test_od_flows_are_found_again_when_effort_is_great() -> None:
    network = grid_network(5, np.random.default_rng(1), keep=1.0)
    table = OdTable(np.array([0, 4]), np.array([24, 20, 12]), np.ones((2, 3)))
    truth = np.array([[5.0, 0.3, 1.0], [0.2, 4.0, 2.0]])
    flows = path_flows(network, table, 1 / 20)
    rate = flows.net(truth).sum(axis=0)
    found = fit_od(flows, 1e6 * rate, np.full(network.n_segments, 1e6), shape=0.01)
    np.testing.assert_allclose(found.weight, truth, rtol=0.15, atol=0.15)
    prior = fit_od(flows, 1e6 * rate, np.full(network.n_segments, 1e6), shape=1e12)
    np.testing.assert_allclose(prior.shares(), table.shares(), rtol=1e-3)


def test_a_round_of_em_never_lowers_the_posterior() -> None:
    network = grid_network(4, np.random.default_rng(5), keep=1.0)
    table = OdTable(np.array([0, 3]), np.array([15, 12]), np.array([[1.0, 2.0], [3.0, 1.0]]))
    rng = np.random.default_rng(6)
    segments = np.arange(network.n_segments)
    way = link_use(path_flows(network, table, 1 / 60), segments)
    expected = rng.gamma(1.0, size=network.n_segments)
    count = rng.poisson(3 * expected).astype(float)
    flow = explain(way, count[:, None], expected, 2.0)[:, 0]
    centre = way.prior * count.sum() / (way.prior @ (way.use @ expected))

    def posterior(log_q: np.ndarray) -> float:
        q = np.exp(log_q)
        mean = expected * (way.use.T @ q)
        return float((count * np.log(mean) - mean).sum() + (2.0 * log_q - 2.0 * q / centre).sum())

    best = posterior(np.log(flow))
    for _ in range(50):
        assert posterior(np.log(flow) + 0.01 * rng.normal(size=flow.size)) <= best + 1e-6


def test_draws_of_a_rate_become_draws_of_flows() -> None:
    network = connected(7)
    table = OdTable(np.array([0]), np.array([15, 12]), np.ones((1, 2)))
    flows = path_flows(network, table, 1 / 60)
    rate = flows.net(np.array([[2.0, 1.0]])).sum(axis=0)
    noisy = 100 * rate * np.random.default_rng(0).lognormal(0, 0.3, (20, rate.size))
    tables = od_draws(flows, noisy, np.full(rate.size, 100.0), shape=0.5)
    shares = np.array([one.shares()[0, 0] for one in tables])
    assert len(tables) == 20
    assert shares.std() > 0.005
    assert abs(shares.mean() - 2 / 3) < 0.1


def test_the_gravity_table_is_gravity() -> None:
    region = tiny_region()
    masses = np.full(len(region.gateways), 1 / len(region.gateways))
    table = gravity_table(region.network, region.gateways, region.settlements, masses)
    hours = travel_hours(region.network, region.gateways, region.settlements)
    populations = np.array([s.population for s in region.settlements], dtype=float)
    np.testing.assert_allclose(
        table.weight, gravity(masses, populations, hours, decay_hours=2 / 3, power=1.0)
    )
    assert table.origins.tolist() == [g.node for g in region.gateways]


@pytest.mark.parametrize("side", ["gateways", "settlements"])
def test_without_ends_nothing_flows(side: str) -> None:
    region = tiny_region()
    gateways = () if side == "gateways" else region.gateways
    settlements = () if side == "settlements" else region.settlements
    table = gravity_table(region.network, gateways, settlements, np.ones(len(gateways)))
    assert table.weight.sum() == 0
    assert table.weight.shape == (len(gateways), len(settlements))


def test_paths_are_worked_out_once_for_a_network_its_pairs_and_theta() -> None:
    """Another weight of the same pairs keeps the paths and has its own table; another
    theta or another set of pairs does not.
    """
    network = line_network(5)
    table = OdTable(np.array([0]), np.array([3, 5]), np.array([[1.0, 2.0]]))
    first = path_flows(network, table, 1 / 90)
    heavier = path_flows(network, table.with_weight(np.array([[5.0, 1.0]])), 1 / 90)
    assert heavier.from_origin is first.from_origin
    assert heavier.table.weight.tolist() == [[5.0, 1.0]]
    assert path_flows(network, table, 1 / 30).from_origin is not first.from_origin
    assert (
        path_flows(network, table.with_weight(np.array([[5.0, 0.0]])), 1 / 90).from_origin
        is not first.from_origin
    )
    assert path_flows(line_network(5), table, 1 / 90).from_origin is not first.from_origin
