"""Every detection formula against evaders and teams simulated one by one, where they
are and when.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from optimizer.problem.instance.detection import (
    beat_survival,
    checkpoint_coverage,
    checkpoint_survival,
    drive_meeting,
    dwell_meeting,
    false_alarm_hours,
    inspection_delay,
    orbit_meeting,
    patrol_survival,
    random_search,
    sensor_survival,
    station_share,
)
from tests.examples import examples

EVADERS = 200_000
SHIFT = 480.0


@dataclass(frozen=True)
class Leg:
    """A team at `start_at` from `start` on, moving evenly, at `end_at` when it is `end`."""

    start: float
    end: float
    start_at: float
    end_at: float

    def position(self, when: NDArray[np.float64], begun: float) -> NDArray[np.float64]:
        """Return where it is at each moment, of a leg that began when `begun` says."""
        done = (when - begun) / (self.end - self.start)
        return self.start_at + done * (self.end_at - self.start_at)


def looks(
    legs: Sequence[Leg],
    length: float,
    travel: float,
    period: float = SHIFT,
    footprint: float = 0.0,
    *,
    seed: int = 1,
) -> NDArray[np.int64]:
    """Return how often each evader, going from 0 to `length`, is where the team is or
    inside its footprint; the legs repeat for ever.
    """
    entry = np.random.default_rng(seed).random(EVADERS) * period
    count = np.zeros(EVADERS, dtype=np.int64)
    turns = range(-1 - int(max(leg.end for leg in legs) // period), 2 + int(travel // period))
    for leg in legs:
        for turn in turns:
            begun = leg.start + turn * period
            first = np.maximum(entry, begun)
            last = np.minimum(entry + travel, leg.end + turn * period)
            ahead = [
                leg.position(when, begun) - (when - entry) / travel * length
                for when in (first, last)
            ]
            passed = ahead[0] * ahead[1] <= 0
            near = np.minimum(np.abs(ahead[0]), np.abs(ahead[1])) <= footprint / 2
            count += (first <= last) & (passed | near)
    return count


def found(count: NDArray[np.int64], detection: float, *, seed: int = 2) -> float:
    """Return the share of evaders found where every look finds with `detection`."""
    return float(
        (np.random.default_rng(seed).random(count.size) >= (1 - detection) ** count).mean()
    )


def agrees(share: float, chance: float, n: int = EVADERS) -> bool:
    """Whether a simulated share lies in the 99.9 % interval around a chance."""
    return bool(abs(share - chance) <= 3.29 * np.sqrt(max(chance * (1 - chance), 1 / n) / n))


def route(posts: int, dwell: float) -> list[Leg]:
    """Return a beat with dwells at posts 3 minutes apart, starting in minute 20."""
    start = 20 + np.arange(posts) * (dwell + 3)
    return [Leg(float(s), float(s) + dwell, 3.0 * i + 1, 3.0 * i + 1) for i, s in enumerate(start)]


@pytest.mark.parametrize(("capacity", "traffic"), [(30, 60), (90, 60), (55, 60)])
def test_a_checkpoint_with_a_line_looks_at_the_share_the_formula_says(
    capacity: float, traffic: float
) -> None:
    """Vehicles arrive at random; one finds a place in the line or is waved through;
    inspectors take one after the other.
    """
    n, room = 100_000, 60
    arrival = np.cumsum(np.random.default_rng(3).exponential(1 / traffic, n)).tolist()
    busy_until, inspected = 0.0, np.zeros(n, dtype=np.int64)
    for vehicle, now in enumerate(arrival):
        if busy_until - now <= room / capacity:
            busy_until = max(busy_until, now) + 1 / capacity
            inspected[vehicle] = 1
    tolerance = 4 / np.sqrt(n) * max(1.0, traffic / capacity)  # of the arrivals themselves
    assert inspected.mean() == pytest.approx(checkpoint_coverage(capacity, traffic), abs=tolerance)
    assert 1 - found(inspected, 0.4) == pytest.approx(
        checkpoint_survival(capacity, traffic, 0.4), abs=tolerance
    )


def test_a_checkpoint_without_a_line_looks_at_fewer() -> None:
    n = 100_000
    arrival = np.cumsum(np.random.default_rng(3).exponential(1 / 60, n)).tolist()
    free_at, inspected = 0.0, 0
    for now in arrival:
        if now >= free_at:
            free_at, inspected = now + 1 / 60, inspected + 1
    assert agrees(inspected / n, 60 / (60 + 60), n)
    assert checkpoint_coverage(60, 60) == 1


def test_delay_is_what_those_inspected_lose() -> None:
    assert inspection_delay(100, 400, 3) == pytest.approx(5)
    assert inspection_delay(900, 400, 3) == pytest.approx(20)


@pytest.mark.parametrize(("dwell", "at", "start"), [(30, 0.5, 100), (240, 4.0, 400), (10, 6.0, 0)])
def test_a_dwell_is_met_as_often_as_the_formula_says(dwell: float, at: float, start: float) -> None:
    share = (looks([Leg(start, start + dwell, at, at)], length=6, travel=6) > 0).mean()
    assert agrees(share, float(dwell_meeting(dwell, SHIFT)))


@pytest.mark.parametrize(("drive", "travel"), [(10, 6), (6, 10), (8, 8), (100, 60), (300, 250)])
def test_a_drive_is_met_as_often_as_the_formula_says(drive: float, travel: float) -> None:
    opposing, same = drive_meeting(drive, travel, SHIFT)
    assert agrees((looks([Leg(50, 50 + drive, 5, 0)], 5, travel) > 0).mean(), float(opposing))
    assert agrees((looks([Leg(50, 50 + drive, 0, 5)], 5, travel) > 0).mean(), float(same))


def test_the_simulation_tells_a_wrong_formula() -> None:
    share = (looks([Leg(50, 60, 5, 0)], 5, 6) > 0).mean()
    assert not agrees(share, 10 / SHIFT)
    assert not agrees(share, 6 / SHIFT)
    assert not agrees((looks([Leg(50, 60, 0, 5)], 5, 6) > 0).mean(), 10 / SHIFT)


def test_meeting_is_not_yet_finding() -> None:
    count = looks([Leg(0, 60, 1, 1)], 2, 5)
    assert agrees(1 - found(count, 0.3), float(patrol_survival(dwell_meeting(60, SHIFT), 0.3)))


@pytest.mark.parametrize(
    ("posts", "detection", "product", "truth"),
    [
        (2, 0.8, 0.0975, 0.1),
        (4, 0.8, 0.1855, 0.2),
        (8, 0.8, 0.3366, 0.4),
        (2, 0.5, 0.0615, 0.0625),
        (4, 0.5, 0.1193, 0.125),
        (8, 0.5, 0.2243, 0.25),
    ],
)
def test_the_product_over_a_beat_falls_short_of_the_truth_by_so_much(
    posts: int, detection: float, product: float, truth: float
) -> None:
    count = looks(route(posts, 30), length=30, travel=30)
    assert count.max() == 1  # as fast as the team: met at most once
    assert agrees(found(count, detection), truth)
    phi = dwell_meeting(np.full(posts, 30), SHIFT)
    assert 1 - beat_survival(phi, detection) == pytest.approx(product, abs=5e-5)
    assert detection * phi.sum() == pytest.approx(truth)
    if posts > 2:
        assert not agrees(found(count, detection), product)


def test_slots_at_one_post_add_up() -> None:
    for slots in (2, 5):
        legs = [Leg(90.0 * i, 90.0 * i + 30, 1, 1) for i in range(slots)]
        share = found(looks(legs, 2, 5), 0.8)
        assert agrees(share, float(1 - patrol_survival(dwell_meeting(30 * slots, SHIFT), 0.8)))
        assert float(1 - beat_survival(dwell_meeting(np.full(slots, 30), SHIFT), 0.8)) < share
    assert not agrees(share, float(1 - beat_survival(dwell_meeting(np.full(5, 30), SHIFT), 0.8)))


def test_the_product_says_too_much_of_a_team_that_meets_the_same_evader_again() -> None:
    legs = [Leg(15.0 * i, 15.0 * i + 15, *((0, 8) if i % 2 == 0 else (8, 0))) for i in range(16)]
    count = looks(legs, length=8, travel=120)
    opposing, same = drive_meeting(15, 120, SHIFT)
    phi = np.tile(np.array([same, opposing]), 8)
    assert count.mean() == pytest.approx(
        phi.sum(), rel=0.01
    )  # the number of meetings is right: only their lumps are not
    assert found(count, 0.5) == pytest.approx(0.657, abs=0.004)
    assert (count > 0).mean() == pytest.approx(0.72, abs=0.004)
    assert float(1 - beat_survival(phi, 0.5)) == pytest.approx(0.882, abs=0.0005)


@examples(50)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.floats(0, 1))
def test_a_beat_finds_at_least_its_best_visit_and_at_most_the_sum(
    phi: list[float], detection: float
) -> None:
    share = float(1 - beat_survival(phi, detection))
    assert detection * max(phi) - 1e-12 <= share <= min(1.0, detection * sum(phi)) + 1e-12


def test_beats_come_by_the_array() -> None:
    phi = np.array([[0.1, 0.2, 0.0], [0.5, 0.5, 0.5]])
    assert beat_survival(phi, 0.5) == pytest.approx([0.95 * 0.9, 0.75**3])
    opposing, same = drive_meeting(np.array([10.0, 600.0]), np.array([6.0, 6.0]), SHIFT)
    assert opposing == pytest.approx([16 / 480, 1])
    assert same == pytest.approx([4 / 480, 1])


def test_a_sensor_that_fails_now_and_then_and_a_team_that_is_far_away() -> None:
    """The sensor works and fails in turn; who is noticed is caught if the team,
    somewhere on 40 km of road, arrives within 10 minutes.
    """
    rng = np.random.default_rng(4)
    works, fails = (rng.exponential(mean, 20_000) for mean in (60.0, 20.0))
    change = np.cumsum(np.column_stack((works, fails)).ravel())
    passing = rng.random(EVADERS) * change[-1]
    on = np.searchsorted(change, passing) % 2 == 0
    noticed = on & (rng.random(EVADERS) < 0.7)
    team_km = rng.random(EVADERS) * 40
    caught = noticed & (np.abs(team_km - 15) / 60 * 60 <= 10)  # the sensor stands at kilometre 15
    uptime = works.sum() / change[-1]
    assert uptime == pytest.approx(0.75, abs=0.01)
    assert agrees(1 - caught.mean(), sensor_survival(uptime, 0.7, 20 / 40))


def test_false_alarms_take_hours() -> None:
    assert false_alarm_hours(12, 40) == pytest.approx(8)


@pytest.mark.parametrize("hours", [0.5, 2.0])
def test_a_search_without_a_pattern(hours: float) -> None:
    """On a square of 20 km without edges: strips of 2 km laid down at random, one after
    the other, over evaders who walk.
    """
    rng = np.random.default_rng(5)
    n, side, width, speed, strip = 40_000, 20.0, 0.5, 100.0, 2.0
    evader, walk = rng.random((n, 2)) * side, rng.normal(size=(n, 2))
    walk *= 4 / np.linalg.norm(walk, axis=1)[:, None]  # km an hour
    seen = np.zeros(n, dtype=bool)
    for number in range(round(hours * speed / strip)):
        middle, angle = rng.random((n, 2)) * side, rng.random(n) * 2 * np.pi
        gap = (evader + walk * number * strip / speed - middle + side / 2) % side - side / 2
        along = gap[:, 0] * np.cos(angle) + gap[:, 1] * np.sin(angle)
        across = gap[:, 1] * np.cos(angle) - gap[:, 0] * np.sin(angle)
        seen |= (np.abs(along) <= strip / 2) & (np.abs(across) <= width / 2)
    assert agrees(seen.mean(), float(random_search(width * 1000, speed, hours, side**2)), n)


@pytest.mark.slow
def test_a_flight_that_crosses_its_own_track_sees_less() -> None:
    """Legs of 3 km on average, turned back at the edges of 20 km by 20 km."""
    rng = np.random.default_rng(1)
    n, side, width, speed, hours, step = 4000, 20.0, 0.5, 100.0, 2.0, 0.1
    evader, place, way = (
        rng.random((n, 2)) * side,
        rng.random((n, 2)) * side,
        rng.normal(size=(n, 2)),
    )
    seen = np.zeros(n, dtype=bool)
    for _ in range(round(hours * speed / step)):
        way = np.where((rng.random(n) < step / 3)[:, None], rng.normal(size=(n, 2)), way)
        place += step * way / np.linalg.norm(way, axis=1)[:, None]
        way = np.where((place < 0) | (place > side), -way, way)
        place = np.where(place > side, 2 * side - place, np.abs(place))
        seen |= ((place - evader) ** 2).sum(axis=1) <= (width / 2) ** 2
    assert float(random_search(width * 1000, speed, hours, side**2)) == pytest.approx(
        0.221, abs=0.0005
    )
    assert seen.mean() == pytest.approx(0.19, abs=0.02)


@pytest.mark.parametrize(
    ("there", "detection", "truth", "product"),
    [(1.0, 0.3, 0.42, 0.399), (0.5, 0.3, 0.21, 0.223), (0.5, 0.6, 0.357, 0.399)],
)
def test_a_drone_over_a_road_is_there_for_all_its_segments_or_none(
    there: float, detection: float, truth: float, product: float
) -> None:
    """20 km of road in ten segments, flown out and back at 100 km/h, cars at 60."""
    count = looks([Leg(0, 12, 0, 20), Leg(12, 24, 20, 0)], 20, 20, 24)
    up = np.random.default_rng(9).random(EVADERS) < there
    assert found(count * up, detection) == pytest.approx(truth, abs=0.004)
    phi = np.tile(np.array(orbit_meeting(2 / 100 * 60, 2, 24)), 10)
    assert count.mean() == pytest.approx(phi.sum(), rel=0.01)
    assert 1 - beat_survival(there * phi, detection) == pytest.approx(product, abs=0.0005)


@pytest.mark.parametrize(("travel", "speed"), [(6, 1.5), (2, 1.5), (4, 0.6)])
def test_an_orbit_sees_an_evader_as_often_as_the_formula_says(travel: float, speed: float) -> None:
    """A footprint of 0.8 km flies over a segment of 5 km, at `speed` km a minute, once
    in 40 minutes.
    """
    length, footprint, revisit = 5.0, 0.8, 40.0
    low, high = -footprint / 2, length + footprint / 2
    took = (high - low) / speed
    opposing, same = orbit_meeting(length / speed, travel, revisit, footprint / speed)
    for ends, chance in (((high, low), opposing), ((low, high), same)):
        seen = looks([Leg(3, 3 + took, *ends)], length, travel, revisit, footprint) > 0
        assert agrees(seen.mean(), float(chance))
        assert not agrees(seen.mean(), float(chance) - footprint / speed / revisit)


def test_an_orbit_over_a_spot() -> None:
    share = (looks([Leg(7, 9, 1, 1)], 2, 6, 40, footprint=100) > 0).mean()
    for chance in orbit_meeting(0, 6, 40, 2):
        assert agrees(share, float(chance))
    assert float(orbit_meeting(0, 50, 40, 2)[0]) == 1


def test_time_on_station() -> None:
    """A drone is up for three hours of every eight: an orbit seen with 0.2 while it is up."""
    moment = np.random.default_rng(6).random(EVADERS) * SHIFT
    up = moment < 180
    seen = up & (looks([Leg(7, 9, 1, 1)], 2, 6, 40, footprint=100) > 0)
    chance = station_share(3, 8) * float(orbit_meeting(0, 6, 40, 2)[0])
    assert agrees(1 - seen.mean(), float(patrol_survival(chance, 1.0)))
    assert station_share(12, 8) == 1


@pytest.mark.parametrize(
    "call",
    [
        lambda: checkpoint_coverage(-1, 1),
        lambda: checkpoint_coverage(1, 0),
        lambda: inspection_delay(1, 1, -1),
        lambda: dwell_meeting(-1, 480),
        lambda: dwell_meeting(1, 0),
        lambda: drive_meeting([1, -1], 1, 480),
        lambda: drive_meeting(1, 1, 0),
        lambda: orbit_meeting(1, 1, 10, -1),
        lambda: patrol_survival(1.1, 0.5),
        lambda: patrol_survival(0.5, float("nan")),
        lambda: beat_survival([0.1, -0.1], 0.5),
        lambda: sensor_survival(1.1, 0.5, 0.5),
        lambda: false_alarm_hours(-1, 1),
        lambda: random_search(1, 1, 1, 0),
        lambda: random_search(-1, 1, 1, 1),
        lambda: station_share(1, 0),
        lambda: station_share(-1, 8),
    ],
)
def test_numbers_out_of_range_are_refused(call: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match="must be"):
        call()
