"""The beats at hand: those of plans to begin from, those of the placement problem, and
those of its plan.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.problem.instance.options import BUDGET_TOLERANCE
from optimizer.problem.instance.teams import PatrolField, Post
from optimizer.problem.plan.plan import (
    Beat,
    Placement,
    Plan,
    known_options,
    make_beat,
    within_limits,
)
from optimizer.solvers.patrols.tours.tour import Tour

if TYPE_CHECKING:
    from optimizer.solvers.patrols.branch_and_price import BranchAndPrice
    from optimizer.solvers.patrols.column_generation import ColumnGeneration


@dataclass(frozen=True)
class BeatPool:
    """Beats of the placement problem, their (beats,) positions in column generation,
    and the mask of those that the best plan so far drives.
    """

    beats: tuple[Beat, ...]
    made: NDArray[np.int64]
    driven: NDArray[np.bool_]


def beat_pool(tree: BranchAndPrice, most: int, *, complete: bool) -> BeatPool:
    """Return beats for the placement problem, and which of them the best plan so far
    drives, as often as it does.

    Those of the plan come first, with one to spare where there are teams for it, then
    so many others. All come as often as there are teams where the pool is to be
    complete.
    """
    generation = tree.generation
    number = np.pad(tree.number, (0, len(generation.beats) - tree.number.size))
    reduced = (
        np.zeros(number.size) if tree.proof is None else generation.reduced_at(tree.proof.relaxed)
    )
    order = np.argsort(np.where(number > 0, -np.inf, reduced), kind="stable")
    in_plan = int((number > 0).sum())
    beats: list[Beat] = []
    made: list[int] = []
    driven: list[bool] = []
    for rank, b in enumerate(order[: None if complete else in_plan + most].tolist()):
        beat = generation.beats[b]
        teams = generation.most_teams[beat.patrol]
        copies = teams if complete else min(teams, number[b] + 1) if rank < in_plan else 1
        for copy in range(copies):
            name = beat.option.id + (f" ({copy + 1})" if copy else "")
            beats.append(replace(beat, option=replace(beat.option, id=name)))
            made.append(b)
            driven.append(copy < number[b])
    return BeatPool(tuple(beats), np.array(made, dtype=np.int64), np.array(driven, dtype=bool))


def with_tours(plan: Plan, pool: Sequence[Beat]) -> Plan:
    """Return a plan over the options of a pool with the beats themselves."""
    beats: dict[str, Placement] = {beat.id: beat for beat in pool}
    return Plan(tuple(beats.get(placement.id, placement) for placement in plan.placements))


@dataclass(frozen=True, slots=True)
class GivenTour:
    """A tour of a team type at a base, by its position in the patrols."""

    patrol: int
    tour: Tour


def given_tour(field: PatrolField, beat: Beat) -> GivenTour | None:
    """Return the tour of a beat, of this patrol field or another, by the ids of team
    and base and its posts; None where it cannot be driven.
    """
    for q, patrol in enumerate(field.patrols):
        if (patrol.team.id, patrol.base.id) != (beat.team.id, beat.base.id):
            continue
        place = {
            _post(field.posts[k]): number for number, k in enumerate(patrol.posts.tolist(), start=1)
        }
        posts = tuple(place.get(_post(stop.post), 0) for stop in beat.stops)
        if 0 in posts:
            return None
        try:
            make_beat(field, q, posts, beat.slots, beat.id)
        except ValueError:
            return None
        return GivenTour(q, Tour(posts, beat.slots))
    return None


def ban(generation: ColumnGeneration, beats: Sequence[Beat]) -> None:
    """Keep the tours of some beats out of the columns; bounds stay those over all
    beats, which hold for fewer.
    """
    for beat in beats:
        if (given := given_tour(generation.patrols, beat)) is not None:
            generation.ban(given.patrol, given.tour)


def begin_from(tree: BranchAndPrice, plans: Sequence[Plan]) -> None:
    """Add the beats of plans to the columns of a search, and offer each plan that keeps
    the budgets, less beats that cannot be driven.
    """
    generation = tree.generation
    instance, field = generation.instance, generation.patrols
    for plan in plans:
        given = [tour for beat in plan.beats if (tour := given_tour(field, beat)) is not None]
        found = [generation.position(each.patrol, each.tour) for each in given]
        places = [place for place in found if place is not None]
        ones = instance.placed(known_options(instance, plan)) | instance.forced
        number = np.bincount(np.array(places, dtype=np.int64), minlength=len(generation.beats))
        used = ones @ instance.use + number @ generation.uses()
        forbidden = np.array([option.forbidden for option in instance.options], dtype=bool)
        within = np.all(used <= instance.budget * (1 + BUDGET_TOLERANCE))
        if within and within_limits(instance, ones) and not (ones & forbidden).any():
            tree.offer(ones, number)


@dataclass(frozen=True, slots=True)
class _PostPlace:
    """Which road a post watches, and from where."""

    segment: int
    node: int


def _post(post: Post) -> _PostPlace:
    return _PostPlace(post.segment, post.node)
