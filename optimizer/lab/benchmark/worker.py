"""The child process of `run`: read an instance, solve it, and report progress on
standard output, one JSON object a line.

First the size of the instance, then bounds as they move, at last the result. Before, it
loads compiled kernels and solves a small problem: what it takes to load these and
libraries is not the search's.
"""

from __future__ import annotations

import json
import math
import os
import platform
import sys
import threading
from pathlib import Path
from typing import Any

from optimizer.base.errors import InfeasibleError
from optimizer.base.version import package_version
from optimizer.base.work import kernels
from optimizer.base.work.aside import end_with_parent
from optimizer.base.work.listener import SilentListener
from optimizer.lab.benchmark.families import plain_grid
from optimizer.lab.benchmark.peers import PEERS, peer
from optimizer.lab.rows import own_peak_mb
from optimizer.problem.files.instance_file import read_instance
from optimizer.solvers import kernel_modules
from optimizer.solvers.params import ClockParams, SolveParams
from optimizer.solvers.place import METHODS
from optimizer.solvers.solve import solve


def main(order: dict[str, Any]) -> None:
    """Carry out an order: `instance` (a path), `method`, `seed`, `gap`, `time_limit`,
    `by_work`, `threads`.
    """
    threading.Thread(target=end_with_parent, daemon=True).start()
    say = _Channel()
    load()
    instance = read_instance(Path(order["instance"]))
    say(
        nodes=instance.n_nodes,
        arcs=int(instance.tail.size),
        options=len(instance.options),
        evaders=len(instance.evaders),
        ortools=package_version("ortools"),
        python=platform.python_version(),
    )

    if order["method"] in PEERS:
        METHODS[order["method"]] = peer(order["method"])
    before = _processor_seconds()
    try:
        result = solve(
            instance,
            method=order["method"],
            seed=order["seed"],
            gap=order["gap"],
            time_limit=order["time_limit"],
            params=SolveParams(clock=ClockParams(by_work=order["by_work"])),
            threads=order["threads"],
            listener=_Bounds(say),
        )
    except InfeasibleError as error:
        say(status="infeasible", note=str(error), own_peak_mb=own_peak_mb())
        return
    say(
        status=result.status,
        limit=result.limit,
        lower=result.lower,
        upper=result.upper,
        seconds=result.seconds,
        processor_s=round(_processor_seconds() - before, 4),
        load=round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        plan=None if result.plan is None else list(result.plan.options),
        own_peak_mb=own_peak_mb(),
    )


def load() -> None:
    """Load compiled kernels, which a small problem does without, and by such a problem
    libraries.
    """
    kernels.ready(kernel_modules.SEARCH)
    solve(plain_grid(6, budget=4, n_options=30, n_evaders=5, seed=1), method="cuts", threads=1)


def _processor_seconds() -> float:
    """Return the processor seconds of this process and of the children that have ended."""
    return sum(os.times()[:4])


class _Bounds(SilentListener):
    """Reports bounds on a channel."""

    def __init__(self, say: _Channel) -> None:
        self._say = say

    def bounds_moved(self, lower: float, upper: float) -> None:
        """Write both; the upper one is null while there is no plan."""
        self._say(lower=lower, upper=upper if math.isfinite(upper) else None)


class _Channel:
    """Writes reports to the standard output of the process; whatever else prints there
    goes to standard error from now on.
    """

    def __init__(self) -> None:
        self._stream = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)

    def __call__(self, **content: object) -> None:
        self._stream.write(json.dumps(content) + "\n")
        self._stream.flush()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
