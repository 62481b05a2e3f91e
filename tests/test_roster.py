"""Rosters: every rule holds in every one, there is one exactly where brute force finds
one, and a report names the rule that fails.
"""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from itertools import combinations, product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.base.errors import InputError
from optimizer.base.work.listener import SilentListener
from optimizer.roster import making, solver
from optimizer.roster.calendar import first_day, slots_of
from optimizer.roster.infeasibility import MoreCrews, NoRosterError, impossible
from optimizer.roster.making import make_roster, subproblems_of
from optimizer.roster.model import Assignment, Duties, Duty, Roster, Rule
from optimizer.roster.solver import (
    Clock,
    Ended,
    RosterOutcome,
    RosterProblem,
    RosterProgram,
    ShortRoster,
    fewest_short,
    unevenness,
)
from optimizer.scenario.file.roster_model import Crew
from tests.children import started
from tests.examples import examples
from tests.roster_cases import FIRST, broken_rules, crew, duties, duty, shift

DAY, NIGHT = shift("day", "06:00", 12), shift("night", "18:00", 12)
THREE = (shift("early", "06:00", 8), shift("late", "14:00", 8), shift("night", "22:00", 8))


def test_a_duty_for_four_takes_one_crew_of_four_or_two_of_two() -> None:
    case = duties([DAY], [duty("a", "day", 4)], [crew("four", 4), crew("one", 2), crew("two", 2)])
    made = make_roster(case, FIRST, 1)
    assert broken_rules(made, FIRST, 1) == []
    sent = {
        frozenset(one.crew.id for one in made.assignments if one.day == FIRST + timedelta(days=k))
        for k in range(7)
    }
    assert sent <= {frozenset({"four"}), frozenset({"one", "two"})}
    assert len(sent) == 2  # evenness sends each of them


def test_nights_weekends_and_hours_are_spread_as_evenly_as_can_be() -> None:
    crews = [crew(f"c{k}", rest_hours=11, days_off=1, hours_a_week=48) for k in range(6)]
    made = make_roster(duties(THREE, [duty("a", s.id) for s in THREE], crews), FIRST, 1)
    assert made.status == "optimal"
    assert broken_rules(made, FIRST, 1) == []

    def spread(chosen: list[Assignment]) -> int:
        counts = [sum(one.crew.id == c.id for one in chosen) for c in crews]
        return max(counts) - min(counts)

    everything = list(made.assignments)
    assert spread(everything) <= 1  # 21 shifts over 6 crews
    assert spread([one for one in everything if one.shift.id == "night"]) <= 1
    assert spread([one for one in everything if one.day.weekday() >= 5]) <= 1


@pytest.mark.slow
def test_the_neighbourhood_search_evens_out_what_is_too_large_to_solve_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(solver, "WHOLE_PAIRS", 0)
    monkeypatch.setattr(solver, "PATIENCE", 2)
    crews = [crew(f"c{k}", rest_hours=11, days_off=1) for k in range(6)]
    case = duties(THREE, [duty("a", s.id) for s in THREE], crews)
    part = subproblems_of(case, slots_of(case, FIRST, 2), FIRST, 2)[0].problem
    clock = Clock(float("inf"))
    start = solver.first_roster(part, clock, 0).pairs
    made = make_roster(case, FIRST, 2)
    assert made.status == "feasible"
    assert broken_rules(made, FIRST, 2) == []
    position = {c.id: k for k, c in enumerate(crews)}
    asked = {
        (one.slot.day, one.duty.id): t
        for t, one in enumerate(subproblems_of(case, slots_of(case, FIRST, 2), FIRST, 2)[0].duties)
    }
    ended = [(position[one.crew.id], asked[one.day, one.duty.id]) for one in made.assignments]
    assert unevenness(part, ended) < unevenness(part, start)


def test_a_crew_goes_only_where_agency_base_and_training_fit() -> None:
    asked = [
        duty("a", "day", agency="north-police", travel={"north": 20}),
        duty("b", "day", kind="patrol", type="car", travel={"north": 90, "south": 0}),
    ]
    crews = [
        crew("p", agency="north-police", base="north", can=frozenset({"checkpoint"})),
        crew("q", base="south", can=frozenset({"car"})),
        crew("r", base="south", can=frozenset({"checkpoint"})),
    ]
    made = make_roster(duties([DAY], asked, crews), FIRST, 1)
    assert {(one.crew.id, one.duty.option, one.base) for one in made.assignments} == {
        ("p", "a", "north"),
        ("q", "b", "south"),
    }
    assert broken_rules(made, FIRST, 1) == []


