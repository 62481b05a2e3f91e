"""A plan: the options and beats that it places, whether it may, and mixtures of plans
one of which is drawn each day.

When the teams of a plan set out: later than the others at their posts, so that they
find there together what the value counts.

The value multiplies the chances to pass beats, as if teams came to a post independently
of one another. Where two beats stand at one post at the same minutes, that promises too
much: an evader meets both teams or none. So a team sets out later within its shift, by
the fewest minutes at which no post leaves more through than the product says,

    (1/H) sum over t of prod over teams k at the post at t of (1 - d_k)  <=  prod over k of (1 - d_k w_k / H),

w_k being the time that team k stands there in a shift of H. Time goes round: shift
follows upon shift (`detection.dwell_meeting`). For one post there always is such a
departure: (1 - d)^n is convex in the number n of teams there, and the mean over all
departures of one more team is what the product says. For several posts at once that
with the least excess is taken: in 4 of 2,000 random plans of up to four teams some was
left, .0024 at most. Teams of other shift lengths are not weighed against one another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import gcd
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from optimizer.base.arguments import checked
from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.read_only import ReadOnlyFields
from optimizer.base.summary import Facts, Summarised, first_names
from optimizer.base.text.formatting import number, plain
from optimizer.base.text.messages import message, shortened
from optimizer.problem.instance.options import BUDGET_TOLERANCE, Option, Resource
from optimizer.problem.instance.requirements import Requirement
from optimizer.problem.instance.teams import (
    TEAMS_A_SHIFT,
    PatrolField,
    Post,
    TeamBase,
    TeamType,
    team_resource,
)

if TYPE_CHECKING:
    import pandas as pd

    from optimizer.problem.instance.instance import Instance


_FRAME = ("id", "label", "kind", "type", "agency", "site", "existing", "forced", "arcs", "survival")


@dataclass(frozen=True, slots=True, repr=False)
class Plan(Summarised, ReadOnlyFields):
    """What is placed: options in the order of the instance, then beats."""

    #: Each once, by id.
    placements: tuple[Placement, ...]

    def _facts(self) -> Facts:
        return [
            ("sites", f"{len(self.fixed)}"),
            ("beats", f"{len(self.beats)}"),
            ("placed", first_names([plain(each.label) for each in self.placements])),
        ]

    @classmethod
    def from_mask(cls, instance: Instance, placed: NDArray[np.bool_]) -> Plan:
        """Return the plan that places the options in an (options,) mask."""
        return cls(tuple(Placement(instance.options[j]) for j in np.flatnonzero(placed)))

    @classmethod
    def of(cls, instance: Instance, options: Iterable[str]) -> Plan:
        """Return the plan that places these options of an instance, by id.

        Raises
        ------
        InputError
            If the instance has no option of that id.
        """
        return cls.from_mask(instance, instance.placed(options))

    @property
    def options(self) -> tuple[str, ...]:
        """Ids of what is placed."""
        return tuple(placement.id for placement in self.placements)

    @property
    def beats(self) -> tuple[Beat, ...]:
        """The beats among the placements."""
        return tuple(placement for placement in self.placements if isinstance(placement, Beat))

    @property
    def fixed(self) -> tuple[Placement, ...]:
        """The placements that are no beats."""
        return tuple(placement for placement in self.placements if not isinstance(placement, Beat))

    def to_frame(self) -> pd.DataFrame:
        """Return one row a placement.

        Columns: `id`, `label`, `kind`, `type`, `agency`, `site`, `existing`, `forced`,
        `arcs` (positions), `survival` (on each), and the amount `uses:NAME` of each
        resource that any uses.
        """
        import pandas as pd

        resources = dict.fromkeys(name for placement in self.placements for name in placement.uses)
        rows = [
            {
                "id": placement.id,
                "label": placement.label,
                "kind": placement.kind,
                "type": placement.type,
                "agency": placement.agency,
                "site": placement.site,
                "existing": placement.existing,
                "forced": placement.option.forced,
                "arcs": placement.option.arcs,
                "survival": placement.option.survival,
            }
            | {f"uses:{name}": placement.uses.get(name, 0.0) for name in resources}
            for placement in self.placements
        ]
        return pd.DataFrame(rows, columns=None if rows else list(_FRAME))


def with_plan(instance: Instance, plan: Plan) -> Instance:
    """Return the instance with the beats of a plan behind its options, where it has
    them not yet, and with teams among its resources.

    Then `instance.placed(plan.options)` is the mask of the plan.
    """
    missing = [beat for beat in plan.beats if beat.id not in instance.option_index]
    return with_beats(with_teams(instance), missing) if missing else with_teams(instance)


def without_beats(instance: Instance, plan: Plan) -> Instance:
    """Return the instance without the beats of a plan and without teams among its
    resources: what `with_plan` added.

    Exclusions and requirements keep to the options that stay. A limit in which only
    those beats stood goes.
    """
    away = {beat.id for beat in plan.beats}
    stays = [j for j, option in enumerate(instance.options) if option.id not in away]
    place = {j: k for k, j in enumerate(stays)}
    teams = () if instance.patrols is None else instance.patrols.teams
    numbers = {team_resource(team.id) for team in teams}
    requirements = (
        each if len(place) == len(instance.options) else _on_options(each, place)
        for each in instance.requirements
    )
    return replace(
        instance,
        options=tuple(instance.options[j] for j in stays),
        resources=tuple(each for each in instance.resources if each.id not in numbers),
        exclusions=tuple(
            tuple(place[j] for j in group if j in place) for group in instance.exclusions
        ),
        requirements=tuple(each for each in requirements if each is not None),
    )


def _on_options(requirement: Requirement, place: Mapping[int, int]) -> Requirement | None:
    """Return a requirement on the options that have a new place; None where it had
    options and none of them has.
    """
    kept = [
        (place[j], coefficient)
        for j, coefficient in zip(requirement.options, requirement.coefficients, strict=True)
        if j in place
    ]
    if requirement.options and not kept:
        return None
    return replace(
        requirement,
        options=tuple(j for j, _ in kept),
        coefficients=tuple(coefficient for _, coefficient in kept),
    )


def chosen(
    instance: Instance, plan: Plan | Iterable[str] | NDArray[np.bool_]
) -> tuple[Instance, NDArray[np.bool_]]:
    """Return the (options,) mask of a plan, of ids or of a mask, and the instance that
    it is a mask of: with the beats of the plan behind its options.

    Raises
    ------
    InputError
        If an id is none of the instance's, or a mask has another length.
    """
    if isinstance(plan, Plan):
        instance = with_plan(instance, plan)
        return instance, instance.placed(plan.options)
    if not (isinstance(plan, np.ndarray) and plan.dtype == np.bool_):
        return instance, instance.placed(plan)
    if plan.shape != (count := len(instance.options),):
        raise InputError(
            Problem(
                "plan",
                f"a mask with shape {plan.shape}",
                f"shape ({count},), one value for each option",
                "Make it with Instance.placed",
            )
        )
    return instance, plan


def known_options(instance: Instance, plan: Plan) -> tuple[str, ...]:
    """Return the ids of a plan that are options of an instance, in the order of the plan."""
    return tuple(name for name in plan.options if name in instance.option_index)


def packed_plan(plan: Plan) -> dict[str, Any]:
    """Return a plan for JSON, to be read on an instance with its options and teams:
    ids, and the tour of each beat.
    """
    beats = [
        {
            "id": b.id,
            "team": b.team.id,
            "base": b.base.id,
            "posts": list(b.posts),
            "slots": list(b.slots),
        }
        for b in plan.beats
    ]
    return {"options": [placement.id for placement in plan.fixed], "beats": beats}


def unpacked_plan(instance: Instance, content: Mapping[str, Any]) -> Plan:
    """Return the plan of `packed_plan` on an instance that has its options and teams."""
    patrols = () if instance.patrols is None else instance.patrols.patrols
    place = {(patrol.team.id, patrol.base.id): q for q, patrol in enumerate(patrols)}
    beats: list[Placement] = []
    for each in content["beats"]:
        assert instance.patrols is not None  # noqa: S101 - a beat has a team
        patrol = place[each["team"], each["base"]]
        beats.append(make_beat(instance.patrols, patrol, each["posts"], each["slots"], each["id"]))
    return Plan((*Plan.of(instance, content["options"]).placements, *beats))


@checked
def violations(instance: Instance, placed: Plan | Iterable[str] | NDArray[np.bool_]) -> list[str]:
    """Return one sentence for every constraint that a plan breaks.

    Parameters
    ----------
    instance
        The problem.
    placed
        A plan, ids of options, or an (options,) mask.

    Returns
    -------
    An empty list for a feasible plan.

    Raises
    ------
    InputError
        If the plan names an option that the instance does not have, or a mask has
        another length.
    """
    instance, placed = chosen(instance, placed)
    return [
        *_over_budget(instance, placed),
        *(
            message(
                "options {names} exclude each other, and more than one is placed",
                names=_names(instance, group),
            )
            for conflict in instance.conflicts
            if len(group := [j for j in conflict if placed[j]]) > 1
        ),
        *(_unmet(each, placed) for each in instance.requirements if not each.is_met(placed)),
        *(
            message("option {name} is forced but not placed", name=repr(o.id))
            for o, x in zip(instance.options, placed, strict=True)
            if o.forced and not x
        ),
        *(
            message("option {name} is forbidden but placed", name=repr(o.id))
            for o, x in zip(instance.options, placed, strict=True)
            if o.forbidden and x
        ),
    ]


def _unmet(requirement: Requirement, placed: NDArray[np.bool_]) -> str:
    """Return the sentence on a requirement that a mask does not reach: where options
    only count against it, it is a limit.
    """
    total = requirement.total(placed)
    least = requirement.least
    name = repr(requirement.id)
    if least < 0 and max(requirement.coefficients) <= 0:
        return message(
            "limit {name} is exceeded: {total:.10g} of at most {most:.10g}",
            name=name,
            total=-total,
            most=-least,
        )
    return message(
        "requirement {name} is not reached: {total:.10g} of at least {least:.10g}",
        name=name,
        total=total,
        least=least,
    )


def within_limits(instance: Instance, placed: NDArray[np.bool_]) -> bool:
    """Return whether an (options,) mask respects budgets and exclusions (forced and
    forbidden options and requirements aside).
    """
    if not within_budgets(instance, placed):
        return False
    table = instance.conflict_table
    return not table.shape[0] or bool(np.all(table @ placed <= 1))


def within_budgets(instance: Instance, placed: NDArray[np.bool_]) -> bool:
    """Return whether an (options,) mask respects the budgets."""
    return bool((placed @ instance.use <= instance.budget * (1 + BUDGET_TOLERANCE)).all())


def over_budget(instance: Instance, placed: NDArray[np.bool_]) -> list[int]:
    """Return the positions of the resources of which a mask of options uses too much."""
    used, most = placed @ instance.use, instance.budget * (1 + BUDGET_TOLERANCE)
    return np.flatnonzero(used > most).tolist()


def _over_budget(instance: Instance, placed: NDArray[np.bool_]) -> list[str]:
    totals, resources = instance.amounts(placed), instance.resources
    return [
        message(
            "resource {name} is over its budget: {total:.10g} of {budget:.10g}{unit}, used by"
            " {options}",
            name=repr(resources[r].id),
            total=totals[r],
            budget=resources[r].budget,
            unit=f" {resources[r].unit}".rstrip(),
            options=_names(instance, np.flatnonzero(placed & (instance.use[:, r] > 0)))
            or message("closing what stands today"),
        )
        for r in over_budget(instance, placed)
    ]


def _names(instance: Instance, options: object) -> str:
    return shortened([repr(instance.options[int(j)].id) for j in np.asarray(options)])


@dataclass(frozen=True)
class Placement:
    """An option that a plan places."""

    #: The option: the arcs it watches, what it does there, and what it uses.
    option: Option

    @property
    def id(self) -> str:
        """Id of the option."""
        return self.option.id

    @property
    def site(self) -> str:
        """Id of the site it occupies; empty where it excludes nothing, as for a beat."""
        return self.option.site

    @property
    def kind(self) -> str:
        """`checkpoint`, `sensor`, `patrol`, `drone`, or a word of the user's own."""
        return self.option.kind

    @property
    def type(self) -> str:
        """Id of what defines it (`[[kinds]]` or `[[teams]]` of a scenario); empty where
        nothing does.
        """
        return self.option.type

    @property
    def agency(self) -> str:
        """Agency that runs it; empty when any."""
        return self.option.agency

    @property
    def label(self) -> str:
        """What people call it: the id where it has no label."""
        return self.option.label or self.option.id

    @property
    def uses(self) -> Mapping[str, float]:
        """Amount of each resource it needs, by resource id."""
        return self.option.uses

    @property
    def existing(self) -> bool:
        """Whether it stands there today."""
        return self.option.existing


