"""How much other good plans differ: each site of a plan exchanged for another one within the budgets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimizer.problem.evaluation import plan_value
from optimizer.problem.plan import BUDGET_TOLERANCE, violations
from optimizer.report.content import ExchangeFacts

if TYPE_CHECKING:
    from optimizer.pipeline.comparison import Comparison
    from optimizer.scenario.compile import Compiled

CLOSE = 0.01
"""Relative rise of the value up to which a plan with an exchange counts as nearly as good."""
PARTNERS = 4
"""Sites that each is exchanged for at most, those first that would add most by themselves."""
MOST = 120
"""Exchanges that are evaluated at most: about as many as options have their marginal value worked out."""


def exchange_facts(compiled: Compiled, comparison: Comparison) -> ExchangeFacts | None:
    """Return which sites of a plan can be exchanged for another at little loss; None where the plan has no site that another can replace.

    Sites of the smallest marginal value are tried first; what a site is exchanged for may be another kind at its place.
    """
    instance, placed = comparison.instance, comparison.placed
    options, gains = compiled.instance.options, comparison.marginal_values
    budget = np.array([resource.budget for resource in instance.resources]) + BUDGET_TOLERANCE
    left = budget - placed @ instance.use
    sites = [j for j, option in enumerate(options) if placed[j] and not option.forced]
    others = np.array([k for k, option in enumerate(options) if not placed[k] and not option.forbidden], dtype=np.int64)
    others = others[np.argsort([-gains[options[k].id] for k in others.tolist()], kind="stable")]
    close, tried = CLOSE * comparison.plan.value, 0
    found: list[tuple[str, str]] = []
    for j in sorted(sites, key=lambda j: gains[options[j].id]):
        fits = others[(instance.use[others] <= left + instance.use[j]).all(axis=1)][:PARTNERS].tolist()
        for k in fits[: MOST - tried]:
            changed = placed.copy()
            changed[j], changed[k] = False, True
            if violations(instance, changed):
                continue
            tried += 1
            if plan_value(instance, changed) <= comparison.plan.value + close:
                found.append((options[j].label or options[j].id, options[k].label or options[k].id))
                break
    return ExchangeFacts(tried=tried, close=close, sites=tuple(found)) if tried else None
