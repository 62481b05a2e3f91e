"""Grades of reports: the NATO Admiralty code and the UK's 3x5x2.

Admiralty (STANAG 2022, AJP-2.1): source A (completely reliable) to E (unreliable), F = cannot be judged; information 1 (confirmed) to 5
(improbable), 6 = cannot be judged. 3x5x2 (College of Policing, intelligence report): source 1 reliable, 2 untested, 3 not reliable;
information A known directly, B known indirectly and corroborated, C known indirectly, D not known, E suspected to be false; handling P or C.
F, 6, 2 and D say that nothing is known of the source or of the information: they are no middle of the scale.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

GRADE_FORMS = "an Admiralty grade such as B2 (A-F, 1-6) or a 3x5x2 grade such as 1A P (1-3, A-E, P or C)"
_ADMIRALTY = re.compile(r"([A-F])\s*[-/]?\s*([1-6])")
_UK = re.compile(r"([1-3])\s*[-/]?\s*([A-E])(?:\s*[-/]?\s*([PC]))?")


class GradeSystem(Enum):
    """Scale on which a report was graded."""

    ADMIRALTY = "Admiralty"
    UK = "3x5x2"


@dataclass(frozen=True, slots=True)
class Grade:
    """Grade of one report.

    Attributes
    ----------
    system
        Its scale.
    source, information
        As written, in capitals.
    """

    system: GradeSystem
    source: str
    information: str

    def __str__(self) -> str:
        """Return the grade as it is written."""
        return f"{self.source}{self.information}"

    @property
    def source_class(self) -> str | None:
        """Class of the source, A (reliable) to E (not reliable), on the Admiralty scale; None where it is unknown."""
        return self.source if self.system is GradeSystem.ADMIRALTY and self.source != "F" else _OF_UK.get(self.source)

    @property
    def information_class(self) -> int | None:
        """Class of the information, 1 (confirmed) to 5 (improbable), on the Admiralty scale; None where it is unknown."""
        if self.system is GradeSystem.ADMIRALTY:
            return None if self.information == "6" else int(self.information)
        return _INFORMATION_OF_UK.get(self.information)

    @property
    def rank(self) -> int:
        """Order of preference among reports of one event, 0 first: known and good, then unknown, then known and bad."""
        source = "ABC?DE".index(self.source_class or "?")
        information = {1: 0, 2: 1, 3: 2, None: 3, 4: 4, 5: 5}[self.information_class]
        return source + information


_OF_UK = {"1": "B", "3": "E"}
_INFORMATION_OF_UK = {"A": 1, "B": 2, "C": 3, "E": 5}
UNGRADED_RANK = 6
"""`Grade.rank` of a report without a grade: as one of which neither source nor information is known."""


@lru_cache(maxsize=1024)
def parse_grade(text: str) -> Grade | None:
    """Return the grade that a text writes, or None where it is none."""
    word = text.strip().upper()
    if found := _ADMIRALTY.fullmatch(word):
        return Grade(GradeSystem.ADMIRALTY, found[1], found[2])
    if found := _UK.fullmatch(word):
        return Grade(GradeSystem.UK, found[1], found[2])
    return None


def grades_conflict(one: Grade, other: Grade) -> bool:
    """Return whether two grades of one event contradict each other: one holds the source or the information for good, the other for bad.

    What is unknown contradicts nothing.
    """
    sources = {one.source_class, other.source_class} - {None}
    information = {one.information_class, other.information_class} - {None}
    apart = bool(sources & {"A", "B"}) and bool(sources & {"D", "E"})
    return apart or (bool(information & {1, 2}) and bool(information & {4, 5}))
