"""From a tour to a beat: its times, its route, and what it does to an evader; and instances with teams and beats."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.errors import ProblemList
from optimizer.problem.options import Option, Resource
from optimizer.problem.placements import Beat, BeatStop
from optimizer.problem.teams import team_resource

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.problem.instance import Instance
    from optimizer.problem.teams import PatrolField


def make_beat(field: PatrolField, patrol: int, posts: Sequence[int], slots: Sequence[int], name: str) -> Beat:
    """Return the beat of a tour.

    Parameters
    ----------
    field
        What teams could do.
    patrol
        Position of the team type and base.
    posts
        Posts in order, as the patrol numbers them: 1 to n, each once.
    slots
        How long it dwells at each, 1 to `most_slots`.
    name
        Id of the option.

    Raises
    ------
    ValueError
        If the tour does not fit the shift, or names posts or slots that there are not.
    """
    who = field.patrols[patrol]
    team = who.team
    if not posts or len(posts) != len(slots) or len(set(posts)) != len(posts):
        raise ValueError(f"posts {tuple(posts)} and slots {tuple(slots)}: each post once, and as many slots")
    if min(posts) < 1 or max(posts) > who.posts.size or min(slots) < 1 or max(slots) > team.most_slots:
        raise ValueError(f"posts {tuple(posts)}, slots {tuple(slots)}: out of range")
    places = who.posts.size + 1
    elements = np.zeros(field.elements.size, dtype=np.int64)
    clock, at = 0, 0
    stops: list[BeatStop] = []
    route: list[int] = []
    for post, dwell in zip([*posts, 0], [*slots, 0], strict=True):
        clock += int(who.travel_s[at, post])
        route += who.routes.get((at, post), ())
        elements += np.asarray(who.drives[[at * places + post]].todense(), dtype=np.int64)[0]
        if post:
            leave = clock + dwell * team.slot_s
            stops.append(BeatStop(field.posts[who.posts[post - 1]], clock, leave))
            elements[who.dwell[post - 1, dwell - 1]] += 1
            clock = leave
        at = post
    if clock > team.shift_s:
        raise ValueError(f"the tour takes {clock} s of a shift of {team.shift_s} s")
    arcs, survival = _survival(field, elements)
    option = Option(
        id=name,
        arcs=tuple(arcs.tolist()),
        survival=tuple(survival.tolist()),
        uses=dict(team.uses) | {team_resource(team.id): 1.0},
        agency=team.agency,
        kind="patrol",
        type=team.id,
        label=f"{team.label or team.id}: " + ", ".join(stop.post.label for stop in stops),
    )
    return Beat(
        option=option,
        team=team,
        base=who.base,
        stops=tuple(stops),
        back_s=clock,
        route=tuple(route),
        patrol=patrol,
        posts=tuple(posts),
        slots=tuple(slots),
        elements=elements,
    )


def _survival(field: PatrolField, elements: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the arcs that a beat watches, and the chance to pass it on each: the product over its elements."""
    kinds = field.elements
    often = elements[kinds.element]
    met = often > 0
    arcs, entry = np.unique(kinds.arc[met], return_inverse=True)
    survival = np.ones(arcs.size)
    np.multiply.at(survival, entry, kinds.survival[met] ** often[met])
    watched = survival < 1
    return arcs[watched], survival[watched]


def with_teams(instance: Instance) -> Instance:
    """Return the instance with the teams of each type among its resources; itself where it has no teams, or has them already.

    Raises
    ------
    InputError
        If it has a resource of that name which is not the number of these teams: bounds and beats go by that number.
    """
    if instance.patrols is None:
        return instance
    known = {resource.id: resource.budget for resource in instance.resources}
    problems = ProblemList()
    for team in instance.patrols.teams:
        if known.get(name := team_resource(team.id), team.number) != team.number:
            found = f"a budget of {known[name]:g} where there are {team.number} teams"
            problems.add(
                f"resource {name!r}", found, "another name, or the number of teams", "Rename the resource or the teams"
            )
    problems.raise_if_any()
    teams = [
        Resource(team_resource(team.id), float(team.number), team.agency, "teams a shift")
        for team in instance.patrols.teams
        if team_resource(team.id) not in known
    ]
    return replace(instance, resources=(*instance.resources, *teams)) if teams else instance


def with_beats(instance: Instance, beats: Sequence[Beat]) -> Instance:
    """Return the instance with beats behind its options."""
    return replace(instance, options=(*instance.options, *(beat.option for beat in beats)))
