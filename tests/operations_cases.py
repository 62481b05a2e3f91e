"""A plan folder of the tiny border with a roster, made without planning, for tests of
what follows a plan.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from optimizer.operations.planned import Visit, visits_of_rosters
from optimizer.problem.network.network import Network
from optimizer.roster.calendar import span
from optimizer.roster.model import (
    Assignment,
    Duties,
    Duty,
    DutyStop,
    Roster,
    log_csv,
    read_duties,
    roster_csv,
    write_duties_file,
)
from optimizer.scenario.file.roster_model import Crew, DutyBase, Shift
from tests.command import Outcome
from tests.roster_cases import FIRST
from tests.test_scenario_patrols import BASE
from tests.tiny import SCENARIO, tiny_region, write_scenario

ZONE = ZoneInfo("Europe/Berlin")

CONTRACT = {
    "delivered": "unit planned_hours delivered_hours stops_planned stops_done",
    "passes": (
        "place quarter sent sent_low sent_high found found_low found_high through through_low"
        " through_high around around_low around_high rate rate_low rate_high"
    ),
    "audit plan": "site shift vehicles expected_width",
    "audit results": (
        "site audited found rate_low rate_high passed_undetected_low passed_undetected_high"
    ),
    "trial analyse": "outcome effect low high p",
    "forecast score": "period model log_score share_top5 low high",
}
"""Keys of each line of `--json`, which others read: more may come, none may go."""
WORDS = frozenset({"unit", "place", "quarter", "site", "shift", "outcome", "period", "model"})
CHANCES = frozenset({"rate", "rate_low", "rate_high", "expected_width", "p", "share_top5"})


def keeps_contract(command: str, outcome: Outcome) -> None:
    """Assert that each line has every key: words, numbers or null; chances in [0, 1];
    no end of an interval beyond the other.
    """
    assert outcome.code == 0, outcome.err
    assert len(outcome.objects) == len(outcome.out.splitlines()) > 0
    for line in outcome.objects:
        for key in CONTRACT[command].split():
            value = line[key]
            assert (
                isinstance(value, str) if key in WORDS else value is None or math.isfinite(value)
            ), (key, value)
            assert key not in CHANCES or value is None or 0 <= value <= 1, (key, value)
        for low in (key for key in line if key == "low" or key.endswith("_low")):
            ends = line[low], line[low.replace("low", "high")]
            assert None in ends or ends[0] <= ends[1], (low, ends)


@dataclass(frozen=True)
class PlannedCase:
    """A plan folder, its scenario, its duties, and the visits of its roster of a week."""

    folder: Path
    scenario: Path
    network: Network
    duties: Duties
    visits: list[Visit]
    log: str


def planned_case(root: Path, days: int = 7) -> PlannedCase:
    """Write scenario, duties and a roster: three crews, two posts and a beat of two
    stops, by day.
    """
    scenario = write_scenario(root, SCENARIO + BASE)
    folder = root / "out"
    (folder / f"roster-{FIRST.isoformat()}").mkdir(parents=True)
    place = {
        "kind": "checkpoint",
        "type": "post",
        "agency": "police",
        "shift": "day",
        "staff": 2,
        "travel": {"yard": 10.0},
    }
    stops = (
        DutyStop(label="Farm", lon=10.1, lat=50.2, arrive=60, leave=120),
        DutyStop(label="Ford", lon=10.2, lat=50.05, arrive=200, leave=260),
    )
    write_duties_file(
        folder,
        Duties(
            schema_version=2,
            name="Tiny border",
            time_zone=ZONE.key,
            shifts=[Shift(id="day", start="06:00", hours=6)],
            bases=[DutyBase(id="yard", label="The yard", lon=10.2, lat=50.1)],
            duties=[
                Duty(
                    id="a@day",
                    option="a",
                    label="West of the junction",
                    mark="1",
                    lon=10.1,
                    lat=50.1,
                    **place,
                ),
                Duty(
                    id="d@day",
                    option="d",
                    label="East port road",
                    mark="2",
                    lon=10.4,
                    lat=50.05,
                    **place,
                ),
                Duty(
                    id="b@day",
                    option="b",
                    label="Round",
                    mark="A",
                    lon=10.2,
                    lat=50.1,
                    stops=stops,
                    **place,
                ),
            ],
            crews=[
                Crew(id=f"crew-{k}", label=f"Crew {k}", base="yard", agency="police", people=2)
                for k in (1, 2, 3)
            ],
        ),
    )
    duties = read_duties(folder)
    assignments = []
    for day in (FIRST + timedelta(days=k) for k in range(days)):
        for crew, duty in zip(duties.crews, duties.duties, strict=True):
            start, end = (moment.astimezone(ZONE) for moment in span(day, duties.shifts[0], ZONE))
            assignments.append(
                Assignment(day, duties.shifts[0], crew, duty, start, end, start, end, "yard")
            )
    roster = Roster(duties, FIRST, 1, tuple(assignments), (), "optimal", None, 0.0, 0, ())
    table = folder / f"roster-{FIRST.isoformat()}" / "roster.csv"
    table.write_text(roster_csv(roster), encoding="utf-8")
    visits = visits_of_rosters(duties, [table.parent])
    return PlannedCase(
        folder, scenario, tiny_region().network, duties, visits, log_csv(replace(roster))
    )
