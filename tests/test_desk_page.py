"""The desk's page: what its server gives to whom, text of a plan as code, and a planner
in a real browser.
"""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.iostream import StreamClosedError
from tornado.websocket import websocket_connect

from optimizer.analysis.desk.desk import Desk, tour_name
from optimizer.analysis.desk.page.page import DeskPage
from optimizer.analysis.desk.page.server import listening
from optimizer.analysis.desk.page.texts import escaped
from optimizer.analysis.desk.session import DeskSession, amount_of
from optimizer.base.errors import InputError
from optimizer.base.text.formatting import SPACE
from optimizer.plans.plan_folder import KnownPlan, PlanFolder
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.options import Resource
from optimizer.problem.plan.plan import Plan, make_beat, with_plan
from tests.browser import CHROMIUM, Browser
from tests.command import run
from tests.pages import broken_rules, in_colours
from tests.test_compare_plans import on_a_map, written
from tests.test_joint import every_tour, small_case

pytestmark = pytest.mark.report

ROOT = Path(__file__).parents[1]
HOSTILE = (
    '<img src=x onerror="window.hacked=1">',
    "</script><script>window.hacked=2</script>",
    r"$$\href{javascript:window.hacked=3}{x}$$",
    "{{7*7}}<svg/onload=window.hacked=4>",
    "<b onmouseover='window.hacked=5'>&lt;i&gt;",
    "@label{safe}<style>body{display:none}</style>",
)


def hostile(instance: Instance) -> Instance:
    """Return an instance whose every name is an attack."""
    options = tuple(
        replace(
            o,
            label=HOSTILE[j % len(HOSTILE)],
            site=f"{o.site}{HOSTILE[0]}",
            type=f"{o.type}{HOSTILE[1]}",
        )
        for j, o in enumerate(instance.options)
    )
    resources = tuple(
        replace(r, name=HOSTILE[k], unit=HOSTILE[k + 1], budget=2.0 if r.id == "teams" else 1e3)
        for k, r in enumerate(instance.resources)
    )
    return replace(instance, name=HOSTILE[1], options=options, resources=resources)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return written(tmp_path / "<b onmouseover=alert(1)>plan", hostile(on_a_map(4)), ["o3"])


def asked(actions: DeskSession, work: Callable[[str, int], Awaitable[Any]]) -> Any:
    """Return what some work does to a server of a desk."""

    async def whole() -> Any:
        found = listening(lambda: DeskPage(actions))
        found.server.start()
        try:
            return await work(found.address, found.port)
        finally:
            found.server.stop(wait=False)

    return asyncio.run(whole())


async def status(address: str, **headers: str) -> int:
    try:
        return (await AsyncHTTPClient().fetch(HTTPRequest(address, headers=headers))).code
    except HTTPClientError as error:
        return error.code


