"""Plans, headlines and learnt local shares in the worlds of a second simulator
(`results.measure.foreign_world`), by what a planner would run.

In every other truth half of what even searches find keeps to a place. Plans come of
scenario files by `optimizer.plan_scenario`; the best plan of a truth is searched by
`cuts`. `python -m results.measure foreign ROWS.jsonl MAP.gpkg... --seeds 12` adds a row a
truth and prints what the rows come to. Maps are regions that `region` saved, or
Luxembourg's numbered roads from tables of Travel Mapping.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest

import optimizer as opt
from optimizer.solvers.params import ClockParams, SolveParams
from results.measure.foreign_world import (
    LOSS,
    PER_HOUR,
    STATED,
    VARIANTS,
    Roads,
    Truth,
    learnt,
    write_record,
)

POSTS = (3, 6)
SITES = 60
NEAR = 0.0005
"""How far outside of a stated range a gain may lie and still count as within: what is
printed is rounded.
"""
SECONDS = 8.0
"""Work that each search may take, processor seconds."""
RULES, MOBILES = ("logit", "win-stay", "best reply"), (0.0, 0.2, 1.0)
BY_WORK = SolveParams(clock=ClockParams(by_work=True))
SCENARIO = f"""schema_version = 1
name = "A second simulator"
[region]
network = "{{network}}"
[[records.seizures]]
file = "seizures.csv"
source = "Police"
effort_unit = "hours"
[[records.effort]]
file = "effort.csv"
source = "Police"
unit = "hours"
[background]
per_hour = {PER_HOUR}
[evaders]
decay_minutes = 40
mobility = 0.2
unreachable = "skip"
[[resources]]
name = "teams"
budget = {max(POSTS)}
[[kinds]]
id = "post"
capacity = 100000
detection = {STATED}
uses = {{{{ teams = 1 }}}}
[sites]
file = "sites.csv"
"""


def true_instance(truth: Truth, options: list[opt.Option], posts: int) -> opt.Instance:
    """Return the truth as a problem; who may change gateway starts at a node before all of them."""
    net, gates = truth.roads.net, truth.roads.gates
    first = net.n_nodes
    one = np.ones(gates.size**2)
    wide = opt.Network.from_arrays(
        np.concatenate([net.tail, np.repeat(first + np.arange(gates.size), gates.size)]),
        np.concatenate([net.head, np.tile(gates, gates.size)]),
        np.concatenate([net.length_m, one]),
        np.concatenate([net.time_s, one]),
        node_id=np.arange(first + gates.size),
    )
    change = np.where(np.eye(gates.size, dtype=bool), 1.0, 1 - LOSS).ravel()
    evaders = []
    for k, ((gate, goal), load, (ways, shares)) in enumerate(
        zip(truth.pairs, truth.load, truth.routes, strict=True)
    ):
        origin, free = int(gates[gate]), float(load) * (1 - truth.habit)
        routes = tuple(
            opt.Route(way, float(share)) for way, share in zip(ways, shares, strict=True)
        )
        evaders += [
            opt.Evader(f"habit {k}", origin, goal, float(load) * truth.habit, routes),
            opt.Evader(f"stays {k}", origin, goal, free * (1 - truth.mobile)),
        ]
        if truth.mobile:
            evaders.append(opt.Evader(f"moves {k}", first + gate, goal, free * truth.mobile))
    for k, (way, load) in enumerate(truth.quiet):
        ends = int(net.tail[way[0]]), int(net.head[way[-1]])
        evaders.append(opt.Evader(f"local {k}", *ends, load, (opt.Route(way, 1.0),)))
    return opt.make_instance(
        wide,
        reliability=np.concatenate([np.exp(-truth.hazard), change]),
        evaders=evaders,
        options=[
            opt.Option(o.id, o.arcs, (1 - truth.detection,) * len(o.arcs), {"teams": 1.0})
            for o in options
        ],
        resources=[opt.Resource("teams", float(posts))],
    )


TOWNS = """Luxembourg,6.13,49.61,134 Esch,5.98,49.495,36 Differdange,5.89,49.525,29 Dudelange,6.087,49.48,22 Petange,5.88,49.558,20
Ettelbruck,6.104,49.847,10 Diekirch,6.16,49.868,7 Wiltz,5.93,49.966,8 Echternach,6.42,49.812,6 Grevenmacher,6.44,49.68,5
Mersch,6.106,49.749,10 Clervaux,6.026,50.055,6 Remich,6.367,49.545,4 Redange,5.89,49.765,3 Mamer,6.023,49.627,10 Hesperange,6.155,49.573,16
Junglinster,6.25,49.711,8 Vianden,6.2,49.935,2 Steinfort,5.915,49.66,6 Mondorf,6.281,49.507,6"""
"""Towns of Luxembourg with their places and thousands of people, about."""


def luxembourg(nodes: Path, edges: Path) -> opt.Region:
    """Return the numbered roads of Luxembourg from tables of nodes and edges; where
    they leave it, loads enter.
    """
    with nodes.open() as file:
        known = {row["id"]: row for row in csv.DictReader(file)}
    with edges.open() as file:
        rows = list(csv.DictReader(file))
    home = [row for row in rows if row["region"] == "LUX"]
    inside = {row[end] for row in home for end in ("tail", "head")}
    speed = [
        110 if "luxa" in row["systems"] else 90 if "luxb" in row["systems"] else 65 for row in home
    ]
    graph = nx.MultiDiGraph(crs="EPSG:4326")
    for node in sorted(inside, key=int):
        graph.add_node(int(node), x=float(known[node]["lon"]), y=float(known[node]["lat"]))
    words = {110: "motorway", 90: "trunk", 65: "primary"}
    for row, kmh in zip(home, speed, strict=True):
        km = max(float(row["km"]), 0.02)
        for way in ((row["tail"], row["head"]), (row["head"], row["tail"])):
            graph.add_edge(
                *map(int, way),
                length=1000 * km,
                travel_time=3600 * km / kmh,
                highway=words[kmh],
                name=row["routes"],
            )
    network = opt.Network.from_networkx(graph)
    at = {int(node): k for k, node in enumerate(network.node_id.tolist())}
    abroad = {row[end] for row in rows if row["region"] != "LUX" for end in ("tail", "head")}
    ends = sorted(inside & abroad, key=int)
    labels = [known[node]["labels"] for node in ends]
    exposure = [
        30_000 if "lux.a0" in each else 12_000 if "lux.e" in each or "lux.b0" in each else 4_000
        for each in labels
    ]
    gateways = opt.gateways_at(
        network, [at[int(node)] for node in ends], kind="port", exposure=exposure
    )
    towns = [each.split(",") for each in TOWNS.split()]
    place, _ = network.nearest_nodes(
        np.array([float(t[1]) for t in towns]), np.array([float(t[2]) for t in towns])
    )
    return opt.Region(
        network,
        None,
        (),
        gateways,
        opt.settlements_at(network, place, [1000 * float(t[3]) for t in towns]),
    )


def choose_sites(roads: Roads, rng: np.random.Generator) -> tuple[list[int], list[int]]:
    """Return sites 400 m apart, half on the busiest roads by travel time and half on
    any, the busiest first; and where posts stand today.
    """
    busy = np.zeros(roads.net.n_segments)
    _, before, at = roads.trees(roads.net.time_s, roads.gates)
    for tree, exposure in zip(before, roads.exposure, strict=True):
        for town in roads.region.settlements:
            way = roads.way(tree, at, town.node)
            np.add.at(busy, roads.segment[list(way)], exposure * max(town.population, 1.0))
    sites: list[int] = []
    for pool, number in (
        (np.argsort(-busy), SITES // 2),
        (rng.permutation(np.flatnonzero(busy > 0)), SITES),
    ):
        for s in pool.tolist():
            if len(sites) < number and (not sites or _distance(roads, s, sites).min() > 400):
                sites.append(s)
    sites.sort(key=lambda s: -busy[s])
    today = sites[:1]
    for s in sites:
        if len(today) < max(POSTS) and _distance(roads, s, today).min() > 1500:
            today.append(s)
    return sites, today


def _distance(roads: Roads, segment: int, others: list[int]) -> Any:
    return np.hypot(roads.x[segment] - roads.x[others], roads.y[segment] - roads.y[others])


def write_scenario(
    folder: Path, network: Path, roads: Roads, sites: list[int], today: list[int]
) -> Path:
    """Write the scenario and its sites beside a record."""
    with (folder / "sites.csv").open("w") as file:
        file.write("id,lon,lat,direction,kinds,existing\n")
        for s in sites:
            file.write(
                f"s{s},{roads.lon[s]:.6f},{roads.lat[s]:.6f},both,post,{'post' if s in today else ''}\n"
            )
    scenario = folder / "scenario.toml"
    scenario.write_text(SCENARIO.format(network=network.resolve()))
    return scenario


def measured(network: Path, roads: Roads, seed: int, variant: str, folder: Path) -> dict[str, Any]:
    """Return the row of one truth."""
    began = time.process_time()
    truth = Truth(roads, seed, 0.5 if seed % 2 else 0.0, variant)
    rng = np.random.default_rng([78, seed, roads.net.n_nodes])
    sites, today = choose_sites(roads, rng)
    made = write_record(truth, today, folder, rng)
    scenario = write_scenario(folder, network, roads, sites, today)
    planned = opt.plan_scenario(
        scenario,
        folder / "plan",
        options={"gap": 0.01, "time_limit": SECONDS},
        settings={"solve.params.clock.by_work": True},
        report=False,
    )
    gateways = opt.compile_scenario(scenario, settings={"evaders.weights": "gateways"})
    options = list(planned.compiled.instance.options)
    on = {int(roads.segment[option.arcs[0]]): option for option in options}
    ranked = _by_rules(roads, [s for s in sites if s in on], folder)
    nothing, gains, bound = truth.through([]), {}, {}
    layouts: dict[str, list[opt.Option]] = {}
    for posts in POSTS:
        best = opt.solve(
            true_instance(truth, options, posts),
            method="cuts",
            gap=0.002,
            time_limit=SECONDS,
            threads=1,
            params=BY_WORK,
        )
        results = {"truth": best, "record": planned.result}
        for name, instance in (
            ("record", planned.compiled.instance),
            ("gateways", gateways.instance),
        ):
            if name not in results or posts < max(POSTS):
                results[name] = opt.solve(
                    instance.with_budget("teams", posts),
                    gap=0.01,
                    time_limit=SECONDS,
                    threads=1,
                    params=BY_WORK,
                )
        layouts = {
            name: [o for o in options if o.id in found.plan.options]
            for name, found in results.items()
            if found.plan
        }
        layouts |= {
            name: [on[s] for s in order[:posts]]
            for name, order in (*ranked.items(), ("today", today))
        }
        gains[posts] = {
            name: nothing - truth.through(_arcs(layout)) for name, layout in layouts.items()
        }
        bound[posts] = nothing - (best.lower or 0.0)
        assert best.upper == pytest.approx(
            nothing - gains[posts]["truth"], abs=1e-6
        )  # both programs value the truth alike
    fit = planned.compiled.record.fit
    rows = planned.plan.values.by_mobility
    every = [gain for row in rows for gain in row.gains]
    happens = {
        f"{rule}, {mobile:g}": (
            learnt(truth, _arcs(layouts["today"]), rule, mobile)
            - learnt(truth, _arcs(layouts["record"]), rule, mobile)
        )
        for rule in RULES
        for mobile in MOBILES
    }
    return {
        "map": network.stem,
        "seed": seed,
        "variant": variant,
        "local": truth.local,
        "mobile": truth.mobile,
        "seizures": made.seizures,
        "local_true": made.local,
        "fit": (
            {}
            if fit is None
            else {
                name: getattr(fit, name)
                for name in ("local", "low", "high", "place_error_m", "tips")
            }
        ),
        "nothing": nothing,
        "gain": gains,
        "bound": bound,
        "range": [min(every), max(every)],
        "assumed": next(row.gains[0] for row in rows if row.mobility == 0.2),
        "happens": happens,
        "seconds": time.process_time() - began,
    }


def _arcs(layout: list[opt.Option]) -> list[int]:
    return [arc for option in layout for arc in option.arcs]


def _by_rules(roads: Roads, sites: list[int], folder: Path) -> dict[str, list[int]]:
    """Return the sites in the order of simple rules; the busiest come first in what is given."""
    with (folder / "seizures.csv").open() as file:
        rows = [(float(row["lon"]), float(row["lat"])) for row in csv.DictReader(file)]
    x, y = roads.metres(*np.array(rows).T)
    away = {s: np.hypot(x - roads.x[s], y - roads.y[s]) for s in sites}
    return {
        "seizures": sorted(sites, key=lambda s: -int((away[s] < 250).sum())),
        "density": sorted(sites, key=lambda s: -float(np.exp(-0.5 * (away[s] / 1000) ** 2).sum())),
        "busiest": sites,
    }


def summary(rows: list[dict[str, Any]]) -> str:
    """Return what rows come to: shares of the best plan's gain with paired differences,
    the stated range of the gain, and local shares.
    """
    parts = {"all": rows} | {
        name: [row for row in rows if row["map"] == name]
        for name in sorted({row["map"] for row in rows})
    }
    parts |= {
        name: [row for row in rows if row["local"] == local]
        for name, local in (("flows alone", 0.0), ("half local", 0.5))
    }
    ways = [way for way in rows[0]["gain"][str(POSTS[0])] if way not in {"truth", "record"}]
    found = [
        (
            "| truths | posts | number | record: median, worst tenth | gateways: median, worst"
            " tenth | record less gateways, 90 % |"
        ),
        "| --- | --- | --- | --- | --- | --- |",
    ]
    others = [
        "| posts | way | median | worst tenth | record less it, 90 % |",
        "| --- | --- | --- | --- | --- |",
    ]
    stated = [
        (
            "| truths | learners, mobility | within the stated range | below | above | true less"
            " stated as assumed, points |"
        ),
        "| --- | --- | --- | --- | --- | --- |",
    ]
    locals_ = [
        (
            "| truths | number | true, mean | learnt less true, median | furthest off | within .1 |"
            " within .15 | in the stated range |"
        ),
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, some in ((name, some) for name, some in parts.items() if some):
        for posts in POSTS:
            share = {way: _share(some, posts, way) for way in ("record", *ways)}
            text = [
                f"{np.median(share[way]):.3f}, {np.quantile(share[way], 0.1):.3f}"
                for way in ("record", "gateways")
            ]
            found.append(
                f"| {name} | {posts} | {len(some)} | {' | '.join(text)} |"
                f" {_interval(share['record'] - share['gateways'])} |"
            )
            if name == "all":
                for way in ways:
                    text = [
                        f"{np.median(share[way]):.3f}",
                        f"{np.quantile(share[way], 0.1):.3f}",
                        _interval(share["record"] - share[way]),
                    ]
                    others.append(f"| {posts} | {way} | {' | '.join(text)} |")
        low, high = np.array([row["range"] for row in some]).T[:, :, None]
        assumed = np.array([[row["assumed"]] for row in some])
        for case in ("all", *(some[0]["happens"] if name == "all" else ())):
            true = np.array(
                [
                    [gain for key, gain in row["happens"].items() if case in {key, "all"}]
                    for row in some
                ]
            )
            below, above = true < low - NEAR, true > high + NEAR
            text = [f"{part.mean():.2f}" for part in (~below & ~above, below, above)]
            stated.append(
                f"| {name} | {case} | {' | '.join(text)} |"
                f" {_interval(100 * (true - assumed).mean(axis=1), 1)} |"
            )
        fits = [(row["fit"], row["local_true"]) for row in some if row["fit"]]
        off = np.array([fit["local"] - true for fit, true in fits])
        text = [
            f"{np.mean([true for _, true in fits]):.2f}",
            f"{np.median(off):+.2f}",
            f"{np.abs(off).max():.2f}",
        ]
        text += [
            f"{np.mean(part):.2f}"
            for part in (
                np.abs(off) <= 0.1,
                np.abs(off) <= 0.15,
                [f["low"] <= true <= f["high"] for f, true in fits],
            )
        ]
        locals_.append(f"| {name} | {len(fits)} | {' | '.join(text)} |")
    return "\n".join([*found, "", *others, "", *stated, "", *locals_])


def _share(rows: list[dict[str, Any]], posts: int, way: str) -> Any:
    """Return the gain of a way as a share of the best plan's."""
    return np.array(
        [row["gain"][str(posts)][way] / row["gain"][str(posts)]["truth"] for row in rows]
    )


