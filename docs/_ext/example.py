"""The files that a page shows, with the roads that they plan on: `python -m
docs._ext.example FOLDER [PAGE]` writes them.

PAGE is docs/scenario.md, with the complete example, if not given.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

DOCS = Path(__file__).parents[1]
NETWORK = DOCS.parent / "instances" / "rio-grande" / "network.gpkg"
FILE = re.compile(r"^File `([^`]+)`:\n+```[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def write_example(folder: Path, page: Path = DOCS / "scenario.md") -> None:
    """Write the files into a folder, which is made.

    Raises
    ------
    FileExistsError
        If there is such a folder.
    """
    files = FILE.findall(page.read_text(encoding="utf-8"))
    folder.mkdir(parents=True)
    for name, content in files:
        (folder / name).write_text(content, encoding="utf-8")
    shutil.copy(NETWORK, folder)


if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 3 or Path(sys.argv[1]).exists():
        sys.exit("Name a folder that does not exist yet: python -m docs._ext.example FOLDER [PAGE]")
    write_example(*map(Path, sys.argv[1:]))
    print("\n".join(sorted(str(path) for path in Path(sys.argv[1]).iterdir())))
