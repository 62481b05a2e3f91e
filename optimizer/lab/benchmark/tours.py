"""How fast the best tour of one team is found and proven, beside CP-SAT alone and beside PyVRP.

`python -m optimizer.lab.benchmark.tours [--out results/tours.md]` runs everything; PyVRP must be installed for the second table.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import Delaunay

from optimizer.base.files import written_whole
from optimizer.lab.benchmark.machine import cores, cpu_model
from optimizer.solvers.patrols.pricing import Tour, TourProblem, best_tour, check_tour, quick_tours, tour_value
from optimizer.solvers.patrols.tour_circuit import best_circuit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

SHIFT, SLOT = 8 * 3600, 1800
LEAST_LEG, USUAL_LEG = 600, 3000
"""Seconds: no leg is shorter than 10 minutes, the median is 50."""
NODES = 10
"""Nodes of the road network for each post."""
PROVEN_SIZES, BESIDE_SIZES = (20, 30, 40), (60, 100, 150, 200)
CIRCUIT_LIMIT = 60.0
TOP = 1e8
"""Worth of the largest prize in PyVRP's integers; of 1e4, 1e6 and 1e8 it did best with this, and with a cost of 1 a second to guide it."""


PROVEN_COLUMNS = (
    *("posts", "problems", "proven", "median s", "largest s"),
    *("CP-SAT proven", "CP-SAT median s", "CP-SAT largest s", "agree", "quick, ms", "quick, worth"),
)
BESIDE_COLUMNS = (
    "posts",
    "problems",
    "better",
    "equal",
    "worse",
    "mean difference",
    "least difference",
    "proven",
    "gap",
)


@dataclass(frozen=True)
class ProvenRow:
    """One problem solved to proof: processor seconds and worths, ours and of CP-SAT alone."""

    posts: int
    quick: float
    quick_worth: float
    labels: float
    value: float
    proven: bool
    circuit: float
    circuit_value: float
    circuit_bound: float


@dataclass(frozen=True)
class BesideRow:
    """One problem of fixed dwells in the same time: ours and PyVRP's."""

    posts: int
    value: float
    bound: float
    proven: bool
    other: float


def road_problem(posts: int, seed: int, *, most_slots: int = 4, leg_worths: bool = True) -> TourProblem:
    """Return a made-up problem on a road network.

    Posts and base are nodes of a planar network whose roads differ in speed up to 2.2 times; half of all legs take more than 50 minutes,
    none less than 10. Worths of posts are Pareto (1.5) and level off with dwelling; a leg's is in proportion to its time, give or take.

    Parameters
    ----------
    posts
        Number of posts, >= 1.
    seed
        Seed of its chances.
    most_slots
        L.
    leg_worths
        Whether legs are worth anything.
    """
    rng = np.random.default_rng(seed)
    travel = _travel(posts, rng)
    rate, slots = rng.uniform(0.1, 0.6, (posts, 1)), np.arange(most_slots + 1)
    prize = (rng.pareto(1.5, (posts, 1)) + 0.1) * np.expm1(-rate * slots) / np.expm1(-rate)
    per_hour = rng.uniform(0.1, 0.5, travel.shape) * prize[:, 1].mean() * leg_worths
    return TourProblem(travel, SLOT, SHIFT, prize, travel / 3600 * per_hour)


def _travel(posts: int, rng: np.random.Generator) -> np.ndarray:
    nodes = NODES * (posts + 1)
    point = rng.random((nodes, 2))
    corner = Delaunay(point).simplices
    road = np.unique(np.sort(np.vstack((corner[:, :2], corner[:, 1:], corner[:, ::2])), axis=1), axis=0)
    length = np.linalg.norm(point[road[:, 0]] - point[road[:, 1]], axis=1) / rng.choice([1.0, 1.0, 1.6, 2.2], len(road))
    stands = rng.choice(nodes, posts + 1, replace=False)
    graph = csr_array((length, (road[:, 0], road[:, 1])), shape=(nodes, nodes))
    between = dijkstra(graph, directed=False, indices=stands)[:, stands]
    usual = np.median(between[~np.eye(posts + 1, dtype=bool)])
    seconds = np.maximum(between * USUAL_LEG / usual * rng.uniform(1, 1.03, between.shape), LEAST_LEG)
    np.fill_diagonal(seconds, 0)
    return seconds.astype(np.int64)


