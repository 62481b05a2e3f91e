"""Mistakes that people make have clear answers: one in five of the 50 of `python -m tests.mistakes`, which runs them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.mistakes import MISTAKES, Mistake, answer

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("mistake", MISTAKES[1::5], ids=lambda mistake: mistake.title)
def test_a_mistake_has_a_clear_answer(mistake: Mistake, tmp_path: Path) -> None:
    told = answer(mistake, tmp_path)
    assert told.verdict == "clear", told.text


def test_there_are_fifty_and_each_is_made_once() -> None:
    assert len({mistake.title for mistake in MISTAKES}) == 50
