"""The interactive map: what the reader can choose, the layers in drawing order, and the legends whose lines hide them with a click.

Text of records appears in hover tooltips, which bokeh escapes, and in `Text` glyphs, which it paints as they are; it is kept out of
titles, axis labels and legends, which bokeh parses as TeX.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from bokeh.embed import json_item
from bokeh.models import Legend, LegendItem

from optimizer.base.formatting import number
from optimizer.base.language import gettext as _
from optimizer.report.geography import border_fits, plane_of, segments_to_draw
from optimizer.report.interactive.glyphs import draw_lines, draw_ring, empty_plot, tagged
from optimizer.report.interactive.items import (
    LOOK_CHOICE,
    draw_bases,
    draw_look_next,
    draw_places,
    draw_posts,
    draw_roads,
    draw_sites,
    draw_tours,
)
from optimizer.report.interactive.labels import draw_border_names, draw_names
from optimizer.report.interactive.line_layers import border_lines, flow_lines, road_columns
from optimizer.report.interactive.screen import BEATS_BESIDE, SCREENS, MapScreen
from optimizer.report.map_layers import map_layers
from optimizer.report.palette import LOOK
from optimizer.report.road_layers import plan_layer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from optimizer.report.content import ReportContent
    from optimizer.report.map_layers import MapLayers
    from optimizer.report.road_layers import RoadLayer

TARGET = "map"
"""Id of the element of the page that the map fills."""

MAX_SEGMENTS = 12_000
"""Segments a browser still pans smoothly."""

LEGEND_TITLE, LEGEND_ROW = 34, 19
"""Height of the title and of a row of the legend of beats, in pixels."""


@dataclass(frozen=True, slots=True)
class LayerChoice:
    """A choice above the map: `id` for the page's script, `name` to choose it by, `title` for what the colours count.

    Names and titles may hold a record's text.
    """

    id: str
    name: str
    title: str


@dataclass(frozen=True, slots=True)
class CloseUp:
    """A place that a button shows larger: its `name` (a record's text), and its `box` as west, south, east and north in metres of the map."""

    name: str
    box: str


@dataclass(frozen=True, slots=True)
class InteractiveMap:
    """The map as bokeh's JSON `item` for the element `map`, and a `note` on what it leaves out (empty where nothing)."""

    item: dict[str, Any]
    note: str


def layer_choices(content: ReportContent, layers: MapLayers) -> list[LayerChoice]:
    """Return what the reader can colour the roads by, the first shown first."""
    choices = [LayerChoice(layer.id, layer.name, layer.title) for layer in _views(content, layers)]
    if content.look_first:
        title = _(
            "Where a search would give most information, over roads coloured by how sure their risk is; numbered as in the table"
        )
        choices.append(LayerChoice(LOOK_CHOICE, LOOK.text, title))
    return choices


def close_ups(content: ReportContent, layers: MapLayers) -> list[CloseUp]:
    """Return the places where marks crowd, for buttons that show them larger."""
    plane, found = plane_of(content), []
    for letter, crowd in zip("abc", layers.crowds, strict=False):
        low, high = plane.project(np.array(astuple(crowd.bounds)).reshape(2, 2)).tolist()
        found.append(
            CloseUp(
                crowd.name or _("Detail {letter}").format(letter=letter),
                " ".join(f"{metres:.0f}" for metres in (*low, *high)),
            )
        )
    return found


def interactive_map(
    content: ReportContent, layers: MapLayers | None = None, *, most: int = MAX_SEGMENTS
) -> InteractiveMap:
    """Return the interactive map.

    Layers that belong to some choices alone carry the ids of those as tags, and so do their lines of the legend; the page's
    script shows those of the choice that is made. Layers without tags are always there.

    Parameters
    ----------
    content
        The report.
    layers
        Its layers, where they have been made; None makes them.
    most
        Segments to draw; beyond that minor roads far from routes and sites are left out.
    """
    layers = layers or map_layers(content)
    not_effort = _not_effort(layer_choices(content, layers))
    drawn = segments_to_draw(content, _busy(content, layers), most)
    plane = plane_of(content)

    plot, screens = empty_plot(), [MapScreen.of(name, layers.bounds, plane) for name in SCREENS]
    routes = [  # those that begin hidden are the reader's to show, whatever the choice
        tagged(draw_lines(plot, layer), not_effort) if layer.shown else draw_lines(plot, layer)
        for layer in flow_lines(content, plane, layers)
    ]
    borders = [draw_lines(plot, layer) for layer in border_lines(content, plane)]
    roads = draw_roads(
        plot, content, drawn, road_columns(content, plane, drawn, layers), layers, _views(content, layers)
    )
    framed = [*roads, *borders] if border_fits(content) else roads
    plot.x_range.renderers = plot.y_range.renderers = [item.renderers[0] for item in framed]
    tours = draw_tours(plot, content, plane, layers)
    names = [item for screen in screens for item in draw_border_names(plot, content, plane, screen)]
    items = [  # in drawing order: what comes later lies on top, and is placed last
        *routes,
        *roads,
        *borders,
        *draw_places(plot, content, plane, not_effort),
        *draw_sites(plot, content, plane, screens),
        *draw_bases(plot, plane, layers, screens),
    ]
    beats = draw_posts(plot, plane, layers, tours, screens)
    items += [
        *names,
        *draw_look_next(plot, content, plane, layers),
        *(item for screen in screens for item in draw_names(plot, content, plane, screen)),
    ]
    draw_ring(plot)
    _add_legends(plot, items, beats)
    return InteractiveMap(json_item(plot, TARGET), _note(drawn.size, content.network.n_segments))


def _views(content: ReportContent, layers: MapLayers) -> tuple[RoadLayer, ...]:
    """Return the ways to show the roads: the plan over plain roads first; where no risk is given the only one there is."""
    return layers.roads if content.risk is None else (plan_layer(content), *layers.roads)


def _busy(content: ReportContent, layers: MapLayers) -> NDArray[np.bool_]:
    """(n_segments,) whether a segment must stay on the map: it carries a route or a beat, is watched, or is advised to be searched."""
    busy = np.asarray((layers.before.weight > 0) | (layers.today.weight > 0) | (layers.after.weight > 0))
    busy[[segment for site in content.sites for segment in site.segments]] = True
    busy[[row.segment for row in content.look_first]] = True
    for beat in content.beats:
        busy[content.network.segment[beat.arcs]] = True
    return busy


def _add_legends(plot: Any, items: list[LegendItem], beats: dict[str, list[LegendItem]]) -> None:  # noqa: ANN401 - bokeh has no types
    """Put a legend beside the map for a wide screen, and one under it for a narrow one, of which the page's script shows its own.

    Beats have one of their own, under the map on either.
    """
    look = {"click_policy": "hide", "label_text_font_size": "12px", "border_line_color": None, "spacing": 1}
    copies = [LegendItem(**item.properties_with_values(include_defaults=False)) for item in items]
    plot.add_layout(Legend(items=items, name="wide", **look), "right")
    plot.add_layout(Legend(items=copies, name="narrow", visible=False, location="top_left", **look), "below")
    for screen, own in beats.items() if any(beats.values()) else ():
        beside = BEATS_BESIDE[screen]
        under = {"visible": screen == "wide", "location": "top_left", "ncols": beside, "orientation": "horizontal"}
        plot.add_layout(Legend(items=own, name=screen, title=_("Beats"), **under, **look), "below")
        height = LEGEND_TITLE + LEGEND_ROW * -(-len(own) // beside)
        if screen == "wide":
            plot.height += height
        else:
            plot.tags = [height]  # the page's script makes the map higher by it


def _not_effort(choices: Sequence[LayerChoice]) -> list[str]:
    """Return the ids of the choices that do not show effort: there what is known of a bridge would lie under routes and symbols."""
    return [choice.id for choice in choices if not choice.id.startswith("effort")]


def _note(drawn: int, every: int) -> str:
    if drawn == every:
        return ""
    said = _(
        "To stay quick, the interactive map draws {drawn} of {every} road segments: routes, watched roads and main roads first, then the minor "
        "roads nearest to them. The still maps draw them all."
    )
    return said.format(drawn=number(drawn), every=number(every))
