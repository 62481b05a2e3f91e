"""The report in a real browser: what is on the first screen, taps, swipes, keys,
sorting, paper, and that nothing is asked of any server.

`REPORT_SHOTS=FOLDER` keeps pictures for a person to look at; `AXE=FILE` names
axe.min.js (npm package axe-core) for the check of accessibility.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from optimizer.base.text.formatting import Amount
from optimizer.base.text.language import speaking
from optimizer.report import ReportContent, write_report
from optimizer.report.content.first_page import command_order
from optimizer.report.page import page
from tests.browser import CHROMIUM, Browser
from tests.pages import AXE, COLOURS, broken_rules, in_colours, overlaps
from tests.pages import SCREENS as WIDTHS
from tests.report_case import (
    bare_content,
    changed_beat,
    changed_site,
    full_content,
    large_content,
)
from tests.test_report_order import WAY

pytestmark = [
    pytest.mark.report,
    pytest.mark.skipif(not CHROMIUM, reason="no chromium (Debian: apt-get install chromium)"),
]

SCREENS = {"desk": (1440, 900), "laptop": (1024, 768), "phone": (390, 844)}
READY = "window.reportMap !== undefined"
FIRST_ORDER = (
    "(document.querySelector('.agency .line') ||"
    " document.querySelector('.headline')).getBoundingClientRect().bottom / innerHeight"
)
WIDER = "document.documentElement.scrollWidth - innerWidth"
MARKS = """(() => {
  const view = Array.from(Bokeh.index)[0], box = view.frame.bbox;
  return reportMap.marks.filter(mark => !mark.line && mark.renderer.visible).map(mark => reportMap.screen(...reportMap.place(mark)))
    .filter(at => at[0] > box.x0 && at[0] < box.x1 && at[1] > box.y0 && at[1] < box.y1);
})()"""
BESIDE = """(() => {
  const plot = Array.from(Bokeh.index)[0].model, seen = plot.renderers.filter(each => each.visible && each.data_source.data.number
    && each.data_source.data.right);
  const every = seen.flatMap(each => Array.from(each.data_source.data[each.glyph.x_offset.field], (right, k) =>
    Math.hypot(right, each.data_source.data[each.glyph.y_offset.field][k])));
  const off = every.filter(far => far < 9000), beside = off.filter(far => far > 0).sort((a, b) => a - b);
  const far = [beside[beside.length >> 1] || 0, beside[beside.length - 1] || 0].map(Math.round);
  const closer = every.length > off.length ? ` (${every.length - off.length} when closer)` : "";
  return `${beside.length} of ${off.length}, ${far[0]}, ${far[1]}${closer}`;
})()"""
"""How many numbers and letters stand beside their marks on the interactive map, and how
far; and how many show when the map is closer.
"""
CANVAS = (
    "(() => { const box = Array.from(Bokeh.index)[0].canvas.el.getBoundingClientRect(); return"
    " [box.left, box.top]; })()"
)
CARD = "document.getElementById('card').hidden ? '' : document.getElementById('card').textContent"
CLOSE = "document.querySelector('#card .close').click()"
PAPER = {"A4": (8.27, 11.69), "Letter": (8.5, 11.0)}
MARGIN_CM = (2.2, 2.4)
"""Both margins of a sheet, sideways and up and down, as in page.css."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_report(tmp_path_factory.mktemp("report"), full_content())[0].as_uri()


def _browse(address: str, screen: str, steps: Any) -> Any:
    """Run steps in a browser that shows the report."""

    async def run() -> Any:
        async with Browser() as browser:
            touch = screen == "phone"
            await browser.call("Emulation.setTouchEmulationEnabled", enabled=touch)
            await browser.open(address, *SCREENS[screen])
            await browser.until(READY)
            found = await steps(browser)
            shots = os.environ.get("REPORT_SHOTS")
            if shots:
                await browser.picture(Path(shots) / f"report-{screen}.png")
            wrong = [
                event
                for event in browser.events
                if event["method"] in {"Log.entryAdded", "Runtime.exceptionThrown"}
            ]
            assert wrong == []
            assert {each for each in browser.requested if not each.startswith("data:")} == {address}
            return found

    return asyncio.run(run())


