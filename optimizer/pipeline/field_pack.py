"""The field pack of a roster: sheets, tracks, calendars and layers in one archive that opens without a network."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import shapely

from optimizer.base.language import gettext as _
from optimizer.report.geodata.files import write_geopackage
from optimizer.report.geodata.project import write_entry
from optimizer.report.geodata.styles import Mark, marker, one_style
from optimizer.report.geodata.tables import LayerField, table
from optimizer.report.palette import BASE, POST
from optimizer.roster.field.sheets import field_duties, index, sheet
from optimizer.roster.field.tracks import gpx, kml

if TYPE_CHECKING:
    from collections.abc import Mapping

    from optimizer.report.geodata.tables import GeoTable
    from optimizer.roster.field.sheets import FieldDuty
    from optimizer.roster.model import Roster

DUTY_FIELDS = (
    LayerField("mark", "text", "number or letter on the report's maps, and of a stop its place in the order"),
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
        Calendar of each crew, by the name of its file; files of crews without a duty are left out.
    """
    duties = field_duties(roster)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        write_entry(archive, "index.html", index(roster, duties, {name[5:-4]: name for name in calendars}))
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
    """Return stops, tracks and bases, those that have rows: one layer a file, as apps of phones need it."""
    stops = [(one, place) for one in duties for place in one.places]
    rows = [(place.mark, place.name, one.title, place.times) for one, place in stops]
    points = [shapely.Point(place.lon, place.lat) for _, place in stops]
    driven = [one for one in duties if len(one.track) > 1]
    lines = [shapely.LineString(one.track) for one in driven]
    bases = {base.name: shapely.Point(base.lon, base.lat) for one in duties for base in one.bases}
    layers = [
        table("stops", _("Posts and stops"), DUTY_FIELDS, rows, points, one_style(marker(POST), "mark")),
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
