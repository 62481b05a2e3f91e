"""The content of the report: the plan, what it is compared with, the records and the run, put together from the other briefings."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from optimizer.base.files import sha256
from optimizer.base.language import marked
from optimizer.base.said import all_translated
from optimizer.base.version import package_version
from optimizer.pipeline.burden_briefing import burden_rows
from optimizer.pipeline.claims import assumptions_of, claims_of
from optimizer.pipeline.display_names import DisplayNames, named_places, place_names
from optimizer.pipeline.exchanges import exchange_facts
from optimizer.pipeline.layout_briefing import agency_rows, budget_rows, layout_rows
from optimizer.pipeline.look_briefing import look_left_out, look_next
from optimizer.pipeline.patrol_briefing import beat_bound, beat_rows
from optimizer.pipeline.record_briefing import counted, fitted_evidence, record_facts, segment_risk, unused_rows
from optimizer.pipeline.route_briefing import displacement_rows, open_rows, open_ways, route_rows
from optimizer.pipeline.site_briefing import site_rows
from optimizer.pipeline.tip_briefing import tip_facts
from optimizer.report.content import InputFile, PlanSummary, Provenance, ReportContent, StepRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.pipeline.comparison import Comparison
    from optimizer.pipeline.step_times import StepTime
    from optimizer.problem.plan_file import PlanFile
    from optimizer.problem.result import Result
    from optimizer.report.content import DoubtFacts, MixtureFacts, SensitivityFacts
    from optimizer.scenario.compile import Compiled


def briefing(
    compiled: Compiled,
    plan: PlanFile,
    result: Result,
    comparison: Comparison,
    steps: Sequence[StepTime],
    *,
    doubt: DoubtFacts | None = None,
    sensitivity: SensitivityFacts | None = None,
    mixture: MixtureFacts | None = None,
) -> ReportContent:
    """Return the content of the report.

    Parameters
    ----------
    compiled
        The scenario.
    plan
        What plan.json holds: the rows of sites, beats and budgets are made from it.
    result, comparison
        How the plan was found, and what it is compared with.
    steps
        What was done, and how long it took.
    doubt, sensitivity
        What draws, and assumptions varied one by one, say of plans; None where nobody asked.
    mixture
        What to say of a mixture of plans; None where there is none.
    """
    scenario, region = compiled.scenario, compiled.region
    claims, names = claims_of(compiled, result, comparison), DisplayNames.of(compiled)
    places = place_names(compiled)
    records, evidence = compiled.records, fitted_evidence(compiled)
    return ReportContent(
        title=scenario.name,
        subtitle=scenario.report.subtitle,
        created=datetime.now(UTC).date().isoformat(),
        summary=_summary(compiled, result, comparison),
        network=region.network,
        border=region.border,
        crossings=region.crossings,
        gateways=compiled.gateways,
        settlements=compiled.settlements,
        places=named_places(compiled),
        risk=segment_risk(compiled, evidence),
        record=None if records is None or evidence is None else record_facts(records, compiled.effort, evidence),
        look_next=look_next(compiled),
        tips=tip_facts(compiled.tips, lambda segment: places.segment(segment).text),
        sites=site_rows(plan, names, places),
        beats=beat_rows(plan, names, places),
        mixture=mixture,
        routes=route_rows(compiled, comparison),
        layouts=layout_rows(compiled, result, comparison, names),
        budgets=budget_rows(plan, names),
        burden=burden_rows(compiled, plan),
        agencies=agency_rows(compiled, result, names),
        open_ends=open_rows(compiled, comparison),
        displacement=displacement_rows(compiled, comparison),
        open_ways=open_ways(compiled, comparison),
        exchanges=exchange_facts(compiled, comparison),
        doubt=doubt,
        sensitivity=sensitivity,
        says=claims.proven,
        cannot_say=(*claims.not_proven, *look_left_out(compiled), *scenario.report.cannot_say),
        warnings=all_translated(compiled.warnings),
        assumptions=(*assumptions_of(compiled, names), *scenario.report.assumptions),
        unused=unused_rows(compiled),
        dropped=counted((item.reason, item.what) for item in region.dropped),
        sources=tuple(filter(None, (region.attribution, *scenario.report.sources))),
        steps=tuple(StepRow(name=step.name, seconds=step.seconds) for step in steps),
        provenance=Provenance(
            version=package_version(),
            seed=result.seed,
            options={marked("method"): result.method, marked("gap"): f"{scenario.solve.gap:g}"},
            inputs=tuple(InputFile(name=path.name, sha256=sha256(path)) for path in compiled.inputs),
        ),
    )


def _summary(compiled: Compiled, result: Result, comparison: Comparison) -> PlanSummary:
    share = compiled.scenario.evaders.loads == 1.0
    teams = compiled.instance.patrols is not None
    return PlanSummary(
        status=result.status,
        limit=result.limit,
        lower=result.weighed_lower if teams else result.lower,
        upper=result.upper,
        gap=result.weighed_gap if teams else result.gap,
        nothing=comparison.nothing.value,
        existing=comparison.existing.value if comparison.existing else None,
        seconds=result.seconds,
        method=result.method,
        unit=marked("share of loads that get through")
        if share
        else marked("number of loads that get through each period"),
        share=share,
        beats=beat_bound(result) if teams else None,
    )
