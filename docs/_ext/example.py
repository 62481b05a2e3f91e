"""The complete example of docs/scenario.md as files, with the roads that it plans on: `python -m docs._ext.example FOLDER` writes them."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

DOCS = Path(__file__).parents[1]
NETWORK = DOCS.parent / "instances" / "rio-grande" / "network.gpkg"
FILE = re.compile(r"^File `([^`]+)`:\n+```[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def write_example(folder: Path) -> None:
    """Write the files into a folder, which is made; an existing one is an error.

    Raises
    ------
    FileExistsError
        If there is such a folder.
    """
    folder.mkdir(parents=True)
    for name, content in FILE.findall((DOCS / "scenario.md").read_text(encoding="utf-8")):
        (folder / name).write_text(content, encoding="utf-8")
    shutil.copy(NETWORK, folder)


if __name__ == "__main__":
    if len(sys.argv) != 2 or Path(sys.argv[1]).exists():
        sys.exit("Name a folder that does not exist yet: python -m docs._ext.example FOLDER")
    write_example(Path(sys.argv[1]))
    print("\n".join(sorted(f"{path}" for path in Path(sys.argv[1]).iterdir())))
