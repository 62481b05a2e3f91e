"""How a general CSV file is described: which column is what. A TOML file or the options of the command line say it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BeforeValidator, Field

from optimizer.base.errors import ProblemList
from optimizer.base.files import read_toml
from optimizer.base.schema import Strict, validated
from optimizer.base.table_dialect import MISSING
from optimizer.records.importers.personal import is_personal

if TYPE_CHECKING:
    from pathlib import Path

Text = Annotated[str, Field(min_length=1, max_length=200)]


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


Words = Annotated[tuple[str, ...], BeforeValidator(_listed)]


class MappedColumns(Strict):
    """Column of the file that holds each thing; what is not named is not read."""

    date: Text = Field(description="Day, month, year, fiscal year or span.")
    lon: Text | None = Field(None, description="Longitude in degrees (WGS 84).")
    lat: Text | None = Field(None, description="Latitude in degrees (WGS 84).")
    area: Text | None = Field(None, description="Name of an area.")
    segment: Text | None = Field(None, description="Number of a segment of the network.")
    count: Text | None = Field(None, description="Seizures of the row, a whole number.")
    outcome: Text | None = Field(None, description="Whether the row's search found something.")
    searched: Text | None = Field(
        None,
        description="Whether the row's stop led to a search; where it did not, the row has no outcome and is left out.",
    )
    effort: Text | None = Field(None, description="Amount of searching; 1 where each row is a search with an outcome.")
    source: Text | None = Field(None, description="Who keeps the record.")
    unit: Text | None = Field(None, description="What the effort counts.")
    drug: Text | None = Field(None, description="What was seized.")
    quantity: Text | None = Field(None, description="How much was seized.")
    parcels: Text | None = Field(
        None, description="In how many parcels it was packed; `fuse` compares it with weights."
    )
    place: Text | None = Field(None, description="Place in words, such as a town or a road; `fuse` compares it.")
    grade: Text | None = Field(None, description="Grade of the report: Admiralty (B2) or 3x5x2 (1A P).")
    confirmed: Text | None = Field(
        None, description="Whether the report was later confirmed (yes) or refuted (no); empty where nobody knows."
    )

    def named(self) -> dict[str, str]:
        """Return thing -> column, for those that are named."""
        return {name: column for name, column in self.model_dump().items() if column is not None}


class Mapping(Strict):
    """Description of a general CSV file."""

    columns: MappedColumns
    source: Text = Field("records", description="Who keeps the record, where no column says it.")
    unit: Text | None = Field(None, description="What the effort counts, where no column says it.")
    date_format: Text = Field("auto", description="auto, fiscal-year or a strptime pattern such as %d/%m/%Y.")
    quantity_unit: Literal["kg", "g", "t", "lb", "oz"] = Field("kg", description="Unit of the quantity column.")
    yes: Words = Field(("true", "yes", "1"), description="Outcomes that are a seizure, whatever their case.")
    no: Words = Field(("false", "no", "0"), description="Outcomes that are none.")
    where: dict[Text, Words] = Field(default_factory=dict, description="Column -> values; other rows are left out.")
    missing: Words = Field(
        MISSING, description="Words that mean an empty cell, whatever their case, unless they are among yes or no."
    )
    duplicates: Literal["keep", "drop"] = Field(
        "keep", description="Rows that equal an earlier one in all columns read."
    )


def read_mapping(path: Path) -> dict[str, object]:
    """Return the content of a TOML mapping, not yet checked.

    Raises
    ------
    InputError
        If the file is missing or is no TOML.
    """
    return read_toml(path, "a mapping")


def checked_mapping(content: object, where: str) -> Mapping:
    """Return a mapping that can be used.

    Parameters
    ----------
    content
        Parsed TOML, or the like made of options.
    where
        File it comes from, for the messages.

    Raises
    ------
    InputError
        If a field is wrong, a column is about a person, or place, amounts or unit are missing or contradict each other.
    """
    mapping = validated(Mapping, content, where)
    columns = mapping.columns
    problems = ProblemList()
    for field, column in [*columns.named().items(), *((f"where {name}", name) for name in mapping.where)]:
        if is_personal(column):
            problems.add(
                f"{where}, {field}",
                f"the column {column!r}, which looks like one about people",
                "a column about a place, a time, an amount or an outcome",
                "Leave it out: nothing about a person is read; if it is none, rename it in the file",
            )
    if (columns.lon is None) != (columns.lat is None):
        problems.add(f"{where}, columns", "one of lon and lat", "both")
    if columns.lon is None and columns.area is None and columns.segment is None and columns.place is None:
        problems.add(f"{where}, columns", "no place", "lon and lat, or area, or segment", "Name the column")
    if columns.count is not None and columns.outcome is not None:
        problems.add(f"{where}, columns", "count and outcome", "one of them", "Leave one out")
    if columns.searched is not None and columns.outcome is None:
        problems.add(f"{where}, columns", "searched and no outcome", "what the searches found", "Name the outcome")
    if columns.count is None and columns.outcome is None and columns.effort is None:
        problems.add(f"{where}, columns", "no count, outcome or effort", "one of them at least", "Name the column")
    if columns.effort is not None and columns.unit is None and mapping.unit is None:
        problems.add(f"{where}, unit", "nothing", "what the effort counts, such as hours", "State it")
    shared = {word.casefold() for word in mapping.yes} & {word.casefold() for word in mapping.no}
    if shared:
        problems.add(f"{where}, yes and no", ", ".join(sorted(shared)), "words that are in one of them")
    problems.raise_if_any()
    return mapping
