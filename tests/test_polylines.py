"""Points on the grid and off it, and lines that the two directions of a road share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from numpy.typing import NDArray

from optimizer.problem.network.polylines import GRID, LonLat, Polylines
from optimizer.region import read_region
from tests.standin import sample_world

on_grid = st.integers(-180 * GRID, 180 * GRID).map(lambda step: step / GRID)
anywhere = st.floats(-400, 400) | st.sampled_from([np.nan, np.inf, 1 / 3, 1e-300])


@st.composite
def places(draw: st.DrawFn, least: int = 0) -> NDArray[np.float64]:
    """Return points: all on the grid, a few off it, or anywhere."""
    pairs = st.lists(st.tuples(on_grid, on_grid), min_size=least, max_size=20)
    points = np.array(draw(pairs), dtype=np.float64).reshape(-1, 2)
    for row in draw(st.lists(st.integers(0, max(len(points) - 1, 0)), max_size=len(points))):
        points[row, draw(st.integers(0, 1))] = draw(anywhere)
    return points


@given(points=places(), more=places(), data=st.data())
def test_points_come_back_to_the_bit(
    points: NDArray[np.float64], more: NDArray[np.float64], data: st.DataObject
) -> None:
    kept = LonLat.of(points)
    assert len(kept) == len(points)
    assert_array_equal(kept.degrees(), points)
    longer, both = kept.with_more(more), np.concatenate((points, more))
    assert_array_equal(longer.degrees(), both)
    at = np.array(
        data.draw(st.lists(st.integers(0, max(len(both) - 1, 0)), max_size=30 * bool(len(both)))),
        dtype=int,
    )
    assert_array_equal(longer.degrees(at), both[at])
    assert_array_equal(
        longer.gathered([at, at[::-1]], 2 * at.size).degrees(), both[np.append(at, at[::-1])]
    )
    finite = at[np.isfinite(both[at]).all(axis=1)]
    assert_array_equal(longer.steps(finite), np.rint(both[finite] * GRID).astype(np.int64))


def test_points_on_the_grid_take_half_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    points = np.random.default_rng(1).integers(-80 * GRID, 80 * GRID, (100, 2)) / GRID
    points[7] += 1e-9
    assert LonLat.of(points).values.dtype == np.int32
    assert LonLat.of(points).off.tolist() == [7]
    assert LonLat.of(points + 1e-9).values.dtype == np.float64
    monkeypatch.setattr("optimizer.problem.network.polylines.PORTION", 7)
    points[[0, 6, 99]] += 1e-9
    assert LonLat.of(points).off.tolist() == [0, 6, 7, 99]
    assert_array_equal(LonLat.of(points).degrees(), points)


@given(points=places(least=8), data=st.data())
def test_lines_that_arcs_share_are_those_of_arcs_apart(
    points: NDArray[np.float64], data: st.DataObject
) -> None:
    start = np.unique(
        [0, *data.draw(st.lists(st.integers(2, len(points) - 2), max_size=3)), len(points)]
    )
    start = start[np.append(True, np.diff(start) >= 2)]
    start[-1] = len(points)
    lines = np.split(points, start[1:-1])
    plain = Polylines.of(start, points)
    arcs = np.array(data.draw(st.lists(st.integers(0, len(lines) - 1), min_size=1, max_size=8)))
    back = np.array(data.draw(st.lists(st.booleans(), min_size=arcs.size, max_size=arcs.size)))
    some = plain.take(arcs, back)
    wanted = [
        lines[arc][::-1] if turned else lines[arc] for arc, turned in zip(arcs, back, strict=True)
    ]
    again = np.arange(arcs.size)[::-1]
    for found, expected in (
        (some, wanted),
        (some.own(), wanted),
        (some.take(again), wanted[::-1]),
        (some.take(again, np.ones(arcs.size, dtype=bool)), [line[::-1] for line in wanted[::-1]]),
    ):
        assert len(found) == arcs.size
        assert_array_equal(found.shape(), np.concatenate(expected))
        assert (
            found.count.tolist()
            == np.diff(found.shape_start).tolist()
            == [len(line) for line in expected]
        )
        assert_array_equal(found.nth(1), [line[1] for line in expected])
    assert some.points is plain.points


def test_lines_are_drawn_as_arcs_run() -> None:
    lines = Polylines.of(
        np.array([0, 2, 5]), np.array([[0.0, 0], [1, 1], [2, 2], [3, 2], [1 / 3, 0]])
    )
    drawn = lines.take(np.array([1, 0]), np.array([True, False])).drawn()
    assert drawn.tolist() == [
        shapely.LineString([(1 / 3, 0), (3, 2), (2, 2)]),
        shapely.LineString([(0, 0), (1, 1)]),
    ]


def test_both_directions_of_a_road_share_their_line(tmp_path: Path) -> None:
    network = read_region(
        sample_world().save(tmp_path / "world.osm"), modes=["drive", "track"]
    ).network
    assert network.n_segments < network.n_arcs
    assert network.polylines.start.size - 1 == network.n_segments
    assert network.polylines.points.values.dtype == np.int32
    at = network.shape_start
    assert_array_equal(
        network.shape[at[:-1]], np.column_stack((network.lon, network.lat))[network.tail]
    )
    assert_array_equal(
        network.shape[at[1:] - 1], np.column_stack((network.lon, network.lat))[network.head]
    )
