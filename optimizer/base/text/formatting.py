"""Numbers and names as people read them: percentages, thousands, a dash for what is not known."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from optimizer.base.text.language import gettext, localised
from optimizer.base.text.printable import JOINERS

if TYPE_CHECKING:
    from collections.abc import Mapping
DASH = "\N{EN DASH}"
"""Stands for a number that is not known."""

SPACE = "\N{NO-BREAK SPACE}"
ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
ARROW = "\N{RIGHTWARDS ARROW}"


def plain(text: object, most: int | None = None) -> str:
    """Return `text` on one line, without control characters, direction overrides and lone surrogates, cut at `most` characters."""
    line = str(text)
    if not line.isprintable() or "  " in line or line != line.strip():  # most texts are plain already
        line = " ".join("".join(mark if mark.isprintable() or mark in JOINERS else " " for mark in line).split())
    return line if most is None or len(line) <= most else line[: most - 1].rstrip() + ELLIPSIS


def known(value: float | None) -> bool:
    """Return whether `value` is a finite number."""
    return value is not None and math.isfinite(value)


def decimal(value: float | None, digits: int = 1) -> str:
    """Return a number with a fixed number of decimals; one too small to show reads `<0.1`, not `0.0`."""
    if value is None or not known(value):
        return DASH
    least = 10.0**-digits
    if 0 < abs(value) < least / 2:
        return localised(f"<{least:.{digits}f}" if value > 0 else f"{0:.{digits}f}")
    return localised(f"{value + 0.0:,.{digits}f}")


def percent(share: float | None, digits: int = 1) -> str:
    """Return a share in [0, 1] as a percentage."""
    return f"{decimal(share * 100, digits)}{SPACE}%" if share is not None and known(share) else DASH


def number(value: float | None, significant: int = 3) -> str:
    """Return a number with thousands separators: whole numbers in full, others to some significant digits."""
    if value is None or not known(value):
        return DASH
    if float(value).is_integer() and abs(value) < 1e15:
        return localised(f"{int(value):,}")
    if not 1e-6 <= abs(value) < 1e15:
        return localised(f"{value:.{significant}g}")
    digits = max(0, significant - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{digits}f}"
    return localised(text.rstrip("0").rstrip(".") if digits else text)


def two_digits(amount: float) -> float:
    """Return a number rounded to two significant digits."""
    return float(f"{amount:.1e}")


def round_below(amount: float) -> float:
    """Return the largest of 1, 2, 5 times a power of ten that is not above an amount > 0.

    Examples
    --------
    >>> [round_below(amount) for amount in (0.7, 1.0, 49.0)]
    [0.5, 1.0, 20.0]
    """
    power = 10.0 ** math.floor(math.log10(amount) + 1e-9)  # an allowance for powers of ten but for rounding
    return power * max(step for step in (1, 2, 5) if step * power <= amount * (1 + 1e-9))


def with_range(found: str, low: str, high: str) -> str:
    """Return a figure with its range, from their texts: `3 (2 to 4)`."""
    return gettext("{found} ({low} to {high})").format(found=found, low=low, high=high)


class Amount(NamedTuple):
    """So much of a resource, in its unit."""

    value: float
    unit: str = ""


def amount_with_unit(amount: float, unit: str) -> str:
    """Return an amount with its unit: `2,250 thousand USD a year`."""
    return f"{number(amount)}{SPACE}{plain(unit)}".rstrip()


def amounts(costs: Mapping[str, Amount]) -> str:
    """Return amounts of resources as one line, each with its unit; a unit that begins with the name stands for both.

    Examples
    --------
    >>> amounts({"agents": Amount(4, "agents a shift"), "money": Amount(2250, "thousand USD a year")}).replace(SPACE, " ")
    '4 agents a shift; money 2,250 thousand USD a year'
    """
    texts = []
    for name, (amount, unit) in costs.items():
        text, called = amount_with_unit(amount, unit), plain(name)
        texts.append(text if begins_with_name(unit, name) else f"{called}{SPACE}{text}")
    return "; ".join(texts) or DASH


def begins_with_name(unit: str, name: str) -> bool:
    """Return whether a unit begins with the name of its resource, and so stands for both: `agents a shift` of agents."""
    return plain(unit).split(" ")[0].casefold() == plain(name).casefold()


def sentence(text: str) -> str:
    """Return `text` with a capital first letter."""
    return text[:1].upper() + text[1:]


def plural(count: int, one: str, many: str | None = None) -> str:
    """Return a count and its noun: `1 site`, `12 sites`."""
    return f"{count:,}{SPACE}{one if count == 1 else many or one + 's'}"


def clock(seconds: float) -> str:
    """Return a time since the start of a shift as hours and minutes: `0:47`, `8:00`."""
    minutes = round(seconds / 60)
    return f"{minutes // 60}:{minutes % 60:02d}"


def letter(place: int) -> str:
    """Return the letter of the first, second, ... of a list: A to Z, then AA, AB and so on.

    Parameters
    ----------
    place
        0 for the first.
    """
    text = ""
    while place >= 0:
        place, digit = divmod(place, 26)
        text = chr(ord("A") + digit) + text
        place -= 1
    return text
