"""Numbers, letters and names on the interactive map, placed for one screen so that they do not lie on one another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from bokeh.models import ColumnDataSource, LegendItem

from optimizer.base.formatting import plain
from optimizer.report.geography import towns_by_size
from optimizer.report.interactive.glyphs import draw_text
from optimizer.report.palette import SETTLEMENT, SITES, TEXT
from optimizer.report.placing import boxes_around, place_badges, place_names, text_width

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.report.content import ReportContent
    from optimizer.report.geography import Plane
    from optimizer.report.interactive.point_layers import PointLayer
    from optimizer.report.interactive.screen import MapScreen

TOWNS_NAMED = 30

BADGE = 18.0
"""Size of a site's number on its ground, in pixels."""


def draw_numbers(plot: Any, layers: Sequence[PointLayer], screen: MapScreen, label: str) -> LegendItem:  # noqa: ANN401 - bokeh has no types
    """Write the numbers of places on them, or beside them where others stand."""
    numbered = [
        (layer.columns["x"][k], layer.columns["y"][k], number, layer.symbol.fill)
        for layer in layers
        for k, number in enumerate(layer.columns.get("number", ()))
    ]
    x, y, number, colour = (list(column) for column in zip(*sorted(numbered, key=lambda row: int(row[2])), strict=True))
    columns = {"x": x, "y": y, "number": number, "colour": colour}
    for layer in layers:
        if layer.symbol == SITES["given up"]:
            screen.occupied.add(boxes_around(screen.points(layer.columns), 0.5 * layer.symbol.size))
    return LegendItem(label=label, renderers=[draw_badges(plot, columns, screen, BADGE, "11px")])


def draw_badges(
    plot: Any,  # noqa: ANN401 - bokeh has no types
    columns: dict[str, list[Any]],
    screen: MapScreen,
    size: float,
    font: str,
    *,
    reach: float = 4.0,
) -> Any:  # noqa: ANN401 - bokeh has no types
    """Write `number` on a ground of `colour` at places, or beside them where something else stands."""
    offsets = place_badges(screen.points(columns), size, screen.occupied, reach=reach).round()
    shown = {name: columns[name] for name in ("x", "y", "number", "colour")}
    shown |= {"right": offsets[:, 0].tolist(), "down": (-offsets[:, 1]).tolist()}
    return draw_text(
        plot, ColumnDataSource(shown), "number", text_color="#ffffff", text_font_size=font, text_font_style="bold",
        x_offset="right", y_offset="down", background_fill_color="colour", background_fill_alpha=1.0,
        border_line_color="#ffffff", border_radius=4, padding=3 if size == BADGE else 2,
    )  # fmt: skip


def draw_names(plot: Any, content: ReportContent, plane: Plane, screen: MapScreen) -> LegendItem:  # noqa: ANN401 - bokeh has no types
    """Name the largest towns whose name lies on nothing else."""
    towns = towns_by_size(content)
    x, y = plane.project(np.array([(town.lon, town.lat) for town in towns]).reshape(-1, 2)).round().T
    columns: dict[str, list[Any]] = {"x": x.tolist(), "y": y.tolist()}
    names = [plain(town.name, 28) for town in towns]
    points = screen.points(columns)
    screen.occupied.add(boxes_around(points, SETTLEMENT.size))
    offsets = place_names(points, [text_width(name, 12) for name in names], 15, 5, screen.occupied, TOWNS_NAMED)
    kept = [k for k, offset in enumerate(offsets) if offset is not None]
    columns = {key: [column[k] for k in kept] for key, column in (columns | {"name": names}).items()}
    columns |= {
        "right": [round(offset[0], 1) for offset in offsets if offset is not None],
        "down": [-round(offset[1], 1) for offset in offsets if offset is not None],
    }
    text = draw_text(
        plot, ColumnDataSource(columns), "name", text_color=TEXT, text_font_size="12px", x_offset="right", y_offset="down",
        background_fill_color="#ffffff", background_fill_alpha=0.7,
    )  # fmt: skip
    return screen.own(LegendItem(label="Names of towns", renderers=[text]))
