"""The page maker: Markdown pages from Jinja templates over data frames, with one format
for tables, numbers and intervals.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from optimizer.base.errors import printable
from optimizer.base.files.readwrite import written_whole
from optimizer.base.text.formatting import DASH, known

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class PageTable:
    """A data frame with the format of its columns; as text it is a Markdown table."""

    #: The values; None and NaN stand for what is not known, and are shown as a dash.
    frame: pd.DataFrame
    #: Column -> how a value is shown; `str` where none is given.
    formats: Mapping[str, Callable[[Any], str]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        columns: Sequence[str],
        rows: Iterable[Sequence[object]],
        formats: Mapping[str, Callable[[Any], str]],
    ) -> PageTable:
        """Return a table of some rows."""
        return cls(pd.DataFrame(list(rows), columns=list(columns), dtype=object), formats)

    @property
    def head(self) -> list[str]:
        """Names of the columns."""
        return [str(name) for name in self.frame.columns]

    @property
    def cells(self) -> list[list[str]]:
        """The values as text, row by row."""
        shown = [self.formats.get(name, str) for name in self.head]
        return [
            [_cell(value, show) for value, show in zip(row, shown, strict=True)]
            for row in self.frame.itertuples(index=False, name=None)
        ]

    def __str__(self) -> str:
        """Return the Markdown table; a bar inside a cell is escaped."""
        lines = [self.head, ["---"] * len(self.head), *self.cells]
        return "\n".join(
            "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines
        )


def _cell(value: Any, show: Callable[[Any], str]) -> str:  # noqa: ANN401 - a cell of a data frame holds anything
    missing = value is None or (isinstance(value, float) and value != value)  # noqa: PLR0124 - NaN
    return DASH if missing else show(value)


def markdown(text: str) -> str:
    """Return text so that a page of Markdown shows it as it is: no markup, links, HTML
    or control characters. Tables escape bars themselves.
    """
    marked = re.sub(r"([\\`*_\[\]#~$!])", r"\\\1", printable(text))
    return marked.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


@dataclass(frozen=True, slots=True)
class PageFiles:
    """The files of a page: the page itself and its pictures."""

    page: Path
    pictures: list[Path]


def page_text(template: str, **content: object) -> str:
    """Return a page; `template` names a file in the folder of templates."""
    text = _environment().get_template(template).render(content)
    return "\n".join(line.rstrip() for line in text.strip().splitlines()) + "\n"


def write_page(path: Path, template: str, **content: object) -> Path:
    """Write a page, whole or not at all, and return its path."""
    save_text(path, page_text(template, **content))
    return path


def save_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    with written_whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 - the pages are Markdown from our own rows
    )


def interval(
    value: float | None, low: float | None, high: float | None, show: Callable[[float], str]
) -> str:
    """Return a figure and its interval: `0.51 [0.48, 0.55]`; a dash where there is
    none, no brackets where only the interval lacks.
    """
    if value is None or not known(value):
        return DASH
    if low is None or high is None or not (known(low) and known(high)):
        return show(value)
    return f"{show(value)} [{show(low)}, {show(high)}]"


def fixed(digits: int) -> Callable[[float], str]:
    """Return a format with so many decimals."""
    return lambda value: f"{value:,.{digits}f}"


def share(digits: int) -> Callable[[float], str]:
    """Return a format of shares in per cent."""
    return lambda value: f"{100 * value:.{digits}f} %"


def thousands(value: int) -> str:
    """Return a whole number with thousands separators."""
    return f"{value:,}"


def seconds(value: float) -> str:
    """Return seconds to three significant digits or so."""
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"


def small_share(value: float) -> str:
    """Return a share in per cent, with more decimals where it is small."""
    return (
        "0"
        if abs(value) < 5e-7
        else f"{100 * value:.4f} %"
        if abs(value) < 1e-3
        else f"{100 * value:.2f} %"
    )


def short(value: float) -> str:
    """Return a number to two or three decimals without its leading zero; whole from 10 on."""
    if not known(value):
        return DASH
    if abs(value) >= 10:
        return f"{value:,.0f}"
    text = f"{value:.2f}" if abs(value) >= 1 else f"{value:.3f}"
    return text.replace("0.", ".", 1) if text.lstrip("-").startswith("0.") else text
