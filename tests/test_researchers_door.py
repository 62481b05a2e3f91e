"""What a researcher brings: a method by an entry point, a family by a folder, a table
of results; and what another program can read of ours.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from optimizer.base.errors import InputError
from optimizer.lab.benchmark.best_known import PUBLISHED_OPTIMA, compare_results, read_known
from optimizer.problem.files.instance_file import read_instance
from optimizer.problem.plan.evaluation import plan_value
from tests.command import run

pytestmark = pytest.mark.lab

ROOT = Path(__file__).parents[1]
INSTANCES = ROOT / "instances"
SMALL = "grid-10-plain-6"
METHOD = '''
def nothing(search):
    """Offer the plan that places what is forced alone, and prove nothing."""
    search.offer(search.instance.forced.copy())
    search.statistics["asked"] = 1.0
'''


@pytest.fixture
def installed(tmp_path: Path) -> dict[str, str]:
    """Return the environment of processes beside which a package with two methods is
    installed, one of them broken.
    """
    package = tmp_path / "site"
    (package / "others-1.0.dist-info").mkdir(parents=True)
    (package / "others.py").write_text(METHOD, encoding="utf-8")
    (package / "others-1.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: others\nVersion: 1.0\n", encoding="utf-8"
    )
    entries = (
        "[optimizer.methods]\nnothing = others:nothing\nbroken = others:missing\nauto ="
        " others:nothing\n"
    )
    (package / "others-1.0.dist-info" / "entry_points.txt").write_text(entries, encoding="utf-8")
    return os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{package}"}


def command(environment: dict[str, str], *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "cli.py"), *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


@pytest.mark.slow
def test_a_method_of_an_installed_package_takes_part_in_bench_on_a_folder_of_ones_own(
    installed: dict[str, str], tmp_path: Path
) -> None:
    family = tmp_path / "mine"
    family.mkdir()
    shutil.copy(INSTANCES / "grid" / f"{SMALL}.json", family / "street.json")
    arguments = (
        "bench",
        "--family",
        family,
        "--method",
        "nothing",
        "--method",
        "greedy",
        "--out",
        tmp_path / "rows",
        "--json",
    )
    done = command(installed, *arguments)
    assert done.returncode == 0, done.stderr
    rows = {row["method"]: row for row in map(json.loads, done.stdout.splitlines())}
    assert set(rows) == {"nothing", "greedy"}
    assert {row["family"] for row in rows.values()} == {"mine"}
    assert {row["instance"] for row in rows.values()} == {"street"}
    assert rows["nothing"]["plan"] == []
    assert rows["greedy"]["upper"] < rows["nothing"]["upper"]
    assert (rows["nothing"]["package"], rows["greedy"]["package"]) == ("others 1.0", "")
    metadata = tmp_path / "site" / "others-1.0.dist-info" / "METADATA"
    metadata.write_text(
        metadata.read_text(encoding="utf-8").replace("1.0", "1.1"), encoding="utf-8"
    )
    again = [json.loads(line) for line in command(installed, *arguments).stdout.splitlines()]
    assert [(row["method"], row["package"]) for row in again] == [("nothing", "others 1.1")]
    assert len((tmp_path / "rows" / "rows.jsonl").read_text(encoding="utf-8").splitlines()) == 3


@pytest.mark.slow
def test_a_method_that_cannot_be_imported_says_whose_it_is(installed: dict[str, str]) -> None:
    done = command(installed, "solve", INSTANCES / "grid" / f"{SMALL}.json", "--method", "broken")
    assert done.returncode == 1
    assert "others:missing" in done.stderr
    assert "Traceback" not in done.stderr
    own = command(installed, "solve", INSTANCES / "grid" / f"{SMALL}.json", "--json")
    assert json.loads(own.stdout)["plan"] != []  # auto stays ours


def test_a_folder_without_instances_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run(capsys, monkeypatch, "bench", "--family", tmp_path, "--out", tmp_path / "rows")
    assert done.code == 1
    assert "no instance" in done.err


def reader() -> str:
    page = (ROOT / "docs" / "instance.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"<!-- the reader -->\n```python\n(.*?)```", page, re.DOTALL)
    return str(program)


def test_the_reader_has_thirty_lines_and_needs_nothing_but_python() -> None:
    lines = [line for line in reader().splitlines() if line.strip()]
    assert len(lines) <= 30
    assert re.findall(r"^(?:import|from) (.*)$", reader(), re.MULTILINE) == [
        "heapq, json, math, sys"
    ]


@pytest.mark.parametrize(
    "name", ["grid/grid-10-plain-6", "grid/grid-10-mixed-30", "andorra-like/andorra-like-911-10"]
)
def test_the_reader_gives_the_values_of_the_best_known_solutions(name: str, tmp_path: Path) -> None:
    program = tmp_path / "reader.py"
    program.write_text(reader(), encoding="utf-8")
    files = [str(INSTANCES / f"{name}{suffix}") for suffix in (".json", ".sol.json")]
    done = subprocess.run(
        [sys.executable, "-I", str(program), *files], capture_output=True, text=True, check=True
    )
    assert float(done.stdout) == pytest.approx(read_known(Path(files[1])).value, rel=1e-9)


def table(path: Path, *rows: str, head: str = "instance,value,plan") -> Path:
    file = path / "results.csv"
    file.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    return file


def test_results_are_held_beside_the_best_known(tmp_path: Path) -> None:
    known = read_known(INSTANCES / "grid" / f"{SMALL}.sol.json")
    nothing = plan_value(
        read_instance(INSTANCES / "grid" / f"{SMALL}.json"),
        read_instance(INSTANCES / "grid" / f"{SMALL}.json").placed([]),
    )
    file = table(
        tmp_path,
        f"{SMALL},{known.value},{' '.join(known.options)}",
        f"{SMALL},,{' '.join(known.options[:1])}",
        f"{SMALL},{nothing},",
        f"{SMALL},{known.bound * 0.9},",
        f"snip-0-3-50,{PUBLISHED_OPTIMA['snip-0-3-50']},",
    )
    compared = compare_results(file)
    assert [each.verdict for each in compared] == [
        "equal",
        "worse",
        "worse",
        "below the proven bound",
        "equal",
    ]
    assert [each.plan_checked for each in compared] == [True, True, False, False, False]
    assert known.value < compared[1].value < compared[2].value
    assert compared[2].difference == pytest.approx(nothing / known.value - 1)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            lambda _: "grid-10-plain-7,0.5,",
            "line 2, column 'instance'.*Did you mean 'grid-10-plain-6'",
        ),
        (lambda _: f"{SMALL},-1,", "line 2, column 'value': found '-1'; expected a value from 0"),
        (lambda _: f"{SMALL},,", "a value from 0, or a plan"),
        (lambda _: f"{SMALL},,no-such-option", "line 2, column 'plan': found 'no-such-option'"),
        (
            lambda ids: f"{SMALL},,{' '.join(ids)}",
            "line 2, column 'plan': found resource .* is over its budget",
        ),
        (lambda ids: f"{SMALL},0.0001,{ids[0]}", "the value of the plan"),
    ],
)
def test_a_table_at_fault_is_refused_by_line(
    row: Callable[[list[str]], str], message: str, tmp_path: Path
) -> None:
    ids = [option.id for option in read_instance(INSTANCES / "grid" / f"{SMALL}.json").options]
    with pytest.raises(InputError, match=message):
        compare_results(table(tmp_path, row(ids)))


def test_the_command_compares(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    known = read_known(INSTANCES / "grid" / f"{SMALL}.sol.json")
    file = table(tmp_path, f"{SMALL},{known.value}", head="instance,value")
    done = run(capsys, monkeypatch, "bench", "--compare", file, "--json")
    assert done.code == 0
    assert json.loads(done.out)["verdict"] == "equal"
    shown = run(capsys, monkeypatch, "bench", "--compare", file)
    assert "equal" in shown.out + shown.err
