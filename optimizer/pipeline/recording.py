"""What commands record of themselves in a ledger: hashes of files and figures; the content stays where it is."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from optimizer.base.version import package_version
from optimizer.ledger.entries import Entry, EntryFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from optimizer.base.listener import Listener
    from optimizer.ledger.entries import Fact
    from optimizer.ledger.store import LedgerFolder
    from optimizer.problem.result import Result


def hashed(*paths: Path) -> list[EntryFile]:
    """Return what is recorded of files.

    Raises
    ------
    InputError
        If one cannot be read.
    """
    return [EntryFile.of(path) for path in paths]


def append_entries(ledger: LedgerFolder, entries: list[Entry], listener: Listener) -> None:
    """Add entries to a ledger, all or none, and say where they stand.

    Parameters
    ----------
    ledger
        The ledger.
    entries
        The entries, at least one.
    listener
        Told of the entries, and of what whoever wrote them should know.

    Raises
    ------
    InputError
        If the ledger cannot be written.
    """
    added = ledger.append(entries)
    for warning in added.warnings:
        listener.noted(f"Warning: {warning}")
    places = f"entry {added.first}" if len(entries) == 1 else f"entries {added.first} to {added.size - 1}"
    listener.noted(f"Note: recorded as {places} of the ledger {ledger.path}.")


def record_made(
    ledger: LedgerFolder,
    received: Entry,
    made: str,
    files: Iterable[Path],
    facts: Mapping[str, Fact],
    listener: Listener,
) -> None:
    """Record files that were received, and the record made of them: hashes, and how many rows there are.

    Parameters
    ----------
    ledger
        The ledger.
    received
        The entry of what was received.
    made
        What was made of it, in words.
    files
        Its files; those that are not there were not needed.
    facts
        Counts of it.
    listener
        Told of the entries.

    Raises
    ------
    InputError
        If the ledger cannot be written.
    """
    there = hashed(*(path for path in files if path.is_file()))
    entry = Entry("records", made, there, {**facts, "version": package_version()})
    append_entries(ledger, [received, entry], listener)


def record_result(
    ledger: LedgerFolder,
    files: list[EntryFile],
    name: str,
    result: Result,
    asked: Mapping[str, Any],
    listener: Listener,
) -> None:
    """Record the plan of an instance file, and how much was asked to be different; nothing where there is no plan.

    Parameters
    ----------
    ledger
        The ledger.
    files
        What was read: the instance file, and the plan to begin from.
    name
        Name of the instance.
    result
        Its plan, of which the hash of the ids of its options is recorded, as `solve --json` prints them under `plan`.
    asked
        Changes that were asked for.
    listener
        Told of the entries.

    Raises
    ------
    InputError
        If the ledger cannot be written.
    """
    if result.plan is None:
        return
    ids = json.dumps(list(result.plan.options), ensure_ascii=False)
    facts = result_facts(result) | {
        "options": len(result.plan.options),
        "options_sha256": hashlib.sha256(ids.encode()).hexdigest(),
    }
    append_entries(
        ledger, [*asked_entry(f"the plan of {name}", asked), Entry("plan", f"plan of {name}", files, facts)], listener
    )


def result_facts(result: Result) -> dict[str, Fact]:
    """Return the figures of a plan that are recorded."""
    return {
        "method": result.method,
        "status": result.status,
        "lower": result.lower,
        "upper": result.upper,
        "gap": result.gap,
        "seed": result.seed,
        "version": package_version(),
    }


def asked_entry(of: str, asked: Mapping[str, Any], agency: str = "") -> Iterator[Entry]:
    """Yield the entry of how much was asked to be different; none where nothing was.

    Parameters
    ----------
    of
        Of what, in words.
    asked
        Changes and settings as run.json has them.
    agency
        Who asked.
    """
    different = dict(_counted(asked))
    if different:
        yield Entry("override", f"asked of {of}", (), different, agency)


def _counted(asked: Mapping[str, Any]) -> Iterator[tuple[str, Fact]]:
    """Yield how much was asked for under each name; what it was stands in run.json, whose hash is recorded."""
    for name, value in asked.items():
        if isinstance(value, dict):
            yield from ((f"{name}.{part}", count) for part, count in _counted(value))
        elif value is not None and value is not False and value != []:
            yield name, len(value) if isinstance(value, list) else 1
