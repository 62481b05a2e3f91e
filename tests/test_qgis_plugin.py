"""The QGIS plugin: its archive is as QGIS asks, and in a real QGIS without a window its
algorithms run and add styled layers.
"""

from __future__ import annotations

import configparser
import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import osmium
import pytest
from typer.testing import CliRunner

from optimizer.base.errors import InputError
from optimizer.base.version import package_version
from optimizer.cli.app import app
from optimizer.pipeline import evaluate_file
from optimizer.region import read_region
from optimizer.report.palette import BORDER, GATEWAY, OFFICIAL, ROAD, SETTLEMENT
from optimizer.report.qgis.archive import FILES, Contact, plugin_archive
from tests.standin import sample_world
from tests.tiny import write_scenario
from tests.validators import SYSTEM_PYTHON, needs_qgis

pytestmark = pytest.mark.report

ROOT = Path(__file__).parents[1]
GRID = ROOT / "instances/grid/grid-10-plain-6.json"
LARGE = ROOT / "instances/rio-grande/rio-grande-200.json"


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
    asked = {"name", "qgisMinimumVersion", "description", "about", "version", "author"}
    assert all(general["general"][key] for key in asked)
    # nobody gave one, and none is made up
    assert not {"email", "tracker", "repository"} & set(general["general"])
    assert "no email, tracker, repository" in " ".join(done.output.split())
    assert general["general"]["hasProcessingProvider"] == "yes"
    assert general["general"]["version"] == package_version()
    assert f'name: "{general["general"]["author"]}"' in (ROOT / "CITATION.cff").read_text(
        encoding="utf-8"
    )


def test_who_hands_the_plugin_out_gives_the_addresses_that_a_plugin_repository_asks_for(
    tmp_path: Path,
) -> None:
    given = {
        "email": "gis@agency.example",
        "tracker": "https://agency.example/f",
        "repository": "https://agency.example/s",
    }
    options = [word for name, value in given.items() for word in (f"--{name}", value)]
    done = CliRunner().invoke(app, ["qgis", "--out", str(tmp_path / "plugin.zip"), *options])
    assert (done.exit_code, "Note" in done.output) == (0, False)
    with zipfile.ZipFile(tmp_path / "plugin.zip") as archive:
        general = configparser.ConfigParser()
        general.read_string(archive.read("interdict/metadata.txt").decode())
    assert {name: general["general"][name] for name in given} == given
    with pytest.raises(InputError) as caught:
        plugin_archive(Contact("nobody", "https://a.example/%20\nname=x", "ftp://a.example"))
    assert len(caught.value.problems) == 3


@pytest.fixture
def environment(tmp_path: Path) -> Mapping[str, str]:
    """Return an environment with the plugin installed for a new user, and the program beside it."""
    home = tmp_path / "home"
    plugins = home / ".local/share/QGIS/QGIS3/profiles/default/python/plugins"
    with zipfile.ZipFile(io.BytesIO(plugin_archive())) as archive:
        archive.extractall(plugins)
    program = tmp_path / "a program" / "interdict"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\nexec "{sys.executable}" "{ROOT / "cli.py"}" "$@"\n', encoding="utf-8"
    )
    program.chmod(0o755)
    own = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "QGIS"))
    }
    return own | {
        "HOME": str(home),
        "QT_QPA_PLATFORM": "offscreen",
        "INTERDICT_PROGRAM": str(program),
        "QGIS_PLUGINPATH": str(plugins),
        "XDG_RUNTIME_DIR": str(tmp_path),
    }


def ran(environment: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        arguments, capture_output=True, text=True, check=False, env=dict(environment), timeout=600
    )


@pytest.mark.slow
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
def test_a_region_a_plan_and_a_curve_made_in_qgis_add_their_layers(
    environment: Mapping[str, str], tmp_path: Path
) -> None:
    scenario, extract = write_scenario(tmp_path), sample_world().save(tmp_path / "testland.osm")
    given = {
        "scenario": scenario,
        "out": tmp_path / "out",
        "grid": GRID,
        "extract": _packed(extract),
    }
    seen = _seen(environment, tmp_path, RUN, given)
    assert seen["algorithms"] == ["evaluate", "frontier", "plan", "region"]
    assert seen["plan"]["sites"] == "categorizedSymbol"
    assert {"routes", "risk", "effort", "crossings", "towns"} <= set(seen["plan"])
    assert seen["frontier"] == 3
    assert (tmp_path / "out/plan.json").is_file()
    assert "scenario.tomlx" in seen["fault"]
    assert "Install border-interdiction" in seen["missing"]
    region = read_region(extract, border="Testland")
    assert [
        path.name for path in (tmp_path / "out-region").iterdir() if path.suffix == ".gpkg"
    ] == ["region.gpkg"]
    assert seen["region"] == {
        "arcs": [region.network.n_arcs, ROAD],
        "border": [1, BORDER],
        "crossings": [len(region.crossings), OFFICIAL.fill],
        "gateways": [len(region.gateways), GATEWAY.fill],
        "settlements": [len(region.settlements), SETTLEMENT.fill],
        "dropped": [len(region.dropped), ""],
    }


