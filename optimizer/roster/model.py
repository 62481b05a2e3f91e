"""What a plan asks of people and who there is, as `duties.json` of a plan folder has
it; shifts, crews, assignments and rosters.

A roster as a table has one row an assignment, and is safe to open in a spreadsheet.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, PrivateAttr

from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.files.readwrite import write_json
from optimizer.base.schema import ComposedId, Id, Latitude, Longitude, Strict, read_model
from optimizer.base.text.formatting import FORMULA, number, plain
from optimizer.base.text.language import check_language, short_date, term
from optimizer.base.text.language import gettext as _
from optimizer.base.text.names import unknown_name
from optimizer.problem.files.plan_file import DUTIES_FILE, how_to_name_a_plan
from optimizer.scenario.file.roster_model import Crew, Day, DutyBase, Shift, TimeZone

Drawn = Mapping[tuple[date, str], frozenset[str]]
"""Ids of what is placed, by day and shift."""

Rule = Literal["crews", "one at a time", "away", "rest", "hours", "days in a row", "days off"]
"""What can keep a crew from a shift: nobody who may do it, elsewhere at that time,
leave, and the four rules of a crew.
"""


@dataclass(frozen=True, slots=True)
class Assignment:
    """One crew on one duty."""

    #: Day on which the shift begins.
    day: date
    #: `shift`, `crew`, `duty`: Who does what.
    shift: Shift
    crew: Crew
    duty: Duty
    #: `start`, `end`: Of the duty, by the clocks of the crew's base, with their offset
    #: from UTC.
    start: datetime
    end: datetime
    #: `leave`, `back`: When the crew leaves its base and is back there; `start` and
    #: `end` themselves for a beat, which is one tour from its base.
    leave: datetime
    back: datetime
    #: Id of that base; empty where there is none.
    base: str


@dataclass(frozen=True, slots=True)
class Gap:
    """People a duty lacks in one shift, in a roster that was allowed gaps."""

    day: date
    shift: Shift
    duty: Duty
    missing: int


@dataclass(frozen=True)
class Roster:
    """Who goes where in which shift."""

    #: What it was made for.
    duties: Duties
    #: Its first day.
    first: date
    #: How many weeks.
    weeks: int
    #: In order of time.
    assignments: tuple[Assignment, ...]
    #: Empty unless gaps were allowed.
    gaps: tuple[Gap, ...]
    #: `optimal` (CP-SAT finds none that is better balanced) or `feasible`.
    status: Literal["optimal", "feasible"]
    #: What ended the search early; None when nothing did.
    limit: Literal["time", "interrupted"] | None
    #: Wall-clock time.
    seconds: float
    #: Of the search.
    seed: int
    #: Sentences for whoever uses the roster.
    notes: tuple[str, ...]


# From `duties.json` to duties.
def read_duties(folder: Path) -> Duties:
    """Read the duties of a plan folder.

    Raises
    ------
    InputError
        If the folder has no duties, with every fault in them, or if the plan needs
        nobody.
    """
    content = read_duties_file(folder)
    if not content.duties:
        found = "no duty: the plan places nothing that needs people"
        remedy = "Check roster.people and the `uses` of the kinds placed"
        raise InputError(Problem(str(folder / DUTIES_FILE), found, "at least one", remedy))
    check_language(content.language)
    _check_shifts(content.shifts, str(folder / DUTIES_FILE))
    return content


def _check_shifts(shifts: Sequence[Shift], where: str) -> None:
    """Reject two shifts that begin together: other overlaps may be wanted, this is one
    shift written twice.
    """
    problems = ProblemList()
    for k, shift in enumerate(shifts):
        for other in shifts[:k]:
            if shift.start == other.start and shift.weekdays & other.weekdays:
                found = f"shifts {other.id!r} and {shift.id!r} that both begin at {shift.start}"
                problems.add(
                    where,
                    found,
                    "shifts that begin at different times",
                    "Remove one, or part them by `days`",
                )
    problems.raise_if_any()


# The end of the roster before this one: rest and days in a row carry over from it.
LAST_DAYS = 14
"""Days at a roster's end whose shifts are kept for the next: longer than anybody works in a row."""

LONGEST = timedelta(days=4)
"""No shift with its travel is longer: three days, and one for the zone."""


