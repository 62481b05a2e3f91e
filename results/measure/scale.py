"""How far a search comes as problems grow: `python -m results.measure scale NODES OPTIONS
EVADERS BUDGET SECONDS [WORKERS]` prints a table row.

Roads are those of the suite `overlay`, with options on random major roads that watch
both directions. As many random origins as destinations make the evaders, all informed
and of equal weight. The limit is one by work, and all seconds are processor seconds of
this process: the only one, or one beside so many workers of a dask cluster on this
machine.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import numpy as np
from numpy.typing import NDArray

from optimizer.base.work.listener import SilentListener
from optimizer.lab.rows import own_peak_mb
from optimizer.problem.instance.evaders import Evader
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.options import Option, Resource
from optimizer.problem.plan.result import relative_gap
from optimizer.solvers.params import ClockParams, SolveParams
from optimizer.solvers.solve import solve
from results.measure.overlay import FOUND_AN_HOUR, SURVIVAL, scaling_roads

COLUMNS = (
    *(
        "nodes",
        "options",
        "evaders",
        "budget",
        "limit, s",
        "took, s",
        "contracting, s",
        "root ends, s",
        "programs",
    ),
    *(
        "nodes of the tree",
        "overlay nodes",
        "overlay arcs",
        "lower",
        "upper",
        "gap",
        "largest size, MB",
    ),
)


class _Steps(SilentListener):
    """Notes how long the contraction takes, and when the root has been cut."""

    def __init__(self) -> None:
        self.began, self.contracting, self.root = time.process_time(), 0.0, float("nan")

    def step_started(self, name: str) -> None:
        if name == "contracting":  # what is compiled before does not count
            self.began = time.process_time()

    def step_ended(self, name: str, seconds: float) -> None:
        del seconds
        now = time.process_time() - self.began
        if name == "contracting":
            self.contracting = now
        elif name == "cutting":
            self.root = now


def scaled(nodes: int, options: int, evaders: int, budget: int) -> Instance:
    """Return a problem of these sizes, always the same one."""
    rng, roads = np.random.default_rng(1), scaling_roads(nodes)
    major: NDArray[np.int64] = np.flatnonzero(roads.major)
    order = np.argsort(roads.segment, kind="stable").reshape(-1, 2)  # both directions of each road
    origins = max(int(np.sqrt(evaders)), 1)
    starts = rng.choice(nodes, origins, replace=False)
    ends = rng.choice(nodes, -(-evaders // origins), replace=False)
    pairs = [(int(o), int(d)) for d in ends for o in starts][:evaders]
    return Instance(
        name="scaled",
        node_id=np.arange(nodes),
        tail=roads.tail,
        head=roads.head,
        reliability=np.exp(-FOUND_AN_HOUR / 3600 * roads.time_s),
        evaders=tuple(Evader(f"e{k}", o, d, 1 / evaders) for k, (o, d) in enumerate(pairs)),
        options=tuple(
            Option(
                f"s{segment}", tuple(order[segment].tolist()), (SURVIVAL, SURVIVAL), {"teams": 1.0}
            )
            for segment in rng.choice(major, options, replace=False).tolist()
        ),
        resources=(Resource("teams", float(budget)),),
    )


@contextmanager
def _cluster(workers: int) -> Iterator[str]:
    """Yield the address of a scheduler with so many workers on this machine, a process each."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=workers, threads_per_worker=1, host="127.0.0.1", dashboard_address=":0"
    ) as local:
        yield local.scheduler_address


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the measurement takes."""
    for name in ("nodes", "options", "evaders", "budget"):
        parser.add_argument(name, type=int)
    parser.add_argument("seconds", type=float, help="of work")
    parser.add_argument("workers", nargs="?", type=int, help="of a dask cluster on this machine")


def main(asked: argparse.Namespace) -> None:
    """Print the columns and a row."""
    nodes, options, evaders, budget = asked.nodes, asked.options, asked.evaders, asked.budget
    limit = asked.seconds
    print("| " + " | ".join(COLUMNS) + " |")
    instance = scaled(nodes, options, evaders, budget)
    steps, params = _Steps(), SolveParams(clock=ClockParams(by_work=True))
    with ExitStack() as stack:
        scheduler = stack.enter_context(_cluster(asked.workers)) if asked.workers else None
        result = solve(
            instance,
            time_limit=limit,
            threads=1,
            listener=steps,
            params=params,
            scheduler=scheduler,
        )
    took, found = time.process_time() - steps.began, result.statistics
    sizes = (
        found["linear_programs"],
        found["nodes"],
        found["overlay_nodes"],
        found["overlay_arcs"],
    )
    gap = relative_gap(result.lower, result.upper) or 0.0
    cells = (
        *(f"{each:,}" for each in (nodes, options, evaders, budget)),
        *(f"{each:.1f}" for each in (limit, took, steps.contracting, steps.root)),
        *(f"{int(each):,}" for each in sizes),
        *(f"{each or 0.0:.5f}" for each in (result.lower, result.upper)),
        f"{100 * gap:.2f} %",
        f"{own_peak_mb() or 0.0:.0f}",
    )
    print("| " + " | ".join(cells) + " |", flush=True)
