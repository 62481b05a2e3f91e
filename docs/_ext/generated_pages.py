"""Pages that are made before each build: the reference, from models and commands, and the pages that stand outside `docs/`.

They are written to `docs/generated/`, which is not kept in the repository. A file is written only where its text changed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from docs._ext.api_reference import api_pages
from docs._ext.assumption_tables import assumptions_page
from docs._ext.command_reference import commands_page
from docs._ext.model_reference import instance_page, plan_page, scenario_page
from docs._ext.outside_pages import linked_text, outside_pages

DOCS = Path(__file__).parents[1]
GENERATED = DOCS / "generated"


def all_pages() -> dict[str, str | bytes]:
    """Return the content of each generated file, by its path under `docs/generated/`."""
    return {
        "scenario-file.md": scenario_page(),
        "instance-file.md": instance_page(),
        "plan-file.md": plan_page(),
        "assumptions.md": assumptions_page(),
        "commands.md": commands_page(),
        **api_pages(),
        **outside_pages(),
    }


def write_pages(folder: Path = GENERATED) -> None:
    """Write all generated files, and delete what stands there from an earlier build and is not one of them."""
    pages = {folder / name: text.encode() if isinstance(text, str) else text for name, text in all_pages().items()}
    for path, content in pages.items():
        if not path.exists() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    for path in folder.rglob("*"):
        if path.is_file() and path not in pages:
            path.unlink()


def setup(app: Any) -> dict[str, Any]:  # noqa: ANN401 - Sphinx without stubs
    """Write the pages before Sphinx looks for sources, and let pages in `docs/` name files outside it as they stand in the repository."""
    app.connect("config-inited", lambda *_: write_pages())
    app.connect("source-read", _link)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _link(_: Any, name: str, source: list[str]) -> None:  # noqa: ANN401
    if not name.startswith("generated/") and (DOCS / f"{name}.md").exists():
        source[0] = linked_text(source[0], Path("docs", f"{name}.md"), Path(f"{name}.md"))
