"""English left on a page of another language: `left_in(page)` lists the texts of more
than three words that hold English.
"""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

_SIGNS = """about after all an and any are as at be been before best between both but by can cannot could each every few first for from had has
    have how if in into is it its last left less many more most must next nobody none nothing not of off on one only or other out over
    searched same should since so than that the their them then there these they this those through to today under until up was were what
    when where which while who whole whose will with within without would yet you"""
SIGNS = frozenset(_SIGNS.split())
"""Words that nearly every English sentence has one of, and that are no Spanish words
(`a`, `me`, `no`, `son`, `he` are).
"""
SHOWN = frozenset(
    {"alt", "aria-label", "aria-description", "placeholder", "title", "data-of", "data-title"}
)
"""Attributes that people read or hear."""


class _Texts(HTMLParser):
    """The texts of a page: of elements, of attributes that people read, and of its JSON blocks."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._within = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "style" or (tag == "script" and dict(attrs).get("type") != "application/json"):
            self._within = "code"
        elif tag == "script":
            self._within = "json"
        self.texts += [value for name, value in attrs if value and name in SHOWN]

    def handle_endtag(self, tag: str) -> None:
        if tag in {"script", "style"}:
            self._within = ""

    def handle_data(self, data: str) -> None:
        if self._within == "json":
            self.texts += _strings(json.loads(data))
        elif not self._within:
            self.texts.append(data)


def _strings(content: object) -> list[str]:
    if isinstance(content, str):
        return [content]
    if isinstance(content, dict):
        content = list(content.values())
    return (
        [text for item in content for text in _strings(item)] if isinstance(content, list) else []
    )


def left_in(page: str, names: tuple[str, ...] = ()) -> list[str]:
    """Return the texts of a page that have more than three words, English among them;
    `names` are texts of the scenario, in any language.
    """
    found = []
    for text in dict.fromkeys(" ".join(each.split()) for each in _Texts(page).texts):
        bare = text
        for name in sorted(names, key=len, reverse=True):
            bare = bare.replace(name, " ")
        words = re.findall(r"[^\W\d_]+", bare)
        if " " in text and len(words) > 3 and any(word.lower() in SIGNS for word in words):
            found.append(text)
    return found
