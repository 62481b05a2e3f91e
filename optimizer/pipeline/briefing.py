"""What the report says, put together from the plan, its comparison and the scenario."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.files import sha256
from optimizer.base.formatting import SPACE, number
from optimizer.pipeline.look_briefing import look_left_out, look_next
from optimizer.pipeline.outputs import package_version
from optimizer.pipeline.patrol_briefing import beat_assumptions, beat_bound, beat_claims, beat_rows
from optimizer.pipeline.record_briefing import evidence_of, known_effort, record_facts
from optimizer.problem.evaluation import plan_value
from optimizer.problem.teams import team_resource
from optimizer.report.content import (
    BeatRow,
    BudgetRow,
    CountRow,
    DisplacementRow,
    InputFile,
    LayoutRow,
    OpenRow,
    PlanSummary,
    Provenance,
    ReportContent,
    RouteRow,
    SegmentRisk,
    SiteRow,
    StepRow,
)
from optimizer.report.geography import segment_names
from optimizer.risk.demand import segment_loads
from optimizer.scenario.risk_model import MODELS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from optimizer.pipeline.comparison import Comparison
    from optimizer.problem.evaluation import Evaluation
    from optimizer.problem.options import Resource
    from optimizer.problem.plan import Plan
    from optimizer.problem.result import Result
    from optimizer.risk.evidence import Evidence
    from optimizer.scenario.compile import Compiled
    from optimizer.scenario.model import ScenarioResourceModel

OPEN_ENDS = 25
DISPLACED = 15
EXAMPLES = 3


def briefing(
    compiled: Compiled,
    result: Result,
    comparison: Comparison,
    steps: tuple[tuple[str, float], ...],
) -> ReportContent:
    """Return the content of the report.

    Parameters
    ----------
    compiled
        The scenario.
    result, comparison
        The plan, and what it is compared with.
    steps
        Names and seconds of what was done.
    """
    scenario, region = compiled.scenario, compiled.region
    says, cannot_say = _claims(compiled, result, comparison)
    records, evidence = compiled.records, evidence_of(compiled)
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
        risk=_risk(compiled, evidence),
        record=None if records is None or evidence is None else record_facts(records, compiled.effort, evidence),
        look_next=look_next(compiled),
        sites=_sites(compiled, result, comparison),
        beats=_beats(compiled, result, comparison),
        routes=_routes(compiled, comparison),
        layouts=_layouts(compiled, result, comparison),
        budgets=_budgets(compiled, result, comparison),
        open_ends=_open_ends(compiled, comparison),
        displacement=_displacement(compiled, comparison),
        says=says,
        cannot_say=(*cannot_say, *look_left_out(compiled), *scenario.report.cannot_say),
        warnings=(*compiled.warnings, *_surprises(comparison)),
        assumptions=(*_assumptions(compiled), *scenario.report.assumptions),
        unused=_unused(compiled),
        dropped=_counted((item.reason, item.what) for item in region.dropped),
        sources=tuple(filter(None, (region.attribution, *scenario.report.sources))),
        steps=tuple(StepRow(name=name, seconds=seconds) for name, seconds in steps),
        provenance=Provenance(
            version=package_version(),
            seed=result.seed,
            options={"method": result.method, "gap": f"{scenario.solve.gap:g}"},
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
        unit="share of loads that get through" if share else "number of loads that get through each period",
        share=share,
        beats=beat_bound(result) if teams else None,
    )


def _risk(compiled: Compiled, evidence: Evidence | None) -> SegmentRisk | None:
    risk = compiled.risk
    if risk is None or evidence is None:
        return None
    return SegmentRisk(
        median=risk.median,
        low=risk.low,
        high=risk.high,
        searched=risk.searched,
        unit="finds per effort (1 = average)",
        interval=risk.level,
        efforts=known_effort(evidence.exposure),
        average=1.0,
        how=MODELS[compiled.scenario.risk.model].words,
    )


def _sites(compiled: Compiled, result: Result, comparison: Comparison) -> tuple[SiteRow, ...]:
    chosen = set(result.plan.options if result.plan else ())
    network = compiled.region.network
    return tuple(
        SiteRow(
            id=option.id,
            label=option.label,
            kind=option.kind,
            agency=_agency_name(compiled, option.agency),
            lon=site.lon,
            lat=site.lat,
            segments=tuple(np.unique(network.segment[list(option.arcs)]).tolist()),
            chosen=option.id in chosen,
            existing=option.existing,
            forced=option.forced,
            forbidden=option.forbidden,
            costs=_costs(compiled, option.uses),
            survival=option.survival[0] if option.survival else None,
            marginal_value=comparison.marginal_values[option.id],
        )
        for option in compiled.instance.options
        for site in [compiled.sites[option.site]]
    )


def _beats(compiled: Compiled, result: Result, comparison: Comparison) -> tuple[BeatRow, ...]:
    if result.plan is None:
        return ()
    return beat_rows(result.plan, comparison, partial(_costs, compiled), partial(_agency_name, compiled))


def _ends(compiled: Compiled, evader: int) -> tuple[str, str]:
    """Return what people call an evader's origin and destination."""
    pair = compiled.pairs[evader]
    gateway, settlement = compiled.gateways[pair.gateway], compiled.settlements[pair.settlement]
    unnamed = f"{gateway.kind} crossing at {gateway.lat:.3f}, {gateway.lon:.3f}"
    return gateway.name or unnamed, settlement.name or settlement.id


