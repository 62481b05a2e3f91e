"""The folder of a roster: table, calendars, page and summary, all or none."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from optimizer.base.files.readwrite import write_json
from optimizer.base.text.formatting import plain
from optimizer.base.text.language import gettext as _
from optimizer.base.text.language import ngettext, spoken, term
from optimizer.roster.calendar import is_night
from optimizer.roster.model import last_shifts, moment, roster_csv, stop_name, stops_text
from optimizer.roster.roster_page import roster_page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from optimizer.base.files.output_folder import OutputFolder
    from optimizer.roster.duties_file import DutyStop
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
        "time_zone": roster.duties.zone_of(crew.base).key,
        "hours": round(seconds / 3600, 2),
        "shifts": len(mine),
        "nights": sum(is_night(one.start, one.end, roster.duties.zone) for one in mine),
        "weekend_shifts": sum(one.day.weekday() >= 5 for one in mine),
    }


# Calendars (RFC 5545): one event an assignment, from leaving the base to being back.
#
# Times are UTC, which every calendar shows in local time.

PRODUCER = "-//border-interdiction//roster//{language}"

LINE_OCTETS = 75
"""Longest line in octets, without its end (RFC 5545, 3.1)."""


def calendar(roster: Roster, assignments: Iterable[Assignment], name: str, made: datetime, *, crew: bool) -> str:
    """Return a calendar of some assignments.

    Parameters
    ----------
    roster
        What they belong to.
    assignments
        One event each.
    name
        Of the calendar.
    made
        When the roster was made, with its zone.
    crew
        Whether the events name the crew: in the calendar of all, not in that of one.
    """
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:{PRODUCER.format(language=spoken().code.upper())}",
        "CALSCALE:GREGORIAN",
    ]
    lines += [f"NAME:{_escaped(name)}", f"X-WR-CALNAME:{_escaped(name)}"]
    for one in assignments:
        lines += _event(roster, one, made, crew=crew)
        for place, stop in enumerate(one.duty.stops, start=1):
            lines += _stop_event(roster, one, made, place, stop, crew=crew)
    lines.append("END:VCALENDAR")
    return "".join(_folded(line) + "\r\n" for line in lines)


def _event(roster: Roster, one: Assignment, made: datetime, *, crew: bool) -> Sequence[str]:
    zone = roster.duties.zone_of(one.crew.base).key
    base = roster.duties.bases.get(one.base, one.base) or _("base")
    title = _("{shift}: {duty}").format(shift=term(one.shift.label), duty=one.duty.title)
    lines = [
        f"{one.crew.label} ({_people(one.crew.people)})",
        _("On duty {start} to {end} ({zone})").format(start=f"{one.start:%H:%M}", end=f"{one.end:%H:%M}", zone=zone),
        _("Leave {base} at {leave}, back at {back}").format(
            base=base, leave=f"{one.leave:%H:%M}", back=f"{one.back:%H:%M}"
        ),
    ]
    if one.duty.stops:
        lines.append(_("Stops: {stops}").format(stops=stops_text(one.duty.stops, one)))
    return (
        "BEGIN:VEVENT",
        f"UID:{_uid(roster, one)}",
        f"DTSTAMP:{_utc(made)}",
        f"DTSTART:{_utc(one.leave)}",
        f"DTEND:{_utc(one.back)}",
        f"SUMMARY:{_escaped(f'{one.crew.label}: {title}' if crew else title)}",
        f"LOCATION:{_escaped(one.duty.place or one.duty.title)}",
        f"GEO:{one.duty.lat:.6f};{one.duty.lon:.6f}",
        f"CATEGORIES:{_escaped(one.duty.kind)}",
        "DESCRIPTION:" + "\\n".join(_escaped(line) for line in lines),
        "END:VEVENT",
    )


def _people(count: int) -> str:
    return ngettext("{count} person", "{count} people", count).format(count=count)


def _stop_event(
    roster: Roster, one: Assignment, made: datetime, place: int, stop: DutyStop, *, crew: bool
) -> Sequence[str]:
    """Return the event of a stop of a beat: beside that of the whole duty, it takes no time of its own."""
    title = f"{one.duty.mark}{place} {stop_name(stop)}"
    return (
        "BEGIN:VEVENT",
        f"UID:{_uid(roster, one, f'-{place}')}",
        f"DTSTAMP:{_utc(made)}",
        f"DTSTART:{_utc(moment(one, stop.arrive))}",
        f"DTEND:{_utc(moment(one, stop.leave))}",
        f"SUMMARY:{_escaped(f'{one.crew.label}: {title}' if crew else title)}",
        f"LOCATION:{_escaped(stop_name(stop))}",
        f"GEO:{stop.lat:.6f};{stop.lon:.6f}",
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
    )


def _uid(roster: Roster, one: Assignment, part: str = "") -> str:
    """Return an id that stays when a roster is made anew: a crew sent elsewhere in a shift has its event moved, not doubled."""
    words = (roster.duties.name, one.crew.id, one.day.isoformat(), one.shift.id)
    digest = hashlib.sha256("\x1f".join(words).encode("utf-8", "replace")).hexdigest()
    return f"{digest[:32]}{part}@border-interdiction"


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _escaped(text: str) -> str:
    """Return text on one line with the marks escaped that separate values (RFC 5545, 3.3.11)."""
    line = plain(text)
    for mark in ("\\", ";", ","):
        line = line.replace(mark, f"\\{mark}")
    return line


def _folded(line: str) -> str:
    """Break a line after at most 75 octets, between characters (RFC 5545, 3.1)."""
    if len(line.encode("utf-8", "replace")) <= LINE_OCTETS:
        return line
    pieces, piece, octets = [], "", 0
    for character in line:
        size = len(character.encode("utf-8", "replace"))
        if octets + size > LINE_OCTETS:
            pieces.append(piece)
            piece, octets = " ", 1
        piece, octets = piece + character, octets + size
    return "\r\n".join([*pieces, piece])
