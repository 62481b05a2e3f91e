"""A check after the build: no page of the site asks another host for anything when it is opened."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

LOADED = re.compile(
    r"""<(?:script|img|iframe|source|video|audio|embed)\b[^>]*\bsrc\s*=\s*["'](?:https?:)?//[^"']*["']"""
    r"""|<link\b(?=[^>]*\brel\s*=\s*["'](?:stylesheet|preload|icon|preconnect|dns-prefetch))[^>]*\bhref\s*=\s*["'](?:https?:)?//[^"']*["']"""
    r"""|<object\b[^>]*\bdata\s*=\s*["'](?:https?:)?//[^"']*["']""",
    re.IGNORECASE,
)
LOADED_BY_STYLE = re.compile(
    r"""(?:url\(\s*["']?|@import\s+["'])(?:https?:)?//[^)"']*""", re.IGNORECASE
)


def requests_of(folder: Path) -> list[str]:
    """Return what the pages and styles of a folder would load from another host, each
    with its file.
    """
    found = []
    for pattern, suffix in ((LOADED, "html"), (LOADED_BY_STYLE, "css"), (LOADED_BY_STYLE, "html")):
        for path in sorted(folder.rglob(f"*.{suffix}")):
            found += [
                f"{path.relative_to(folder)}: {text}"
                for text in pattern.findall(path.read_text("utf-8"))
            ]
    return found


def setup(app: Any) -> dict[str, Any]:  # noqa: ANN401 - Sphinx without stubs
    """Let a build of pages that load something from another host fail."""
    app.connect("build-finished", _check)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _check(app: Any, exception: Exception | None) -> None:  # noqa: ANN401
    if exception is None and app.builder.format == "html":
        found = requests_of(Path(app.outdir))
        if found:
            raise RuntimeError("pages load from another host:\n" + "\n".join(found))
