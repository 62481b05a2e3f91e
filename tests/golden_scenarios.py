"""What `tests.golden` computes from scenarios, and how results are written down: as
JSON, arrays as digests.

As in `tests.golden_cases`, names of the package are imported where they are used.
"""

from __future__ import annotations

import hashlib
import json
import math
import tempfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from optimizer.problem.instance.teams import PatrolField
from optimizer.scenario.compile.compile import Compiled

Content = dict[str, Any]

ROOT = Path(__file__).parents[1]
INSTANCES = ROOT / "instances"
DATA = ROOT.parent / "shared" / "data"
ESTIMATED = 8
"""Significant digits of risk."""
SEGMENTS = 40
"""Segments whose risk is stored as numbers."""


class AbsentError(Exception):
    """A case cannot be computed here; says why."""


GIVEN = (
    *("id", "label", "lon", "lat", "tail", "head", "direction", "agency", "kinds", "existing"),
    *("forced", "forbidden", "traffic", "lanes"),
)
"""Fields of a site as they were when its digest was stored."""


def plain(value: Any, digits: int = 12) -> Any:
    """Return a value as JSON with its floats at so many significant digits."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, float):
        return float(f"{value:.{digits}g}") + 0.0 if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        pairs = [
            (key if isinstance(key, str) else str(key), plain(item, digits))
            for key, item in value.items()
        ]
        return dict(sorted(pairs))
    if isinstance(value, set | frozenset):
        return sorted(plain(item, digits) for item in value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, Collection) and not isinstance(value, str):
        return [plain(item, digits) for item in value]
    return value


def digest(values: Any) -> Content:
    """Return how many values there are, two sums of all fractions in them, and a hash
    of everything else.

    Fractions are compared by sums alone, since the last digit that a hash would hold is
    another one on another processor. `weighed` counts each fraction by a weight of its
    place, so that it tells values that have changed places.
    """
    content = plain(values, 17)
    fractions: list[float] = []
    text = json.dumps(
        _without_fractions(content, fractions), ensure_ascii=False, separators=(",", ":")
    )
    numbers = np.array(fractions)
    weighed = numbers * np.random.default_rng(numbers.size).uniform(1.0, 2.0, numbers.size)
    sums = {"sum": fractions, "weighed": weighed.tolist()} if fractions else {}
    return {
        "count": len(content),
        **{key: plain(math.fsum(part)) for key, part in sums.items()},
        "hash": hashlib.sha256(text.encode()).hexdigest()[:16],
    }


def _without_fractions(content: Any, found: list[float]) -> Any:
    """Return content with None in place of each fraction, which is appended to those found."""
    if isinstance(content, dict):
        return {key: _without_fractions(item, found) for key, item in content.items()}
    if isinstance(content, list):
        return [_without_fractions(item, found) for item in content]
    if isinstance(content, float):
        found.append(content)
        return None
    return content


def columns(items: Iterable[Any], fields: Sequence[str]) -> Content:
    """Return a digest of each field of many objects; `stored=attribute` stores it under
    another name, `a.b` looks inside.
    """
    rows = list(items)
    found = {}
    for field in fields:
        stored, _, attribute = field.rpartition("=")
        found[stored or attribute] = digest([_inside(row, attribute) for row in rows])
    return found


def _inside(item: Any, attribute: str) -> Any:
    for name in attribute.split("."):
        item = getattr(item, name)
    return item


@cache
def compile_once(name: str) -> Compiled:
    """Return a shipped scenario, compiled once a run."""
    from optimizer.scenario.compile.compile import compile_scenario

    if name == "andorra" and not (DATA / "osm" / "andorra-2025-01.osm.pbf").is_file():
        raise AbsentError("../shared/data/osm/andorra-2025-01.osm.pbf is not there")
    return compile_scenario(INSTANCES / name / "scenario.toml")


def compiled(name: str) -> Content:
    """Return digests of a compiled scenario, field by field."""
    made = compile_once(name)
    instance, network = made.instance, made.region.network
    sites = [made.sites[option.site] for option in instance.options]
    routes = [route for evader in instance.evaders for route in evader.routes]
    whole = ("id", "node", "lon", "lat", "name")
    roads = (
        "node_id",
        "lon",
        "lat",
        "tail",
        "head",
        "length_m",
        "time_s",
        "road_class",
        "name",
        "way",
        "segment",
    )
    return {
        "name": instance.name,
        "network": {
            field: digest(getattr(network, field)) for field in (*roads, "shape_start", "shape")
        },
        "arrays": (
            {
                field: digest(getattr(instance, field))
                for field in ("node_id", "tail", "head", "reliability")
            }
            | {"lonlat": digest([] if instance.lonlat is None else instance.lonlat)}
        ),
        "evaders": columns(instance.evaders, ("id", "origin", "destination", "weight", "kind")),
        "routes": columns(routes, ("arcs", "share")),
        "options": columns(
            instance.options,
            (
                "id",
                "arcs",
                "survival",
                "uses",
                "site",
                "agency",
                "kind",
                "label",
                "existing",
                "forced",
                "forbidden",
            ),
        ),
        "resources": columns(instance.resources, ("id", "budget", "agency", "unit")),
        "exclusions": digest(instance.exclusions),
        "conflicts": digest(instance.conflicts),
        "pairs": columns(
            [pair for pair in made.pairs if pair is not None], ("gateway", "settlement")
        ),
        "gateways": columns(made.gateways, (*whole, "kind", "exposure")),
        "settlements": columns(
            made.settlements, (*whole, "population", "population_assumed", "domestic")
        ),
        "crossings": columns(made.region.crossings, (*whole, "official", "road_class", "way")),
        "dropped": columns(made.region.dropped, ("what", "reason")),
        "sites": (
            columns(sites, ("id=site.id", "segment", "arcs", "lon", "lat", "distance_m"))
            | {
                "given": digest(
                    [
                        {field: site.site.model_dump(mode="json")[field] for field in GIVEN}
                        for site in sites
                    ]
                )
            }
        ),
        "patrols": None if instance.patrols is None else field_content(instance.patrols),
        "warnings": list(made.warnings),
        "inputs": [path.name for path in made.inputs],
        "skipped": digest(made.skipped),
    }


def field_content(field: PatrolField) -> Content:
    """Return digests of what teams could do."""
    arrays = {
        name: getattr(field.elements, name)
        for name in ("element", "arc", "survival", "post", "times")
    }
    drives = [(p.drives.indptr, p.drives.indices, p.drives.data) for p in field.patrols]
    team = (
        "id",
        "number",
        "shift_s",
        "slot_s",
        "most_slots",
        "detection",
        "passing",
        "uses",
        "agency",
        "label",
        "speed",
    )
    return {
        "posts": columns(field.posts, ("segment", "node", "lon", "lat", "label", "traffic")),
        "teams": columns(field.teams, (*team, "capacity", "shifts")),
        "bases": columns(
            [patrol.base for patrol in field.patrols], ("id", "node", "lon", "lat", "label")
        ),
        "patrols": (
            columns(field.patrols, ("team=team.id", "posts", "travel_s", "routes", "dwell"))
            | {"drives": digest(drives)}
        ),
        "elements": {name: digest(array) for name, array in arrays.items()},
    }


def risk(name: str) -> Content:
    """Return the risk of some segments, and digests of that of all."""
    estimate = compile_once(name).risk
    if estimate is None:
        raise ValueError(f"{name} has no records")
    ranges = {key: getattr(estimate, key) for key in ("median", "low", "high", "mean")}
    some = np.linspace(0, estimate.median.size - 1, SEGMENTS).astype(int).tolist()
    return {
        "segments": {
            str(s): {k: plain(array[s], ESTIMATED) for k, array in ranges.items()} for s in some
        },
        "all": {key: digest(array) for key, array in ranges.items()},
        "searched": digest(estimate.searched),
        "level": estimate.level,
        "units": list(estimate.units),
        "rates": plain(estimate.global_rate, ESTIMATED),
        "warnings": list(estimate.warnings),
    }


PEOPLE = """
[roster]
time_zone = "Europe/Berlin"
people = "teams"

