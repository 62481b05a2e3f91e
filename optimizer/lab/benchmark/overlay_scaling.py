"""How the contraction grows with the road network and the number of options: each case in a process of its own.

`bench --overlay` shows the rows; `python -m optimizer.lab.benchmark.overlay_scaling` writes them as `results/overlay.md`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from scipy.sparse.csgraph import connected_components

from optimizer.base.errors import SolverError
from optimizer.base.files import written_whole
from optimizer.lab.benchmark.scaling_roads import Roads, made_up_roads
from optimizer.problem.evaders import Evader, arc_costs
from optimizer.problem.evaluation import plan_value
from optimizer.problem.graph import cost_graph
from optimizer.problem.instance import Instance
from optimizer.problem.options import Option, Resource
from optimizer.solvers.overlay.overlay import Overlay, contract
from optimizer.solvers.solve import solve

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

T = TypeVar("T")

SIZES, OPTIONS = (10_000, 100_000, 1_000_000), (50, 200, 500)
ORIGINS, DESTINATIONS = 8, 10
SURVIVAL = 0.6
FOUND_AN_HOUR = 0.02
"""Ordinary policing, as in the README."""
BUDGET = 10.0
SAMPLE = 20
"""SciPy searches measured; their mean stands for all."""
MAJOR = ("motorway", "trunk", "primary", "secondary", "tertiary")
"""Roads of an extract on which options stand."""


@dataclass(frozen=True, slots=True)
class OverlayRow:
    """One case.

    Attributes
    ----------
    network
        Where the roads come from.
    nodes, arcs, options
        Size of the problem.
    sources
        Ends of option arcs and of evaders: what SciPy's searches start from.
    contract_s
        Seconds of `contract`, the smaller of two runs.
    scipy_s
        Seconds of one bare SciPy Dijkstra from each of the sources on the whole network, from the mean of a sample.
    faster
        scipy_s over contract_s.
    overlay_nodes, overlay_arcs
        Size of the overlay.
    peak_mb
        Largest resident size of the process up to the end of the contraction, the network included; None where unknown.
    evaluate_ms
        Milliseconds to value a plan on the overlay.
    roads_ms
        The same on the roads.
    greedy_s
        Seconds of `solve(..., method="greedy")` on the overlay, as an instance of its own.
    difference
        Relative difference of the two values.
    """

    network: str
    nodes: int
    arcs: int
    options: int
    sources: int
    contract_s: float
    scipy_s: float
    faster: float
    overlay_nodes: int
    overlay_arcs: int
    peak_mb: float | None
    evaluate_ms: float
    roads_ms: float
    greedy_s: float
    difference: float


def measure_overlay(
    sizes: Sequence[int] = SIZES, options: Sequence[int] = OPTIONS, extract: Path | None = None
) -> list[OverlayRow]:
    """Measure made-up networks of each size, and the extract if given, with each number of options.

    Raises
    ------
    SolverError
        If a case fails; with what its process said.
    """
    networks = [*(str(size) for size in sizes), *([str(extract)] if extract is not None else [])]
    return [_in_own_process(network, count) for network in networks for count in options]


def write_overlay_table(rows: Sequence[OverlayRow], path: Path) -> None:
    """Write the rows as a Markdown page, with what they mean on top."""
    cells = [
        [
            row.network,
            f"{row.nodes:,}",
            f"{row.arcs:,}",
            str(row.options),
            f"{row.sources:,}",
            f"{row.contract_s:.2f}",
            f"{row.scipy_s:.1f}",
            f"{row.faster:.1f}",
            f"{row.overlay_nodes:,}",
            f"{row.overlay_arcs:,}",
            "-" if row.peak_mb is None else f"{row.peak_mb:.0f}",
            f"{row.evaluate_ms:.1f}",
            f"{row.roads_ms:.0f}",
            f"{row.greedy_s:.2f}",
            f"{row.difference:.0e}",
        ]
        for row in rows
    ]
    table = [["network", *(title for title, _ in COLUMNS)], ["---"] * (len(COLUMNS) + 1), *cells]
    meanings = "\n".join(f"- **{title}**: {meaning}" for title, meaning in COLUMNS)
    machine = (
        f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}, NumPy {np.__version__}"
    )
    lines = "\n".join(f"| {' | '.join(line)} |" for line in table)
    with written_whole(path) as whole:
        whole.write_text(INTRODUCTION.format(machine=machine) + f"\n\n{meanings}\n\n{lines}\n", encoding="utf-8")


INTRODUCTION = f"""# How the contraction grows with the road network

