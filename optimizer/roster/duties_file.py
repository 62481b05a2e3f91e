"""The file `duties.json` of a plan folder: what the plan asks of people in each shift, and which people there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.files.readwrite import read_json, write_json
from optimizer.base.schema import ComposedId, Id, Latitude, Longitude, Strict, validated
from optimizer.base.text.formatting import number
from optimizer.base.text.language import gettext as _
from optimizer.base.text.language import term
from optimizer.base.text.names import unknown_name
from optimizer.problem.files.plan_file import DUTIES_FILE
from optimizer.scenario.file.roster_model import CrewRow, DutyBase, ShiftModel, TimeZone

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

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
    """A road near the duties, for the small maps of sheets; `number` is what its signs say, if that is short."""

    number: str = Field("", max_length=20)
    main: bool = False
    points: tuple[tuple[Longitude, Latitude], ...]


class Duty(Strict):
    """What an option of the plan asks for in one shift; `travel` is empty where every crew goes there at once.

    `mark` is the number or letter on the report's maps; `stops` are those of a beat, `track` the points along the roads that it drives.
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
    travel: dict[str, Minutes] = Field({}, description="minutes from each base that serves it; any crew where empty")
    later: Minutes = Field(
        0.0, description="minutes after the start of the shift at which it begins, and so much later it ends"
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


class DutiesFile(Strict):
    """Duties, version 2; those of version 1 have neither marks nor tracks nor roads."""

    schema_version: Literal[1, 2]
    language: str = Field("en", max_length=20, description="language of rosters, as in the scenario")
    name: str
    time_zone: TimeZone
    shifts: list[ShiftModel] = Field(min_length=1, max_length=48)
    bases: list[DutyBase] = Field([])
    duties: list[Duty] = Field([])
    crews: list[CrewRow] = Field(min_length=1)
    roads: list[DutyRoad] = Field([])
    translations: dict[str, dict[str, str]] = Field(
        {}, description="of terms of the scenario, by language, as it gives them"
    )


def read_duties_file(folder: Path) -> DutiesFile:
    """Read `duties.json` of a plan folder.

    Raises
    ------
    InputError
        If the folder has none, or with every fault in it.
    """
    path = folder / DUTIES_FILE
    if not folder.is_dir():
        raise InputError(Problem(str(folder), "no such folder", "a folder that `plan` wrote", "Check the path"))
    if not path.is_file():
        raise InputError(
            Problem(
                str(folder),
                f"no {DUTIES_FILE}",
                "a plan whose scenario has [roster], [[shifts]] and [[crews]]",
                "Add them to the scenario (docs/roster.md) and plan again",
            )
        )
    duties = validated(DutiesFile, read_json(path, "duties of a plan"), str(path))
    check_duties(duties, str(path))
    return duties


def write_duties_file(folder: Path, duties: DutiesFile) -> None:
    """Write `duties.json` into a plan folder."""
    write_json(folder / DUTIES_FILE, duties.model_dump(mode="json"))


def check_duties(duties: DutiesFile, where: str) -> None:
    """Check that ids come once, that names name what exists, and that beats fit their shifts.

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
                problems.add(f"{here}.stops", found, "stops that end after they begin and before the shift ends")
    for k, crew in enumerate(duties.crews):
        _named(f"{where}, crews[{k}].base", [crew.base] if crew.base else [], bases, problems)
    problems.raise_if_any()


def _once(table: str, ids: list[str], where: str, problems: ProblemList) -> None:
    seen: set[str] = set()
    for position, name in enumerate(ids):
        if name in seen:
            problems.add(f"{where}, {table}[{position}].id", f"{name!r} again", "each id once", "Rename or remove it")
        seen.add(name)


def _named(here: str, names: Iterable[str], known: Collection[str], problems: ProblemList) -> None:
    for name in names:
        if name not in known:
            problems.append(unknown_name(here, name, known))
