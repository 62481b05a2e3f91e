"""What the seizure record knows and cannot say: risk and search effort of each segment,
and where a search would inform most.

First the rows, then their tables, then the limits of a record in plain sentences and in
the figures of this very record.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.base.text.formatting import DASH, known, number, percent, plain, sentence, two_digits
from optimizer.base.text.language import counted, marked
from optimizer.base.text.language import gettext as _
from optimizer.report.content.report_table import Column, DataTable, LayerField, ReportTable
from optimizer.report.maps.geography import place_names
from optimizer.report.maps.map_layers import WIDTHS, interval_ratio

if TYPE_CHECKING:
    from optimizer.report.content.report_content import ReportContent


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitEffort:
    """Search effort in one unit."""

    #: `search hours`, `vehicles`.
    unit: str
    #: (n_segments,) effort on each segment over the whole record, >= 0; 0 where there
    #: was none in this unit.
    amount: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentRisk:
    """Risk of each road segment, with its uncertainty."""

    #: `median`, `low`, `high`: (n_segments,) rate and the ends of its interval, >= 0,
    #: in `unit`; NaN where unknown.
    median: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    #: (n_segments,) bool: whether anybody ever searched there. Where nobody did, the
    #: rate is a guess and is drawn as one.
    searched: NDArray[np.bool_]
    #: What the rate counts: `seizures per 100 search hours`.
    unit: str
    #: Probability the interval holds, in (0, 1).
    interval: float = 0.9
    #: Search effort, one entry a unit; empty where none was recorded.
    efforts: tuple[UnitEffort, ...] = ()
    #: The rate of an average place in `unit`; None where it has none.
    average: float | None = None
    #: How the rate was estimated, to be read after "Estimated from"; empty where it is
    #: not said.
    how: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFacts:
    """What must be known of a seizure record to say what it cannot tell."""

    #: How many it holds, >= 0.
    seizures: float
    #: How many of them have no effort behind them, there or then.
    without_effort: float = 0.0
    #: How many of the others name an area and no road.
    area_only: float = 0.0
    #: How many areas those name.
    areas: int = 0
    #: Who kept the record.
    seizure_sources: tuple[str, ...] = ()
    #: Source and unit of each record of effort.
    effort_sources: tuple[tuple[str, str], ...] = ()
    #: Whether every row of effort names an area and no road.
    effort_by_area: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchAdviceRow:
    """A road where a search would give much information."""

    #: Segment of the network.
    segment: int
    #: What people call it.
    label: str
    #: Expected information of a search there, higher is better; None or NaN where
    #: unknown.
    score: float | None
    #: Why, in a few plain words.
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TipRow:
    """What tips of one place and time, which weigh as one, do to the risk of the road
    nearest to them.
    """

    #: The road, or the point where no road is near.
    label: str
    #: Segment of the network; -1 where none is near or they do not count.
    segment: int
    #: Of the first of them.
    day: str
    #: How many they are.
    copies: int
    #: Class of their grade, A to E, or "?" where it is unknown.
    grade: str
    #: Share of such tips that is taken as false, in (0, 1].
    false_share: float
    #: `before`, `after`: Risk index of the segment without tips, and with all of them;
    #: None where no segment is.
    before: float | None
    after: float | None
    #: Factor by which these alone would raise it, in [1, 1.25].
    alone: float
    #: What makes them count more, or settles them, in a few plain words.
    cure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TipFacts:
    """Tips by what they do, those that raise most first (`rows`), and how many more
    there are (`more`).
    """

    rows: tuple[TipRow, ...]
    more: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchAdvice:
    """Where to look next: `rows` in any order, and what their scores count
    (`score_unit`, as it stands in a column's header).
    """

    rows: tuple[SearchAdviceRow, ...]
    score_unit: str = "score"

    @property
    def in_order(self) -> tuple[SearchAdviceRow, ...]:
        """Rows by score, the highest first; those without a score come last."""
        return tuple(
            sorted(
                self.rows,
                key=lambda row: (
                    -row.score if row.score is not None and math.isfinite(row.score) else math.inf
                ),
            )
        )


RISKIEST = 20
"""Roads in the table of the riskiest."""


def riskiest_table(content: ReportContent) -> ReportTable:
    """List the riskiest roads with how sure that is, searched or not: a road and its
    nearest town stand for their riskiest segment.
    """
    risk, network = content.risk, content.network
    if risk is None:
        return ReportTable("riskiest", "", (), ())
    length = network.length_m[network.segment_arc] / 1000
    ratio = interval_ratio(risk)
    first = _riskiest(content)
    never = sum(not risk.searched[segment] for segment in first.values())
    interval = _("{percent} interval").format(percent=percent(risk.interval, 0))

    def cells(name: str, segment: int) -> tuple[str, ...]:
        searched = bool(risk.searched[segment])
        return (
            plain(name, 80),
            number(float(length[segment]), 2),
            number(float(risk.median[segment]), 2),
            f"{number(float(risk.low[segment]), 2)} {DASH} {number(float(risk.high[segment]), 2)}",
            _("{number} times").format(number=number(two_digits(float(ratio[segment])))),
            sureness(float(ratio[segment])) if searched else _("unknown: a guess from elsewhere"),
            _("yes") if searched else _("never"),
            *(
                (
                    number(float(effort.amount[segment] / length[segment]), 2)
                    if effort.amount[segment]
                    else _("none")
                )
                for effort in risk.efforts
            ),
        )

    return ReportTable(
        "riskiest",
        _(
            "Most risky, and how sure: the riskiest roads by the middle of their interval, searched"
            " or not ({never} of these {count} were never searched). A road near one place has one"
            " line, that of its riskiest segment."
        ).format(never=never, count=len(first)),
        (
            Column(_("Road")),
            Column(_("Segment (km)"), numeric=True),
            Column(_("Risk ({unit})").format(unit=plain(risk.unit, 60)), numeric=True),
            Column(interval, numeric=True),
            Column(_("Upper over lower end"), numeric=True),
            Column(_("How sure")),
            Column(_("Searched")),
            *(
                Column(
                    _("{unit} per km").format(unit=sentence(plain(effort.unit, 40))), numeric=True
                )
                for effort in risk.efforts
            ),
        ),
        tuple(cells(name, segment) for name, segment in first.items()),
        tuple(f"road-{segment}" for segment in first.values()),
    )


def look_next_table(content: ReportContent) -> ReportTable:
    """List where a search would give most information, numbered as on the maps."""
    advice = content.look_next
    return ReportTable(
        "look-next",
        _(
            "Where to look next, numbered as on the interactive map: the information a search would"
            " give, not where risk is highest."
        ),
        (
            Column(_("No.")),
            Column(_("Road")),
            Column(
                sentence(plain(advice.score_unit, 60)) if advice is not None else "", numeric=True
            ),
            Column(_("Why")),
        ),
        tuple(
            (str(place), plain(row.label, 80), number(row.score), plain(row.reason))
            for place, row in enumerate(content.look_first, 1)
        ),
        tuple(f"look-{place}" for place in range(1, len(content.look_first) + 1)),
    )


LOOK_NEXT = DataTable(
    "look_next",
    marked("Where to look next"),
    (
        LayerField("segment", "whole", "segment of the road network"),
        LayerField("label", "text", "what people call it"),
        LayerField("score", "number", "expected information of a search there; higher is better"),
        LayerField("reason", "text", "why"),
    ),
    lambda content: content.look_first,
)
"""The rows of `look_next_table` for other tools."""


def tips_table(content: ReportContent) -> ReportTable:
    """List residents' tips: where, how they are graded, what they do to the index of
    the road, what settles them.
    """
    facts = content.tips
    more = facts.more if facts is not None else 0
    caption = _(
        "Tips of residents, those that raise the risk most first. Tips of one place and time weigh"
        " as one."
    )
    if more:
        caption += " " + _("{count} more are left out here.").format(count=number(more))

    return ReportTable(
        "tips",
        caption,
        (
            Column(_("Place")),
            Column(_("Day")),
            Column(_("Tips"), numeric=True),
            Column(_("Grade")),
            Column(_("Taken as false"), numeric=True),
            Column(_("Risk without tips"), numeric=True),
            Column(_("Risk with all tips"), numeric=True),
            Column(_("This alone raises it by"), numeric=True),
            Column(_("What settles it")),
        ),
        tuple(
            (
                plain(row.label, 80),
                row.day,
                number(row.copies),
                _("unknown") if row.grade == "?" else row.grade,
                percent(row.false_share, 0),
                number(row.before, 2),
                number(row.after, 2),
                percent(row.alone - 1, 0),
                plain(row.cure),
            )
            for row in (facts.rows if facts is not None else ())
        ),
    )


def _riskiest(content: ReportContent) -> dict[str, int]:
    """Return the riskiest segment of each road and nearest town, by name, the riskiest first."""
    if content.risk is None:
        return {}
    shown = np.flatnonzero(np.isfinite(content.risk.median))
    order = shown[np.argsort(-content.risk.median[shown], kind="stable")]
    first: dict[str, int] = {}
    named = place_names(content)
    seen = set()
    for segment in order.tolist():
        name = named.segment(segment)
        if name[1:] not in seen:
            seen.add(name[1:])
            first[name.text] = segment
        if len(first) == RISKIEST:
            break
    return first


SURENESS = (
    marked("fairly sure"),
    marked("a rough figure"),
    marked("an order of magnitude at best"),
    marked("next to nothing is known"),
    marked("nothing is known"),
)
"""What an interval in each class of `WIDTHS` comes to."""


def record_limits(content: ReportContent) -> list[str]:
    """Return a sentence for each thing that the record cannot say; none where there is
    neither risk nor record.
    """
    lines: list[str] = []
    if content.risk is not None:
        length = content.network.length_m[content.network.segment_arc]
        lines += [*_unsearched(content.risk, length), *_intervals(content.risk, length)]
    if content.record is not None:
        lines += [*_seizures(content.record), *_effort(content.record)]
    return lines


def record_doubts(content: ReportContent) -> list[str]:
    """Return on how much of the roads the record cannot tell riskier from safer, as one
    text; none where it can everywhere.
    """
    risk = content.risk
    if risk is None:
        return [
            _(
                "No record of seizures stands behind it: where loads pass is assumed from gateways"
                " and populations."
            )
        ]
    length = content.network.length_m[content.network.segment_arc]
    never, undecided = float(length[~risk.searched].sum() / length.sum()), _undecided(risk, length)
    parts = []
    if undecided:
        every = _("The record does not show which searched roads are riskier.")
        some = _(
            "On {share} of the length of searched roads the record does not show whether they are"
            " riskier than others."
        )
        parts.append(every if undecided == 1 else some.format(share=_share(undecided)))
    if never:
        parts.append(
            _("No search is on record for {share} of all road length.").format(share=_share(never))
        )
    return [" ".join(parts)] if parts else []


def _undecided(risk: SegmentRisk, length: NDArray[np.float64]) -> float:
    """Return the share of the searched road length on which the interval holds the
    average; 0 where that is not known.
    """
    searched = risk.searched & ~np.isnan(interval_ratio(risk))
    if risk.average is None or not searched.any():
        return 0.0
    around = searched & (risk.low <= risk.average) & (risk.high >= risk.average)
    return (
        1.0
        if np.array_equal(around, searched)
        else float(length[around].sum() / length[searched].sum())
    )


def sureness(ratio: float) -> str:
    """Say how precise an interval is whose upper end is `ratio` times its lower; empty
    where that is unknown.
    """
    return "" if np.isnan(ratio) else _(SURENESS[int(np.searchsorted(WIDTHS, ratio, side="right"))])


def _unsearched(risk: SegmentRisk, length: NDArray[np.float64]) -> list[str]:
    if not risk.searched.any():
        return [
            _(
                "No road is known to have been searched: every risk on this page is a guess, and no"
                " road is safe because nothing was found there."
            )
        ]
    never = float(length[~risk.searched].sum() / length.sum())
    if never == 0:
        return []
    return [
        _(
            "Nobody ever searched {share} of the road length on this map. Its risk is unknown,"
            " which is not the same as low."
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
            "On half of the searched road length the upper end of the {percent} interval is at"
            " least {times} times its lower end ({sureness})"
        )
        if known(half)
        else _(
            "On half of the searched road length the upper end of the {percent} interval is without"
            " any bound in proportion to its lower end ({sureness})"
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
            "{line}; on all of it the interval holds the average, so that the record cannot say"
            " whether the road is riskier or safer than most."
        )
        if share == 1
        else _(
            "{line}; on {share} of it the interval holds the average, so that the record cannot say"
            " whether the road is riskier or safer than most."
        )
    )
    return [around.format(line=line, share=_share(share))]


def _seizures(record: RecordFacts) -> list[str]:
    if not record.seizures:
        return [_("The record holds no seizure.")]
    lines = []
    every = (
        _("{count} seizures")
        .replace("{count} ", "{count}\N{NO-BREAK SPACE}")
        .format(count=number(record.seizures))
    )
    if record.area_only:
        said = (
            _(
                "All {seizures} name only an area ({areas} in all). On which of its roads they were"
                " made the record does not say; what the map shows inside an area comes from the"
                " model."
            )
            if record.area_only == record.seizures
            else _(
                "{count} of {seizures} name only an area ({areas} in all). On which of its roads"
                " they were made the record does not say; what the map shows inside an area comes"
                " from the model."
            )
        )
        areas = counted("{count} area", "{count} areas", record.areas)
        lines.append(said.format(seizures=every, count=number(record.area_only), areas=areas))
    if record.without_effort:
        said = _(
            "{count} of {seizures} have no search effort behind them, there or then: nothing says"
            " how hard anybody looked. The risk leaves them out, or counts them as misplaced or due"
            " to tips where its warnings say so."
        )
        lines.append(said.format(count=number(record.without_effort), seizures=every))
    return lines


def _effort(record: RecordFacts) -> list[str]:
    if not record.effort_sources:
        return [
            _(
                "No search effort was recorded. Seizures then show where people looked as much as"
                " where loads pass."
            )
        ]
    named = _listed(
        [f"{plain(source, 80)} ({plain(unit, 40)})" for source, unit in record.effort_sources]
    )
    keepers = _listed([plain(source, 80) for source in dict.fromkeys(record.seizure_sources)])
    own = {entry[0] for entry in record.effort_sources} & set(record.seizure_sources)
    said = (
        _("Search effort is taken from {sources}, and used as reported.")
        if own or not keepers
        else _(
            "The seizures of {keepers} carry no search effort of their own: it is taken from"
            " {sources}, and used as reported."
        )
    )
    lines = [
        said.format(keepers=keepers, sources=named),
        _(
            "Where it is a proxy for hours of search, a search that it does not count makes a road"
            " look riskier."
        ),
    ]
    if record.effort_by_area:
        lines.append(
            _(
                "It is known by area alone and was spread over the roads of each area by their"
                " length."
            )
        )
    if len({entry[1] for entry in record.effort_sources}) > 1:
        lines.append(
            _(
                "That places searched in one unit are on the whole as risky as places searched in"
                " another is assumed, not found."
            )
        )
    return [" ".join(lines)]


def _weighted_median(amount: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
    """Return the largest amount that half of the weight reaches at least."""
    order = np.argsort(-amount, kind="stable")
    return float(amount[order][np.searchsorted(np.cumsum(weight[order]), weight.sum() / 2)])


def _share(share: float) -> str:
    """Return a share as a whole percentage that never claims all."""
    return (
        _("more than {share}").format(share=percent(0.99, 0))
        if 0.995 <= share < 1
        else percent(share, 0)
    )


def _listed(parts: list[str]) -> str:
    return _(" and ").join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))