def _sheets(path: Path) -> list[str]:
    """Return the text of each sheet."""
    asked = ["pdftotext", "-layout", str(path), "-"]
    text: str = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    return text.split("\f")


async def tap(browser: Browser, x: float, y: float) -> None:
    """Touch a place of the window."""
    await browser.call(
        "Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}]
    )
    await browser.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])


async def drag(browser: Browser, x: float, y: float, steps: int) -> None:
    """Drag with a mouse to and fro, and let go; without a pause at first, which would
    be a press.
    """
    await browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
    await browser.call(
        "Input.dispatchMouseEvent",
        type="mousePressed",
        x=x,
        y=y,
        button="left",
        buttons=1,
        clickCount=1,
    )
    for step in range(1, steps):
        at = x + 4.0 * (step % 60 if step % 120 < 60 else 60 - step % 60)
        await browser.call(
            "Input.dispatchMouseEvent",
            type="mouseMoved",
            x=at,
            y=y + step % 60,
            button="left",
            buttons=1,
        )
    await browser.call(
        "Input.dispatchMouseEvent", type="mouseReleased", x=x, y=y, button="left", clickCount=1
    )


async def _swipe_up(browser: Browser, x: float, y: float, by: int) -> None:
    for moved in range(0, by + 1, 10):
        kind = "touchMove" if moved else "touchStart"
        await browser.call(
            "Input.dispatchTouchEvent", type=kind, touchPoints=[{"x": x, "y": y - moved}]
        )
    await browser.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])


@pytest.mark.slow
def test_a_telephone_shows_orders_at_once_opens_a_card_for_every_tap_and_scrolls_past_the_map(
    address: str,
) -> None:
    async def steps(browser: Browser) -> None:
        assert await browser.run(FIRST_ORDER) <= 1
        assert await browser.run(WIDER) <= 0
        await browser.run("document.getElementById('map').scrollIntoView()")
        left, top = await browser.run(CANVAS)
        marks = await browser.run(MARKS)
        assert len(marks) >= 8  # sites that are not chosen and rings begin hidden
        opened = 0
        for x, y in marks:
            await tap(browser, left + x, top + y)
            opened += bool(await browser.until(CARD))
            await browser.run(CLOSE)
        assert opened == len(marks)
        before = await browser.run("scrollY")
        await _swipe_up(browser, left + 150, top + 250, 200)
        assert await browser.run("scrollY") > before + 100
        shown = "getComputedStyle(document.querySelector('#sites-chosen tbody tr')).display"
        assert await browser.run(shown) == "block"  # a card

    _browse(address, "phone", steps)


GROUPS = """(() => {
  const plot = Array.from(Bokeh.index)[0].model, box = Array.from(Bokeh.index)[0].canvas.el.getBoundingClientRect();
  return plot.renderers.filter(each => each.visible && each.data_source.data.box).flatMap(each => {
    const data = each.data_source.data, right = data[each.glyph.x_offset.field], down = data[each.glyph.y_offset.field];
    return Array.from(right, (off, k) => [off, k]).filter(pair => pair[0] < 9000).map(([off, k]) => {
      const at = reportMap.screen(data.x[k], data.y[k]);
      return [box.left + at[0] + off, box.top + at[1] + down[k]];
    });
  });
})()"""
"""Where on the window the marks of groups of numbers stand."""


