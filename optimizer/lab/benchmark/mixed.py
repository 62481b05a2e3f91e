"""Runs of the suite `mixed`: the method and its peers on the same cases, each run in a
process of its own, and the page.

The clock of such a process is its processor time, for limits as for what is measured,
so that what else the machine does does not count; the search has one process, and
linear programs, whose solver has a clock of its own, are not broken off. The value of a
mixture is its `exploitability`, found outside of the time.
"""

from __future__ import annotations

import os
import time
from collections.abc import (
    Callable,
    Iterable,
    Iterator,
    Sequence,
)
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from optimizer.base.errors import InputError, Problem, SolverError
from optimizer.base.text.names import unknown_name
from optimizer.base.version import package_version
from optimizer.base.work.listener import SILENT, Listener, SilentListener
from optimizer.base.work.work_clock import work_seconds
from optimizer.lab.benchmark.generated_roads import draw_country, draw_land
from optimizer.lab.benchmark.rows import MixedRow, mixed_key
from optimizer.lab.pages import PageFiles, PageTable, fixed, page_text, save_text, share
from optimizer.lab.rows import (
    Case,
    PlannedRow,
    distinct,
    made_with,
    matching,
    newest_version,
    solver_stamp,
)
from optimizer.problem.files.instance_file import make_instance
from optimizer.problem.instance.evaders import Evader, Searches, arc_costs
from optimizer.problem.instance.instance import Instance, content_digest
from optimizer.problem.instance.options import Option, Resource
from optimizer.problem.instance.requirements import options_that_break_none
from optimizer.problem.network.network import Network
from optimizer.problem.plan.plan import Mixture, Plan
from optimizer.problem.plan.result import Randomised, relative_gap
from optimizer.solvers.branch_and_cut.improve.feasible_start import feasible_start
from optimizer.solvers.branch_and_cut.lp import linear_program
from optimizer.solvers.branch_and_cut.paths.commodities import Commodities
from optimizer.solvers.branch_and_cut.paths.path_pool import PathPool, Paths
from optimizer.solvers.branch_and_cut.tree.node import options_that_fit
from optimizer.solvers.mixed.defender import Swaps
from optimizer.solvers.mixed.double_oracle import (
    CertifiedMixture,
    DoubleOracle,
    MarginalRelaxation,
    sampled_plan,
)
from optimizer.solvers.mixed.exploitability import exploitability
from optimizer.solvers.overlay.overlay import Overlay, fixed_routes_of
from optimizer.solvers.solve import solve

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

OURS, ROADS = "mixed", "double oracle"


def uniform(instance: Instance, terms: PeerTerms) -> PeerAnswer:
    """Return a mixture of plans filled at random."""
    rng, start = np.random.default_rng(terms.seed), feasible_start(instance)
    everything = np.ones(start.size)
    return _equally(
        instance, [sampled_plan(instance, start, everything, rng) for _ in range(DRAWN)]
    )


def betweenness(instance: Instance, _: PeerTerms) -> PeerAnswer:
    """Return the plan of the options that most of the evaders' weight passes."""
    roads = roads_as_overlay(instance)
    load = np.zeros(len(instance.options))
    for weight, path in zip(
        roads.weight.tolist(), roads.paths(np.zeros_like(roads.free)), strict=True
    ):
        met = np.unique(roads.option[list(path)])
        load[met[met >= 0]] += weight
    placed = feasible_start(instance)
    for option in np.argsort(-load, kind="stable").tolist():
        placed[option] |= _may_add(instance, placed)[option]
    return _equally(instance, [placed])


def greedy(instance: Instance, _: PeerTerms) -> PeerAnswer:
    """Return a plan made greedily against k routes of each evader."""
    roads = roads_as_overlay(instance)
    commodities = Commodities.of(roads)
    pool = _routes(roads, commodities)
    paths = pool.paths
    order = np.argsort(paths.commodity, kind="stable")
    paths = paths.take(order)
    first = np.unique(paths.commodity, return_index=True)[1]
    weight = commodities.weight[paths.commodity[first]]
    loss = _survivals(paths, len(instance.options))
    placed = feasible_start(instance)
    value = paths.values(np.append(placed, False))
    while (may := np.flatnonzero(_may_add(instance, placed) & ~placed)).size:
        after = np.maximum.reduceat(value * loss[may], first, axis=1) @ weight
        best = int(may[after.argmin()])
        placed[best] = True
        value = value * loss[best]
    return _equally(instance, [placed])


