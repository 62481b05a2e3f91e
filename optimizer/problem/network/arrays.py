"""Networks from bare arrays: defaults, which arcs are two directions of one segment,
and what arrays must satisfy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.text.messages import shortened
from optimizer.problem.network.polylines import Polylines
from optimizer.problem.network.road_classes import DEFAULT_KMH

if TYPE_CHECKING:
    from optimizer.problem.network.network import Network

_ARC_KINDS = (("road_class", np.str_), ("name", np.str_), ("way", np.int64), ("segment", np.int32))


def arc_arrays(
    tail: ArrayLike,
    head: ArrayLike,
    length_m: ArrayLike,
    time_s: ArrayLike | None,
    **given: ArrayLike | None,
) -> dict[str, Any]:
    """Return the fields of a network by name; parameters are those of
    `Network.from_arrays`.

    Raises
    ------
    InputError
        With every column that has another shape, or values of another type.
    """
    fields: dict[str, Any] = _ends(tail, head, given["node_id"])
    n, m = fields["node_id"].size, fields["tail"].size
    problems = ProblemList()
    measures = [
        ("lon", given["lon"], n),
        ("lat", given["lat"], n),
        ("length_m", length_m, m),
        ("time_s", time_s, m),
    ]
    for name, values, size in measures:
        with problems.collected():
            if values is not None:
                fields[name] = float_column(name, values, size)
    for name, kind in _ARC_KINDS:
        with problems.collected():
            if given[name] is not None:
                fields[name] = broadcast(name, np.asarray(given[name]), m).astype(kind)
    if (given["shape"] is None) != (given["shape_start"] is None):
        problems.add("shape", "one of shape and shape_start", "both, or neither for straight lines")
    problems.raise_if_any()
    if time_s is None:
        fields["time_s"] = default_time_s(fields["length_m"], fields["road_class"])
    if given["shape"] is None or given["shape_start"] is None:
        lonlat = np.column_stack((fields["lon"], fields["lat"]))
        start, shape = straight_lines(lonlat, fields["tail"], fields["head"])
    else:
        start = np.asarray(given["shape_start"], dtype=np.int64)
        shape = np.asarray(given["shape"], dtype=np.float64)
    if "segment" not in fields:
        fields["segment"] = _segments(fields, start, shape)
    return {**fields, "polylines": Polylines.of(start, shape)}


def _ends(tail: ArrayLike, head: ArrayLike, node_id: ArrayLike | None) -> dict[str, NDArray[Any]]:
    """Return the columns `tail`, `head` and `node_id`, positions within range."""
    problems = ProblemList()
    fields: dict[str, NDArray[Any]] = {}
    for name, ends in (("tail", tail), ("head", head)):
        with problems.collected():
            fields[name] = node_positions(name, ends)
    problems.raise_if_any()
    m = fields["tail"].size
    if m == 0:
        raise InputError(
            Problem("tail", "no arcs", "at least one arc", "Check where the arrays come from")
        )
    if fields["head"].size != m:
        raise InputError(Problem("head", f"{fields['head'].size} values", f"{m}, as many as tail"))
    fields["node_id"] = (
        np.arange(1 + max(fields["tail"].max(), fields["head"].max()))
        if node_id is None
        else np.asarray(node_id)
    )
    for name in ("tail", "head"):
        for problem in position_problems(name, fields[name], fields["node_id"].size, "nodes"):
            problems.append(problem)
    problems.raise_if_any()
    return fields


def _segments(
    fields: dict[str, NDArray[Any]], start: NDArray[np.int64], shape: NDArray[np.float64]
) -> NDArray[np.int32]:
    """Return the segments of arcs by way, length and, where lines are of the right form, line."""
    length = np.nan_to_num(fields["length_m"] * 1000, posinf=0.0, neginf=0.0)
    alike = [fields["way"], np.round(length).astype(np.int64)]
    if (
        start.shape == (fields["tail"].size + 1,)
        and shape.ndim == 2
        and start[0] == 0
        and start[-1] == len(shape)
    ):
        alike += (
            line_signature(start, shape)
            if np.isfinite(shape).all() and (np.diff(start) >= 0).all()
            else []
        )
    return paired_segments(fields["tail"], fields["head"], alike)


def float_column(where: str, values: ArrayLike | None, size: int) -> NDArray[np.float64]:
    """Return a column of numbers; one number stands for every row.

    Raises
    ------
    InputError
        If the values are no numbers or of another shape.
    """
    try:
        column = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(Problem(where, str(error)[:80], "numbers", "Convert them first")) from None
    return np.ascontiguousarray(broadcast(where, column, size))


def broadcast(where: str, column: NDArray[Any], size: int) -> NDArray[Any]:
    """Return a column with one value a row; a single value stands for every row.

    Raises
    ------
    InputError
        If it has another number of rows.
    """
    if column.ndim == 0:
        return np.full(size, column[()])
    if column.shape != (size,):
        raise InputError(
            Problem(where, f"shape {column.shape}", f"shape ({size},), or a single value")
        )
    return column


def node_positions(where: str, values: ArrayLike) -> NDArray[np.int32]:
    """Return node positions as the network keeps them.

    Raises
    ------
    InputError
        If they are no whole numbers in one dimension, or one is negative.
    """
    column = np.asarray(values)
    if column.ndim != 1:
        raise InputError(Problem(where, f"shape {column.shape}", "one dimension"))
    if column.size and column.dtype.kind not in "iu":
        found = f"{column.dtype} values"
        raise InputError(
            Problem(where, found, "whole numbers: positions of nodes", "Give positions, not ids")
        )
    remedy = "Positions count from 0; none is negative"
    wrong = (column < 0) | (column > np.iinfo(np.int32).max)
    if problems := at_fault(
        where, wrong, lambda row: column[row], "positions of nodes, from 0", remedy
    ):
        raise InputError(*problems)
    return column.astype(np.int32)


def default_time_s(
    length_m: NDArray[np.float64], road_class: NDArray[np.str_]
) -> NDArray[np.float64]:
    """Return (m,) seconds at the default speed of each class; a class without one
    counts as `road`.
    """
    classes, which = np.unique(road_class, return_inverse=True)
    speed = np.array([DEFAULT_KMH.get(str(name), DEFAULT_KMH["road"]) for name in classes])
    return np.asarray(length_m / (speed[which] / 3.6))


def straight_lines(
    lonlat: NDArray[np.float64], tail: NDArray[np.int32], head: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return `shape_start` and `shape` of arcs drawn straight from node to node."""
    return (
        np.arange(0, 2 * tail.size + 1, 2, dtype=np.int64),
        lonlat[np.column_stack((tail, head)).ravel()],
    )


