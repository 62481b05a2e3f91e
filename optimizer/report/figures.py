"""Still figures: each function draws into the axes it is given and returns them; `save_figures` makes the files.

Figures are made without pyplot, so nothing global is touched and nothing has to be closed. No text of a record is read as mathematics.
"""

from __future__ import annotations

import warnings
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from optimizer.report.charts import draw_evaders, draw_layouts, draw_sites
from optimizer.report.geography import map_bounds
from optimizer.report.maps import draw_look_next, draw_plan, draw_view
from optimizer.report.views import map_layers

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import TypeAlias

    from matplotlib.axes import Axes

    from optimizer.report.content import ReportContent
    from optimizer.report.views import MapLayers

    Draw: TypeAlias = Callable[[Axes, ReportContent], Axes]

DPI = 150
WIDTH_INCHES = 10.0
PANEL_INCHES = 6.4
"""Maps that stand beside each other."""
COLOURS = 256
"""Colours of an image."""


def save_figures(folder: Path, content: ReportContent, layers: MapLayers | None = None) -> list[Path]:
    """Write the figures into an existing folder and return them.

    These are a map for each view of the roads (`map-risk.png`; where a risk is given `map-sure.png`, and `map-effort-1.png` and so on for
    each unit of effort), `map-look-next.png` where the content has it, `map-plan.png`, `sites.png`, `layouts.png` and `evaders.png`.
    A figure without data says so instead of being left out. `layers` are those of the content, where they have been made.
    """
    layers = layers or map_layers(content)
    views = layers.roads
    panel = _map_size(content, PANEL_INCHES, PANEL_INCHES)
    drawings: dict[str, tuple[Draw, tuple[float, float]]] = {
        f"map-{view.id}.png": (partial(draw_view, view=view), panel) for view in views
    }
    if content.look_next is not None:
        drawings["map-look-next.png"] = (partial(draw_look_next, view=views[min(1, len(views) - 1)]), panel)
    drawings |= {
        "map-plan.png": (partial(draw_plan, layers=layers), _map_size(content, WIDTH_INCHES, WIDTH_INCHES * 0.74)),
        "sites.png": (draw_sites, (WIDTH_INCHES, _bars_height(len(content.sites)))),
        "layouts.png": (draw_layouts, (WIDTH_INCHES, _bars_height(len(content.layouts)))),
        "evaders.png": (draw_evaders, (WIDTH_INCHES, _bars_height(len(content.open_ends)))),
    }
    return [_save(folder / name, draw, size, content) for name, (draw, size) in drawings.items()]


def _save(path: Path, draw: Draw, size: tuple[float, float], content: ReportContent) -> Path:
    figure = Figure(figsize=size, dpi=DPI, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    draw(figure.add_subplot(), content)
    drawn = BytesIO()
    with warnings.catch_warnings():  # names in scripts the font lacks show as boxes: the tables hold them in full
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        canvas.print_figure(drawn, bbox_inches="tight", pad_inches=0.1)
    with Image.open(drawn) as image:  # few colours: a third of the size and nothing that can be seen
        image.convert("RGB").quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
            path, optimize=True
        )
    return path


def _map_size(content: ReportContent, width: float, map_width: float) -> tuple[float, float]:
    """Fit the map's shape, within what a page and a screen can hold; what is not map is legend."""
    west, south, east, north = map_bounds(content)
    wide = (east - west) * np.cos(np.radians((south + north) / 2))
    return (width, float(np.clip(map_width * (north - south) / wide + 0.6, 0.45 * width, 1.1 * width)))


def _bars_height(bars: int) -> float:
    return 1.6 + 0.32 * min(max(bars, 3), 25)