def _interval(values: Any, digits: int = 3) -> str:
    """Return the mean with a 90 % bootstrap interval over truths."""
    rng = np.random.default_rng(0)
    means = rng.choice(values, (4000, len(values))).mean(axis=1)
    low, high = np.quantile(means, (0.05, 0.95))
    return f"{np.mean(values):+.{digits}f} [{low:+.{digits}f}, {high:+.{digits}f}]"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the measurement takes."""
    parser.add_argument("rows", type=Path)
    parser.add_argument("maps", type=Path, nargs="*", help="saved regions")
    parser.add_argument(
        "--luxembourg", type=Path, nargs=2, metavar=("NODES", "EDGES"), help="tables of its roads"
    )
    parser.add_argument("--seeds", type=int, default=12)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder to leave scenarios, records and plans in")
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=[""])


def main(asked: argparse.Namespace) -> None:
    """Run, and print."""
    rows = (
        [json.loads(line) for line in asked.rows.read_text().splitlines()]
        if asked.rows.exists()
        else []
    )
    done = {(row["map"], row["seed"], row["variant"]) for row in rows}
    if asked.luxembourg:
        asked.maps.append(asked.rows.with_name("luxembourg.gpkg"))
        opt.save_region(luxembourg(*asked.luxembourg), asked.maps[-1])
    roads = {path: Roads(opt.read_region(path)) for path in asked.maps}
    for seed in range(asked.first, asked.first + asked.seeds):
        for path, variant in ((path, variant) for path in roads for variant in asked.variants):
            if (path.stem, seed, variant) not in done:
                with tempfile.TemporaryDirectory() as place:
                    folder = (
                        Path(place)
                        if asked.keep is None
                        else asked.keep / f"{path.stem}-{seed}{variant}"
                    )
                    folder.mkdir(parents=True, exist_ok=True)
                    row = json.loads(json.dumps(measured(path, roads[path], seed, variant, folder)))
                rows.append(row)
                with asked.rows.open("a") as file:
                    file.write(f"{json.dumps(row)}\n")
                sys.stderr.write(f"{path.stem} {seed} {variant} {row['seconds']:.0f} s\n")
    for variant in sorted({row["variant"] for row in rows}):
        print(
            "\n##"
            f" {variant or 'as they are'}\n\n{summary([row for row in rows if row['variant'] == variant])}"
        )
