"""How the contraction grows with the road network and the number of options: each case
in a process of its own.

`python -m results.measure overlay [--extract FILE]` adds the rows that
`results/overlay` lacks, and with `--table` makes its page.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from pydantic import Field
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree

from optimizer.base.errors import SolverError
from optimizer.base.version import package_version
from optimizer.base.work.executor import cores
from optimizer.lab.benchmark.rows import FILE
from optimizer.lab.benchmark.suites import Suite
from optimizer.lab.pages import PageFiles, PageTable, fixed, thousands, write_page
from optimizer.lab.rows import (
    PlannedRow,
    RunKey,
    StoredRow,
    made_with,
    newest_version,
    own_peak_mb,
    stamp,
)
from optimizer.problem.instance.evaders import Evader, arc_costs
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.options import Option, Resource
from optimizer.problem.network.shortest_paths import cost_graph
from optimizer.problem.plan.evaluation import plan_value
from optimizer.solvers.overlay.overlay import Overlay, contract
from optimizer.solvers.solve import solve
from results.measure.suite import add_suite_arguments, run_suite

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from optimizer.problem.network.network import Network

T = TypeVar("T")

SIZES, OPTIONS = (10_000, 100_000, 1_000_000), (50, 200, 500)

ORIGINS, DESTINATIONS = 8, 10

SURVIVAL = 0.6

FOUND_AN_HOUR = 0.02
"""Ordinary policing, as in the README."""

BUDGET = 10.0

SAMPLE = 20
"""SciPy searches measured; their mean stands for all."""

ALONE = """
import sys
from results.measure.overlay import measure_case
print(measure_case(sys.argv[1], int(sys.argv[2])).model_dump_json())
"""
"""Program of the process of one case."""

MAJOR = ("motorway", "trunk", "primary", "secondary", "tertiary")
"""Roads of an extract on which options stand."""


class OverlayRow(StoredRow):
    """The contraction of one road network with so many options; seconds are processor time."""

    cores: int
    numpy: str
    network: str = Field(description="where the roads come from")
    nodes: int
    arcs: int
    options: int
    sources: int = Field(
        description="ends of option arcs and of evaders: where SciPy's searches start"
    )
    contract_s: float = Field(description="of `contract`, the smaller of two runs")
    scipy_s: float = Field(
        description="of one bare SciPy Dijkstra from each source, from the mean of a sample"
    )
    faster: float = Field(description="scipy_s over contract_s")
    overlay_nodes: int
    overlay_arcs: int
    peak_mb: float | None = Field(
        description="largest resident size of the process when the contraction ended"
    )
    evaluate_ms: float = Field(description="to value a plan on the overlay")
    roads_ms: float = Field(description="the same on the roads")
    greedy_s: float = Field(
        description="of the greedy method on the overlay, as an instance of its own"
    )
    difference: float = Field(description="of the two values, relative")

    @property
    def key(self) -> RunKey:
        """What was run."""
        return overlay_key(self.version, self.network, self.options)


def overlay_key(version: str, network: str, options: int) -> RunKey:
    """Return the key of a contraction; generated networks are named by their size."""
    return RunKey.of(version, network, "contract", options=options)


def planned_rows(
    sizes: Sequence[int] = SIZES, options: Sequence[int] = OPTIONS, extract: Path | None = None
) -> Iterator[PlannedRow[OverlayRow]]:
    """Give the rows of generated networks of each size, and of the extract if given,
    with each number of options.
    """
    networks = [*(str(size) for size in sizes), *([str(extract)] if extract is not None else [])]
    for network in networks:
        for count in options:
            key = overlay_key(package_version(), network_name(network), count)
            yield PlannedRow(key, partial(_in_own_process, network, count))


def network_name(network: str) -> str:
    """Return what a network is called: `generated 10000` by its size, or the extract's name."""
    return f"generated {network}" if network.isdigit() else Path(network).name.split(".")[0]


