"""How reliable each source of the reports is, by what was later confirmed or refuted: `sources.csv`."""

from __future__ import annotations

import pandas as pd

from optimizer.records.grades import parse_grade
from optimizer.records.reliability import learn_reliability


def sources_table(frame: pd.DataFrame) -> pd.DataFrame | None:
    """Return one row a source with its usual grade: reports, confirmed, refuted, reliability with a 90 % interval; None where nothing is known.

    Parameters
    ----------
    frame
        Reports of all feeds (`optimizer.records.fusion.feeds.Feed.seizures`).
    """
    known = frame["confirmed"].notna()
    if not known.any():
        return None
    letter = {text: grade.source_class for text in frame["grade"].unique() if (grade := parse_grade(text)) is not None}
    graded = pd.DataFrame(
        {
            "agency": frame["agency"],
            "source": frame["source"],
            "class": [letter.get(text) or "unknown" for text in frame["grade"].tolist()],
            "reports": 1,
            "confirmed": (frame["confirmed"] == 1).astype(int),
            "refuted": (known & (frame["confirmed"] == 0)).astype(int),
        }
    )
    table = graded.groupby(["agency", "source", "class"], as_index=False, sort=True).sum()
    classes = [None if one == "unknown" else str(one) for one in table["class"].tolist()]
    confirmed = table["confirmed"].tolist()
    learnt = learn_reliability(classes, confirmed, (table["confirmed"] + table["refuted"]).tolist())
    return table.assign(
        reliability=learnt.median.round(3), low=learnt.low.round(3), high=learnt.high.round(3), interval=learnt.level
    )
