"""Waiting in line: the formulas against balance equations, a simulation by another
library, and a day by simulating vehicles.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.problem.instance.queueing import loss_probability, waiting_chance, waiting_day
from tests.examples import examples


def mean_wait(arrivals: float, service: float, servers: int) -> float:
    """Return the mean wait in hours in an M/M/c queue in the steady state, C / (c mu - lambda)."""
    most = service * servers
    return waiting_chance(arrivals / most, servers) / (most - arrivals)


def chain(arrivals: float, service: float, servers: int, room: int) -> tuple[float, float]:
    """Return mean number waiting and chance to wait, from the balance equations of a
    birth and death process cut off at `room`.
    """
    ratio = [arrivals / (service * min(n, servers)) for n in range(1, room + 1)]
    chance = np.concatenate(([1.0], np.cumprod(ratio)))
    chance /= chance.sum()
    n = np.arange(room + 1)
    return float(chance @ np.maximum(n - servers, 0)), float(chance[servers:].sum())


@examples(40)
@given(load=st.floats(0.05, 0.95), servers=st.integers(1, 12), service=st.floats(1, 200))
def test_the_steady_state_is_that_of_the_balance_equations(
    load: float, servers: int, service: float
) -> None:
    arrivals = load * service * servers
    waiting, chance = chain(arrivals, service, servers, 1500)
    assert waiting_chance(load, servers) == pytest.approx(chance, rel=1e-9)
    assert mean_wait(arrivals, service, servers) * arrivals == pytest.approx(waiting, rel=1e-9)


def test_one_inspector_has_the_textbook_wait_and_tables_of_erlang_agree() -> None:
    assert mean_wait(45, 60, 1) == pytest.approx(45 / 60 / 15)
    assert waiting_chance(0.6, 1) == pytest.approx(0.6)
    assert loss_probability(2.0, 3) == pytest.approx(8 / 6 / (1 + 2 + 2 + 8 / 6))
    with pytest.raises(ValueError, match="steady state"):
        waiting_chance(1.0, 2)


def records_of_queue(load: float, servers: int, seed: int, customers: int) -> list[Any]:
    """Return what Ciw records of each customer of a queue that is served at rate 1."""
    import ciw

    ciw.seed(seed)
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(load * servers)],
        service_distributions=[ciw.dists.Exponential(1.0)],
        number_of_servers=[servers],
    )
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_customers(customers)
    found: list[Any] = simulation.get_all_records()
    return found


@pytest.mark.slow
@pytest.mark.parametrize(("load", "servers"), [(0.5, 1), (0.7, 2)])
def test_a_simulation_by_ciw_agrees_within_its_error(load: float, servers: int) -> None:
    pytest.importorskip("ciw")
    means = [
        np.mean([r.waiting_time for r in records_of_queue(load, servers, seed, 5000)])
        for seed in range(8)
    ]
    error = np.std(means, ddof=1) / math.sqrt(len(means))
    assert abs(np.mean(means) - mean_wait(load * servers, 1.0, servers)) < 3.5 * error


@pytest.mark.parametrize(("load", "servers"), [(0.3, 1), (0.8, 3), (0.95, 2)])
def test_an_even_day_is_the_steady_state(load: float, servers: int) -> None:
    arrivals = load * 50 * servers
    day = waiting_day((arrivals,) * 24, 50.0, servers, 10.0)
    assert day.share == pytest.approx(1, abs=1e-6)
    assert day.waiting.sum() == pytest.approx(
        24 * arrivals * mean_wait(arrivals, 50.0, servers), rel=1e-3
    )


def simulated(
    arrivals: tuple[float, ...], service: float, longest: float, days: int
) -> tuple[float, float]:
    """Return share inspected and vehicle-hours waited a day at one inspector, vehicle
    by vehicle; who would wait too long drives on.
    """
    rng = np.random.default_rng(1)
    free, waited, inspected, came = 0.0, 0.0, 0, 0
    for hour in range(24 * days):
        times = np.sort(rng.uniform(hour, hour + 1, rng.poisson(arrivals[hour % 24])))
        for time in times.tolist():
            wait = max(free - time, 0.0)
            came += 1
            if wait <= longest:
                inspected += 1
                waited += wait
                free = time + wait + rng.exponential(1 / service)
    return inspected / came, waited / days


def test_a_day_with_a_rush_is_near_the_simulation_of_single_vehicles() -> None:
    rush = (20.0,) * 6 + (90.0,) * 3 + (30.0,) * 15
    day = waiting_day(rush, 60.0, 1, 3.0)
    share, waited = simulated(rush, 60.0, 3.0, 150)
    assert day.share == pytest.approx(share, abs=0.005)
    assert day.waiting.sum() == pytest.approx(waited, rel=0.08)
    crowded = (100.0,) * 24
    day = waiting_day(crowded, 60.0, 1, 0.5)
    share, waited = simulated(crowded, 60.0, 0.5, 20)
    assert day.share == pytest.approx(share, abs=0.01)
    assert day.waiting.sum() == pytest.approx(waited, rel=0.06)


@examples(30)
@given(
    rates=st.lists(st.floats(0, 200), min_size=24, max_size=24),
    service=st.floats(5, 120),
    servers=st.integers(1, 5),
    longest=st.floats(0.05, 2),
)
def test_no_day_inspects_more_than_comes_or_than_it_can(
    rates: list[float], service: float, servers: int, longest: float
) -> None:
    day = waiting_day(tuple(rates), service, servers, longest)
    assert (day.inspected <= service * servers * (1 + 1e-9)).all()
    assert (day.waiting >= 0).all()
    assert 0 <= day.share <= 1
    assert day.longest <= longest * (1 + 1e-6)
    more = waiting_day(tuple(rates), service, servers + 1, longest)
    assert more.share >= day.share - 1e-3


def test_numbers_out_of_range_are_refused() -> None:
    for arrivals, service, servers, longest in (
        ((1.0,) * 23, 1, 1, 1),
        ((1.0,) * 24, 0, 1, 1),
        ((1.0,) * 24, 1, 0, 1),
    ):
        with pytest.raises(ValueError, match="must be"):
            waiting_day(arrivals, service, servers, longest)
