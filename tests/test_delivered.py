"""Planned against delivered: simulated tracks whose truth is known, every format of
tracks, logs, and what is refused.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import shapely

from optimizer.base.errors import InputError
from optimizer.base.text.formatting import plain
from optimizer.operations.delivered import (
    STATUS_WORDS,
    Delivered,
    DeliveredParams,
    Stay,
    delivered_of_plan,
    judge,
)
from optimizer.operations.map_matching import MatchParams
from optimizer.operations.planned import roster_folders, visits_of_duties, visits_of_rosters
from optimizer.operations.recorded import Units, read_tracks
from optimizer.operations.stays import Track
from optimizer.records import EffortSource, read_effort
from results.measure.tracks import FieldErrors, simulate_tracks, tracks_csv
from tests.command import run
from tests.operations_cases import ZONE, PlannedCase, keeps_contract, planned_case
from tests.output_cases import csv_rows, csv_text

EXACT = FieldErrors(missing=0, late=0, short=0, elsewhere=0, silent=0)


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> PlannedCase:
    return planned_case(tmp_path_factory.mktemp("delivered"))


def compared(case: PlannedCase, **given: object) -> Delivered:
    return delivered_of_plan(case.folder, scenario=case.scenario, **given)  # type: ignore[arg-type]


def written(folder: Path, text: str, name: str = "tracks.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def exact_tracks(case: PlannedCase, errors: FieldErrors = EXACT) -> tuple[Track, ...]:
    return simulate_tracks(case.network, case.duties, case.visits, errors, 1).tracks


@pytest.mark.slow
def test_what_was_simulated_is_found(case: PlannedCase, tmp_path: Path) -> None:
    errors = FieldErrors(missing=0.1, late=0.2, short=0.2, elsewhere=0.1, silent=0.1)
    made = simulate_tracks(case.network, case.duties, case.visits, errors, 5)
    found = compared(case, tracks=[written(tmp_path, tracks_csv(made.tracks))])
    judged = {one.visit: one for one in found.visits}
    assert len(judged) == len(case.visits) == 28
    for visit, seconds in made.stood.items():
        assert judged[visit].hours == pytest.approx(seconds / 3600, abs=0.08)
    for visit in made.unseen:
        assert judged[visit].status == "no record"
    hours = defaultdict[int, float](float)
    for row in found.effort:
        hours[row.segment] += row.hours
    assert sum(hours.values()) == pytest.approx(sum(made.hours.values()), rel=0.02)
    for segment, true in made.hours.items():
        assert hours[segment] == pytest.approx(true, abs=0.4, rel=0.05)
    assert any(
        "visits have no track or log; they may have been made" in sentence
        for sentence in found.warnings
    )
    for by in ("unit", "base", "sector", "week"):
        rows = [tally for tally in found.tallies if tally.by == by]
        assert sum(tally.stops_planned for tally in rows) == 28
        assert sum(tally.delivered_hours for tally in rows) == pytest.approx(
            sum(one.hours for one in found.visits)
        )
        assert sum(sum(tally.count.values()) for tally in rows) == 28


def test_a_visit_is_manned_late_short_elsewhere_or_unknown(case: PlannedCase) -> None:
    visit = next(visit for visit in case.visits if visit.duty == "a@day")
    here = Stay(visit.unit, visit.begin, visit.end, 3, visit.lon, visit.lat, logged=False)
    covered = {visit.unit: [(visit.begin, visit.end)]}
    hour = 3600.0
    cases = {
        "manned": [replace(here, begin=visit.begin + 300)],
        "late": [replace(here, begin=visit.begin + hour)],
        "short": [replace(here, end=visit.end - 3 * hour)],
        "elsewhere": [replace(here, lon=visit.lon + 0.1)],
    }
    for status, stays in cases.items():
        assert judge(visit, stays, covered, DeliveredParams()).status == status
    other = replace(here, unit="crew-3")
    assert judge(visit, [other], {}, DeliveredParams()).status == "no record"
    assert judge(replace(visit, unit=""), [other], {}, DeliveredParams()).status == "manned"
    twice = [here, replace(here, begin=visit.begin + hour)]
    assert judge(visit, twice, covered, DeliveredParams()).hours == pytest.approx(visit.hours)
    assert set(cases) | {"no record"} == set(STATUS_WORDS)


def as_gpx(tracks: Sequence[Track]) -> str:
    parts = []
    for track in tracks:
        points = "".join(
            f'<trkpt lat="{lat:.6f}" lon="{lon:.6f}"><time>{stamp(time)}</time></trkpt>'
            for time, lon, lat in zip(track.time, track.lon, track.lat, strict=True)
        )
        parts.append(f"<trk><name>{track.unit}</name><trkseg>{points}</trkseg></trk>")
    author = "<metadata><author><name>Ann Other</name></author></metadata>"
    return (
        '<gpx version="1.1"'
        f' xmlns="http://www.topografix.com/GPX/1/1">{author}{"".join(parts)}</gpx>'
    )


def stamp(time: float) -> str:
    return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%dT%H:%M:%SZ}"


def as_earthranger(tracks: Sequence[Track]) -> str:
    features = [
        {
            "type": "Feature",
            "geometry": {
                "type": "LineString",
                "coordinates": np.column_stack((t.lon, t.lat)).round(6).tolist(),
            },
            "properties": {
                "title": t.unit,
                "coordinateProperties": {"times": [stamp(time) for time in t.time]},
            },
        }
        for t in tracks
    ]
    return json.dumps({"data": {"type": "FeatureCollection", "features": features}})


def as_smart(track: Track) -> str:
    """Return a patrol as SMART exports it: what the clock shows, as milliseconds and as text."""
    clock = [
        datetime.fromtimestamp(time, ZONE).replace(tzinfo=UTC).timestamp() * 1000
        for time in track.time
    ]
    line = shapely.MultiLineString(
        [np.column_stack((track.lon.round(6), track.lat.round(6), clock))]
    )
    return (
        '<ns2:patrol xmlns:ns2="http://www.smartconservationsoftware.org/xml/1.3/patrol" id="P-1">'
        f'<ns2:team value="{track.unit}"/><ns2:legs><ns2:members givenName="Ann"'
        ' familyName="Other"/>'
        '<ns2:days date="2026-12-01"><ns2:track'
        f' geom="{shapely.to_wkb(line, hex=True, output_dimension=3)}"/>'
        "</ns2:days></ns2:legs></ns2:patrol>"
    )


def test_every_format_of_tracks_gives_the_same(case: PlannedCase, tmp_path: Path) -> None:
    tracks = exact_tracks(case)[:1]
    units = Units(case.duties, {})
    local = [
        datetime.fromtimestamp(time, ZONE).strftime("%Y-%m-%d %H:%M:%S") for time in tracks[0].time
    ]
    rows = zip(local, tracks[0].lon, tracks[0].lat, strict=True)
    german = "recorded_at;latitude;lng\n" + "\n".join(
        f"{time};{lat:.6f};{lon:.6f}".replace(".", ",") for time, lon, lat in rows
    )
    files = [
        written(tmp_path, tracks_csv(tracks)),
        written(tmp_path, as_gpx(tracks), "a.gpx"),
        written(tmp_path, as_earthranger(tracks), "a.geojson"),
        written(tmp_path, as_smart(tracks[0]), "a.xml"),
        written(tmp_path, german, f"{tracks[0].unit}.csv"),
    ]
    for file in files:
        [found], _ = read_tracks([file], units)
        assert found.unit == tracks[0].unit
        for name in ("time", "lon", "lat"):
            np.testing.assert_allclose(getattr(found, name), getattr(tracks[0], name), atol=1e-6)
    [both], remarks = read_tracks(files[:2], units)
    assert both.time.size == tracks[0].time.size
    assert "repeat others" in remarks[0]


def test_numbers_that_python_alone_reads_are_refused(case: PlannedCase, tmp_path: Path) -> None:
    units = Units(case.duties, {})
    text = "unit,time,lon,lat\ncrew-1,2026-12-01 06:30,10.0,5_0.1\n"
    with pytest.raises(InputError, match="line 2"):
        read_tracks([written(tmp_path, text, "a.csv")], units)


@pytest.mark.parametrize("content", ["", "date,shift,start,end,crew_id,duty_id\n", None])
def test_a_roster_without_rows_is_no_plan_that_stands_every_day(
    case: PlannedCase, tmp_path: Path, content: str | None
) -> None:
    """It was left out without a word, and every duty was taken as planned for each day."""
    place = tmp_path / "roster-2026-12-01"
    place.mkdir()
    if content is not None:
        (place / "roster.csv").write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=r"roster\.csv"):
        visits_of_rosters(case.duties, roster_folders(tmp_path))


def test_points_of_a_gpx_file_without_a_time_are_left_out_and_counted(
    case: PlannedCase, tmp_path: Path
) -> None:
    (track,) = exact_tracks(case)[:1]
    units = Units(case.duties, {})
    timed = f"<time>{stamp(track.time[1])}</time>"
    text = as_gpx([track])
    assert text.count(timed) == 1
    for instead in ("", "<time> </time>"):
        file = written(tmp_path, text.replace(timed, instead), "a.gpx")
        [found], [remark] = read_tracks([file], units)
        assert found.time.tolist() == np.delete(track.time, 1).tolist()
        assert (
            plain(remark)
            .replace("\N{NO-BREAK SPACE}", " ")
            .startswith(
                f"{file}: 1 of {track.time.size:,} positions left out for want of a time (the first is"
                " point 2 of the file)."
            )
        )
    file = written(tmp_path, text.replace(timed, "<time>noon</time>"), "a.gpx")
    with pytest.raises(InputError, match=r"point 2, column 'track 1': found .*'noon'"):
        read_tracks([file], units)
    file = written(tmp_path, re.sub("<time>.*?</time>", "", text), "a.gpx")
    with pytest.raises(InputError, match="no position with a time"):
        read_tracks([file], units)


def test_the_log_of_the_field_pack_reads_back(case: PlannedCase, tmp_path: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(case.log)))
    for k, cells in enumerate(rows):
        if k % 4 == 1:
            continue  # nobody filled it in
        begun = {"begin": cells["planned_begin"], "end": cells["planned_end"]}
        cells.update({"hours": "1.5", "vehicles": "20", "finds": "1"} if k % 4 == 2 else begun)
    text = csv_text(rows)
    found = compared(case, logs=[written(tmp_path, text)])
    assert [one.status for one in found.visits].count("no record") == 7
    assert all("crew" not in sentence for sentence in found.warnings)
    assert (
        sum(
            "nobody filled in" in sentence or "hours alone" in sentence
            for sentence in found.warnings
        )
        == 2
    )
    assert sum(row.vehicles for row in found.effort if row.vehicles == row.vehicles) == 20 * 7
    assert any("found in 7 of 140 vehicles" in sentence for sentence in found.warnings)
    with pytest.raises(
        InputError,
        match=r"column 'finds': found 7 faults of one kind, such as 21; expected at most the 20",
    ):
        compared(case, logs=[written(tmp_path, text.replace(",20,1\r", ",20,21\r"))])


def test_where_track_and_log_disagree_the_track_counts(case: PlannedCase, tmp_path: Path) -> None:
    tracks = written(tmp_path, tracks_csv(exact_tracks(case)[:1]))
    log = "unit,place,begin,end\ncrew-1,East port road,2026-12-01 06:00,2026-12-01 12:00\n"
    log += "crew-2,2,2026-12-01 06:00,2026-12-01 12:00\n"
    found = compared(case, tracks=[tracks], logs=[written(tmp_path, log, "log.csv")])
    assert any("the track counts" in sentence for sentence in found.warnings)
    first = [one for one in found.visits if one.visit.day == case.visits[0].day]
    assert [one.status for one in first] == ["manned", "manned", "no record", "no record"]


def test_vehicles_of_a_log_that_no_stay_takes_are_said(case: PlannedCase, tmp_path: Path) -> None:
    begin = min(visit.begin for visit in case.visits)
    times = begin + 30.0 * np.arange(20)  # a unit that drives along a road and never stands
    moving = "".join(
        f"{datetime.fromtimestamp(time, UTC):%Y-%m-%dT%H:%M:%SZ},{10.0 + 0.0035 * k:.4f},50.1,crew-1\n"
        for k, time in enumerate(times.tolist())
    )
    tracks = written(tmp_path, "time,lon,lat,unit\n" + moving)
    log = "unit,place,begin,end,vehicles\n"
    log += "".join(f"crew-1,1,2026-12-01 06:0{k},2026-12-01 06:0{k + 2},{k}\n" for k in (1, 3, 5))
    found = compared(case, tracks=[tracks], logs=[written(tmp_path, log, "log.csv")])
    said = [text.replace("\N{NO-BREAK SPACE}", " ") for text in found.warnings]
    assert any(
        "3 rows of logs have searched vehicles" in text and ": 9 of them are left out" in text
        for text in said
    )
    assert all(np.isnan(row.vehicles) for row in found.effort)


def test_simulated_tracks_are_cells_that_no_spreadsheet_runs(case: PlannedCase) -> None:
    track = replace(exact_tracks(case)[0], unit='=1,"2')
    rows = list(csv.DictReader(io.StringIO(tracks_csv([track]))))
    assert {row["unit"] for row in rows} == {"'=1,\"2"}
    assert len(rows) == track.time.size


def test_ids_are_found_as_they_are_and_as_cells_of_a_spreadsheet(case: PlannedCase) -> None:
    first, second, third = case.duties.crews
    crews = (
        *(one.model_copy(update={"id": name}) for one, name in ((first, "-1"), (second, "@north"))),
        third,
    )
    units = Units(case.duties.model_copy(update={"crews": crews}), {"=GPS": "crew-3"})
    for names, crew in (
        (("-1", "'-1"), "-1"),
        (("@North", "'@north"), "@north"),
        (("=gps", "'=GPS"), "crew-3"),
    ):
        assert [units.of(name) for name in names] == [crew, crew]


def shifted(tracks: Sequence[Track], minutes: float) -> str:
    return tracks_csv([replace(track, time=track.time + 60 * minutes) for track in tracks])


ELSEWHERE = {
    "abroad": (
        "time,lon,lat,unit\n" + "2026-12-01T06:00:00Z,35.0,-1.0,crew-1\n" * 2,
        "far from every road",
    ),
    "exchanged": (
        "time,lon,lat,unit\n2026-12-01T06:00:00Z,50.1,10.1,crew-1\n",
        "Exchange lon and lat",
    ),
    "projected": ("time,lon,lat,unit\n2026-12-01T06:00:00Z,500000,5500000,crew-1\n", "WGS 84"),
    "stranger": (
        "time,lon,lat,unit\n2026-12-01T06:00:00Z,10.1,50.1,crew-9\n",
        "which nobody planned",
    ),
    "people": (
        "time,lon,lat,unit,driver_name\n2026-12-01T06:00:00Z,10.1,50.1,crew-1,Ann\n",
        "columns about people",
    ),
    "a day": ("time,lon,lat,unit\n2026-12-01,10.1,50.1,crew-1\n", "a time, such as"),
    "two places": (
        "time,lon,lat,unit\n2026-12-01T06:00:00Z,10.1,50.1,crew-1\n2026-12-01T06:00:00Z,10.2,50.1,crew-1\n",
        "in two places at",
    ),
    "no days planned": (
        "time,lon,lat,unit\n2025-12-01T06:00:00Z,10.1,50.1,crew-1\n",
        "planned are 2026-12-01",
    ),
}


@pytest.mark.parametrize("name", ELSEWHERE)
def test_tracks_that_cannot_be_used_are_refused(
    name: str,
    case: PlannedCase,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text, found = ELSEWHERE[name]
    tracks, out = written(tmp_path, text), tmp_path / "out"
    words = (
        "delivered",
        case.folder,
        "--scenario",
        case.scenario,
        "--tracks",
        tracks,
        "--out",
        out,
        "--quiet",
    )
    outcome = run(capsys, monkeypatch, *words)
    assert outcome.code == 1
    assert found in outcome.err
    assert outcome.err.count("\n") == 1
    assert "Ann" not in outcome.err
    assert not out.exists()


@pytest.mark.slow
def test_a_clock_that_is_an_hour_off_is_found(case: PlannedCase, tmp_path: Path) -> None:
    tracks = exact_tracks(case)
    wrong = written(tmp_path, shifted(tracks[:1], 60) + shifted(tracks[1:], 0).partition("\n")[2])
    with pytest.raises(
        InputError,
        match=r"crew-1: 7 of 7 visits begin and end 60 minutes late.*--clock 'crew-1=-60'",
    ) as error:
        compared(case, tracks=[wrong])
    assert len(error.value.problems) == 1
    right = compared(case, tracks=[wrong], clocks={"crew-1": -60})
    assert {one.status for one in right.visits} == {"manned"}
    kept = compared(case, tracks=[wrong], clocks={"Crew 1": 0})
    assert [one.status for one in kept.visits if one.visit.unit == "crew-1"] == ["late"] * 7


@pytest.mark.slow
def test_units_that_are_only_late_have_no_wrong_clock(case: PlannedCase, tmp_path: Path) -> None:
    late = replace(EXACT, late=1.0, late_minutes=(60, 60))
    found = compared(case, tracks=[written(tmp_path, tracks_csv(exact_tracks(case, late)))])
    assert sum(one.status == "late" for one in found.visits) >= 14


LOGS = {
    "twice": (
        "crew-1,1,2026-12-01 06:00,2026-12-01 12:00\ncrew-1,2,2026-12-01 08:00,2026-12-01 12:00\n",
        (
            "crew-1 on duty since 2026-12-01 05:00 UTC in what the crews logged in december.csv,"
            " line 2; expected one log of a shift"
        ),
    ),
    "no place": ("crew-1,The moon,2026-12-01 06:00,2026-12-01 12:00\n", "found 'The moon'"),
    "backwards": ("crew-1,1,2026-12-01 12:00,2026-12-01 06:00\n", "an end after the begin"),
    "the end of the calendar": ("crew-1,1,9999-12-31 23:00,9999-12-31 23:30\n", "a time, such as"),
    "stranger": ("crew-7,1,2026-12-01 06:00,2026-12-01 12:00\n", "which nobody planned"),
}


def test_a_segment_of_thousands_of_digits_is_refused(case: PlannedCase, tmp_path: Path) -> None:
    text = f"unit,segment,begin,end\ncrew-1,{'9' * 5000},2026-12-01 06:00,2026-12-01 12:00\n"
    with pytest.raises(InputError, match="a segment number from 0 to"):
        compared(case, logs=[written(tmp_path, text, "log.csv")])


def test_a_log_of_persons_is_refused(case: PlannedCase, tmp_path: Path) -> None:
    text = "unit,place,begin,end,officer\ncrew-1,1,2026-12-01 06:00,2026-12-01 12:00,Ann\n"
    with pytest.raises(InputError, match="columns about people: 'officer'") as error:
        compared(case, logs=[written(tmp_path, text, "log.csv")])
    assert "Ann" not in str(error.value)


@pytest.mark.parametrize("name", LOGS)
def test_logs_that_cannot_be_used_are_refused(name: str, case: PlannedCase, tmp_path: Path) -> None:
    text, found = LOGS[name]
    with pytest.raises(InputError, match=found) as error:
        compared(
            case,
            logs=[
                written(
                    tmp_path,
                    "unit,place,begin,end\n" + text,
                    "what the crews logged in december.csv",
                )
            ],
        )
    assert len(error.value.problems) == 1


@pytest.mark.parametrize(
    "text",
    [
        (
            '<!DOCTYPE gpx [<!ENTITY a "aaaa"><!ENTITY b'
            ' "&a;&a;">]><gpx><trk><name>&b;</name></trk></gpx>'
        ),
        "<gpx><trk><trkseg><trkpt",
        "<kml/>",
        "<gpx/>",
    ],
)
def test_xml_that_is_no_track_is_refused(case: PlannedCase, tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError) as error:
        compared(case, tracks=[written(tmp_path, text, "a.gpx")])
    assert len(error.value.problems) == 1


def test_a_coordinate_that_no_number_holds_is_refused_as_it_is_read(
    case: PlannedCase, tmp_path: Path
) -> None:
    text = json.dumps({"features": [{"geometry": {"type": "Point", "coordinates": [10**400, 50]}}]})
    with pytest.raises(InputError, match="found a number of 401 digits; expected a finite number"):
        read_tracks([written(tmp_path, text, "a.geojson")], Units(case.duties, {}))


@pytest.mark.parametrize(
    ("kind", "coordinates", "properties"),
    [
        ("Point", [10.1, 50.1], {}),
        ("Point", [10.1], {"time": "2026-12-01T06:00:00Z"}),
        ("Point", [10.1, 50.1], {"time": "0001-01-01T00:00:00+14:00"}),
        (
            "LineString",
            [[10.1, 50.1]],
            {"coordinateProperties": {"times": ["9999-12-31T23:59:59-14:00"]}},
        ),
        ("LineString", [[10.1, 50.1]], {"coordinateProperties": {"times": [5]}}),
        ("LineString", [[10.1, 50.1]], {"coordinateProperties": []}),
    ],
)
def test_features_without_positions_in_time_are_refused(
    case: PlannedCase, tmp_path: Path, kind: str, coordinates: object, properties: dict[str, object]
) -> None:
    feature = {
        "geometry": {"type": kind, "coordinates": coordinates},
        "properties": properties | {"title": "crew-1"},
    }
    path = written(tmp_path, json.dumps({"features": [feature]}), "a.geojson")
    with pytest.raises(InputError, match="feature 1: found no positions with times") as error:
        read_tracks([path], Units(case.duties, {}))
    assert len(error.value.problems) == 1


@pytest.mark.slow
def test_the_command_writes_effort_that_records_read(
    case: PlannedCase,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tracks = exact_tracks(case)
    renamed = replace(tracks[0], unit="=GPS <7>")
    file = written(tmp_path, as_gpx([*tracks[1:]]), "a.gpx")
    csv_file = written(tmp_path, tracks_csv([renamed]))
    out = tmp_path / "out"
    words = [
        "delivered",
        case.folder,
        "--scenario",
        case.scenario,
        "--tracks",
        file,
        "--tracks",
        csv_file,
        "--json",
    ]
    outcome = run(capsys, monkeypatch, *words, "--unit", "=GPS <7>=crew-1", "--out", out)
    keeps_contract("delivered", outcome)
    assert [row["unit"] for row in outcome.objects] == ["crew-1", "crew-2", "crew-3"]
    assert all(row["stops_done"] == row["stops_planned"] for row in outcome.objects)
    source = EffortSource(
        file="effort.csv", source="x", unit="unit-hours", where={"unit": ("unit-hours",)}
    )
    effort = read_effort([source], case.network, folder=out)
    assert not effort.unused
    assert effort.amount.sum() == pytest.approx(
        json.loads((out / "delivered.json").read_text())["effort_hours"], abs=0.01
    )
    assert np.isin(
        case.network.nearest_segments(np.array([10.1]), np.array([50.1]))[0], effort.segment
    ).all()
    assert sorted(path.name for path in out.iterdir() if not path.name.startswith(".")) == [
        *("delivered.csv", "delivered.html", "delivered.json", "effort.csv", "effort.geojson"),
        *("extra.csv", "extra.geojson", "records.toml", "visits.csv", "visits.geojson"),
    ]
    assert all("Ann Other" not in path.read_text(encoding="utf-8") for path in out.iterdir())
    visits = json.loads((out / "visits.geojson").read_text(encoding="utf-8"))["features"]
    assert {feature["properties"]["status"] for feature in visits} == {"manned"}


def test_hours_are_counted_in_the_unit_that_is_asked_for(
    case: PlannedCase,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tracks, out = written(tmp_path, tracks_csv(exact_tracks(case)[:1])), tmp_path / "out"
    scenario = case.scenario.with_name("years.toml")
    scenario.write_text(case.scenario.read_text().replace('unit = "hours"', 'unit = "agent-years"'))
    words = (
        "delivered",
        case.folder,
        "--tracks",
        tracks,
        "--out",
        out,
        "--effort-unit",
        "agent-years",
    )
    refused = run(capsys, monkeypatch, *words, "--scenario", scenario)
    assert refused.code == 1
    assert "--hours-each" in refused.err
    assert not out.exists()
    assert (
        "hours above 0"
        in run(capsys, monkeypatch, *words, "--scenario", scenario, "--hours-each", 0).err
    )
    done = run(capsys, monkeypatch, *words, "--scenario", scenario, "--hours-each", 500)
    assert done.code == 0, done.err
    content = json.loads((out / "delivered.json").read_text())
    amounts = [float(row["amount"]) for row in csv_rows(out / "effort.csv")]
    assert sum(amounts) * 500 == pytest.approx(content["effort_hours"], rel=1e-3)
    assert (content["effort_unit"], content["hours_each"]) == ("agent-years", 500)
    page = (out / "delivered.html").read_text()
    labels = re.findall(r'role="region" aria-label="([^"]+)"', page)
    assert len(labels) == len(set(labels)) > 1  # tables that a reader of screens tells apart
    for text in (done.out, page):
        assert "unit-hours" not in text
        assert "agent-years (" in text.replace("\N{NO-BREAK SPACE}", " ")


def test_a_plan_without_a_roster_is_manned_by_whoever_is_there(
    case: PlannedCase, tmp_path: Path
) -> None:
    found = compared(case, tracks=[written(tmp_path, tracks_csv(exact_tracks(case)))], rosters=[])
    assert not found.known_units
    assert {one.status for one in found.visits} == {"manned"}
    assert any("No roster" in sentence for sentence in found.warnings)


def test_a_duty_that_begins_later_is_expected_later(case: PlannedCase) -> None:
    first, *rest = case.duties.duties
    later = case.duties.model_copy(
        update={"duties": [first.model_copy(update={"later": 45.0}), *rest]}
    )
    day = case.visits[0].day
    for one, other in zip(
        visits_of_duties(case.duties, day, day), visits_of_duties(later, day, day), strict=True
    ):
        moved = 45 * 60 if one.duty == first.id else 0
        assert (other.begin - one.begin, other.end - one.end) == (moved, moved)


def test_coarse_roads_are_said(case: PlannedCase, tmp_path: Path) -> None:
    file = written(tmp_path, tracks_csv(exact_tracks(case)))
    found = compared(case, tracks=[file], params=DeliveredParams(match=MatchParams(within_m=5)))
    assert any("--within" in sentence for sentence in found.warnings)
    assert found.off_roads_hours > 1
