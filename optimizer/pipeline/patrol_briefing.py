"""What the report says of beats: who drives where and when, how far they were proven best, and what is assumed of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.formatting import percent
from optimizer.problem.teams import team_resource
from optimizer.report.content import BeatBound, BeatRow, BeatStopRow

if TYPE_CHECKING:
    from collections.abc import Callable

    from optimizer.pipeline.comparison import Judgement
    from optimizer.problem.placements import Beat
    from optimizer.solvers.patrols.joint import Joint


def beat_rows(
    joint: Joint, judgement: Judgement, resource_name: Callable[[str], str], agency_name: Callable[[str], str]
) -> tuple[BeatRow, ...]:
    """Return the beats of the plan.

    Parameters
    ----------
    joint, judgement
        The plan, and what each of its beats is worth.
    resource_name, agency_name
        From an id to what people call it.
    """
    return tuple(
        BeatRow(
            id=name,
            team=(who := joint.patrols.patrols[beat.patrol]).team.label or who.team.id,
            base=who.base.label or who.base.id,
            lon=who.base.lon,
            lat=who.base.lat,
            agency=agency_name(who.team.agency),
            stops=_stops(beat),
            back_s=beat.back_s,
            arcs=np.array(beat.route, dtype=np.int64),
            costs={
                resource_name(resource): amount
                for resource, amount in beat.option.uses.items()
                if resource != team_resource(who.team.id)
            },
            marginal_value=judgement.worths[name],
        )
        for name, beat in joint.chosen.items()
    )


def _stops(beat: Beat) -> tuple[BeatStopRow, ...]:
    return tuple(
        BeatStopRow(
            label=(post := stop.post).label,
            lon=post.lon,
            lat=post.lat,
            arrive_s=stop.arrive_s,
            leave_s=stop.leave_s,
        )
        for stop in beat.stops
    )


def beat_bound(joint: Joint) -> BeatBound:
    """Return what is proven against every beat there is; beats that several teams could drive are counted once."""
    weighed = {(beat.patrol, beat.posts, beat.slots) for beat in joint.beats.values()}
    return BeatBound(lower=joint.lower_all, gap=joint.gap_all, exact=joint.exact, weighed=len(weighed))


def beat_claims() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what a plan with beats proves and what it does not, in plain sentences."""
    says = (
        "The bound holds for every beat: no choice of these sites and of tours that these teams could drive lets less through than it says.",
    )
    cannot = (
        "Beats stop at posts on the roads that evaders use most, and nowhere else; other posts are not considered.",
        "Times of a beat are those of driving at the usual speed: traffic, weather and what a stop leads to are not in them.",
    )
    return says, cannot


def beat_assumptions(joint: Joint) -> list[str]:
    """Return what is assumed of teams, a sentence each."""
    chances = dict.fromkeys((team.label or team.id, team.detection) for team in joint.patrols.teams)
    listed = ", ".join(f"{percent(chance, 0)} ({label})" for label, chance in chances)
    return [
        f"The chance that a team which meets a loaded evader finds the load is assumed, not measured: {listed}.",
        "Meetings of an evader with a beat count as independent: chances are multiplied, which understates what a long stay at a post does.",
        "Teams do not cross the border: no beat passes a crossing or a place where evaders enter.",
    ]
