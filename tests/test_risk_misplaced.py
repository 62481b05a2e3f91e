"""Seizures where no effort is recorded: what becomes of them is told from the record,
and none is lost.
"""

from __future__ import annotations

import numpy as np
import pytest

from optimizer.risk import FieldFlow, OdTable, evidence
from optimizer.risk.evidence import gather_evidence
from optimizer.risk.field_flow.model_averaging import (
    ALIKE,
    model_weights,
)
from optimizer.risk.location_error import (
    FEW_SEIZURES,
    LEAST_STRAY,
    WEAK_STRAY_SHARE,
    estimate_location_error,
    fit_location_error,
    spread,
    weak_remarks,
)
from optimizer.risk.params import USUAL, RiskParams
from tests.risk_cases import by_segment, effort_of, grid_network, line_network, records_of

NETWORK = grid_network(9, np.random.default_rng(1), keep=1.0)
SIZE = NETWORK.n_segments
LENGTH = NETWORK.length_m[NETWORK.segment_arc]
HALF = np.arange(SIZE) % 2 == 0


def test_a_record_without_strays_is_explained_by_effort_alone() -> None:
    rng = np.random.default_rng(2)
    effort = np.where(HALF, rng.gamma(2.0, size=SIZE), 0.0)
    found = estimate_location_error(rng.poisson(4 * effort).astype(float), effort, NETWORK)
    assert found.misplaced < 0.12
    assert found.by_effort > 0.95
    assert found.chance.sum() == pytest.approx(1.0)


def test_tips_are_told_from_what_effort_finds() -> None:
    rng = np.random.default_rng(3)
    effort = np.where(np.arange(SIZE) < 20, 10.0, 0.0)
    tips = rng.multinomial(400, LENGTH / LENGTH.sum())
    found = estimate_location_error(
        rng.multinomial(400, effort / effort.sum()) + tips.astype(float), effort, NETWORK
    )
    assert found.by_effort == pytest.approx(0.5, abs=0.1)


def test_effort_spreads_over_its_surroundings_and_none_is_lost() -> None:
    line = line_network(41, step=0.001)  # segments of 82 m
    effort = np.zeros(41)
    effort[20] = 7.0
    near, far = spread(line, effort, 30.0), spread(line, effort, 300.0)
    for moved in (near, far):
        assert moved.sum() == pytest.approx(7.0)
        np.testing.assert_allclose(moved, moved[::-1], atol=0.5)
    assert near[20] > near[19] > near[17]
    assert far[20] < near[20]
    assert far[16] > near[16]
    assert near[5] < 1e-6


def evidence_of(stray: float, *, exact: bool = False) -> tuple[float, ...]:
    effort = np.where(HALF, 5.0, 0.0)
    count = np.where(HALF, 2.0, 0.0)
    count[1] = stray
    records = records_of(by_segment(count))
    plain = gather_evidence(records, effort_of(by_segment(effort)), NETWORK)
    borne = fit_location_error(plain, records, NETWORK, plain.units if exact else ())
    if stray < LEAST_STRAY or exact:
        assert borne.misplaced is None
        assert borne.unit_count is plain.unit_count
        assert borne.unit_expected is plain.unit_expected
    return (
        float(borne.count.sum()),
        float(borne.expected.sum()),
        float(count.sum()),
        len(borne.warnings),
    )


def test_every_seizure_counts_once_they_are_more_than_a_few() -> None:
    count, expected, every, _ = evidence_of(60.0)
    assert count == every
    assert expected == pytest.approx(every)
    few, _, every, _ = evidence_of(LEAST_STRAY - 1)
    assert few == every - LEAST_STRAY + 1
    exact, _, every, _ = evidence_of(60.0, exact=True)
    assert exact == every - 60.0


