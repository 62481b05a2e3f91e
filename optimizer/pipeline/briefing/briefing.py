"""The content of the report: the plan, what it is compared with, the records and the
run, put together from the other briefings.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from optimizer.analysis.cooperation.cooperation import agency_gains
from optimizer.analysis.explain.record import RecordSupport
from optimizer.analysis.search_advice.search_advice import look_left_out, look_next, tip_facts
from optimizer.base.files.readwrite import sha256
from optimizer.base.text.language import gettext as _
from optimizer.base.text.language import marked, term
from optimizer.base.text.messages import all_translated, translated
from optimizer.base.version import package_version
from optimizer.pipeline.briefing.guarantees import (
    assumptions_of,
    beat_bound,
    guarantees_of,
    what_it_rests_on,
)
from optimizer.pipeline.briefing.routes import (
    displacement_rows,
    residual_evaders,
    residual_routes,
    route_rows,
)
from optimizer.plans.comparison import Comparison, exchanges, first_changes
from optimizer.plans.display_names import (
    DisplayNames,
    beat_rows,
    place_names,
    resource_word,
    said_places,
    said_region,
    site_rows,
)
from optimizer.plans.plan_content import StepTime
from optimizer.plans.weak_beats import beats_account
from optimizer.problem.files.plan_file import PlanFile, PlanResource
from optimizer.problem.instance.changes import ordered
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.options import Option
from optimizer.problem.instance.teams import TEAMS_A_SHIFT, PatrolField, team_resource
from optimizer.problem.plan.agencies import agencies_of
from optimizer.problem.plan.evaluation import plan_value
from optimizer.problem.plan.plan import Plan
from optimizer.problem.plan.result import Result
from optimizer.records.model import Effort, Exposure, Seizures
from optimizer.report.content.comparison import (
    AgencyRow,
    AgencyRows,
    BeatsLeftOutRow,
    BeatsWorthFacts,
    BudgetRow,
    BurdenRow,
    FewChangesRow,
    FirstChangesFacts,
    LayoutRow,
    MobilityRow,
)
from optimizer.report.content.mixture import MixtureFacts
from optimizer.report.content.report_content import ReportContent
from optimizer.report.content.risk import RecordFacts, SegmentRisk, UnitEffort
from optimizer.report.content.routes import SwapFacts
from optimizer.report.content.summary import CountRow, InputFile, PlanSummary, Provenance, StepRow
from optimizer.report.content.uncertainty import SensitivityFacts, UncertaintyFacts
from optimizer.report.words import word
from optimizer.risk.evidence import Evidence, KeepsEvidence, gather_evidence
from optimizer.scenario.compile.compile import Compiled
from optimizer.scenario.demand.risk_model import MODELS
from optimizer.scenario.demand.weighed_demand import weighing_sentence


def briefing(
    compiled: Compiled,
    plan: PlanFile,
    result: Result,
    comparison: Comparison,
    steps: Sequence[StepTime],
    *,
    doubt: UncertaintyFacts | None = None,
    sensitivity: SensitivityFacts | None = None,
    mixture: MixtureFacts | None = None,
    support: RecordSupport | None = None,
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
        What draws, and assumptions varied one by one, say of plans; None where nobody
        asked.
    mixture
        What to say of a mixture of plans; None where there is none.
    support
        What of the plan rests on the record; None where nobody asked, or nothing could
        be told.
    """
    scenario, region = compiled.scenario, compiled.region
    guarantees, names = guarantees_of(compiled, result, comparison), DisplayNames.of(compiled)
    places = place_names(compiled)
    records, evidence = compiled.records, fitted_evidence(compiled)
    return ReportContent(
        title=term(scenario.name),
        subtitle=term(scenario.report.subtitle),
        handling=scenario.report.handling,
        created=datetime.now(UTC).date().isoformat(),
        summary=_summary(compiled, result, comparison),
        region=said_region(region, compiled.gateways, compiled.settlements),
        places=said_places(scenario.report.places),
        risk=segment_risk(compiled, evidence),
        record=(
            None
            if records is None or evidence is None
            else record_facts(records, compiled.effort, evidence)
        ),
        look_next=look_next(compiled),
        tips=tip_facts(compiled.tips, lambda segment: places.segment(segment).text),
        sites=site_rows(plan.sites, plan.candidates, names, places),
        beats=beat_rows(plan.beats, names, places),
        mixture=mixture,
        routes=route_rows(compiled, comparison),
        layouts=layout_rows(compiled, result, comparison, names),
        first_changes=first_changes_facts(compiled, comparison),
        beats_worth=beats_worth_facts(compiled, comparison, names),
        mobility=mobility_rows(compiled, plan),
        budgets=budget_rows(
            plan,
            names,
            compiled.instance.patrols,
            _changing(compiled, comparison, mixture),
            _used_today(comparison),
        ),
        burden=burden_rows(compiled, plan),
        agencies=agency_rows(compiled, result, names),
        residual_evaders=residual_evaders(compiled, comparison),
        displacement=displacement_rows(compiled, comparison),
        residual_routes=residual_routes(compiled, comparison),
        swaps=swap_facts(compiled, comparison),
        rests_on=what_it_rests_on(compiled, support),
        doubt=doubt,
        sensitivity=sensitivity,
        says=guarantees.proven,
        cannot_say=(
            *guarantees.not_proven,
            *look_left_out(compiled),
            *map(term, scenario.report.cannot_say),
        ),
        warnings=all_translated(compiled.warnings),
        assumptions=(*assumptions_of(compiled, names), *map(term, scenario.report.assumptions)),
        unused=unused_rows(compiled),
        dropped=counted((item.reason, item.what) for item in region.dropped),
        sources=tuple(filter(None, map(term, (region.attribution, *scenario.report.sources)))),
        steps=tuple(StepRow(name=step.name, seconds=step.seconds) for step in steps),
        provenance=Provenance(
            version=package_version(),
            seed=result.seed,
            options={marked("method"): result.method, marked("gap"): f"{scenario.solve.gap:g}"},
            inputs=tuple(
                InputFile(name=path.name, sha256=sha256(path)) for path in compiled.inputs
            ),
        ),
    )


