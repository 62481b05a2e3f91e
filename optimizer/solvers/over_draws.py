"""The best plan over draws, by the mean, the mean of the worst draws, or the worst
draw, with proven bounds.

The mean is the value of an ordinary instance: each evader with its mean weight. The
other objectives are solved by branch and cut with the linear terms of
`branch_and_cut.master` over the same contraction, which is the same for every weight.

With patrol teams the linear terms hold for the beats that are weighed. Over every beat
the bound is that of ordinary instances: for any weights q of the envelope of the
objective (`optimizer.problem.plan.weight_scenarios`), min over x of sum_d q_d V_d(x) is
at most min over x of max over q, the optimum. The mean's weights are among them, and so
are the weights of the draws that count at a plan.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from optimizer.base.errors import InputError, Problem
from optimizer.base.work.listener import SILENT, Listener
from optimizer.problem.instance.instance import Instance
from optimizer.problem.plan.plan import Beat, Plan, known_options, with_beats, with_plan, with_teams
from optimizer.problem.plan.result import Result, relative_gap, tolerance_of
from optimizer.problem.plan.weight_scenarios import Draws, Objective, worst_weights
from optimizer.solvers.final_check import checked_result
from optimizer.solvers.overlay.overlay import contract, weighted
from optimizer.solvers.params import SolveOptions
from optimizer.solvers.place import place
from optimizer.solvers.solve import solve_with

METHODS = ("auto", "cuts", "greedy")
"""Methods that can judge plans by other objectives than the mean."""
LEAST_SECONDS = 0.05
"""Least time of a solve."""
BOUNDING = 0.5
"""Share of the time, with teams, for the bound over every beat."""


def solve_over_draws(
    draws: Draws,
    objective: Objective,
    options: SolveOptions = SolveOptions(),
    *,
    starts: Sequence[Plan] = (),
    proven: float = 0.0,
    listener: Listener = SILENT,
) -> Result:
    """Return the best plan by an objective over draws; `lower` and `upper` are of the
    objective.

    Parameters
    ----------
    draws
        The problem in each draw.
    objective
        What a plan is judged by.
    options, listener
        As in `optimizer.solvers.solve.solve`.
    starts
        Plans to begin from; with teams their beats are those that other objectives than
        the mean weigh.
    proven
        A lower bound of the optimum over every beat that is known already, such as that
        of the mean.

    Raises
    ------
    InputError, InfeasibleError, SolverError, KeyboardInterrupt
        As in `solve`.
    """
    instance = draws.instance
    if objective.measure == "mean":
        result = solve_with(instance, options, starts=starts, listener=listener)
        return _with_bound(result, proven, options.gap)
    if options.method not in METHODS:
        expected = f"one of {', '.join(METHODS)} for an objective over draws other than the mean"
        raise InputError(Problem("method", repr(options.method), expected))
    instance.check()
    if instance.patrols is None:
        return _checked(
            draws, objective, _placed(draws, objective, options, starts, proven, listener)
        )
    time_limit = options.time_limit
    until = np.inf if time_limit is None else time.monotonic() + time_limit
    plans = list(starts)
    if (
        starts
        # the draws that count at the first plan, as an ordinary instance: beats of its own,
        # and a bound over every beat
    ):
        worst = _weighed_at(draws, objective, starts[0])
        seconds = None if time_limit is None else max(BOUNDING * time_limit, LEAST_SECONDS)
        bounding = solve_with(
            worst, replace(options, time_limit=seconds), starts=starts, listener=listener
        )
        proven = max(proven, bounding.lower or 0.0)
        plans += [] if bounding.plan is None else [bounding.plan]
    beats = _beats_of(plans)
    with_them = replace(draws, instance=with_beats(with_teams(instance), beats))
    left = None if time_limit is None else max(until - time.monotonic(), LEAST_SECONDS)
    result = _placed(
        with_them,
        objective,
        replace(options, time_limit=left),
        _named(plans, beats),
        proven,
        listener,
    )
    return _checked(
        draws, objective, _over_every_beat(result, proven, len(beats), beats, options.gap)
    )


def _checked(draws: Draws, objective: Objective, result: Result) -> Result:
    """Return a result that `checked` finds no fault in, its value that of the objective."""
    plan = Plan(()) if result.plan is None else result.plan
    whole = replace(draws, instance=with_plan(draws.instance, plan))
    return checked_result(
        draws.instance,
        result,
        value_of=lambda placed: objective.value(whole.values(placed), draws.probability),
    )


def _placed(
    draws: Draws,
    objective: Objective,
    options: SolveOptions,
    starts: Sequence[Plan],
    proven: float,
    listener: Listener,
) -> Result:
    """Return the best plan of options alone."""
    instance = draws.instance
    return place(
        instance,
        options,
        listener=listener,
        overlay=weighted(contract(instance), draws, objective),
        starts=[instance.placed(known_options(instance, plan)) for plan in starts],
        proven=proven,
        exact=lambda placed: objective.value(draws.values(placed), draws.probability),
    )


def _weighed_at(draws: Draws, objective: Objective, plan: Plan) -> Instance:
    """Return the instance whose evaders have the weights of the draws that count at a plan."""
    whole = replace(draws, instance=with_plan(draws.instance, plan))
    values = whole.values(whole.instance.placed(plan.options))
    weight = draws.weight.T @ worst_weights(values, objective.caps(draws.probability))
    evaders = (
        replace(e, weight=float(w)) for e, w in zip(draws.instance.evaders, weight, strict=True)
    )
    return replace(draws.instance, evaders=tuple(evaders))


def _beats_of(plans: Sequence[Plan]) -> tuple[Beat, ...]:
    """Return the beats of plans, each tour as often as the plan that has it most often,
    with ids of their own.
    """
    kept: list[Beat] = []
    for plan in plans:
        left = list(kept)
        for beat in plan.beats:
            same = next((b for b in left if _tour(b) == _tour(beat)), None)
            if same is None:
                kept.append(beat)
            else:
                left.remove(same)
    return tuple(
        replace(b, option=replace(b.option, id=f"{b.option.id} #{k + 1}"))
        for k, b in enumerate(kept)
    )


def _named(plans: Sequence[Plan], beats: Sequence[Beat]) -> list[Plan]:
    """Return plans with the ids that their beats have among others."""
    named = []
    for plan in plans:
        left, placements = list(beats), list(plan.fixed)
        for beat in plan.beats:
            same = next(b for b in left if _tour(b) == _tour(beat))
            left.remove(same)
            placements.append(same)
        named.append(replace(plan, placements=tuple(placements)))
    return named


def _tour(beat: Beat) -> tuple[object, ...]:
    return (beat.team.id, beat.base.id, beat.posts, beat.slots)


def _with_bound(result: Result, proven: float, gap: float) -> Result:
    """Return a result with a bound that is known besides."""
    if result.lower is None or result.upper is None or proven <= result.lower:
        return result
    lower = min(proven, result.upper)
    closed = (relative_gap(lower, result.upper) or 0.0) <= tolerance_of(gap)
    return replace(result, lower=lower, status="optimal" if closed else result.status)


def _over_every_beat(
    result: Result, proven: float, weighed: int, beats: Sequence[Beat], gap: float
) -> Result:
    """Return a result over some beats as one over every beat: its bound is what is
    proven of all.
    """
    if result.plan is None or result.upper is None:
        return result
    known = {beat.id: beat for beat in beats}
    placements = tuple(known.get(each.id, each) for each in result.plan.placements)
    lower = min(proven, result.upper)
    closed = (relative_gap(lower, result.upper) or 0.0) <= tolerance_of(gap)
    return replace(
        result,
        plan=replace(result.plan, placements=placements),
        lower=lower,
        status="optimal" if closed else "feasible",
        weighed=weighed,
        weighed_lower=result.lower,
    )