def paired_segments(
    tail: NDArray[np.int32], head: NDArray[np.int32], alike: Sequence[NDArray[np.int64]]
) -> NDArray[np.int32]:
    """Return the (m,) segment of each arc, numbered as segments first appear: an arc
    and one that runs back are one segment.

    Of several parallel arcs the first there pairs with the first back, the second with
    the second. Loops pair with nothing.

    Parameters
    ----------
    tail, head
        (m,) node positions.
    alike
        Whole numbers (m,) each, all of which must agree between the two directions of a
        segment.
    """
    # A segment is two arcs of one group (the same ends and alike) that run to and fro
    # and are each the k-th of their direction. So the k-th forward arc of a group and
    # the k-th backward arc get one number: the group and k. Loops count as forward
    # alone and pair with nothing.
    forward = tail <= head
    low, high = np.minimum(tail, head).astype(np.int64), np.maximum(tail, head).astype(np.int64)
    group = _grouped([low * (int(high.max(initial=0)) + 1) + high, *alike])
    turn = _rank(2 * group + forward)
    pair = group * (int(turn.max(initial=0)) + 1) + turn
    _, first, inverse = np.unique(pair, return_index=True, return_inverse=True)
    number = np.empty(first.size, dtype=np.int32)
    number[np.argsort(first, kind="stable")] = np.arange(first.size, dtype=np.int32)
    return number[inverse]


