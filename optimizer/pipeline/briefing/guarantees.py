"""What a plan proves, what it does not prove, and what is assumed: sentences of the report."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from optimizer.analysis.explain.record import RecordSupport, can_exchange, how_told, rests_sentence
from optimizer.base.text.formatting import SPACE, number, percent
from optimizer.base.text.language import counted, localised, marked, term
from optimizer.base.text.language import gettext as _
from optimizer.base.text.messages import Message, counted_message, message, shortened, translated
from optimizer.plans.comparison import Comparison
from optimizer.plans.display_names import DisplayNames
from optimizer.problem.files.plan_file import PlanFile, beat_entries
from optimizer.problem.instance.options import BUDGET_TOLERANCE
from optimizer.problem.instance.teams import PatrolField
from optimizer.problem.plan.plan import Mixture, Plan, with_mixture
from optimizer.problem.plan.result import PROVEN, Result, relative_gap
from optimizer.region.model import beyond_border
from optimizer.report.content.mixture import MixtureFacts, MixtureRow
from optimizer.report.content.summary import BeatBound
from optimizer.scenario.compile.compile import Compiled
from optimizer.scenario.demand.record_demand import RecordFit
from optimizer.scenario.demand.source_measures import origins
from optimizer.scenario.file.model import EvadersModel, MeasureModel, ScenarioResourceModel
from optimizer.scenario.file.ranges import middle
from optimizer.scenario.sites.options import past

LIMITS = {"time": marked("time"), "interrupted": marked("interrupted"), "memory": marked("memory")}
"""What ended a search early."""
UNSURE_LOCAL = 0.3
"""Width of the range of a learnt local share from which on it is said why it is not
known better.
"""


def guarantees_of(compiled: Compiled, result: Result, comparison: Comparison) -> Guarantees:
    """Return what a plan proves and what it does not."""
    proven = [
        _(
            "The value of the plan is exact for this model: every evader's best response was found"
            " on the full road network."
        ),
        _(
            "The bound is proven: no choice of these sites within these budgets lets less through"
            " than the lower bound says."
        ),
    ]
    not_proven = [
        _(
            "The model is not the border: its weights, times and detection chances are estimates or"
            " assumptions, listed below."
        ),
        _(
            "Records show where people searched as much as where drugs moved; places nobody"
            " searched are unknown, not safe."
        ),
        _("Sites, kinds and evaders that the scenario does not name are not considered."),
    ]
    if compiled.instance.patrols is not None:
        beats = beat_guarantees()
        proven[1:] = beats.proven
        not_proven += beats.not_proven
    if comparison.existing is not None:
        proven.append(
            _(
                "The comparison with today's layout uses the same sites, budgets, evaders and"
                " assumptions for both, so the difference is due to placement alone."
            )
        )
        not_proven.append(
            _(
                "It does not prove that today's layout performs as computed, nor that a move would"
                " pay: today's sites also deter, serve other purposes, and the people who use them"
                " know things that no file here holds."
            )
        )
    if result.limit:
        proven.append(
            _(
                "The search was ended early ({limit}); the plan and its bounds are valid, the gap"
                " may be closable."
            ).format(limit=_(LIMITS.get(result.limit, result.limit)))
        )
    return Guarantees(tuple(proven), tuple(not_proven))


def assumptions_of(compiled: Compiled, names: DisplayNames) -> tuple[str, ...]:
    """Return what is assumed, a sentence each."""
    scenario = compiled.scenario
    lines = [
        _(
            "Ordinary policing finds a load with hazard {per_hour} an hour on the road and {per_km}"
            " a kilometre."
        ).format(
            per_hour=number(scenario.background.per_hour, 6),
            per_km=number(scenario.background.per_km, 6),
        ),
        _(
            "{share} of loads keep to their routes; the rest see the plan and take the best route"
            " against it."
        ).format(share=percent(scenario.evaders.habitual_share, 0)),
        *_on_mobility(scenario.evaders),
        *_on_far_side(compiled),
        _("A destination's pull falls to 1/e for every {minutes} minutes of travel.").format(
            minutes=number(scenario.evaders.decay_minutes, 6)
        ),
    ]
    lines += _from_record(compiled)
    lines += [
        _on_duty(resource, names) for resource in scenario.resources if resource.availability < 1
    ]
    lines += [_of_measure(measure, compiled) for measure in scenario.measures]
    patrols = compiled.instance.patrols
    lines += beat_assumptions(patrols) if patrols is not None else []
    assumed = _("{what}: {value}. The scenario does not say otherwise.")
    values = ((translated(item.what), translated(item.value)) for item in compiled.assumed)
    return (*lines, *(assumed.format(what=what, value=value) for what, value in values))


def _on_far_side(compiled: Compiled) -> list[str]:
    """Return a sentence on what it costs to drive beyond the border to another
    crossing; none where no road lies there.
    """
    background = compiled.scenario.background
    if not beyond_border(compiled.region).any():
        return []
    if not (background.far_side_loss or background.far_side_per_hour):
        return [
            _("Driving beyond the border to another crossing costs no more than driving at home.")
        ]
    said = _(
        "Going back over the border to another crossing loses {loss} of the loads, and {hazard} an"
        " hour there."
    )
    return [
        said.format(
            loss=percent(background.far_side_loss, 0),
            hazard=number(background.far_side_per_hour, 6),
        )
    ]


def _on_mobility(terms: EvadersModel) -> list[str]:
    """Return a sentence on who may change gateway."""
    if not terms.mobility:
        return [
            _(
                "No load changes gateway (mobility 0): each enters at its own, whatever stands"
                " behind it. Where some change, the plan is worth less."
            )
        ]
    said = _(
        "Of the loads that see the plan {share} may enter at another gateway; {loss} of those are"
        " lost on the way."
    )
    sentences = [
        said.format(share=percent(terms.mobility, 0), loss=percent(terms.switching_loss, 0))
    ]
    if terms.switching_km is not None:
        distant = _("With distance they fall further, to 1/e in {km} km.")
        sentences.append(distant.format(km=number(terms.switching_km, 6)))
    return [" ".join(sentences)]


def _from_record(compiled: Compiled) -> list[str]:
    """Return sentences on what the record made of evaders' weights; none where it was not used."""
    record, terms = compiled.record, compiled.scenario.evaders
    if record.fit is None:
        return []
    fit = record.fit
    source = _("learnt from the record") if terms.local_share is None else _("as the scenario says")
    local, low, high, share = (
        f"{100 * part:.0f}" for part in (fit.local, fit.low, fit.high, record.local_loads)
    )
    return [
        _(
            "Flows between gateways and settlements explain the {seizures} seizures with effort but"
            " for {local} (between {low} and {high}, nine times in ten by simulated records);"
            " {share} of loads keep to places ({source}). {closed} of all loads keep to places that"
            " no site reaches: no plan stops them."
        ).format(
            seizures=number(fit.seizures),
            local=f"{local}{SPACE}%",
            low=low,
            high=f"{high}{SPACE}%",
            share=f"{share}{SPACE}%",
            closed=percent(_out_of_reach(compiled), 0),
            source=source,
        ),
        *(on_local_share(fit) if terms.local_share is None else ()),
        *_on_routes(fit),
        _(
            "On searched roads the flows by gravity and travel time alone correlate {before} with"
            " the risk map, those that explain the record {after} (square roots, weighted by"
            " effort)."
        ).format(before=localised(f"{fit.before:.2f}"), after=localised(f"{fit.after:.2f}")),
    ]


