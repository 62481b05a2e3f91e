"""Plans to begin from: the forced options, with as little more as the requirements ask
for; and plans that are known, made to fit.

Minimise  sum_j x_j
such that sum_j u_jr x_j <= C_r           budgets
          sum of x_j over a conflict <= 1
          sum_j a_j x_j >= b              requirements
          x_j in {0, 1}; forced ones 1, forbidden ones 0

It is solved by HiGHS with rows divided by their sizes and relaxed by `RELAXED`: what is
infeasible then is infeasible. Its plan is checked exactly; one that the relaxation
alone allows is cut off (`rows.exclude`), and the next one is looked for. Where HiGHS
finds none, CP-SAT looks in the same rows in whole numbers, rounded towards more plans:
solvers err, and an answer that only one of them gives is told as that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from optimizer.base.errors import InfeasibleError
from optimizer.base.text.messages import Message, message
from optimizer.problem.instance.options import BUDGET_TOLERANCE
from optimizer.problem.plan.plan import Plan, known_options, make_beat, violations, with_plan
from optimizer.solvers.mip.rows import RowBuilder, add_side_constraints, exclude

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from optimizer.problem.instance.instance import Instance
    from optimizer.solvers.branch_and_cut.paths.path_pool import PooledValues

RELAXED = 1e-6
"""By how much each row is relaxed, relative to its largest term: more than the solver's
own tolerance.
"""

WHOLE = 2.0**30
"""Parts of a row's size that CP-SAT counts in."""

SECOND_LOOK = 10.0
"""Most that CP-SAT does before it gives no answer, in its own deterministic time, about seconds."""


def feasible_start(instance: Instance) -> NDArray[np.bool_]:
    """Return a feasible (options,) mask: the forced options where they are one.

    Raises
    ------
    InfeasibleError
        If there is no feasible plan; it names the constraint, and the requirements
        without which there would be one.
    """
    forced = instance.forced
    broken = violations(replace(instance, requirements=()), forced)
    if broken:
        raise InfeasibleError(
            message(
                "No plan is feasible: {broken}. Raise the budget or force fewer options.",
                broken=broken,
            )
        )
    if not violations(instance, forced):
        return forced
    found = _least(instance)
    if found.placed is None:
        raise InfeasibleError(_in_the_way(instance, confirmed=found.confirmed))
    return found.placed


def _in_the_way(instance: Instance, *, confirmed: bool) -> Message:
    """Return which requirements no plan reaches together, and without which of them one would."""
    names = [each.id for each in instance.requirements]
    alone = [
        each.id
        for each in instance.requirements
        if _least(
            replace(instance, requirements=tuple(r for r in instance.requirements if r is not each))
        ).placed
        is not None
    ]
    every, some = ", ".join(map(repr, names)), _either(alone)
    if len(names) == 1:
        sentence = message(
            "No plan is feasible: none within the budgets and exclusions reaches the requirement"
            " {names}. Raise a budget, or ask for less.",
            names=every,
        )
    elif not alone:
        sentence = message(
            "No plan is feasible: none within the budgets and exclusions reaches all requirements"
            " {names}. Raise a budget, or ask for less.",
            names=every,
        )
    else:
        sentence = message(
            "No plan is feasible: none within the budgets and exclusions reaches all requirements"
            " {names}; without {some} one would. Raise a budget, or ask for less.",
            names=every,
            some=some,
        )
    if confirmed:
        return sentence
    return message(
        "{sentence} One solver alone (HiGHS) says so: a second one came to no answer.",
        sentence=sentence,
    )


def _either(names: Sequence[str]) -> str:
    """Return names of which any one is meant."""
    quoted = [repr(name) for name in names]
    return (
        reduce(
            lambda first, second: message("{first} or {second}", first=first, second=second), quoted
        )
        if quoted
        else ""
    )


class _Least(NamedTuple):
    """A feasible mask of few options; None where there is none, and whether two solvers say so."""

    placed: NDArray[np.bool_] | None
    confirmed: bool = True


def _least(instance: Instance) -> _Least:
    """Return a feasible mask of few options."""
    rows = RowBuilder(len(instance.options))
    add_side_constraints(instance, rows)
    while True:
        found = _by_highs(instance, rows)
        if found.placed is None:
            found = _by_cp_sat(instance, rows)
        if found.placed is None or not violations(instance, found.placed):
            return found
        exclude(instance, rows, found.placed)


def _table(rows: RowBuilder) -> tuple[csr_array, NDArray[np.float64]]:
    """Return the (rows, options) coefficients and the relaxed (rows,) right-hand sides."""
    return rows.table(), rows.sides - RELAXED * (1 + np.abs(rows.sides))


def _by_highs(instance: Instance, rows: RowBuilder) -> _Least:
    # it takes a tenth of a second, and few instances need it
    from scipy.optimize import Bounds, LinearConstraint, milp

    table, side = _table(rows)
    outcome = milp(
        np.ones(rows.n_columns),
        constraints=LinearConstraint(table, side, np.inf),
        integrality=np.ones(rows.n_columns, dtype=np.int64),
        bounds=Bounds(instance.forced.astype(np.float64), _allowed(instance).astype(np.float64)),
    )
    return _Least(None if outcome.x is None else np.asarray(outcome.x) > 0.5)


