"""Borders from GeoJSON and from Python, and how they are refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import shapely

from optimizer.base.errors import InputError
from optimizer.region import read_region
from optimizer.region.border import border_of_shape, read_border
from tests.standin import EAST, NORTH, SOUTH, WEST, World, sample_world

if TYPE_CHECKING:
    from pathlib import Path

RING = [[WEST, SOUTH], [EAST, SOUTH], [EAST, NORTH], [WEST, NORTH], [WEST, SOUTH]]
POLYGON = {"type": "Polygon", "coordinates": [RING]}
LINE = {"type": "LineString", "coordinates": RING[3:] + RING[1:4]}


def saved(folder: Path, content: object) -> Path:
    path = folder / "border.geojson"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def feature(geometry: object) -> dict[str, object]:
    return {"type": "Feature", "properties": {"name": "a border"}, "geometry": geometry}


def collection(*geometries: object) -> dict[str, object]:
    return {"type": "FeatureCollection", "features": [feature(each) for each in geometries]}


@pytest.mark.parametrize("content", [POLYGON, feature(POLYGON), collection(POLYGON)])
def test_a_polygon_is_the_defended_area(tmp_path: Path, content: object) -> None:
    border = read_border(saved(tmp_path, content))
    assert border.area is not None
    assert border.area.equals(shapely.box(WEST, SOUTH, EAST, NORTH))
    assert border.contains([WEST + 0.01, WEST - 0.01], [SOUTH + 0.01, SOUTH + 0.01]).tolist() == [True, False]  # type: ignore[arg-type] # lists do


def test_the_rim_of_an_area_runs_anticlockwise(tmp_path: Path) -> None:
    for ring in (RING, RING[::-1]):
        border = read_border(saved(tmp_path, {"type": "Polygon", "coordinates": [ring]}))
        assert shapely.is_ccw(shapely.linearrings(shapely.get_coordinates(border.line)))


def test_a_plain_line_has_no_inside(tmp_path: Path) -> None:
    line = {"type": "LineString", "coordinates": [[10.02, 44.9], [10.02, 45.2]]}
    region = read_region(sample_world().save(tmp_path / "w.osm"), border=saved(tmp_path, line))
    assert [each.id for each in region.crossings] == ["w100-1", "w102-1", "w106-1"]
    assert len(region.gateways) == 3
    assert all(each.domestic for each in region.settlements)


def test_lines_that_continue_each_other_are_one(tmp_path: Path) -> None:
    halves = [{"type": "LineString", "coordinates": each} for each in (RING[:3], RING[2:])]
    border = read_border(saved(tmp_path, collection(*halves)))
    assert border.line.is_ring
    assert border.area is None


def test_heights_are_left_out(tmp_path: Path) -> None:
    high = {"type": "Polygon", "coordinates": [[[x, y, 100.0] for x, y in RING]]}
    assert not read_border(saved(tmp_path, high)).line.has_z


def test_the_same_border_from_the_extract_a_file_and_a_shape(tmp_path: Path) -> None:
    world = sample_world().save(tmp_path / "w.osm")
    own = read_region(world)
    for border in (saved(tmp_path, POLYGON), str(saved(tmp_path, POLYGON)), shapely.box(WEST, SOUTH, EAST, NORTH)):
        other = read_region(world, border=border)
        assert [each.id for each in other.crossings] == [each.id for each in own.crossings]
        assert other.gateways == own.gateways
        assert other.settlements == own.settlements


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([], ["GeoJSON"]),
        ({"kind": "x"}, ["GeoJSON"]),
        (collection(), ["nothing to draw"]),
        (collection(None), ["feature 1", "no geometry"]),
        (collection({"type": "Point", "coordinates": [1, 2]}), ["a Point", "a line or polygon"]),
        ({"type": "LineString", "coordinates": []}, ["without points"]),
        ({"type": "LineString", "coordinates": [["a", "b"], ["c", "d"]]}, ["cannot be read"]),
        ({"type": "LineString", "coordinates": [[1, 2]]}, ["cannot be read"]),
        ({"type": "LineString", "coordinates": 5}, ["cannot be read"]),
        ({"type": "LineString"}, ["cannot be read"]),
        ({"type": "LineString", "coordinates": [[45, 100], [46, 101]]}, ["Swap the coordinates"]),
        ({"type": ["x"]}, ["an object with type"]),
        ({"type": {"a": 1}}, ["an object with type"]),
        ({"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": {"type": [1]}}]}, ["no geometry"]),
        ({"type": "LineString", "coordinates": [[1100000, 5600000], [1200000, 5600000]]}, ["projected", "EPSG:4326"]),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}, ["Self-intersection"]),
    ],
)
def test_what_is_no_border(tmp_path: Path, content: object, words: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        read_border(saved(tmp_path, content))
    assert all(word in str(caught.value) for word in words)
    assert "border.geojson" in str(caught.value)


def test_all_faults_of_a_border_are_named(tmp_path: Path) -> None:
    content = collection({"type": "Point", "coordinates": [1, 2]}, POLYGON, None)
    with pytest.raises(InputError) as caught:
        read_border(saved(tmp_path, content))
    assert [problem.where[-9:] for problem in caught.value.problems] == ["feature 1", "feature 3"]


def test_a_shape_must_be_a_line_or_polygon() -> None:
    for shape in (shapely.Point(1, 1), shapely.Polygon(), shapely.GeometryCollection([shapely.Point(1, 1)])):
        with pytest.raises(InputError, match="a line or polygon"):
            border_of_shape(shape, "border")


def moved(east: float, north: float) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [[[x + east, y + north] for x, y in RING]]}


def test_a_border_far_away_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="far away"):
        read_region(sample_world().save(tmp_path / "w.osm"), border=saved(tmp_path, moved(5, 0)))


def test_a_border_with_latitude_first_is_told_so(tmp_path: Path) -> None:
    swapped = {"type": "LineString", "coordinates": [[y, x] for x, y in RING]}
    with pytest.raises(InputError, match="Swap the coordinates"):
        read_region(sample_world().save(tmp_path / "w.osm"), border=saved(tmp_path, swapped))


def test_a_border_around_everything_is_allowed(tmp_path: Path) -> None:
    world = World()
    world.line(1, [(10.0, 45.0), (10.1, 45.0)], highway="primary")
    region = read_region(world.save(tmp_path / "w.osm"), border=shapely.box(9, 44, 11, 46))
    assert region.crossings == ()
    assert region.gateways == ()


def test_a_border_file_that_is_missing_or_no_json(tmp_path: Path) -> None:
    world = sample_world().save(tmp_path / "w.osm")
    with pytest.raises(InputError, match="no such file"):
        read_region(world, border="missing.geojson")
    broken = tmp_path / "broken.geojson"
    broken.write_text('{"type": "Polygon", ', encoding="utf-8")
    with pytest.raises(InputError, match="line 1"):
        read_region(world, border=broken)
