"""Plans made from a record against plans made from the truth: what steering by the record gains, in worlds whose evaders are known.

The truth: each pair's loads scatter about gravity, drivers take routes of their own, and local markets draw the rest. Its evaders are those
pairs, informed and habitual, and single segments of the markets. Plans are made for evaders by truth, by record, by the risk index at
gateways alone and by gravity, over the same sites and budget, by the same method, and all are evaluated against the true evaders.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.base.files.readwrite import sha256
from optimizer.base.version import package_version
from optimizer.lab.benchmark.borderland import draw_land
from optimizer.lab.machine import stamp
from optimizer.lab.pages import PageFiles, PageTable, fixed, write_page
from optimizer.lab.rows import PlannedRow, RowStore, RunKey, distinct, newest_version, when_made
from optimizer.lab.study.cells import GENERATED_NAME, GENERATED_NODES, GENERATED_SEED, PLANS, PlansRow
from optimizer.problem.instance.evaders import Evader, Route
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.options import Option, Resource
from optimizer.problem.network.places import Gateway, Settlement
from optimizer.problem.network.shortest_paths import cost_graph
from optimizer.problem.plan.evaluation import evaluate
from optimizer.region import read_region
from optimizer.region.model import Region
from optimizer.risk import FieldFlow, World, as_records, make_history
from optimizer.risk.simulation import AS_IT_WAS, ObservationModel, RecordSettings
from optimizer.risk.simulation.world import local_markets
from optimizer.scenario.demand.evaders import scenario_evaders, usual_routes
from optimizer.scenario.demand.gravity import gateway_index, make_demand
from optimizer.scenario.demand.record_demand import FittedRisk, RecordDemand, fitted_risk, record_demand
from optimizer.scenario.file.model import EvadersModel
from optimizer.solvers.solve import solve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from optimizer.base.choices import EffortKind
    from optimizer.problem.network.network import Network
    from optimizer.scenario.demand.gravity import GravityDemand

    Floats = NDArray[np.float64]

WORLDS: dict[str, tuple[float, str]] = {
    "flows": (0.0, "probit"),
    "mixed": (0.4, "probit"),
    "mixed, far-sighted": (0.4, "length"),
    "flows, sticky": (0.0, "sticky"),
    "local": (0.8, "probit"),
}
"""Local share of the rate, and how drivers choose: by time with errors of `PERCEPTION`; by length with such errors; one route a pair."""
AS_THEY_ARE: dict[str, tuple[str, RecordSettings]] = {
    f"{world}, {error:g} m": (
        world,
        RecordSettings(place_error_m=error, late=0.1, missing_seizures=0.05, missing_effort=0.1),
    )
    for world in ("flows", "mixed")
    for error in (8.0, 30.0)
}
"""Worlds whose record is written down with errors of places, late, and with gaps."""
PERCEPTION, DRIVERS = 0.4, 20
MASS_ERROR = 0.8
"""Standard deviation of the log of true masses of origins and destinations over gravity's."""
MONTHS, SEIZURES = 24, 400
EFFORT: EffortKind = "feedback"
MARKETS, LOCAL_EVADERS = 40, 300
PER_HOUR = 0.1
"""Hazard of the background."""
RESAMPLES = 4000
"""Resamples of the truths, for intervals."""
SITES, BUDGET, SURVIVAL = 90, 3, 0.5
"""Sites (a third each of gravity's roads, of the risk map's and of any), posts, and chance to pass one."""
SEEDS = 4
WAYS = ("record", "gateways", "gravity")
ALL = "all"
WANTED = 0.9
"""Share of the gain of the plan made from the truth that a plan made from the record is to reach."""
TERMS = EvadersModel(unreachable="skip", decay_minutes=40)


@dataclass(frozen=True, eq=False)
class PlanRoads:
    """Roads with their name, who travels on them by gravity, and the digest of their file."""

    name: str
    region: Region
    demand: GravityDemand
    digest: str


def plan_roads(extract: Path, border: str, modes: tuple[str, ...]) -> PlanRoads:
    """Return the roads of an extract with gravity's demand."""
    region = read_region(extract, border=border, modes=modes)
    return PlanRoads(f"{border}: {', '.join(modes)}", region, make_demand(TERMS, region, str(extract)), sha256(extract))