def line_signature(
    shape_start: NDArray[np.int64], shape: NDArray[np.float64]
) -> list[NDArray[np.int64]]:
    """Return whole numbers (m,) that are the same for a line and the line turned round:
    its number of points and sums of its coordinates.
    """
    units = np.round(shape * 1e8).astype(np.int64)
    total = np.vstack((np.zeros((1, 2), dtype=np.int64), np.cumsum(units, axis=0)))
    # exact: whole numbers wrap around without loss
    sums = total[shape_start[1:]] - total[shape_start[:-1]]
    return [np.diff(shape_start), sums[:, 0], sums[:, 1]]


def _grouped(columns: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Return (m,) numbers that are equal exactly where all columns are: one sort of a
    hash of the rows, and a look whether rows collided.
    """
    code = np.zeros(columns[0].size, dtype=np.uint64)
    # Fibonacci hashing (2^64 over the golden ratio): one sort of integers is enough for
    # any number of columns.
    for column in columns:
        code = (code ^ column.astype(np.int64).view(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
        code ^= code >> np.uint64(32)
    _, first, group = np.unique(code, return_index=True, return_inverse=True)
    if all(np.array_equal(column, column[first[group]]) for column in columns):
        return group.astype(np.int64)
    return (
        np.unique(np.column_stack(columns), axis=0, return_inverse=True)[1].astype(np.int64).ravel()
    )


def _rank(code: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many earlier rows have the same code."""
    order = np.argsort(code, kind="stable")
    ordered = code[order]
    begins = np.ones(code.size, dtype=bool)
    begins[1:] = ordered[1:] != ordered[:-1]
    since = np.arange(code.size)
    rank = np.empty(code.size, dtype=np.int64)
    rank[order] = since - np.maximum.accumulate(np.where(begins, since, 0))
    return rank


ROWS_NAMED = 3
"""Rows at fault that a message shows; the others are counted."""


def network_problems(network: Network) -> tuple[Problem, ...]:
    """Return every fault of a network; those of its values only where its shapes are right."""
    return tuple(_shape_problems(network) or _value_problems(network))


def at_fault(
    where: str,
    wrong: NDArray[np.bool_],
    found: Callable[[int], object],
    expected: str,
    remedy: str = "",
) -> list[Problem]:
    """Return one problem for the rows of a table that a mask marks, or none: the first
    are shown, the others counted.

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
    first = [f"{found(row)} at position {row}" for row in rows[:ROWS_NAMED].tolist()]
    return [Problem(where, str(shortened(first, ROWS_NAMED, rows.size)), expected, remedy)]


def above_zero_problems(where: str, values: NDArray[np.float64], unit: str) -> list[Problem]:
    """Return the problem of a column whose values are not finite numbers above 0."""
    wrong = ~(np.isfinite(values) & (values > 0))
    return at_fault(
        where,
        wrong,
        lambda row: f"{values[row]:.10g}",
        f"finite {unit} above 0",
        "Correct or drop these rows",
    )


def positions(values: ArrayLike) -> NDArray[Any]:
    """Return a list of positions as an array of whole numbers where it is empty, else
    as it is.
    """
    column = np.atleast_1d(np.asarray(values))
    return column if column.size else column.astype(np.int64)


def position_problems(where: str, values: NDArray[Any], n: int, what: str) -> list[Problem]:
    """Return the problem of a column that does not hold positions from 0 to n - 1."""
    if values.ndim != 1:
        return [Problem(where, f"shape {values.shape}", "a list of positions")]
    if values.size and values.dtype.kind not in "iu":
        found = f"{values.dtype} values"
        return [
            Problem(where, found, f"whole numbers: positions of {what}", "Give positions, not ids")
        ]
    wrong = (values < 0) | (values >= n)
    remedy = "Positions count from 0; none is negative"
    return at_fault(
        where, wrong, lambda row: values[row], f"positions of {what} from 0 to {n - 1}", remedy
    )


def repeated_problems(
    where: str, ids: NDArray[Any], expected: str = "each id once"
) -> list[Problem]:
    """Return the problem of ids that occur more than once."""
    if ids.dtype.kind in "UO" and len(set(ids.tolist())) == ids.size:  # faster than sorting text
        return []
    _, first, inverse = np.unique(ids, return_index=True, return_inverse=True)
    again = first[inverse] != np.arange(ids.size)
    return at_fault(
        where,
        again,
        lambda row: f"{ids[row].item()!r} again",
        expected,
        "Rename or drop the repetitions",
    )


def _shape_problems(network: Network) -> list[Problem]:
    n, m = np.size(network.node_id), np.size(network.tail)
    wanted: dict[str, tuple[int, ...]] = {
        **dict.fromkeys(("node_id", "lon", "lat"), (n,)),
        **dict.fromkeys(
            ("tail", "head", "length_m", "time_s", "road_class", "name", "way", "segment"), (m,)
        ),
    }
    problems = [
        Problem(
            f"network, {name}",
            f"shape {np.shape(getattr(network, name))}",
            f"shape {shape}",
            "Give one value a row",
        )
        for name, shape in wanted.items()
        if np.shape(getattr(network, name)) != shape
    ]
    lines = network.polylines
    starts, rows = (
        (np.shape(lines.start), (m + 1,)) if lines.line is None else (np.shape(lines.line), (m,))
    )
    if starts != rows:
        problems.append(
            Problem(
                "network, shape_start", f"shape {starts}", f"shape {rows}", "Give one value a row"
            )
        )
    points = np.shape(lines.points.values)
    if len(points) != 2 or points[1] != 2:
        problems.append(
            Problem(
                "network, shape", f"shape {points}", "shape (points, 2): longitude and latitude"
            )
        )
    if not n:
        problems.append(
            Problem(
                "network, node_id", "no nodes", "at least one", "Check where the network comes from"
            )
        )
    return problems


def _value_problems(network: Network) -> list[Problem]:
    n, m = network.node_id.size, network.tail.size
    segment, start = network.segment, network.polylines.start
    points = network.polylines.points.degrees()
    on_globe = "longitudes in [-180, 180] and latitudes in [-90, 90]"
    degrees = "Give degrees in WGS 84 (EPSG:4326), longitude first"
    problems = [
        *repeated_problems("network, node_id", np.asarray(network.node_id)),
        *at_fault(
            "network, lon and lat",
            ~_on_globe(network.lon, network.lat),
            lambda row: f"{network.lon[row]:g}, {network.lat[row]:g}",
            on_globe,
            degrees,
        ),
        *position_problems("network, tail", network.tail, n, "nodes"),
        *position_problems("network, head", network.head, n, "nodes"),
        *above_zero_problems("network, length_m", network.length_m, "metres"),
        *above_zero_problems("network, time_s", network.time_s, "seconds"),
        *position_problems("network, segment", segment, max(m, 1), "segments"),
        *at_fault(
            "network, shape",
            ~_on_globe(points[:, 0], points[:, 1]),
            lambda row: f"{points[row, 0]:g}, {points[row, 1]:g}",
            on_globe,
            degrees,
        ),
    ]
    if start[0] != 0 or start[-1] != len(points) or (np.diff(start) < 2).any():
        found = (
            f"lines that begin at {start[0]} and end at {start[-1]}, the shortest of"
            f" {np.diff(start).min(initial=2)} points"
        )
        expected = f"lines from 0 to {len(points)}, each of two points or more"
        problems.append(Problem("network, shape_start", found, expected))
    if not problems and m and np.bincount(segment).min() == 0:
        missing = int(np.argmin(np.bincount(segment)))
        found = f"numbers up to {segment.max()} without {missing}"
        problems.append(
            Problem(
                "network, segment", found, "numbers from 0 without gaps", "Number the segments anew"
            )
        )
    return problems


def _on_globe(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.asarray((np.abs(lon) <= 180) & (np.abs(lat) <= 90))  # NaN is not
