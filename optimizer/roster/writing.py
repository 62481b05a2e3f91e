"""The folder of a roster: table, calendars, page and summary, all or none."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from optimizer.base.files import write_json
from optimizer.base.language import gettext as _
from optimizer.roster.calendar import is_night
from optimizer.roster.earlier import last_shifts
from optimizer.roster.icalendar import calendar
from optimizer.roster.roster_page import roster_page
from optimizer.roster.table import roster_csv

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from optimizer.base.output_folder import OutputFolder
    from optimizer.roster.model import Assignment, Crew, Roster

TABLE, CALENDAR, PAGE, SUMMARY, PACK = "roster.csv", "roster.ics", "roster.html", "summary.json", "field-pack.zip"
FILES = (TABLE, CALENDAR, PAGE, SUMMARY, PACK)
"""What a roster's folder holds beside a calendar for each crew."""
NAME_LENGTH = 80


def write_roster(
    folder: OutputFolder, roster: Roster, made: datetime, version: str, pack: Callable[[dict[str, str]], bytes]
) -> tuple[str, ...]:
    """Write a roster in place of an earlier one, whose files are removed.

    Parameters
    ----------
    folder
        Made if need be.
    roster
        What to write.
    made
        When it was made.
    version
        Of this package.
    pack
        Makes the field pack of the calendars of crews with duties, by the name of their file.

    Returns
    -------
    The names of the files.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    of_crew: defaultdict[str, list[Assignment]] = defaultdict(list)
    for one in roster.assignments:
        of_crew[one.crew.id].append(one)
    names = calendar_names(roster.duties.crews)
    with folder.written() as temporary:
        texts = {
            TABLE: roster_csv(roster),
            CALENDAR: calendar(
                roster, roster.assignments, _("{plan}, all crews").format(plan=roster.duties.name), made, crew=True
            ),
            PAGE: roster_page(roster),
        }
        for crew in roster.duties.crews:
            title = _("{plan}, {crew}").format(plan=roster.duties.name, crew=crew.label)
            texts[names[crew.id]] = calendar(roster, of_crew[crew.id], title, made, crew=False)
        own = {names[crew.id]: texts[names[crew.id]] for crew in roster.duties.crews if of_crew[crew.id]}
        (temporary / PACK).write_bytes(pack(own))
        for name, text in texts.items():
            (temporary / name).write_text(text, encoding="utf-8", errors="replace", newline="")
        write_json(temporary / SUMMARY, summary(roster, version) | {"created": made.isoformat(timespec="seconds")})
    return (*sorted(texts), SUMMARY, PACK)


def calendar_names(crews: Sequence[Crew]) -> dict[str, str]:
    """Return a file name for each crew that any system takes, each once whatever the case."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for crew in crews:
        stem = re.sub(r"[^A-Za-z0-9_-]+", "-", crew.id).strip("-")[:NAME_LENGTH] or "x"
        name, k = stem, 2
        while name.lower() in taken:
            name, k = f"{stem}_{k}", k + 1
        taken.add(name.lower())
        names[crew.id] = f"crew-{name}.ics"
    return names


def summary(roster: Roster, version: str) -> dict[str, Any]:
    """Return what tools read: how the search ended, what each crew works, what is not filled."""
    rows = [_crew_row(roster, crew) for crew in roster.duties.crews]
    return {
        "schema_version": 1,
        "name": roster.duties.name,
        "from": roster.first.isoformat(),
        "weeks": roster.weeks,
        "time_zone": roster.duties.zone.key,
        "status": roster.status,
        "limit": roster.limit,
        "seconds": round(roster.seconds, 3),
        "seed": roster.seed,
        "version": version,
        "assignments": len(roster.assignments),
        "gaps": [
            {"date": g.day.isoformat(), "shift": g.shift.id, "duty": g.duty.id, "missing": g.missing}
            for g in roster.gaps
        ],
        "spread": {
            key: {"least": min(row[key] for row in rows), "most": max(row[key] for row in rows)}
            for key in ("hours", "shifts", "nights", "weekend_shifts")
        },
        "crews": rows,
        "last_shifts": last_shifts(roster),
        "notes": list(roster.notes),
    }


def _crew_row(roster: Roster, crew: Crew) -> dict[str, Any]:
    mine = [one for one in roster.assignments if one.crew.id == crew.id]
    seconds = sum(one.back.timestamp() - one.leave.timestamp() for one in mine)
    return {
        "id": crew.id,
        "label": crew.label,
        "agency": crew.agency,
        "base": crew.base,
        "hours": round(seconds / 3600, 2),
        "shifts": len(mine),
        "nights": sum(is_night(one.start, one.end, roster.duties.zone) for one in mine),
        "weekend_shifts": sum(one.day.weekday() >= 5 for one in mine),
    }
