"""Feeds made one record: reports compared, merged, and written as tables that a scenario reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from optimizer.records.fusion.effort import effort_overlap
from optimizer.records.fusion.matching import SURE, UNLIKELY, clusters, match_feeds
from optimizer.records.fusion.merging import merge_reports
from optimizer.records.fusion.reliable import sources_table
from optimizer.records.fusion.reports import comparable_reports, places_of_areas
from optimizer.records.fusion.review import decisions_on, refuse_strange, report_names, review_table
from optimizer.records.fusion.tables import fusion_summary, record_entries, record_tables
from optimizer.records.importers.writing import Imported

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from optimizer.records.areas import Area
    from optimizer.records.fusion.candidates import Candidates
    from optimizer.records.fusion.effort import EffortOverlap
    from optimizer.records.fusion.feeds import Feed
    from optimizer.records.fusion.matching import FeedPairs
    from optimizer.records.fusion.review import Decisions, ReviewFile

    Ints = NDArray[np.int64]


@dataclass(frozen=True)
class FusedFeeds:
    """One record of several feeds.

    Attributes
    ----------
    imported
        Tables, entries of a scenario, and what became of every row.
    rows
        Rows read.
    merged
        Reports that are counted with another: reports less records.
    doubtful
        Pairs in `review.csv` that nobody has decided.
    records
        Records of seizures.
    """

    imported: Imported
    rows: int
    merged: int
    doubtful: int
    records: int


def fuse(feeds: Sequence[Feed], *, areas: Sequence[Area] = (), review: ReviewFile | None = None) -> FusedFeeds:
    """Find the events that several feeds report, and make one record of them all.

    Parameters
    ----------
    feeds
        At least two.
    areas
        Polygons of areas that reports may name in place of a point.
    review
        Decisions on doubtful pairs.

    Raises
    ------
    InputError
        If decisions are about reports that the feeds do not hold.
    """
    seizures = pd.concat([feed.seizures for feed in feeds], ignore_index=True)
    effort = pd.concat([feed.effort for feed in feeds], ignore_index=True)
    seizures["name"], effort["name"] = report_names(seizures), report_names(effort)
    if review is not None:
        refuse_strange(review, {*seizures["name"], *effort["name"]})
    reports = comparable_reports(feeds)
    on_seizures = decisions_on(review, _positions(seizures))
    found = match_feeds(reports, places_of_areas(reports, areas), on_seizures)
    label = clusters(reports, found, on_seizures.same)
    searched = {feed.agency: set(feed.effort["unit"]) for feed in feeds}
    merged = merge_reports(seizures, label, reports.feed, searched)
    of_feed = np.repeat(np.arange(len(feeds)), [len(feed.effort) for feed in feeds])
    overlap = effort_overlap(effort, of_feed)
    on_effort = decisions_on(review, _positions(effort))
    listed = pd.concat(
        [
            _doubtful_seizures(seizures, found, label, on_seizures),
            _doubtful_effort(effort, overlap, on_effort),
        ],
        ignore_index=True,
    )
    undecided = int((listed["decision"] == "").sum())
    tables = record_tables(seizures, effort, label, merged, on_effort) | {"review.csv": listed}
    reliable = sources_table(seizures)
    if reliable is not None:
        tables["sources.csv"] = reliable
    joined = label.size - len(merged.records)
    summary = fusion_summary(feeds, reports, found, merged, overlap, tables, joined, undecided)
    rows = sum(feed.rows for feed in feeds)
    return FusedFeeds(Imported(tables, record_entries(tables), summary), rows, joined, undecided, len(merged.records))


def _positions(frame: pd.DataFrame) -> dict[str, int]:
    return {name: at for at, name in enumerate(frame["name"].tolist())}


def _doubtful_seizures(
    frame: pd.DataFrame, found: Sequence[FeedPairs], label: Ints, decisions: Decisions
) -> pd.DataFrame:
    """Return the pairs whose probability lies between `UNLIKELY` and `SURE`, and those decided."""
    parts = [
        review_table(
            frame, decisions.same, np.full(decisions.same.size, 1.0), np.full(decisions.same.size, True), "seizure"
        )
    ]
    parts += [
        review_table(
            frame,
            decisions.different,
            np.zeros(decisions.different.size),
            np.full(decisions.different.size, False),
            "seizure",
        )
    ]
    parts[0]["decision"], parts[1]["decision"] = "same", "different"
    for each in found:
        doubtful = np.flatnonzero((each.probability >= UNLIKELY) & (each.probability <= SURE))
        pairs = each.pairs.take(doubtful)
        one = label[pairs.one] == label[pairs.other]
        parts.append(review_table(frame, pairs, each.probability[doubtful], one, "seizure"))
    return pd.concat(parts, ignore_index=True)


def _doubtful_effort(frame: pd.DataFrame, overlap: EffortOverlap, decisions: Decisions) -> pd.DataFrame:
    """Return the rows of effort that may be one report, with what was decided."""
    alike = overlap.alike
    table = review_table(frame, alike, np.full(alike.size, 0.5), np.full(alike.size, False), "effort")
    for pairs, word in ((decisions.same, "same"), (decisions.different, "different")):
        table.loc[np.isin(_codes(alike, len(frame)), _codes(pairs, len(frame))), "decision"] = word
    table["now"] = np.where(table["decision"] == "same", "one", "two")
    return table


def _codes(pairs: Candidates, size: int) -> Ints:
    """Return (k,) a number for each pair, whichever report comes first."""
    return np.asarray(np.minimum(pairs.one, pairs.other) * size + np.maximum(pairs.one, pairs.other))
