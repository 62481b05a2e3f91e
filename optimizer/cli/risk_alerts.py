"""`risk alerts`: places whose recent finds depart from what their search effort led to expect."""

from __future__ import annotations

import math
from enum import StrEnum
from pathlib import Path  # noqa: TC003 - typer reads annotations while the program runs
from typing import TYPE_CHECKING, Annotated, Any

import typer

from optimizer.cli.arguments import Json  # noqa: TC001 - typer reads annotations while the program runs
from optimizer.cli.console import ProgressPrinter, print_json, print_table, to_people
from optimizer.cli.risk_look import field_of, seizures_of, write_csv, write_geojson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.problem.network import Network
    from optimizer.risk.alerts.monitor import Alerts, Judgement, Unrecorded
    from optimizer.risk.alerts.places import Place
    from optimizer.risk.alerts.trend import Trend
    from optimizer.scenario.evidence import ScenarioEvidence

FILES = ("alerts.csv", "alerts.geojson", "trends.csv", "trends.svg", "unrecorded.csv")
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
UNRECORDED = ("place", "segment", "first", "last", "found")
MOST_TRENDS = 8
NEAREST = 5
"""Places that are shown where none is called."""


class By(StrEnum):
    """What is judged."""

    SEGMENT = "segment"
    NEIGHBOURHOOD = "neighbourhood"
    CROSSING = "crossing"
    AREA = "area"


