"""`desk --new`: from an extract and two tables to a scenario that is checked and
planned; what a page may ask, and what it may not.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from optimizer.analysis.desk.page.server import listening
from optimizer.base.errors import InputError
from optimizer.pipeline.check import check_scenario_file
from optimizer.pipeline.form.form import BUDGETS, KIND, RECORDS, TEAM, FirstForm, files_below
from optimizer.pipeline.form.page import FormPage
from optimizer.pipeline.init import init_scenario
from optimizer.region import save_region
from tests.browser import CHROMIUM, Browser
from tests.command import Outcome
from tests.pages import broken_rules
from tests.standin import sample_world
from tests.test_desk_page import GONE, READY, dark, status
from tests.test_init import content, renamed, source
from tests.tiny import tiny_region

ROOT = Path(__file__).parents[1]
FINDS = """Fecha;Longitude;Latitude;Substance;kg;driver_name
2024-03-01;10.0;50.05;cocaine;2.5;Somebody
2024-06-01;10.2;50.21;heroin;;Nobody
"""
EFFORT = "time,lon,lat,hours\n2024,10.0,50.05,900\n2024,10.2,50.21,300\n"
HOSTILE = "<img src=x onerror=\"alert(1)\">'''\n[sites]\nroads = 5"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a folder with a network and two tables, and one beside it that no form may offer."""
    (tmp_path / "outside.csv").write_text(EFFORT, encoding="utf-8")
    start = tmp_path / "start"
    (start / "data").mkdir(parents=True)
    save_region(tiny_region(), start / "tiny.gpkg")
    (start / "data" / "finds.csv").write_text(FINDS, encoding="utf-8")
    (start / "data" / "effort.csv").write_text(EFFORT, encoding="utf-8")
    (start / "link.csv").symlink_to(tmp_path / "outside.csv")
    return start


def new_form(place: Path, target: str = "mine/scenario.toml") -> FirstForm:
    scratch = place.parent / "scratch"
    scratch.mkdir(exist_ok=True)
    form = FirstForm(place / target, place, scratch)
    form.read_map("tiny.gpkg")
    form.wait()
    return form


def test_a_map_and_two_tables_become_a_scenario_that_check_accepts(place: Path) -> None:
    form = new_form(place)
    assert form.files.tables == ("data/effort.csv", "data/finds.csv")
    form.choose_record("seizures", "data/finds.csv")
    form.choose_record("effort", "data/effort.csv")
    form.set("officers", 30)
    form.set("kinds.0.people", 4)
    form.set("money", 100)
    form.set("kinds.0.money", 12.5)
    form.add("kinds")
    form.set("teams.0.number", 3)
    form.set_exposure("ford", 7)
    form.set_base(0, form.map.settlements()[-1].id if form.map else "")
    with pytest.raises(InputError, match="no answer yet"):
        form.write()
    form.wait()
    assert form.checked is not None
    assert form.checked.ok, form.checked.problems
    written = form.write()
    assert written.command == f"interdict plan {place / 'mine' / 'scenario.toml'}"
    made = content(place / "mine")
    assert made["records"]["seizures"][0]["file"] == "../data/finds.csv"
    assert made["records"]["seizures"][0]["columns"]["quantity"] == "kg"
    assert {row["name"]: row["budget"] for row in made["resources"]}["money"] == 100
    assert [kind.get("uses") for kind in made["kinds"][:2]] == [{"officers": 4, "money": 12.5}] * 2
    assert (made["teams"][0]["number"], made["evaders"]["exposure"]["ford"]) == (3, 7)
    text = (place / "mine" / "scenario.toml").read_text(encoding="utf-8")
    stated = [
        line
        for line in text.splitlines()
        if line.startswith(("budget = 30", "budget = 100", "number = 3"))
    ]
    assert len(stated) == 3
    assert not any("ASSUMED" in line for line in stated)
    assert "capacity = 60                                  # ASSUMED" in text
    assert check_scenario_file(place / "mine" / "scenario.toml").ok


def test_a_form_in_which_nothing_is_said_writes_what_init_writes(place: Path) -> None:
    form = new_form(place)
    form.write()
    init_scenario(source(network=place / "tiny.gpkg"), place / "init")
    found, made = content(place / "mine"), content(place / "init")
    for each in (found, made):
        del each["report"]
    assert found == made
    assert sorted(item.name for item in (place / "mine").iterdir()) == [
        "network.gpkg",
        "scenario.toml",
    ]


