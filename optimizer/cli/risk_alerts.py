"""`risk alerts`: places whose recent seizures depart from what their search effort led to expect."""

from __future__ import annotations

import math
from enum import StrEnum
from pathlib import Path  # noqa: TC003 - typer reads annotations while the program runs
from typing import TYPE_CHECKING, Annotated

import typer

from optimizer.cli.arguments import Json, Overwrite  # noqa: TC001 - typer reads annotations while the program runs
from optimizer.cli.console import ProgressPrinter, print_json, print_line, print_table

if TYPE_CHECKING:
    from optimizer.pipeline.risk_alerts import RiskAlerts
    from optimizer.risk.alerts.monitor import PlaceTest

NEAREST = 5
"""Places that are shown where there is no alarm."""


class PlaceKindName(StrEnum):
    """`optimizer.pipeline.risk_alerts.PlaceKind`, named here so that `--help` need not import it."""

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
    by: Annotated[PlaceKindName, typer.Option(help="What is tested.")] = PlaceKindName.SEGMENT,
    memory: Annotated[
        int | None, typer.Option(min=1, help="Months before the window to learn from; by default all of them.")
    ] = None,
    any_dependence: Annotated[
        bool,
        typer.Option(
            "--any-dependence", help="Benjamini and Yekutieli's rule, which holds however places depend on each other."
        ),
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write: alerts and trends as CSV, alerts as GeoJSON, a figure.")
    ] = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Name the places whose recent seizures are more, or fewer, than their own search effort led to expect."""
    from optimizer.pipeline.risk_alerts import alerts_content, find_alerts

    result = find_alerts(
        scenario,
        since=since,
        fdr=fdr,
        by=by.value,
        memory=memory,
        any_dependence=any_dependence,
        out=out,
        overwrite=overwrite,
        listener=ProgressPrinter(silent=as_json),
    )
    if as_json:
        saved = None if out is None else str(out)
        print_json({"scenario": str(scenario)} | alerts_content(result) | {"out": saved})
        return
    _show(result)
    if out is not None:
        print_line(f"Saved {out}")


def _show(result: RiskAlerts) -> None:
    found = result.alerts
    share = f"{found.fdr:.0%} of alarms expected to be false"
    head = ["place", "found", "expected", "usual range", "times", "q", "remark"]
    if found.alarms:
        print_table(f"Alerts, {found.window} ({share})", head, [_cells(one) for one in found.alarms])
    elif found.tested:
        title = f"No alert, {found.window}: none of {len(found.tested)} places stands out. The nearest to one:"
        print_table(title, head, [_cells(one) for one in found.tested[:NEAREST]])
    for trend in result.trends:
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
            "Seizures of the window without recorded search effort",
            ["place", "first day", "last day", "found"],
            [[one.place, str(one.start), str(one.last), f"{one.count:g}"] for one in found.unrecorded],
        )
    print_line("* the window, which the expectation does not know.")
    for warning in result.warnings:
        print_line(f"- {warning}")


def _cells(one: PlaceTest) -> list[str]:
    from optimizer.pipeline.risk_alerts import alert_remark

    usual = f"{one.low:g} to {one.high:g}"
    times = f"{one.observed / one.expected:.2g}"
    return [
        one.place.label,
        f"{one.observed:g}",
        f"{one.expected:.2g}",
        usual,
        times,
        f"{one.q:.2g}",
        alert_remark(one),
    ]
