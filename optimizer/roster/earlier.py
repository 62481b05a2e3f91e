"""The end of the roster before this one: rest and days in a row carry over from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from optimizer.base.errors import InputError, Problem
from optimizer.base.files import read_json
from optimizer.base.schema import validated
from optimizer.scenario.roster_model import Day

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from optimizer.roster.model import Roster

LAST_DAYS = 14
"""Days at a roster's end whose shifts are kept for the next: longer than anybody works in a row."""
LONGEST = timedelta(days=4)
"""No shift with its travel is longer: three days, and one for the zone."""


@dataclass(frozen=True, slots=True)
class Worked:
    """A shift of the roster before: crew, the day it began, when the crew left its base and was back (UTC)."""

    crew: str
    day: date
    leave: datetime
    back: datetime


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    crew: str
    date: Day
    leave: AwareDatetime
    back: AwareDatetime


class _Summary(BaseModel):
    """Of a summary this is all that is read."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    last_shifts: Annotated[list[_Row], Field(max_length=1_000_000)]


def last_shifts(roster: Roster) -> list[dict[str, str]]:
    """Return the rows of `summary.json` from which the next roster goes on."""
    since = roster.first + timedelta(days=7 * roster.weeks - LAST_DAYS)
    return [
        {
            "crew": one.crew.id,
            "date": one.day.isoformat(),
            "leave": one.leave.isoformat(timespec="minutes"),
            "back": one.back.isoformat(timespec="minutes"),
        }
        for one in roster.assignments
        if one.day >= since
    ]


def read_earlier(path: Path, first: date) -> tuple[Worked, ...]:
    """Read the last shifts of an earlier roster.

    Parameters
    ----------
    path
        Its `summary.json`.
    first
        First day of the roster that follows.

    Raises
    ------
    InputError
        If the file is no summary of a roster, or its roster reaches into the one that follows.
    """
    content = validated(_Summary, read_json(path, "the summary of a roster"), str(path))
    worked = tuple(
        Worked(row.crew, row.date, row.leave.astimezone(UTC), row.back.astimezone(UTC)) for row in content.last_shifts
    )
    _check(worked, path, first)
    return worked


def _check(worked: Iterable[Worked], path: Path, first: date) -> None:
    for one in worked:
        if one.day >= first:
            found = f"a shift of crew {one.crew!r} on {one.day.isoformat()}"
            expected = f"a roster that ends before {first.isoformat()}"
            raise InputError(Problem(str(path), found, expected, "Begin later, or name the roster before that one"))
        if not timedelta(0) < one.back - one.leave < LONGEST:
            found = f"a shift from {one.leave.isoformat()} to {one.back.isoformat()}"
            raise InputError(Problem(str(path), found, "shifts that end after they begin, within a day or two"))
