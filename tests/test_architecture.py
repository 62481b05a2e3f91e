"""The layers of the house, the speed of its door, and the promises of its package."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import optimizer
from optimizer import pipeline
from tests.structure import CHANGES, Structure, touched

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
def test_data_flows_down_the_layers() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command; lint_imports_command()",
        ],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_no_class_name_stands_twice() -> None:
    texts = Structure.read().sources.values()
    names = [name for text in texts for name in re.findall(r"^class (\w+)", text, re.MULTILINE)]
    assert len(names) > 500
    assert [name for name, count in Counter(names).items() if count > 1] == []


def test_a_field_is_described_above_itself() -> None:
    """A `#:` comment describes it, and not the docstring of its class."""
    twice = [
        f"{path}: {node.name}.{field.target.id}"
        for path, tree in Structure.read().trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        for section in [(ast.get_docstring(node) or "").partition("\nAttributes\n---")[2]]
        for field in node.body
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if re.search(rf"^(?:\w+, )*{field.target.id}(?:, \w+)*$", section, re.MULTILINE)
    ]
    assert twice == []


@pytest.mark.slow
def test_each_change_that_is_counted_has_an_example_in_the_package() -> None:
    assert [change for change in CHANGES if not touched(change)] == []


@pytest.mark.slow
def test_help_imports_nothing_heavy() -> None:
    heavy = [
        "numpy",
        "pandas",
        "scipy",
        "geopandas",
        "osmnx",
        "osmium",
        "ortools",
        "bokeh",
        "matplotlib",
    ]
    code = (
        "import sys; from optimizer.cli.app import app, main; import typer.main\n"
        # it takes 30 ms to make
        "typer.main.get_command = tree = lambda app, of=typer.main.get_command(app): of\ndef"
        " paths(command, path):\n    yield path\n    for name, below in getattr(command,"
        " 'commands', {}).items(): yield from paths(below, [*path, name])\nasked = 0\nfor path in"
        " paths(tree(app), []):\n    sys.argv = ['cli.py', *path, '--help']\n    try: main()\n   "
        " except SystemExit as stop: asked += not stop.code\n"
        # typer itself loads it for the help of a command
        "    if not path: first = 'pydantic' in sys.modules\n"
        f"print('asked and loaded:', asked, first, [m for m in {heavy} if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    last = done.stdout.splitlines()[-1]
    assert last.endswith(" False []"), last
    assert int(last.split()[3]) >= 18


@pytest.mark.slow
def test_reading_a_record_loads_no_tables_of_pandas() -> None:
    read = (
        "optimizer.scenario.check.check, optimizer.scenario.demand.travel,"
        " optimizer.records.reading, optimizer.records.tips"
    )
    code = f"import sys, {read}; print('pandas' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


def test_every_public_name_loads() -> None:
    for package in (optimizer, pipeline):
        for name in package.__all__:
            assert getattr(package, name).__doc__, name


def test_every_function_of_the_pipeline_returns_a_frozen_dataclass() -> None:
    for name in pipeline.__all__:
        function = getattr(pipeline, name)
        if isinstance(function, type):
            continue
        returned = (
            inspect.signature(function)
            .return_annotation.removeprefix("Iterator[")
            .removesuffix("]")
        )
        result = getattr(inspect.getmodule(function), returned)
        assert dataclasses.is_dataclass(result), name
        assert getattr(result, "__dataclass_params__").frozen, name  # noqa: B009 - no type stub has it


def test_the_package_ships_its_types_and_templates() -> None:
    package = Path(optimizer.__file__).parent
    for file in ("py.typed", "report/page.html", "report/page.css"):
        assert (package / file).is_file()


def test_the_top_level_is_what_was_agreed() -> None:
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if tracked.returncode != 0:
        return  # not a checkout: nothing to hold
    top = {Path(line).parts[0] for line in tracked.stdout.splitlines()}
    usual = {
        ".ci",
        ".gitignore",
        "CHANGELOG.md",
        "CITATION.cff",
        "CODE_OF_CONDUCT.md",
        "CONTRIBUTING.md",
        "GOVERNANCE.md",
        "LICENSE",
        "MAINTAINERS.md",
        "NOTICE",
        "README.md",
        "SECURITY.md",
        "codemeta.json",
        "constraints.txt",
        "docs",
        "publiccode.yml",
        ".pre-commit-config.yaml",
    }
    assert top <= usual | {
        "pyproject.toml",
        "optimizer",
        "instances",
        "tests",
        "cli.py",
        "results",
        "recipe",
    }