@pytest.mark.slow
@pytest.mark.parametrize("screen", ["desk", "phone"])
def test_groups_of_numbers_open_by_presses_until_every_number_shows(
    tmp_path: Path, screen: str
) -> None:
    content = full_content(look_next=None)
    sites = tuple(
        changed_site(
            content.sites[0],
            id=f"o{k}",
            lon=1.6 + 0.001 * (k % 4) - 0.2 * (k == 15),
            lat=42.6 + 0.001 * (k // 4),
        )
        for k in range(16)
    )

    async def steps(browser: Browser) -> None:
        await browser.run("document.getElementById('map').scrollIntoView()")
        assert int((await browser.run(BESIDE)).split(" of ")[1].split(",")[0]) < 16
        presses = 0
        while groups := await browser.run(GROUPS):
            presses += 1
            assert presses <= 4
            x, y = groups[0]
            await (tap(browser, x, y) if screen == "phone" else browser.click(x + 20, y))
            await browser.until(
                f"JSON.stringify({GROUPS}) !== '{json.dumps(groups, separators=(',', ':'))}'"
            )
        assert presses
        beside = await browser.run(BESIDE)
        assert "(" not in beside  # every number shows
        assert int(beside.split(", ")[2]) <= 27

    _browse(
        write_report(tmp_path, replace(content, sites=sites, beats=()))[0].as_uri(), screen, steps
    )


GROUPED = """(() => {
  const plot = Array.from(Bokeh.index)[0].model;
  return plot.renderers.filter(each => each.visible && each.data_source.data.marks).flatMap(each => {
    const data = each.data_source.data;
    return data.marks.map((marks, k) => [marks, data.name[k], isFinite(data.x[k])]);
  });
})()"""
"""Of every group of numbers its marks, what it says, and whether it is drawn."""


@pytest.mark.slow
def test_a_group_counts_what_shows_of_it(tmp_path: Path) -> None:
    content = full_content(look_next=None)
    stop = content.beats[0].stops[0]
    sites = tuple(
        changed_site(content.sites[0], id=f"o{k}", lon=stop.lon + 1e-4 * k, lat=stop.lat + 1e-4)
        for k in range(6)
    )

    async def steps(browser: Browser) -> None:
        groups = await browser.run(GROUPED)
        assert all(said == f"{len(marks)} here" and drawn for marks, said, drawn in groups)
        place = next(k for k, (marks, *_rest) in enumerate(groups) if "post-A1" in marks)
        said = f"{GROUPED}[{place}].slice(1).join()"
        count = len(groups[place][0])
        beat = (
            "Array.from(document.querySelectorAll('#layers-list label')).find(each =>"
            " each.textContent.trim() === 'Beat A').click()"
        )
        await browser.run(beat)
        await browser.until(f"{said} === '{count - 1} here,true'")
        await browser.run(beat)
        await browser.until(f"{said} === '{count} here,true'")
        await browser.run(
            "document.querySelectorAll('#layers-list input:checked').forEach(each => each.click())"
        )
        await browser.until(
            "Array.from(Bokeh.index)[0].model.renderers.every(each => !each.data_source.data.marks"
            " || !each.data_source.data.x.some(isFinite))"
        )

    _browse(write_report(tmp_path, replace(content, sites=sites))[0].as_uri(), "desk", steps)


@pytest.mark.slow
def test_a_desk_has_one_card_at_a_time_rows_that_move_the_map_keys_and_sorted_tables(
    address: str,
) -> None:
    async def steps(browser: Browser) -> None:
        assert await browser.run(FIRST_ORDER) <= 1
        assert await browser.run(WIDER) <= 0
        await browser.run("document.querySelector('#sites-chosen tbody tr').click()")
        assert "High pass" in await browser.run(CARD)
        assert await browser.run("document.querySelectorAll('tr.chosen').length") == 1
        await browser.run("document.querySelectorAll('.agency a[data-mark^=beat]')[0].click()")
        assert (await browser.run(CARD)).startswith("Beat ")
        await browser.run("document.getElementById('map').focus()")
        seen = set()
        for _ in range(6):
            await browser.press("ArrowRight", 39)
            seen.add(await browser.run(CARD))
        assert len(seen) == 6
        await browser.press("Escape", 27)
        assert await browser.run(CARD) == ""
        column = (
            "Array.from(document.querySelectorAll('#sites-not-chosen tbody tr')).map(row =>"
            " row.cells[0].textContent)"
        )
        await browser.run("document.querySelector('#sites-not-chosen th button').click()")
        up = await browser.run(column)
        await browser.run("document.querySelector('#sites-not-chosen th button').click()")
        assert (up, await browser.run(column)) == (sorted(up), sorted(up, reverse=True))
        numbers = (
            "Array.from(document.querySelectorAll('#riskiest tbody tr')).map(row =>"
            " parseFloat(row.cells[2].textContent))"
        )
        await browser.run("document.querySelectorAll('#riskiest th button')[2].click()")
        risks = await browser.run(numbers)
        assert risks == sorted(risks)
        await browser.run("document.querySelector('#layers-list input').click()")
        assert not await browser.run("document.querySelector('#layers-list input').checked")

    _browse(address, "desk", steps)


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "es", "pt"])
def test_a_draft_on_a_telephone_has_its_first_orders_above_the_hole_and_the_record(
    tmp_path: Path, language: str
) -> None:
    content = full_content(residual_routes=(WAY,))
    with speaking(language):
        draft = page(replace(content, summary=replace(content.summary, lower=0.05)), {})
    file = tmp_path / "draft.html"
    file.write_text(draft, encoding="utf-8")

    async def run() -> None:
        async with Browser() as browser:
            await browser.open(file.as_uri(), *SCREENS["phone"])
            await browser.until("document.readyState === 'complete'")
            assert await browser.run(FIRST_ORDER) <= 0.9
            top = "document.querySelector('{}').getBoundingClientRect().top / innerHeight"
            for below in (".hole", ".record"):
                assert await browser.run(top.format(below)) >= await browser.run(FIRST_ORDER)

    asyncio.run(run())


