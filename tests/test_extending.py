"""Every worked example of docs/extending.md is built outside the package, from the code
blocks of the page, and used.
"""

from __future__ import annotations

import importlib.util
import re
import sys
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

import optimizer as opt
from optimizer.cli.app import app
from optimizer.cli.import_ import import_app
from optimizer.problem.files.instance_file import write_instance
from optimizer.problem.instance.methods import METHOD_NAMES
from optimizer.report import figure_files, figures
from optimizer.report.figure_files import figure_names
from optimizer.scenario.compile.compile import compile_scenario
from optimizer.scenario.file import kinds
from optimizer.scenario.file.model import ScenarioModel, SolveModel
from optimizer.solvers.place import METHODS
from tests.cases import brute_force, random_instance
from tests.command import run
from tests.report_case import full_content
from tests.tiny import SCENARIO, write_scenario

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def extension(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Run the page's code as a program of its own would, and take its registrations
    back afterwards.
    """
    lists: list[list[Any]] = [
        kinds.KINDS,
        METHOD_NAMES,
        figure_files._added,
        app.registered_commands,
        import_app.registered_commands,
    ]
    before, methods = [list(one) for one in lists], dict(METHODS)
    file = tmp_path_factory.mktemp("extension") / "extension.py"
    file.write_text(
        "\n".join(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)), encoding="utf-8"
    )
    specification = importlib.util.spec_from_file_location("extension", file)
    assert specification is not None
    assert specification.loader is not None
    module = sys.modules["extension"] = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    yield vars(module)
    del sys.modules["extension"]
    for one, content in zip(lists, before, strict=True):
        one[:] = content
    METHODS.clear()
    METHODS.update(methods)
    ScenarioModel.model_rebuild(force=True)


@pytest.mark.usefixtures("extension")
def test_the_kind_is_compiled_from_a_scenario(tmp_path: Path) -> None:
    (table,) = re.findall(r"```toml\n(\[\[kinds.*?)```", PAGE, re.DOTALL)
    site = '[[site]]\nid = "f"\nlon = 10.2\nlat = 50.2\nagency = "police"\nkinds = ["gate"]\n'
    instance = compile_scenario(write_scenario(tmp_path, f"{SCENARIO}\n{table}\n{site}")).instance
    option = instance.options[instance.option_index["f"]]
    assert (option.kind, option.survival) == ("barrier", (0.75, 0.75))


def test_the_evader_type_is_solved(extension: dict[str, Any], tmp_path: Path) -> None:
    instance = extension["with_divided"](random_instance(3))
    assert all(evader.kind == "habitual" for evader in instance.evaders)
    write_instance(tmp_path / "i.json", instance)
    result = opt.solve(opt.read_instance(tmp_path / "i.json"), gap=0)
    assert result.upper == pytest.approx(brute_force(instance)[0], abs=1e-9)


@pytest.mark.usefixtures("extension")
def test_the_solver_solves_from_python_and_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    instance = random_instance(3)
    result = opt.solve(instance, method="sampled")
    assert result.lower is not None
    assert result.lower <= brute_force(instance)[0] + 1e-9
    # six options: 200 tries see every plan
    assert result.upper == pytest.approx(brute_force(instance)[0], abs=1e-9)
    write_instance(tmp_path / "i.json", instance)
    outcome = run(
        capsys, monkeypatch, "solve", tmp_path / "i.json", "--method", "sampled", "--json"
    )
    assert outcome.objects[0]["upper"] == result.upper
    assert SolveModel(method="sampled").method == "sampled"


@pytest.mark.usefixtures("extension")
def test_the_solver_sees_that_its_time_has_ended() -> None:
    assert opt.solve(random_instance(3), method="sampled", time_limit=1e-6).limit == "time"


@pytest.mark.usefixtures("extension")
def test_the_record_format_is_imported_and_read_by_a_scenario(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [
        "day;lon;lat;hours;found",
        "2024-01-05;10.1;50.1;3;1",
        ";10.1;50.1;1;0",
        "2024-02-01;10.2;50.2;2;0",
    ]
    (tmp_path / "log.txt").write_text("\n".join(lines), encoding="utf-8")
    outcome = run(
        capsys, monkeypatch, "import", "log", tmp_path / "log.txt", "--out", tmp_path / "records"
    )
    assert outcome.code == 0, outcome.err
    assert "dropped: no day" in outcome.out
    records = (tmp_path / "records" / "records.toml").read_text(encoding="utf-8")
    entries = tomllib.loads(records)["records"]
    assert entries["effort"][0]["unit"] == "hours"
    scenario = re.sub(r"\[\[records\..*?(?=\n\[(?!\[records))", "", SCENARIO, flags=re.DOTALL)
    for name in ("seizures.csv", "effort.csv"):
        records = records.replace(f'"{name}"', f'"records/{name}"')
    write_scenario(tmp_path, scenario + records)
    checked = opt.check_scenario_file(tmp_path / "scenario.toml")
    assert checked.ok, checked.problems
    used = {
        Path(file.file).name: file.rows
        for file in checked.files
        if Path(file.file).parent.name == "records"
    }
    assert used["seizures.csv"] == 1
    assert "effort.csv" in used


@pytest.mark.slow
@pytest.mark.usefixtures("extension")
def test_the_figure_is_drawn_with_the_others(tmp_path: Path) -> None:
    saved = [path.name for path in figures.save_figures(tmp_path, full_content())]
    assert saved[-1] == "budgets.png"
    assert [
        name for name in saved if not any(fnmatchcase(name, one) for one in figure_names())
    ] == []
    assert (tmp_path / "budgets.png").stat().st_size > 1000


@pytest.mark.usefixtures("extension")
def test_the_command_runs_and_has_help(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = run(
        capsys, monkeypatch, "size", ROOT / "instances/grid/grid-10-plain-6.json", "--quiet"
    )
    assert re.match(r"\d+ nodes, \d+ options, \d+ evaders\n", outcome.out)
    assert "interdict size instances/grid" in run(capsys, monkeypatch, "size", "-h").out


def test_the_files_that_pages_name_are_there() -> None:
    for text in (PAGE, (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")):
        for path in re.findall(r"`((?:\w+/)+\w+\.(?:py|html))`", text):
            assert (ROOT / path).exists() or (ROOT / "optimizer" / path).exists(), path
        for path in re.findall(r"tests/\w+\.py", text):
            assert (ROOT / path).exists(), path
