"""Plans made from a record against plans made from the truth: what steering by the
record gains, in worlds whose evaders are known.

The truth: each pair's loads scatter about gravity, drivers take routes of their own,
and local markets draw the rest. Its evaders are those pairs, informed and habitual, and
single segments of the markets. Plans are made for evaders by truth, by record, by the
risk index at gateways alone and by gravity, over the same sites and numbers of posts,
by the same method, and all are evaluated against the true evaders.

`python -m results.measure plans answers [EXTRACT]` makes rows and writes the page
`plans.md`; rows that are there are not made again.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.stats import binomtest

from optimizer.base.choices import EffortKind
from optimizer.base.files.readwrite import sha256
from optimizer.base.version import package_version
from optimizer.base.work.work_clock import limited
from optimizer.lab.benchmark.generated_roads import Barrier, draw_land
from optimizer.lab.pages import PageFiles, PageTable, fixed, write_page
from optimizer.lab.rows import (
    PlannedRow,
    RowStore,
    RunKey,
    add_missing,
    distinct,
    newest_version,
    stamp,
    when_made,
)
from optimizer.lab.study.cells import GENERATED_NAME, GENERATED_NODES, GENERATED_SEED, SimulatedRow
from optimizer.problem.instance.evaders import Evader, Route
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.options import Option, Resource
from optimizer.problem.network.network import Network
from optimizer.problem.network.places import Gateway, Settlement
from optimizer.problem.network.shortest_paths import cost_graph
from optimizer.problem.plan.evaluation import evaluate
from optimizer.problem.plan.plan import Plan
from optimizer.records.model import Effort, Seizures
from optimizer.region import read_region
from optimizer.region.model import Region
from optimizer.risk import FieldFlow, World, as_records, make_history
from optimizer.risk.route_flows import LocalTraffic
from optimizer.risk.simple_maps import KernelDensity
from optimizer.risk.simulation.observation import ObservationModel
from optimizer.risk.simulation.settings import AS_IT_WAS, RecordSettings
from optimizer.risk.simulation.world import local_markets
from optimizer.scenario.demand.evaders import scenario_evaders, usual_routes
from optimizer.scenario.demand.gravity import GravityDemand, gateway_index, make_demand
from optimizer.scenario.demand.record_demand import (
    FittedRisk,
    RecordDemand,
    fitted_risk,
    record_demand,
)
from optimizer.scenario.file.model import EvadersModel
from optimizer.solvers.solve import solve

Floats = NDArray[np.float64]

ANSWERS, SHARES = "answers.jsonl", "shares.jsonl"


class AnswersRow(SimulatedRow):
    """One world, with plans valued for several shares of loads that answer to a plan."""

    region: str = Field(description="country and kinds of roads")
    posts: int = Field(3, description="posts that are placed")
    nothing: dict[str, float] = Field(
        description="share that answers -> true loads that get through with nothing placed"
    )
    lower: dict[str, float] = Field(description="share that answers -> proven bound of every plan")
    gain: dict[str, dict[str, float]] = Field(
        description=(
            "share that answers -> way of planning -> how much less of the true loads gets through"
        )
    )
    local: float | None = Field(
        description=(
            "learnt share of seizures that no flow explains; None where the record told no places"
            " apart"
        )
    )
    local_true: float = Field(
        description=(
            "true share of the seizures that local markets are expected to make under the effort of"
            " the record"
        )
    )

    @property
    def key(self) -> RunKey:
        """What was run."""
        return RunKey.of(
            self.version,
            self.roads,
            "answers",
            **self.cell_options,
            region=self.region,
            posts=self.posts,
        )


class SharesRow(SimulatedRow):
    """How much of one record is learnt to be local, and how much is."""

    region: str = Field(description="country and kinds of roads")
    found: float = Field(description="seizures that are written down")
    places: float = Field(description="effective number of segments that they are written down on")
    local: float | None = Field(
        description=(
            "learnt share of seizures that no flow explains; None where the record told no places"
            " apart"
        )
    )
    low: float | None = Field(description="least share that the report states")
    high: float | None = Field(description="largest share that the report states")
    goes_by: str = Field(description="what the routes are chosen by that explain the record")
    local_true: float = Field(
        description=(
            "true share of the seizures that local markets are expected to make under the effort of"
            " the record"
        )
    )

    @property
    def key(self) -> RunKey:
        """What was run."""
        return RunKey.of(
            self.version, self.roads, "shares", **self.cell_options, region=self.region
        )


WORLDS: dict[str, tuple[float, str]] = {
    "flows": (0.0, "probit"),
    "mixed": (0.4, "probit"),
    "mixed, far-sighted": (0.4, "length"),
    "flows, sticky": (0.0, "sticky"),
    "local": (0.8, "probit"),
}
"""Local share of the rate, and how drivers choose: by time with errors of `PERCEPTION`;
by length with such errors; one route a pair.
"""
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
SITES, POSTS, SURVIVAL = 90, (3, 6), 0.5
"""Sites (a third each of gravity's roads, of the risk map's and of any), posts that are
placed, and chance to pass one.
"""
TODAYS_GATEWAYS = 3
"""Gateways, the heaviest, on whose roads today's layout stands."""
ALL = "all"
WANTED, WANTED_WORST = 0.9, 0.75
"""Share of the gain of the plan made from the truth that a plan made from the record is
to reach, in the median and in the worst tenth.
"""
WANTED_HELD = 0.9
"""Share of the true local shares that is to lie in the stated ranges."""
WITHIN_FLOWS, WITHIN_HALF = 0.1, 0.15
"""How near the learnt local share is to come to the true one where all is flows (places
wrong), and where 30 to 70 % are local.
"""
ASKED_TRUTHS = 60
"""Truths that the goal is to be judged on."""
HALF = "0.5"
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
    return PlanRoads(
        f"{border}: {', '.join(modes)}",
        region,
        make_demand(TERMS, region, str(extract)),
        sha256(extract),
    )


