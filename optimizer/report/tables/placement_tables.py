"""Tables of what the plan places: sites in the plan, sites left out, and beats."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.base.formatting import DASH, amounts, clock, letter, percent, plain
from optimizer.base.language import gettext as _
from optimizer.report.place_names import PlaceNames
from optimizer.report.tables.report_table import Column, ReportTable
from optimizer.report.values import difference, difference_unit, unit
from optimizer.report.words import word

if TYPE_CHECKING:
    from optimizer.report.content import BeatRow, ReportContent, SiteRow


def chosen_table(content: ReportContent) -> ReportTable:
    """List the sites of the plan, numbered as on the maps."""
    return ReportTable(
        "sites-chosen",
        _(
            "Sites in the plan, numbered as on the maps. Marginal value: how much the {unit} rises without the site."
        ).format(unit=unit(content.summary)),
        (
            Column(_("No.")),
            *_site_columns(),
            Column(_("Marginal value ({unit})").format(unit=difference_unit(content.summary)), numeric=True),
        ),
        tuple(
            (str(place), *_site_cells(site), difference(content.summary, site.marginal_value))
            for place, site in enumerate(content.chosen, 1)
        ),
        tuple(f"site-{site.id}" for site in content.chosen),
    )


def not_chosen_table(content: ReportContent) -> ReportTable:
    """List the sites the plan leaves out, those in use today first."""
    return ReportTable(
        "sites-not-chosen",
        _(
            "Sites not in the plan. Would add: how much the {unit} falls with the site on top of the plan, beyond the budget."
        ).format(unit=unit(content.summary)),
        (*_site_columns(), Column(_("Would add ({unit})").format(unit=difference_unit(content.summary)), numeric=True)),
        tuple((*_site_cells(site), difference(content.summary, site.marginal_value)) for site in content.not_chosen),
        tuple(f"site-{site.id}" for site in content.not_chosen),
    )


def beats_table(content: ReportContent) -> ReportTable:
    """List the beats of the plan, lettered as on the maps, with where each team stands when."""

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
        _(
            "Beats in the plan, lettered as on the maps, base by base. Times count from the start of the shift (h:mm). Marginal value: how "
            "much the {unit} rises without the beat."
        ).format(unit=unit(content.summary)),
        (
            Column(_("Beat")),
            Column(_("Team")),
            Column(_("Base")),
            Column(_("Agency")),
            Column(_("Posts, in order")),
            Column(_("Driving (h:mm)"), numeric=True),
            Column(_("At posts (h:mm)"), numeric=True),
            Column(_("Back at (h:mm)"), numeric=True),
            Column(_("Uses")),
            Column(_("Marginal value ({unit})").format(unit=difference_unit(content.summary)), numeric=True),
        ),
        tuple(cells(place, beat) for place, beat in enumerate(content.driven)),
        tuple(f"beat-{letter(place)}" for place in range(len(content.driven))),
    )


def _stop_texts(beat: BeatRow, name: str) -> list[str]:
    """Return for each post of a beat of a letter where the team stands from when to when."""
    return [
        _("{number} {post}, {arrive} to {leave}").format(
            number=f"{name}{place}",
            post=PlaceNames.joined(plain(stop.label, 80), plain(stop.where, 60)),
            arrive=clock(stop.arrive_s),
            leave=clock(stop.leave_s),
        )
        for place, stop in enumerate(beat.stops, 1)
    ]


def _site_columns() -> tuple[Column, ...]:
    headers = (
        _("Site"),
        _("Id"),
        _("Kind"),
        _("Agency"),
        _("Standing"),
        _("Costs"),
        _("Road watched"),
        _("Where"),
        _("Traffic (vehicles a day)"),
    )
    numbers = (_("Vehicles inspected"), _("Chance to pass undetected"))
    return (*(Column(header) for header in headers), *(Column(header, numeric=True) for header in numbers))


def _site_cells(site: SiteRow) -> tuple[str, ...]:
    texts = (
        plain(site.place or site.label),
        plain(site.id),
        plain(site.type or word(site.kind)),
        plain(site.agency) or DASH,
        _standing(site),
    )
    place = (plain(site.road) or DASH, plain(site.where) or DASH, plain(site.traffic) or DASH)
    return (*texts, amounts(site.costs), *place, percent(site.inspected), percent(site.survival))


def _standing(site: SiteRow) -> str:
    rules = [word for word, holds in ((_("had to be used"), site.forced), (_("not allowed"), site.forbidden)) if holds]
    other = plain(site.other_type, 40)
    standing = {
        "new": _("new"),
        "kept": _("in use today, kept"),
        "given up": _("in use today, closed"),
        "changed": _("changed: {other} today").format(other=other),
        "not chosen": _("in use today, becomes {other}").format(other=other)
        if site.existing
        else _("not chosen: {other} there").format(other=other)
        if other
        else _("not chosen"),
    }[site.standing]
    return "; ".join((standing, *rules))
