"""How fast the best tour of one team is found and proven, beside CP-SAT alone and
beside PyVRP, which must be installed for it.

`python -m results.measure tours` adds the rows that `results/tours` lacks, and with
`--table` makes its page.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import Delaunay

from optimizer.base.version import package_version
from optimizer.lab.benchmark.rows import FILE, SolverRow
from optimizer.lab.benchmark.suites import Suite
from optimizer.lab.pages import PageFiles, PageTable, fixed, write_page
from optimizer.lab.rows import PlannedRow, RunKey, distinct, made_with, newest_version, solver_stamp
from optimizer.solvers.patrols.tours.circuit import best_circuit
from optimizer.solvers.patrols.tours.pricing import best_tour, quick_tours
from optimizer.solvers.patrols.tours.tour import Tour, TourProblem, check_tour, tour_value
from results.measure.suite import add_suite_arguments, run_suite

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SHIFT, SLOT = 8 * 3600, 1800
LEAST_LEG, USUAL_LEG = 600, 3000
"""Seconds: no leg is shorter than 10 minutes, the median is 50."""
NODES = 10
"""Nodes of the road network for each post."""
PROVEN_SIZES, BESIDE_SIZES = (20, 30, 40), (60, 100, 150, 200)
PROBLEMS = 10
"""Problems of each size: seeds 0 to 9."""
CIRCUIT_LIMIT, BESIDE_SECONDS = 60.0, 5.0
"""Seconds for CP-SAT, and for each of ours and PyVRP."""
TOP = 1e8
"""The largest prize in PyVRP's integers; of 1e4, 1e6 and 1e8 it did best with this, and
with a cost of 1 a second to guide it.
"""


class TourRow(SolverRow):
    """Tour problems of one size solved to proof, by `best_tour` and by CP-SAT alone;
    seconds are processor time.
    """

    posts: int
    problems: int
    proven: int
    median_s: float
    largest_s: float
    circuit_limit: float = Field(description="seconds given to CP-SAT")
    circuit_proven: int
    circuit_median_s: float
    circuit_largest_s: float
    agree: int = Field(description="problems proven by both with the same value")
    both: int = Field(description="problems proven by both")
    quick_ms: float = Field(description="median of `quick_tours` for 10 tours")
    quick_median: float = Field(description="value of its best tour over the optimum, median")
    quick_least: float = Field(description="the same, least")
    load: float | None = Field(description="of the machine when the runs ended")

    @property
    def key(self) -> RunKey:
        """What was run."""
        return tour_key(self.version, self.posts, self.problems, "proof", self.circuit_limit)


class TourComparisonRow(SolverRow):
    """Tour problems of one size in the same time, by `best_tour` and by PyVRP;
    differences are ours less PyVRP's, relative.
    """

    posts: int
    problems: int
    seconds: float = Field(description="for each")
    better: int
    equal: int
    worse: int
    mean_difference: float
    least_difference: float
    proven: int
    median_gap: float
    largest_gap: float
    pyvrp: str = Field(description="version")

    @property
    def key(self) -> RunKey:
        """What was run."""
        return tour_key(self.version, self.posts, self.problems, "PyVRP", self.seconds)


def tour_key(version: str, posts: int, problems: int, method: str, seconds: float) -> RunKey:
    """Return the key of the tour problems of one size, which their number of posts and
    their seeds define.
    """
    return RunKey.of(version, f"tours {posts}", method, problems=problems, seconds=seconds)


def road_problem(
    posts: int, seed: int, *, most_slots: int = 4, leg_worths: bool = True
) -> TourProblem:
    """Return a generated problem on a road network.

    Posts and base are nodes of a planar network whose roads differ in speed up to 2.2
    times; half of all legs take more than 50 minutes, none less than 10. Prizes of
    posts are Pareto (1.5) and level off with dwelling; a leg's is about in proportion
    to its time.

    Parameters
    ----------
    posts
        Number of posts, >= 1.
    seed
        Seed of its chances.
    most_slots
        L.
    leg_worths
        Whether legs have a prize.
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
    road = np.unique(
        np.sort(np.vstack((corner[:, :2], corner[:, 1:], corner[:, ::2])), axis=1), axis=0
    )
    length = np.linalg.norm(point[road[:, 0]] - point[road[:, 1]], axis=1) / rng.choice(
        [1.0, 1.0, 1.6, 2.2], len(road)
    )
    stands = rng.choice(nodes, posts + 1, replace=False)
    graph = csr_array((length, (road[:, 0], road[:, 1])), shape=(nodes, nodes))
    between = dijkstra(graph, directed=False, indices=stands)[:, stands]
    usual = np.median(between[~np.eye(posts + 1, dtype=bool)])
    seconds = np.maximum(
        between * USUAL_LEG / usual * rng.uniform(1, 1.03, between.shape), LEAST_LEG
    )
    np.fill_diagonal(seconds, 0)
    return seconds.astype(np.int64)


