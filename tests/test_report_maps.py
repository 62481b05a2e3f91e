"""Still figures and the interactive map."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.image import imread
from numpy.typing import NDArray

from optimizer.base.text.formatting import DASH, SPACE
from optimizer.problem.network.places import NamedPlace
from optimizer.problem.network.road_classes import MAIN_CLASSES
from optimizer.region.model import Region
from optimizer.report.content.first_page import command_order
from optimizer.report.content.report_content import ReportContent, report_tables
from optimizer.report.content.risk import UnitEffort
from optimizer.report.content.routes import NO_ARCS
from optimizer.report.content.summary import value
from optimizer.report.figures import draw_evaders, draw_layouts, draw_sites, save_figures
from optimizer.report.interactive.layers import tolerance
from optimizer.report.interactive.map import REST_PIXELS, interactive_map, plan_plot
from optimizer.report.maps.geography import (
    Bounds,
    border_parts,
    map_bounds,
    plane_of,
    segments_to_draw,
)
from optimizer.report.maps.labels import (
    OccupiedBoxes,
    boxes_around,
    group_badges,
    named_areas,
    named_towns,
    place_badges,
    place_names,
    road_numbers,
)
from optimizer.report.maps.map_layers import map_layers, road_layers, traffic
from optimizer.report.maps.still_maps import draw_plan, draw_road_layer
from optimizer.report.palette import EFFORT, GATEWAY, RISK, SITES, TODAY, UNSEARCHED, WIDTH
from tests.report_case import changed_content, changed_site, full_content, grid_network, route

if TYPE_CHECKING:
    from matplotlib.axes import Axes

pytestmark = pytest.mark.report

CHARTS = ["map-plan.png", "sites.png", "layouts.png", "evaders.png"]
FULL = [
    "map-risk.png",
    "map-sure.png",
    "map-effort-1.png",
    "map-effort-2.png",
    "map-look-next.png",
    *CHARTS,
]


def _axes() -> Axes:
    figure = Figure()
    FigureCanvasAgg(figure)
    return figure.add_subplot()


def draw_risk(ax: Axes, content: ReportContent) -> Axes:
    """Draw the roads by risk, the first of their views."""
    return draw_road_layer(ax, content, road_layers(content)[0])


def _bare() -> ReportContent:
    full = full_content()
    return type(full)(
        title="Bare",
        created="2025-01-01",
        summary=full.summary,
        region=Region(full.network, None, (), (), ()),
    )


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
    """Return the labels of the legend of a wide screen; that of a narrow one has the same."""
    wide, narrow = (
        [
            part["label"]["value"]
            for legend in _models(item, "Legend")
            if legend["name"] == screen
            for part in _models(legend, "LegendItem")
        ]
        for screen in ("wide", "narrow")
    )
    assert wide == narrow
    return wide


@pytest.fixture(scope="module")
def full_map() -> Any:
    """Return the bokeh item of the map of a content in which nothing is missing."""
    drawn = interactive_map(full_content())
    assert drawn.note == ""
    return drawn.item


@pytest.mark.slow
@pytest.mark.full_size
@pytest.mark.parametrize(
    ("content", "names"),
    [(full_content(), FULL), (_bare(), ["map-risk.png", *CHARTS])],
    ids=["full", "bare"],
)
def test_figures_are_images_with_something_on_them(
    tmp_path: Path, content: ReportContent, names: list[str]
) -> None:
    settings = dict(mpl.rcParams)
    paths = save_figures(tmp_path, content)
    assert [path.name for path in paths] == names
    for path in paths:
        pixels = imread(path)
        packed = np.ascontiguousarray((pixels * 255).astype(np.uint8)).view(np.uint32)
        assert pixels.shape[1] > 400
        assert pixels.shape[2] == 4
        assert np.unique(packed).size > 10
    assert dict(mpl.rcParams) == settings
    assert (
        "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()
    )


@pytest.mark.parametrize("draw", [draw_risk, draw_plan, draw_sites, draw_layouts, draw_evaders])
def test_drawing_takes_axes_and_gives_them_back(draw: Any) -> None:
    ax = _axes()
    assert draw(ax, full_content()) is ax


def test_every_view_of_the_roads_draws_all_of_their_length() -> None:
    content = full_content(border=None)
    for view in road_layers(content):
        ax = draw_road_layer(_axes(), content, view)
        drawn = [
            line
            for part in ax.collections
            if isinstance(part, LineCollection)
            for line in part.get_segments()
        ]
        length = sum(np.hypot(*np.diff(line, axis=0).T).sum() for line in drawn)
        assert length == pytest.approx(shapely.length(content.network.lines).sum())
        assert sorted(np.concatenate([part.segments for part in view.classes])) == list(
            range(content.network.n_segments)
        )


def test_what_nobody_searched_never_looks_like_a_step_of_a_scale() -> None:
    content = full_content()
    assert content.risk is not None
    never = np.flatnonzero(~content.risk.searched)
    views = road_layers(content)
    assert [view.id for view in views] == ["risk", "sure", "effort-1", "effort-2"]
    for view in views:
        unknown, steps = view.classes[0], view.classes[1:]
        np.testing.assert_array_equal(unknown.segments, never)
        assert unknown.dashed
        assert not any(part.dashed or part.colour == unknown.colour for part in steps)
    assert UNSEARCHED not in {*RISK, *WIDTH, *EFFORT}


def test_the_scales_run_in_lightness_so_that_no_reader_needs_their_hue() -> None:
    def lightness(colour: str) -> float:
        red, green, blue = (int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5))
        return float(0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2)

    for scale in (RISK, WIDTH, EFFORT):
        steps = np.array([lightness(colour) for colour in scale])
        assert (steps[1:] < 0.8 * steps[:-1]).all()


def test_effort_is_shown_a_kilometre_and_none_as_none() -> None:
    content = full_content()
    assert content.risk is not None
    length = content.network.length_m[content.network.segment_arc] / 1000
    amount = np.zeros(content.network.n_segments)
    amount[[1, 2, 3]] = np.array([1.0, 2.0, 8.0]) * length[[1, 2, 3]]
    searched = amount > 0
    searched[5] = True
    risk = replace(
        content.risk, searched=searched, efforts=(UnitEffort(unit="hours", amount=amount),)
    )
    view = next(view for view in road_layers(replace(content, risk=risk)) if view.id == "effort-1")
    found = {part.label: part.segments.tolist() for part in view.classes}
    assert found.pop("None at all") == [0, 4, *range(6, 40)]
    assert found.pop("None in this unit, some in another") == [5]
    assert found == {
        "under 1.8": [1],
        f"1.8 {DASH} 3.8": [2],
        f"3.8 {DASH} 6.2": [],
        f"6.2 {DASH} 7.4": [],
        "7.4 and over": [3],
    }


def test_without_effort_the_effort_map_says_so() -> None:
    content = full_content()
    assert content.risk is not None
    view = road_layers(replace(content, risk=replace(content.risk, efforts=())))[-1]
    assert [part.label for part in view.classes] == ["None: no effort was recorded"]
    assert view.classes[0].dashed


def test_a_long_attribution_stands_in_full_under_a_map() -> None:
    sources = tuple(f"Source number {k} of a good many, with a licence" for k in range(12))
    for draw in (draw_risk, draw_plan):
        words = draw(_axes(), full_content(sources=sources)).get_xlabel()
        assert words.replace("\n", " ") == "; ".join(("Test valley, 2025-03-14", *sources))
        assert max(map(len, words.split("\n"))) < 200


def test_names_of_towns_do_not_lie_on_one_another() -> None:
    content = full_content()
    near = tuple(
        replace(
            content.settlements[0],
            id=f"s{k}",
            name=f"Wichita Falls {k}",
            lon=1.6 + 0.004 * k,
            lat=42.6,
            population=10.0 + k,
        )
        for k in range(8)
    )
    ax = draw_risk(_axes(), changed_content(content, settlements=near))
    ax.figure.draw_without_rendering()  # type: ignore[union-attr] # a figure
    boxes = [text.get_window_extent() for text in ax.texts if text.get_text().startswith("Wichita")]
    assert 2 <= len(boxes) < 8
    assert not any(a.overlaps(b) for k, a in enumerate(boxes) for b in boxes[:k])


def test_numbers_of_neighbouring_sites_stand_apart_with_a_line_to_their_place() -> None:
    content = full_content()
    sites = tuple(
        changed_site(content.sites[0], id=f"o{k}", lon=1.6 + 1e-5 * k, lat=42.6) for k in range(4)
    )
    ax = draw_plan(_axes(), replace(content, sites=sites))
    places = ax.transData.transform([text.xy for text in ax.texts if text.get_text().isdigit()])  # type: ignore[attr-defined] # annotations
    apart = np.abs(places[:, None] - places[None]).max(axis=2)
    assert apart[~np.eye(4, dtype=bool)].min() * 72 / ax.figure.dpi > 9
    marked = [line for line in ax.lines if line.get_color() == "#006b4f"]
    leaders = [line for line in marked if np.size(line.get_xdata()) == 2]
    assert len(leaders) == 3


def test_the_map_of_the_plan_is_cropped_to_the_orders_with_a_locator_beside_it() -> None:
    content = full_content(handling="TLP:AMBER", residual_routes=())
    sites = tuple(
        changed_site(content.sites[0], id=f"o{k}", lon=1.6 + 0.01 * k, lat=42.6) for k in range(2)
    )
    ax = draw_plan(_axes(), replace(content, sites=sites, beats=()))
    (locator,) = ax.child_axes
    assert ax.get_xlim()[0] < 1.6
    assert ax.get_xlim()[1] > 1.61
    assert np.ptp(ax.get_xlim()) < 0.5 * np.ptp(locator.get_xlim())
    assert "With the plan" in ax.get_title(loc="left")
    assert ax.get_xlabel().startswith("TLP:AMBER, Test valley")


def test_a_site_is_labelled_with_its_place_in_the_plan() -> None:
    content = full_content()
    assert [site.id for site in content.chosen] == ["o2", "o1"]
    ax = draw_plan(_axes(), content)
    numbers = {text.get_text(): text.xy for text in ax.texts if text.get_text().isdigit()}  # type: ignore[attr-defined] # annotations
    closed = next(site for site in content.sites if site.standing == "given up")
    assert numbers == {"2": (1.55, 42.55), "1": (closed.lon, closed.lat), "3": (1.6, 42.6)}


def test_the_site_chart_shows_worths_in_points() -> None:
    ax = draw_sites(_axes(), full_content())
    assert [round(bar.get_width(), 6) for bar in ax.patches] == [12.0, 1.1, 0.2]  # type: ignore[attr-defined] # bars


def test_the_chart_of_routes_begins_at_nothing_and_its_first_is_the_hole_of_the_first_page() -> (
    None
):
    content = full_content()
    ax = draw_evaders(_axes(), content)
    assert [label.get_text() for label in ax.get_yticklabels()] == [
        "1  Gate One \u2192 Hightown\nR1, R2",
        "2  Gate One \u2192 Sidetown\n",
    ]
    assert ax.get_xlim()[0] == 0
    share = value(content.summary, content.residual_routes[0].contribution)
    assert share == f"28.0{SPACE}%"
    assert ax.get_title(loc="left").endswith(f"from Gate One to Hightown: {share} of all loads")
    assert share in {text.get_text() for text in ax.texts}
    order, table = command_order(content), report_tables(content)["open_ends"]
    assert order.hole.startswith(f"{share} of all loads get through")
    assert table.rows[0][-3:] == (f"63.0{SPACE}%", f"42.0{SPACE}%", share)
    # no bar is longer than what the title says is most
    after = next(line for line in ax.lines if line.get_label() == "With the plan")
    assert np.asarray(after.get_xdata()).tolist() == pytest.approx([28.0, 3.0])


def _joined(lines: Iterable[Any]) -> Any:
    """Return lines of (k, 2) points as one shape."""
    return shapely.union_all([shapely.LineString(points) for points in lines])


@pytest.mark.parametrize("most", [0, 10_000])
def test_every_road_of_a_hole_that_the_page_names_is_drawn_on_both_maps(most: int) -> None:
    content = full_content()
    far = replace(
        content.residual_routes[1], arcs=np.arange(content.network.n_arcs), contribution=0.02
    )
    content = replace(content, residual_routes=(*content.residual_routes, far))
    plane, network = plane_of(content), content.network
    layers = map_layers(content)
    drawn = plan_plot(content, layers, most=most)
    ax = draw_plan(_axes(), content, layers)
    west, east, south, north = *ax.get_xlim(), *ax.get_ylim()
    frame = shapely.box(west, south, east, north)
    assert len(content.holes) == 3
    for place, way in enumerate(content.holes, 1):
        roads = network.lines[network.segment[way.arcs]]
        (still,) = [part for part in ax.collections if part.get_gid() == f"hole-{place}"]
        on_paper = _joined(still.get_segments())  # type: ignore[attr-defined]
        assert shapely.covers(shapely.buffer(on_paper, 1e-9), roads).all()
        assert shapely.covers(frame, roads).all()
        (source,) = [
            each.data_source.data
            for each in drawn.plot.renderers
            if each.data_source.data.get("mark", [""])[:1] == [f"hole-{place}"]
        ]
        on_screen = _joined(map(np.column_stack, zip(source["xs"], source["ys"], strict=True)))
        near = shapely.buffer(on_screen, 2 * tolerance(content))
        assert shapely.covers(near, shapely.transform(roads, plane.project)).all()
        assert set(network.segment[way.arcs].tolist()) <= set(drawn.roads.segments.tolist())


def test_main_roads_that_are_not_told_of_are_thin_lines_so_that_the_map_has_no_stubs() -> None:
    content = full_content(residual_routes=(), routes=(), beats=(), sites=(), look_next=None)
    network = content.network
    main = np.isin(network.road_class[network.segment_arc], MAIN_CLASSES)
    drawn = plan_plot(content, map_layers(content), most=1)
    rest = next(each for each in drawn.plot.renderers if each.glyph.line_width == REST_PIXELS)
    lines = _joined(
        map(
            np.column_stack,
            zip(rest.data_source.data["xs"], rest.data_source.data["ys"], strict=True),
        )
    )
    roads = shapely.transform(network.lines[main], plane_of(content).project)
    left = np.setdiff1d(np.flatnonzero(main), drawn.roads.segments)
    assert left.size
    covered = shapely.covers(shapely.buffer(lines, 2 * tolerance(content)), roads)
    assert set(np.flatnonzero(main)[~covered].tolist()) <= set(drawn.roads.segments.tolist())


@pytest.mark.slow
def test_record_text_is_never_read_as_mathematics(tmp_path: Path) -> None:
    content = full_content()
    bad = r"$\frac{$ \u4e2d \ud800"
    sites = tuple(replace(site, label=bad) for site in content.sites)
    towns = tuple(replace(town, name=bad) for town in content.settlements)
    ways = tuple(replace(way, start=bad, end=bad, roads=(bad,)) for way in content.residual_routes)
    layouts = tuple(replace(row, name=bad) for row in content.layouts)
    assert content.risk is not None
    risk = replace(content.risk, unit=bad)
    summary = replace(content.summary, unit=bad)
    changed = changed_content(
        content,
        sites=sites,
        settlements=towns,
        residual_routes=ways,
        layouts=layouts,
        risk=risk,
        summary=summary,
        sources=(bad,),
    )
    assert len(save_figures(tmp_path, changed)) == len(FULL)


def test_traffic_adds_weights_over_both_directions() -> None:
    network = grid_network(3)
    content = full_content()
    rows = (
        replace(content.routes[0], weight=0.7, arcs_before=route(network, 0, 1, 2)),
        replace(content.routes[0], weight=0.2, arcs_before=route(network, 2, 1)),
    )
    flow = traffic(
        changed_content(content, network=network, routes=rows, risk=None, look_next=None), "before"
    )
    first, second = (int(network.segment[arc]) for arc in route(network, 0, 1, 2))
    assert flow.weight[[first, second]] == pytest.approx([0.7, 0.9])
    assert flow.weight.sum() == pytest.approx(1.6)
    assert flow.routes == {first: [0], second: [0, 1]}


def test_the_interactive_map_holds_each_segment_once_and_shows_it_once_in_every_view(
    full_map: Any,
) -> None:
    content = full_content()
    roads = [source for source in _sources(full_map) if "risk" in source]
    assert [len(source["xs"]) for source in roads] == [content.network.n_segments]
    assert json.loads(json.dumps(full_map, allow_nan=False))["target_id"] == "map"
    shown: dict[str, list[int]] = {}
    for layer in _models(full_map, "GlyphRenderer"):
        if "indices" in json.dumps(layer["view"]):
            for view in layer["tags"]:
                shown.setdefault(view, []).extend(
                    layer["view"]["attributes"]["filter"]["attributes"]["indices"]
                )
    assert set(shown) == {"plan", "risk", "sure", "effort-1", "effort-2", "look"}
    assert all(
        sorted(indices) == list(range(content.network.n_segments)) for indices in shown.values()
    )


def test_the_map_opens_with_the_layers_of_its_first_view(full_map: Any) -> None:
    for kind in ("GlyphRenderer", "LegendItem"):
        layers = list(_models(full_map, kind))
        assert any("plan" not in layer["tags"] for layer in layers if layer.get("tags"))
        for layer in layers:
            tags = layer.get("tags") or []
            glyph = json.dumps(layer.get("glyph", ""))
            if any(
                json.dumps(colour) in glyph
                for colour in (TODAY, GATEWAY.line, SITES["not chosen"].fill)
            ):
                assert not layer["visible"]  # the reader shows it
                continue
            assert layer.get("visible", True) == (
                (not tags or "plan" in tags) and layer.get("name") != "narrow"
            )


@pytest.mark.slow
def test_a_narrow_screen_has_names_and_numbers_of_its_own(full_map: Any) -> None:
    for label in ("Names of border towns", "Numbers of main roads", "Numbers of the sites"):
        named = [
            layer["name"]
            for layer in _models(full_map, "LegendItem")
            if layer["label"]["value"] == label
        ]
        assert named == ["wide", "narrow"] * 2  # in each legend
    bare = interactive_map(_bare()).item
    assert not {"Names of towns", "Names of border towns", "Numbers of the sites"} & set(
        _labels(bare)
    )


def test_what_nobody_searched_is_called_unknown_in_its_tooltip(full_map: Any) -> None:
    content = full_content()
    assert content.risk is not None
    roads = next(source for source in _sources(full_map) if "risk" in source)
    for searched, risk, effort in zip(
        content.risk.searched, roads["risk"], roads["effort"], strict=True
    ):
        assert risk.startswith("UNKNOWN") == (not searched)
        assert (effort == "never searched") == (not searched)


@pytest.mark.slow
def test_where_to_look_next_is_a_layer_numbered_as_in_the_table(full_map: Any) -> None:
    look = next(source for source in _sources(full_map) if "reason" in source)
    assert look["road"] == ["R8 near Hightown", "R4 near Sidetown", "R12 near Hightown"]
    assert look["number"] == ["1", "2", "3"]
    assert "Where to look next" in _labels(full_map)
    without = interactive_map(replace(full_content(), look_next=None)).item
    assert "Where to look next" not in _labels(without)


def test_every_layer_can_be_hidden_from_the_legend(full_map: Any) -> None:
    # two a screen
    assert [legend["click_policy"] for legend in _models(full_map, "Legend")] == 4 * ["hide"]
    words = _labels(full_map)
    for label in (
        "Routes with nothing placed",
        "Routes with the plan",
        "Border",
        "Crossing, official",
        "Crossing, unofficial",
        "Where evaders enter",
        "Town or village",
        "Site in the plan, new",
        "Site in the plan, in use today",
        "Site in use today, closed",
        "Site, not chosen",
        "Base that patrols set out from",
        *"ABC",
    ):
        assert words.count(label) == 1
    assert words.count("Never searched: unknown") == 2  # one for risk, one for how sure it is


def test_a_busier_route_is_wider(full_map: Any) -> None:
    before = next(source for source in _sources(full_map) if "width" in source)
    assert len(set(before["width"])) == 3  # 0.7 alone, 0.3 alone, and both


@pytest.mark.slow
def test_an_evader_without_a_route_is_drawn_before_only() -> None:
    content = full_content()
    item = interactive_map(replace(content, routes=content.routes[1:])).item
    assert "Routes with nothing placed" in _labels(item)
    assert "Routes with the plan" not in _labels(item)


@pytest.mark.slow
def test_record_text_stays_out_of_what_bokeh_reads_as_mathematics() -> None:
    content = full_content()
    network = replace(content.network, name=np.full(content.network.n_arcs, "$$road$$"))
    towns = tuple(replace(town, name="$$town$$") for town in content.settlements)
    item = interactive_map(
        changed_content(
            content, network=network, settlements=towns, title="$$title$$", subtitle="$$sub$$"
        )
    ).item
    data = json.dumps(_sources(item))
    assert "$$road$$" in data
    assert "$$town$$" in data
    assert json.dumps(item).count("$$") == data.count("$$")


def test_tooltips_use_only_escaped_columns(full_map: Any) -> None:
    tooltips = [row for hover in _models(full_map, "HoverTool") for row in hover["tooltips"]]
    assert tooltips
    assert all(value.startswith("@") and "{" not in value for _, value in tooltips)


def test_a_map_too_large_keeps_routes_sites_and_main_roads_and_says_what_it_drops() -> None:
    network = grid_network(20)
    content = changed_content(
        full_content(),
        network=network,
        risk=None,
        routes=(
            replace(
                full_content().routes[0], arcs_before=route(network, 21, 22, 23), arcs_today=NO_ARCS
            ),
        ),
    )
    drawn = interactive_map(
        replace(content, routes=(replace(content.routes[0], arcs_after=route(network, 21, 41)),)),
        most=60,
    )
    item, note = drawn.item, drawn.note
    roads = next(source for source in _sources(item) if "evaders" in source)
    assert len(roads["xs"]) == 60
    assert "60 of 760" in note
    busy = [evaders for evaders in roads["evaders"] if "Gate One" in evaders]
    assert len(busy) == 3
    assert sum(road.endswith("primary road") for road in roads["road"]) == 19


def test_minor_roads_nearest_to_the_routes_are_kept_first() -> None:
    network = grid_network(20)
    content = changed_content(full_content(), network=network, risk=None, routes=(), sites=())
    busy = np.zeros(network.n_segments, dtype=bool)
    busy[network.segment[route(network, 210, 211)]] = True
    kept = segments_to_draw(content, busy, 40)
    here = network.segment_midpoint[np.flatnonzero(busy)[0]]
    minor = np.setdiff1d(kept, np.flatnonzero(network.road_class[network.segment_arc] == "primary"))
    left_out = np.setdiff1d(np.arange(network.n_segments), kept)

    def distance(segments: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        degrees = (network.segment_midpoint[segments] - here) * (
            np.cos(np.radians(network.centre[1])),
            1,
        )
        return np.asarray(np.hypot(*degrees.T))

    assert kept.size == 40
    assert distance(minor).max() <= distance(left_out).min() + 1e-9


def test_busy_segments_stay_even_beyond_the_limit() -> None:
    network = grid_network(5)
    content = changed_content(full_content(), network=network)
    assert (
        segments_to_draw(content, np.ones(network.n_segments, dtype=bool), 3).size
        == network.n_segments
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "border",
    [
        shapely.LineString([(1.4, 42.52), (1.8, 42.53)]),
        shapely.box(1.45, 42.45, 1.75, 42.75),
        shapely.MultiPolygon([shapely.box(1.45, 42.45, 1.75, 42.75), shapely.box(0, 40, 1, 41)]),
        shapely.GeometryCollection(
            [shapely.MultiLineString([[(1, 42), (2, 43)]]), shapely.Point(1, 42)]
        ),
        shapely.LineString(),
    ],
    ids=["line", "area", "areas", "collection", "empty"],
)
def test_any_shape_of_border_is_drawn(border: Any) -> None:
    content = full_content(border=border)
    assert all(isinstance(part, shapely.LineString) for part in border_parts(content.border))
    assert ("Border" in _labels(interactive_map(content).item)) == (not border.is_empty)
    legend = draw_risk(_axes(), content).get_legend()
    assert legend is not None
    assert ("Border" in [text.get_text() for text in legend.get_texts()]) == (not border.is_empty)


def test_a_border_far_longer_than_the_roads_does_not_shrink_the_map() -> None:
    near = map_bounds(full_content(border=shapely.box(1.49, 42.49, 1.71, 42.72)))
    far = map_bounds(full_content(border=shapely.LineString([(-10, 40), (10, 45)])))
    assert near.north > 42.72
    assert far == map_bounds(full_content(border=None))


def test_towns_at_the_border_come_first_and_those_without_a_name_not_at_all() -> None:
    content = full_content()
    crowd = tuple(
        replace(content.settlements[0], id=f"x{i}", name=f"X{i}", population=10.0 + i)
        for i in range(3)
    )
    south = (NamedPlace("Listed", 1.6, 42.53), NamedPlace("State", 1.6, 42.53, "state"))
    changed = changed_content(
        content,
        settlements=(*crowd, replace(content.settlements[1], name="", lat=42.52)),
        places=south,
    )
    towns = named_towns(
        changed_content(changed, border=shapely.LineString([(1.4, 42.4), (1.8, 42.41)]))
    )
    assert [town.name for town in towns.border] == ["Listed"]
    assert [town.name for town in towns.inland] == ["X2", "X1", "X0"]
    assert named_towns(changed_content(changed, border=None)).border == []
    assert [area.name for area in named_areas(changed)] == ["State"]


def test_main_roads_are_numbered_and_names_of_streets_are_none() -> None:
    content = full_content()
    numbers = road_numbers(content)
    # the primary roads of the lowest row
    assert sorted(number.name for number in numbers) == ["R0", "R1", "R2", "R3"]
    street = changed_content(
        content,
        network=replace(content.network, name=np.full(content.network.n_arcs, "High Street")),
    )
    assert road_numbers(street) == []


@given(
    points=arrays(np.float64, st.tuples(st.integers(1, 12), st.just(2)), elements=st.floats(0, 60)),
    widths=st.lists(st.floats(5, 40), min_size=12, max_size=12),
    most=st.integers(0, 12),
)
def test_words_stay_in_the_frame_and_off_one_another(
    points: NDArray[np.float64], widths: list[float], most: int
) -> None:
    taken = OccupiedBoxes(frame=Bounds(0.0, 0.0, 60.0, 60.0))
    offsets = place_names(points, widths[: len(points)], 8.0, 2.0, taken, most)
    placed = [k for k, offset in enumerate(offsets) if offset is not None]
    boxes = [shapely.box(*box) for box in taken.boxes.tolist()]
    assert len(placed) == len(boxes) <= most
    for k, box in enumerate(boxes):
        assert shapely.box(-1e-9, -1e-9, 60 + 1e-9, 60 + 1e-9).contains(box)
        assert box.distance(shapely.Point(points[placed[k]])) >= 2.0 - 1e-9
        assert all(box.intersection(other).area < 1e-9 for other in boxes[:k])


@given(arrays(np.float64, st.tuples(st.integers(0, 6), st.just(2)), elements=st.floats(0, 100)))
def test_badges_stay_on_their_place_where_they_can_and_never_on_one_another(
    points: NDArray[np.float64],
) -> None:
    offsets = place_badges(points, 10.0, OccupiedBoxes())
    boxes = [shapely.box(*box) for box in boxes_around(points + offsets, 10.0).tolist()]
    for k, box in enumerate(boxes):
        assert all(box.intersection(other).area < 1e-6 for other in boxes[:k])
        alone = np.abs(np.delete(points + offsets, k, axis=0) - points[k]).max(axis=1) >= 10
        if alone.all():
            assert not offsets[k].any()


@given(arrays(np.float64, st.tuples(st.integers(0, 9), st.just(2)), elements=st.floats(0, 60)))
def test_badges_without_room_are_grouped_and_nothing_that_shows_lies_on_another(
    points: NDArray[np.float64],
) -> None:
    taken = OccupiedBoxes(np.array([[20.0, 20.0, 40.0, 30.0]]))
    offsets, groups = group_badges(points, 10.0, taken, reach=1.5, wide=25.0)
    alone = np.isfinite(offsets).all(axis=1)
    grouped = [row for group in groups for row in group.rows]
    assert sorted([*np.flatnonzero(alone).tolist(), *grouped]) == list(range(len(points)))
    assert all(len(group.rows) > 1 for group in groups)
    assert np.hypot(*offsets[alone].T).max(initial=0) <= 15 + 1e-9
    boxes = [shapely.box(*box) for box in taken.boxes.tolist()]
    assert len(boxes) == 1 + alone.sum() + len(groups)
    assert all(
        box.intersection(other).area < 1e-6 for k, box in enumerate(boxes) for other in boxes[:k]
    )


def test_one_badge_and_far_ones_are_in_no_group() -> None:
    blocked = OccupiedBoxes(np.array([[-50.0, -50.0, 50.0, 50.0]]))
    offsets, groups = group_badges(
        np.array([[0.0, 0.0], [900.0, 0.0]]), 10.0, blocked, reach=1.5, wide=25.0
    )
    assert groups == []
    assert np.isfinite(offsets).all()  # it stands on what is there, as it belongs to nothing near
