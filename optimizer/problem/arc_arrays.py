"""Networks from bare arrays: defaults for what is not given, and which arcs are two directions of one segment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.problem.network_checks import at_fault, position_problems
from optimizer.problem.polylines import Polylines
from optimizer.problem.road_classes import DEFAULT_KMH

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray


_ARC_KINDS = (("road_class", np.str_), ("name", np.str_), ("way", np.int64), ("segment", np.int32))


def arc_arrays(
    tail: ArrayLike, head: ArrayLike, length_m: ArrayLike, time_s: ArrayLike | None, **given: ArrayLike | None
) -> dict[str, Any]:
    """Return the fields of a network by name; parameters are those of `Network.from_arrays`.

    Raises
    ------
    InputError
        With every column that has another shape, or values of another type.
    """
    fields: dict[str, Any] = _ends(tail, head, given["node_id"])
    n, m = fields["node_id"].size, fields["tail"].size
    problems = ProblemList()
    measures = [("lon", given["lon"], n), ("lat", given["lat"], n), ("length_m", length_m, m), ("time_s", time_s, m)]
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
        raise InputError(Problem("tail", "no arcs", "at least one arc", "Check where the arrays come from"))
    if fields["head"].size != m:
        raise InputError(Problem("head", f"{fields['head'].size} values", f"{m}, as many as tail"))
    fields["node_id"] = (
        np.arange(1 + max(fields["tail"].max(), fields["head"].max())) if node_id is None else np.asarray(node_id)
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
    if start.shape == (fields["tail"].size + 1,) and shape.ndim == 2 and start[0] == 0 and start[-1] == len(shape):
        alike += line_signature(start, shape) if np.isfinite(shape).all() and (np.diff(start) >= 0).all() else []
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
        raise InputError(Problem(where, f"shape {column.shape}", f"shape ({size},), or a single value"))
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
        raise InputError(Problem(where, found, "whole numbers: positions of nodes", "Give positions, not ids"))
    remedy = "Positions count from 0; none is negative"
    wrong = (column < 0) | (column > np.iinfo(np.int32).max)
    if problems := at_fault(where, wrong, lambda row: column[row], "positions of nodes, from 0", remedy):
        raise InputError(*problems)
    return column.astype(np.int32)


def default_time_s(length_m: NDArray[np.float64], road_class: NDArray[np.str_]) -> NDArray[np.float64]:
    """Return (m,) seconds at the default speed of each class; a class without one counts as `road`."""
    classes, which = np.unique(road_class, return_inverse=True)
    speed = np.array([DEFAULT_KMH.get(str(name), DEFAULT_KMH["road"]) for name in classes])
    return np.asarray(length_m / (speed[which] / 3.6))


def straight_lines(
    lonlat: NDArray[np.float64], tail: NDArray[np.int32], head: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return `shape_start` and `shape` of arcs drawn straight from node to node."""
    return np.arange(0, 2 * tail.size + 1, 2, dtype=np.int64), lonlat[np.column_stack((tail, head)).ravel()]


def paired_segments(
    tail: NDArray[np.int32], head: NDArray[np.int32], alike: Sequence[NDArray[np.int64]]
) -> NDArray[np.int32]:
    """Return the (m,) segment of each arc, numbered as segments first appear: an arc and one that runs back are one segment.

    Of several parallel arcs the first there pairs with the first back, the second with the second. Loops pair with nothing.

    Parameters
    ----------
    tail, head
        (m,) node positions.
    alike
        Whole numbers (m,) each, all of which must agree between the two directions of a segment.
    """
    forward = tail <= head
    low, high = np.minimum(tail, head).astype(np.int64), np.maximum(tail, head).astype(np.int64)
    group = _grouped([low * (int(high.max(initial=0)) + 1) + high, *alike])
    turn = _rank(2 * group + forward)
    pair = group * (int(turn.max(initial=0)) + 1) + turn
    _, first, inverse = np.unique(pair, return_index=True, return_inverse=True)
    number = np.empty(first.size, dtype=np.int32)
    number[np.argsort(first, kind="stable")] = np.arange(first.size, dtype=np.int32)
    return number[inverse]


def line_signature(shape_start: NDArray[np.int64], shape: NDArray[np.float64]) -> list[NDArray[np.int64]]:
    """Return whole numbers (m,) that are the same for a line and the line turned round: its number of points and sums of its coordinates."""
    units = np.round(shape * 1e8).astype(np.int64)
    total = np.vstack((np.zeros((1, 2), dtype=np.int64), np.cumsum(units, axis=0)))
    sums = total[shape_start[1:]] - total[shape_start[:-1]]  # exact: whole numbers wrap around without loss
    return [np.diff(shape_start), sums[:, 0], sums[:, 1]]


def _grouped(columns: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Return (m,) numbers that are equal exactly where all columns are: one sort of a hash of the rows, and a look whether rows collided."""
    code = np.zeros(columns[0].size, dtype=np.uint64)
    for column in columns:
        code = (code ^ column.astype(np.int64).view(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
        code ^= code >> np.uint64(32)
    _, first, group = np.unique(code, return_index=True, return_inverse=True)
    if all(np.array_equal(column, column[first[group]]) for column in columns):
        return group.astype(np.int64)
    return np.unique(np.column_stack(columns), axis=0, return_inverse=True)[1].astype(np.int64).ravel()


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