@dataclass(frozen=True, slots=True)
class ProofTimes:
    """One problem solved to proof: processor seconds and values, ours and of CP-SAT alone."""

    quick_s: float
    quick_value: float
    labels_s: float
    value: float
    proven: bool
    circuit_s: float
    circuit_value: float
    circuit_bound: float

    @property
    def circuit_proven(self) -> bool:
        """Whether CP-SAT proved its tour."""
        return self.circuit_bound <= self.circuit_value * (1 + 1e-6)


def planned_proofs(
    sizes: Sequence[int] = PROVEN_SIZES, problems: int = PROBLEMS
) -> Iterator[PlannedRow[TourRow]]:
    """Give the rows of problems solved to proof, size by size."""
    for posts in sizes:
        key = tour_key(package_version(), posts, problems, "proof", CIRCUIT_LIMIT)
        yield PlannedRow(key, partial(proof_row, posts, problems))


def planned_comparisons() -> Iterator[PlannedRow[TourComparisonRow]]:
    """Give the rows of problems solved by us and by PyVRP in the same time, size by size."""
    for posts in BESIDE_SIZES:
        key = tour_key(package_version(), posts, PROBLEMS, "PyVRP", BESIDE_SECONDS)
        yield PlannedRow(key, partial(comparison_row, posts, PROBLEMS, BESIDE_SECONDS))


def proof_row(posts: int, problems: int) -> TourRow:
    """Solve the problems of one size to proof, with our method and with CP-SAT alone."""
    some = [_proof_times(road_problem(posts, seed)) for seed in range(problems)]
    ended = [one for one in some if one.circuit_proven]
    both = [one for one in ended if one.proven]
    quick = [one.quick_value / one.value for one in some]
    return TourRow(
        posts=posts,
        problems=problems,
        proven=sum(one.proven for one in some),
        median_s=float(np.median([one.labels_s for one in some])),
        largest_s=max(one.labels_s for one in some),
        circuit_limit=CIRCUIT_LIMIT,
        circuit_proven=len(ended),
        circuit_median_s=float(np.median([one.circuit_s for one in some])),
        circuit_largest_s=max(one.circuit_s for one in some),
        agree=sum(abs(one.value - one.circuit_value) <= 1e-6 * one.value for one in both),
        both=len(both),
        quick_ms=1000 * float(np.median([one.quick_s for one in some])),
        quick_median=float(np.median(quick)),
        quick_least=min(quick),
        load=round(os.getloadavg()[2], 1) if hasattr(os, "getloadavg") else None,
        **solver_stamp(),
    )


def _proof_times(problem: TourProblem) -> ProofTimes:
    at = [time.process_time()]
    tours = quick_tours(problem, 10)
    at.append(time.process_time())
    best = best_tour(problem)
    at.append(time.process_time())
    circuit = best_circuit(problem, time_limit=CIRCUIT_LIMIT, workers=2)
    at.append(time.process_time())
    took = np.diff(at).tolist()
    other = tour_value(problem, circuit.tour) if circuit.tour else 0.0
    return ProofTimes(
        quick_s=took[0],
        quick_value=tour_value(problem, tours[0]),
        labels_s=took[1],
        value=best.value,
        proven=best.proven,
        circuit_s=took[2],
        circuit_value=other,
        circuit_bound=circuit.bound,
    )


def comparison_row(posts: int, problems: int, seconds: float) -> TourComparisonRow:
    """Give our method and PyVRP the same seconds on the problems of one size, of fixed
    dwells without values of legs.
    """
    apart, gap, proven = np.zeros(problems), np.zeros(problems), 0
    for seed in range(problems):
        problem = road_problem(posts, seed, most_slots=1, leg_worths=False)
        best = best_tour(problem, time_limit=seconds)
        apart[seed] = best.value / tour_value(problem, pyvrp_tour(problem, seconds)) - 1
        gap[seed] = best.bound / best.value - 1
        proven += best.proven
    return TourComparisonRow(
        posts=posts,
        problems=problems,
        seconds=seconds,
        better=int((apart > 1e-9).sum()),
        equal=int((abs(apart) <= 1e-9).sum()),
        worse=int((apart < -1e-9).sum()),
        mean_difference=float(apart.mean()),
        least_difference=float(apart.min()),
        proven=proven,
        median_gap=float(np.median(gap)),
        largest_gap=float(gap.max()),
        pyvrp=package_version("pyvrp"),
        **solver_stamp(),
    )


