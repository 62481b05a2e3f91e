"""`risk look`: where a patrol would give most information, beside where risk is highest."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path  # noqa: TC003 - typer reads annotations while the program runs
from typing import TYPE_CHECKING, Annotated

import typer

from optimizer.cli.arguments import Json, Overwrite  # noqa: TC001 - typer reads annotations while the program runs
from optimizer.cli.console import ProgressPrinter, print_json, print_line, print_table

if TYPE_CHECKING:
    from optimizer.pipeline.risk_look import RiskLook


def look(
    scenario: Annotated[Path, typer.Argument(help="Scenario file (TOML).")],
    effort: Annotated[
        float | None,
        typer.Option(help="Effort of one patrol; by default what a searched segment gets in a usual month."),
    ] = None,
    unit: Annotated[
        str | None, typer.Option(help="Unit of it; by default the one in which most road was searched.")
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="How many roads to name.")] = 15,
    out: Annotated[Path | None, typer.Option(help="Folder to write: look.csv and look.geojson, every road.")] = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Rank roads by the information that one more patrol would give, with the chance that each is among the worst."""
    from optimizer.pipeline.risk_look import where_to_look

    result = where_to_look(
        scenario, effort=effort, unit=unit, out=out, overwrite=overwrite, listener=ProgressPrinter(silent=as_json)
    )
    if as_json:
        head = {"scenario": str(scenario), "effort": result.patrol.amount, "unit": result.patrol.unit}
        roads = [asdict(road) for road in result.roads[:top]]
        tips = {"tips": [asdict(row) for row in result.tips]} if result.tips else {}
        tail = {"roads": roads, **tips, "warnings": list(result.warnings), "out": None if out is None else str(out)}
        print_json(head | tail)
        return
    _show(result, top)
    if out is not None:
        print_line(f"Saved {out}")


def _show(result: RiskLook, top: int) -> None:
    print_table(
        f"Where {result.patrol.amount:g} {result.patrol.unit} give most information (nats; higher is better)",
        ["road", "seizures", "here", "and around", "worst 5 %", "risk rank", "why"],
        [
            [
                road.road,
                f"{road.expected_finds:.2g}",
                f"{road.information_nats:.2g}",
                f"{road.around_nats:.2g}",
                f"{road.chance_among_worst:.0%}",
                str(road.risk_rank),
                road.reason,
            ]
            for road in result.roads[:top]
        ],
    )
    if result.tips:
        print_table(
            "Tips that a search could settle (they change none of the figures above)",
            ["road", "day", "tips", "grade", "false", "risk", "with tips", "alone", "what settles it"],
            [
                [
                    row.label,
                    row.day,
                    str(row.copies),
                    row.grade,
                    f"{row.false_share:.0%}",
                    "-" if row.before is None else f"{row.before:.2g}",
                    "-" if row.after is None else f"{row.after:.2g}",
                    f"{row.alone - 1:+.0%}",
                    row.cure,
                ]
                for row in result.tips
            ],
        )
    for warning in result.warnings:
        print_line(f"- {warning}")
