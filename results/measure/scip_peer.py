"""The peer `scip`: SCIP with our cuts, through PySCIPOpt, in one thread. This file
alone imports it; it is imported where the peer runs.

A constraint handler stands for the rows on values: it separates the solutions of linear
programs, a few rounds at each node, and refuses a solution with whole options whose
groups are worth more than it says. Plans that SCIP's heuristics propose with too low
values are valued and handed back to it by a heuristic. Everything else (presolve, its
own cuts on the budgets, branching, heuristics) is as SCIP does it by default.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pyscipopt.scip import (
    PY_SCIP_HEURTIMING,
    PY_SCIP_LPSOLSTAT,
    PY_SCIP_RESULT,
    Conshdlr,
    Heur,
    Model,
    Solution,
    Variable,
    quicksum,
)

from results.measure.peers import TOLERANCE, CutRows, StarCutModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from optimizer.solvers.branch_and_cut.improve.state import SolveState

GAP_SHARE = 0.9
"""Share of the gap asked for that SCIP has to reach: the rest is for what its
tolerances may hide.
"""
ROUNDS_IN_TREE = 3
"""Rounds of separation at a node below the root."""


def scip(search: SolveState) -> None:
    """Solve the program of `StarCutModel` by branch and cut in SCIP; an error in a
    callback ends it with SCIP's own exception.
    """
    cuts = StarCutModel(search.instance, search.overlay)
    model = Model("placement")
    model.hideOutput()
    model.setParams(
        {
            "limits/gap": search.gap * GAP_SHARE,
            "timing/clocktype": 1,  # processor seconds, as a search here counts its work
            "limits/time": 1e19 if search.seconds_left is None else max(search.seconds_left, 0.01),
            "randomization/randomseedshift": search.seed % 2**31,
            "parallel/maxnthreads": 1,
            "lp/threads": 1,
            "misc/catchctrlc": False,
            "misc/usesymmetry": 0,  # it does not see the rows that are not there yet
        }
    )
    handler = _ValueRows(search, cuts, _variables(model, cuts))
    model.includeConshdlr(
        handler,
        "values",
        "rows on the values of groups",
        sepapriority=1_000_000,
        enfopriority=-10,
        chckpriority=-10,
        sepafreq=1,
        eagerfreq=-1,
        maxprerounds=0,
        needscons=False,
    )
    timing = (
        PY_SCIP_HEURTIMING.BEFORENODE
        | PY_SCIP_HEURTIMING.DURINGLPLOOP
        | PY_SCIP_HEURTIMING.AFTERLPNODE
    )
    model.includeHeur(
        _ValuedPlans(handler), "valued", "plans with their values", "v", freq=1, timingmask=timing
    )
    handler.keep(search.placed)
    model.optimize()
    for solution in model.getSols()[:1]:
        search.offer(handler.point(solution)[: cuts.n_options] > 0.5)
    search.prove(cuts.proven(model.getDualbound()))
    search.limit = "time" if model.getStatus() == "timelimit" or search.out_of_time else None
    search.statistics["nodes"] = model.getNTotalNodes()


def _variables(model: Model, cuts: StarCutModel) -> list[Variable]:
    """Add the program without rows on values to a model, and return its variables."""
    first = cuts.start
    made = [
        model.addVar(vtype="B" if whole else "C", lb=lower, ub=upper, obj=cost)
        for whole, lower, upper, cost in zip(
            first.integer.tolist(),
            first.lower.tolist(),
            first.upper.tolist(),
            first.cost.tolist(),
            strict=True,
        )
    ]
    rows = first.rows.tocsr()
    for k, side in enumerate(first.row_lower.tolist()):
        here = slice(*rows.indptr[k : k + 2])
        terms = zip(rows.data[here].tolist(), rows.indices[here].tolist(), strict=True)
        model.addCons(quicksum(entry * made[j] for entry, j in terms) >= side)
    return made


class _ValueRows(Conshdlr):
    """The rows t_g >= a - b x of every group, of which SCIP sees those that were
    violated.

    Attributes
    ----------
    waiting
        Plans, as points (x, t) with their exact values, that SCIP has not been given
        yet.
    """

    def __init__(
        self, search: SolveState, cuts: StarCutModel, variables: Sequence[Variable]
    ) -> None:
        self._search, self._cuts, self.variables = search, cuts, variables
        self.waiting: list[NDArray[np.float64]] = []
        self._least: dict[bytes, NDArray[np.float64]] = {}
        self._node, self._rounds = -1, 0

    def keep(self, placed: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the exact (groups,) values of a plan; one that was not met before is
        kept for SCIP as well.
        """
        key = placed.tobytes()
        if key not in self._least:
            self._least[key] = self._cuts.exact(placed)
            self._search.offer(placed)
            self.waiting.append(np.append(placed.astype(np.float64), self._least[key]))
        return self._least[key]

    def point(self, solution: Solution | None) -> NDArray[np.float64]:
        """Return the values of all variables in a solution, or in that of the linear program."""
        return np.array([self.model.getSolVal(solution, variable) for variable in self.variables])

    def conscheck(
        self, constraints: object, solution: Solution, *_: object, **__: object
    ) -> dict[str, int]:
        """Say whether the groups of a solution are worth what it says."""
        del constraints  # the handler has none of its own
        return {
            "result": (
                PY_SCIP_RESULT.FEASIBLE
                if self._holds(self.point(solution))
                else PY_SCIP_RESULT.INFEASIBLE
            )
        }

    def consenfolp(self, *_: object, **__: object) -> dict[str, int]:
        """Cut off a solution of the linear program with whole options that says too little."""
        point = self.point(None)
        if self._holds(point):
            return {"result": PY_SCIP_RESULT.FEASIBLE}
        return self._separated(self._cuts.at_plan(point), PY_SCIP_RESULT.FEASIBLE)

    def consenfops(self, *_: object, **__: object) -> dict[str, int]:
        """Have the linear program solved where SCIP went without."""
        return {
            "result": (
                PY_SCIP_RESULT.FEASIBLE if self._holds(self.point(None)) else PY_SCIP_RESULT.SOLVELP
            )
        }

    def conssepalp(self, *_: object, **__: object) -> dict[str, int]:
        """Separate a solution of the linear program."""
        node = self.model.getCurrentNode().getNumber()
        self._node, self._rounds = node, self._rounds + 1 if node == self._node else 1
        if self.model.getDepth() > 0 and self._rounds > ROUNDS_IN_TREE:
            return {"result": PY_SCIP_RESULT.DIDNOTRUN}
        # or the limit by the clock of the machine has come
        if self._search.cancelled() or self._search.out_of_time:
            self.model.interruptSolve()
        if self.model.getLPSolstat() != PY_SCIP_LPSOLSTAT.OPTIMAL:
            return {"result": PY_SCIP_RESULT.DIDNOTRUN}
        self._search.bounds_moved(self._cuts.proven(self.model.getDualbound()), np.inf)
        return self._separated(self._cuts.at_fraction(self.point(None)), PY_SCIP_RESULT.DIDNOTFIND)

    def conslock(self, constraint: object, locktype: int, nlockspos: int, nlocksneg: int) -> None:
        """Forbid SCIP to lower any variable without asking: each row wants x or t to be large."""
        del constraint
        for variable in self.variables:
            self.model.addVarLocksType(variable, locktype, nlockspos, nlocksneg)

    def _holds(self, point: NDArray[np.float64]) -> bool:
        n = self._cuts.n_options
        placed = point[:n] > 0.5
        if np.abs(point[:n] - placed).max(initial=0.0) > TOLERANCE:
            return True  # not whole: refused by SCIP itself
        return bool((self.keep(placed) - point[n:]).max(initial=0.0) <= 2 * TOLERANCE)

    def _separated(self, rows: CutRows, otherwise: int) -> dict[str, int]:
        """Add rows; the answer is `otherwise` where there are none."""
        table = rows.table.tocsr()
        for k, side in enumerate(rows.side.tolist()):
            row = self.model.createEmptyRowUnspec(lhs=side, local=False)
            self.model.cacheRowExtensions(row)
            here = slice(*table.indptr[k : k + 2])
            for entry, j in zip(
                table.data[here].tolist(), table.indices[here].tolist(), strict=True
            ):
                self.model.addVarToRow(row, self.model.getTransformedVar(self.variables[j]), entry)
            self.model.flushRowExtensions(row)
            infeasible = self.model.addCut(row, forcecut=True)
            self.model.releaseRow(row)
            if infeasible:
                return {"result": PY_SCIP_RESULT.CUTOFF}
        return {"result": PY_SCIP_RESULT.SEPARATED if rows.side.size else otherwise}


class _ValuedPlans(Heur):
    """Hands SCIP the plans that wait in the constraint handler."""

    def __init__(self, handler: _ValueRows) -> None:
        self._handler = handler

    def heurexec(self, *_: object, **__: object) -> dict[str, int]:
        """Try every plan that waits."""
        waiting, self._handler.waiting = self._handler.waiting, []
        found = False
        for point in waiting:
            solution = self.model.createOrigSol(self)
            for variable, value in zip(self._handler.variables, point.tolist(), strict=True):
                self.model.setSolVal(solution, variable, value)
            found |= bool(self.model.trySol(solution, printreason=False))
        return {"result": PY_SCIP_RESULT.FOUNDSOL if found else PY_SCIP_RESULT.DIDNOTFIND}
