"""Demands on beats at a planner's desk: tours that must, or must not, be driven, whatever their ids are in one plan or another."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from optimizer.problem.placements import Placement
from optimizer.problem.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optimizer.problem.placements import Beat


def tour_name(beat: Beat) -> str:
    """Return the name of a tour: team, base, and the posts in order, each with the slots that it dwells there."""
    stops = " ".join(f"{post}x{slots}" for post, slots in zip(beat.posts, beat.slots, strict=True))
    return f"{beat.team.id} from {beat.base.id}, tour {stops}"


def named_by_tour(beat: Beat) -> Beat:
    """Return a beat whose id no beat of another tour has."""
    return replace(beat, option=replace(beat.option, id=tour_name(beat)))


@dataclass(frozen=True, slots=True)
class BeatDemands:
    """Beats that must be driven, once at least, and beats that must not be.

    Attributes
    ----------
    must, banned
        One beat a tour.
    """

    must: tuple[Beat, ...] = ()
    banned: tuple[Beat, ...] = ()

    def mark(self, name: str) -> bool | None:
        """Return whether a tour must (or must not) be driven; None for neither."""
        if any(tour_name(beat) == name for beat in self.must):
            return True
        return False if any(tour_name(beat) == name for beat in self.banned) else None

    def demanding(self, beat: Beat, must: bool | None) -> Self:
        """Return the demands with another one on the tour of a beat, or none."""
        name = tour_name(beat)
        musts, banned = _without(self.must, name), _without(self.banned, name)
        return replace(
            self,
            must=(*musts, named_by_tour(beat)) if must else musts,
            banned=banned if must is not False else (*banned, beat),
        )

    def includes(self, other: BeatDemands) -> bool:
        """Return whether all demands of others are among these."""
        names = {tour_name(beat): must for must, beats in ((True, self.must), (False, self.banned)) for beat in beats}
        return all(names.get(tour_name(beat)) is True for beat in other.must) and all(
            names.get(tour_name(beat)) is False for beat in other.banned
        )

    def kept_in(self, plan: Plan) -> Plan:
        """Return a plan with its beats that must be driven under the ids of their tours, one of each, and without those that must not be."""
        musts = {tour_name(beat): beat for beat in self.must}
        left = dict(musts)
        rest = [left.pop(tour_name(beat), beat) for beat in plan.beats if self.mark(tour_name(beat)) is not False]
        return Plan((*plan.fixed, *rest, *left.values()))

    def as_options(self, plan: Plan) -> Plan:
        """Return a plan of `kept_in` with its beats that must be driven as options, not as beats."""
        ids = {beat.id for beat in self.must}
        return Plan(tuple(Placement(each.option) if each.id in ids else each for each in plan.placements))


NO_DEMANDS = BeatDemands()
"""No beat must, or must not, be driven."""


def _without(beats: Iterable[Beat], name: str) -> tuple[Beat, ...]:
    return tuple(beat for beat in beats if tour_name(beat) != name)
