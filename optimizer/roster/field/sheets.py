"""The sheets of crews: for each duty of the plan and shift a page, with a sheet a week to print, and a page that lists them."""

from __future__ import annotations

import io
import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from optimizer.base.formatting import plain
from optimizer.base.language import gettext as _
from optimizer.base.language import long_date, markup, short_date, spoken
from optimizer.roster.field.sketch import sketch
from optimizer.roster.field.tracks import Waypoint, bases_of, waypoints

if TYPE_CHECKING:
    from datetime import date

    from jinja2 import Template

    from optimizer.roster.model import Assignment, Roster

HERE = Path(__file__).parent
STEM_LENGTH = 40


@dataclass(frozen=True, slots=True)
class FieldDuty:
    """A duty that somebody is assigned to.

    Attributes
    ----------
    stem
        Of the names of its files, each once.
    first
        Its first assignment, whose times the sheet shows.
    days
        Its assignments by day.
    places, bases
        Where it takes place, and where crews set out.
    """

    stem: str
    first: Assignment
    days: dict[date, list[Assignment]]
    places: tuple[Waypoint, ...]
    bases: tuple[Waypoint, ...]

    @property
    def title(self) -> str:
        """The duty and its shift."""
        return _("{duty}, {shift}").format(duty=self.first.duty.title, shift=self.first.shift.label)

    @property
    def track(self) -> tuple[tuple[float, float], ...]:
        """Points along the roads of a beat."""
        return self.first.duty.track


@dataclass(frozen=True, slots=True)
class _Day:
    """A day of a sheet: its heading, and crews with when they leave and are back."""

    name: str
    crews: tuple[str, ...]


def field_duties(roster: Roster) -> tuple[FieldDuty, ...]:
    """Return every duty that somebody is assigned to, by the start of its shift, then as in the plan."""
    rows: defaultdict[str, defaultdict[date, list[Assignment]]] = defaultdict(lambda: defaultdict(list))
    for one in roster.assignments:
        rows[one.duty.id][one.day].append(one)
    made: list[FieldDuty] = []
    for duty in roster.duties.duties:
        days = rows.get(duty.id)
        if days:
            first = days[min(days)][0]
            words = re.sub(r"[^A-Za-z0-9]+", "-", f"{first.shift.id} {duty.mark} {duty.name}").strip("-")[:STEM_LENGTH]
            stem = f"{len(made) + 1:03d}-{words.strip('-')}"
            made.append(FieldDuty(stem, first, dict(days), waypoints(first), bases_of(duty, roster.duties)))
    return tuple(sorted(made, key=lambda one: (one.first.shift.start, one.stem)))


def sheet(roster: Roster, duty: FieldDuty, every: tuple[FieldDuty, ...]) -> str:
    """Return the page of a duty: a sheet a week."""
    others = [one.places[0] for one in every if one.first.shift.id == duty.first.shift.id and one is not duty]
    return _template("sheet.html").render(
        language=spoken().code,
        roster=roster,
        duty=duty,
        first=duty.first,
        picture=Markup(sketch(duty.places, duty.bases, duty.track, others, roster.duties.roads)),  # noqa: S704 - built as XML, which escapes
        codes=[Markup(_code(place.uri)) for place in duty.places],  # noqa: S704 - an SVG of squares
        weeks=[_week(roster, duty, k) for k in range(roster.weeks)],
    )


def index(roster: Roster, every: tuple[FieldDuty, ...], calendars: dict[str, str]) -> str:
    """Return the page that lists the sheets, tracks and calendars; `calendars` gives the file of each crew's label."""
    return _template("index.html").render(
        language=spoken().code, first=long_date(roster.first), roster=roster, duties=every, calendars=calendars
    )


@cache
def _template(name: str) -> Template:
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["plain"] = plain
    environment.globals["_"] = markup
    return environment.get_template(name)


def _week(roster: Roster, duty: FieldDuty, k: int) -> tuple[_Day, ...]:
    days = [roster.first + timedelta(days=7 * k + d) for d in range(7)]
    return tuple(
        _Day(
            short_date(day),
            tuple(f"{one.crew.label} ({one.leave:%H:%M}-{one.back:%H:%M})" for one in duty.days.get(day, ())),
        )
        for day in days
    )


def _code(text: str) -> str:
    """Return a QR code as SVG."""
    import segno

    stream = io.BytesIO()
    segno.make_qr(text, error="m").save(
        stream, kind="svg", border=2, omitsize=True, xmldecl=False, svgns=True, nl=False
    )
    return stream.getvalue().decode("ascii")
