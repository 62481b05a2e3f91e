"""The peer `highs`: HiGHS with our cuts. It has no callback for cuts, so whole programs are solved again as rows are added.

First the linear relaxation, until its bound stalls, then the mixed-integer program with the rows that are tight there; each plan that it
proposes is valued, its violated rows are added, and the program is solved again until there are none.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array, vstack

from optimizer.lab.benchmark.star_cut_model import CutRows, StarCutModel
from optimizer.solvers.branch_and_cut.tree.tree import has_stalled
from optimizer.solvers.mip.backend import LONGEST, solve_mip
from optimizer.solvers.params import RootParams

if TYPE_CHECKING:
    from optimizer.solvers.search.state import SolveState

SLACK = 1e-6
"""Rows with more room than this at the last point of the relaxation are left out of the mixed-integer program."""


def highs(search: SolveState) -> None:
    """Solve the program of `StarCutModel` by a loop of whole solves."""
    model = StarCutModel(search.instance, search.overlay)
    rows = _cut_root(search, model)
    while not (search.closed or search.cancelled()):
        outcome = solve_mip(
            model.with_rows(rows), gap=search.gap / 2, time_limit=_seconds_left(search), seed=search.seed
        )
        search.prove(model.proven(outcome.bound))
        if outcome.x is not None:
            search.offer(outcome.x[: model.n_options] > 0.5)
        if outcome.x is None or outcome.limit is not None:
            search.limit = outcome.limit
            return
        more = model.at_plan(outcome.x)
        if not more.side.size:
            return
        rows = _joined(rows, more)


def _cut_root(search: SolveState, model: StarCutModel) -> CutRows:
    """Return the rows that are tight at the last solution of the linear relaxation, which SciPy's HiGHS solves."""
    rows, bounds = CutRows(csr_array((0, model.start.cost.size)), np.empty(0)), []
    while not (search.closed or search.cancelled()) and time.monotonic() < search.until:
        mip = model.with_rows(rows)
        constraints = LinearConstraint(mip.rows, mip.row_lower)
        solved = milp(
            mip.cost,
            bounds=Bounds(mip.lower, mip.upper),
            constraints=constraints,
            options={"time_limit": _seconds_left(search)},
        )
        if solved.status != 0:
            break
        search.prove(model.proven(solved.fun))
        bounds.append(float(solved.fun))
        more = model.at_fraction(solved.x)
        if not more.side.size or has_stalled(bounds, RootParams()):
            tight = np.flatnonzero(rows.table @ solved.x - rows.side <= SLACK)
            return CutRows(rows.table[tight], rows.side[tight])
        rows = _joined(rows, more)
    return rows


def _seconds_left(search: SolveState) -> float:
    return min(max(search.until - time.monotonic(), 0.01), LONGEST)


def _joined(first: CutRows, more: CutRows) -> CutRows:
    return CutRows(csr_array(vstack((first.table, more.table), format="csr")), np.append(first.side, more.side))
