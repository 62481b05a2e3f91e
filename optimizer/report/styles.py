"""Style sheets and scripts that pages share, as they stand in this folder; reading them
draws nothing in.
"""

from __future__ import annotations

from pathlib import Path

from markupsafe import Markup

HERE = Path(__file__).parent


def styles(*names: str) -> Markup:
    """Return the colours of all pages, light and dark, and further style sheets of this folder."""
    return Markup(read_together("colours.css", *names))  # noqa: S704 - our own files


def read_together(*names: str) -> str:
    """Return the text of files of this folder, one after another."""
    return "\n".join((HERE / name).read_text(encoding="utf-8") for name in names)