def pyvrp_tour(problem: TourProblem, seconds: float) -> Tour:
    """Return PyVRP's best tour: one vehicle, optional clients with prizes, a limit on
    the duration; dwells are one slot, legs have no prize.
    """
    import pyvrp  # type: ignore[import-not-found, unused-ignore]
    from pyvrp.stop import MaxRuntime  # type: ignore[import-not-found, unused-ignore]

    model = pyvrp.Model()
    place = [model.add_location(0, 0) for _ in range(problem.n + 1)]
    base = model.add_depot(place[0])
    model.add_vehicle_type(
        1,
        start_depot=base,
        end_depot=base,
        shift_duration=problem.shift,
        unit_distance_cost=0,
        unit_duration_cost=1,
    )
    for post, prize in enumerate(problem.prize[:, 1] * (TOP / problem.prize.max()), 1):
        model.add_client(
            place[post], service_duration=problem.slot, prize=round(prize), required=False
        )
    for i in range(problem.n + 1):
        for j in range(problem.n + 1):
            if i != j:
                way = int(problem.travel[i, j])
                model.add_edge(place[i], place[j], distance=way, duration=way)
    found = model.solve(MaxRuntime(seconds), seed=0, display=False).best
    posts = tuple(stop.idx + 1 for route in found.routes() for stop in route if stop.is_client())
    tour = Tour(posts, (1,) * len(posts))
    check_tour(problem, tour)
    return tour


PROOF_COLUMNS = (
    *(
        "posts",
        "problems",
        "proven",
        "median s",
        "largest s",
        "CP-SAT proven",
        "CP-SAT median s",
        "CP-SAT largest s",
    ),
    *("agree", "quick, ms", "quick, value: median", "quick, value: least"),
)
PROOF_FORMATS = {
    **dict.fromkeys(("median s", "largest s"), fixed(2)),
    **dict.fromkeys(("CP-SAT median s", "CP-SAT largest s"), fixed(1)),
    **dict.fromkeys(("quick, value: median", "quick, value: least"), fixed(3)),
    "quick, ms": fixed(0),
}
COMPARISON_COLUMNS = (
    *(
        "posts",
        "problems",
        "better",
        "equal",
        "worse",
        "mean difference",
        "least difference",
        "proven",
    ),
    *("median gap", "largest gap"),
)
COMPARISON_FORMATS = {
    **dict.fromkeys(("mean difference", "least difference"), "{:+.2%}".format),
    **dict.fromkeys(("median gap", "largest gap"), "{:.1%}".format),
}


def write_tour_page(
    path: Path, proofs: Sequence[TourRow], comparisons: Sequence[TourComparisonRow]
) -> PageFiles:
    """Write the page of the rows of the newest version."""
    proofs, comparisons = newest_version(proofs), newest_version(comparisons)
    rows = [*proofs, *comparisons]
    content = {
        **made_with(rows),
        "load": max((row.load for row in proofs if row.load is not None), default=None),
        "circuit_limit": distinct(f"{row.circuit_limit:g}" for row in proofs),
        "proofs": PageTable.of(
            PROOF_COLUMNS,
            [
                (
                    *(
                        row.posts,
                        row.problems,
                        row.proven,
                        row.median_s,
                        row.largest_s,
                        row.circuit_proven,
                    ),
                    *(row.circuit_median_s, row.circuit_largest_s, f"{row.agree} of {row.both}"),
                    *(row.quick_ms, row.quick_median, row.quick_least),
                )
                for row in proofs
            ],
            PROOF_FORMATS,
        ),
        "seconds": distinct(f"{row.seconds:g}" for row in comparisons),
        "top": f"{TOP:.0e}",
        "comparisons": PageTable.of(
            COMPARISON_COLUMNS,
            [
                (
                    *(
                        row.posts,
                        row.problems,
                        row.better,
                        row.equal,
                        row.worse,
                        row.mean_difference,
                    ),
                    *(row.least_difference, row.proven, row.median_gap, row.largest_gap),
                )
                for row in comparisons
            ],
            COMPARISON_FORMATS,
        ),
    }
    return PageFiles(write_page(path, "tours.md.j2", **content), [])


SUITE = Suite(
    "the best tour of one team, beside CP-SAT and PyVRP",
    {
        FILE: (TourRow, lambda _: planned_proofs()),
        "pyvrp.jsonl": (TourComparisonRow, lambda _: planned_comparisons()),
    },
    write_tour_page,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the measurement takes."""
    add_suite_arguments(parser, Path("results/tours"))


def main(asked: argparse.Namespace) -> None:
    """Add the rows that are missing, or make the page."""
    run_suite(SUITE, asked)
