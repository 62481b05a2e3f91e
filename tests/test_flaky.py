"""The program that looks for tests which depend on load or cores (`tests.flaky`)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests import flaky


def test_what_fails_in_some_runs_is_named_with_their_number(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = iter([{"t.py::a"}, set(), {"t.py::a"}, {"t.py::a", "t.py::b"}])
    monkeypatch.setattr(flaky, "failures", lambda *_: next(found))
    kinds = 2 if hasattr(os, "sched_setaffinity") else 1
    assert flaky.main(["t.py", "--times", "2", "--load", "0"]) == 1
    told = capsys.readouterr().out
    assert "t.py::a: failed in 1 of 2 runs beside a load of 0" in told
    if kinds == 2:
        assert "t.py::a: failed in 2 of 2 runs on one core" in told
        assert "t.py::b: failed in 1 of 2 runs on one core" in told


@pytest.mark.slow
def test_a_file_that_fails_is_told_from_one_that_passes(tmp_path: Path) -> None:
    text = "import pytest\n@pytest.mark.parametrize('x', ['a b', 'c'])\ndef test_it(x): assert {}\n"
    for name, passes in (("good", True), ("bad", False)):
        (tmp_path / f"test_{name}.py").write_text(text.format(passes), encoding="utf-8")
    assert flaky.failures([str(tmp_path / "test_good.py")], "") == set()
    failed = {
        each.rpartition("::")[2] for each in flaky.failures([str(tmp_path / "test_bad.py")], "")
    }
    assert failed == {"test_it[a b]", "test_it[c]"}


def test_a_load_ends_with_its_context() -> None:
    with flaky.load(2) as busy:
        assert [each.poll() for each in busy] == [None, None]
    assert None not in [each.poll() for each in busy]
