"""Spans of whole days, and the ways in which records write them."""

from __future__ import annotations

import re
from calendar import monthrange
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from optimizer.base.errors import InputError, Problem

FORMS = (
    "a day (2023-04-30), a month (2023-04), a year (2023), a US fiscal year (FY2023) or first/last"
    " of these"
)

_DAY = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?"
)
_MONTH = re.compile(r"(\d{4})-(\d{2})")
_YEAR = re.compile(r"(\d{4})")
_FISCAL = re.compile(r"FY ?(\d{4}|\d{2})", re.IGNORECASE)
_BARE_FISCAL = re.compile(r"(\d{4})(?: \(FYTD\))?", re.IGNORECASE)
_NUMBERS = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2\d{4}(?:([T ])\d{1,2}:\d{2}(:\d{2})?)?")

_DAY_NUMBER = re.compile(r"[3-6]\d{4}")
"""Days as a spreadsheet counts them, of 1982 to 2091."""

MOST_MONTHS = 12

ALIKE = 0.9
"""Share of a file's times that must be written alike before their form is taken; the
others are faults.
"""

TELLING = 0.2
"""Least share of these whose day is above 12. Of random days .6 are; a few alone may be
slips in a file of the other order.
"""


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days from `start` up to and without `end`."""

    start: date
    end: date

    def __str__(self) -> str:
        """Return first and last day."""
        return f"{self.start} to {self.end - timedelta(days=1)}"


def parse_period(text: str, date_format: str = "auto") -> Period:
    """Read a time as the whole days it spans.

    A US federal fiscal year runs from 1 October of the year before to 30 September (31
    U.S.C. 1102). The hour and the offset of a time stamp are dropped: the day is the
    one written.

    Parameters
    ----------
    text
        The time as a record writes it.
    date_format
        `auto`, `fiscal-year` (a bare year is a fiscal one), or a strptime pattern,
        whose finest directive sets the span: a pattern without a day is a month, one
        without a month a year.

    Raises
    ------
    InputError
        If the text does not have that form, or names a day that is not in the calendar.
    """
    try:
        if date_format == "auto":
            return _first_to_last(text, _plain)
        if date_format == "fiscal-year":
            return _first_to_last(text, _fiscal)
        return _by_pattern(text, date_format)
    except (ValueError, OverflowError):
        expected = (
            FORMS if date_format in {"auto", "fiscal-year"} else f"a time written {date_format}"
        )
        remedy = 'Write it like 2023-04-30, or state date_format, such as "%d/%m/%y" for 30/04/23'
        if date_format == "auto" and (numbers := _NUMBERS.fullmatch(text)):
            first, second = (int(numbers[place]) > MOST_MONTHS for place in (1, 3))
            row = (
                f"; this row has the {'day' if first else 'month'} first" if first != second else ""
            )
            remedy = (
                'State date_format, such as "%d/%m/%Y" or "%m/%d/%Y": the file as a whole does not'
                " tell the day from the month" + row
            )
        elif date_format == "auto" and _DAY.fullmatch(text):
            remedy = "The calendar has no such day: correct it"
        elif not any(sign.isdigit() for sign in text):
            remedy = (
                "If the row is a sum or a remark, remove it; if the word means that the time is"
                " missing, name it in missing"
            )
        elif date_format == "auto" and _DAY_NUMBER.fullmatch(text):
            remedy = (
                "If that is the day number of a spreadsheet, show the column as a date there"
                " (2024-03-01), and save it again"
            )
        raise InputError(Problem("time", repr(text), expected, remedy)) from None


def found_format(texts: Iterable[str]) -> str:
    """Return the strptime pattern of a file's times where they are days in numbers,
    such as `%d/%m/%Y`; else `auto`.

    Which number is the day is told by the file as a whole: one above 12 is no month.
    Where fewer than `TELLING` are above 12, or one in each place, it is not told. Empty
    texts do not count.
    """
    given = [text for text in texts if text]
    found = [match for text in given if (match := _NUMBERS.fullmatch(text))]
    if not found:
        return "auto"
    forms = Counter((match[2], match[4], match[5] is not None) for match in found)
    (form, count), *_ = forms.most_common(1)
    alike = [match for match in found if (match[2], match[4], match[5] is not None) == form]
    day_first, month_first = (
        sum(int(match[place]) > MOST_MONTHS for match in alike) for place in (1, 3)
    )
    if (
        count < ALIKE * len(given)
        or min(day_first, month_first) > 0
        or max(day_first, month_first) < TELLING * count
    ):
        return "auto"
    mark, clock, seconds = form
    hour = f"{clock}%H:%M" + ":%S" * seconds if clock else ""
    return mark.join(("%d", "%m", "%Y") if day_first else ("%m", "%d", "%Y")) + hour


def _first_to_last(text: str, one: Callable[[str], Period]) -> Period:
    first, slash, last = text.partition("/")
    if not slash:
        return one(text)
    span = Period(one(first.strip()).start, one(last.strip()).end)
    if span.start >= span.end:
        raise ValueError("ends before it starts")
    return span


def _plain(text: str) -> Period:
    if found := _DAY.fullmatch(text):
        return _day(date(int(found[1]), int(found[2]), int(found[3])))
    if found := _MONTH.fullmatch(text):
        return _month(int(found[1]), int(found[2]))
    if found := _YEAR.fullmatch(text):
        return _year(int(found[1]))
    if found := _FISCAL.fullmatch(text):
        year = int(found[1])
        return _fiscal_year(year if year > 99 else 2000 + year)
    raise ValueError("no known form")


def _fiscal(text: str) -> Period:
    found = _BARE_FISCAL.fullmatch(text)
    return _fiscal_year(int(found[1])) if found else _plain(text)


def _by_pattern(text: str, pattern: str) -> Period:
    moment = datetime.strptime(text, pattern)  # noqa: DTZ007 - a day has no time zone
    if re.search(r"%[djxcDF]", pattern):
        return _day(moment.date())
    if re.search(r"%[mbB]", pattern):
        return _month(moment.year, moment.month)
    return _year(moment.year)


def _day(day: date) -> Period:
    return Period(day, day + timedelta(days=1))


def _month(year: int, month: int) -> Period:
    first = date(year, month, 1)
    return Period(first, first + timedelta(days=monthrange(year, month)[1]))


def _year(year: int) -> Period:
    return Period(date(year, 1, 1), date(year + 1, 1, 1))


def _fiscal_year(year: int) -> Period:
    return Period(date(year - 1, 10, 1), date(year, 10, 1))