def what_it_rests_on(compiled: Compiled, support: RecordSupport | None) -> tuple[str, ...]:
    """Return how many sites rest on the record, and how that was found; or that none
    does, or why it is not known; none without a record.
    """
    if support is not None:
        return _told(support)
    if compiled.records is None:
        return ()
    if compiled.scenario.evaders.weights == "gravity":
        return (
            _(
                "No site rests on the record of seizures: the scenario weighs loads without it"
                " (evaders.weights)."
            ),
        )
    if compiled.scenario.evaders.weights == "record" and compiled.record.flows is None:
        return (_("No site rests on the record of seizures: it does not tell places apart."),)
    if not can_exchange(compiled.travel.evidence):
        return (
            _(
                "Which sites rest on the record of seizures cannot be told: it has no two places to"
                " exchange."
            ),
        )
    return _("Which sites rest on the record of seizures is not yet known."), _(
        "explain --record 4 says it."
    )


def _told(support: RecordSupport) -> tuple[str, ...]:
    """Return what quick searches tell, what follows from it, and how it was found."""
    if not support.sites:
        return ()
    short = _(
        "Each is the best plan of a short search around this one, whose risk map is not fitted"
        " anew; explain --record does both. A site that rests on the record is not thereby"
        " right: a record that tells nothing moves sites too."
    )
    if len(support.on(None)) == len(support.sites):
        found = untold_sentence(len(support.sites))
    else:
        wrong = _("Where the record misleads, a site that rests on it may stand at a wrong place.")
        found = f"{rests_sentence(support)} {wrong} {_longer()}"
    return found, how_told(support), short


