"""The stochastic network interdiction benchmark (Pan & Morton) as instances.

A folder holds `arcgainN.txt` (tail, head, r: arcs without an option), `intd_arcN.txt`
(tail, head, r, q: arcs that can take a sensor) and `Scenarios.txt` (origin,
destination, probability). Problems with a name in place of a number have
`nonint_NAME.txt` and `int_NAME.txt`. With a sensor an arc's reliability falls from r to
q (snipno 1), 0.5 r (2), 0.1 r (3) or 0 (4). At most `budget` sensors of unit cost.

Source of the rule: Pan & Morton, Networks 52 (2008); the numbering of `snipno` follows
Bodur, Dash, Gunluk & Luedtke (2017).

Shortest-path network interdiction (Israeli & Wood, Networks 40, 2002) as instances.

Sets      arcs a with length l_a >= 0, delay d_a >= 0 and cost c_a; a budget B; a source s and a sink t
Maximise  the length of a shortest path from s to t, where an arc that is interdicted is d_a longer, over sets of arcs of cost at most B

With a rate lambda > 0 let an arc have the reliability exp(-lambda l_a) and its option
the survival exp(-lambda d_a). The evader's best path is then the shortest one, and a
plan of value v makes the shortest path -ln(v) / lambda long. So bounds of values are
bounds of lengths.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from optimizer.base.arguments import checked
from optimizer.base.errors import FileProblems, InputError, Problem, ProblemList, raise_together
from optimizer.base.files.readwrite import read_text
from optimizer.problem.instance.checks import OnUnreachable, check_evaders
from optimizer.problem.instance.evaders import Evader
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.options import Option, Resource

MOST_NODE = 2**53
"""Largest node number that is read without rounding."""
FACTOR = {2: 0.5, 3: 0.1, 4: 0.0}
"""Share of r that is left under a sensor; snipno 1 takes q from the file."""


MOST_NODES = 2**31 - 1


@checked
def snip_instance(
    folder: str | os.PathLike[str],
    *,
    number: int | str,
    snipno: int,
    budget: float,
    on_unreachable: OnUnreachable | None = None,
) -> Instance:
    """Read one SNIP problem.

    Parameters
    ----------
    folder
        Where the three files lie.
    number
        Instance number N of the file names; or NAME, where they are nonint_NAME.txt and
        int_NAME.txt.
    snipno
        Effect of a sensor, 1 to 4.
    budget
        Number of sensors, >= 0.
    on_unreachable
        As in `optimizer.problem.files.instance_file.read_instance`.

    Raises
    ------
    InputError
        If a file is missing or malformed, or a parameter is out of range.
    """
    if snipno not in {1, *FACTOR}:
        raise InputError(Problem("--snipno", str(snipno), "1, 2, 3 or 4"))
    if not budget >= 0:
        raise InputError(Problem("--budget", str(budget), "a number of sensors, at least 0"))
    folder = Path(folder)
    files = _file_names(folder, str(number))
    plain, watched, scenarios = (
        number_table(folder / file, width) for file, width in zip(files, (3, 4, 3), strict=True)
    )
    _check_nodes(folder, dict(zip(files, (plain, watched, scenarios), strict=True)))
    node_id = np.unique(
        np.concatenate(
            (plain[:, :2].ravel(), watched[:, :2].ravel(), scenarios[:, :2].ravel())
        ).astype(np.int64)
    )
    ends = np.searchsorted(
        node_id, np.concatenate((plain[:, :2], watched[:, :2])).astype(np.int64)
    ).astype(np.int32)
    reliability = np.concatenate((plain[:, 2], watched[:, 2]))
    survival = (
        watched[:, 3] / watched[:, 2] if snipno == 1 else np.full(len(watched), FACTOR[snipno])
    )
    instance = Instance(
        name=f"snip-{number}-{snipno}-{budget:g}",
        node_id=node_id,
        tail=ends[:, 0],
        head=ends[:, 1],
        reliability=reliability,
        evaders=tuple(
            Evader(
                f"{int(o)}-{int(d)}",
                int(np.searchsorted(node_id, o)),
                int(np.searchsorted(node_id, d)),
                float(p),
            )
            for o, d, p in scenarios
        ),
        options=tuple(
            Option(
                f"{int(t)}-{int(h)}",
                (len(plain) + j,),
                (float(s),),
                {"sensors": 1.0},
                kind="sensor",
            )
            for j, ((t, h), s) in enumerate(zip(watched[:, :2], survival, strict=True))
        ),
        resources=(Resource("sensors", float(budget), unit="sensors"),),
    )
    _check_numbers(instance, folder)
    return check_evaders(instance, str(folder), on_unreachable=on_unreachable)


def _file_names(folder: Path, name: str) -> tuple[str, str, str]:
    """Return the names of the files of plain arcs, of arcs that can take a sensor, and
    of scenarios.

    Those of a number are `arcgainN.txt` and `intd_arcN.txt`, those of a name
    `nonint_NAME.txt` and `int_NAME.txt`; scenarios of their own, in
    `Scenarios_NAME.txt`, go before those of all.
    """
    plain, watched = (
        (f"arcgain{name}.txt", f"intd_arc{name}.txt")
        if name.isdigit()
        else (f"nonint_{name}.txt", f"int_{name}.txt")
    )
    own = f"Scenarios_{name}.txt"
    return plain, watched, own if (folder / own).is_file() else "Scenarios.txt"


def number_table(path: Path, width: int, what: str = "a SNIP file") -> NDArray[np.float64]:
    """Return the whitespace-separated numbers of a file as rows of `width`; line breaks
    do not matter.

    Raises
    ------
    InputError
        If the file is missing, holds anything but numbers, or is cut short; if the
        first two of a row are no node numbers.
    """
    words = read_text(path, what).split()
    try:
        numbers = np.array([float(word) for word in words])
    except ValueError:
        bad = next(word for word in words if not _is_number(word))
        raise InputError(Problem(str(path), repr(bad), "numbers and blanks only")) from None
    if not numbers.size or numbers.size % width:
        raise InputError(
            Problem(
                str(path),
                f"{numbers.size} numbers",
                f"rows of {width}",
                "The file may be cut short",
            )
        )
    rows = numbers.reshape(-1, width)
    good = np.isfinite(rows)
    good[:, :2] &= (np.abs(rows[:, :2]) <= MOST_NODES) & (rows[:, :2] == np.rint(rows[:, :2]))
    if not good.all():
        row, column = np.argwhere(~good)[0].tolist()
        where = f"{path}, row {row + 1}, number {column + 1}"
        expected = f"a node: a whole number up to {MOST_NODES}" if column < 2 else "a finite number"
        raise InputError(Problem(where, words[row * width + column], expected))
    return rows


def _check_nodes(folder: Path, tables: Mapping[str, NDArray[np.float64]]) -> None:
    """Refuse rows whose numbers are not finite, or whose first two are no node numbers."""
    files = {name: FileProblems(folder / name, "row") for name in tables}
    for name, table in tables.items():
        wrong = ~np.isfinite(table)
        wrong[:, :2] |= (
            (table[:, :2] < 0)
            | (table[:, :2] > MOST_NODE)
            | (table[:, :2] != np.floor(table[:, :2]))
        )
        rows = np.flatnonzero(wrong.any(axis=1))
        found = [f"{table[row][wrong[row]][0]:.15g}" for row in rows.tolist()]
        expected = f"two node numbers (whole, from 0 to {MOST_NODE:g}), then finite numbers"
        files[name].add_each(rows + 1, found.__getitem__, expected)
    raise_together(*files.values())


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _check_numbers(instance: Instance, folder: Path) -> None:
    problems = ProblemList()
    for name, values, good, expected in (
        (
            "reliability",
            instance.reliability,
            (instance.reliability > 0) & (instance.reliability <= 1),
            "in (0, 1]",
        ),
        *(
            (
                f"option {o.id}",
                np.array(o.survival),
                np.array([0 <= s < 1 for s in o.survival]),
                "q below r",
            )
            for o in instance.options
        ),
    ):
        for bad in np.flatnonzero(~good)[:10]:
            problems.add(f"{folder}, {name}", values[bad], expected)
    problems.raise_if_any()


DEEPEST = 20.0
"""lambda times the longest that the shortest path can become: values fall to e^-20, and
stay far above the last digit.
"""


def spni_instance(
    file: str | os.PathLike[str],
    *,
    source: int,
    sink: int,
    budget: float,
    remarks: list[str] | None = None,
) -> Instance:
    """Read a problem of shortest-path interdiction.

    Parameters
    ----------
    file
        Rows of five numbers with blanks or tabs: tail, head, length, delay, cost. A
        delay of 0 is an arc that cannot be interdicted.
    source, sink
        Numbers of the nodes between which the evader travels.
    budget
        What interdictions may cost together, >= 0.
    remarks
        Receives how to read lengths from values.

    Raises
    ------
    InputError
        If the file is missing or malformed, a number is out of range, or no path leads
        from source to sink.
    """
    path = Path(file)
    if not budget >= 0:
        raise InputError(Problem("--budget", str(budget), "a number of at least 0"))
    rows = number_table(path, 5, "a file of arcs")
    problems = FileProblems(path, "row")
    wrong = (rows < 0).any(axis=1)
    problems.add_each(
        np.flatnonzero(wrong) + 1, lambda k: f"{rows[wrong][k].min():g}", "numbers of at least 0"
    )
    problems.raise_if_any()
    node_id = np.unique(rows[:, :2].astype(np.int64))
    for name, node in (("--source", source), ("--sink", sink)):
        if node not in node_id:
            raise InputError(
                Problem(name, str(node), f"a node of {path.name}: {node_id[0]} to {node_id[-1]}")
            )
    ends = np.searchsorted(node_id, rows[:, :2].astype(np.int64)).astype(np.int32)
    length = rows[:, 2]
    delay = rows[:, 3]
    cost = rows[:, 4]
    origin, destination = (int(np.searchsorted(node_id, node)) for node in (source, sink))
    longest = _longest(ends, length + delay, origin, destination)
    rate = DEEPEST / longest if 0 < longest < np.inf else 1.0
    if remarks is not None:
        remarks.append(
            f"A plan of value v makes the shortest path -ln(v) / {rate:.12g} long; gaps of values"
            " are not gaps of lengths."
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
                f"arc {k + 1}",
                (k,),
                (float(np.exp(-rate * delay[k])),),
                {"cost": float(cost[k])},
                kind="interdiction",
            )
            for k in np.flatnonzero(delay > 0).tolist()
        ),
        resources=(Resource("cost", float(budget)),),
    )
    return check_evaders(instance, str(path), on_unreachable=None)


def _longest(ends: NDArray[np.int32], cost: NDArray[np.float64], source: int, sink: int) -> float:
    """Return the length of the shortest path with every arc interdicted; infinity if
    there is none.
    """
    from optimizer.problem.network.shortest_paths import cost_graph

    n_nodes = int(ends.max()) + 1
    return float(
        cost_graph(n_nodes, ends[:, 0], ends[:, 1], cost).distances(np.array([source]))[0, sink]
    )
