"""Beats of plans that are known: their tours as columns of the linear program, and a plan with them as the one to beat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimizer.problem.beats import make_beat
from optimizer.problem.plan import BUDGET_TOLERANCE, fits, known_options
from optimizer.solvers.patrols.tour import Tour

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.problem.placements import Beat
    from optimizer.problem.plan import Plan
    from optimizer.problem.teams import PatrolField, Post
    from optimizer.solvers.patrols.branch_and_price import BranchAndPrice
    from optimizer.solvers.patrols.column_generation import ColumnGeneration


@dataclass(frozen=True, slots=True)
class GivenTour:
    """A tour of a team type at a base, by its position in the patrols."""

    patrol: int
    tour: Tour


def given_tour(field: PatrolField, beat: Beat) -> GivenTour | None:
    """Return the tour of a beat, of this patrol field or another, by the ids of team and base and its posts; None where it cannot be driven."""
    for q, patrol in enumerate(field.patrols):
        if (patrol.team.id, patrol.base.id) != (beat.team.id, beat.base.id):
            continue
        place = {_post(field.posts[k]): number for number, k in enumerate(patrol.posts.tolist(), start=1)}
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
    """Keep the tours of some beats out of the columns; bounds stay those over all beats, which hold for fewer."""
    for beat in beats:
        if (given := given_tour(generation.patrols, beat)) is not None:
            generation.ban(given.patrol, given.tour)


def begin_from(tree: BranchAndPrice, plans: Sequence[Plan]) -> None:
    """Add the beats of plans to the columns of a search, and offer each plan that keeps the budgets, less beats that cannot be driven."""
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
        if within and fits(instance, ones) and not (ones & forbidden).any():
            tree.offer(ones, number)


@dataclass(frozen=True, slots=True)
class _PostPlace:
    """Which road a post watches, and from where."""

    segment: int
    node: int


def _post(post: Post) -> _PostPlace:
    return _PostPlace(post.segment, post.node)