class Worked(BaseModel):
    """A shift of the roster before: crew, the day it began, when the crew left its base
    and was back.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    crew: str
    date: Day
    leave: AwareDatetime
    back: AwareDatetime


class _Summary(BaseModel):
    """Of a summary this is all that is read."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    last_shifts: Annotated[list[Worked], Field(max_length=1_000_000)]


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
        If the file is no summary of a roster, or its roster reaches into the one that
        follows.
    """
    content = read_model(path, _Summary, "the summary that `roster` writes")
    _check(content.last_shifts, path, first)
    return tuple(content.last_shifts)


def _check(worked: Iterable[Worked], path: Path, first: date) -> None:
    for one in worked:
        if one.date >= first:
            found = f"a shift of crew {one.crew!r} on {one.date.isoformat()}"
            expected = f"a roster that ends before {first.isoformat()}"
            raise InputError(
                Problem(
                    str(path), found, expected, "Begin later, or name the roster before that one"
                )
            )
        if not timedelta(0) < one.back - one.leave < LONGEST:
            found = f"a shift from {one.leave.isoformat()} to {one.back.isoformat()}"
            raise InputError(
                Problem(str(path), found, "shifts that end after they begin, within a day or two")
            )


COLUMNS = (
    "date",
    "weekday",
    "shift",
    "start",
    "end",
    "crew",
    "people",
    "mark",
    "duty",
    "kind",
    "place",
    "lon",
    "lat",
    "base",
    "leave_base",
    "back_at_base",
    "stops",
    "crew_id",
    "duty_id",
    "time_zone",
)


def roster_csv(roster: Roster) -> str:
    """Return the rows as CSV: comma, UTF-8, a header row; times with their offset from UTC."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(_row(roster, assignment) for assignment in roster.assignments)
    return stream.getvalue()


def stops_text(stops: Sequence[DutyStop], assignment: Assignment) -> str:
    """Return the stops of a beat with their clock times: '22:40-23:10 Rest area; ...'."""

    def clock(minutes: float) -> str:
        return f"{moment(assignment, minutes):%H:%M}"

    return "; ".join(
        f"{clock(stop.arrive)}-{clock(stop.leave)} {stop_name(stop)}" for stop in stops
    )


def stop_name(stop: DutyStop) -> str:
    """Return what people call a stop: its place where it has no label."""
    return stop.label or f"{stop.lat:.5f}, {stop.lon:.5f}"


def crew_name(crew: Crew) -> str:
    """Return what people call a crew, in the language that is spoken: of several alike
    their name and its number.
    """
    stem, space, end = crew.name.rpartition(" ")
    return f"{term(stem)} {end}" if space and end.isdecimal() else term(crew.name)


def leaving(assignment: Assignment) -> str:
    """Return when a crew leaves, by the clock of its base: '05:10', or '23:10 (28 Nov)'
    where that is not the day of the shift.
    """
    clock = f"{assignment.leave:%H:%M}"
    day = assignment.leave.date()
    return clock if day == assignment.day else f"{clock} ({short_date(day)})"


def moment(assignment: Assignment, minutes: float) -> datetime:
    """Return the time some minutes after the start of an assignment, in its zone."""
    return (assignment.start.astimezone(UTC) + timedelta(minutes=minutes)).astimezone(
        assignment.start.tzinfo
    )


def safe_cell(text: str) -> str:
    """Make text one line, with an apostrophe before what a spreadsheet would take for a formula."""
    line = plain(text)
    return f"'{line}" if FORMULA.match(line) else line


def _row(roster: Roster, one: Assignment) -> list[str | int | float]:
    base = roster.duties.base_name(one.base)
    return [
        one.day.isoformat(),
        f"{one.day:%a}",
        safe_cell(one.shift.name),
        one.start.isoformat(timespec="minutes"),
        one.end.isoformat(timespec="minutes"),
        safe_cell(one.crew.name),
        one.crew.people,
        safe_cell(one.duty.mark),
        safe_cell(one.duty.name),
        safe_cell(one.duty.kind),
        safe_cell(one.duty.place),
        one.duty.lon,
        one.duty.lat,
        safe_cell(base),
        one.leave.isoformat(timespec="minutes"),
        one.back.isoformat(timespec="minutes"),
        safe_cell(stops_text(one.duty.stops, one)),
        safe_cell(one.crew.id),
        safe_cell(one.duty.id),
        roster.duties.zone_of(one.crew.base).key,
    ]


LOG_COLUMNS = (
    "unit",
    "duty",
    "place",
    "planned_begin",
    "planned_end",
    "begin",
    "end",
    "hours",
    "staff",
    "vehicles",
    "finds",
)
"""Columns of a log of duty; crews fill in `begin` and `end`, or `hours`, and `staff`,
`vehicles` (searched) and `finds`.
"""


