"""What a roster reads and writes: duties, table, calendars, page and command; and the
nights on which the clocks change.
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from optimizer.base.errors import InputError
from optimizer.base.schema import validated
from optimizer.base.text.language import speaking, zone_name
from optimizer.cli.roster import roster as roster_command
from optimizer.operations.recorded import Units, read_tracks
from optimizer.pipeline.roster.duties import Served, make_duties
from optimizer.problem.files.plan_file import (
    PlanBeat,
    PlanFile,
    PlanResource,
    PlanSite,
    PlanStop,
    PlanValues,
)
from optimizer.roster.calendar import is_night, slots_of, span
from optimizer.roster.infeasibility import NoRosterError
from optimizer.roster.making import make_roster
from optimizer.roster.model import (
    Duties,
    DutyStop,
    Roster,
    Worked,
    read_duties,
    read_earlier,
    roster_csv,
    safe_cell,
    write_duties_file,
)
from optimizer.roster.sheets import field_duties, gpx, sheet
from optimizer.roster.writing import calendar, calendar_names, roster_page, write_roster
from optimizer.scenario.file.model import TeamBaseModel
from optimizer.scenario.file.roster_model import CrewModel, DutyBase, RosterModel, Shift
from tests.output_cases import output_folder
from tests.roster_cases import CHICAGO, FIRST, broken_rules, crew, duties, duty, shift

MADE = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
NASTY = '=HYPERLINK("x"),<b>Ünïcode & sons</b>; \\ back\nslash ' + "long " * 30
APP = typer.Typer()
APP.command()(roster_command)


ROSTER = RosterModel(time_zone="America/Chicago", people="agents")
SHIFTS = [
    validated(Shift, {"id": "day", "label": "Day", "start": "06:00", "hours": 8}, "test"),
    validated(Shift, {"id": "night", "start": "22:00", "hours": 8, "days": ["fri", "sat"]}, "test"),
]
CREWS = [CrewModel(id="laredo", label="Laredo", base="laredo", number=3, people=2, hours_a_week=56)]
BASES = [
    DutyBase(id="laredo", label="Laredo North", lon=-99.5, lat=27.6),
    DutyBase(id="far", label="Far", lon=-100, lat=28),
]
SITE = PlanSite(
    id="i35:permanent",
    site="i35",
    label="I-35",
    kind="checkpoint",
    type="permanent",
    lon=-99.4,
    lat=27.9,
    road="I-35",
    uses={"agents@sector": 4.0, "money": 3.0},
)
TOUR = PlanBeat(
    id="beat-1",
    label="Beat 1",
    team="car",
    base="laredo",
    lon=-99.5,
    lat=27.6,
    back_minute=400,
    uses={"agents@sector": 2.0, "teams car": 1.0},
    stops=[
        PlanStop(
            post=0,
            slots=1,
            label="Rest area",
            lon=-99.3,
            lat=27.7,
            arrive_minute=40,
            leave_minute=70,
        )
    ],
)
POST = Served(SITE, {"laredo": 34.2, "far": 130.0})
BEAT = Served(TOUR, {"laredo": 0}, ("day",))
PLAN = PlanFile(
    name="Case",
    method="auto",
    status="optimal",
    limit=None,
    lower=0.1,
    upper=0.1,
    gap=0.0,
    seconds=1.0,
    options=[SITE.id, TOUR.id],
    seed=0,
    version="test",
    values=PlanValues(nothing=1.0, plan=0.1, everything=0.1),
    resources=[
        PlanResource(id="agents@sector", name="agents", agency="sector", used=6.0, budget=6.0),
        PlanResource(id="money", used=3.0, budget=3.0),
    ],
    sites=[SITE],
    beats=[TOUR],
)


def file_of(*served: Served, **given_roster: Any) -> Duties:
    roster = ROSTER.model_copy(update=given_roster)
    return make_duties(PLAN, roster, SHIFTS, CREWS, BASES, served, "scenario.toml")


def test_duties_come_from_uses_and_teams_for_each_shift() -> None:
    made = file_of(
        POST,
        BEAT,
        replace(POST, placement=SITE.model_copy(update={"id": "camera", "uses": {"money": 1.0}})),
    )
    assert [(row.id, row.staff, row.travel) for row in made.duties] == [
        ("i35:permanent@day", 4, {"laredo": 34.2}),
        ("i35:permanent@night", 4, {"laredo": 34.2}),
        ("beat-1@day", 2, {"laredo": 0}),
    ]
    assert [row.id for row in made.crews] == ["laredo-1", "laredo-2", "laredo-3"]
    assert made.crews[0].hours_a_week == 56


def test_a_post_too_far_from_every_base_and_a_beat_too_long_for_every_shift_are_faults() -> None:
    with pytest.raises(InputError) as refused:
        file_of(
            replace(POST, travel={"laredo": 200.0}),
            replace(BEAT, placement=TOUR.model_copy(update={"back_minute": 600.0})),
        )
    assert "200 minutes from its nearest base, laredo" in str(refused.value)
    assert "a beat of 600 minutes" in str(refused.value)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ({"time_zone": "America/Chicgo"}, "Did you mean 'America/Chicago'"),
        ({"time_zone": "chicago"}, "Did you mean 'America/Chicago'"),
        ({"time_zone": "America/Dallas"}, "Zones are named by a large city in them"),
        ({"time_zone": "CST"}, "Zones are named by a large city in them"),
        ({"time_zone": "../../etc/passwd"}, "IANA"),
        ({"time_zone": ""}, "IANA"),
    ],
)
def test_an_unknown_time_zone_is_a_fault(content: dict[str, Any], word: str) -> None:
    with pytest.raises(InputError, match=word):
        validated(RosterModel, content, "scenario.toml")


@pytest.mark.parametrize("start", ["24:00", "6:00", "06:60", "morning", "06:00:00"])
def test_a_start_that_is_no_time_is_a_fault(start: str) -> None:
    with pytest.raises(InputError, match="time of the day"):
        validated(Shift, {"id": "a", "start": start, "hours": 8}, "scenario.toml")


@pytest.mark.parametrize(
    "day",
    ["Christmas", "2026-12-24T00:00:00", 20261224, datetime(2026, 12, 24, tzinfo=UTC), "20261224"],
)
def test_a_day_away_that_is_none_is_a_fault(day: object) -> None:
    with pytest.raises(InputError, match="a date, such as 2026-12-24"):
        validated(CrewModel, {"id": "a", "away": [day]}, "scenario.toml")
    assert validated(CrewModel, {"id": "a", "away": [date(2026, 12, 24)]}, "x").away == [
        date(2026, 12, 24)
    ]


def test_the_file_comes_back_as_it_was_written(tmp_path: Path) -> None:
    write_duties_file(tmp_path, file_of(POST, BEAT))
    read = read_duties(tmp_path)
    assert [one.id for one in read.duties] == [
        "i35:permanent@day",
        "i35:permanent@night",
        "beat-1@day",
    ]
    assert read.duties[0].travel_of(read.crews[0]) == 35  # whole minutes, never fewer
    assert read.shifts[1].weekdays == {4, 5}
    assert read.crews[0].week_minutes == 56 * 60
    assert read.duties_on(FIRST, "day") == (read.duties[0], read.duties[2])


def test_a_folder_without_duties_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no duties.json.*\[\[crews\]\].*plan again"):
        read_duties(tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        read_duties(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("path", "value", "word"),
    [
        (("crews",), [], "crews"),
        (("duties",), [], "no duty: the plan places nothing"),
        (("crews", 0, "people"), 0, "people"),
        (("crews", 0, "people"), "2; DROP", "people"),
        (("crews", 0, "name_of_wife"), "x", "not known"),
        (("crews", 1, "id"), "laredo-1", "again"),
        (("crews", 0, "base"), "lardo", "Did you mean 'laredo'"),
        (("duties", 0, "staff"), 10**9, "staff"),
        (("duties", 0, "shift"), "dya", "Did you mean 'day'"),
        (("duties", 0, "travel"), {"mars": 1}, "'mars'"),
        (("duties", 2, "stops", 0, "leave"), 481, "before the shift ends"),
        (("shifts", 1, "start"), "06:00", "both begin at 06:00"),
        (("shifts", 0, "hours"), 25, "hours"),
        (("schema_version",), 3, "schema_version"),
        (("time_zone",), "Mars/Olympus", "IANA"),
    ],
)
def test_every_fault_of_the_file_is_said(
    tmp_path: Path, path: tuple[str | int, ...], value: object, word: str
) -> None:
    content = file_of(POST, BEAT).model_dump(mode="json")
    node: Any = content
    for part in path[:-1]:
        node = node[part]
    node[path[-1]] = value
    (tmp_path / "duties.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(InputError) as refused:
        read_duties(tmp_path)
    assert word in str(refused.value)


@pytest.mark.parametrize(
    "text", ["", "[]", "null", "{", '{"schema_version": NaN}', "[" * 100_000, '{"a": 1, "a": 2}']
)
def test_a_file_that_is_no_duties_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "duties.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputError):
        read_duties(tmp_path)


def test_a_shift_lasts_its_elapsed_hours_on_the_nights_on_which_the_clocks_change() -> None:
    night = shift("night", "22:00", 8)
    ends = {}
    for day in (date(2026, 3, 6), date(2026, 3, 7), date(2026, 10, 31)):
        start, end = span(day, night, CHICAGO)
        assert end - start == timedelta(hours=8)
        ends[day] = end.astimezone(CHICAGO).strftime("%H:%M")
    assert list(ends.values()) == ["06:00", "07:00", "05:00"]


def test_rest_over_a_change_of_clocks_is_elapsed_and_the_change_is_told() -> None:
    # from 07:00 after the short night to 18:00 are 11 hours; before it, from 06:00, 12
    shifts = [shift("night", "22:00", 8), shift("evening", "18:00", 2)]
    asked = [duty("a", s.id) for s in shifts]
    crews = [crew("p", rest_hours=12), crew("q", rest_hours=12), crew("r", rest_hours=12)]
    first = date(2026, 3, 2)
    made = make_roster(duties(shifts, asked, crews), first, 1)
    assert broken_rules(made, first, 1) == []
    assert [note[:25] for note in made.notes] == ["Saturday 2026-03-07, Nigh"]
    assert "ends at 07:00" in made.notes[0]
    row = next(
        r
        for r in csv.DictReader(io.StringIO(roster_csv(made)))
        if r["date"] == "2026-03-07" and r["shift"] == "Night"
    )
    assert (row["start"], row["end"]) == ("2026-03-07T22:00-06:00", "2026-03-08T07:00-05:00")


def test_a_start_that_the_clock_skips_is_an_hour_later_and_one_shown_twice_is_the_first() -> None:
    start, _ = span(date(2026, 3, 8), shift("a", "02:30", 8), CHICAGO)
    assert start.astimezone(CHICAGO).isoformat() == "2026-03-08T03:30:00-05:00"
    start, _ = span(date(2026, 11, 1), shift("a", "01:30", 8), CHICAGO)
    assert start.astimezone(CHICAGO).isoformat() == "2026-11-01T01:30:00-05:00"


@pytest.mark.parametrize(
    ("start", "hours", "night"),
    [
        ("22:00", 8, True),
        ("06:00", 8, False),
        ("14:00", 12, True),
        ("02:00", 8, True),
        ("03:30", 8, False),
    ],
)
def test_a_night_shift_holds_three_hours_of_the_night(
    start: str, hours: float, night: bool
) -> None:
    assert is_night(*span(FIRST, shift("a", start, hours), CHICAGO), CHICAGO) is night


def test_slots_are_in_order_of_time_and_only_on_their_days() -> None:
    shifts = [shift("night", "22:00", 8, [5]), shift("day", "06:00", 8)]
    slots = slots_of(duties(shifts, [duty("a", "night"), duty("a", "day")], [crew("p")]), FIRST, 1)
    assert [slot.start for slot in slots] == sorted(slot.start for slot in slots)
    assert [slot.day.weekday() for slot in slots if slot.shift.id == "night"] == [5]
    assert len(slots) == 8


@pytest.fixture(scope="module")
def nasty() -> Roster:
    """Return a roster whose names try to be formulas, markup and calendar lines, with a
    beat of two stops.
    """
    night = shift("night", "22:00", 8).model_copy(update={"label": NASTY})
    beat = duty(
        "b",
        "night",
        label=NASTY,
        place="@place\r\nDTSTART:19700101",
        travel={"north": 25},
        stops=(),
    )
    stops = (
        DutyStop(label=NASTY, lon=-99.1, lat=27.1, arrive=30, leave=60),
        DutyStop(lon=-99.2, lat=27.2, arrive=90.5, leave=120),
    )
    tour = duty("t", "night", kind="patrol", travel={"north": 0}, stops=stops)
    crews = [
        crew("=1+1", base="north", label=NASTY),
        crew("../x", base="north"),
        crew("ä", base="north"),
    ]
    return make_roster(duties([night], [beat, tour], crews), FIRST, 1)


def test_the_table_has_one_row_an_assignment_and_no_formula(nasty: Roster) -> None:
    rows = list(csv.DictReader(io.StringIO(roster_csv(nasty))))
    assert len(rows) == len(nasty.assignments) == 14
    for row, one in zip(rows, nasty.assignments, strict=True):
        assert datetime.fromisoformat(row["leave_base"]) == one.leave
        assert datetime.fromisoformat(row["back_at_base"]) == one.back
        assert row["weekday"] == one.day.strftime("%a")
        for column, cell in row.items():
            assert column in {"lon", "lat"} or not cell.startswith(("=", "+", "-", "@", "\t"))
            assert "\n" not in cell
    tour = next(row for row in rows if row["kind"] == "patrol")
    assert "22:30-23:00 " in tour["stops"]
    assert "23:30-00:00 27.20000, -99.20000" in tour["stops"]


@given(st.text(max_size=30))
def test_no_text_becomes_a_formula(text: str) -> None:
    assert safe_cell(text)[:1] not in {"=", "+", "-", "@", "\t", "\r", "\n"}


def test_calendars_are_read_by_an_independent_library(nasty: Roster) -> None:
    text = calendar(nasty, nasty.assignments, NASTY, MADE, crew=True)
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    assert "\n" not in text.replace("\r\n", "")
    read = icalendar.Calendar.from_ical(text)
    every = list(read.walk("VEVENT"))
    events = [event for event in every if "TRANSP" not in event]
    assert len(events) == len(nasty.assignments)
    stops = [(one, stop) for one in nasty.assignments for stop in one.duty.stops]
    for event, (one, stop) in zip([e for e in every if "TRANSP" in e], stops, strict=True):
        assert event.decoded("DTSTART") == one.start + timedelta(minutes=stop.arrive)
        assert event["GEO"].to_ical() == f"{stop.lat};{stop.lon}"
        assert not event.errors
    for event, one in zip(events, nasty.assignments, strict=True):
        assert event.decoded("DTSTART") == one.leave
        assert event.decoded("DTEND") == one.back
        assert event.decoded("DTSTAMP") == MADE
        assert str(event["SUMMARY"]).startswith(" ".join(one.crew.name.split()))
        assert f"On duty {one.start:%H:%M} to {one.end:%H:%M} (Central Time (Chicago))" in str(
            event["DESCRIPTION"]
        )
        assert not event.errors
    assert len({str(event["UID"]) for event in every}) == len(every)


def test_event_ids_stay_when_a_roster_is_made_again_and_sends_a_crew_elsewhere(
    nasty: Roster,
) -> None:
    moved = replace(
        nasty,
        assignments=tuple(
            replace(one, duty=one.duty.model_copy(update={"id": "other"}))
            for one in nasty.assignments
        ),
    )
    one, other = (
        [
            str(e["UID"])
            for e in icalendar.Calendar.from_ical(
                calendar(r, r.assignments, "x", MADE, crew=True)
            ).walk("VEVENT")
        ]
        for r in (nasty, moved)
    )
    assert one == other


def test_the_page_escapes_names_and_shows_every_crew_and_post(nasty: Roster) -> None:
    page = roster_page(nasty)
    assert "<b>" not in page
    assert "&lt;b&gt;" in page
    assert page.count('<section class="sheet') == 1 + 1 + 1  # crews, posts, marks
    assert "Tue 1 Dec" in page
    assert "default-src 'none'" in page


def test_a_folder_holds_everything_and_no_calendar_of_an_earlier_crew(
    tmp_path: Path, nasty: Roster
) -> None:
    (tmp_path / "crew-mine.ics").write_text("my own calendar", encoding="utf-8")
    names = write_roster(output_folder(tmp_path), nasty, MADE, "1", lambda _: b"")
    assert set(names) == {
        "roster.csv",
        "roster.ics",
        "roster.html",
        "summary.json",
        "field-pack.zip",
        "crew-1-1.ics",
        "crew-x.ics",
        "crew-x_2.ics",
    }
    summary = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert summary["assignments"] == 14
    assert summary["spread"]["nights"]["most"] - summary["spread"]["nights"]["least"] <= 1
    assert sum(row["hours"] for row in summary["crews"]) == pytest.approx(
        sum((one.back - one.leave).total_seconds() for one in nasty.assignments) / 3600, abs=0.02
    )
    fewer = replace(nasty, duties=nasty.duties.model_copy(update={"crews": nasty.duties.crews[:1]}))
    write_roster(output_folder(tmp_path), fewer, MADE, "1", lambda _: b"")
    assert sorted(path.name for path in tmp_path.glob("crew-*")) == [
        "crew-1-1.ics",
        "crew-mine.ics",
    ]


def test_calendar_names_are_plain_and_each_once() -> None:
    crews = [crew(name) for name in ("A b", "a-b", "../../etc", "//", "x" * 300)]
    names = calendar_names(crews)
    assert len({name.lower() for name in names.values()}) == len(crews)
    assert all("/" not in name and ".." not in name and len(name) < 120 for name in names.values())


def test_the_command_writes_a_roster_and_says_so_in_json(tmp_path: Path) -> None:
    write_duties_file(
        tmp_path,
        file_of(replace(POST, placement=SITE.model_copy(update={"uses": {"agents@sector": 2}}))),
    )
    done = CliRunner().invoke(
        APP, [str(tmp_path), "--from", "2026-12-01", "--weeks", "2", "--json"]
    )
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["from"] == "2026-12-01"
    assert told["assignments"] == 14 + 4  # every day, and Friday and Saturday nights
    assert (tmp_path / "roster-2026-12-01" / "roster.csv").is_file()
    people = CliRunner().invoke(APP, [str(tmp_path), "--from", "2026-12-01", "--weeks", "2"])
    assert "nights" in people.stdout


def test_the_command_names_the_rule_in_json_and_fails(tmp_path: Path) -> None:
    write_duties_file(
        tmp_path,
        file_of(replace(POST, placement=SITE.model_copy(update={"uses": {"agents@sector": 7}}))),
    )
    done = CliRunner().invoke(APP, [str(tmp_path), "--from", "2026-12-01", "--json"])
    assert isinstance(done.exception, NoRosterError)
    report = json.loads(done.stdout)["refusals"][0]
    assert (report["rule"], report["date"], report["shift"], report["needed"], report["there"]) == (
        "crews",
        "2026-12-01",
        "day",
        7,
        6,
    )
    assert not (tmp_path / "roster-2026-12-01").exists()


def test_zones_beyond_america_keep_their_clocks() -> None:
    lord_howe = ZoneInfo("Australia/Lord_Howe")  # half an hour of summer time
    start, end = span(date(2026, 4, 4), shift("night", "22:00", 8), lord_howe)
    assert end.astimezone(lord_howe).strftime("%H:%M") == "05:30"
    assert end - start == timedelta(hours=8)


def test_rest_and_days_in_a_row_go_on_from_the_roster_before(tmp_path: Path) -> None:
    shifts = [shift("day", "06:00", 8), shift("night", "22:00", 8)]
    asked = [duty("a", s.id) for s in shifts]
    case = duties(
        shifts, asked, [crew(f"c{k}", rest_hours=11, most_days=4, days_off=1) for k in range(4)]
    )
    write_roster(output_folder(tmp_path), make_roster(case, FIRST, 1), MADE, "1", lambda _: b"")
    second = FIRST + timedelta(days=7)
    before = read_earlier(tmp_path / "summary.json", second)
    assert len(before) == 14
    made = make_roster(case, second, 1, before=before)
    both = replace(made, assignments=(*make_roster(case, FIRST, 1).assignments, *made.assignments))
    assert broken_rules(both, FIRST, 2) == []
    # all four come from a night that ended two hours before the first shift
    late = [
        Worked(crew=f"c{k}", date=FIRST + timedelta(days=6), leave=leave, back=back)
        for leave, back in [span(FIRST + timedelta(days=6), shifts[1], CHICAGO)]
        for k in range(4)
    ]
    with pytest.raises(NoRosterError) as refused:
        make_roster(case, second, 1, before=late)
    assert (refused.value.reports[0].rule, refused.value.reports[0].slot.day) == ("rest", second)
    assert "4 are resting" in str(refused.value)
    with pytest.raises(InputError, match="ends before 2026-12-05"):
        read_earlier(tmp_path / "summary.json", date(2026, 12, 5))
    (tmp_path / "summary.json").write_text('{"last_shifts": [{"crew": 1}]}', encoding="utf-8")
    with pytest.raises(InputError, match="last_shifts"):
        read_earlier(tmp_path / "summary.json", second)


def two_zones() -> Roster:
    """Return a roster of two bases an hour apart, with a shift that begins on two days."""
    asked = [duty(name, "late", travel={name: 20.0}) for name in ("north", "south")]
    crews = [crew("n", base="north"), crew("s", base="south")]
    case = duties([shift("late", "00:10", 8)], asked, crews)
    north, south = case.bases
    bases = [north, south.model_copy(update={"time_zone": "America/Denver"})]
    return make_roster(case.model_copy(update={"bases": bases}), FIRST, 1)


def test_each_crew_sees_the_clocks_of_its_base_and_which_they_are() -> None:
    made = two_zones()
    rows = list(csv.DictReader(io.StringIO(roster_csv(made))))
    north, south = (next(row for row in rows if row["crew_id"] == name) for name in "ns")
    assert (north["start"], north["time_zone"]) == ("2026-12-01T00:10-06:00", "America/Chicago")
    assert (south["start"], south["time_zone"]) == ("2026-11-30T23:10-07:00", "America/Denver")
    assert broken_rules(made, FIRST, 1) == []
    page = roster_page(made)
    assert "crews of North (times are Central Time (Chicago))" in page
    assert "crews of South (times are Mountain Time (Denver))" in page
    assert "Starts of shifts are Central Time (Chicago)." in page
    assert "22:50 (Mon 30 Nov) P2" in page
    text = calendar(made, made.assignments, "all", MADE, crew=True).replace("\r\n ", "")
    assert "On duty 23:10 to 07:10 (Mountain Time (Denver))" in text
    assert "On duty 00:10 to 08:10 (Central Time (Chicago))" in text
    every = field_duties(made)
    sheets = [sheet(made, one, every) for one in every]
    assert "Shift 00:10 to 08:10, 2 people; times are Central Time (Chicago)" in sheets[0]
    assert "Shift 23:10 to 07:10, 2 people; times are Mountain Time (Denver)" in sheets[1]
    assert "23:10-07:10 (Mountain Time (Denver))" in gpx("South", every[1].places, ())
    assert "(times are" not in roster_page(
        replace(made, duties=made.duties.model_copy(update={"bases": made.duties.bases[:1]}))
    )


def test_zones_are_called_as_people_call_them_in_the_language_of_the_page() -> None:
    said = {"en": "Mountain Time (Denver)", "es": "hora de las Montañas Rocosas (Denver)"}
    for language, name in (said | {"pt": "Horário das Montanhas (Denver)"}).items():
        with speaking(language):
            assert zone_name("America/Denver") == name
            assert [zone_name(key) for key in ("UTC", "Etc/GMT+6")] == ["UTC", "Etc/GMT+6"]


def test_times_of_a_crew_are_read_by_the_clocks_of_its_base(tmp_path: Path) -> None:
    path = tmp_path / "tracks.csv"
    path.write_text(
        "time,lon,lat,unit\n2026-12-01T06:00,-99,27,n\n2026-12-01T06:00,-106,31,s\n",
        encoding="utf-8",
    )
    north, south = read_tracks([path], Units(two_zones().duties, {}))[0]
    assert south.time[0] - north.time[0] == 3600


def test_the_zone_of_a_base_goes_from_the_scenario_into_the_duties(tmp_path: Path) -> None:
    away = [BASES[0].model_copy(update={"time_zone": "America/Denver"}), BASES[1]]
    served = [Served(SITE, {"laredo": 30.0})]
    plan = PLAN.model_copy(update={"sites": [SITE], "beats": []})
    write_duties_file(
        tmp_path, make_duties(plan, ROSTER, SHIFTS, CREWS, away, served, "scenario.toml")
    )
    read = read_duties(tmp_path)
    assert read.zone_of("laredo").key == read.zone_at(read.duties[0]).key == "America/Denver"
    assert read.zone_of("far") == CHICAGO
    with pytest.raises(InputError, match=r"Did you mean 'America/Denver'"):
        validated(
            TeamBaseModel, {"id": "a", "lon": 0, "lat": 0, "time_zone": "America/Denvr"}, "test"
        )
