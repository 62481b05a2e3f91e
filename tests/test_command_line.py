"""Help, examples, completion, and how much is printed."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.main import get_command
from typer.testing import CliRunner

from optimizer.cli.app import app
from optimizer.cli.commands import EXAMPLES, add_command
from optimizer.cli.purposes import LAB, PURPOSES, SYNONYMS
from optimizer.problem.files.instance_file import read_instance, write_instance
from tests.cases import random_instance
from tests.command import Outcome

ROOT = Path(__file__).parents[1]


def paths(node: Any, words: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield the program, its groups and its commands as words."""
    yield " ".join(words)
    for name, below in getattr(node, "commands", {}).items():
        yield from paths(below, (*words, name))


TREE: Any = get_command(app)
"""All commands; one of this file's own, as a command remembers its help option from the
first context.
"""
COMMANDS = list(paths(TREE))


def test_every_command_and_group_has_examples_and_no_other() -> None:
    assert set(EXAMPLES) == set(COMMANDS)
    for name, examples in EXAMPLES.items():
        assert examples
        assert all(f"{example} ".startswith(f"{name} " if name else "") for example in examples)


def named(words: str) -> Any:
    """Return the command of some words, as the program finds it."""
    node = TREE
    for word in words.split():
        node = node.get_command(typer.Context(node), word)
    return node


def test_the_table_of_purposes_holds_every_command_once() -> None:
    listed = [words for purpose in (*PURPOSES, LAB) for words in purpose.commands]
    leaves = [words for words in COMMANDS if words and not hasattr(named(words), "commands")]
    for words in leaves:
        assert sum(words == each or words.startswith(f"{each} ") for each in listed) == 1, words
    assert all(named(each) is not None for each in listed)


def test_help_shows_commands_by_purpose_and_folds_the_laboratory(
    command: Callable[..., Outcome],
) -> None:
    text = command("--help").out
    places = [text.index(f"\n{purpose.name}:\n") for purpose in PURPOSES]
    assert places == sorted(places)
    for words, sentence in (row for purpose in PURPOSES for row in purpose.commands.items()):
        assert re.search(rf"^  {words}\b.*{re.escape(sentence)}$", text, re.MULTILINE), words
    assert "  lab  " in text
    assert "backtest" not in text
    inside = command("lab", "--help").out
    for words, sentence in LAB.commands.items():
        assert f"{words} " in inside
        assert sentence in inside
    assert all(name in text for name in SYNONYMS)


def test_synonyms_and_the_laboratory_lead_to_the_command(command: Callable[..., Outcome]) -> None:
    for name, words in SYNONYMS.items():
        assert (
            command(name, "--help").out.split("\n", 1)[1]
            == command(*words.split(), "--help").out.split("\n", 1)[1]
        )
    assert command("lab", "schema", "plan").out == command("schema", "plan").out
    assert command("budgt").code == 2


def test_options_that_few_need_come_last(command: Callable[..., Outcome]) -> None:
    usual, more = command("plan", "--help").out.split("More options:")
    assert "--budget" in usual
    for option in ("--scheduler", "--support", "--jobs"):
        assert f"  {option} " in more
        assert f"  {option} " not in usual


