"""The language of what people read: report, roster and field pages, calendars and
figures.

Texts are written in English where they are made, and looked up by that English
(gettext) in the catalogue of the language that is spoken. What the console prints, keys
of JSON, names of files and of columns stay English: nothing is spoken but within
`speaking`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from gettext import NullTranslations
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from optimizer.base.errors import InputError, Problem

if TYPE_CHECKING:
    from datetime import date

    from babel import Locale
    from markupsafe import Markup

FOLDER = Path(__file__).parent / "languages"
"""Catalogues: a file `es.po` a language."""
ENGLISH = "en"


@dataclass(frozen=True, slots=True)
class Language:
    """A language, with the marks of numbers of a region."""

    #: As HTML has it: `es`, or `es-MX` for the numbers and dates of a region.
    code: str = ENGLISH
    #: The catalogue; English has none.
    texts: NullTranslations = field(default_factory=NullTranslations)
    #: `group`, `decimal`: What stands between thousands, and before decimals.
    group: str = ","
    decimal: str = "."

    @property
    def locale(self) -> Locale:
        """What Babel knows of the language and region."""
        from babel import Locale

        return Locale.parse(self.code, sep="-")


_ENGLISH = Language()
_spoken: ContextVar[Language] = ContextVar("language", default=_ENGLISH)
_translations: ContextVar[Mapping[str, Mapping[str, str]]] = ContextVar(
    "translations", default=MappingProxyType({})
)
_terms: ContextVar[Mapping[str, str]] = ContextVar("terms", default=MappingProxyType({}))


def languages() -> tuple[str, ...]:
    """Return the codes of the languages that texts exist in, English first."""
    return (ENGLISH, *sorted(path.stem for path in FOLDER.glob("*.po")))


def check_language(code: str, where: str = "language") -> str:
    """Return a language's code as HTML has it (`es-MX` for `es_mx`); `where` is what
    messages call its place.

    Raises
    ------
    InputError
        If there are no texts in that language; the message names those there are.
    """
    language, _, region = code.strip().replace("_", "-").partition("-")
    made = "-".join(filter(None, (language.lower(), region.upper())))
    if language.lower() in languages() and (
        not region or (language.lower() != ENGLISH and _is_known(made))
    ):
        return made
    listed = ", ".join(languages())
    expected = (
        f"one of {listed}; all but {ENGLISH} also with a region whose numbers and dates to write,"
        " such as es-MX"
    )
    raise InputError(Problem(where, repr(code), expected, "docs/language.md says how to add one"))


def _is_known(code: str) -> bool:
    from babel import Locale, UnknownLocaleError

    try:
        Locale.parse(code, sep="-")
    except (UnknownLocaleError, ValueError):
        return False
    return True


@contextmanager
def speaking(
    code: str, translations: Mapping[str, Mapping[str, str]] | None = None
) -> Iterator[Language]:
    """Make texts in a language, within the block.

    Parameters
    ----------
    code
        Of the language.
    translations
        Of a scenario's own terms, by the code of a language; `term` says them. None for
        those of the block around this one.

    Raises
    ------
    InputError
        If there are no texts in that language.
    """
    language = _language(check_language(code))
    known = _translations.get() if translations is None else translations
    before, around = _spoken.set(language), _translations.set(known)
    terms = _terms.set(terms_in(language.code, known))
    try:
        yield language
    finally:
        _spoken.reset(before)
        _translations.reset(around)
        _terms.reset(terms)


@contextmanager
def in_english() -> Iterator[None]:
    """Make texts in English, within the block, whatever is spoken."""
    before, terms = _spoken.set(_ENGLISH), _terms.set(MappingProxyType({}))
    try:
        yield
    finally:
        _spoken.reset(before)
        _terms.reset(terms)


def spoken() -> Language:
    """Return the language that texts are made in."""
    return _spoken.get()


def terms_in(code: str, translations: Mapping[str, Mapping[str, str]]) -> Mapping[str, str]:
    """Return a scenario's terms in a language: those of its region come before those of
    the language alone.
    """
    language = code.partition("-")[0]
    return dict(translations.get(language, {})) | dict(translations.get(code, {}))


def term(text: str) -> str:
    """Return a term of a scenario's own in the language that is spoken; as it is
    written where there is no translation.

    Of a label that ends with a term in brackets, such as `US 281 (checkpoint)`, both
    parts are translated; of one that begins with a term before a colon, such as `mobile
    team: I-35, I-10`, that term is.
    """
    terms = _terms.get()
    if text in terms or not terms:
        return terms.get(text, text)
    stem, bracket, last = text.rpartition(" (")
    inside = last.removesuffix(")")
    if bracket and last.endswith(")") and (stem in terms or inside in terms):
        return f"{terms.get(stem, stem)} ({terms.get(inside, inside)})"
    begin, colon, rest = text.partition(": ")
    return f"{terms.get(begin, begin)}{colon}{rest}"


def gettext(text: str) -> str:
    """Return a text in the language that is spoken: itself where it is English."""
    return _spoken.get().texts.gettext(text) if text else text


def ngettext(one: str, many: str, count: int) -> str:
    """Return the text for a count in the language that is spoken; the count itself is
    put in by the caller.
    """
    return _spoken.get().texts.ngettext(one, many, count)


def pgettext(context: str, text: str) -> str:
    """Return a text that means one of several things, of which `context` tells which."""
    return _spoken.get().texts.pgettext(context, text)


def counted(one: str, many: str, count: int) -> str:
    """Return a count and its noun, which do not part at the end of a line:
    `counted("{count} site", "{count} sites", 3)`.
    """
    text = ngettext(one, many, count).replace("{count} ", "{count}\N{NO-BREAK SPACE}")
    return text.format(count=localised(f"{count:,}"))


def marked(text: str) -> str:
    """Return a text as it is, and mark it for the catalogue: it is looked up where it is shown."""
    return text


def markup(text: str, **values: object) -> Markup:
    """Return a text of the catalogue for a template, which trusts it as markup; values
    are escaped unless they are markup themselves.
    """
    from markupsafe import Markup

    return Markup(gettext(text)).format(**values)  # noqa: S704 - our own texts


def localised(number: str) -> str:
    """Return a number that was written as in English, with the marks of the language
    that is spoken.
    """
    language = _spoken.get()
    if language.code == ENGLISH:
        return number
    marks = number.translate({ord(","): language.group, ord("."): language.decimal})
    return re.sub(r"(?<=\d)%", "\N{NO-BREAK SPACE}%", marks)


def long_date(day: date) -> str:
    """Return a date in words, `26 de noviembre de 2026`; in English as ISO 8601 has it."""
    language = _spoken.get()
    if language.code == ENGLISH:
        return day.isoformat()
    from babel.dates import format_date

    return str(format_date(day, "long", locale=language.locale))


def short_date(day: date) -> str:
    """Return the weekday, day and month in short: `Mon 1 Dec`."""
    language = _spoken.get()
    if language.code == ENGLISH:
        return f"{day:%a} {day.day} {day:%b}"
    from babel.dates import format_date

    return str(format_date(day, "EEE d MMM", locale=language.locale))


def zone_name(key: str) -> str:
    """Return what people call a time zone, with its city: `Mountain Time (Denver)`.

    A zone of a fixed offset, which no place gives its name, is called by its id.

    Parameters
    ----------
    key
        IANA name, such as `America/Denver`.

    Examples
    --------
    >>> zone_name("America/Denver"), zone_name("UTC")
    ('Mountain Time (Denver)', 'UTC')
    """
    if "/" not in key or key.startswith("Etc/"):
        return key
    from babel.dates import get_timezone, get_timezone_location, get_timezone_name

    zone, locale = get_timezone(key), _spoken.get().locale
    city = get_timezone_location(zone, locale=locale, return_city=True)
    return f"{get_timezone_name(zone, locale=locale)} ({city})"


@cache
def _language(code: str) -> Language:
    if code == ENGLISH:
        return _ENGLISH
    import io

    from babel import Locale
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po
    from babel.support import Translations

    with (FOLDER / f"{code.partition('-')[0]}.po").open("rb") as file:
        catalogue = read_po(file)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    symbols: Mapping[str, str] = Locale.parse(code, sep="-").number_symbols["latn"]
    return Language(code, Translations(compiled), symbols["group"], symbols["decimal"])
