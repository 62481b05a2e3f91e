"""Pages of the site that stand elsewhere in the repository: results, instances,
contributing, changes.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"(!?\[[^\]]*\])\(([^)\s#]+)(#[^)\s]*)?\)")
PICTURES = {".png", ".svg", ".jpg"}
AS_PAGES = {Path("tests/api.txt"): Path("generated/api.md")}
"""Files of the repository that are read there as they are, and that the site has a page for."""


def sources() -> dict[Path, Path]:
    """Return where each page outside `docs/` stands in the site's sources, by its path
    in the repository.
    """
    found = {
        Path("CONTRIBUTING.md"): Path("generated/contributing.md"),
        Path("CHANGELOG.md"): Path("generated/changes.md"),
    }
    for folder in ("results", "instances"):
        for path in sorted((ROOT / folder).rglob("*.md")):
            inside = path.relative_to(ROOT)
            parts = inside.parts
            shipped = folder == "instances" or parts[1:] == ("risk", "model.md") or len(parts) == 2
            if shipped and len(parts) <= 3:
                found[inside] = Path("generated") / inside
    return found


def outside_pages() -> dict[str, str | bytes]:
    """Return the content of these pages and of the pictures that they show, by path
    under `docs/generated/`.
    """
    pages: dict[str, str | bytes] = {}
    for inside, target in sources().items():
        text = (ROOT / inside).read_text("utf-8")
        # a section that is a page here
        whole = text if text.startswith("# ") else re.sub("(?m)^#(?=#)", "", text)
        pages[str(target.relative_to("generated"))] = linked_text(whole, inside, target)
        for _, name, _ in LINK.findall(text):
            picture = Path(os.path.normpath(inside.parent / name))
            if picture.suffix in PICTURES and (ROOT / picture).exists():
                pages[str(picture)] = (ROOT / picture).read_bytes()
    return pages


def linked_text(text: str, inside: Path, target: Path) -> str:
    """Return the text of a page with its links to files of the repository turned into
    links within the site.

    Parameters
    ----------
    text
        The page as it stands in the repository.
    inside
        Its path in the repository.
    target
        Its path in the site's sources.
    """

    def link(match: re.Match[str]) -> str:
        label, name, anchor = match[1], match[2], match[3] or ""
        named = Path(os.path.normpath(inside.parent / name))
        if "://" in name or name.startswith("mailto:") or not (ROOT / named).exists():
            return match[0]
        page = sources().get(
            named / "README.md" if (ROOT / named).is_dir() else named
        ) or AS_PAGES.get(named)
        if page is None and named.parts[0] == "docs":
            page = named.relative_to("docs")
        if page is None and named.suffix in PICTURES:
            return match[0]
        if page is None:
            return f"{label[1:-1]} (`{named}`)"
        return f"{label}({os.path.relpath(page, target.parent)}{anchor})"

    return LINK.sub(link, text)
