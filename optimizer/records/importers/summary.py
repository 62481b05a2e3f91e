"""What became of every row of an import."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ImportSummary:
    """Counts of one import; `rows` is `kept` and everything in `dropped`.

    Attributes
    ----------
    kind
        What was imported.
    files
        Names of the files, without their folders.
    rows
        Rows read.
    dropped
        Reason -> rows left out for it, in the order in which the reasons were asked.
    kept
        Rows that stand behind what is written.
    counts
        Other figures, such as groups, events or written rows.
    notes
        What a user of the records must know, one sentence each.
    """

    kind: str
    files: tuple[str, ...]
    rows: int
    dropped: dict[str, int]
    kept: int
    counts: dict[str, Any]
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the counts as one object for JSON."""
        return {
            "kind": self.kind,
            "files": list(self.files),
            "rows": self.rows,
            "dropped": self.dropped,
            "kept": self.kept,
            **self.counts,
            "notes": list(self.notes),
        }


class DropCounts:
    """Counts rows as they are left out, reason by reason."""

    def __init__(self) -> None:
        self.dropped: dict[str, int] = {}

    def drop(self, reason: str, rows: float) -> None:
        """Note that rows were left out; none is no reason worth telling."""
        if rows:
            self.dropped[reason] = self.dropped.get(reason, 0) + int(rows)
