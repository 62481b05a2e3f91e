"""What the first picture says: today's layout, described as a plan is."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from functools import partial

import numpy as np

from optimizer.base.text.language import term
from optimizer.pipeline.briefing.briefing import summary_of_today
from optimizer.pipeline.briefing.routes import residual_routes, route_rows
from optimizer.plans.comparison import Comparison
from optimizer.plans.display_names import (
    DisplayNames,
    place_names,
    said_places,
    said_region,
    site_rows,
)
from optimizer.plans.plan_content import plan_site
from optimizer.problem.plan.evaluation import evaluate, plan_value
from optimizer.problem.plan.plan import Plan
from optimizer.report.content.report_content import ReportContent
from optimizer.scenario.compile.compile import Compiled


def today_content(compiled: Compiled) -> ReportContent:
    """Return what a report says of a plan that is today's layout, as far as the first
    picture shows it.
    """
    comparison, scenario = _comparison(compiled), compiled.scenario
    sites = [
        plan_site(compiled, option, 0.0) for option in compiled.instance.options if option.existing
    ]
    return ReportContent(
        title=term(scenario.name),
        handling=scenario.report.handling,
        created=datetime.now(UTC).date().isoformat(),
        summary=summary_of_today(compiled, comparison),
        region=said_region(compiled.region, compiled.gateways, compiled.settlements),
        places=said_places(scenario.report.places),
        sites=site_rows(sites, (), DisplayNames.of(compiled), place_names(compiled)),
        routes=route_rows(compiled, comparison),
        residual_routes=residual_routes(compiled, comparison),
        sources=tuple(filter(None, map(term, (compiled.region.attribution,)))),
    )


def _comparison(compiled: Compiled) -> Comparison:
    """Return today's layout beside nothing placed, as if it were the plan."""
    instance = compiled.instance
    today = np.array([option.existing for option in instance.options], dtype=bool)
    nothing = evaluate(instance, ())
    plan = evaluate(instance, Plan.from_mask(instance, today)) if today.any() else nothing
    return Comparison(
        instance=instance,
        plan=plan,
        nothing=nothing,
        existing=plan if today.any() else None,
        everything=math.nan,
        placed=today,
        marginal_values={},
        value_of=partial(plan_value, instance),
    )
