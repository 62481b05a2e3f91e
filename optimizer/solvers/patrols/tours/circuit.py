"""The best tour by constraint programming (CP-SAT): a circuit with optional posts and
one budget of seconds.

x_ij = 1 where the leg from i to j is driven, x_ii = 1 where post i is left out (the
base never is), d_il = 1 where post i gets l slots:

    max sum p_il d_il + sum q_ij x_ij,  x a circuit,  sum_l d_il = 1 - x_ii,  sum t_ij x_ij + slot sum l d_il <= shift.

The circuit gives the order, so one sum of seconds is the only time constraint. Values
are integers in units small against the largest, rounded up, so the bound of the integer
problem, scaled back, is valid.
"""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from ortools.sat.python import cp_model

from optimizer.base.work.work_clock import machine_seconds_left, waiting, work_seconds
from optimizer.solvers.patrols.tours.tour import Tour, TourProblem

UNITS = float(1 << 28)
"""Integer units of the largest single value: sums over a tour stay far inside 64 bits."""
POLL_SECONDS = 0.2
"""How often the main thread looks up while CP-SAT works."""
ALLOWANCE = 1e-12
"""Relative allowance for the rounding of floating-point sums in a bound."""


@dataclass(frozen=True)
class CircuitOutcome:
    """The outcome of CP-SAT."""

    #: Best tour found; None without.
    tour: Tour | None
    #: Upper bound of the value of every tour; minus infinity where it is proven that
    #: none fits.
    bound: float
    #: At most so much of the bound is due to rounding up.
    rounding: float


@dataclass(frozen=True)
class _CircuitModel:
    model: cp_model.CpModel
    legs: dict[tuple[int, int], cp_model.IntVar]
    dwell: dict[tuple[int, int], cp_model.IntVar]
    objective: cp_model.LinearExprT
    unit: float


def best_circuit(
    problem: TourProblem,
    *,
    time_limit: float | None = None,
    hint: Tour | None = None,
    at_least: float = 0.0,
    seed: int = 0,
    workers: int = 2,
) -> CircuitOutcome:
    """Return the best tour of a problem, and a proven bound.

    Parameters
    ----------
    problem
        What to solve.
    time_limit
        Seconds, or None.
    hint
        Tour to start from.
    at_least
        The search ends when no tour can have a larger value.
    seed
        Seed of the search.
    workers
        Threads, >= 1.
    """
    began = work_seconds()
    made = _model(problem)
    if hint is not None:
        _add_hint(made, hint)
    solver = cp_model.CpSolver()
    solver.parameters.random_seed = seed
    solver.parameters.num_workers = workers
    if time_limit is not None:
        solver.parameters.max_time_in_seconds = max(
            min(time_limit - (work_seconds() - began), machine_seconds_left()), 0.01
        )
    if at_least > 0:
        made.model.add(made.objective >= int(np.floor(at_least / made.unit)))
    status = _solve_apart(solver, made.model)
    rounding = made.unit * (2 * problem.n + 2)
    if status == cp_model.INFEASIBLE:
        return CircuitOutcome(None, at_least if at_least > 0 else -np.inf, rounding)
    if status not in {cp_model.OPTIMAL, cp_model.FEASIBLE}:
        everything = float(
            problem.prize.max(axis=1).sum() + problem.leg.max(axis=0).sum()
        )  # every post, the best leg into each
        return CircuitOutcome(None, everything, rounding)
    bound = float(solver.best_objective_bound) * made.unit
    return CircuitOutcome(_read(made, solver), bound * (1 + ALLOWANCE), rounding)


def _solve_apart(solver: cp_model.CpSolver, model: cp_model.CpModel) -> cp_model.CpSolverStatus:
    """Solve in a thread: CP-SAT takes Ctrl-C for its own and tells nobody, and without
    that holds it up until it has ended.
    """
    solver.parameters.catch_sigint_signal = False
    with waiting(), ThreadPoolExecutor(1) as apart:
        answer = apart.submit(solver.solve, model)
        try:
            while True:
                with contextlib.suppress(TimeoutError):
                    return answer.result(timeout=POLL_SECONDS)
        except BaseException:
            # a search that has only just begun does not hear the first call
            while not answer.done():
                solver.stop_search()
                wait((answer,), timeout=POLL_SECONDS)
            raise


def _model(problem: TourProblem) -> _CircuitModel:
    model = cp_model.CpModel()
    stops, most = range(problem.n + 1), problem.most_slots
    short = problem.travel <= problem.shift
    legs = {(i, j): model.new_bool_var("") for i in stops for j in stops if i != j and short[i, j]}
    dwell = {(i, k): model.new_bool_var("") for i in stops[1:] for k in range(1, most + 1)}
    skipped = {i: model.new_bool_var("") for i in stops[1:]}
    model.add_bool_or([x for (i, _), x in legs.items() if i == 0])
    model.add_circuit(
        [(i, j, x) for (i, j), x in legs.items()] + [(i, i, x) for i, x in skipped.items()]
    )
    for i, x in skipped.items():
        model.add_exactly_one([x] + [dwell[i, k] for k in range(1, most + 1)])
    seconds = sum(int(problem.travel[at]) * x for at, x in legs.items())
    model.add(seconds + sum(problem.slot * k * x for (_, k), x in dwell.items()) <= problem.shift)
    largest = max(float(problem.prize.max()), float(problem.leg.max()))
    unit = largest / UNITS if largest > 0 else 1.0
    objective = sum(
        _rounded_up(float(problem.prize[i - 1, k]), unit) * x for (i, k), x in dwell.items()
    ) + sum(_rounded_up(float(problem.leg[at]), unit) * x for at, x in legs.items())
    model.maximize(objective)
    return _CircuitModel(model, legs, dwell, objective, unit)


def _rounded_up(value: float, unit: float) -> int:
    return int(np.ceil(value / unit))


def _add_hint(made: _CircuitModel, tour: Tour) -> None:
    at = (0, *tour.posts, 0)
    driven = set(pairwise(at))
    dwelt = set(zip(tour.posts, tour.slots, strict=True))
    for key, x in made.legs.items():
        made.model.add_hint(x, key in driven)
    for key, x in made.dwell.items():
        made.model.add_hint(x, key in dwelt)


def _read(made: _CircuitModel, solver: cp_model.CpSolver) -> Tour:
    after = {i: j for (i, j), x in made.legs.items() if solver.boolean_value(x)}
    slots = {i: k for (i, k), x in made.dwell.items() if solver.boolean_value(x)}
    posts, at = [], after[0]
    while at != 0:
        posts.append(at)
        at = after[at]
    return Tour(tuple(posts), tuple(slots[post] for post in posts))
