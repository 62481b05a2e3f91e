"""How many examples hypothesis tries: profiles, and the number of each test in
proportion to its profile.

`HYPOTHESIS_PROFILE` names the profile. `quick` is the default and `checks` that of
.ci/run: both try the same examples in every run, so that an installation is never red
by what a new example finds. `long` draws new ones: it looks for faults, an hour or
more, and is run before a release.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import settings

FULL = 100
"""Examples of a test whose number is taken as it stands."""

settings.register_profile("quick", deadline=None, derandomize=True, max_examples=12)
settings.register_profile("checks", deadline=None, derandomize=True, max_examples=25)
settings.register_profile("long", deadline=None, max_examples=10 * FULL, print_blob=True)


def load_profile() -> None:
    """Take the profile that the environment names."""
    settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


def examples(number: int, **other: Any) -> settings:
    """Return settings of a test that is worth `number` examples where others are worth 100."""
    return settings(max_examples=max(2, round(number * settings().max_examples / FULL)), **other)


def quick_first(cases: Iterable[object], number: int) -> list[Any]:
    """Return the cases of a parameter of which the first `number` are in the inner
    loop; the rest, more of the same kind, are `slow`.
    """
    return [
        pytest.param(case, marks=() if at < number else pytest.mark.slow)
        for at, case in enumerate(cases)
    ]
