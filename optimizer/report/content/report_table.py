"""A table of the report: as plain text for the page (the template adds the markup,
autoescaped), and as data for other tools.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeVar

from optimizer.base.text.formatting import known

if TYPE_CHECKING:
    from optimizer.report.content.report_content import ReportContent

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Column:
    """Header of a column, whether numbers stand in it (set to the right), and whether
    paper has it.
    """

    header: str
    numeric: bool = False
    paper: bool = True


@dataclass(frozen=True, slots=True)
class ReportTable:
    """A table ready to be set."""

    #: Unique on the page.
    id: str
    #: What the rows are, with what a reader needs to know of the columns.
    caption: str
    #: Headers; units stand in them.
    columns: tuple[Column, ...]
    #: One text a column.
    rows: tuple[tuple[str, ...], ...]
    #: For each row the id of its mark on the interactive map; empty where rows have
    #: none.
    marks: tuple[str, ...] = ()
    #: Name of the file beside a short page that has every row; empty for none, and then
    #: all are shown.
    file: str = ""


FIRST_ROWS = 10
"""Rows of a table that a short page shows; one or two more take the room of the
sentence that they are left out.
"""


def first_rows(table: ReportTable) -> tuple[tuple[tuple[str, ...], ...], int]:
    """Return the rows of a table that a short page or the console shows, and how many
    more there are in its file.
    """
    rest = len(table.rows) - FIRST_ROWS
    return (table.rows[:FIRST_ROWS], rest) if table.file and rest > 2 else (table.rows, 0)


Kind = Literal["text", "number", "whole", "yes or no"]


class LayerField(NamedTuple):
    """A column for other tools: its name, what stands in it, and what it means in
    English, which the catalogues of languages have.
    """

    name: str
    kind: Kind
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class DataTable:
    """Rows of the content as other tools read them: each column is the attribute of
    that name, unrounded and without units.
    """

    #: `name`, `title`: In files, and for people.
    name: str
    title: str
    #: Its columns.
    fields: tuple[LayerField, ...]
    #: The rows of a content.
    rows: Callable[[ReportContent], Iterable[object]]


def minus(a: float | None, b: float | None) -> float | None:
    """Return a - b; None where either is not known."""
    return a - b if a is not None and b is not None and known(a) and known(b) else None


def largest_first(rows: Iterable[Row], size: Callable[[Row], float | None]) -> list[Row]:
    """Sort by size, the largest first; rows whose size is not known come last."""

    def key(row: Row) -> float:
        amount = size(row)
        return -amount if amount is not None and known(amount) else float("inf")

    return sorted(rows, key=key)