`python -m optimizer.lab.benchmark.overlay_scaling`, on {{machine}}; one case at a time, each in a process of its own, on one
core; times are processor time, so that what else the machine did does not count.

Made-up networks are those of `optimizer/lab/benchmark/scaling_roads.py`: 2.6 neighbours a node on average, half the nodes bends or ends, 5 % of
the arcs fast roads; an extract has its drivable roads. Options stand on random major roads (the fast ones; {", ".join(MAJOR)} in an
extract), watch both directions, and let {SURVIVAL:.0%} through; ordinary policing finds {FOUND_AN_HOUR:.0%} an hour. {ORIGINS} origins and
{DESTINATIONS} destinations at random, every pair an informed evader."""

COLUMNS = (
    ("nodes", "of the road network"),
    ("arcs", "of the road network, both directions counted"),
    ("options", "each on the arcs of one road, both directions"),
    ("sources", "different ends of option arcs and of evaders"),
    ("ours, s", "`contract`: elimination, searches on the core, pruning; the smaller of two runs"),
    (
        "SciPy, s",
        (
            "one bare `scipy.sparse.csgraph.dijkstra` from each source on the whole network: the mean of a sample of "
            f"{SAMPLE}, times the sources; the searches that prune would come on top"
        ),
    ),
    ("times faster", "SciPy, s over ours, s"),
    ("overlay nodes", "what solvers work on"),
    ("overlay arcs", "what solvers work on"),
    ("peak, MB", "largest resident size of the process, network and imports included, when the contraction ends"),
    ("value, ms", "the value of a plan on the overlay"),
    ("on roads, ms", "the same value on the road network"),
    (
        "greedy, s",
        '`solve(..., method="greedy")` on the overlay, given as an instance: what solving takes after the contraction',
    ),
    ("difference", "of the values on overlay and roads, relative"),
)


def _in_own_process(network: str, options: int) -> OverlayRow:
    done = subprocess.run(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-m", "optimizer.lab.benchmark.overlay_scaling", "--case", network, str(options)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])},
    )
    if done.returncode:
        raise SolverError(f"{network} with {options} options: {done.stderr.strip().splitlines()[-1:]}")
    return OverlayRow(**json.loads(done.stdout.splitlines()[-1]))


def measure_case(network: str, options: int) -> OverlayRow:
    """Measure one case in this process; `network` is a number of nodes or the path of an extract."""
    made_up = network.isdigit()
    instance = _instance(made_up_roads(int(network)) if made_up else _roads_of(Path(network)), options)
    contract_s, overlay = min((_timed(lambda: contract(instance)) for _ in range(2)), key=itemgetter(0))
    peak_mb = _peak_mb()
    sources = _sources(instance)
    scipy_s = _search_seconds(instance, sources) * sources.size
    placed = np.zeros(options, dtype=bool)
    placed[: int(BUDGET)] = True
    evaluate_s, value = min(_timed(lambda: overlay.value(placed)) for _ in range(5))
    roads_s, truth = min(_timed(lambda: plan_value(instance, placed)) for _ in range(2))
    greedy_s, _ = _timed(lambda: solve(_as_instance(instance, overlay), method="greedy"))
    return OverlayRow(
        network="made up" if made_up else Path(network).name.split(".")[0],
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
    )


def _instance(roads: Roads, options: int) -> Instance:
    rng = np.random.default_rng(1)
    chosen = rng.choice(np.flatnonzero(roads.major), options, replace=False)
    arcs = {int(s): tuple(np.flatnonzero(roads.segment == s).tolist()) for s in chosen}
    origins, destinations = (rng.integers(0, roads.n_nodes, count).tolist() for count in (ORIGINS, DESTINATIONS))
    return Instance(
        name="roads",
        node_id=np.arange(roads.n_nodes),
        tail=roads.tail,
        head=roads.head,
        reliability=np.exp(-FOUND_AN_HOUR / 3600 * roads.time_s),
        evaders=tuple(Evader(f"{o} to {d}", o, d, 1 / ORIGINS / DESTINATIONS) for o in origins for d in destinations),
        options=tuple(Option(f"post-{s}", both, (SURVIVAL,) * len(both), {"teams": 1.0}) for s, both in arcs.items()),
        resources=(Resource("teams", BUDGET),),
    )


def _roads_of(extract: Path) -> Roads:
    """Return the largest piece of an extract's drivable network from every node of which every other is reached."""
    from optimizer.region import read_region

    network = read_region(extract).network
    _, piece = connected_components(network.time_graph().matrix, directed=True, connection="strong")
    inside = piece == np.bincount(piece).argmax()
    kept = np.flatnonzero(inside[network.tail] & inside[network.head])
    position = np.cumsum(inside) - 1
    major = np.isin(network.road_class[network.segment_arc], MAJOR)
    major[np.setdiff1d(np.arange(network.n_segments), network.segment[kept])] = False
    return Roads(
        n_nodes=int(inside.sum()),
        tail=position[network.tail[kept]].astype(np.int32),
        head=position[network.head[kept]].astype(np.int32),
        time_s=network.time_s[kept],
        segment=network.segment[kept],
        major=major,
    )


