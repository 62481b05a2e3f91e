"""The archive of the QGIS plugin, as the plugin manager of QGIS takes it: one folder
with the sources and their metadata.
"""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from typing import NamedTuple

from optimizer.base.errors import InputError, Problem
from optimizer.base.version import package_version
from optimizer.report.geodata.qgis_project import write_entry

NAME = "interdict"
"""Of the plugin's folder, and of its provider."""
SOURCES = Path(__file__).parent / "plugin"
FILES = ("__init__.py", "provider.py", "algorithms.py", "metadata.txt")
EMAIL, ADDRESS = re.compile(r"[^\s@%]+@[^\s@%]+"), re.compile(r"https?://[^\s/%]+[^\s%]*")


class Contact(NamedTuple):
    """Where people who use the plugin turn to; plugins.qgis.org takes no plugin without
    all three, QGIS itself installs it.

    The project has no public address of its own, so that whoever hands the plugin out
    gives theirs.
    """

    #: An address for mail.
    email: str = ""
    #: Web address for reports of faults.
    tracker: str = ""
    #: Web address of the source.
    repository: str = ""

    @property
    def missing(self) -> tuple[str, ...]:
        """What is not given."""
        return tuple(name for name, value in self._asdict().items() if not value)


NOBODY = Contact()


def plugin_archive(contact: Contact = NOBODY) -> bytes:
    """Return the archive; the version in its metadata is that of this package.

    Raises
    ------
    InputError
        If something of the contact is no address.
    """
    _check(contact)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in FILES:
            text = (
                (SOURCES / name).read_text(encoding="utf-8").replace("@VERSION@", package_version())
            )
            if name == "metadata.txt":
                text += "".join(
                    f"{key}={value}\n" for key, value in contact._asdict().items() if value
                )
            write_entry(archive, f"{NAME}/{name}", text)
    return stream.getvalue()


def _check(contact: Contact) -> None:
    problems = [
        Problem(
            f"--{key}", repr(value), "an address such as " + like, "Correct it, or leave it out"
        )
        for key, value, shape, like in (
            ("email", contact.email, EMAIL, "gis@agency.gov"),
            ("tracker", contact.tracker, ADDRESS, "https://agency.gov/faults"),
            ("repository", contact.repository, ADDRESS, "https://agency.gov/source"),
        )
        if value and not shape.fullmatch(value)
    ]
    if problems:
        raise InputError(*problems)
