"""A fit against its own record: points, areas and units in every mixture; exact sums;
what a failed comparison leads to.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from optimizer.records import Effort, Seizures
from optimizer.risk import FieldFlow
from optimizer.risk.evidence import gather_evidence
from optimizer.risk.field_flow.model_averaging import average_rates, with_posterior
from optimizer.risk.predictive_check import Aspect, FittedRates, PredictiveCheck, check_record
from tests.examples import quick_first
from tests.risk_cases import by_segment, effort_of, grid_network, records_of, rows_of

NETWORK = grid_network(9, np.random.default_rng(3))
SEIZURES = 60


def mixed_record(
    rng: np.random.Generator, *, points: bool, areas: bool, units: int
) -> tuple[Seizures, Effort]:
    """Return a record drawn at rates that differ from place to place, with effort and
    seizures by point, by area or both.
    """
    m = NETWORK.n_segments
    halves = np.array_split(np.argsort(NETWORK.segment_midpoint[:, 1]), 2)
    named = {
        name: np.sort(own).tolist() for name, own in zip(("South", "North"), halves, strict=True)
    }
    at = rng.choice(m, int(rng.choice([4, 30])), replace=False)
    rate = np.exp(rng.normal(0, float(rng.choice([0.3, 2.0])), m))
    place: dict[Any, float] = (
        {int(s): float(rng.choice([0.2, 2.0, 20.0])) for s in at} if points else {}
    )
    place |= {name: float(rng.choice([10.0, 500.0])) for name in named} if areas else {}
    detection = dict(
        zip(("hours", "patrols"), (1.0, float(rng.choice([0.1, 1.0, 5.0]))), strict=True)
    )
    unit = {
        where: "patrols" if units == 2 and isinstance(where, str) else "hours" for where in place
    }
    effort = effort_of(place, named, units=unit)
    found: dict[Any, float] = {}
    made_by: dict[Any, str] = {}
    length = NETWORK.length_m[NETWORK.segment_arc]
    means: list[tuple[int, str, float, bool]] = []
    for where, amount in place.items():
        own = np.array(named[where] if isinstance(where, str) else [where])
        share = length[own] / length[own].sum()
        means += [
            (
                int(s),
                unit[where],
                amount * float(w * rate[s]) * detection[unit[where]],
                isinstance(where, str),
            )
            for s, w in zip(own, share, strict=True)
        ]
    scale = SEIZURES / sum(mean for _, _, mean, _ in means)
    for segment, name, mean, by_area in means:
        count = int(rng.poisson(scale * mean))
        where = (
            next(a for a in named if segment in named[a])
            if by_area and rng.random() < 0.5
            else segment
        )
        key: Any = where
        if count and made_by.get(key, name) == name:  # a place has one row, of one unit
            found[key] = found.get(key, 0.0) + count
            made_by[key] = name
    return records_of(found or {int(at[0]): 1.0}, named, units=made_by or None), effort


FORMS = [(True, False, 1), (False, True, 1), (True, True, 1), (True, True, 2)]


@pytest.mark.parametrize(("points", "areas", "units"), FORMS)
@pytest.mark.parametrize("seed", quick_first(range(6), 2))
def test_a_fit_agrees_with_its_own_record(points: bool, areas: bool, units: int, seed: int) -> None:
    records, effort = mixed_record(
        np.random.default_rng([units, seed]), points=points, areas=areas, units=units
    )
    model = FieldFlow().fit(records, effort, NETWORK)
    assert not model.record_check_.failed
    said = [remark for remark in model.predict().warnings if "no spatial signal" not in remark]
    assert tuple(said) == model.evidence_.warnings
    whole = model.record_check_.comparisons[0]
    # fitted counts lie nearer to their expectation than new ones would: within one
    # standard deviation, and not only within the test's limit
    assert abs(whole.found - whole.expected) <= 1 + np.sqrt(whole.expected)


@pytest.mark.parametrize("seed", quick_first(range(6), 2))
def test_published_rates_expect_of_each_unit_what_the_model_does(seed: int) -> None:
    """Index times fitted rate times effort is the model's own expectation, unit by
    unit, and the index is 1 on the whole.
    """
    records, effort = mixed_record(
        np.random.default_rng([7, seed]), points=True, areas=True, units=2
    )
    model = FieldFlow().fit(records, effort, NETWORK)
    estimate, evidence = model.predict(), model.evidence_
    published = estimate.global_rate * (evidence.exposure.amount @ estimate.mean)
    expected = average_rates(model.candidates_, model.weights_, evidence).expected
    np.testing.assert_allclose(published, expected, rtol=1e-6)
    assert evidence.expected @ estimate.mean == pytest.approx(expected.sum(), rel=1e-6)
    np.testing.assert_allclose(
        evidence.expected_by_unit().sum(axis=0), evidence.expected, atol=1e-12
    )


def test_units_that_searched_unlike_places_keep_their_own_rates() -> None:
    """Hours at two hot spots, patrols everywhere: each unit's seizures are expected of
    its own effort.
    """
    searched: dict[int | str, float] = {3: 5.0, 40: 5.0, "all": 400.0}
    effort = effort_of(searched, {"all": list(range(NETWORK.n_segments))}, units={"all": "patrols"})
    made_by: dict[int | str, str] = {3: "hours", 40: "hours"}
    made_by |= dict.fromkeys(range(60, 80), "patrols")
    records = records_of(
        {place: 10.0 if place in {3, 40} else 1.0 for place in made_by}, units=made_by
    )
    model = FieldFlow().fit(records, effort, NETWORK)
    by_unit = {
        one.name: one for one in model.record_check_.comparisons if one.aspect is Aspect.SOURCE
    }
    assert len(by_unit) == 2
    for one in by_unit.values():
        assert one.found == 20
        assert one.expected == pytest.approx(20, rel=0.25)


def checked(factor: float) -> PredictiveCheck:
    """Return the check of rates that are so many times those of a record that lies in
    two quarters.
    """
    segment = np.arange(30)
    records, effort = rows_of(
        segment, np.full(30, 10.0), np.full(30, 2.0), month=np.where(segment < 15, 0, 4)
    )
    evidence = gather_evidence(records, effort, NETWORK)
    return check_record(
        records,
        effort,
        NETWORK,
        evidence,
        FittedRates(np.ones(NETWORK.n_segments), np.array([60.0 * factor]), np.inf),
    )


def test_rates_far_from_the_record_fail_and_say_so() -> None:
    assert not checked(1.0).failed
    assert not checked(1.1).warnings()
    for factor in (0.1, 12.0):
        check = checked(factor)
        assert {one.aspect for one in check.contradictions} == {Aspect.ALL}
        assert len(check.failed) == 3  # in all, and in both quarters
        assert "contradicts its own record: 60 found" in check.warnings()[0]


def test_a_record_that_changes_over_time_is_told_and_its_model_kept() -> None:
    segment = np.tile(np.arange(10), 2)
    month = np.repeat([0, 6], 10)
    records, effort = rows_of(
        segment, np.full(20, 10.0), np.where(month == 0, 30.0, 1.0), month=month
    )
    model = FieldFlow(season=False, shape=np.inf).fit(records, effort, NETWORK)
    assert not model.record_check_.contradictions
    assert {one.name for one in model.record_check_.failed} == {"in 2023-Q1", "in 2023-Q3"}
    assert "changed over time" in model.predict().warnings[-1]


def test_a_model_that_contradicts_its_record_gives_way_to_a_simpler_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Candidates whose means were moved by a factor of e^3 after the fit stand for
    whatever may go wrong in them.
    """
    from optimizer.risk.field_flow import model as module

    settled = with_posterior

    def spoilt(one: Any, weight: float) -> Any:
        done = settled(one, weight)
        return done if done.name == "alike" else _moved(done)

    monkeypatch.setattr(module, "with_posterior", spoilt)
    rng = np.random.default_rng(0)
    count = np.zeros(NETWORK.n_segments)
    count[:20] = rng.poisson(8.0, 20)  # far from all alike: the field has all the weight
    model = FieldFlow().fit(
        records_of(by_segment(count)), effort_of(by_segment(np.ones(NETWORK.n_segments))), NETWORK
    )
    assert model.candidates_[int(np.argmax(model.weights_))].name == "alike"
    assert not model.record_check_.contradictions
    assert "One rate for each road class is used in its place" in model.predict().warnings[-1]


def _moved(one: Any) -> Any:
    from dataclasses import replace

    return replace(one, mean=one.mean + 3, unit_mean=one.unit_mean + 3)