def generated_plan_roads() -> PlanRoads:
    """Return the two made-up countries of the study of maps, with gravity's demand from where roads enter the home country to its towns."""
    land = draw_land(GENERATED_NODES, "mountains", np.random.default_rng(GENERATED_SEED))
    network = land.roads.network
    inside = np.where(land.depth[land.roads.ends[:, 0]] > 0, *land.roads.ends.T)
    gateways = tuple(
        Gateway(f"c{s}", node, float(network.lon[node]), float(network.lat[node]), "port" if official else "unofficial")
        for s, node, official in zip(
            np.flatnonzero(land.crossing).tolist(),
            inside[land.crossing].tolist(),
            land.official[land.crossing].tolist(),
            strict=True,
        )
    )
    home = land.depth[land.towns] > 0
    settlements = tuple(
        Settlement(f"t{node}", node, float(network.lon[node]), float(network.lat[node]), f"town {node}", people)
        for node, people in zip(land.towns[home].tolist(), land.populations[home].tolist(), strict=True)
    )
    region = Region(network, None, (), gateways, settlements)
    return PlanRoads("Generated", region, make_demand(TERMS, region, GENERATED_NAME), GENERATED_NAME)


def plan_store(folder: Path) -> RowStore[PlansRow]:
    """Return the rows in a folder."""
    return RowStore(folder / PLANS, PlansRow)


def planned_rows(roads: PlanRoads, seeds: int = SEEDS) -> Iterator[PlannedRow[PlansRow]]:
    """Give the rows of some truths of every world."""
    for seed in range(1, seeds + 1):
        for world in (*WORLDS, *AS_THEY_ARE):
            options = {"world": world, "effort": EFFORT, "seizures": SEIZURES, "seed": seed, "region": roads.name}
            yield PlannedRow(
                RunKey.of(package_version(), roads.digest, "plans", **options), partial(plans_row, roads, world, seed)
            )


def plans_row(roads: PlanRoads, world: str, seed: int) -> PlansRow:
    """Search one truth, and plan from its record in every way."""
    network, demand = roads.region.network, roads.demand
    drawn, settings = AS_THEY_ARE.get(world, (world, AS_IT_WAS))
    local_share, choice = WORLDS[drawn]
    rng = np.random.default_rng([31, seed, list(WORLDS).index(drawn)])
    cost = PER_HOUR * network.time_s / 3600
    routes = RecordDemand(_true_shares(demand, rng), _true_routes(network, demand, choice, rng))
    true = scenario_evaders(demand, network, routes).evaders
    flow, market = _rate(network, true), local_markets(network, rng, MARKETS)
    length = network.length_m[network.segment_arc]
    flow, market = (part / (part @ length / length.sum()) for part in (flow, market))
    rate = (1 - local_share) * flow + local_share * market
    history = make_history(World(network, rate), EFFORT, SEIZURES, MONTHS, rng)
    written = ObservationModel(settings, network, np.random.default_rng([32, seed]))
    risk = fitted_risk(FieldFlow(demand.prior()), *as_records(history, written), network)
    record = record_demand(demand, network, risk, usual_routes(demand, network, cost, 0.0, 0))
    sites = _sites(network, demand, risk, cost, rng)
    evaders = {
        "truth": (
            *(replace(e, weight=e.weight * (1 - local_share)) for e in true),
            *_markets(network, market, local_share),
        ),
        **_believed(network, demand, risk, record, cost),
    }
    instances = {name: _instance(network, cost, sites, group) for name, group in evaders.items()}
    truth = instances["truth"]
    nothing = evaluate(truth, ()).value
    gain = {}
    for name, instance in instances.items():
        plan = solve(instance, method="greedy", seed=0).plan
        gain[name] = nothing - evaluate(truth, () if plan is None else plan).value
    fit = record.fit
    return PlansRow(
        roads=roads.digest,
        region=roads.name,
        world=world,
        effort=EFFORT,
        seizures=SEIZURES,
        seed=seed,
        nothing=nothing,
        gain=gain,
        local=None if fit is None else fit.local,
        local_true=float((history.effort.sum(axis=0) @ (local_share * market)) / (history.effort.sum(axis=0) @ rate)),
        **stamp(),
    )


def _true_shares(demand: GravityDemand, rng: np.random.Generator) -> Floats:
    shares = demand.prior().weight
    shares = shares * rng.lognormal(0.0, MASS_ERROR, (len(shares), 1)) * rng.lognormal(0.0, MASS_ERROR, shares.shape[1])
    return np.asarray(shares / shares.sum())