def test_nothing_is_given_without_the_token(folder: Path) -> None:
    async def work(address: str, port: int) -> None:
        root = f"http://127.0.0.1:{port}"
        token = address.removeprefix(root).strip("/")
        assert len(token) >= 40
        for path in ("", "static/js/bokeh.min.js", "ws", "metadata", "autoload.js"):
            here = f"{address}{path}" + (
                "?bokeh-autoload-element=x" if path == "autoload.js" else ""
            )
            wrong = here.replace(token, token[:-1] + ("A" if token[-1] != "A" else "B"))
            assert await status(here.replace(f"/{token}", "")) == 404
            assert await status(wrong) == 404
            assert await status(here) == (400 if path == "ws" else 200), path
        for path in ("%00", "static/%00", "static/js/%0a.js", "static/js/bokeh.min.js%00"):
            assert await status(address + path) == 400, path
        for place in (root, wrong[: wrong.rindex("/")]):
            with pytest.raises(HTTPClientError, match="404"):
                await websocket_connect(
                    f"{place}/ws".replace("http:", "ws:"), subprotocols=["bokeh", "x"]
                )
        request = HTTPRequest(
            f"{address}ws".replace("http:", "ws:"), headers={"Origin": "http://elsewhere.example"}
        )
        with pytest.raises(HTTPClientError, match="403"):
            await websocket_connect(request, subprotocols=["bokeh", "x"])
        for other in (
            f"elsewhere.example:{port}",
            f"localhost:{port}",
            "127.0.0.1",
            "",
        ):  # another name that leads here
            with pytest.raises(HTTPClientError, match="421"):
                await AsyncHTTPClient().fetch(address, headers={"Host": other})
        with pytest.raises((HTTPClientError, OSError, StreamClosedError)) as refused:
            await AsyncHTTPClient().fetch(address, method="POST", body=b"x" * (1 << 20))
        # 405 would be said once all of it was read
        assert getattr(refused.value, "code", 400) in {400, 599}
        page = await AsyncHTTPClient().fetch(address)
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self' 'nonce-" in policy
        assert "http" not in policy.replace("ws://127.0.0.1:*", "")
        assert page.headers["Cache-Control"] == "no-store"
        text = page.body.decode()
        assert text.count("<script") == text.count("<script nonce=")
        assert not any(attack in text for attack in HOSTILE)
        assert "onmouseover" not in text
        with pytest.raises(InputError, match=f"port: found {port}, which another program uses"):
            listening(lambda: DeskPage(DeskSession(folder)), port)
        with socket.socket() as outside:
            outside.settimeout(0.5)
            own = [
                str(a[4][0]) for a in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)
            ]
            for host in {h for h in own if not h.startswith("127.")}:
                with pytest.raises(OSError, match=r".*"):
                    outside.connect((host, port))

    asked(DeskSession(folder), work)


@pytest.mark.slow
def test_no_text_of_a_plan_becomes_html(folder: Path) -> None:
    session = DeskSession(folder)
    page = DeskPage(session)
    seen = ""
    for name in (*session.desk.sites, *session.desk.base.option_index):
        for action in (session.force, session.forbid, session.turn):
            action(name)
            page.refresh()
            for root in page.roots:
                for model in root.references():
                    text = getattr(model, "text", "") if type(model).__name__ == "Div" else ""
                    assert "<img" not in text
                    assert "<script" not in text
                    assert "<svg" not in text
                    assert "<style" not in text
                    assert "<b " not in text
                    seen += text
                    title = getattr(model, "title", None)
                    assert (
                        title is None or not isinstance(title, str) or not set(title) & set("<>$&")
                    )
                    assert getattr(model, "disable_math", True)
    assert "&lt;img src=x" in seen
    assert "&lt;/script&gt;" in seen


def test_an_action_that_cannot_be_done_says_why_and_changes_nothing(folder: Path) -> None:
    session = DeskSession(folder)
    page = DeskPage(session)
    for action in (
        session.undo,
        session.redo,
        lambda: session.save("a/b"),
        lambda: session.search(0.0),
    ):
        before = session.desk.state
        page._do(action)
        assert 'class="wrong"' in page._texts["message"].text
        assert session.desk.state is before
    session.search(60)
    with pytest.raises(InputError, match="Stop it"):
        session.turn("o3")
    session.stop()
    while not (said := session.poll()):
        pass
    assert "The best plan found" in said
    page.poll()
    assert page._seen == session.version


def test_stop_is_seen_at_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop says so before the search has ended: the button is spent, and another window
    sees it too.
    """
    monkeypatch.setattr("optimizer.analysis.desk.session.DeskSearch._run", lambda _: None)
    session = DeskSession(folder)
    page, other = DeskPage(session), DeskPage(session)
    session.search(30.0)
    page.refresh()
    assert not page._stop.disabled
    page._do(session.stop)
    monkeypatch.setattr(session, "poll", lambda: "")
    other.poll()
    for each in (page, other):
        assert "Stopping" in each._texts["progress"].text
        assert each._stop.disabled


def plot_of(page: DeskPage) -> Any:
    """Return the plot of the page's map."""
    assert page._map is not None
    return page._map.plot


