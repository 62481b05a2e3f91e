"""The machine-readable files of a plan folder."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.base.files import sha256, write_json
from optimizer.pipeline.patrol_outputs import patrol_content, tour_features
from optimizer.problem.instance_file import write_instance
from optimizer.scenario.duties_file import write_duties_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from optimizer.pipeline.comparison import Comparison
    from optimizer.pipeline.step_times import StepTime
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


def package_version() -> str:
    """Return this package's version; `unknown` when it runs from a folder that was never installed."""
    try:
        return version("border-interdiction")
    except PackageNotFoundError:
        return "unknown"


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
    comparison: Comparison,
    steps: Sequence[StepTime],
    duties: DutiesFile | None = None,
) -> None:
    """Write plan.json, plan.geojson, instance.json, run.json, and duties.json where there are any."""
    write_json(folder / "plan.json", plan_content(compiled, result, comparison))
    write_json(folder / "plan.geojson", plan_geojson(compiled, result, comparison))
    write_instance(folder / "instance.json", compiled.instance)
    write_json(folder / "run.json", run_content(compiled, result, steps))
    if duties is not None:
        write_duties_file(folder, duties)


def plan_content(compiled: Compiled, result: Result, comparison: Comparison) -> dict[str, Any]:
    """Return the content of plan.json: status, bounds and option ids at its top, then what each resource and site comes to."""
    instance = comparison.instance
    options = result.plan.options if result.plan else ()
    used = instance.placed(options) @ instance.use
    return {
        "schema_version": 1,
        "name": compiled.scenario.name,
        **result_summary(result),
        "options": list(options),
        "seed": result.seed,
        "version": package_version(),
        "values": {
            "nothing": comparison.nothing.value,
            "existing": comparison.existing.value if comparison.existing else None,
            "plan": comparison.plan.value,
            "everything": comparison.everything,
        },
        "resources": [
            {"id": r.id, "agency": r.agency, "unit": r.unit, "used": float(u), "budget": r.budget}
            for r, u in zip(instance.resources, used, strict=True)
        ],
        "sites": _site_rows(compiled, [p.id for p in result.plan.fixed] if result.plan else [], comparison),
    } | ({} if compiled.instance.patrols is None else patrol_content(result, comparison))


def plan_geojson(compiled: Compiled, result: Result, comparison: Comparison) -> dict[str, Any]:
    """Return every site as a GeoJSON point, the lines of the segments that placed ones watch, and beats as tours."""
    network = compiled.region.network
    fixed = compiled.instance.options
    chosen = set(result.plan.options if result.plan else ())
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [row["lon"], row["lat"]]},
            "properties": {key: value for key, value in row.items() if key not in {"lon", "lat", "uses"}},
        }
        for row in _site_rows(compiled, [option.id for option in fixed], comparison, chosen)
    ]
    watched = np.unique([network.segment[a] for o in fixed if o.id in chosen for a in o.arcs])
    for segment in watched.astype(int).tolist():
        line = network.lines[segment]
        features.append(
            {
                "type": "Feature",
                "geometry": {"type": "LineString", "coordinates": [list(point) for point in line.coords]},
                "properties": {
                    "segment": segment,
                    "watched": True,
                    "name": str(network.name[network.segment_arc[segment]]),
                },
            }
        )
    if result.plan is not None:
        features += tour_features(result.plan, network)
    return {"type": "FeatureCollection", "attribution": compiled.region.attribution, "features": features}


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
        "options": compiled.scenario.solve.model_dump(),
        "statistics": dict(result.statistics),
        "steps": [{"name": step.name, "seconds": round(step.seconds, 3)} for step in steps],
        "inputs": [{"file": path.name, "sha256": sha256(path)} for path in compiled.inputs],
        "warnings": list(compiled.warnings),
    }


def _site_rows(
    compiled: Compiled, options: list[str] | tuple[str, ...], comparison: Comparison, chosen: set[str] | None = None
) -> list[dict[str, Any]]:
    rows = []
    network = compiled.region.network
    for name in options:
        j = compiled.instance.option_index[name]
        option = compiled.instance.options[j]
        site = compiled.sites[option.site]
        rows.append(
            {
                "id": option.id,
                "label": option.label,
                "kind": option.kind,
                "agency": option.agency,
                "lon": round(site.lon, 6),
                "lat": round(site.lat, 6),
                "road": str(network.name[network.segment_arc[site.segment]]),
                "road_class": str(network.road_class[network.segment_arc[site.segment]]),
                "distance_m": round(site.distance_m, 1),
                "existing": option.existing,
                "worth": comparison.marginal_values[option.id],
                "uses": dict(option.uses),
            }
            | ({} if chosen is None else {"chosen": option.id in chosen})
        )
    return rows
