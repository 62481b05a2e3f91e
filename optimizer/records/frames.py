"""Seizures and search effort from data frames, through the parser that reads files: the same columns, the same checks, the same messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optimizer.base.errors import InputError, Problem
from optimizer.base.schema import validated
from optimizer.base.tables import TextTable
from optimizer.problem.entity_frames import frame_points
from optimizer.records.reading import effort_of_tables, seizures_of_tables
from optimizer.records.sources import EffortSource, SeizureSource

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.problem.network import Network
    from optimizer.records.areas import Area
    from optimizer.records.model import Effort, Seizures
    from optimizer.records.period import Period

FILE = "frame"
"""What messages call the frame."""


def seizures_from_frame(
    frame: Any,  # noqa: ANN401 - pandas or geopandas
    network: Network,
    areas: Sequence[Area] = (),
    *,
    period: Period | None = None,
    **terms: Any,  # noqa: ANN401 - fields of SeizureSource
) -> Seizures:
    """Return the seizures of a frame, put on the network.

    Parameters
    ----------
    frame
        One row a seizure: `time`; `lon` and `lat`, a geometry of points, `segment`, or `area`; and if wanted `count`, `quantity`, `drug`.
    network, areas, period
        As in `read_seizures`.
    **terms
        Fields of `SeizureSource` but `file`, such as `source="CBP"`, `columns={"time": "date"}`, `effort_unit="hours"`.

    Raises
    ------
    InputError
        As `read_seizures` does, by row of the frame, from 1.
    """
    source = validated(SeizureSource, {"file": FILE, "source": FILE, **terms}, "seizures_from_frame")
    return seizures_of_tables([source], [_table(frame, source)], network, areas, period=period)


def effort_from_frame(
    frame: Any,  # noqa: ANN401 - pandas or geopandas
    network: Network,
    areas: Sequence[Area] = (),
    *,
    period: Period | None = None,
    **terms: Any,  # noqa: ANN401 - fields of EffortSource
) -> Effort:
    """Return the search effort of a frame, put on the network.

    Parameters
    ----------
    frame
        One row a search or patrol: `time`, or `from` and `to`; a place as in `seizures_from_frame`; `amount`.
    network, areas, period
        As in `read_effort`.
    **terms
        Fields of `EffortSource` but `file`; `unit="hours"` where not given.

    Raises
    ------
    InputError
        As `read_effort` does, by row of the frame, from 1.
    """
    source = validated(EffortSource, {"file": FILE, "source": FILE, "unit": "hours", **terms}, "effort_from_frame")
    return effort_of_tables([source], [_table(frame, source)], network, areas, period=period)


def _table(frame: Any, source: SeizureSource | EffortSource) -> TextTable:  # noqa: ANN401 - as above
    """Return a frame as the text that a file would hold, under the names of fields."""
    if not (hasattr(frame, "columns") and hasattr(frame, "index")):
        raise InputError(Problem(FILE, f"a {type(frame).__name__}", "a data frame of pandas or geopandas"))
    columns = source.columns
    text: dict[str, list[str]] = {}
    for field in type(columns).model_fields:
        stated = getattr(columns, field)
        name = stated or columns.usual_name(field)
        if name in frame.columns:
            text[field] = [_text(value) for value in frame[name].tolist()]
        elif stated is not None:
            found = f"no column {stated!r} among {', '.join(map(str, frame.columns))}"
            raise InputError(Problem(f"{FILE}, columns", found, "the columns that are named", "Correct the mapping"))
    text |= {f"column:{name}": [_text(value) for value in frame[name].tolist()] for name in source.where}
    if not {"lon", "lat"} <= set(text) and getattr(frame, "crs", None) is not None:
        points = frame_points(frame, FILE)
        if points is not None:
            text["lon"], text["lat"] = ([repr(float(value)) for value in points[:, axis]] for axis in (0, 1))
    return TextTable("row", list(range(1, len(frame) + 1)), text)


def _text(value: Any) -> str:  # noqa: ANN401 - whatever a frame holds
    """Return a value as a file would have it: days without midnight, nothing for what is missing."""
    if value is None or value != value or type(value).__name__ == "NAType":  # noqa: PLR0124 - NaN and NaT
        return ""
    if hasattr(value, "isoformat"):
        return str(value.isoformat())[:10]
    return str(value).strip()
