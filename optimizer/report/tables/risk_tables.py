"""Tables of the risk: the riskiest roads and how sure that is, and where a search would give most information."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.formatting import DASH, number, percent, plain, sentence
from optimizer.base.language import gettext as _
from optimizer.report.classes import interval_ratio, two_digits
from optimizer.report.geography import place_names
from optimizer.report.record import sureness
from optimizer.report.tables.report_table import Column, ReportTable

if TYPE_CHECKING:
    from optimizer.report.content import ReportContent

RISKIEST = 20
"""Roads in the table of the riskiest."""


def riskiest_table(content: ReportContent) -> ReportTable:
    """List the riskiest roads with how sure that is, searched or not: a road and its nearest town stand for their riskiest segment."""
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
                number(float(effort.amount[segment] / length[segment]), 2) if effort.amount[segment] else _("none")
                for effort in risk.efforts
            ),
        )

    return ReportTable(
        "riskiest",
        _(
            "Most risky, and how sure: the riskiest roads by the middle of their interval, searched or not ({never} of these {count} were "
            "never searched). A road near one place has one line, that of its riskiest segment."
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
                Column(_("{unit} per km").format(unit=sentence(plain(effort.unit, 40))), numeric=True)
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
            "Where to look next, numbered as on the interactive map: the information a search would give, not where risk is highest."
        ),
        (
            Column(_("No.")),
            Column(_("Road")),
            Column(sentence(plain(advice.score_unit, 60)) if advice is not None else "", numeric=True),
            Column(_("Why")),
        ),
        tuple(
            (str(place), plain(row.label, 80), number(row.score), plain(row.reason))
            for place, row in enumerate(content.look_first, 1)
        ),
        tuple(f"look-{place}" for place in range(1, len(content.look_first) + 1)),
    )


def tips_table(content: ReportContent) -> ReportTable:
    """List residents' tips: where, how they are graded, what they do to the index of the road, what settles them."""
    facts = content.tips
    more = facts.more if facts is not None else 0
    caption = _("Tips of residents, those that raise the risk most first. Tips of one place and time weigh as one.")
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