def untold_sentence(sites: int) -> str:
    """Return what it means that no search could tell what any of the sites rests on."""
    said = counted(
        "Not yet known: whether the record of seizures decided where the {count} site stands.",
        "Not yet known: for which of the {count} sites the record of seizures decided where they"
        " stand.",
        sites,
    )
    wrong = _("If the record misleads, some may belong elsewhere.")
    return f"{said} {wrong} {_longer()}"


def _longer() -> str:
    """Return which command tells more of the record, and how long it takes."""
    return _("To find out, the planner runs explain --record 4: about {minutes} minutes.").format(
        minutes=number(RECORD_MINUTES)
    )


RECORD_MINUTES = 10
"""What `explain --record 4` takes on the shipped border, on two quiet cores: 300 seconds
of searches, and half a minute for the risk by each other record.
"""


def _out_of_reach(compiled: Compiled) -> float:
    """Return the share of all loads that keep to places where nothing can be placed."""
    instance = compiled.instance
    reached = np.zeros(instance.tail.size, dtype=bool)
    reached[instance.effects[1]] = True
    if instance.patrols is not None:
        reached[instance.patrols.elements.arc] = True
    local = zip(instance.evaders, compiled.pairs, strict=True)
    away = [
        e.weight
        for e, pair in local
        if pair is None and not reached[[a for r in e.routes for a in r.arcs]].any()
    ]
    return float(sum(away) / instance.weight.sum())


def on_local_share(fit: RecordFit) -> list[str]:
    """Return why a learnt local share is not known better; nothing where its range is narrow."""
    if fit.high - fit.low < UNSURE_LOCAL:
        return []
    return [
        _(
            "The share of loads that keep to a place is not known better than between {low} and"
            " {high}: the seizures lie at {places} places in effect, and flows explain few places"
            " by chance, too."
        ).format(
            low=f"{100 * fit.low:.0f}",
            high=f"{100 * fit.high:.0f}{SPACE}%",
            places=number(round(fit.places)),
        )
    ]


def _on_routes(fit: RecordFit) -> list[str]:
    """Return what is said of routes that are not those by travel time alone; nothing
    where they are.
    """
    said = {
        "length": _(
            "Routes by length of road explain the record better than those by travel time: habitual"
            " loads are taken to drive them."
        ),
        "travel time or length": _(
            "Routes by travel time and by length of road together explain the record better than"
            " those by travel time alone: habitual loads are taken to drive both."
        ),
    }
    around = _(
        "Routes around today's layout explain the record better than habits alone: part of the"
        " loads are taken to have driven them while it was made."
    )
    return [
        *([said[fit.goes_by]] if fit.goes_by in said else []),
        *([around] if fit.around_today else []),
    ]


def _of_measure(measure: MeasureModel, compiled: Compiled) -> str:
    """Return a sentence on the effect that is taken for a measure at the source, and
    who says so.
    """
    horizon = compiled.scenario.horizon_months
    reached = len(origins(measure, compiled.gateways))
    known = f"{number(100 * middle(measure.reduction))}{SPACE}%"
    if isinstance(measure.reduction, tuple):
        low, high = (number(100 * end) for end in measure.reduction)
        known = _("{share} (the middle of {low} to {high})").format(
            share=known, low=low, high=f"{high}{SPACE}%"
        )
    if measure.tips:
        tips = f"{number(100 * measure.tips)}{SPACE}%"
        known = _("{share}, and tips find {tips} of the rest").format(share=known, tips=tips)
    return _(
        "{measure} lowers the loads of {gateways} by {share}, after {delay} of {horizon} months;"
        " source: {source}. Local evaders and other gateways do not change, and nobody moves to"
        " another gateway because of it."
    ).format(
        measure=measure.label or measure.id,
        gateways=counted("{count} gateway", "{count} gateways", reached),
        share=known,
        delay=number(measure.delay_months),
        horizon=number(horizon),
        source=measure.source.rstrip("."),
    )


