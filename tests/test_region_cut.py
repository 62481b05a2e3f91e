"""Where ways cross a border, against exact arithmetic on fractions."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
import shapely
from hypothesis import assume, given
from hypothesis import strategies as st
from shapely.geometry.base import BaseGeometry

from optimizer.problem.network.polylines import GRID, LonLat
from optimizer.region.border import cut_ways
from optimizer.region.ways import Points, Ways
from tests.examples import examples

Point = tuple[int, int]
STEP = 1000
"""Grid steps between two points of a test: leaves room for crossings between them."""


def ways_of(*lines: Sequence[Point]) -> Ways:
    """Return ways 1, 2, ... through integer points; equal points are one point."""
    corners = list(dict.fromkeys(point for line in lines for point in line))
    position = {corner: number for number, corner in enumerate(corners)}
    lonlat = np.array(corners, dtype=np.float64).reshape(-1, 2) * STEP / GRID
    count = len(lines)
    return Ways(
        points=Points(
            np.arange(1, len(corners) + 1), LonLat.of(lonlat), np.zeros(len(corners), dtype=bool)
        ),
        start=np.concatenate(([0], np.cumsum([len(line) for line in lines]))).astype(np.int64),
        point=np.array([position[point] for line in lines for point in line], dtype=np.int64),
        way=np.arange(1, count + 1),
        road_class=np.full(count, "primary"),
        name=np.full(count, ""),
        ref=np.full(count, ""),
        forward=np.ones(count, dtype=bool),
        backward=np.ones(count, dtype=bool),
        speed_kmh=np.full(count, 50.0),
        length_m=np.full(count, np.nan),
        time_s=np.full(count, np.nan),
    )


def border(*points: Point) -> shapely.LineString:
    return shapely.LineString(np.array(points) * STEP / GRID)


def crossings(
    line: BaseGeometry, *lines: Sequence[Point]
) -> tuple[list[tuple[int, float, float]], list[str]]:
    """Return (way, x, y) of each crossing in units of the test, and what was dropped as
    `way reason`.
    """
    cut = cut_ways(ways_of(*lines), line)
    ways, cuts, dropped = cut.ways, cut.cuts, cut.dropped
    assert all(ways.points.joint[cut.point] for cut in cuts)
    unit = GRID / STEP
    lonlat = ways.points.lonlat.degrees() * unit
    found = [(int(ways.way[cut.line]), *lonlat[cut.point].tolist()) for cut in cuts]
    return [(way, round(x, 9), round(y, 9)) for way, x, y in found], [
        f"{item.what}: {item.reason}" for item in dropped
    ]


SQUARE = border((0, 0), (10, 0), (10, 10), (0, 10), (0, 0))


def test_a_road_through_a_country_crosses_twice() -> None:
    assert crossings(SQUARE, [(-5, 5), (15, 5)]) == ([(1, 0, 5), (1, 10, 5)], [])


def test_new_points_are_numbered_below_zero_in_order_of_the_ways() -> None:
    cut = cut_ways(ways_of([(-5, 5), (15, 5)], [(5, -5), (5, 5)]), SQUARE)
    ways, cuts = cut.ways, cut.cuts
    assert [int(ways.points.id[cut.point]) for cut in cuts] == [-1, -2, -3]


def test_two_ways_that_cut_the_border_at_one_node_make_two_crossings_there() -> None:
    found, dropped = crossings(SQUARE, [(-5, 5), (0, 5), (5, 5)], [(-5, 6), (0, 5), (5, 4)])
    assert found == [(1, 0, 5), (2, 0, 5)]
    assert dropped == []


def test_a_road_split_at_the_border_crosses_once() -> None:
    found, dropped = crossings(SQUARE, [(-5, 5), (0, 5)], [(0, 5), (5, 5)])
    assert found == [(1, 0, 5)]
    assert dropped == ["way 2: meets the border where another way's crossing stands"]


def test_a_side_road_at_a_crossing_on_the_border() -> None:
    found, dropped = crossings(SQUARE, [(-5, 5), (0, 5), (5, 5)], [(0, 5), (5, 7)])
    assert found == [(1, 0, 5)]
    assert dropped == ["way 2: meets the border where another way's crossing stands"]


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ([(5, 5), (0, 5), (5, 6)], "touches"),
        ([(5, 5), (10, 10), (5, 6)], "touches"),
        ([(-5, 5), (5, -5)], "touches"),
        ([(5, 5), (0, 5)], "ends at"),
        ([(0, 5), (5, 5)], "ends at"),
        ([(5, 5), (0, 5), (0, 7), (5, 7)], "runs along"),
        ([(0, 3), (0, 7)], "runs along"),
        ([(0, -5), (0, 15)], "runs along"),
    ],
)
def test_contacts_that_are_no_crossing(line: list[Point], word: str) -> None:
    found, dropped = crossings(SQUARE, line)
    assert found == []
    assert dropped
    assert all(word in reason for reason in dropped)


@pytest.mark.parametrize(
    "line",
    [
        [(-5, 5), (0, 5), (0, 7), (5, 7)],
        [(-5, -5), (5, 5)],
        [(-5, 0), (5, 0), (5, 5)],
        [(-5, 10), (5, 10), (5, 5)],
    ],
)
def test_crossings_through_corners_and_along_the_border(line: list[Point]) -> None:
    assert len(crossings(SQUARE, line)[0]) == 1


def test_a_ring_road_from_a_node_on_the_border() -> None:
    found, _ = crossings(SQUARE, [(0, 5), (5, 5), (5, 12), (-5, 12), (0, 5)])
    assert sorted(found) == [(1, 0, 5), (1, 5, 10)]


def test_a_plain_line_is_crossed_too_but_not_past_its_end() -> None:
    line = border((0, 0), (10, 0))
    assert crossings(line, [(5, -5), (5, 5)]) == ([(1, 5, 0)], [])
    assert crossings(line, [(11, -5), (11, 5)]) == ([], [])
    assert crossings(line, [(10, -5), (10, 5)])[0] == []


def test_a_border_of_several_lines() -> None:
    lines = shapely.union_all([border((0, -5), (0, 5)), border((3, -5), (3, 5))])
    assert [way for way, *_ in crossings(lines, [(-5, 0), (5, 0)])[0]] == [1, 1]


def test_string_ids_stay_unique() -> None:
    ways = ways_of([(-5, 5), (15, 5)])
    points = Points(np.array(["border-1", "b"]), ways.points.lonlat, ways.points.joint)
    cut = cut_ways(Ways(**{**vars(ways), "points": points}), SQUARE).ways
    assert len(set(cut.points.id.tolist())) == 4


def inside(ring: Sequence[Point], x: Fraction, y: Fraction) -> bool | None:
    """Whether a point lies inside a ring; None on it. Counts the edges that a ray to
    the right meets.
    """
    odd = False
    for (ax, ay), (bx, by) in pairwise(ring):
        cross = (bx - ax) * (y - ay) - (by - ay) * (x - ax)
        if cross == 0 and min(ax, bx) <= x <= max(ax, bx) and min(ay, by) <= y <= max(ay, by):
            return None
        if (ay > y) != (by > y) and x < ax + (bx - ax) * (y - ay) / Fraction(by - ay):
            odd = not odd
    return odd


def changes_of_side(ring: Sequence[Point], line: Sequence[Point]) -> int:
    """Count how often a line changes between inside and outside, looking at a point
    between every two contacts.
    """
    sides = []
    for (px, py), (qx, qy) in pairwise(line):
        cuts = {Fraction(0), Fraction(1)}
        for (ax, ay), (bx, by) in pairwise(ring):
            turn = (qx - px) * (by - ay) - (qy - py) * (bx - ax)
            if turn:
                cuts.add(Fraction((ax - px) * (by - ay) - (ay - py) * (bx - ax), turn))
            else:
                square = (qx - px) ** 2 + (qy - py) ** 2
                cuts.update(
                    Fraction((x - px) * (qx - px) + (y - py) * (qy - py), square)
                    for x, y in ((ax, ay), (bx, by))
                )
        inner = sorted(cut for cut in cuts if 0 <= cut <= 1)
        middles = [(low + high) / 2 for low, high in pairwise(inner)]
        sides += [
            inside(ring, px + middle * (qx - px), py + middle * (qy - py)) for middle in middles
        ]
    known = [side for side in sides if side is not None]
    return sum(before != after for before, after in pairwise(known))


@st.composite
def rings(draw: st.DrawFn) -> list[Point]:
    """Rings round (0, 0) with one corner in each of some directions: they never cross
    themselves.
    """
    directions = [
        (2, 0),
        (2, 1),
        (1, 1),
        (1, 2),
        (0, 2),
        (-1, 2),
        (-1, 1),
        (-2, 1),
        (-2, 0),
        (-1, -1),
        (0, -2),
        (1, -2),
    ]
    corners = [(x * size, y * size) for x, y in directions for size in [draw(st.integers(1, 3))]]
    return [*corners, corners[0]]


points = st.tuples(st.integers(-7, 7), st.integers(-7, 7))
lines = st.lists(points, min_size=2, max_size=8).map(
    lambda line: [line[0], *(after for before, after in pairwise(line) if after != before)]
)


@pytest.mark.slow
@examples(300)
@given(rings(), lines)
def test_crossings_are_the_changes_of_side(ring: list[Point], line: list[Point]) -> None:
    assume(len(line) > 1)
    assume(line[0] != line[-1])  # a closed line is judged at its own end as well
    assert len(crossings(border(*ring), line)[0]) == changes_of_side(ring, line)


@examples(150)
@given(rings(), lines)
def test_a_line_cut_at_its_crossings_lies_on_one_side_between_them(
    ring: list[Point], line: list[Point]
) -> None:
    assume(len(line) > 1)
    cut = cut_ways(ways_of(line), border(*ring))
    ways, cuts = cut.ways, cut.cuts
    used = {cut.point for cut in cuts}
    country = shapely.Polygon(np.array(ring) * STEP / GRID)
    rim = country.boundary.buffer(1e-9)
    entries = ways.point.tolist()
    breaks = [
        0,
        *(i for i, point in enumerate(entries) if point in used and 0 < i < len(entries) - 1),
        len(entries) - 1,
    ]
    for first, last in pairwise(breaks):
        part = shapely.LineString(ways.points.lonlat.degrees(ways.point[first : last + 1]))
        off_rim = part.difference(rim)
        assert min(off_rim.intersection(country).length, off_rim.difference(country).length) < 1e-9


@examples(100)
@given(rings(), lines)
def test_the_way_it_is_drawn_changes_nothing(ring: list[Point], line: list[Point]) -> None:
    assume(len(line) > 1)
    drawn = sorted(crossings(border(*ring), line)[0])
    for other in (crossings(border(*ring), line[::-1])[0], crossings(border(*ring[::-1]), line)[0]):
        assert len(other) == len(drawn)


@examples(100)
@given(rings(), lines)
def test_every_way_that_meets_the_border_is_a_crossing_or_dropped(
    ring: list[Point], line: list[Point]
) -> None:
    assume(len(line) > 1)
    found, dropped = crossings(border(*ring), line)
    meets = (
        any(inside(ring, Fraction(x), Fraction(y)) is None for x, y in line)
        or changes_of_side(ring, line) > 0
    )
    assert not meets or found or dropped
    if not shapely.LineString(line).intersects(shapely.LineString(ring)):
        assert not found
        assert not dropped
