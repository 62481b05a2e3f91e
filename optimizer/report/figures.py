"""Still figures: each function draws into the axes it is given and returns them; `save_figures` makes the files.

Figures are made without pyplot, so nothing global is touched and nothing has to be closed. No text of a record is read as mathematics.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from optimizer.report.charts import draw_evaders, draw_layouts, draw_sites
from optimizer.report.geography import map_bounds
from optimizer.report.maps import draw_plan, draw_risk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from matplotlib.axes import Axes

    from optimizer.report.content import ReportContent

DPI = 150
WIDTH_INCHES = 10.0


def save_figures(folder: Path, content: ReportContent) -> list[Path]:
    """Write `map-risk.png`, `map-plan.png`, `sites.png`, `layouts.png` and `evaders.png` into an existing folder.

    A figure without data says so instead of being left out.
    """
    height = _map_height(content)
    drawings: dict[str, tuple[Callable[[Axes, ReportContent], Axes], float]] = {
        "map-risk.png": (draw_risk, height),
        "map-plan.png": (draw_plan, height),
        "sites.png": (draw_sites, _bars_height(len(content.sites))),
        "layouts.png": (draw_layouts, _bars_height(len(content.layouts))),
        "evaders.png": (draw_evaders, _bars_height(len(content.open_ends))),
    }
    return [_save(folder / name, draw, inches, content) for name, (draw, inches) in drawings.items()]


def _save(path: Path, draw: Callable[[Axes, ReportContent], Axes], height: float, content: ReportContent) -> Path:
    figure = Figure(figsize=(WIDTH_INCHES, height), dpi=DPI, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    draw(figure.add_subplot(), content)
    with warnings.catch_warnings():  # names in scripts the font lacks show as boxes: the tables hold them in full
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        canvas.print_figure(path, bbox_inches="tight", pad_inches=0.1)
    return path


def _map_height(content: ReportContent) -> float:
    """Fit the map's shape, within what a page and a screen can hold; the legend takes a quarter of the width."""
    west, south, east, north = map_bounds(content)
    wide = (east - west) * np.cos(np.radians((south + north) / 2))
    return float(np.clip(WIDTH_INCHES * 0.74 * (north - south) / wide + 0.6, 4.5, 11.0))


def _bars_height(bars: int) -> float:
    return 1.6 + 0.32 * min(max(bars, 3), 25)