def pictured(page: DeskPage) -> dict[str, Any]:
    """Return what the map shows, by the line of its legend: columns of layers that have
    rows, names and badges aside.
    """
    legend = next(part for part in plot_of(page).right if part.name == "wide")
    sources = {
        item.label.value: item.renderers[0].data_source.data
        for item in legend.items
        if item.visible
    }
    return {
        label: {name: list(column) for name, column in data.items()}
        for label, data in sources.items()
        if "right" not in data and "length" not in data
    }


def test_amounts_have_their_unit_and_agency() -> None:
    agents = Resource("agents@north", 8, "north", "agents a shift", "agents")
    money = Resource("money", 8, unit="thousand USD a year")
    assert amount_of(agents, 4, {}).replace(SPACE, " ") == "4 agents a shift (north)"
    assert (
        amount_of(agents, 4, {agents.id: "agents (North Sector)"}).replace(SPACE, " ")
        == "4 agents a shift (North Sector)"
    )
    assert amount_of(money, 2250, {}).replace(SPACE, " ") == "money 2.25 million USD a year"


def test_a_demand_brings_no_layer_that_the_browser_would_have_to_prepare(folder: Path) -> None:
    """What must and must not be used, and what is closed, have their layers from the
    start; the legend names those of something.
    """
    session = DeskSession(folder)
    page = DeskPage(session)
    layers, tools, before = (
        list(plot_of(page).renderers),
        list(plot_of(page).toolbar.tools),
        pictured(page),
    )
    assert not {"Must be used", "Must not be used"} & before.keys()
    for action, label in ((session.force, "Must be used"), (session.forbid, "Must not be used")):
        page._do(partial(action, "o2"))
        page._draw()
        assert len(pictured(page)[label]["x"]) == 1
        assert list(plot_of(page).renderers) == layers
        assert list(plot_of(page).toolbar.tools) == tools
    page._do(partial(session.release, "o2"))
    page._draw()
    assert pictured(page).keys() == before.keys()


def test_what_sites_add_and_what_more_of_a_budget_pays_for(folder: Path) -> None:
    """Held against plans evaluated one by one; a site keeps its number, and the map is
    drawn anew where the plan changes alone.
    """
    session = DeskSession(folder)
    page, desk = DeskPage(session), session.desk
    assert all(site.adds is None for site in session.view().sites)
    assert (
        "being worked out" in page._texts["list"].text
        or "being worked out" in page._budgets["teams"][0].text
    )
    while not all(budget.known for budget in session.view().budgets):
        page.poll()
    for site in session.view().sites:
        worth = [
            desk.option_adds([j]) for j in desk.sites[site.name] if desk.placed[j] == site.used
        ]
        assert site.adds == pytest.approx(max(worth))
    for budget in session.view().budgets:
        if (more := budget.more) is not None and not more.others:
            session.set_budget(budget.id, budget.budget + more.amount)
            names = [name for name in desk.sites if not session._whole_demand(name)]
            gains = []
            for name in names:
                before = desk.value
                session.force(name)
                gains += [before - desk.value] * desk.feasible
                session.undo()
            assert more.gain <= max(gains) + 1e-9
            session.undo()
    numbers = {site.name: site.number for site in session.view().sites if site.number}
    times = plot_of(page).tags[1]
    session.set_budget("teams", 3.0)
    page.poll()
    page.poll()
    assert plot_of(page).tags[1] == times
    closed = next(iter(numbers))
    actions: tuple[Callable[[], object], ...] = (
        lambda: session.forbid(closed),
        session.undo,
        session.redo,
    )
    for action in actions:
        action()
        page.poll()
    assert plot_of(page).tags[1] == times, "no map while actions follow one another"
    page.poll()
    assert plot_of(page).tags[1] == times + 1
    assert pictured(page) == pictured(DeskPage(session))
    layers = list(plot_of(page).renderers)
    session.undo()
    page.poll()
    page.poll()
    assert pictured(page) == pictured(DeskPage(session))
    assert list(plot_of(page).renderers) == layers, "a layer stays, and gets other columns"
    session.redo()
    assert {
        site.name: site.number for site in session.view().sites if site.name in numbers
    } == numbers


