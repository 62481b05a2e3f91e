"""Standard output and error that are closed, full, of an old encoding, or read only in
part: one message or a clean end, never a traceback.
"""

from __future__ import annotations

import gc
import io
import json
import math
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from optimizer.base.text.formatting import SPACE
from optimizer.cli.console import (
    ProgressPrinter,
    print_line,
    print_note,
    print_table,
    verdict_in_percent,
)
from optimizer.cli.terminal import guarded_streams
from optimizer.problem.files.instance_file import write_instance
from optimizer.problem.plan.plan import Plan
from optimizer.problem.plan.result import Result
from tests.cases import random_instance

ROOT = Path(__file__).parents[1]
NAME = "Łódź, Straße"
pytestmark = pytest.mark.skipif(os.name == "nt", reason="the cases are written for a POSIX shell")


@pytest.fixture
def instance(tmp_path: Path) -> Path:
    """Write an instance whose names no ASCII terminal can show."""
    drawn = random_instance(1)
    options = tuple(
        replace(option, id=f"{NAME} {option.id}", label=f"{NAME} {option.id}")
        for option in drawn.options
    )
    path = tmp_path / "i.json"
    write_instance(path, replace(drawn, name=NAME, options=options))
    return path


def shell(line: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run a line of shell in which `$CLI` is the command line."""
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", line],
        env=os.environ
        | {"PYTHONPATH": str(ROOT), "CLI": f"{sys.executable} {ROOT / 'cli.py'}"}
        | environment,
        capture_output=True,
        timeout=600,
        check=False,
    )
    assert b"Traceback" not in done.stderr, done.stderr.decode(errors="replace")
    assert b"Exception ignored" not in done.stderr
    return done


def errors(done: subprocess.CompletedProcess[bytes]) -> list[str]:
    return [
        line
        for line in done.stderr.decode(errors="replace").splitlines()
        if line.startswith("Error")
    ]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("command", ["--help", "solve INSTANCE", "solve INSTANCE --json"])
def test_a_full_disk_under_standard_output_is_one_message(command: str, instance: Path) -> None:
    done = shell(f"$CLI {command.replace('INSTANCE', str(instance))} > /dev/full")
    assert done.returncode == 1
    assert errors(done) == [
        (
            "Error: standard output cannot be written: No space left on device. What is not printed"
            " above is lost."
        )
    ]


@pytest.mark.parametrize("command", ["--help", "solve INSTANCE", "solve INSTANCE --json"])
def test_closed_standard_output_is_found_before_the_work(command: str, instance: Path) -> None:
    done = shell(f"$CLI {command.replace('INSTANCE', str(instance))} >&-")
    assert done.returncode == 1
    (message,) = done.stderr.decode().splitlines()
    assert message.startswith("Error: standard output is closed")


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["2>&-", "2>/dev/full"])
def test_standard_error_carries_no_result_so_its_faults_end_nothing(
    fault: str, instance: Path
) -> None:
    done = shell(f"$CLI solve {instance} --json {fault}")
    assert (done.returncode, json.loads(done.stdout)["status"]) == (0, "optimal")
    assert shell(f"$CLI solve {instance}.none {fault}").returncode == 1


def test_a_stand_in_for_closed_standard_error_stays_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing named it, so that Python closed it, and each note of a command failed."""
    monkeypatch.setattr(sys, "stderr", None)
    with guarded_streams():
        gc.collect()
        assert not sys.stderr.isatty()
        sys.stderr.write("a note\n")


def test_everything_closed_ends_with_1(instance: Path) -> None:
    assert shell(f"$CLI solve {instance} >&- 2>&- <&-").returncode == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    "command", ["schema scenario", "solve INSTANCE INSTANCE --json", "solve INSTANCE", "--help"]
)
def test_a_reader_that_has_enough_ends_the_command_silently(command: str, instance: Path) -> None:
    done = shell(f"$CLI {command.replace('INSTANCE', str(instance))} | true")
    assert done.returncode == 0
    assert errors(done) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "cp1252"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
    ids=["ascii", "cp1252", "LC_ALL=C"],
)
def test_what_a_terminal_cannot_show_is_printed_as_escapes(
    environment: dict[str, str], instance: Path
) -> None:
    table = shell(f"$CLI solve {instance}", **environment)
    assert table.returncode == 0
    shown = table.stdout.decode("cp1252")
    assert "\\u0141\\xf3d\\u017a, Stra\\xdfe" in shown or "\\u0141ód\\u017a, Straße" in shown
    assert len({len(line) for line in shown.splitlines()[1:]}) == 1  # the table stays a table