SHARES = {
    "loads": marked("share of loads that get through"),
    "quantity": marked("share of kilograms that get through"),
    "harm": marked("share of harm that gets through"),
}
"""What a value counts by what loads are weighed by, where values are shares."""
AMOUNTS = {
    "loads": marked("number of loads that get through each period"),
    "quantity": marked("number of kilograms that get through each period"),
    "harm": marked("amount of harm that gets through each period"),
}
"""The same where values are amounts."""


def _summary(compiled: Compiled, result: Result, comparison: Comparison) -> PlanSummary:
    terms = compiled.scenario.evaders
    share = terms.loads == 1.0
    weighing = weighing_sentence(compiled.record, terms)
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
        unit=(SHARES if share else AMOUNTS)[terms.weights_by],
        weighing=translated(weighing) if weighing else "",
        share=share,
        beats=beat_bound(result) if teams else None,
    )


def summary_of_today(compiled: Compiled, comparison: Comparison) -> PlanSummary:
    """Return the values of nothing and of today's layout; no plan is known, and no bound."""
    terms = compiled.scenario.evaders
    share = terms.loads == 1.0
    return PlanSummary(
        status="unknown",
        nothing=comparison.nothing.value,
        existing=comparison.existing.value if comparison.existing else None,
        unit=(SHARES if share else AMOUNTS)[terms.weights_by],
        share=share,
    )


def layout_rows(
    compiled: Compiled, result: Result, comparison: Comparison, names: DisplayNames
) -> tuple[LayoutRow, ...]:
    """Return the plan and the layouts it is compared with, from nothing placed to every
    site used.
    """
    instance = comparison.instance
    layout = partial(_layout, compiled.instance, instance, names)
    plan = instance.placed(result.plan.options if result.plan else ())
    existing = np.array([option.existing for option in instance.options], dtype=bool)
    everything = np.array([not option.forbidden for option in instance.options], dtype=bool)
    rows = [
        layout(
            _("Nothing placed"),
            comparison.nothing.value,
            np.zeros_like(plan),
            _("background policing alone"),
        )
    ]
    if comparison.existing is not None:
        note = _("on the same model and assumptions as the plan")
        rows.append(layout(_("Today's layout"), comparison.existing.value, existing, note))
    rows.append(layout(_("This plan"), comparison.plan.value, plan, ""))
    if result.plan is not None and result.plan.beats:
        rows += _halves(instance, result.plan, layout)
        every = _("Every site used, with these beats")
        note = _("without budgets: a lower bound of every plan from these sites and beats")
    else:
        every, note = (
            _("Every site used"),
            _("without budgets: a lower bound of every plan from these sites"),
        )
    rows.append(layout(every, comparison.everything, everything, note))
    return tuple(rows)


