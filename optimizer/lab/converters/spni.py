"""Shortest-path network interdiction (Israeli & Wood, Networks 40, 2002) as instances.

Sets      arcs a with length l_a >= 0, delay d_a >= 0 and cost c_a; a budget B; a source s and a sink t
Maximise  the length of a shortest path from s to t, where an arc that is interdicted is d_a longer, over sets of arcs of cost at most B

With a rate lambda > 0 let an arc have the reliability exp(-lambda l_a) and its option the survival exp(-lambda d_a). The evader's best path is
then the shortest one, and a plan of value v makes the shortest path -ln(v) / lambda long. So bounds of values are bounds of lengths.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.errors import FileProblems, InputError, Problem
from optimizer.lab.converters.snip import number_table
from optimizer.problem.instance.checks import check_evaders
from optimizer.problem.instance.evaders import Evader
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.options import Option, Resource

if TYPE_CHECKING:
    import os

    from numpy.typing import NDArray

DEEPEST = 20.0
"""lambda times the longest that the shortest path can become: values fall to e^-20, and stay far above the last digit."""


def spni_instance(
    file: str | os.PathLike[str], *, source: int, sink: int, budget: float, remarks: list[str] | None = None
) -> Instance:
    """Read a problem of shortest-path interdiction.

    Parameters
    ----------
    file
        Rows of five numbers with blanks or tabs: tail, head, length, delay, cost. A delay of 0 is an arc that cannot be interdicted.
    source, sink
        Numbers of the nodes between which the evader travels.
    budget
        What interdictions may cost together, >= 0.
    remarks
        Receives how to read lengths from values.

    Raises
    ------
    InputError
        If the file is missing or malformed, a number is out of range, or no path leads from source to sink.
    """
    path = Path(file)
    if not budget >= 0:
        raise InputError(Problem("--budget", str(budget), "a number of at least 0"))
    rows = number_table(path, 5, "a file of arcs")
    problems = FileProblems(path, "row")
    wrong = (rows < 0).any(axis=1)
    problems.add_each(np.flatnonzero(wrong) + 1, lambda k: f"{rows[wrong][k].min():g}", "numbers of at least 0")
    problems.raise_if_any()
    node_id = np.unique(rows[:, :2].astype(np.int64))
    for name, node in (("--source", source), ("--sink", sink)):
        if node not in node_id:
            raise InputError(Problem(name, str(node), f"a node of {path.name}: {node_id[0]} to {node_id[-1]}"))
    ends = np.searchsorted(node_id, rows[:, :2].astype(np.int64)).astype(np.int32)
    length, delay, cost = rows[:, 2], rows[:, 3], rows[:, 4]
    origin, destination = (int(np.searchsorted(node_id, node)) for node in (source, sink))
    longest = _longest(ends, length + delay, origin, destination)
    rate = DEEPEST / longest if 0 < longest < np.inf else 1.0
    if remarks is not None:
        remarks.append(
            f"A plan of value v makes the shortest path -ln(v) / {rate:.12g} long; gaps of values are not gaps of lengths."
        )
    instance = Instance(
        name=path.stem,
        node_id=node_id,
        tail=ends[:, 0],
        head=ends[:, 1],
        reliability=np.exp(-rate * length),
        evaders=(Evader("shortest path", origin, destination, 1.0),),
        options=tuple(
            Option(
                f"arc {k + 1}", (k,), (float(np.exp(-rate * delay[k])),), {"cost": float(cost[k])}, kind="interdiction"
            )
            for k in np.flatnonzero(delay > 0).tolist()
        ),
        resources=(Resource("cost", float(budget)),),
    )
    return check_evaders(instance, str(path), on_unreachable=None)


def _longest(ends: NDArray[np.int32], cost: NDArray[np.float64], source: int, sink: int) -> float:
    """Return the length of the shortest path with every arc interdicted; infinity if there is none."""
    from optimizer.problem.network.shortest_paths import cost_graph

    n_nodes = int(ends.max()) + 1
    return float(cost_graph(n_nodes, ends[:, 0], ends[:, 1], cost).distances(np.array([source]))[0, sink])
