"""Pages of a comparison, a curve and an explanation: whole folders whose numbers are
those of the result, and no text that becomes code.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from optimizer.analysis.compare.compare import compare_plans
from optimizer.analysis.compare.output import _maps, compare_folder, comparison_page
from optimizer.analysis.desk.page import texts
from optimizer.analysis.desk.session import DeskSession
from optimizer.analysis.explain.explain import explain_plan
from optimizer.analysis.explain.output import explanation_page
from optimizer.base.errors import InputError
from optimizer.base.text.formatting import SPACE, ValueText
from optimizer.base.text.language import speaking
from optimizer.cli.console import print_page, verdict_in_percent
from optimizer.plans.plan_folder import PlanFolder
from optimizer.problem.instance.instance import Instance
from optimizer.problem.plan.evaluation import plan_value
from optimizer.problem.plan.result import Result
from optimizer.report.analysis_figures import PlanMap, plan_maps_figure
from optimizer.report.answer import (
    PageSection,
    ShortPage,
    save_figure,
    short_page,
    write_short_page,
)
from optimizer.report.content.report_table import Column, ReportTable
from optimizer.report.content.summary import headline
from optimizer.report.maps.geography import StraightRoads
from tests.browser import CHROMIUM, Browser
from tests.command import Outcome
from tests.output_cases import csv_rows
from tests.pages import AXE, broken_rules
from tests.report_case import full_content
from tests.test_compare_plans import on_a_map, written
from tests.test_desk_page import HOSTILE, hostile

if TYPE_CHECKING:
    from matplotlib.figure import Figure

pytestmark = pytest.mark.report


def harmless(page: str) -> str:
    """Hold that a page has no markup but ours, and return it."""
    body = page[page.index("</style>") :]
    for tag in ("<script", "<svg", "<b ", "<style", 'onerror="', 'onload="'):
        assert tag not in body
    assert body.count("<img") == body.count('<img src="data:image/png;base64,')
    assert "script-src" not in page
    assert "default-src 'none'" in page
    return page


def test_text_never_becomes_markup() -> None:
    table = ReportTable(
        "t",
        HOSTILE[0],
        (Column(HOSTILE[1]), Column("n", numeric=True)),
        ((HOSTILE[4], HOSTILE[3]),),
    )
    section = PageSection(title=HOSTILE[2], sentences=HOSTILE, tables=(table,))
    page = harmless(
        short_page(
            ShortPage(title=HOSTILE[1], headline=HOSTILE[0], warnings=HOSTILE, sections=(section,)),
            {},
        )
    )
    assert "&lt;img src=x" in page
    assert "{{7*7}}" in page


def test_a_long_table_shows_its_first_rows_and_says_where_the_others_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    columns, rows = (
        (Column("place"), Column("n", numeric=True)),
        tuple((f"place {k}", str(k)) for k in range(40)),
    )
    long = ReportTable("t", "long", columns, rows, file="all.csv")
    page = ShortPage(
        title="t", headline="The answer.", sections=(PageSection(title="s", tables=(long,)),)
    )
    print_page(page)
    for shown in (short_page(page, {}).partition("</style>")[2], capsys.readouterr().out):
        assert shown.count("place 9") == 1
        assert "place 10" not in shown
        assert "30 more rows" in shown
        assert "all.csv" in shown
    folded = replace(page, sections=(replace(page.sections[0], folded=True),))
    assert "<details" in short_page(folded, {})
    print_page(folded)
    assert capsys.readouterr().out == "The answer.\n"


def test_a_comparison_is_written_whole(command: Callable[..., Outcome], tmp_path: Path) -> None:
    folder = written(tmp_path / "here", hostile(on_a_map(4)), ["o3"])
    other = written(tmp_path / "other", hostile(on_a_map(4)), ["o2", "o4"])
    out = tmp_path / "compared"
    assert command("compare", folder, other, "today", "--out", out).code == 0
    assert {path.name for path in out.iterdir()} == {
        ".interdict.json",
        "compare.json",
        "compare.csv",
        "compare.html",
        "differences.csv",
        "maps.png",
        "maps.svg",
    }
    compared = compare_plans([folder, other, "today"])
    page = harmless((out / "compare.html").read_text())
    for plan in compared.plans:
        assert f">{compared.text.value(plan.value)}<" in page
    lines = json.loads((out / "compare.json").read_text())["plans"]
    assert [line["value"] for line in lines] == pytest.approx(
        [plan.value for plan in compared.plans]
    )
    rows = csv_rows(out / "compare.csv")
    values = [float(row["amount"]) for row in rows if row["what"] == "value"]
    assert values == pytest.approx([plan.value for plan in compared.plans])
    informed = [
        float(row["amount"])
        for row in rows
        if row["what"].startswith("evaders: ") and row["plan"] == str(other)
    ]
    assert sum(informed) == pytest.approx(values[1])
    refused = command("compare", folder, "today", "--out", out)
    assert refused.code == 1
    assert "--overwrite" in refused.err
    with pytest.raises(InputError, match="a file"):
        compare_folder(out / "compare.csv", [str(folder)], None, overwrite=False)


@pytest.mark.full_size
def test_maps_show_what_each_plan_has_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[PlanMap] = []

    def kept(roads: StraightRoads, plans: list[PlanMap]) -> Figure:
        shown.extend(plans)
        return plan_maps_figure(roads, plans)

    monkeypatch.setattr("optimizer.report.analysis_figures.plan_maps_figure", kept)
    from optimizer.analysis.compare.output import write_comparison

    instance = on_a_map(1)
    instance = replace(
        instance, resources=tuple(replace(r, budget=1e3) for r in instance.resources)
    )
    names = [["o3", "o2"], ["o2", "o4"]]
    folders = [
        str(written(tmp_path / str(k), instance, options)) for k, options in enumerate(names)
    ]
    comparison = compare_plans(folders)
    write_comparison(compare_folder(tmp_path / "out", folders, None, overwrite=False), comparison)
    at = {
        o.id: (x, y)
        for o, x, y in zip(
            instance.options, comparison.places.lon, comparison.places.lat, strict=True
        )
    }
    (differs,) = shown  # of the first plan nothing differs
    for found, ids in ((differs.kept, ["o2"]), (differs.comes, ["o4"]), (differs.goes, ["o3"])):
        assert sorted(map(tuple, found.tolist())) == sorted(
            tuple(map(float, at[each])) for each in ids
        )
    assert not differs.changes.size
    many = [PlanMap(f"$x_{k}$", *(np.empty((0, 2)),) * 4) for k in range(9)]
    from optimizer.plans.plan_content import straight_roads

    roads = straight_roads(instance)
    assert roads is not None
    assert save_figure(tmp_path, "maps", plan_maps_figure(roads, many)).stat().st_size > 5000
    bands = []
    for under in ("", "Plan 1; 2026-11-29"):
        with Image.open(
            save_figure(tmp_path, "map", plan_maps_figure(roads, many[:1]), under)
        ) as image:
            inked = (np.asarray(image.convert("L")) < 250).any(axis=1)
        bands.append(np.count_nonzero(np.diff(inked.astype(int)) == 1))
    assert bands[1] == bands[0] + 1, "the line under a map lies on its legend"


def of_plan(folder: Path, lower: float, upper: float) -> dict[str, str]:
    """Return what each page of a plan folder says of its value and bound."""
    content, view = full_content(), DeskSession(folder).view()
    report = replace(content.summary, lower=lower, upper=upper, beats=None)
    return {
        "report": headline(replace(content, summary=report, mixture=None)),
        "explain": explanation_page(explain_plan(PlanFolder(folder).known, others=0)).headline,
        "compare": comparison_page(compare_plans([str(folder)])).headline,
        "desk": texts.value(view) + texts.outcome(view),
        "console": verdict_in_percent(
            Result("cuts", "feasible", "time", None, lower, upper, 1.0, 0)
        ),
    }


def of_shares(instance: Instance) -> Instance:
    """Return the instance with weights that are shares of all loads."""
    weight = sum(evader.weight for evader in instance.evaders)
    return replace(
        instance, evaders=tuple(replace(e, weight=e.weight / weight) for e in instance.evaders)
    )


def test_a_comparison_adds_up_as_a_reader_reckons_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance = of_shares(on_a_map(4))
    folders = [
        str(written(tmp_path / name, instance, [option]))
        for name, option in (("one", "o3"), ("two", "o2"))
    ]
    compared = compare_plans(folders)
    one, two = (
        replace(plan, value=value)
        for plan, value in zip(compared.plans, (0.74249, 0.76255), strict=True)
    )
    compared, titles = replace(compared, plans=(one, two)), []
    assert "74.2 %, 2.1 points less than with two" in comparison_page(compared).headline.replace(
        SPACE, " "
    )
    monkeypatch.setattr(
        "optimizer.report.analysis_figures.PlanMap",
        lambda title, *_: titles.append(title.replace(SPACE, " ")),
    )
    _maps(compared)
    assert titles == ["2.1 points MORE gets through with two"]


def test_a_comparison_says_places_in_the_language_of_its_reader(tmp_path: Path) -> None:
    compared = compare_plans([str(written(tmp_path / "plan", on_a_map(4), ["o3"]))])
    origin = max(compared.plans[0].by_origin)
    with speaking("es", {"es": {origin: "Puente Nuevo"}}):
        said = {
            row[0]
            for section in comparison_page(compared).sections
            for table in section.tables
            for row in table.rows
        }
    assert "Desde Puente Nuevo" in said
    assert f"Desde {origin}" not in said


@pytest.mark.parametrize("below", [0.0032, 0.0101, 0.0249])
@pytest.mark.parametrize("seed", [4, 7])
def test_all_pages_of_a_plan_show_the_same_value_and_bound_of_it(
    tmp_path: Path, below: float, seed: int
) -> None:
    shares = of_shares(on_a_map(seed))
    value = plan_value(shares, shares.placed(["o3"]))
    search = {
        "method": "cuts",
        "status": "feasible",
        "limit": "time",
        "lower": value - below,
        "upper": value,
    }
    search |= {"gap": below / value, "seconds": 1.0, "seed": 0, "version": ""}
    values = {"nothing": 1.0, "plan": value, "everything": 0.0}
    made = search | {
        "schema_version": 2,
        "name": "p",
        "values": values,
        "resources": [],
        "sites": [],
    }
    folder = written(tmp_path / "plan", shares, ["o3"], **made)
    said = of_plan(folder, value - below, value)
    pairs = {page: tuple(re.findall(r"([\d.]+)\s%", each)) for page, each in said.items()}
    assert len(pairs["report"]) == 2
    assert pairs == dict.fromkeys(pairs, pairs["report"])


@pytest.mark.skipif(not CHROMIUM, reason="there is no Chromium here")
def test_a_figure_is_dark_where_the_page_is(tmp_path: Path) -> None:
    Image.new("RGB", (600, 300), "white").save(tmp_path / "curve.png")
    page = ShortPage(
        title="T", headline="H", sections=(PageSection(title="S", image="curve", alt="A curve."),)
    )
    write_short_page(tmp_path / "page.html", page, {"curve": tmp_path / "curve.png"})

    async def seen(colours: str) -> int:
        async with Browser() as browser:
            feature = {"name": "prefers-color-scheme", "value": colours}
            await browser.call("Emulation.setEmulatedMedia", features=[feature])
            await browser.open((tmp_path / "page.html").as_uri(), 1366, 768)
            x, y = await browser.until(
                "(() => { const box = document.querySelector('img')?.getBoundingClientRect();"
                " return box?.height && [box.x + 20, box.y + 20]; })()"
            )
            await browser.picture(tmp_path / f"{colours}.png")
        with Image.open(tmp_path / f"{colours}.png") as picture:
            return picture.convert("L").crop((int(x), int(y), int(x) + 1, int(y) + 1)).tobytes()[0]

    assert asyncio.run(seen("light")) == 255
    assert asyncio.run(seen("dark")) < 50


@pytest.mark.skipif(not CHROMIUM, reason="there is no Chromium here")
def test_on_a_telephone_a_table_of_few_columns_stays_one_and_a_figure_of_one_chart_fits(
    tmp_path: Path,
) -> None:
    for name, inches in (("narrow", 6), ("wide", 10)):
        Image.new("RGB", (100 * inches, 300), "white").save(
            tmp_path / f"{name}.png", dpi=(100, 100)
        )
    tables = tuple(
        ReportTable(
            f"t{k}",
            "c",
            tuple(Column(f"column {n}") for n in range(k)),
            (("a long place name",) * k,),
        )
        for k in (3, 6)
    )
    sections = tuple(
        PageSection(title=name, image=name, alt="a", tables=tables[:1])
        for name in ("narrow", "wide")
    )
    page = ShortPage(
        title="T", headline="H", sections=(*sections, PageSection(title="S", tables=tables[1:]))
    )
    write_short_page(
        tmp_path / "page.html",
        page,
        {name: tmp_path / f"{name}.png" for name in ("narrow", "wide")},
    )

    async def seen() -> list[object]:
        async with Browser() as browser:
            await browser.open((tmp_path / "page.html").as_uri(), 390, 844)
            await browser.until("document.querySelectorAll('table').length === 3")
            shown = (
                "[...document.querySelectorAll('tbody tr')].map(row =>"
                " getComputedStyle(row).display)"
            )
            over = (
                "[...document.querySelectorAll('figure')].map(each => each.scrollWidth >"
                " each.clientWidth)"
            )
            beyond = "document.documentElement.scrollWidth - innerWidth"
            return [await browser.run(each) for each in (shown, over, beyond)]

    assert asyncio.run(seen()) == [["table-row", "table-row", "block"], [False, True], 0]


@pytest.mark.slow
@pytest.mark.skipif(
    not (CHROMIUM and AXE), reason="there is no Chromium here, or AXE does not name axe.min.js"
)
def test_no_rule_of_accessibility_is_broken_on_any_screen_in_any_colours(tmp_path: Path) -> None:
    Image.new("RGB", (600, 300), "white").save(tmp_path / "curve.png")
    tables = tuple(
        ReportTable(
            f"t{k}",
            f"Table {k}",
            tuple(Column(f"column {n}", numeric=n > 1) for n in range(k)),
            (("a",) * k,) * 12,
            file="t.csv",
        )
        for k in (2, 6)
    )
    parts = (
        PageSection(
            title="One",
            sentences=("A sentence.",),
            image="curve",
            alt="A curve.",
            tables=tables[:1],
        ),
        PageSection(title="Two", tables=tables[1:], folded=True),
        PageSection(title="Three", tables=(replace(tables[0], id="none", rows=()),)),
    )
    page = ShortPage(
        title="T", headline="H", known=False, warnings=("Beware.",), sections=parts, made="Plan 1"
    )
    write_short_page(tmp_path / "page.html", page, {"curve": tmp_path / "curve.png"})

    async def broken() -> list[str]:
        found = []
        async with Browser() as browser:
            for width, colours in product((1366, 390), ("light", "dark")):
                feature = {"name": "prefers-color-scheme", "value": colours}
                await browser.call("Emulation.setEmulatedMedia", features=[feature])
                await browser.open((tmp_path / "page.html").as_uri(), width, 800)
                await browser.until("document.querySelectorAll('table').length === 2")
                await browser.run(
                    "document.querySelectorAll('details').forEach(each => { each.open = true; })"
                )
                found += [f"{width}, {colours}: {rule}" for rule in await broken_rules(browser)]
        return found

    assert asyncio.run(broken()) == []


def test_an_explanation_says_first_that_it_found_a_better_plan(tmp_path: Path) -> None:
    explained = explain_plan(
        PlanFolder(written(tmp_path / "plan", of_shares(on_a_map(4)), ["o3"])).known, others=0
    )
    (one,) = explained.options
    assert one.price.upper is not None
    for better, said in (
        (0.02, ("A better plan was found on the way, by 2.0 points",)),
        (-0.02, ()),
    ):
        found = replace(one, price=replace(one.price, upper=one.known.value - better))
        warnings = explanation_page(replace(explained, options=(found,))).warnings
        assert tuple(each.partition(". ")[0].replace(SPACE, " ") for each in warnings) == said


@pytest.mark.slow
def test_an_explanation_and_a_curve_have_pages(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    instance = hostile(on_a_map(4))
    folder = written(tmp_path / "here", instance, ["o3"])
    out = tmp_path / "why"
    assert command("explain", folder, "--others", "1", "--out", out).code == 0
    page = harmless((out / "explain.html").read_text())
    content, values = json.loads((out / "explain.json").read_text()), ValueText.of(instance.weight)
    assert [line["chosen"] for line in content["options"]] == [True, False]
    for line in content["options"]:
        assert f">{values.difference(line['adds'])}<" in page
        assert len(line["sentences"]) >= 2
    curve = tmp_path / "curve"
    where = ["--resource", "teams", "--from", "0", "--to", "4", "--points", "3"]
    assert command("frontier", folder / "instance.json", *where, "--out", curve).code == 0
    points = json.loads((curve / "frontier.json").read_text())["points"]
    page = harmless((curve / "frontier.html").read_text())
    for point in points:
        assert f">{values.value(point['upper'])}<" in page
    grid = tmp_path / "grid"
    more = ["--resource", "money", "--from", "1", "--to", "2", "--points", "2"]
    assert command("frontier", folder / "instance.json", *where, *more, "--out", grid).code == 0
    assert "<img" not in (grid / "frontier.html").read_text().split("</style>")[1]