def proven_rows(sizes: Iterable[int], seeds: Iterable[int]) -> Iterator[ProvenRow]:
    """Solve problems to proof, with our method and with CP-SAT alone."""
    seeds = tuple(seeds)
    for posts in sizes:
        for seed in seeds:
            problem = road_problem(posts, seed)
            at = [time.process_time()]
            tours = quick_tours(problem, 10)
            at.append(time.process_time())
            best = best_tour(problem)
            at.append(time.process_time())
            circuit = best_circuit(problem, time_limit=CIRCUIT_LIMIT, workers=2)
            at.append(time.process_time())
            took = np.diff(at).tolist()
            other = tour_value(problem, circuit.tour) if circuit.tour else 0.0
            first = tour_value(problem, tours[0])
            yield ProvenRow(posts, took[0], first, took[1], best.value, best.proven, took[2], other, circuit.bound)


def beside_rows(sizes: Iterable[int], seeds: Iterable[int], seconds: float) -> Iterator[BesideRow]:
    """Give our method and PyVRP the same seconds on problems of fixed dwells without worths of legs."""
    seeds = tuple(seeds)
    for posts in sizes:
        for seed in seeds:
            problem = road_problem(posts, seed, most_slots=1, leg_worths=False)
            best = best_tour(problem, time_limit=seconds)
            yield BesideRow(
                posts, best.value, best.bound, best.proven, tour_value(problem, pyvrp_tour(problem, seconds))
            )


def pyvrp_tour(problem: TourProblem, seconds: float, seed: int = 0) -> Tour:
    """Return PyVRP's best tour: one vehicle, optional clients with prizes, a limit on the duration; dwells are one slot, legs worth nothing."""
    import pyvrp  # type: ignore[import-not-found, unused-ignore]
    from pyvrp.stop import MaxRuntime  # type: ignore[import-not-found, unused-ignore]

    model = pyvrp.Model()
    place = [model.add_location(0, 0) for _ in range(problem.n + 1)]
    base = model.add_depot(place[0])
    model.add_vehicle_type(
        1, start_depot=base, end_depot=base, shift_duration=problem.shift, unit_distance_cost=0, unit_duration_cost=1
    )
    for post, prize in enumerate(problem.prize[:, 1] * (TOP / problem.prize.max()), 1):
        model.add_client(place[post], service_duration=problem.slot, prize=round(prize), required=False)
    for i in range(problem.n + 1):
        for j in range(problem.n + 1):
            if i != j:
                way = int(problem.travel[i, j])
                model.add_edge(place[i], place[j], distance=way, duration=way)
    found = model.solve(MaxRuntime(seconds), seed=seed, display=False).best
    posts = tuple(stop.idx + 1 for route in found.routes() for stop in route if stop.is_client())
    tour = Tour(posts, (1,) * len(posts))
    check_tour(problem, tour)
    return tour


def page(proven: Sequence[ProvenRow], beside: Sequence[BesideRow], seconds: float) -> str:
    """Return the results as Markdown."""
    return "\n".join([*_head(), *_proven_table(proven), *_beside_head(seconds), *_beside_table(beside), ""])