def weights(instance: Instance, terms: PeerTerms) -> PeerAnswer:
    """Return the mean of the defender's answers to evaders with multiplicative weights."""
    roads = roads_as_overlay(instance)
    commodities = Commodities.of(roads)
    pool = _routes(roads, commodities)
    paths, swaps = pool.paths, Swaps(instance, roads)
    scale = commodities.start[paths.commodity]
    rate = np.sqrt(8 * np.log(ROUTES) / TURNS)
    gained = np.zeros(scale.size)
    plan = feasible_start(instance)
    plans = []
    for _ in range(TURNS):
        score = np.exp(rate * (gained - gained.max()))
        share = score / np.bincount(paths.commodity, score)[paths.commodity]
        swaps.weigh(paths, commodities.weight[paths.commodity] * share)
        plan = swaps.improved(plan, terms.work_until)
        plans.append(plan)
        gained += paths.values(np.append(plan, False)) / scale
        if time.monotonic() >= terms.until:
            break
    return _equally(instance, plans)


def double_oracle(instance: Instance, terms: PeerTerms) -> PeerAnswer:
    """Return the mixture of a double oracle that knows of no overlay and no relaxation."""
    roads, start = roads_as_overlay(instance), feasible_start(instance)
    single = CertifiedMixture((start,), np.ones(1), roads.value(start))
    relaxation = MarginalRelaxation(instance, roads)  # its cuts are not made: it holds the routes
    search = DoubleOracle(
        instance,
        roads,
        relaxation,
        start,
        single,
        terms.gap,
        terms.work_until,
        terms.seed,
        terms.listener,
    )
    search.lower = relaxation.lower
    search.game.add(start)
    search.run()
    best = search.best
    plans = tuple(Plan.from_mask(instance, mask) for mask in best.plans)
    mixture = Mixture(plans, tuple((best.probability / best.probability.sum()).tolist()))
    return PeerAnswer(mixture, search.lower, best.upper)


PEERS: dict[str, Callable[[Instance, PeerTerms], PeerAnswer]] = {
    "uniform": uniform,
    "betweenness": betweenness,
    "greedy": greedy,
    "weights": weights,
    "double oracle": double_oracle,
}

METHODS = (OURS, *PEERS)

GAP = 0.005

SECONDS = {200: 30.0, 500: 120.0}
"""Processor seconds by number of options."""

LONGER = 5
"""How many times as long the double oracle on the roads may take."""

REACHED = (2.0, 1.0, 0.5)
"""Gaps, per cent, whose times are noted."""

MUST = {200: 0.01, 500: 0.02}

VALUING = 60.0
"""Processor seconds after which the exact value is given up."""


def planned_rows(
    cases: Iterable[Case[Instance]],
    gap: float | None,
    limit: float | None,
    methods: Sequence[str] = (),
) -> Iterator[PlannedRow[MixedRow]]:
    """Give the rows of some cases, each by some methods or every one: first ours on
    all, as the others take longer.

    Raises
    ------
    InputError
        If there is no such method.
    """
    for unknown in sorted(set(methods) - set(METHODS)):
        raise InputError(unknown_name("--method", unknown, METHODS))
    made = [(case.name, case.make()) for case in cases]
    for method in methods or METHODS:
        for name, instance in made:
            seconds = SECONDS[len(instance.options)] if limit is None else limit
            asked = (GAP if gap is None else gap, seconds * (LONGER if method == ROADS else 1))
            key = mixed_key(package_version(), content_digest(instance), method, *asked)
            yield PlannedRow(key, partial(_in_own_process, name, instance, method, asked))


def _in_own_process(
    name: str, instance: Instance, method: str, asked: tuple[float, float]
) -> MixedRow:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(measure, name, instance, method, asked).result()


class _Progress(SilentListener):
    """Notes when gaps are reached, and how long the contraction takes; cancels at a time."""

    def __init__(self, until: float) -> None:
        self.began, self.until = time.monotonic(), until
        self.contraction = 0.0
        self.reached: dict[str, float] = {}

    def step_ended(self, name: str, seconds: float) -> None:
        """Note the contraction."""
        if name == "contracting the network":
            self.contraction += seconds

    def bounds_moved(self, lower: float, upper: float) -> None:
        """Note the gaps that are reached."""
        gap = relative_gap(lower, upper)
        for most in REACHED:
            if gap is not None and 100 * gap <= most:
                self.reached.setdefault(
                    f"{most:g}", time.monotonic() - self.began - self.contraction
                )

    def cancelled(self) -> bool:
        """Return whether the time has come."""
        return time.monotonic() >= self.until


