"""Foreign records into the files of seizures, effort and traffic that a scenario reads:
what the commands `import ...` do.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optimizer.base.arguments import checked
from optimizer.base.errors import InputError
from optimizer.base.files.output_folder import OutputFolder
from optimizer.base.work.listener import SILENT, Listener, Stopping
from optimizer.records.importers import mapped_csv
from optimizer.records.importers.frames import FILES, Imported, ImportSummary, write_import
from optimizer.records.importers.mapped_csv import checked_mapping, read_mapping
from optimizer.sharing.ledger.store import Entry, LedgerFolder
from optimizer.sharing.recording import hashed, record_made


@dataclass(frozen=True)
class SavedImport:
    """An import that was written."""

    #: Where the files lie.
    folder: Path
    #: What became of every row.
    summary: ImportSummary
    #: Cells of text that were changed so that no spreadsheet takes them for a formula.
    cells_made_safe: int


@checked
def import_to_folder(
    out: str | os.PathLike[str],
    files: Sequence[Path],
    read: Callable[[], Imported],
    *,
    beside: Sequence[Path] = (),
    ledger: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    listener: Listener = SILENT,
) -> SavedImport:
    """Check that a folder can be written, read foreign records, and write them there.

    Parameters
    ----------
    out
        The folder; an earlier import of the same files in it is replaced.
    files
        The foreign records, as given.
    read
        Calls an importer of `optimizer.records.importers`, such as
        `import_stop_search`, `import_cbp` or `import_csv`.
    beside
        Other files that `read` reads, such as a mapping.
    ledger
        Folder of a ledger that receives the hashes of all these files and of what is
        made of them.
    overwrite
        Replace the files of an import in `out` whoever wrote them.
    listener
        Told of the ledger's entries.

    Raises
    ------
    InputError
        If the folder cannot be written, the ledger is at fault or the importer refuses
        its files; where recording itself fails, the folder is written.
    """
    folder = OutputFolder(Path(out), "import", tuple(files), FILES, overwrite)
    folder.check()
    log = None if ledger is None else LedgerFolder.ready(Path(ledger))
    imported = read()
    summary = imported.summary
    with Stopping():  # so that Ctrl-C between the two does not leave an import that is not recorded
        saved = SavedImport(folder.path, summary, write_import(folder, imported))
        if log is not None:
            inside = [inner for path in files if path.is_dir() for inner in sorted(path.iterdir())]
            given = [path for path in files if not path.is_dir()]
            given += [inner for inner in inside if inner.name in summary.files]
            received = Entry(
                "records", "files to import", hashed(*given, *beside), {"files": len(given)}
            )
            made, facts = (
                (folder.path / name for name in FILES),
                {
                    "rows": summary.rows,
                    "kept": summary.kept,
                },
            )
            record_made(log, received, f"import {folder.path.name}", made, facts, listener)
    return saved


def import_counts(
    out: str | os.PathLike[str],
    file: Path,
    scenario: Path,
    *,
    form: str | None = None,
    mapping: Path | None = None,
    year: int | None = None,
    within_m: float = 1000.0,
    crs: str | None = None,
    ledger: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    listener: Listener = SILENT,
) -> SavedImport:
    """Read traffic counts, match them to the roads of a scenario, and write them.

    Parameters
    ----------
    file, form, mapping, year, within_m, crs
        The counts, as `optimizer.records.importers.aadt` takes them.
    scenario
        Whose roads; other faults of it do not matter.
    out, ledger, overwrite, listener
        As in `import_to_folder`.

    Raises
    ------
    InputError
        If the counts or the roads are at fault, or the folder cannot be written.
    """
    from optimizer.records.importers.aadt import import_aadt, read_counts_mapping
    from optimizer.scenario.check.check import check_scenario

    def read() -> Imported:
        how = read_counts_mapping(form, mapping, crs)
        checked = check_scenario(scenario, listener=listener)
        if checked.region is None:
            raise InputError(*checked.problems)
        return import_aadt(file, how, checked.region.network, year=year, within_m=within_m)

    beside = [scenario] if mapping is None else [scenario, mapping]
    return import_to_folder(
        out, [file], read, beside=beside, ledger=ledger, overwrite=overwrite, listener=listener
    )


def csv_mapping(
    file: str | os.PathLike[str] | None,
    columns: Mapping[str, str | None],
    settings: Mapping[str, str | Sequence[str] | None],
) -> mapped_csv.Mapping:
    """Return the mapping of a CSV file: that of a TOML file, with columns and settings
    that take precedence where they are given.

    Parameters
    ----------
    file
        TOML mapping; None where columns and settings say everything.
    columns
        Field -> column of the CSV file; None where the TOML file decides.
    settings
        Other fields of the mapping, likewise.

    Raises
    ------
    InputError
        If the file is no TOML or the mapping is at fault.
    """
    content: dict[str, Any] = {} if file is None else read_mapping(Path(file))
    given = {name: column for name, column in columns.items() if column is not None}
    named = content.get("columns", {})
    content["columns"] = named | given if isinstance(named, dict) else named
    content |= {name: value for name, value in settings.items() if value is not None}
    return checked_mapping(content, "options" if file is None else str(file))
