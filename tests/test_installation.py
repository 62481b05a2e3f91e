"""Installations: the archive for machines without a network, and the packages that the
solver alone needs.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from optimizer.problem.files.instance_file import write_instance
from tests.bundle import (
    INSTALL_LINUX,
    INSTALL_WINDOWS,
    ROOT,
    SCENARIO,
    Wheel,
    bill_of_materials,
    pack,
)
from tests.cases import random_instance
from tests.wheels import fault_of, pinned, versions


def wheel(folder: Path, name: str, *lines: str) -> Path:
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        said = "\n".join(
            [
                "Metadata-Version: 2.4",
                f"Name: {name}",
                "Version: 1.0",
                *lines,
                "",
                "License-Expression: of the text",
            ]
        )
        archive.writestr(f"{name}-1.0.dist-info/METADATA", said)
        archive.writestr(f"{name}/vendored/other.dist-info/METADATA", "Name: other")
    return path


def test_a_bill_of_materials_names_each_wheel_with_licence_and_checksum(tmp_path: Path) -> None:
    files = [
        wheel(tmp_path, "border-interdiction", "License-Expression: MIT"),
        wheel(tmp_path, "Some_Thing", "Classifier: License :: OSI Approved :: BSD License"),
        wheel(tmp_path, "silent"),
    ]
    bill = bill_of_materials([Wheel.read(path) for path in files])
    listed = bill["components"]
    assert isinstance(listed, list)
    assert [(part["purl"], part["licenses"][0]["license"]["name"]) for part in listed] == [
        ("pkg:pypi/some-thing@1.0", "BSD License"),
        ("pkg:pypi/silent@1.0", "not stated"),
    ]
    assert listed[0]["hashes"][0]["content"] == hashlib.sha256(files[1].read_bytes()).hexdigest()


def test_the_conda_recipe_asks_for_what_the_package_asks_for() -> None:
    """Version, Python, every dependency with its range, and the command; names that
    conda-forge spells otherwise are known here.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    recipe = (ROOT / "recipe" / "recipe.yaml").read_text(encoding="utf-8")
    spelt = {
        "matplotlib": "matplotlib-base",
        "ortools": "ortools-python",
        "osmium": "pyosmium",
        "qdldl": "qdldl-python",
        "tzdata": "python-tzdata",
    }
    wanted = {"python": Requirement(f"python{project['requires-python']}").specifier}
    for line in project["dependencies"]:
        requirement = Requirement(line)
        wanted[spelt.get(requirement.name, requirement.name)] = requirement.specifier
    run = recipe.partition("  run:\n")[2].partition("\n\n")[0].splitlines()
    asked = {name: Requirement(f"{name}{span}").specifier for _, name, span in map(str.split, run)}
    assert asked == wanted
    command = f"      - interdict = {project['scripts']['interdict']}"
    stated = [f"  {field}: {project[field]}" for field in ("name", "version", "license")]
    assert {*stated, command} <= set(recipe.splitlines())


def test_scripts_name_what_is_there_and_stay_executable(tmp_path: Path) -> None:
    for script in (INSTALL_LINUX, INSTALL_WINDOWS):
        text = script.format(version="3.12", scenario=SCENARIO)
        assert "--no-index" in text
        assert "{" not in text.replace("${PYTHON:-python3.12}", "")
    assert (ROOT / SCENARIO / "scenario.toml").is_file()
    content = tmp_path / "bundle"
    content.mkdir()
    (content / "install.sh").write_text("#!/bin/sh\n")
    (content / "install.sh").chmod(0o755)
    pack(content, tmp_path / "bundle.zip")
    with zipfile.ZipFile(tmp_path / "bundle.zip") as archive:
        (entry,) = archive.infolist()
    assert entry.filename == "bundle/install.sh"
    assert entry.external_attr >> 16 & 0o111


SOLVER_NEEDS = ("lazy_loader", "numba", "numpy", "ortools", "pydantic", "scipy", "shapely")

HIDDEN = """
import sys
for name in {hidden!r}:
    sys.modules[name] = None
import optimizer
large, small = map(optimizer.read_instance, {instances!r})
for instance, method in ((large, "auto"), *((small, each) for each in ("cuts", "greedy", "mixed"))):
    found = optimizer.solve(instance, method=method, time_limit=30)
    assert found.lower <= found.upper
"""


@pytest.mark.slow
def test_the_solver_needs_what_its_page_says(tmp_path: Path) -> None:
    import_names = {"jinja2": "jinja2", "pillow": "PIL", "lazy-loader": "lazy_loader"}
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "dependencies"
    ]
    names = {Requirement(line).name for line in needed}
    hidden = sorted(
        {import_names.get(name, name) for name in names} - set(SOLVER_NEEDS) - {"pandas"}
    )  # ortools needs pandas
    write_instance(tmp_path / "small.json", random_instance(0))
    large = str(ROOT / "instances/grid/grid-10-plain-6.json")  # with kernels
    script = HIDDEN.format(hidden=hidden, instances=(large, str(tmp_path / "small.json")))
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    page = (ROOT / "docs/installation.md").read_text(encoding="utf-8")
    (line,) = (line for line in page.splitlines() if line.startswith("pip install lazy-loader"))
    listed = {Requirement(part.strip("'")).name for part in line.split()[2:]}
    assert listed == {name for name in names if import_names.get(name, name) in SOLVER_NEEDS}


def test_every_python_from_the_oldest_is_let_in_and_every_pin_is_plain() -> None:
    """No upper bound, which would refuse the Python of a new system; and constraints that
    pip reads as they are.
    """
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    listed = versions(text)
    project = tomllib.loads(text)["project"]
    assert project["requires-python"] == f">={listed[0]}"
    assert "3.14" in listed
    names = pinned((ROOT / "constraints.txt").read_text(encoding="utf-8"))
    extras = project["optional-dependencies"].values()
    for line in (*project["dependencies"], *(each for extra in extras for each in extra)):
        assert Requirement(line).name in {*names, project["name"]}
    with pytest.raises(ValueError, match="expected name==version"):
        pinned("numpy>=2")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("cause: Failed to fetch: https://host/simple/osmium/", "registry cannot be reached"),
        ("Because pyproj==3.7.2 has no usable wheels and", "pyproj==3.7.2 has no wheel: pin"),
        ("hint: Wheels are required for `numpy` because", "numpy has no wheel: pin"),
        ("something\n else", "something else"),
    ],
)
def test_a_resolution_that_fails_says_why(answer: str, said: str) -> None:
    assert said in fault_of(answer)


def test_the_wheel_says_what_lies_inside_the_wheels_that_it_needs() -> None:
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert "NOTICE" in project["license-files"]
    for library in ("GEOS", "libgfortran", "libquadmath", "PROJ", "GDAL", "SQLite"):
        assert library in notice
    needed = {re.split("[<>=;[ ]", name)[0] for name in project["dependencies"]}
    named = set(re.findall(r"\b([a-z]+) \d+\.\d+", notice))
    assert named - {"llvmlite"} <= needed  # numba brings llvmlite