def measure(name: str, instance: Instance, method: str, asked: tuple[float, float]) -> MixedRow:
    """Make a run and return its row; from then on the clock of this process is its
    processor time.
    """
    time.monotonic = time.process_time
    gap, limit = asked
    linear_program.LONGEST = 0.0
    began = time.monotonic()
    progress = _Progress(float("inf"))
    answer = _run(instance, method, PeerTerms(gap, began + limit, listener=progress), limit)
    seconds = time.monotonic() - began - progress.contraction
    began = time.monotonic()
    value, found = _value(answer.mixture, instance), answer.found
    return MixedRow(
        case=name,
        content=content_digest(instance),
        method=method,
        options=len(instance.options),
        units=float(instance.budget[0]),
        arcs=int(instance.tail.size),
        evaders=len(instance.evaders),
        gap_asked=gap,
        time_limit=limit,
        value=value,
        lower=answer.lower,
        upper=answer.upper,
        pure_lower=found.pure_lower if found else None,
        pure_upper=found.pure_upper if found else None,
        saturated=found.saturated if found else None,
        support=len(answer.mixture.plans),
        seconds=seconds,
        contraction_s=progress.contraction,
        valuing_s=time.monotonic() - began,
        reached=progress.reached,
        load=round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        **solver_stamp(),
    )


def _run(instance: Instance, method: str, terms: PeerTerms, limit: float) -> PeerAnswer:
    if method != OURS:
        return PEERS[method](instance, terms)
    result = solve(
        instance,
        method=OURS,
        gap=terms.gap,
        time_limit=limit,
        seed=terms.seed,
        threads=1,
        listener=terms.listener,
    )
    if (found := result.mixed) is None:
        raise SolverError(f"no mixture of {instance.name}")
    terms.listener.bounds_moved(result.lower or 0.0, result.upper or 1.0)
    return PeerAnswer(found.mixture, result.lower, result.upper, found)


def _value(mixture: Mixture, instance: Instance) -> float | None:
    try:
        return exploitability(
            mixture, instance, listener=_Progress(time.monotonic() + VALUING)
        ).value
    except (SolverError, KeyboardInterrupt):
        return None


def write_mixed_page(path: Path, rows: Sequence[MixedRow]) -> PageFiles:
    """Write the page of the rows of the newest version."""
    chosen = newest_version(rows)
    cases = {
        row.case: [one for one in chosen if one.case == row.case]
        for row in sorted(chosen, key=_place)
    }
    text = page_text(
        "mixed.md.j2",
        **made_with(chosen),
        longer=LONGER,
        goals=_goals(chosen),
        ours=_ours(sorted((row for row in chosen if row.method == OURS), key=_place)),
        peers=_peers(cases),
        oracle=_oracle(cases),
    )
    save_text(path, text)
    return PageFiles(path, [])


def _place(row: MixedRow) -> str:
    return f"{row.options:06d} {row.case}"


def _gap(row: MixedRow) -> float:
    return relative_gap(row.lower, row.upper) or 0.0


def _goals(rows: Sequence[MixedRow]) -> PageTable:
    """Return how many cases that are not saturated keep to the goals."""
    lines = []
    for options, must in MUST.items():
        ours = [
            row
            for row in rows
            if row.method == OURS and row.options == options and not row.saturated
        ]
        if ours:
            gaps = [_gap(row) for row in ours]
            counts = [f"{sum(gap <= most for gap in gaps)} of {len(gaps)}" for most in (must, GAP)]
            lines.append(
                (options, distinct(f"{row.time_limit:g}" for row in ours), must, *counts, max(gaps))
            )
    columns = ("options", "limit s", "must", "keep the must", "keep the aim of .5 %", "worst gap")
    return PageTable.of(columns, lines, {"must": share(0), "worst gap": share(2)})


def _ours(rows: Sequence[MixedRow]) -> PageTable:
    lines = [
        (
            row.case,
            row.lower,
            row.upper,
            row.value,
            _gap(row),
            row.seconds,
            *(row.reached.get(f"{gap:g}") for gap in REACHED),
            row.contraction_s,
            row.support,
            row.pure_upper,
            max(0.0, 1 - (row.upper or 0.0) / row.pure_lower) if row.pure_lower else None,
            "yes" if row.saturated else "no",
        )
        for row in rows
    ]
    each = ("case", "lower", "upper", "exact", "gap", "s", *(f"to {gap:g} %" for gap in REACHED))
    columns = (*each, "contraction s", "plans", "single plan", "proven gain", "saturated")
    shown = dict.fromkeys(("lower", "upper", "exact", "single plan"), fixed(5))
    return PageTable.of(
        columns,
        lines,
        shown
        | dict.fromkeys(("gap", "proven gain"), share(2))
        | dict.fromkeys(columns[5:10], fixed(1)),
    )


