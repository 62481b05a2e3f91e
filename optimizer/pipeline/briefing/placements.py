"""The report's rows of what is placed, made from the plan file: sites, beats with what was proven of them, and placements of a mixture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.base.text.formatting import number, percent
from optimizer.base.text.language import gettext as _
from optimizer.base.text.language import term
from optimizer.plans.display_names import DisplayNames
from optimizer.problem.files.plan_file import beat_entries
from optimizer.problem.plan.plan import with_mixture
from optimizer.report.content.mixture import MixtureFacts, MixtureRow
from optimizer.report.content.placements import BeatRow, BeatStopRow, SiteRow
from optimizer.report.content.summary import BeatBound
from optimizer.report.words import word

if TYPE_CHECKING:
    from optimizer.problem.files.plan_file import PlanFile, PlanSite, PlanStop
    from optimizer.problem.instance.teams import PatrolField
    from optimizer.problem.plan.plan import Mixture
    from optimizer.problem.plan.result import Result
    from optimizer.report.maps.place_names import PlaceNames
    from optimizer.scenario.compile.compile import Compiled


def site_rows(plan: PlanFile, names: DisplayNames, places: PlaceNames) -> tuple[SiteRow, ...]:
    """Return the sites of the plan, then those that were not chosen."""
    today = {site.site: site for site in (*plan.sites, *plan.candidates) if site.existing and site.site}
    planned = {site.site: site for site in plan.sites if site.site}
    rows = [_site_row(site, today.get(site.site), names, places, chosen=True) for site in plan.sites]
    return (*rows, *(_site_row(site, planned.get(site.site), names, places, chosen=False) for site in plan.candidates))


def _site_row(
    site: PlanSite, other: PlanSite | None, names: DisplayNames, places: PlaceNames, *, chosen: bool
) -> SiteRow:
    """Return the row of an option; `other` is what stands at its place today, or under the plan."""
    return SiteRow(
        entry=site,
        chosen=chosen,
        label=names.answered.get(site.id, term(site.label)),
        place=names.answered.get(site.id, "") or names.sites.get(site.site, ""),
        type=names.kinds.get(site.type, site.type),
        other_type="" if other is None or other.id == site.id else names.kinds.get(other.type, other.type),
        agency=names.agency(site.agency),
        where="" if site.lon is None or site.lat is None else places.where(site.lon, site.lat, site.road),
        road=_road(site),
        traffic=_traffic(site),
        costs=names.amounts(site.uses),
    )


ROAD_WIDTH = 15.0
"""Metres within which a place is on its road: half a highway of four lanes."""


def _road(site: PlanSite) -> str:
    """Return the road that a site watches, and how far the place given lies from it where that is more than a road is wide."""
    names = ", ".join(filter(None, (site.road, word(site.road_class))))
    if not site.distance_m or site.distance_m < ROAD_WIDTH:
        return names
    return _("{road}; {metres} m away").format(road=names, metres=f"{site.distance_m:.0f}")


def _traffic(site: PlanSite) -> str:
    """Return the traffic past a site and who gives it; empty where what stands there does not depend on it."""
    if site.traffic is None:
        return _("not known") if site.inspected is not None else ""
    if site.traffic_source == "count":
        said = _("{vehicles} (counted)")
    elif site.traffic_source == "site":
        said = _("{vehicles} (given)")
    else:
        said = _("{vehicles} (by class, {road_class})")
    return said.format(vehicles=number(site.traffic), road_class=word(site.road_class))


def beat_rows(plan: PlanFile, names: DisplayNames, places: PlaceNames | None = None) -> tuple[BeatRow, ...]:
    """Return the beats of the plan; where posts are is said in words where places are given."""
    return tuple(
        BeatRow(
            entry=beat,
            agency=names.agency(beat.agency),
            stops=tuple(
                BeatStopRow(entry=stop, sets_out_minute=beat.sets_out_minute, where=_where(stop, places))
                for stop in beat.stops
            ),
            costs=names.amounts(beat.uses),
        )
        for beat in plan.beats
    )


def _where(stop: PlanStop, places: PlaceNames | None) -> str:
    return "" if places is None else places.where(stop.lon, stop.lat, stop.label.partition(" (")[0])


def beat_bound(result: Result) -> BeatBound:
    """Return what is proven against every beat there is, and how many beats were weighed."""
    return BeatBound(lower=result.lower, gap=result.gap, exact=result.pricing_proven, weighed=result.weighed or 0)


@dataclass(frozen=True, slots=True)
class Guarantees:
    """What a plan proves and what it does not, a sentence each."""

    proven: tuple[str, ...]
    not_proven: tuple[str, ...]


def beat_guarantees() -> Guarantees:
    """Return what a plan with beats proves and what it does not."""
    proven = (
        _(
            "The bound holds for every beat: no choice of these sites and of tours that these teams could drive lets less through than it says."
        ),
    )
    not_proven = (
        _("The bound over every beat has no certificate yet: nobody can check it without this program."),
        _("Beats stop at posts on the roads that evaders use most, and nowhere else; other posts are not considered."),
        _(
            "Times of a beat are those of driving at the usual speed: traffic, weather and what a stop leads to are not in them."
        ),
    )
    return Guarantees(proven, not_proven)


def beat_assumptions(patrols: PatrolField) -> list[str]:
    """Return what is assumed of teams, a sentence each."""
    chances = dict.fromkeys((team.label or team.id, team.detection) for team in patrols.teams)
    listed = ", ".join(f"{percent(chance, 0)} ({label})" for label, chance in chances)
    return [
        _(
            "The chance that a team which meets a loaded evader finds the load is assumed, not measured: {chances}."
        ).format(chances=listed),
        _(
            "Meetings of an evader with a beat count as independent: chances are multiplied, which understates what a long stay at a post does."
        ),
        _(
            "Teams that share a post set out one after another, so that they find there together what the value counts. It counts a day of "
            "shifts that follow one another."
        ),
        _("Teams do not cross the border: no beat passes a crossing or a place where evaders enter."),
    ]


def mixed_placements(compiled: Compiled, plan: PlanFile, mixture: Mixture) -> PlanFile:
    """Return the content of a plan file with every placement of a mixture in place of those of the single plan."""
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
    """Return what the report says of the mixture of a result, whose placements are those of `mixed_placements`."""
    randomised, upper = result.mixed, result.upper
    assert randomised is not None and upper is not None  # noqa: S101, PT018 - of the method `mixed`
    names, shares = DisplayNames.of(compiled), randomised.mixture.marginals
    sites = [
        MixtureRow(s.label or s.id, s.kind, names.agency(s.agency), shares[s.id], s.existing, s.id)
        for s in placements.sites
    ]
    beats = [
        MixtureRow(b.label or b.id, b.kind, names.agency(b.agency), shares[b.id], today=False, id=b.id, beat=True)
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
