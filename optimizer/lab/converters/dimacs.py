"""Road networks in the format of the ninth DIMACS implementation challenge (shortest paths, 2006).

A graph file (.gr) holds comments `c ...`, one problem line `p sp NODES ARCS` and an arc a line, `a TAIL HEAD WEIGHT`; a coordinate file (.co)
one line `p aux sp co NODES` and a node a line, `v NODE X Y`, in millionths of a degree. Either may be compressed with gzip.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.errors import FileProblems
from optimizer.lab.converters.road_files import Lines, Roads, check_node_count, check_nodes, read_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

ARC_FORM = "an arc 'a TAIL HEAD WEIGHT'"
NODE_FORM = "a node 'v NODE X Y'"
PER_DEGREE = 1e6
"""Units of a coordinate file to one degree."""


def read_gr(path: Path) -> Roads:
    """Read a graph file.

    Raises
    ------
    InputError
        With its faults: counts that disagree with the problem line, lines of another form, node numbers out of range, weights below 0.
    """
    faults = FileProblems(path)
    lines = Lines(read_bytes(path, "a DIMACS graph (.gr)"))
    arc = _chosen(lines, "a", ARC_FORM, faults)
    n_nodes, n_arcs = _counts(lines, ("p", "sp"), "p sp NODES ARCS", 2, faults) or (0, 0)
    faults.raise_if_any()
    numbers = lines.numbers(arc, 3, 3, ARC_FORM, faults, skip=1)
    faults.raise_if_any()
    number = lines.number[arc]
    if arc.size != n_arcs:
        faults.add(0, f"{arc.size} arcs", f"{n_arcs}, as its problem line says", "The file may be cut short")
    check_nodes(numbers[:, :2], n_nodes, number, faults)
    negative = np.flatnonzero(numbers[:, 2] < 0)
    faults.add_each(number[negative], lambda k: f"weight {numbers[negative[k], 2]:g}", "a weight of at least 0")
    faults.raise_if_any()
    ends = numbers[:, :2].astype(np.int64)
    return Roads(path, n_nodes, ends[:, 0], ends[:, 1], numbers[:, 2], number)


def read_co(path: Path, n_nodes: int) -> NDArray[np.float64]:
    """Read a coordinate file: (n_nodes, 2) longitudes and latitudes in degrees.

    Raises
    ------
    InputError
        With its faults: lines of another form, nodes that are missing or come twice, places off the globe.
    """
    faults = FileProblems(path)
    lines = Lines(read_bytes(path, "DIMACS coordinates (.co)"))
    row = _chosen(lines, "v", NODE_FORM, faults)
    counts = _counts(lines, ("p", "aux", "sp", "co"), "p aux sp co NODES", 1, faults)
    if counts is not None and counts[0] != n_nodes:
        faults.add(0, f"{counts[0]} nodes in its problem line", f"{n_nodes}, as the graph has")
    faults.raise_if_any()
    numbers = lines.numbers(row, 3, 3, NODE_FORM, faults, skip=1)
    faults.raise_if_any()
    number = lines.number[row]
    check_nodes(numbers[:, 0], n_nodes, number, faults)
    faults.raise_if_any()
    return placed_nodes(numbers[:, 0].astype(np.int64), numbers[:, 1:] / PER_DEGREE, n_nodes, number, faults)


def placed_nodes(
    node: NDArray[np.int64],
    lonlat: NDArray[np.float64],
    n_nodes: int,
    number: NDArray[np.int64],
    faults: FileProblems,
) -> NDArray[np.float64]:
    """Return the (n_nodes, 2) degrees of all nodes from one line a node, in any order.

    Parameters
    ----------
    node
        (lines,) node numbers, 1 to n_nodes.
    lonlat
        (lines, 2) their places.
    n_nodes
        Number of nodes.
    number
        (lines,) numbers of the lines.
    faults
        Told of nodes that are missing or come twice and of places that are no degrees; then raised.
    """
    order = np.argsort(node, kind="stable")
    again = np.sort(order[1:][np.diff(node[order]) == 0])
    faults.add_each(number[again], lambda k: f"node {node[again[k]]} again", "each node once")
    missing = np.flatnonzero(np.bincount(node, minlength=n_nodes + 1)[1:] == 0) + 1
    if missing.size:
        faults.add(0, f"no place for {missing.size} nodes, the first of them {missing[0]}", "a place for each node")
    off = np.flatnonzero((np.abs(lonlat) > [180, 90]).any(axis=1))
    faults.add_each(
        number[off],
        lambda k: f"longitude {lonlat[off[k], 0]:g}, latitude {lonlat[off[k], 1]:g}",
        "degrees on the globe",
        "Leave the coordinates out if they are not degrees: they serve for drawing alone",
    )
    faults.raise_if_any()
    degrees = np.zeros((n_nodes, 2))
    degrees[node - 1] = lonlat
    return degrees


def _chosen(lines: Lines, letter: str, form: str, faults: FileProblems) -> NDArray[np.int64]:
    """Return the positions of the lines that begin with `letter`; lines that nothing explains are faults."""
    known = np.isin(lines.letter, [ord(c) for c in ("c", "p", "\n", letter)])
    strange = np.flatnonzero(~known)
    faults.add_each(lines.number[strange], lambda k: repr(" ".join(lines.words(int(strange[k])))), form)
    return np.flatnonzero(lines.letter == ord(letter))


def _counts(lines: Lines, words: tuple[str, ...], form: str, size: int, faults: FileProblems) -> tuple[int, ...] | None:
    """Return the counts of the problem line, or None after noting what is wrong with it."""
    at = np.flatnonzero(lines.letter == ord("p"))
    if at.size != 1:
        faults.add(int(lines.number[at[1]]) if at.size else 0, f"{at.size} problem lines", f"one line '{form}'")
        return None
    found = lines.words(int(at[0]))
    line = int(lines.number[at[0]])
    counts = found[len(words) :]
    if tuple(found[: len(words)]) != words or len(counts) != size or not all(_is_count(word) for word in counts):
        faults.add(line, repr(" ".join(found)), f"'{form}'")
        return None
    check_node_count(int(counts[0]), line, faults)
    return tuple(int(word) for word in counts)


def _is_count(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) <= 15