@dataclass(frozen=True, slots=True)
class BeatStop:
    """A stay at a post."""

    #: Where the team stands.
    post: Post
    #: `arrive_s`, `leave_s`: Seconds after the shift began.
    arrive_s: int
    leave_s: int


@dataclass(frozen=True)
class Beat(Placement, ReadOnlyFields):
    """A placement that is one tour of one team.

    Attributes
    ----------
    option
        The beat as an option of the placement problem.
    """

    #: `team`, `base`: Who drives it, and from where.
    team: TeamType
    base: TeamBase
    #: Where it dwells, in order, with times.
    stops: tuple[BeatStop, ...]
    #: Seconds after the shift began at which it is back.
    back_s: int
    #: Arcs driven, in order.
    route: tuple[int, ...]
    #: Position of the team type and base in the patrols of the instance.
    patrol: int
    #: `posts`, `slots`: The stops as the search has them: positions 1 to n among the
    #: posts of its patrol, and for how many slots it dwells at each.
    posts: tuple[int, ...]
    slots: tuple[int, ...]
    #: (e,) how often each element comes in it; the tour determines them, so beats are
    #: compared without.
    elements: NDArray[np.int64] = field(compare=False, repr=False)


def make_beat(
    field: PatrolField, patrol: int, posts: Sequence[int], slots: Sequence[int], name: str
) -> Beat:
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
        raise ValueError(
            f"posts {tuple(posts)} and slots {tuple(slots)}: each post once, and as many slots"
        )
    if (
        min(posts) < 1
        or max(posts) > who.posts.size
        or min(slots) < 1
        or max(slots) > team.most_slots
    ):
        raise ValueError(f"posts {tuple(posts)}, slots {tuple(slots)}: out of range")
    places = who.posts.size + 1
    elements = np.zeros(field.elements.size, dtype=np.int64)
    clock, at = 0, 0  # seconds since the shift began; place 0 is the base
    stops: list[BeatStop] = []
    route: list[int] = []
    # The way home is a leg like any other, with no dwelling at its end.
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
    """Return the arcs that a beat watches, and the chance to pass it on each: the
    product over its elements.
    """
    kinds = field.elements
    often = elements[kinds.element]
    met = often > 0
    arcs, entry = np.unique(kinds.arc[met], return_inverse=True)
    survival = np.ones(arcs.size)
    np.multiply.at(survival, entry, kinds.survival[met] ** often[met])
    watched = survival < 1
    return arcs[watched], survival[watched]


