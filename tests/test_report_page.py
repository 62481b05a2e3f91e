"""The page: complete, self-contained, and deaf to markup in records."""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import re
import subprocess
import sys
import tomllib
from dataclasses import fields, is_dataclass, replace
from html.parser import HTMLParser
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from pydantic import BaseModel

from optimizer.analysis.search_advice.search_advice import look_next, where_to_look
from optimizer.base.errors import InputError
from optimizer.base.text.formatting import DASH, plain
from optimizer.pipeline.briefing.briefing import fitted_evidence, known_effort, record_facts
from optimizer.pipeline.briefing.routes import residual_routes
from optimizer.plans.comparison import compare
from optimizer.plans.display_names import place_names
from optimizer.problem.network.places import Settlement
from optimizer.problem.plan.plan import Plan
from optimizer.records.model import spread_effort
from optimizer.region.model import Region
from optimizer.report import write_report
from optimizer.report.content import report_content
from optimizer.report.content.report_content import ReportContent
from optimizer.report.content.risk import (
    SearchAdvice,
    SearchAdviceRow,
    SegmentRisk,
    UnitEffort,
    record_limits,
)
from optimizer.report.content.routes import EvaderRow
from optimizer.report.content.summary import PlanSummary
from optimizer.report.figures import draw_sites
from optimizer.report.maps.geography import Bounds
from optimizer.report.maps.map_layers import CROWD_SHAPE, crowds, map_layers
from optimizer.report.maps.still_maps import draw_plan
from optimizer.report.page import NOT_CHOSEN, ROWS_SHOWN, page, told_once
from optimizer.risk.evidence import gather_evidence
from optimizer.scenario.compile.compile import Compiled, compile_scenario
from tests.report_case import changed_content, changed_site, full_content, large_content, site_row
from tests.tiny import write_areas_scenario

pytestmark = pytest.mark.report
VOID = {"meta", "img", "br", "hr", "link", "input"}
RAW = {"script", "style"}
HOSTILE = (
    "</script><script>alert(1)</script>",
    "$$x$$ \\(y\\) $\\frac{",
    "<img src=x onerror=alert(2)>",
    "\"'><svg onload=alert(3)>{{ 7*7 }} {% raw %}",
    "&lt;b&gt; <!-- --> ]]> \u2028",
    "a\ud800b\x00c",
)


class Parsed(HTMLParser):
    """Elements, attributes, texts and nesting of a page."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.unbalanced: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.captions: dict[str, str] = {}
        self.text = ""
        self._table = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the element."""
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self._table = dict(attrs)["id"] or ""
            self.tables[self._table] = []
        elif tag == "tr":
            self.tables[self._table].append([])
        elif tag in {"td", "th"}:
            self.tables[self._table][-1].append("")
        elif tag == "script":
            self.scripts.append((dict(attrs), ""))

    def handle_endtag(self, tag: str) -> None:
        """Check that it closes what is open."""
        if not self.open or self.open.pop() != tag:
            self.unbalanced.append(tag)

    def handle_data(self, data: str) -> None:
        """Put text where it belongs."""
        if "script" in self.open:
            attrs, before = self.scripts[-1]
            self.scripts[-1] = (attrs, before + data)
        elif "style" not in self.open:
            self.text += data
        if {"td", "th"} & set(self.open):
            self.tables[self._table][-1][-1] += data
        elif "caption" in self.open:
            self.captions[self._table] = self.captions.get(self._table, "") + data


def _page(content: ReportContent) -> Parsed:
    return Parsed(page(content, {}))


