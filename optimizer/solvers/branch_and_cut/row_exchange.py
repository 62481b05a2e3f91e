"""Names of rows that mean the same in every process of a parallel tree.

A linear program numbers its rows as they come. Rows that all processes had when they parted keep their numbers; others are known to the rest by
their number plus an offset of the process that made them, and get a number of the program's own where they arrive.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from optimizer.solvers.branch_and_cut.node import Node
    from optimizer.solvers.branch_and_cut.relaxation import LinearProgram, NamedRows
    from optimizer.solvers.branch_and_cut.tree_messages import RowsOf

    Names = NDArray[np.int64]

APART = 40
"""Bits of the rows and nodes of one process; its number stands above them."""


def first_of(process: int) -> int:
    """Return the number from which a process counts its nodes and names its rows for others; the supervisor is number 0."""
    return process << APART


class RowExchange:
    """The rows of a linear program under names that hold in all processes.

    Parameters
    ----------
    program
        The program.
    shared
        Name from which on its rows are not those of all processes.
    process
        Number of this process.
    """

    def __init__(self, program: LinearProgram, shared: int, process: int) -> None:
        self._program, self._shared, self._first = program, shared, first_of(process)
        self._own_name: dict[int, int] = {}
        self._common_name: dict[int, int] = {}

    def exported(self, nodes: Iterable[Node]) -> RowsOf:
        """Return the rows of the ancestors of some nodes, by node id."""
        wanted = {one for node in nodes for one in node.ancestors}
        rows = self.common(self._program.named_rows(wanted, 0))
        return {one: rows.take(rows.node == one) for one in wanted}

    def common(self, rows: NamedRows) -> NamedRows:
        """Return rows of the program under their common names."""
        return replace(rows, name=self._to_common(rows.name))

    def add(self, several: Iterable[NamedRows]) -> None:
        """Add rows that come under common names, but for those that are here."""
        for rows in several:
            there = np.isin(self._to_own(rows.name), self._program.names)
            new = rows.take(~there)
            own = range(self._program.next_name, self._program.next_name + new.name.size)
            self._program.add(new.rows, new.side, new.node)
            for one, common in zip(own, new.name.tolist(), strict=True):
                self._own_name[common], self._common_name[one] = one, common

    def sent(self, nodes: Iterable[Node]) -> tuple[Node, ...]:
        """Return nodes with the rows of their bases under common names."""
        return tuple(self._renamed(node, self._to_common) for node in nodes)

    def received(self, nodes: Sequence[Node]) -> tuple[Node, ...]:
        """Return nodes that come under common names with those of this program, once the rows of their ancestors are here."""
        return tuple(self._renamed(node, self._to_own) for node in nodes)

    @staticmethod
    def _renamed(node: Node, names: object) -> Node:
        basis = node.basis
        return node if basis is None else replace(node, basis=replace(basis, name=names(basis.name)))  # type: ignore[operator]

    def _to_common(self, names: Names) -> Names:
        found = [
            name if name < self._shared else self._common_name.get(name, self._first + name) for name in names.tolist()
        ]
        return np.array(found, dtype=np.int64)

    def _to_own(self, names: Names) -> Names:
        """Return the names that rows have, or had, in this program; those that never were here get names that no row has."""
        found = [self._own(name, unknown) for unknown, name in enumerate(names.tolist())]
        return np.array(found, dtype=np.int64)

    def _own(self, name: int, unknown: int) -> int:
        if name in self._own_name:
            return self._own_name[name]
        if name < self._shared:
            return name
        own = name - self._first
        return own if 0 <= own < 1 << APART else -1 - unknown
