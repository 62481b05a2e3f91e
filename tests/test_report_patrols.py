"""Beats in the report: how they are ordered, drawn and told, and what the pipeline says
of a plan with teams.
"""

from __future__ import annotations

import json
from dataclasses import replace
from html import unescape
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.analysis.search_advice.search_advice import look_left_out, look_next, usual_patrol
from optimizer.base.text.formatting import Amount, clock, letter
from optimizer.cli.console import verdict
from optimizer.cli.plan import _show
from optimizer.pipeline.briefing.briefing import briefing
from optimizer.pipeline.plan import Planned, plan_scenario
from optimizer.problem.plan.evaluation import plan_value
from optimizer.problem.plan.plan import Plan
from optimizer.report.content.comparison import layouts_table
from optimizer.report.content.placements import BeatRow, beats_table
from optimizer.report.content.report_content import ReportContent
from optimizer.report.content.summary import BeatBound, beats_sentence, headline, solve_sentence
from optimizer.report.interactive.map import AWAY, POSTS_LETTERED, interactive_map
from optimizer.report.maps.map_layers import MOST_LEGEND_BEATS, WIDEST, drawn_beats, legend_groups
from optimizer.report.page import page
from optimizer.report.palette import (
    AFTER,
    BASE,
    BEATS,
    BEFORE,
    BORDER,
    BOUND,
    EFFORT,
    ELSEWHERE,
    GATEWAY,
    LOOK,
    MINOR_ROAD,
    RISK,
    ROAD,
    SETTLEMENT,
    SITES,
    TODAY,
    UNSEARCHED,
    WIDTH,
)
from tests.command import run
from tests.report_case import beats, changed_beat, full_content, grid_network
from tests.tiny import SCENARIO, write_scenario

pytestmark = pytest.mark.report

SPACE = "\N{NO-BREAK SPACE}"
HOSTILE = "<script>alert('team')</script>"
TEAMS = f"""
[[bases]]
id = "fort"
label = "Fort & <b>Co</b>"
lon = 10.2
lat = 50.1
agency = "police"

[[teams]]
id = "mobile"
label = "{HOSTILE}"
agency = "police"
number = 2
shift_hours = 4
most_slots = 2
detection = 0.6
uses = {{ teams = 0.25 }}
posts = 4
"""
SHORT = SCENARIO.replace("budget = 3", "budget = 6.5\navailability = 0.5") + TEAMS


def _models(item: Any, name: str) -> list[dict[str, Any]]:
    if isinstance(item, dict):
        own = (
            [item["attributes"]]
            if item.get("name") == name and item.get("type") == "object"
            else []
        )
        return own + [model for part in item.values() for model in _models(part, name)]
    return (
        [model for part in item for model in _models(part, name)] if isinstance(item, list) else []
    )


def _sources(item: Any, column: str) -> list[dict[str, list[Any]]]:
    sources = [dict(source["data"]["entries"]) for source in _models(item, "ColumnDataSource")]
    return [source for source in sources if column in source]


@given(st.integers(min_value=0, max_value=5000))
def test_letters_run_like_the_columns_of_a_sheet(place: int) -> None:
    value = 0
    for mark in letter(place):
        value = 26 * value + ord(mark) - ord("A") + 1
    assert value == place + 1


def test_times_are_hours_and_minutes() -> None:
    assert [clock(seconds) for seconds in (0, 59, 3599, 8 * 3600, 25 * 3600)] == [
        "0:00",
        "0:01",
        "1:00",
        "8:00",
        "25:00",
    ]


def test_beats_are_lettered_base_by_base_and_the_most_worth_first() -> None:
    content = full_content()
    # b3 is worth more than b1, but of another base
    assert [beat.id for beat in content.driven] == ["b2", "b1", "b3"]
    unknown = tuple(changed_beat(beat, worth=None) for beat in content.beats)
    assert [beat.id for beat in full_content(beats=unknown).driven] == ["b1", "b2", "b3"]


