"""What is written of what passes: a table, JSON, and a page to print in the words of oversight."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.base.text.formatting import DASH, number, percent, plain, with_range
from optimizer.base.text.language import ENGLISH
from optimizer.base.text.language import gettext as _
from optimizer.base.text.messages import translated
from optimizer.operations.passes import ASSUMED, passes_line
from optimizer.report.answer import Answer, AnswerFiles, AnswerTable, write_answer

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence
    from pathlib import Path

    from optimizer.base.files.output_folder import OutputFolder
    from optimizer.operations.passes import Estimate, Passes, PassesRow
    from optimizer.report.content.report_table import ReportTable
    from optimizer.report.short_page import ShortPage

PASSES = AnswerFiles("passes", ("passes.json", "passes.csv", "passes.html"))
ON_THE_PAGE = 12
"""Rows of each table on the page, which is to be one sheet."""


def passes_folder(out: str | os.PathLike[str], sources: Sequence[Path], *, overwrite: bool) -> OutputFolder:
    """Return the folder for what passes; check it before the work.

    Raises
    ------
    InputError
        If it cannot be written, or holds what another command, or another scenario, left.
    """
    return PASSES.folder(out, *sources, overwrite=overwrite)


def write_passes(folder: OutputFolder, found: Passes, language: str = ENGLISH) -> None:
    """Write the files, all or none; the page is in the language.

    Raises
    ------
    InputError
        If there are no texts in that language, or the folder cannot be written.
    """
    lines = [passes_line(row) for row in found.rows]
    content = {
        "schema_version": 1,
        "scenario": found.name,
        "layout": found.layout,
        "draws": found.draws,
        "finds": dict(found.finds),
        "drawn": [str(each) for each in found.drawn],
        "fixed": [str(each) for each in found.fixed],
        "record": [str(each) for each in found.faults],
        "warnings": [str(each) for each in found.warnings],
        "rows": lines,
    }
    answer = Answer(
        tables={"passes": AnswerTable(lines)}, content={"passes": content}, page={"passes": lambda: passes_page(found)}
    )
    write_answer(folder, answer, language)


def passes_page(found: Passes) -> ShortPage:
    """Return the page: the last quarter in full, and all quarters of the whole border."""
    from optimizer.report.short_page import PageSection, ShortPage

    last = max(found.finds)
    whole = next(row for row in found.rows if row.kind == "all" and row.quarter == last)
    every = [row for row in found.rows if row.kind == "all"]
    titles = {"gateway": _("By gateway"), "sector": _("By sector"), "site": _("By site")}
    tables = []
    for kind, title in titles.items():
        mine = sorted(
            (row for row in found.rows if row.kind == kind and row.quarter == last), key=lambda row: -row.sent.median
        )
        if mine:
            tables.append(_table(f"by-{kind}", title, [(row.label, row) for row in mine[:ON_THE_PAGE]]))
    said = [*map(translated, found.faults)] or [_("Nothing in the record looks doubtful.")]
    return ShortPage(
        title=_("{scenario}: what passes").format(scenario=plain(found.name)),
        headline=_("In {quarter}, {found} of {sent} loads were found: an interdiction rate of {rate}.").format(
            quarter=last, found=_amount(whole.found), sent=_amount(whole.sent), rate=_rate(whole.rate)
        ),
        warnings=tuple(translated(each) for each in found.warnings),
        sections=(
            PageSection(
                title=_("By quarter"),
                tables=(_table("by-quarter", _("All gateways"), [(row.quarter, row) for row in every]),),
            ),
            PageSection(title=_("Where, in {quarter}").format(quarter=last), tables=tuple(tables)),
            PageSection(title=_("The record behind it"), sentences=tuple(said)),
            PageSection(
                title=_("What each number rests on"),
                sentences=(
                    *(_(sentence) for sentence in ASSUMED),
                    _("Intervals hold 90 % of {draws} draws. Drawn: {drawn}. Not drawn: {fixed}.").format(
                        draws=number(found.draws, 6),
                        drawn="; ".join(map(translated, found.drawn)) or DASH,
                        fixed="; ".join(map(translated, found.fixed)) or DASH,
                    ),
                ),
            ),
        ),
    )


def _table(name: str, caption: str, rows: Sequence[tuple[str, PassesRow]]) -> ReportTable:
    from optimizer.report.content.report_table import Column, ReportTable

    heads = (_("Sent"), _("Found"), _("Through"), _("Gone round"), _("Interdiction rate"))
    return ReportTable(
        name,
        caption,
        (Column(""), *(Column(head, numeric=True) for head in heads)),
        tuple(
            (label, *(_amount(each) for each in (row.sent, row.found, row.through, row.around)), _rate(row.rate))
            for label, row in rows
        ),
    )


def _amount(one: Estimate) -> str:
    return with_range(number(one.median), number(one.low), number(one.high))


def _rate(one: Estimate) -> str:
    if one.median != one.median:
        return DASH
    return with_range(percent(one.median), percent(one.low), percent(one.high))