def _in_own_process(network: str, options: int) -> OverlayRow:
    done = subprocess.run(
        [sys.executable, "-c", ALONE, network, str(options)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    if done.returncode:
        raise SolverError(
            f"{network} with {options} options: {done.stderr.strip().splitlines()[-1:]}"
        )
    return OverlayRow(**json.loads(done.stdout.splitlines()[-1]))


def measure_case(network: str, options: int) -> OverlayRow:
    """Measure one case in this process; `network` is a number of nodes or the path of
    an extract.
    """
    instance = (
        _instance(scaling_roads(int(network)), options)
        if network.isdigit()
        else _of_extract(network, options)
    )
    contract_s, overlay = min(
        (_timed(lambda: contract(instance)) for _ in range(2)), key=itemgetter(0)
    )
    peak_mb = own_peak_mb()
    sources = _sources(instance)
    scipy_s = _search_seconds(instance, sources) * sources.size
    placed = np.zeros(options, dtype=bool)
    placed[: int(BUDGET)] = True
    evaluate_s, value = min(_timed(lambda: overlay.value(placed)) for _ in range(5))
    roads_s, truth = min(_timed(lambda: plan_value(instance, placed)) for _ in range(2))
    greedy_s, _ = _timed(lambda: solve(_as_instance(instance, overlay), method="greedy"))
    return OverlayRow(
        network=network_name(network),
        nodes=instance.n_nodes,
        arcs=int(instance.tail.size),
        options=options,
        sources=int(sources.size),
        contract_s=contract_s,
        scipy_s=scipy_s,
        faster=scipy_s / contract_s,
        overlay_nodes=overlay.n_nodes,
        overlay_arcs=int(overlay.tail.size),
        peak_mb=peak_mb,
        evaluate_ms=1000 * evaluate_s,
        roads_ms=1000 * roads_s,
        greedy_s=greedy_s,
        difference=abs(value - truth) / truth,
        cores=cores(),
        numpy=np.__version__,
        **stamp(),
    )


def _instance(roads: ScalingRoads, options: int) -> Instance:
    rng = np.random.default_rng(1)
    chosen = rng.choice(np.flatnonzero(roads.major), options, replace=False)
    arcs = {int(s): tuple(np.flatnonzero(roads.segment == s).tolist()) for s in chosen}
    origins, destinations = (
        rng.integers(0, roads.n_nodes, count).tolist() for count in (ORIGINS, DESTINATIONS)
    )
    return Instance(
        name="roads",
        node_id=np.arange(roads.n_nodes),
        tail=roads.tail,
        head=roads.head,
        reliability=np.exp(-FOUND_AN_HOUR / 3600 * roads.time_s),
        evaders=tuple(
            Evader(f"{o} to {d}", o, d, 1 / ORIGINS / DESTINATIONS)
            for o in origins
            for d in destinations
        ),
        options=tuple(
            Option(f"post-{s}", both, (SURVIVAL,) * len(both), {"teams": 1.0})
            for s, both in arcs.items()
        ),
        resources=(Resource("teams", BUDGET),),
    )


def _of_extract(extract: str, options: int) -> Instance:
    from optimizer.region import read_region

    return problem_on(read_region(extract).network, options)


def problem_on(network: Network, options: int) -> Instance:
    """Return a problem of random options on the largest piece of a network from every
    node of which every other is reached.
    """
    _, piece = connected_components(network.time_graph().matrix, directed=True, connection="strong")
    inside = piece == np.bincount(piece).argmax()
    kept = np.flatnonzero(inside[network.tail] & inside[network.head])
    position = np.cumsum(inside, dtype=np.int32) - 1
    major = np.isin(network.road_class[network.segment_arc], MAJOR)
    major[np.setdiff1d(np.arange(network.n_segments), network.segment[kept])] = False
    roads = ScalingRoads(
        n_nodes=int(inside.sum()),
        tail=position[network.tail[kept]],
        head=position[network.head[kept]],
        time_s=network.time_s[kept],
        segment=network.segment[kept],
        major=major,
    )
    return _instance(roads, options)


def _sources(instance: Instance) -> NDArray[np.int64]:
    watched = instance.effects[1]
    ends = [end for evader in instance.evaders for end in (evader.origin, evader.destination)]
    return np.unique(np.concatenate((instance.tail[watched], instance.head[watched], ends))).astype(
        np.int64
    )


def _search_seconds(instance: Instance, sources: NDArray[np.int64]) -> float:
    """Return the mean seconds of a SciPy Dijkstra on the roads, over a sample of the sources."""
    graph = cost_graph(
        instance.n_nodes, instance.tail, instance.head, arc_costs(instance.reliability)
    )
    sample = sources[np.linspace(0, sources.size - 1, min(SAMPLE, sources.size)).astype(int)]
    seconds, _ = min(
        (_timed(lambda: [graph.distances([s]) for s in sample.tolist()]) for _ in range(2)),
        key=itemgetter(0),
    )
    return seconds / len(sample)


def _as_instance(instance: Instance, overlay: Overlay) -> Instance:
    """Return the overlay as an instance of its own, of the same options."""
    arcs = [np.flatnonzero(overlay.option == j) for j in range(len(instance.options))]
    ends = zip(
        overlay.origin.tolist(), overlay.destination.tolist(), overlay.weight.tolist(), strict=True
    )
    return Instance(
        name="overlay",
        node_id=np.arange(overlay.n_nodes),
        tail=overlay.tail,
        head=overlay.head,
        reliability=overlay.reliability,
        evaders=tuple(Evader(str(k), *end) for k, end in enumerate(ends)),
        options=tuple(
            Option(option.id, tuple(a.tolist()), tuple(overlay.survival[a].tolist()), option.uses)
            for option, a in zip(instance.options, arcs, strict=True)
        ),
        resources=instance.resources,
    )


def _timed(run: Callable[[], T]) -> tuple[float, T]:
    """Return processor seconds and outcome: all that is measured runs on one core, and
    what else the machine does should not count.
    """
    began = time.process_time()
    outcome = run()
    return time.process_time() - began, outcome


COLUMNS = {
    "network": "network",
    "nodes": "nodes",
    "arcs": "arcs",
    "options": "options",
    "sources": "sources",
    "contract_s": "ours, s",
    "scipy_s": "SciPy, s",
    "faster": "times faster",
    "overlay_nodes": "overlay nodes",
    "overlay_arcs": "overlay arcs",
    "peak_mb": "peak, MB",
    "evaluate_ms": "value, ms",
    "roads_ms": "on roads, ms",
    "greedy_s": "greedy, s",
    "difference": "difference",
}

FORMATS = {
    **dict.fromkeys(("nodes", "arcs", "sources", "overlay nodes", "overlay arcs"), thousands),
    **dict.fromkeys(("ours, s", "greedy, s"), fixed(2)),
    **dict.fromkeys(("SciPy, s", "times faster", "value, ms"), fixed(1)),
    **dict.fromkeys(("peak, MB", "on roads, ms"), "{:.0f}".format),
    "network": lambda name: "generated" if name.startswith("generated") else name,
    "difference": "{:.0e}".format,
}


def write_overlay_page(path: Path, rows: Sequence[OverlayRow]) -> PageFiles:
    """Write the page of the rows of the newest version."""
    chosen = newest_version(rows)
    content = {
        **made_with(chosen),
        "major": ", ".join(MAJOR),
        "through": f"{SURVIVAL:.0%}",
        "found": f"{FOUND_AN_HOUR:.0%}",
        "origins": ORIGINS,
        "destinations": DESTINATIONS,
        "sample": SAMPLE,
        "table": PageTable.of(
            list(COLUMNS.values()), [[getattr(row, k) for k in COLUMNS] for row in chosen], FORMATS
        ),
    }
    return PageFiles(write_page(path, "overlay.md.j2", **content), [])


JUNCTIONS, BENDS = 0.55, 0.3
"""Shares of the nodes; the rest are dead ends."""

STREETS = 1.55
"""Streets a junction."""

FAST_EVERY = 25
"""Lines of the grid from one fast road to the next."""

BLOCK_M = 200.0
"""Metres between junctions."""

FAST_MS, SLOW_MS = 25.0, (8.0, 11.0, 14.0)
"""Metres a second on fast roads, and on others at random."""


@dataclass(frozen=True)
class ScalingRoads:
    """ScalingRoads whose two directions are two arcs."""

    #: Number of nodes.
    n_nodes: int
    #: `tail`, `head`: (m,) node positions.
    tail: NDArray[np.int32]
    head: NDArray[np.int32]
    #: (m,) seconds of travel.
    time_s: NDArray[np.float64]
    #: (m,) road in [0, s): the two directions of one share it.
    segment: NDArray[np.int32]
    #: (s,) whether a segment is one where posts would stand.
    major: NDArray[np.bool_]


def scaling_roads(n_nodes: int) -> ScalingRoads:
    """Return a network of `n_nodes` >= 20 nodes, always the same one."""
    rng = np.random.default_rng(0)
    side = int(np.sqrt(JUNCTIONS * n_nodes))
    ends, fast = _streets(side, rng)
    xy = np.stack(np.divmod(np.arange(side * side), side), axis=1) + rng.uniform(
        -0.35, 0.35, (side * side, 2)
    )
    metres = (
        BLOCK_M * np.hypot(*(xy[ends[:, 0]] - xy[ends[:, 1]]).T) * rng.uniform(1, 1.4, len(ends))
    )
    seconds = metres / np.where(fast, FAST_MS, rng.choice(SLOW_MS, len(ends)))
    ends, street, pieces = _bent(ends, int(BENDS * n_nodes), side * side, rng)
    seconds, fast = seconds[street] / pieces * rng.uniform(0.7, 1.3, street.size), fast[street]
    grown = side * side + int(BENDS * n_nodes)
    stubs = np.column_stack((rng.integers(0, grown, n_nodes - grown), np.arange(grown, n_nodes)))
    tail, head = np.concatenate((ends, stubs)).astype(np.int32).T
    time_s = np.concatenate((seconds, rng.uniform(5, 60, len(stubs))))
    return ScalingRoads(
        n_nodes=n_nodes,
        tail=np.concatenate((tail, head)),
        head=np.concatenate((head, tail)),
        time_s=np.tile(time_s, 2),
        segment=np.tile(np.arange(time_s.size, dtype=np.int32), 2),
        major=np.concatenate((fast, np.zeros(len(stubs), dtype=bool))),
    )


def _streets(side: int, rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the (streets, 2) ends, and which are fast: those, a random spanning tree,
    and others up to the number wanted.
    """
    node = np.arange(side * side).reshape(side, side)
    ends = np.concatenate(
        (
            np.column_stack((node[:, :-1].ravel(), node[:, 1:].ravel())),
            np.column_stack((node[:-1].ravel(), node[1:].ravel())),
        )
    )
    line = np.concatenate(
        (np.repeat(np.arange(side), side - 1), np.tile(np.arange(side), side - 1))
    )
    fast = line % FAST_EVERY == FAST_EVERY // 2
    chance = np.where(fast, 1e-9, rng.uniform(1e-6, 1, len(ends)))
    tree = minimum_spanning_tree(csr_array((chance, ends.T), shape=(node.size, node.size))).tocoo()
    kept = fast | np.isin(ends @ [node.size, 1], tree.row.astype(np.int64) * node.size + tree.col)
    others = np.flatnonzero(~kept)
    more = min(max(0, int(STREETS * node.size) - int(kept.sum())), others.size)
    kept[rng.choice(others, more, replace=False)] = True
    return ends[kept], fast[kept]


def _bent(
    ends: NDArray[np.int64], bends: int, first: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Put nodes, numbered from `first`, into random streets; return ends of the pieces,
    the street of each, and how many it has.
    """
    pieces = np.bincount(rng.integers(0, len(ends), bends), minlength=len(ends)) + 1
    street = np.repeat(np.arange(len(ends)), pieces)
    place = np.arange(street.size) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    tail = np.where(place == 0, ends[street, 0], first + np.cumsum(place > 0) - 1)
    head = np.where(place == pieces[street] - 1, ends[street, 1], np.roll(tail, -1))
    return np.column_stack((tail, head)), street, pieces[street]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the measurement takes."""
    add_suite_arguments(parser, Path("results/overlay"))
    parser.add_argument("--extract", type=Path, help="OpenStreetMap extract to measure as well")


def main(asked: argparse.Namespace) -> None:
    """Add the rows that are missing, or make the page."""
    suite = Suite(
        "the contraction of road networks of growing size",
        {FILE: (OverlayRow, lambda _: planned_rows(extract=asked.extract))},
        write_overlay_page,
    )
    run_suite(suite, asked)
