"""What a plan proves, what it does not prove, and what is assumed: sentences of the report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.formatting import SPACE, number, plural
from optimizer.pipeline.patrol_briefing import Claims, beat_assumptions, beat_claims
from optimizer.problem.plan import BUDGET_TOLERANCE
from optimizer.problem.result import PROVEN
from optimizer.scenario.ranges import middle
from optimizer.scenario.source_measures import origins

if TYPE_CHECKING:
    from optimizer.pipeline.comparison import Comparison
    from optimizer.pipeline.display_names import DisplayNames
    from optimizer.problem.result import Result
    from optimizer.scenario.compile import Compiled
    from optimizer.scenario.measure_model import MeasureModel
    from optimizer.scenario.model import ScenarioResourceModel


def claims_of(compiled: Compiled, result: Result, comparison: Comparison) -> Claims:
    """Return what a plan proves and what it does not."""
    proven = [
        "The value of the plan is exact for this model: every evader's best response was found on the full road network.",
        "The bound is proven: no choice of these sites within these budgets lets less through than the lower bound says.",
    ]
    not_proven = [
        "The model is not the border: its weights, times and detection chances are estimates or assumptions, listed below.",
        "Records show where people searched as much as where drugs moved; places nobody searched are unknown, not safe.",
        "Sites, kinds and evaders that the scenario does not name are not considered.",
    ]
    if compiled.instance.patrols is not None:
        beats = beat_claims()
        proven[1:] = beats.proven
        not_proven += beats.not_proven
    if comparison.existing is not None:
        proven.append(
            "The comparison with today's layout uses the same sites, budgets, evaders and assumptions for both, so the difference "
            "is due to placement alone."
        )
        not_proven.append(
            "It does not prove that today's layout performs as computed, nor that a move would pay: today's sites also deter, "
            "serve other purposes, and the people who use them know things that no file here holds."
        )
    if result.limit:
        proven.append(
            f"The search was ended early ({result.limit}); the plan and its bounds are valid, the gap may be closable."
        )
    return Claims(tuple(proven), tuple(not_proven))


def assumptions_of(compiled: Compiled, names: DisplayNames) -> tuple[str, ...]:
    """Return what is assumed, a sentence each."""
    scenario = compiled.scenario
    lines = [
        (
            f"Ordinary policing finds a load with hazard {scenario.background.per_hour:g} an hour on the road and "
            f"{scenario.background.per_km:g} a kilometre."
        ),
        f"{scenario.evaders.habitual_share:.0%} of loads keep to their routes; the rest see the plan and take the best route against it.",
        f"A destination's pull falls to 1/e for every {scenario.evaders.decay_minutes:g} minutes of travel.",
    ]
    lines += _from_record(compiled)
    lines += [_on_duty(resource, names) for resource in scenario.resources if resource.availability < 1]
    lines += [_of_measure(measure, compiled) for measure in scenario.measures]
    patrols = compiled.instance.patrols
    lines += beat_assumptions(patrols) if patrols is not None else []
    return (*lines, *(f"{item.what}: {item.value}. The scenario does not say otherwise." for item in compiled.assumed))


def _from_record(compiled: Compiled) -> list[str]:
    """Return sentences on what the record made of evaders' weights; none where it was not used."""
    record, terms = compiled.record, compiled.scenario.evaders
    if record.fit is None:
        return []
    fit, places = record.fit, len(record.local.ways)
    source = "learnt from the record" if terms.local_share is None else "as the scenario says"
    local, low, high, share = (f"{100 * part:.0f}" for part in (fit.local, fit.low, fit.high, record.local_share))
    return [
        (
            f"Flows between gateways and settlements explain the {number(fit.seizures)} seizures with effort but for {local}{SPACE}% "
            f"({low} to {high}{SPACE}% over draws of the record); {share}{SPACE}% of loads keep to {places} places ({source})."
        ),
        (
            f"On searched roads the flows by gravity and travel time alone correlate {fit.before:.2f} with the risk map, those that explain "
            f"the record {fit.after:.2f} (square roots, weighted by effort)."
        ),
    ]


def _of_measure(measure: MeasureModel, compiled: Compiled) -> str:
    """Return a sentence on the effect that is taken for a measure at the source, and who says so."""
    horizon = compiled.scenario.horizon_months
    reached = len(origins(measure, compiled.gateways))
    known = f"{100 * middle(measure.reduction):.3g}{SPACE}%"
    if isinstance(measure.reduction, tuple):
        low, high = measure.reduction
        known = f"{known} (the middle of {100 * low:.3g} to {100 * high:.3g}{SPACE}%)"
    tips = f", and tips find {100 * measure.tips:.3g}{SPACE}% of the rest" if measure.tips else ""
    return (
        f"{measure.label or measure.id} lowers the loads of {plural(reached, 'gateway')} by {known}{tips}, after "
        f"{number(measure.delay_months)} of {number(horizon)} months; source: {measure.source.rstrip('.')}. Local evaders and other "
        "gateways do not change, and nobody moves to another gateway because of it."
    )


def _on_duty(resource: ScenarioResourceModel, names: DisplayNames) -> str:
    """Return a sentence on how much of a resource is on duty at any time."""
    whose = f" ({names.agency(resource.agency)})" if resource.agency else ""
    assert resource.budget != "existing"  # noqa: S101 - the scenario refuses it with an availability
    return (
        f"Of {number(resource.budget)} {resource.name}{whose} {number(100 * resource.availability)}{SPACE}% are on duty and free: "
        f"{number(resource.budget * resource.availability)} may be placed."
    )


def plan_warnings(result: Result, comparison: Comparison) -> list[str]:
    """Return the sentences for the planner that follow from a plan and its comparison: what looks like a mistake, and why nothing is placed."""
    warnings = []
    existing = comparison.existing
    if existing is not None and existing.value > comparison.nothing.value * (1 - 1e-6):
        warnings.append(
            "Today's layout stops nothing in this model: check on which roads its sites were put, and that they detect anything."
        )
    if result.plan is not None and not result.plan.options:
        warnings.append(f"The plan places nothing: {_why_nothing(result, comparison)}.")
    if result.mixed is not None and len(result.mixed.mixture.plans) == 1 and result.status != "optimal":
        warnings.append(
            "The mixture is one plan: no other was proven better than the best single plan in the time. Give the search more; the first one of "
            "an installation compiles for some 15 seconds of it."
        )
    return warnings


def _why_nothing(result: Result, comparison: Comparison) -> str:
    """Return why a plan places nothing, as far as it is proven."""
    instance, teams = comparison.instance, comparison.instance.patrols is not None
    budget = np.array([resource.budget for resource in instance.resources])
    allowed = np.array([not option.forbidden for option in instance.options], dtype=bool)
    affordable = allowed & (instance.use[: allowed.size] <= budget + BUDGET_TOLERANCE).all(axis=1)
    if not teams and not affordable.any():
        return "no site fits the budgets by itself" if allowed.any() else "there is no site that may be used"
    if result.gap is not None and result.gap <= PROVEN:
        return "it is proven that no choice within the budgets lets less through"
    if not teams and comparison.everything >= comparison.nothing.value:
        return "none would help, for as much gets through with every site used"
    known = "" if result.lower is None else f" {number(result.lower)} at least gets through whatever is placed."
    return f"none was found to help, and it is not proven that none would.{known} Ask for a smaller gap, or give it more time"