def test_nothing_that_stands_there_is_replaced_without_consent(place: Path) -> None:
    target = place / "network.toml"
    target.write_text("mine", encoding="utf-8")
    (place / "tiny.gpkg").rename(place / "network.gpkg")
    before = (place / "network.gpkg").read_bytes()
    form = FirstForm(target, place, place.parent)
    form.read_map("network.gpkg")
    form.wait()
    with pytest.raises(
        InputError, match=r"network\.toml, which would be replaced; expected your consent"
    ):
        form.write()
    assert target.read_text(encoding="utf-8") == "mine"
    form.write(replaced=True)
    assert (place / "network.gpkg").read_bytes() == before, "the map that it was made of"
    assert (
        tomllib.loads(target.read_text(encoding="utf-8"))["region"]["network"]
        == "first-network.gpkg"
    )


def test_a_page_may_choose_what_it_was_offered_and_nothing_else(place: Path) -> None:
    form = new_form(place)
    for file in (
        "../outside.csv",
        "link.csv",
        str(place / "data" / "finds.csv"),
        "/etc/passwd",
        "nothing.csv",
    ):
        with pytest.raises(InputError, match="one of the files of"):
            form.choose_record("seizures", file)
        with pytest.raises(InputError, match="one of the files of"):
            form.read_map(file)
    with pytest.raises(InputError, match="one of the files of"):
        form.read_map("tiny.gpkg", border="../border.geojson")
    for path in (
        "scenario",
        "kinds.9.people",
        "kinds.0.id",
        "kinds.-1.people",
        "stated",
        "__class__",
        "teams.0",
        "bases.0.lon",
    ):
        with pytest.raises(InputError, match="something that the form asks for"):
            form.set(path, 1)
    for path, value, expected in (
        ("officers", -1, "at least 0"),
        ("officers", None, "a value"),
        ("kinds.0.detection", 1.5, "a chance from 0 to 1"),
        ("teams.0.number", 2.5, "whole number"),
        ("kinds.0.capacity", float("nan"), "at least 0"),
        ("kinds.0.minutes", 0, "above 0"),
        ("name", "", "a text that is not empty"),
    ):
        with pytest.raises(InputError, match=expected):
            form.set(path, value)
    with pytest.raises(InputError, match="found -2"):
        form.set_exposure("ford", -2)
    form.wait()
    assert form.checked is not None
    assert form.checked.ok, "nothing was changed"


def test_columns_about_people_are_not_shown_and_never_matched(place: Path) -> None:
    form = new_form(place)
    form.choose_record("seizures", "data/finds.csv")
    choice = form.records["seizures"]
    assert choice is not None
    assert choice.hidden == ("driver_name",)
    assert "Somebody" not in str(choice)
    assert choice.columns == {
        "time": "Fecha",
        "lon": "Longitude",
        "lat": "Latitude",
        "drug": "Substance",
        "quantity": "kg",
    }
    with pytest.raises(InputError, match="looks like one about people"):
        form.match("seizures", "drug", "driver_name")
    with pytest.raises(InputError, match="no column 'nothing'"):
        form.match("seizures", "drug", "nothing")
    form.match("seizures", "quantity", "Substance")
    form.wait()
    assert form.checked is not None
    assert "found the column 'Substance' for drug, quantity; expected a column for one" in str(
        form.checked.problems[0]
    )
    with pytest.raises(InputError, match="for drug, quantity"):
        form.write()


def test_a_file_that_became_a_link_to_elsewhere_is_not_read(place: Path) -> None:
    form = new_form(place)
    (place / "data" / "effort.csv").unlink()
    (place / "data" / "effort.csv").symlink_to(place.parent / "outside.csv")
    with pytest.raises(InputError, match="one of the files of"):
        form.choose_record("effort", "data/effort.csv")


def test_a_map_that_cannot_be_read_does_not_end_the_check_that_it_took_the_place_of(
    place: Path,
) -> None:
    (place / "broken.osm").write_text("nothing", encoding="utf-8")
    form = new_form(place)
    form.set("officers", 30)
    form.poll()
    assert form.busy == "Checking"
    form.read_map("broken.osm")
    with pytest.raises(InputError, match=r"broken\.osm"):
        form.wait()
    form.wait()
    assert form.up_to_date
    form.write()