@pytest.mark.slow
def test_json_and_messages_can_be_read_where_the_terminal_shows_only_ascii(instance: Path) -> None:
    environment = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    assert json.loads(shell(f"$CLI solve {instance} --json", **environment).stdout)["plan"][
        0
    ].startswith(NAME)
    refused = shell(f"$CLI solve '{instance}-ß-Łódź'", **environment)
    assert refused.returncode == 1
    assert len(errors(refused)) == 1


def test_no_text_of_a_table_steers_the_terminal_or_breaks_a_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    hostile = "\x1b[31mred\x1b[0m \u202eback\nfeigned: line\r\t\x07"
    print_table(hostile, [hostile], [[hostile], [["one", "two"]]])
    out = capsys.readouterr().out
    assert not {"\x1b", "\u202e", "\r", "\t", "\x07"} & set(out)
    assert out.replace(" ", "").replace("\n", "").count(r"\x1b[31mred") == 3
    assert not any(line.lstrip("┃│ ").startswith("feigned") for line in out.splitlines())
    assert [line.strip("│ ") for line in out.splitlines()[-3:-1]] == ["one", "two"]


def test_long_lines_of_a_cell_are_folded_and_what_stands_beside_them_is_not_cut(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    print_table(
        "T",
        ["who", "where", "adds"],
        [[["A: a team"], ["a road with a name " * 3 + "till 9:05"], "0.42"]],
    )
    out = capsys.readouterr().out
    assert "till 9:05" in out
    assert "0.42" in out


class Screen(io.StringIO):
    """A standard error that says whether it is a terminal; its number is none of the process."""

    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    def fileno(self) -> int:
        """Return a number."""
        return 990

    def isatty(self) -> bool:
        """Say so."""
        return self._terminal


def _shown(monkeypatch: pytest.MonkeyPatch, *, terminal: bool, shares: bool = True) -> str:
    """Return what a search of bounds that move twice prints."""
    screen = Screen(terminal=terminal)
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setattr("optimizer.cli.console.QUIET_SECONDS", 0.0)
    printer = ProgressPrinter(silent=False)
    printer.step_started("solving")
    printer.search_began(shares=shares, seconds=60.0)
    printer.bounds_moved(0.365684, math.inf)
    printer.bounds_moved(0.6349, 0.7474)
    printer.step_ended("solving", 1.0)
    return screen.getvalue().replace(SPACE, " ")


def test_a_terminal_has_one_line_that_is_rewritten_with_percent_and_the_time_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, no_plan, last = _shown(monkeypatch, terminal=True).split("\r")
    assert first.endswith("solving\n")
    assert no_plan == "no plan yet, no plan can go below 36.5 %; 0 of 60 s"
    assert last == "at best 74.7 % get through so far, no plan can go below 63.4 %; 0 of 60 s\n"


def test_the_seconds_go_on_while_no_bound_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    screen, now = Screen(terminal=True), [100.0]
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setattr("optimizer.cli.console.time.monotonic", lambda: now[0])
    printer = ProgressPrinter(silent=False)
    printer.step_started("solving")
    printer.search_began(shares=True, seconds=60.0)
    printer.bounds_moved(0.6349, 0.7474)
    for now[0] in (100.1, 100.6, 101.2, 101.3):
        assert not printer.cancelled()
    shown = [line.rpartition("; ")[2].rstrip() for line in screen.getvalue().split("\r")[1:]]
    assert shown == ["0 of 60 s", "1 of 60 s"]


def test_a_bound_that_was_told_never_falls_when_a_better_plan_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    screen = Screen(terminal=False)
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setattr("optimizer.cli.console.QUIET_SECONDS", 0.0)
    printer = ProgressPrinter(silent=False)
    printer.step_started("solving")
    printer.search_began(shares=True, seconds=60.0)
    for upper in (math.inf, *np.arange(0.76, 0.74, -0.0003)):
        printer.bounds_moved(0.6972, float(upper))
    printer.step_ended("solving", 1.0)
    told = re.findall(r"go below ([\d.]+)", screen.getvalue())
    assert len(told) > 10
    assert set(told) == {"69.7"}


def test_a_file_has_a_plain_log_with_a_line_for_each_change(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines = _shown(monkeypatch, terminal=False).splitlines()
    assert "\r" not in "".join(lines)
    assert lines[-1].endswith(
        "solving: at best 74.7 % get through so far, no plan can go below 63.4 %"
    )
    assert (
        _shown(monkeypatch, terminal=False, shares=False)
        .splitlines()[-1]
        .endswith("0.6349 .. 0.7474 (gap 15.05%)")
    )


def test_the_rewritten_line_keeps_to_the_width_of_standard_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A longer one would break, and each rewriting would leave the line before on the
    screen; standard output may be a file.
    """
    widths = {990: os.terminal_size((30, 24))}
    monkeypatch.setattr("os.get_terminal_size", lambda number: widths[number])
    lines = _shown(monkeypatch, terminal=True).split("\r")[1:]
    assert [len(line.rstrip("\n")) for line in lines] == [29, 29]


@pytest.mark.parametrize("terminal", [True, False])
def test_a_sentence_breaks_between_words_on_a_terminal_and_not_in_a_file(
    monkeypatch: pytest.MonkeyPatch, terminal: bool
) -> None:
    monkeypatch.setattr("os.get_terminal_size", lambda _number: os.terminal_size((40, 24)))
    text = (
        f"Less gets through than under today's layout: 10.3{SPACE}percentage points as assumed by"
        " the scenario."
    )
    for name, print_text in (("sys.stderr", print_note), ("sys.stdout", print_line)):
        screen = Screen(terminal=terminal)
        monkeypatch.setattr(name, screen)
        print_text(text)
        lines = screen.getvalue().splitlines()
        assert " ".join(lines) == text
        assert (max(map(len, lines)) < 40) == terminal


def test_a_narrow_terminal_has_the_value_the_bound_and_the_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("os.get_terminal_size", lambda _number: os.terminal_size((40, 24)))
    lines = [line.strip() for line in _shown(monkeypatch, terminal=True).split("\r")[1:]]
    assert lines == ["no plan, bound 36.5 %; 0 of 60 s", "74.7 %, bound 63.4 %; 0 of 60 s"]


@pytest.mark.parametrize("columns", [30, 40, 80])
def test_a_table_breaks_no_word_and_cuts_no_cell(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    cells = [
        "Presidio-Ojinaga International Bridge",
        *["1,048 (703 to 1,863)"] * 4,
        "24.8 % (14.4 % to 37.3 %)",
    ]
    print_table("T", ["", "sent", "found", "through", "gone round", "interdiction rate"], [cells])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= columns
    words = " ".join(lines).split()
    assert not {word for cell in cells for word in cell.split()} - set(words)
    assert words.count("1,048") == 4


def test_what_gets_through_is_rounded_as_in_the_table_and_on_the_page_and_the_bound_is_rounded_down() -> (
    None
):
    result = Result("compact", "feasible", "time", Plan(()), 0.6209, 0.7424, 1.0, 0)
    said = verdict_in_percent(result).replace(SPACE, " ")
    assert (
        said
        == "74.2 % of all loads get through, when its time limit ended the search; no plan within"
        " the budgets can go below 62.0 %."
    )
    proven = verdict_in_percent(replace(result, lower=0.7424, limit=None))
    assert proven.endswith("no plan within the budgets does better: that is proven.")
    assert verdict_in_percent(replace(result, method="given", lower=0.0)).endswith(
        "no bound was asked for."
    )
