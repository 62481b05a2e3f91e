"""Places that a report's map shows larger: where marks crowd, and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from matplotlib.figure import Figure

from optimizer.problem.network.places import Settlement
from optimizer.report.figures import draw_sites
from optimizer.report.maps.geography import Bounds
from optimizer.report.maps.map_layers import CROWD_SHAPE, crowds, map_layers
from optimizer.report.maps.still_maps import draw_plan
from tests.report_case import full_content, large_content, site_row

if TYPE_CHECKING:
    from optimizer.report.content.report_content import ReportContent

pytestmark = pytest.mark.report

MAP = Bounds(0.0, 40.0, 10.0, 50.0)


def placed(*lonlat: tuple[float, float], chosen: bool = True) -> ReportContent:
    sites = tuple(
        site_row(id=f"o{k}", label="s", kind="sensor", lon=lon, lat=lat, chosen=chosen)
        for k, (lon, lat) in enumerate(lonlat)
    )
    towns = (Settlement("a", 0, 2.0, 45.0, "Near", 1.0), Settlement("b", 1, 8.0, 42.0, "Far", 99.0))
    return replace(full_content(), sites=sites, beats=(), crossings=(), settlements=towns, border=None)


def cluster(lon: float, lat: float, count: int = 5) -> list[tuple[float, float]]:
    return [(lon + 0.05 * k, lat) for k in range(count)]


def test_a_cluster_is_a_place_named_after_its_town_and_marks_far_apart_are_none() -> None:
    (crowd,) = crowds(placed(*cluster(2.0, 45.0), (7.0, 47.0), (4.0, 49.0)), MAP)
    assert crowd.name == "Near"
    box = crowd.bounds
    assert all(box.holds(np.array([*point, *point])) for point in cluster(2.0, 45.0))
    assert box.height / (box.width * np.cos(np.radians(MAP.middle_latitude))) == pytest.approx(CROWD_SHAPE)
    assert crowds(placed(*[(1.0 + k, 41.0 + k) for k in range(9)]), MAP) == ()


def test_sites_of_no_matter_and_several_options_of_one_place_do_not_crowd() -> None:
    assert crowds(placed(*cluster(2.0, 45.0), chosen=False), MAP) == ()
    assert crowds(placed(*[(2.0, 45.0)] * 6), MAP) == ()


def test_at_most_three_places_that_share_no_mark_from_west_to_east() -> None:
    many = [point for lon in (8.0, 5.0, 1.0, 3.0) for point in cluster(lon, 45.0, 5 + int(lon))]
    found = crowds(placed(*many), MAP)
    assert len(found) == 3
    assert [crowd.bounds.west for crowd in found] == sorted(crowd.bounds.west for crowd in found)
    for point in many:
        assert sum(crowd.bounds.holds(np.array([*point, *point])) for crowd in found) <= 1


def test_the_still_map_has_an_inset_a_place_with_the_same_numbers() -> None:
    content = large_content()
    figure = Figure(figsize=(10, 8))
    draw_plan(figure.add_subplot(), content)
    main, *insets = figure.axes
    assert len(insets) == len(map_layers(content).crowds) >= 1
    numbers = {text.get_text() for text in main.texts}
    for inset in insets:
        assert inset.get_title(loc="left").startswith(str(inset.get_label()))
        assert {text.get_text() for text in inset.texts if text.get_text().isdigit()} <= numbers
        top = inset.get_position().y1
        assert top < main.get_position().y0


def test_long_names_stand_whole_on_two_lines() -> None:
    content = full_content()
    name = "I-10 between Tornillo and Fort Hancock, eastbound lanes only (permanent checkpoint)"
    axes = Figure().add_subplot()
    draw_sites(axes, replace(content, sites=(replace(content.sites[1], label=name),)))
    (label,) = axes.get_yticklabels()
    assert label.get_text().count("\n") == 1
    assert label.get_text().replace("\n", " ") == f"1  {name}"
