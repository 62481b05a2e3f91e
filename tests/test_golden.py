"""Results are what they were: the quick cases of `tests.golden`, and the comparison itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.golden import chosen, computed, differences, stored
from tests.golden_cases import SECTIONS
from tests.golden_scenarios import AbsentError, digest

if TYPE_CHECKING:
    from tests.golden_cases import Case

QUICK = chosen("", quick=True)


@pytest.mark.parametrize(("section", "name", "case"), QUICK, ids=[f"{section}/{name}" for section, name, _ in QUICK])
def test_a_result_is_what_it_was(section: str, name: str, case: Case) -> None:
    try:
        now = computed(case)
    except AbsentError as absent:
        pytest.skip(str(absent))
    assert differences(stored(section)[name], now, f"{section}/{name}") == []


def test_every_case_is_stored_and_no_other() -> None:
    for section, cases in SECTIONS.items():
        assert list(stored(section)) == list(cases), section


def test_every_kind_of_difference_is_told_by_name() -> None:
    old = {"same": 1.0, "near": 0.1, "far": 0.1, "gone": 1, "list": [1, 2], "longer": [1], "text": "a", "truth": True}
    new = {"same": 1, "near": 0.1 + 1e-12, "far": 0.1001, "list": [1, 3], "longer": [1, 2], "text": "b", "truth": 1}
    lines = differences(old, new | {"more": None}, "x")
    assert [line.split(":")[0] for line in lines] == [
        *("x / far", "x / gone", "x / list[1]", "x / longer", "x / text", "x / truth", "x / more"),
    ]


def test_a_digest_tells_fractions_that_change_places_and_bears_rounding() -> None:
    given, swapped, rounded = [[0.1, "a"], [0.2, "b"]], [[0.2, "a"], [0.1, "b"]], [[0.1 + 1e-15, "a"], [0.2, "b"]]
    assert differences(digest(given), digest(rounded), "x") == []
    assert [line.split(":")[0] for line in differences(digest(given), digest(swapped), "x")] == ["x / weighed"]
    assert [line.split(":")[0] for line in differences(digest([1, 2]), digest([2, 1]), "x")] == ["x / hash"]
