"""Text from files as a terminal may show it. It imports nothing of ours: errors need it, and all else may raise errors."""

from __future__ import annotations

import unicodedata

JOINERS = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"


def printable(text: str) -> str:
    r"""Return `text` with control, escape and direction characters, line ends and lone surrogates written as escapes such as `\x1b`.

    Text from files and records passes here wherever it is printed, so that it cannot steer a terminal or feign another line.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        mark
        if mark.isprintable() or mark in JOINERS or unicodedata.category(mark) == "Zs"
        else mark.encode("unicode_escape").decode()
        for mark in text
    )
