"""Other solvers with our cuts, which the benchmark runs beside the methods when it is
asked to: `bench --method scip` and `--method highs`.

They are no methods of `optimizer.solvers.solve` for users: their bounds hold for their
solvers' tolerances only.

The model that they get with our cuts has options, groups of commodities, side
constraints, and the cuts of a point as rows:

Minimise  sum_g c_g t_g         c_g = R_g / R, the share of group g in the value R with nothing placed
such that t_g + sum_j b_gj x_j >= a_g      the cuts of `optimizer.solvers.branch_and_cut.cuts.separation`, found when a point violates them
          budgets, at most one option of each conflict set, requirements
          x_j in {0, 1}, forced ones 1, forbidden ones 0; t_g in [L_g / R_g, 1]

At a point whose options are whole, the cuts of the paths that are best under that plan
have exactly its value.

HiGHS has no callback for cuts, so whole programs are solved again as rows are added.
First the linear relaxation, until its bound stalls, then the mixed-integer program with
the rows that are tight there; each plan that it proposes is valued, its violated rows
are added, and the program is solved again until there are none. SCIP has one, and a
file of its own (`scip_peer`), which needs PySCIPOpt.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array, vstack

from optimizer.base.work.work_clock import limited_by_work, machine_limit
from optimizer.problem.instance.options import BUDGET_TOLERANCE
from optimizer.solvers.branch_and_cut.lp.master import INWARD, Master
from optimizer.solvers.branch_and_cut.tree.tree import has_stalled
from optimizer.solvers.mip.backend import LONGEST, MipModel, solve_mip
from optimizer.solvers.mip.rows import RowBuilder, add_side_constraints
from optimizer.solvers.params import RootParams

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.problem.instance.instance import Instance
    from optimizer.solvers.branch_and_cut.improve.state import SolveState
    from optimizer.solvers.overlay.overlay import Overlay

TOLERANCE = 1e-6
"""By how much a row may be violated, in units of its group: the tolerance of the
solvers, which every bound of theirs is lowered by.
"""

SMALL = 1e-7
"""Coefficients below this are left out as if their option were placed."""


@dataclass(frozen=True)
class CutRows:
    """Rows `table (x, t) >= side`, one a group."""

    #: (rows, options + groups) coefficients.
    table: csr_array
    #: (rows,) right sides.
    side: NDArray[np.float64]


class StarCutModel:
    """An instance as a mixed-integer program whose rows on values are found when they
    are violated.

    Attributes
    ----------
    start
        The program without any of these rows: (options + groups) columns, options
        first.
    total
        R: a solver's objective times this is a value.
    """

    def __init__(self, instance: Instance, overlay: Overlay) -> None:
        self._master = Master(instance, overlay)
        commodities = self._master.commodities
        most, least = commodities.sums(commodities.start), commodities.sums(commodities.floor)
        self._scale = np.where(most > 0, most, 1.0)
        self.n_options, self.total = overlay.free.size, self._master.total
        self._mean = np.zeros(self.n_options)
        forced = instance.forced.astype(np.float64)
        builder = RowBuilder(self.n_options)
        add_side_constraints(instance, builder)
        columns = self.n_options + most.size
        side = builder.sides
        self.start = MipModel(
            cost=np.append(np.zeros(self.n_options), self._scale / self.total),
            lower=np.append(forced, np.minimum(least / self._scale, 1.0)),
            upper=np.append(np.maximum(forced, overlay.free), np.ones(most.size)),
            integer=np.arange(columns) < self.n_options,
            rows=builder.table(columns),
            row_lower=side - BUDGET_TOLERANCE * np.abs(side),
        )

    def exact(self, placed: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the (groups,) least values of t that a plan, an (options,) mask, allows."""
        return self._master.commodities.sums(self._master.values(placed)) / self._scale

    def proven(self, bound: float) -> float:
        """Return the lower bound of the value that a solver's bound of the objective
        stands for, less what its tolerances may hide.
        """
        return max(bound - 2 * TOLERANCE, 0.0) * self.total

    def with_rows(self, rows: CutRows) -> MipModel:
        """Return the program with some rows on values."""
        first = self.start
        return MipModel(
            first.cost,
            first.lower,
            first.upper,
            first.integer,
            csr_array(vstack((first.rows, rows.table), format="csr")),
            np.append(first.row_lower, rows.side),
        )

    def at_plan(self, point: NDArray[np.float64]) -> CutRows:
        """Return the rows that a point (x, t) violates whose options are whole: first
        paths are sought that are best under them.
        """
        x = np.clip(point[: self.n_options], 0.0, 1.0)
        self._master.pool.grow(x, x > 0.5)
        return self._violated(x, point, search=False)

    def at_fraction(self, point: NDArray[np.float64]) -> CutRows:
        """Return the rows that a point (x, t) violates: those of a point between x and
        the mean of earlier ones, or else of x.
        """
        x = np.clip(point[: self.n_options], 0.0, 1.0)
        self._mean = (self._mean + x) / 2
        rows = self._violated((1 - INWARD) * x + INWARD * self._mean, point)
        return rows if rows.side.size else self._violated(x, point)

    def _violated(
        self, at: NDArray[np.float64], point: NDArray[np.float64], *, search: bool = True
    ) -> CutRows:
        commodities, n = self._master.commodities, self.n_options
        cuts = commodities.rows(
            self._master.cuts_at(at, commodities.floor, search=search), at, commodities.floor
        )
        scale = self._scale[cuts.commodity]
        entry = cuts.entry / scale[cuts.row]
        tiny = entry < SMALL
        side = cuts.side / scale - np.bincount(cuts.row, np.where(tiny, entry, 0.0), scale.size)
        place = (
            np.append(cuts.row, np.arange(scale.size)),
            np.append(cuts.option, n + cuts.commodity),
        )
        table = csr_array(
            (np.append(np.where(tiny, 0.0, entry), np.ones(scale.size)), place),
            shape=(scale.size, point.size),
        )
        table.eliminate_zeros()
        kept = np.flatnonzero(side - table @ point > TOLERANCE)
        return CutRows(table[kept], side[kept])


SLACK = 1e-6
"""Rows with more room than this at the last point of the relaxation are left out of the
mixed-integer program.
"""


def highs(search: SolveState) -> None:
    """Solve the program of `StarCutModel` by a loop of whole solves."""
    model = StarCutModel(search.instance, search.overlay)
    rows = _cut_root(search, model)
    while not (search.closed or search.cancelled()):
        outcome = solve_mip(
            model.with_rows(rows),
            gap=search.gap / 2,
            time_limit=_seconds_left(search),
            work_limit=search.seconds_left if limited_by_work() else None,
            seed=search.seed,
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
    """Return the rows that are tight at the last solution of the linear relaxation,
    which SciPy's HiGHS solves.
    """
    rows, bounds = CutRows(csr_array((0, model.start.cost.size)), np.empty(0)), []
    while not (search.closed or search.cancelled() or search.out_of_time):
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
    """Return the limit of a solver that knows the clock of the machine."""
    return min(
        machine_limit(max(LONGEST if search.seconds_left is None else search.seconds_left, 0.01)),
        LONGEST,
    )


def _joined(first: CutRows, more: CutRows) -> CutRows:
    return CutRows(
        csr_array(vstack((first.table, more.table), format="csr")), np.append(first.side, more.side)
    )


def scip(search: SolveState) -> None:
    """Solve the program in SCIP, by PySCIPOpt."""
    from results.measure.scip_peer import scip as solved

    solved(search)
