"""Units inside a file: weights in several, words that are no weight, and effort that one column says to be of several kinds."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.formatting import plural
from optimizer.base.said import said, said_count
from optimizer.records.record_parser import amount
from optimizer.records.sources import KILOGRAMS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.records.record_parser import RecordParser
    from optimizer.records.sources import EffortSource, SeizureSource

WEIGHTS = {
    **{name: name for name in KILOGRAMS},
    **dict.fromkeys(["kgs", "kilo", "kilos", "kilogram", "kilograms"], "kg"),
    **dict.fromkeys(["gr", "gram", "grams"], "g"),
    **dict.fromkeys(["ton", "tons", "tonne", "tonnes"], "t"),
    **dict.fromkeys(["lbs", "pound", "pounds"], "lb"),
    **dict.fromkeys(["ounce", "ounces"], "oz"),
}
"""Words for units of weight, in small letters."""
PIECES = frozenset(
    [
        "piece",
        "pieces",
        "pc",
        "pcs",
        "item",
        "items",
        "unit",
        "units",
        "tablet",
        "tablets",
        "pill",
        "pills",
        "plant",
        "plants",
        "dose",
        "doses",
        "capsule",
        "capsules",
        "ampoule",
        "ampoules",
        "bag",
        "bags",
        "package",
        "packages",
        "ml",
        "l",
        "litre",
        "litres",
        "liter",
        "liters",
    ]
)
"""Words for what is counted or measured but not weighed."""
_WITH_UNIT = re.compile(r"(?P<number>[^a-z]*[0-9.])\s*(?P<unit>[a-z]+)\.?", re.IGNORECASE)


def quantities(rows: RecordParser, source: SeizureSource) -> NDArray[np.float64]:
    """Return (k,) kilograms of each row, NaN where unknown or not a weight, and note on the rows what was converted and what was not weighed.

    A unit may stand behind the number ("500 g"), or in the column of units; else it is the source's.
    """
    size = rows.used.size
    if not rows.has("quantity"):
        return np.full(size, np.nan)
    words = [word.casefold().rstrip(".") for word in rows.table.text.get("quantity_unit", [""] * size)]
    if not any(word in WEIGHTS for word in words):
        words = [""] * size  # a column of that name that is about something else
    units: Counter[str] = Counter()
    pieces: Counter[str] = Counter()
    values = np.full(size, np.nan)
    expected = f"an amount >= 0 in {source.quantity_unit}, or with one of {', '.join(KILOGRAMS)} behind it"
    for position in np.flatnonzero(rows.used).tolist():
        text, word = rows.table.text["quantity"][position], words[position]
        behind = _WITH_UNIT.fullmatch(text)
        if behind is not None and behind["unit"].casefold() in WEIGHTS.keys() | PIECES:
            text, word = behind["number"], behind["unit"].casefold()
        if not text:
            continue
        if word in PIECES:
            pieces[word] += 1
            continue
        if word and word not in WEIGHTS:
            rows.fault(
                position,
                "quantity_unit",
                f"one of {', '.join(KILOGRAMS)}, or a word such as pieces or tablets for what is not weighed",
                "Correct it, or choose rows by where",
            )
            continue
        try:
            value = amount(text)
        except ValueError:
            rows.fault(position, "quantity", expected)
            continue
        unit = WEIGHTS.get(word, source.quantity_unit)
        units[unit] += 1
        values[position] = value * KILOGRAMS[unit]
    _remark(rows, units, pieces)
    return values


def _remark(rows: RecordParser, units: Counter[str], pieces: Counter[str]) -> None:
    if len(units) > 1:
        shown = ", ".join(f"{unit} ({count})" for unit, count in units.most_common())
        rows.warnings.append(
            said(
                "{file}: quantities come in several units, {shown}; all were converted to kg.",
                file=rows.label,
                shown=shown,
            )
        )
    if pieces:
        shown = ", ".join(f"{word} ({count})" for word, count in pieces.most_common(5))
        rows.warnings.append(
            said(
                "{file}: {rows} give a quantity that is no weight: {shown}. These quantities are left out; the seizures count.",
                file=rows.label,
                rows=said_count("{count} row", "{count} rows", pieces.total()),
                shown=shown,
            )
        )


def refuse_mixed_effort(rows: RecordParser, source: EffortSource) -> None:
    """Note a fault where a column of units says that amounts are of several kinds, and a warning where it names another unit than the source.

    A column `unit` in which no word is the source's unit may be about something else, such as who searched, and is let be where it has several.
    """
    if not rows.has("unit"):
        return
    used = Counter(rows.table.text["unit"][position] for position in np.flatnonzero(rows.used).tolist())
    del used[""]
    same = [word for word in used if word.casefold() == source.unit.casefold()]
    shown = ", ".join(f"{word!r} ({plural(count, 'row')})" for word, count in used.most_common(5))
    name = source.columns.unit or "unit"
    if len(used) > 1 and same:
        rows.problems.add(
            0,
            f"effort in {len(used)} units: {shown}",
            "one unit, for amounts in different units cannot be added",
            f'Write one entry for each, with its unit and where = {{ {name} = "{same[0]}" }} and so on; if they are one unit, spell it alike',
            column=name,
        )
    elif len(used) == 1 and not same:
        rows.warnings.append(
            said(
                "{file}: its column {column!r} says {shown}, the scenario says {unit!r}. Amounts are taken as {unit}.",
                file=rows.label,
                column=name,
                shown=shown,
                unit=source.unit,
            )
        )
