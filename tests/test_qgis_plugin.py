"""The QGIS plugin: its archive is as QGIS asks, and in a real QGIS without a window its algorithms run and add styled layers."""

from __future__ import annotations

import configparser
import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from optimizer.base.version import package_version
from optimizer.cli.app import app
from optimizer.pipeline import evaluate_file
from optimizer.report.qgis.archive import FILES, plugin_archive
from tests.tiny import write_scenario
from tests.validators import SYSTEM_PYTHON, needs_qgis

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[1]
GRID = ROOT / "instances/grid/grid-10-plain-6.json"


def test_the_archive_is_one_folder_with_metadata_as_qgis_asks(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["qgis", "--out", str(tmp_path / "plugin.zip")])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "plugin.zip").read_bytes() == plugin_archive()
    with zipfile.ZipFile(io.BytesIO(plugin_archive())) as archive:
        assert archive.namelist() == [f"interdict/{name}" for name in FILES]
        text = archive.read("interdict/metadata.txt").decode()
        for name in FILES[:3]:
            compile(archive.read(f"interdict/{name}"), name, "exec")
    general = configparser.ConfigParser()
    general.read_string(text)
    asked = {
        "name",
        "qgisMinimumVersion",
        "description",
        "about",
        "version",
        "author",
        "email",
        "repository",
        "tracker",
    }
    assert all(general["general"][key] for key in asked)
    assert general["general"]["hasProcessingProvider"] == "yes"
    assert general["general"]["version"] == package_version()


@pytest.fixture
def environment(tmp_path: Path) -> Mapping[str, str]:
    """Return an environment with the plugin installed for a new user, and the program beside it."""
    home = tmp_path / "home"
    plugins = home / ".local/share/QGIS/QGIS3/profiles/default/python/plugins"
    with zipfile.ZipFile(io.BytesIO(plugin_archive())) as archive:
        archive.extractall(plugins)
    program = tmp_path / "a program" / "interdict"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{ROOT / "cli.py"}" "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "QGIS"))}
    return own | {
        "HOME": str(home),
        "QT_QPA_PLATFORM": "offscreen",
        "INTERDICT_PROGRAM": str(program),
        "QGIS_PLUGINPATH": str(plugins),
        "XDG_RUNTIME_DIR": str(tmp_path),
    }


def ran(environment: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(arguments, capture_output=True, text=True, check=False, env=dict(environment), timeout=300)


@needs_qgis
def test_qgis_process_runs_the_provider(environment: Mapping[str, str]) -> None:
    assert ran(environment, "qgis_process", "plugins", "enable", "interdict").returncode == 0
    plan = GRID.with_suffix(".sol.json")
    given = [f"INSTANCE={GRID}", f"PLAN={plan}"]
    told = ran(environment, "qgis_process", "--json", "run", "interdict:evaluate", "--", *given)
    assert told.returncode == 0, told.stderr[-2000:]
    value = json.loads(told.stdout)["results"]["VALUE"]
    assert value == pytest.approx(evaluate_file(GRID, plan).evaluation.value, rel=1e-12)


@pytest.mark.slow
@needs_qgis
def test_planning_in_qgis_adds_styled_layers(environment: Mapping[str, str], tmp_path: Path) -> None:
    scenario, script = write_scenario(tmp_path), tmp_path / "run.py"
    script.write_text(RUN, encoding="utf-8")
    told = ran(environment, SYSTEM_PYTHON, str(script), str(scenario), str(tmp_path / "out"), str(GRID))
    assert told.returncode == 0, told.stderr[-2000:]
    seen: dict[str, Any] = json.loads(told.stdout.splitlines()[-1])
    assert seen["algorithms"] == ["evaluate", "frontier", "plan", "region"]
    assert seen["plan"]["sites"] == "categorizedSymbol"
    assert {"routes", "risk", "effort", "crossings", "towns"} <= set(seen["plan"])
    assert seen["frontier"] == 3
    assert (tmp_path / "out/plan.json").is_file()
    assert "scenario.tomlx" in seen["fault"]
    assert "Install border-interdiction" in seen["missing"]


RUN = """
import json, os, sys
sys.path.insert(0, os.environ["QGIS_PLUGINPATH"])
from qgis.core import *
app = QgsApplication([], False)
app.initQgis()
from interdict import classFactory
plugin = classFactory(None)
plugin.initProcessing()
registry = QgsApplication.processingRegistry()
def run(name, **given):
    context, feedback = QgsProcessingContext(), QgsProcessingFeedback(False)
    context.setProject(QgsProject.instance())
    algorithm = registry.createAlgorithmById("interdict:" + name)
    results, good = algorithm.run(given, context, feedback)
    layers = {}
    for key, details in context.layersToLoadOnCompletion().items():
        layer = context.getMapLayer(key)
        layers[details.name] = layer.renderer().type() if layer.isSpatial() else layer.featureCount()
    return good, layers, feedback.textLog()
good, layers, log = run("plan", SCENARIO=sys.argv[1], OUT=sys.argv[2], GAP="0.01", TIME_LIMIT="30")
assert good, log
seen = {"algorithms": sorted(a.name() for a in registry.providerById("interdict").algorithms())}
seen["plan"] = layers
good, layers, log = run(
    "frontier", SCENARIO=sys.argv[3], RESOURCE="sensors", FROM="0", TO="2", POINTS="3", OUT=sys.argv[2] + "-curve"
)
assert good, log
seen["frontier"] = layers["frontier"]
good, layers, log = run("evaluate", INSTANCE=sys.argv[1] + "x", PLAN=sys.argv[1])
assert not good
seen["fault"] = log
good, layers, log = run("evaluate", INSTANCE=sys.argv[1], PLAN=sys.argv[1], PROGRAM="/nowhere/interdict; id")
assert not good
seen["missing"] = log
print(json.dumps(seen))
"""
