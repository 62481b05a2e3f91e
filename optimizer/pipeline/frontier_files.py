"""The folder of a budget curve: a table, the curve with its plans, and a figure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.base.files import write_json
from optimizer.base.output_folder import OutputFolder
from optimizer.pipeline.geodata_files import write_csv

if TYPE_CHECKING:
    import os

    from optimizer.pipeline.frontier import Frontier

FILES = ("frontier.csv", "frontier.json", "frontier.png", "frontier.svg")


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
