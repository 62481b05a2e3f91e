"""`--skip-unreachable`: evaders that were left out are named on standard error and in the JSON line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optimizer.cli.console import print_note

if TYPE_CHECKING:
    from collections.abc import Sequence

NAMED = 10
"""Ids that the note names; the others it counts."""


def note_unreachable(where: object, ids: Sequence[str]) -> None:
    """Print a note on what was left out of the problem of a file; nothing where that is nobody."""
    if ids:
        named = ", ".join(ids[:NAMED]) + (f" and {len(ids) - NAMED} more" if len(ids) > NAMED else "")
        print_note(f"Note: {where}: left out, no path ({len(ids)}): {named}")


def unreachable_json(ids: Sequence[str], *, wanted: bool) -> dict[str, Any]:
    """Return what is added to a JSON line: nothing where `--skip-unreachable` was not given."""
    return {"skipped": list(ids)} if wanted else {}