def _routes(compiled: Compiled, comparison: Comparison) -> tuple[RouteRow, ...]:
    """Return the heaviest informed evaders' routes; habitual ones keep theirs and are not drawn twice."""
    evaders = compiled.instance.evaders
    order = sorted((k for k, e in enumerate(evaders) if not e.routes), key=lambda k: -evaders[k].weight)
    rows = []
    for k in order[: compiled.scenario.report.routes]:
        before, after = comparison.nothing.evaders[k], comparison.plan.evaders[k]
        start, end = _ends(compiled, k)
        rows.append(
            RouteRow(
                evader=evaders[k].id,
                start=start,
                end=end,
                weight=evaders[k].weight,
                before=before.value,
                after=after.value,
                arcs_before=np.array(before.arcs, dtype=np.int64),
                arcs_after=np.array(after.arcs, dtype=np.int64),
            )
        )
    return tuple(rows)


def _layouts(compiled: Compiled, result: Result, comparison: Comparison) -> tuple[LayoutRow, ...]:
    instance = comparison.instance
    plan = instance.placed(result.plan.options if result.plan else ())
    existing = np.array([option.existing for option in instance.options], dtype=bool)
    everything = np.array([not option.forbidden for option in instance.options], dtype=bool)
    rows = [
        _layout(
            compiled,
            comparison,
            "Nothing placed",
            comparison.nothing.value,
            np.zeros_like(plan),
            "background policing alone",
        )
    ]
    if comparison.existing is not None:
        note = "on the same model and assumptions as the plan"
        rows.append(_layout(compiled, comparison, "Today's layout", comparison.existing.value, existing, note))
    rows.append(_layout(compiled, comparison, "This plan", comparison.plan.value, plan, ""))
    if result.plan is not None and result.plan.beats:
        rows += _halves(compiled, result.plan, comparison)
        every = "Every site used, with these beats"
        note = "budgets aside: what no plan from these sites and beats can beat"
    else:
        every, note = "Every site used", "budgets aside: what no plan from these sites can beat"
    rows.append(_layout(compiled, comparison, every, comparison.everything, everything, note))
    return tuple(rows)


def _halves(compiled: Compiled, plan: Plan, comparison: Comparison) -> list[LayoutRow]:
    """Return the sites of a plan without its beats, and its beats without its sites."""
    instance = comparison.instance
    parts = (
        ("Its sites alone", plan.fixed, "this plan without its beats"),
        ("Its beats alone", plan.beats, "this plan without its sites"),
    )
    masks = [instance.placed(placement.id for placement in part) for _, part, _ in parts]
    return [
        _layout(compiled, comparison, name, plan_value(instance, mask), mask, note)
        for (name, _, note), mask in zip(parts, masks, strict=True)
    ]


