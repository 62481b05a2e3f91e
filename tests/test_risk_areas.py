"""Areas: which segments are theirs, and files that cannot be used."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from optimizer.base.errors import InputError
from optimizer.records import Area, load_areas
from tests.risk_cases import SOUTH, WEST, line_network


def square(west: float, east: float) -> dict[str, Any]:
    return shapely.geometry.mapping(shapely.box(west, SOUTH - 0.1, east, SOUTH + 0.1))


def feature(name: object, geometry: object, **properties: object) -> dict[str, Any]:
    return {"type": "Feature", "properties": {"name": name, **properties}, "geometry": geometry}


def written(folder: Path, *features: dict[str, Any], **more: object) -> Path:
    path = folder / "areas.geojson"
    path.write_text(
        json.dumps({"type": "FeatureCollection", "features": list(features), **more}),
        encoding="utf-8",
    )
    return path


def test_areas_hold_the_segments_whose_middle_lies_inside(tmp_path: Path) -> None:
    network = line_network(4, classes=["trunk", "track", "trunk", "track"])
    west, east, roads = load_areas(
        written(
            tmp_path,
            feature("West", square(WEST - 0.1, WEST + 0.016)),
            feature("East", square(WEST + 0.014, WEST + 1)),
            feature("Main roads", square(WEST - 1, WEST + 1), classes=["trunk"], note="a note"),
        )
    )
    np.testing.assert_array_equal(west.segments(network), [0, 1])
    np.testing.assert_array_equal(east.segments(network), [1, 2, 3])
    np.testing.assert_array_equal(roads.segments(network), [0, 2])
    assert roads.name == "Main roads"


def test_an_area_in_two_parts_is_one_area() -> None:
    parts = shapely.union(
        shapely.box(WEST, 42, WEST + 0.01, 43), shapely.box(WEST + 0.02, 42, WEST + 0.03, 43)
    )
    np.testing.assert_array_equal(Area("both", parts).segments(line_network(4)), [0, 2])


def test_all_faults_of_a_file_are_told_together(tmp_path: Path) -> None:
    bow = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}
    path = written(
        tmp_path,
        feature("A", square(0, 1)),
        feature(" a ", square(0, 1)),
        feature(None, square(0, 1)),
        feature("B", {"type": "Point", "coordinates": [0, 0]}),
        feature("C", None),
        feature("D", bow),
        feature("E", square(0, 1), classes="trunk"),
        feature("F", square(500_000, 500_001)),
        feature("G", {"type": "Polygon", "coordinates": [[["x", 0], [1, 1], [1, 0]]]}),
        feature("H", {"type": "Polygon", "coordinates": []}),
    )
    with pytest.raises(InputError) as caught:
        load_areas(path)
    told = [problem.where.removeprefix(f"{path}, ") for problem in caught.value.problems]
    assert told == [
        "feature 2, name",
        "feature 3, name",
        "feature 4",
        "feature 5",
        "feature 6",
        "feature 7, classes",
        "feature 8",
        "feature 9",
        "feature 10",
    ]
    assert "Self-intersection" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("{", "Expecting property name"),
        ("[]", "a list"),
        ('{"type": "Topology"}', "an object with type"),
        ('{"features": [7]}', "a bare value"),
        ('{"features": [{"geometry": "here"}]}', "an object with geometry"),
        ('{"features": []}', "no feature"),
        ('{"features": [NaN]}', "NaN"),
        (
            '{"features": [], "crs": {"type": "name", "properties": {"name": "EPSG:25830"}}}',
            "EPSG:25830",
        ),
    ],
)
def test_what_is_no_feature_collection_is_refused(tmp_path: Path, content: str, found: str) -> None:
    path = tmp_path / "areas.geojson"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=str(path)) as caught:
        load_areas(path)
    assert found in str(caught.value)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        load_areas(tmp_path / "none.geojson")


@pytest.mark.parametrize(
    "geometry",
    [
        '"properties": {"name": "a"}',
        '"geometry": {"type": ["Polygon"], "coordinates": []}, "properties": {"name": "a"}',
    ],
)
def test_a_feature_without_a_geometry_or_with_a_strange_one_is_a_fault(
    tmp_path: Path, geometry: str
) -> None:
    path = tmp_path / "areas.geojson"
    path.write_text(
        f'{{"type": "FeatureCollection", "features": [{{"type": "Feature", {geometry}}}]}}',
        encoding="utf-8",
    )
    with pytest.raises(InputError, match="no geometry"):
        load_areas(path)


def test_metres_are_called_metres_of_a_projected_system(tmp_path: Path) -> None:
    path = tmp_path / "areas.geojson"
    ring = [[456000, 5550000], [457000, 5550000], [457000, 5551000], [456000, 5550000]]
    feature = {
        "type": "Feature",
        "properties": {"name": "a"},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    path.write_text(
        json.dumps({"type": "FeatureCollection", "features": [feature]}), encoding="utf-8"
    )
    with pytest.raises(InputError, match=r"projected reference system \(CRS\).*EPSG:4326"):
        load_areas(path)
