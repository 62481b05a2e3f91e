"""The folder of what passes: rows as JSON and as a table, and a page of the last quarter."""

from __future__ import annotations

from collections.abc import Sequence

from optimizer.base.files.output_folder import OutputFolder
from optimizer.base.text.formatting import DASH, number, percent, plain, with_range
from optimizer.base.text.language import ENGLISH, marked, term
from optimizer.base.text.language import gettext as _
from optimizer.base.text.messages import translated
from optimizer.operations.passes import MEASURES, Estimate, Passes, PassesRow
from optimizer.plans.plan_folder import made_of
from optimizer.report.answer import (
    Answer,
    AnswerFiles,
    AnswerTable,
    PageSection,
    ShortPage,
    write_answer,
)
from optimizer.report.content.report_table import ReportTable

PASSES = AnswerFiles("passes", ("passes.json", "passes.csv", "passes.html"))

ASSUMED = (
    marked(
        "Sent: finds of the record, divided by the share of loads that the model says is found."
        " Every find is in the record."
    ),
    marked(
        "Found: detection chances of the scenario at what stood, and those of ordinary policing"
        " elsewhere."
    ),
    marked(
        "Through: loads that come by and are not found there. Of a gateway and of all: loads that"
        " are found nowhere."
    ),
    marked(
        "Gone round: loads that would come by if nothing stood, and take another way. Evaders who"
        " know the layout choose as the model says."
    ),
    marked(
        "Interdiction rate: found / (found + through). Without audits, it rests on the detection"
        " chances that are stated."
    ),
)
"""What each number rests on."""


def passes_line(row: PassesRow) -> dict[str, object]:
    """Return a row for JSON."""
    line: dict[str, object] = {
        "kind": row.kind,
        "place": row.place,
        "label": row.label,
        "quarter": row.quarter,
    }
    for name in MEASURES:
        line |= getattr(row, name).line(name)
    return line


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
        "stated_chances": None if found.stated is None else found.stated.line(),
        "rows": lines,
    }
    answer = Answer(
        tables={"passes": AnswerTable(lines)},
        content={"passes": content},
        page={"passes": lambda: passes_page(found)},
        made=lambda: made_of(folder.sources),
        translations=found.translations,
    )
    write_answer(folder, answer, language)


def passes_page(found: Passes) -> ShortPage:
    """Return the page: the last quarter in full, and all quarters of the whole border."""
    last = max(found.finds)
    whole = next(row for row in found.rows if row.kind == "all" and row.quarter == last)
    every = [row for row in found.rows if row.kind == "all"]
    titles = {
        "gateway": (_("By gateway"), _("Gateway")),
        "sector": (_("By sector"), _("Sector")),
        "site": (_("By site"), _("Site")),
    }
    tables = []
    for kind, (title, head) in titles.items():
        mine = sorted(
            (row for row in found.rows if row.kind == kind and row.quarter == last),
            key=lambda row: -row.sent.median,
        )
        if mine:
            tables.append(
                _table(
                    f"by-{kind}",
                    title,
                    head,
                    [(plain(term(row.label)), row) for row in mine],
                    if_right=found.if_right,
                )
            )
    faults = [*map(translated, found.faults)] or [_("Nothing in the record looks doubtful.")]
    said = _("In {quarter}, {found} of {sent} loads were found: an interdiction rate of {rate}.")
    if found.if_right:
        said = _(
            "In {quarter}, {found} of {sent} loads were found: an interdiction rate of {rate} if"
            " the stated chances are right, which is not yet known."
        )
    return ShortPage(
        title=_("{scenario}: what passes").format(scenario=plain(term(found.name))),
        headline=said.format(
            quarter=last,
            found=_amount(whole.found),
            sent=_amount(whole.sent),
            rate=_rate(whole.rate),
        ),
        warnings=tuple(translated(each) for each in found.warnings),
        sections=(
            PageSection(
                title=_("By quarter"),
                tables=(
                    _table(
                        "by-quarter",
                        _("All gateways"),
                        _("Quarter"),
                        [(row.quarter, row) for row in every],
                        if_right=found.if_right,
                    ),
                ),
            ),
            PageSection(title=_("Where, in {quarter}").format(quarter=last), tables=tuple(tables)),
            PageSection(title=_("The record behind it"), sentences=tuple(faults)),
            PageSection(
                title=_("What each number rests on"),
                sentences=(
                    *(_(sentence) for sentence in ASSUMED),
                    _(
                        "Intervals hold 90 % of {draws} draws. Drawn: {drawn}. Not drawn: {fixed}."
                    ).format(
                        draws=number(found.draws, 6),
                        drawn="; ".join(map(translated, found.drawn)) or DASH,
                        fixed="; ".join(map(translated, found.fixed)) or DASH,
                    ),
                ),
            ),
        ),
    )


def _table(
    name: str, caption: str, head: str, rows: Sequence[tuple[str, PassesRow]], *, if_right: bool
) -> ReportTable:
    from optimizer.report.content.report_table import Column, ReportTable

    rate = (
        _("Interdiction rate, if stated chances are right") if if_right else _("Interdiction rate")
    )
    heads = (_("Sent"), _("Found"), _("Through"), _("Gone round"), rate)
    return ReportTable(
        name,
        caption,
        (Column(head), *(Column(each, numeric=True) for each in heads)),
        tuple(
            (
                label,
                *(_amount(each) for each in (row.sent, row.found, row.through, row.around)),
                _rate(row.rate),
            )
            for label, row in rows
        ),
        file="passes.csv",
    )


def _amount(one: Estimate) -> str:
    return with_range(number(one.median), number(one.low), number(one.high))


def _rate(one: Estimate) -> str:
    if one.median != one.median:
        return DASH
    return with_range(percent(one.median), percent(one.low), percent(one.high))
