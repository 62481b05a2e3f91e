"""Sentences that are written in English for the console and for JSON, and can be said again in another language for a report."""

from __future__ import annotations

from string import Formatter
from typing import TYPE_CHECKING, Any, Self

from optimizer.base.formatting import number
from optimizer.base.language import gettext, localised

if TYPE_CHECKING:
    from collections.abc import Iterable


class Said(str):
    """A sentence in English that knows what it was made of; `translated` says it in the language that is spoken.

    Joined to other text it is plain text, and stays English.
    """

    __slots__ = ("message", "values")
    message: str
    values: dict[str, Any]

    def __new__(cls, text: str, message: str = "", values: dict[str, Any] | None = None) -> Self:
        """Return the sentence; `message` is what the catalogue has, with places for `values`."""
        made = super().__new__(cls, text)
        made.message, made.values = message or text, values or {}
        return made


def said(message: str, **values: Any) -> Said:  # noqa: ANN401 - what can be formatted
    """Return a sentence in English.

    Parameters
    ----------
    message
        As the catalogue has it, with named places as of `str.format`; `{x:n}` stands for `number(x)`.
    values
        What belongs there: numbers, text of a scenario or record as it is, other such sentences, or lists of them (joined by commas).
    """
    return Said(_ENGLISH.vformat(message, (), values), message, values)


def translated(text: str) -> str:
    """Return a sentence in the language that is spoken; text that is no `Said` as it is."""
    if not isinstance(text, Said):
        return text
    return _SPOKEN.vformat(gettext(text.message), (), text.values)


def all_translated(texts: Iterable[str]) -> tuple[str, ...]:
    """Return sentences in the language that is spoken."""
    return tuple(map(translated, texts))


class _Spoken(Formatter):
    """Formats numbers with the marks of the language, and sentences within sentences in it."""

    def format_field(self, value: Any, format_spec: str) -> Any:  # noqa: ANN401 - as its parent has it
        """Return a value as text."""
        if isinstance(value, (list, tuple)):
            return ", ".join(map(translated, value))
        if isinstance(value, str):
            return format(translated(value), format_spec)
        if format_spec == "n":
            return number(value)
        return localised(format(value, format_spec))


class _English(_Spoken):
    """The same in English."""

    def format_field(self, value: Any, format_spec: str) -> Any:  # noqa: ANN401 - as its parent has it
        """Return a value as text."""
        if isinstance(value, (list, tuple)):
            return ", ".join(map(str, value))
        if isinstance(value, str):
            return format(str(value), format_spec)
        return str(number(value)) if format_spec == "n" else format(value, format_spec)


_ENGLISH, _SPOKEN = _English(), _Spoken()