def _sources(instance: Instance) -> NDArray[np.int64]:
    watched = instance.effects[1]
    ends = [end for evader in instance.evaders for end in (evader.origin, evader.destination)]
    return np.unique(np.concatenate((instance.tail[watched], instance.head[watched], ends))).astype(np.int64)


def _search_seconds(instance: Instance, sources: NDArray[np.int64]) -> float:
    """Return the mean seconds of a SciPy Dijkstra on the roads, over a sample of the sources."""
    graph = cost_graph(instance.n_nodes, instance.tail, instance.head, arc_costs(instance.reliability))
    sample = sources[np.linspace(0, sources.size - 1, min(SAMPLE, sources.size)).astype(int)]
    seconds, _ = min(
        (_timed(lambda: [graph.distances([s]) for s in sample.tolist()]) for _ in range(2)), key=itemgetter(0)
    )
    return seconds / len(sample)


def _as_instance(instance: Instance, overlay: Overlay) -> Instance:
    """Return the overlay as an instance of its own, of the same options."""
    arcs = [np.flatnonzero(overlay.option == j) for j in range(len(instance.options))]
    ends = zip(overlay.origin.tolist(), overlay.destination.tolist(), overlay.weight.tolist(), strict=True)
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
    """Return processor seconds and outcome: all that is measured runs on one core, and what else the machine does should not count."""
    began = time.process_time()
    outcome = run()
    return time.process_time() - began, outcome


def _peak_mb() -> float | None:
    if sys.platform == "win32":
        return None
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024**2 if sys.platform == "darwin" else 1024)


def _main() -> None:
    parser = argparse.ArgumentParser(description="Measure the contraction and write the table.")
    parser.add_argument(
        "--case", nargs=2, metavar=("NETWORK", "OPTIONS"), help="Measure one case here; print it as JSON."
    )
    parser.add_argument("--extract", type=Path, help="OpenStreetMap extract to measure as well.")
    parser.add_argument("--out", type=Path, default=Path("results/overlay.md"), help="Page to write.")
    given = parser.parse_args()
    if given.case:
        print(json.dumps(asdict(measure_case(given.case[0], int(given.case[1])))))
        return
    write_overlay_table(measure_overlay(extract=given.extract), given.out)


if __name__ == "__main__":
    _main()
