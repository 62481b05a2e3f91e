"""Names: what to say of one that must be among known ones and is not, and how those of
several things are told apart.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from difflib import get_close_matches

from optimizer.base.errors import Problem
from optimizer.base.text.messages import shortened

ALL_NAMED, NEAREST_NAMED = 12, 6
"""Known names up to which a message lists all; of more it lists the nearest and a few,
and counts the others.
"""
LIKENESS = 0.6
"""Likeness from which a name may be what was meant."""
PART_LIKENESS, LEAST_PART, PARTLY_NAMED = 0.8, 4, 3
"""Likeness from which a word may be one of a longer name, the fewest letters to look
for in one, and the most such names.
"""


def unknown_name(
    where: str,
    name: str,
    known: Collection[str],
    *,
    found: str = "",
    expected: str = "",
    remedy: str = "",
) -> Problem:
    """Return the problem of a name that is not among the known ones, with the nearest
    of them as the remedy.

    Parameters
    ----------
    where
        File, table and field that hold the name.
    name
        What stands there.
    known
        The names that exist, in the order to list them.
    found
        What to show in place of the name in quotes.
    expected
        What to say in place of the list of known names.
    remedy
        What to do where no known name is near.
    """
    return Problem(
        where,
        found or repr(name),
        expected or one_of(known, name),
        close_match(name, known) or remedy,
    )


def one_of(known: Collection[str], like: str) -> str:
    """Return 'one of a, b, c' for a message; of many names those like the one given
    come first, then a few, and the others are counted.
    """
    names = list(known)
    if not names:
        return "nothing, as none is defined"
    if len(names) <= ALL_NAMED:
        return f"one of {', '.join(names)}"
    return f"one of {shortened(list(dict.fromkeys([*_near(like, names), *names])), NEAREST_NAMED)}"


def close_match(word: str, known: Iterable[str]) -> str:
    """Return 'Did you mean ...?' for the known words nearest to a misspelt one, or an
    empty string.
    """
    near = _near(word, list(known))
    return f"Did you mean {' or '.join(map(repr, near))}?" if near else ""


def _near(word: str, known: list[str]) -> list[str]:
    """Return the known name nearest to a misspelt one, letter case aside; else a few
    that hold it, or each word of it.
    """
    by_key: dict[str, list[str]] = {}
    for name in known:
        by_key.setdefault(name.casefold(), []).append(name)
    key = word.casefold()
    near = get_close_matches(key, by_key, n=1, cutoff=LIKENESS)
    if not near and "@" not in word:
        heads = dict.fromkeys(name.split("@")[0] for name in by_key if "@" in name)
        head = get_close_matches(key, heads, n=1, cutoff=LIKENESS)
        near = [name for name in by_key if head and name.split("@")[0] == head[0]]
    wanted = _words(key)
    if not near and len("".join(wanted)) >= LEAST_PART:
        near = [name for name in by_key if _is_part(wanted, _words(name))]
    return [by_key[name][0] for name in near[:PARTLY_NAMED]]


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


def _is_part(wanted: Sequence[str], words: Sequence[str]) -> bool:
    return "".join(wanted) in "".join(words) or all(
        get_close_matches(each, words, n=1, cutoff=PART_LIKENESS) for each in wanted
    )


def told_apart(names: Mapping[str, str]) -> dict[str, str]:
    """Return names by id; those that several have with the id in brackets.

    Examples
    --------
    >>> told_apart({"p1": "Police", "p2": "Police", "army": "Army"})
    {'p1': 'Police (p1)', 'p2': 'Police (p2)', 'army': 'Army'}
    """
    count = Counter(names.values())
    return {key: name if count[name] == 1 else f"{name} ({key})" for key, name in names.items()}
