"""A slice of the hostile problems (`python -m tests.hostile`), and that they find what
they look for and make it small.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from optimizer.problem.plan.result import Result
from optimizer.solvers.branch_and_cut.cuts.lifting import lifted
from optimizer.solvers.branch_and_cut.cuts.separation import Cuts
from optimizer.solvers.branch_and_cut.lp import master
from optimizer.solvers.solve import solve_with
from tests.examples import quick_first
from tests.hostile.__main__ import run
from tests.hostile.cases import case_of
from tests.hostile.checks import CHECKS
from tests.hostile.shrink import shrunk


@pytest.mark.parametrize("first", quick_first(range(0, 24, 3), 1))
def test_nothing_false_is_said_about_random_problems_with_every_feature(first: int) -> None:
    met, found = run(range(first, first + 3))
    assert found == []
    assert met["problems"] == 3


@pytest.mark.parametrize("name", quick_first(CHECKS, 2))
def test_every_question_is_asked_by_its_name(name: str) -> None:
    """Of the two problems the first has teams, the other agencies."""
    met, found = run([6, 7], [name])
    assert met[name] > 0
    assert found == []


def test_a_question_whose_plans_are_too_many_to_list_is_no_fault_of_the_program() -> None:
    _, found = run([900127], ["frontier"])  # a curve over more teams than the problem has
    assert found == []


def test_a_false_bound_is_found_and_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def bold(*arguments: Any, **options: Any) -> Result:
        result = solve_with(*arguments, **options)
        return replace(result, lower=1.1 * (result.upper or 0.0))

    monkeypatch.setattr("tests.hostile.checks.solve_with", bold)
    _, found = run([0], ["cuts"], shrink=0)
    assert found == ["cuts: false bound"]
    assert "FAULT seed 0, cuts: false bound" in capsys.readouterr().out


def test_a_certificate_is_of_the_rows_that_were_used_where_the_root_was_cut_on_thoroughly() -> None:
    """Rows were made with more sets T from some moment on, and those from before it
    were written down with another T.
    """
    met, found = run([12, 97], ["certificate"])
    assert met["certificate"] == 2
    assert found == []


@pytest.mark.slow
def test_nothing_false_is_said_where_every_row_is_lifted(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the first round on, whatever the gap and the size: elsewhere such problems
    are too small for it.
    """
    begin = master.Master.__init__
    lowered = []

    def thorough(self: master.Master, *arguments: Any, **named: Any) -> None:
        begin(self, *arguments, **named)
        self.thorough = self._large = True

    def counted(cuts: Cuts, *arguments: Any) -> Cuts:
        made = lifted(cuts, *arguments)
        lowered.append(int((made.entry < cuts.entry).sum()))
        return made

    monkeypatch.setattr(master.Master, "__init__", thorough)
    monkeypatch.setattr("optimizer.solvers.branch_and_cut.lp.master.lifted", counted)
    _, found = run(range(5000, 5008), ["branching"])
    assert found == []
    assert sum(lowered) > 0


def test_the_smallest_problem_is_all_that_shows_a_fault() -> None:
    case = next(
        case for case in map(case_of, range(50)) if {"habitual", "teams", "sites"} <= case.features
    )
    small = shrunk(case.content, lambda content: any(e.get("routes") for e in content["evaders"]))
    (evader,) = small["evaders"]
    travelled = {arc for route in evader["routes"] for arc in route["arcs"]}
    assert travelled == set(range(len(small["arcs"]["tail"])))
    assert (small["options"], small["resources"], small["patrols"]) == ([], [], None)
