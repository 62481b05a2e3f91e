"""The field pack: what a crew carries opens in other programs, agrees with the roster,
and keeps hostile text as text.
"""

from __future__ import annotations

import asyncio
import io
import re
import sqlite3
import zipfile
from base64 import b64encode
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from functools import cache
from hashlib import sha256
from itertools import product
from pathlib import Path

import gpxpy
import icalendar
import numpy as np
import pyogrio
import pytest
from defusedxml.ElementTree import fromstring

from optimizer.pipeline.roster.roster import field_pack
from optimizer.report.maps.labels import OccupiedBoxes
from optimizer.roster.making import make_roster
from optimizer.roster.model import DutyRoad, DutyStop, DutyTown, Roster, moment
from optimizer.roster.sheets import (
    ON_SCREEN,
    Size,
    Waypoint,
    field_duties,
    gpx,
    index,
    kml,
    sheet,
    sketch,
)
from optimizer.roster.writing import calendar, roster_page
from optimizer.scenario.file.roster_model import DutyBase
from tests.browser import CHROMIUM, Browser
from tests.pages import AXE, broken_rules, in_colours
from tests.roster_cases import FIRST, crew, duties, duty, shift
from tests.test_roster_files import MADE
from tests.validators import (
    gdal_validates,
    geopackage_faults,
    layers_in_qgis,
    needs_qgis,
    needs_schemas,
    schema,
    schema_faults,
)

pytestmark = pytest.mark.report

HOSTILE = (
    '=1+1 <script>alert(1)</script> & ]]> \x00\x1b\u202e "quoted" \'; دورية 巡逻\n' + "Ł" * 200
)
TRACK = ((-99.5, 27.6), (-99.45, 27.65), (-99.4, 27.7), (-99.5, 27.6))
GPX_ORDER = {
    "gpx": ["metadata", "wpt", "rte", "trk", "extensions"],
    "wpt": [
        "ele",
        "time",
        "magvar",
        "geoidheight",
        "name",
        "cmt",
        "desc",
        "src",
        "link",
        "sym",
        "type",
    ],
    "trk": ["name", "cmt", "desc", "src", "link", "number", "type", "extensions", "trkseg"],
}
"""Children of each element in the order that the schema of GPX 1.1 asks for."""


@cache
def roster_of(name: str, track: tuple[tuple[float, float], ...] = TRACK) -> Roster:
    shifts = [
        shift("day", "06:00", 8),
        shift("night", "22:00", 8).model_copy(update={"label": name}),
    ]
    stops = (
        DutyStop(label=name, lon=-99.4, lat=27.7, arrive=30, leave=90.5),
        DutyStop(lon=-99.45, lat=27.65, arrive=100, leave=160),
    )
    places = {"lon": -99.4, "lat": 27.9, "travel": {"north": 20.0}}
    asked = [
        *(
            duty("site", s.id).model_copy(
                update={"label": name, "mark": "7", "option": "site", **places}
            )
            for s in shifts
        ),
        *(
            duty("beat", s.id).model_copy(
                update={
                    "label": name,
                    "mark": "B",
                    "option": "beat",
                    "stops": stops,
                    "track": track,
                    **places,
                }
            )
            for s in shifts
        ),
    ]
    crews = [crew(f"c{k}", base="north", label=f"{name[:20]} {k}") for k in range(12)]
    case = duties(shifts, asked, crews)
    base = DutyBase(id="north", label=name, lon=-99.5, lat=27.6)
    return make_roster(case.model_copy(update={"name": name, "bases": [base]}), FIRST, 2)


@pytest.fixture(scope="module")
def nasty() -> Roster:
    return roster_of(HOSTILE)