def _layout(
    compiled: Compiled, comparison: Comparison, name: str, value: float, placed: NDArray[np.bool_], note: str
) -> LayoutRow:
    instance, patrols = comparison.instance, compiled.instance.patrols
    used = placed @ instance.use
    chosen = [instance.options[j] for j in np.flatnonzero(placed)]
    beats = [option for option in chosen if option.id not in compiled.instance.option_index]
    teams = {team_resource(team.id) for team in patrols.teams} if patrols is not None else set()
    costs = {  # teams are counted as beats
        _resource_name(compiled, r): float(amount)
        for r, amount in zip(instance.resources, used, strict=True)
        if r.id not in teams
    }
    sites = {option.site for option in chosen if option.site}
    return LayoutRow(name=name, value=value, sites=len(sites), beats=len(beats), costs=costs, note=note)


def _costs(compiled: Compiled, uses: Mapping[str, float]) -> dict[str, float]:
    """Return amounts of resources by what people call them; teams are counted as beats and left out."""
    return {_resource_name(compiled, r): uses[r.id] for r in compiled.instance.resources if r.id in uses}


def _resource_name(compiled: Compiled, resource: Resource) -> str:
    """Return what people call a resource: its name, and its owner's where it has one."""
    name = resource.name or resource.id
    return f"{name} ({_agency_name(compiled, resource.agency)})" if resource.name and resource.agency else name


def _agency_name(compiled: Compiled, agency: str) -> str:
    return next((a.name for a in compiled.scenario.agencies if a.id == agency and a.name), agency)


def _budgets(compiled: Compiled, result: Result, comparison: Comparison) -> tuple[BudgetRow, ...]:
    instance = comparison.instance
    used = instance.placed(result.plan.options if result.plan else ()) @ instance.use
    return tuple(
        BudgetRow(
            resource=r.name or r.id,
            agency=_agency_name(compiled, r.agency),
            unit=r.unit,
            used=float(u),
            budget=r.budget,
        )
        for r, u in zip(instance.resources, used, strict=True)
    )


def _open_ends(compiled: Compiled, comparison: Comparison) -> tuple[OpenRow, ...]:
    """Return the evaders that contribute most to what still gets through."""
    plan, nothing = comparison.plan.evaders, comparison.nothing.evaders
    order = sorted(range(len(plan)), key=lambda k: -plan[k].weight * plan[k].value)[:OPEN_ENDS]
    rows = []
    for k in order:
        start, end = _ends(compiled, k)
        rows.append(
            OpenRow(
                start=start,
                end=end,
                kind=compiled.instance.evaders[k].kind,
                weight=plan[k].weight,
                before=nothing[k].value,
                after=plan[k].value,
                contribution=plan[k].weight * plan[k].value,
            )
        )
    return tuple(rows)


def _displacement(compiled: Compiled, comparison: Comparison) -> tuple[DisplacementRow, ...]:
    """Return the roads that carry more loads under the plan than with nothing placed, one row a road name and nearest place."""
    before, after = _flow(compiled, comparison.nothing), _flow(compiled, comparison.plan)
    gain = after - before
    rows: dict[str, DisplacementRow] = {}
    order = np.argsort(-gain, kind="stable")
    order = order[gain[order] > 1e-9]
    names = segment_names(compiled.region.network, compiled.region.settlements, order)
    for name, segment in zip(names, order.tolist(), strict=True):
        if len(rows) == DISPLACED:
            break
        total = compiled.scenario.evaders.loads
        rows.setdefault(
            name, DisplacementRow(name=name, before=float(before[segment]) / total, after=float(after[segment]) / total)
        )
    return tuple(rows.values())