@pytest.mark.slow
def test_a_spanish_report_fits_a_telephone_and_sorts_numbers_with_decimal_commas(
    tmp_path: Path,
) -> None:
    with speaking("es"):
        spanish = write_report(tmp_path, full_content())[0].as_uri()

    async def steps(browser: Browser) -> None:
        assert await browser.run(FIRST_ORDER) <= 1
        assert await browser.run(WIDER) <= 0
        assert (
            await browser.run("document.querySelector('button.more').textContent")
            == "Mostrar los 20 renglones"
        )
        cells = (
            "Array.from(document.querySelectorAll('#riskiest tbody tr')).map(row =>"
            " row.cells[2].textContent)"
        )
        await browser.run("document.querySelectorAll('#riskiest th button')[2].click()")
        texts = await browser.run(cells)
        assert any("," in text for text in texts)
        numbers = [float(text.replace(".", "").replace(",", ".")) for text in texts]
        assert numbers == sorted(numbers)

    _browse(spanish, "phone", steps)


@pytest.mark.slow
def test_paper_has_the_order_on_one_sheet_every_row_of_its_tables_and_no_site_that_is_not_chosen(
    address: str,
) -> None:
    async def steps(browser: Browser) -> None:
        for name, (wide, high) in PAPER.items():
            pixels = [
                round(96 * inches - margin / 2.54 * 96)
                for inches, margin in zip((wide, high), MARGIN_CM, strict=True)
            ]
            await browser.call("Emulation.setEmulatedMedia", media="print")
            screen = {
                "width": pixels[0],
                "height": pixels[1],
                "deviceScaleFactor": 1,
                "mobile": False,
            }
            await browser.call("Emulation.setDeviceMetricsOverride", **screen)
            assert await browser.run("document.getElementById('origin').offsetTop > 0")
            drawn = await browser.run(
                "Object.fromEntries(Array.from(document.querySelectorAll('table')).map(each =>"
                " [each.id, each.checkVisibility()]))"
            )
            assert all(
                drawn[name]
                for name in (
                    "orders",
                    "orders-kept",
                    "sites-chosen",
                    "beats",
                    "budgets",
                    "provenance",
                )
            )
            assert not drawn["sites-not-chosen"]
            bottom = await browser.run(
                "document.querySelector('.sign').getBoundingClientRect().bottom + scrollY"
            )
            assert bottom < pixels[1], name
            shown = "#order tbody tr, .fold.on-paper tbody tr"
            hidden = (
                f"Array.from(document.querySelectorAll('{shown}')).filter(row =>"
                " !row.offsetHeight).length"
            )
            assert await browser.run(hidden) == 0
        await browser.call("Emulation.setEmulatedMedia", media="")
        opened = "document.querySelectorAll('details.on-paper[open]').length"
        before = await browser.run(opened)
        await browser.run("dispatchEvent(new Event('beforeprint'))")
        assert await browser.run(opened) == before, (
            "opened for paper, Chromium prints heads of tables on their first page alone"
        )
        made = await browser.call("Page.printToPDF", paperWidth=8.27, paperHeight=11.69)
        assert 3 <= len(re.findall(rb"/Type /Page\b", base64.b64decode(made["data"]))) <= 10

    _browse(address, "laptop", steps)


