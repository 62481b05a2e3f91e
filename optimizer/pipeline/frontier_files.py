"""The folder of a budget curve: a table, the curve with its plans, and a figure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.base.files import write_json
from optimizer.base.formatting import DASH, number
from optimizer.base.output_folder import OutputFolder
from optimizer.report.geodata.files import write_csv

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from optimizer.pipeline.frontier import Frontier
    from optimizer.report.short_page import ShortPage

FILES = ("frontier.csv", "frontier.json", "frontier.html", "frontier.png", "frontier.svg")


def frontier_folder(out: str | os.PathLike[str], source: Path, *, overwrite: bool) -> OutputFolder:
    """Return the folder for the curve of a problem; check it before the work.

    Raises
    ------
    InputError
        If it cannot be written, or holds what another command or problem left.
    """
    folder = OutputFolder(Path(out), "frontier", (source,), FILES, overwrite)
    folder.check()
    return folder


def point_content(found: Frontier, k: int) -> dict[str, Any]:
    """Return a point for JSON: budgets, bounds, gap, ids of the plan, and what is new and gone against the point before it."""
    point = found.points[k]
    before = set(found.points[k - 1].plan.options) if k and len(found.ranges) == 1 else set(point.plan.options)
    now = set(point.plan.options)
    return {
        "budgets": list(point.budgets),
        "lower": point.lower,
        "upper": point.upper,
        "gap": point.gap,
        "plan": list(point.plan.options),
        "added": sorted(now - before),
        "dropped": sorted(before - now),
    }


def write_frontier(folder: OutputFolder, found: Frontier, instance_name: str) -> None:
    """Write the files of a curve, all or none; the figure is that of a curve of one resource."""
    from optimizer.report.short_page import write_short_page

    points = [point_content(found, k) for k in range(len(found.points))]
    names = [each.resource for each in found.ranges]
    gains = [gain.found for gain in found.gains()] if len(names) == 1 else []
    rows = [
        dict(zip(names, point["budgets"], strict=True))
        | {name: point[name] for name in ("lower", "upper", "gap")}
        | {"gain_of_one_more": gains[k] if k < len(gains) else None}
        | {name: " ".join(point[name]) for name in ("plan", "added", "dropped")}
        for k, point in enumerate(points)
    ]
    knee = found.knee()
    content = {
        "schema_version": 1,
        "instance": instance_name,
        "resources": names,
        "complete": found.complete,
        "knee": None if knee is None else list(knee.budgets),
        "points": points,
    }
    images: dict[str, Path] = {}
    with folder.written() as place:
        write_csv(place / "frontier.csv", rows)
        write_json(place / "frontier.json", content)
        if len(names) == 1:
            from optimizer.report.frontier_chart import save_frontier

            save_frontier(
                place,
                names[0],
                [point.budgets[0] for point in found.points],
                [point.lower for point in found.points],
                [point.upper for point in found.points],
                None if knee is None else found.points.index(knee),
            )
            images["frontier"] = place / "frontier.png"
        write_short_page(place / "frontier.html", frontier_page(found, instance_name), images)


def frontier_page(found: Frontier, instance_name: str) -> ShortPage:
    """Return the page of a curve, or of a grid."""
    from optimizer.report.short_page import PageSection, ShortPage
    from optimizer.report.tables.report_table import Column, ReportTable

    names = [each.resource for each in found.ranges]
    gains = found.gains() if len(names) == 1 else ()
    rows = []
    for k, point in enumerate(found.points):
        content = point_content(found, k)
        brings = f"{gains[k].found:.4g} ({gains[k].low:.3g} to {gains[k].high:.3g})" if k < len(gains) else DASH
        changed = "; ".join([f"+ {each}" for each in content["added"]] + [f"- {each}" for each in content["dropped"]])
        amounts = (*(number(amount, 6) for amount in point.budgets), number(point.upper, 4), number(point.lower, 4))
        rows.append((*amounts, brings, changed or DASH))
    columns = [*names, "Value", "No plan below"]
    table = ReportTable(
        "points",
        "What one more brings until the next row, as found, with the range that is proven",
        (
            *(Column(name, numeric=True) for name in columns),
            Column("One more brings"),
            Column("Against the row before"),
        ),
        tuple(rows),
    )
    knee, first, last = found.knee(), found.points[0], found.points[-1]
    said = (
        f"Up to {number(knee.budgets[0], 6)} of {names[0]} each unit brings more than the average; beyond it less."
        if knee
        else ""
    )
    return ShortPage(
        title=f"{instance_name}: value over the budget",
        headline=f"From {_budgets(first.budgets, names)} to {_budgets(last.budgets, names)} what gets through goes from "
        f"{number(first.upper, 4)} to {number(last.upper, 4)}.",
        warnings=()
        if found.complete
        else ("Not all points were searched; those have the bounds that the others prove.",),
        sections=(
            PageSection(
                title="The curve" if len(names) == 1 else "The grid",
                sentences=(said,) if said else (),
                tables=(table,),
                image="frontier",
                alt="Value of the best plan found and its proven bound over the budget.",
            ),
        ),
    )


def _budgets(amounts: Sequence[float], names: Sequence[str]) -> str:
    return " and ".join(f"{number(amount, 6)} {name}" for amount, name in zip(amounts, names, strict=True))