@pytest.fixture(scope="module")
def pack(nasty: Roster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    texts = {"crew-c0.ics": calendar(nasty, nasty.assignments, HOSTILE, MADE, crew=False)}
    content = field_pack(nasty, texts)
    assert content == field_pack(nasty, texts)
    assert len(content) < 5e6
    folder = tmp_path_factory.mktemp("pack")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert not [name for name in archive.namelist() if name.startswith("/") or ".." in name]
        archive.extractall(folder)
    return folder


@pytest.mark.slow
def test_there_is_a_sheet_a_duty_and_shift_with_its_places_times_and_crews(
    nasty: Roster, pack: Path
) -> None:
    every = field_duties(nasty)
    assert {path.stem for path in (pack / "sheets").iterdir()} == {one.stem for one in every}
    assert len(every) == 4
    for one in every:
        page = (pack / "sheets" / f"{one.stem}.html").read_text(encoding="utf-8")
        assert "<script" not in page
        assert "default-src 'none'" in page
        assert page.count("<section>") == 2  # a sheet a week
        assert page.count('class="code"') == 2 * len(one.places)
        for place in one.places:
            assert f"geo:{place.lat:.6f},{place.lon:.6f}?q=" in page
            assert place.times in page
        named = [a for rows in one.days.values() for a in rows]
        assert page.count(f"({named[0].leave:%H:%M}-{named[0].back:%H:%M})") == len(named)
    (beat,) = [one for one in every if one.first.duty.id == "beat@day"]
    assert [place.mark for place in beat.places] == ["B1", "B2"]
    assert (
        beat.places[0].times
        == f"{moment(beat.first, 30):%H:%M}-{moment(beat.first, 90.5):%H:%M}"
        == "06:30-07:30"
    )
    index = (pack / "index.html").read_text(encoding="utf-8")
    for link in re.findall(r'href="([^"]+)"', index):
        assert (pack / link).is_file(), link


def test_gpx_is_in_the_order_of_its_schema_and_read_by_others(nasty: Roster, pack: Path) -> None:
    for one in field_duties(nasty):
        path = pack / "gpx" / f"{one.stem}.gpx"
        text = path.read_text(encoding="utf-8")
        root = fromstring(text)
        assert root.tag == "{http://www.topografix.com/GPX/1/1}gpx"
        assert root.get("version") == "1.1"
        for node in root.iter():
            name = node.tag.split("}")[1]
            assert name != "color"  # a bare one breaks readers
            children = [child.tag.split("}")[1] for child in node]
            if name in GPX_ORDER:
                places = [GPX_ORDER[name].index(child) for child in children]
                assert places == sorted(places)
        read = gpxpy.parse(text)
        assert [(p.longitude, p.latitude) for p in read.waypoints[:-1]] == [
            (p.lon, p.lat) for p in one.places
        ]
        assert "<script>alert(1)</script>" in str(read.waypoints[0].name)
        points = [
            (p.longitude, p.latitude) for t in read.tracks for s in t.segments for p in s.points
        ]
        assert points == (list(TRACK) if one.first.duty.stops else [])
        if "GPX" in pyogrio.list_drivers():
            assert len(pyogrio.read_dataframe(path, layer="waypoints")) == len(one.places) + 1


def test_kml_is_read_by_others(nasty: Roster, pack: Path) -> None:
    for one in field_duties(nasty):
        path = pack / "kml" / f"{one.stem}.kml"
        root = fromstring(path.read_text(encoding="utf-8"))
        space = "{http://www.opengis.net/kml/2.2}"
        assert root.tag == f"{space}kml"
        (document,) = root
        assert {child.tag for child in document} == {f"{space}name", f"{space}Placemark"}
        marks = document.findall(f"{space}Placemark")
        assert len(marks) == len(one.places) + 1 + bool(one.first.duty.stops)
        where = marks[0].findtext(f"{space}Point/{space}coordinates")
        assert where == f"{one.places[0].lon:.6f},{one.places[0].lat:.6f}"
        assert "<script>alert(1)</script>" in str(marks[0].findtext(f"{space}name"))
        if {"KML", "LIBKML"} & set(pyogrio.list_drivers()):
            layers = pyogrio.list_layers(path)[:, 0]
            assert sum(
                len(pyogrio.read_dataframe(path, layer=layer)) for layer in set(layers)
            ) == len(marks)


def test_each_geopackage_has_one_layer(pack: Path) -> None:
    layers = {
        path.stem: pyogrio.list_layers(path)[:, 0].tolist() for path in (pack / "layers").iterdir()
    }
    assert set(layers) == {"stops", "tracks", "bases"}
    for name, found in layers.items():
        assert [layer for layer in found if layer != "layer_styles"] == [name]
        assert pyogrio.read_info(pack / "layers" / f"{name}.gpkg", layer=name)["features"] > 0


@needs_schemas
def test_gpx_and_kml_keep_their_schemas(pack: Path) -> None:
    files = sorted([*pack.glob("gpx/*.gpx"), *pack.glob("kml/*.kml")])
    assert len(files) == 8
    assert [fault for path in files for fault in schema_faults(path)] == []
    text = files[0].read_text(encoding="utf-8")
    # it can fail
    assert not schema("gpx").is_valid(text.replace("<wpt ", "<color>#ff0000</color><wpt ", 1))


@pytest.mark.skipif(
    not gdal_validates(), reason="GDAL's validator is not installed (Debian: python3-gdal)"
)
def test_gdal_finds_no_fault_in_the_geopackages(pack: Path, tmp_path: Path) -> None:
    for path in sorted(pack.glob("layers/*.gpkg")):
        assert geopackage_faults(path) == "", path.name
    broken = tmp_path / "broken.gpkg"
    broken.write_bytes((pack / "layers/stops.gpkg").read_bytes())
    with closing(sqlite3.connect(broken)) as file, file:
        file.execute("UPDATE gpkg_contents SET data_type = 'featurs'")
    assert geopackage_faults(broken) != ""  # it can fail


@needs_qgis
def test_qgis_opens_every_file_of_the_pack(nasty: Roster, pack: Path, tmp_path: Path) -> None:
    packages, tracks = (
        sorted(pack.glob("layers/*.gpkg")),
        sorted([*pack.glob("gpx/*.gpx"), *pack.glob("kml/*.kml")]),
    )
    seen = layers_in_qgis([*packages, *tracks], tmp_path)
    every = field_duties(nasty)
    places = sum(len(one.places) for one in every)
    assert {name: list(layers) for name, layers in seen.items() if name.endswith("gpkg")} == {
        f"{name}.gpkg": [name] for name in ("bases", "stops", "tracks")
    }
    stops = seen["stops.gpkg"]["stops"]
    assert (stops["shape"], stops["rows"], stops["labels"], stops["crs"]) == (
        "Point",
        places,
        True,
        "EPSG:4326",
    )
    assert (seen["tracks.gpkg"]["tracks"]["shape"], seen["tracks.gpkg"]["tracks"]["rows"]) == (
        "LineString",
        2,
    )
    for one in every:
        gpx_layers, kml_layers = seen[f"{one.stem}.gpx"], seen[f"{one.stem}.kml"]
        assert gpx_layers["waypoints"]["rows"] == len(one.places) + 1
        assert gpx_layers["tracks"]["rows"] == bool(one.first.duty.stops)
        assert sum(layer["rows"] for layer in kml_layers.values()) == len(one.places) + 1 + bool(
            one.first.duty.stops
        )


def test_calendars_have_an_event_at_each_stop(nasty: Roster, pack: Path) -> None:
    events = icalendar.Calendar.from_ical((pack / "calendars/crew-c0.ics").read_bytes()).walk(
        "VEVENT"
    )
    stops = [event for event in events if "TRANSP" in event]
    beats = [one for one in nasty.assignments if one.duty.stops]
    assert len(stops) == sum(len(one.duty.stops) for one in beats) > 0
    for event in stops:
        assert event["GEO"].to_ical() in {"27.7;-99.4", "27.65;-99.45"}
    first = next(
        event
        for event in stops
        if event.decoded("DTSTART") == beats[0].start + timedelta(minutes=30)
    )
    assert str(first["SUMMARY"]).startswith("B1 ")


def test_links_and_codes_hold_one_place_whatever_it_is_called() -> None:
    place = Waypoint("1", "a)&q=0,0 <b>\n", "", -99.4, 27.7)
    assert place.uri == "geo:27.700000,-99.400000"
    assert re.fullmatch(
        r"geo:27\.700000,-99\.400000\?q=27\.700000,-99\.400000\([A-Za-z0-9%_.~-]+\)", place.link
    )


@pytest.mark.slow
def test_a_plan_of_sites_alone_and_one_without_bases_still_make_sheets() -> None:
    made = roster_of("Plain", track=())
    bare = replace(made, duties=made.duties.model_copy(update={"bases": []}))
    for one in field_duties(bare):
        assert one.bases == ()
        assert "polyline" not in sheet(bare, one, field_duties(bare))
        assert gpxpy.parse(gpx(one.title, one.places, one.track)).tracks == []
        assert "LineString" not in kml(one.title, one.places, one.track)
    nobody = replace(made, assignments=())
    with zipfile.ZipFile(io.BytesIO(field_pack(nobody, {}))) as archive:
        assert archive.namelist() == ["index.html", "log.csv"]


@pytest.mark.slow
def test_small_maps_have_the_roads_that_they_show_and_each_number_once() -> None:
    def road(number: str, *points: tuple[float, float], main: bool = True) -> DutyRoad:
        return DutyRoad(number=number, main=main, points=points)

    made = roster_of("Plain")
    roads = (
        road("US 83", (-99.6, 27.62), (-99.3, 27.62)),
        road("US 83", (-99.6, 27.64), (-99.3, 27.64)),
        road("<script>", (-99.47, 27.5), (-99.47, 27.9)),
        road("FM 1", (-99.6, 27.68), (-99.3, 27.68), main=False),
        road("I-35", (-80.0, 27.6), (-80.0, 27.7)),
    )
    near = replace(made, duties=made.duties.model_copy(update={"roads": roads}))
    (beat,) = [one for one in field_duties(near) if one.first.duty.id == "beat@day"]
    bare, page = (sheet(each, beat, field_duties(each)) for each in (made, near))
    # one for the screen and one for paper
    assert page.count("<polyline") == bare.count("<polyline") + 2 * 4
    assert page.count("US 83") == 2
    assert "I-35" not in page
    assert "<script" not in page


def test_texts_of_a_small_map_lie_on_nothing_else_and_the_road_at_the_place_is_numbered_first() -> (
    None
):
    spot = Waypoint("A1", "Bridge", "", -99.5, 27.5)
    bases = [Waypoint("", "Sector headquarters, Laredo", "", -99.49, 27.51)]
    towns = [
        DutyTown(name=f"Town {k}", lon=-99.5 + 0.02 * k, lat=27.5 + 0.01 * (k % 3))
        for k in range(8)
    ]
    others = [Waypoint(str(k), "", "", -99.5 + 0.015 * k, 27.49) for k in range(8)]
    roads = [
        DutyRoad(
            number=f"US {k}",
            main=True,
            points=((-100.0, 27.5 + 0.01 * k), (-99.0, 27.5 + 0.01 * k)),
        )
        for k in range(20, -1, -1)
    ]
    for size in (ON_SCREEN, Size(720.0, 230.0)):
        root = fromstring(sketch([spot], bases, (), others, roads, towns, size))
        texts = [each for each in root.iter() if each.tag.endswith("text")]
        said = [str(each.text) for each in texts]
        assert {"A1", "Sector headquarters", "US 0"} <= set(said)
        assert sum(text.startswith("US ") for text in said) >= 2
        boxes = np.array([
            (x - w * before, y - 0.85 * s, x + w * (1 - before), y + 0.15 * s)
            for each in texts
            for x, y, s in [[float(each.attrib[name]) for name in ("x", "y", "font-size")]]
            for w in [0.5 * s * len(str(each.text))]
            for before in [{"start": 0.0, "middle": 0.5, "end": 1.0}[each.attrib["text-anchor"]]]
        ])  # fmt: skip
        assert boxes[:, :2].min() >= 0
        assert (boxes[:, 2:] <= size).all()
        taken = OccupiedBoxes(boxes)
        own = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
        assert taken.overlap(boxes) == pytest.approx(own)


def test_a_sheet_says_what_to_do_whom_to_reach_and_the_nearest_town() -> None:
    made = roster_of("night")
    (beat,) = [one for one in field_duties(made) if one.first.duty.id == "beat@day"]
    base = DutyBase(
        id="north", lon=-99.5, lat=27.5, commander="Watch <i>officer</i>", channel="VHF 3"
    )
    near = DutyTown(name="Laredo <b>", lon=-99.49, lat=27.52)
    far = DutyTown(name="Dallas", lon=-96.8, lat=32.8)
    told = made.duties.model_copy(
        update={"look_for": ["fresh <u>welds</u>"], "towns": [near, far], "bases": [base]}
    )
    duty = beat.first.duty.model_copy(update={"travel": {"north": 0.0}})
    beat = replace(beat, first=replace(beat.first, duty=duty))
    page = sheet(replace(made, duties=told), beat, (beat,))
    for text in (
        "Look for: fresh &lt;u&gt;welds",
        "Watch &lt;i&gt;officer&lt;/i&gt;, VHF 3",
        "Laredo &lt;b&gt;",
        " of Laredo &lt;b&gt;: <a",  # beside the place's degrees
        "Finds",
        "order",
    ):
        assert text in page
    assert "Dallas" not in page
    script = index(made, (beat,), {}).partition("<script>")[2].partition("</script>")[0]
    assert b64encode(sha256(script.encode()).digest()).decode() in index(made, (beat,), {})


@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM, reason="no chromium (Debian: apt-get install chromium)")
@pytest.mark.skipif(not AXE, reason="AXE names no axe.min.js (npm pack axe-core)")
def test_axe_finds_nothing_on_roster_and_sheets(nasty: Roster, pack: Path, tmp_path: Path) -> None:
    (tmp_path / "roster.html").write_text(roster_page(nasty), encoding="utf-8")
    pages = [tmp_path / "roster.html", pack / "index.html", *sorted(pack.glob("sheets/*.html"))]

    async def steps() -> dict[str, list[str]]:
        found = {}
        async with Browser() as browser:
            for page, width, colours in product(pages, (1440, 390), ("light", "dark")):
                await in_colours(browser, colours)
                await browser.open(page.as_uri(), width, 900)
                await browser.until(
                    f"document.readyState === 'complete' && location.href === '{page.as_uri()}'"
                )
                assert await browser.run("document.documentElement.scrollWidth - innerWidth") <= 0
                found[f"{page.name} {width} {colours}"] = await broken_rules(browser)
        return found

    assert {name: broken for name, broken in asyncio.run(steps()).items() if broken} == {}