def test_nothing_is_written_where_a_file_of_records_has_gone_since_the_check(place: Path) -> None:
    form = new_form(place)
    form.choose_record("seizures", "data/finds.csv")
    form.wait()
    assert form.checked is not None
    assert form.checked.ok
    (place / "data" / "finds.csv").unlink()
    with pytest.raises(InputError, match=r"finds\.csv: found no such file"):
        form.write()
    assert not (place / "mine").exists()


def test_places_of_one_name_are_told_apart_and_each_can_be_a_base(place: Path) -> None:
    region = tiny_region()
    gateways = tuple(replace(each, name="San Jose") for each in region.gateways)
    settlements = tuple(replace(each, name="San Jose") for each in region.settlements)
    save_region(replace(region, gateways=gateways, settlements=settlements), place / "tiny.gpkg")
    form = new_form(place)
    assert form.map is not None
    for listed in (form.map.settlements(), form.map.region.gateways):
        assert {each.label for each in listed} == {
            f"San Jose ({k + 1})" for k in range(len(listed))
        }
    form.set_base(0, form.map.settlements()[-1].id)
    form.add("bases")
    assert form.terms is not None
    assert len({(base.lon, base.lat) for base in form.terms.bases}) == 2


def test_files_that_cannot_be_used_say_why(place: Path) -> None:
    (place / "data" / "no-places.csv").write_text(
        "when,what\n2024-01-01,heroin\n", encoding="utf-8"
    )
    (place / "broken.osm.pbf").write_bytes(b"\x00\x01nothing")
    (place / "data" / "binary.csv").write_bytes(b"\x89PNG\r\n\x1a\n")
    form = new_form(place)
    form.refresh_files()
    form.choose_record("seizures", "data/no-places.csv")
    form.wait()
    assert form.checked is not None
    assert any("no place among" in problem.found for problem in form.checked.problems)
    with pytest.raises(InputError, match="a picture"):
        form.choose_record("seizures", "data/binary.csv")
    kept = form.map
    form.read_map("broken.osm.pbf")
    with pytest.raises(InputError, match=r"broken\.osm\.pbf"):
        form.wait()
    assert form.map is kept
    for target in ("scenario.txt", "data"):
        with pytest.raises(InputError, match="Name a file"):
            FirstForm(place / target, place, place.parent)


def test_every_field_is_explained_by_the_reference_of_the_file() -> None:
    for asked in (*BUDGETS, *KIND, *TEAM):
        assert len(asked.explained) > 10
        assert "[low, high]" not in asked.explained
    for model, columns, names in RECORDS.values():
        assert all(columns.model_fields[name].description for name in names)
        assert model.model_fields["source"].description


@pytest.mark.slow
@pytest.mark.report
def test_no_text_of_a_map_or_table_becomes_html_and_nothing_is_given_without_the_token(
    place: Path,
) -> None:
    save_region(renamed(tiny_region(), HOSTILE), place / "tiny.gpkg")
    (place / "data" / "finds.csv").write_text(
        FINDS.replace("Substance", "<b>drug</b>").replace("heroin", "<svg>")
    )
    form = new_form(place)
    form.choose_record("seizures", "data/finds.csv")
    form.set("name", HOSTILE)
    form.wait()
    page = FormPage(form)
    page.refresh()
    seen = ""
    for root in page.roots:
        for model in root.references():
            title = getattr(model, "title", None)
            assert title is None or not isinstance(title, str) or not set(title) & set("<>$&")
            seen += getattr(model, "text", "") if type(model).__name__ == "Div" else ""
    assert "&lt;img" in seen
    assert "&lt;svg&gt;" in seen
    assert not any(tag in seen for tag in ("<img", "<svg", "<b>", "Somebody"))
    page._do(lambda: form.set("officers", -1))
    assert 'class="wrong"' in page._texts["message"].text

    async def work() -> tuple[int, int, int]:
        found = listening(lambda: FormPage(form))
        found.server.start()
        try:
            away = f"http://127.0.0.1:{found.port}/"
            other = {"Host": f"localhost:{found.port}"}
            return (
                await status(found.address),
                await status(away),
                await status(found.address, **other),
            )
        finally:
            found.server.stop(wait=False)

    assert asyncio.run(work()) == (200, 404, 421)


