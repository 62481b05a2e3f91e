"""What people do between the commands of a walk, and on the pages that commands serve."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gpxpy
import gpxpy.gpx
import numpy as np
import pandas as pd

from optimizer.operations.audit import read_audit
from tests.browser import Browser
from tests.pages import page_faults
from tests.test_desk_page import FIND, MAPPED, NAMED, OUTCOME, PRESS, READY, SAYS
from tests.test_first_form import TEXT, Clicks
from tests.test_traffic_counts import STATIONS
from tests.test_trial import fill

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from tests.walk.steps import Border

ROOT = Path(__file__).parents[2]

VARIANT = "walked"
NAME = "Name of the variant (letters, digits, _ and -)"


KEEPS = (
    "[...Bokeh.documents[0]._all_models.values()].some(each =>"
    " String(each.text || '').includes('Keeps every budget and demand'))"
)
FREE = (
    "[...Bokeh.documents[0]._all_models.values()].some(each => each.label ==="
    " 'Must not be used' && !each.disabled)"
)


PLACED = (
    "[...Bokeh.documents[0].get_model_by_name('list').text"
    '.matchAll(/data-number="([0-9]+)" class="in"/g)].map(each => each[1])'
)
"""Numbers of the sites that the plan uses: the map also numbers those that it gives up."""


async def _close_a_site(browser: Browser) -> None:
    """Forbid the first site of the plan without which the plan keeps its rules: one that
    sensors call needs another beside it.
    """
    for number in sorted(await browser.run(PLACED), key=int):
        opened = await browser.run(OUTCOME)
        found = await browser.run(FIND % f'"{number}"')
        assert " of " in found, f"no site has the number {number}"
        await browser.until(FREE)
        await browser.run(PRESS % "Must not be used")
        await browser.until(f"!{PLACED}.includes('{number}')")
        await browser.until(f"{OUTCOME} !== {json.dumps(opened)}")
        if await browser.run(KEEPS):
            return
        await browser.run(PRESS % "Undo")
        await browser.until(f"{OUTCOME} === {json.dumps(opened)}")
    raise AssertionError("without any one of its sites the plan breaks a rule")


async def planner(address: str, country: str) -> list[str]:
    """Look at a desk on every screen, close a site, and save that as a variant."""
    del country
    async with Browser() as browser:
        await browser.open(address, 1440, 900)
        await browser.until(MAPPED)
        await browser.until(NAMED)
        await _close_a_site(browser)
        await Clicks(browser).type(NAME, VARIANT)
        await browser.run(PRESS % "Save as a plan folder")
        try:
            await browser.until(f"{SAYS}.includes('Saved')")
        except AssertionError:
            raise AssertionError(f"not saved: {await browser.run(SAYS)}") from None
        return await page_faults(browser, ready=MAPPED)


async def reader(address: str, country: str) -> list[str]:
    """Look at a desk on every screen."""
    del country
    async with Browser() as browser:
        await browser.open(address, 1440, 900)
        await browser.until(MAPPED)
        return await page_faults(browser, ready=MAPPED)


async def clerk(address: str, country: str) -> list[str]:
    """Fill in the form of a first scenario with a country of the only extract, and write."""
    async with Browser() as browser:
        hand = Clicks(browser)
        await browser.open(address, 1440, 900)
        await browser.until(READY)
        found = await page_faults(browser, widths=(1440,), ready=READY)
        await hand.type("or the name of the country in the extract", country)
        await hand.press("Read the map")
        await browser.until(f"{TEXT % json.dumps('check')}.includes('No fault')")
        found += await page_faults(browser, ready=READY)
        await hand.press("Write the scenario")
        await browser.until(f"{TEXT % json.dumps('write')}.includes('interdict plan')")
        return found


USERS: dict[str, Callable[[str, str], Coroutine[Any, Any, list[str]]]] = {
    "planner": planner,
    "reader": reader,
    "clerk": clerk,
}
"""Who uses a page that a command serves, by name: each gets the address and the name of
the border's country, and returns what is wrong with the page.
"""


def fill_sheets(audit: Path, sheets: Path) -> None:
    """Fill in the sheets of an audit, with errors: a tenth is missed, a tenth late, and
    one vehicle in fifty has a load.
    """
    rng = np.random.default_rng(0)
    planned = {row.audit: row for row in read_audit(audit).rows}
    for sheet in sorted(sheets.glob("*.csv")):
        if sheet.name == "counts.csv":
            fill(sheet, lambda *_: {"passed": 5000, "found": 30})
            continue

        def inspected(row: dict[str, str], _: int) -> dict[str, object]:
            one, chance = planned[int(row["audit"])], rng.random()
            if chance < 0.1:
                return {"audited": 0}
            done = min(one.drawn + timedelta(minutes=40 if chance < 0.2 else 5), one.end)
            return {"done": f"{done:%H:%M}", "audited": 1, "found": int(rng.random() < 0.02)}

        fill(sheet, inspected)


def _sheets(folder: Path, border: Border) -> None:
    del border
    fill_sheets(folder / "audit.json", folder / "results" / "sheets")


def _outcomes(folder: Path, border: Border) -> None:
    del border
    rng = np.random.default_rng(0)
    form = folder / "results" / "trial" / "outcomes.csv"
    fill(form, lambda *_: {"found": int(rng.poisson(2)), "of": 100})


def _tracks(folder: Path, border: Border) -> None:
    """Let crews work two days of a roster: tracks of their devices, and the log of the
    field pack.
    """
    plan = border.said("{plan}")
    shutil.rmtree(folder / "days", ignore_errors=True)
    command = ["-m", "results.measure", "tracks", plan, "--days", "2", "--out", "days"]
    subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=True,
    )
    tracks = gpxpy.gpx.GPX()
    fixes = pd.read_csv(folder / "days" / "tracks.csv")
    for unit, rows in fixes.groupby("unit"):
        points = [
            gpxpy.gpx.GPXTrackPoint(lat, lon, time=pd.Timestamp(time).to_pydatetime())
            for time, lon, lat in zip(rows.time, rows.lon, rows.lat, strict=True)
        ]
        segment = gpxpy.gpx.GPXTrackSegment(points)
        track = gpxpy.gpx.GPXTrack(name=str(unit))
        track.segments.append(segment)
        tracks.tracks.append(track)
    (folder / "tracks.gpx").write_text(tracks.to_xml(), encoding="utf-8")
    (pack,) = (folder / plan).glob("roster-*/field-pack.zip")
    with zipfile.ZipFile(pack) as archive:
        archive.extract("log.csv", folder)


def _next(folder: Path, border: Border) -> None:
    """Write the next scenario: with what was delivered and audited, as the tutorial of a
    quarter says.
    """
    scenario = folder / border.folder / "scenario.toml"
    entry = (folder / "results" / "week" / "records.toml").read_text(encoding="utf-8")
    entry = entry.replace('"effort.csv"', '"../../results/week/effort.csv"')
    audits = '[records]\naudits = ["../../results/audited/audit-results.json"]\n'
    text = scenario.read_text(encoding="utf-8")
    scenario.with_name("next.toml").write_text(
        text.replace("[background]", f"{entry}\n{audits}\n[background]", 1), encoding="utf-8"
    )


def _held(folder: Path, border: Border) -> None:
    """Make the folder in which another agency keeps the checkpoint that it has seen."""
    del border
    (folder / "held").mkdir(exist_ok=True)


def _counts(folder: Path, border: Border) -> None:
    """Write counts of a traffic office: one at each site of the scenario."""
    sites = pd.read_csv(folder / border.folder / "sites.csv")
    head = STATIONS.splitlines()[0]
    rows = [
        f"{k},{site.road},{site.lon},{site.lat},{1000 + k},{k}"
        for k, site in enumerate(sites.itertuples())
    ]
    (folder / "counts.csv").write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")


def _away(folder: Path, border: Border) -> None:
    """Move the scenario of the form away, so that `init` writes one of its own."""
    (folder / border.folder).rename(folder / "by-clicks")


def _copy(folder: Path, border: Border) -> None:
    del border
    shutil.copytree(folder / "results" / "ledger", folder / "copy" / "ledger")


WORK: dict[str, Callable[[Path, Border], None]] = {
    "sheets": _sheets,
    "outcomes": _outcomes,
    "tracks": _tracks,
    "next": _next,
    "away": _away,
    "held": _held,
    "counts": _counts,
    "copy": _copy,
}
"""What people do before a command, by name: each gets the folder and the border."""
