"""Numbers, letters and names on the interactive map, placed for one screen so that they do not lie on one another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from bokeh.models import ColumnDataSource, LegendItem

from optimizer.base.formatting import plain
from optimizer.base.language import gettext as _
from optimizer.report.interactive.glyphs import draw_text
from optimizer.report.map_labels import marked_places, named_areas, named_towns, road_numbers
from optimizer.report.palette import SETTLEMENT, SITES, TEXT
from optimizer.report.placing import OccupiedBoxes, boxes_around, place_badges, place_names, text_width

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.report.content import ReportContent
    from optimizer.report.geography import Plane
    from optimizer.report.interactive.point_layers import PointLayer
    from optimizer.report.interactive.screen import MapScreen
    from optimizer.report.place_names import NamedPlace

TOWNS_NAMED, ROADS_NUMBERED = 36, 30

TEXTS: dict[str, dict[str, Any]] = {
    "towns": {"text_color": TEXT, "text_font_size": "12px", "background_fill_color": "#ffffff", "background_fill_alpha": 0.75},
    "roads": {
        "text_color": "#1f3d7a", "text_font_size": "10px", "text_font_style": "bold", "background_fill_color": "#ffffff",
        "background_fill_alpha": 0.9, "border_line_color": "#1f3d7a", "border_radius": 3, "padding": 2,
    },
    "areas": {"text_color": "#5a5a5a", "text_font_size": "15px", "text_font_style": "italic"},
}  # fmt: skip
"""How each kind of name is written."""

AVOIDED = 13.0
"""Size of the marks that names of border towns keep off, in pixels."""

BADGE = 18.0
"""Size of a site's number on its ground, in pixels."""


def draw_numbers(plot: Any, layers: Sequence[PointLayer], screen: MapScreen, label: str) -> LegendItem:  # noqa: ANN401 - bokeh has no types
    """Write the numbers of places on them, or beside them where others stand."""
    numbered = [
        (layer.columns["x"][k], layer.columns["y"][k], number, layer.symbol.fill, layer.columns["mark"][k])
        for layer in layers
        for k, number in enumerate(layer.columns.get("number", ()))
    ]
    x, y, number, colour, mark = (
        list(column) for column in zip(*sorted(numbered, key=lambda row: int(row[2])), strict=True)
    )
    columns = {"x": x, "y": y, "number": number, "colour": colour, "mark": mark}
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
    shown = {name: columns[name] for name in ("x", "y", "number", "colour", "mark")}
    shown |= {"right": offsets[:, 0].tolist(), "down": (-offsets[:, 1]).tolist()}
    return draw_text(
        plot, ColumnDataSource(shown), "number", text_color="#ffffff", text_font_size=font, text_font_style="bold",
        x_offset="right", y_offset="down", background_fill_color="colour", background_fill_alpha=1.0,
        border_line_color="#ffffff", border_radius=4, padding=3 if size == BADGE else 2,
    )  # fmt: skip


def draw_border_names(plot: Any, content: ReportContent, plane: Plane, screen: MapScreen) -> list[LegendItem]:  # noqa: ANN401 - bokeh has no types
    """Name the towns at the border, before numbers are placed: those give way to the names."""
    towns = named_towns(content).border
    if not towns:
        return []
    around = OccupiedBoxes(screen.occupied.boxes)
    around.add(boxes_around(plane.project(np.array(marked_places(content)).reshape(-1, 2)) * screen.scale, AVOIDED))
    before = len(around.boxes)
    items = _draw(plot, "towns", towns, 12, TOWNS_NAMED, _("Names of border towns"), plane, screen, around)
    screen.occupied.add(around.boxes[before:])
    return items


def draw_names(plot: Any, content: ReportContent, plane: Plane, screen: MapScreen) -> list[LegendItem]:  # noqa: ANN401 - bokeh has no types
    """Name the other towns, main roads and areas, where the name lies on nothing else."""
    towns, roads, areas = named_towns(content).inland, road_numbers(content), named_areas(content)
    if towns:
        screen.occupied.add(boxes_around(screen.points(_columns(towns, plane)), SETTLEMENT.size))
    occupied = screen.occupied
    return [
        *_draw(plot, "towns", towns, 12, TOWNS_NAMED, _("Names of towns"), plane, screen, occupied),
        *_draw(plot, "roads", roads, 10, ROADS_NUMBERED, _("Numbers of main roads"), plane, screen, occupied),
        *_draw(plot, "areas", areas, 15, len(areas), _("States and countries"), plane, screen, occupied),
    ]


def _draw(
    plot: Any,  # noqa: ANN401 - bokeh has no types
    kind: str,
    places: Sequence[NamedPlace],
    size: float,
    most: int,
    label: str,
    plane: Plane,
    screen: MapScreen,
    occupied: OccupiedBoxes,
) -> list[LegendItem]:
    """Write the names of places, in that order, where there is room; no line of the legend where there is none."""
    columns = _columns(places, plane)
    widths = [text_width(name, size) + (6 if kind == "roads" else 0) for name in columns["name"]]
    gap = 5 if kind == "towns" else 0
    offsets = place_names(screen.points(columns), widths, 1.3 * size, gap, occupied, most)
    kept = [k for k, offset in enumerate(offsets) if offset is not None]
    if not kept:
        return []
    shown = {key: [column[k] for k in kept] for key, column in columns.items()}
    shown |= {
        "right": [round(offset[0], 1) for offset in offsets if offset is not None],
        "down": [-round(offset[1], 1) for offset in offsets if offset is not None],
    }
    text = draw_text(plot, ColumnDataSource(shown), "name", x_offset="right", y_offset="down", **TEXTS[kind])
    return [screen.own(LegendItem(label=label, renderers=[text]))]


def _columns(places: Sequence[NamedPlace], plane: Plane) -> dict[str, list[Any]]:
    x, y = plane.project(np.array([(place.lon, place.lat) for place in places]).reshape(-1, 2)).round().T
    return {"x": x.tolist(), "y": y.tolist(), "name": [plain(place.name, 28) for place in places]}