def _peers(cases: dict[str, list[MixedRow]]) -> PageTable:
    """Return by how much each value is above the best bound of the case."""
    lines = []
    for case, rows in cases.items():
        if (lower := max(row.lower or 0.0 for row in rows)) > 0:
            of = {row.method: _shown(row) for row in rows}
            above = [
                None if (value := of.get(method)) is None else value / lower - 1
                for method in METHODS
            ]
            lines.append((case, lower, *above))
    return PageTable.of(
        ("case", "bound", *METHODS), lines, {"bound": fixed(5)} | dict.fromkeys(METHODS, share(1))
    )


def _shown(row: MixedRow) -> float | None:
    return row.upper if row.value is None else row.value


def _oracle(cases: dict[str, list[MixedRow]]) -> PageTable:
    """Return the times to the smallest gap that ours reached of those noted, beside the
    double oracle's on the roads.
    """
    lines = []
    for case, rows in cases.items():
        of = {row.method: row for row in rows}
        ours, theirs = of.get(OURS), of.get(ROADS)
        if ours is None or theirs is None or not ours.reached:
            continue
        gap = min(ours.reached, key=float)
        mine, other = ours.reached[gap], theirs.reached.get(gap)
        times = (
            f"{other / mine:.1f}" if other is not None else f"more than {theirs.seconds / mine:.1f}"
        )
        lines.append((case, f"{gap} %", mine, other, times, theirs.seconds, _gap(theirs)))
    columns = (
        "case",
        "to a gap of",
        "mixed, s",
        "double oracle, s",
        "times",
        "it ended after s",
        "with a gap of",
    )
    shown = dict.fromkeys((columns[2], columns[3], columns[5]), fixed(1))
    return PageTable.of(columns, lines, shown | {columns[6]: share(1)})


# Cases for mixtures of plans: informed evaders from the rim of a road network to
# anywhere in it, and units for roads that good routes use.
#
# On each map and seed 160 pairs of one of 16 origins in the outer tenth of the nodes
# and one of 24 destinations anywhere get random weights. Roads are watched in
# proportion to the time on them, such that 75 % get over the median fastest route with
# nothing placed, times a random factor of .8 to 1.25. Options are the roads with most
# traffic over six rounds of best routes, each of which makes the roads used so far
# dearer, with a random factor of .5 to 1.5, apart by 1/120 of the map's width where
# there are enough; 30, 50 or 70 % get past one. All numbers are assumed.

SIZES = ((200, 10), (500, 20))
"""Options, and units to place on them."""

EVADERS = 160
ORIGINS = 16
DESTINATIONS = 24

THROUGH = 0.75

SURVIVALS = (0.3, 0.5, 0.7)

REPRICING_ROUNDS, DEARER = 6, 1.6

ACROSS = 120

GENERATED: dict[str, Callable[[], Network]] = {
    "mountains": lambda: draw_land(10_000, "mountains", np.random.default_rng(1)).roads.network,
    "valleys": lambda: draw_country(0.4, 9, 12, np.random.default_rng(1)).sketch.roads().network,
}


def mixed_cases(
    only: Sequence[str], seeds: Sequence[int], extracts: Path | None
) -> list[Case[Instance]]:
    """Return the cases `MAP-OPTIONS-UNITS-SEED` whose names match: of the generated
    maps, and of an extract or all in a folder.

    Raises
    ------
    InputError
        If none does.
    """
    found = (
        []
        if extracts is None
        else sorted(extracts.glob("*.osm.pbf"))
        if extracts.is_dir()
        else [extracts]
    )
    maps: dict[str, Callable[[], Network]] = {
        path.name.split(".")[0].split("-")[0]: partial(_network_of, path) for path in found
    }
    maps |= GENERATED
    cases = [
        Case(
            "mixed",
            f"{name}-{options}-{units}-{seed}",
            partial(_case, name, make, (options, units), seed),
        )
        for options, units in SIZES
        for name, make in maps.items()
        for seed in seeds
    ]
    if not (chosen := matching(cases, only)):
        expected = (
            f"a pattern that matches one such as {cases[0].name}, of the maps {', '.join(maps)}"
        )
        raise InputError(
            Problem("--only", ", ".join(only), expected, "Name extracts with --extract")
        )
    return chosen