def _halves(
    instance: Instance,
    plan: Plan,
    layout: Callable[[str, float, NDArray[np.bool_], str], LayoutRow],
) -> list[LayoutRow]:
    """Return the sites of a plan without its beats, and its beats without its sites."""
    sites = instance.placed(placement.id for placement in plan.fixed)
    beats = instance.placed(placement.id for placement in plan.beats)
    return [
        layout(
            _("Its sites alone"),
            plan_value(instance, sites),
            sites,
            _("this plan without its beats"),
        ),
        layout(
            _("Its beats alone"),
            plan_value(instance, beats),
            beats,
            _("this plan without its sites"),
        ),
    ]


def _layout(
    without_beats: Instance,
    instance: Instance,
    names: DisplayNames,
    name: str,
    value: float,
    placed: NDArray[np.bool_],
    note: str,
) -> LayoutRow:
    chosen = [instance.options[j] for j in np.flatnonzero(placed)]
    return LayoutRow(
        name=name,
        value=value,
        sites=len({option.site for option in chosen if option.site}),
        beats=sum(option.id not in without_beats.option_index for option in chosen),
        costs=names.amounts(_used(instance, chosen)),
        note=note,
    )


def _used(instance: Instance, options: Sequence[Option]) -> dict[str, float]:
    """Return what options use of each resource in all."""
    return {
        r.id: math.fsum(option.uses.get(r.id, 0.0) for option in options)
        for r in instance.resources
    }


def first_changes_facts(compiled: Compiled, comparison: Comparison) -> FirstChangesFacts | None:
    """Return what few changes of a plan alone bring; None where it makes few, or
    nothing stands today.
    """
    instance, options = comparison.instance, compiled.instance.options
    if comparison.existing is None:
        return None
    found = first_changes(instance, comparison.placed, len(options), comparison.value_of)
    rows = []
    for layout in reversed(found.layouts):
        comes = [
            option for j, option in enumerate(options) if layout.placed[j] and not option.existing
        ]
        goes = [
            option for j, option in enumerate(options) if option.existing and not layout.placed[j]
        ]
        order = ordered(comes, goes)
        opens, changes, closes = (
            tuple(term(translated(option.label or option.id)) for option in each)
            for each in (order.opens, order.changes, order.closes)
        )
        rows.append(
            FewChangesRow(
                most=layout.most, value=layout.value, opens=opens, changes=changes, closes=closes
            )
        )
    return (
        FirstChangesFacts(rows=tuple(rows), made=found.made, tried=found.tried, curve=found.curve)
        if rows
        else None
    )


def beats_worth_facts(
    compiled: Compiled, comparison: Comparison, names: DisplayNames
) -> BeatsWorthFacts | None:
    """Return what the beats of a plan bring and take; None where it has none."""
    account = beats_account(comparison, len(compiled.instance.options))
    if account is None:
        return None
    site = (
        comparison.instance.options[comparison.instance.option_index[account.site]]
        if account.site
        else None
    )
    return BeatsWorthFacts(
        rows=tuple(
            BeatsLeftOutRow(beat=beat, value=value, freed=names.amounts(freed))
            for beat, value, freed in zip(account.order, account.values, account.freed, strict=True)
        ),
        weak=account.weak,
        site="" if site is None else term(site.label or site.id),
        gain=account.gain,
        costs=names.amounts(account.cost),
    )


def mobility_rows(compiled: Compiled, plan: PlanFile) -> tuple[MobilityRow, ...]:
    """Return plan and today's layout by the share of the informed loads that may change gateway."""
    own = compiled.scenario.evaders.mobility
    return tuple(
        MobilityRow(row, row.mobility == own and not row.free) for row in plan.values.by_mobility
    )


def _changing(
    compiled: Compiled, comparison: Comparison, mixture: MixtureFacts | None
) -> dict[str, tuple[float, float]]:
    """Return what opening and closing takes of each resource, once and in a year; of a
    mixture for all that any of its plans places.
    """
    instance, placed = comparison.instance, comparison.placed
    if mixture is not None and mixture.alternates:
        placed = placed | np.isin(
            [option.id for option in instance.options], [row.id for row in mixture.rows]
        )
    years = {kind.id: kind.cost_years or 1.0 for kind in compiled.scenario.kinds}
    found: dict[str, tuple[float, float]] = {}
    for j in np.flatnonzero(instance.changed(placed)).tolist():
        option = instance.options[j]
        for name, yearly in option.change.items():
            before = found.get(name, (0.0, 0.0))
            found[name] = before[0] + yearly * years.get(option.type, 1.0), before[1] + yearly
    return found


