"""Owner and marking of merged records: who may see a record is who may see every report behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.records.fusion.feeds import MARKS, TOGETHER
from optimizer.records.marking import Marking, strictest

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]


def mark_records(records: pd.DataFrame, frame: pd.DataFrame, label: Ints) -> pd.DataFrame:
    """Return records with `owner`, `tlp` and `released_to`.

    A record of one report is marked as the report. One of several has the strictest marking and all owners in one name, which no agency has; it
    is released to the agencies that may see each of its reports. A record with an unmarked report is unmarked, so that `release` refuses it.

    Parameters
    ----------
    records
        One row a record, indexed by its label.
    frame
        The reports.
    label
        (n,) number of the record of each report.
    """
    if not (frame[list(MARKS)] != "").to_numpy().any():
        return records.assign(**dict.fromkeys(MARKS, ""))
    of_label: dict[int, list[Marking]] = {}
    for own, owner, tlp, released in zip(label.tolist(), *(frame[name].tolist() for name in MARKS), strict=True):
        of_label.setdefault(own, []).append(Marking(owner, tlp, frozenset(str(released).split())))
    marks = [_together(of_label[own]) for own in records.index.tolist()]
    return records.assign(
        owner=[mark.owner for mark in marks],
        tlp=[mark.tlp for mark in marks],
        released_to=[" ".join(sorted(mark.released_to)) for mark in marks],
    )


def _together(marks: list[Marking]) -> Marking:
    if len(marks) == 1:
        return marks[0]
    if not all(mark.owner and mark.tlp for mark in marks):
        return Marking("", "", frozenset())
    named = frozenset[str]().union(*({mark.owner} | mark.released_to for mark in marks))
    seen = frozenset(agency for agency in named if all(mark.seen_by(agency) for mark in marks))
    owner = TOGETHER.join(dict.fromkeys(mark.owner for mark in marks))
    return Marking(owner, strictest(mark.tlp for mark in marks), seen)
