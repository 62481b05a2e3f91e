"""What commands record of themselves in the ledger that a scenario names: hashes of files and figures; the content stays where it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optimizer.base.errors import InputError
from optimizer.base.output_folder import check_new_folder, folder_sources
from optimizer.base.version import package_version
from optimizer.ledger.entries import Entry
from optimizer.ledger.notes import checked_name
from optimizer.ledger.store import LedgerFolder
from optimizer.pipeline.recording import append_entries, asked_entry, hashed, result_facts
from optimizer.scenario.model import read_scenario

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from optimizer.base.listener import Listener
    from optimizer.ledger.entries import Fact
    from optimizer.pipeline.plan import Planned
    from optimizer.scenario.model import ScenarioModel

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
    found = begun_ledger(scenario, path)
    if found is not None or scenario.ledger is None:
        return found
    made = LedgerFolder.made(path.parent / scenario.ledger.folder, scenario.ledger.origin)
    listener.noted(f"Note: began the ledger {made.origin} in {made.path}, as there was none.")
    return made


def begun_ledger(scenario: ScenarioModel, path: Path) -> LedgerFolder | None:
    """Return the ledger that a scenario in a file names, to which entries can be added; None where there is none yet and one can begin.

    Raises
    ------
    InputError
        If the ledger's folder is something else, entries cannot be added, or the name of one that is to begin cannot be a log's.
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
        append_entries(ledger, list(_entries(scenario, planned, asked)), listener)


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
            "override", f"draws of {scenario.name}", hashed(draws), {"overrides": overrides}, scenario.ledger.agency
        )
        append_entries(ledger, [entry], listener)


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
        yield Entry("records", f"records of {asked_of.name}", hashed(*records), rows, agency)
    rest = [path for path in compiled.inputs if path not in records]
    model: dict[str, Fact] = {"model": asked_of.risk.model, "interval": asked_of.risk.interval}
    model |= {"fitted": compiled.model is not None, "version": package_version()}
    yield Entry(
        "model", f"model of {asked_of.name}", hashed(scenario, *(p for p in rest if p != scenario)), model, agency
    )
    yield from asked_entry(f"the plan of {asked_of.name}", asked, agency)
    written = (planned.folder / name for name in PLAN_FILES if name in planned.files)
    yield Entry("plan", f"plan of {asked_of.name}", hashed(*written), result_facts(found), agency)


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
        "release", f"release of {scenario.name} to {agency}", hashed(*files), {"to": agency, "rows": rows}, by
    )
    append_entries(ledger, [entry], listener)