def _used_today(comparison: Comparison) -> dict[str, float] | None:
    """Return what today's layout uses of each resource; None where nothing stands today."""
    if comparison.existing is None:
        return None
    return _used(
        comparison.instance, [option for option in comparison.instance.options if option.existing]
    )


def budget_rows(
    plan: PlanFile,
    names: DisplayNames,
    patrols: PatrolField | None,
    changing: Mapping[str, tuple[float, float]],
    today: Mapping[str, float] | None,
) -> tuple[BudgetRow, ...]:
    """Return how much of each budget the plan and `today`'s layout use, and what of it
    `changing` takes: by resource id, once and in a year.
    """
    common = Counter(r.name for r in plan.resources if not r.agency)
    teams = {
        team_resource(t.id): term(t.label or t.id)
        for t in (patrols.teams if patrols is not None else ())
    }

    def name(r: PlanResource) -> str:
        if r.name and (r.agency or common[r.name] == 1):
            return resource_word(r.name)
        return names.resources.get(r.id) or teams.get(r.id, r.id)

    return tuple(
        BudgetRow(
            resource=name(r),
            agency=names.agency(r.agency),
            unit=_(r.unit) if r.id in teams and r.unit == TEAMS_A_SHIFT else resource_word(r.unit),
            used=r.used,
            budget=r.budget,
            once=changing.get(r.id, (0.0, 0.0))[0],
            changing=changing.get(r.id, (0.0, 0.0))[1],
            today=None if today is None else today.get(r.id, 0.0),
        )
        for r in plan.resources
    )


def agency_rows(compiled: Compiled, result: Result, names: DisplayNames) -> AgencyRows | None:
    """Return what each agency's sites and beats bring; None where there is one agency
    at most, or no plan.
    """
    agencies = agencies_of(compiled.instance)
    if result.plan is None or len(agencies) < 2:
        return None
    rows = tuple(
        AgencyRow(
            agency=_(" and ").join(names.agency(owner) for owner in gain.owners) or _("all"),
            placements=gain.placements,
            lost=gain.total,
            relieved=tuple(gain.gains.get(name, 0.0) for name in (*agencies, "")),
        )
        for gain in agency_gains(compiled.instance, result.plan)
    )
    return AgencyRows(names=tuple(map(names.agency, agencies)), rows=rows)


CLOSE = 0.01
"""Relative rise of the value up to which a plan with an exchange counts as nearly as good."""

MOST_PARTNERS = 4
"""Sites that each is exchanged for at most, those first that would add most by themselves."""

MOST_SWAPS = 120
"""Exchanges that are evaluated at most: about as many as options have their marginal
value worked out.
"""


def swap_facts(compiled: Compiled, comparison: Comparison) -> SwapFacts | None:
    """Return which sites of a plan can be exchanged for another at little loss; None
    where the plan has no site that another can replace.

    Sites of the smallest marginal value are tried first; what a site is exchanged for
    may be another kind at its place.
    """
    instance, placed = comparison.instance, comparison.placed
    options, gains = compiled.instance.options, comparison.marginal_values
    sites = [j for j, option in enumerate(options) if placed[j] and not option.forced]
    others = [k for k, option in enumerate(options) if not placed[k] and not option.forbidden]
    others.sort(key=lambda k: -gains[options[k].id])
    close, tried = CLOSE * comparison.plan.value, 0
    found: list[tuple[str, str]] = []
    for j in sorted(sites, key=lambda j: gains[options[j].id]):
        for exchange in islice(
            exchanges(instance, placed, j, others, MOST_PARTNERS), MOST_SWAPS - tried
        ):
            tried += 1
            if comparison.value_of(exchange.placed) <= comparison.plan.value + close:
                into = options[exchange.comes]
                found.append((term(options[j].label or options[j].id), term(into.label or into.id)))
                break
    return SwapFacts(tried=tried, close=close, sites=tuple(found)) if tried else None