def _true_routes(
    network: Network, demand: GravityDemand, choice: str, rng: np.random.Generator
) -> dict[tuple[int, int], tuple[Route, ...]]:
    """Return the routes of the drivers of every pair, by how they choose."""
    base = network.length_m if choice == "length" else network.time_s
    goals = [place.node for place in demand.settlements]
    taken: dict[tuple[int, int], dict[tuple[int, ...], int]] = {}
    for _ in range(DRIVERS):
        error = rng.lognormal(0.0, PERCEPTION, network.n_segments)[network.segment]
        graph = cost_graph(network.n_nodes, network.tail, network.head, base * error)
        for g, before in enumerate(graph.trees([gateway.node for gateway in demand.gateways])[1]):
            for s, arcs in enumerate(graph.paths(before, goals)):
                if arcs:
                    counts = taken.setdefault((g, s), {})
                    counts[arcs] = counts.get(arcs, 0) + 1
    routes: dict[tuple[int, int], tuple[Route, ...]] = {}
    for pair, counts in taken.items():
        if choice == "sticky":
            mine = list(counts)[int(rng.integers(len(counts)))]
            routes[pair] = (Route(mine, 1.0),)
        else:
            routes[pair] = tuple(Route(arcs, count / DRIVERS) for arcs, count in counts.items())
    return routes


def _rate(network: Network, evaders: tuple[Evader, ...]) -> Floats:
    """Return the (segments,) loads of habitual evaders: who knows of no plan yet drives by habit."""
    rate = np.zeros(network.n_segments)
    for evader in evaders:
        for route in evader.routes:
            rate[np.unique(network.segment[list(route.arcs)])] += evader.weight * route.share
    return rate


def _markets(network: Network, market: Floats, share: float) -> list[Evader]:
    """Return the heaviest segments of the local markets as evaders, with the whole of their loads."""
    if not share:
        return []
    order = np.argsort(-market, kind="stable")[:LOCAL_EVADERS]
    arcs, weight = network.segment_arc[order].tolist(), market[order] / market[order].sum() * share
    return [
        Evader(f"market {arc}", int(network.tail[arc]), int(network.head[arc]), float(load), (Route((arc,), 1.0),))
        for arc, load in zip(arcs, weight, strict=True)
    ]


def _believed(
    network: Network, demand: GravityDemand, risk: FittedRisk, record: RecordDemand, cost: Floats
) -> dict[str, tuple[Evader, ...]]:
    """Return the evaders that each way of reading the record believes in."""
    usual = usual_routes(demand, network, cost, 0.0, 0).by_pair()
    index = gateway_index(risk.model, risk.estimate, network, demand.gateways)
    readings = {
        "record": record,
        "gateways": RecordDemand(demand.shares(index), usual),
        "gravity": RecordDemand(demand.prior().weight, usual),
    }
    return {name: scenario_evaders(demand, network, reading).evaders for name, reading in readings.items()}