def test_the_table_says_who_stands_where_when() -> None:
    rows = [[cell.replace(SPACE, " ") for cell in row] for row in beats_table(full_content()).rows]
    assert rows[1] == [
        *("B", "Mobile team", "Fort", "Guard", "0:00"),
        "B1 Post 8, 0:10 to 1:10; B2 Post 13, 1:15 to 2:15",
        *("0:30", "2:00", "2:30", "officers 2", "1.0"),
    ]
    assert [row[0] for row in rows] == ["A", "B", "C"]


def test_layouts_count_beats_only_where_there_are_some() -> None:
    content = full_content()
    assert [column.header for column in layouts_table(content).columns][4:6] == ["Sites", "Beats"]
    bare = replace(content, layouts=tuple(replace(row, beats=0) for row in content.layouts))
    assert "Beats" not in [column.header for column in layouts_table(bare).columns]


def _bounded(exact: bool = True, lower: float = 0.25) -> ReportContent:
    content = full_content()
    bound = BeatBound(lower=lower, gap=0.2, exact=exact, weighed=37)
    return replace(
        content,
        summary=replace(content.summary, status="optimal", limit=None, lower=0.3118, beats=bound),
    )


def test_no_bound_within_the_beats_weighed_is_sold_as_one_over_all_beats() -> None:
    content = _bounded()
    assert f"can bring it below 25.0{SPACE}%" in headline(content)
    assert "among the beats weighed ended with a proof" in solve_sentence(content)
    assert "gap" not in solve_sentence(content)
    assert "does better" in headline(_bounded(lower=0.3118))


def test_both_gaps_are_told() -> None:
    words = beats_sentence(_bounded()).replace(SPACE, " ")
    assert "3 of 37 beats that were weighed" in words
    assert "no plan of those beats brings the value below 31.1 % (gap 0.71 %)" in words
    assert (
        "Against every beat that the teams could drive, weighed or not, none goes below 25.0 % (gap"
        " 20.00 %)." in words
    )
    assert "cut short" in beats_sentence(_bounded(exact=False))
    assert beats_sentence(full_content()) == ""


def test_beats_that_share_a_road_lie_on_one_another_as_stripes() -> None:
    first, second, third = drawn_beats(full_content())
    assert [first.letter, second.letter, third.letter] == ["A", "B", "C"]
    assert first.width.min() > second.width.max()  # every road of A carries B on top
    assert set(third.width) == set(second.width) == {3.0}
    length = [sum(line.length for line in tour.lines) for tour in (first, second, third)]
    assert length == pytest.approx([0.1, 0.15, 0.1])  # each road once, though driven both ways


@pytest.mark.parametrize("count", [2, 6, 30])
def test_a_road_of_many_beats_stays_within_bounds(count: int) -> None:
    crowd = tuple(changed_beat(beats(grid_network(5))[1], id=f"b{k:02d}") for k in range(count))
    widths = [tour.width.max() for tour in drawn_beats(full_content(beats=crowd))]
    assert widths == sorted(widths, reverse=True)
    assert len(set(widths)) == count
    assert widths[0] <= WIDEST


def test_many_beats_share_a_line_of_the_paper_legend_a_base() -> None:
    few = full_content().beats
    assert [group.label for group in legend_groups(drawn_beats(full_content()))] == [
        "Beat A",
        "Beat B",
        "Beat C",
    ]
    crowd = (*few, *(changed_beat(few[1], id=f"c{k}", worth=0.0) for k in range(MOST_LEGEND_BEATS)))
    groups = legend_groups(drawn_beats(full_content(beats=crowd)))
    assert [group.label for group in groups] == ["Beats A \N{EN DASH} L", "Beat M"]


def test_the_map_shows_each_tour_with_its_posts_in_order() -> None:
    item = interactive_map(full_content()).item
    drawn = _sources(item, "posts")
    assert [set(source["beat"]) for source in drawn] == [{"A"}, {"B"}, {"C"}]
    for source, tour in zip(drawn, drawn_beats(full_content()), strict=True):
        assert source["colour"][0] == tour.colour  # what a legend shows
        rim, top = source["colour"].index("#ffffff"), len(source["colour"]) - 1
        assert source["colour"][top] == tour.colour
        assert source["width"][rim] > source["width"][rim + tour.width.size]
    posts = _sources(item, "arrive")
    assert posts[1]["number"] == ["B1", "B2"]
    assert list(zip(posts[1]["arrive"], posts[1]["leave"], strict=True)) == [
        ("0:10", "1:10"),
        ("1:15", "2:15"),
    ]
    (base,) = _sources(item, "beats")
    assert base["beats"] == ["A, B", "C"]


