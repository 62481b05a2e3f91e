"""Rolling origin: every period but the first is forecast from all that came before it, and from nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Length(StrEnum):
    """How long a test period is; quarters begin in January, April, July and October."""

    MONTH = "month"
    QUARTER = "quarter"


@dataclass(frozen=True)
class Fold:
    """One test period.

    Attributes
    ----------
    label
        Such as 2020-01 or 2020-Q1.
    start, end
        datetime64[M]: its first month, and the month after its last.
    before, during
        (k,) rows to learn from, and rows to forecast.
    """

    label: str
    start: np.datetime64
    end: np.datetime64
    before: NDArray[np.bool_]
    during: NDArray[np.bool_]


def periods_of(month: NDArray[np.datetime64], length: Length) -> NDArray[np.datetime64]:
    """Return the (k,) first month of the period in which each month lies."""
    months = 3 if length is Length.QUARTER else 1
    number = month.astype("datetime64[M]").astype(np.int64)
    return np.asarray((number // months * months).astype("datetime64[M]"))


def folds(month: NDArray[np.datetime64], length: Length = Length.MONTH) -> list[Fold]:
    """Return the test periods in the order of time, the first period that has rows left out.

    Parameters
    ----------
    month
        (k,) datetime64[M] of each row, in any order.
    length
        How long a period is.
    """
    period = periods_of(month, length)
    months = 3 if length is Length.QUARTER else 1
    return [
        Fold(label_of(start, length), start, start + np.timedelta64(months, "M"), period < start, period == start)
        for start in np.unique(period)[1:]
    ]


def label_of(start: np.datetime64, length: Length) -> str:
    """Return what a period that begins in a month is called."""
    text = str(start.astype("datetime64[M]"))
    return text if length is Length.MONTH else f"{text[:4]}-Q{(int(text[5:]) + 2) // 3}"