def with_teams(instance: Instance) -> Instance:
    """Return the instance with the teams of each type among its resources; itself where
    it has no teams, or has them already.

    Raises
    ------
    InputError
        If it has a resource of that name which is not the number of these teams: bounds
        and beats go by that number.
    """
    if instance.patrols is None:
        return instance
    known = {resource.id: resource.budget for resource in instance.resources}
    problems = ProblemList()
    for team in instance.patrols.teams:
        if known.get(name := team_resource(team.id), team.number) != team.number:
            found = f"a budget of {number(known[name], 6)} where there are {team.number} teams"
            problems.add(
                f"resource {name!r}",
                found,
                "another name, or the number of teams",
                "Rename the resource or the teams",
            )
    problems.raise_if_any()
    teams = [
        Resource(team_resource(team.id), float(team.number), team.agency, TEAMS_A_SHIFT)
        for team in instance.patrols.teams
        if team_resource(team.id) not in known
    ]
    return replace(instance, resources=(*instance.resources, *teams)) if teams else instance


def with_beats(instance: Instance, beats: Sequence[Beat]) -> Instance:
    """Return the instance with beats behind its options, and with them in the limits of
    teams at their posts.
    """
    first = len(instance.options)
    whole = replace(instance, options=(*instance.options, *(beat.option for beat in beats)))
    if instance.patrols is None:
        return whole
    stands = {
        (first + k, post): 1.0
        for k, beat in enumerate(beats)
        for post in posts_of(instance.patrols, beat).tolist()
    }
    return with_post_limits(whole, stands)


