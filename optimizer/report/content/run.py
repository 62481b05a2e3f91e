"""The run itself, rows and tables: what was left out, how long each step took, and what it takes to repeat it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from optimizer.base.text.formatting import DASH, decimal, number, plain
from optimizer.base.text.language import gettext as _
from optimizer.base.text.language import marked
from optimizer.report.content.report_table import Column, DataTable, LayerField, ReportTable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from optimizer.report.content.report_content import ReportContent


@dataclass(frozen=True, slots=True, kw_only=True)
class CountRow:
    """How many things were left out for one reason, with a few of them by name."""

    reason: str
    count: int
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """A step of the run and the seconds it took."""

    name: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class InputFile:
    """A file the run read, and its SHA-256 in hexadecimal."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What it takes to make the report again: program version, seed, options by name, files read."""

    version: str = ""
    seed: int | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    inputs: tuple[InputFile, ...] = ()


def unused_table(content: ReportContent) -> ReportTable:
    """Count the records that were not used, by reason."""
    return _counts("unused", _("Records that were read and not used."), _("Records"), content.unused)


UNUSED = DataTable(
    "unused",
    marked("Records that were not used"),
    (
        LayerField("reason", "text", "why records were not used"),
        LayerField("count", "number", "how many"),
    ),
    lambda content: content.unused,
)
"""The rows of `unused_table` for other tools."""


def dropped_table(content: ReportContent) -> ReportTable:
    """Count the roads and places that did not reach the network, by reason."""
    return _counts(
        "dropped", _("Roads and places of the source that did not reach the network."), _("Count"), content.dropped
    )


DROPPED = DataTable(
    "dropped",
    marked("Roads and places left out"),
    (
        LayerField("reason", "text", "why roads and places did not reach the network"),
        LayerField("count", "number", "how many"),
    ),
    lambda content: content.dropped,
)
"""The rows of `dropped_table` for other tools."""


def steps_table(content: ReportContent) -> ReportTable:
    """Show how long each step took."""
    rows = tuple((plain(_(row.name)), decimal(row.seconds)) for row in content.steps)
    return ReportTable("steps", _("Steps of the run."), (Column(_("Step")), Column(_("Time (s)"), numeric=True)), rows)


def provenance_table(content: ReportContent) -> ReportTable:
    """Show what it takes to make the report again."""
    source = content.provenance
    facts = (
        (_("Created"), plain(content.created)),
        (_("Program version"), plain(source.version) or DASH),
        (_("Method"), plain(content.summary.method) or DASH),
        (_("Seed"), DASH if source.seed is None else str(source.seed)),
        *((plain(_(name)), plain(setting)) for name, setting in source.options.items()),
        *((_("SHA-256 of {file}").format(file=plain(file.name)), plain(file.sha256)) for file in source.inputs),
    )
    return ReportTable(
        "provenance",
        _("Version, settings and inputs: what it takes to make this report again."),
        (Column(_("What")), Column(_("Value"))),
        facts,
    )


def _counts(table: str, caption: str, header: str, counts: Iterable[CountRow]) -> ReportTable:
    columns = (Column(_("Reason")), Column(header, numeric=True), Column(_("For example")))
    rows = tuple((plain(row.reason), number(row.count), plain("; ".join(row.examples))) for row in counts)
    return ReportTable(table, caption, columns, rows)
