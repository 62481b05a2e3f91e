"""Calendars (RFC 5545): one event an assignment, from leaving the base to being back.

Times are UTC, which every calendar shows in local time.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from optimizer.base.formatting import plain
from optimizer.base.language import gettext as _
from optimizer.base.language import ngettext, spoken
from optimizer.roster.table import moment, stop_name, stops_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from optimizer.roster.model import Assignment, Roster
    from optimizer.scenario.duties_file import DutyStop

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
    zone = roster.duties.zone.key
    base = roster.duties.bases.get(one.base, one.base) or _("base")
    title = _("{shift}: {duty}").format(shift=one.shift.label, duty=one.duty.title)
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