MadeUp = Literal[
    "Generated", "Generated, river", "Generated, second river", "Generated, third river"
]
MADE_UP: dict[MadeUp, tuple[Barrier, int, str]] = {
    "Generated": ("mountains", GENERATED_SEED, GENERATED_NAME),
    "Generated, river": ("river", 2911, "Generated, river 2911"),
    "Generated, second river": ("river", 30112026, "Generated, second river 30112026"),
    "Generated, third river": ("river", 30112027, "Generated, third river 30112027"),
}
"""What lies between two made-up countries, the seed of their roads, and a digest: that
of the study of maps, one on which ways of planning from a record were tried out on
other seeds, one that was drawn to judge plans, and one to judge learnt local shares:
used for nothing else.
"""
UNSEEN: MadeUp = "Generated, second river"


def generated_plan_roads(name: MadeUp = "Generated") -> PlanRoads:
    """Return two of the made-up countries, with gravity's demand from where roads enter
    the home country to its towns.
    """
    barrier, seed, digest = MADE_UP[name]
    land = draw_land(GENERATED_NODES, barrier, np.random.default_rng(seed))
    network = land.roads.network
    inside = np.where(land.depth[land.roads.ends[:, 0]] > 0, *land.roads.ends.T)
    gateways = tuple(
        Gateway(
            f"c{s}",
            node,
            float(network.lon[node]),
            float(network.lat[node]),
            "port" if official else "unofficial",
        )
        for s, node, official in zip(
            np.flatnonzero(land.crossing).tolist(),
            inside[land.crossing].tolist(),
            land.official[land.crossing].tolist(),
            strict=True,
        )
    )
    home = land.depth[land.towns] > 0
    settlements = tuple(
        Settlement(
            f"t{node}",
            node,
            float(network.lon[node]),
            float(network.lat[node]),
            f"town {node}",
            people,
        )
        for node, people in zip(
            land.towns[home].tolist(), land.populations[home].tolist(), strict=True
        )
    )
    region = Region(network, None, (), gateways, settlements)
    return PlanRoads(name, region, make_demand(TERMS, region, digest), digest)


def answers_store(folder: Path) -> RowStore[AnswersRow]:
    """Return the rows by share of loads that answer in a folder."""
    return RowStore(folder / ANSWERS, AnswersRow)


@dataclass(frozen=True, eq=False)
class _Truth:
    """A world that was searched, and what is made of its record."""

    #: True loads and routes of pairs.
    routes: RecordDemand
    #: `market`, `local_share`: (m,) rate of the local markets, and their share of the
    #: loads.
    market: Floats
    local_share: float
    #: (m,) seizures as they are written down.
    found: Floats
    #: `records`, `effort`: The record.
    records: Seizures
    effort: Effort
    #: `risk`, `record`: The risk model fitted to it, and what it makes of gravity.
    risk: FittedRisk
    record: RecordDemand
    #: (arcs,) of the background.
    cost: Floats
    #: Segments of the sites.
    sites: NDArray[np.int64]
    #: True share of the seizures that markets are expected to make under the effort of
    #: the record.
    local_true: float

    def evaders(self, network: Network, demand: GravityDemand) -> tuple[Evader, ...]:
        """Return the true evaders; how many of them answer to a plan the demand says."""
        true = scenario_evaders(demand, network, self.routes).evaders
        return (
            *(replace(e, weight=e.weight * (1 - self.local_share)) for e in true),
            *_markets(network, self.market, self.local_share),
        )


