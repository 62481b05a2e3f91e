"""`--skip-unreachable`: what is left out is said on standard error and kept for the JSON line."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

NAMED = 10
"""Ids that the note names; the others it counts."""


class Skipper:
    """Hears of the evaders that are left out of one problem.

    Parameters
    ----------
    wanted
        Whether `--skip-unreachable` was given; without it such evaders are a fault.
    where
        File the problem comes from.
    """

    def __init__(self, where: object, *, wanted: bool) -> None:
        self._wanted = wanted
        self._where = where
        self.skipped: list[str] = []

    @property
    def on_unreachable(self) -> Callable[[Sequence[str]], None] | None:
        """What to give to a reader of instances."""
        return self.tell if self._wanted else None

    @property
    def json(self) -> dict[str, Any]:
        """What it adds to a JSON line: nothing where the option was not given."""
        return {"skipped": self.skipped} if self._wanted else {}

    def tell(self, ids: Sequence[str]) -> None:
        """Keep the ids of what was left out, and say them; nothing where the option was not given."""
        if not (self._wanted and ids):
            return
        self.skipped.extend(ids)
        named = ", ".join(ids[:NAMED]) + (f" and {len(ids) - NAMED} more" if len(ids) > NAMED else "")
        sys.stderr.write(f"Note: {self._where}: left out for want of a path ({len(ids)}): {named}\n")
