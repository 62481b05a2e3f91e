"""Names of the report's figures, and figures of other packages. Nothing is drawn here:
what only needs the names does not load matplotlib.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from optimizer.report.content.report_content import ReportContent

    Draw: TypeAlias = Callable[[Axes, ReportContent], Axes]

WIDTH_INCHES = 10.0

NAMES = (
    "map-*.png",
    "sites.png",
    "layouts.png",
    "evaders.png",
    "changes.png",
    "doubt.png",
    "sensitivity.png",
)
"""Files that `optimizer.report.figures.save_figures` may write, as patterns of `fnmatch`."""


@dataclass(frozen=True, slots=True)
class FigureFile:
    """A file's name, what draws it, and its width and height in inches."""

    name: str
    draw: Draw
    size: tuple[float, float]


_added: list[FigureFile] = []


def add_figure(name: str, draw: Draw, size: tuple[float, float] = (WIDTH_INCHES, 6.0)) -> None:
    """Let every report have one more figure, which another package draws; one of the
    same name is replaced.

    Parameters
    ----------
    name
        Of its file, such as `budget.png`.
    draw
        Draws a `ReportContent` into axes and returns them.
    size
        Width and height, inches.
    """
    _added[:] = [
        *(figure for figure in _added if figure.name != name),
        FigureFile(name, draw, size),
    ]


def added_figures() -> tuple[FigureFile, ...]:
    """Return the figures of other packages."""
    return tuple(_added)


def figure_names() -> tuple[str, ...]:
    """Return the patterns of all figures that a report may have, those of other packages too."""
    return (*NAMES, *(figure.name for figure in _added))
