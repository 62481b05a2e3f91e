"""The first picture: a page of today's layout to look at while the search for a plan
runs. The report replaces it.
"""

from __future__ import annotations

from pathlib import Path

from optimizer.base.files.readwrite import written_whole
from optimizer.base.text.formatting import DASH, plain
from optimizer.base.text.language import counted
from optimizer.base.text.language import gettext as _
from optimizer.report.answer import PageSection, ShortPage, short_page
from optimizer.report.content.report_content import ReportContent
from optimizer.report.content.report_table import Column, ReportTable
from optimizer.report.content.summary import unit, value
from optimizer.report.figures import save_today
from optimizer.report.maps.still_maps import made_line

MARK = b"<!-- first picture: no plan -->\n"
"""What the page ends with: a run replaces and removes no other file."""


def is_first_picture(file: Path) -> bool:
    """Return whether a file is a page that `write_first_picture` wrote."""
    return file.is_file() and not file.is_symlink() and file.read_bytes().endswith(MARK)


def write_first_picture(file: Path, content: ReportContent, report: str) -> None:
    """Write the page of today's layout, whole or not at all.

    Parameters
    ----------
    file
        The page; what is there is replaced.
    content
        What a report says of a plan that is today's layout.
    report
        Where the report will be, as the page names it.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    with written_whole(file) as place:
        image = save_today(place.with_suffix(".png"), content)
        page = short_page(_page(content, report), {"today": image})
        place.write_bytes(page.encode("utf-8", errors="replace") + b"\n" + MARK)


def _page(content: ReportContent, report: str) -> ShortPage:
    return ShortPage(
        title=content.title,
        headline=_headline(content),
        warnings=(
            _(
                "This page is no plan. It shows today's layout while the search for a plan runs."
                " When the search ends, the report is {report} and this page is removed."
            ).format(report=plain(report)),
        ),
        sections=(
            PageSection(
                title=_("Today's layout"),
                image="today",
                alt=_("Map of today's sites and of the routes that evaders take past them"),
                tables=(_sites(content),),
            ),
            PageSection(title=_("The largest holes today"), tables=(_holes(content),)),
        ),
        made=made_line(content),
    )


def _headline(content: ReportContent) -> str:
    summary = content.summary
    amounts = {"unit": unit(summary), "nothing": value(summary, summary.nothing)}
    if not content.chosen:
        said = _("No site is in use today: the {unit} is {nothing}.")
        return said.format(**amounts)
    said = _(
        "With today's layout of {sites}, the {unit} is {value}; with nothing placed it is"
        " {nothing}."
    )
    sites = counted("{count} site", "{count} sites", len(content.chosen))
    return said.format(sites=sites, value=value(summary, summary.existing), **amounts)


def _sites(content: ReportContent) -> ReportTable:
    numbers = content.numbers
    return ReportTable(
        "sites",
        _("Sites in use today, numbered as on the map."),
        (Column(_("No.")), Column(_("Site")), Column(_("Kind")), Column(_("Where"))),
        tuple(
            (
                str(numbers[site.id]),
                plain(site.place or site.label),
                plain(site.type) or DASH,
                plain(site.where) or DASH,
            )
            for site in sorted(content.chosen, key=lambda site: numbers[site.id])
        ),
    )


def _holes(content: ReportContent) -> ReportTable:
    return ReportTable(
        "holes",
        _(
            "Routes by which most gets through today, the largest first. All loads that take the"
            " same roads count together."
        ),
        (
            Column(_("No.")),
            Column(_("Enters at")),
            Column(_("To")),
            Column(_("By")),
            Column(_("Past these sites")),
            Column(_("Gets through ({unit})").format(unit=unit(content.summary)), numeric=True),
        ),
        tuple(
            (
                str(place),
                plain(way.entry or way.start),
                plain(way.end),
                ", ".join(map(plain, way.roads)) or DASH,
                "; ".join(map(plain, way.past)) or DASH,
                value(content.summary, way.contribution),
            )
            for place, way in enumerate(content.holes, 1)
        ),
    )