@pytest.mark.slow
def test_rest_counts_from_back_at_base_to_leaving_it() -> None:
    rest: dict[str, Any] = {"rest_hours": 12, "base": "north"}
    near = [duty("a", s.id, travel={"north": 0}) for s in (DAY, NIGHT)]
    make_roster(duties([DAY, NIGHT], near, [crew("p", **rest), crew("q", **rest)]), FIRST, 1)
    far = [duty("a", s.id, travel={"north": 1}) for s in (DAY, NIGHT)]
    with pytest.raises(NoRosterError) as refused:
        make_roster(duties([DAY, NIGHT], far, [crew("p", **rest), crew("q", **rest)]), FIRST, 1)
    assert refused.value.reports[0].rule == "rest"


def test_a_duty_that_begins_later_ends_later_and_rest_counts_from_then() -> None:
    rest: dict[str, Any] = {"rest_hours": 12}
    asked = [duty("a", "day"), duty("b", "night").model_copy(update={"later": 90.0})]
    made = make_roster(
        duties([DAY, NIGHT], asked, [crew("p", **rest), crew("q", **rest)]), FIRST, 1
    )
    late = [one for one in made.assignments if one.duty.option == "b"]
    assert {f"{one.start:%H:%M}-{one.end:%H:%M}" for one in late} == {"19:30-07:30"}
    assert len({one.crew.id for one in late}) == 1  # who is back at 07:30 may not begin at 18:00
    assert broken_rules(made, FIRST, 1) == []


def test_weeks_follow_each_other_without_breaking_rest_or_days_in_a_row() -> None:
    crews = [crew(f"c{k}", rest_hours=11, most_days=3, days_off=2) for k in range(4)]
    made = make_roster(
        duties([DAY, NIGHT], [duty("a", s.id) for s in (DAY, NIGHT)], crews), FIRST, 4
    )
    assert broken_rules(made, FIRST, 4) == []
    assert len({one.day for one in made.assignments}) == 28


def test_a_week_that_the_one_before_it_spoils_takes_it_back() -> None:
    # c may work 4 days in a row and is alone on the first four days of week two: it
    # must not end week one with work
    away = frozenset(FIRST + timedelta(days=k) for k in (7, 8, 9, 10))
    crews = [crew("c", most_days=4), crew("d", away=away, most_days=6)]
    made = make_roster(duties([DAY], [duty("a", "day")], crews), FIRST, 2)
    assert broken_rules(made, FIRST, 2) == []
    assert all(
        one.crew.id == "d" for one in made.assignments if one.day == FIRST + timedelta(days=6)
    )


REFUSALS: list[tuple[Rule, dict[str, Any]]] = [
    ("rest", {"rest_hours": 13}),
    ("hours", {"hours_a_week": 41}),
    ("days in a row", {"most_days": 2}),
    ("days off", {"days_off": 4}),
    ("away", {"away": frozenset({FIRST + timedelta(days=2)})}),
]


@pytest.mark.slow
@pytest.mark.parametrize(("rule", "given_rule"), REFUSALS, ids=[rule for rule, _ in REFUSALS])
def test_a_refusal_names_the_rule_that_fails_and_a_shift(
    rule: Rule, given_rule: dict[str, Any]
) -> None:
    shifts, number = ([DAY, NIGHT], 2) if rule == "rest" else ([DAY], 1)
    if rule in {"hours", "days off"}:
        number = 2
    asked = [duty("a", s.id) for s in shifts]
    crews = [crew(f"c{k}", **given_rule) for k in range(number)]
    with pytest.raises(NoRosterError) as refused:
        make_roster(duties(shifts, asked, crews), FIRST, 1)
    report = refused.value.reports[0]
    assert report.rule == rule
    assert report.slot.day.isoformat() in str(refused.value)
    assert report.slot.shift.name in str(refused.value)
    assert report.duty.label in str(refused.value)
    # and it is that rule: without it there is a roster
    make_roster(duties(shifts, asked, [crew(f"c{k}") for k in range(number)]), FIRST, 1)