@cache
def _network_of(extract: Path) -> Network:
    from optimizer.region import read_region

    return read_region(extract).network


def _case(name: str, make: Callable[[], Network], size: tuple[int, int], seed: int) -> Instance:
    return mixed_case(make(), f"{name}-{size[0]}-{size[1]}-{seed}", size, seed)


def mixed_case(
    network: Network, name: str, size: tuple[int, int], seed: int, evaders: int = EVADERS
) -> Instance:
    """Return a case on a network, of so many options, units and evaders."""
    rng = np.random.default_rng(seed)
    pairs = _evaders(network, evaders, rng)
    searches = Searches.of(pairs)
    ends = (network.n_nodes, network.tail, network.head)
    slowly = np.exp(-network.time_s / network.time_s.sum())
    seconds = [network.time_s[list(path)].sum() for path in searches.paths(*ends, slowly)]
    watched = rng.uniform(0.8, 1.25, network.n_segments)[network.segment]
    reliability = np.exp(np.log(THROUGH) / np.median(seconds) * network.time_s * watched).clip(
        1e-9, 1.0
    )
    cost, load = arc_costs(reliability), np.zeros(network.n_segments)
    for _ in range(REPRICING_ROUNDS):
        used = np.zeros(load.size)
        for evader, path in zip(pairs, searches.paths(*ends, np.exp(-cost)), strict=True):
            used[np.unique(network.segment[list(path)])] += evader.weight
        load += used
        cost = cost * np.where(used[network.segment] > 0, DEARER, 1.0)
    chosen = _apart(
        network, np.where(load > 0, load * rng.uniform(0.5, 1.5, load.size), 0.0), size[0]
    )
    options = []
    for j, segment in enumerate(chosen):
        arcs = tuple(np.flatnonzero(network.segment == segment).tolist())
        survival = float(rng.choice(SURVIVALS))
        options.append(Option(f"s{j}", arcs, (survival,) * len(arcs), {"units": 1.0}))
    resources = (Resource("units", float(size[1])),)
    return make_instance(
        network,
        reliability=reliability,
        evaders=pairs,
        options=options,
        resources=resources,
        name=name,
    )


def _evaders(network: Network, count: int, rng: np.random.Generator) -> list[Evader]:
    """Return evaders with random ends in the largest piece of the network from every
    node of which every other is reached.
    """
    piece = connected_components(network.time_graph().matrix, directed=True, connection="strong")[1]
    nodes = np.flatnonzero(piece == np.bincount(piece).argmax())
    place = _plane(network)[nodes]
    far = np.hypot(*(place - place.mean(axis=0)).T)
    origins = rng.choice(nodes[far >= np.quantile(far, 0.9)], ORIGINS, replace=False)
    destinations = rng.choice(nodes, DESTINATIONS, replace=False)
    pairs = [(o, d) for o in origins.tolist() for d in destinations.tolist() if o != d]
    weight = rng.uniform(0.2, 1, count)
    ends = [pairs[at] for at in rng.choice(len(pairs), count, replace=False).tolist()]
    shares = (weight / weight.sum()).tolist()
    return [
        Evader(f"e{k}", o, d, share)
        for k, ((o, d), share) in enumerate(zip(ends, shares, strict=True))
    ]


def _plane(network: Network) -> Floats:
    """Return the (nodes, 2) places of nodes, in degrees of latitude."""
    return np.column_stack((network.lon * np.cos(np.radians(network.lat.mean())), network.lat))


def _apart(network: Network, score: Floats, count: int) -> list[int]:
    """Return segments of the highest scores above 0: first those that are apart."""
    place = _plane(network)
    middle = np.zeros((network.n_segments, 2))
    middle[network.segment] = (place[network.tail] + place[network.head]) / 2
    near = float(np.hypot(*np.ptp(place, axis=0))) / ACROSS
    order = np.argsort(-score, kind="stable")
    order = order[score[order] > 0]
    chosen: list[int] = []
    for segment in order.tolist():
        if (
            len(chosen) < count
            and not (np.hypot(*(middle[chosen] - middle[segment]).T) < near).any()
        ):
            chosen.append(segment)
    return (chosen + [s for s in order.tolist() if s not in set(chosen)])[:count]


