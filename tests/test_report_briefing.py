"""What the pipeline tells the report of a record and its effort."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from optimizer.analysis.search_advice.search_advice import look_next, where_to_look
from optimizer.pipeline.briefing.briefing import fitted_evidence, known_effort, record_facts
from optimizer.records.exposure import spread_effort
from optimizer.risk.evidence import gather_evidence
from optimizer.scenario.compile.compile import Compiled, compile_scenario

pytestmark = pytest.mark.report

SCENARIO = Path(__file__).parents[1] / "instances" / "rio-grande" / "scenario.toml"


@pytest.fixture(scope="module")
def compiled() -> Compiled:
    return compile_scenario(SCENARIO)


def test_all_effort_reaches_the_report_unit_by_unit(compiled: Compiled) -> None:
    evidence = fitted_evidence(compiled)
    assert evidence is not None
    efforts = known_effort(evidence.exposure)
    effort = compiled.effort
    assert effort is not None
    assert [one.unit for one in efforts] == ["vehicles", "agent-years"]
    for one in efforts:
        rows = np.array(effort.unit)[effort.source] == one.unit
        assert one.amount.sum() == pytest.approx(effort.amount[rows].sum())
    assert compiled.risk is not None
    np.testing.assert_array_equal(sum(one.amount for one in efforts) > 0, compiled.risk.searched)


def test_the_facts_of_the_record_are_told(compiled: Compiled) -> None:
    records, evidence = compiled.records, fitted_evidence(compiled)
    assert records is not None
    assert evidence is not None
    facts = record_facts(records, compiled.effort, evidence)
    assert (facts.seizures, facts.area_only, facts.without_effort, facts.areas) == (9712, 9712, 0, 7)
    assert facts.effort_sources == (
        ("northbound traffic at the bridges", "vehicles"),
        ("Border Patrol staffing", "agent-years"),
    )
    assert facts.effort_by_area


def test_finds_on_a_road_and_finds_nobody_looked_for_are_told_apart(compiled: Compiled) -> None:
    records, effort = compiled.records, compiled.effort
    assert records is not None
    searched = spread_effort(effort, compiled.region.network).amount
    unit = np.array(records.effort_unit)[records.source]
    first = int(np.flatnonzero(unit == "agent-years")[0])
    second = int(np.flatnonzero(unit == "vehicles")[0])
    segment, area = records.segment.copy(), records.area.copy()
    segment[first] = np.flatnonzero(searched[1] > 0)[0]
    segment[second] = np.flatnonzero(searched.sum(axis=0) == 0)[0]
    area[[first, second]] = -1
    moved = replace(records, segment=segment, area=area)
    facts = record_facts(moved, effort, gather_evidence(moved, effort, compiled.region.network))
    assert facts.without_effort == pytest.approx(records.count[second])
    assert facts.area_only == pytest.approx(9712 - records.count[first] - records.count[second])


def test_without_effort_or_records_nothing_is_claimed(compiled: Compiled) -> None:
    assert compiled.records is not None
    evidence = gather_evidence(compiled.records, None, compiled.region.network)
    facts = record_facts(compiled.records, None, evidence)
    assert (facts.without_effort, facts.effort_sources, facts.effort_by_area) == (0, (), False)
    assert known_effort(evidence.exposure) == ()
    travel = compiled.travel
    silent = replace(travel, evidence=replace(travel.evidence, records=None))
    assert fitted_evidence(replace(compiled, travel=silent)) is None


def test_risk_look_and_the_report_give_the_same_answer(compiled: Compiled) -> None:
    told, look = look_next(compiled), where_to_look(SCENARIO)
    assert told is not None
    assert [(row.segment, row.score, row.reason) for row in told.rows] == [
        (road.segment, road.around_nats, road.reason) for road in look.roads[: len(told.rows)]
    ]
    assert look.patrol.unit == "agent-years"  # Border Patrol covers more road than the traffic of the bridges
    assert 0 < look.patrol.amount < 10
