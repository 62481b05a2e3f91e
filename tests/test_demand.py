"""Demand: masses, gravity, habitual routes and loads on segments."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.problem.instance.evaders import Evader, Route
from optimizer.problem.network.places import Gateway
from optimizer.risk.demand import (
    gateway_masses,
    gravity,
    habitual_routes,
    segment_loads,
    travel_hours,
)
from tests.examples import examples
from tests.tiny import tiny_region

REGION = tiny_region()
NETWORK = REGION.network


def gateway(kind: str, exposure: float) -> Gateway:
    return Gateway(f"{kind}-{exposure}", 0, 0.0, 0.0, kind, exposure)


def test_masses_are_risk_times_exposure() -> None:
    gates = [gateway("port", 2.0), gateway("port", 1.0)]
    assert gateway_masses(gates, np.array([1.0, 4.0]), {}) == pytest.approx([1 / 3, 2 / 3])


def test_shares_fix_what_each_kind_carries() -> None:
    gates = [
        gateway("port", 1e6),
        gateway("port", 3e6),
        gateway("unofficial", 5.0),
        gateway("edge", 1.0),
    ]
    masses = gateway_masses(gates, np.ones(4), {"port": 0.6, "unofficial": 0.4})
    assert masses == pytest.approx([0.15, 0.45, 0.4, 0.0])


def test_a_share_of_a_kind_that_is_not_there_is_given_to_the_others() -> None:
    assert gateway_masses(
        [gateway("port", 1.0)], np.ones(1), {"port": 0.6, "unofficial": 0.4}
    ) == pytest.approx([1.0])


@given(st.integers(0, 2**20))
@examples(40)
def test_gravity_keeps_each_gateways_mass_and_prefers_the_near_and_the_large(seed: int) -> None:
    rng = np.random.default_rng(seed)
    masses, populations = rng.dirichlet(np.ones(3)), rng.uniform(1, 1e6, 4)
    hours = rng.uniform(0, 9, (3, 4))
    loads = gravity(masses, populations, hours, decay_hours=2.0, power=1.0)
    assert loads.sum(axis=1) == pytest.approx(masses)
    ratio = loads[0, 0] / loads[0, 1]
    assert ratio == pytest.approx(
        populations[0] / populations[1] * np.exp((hours[0, 1] - hours[0, 0]) / 2), rel=1e-9
    )


def test_nothing_goes_where_there_is_no_way() -> None:
    loads = gravity(
        np.array([1.0]), np.ones(2), np.array([[1.0, np.inf]]), decay_hours=1.0, power=1.0
    )
    assert loads.tolist() == [[1.0, 0.0]]
    shut = gravity(np.array([1.0]), np.ones(1), np.array([[np.inf]]), decay_hours=1.0, power=1.0)
    assert shut.tolist() == [[0.0]]


def test_travel_hours_are_those_of_the_roads() -> None:
    hours = travel_hours(NETWORK, REGION.gateways, REGION.settlements)
    direct = NETWORK.time_s[0] / 3600  # west port to west town
    assert hours[0, 0] == pytest.approx(direct)


def test_without_error_everyone_takes_the_cheapest_route() -> None:
    rng = np.random.default_rng(0)
    (routes,) = habitual_routes(NETWORK, NETWORK.time_s, 0, [6], draws=5, spread=0.0, rng=rng)
    assert len(routes) == 1
    assert routes[0].share == 1.0


def test_with_error_routes_are_paths_and_shares_sum_to_one() -> None:
    rng = np.random.default_rng(0)
    (routes,) = habitual_routes(NETWORK, NETWORK.time_s, 0, [6], draws=200, spread=1.0, rng=rng)
    assert len(routes) > 1
    assert sum(route.share for route in routes) == pytest.approx(1.0)
    for route in routes:
        arcs = list(route.arcs)
        assert NETWORK.tail[arcs[0]] == 0
        assert NETWORK.head[arcs[-1]] == 6
        assert (NETWORK.head[arcs[:-1]] == NETWORK.tail[arcs[1:]]).all()


def test_segment_loads_count_each_evader_once_on_each_segment() -> None:
    evaders = [
        Evader("i", 0, 4, 2.0),
        Evader("h", 0, 4, 4.0, (Route((0, 8, 0), 0.75), Route((0,), 0.25))),
    ]
    loads = segment_loads(NETWORK, evaders, [(0,), ()])
    assert loads[0] == pytest.approx(6.0)
    assert loads[1:].sum() == 0
