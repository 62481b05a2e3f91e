"""Folders of output for tests of what fills them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.base.files.output_folder import OutputFolder

if TYPE_CHECKING:
    from pathlib import Path


def output_folder(path: Path, *sources: str) -> OutputFolder:
    """Return a folder that a test fills."""
    return OutputFolder(path, "test", sources, ())
