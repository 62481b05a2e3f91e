"""Opens what commands write with what a user opens it with, and says what is wrong with
it.
"""

from __future__ import annotations

import csv
import gzip
import json
import os
import shutil
import subprocess
import tempfile
import tomllib
import warnings
import zipfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas
import gpxpy
import icalendar
import openpyxl
import pandas as pd
import pyogrio
from defusedxml import ElementTree
from PIL import Image

from tests.browser import CHROMIUM, Browser
from tests.pages import SCREENS, page_faults
from tests.validators import (
    SYSTEM_PYTHON,
    clean,
    gdal_validates,
    geopackage_faults,
    layers_in_qgis,
    schema_faults,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

ALIKE = 2
"""Of pages that stand in one folder, as the sheets of a roster do, how many of the largest
are looked at on every screen; of the others one, on one screen.
"""


def _table(path: Path) -> None:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert len({len(row) for row in rows if row}) <= 1, "rows of different lengths"
    if rows:
        assert len(pd.read_csv(path)) == sum(bool(row) for row in rows) - 1, "rows are lost"


def _json(path: Path) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    if isinstance(content, dict) and content.get("type") == "FeatureCollection":
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # a column of values of several types
            assert len(geopandas.read_file(path)) == len(content["features"]), "features are lost"


def _lines(path: Path) -> None:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as file:
        for line in file:
            json.loads(line)


def _xml(path: Path) -> None:
    ElementTree.parse(path)


def _judged(path: Path) -> None:
    if os.environ.get("XSD"):
        assert not (found := schema_faults(path)), found[:3]


def _gpx(path: Path) -> None:
    gpxpy.parse(path.read_text(encoding="utf-8"))
    _judged(path)


def _kml(path: Path) -> None:
    _xml(path)
    _judged(path)


def _geopackage(path: Path) -> None:
    for name, kind in pyogrio.list_layers(path):
        pyogrio.read_dataframe(path, layer=name, read_geometry=kind is not None)
    if gdal_validates():
        assert not (found := geopackage_faults(path)), found


def _picture(path: Path) -> None:
    with Image.open(path) as picture:
        picture.load()


def _archive(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None, "a member is damaged"


def _sheets(path: Path) -> None:
    assert openpyxl.load_workbook(path).worksheets, "no sheet"


def _calendar(path: Path) -> None:
    icalendar.Calendar.from_ical(path.read_bytes())


def _text(path: Path) -> None:
    path.read_text(encoding="utf-8")


def _toml(path: Path) -> None:
    tomllib.loads(path.read_text(encoding="utf-8"))


def _paper(path: Path) -> None:
    if reader := shutil.which("pdfinfo"):
        subprocess.run([reader, path], capture_output=True, check=True)
    assert path.read_bytes().startswith(b"%PDF"), "no PDF"


OPENERS: Mapping[str, Callable[[Path], None]] = {
    ".csv": _table, ".json": _json, ".geojson": _json, ".jsonl": _lines, ".gz": _lines,
    ".gpx": _gpx, ".kml": _kml, ".svg": _xml, ".qml": _text, ".gpkg": _geopackage,
    ".png": _picture, ".pdf": _paper, ".zip": _archive, ".qgz": _archive, ".xlsx": _sheets,
    ".ics": _calendar, ".toml": _toml, ".md": _text, ".txt": _text, ".seed": _text,
    ".key": _text, ".pub": _text, ".tlog-proof": _text, "": _text,
}  # fmt: skip
"""What opens a file, by the end of its name; pages (.html) are opened in a browser."""

IN_QGIS = (".gpkg", ".gpx", ".kml")

PROJECT = """
import sys
from qgis.core import *
app = QgsApplication([], False)
app.initQgis()
for path in sys.argv[1:]:
    project = QgsProject.instance()
    assert project.read(path), path
    for layer in project.mapLayers().values():
        assert layer.isValid(), (path, layer.name())
"""


def faults_of_files(paths: Iterable[Path]) -> list[str]:
    """Return what is wrong with files that are no pages, each fault with the file's name."""
    found = []
    for path in paths:
        if path.suffix == ".html":
            continue
        if path.suffix not in OPENERS:
            found.append(f"{path.name}: the walk knows nothing that opens such a file")
            continue
        try:
            OPENERS[path.suffix](path)
        except Exception as fault:  # noqa: BLE001 - whatever a reader says is what a user sees
            found.append(f"{path.name}: {type(fault).__name__}: {str(fault)[:300]}")
    return found


def faults_in_qgis(paths: Sequence[Path]) -> list[str]:
    """Return what QGIS says of layers and projects that it cannot open; none where QGIS
    is not installed.
    """
    if shutil.which("qgis_process") is None:
        return []
    layers = [path for path in paths if path.suffix in IN_QGIS]
    projects = [path for path in paths if path.suffix == ".qgz"]
    found = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            for path, seen in layers_in_qgis(layers, folder).items() if layers else ():
                if not seen:
                    found.append(f"{path}: QGIS sees no layer")
        except AssertionError as fault:
            found.append(f"QGIS: {str(fault)[-300:]}")
        if projects:
            script = folder / "project.py"
            script.write_text(PROJECT, encoding="utf-8")
            own = {"QT_QPA_PLATFORM": "offscreen", "HOME": name, "XDG_RUNTIME_DIR": name}
            ran = subprocess.run(
                [SYSTEM_PYTHON, str(script), *map(str, projects)],
                capture_output=True,
                text=True,
                check=False,
                env=clean() | own,
                timeout=300,
            )
            if ran.returncode:
                found.append(f"QGIS: {ran.stderr[-300:]}")
    return found


def _alike(pages: Iterable[Path]) -> list[tuple[Path, tuple[int, ...]]]:
    """Return the pages to look at, each with the widths of screens."""
    folders: dict[Path, list[Path]] = {}
    for page in pages:
        folders.setdefault(page.parent, []).append(page)
    chosen = []
    for alike in folders.values():
        alike.sort(key=lambda page: -page.stat().st_size)
        chosen += [(page, tuple(SCREENS)) for page in alike[:ALIKE]]
        chosen += [(page, (1440,)) for page in alike[-1:] if len(alike) > ALIKE]
    return chosen


async def faults_of_pages(paths: Iterable[Path]) -> list[str]:
    """Return what is wrong with the pages among files; none where there is no browser."""
    pages = _alike(path for path in paths if path.suffix == ".html")
    if not pages or not CHROMIUM:
        return []
    found = []
    async with Browser() as browser:
        for page, widths in pages:
            found += [
                f"{page.name}, {each}"
                for each in await page_faults(browser, page.resolve().as_uri(), widths)
            ]
    return found
