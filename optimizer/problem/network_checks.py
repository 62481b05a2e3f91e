"""What a network must satisfy: shapes, positions, lengths, times and coordinates, each fault with the rows that have it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.base.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from optimizer.problem.network import Network

NAMED = 3
"""Rows at fault that a message shows; the others are counted."""


def network_problems(network: Network, where: str = "network") -> tuple[Problem, ...]:
    """Return every fault of a network; those of its values only where its shapes are right."""
    return tuple(_shape_problems(network, where) or _value_problems(network, where))


def at_fault(
    where: str,
    wrong: NDArray[np.bool_],
    found: Callable[[int], object],
    expected: str,
    remedy: str = "",
) -> list[Problem]:
    """Return one problem for the rows of a table that a mask marks, or none: the first are shown, the others counted.

    Parameters
    ----------
    where
        The table or column.
    wrong
        (rows,) which are at fault.
    found
        Returns what stands in a row, by its position.
    expected, remedy
        As in `Problem`.
    """
    rows = np.flatnonzero(wrong)
    if not rows.size:
        return []
    shown = ", ".join(f"{found(row)} at position {row}" for row in rows[:NAMED].tolist())
    more = f", and {rows.size - NAMED} more" if rows.size > NAMED else ""
    return [Problem(where, shown + more, expected, remedy)]


def above_zero_problems(where: str, values: NDArray[np.float64], unit: str) -> list[Problem]:
    """Return the problem of a column whose values are not finite numbers above 0."""
    wrong = ~(np.isfinite(values) & (values > 0))
    return at_fault(
        where, wrong, lambda row: f"{values[row]:g}", f"finite {unit} above 0", "Correct or drop these rows"
    )


def position_problems(where: str, values: NDArray[Any], n: int, what: str) -> list[Problem]:
    """Return the problem of a column that does not hold positions from 0 to n - 1."""
    if values.size and values.dtype.kind not in "iu":
        found = f"{values.dtype} values"
        return [Problem(where, found, f"whole numbers: positions of {what}", "Give positions, not ids")]
    wrong = (values < 0) | (values >= n)
    remedy = "Positions count from 0; none is negative"
    return at_fault(where, wrong, lambda row: values[row], f"positions of {what} from 0 to {n - 1}", remedy)


def repeated_problems(where: str, ids: NDArray[Any], expected: str = "each id once") -> list[Problem]:
    """Return the problem of ids that occur more than once."""
    if ids.dtype.kind in "UO" and len(set(ids.tolist())) == ids.size:  # faster than sorting text
        return []
    _, first, inverse = np.unique(ids, return_index=True, return_inverse=True)
    again = first[inverse] != np.arange(ids.size)
    return at_fault(where, again, lambda row: f"{ids[row].item()!r} again", expected, "Rename or drop the repetitions")


def _shape_problems(network: Network, where: str) -> list[Problem]:
    n, m = np.size(network.node_id), np.size(network.tail)
    wanted: dict[str, tuple[int, ...]] = {
        **dict.fromkeys(("node_id", "lon", "lat"), (n,)),
        **dict.fromkeys(("tail", "head", "length_m", "time_s", "road_class", "name", "way", "segment"), (m,)),
    }
    problems = [
        Problem(
            f"{where}, {name}", f"shape {np.shape(getattr(network, name))}", f"shape {shape}", "Give one value a row"
        )
        for name, shape in wanted.items()
        if np.shape(getattr(network, name)) != shape
    ]
    lines = network.polylines
    starts, rows = (np.shape(lines.start), (m + 1,)) if lines.line is None else (np.shape(lines.line), (m,))
    if starts != rows:
        problems.append(Problem(f"{where}, shape_start", f"shape {starts}", f"shape {rows}", "Give one value a row"))
    points = np.shape(lines.points.values)
    if len(points) != 2 or points[1] != 2:
        problems.append(Problem(f"{where}, shape", f"shape {points}", "shape (points, 2): longitude and latitude"))
    if not n:
        problems.append(Problem(f"{where}, node_id", "no nodes", "at least one", "Check where the network comes from"))
    return problems


def _value_problems(network: Network, where: str) -> list[Problem]:
    n, m = network.node_id.size, network.tail.size
    segment, start = network.segment, network.polylines.start
    points = network.polylines.points.degrees()
    on_globe = "longitudes in [-180, 180] and latitudes in [-90, 90]"
    degrees = "Give degrees in WGS 84 (EPSG:4326), longitude first"
    problems = [
        *repeated_problems(f"{where}, node_id", np.asarray(network.node_id)),
        *at_fault(
            f"{where}, lon and lat",
            ~_on_globe(network.lon, network.lat),
            lambda row: f"{network.lon[row]:g}, {network.lat[row]:g}",
            on_globe,
            degrees,
        ),
        *position_problems(f"{where}, tail", network.tail, n, "nodes"),
        *position_problems(f"{where}, head", network.head, n, "nodes"),
        *above_zero_problems(f"{where}, length_m", network.length_m, "metres"),
        *above_zero_problems(f"{where}, time_s", network.time_s, "seconds"),
        *position_problems(f"{where}, segment", segment, max(m, 1), "segments"),
        *at_fault(
            f"{where}, shape",
            ~_on_globe(points[:, 0], points[:, 1]),
            lambda row: f"{points[row, 0]:g}, {points[row, 1]:g}",
            on_globe,
            degrees,
        ),
    ]
    if start[0] != 0 or start[-1] != len(points) or (np.diff(start) < 2).any():
        found = f"lines that begin at {start[0]} and end at {start[-1]}, the shortest of {np.diff(start).min(initial=2)} points"
        expected = f"lines from 0 to {len(points)}, each of two points or more"
        problems.append(Problem(f"{where}, shape_start", found, expected))
    if not problems and m and np.bincount(segment).min() == 0:
        missing = int(np.argmin(np.bincount(segment)))
        found = f"numbers up to {segment.max()} without {missing}"
        problems.append(Problem(f"{where}, segment", found, "numbers from 0 without gaps", "Number the segments anew"))
    return problems


def _on_globe(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.asarray((np.abs(lon) <= 180) & (np.abs(lat) <= 90))  # NaN is not