@pytest.mark.skipif(not CHROMIUM, reason="there is no Chromium here")
def test_roster_and_sheets_are_dark_where_a_reader_asks_for_it_and_codes_stay_on_white(
    nasty: Roster, pack: Path, tmp_path: Path
) -> None:
    (tmp_path / "roster.html").write_text(roster_page(nasty), encoding="utf-8")
    pages = (
        tmp_path / "roster.html",
        pack / "index.html",
        next(iter(sorted(pack.glob("sheets/*.html")))),
    )
    ground = "(where) => getComputedStyle(document.querySelector(where)).backgroundColor"

    async def steps() -> dict[str, str]:
        found = {}
        async with Browser() as browser:
            feature = {"name": "prefers-color-scheme", "value": "dark"}
            await browser.call("Emulation.setEmulatedMedia", features=[feature])
            for page in pages:
                await browser.open(page.as_uri(), 390, 844)
                await browser.until(
                    f"document.readyState === 'complete' && location.href === '{page.as_uri()}'"
                )
                found[page.name] = await browser.run(f"({ground})('body')")
            found["code"] = await browser.run(f"({ground})('.code')")
        return found

    dark, white = "rgb(22, 24, 27)", "rgb(255, 255, 255)"
    assert asyncio.run(steps()) == dict.fromkeys((page.name for page in pages), dark) | {
        "code": white
    }


