"""Typed tables: fields with a meaning, rows, and where they lie on the ground."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import pandas as pd
import shapely

from optimizer.base.formatting import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from shapely.geometry.base import BaseGeometry

    from optimizer.report.geodata.styles import Style

Kind = Literal["text", "number", "whole", "yes or no"]
DTYPES: Mapping[Kind, str] = {"text": "object", "number": "float64", "whole": "Int64", "yes or no": "boolean"}
"""Type of a column in pandas, for each kind of field."""


class LayerField(NamedTuple):
    """A column: its name, what stands in it, and what it means in English, which the catalogues of languages have."""

    name: str
    kind: Kind
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class GeoTable:
    """A table of a plan; with shapes it is a layer.

    Attributes
    ----------
    name, title
        In files, and for people.
    fields
        Its columns.
    rows
        One value a field; None where it is not known.
    shapes
        One a row, all of one type, in degrees; None for a table without a place, and in it for a row without one.
    style
        How the layer is drawn; None for a table.
    """

    name: str
    title: str
    fields: tuple[LayerField, ...]
    rows: tuple[tuple[Any, ...], ...]
    shapes: tuple[BaseGeometry | None, ...] | None = None
    style: Style | None = None

    @property
    def geometry(self) -> str:
        """`Point`, `LineString` or `MultiLineString`; empty for a table without a place."""
        return next((shape.geom_type for shape in self.shapes or () if shape is not None), "")

    def frame(self) -> pd.DataFrame:
        """Return the rows with typed columns; texts are on one line, without control characters."""
        columns = list(zip(*self.rows, strict=True)) or [() for _ in self.fields]
        return pd.DataFrame(
            {
                field.name: pd.Series([_cell(value) for value in column], dtype=DTYPES[field.kind])
                for field, column in zip(self.fields, columns, strict=True)
            }
        )


def table(
    name: str,
    title: str,
    fields: Sequence[LayerField],
    rows: Iterable[tuple[Any, ...]],
    shapes: Iterable[BaseGeometry | None] | None = None,
    style: Style | None = None,
) -> GeoTable:
    """Return a table; lines of which some have several parts become lines of several parts throughout, as a layer has one type."""
    placed = None if shapes is None else tuple(shapes)
    if placed is not None and len({shape.geom_type for shape in placed if shape is not None}) > 1:
        placed = tuple(None if shape is None else shapely.MultiLineString(shapely.get_parts(shape)) for shape in placed)
    return GeoTable(name, plain(title), tuple(fields), tuple(rows), placed, style)


def _cell(value: Any) -> Any:  # noqa: ANN401 - a cell of any column
    if isinstance(value, str):
        return plain(value)
    return None if isinstance(value, float) and math.isnan(value) else value
