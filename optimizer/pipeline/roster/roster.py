"""From a plan folder to a roster: what the command `roster` does."""

from __future__ import annotations

import io
import os
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

import shapely

from optimizer.base.arguments import checked
from optimizer.base.errors import InputError, Problem
from optimizer.base.files.output_folder import OutputFolder
from optimizer.base.files.readwrite import sha256
from optimizer.base.text.language import check_language, speaking
from optimizer.base.text.language import gettext as _
from optimizer.base.version import package_version
from optimizer.base.work.listener import SILENT, Listener, step
from optimizer.plans.plan_folder import PlanFolder
from optimizer.problem.files.plan_file import MIXTURE_FILE
from optimizer.report.content.report_table import LayerField
from optimizer.report.geodata.files import GeoTable, table, write_geopackage
from optimizer.report.geodata.qgis_project import Mark, marker, one_style, write_entry
from optimizer.report.palette import BASE, POST
from optimizer.roster.calendar import check_weeks, first_day
from optimizer.roster.draws import (
    DrawsFile,
    Frequencies,
    check_covers,
    manned_frequencies,
    practically_one,
    read_draws,
    with_draws,
)
from optimizer.roster.making import make_roster
from optimizer.roster.model import Roster, log_csv, read_duties, read_earlier
from optimizer.roster.sheets import FieldDuty, field_duties, gpx, index, kml, sheet
from optimizer.roster.writing import FILES, SUMMARY, calendar_names, write_roster


@dataclass(frozen=True)
class SavedRoster:
    """A roster, the folder that holds it, and of draws how often each placement is
    fully manned beside its probability.
    """

    roster: Roster
    folder: Path
    frequencies: Frequencies | None = None


@checked
def roster_of_plan(
    plan_folder: str | os.PathLike[str],
    first: str,
    *,
    weeks: int = 4,
    out: str | os.PathLike[str] | None = None,
    after: str | os.PathLike[str] | None = None,
    draws: str | os.PathLike[str] | None = None,
    seed: int = 0,
    time_limit: float = 60.0,
    allow_gaps: bool = False,
    language: str | None = None,
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
    draws
        File that `draw` wrote, for a folder with a mixture: each day and shift has the
        duties of its own draw.
    seed
        Seed of every random choice.
    time_limit
        Seconds of search for the whole roster, as in `make_roster`.
    allow_gaps
        Where no roster fills every shift, make one that lists what it lacks.
    language
        Of pages, calendars and the field pack, such as `es`; that of the plan if None.
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
    asked = None if language is None else check_language(language)
    duties = read_duties(Path(plan_folder))
    opened = PlanFolder(plan_folder)
    drawn = _draws(opened, draws, day, weeks)
    if drawn is not None:
        duties = with_draws(duties, drawn)
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
    if drawn is not None and (one := practically_one(opened.mixture)):
        made = replace(made, notes=(*made.notes, one))
    with (
        step(listener, "writing the roster"),
        speaking(asked or duties.language, duties.translations),
    ):
        write_roster(folder, made, datetime.now(UTC), package_version(), partial(field_pack, made))
    return SavedRoster(made, place, None if drawn is None else manned_frequencies(made, drawn))


def _draws(
    opened: PlanFolder, path: str | os.PathLike[str] | None, first: date, weeks: int
) -> DrawsFile | None:
    """Return the draws that a roster is made of; None for a single plan."""
    folder = opened.path
    if not opened.has_mixture:
        if path is None:
            return None
        raise InputError(
            Problem(
                "--draws",
                f"no {MIXTURE_FILE} in {folder}",
                "the folder of a mixture",
                "Leave --draws out",
            )
        )
    if path is None:
        found = "a mixture, which has another plan each day"
        remedy = (
            f"Make draws with `draw {folder} --from {first.isoformat()} --days {7 * weeks}`, and"
            " give --draws FILE"
        )
        raise InputError(Problem(str(folder), found, "draws of it", remedy))
    draws = read_draws(Path(path))
    if draws.mixture != sha256(opened.mixture_path):
        raise InputError(
            Problem(
                str(path),
                "draws of another mixture",
                f"draws of {opened.mixture_path}",
                "Draw again",
            )
        )
    check_covers(draws, [first + timedelta(days=k) for k in range(7 * weeks)], str(path))
    return draws


DUTY_FIELDS = (
    LayerField(
        "mark",
        "text",
        "number or letter on the report's maps, and of a stop its place in the order",
    ),
    LayerField("label", "text", "what people call it"),
    LayerField("duty", "text", "the duty and its shift"),
    LayerField("times", "text", "by the clock, as on the first day"),
)


def field_pack(roster: Roster, calendars: Mapping[str, str]) -> bytes:
    """Return the archive.

    Parameters
    ----------
    roster
        Who goes where.
    calendars
        Calendar of each crew, by the name of its file; files of crews without a duty
        are left out.
    """
    duties = field_duties(roster)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        write_entry(
            archive, "index.html", index(roster, duties, {name[5:-4]: name for name in calendars})
        )
        write_entry(archive, "log.csv", log_csv(roster))
        for duty in duties:
            write_entry(archive, f"sheets/{duty.stem}.html", sheet(roster, duty, duties))
            places = (*duty.places, *duty.bases)
            write_entry(archive, f"gpx/{duty.stem}.gpx", gpx(duty.title, places, duty.track))
            write_entry(archive, f"kml/{duty.stem}.kml", kml(duty.title, places, duty.track))
        for name, text in calendars.items():
            write_entry(archive, f"calendars/{name}", text)
        with tempfile.TemporaryDirectory() as folder:
            for layer in _layers(duties):
                path = Path(folder) / f"{layer.name}.gpkg"
                write_geopackage(path, [layer])
                write_entry(archive, f"layers/{path.name}", path.read_bytes())
    return stream.getvalue()


def _layers(duties: tuple[FieldDuty, ...]) -> list[GeoTable]:
    """Return stops, tracks and bases, those that have rows: one layer a file, as apps
    of phones need it.
    """
    stops = [(one, place) for one in duties for place in one.places]
    rows = [(place.mark, place.name, one.title, place.when) for one, place in stops]
    points = [shapely.Point(place.lon, place.lat) for _, place in stops]
    driven = [one for one in duties if len(one.track) > 1]
    lines = [shapely.LineString(one.track) for one in driven]
    bases = {base.name: shapely.Point(base.lon, base.lat) for one in duties for base in one.bases}
    layers = [
        table(
            "stops",
            _("Posts and stops"),
            DUTY_FIELDS,
            rows,
            points,
            one_style(marker(POST), "mark", every=True),
        ),
        table(
            "tracks",
            _("Beats"),
            DUTY_FIELDS[:3],
            [(one.first.duty.mark, one.first.duty.name, one.title) for one in driven],
            lines,
            one_style(Mark("#7a00b8", 1.0), "mark"),
        ),
        table(
            "bases",
            _("Bases"),
            DUTY_FIELDS[1:2],
            [(name,) for name in bases],
            bases.values(),
            one_style(marker(BASE), "label"),
        ),
    ]
    return [layer for layer in layers if layer.rows]