@pytest.mark.slow
@pytest.mark.skipif(
    shutil.which("pdftotext") is None, reason="no pdftotext (Debian: poppler-utils)"
)
def test_warnings_and_the_provenance_are_each_on_one_sheet_wherever_they_begin(
    address: str, tmp_path: Path
) -> None:
    parts = {
        "Read this first": ".warnings li",
        "Left out, and where this report": "#provenance tbody th, #provenance tbody td:first-child",
    }
    lower = (
        "document.querySelectorAll('.warnings, #origin').forEach(each => {"
        " each.before(document.createElement('hr')); })"
    )
    first_words = (
        "Array.from(document.querySelectorAll({part!r})).map(each => each.textContent.split('"
        " ').slice(0, 3).join(' '))"
    )

    async def steps(browser: Browser) -> None:
        await browser.run(lower)
        words = {
            title: await browser.run(first_words.format(part=part)) for title, part in parts.items()
        }
        for centimetres in range(0, 25, 4):
            await browser.run(
                "document.querySelectorAll('hr').forEach(each => { each.style.height ="
                f" '{centimetres}cm'; }})"
            )
            made = await browser.call("Page.printToPDF", paperWidth=8.27, paperHeight=11.69)
            (tmp_path / "it.pdf").write_bytes(base64.b64decode(made["data"]))
            told = _sheets(tmp_path / "it.pdf")
            for title, begins in words.items():
                (sheet,) = [sheet for sheet in told if title in sheet]
                assert begins
                assert all(each in sheet for each in begins), (centimetres, title)

    _browse(address, "laptop", steps)


@pytest.mark.slow
def test_no_line_breaks_inside_the_number_of_a_road_or_a_span_of_time(tmp_path: Path) -> None:
    content = full_content()
    named = replace(
        content,
        warnings=("Two sites stand on I-10, and one stands on US 90 from 5:11\N{EN DASH}5:41.",),
    )

    async def steps(browser: Browser) -> None:
        broken = (
            "Array.from(document.querySelectorAll('.warnings .whole')).map(each =>"
            " [each.textContent, each.getClientRects().length])"
        )
        for width in range(90, 330, 10):
            await browser.run(f"document.querySelector('.warnings').style.width = '{width}px'")
            assert await browser.run(broken) == [
                ["I-10", 1],
                ["US 90", 1],
                ["5:11\N{EN DASH}5:41", 1],
            ]

    _browse(write_report(tmp_path, named)[0].as_uri(), "desk", steps)


