"""Still figures and the interactive map."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import pytest
import shapely
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.image import imread

from optimizer.report.charts import draw_evaders, draw_layouts, draw_sites
from optimizer.report.figures import save_figures
from optimizer.report.geography import border_parts, labelled_settlements, map_bounds, segments_to_draw, traffic
from optimizer.report.interactive import interactive_map
from optimizer.report.maps import draw_plan, draw_risk
from tests.report_case import full_content, grid_network, route

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from matplotlib.axes import Axes

    from optimizer.report.content import ReportContent

NAMES = ["map-risk.png", "map-plan.png", "sites.png", "layouts.png", "evaders.png"]


def _axes() -> Axes:
    figure = Figure()
    FigureCanvasAgg(figure)
    return figure.add_subplot()


def _bare() -> ReportContent:
    full = full_content()
    return type(full)(title="Bare", created="2025-01-01", summary=full.summary, network=full.network)


def _models(item: Any, name: str) -> Iterator[dict[str, Any]]:
    """Yield the attributes of every bokeh model of one kind in a JSON item."""
    if isinstance(item, dict):
        if item.get("name") == name and item.get("type") == "object":
            yield item.get("attributes", {})
        for part in item.values():
            yield from _models(part, name)
    elif isinstance(item, list):
        for part in item:
            yield from _models(part, name)


def _sources(item: Any) -> list[dict[str, list[Any]]]:
    return [dict(source["data"]["entries"]) for source in _models(item, "ColumnDataSource")]


def _labels(item: Any) -> list[str]:
    return [legend["label"]["value"] for legend in _models(item, "LegendItem")]


@pytest.mark.parametrize("content", [full_content(), _bare()], ids=["full", "bare"])
def test_figures_are_images_with_something_on_them(tmp_path: Path, content: ReportContent) -> None:
    settings = dict(mpl.rcParams)
    paths = save_figures(tmp_path, content)
    assert [path.name for path in paths] == NAMES
    for path in paths:
        pixels = imread(path)
        packed = np.ascontiguousarray((pixels * 255).astype(np.uint8)).view(np.uint32)
        assert pixels.shape[1] > 400
        assert pixels.shape[2] == 4
        assert np.unique(packed).size > 10
    assert dict(mpl.rcParams) == settings


def test_figures_leave_no_global_figure_behind(tmp_path: Path) -> None:
    save_figures(tmp_path, full_content())
    assert "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()


@pytest.mark.parametrize("draw", [draw_risk, draw_plan, draw_sites, draw_layouts, draw_evaders])
def test_drawing_takes_axes_and_gives_them_back(draw: Any) -> None:
    ax = _axes()
    assert draw(ax, full_content()) is ax


def test_the_risk_map_draws_every_segment_once() -> None:
    content = full_content()
    ax = draw_risk(_axes(), replace(content, border=None))
    drawn = sum(len(part.get_segments()) for part in ax.collections if isinstance(part, LineCollection))
    assert drawn == content.network.n_segments


def test_a_site_is_labelled_with_its_place_in_the_plan() -> None:
    content = full_content()
    assert [site.id for site in content.chosen] == ["o2", "o1"]
    ax = draw_plan(_axes(), content)
    numbers = {text.get_text(): text.xy for text in ax.texts if text.get_text().isdigit()}  # type: ignore[attr-defined] # annotations
    assert numbers == {"1": (1.6, 42.6), "2": (1.55, 42.55)}


def test_the_site_chart_shows_worths_in_points() -> None:
    ax = draw_sites(_axes(), full_content())
    assert [round(bar.get_width(), 6) for bar in ax.patches] == [12.0, 1.1, 0.2]  # type: ignore[attr-defined] # bars


def test_the_evader_chart_puts_the_largest_contribution_first() -> None:
    ax = draw_evaders(_axes(), full_content())
    assert [label.get_text().split(" (")[0] for label in ax.get_yticklabels()] == [
        "Gate One \u2192 Hightown",
        "Gate One \u2192 Sidetown",
    ]


def test_record_text_is_never_read_as_mathematics(tmp_path: Path) -> None:
    content = full_content()
    bad = r"$\frac{$ \u4e2d \ud800"
    sites = tuple(replace(site, label=bad) for site in content.sites)
    towns = tuple(replace(town, name=bad) for town in content.settlements)
    rows = tuple(replace(row, start=bad, end=bad, kind=bad) for row in content.open_ends)
    layouts = tuple(replace(row, name=bad) for row in content.layouts)
    assert content.risk is not None
    risk = replace(content.risk, unit=bad)
    summary = replace(content.summary, unit=bad)
    changed = replace(
        content,
        sites=sites,
        settlements=towns,
        open_ends=rows,
        layouts=layouts,
        risk=risk,
        summary=summary,
        sources=(bad,),
    )
    assert len(save_figures(tmp_path, changed)) == len(NAMES)


def test_traffic_adds_weights_over_both_directions() -> None:
    network = grid_network(3)
    content = full_content()
    rows = (
        replace(content.routes[0], weight=0.7, arcs_before=route(network, 0, 1, 2)),
        replace(content.routes[0], weight=0.2, arcs_before=route(network, 2, 1)),
    )
    flow = traffic(replace(content, network=network, routes=rows, risk=None), after=False)
    first, second = (int(network.segment[arc]) for arc in route(network, 0, 1, 2))
    assert flow.weight[[first, second]] == pytest.approx([0.7, 0.9])
    assert flow.weight.sum() == pytest.approx(1.6)
    assert flow.routes == {first: [0], second: [0, 1]}


def test_the_interactive_map_draws_each_segment_once_with_its_risk() -> None:
    content = full_content()
    item, note = interactive_map(content)
    roads = [source for source in _sources(item) if "risk" in source]
    assert sum(len(source["xs"]) for source in roads) == content.network.n_segments
    assert note == ""
    assert json.loads(json.dumps(item, allow_nan=False))["target_id"] == "map"


def test_what_nobody_searched_has_a_layer_of_its_own() -> None:
    content = full_content()
    assert content.risk is not None
    item, _ = interactive_map(content)
    unsearched = next(
        source for source in _sources(item) if "effort" in source and "never searched" in source["effort"]
    )
    assert set(unsearched["effort"]) == {"never searched"}
    assert len(unsearched["xs"]) == int((~content.risk.searched).sum())


def test_every_layer_can_be_hidden_from_the_legend() -> None:
    item, _ = interactive_map(full_content())
    assert [legend["click_policy"] for legend in _models(item, "Legend")] == ["hide"]
    words = _labels(item)
    for label in (
        "Routes with nothing placed",
        "Routes with the plan",
        "Never searched: risk is a guess",
        "Border",
        "Crossing, official",
        "Crossing, unofficial",
        "Where evaders enter",
        "Town or village",
        "Site in the plan, new",
        "Site in the plan, in use today",
        "Site in use today, given up",
        "Site, not chosen",
    ):
        assert words.count(label) == 1


def test_a_busier_route_is_wider() -> None:
    item, _ = interactive_map(full_content())
    before = next(source for source in _sources(item) if "width" in source)
    assert len(set(before["width"])) == 3  # 0.7 alone, 0.3 alone, and both


def test_an_evader_without_a_route_is_drawn_before_only() -> None:
    content = full_content()
    item, _ = interactive_map(replace(content, routes=content.routes[1:]))
    assert "Routes with nothing placed" in _labels(item)
    assert "Routes with the plan" not in _labels(item)


def test_record_text_stays_out_of_what_bokeh_reads_as_mathematics() -> None:
    content = full_content()
    network = replace(content.network, name=np.full(content.network.n_arcs, "$$road$$"))
    towns = tuple(replace(town, name="$$town$$") for town in content.settlements)
    item, _ = interactive_map(
        replace(content, network=network, settlements=towns, title="$$title$$", subtitle="$$sub$$")
    )
    data = json.dumps(_sources(item))
    assert "$$road$$" in data
    assert "$$town$$" in data
    assert json.dumps(item).count("$$") == data.count("$$")


def test_tooltips_use_only_escaped_columns() -> None:
    item, _ = interactive_map(full_content())
    tooltips = [row for hover in _models(item, "HoverTool") for row in hover["tooltips"]]
    assert tooltips
    assert all(value.startswith("@") and "{" not in value for _, value in tooltips)


def test_a_map_too_large_keeps_routes_sites_and_main_roads_and_says_what_it_drops() -> None:
    network = grid_network(20)
    content = replace(
        full_content(),
        network=network,
        risk=None,
        routes=(replace(full_content().routes[0], arcs_before=route(network, 21, 22, 23)),),
    )
    item, note = interactive_map(
        replace(content, routes=(replace(content.routes[0], arcs_after=route(network, 21, 41)),)), most=60
    )
    roads = next(source for source in _sources(item) if "evaders" in source)
    assert len(roads["xs"]) == 60
    assert "60 of 760" in note
    busy = [evaders for evaders in roads["evaders"] if "Gate One" in evaders]
    assert len(busy) == 3
    assert sum(road.endswith("primary") for road in roads["road"]) == 19


def test_minor_roads_nearest_to_the_routes_are_kept_first() -> None:
    network = grid_network(20)
    content = replace(full_content(), network=network, risk=None, routes=(), sites=())
    busy = np.zeros(network.n_segments, dtype=bool)
    busy[network.segment[route(network, 210, 211)]] = True
    kept = segments_to_draw(content, busy, 40)
    here = network.segment_midpoint[np.flatnonzero(busy)[0]]
    minor = np.setdiff1d(kept, np.flatnonzero(network.road_class[network.segment_arc] == "primary"))
    left_out = np.setdiff1d(np.arange(network.n_segments), kept)

    def distance(segments: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        degrees = (network.segment_midpoint[segments] - here) * (np.cos(np.radians(network.centre[1])), 1)
        return np.asarray(np.hypot(*degrees.T))

    assert kept.size == 40
    assert distance(minor).max() <= distance(left_out).min() + 1e-9


def test_busy_segments_stay_even_beyond_the_limit() -> None:
    network = grid_network(5)
    content = replace(full_content(), network=network)
    assert segments_to_draw(content, np.ones(network.n_segments, dtype=bool), 3).size == network.n_segments


@pytest.mark.parametrize(
    "border",
    [
        shapely.LineString([(1.4, 42.52), (1.8, 42.53)]),
        shapely.box(1.45, 42.45, 1.75, 42.75),
        shapely.MultiPolygon([shapely.box(1.45, 42.45, 1.75, 42.75), shapely.box(0, 40, 1, 41)]),
        shapely.GeometryCollection([shapely.MultiLineString([[(1, 42), (2, 43)]]), shapely.Point(1, 42)]),
        shapely.LineString(),
    ],
    ids=["line", "area", "areas", "collection", "empty"],
)
def test_any_shape_of_border_is_drawn(border: Any) -> None:
    content = full_content(border=border)
    assert all(isinstance(part, shapely.LineString) for part in border_parts(content))
    assert ("Border" in _labels(interactive_map(content)[0])) == (not border.is_empty)
    legend = draw_risk(_axes(), content).get_legend()
    assert legend is not None
    assert ("Border" in [text.get_text() for text in legend.get_texts()]) == (not border.is_empty)


def test_a_border_far_longer_than_the_roads_does_not_shrink_the_map() -> None:
    near = map_bounds(full_content(border=shapely.box(1.49, 42.49, 1.71, 42.72)))
    far = map_bounds(full_content(border=shapely.LineString([(-10, 40), (10, 45)])))
    assert near[3] > 42.72
    assert far == map_bounds(full_content(border=None))


def test_towns_are_named_largest_first_and_apart() -> None:
    content = full_content()
    crowd = tuple(
        replace(content.settlements[0], id=f"x{i}", population=10.0 + i, lon=1.7 + i * 1e-4) for i in range(5)
    )
    named = labelled_settlements(replace(content, settlements=(*crowd, content.settlements[1])), 10)
    assert [town.population for town in named] == [100.0, 14.0]
