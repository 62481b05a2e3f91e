"""The scenario's tables of shifts and crews, field by field; the reference in the
documentation is made from the descriptions here.
"""

from __future__ import annotations

import math
import re
import zoneinfo
from datetime import date, datetime, time
from difflib import get_close_matches
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from optimizer.base.schema import ComposedId, Id, Latitude, Longitude, Strict
from optimizer.base.text.language import marked

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""Days of the week as scenarios and duties name them, in the order of `date.weekday()`."""

REST_HOURS = 11.0
HOURS_A_WEEK = 48.0
DAYS_OFF = 1
"""Daily rest, weekly hours and weekly rest where a crew's entry does not state them:
articles 3, 6 and 5 of the European Working Time Directive (2003/88/EC).
"""

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


ALIKE = 0.85
"""Likeness from which a time zone may be what was meant; regions such as America/ make
all of their zones somewhat alike.
"""


def _known_zone(name: str) -> str:
    known = zoneinfo.available_timezones()
    if name not in known:
        city = name.rpartition("/")[2].casefold().replace(" ", "_")
        same_city = [
            zone for zone in sorted(known) if city and zone.casefold().endswith(f"/{city}")
        ]
        near = get_close_matches(name, known, n=1, cutoff=ALIKE) or same_city
        hint = (
            f"Did you mean {near[0]!r}"
            if near
            else "Zones are named by a large city in them, not by letters such as CST"
        )
        raise ValueError(f"a time zone of the IANA list, such as America/Chicago. {hint}")
    return name


def _clock(text: str) -> str:
    if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", text):
        raise ValueError("a time of the day from 00:00 to 23:59, such as 06:00")
    return text


def _day(value: object) -> object:
    """Take the days of TOML, and those of text; an hour behind the day is a fault."""
    if isinstance(value, datetime) or not isinstance(value, date | str):
        raise ValueError("a date, such as 2026-12-24")  # noqa: TRY004 - pydantic collects ValueErrors alone
    try:
        return value if isinstance(value, date) else _iso_day(value)
    except ValueError:
        raise ValueError("a date, such as 2026-12-24") from None


def _iso_day(text: str) -> date:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise ValueError(text)
    return date.fromisoformat(text)


TimeZone = Annotated[str, AfterValidator(_known_zone)]
ClockTime = Annotated[str, AfterValidator(_clock)]
Day = Annotated[date, BeforeValidator(_day)]
Hours = Annotated[float, Field(gt=0, le=24)]


class RosterModel(Strict):
    """What holds for all rosters of a scenario."""

    time_zone: TimeZone = Field(description="IANA name of the zone whose clocks the shifts follow")
    people: str = Field(
        "",
        description=(
            "the resource that counts people a shift: an option's use of it, rounded up, is the"
            " number it needs in each shift. Where empty only beats need people, those of their"
            " team"
        ),
    )
    look_for: list[Annotated[str, Field(max_length=200)]] = Field(
        [],
        max_length=12,
        description=(
            "what crews look for, a short sentence each, as their sheets print it: loads, vehicles,"
            " ways of hiding; never what a person looks like or where he comes from"
        ),
    )
    farthest_minutes: float = Field(
        120, ge=0, le=1440, description="a checkpoint is not served from a base farther than this"
    )


class DutyBase(Strict):
    """A place that crews set out from."""

    id: Id = Field(description="unique name")
    label: str = Field("", description=marked("what people call it; the id where empty"))
    lon: Longitude = Field(description="longitude in degrees (WGS 84)")
    lat: Latitude = Field(description="latitude in degrees (WGS 84)")
    time_zone: TimeZone | None = Field(
        None,
        description=(
            "IANA name of the zone whose clocks its crews follow, as rosters, calendars and sheets"
            " show them; roster.time_zone where none"
        ),
    )
    commander: str = Field(
        "",
        max_length=80,
        description=(
            "who commands its crews, for their sheets: a role or a call sign, such as `watch"
            " commander`, and never a name. Sheets lie in vehicles and get lost, and the role is"
            " right after a change of people too"
        ),
    )
    channel: str = Field(
        "",
        max_length=80,
        description="how crews reach them: a radio channel or a telephone, for the sheets",
    )

    @property
    def name(self) -> str:
        """What people call it: the id where it has no label."""
        return self.label or self.id


class Shift(Strict):
    """A part of the day that is worked; it may run past midnight."""

    id: Id = Field(description="unique name")
    label: str = Field("", description="what people call it; the id where empty")
    start: ClockTime = Field(description="clock time at which it begins, such as 22:00")
    hours: Hours = Field(description="elapsed hours, on days on which the clocks change too")
    days: list[Weekday] = Field([], description="days on which it begins; all where empty")

    @property
    def name(self) -> str:
        """What people call it: the id where it has no label."""
        return self.label or self.id

    @property
    def begins(self) -> time:
        """Clock time at which it begins."""
        return time.fromisoformat(self.start)

    @property
    def minutes(self) -> int:
        """Elapsed minutes it lasts, on days on which the clocks change too."""
        return round(self.hours * 60)

    @property
    def weekdays(self) -> frozenset[int]:
        """Days of the week on which it begins, 0 for Monday."""
        return frozenset(WEEKDAYS.index(day) for day in self.days) or frozenset(range(7))


class Crew(Strict):
    """People who go out together, and the limits of their working time, as
    `duties.json` has them.
    """

    hours_a_week: float = Field(
        HOURS_A_WEEK,
        gt=0,
        le=168,
        description="from leaving the base to being back, in each week of the roster",
    )
    rest_hours: float = Field(
        REST_HOURS, ge=0, le=168, description="from being back to leaving again"
    )
    most_days: int = Field(6, ge=1, le=400, description="days in a row on which a shift begins")
    days_off: int = Field(
        DAYS_OFF, ge=0, le=6, description="days of each week on which no shift begins"
    )
    id: ComposedId
    label: str = Field("", description="what people call it; the id where empty")
    agency: str = Field("", description="whose duties they do; those of all agencies where empty")
    base: str = Field(
        "", description="where they set out; may be left out where the scenario has no bases"
    )
    people: int = Field(ge=1, le=1000, description="people of the crew, who go out together")
    can: list[str] = Field(
        [],
        description=(
            "kinds of duty (`checkpoint`, `patrol`), ids of [[kinds]] or ids of [[teams]];"
            " everything where empty"
        ),
    )
    away: list[Day] = Field(
        [], description="days on which the crew begins no shift: leave, training"
    )

    @property
    def name(self) -> str:
        """What people call it: the id where it has no label."""
        return self.label or self.id

    @property
    def week_minutes(self) -> int:
        """Most whole minutes away from base in each week of the roster."""
        return math.floor(self.hours_a_week * 60)

    @property
    def rest_minutes(self) -> int:
        """Least whole minutes from being back to leaving again."""
        return math.ceil(self.rest_hours * 60)


class CrewModel(Crew):
    """People who work together, or several such crews alike: a crew of a scenario."""

    id: Id = Field(description="unique name")
    people: int = Field(1, ge=1, le=1000, description="people of the crew, who go out together")
    number: int = Field(
        1, ge=1, le=1000, description="crews like this one; from 2 they are called ID-1, ID-2"
    )
