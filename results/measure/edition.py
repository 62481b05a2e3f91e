"""Do editions of one country's map give one first plan? `python -m
results.measure edition COUNTRY EXTRACT... [--edits N]`.

`init` makes a scenario of each extract, which is then planned with four sites and with
nine, each time to a gap of .001. Each plan is held against that of the first extract:
how many of its sites have one of the other within 300 m (each counts once), within 1.5
km on a road of the same number or name, and what it costs to put its sites (at the
nearest sites that are offered) in place of the first plan's own on the first map, in
points of all loads, with the first plan's patrols.

With `--edits N` the first extract is also edited, N times with other draws, as many
hands would edit it in two years: of its roads one in 20 changes its class by a step,
one in 5 loses name, number, lanes and speed, one in 3 is split in two, one in 30 of the
small ones goes, and points move by up to 3 m.
"""

from __future__ import annotations

import argparse
import math
import random
import re
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import osmium
from scipy.optimize import linear_sum_assignment

from optimizer import Plan, evaluate
from optimizer.pipeline import init_scenario, plan_scenario
from optimizer.plans.plan_folder import PlanFolder
from optimizer.problem.network.geodesy import great_circle_m
from optimizer.scenario.file.model import RegionModel

CLASSES = ("trunk", "primary", "secondary", "tertiary", "unclassified")
SMALL = {"residential", "service", "track"}
DEGREE_M = 111_195.0
SITES = {"four sites": None, "nine sites": {"officers": 29, "cameras": 5, "delay": 125}}
SECONDS = 40.0


def edit(source: Path, target: Path, seed: int) -> None:
    """Write an extract as other hands would have left it."""
    draw = random.Random(seed)  # noqa: S311 - no secret
    number = 9_000_000_000
    with osmium.SimpleWriter(str(target), overwrite=True) as writer:
        for item in osmium.FileProcessor(str(source)):
            if item.is_node():
                step = [draw.uniform(-2, 2) / DEGREE_M for _ in range(2)]
                east = math.cos(math.radians(item.location.lat))
                writer.add_node(
                    item.replace(
                        location=(item.location.lon + step[0] / east, item.location.lat + step[1])
                    )
                )
                continue
            if not item.is_way() or "highway" not in item.tags:
                writer.add(item)
                continue
            tags = dict(item.tags)
            kind = tags["highway"]
            if kind in SMALL and draw.random() < 1 / 30:
                continue
            if kind in CLASSES and draw.random() < 1 / 20:
                step_to = CLASSES.index(kind) + draw.choice((-1, 1))
                tags["highway"] = CLASSES[min(max(step_to, 0), len(CLASSES) - 1)]
            if draw.random() < 1 / 5:
                tags = {
                    name: value
                    for name, value in tags.items()
                    if name not in {"name", "ref", "lanes", "maxspeed"}
                }
            nodes = [node.ref for node in item.nodes]
            cut = (
                draw.randrange(1, len(nodes) - 1)
                if len(nodes) > 2 and draw.random() < 1 / 3
                else None
            )
            if cut is None:
                writer.add_way(item.replace(tags=tags))
            else:
                number += 1
                writer.add_way(item.replace(tags=tags, nodes=nodes[: cut + 1]))
                writer.add_way(item.replace(id=number, tags=tags, nodes=nodes[cut:]))


def planned(extract: Path, country: str, folder: Path) -> dict[str, PlanFolder]:
    """Return the first plans of an extract, by how many sites."""
    written = init_scenario(RegionModel(file=extract, border=country), folder)
    found = {}
    for name, budgets in SITES.items():
        text = written.scenario.read_text(encoding="utf-8")
        for resource, amount in (budgets or {}).items():
            text = re.sub(
                rf'(name = "{resource}"\n(?:agency.*\n)?budget = )[\d.]+', rf"\g<1>{amount}", text
            )
        scenario = folder / f"{name.split()[0]}.toml"
        scenario.write_text(text, encoding="utf-8")
        began = time.process_time()
        out = plan_scenario(
            scenario,
            folder / name.split()[0],
            options={"gap": 0.001, "time_limit": SECONDS},
            report=False,
        )
        print(
            f"  {name}: {len(out.plan.options)} options, {out.result.lower:.4f} to"
            f" {out.result.upper:.4f}, {time.process_time() - began:.0f} processor s",
            flush=True,
        )
        found[name] = PlanFolder(folder / name.split()[0])
    return found


def apart(one: list[dict[str, Any]], other: list[dict[str, Any]]) -> np.ndarray:
    """Return the metres between sites of two plans."""
    lon, lat, other_lon, other_lat = (
        np.array([row[axis] for row in rows], dtype=np.float64)
        for rows in (one, other)
        for axis in ("lon", "lat")
    )
    return np.asarray(great_circle_m(lon[:, None], lat[:, None], other_lon[None], other_lat[None]))


def words(row: dict[str, Any]) -> set[str]:
    """Return what the road of a site is called: its name, and its number as its label
    begins with it.
    """
    return {str(row["road"]), str(row["label"]).split(" (")[0].split(" at the border")[0]} - {""}


def compare(first: PlanFolder, other: PlanFolder) -> str:
    """Return how far two plans agree."""
    mine, theirs = first.content["sites"], other.content["sites"]
    metres = apart(theirs, mine)
    road = np.array([[bool(words(a) & words(b)) for b in mine] for a in theirs])
    masks = metres <= 300, (metres <= 300) | ((metres <= 1500) & road)
    pairs = [int(mask[linear_sum_assignment(~mask)].sum()) for mask in masks]
    instance = first.instance
    offered = [row for row in instance.options if ":" in row.id]
    content = first.content["candidates"] + first.content["sites"]
    place = {row["id"]: row for row in content}
    moved: list[dict[str, Any]] = []
    free = [place[row.id] for row in offered if row.id in place]
    for row in theirs:
        alike_type = [
            each
            for each in free
            if each["type"] == row["type"] and each["site"] not in {m["site"] for m in moved}
        ]
        moved.append(alike_type[int(apart([row], alike_type)[0].argmin())])
    best = first.result_in(instance)
    assert best.plan is not None
    assert best.upper is not None
    beats = [each for each in best.plan.placements if each.option.id not in instance.option_index]
    value = evaluate(
        instance, Plan((*Plan.of(instance, [row["id"] for row in moved]).placements, *beats))
    ).value
    cost = 100 * (value - best.upper)
    near, alike = pairs
    return (
        f"{near} of {len(theirs)} within 300 m, {alike} with the same road within 1.5 km; its sites"
        f" cost {cost:+.2f} points on the first map"
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the measurement takes."""
    parser.add_argument("country")
    parser.add_argument("extracts", nargs="+", type=Path)
    parser.add_argument("--edits", type=int, default=0, help="edited copies of the first extract")


def main(asked: argparse.Namespace) -> None:
    """Plan and compare."""
    with tempfile.TemporaryDirectory() as folder:
        extracts = [*asked.extracts]
        for seed in range(1, asked.edits + 1):
            extracts.append(Path(folder) / f"edited-{seed}.osm.pbf")
            edit(extracts[0], extracts[-1], seed)
        first: dict[str, PlanFolder] = {}
        for extract in extracts:
            print(extract.name, flush=True)
            plans = planned(extract, asked.country, Path(folder) / extract.name.split(".")[0])
            first = first or plans
            for name, plan in plans.items():
                if plan is not first[name]:
                    print(f"    {name}: {compare(first[name], plan)}", flush=True)
