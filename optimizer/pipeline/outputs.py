"""The machine-readable files of a plan folder."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from optimizer.base.files import sha256, write_json
from optimizer.base.version import package_version
from optimizer.pipeline.plan_layer import plan_geojson
from optimizer.problem.instance_file import write_instance
from optimizer.scenario.duties_file import write_duties_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from optimizer.pipeline.step_times import StepTime
    from optimizer.problem.plan_file import PlanFile
    from optimizer.problem.result import Result
    from optimizer.scenario.compile import Compiled
    from optimizer.scenario.duties_file import DutiesFile

PACKAGES = (
    "numpy",
    "scipy",
    "qdldl",
    "ortools",
    "osmnx",
    "networkx",
    "shapely",
    "geopandas",
    "pydantic",
    "bokeh",
    "matplotlib",
    "osmium",
)


def result_summary(result: Result) -> dict[str, Any]:
    """Return the fields of a result that every output shares; unknown numbers are None."""
    return {
        "method": result.method,
        "status": result.status,
        "limit": result.limit,
        "lower": result.lower,
        "upper": result.upper,
        "gap": result.gap,
        "seconds": round(result.seconds, 3),
    }


def write_outputs(
    folder: Path,
    compiled: Compiled,
    result: Result,
    plan: PlanFile,
    steps: Sequence[StepTime],
    duties: DutiesFile | None = None,
    *,
    asked: Mapping[str, Any],
) -> None:
    """Write plan.json, plan.geojson, instance.json, run.json, and duties.json where there are any.

    `asked` is what was changed for this plan, for run.json.
    """
    region = compiled.region
    write_json(folder / "plan.json", plan.model_dump(mode="json"))
    write_json(folder / "plan.geojson", plan_geojson(plan, region.network, region.attribution))
    write_instance(folder / "instance.json", compiled.instance)
    write_json(folder / "run.json", run_content(compiled, result, steps) | dict(asked))
    if duties is not None:
        write_duties_file(folder, duties)


def run_content(compiled: Compiled, result: Result, steps: Sequence[StepTime]) -> dict[str, Any]:
    """Return the content of run.json: what it takes to make the plan again."""
    return {
        "schema_version": 1,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "version": package_version(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: version(name) for name in PACKAGES},
        "seed": result.seed,
        "options": compiled.scenario.solve.of_search(),
        "statistics": dict(result.statistics),
        "steps": [{"name": step.name, "seconds": round(step.seconds, 3)} for step in steps],
        "inputs": [{"file": path.name, "sha256": sha256(path)} for path in compiled.inputs],
        "warnings": list(compiled.warnings),
        "language": compiled.scenario.report.language,
    }
