"""A mixture of plans as the rows of its placements, for duties and for the report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.pipeline.display_names import DisplayNames
from optimizer.problem.mixture import with_mixture
from optimizer.problem.plan_file import beat_entry
from optimizer.report.content import MixtureFacts, MixtureRow

if TYPE_CHECKING:
    from optimizer.problem.mixture import Mixture
    from optimizer.problem.plan_file import PlanFile
    from optimizer.problem.result import Result
    from optimizer.scenario.compile import Compiled


def mixed_placements(compiled: Compiled, plan: PlanFile, mixture: Mixture) -> PlanFile:
    """Return the content of a plan file with every placement of a mixture in place of those of the single plan."""
    placed = mixture.marginals
    instance = with_mixture(compiled.instance, mixture)
    beats = {beat.id: beat for each in mixture.plans for beat in each.beats}
    return plan.model_copy(
        update={
            "options": list(placed),
            "sites": [site for site in (*plan.sites, *plan.candidates) if site.id in placed],
            "beats": [beat_entry(instance, beat) for beat in beats.values()],
            "candidates": [],
        }
    )


def mixture_facts(compiled: Compiled, result: Result, placements: PlanFile) -> MixtureFacts:
    """Return what the report says of the mixture of a result, whose placements are those of `mixed_placements`."""
    randomised, upper = result.mixed, result.upper
    assert randomised is not None and upper is not None  # noqa: S101, PT018 - of the method `mixed`
    names, shares = DisplayNames.of(compiled), randomised.mixture.marginals
    sites = [
        MixtureRow(s.label or s.id, s.kind, names.agency(s.agency), shares[s.id], s.existing) for s in placements.sites
    ]
    beats = [
        MixtureRow(b.label or b.id, b.kind, names.agency(b.agency), shares[b.id], today=False) for b in placements.beats
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
    )
