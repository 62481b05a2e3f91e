"""What is written of what was delivered: lines of JSON, the effort for the next fit,
tables, a map and a page.
"""

from __future__ import annotations

from typing import Any

import shapely

from optimizer.base.files.output_folder import OutputFolder
from optimizer.base.files.readwrite import toml_value
from optimizer.base.text.formatting import DASH, number, percent, plain
from optimizer.base.text.language import ENGLISH
from optimizer.base.text.language import gettext as _
from optimizer.base.text.messages import translated
from optimizer.operations.delivered import STATUS_WORDS, Delivered, DeliveryTally
from optimizer.plans.plan_folder import made_of
from optimizer.report.answer import (
    Answer,
    AnswerFiles,
    AnswerTable,
    PageSection,
    ShortPage,
    write_answer,
)
from optimizer.report.content.report_table import Column, ReportTable

EFFORT, RECORDS = "effort.csv", "records.toml"

DELIVERED = AnswerFiles(
    "delivered",
    (
        *("delivered.json", "delivered.csv", "delivered.html", EFFORT, "effort.geojson", RECORDS),
        *("visits.csv", "visits.geojson", "extra.csv", "extra.geojson"),
    ),
)

SOURCE = "delivered duty"
EFFORT_COLUMNS = ("time", "segment", "lon", "lat", "amount", "unit", "crew", "how", "vehicles")
VISIT_COLUMNS = (
    *("day", "shift", "duty", "place", "unit", "base", "sector", "status"),
    *("planned_hours", "delivered_hours", "minutes_late"),
)
EXTRA_COLUMNS = ("unit", "begin", "hours", "segment")
MOST_ROWS = 400
"""Rows of a table on the page; the files have all."""


def tally_line(tally: DeliveryTally) -> dict[str, Any]:
    """Return a tally for JSON, and for a row of a table."""
    return {
        tally.by: tally.name,
        "planned_hours": round(tally.planned_hours, 3),
        "delivered_hours": round(tally.delivered_hours, 3),
        "stops_planned": tally.stops_planned,
        "stops_done": tally.stops_done,
        **{status.replace(" ", "_"): count for status, count in tally.count.items()},
        "extra": tally.extra,
        "extra_hours": round(tally.extra_hours, 3),
        "driven_hours": round(tally.driven_hours, 3),
    }


def write_delivered(folder: OutputFolder, found: Delivered, language: str = ENGLISH) -> None:
    """Write the files, all or none; the page is in the language. No file names a
    person: units are crews.

    Parameters
    ----------
    folder
        Where to.
    found
        What was delivered.
    language
        Of the page.

    Raises
    ------
    InputError
        If there are no texts in that language, or the folder cannot be written.
    """
    effort = _effort_rows(found)
    answer = Answer(
        tables={
            "delivered": AnswerTable(
                [
                    {"by": t.by, "name": t.name, **_without(tally_line(t), t.by)}
                    for t in found.tallies
                ]
            ),
            "effort": AnswerTable(
                effort, EFFORT_COLUMNS, [found.network.lines[row["segment"]] for row in effort]
            ),
            "visits": AnswerTable(
                _visit_rows(found),
                VISIT_COLUMNS,
                [shapely.Point(one.visit.lon, one.visit.lat) for one in found.visits],
            ),
            "extra": AnswerTable(
                _extra_rows(found),
                EXTRA_COLUMNS,
                [shapely.Point(s.lon, s.lat) for s in found.extra],
            ),
        },
        content={"delivered": _content(found)},
        texts={RECORDS: records_toml(found.effort_unit)},
        page={"delivered": lambda: delivered_page(found)},
        made=lambda: made_of(folder.sources),
    )
    write_answer(folder, answer, language)


def _without(row: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != key}


def _content(found: Delivered) -> dict[str, Any]:
    return {
        "schema_version": 1,
        "plan": found.name,
        "from": found.first.isoformat(),
        "to": found.last.isoformat(),
        "known_units": found.known_units,
        "effort_hours": round(found.effort_hours, 3),
        "effort_unit": found.effort_unit,
        "hours_each": found.hours_each,
        "off_roads_hours": round(found.off_roads_hours, 3),
        "planned_segments": sorted(_planned_segments(found)),
        "warnings": [str(sentence) for sentence in found.warnings],
        **{
            f"by_{by}": [tally_line(t) for t in found.tallies if t.by == by]
            for by in ("unit", "base", "sector", "week")
        },
    }


def _planned_segments(found: Delivered) -> set[int]:
    places = sorted({(one.visit.lon, one.visit.lat) for one in found.visits})
    lon, lat = (shapely.get_coordinates(shapely.points(places))[:, axis] for axis in (0, 1))
    return set(found.network.nearest_segments(lon, lat)[0].tolist())


def _effort_rows(found: Delivered) -> list[dict[str, Any]]:
    middle = found.network.segment_midpoint
    return [
        {
            "time": row.day.isoformat(),
            "segment": row.segment,
            "lon": round(float(middle[row.segment, 0]), 6),
            "lat": round(float(middle[row.segment, 1]), 6),
            "amount": float(f"{row.hours / found.hours_each:.6g}"),
            "unit": found.effort_unit,
            "crew": row.unit,
            "how": row.how,
            "vehicles": None if row.vehicles != row.vehicles else row.vehicles,
        }
        for row in found.effort
    ]


