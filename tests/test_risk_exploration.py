"""Where to look next: information against enumeration and Monte Carlo, and the rankings
that follow.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats

from optimizer.base.errors import InputError
from optimizer.records import Effort, Seizures
from optimizer.risk import FieldFlow
from optimizer.risk.information_gain import (
    LARGEST_LOG_MEAN,
    InformationGain,
    chance_of_top,
    count_information,
    information_around,
    information_gain,
    near_segments,
    reason,
)
from tests.risk_cases import by_segment, effort_of, grid_network, line_network, records_of

NETWORK = grid_network(7, np.random.default_rng(1), keep=1.0)
M = NETWORK.n_segments


def record(seed: int = 2) -> tuple[Seizures, Effort]:
    rng = np.random.default_rng(seed)
    hours = rng.gamma(2.0, 5.0, M) * (rng.random(M) < 0.6)
    rate = 0.2 * np.exp(np.sin(np.arange(M) / 5.0))
    return records_of(by_segment(rng.poisson(hours * rate).astype(float))), effort_of(
        by_segment(hours)
    )


MODEL = FieldFlow(season=False).fit(*record(), NETWORK)


def enumerated(centre: float, sd: float, shape: float) -> float:
    z = np.linspace(-8, 8, 3001)
    weight = stats.norm.pdf(z) / stats.norm.pdf(z).sum()
    mean = np.exp(centre + sd * z)[:, None]
    count = np.arange(int(np.exp(centre + 5 * sd)) + 40)
    family = stats.poisson(mean) if np.isinf(shape) else stats.nbinom(shape, shape / (shape + mean))
    chance = family.pmf(count)
    overall = weight @ chance
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(chance > 0, chance * np.log(chance / overall), 0.0)
    return float(weight @ ratio.sum(axis=1))


@pytest.mark.parametrize(
    ("centre", "sd", "shape"),
    [
        (-4.0, 1.5, np.inf),
        (-1.0, 0.3, np.inf),
        (0.5, 1.0, np.inf),
        (2.0, 0.6, np.inf),
        (0.0, 1.0, 4.0),
        (1.0, 0.8, 1.0),
    ],
)
def test_information_is_that_of_enumeration(centre: float, sd: float, shape: float) -> None:
    found = count_information(np.array([centre]), np.array([sd]), shape)
    np.testing.assert_allclose(found, enumerated(centre, sd, shape), rtol=3e-3)


@pytest.mark.parametrize(
    ("centre", "sd", "shape", "information"),
    [
        (3.0, 1.5, 2.0, 0.72678922),
        (3.693147180559945, 1.5, 2.0, 0.75504813),
        (0.0, 2.0, 0.5, 0.31338984),
        (6.0, 1.0, 1000.0, 2.78484012),
        (3.693147180559945, 1.5, np.inf, 2.27149647),
        (6.0, 0.1, np.inf, 0.80864014),
        (8.0, 0.01, np.inf, 0.13045397),
    ],
)
def test_information_of_large_counts(
    centre: float, sd: float, shape: float, information: float
) -> None:
    """The values are from sums over each count to 5,000 and Gauss's rule in the log of
    the count beyond.

    Log rates were half as far apart as a count tells them, over nine standard
    deviations to both sides.
    """
    found = count_information(np.array([centre]), np.array([sd]), shape)
    np.testing.assert_allclose(found, information, rtol=4e-4)


def test_information_is_that_of_monte_carlo() -> None:
    rng = np.random.default_rng(3)
    mean = np.exp(0.7 + 0.9 * rng.standard_normal(4000))
    count = rng.poisson(mean)
    chance = np.array([np.mean(stats.poisson.pmf(y, mean)) for y in range(count.max() + 1)])
    log_chance: np.ndarray = np.asarray(stats.poisson.logpmf(count, mean))
    drawn = log_chance - np.log(chance[count])
    found = float(count_information(np.array([0.7]), np.array([0.9]))[0])
    assert abs(found - drawn.mean()) < 4 * drawn.std() / np.sqrt(drawn.size)


def test_the_table_of_many_says_what_one_by_one_says() -> None:
    rng = np.random.default_rng(4)
    centre, sd = rng.uniform(-6, 1, 900), rng.uniform(0.3, 1.5, 900)
    many = count_information(centre, sd)
    one = count_information(centre[:40], sd[:40])
    np.testing.assert_allclose(many[:40], one, rtol=0.02)


@pytest.mark.slow
@given(
    st.floats(-30, 30),
    st.floats(0.0, 6.0),
    st.floats(1.0, 100.0),
    st.sampled_from([np.inf, 1000.0, 20.0, 2.0, 0.3, 0.05]),
)
@example(3.0, 1.5, 2.0, 2.0)
@example(4.72, 0.002, 1.887, 0.3)
def test_more_effort_never_teaches_less(
    centre: float, sd: float, times: float, shape: float
) -> None:
    less, more = count_information(
        np.array([centre, centre + np.log(times)]), np.array([sd, sd]), shape
    )
    # sums of large counts are right to 4e-9 (6,196 random cases)
    assert 0 <= less <= more * (1 + 1e-6) + 1e-8


def test_what_is_known_teaches_nothing_and_very_many_finds_no_more() -> None:
    known, vague = count_information(np.zeros(2), np.array([0.0, 1.0]))
    assert known < 1e-5 < vague
    top = count_information(np.array([LARGEST_LOG_MEAN, 40.0]), np.array([0.1, 0.1]))
    assert top[0] == top[1]


def test_a_patrol_teaches_about_the_neighbours_as_far_as_they_go_together() -> None:
    rng = np.random.default_rng(5)
    base = rng.standard_normal(20_000)
    apart = rng.standard_normal((20_000, 2))
    drawn = np.column_stack((base, 0.8 * base + 0.6 * apart[:, 0], apart[:, 1]))
    network = line_network(3)
    around = information_around(np.array([0.5, 0.5, 0.5]), drawn, near_segments(network))
    expected = -0.5 * np.log(1 - 0.64 * (1 - np.exp(-1.0)))
    np.testing.assert_allclose(around, [expected, expected, 0.0], atol=0.02)


def test_segments_around_are_those_within_two_junctions() -> None:
    near = near_segments(line_network(6)).toarray() > 0
    there = np.abs(np.subtract.outer(np.arange(6), np.arange(6)))
    np.testing.assert_array_equal(near, (there > 0) & (there <= 2))


def test_the_chance_of_the_top_is_by_length_and_sums_to_it() -> None:
    drawn = np.array(
        [[3.0, 2.0, 1.0, 0.0], [0.0, 1.0, 2.0, 3.0], [3.0, 2.0, 1.0, 0.0], [3.0, 0.0, 1.0, 2.0]]
    )
    length = np.array([1.0, 1.0, 1.0, 1.0])
    np.testing.assert_allclose(chance_of_top(drawn, length, 0.5), [0.75, 0.5, 0.25, 0.5])


def test_the_outlook_ranks_the_unknown_before_the_well_known() -> None:
    gain = information_gain(MODEL, NETWORK, 5.0)
    assert gain.unit == "hours"
    known = MODEL.evidence_.expected > np.quantile(MODEL.evidence_.expected[gain.searched], 0.7)
    assert gain.information[~gain.searched].mean() > gain.information[known].mean()
    assert (gain.around >= gain.information).all()
    np.testing.assert_allclose(
        gain.seizures, 5.0 * MODEL.evidence_.global_rate[0] * np.exp(MODEL.mean_)
    )
    np.testing.assert_array_equal(gain.median, MODEL.predict().median)
    again = information_gain(MODEL, NETWORK, 5.0)
    np.testing.assert_array_equal(gain.top, again.top)
    longer = information_gain(MODEL, NETWORK, 50.0)
    assert (longer.information > gain.information).all()


def test_a_patrol_of_nothing_or_in_an_unknown_unit_is_refused() -> None:
    for amount in (0.0, -1.0, np.inf, np.nan):
        with pytest.raises(InputError, match="above 0"):
            information_gain(MODEL, NETWORK, amount)
    with pytest.raises(InputError, match="'hours'"):
        information_gain(MODEL, NETWORK, 1.0, "vehicles")


def test_reasons_call_what_nobody_searched_unknown() -> None:
    four = np.array([0.5, 0.4, 0.3, 0.2])
    gain = InformationGain(
        1.0,
        "hours",
        four,
        four,
        four,
        four,
        np.array([0.2, 0.9, 0.1, 0.0]),
        np.array([False, True, True, True]),
    )
    words = [reason(gain, s) for s in range(4)]
    assert words == [
        "unknown: never searched, may be among the worst",
        "known to be bad",
        "unsure whether bad",
        "known well enough",
    ]