@pytest.mark.slow
@needs_qgis
def test_cancelling_ends_the_program_and_leaves_whole_files_or_none(
    environment: Mapping[str, str], tmp_path: Path
) -> None:
    extract = sample_world().save(tmp_path / "testland.osm")
    stubborn = tmp_path / "stubborn"
    stubborn.write_text(
        f"#!/bin/sh\ntrap '' INT\necho $$ > {tmp_path}/pid\necho begun >&2\nsleep 300\n",
        encoding="utf-8",
    )
    stubborn.chmod(0o755)
    given = {"out": tmp_path / "out", "large": LARGE, "extract": extract, "stubborn": stubborn}
    seen = _seen(environment, tmp_path, CANCEL, given)
    assert seen["running"] == []
    assert seen["region"] == [False, "Cancelled; the program wrote nothing."]
    assert not (tmp_path / "out-region").exists() or list((tmp_path / "out-region").iterdir()) == []
    assert seen["curve"] == [True, 9]  # the points that were not searched have proven bounds
    assert seen["stubborn"][0] is False
    group = (tmp_path / "pid").read_text().strip()
    every = subprocess.run(
        ["ps", "-eo", "pgid=,stat="], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    # nor what it started
    assert not [line for line in every if line.split()[0] == group and "Z" not in line]
    assert seen["late"] == [False, "Cancelled."]


def _packed(extract: Path) -> Path:
    """Return an extract as .osm.pbf."""
    path = extract.with_suffix(".osm.pbf")
    with osmium.SimpleWriter(str(path)) as writer:
        for each in osmium.FileProcessor(str(extract)):
            writer.add(each)
    return path


def _seen(
    environment: Mapping[str, str], folder: Path, script: str, given: Mapping[str, Path]
) -> dict[str, Any]:
    (folder / "run.py").write_text(BEGIN + script, encoding="utf-8")
    words = json.dumps({name: str(path) for name, path in given.items()})
    told = ran(environment, SYSTEM_PYTHON, str(folder / "run.py"), words)
    assert told.returncode == 0, told.stderr[-2000:]
    return dict(json.loads(told.stdout.splitlines()[-1]))


BEGIN = """
import json, os, subprocess, sys, threading
sys.path.insert(0, os.environ["QGIS_PLUGINPATH"])
from qgis.core import *
app = QgsApplication([], False)
app.initQgis()
from interdict import classFactory
plugin = classFactory(None)
plugin.initProcessing()
registry = QgsApplication.processingRegistry()
paths = json.loads(sys.argv[1])
class Feedback(QgsProcessingFeedback):
    def __init__(self, word=None):
        super().__init__(False)
        self.word = word
    def pushInfo(self, info):
        super().pushInfo(info)
        if self.word and self.word in info:
            self.cancel()
def run(name, feedback=None, **given):
    context, feedback = QgsProcessingContext(), feedback or Feedback()
    context.setProject(QgsProject.instance())
    algorithm = registry.createAlgorithmById("interdict:" + name)
    results, good = algorithm.run(given, context, feedback)
    layers = {}
    for key, details in context.layersToLoadOnCompletion().items():
        layer = context.getMapLayer(key)
        style, colour = (layer.renderer().type() if layer.isSpatial() else ""), ""
        if style == "singleSymbol":
            colour = layer.renderer().symbol().color().name()
        layers[details.name] = (style, layer.featureCount(), colour)
    return good, layers, feedback.textLog()
"""
RUN = """
out = paths["out"]
good, layers, log = run("plan", SCENARIO=paths["scenario"], OUT=out, GAP="0.01", TIME_LIMIT="30")
assert good, log
seen = {"algorithms": sorted(a.name() for a in registry.providerById("interdict").algorithms())}
seen["plan"] = {name: style for name, (style, rows, colour) in layers.items() if style}
good, layers, log = run(
    "frontier", SCENARIO=paths["grid"], RESOURCE="sensors", FROM="0", TO="2", POINTS="3", OUT=out + "-curve"
)
assert good, log
seen["frontier"] = layers["frontier"][1]
good, layers, log = run("region", FILE=paths["extract"], BORDER="Testland", OUT=out + "-region")
assert good, log
seen["region"] = {name: [rows, colour] for name, (style, rows, colour) in layers.items()}
good, layers, log = run("evaluate", INSTANCE=paths["scenario"] + "x", PLAN=paths["scenario"])
assert not good
seen["fault"] = log
good, layers, log = run(
    "evaluate", INSTANCE=paths["scenario"], PLAN=paths["scenario"], PROGRAM="/nowhere/interdict; id"
)
assert not good
seen["missing"] = log
print(json.dumps(seen))
"""
CANCEL = """
from interdict import algorithms
algorithms.PATIENCE = 60.0
out, seen = paths["out"], {}
last = lambda log: log.strip().splitlines()[-1]
early = Feedback()
threading.Timer(0.3, early.cancel).start()  # the program has not begun to write
good, layers, log = run("region", early, FILE=paths["extract"], BORDER="Testland", OUT=out + "-region")
seen["region"] = [good, last(log)]
good, layers, log = run(
    "frontier", Feedback("of 9"), SCENARIO=paths["large"], RESOURCE="money", FROM="1e4", TO="2.4e5", POINTS="9", OUT=out
)
seen["curve"] = [good, layers["frontier"][1] if good else log]
algorithms.PATIENCE = 0.5
good, layers, log = run(
    "evaluate", Feedback("begun"), INSTANCE=paths["large"], PLAN=paths["large"], PROGRAM=paths["stubborn"]
)
seen["stubborn"] = [good, last(log)]
late = Feedback()
late.cancel()
good, layers, log = run("evaluate", late, INSTANCE=paths["large"], PLAN=paths["large"])
seen["late"] = [good, last(log)]
children = subprocess.run(["ps", "-o", "args=", "--ppid", str(os.getpid())], capture_output=True, text=True).stdout
seen["running"] = [line for line in children.splitlines() if not line.startswith("ps ")]
print(json.dumps(seen))
"""
