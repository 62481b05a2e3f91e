"""The folder of an answer to a question about a plan: tables, JSON, figures and a short
page, all of them or none.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from optimizer.base.files.output_folder import OutputFolder
from optimizer.base.files.readwrite import write_json
from optimizer.base.text.language import ENGLISH, speaking, spoken
from optimizer.report.content.report_table import ReportTable, first_rows
from optimizer.report.geodata.files import write_csv, write_geojson
from optimizer.report.page import ROWS_SHOWN, data_uri, environment
from optimizer.report.styles import styles

if TYPE_CHECKING:
    import shapely
    from matplotlib.figure import Figure

    from optimizer.report.load_maps import LoadMaps


@dataclass(frozen=True, slots=True)
class AnswerFiles:
    """Where an answer goes."""

    #: The command that writes it.
    command: str
    #: Names of every file that it may write.
    names: tuple[str, ...]

    def folder(
        self, out: str | os.PathLike[str], *sources: str | Path, overwrite: bool
    ) -> OutputFolder:
        """Return the folder for an answer about the sources, checked before the work.

        Raises
        ------
        InputError
            If it cannot be written, or holds what another command, or the same one of
            other sources, left.
        """
        folder = OutputFolder(Path(out), self.command, sources, self.names, overwrite)
        folder.check()
        return folder


@dataclass(frozen=True, slots=True)
class AnswerTable:
    """A table of an answer."""

    #: By the names of their columns.
    rows: Sequence[dict[str, Any]]
    #: Names at the head where there is no row; None for those of the rows.
    columns: Sequence[str] | None = None
    #: (rows,) where each row lies, in degrees: the table is then written as GeoJSON
    #: too.
    shapes: Sequence[shapely.Geometry | None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is written; keys are names of files, without their suffixes where there is
    but one kind of file.
    """

    #: Written as CSV.
    tables: Mapping[str, AnswerTable] = field(default_factory=dict)
    #: Written as JSON.
    content: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    #: Written as they are; keys are whole names.
    texts: Mapping[str, str] = field(default_factory=dict)
    #: Copied as they are; keys are whole names.
    files: Mapping[str, Path] = field(default_factory=dict)
    #: Drawn in the language of the reader, and written as PNG and SVG.
    figures: Mapping[str, Callable[[], Figure]] = field(default_factory=dict)
    #: Made in the language of the reader, with the figures that are there; keys are as
    #: above, one at most.
    page: Mapping[str, Callable[[], ShortPage]] = field(default_factory=dict)
    #: What stands under the page's title and under each figure, in that language: marks
    #: of handling, numbers of plans, the day.
    made: Callable[[], str] = str
    #: Of a scenario's own terms, by the code of a language; None for those of the block
    #: around the writing.
    translations: Mapping[str, Mapping[str, str]] | None = None


def write_answer(folder: OutputFolder, answer: Answer, language: str = ENGLISH) -> None:
    """Write an answer; figures and page are in the language.

    Raises
    ------
    InputError
        If there are no texts in that language, or the folder cannot be written.
    """
    with speaking(language, answer.translations), folder.written() as place:
        for name, table in answer.tables.items():
            write_csv(place / f"{name}.csv", table.rows, table.columns)
            if table.shapes is not None:
                write_geojson(place / f"{name}.geojson", table.rows, table.shapes)
        for name, content in answer.content.items():
            write_json(place / f"{name}.json", content)
        for name, text in answer.texts.items():
            (place / name).write_text(text, encoding="utf-8")
        for name, file in answer.files.items():
            shutil.copyfile(file, place / name)
        made = answer.made()
        images = {
            name: save_figure(place, name, draw(), made) for name, draw in answer.figures.items()
        }
        for name, page in answer.page.items():
            write_short_page(place / f"{name}.html", replace(page(), made=made), images)


def save_figure(folder: Path, name: str, figure: Figure, made: str = "") -> Path:
    """Write a figure as PNG and SVG into an existing folder, with whose it is under it;
    return the former.
    """
    from optimizer.report.figures import save_as

    return save_as(("svg", "png"), figure, folder / name, made)[-1]


# A short page: a headline, and sections of sentences, a figure and tables, in the
# report's style; no script, nothing to load.


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSection:
    """A part of a short page."""

    #: Its heading.
    title: str
    #: What it says.
    sentences: tuple[str, ...] = ()
    #: What it lists.
    tables: tuple[ReportTable, ...] = ()
    #: `image`, `alt`: Name of its figure, empty for none, and what it shows, for those
    #: who cannot see it.
    image: str = ""
    alt: str = ""
    #: Whether it is folded until a reader opens it: what supports the answer.
    folded: bool = False
    #: Maps of loads by policy and period; None for none. A page has them in one section
    #: at most.
    maps: LoadMaps | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortPage:
    """What a short page says; texts are data, never markup."""

    #: `title`, `headline`: What it is about, and the answer.
    title: str
    headline: str
    #: Whether the answer is proven; else the page says that it is not yet known.
    known: bool = True
    #: What must be read first.
    warnings: tuple[str, ...] = ()
    #: Its parts.
    sections: tuple[PageSection, ...] = ()
    #: Marks of handling, numbers of plans, and the day; empty where nobody says so.
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
            inches={name: _inches(path) for name, path in images.items()},
            style=styles(
                "page.css",
                *["load_maps.css" for section in page.sections if section.maps is not None],
            ),
            maps=next(
                (section.maps for section in page.sections if section.maps is not None), None
            ),
            rows_shown=ROWS_SHOWN,
            first_rows=first_rows,
        )
    )


PIXELS = 96
"""Pixels an inch of a PNG file that does not say."""


def _inches(path: Path) -> float:
    """Return how wide a PNG file is meant to be: its letters can be read so on paper,
    and a page shows it no smaller.
    """
    with Image.open(path) as image:
        return round(image.width / float(image.info.get("dpi", (PIXELS,))[0]), 1)


def write_short_page(file: Path, page: ShortPage, images: Mapping[str, Path]) -> None:
    """Write a short page into an existing folder."""
    file.write_text(short_page(page, images), encoding="utf-8", errors="replace", newline="\n")