def _flow(compiled: Compiled, evaluation: Evaluation) -> NDArray[np.float64]:
    """Return the (n_segments,) weight of the evaders whose answer travels each segment."""
    return segment_loads(compiled.region.network, compiled.instance.evaders, [r.arcs for r in evaluation.evaders])


def _surprises(comparison: Comparison) -> list[str]:
    """Return a sentence where a comparison looks like a mistake in the scenario."""
    existing = comparison.existing
    if existing is not None and existing.value > comparison.nothing.value * (1 - 1e-6):
        return [
            "Today's layout stops nothing in this model: check on which roads its sites were put, and that they detect anything."
        ]
    return []


def _claims(compiled: Compiled, result: Result, comparison: Comparison) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what the plan proves and what it does not, in plain sentences."""
    says = [
        "The value of the plan is exact for this model: every evader's best answer was found on the full road network.",
        "The bound is proven: no choice of these sites within these budgets lets less through than the lower bound says.",
    ]
    cannot = [
        "The model is not the border: its weights, times and detection chances are estimates or assumptions, listed below.",
        "Records show where people searched as much as where drugs moved; places nobody searched are unknown, not safe.",
        "Sites, kinds and evaders that the scenario does not name are not considered.",
    ]
    if compiled.instance.patrols is not None:
        says[1:], more = beat_claims()
        cannot += more
    if comparison.existing is not None:
        says.append(
            "The comparison with today's layout uses the same sites, budgets, evaders and assumptions for both, so the difference "
            "is due to placement alone."
        )
        cannot.append(
            "It does not prove that today's layout performs as computed, nor that a move would pay: today's sites also deter, "
            "serve other purposes, and the people who use them know things that no file here holds."
        )
    if result.limit:
        says.append(
            f"The search was ended early ({result.limit}); the plan and its bounds are valid, the gap may be closable."
        )
    return tuple(says), tuple(cannot)


def _assumptions(compiled: Compiled) -> tuple[str, ...]:
    scenario = compiled.scenario
    assumed = sum(s.population_assumed for s in compiled.settlements)
    lines = [
        (
            f"Ordinary policing finds a load with hazard {scenario.background.per_hour:g} an hour on the road and "
            f"{scenario.background.per_km:g} a kilometre."
        ),
        f"{scenario.evaders.habitual_share:.0%} of loads keep to their routes; the rest see the plan and answer it as well as possible.",
        f"A destination's pull falls to 1/e for every {scenario.evaders.decay_minutes:g} minutes of travel.",
    ]
    if assumed:
        lines.append(
            f"{assumed} of {len(compiled.settlements)} destinations carry a default population for their class of place."
        )
    lines += [_on_duty(compiled, resource) for resource in scenario.resources if resource.availability < 1]
    patrols = compiled.instance.patrols
    return (*lines, *(beat_assumptions(patrols) if patrols is not None else ()))


def _on_duty(compiled: Compiled, resource: ScenarioResourceModel) -> str:
    """Say how much of a resource there is at any time."""
    whose = f" ({_agency_name(compiled, resource.agency)})" if resource.agency else ""
    assert resource.budget != "existing"  # noqa: S101 - the scenario refuses it with an availability
    return (
        f"Of {number(resource.budget)} {resource.name}{whose} {number(100 * resource.availability)}{SPACE}% are on duty and free: "
        f"{number(resource.budget * resource.availability)} may be placed."
    )


def _unused(compiled: Compiled) -> tuple[CountRow, ...]:
    records = [item for part in (compiled.records, compiled.effort) if part is not None for item in part.unused]
    return _counted((item.reason, f"{item.file} row {item.row}") for item in records)


def _counted(items: Iterable[tuple[str, str]]) -> tuple[CountRow, ...]:
    """Return how many things share each reason, with the first few of them."""
    listed = list(items)
    counts = Counter(reason for reason, _ in listed)
    return tuple(
        CountRow(reason=reason, count=count, examples=tuple(what for r, what in listed if r == reason)[:EXAMPLES])
        for reason, count in counts.most_common()
    )
