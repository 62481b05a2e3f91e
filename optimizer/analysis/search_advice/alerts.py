"""Alerts: the places of a scenario whose recent seizures depart from what their search
effort led to expect, with their trends.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, get_args

import shapely

from optimizer.analysis.search_advice.search_advice import field_model, seizures_of
from optimizer.base.arguments import checked
from optimizer.base.choices import PlaceKind
from optimizer.base.errors import InputError, Problem
from optimizer.base.files.output_folder import OutputFolder
from optimizer.base.text.formatting import DASH, decimal, number, percent, plain, sentence
from optimizer.base.text.language import check_language, speaking, term
from optimizer.base.text.language import gettext as _
from optimizer.base.text.messages import all_translated, message, translated
from optimizer.base.text.names import unknown_name
from optimizer.base.work.listener import SILENT, Listener, step
from optimizer.plans.plan_folder import made_of
from optimizer.records.period import parse_period
from optimizer.report.answer import Answer, AnswerFiles, AnswerTable, ShortPage, write_answer
from optimizer.risk.alerts.monitor import AlertMonitor, Alerts, PlaceTest, Unrecorded
from optimizer.risk.alerts.places import (
    Place,
    area_places,
    crossing_places,
    neighbourhood_places,
    places_of_every_scale,
    segment_places,
    whole_place,
)
from optimizer.risk.alerts.trend import Trend, trend_picture, trends
from optimizer.scenario.check.check import read_evidence
from optimizer.scenario.demand.stages import ScenarioEvidence

TIPS_UNUSED = message("Tips are not used here, for they are no searches; `plan` uses them.")
AREAS_ALONE = message(
    "No road has search effort of its own in the window, so that areas are judged. To judge roads,"
    " give rows of [[records.effort]] a point (lon, lat) or a segment."
)
ALERTS = AnswerFiles(
    "risk alerts",
    ("alerts.csv", "alerts.geojson", "trends.csv", "trends.svg", "unrecorded.csv", "alerts.html"),
)
JUDGED = (
    "place",
    "name",
    "alarm",
    "direction",
    "found",
    "expected",
    "low",
    "high",
    "times_expected",
    "p",
    "q",
    "thin",
    "new",
    "remark",
)
"""Columns of alerts.csv."""
UNRECORDED = ("place", "segment", "first", "last", "found")
"""Columns of unrecorded.csv."""
MOST_TRENDS = 8
"""Alarms whose trend is worked out."""


@dataclass(frozen=True)
class RiskAlerts:
    """The alerts of a scenario."""

    #: Kind of place that was tested.
    by: PlaceKind
    #: The tested places and what was expected of them.
    alerts: Alerts
    #: The whole, then the first alarms (by area every area), quarter by quarter.
    trends: tuple[Trend, ...]
    #: What a reader must know.
    warnings: tuple[str, ...]
    #: Of the scenario.
    name: str = ""


def _first_day(since: str) -> date:
    try:
        return parse_period(since).start
    except InputError:
        raise InputError(
            Problem("--since", repr(since), "a day (2024-10-01) or a month (2024-10)")
        ) from None


@checked
def find_alerts(
    scenario: str | os.PathLike[str],
    *,
    since: str | None = None,
    fdr: float = 0.1,
    false_a_year: float = 1.0,
    by: PlaceKind | None = None,
    memory: int | None = None,
    any_dependence: bool = False,
    out: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    language: str | None = None,
    listener: Listener = SILENT,
) -> RiskAlerts:
    """Compare the recent seizures of each place with what its own search effort led to
    expect.

    Parameters
    ----------
    scenario
        TOML file.
    since
        First day of the recent window (2024-10-01 or 2024-10); by default the last
        quarter.
    fdr
        Expected share of false alarms among alarms, in (0, 1); not by `every`.
    false_a_year
        By `every`: expected false alarms a year at most, all places together, > 0.
    by
        Kind of place; `every` tests segments, neighbourhoods, zones, crossings and
        areas together. By default segments; areas where no segment has search effort of its own
        in the window, but areas have.
    memory
        Months before the window to learn from, >= 1; by default all of them.
    any_dependence
        Use the rule of Benjamini and Yekutieli, which holds however places depend on
        each other.
    out
        Folder to write alerts and trends to as CSV, alerts as GeoJSON, and a figure;
        None writes nothing.
    overwrite
        Replace files of these names in `out` whoever wrote them.
    language
        Of the page; by default that of the scenario.
    listener
        Receives the steps.

    Raises
    ------
    InputError
        If the scenario is at fault, has no records, or nothing lies in the window or
        before it.
    """
    if by is not None and by not in get_args(PlaceKind):
        raise InputError(unknown_name("--by", by, get_args(PlaceKind)))
    if not 0 < false_a_year < math.inf:
        raise InputError(
            Problem("--false-a-year", str(false_a_year), "a number above 0, such as 1")
        )
    spoken = None if language is None else check_language(language)
    folder = None if out is None else ALERTS.folder(out, Path(scenario), overwrite=overwrite)
    start = None if since is None else _first_day(since)
    with step(listener, "reading the scenario"):
        evidence = read_evidence(Path(scenario))
    records, network = seizures_of(evidence), evidence.region.network
    effort, asked = evidence.effort, by is not None
    by = by or "segment"
    chosen, places = field_model(evidence), _places(by, evidence)
    with step(listener, "estimating risk before the window"):
        monitor = AlertMonitor(
            chosen.model, records, effort, network, since=start, memory=memory, listener=listener
        )
    with step(listener, "judging the window"):
        budget = false_a_year if by == "every" else None
        found = monitor.test(places, fdr=fdr, any_dependence=any_dependence, false_a_year=budget)
        if not (found.tested or asked) and effort is not None and (effort.area >= 0).any():
            by, places = "area", _places("area", evidence)
            found = monitor.test(places, fdr=fdr, any_dependence=any_dependence)
        shown = [one.place for one in found.alarms][:MOST_TRENDS]
        if by == "area":
            shown += [place for place in places if place not in shown]
        unused = () if evidence.tips is None else (TIPS_UNUSED,)
        warnings = (*chosen.warnings, *unused, *found.warnings)
        if by == "area" and not asked:
            warnings += (AREAS_ALONE,)
        result = RiskAlerts(
            by,
            found,
            tuple(trends(monitor, [whole_place(network), *shown])),
            warnings,
            evidence.scenario.name,
        )
    if folder is not None:
        _save(folder, result, evidence, spoken or evidence.scenario.report.language)
    return result


def _places(by: PlaceKind, evidence: ScenarioEvidence) -> tuple[Place, ...]:
    network, gateways = evidence.region.network, evidence.demand.gateways
    records, effort = evidence.records, evidence.effort
    if by == "every":
        known = (
            records is not None
            and effort is not None
            and any(part.size for part in records.area_segment)
        )
        areas = (
            area_places(records, effort)
            if known and records is not None and effort is not None
            else ()
        )
        return (
            *places_of_every_scale(network),
            *(crossing_places(network, gateways) if gateways else ()),
            *areas,
        )
    if by == "crossing":
        return crossing_places(network, gateways)
    if by == "area" and records is not None and effort is not None:
        return area_places(records, effort)
    return neighbourhood_places(network) if by == "neighbourhood" else segment_places(network)


def alert_remark(one: PlaceTest) -> str:
    """Return what must be known of a tested place, in a few words."""
    thin, new = (
        message("one seizure alone: thin"),
        message("never searched before: expectation is wide"),
    )
    if one.thin and one.new:
        return message("{thin}; {new}", thin=thin, new=new)
    return thin if one.thin else new if one.new else ""


def alert_row(one: PlaceTest) -> dict[str, Any]:
    """Return a tested place as a row of alerts.csv."""
    return {
        "place": one.place.id,
        "name": one.place.label,
        "alarm": "yes" if one.alarm else "no",
        "direction": one.direction,
        "found": one.observed,
        "expected": one.expected,
        "low": one.low,
        "high": one.high,
        "times_expected": one.observed / one.expected,
        "p": one.p,
        "q": one.q,
        "thin": "yes" if one.thin else "no",
        "new": "yes" if one.new else "no",
        "remark": alert_remark(one),
    }


def _unrecorded_row(one: Unrecorded) -> dict[str, Any]:
    return {
        "place": one.place,
        "segment": one.segment,
        "first": str(one.start),
        "last": str(one.last),
        "found": one.count,
    }


def _trend_rows(drawn: Sequence[Trend]) -> list[dict[str, Any]]:
    return [
        {
            "place": trend.place.id,
            "name": trend.place.label,
            "first": str(one.span.start),
            "last": str(one.span.last),
            "found": one.observed,
            "expected": one.expected,
            "ratio": _number(one.ratio),
            "low": _number(one.low),
            "high": _number(one.high),
            "window": "yes" if one.recent else "no",
        }
        for trend in drawn
        for one in trend.quarters
    ]


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _save(out: OutputFolder, result: RiskAlerts, evidence: ScenarioEvidence, language: str) -> None:
    """Write the folder, all files or none."""
    found, network = result.alerts, evidence.region.network
    rows = [alert_row(one) for one in found.tested]
    shapes = [
        shapely.MultiLineString(list(network.lines[one.place.segments])) for one in found.tested
    ]
    tables = {
        "alerts": AnswerTable(rows, JUDGED, shapes),
        "trends": AnswerTable(_trend_rows(result.trends)),
        "unrecorded": AnswerTable([_unrecorded_row(one) for one in found.unrecorded], UNRECORDED),
    }
    with speaking(language, evidence.scenario.translations):
        picture = trend_picture(result.trends)
    answer = Answer(
        tables=tables,
        texts={"trends.svg": picture},
        page={"alerts": lambda: alerts_page(result)},
        made=lambda: made_of(out.sources),
        translations=evidence.scenario.translations,
    )
    write_answer(out, answer, language)


NEAREST = 5
"""Places that are shown where there is no alarm."""


def alerts_page(result: RiskAlerts) -> ShortPage:
    """Return the page: what stands out, the whole over time, and seizures without effort."""
    from optimizer.report.answer import PageSection, ShortPage
    from optimizer.report.content.report_table import Column, ReportTable

    found = result.alerts
    heads = (_("Found"), _("Expected"))
    judged = ReportTable(
        "alerts",
        (
            _(
                "Places whose seizures depart from what their search effort led to expect; {kept}"
            ).format(kept=_kept(found))
            if found.alarms
            else _("None stands out. The nearest to an alarm")
        ),
        (
            Column(_("Place")),
            *(Column(head, numeric=True) for head in heads),
            Column(_("Usual range")),
            Column(_("Remark")),
        ),
        tuple(
            (
                _name(one.place),
                number(one.observed),
                number(one.expected, 2),
                _("{low} to {high}").format(low=number(one.low), high=number(one.high)),
                translated(alert_remark(one)),
            )
            for one in found.alarms or found.tested[:NEAREST]
        ),
        file="alerts.csv",
    )
    trends = [
        ReportTable(
            f"trend-{k}",
            sentence(_("{place}, over time").format(place=_name(trend.place))),
            (
                *(Column(head) for head in (_("From"), _("To"))),
                *(Column(head, numeric=True) for head in (*heads, _("Ratio"))),
                Column(_("90 % interval")),
            ),
            tuple(
                (
                    str(one.span.start),
                    str(one.span.last) + (" *" if one.recent else ""),
                    number(one.observed),
                    number(one.expected, 3),
                    *(
                        (DASH, _("not searched"))
                        if math.isnan(one.ratio)
                        else (
                            decimal(one.ratio, 2),
                            _("{low} to {high}").format(
                                low=decimal(one.low, 2), high=decimal(one.high, 2)
                            ),
                        )
                    ),
                )
                for one in trend.quarters[::-1]
            ),
            file="trends.csv",
        )
        for k, trend in enumerate(result.trends[:1])  # the whole
    ]
    unrecorded = ReportTable(
        "unrecorded",
        _("Seizures of the window without recorded search effort"),
        (Column(_("Place")), Column(_("From")), Column(_("To")), Column(_("Found"), numeric=True)),
        tuple(
            (plain(term(one.place)), str(one.start), str(one.last), number(one.count))
            for one in found.unrecorded
        ),
        file="unrecorded.csv",
    )
    return ShortPage(
        title=_("{name}: alerts, {window}").format(
            name=term(result.name), window=translated(found.window.said)
        ),
        headline=_alerts_headline(result),
        known=bool(found.tested),
        warnings=all_translated(result.warnings),
        sections=(
            PageSection(title=_("Where"), tables=(judged,)),
            PageSection(
                title=_("Over time"),
                sentences=(
                    _("The star marks the window, which the expectation does not know."),
                    *(
                        (_("{count} more places are in trends.csv.").format(count=number(more)),)
                        if (more := len(result.trends) - 1) > 0
                        else ()
                    ),
                ),
                tables=tuple(trends),
            ),
            *(
                [PageSection(title=_("Not judged"), tables=(unrecorded,))]
                if found.unrecorded
                else ()
            ),
        ),
    )


def _name(place: Place) -> str:
    """Return what people call a place, in the language that is spoken."""
    return plain(term(translated(place.label)))


def _kept(found: Alerts) -> str:
    """Return how many false alarms are expected."""
    if found.false_a_year is not None:
        return _("at most {count} false alarms a year are expected in all").format(
            count=number(found.false_a_year)
        )
    return _("{share} of alarms are expected to be false").format(share=percent(found.fdr, 0))


def _alerts_headline(result: RiskAlerts) -> str:
    found = result.alerts
    window, every = translated(found.window.said), number(len(found.tested), 6)
    if not found.tested:
        return " ".join(
            (
                *_whole_sentences(found.whole, window),
                _("No place can be judged by itself: none has search effort of its own then."),
                _judging_cure(result.by),
            )
        )
    if not found.alarms:
        return _("No alert in {window}: none of {count} places stands out.").format(
            window=window, count=every
        )
    first = found.alarms[0]
    return _(
        "In {window} {alarms} of {count} places stand out. The clearest is {place}: {found}"
        " seizures, where {expected} were expected."
    ).format(
        window=window,
        alarms=number(len(found.alarms), 6),
        count=every,
        place=_name(first.place),
        found=number(first.observed),
        expected=number(first.expected, 2),
    )


def _whole_sentences(whole: PlaceTest | None, window: str) -> tuple[str, ...]:
    """Return what is known of all places together."""
    if whole is None:
        return ()
    return (
        _(
            "In {window} {found} seizures were made in all, where {expected} were expected ({low}"
            " to {high})."
        ).format(
            window=window,
            found=number(whole.observed),
            expected=number(whole.expected, 2),
            low=number(whole.low),
            high=number(whole.high),
        ),
    )


def _judging_cure(by: PlaceKind) -> str:
    """Return what lets places be judged."""
    if by == "area":
        return _(
            "Give rows of [[records.effort]] the name of an area, and days of this window; or"
            " choose a window with effort by --since."
        )
    return _(
        "Give rows of [[records.effort]] a point (lon, lat) or a segment, and days of this window;"
        " choose a window with such effort by --since; or judge areas by --by area."
    )


def alerts_content(result: RiskAlerts) -> dict[str, Any]:
    """Return the alerts as an object of JSON."""
    found = result.alerts
    return {
        "by": result.by,
        "before": str(found.before),
        "window": str(found.window),
        "fdr": found.fdr,
        "false_a_year": found.false_a_year,
        "judged": len(found.tested),
        "alarms": [alert_row(one) for one in found.alarms],
        "whole": None if found.whole is None else alert_row(found.whole),
        "trends": _trend_rows(result.trends),
        "unrecorded": [_unrecorded_row(one) for one in found.unrecorded],
        "warnings": list(result.warnings),
    }
