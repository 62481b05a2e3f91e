"""The studies of alerts, of exploration and of plans, for researchers: `python -m optimizer.lab.study alerts EXTRACT`.

Rows that are there are not made again. `python cli.py risk study --table` makes the pages from them.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from optimizer.lab.rows import add_missing
from optimizer.lab.study import alerts, plans
from optimizer.lab.study.alerts import alert_store, change_store, exploration_store
from optimizer.lab.study.cells import read_alert_roads

APP = typer.Typer(add_completion=False, help=__doc__)
Extract = Annotated[Path, typer.Argument(help="OpenStreetMap extract of Andorra.")]
Out = Annotated[Path, typer.Option(help="Folder of the rows.")]


@APP.command("alerts")
def simulate_alerts(
    extract: Extract,
    out: Out = Path("results/risk"),
    most: Annotated[int | None, typer.Option(min=1, help="Records of a kind at most.")] = None,
) -> None:
    """Simulate records on Andorra's drive network, and monitor them."""
    planned = alerts.planned_rows(read_alert_roads(extract), alerts.alert_cells(most))
    for row in add_missing(alert_store(out), planned):
        sys.stderr.write(f"{row.summary}\n")


@APP.command("changes")
def simulate_changes(
    extract: Extract,
    out: Out = Path("results/risk"),
    most: Annotated[int | None, typer.Option(min=1, help="Records of a kind at most.")] = None,
) -> None:
    """Simulate records on Andorra's drive network, and plant changes in them that are none of the monitor's own places."""
    planned = alerts.planned_changes(read_alert_roads(extract), alerts.alert_cells(most))
    for row in add_missing(change_store(out), planned):
        sys.stderr.write(f"{row.summary}\n")


@APP.command("exploration")
def simulate_exploration(
    extract: Extract,
    out: Out = Path("results/risk"),
    truths: Annotated[int, typer.Option(min=1, help="How many truths.")] = alerts.TRUTHS,
) -> None:
    """Search mixed worlds for half a year by each way of choosing where, and measure the estimates that follow."""
    for row in add_missing(exploration_store(out), alerts.planned_explorations(read_alert_roads(extract), truths)):
        sys.stderr.write(f"{row.summary}\n")


@APP.command("plans")
def simulate_plans(
    extract: Annotated[
        Path | None, typer.Argument(help="OpenStreetMap extract; without one, the generated region.")
    ] = None,
    out: Out = Path("results/risk"),
    border: Annotated[str, typer.Option(help="Country of the extract.")] = "Andorra",
    modes: Annotated[str, typer.Option(help="Kinds of roads, with commas.")] = "drive",
    seeds: Annotated[int, typer.Option(min=1, help="Truths of each world.")] = plans.SEEDS,
) -> None:
    """Make plans from the records of simulated worlds, and hold them against plans made from the truth; write the page."""
    roads = plans.plan_roads(extract, border, tuple(modes.split(","))) if extract else plans.generated_plan_roads()
    for row in add_missing(plans.plan_store(out), plans.planned_rows(roads, seeds)):
        sys.stderr.write(f"{row.summary}\n")
    plans.write_plans_page(out)


@APP.command("answers")
def simulate_answers(
    extract: Annotated[
        Path | None, typer.Argument(help="OpenStreetMap extract; without one, a generated region.")
    ] = None,
    out: Out = Path("results/risk"),
    border: Annotated[str, typer.Option(help="Country of the extract.")] = "Andorra",
    modes: Annotated[str, typer.Option(help="Kinds of roads, with commas.")] = "drive",
    new: Annotated[bool, typer.Option("--new", help="Without an extract: the map that nothing was tuned on.")] = False,
    seeds: Annotated[int, typer.Option(min=1, help="Truths of each world.")] = 2,
) -> None:
    """Hold plans from records against simple rules, for shares of loads that answer to a plan; write the page of plans."""
    roads = (
        plans.plan_roads(extract, border, tuple(modes.split(","))) if extract else plans.generated_plan_roads(new=new)
    )
    for row in add_missing(plans.answers_store(out), plans.planned_answers(roads, seeds)):
        sys.stderr.write(f"{row.summary}\n")
    plans.write_plans_page(out)


if __name__ == "__main__":
    APP()
