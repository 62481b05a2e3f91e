"""Times of records as text, turned into spans of whole days once for each text that occurs."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pandas as pd

from optimizer.base.errors import InputError
from optimizer.records.importers.frames import add_rows
from optimizer.records.period import FORMS, parse_period

if TYPE_CHECKING:
    from optimizer.base.errors import ProblemList
    from optimizer.records.period import Period


EARLIEST = 1900
"""Year before which a date is taken for a slip; pandas cannot hold all of them."""


def spans(frame: pd.DataFrame, column: str, problems: ProblemList, date_format: str = "auto") -> pd.DataFrame:
    """Return first day and day after the last of each row, columns `start` and `end`; NaT where the text is empty or a fault.

    Parameters
    ----------
    frame
        Rows as text, with `FILE` and `LINE`.
    column
        The column of times.
    problems
        Collects the texts that are no time.
    date_format
        As in `optimizer.records.period.parse_period`.
    """
    known = {text: span for text in frame[column].unique() if text and (span := _span(text, date_format)) is not None}
    expected = FORMS if date_format in {"auto", "fiscal-year"} else f"a time written {date_format}"
    add_rows(problems, frame[(frame[column] != "") & ~frame[column].isin(list(known))], column, expected)
    return pd.DataFrame(
        {
            "start": pd.to_datetime(frame[column].map({text: span.start for text, span in known.items()})),
            "end": pd.to_datetime(frame[column].map({text: span.end for text, span in known.items()})),
        }
    )


def span_text(start: pd.Timestamp, end: pd.Timestamp) -> str:
    """Write a span as scenarios read it: a day, a month, or first/last."""
    last = end - timedelta(days=1)
    if last == start:
        return start.strftime("%Y-%m-%d")
    if start.day != 1 or end.day != 1:
        return f"{start:%Y-%m-%d}/{last:%Y-%m-%d}"
    if (start.year, start.month) == (last.year, last.month):
        return start.strftime("%Y-%m")
    return f"{start:%Y-%m}/{last:%Y-%m}"


def _span(text: str, date_format: str) -> Period | None:
    try:
        span = parse_period(text, date_format)
    except InputError:
        return None
    return span if span.start.year >= EARLIEST else None