def _sites(
    network: Network, demand: GravityDemand, risk: FittedRisk, cost: Floats, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return the segments of the sites: the most travelled by gravity, the riskiest, and any by length."""
    usual = usual_routes(demand, network, cost, 0.0, 0).by_pair()
    flow = _rate(network, scenario_evaders(demand, network, RecordDemand(demand.prior().weight, usual)).evaders)
    length = network.length_m[network.segment_arc]
    third = SITES // 3
    spread = [
        np.argsort(-score * (0.5 + rng.random(score.size)), kind="stable")[:third]
        for score in (flow, risk.estimate.median)
    ]
    anywhere = rng.choice(length.size, size=third, replace=False, p=length / length.sum())
    return np.unique(np.concatenate((*spread, anywhere)))


def _instance(network: Network, cost: Floats, sites: NDArray[np.int64], evaders: tuple[Evader, ...]) -> Instance:
    options = []
    for segment in sites.tolist():
        arcs = tuple(np.flatnonzero(network.segment == segment).tolist())
        options.append(Option(f"post {segment}", arcs, (SURVIVAL,) * len(arcs), {"posts": 1.0}, site=str(segment)))
    return Instance(
        name="plans",
        node_id=network.node_id,
        tail=network.tail,
        head=network.head,
        reliability=np.exp(-cost),
        evaders=evaders,
        options=tuple(options),
        resources=(Resource("posts", float(BUDGET)),),
        exclusions=(),
    )


def write_plans_page(folder: Path) -> PageFiles | None:
    """Write `plans.md` in a folder from the rows there; None where there are none."""
    rows = newest_version(plan_store(folder).read())
    if not rows:
        return None
    written = [row for row in rows if row.world in AS_THEY_ARE]
    right = [row for row in rows if row.world not in AS_THEY_ARE]
    page = write_page(
        folder / "plans.md",
        "plans.md.j2",
        version=f"{distinct(row.version for row in rows)}, {when_made(rows)}",
        rows=len(right),
        table=plans_table(right),
        written=len(written),
        written_table=plans_table(written) if written else "",
        paired=_paired(right),
        written_paired=_paired(written),
        seizures=SEIZURES,
        sites=SITES,
        budget=BUDGET,
        local=LOCAL_EVADERS,
        error=MASS_ERROR,
        wanted=WANTED,
        verdict=_verdict(right),
    )
    return PageFiles(page, [])


def plans_table(rows: list[PlansRow]) -> PageTable:
    """Return the share of the truth's gain by world and way of planning: by region and world, by region, and over all."""
    cells = list(dict.fromkeys((row.region, row.world) for row in rows))
    regions = list(dict.fromkeys(region for region, _ in cells))
    lines = [
        _plans_line(region, world, [row for row in rows if region in {row.region, ALL} and world in {row.world, ALL}])
        for region, world in [*cells, *((region, ALL) for region in (regions if len(regions) > 1 else ())), (ALL, ALL)]
    ]
    columns = (
        "roads",
        "world",
        "truths",
        "gain of the truth",
        *WAYS,
        f"record at least {WANTED:g}",
        "record, worst",
        "better than gateways",
        "no worse",
        "local, true",
        "local, learnt",
    )
    return PageTable.of(columns, lines, {name: fixed(3) for name in columns[3:]})


def _paired(rows: list[PlansRow]) -> str:
    """Return the mean over truths of what the plan from the record gains over that from gateways, with a bootstrap interval."""
    if not rows:
        return ""
    by_truth: dict[tuple[str, str, int], list[float]] = {}
    for row in rows:
        world = AS_THEY_ARE[row.world][0] if row.world in AS_THEY_ARE else row.world
        share = (row.gain["record"] - row.gain["gateways"]) / row.gain["truth"]
        by_truth.setdefault((row.region, world, row.seed), []).append(share)
    difference = np.array([np.mean(shares) for shares in by_truth.values()])
    drawn = np.random.default_rng(0).choice(difference, (RESAMPLES, difference.size)).mean(axis=1)
    low, high = np.quantile(drawn, (0.025, 0.975)).tolist()
    return f"{difference.mean():+.3f} [{low:+.3f}, {high:+.3f}]"


def _verdict(rows: list[PlansRow]) -> str:
    record, gateways = (np.array([row.gain[way] / row.gain["truth"] for row in rows]) for way in WAYS[:2])
    met = np.median(record) >= WANTED and np.median(record) > np.median(gateways)
    return (
        f"The aim, a median of at least {WANTED:g} and more than gateways alone, is **{'met' if met else 'missed'}**: {np.median(record):.3f} "
        f"against {np.median(gateways):.3f}; {(record >= WANTED).mean():.0%} of the truths reach {WANTED:g}, and the worst {record.min():.3f}. "
        f"The plan from the record gains more than that from gateways in {(record > gateways).mean():.0%} of them, the same in "
        f"{(record == gateways).mean():.0%}, less in {(record < gateways).mean():.0%}.{_missed_parts(rows)}"
    )


def _missed_parts(rows: list[PlansRow]) -> str:
    """Return in which regions and worlds the median is below the aim; nothing where there is none."""
    parts: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        for part in ((row.region, "all worlds"), (row.region, row.world)):
            parts.setdefault(part, []).append(row.gain["record"] / row.gain["truth"])
    below = [
        f"{region}, {world} ({np.median(found):.3f})"
        for (region, world), found in parts.items()
        if np.median(found) < WANTED
    ]
    return f" Medians below {WANTED:g}: {'; '.join(below)}." if below else ""


def _plans_line(region: str, world: str, rows: list[PlansRow]) -> list[Any]:
    shares = {way: np.array([row.gain[way] / row.gain["truth"] for row in rows]) for way in WAYS}
    known = [row.local for row in rows if row.local is not None]
    return [
        region,
        world,
        len(rows),
        float(np.median([row.gain["truth"] / row.nothing for row in rows])),
        *(float(np.median(shares[way])) for way in WAYS),
        float((shares["record"] >= WANTED).mean()),
        float(shares["record"].min()),
        float((shares["record"] > shares["gateways"]).mean()),
        float((shares["record"] >= shares["gateways"]).mean()),
        float(np.median([row.local_true for row in rows])),
        float(np.median(known)) if known else None,
    ]
