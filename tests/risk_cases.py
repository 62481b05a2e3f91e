"""Small networks and records for the tests of the risk package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimizer.problem.network.arrays import arc_arrays
from optimizer.problem.network.geodesy import great_circle_m
from optimizer.problem.network.network import Network
from optimizer.records import Effort, Seizures

WEST, SOUTH = 1.5, 42.5


def network_of(
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
    ends: NDArray[np.integer],
    classes: Sequence[str] = (),
) -> Network:
    """Return a network of straight two-way roads between the (m, 2) `ends`."""
    tail, head = np.concatenate((ends[:, 0], ends[:, 1])), np.concatenate((ends[:, 1], ends[:, 0]))
    length = great_circle_m(lon[tail], lat[tail], lon[head], lat[head])
    arrays = arc_arrays(  # loops of no length and nodes without roads are wanted here
        tail,
        head,
        length,
        length / 15,
        node_id=np.arange(lon.size),
        name="",
        way=0,
        shape=None,
        shape_start=None,
        lon=lon,
        lat=lat,
        road_class=np.tile(np.array(classes or ["primary"] * len(ends)), 2),
        segment=np.tile(np.arange(len(ends)), 2),
    )
    return Network(**arrays)


def line_network(n: int, step: float = 0.01, classes: Sequence[str] = ()) -> Network:
    """Return n segments in a row, eastwards along one parallel, `step` degrees each."""
    lon = np.linspace(WEST, WEST + step * n, n + 1)
    return network_of(
        lon, np.full(n + 1, SOUTH), np.column_stack((np.arange(n), np.arange(1, n + 1))), classes
    )


def grid_network(size: int, rng: np.random.Generator, keep: float = 0.7) -> Network:
    """Return a size x size lattice with jittered nodes, some of its segments missing."""
    node = np.arange(size * size).reshape(size, size)
    ends = np.vstack(
        (
            np.column_stack((node[:, :-1].ravel(), node[:, 1:].ravel())),
            np.column_stack((node[:-1].ravel(), node[1:].ravel())),
        )
    )
    lon = WEST + 0.01 * (node.ravel() % size) + rng.normal(0, 0.001, node.size)
    lat = SOUTH + 0.01 * (node.ravel() // size) + rng.normal(0, 0.001, node.size)
    return network_of(lon, lat, ends[rng.random(len(ends)) < keep])


def _rows(k: int, areas: Mapping[str, Sequence[int]]) -> dict[str, Any]:
    return {
        "start": np.full(k, "2023-01-01", dtype="datetime64[D]"),
        "end": np.full(k, "2024-01-01", dtype="datetime64[D]"),
        "area_name": tuple(areas),
        "area_segment": tuple(np.array(members, dtype=np.int64) for members in areas.values()),
        "unused": (),
        "warnings": (),
    }


def records_of(
    at: dict[int | str, float],
    areas: Mapping[str, Sequence[int]] | None = None,
    *,
    units: dict[int | str, str] | None = None,
) -> Seizures:
    """Return seizures by segment number or area name; `units` says whose effort made
    them (one source a unit).
    """
    areas, units = areas or {}, units or {}
    names = tuple(dict.fromkeys(units.get(place, "") for place in at)) or ("",)
    return Seizures.counted(
        count=np.array(list(at.values()), dtype=np.float64),
        segment=np.array([-1 if isinstance(place, str) else place for place in at], dtype=np.int64),
        area=np.array(
            [list(areas).index(place) if isinstance(place, str) else -1 for place in at],
            dtype=np.int64,
        ),
        source=np.array([names.index(units.get(place, "")) for place in at], dtype=np.int64),
        source_name=tuple(f"finds by {name}" for name in names),
        effort_unit=tuple(name or None for name in names),
        **_rows(len(at), areas),
    )


def effort_of(
    at: dict[int | str, float],
    areas: Mapping[str, Sequence[int]] | None = None,
    *,
    units: dict[int | str, str] | None = None,
) -> Effort:
    """Return effort by segment number or area name, in hours or in the unit that `units` gives."""
    areas, units = areas or {}, units or {}
    names = tuple(dict.fromkeys(units.get(place, "hours") for place in at)) or ("hours",)
    return Effort(
        segment=np.array([-1 if isinstance(place, str) else place for place in at], dtype=np.int64),
        area=np.array(
            [list(areas).index(place) if isinstance(place, str) else -1 for place in at],
            dtype=np.int64,
        ),
        source=np.array([names.index(units.get(place, "hours")) for place in at], dtype=np.int64),
        source_name=tuple(f"work in {name}" for name in names),
        amount=np.array(list(at.values()), dtype=np.float64),
        unit=names,
        **_rows(len(at), areas),
    )


def by_segment(values: NDArray[np.float64]) -> dict[int | str, float]:
    """Return the values above zero by segment."""
    return {int(segment): float(values[segment]) for segment in np.flatnonzero(values)}


def rows_of(
    segment: NDArray[np.integer],
    amount: NDArray[np.float64],
    count: NDArray[np.float64],
    *,
    month: NDArray[np.integer] | None = None,
    unit: NDArray[np.integer] | None = None,
) -> tuple[Seizures, Effort]:
    """Return one row of seizures and one of effort for each segment, in months from
    January 2023 and in units 0 and 1 if they are given.
    """
    k = segment.size
    names = ("a",) if unit is None else ("a", "b")
    rows: dict[str, Any] = _rows(k, {}) | {
        "segment": segment.astype(np.int64),
        "area": np.full(k, -1, dtype=np.int64),
        "source": np.zeros(k, dtype=np.int64) if unit is None else unit.astype(np.int64),
        "source_name": names,
    }
    if month is not None:
        one = np.timedelta64(1, "M")
        start = np.datetime64("2023-01", "M") + month * one
        rows |= {
            "start": start.astype("datetime64[D]"),
            "end": (start + one).astype("datetime64[D]"),
        }
    return Seizures.counted(count, **rows, effort_unit=names), Effort(
        **rows, amount=amount, unit=names
    )
