"""The programs of `results.measure`: each answers `--help`, and those whose input is
made up run.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from results.measure.__main__ import main, parsed, programs

ROOT = Path(__file__).parents[1]

PROGRAMS = programs()


@pytest.mark.lab
@pytest.mark.parametrize("name", PROGRAMS)
def test_every_program_answers_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parsed([name, "--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert f"python -m results.measure {name}" in said
    assert PROGRAMS[name].splitlines()[0] in said


def test_every_program_says_what_it_measures() -> None:
    assert len(PROGRAMS) >= 20
    for name, doc in PROGRAMS.items():
        assert f"results.measure {name}" in " ".join(doc.split()), name


def test_a_name_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parsed(["rotatoin"])
    assert ended.value.code == 2
    assert "rotation" in capsys.readouterr().err


@pytest.mark.lab
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rotation", "--seeds", "1"], "3 nights a week"),
        (["dense_roots", "4"], "dense-grid-4: everything placed"),
        (["ledger", "--count", "3", "--entries", "50"], "3 changes, 0 not found"),
        (["operations", "passes", "--runs", "1", "--worlds", "mixed"], "mixed"),
    ],
)
def test_programs_with_made_up_input_run(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main(arguments)
    assert said in capsys.readouterr().out


def test_the_runner_lists_the_programs_without_importing_them() -> None:
    script = (
        "import sys; from results.measure.__main__ import programs; print(*programs());"
        "assert 'numpy' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == list(PROGRAMS)
