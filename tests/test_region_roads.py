"""What tags say of a way."""

from __future__ import annotations

import math

import pytest

from optimizer.base.errors import InputError
from optimizer.base.text.language import languages, speaking
from optimizer.problem.network.road_classes import (
    DEFAULT_KMH,
    HIGHWAY_CLASSES,
    MODES,
    RANK_OF,
    parse_maxspeed_kmh,
    speed_kmh,
)
from optimizer.region.osm import Road, checked_modes, parse_duration_s, read_road
from optimizer.report.words import word

ALL = frozenset(MODES)


def road(**tags: str) -> Road:
    read = read_road({key.replace("__", ":"): value for key, value in tags.items()}, ALL)
    assert isinstance(read, Road), read
    return read


def test_every_class_of_road_has_every_column_and_a_word_in_every_language() -> None:
    names = [row.name for row in HIGHWAY_CLASSES]
    assert len(names) == len(set(names)) == len({row.word for row in HIGHWAY_CLASSES})
    for row in HIGHWAY_CLASSES:
        assert row.mode in MODES
        assert 0 < row.kmh <= 130
        assert (row.rank is None) == (row.mode == "ferry")
        assert row.main == (row.rank is None or row.rank <= RANK_OF["secondary"])
        assert not row.numbered or (row.main and row.edge == 0)
        assert row.edge is None or (row.rank is not None and row.mode == "drive")
        assert word(row.name) == row.word
        assert row.word
        assert "_" not in row.word
    for language in set(languages()) - {"en"}:
        with speaking(language):
            assert not [row.name for row in HIGHWAY_CLASSES if word(row.name) == row.word]


@pytest.mark.parametrize(
    ("text", "kmh"),
    [
        ("50", 50.0),
        (" 50 km/h", 50.0),
        ("30 mph", 48.28032),
        ("30mph", 48.28032),
        ("10 knots", 18.52),
        ("80;60", 60.0),
        ("0", None),
        ("999", None),
        ("none", None),
        ("FR:urban", None),
        ("walk", None),
        ("", None),
        ("50 furlongs", None),
    ],
)
def test_maxspeed(text: str, kmh: float | None) -> None:
    assert parse_maxspeed_kmh(text) == (None if kmh is None else pytest.approx(kmh))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0:15", 900),
        ("01:30:30", 5430),
        ("20", 1200),
        ("PT1H30M", 5400),
        ("PT45S", 45),
        ("pt5m", 300),
    ],
)
def test_duration(text: str, seconds: float) -> None:
    assert parse_duration_s(text) == seconds


@pytest.mark.parametrize("text", ["", "PT", "soon", "0", "-5", "1:5", "00:00", "1e9"])
def test_a_duration_that_is_none(text: str) -> None:
    assert math.isnan(parse_duration_s(text))


def test_a_limit_replaces_the_speed_of_a_road_and_can_only_lower_that_of_a_track() -> None:
    assert speed_kmh("motorway", "120") == 120
    assert speed_kmh("residential", "20") == 20
    assert speed_kmh("track", "80") == DEFAULT_KMH["track"]
    assert speed_kmh("service", "10") == 10
    assert speed_kmh("path", "30") == DEFAULT_KMH["path"]


@pytest.mark.parametrize(
    ("tags", "directions"),
    [
        ({"highway": "primary"}, (True, True)),
        ({"highway": "primary", "oneway": "yes"}, (True, False)),
        ({"highway": "primary", "oneway": "1"}, (True, False)),
        ({"highway": "primary", "oneway": "-1"}, (False, True)),
        ({"highway": "primary", "oneway": "reversible"}, (True, True)),
        ({"highway": "motorway"}, (True, False)),
        ({"highway": "motorway", "oneway": "no"}, (True, True)),
        ({"highway": "primary", "junction": "roundabout"}, (True, False)),
        ({"highway": "primary", "junction": "roundabout", "oneway": "-1"}, (False, True)),
        ({"highway": "footway", "oneway": "yes"}, (True, True)),
        ({"highway": "path", "oneway:foot": "yes"}, (True, False)),
        ({"highway": "path", "junction": "roundabout"}, (True, True)),
    ],
)
def test_directions(tags: dict[str, str], directions: tuple[bool, bool]) -> None:
    read = read_road(tags, ALL)
    assert isinstance(read, Road)
    assert (read.forward, read.backward) == directions


def test_access_is_left_out_of_account() -> None:
    assert road(highway="service", access="private", motor_vehicle="no").road_class == "service"


def test_names() -> None:
    assert road(highway="primary", name="High Street", ref="A1").name == "High Street"
    assert road(highway="primary", ref="A1").name == "A1"
    assert road(highway="primary").name == ""


def test_a_ferry_keeps_its_own_duration_and_a_road_does_not() -> None:
    assert road(route="ferry", duration="00:30").time_s == 1800
    assert math.isnan(road(route="ferry").time_s)
    assert math.isnan(road(highway="primary", duration="00:30").time_s)


@pytest.mark.parametrize(
    ("tags", "word"),
    [
        ({"highway": "proposed"}, "not a road yet"),
        ({"highway": "construction"}, "not a road yet"),
        ({"highway": "platform"}, "not a road that is travelled"),
        ({"highway": "pedestrian", "area": "yes"}, "an area"),
        ({"highway": "track"}, "mode track"),
        ({"route": "ferry"}, "mode ferry"),
        ({"waterway": "river"}, "neither"),
    ],
)
def test_reasons_to_leave_a_way_out(tags: dict[str, str], word: str) -> None:
    reason = read_road(tags, frozenset({"drive", "foot"}))
    assert isinstance(reason, str)
    assert word in reason


def test_unknown_modes_are_all_named_beside_the_known() -> None:
    with pytest.raises(InputError, match="fly") as caught:
        checked_modes(["drive", "fly", "swim"])
    assert len(caught.value.problems) == 2
    assert all(mode in str(caught.value) for mode in MODES)
    with pytest.raises(InputError, match="none"):
        checked_modes([])