@pytest.mark.slow
def test_a_link_to_a_section_that_is_one_folded_part_opens_it(address: str) -> None:
    async def steps(browser: Browser) -> None:
        folded = "document.querySelector('#words details').open"
        assert not await browser.run(folded)
        await browser.run("document.querySelector('a[href=\"#words\"]').click()")
        assert await browser.run(folded)

    _browse(address, "phone", steps)


@pytest.mark.slow
def test_what_is_not_ordered_begins_hidden_and_is_shown_by_its_row_and_a_card_closes_when_the_view_moves(
    tmp_path: Path,
) -> None:
    kinds = """Array.from(document.querySelectorAll('#layers-list label')).filter(each => !each.querySelector('input').checked)
        .map(each => each.textContent.trim())"""

    async def steps(browser: Browser) -> None:
        hidden = await browser.run(kinds)
        assert {"Site, not chosen", "Where evaders enter"} <= set(hidden)
        await browser.run(
            "reportMap.choose(document.querySelectorAll('#sites-not-chosen"
            " tr[data-mark]')[1].dataset.mark)"
        )
        assert await browser.run(CARD)
        assert "Site, not chosen" not in await browser.run(kinds)
        await browser.run("Array.from(document.querySelectorAll('button[data-box]')).pop().click()")
        assert not await browser.run(CARD)

    # a route left across the whole map would let it open on the whole map
    content = full_content(residual_routes=())
    _browse(write_report(tmp_path, content)[0].as_uri(), "desk", steps)


@pytest.mark.slow
def test_two_fingers_zoom_the_map_and_not_the_page(address: str) -> None:
    width = (
        "(() => { const range = Array.from(Bokeh.index)[0].model.x_range; return range.end -"
        " range.start; })()"
    )

    async def steps(browser: Browser) -> None:
        await browser.run("document.getElementById('map').scrollIntoView()")
        left, top = await browser.run(CANVAS)
        before = await browser.run(width)
        for kind, half in (
            ("touchStart", 30),
            ("touchMove", 45),
            ("touchMove", 60),
            ("touchMove", 90),
        ):
            fingers = [
                {"x": left + 170 + side * half, "y": top + 200, "id": k}
                for k, side in enumerate((-1, 1))
            ]
            await browser.call("Input.dispatchTouchEvent", type=kind, touchPoints=fingers)
        await browser.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
        assert await browser.run(width) < 0.6 * before
        assert await browser.run("visualViewport.scale") == 1

    _browse(address, "phone", steps)


@pytest.mark.slow
def test_routes_of_today_begin_hidden_and_a_switch_shows_them(address: str) -> None:
    shown = """Array.from(Bokeh.index)[0].model.renderers
        .filter(each => each.glyph && each.glyph.line_color && each.glyph.line_color.value === '#b35900').map(each => each.visible)"""
    switch = """Array.from(document.querySelectorAll('#layers-list label'))
        .find(each => each.textContent.includes('today')).querySelector('input')"""

    async def steps(browser: Browser) -> None:
        assert await browser.run(shown) == [False]
        assert not await browser.run(f"{switch}.checked")
        await browser.run(f"{switch}.click()")
        assert await browser.run(shown) == [True]
        await browser.run("document.querySelectorAll('input[name=map-layer]')[1].click()")
        assert await browser.run(shown) == [True]

    _browse(address, "laptop", steps)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_report(tmp_path_factory.mktemp("large"), large_content())[0].as_uri()


WATCH = """(() => {
  const view = Array.from(Bokeh.index)[0], layers = view.computed_renderer_views.filter(each => each.model.type === "GlyphRenderer");
  window.written = 0; window.painted = 0;
  const observer = new MutationObserver(found => { window.written += found.length; });
  layers.forEach(each => observer.observe(each.shadow_el, { subtree: true, childList: true, characterData: true }));
  const paint = view._actual_paint.bind(view);
  view._actual_paint = (...how) => { window.painted += 1; return paint(...how); };
  return layers.length;
})()"""
MOVED = "(() => { const range = Array.from(Bokeh.index)[0].model.x_range; return range.start; })()"