def alerts(
    scenario: Annotated[Path, typer.Argument(help="Scenario file (TOML).")],
    since: Annotated[
        str | None,
        typer.Option(help="First day of the recent window (2024-10-01 or 2024-10); by default the last quarter."),
    ] = None,
    fdr: Annotated[float, typer.Option(min=0.001, max=0.5, help="Expected share of false alarms among alarms.")] = 0.1,
    by: Annotated[By, typer.Option(help="What is judged.")] = By.SEGMENT,
    memory: Annotated[
        int | None, typer.Option(min=1, help="Months before the window to learn from; by default all of them.")
    ] = None,
    any_dependence: Annotated[
        bool,
        typer.Option(
            "--any-dependence", help="Benjamini and Yekutieli's rule, which holds however places hang together."
        ),
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write: alerts and trends as CSV, alerts as GeoJSON, a figure.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Name the places whose recent finds are more, or fewer, than their own search effort led to expect."""
    from optimizer.base.files import check_folder
    from optimizer.records.period import parse_period
    from optimizer.risk.alerts.monitor import Watch
    from optimizer.risk.alerts.places import whole_place
    from optimizer.risk.alerts.trend import trends
    from optimizer.scenario.evidence import read_evidence

    if out is not None:
        check_folder(out, FILES)
    start = None if since is None else parse_period(since).start
    printer = ProgressPrinter(silent=as_json)
    printer.message("reading the scenario")
    evidence = read_evidence(scenario)
    records = seizures_of(evidence)
    model, notes = field_of(evidence)
    places = _places(by, evidence)
    network = evidence.region.network
    printer.message("estimating risk before the window")
    watch = Watch(model, records, evidence.effort, network, since=start, memory=memory)
    printer.message("judging the window")
    found = watch.judge(places, fdr=fdr, any_dependence=any_dependence)
    notes += list(found.warnings)
    shown = [one.place for one in found.alarms][:MOST_TRENDS]
    if by is By.AREA:
        shown += [place for place in places if place not in shown]
    drawn = trends(watch, [whole_place(network), *shown])
    if out is not None:
        _save(out, found, drawn, network)
    if as_json:
        print_json(_content(scenario, by, found, drawn, notes) | {"out": None if out is None else str(out)})
        return
    _show(found, drawn, notes)
    if out is not None:
        to_people().print(f"Saved {out}", markup=False, soft_wrap=True)


def _places(by: By, evidence: ScenarioEvidence) -> tuple[Place, ...]:
    from optimizer.risk.alerts.places import area_places, crossing_places, neighbourhood_places, segment_places

    network = evidence.region.network
    if by is By.CROSSING:
        return crossing_places(network, evidence.demand.gateways)
    if by is By.AREA and evidence.records is not None and evidence.effort is not None:
        return area_places(evidence.records, evidence.effort)
    return neighbourhood_places(network) if by is By.NEIGHBOURHOOD else segment_places(network)


def _remark(one: Judgement) -> str:
    words = ["one find alone: thin"] if one.thin else []
    if one.new:
        words.append("never searched before: expectation is wide")
    return "; ".join(words)


def _row(one: Judgement) -> dict[str, Any]:
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
        "remark": _remark(one),
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


def _save(out: Path, found: Alerts, drawn: Sequence[Trend], network: Network) -> None:
    """Write the folder, all files or none."""
    import shapely

    from optimizer.base.files import folder_written_whole
    from optimizer.risk.alerts.figure import trend_picture

    rows = [_row(one) for one in found.judged]
    shapes = [shapely.MultiLineString(list(network.lines[one.place.segments])) for one in found.judged]
    with folder_written_whole(out) as folder:
        write_csv(folder / "alerts.csv", rows, JUDGED)
        write_geojson(folder / "alerts.geojson", rows, shapes)
        write_csv(folder / "trends.csv", _trend_rows(drawn))
        write_csv(folder / "unrecorded.csv", [_unrecorded_row(one) for one in found.unrecorded], UNRECORDED)
        (folder / "trends.svg").write_text(trend_picture(drawn), encoding="utf-8")


def _content(scenario: Path, by: By, found: Alerts, drawn: Sequence[Trend], notes: Sequence[str]) -> dict[str, Any]:
    return {
        "scenario": str(scenario),
        "by": by.value,
        "before": str(found.before),
        "window": str(found.window),
        "fdr": found.fdr,
        "judged": len(found.judged),
        "alarms": [_row(one) for one in found.alarms],
        "whole": None if found.whole is None else _row(found.whole),
        "trends": _trend_rows(drawn),
        "unrecorded": [_unrecorded_row(one) for one in found.unrecorded],
        "warnings": list(notes),
    }


def _show(found: Alerts, drawn: Sequence[Trend], notes: Sequence[str]) -> None:
    people = to_people()
    share = f"{found.fdr:.0%} of alarms expected to be false"
    head = ["place", "found", "expected", "usual range", "times", "q", "remark"]
    if found.alarms:
        print_table(f"Alerts, {found.window} ({share})", head, [_cells(one) for one in found.alarms])
    elif found.judged:
        title = f"No alert, {found.window}: none of {len(found.judged)} places stands out. The nearest to one:"
        print_table(title, head, [_cells(one) for one in found.judged[:NEAREST]])
    for trend in drawn:
        print_table(
            f"{trend.place.label}, by quarter",
            ["from", "to", "found", "expected", "ratio", "90 % interval"],
            [
                [
                    str(one.span.start),
                    str(one.span.last) + (" *" if one.recent else ""),
                    f"{one.observed:g}",
                    f"{one.expected:.3g}",
                    *(
                        ("-", "not searched")
                        if math.isnan(one.ratio)
                        else (f"{one.ratio:.2f}", f"{one.low:.2f} to {one.high:.2f}")
                    ),
                ]
                for one in trend.quarters
            ],
        )
    if found.unrecorded:
        print_table(
            "Finds of the window without any recorded search: nothing says how hard anybody looked",
            ["place", "first day", "last day", "found"],
            [[one.place, str(one.start), str(one.last), f"{one.count:g}"] for one in found.unrecorded],
        )
    people.print("* the window, which the expectation does not know.", markup=False)
    for note in notes:
        people.print(f"- {note}", markup=False, soft_wrap=True)


def _cells(one: Judgement) -> list[str]:
    usual = f"{one.low:g} to {one.high:g}"
    times = f"{one.observed / one.expected:.2g}"
    return [one.place.label, f"{one.observed:g}", f"{one.expected:.2g}", usual, times, f"{one.q:.2g}", _remark(one)]