def test_more_work_than_hours_is_one_message_with_two_numbers() -> None:
    case = duties(
        [DAY], [duty("a", "day", 4)], [crew("p", hours_a_week=40), crew("q", hours_a_week=40)]
    )
    with pytest.raises(NoRosterError) as refused:
        make_roster(case, FIRST, 1)
    message = str(refused.value)
    assert "\n" not in message
    assert "336 person-hours of work" in message  # 7 days of 12 hours for 4 people
    assert "have 160" in message  # 2 crews of 2 people for 40 hours


@pytest.mark.parametrize(("asked", "have"), [(4, 1), (3, 2)])
def test_a_refusal_says_the_least_number_of_crews_that_would_do(asked: int, have: int) -> None:
    posts = [duty(f"d{k}", "day") for k in range(asked)]
    crews = [crew(f"c{k}", days_off=1) for k in range(have)]
    with pytest.raises(NoRosterError) as refused:
        make_roster(duties([DAY], posts, crews), FIRST, 1)
    cure = refused.value.reports[0].cure
    assert cure is not None
    assert cure.least
    assert cure.confirmed  # counting says that one fewer is too few
    assert "confirmed" not in str(refused.value)
    assert f"With {cure.number} more crew" in str(refused.value)

    def with_more(number: int) -> Roster:
        return make_roster(
            duties([DAY], posts, [*crews, *(crew(f"n{k}", days_off=1) for k in range(number))]),
            FIRST,
            1,
        )

    assert broken_rules(with_more(cure.number), FIRST, 1) == []
    with pytest.raises(NoRosterError):
        with_more(cure.number - 1)


def test_nobody_who_may_do_it_and_too_few_at_once() -> None:
    wanted = duty("a", "day", agency="customs")
    with pytest.raises(NoRosterError, match="there are 0") as refused:
        make_roster(duties([DAY], [wanted], [crew("p", agency="police")]), FIRST, 1)
    assert refused.value.reports[0].rule == "crews"
    with pytest.raises(NoRosterError, match="over 2 duties at once") as refused:
        make_roster(duties([DAY], [duty("a", "day"), duty("b", "day")], [crew("p")]), FIRST, 1)
    assert refused.value.reports[0].rule == "one at a time"


@pytest.mark.slow
def test_crews_that_are_resting_are_counted_in_the_refusal() -> None:
    crews = [crew(f"c{k}", rest_hours=10) for k in range(3)]
    asked = [duty("a", "early"), duty("a", "late"), duty("a", "night", 4)]
    with pytest.raises(NoRosterError) as refused:
        make_roster(duties(THREE, asked, crews), FIRST, 1)
    report = refused.value.reports[0]
    assert report.rule == "rest"
    assert "Of 3 crews that may go" in str(report)
    assert "resting" in str(report)
    assert report.needed > report.there
    assert not report.confirmed
    assert "not confirmed by a second way" in str(report)
    assert str(MoreCrews(crews[0], 2, least=True, confirmed=False)).endswith(
        "with one fewer one solver (CP-SAT) finds none."
    )


def test_gaps_are_made_only_where_allowed_and_say_what_is_missing() -> None:
    case = duties([DAY], [duty("a", "day", 4)], [crew("p"), crew("q", days_off=1)])
    with pytest.raises(NoRosterError):
        make_roster(case, FIRST, 1)
    made = make_roster(case, FIRST, 1, allow_gaps=True)
    assert broken_rules(made, FIRST, 1) == []
    assert [gap.missing for gap in made.gaps] == [2]


def test_without_time_a_roster_with_gaps_is_made_all_the_same_and_says_so() -> None:
    crews = [crew(f"c{k}", rest_hours=11, days_off=1, hours_a_week=60) for k in range(7)]
    case = duties([DAY, NIGHT], [duty("a", "day"), duty("a", "night"), duty("b", "day")], crews)
    made = make_roster(case, FIRST, 2, allow_gaps=True, time_limit=1e-9)
    assert broken_rules(made, FIRST, 2) == []
    missing = sum(gap.missing for gap in made.gaps)
    assert missing < 0.2 * 2 * 7 * 6
    assert (
        f"People missing: {missing}, in {len(made.gaps)} of 42 duties." in made.notes or not missing
    )
    short = make_roster(
        duties([DAY], [duty("a", "day", 4)], [crew("p")]),
        FIRST,
        1,
        allow_gaps=True,
        time_limit=1e-9,
    )
    assert [str(note) for note in short.notes] == [
        "People missing: 14, in 7 of 7 duties.",
        (
            "The time limit ended the search for a roster that lacks fewer: give it more with"
            " --time-limit."
        ),
    ]