def _head() -> list[str]:
    return [
        "# The best tour of one team",
        "",
        f"`python -m optimizer.lab.benchmark.tours`, on {cores()} cores ({cpu_model()}), OR-Tools {version('ortools')};",
        "times of the first table are processor time, so that what else the machine did does not count.",
        *([f"Load of the machine when the runs ended: {os.getloadavg()[2]:.0f}."] if hasattr(os, "getloadavg") else []),
        "",
        "Made-up problems (`road_problem` in `optimizer/lab/benchmark/tours.py`): 8 h slots of 30 minutes, legs of 10 minutes",
        "and more with a median of 50, posts' worths heavy-tailed.",
        "",
        "## To proof",
        "",
        "1 to 4 slots a visit, worth ever less each; legs worth something in proportion to their time. `best_tour` uses one core. CP-SAT alone",
        "(`best_circuit`, two workers) is the referee: both must say the same optimum. Its time is the sum over its threads: half of it is",
        "what a clock would show on two idle cores.",
        "",
        "- **s**: `best_tour` until proven, median and largest, no limit",
        "- **CP-SAT, s**: the same",
        f"- **CP-SAT proven**: within {CIRCUIT_LIMIT:g} s",
        "- **agree**: of those proven by both, how many have the same value (relative 1e-6)",
        "- **quick, ms**: `quick_tours` for 10 tours, median",
        "- **quick, worth**: its best tour's worth over the optimum: median and least",
        "",
        *_columns(PROVEN_COLUMNS),
    ]


def _proven_table(rows: Sequence[ProvenRow]) -> Iterator[str]:
    for posts in sorted({row.posts for row in rows}):
        some = [row for row in rows if row.posts == posts]
        ours, others = [row.labels for row in some], [row.circuit for row in some]
        ended = [row for row in some if row.circuit_bound <= row.circuit_value * (1 + 1e-6)]
        both = [row for row in ended if row.proven]
        agree = sum(abs(row.value - row.circuit_value) <= 1e-6 * row.value for row in both)
        share = [row.quick_worth / row.value for row in some]
        cells = (
            posts,
            len(some),
            sum(row.proven for row in some),
            f"{np.median(ours):.2f}",
            f"{max(ours):.2f}",
            len(ended),
            f"{np.median(others):.1f}",
            f"{max(others):.1f}",
            f"{agree} of {len(both)}",
            f"{1000 * np.median([row.quick for row in some]):.0f}",
            f"{np.median(share):.3f}, {min(share):.3f}",
        )
        yield _row(cells)


def _beside_head(seconds: float) -> list[str]:
    return [
        "",
        "## Beside PyVRP",
        "",
        f"One slot a visit, legs worth nothing, {seconds:g} s by the clock for each, one after the other on one core; PyVRP",
        f"{version('pyvrp')} with one vehicle, optional clients, prizes of up to {TOP:.0e} and a cost of 1 a second.",
        "Differences are ours less PyVRP's, relative.",
        "",
        "- **better, equal, worse**: how many of ours (relative 1e-9)",
        "- **gap**: what is left between value and proven bound, median and largest; PyVRP gives no bound",
        "",
        *_columns(BESIDE_COLUMNS),
    ]


def _beside_table(rows: Sequence[BesideRow]) -> Iterator[str]:
    for posts in sorted({row.posts for row in rows}):
        some = [row for row in rows if row.posts == posts]
        apart = np.array([row.value / row.other - 1 for row in some])
        gap = [row.bound / row.value - 1 for row in some]
        cells = (
            posts,
            len(some),
            int((apart > 1e-9).sum()),
            int((abs(apart) <= 1e-9).sum()),
            int((apart < -1e-9).sum()),
            f"{apart.mean():+.2%}",
            f"{apart.min():+.2%}",
            sum(row.proven for row in some),
            f"{np.median(gap):.1%}, {max(gap):.1%}",
        )
        yield _row(cells)


def _columns(names: Sequence[str]) -> list[str]:
    return [_row(names), _row(["---"] * len(names))]


def _row(cells: Iterable[object]) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"


def main() -> None:
    """Solve everything and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("results/tours.md"), help="file to write")
    parser.add_argument("--seeds", type=int, default=10, help="problems of each size")
    parser.add_argument("--seconds", type=float, default=5.0, help="time for each of ours and PyVRP")
    asked = parser.parse_args()
    proven = []
    for row in proven_rows(PROVEN_SIZES, range(asked.seeds)):
        proven.append(row)
        print(row, flush=True)
    beside = []
    for other in beside_rows(BESIDE_SIZES, range(asked.seeds), asked.seconds):
        beside.append(other)
        print(other, flush=True)
    with written_whole(asked.out) as temporary:
        temporary.write_text(page(proven, beside, asked.seconds), encoding="utf-8")


if __name__ == "__main__":
    main()
