"""Whose a row is, how it is marked (Traffic Light Protocol 2.0), and who may see it.

A row may be seen by its owner, by the agencies that the owner names, and by every
agency where it is marked green or clear. A row that nobody may see but its owner enters
no total where it is red or amber+strict: what is made of such rows is marked as they
are.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.base.errors import ProblemList
from optimizer.base.text.names import unknown_name

if TYPE_CHECKING:
    from optimizer.records.record_parser import RecordParser

MARKINGS = ("red", "amber+strict", "amber", "green", "clear")
"""From the one for fewest to the one for all."""
OPEN = {"green", "clear"}
COUNTED = {"amber", *OPEN}
"""Markings of rows that may enter a total of many."""


@dataclass(frozen=True, slots=True)
class Marking:
    """Whose a row is and how it is marked."""

    #: Id of an agency.
    owner: str
    #: One of `MARKINGS`.
    tlp: str
    #: Ids of other agencies that may see it.
    released_to: frozenset[str]

    def seen_by(self, agency: str) -> bool:
        """Return whether an agency may see the row."""
        return agency == self.owner or agency in self.released_to or self.tlp in OPEN

    @property
    def counted(self) -> bool:
        """Whether the row may enter a total of many that others see."""
        return self.tlp in COUNTED


def strictest(markings: Iterable[str]) -> str:
    """Return the marking of what is made of rows with these markings; `clear` of none."""
    return min(markings, key=MARKINGS.index, default=MARKINGS[-1])


def markings_of(rows: RecordParser, problems: ProblemList) -> list[Marking | None]:
    """Return the marking of each row that is used; None of the others.

    A row without an owner or a marking, of its own or of its file, and a marking that
    is none of TLP 2.0, are problems: nothing is released on a guess.
    """
    source, text = rows.source, rows.table.text
    empty = [""] * len(rows.table)
    owner, tlp, released = (text.get(name, empty) for name in ("owner", "tlp", "released_to"))
    faults = problems.of_file(rows.path, rows.table.unit)
    found: list[Marking | None] = []
    for place, number in enumerate(rows.table.number):
        mark = (tlp[place] or source.tlp or "").casefold().removeprefix("tlp:")
        whose = owner[place] or source.owner or ""
        to = (
            frozenset(released[place].split()) if released[place] else frozenset(source.released_to)
        )
        good = bool(rows.used[place])
        if good and mark not in MARKINGS:
            problem = unknown_name(
                "tlp", mark, MARKINGS, found=repr(mark) if mark else "no marking"
            )
            faults.add(
                number,
                problem.found,
                problem.expected,
                problem.remedy or "Mark the row, or the file with tlp",
                column="tlp",
            )
            good = False
        if rows.used[place] and not whose:
            faults.add(
                number,
                "no owner",
                "the agency whose row it is",
                "Name it, or the file's with owner",
                column="owner",
            )
            good = False
        found.append(Marking(whose, mark, to) if good else None)
    return found
