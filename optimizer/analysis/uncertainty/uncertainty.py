"""Plans over draws of what is not known: the best by several objectives, and how each
of them and today's layout would fare in every draw.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from optimizer.base.errors import InfeasibleError
from optimizer.base.text.language import gettext as _
from optimizer.base.text.messages import all_translated, message
from optimizer.base.work.executor import SERIAL, Executor
from optimizer.base.work.listener import SILENT, Listener, step
from optimizer.base.work.tasks import Task, TaskCall
from optimizer.problem.instance.instance import Instance
from optimizer.problem.plan.evaluation import plan_value
from optimizer.problem.plan.plan import Plan, packed_plan, unpacked_plan, violations, with_plan
from optimizer.problem.plan.result import Result, relative_gap, tolerance_of
from optimizer.problem.plan.weight_scenarios import Draws, Objective
from optimizer.report.content.uncertainty import UncertaintyFacts, UncertaintyRow
from optimizer.scenario.compile.uncertainty import scenario_draws
from optimizer.scenario.file.model import SolveModel
from optimizer.solvers.over_draws import solve_over_draws
from optimizer.solvers.solve import solve_with

if TYPE_CHECKING:
    from optimizer.scenario.compile.compile import Compiled

LOW, HIGH = 0.05, 0.95
"""Quantiles of a value over the draws that its interval holds."""

CVAR = Objective("cvar", 0.9)
"""The mean of the worst draws that is solved for as well where none is asked for."""

MIDDLE = "middle of everything"
TODAY = "today"
NOTHING = "nothing placed"


@dataclass(frozen=True, slots=True)
class UncertaintyRequest:
    """What is asked of draws."""

    #: How many, >= 1.
    draws: int
    #: What the plan is judged by.
    objective: Objective


@dataclass(frozen=True, eq=False, kw_only=True)
class PlanOverDraws(UncertaintyRow):
    """A plan over the draws, with what its row of the report leaves out.

    `name` is what it is best for (an objective as a command line names it, or `middle
    of everything`), `today` or `nothing placed`. `cvar` is at the level of the table,
    `low` and `high` are the quantiles at 5 % and 95 %, and regret is over the plans of
    the table.
    """

    #: Ids of what it places.
    options: tuple[str, ...]
    #: (draws,) its exact value in each.
    values: NDArray[np.float64]
    #: How it was found; None for plans that were not searched for. Bounds are of its
    #: objective.
    result: Result | None
    #: What of the scenario it breaks; only today's layout may.
    violations: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class PlansOverDraws:
    """A scenario planned over draws."""

    #: What was asked.
    request: UncertaintyRequest
    #: The plan that is best by the objective asked for, on the scenario's own instance.
    chosen: Plan
    #: How it was found; its bounds are of the objective.
    result: Result
    #: The result on the scenario's own instance, where every range is at its middle and
    #: flows are means over draws.
    middle: Result
    #: The plan asked for first, then the others, then today's and nothing.
    plans: tuple[PlanOverDraws, ...]
    #: ALPHA of the column `cvar`.
    level: float
    #: `drawn`, `fixed`: What differs between draws and what does not, a phrase each.
    drawn: tuple[str, ...]
    fixed: tuple[str, ...]

    def as_planned(self, instance: Instance, gap: float) -> Result:
        """Return the result of the chosen plan on the scenario's own instance: its
        value there, and the bound of every plan there.
        """
        whole = with_plan(instance, self.chosen)
        value = plan_value(whole, whole.placed(self.chosen.options))
        lower = min(self.middle.lower or 0.0, value)
        closed = (relative_gap(lower, value) or 0.0) <= tolerance_of(gap)
        return replace(
            self.middle,
            method=self.result.method,
            status="optimal" if closed else "feasible",
            plan=self.chosen,
            lower=lower,
            upper=value,
            weighed_lower=None if self.middle.weighed_lower is None else lower,
        )


@dataclass(frozen=True, eq=False)
class _DrawTerms:
    """What the solves of one scenario have in common."""

    instance: Instance
    draws: Draws
    terms: SolveModel
    starts: Sequence[Plan]


def plans_over_draws(
    compiled: Compiled,
    request: UncertaintyRequest,
    *,
    starts: Sequence[Plan] = (),
    executor: Executor = SERIAL,
    listener: Listener = SILENT,
) -> PlansOverDraws:
    """Plan a compiled scenario over draws of what it does not know.

    Solved are the scenario itself (all ranges at their middle), the mean, the mean of
    the worst draws and the worst draw, each from the plans before it, for at most the
    time limit of the scenario each.

    Parameters
    ----------
    compiled
        The scenario, perhaps with changes to its instance.
    request
        How many draws, and the objective.
    starts
        Plans to begin from.
    executor
        Who solves.
    listener
        Told of each step.

    Raises
    ------
    InputError
        If there is nothing to draw, or the number of draws is out of range.
    InfeasibleError
        If no plan is feasible, or the search of the objective ended before it had a
        plan.
    KeyboardInterrupt
        If it comes before there is any plan.
    """
    terms = compiled.scenario.solve
    with step(listener, f"making {request.draws} draws"):
        made = scenario_draws(compiled, request.draws, terms.seed)
    cvar = request.objective if request.objective.measure == "cvar" else CVAR
    objectives = {each.text: each for each in (Objective("mean"), cvar, Objective("worst"))}
    tasks = [
        Task(MIDDLE, None),
        Task("mean", objectives["mean"], (MIDDLE,)),
        *(
            Task(text, each, (MIDDLE, "mean"))
            for text, each in objectives.items()
            if text != "mean"
        ),
    ]
    # what is asked for first
    tasks.sort(key=lambda task: task.key not in {MIDDLE, "mean", request.objective.text})
    until = None if terms.time_limit is None else time.monotonic() + len(tasks) * terms.time_limit
    shared = _DrawTerms(compiled.instance, made.draws, terms, starts)
    results: dict[str, Result] = {}
    for ended in executor.run(
        solve_objective, tasks, shared=shared, until=until, listener=listener
    ):
        results[ended.task.key] = ended.value()
    middle = results.get(MIDDLE)
    if middle is None:
        raise KeyboardInterrupt
    if middle.plan is None:
        raise InfeasibleError(
            "The search over draws ended before it had a plan. Give it more time."
        )
    asked = results.get(request.objective.text)
    if asked is None or asked.plan is None:
        asked = results[request.objective.text] = _instead(
            made.draws, request.objective, results.get("mean"), middle
        )
    with step(listener, "valuing plans in every draw", stoppable=False):
        plans = _judged(compiled.instance, made.draws, results, cvar, request.objective.text)
    chosen = unpacked_plan(compiled.instance, packed_plan(asked.plan or middle.plan))
    return PlansOverDraws(request, chosen, asked, middle, plans, cvar.level, made.drawn, made.fixed)


def solve_objective(call: TaskCall) -> Result:
    """Return the best plan by an objective over draws; of the scenario itself where the
    task names none.
    """
    series: _DrawTerms = call.shared
    objective: Objective | None = call.task.argument
    threads = series.terms.threads if call.alone else 1
    options, listener = series.terms.search(time_limit=call.seconds, threads=threads), call.listener
    if objective is None:
        return solve_with(series.instance, options, starts=series.starts, listener=listener)
    found = [
        result.plan
        for result in reversed(call.earlier)
        if result is not None and result.plan is not None
    ]
    starts = [
        unpacked_plan(series.draws.instance, packed_plan(plan)) for plan in (*found, *series.starts)
    ]
    known = (
        [call.earlier[-1]] if objective.measure != "mean" and call.earlier[-1] is not None else []
    )
    # the mean is at most any other objective
    proven = max((result.lower or 0.0 for result in known), default=0.0)
    return solve_over_draws(
        series.draws, objective, options, starts=starts, proven=proven, listener=listener
    )


def _instead(draws: Draws, objective: Objective, mean: Result | None, middle: Result) -> Result:
    """Return the outcome of an objective that the search did not come to: the plan of
    the mean, or of the middle, with the mean's bound.
    """
    found = middle if mean is None or mean.plan is None else mean
    lower = 0.0 if mean is None else mean.lower
    upper = (
        None
        if found.plan is None
        else objective.value(_values(draws, found.plan), draws.probability)
    )
    return replace(
        found,
        status="feasible",
        limit=found.limit or "time",
        lower=lower,
        upper=upper,
        weighed_lower=lower,
    )


def _judged(
    instance: Instance, draws: Draws, results: Mapping[str, Result], cvar: Objective, asked: str
) -> tuple[PlanOverDraws, ...]:
    """Return the plans in every draw: the one asked for, the other objectives', today's
    and nothing.
    """
    names = [asked, *(name for name in results if name != asked)]
    plans: dict[str, Plan | None] = {name: results[name].plan for name in names}
    existing = [option.id for option in instance.options if option.existing]
    if existing:
        plans[TODAY] = Plan.of(draws.instance, existing)
    plans[NOTHING] = Plan(())
    values = {name: _values(draws, plan) for name, plan in plans.items() if plan is not None}
    best = np.min(list(values.values()), axis=0)
    today = values.get(TODAY)
    judged = []
    for name, by_draw in values.items():
        plan, excess = plans[name], by_draw - best
        low, high = np.quantile(by_draw, (LOW, HIGH))
        options = () if plan is None else plan.options
        judged.append(
            PlanOverDraws(
                name=name,
                options=options,
                values=by_draw,
                result=results.get(name),
                mean=Objective("mean").value(by_draw, draws.probability),
                cvar=cvar.value(by_draw, draws.probability),
                worst=float(by_draw.max()),
                low=float(low),
                high=float(high),
                beats_today=None if today is None else float(draws.probability @ (by_draw < today)),
                regret=float(draws.probability @ excess),
                most_regret=float(excess.max()),
                violations=(
                    tuple(violations(instance, instance.placed(options))) if name == TODAY else ()
                ),
            )
        )
    return tuple(judged)


def _values(draws: Draws, plan: Plan) -> NDArray[np.float64]:
    own = unpacked_plan(draws.instance, packed_plan(plan))
    whole = replace(draws, instance=with_plan(draws.instance, own))
    return whole.values(whole.instance.placed(own.options))


MEAN, WORST = message("the mean of the draws"), message("the worst draw")


def uncertainty_sentences(doubt: PlansOverDraws) -> tuple[str, ...]:
    """Return what the plan is best for, with bounds, what is drawn and what is held fixed."""
    request, result = doubt.request, doubt.result
    objective = request.objective
    words = {"mean": MEAN, "worst": WORST}
    worst = message("the mean of the worst {share:.3g} of the draws", share=1 - objective.level)
    return (
        message(
            "This plan is the best found for {what} ({objective}), over {draws} draws: {upper:.6g},"
            " and no plan is below {lower:.6g}. Its other figures are those with every range at its"
            " middle and flows at their means.",
            what=words.get(objective.text, worst),
            objective=objective.text,
            draws=request.draws,
            upper=result.upper,
            lower=result.lower,
        ),
        message("Drawn: {parts}.", parts=list(doubt.drawn)),
        message("The same in all draws: {parts}.", parts=list(doubt.fixed)),
    )


def uncertainty_facts(doubt: PlansOverDraws) -> UncertaintyFacts:
    """Return what the report says of draws."""
    rows = tuple(
        replace(plan, name=plan_name(plan, doubt), note="; ".join(plan.violations))
        for plan in doubt.plans
    )
    return UncertaintyFacts(
        draws=doubt.request.draws,
        says=all_translated(uncertainty_sentences(doubt)),
        level=doubt.level,
        rows=rows,
    )


def plan_name(plan: PlanOverDraws, doubt: PlansOverDraws) -> str:
    """Return what people call a plan."""
    if plan.name in {TODAY, NOTHING}:
        return _("today's layout") if plan.name == TODAY else _("nothing placed")
    name = _("every range at its middle") if plan.name == MIDDLE else plan.name
    return (
        _("{plan} (this plan)").format(plan=name)
        if plan.name == doubt.request.objective.text
        else name
    )


def uncertainty_content(doubt: PlansOverDraws) -> dict[str, Any]:
    """Return what --json, run.json and doubt.json say of draws."""
    result = doubt.result
    return {
        "draws": doubt.request.draws,
        "objective": doubt.request.objective.text,
        "objective_lower": result.lower,
        "objective_upper": result.upper,
        "objective_gap": result.gap,
        "objective_limit": result.limit,
        "drawn": list(doubt.drawn),
        "fixed": list(doubt.fixed),
        "cvar_level": doubt.level,
        "plans": [_plan_content(plan) for plan in doubt.plans],
    }


def _plan_content(plan: PlanOverDraws) -> dict[str, Any]:
    result = plan.result
    return {
        "best_for": plan.name,
        "plan": list(plan.options),
        "lower": None if result is None else result.lower,
        "upper": None if result is None else result.upper,
        "mean": plan.mean,
        "low": plan.low,
        "high": plan.high,
        "cvar": plan.cvar,
        "worst": plan.worst,
        "beats_today": plan.beats_today,
        "regret": plan.regret,
        "most_regret": plan.most_regret,
        "violations": list(plan.violations),
        "values": plan.values.tolist(),
    }
