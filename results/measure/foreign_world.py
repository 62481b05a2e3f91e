"""Truths and records by a second simulator: NumPy and SciPy alone, nothing of
`optimizer.risk.simulation`.

The truth: masses that are no gravity, four loads in ten bound for places of no table, a
logit among routes of perturbed costs for those with habits; the others avoid what
stands, also while the record is made, and some change gateway at a cost. Local loads
keep to short ways. The record: searches that follow seizures, places 8 to 30 m off,
effort with 30 % noise, a tenth of its sheets lost, a third of the stations silent each
month, 10 to 20 % tips.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from optimizer import Region

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Way = tuple[int, ...]

MONTHS, WINDOW = 24, 3
STATED = 0.5
"""Detection chance of a post that the scenario states; the true one is .8 to 1.2 of it."""
LOSS = 0.15
"""Share of the loads that a change of gateway costs (the scenario assumes .1)."""
UNLISTED = 0.4
"""Share of the loads bound for places of no table."""
PER_HOUR = 0.02
"""Hazard of ordinary policing."""
VARIANTS = ("", "nobody avoids", "exact", "listed")
"""The truth as it is; a record made where nothing stands; one without errors, gaps and
tips; all loads bound for listed towns.
"""
FAULTS = ("places", "effort", "sheets", "stations", "tips")
"""What is wrong with a record: places and effort with errors, sheets of effort lost,
stations silent, seizures after tips.
"""


class Roads:
    """A region with shortest paths by any cost of an arc; gateways at one node are one."""

    def __init__(self, region: Region) -> None:
        self.region, self.net = region, region.network
        self.segment: Ints = self.net.segment.astype(np.int64)
        exposure: defaultdict[int, float] = defaultdict(float)
        for gateway in region.gateways:
            exposure[gateway.node] += gateway.exposure
        self.gates, self.exposure = np.array(list(exposure)), np.array(list(exposure.values()))
        lon, lat = np.asarray(self.net.segment_midpoint, dtype=float).T
        self.lon, self.lat = lon, lat
        self.x, self.y = self.metres(lon, lat)

    def metres(self, lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
        """Return metres east and north."""
        return 111_320 * np.asarray(lon) * np.cos(
            np.radians(self.net.lat.mean())
        ), 110_540 * np.asarray(lat)

    def trees(self, cost: Floats, origins: Ints) -> tuple[Floats, Ints, dict[tuple[int, int], int]]:
        """Return costs from origins to all nodes, the node before each, and the
        cheapest arc between two nodes.
        """
        tail, head, size = self.net.tail, self.net.head, self.net.n_nodes
        order = np.lexsort((cost, head, tail))
        first = np.ones(order.size, dtype=bool)
        first[1:] = (np.diff(tail[order]) != 0) | (np.diff(head[order]) != 0)
        best = order[first]
        graph = csr_array((np.maximum(cost[best], 1e-12), (tail[best], head[best])), (size, size))
        found, before = dijkstra(graph, True, origins, True)
        between = zip(tail[best].tolist(), head[best].tolist(), strict=True)
        return found, before.astype(np.int64), dict(zip(between, best.tolist(), strict=True))

    @staticmethod
    def way(before: Ints, arcs: dict[tuple[int, int], int], node: int) -> Way:
        """Return the arcs to a node."""
        found = []
        while before[node] >= 0:
            found.append(arcs[int(before[node]), node])
            node = int(before[node])
        return tuple(reversed(found))

    def arcs_of(self, segments: Iterable[int]) -> list[int]:
        """Return the arcs of segments, both ways."""
        return [arc for segment in segments for arc in self.net.arcs_of(segment)]


class Truth:
    """Who travels: pairs of gateway and goal with their loads, usual routes and their
    shares, and local ways.
    """

    def __init__(self, roads: Roads, seed: int, local: float, variant: str = "") -> None:
        self.roads, self.local, self.variant = roads, local, variant
        rng = np.random.default_rng([77, seed, roads.net.n_nodes])
        self.habit, self.detection = (
            float(rng.uniform(0.2, 0.5)),
            STATED * float(rng.uniform(0.8, 1.2)),
        )
        self.mobile = (0.0, 0.2, 0.5)[seed % 3]
        towns = roads.region.settlements
        pull = np.array([max(town.population, 1.0) for town in towns]) ** 0.8 * rng.lognormal(
            0, 0.8, len(towns)
        )
        goals = np.concatenate(
            [[town.node for town in towns], rng.choice(roads.net.n_nodes, 30, replace=False)]
        )
        other = rng.exponential(1, 30)
        unlisted = 0.0 if variant == "listed" else UNLISTED
        pull = np.concatenate([(1 - unlisted) * pull / pull.sum(), unlisted * other / other.sum()])
        time, _, _ = roads.trees(roads.net.time_s, roads.gates)
        mass = roads.exposure**0.6 * rng.lognormal(0, 0.9, roads.gates.size)
        loads = mass[:, None] * pull / (1 + time[:, goals] / rng.uniform(900, 2400)) ** 2
        loads[(time[:, goals] <= 0) | ~np.isfinite(loads)] = 0
        heaviest = [k for k in np.argsort(-loads, axis=None)[:140].tolist() if loads.flat[k] > 0]
        self.pairs = [(k // goals.size, int(goals[k % goals.size])) for k in heaviest]
        self.load: Floats = loads.ravel()[heaviest] * (1 - local) / loads.ravel()[heaviest].sum()
        self.hazard = PER_HOUR * roads.net.time_s / 3600
        self.routes = self._usual(rng)
        self.quiet = self._local(rng) if local else []

    def _usual(self, rng: np.random.Generator) -> list[tuple[list[Way], Floats]]:
        """Return the routes of each pair and their shares: a logit of cost, where main
        roads are avoided somewhat.
        """
        roads = self.roads
        cost = roads.net.time_s * (
            1 + 0.3 * np.isin(roads.net.road_class, ["motorway", "trunk", "primary"])
        )
        found: list[set[Way]] = [set() for _ in self.pairs]
        for draw in range(8):
            error = rng.lognormal(0, 0.35, roads.net.n_segments)[roads.segment] if draw else 1.0
            _, before, arcs = roads.trees(cost * error, roads.gates)
            for ways, (gate, goal) in zip(found, self.pairs, strict=True):
                ways.add(roads.way(before[gate], arcs, goal))
        chosen = []
        for each in found:
            known = sorted(each)
            total = np.array([cost[list(way)].sum() for way in known])
            share = np.exp(-8 * (total / total.min() - 1))
            chosen.append((known, share / share.sum()))
        return chosen

    def _local(self, rng: np.random.Generator) -> list[tuple[Way, float]]:
        """Return short ways around 40 places, and their loads."""
        roads, found = self.roads, []
        places = rng.choice(roads.net.n_nodes, 40, replace=False)
        for place, weight in zip(places.tolist(), rng.lognormal(0, 1, 40).tolist(), strict=True):
            time, before, arcs = roads.trees(roads.net.time_s, np.array([place]))
            near = np.flatnonzero((time[0] > 60) & (time[0] < 240))
            if near.size:
                found.append((roads.way(before[0], arcs, int(rng.choice(near))), weight))
        total = sum(weight for _, weight in found)
        return [(way, self.local * weight / total) for way, weight in found]

    def survival(self, arcs: Iterable[int]) -> Floats:
        """Return the chance to pass each arc while posts stand on some."""
        survival: Floats = np.exp(-self.hazard)
        survival[list(arcs)] *= 1 - self.detection
        return survival

    def flows(self, arcs: Sequence[int]) -> tuple[Floats, Floats]:
        """Return the loads on each segment that travel, and those that keep to a place,
        while posts stand on some arcs.
        """
        roads = self.roads
        flow, quiet = np.zeros(roads.net.n_segments), np.zeros(roads.net.n_segments)
        _, before, at = roads.trees(
            -np.log(self.survival(arcs)) + 1e-6 * roads.net.time_s, roads.gates
        )
        for (gate, goal), load, (ways, shares) in zip(
            self.pairs, self.load, self.routes, strict=True
        ):
            for way, share in zip(ways, shares, strict=True):
                np.add.at(flow, roads.segment[list(way)], self.habit * load * share)
            np.add.at(
                flow,
                roads.segment[list(roads.way(before[gate], at, goal))],
                (1 - self.habit) * load,
            )
        for way, load in self.quiet:
            np.add.at(quiet, roads.segment[list(way)], load)
        return flow, quiet

    def habitual(self, arcs: Sequence[int]) -> float:
        """Return the share of all loads that keeps to its habit, or its place, and gets through."""
        log = np.log(self.survival(arcs))
        usual = sum(
            float(load * (share @ np.exp([log[list(way)].sum() for way in ways])))
            for load, (ways, share) in zip(self.load, self.routes, strict=True)
        )
        return self.habit * usual + sum(
            load * float(np.exp(log[list(way)].sum())) for way, load in self.quiet
        )

    def through(self, arcs: Sequence[int], mobile: float | None = None) -> float:
        """Return the share of all loads that gets through where those without habits
        answer at once.
        """
        mobile = self.mobile if mobile is None else mobile
        cost, _, _ = self.roads.trees(-np.log(self.survival(arcs)), self.roads.gates)
        best = np.exp(-cost)
        gate, goal = np.array(self.pairs).T
        stay = best[gate, goal]
        move = np.maximum(stay, (1 - LOSS) * best[:, goal].max(axis=0))
        return self.habitual(arcs) + (1 - self.habit) * float(
            self.load @ ((1 - mobile) * stay + mobile * move)
        )


def learnt(truth: Truth, arcs: Sequence[int], rule: str, mobile: float) -> float:
    """Return the mean share through in the second of two years in which those without
    habits learn by a rule, in expectation.

    `logit`: routes by what their posts were seen to find. `win-stay`: what is lost goes
    evenly to the routes known. `best reply`: at once.
    """
    if rule == "best reply":
        return truth.through(arcs, mobile)
    groups = _learners(truth, arcs, mobile)
    number = groups[0][1].shape[1]
    belief = np.full(number, 0.1)
    shares = [np.full(safe.size, 1 / safe.size) for _, _, safe in groups]
    fixed, months = truth.habitual(arcs), []
    for _ in range(MONTHS):
        passed, total = np.zeros(number), fixed
        for k, (load, meets, safe) in enumerate(groups):
            true = safe * (1 - truth.detection) ** meets.sum(axis=1)
            if rule == "logit":
                guess = safe * np.exp(meets @ np.log1p(-belief))
                shares[k] = np.exp(30 * (guess - guess.max()))
                shares[k] /= shares[k].sum()
            total += load * float(shares[k] @ true)
            passed += load * (shares[k] @ meets)
            if rule == "win-stay":
                lost = shares[k] * (1 - true)
                shares[k] = shares[k] - lost + lost.sum() / lost.size
        belief = 0.7 * belief + 0.3 * np.where(passed > 1e-6, truth.detection, 0.8 * belief)
        months.append(total)
    return float(np.mean(months[MONTHS // 2 :]))


def _learners(
    truth: Truth, arcs: Sequence[int], mobile: float
) -> list[tuple[float, Floats, Floats]]:
    """Return of groups without habits: loads, how often each route they know meets each
    post, and the chance to pass it without posts.
    """
    roads = truth.roads
    posts = sorted({int(roads.segment[arc]) for arc in arcs})
    column = {arc: posts.index(int(roads.segment[arc])) for arc in arcs}
    quiet = -truth.hazard
    known = _known(truth, arcs)
    groups: list[
        tuple[float, Floats, Floats]
    ] = []  # loads, times that each route meets each post, chance to pass it without posts
    for (gate, goal), load in zip(truth.pairs, truth.load, strict=True):
        for share, gates in ((1 - mobile, [gate]), (mobile, sorted(known[goal]))):
            if share > 0:
                ways = [(way, g) for g in gates for way in sorted(known[goal][g])]
                meets = np.zeros((len(ways), len(posts)))
                for row, (way, _) in enumerate(ways):
                    for arc in way:
                        if arc in column:
                            meets[row, column[arc]] += 1
                safe = np.array(
                    [
                        np.exp(quiet[list(way)].sum()) * (1 if g == gate else 1 - LOSS)
                        for way, g in ways
                    ]
                )
                groups.append((float(load) * (1 - truth.habit) * share, meets, safe))
    return groups


def _known(truth: Truth, arcs: Sequence[int]) -> dict[int, dict[int, set[Way]]]:
    """Return the routes that learners know by goal and gateway: usual ones, and the
    best where nothing stands and where this does.
    """
    roads = truth.roads
    known: dict[int, dict[int, set[Way]]] = defaultdict(lambda: defaultdict(set))
    for (gate, goal), (ways, _) in zip(truth.pairs, truth.routes, strict=True):
        known[goal][gate].update(ways)
    for stands in ((), arcs):
        cost, before, at = roads.trees(
            -np.log(truth.survival(stands)) + 1e-9 * roads.net.time_s, roads.gates
        )
        for goal, by_gate in known.items():
            for gate, node in enumerate(roads.gates.tolist()):
                if node != goal and np.isfinite(cost[gate, goal]):
                    by_gate[gate].add(roads.way(before[gate], at, goal))
    return known


@dataclass(frozen=True)
class Made:
    """What is true of a record."""

    #: How many were made, those that nobody reported too.
    seizures: int
    #: Share of the seizures that local loads are expected to make.
    local: float
    #: (segments,) seizures that searches of the last three months are expected to make,
    #: had nothing changed.
    expected: Floats


@dataclass(frozen=True, eq=False)
class Change:
    """What becomes of the loads on some segments in the last three months: times a
    factor, or as many as the busiest twentieth has.
    """

    segments: Ints
    factor: float | None


def write_record(
    truth: Truth,
    posts: Sequence[int],
    folder: Path,
    rng: np.random.Generator,
    change: Change | None = None,
    faults: Collection[str] = FAULTS,
) -> Made:
    """Write two years of seizures and effort, made while posts stand on some segments,
    as people write them.
    """
    roads, faults = truth.roads, () if truth.variant == "exact" else faults
    flow, quiet = truth.flows([] if truth.variant == "nobody avoids" else roads.arcs_of(posts))
    if quiet.sum():
        # half of what even searches would find
        quiet *= truth.local / (1 - truth.local) * flow.sum() / quiet.sum()
    usual, size = flow + quiet, roads.net.n_segments
    rate = usual
    home = rng.choice(size, 6, replace=False)
    busy = np.sqrt(roads.net.length_m[roads.net.segment_arc]) * (1 + 5 * (flow > 0.01))
    memory, hours, scale = np.zeros(size), np.zeros((MONTHS, size)), 0.0
    seizures: list[tuple[int, int]] = []
    for month in range(MONTHS):
        spent = hours[month]
        spent[list(posts)] += 180 / len(posts)
        spent[rng.choice(size, 40, p=busy / busy.sum())] += 4
        if memory.sum():
            hot = np.flatnonzero(memory > 0.05)
            near = np.array([memory[_within(roads, s, 600)].sum() for s in hot.tolist()])
            for s in rng.choice(hot, 30, p=near / near.sum()).tolist():
                spent[rng.choice(np.flatnonzero(_within(roads, s, 500)))] += 5
                spent[s] += 5
        scale = scale or 6 / float(spent @ rate)
        if change is not None and month == MONTHS - WINDOW:
            rate, at = usual.copy(), change.segments
            rate[at] = (
                np.quantile(usual[usual > 0], 0.95)
                if change.factor is None
                else usual[at] * change.factor
            )
        found = rng.poisson(scale * spent * rate)
        tips = ("tips" in faults) * rng.poisson(
            rng.uniform(0.1, 0.2) * found.sum() * rate / rate.sum()
        )
        memory = 0.8 * memory + found
        seizures += [(month, s) for s in np.repeat(np.arange(size), found + tips).tolist()]
    station = np.argmin(
        np.hypot(roads.x[:, None] - roads.x[home], roads.y[:, None] - roads.y[home]), axis=1
    )
    _write(roads, seizures, hours, station, folder, rng, faults)
    spent = hours.sum(axis=0)
    expected = scale * hours[-WINDOW:].sum(axis=0) * usual
    return Made(len(seizures), float(spent @ quiet / (spent @ usual)), expected)


def _write(
    roads: Roads,
    seizures: list[tuple[int, int]],
    hours: Floats,
    station: Ints,
    folder: Path,
    rng: np.random.Generator,
    faults: Collection[str],
) -> None:
    """Write seizures (month, segment) and hours by month and segment, with the errors
    and gaps of six stations.
    """
    silent = [
        set(rng.choice(6, 2, replace=False).tolist()) if "stations" in faults else set()
        for _ in range(MONTHS)
    ]
    lost = rng.random((MONTHS, 6)) < (0.1 if "sheets" in faults else 0)
    times = [f"{2023 + month // 12}-{month % 12 + 1:02d}" for month in range(MONTHS)]
    with (folder / "seizures.csv").open("w") as file:
        file.write("time,lon,lat\n")
        for month, s in seizures:
            if station[s] not in silent[month]:
                point = roads.net.lines[s].interpolate(rng.random(), normalized=True)
                off, turn = (
                    rng.uniform(8, 30) if "places" in faults else 0.01,
                    rng.uniform(0, 2 * np.pi),
                )
                lon = point.x + off * np.cos(turn) / (111_320 * np.cos(np.radians(point.y)))
                file.write(
                    f"{times[month]},{lon:.6f},{point.y + off * np.sin(turn) / 110_540:.6f}\n"
                )
    with (folder / "effort.csv").open("w") as file:
        file.write("time,lon,lat,amount\n")
        for month in range(MONTHS):
            for s in np.flatnonzero(hours[month]).tolist():
                if station[s] not in silent[month] and not lost[month, station[s]]:
                    said = hours[month, s] * rng.lognormal(0, 0.3 if "effort" in faults else 1e-9)
                    file.write(f"{times[month]},{roads.lon[s]:.6f},{roads.lat[s]:.6f},{said:.2f}\n")


def _within(roads: Roads, segment: int, metres: float) -> NDArray[np.bool_]:
    near: NDArray[np.bool_] = (
        np.hypot(roads.x - roads.x[segment], roads.y - roads.y[segment]) < metres
    )
    return near
