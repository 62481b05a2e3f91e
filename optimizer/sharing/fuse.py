"""Several agencies' records made one: what `fuse` does."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from optimizer.base.arguments import checked
from optimizer.base.files.output_folder import OutputFolder
from optimizer.base.work.listener import SILENT, Listener, Stopping
from optimizer.records.areas import load_areas
from optimizer.records.fusion.feeds import read_feeds
from optimizer.records.fusion.fusing import fuse
from optimizer.records.fusion.matching import WINDOW
from optimizer.records.fusion.review import read_review
from optimizer.records.importers.frames import COUNTS, SNIPPET, ImportSummary, write_import
from optimizer.sharing.ledger.store import Entry, LedgerFolder
from optimizer.sharing.recording import hashed, record_made

FILES = (
    "seizures.csv",
    "effort.csv",
    "reports.csv",
    "provenance.csv",
    "review.csv",
    "sources.csv",
    "unplaced.csv",
    SNIPPET,
    COUNTS,
)
"""What the folder of a fusion may hold."""


@dataclass(frozen=True)
class FusedRecord:
    """One record of several feeds, written."""

    #: Where the files lie.
    folder: Path
    #: Rows read, of seizures and of effort.
    rows: int
    #: Reports that are counted with another's.
    merged: int
    #: Pairs in `review.csv` that nobody has decided.
    doubtful: int
    #: Wall time.
    seconds: float
    #: What became of every row.
    summary: ImportSummary
    #: Cells of text that were changed so that no spreadsheet takes them for a formula.
    cells_made_safe: int
    #: The files that were read: feeds, mappings, tables, decisions and areas.
    sources: tuple[Path, ...] = ()


@checked
def fuse_feeds(
    feeds: Sequence[str | os.PathLike[str]],
    out: str | os.PathLike[str],
    *,
    review: str | os.PathLike[str] | None = None,
    areas: str | os.PathLike[str] | None = None,
    window: int = WINDOW,
    ledger: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    listener: Listener = SILENT,
) -> FusedRecord:
    """Read several agencies' feeds, find what they report twice, and write one record
    of it.

    Parameters
    ----------
    feeds
        Feeds (TOML), or CSV files with a mapping of the same name beside each; two at
        least.
    out
        Folder to write; an earlier fusion of the same feeds in it is replaced.
    review
        A `review.csv` with decisions. It may be the one in `out`: it is read before the
        folder is replaced.
    areas
        GeoJSON of areas that reports name in place of a point.
    window
        Days between the days of two reports of one event at most, from 1 to 31.
    ledger
        Folder of a ledger that receives the hashes of all files that were read and of
        the record.
    overwrite
        Replace the files of a fusion in `out` whoever wrote them.
    listener
        Told of the ledger's entries.

    Raises
    ------
    InputError
        If a feed, mapping, table, review or the folder is at fault.
    """
    begun = time.perf_counter()
    paths = tuple(Path(feed) for feed in feeds)
    folder = OutputFolder(Path(out), "fuse", paths, FILES, overwrite)
    folder.check()
    log = None if ledger is None else LedgerFolder.ready(Path(ledger))
    read = read_feeds(paths)
    decisions = None if review is None else read_review(Path(review))
    fused = fuse(
        read,
        areas=() if areas is None else load_areas(Path(areas)),
        review=decisions,
        window=window,
    )
    summary = fused.imported.summary
    beside = tuple(Path(each) for each in (review, areas) if each is not None)
    sources = tuple(dict.fromkeys((*(path for feed in read for path in feed.files), *beside)))
    # before the folder is replaced, which may hold the review
    given = [] if log is None else hashed(*sources)
    # so that Ctrl-C between the two does not leave a record that is not in the ledger
    with Stopping():
        changed = write_import(folder, fused.imported)
        seconds = time.perf_counter() - begun
        if log is not None:
            received = Entry(
                "records", f"feeds of {folder.path.name}", given, {"feeds": len(paths)}
            )
            made = (folder.path / name for name in FILES if name.endswith(".csv"))
            facts = {"rows": fused.rows, "merged": fused.merged, "doubtful": fused.doubtful}
            record_made(log, received, f"fused record {folder.path.name}", made, facts, listener)
    return FusedRecord(
        folder.path, fused.rows, fused.merged, fused.doubtful, seconds, summary, changed, sources
    )
