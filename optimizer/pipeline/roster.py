"""From a plan folder to a roster: what the command `roster` does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from optimizer.base.listener import SILENT, step
from optimizer.base.output_folder import OutputFolder
from optimizer.base.version import package_version
from optimizer.roster.calendar import check_weeks, first_day
from optimizer.roster.earlier import read_earlier
from optimizer.roster.making import make_roster
from optimizer.roster.reading import read_duties
from optimizer.roster.writing import FILES, SUMMARY, calendar_names, write_roster

if TYPE_CHECKING:
    import os

    from optimizer.base.listener import Listener
    from optimizer.roster.model import Roster


@dataclass(frozen=True)
class SavedRoster:
    """A roster, and the folder that holds it."""

    roster: Roster
    folder: Path


def roster_of_plan(
    plan_folder: str | os.PathLike[str],
    first: str,
    *,
    weeks: int = 4,
    out: str | os.PathLike[str] | None = None,
    after: str | os.PathLike[str] | None = None,
    seed: int = 0,
    time_limit: float = 60.0,
    allow_gaps: bool = False,
    overwrite: bool = False,
    listener: Listener = SILENT,
) -> SavedRoster:
    """Assign crews to every duty of a plan and write the roster.

    Parameters
    ----------
    plan_folder
        Folder that `plan` wrote.
    first
        First day, such as 2026-12-01.
    weeks
        How many weeks, 1 to 26.
    out
        Folder to write; `plan_folder`/roster-`first` if None.
    after
        Folder of the roster before this one: rest and days in a row continue from it.
    seed
        Seed of every random choice.
    time_limit
        Seconds of search.
    allow_gaps
        Where no roster fills every shift, make one that lists what it lacks.
    overwrite
        Replace the files of a roster in `out` whoever wrote them.
    listener
        Receives steps, bounds and plans.

    Raises
    ------
    InputError
        If an argument or a file is at fault.
    NoRosterError
        If no roster fills every shift and gaps are not allowed.
    """
    day = first_day(first)
    check_weeks(weeks)
    place = Path(plan_folder) / f"roster-{day.isoformat()}" if out is None else Path(out)
    duties = read_duties(Path(plan_folder))
    names = (*FILES, *calendar_names(duties.crews).values())
    folder = OutputFolder(place, "roster", (Path(plan_folder),), names, overwrite)
    before = () if after is None else read_earlier(Path(after) / SUMMARY, day)
    folder.check()
    made = make_roster(
        duties,
        day,
        weeks,
        seed=seed,
        time_limit=time_limit,
        allow_gaps=allow_gaps,
        before=before,
        listener=listener,
    )
    with step(listener, "writing the roster"):
        write_roster(folder, made, datetime.now(UTC), package_version())
    return SavedRoster(made, place)