@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM, reason="no chromium (Debian: apt-get install chromium)")
def test_on_paper_a_crew_is_one_line_and_bases_share_a_sheet(nasty: Roster, tmp_path: Path) -> None:
    (tmp_path / "roster.html").write_text(roster_page(nasty), encoding="utf-8")
    found = """(() => {
      const styles = each => getComputedStyle(each), every = name => Array.from(document.querySelectorAll(name));
      return {
        where: every(".crews .where").map(each => styles(each).display),
        columns: every(".crews").map(each => styles(each).columnCount),
        breaks: every(".crew-week").map(each => styles(each).breakBefore),
        posts: every(".posts").map(each => styles(each).breakBefore),
      };
    })()"""

    async def steps() -> dict[str, list[str]]:
        async with Browser() as browser:
            await browser.open((tmp_path / "roster.html").as_uri(), 1060, 740)
            await browser.until("document.readyState === 'complete'")
            await browser.call("Emulation.setEmulatedMedia", media="print")
            return dict(await browser.run(found))

    for name, expected in {
        "where": "none",
        "columns": "3",
        "breaks": "auto",
        "posts": "page",
    }.items():
        assert set(asyncio.run(steps())[name]) == {expected}, name


def test_the_cells_of_crews_say_when_which_duty_and_where(nasty: Roster) -> None:
    page = roster_page(nasty)
    cells = re.findall(r"<td>(\d\d:\d\d)\s(\w+)<span class=\"where\"> [^<]+</span></td>", page)
    assert {mark for _, mark in cells} == {"7", "B"}
    assert page.count("Beat B: ") == 2  # day and night
    assert "<script" not in page
    assert len(re.findall(r'<section class="sheet crew-week" id="week-\d-1"', page)) == 2
    for target in re.findall(r'href="#([^"]+)"', page):
        assert f'id="{target}"' in page
