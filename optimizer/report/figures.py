"""Still figures: each function draws into the axes it is given and returns them; `save_figures` makes the files.

Figures are made without pyplot, so nothing global is touched and nothing has to be closed. No text of a record is read as mathematics.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import Formatter
from PIL import Image

from optimizer.base.language import ENGLISH, localised, spoken
from optimizer.report.charts import MOST_EVADERS, draw_evaders, draw_layouts, draw_sites
from optimizer.report.doubt_charts import draw_doubt, draw_sensitivity
from optimizer.report.map_layers import map_layers
from optimizer.report.still.maps import draw_look_next, draw_plan, draw_road_layer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from typing import TypeAlias

    from matplotlib.axes import Axes

    from optimizer.report.bounds import Bounds
    from optimizer.report.content import ReportContent
    from optimizer.report.map_layers import MapLayers

    Draw: TypeAlias = Callable[[Axes, ReportContent], Axes]

DPI = 170
WIDTH_INCHES = 10.0
PANEL_INCHES = 7.2
"""Maps that stand beside each other."""
COLOURS = 256
"""Colours of an image."""


@dataclass(frozen=True, slots=True)
class _Figure:
    """A file's name, what draws it, and its width and height in inches."""

    name: str
    draw: Draw
    size: tuple[float, float]


_added: list[_Figure] = []
"""Figures of other packages."""


def add_figure(name: str, draw: Draw, size: tuple[float, float] = (WIDTH_INCHES, 6.0)) -> None:
    """Let every report have one more figure, which another package draws; one of the same name is replaced.

    Parameters
    ----------
    name
        Of its file, such as `budget.png`.
    draw
        Draws a `ReportContent` into axes and returns them.
    size
        Width and height, inches.
    """
    _added[:] = [figure for figure in _added if figure.name != name] + [_Figure(name, draw, size)]


def save_figures(
    folder: Path,
    content: ReportContent,
    layers: MapLayers | None = None,
    *,
    dpi: int = DPI,
    kinds: Sequence[str] = ("png",),
) -> list[Path]:
    """Write the figures into an existing folder and return them.

    These are a map for each road layer (`map-risk.png`; where a risk is given `map-sure.png`, and `map-effort-1.png` and so on for
    each unit of effort), `map-look-next.png` where the content has it, `map-plan.png`, `sites.png`, `layouts.png` and `evaders.png`.
    Where it has draws or sensitivity there are `doubt.png` and `sensitivity.png` too.
    A figure without data says so instead of being left out. `layers` are those of the content, where they have been made; `kinds` of file are
    `png`, of `dpi` pixels an inch, `svg` and `pdf`.
    """
    layers = layers or map_layers(content)
    panel = _map_size(layers.bounds, PANEL_INCHES, PANEL_INCHES)
    figures = [
        _Figure(f"map-{layer.id}.png", partial(draw_road_layer, layer=layer, bounds=layers.bounds), panel)
        for layer in layers.roads
    ]
    if content.look_next is not None:
        figures.append(_Figure("map-look-next.png", partial(draw_look_next, layers=layers), panel))
    large = _map_size(layers.bounds, WIDTH_INCHES, WIDTH_INCHES * 0.74)
    figures += [
        _Figure("map-plan.png", partial(draw_plan, layers=layers), large),
        _Figure("sites.png", draw_sites, _bars_size(len(content.sites))),
        _Figure("layouts.png", draw_layouts, _bars_size(len(content.layouts))),
        _Figure("evaders.png", draw_evaders, _bars_size(min(len(content.open_ends), MOST_EVADERS))),
    ]
    if content.doubt is not None:
        figures.append(_Figure("doubt.png", draw_doubt, _bars_size(len(content.doubt.rows))))
    if content.sensitivity is not None:
        figures.append(_Figure("sensitivity.png", draw_sensitivity, _bars_size(len(content.sensitivity.rows))))
    return [path for figure in figures + _added for path in _save(folder, figure, content, dpi, kinds)]


def _save(folder: Path, what: _Figure, content: ReportContent, dpi: int, kinds: Sequence[str]) -> list[Path]:
    figure = Figure(figsize=what.size, dpi=dpi, facecolor="white")
    FigureCanvasAgg(figure)
    axes = what.draw(figure.add_subplot(), content)
    if spoken().code != ENGLISH:
        axes.xaxis.set_major_formatter(LocalTicks(axes.xaxis.get_major_formatter()))
    return [_save_as(kind, figure, (folder / what.name).with_suffix(f".{kind}")) for kind in kinds]


class LocalTicks(Formatter):
    """Writes the numbers of an axis with the marks of the language."""

    def __init__(self, own: Formatter) -> None:
        self._own = own

    def __call__(self, x: float, pos: int | None = None) -> str:
        """Return the text of a tick."""
        return localised(self._own(x, pos))

    def format_ticks(self, values: list[float]) -> list[str]:
        """Return the texts of all ticks."""
        return [localised(text) for text in self._own.format_ticks(values)]


def _save_as(kind: str, figure: Figure, path: Path) -> Path:
    """Write a figure without the time, so that the same figure makes the same file."""
    drawn = BytesIO()
    timeless: dict[str, dict[str, None]] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
    with warnings.catch_warnings(), rc_context({"svg.hashsalt": path.stem}):
        # names in scripts the font lacks show as boxes: the tables hold them in full
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(drawn, format=kind, bbox_inches="tight", pad_inches=0.1, metadata=timeless.get(kind))
    if kind != "png":
        path.write_bytes(drawn.getvalue())
        return path
    with Image.open(drawn) as image:  # few colours: a third of the size and nothing that can be seen
        image.convert("RGB").quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
            path, optimize=True
        )
    return path


def _map_size(bounds: Bounds, width: float, map_width: float) -> tuple[float, float]:
    """Return a width and height (inches) that fit the map's shape, within what a page and a screen can hold; the rest is legend."""
    wide = bounds.width * np.cos(np.radians(bounds.middle_latitude))
    return (width, float(np.clip(map_width * bounds.height / wide + 0.6, 0.45 * width, 1.1 * width)))


def _bars_size(bars: int) -> tuple[float, float]:
    """Return the width and height (inches) of a chart of some bars."""
    return (WIDTH_INCHES, 1.6 + 0.32 * min(max(bars, 3), 25))
