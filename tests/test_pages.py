"""The judge of pages finds what covers what, and leaves alone what is laid over a map on
purpose.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.browser import CHROMIUM, Browser
from tests.pages import page_faults

pytestmark = [
    pytest.mark.report,
    pytest.mark.skipif(not CHROMIUM, reason="no chromium (Debian: apt-get install chromium)"),
]

PAGE = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>A page</title>
<style>{style}</style></head><body><main><h1>A page</h1>{body}</main>{script}</body></html>"""

TABLE = "<table><tr><th>Site</th><td>open</td><td>+6.0</td></tr></table>"
MAP = '<svg width="200" height="150" role="img" aria-label="Map"><rect width="200" height="150"/></svg>'
CARD = '<div class="frame">' + MAP + '<div class="card">A card</div></div>'
FRAME = ".frame { position: relative; width: 200px } .card { position: absolute; left: 0; top: 0 }"

OWN_ROOT = (
    "<script>document.querySelector('div').attachShadow({mode: 'open'}).innerHTML ="
    " '<span>Above</span>'</script>"
)

CASES = {
    "a table beside a map": ("", TABLE + MAP, "", ""),
    "a map over the figures of a table": (
        "svg { position: relative; top: -30px }",
        TABLE + MAP,
        "",
        'pixels: svg Map and "open"',
    ),
    "a map at the place of a column": (
        "main { display: grid; grid-template-columns: 30px 1fr } h1 { grid-column: 1 / -1 }",
        TABLE + MAP,
        "",
        "svg Map",
    ),
    "a text over another": ("p { margin: 0; height: 3px }", "<p>One</p><p>Two</p>", "", '"Two"'),
    "lines of one paragraph": ("p { line-height: 1.1; width: 60px }", "<p>One two three</p>", "", ""),
    "a card on a map": (FRAME, CARD, "", ""),
    "what is cut off": ("p { height: 0; margin: 0; overflow: hidden }", "<p>One</p><p>Two</p>", "", ""),
    "a wide page": ("p { width: 2000px }", "<p>Wide</p>", "", "pixels wider than its screen"),
    "an error of a script": ("", "", "<script>throw new Error('no')</script>", "script: "),
    "a part in its own root": (
        "div { height: 5px }",
        "<div></div><p style='margin:0'>Below</p>",
        OWN_ROOT,
        '"Above" and "Below"',
    ),
}  # fmt: skip
"""Style, body, script, and what must be told of it; nothing where a page is fine."""


@pytest.mark.slow
def test_what_covers_what_is_told_and_what_is_meant_so_is_not(tmp_path: Path) -> None:
    async def looked_at() -> dict[str, list[str]]:
        found = {}
        async with Browser() as browser:
            for k, (name, (style, body, script, _)) in enumerate(CASES.items()):
                page = tmp_path / f"{k}.html"
                page.write_text(PAGE.format(style=style, body=body, script=script))
                found[name] = await page_faults(browser, page.as_uri(), [1024])
        return found

    found = asyncio.run(looked_at())
    for name, (*_, expected) in CASES.items():
        assert bool(expected) == bool(found[name]), (name, found[name])
        assert expected in "\n".join(found[name]), (name, found[name])
