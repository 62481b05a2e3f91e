"""The data dictionary of exchange: which fields a seizure and a tip have, in every format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["seizure", "tip"]


@dataclass(frozen=True, slots=True)
class ExchangeField:
    """A field of a row.

    Attributes
    ----------
    name
        Column of a CSV file, property of a GeoJSON feature, field of the STIX extension.
    kinds
        Rows that have it.
    meaning
        What stands there.
    stix
        Where STIX 2.1 itself has a word for it; empty where the extension alone holds it.
    """

    name: str
    kinds: tuple[Kind, ...]
    meaning: str
    stix: str = ""


BOTH: tuple[Kind, ...] = ("seizure", "tip")
FIELDS = (
    ExchangeField("time", BOTH, "day, month, year or span, as the record writes it"),
    ExchangeField("lon", BOTH, "longitude in degrees (WGS 84)", "`longitude` of a `location`"),
    ExchangeField("lat", BOTH, "latitude in degrees (WGS 84)", "`latitude` of a `location`"),
    ExchangeField("area", BOTH, "name of an area, where there is no point", "`name` of a `location`"),
    ExchangeField("drug", ("seizure",), "what was seized"),
    ExchangeField("quantity", ("seizure",), "how much"),
    ExchangeField("quantity_unit", ("seizure",), "kg, g, t, lb, oz, or a word; kg where empty"),
    ExchangeField("count", ("seizure",), "seizures that the row stands for; 1 where empty"),
    ExchangeField("grade", BOTH, "grade of the report: Admiralty (`B2`) or 3x5x2 (`1A P`); never a confidence"),
    ExchangeField("text", ("tip",), "what was told, in words", "`content` of a `note`"),
    ExchangeField("confirmed", ("tip",), "yes, no, or nothing where it is not known"),
    ExchangeField("owner", BOTH, "agency whose row it is", "`created_by_ref`, an `identity`"),
    ExchangeField("tlp", BOTH, "marking, TLP 2.0", "`object_marking_refs`"),
    ExchangeField("released_to", BOTH, "other agencies that may see the row, separated by blanks"),
)
NAMES = tuple(field.name for field in FIELDS)


@dataclass(frozen=True, slots=True)
class ExchangeRow:
    """A seizure or a tip as text by field; a field that is absent is empty."""

    kind: Kind
    texts: dict[str, str]

    def get(self, name: str) -> str:
        """Return the text of a field."""
        return self.texts.get(name, "")


def names_of(kind: Kind) -> tuple[str, ...]:
    """Return the names of the fields that a kind of row has."""
    return tuple(field.name for field in FIELDS if kind in field.kinds)
