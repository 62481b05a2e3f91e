"""Sentences that are written in English for the console and for JSON, and can be said again in another language for a report."""

from __future__ import annotations

import re
from string import Formatter
from typing import TYPE_CHECKING, Any, Self

from optimizer.base.text.formatting import SPACE, number
from optimizer.base.text.language import counted, gettext, in_english, localised

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NUMBER = re.compile(r"n\d*")
"""Format of `optimizer.base.text.formatting.number`, with a count of significant digits."""

NAMED = 8
"""Names that a sentence lists; the others it counts."""


class Said(str):
    """A sentence in English that knows what it was made of; `translated` says it in the language that is spoken.

    Joined to other text it is plain text, and stays English.
    """

    __slots__ = ("many", "message", "values")
    message: str
    values: dict[str, Any]
    many: str

    def __new__(cls, text: str, message: str = "", values: dict[str, Any] | None = None, many: str = "") -> Self:
        """Return the sentence; `message` is what the catalogue has, with places for `values`, `many` its plural by the value `count`."""
        made = super().__new__(cls, text)
        made.message, made.values, made.many = message or text, values or {}, many
        return made


def said(message: str, **values: object) -> Said:
    """Return a sentence in English.

    Parameters
    ----------
    message
        As the catalogue has it, with named places as of `str.format`; `{x:n}` stands for `number(x)`, `{x:n6}` for `number(x, 6)`.
    values
        What belongs there: numbers, text of a scenario or record as it is, other such sentences, or lists of them (joined by semicolons).
    """
    return Said(_ENGLISH.vformat(message, (), values), message, values)


def said_count(one: str, many: str, count: int) -> Said:
    """Return a count and its noun in English: `said_count("{count} row", "{count} rows", 3)`."""
    return Said((one if count == 1 else many).replace("{count} ", f"{count:,}{SPACE}"), one, {"count": count}, many)


def listed(texts: Iterable[str]) -> Said:
    """Return texts, sentences among them, one after the other with commas."""
    return joined(texts, ", ")


def shortened(names: Sequence[str], most: int = NAMED, count: int | None = None) -> Said:
    """Return the first `most` names with commas, and how many more there are; `count` in all, where `names` are the first alone.

    Examples
    --------
    >>> print(shortened(["a", "b", "c"], 2))
    a, b and 1 more
    """
    more = (len(names) if count is None else count) - most
    first = listed(names[:most])
    return said("{names} and {count} more", names=first, count=more) if more > 0 else first


def joined(texts: Iterable[str], between: str) -> Said:
    """Return texts, sentences among them, one after the other with some marks in between."""
    parts = tuple(texts)
    places = {f"part{k}": part for k, part in enumerate(parts)}
    return Said(between.join(parts), between.join(f"{{{name}}}" for name in places), places)


def translated(text: str) -> str:
    """Return a sentence in the language that is spoken; text that is no `Said` as it is."""
    if not isinstance(text, Said):
        return text
    if text.many:
        return counted(text.message, text.many, text.values["count"])
    return _SPOKEN.vformat(gettext(text.message), (), text.values)


def all_translated(texts: Iterable[str]) -> tuple[str, ...]:
    """Return sentences in the language that is spoken."""
    return tuple(map(translated, texts))


class _Spoken(Formatter):
    """Formats numbers with the marks of the language, and sentences within sentences in it."""

    def format_field(self, value: Any, format_spec: str) -> Any:  # noqa: ANN401 - as its parent has it
        """Return a value as text."""
        if isinstance(value, (list, tuple)):
            return "; ".join(map(translated, value))
        if isinstance(value, str):
            return format(translated(value), format_spec)
        if NUMBER.fullmatch(format_spec):
            return number(value, int(format_spec[1:] or 3))
        return localised(format(value, format_spec))


class _English(_Spoken):
    """The same in English."""

    def format_field(self, value: Any, format_spec: str) -> Any:  # noqa: ANN401 - as its parent has it
        """Return a value as text."""
        if isinstance(value, (list, tuple)):
            return "; ".join(map(str, value))
        if isinstance(value, str):
            return format(str(value), format_spec)
        with in_english():
            return super().format_field(value, format_spec)


_ENGLISH, _SPOKEN = _English(), _Spoken()