def _on_duty(resource: ScenarioResourceModel, names: DisplayNames) -> str:
    """Return a sentence on how much of a resource is on duty at any time."""
    whose = f" ({names.agency(resource.agency)})" if resource.agency else ""
    assert resource.budget != "existing"  # noqa: S101 - the scenario refuses it with an availability
    return _("Of {budget} {resource} {share} are on duty and free: {free} may be placed.").format(
        budget=number(resource.budget),
        resource=f"{resource.name}{whose}",
        share=f"{number(100 * resource.availability)}{SPACE}%",
        free=number(resource.budget * resource.availability),
    )


def plan_warnings(result: Result, comparison: Comparison) -> list[str]:
    """Return the sentences for the planner that follow from a plan and its comparison:
    what looks like a mistake, and why nothing is placed.
    """
    warnings: list[str] = []
    existing = comparison.existing
    if existing is not None and existing.value > comparison.nothing.value * (1 - 1e-6):
        warnings.append(
            message(
                "Today's layout stops nothing in this model: check on which roads its sites were"
                " put, and that they detect anything."
            )
        )
    if result.plan is not None and not result.plan.options:
        warnings.append(
            message("The plan places nothing: {why}.", why=_why_nothing(result, comparison))
        )
    patrols = comparison.instance.patrols
    limited = patrols is not None and patrols.teams_at_post is not None
    if result.plan is not None and not limited and (crowded := _crowded(result.plan)):
        warnings.append(
            message(
                "{most} or more teams of one shift dwell at {posts}. The model takes their chances"
                " of detection as independent; where they are not, say how many may stand there"
                " (teams_at_post).",
                most=CROWDED,
                posts=shortened(crowded),
            )
        )
    if (
        result.mixed is not None
        and len(result.mixed.mixture.plans) == 1
        and result.status != "optimal"
    ):
        warnings.append(
            message(
                "The mixture is one plan, the same every day: in {rounds:n} rounds the search"
                " weighed {plans:n} plans against {paths:n} routes of evaders, and proved no"
                " mixture of them better than the best single plan in the time. A mixture may let"
                " up to {left:.1%} of that less through: give the search more (--time-limit).",
                rounds=result.statistics.get("rounds", 0.0),
                plans=result.statistics.get("plans", 0.0),
                paths=result.statistics.get("paths", 0.0),
                left=relative_gap(result.lower, result.upper) or 0.0,
            )
        )
    return warnings


CROWDED = 3
"""Teams at one post in one shift from which a plan warns."""


def _crowded(plan: Plan) -> list[str]:
    """Return the posts at which so many teams dwell, each once, those of most teams first."""
    teams: Counter[int] = Counter()
    labels: dict[int, str] = {}
    for beat in plan.beats:
        for post in {stop.post.segment: stop.post for stop in beat.stops}.values():
            teams[post.segment] += 1
            labels[post.segment] = post.label or str(post.segment)
    return [labels[segment] for segment, count in teams.most_common() if count >= CROWDED]


def traffic_warnings(compiled: Compiled, result: Result) -> list[str]:
    """Return a sentence on the sites of a plan whose traffic is not known, though what
    stands there depends on it.
    """
    if result.plan is None:
        return []
    kinds = {kind.id: kind for kind in compiled.scenario.kinds}
    chosen = [
        compiled.instance.options[j]
        for j in np.flatnonzero(compiled.instance.placed([p.id for p in result.plan.fixed]))
    ]
    unknown = [
        option.label or option.id
        for option in chosen
        if option.type in kinds
        and kinds[option.type].needs_traffic
        and past(compiled.sites[option.site], compiled.scenario, compiled.region.network).daily
        is None
    ]
    if not unknown:
        return []
    return [
        message(
            "The plan stands at {sites} whose traffic is not known, where posts are taken to"
            " inspect every vehicle: {names}. Give their traffic, counts ([traffic] counts) or"
            " by_class.",
            sites=counted_message("{count} site", "{count} sites", len(unknown)),
            names=shortened(unknown, 5),
        )
    ]


def _why_nothing(result: Result, comparison: Comparison) -> Message:
    """Return why a plan places nothing, as far as it is proven."""
    instance, teams = comparison.instance, comparison.instance.patrols is not None
    allowed = np.array([not option.forbidden for option in instance.options], dtype=bool)
    affordable = allowed & (instance.use[: allowed.size] <= instance.budget + BUDGET_TOLERANCE).all(
        axis=1
    )
    if not teams and not affordable.any():
        none = message("there is no site that may be used")
        return message("no site fits the budgets by itself") if allowed.any() else none
    if result.gap is not None and result.gap <= PROVEN:
        return message("it is proven that no choice within the budgets lets less through")
    # but for rounding
    if not teams and comparison.everything >= comparison.nothing.value * (1 - PROVEN):
        return message("none would help, for as much gets through with every site used")
    if result.lower is None:
        return message(
            "none was found to help, and it is not proven that none would. Ask for a smaller gap,"
            " or give it more time"
        )
    return message(
        "none was found to help, and it is not proven that none would. {lower:n} at least gets"
        " through whatever is placed. Ask for a smaller gap, or give it more time",
        lower=result.lower,
    )


