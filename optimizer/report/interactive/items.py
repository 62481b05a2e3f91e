"""Layers of the interactive map, each drawn by a function that returns its lines of the legend."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from bokeh.models import CDSView, ColumnDataSource, IndexFilter, LegendItem

from optimizer.base.language import gettext as _
from optimizer.report.geography import thinness
from optimizer.report.interactive.beat_layers import POST_TOOLTIPS, TOUR_TOOLTIPS, base_points, beat_lines, beat_posts
from optimizer.report.interactive.glyphs import draw_points, hover, tagged
from optimizer.report.interactive.labels import draw_badges, draw_numbers
from optimizer.report.interactive.line_layers import road_tooltips
from optimizer.report.interactive.point_layers import look_points, place_points, site_points
from optimizer.report.interactive.screen import POSTS_LETTERED, MapScreen
from optimizer.report.palette import GATEWAY, OFFICIAL, POST, UNOFFICIAL
from optimizer.report.placing import boxes_around

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from optimizer.report.content import ReportContent
    from optimizer.report.geography import Plane
    from optimizer.report.map_layers import MapLayers
    from optimizer.report.road_layers import RoadLayer

LOOK_CHOICE = "look"
"""Id of the choice that shows where to look next."""

POST_BADGE = 16.0
"""Size of a post's letter and number on their ground, in pixels."""


def draw_roads(
    plot: Any,  # noqa: ANN401 - bokeh has no types
    content: ReportContent,
    drawn: NDArray[np.int64],
    columns: dict[str, list[Any]],
    layers: MapLayers,
    roads: Sequence[RoadLayer],
) -> list[LegendItem]:
    """Draw every road layer from one set of lines; all but the first start hidden."""
    source, thin = ColumnDataSource(columns), thinness(drawn.size, 0.6)
    place = np.full(content.network.n_segments, -1)
    place[drawn] = np.arange(drawn.size)
    items = []
    for layer in roads:
        tags = [layer.id, LOOK_CHOICE] if layer is layers.under_advice else [layer.id]
        for part in layer.classes:
            rows = place[part.segments]
            if not (rows >= 0).any():
                continue
            glyph = plot.multi_line(
                "xs",
                "ys",
                source=source,
                view=CDSView(filter=IndexFilter(rows[rows >= 0].tolist())),
                line_color=part.colour,
                line_width=part.width * thin,
                line_dash=[5, 3] if part.dashed else "solid",
                line_cap="butt" if part.dashed else "round",
            )
            glyph.nonselection_glyph = None
            item = LegendItem(label=part.label, renderers=[glyph])
            items.append(tagged(item, tags, visible=layer is roads[0]))
    glyphs = [item.renderers[0] for item in items]
    plot.add_tools(hover(glyphs, road_tooltips(content), line_policy="interp"))
    return items


def draw_places(
    plot: Any,  # noqa: ANN401 - bokeh has no types
    content: ReportContent,
    plane: Plane,
    not_effort: list[str],
) -> list[LegendItem]:
    """Draw towns and ways in; the latter under the choices `not_effort` alone."""
    ways_in = {GATEWAY, OFFICIAL, UNOFFICIAL}
    return [
        tagged(draw_points(plot, layer), not_effort if layer.symbol in ways_in else [])
        for layer in place_points(content, plane)
    ]


def draw_sites(plot: Any, content: ReportContent, plane: Plane, screens: Sequence[MapScreen]) -> list[LegendItem]:  # noqa: ANN401 - bokeh has no types
    """Draw sites by standing, and the numbers of those in the plan for each screen."""
    layers = site_points(content, plane)
    items = [draw_points(plot, layer) for layer in layers]
    if content.chosen:
        items += [screen.own(draw_numbers(plot, layers, screen, _("Numbers of the sites"))) for screen in screens]
    return items


def draw_tours(plot: Any, content: ReportContent, plane: Plane, layers: MapLayers) -> list[Any]:  # noqa: ANN401 - bokeh has no types
    """Draw the lines of every beat, and return their renderers."""
    glyphs = []
    for beat in layers.beats:
        source = ColumnDataSource(beat_lines(content, plane, beat))
        glyph = plot.multi_line("xs", "ys", source=source, line_color="colour", line_width="width")
        glyph.glyph.update(line_cap="round", line_join="round")
        glyph.nonselection_glyph = None
        glyphs.append(glyph)
    if glyphs:
        plot.add_tools(hover(glyphs, [(_(label), column) for label, column in TOUR_TOOLTIPS], line_policy="interp"))
    return glyphs


def draw_bases(plot: Any, plane: Plane, layers: MapLayers, screens: Sequence[MapScreen]) -> list[LegendItem]:  # noqa: ANN401 - bokeh has no types
    """Draw the bases that beats set out from."""
    points = base_points(plane, layers.beats)
    for layer, screen in product(points, screens):
        screen.occupied.add(boxes_around(screen.points(layer.columns), layer.symbol.size))
    return [draw_points(plot, layer) for layer in points]


def draw_posts(
    plot: Any,  # noqa: ANN401 - bokeh has no types
    plane: Plane,
    layers: MapLayers,
    tours: Sequence[Any],
    screens: Sequence[MapScreen],
) -> dict[str, list[LegendItem]]:
    """Draw the posts of each beat, and return for each screen the lines of its legend; a click hides a beat's tour, posts and letters."""
    items: dict[str, list[LegendItem]] = {screen.name: [] for screen in screens}
    glyphs = []
    posts_in_all = sum(len(beat.numbers) for beat in layers.beats)
    for beat, tour in zip(layers.beats, tours, strict=True):
        columns = beat_posts(plane, beat)
        posts = plot.scatter(
            "x", "y", source=ColumnDataSource(columns), marker=POST.bokeh, size=POST.size, fill_color="colour",
            line_color=POST.line, line_width=1.3,
        )  # fmt: skip
        glyphs.append(posts)
        for screen in screens:
            crowded = posts_in_all > POSTS_LETTERED[screen.name]
            lettered = {name: column[:1] for name, column in columns.items()} if crowded else columns
            text = draw_badges(plot, lettered, screen, POST_BADGE, "9px", reach=2.0)
            item = LegendItem(label=beat.letter, renderers=[tour, posts, text])
            items[screen.name].append(screen.own(item, [text]))
    if glyphs:
        plot.add_tools(hover(glyphs, [(_(label), column) for label, column in POST_TOOLTIPS]))
    return items


def draw_look_next(plot: Any, content: ReportContent, plane: Plane, layers: MapLayers) -> list[LegendItem]:  # noqa: ANN401 - bokeh has no types
    """Draw where to look next with its numbers; hidden until it is chosen."""
    points = look_points(content, plane)
    items = [draw_points(plot, layer) for layer in points]
    if points:
        screen = MapScreen.of("wide", layers.bounds, plane)
        items.append(draw_numbers(plot, points, screen, _("Numbers of where to look")))
    return [tagged(item, [LOOK_CHOICE], visible=False) for item in items]
