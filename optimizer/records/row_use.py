"""How many rows of each file of records are used, for whoever runs a command to see."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.base.formatting import plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.records.model import LocatedRecords
    from optimizer.records.sources import EffortSource, SeizureSource

ASKED_FOR = ("left out by where", "repeats an earlier row", "outside the period", "only partly inside the period")
"""Reasons for which the scenario itself leaves rows out."""


@dataclass(frozen=True, slots=True)
class RowUse:
    """Rows of one file.

    Attributes
    ----------
    file
        As the scenario names it.
    used, lost, left_out
        Rows that count, rows that cannot be used, and rows that the scenario leaves out.
    """

    file: str
    used: int
    lost: int
    left_out: int

    def __str__(self) -> str:
        """Return the counts as a sentence without a full stop."""
        asked = f"; {plural(self.left_out, 'row')} left out as the scenario asks" if self.left_out else ""
        return f"{self.file}: {self.used:,} of {plural(self.used + self.lost, 'row')} used{asked}"


def row_uses(sources: Sequence[SeizureSource | EffortSource], records: LocatedRecords) -> tuple[RowUse, ...]:
    """Return the use of each file that `sources` name, those of one file together; `records` were read from them."""
    used: Counter[str] = Counter()
    for position, source in enumerate(sources):
        used[source.file.as_posix()] += int((records.source == position).sum())
    asked = Counter(item.file for item in records.unused if item.reason.startswith(ASKED_FOR))
    every = Counter(item.file for item in records.unused)
    shared = Counter(source.file.as_posix() for source in sources)
    return tuple(
        RowUse(file, count, every[file] - asked[file], 0 if shared[file] > 1 else asked[file])
        for file, count in used.items()
    )