def test_a_plan_without_a_map_has_a_page(tmp_path: Path) -> None:
    instance = replace(on_a_map(1), lonlat=None)
    page = DeskPage(DeskSession(written(tmp_path / "bare", instance, ["o3"])))
    assert "no map" in page._texts["note"].text
    assert len(page.roots) == 14


def test_the_command_refuses_what_it_cannot_serve(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    outcome = run(capsys, monkeypatch, "desk", tmp_path / "nowhere", "--no-browser")
    assert outcome.code == 1
    assert "a plan folder, as `plan` writes it" in outcome.err
    folder = written(tmp_path / "plan", on_a_map(1), ["o3"])
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        outcome = run(
            capsys, monkeypatch, "desk", folder, "--no-browser", "--port", taken.getsockname()[1]
        )
    assert outcome.code == 1
    assert "which another program uses" in outcome.err


PLACE_OF_SITE = """(() => {
  const view = Bokeh.index.find_one(Bokeh.documents[0].get_model_by_name("map")), box = view.canvas_view.el.getBoundingClientRect();
  const at = reportMap.screen(...reportMap.place(reportMap.marks.find((each) => each.name === %s)));
  return [box.left + at[0], box.top + at[1]].map(Math.round);
})()"""
OUTCOME = """(() => { const div = Bokeh.documents[0].get_model_by_name("value");
  return Bokeh.index.find_one(div).shadow_el.querySelector("#value").textContent; })()"""
DETAIL = """[...Bokeh.documents[0]._all_models.values()].map((each) => String(each.text || "")).find((text) => text.includes("It needs"))"""
MARKS = """[...new Set(reportMap.marks.filter((each) => each.data.number).map((each) => each.name))].length"""
WATCH_WORKING = """(() => {
  const part = document.getElementById("working");
  window.said = [];
  const tell = () => { if (window.said.at(-1) !== part.textContent) window.said.push(part.textContent); };
  new MutationObserver(tell).observe(part, { childList: true });
})()"""
"""Keeps what the page says while the program works."""
PRESS = """Bokeh.index.find_one([...Bokeh.documents[0]._all_models.values()].find((each) => each.label === "%s")).shadow_el
  .querySelector("button").click()"""
FIND = """(() => { const find = document.getElementById("find"); find.value = %s; find.dispatchEvent(new Event("input"));
  find.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter" }));
  return document.getElementById("found").textContent; })()"""
SAYS = """(() => { const div = Bokeh.documents[0].get_model_by_name("message");
  return Bokeh.index.find_one(div).shadow_el.textContent; })()"""
FOCUS = """(() => { let here = document.activeElement;
  while (here && here.shadowRoot && here.shadowRoot.activeElement) here = here.shadowRoot.activeElement;
  return here ? here.textContent.trim() : ""; })()"""


def test_the_page_shows_beats_and_passes_on_what_is_asked_of_them(tmp_path: Path) -> None:
    instance, field = small_case(1)
    session = DeskSession(written(tmp_path / "crews", instance, []))
    assert "no beats" in DeskPage(session)._texts["beat"].text
    beats = [
        make_beat(field, 0, *tour, f"mobile from home {k}")
        for k, tour in enumerate(every_tour(field)[:2])
    ]
    plan = Plan(tuple(beats))
    whole = with_plan(instance, plan)
    session.desk = Desk(KnownPlan("it", whole, plan, whole.placed(plan.options), 1.0, 0.0, 0.0))
    page = DeskPage(session)
    assert [name for name, _ in page._beat.options] == [tour_name(beat) for beat in beats]
    page._beat.value = tour_name(beats[1])
    page._do(lambda: session.demand_beat(page._beat_looked_at, must=False))
    assert "must not be driven; not in the plan" in page._texts["beat"].text
    assert session.desk.state.plan.beats == (beats[0],)
    assert page._texts["list"].text.count("must not be driven") == 1
    page._do(lambda: session.demand_beat(page._beat_looked_at, must=True))
    assert "must be driven; in the plan" in page._texts["beat"].text
    page._do(session.undo)
    page._do(session.undo)
    assert session.desk.state.plan.beats == tuple(beats)
    assert "no demand; in the plan" in page._texts["beat"].text


FAINT = """(() => {
  const found = [], parts = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (text) => parts(text).slice(0, 3).map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, k) => sum + v * [0.2126, 0.7152, 0.0722][k], 0);
  const ground = (each) => {
    const colour = getComputedStyle(each).backgroundColor;
    return parts(colour)[3] === 0 ? ground(each.parentElement || each.getRootNode().host) : colour;
  };
  const walk = (root) => {
    for (const each of root.querySelectorAll("*")) {
      if (each.shadowRoot) walk(each.shadowRoot);
      const said = [...each.childNodes].some(node => node.nodeType === 3 && node.textContent.trim()) || each.matches("input, select");
      if (!said || !each.getClientRects().length || each.matches(":disabled, style, script, option")) continue;
      const [high, low] = [light(getComputedStyle(each).color), light(ground(each))].sort((a, b) => b - a);
      if ((high + 0.05) / (low + 0.05) < 4.5) found.push(each.outerHTML.slice(0, 80) + " " + getComputedStyle(each).color + ground(each));
    }
  };
  walk(document.body);
  return found;
})()"""
"""Elements whose words stand out from their ground by less than 4.5 to 1, within the
shadow roots of widgets too.
"""
NAMED = """Bokeh.index.find_one(Bokeh.documents[0].get_model_by_name("budget-0")).shadow_el
  .querySelector(".noUi-handle").getAttribute("aria-label")"""
FIRST_BUDGET = """Bokeh.documents[0].get_model_by_name("budgets").children[0].text"""
GONE = """[document.querySelector(".gone").hidden, document.querySelector("main").inert]"""
STRIP = """[...document.querySelectorAll("body > div")].some((e) => e.shadowRoot && e.shadowRoot.textContent.includes("connection was lost"))"""
READY = "window.Bokeh && Bokeh.documents.length && Bokeh.documents[0].is_idle"
MAPPED = f"{READY} && !!window.reportMap"


@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM, reason="there is no Chromium here")
def test_a_planner_finds_sites_by_map_and_number_sees_the_value_goes_back_by_keyboard_and_saves(
    folder: Path,
) -> None:
    command = [sys.executable, str(ROOT / "cli.py"), "desk", str(folder), "--no-browser", "--json"]
    desk = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert desk.stdout is not None
        address = json.loads(desk.stdout.readline())["address"]
        asyncio.run(planner(address, folder, lambda: desk.send_signal(signal.SIGINT)))
        _, said = desk.communicate(timeout=600)
    finally:
        desk.kill()
    assert desk.returncode == 0, said
    assert "The desk is closed. Saved: " in said
    assert "Traceback" not in said