def burden_rows(compiled: Compiled, plan: PlanFile) -> tuple[BurdenRow, ...]:
    """Return the searches on the roads of each community, and on each road with a site
    that inspects, the most first.
    """
    burden = compiled.burden
    # measures at the source follow: they inspect nobody
    options = compiled.instance.options[: burden.inspected.size]
    chosen = np.isin([option.id for option in options], plan.options)
    today = np.array([option.existing for option in options], dtype=bool)
    if not options or burden.inspected.size != len(options):  # of a plan without its scenario
        return ()
    communities = [
        replace(
            _row(each.label, marked("community"), searches, chosen, today),
            passages=each.passages,
            cap=each.cap,
        )
        for each, searches in zip(burden.communities, burden.searches, strict=True)
    ]
    roads = np.array([_road(compiled, option.site) for option in options], dtype=object)
    used = dict.fromkeys(roads[chosen & (burden.inspected > 0)].tolist())
    rows = [
        _row(road, marked("road"), np.where(roads == road, burden.inspected, 0.0), chosen, today)
        for road in used
    ]
    return (*communities, *sorted(rows, key=lambda row: (-row.searches, row.place)))


def _row(
    place: str,
    what: str,
    searches: NDArray[np.float64],
    chosen: NDArray[np.bool_],
    today: NDArray[np.bool_],
) -> BurdenRow:
    return BurdenRow(
        place=place,
        what=what,
        sites=int(np.count_nonzero(searches[chosen])),
        searches=float(searches[chosen].sum()),
        today=float(searches[today].sum()) if today.any() else None,
    )


def _road(compiled: Compiled, site: str) -> str:
    """Return what the road of a site is called: its name, or its class where it has none."""
    network = compiled.region.network
    arc = network.segment_arc[compiled.sites[site].segment]
    return str(network.name[arc]) or word(str(network.road_class[arc]))


EXAMPLES = 3
"""Rows that are named for each reason."""


def fitted_evidence(compiled: Compiled) -> Evidence | None:
    """Return the evidence that the risk model was fitted to, gathered anew only where
    the model does not keep it; None without records.
    """
    if compiled.records is None:
        return None
    if isinstance(compiled.model, KeepsEvidence):
        return compiled.model.evidence_
    return gather_evidence(compiled.records, compiled.effort, compiled.region.network)


def known_effort(exposure: Exposure) -> tuple[UnitEffort, ...]:
    """Return the effort on every segment, unit by unit; none where none was recorded."""
    if not exposure.recorded:
        return ()
    return tuple(
        UnitEffort(unit=term(unit), amount=amount)
        for unit, amount in zip(exposure.units, exposure.amount, strict=True)
    )


def record_facts(records: Seizures, effort: Effort | None, evidence: Evidence) -> RecordFacts:
    """Return the facts of the record that limit what can be concluded from it.

    Parameters
    ----------
    records, effort
        The records that were read.
    evidence
        The two set against each other.
    """
    seizures = float(records.count.sum())
    known = effort is not None and len(effort) > 0
    return RecordFacts(
        seizures=seizures,
        without_effort=round(seizures - float(evidence.count.sum()), 6) if known else 0.0,
        area_only=round(sum(area.count for area in evidence.area_counts), 6),
        areas=len(np.unique(records.area[records.area >= 0])),
        seizure_sources=tuple(map(term, records.source_name)),
        effort_sources=(
            tuple(zip(map(term, effort.source_name), map(term, effort.unit), strict=True))
            if effort is not None and known
            else ()
        ),
        effort_by_area=effort is not None and known and bool((effort.segment < 0).all()),
    )


def segment_risk(compiled: Compiled, evidence: Evidence | None) -> SegmentRisk | None:
    """Return the risk of every segment with the effort behind it; None without records."""
    risk = compiled.risk
    if risk is None or evidence is None:
        return None
    return SegmentRisk(
        median=risk.median,
        low=risk.low,
        high=risk.high,
        searched=risk.searched,
        unit=_("finds per effort (1 = average)"),
        interval=risk.level,
        efforts=known_effort(evidence.exposure),
        average=1.0,
        how=_(MODELS[compiled.scenario.risk.model].description),
    )


def unused_rows(compiled: Compiled) -> tuple[CountRow, ...]:
    """Return the records that were not used, by reason."""
    records = [
        item
        for part in (compiled.records, compiled.effort)
        if part is not None
        for item in part.unused
    ]
    example = _("{file} row {row}")
    return counted((item.reason, example.format(file=item.file, row=item.row)) for item in records)


def counted(items: Iterable[tuple[str, str]]) -> tuple[CountRow, ...]:
    """Return how many things share each reason, with the first few of them."""
    listed = list(items)
    counts = Counter(reason for reason, _ in listed)
    return tuple(
        CountRow(
            reason=_(translated(reason)),
            count=count,
            examples=tuple(what for r, what in listed if r == reason)[:EXAMPLES],
        )
        for reason, count in counts.most_common()
    )