def _hostile(thing: Any, turn: list[int], texts: tuple[str, ...] = HOSTILE) -> Any:
    """Return a copy with every text replaced by a hostile one, or by others, each with
    a number of its own.
    """
    if isinstance(thing, str):
        turn[0] += 1
        return f"{texts[turn[0] % len(texts)]}{turn[0]}"
    if isinstance(thing, dict):
        return {
            _hostile(key, turn, texts): _hostile(value, turn, texts) for key, value in thing.items()
        }
    if isinstance(thing, tuple):
        return tuple(_hostile(part, turn, texts) for part in thing)
    if isinstance(thing, BaseModel):
        return thing.model_copy(
            update={name: _hostile(value, turn, texts) for name, value in dict(thing).items()}
        )
    if is_dataclass(thing) and not isinstance(thing, type):
        names = [
            field.name
            for field in fields(thing)
            if field.name not in {"network", "status", "limit"}
        ]
        return replace(
            thing, **{name: _hostile(getattr(thing, name), turn, texts) for name in names}
        )
    return thing


def hostile_content() -> ReportContent:
    content: ReportContent = _hostile(full_content(), [0])
    names = np.array([f"{HOSTILE[arc % 5]}{arc // 2}" for arc in range(content.network.n_arcs)])
    return changed_content(content, network=replace(content.network, name=names, road_class=names))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Path], Parsed]:
    """Return the files of a report, written over an earlier one beside a plan, and its page."""
    folder = tmp_path_factory.mktemp("report") / "out"
    folder.mkdir()
    (folder / "plan.json").write_text("{}")
    (folder / "report.html").write_text("old")
    paths = write_report(folder, full_content())
    return paths, Parsed(paths[0].read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def hostile_page() -> str:
    return page(hostile_content(), {})


@pytest.mark.slow
def test_the_files_are_those_promised(written: tuple[list[Path], Parsed]) -> None:
    paths, _ = written
    assert [path.name for path in paths] == [
        "report.html",
        "sites-not-chosen.csv",
        "map-risk.png",
        "map-sure.png",
        "map-effort-1.png",
        "map-effort-2.png",
        "map-look-next.png",
        "map-plan.png",
        "sites.png",
        "layouts.png",
        "evaders.png",
    ]
    assert sorted(path.name for path in paths[0].parent.iterdir()) == sorted(
        ["plan.json", *(p.name for p in paths)]
    )
    assert all(path.stat().st_size > 1000 for path in paths if path.suffix != ".csv")


def test_sites_that_are_not_chosen_stand_in_a_table_for_spreadsheets(
    written: tuple[list[Path], Parsed],
) -> None:
    (path,) = (path for path in written[0] if path.name == NOT_CHOSEN)
    head, *rows = csv.reader(path.read_text(encoding="utf-8").splitlines())
    table = written[1].tables["sites-not-chosen"]
    assert [head, *rows] == table


def test_the_page_is_well_formed_and_has_unique_ids(written: tuple[list[Path], Parsed]) -> None:
    _, parsed = written
    assert parsed.unbalanced == []
    assert parsed.open == []
    ids = [attrs["id"] for _, attrs in parsed.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    named = {attrs["aria-labelledby"] for _, attrs in parsed.elements if "aria-labelledby" in attrs}
    assert named <= set(ids)


def test_the_page_loads_nothing(written: tuple[list[Path], Parsed]) -> None:
    _, parsed = written
    assert {tag for tag, _ in parsed.elements} & {
        "link",
        "iframe",
        "object",
        "embed",
        "base",
        "form",
        "video",
        "audio",
    } == set()
    links = [
        value or ""
        for _, attrs in parsed.elements
        for name, value in attrs.items()
        if name in {"src", "href", "srcset", "data", "action"}
    ]
    assert links
    assert all(
        link.startswith(("data:image/png;base64,", "#")) for link in links if link != NOT_CHOSEN
    )
    ids = {attrs.get("id") for _, attrs in parsed.elements}
    assert {link[1:] for link in links if link.startswith("#")} <= ids


def test_the_style_sheet_loads_nothing(written: tuple[list[Path], Parsed]) -> None:
    html = written[0][0].read_text(encoding="utf-8")
    for style in re.findall(r"<style>(.*?)</style>", html, flags=re.DOTALL):
        assert "url(" not in style
        assert "@import" not in style


def _check_policy(parsed: Parsed) -> None:
    policy = next(
        attrs["content"] or ""
        for tag, attrs in parsed.elements
        if tag == "meta" and "http-equiv" in attrs
    )
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    allowed = set(re.findall(r"'sha256-([^']+)'", policy))
    run = [text for attrs, text in parsed.scripts if "type" not in attrs]
    assert {
        base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in run
    } == allowed
    assert "unsafe" not in policy.split("script-src", 1)[1].split(";", 1)[0]


def test_only_the_two_known_scripts_may_run(written: tuple[list[Path], Parsed]) -> None:
    _check_policy(written[1])


def test_images_have_words_for_those_who_cannot_see_them(
    written: tuple[list[Path], Parsed],
) -> None:
    images = [attrs for tag, attrs in written[1].elements if tag == "img"]
    assert len(images) == 9
    assert all(len(attrs["alt"] or "") > 20 for attrs in images)


def test_the_map_holds_bokeh_data_for_its_place_on_the_page(
    written: tuple[list[Path], Parsed],
) -> None:
    _, parsed = written
    item = json.loads(next(text for attrs, text in parsed.scripts if attrs.get("id") == "map-data"))
    assert item["target_id"] == "map"
    assert any(attrs.get("id") == "map" for _, attrs in parsed.elements)


def test_texts_and_whole_numbers_of_the_map_are_told_shorter_and_read_as_they_were() -> None:
    shared, own = ["A 1", "B 2"] * 20, [f"road-{k}" for k in range(40)]
    numbers, lines = (
        [5, -3, 0, *range(1000, 1037)],
        [[100_000 + k, 100_003 - k, 99_990] for k in range(39)] + [[]],
    )
    item = {
        "entries": [
            ("road", shared),
            ("mark", own),
            ["xs", [[1, 2], [3, 4]]],
            ["few", ["A 1", "A 1"]],
        ],
        "more": [numbers, lines, [True] * 40, [0.5] * 40, [[1.5, 2]] * 40],
    }
    told = told_once(item)
    assert json.dumps(told).count("A 1") == 3
    assert len(json.dumps(told["more"][1])) < len(json.dumps(lines))

    def as_the_page_reads(part: dict[str, Any]) -> Any:
        if "texts" in part:
            return [part["texts"][k] for k in part["rows"]]
        if "steps" in part:
            return list(accumulate(part["steps"]))
        return [list(accumulate(steps)) for steps in part["lines"]] if "lines" in part else part

    assert json.dumps(json.loads(json.dumps(told), object_hook=as_the_page_reads)) == json.dumps(
        item
    )


def test_every_row_stands_in_its_table(written: tuple[list[Path], Parsed]) -> None:
    content, tables = full_content(), written[1].tables
    rows = {
        "orders": 7,  # two agencies, and five orders
        "orders-kept": 2,
        "riskiest": 20,
        "look-next": 3,
        "layouts": len(content.layouts),
        "sites-chosen": 2,
        "sites-not-chosen": 2,
        "beats": 3,
        "budgets": 2,
        "agencies": 2,
        "open-ends": 2,
        "routes": 2,
        "displacement": 1,
        "unused": 1,
        "dropped": 1,
        "steps": 1,
        "provenance": 6,
    }
    assert {name: len(table) - 1 for name, table in tables.items()} == rows
    assert all(written[1].captions[name] for name in rows)
    assert all(
        len({len(row) for row in table}) == 1
        for name, table in tables.items()
        if not name.startswith("orders")
    )


def test_cells_hold_the_numbers_as_people_write_them(written: tuple[list[Path], Parsed]) -> None:
    def clean(row: list[str]) -> list[str]:
        return [cell.replace("\N{NO-BREAK SPACE}", " ") for cell in row]

    tables = written[1].tables
    assert clean(tables["riskiest"][0])[2:6] == [
        "Risk (seizures per 100 search hours)", "90 % interval", "Upper over lower end", "How sure",
    ]  # fmt: skip
    assert clean(tables["riskiest"][1]) == [
        "R39 near Hightown", "5.6", "1", f"0.5 {DASH} 3", "6 times", "a rough figure", "yes", "9.3", "none",
    ]  # fmt: skip
    assert clean(tables["riskiest"][4])[4:] == [
        "6 times",
        "unknown: a guess from elsewhere",
        "never",
        "none",
        "none",
    ]
    assert [clean(row)[:3] for row in tables["look-next"][1:]] == [
        ["1", "R8 near Hightown", "2.5"], ["2", "R4 near Sidetown", "0.5"], ["3", "R12 near Hightown", DASH],
    ]  # fmt: skip
    assert clean(tables["layouts"][2]) == [
        "Today",
        "45.0 %",
        "0.0",
        "35.0",
        "2",
        "0",
        "officers 1,200",
        "same budget",
    ]
    assert clean(tables["layouts"][4])[1:3] == [DASH, DASH]
    assert clean(tables["sites-chosen"][1]) == [
        "3", "High pass", "o2", "patrol", DASH, "in use today, kept; had to be used", DASH, DASH, DASH, DASH, DASH, "50.0 %", "12.0",
    ]  # fmt: skip
    assert clean(tables["sites-not-chosen"][2])[-3:] == [DASH, DASH, DASH]
    assert clean(tables["sites-not-chosen"][2])[4] == "not chosen; not allowed"
    assert clean(tables["budgets"][1]) == [
        "officers",
        "Guard",
        "officers a shift",
        "1,100",
        "1,200",
        "100",
    ]
    assert clean(tables["budgets"][2]) == ["money", DASH, DASH, "2.5", "no limit", DASH]
    assert clean(tables["agencies"][0])[3:] == ["On roads of Guard", "On roads of Customs"]
    assert clean(tables["agencies"][2]) == ["Guard and Customs", "1", "5.0", "0.0", "5.0"]
    assert clean(tables["open-ends"][1]) == [
        "1",
        "Gate One",
        "Hightown",
        "R1, R2",
        "High pass",
        "40 %",
        "63.0 %",
        "42.0 %",
        "28.0 %",
    ]
    assert clean(tables["routes"][2])[4] == "no route"
    assert clean(tables["displacement"][1]) == ["R7 by the river", "2.0 %", DASH, "13.4 %", "11.4"]
    assert clean(tables["unused"][1]) == ["too far from a road", "1,204", "row 17"]
    assert ["SHA-256 of a.toml", "ab" * 32] in tables["provenance"]


def test_what_it_says_and_does_not_say_is_on_the_page(written: tuple[list[Path], Parsed]) -> None:
    content, text = full_content(), written[1].text.replace("\N{NO-BREAK SPACE}", " ")
    for sentence in (
        *content.says,
        *content.cannot_say,
        *content.warnings,
        *content.assumptions,
        *content.sources,
    ):
        assert sentence in text
    assert (
        "less gets through than under today's layout: the share of loads that get through is 31.2"
        in text
    )


@pytest.mark.slow
def test_long_tables_hold_every_row_and_say_that_they_are_long() -> None:
    content = full_content()
    rows = 3 * ROWS_SHOWN["desk"]
    many = tuple(replace(content.residual_routes[0], start=f"gate {i}") for i in range(rows))
    parsed = _page(replace(content, residual_routes=many))
    assert [row[1] for row in parsed.tables["open-ends"][1:]] == [f"gate {i}" for i in range(rows)]
    classes = {attrs["id"]: attrs.get("class") for tag, attrs in parsed.elements if tag == "table"}
    assert (classes["open-ends"], classes["riskiest"], classes["budgets"]) == (
        "long",
        "lengthy",
        None,
    )


@pytest.mark.slow
def test_hostile_text_adds_no_element_attribute_or_script(hostile_page: str) -> None:
    tame, wild = _page(_hostile(full_content(), [0], ("word",))), Parsed(hostile_page)
    assert wild.unbalanced == []
    assert [tag for tag, _ in wild.elements] == [tag for tag, _ in tame.elements]
    assert [set(attrs) for _, attrs in wild.elements] == [set(attrs) for _, attrs in tame.elements]
    assert not [name for _, attrs in wild.elements for name in attrs if name.startswith("on")]
    assert len(wild.scripts) == 4
    _check_policy(wild)


def test_hostile_text_is_shown_as_it_is(hostile_page: str) -> None:
    parsed = Parsed(hostile_page)
    text = parsed.text + " ".join(
        cell for table in parsed.tables.values() for row in table for cell in row
    )
    for bad in HOSTILE[:4]:
        assert bad in text


def test_hostile_text_cannot_close_the_block_of_map_data(hostile_page: str) -> None:
    block = hostile_page.split('id="map-data">', 1)[1].split("</script>", 1)[0]
    assert not set("<>&") & set(block)
    assert "alert(1)" in json.dumps(json.loads(block))


@pytest.mark.slow
def test_hostile_text_can_be_written(tmp_path: Path) -> None:
    paths = write_report(tmp_path, hostile_content())
    assert Parsed(paths[0].read_text(encoding="utf-8")).unbalanced == []


def test_the_template_has_each_section_and_its_tables() -> None:
    template = (Path(report_content.__file__).parents[1] / "page.html").read_text(encoding="utf-8")
    content = full_content()
    at = [template.index(f'<section id="{section.id}"') for section in report_content.SECTIONS]
    assert at == sorted(at)
    for section, begin, end in zip(
        report_content.SECTIONS, at, [*at[1:], len(template)], strict=True
    ):
        for make in section.tables:
            name = make(content).id.replace("-", "_")
            assert f"show(tables.{name}," in template[begin:end]


def test_a_report_of_nothing_but_roads(tmp_path: Path) -> None:
    region = Region(full_content().network, None, (), (), ())
    content = ReportContent(
        title="", created="", summary=PlanSummary(status="unknown"), region=region
    )
    parsed = Parsed(write_report(tmp_path, content)[0].read_text(encoding="utf-8"))
    assert parsed.unbalanced == []
    assert set(parsed.tables) == {"provenance"}
    assert "No plan was found." in parsed.text
    assert "ask for them before you act" in parsed.text


@pytest.mark.slow
def test_unknown_numbers_are_never_nan(tmp_path: Path) -> None:
    content = full_content()
    nan = float("nan")
    none = np.full(content.network.n_segments, nan)
    risk = SegmentRisk(
        median=none,
        low=none,
        high=none,
        searched=none == 0,
        unit="x",
        efforts=(UnitEffort(unit="x", amount=none),),
        average=nan,
    )
    changed = replace(
        content,
        risk=risk,
        summary=replace(
            content.summary, lower=nan, nothing=nan, existing=None, gap=nan, seconds=nan
        ),
        sites=tuple(changed_site(site, worth=nan, survival=nan) for site in content.sites),
        layouts=tuple(replace(row, value=nan) for row in content.layouts),
        residual_evaders=tuple(
            replace(row, before=nan, after=None) for row in content.residual_evaders
        ),
        routes=tuple(
            EvaderRow(
                evader=row.evader, start=row.start, end=row.end, weight=row.weight, before=nan
            )
            for row in content.routes
        ),
    )
    html = write_report(tmp_path, changed)[0].read_text(encoding="utf-8")
    parsed = Parsed(html)
    assert not re.search(r"\b(nan|inf|none)\b", parsed.text, flags=re.IGNORECASE)
    data = next(text for attrs, text in parsed.scripts if attrs.get("id") == "map-data")
    columns: list[object] = []
    json.loads(data, object_hook=lambda part: columns.append(part.get("entries")))
    assert any(columns)
    assert not re.search(r"\bnan\b", json.dumps(columns), flags=re.IGNORECASE)


@pytest.mark.slow
def test_values_that_are_not_shares_keep_their_unit() -> None:
    content = full_content()
    summary = replace(
        content.summary,
        lower=1180.0,
        upper=1234.0,
        nothing=5000.0,
        existing=None,
        share=False,
        unit="number of loads that get through",
    )
    parsed = _page(replace(content, summary=summary))
    assert (
        "the number of loads that get through is 1,234; no layout within these budgets can bring it"
        " below 1,180." in parsed.text
    )
    assert parsed.tables["layouts"][0][1] == "Number of loads that get through"


@pytest.mark.slow
def test_the_page_says_what_the_risk_was_estimated_from_where_that_is_known() -> None:
    content = full_content()
    assert content.risk is not None
    assert "Estimated from" not in page(content, {})
    told = replace(content, risk=replace(content.risk, how="finds on <both> sides"))
    assert "Estimated from finds on &lt;both&gt; sides. A dashed grey road" in page(told, {})


def test_what_the_record_cannot_say_stands_on_the_page(written: tuple[list[Path], Parsed]) -> None:
    limits = record_limits(full_content())
    assert len(limits) == 5
    for line in limits:
        assert plain(line) in written[1].text


def test_each_view_can_be_chosen_above_the_map(written: tuple[list[Path], Parsed]) -> None:
    radios = [attrs for tag, attrs in written[1].elements if tag == "input"]
    assert [attrs["value"] for attrs in radios] == [
        "plan",
        "risk",
        "sure",
        "effort-1",
        "effort-2",
        "look",
    ]
    assert ["checked" in attrs for attrs in radios] == [True, False, False, False, False, False]
    assert all(
        attrs["type"] == "radio" and attrs["name"] == "map-layer" and attrs["data-title"]
        for attrs in radios
    )
    assert radios[3]["data-title"] == "Search effort, search hours per km of road"


@pytest.mark.slow
def test_nothing_is_said_of_where_to_look_unless_somebody_asked() -> None:
    parsed = _page(replace(full_content(), look_next=None))
    assert "look-next" not in parsed.tables
    assert "Where to look next" not in parsed.text
    assert "look" not in [attrs["value"] for tag, attrs in parsed.elements if tag == "input"]


def test_advice_on_another_network_is_refused() -> None:
    row = SearchAdviceRow(segment=999, label="", score=1.0, reason="")
    with pytest.raises(ValueError, match="look_next names segment 999; expected 0 to 39"):
        full_content(look_next=SearchAdvice(rows=(row,)))


def test_every_file_of_the_page_is_installed_with_the_package() -> None:
    root = Path(__file__).parents[1]
    patterns = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["setuptools"][
        "package-data"
    ]["optimizer"]
    for file in (root / "optimizer" / "report").iterdir():
        if file.is_file() and file.suffix != ".py":
            assert any(
                file.relative_to(root / "optimizer").match(pattern) for pattern in patterns
            ), file.name


def test_risk_of_another_network_is_refused() -> None:
    content = full_content()
    assert content.risk is not None
    with pytest.raises(ValueError, match=r"risk\.low has shape \(3,\)"):
        replace(content, risk=replace(content.risk, low=np.zeros(3)))


def test_an_earlier_report_is_replaced_and_other_files_stay(
    written: tuple[list[Path], Parsed],
) -> None:
    paths, parsed = written
    assert paths[0].with_name("plan.json").read_text() == "{}"
    assert "Test valley" in parsed.text


def test_a_file_in_the_way_is_named_and_left_alone(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.write_text("mine")
    with pytest.raises(InputError, match="found file exists; expected a place that can be written"):
        write_report(target, full_content())
    assert target.read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_filling_a_report_costs_no_heavy_import() -> None:
    check = (
        "import sys, optimizer.report.content; print([m for m in ('matplotlib', 'bokeh', 'jinja2')"
        " if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", check], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    scenario = write_areas_scenario(tmp_path_factory.mktemp("areas"))
    (scenario.parent / "effort.csv").write_text(
        "time,area,amount\n2022,south,900\n2023,south,900\n2024,south,900\n"
    )
    return compile_scenario(scenario)


def test_all_effort_reaches_the_report_unit_by_unit(compiled: Compiled) -> None:
    evidence = fitted_evidence(compiled)
    assert evidence is not None
    efforts = known_effort(evidence.exposure)
    effort = compiled.effort
    assert effort is not None
    assert [one.unit for one in efforts] == ["hours", "vehicles"]
    for one in efforts:
        rows = np.array(effort.unit)[effort.source] == one.unit
        assert one.amount.sum() == pytest.approx(effort.amount[rows].sum())
    assert compiled.risk is not None
    np.testing.assert_array_equal(sum(one.amount for one in efforts) > 0, compiled.risk.searched)


def test_the_facts_of_the_record_are_told(compiled: Compiled) -> None:
    records, evidence = compiled.records, fitted_evidence(compiled)
    assert records is not None
    assert evidence is not None
    assert compiled.effort is not None
    facts = record_facts(records, compiled.effort, evidence)
    assert (facts.seizures, facts.area_only, facts.without_effort, facts.areas) == (26, 20, 6, 2)
    assert facts.effort_sources == (("made up", "hours"), ("made up too", "vehicles"))
    assert not facts.effort_by_area  # vehicles are counted at a road
    by_area = replace(compiled.effort, segment=np.full_like(compiled.effort.segment, -1))
    assert record_facts(records, by_area, evidence).effort_by_area


def test_finds_on_a_road_and_finds_nobody_looked_for_are_told_apart(compiled: Compiled) -> None:
    records, effort = compiled.records, compiled.effort
    assert records is not None
    searched = spread_effort(effort, compiled.region.network).amount
    # of the area that is searched
    first, second = np.flatnonzero(records.area == records.area[0])[:2]
    segment, area = records.segment.copy(), records.area.copy()
    segment[first] = np.flatnonzero(searched[0] > 0)[0]
    segment[second] = np.flatnonzero(searched.sum(axis=0) == 0)[0]
    area[[first, second]] = -1
    moved = replace(records, segment=segment, area=area)
    facts = record_facts(moved, effort, gather_evidence(moved, effort, compiled.region.network))
    assert facts.without_effort == pytest.approx(6 + records.count[second])
    assert facts.area_only == pytest.approx(20 - records.count[first] - records.count[second])


def test_routes_along_roads_without_a_name_are_told_by_what_they_are_near_to(
    compiled: Compiled,
) -> None:
    comparison = compare(compiled.instance, Plan(()))
    assert {road[0] for way in residual_routes(compiled, comparison) for road in way.roads} == {"R"}
    network = replace(
        compiled.region.network, name=np.full_like(compiled.region.network.name, ""), ref=None
    )
    evidence = replace(compiled.travel.evidence, region=replace(compiled.region, network=network))
    nameless = replace(compiled, travel=replace(compiled.travel, evidence=evidence))
    places = place_names(nameless)
    ways = residual_routes(nameless, comparison)
    assert ways
    for way in ways:
        assert way.roads
        assert set(way.roads) <= {
            places.segment(segment).text for segment in network.segment[way.arcs].tolist()
        }


def test_without_effort_or_records_nothing_is_claimed(compiled: Compiled) -> None:
    assert compiled.records is not None
    evidence = gather_evidence(compiled.records, None, compiled.region.network)
    facts = record_facts(compiled.records, None, evidence)
    assert (facts.without_effort, facts.effort_sources, facts.effort_by_area) == (0, (), False)
    assert known_effort(evidence.exposure) == ()
    travel = compiled.travel
    silent = replace(travel, evidence=replace(travel.evidence, records=None))
    assert fitted_evidence(replace(compiled, travel=silent)) is None


def test_risk_look_and_the_report_give_the_same_answer(tmp_path: Path) -> None:
    scenario = write_areas_scenario(tmp_path)
    told, look = look_next(compile_scenario(scenario)), where_to_look(scenario)
    assert told is not None
    assert [(row.segment, row.score, row.reason) for row in told.rows] == [
        (road.segment, road.around_nats, road.reason) for road in look.roads[: len(told.rows)]
    ]
    # they cover more road than the one where vehicles are counted
    assert look.patrol.unit == "hours"
    assert 0 < look.patrol.amount < 20


MAP = Bounds(0.0, 40.0, 10.0, 50.0)


def placed(*lonlat: tuple[float, float], chosen: bool = True) -> ReportContent:
    sites = tuple(
        site_row(id=f"o{k}", label="s", kind="sensor", lon=lon, lat=lat, chosen=chosen)
        for k, (lon, lat) in enumerate(lonlat)
    )
    towns = (Settlement("a", 0, 2.0, 45.0, "Near", 1.0), Settlement("b", 1, 8.0, 42.0, "Far", 99.0))
    return changed_content(
        full_content(), sites=sites, beats=(), crossings=(), settlements=towns, border=None
    )


def cluster(lon: float, lat: float, count: int = 5) -> list[tuple[float, float]]:
    return [(lon + 0.05 * k, lat) for k in range(count)]


def test_a_cluster_is_a_place_named_after_its_town_and_marks_far_apart_are_none() -> None:
    (crowd,) = crowds(placed(*cluster(2.0, 45.0), (7.0, 47.0), (4.0, 49.0)), MAP)
    assert crowd.name == "Near"
    box = crowd.bounds
    assert all(box.holds(np.array([*point, *point])) for point in cluster(2.0, 45.0))
    assert box.height / (box.width * np.cos(np.radians(MAP.middle_latitude))) == pytest.approx(
        CROWD_SHAPE
    )
    assert crowds(placed(*[(1.0 + k, 41.0 + k) for k in range(9)]), MAP) == ()


def test_sites_of_no_matter_and_several_options_of_one_place_do_not_crowd() -> None:
    assert crowds(placed(*cluster(2.0, 45.0), chosen=False), MAP) == ()
    assert crowds(placed(*[(2.0, 45.0)] * 6), MAP) == ()


def test_at_most_three_places_that_share_no_mark_from_west_to_east() -> None:
    many = [point for lon in (8.0, 5.0, 1.0, 3.0) for point in cluster(lon, 45.0, 5 + int(lon))]
    found = crowds(placed(*many), MAP)
    assert len(found) == 3
    assert [crowd.bounds.west for crowd in found] == sorted(crowd.bounds.west for crowd in found)
    for point in many:
        assert sum(crowd.bounds.holds(np.array([*point, *point])) for crowd in found) <= 1


def test_the_still_map_has_an_inset_a_place_with_the_same_numbers() -> None:
    content = large_content()
    figure = Figure(figsize=(10, 8))
    draw_plan(figure.add_subplot(), content)
    main, *insets = figure.axes
    assert len(insets) == len(map_layers(content).crowds) >= 1
    numbers = {text.get_text() for text in main.texts}
    for inset in insets:
        assert inset.get_title(loc="left").startswith(str(inset.get_label()))
        assert {text.get_text() for text in inset.texts if text.get_text().isdigit()} <= numbers
        top = inset.get_position().y1
        assert top < main.get_position().y0


def test_long_names_stand_whole_on_two_lines() -> None:
    content = full_content()
    name = "I-10 between Tornillo and Fort Hancock, eastbound lanes only (permanent checkpoint)"
    axes = Figure().add_subplot()
    draw_sites(axes, replace(content, sites=(replace(content.sites[1], label=name),)))
    (label,) = axes.get_yticklabels()
    assert label.get_text().count("\n") == 1
    assert label.get_text().replace("\n", " ") == f"1  {name}"
