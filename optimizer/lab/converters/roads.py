"""A road network as a format gives it: numbered nodes, arcs in the order of the file, a length or time each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from optimizer.base.errors import FileProblems

MOST_NODES = 50_000_000
"""Twice the largest published road network: a count beyond it is a slip, and its arrays would not fit in memory."""


@dataclass(frozen=True)
class Roads:
    """Arcs between nodes 1 to n.

    Attributes
    ----------
    path
        The file.
    n_nodes
        Number of nodes n.
    tail, head
        (m,) node numbers, 1 to n.
    amount
        (m,) length or time of each arc, >= 0, in the file's unit.
    line
        (m,) line of each arc in the file.
    n_closed
        Nodes 1 to n_closed are ends of journeys only: nobody travels through them.
    """

    path: Path
    n_nodes: int
    tail: NDArray[np.int64]
    head: NDArray[np.int64]
    amount: NDArray[np.float64]
    line: NDArray[np.int64]
    n_closed: int = 0

    def arcs(self, tail: int, head: int) -> NDArray[np.int64]:
        """Return the positions of the arcs from one node to another, in the order of the file."""
        order, key = self._by_ends
        wanted = tail * (self.n_nodes + 1) + head
        first, last = np.searchsorted(key, [wanted, wanted + 1])
        return order[first:last]

    @cached_property
    def _by_ends(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Arc positions sorted by tail, head and position, and the number that stands for tail and head of each."""
        key = self.tail * (self.n_nodes + 1) + self.head
        order = np.argsort(key, kind="stable")
        return order, key[order]


def check_node_count(count: int, line: int, faults: FileProblems) -> None:
    """Note a number of nodes that no road network has."""
    if not 1 <= count <= MOST_NODES:
        faults.add(line, f"{count} nodes", f"1 to {MOST_NODES} nodes")


def check_nodes(numbers: NDArray[np.float64], n_nodes: int, lines: NDArray[np.int64], faults: FileProblems) -> None:
    """Note every line with a node number, in a (lines,) or (lines, k) table, that is not a whole number from 1 to n."""
    table = numbers if numbers.ndim == 2 else numbers[:, None]
    wrong = (table < 1) | (table > n_nodes) | (table != np.floor(table))
    bad = np.flatnonzero(wrong.any(axis=1))
    faults.add_each(
        lines[bad],
        lambda k: f"node {table[bad[k]][wrong[bad[k]]][0]:.15g}",
        f"a node number from 1 to {n_nodes}",
    )