def test_a_click_on_its_letter_hides_all_of_a_beat() -> None:
    item = interactive_map(full_content()).item
    own = [legend for legend in _models(item, "Legend") if legend.get("title") == "Beats"]
    assert [legend["name"] for legend in own] == ["wide", "narrow"]
    for legend in own:
        lines = _models(legend["items"], "LegendItem")
        assert [line["label"]["value"] for line in lines] == ["A", "B", "C"]
        # tour, posts, letters, and the lines to them
        assert all(len(line["renderers"]) == 4 for line in lines)


@pytest.mark.slow
def test_a_small_screen_letters_the_first_post_where_there_are_many() -> None:
    few = full_content().beats
    crowd = (
        *few,
        *(changed_beat(few[0], id=f"c{k}") for k in range(POSTS_LETTERED["narrow"] // 2)),
    )
    item = interactive_map(full_content(beats=crowd)).item
    wide: dict[str, dict[str, list[Any]]] = {}
    # letters on each screen, by the letter of their beat
    narrow: dict[str, dict[str, list[Any]]] = {}
    for source in _sources(item, "right"):
        if "number" in source and source["number"][0][0].isalpha():
            seen = narrow if source["number"][0][0] in wide else wide
            seen[source["number"][0][0]] = source
    assert len(wide) == len(narrow) == len(crowd)
    assert all(len(source["number"]) == len(source["right"]) for source in narrow.values())
    assert {right for source in narrow.values() for right in source["right"][1:]} == {AWAY}
    own = _sources(interactive_map(full_content()).item, "right")
    others = [
        source["right2"][1:] for source in own if "number" in source and source["number"][0] == "B1"
    ]
    assert len(others) == 2  # one a screen
    assert AWAY not in others[1]  # when it is closer


@pytest.mark.slow
def test_without_beats_nothing_is_said_of_them() -> None:
    content = full_content(beats=(), layouts=())
    html = page(content, {})
    assert "beats-driven" not in html
    assert "white rim" not in html
    item = interactive_map(content).item
    assert not [legend for legend in _models(item, "Legend") if legend.get("title") == "Beats"]


def _seen(colour: str, eye: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return CIELAB of a colour as an eye sees it."""
    code = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    linear = np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    xyz = to_xyz @ np.clip(eye @ linear, 0, 1) / (0.9505, 1.0, 1.089)
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


EYES = {  # Machado, Oliveira and Fernandes (2009), severity 1
    "all": np.eye(3),
    "protan": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deutan": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritan": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


@pytest.mark.parametrize("eye", EYES)
def test_colours_of_beats_differ_to_every_eye(eye: str) -> None:
    def apart(a: str, b: str) -> float:
        return float(np.linalg.norm(_seen(a, np.array(EYES[eye])) - _seen(b, np.array(EYES[eye]))))

    assert min(apart(a, b) for a, b in combinations(BEATS, 2)) > 28
    assert min(apart(a, b) for a in BEATS for b in (BEFORE, AFTER, "#ffffff")) > 19
    assert min(apart(a, b) for a in BEATS for b in RISK) > 9
    assert apart(BEFORE, AFTER) > 30
    assert min(apart(a, b) for scale in (RISK, WIDTH, EFFORT) for a, b in pairwise(scale)) > 10


def test_what_carries_meaning_stands_out_from_paper() -> None:
    def contrast(colour: str) -> float:
        code = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
        linear = np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)
        return float(1.05 / (linear @ (0.2126, 0.7152, 0.0722) + 0.05))

    lines = (
        *RISK,
        *WIDTH,
        *EFFORT,
        *BEATS,
        BEFORE,
        AFTER,
        BOUND,
        BORDER,
        ROAD,
        MINOR_ROAD,
        UNSEARCHED,
        ELSEWHERE,
        TODAY,
    )
    marks = [
        max((symbol.fill[:7], symbol.line), key=contrast)
        for symbol in (*SITES.values(), GATEWAY, SETTLEMENT, BASE, LOOK)
    ]
    assert min(contrast(colour) for colour in (*lines, *marks)) >= 3


@pytest.fixture(scope="module")
def briefed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Planned, ReportContent]:
    """Return a plan and what its report was given, without drawing it."""
    folder = tmp_path_factory.mktemp("tiny")
    given: list[ReportContent] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("optimizer.report.write_report", lambda _, content: given.append(content))
        scenario = write_scenario(folder, SHORT)
        planned = plan_scenario(scenario, folder / "out", options={"gap": 0.0, "time_limit": 20.0})
    return planned, given[0]


@pytest.fixture
def planned(briefed: tuple[Planned, ReportContent]) -> Planned:
    return briefed[0]


@pytest.fixture
def content(briefed: tuple[Planned, ReportContent]) -> ReportContent:
    return briefed[1]


def _plan(planned: Planned) -> Plan:
    assert planned.result.plan is not None
    return planned.result.plan


@pytest.mark.slow
def test_every_beat_of_the_plan_reaches_the_report_with_its_worth(
    planned: Planned, content: ReportContent
) -> None:
    driven = {beat.id: beat for beat in _plan(planned).beats}
    instance = planned.comparison.instance
    assert content.beats
    assert {beat.id for beat in content.beats} == set(driven)
    network, value = content.network, planned.comparison.plan.value
    placed = instance.placed(planned.result.plan.options if planned.result.plan else ())
    for beat in content.beats:
        made = driven[beat.id]
        assert list(beat.arcs) == list(made.route)
        assert (network.tail[beat.arcs[1:]] == network.head[beat.arcs[:-1]]).all()
        assert beat.dwell_s == 1800 * sum(made.slots)
        assert beat.drive_s == pytest.approx(
            network.time_s[beat.arcs].sum(), abs=len(beat.arcs) + 1
        )
        without = placed.copy()
        without[instance.option_index[beat.id]] = False
        assert beat.entry.worth == pytest.approx(plan_value(instance, without) - value, abs=1e-12)
        assert beat.costs == {"teams": Amount(0.25)}  # what it takes beside the team itself


def test_sites_and_beats_alone_stand_beside_the_plan(
    planned: Planned, content: ReportContent
) -> None:
    instance, sites = planned.comparison.instance, len(planned.compiled.instance.options)
    placed = instance.placed(planned.result.plan.options if planned.result.plan else ())
    fixed = np.arange(placed.size) < sites
    layouts = {row.name: row for row in content.layouts}
    assert layouts["Its sites alone"].value == pytest.approx(
        plan_value(instance, placed & fixed), abs=1e-12
    )
    assert layouts["Its beats alone"].value == pytest.approx(
        plan_value(instance, placed & ~fixed), abs=1e-12
    )
    counts = {name: (row.sites, row.beats) for name, row in layouts.items()}
    driven = len(content.beats)
    assert counts["This plan"] == (int(placed[fixed].sum()), driven)
    assert counts["Its sites alone"] == (counts["This plan"][0], 0)
    assert counts["Its beats alone"] == (0, driven)
    assert counts["Today's layout"] == (1, 0)
    assert counts["Every site used, with these beats"] == (sites, driven)


def test_what_is_assumed_of_teams_and_people_is_said(
    planned: Planned, content: ReportContent
) -> None:
    words = " ".join(content.assumptions).replace(SPACE, " ")
    assert "Of 6.5 teams (Police) 50 % are on duty and free: 3.25 may be placed." in words
    assert "60 %" in words
    assert "count as independent" in words
    assert "do not cross the border" in words
    result = planned.result
    assert result.weighed is not None
    assert content.summary.beats == BeatBound(
        lower=result.lower, gap=result.gap, exact=result.pricing_proven, weighed=result.weighed
    )
    assert (content.summary.lower, content.summary.gap) == (
        result.weighed_lower,
        result.weighed_gap,
    )
    bare = replace(planned.compiled, instance=replace(planned.compiled.instance, patrols=None))
    fixed = replace(result, plan=Plan(_plan(planned).fixed))
    alone = briefing(
        bare, planned.plan.model_copy(update={"beats": []}), fixed, planned.comparison, ()
    )
    assert alone.beats == ()
    assert "count as independent" not in " ".join(alone.assumptions)


def test_a_hostile_team_stays_text(content: ReportContent) -> None:
    html = page(content, {})
    assert HOSTILE not in html
    assert "<b>Co</b>" not in html
    table = html[html.index('<table id="beats">') :]
    assert HOSTILE in unescape(table[: table.index("</table>")])


def test_people_are_told_of_beats(
    briefed: tuple[Planned, ReportContent],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    planned, content = briefed
    monkeypatch.setenv("COLUMNS", "250")
    _show(planned)
    out = capsys.readouterr().out
    first: BeatRow = content.driven[0]
    assert "no plan within the budgets" in out
    assert f"A: {HOSTILE}" in out
    for stop in first.stops:
        road = stop.label.removesuffix(f" ({stop.lat:.3f}, {stop.lon:.3f})")
        assert f"{road}, {clock(stop.arrive_s)} to {clock(stop.leave_s)}" in out
    assert "with these beats" in out
    assert "against every beat (it has no certificate); within the beats weighed" in verdict(
        planned.result
    )
    assert "against every beat" not in verdict(replace(planned.result, weighed=None))


def test_tools_get_the_bound_over_every_beat_and_with_teams_that_within_the_beats_weighed(
    planned: Planned, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = json.loads((planned.folder / "plan.json").read_text())
    without = replace(planned.result, weighed=None, weighed_lower=None)
    for result in (planned.result, without):
        monkeypatch.setattr(
            "optimizer.pipeline.plan.plan_scenario",
            lambda *_, r=result, **__: replace(planned, result=r),
        )
        (line,) = run(
            capsys, monkeypatch, "plan", "any.toml", "--out", planned.folder, "--json"
        ).objects
        assert (line["lower"], line["gap"]) == (plan["lower"], plan["gap"])
        more = ["weighed_lower", "weighed_gap"] if result.weighed is not None else []
        assert list(line)[-5 - len(more) :] == [
            "seed",
            "tolerance",
            "version",
            *more,
            "out",
            "warnings",
        ]
        if more:
            weighed = plan["weighed_beats"]
            assert (line["weighed_lower"], line["weighed_gap"]) == (
                weighed["lower"],
                weighed["gap"],
            )


def test_a_record_of_areas_alone_still_says_where_to_look(
    planned: Planned, content: ReportContent
) -> None:
    assert content.look_next is not None
    compiled = planned.compiled
    assert {row.segment for row in content.look_next.rows} == set(
        range(compiled.region.network.n_segments)
    )
    scores = [row.score or 0.0 for row in content.look_next.rows]
    assert scores == sorted(scores, reverse=True)
    assert min(scores) > 0
    assert all(row.reason for row in content.look_next.rows)


def test_a_usual_month_is_the_effort_over_the_months(planned: Planned) -> None:
    from optimizer.records.model import spread_effort
    from optimizer.risk.field_flow.model import FieldFlow

    compiled = planned.compiled
    assert isinstance(compiled.model, FieldFlow)
    usual = usual_patrol(compiled.model, compiled.region.network)
    amount = spread_effort(compiled.effort, compiled.region.network).amount[0]
    assert usual.unit == "hours"
    # the record covers one year
    assert usual.amount == pytest.approx(np.median(amount[amount > 0]) / 12, rel=0.02)


def test_where_to_look_is_left_out_where_nothing_says_what_a_search_finds(
    planned: Planned, monkeypatch: pytest.MonkeyPatch
) -> None:
    travel = planned.compiled.travel
    for silent in (
        replace(travel, evidence=replace(travel.evidence, effort=None)),
        replace(travel, risk=None),
    ):
        assert look_next(replace(planned.compiled, travel=silent)) is None
    assert look_left_out(planned.compiled) == []
    monkeypatch.setattr("optimizer.analysis.search_advice.search_advice.LARGEST", 3)
    assert look_next(planned.compiled) is None
    assert "8 segments" in look_left_out(planned.compiled)[0]
