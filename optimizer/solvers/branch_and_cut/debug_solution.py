"""A debug solution, as SCIP has one: a plan that the search must not lose.

The idea: on a tiny problem the best plan is known by enumeration. It is handed to the
search, and each step is asked whether it would cut this plan off although the plan is
better than the cutoff. A false bound that only sometimes ends in a false result shows
at once, and the error names the step.

The plan is *watched*: a node holds it by the definition of the splits on the way from
the root (`Node.watched`), whatever rows and masks say. At a node that holds the plan

- masks must allow it (splits, fixing by reduced costs, options that no longer fit);
- floors, less their losses, must be at most its values, and each bound at most its value;
  where all feasible plans are known, floors of the root, and rows and budget cuts of all
  plans or of a node, are held against those that they are for;
- it must be a point of the linear program, within all columns and active rows: cuts,
  budget cuts, clauses of path sets, tour rows; and rows of the root that come from
  another process hold for every plan that is better than the cutoff;
- bound plus reduced costs at the plan must be at most its value;
- its node must not be pruned, nor vanish on its way between processes.

Nothing of this is asked in an ordinary search: `Master.debug` is None, and each hook is
one test for that. `python -m tests.hostile --debug-solution` hands over solutions, and
`python -m tests.planted` plants faults that they must find.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.base.errors import SolverError
from optimizer.problem.plan.evaluation import weighted_sum
from optimizer.solvers.branch_and_cut.tree.node import Node

if TYPE_CHECKING:
    from optimizer.solvers.branch_and_cut.cuts.budget_hull import BudgetCuts
    from optimizer.solvers.branch_and_cut.cuts.separation import Cuts
    from optimizer.solvers.branch_and_cut.lp.linear_program import NamedRows
    from optimizer.solvers.branch_and_cut.lp.master import Master
    from optimizer.solvers.branch_and_cut.tree.path_set_branching import PathSet

ROUNDING = 1e-9
"""Relative rounding of values and sums."""


class CutOffError(SolverError):
    """A step of the search would lose the debug solution.

    Attributes
    ----------
    step
        Which step.
    """

    def __init__(self, step: str, what: str) -> None:
        super().__init__(f"{step} cuts the debug solution off: {what}")
        self.step, self.what = step, what

    def __reduce__(self) -> tuple[type[CutOffError], tuple[str, str]]:
        """Return how it is made again in another process."""
        return CutOffError, (self.step, self.what)


@dataclass
class DebugSolution:
    """A plan that is watched through a search."""

    #: (options,) how often each option is placed; 0 or 1 but for relaxed ones.
    x: NDArray[np.float64]
    #: (commodities,) exact values under the plan.
    values: NDArray[np.float64]
    #: Its value.
    value: float
    #: (added,) values of the columns that were added to the program.
    added: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    #: Whether the search takes no plan before it comes to a leaf: so its cutoff stays
    #: above the value, and every step is judged to the end.
    alone: bool = True
    #: Whether the nodes here are those of the whole tree, and so hold the plan; not in
    #: a worker, which has some of them.
    whole: bool = True
    #: `every`, `every_values`: (plans, options) masks of all feasible plans and their
    #: (plans, commodities) values; None where they are not known.
    every: NDArray[np.bool_] | None = None
    every_values: NDArray[np.float64] | None = None
    _entered: Node | None = field(init=False, default=None)

    @classmethod
    def of(cls, master: Master, placed: NDArray[np.bool_], *, alone: bool = True) -> DebugSolution:
        """Return an (options,) mask as a debug solution of a program without relaxed options."""
        values = master.values(placed)
        value = master.commodities.value(values) + weighted_sum(master.price, placed)
        return cls(placed.astype(np.float64), values, value, alone=alone)

    # What steps ask.

    def takes(self) -> bool:
        """Return whether a plan that is offered now may be taken: that of a leaf, here
        or in another process.
        """
        node = self._entered
        return not self.alone or node is None or not node.undecided.any()

    def left(self) -> None:
        """Note that what follows comes from another process, and from no node here."""
        self._entered = None

    def watched(self, master: Master, node: Node, cutoff: float, step: str) -> Node:
        """Return a node after a step; one that has rightly lost the plan, as it is not
        better than the cutoff, is watched no longer.
        """
        if not node.watched:
            return node
        decided = ~master.relaxed_options
        lost = (node.ones & (self.x < 1)) | (node.zeros & (self.x > 0))
        if (lost & decided).any():
            if self._is_better(cutoff):
                options = np.flatnonzero(lost & decided).tolist()
                raise CutOffError(step, f"it has decided options {options} otherwise")
            return replace(node, watched=False)
        self._floors(node, step)
        self._bound(node.lower, step)
        return node

    def floors(self, node: Node, step: str) -> None:
        """Hold the floors of a node against the plan, and those of the root against all plans."""
        if node.watched:
            self._floors(node, step)
        if self.every is None or self.every_values is None or node.ancestors:
            return
        least = self.every_values[self._inside(node)].min(axis=0, initial=np.inf)
        for u in np.flatnonzero(node.floor > least * (1 + ROUNDING)).tolist():
            what = (
                f"the floor {float(node.floor[u])!r} of commodity {u} is above {float(least[u])!r}"
            )
            raise CutOffError(step, f"{what}, its least value by enumeration")

    def _inside(self, node: Node | None) -> NDArray[np.bool_]:
        """Return the (plans,) mask of all plans that a node's masks allow."""
        if self.every is None:
            return np.zeros(0, dtype=bool)
        if node is None:
            return np.ones(len(self.every), dtype=bool)
        lost = (node.ones & ~self.every) | (node.zeros & self.every)
        return np.asarray(~lost.any(axis=1))

    def child(
        self,
        master: Master,
        node: Node,
        split: PathSet,
        child: Node,
        cutoff: float,
        *,
        closed: bool,
    ) -> Node:
        """Return a child of a split, watched where the plan is in it by the definition:
        in the closed one where each path of the set gets an option, else in the open
        one. The program must have the clauses of the child.
        """
        several = sum(options.size > 1 for options in split.members)
        clauses = several if closed else int(not several and len(split.members) > 1)
        found = master.program.named_rows([child.ancestors[-1]], 0).name.size
        if found < clauses:
            raise CutOffError("a split", f"the program has {found} of its {clauses} clauses")
        holds = all((self.x[options] > 0).any() for options in split.members)
        child = replace(child, watched=node.watched and holds == closed)
        return self.watched(master, child, cutoff, "a split")

    def entered(self, node: Node) -> None:
        """Note the node whose program is solved next."""
        self._entered = node
        if node.watched:
            self._floors(node, "a floor")

    def relaxed(self, master: Master, bound: float, reduced: NDArray[np.float64]) -> None:
        """Hold the program of the node, its bound and its reduced costs against the
        plan; of a node without it, the rows that are said to be of the root.
        """
        if self._entered is None:
            return
        if not self._entered.watched:
            # a search that takes plans may have made rows of the root below its value
            if self.alone:
                self._in_rows(master, of_root=True)
            return
        self._in_columns(master)
        self._in_rows(master)
        self._bound(bound, "the linear program")
        lower, upper = (side[: self.x.size] for side in master.program.bounds)
        moved = np.where(reduced > 0, self.x - lower, upper - self.x)
        raised = bound + weighted_sum(np.abs(reduced), moved)
        if raised > self.value * (1 + ROUNDING) + ROUNDING * master.total:
            what = f"bound and reduced costs give {raised!r} for it, and it is worth {self.value!r}"
            raise CutOffError("reduced costs", what)

    def rows(self, master: Master, rows: Cuts, node: Node | None) -> None:
        """Hold rows on values, one a group, against the plan; those of the root, or of
        all plans, against every one.
        """
        step = "a Lagrangian cut" if node is None else "a cut on values"
        if self.every is not None and self.every_values is not None:
            of_root = node is None or not node.ancestors
            for k in np.flatnonzero(self._inside(node)).tolist() if of_root else ():
                plan = self.every[k].astype(np.float64)
                self._rows(master, rows, plan, self.every_values[k], step)
        if node is None or node.watched:
            self._rows(master, rows, self.x, self.values, step)

    def budget_cuts(self, cuts: BudgetCuts, node: Node | None) -> None:
        """Hold budget cuts of a node, or of all plans, against every plan that is in it."""
        plans = self.x[None] if node is None or node.watched else np.empty((0, self.x.size))
        if self.every is not None:
            plans = np.vstack((plans, self.every[self._inside(node)]))
        left = cuts.coefficient @ plans[:, : cuts.coefficient.shape[1]].T
        if (left > cuts.side[:, None] * (1 + ROUNDING)).any():
            raise CutOffError("a budget cut", "a plan that breaks it keeps the budgets")

    def paths(self, master: Master) -> None:
        """Hold the values of known paths against the plan."""
        paths, often = master.pool.paths, np.append(self.x, 0.0)
        worth = paths.value * np.prod(paths.survival ** often[paths.option], axis=1)
        over = worth > self.values[paths.commodity] * (1 + ROUNDING) + np.finfo(np.float64).tiny
        if over.any():
            raise CutOffError("a path of the pool", "it is worth more than its evader gets")

    def ended(self, node: Node, cutoff: float) -> None:
        """Hold it against the plan that a node is not looked at further."""
        if node.watched and self._is_better(cutoff):
            raise CutOffError("pruning", f"its node is closed at {node.lower!r}")

    def bound(self, lower: float, step: str) -> None:
        """Hold a bound over all plans against it: too high where its node is lost."""
        self._bound(lower, step)

    def handed_over(self, master: Master, nodes: Iterable[Node], cutoff: float, step: str) -> None:
        """Hold nodes that come from elsewhere against the plan."""
        for node in nodes:
            self.watched(master, node, cutoff, step)

    def arrived(self, master: Master, cutoff: float) -> None:
        """Hold the rows of the root, once those of another process have come, against
        every plan that is better than the cutoff.
        """
        if self.every is None or self.every_values is None or not self.alone or self.added.size:
            return
        of_root = master.program.named_rows([0], 0)
        for plan, values in zip(self.every.astype(np.float64), self.every_values, strict=True):
            value = master.commodities.value(values) + weighted_sum(master.price, plan)
            if value * (1 + ROUNDING) < cutoff:
                _in_rows(of_root, self._point(master, plan, values), "a row of another process")

    def _rows(
        self,
        master: Master,
        rows: Cuts,
        plan: NDArray[np.float64],
        values: NDArray[np.float64],
        step: str,
    ) -> None:
        right, has = rows.values(plan), master.commodities.sums(values)[rows.commodity]
        over = np.flatnonzero(right > has * (1 + ROUNDING) + ROUNDING * master.total)
        for k in over[:1].tolist():
            asked = f"a row asks for {float(right[k])!r}"
            raise CutOffError(step, f"{asked} where a plan leaves {float(has[k])!r}")

    def _is_better(self, cutoff: float) -> bool:
        return self.value * (1 + ROUNDING) < cutoff

    def _bound(self, lower: float, step: str) -> None:
        if lower > self.value * (1 + ROUNDING) + np.finfo(np.float64).tiny:
            raise CutOffError(step, f"the bound {lower!r} is above its value {self.value!r}")

    def _floors(self, node: Node, step: str) -> None:
        left = node.floor
        if node.loss is not None:
            left = left - node.loss @ self.x
        over = np.flatnonzero(left > self.values * (1 + ROUNDING) + np.finfo(np.float64).tiny)
        for u in over[:1].tolist():
            floor, value = float(left[u]), float(self.values[u])
            what = f"the floor {floor!r} of commodity {u} is above {value!r}"
            raise CutOffError(step, what)

    def _in_columns(self, master: Master) -> None:
        """Hold the columns of the program against the plan."""
        point = self._point(master, self.x, self.values)
        lower, upper = master.program.bounds
        size = np.maximum(1.0, np.abs(upper))
        outside = np.flatnonzero(
            (point < lower - ROUNDING * size) | (point > upper + ROUNDING * size)
        )
        for column in outside[:1].tolist():
            within = f"[{float(lower[column])!r}, {float(upper[column])!r}]"
            what = f"column {column} is {float(point[column])!r}, not in {within}"
            raise CutOffError("a column of the program", what)

    def _in_rows(self, master: Master, *, of_root: bool = False) -> None:
        """Hold the active rows of the program, or those of the root, against the plan."""
        active = master.program.active_rows
        if of_root:
            active = active.take(active.node == 0)
        _in_rows(active, self._point(master, self.x, self.values), "a row of the program")

    def _point(
        self, master: Master, plan: NDArray[np.float64], values: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return a plan as a point of the program."""
        commodities = master.commodities
        sums = commodities.sums(values)
        draws = np.empty(0)
        if commodities.scenario_weights is not None and commodities.draw is not None:
            caps = commodities.scenario_weights.caps
            worth = np.bincount(commodities.draw, sums, caps.size) / master.total
            order = np.argsort(-worth, kind="stable")
            least = worth[order[min(int((np.cumsum(caps[order]) < 1).sum()), caps.size - 1)]]
            draws = np.append(least, np.maximum(0.0, worth - least))
        return np.concatenate((plan, sums / master.scale, [0.0], draws, self.added))


def _in_rows(rows: NamedRows, point: NDArray[np.float64], step: str) -> None:
    """Hold rows of a program against one of its points."""
    missed = rows.side - rows.rows @ point
    size = np.maximum(1.0, np.abs(rows.side)) + abs(rows.rows) @ np.abs(point)
    for row in np.flatnonzero(missed > ROUNDING * size)[:1].tolist():
        where = f"of node {rows.node[row]}" if rows.node[row] else "of the root"
        what = f"it misses row {rows.name[row]} {where} by {float(missed[row])!r}"
        raise CutOffError(step, what)
