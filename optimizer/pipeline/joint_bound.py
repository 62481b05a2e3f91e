"""The best plan by the cuts of an exchange, and a bound of every plan's joint value, which the solver's tolerances cannot make false.

Sets      J options; G groups of loads of all agencies; cuts c, each of a group g(c)
Data      v_c what gets through of the group under the plan of the cut, b_cj by how much option j lowers that at most; R_g largest v_c of g
Variables x_j in {0, 1}; theta_g in [0, 1], in units of R_g
Minimise  sum_g R_g theta_g
such that theta_g >= (v_c - sum_j b_cj x_j) / R_g        for every cut c of g
          budgets, at most one option of each conflict set, requirements
          rows that cut off plans which turned out to break a constraint by less than the program allows for

The program is relaxed, and its bound lowered, by what `solvers.compact` allows for tolerances.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.errors import InfeasibleError
from optimizer.problem.plan import violations
from optimizer.solvers.backend import solve_mip
from optimizer.solvers.compact import RowBuilder, add_row, exclude, relaxed_program

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from optimizer.pipeline.joint_cuts import JointCut
    from optimizer.problem.instance import Instance


@dataclass(frozen=True)
class JointProposal:
    """A bound of every plan's joint value, and a plan that keeps all constraints; None where time was too short to find one."""

    lower: float
    placed: NDArray[np.bool_] | None


def best_by_cuts(public: Instance, cuts: Sequence[JointCut], gap: float, seconds: float) -> JointProposal:
    """Return the plan that cuts like best, to a relative gap or as far as some seconds allow, and the bound that they prove.

    Raises
    ------
    InfeasibleError
        If no plan keeps the budgets and demands.
    """
    n = len(public.options)
    forbidden = np.array([option.forbidden for option in public.options], dtype=bool)
    broken: list[NDArray[np.bool_]] = []
    while True:
        rows = RowBuilder(n)
        _add_cuts(public, cuts, rows)
        for placed in broken:
            exclude(public, rows, placed)
        model = relaxed_program(public, rows, ~(public.forced | forbidden), 0.0, 1)
        outcome = solve_mip(model.mip, gap=gap, time_limit=seconds, seed=0, presolve=not model.delicate)
        if outcome.ended == "infeasible":
            raise InfeasibleError("No plan keeps the budgets and demands of the exchange.")
        lower = model.proven(outcome.bound)
        if outcome.x is None:
            return JointProposal(lower, None)
        found = outcome.x[:n] > 0.5
        if not violations(public, found):
            return JointProposal(lower, found)
        broken.append(found)


def _add_cuts(public: Instance, cuts: Sequence[JointCut], rows: RowBuilder) -> None:
    """Add a variable for each group of which anything gets through, and a row for each cut."""
    largest: dict[tuple[str, int], float] = {}
    for cut in cuts:
        group = (cut.agency, cut.group)
        largest[group] = max(largest.get(group, 0.0), cut.value)
    some = {group: value for group, value in largest.items() if value > 0}
    columns = rows.new_columns(np.zeros(len(some)))
    place = dict(zip(some, columns.tolist(), strict=True))
    rows.cost.append((columns, np.array(list(some.values()))))
    for cut in cuts:
        if (unit := some.get((cut.agency, cut.group))) is not None:
            option = [public.option_index[name] for name in cut.slopes]
            column = np.array([place[cut.agency, cut.group], *option], dtype=np.int64)
            add_row(rows, cut.value / unit, column, np.array([unit, *cut.slopes.values()]) / unit)
