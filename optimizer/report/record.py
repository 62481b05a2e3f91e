"""What a seizure record cannot say, in plain sentences and in the figures of this very record."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.formatting import SPACE, known, number, percent, plain, plural
from optimizer.report.classes import WIDTHS, interval_ratio, two_digits

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.report.content import RecordFacts, ReportContent, SegmentRisk

SURENESS = (
    "fairly sure",
    "a rough figure",
    "an order of magnitude at best",
    "next to nothing is known",
    "nothing is known",
)
"""What an interval in each class of `WIDTHS` comes to."""


def record_limits(content: ReportContent) -> list[str]:
    """Return a sentence for each thing that the record cannot say; none where there is neither risk nor record."""
    lines: list[str] = []
    if content.risk is not None:
        length = content.network.length_m[content.network.segment_arc]
        lines += [*_unsearched(content.risk, length), *_intervals(content.risk, length)]
    if content.record is not None:
        lines += [*_seizures(content.record), *_effort(content.record)]
    return lines


def record_doubts(content: ReportContent) -> list[str]:
    """Return in one sentence on how much of the roads the record cannot tell riskier from safer; none where it can everywhere."""
    risk = content.risk
    if risk is None:
        return ["No record of seizures stands behind it: where loads pass is assumed from gateways and populations."]
    length = content.network.length_m[content.network.segment_arc]
    never, undecided = float(length[~risk.searched].sum() / length.sum()), _undecided(risk, length)
    parts = [
        f"{'all' if undecided == 1 else _share(undecided)} of the road length that was searched" if undecided else "",
        f"the {_share(never)} that nobody ever searched" if never else "",
    ]
    where = " and on ".join(filter(None, parts))
    return [f"The record cannot tell riskier from safer on {where}."] if where else []


def _undecided(risk: SegmentRisk, length: NDArray[np.float64]) -> float:
    """Return the share of the searched road length on which the interval holds the average; 0 where that is not known."""
    searched = risk.searched & ~np.isnan(interval_ratio(risk))
    if risk.average is None or not searched.any():
        return 0.0
    around = searched & (risk.low <= risk.average) & (risk.high >= risk.average)
    return 1.0 if np.array_equal(around, searched) else float(length[around].sum() / length[searched].sum())


def sureness(ratio: float) -> str:
    """Say how precise an interval is whose upper end is `ratio` times its lower; empty where that is unknown."""
    return "" if np.isnan(ratio) else SURENESS[int(np.searchsorted(WIDTHS, ratio, side="right"))]


def _unsearched(risk: SegmentRisk, length: NDArray[np.float64]) -> list[str]:
    if not risk.searched.any():
        return [
            "No road is known to have been searched: every risk on this page is a guess, and no road is safe because nothing was found there."
        ]
    never = float(length[~risk.searched].sum() / length.sum())
    if never == 0:
        return []
    return [
        f"Nobody ever searched {_share(never)} of the road length on this map. Its risk is unknown, which is not the same as low."
    ]


def _intervals(risk: SegmentRisk, length: NDArray[np.float64]) -> list[str]:
    ratio = interval_ratio(risk)
    searched = risk.searched & ~np.isnan(ratio)
    if not searched.any():
        return []
    half = _weighted_median(ratio[searched], length[searched])
    interval = f"{percent(risk.interval, 0)} interval"
    times = (
        f"at least {number(two_digits(half))} times its lower end"
        if known(half)
        else "without any bound in proportion to its lower end"
    )
    line = f"On half of the searched road length the upper end of the {interval} is {times} ({sureness(half)})"
    if risk.average is None:
        return [line + "."]
    share = _undecided(risk, length)
    return [
        f"{line}; on {'all' if share == 1 else _share(share)} of it the interval holds the average, so that the record cannot say "
        "whether the road is riskier or safer than most."
        if share
        else line + "."
    ]


def _seizures(record: RecordFacts) -> list[str]:
    if not record.seizures:
        return ["The record holds no seizure."]
    lines = []
    every = f"{number(record.seizures)}{SPACE}seizures"
    if record.area_only:
        which = (
            f"All {every} name"
            if record.area_only == record.seizures
            else f"{number(record.area_only)} of {every} name"
        )
        lines.append(
            f"{which} only an area ({plural(record.areas, 'area')} in all). On which of its roads they were made the record does not say; "
            "what the map shows inside an area comes from the model."
        )
    if record.without_effort:
        lines.append(
            f"{number(record.without_effort)} of {every} have no search effort behind them, there or then: nothing says how hard "
            "anybody looked. The risk leaves them out, or counts them as misplaced or due to tips where its warnings say so."
        )
    return lines


def _effort(record: RecordFacts) -> list[str]:
    if not record.effort_sources:
        return ["No search effort was recorded. Seizures then show where people looked as much as where loads pass."]
    named = _listed([f"{plain(source, 80)} ({plain(unit, 40)})" for source, unit in record.effort_sources])
    keepers = _listed([plain(source, 80) for source in dict.fromkeys(record.seizure_sources)])
    own = {source for source, _ in record.effort_sources} & set(record.seizure_sources)
    begin = (
        "Search effort is"
        if own or not keepers
        else f"The seizures of {keepers} carry no search effort of their own: it is"
    )
    line = f"{begin} taken from {named}, and used as reported. "
    line += "Where it is a proxy for hours of search, a search that it does not count makes a road look riskier."
    if record.effort_by_area:
        line += " It is known by area alone and was spread over the roads of each area by their length."
    if len({unit for _, unit in record.effort_sources}) > 1:
        line += " That places searched in one unit are on the whole as risky as places searched in another is assumed, not found."
    return [line]


def _weighted_median(amount: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
    """Return the largest amount that half of the weight reaches at least."""
    order = np.argsort(-amount, kind="stable")
    return float(amount[order][np.searchsorted(np.cumsum(weight[order]), weight.sum() / 2)])


def _share(share: float) -> str:
    """Return a share as a whole percentage that never claims all."""
    return f"more than 99{SPACE}%" if 0.995 <= share < 1 else percent(share, 0)


def _listed(parts: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))
