"""Evaders, options, sites and resources from data frames of pandas or geopandas,
neither of which is imported here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimizer.base.arguments import checked
from optimizer.base.errors import InputError, ProblemList
from optimizer.base.text.names import close_match
from optimizer.problem.instance.evaders import Evader
from optimizer.problem.instance.options import Option, Resource
from optimizer.problem.network.arrays import at_fault
from optimizer.problem.network.geodesy import to_degrees
from optimizer.problem.network.network import Network

USES = "uses:"
"""Beginning of the names of columns that hold amounts of a resource."""
FARTHEST_M = 500.0
"""Metres that a site may lie from its road where nothing else is said."""
_TEXTS = ("site", "agency", "kind", "label", "type")
_MARKS = ("existing", "forced", "forbidden")


@checked
def evaders_from_frame(frame: Any, network: Network) -> tuple[Evader, ...]:  # noqa: ANN401 - pandas
    """Return informed evaders, one a row: `origin` and `destination` (node ids),
    `weight`, and if wanted `id` and `label`.

    Raises
    ------
    InputError
        If a column is missing, a node is none of the network's, or a weight is no
        number from 0.
    """
    columns = frame_columns(frame, "evaders", ("origin", "destination", "weight"), ("id", "label"))
    nodes = [
        _positions(columns[end], network.node_id, f"evaders, {end}")
        for end in ("origin", "destination")
    ]
    weights = _numbers(columns["weight"], "evaders, weight")
    pairs = zip(columns["origin"], columns["destination"], strict=True)
    ids = _texts(columns.get("id"), [f"{one} > {other}" for one, other in pairs])
    labels = _texts(columns.get("label"), [""] * len(ids))
    rows = zip(ids, *(end.tolist() for end in nodes), weights.tolist(), labels, strict=True)
    return tuple(Evader(name, o, d, weight, label=label) for name, o, d, weight, label in rows)


@checked
def resources_from_frame(frame: Any) -> tuple[Resource, ...]:  # noqa: ANN401 - pandas
    """Return resources, one a row: `id`, `budget`, and if wanted `agency`, `unit`,
    `name`.

    Raises
    ------
    InputError
        If a column is missing, or a budget is no number from 0.
    """
    further = ("agency", "unit", "name")
    columns = frame_columns(frame, "resources", ("id", "budget"), further)
    ids = _texts(columns["id"], [])
    budgets = _numbers(columns["budget"], "resources, budget").tolist()
    texts = [_texts(columns.get(name), [""] * len(ids)) for name in further]
    return tuple(Resource(*row) for row in zip(ids, budgets, *texts, strict=True))


@checked
def options_from_frame(
    frame: Any,  # noqa: ANN401 - pandas or geopandas
    network: Network,
    *,
    within_m: float = FARTHEST_M,
) -> tuple[Option, ...]:
    """Return options, in the order in which their ids first appear.

    Parameters
    ----------
    frame
        `id`; where it is: `arc` (position of one arc), or `segment` (all arcs of it),
        or a site, `lon` and `lat` or a geometry of points, which is all arcs of the
        nearest segment; `survival`; if wanted `uses:NAME` (amount of resource NAME),
        `site`, `agency`, `kind`, `label`, `type`, `existing`, `forced`, `forbidden`.
        Rows with the same id are one option with several effects; what is not an effect
        is that of its first row.
    network
        The roads.
    within_m
        Metres that a site may lie from its segment.

    Raises
    ------
    InputError
        If a column is missing, an arc or segment is none of the network's, a survival
        is not in [0, 1), or a site is too far from a road.
    """
    columns = frame_columns(frame, "options", ("id", "survival"), (*_TEXTS, *_MARKS), prefix=USES)
    ids = _texts(columns["id"], [])
    survival = _numbers(columns["survival"], "options, survival", below=1.0)
    watched = _watched(frame, network, within_m)
    uses = {
        name.removeprefix(USES): _numbers(columns[name], f"options, {name}", gap=0.0)
        for name in columns
        if name.startswith(USES)
    }
    effects: dict[str, dict[int, float]] = {}
    first: dict[str, int] = {}
    for row, name in enumerate(ids):
        first.setdefault(name, row)
        for arc in watched[row]:
            effects.setdefault(name, {})[arc] = effects.get(name, {}).get(arc, 1.0) * float(
                survival[row]
            )
    texts = {
        name: _texts(columns.get(name), ["checkpoint" if name == "kind" else ""] * len(ids))
        for name in _TEXTS
    }
    marks = {
        name: [
            not _is_missing(value) and bool(value)
            for value in columns.get(name, [False] * len(ids))
        ]
        for name in _MARKS
    }
    options = []
    for name, row in first.items():
        described: dict[str, Any] = {
            field: values[row] for field, values in (texts | marks).items()
        }
        used = {
            resource: float(amounts[row]) for resource, amounts in uses.items() if amounts[row] > 0
        }
        options.append(
            Option(name, tuple(effects[name]), tuple(effects[name].values()), used, **described)
        )
    return tuple(options)


def frame_columns(
    frame: Any,  # noqa: ANN401 - pandas or geopandas
    where: str,
    required: Sequence[str],
    optional: Sequence[str] = (),
    prefix: str = "",
) -> dict[str, list[Any]]:
    """Return the columns of a frame that are wanted; an index with the name of one
    counts as a column.

    Raises
    ------
    InputError
        If it is no frame, lacks a required column, or has one that is a slip of a known
        one.
    """
    problems = ProblemList()
    if not (hasattr(frame, "columns") and hasattr(frame, "index")):
        problems.add(where, f"a {type(frame).__name__}", "a data frame of pandas or geopandas")
        problems.raise_if_any()
    index = {
        name: frame.index.get_level_values(name).tolist()
        for name in frame.index.names
        if name in {*required, *optional}
    }
    names = [str(name) for name in frame.columns]
    for name in required:
        if name not in names and name not in index:
            near = close_match(name, [each for each in names if each not in {*required, *optional}])
            shown = ", ".join(names[:12]) or "none"
            problems.add(
                f"{where}, columns",
                f"no {name!r} among {shown}",
                f"the columns {', '.join(required)}",
                near,
            )
    problems.raise_if_any()
    wanted = [
        name
        for name in names
        if name in {*required, *optional} or (prefix and name.startswith(prefix))
    ]
    return index | {name: frame[name].tolist() for name in wanted}


def frame_points(frame: Any, where: str) -> NDArray[np.float64] | None:  # noqa: ANN401 - pandas or geopandas
    """Return (k, 2) longitude and latitude of a frame's rows: its columns `lon` and
    `lat`, or else its points; None where it has neither.

    Raises
    ------
    InputError
        If a geometry is no point, or a place is not on the globe.
    """
    if {"lon", "lat"} <= set(frame.columns):
        columns = [
            _numbers(frame[name].tolist(), f"{where}, {name}", lowest=-math.inf)
            for name in ("lon", "lat")
        ]
        return to_degrees(np.column_stack(columns), None, f"{where}, lon and lat")
    if "geometry" not in frame.columns:
        return None
    shapes = frame["geometry"].tolist()
    wrong = np.array(
        [getattr(shape, "geom_type", "") != "Point" or shape.is_empty for shape in shapes],
        dtype=bool,
    )
    problems = at_fault(
        f"{where}, geometry",
        wrong,
        lambda row: getattr(shapes[row], "geom_type", "nothing"),
        "points",
        "Use centroids",
    )
    if problems:
        raise InputError(*problems)
    points = np.array([(shape.x, shape.y) for shape in shapes], dtype=np.float64).reshape(-1, 2)
    return to_degrees(points, getattr(frame, "crs", None), f"{where}, geometry")


def _watched(frame: Any, network: Network, within_m: float) -> list[tuple[int, ...]]:  # noqa: ANN401 - as above
    """Return the arcs of each row."""
    if "arc" in frame.columns:
        arcs = _whole(frame["arc"].tolist(), network.n_arcs, "options, arc", "arcs")
        return [(arc,) for arc in arcs]
    if "segment" in frame.columns:
        return network.arcs_of_each(
            _whole(frame["segment"].tolist(), network.n_segments, "options, segment", "segments")
        )
    points = frame_points(frame, "options")
    if points is None:
        problems = ProblemList()
        found = ", ".join(map(str, frame.columns))
        problems.add(
            "options, columns",
            found,
            "arc, or segment, or lon and lat, or a geometry of points",
            "Say where",
        )
        problems.raise_if_any()
        return []
    segments, metres = network.nearest_segments(points[:, 0], points[:, 1])
    faults = at_fault(
        "options, place",
        metres > within_m,
        lambda row: f"{metres[row]:.0f} m to the nearest road",
        f"sites within {within_m:g} m of a road",
        "Correct the place, or raise within_m",
    )
    if faults:
        raise InputError(*faults)
    return network.arcs_of_each(segments.tolist())


def _positions(names: Sequence[Any], node_id: NDArray[Any], where: str) -> NDArray[np.int64]:
    position = {name: number for number, name in enumerate(node_id.tolist())}
    found = np.array([position.get(name, -1) for name in names], dtype=np.int64)
    problems = at_fault(
        where,
        found < 0,
        lambda row: repr(names[row]),
        "ids of nodes of the network",
        "Look at network.node_id",
    )
    if problems:
        raise InputError(*problems)
    return found


def _whole(values: Sequence[Any], n: int, where: str, what: str) -> list[int]:
    wrong = np.array(
        [
            not (_is_number(value) and 0 <= value < n and float(value).is_integer())
            for value in values
        ],
        dtype=bool,
    )
    problems = at_fault(
        where, wrong, lambda row: repr(values[row]), f"positions of {what} from 0 to {n - 1}"
    )
    if problems:
        raise InputError(*problems)
    return [int(value) for value in values]


def _numbers(
    values: Sequence[Any],
    where: str,
    *,
    below: float = math.inf,
    lowest: float = 0.0,
    gap: float | None = None,
) -> NDArray[np.float64]:
    """Return numbers in [lowest, below); what is missing is `gap`, or a fault where
    that is None.
    """
    filled = [gap if gap is not None and _is_missing(value) else value for value in values]
    column = np.array(
        [float(value) if _is_number(value) else np.nan for value in filled], dtype=np.float64
    )
    expected = (
        "numbers"
        if lowest == -math.inf
        else f"numbers from {lowest:g}" + (f", below {below:g}" if below < math.inf else "")
    )
    wrong = ~(np.isfinite(column) & (column >= lowest) & (column < below))
    problems = at_fault(where, wrong, lambda row: repr(values[row]), expected, "Correct these rows")
    if problems:
        raise InputError(*problems)
    return column


def _texts(values: Sequence[Any] | None, default: Sequence[str]) -> list[str]:
    if values is None:
        return list(default)
    gaps: Callable[[int], str] = lambda row: default[row] if default else ""  # noqa: E731
    return [gaps(row) if _is_missing(value) else str(value) for row, value in enumerate(values)]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def _is_missing(value: object) -> bool:
    return (
        value is None
        or (isinstance(value, float) and math.isnan(value))
        or type(value).__name__ in {"NAType", "NaTType"}
    )
