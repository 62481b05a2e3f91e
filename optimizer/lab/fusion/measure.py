"""How well events that two agencies report are found: precision, recall, F1, processor seconds."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from optimizer.lab.fusion.agencies import write_feeds
from optimizer.records.fusion.feeds import read_feeds
from optimizer.records.fusion.matching import match_feeds
from optimizer.records.fusion.reports import comparable_reports, places_of_areas
from optimizer.records.fusion.review import decisions_on

if TYPE_CHECKING:
    from optimizer.lab.fusion.agencies import TwoAgencies


@dataclass(frozen=True)
class MatchScore:
    """How well pairs were found.

    Attributes
    ----------
    rows
        Rows of both feeds.
    precision, recall, f1
        Of the pairs that are one event.
    seconds
        Wall seconds: files read, compared and matched.
    processor_seconds
        The same in processor seconds of this process.
    """

    rows: int
    precision: float
    recall: float
    f1: float
    seconds: float
    processor_seconds: float


def scored(
    found: set[tuple[int, int]], truth: set[tuple[int, int]], rows: int, wall: float, processor: float
) -> MatchScore:
    """Return the score of the pairs that were found."""
    right = len(found & truth)
    precision, recall = right / max(len(found), 1), right / max(len(truth), 1)
    return MatchScore(rows, precision, recall, 2 * right / max(len(found) + len(truth), 1), wall, processor)


def measured(made: TwoAgencies) -> MatchScore:
    """Return how well `fuse` finds the events of two made-up agencies, their files written and read."""
    with tempfile.TemporaryDirectory() as folder:
        paths = write_feeds(made, Path(folder))
        wall, processor = time.perf_counter(), time.process_time()
        feeds = read_feeds(paths)
        reports = comparable_reports(feeds)
        matched = match_feeds(reports, places_of_areas(reports, ()), decisions_on(None, {}))
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
    first, second = (feed.seizures["line"].to_numpy() - 2 for feed in feeds)
    found = {
        pair
        for each in matched
        for pair in zip(
            first[each.pairs.one[each.merged]].tolist(),
            second[each.pairs.other[each.merged] - first.size].tolist(),
            strict=True,
        )
    }
    return scored(found, made.true_pairs(), first.size + second.size, wall, processor)
