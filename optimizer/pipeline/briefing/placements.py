"""What the report says of what is placed: what was proven of beats, and placements of a mixture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.base.text.formatting import percent
from optimizer.base.text.language import gettext as _
from optimizer.plans.display_names import DisplayNames
from optimizer.problem.files.plan_file import beat_entries
from optimizer.problem.plan.plan import with_mixture
from optimizer.report.content.mixture import MixtureFacts, MixtureRow
from optimizer.report.content.summary import BeatBound

if TYPE_CHECKING:
    from optimizer.problem.files.plan_file import PlanFile
    from optimizer.problem.instance.teams import PatrolField
    from optimizer.problem.plan.plan import Mixture
    from optimizer.problem.plan.result import Result
    from optimizer.scenario.compile.compile import Compiled


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
