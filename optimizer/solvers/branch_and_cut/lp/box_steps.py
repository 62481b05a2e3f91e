"""Steps of the root's program within boxes: where its bound stands still, its solutions
jump from corner to corner of a wide optimal face.

Let V(x) be the value of the strongest rows known or found at x, convex in x; the linear
program minimises it, from below, over the rows that it has. A step solves it within a
box around the best point so far, finds rows at the solution, and

- moves to the solution, and widens the box, if V falls there by a tenth of what the
  program promised;
- else finds rows half-way and at the centre as well, moves half-way where that is
  better, and narrows the box after some such steps.

So rows are found where they matter, near the least of V, and not at far corners. This
is the boxstep method (Marsten, Hogan and Blankenship 1975). The bound is that of the
whole root: it is made from the duals (`linear_program`), which need not know of the
box. V at the centre is at least the optimum of the program with all rows that
separation can find: where the bound comes near it, there is nothing left to gain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from optimizer.solvers.branch_and_cut.lp.master import Master, Near, Relaxed
    from optimizer.solvers.branch_and_cut.tree.node import Node

FIRST_RADIUS, LEAST_RADIUS = 0.05, 1e-3
"""Half the side of the first box, and of the smallest."""

WIDER = 1.5
"""Factor of the radius after a step that moves."""

NARROWER = 0.7
"""The same after `PATIENT` steps in a row that do not."""

PATIENT = 3
"""How many these are."""

PROMISED = 0.1
"""Share of the fall that the program promises by which V must fall for a move."""

CENTRE_ROUNDS = 3
"""Rounds of cuts at the first centre."""


class BoxSteps:
    """The centre of the boxes, and what is known of the values there.

    Parameters
    ----------
    master
        A program of fixed weights, without draws and without relaxed options, that has
        entered the node.
    node
        The root.
    last
        A solution of the program: the first box reaches as far, so that it holds a
        solution.

    Attributes
    ----------
    value
        V at the centre, as far as separation has found it.
    """

    def __init__(self, master: Master, node: Node, last: Relaxed) -> None:
        self._master = master
        self._radius = FIRST_RADIUS
        self._idle = 0
        self._reach = last.x
        self._centre = master.mean.copy()
        self._floor = self._known = master.commodities.sums(node.floor)
        for _ in range(CENTRE_ROUNDS):
            self._learn(
                master.separate_at(node, self._centre, ((self._centre, self._known),)).values(
                    self._centre
                )
            )

    @property
    def value(self) -> float:
        """V at the centre."""
        return self._total(self._known, self._centre)

    @property
    def box(self) -> Near:
        """(options,) bounds of the box."""
        centre, reach = self._centre, self._reach
        return np.minimum(centre - self._radius, reach), np.maximum(centre + self._radius, reach)

    def cut(self, node: Node, relaxed: Relaxed) -> None:
        """Add rows at the solution within the box, and move the centre or narrow the box."""
        master = self._master
        centre = self._centre
        before = self.value
        x, theta = relaxed.x, relaxed.theta
        rows = master.separate_at(node, x, ((x, theta),))
        there = np.maximum(theta, rows.values(x))
        self._learn(rows.values(centre))
        promised = before - self._total(theta, x)
        if promised > 0 and self._total(there, x) <= before - PROMISED * promised:
            self._move(x, there, x)
            self._radius, self._idle = min(1.0, WIDER * self._radius), 0
            return
        middle = 0.5 * (x + centre)
        rows = master.separate_at(node, middle, ((x, there), (centre, self._known)))
        self._learn(rows.values(centre))
        self._learn(master.separate_at(node, centre, ((centre, self._known),)).values(centre))
        between = np.maximum(rows.values(middle), self._floor)
        if self._total(between, middle) < before:
            # a first centre need not keep budgets and exclusions, so nor does a point
            # between it and a solution
            self._move(middle, between, middle if self._reach is centre else x)
        self._idle += 1
        if self._idle % PATIENT == 0:
            self._radius = max(NARROWER * self._radius, LEAST_RADIUS)

    def _move(
        self, centre: NDArray[np.float64], known: NDArray[np.float64], reach: NDArray[np.float64]
    ) -> None:
        self._centre = centre
        self._known = known
        self._reach = reach

    def _learn(self, values: NDArray[np.float64]) -> None:
        """Take note of the (groups,) values of rows at the centre."""
        self._known = np.maximum(self._known, values)

    def _total(self, values: NDArray[np.float64], x: NDArray[np.float64]) -> float:
        return float(values.sum() + self._master.price @ x)
