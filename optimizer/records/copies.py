"""Entries of a scenario whose rows another entry has too: a file named twice, or one export under two names.

Rows of one source that are the same in two entries count once. Of two sources they may be what each of them did, or a copy: they are counted,
and it is said.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from optimizer.base.said import said, said_count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.records.model import Effort, Seizures
    from optimizer.records.sources import EffortSource, SeizureSource

    Row = tuple[object, ...]

Records = TypeVar("Records", "Effort", "Seizures")
FEWEST = 2
"""Rows from which on an entry of another source is called a copy; one alone is the same by chance."""


def without_copies(
    records: Records, columns: Sequence[str], kinds: Sequence[str], sources: Sequence[EffortSource | SeizureSource]
) -> Records:
    """Return records without the rows of an entry all of whose rows an earlier entry of its source has, with a warning.

    Parameters
    ----------
    records
        Rows of all entries.
    columns
        Names of the (rows,) arrays in which they must agree, beside time and place.
    kinds
        (entries,) what two entries must have alike to be compared, such as the unit.
    sources
        The entries.
    """
    if len(sources) < 2:
        return records
    values = [getattr(records, name) for name in ("start", "end", "segment", "area", *columns)]
    known = [np.nan_to_num(one, nan=-1.0) if one.dtype.kind == "f" else one for one in values]
    rows: list[Row] = list(zip(*(one.tolist() for one in known), strict=True))
    of_entry = [np.flatnonzero(records.source == number) for number in range(len(sources))]
    held = [{rows[at] for at in mine.tolist()} for mine in of_entry]
    kept, warnings = np.ones(len(rows), dtype=bool), list(records.warnings)
    for number, entry in enumerate(sources):
        for first in range(number):
            if kinds[first] != kinds[number] or not held[number] or not held[number] <= held[first]:
                continue
            count = said_count("{count} row", "{count} rows", of_entry[number].size)
            if sources[first].source.casefold() == entry.source.casefold():
                if entry.overlap == "add":
                    continue
                kept[of_entry[number]] = False
                warnings.append(
                    said(
                        "{file}: {rows} of {source} are all in an earlier entry of this source ({earlier}). They are counted once; remove one "
                        'of the entries, or state overlap = "add" in the later one if both happened.',
                        file=str(entry.file),
                        rows=count,
                        source=entry.source,
                        earlier=str(sources[first].file),
                    )
                )
            elif of_entry[number].size >= FEWEST:
                warnings.append(
                    said(
                        "{file}: {rows} of {source} are all in {earlier} of {other} too, with the same times, places and amounts. Both are "
                        "counted; if one is a copy of the other, remove its entry.",
                        file=str(entry.file),
                        rows=count,
                        source=entry.source,
                        earlier=str(sources[first].file),
                        other=sources[first].source,
                    )
                )
            break
    return replace(records.take(kept), warnings=tuple(warnings))