@lru_cache(maxsize=1)
def _truth(roads: PlanRoads, world: str, seed: int) -> _Truth:
    """Draw one truth and search it; the last is kept, as rows of all numbers of posts
    are made of it.
    """
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
    records, effort = as_records(history, written)
    risk = fitted_risk(FieldFlow(demand.prior()), records, effort, network)
    record = record_demand(demand, network, risk, usual_routes(demand, network, cost, 0.0, 0))
    searched = history.effort.sum(axis=0)
    return _Truth(
        routes=routes,
        market=market,
        local_share=local_share,
        found=np.bincount(records.segment, records.count, network.n_segments).astype(np.float64),
        records=records,
        effort=effort,
        risk=risk,
        record=record,
        cost=cost,
        sites=_sites(network, demand, risk, cost, rng),
        local_true=float((searched @ (local_share * market)) / (searched @ rate)),
    )


# Plans against simple rules, by the share of loads that answer to a plan: those that
# know it and take their best way.
ANSWERING = (0.0, 0.5, 1.0)
RULES = ("most seizures", "density", "busiest roads", "today")
SEARCH_SECONDS, SEARCH_GAP = 20.0, 0.002
"""Work (processor seconds, so that a busy machine makes the same plan) and gap of the
search for a plan.
"""


FIRST_ANSWERS = 101
"""The first seed of these truths; no truth of a seed from here on was ever used to
choose or to judge anything.
"""
HEAPED, HEAP = "record, heaped", 100
"""The evaders of the record, but that this many places, the heaviest, take all local
loads in proportion, as they once did.
"""


def planned_answers(
    roads: PlanRoads,
    seeds: int,
    first: int = FIRST_ANSWERS,
    worlds: Sequence[str] = (*WORLDS, *AS_THEY_ARE),
) -> Iterator[PlannedRow[AnswersRow]]:
    """Give the rows of some truths of worlds."""
    for seed in range(first, first + seeds):
        for world in worlds:
            options = {
                "world": world,
                "effort": EFFORT,
                "seizures": SEIZURES,
                "seed": seed,
                "region": roads.name,
            }
            for posts in POSTS:
                key = RunKey.of(package_version(), roads.digest, "answers", **options, posts=posts)
                yield PlannedRow(key, partial(answers_row, roads, world, seed, posts))


FIRST_SHARES = 301
"""The first seed of the truths by which the learnt local share is judged; none of a
seed from here on was used to choose anything.
"""


def shares_store(folder: Path) -> RowStore[SharesRow]:
    """Return the rows of learnt local shares in a folder."""
    return RowStore(folder / SHARES, SharesRow)


def planned_shares(roads: PlanRoads, seeds: int) -> Iterator[PlannedRow[SharesRow]]:
    """Give the rows of the learnt local shares of some truths of every world."""
    for seed in range(FIRST_SHARES, FIRST_SHARES + seeds):
        for world in (*WORLDS, *AS_THEY_ARE):
            options = {
                "world": world,
                "effort": EFFORT,
                "seizures": SEIZURES,
                "seed": seed,
                "region": roads.name,
            }
            key = RunKey.of(package_version(), roads.digest, "shares", **options)
            yield PlannedRow(key, partial(shares_row, roads, world, seed))


def shares_row(roads: PlanRoads, world: str, seed: int) -> SharesRow:
    """Learn how much of the record of one truth is local."""
    truth = _truth(roads, world, seed)
    fit = truth.record.fit
    return SharesRow(
        roads=roads.digest,
        region=roads.name,
        world=world,
        effort=EFFORT,
        seizures=SEIZURES,
        seed=seed,
        found=float(truth.found.sum()),
        places=0.0 if fit is None else fit.places,
        local=None if fit is None else fit.local,
        low=None if fit is None else fit.low,
        high=None if fit is None else fit.high,
        goes_by="" if fit is None else fit.goes_by,
        local_true=truth.local_true,
        **stamp(),
    )