@pytest.mark.slow
def test_dragging_the_map_paints_it_and_writes_no_style_of_a_layer(address: str) -> None:
    async def steps(browser: Browser) -> None:
        await browser.run("document.getElementById('map').scrollIntoView()")
        left, top = await browser.run(CANVAS)
        before = await browser.run(MOVED)
        assert await browser.run(WATCH) > 5
        await drag(browser, left + 300, top + 300, 12)
        assert await browser.run(MOVED) != before
        assert await browser.until("window.painted > 1")
        assert await browser.run("window.written") == 0

    _browse(address, "laptop", steps)


@pytest.mark.slow
def test_a_plan_of_500_sites_and_40_beats_with_names_in_any_script_is_readable(large: str) -> None:
    async def steps(browser: Browser) -> None:
        assert await browser.run(FIRST_ORDER) <= 1
        assert await browser.run(WIDER) <= 0
        assert (
            await browser.run("document.querySelectorAll('#order a[data-mark]').length") == 160
        )  # 120 sites, 40 beats
        assert "160 lines" in await browser.run("document.querySelector('.goes-on').textContent")
        before = await browser.run(
            "Array.from(Bokeh.index)[0].model.x_range.end -"
            " Array.from(Bokeh.index)[0].model.x_range.start"
        )
        places = "document.querySelectorAll('button[data-box]')"
        assert await browser.run(f"{places}.length") >= 2
        await browser.run(f"{places}[0].click()")
        width = (
            "Array.from(Bokeh.index)[0].model.x_range.end -"
            " Array.from(Bokeh.index)[0].model.x_range.start"
        )
        assert await browser.run(width) < before / 2
        await browser.run(f"Array.from({places}).pop().click()")
        assert await browser.run(width) >= 0.999 * before  # which opened on the orders

    for screen in ("desk", "phone"):
        _browse(large, screen, steps)


@pytest.mark.slow
@pytest.mark.skipif(
    shutil.which("pdftotext") is None, reason="no pdftotext (Debian: poppler-utils)"
)
def test_an_order_of_more_lines_than_a_sheet_says_so_and_is_signed_at_its_end(
    large: str, tmp_path: Path
) -> None:
    async def steps(browser: Browser) -> None:
        made = await browser.call("Page.printToPDF", paperWidth=8.27, paperHeight=11.69)
        (tmp_path / "large.pdf").write_bytes(base64.b64decode(made["data"]))

    _browse(large, "laptop", steps)
    sheets = _sheets(tmp_path / "large.pdf")
    assert "160 lines, on more than one sheet of paper" in sheets[0]
    signed = [place for place, sheet in enumerate(sheets) if "Signature" in sheet]
    assert len(signed) == 1
    assert signed[0] >= 1
    assert "End of the order of 160 lines" in sheets[signed[0]]


@pytest.mark.slow
def test_a_plan_that_places_nothing_and_knows_nothing_is_a_page(tmp_path: Path) -> None:
    async def steps(browser: Browser) -> None:
        assert "places nothing" in await browser.run("document.getElementById('order').textContent")
        assert await browser.run(WIDER) <= 0
        assert await browser.run("document.querySelectorAll('.close-ups, .goes-on').length") == 0

    address = write_report(tmp_path, bare_content())[0].as_uri()
    for screen in ("desk", "phone"):
        _browse(address, screen, steps)


