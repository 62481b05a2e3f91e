"""Numbers and names as people read them: percentages, thousands, a dash for what is not known."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from optimizer.base.errors import JOINERS
from optimizer.base.text.language import gettext, localised

DASH = "\N{EN DASH}"
"""Stands for a number that is not known."""

SPACE = "\N{NO-BREAK SPACE}"
UNBROKEN = SPACE + "\N{NARROW NO-BREAK SPACE}"
ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
ARROW = "\N{RIGHTWARDS ARROW}"


FORMULA = re.compile(
    "[=+\\-@\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}\N{FULLWIDTH HYPHEN-MINUS}\N{FULLWIDTH COMMERCIAL AT}]"
)
"""What a cell of text begins with that spreadsheets may take for a formula or a
command, also in the wide form of East Asian keyboards.
"""


def plain(text: object, most: int | None = None) -> str:
    """Return `text` on one line, without control characters, direction overrides and
    lone surrogates, cut at `most` characters.

    It is cut between words where at least half of the characters are left then. Spaces
    that do not break stay, between a number and its sign; several spaces in a row are
    one.
    """
    line = str(text)
    # most texts are plain already
    if not line.isprintable() or "  " in line or line != line.strip():
        kept = "".join(
            mark if mark.isprintable() or mark in JOINERS + UNBROKEN else " " for mark in line
        )
        line = re.sub(r"\s{2,}", " ", kept).strip()
    if most is None or len(line) <= most:
        return line
    words = line[:most].rpartition(" ")[0].rstrip(" ,;:(")
    return (words if 2 * len(words) >= most else line[: most - 1].rstrip()) + ELLIPSIS


def known(value: float | None) -> bool:
    """Return whether `value` is a finite number."""
    return value is not None and math.isfinite(value)


def decimal(value: float | None, digits: int = 1) -> str:
    """Return a number with a fixed number of decimals; one too small to show reads
    `<0.1`, not `0.0`.
    """
    if value is None or not known(value):
        return DASH
    least = 10.0**-digits
    if 0 < abs(value) < least / 2:
        return localised(f"<{least:.{digits}f}" if value > 0 else f"{0:.{digits}f}")
    return localised(f"{value + 0.0:,.{digits}f}")


def percent(share: float | None, digits: int = 1) -> str:
    """Return a share in [0, 1] as a percentage."""
    return f"{decimal(share * 100, digits)}{SPACE}%" if share is not None and known(share) else DASH


@dataclass(frozen=True, slots=True)
class ValueText:
    """How values of plans and their differences are written."""

    #: Whether values are shares of all loads, written as percentages, and differences
    #: of them as percentage points; else they are numbers.
    share: bool

    @classmethod
    def of(cls, weights: Iterable[float]) -> ValueText:
        """Return how values are written of evaders of such weights: as shares where
        they come to 1.
        """
        return cls(bool(abs(sum(weights) - 1.0) <= ROUNDING))

    def value(self, amount: float | None) -> str:
        """Return a value: `74.8 %`."""
        return percent(amount) if self.share else number(amount, SIGNIFICANT)

    def pair(self, lower: float, upper: float) -> tuple[str, str]:
        """Return the bound that is proven and the value of a plan, as every page and
        the console's last lines show them of that plan.

        The bound is the value less what `left` says a better plan may gain, so that the
        page adds up. It claims no more than was proven. A value that is not finite is
        that of no plan: its bound is rounded down alone.
        """
        if not lower < upper < math.inf:
            return self.bound(lower), self.value(upper)
        return self.value(max(self.shown(upper) - self.left(lower, upper), 0.0)), self.value(upper)

    def bound(self, lower: float) -> str:
        """Return a bound rounded down, as the console tells it while a search goes on:
        it never falls, whatever plan is found.

        That of `pair` may be less by one of its last digit, so that it adds up with the
        value.
        """
        return self.value(self._rounded(lower, math.floor))

    def shown(self, amount: float) -> float:
        """Return the number that a reader sees of a value."""
        return (
            float(f"{100 * amount:.1f}") / 100
            if self.share
            else round(amount, _decimals(amount, SIGNIFICANT))
        )

    def less(self, before: float, after: float) -> float:
        """Return by how much less a value is than another, as a reader reckons it from
        what is shown of both: the page adds up.
        """
        apart, exact = self.shown(before) - self.shown(after), before - after
        if apart or not self.share:
            return apart or exact
        return max(-TOO_SMALL, min(exact, TOO_SMALL))

    def left(self, lower: float, upper: float) -> float:
        """Return what a plan better than one of value `upper` may gain where `lower` is
        proven: what is shown of both apart, or more.
        """
        return max(
            self.at_most(upper - lower), self.shown(upper) - self._rounded(lower, math.floor)
        )

    def difference(self, amount: float | None) -> str:
        """Return a difference without its unit, as a column of a table has it: `2.5`."""
        return (
            decimal(amount * 100)
            if self.share and amount is not None
            else number(amount, SIGNIFICANT)
        )

    def points(self, amount: float | None) -> str:
        """Return a difference: `2.5 points`."""
        text = self.difference(amount)
        return gettext("{number} points").format(number=text) if self.share else text

    def at_most(self, amount: float) -> float:
        """Return a proven bound from above, rounded up to the digits that are shown."""
        return self._rounded(amount, math.ceil)

    def _rounded(self, amount: float, way: Callable[[float], int]) -> float:
        if self.share:
            return way(round(amount * 1000, 9)) / 1000
        unit = 10.0 ** (math.floor(math.log10(abs(amount))) - SIGNIFICANT + 1) if amount else 1.0
        return way(round(amount / unit, 9)) * unit


SIGNIFICANT = 4
"""Digits of values that are no shares."""
TOO_SMALL = 0.0004
"""A difference of shares that is shown as less than the last digit."""
ROUNDING = 1e-9
"""By how much the weights of all loads may be off 1 and still be shares."""


def number(value: float | None, significant: int = 3) -> str:
    """Return a number with thousands separators: whole numbers in full, others to some
    significant digits.
    """
    if value is None or not known(value):
        return DASH
    if float(value).is_integer() and abs(value) < 1e15:
        return localised(f"{int(value):,}")
    if not 1e-6 <= abs(value) < 1e15:
        return localised(f"{value:.{significant}g}")
    digits = _decimals(value, significant)
    text = f"{value:,.{digits}f}"
    return localised(text.rstrip("0").rstrip(".") if digits else text)


def _decimals(value: float, significant: int) -> int:
    """Return how many decimals a number has in so many significant digits; a whole
    number is not rounded.
    """
    return max(0, significant - 1 - math.floor(math.log10(abs(value)))) if value else 0


def two_digits(amount: float) -> float:
    """Return a number rounded to two significant digits."""
    return float(f"{amount:.1e}")


def round_below(amount: float) -> float:
    """Return the largest of 1, 2, 5 times a power of ten that is not above an amount >
    0.

    Examples
    --------
    >>> [round_below(amount) for amount in (0.7, 1.0, 49.0)]
    [0.5, 1.0, 20.0]
    """
    # an allowance for powers of ten but for rounding
    power = 10.0 ** math.floor(math.log10(amount) + 1e-9)
    return power * max(step for step in (1, 2, 5) if step * power <= amount * (1 + 1e-9))


def with_range(found: str, low: str, high: str) -> str:
    """Return a figure with its range, from their texts: `3 (2 to 4)`."""
    return gettext("{found} ({low} to {high})").format(found=found, low=low, high=high)


class Amount(NamedTuple):
    """So much of a resource, in its unit."""

    value: float
    unit: str = ""


def amount_with_unit(amount: float, unit: str) -> str:
    """Return an amount with its unit: `4 agents a shift`, `2.25 million USD a year`."""
    unit, by = larger_unit(unit, amount)
    return f"{number(amount / by)}{SPACE}{plain(unit)}".rstrip()


def larger_unit(unit: str, *amounts: float | None) -> tuple[str, float]:
    """Return millions in place of a unit of thousands where an amount reaches one, and
    what to divide by; else the unit, and 1.
    """
    thousands = gettext("thousand {unit}").partition("{unit}")[0]
    if plain(unit).startswith(thousands) and any(
        amount is not None and abs(amount) >= 1000 for amount in amounts
    ):
        return gettext("million {unit}").format(unit=plain(unit).removeprefix(thousands)), 1000.0
    return unit, 1.0


def amounts(costs: Mapping[str, Amount]) -> str:
    """Return amounts of resources as one line, each with its unit; a unit that begins
    with the name stands for both.

    Examples
    --------
    >>> amounts({"agents": Amount(4, "agents a shift"), "money": Amount(2250, "thousand USD a year")}).replace(SPACE, " ")
    '4 agents a shift; money 2.25 million USD a year'
    """
    texts = []
    for name, (amount, unit) in costs.items():
        text, called = amount_with_unit(amount, unit), plain(name)
        texts.append(text if begins_with_name(unit, name) else f"{called}{SPACE}{text}")
    return "; ".join(texts) or DASH


def begins_with_name(unit: str, name: str) -> bool:
    """Return whether a unit begins with the name of its resource, and so stands for
    both: `agents a shift` of agents.
    """
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
    """Return the letter of the first, second, ... of a list: A to Z, then AA, AB and so
    on.

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
