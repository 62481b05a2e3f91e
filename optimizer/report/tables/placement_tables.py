"""Tables of what the plan places: sites in the plan, sites left out, and beats."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.base.formatting import DASH, amounts, clock, letter, percent, plain
from optimizer.report.place_names import PlaceNames
from optimizer.report.tables.report_table import Column, ReportTable
from optimizer.report.values import difference, difference_unit

if TYPE_CHECKING:
    from optimizer.report.content import BeatRow, ReportContent, SiteRow


def chosen_table(content: ReportContent) -> ReportTable:
    """List the sites of the plan, numbered as on the maps."""
    unit = plain(content.summary.unit)
    return ReportTable(
        "sites-chosen",
        f"Sites in the plan, numbered as on the maps. Marginal value: how much the {unit} rises without the site.",
        (Column("No."), *_site_columns(), Column(f"Marginal value ({difference_unit(content.summary)})", numeric=True)),
        tuple(
            (str(place), *_site_cells(site), difference(content.summary, site.marginal_value))
            for place, site in enumerate(content.chosen, 1)
        ),
        tuple(f"site-{site.id}" for site in content.chosen),
    )


def not_chosen_table(content: ReportContent) -> ReportTable:
    """List the sites the plan leaves out, those in use today first."""
    unit = plain(content.summary.unit)
    return ReportTable(
        "sites-not-chosen",
        f"Sites not in the plan. Would add: how much the {unit} falls with the site on top of the plan, beyond the budget.",
        (*_site_columns(), Column(f"Would add ({difference_unit(content.summary)})", numeric=True)),
        tuple((*_site_cells(site), difference(content.summary, site.marginal_value)) for site in content.not_chosen),
        tuple(f"site-{site.id}" for site in content.not_chosen),
    )


def beats_table(content: ReportContent) -> ReportTable:
    """List the beats of the plan, lettered as on the maps, with where each team stands when."""
    unit = plain(content.summary.unit)

    def cells(place: int, beat: BeatRow) -> tuple[str, ...]:
        return (
            letter(place),
            plain(beat.team),
            plain(beat.base),
            plain(beat.agency) or DASH,
            "; ".join(_stop_texts(beat, letter(place))),
            clock(beat.drive_s),
            clock(beat.dwell_s),
            clock(beat.back_s),
            amounts(beat.costs),
            difference(content.summary, beat.marginal_value),
        )

    return ReportTable(
        "beats",
        f"Beats in the plan, lettered as on the maps, base by base. Times count from the start of the shift (h:mm). Marginal "
        f"value: how much the {unit} rises without the beat.",
        (
            Column("Beat"),
            Column("Team"),
            Column("Base"),
            Column("Agency"),
            Column("Posts, in order"),
            Column("Driving (h:mm)", numeric=True),
            Column("At posts (h:mm)", numeric=True),
            Column("Back at (h:mm)", numeric=True),
            Column("Uses"),
            Column(f"Marginal value ({difference_unit(content.summary)})", numeric=True),
        ),
        tuple(cells(place, beat) for place, beat in enumerate(content.driven)),
        tuple(f"beat-{letter(place)}" for place in range(len(content.driven))),
    )


def _stop_texts(beat: BeatRow, name: str) -> list[str]:
    """Return for each post of a beat of a letter where the team stands from when to when."""
    return [
        f"{name}{place} {PlaceNames.joined(plain(stop.label, 80), plain(stop.where, 60))}, {clock(stop.arrive_s)} to {clock(stop.leave_s)}"
        for place, stop in enumerate(beat.stops, 1)
    ]


def _site_columns() -> tuple[Column, ...]:
    headers = ("Site", "Id", "Kind", "Agency", "Standing", "Costs", "Road watched", "Where", "Traffic (vehicles a day)")
    numbers = ("Vehicles inspected", "Chance to pass undetected")
    return (*(Column(header) for header in headers), *(Column(header, numeric=True) for header in numbers))


def _site_cells(site: SiteRow) -> tuple[str, ...]:
    texts = (
        plain(site.place or site.label),
        plain(site.id),
        plain(site.type or site.kind),
        plain(site.agency) or DASH,
        _standing(site),
    )
    place = (plain(site.road) or DASH, plain(site.where) or DASH, plain(site.traffic) or DASH)
    return (*texts, amounts(site.costs), *place, percent(site.inspected), percent(site.survival))


def _standing(site: SiteRow) -> str:
    rules = [word for word, holds in (("had to be used", site.forced), ("not allowed", site.forbidden)) if holds]
    other = plain(site.other_type, 40)
    standing = {
        "kept": "in use today, kept",
        "given up": "in use today, closed",
        "changed": f"changed: {other} today",
        "not chosen": f"in use today, becomes {other}"
        if site.existing
        else f"not chosen: {other} there"
        if other
        else "not chosen",
    }.get(site.standing, site.standing)
    return "; ".join((standing, *rules))
