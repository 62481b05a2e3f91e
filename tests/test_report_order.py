"""The first page: an order by agency, what it buys against today, what stays open, how
sure it is; and what people call a spot.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import shapely

from optimizer.base.text.formatting import DASH, SPACE, Amount, ValueText
from optimizer.problem.files.plan_file import LayoutValues, MobilityValues, RestsOn
from optimizer.problem.network.places import NamedPlace
from optimizer.report.content.comparison import BudgetRow, MobilityRow
from optimizer.report.content.first_page import command_order
from optimizer.report.content.placements import (
    ShiftClock,
    SiteRow,
    beats_table,
    chosen_table,
)
from optimizer.report.content.report_content import ReportContent
from optimizer.report.content.routes import ResidualRoute, SwapFacts
from optimizer.report.content.summary import not_enough
from optimizer.report.maps.geography import border_parts, known_places
from optimizer.report.maps.place_names import PlaceNames
from optimizer.report.page import page, small_map
from tests.report_case import changed_beat, changed_site, full_content, site_row

pytestmark = pytest.mark.report

WAY = ResidualRoute(
    start="Gate One",
    end="Hightown",
    roads=("R1", "R2"),
    past=("Low pass",),
    through=0.4,
    contribution=0.28,
)


def _site(name: str, **changes: Any) -> SiteRow:
    fields: dict[str, Any] = {
        "id": name,
        "label": name,
        "kind": "checkpoint",
        "lon": 1.6,
        "lat": 42.6,
        "agency": "Guard",
    }
    return site_row(**(fields | changes))


def _changed() -> ReportContent:
    """Return a plan that opens, keeps, closes, and changes the kind of one site."""
    return full_content(
        sites=(
            _site(
                "a",
                chosen=True,
                worth=0.3,
                type="road post",
                road="R1, primary; 20 m away",
                where="near Hightown",
            ),
            _site("b", chosen=True, existing=True, worth=0.2),
            _site("c", existing=True, agency="Customs"),
            _site(
                "d:new",
                site="d",
                place="Old mill",
                chosen=True,
                type="permanent",
                other_type="tactical",
                worth=0.1,
            ),
            _site(
                "d:old",
                site="d",
                place="Old mill",
                existing=True,
                type="tactical",
                other_type="permanent",
            ),
            _site("e"),
        ),
        beats=(),
    )


def test_each_site_is_ordered_once_and_a_change_of_kind_is_neither_closed_nor_new() -> None:
    order = command_order(_changed())
    # what brings most comes first
    assert [group.agency for group in order.groups] == ["Guard", "Customs"]
    lines = [
        (line.action, line.number, line.place, line.mark)
        for group in order.groups
        for line in group.lines
    ]
    assert lines == [
        ("open", "1", "a", "site-a"),
        ("change", "2", "Old mill", "site-d:new"),
        ("keep", "4", "b", "site-b"),
        ("close", "3", "c", "site-c"),
    ]
    without = {line.place: line.without for group in order.groups for line in group.lines}
    assert without == {"a": "+30.0", "Old mill": "+10.0", "b": "+20.0", "c": DASH}
    assert [[line.place for line in group.kept] for group in order.groups] == [["b"], []]
    details = {line.place: line.details for group in order.groups for line in group.lines}
    assert details["a"] == "road post; R1, primary; 20 m away; near Hightown"
    assert details["Old mill"] == "from tactical to permanent"
    assert order.summary == "Open 1, change 1, close 1, keep 1 of the sites below."


def test_how_to_read_the_lines_says_what_comes_first_and_when_closing_must_come_before_opening() -> (
    None
):
    def closing(agency: str, budget: float | None) -> list[str]:
        rows = tuple(
            BudgetRow(
                resource="agents", agency=name, unit="agents a shift", used=10.0, budget=budget
            )
            for name in ("Guard", "Customs")
        )
        sites = (
            _site(
                "c", existing=True, agency=agency, costs={"agents": Amount(5.0, "agents a shift")}
            ),
        )
        return _spaced(*command_order(replace(_changed(), sites=sites, budgets=rows)).reading)

    first, *others = command_order(_changed()).reading
    assert first.startswith("Numbered in the order in which to act: closing first")
    # nothing is known of what it frees
    assert not any("Close before you open" in line for line in others)
    assert "can exceed the whole gain" in " ".join(others)
    assert "Close before you open: until then 3 agents a shift are missing." in closing(
        "Guard", 12.0
    )
    # enough, no limit, nobody's budget
    for agency, budget in (("Guard", 15.0), ("Guard", None), ("Police", 12.0)):
        assert not any("Close before you open" in line for line in closing(agency, budget))
    assert command_order(full_content(sites=(), beats=())).reading == ()


def test_the_page_says_which_sites_to_close_for_the_first_that_opens() -> None:
    def said(*freed: float, agency: str = "Guard") -> str:
        row = BudgetRow(
            resource="agents", agency="Guard", unit="agents a shift", used=10.0, budget=10.0
        )
        opens = _site("o", chosen=True, worth=0.3, costs={"agents": Amount(5.0, "agents a shift")})
        closes = [
            _site(
                f"c{k}",
                existing=True,
                agency=agency,
                costs={"agents": Amount(amount, "agents a shift")},
            )
            for k, amount in enumerate(freed)
        ]
        content = replace(_changed(), sites=(opens, *closes), budgets=(row,))
        return " ".join(_spaced(*command_order(content).reading))

    assert (
        "Close before you open, 2 before 3: until all are closed 9 agents a shift are missing."
        in said(4.0, 5.0)
    )
    assert "Close before you open, 1, 3 before 4: until all" in said(3.0, 1.0, 4.0)
    # that is not enough
    assert "Close before you open: until then 4 agents a shift are missing." in said(1.0, 3.0)
    assert "Close" not in said(9.0, agency="Customs")


def test_an_order_goes_on_beyond_one_sheet_by_the_letters_of_what_it_says() -> None:
    order = command_order(full_content())
    assert not order.long
    first, *_ = order.groups
    assert replace(order, groups=(replace(first, lines=first.lines * 60),)).long
    assert replace(order, reading=("How to read it. " * 1000,)).long


def test_beats_are_ordered_with_where_and_when() -> None:
    lines = [
        line
        for group in command_order(full_content()).groups
        for line in group.lines
        if line.action == "drive"
    ]
    # B is the Guard's, the others nobody's
    assert [line.number for line in lines] == ["A", "C", "B"]
    assert lines[2].place == "Post 8; 1 more post"
    assert (
        lines[2].details
        == "Mobile team from Fort, out 0:00\N{EN DASH}2:30; 0:10\N{EN DASH}1:10 Post 8;"
        " 1:15\N{EN DASH}2:15 Post 13"
    )
    assert "out 0:00\N{EN DASH}1:02" in next(
        line.details for line in lines if "Lodge" in line.details
    )


def test_times_of_beats_are_by_the_clock_of_a_shift_where_one_is_known() -> None:
    content = full_content()
    shift = ShiftClock("Late", 22 * 3600.0, 8.0, ("06:00", "14:00"))
    late = replace(
        content,
        beats=tuple(
            replace(
                beat, shift=shift, entry=beat.entry.model_copy(update={"sets_out_minute": 240.0})
            )
            for beat in content.beats
        ),
    )
    order = command_order(late)
    details = " ".join(line.details for group in order.groups for line in group.lines)
    # four hours after ten in the evening, and two and a half hours out
    assert "out 02:00\N{EN DASH}04:30" in details
    assert (
        "Times of beats are those of the shift Late (from 22:00, 8 hours); in the shifts from"
        " 06:00 and 14:00 they are as much later."
    ) in order.reading
    assert (
        "Times of beats count from the start of the shift (h:mm)." in command_order(content).reading
    )
    assert "02:00" in beats_table(late).rows[0]


def test_what_is_worth_little_is_folded_and_what_is_worth_much_has_a_line_of_its_own() -> None:
    content = full_content()
    small = [changed_beat(beat, worth=0.001) for beat in content.beats[:2]]
    sites = tuple(
        _site(name, chosen=True, worth=worth, type="road post")
        for name, worth in (("a", 0.058), ("b", 0.0012), ("c", 0.0004), ("d", 0.0016))
    )
    one = replace(content, sites=sites, beats=(small[0],))
    lines = [line for group in command_order(one).groups for line in group.lines]
    assert [(line.action, len(line.parts)) for line in lines if line.action == "drive"] == [
        ("drive", 0)  # alone it is not folded
    ]
    opened = [line for line in lines if line.action == "open"]
    assert [(line.place, [part.place for part in line.parts]) for line in opened] == [
        ("a", []),
        ("d", []),
        (f"2{SPACE}sites of 0.1 points or less each:", ["b", "c"]),
    ]
    html = page(replace(content, sites=sites, beats=()), {})
    for name in "bc":  # each is ordered by its number, and leads to its mark
        assert f'data-mark="site-{name}"' in html
    unknown = [replace(site, entry=site.entry.model_copy(update={"worth": None})) for site in sites]
    none = command_order(replace(content, sites=tuple(unknown), beats=()))
    assert not any(line.parts for group in none.groups for line in group.lines)


def test_what_is_worth_next_to_nothing_has_no_line_of_its_own_and_is_done_last() -> None:
    content = full_content()
    sites = (
        _site("a", chosen=True, worth=0.058, type="road post"),
        _site("b", chosen=True, worth=0.0004, type="road post"),
        _site("k", chosen=True, existing=True, worth=0.0001, type="road post"),
    )
    beat = changed_beat(content.beats[0], worth=0.0003)
    order = command_order(replace(content, sites=sites, beats=(beat,)))
    lines = [line for group in order.groups for line in group.lines]
    assert [(line.action, line.place, len(line.parts)) for line in lines if line.parts] == [
        (action, f"1{SPACE}{what}, each of less than 0.05 points, last or not at all:", 1)
        for action, what in (("open", "site"), ("drive", "beat"))
    ]
    assert [line.place for line in lines if line.action == "keep"] == ["k"]  # it stands anyhow
    html = page(replace(content, sites=sites, beats=(beat,)), {})
    assert 'data-mark="site-b"' in html


def test_numbers_follow_the_lines_of_the_page() -> None:
    content = full_content()
    sites = tuple(
        _site(
            f"s{k}",
            agency=f"A{k % 3}",
            chosen=k % 4 != 0,
            existing=k % 2 == 0,
            worth=0.01 * (k + 1),
        )
        for k in range(12)
    )
    order = command_order(replace(content, sites=sites, beats=()))
    read = [line for group in order.groups for line in group.changes]
    read += [line for group in order.groups for line in group.kept]
    assert [int(line.number) for line in read] == list(range(1, len(read) + 1))
    for group in order.groups:
        actions = [line.action for line in group.lines]
        assert actions == sorted(actions, key=["close", "open", "keep"].index)


def test_a_plan_of_nothing_is_an_order_of_nothing() -> None:
    order = command_order(full_content(sites=(), beats=()))
    assert order.groups == ()
    assert order.summary == "No order: the plan places nothing and closes nothing."


def test_it_is_compared_with_today_and_with_nothing() -> None:
    content = full_content()
    buys = [line.replace(SPACE, " ") for line in command_order(content).buys]
    assert buys == [
        (
            "Against today\N{RIGHT SINGLE QUOTATION MARK}s layout (45.0 %): 13.8 percentage points"
            " less gets through, 31 % of it."
        ),
        "Against nothing placed (80.0 %): 48.8 percentage points less gets through, 61 % of it.",
    ]
    worse = command_order(replace(content, summary=replace(content.summary, existing=0.3))).buys
    assert "1.2 percentage points MORE gets through" in worse[0]
    none = command_order(replace(content, summary=replace(content.summary, existing=None))).buys
    assert "no layout of today to compare with" in none[-1]


def test_what_one_site_out_of_work_costs_at_most_is_said_where_all_are_valued() -> None:
    first, second = _site("a", chosen=True, worth=0.05), _site("b", chosen=True, worth=0.12)
    (said,) = command_order(replace(_changed(), sites=(first, second), residual_routes=())).open
    assert "at most 12.0 percentage points more" in said.replace(SPACE, " ")
    unknown = _site("c", chosen=True, worth=None)
    content = replace(_changed(), sites=(first, second, unknown), residual_routes=())
    assert command_order(content).open == ()


def test_the_routes_left_are_said_in_words() -> None:
    order = command_order(full_content(residual_routes=(WAY, replace(WAY, roads=(), past=()))))
    assert [line.replace(SPACE, " ") for line in order.open[1:]] == [
        f"Gate One to Hightown by {how}: 40 % of the loads on it get through; these are, with"
        " others by these roads, 28.0 % of all loads."
        for how in ("R1, R2, past Low pass", "roads without a name, past no site of the plan")
    ]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"summary": {"lower": None}}, "How much better another plan could be was not proven."),
        ({"summary": {"lower": 0.3118}}, "that is proven"),
        (
            {"summary": {"lower": 0.1}},
            (
                "up to 21.2 percentage points less through is not ruled out. That is more than this"
                " plan gains on today."
            ),
        ),
        ({"risk": None}, "No record of seizures stands behind it"),
        (
            {"swaps": SwapFacts(tried=5, close=0.003, sites=(("a", "b"),))},
            "1 of 2 sites can each be exchanged",
        ),
        ({"swaps": SwapFacts(tried=5, close=0.003, sites=())}, "others were not tried"),
        (
            {"rests_on": ("Of 2 sites 1 rests on the record.", "How that is told.")},
            "Of 2 sites 1 rests on the record.",
        ),
    ],
)
def test_how_sure_it_is_stands_in_plain_words(changes: dict[str, Any], said: str) -> None:
    content = full_content()
    if "summary" in changes:
        changes = {"summary": replace(content.summary, **changes["summary"])}
    assert said in " ".join(command_order(replace(content, **changes)).sure).replace(SPACE, " ")


@pytest.mark.parametrize(
    ("before", "after"), [(0.76272, 0.72738), (0.76268, 0.72746), (0.63, 0.62996), (0.7, 0.75)]
)
def test_what_is_shown_adds_up(before: float, after: float) -> None:
    content = full_content()
    values = replace(content.summary, existing=before, upper=after, lower=0.52004)
    order = command_order(replace(content, summary=values))
    said = order.figures[0]
    first, second = (float(text) for text in re.findall(rf"([\d.]+){SPACE}%", said.sentences[0]))
    apart = round(abs(first - second), 1)
    points = f"{apart:.1f}" if apart else "<0.1"
    assert said.figure == f"{points} points"
    assert f"{points} percentage points" in order.buys[0]
    bar, box = not_enough(replace(content, summary=values))[0], order.figures[2].figure
    lower, upper = (float(text) for text in re.findall(rf"([\d.]+){SPACE}%", bar))
    assert upper == second
    assert lower <= 52.0  # rounded down, and never above what is proven
    assert f"at most {upper - lower:.1f} points" in box


def test_what_is_shown_of_other_units_adds_up() -> None:
    text = ValueText(share=False)
    assert text.less(1234.4, 1000.6) == 233.0  # 1,234 less 1,001
    assert text.less(5.0, 5.0) == 0.0


def test_the_range_of_the_gain_stands_beside_the_figure_and_holds_the_gain() -> None:
    content = full_content()
    assert command_order(content).figures[0].over == ""
    wide = LayoutValues(existing=0.45, plan=0.40)
    row = MobilityValues(mobility=0.0, existing=0.45, plan=0.3118, nothing=0.8, low_detection=wide)
    shown = command_order(replace(content, mobility=(MobilityRow(row, assumed=True),))).figures[0]
    assert shown.over == "(5.0 to 13.8)"
    worse = row.model_copy(update={"low_detection": LayoutValues(existing=0.45, plan=0.452)})
    ends = command_order(replace(content, mobility=(MobilityRow(worse, assumed=True),))).figures[0]
    assert ends.over == "(a loss of 0.2 to a gain of 13.8)"
    html = page(replace(content, mobility=(MobilityRow(row, assumed=True),)), {})
    assert re.search(r'class="amount">[^<]*<span class="over">\(5.0 to 13.8\)</span>', html)


def test_the_cost_of_today_stands_beside_that_of_the_plan_without_false_digits() -> None:
    content = full_content()
    agents, money = content.budgets
    rows = (replace(agents, today=1000.0), replace(money, used=587.53, budget=599.1, today=0.0))
    cost = command_order(replace(content, budgets=rows)).figures[1]
    assert _spaced(cost.figure, cost.over) == [
        "1,100 officers a shift",
        "(1,000 today, limit 1,200)",
    ]
    assert " " not in cost.over  # it is on one line, or on the next as a whole
    assert _spaced(*cost.sentences) == ["588 money (0 today, limit 599)."]


def test_three_figures_say_what_gets_through_what_it_costs_and_how_far_it_may_be_from_the_best() -> (
    None
):
    through, cost, short = command_order(full_content()).figures
    assert (through.title, through.figure) == ("What the plan gains on today", "13.8 points")
    assert through.further == (f"With nothing placed: 80.0{SPACE}%.",)
    assert through.sentences == (
        f"45.0{SPACE}% of loads get through today, 31.2{SPACE}% with the plan.",
        *through.further,
    )
    assert _spaced(cost.figure, cost.over, *cost.sentences) == [
        "1,100 officers a shift",
        "(limit 1,200)",
        "2.5 money.",
    ]
    # of 0.22: a bound is rounded up, as it claims no more than was proven
    assert short.figure == "at most 0.3 points"
    assert short.further == (
        "No plan within these budgets gains more than that on this one, by the model.",
    )
    assert short.sentences == (*short.further, HOLDS)


HOLDS = "All this is by the model; how far it is right is not known."


@pytest.mark.parametrize(
    ("taken", "said"), [(2.0, "(limit 20), with 6 of the 157."), (0.0, "(limit 20).")]
)
def test_teams_say_how_many_of_the_people_they_take(taken: float, said: str) -> None:
    content = full_content()
    rows = tuple(
        BudgetRow(resource=name, unit=f"{name} a shift", used=used, budget=most)
        for name, used, most in (("agents", 157.0, 164.0), ("teams", 3.0, 20.0))
    )
    beats = tuple(
        replace(beat, costs={"agents": Amount(taken, "agents a shift")}) for beat in content.beats
    )
    cost = command_order(replace(content, budgets=rows, beats=beats)).figures[1]
    assert _spaced(*cost.sentences) == [f"3 teams a shift {said}"]


def test_a_resource_of_several_agencies_is_added_up_and_no_limit_of_one_is_no_limit() -> None:
    content = full_content()
    one = content.budgets[0]
    both = command_order(
        replace(content, budgets=(one, replace(one, agency="Customs", used=100.0)))
    ).figures[1]
    assert _spaced(both.figure, both.over) == ["1,200 officers a shift", "(limit 2,400)"]
    free = command_order(
        replace(content, budgets=(one, replace(one, agency="Customs", budget=None)))
    ).figures[1]
    assert _spaced(free.figure, free.over) == ["2,200 officers a shift", ""]


@pytest.mark.parametrize(
    ("changes", "figure"),
    [
        ({"lower": 0.3118}, "nothing: proven"),
        # proven is relative to the value
        ({"upper": 1e-7, "lower": 0.0, "existing": 0.9}, "at most 0.1 points"),
        # more than the plan gains on today
        ({"lower": 0.05}, "not yet known: at most 26.2 points"),
        ({"lower": None}, "not known"),
        ({"lower": 0.0, "method": "given"}, "not known"),
    ],
)
def test_how_far_from_the_best_is_said_from_bounds_alone(
    changes: dict[str, Any], figure: str
) -> None:
    content = full_content()
    changed = replace(content, summary=replace(content.summary, **changes))
    assert command_order(changed).figures[2].figure == figure


def _spaced(*texts: str) -> list[str]:
    return [text.replace(SPACE, " ") for text in texts]


def test_what_is_closed_says_what_it_frees() -> None:
    site = _site(
        "c", existing=True, costs={"agents": Amount(12.0, "agents a shift"), "money": Amount(3.0)}
    )
    (group,) = command_order(replace(_changed(), sites=(site,))).groups
    assert _spaced(group.lines[0].without) == ["frees 12 agents a shift"]


def test_the_order_names_no_option_of_the_command_and_the_folded_part_does() -> None:
    content = full_content()
    order = command_order(replace(content, summary=replace(content.summary, lower=0.05)))
    assert "--time-limit" in " ".join(order.sure)
    html = page(replace(content, summary=replace(content.summary, lower=0.05)), {})
    assert "Let the program search longer" in html
    assert "--time-limit" not in html[html.index("<main>") : html.index('class="why"')]
    assert "--time-limit" not in " ".join(command_order(content).sure)


def test_the_largest_hole_is_one_sentence() -> None:
    assert command_order(full_content(residual_routes=())).hole == ""
    hole = command_order(full_content(residual_routes=(WAY,))).hole.replace(SPACE, " ")
    assert (
        hole
        == "28.0 % of all loads get through, such as from Gate One to Hightown by R1, R2, past Low"
        " pass."
    )
    inland = replace(WAY, entry="Low bridge", inland=("R2",))
    assert (
        _hole(inland)
        == "28.0 % of all loads get through like this: enter at Low bridge, then R2 to Hightown,"
        " past Low pass."
    )
    assert "enter at Low bridge (reached by R1), then R2 to Hightown" in _hole(
        replace(inland, outside=("R1",))
    )
    long = "Carretera de la Fuente Vieja al Puente de los Remedios"
    assert f"by {long}, past" in _hole(replace(WAY, roads=(long,)))


def _hole(way: ResidualRoute) -> str:
    return command_order(full_content(residual_routes=(way,))).hole.replace(SPACE, " ")


def test_towns_that_the_hole_is_told_by_are_named_first_on_the_small_map() -> None:
    far = replace(WAY, end="Sidetown", entry="Low bridge")
    towns = small_map(full_content(residual_routes=(far,)))
    assert towns is not None
    assert towns.towns[0].text == "Sidetown"  # Hightown is the larger
    others = small_map(full_content(residual_routes=(WAY,)))
    assert others is not None
    assert others.towns[0].text == "Hightown"


def test_the_small_map_shows_what_is_ordered_and_nothing_where_nothing_is() -> None:
    drawn = small_map(replace(_changed(), residual_routes=()))
    assert drawn is not None
    marks = [("1", "open"), ("2", "change"), ("3", "close"), ("4", "keep")]
    assert sorted((mark.text, mark.action) for mark in drawn.marks) == marks
    assert drawn.hole == ""
    along = small_map(
        full_content(residual_routes=(replace(WAY, arcs=np.arange(full_content().network.n_arcs)),))
    )
    assert along is not None
    assert along.hole.startswith("M")
    assert all(0 <= mark.x <= drawn.width and 0 <= mark.y <= drawn.height for mark in drawn.marks)
    assert drawn.roads.startswith("M")
    assert small_map(full_content(sites=(), beats=())) is None


def test_the_small_map_marks_where_the_hole_enters_and_letters_beats_on_their_roads() -> None:
    content = full_content(residual_routes=(replace(WAY, entry="Port One"),))
    drawn, unknown = small_map(content), small_map(full_content(residual_routes=(WAY,)))
    assert drawn is not None
    assert unknown is not None
    assert drawn.entry is not None
    assert unknown.entry is None
    assert 'class="hole-entry"' in page(content, {})
    assert drawn.beats.startswith("M")
    at = {mark.text: (mark.at_x, mark.at_y) for mark in drawn.marks if mark.action == "drive"}
    assert len(set(at.values())) == len(content.beats)  # two of them share a base


def test_the_record_that_does_not_show_which_roads_are_riskier_says_so_in_a_place_of_its_own() -> (
    None
):
    content = full_content()
    assert content.risk is not None
    wide = replace(
        content.risk, low=np.zeros_like(content.risk.low), high=np.full_like(content.risk.high, 9.0)
    )
    order = command_order(replace(content, risk=wide))
    said = "The record does not show which searched roads are riskier. No search is on record for 2"
    assert order.record[0].startswith(said)
    assert said in " ".join(order.sure)
    assert (
        said
        in page(replace(content, risk=wide), {}).partition('class="record"')[2].partition("</p>")[0]
    )


def test_what_sites_rest_on_is_one_line_of_the_order_and_a_column_of_their_table() -> None:
    content = replace(
        _changed(), rests_on=("Of 3 sites 1 rests on the record.", "How that is told.")
    )
    assert content.rests_on[0] in command_order(content).record
    assert content.rests_on[1] not in (*command_order(content).record, *command_order(content).sure)
    assert "Rests on" not in [column.header for column in chosen_table(content).columns], (
        "nothing is told of any"
    )
    on: dict[str, RestsOn] = {"a": "record", "b": "gravity"}
    told = replace(
        content, sites=tuple(changed_site(site, rests_on=on.get(site.id)) for site in content.sites)
    )
    table = chosen_table(told)
    at = [column.header for column in table.columns].index("Rests on")
    assert {row[2]: row[at] for row in table.rows} == {
        "a": "the record",
        "b": "assumed flows",
        "d:new": "not told",
    }
    assert " ".join(content.rests_on) in page(told, {})


def test_the_order_comes_before_anything_else() -> None:
    html = page(_changed(), {})
    body = html[html.index("<main>") :]
    assert (
        body.index("OPEN")
        < body.index("Signature")  # on one sheet of paper
        < body.index("How sure that is")
        < body.index('id="contents-title"')
    )
    assert (
        body.index('id="contents-title"') < body.index('id="map"') < body.index('id="sites-chosen"')
    )


def test_warnings_stand_between_the_signature_and_the_map() -> None:
    html = page(replace(_changed(), warnings=("Two sites stand on one road.",)), {})
    body = html[html.index("<main>") :]
    assert (
        body.index("Signature")
        < body.index("Two sites stand on one road.")
        < body.index('id="where-title"')
    )


def _names(*places: NamedPlace) -> PlaceNames:
    content = full_content()
    return PlaceNames(content.network, places or known_places(content.settlements, (), ()))


def test_a_segment_is_called_by_its_road_and_the_nearest_place() -> None:
    last = full_content().network.n_segments - 1
    assert _names().segment(last).text == "R39 near Hightown"
    assert _names().segment(0).text.replace(SPACE, " ") == "R0, 22 km south of Sidetown"
    assert _names(NamedPlace("", 1.5, 42.5)).segment(0).text == "R0 at 42.500, 1.525"


def test_a_place_far_away_is_never_near() -> None:
    far = NamedPlace("San Antonio", -98.49, 29.42)
    assert _names(far).where(-100.92, 29.33).replace(SPACE, " ") == "236 km west of San Antonio"
    bridge = NamedPlace("Del Rio Bridge", -100.92, 29.33, "crossing")
    assert _names(far, bridge).where(-100.93, 29.34) == "near Del Rio Bridge"
    # a bridge is not near itself
    assert "San Antonio" in _names(far, bridge).where(-100.93, 29.34, "Del Rio Bridge")


def test_a_town_is_named_before_a_crossing_that_is_nearer_and_states_never() -> None:
    town, bridge = NamedPlace("Town", 1.0, 42.0), NamedPlace("Bridge", 1.2, 42.0, "crossing")
    names = _names(town, bridge, NamedPlace("State", 1.21, 42.0, "state"))
    assert names.where(1.21, 42.0).replace(SPACE, " ") == "17 km east of Town"


@pytest.mark.parametrize(
    ("lon", "lat", "wind"),
    [(0.0, 1.0, "north"), (1.0, 0.0, "east"), (-0.5, -0.5, "south-west"), (179.5, 0.0, "west")],
)
def test_the_direction_is_that_from_the_place(lon: float, lat: float, wind: str) -> None:
    place = NamedPlace("Null", -179.9 if lon > 100 else 0.0, 0.0)
    assert f" {wind} of Null" in _names(place).where(lon, lat)


@pytest.mark.parametrize("shape", [shapely.LineString, shapely.Polygon])
def test_a_town_beyond_the_border_is_named_last(
    shape: type[shapely.LineString | shapely.Polygon],
) -> None:
    over, own = NamedPlace("Over", 1.0, 41.98), NamedPlace("Own", 1.0, 42.3)
    bridge = NamedPlace("Bridge", 1.1, 42.0, "crossing")
    border = border_parts(shape([(0.0, 42.0), (2.0, 42.0), (2.0, 41.0), (0.0, 41.0)]))
    network = full_content().network

    def where(*places: NamedPlace) -> str:
        return PlaceNames(network, places, border).where(1.0, 42.02).replace(SPACE, " ")

    assert where(over, own, bridge) == "31 km south of Own"
    assert where(over, bridge) == "near Bridge"
    assert where(over) == "near Over"  # better than degrees
