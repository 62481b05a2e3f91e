"""What commands record of themselves in a ledger: hashes of files and figures; the
content stays where it is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.base.errors import InputError
from optimizer.base.files.output_folder import check_new_folder, folder_sources
from optimizer.base.version import package_version
from optimizer.base.work.listener import Listener
from optimizer.sharing.ledger.notes import checked_name
from optimizer.sharing.ledger.store import Entry, EntryFile, Fact, LedgerFolder

if TYPE_CHECKING:
    from optimizer.problem.plan.result import Result
    from optimizer.scenario.compile.compile import Compiled
    from optimizer.scenario.file.model import ScenarioModel


def ledger_of(scenario: ScenarioModel, path: Path, listener: Listener) -> LedgerFolder | None:
    """Return the ledger that a scenario names, begun where there is none yet; None
    where it names none.

    Parameters
    ----------
    scenario
        The scenario.
    path
        Its file, from whose folder the ledger's path counts.
    listener
        Told of a ledger that is begun.

    Raises
    ------
    InputError
        If the folder is something else, or cannot be written.
    """
    found = begun_ledger(scenario, path)
    if found is not None or scenario.ledger is None:
        return found
    made = LedgerFolder.made(path.parent / scenario.ledger.folder, scenario.ledger.origin)
    listener.noted(f"Note: began the ledger {made.origin} in {made.path}, as there was none.")
    return made


def begun_ledger(scenario: ScenarioModel, path: Path) -> LedgerFolder | None:
    """Return the ledger that a scenario in a file names, to which entries can be added;
    None where there is none yet and one can begin.

    Raises
    ------
    InputError
        If the ledger's folder is something else, entries cannot be added, or the name
        of one that is to begin cannot be a log's.
    """
    if scenario.ledger is None:
        return None
    folder = path.parent / scenario.ledger.folder
    if folder.is_dir() and any(folder.iterdir()):
        return LedgerFolder.ready(folder)
    check_new_folder(folder)
    origin = scenario.ledger.origin
    checked_name(folder.resolve().name if origin is None else origin, f"{path}, ledger.origin")
    return None


def record_plan(
    ledger: LedgerFolder | None,
    scenario: Path,
    compiled: Compiled,
    result: Result,
    files: Iterable[Path],
    asked: Mapping[str, Any],
    listener: Listener,
) -> None:
    """Record a plan: the records it rests on, the model fitted to them, what was asked
    to be different, and the plan.

    Parameters
    ----------
    ledger
        The ledger; nothing is recorded where it is None.
    scenario
        The scenario's file.
    compiled, result
        The scenario, ready to solve, and its plan with bounds.
    files
        The files of its plan folder that are recorded.
    asked
        Changes and settings as run.json has them.
    listener
        Told of the entries.

    Raises
    ------
    InputError
        If the ledger cannot be written.
    """
    if ledger is not None:
        append_entries(ledger, list(_entries(scenario, compiled, result, files, asked)), listener)


def record_overrides(plan_folder: Path, draws: Path, overrides: int, listener: Listener) -> None:
    """Record overrides of draws in the ledger that the scenario of a plan folder names,
    if it is there and names one.

    Parameters
    ----------
    plan_folder
        Folder that `plan` wrote.
    draws
        The file of draws.
    overrides
        How many there are; which ones stands in the draws alone, as who reads the
        ledger must not know tonight's sites.
    listener
        Told of the entries, or of why there is none.

    Raises
    ------
    InputError
        If the ledger cannot be written.
    """
    from optimizer.scenario.file.model import (
        read_scenario,  # whoever solves an instance file needs no models of scenarios
    )

    sources = [path for path in folder_sources(plan_folder) if path.suffix == ".toml"]
    if not sources:
        return
    try:
        scenario = read_scenario(sources[0])
    except InputError:
        listener.noted(f"Note: {sources[0]} cannot be read, so no ledger was looked for.")
        return
    ledger = ledger_of(scenario, sources[0], listener)
    if ledger is not None and scenario.ledger is not None:
        entry = Entry(
            "override",
            f"draws of {scenario.name}",
            hashed(draws),
            {"overrides": overrides},
            scenario.ledger.agency,
        )
        append_entries(ledger, [entry], listener)


def _entries(
    scenario: Path,
    compiled: Compiled,
    result: Result,
    files: Iterable[Path],
    asked: Mapping[str, Any],
) -> Iterator[Entry]:
    asked_of = compiled.scenario
    agency = "" if asked_of.ledger is None else asked_of.ledger.agency
    sources = [*asked_of.records.seizures, *asked_of.records.effort]
    records = list(dict.fromkeys(scenario.parent / source.file for source in sources))
    if records:
        rows = {
            name: 0 if rows is None else len(rows)
            for name, rows in (("seizures", compiled.records), ("effort", compiled.effort))
        }
        yield Entry("records", f"records of {asked_of.name}", hashed(*records), rows, agency)
    rest = [path for path in compiled.inputs if path not in records]
    model: dict[str, Fact] = {"model": asked_of.risk.model, "interval": asked_of.risk.interval}
    model |= {"fitted": compiled.model is not None, "version": package_version()}
    yield Entry(
        "model",
        f"model of {asked_of.name}",
        hashed(scenario, *(p for p in rest if p != scenario)),
        model,
        agency,
    )
    yield from asked_entry(f"the plan of {asked_of.name}", asked, agency)
    yield Entry("plan", f"plan of {asked_of.name}", hashed(*files), result_facts(result), agency)


def record_release(
    ledger: LedgerFolder,
    scenario: ScenarioModel,
    agency: str,
    files: list[Path],
    rows: int,
    listener: Listener,
) -> None:
    """Record what was released to an agency: the hashes of the files, and how many rows
    it may see.

    Parameters
    ----------
    ledger
        The ledger.
    scenario
        The scenario that names it.
    agency
        To whom.
    files
        What was written.
    rows
        Rows released.
    listener
        Told of the entry.

    Raises
    ------
    InputError
        If the ledger cannot be written.
    """
    by = "" if scenario.ledger is None else scenario.ledger.agency
    entry = Entry(
        "release",
        f"release of {scenario.name} to {agency}",
        hashed(*files),
        {"to": agency, "rows": rows},
        by,
    )
    append_entries(ledger, [entry], listener)


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
    places = (
        f"entry {added.first}"
        if len(entries) == 1
        else f"entries {added.first} to {added.size - 1}"
    )
    listener.noted(f"Note: recorded as {places} of the ledger {ledger.path}.")


def record_made(
    ledger: LedgerFolder,
    received: Entry,
    made: str,
    files: Iterable[Path],
    facts: Mapping[str, Fact],
    listener: Listener,
) -> None:
    """Record files that were received, and the record made of them: hashes, and how
    many rows there are.

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
    """Record the plan of an instance file, and how much was asked to be different;
    nothing where there is no plan.

    Parameters
    ----------
    ledger
        The ledger.
    files
        What was read: the instance file, and the plan to begin from.
    name
        Name of the instance.
    result
        Its plan, of which the hash of the ids of its options is recorded, as `solve
        --json` prints them under `plan`.
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
        ledger,
        [
            *asked_entry(f"the plan of {name}", asked),
            Entry("plan", f"plan of {name}", files, facts),
        ],
        listener,
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
    """Yield how much was asked for under each name; what it was stands in run.json,
    whose hash is recorded.
    """
    for name, value in asked.items():
        if isinstance(value, dict):
            yield from ((f"{name}.{part}", count) for part, count in _counted(value))
        elif value is not None and value is not False and value != []:
            yield name, len(value) if isinstance(value, list) else 1