async def dark(browser: Browser, width: int) -> None:
    """Look at the page with dark colours, and go back to light ones."""
    for scheme, ground in (("dark", "rgb(22, 24, 27)"), ("light", "rgb(255, 255, 255)")):
        await in_colours(browser, scheme)
        await browser.until(f"getComputedStyle(document.body).backgroundColor === '{ground}'")
        assert await browser.run(FAINT) == [], (scheme, width)
        assert await broken_rules(browser) == [], (scheme, width)


async def on_a_telephone(browser: Browser, address: str, folder: Path, opened: str) -> None:
    """Find a site by its number, close it, take that back, and save."""
    await browser.open(address, 390, 844)
    await browser.until(MAPPED)
    await browser.until(NAMED)
    await dark(browser, 390)
    assert await browser.run(
        "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    )
    first = next(each for each in DeskSession(folder).view().sites if each.number == "1")
    assert " of " in await browser.run(FIND % '"1"')
    await browser.until(f"{DETAIL}.includes({json.dumps(escaped(first.label))})")
    await browser.run(PRESS % "Must not be used")
    await browser.until(f"{OUTCOME} !== {json.dumps(opened)}")
    await browser.run(PRESS % "Undo")
    await browser.until(f"{OUTCOME} === {json.dumps(opened)}")
    await browser.run(PRESS % "Save as a plan folder")
    await browser.until(f"{SAYS}.includes('Saved')")


async def planner(address: str, folder: Path, end: Callable[[], None]) -> None:
    """Do what a planner does, on a desk's and on a telephone's screen."""
    twin = DeskSession(folder)
    name = next(each for each in twin.desk.sites if each.startswith("b"))
    async with Browser() as browser:
        await browser.open(address, 1400, 1000)
        await browser.until(MAPPED)
        assert await browser.until(NAMED)
        await dark(browser, 1400)
        opened = await browser.run(OUTCOME)
        twin.force(name)
        expected = twin.view().values.value(twin.desk.value)
        assert opened != expected
        site = next(each for each in twin.view().sites if each.name == name)
        await browser.run("""document.querySelector("button[data-box='']").click()""")
        await browser.click(*await browser.run(PLACE_OF_SITE % json.dumps(site.mark)))
        await browser.until(f"{DETAIL}.includes({json.dumps(escaped(site.label))})")
        marks = await browser.run(MARKS)
        await browser.run(WATCH_WORKING)
        await browser.run(PRESS % "Must be used")
        await browser.until(f"{OUTCOME} === {json.dumps(expected)}")
        await browser.until(f"{MARKS} === {marks + 1}")
        await browser.until("document.getElementById('working').hidden")
        assert await browser.run("window.said") == [
            "Working\N{HORIZONTAL ELLIPSIS}",
            "The map follows\N{HORIZONTAL ELLIPSIS}",
            "",
        ]
        await browser.run("document.body.focus()")
        for _ in range(60):
            await browser.press("Tab", 9)
            if await browser.run(FOCUS) == "Undo":
                break
        assert await browser.run(FOCUS) == "Undo"
        await browser.press("Enter", 13, "\r")
        await browser.until(f"{OUTCOME} === {json.dumps(opened)}")
        for _ in range(60):
            await browser.press("Tab", 9)
            if "noUi-handle" in await browser.run(
                FOCUS.replace("here.textContent.trim()", "here.className")
            ):
                break
        amount = twin.desk.base.resources[0].budget
        assert f"of {amount:g}" in await browser.run(FIRST_BUDGET)
        await browser.press("ArrowRight", 39)
        await browser.until(f"{FIRST_BUDGET}.includes('of {amount + 1:g}')")
        await on_a_telephone(browser, address, folder, opened)
        assert await browser.run("window.hacked === undefined")
        for event in browser.events:
            assert event["method"] != "Runtime.exceptionThrown", event
            assert (
                event["method"] != "Log.entryAdded" or event["params"]["entry"]["level"] != "error"
            ), event
        assert await browser.run(GONE) == [True, False]
        end()
        await browser.until(f"{GONE}.toString() === 'false,true'")
        assert not await browser.run(STRIP), "bokeh's own strip, in English"
        outside = [
            url
            for url in browser.requested
            if not url.startswith((address, address.replace("http:", "ws:"), "data:"))
        ]
        assert outside == []
    saved = PlanFolder(folder / "variants" / "variant-1").known
    assert saved.value == pytest.approx(PlanFolder(folder).known.value)
    assert np.array_equal(saved.placed, PlanFolder(folder).known.placed)