def answers_row(roads: PlanRoads, world: str, seed: int, posts: int) -> AnswersRow:
    """Plan one truth from its record, by simple rules and from the truth, and value all
    for each share of loads that answers.

    A plan is searched as the command `plan` searches it, whatever it is made from.
    """
    network, demand, truth = roads.region.network, roads.demand, _truth(roads, world, seed)
    believed = _believed(network, demand, truth)
    placed = partial(_instance, network, truth.cost, truth.sites, posts)
    ids = {name: _searched(placed(group))[0].options for name, group in believed.items()}
    ids |= {
        name: _highest(truth.sites, score, posts)
        for name, score in _scores(network, demand, truth).items()
    }
    nothing, lower, gain = {}, {}, {}
    for share in ANSWERING:
        answer = replace(
            demand, terms=demand.terms.model_copy(update={"habitual_share": 1 - share})
        )
        instance = placed(truth.evaders(network, answer))
        _, best, bound = _searched(instance)
        key = f"{share:g}"
        nothing[key], lower[key] = evaluate(instance, ()).value, bound
        gain[key] = {"truth": nothing[key] - best}
        gain[key] |= {
            name: nothing[key] - evaluate(instance, chosen).value for name, chosen in ids.items()
        }
    return AnswersRow(
        roads=roads.digest,
        region=roads.name,
        world=world,
        effort=EFFORT,
        seizures=SEIZURES,
        seed=seed,
        posts=posts,
        nothing=nothing,
        lower=lower,
        gain=gain,
        local=None if truth.record.fit is None else truth.record.fit.local,
        local_true=truth.local_true,
        **stamp(),
    )


def _searched(instance: Instance) -> tuple[Plan, float, float]:
    """Return a plan, its value, and a bound of every plan, as the command `plan` searches."""
    with limited(math.inf, SEARCH_SECONDS):
        found = solve(instance, seed=0, gap=SEARCH_GAP, time_limit=SEARCH_SECONDS, threads=1)
    assert found.plan is not None
    assert found.upper is not None
    return found.plan, found.upper, found.lower or 0.0


def _scores(network: Network, demand: GravityDemand, truth: _Truth) -> dict[str, Floats]:
    """Return the (m,) scores by which simple rules choose sites, the highest first.

    Today's layout stands on the busiest roads of the three heaviest gateways, as
    agencies do where nobody plans.
    """
    density = KernelDensity().fit(truth.records, truth.effort, network).predict().median
    usual = usual_routes(demand, network, truth.cost, 0.0, 0).by_pair()
    busy = _rate(
        network,
        scenario_evaders(demand, network, RecordDemand(demand.prior().weight, usual)).evaders,
    )
    heaviest = np.argsort(-demand.prior().weight.sum(axis=1), kind="stable")[:TODAYS_GATEWAYS]
    own = demand.prior().weight * np.isin(np.arange(len(demand.gateways)), heaviest)[:, None]
    of_three = _rate(
        network, scenario_evaders(demand, network, RecordDemand(own / own.sum(), usual)).evaders
    )
    return dict(zip(RULES, (truth.found, density, busy, of_three), strict=True))


def _highest(sites: NDArray[np.int64], score: Floats, posts: int) -> tuple[str, ...]:
    """Return the ids of so many posts, on the sites of the highest scores."""
    return tuple(
        f"post {segment}"
        for segment in sites[np.argsort(-score[sites], kind="stable")[:posts]].tolist()
    )


def _true_shares(demand: GravityDemand, rng: np.random.Generator) -> Floats:
    shares = demand.prior().weight
    shares = (
        shares
        * rng.lognormal(0.0, MASS_ERROR, (len(shares), 1))
        * rng.lognormal(0.0, MASS_ERROR, shares.shape[1])
    )
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
    """Return the (segments,) loads of habitual evaders: who knows of no plan yet drives
    by habit.
    """
    rate = np.zeros(network.n_segments)
    for evader in evaders:
        for route in evader.routes:
            rate[np.unique(network.segment[list(route.arcs)])] += evader.weight * route.share
    return rate


def _markets(network: Network, market: Floats, share: float) -> list[Evader]:
    """Return the heaviest segments of the local markets as evaders, with the whole of
    their loads.
    """
    if not share:
        return []
    order = np.argsort(-market, kind="stable")[:LOCAL_EVADERS]
    arcs, weight = network.segment_arc[order].tolist(), market[order] / market[order].sum() * share
    return [
        Evader(
            f"market {arc}",
            int(network.tail[arc]),
            int(network.head[arc]),
            float(load),
            (Route((arc,), 1.0),),
        )
        for arc, load in zip(arcs, weight, strict=True)
    ]