def posts_of(field: PatrolField, beat: Beat) -> NDArray[np.int64]:
    """Return the posts, as the field numbers them, at which a beat dwells, in order."""
    return np.asarray(field.patrols[beat.patrol].posts[np.array(beat.posts) - 1])


def with_post_limits(instance: Instance, stands: Mapping[tuple[int, int], float]) -> Instance:
    """Return the instance with options in the limits of teams at posts: at most so many
    may dwell at each in one shift.

    Parameters
    ----------
    instance
        With its options; some may stand in limits already.
    stands
        By position of an option and of a post, how many teams at that post one of the
        option is.

    Raises
    ------
    InputError
        If a requirement that is no such limit has the name of one: beats would count in
        its sum.
    """
    field = instance.patrols
    if field is None or field.teams_at_post is None:
        return instance
    least = -float(field.teams_at_post)
    limits = {post: field.limit_at(post) for post in np.flatnonzero(field.crowded_posts).tolist()}
    rows = {each.id: each for each in instance.requirements}
    problems = ProblemList()
    for name in rows.keys() & set(limits.values()):
        if rows[name].least != least or any(
            instance.options[j].kind != "patrol" for j in rows[name].options
        ):
            found = f"the name of the limit of {field.teams_at_post} teams at a post"
            problems.add(f"requirement {name!r}", found, "another name", "Rename the requirement")
    problems.raise_if_any()
    for (option, post), teams in sorted(stands.items(), key=itemgetter(0)):
        if post in limits:
            row = rows.get(limits[post], Requirement(limits[post], (), (), least))
            rows[row.id] = replace(
                row, options=(*row.options, option), coefficients=(*row.coefficients, -teams)
            )
    return replace(instance, requirements=tuple(rows.values()))