def test_the_readme_and_the_page_of_questions_follow_the_table() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([^`]+)`((?: or `[^`]+`)*) \| ([^|]+) \|", readme, re.MULTILINE)
    table = [row for purpose in (*PURPOSES, LAB) for row in purpose.commands.items()]
    assert [sentence for _, _, sentence in rows] == [sentence for _, sentence in table]
    for (call, _, _), (words, _) in zip(rows, table, strict=True):
        assert f"{call} ".startswith(f"{words} ")
    page = (ROOT / "docs" / "questions.md").read_text(encoding="utf-8")
    asked = re.findall(r"`interdict ([^`]+)`", page)
    assert len(asked) >= 15
    for line in asked:
        found = next(
            each
            for each in (*SYNONYMS, *(words for words, _ in table))
            if f"{line} ".startswith(f"{each} ")
        )
        node, typed = named(found), shlex.split(line[len(found) :])
        while hasattr(node, "commands"):
            node = node.commands[typed.pop(0)]
        assert node.make_context("question", typed).params


@pytest.mark.parametrize(
    "example", sorted({example for examples in EXAMPLES.values() for example in examples})
)
def test_every_example_parses(example: str) -> None:
    words, node = shlex.split(example), TREE
    while hasattr(node, "commands"):
        node = node.commands[words.pop(0)]
    assert node.make_context("example", words).params
    for word in words:
        if word.startswith("instances/"):
            assert (ROOT / word).exists(), word


@pytest.mark.parametrize("words", COMMANDS)
def test_help_ends_with_its_examples_as_they_are_typed(
    command: Callable[..., Outcome], words: str
) -> None:
    short, long = command(*words.split(), "-h"), command(*words.split(), "--help")
    assert (short.code, short.out) == (0, long.out)
    for example in EXAMPLES[words]:
        assert f"interdict {example}" in long.out


def test_quiet_and_verbose_change_progress_and_nothing_else(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    write_instance(tmp_path / "i.json", random_instance(1))
    usual, quiet, verbose = (
        command("solve", tmp_path / "i.json", *more) for more in ((), ("-q",), ("--verbose",))
    )
    assert usual.out == quiet.out == verbose.out
    assert quiet.err == ""
    assert "contracting" in usual.err
    assert re.search(r"contracting: \d+\.\d+ s", verbose.err)
    told = command("solve", tmp_path / "i.json", "--json", "-v")
    assert len(told.objects) == 1
    assert "contracting" in told.err
    assert command("solve", tmp_path / "i.json", "-q", "-v").code == 2
    assert command("solve", tmp_path / "none.json", "--quiet").err.startswith("Error: ")


def shell(*arguments: str, **environment: str) -> str:
    """Run the installed program's code under its name and return standard output."""
    code = "import sys; sys.argv[0] = 'interdict'; from optimizer.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert "Traceback" not in done.stderr
    return done.stdout


def test_a_python_without_the_packages_is_told_which_to_run() -> None:
    # -S: as if nothing was installed
    words = [sys.executable, "-S", str(ROOT / "cli.py"), "check", "scenario.toml"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ")
    assert "Run .venv/bin/python cli.py, or install first" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shell_name", "expected"),
    [
        ("bash", "complete -o default -F _interdict_completion interdict"),
        ("zsh", "compdef _interdict_completion interdict"),
    ],
)
def test_completion_is_shown_for_the_shells(shell_name: str, expected: str) -> None:
    script = shell(
        "--show-completion", shell_name, _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1"
    )
    assert expected in script
    assert f"_INTERDICT_COMPLETE=complete_{shell_name}" in script


@pytest.mark.slow
def test_completion_installs(tmp_path: Path) -> None:
    said = shell(
        "--install-completion",
        "bash",
        HOME=str(tmp_path),
        _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1",
    )
    assert "installed" in said
    (script,) = (tmp_path / ".bash_completions").iterdir()
    assert "_INTERDICT_COMPLETE=complete_bash" in script.read_text(encoding="utf-8")
    assert str(script) in (tmp_path / ".bashrc").read_text(encoding="utf-8")


@pytest.mark.slow
def test_completion_completes_commands_options_and_choices() -> None:
    def bash(line: str) -> list[str]:
        words = line.split(" ")
        asked = {"COMP_WORDS": "\n".join(words), "COMP_CWORD": str(len(words) - 1)}
        return shell(_INTERDICT_COMPLETE="complete_bash", **asked).split()

    assert bash("interdict si") == ["simulate"]
    assert bash("interdict risk lo") == ["look"]
    assert bash("interdict plan --skip") == ["--skip-unreachable"]
    assert bash("interdict solve --method cu") == ["cuts"]
    zsh = shell(_INTERDICT_COMPLETE="complete_zsh", _TYPER_COMPLETE_ARGS="interdict ro")
    assert '"roster"' in zsh


def test_a_command_from_outside_is_one_like_the_others(
    capsys: pytest.CaptureFixture[str], command: Callable[..., Outcome]
) -> None:
    del command
    outside = typer.Typer()

    def count(files: list[Path]) -> None:
        """Count files."""
        typer.echo(len(files))

    add_command(outside, count, examples=("count a b",))
    get_command(outside).main(["a", "b", "-q"], standalone_mode=False)
    assert capsys.readouterr().out == "2\n"


def test_people_read_names_and_tools_read_ids(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    drawn = random_instance(1)
    named = replace(
        drawn,
        evaders=tuple(
            replace(e, id=f"w{k}-1 > n{k}", label=f"Bendern > Vaduz {k}")
            for k, e in enumerate(drawn.evaders)
        ),
        options=tuple(replace(o, label=f"Bridge {o.id}") for o in drawn.options),
    )
    write_instance(tmp_path / "i.json", named)
    assert read_instance(tmp_path / "i.json").evaders == named.evaders
    (tmp_path / "p.json").write_text(json.dumps({"options": [drawn.options[0].id]}))
    table = command("evaluate", tmp_path / "i.json", tmp_path / "p.json").out
    assert "Bendern > Vaduz 0" in table
    assert "w0-1" not in table
    (line,) = command("evaluate", tmp_path / "i.json", tmp_path / "p.json", "--json").objects
    assert line["evaders"][0]["id"] == "w0-1 > n0"
    (line,) = command("solve", tmp_path / "i.json", "--json").objects
    shown = command("solve", tmp_path / "i.json").out
    assert line["plan"]
    assert all(f"Bridge {option}" in shown for option in line["plan"])


def test_a_misspelt_option_id_is_answered_with_the_nearest(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    drawn = random_instance(1)
    options = tuple(replace(o, id=f"bridge-{k}") for k, o in enumerate(drawn.options))
    write_instance(tmp_path / "i.json", replace(drawn, options=options))
    (tmp_path / "p.json").write_text('{"options": ["brigde-0"]}')
    outcome = command("evaluate", tmp_path / "i.json", tmp_path / "p.json")
    assert outcome.code == 1
    assert "Did you mean 'bridge-0'?" in outcome.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("passes", "s.toml", "--quarters", "0"),
            "'--quarters': found 0; expected a number of at least 1.",
        ),
        (
            ("solve", "i.json", "--time-limit", "soon"),
            "'--time-limit': found soon; expected a number.",
        ),
        (
            ("roster", "p", "--from", "2026-12-01", "--weeks", "1.5"),
            "'--weeks': found 1.5; expected a whole number.",
        ),
        (
            ("bench", "--family", "all", "--limit-by", "sun"),
            "'--limit-by': 'sun' is not one of 'clock', 'work'.",
        ),
    ],
)
def test_an_argument_that_cannot_be_is_told_in_plain_words(
    arguments: tuple[str, ...], said: str
) -> None:
    outcome = CliRunner().invoke(app, list(arguments))
    assert outcome.exit_code == 2
    assert said in " ".join(outcome.output.split())