# What the report says of what is placed: what was proven of beats, and placements of a
# mixture.


def beat_bound(result: Result) -> BeatBound:
    """Return what is proven against every beat there is, and how many beats were weighed."""
    return BeatBound(
        lower=result.lower, gap=result.gap, exact=result.pricing_proven, weighed=result.weighed or 0
    )


@dataclass(frozen=True, slots=True)
class Guarantees:
    """What a plan proves and what it does not, a sentence each."""

    proven: tuple[str, ...]
    not_proven: tuple[str, ...]


def beat_guarantees() -> Guarantees:
    """Return what a plan with beats proves and what it does not."""
    proven = (
        _(
            "The bound holds for every beat: no choice of these sites and of tours that these teams"
            " could drive lets less through than it says."
        ),
    )
    not_proven = (
        _(
            "The bound over every beat has no certificate yet: nobody can check it without this"
            " program."
        ),
        _(
            "Beats stop at posts on the roads that evaders use most, and nowhere else; other posts"
            " are not considered."
        ),
        _(
            "Times of a beat are those of driving at the usual speed: traffic, weather and what a"
            " stop leads to are not in them."
        ),
    )
    return Guarantees(proven, not_proven)


def beat_assumptions(patrols: PatrolField) -> list[str]:
    """Return what is assumed of teams, a sentence each."""
    chances = dict.fromkeys((team.label or team.id, team.detection) for team in patrols.teams)
    listed = ", ".join(f"{percent(chance, 0)} ({term(label)})" for label, chance in chances)
    return [
        _(
            "The chance that a team which meets a loaded evader finds the load is assumed, not"
            " measured: {chances}."
        ).format(chances=listed),
        _(
            "Meetings of an evader with a beat count as independent: chances are multiplied, which"
            " understates what a long stay at a post does."
        ),
        _(
            "Teams that share a post set out one after another, so that they find there together"
            " what the value counts. It counts a day of shifts that follow one another."
        ),
        _(
            "Teams do not cross the border: no beat passes a crossing or a place where evaders"
            " enter."
        ),
    ]


def mixed_placements(compiled: Compiled, plan: PlanFile, mixture: Mixture) -> PlanFile:
    """Return the content of a plan file with every placement of a mixture in place of
    those of the single plan.
    """
    placed = mixture.marginals
    instance = with_mixture(compiled.instance, mixture)
    return plan.model_copy(
        update={
            "options": list(placed),
            "sites": [site for site in (*plan.sites, *plan.candidates) if site.id in placed],
            "beats": beat_entries(instance, mixture.plans),
            "candidates": [],
        }
    )


def mixture_facts(compiled: Compiled, result: Result, placements: PlanFile) -> MixtureFacts:
    """Return what the report says of the mixture of a result, whose placements are
    those of `mixed_placements`.
    """
    randomised, upper = result.mixed, result.upper
    assert randomised is not None and upper is not None  # noqa: S101, PT018 - of the method `mixed`
    names, shares = DisplayNames.of(compiled), randomised.mixture.marginals
    sites = [
        MixtureRow(s.label or s.id, s.kind, names.agency(s.agency), shares[s.id], s.existing, s.id)
        for s in placements.sites
    ]
    beats = [
        MixtureRow(
            b.label or b.id,
            b.kind,
            names.agency(b.agency),
            shares[b.id],
            today=False,
            id=b.id,
            beat=True,
        )
        for b in placements.beats
    ]
    return MixtureFacts(
        plans=len(randomised.mixture.plans),
        upper=upper,
        lower=result.lower,
        single=randomised.pure_upper,
        gain=randomised.gain(upper),
        proven_gain=randomised.proven_gain(upper),
        saturated=randomised.saturated,
        rows=tuple(sorted((*sites, *beats), key=lambda row: (-row.share, row.label))),
        likeliest=max(randomised.mixture.probabilities),
    )