def _believed(
    network: Network, demand: GravityDemand, truth: _Truth
) -> dict[str, tuple[Evader, ...]]:
    """Return the evaders that each way of reading the record believes in."""
    usual = usual_routes(demand, network, truth.cost, 0.0, 0).by_pair()
    index = gateway_index(truth.risk.model, truth.risk.estimate, network, demand.gateways)
    readings = {
        "record": truth.record,
        HEAPED: replace(truth.record, local=_heaped(truth.record.local)),
        "gateways": RecordDemand(demand.shares(index), usual),
        "gravity": RecordDemand(demand.prior().weight, usual),
    }
    return {
        name: scenario_evaders(demand, network, reading).evaders
        for name, reading in readings.items()
    }


def _heaped(local: LocalTraffic) -> LocalTraffic:
    """Return local loads of which the heaviest places have all."""
    weight = local.weight[:HEAP]
    return LocalTraffic(local.ways[:HEAP], weight / max(weight.sum(), 1e-300), weight.size)


def _sites(
    network: Network,
    demand: GravityDemand,
    risk: FittedRisk,
    cost: Floats,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Return the segments of the sites: the most travelled by gravity, the riskiest,
    and any by length.
    """
    usual = usual_routes(demand, network, cost, 0.0, 0).by_pair()
    flow = _rate(
        network,
        scenario_evaders(demand, network, RecordDemand(demand.prior().weight, usual)).evaders,
    )
    length = network.length_m[network.segment_arc]
    third = SITES // 3
    spread = [
        np.argsort(-score * (0.5 + rng.random(score.size)), kind="stable")[:third]
        for score in (flow, risk.estimate.median)
    ]
    anywhere = rng.choice(length.size, size=third, replace=False, p=length / length.sum())
    return np.unique(np.concatenate((*spread, anywhere)))


def _instance(
    network: Network,
    cost: Floats,
    sites: NDArray[np.int64],
    posts: int,
    evaders: tuple[Evader, ...],
) -> Instance:
    options = []
    for segment in sites.tolist():
        arcs = tuple(np.flatnonzero(network.segment == segment).tolist())
        options.append(
            Option(
                f"post {segment}", arcs, (SURVIVAL,) * len(arcs), {"posts": 1.0}, site=str(segment)
            )
        )
    return Instance(
        name="plans",
        node_id=network.node_id,
        tail=network.tail,
        head=network.head,
        reliability=np.exp(-cost),
        evaders=evaders,
        options=tuple(options),
        resources=(Resource("posts", float(posts)),),
        exclusions=(),
    )


def write_plans_page(folder: Path) -> PageFiles | None:
    """Write `plans.md` in a folder from the rows there; None where there are none."""
    rows = newest_version(answers_store(folder).read())
    if not rows:
        return None
    shares = newest_version(shares_store(folder).read())
    page = write_page(
        folder / "plans.md",
        "plans.md.j2",
        made=f"{distinct(row.version for row in rows)}, {when_made(rows)}",
        rows=len({(row.region, row.world, row.seed) for row in rows}),
        truths=len({_truth_of(row) for row in rows}),
        maps="; ".join(f"{region}: {number}" for region, number in _truths_by_map(rows).items()),
        asked=ASKED_TRUTHS,
        first=FIRST_ANSWERS,
        seconds=f"{SEARCH_SECONDS:g}",
        proven=_proven(rows),
        verdict=_verdict(rows),
        goals_table=goals_table(rows),
        answers_table=answers_table(rows),
        parts_table=parts_table([row for row in rows if row.posts == _posts(rows)[0]]),
        few=_posts(rows)[0],
        shares_table=shares_table(shares),
        local_verdict=local_verdict(shares),
        range_verdict=range_verdict(shares),
        wanted_held=f"{WANTED_HELD:g}",
        planned_verdict=local_verdict([row for row in rows if row.posts == _posts(rows)[0]]),
        shares_made=(
            f"{distinct(row.version for row in shares)}, {when_made(shares)}" if shares else ""
        ),
        shares_records=len(shares),
        first_share=FIRST_SHARES,
        seizures=SEIZURES,
        sites=SITES,
        posts=_listed(_posts(rows)),
        unseen=UNSEEN if any(row.region == UNSEEN for row in rows) else "",
        local=LOCAL_EVADERS,
        heap=HEAP,
        error=MASS_ERROR,
    )
    return PageFiles(page, [])


def _over_truths(rows: Sequence[AnswersRow], values: Sequence[float], level: float = 0.95) -> str:
    """Return the mean over truths of values of their records, with a bootstrap
    interval: records of one truth go together.
    """
    by_truth: dict[tuple[str, str, int], list[float]] = {}
    for row, value in zip(rows, values, strict=True):
        by_truth.setdefault(_truth_of(row), []).append(value)
    means = np.array([np.mean(of_truth) for of_truth in by_truth.values()])
    drawn = np.random.default_rng(0).choice(means, (RESAMPLES, means.size)).mean(axis=1)
    low, high = np.quantile(drawn, ((1 - level) / 2, (1 + level) / 2)).tolist()
    return f"{means.mean():+.3f} [{low:+.3f}, {high:+.3f}]"


def _truths_by_map(rows: Sequence[AnswersRow]) -> Counter[str]:
    return Counter(region for region, _, _ in dict.fromkeys(map(_truth_of, rows)))


def _truth_of(row: AnswersRow) -> tuple[str, str, int]:
    """Return what makes the truth of a record: one written down wrong has that of the right one."""
    return (
        row.region,
        AS_THEY_ARE[row.world][0] if row.world in AS_THEY_ARE else row.world,
        row.seed,
    )


def answers_table(rows: list[AnswersRow]) -> PageTable:
    """Return what the plan from the record gains and what it gains more than each other
    way: by share of loads that answers, posts, and map.
    """
    others = ("gateways", "gravity", *RULES)
    parts = [(f"{share:g}", posts, ALL) for posts in _posts(rows) for share in ANSWERING]
    parts += [
        (HALF, posts, region)
        for region in dict.fromkeys(row.region for row in rows)
        for posts in _posts(rows)
    ]
    lines = []
    for share, posts, region in parts:
        mine = [row for row in rows if region in {row.region, ALL} and row.posts == posts]
        if not mine:
            continue
        record = np.array([row.gain[share]["record"] / row.gain[share]["truth"] for row in mine])
        more = [
            _over_truths(
                mine,
                [(g["record"] - g[other]) / g["truth"] for g in (row.gain[share] for row in mine)],
            )
            for other in others
        ]
        shown = (f"{float(share):.0%}", posts, region, len(mine))
        lines.append([*shown, float(np.median(record)), float(np.quantile(record, 0.1)), *more])
    columns = (
        *(
            "loads that answer",
            "posts",
            "roads",
            "records",
            "record, median",
            "record, worst tenth",
        ),
        *(f"less {other}" for other in others),
    )
    return PageTable.of(columns, lines, dict.fromkeys(columns[4:6], fixed(3)))


def _posts(rows: Sequence[AnswersRow]) -> list[int]:
    """Return the numbers of posts that rows were made for."""
    return sorted({row.posts for row in rows})


def _of_half(rows: Sequence[AnswersRow], way: str) -> Floats:
    """Return the (rows,) shares of the best plan's gain where half the loads answer."""
    return np.array([row.gain[HALF][way] / row.gain[HALF]["truth"] for row in rows])


def _verdict(rows: list[AnswersRow]) -> str:
    """Return whether the goals are met where half the loads answer: on all records,
    those with errors of places, and those of a new map.
    """
    few = _posts(rows)[0]
    as_they_are, unseen = (
        [r for r in rows if r.world in AS_THEY_ARE],
        [r for r in rows if r.region == UNSEEN],
    )
    groups = {
        f"all records with {few} posts": [row for row in rows if row.posts == few],
        f"records as they are with {_listed(_posts(as_they_are))} posts": as_they_are,
        f"records of `{UNSEEN}` with {few} posts": [row for row in unseen if row.posts == few],
    }
    said = [_judged(name, mine) for name, mine in groups.items() if mine]
    return (
        f"The goal, where half the loads answer: {WANTED:g} in the median and {WANTED_WORST:g} in"
        f" the worst tenth. {' '.join(said)}"
    )


def _listed(posts: Sequence[int]) -> str:
    return " and ".join(map(str, posts))


def _judged(name: str, rows: list[AnswersRow]) -> str:
    record, gateways = _of_half(rows, "record"), _of_half(rows, "gateways")
    middle, worst = float(np.median(record)), float(np.quantile(record, 0.1))
    met = middle >= WANTED and worst >= WANTED_WORST
    more = _over_truths(rows, (record - gateways).tolist(), 0.9)
    shown = "shown" if "[+" in more else "not shown"
    return (
        f"On {name} it is **{'met' if met else 'missed'}**: {middle:.3f} and {worst:.3f}; "
        f"more than gateways, with an interval of 90 %: {more}, **{shown}**."
    )


def goals_table(rows: list[AnswersRow]) -> PageTable:
    """Return the figures of the goals where half the loads answer, by kind of record
    and number of posts.
    """
    records: dict[str, Callable[[AnswersRow], bool]] = {
        "as they are": lambda row: row.world in AS_THEY_ARE,
        "right places": lambda row: row.world not in AS_THEY_ARE,
        ALL: lambda _: True,
    }
    lines = []
    for name, belongs in records.items():
        for posts in _posts(rows):
            mine = [row for row in rows if belongs(row) and row.posts == posts]
            if mine:
                record = _of_half(mine, "record")
                less = [
                    _over_truths(mine, (record - _of_half(mine, other)).tolist(), 0.9)
                    for other in ("gateways", HEAPED)
                ]
                counts = (len(mine), len({_truth_of(row) for row in mine}))
                lines.append(
                    [
                        name,
                        posts,
                        *counts,
                        float(np.median(record)),
                        float(np.quantile(record, 0.1)),
                        *less,
                    ]
                )
    columns = (
        *("records", "posts", "number", "truths", "record, median", "record, worst tenth"),
        *("record less gateways, 90 %", "record less record, heaped, 90 %"),
    )
    return PageTable.of(columns, lines, dict.fromkeys(columns[4:6], fixed(3)))


def _made_up(row: AnswersRow) -> bool:
    return row.region.startswith("Generated")


def _is_local(row: AnswersRow) -> bool:
    return WORLDS[_truth_of(row)[1]][0] > 0


def parts_table(rows: list[AnswersRow]) -> PageTable:
    """Return shares of the best plan's gain where half the loads answer, by kind of
    row: where the worst rows are.
    """
    parts: dict[str, Callable[[AnswersRow], bool]] = {
        "all": lambda _: True,
        "right places": lambda row: row.world not in AS_THEY_ARE,
        "errors of 30 m": lambda row: row.world.endswith("30 m"),
        "errors of 30 m, made-up maps": lambda row: row.world.endswith("30 m") and _made_up(row),
        "real maps": lambda row: not _made_up(row),
        "made-up maps": _made_up,
        "flows alone": lambda row: not _is_local(row),
        "local loads, real maps": lambda row: _is_local(row) and not _made_up(row),
        "local loads, made-up maps": lambda row: _is_local(row) and _made_up(row),
    }
    ways = ("record", HEAPED, "gateways", "gravity")
    lines = []
    for name, belongs in parts.items():
        mine = [row for row in rows if belongs(row)]
        if mine:
            figures = [
                float(np.quantile(_of_half(mine, way), at)) for way in ways for at in (0.1, 0.5)
            ]
            more = _over_truths(
                mine, (_of_half(mine, "record") - _of_half(mine, "gateways")).tolist(), 0.9
            )
            lines.append([name, len(mine), *figures, more])
    columns = (
        "records",
        "number",
        *(f"{way}, {part}" for way in ways for part in ("worst tenth", "median")),
    )
    return PageTable.of(
        (*columns, "record less gateways, 90 %"), lines, dict.fromkeys(columns[2:], fixed(3))
    )


ShareRow = TypeVar("ShareRow", AnswersRow, SharesRow)


def _between(rows: Sequence[ShareRow], low: float, high: float) -> list[ShareRow]:
    """Return the records with a learnt share whose true share is from `low` on and below `high`."""
    return [row for row in rows if row.local is not None and low <= row.local_true < high]


def _off(rows: Sequence[ShareRow]) -> Floats:
    """Return the (records,) learnt less true local shares."""
    return np.array([row.local - row.local_true for row in rows if row.local is not None])


def _held(rows: Sequence[SharesRow]) -> NDArray[np.bool_]:
    """Return the (records,) whether the range that is stated, in whole hundredths, has
    the true share.
    """
    ranges = [
        (row.low, row.local_true, row.high)
        for row in rows
        if row.low is not None and row.high is not None
    ]
    return np.array([low - 0.005 <= true <= high + 0.005 for low, true, high in ranges])


def local_verdict(rows: Sequence[ShareRow]) -> str:
    """Return whether learnt local shares come as near to the true ones as they are to."""
    as_they_are = [row for row in rows if row.world in AS_THEY_ARE]
    asked = {
        "where all is flows and places are wrong": (_between(as_they_are, 0, 1e-9), WITHIN_FLOWS),
        "where 30 to 70 % are local": (_between(rows, 0.3, 0.7), WITHIN_HALF),
    }
    said = []
    for where, (mine, within) in asked.items():
        off = np.abs(_off(mine))
        if off.size:
            near, judged = int((off <= within).sum()), "met" if (off <= within).all() else "missed"
            said.append(
                f"{where}, {near} of {off.size} within {within:g}, the furthest off by"
                f" {off.max():.3f} (**{judged}**)"
            )
    return "; ".join(said) or "not judged yet"


def range_verdict(rows: Sequence[SharesRow]) -> str:
    """Return whether stated ranges hold the true shares as often as they are to."""
    held = _held(rows)
    if not held.size:
        return "not judged yet"
    judged = "met" if held.mean() >= WANTED_HELD else "missed"
    surely = binomtest(int(held.sum()), held.size, alternative="greater").proportion_ci(0.95).low
    width = np.mean(
        [row.high - row.low for row in rows if row.low is not None and row.high is not None]
    )
    wrong = sum(row.world in AS_THEY_ARE for row in rows)
    return (
        f"{held.sum()} of {held.size} (**{judged}**; above {np.floor(100 * surely) / 100:.2f} with"
        f" 95 %), ranges {width:.2f} wide in the mean; in {wrong} of these records places are wrong"
    )


def shares_table(rows: list[SharesRow]) -> PageTable:
    """Return how near the learnt share of local seizures comes to the true one, by how
    much is local in truth and by map.
    """
    parts = {
        "none (all is flows)": _between(rows, 0.0, 1e-9),
        "up to 30 %": _between(rows, 1e-9, 0.3),
        "30 to 70 %": _between(rows, 0.3, 0.7),
        "above": _between(rows, 0.7, 1.1),
        "drivers who go by length": [
            row for row in _between(rows, 0.0, 1.1) if row.world == "mixed, far-sighted"
        ],
    }
    for region in dict.fromkeys(row.region for row in rows):
        parts[region] = [row for row in _between(rows, 1e-9, 1.1) if row.region == region]
    lines = []
    for name, mine in parts.items():
        if mine:
            off = _off(mine)
            width = np.array(
                [row.high - row.low for row in mine if row.low is not None and row.high is not None]
            )
            figures = (
                np.median(off),
                np.abs(off).max(),
                (np.abs(off) <= 0.1).mean(),
                (np.abs(off) <= 0.15).mean(),
            )
            places = float(np.median([row.places for row in mine]))
            lines.append(
                [
                    name,
                    off.size,
                    round(places),
                    *map(float, figures),
                    float(_held(mine).mean()),
                    float(np.median(width)),
                ]
            )
    columns = (
        *(
            "records",
            "number",
            "places, median",
            "learnt less true, median",
            "furthest off",
            "within .1",
            "within .15",
        ),
        *("in the stated range", "width of the range, median"),
    )
    return PageTable.of(columns, lines, dict.fromkeys(columns[3:], fixed(3)))


def _proven(rows: list[AnswersRow]) -> str:
    """Return in how many of the searches the plan from the truth was proven to within the gap."""
    pairs = [
        (row.nothing[key] - row.gain[key]["truth"], row.lower[key])
        for row in rows
        for key in row.nothing
    ]
    return f"{sum(upper - lower <= SEARCH_GAP * upper for upper, lower in pairs)} of {len(pairs)}"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the measurement takes."""
    parser.add_argument("what", choices=["answers", "shares", "page"])
    parser.add_argument(
        "extract",
        nargs="?",
        type=Path,
        help="OpenStreetMap extract; without one, a generated region",
    )
    parser.add_argument("--out", type=Path, default=Path("results/risk"), help="folder of the rows")
    parser.add_argument("--border", default="Andorra", help="country of the extract")
    parser.add_argument("--modes", default="drive", help="kinds of roads, with commas")
    parser.add_argument(
        "--map",
        choices=get_args(MadeUp),
        default="Generated",
        help="made-up country, without an extract",
    )
    parser.add_argument("--seeds", type=int, default=2, help="truths of each world")
    parser.add_argument(
        "--first", type=int, default=FIRST_ANSWERS, help="the first seed of answers"
    )
    known = (*WORLDS, *AS_THEY_ARE)
    parser.add_argument(
        "--world", action="append", choices=known, help="worlds of answers; all where none is named"
    )


def main(asked: argparse.Namespace) -> None:
    """Make the rows that are asked for, and write the page."""
    if asked.first < FIRST_ANSWERS:
        asked.refuse(f"--first {asked.first}: seeds below {FIRST_ANSWERS} were used to choose")
    if asked.what != "page":
        modes = tuple(asked.modes.split(","))
        roads = (
            plan_roads(asked.extract, asked.border, modes)
            if asked.extract
            else generated_plan_roads(asked.map)
        )
        rows: Iterator[Any]
        if asked.what == "shares":
            rows = add_missing(shares_store(asked.out), planned_shares(roads, asked.seeds))
        else:
            planned = planned_answers(
                roads, asked.seeds, asked.first, asked.world or (*WORLDS, *AS_THEY_ARE)
            )
            rows = add_missing(answers_store(asked.out), planned)
        for row in rows:
            sys.stderr.write(f"{row.summary}\n")
    write_plans_page(asked.out)
