"""Damage to files: to their bytes whatever they hold, to numbers and cells of text, and
to the tree of JSON.
"""

from __future__ import annotations

import json
import random
import re
from copy import deepcopy
from typing import Any

WORDS = [
    *(
        "",
        " ",
        "nan",
        "inf",
        "-inf",
        "NaN",
        "null",
        "true",
        "-0",
        "0",
        "1",
        "-1",
        "1.5",
        "3.7",
        "1e309",
        "1e-320",
        "9" * 25,
    ),
    *(
        "2147483648",
        "-9223372036854775809",
        "1,5",
        "0x1F",
        "½",
        "٣",
        "\x00",
        "\x1b[2J",
        "\u202e",
        "\ud800",
        "Łódź",
        "ß",
        "=1+1",
    ),
    *(
        "'",
        '"',
        "\\",
        "\n",
        "\r",
        "\t",
        ",",
        ";",
        "[",
        "{",
        "]]",
        "}",
        "<!--",
        "<![CDATA[",
        "&x;",
        "#",
        "2024-13-45",
        "0000-00-00",
    ),
    *(
        "9999-12-31",
        "../../etc/passwd",
        "x" * 5000,
        "[" * 3000,
        "a b",
        "__class__",
        "2024-02-30T25:61:00Z",
        "1e15",
        "1e16",
    ),
]
TREES: list[Any] = [
    *(
        None,
        True,
        False,
        "",
        "x",
        "nan",
        0,
        -1,
        1,
        1.5,
        1e308,
        10**30,
        -0.0,
        1e-320,
        "\x00",
        "\ud800",
        "a" * 3000,
    ),
    *(
        [],
        {},
        [[]],
        [None],
        {"": None},
        {"type": 5},
        [1, "a", None],
        [[[[[]]]]],
        {"id": []},
        "2024-13-01",
        -(2**63) - 1,
    ),
]
NUMBER = re.compile(rb"-?\d+(\.\d+)?([eE][-+]?\d+)?")
CELL = re.compile(rb"[^,;\t\n\r\"=:<>{}\[\]]+")


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Return a damaged copy of a file: JSON often in its tree, anything else in its
    bytes, numbers and words.
    """
    if content[:1] in b"{[" and rng.random() < 0.7:
        return _damaged_json(content, rng)
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        content = rng.choice(
            [_number, _number, _cell, _cell, _byte, _cut, _doubled, _inserted, _line, _ended]
        )(content, rng)
    return content


def _word(rng: random.Random) -> bytes:
    return rng.choice(WORDS).encode("utf-8", "surrogatepass")


def _put(content: bytes, pattern: re.Pattern[bytes], rng: random.Random) -> bytes:
    found = list(pattern.finditer(content[:200_000]))
    if not found:
        return _inserted(content, rng)
    one = rng.choice(found)
    return content[: one.start()] + _word(rng) + content[one.end() :]


def _number(content: bytes, rng: random.Random) -> bytes:
    return _put(content, NUMBER, rng)


def _cell(content: bytes, rng: random.Random) -> bytes:
    return _put(content, CELL, rng)


def _byte(content: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(content) + 1)
    return content[:at] + bytes([rng.randrange(256)]) + content[at + 1 :]


def _cut(content: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(content) + 1)
    return content[:at] + content[at + rng.choice([1, 2, 10, 100, 1000]) :]


def _doubled(content: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(content) + 1)
    end = at + rng.choice([1, 10, 100, 1000])
    return content[:end] + content[at:end] + content[end:]


def _inserted(content: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(content) + 1)
    return content[:at] + _word(rng) + content[at:]


def _line(content: bytes, rng: random.Random) -> bytes:
    lines = content.split(b"\n")
    a, b = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[a], lines[b] = (lines[b], lines[a]) if rng.random() < 0.5 else (b"", lines[a])
    return b"\n".join(lines)


def _ended(content: bytes, rng: random.Random) -> bytes:
    return content[: rng.randrange(len(content) + 1)]


def _damaged_json(content: bytes, rng: random.Random) -> bytes:
    """Return JSON with one to three parts replaced, removed, doubled or renamed."""
    try:
        tree = json.loads(content)
    except ValueError:
        return _byte(content, rng)
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        _damage_part(tree, rng)
    text = json.dumps(tree, ensure_ascii=rng.random() < 0.5)
    return text.encode("utf-8", "surrogatepass")


def _damage_part(tree: Any, rng: random.Random) -> None:
    parts = [part for part in _parts(tree) if part]
    if not parts:
        return
    part = rng.choice(parts)
    key = rng.choice(list(part)) if isinstance(part, dict) else rng.randrange(len(part))
    action = rng.random()
    if action < 0.7:
        part[key] = deepcopy(rng.choice(TREES))
    elif action < 0.85:
        del part[key]
    elif isinstance(part, dict):
        part[rng.choice(["", "x", "id", "type"])] = part[key]
    else:
        part.append(part[key])


def _parts(tree: Any) -> list[Any]:
    """Return every object and list of a tree, those of long lists thinned out."""
    found: list[Any] = []
    left = [tree]
    while left and len(found) < 3000:
        part = left.pop()
        if isinstance(part, dict | list):
            found.append(part)
            left += part.values() if isinstance(part, dict) else part[:200]
    return found
