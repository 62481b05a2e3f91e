"""Pages that are made from the code and from files outside `docs/`.

The reference of files and commands is kept in the repository, in `docs/reference/`, so
that it can be read in a clone: `python -m docs._ext.generated_pages` writes it, and a
test holds that it is up to date. The pages of the API, and those that stand outside
`docs/`, are written to `docs/generated/` before each build and are not kept. A file is
written only where its text changed.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docs._ext.api_reference import api_pages
from docs._ext.assumption_tables import assumptions_page
from docs._ext.command_reference import commands_page
from docs._ext.model_reference import instance_page, plan_page, scenario_page
from docs._ext.outside_pages import linked_text, outside_pages

if TYPE_CHECKING:
    from collections.abc import Mapping

DOCS = Path(__file__).parents[1]
GENERATED = DOCS / "generated"
REFERENCE = DOCS / "reference"
OTHER_WORDS = re.compile(r"^Other words for this: (.+)\.$", re.MULTILINE)


def reference_pages() -> dict[str, str]:
    """Return the content of each page of the reference, by its path under `docs/reference/`."""
    return {
        "scenario-file.md": scenario_page(),
        "instance-file.md": instance_page(),
        "plan-file.md": plan_page(),
        "assumptions.md": assumptions_page(),
        "commands.md": commands_page(),
    }


def write_pages(folder: Path, contents: Mapping[str, str | bytes]) -> None:
    """Write the files of a folder, and delete what else stands there from an earlier build."""
    pages = {
        folder / name: text.encode() if isinstance(text, str) else text
        for name, text in contents.items()
    }
    for path, content in pages.items():
        if not path.exists() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    for path in folder.rglob("*"):
        if path.is_file() and path not in pages:
            path.unlink()


def setup(app: Any) -> dict[str, Any]:  # noqa: ANN401 - Sphinx without stubs
    """Write the pages before Sphinx looks for sources, and let pages in `docs/` name
    files outside it as they stand in the repository.
    """
    app.connect("config-inited", lambda *_: write_pages(GENERATED, api_pages() | outside_pages()))
    app.connect("source-read", _link)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _link(_: Any, name: str, source: list[str]) -> None:  # noqa: ANN401
    if not name.startswith("generated/") and (DOCS / f"{name}.md").exists():
        source[0] = with_entries(
            linked_text(source[0], Path("docs", f"{name}.md"), Path(f"{name}.md"))
        )


def with_entries(text: str) -> str:
    """Return a page with its other words as main entries of the index: the site's
    search puts those before what merely holds the words.
    """
    title, _, rest = text.partition("\n")
    words = OTHER_WORDS.search(rest)
    if words is None or not title.startswith("# "):
        return text
    entries = ", ".join(f"!{word}" for word in words[1].split(", "))
    return f"{title}\n\n```{{index}} {entries}\n```\n{rest}"


if __name__ == "__main__":
    write_pages(REFERENCE, reference_pages())
