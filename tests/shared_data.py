"""Data beside the repository, which is never committed: `../shared/data`, as its README
describes it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

DATA = Path(__file__).parents[2] / "shared" / "data"


def needs(*parts: str) -> pytest.MarkDecorator:
    """Return the mark of a test that reads a file or folder of the shared data; without
    it the test is skipped and says so.
    """
    return pytest.mark.data(DATA.joinpath(*parts))