def test_the_command_takes_a_plan_or_a_new_file_and_not_both(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    for arguments in (
        (),
        (tmp_path, "--new", tmp_path / "a.toml"),
        ("--new", tmp_path / "a.toml", "--skip-unreachable"),
    ):
        done = command("desk", *arguments, "--no-browser")
        assert done.code == 2
        assert "--new" in done.err
    done = command("desk", "--new", tmp_path / "scenario.csv", "--no-browser")
    assert done.code == 1
    assert "Name a file that ends in .toml" in done.err


def test_a_large_folder_is_not_looked_through_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "abc":
        (tmp_path / name).mkdir()
        (tmp_path / name / "finds.csv").touch()
    assert (files_below(tmp_path).left_out, len(files_below(tmp_path).tables)) == (False, 3)
    # this one and two of those below
    monkeypatch.setattr("optimizer.pipeline.form.form.FOLDERS", 3)
    assert (files_below(tmp_path).left_out, len(files_below(tmp_path).tables)) == (True, 2)


class Clicks:
    """A planner before the form: what is clicked and typed, as a person does it, is counted."""

    def __init__(self, browser: Browser) -> None:
        self.browser, self.clicks, self.keys = browser, 0, 0

    async def next(self) -> None:
        """Go to the next step."""
        await self.browser.until("!document.querySelector('.next').disabled")
        await self.browser.run("document.querySelector('.next').click()")
        self.clicks += 1

    async def choose(self, title: str, value: str) -> None:
        """Open a native list and choose from it: two clicks."""
        change = (
            f"e.value = {json.dumps(value)}; e.dispatchEvent(new Event('change', {{ bubbles: true"
            " }));"
        )
        field = FIELD % json.dumps(title)
        await self.browser.until(
            f"[...(({field})?.options || [])].some(o => o.value === {json.dumps(value)})"
        )
        await self.browser.run(f"(() => {{ const e = {FIELD % json.dumps(title)}; {change} }})()")
        self.clicks += 2

    async def press(self, label: str) -> None:
        """Click a button or box where it stands."""
        find = (
            f"Bokeh.index.find_one({LABELLED % json.dumps(label)})?.shadow_el?.querySelector('button,"
            " input')"
        )
        await self.browser.until(f"({find})?.disabled === false")
        await self.browser.run(f"({find}).scrollIntoView({{ block: 'center' }})")
        box = (
            "(() => { const r = (%s).getBoundingClientRect(); return [r.left + r.width / 2, r.top +"
            " r.height / 2]; })()"
        )
        await self.browser.click(*await self.browser.run(box % find))
        self.clicks += 1

    async def type(self, title: str, text: str) -> None:
        """Click into a field, type over what stands there, and leave it."""
        await self.browser.until(f"!!({FIELD % json.dumps(title)})")
        await self.browser.run(
            f"(() => {{ const e = {FIELD % json.dumps(title)}; e.focus(); e.select(); }})()"
        )
        await self.browser.call("Input.insertText", text=text)
        await self.browser.press("Tab", 9)
        self.clicks, self.keys = self.clicks + 1, self.keys + len(text)


WIDGET = "[...Bokeh.documents[0]._all_models.values()].find(m => m.title === %s)"
FIELD = (
    f"((m) => m && Bokeh.index.find_one(m)?.shadow_el?.querySelector('select, input'))({WIDGET})"
)
LABELLED = "[...Bokeh.documents[0]._all_models.values()].find(m => m.label === %s)"
TEXT = """(() => { const div = Bokeh.documents[0].get_model_by_name(%s);
  const parts = (m) => [m.text || "", ...(m.children || []).flatMap(parts)]; return parts(div).join(" "); })()"""


@pytest.mark.slow
@pytest.mark.report
@pytest.mark.skipif(not CHROMIUM, reason="there is no Chromium here")
def test_a_planner_goes_from_an_extract_and_two_tables_to_a_plan_without_an_editor(
    tmp_path: Path, command: Callable[..., Outcome]
) -> None:
    sample_world().save(tmp_path / "sample.osm")
    (tmp_path / "finds.csv").write_text(
        "day,lng,lat,what\n2024-03-01,10.03,45.05,cocaine\n", encoding="utf-8"
    )
    (tmp_path / "effort.csv").write_text(
        "worked,lng,lat,hours\n2024-03,10.03,45.05,40\n", encoding="utf-8"
    )
    arguments = [
        sys.executable,
        str(ROOT / "cli.py"),
        "desk",
        "--new",
        "mine/scenario.toml",
        "--no-browser",
        "--json",
    ]
    with subprocess.Popen(
        arguments, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as desk:
        try:
            assert desk.stdout is not None
            address = json.loads(desk.stdout.readline())["address"]
            clicks, keys, seconds = asyncio.run(
                planner(address, lambda: desk.send_signal(signal.SIGINT))
            )
            said = desk.communicate(timeout=600)
        finally:
            desk.kill()
    assert desk.returncode == 0, said
    assert "Next: interdict plan mine/scenario.toml" in said[0]
    if pictures := os.environ.get("PICTURES"):
        Path(pictures, "form.txt").write_text(
            f"{clicks} clicks, {keys} keys, {seconds:.1f} s\n", encoding="utf-8"
        )
    assert clicks <= 40, "three minutes, at five seconds a click"
    made = content(tmp_path / "mine")
    assert made["records"]["effort"][0]["columns"]["time"] == "worked"
    planned = command(
        *(
            "plan",
            tmp_path / "mine" / "scenario.toml",
            "--no-report",
            "--json",
            "--out",
            tmp_path / "out",
        ),
        *("--gap", "0.5", "--time-limit", "30"),
    )
    assert planned.code == 0, planned.err
    assert planned.objects[-1]["plan"]


async def planner(address: str, end: Callable[[], None]) -> tuple[int, int, float]:
    """Do what a planner does, then look at the page on a telephone, and close the program."""
    pictures = os.environ.get("PICTURES")
    async with Browser() as browser:
        hand, began = Clicks(browser), time.monotonic()
        await browser.open(address, 1400, 1000)
        await browser.until(READY)
        # nothing else can be done yet
        assert await browser.run(f"[{STEPS_SHOWN}, {STEPS_OPEN}, {NO_CHECK}]") == [["1"], 1, True]
        await hand.type("or the name of the country in the extract", "Testland")
        await hand.press("Read the map")
        await browser.until(f"{TEXT % json.dumps('check')}.includes('No fault')")
        assert await browser.run(f"[{STEPS_SHOWN}, {STEPS_OPEN}, {NO_CHECK}]") == [["2"], 7, False]
        await hand.type("Traffic through this crossing, vehicles a day", "1200")
        await hand.next()
        await hand.type("People on duty in a shift, all together", "24")
        await hand.type("Money (0: not counted)", "50000")
        await hand.next()
        await hand.type("People at one post in a shift", "4")
        await hand.type("Money for one post", "9000")
        await hand.next()
        await hand.next()
        await hand.choose("File of seizures", "finds.csv")
        await hand.choose("Column of the drug", "what")
        await hand.next()
        await hand.choose("File of search effort", "effort.csv")
        await browser.until(f"{TEXT % json.dumps('check')}.includes('to mend')")
        await browser.run(f"window.second = {SECOND}")
        await browser.run(
            "(window.second.value = 'worked', window.second.dispatchEvent(new Event('change', {"
            " bubbles: true })))"
        )
        hand.clicks += 2
        await browser.until(f"{TEXT % json.dumps('check')}.includes('No fault')")
        if pictures:
            await browser.picture(Path(pictures) / "form-1400.png")
        await dark(browser, 1400)
        await hand.press("Write the scenario")
        await browser.until(f"{TEXT % json.dumps('write')}.includes('interdict plan')")
        seconds = time.monotonic() - began
        await browser.open(address, 390, 844)
        await browser.until(READY)
        if pictures:
            await asyncio.sleep(1)
            await browser.picture(Path(pictures) / "form-390.png")
        assert await browser.run(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        )
        assert await broken_rules(browser) == []
        for event in browser.events:
            assert event["method"] != "Runtime.exceptionThrown", event
            assert (
                event["method"] != "Log.entryAdded" or event["params"]["entry"]["level"] != "error"
            ), event
        end()
        await browser.until(f"{GONE}.toString() === 'false,true'")
        outside = [
            url
            for url in browser.requested
            if not url.startswith((address, address.replace("http:", "ws:"), "data:"))
        ]
        assert outside == []
    return hand.clicks, hand.keys, seconds


STEPS_SHOWN = "[...document.querySelectorAll('[data-step]')].filter(e => e.checkVisibility()).map(e => e.dataset.step)"
STEPS_OPEN = "document.querySelectorAll('[data-to]:not(:disabled)').length"
NO_CHECK = "document.querySelector('.side').hidden"
SECOND = """(() => { const found = [...Bokeh.documents[0]._all_models.values()].filter(m => m.title === "Column of the day")
  .map(m => Bokeh.index.find_one(m)).filter(Boolean).map(v => v.shadow_el.querySelector("select"));
  return found.find(e => [...e.options].some(o => o.value === "worked")); })()"""
