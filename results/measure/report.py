"""Measure pages in Chromium: `python -m results.measure report FOLDER|PAGE.html...`
prints a row of results/report.md for each.

Screens to the first order, to the four answers of the first page, and in all on three
sizes, presses of the tabulator to the map, pages of paper, size, milliseconds until the
map can be used (by the page's own clock, beside whatever else the machine does), frames
a second while a mouse drags the map and processor milliseconds of each, taps that open
a card, requests, rules of axe broken in dark and light on each size (`AXE=FILE` names
axe.min.js of the npm package axe-core). Of another page, such as that of `compare`:
screens, pages of paper, words, pixels beyond the screen's edge, rules of axe.
`REPORT_SHOTS=FOLDER` keeps pictures of it on each size in each colours, and its A4.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import math
import os
import re
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from tests.browser import Browser
from tests.pages import AXE, broken_rules, in_colours
from tests.test_report_browser import (
    BESIDE,
    CANVAS,
    CARD,
    CLOSE,
    FIRST_ORDER,
    MARKS,
    MOVED,
    PAPER,
    READY,
    SCREENS,
    WIDER,
    drag,
    tap,
)

COLUMNS = (
    "plan",
    "first order on screen",
    "the four answers within screens (desk, laptop, phone)",
    "presses of the tabulator to the map (by the skip link, without)",
    "screens (desk, laptop, phone)",
    "pages (A4, Letter)",
    "MB",
    "ms to a usable map",
    "frames a second, dragged (median; slowest tenth; processor ms of the page's process a frame)",
    (
        "numbers beside their marks, of how many, and how far in pixels (median of these, farthest;"
        " desk, laptop, phone)"
    ),
    "taps that open a card",
    "requests",
    "axe (desk, laptop, phone)",
)

PAGE_COLUMNS = (
    "page",
    "screens (desk, phone)",
    "pages (A4, Letter)",
    "words",
    "pixels beyond the edge",
    "axe, light and dark (desk, phone)",
)
PAGE_SCREENS = {"desk": (1366, 768), "phone": (390, 844)}
COLOURS = ("dark", "light")


ANSWERS = """(() => {
  const parts = Array.from(document.querySelectorAll('.figure, .hole'));
  return parts.length ? Math.max(...parts.map(each => each.getBoundingClientRect().bottom)) / innerHeight : null;
})()"""
"""How far down the last of the four answers ends, in screens; null on a page that has
none of them.
"""
STOPS = """(() => {
  const every = Array.from(document.querySelectorAll('a[href], button, input, summary, [tabindex="0"]')).filter(each => each.checkVisibility());
  const at = every.findIndex(each => each.id === 'map'), skip = every.findIndex(each => each.getAttribute('href') === '#map');
  return [skip < 0 ? 'none' : skip + 1, at + 1];
})()"""
"""Which stop of the tabulator the link to the map is, and which the map itself."""


async def _row(report: Path) -> str:
    first, answers, screens, violations, beside = [], [], [], [], []
    async with Browser() as browser:
        for name, (width, height) in SCREENS.items():
            await browser.call("Emulation.setTouchEmulationEnabled", enabled=name == "phone")
            await browser.open(report.as_uri(), width, height)
            await browser.until(READY)
            first.append(math.ceil(await browser.run(FIRST_ORDER)))
            answers.append(await browser.run(ANSWERS))
            stops = await browser.run(STOPS)
            screens.append(await browser.run("document.documentElement.scrollHeight") / height)
            ready = await browser.run("reportMap.ready")
            beside.append(await browser.run(BESIDE))
            violations.append(await _axe(browser))
            if name == "laptop":
                frames = await _frames(browser)
        taps = await _taps(browser)
        pages = [_pages(await _printed(browser, *size)) for size in PAPER.values()]
        requests = len(
            {each for each in browser.requested if not each.startswith("data:")} - {report.as_uri()}
        )
    cells = (
        report.parent.name,
        max(first),
        ", ".join("none" if each is None else f"{each:.2f}" for each in answers),
        f"{stops[0]}, {stops[1]}",
        ", ".join(f"{each:.1f}" for each in screens),
        f"{pages[0]}, {pages[1]}",
        f"{report.stat().st_size / 1e6:.2f}",  # noqa: ASYNC240
        f"{ready:.0f}",
        frames,
        "; ".join(beside),
        taps,
        requests,
        ", ".join("not run" if each is None else str(each) for each in violations),
    )
    return _line(cells)


async def _page_row(page: Path) -> str:
    screens, beyond, violations, shots = [], [], [], os.environ.get("REPORT_SHOTS")
    name = f"{page.parent.name}-{page.stem}"
    async with Browser() as browser:
        for size, (width, height) in PAGE_SCREENS.items():
            await browser.open(page.as_uri(), width, height)
            await browser.until(
                "document.readyState === 'complete' && location.protocol === 'file:'"
            )
            screens.append(await browser.run("document.documentElement.scrollHeight") / height)
            beyond.append(await browser.run(WIDER))
            violations.append(await _axe(browser))
            for colours in COLOURS if shots else ():
                await in_colours(browser, colours)
                await browser.picture(Path(shots or "") / f"{name}-{size}-{colours}.png")
        words = await browser.run("document.body.innerText.split(/\\s+/).length")
        await browser.call("Emulation.setEmulatedMedia", media="", features=[])
        printed = [await _printed(browser, *size) for size in PAPER.values()]
    if shots:
        (Path(shots) / f"{name}.pdf").write_bytes(printed[0])
    return _line((
        name,
        ", ".join(f"{each:.1f}" for each in screens),
        ", ".join(str(_pages(each)) for each in printed),
        words,
        ", ".join(map(str, beyond)),
        ", ".join("not run" if each is None else str(each) for each in violations),
    ))  # fmt: skip


def _line(cells: Sequence[object]) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"


async def _axe(browser: Browser) -> int | None:
    """Return how many rules of axe are broken in light and dark together; None where
    axe is not named.
    """
    broken = 0
    for colours in COLOURS if AXE else ():
        await in_colours(browser, colours)
        found = await broken_rules(browser)
        for rule in found:
            print(f"axe, {colours}: {rule[:200]}", file=sys.stderr)
        broken += len(found)
    return broken if AXE else None


async def _frames(browser: Browser, steps: int = 240) -> str:
    """Drag the map to and fro; return how many frames a second the page paints
    meanwhile, and what one costs the processor.
    """
    await browser.run("document.getElementById('map').scrollIntoView()")
    left, top = await browser.run(CANVAS)
    await browser.run("""(() => {
        const view = Array.from(Bokeh.index)[0], paint = view._actual_paint.bind(view);
        window.frames_ = [];
        view._actual_paint = (...how) => { window.frames_.push(performance.now()); return paint(...how); };
    })()""")
    before, begun = browser.renderer_ms(), await browser.run(MOVED)
    await drag(browser, left + 300, top + 300, steps)
    spent, times = browser.renderer_ms() - before, await browser.run("window.frames_")
    assert await browser.run(MOVED) != begun, "the map did not move"
    apart = sorted(after - before for before, after in pairwise(times))
    median, slow = (1000 / apart[len(apart) * k // 10] for k in (5, 9))
    return f"{median:.0f}; {slow:.0f}; {spent / len(times):.0f}"


async def _taps(browser: Browser) -> str:
    await browser.run("document.getElementById('map').scrollIntoView()")
    left, top = await browser.run(CANVAS)
    height, opened = SCREENS["phone"][1], 0
    marks = [(x, y) for x, y in await browser.run(MARKS) if 0 < top + y < height]
    for x, y in marks:
        await tap(browser, left + x, top + y)
        await asyncio.sleep(0.05)
        if await browser.run(CARD):
            opened += 1
            await browser.run(CLOSE)
    return f"{opened} of {len(marks)}"


async def _printed(browser: Browser, width: float, height: float) -> bytes:
    made = await browser.call("Page.printToPDF", paperWidth=width, paperHeight=height)
    return base64.b64decode(made["data"])


def _pages(pdf: bytes) -> int:
    return len(re.findall(rb"/Type /Page\b", pdf))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the measurement takes."""
    parser.add_argument("paths", nargs="+", help="plan folders and pages")


def main(asked: argparse.Namespace) -> None:
    """Print the rows of plan folders, then those of pages."""
    folders = [Path(each).resolve() for each in asked.paths if not each.endswith(".html")]
    pages = [Path(each).resolve() for each in asked.paths if each.endswith(".html")]
    for columns, rows in (
        (COLUMNS, (_row(each / "report.html") for each in folders)),
        (PAGE_COLUMNS, (_page_row(each) for each in pages)),
    ):
        for k, row in enumerate(rows):
            if not k:
                print(_line(columns))
                print(_line(["---"] * len(columns)))
            print(asyncio.run(row), flush=True)