def test_ctrl_c_before_there_is_a_roster_leaves_one_with_gaps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def pressed(problem: RosterProblem, clock: Clock, seed: int) -> RosterOutcome:  # noqa: ARG001 - as `first_roster`
        clock.interrupted = True
        return RosterOutcome("unknown", "interrupted", (), problem.weeks)

    monkeypatch.setattr(making, "first_roster", pressed)
    # counting alone would tell that there is none
    monkeypatch.setattr(making, "impossible", lambda *_: None)
    crews = [crew(f"{agency}{k}", agency=agency) for agency in ("x", "y") for k in range(2)]
    asked = [duty(agency, "day", 5, agency=agency) for agency in ("x", "y")]
    made = make_roster(duties([DAY], asked, crews), FIRST, 2, allow_gaps=True)
    assert made.limit == "interrupted"
    assert broken_rules(made, FIRST, 2) == []
    assert [str(note) for note in made.notes] == [
        "People missing: 28, in 28 of 28 duties (x 14, y 14).",
        "Ctrl-C ended the search for a roster that lacks fewer.",
    ]
    made = make_roster(duties([DAY], asked, crews), FIRST, 2)
    assert made.limit == "interrupted"
    assert [str(note) for note in made.notes] == [
        "People missing: 28, in 28 of 28 duties (x 14, y 14).",
        (
            "Ctrl-C ended the search, and whether a roster fills every shift is not known. Let it"
            " run longer, or look for one that lacks fewer with --allow-gaps."
        ),
    ]


def test_agencies_share_the_time_limit_by_their_crews_and_duties(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    left = list[float]()

    def timed(problem: RosterProblem, weeks: int, clock: Clock, seed: int) -> ShortRoster | None:
        left.append(clock.left)
        return fewest_short(problem, weeks, clock, seed)

    monkeypatch.setattr("optimizer.roster.making.fewest_short", timed)
    asked = [duty("a", "day", 9, agency="x"), duty("b", "day", 9, agency="y")]
    crews = [crew("p", agency="x"), *(crew(f"q{k}", agency="y") for k in range(3))]
    make_roster(duties([DAY], asked, crews), FIRST, 1, allow_gaps=True, time_limit=8000.0)
    assert left[0] == pytest.approx(0.75 * 8000 * 8 / 30, rel=0.05)
    assert left[1] == pytest.approx(0.75 * 8000, rel=0.05)  # the first left most of its share


def test_independent_agencies_are_refused_together() -> None:
    asked = [
        duty("a", "day", agency="x"),
        duty("b", "day", agency="y"),
        duty("c", "day", agency="z"),
    ]
    crews = [
        crew("p", agency="x", days_off=1),
        crew("q", agency="y", days_off=1),
        crew("r", agency="z"),
    ]
    with pytest.raises(NoRosterError) as refused:
        make_roster(duties([DAY], asked, crews), FIRST, 1)
    assert {report.duty.option for report in refused.value.reports} == {"a", "b"}


@pytest.mark.slow
def test_the_same_seed_gives_the_same_roster() -> None:
    crews = [crew(f"c{k}", rest_hours=11, days_off=1) for k in range(6)]
    case = duties(THREE, [duty("a", s.id) for s in THREE], crews)
    one, other = (make_roster(case, FIRST, 1, seed=3).assignments for _ in range(2))
    assert one == other


@pytest.mark.parametrize(
    "text", ["tomorrow", "2026-13-01", "2026-02-30", "1/12/2026", "", "20261201", "9999-12-31"]
)
def test_a_day_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="--from"):
        first_day(text)


@pytest.mark.parametrize("weeks", [0, -1, 27])
def test_a_horizon_out_of_range_is_refused(weeks: int) -> None:
    with pytest.raises(InputError, match="1 to 26 weeks"):
        make_roster(duties([DAY], [duty("a", "day")], [crew("p")]), FIRST, weeks)


