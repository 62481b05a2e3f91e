"""What was planned: the visits that units should have made, from rosters, from draws,
or from a plan that stands every day.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.files.tables import WantedColumns, read_csv
from optimizer.operations.recorded import LogPlace
from optimizer.roster.calendar import span
from optimizer.roster.draws import read_draws, with_draws
from optimizer.roster.model import Duties, Duty, safe_cell, stop_name
from optimizer.roster.writing import TABLE
from optimizer.scenario.file.roster_model import Crew

ROSTER_COLUMNS = ("date", "shift", "start", "end", "crew_id", "duty_id")
"""Columns of `roster.csv` that are read."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A place where somebody should stand for some time."""

    #: Day on which the shift begins.
    day: date
    #: `shift`, `duty`: Which.
    shift: str
    duty: str
    #: Id of the crew; empty where no roster says which.
    unit: str
    #: `base`, `sector`: Id of the base that it sets out from, and the agency of the
    #: duty; empty for none.
    base: str
    sector: str
    #: `label`, `lon`, `lat`: The place.
    label: str
    lon: float
    lat: float
    #: `begin`, `end`: Seconds since 1970, UTC.
    begin: float
    end: float

    @property
    def hours(self) -> float:
        """How long somebody should stand there."""
        return (self.end - self.begin) / 3600


def roster_folders(plan_folder: Path) -> list[Path]:
    """Return the folders of rosters in a plan folder, in the order of their names."""
    return sorted(path for path in plan_folder.glob("roster-*") if path.is_dir())


def visits_of_rosters(duties: Duties, folders: Sequence[Path]) -> list[Visit]:
    """Return the visits that rosters assign.

    Raises
    ------
    InputError
        If a roster has no table, or names crews and duties that the plan does not have.
    """
    problems, found = ProblemList(), list[Visit]()
    crews, duty_of = _by_cell(duties)
    for folder in folders:
        path = folder / TABLE
        with problems.collected():
            table = read_csv(
                path,
                "a roster",
                WantedColumns(ROSTER_COLUMNS, remedy="Make the roster again with `roster`"),
            )
            if not len(table):
                raise InputError(
                    Problem(str(path), "no row", "the shifts of crews", "Make the roster again")
                )
            rows = zip(table.number, *(table.text[name] for name in ROSTER_COLUMNS), strict=True)
            for line, day, shift, start, end, crew_id, duty_id in rows:
                crew, duty = crews.get(crew_id), duty_of.get(duty_id)
                try:
                    when = date.fromisoformat(day)
                    begin, until = (
                        datetime.fromisoformat(text).timestamp() for text in (start, end)
                    )
                except ValueError:
                    problems.add(
                        f"{path}, line {line}", f"{day}, {start}, {end}", "a day and two times"
                    )
                    continue
                if crew is None or duty is None:
                    named = f"crew {crew_id!r}" if crew is None else f"duty {duty_id!r}"
                    problems.add(
                        f"{path}, line {line}",
                        named,
                        "one of duties.json",
                        "Make the roster again with `roster`",
                    )
                    continue
                base = duty.base_of(crew)
                found += _visits(when, shift, duty, begin, until, crew.id, base)
    problems.raise_if_any()
    return found


def _by_cell(duties: Duties) -> tuple[dict[str, Crew], dict[str, Duty]]:
    """Return crews and duties by their ids, and by these as the cells of a roster have them."""
    crews, every = (
        {crew.id: crew for crew in duties.crews},
        {duty.id: duty for duty in duties.duties},
    )
    return {safe_cell(name): crew for name, crew in crews.items()} | crews, {
        safe_cell(name): duty for name, duty in every.items()
    } | every


def drawn_duties(duties: Duties, files: Sequence[Path], mixture: str) -> Duties:
    """Return duties that are asked for on the days alone on which draws place them.

    Raises
    ------
    InputError
        If a file is none of draws of the mixture with this SHA-256, or two files draw
        for one day and shift.
    """
    drawn: dict[tuple[date, str], frozenset[str]] = {}
    for path in files:
        draws = read_draws(path)
        if draws.mixture != mixture:
            raise InputError(
                Problem(str(path), "draws of another mixture", "draws of this plan", "Draw again")
            )
        found = with_draws(duties, draws).drawn
        if twice := sorted(set(found) & set(drawn)):
            day, shift = twice[0]
            raise InputError(
                Problem(
                    str(path),
                    f"{day.isoformat()}, shift {shift}, again",
                    "one draw a day and shift",
                )
            )
        drawn |= found
    return duties.as_drawn(drawn)


def visits_of_duties(duties: Duties, first: date, last: date) -> Iterator[Visit]:
    """Yield the visits that a plan, or draws of it, ask for from one day to another;
    nobody says by which unit.
    """
    day = first
    while day <= last:
        for shift in duties.shifts:
            if day.weekday() in shift.weekdays:
                start, end = (moment.timestamp() for moment in span(day, shift, duties.zone))
                for duty in duties.duties_on(day, shift.id):
                    base = (
                        min(duty.travel, key=lambda name: (duty.travel[name], name))
                        if duty.travel
                        else ""
                    )
                    late = 60 * duty.later
                    yield from _visits(day, shift.name, duty, start + late, end + late, "", base)
        day += timedelta(days=1)


def _visits(
    day: date, shift: str, duty: Duty, begin: float, end: float, unit: str, base: str
) -> Iterator[Visit]:
    """Yield the visits of a duty: its stops, or its site for the whole shift."""
    if not duty.stops:
        yield Visit(
            day, shift, duty.id, unit, base, duty.agency, duty.title, duty.lon, duty.lat, begin, end
        )
    for stop in duty.stops:
        label = f"{duty.title}, {stop_name(stop)}"
        arrive, leave = begin + 60 * stop.arrive, begin + 60 * stop.leave
        if leave > arrive:
            yield Visit(
                day,
                shift,
                duty.id,
                unit,
                base,
                duty.agency,
                label,
                stop.lon,
                stop.lat,
                arrive,
                leave,
            )


def named_places(duties: Duties) -> dict[str, LogPlace]:
    """Return the places that a log may name, by ids, labels and marks of duties and
    stops in small letters; not those of two places.
    """
    found: defaultdict[str, set[LogPlace]] = defaultdict(set)
    for duty in duties.duties:
        site = LogPlace(duty.title, duty.lon, duty.lat)
        if not duty.stops:
            for name in (duty.id, duty.option, duty.label, duty.title, duty.mark, duty.name):
                found[safe_cell(name).casefold()].add(site)
        for number, stop in enumerate(duty.stops, start=1):
            place = LogPlace(stop_name(stop), stop.lon, stop.lat)
            for name in (
                stop.label,
                stop_name(stop),
                f"{duty.mark}{number}",
                f"{duty.mark}{number} {stop_name(stop)}",
            ):
                found[safe_cell(name).casefold()].add(place)
    return {
        name: next(iter(places))
        for name, places in found.items()
        if name and len({(place.lon, place.lat) for place in places}) == 1
    }
