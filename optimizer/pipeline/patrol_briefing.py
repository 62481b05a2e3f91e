"""What the report says of beats: who drives where and when, how far they were proven best, and what is assumed of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.formatting import percent
from optimizer.base.language import gettext as _
from optimizer.report.content import BeatBound, BeatRow, BeatStopRow

if TYPE_CHECKING:
    from optimizer.pipeline.display_names import DisplayNames
    from optimizer.problem.plan_file import PlanBeat, PlanFile
    from optimizer.problem.result import Result
    from optimizer.problem.teams import PatrolField
    from optimizer.report.place_names import PlaceNames


def beat_rows(plan: PlanFile, names: DisplayNames, places: PlaceNames | None = None) -> tuple[BeatRow, ...]:
    """Return the beats of the plan; where posts are is said in words where places are given."""
    return tuple(
        BeatRow(
            id=beat.id,
            team=beat.team_label or beat.team,
            base=beat.base_label or beat.base,
            lon=beat.lon,
            lat=beat.lat,
            agency=names.agency(beat.agency),
            stops=_stops(beat, places),
            back_s=round(60 * beat.back_minute),
            arcs=np.array(beat.route, dtype=np.int64),
            costs=names.amounts(beat.uses),
            marginal_value=beat.worth,
        )
        for beat in plan.beats
    )


def _stops(beat: PlanBeat, places: PlaceNames | None) -> tuple[BeatStopRow, ...]:
    return tuple(
        BeatStopRow(
            label=stop.label,
            lon=stop.lon,
            lat=stop.lat,
            arrive_s=round(60 * stop.arrive_minute),
            leave_s=round(60 * stop.leave_minute),
            where="" if places is None else places.where(stop.lon, stop.lat, stop.label.partition(" (")[0]),
        )
        for stop in beat.stops
    )


def beat_bound(result: Result) -> BeatBound:
    """Return what is proven against every beat there is, and how many beats were weighed."""
    return BeatBound(lower=result.lower, gap=result.gap, exact=result.pricing_proven, weighed=result.weighed or 0)


@dataclass(frozen=True, slots=True)
class Claims:
    """What a plan proves and what it does not, a sentence each."""

    proven: tuple[str, ...]
    not_proven: tuple[str, ...]


def beat_claims() -> Claims:
    """Return what a plan with beats proves and what it does not."""
    proven = (
        _(
            "The bound holds for every beat: no choice of these sites and of tours that these teams could drive lets less through than it says."
        ),
    )
    not_proven = (
        _("Beats stop at posts on the roads that evaders use most, and nowhere else; other posts are not considered."),
        _(
            "Times of a beat are those of driving at the usual speed: traffic, weather and what a stop leads to are not in them."
        ),
    )
    return Claims(proven, not_proven)


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
        _("Teams do not cross the border: no beat passes a crossing or a place where evaders enter."),
    ]