class Countdown(Clock):
    """A clock that is over after so many looks at it."""

    def __init__(self, looks: int) -> None:
        super().__init__(float("inf"))
        self.looks = looks

    @property
    def left(self) -> float:
        """Return 1 second for the looks that are left, then 0."""
        self.looks -= 1
        return float(self.looks >= 0)


@pytest.mark.slow
def test_the_clock_ends_the_making_of_a_model_as_well_as_its_search() -> None:
    crews = [crew(f"c{k}", rest_hours=11, days_off=1) for k in range(10)]
    case = duties(THREE, [duty("a", s.id) for s in THREE], crews)
    part = subproblems_of(case, slots_of(case, FIRST, 1), FIRST, 1)[0].problem
    whole = RosterProgram(part, range(1), [], Clock(float("inf")))
    size = len(whole.model.proto.constraints)
    assert len(RosterProgram(part, range(1), [], Clock(0.0)).model.proto.variables) == 0
    for looks in (0, 2, 6, 9, 12, 15):
        model = RosterProgram(part, range(1), [], Countdown(looks))
        assert len(model.model.proto.constraints) < size
        assert model.first(0) == "unknown"  # and never "infeasible": half a model proves nothing
        assert solver.first_roster(part, Countdown(looks), 0).ended == "unknown"
        assert (
            impossible(
                subproblems_of(case, slots_of(case, FIRST, 1), FIRST, 1)[0], Countdown(looks)
            )
            is None
        )


def test_without_time_there_is_a_roster_all_the_same() -> None:
    crews = [crew(f"c{k}") for k in range(30)]
    made = make_roster(duties([DAY], [duty("a", "day")], crews), FIRST, 2, time_limit=1e-9)
    assert broken_rules(made, FIRST, 2) == []
    assert (made.gaps, made.status, made.limit) == ((), "feasible", "time")


def test_without_time_what_is_not_known_of_a_roster_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # counting alone would tell that there is none
    monkeypatch.setattr(making, "impossible", lambda *_: None)
    case = duties([DAY], [duty("a", "day", 4)], [crew("p")])
    made = make_roster(case, FIRST, 1, time_limit=1e-9)
    assert broken_rules(made, FIRST, 1) == []
    assert [str(note) for note in made.notes] == [
        "People missing: 14, in 7 of 7 duties.",
        (
            "The time limit ended the search, and whether a roster fills every shift is not known."
            " Give it more with --time-limit, or look for one that lacks fewer with --allow-gaps."
        ),
    ]


def test_weeks_that_were_filled_before_the_end_are_kept() -> None:
    crews = [crew(f"c{k}", rest_hours=11, days_off=1) for k in range(10)]
    case = duties(THREE, [duty("a", s.id) for s in THREE], crews)
    part = subproblems_of(case, slots_of(case, FIRST, 3), FIRST, 3)[0].problem
    begun = solver.first_roster(replace(part, weeks=1), Clock(float("inf")), 0).pairs
    made = solver.completed(part, begun)
    assert set(begun) == {pair for pair in made.pairs if part.tasks[pair[1]].day < 7}
    assert not made.missing
    assert len(made.pairs) == len(part.tasks)


def test_ctrl_c_keeps_the_best_roster_so_far_and_before_it_one_made_without_a_search() -> None:
    case = duties(
        [DAY], [duty("a", "day"), duty("b", "day")], [crew(f"c{k}", days_off=1) for k in range(3)]
    )

    def press_at(word: str) -> Roster:
        class Presser(SilentListener):
            def step_started(self, name: str) -> None:
                if name.startswith(word):
                    raise KeyboardInterrupt

        return make_roster(case, FIRST, 2, listener=Presser())

    made = press_at("balancing")
    assert made.limit == "interrupted"
    assert broken_rules(made, FIRST, 2) == []
    made = press_at("finding a roster")
    assert made.limit == "interrupted"
    assert broken_rules(made, FIRST, 2) == []
    assert made.assignments


@pytest.mark.slow
def test_ctrl_c_inside_the_solver_stops_it_and_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        solver, "WHOLE_PAIRS", 0
    )  # a case of this size solved whole may be proven before anybody presses
    crews = [crew(f"c{k}", rest_hours=11, days_off=1) for k in range(8)]
    case = duties(THREE, [duty("a", s.id) for s in THREE], crews)
    part = subproblems_of(case, slots_of(case, FIRST, 2), FIRST, 2)[0].problem
    start = solver.first_roster(part, Clock(float("inf")), 0).pairs

    def press() -> None:
        raise KeyboardInterrupt

    outcome = solver.balanced(part, start, Clock(float("inf"), press), 0)
    assert outcome.limit == "interrupted"
    assert len(outcome.pairs) == len(part.tasks)