# Other ways to randomise, on the roads themselves: without the overlay and the marginal
# relaxation that the method `mixed` has.
#
# uniform             as many plans as `DRAWN`, each filled at random, of equal probability
# betweenness         the one plan of the options that most evaders' best routes meet with nothing placed
# greedy              the one plan that greedily lowers what evaders achieve over k routes each, found by making those used so far dearer
# weights             evaders keep multiplicative weights (Freund and Schapire 1999) on their routes, the defender answers them in each round
# by
#                     exchanges from the last answer; the mixture is the mean of the answers
# double oracle       the double oracle of `mixed` (exact answers of both sides by the same searches, and the same smoothing) from one plan

DRAWN = 25
"""Plans of `uniform`: the exact value of more takes long."""

TURNS = 200
"""Rounds of `weights`."""

ROUTES, USED_DEARER = 20, 1.3
"""Rounds of best routes, and by how much each makes the roads dearer that it uses."""


@dataclass(frozen=True)
class PeerTerms:
    """What a peer is asked for: `gap` and `seed` as in `solve`, `until` a
    `time.monotonic()`; only `double oracle` uses the gap.
    """

    gap: float
    until: float
    seed: int = 0
    listener: Listener = SILENT

    @property
    def work_until(self) -> float:
        """The same by the clock of work, as our own searches have it."""
        return work_seconds() + self.until - time.monotonic()


@dataclass(frozen=True)
class PeerAnswer:
    """A mixture, with proven bounds where the method has them, and what ours says of
    single plans.
    """

    mixture: Mixture
    lower: float | None = None
    upper: float | None = None
    found: Randomised | None = None


def roads_as_overlay(instance: Instance) -> Overlay:
    """Return the roads as they are in the form of an overlay, for instances without
    forced options whose roads hold one option each.

    Raises
    ------
    ValueError
        If they do not.
    """
    option, arc, survival = instance.effects
    if (
        instance.forced.any()
        or np.unique(arc).size < arc.size
        or any(o.forbidden for o in instance.options)
    ):
        raise ValueError("forced or forbidden options, or a road with several")
    free = np.ones(len(instance.options), dtype=bool)
    on, passed = np.full(instance.tail.size, -1, dtype=np.int64), np.ones(instance.tail.size)
    on[arc], passed[arc] = option, survival
    informed = [evader for evader in instance.evaders if not evader.routes and evader.weight > 0]
    return Overlay(
        n_nodes=instance.n_nodes,
        tail=instance.tail,
        head=instance.head,
        reliability=instance.reliability,
        option=on,
        survival=passed,
        origin=np.array([e.origin for e in informed], dtype=np.int64),
        destination=np.array([e.destination for e in informed], dtype=np.int64),
        weight=np.array([e.weight for e in informed]),
        fixed_routes=fixed_routes_of(instance, instance.reliability, free),
        free=free,
    )


def _routes(roads: Overlay, commodities: Commodities) -> PathPool:
    """Return at most k routes of each evader."""
    searches = commodities.searches
    pool, cost = PathPool(roads, searches), arc_costs(roads.reliability)
    every = np.arange(searches.leaf.size)
    for _ in range(ROUTES):
        paths = searches.paths(roads.n_nodes, roads.tail, roads.head, np.exp(-cost))
        pool.add(every, paths)
        used = np.unique(np.concatenate([np.array(path, dtype=np.int64) for path in paths]))
        cost[used] *= USED_DEARER
    return pool


def _survivals(paths: Paths, n_options: int) -> Floats:
    """Return the (options, paths) factors of options on paths."""
    table = np.ones((n_options + 1, paths.value.size))
    table[paths.option, np.arange(paths.value.size)[:, None]] = paths.survival
    return table[:-1]


def _may_add(instance: Instance, placed: Mask) -> Mask:
    return np.asarray(
        options_that_fit(instance, placed) & options_that_break_none(instance, placed)
    )


def _equally(instance: Instance, masks: list[Mask]) -> PeerAnswer:
    """Return the mixture of some masks, each as likely as it is often there."""
    often: dict[bytes, tuple[Mask, int]] = {}
    for mask in masks:
        often[mask.tobytes()] = (mask, often.get(mask.tobytes(), (mask, 0))[1] + 1)
    ordered = sorted(often.values(), key=lambda each: -each[1])
    plans = tuple(Plan.from_mask(instance, mask) for mask, _ in ordered)
    return PeerAnswer(Mixture(plans, tuple(count / len(masks) for _, count in ordered)))
