"""How a scenario describes a file of seizures or of search effort."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from optimizer.base.errors import InputError
from optimizer.base.files.tables import MISSING
from optimizer.base.schema import Id, OneOrMore
from optimizer.base.text.language import marked
from optimizer.records.period import parse_period

KILOGRAMS = {"kg": 1.0, "g": 0.001, "t": 1000.0, "lb": 0.45359237, "oz": 0.028349523125}
"""Kilograms in each unit of quantity (avoirdupois pound and ounce, exact by the
agreement of 1959).
"""

WEIGHTS = {
    **{name: name for name in KILOGRAMS},
    **dict.fromkeys(["kgs", "kilo", "kilos", "kilogram", "kilograms"], "kg"),
    **dict.fromkeys(["gr", "gram", "grams"], "g"),
    **dict.fromkeys(["ton", "tons", "tonne", "tonnes"], "t"),
    **dict.fromkeys(["lbs", "pound", "pounds"], "lb"),
    **dict.fromkeys(["ounce", "ounces"], "oz"),
}
"""Words for units of weight, in small letters."""

WITH_UNIT = re.compile(r"(?P<number>[^a-z]*[0-9.])\s*(?P<unit>[a-z]+)\.?", re.IGNORECASE)
"""A number with a unit behind it."""


def kilograms_of(text: object) -> float:
    """Return the kilograms of an amount with its unit, such as `100 g`.

    Raises
    ------
    ValueError
        If it is no amount above 0 with a unit of weight.
    """
    found = WITH_UNIT.fullmatch(text.strip()) if isinstance(text, str) else None
    unit = None if found is None else WEIGHTS.get(found["unit"].casefold())
    try:
        amount = 0.0 if found is None or unit is None else float(found["number"]) * KILOGRAMS[unit]
    except ValueError:
        amount = 0.0
    if not 0 < amount < float("inf"):
        raise ValueError(
            f'an amount above 0 with its unit ({", ".join(KILOGRAMS)}), such as "100 g"'
        )
    return amount


def _short_unit(text: object) -> object:
    """Refuse another word for a unit of weight, and say the short one."""
    short = WEIGHTS.get(text.strip().casefold()) if isinstance(text, str) else None
    if short is not None and short != text:
        raise ValueError(f"one of {', '.join(KILOGRAMS)}. Write {short}")
    return text


class _Columns(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    time: Id | None = Field(
        None, description=marked("Day, month, year, fiscal year or span of the row.")
    )
    lon: Id | None = Field(
        None, description=marked("Longitude in degrees (WGS 84). A GeoJSON point needs none.")
    )
    lat: Id | None = Field(None, description=marked("Latitude in degrees (WGS 84)."))
    segment: Id | None = Field(None, description="Number of a segment of the network.")
    area: Id | None = Field(None, description="Name of one of the scenario's areas.")
    owner: Id | None = Field(None, description="Agency whose row it is, for `release`.")
    tlp: Id | None = Field(
        None, description="Marking of the row, TLP 2.0: red, amber+strict, amber, green, clear."
    )
    released_to: Id | None = Field(
        None, description="Other agencies that may see the row, separated by blanks."
    )

    def usual_name(self, field: str) -> str:
        """Return the column that a field is looked for under when none is named."""
        return type(self).model_fields[field].alias or field


class SeizureColumns(_Columns):
    """Which column of the file holds what; a field left out is looked for under its own name."""

    drug: Id | None = Field(None, description=marked("What was seized."))
    quantity: Id | None = Field(
        None,
        description=marked(
            "How much, in `quantity_unit` unless a unit stands behind the number; empty where"
            " unknown."
        ),
    )
    quantity_unit: Id | None = Field(
        None,
        description=(
            "Unit of each row's quantity: kg, g, t, lb, oz, or a word such as pieces for what is"
            " not weighed."
        ),
    )
    count: Id | None = Field(
        None, description=marked("Seizures the row stands for; 1 where there is no such column.")
    )


class EffortColumns(_Columns):
    """Which column of the file holds what; a field left out is looked for under its own name."""

    start: Id | None = Field(
        None, alias="from", description="First day of the row, in place of `time`."
    )
    end: Id | None = Field(
        None, alias="to", description="Last day of the row (it belongs to the span)."
    )
    amount: Id | None = Field(None, description=marked("How much searching, in `unit`."))
    unit: Id | None = Field(
        None, description="What the row's amount counts; a file with several kinds is refused."
    )


USUAL_NAMES = frozenset(
    info.alias or field
    for kind in (SeizureColumns, EffortColumns)
    for field, info in kind.model_fields.items()
)
"""Columns under which fields of records are looked for when none is named."""


class _Source(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    file: Path = Field(
        description=marked("CSV (comma, UTF-8, a header row) or GeoJSON, relative to the scenario.")
    )
    source: Id = Field(description=marked("Who keeps the record, such as CBP."))
    where: dict[Id, Annotated[tuple[str, ...], OneOrMore]] = Field(
        default_factory=dict,
        description=(
            "Column of the file = value or list of values; only rows with one of them are used."
        ),
    )
    owner: Id | None = Field(
        None, description="Agency whose rows these are, where a row does not say it; for `release`."
    )
    tlp: Id | None = Field(
        None,
        description=(
            "Marking of rows without one of their own, TLP 2.0: red, amber+strict, amber, green,"
            " clear; for `release`."
        ),
    )
    released_to: Annotated[tuple[Id, ...], OneOrMore] = Field(
        (), description="Other agencies that may see rows that do not say it; for `release`."
    )
    period: Id | None = Field(
        None, description=marked("The time all rows stand for, where the file has no time column.")
    )
    date_format: Id = Field(
        "auto",
        description=marked(
            "auto (ISO day, month, year, FY2023, first/last, or 31/12/2024 where the file as a"
            " whole tells the day from the month), fiscal-year (a bare year is a US fiscal year),"
            " or a strptime pattern such as %d/%m/%Y."
        ),
    )
    missing: Annotated[tuple[Id, ...], OneOrMore] = Field(
        MISSING,
        description=(
            "Words that mean an empty cell, whatever their case, in the columns that are read."
        ),
    )
    max_distance_m: float = Field(
        500.0,
        gt=0,
        allow_inf_nan=False,
        description=(
            "Points farther than this from every segment are not used; a warning names those used"
            " beyond 100 m."
        ),
    )
    duplicates: Literal["keep", "drop"] = Field(
        "keep",
        description=(
            "Rows that equal an earlier row in every column that is read, and finds whose time"
            " alone differs, by whole hours: `keep` counts them again, with a warning."
        ),
    )

    overlap: Literal["once", "add"] | None = Field(
        None,
        description=(
            "Where this source has rows of an area and, at the same time, rows inside it: `once`"
            " takes the area's as totals that hold the others, `add` counts all. Not said: rows"
            " that agree count once, others are refused."
        ),
    )

    @field_validator("period")
    @classmethod
    def _period_is_readable(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                parse_period(value)
            except InputError as error:
                raise ValueError(str(error)) from None
        return value

    @field_validator("date_format")
    @classmethod
    def _date_format_has_a_year(cls, value: str) -> str:
        if value not in {"auto", "fiscal-year"} and not re.search("%[Yycx]", value):
            raise ValueError("auto, fiscal-year or a strptime pattern with a year such as %d/%m/%Y")
        return value


class SeizureSource(_Source):
    """A file of seizures: `[[records.seizures]]`."""

    columns: SeizureColumns = SeizureColumns()
    quantity_unit: Annotated[Literal["kg", "g", "t", "lb", "oz"], BeforeValidator(_short_unit)] = (
        Field("kg", description="Unit of the quantity column.")
    )
    effort_unit: Id | None = Field(
        None,
        description=(
            "The unit of the effort that makes these seizures; needed where efforts have several"
            " units."
        ),
    )


class EffortSource(_Source):
    """A file of search effort: `[[records.effort]]`."""

    columns: EffortColumns = EffortColumns()
    unit: Id = Field(
        description=marked("What the amounts count: hours, searches, vehicles, agents.")
    )
    amount_per_row: float | None = Field(
        None,
        gt=0,
        allow_inf_nan=False,
        description=(
            "What each row counts, where the file has no amount column: 1 where a row is a search."
        ),
    )
