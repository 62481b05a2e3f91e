"""Sentences that are written in English for the console and for JSON, and can be said
again in another language for a report.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from string import Formatter
from typing import Any, Self

from optimizer.base.text.formatting import SPACE, number, percent
from optimizer.base.text.language import counted, gettext, in_english, localised, term

NUMBER = re.compile(r"n(\d*)|\.?(\d*)g")
"""Formats of `optimizer.base.text.formatting.number`, with a count of significant
digits: no number that people read has an exponent.
"""

SHARE = re.compile(r"\.(\d)%")
"""Formats of `optimizer.base.text.formatting.percent`, with a count of decimals."""

NAMED = 8
"""Names that a sentence lists; the others it counts."""


class Message(str):
    """A sentence in English that knows what it was made of; `translated` says it in the
    language that is spoken.

    Joined to other text it is plain text, and stays English.
    """

    __slots__ = ("many", "template", "values")
    template: str
    values: dict[str, Any]
    many: str

    def __new__(
        cls, text: str, template: str = "", values: dict[str, Any] | None = None, many: str = ""
    ) -> Self:
        """Return the sentence; `template` is what the catalogue has, with places for
        `values`, `many` its plural by the value `count`.
        """
        made = super().__new__(cls, text)
        made.template = template or text
        made.values = values or {}
        made.many = many
        return made


def message(template: str, /, **values: object) -> Message:
    """Return a sentence in English.

    Parameters
    ----------
    template
        As the catalogue has it, with named places as of `str.format`; `{x:n}` stands
        for `number(x)`, `{x:n6}` for `number(x, 6)`, `{x:.1%}` for `percent(x, 1)`.
    values
        What belongs there: numbers, text of a scenario (said by its translation where
        it has one) or record, other such sentences, or lists of them (joined by
        semicolons).
    """
    return Message(_ENGLISH.vformat(template, (), values), template, values)


def counted_message(one: str, many: str, count: int) -> Message:
    """Return a count and its noun in English: `counted_message("{count} row", "{count}
    rows", 3)`.
    """
    return Message(
        (one if count == 1 else many).replace("{count} ", f"{count:,}{SPACE}"),
        one,
        {"count": count},
        many,
    )


def listed(texts: Iterable[str]) -> Message:
    """Return texts, sentences among them, one after the other with commas."""
    return joined(texts, ", ")


def shortened(
    names: Sequence[str], most: int = NAMED, count: int | None = None, between: str = ", "
) -> Message:
    """Return the first `most` names with commas, and how many more there are; `count`
    in all, where `names` are the first alone.

    Names that may hold commas themselves have something else `between` them.

    Examples
    --------
    >>> print(shortened(["a", "b", "c"], 2))
    a, b and 1 more
    """
    more = (len(names) if count is None else count) - most
    first = joined(names[:most], between)
    return message("{names} and {count} more", names=first, count=more) if more > 0 else first


def joined(texts: Iterable[str], between: str) -> Message:
    """Return texts, sentences among them, one after the other with some marks in between."""
    parts = tuple(texts)
    places = {f"part{k}": part for k, part in enumerate(parts)}
    return Message(between.join(parts), between.join(f"{{{name}}}" for name in places), places)


def translated(text: str) -> str:
    """Return a sentence in the language that is spoken; text that is no `Message` as it is."""
    if not isinstance(text, Message):
        return text
    if text.many:
        return counted(text.template, text.many, text.values["count"])
    return _SPOKEN.vformat(gettext(text.template), (), text.values)


def all_translated(texts: Iterable[str]) -> tuple[str, ...]:
    """Return sentences in the language that is spoken."""
    return tuple(map(translated, texts))


class _Spoken(Formatter):
    """Formats numbers with the marks of the language, and sentences within sentences in it."""

    def format_field(self, value: Any, format_spec: str) -> Any:  # noqa: ANN401 - as its parent has it
        """Return a value as text."""
        if isinstance(value, (list, tuple)):
            return "; ".join(map(self._said, value))
        if isinstance(value, str):
            return format(self._said(value), format_spec)
        if (found := NUMBER.fullmatch(format_spec)) and (found[2] is None or math.isfinite(value)):
            return number(value, int(found[1] or 3) if found[2] is None else int(found[2] or 6))
        if found := SHARE.fullmatch(format_spec):
            return percent(value, int(found[1]))
        return localised(format(value, format_spec))

    @staticmethod
    def _said(text: str) -> str:
        return translated(text) if isinstance(text, Message) else term(text)


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