def log_csv(roster: Roster) -> str:
    """Return a log of duty to be filled in as CSV: a row a crew and place, with the
    planned times.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(LOG_COLUMNS)
    for one in roster.assignments:
        visits = [
            (stop_name(stop), moment(one, stop.arrive), moment(one, stop.leave))
            for stop in one.duty.stops
        ]
        for place, begin, end in visits or [(one.duty.name, one.start, one.end)]:
            times = (begin.isoformat(timespec="minutes"), end.isoformat(timespec="minutes"))
            ids = (one.crew.id, one.duty.id, place)
            writer.writerow([*(safe_cell(text) for text in ids), *times, "", "", "", "", "", ""])
    return stream.getvalue()


Minutes = Annotated[float, Field(ge=0, le=1440)]

DutyId = Annotated[str, Field(min_length=1, max_length=4000)]
"""Of an option and a shift."""

MOST_STAFF = 10_000


class DutyStop(Strict):
    """A stop of a beat; minutes count from when the team sets out."""

    label: str = ""
    lon: Longitude
    lat: Latitude
    arrive: Minutes
    leave: Minutes


class DutyRoad(Strict):
    """A road near the duties, for the small maps of sheets; `number` is what its signs
    say, if that is short.
    """

    number: str = Field("", max_length=20)
    main: bool = False
    points: tuple[tuple[Longitude, Latitude], ...]


class DutyTown(Strict):
    """A town near the duties, for the maps of sheets."""

    name: str = Field(max_length=80)
    lon: Longitude
    lat: Latitude


class Duty(Strict):
    """What an option of the plan asks for in one shift; `travel` is empty where every
    crew goes there at once.

    `mark` is the number or letter on the report's maps; `stops` are those of a beat,
    `track` the points along the roads that it drives.
    """

    id: DutyId
    option: ComposedId
    label: str = ""
    kind: str
    type: str = ""
    agency: str = ""
    shift: Id
    staff: int = Field(ge=1, le=MOST_STAFF, description="people")
    place: str = ""
    lon: Longitude
    lat: Latitude
    travel: dict[str, Minutes] = Field(
        {}, description="minutes from each base that serves it; any crew where empty"
    )
    later: Minutes = Field(
        0.0,
        description=(
            "minutes after the start of the shift at which it begins, and so much later it ends"
        ),
    )
    stops: tuple[DutyStop, ...] = ()
    mark: str = Field("", max_length=20)
    track: tuple[tuple[Longitude, Latitude], ...] = ()

    @property
    def name(self) -> str:
        """What people call it: the option where it has no label."""
        return self.label or self.option

    @property
    def title(self) -> str:
        """What people call it, after its number or letter on the maps."""
        if not self.mark:
            return term(self.name)
        title = _("Beat {mark}: {name}") if self.stops else _("{mark}: {name}")
        return title.format(mark=self.mark, name=term(self.name))

    def open_to(self, crew: Crew) -> bool:
        """Return whether a crew's agency, base and training fit."""
        return (
            (crew.agency in {"", self.agency} or not self.agency)
            and (not self.travel or not crew.base or crew.base in self.travel)
            and (not crew.can or self.kind in crew.can or self.type in crew.can)
        )

    def travel_of(self, crew: Crew) -> int:
        """Return the whole minutes from a crew's base, or from the nearest base where
        the crew has none.
        """
        return math.ceil(self.travel[self.base_of(crew)]) if self.travel else 0

    def base_of(self, crew: Crew) -> str:
        """Return the base that a crew sets out from."""
        if crew.base or not self.travel:
            return crew.base
        return min(self.travel, key=lambda base: (math.ceil(self.travel[base]), base))


