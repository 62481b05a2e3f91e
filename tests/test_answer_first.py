"""Whoever asks reads the answer first: a sentence with a number, before any note or
warning, also where the search had no time.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

import pytest

from optimizer.problem.files.instance_file import write_instance
from results.measure.tracks import tracks_csv
from tests.command import run
from tests.operations_cases import PlannedCase, planned_case
from tests.test_compare_plans import on_a_map, written
from tests.test_cooperate import with_agencies
from tests.test_delivered import exact_tracks
from tests.tiny import write_scenario

HURRIED = ("--time-limit", 0.01)


def of_plan(folder: Path) -> list[object]:
    return [written(folder / "plan", on_a_map(1), ["o3"])]


def of_agencies(folder: Path) -> list[object]:
    write_instance(folder / "three.json", with_agencies(5))
    return [folder / "three.json"]


def of_scenario(folder: Path) -> list[object]:
    return [write_scenario(folder / "scenario")]


def of_tracks(folder: Path) -> list[object]:
    case: PlannedCase = planned_case(folder)
    tracks = folder / "tracks.csv"
    tracks.write_text(tracks_csv(exact_tracks(case)), encoding="utf-8")
    return [case.folder, "--scenario", case.scenario, "--tracks", tracks, "--out", folder / "out"]


@pytest.mark.parametrize(
    ("words", "asked", "more"),
    [
        (("frontier",), of_plan, ("--changes", *HURRIED)),
        (("frontier",), of_plan, ("--changes",)),
        (("explain",), of_plan, HURRIED),
        (("explain",), of_plan, ("--site", "a")),
        (("cooperate",), of_agencies, HURRIED),
        (("cooperate",), of_agencies, ()),
        (("adapt",), of_scenario, ("--policies", "today", "--periods", 2, "--runs", 2)),
        (("risk", "alerts"), of_scenario, ()),
        (("passes",), of_scenario, ("--draws", 20)),
        (("delivered",), of_tracks, ()),
    ],
    ids=lambda each: " ".join(map(str, each)) if isinstance(each, tuple) else each.__name__,
)
def test_the_answer_comes_before_notes(
    words: tuple[str, ...],
    asked: Callable[[Path], list[object]],
    more: tuple[object, ...],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arguments = (*words, *asked(tmp_path), *more)
    told: list[tuple[str, str]] = []

    def heard(stream: TextIO, name: str) -> None:
        write = stream.write

        def heard_too(text: str) -> int:
            told.append((name, text))
            return write(text)

        monkeypatch.setattr(stream, "write", heard_too)

    heard(sys.stdout, "out")
    heard(sys.stderr, "err")
    outcome = run(capsys, monkeypatch, *arguments)
    assert outcome.code == 0, outcome.err
    texts = ["".join(text for stream, text in told if stream == name) for name in ("out", "err")]
    assert texts == [outcome.out, outcome.err]
    first = " ".join(outcome.out.split("\n\n")[0].split())
    assert re.search(r"\d", first)
    assert not re.match(r"(not yet known|warning|note|no answer)\b", first.lower())
    answered = next(
        place for place, (stream, text) in enumerate(told) if stream == "out" and text.strip()
    )
    before = "".join(text for stream, text in told[:answered] if stream == "err")
    assert not re.search(r"^(Note|Warning): ", before, re.MULTILINE)
