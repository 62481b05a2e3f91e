"""A short page: a headline, and sections of sentences, a figure and tables, in the report's style; no script, nothing to load."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.base.text.language import spoken
from optimizer.report.content.report_table import first_rows
from optimizer.report.page import ROWS_SHOWN, data_uri, environment, styles

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from optimizer.report.content.report_table import ReportTable
    from optimizer.report.load_maps import LoadMaps


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSection:
    """A part of a short page.

    Attributes
    ----------
    title
        Its heading.
    sentences
        What it says.
    tables
        What it lists.
    image, alt
        Name of its figure, empty for none, and what it shows, for those who cannot see it.
    folded
        Whether it is folded until a reader opens it: what supports the answer.
    maps
        Maps of loads by policy and period; None for none. A page has them in one section at most.
    """

    title: str
    sentences: tuple[str, ...] = ()
    tables: tuple[ReportTable, ...] = ()
    image: str = ""
    alt: str = ""
    folded: bool = False
    maps: LoadMaps | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortPage:
    """What a short page says; texts are data, never markup.

    Attributes
    ----------
    title, headline
        What it is about, and the answer.
    known
        Whether the answer is proven; else the page says that it is not yet known.
    warnings
        What must be read first.
    sections
        Its parts.
    made
        Marks of handling, numbers of plans, and the day; empty where nobody says so.
    """

    title: str
    headline: str
    known: bool = True
    warnings: tuple[str, ...] = ()
    sections: tuple[PageSection, ...] = ()
    made: str = ""


def short_page(page: ShortPage, images: Mapping[str, Path]) -> str:
    """Return the HTML of a short page; figures are PNG files by name."""
    return (
        environment()
        .get_template("short_page.html")
        .render(
            page=page,
            language=spoken().code,
            images={name: data_uri(path) for name, path in images.items()},
            style=styles("page.css", *["load_maps.css" for section in page.sections if section.maps is not None]),
            maps=next((section.maps for section in page.sections if section.maps is not None), None),
            rows_shown=ROWS_SHOWN,
            first_rows=first_rows,
        )
    )


def write_short_page(file: Path, page: ShortPage, images: Mapping[str, Path]) -> None:
    """Write a short page into an existing folder."""
    file.write_text(short_page(page, images), encoding="utf-8", errors="replace", newline="\n")
