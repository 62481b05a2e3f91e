"""A slice of the planted faults (`python -m tests.planted`): each changes the code that
it names and no longer than it is planted, and is found.
"""

from __future__ import annotations

import pytest

from tests.examples import quick_first
from tests.planted.faults import FAULTS
from tests.planted.planting import Fault, function_of, planted, wrong_code
from tests.planted.referees import REFEREES, looked_for, step_of

QUICK = (
    "small budgets",
    "fixed too soon",
    "every option of a path",
    "half a star",
    "rounded up",
    "floors of what is placed",
)
"""Found with the first seed, in a few tenths of a second together."""


def fault_of(name: str) -> Fault:
    """Return the fault of a name."""
    return next(fault for fault in FAULTS if fault.name == name)


def test_there_are_forty_faults_of_different_names_and_referees_for_them() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 40
    assert {name for fault in FAULTS for name in fault.asked} <= {*REFEREES}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_changes_the_code_that_it_names_and_no_longer_than_it_is_planted(
    fault: Fault,
) -> None:
    function = function_of(fault.place)
    right, wrong = function.__code__, wrong_code(fault)
    parts = ("co_code", "co_consts", "co_names", "co_varnames")
    assert any(getattr(right, part) != getattr(wrong, part) for part in parts)
    with planted(fault):
        assert function.__code__ == wrong != right
    assert function.__code__ is right


@pytest.mark.parametrize("name", quick_first(QUICK, len(QUICK)))
def test_a_planted_fault_is_found(name: str) -> None:
    found = looked_for(fault_of(name), 1)
    assert found.referee == "debug solution"
    assert found.step == step_of(found.line)


def test_the_step_of_a_line_is_the_one_that_it_names() -> None:
    assert step_of("false step (a split): it is lost") == "a split"
    assert step_of("false step beside teams (pricing beats): a beat (or two)") == "pricing beats"
    assert step_of("false bound: 2 above 1") == "bound"


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "the wrong child",
        "two options a path",
        "cheap detours",
        "a bound for all",
        "dear beats",
        "a label dropped wrongly",
        "ways on for nothing",
        "a bound from below",
        "rows kept too long",
    ],
)
def test_more_planted_faults_are_found(name: str) -> None:
    assert looked_for(fault_of(name), 4).referee


@pytest.mark.parametrize("name", ["tours", "budget curves"])
def test_referees_find_nothing_in_the_program_as_it_is(name: str) -> None:
    assert [line for seed in range(2) for line in REFEREES[name](seed)] == []
