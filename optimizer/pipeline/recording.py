"""What commands record of themselves in the ledger that a scenario names: hashes of files and figures; the content stays where it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optimizer.base.errors import InputError
from optimizer.base.output_folder import folder_sources
from optimizer.base.version import package_version
from optimizer.ledger.entries import Entry, EntryFile
from optimizer.ledger.store import LedgerFolder
from optimizer.scenario.model import read_scenario

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from optimizer.base.listener import Listener
    from optimizer.ledger.entries import Fact
    from optimizer.pipeline.fuse import FusedRecord
    from optimizer.pipeline.plan import Planned
    from optimizer.scenario.model import ScenarioModel

FUSED_FILES = (
    "seizures.csv",
    "effort.csv",
    "reports.csv",
    "provenance.csv",
    "review.csv",
    "sources.csv",
    "unplaced.csv",
)
PLAN_FILES = ("plan.json", "instance.json", "run.json", "mixture.json", "doubt.json")


def ledger_of(scenario: ScenarioModel, path: Path, listener: Listener) -> LedgerFolder | None:
    """Return the ledger that a scenario names, begun where there is none yet; None where it names none.

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
    if scenario.ledger is None:
        return None
    folder = path.parent / scenario.ledger.folder
    if folder.is_dir() and any(folder.iterdir()):
        return LedgerFolder.opened(folder)
    made = LedgerFolder.made(folder, scenario.ledger.origin)
    listener.noted(f"Note: began the ledger {made.origin} in {folder}, as there was none.")
    return made


def record_plan(
    ledger: LedgerFolder | None, scenario: Path, planned: Planned, asked: Mapping[str, Any], listener: Listener
) -> None:
    """Record a plan: the records it rests on, the model fitted to them, what was asked to be different, and the plan.

    Parameters
    ----------
    ledger
        The ledger; nothing is recorded where it is None.
    scenario
        The scenario's file.
    planned
        The plan, whose folder is written.
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
        _append(ledger, list(_entries(scenario, planned, asked)), listener)


def record_overrides(plan_folder: Path, draws: Path, overrides: int, listener: Listener) -> None:
    """Record overrides of draws in the ledger that the scenario of a plan folder names, if it is there and names one.

    Parameters
    ----------
    plan_folder
        Folder that `plan` wrote.
    draws
        The file of draws.
    overrides
        How many there are; which ones stands in the draws alone, as who reads the ledger must not know tonight's sites.
    listener
        Told of the entries, or of why there is none.

    Raises
    ------
    InputError
        If the ledger cannot be written.
    """
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
            "override", f"draws of {scenario.name}", _files(draws), {"overrides": overrides}, scenario.ledger.agency
        )
        _append(ledger, [entry], listener)


def _entries(scenario: Path, planned: Planned, asked: Mapping[str, Any]) -> Iterator[Entry]:
    compiled, found = planned.compiled, planned.result
    asked_of = compiled.scenario
    agency = "" if asked_of.ledger is None else asked_of.ledger.agency
    sources = [*asked_of.records.seizures, *asked_of.records.effort]
    records = list(dict.fromkeys(scenario.parent / source.file for source in sources))
    if records:
        rows = {
            name: 0 if rows is None else len(rows)
            for name, rows in (("seizures", compiled.records), ("effort", compiled.effort))
        }
        yield Entry("records", f"records of {asked_of.name}", _files(*records), rows, agency)
    rest = [path for path in compiled.inputs if path not in records]
    model: dict[str, Fact] = {"model": asked_of.risk.model, "interval": asked_of.risk.interval}
    model |= {"fitted": compiled.model is not None, "version": package_version()}
    yield Entry(
        "model", f"model of {asked_of.name}", _files(scenario, *(p for p in rest if p != scenario)), model, agency
    )
    different = dict(_counted(asked))
    if different:
        yield Entry("override", f"asked of the plan of {asked_of.name}", (), different, agency)
    figures: dict[str, Fact] = {
        "method": found.method,
        "status": found.status,
        "lower": found.lower,
        "upper": found.upper,
        "gap": found.gap,
        "seed": found.seed,
        "version": package_version(),
    }
    written = (planned.folder / name for name in PLAN_FILES if name in planned.files)
    yield Entry("plan", f"plan of {asked_of.name}", _files(*written), figures, agency)


def _counted(asked: Mapping[str, Any]) -> Iterator[tuple[str, Fact]]:
    """Yield how much was asked for under each name; what it was stands in run.json, whose hash is recorded."""
    for name, value in asked.items():
        if isinstance(value, dict):
            yield from ((f"{name}.{part}", count) for part, count in _counted(value))
        elif value is not None and value is not False and value != []:
            yield name, len(value) if isinstance(value, list) else 1


def _files(*paths: Path) -> list[EntryFile]:
    return [EntryFile.of(path) for path in paths]


def _append(ledger: LedgerFolder, entries: list[Entry], listener: Listener) -> None:
    added = ledger.append(entries)
    for warning in added.warnings:
        listener.noted(f"Warning: {warning}")
    places = f"entry {added.first}" if len(entries) == 1 else f"entries {added.first} to {added.size - 1}"
    listener.noted(f"Note: recorded as {places} of the ledger {ledger.path}.")


def record_fusion(ledger: LedgerFolder, feeds: Sequence[Path], fused: FusedRecord, listener: Listener) -> None:
    """Record the feeds that were received and the record made of them: hashes, and how many rows there are.

    Parameters
    ----------
    ledger
        The ledger.
    feeds
        The feeds' files.
    fused
        The record, whose folder is written.
    listener
        Told of the entries.

    Raises
    ------
    InputError
        If the ledger cannot be written.
    """
    made = sorted(path for path in fused.folder.glob("*.csv") if path.name in FUSED_FILES)
    facts: dict[str, Fact] = {
        "rows": fused.rows,
        "merged": fused.merged,
        "doubtful": fused.doubtful,
        "version": package_version(),
    }
    entries = [
        Entry("records", f"feeds of {fused.folder.name}", _files(*feeds, *fused.sources), {"feeds": len(feeds)}),
        Entry("records", f"fused record {fused.folder.name}", _files(*made), facts),
    ]
    _append(ledger, entries, listener)


def record_release(
    ledger: LedgerFolder, scenario: ScenarioModel, agency: str, files: list[Path], rows: int, listener: Listener
) -> None:
    """Record what was released to an agency: the hashes of the files, and how many rows it may see.

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
        "release", f"release of {scenario.name} to {agency}", _files(*files), {"to": agency, "rows": rows}, by
    )
    _append(ledger, [entry], listener)