@pytest.mark.slow
@pytest.mark.skipif(not AXE, reason="AXE names no axe.min.js (npm pack axe-core)")
@pytest.mark.parametrize("screen", sorted(SCREENS))
def test_axe_finds_nothing(address: str, screen: str) -> None:
    """In light colours, then in dark ones on the same page: a page follows what the
    system says at once.
    """

    async def steps(browser: Browser) -> None:
        await browser.run("reportMap.choose('site-o1')")
        for colours in ("light", "dark"):
            await in_colours(browser, colours)
            assert await broken_rules(browser) == [], colours

    _browse(address, screen, steps)


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "es", "pt"])
def test_nothing_covers_anything_at_any_width_in_light_and_dark(
    tmp_path: Path, language: str
) -> None:
    with speaking(language):
        (tmp_path / "report.html").write_text(page(_wordy(), {}), encoding="utf-8")

    async def found() -> dict[str, list[str]]:
        faults = {}
        async with Browser() as browser:
            for width, height in WIDTHS.items():
                await browser.open((tmp_path / "report.html").as_uri(), width, height)
                await browser.until(READY)
                for colours in COLOURS:
                    await in_colours(browser, colours)
                    faults[f"{width}, {colours}"] = await overlaps(browser)
                    faults[f"{width}, {colours}"] += await browser.run(
                        f"{WIDER} > 0 ? ['wide'] : []"
                    )
        return faults

    assert {at: said for at, said in asyncio.run(found()).items() if said} == {}


def _wordy() -> ReportContent:
    """Return an order with names as long as those of real roads, and much that it frees."""
    content = full_content()
    guard = Amount(12.0, "agents a shift")
    sites = tuple(
        changed_site(
            content.sites[k % 2],
            id=f"s{k}",
            label=f"US 62/180 west of Guadalupe Pass {k}",
            agency="Border Patrol, Big Bend Sector",
            where=f"{10 + k} km south-east of Truth or Consequences",
            chosen=k < 9,
            existing=k > 6,
            forced=False,
            worth=0.05 / (k + 1),
            costs={"agents": guard},
        )
        for k in range(14)
    )
    way = replace(
        WAY,
        entry="Columbus",
        outside=("Boulevard Independencia", "Avenida Manuel Talam\u00e1s Camandari/MEX 2"),
        inland=("I-25/US 85", "US 380", "US 84"),
    )
    return replace(content, sites=sites, residual_routes=(way, WAY))


@pytest.mark.slow
@pytest.mark.parametrize("paper", list(PAPER))
@pytest.mark.parametrize("language", ["en", "es", "pt"])
def test_an_order_of_thirty_five_sites_and_twelve_beats_is_one_sheet_with_its_signature(
    tmp_path: Path, language: str, paper: str
) -> None:
    """As many, and with names as long, as on the real roads of the Rio Grande."""
    content = _wordy()
    agencies = [f"Border Patrol, Rio Grande Valley Sector {k}" for k in range(5)]
    sites = tuple(
        changed_site(
            content.sites[k % 14],
            id=f"r{k}",
            agency=agencies[k % 5],
            chosen=k < 25,
            existing=k > 15,
            worth=0.05 / (k + 1) ** 1.3,
        )
        for k in range(35)
    )
    long = [
        changed_beat(
            content.beats[0],
            id=f"b{k}",
            team_label="Del Rio mobile team",
            worth=0.003 if k < 4 else 0.001,
        )
        for k in range(12)
    ]
    beats = tuple(
        replace(beat, agency=agencies[k % 5 if k > 3 else 0], stops=2 * beat.stops)
        for k, beat in enumerate(long)
    )
    with speaking(language):
        order = replace(content, sites=sites, beats=beats)
        assert not command_order(order).long
        (tmp_path / "report.html").write_text(page(order, {}), encoding="utf-8")

    async def steps() -> None:
        async with Browser() as browser:
            await browser.open((tmp_path / "report.html").as_uri(), *SCREENS["desk"])
            await browser.until(READY)
            pixels = [
                round(96 * inches - margin / 2.54 * 96)
                for inches, margin in zip(PAPER[paper], MARGIN_CM, strict=True)
            ]
            await browser.call("Emulation.setEmulatedMedia", media="print")
            await browser.resize(*pixels)
            bottom = "document.querySelector('.sign').getBoundingClientRect().bottom + scrollY"
            assert await browser.run(bottom) < pixels[1]

    asyncio.run(steps())