def _by_cp_sat(instance: Instance, rows: RowBuilder) -> _Least:
    """Look for any mask that keeps the rows, in multiples of 1 / `WHOLE`, coefficients
    rounded up and right-hand sides down.
    """
    from ortools.sat.python import cp_model  # as above

    table, side = _table(rows)
    model = cp_model.CpModel()
    bounds = zip(instance.forced.tolist(), _allowed(instance).tolist(), strict=True)
    x = [model.new_int_var(int(low), int(high), "") for low, high in bounds]
    for row, least in enumerate(np.floor(side * WHOLE).astype(np.int64).tolist()):
        entries = slice(table.indptr[row], table.indptr[row + 1])
        value = np.ceil(table.data[entries] * WHOLE).astype(np.int64)
        column = [x[k] for k in table.indices[entries].tolist()]
        model.add(cp_model.LinearExpr.weighted_sum(column, value.tolist()) >= least)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.max_deterministic_time = SECOND_LOOK
    status = solver.solve(model)
    if status in {cp_model.OPTIMAL, cp_model.FEASIBLE}:
        return _Least(np.array([solver.value(each) for each in x], dtype=bool))
    return _Least(None, status == cp_model.INFEASIBLE)


def _allowed(instance: Instance) -> NDArray[np.bool_]:
    return np.array([not option.forbidden for option in instance.options], dtype=bool)


def todays_layout(instance: Instance) -> NDArray[np.bool_] | None:
    """Return the (options,) mask of what of today's layout fits; None where nothing
    stands today.
    """
    today = np.array([option.existing for option in instance.options], dtype=bool)
    return made_to_fit(instance, today) if today.any() else None


def plan_made_to_fit(instance: Instance, plan: Plan) -> Plan:
    """Return a plan with what an instance has, and has room for; its beats stay beats,
    as far as there are teams and resources for them.
    """
    if instance.patrols is None:
        return Plan.from_mask(
            instance, made_to_fit(instance, instance.placed(known_options(instance, plan)))
        )
    fixed = Plan.of(instance, known_options(instance, plan))
    # A plan of more agencies has teams that have no number here, and those of one
    # agency stand elsewhere in its list.
    at = {(patrol.team.id, patrol.base.id): q for q, patrol in enumerate(instance.patrols.patrols)}
    tours = [
        (
            beat
            if beat.patrol == q
            else make_beat(instance.patrols, q, beat.posts, beat.slots, beat.id)
        )
        for beat in plan.beats
        if beat.id not in instance.option_index
        and (q := at.get((beat.team.id, beat.base.id))) is not None
    ]
    ours = Plan((*fixed.placements, *tours))
    whole = with_plan(instance, ours)
    kept = set(whole.ids_of(made_to_fit(whole, whole.placed(ours.options))))
    beats = [beat for beat in ours.beats if beat.id in kept]
    return Plan(
        (
            *Plan.of(instance, [name for name in instance.option_index if name in kept]).placements,
            *beats,
        )
    )


def made_to_fit(instance: Instance, placed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return an (options,) mask with forced options, without forbidden ones, and
    without what exclusions and budgets have no room for.

    What counts against an unmet requirement goes, as where at most so many sites may
    change. A requirement may still be left unmet: to add options is up to who fills the
    plan.
    """
    forced = instance.forced
    fits: NDArray[np.bool_] = (placed | forced) & np.array(
        [not option.forbidden for option in instance.options], dtype=bool
    )
    for group in instance.conflicts:
        used = [j for j in group if fits[j]]
        if len(used) > 1:
            stays = next((j for j in used if forced[j]), used[0])
            fits[[j for j in used if j != stays]] = False
    make_room(instance, fits, ())
    _take_what_counts_against(instance, fits)
    return fits


def _take_what_counts_against(instance: Instance, plan: NDArray[np.bool_]) -> None:
    """Take options out of a plan until requirements are met that they count against;
    forced ones stay.

    Those go first that count most, and among alike the last.
    """
    for requirement in instance.requirements:
        against = np.zeros(plan.size)
        against[list(requirement.options)] = np.maximum(
            0.0, -np.asarray(requirement.coefficients, dtype=np.float64)
        )
        while (
            not requirement.is_met(plan)
            and (removable := np.flatnonzero(plan & ~instance.forced & (against > 0))).size
        ):
            plan[removable[np.lexsort((-removable, -against[removable]))[0]]] = False


def make_room(
    case: Instance, plan: NDArray[np.bool_], keep: Sequence[int], values: PooledValues | None = None
) -> None:
    """Take options out of a plan until the budgets hold; forced ones and `keep` stay.

    Those go first that use most of what is short; where there are values, those of
    least loss from the whole plan for what they use of it.
    """
    losses = None if values is None else values.losses(plan)
    while True:
        short = np.flatnonzero(plan @ case.use > case.budget * (1 + BUDGET_TOLERANCE))
        removable = plan & ~case.forced & (case.use[:, short] > 0).any(axis=1)
        removable[list(keep)] = False
        if not short.size or not removable.any():
            return
        used = case.use[removable][:, short].sum(axis=1)
        rate = -used if losses is None else losses[removable] / used
        plan[np.flatnonzero(removable)[np.argmin(rate)]] = False