# A mixture: a probability distribution over plans, one of which is drawn each day. An
# evader may know it, and does not know the day's plan.

PROBABILITY_ROUNDING = 1e-9
"""By how much probabilities may miss a sum of 1."""


PRACTICALLY_ONE = 0.99
"""Probability from which on a plan of a mixture is practically the only one."""


@dataclass(frozen=True, slots=True, repr=False)
class Mixture(Summarised, ReadOnlyFields):
    """A distribution over plans."""

    #: The support: plans with a positive probability, each once, the likeliest first.
    plans: tuple[Plan, ...]
    #: Their probabilities, in (0, 1]; they sum to 1.
    probabilities: tuple[float, ...]

    def _facts(self) -> Facts:
        likely = [f"{share:.0%}" for share in sorted(self.probabilities, reverse=True)]
        return [("plans", f"{len(self.plans)}"), ("probabilities", first_names(likely))]

    @classmethod
    def pure(cls, plan: Plan) -> Mixture:
        """Return the mixture of one plan."""
        return cls((plan,), (1.0,))

    @property
    def marginals(self) -> dict[str, float]:
        """The probability that each option or beat of the support is placed, by id, the
        largest first.
        """
        total: dict[str, float] = {}
        for plan, probability in zip(self.plans, self.probabilities, strict=True):
            for option in plan.options:
                total[option] = min(total.get(option, 0.0) + probability, 1.0)
        return dict(sorted(total.items(), key=lambda item: (-item[1], item[0])))

    def check(self) -> None:
        """Refuse a mixture whose probabilities are none.

        Raises
        ------
        InputError
            With every problem.
        """
        problems = ProblemList()
        for problem in self._problems():
            problems.append(problem)
        problems.raise_if_any()

    def _problems(self) -> Iterator[Problem]:
        where, each = "mixture", "one probability above 0 for each plan, with a sum of 1"
        if not self.plans or len(self.plans) != len(self.probabilities):
            yield Problem(
                where, f"{len(self.plans)} plans with {len(self.probabilities)} probabilities", each
            )
        elif not all(0 < share <= 1 + PROBABILITY_ROUNDING for share in self.probabilities):
            yield Problem(
                where,
                f"probabilities from {min(self.probabilities)} to {max(self.probabilities)}",
                each,
            )
        elif abs(sum(self.probabilities) - 1) > PROBABILITY_ROUNDING:
            yield Problem(
                where, f"probabilities with a sum of {sum(self.probabilities):.10g}", each
            )