class Duties(Strict):
    """What a plan asks of people, and who there is; version 2. Those of version 1 have
    neither marks nor tracks nor roads.
    """

    schema_version: Literal[1, 2]
    language: str = Field(
        "en", max_length=20, description="language of rosters, as in the scenario"
    )
    name: str
    time_zone: TimeZone
    shifts: list[Shift] = Field(min_length=1, max_length=48)
    bases: list[DutyBase] = Field([])
    duties: list[Duty] = Field([])
    crews: list[Crew] = Field(min_length=1)
    roads: list[DutyRoad] = Field([])
    towns: list[DutyTown] = Field([])
    look_for: list[str] = Field([])
    translations: dict[str, dict[str, str]] = Field(
        {}, description="of terms of the scenario, by language, as it gives them"
    )
    _drawn: Drawn = PrivateAttr(default_factory=dict)

    @property
    def drawn(self) -> Drawn:
        """What is placed, by day and shift, where plans are drawn; empty for a single
        plan. A shift that is not there places nothing.
        """
        return self._drawn

    def as_drawn(self, drawn: Drawn) -> Duties:
        """Return them for plans that are drawn; the file has no draws."""
        made = self.model_copy()
        made._drawn = drawn  # noqa: SLF001 - its own
        return made

    @property
    def zone(self) -> ZoneInfo:
        """Whose clocks the shifts follow: each begins everywhere at one moment."""
        return ZoneInfo(self.time_zone)

    def base_name(self, base: str) -> str:
        """Return what people call a base; its id if there is none of that id."""
        return next((each.name for each in self.bases if each.id == base), base)

    def zone_of(self, base: str) -> ZoneInfo:
        """Return whose clocks the crews of a base follow; those of the shifts for crews
        without one.
        """
        return next(
            (ZoneInfo(each.time_zone) for each in self.bases if each.id == base and each.time_zone),
            self.zone,
        )

    def zone_names(self) -> tuple[str, ...]:
        """Return the zones that crews follow, each once."""
        return tuple(sorted({self.zone_of(crew.base).key for crew in self.crews}))

    def zone_at(self, duty: Duty) -> ZoneInfo:
        """Return whose clocks a duty follows: those of its nearest base."""
        return self.zone_of(
            min(duty.travel, key=lambda base: (duty.travel[base], base), default="")
        )

    def duties_on(self, day: date, shift: str) -> tuple[Duty, ...]:
        """Return the duties of one shift of one day: of a single plan the same every
        day, of draws those of what is placed then.
        """
        asked = tuple(duty for duty in self.duties if duty.shift == shift)
        placed = self.drawn.get((day, shift), frozenset())
        return tuple(duty for duty in asked if duty.option in placed) if self.drawn else asked


def read_duties_file(folder: Path) -> Duties:
    """Read `duties.json` of a plan folder.

    Raises
    ------
    InputError
        If the folder has none, or with every fault in it.
    """
    path = folder / DUTIES_FILE
    if not folder.is_dir():
        found = "a file" if folder.is_file() else "no such folder"
        raise InputError(
            Problem(str(folder), found, "a folder that `plan` wrote", how_to_name_a_plan(folder))
        )
    if not path.is_file():
        raise InputError(
            Problem(
                str(folder),
                f"no {DUTIES_FILE}",
                "a plan whose scenario has [roster], [[shifts]] and [[crews]]",
                "Add them to the scenario (docs/roster.md) and plan again",
            )
        )
    duties = read_model(path, Duties, "the duties that `plan` writes")
    check_duties(duties, str(path))
    return duties


def write_duties_file(folder: Path, duties: Duties) -> None:
    """Write `duties.json` into a plan folder."""
    write_json(folder / DUTIES_FILE, duties.model_dump(mode="json"))


def check_duties(duties: Duties, where: str) -> None:
    """Check that ids come once, that names name what exists, and that beats fit their
    shifts.

    Raises
    ------
    InputError
        With every fault.
    """
    problems = ProblemList()
    for table in ("shifts", "bases", "duties", "crews"):
        _once(table, [row.id for row in getattr(duties, table)], where, problems)
    shifts, bases = {shift.id: shift for shift in duties.shifts}, {base.id for base in duties.bases}
    for k, duty in enumerate(duties.duties):
        here = f"{where}, duties[{k}]"
        _named(f"{here}.shift", [duty.shift], shifts, problems)
        _named(f"{here}.travel", duty.travel, bases, problems)
        for stop in duty.stops:
            shift = shifts.get(duty.shift)
            if stop.leave < stop.arrive or (shift is not None and stop.leave > shift.hours * 60):
                found = f"a stop from minute {number(stop.arrive, 6)} to {number(stop.leave, 6)}"
                problems.add(
                    f"{here}.stops",
                    found,
                    "stops that end after they begin and before the shift ends",
                )
    for k, crew in enumerate(duties.crews):
        _named(f"{where}, crews[{k}].base", [crew.base] if crew.base else [], bases, problems)
    problems.raise_if_any()


def _once(table: str, ids: list[str], where: str, problems: ProblemList) -> None:
    seen: set[str] = set()
    for position, name in enumerate(ids):
        if name in seen:
            problems.add(
                f"{where}, {table}[{position}].id",
                f"{name!r} again",
                "each id once",
                "Rename or remove it",
            )
        seen.add(name)


def _named(here: str, names: Iterable[str], known: Collection[str], problems: ProblemList) -> None:
    for name in names:
        if name not in known:
            problems.append(unknown_name(here, name, known))
