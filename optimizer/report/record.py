"""What a seizure record cannot say, in plain sentences and in the figures of this very record."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.formatting import known, number, percent, plain
from optimizer.base.language import counted, marked
from optimizer.base.language import gettext as _
from optimizer.report.classes import WIDTHS, interval_ratio, two_digits

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.report.content import RecordFacts, ReportContent, SegmentRisk

SURENESS = (
    marked("fairly sure"),
    marked("a rough figure"),
    marked("an order of magnitude at best"),
    marked("next to nothing is known"),
    marked("nothing is known"),
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
        return [_("No record of seizures stands behind it: where loads pass is assumed from gateways and populations.")]
    length = content.network.length_m[content.network.segment_arc]
    never, undecided = float(length[~risk.searched].sum() / length.sum()), _undecided(risk, length)
    parts = []
    if undecided:
        share = _("all of the road length that was searched")
        some = _("{share} of the road length that was searched").format(share=_share(undecided))
        parts.append(share if undecided == 1 else some)
    if never:
        parts.append(_("the {share} that nobody ever searched").format(share=_share(never)))
    said = _("The record cannot tell riskier from safer on {roads}.")
    return [said.format(roads=_(" and on ").join(parts))] if parts else []


def _undecided(risk: SegmentRisk, length: NDArray[np.float64]) -> float:
    """Return the share of the searched road length on which the interval holds the average; 0 where that is not known."""
    searched = risk.searched & ~np.isnan(interval_ratio(risk))
    if risk.average is None or not searched.any():
        return 0.0
    around = searched & (risk.low <= risk.average) & (risk.high >= risk.average)
    return 1.0 if np.array_equal(around, searched) else float(length[around].sum() / length[searched].sum())


def sureness(ratio: float) -> str:
    """Say how precise an interval is whose upper end is `ratio` times its lower; empty where that is unknown."""
    return "" if np.isnan(ratio) else _(SURENESS[int(np.searchsorted(WIDTHS, ratio, side="right"))])


def _unsearched(risk: SegmentRisk, length: NDArray[np.float64]) -> list[str]:
    if not risk.searched.any():
        return [
            _(
                "No road is known to have been searched: every risk on this page is a guess, and no road is safe because "
                "nothing was found there."
            )
        ]
    never = float(length[~risk.searched].sum() / length.sum())
    if never == 0:
        return []
    return [
        _(
            "Nobody ever searched {share} of the road length on this map. Its risk is unknown, which is not the same as low."
        ).format(share=_share(never))
    ]


def _intervals(risk: SegmentRisk, length: NDArray[np.float64]) -> list[str]:
    ratio = interval_ratio(risk)
    searched = risk.searched & ~np.isnan(ratio)
    if not searched.any():
        return []
    half = _weighted_median(ratio[searched], length[searched])
    said = (
        _(
            "On half of the searched road length the upper end of the {percent} interval is at least {times} times its lower end ({sureness})"
        )
        if known(half)
        else _(
            "On half of the searched road length the upper end of the {percent} interval is without any bound in proportion to its lower end "
            "({sureness})"
        )
    )
    line = said.format(
        percent=percent(risk.interval, 0),
        times=number(two_digits(half)) if known(half) else "",
        sureness=sureness(half),
    )
    share = 0.0 if risk.average is None else _undecided(risk, length)
    if not share:
        return [line + "."]
    around = (
        _(
            "{line}; on all of it the interval holds the average, so that the record cannot say whether the road is riskier or safer than most."
        )
        if share == 1
        else _(
            "{line}; on {share} of it the interval holds the average, so that the record cannot say whether the road is riskier or safer than "
            "most."
        )
    )
    return [around.format(line=line, share=_share(share))]


def _seizures(record: RecordFacts) -> list[str]:
    if not record.seizures:
        return [_("The record holds no seizure.")]
    lines = []
    every = _("{count} seizures").replace("{count} ", "{count}\N{NO-BREAK SPACE}").format(count=number(record.seizures))
    if record.area_only:
        said = (
            _(
                "All {seizures} name only an area ({areas} in all). On which of its roads they were made the record does not say; what the map "
                "shows inside an area comes from the model."
            )
            if record.area_only == record.seizures
            else _(
                "{count} of {seizures} name only an area ({areas} in all). On which of its roads they were made the record does not say; what "
                "the map shows inside an area comes from the model."
            )
        )
        areas = counted("{count} area", "{count} areas", record.areas)
        lines.append(said.format(seizures=every, count=number(record.area_only), areas=areas))
    if record.without_effort:
        said = _(
            "{count} of {seizures} have no search effort behind them, there or then: nothing says how hard anybody looked. The risk leaves "
            "them out, or counts them as misplaced or due to tips where its warnings say so."
        )
        lines.append(said.format(count=number(record.without_effort), seizures=every))
    return lines


def _effort(record: RecordFacts) -> list[str]:
    if not record.effort_sources:
        return [_("No search effort was recorded. Seizures then show where people looked as much as where loads pass.")]
    named = _listed([f"{plain(source, 80)} ({plain(unit, 40)})" for source, unit in record.effort_sources])
    keepers = _listed([plain(source, 80) for source in dict.fromkeys(record.seizure_sources)])
    own = {entry[0] for entry in record.effort_sources} & set(record.seizure_sources)
    said = (
        _("Search effort is taken from {sources}, and used as reported.")
        if own or not keepers
        else _(
            "The seizures of {keepers} carry no search effort of their own: it is taken from {sources}, and used as reported."
        )
    )
    lines = [
        said.format(keepers=keepers, sources=named),
        _("Where it is a proxy for hours of search, a search that it does not count makes a road look riskier."),
    ]
    if record.effort_by_area:
        lines.append(_("It is known by area alone and was spread over the roads of each area by their length."))
    if len({entry[1] for entry in record.effort_sources}) > 1:
        lines.append(
            _(
                "That places searched in one unit are on the whole as risky as places searched in another is assumed, not found."
            )
        )
    return [" ".join(lines)]


def _weighted_median(amount: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
    """Return the largest amount that half of the weight reaches at least."""
    order = np.argsort(-amount, kind="stable")
    return float(amount[order][np.searchsorted(np.cumsum(weight[order]), weight.sum() / 2)])


def _share(share: float) -> str:
    """Return a share as a whole percentage that never claims all."""
    return _("more than {share}").format(share=percent(0.99, 0)) if 0.995 <= share < 1 else percent(share, 0)


def _listed(parts: list[str]) -> str:
    return _(" and ").join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))
