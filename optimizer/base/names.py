"""Names that must be among known ones: what to say of one that is not."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from optimizer.base.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

SHOWN = 40
"""Known names that a message lists; the others are counted."""


def unknown_name(
    where: str,
    name: str,
    known: Collection[str],
    *,
    found: str = "",
    expected: str = "",
    remedy: str = "",
) -> Problem:
    """Return the problem of a name that is not among the known ones, with the nearest of them as the remedy.

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
    return Problem(where, found or repr(name), expected or one_of(known), close_match(name, known) or remedy)


def one_of(known: Collection[str]) -> str:
    """Return 'one of a, b, c' for a message; the names beyond the first 40 are counted."""
    names = list(known)
    if not names:
        return "nothing, as none is defined"
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"one of {', '.join(names[:SHOWN])}{more}"


def close_match(word: str, known: Iterable[str]) -> str:
    """Return 'Did you mean ...?' for the known word nearest to a misspelt one, or an empty string."""
    near = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"Did you mean {near[0]!r}?" if near else ""
