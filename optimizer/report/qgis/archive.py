"""The archive of the QGIS plugin, as the plugin manager of QGIS takes it: one folder with the sources and their metadata."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from optimizer.base.version import package_version
from optimizer.report.geodata.project import write_entry

NAME = "interdict"
"""Of the plugin's folder, and of its provider."""
SOURCES = Path(__file__).parent / "plugin"
FILES = ("__init__.py", "provider.py", "algorithms.py", "metadata.txt")


def plugin_archive() -> bytes:
    """Return the archive; the version in its metadata is that of this package."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in FILES:
            text = (SOURCES / name).read_text(encoding="utf-8").replace("@VERSION@", package_version())
            write_entry(archive, f"{NAME}/{name}", text)
    return stream.getvalue()