def with_mixture(instance: Instance, mixture: Mixture) -> Instance:
    """Return the instance with the beats of all plans of a mixture behind its options
    (`with_plan`).
    """
    for plan in mixture.plans:
        instance = with_plan(instance, plan)
    return instance


STEP_S = 300
"""Seconds between the departures that are weighed, at least; as fine as the slots and
shifts of the teams ask for otherwise.
"""

MINUTE = 60
EXCESS = 1e-9
"""Excess of what a post leaves through that is rounding."""


class _Stay(NamedTuple):
    """A team at a post (seconds of the shift, and the post): (minutes,) whether it is
    there, and its chance to find who passes then.
    """

    post: tuple[int, int]
    there: NDArray[np.bool_]
    finds: float


def departures(field: PatrolField, plans: Iterable[Sequence[Beat]]) -> dict[str, int]:
    """Return the seconds after the start of the shift at which the team of each beat
    sets out, by id.

    Parameters
    ----------
    field
        What teams could do.
    plans
        The beats of each plan, in order; a beat that several plans have sets out at the
        same time in each.
    """
    found: dict[str, int] = {}
    for beats in plans:
        passed: dict[tuple[int, int], _Post] = {}
        for beat in sorted(beats, key=lambda beat: beat.id not in found):
            stays = _stays(field, beat)
            later = found.get(beat.id)
            if later is None:
                later = found[beat.id] = _least_together(beat, stays, passed)
            for stay in stays:
                post = passed.get(stay.post, _Post(np.ones(stay.there.size), 1.0))
                passed[stay.post] = post.with_team(stay, later)
    return found


class _Post(NamedTuple):
    """What teams leave through at a post: (minutes,) chance to pass it in each, and
    what the product says of them all.
    """

    through: NDArray[np.float64]
    product: float

    def with_team(self, stay: _Stay, later: int) -> _Post:
        there = np.roll(stay.there, later // MINUTE)
        alone = 1 - stay.finds * stay.there.mean()
        return _Post(self.through * np.where(there, 1 - stay.finds, 1.0), self.product * alone)

    @property
    def excess(self) -> float:
        """How much more gets through than the product says."""
        return float(self.through.mean()) - self.product


def _least_together(
    beat: Beat, stays: Sequence[_Stay], passed: Mapping[tuple[int, int], _Post]
) -> int:
    """Return the earliest departure of the least excess at the posts where other teams stand."""
    shared = [stay for stay in stays if stay.post in passed]
    if not shared:
        return 0
    step = max(gcd(beat.team.slot_s, beat.team.shift_s), STEP_S)
    best, least = 0, np.inf
    for later in range(0, beat.team.shift_s, step):
        excess = max(passed[stay.post].with_team(stay, later).excess for stay in shared)
        if excess <= EXCESS:
            return later
        if excess < least - EXCESS:
            best, least = later, excess
    return best


def _stays(field: PatrolField, beat: Beat) -> list[_Stay]:
    shift = beat.team.shift_s
    minutes = np.arange(max(shift // MINUTE, 1)) * MINUTE + MINUTE / 2
    stays = []
    for post, slots, stop in zip(beat.posts, beat.slots, beat.stops, strict=True):
        element = field.elements.element == field.patrols[beat.patrol].dwell[post - 1, slots - 1]
        survival = field.elements.survival[element].min(initial=1.0)
        meeting = min(1.0, slots * beat.team.slot_s / shift)
        there = (minutes >= stop.arrive_s) & (minutes < stop.leave_s)
        number = int(field.patrols[beat.patrol].posts[post - 1])
        stays.append(_Stay((shift, number), there, float(min(1.0, (1 - survival) / meeting))))
    return stays