def _visit_rows(found: Delivered) -> list[dict[str, Any]]:
    return [
        {
            "day": one.visit.day.isoformat(),
            "shift": one.visit.shift,
            "duty": one.visit.duty,
            "place": one.visit.label,
            "unit": one.visit.unit or one.by,
            "base": one.visit.base,
            "sector": one.visit.sector,
            "status": one.status,
            "planned_hours": round(one.visit.hours, 3),
            "delivered_hours": round(one.hours, 3),
            "minutes_late": None if one.late != one.late else round(one.late, 1),
        }
        for one in found.visits
    ]


def _extra_rows(found: Delivered) -> list[dict[str, Any]]:
    from datetime import datetime

    return [
        {
            "unit": stay.unit,
            "begin": datetime.fromtimestamp(stay.begin, found.zone).isoformat(timespec="minutes"),
            "hours": round(stay.hours, 3),
            "segment": stay.segment if stay.segment >= 0 else None,
        }
        for stay in found.extra
    ]


def records_toml(unit: str) -> str:
    """Return the entry of a scenario that reads the effort."""
    lines = [
        (
            "# For a scenario beside this file; elsewhere, mend the path. Seizures that these units"
            " made need the same effort_unit."
        ),
        "[[records.effort]]",
        f"file = {toml_value(EFFORT)}",
        f"source = {toml_value(SOURCE)}",
        f"where = {{ unit = {toml_value(unit)} }}",
        f"unit = {toml_value(unit)}",
    ]
    return "\n".join(lines) + "\n"


def delivered_page(found: Delivered) -> ShortPage:
    """Return the page: planned against delivered, visit by visit, and what it means for
    the next plan.
    """
    planned = sum(one.visit.hours for one in found.visits)
    done = sum(one.hours for one in found.visits)
    return ShortPage(
        title=_("{plan}: planned and delivered").format(plan=plain(found.name)),
        headline=_(
            "From {first} to {last}, {done} of {planned} planned hours were delivered: {share}."
        ).format(
            first=found.first.isoformat(),
            last=found.last.isoformat(),
            done=number(done, 4),
            planned=number(planned, 4),
            share=percent(done / planned if planned else None, 0),
        ),
        warnings=tuple(translated(each) for each in found.warnings),
        sections=(
            PageSection(title=_("Planned against delivered"), tables=_tally_tables(found)),
            PageSection(title=_("Visit by visit"), tables=(_missed_visits(found),)),
            PageSection(
                title=_("For the next plan"),
                sentences=(
                    _(
                        "effort.csv holds {amount} {unit} ({hours} hours of crews) on {roads}"
                        " roads, day by day. With records.toml in the scenario, the next fit knows"
                        " where people really were."
                    ).format(
                        amount=number(found.effort_hours / found.hours_each, 4),
                        unit=plain(found.effort_unit),
                        hours=number(found.effort_hours, 4),
                        roads=number(len({row.segment for row in found.effort}), 6),
                    ),
                    _(
                        "visits.geojson, extra.geojson and effort.geojson are maps: visits, stays"
                        " elsewhere, hours on roads."
                    ),
                ),
            ),
            PageSection(
                title=_("What is assumed"),
                sentences=(
                    _("Where a track and a log cover the same time, the track counts."),
                    _(
                        "A unit that stands within reach of a planned place, in its time, stands"
                        " there."
                    ),
                    _(
                        "Between two positions a unit drives the shortest way by road, its time"
                        " spread as free flow would take it."
                    ),
                ),
            ),
        ),
    )


def _tally_tables(found: Delivered) -> tuple[ReportTable, ...]:
    """Return planned against delivered, by week, sector, base and unit."""
    titles = {
        "week": _("By week"),
        "sector": _("By sector"),
        "base": _("By base"),
        "unit": _("By unit"),
    }
    numbers = (
        _("Planned, h"),
        _("Delivered, h"),
        _("Share"),
        *(_(word) for word in STATUS_WORDS.values()),
    )
    numbers += (_("Elsewhere, h"), _("Driven, h"))
    counted = _("Visits by what became of them; hours at planned places, in their time")
    return tuple(
        ReportTable(
            f"by-{by}",
            f"{title}. {counted}",
            (Column(title), *(Column(one, numeric=True) for one in numbers)),
            tuple(_tally_cells(found, tally) for tally in found.tallies if tally.by == by)[
                :MOST_ROWS
            ],
        )
        for by, title in titles.items()
    )


def _missed_visits(found: Delivered) -> ReportTable:
    """Return the visits that were not made in full."""
    missed = [one for one in found.visits if one.status != "manned"]
    texts = (_("Day"), _("Shift"), _("Place"), _("Unit"), _("What became of it"))
    return ReportTable(
        "visits",
        _("Visits that were not made in full: {count} of {every}; visits.csv has all").format(
            count=number(len(missed), 6), every=number(len(found.visits), 6)
        ),
        (
            *map(Column, texts),
            *(Column(one, numeric=True) for one in (_("Planned, h"), _("Delivered, h"))),
        ),
        tuple(
            (
                one.visit.day.isoformat(),
                one.visit.shift,
                one.visit.label,
                _called(found, one.visit.unit),
                _(STATUS_WORDS[one.status]),
                number(one.visit.hours),
                number(one.hours),
            )
            for one in missed[:MOST_ROWS]
        ),
    )


def _called(found: Delivered, name: str) -> str:
    return found.names.get(name, name) or DASH


def _tally_cells(found: Delivered, tally: DeliveryTally) -> tuple[str, ...]:
    return (
        _called(found, tally.name),
        number(tally.planned_hours),
        number(tally.delivered_hours),
        percent(tally.delivered_hours / tally.planned_hours, 0) if tally.planned_hours else DASH,
        *(number(count, 6) for count in tally.count.values()),
        number(tally.extra_hours),
        number(tally.driven_hours),
    )
