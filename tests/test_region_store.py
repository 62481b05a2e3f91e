"""A region saved and loaded is the same region."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import shapely
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from optimizer.base.errors import InputError
from optimizer.problem.network.network import Network
from optimizer.problem.network.places import Crossing, Gateway, Settlement
from optimizer.problem.network.polylines import Polylines
from optimizer.region import Dropped, Region, load_region, read_region, save_region, summary
from tests.examples import examples
from tests.standin import sample_world

LAYERS = {"nodes", "arcs", "border", "crossings", "gateways", "settlements", "dropped", "metadata"}


ARRAYS = (
    *(each.name for each in fields(Network) if each.compare and each.name != "polylines"),
    "shape_start",
    "shape",
)


pytestmark = pytest.mark.usefixtures("made_anew")


@pytest.fixture
def region(tmp_path: Path) -> Region:
    return read_region(sample_world().save(tmp_path / "world.osm"), modes=["drive", "track"])


def assert_same(first: Region, second: Region) -> None:
    for name in ARRAYS:
        one, other = getattr(first.network, name), getattr(second.network, name)
        kinds = {"O" if each.dtype.kind == "U" else each.dtype.kind for each in (one, other)}
        assert len(kinds) == 1, name
        assert np.array_equal(one, other), name
    assert first.border == second.border
    for name in ("crossings", "gateways", "settlements", "dropped", "attribution"):
        assert getattr(first, name) == getattr(second, name), name


def test_round_trip_of_a_built_region(region: Region, tmp_path: Path) -> None:
    save_region(region, tmp_path / "saved.gpkg")
    loaded = load_region(tmp_path / "saved.gpkg")
    assert_same(region, loaded)
    assert summary(region) == summary(loaded)
    assert_same(region, read_region(tmp_path / "saved.gpkg"))


def test_a_view_in_place_of_a_layer_is_refused(region: Region, tmp_path: Path) -> None:
    """One may have rows without end, of which GDAL reads as many as it likes."""
    save_region(region, tmp_path / "saved.gpkg")
    database = sqlite3.connect(tmp_path / "saved.gpkg")
    database.executescript(
        "ALTER TABLE crossings RENAME TO away; CREATE VIEW crossings AS SELECT * FROM away;"
    )
    database.close()
    with pytest.raises(InputError, match="layer crossings: found a view; expected a table"):
        load_region(tmp_path / "saved.gpkg")


def test_a_name_with_a_line_end_is_refused(region: Region, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a name with a line end"):
        save_region(region, tmp_path / "a\nb.gpkg")


@pytest.mark.slow
def test_large_layers_are_written_and_read_in_parts(
    region: Region, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert region.network.n_arcs > 14
    for at_once in (1, 7, region.network.n_arcs):
        monkeypatch.setattr("optimizer.region.store.FEATURES_AT_ONCE", at_once)
        save_region(region, tmp_path / f"{at_once}.gpkg")
        assert_same(region, load_region(tmp_path / f"{at_once}.gpkg"))


def test_equal_texts_of_a_network_are_one_object(region: Region, tmp_path: Path) -> None:
    save_region(region, tmp_path / "saved.gpkg")
    for network in (region.network, load_region(tmp_path / "saved.gpkg").network):
        for texts in (network.name, network.road_class):
            assert len({id(text) for text in texts}) == len(set(texts.tolist())) < texts.size


numbers = st.floats(allow_nan=False, allow_infinity=False, width=64)
degrees = st.floats(-90, 90)
positive = st.floats(1e-3, 1e9)
words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)


@st.composite
def regions(draw: st.DrawFn) -> Region:
    n_nodes = draw(st.integers(1, 5))
    n_arcs = draw(st.integers(0, 6))
    names = draw(st.sampled_from([st.integers(-(2**62), 2**62), words]))
    node_id = draw(st.lists(names, min_size=n_nodes, max_size=n_nodes, unique=True))
    count = draw(st.lists(st.integers(2, 4), min_size=n_arcs, max_size=n_arcs))

    def column(values: st.SearchStrategy[Any], size: int, dtype: Any) -> np.ndarray[Any, Any]:
        return np.array(draw(st.lists(values, min_size=size, max_size=size)), dtype=dtype)

    position = st.integers(0, n_nodes - 1)
    network = Network(
        node_id=np.array(node_id, dtype=np.int64 if isinstance(node_id[0], int) else np.str_),
        lon=column(degrees, n_nodes, np.float64),
        lat=column(degrees, n_nodes, np.float64),
        tail=column(position, n_arcs, np.int32),
        head=column(position, n_arcs, np.int32),
        length_m=column(positive, n_arcs, np.float64),
        time_s=column(positive, n_arcs, np.float64),
        road_class=column(words, n_arcs, np.str_),
        name=column(words, n_arcs, np.str_),
        way=column(st.integers(-(2**62), 2**62), n_arcs, np.int64),
        segment=np.arange(n_arcs, dtype=np.int32),
        polylines=Polylines.of(
            np.concatenate(([0], np.cumsum(count))).astype(np.int64),
            column(st.tuples(degrees, degrees), sum(count), np.float64).reshape(-1, 2),
        ),
        ref=column(words, n_arcs, np.str_),
    )
    common = {"id": words, "node": position, "lon": degrees, "lat": degrees, "name": words}
    crossing = st.builds(
        Crossing, **common, official=st.booleans(), road_class=words, way=st.integers(0, 2**62)
    )
    gateway = st.builds(Gateway, **common, kind=words, exposure=positive)
    settlement = st.builds(
        Settlement,
        **common,
        population=positive,
        population_assumed=st.booleans(),
        domestic=st.booleans(),
    )
    line = st.lists(st.tuples(degrees, degrees), min_size=2, max_size=4).map(shapely.LineString)
    border = st.none() | line | st.lists(line, min_size=1, max_size=3).map(shapely.MultiLineString)
    return Region(
        network=network,
        border=draw(border),
        crossings=tuple(draw(st.lists(crossing, max_size=3))),
        gateways=tuple(draw(st.lists(gateway, max_size=3))),
        settlements=tuple(draw(st.lists(settlement, max_size=3))),
        dropped=tuple(draw(st.lists(st.builds(Dropped, words, words), max_size=3))),
        attribution=draw(words),
    )


@pytest.mark.slow
@examples(25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(regions())
def test_round_trip_of_any_region(tmp_path: Path, region: Region) -> None:
    save_region(region, tmp_path / "any.gpkg")
    assert_same(region, load_region(tmp_path / "any.gpkg"))


def test_the_same_region_gives_the_same_bytes(region: Region, tmp_path: Path) -> None:
    paths = [tmp_path / "one.gpkg", tmp_path / "two.gpkg"]
    for path in paths:
        save_region(region, path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    with sqlite3.connect(paths[0]) as database:
        stamps = database.execute("SELECT DISTINCT last_change FROM gpkg_contents").fetchall()
    database.close()
    # were it the clock, two saves might agree by luck
    assert stamps == [("2000-01-01T00:00:00.000Z",)]


def test_layers_as_a_geographic_information_system_sees_them(
    region: Region, tmp_path: Path
) -> None:
    save_region(region, tmp_path / "saved.gpkg")
    kinds = dict(pyogrio.list_layers(tmp_path / "saved.gpkg"))
    assert set(kinds) == LAYERS
    assert (kinds["nodes"], kinds["arcs"], kinds["crossings"]) == ("Point", "LineString", "Point")
    assert kinds["dropped"] is None
    assert kinds["metadata"] is None
    for layer in LAYERS - {"dropped", "metadata"}:
        assert pyogrio.read_info(tmp_path / "saved.gpkg", layer=layer)["crs"] == "EPSG:4326"


def test_only_a_geopackage_is_written(region: Region, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"\.gpkg"):
        save_region(region, tmp_path / "region.json")
    assert not (tmp_path / "region.json").exists()


def test_saving_over_a_region_replaces_it_and_leaves_nothing_else(
    region: Region, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    for each in (region, replace(region, settlements=())):
        save_region(each, folder / "saved.gpkg")
    assert load_region(folder / "saved.gpkg").settlements == ()
    assert [path.name for path in folder.iterdir()] == ["saved.gpkg"]


def altered(path: Path, *statements: str) -> Path:
    """Change a GeoPackage behind the program's back (triggers of its spatial index
    removed first).
    """
    database = sqlite3.connect(path)
    database.execute("PRAGMA synchronous = OFF")
    for (trigger,) in database.execute(
        "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    ).fetchall():
        database.execute(f'DROP TRIGGER "{trigger}"')
    for statement in statements:
        database.execute(statement)
    database.commit()
    database.close()
    return path


@pytest.mark.parametrize(
    ("statement", "word"),
    [
        ("UPDATE arcs SET tail = 99 WHERE fid = 2", "row 2, field tail"),
        ("UPDATE arcs SET length_m = -1 WHERE fid = 1", "row 1, field length_m"),
        ("UPDATE arcs SET segment = -1 WHERE fid = 1", "field segment"),
        ("UPDATE nodes SET node_id = 1", "node_id"),
        ("UPDATE crossings SET node = 99", "layer crossings, row 1, field node"),
        ("ALTER TABLE arcs DROP COLUMN way", "no field way"),
        ("UPDATE metadata SET value = '99' WHERE key = 'version'", "version '99'"),
        ("UPDATE arcs SET geom = NULL WHERE fid = 1", "layer arcs"),
    ],
)
def test_a_region_that_contradicts_itself_is_refused(
    region: Region, tmp_path: Path, statement: str, word: str
) -> None:
    save_region(region, tmp_path / "saved.gpkg")
    with pytest.raises(InputError) as caught:
        load_region(altered(tmp_path / "saved.gpkg", statement))
    assert word in str(caught.value)


def test_all_problems_of_a_layer_are_named_together(region: Region, tmp_path: Path) -> None:
    save_region(region, tmp_path / "saved.gpkg")
    altered(tmp_path / "saved.gpkg", "UPDATE arcs SET tail = 99", "UPDATE arcs SET time_s = 0")
    with pytest.raises(InputError) as caught:
        load_region(tmp_path / "saved.gpkg")
    assert len(caught.value.problems) == 2


def test_what_is_no_saved_region(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        load_region(tmp_path / "missing.gpkg")
    text = tmp_path / "text.gpkg"
    text.write_text("<OGRVRTDataSource></OGRVRTDataSource>")
    with pytest.raises(InputError, match="something else"):
        load_region(text)
    cut = tmp_path / "cut.gpkg"
    cut.write_bytes(b"SQLite format 3\x00" + b"\x00" * 500)
    with pytest.raises(InputError, match="GeoPackage"):
        load_region(cut)
    foreign = tmp_path / "foreign.gpkg"
    pyogrio.raw.write(
        foreign,
        np.array([shapely.Point(1, 1).wkb], dtype=object),
        [np.array([1])],
        ["a"],
        layer="things",
        driver="GPKG",
        geometry_type="Point",
        crs="EPSG:4326",
    )
    with pytest.raises(InputError, match="things"):
        load_region(foreign)


def test_a_truncated_region_is_refused(region: Region, tmp_path: Path) -> None:
    path = tmp_path / "saved.gpkg"
    save_region(region, path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputError, match="GeoPackage"):
        load_region(path)


def test_importing_the_room_costs_nothing() -> None:
    heavy = "{'osmnx', 'osmium', 'geopandas', 'pyogrio', 'shapely', 'numpy'}"
    code = f"import sys, optimizer.region; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_is_there() -> None:
    import optimizer.region as room

    assert all(getattr(room, name) is not None for name in room.__all__)
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        _ = room.nothing_of_the_kind  # type: ignore[attr-defined]