ENDLESS = """
from tests.roster_cases import FIRST, crew, duties, duty, shift
from optimizer.roster.infeasibility import impossible
from optimizer.roster.calendar import slots_of
from optimizer.roster.making import subproblems_of
from optimizer.roster import solver as search
from optimizer.roster.solver import Clock

search.WHOLE_PAIRS, search.PATIENCE = 0, 10**9
step, said = search._step, []


def told(*arguments):
    if not said:
        said.append("going")
        print("going", flush=True)
    return step(*arguments)


search._step = told
day = shift("day", "06:00", 12)
case = duties([day], [duty("a", "day")], [crew(f"c{k}") for k in range(5)])
part = subproblems_of(case, slots_of(case, FIRST, 2), FIRST, 2)[0].problem
start = search.first_roster(part, Clock(float("inf")), 0).pairs
outcome = search.balanced(part, start, Clock(float("inf")), 0)
print(outcome.limit, len(outcome.pairs), flush=True)
"""
"""Searches without end, and says so when it is in the search."""


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no way to send Ctrl-C to one process")
def test_a_real_signal_ends_the_search_with_the_roster_kept() -> None:
    root = Path(__file__).parents[1]
    with started(
        [sys.executable, "-c", ENDLESS],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "going\n"
        # wherever in the search the signal meets it, the end is the same
        child.send_signal(signal.SIGINT)
        out, _ = child.communicate(timeout=600)
    assert (out, child.returncode) == ("interrupted 14\n", 0)


@st.composite
def tiny_cases(draw: st.DrawFn) -> Duties:
    """Draw one or two crews and shifts on a few days of the week."""
    days = draw(st.lists(st.integers(0, 6), min_size=2, max_size=4, unique=True))
    spans = draw(
        st.sampled_from(
            [[("06:00", 8)], [("06:00", 12), ("18:00", 12)], [("22:00", 8), ("05:00", 4)]]
        )
    )
    shifts = [shift(f"s{k}", start, hours, days) for k, (start, hours) in enumerate(spans)]
    minutes = draw(st.sampled_from([0, 30, 90]))
    asked = [
        duty(
            "a",
            s.id,
            draw(st.sampled_from([1, 1, 2, 3])),
            kind=draw(st.sampled_from(["checkpoint", "checkpoint", "patrol"])),
            travel={"north": minutes},
        )
        for s in shifts
    ]
    crews = [
        crew(
            f"c{k}",
            draw(st.integers(1, 2)),
            base="north",
            can=draw(st.sampled_from([frozenset(), frozenset(), frozenset({"checkpoint"})])),
            hours_a_week=draw(st.sampled_from([16, 30, 60, 168])),
            rest_hours=draw(st.sampled_from([0, 8, 11, 14])),
            most_days=draw(st.integers(1, 4)),
            days_off=draw(st.integers(3, 6)),
            away=draw(st.sampled_from([frozenset(), frozenset({FIRST + timedelta(days=1)})])),
        )
        for k in range(draw(st.integers(1, 2)))
    ]
    return duties(shifts, asked, crews)


def _works(case: Duties, limits: Crew, chosen: tuple[tuple[date, Duty], ...]) -> bool:
    """Return whether a crew may do what was chosen for it: rules written anew, on
    minutes since the first midnight.
    """
    spans, days, work = [], set(), 0.0
    for day, asked in chosen:
        part = next(s for s in case.shifts if s.id == asked.shift)
        k = (day - FIRST).days
        start = k * 1440 + part.begins.hour * 60 + part.begins.minute - asked.travel["north"]
        end = start + part.minutes + 2 * asked.travel["north"]
        if (limits.can and asked.kind not in limits.can) or day in limits.away:
            return False
        spans.append((start, end))
        days.add(k)
        work += end - start
    rested = all(
        b[0] - a[1] >= limits.rest_minutes or a[0] - b[1] >= limits.rest_minutes
        for a, b in combinations(spans, 2)
    )
    run = any(all(d + j in days for j in range(limits.most_days + 1)) for d in days)
    return rested and not run and work <= limits.week_minutes and len(days) <= 7 - limits.days_off


def _possible(case: Duties) -> bool:
    """Return whether any way of sending the crews fills every duty of one week."""
    asked = [
        (FIRST + timedelta(days=k), one)
        for k in range(7)
        for one in case.duties
        if (FIRST + timedelta(days=k)).weekday()
        in next(s for s in case.shifts if s.id == one.shift).weekdays
    ]

    def choices(limits: Crew) -> Iterator[frozenset[int]]:
        for size in range(len(asked) + 1):
            for some in combinations(range(len(asked)), size):
                if _works(case, limits, tuple(asked[t] for t in some)):
                    yield frozenset(some)

    for sent in product(*(list(choices(limits)) for limits in case.crews)):
        people = [
            sum(c.people for c, some in zip(case.crews, sent, strict=True) if t in some)
            for t in range(len(asked))
        ]
        if all(there >= one.staff for there, (_, one) in zip(people, asked, strict=True)):
            return True
    return False


_WITHOUT: dict[Rule, dict[str, Any]] = {
    "rest": {"rest_hours": 0},
    "hours": {"hours_a_week": 168},
    "days in a row": {"most_days": 400},
    "days off": {"days_off": 0},
    "away": {"away": []},
}


@pytest.mark.slow
@examples(60)
@given(tiny_cases())
def test_there_is_a_roster_exactly_where_brute_force_finds_one(case: Duties) -> None:
    if _possible(case):
        assert broken_rules(make_roster(case, FIRST, 1), FIRST, 1) == []
        return
    with pytest.raises(NoRosterError) as caught:
        make_roster(case, FIRST, 1)
    refused = caught.value
    assert all(str(report.slot.day) in str(refused) for report in refused.reports)
    if len(refused.reports) == 1 and "Without the rule named here" in str(refused):
        free = _WITHOUT[refused.reports[0].rule]
        assert _possible(
            case.model_copy(
                update={"crews": [limits.model_copy(update=free) for limits in case.crews]}
            )
        )


@st.composite
def weeks_of_crews(draw: st.DrawFn) -> tuple[Duties, int]:
    """Draw cases of several weeks, posts and bases."""
    shifts = draw(
        st.sampled_from(
            [THREE, (DAY, NIGHT), (shift("swing", "15:30", 10), shift("graveyard", "23:45", 7.5))]
        )
    )
    asked = [
        duty(
            f"p{p}",
            s.id,
            draw(st.integers(1, 4)),
            travel={"north": draw(st.integers(0, 200)), "south": draw(st.integers(0, 200))},
        )
        for p in range(draw(st.integers(1, 2)))
        for s in shifts
    ]
    crews = [
        crew(
            f"c{k}",
            draw(st.integers(1, 4)),
            base=draw(st.sampled_from(["north", "south", ""])),
            hours_a_week=draw(st.sampled_from([40, 60])),
            rest_hours=draw(st.sampled_from([0, 11])),
            most_days=draw(st.integers(3, 6)),
            days_off=draw(st.integers(0, 2)),
        )
        for k in range(draw(st.integers(4, 10)))
    ]
    return duties(shifts, asked, crews), draw(st.integers(1, 3))


FIRST_SEARCH = RosterProgram.first
LITTLE = 0.2
"""Deterministic time of a search for a roster without gaps: limits of the clock would
make the outcome hang on the machine.
"""


def first_with_little_effort(
    model: RosterProgram, seed: int, *, effort: float | None = None
) -> Ended:
    return FIRST_SEARCH(model, seed, effort=LITTLE if effort is None else min(effort, LITTLE))


@pytest.mark.slow
@examples(24)
@given(weeks_of_crews(), st.sampled_from([math.inf, 1e-9]))
def test_every_rule_holds_in_every_roster(case: tuple[Duties, int], time_limit: float) -> None:
    asked, weeks = case
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(solver, "SHORT_EFFORT", 1.0)  # with 0.05 some case has no roster yet
        patch.setattr(solver, "WHOLE_EFFORT", 0.05)
        patch.setattr(solver, "PATIENCE", 2)
        patch.setattr(RosterProgram, "first", first_with_little_effort)
        made = make_roster(asked, FIRST, weeks, allow_gaps=True, time_limit=time_limit)
    assert broken_rules(made, FIRST, weeks) == []
