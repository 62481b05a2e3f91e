"""A slice of the hostile generator (`python -m tests.hostile`), and that it finds what it looks for."""

from __future__ import annotations

import pytest

from tests.hostile.__main__ import run
from tests.hostile.checks import CHECKS


@pytest.mark.parametrize(
    "first", [0, pytest.param(6, marks=pytest.mark.slow), pytest.param(12, marks=pytest.mark.slow)]
)
def test_nothing_false_is_said_about_random_problems_with_every_feature(first: int) -> None:
    met, found = run(range(first, first + 6))
    assert found == []
    assert met["problems"] == 6


@pytest.mark.parametrize("name", CHECKS)
def test_every_check_is_asked_for_by_name(name: str) -> None:
    met, found = run([3], name)
    assert (met["problems"], met[name], found) == (1, 1, [])