@pytest.mark.parametrize(
    ("placed", "stray", "weak"),
    [
        (60, 60, True),
        (60, 30, False),
        (FEW_SEIZURES, FEW_SEIZURES, False),
        (5, LEAST_STRAY - 1, False),
    ],
)
def test_few_seizures_many_of_them_astray_are_said_to_be_a_weak_record(
    placed: int, stray: int, weak: bool
) -> None:
    count = np.zeros(SIZE)
    count[np.flatnonzero(HALF)[:1]], count[np.flatnonzero(~HALF)[:1]] = placed, stray
    records = records_of(by_segment(count))
    plain = gather_evidence(records, effort_of(by_segment(np.where(HALF, 5.0, 0.0))), NETWORK)
    remarks = weak_remarks(plain, records)
    assert bool(remarks) == weak
    assert weak == (
        placed + stray < FEW_SEIZURES
        and stray >= max(LEAST_STRAY, WEAK_STRAY_SHARE * (placed + stray))
    )
    assert [
        one
        for one in fit_location_error(plain, records, NETWORK).warnings
        if "risk map is weak" in one
    ] == remarks


def test_a_fit_says_what_it_made_of_them_and_agrees_with_its_record() -> None:
    rng = np.random.default_rng(4)
    rate = rng.lognormal(0.0, 1.0, SIZE)
    effort = np.where(rng.random(SIZE) < 0.5, 20.0, 0.0)
    count = rng.poisson(0.1 * effort * rate).astype(float)
    moved = np.zeros(SIZE)
    for segment in np.flatnonzero(count).tolist():
        away = rng.binomial(int(count[segment]), 0.5)
        count[segment] -= away
        moved[min(segment + 1, SIZE - 1)] += away
    records, searches = records_of(by_segment(count + moved)), effort_of(by_segment(effort))
    model = FieldFlow().fit(records, searches, NETWORK)
    assert model.evidence_.count.sum() == (count + moved).sum()
    assert not model.record_check_.contradictions
    assert any(
        "lie where no effort in" in one and "elsewhere" in one for one in model.predict().warnings
    )
    assert not any("left out" in one for one in model.predict().warnings)
    published = USUAL.faulty_widening * np.hypot(model.sd_, USUAL.faults_sd)
    assert np.ptp(model.sd_) > 0.1
    np.testing.assert_allclose(model.widening * model.sd_, published)
    np.testing.assert_allclose(model.sample(4000, rng).std(axis=0), published, rtol=0.1)
    np.testing.assert_array_equal(model.predict().searched, effort > 0)


def test_a_record_that_says_nothing_tempered_counts_in_full(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(4)
    rate = rng.lognormal(0.0, 1.0, SIZE)
    effort = np.where(rng.random(SIZE) < 0.5, 20.0, 0.0)
    count = rng.poisson(0.05 * effort * rate).astype(float)
    count[np.flatnonzero(effort == 0)[:20]] = 2.0
    records, searches = records_of(by_segment(count)), effort_of(by_segment(effort))

    def medians(least_signal: float, power: float) -> np.ndarray:
        monkeypatch.setattr(evidence, "POWER_MISPLACED", power)
        params = RiskParams(least_signal=least_signal)
        return FieldFlow(params=params).fit(records, searches, NETWORK).predict().median

    tempered, full = medians(0.0, 0.5), medians(0.0, 1.0)
    assert np.abs(np.log(tempered / full)).max() > 0.1
    np.testing.assert_allclose(medians(1.1, 0.5), full, rtol=0.02)
    np.testing.assert_array_equal(medians(0.0, 0.5), tempered)


def test_that_all_roads_are_alike_is_unlikely_where_traffic_is_known() -> None:
    rng = np.random.default_rng(5)
    effort = effort_of(by_segment(np.full(SIZE, 3.0)))
    records = records_of(by_segment(rng.poisson(0.5, SIZE).astype(float)))
    table = OdTable(np.array([0, 8]), np.array([80, 72]), np.ones((2, 2)))
    model = FieldFlow(table).fit(records, effort, NETWORK)
    logs = np.array([one.log_evidence for one in model.candidates_])
    weights = np.exp(logs - logs.max()) * [
        USUAL.alike_weight if one.name == ALIKE else 1 for one in model.candidates_
    ]
    np.testing.assert_allclose(model_weights(model.candidates_), weights / weights.sum(), atol=2e-3)
