"""Seizures set against effort: nothing is multiplied, nothing is lost without being told."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.base.errors import InputError
from optimizer.records.model import ROAD_UNIT, spread_effort
from optimizer.risk.evidence import LEAST_SEIZURES, gather_evidence
from tests.examples import examples
from tests.risk_cases import effort_of, line_network, network_of, records_of

AREAS = {"west": [0, 1, 2, 3], "middle": [2, 3, 4, 5], "east": [6, 7]}


def test_an_areas_effort_is_spread_by_length() -> None:
    lon = np.array([1.5, 1.51, 1.53, 1.56])
    network = network_of(lon, np.full(4, 42.5), np.array([[0, 1], [1, 2], [2, 3]]))
    exposure = spread_effort(effort_of({"all": 60.0, 2: 5.0}, {"all": [0, 1, 2]}), network)
    np.testing.assert_allclose(exposure.amount, [[10, 20, 35]], rtol=1e-6)


@examples(60)
@given(data=st.data())
def test_totals_are_kept_however_places_overlap(data: st.DataObject) -> None:
    network = line_network(8)
    places = st.sampled_from([*range(8), *AREAS])
    amounts = st.floats(0.1, 1e4)
    effort = data.draw(st.dictionaries(places, amounts, min_size=1))
    seizures = data.draw(st.dictionaries(places, st.integers(0, 500).map(float)))
    evidence = gather_evidence(records_of(seizures, AREAS), effort_of(effort, AREAS), network)
    searched = evidence.searched
    used = sum(
        count
        for place, count in seizures.items()
        if (searched[AREAS[place]].any() if isinstance(place, str) else searched[place])
    )
    np.testing.assert_allclose(evidence.count.sum(), used)
    np.testing.assert_allclose(
        evidence.global_rate, max(used, LEAST_SEIZURES) / sum(effort.values())
    )
    np.testing.assert_allclose(evidence.expected.sum(), max(used, LEAST_SEIZURES))
    areaed = np.zeros((2, 8))
    for area in evidence.area_counts:
        assert area.segment.size > 1
        areaed[0, area.segment] += area.spread
        areaed[1, area.segment] += area.expected
    np.testing.assert_allclose(evidence.own_count + areaed[0], evidence.count, atol=1e-9)
    np.testing.assert_allclose(evidence.own_expected + areaed[1], evidence.expected, atol=1e-9)
    assert (evidence.count[~searched] == 0).all()
    lost = sum(seizures.values()) - used
    assert any(f"{lost:,.0f} seizures lie where" in warning for warning in evidence.warnings) == (
        lost > 0
    )


def test_seizures_of_an_area_follow_the_effort_inside_it() -> None:
    evidence = gather_evidence(
        records_of({"west": 12.0}, AREAS), effort_of({0: 1.0, 1: 3.0, 6: 4.0}), line_network(8)
    )
    np.testing.assert_allclose(evidence.count, [3, 9, 0, 0, 0, 0, 0, 0])
    np.testing.assert_allclose(evidence.own_count, 0)
    np.testing.assert_allclose(evidence.own_expected, [0, 0, 0, 0, 0, 0, 6, 0])


def test_an_area_with_one_searched_segment_is_that_segment() -> None:
    evidence = gather_evidence(
        records_of({"west": 3.0}, AREAS), effort_of({1: 2.0, 6: 2.0}), line_network(8)
    )
    assert evidence.area_counts == ()
    np.testing.assert_allclose(evidence.own_count, [0, 3, 0, 0, 0, 0, 0, 0])


def test_a_count_of_nothing_in_an_area_is_known_of_each_of_its_segments() -> None:
    evidence = gather_evidence(
        records_of({"west": 0.0, "east": 5.0}, AREAS),
        effort_of({"west": 4.0, "east": 4.0}, AREAS),
        line_network(8),
    )
    np.testing.assert_allclose(evidence.own_expected[:4], 2.5 / 4)
    assert len(evidence.area_counts) == 1


def test_units_are_made_comparable_by_their_own_rates() -> None:
    units: dict[int | str, str] = {0: "vehicles", 1: "vehicles", 2: "staff", 3: "staff"}
    evidence = gather_evidence(
        records_of({0: 30.0, 1: 10.0, 2: 4.0}, units=units),
        effort_of({0: 1e6, 1: 1e6, 2: 10.0, 3: 10.0}, units=units),
        line_network(4),
    )
    assert evidence.units == ("vehicles", "staff")
    np.testing.assert_allclose(evidence.global_rate, [2e-5, 0.2])
    np.testing.assert_allclose(evidence.expected, [20, 20, 2, 2])
    assert any("assumption" in warning for warning in evidence.warnings)


def test_seizures_count_against_the_effort_that_made_them() -> None:
    effort_units: dict[int | str, str] = {0: "staff", 1: "vehicles"}
    evidence = gather_evidence(
        records_of({0: 7.0, 1: 2.0}, units={0: "vehicles", 1: "vehicles"}),
        effort_of({0: 5.0, 1: 5.0}, units=effort_units),
        line_network(2),
    )
    np.testing.assert_allclose(evidence.count, [0, 2])
    assert any(
        "7 seizures lie where no effort in vehicles" in warning for warning in evidence.warnings
    )


def test_seizures_before_all_effort_are_told_and_left_out() -> None:
    records = records_of({0: 3.0, 1: 4.0})
    records.start[0], records.end[0] = np.datetime64("2019-01-01"), np.datetime64("2020-01-01")
    evidence = gather_evidence(records, effort_of({0: 1.0, 1: 1.0}), line_network(2))
    np.testing.assert_allclose(evidence.count, [0, 4])
    assert any(
        warning.startswith("3 seizures come from before or after") for warning in evidence.warnings
    )


@pytest.mark.parametrize("effort", [None, effort_of({})])
def test_without_effort_each_kilometre_counts_alike_and_that_is_said(effort: object) -> None:
    network = line_network(4)
    evidence = gather_evidence(records_of({1: 6.0}), effort, network)  # type: ignore[arg-type]  # None or an Effort
    assert evidence.units == (ROAD_UNIT,)
    assert not evidence.searched.any()
    np.testing.assert_allclose(evidence.expected, 1.5)
    assert any(
        "where people searched as much as where drugs pass" in warning
        for warning in evidence.warnings
    )


def test_effort_of_nothing_is_no_evidence() -> None:
    evidence = gather_evidence(records_of({0: 2.0}), effort_of({0: 0.0, 1: 0.0}), line_network(3))
    assert np.isnan(evidence.global_rate).all()
    assert not evidence.expected.any()
    assert not evidence.count.any()
    assert not evidence.searched.any()
    assert any("2 seizures lie where no effort" in warning for warning in evidence.warnings)


def test_seizures_that_fit_no_unit_of_effort_are_a_fault_of_the_scenario() -> None:
    effort = effort_of({0: 1.0, 1: 1.0}, units={0: "staff", 1: "vehicles"})
    records = records_of({0: 1.0, 1: 1.0, 2: 1.0}, units={0: "", 1: "hours", 2: "staff"})
    with pytest.raises(InputError) as caught:
        gather_evidence(records, effort, line_network(3))
    assert [problem.found for problem in caught.value.problems] == ["none", "'hours'"]
    assert all("'staff' or 'vehicles'" in problem.expected for problem in caught.value.problems)