[[shifts]]
id = "day"
start = "06:00"
hours = 8
[[shifts]]
id = "night"
start = "22:00"
hours = 8

[[crews]]
id = "crew"
agency = "police"
base = "yard"
number = 6
"""
UNHURRIED = 1e6
"""Seconds that no run comes near to: a scenario cannot say that there is no limit."""
CHANGING = {"seconds", "version", "created", "date"}
"""Keys of output files that tell of the run and not of the plan."""


def planned(*, teams: bool) -> Content:
    """Return the files of a plan of the tests' tiny border."""
    from optimizer.pipeline.plan import plan_scenario
    from tests.test_scenario_patrols import BASE, TEAM
    from tests.tiny import SCENARIO, write_scenario

    text = SCENARIO + BASE + (TEAM if teams else "") + PEOPLE
    with tempfile.TemporaryDirectory() as name:
        out = Path(name) / "out"
        plan_scenario(
            write_scenario(Path(name), text),
            out,
            options={"method": "greedy", "time_limit": UNHURRIED},
        )
        files = ("plan.json", "plan.geojson", "duties.json")
        content = {
            file: _lasting(json.loads((out / file).read_text(encoding="utf-8"))) for file in files
        }
        instance = json.loads((out / "instance.json").read_text(encoding="utf-8"))
        run = json.loads((out / "run.json").read_text(encoding="utf-8"))
        return content | {
            "instance.json": {
                key: (
                    digest(_without_labels(part) if key == "evaders" else part)
                    if isinstance(part, list | dict)
                    else part
                )
                for key, part in instance.items()
            },
            "run.json": (
                {key: run[key] for key in ("options", "warnings")}
                | {"inputs": [item["file"] for item in run["inputs"]]}
            ),
            "files": sorted(path.name for path in out.iterdir()),
        }


def _without_labels(evaders: Any) -> Any:
    """Return the evaders of an instance file without the labels that were added later."""
    return [{key: part for key, part in evader.items() if key != "label"} for evader in evaders]


def _lasting(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _lasting(part) for key, part in content.items() if key not in CHANGING}
    return [_lasting(part) for part in content] if isinstance(content, list) else content
