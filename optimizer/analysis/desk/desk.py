"""A planner's desk: a plan, what is asked of the next one, and the exact value of both
after every action.

The page that shows it is `optimizer.analysis.desk.page`, which knows this class by
`optimizer.analysis.desk.view.DeskActions` alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from optimizer.analysis.explain.replacements import released, swapped
from optimizer.base.errors import InputError, Problem
from optimizer.base.text.formatting import plain
from optimizer.base.text.language import marked
from optimizer.base.text.messages import listed, message
from optimizer.base.text.names import unknown_name
from optimizer.problem.instance.changes import Changes
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.options import BUDGET_TOLERANCE, Option, Resource
from optimizer.problem.instance.requirements import Requirement
from optimizer.problem.plan.plan import Beat, Placement, Plan, with_plan, without_beats
from optimizer.problem.plan.result import Result
from optimizer.solvers.overlay.overlay import Overlay, contract

if TYPE_CHECKING:
    from optimizer.plans.plan_folder import KnownPlan


def tour_name(beat: Beat) -> str:
    """Return the name of a tour: team, base, and the posts in order, each with the
    slots that it dwells there.
    """
    stops = " ".join(f"{post}x{slots}" for post, slots in zip(beat.posts, beat.slots, strict=True))
    return f"{beat.team.id} from {beat.base.id}, tour {stops}"


def named_by_tour(beat: Beat) -> Beat:
    """Return a beat whose id no beat of another tour has."""
    return replace(beat, option=replace(beat.option, id=tour_name(beat)))


@dataclass(frozen=True, slots=True)
class BeatDemands:
    """Beats that must be driven, once at least, and beats that must not be."""

    #: `must`, `banned`: One beat a tour.
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
        names = {
            tour_name(beat): must
            for must, beats in ((True, self.must), (False, self.banned))
            for beat in beats
        }
        return all(names.get(tour_name(beat)) is True for beat in other.must) and all(
            names.get(tour_name(beat)) is False for beat in other.banned
        )

    def kept_in(self, plan: Plan) -> Plan:
        """Return a plan with its beats that must be driven under the ids of their
        tours, one of each, and without those that must not be.
        """
        musts = {tour_name(beat): beat for beat in self.must}
        left = dict(musts)
        rest = [
            left.pop(tour_name(beat), beat)
            for beat in plan.beats
            if self.mark(tour_name(beat)) is not False
        ]
        return Plan((*plan.fixed, *rest, *left.values()))

    def as_options(self, plan: Plan) -> Plan:
        """Return a plan of `kept_in` with its beats that must be driven as options, not
        as beats.
        """
        ids = {beat.id for beat in self.must}
        return Plan(
            tuple(Placement(each.option) if each.id in ids else each for each in plan.placements)
        )


def _without(beats: Iterable[Beat], name: str) -> tuple[Beat, ...]:
    return tuple(beat for beat in beats if tour_name(beat) != name)


NO_DEMANDS = BeatDemands()
"""No beat must, or must not, be driven."""


@dataclass(frozen=True, slots=True)
class DeskState:
    """What lies on the desk at one moment."""

    #: Budgets that differ, and sites or options that must, or must not, be used.
    changes: Changes
    #: The plan shown; it need not be feasible.
    plan: Plan
    #: What led here, in words.
    action: str
    #: The search whose plan it is; None where it was changed by hand since.
    result: Result | None = None
    #: Beats that must, or must not, be driven.
    beats: BeatDemands = NO_DEMANDS


@dataclass(frozen=True, slots=True)
class DeskModel:
    """The problem with the beats of a plan among its options, and its contraction in
    which no option is forced or forbidden.
    """

    instance: Instance
    overlay: Overlay

    @classmethod
    def of(cls, base: Instance, plan: Plan) -> DeskModel:
        """Return the model of an instance for a plan."""
        instance = with_plan(base, plan)
        return cls(instance, contract(released(instance, range(len(instance.options)))))


@dataclass(frozen=True, slots=True)
class ProvenBound:
    """No plan of a problem that meets demands on beats lets less than `lower` through."""

    instance: Instance
    lower: float
    beats: BeatDemands = NO_DEMANDS

    def holds_for(self, case: Instance, beats: BeatDemands) -> bool:
        """Return whether every plan of a case, the same problem with other budgets and
        marks, and demands on beats, is one of the problem.
        """
        here = self.instance
        pairs = list(zip(case.options, here.options, strict=True))
        return bool(
            beats.includes(self.beats)
            and np.all(case.budget <= here.budget)
            and all(one.forced or not other.forced for one, other in pairs)
            and all(one.forbidden or not other.forbidden for one, other in pairs)
            and set(here.requirements) <= set(case.requirements)
        )


@dataclass
class Desk:
    """A plan that a planner changes.

    Attributes
    ----------
    base
        Its problem as it was opened, without beats.
    sites
        Positions of the options of each site, by its name; an option without a site is
        one of its own.
    case
        The problem with the budgets and demands of now.
    model
        The problem with the beats of the plan shown.
    placed
        (options of the model,) mask of the plan shown.
    value
        Its exact value.
    evaluation_seconds
        How long it took to find that.
    shortfalls
        What the plan shown breaks, a sentence each; empty for a feasible plan.
    """

    #: The plan that was opened.
    known: KnownPlan
    #: What people call resources, by id, where that is known.
    names: Mapping[str, str] = field(default_factory=dict)
    _states: list[DeskState] = field(init=False)
    _place: int = field(init=False, default=0)
    _models: dict[Hashable, DeskModel] = field(init=False, default_factory=dict)
    _proven: list[ProvenBound] = field(init=False)

    def __post_init__(self) -> None:
        """Lay the plan on the desk."""
        known = self.known
        self.base: Instance = without_beats(known.instance, known.plan)
        self.sites: dict[str, tuple[int, ...]] = {}
        for j, option in enumerate(self.base.options):
            key = option.site or option.id
            self.sites[key] = (*self.sites.get(key, ()), j)
        self._states = [DeskState(Changes(), known.plan, message("the plan as it was opened"))]
        self._proven = [ProvenBound(self.base, known.lower)]
        self._refresh()

    @property
    def state(self) -> DeskState:
        """What lies on the desk now."""
        return self._states[self._place]

    @property
    def actions(self) -> tuple[str, ...]:
        """What led here, in words, from the plan that was opened."""
        return tuple(state.action for state in self._states[1 : self._place + 1])

    @property
    def can_undo(self) -> bool:
        """Whether there is an action to take back."""
        return self._place > 0

    @property
    def can_redo(self) -> bool:
        """Whether there is an action that was taken back."""
        return self._place + 1 < len(self._states)

    @property
    def feasible(self) -> bool:
        """Whether the plan shown keeps every budget and demand."""
        return not self.shortfalls

    @property
    def lower(self) -> float:
        """Proven: no plan that keeps the budgets and demands lets less through."""
        known = [
            bound.lower for bound in self._proven if bound.holds_for(self.case, self.state.beats)
        ]
        if self.base.patrols is None:
            known.append(
                self.model.overlay.value(
                    np.array([not o.forbidden for o in self.case.options], dtype=bool)
                )
            )
        return max(known, default=0.0)

    def used(self) -> NDArray[np.float64]:
        """Return the (resources,) amounts that the plan shown uses."""
        return self.model.instance.amounts(self.placed)

    def mark(self, site: str) -> Mapping[str, bool]:
        """Return the demands on a site: by its name or that of an option there, whether
        that must (or must not) be used.
        """
        names = {site, *(self.base.options[j].id for j in self.options_of(site))}
        changes = self.state.changes
        return {n: True for n in changes.forced if n in names} | {
            n: False for n in changes.forbidden if n in names
        }

    def options_of(self, name: str) -> tuple[int, ...]:
        """Return the positions of the options that the name of a site, or the id of an
        option, means.

        Raises
        ------
        InputError
            If there is no such site.
        """
        if name in self.sites:
            return self.sites[name]
        if name in self.base.option_index:
            return (self.base.option_index[name],)
        raise InputError(unknown_name("site", name, [*self.sites, *self.base.option_index]))

    def adds(self, name: str) -> float:
        """Return by how much less gets through with a site or option than without it,
        the rest of the plan shown as it is, budgets aside.
        """
        return self.option_adds(self.options_of(name))

    def option_adds(self, options: Sequence[int]) -> float:
        """Return the same of options of the model, by position, of which the best one
        counts where none is used.
        """
        used = [j for j in options if self.placed[j]]
        if used:
            rest = self.placed.copy()
            rest[used] = False
            return self._valued(rest) - self.value
        return self.value - min(
            self._valued(swapped(self.model.instance, self.placed, j)) for j in options
        )

    def force(self, name: str) -> None:
        """Demand that a site, of whichever kind, or one option of it is used; the plan
        shown then uses it.

        Where the site has several kinds, the one comes that keeps the budgets and lets
        least through. What excludes it makes way.

        Raises
        ------
        InputError
            If there is no such site.
        """
        options = self.options_of(name)
        site = self._site(options[0])
        self._do(
            self._marked(site, name, must=True),
            self._with(options),
            message("{name} must be used", name=self._called(name, options)),
        )

    def forbid(self, name: str) -> None:
        """Demand that a site, or one option of it, is not used; the plan shown then
        does without.

        Raises
        ------
        InputError
            If there is no such site.
        """
        options = self.options_of(name)
        placed = self.placed.copy()
        placed[list(options)] = False
        site = self._site(options[0])
        self._do(
            self._marked(site, name, must=False),
            placed,
            message("{name} must not be used", name=self._called(name, options)),
        )

    def release(self, name: str) -> None:
        """Take every demand on the site of a name back; the plan shown stays.

        Raises
        ------
        InputError
            If there is no such site.
        """
        options = self.options_of(name)
        site = self._site(options[0])
        self._do(
            self._marked(site, None, must=False),
            self.placed,
            message("no demand on {name}", name=self._called(site, options)),
        )

    def turn(self, name: str) -> None:
        """Go on to the next demand on a site or option: none, must be used, must not be
        used, none.
        """
        marks = self.mark(self._site(self.options_of(name)[0]))
        if marks.get(name) is True:
            self.forbid(name)
        elif marks:
            self.release(name)
        else:
            self.force(name)

    def tours(self) -> dict[str, Beat]:
        """Return the beats of the plan shown, and those that must not be driven, by the
        names of their tours.
        """
        state = self.state
        return {tour_name(beat): beat for beat in (*state.plan.beats, *state.beats.banned)}

    def demand_beat(self, name: str, must: bool | None) -> None:
        """Demand that the tour of this name is driven, or is not; None takes the demand
        back and leaves the plan shown.

        Raises
        ------
        InputError
            If neither the plan shown nor a demand has such a tour.
        """
        tours = self.tours()
        if name not in tours:
            raise InputError(unknown_name("beat", name, list(tours)))
        state = self.state
        beats = state.beats.demanding(tours[name], must)
        label = tours[name].label
        action = {
            True: message("beat {name}: must be driven", name=label),
            False: message("beat {name}: must not be driven", name=label),
            None: message("beat {name}: is free", name=label),
        }[must]
        self._push(DeskState(state.changes, beats.kept_in(state.plan), action, beats=beats))

    def set_budget(self, resource: str, amount: float) -> None:
        """Set the budget of a resource, by id; the plan shown stays.

        Raises
        ------
        InputError
            If there is no such resource, or the amount is out of range.
        """
        budgets = dict(self.state.changes.budgets) | {resource: float(amount)}
        own = {each.id: each for each in self.base.resources}
        if resource not in own:
            raise InputError(unknown_name("budget", resource, list(own)))
        if amount == own[resource].budget:
            del budgets[resource]
        changes = replace(self.state.changes, budgets=budgets)
        self._do(
            changes,
            self.placed,
            message(
                "{name}: {amount:.10g}",
                name=resource_name(own[resource], self.names),
                amount=amount,
            ),
        )

    def show(self, result: Result, case: Instance, model: DeskModel | None = None) -> None:
        """Lay the plan of a search on the desk.

        Parameters
        ----------
        result
            What the search found.
        case
            The problem that was searched: `self.case` when the search began.
        model
            The model of its plan, where one is made already.
        """
        if result.plan is None:
            raise InputError(
                Problem(message("search"), message("no plan"), message("a plan; give it more time"))
            )
        if model is not None:
            self._models[_beats_key(result.plan)] = model
        if result.lower is not None:
            self._proven.append(ProvenBound(case, result.lower, self.state.beats))
        self._push(
            replace(
                self.state,
                plan=result.plan,
                action=message("the best plan found from there"),
                result=result,
            )
        )

    def undo(self) -> None:
        """Take the last action back.

        Raises
        ------
        InputError
            If there is none.
        """
        self._go(-1, message("an action to take back"))

    def redo(self) -> None:
        """Do again what was taken back.

        Raises
        ------
        InputError
            If there is nothing.
        """
        self._go(1, message("an action that was taken back"))

    def _go(self, way: int, expected: str) -> None:
        if not 0 <= self._place + way < len(self._states):
            raise InputError(Problem(message("desk"), message("none"), expected))
        self._place += way
        self._refresh()

    def _do(self, changes: Changes, placed: NDArray[np.bool_], action: str) -> None:
        """Lay down a state with other demands and another plan of the same beats.

        Raises
        ------
        InputError
            If the demands contradict one another; nothing is changed then.
        """
        changes.applied(self.base)
        fixed = Plan.from_mask(self.base, placed[: len(self.base.options)])
        state = self.state
        self._push(
            DeskState(
                changes, Plan((*fixed.placements, *state.plan.beats)), action, beats=state.beats
            )
        )

    def _push(self, state: DeskState) -> None:
        del self._states[self._place + 1 :]
        self._states.append(state)
        self._place += 1
        self._refresh()

    def _refresh(self) -> None:
        """Work out what follows from the state."""
        state = self.state
        key = _beats_key(state.plan)
        if key not in self._models:
            self._models[key] = DeskModel.of(self.base, state.plan)
        self.model = self._models[key]
        self.case: Instance = state.changes.applied(self.base)
        self.placed: NDArray[np.bool_] = self.model.instance.placed(state.plan.options)
        began = time.perf_counter()
        self.value = self._valued(self.placed)
        self.evaluation_seconds = time.perf_counter() - began
        whole = with_plan(self.case, state.plan)
        self.shortfalls: tuple[str, ...] = (
            *impossible(whole, self.names),
            *shortfalls(whole, self.placed, self.names),
        )

    def _valued(self, placed: NDArray[np.bool_]) -> float:
        return self.model.overlay.value(placed)

    def _with(self, options: Sequence[int]) -> NDArray[np.bool_]:
        """Return the plan shown with one of some options, if it has none of them."""
        if self.placed[list(options)].any():
            return self.placed
        allowed = [j for j in options if not self.case.options[j].forbidden] or list(options)
        plans = [swapped(self.model.instance, self.placed, j) for j in allowed]
        whole = with_plan(self.case, self.state.plan)
        over = [float(np.maximum(plan @ whole.use - whole.budget, 0).sum()) for plan in plans]
        best = min(range(len(plans)), key=lambda k: (over[k], self._valued(plans[k])))
        return plans[best]

    def _marked(self, site: str, name: str | None, *, must: bool) -> Changes:
        """Return the changes with another demand at a site: what contradicts it goes;
        no name takes all demands there back.
        """
        names = {site, *(self.base.options[j].id for j in self.sites[site])}
        whole = name is None or name == site or must
        mine: Callable[[str], bool] = lambda n: n in names and (whole or n in {name, site})  # noqa: E731
        forced = [n for n in self.state.changes.forced if n not in names]
        forbidden = [n for n in self.state.changes.forbidden if not mine(n)]
        if name is not None:
            (forced if must else forbidden).append(name)
        return replace(self.state.changes, forced=tuple(forced), forbidden=tuple(forbidden))

    def _site(self, option: int) -> str:
        return self.base.options[option].site or self.base.options[option].id

    def _called(self, name: str, options: Sequence[int]) -> str:
        first = self.base.options[options[0]]
        return option_name(first) if len(options) == 1 or first.label else name


def _beats_key(plan: Plan) -> Hashable:
    return tuple(
        (beat.id, beat.team.id, beat.base.id, beat.posts, beat.slots) for beat in plan.beats
    )


NAME_LENGTH = 60
"""Characters of a name that a sentence shows."""

USES = marked(
    "The plan shown uses {total:n6} of {budget:n6} {resource}: {excess:n6} too much{unit}."
)

NEEDS = marked(
    "No plan can have all that must be used: it alone needs {total:n6} of {budget:n6} {resource}:"
    " {excess:n6} too much{unit}."
)


def option_name(option: Option) -> str:
    """Return what people call an option, on one line."""
    return plain(option.label or option.id, NAME_LENGTH)


def resource_name(resource: Resource, names: Mapping[str, str]) -> str:
    """Return what people call a resource, with its agency; `names` are known ones, by id."""
    if resource.id in names:
        return plain(names[resource.id], NAME_LENGTH)
    name = plain(resource.name or resource.id, NAME_LENGTH)
    return f"{name} ({plain(resource.agency, NAME_LENGTH)})" if resource.agency else name


def shortfalls(
    instance: Instance, placed: NDArray[np.bool_], names: Mapping[str, str]
) -> tuple[str, ...]:
    """Return a sentence for every constraint that an (options,) mask breaks, the
    budgets first; none for a feasible plan.
    """
    options = instance.options
    together = [[j for j in group if placed[j]] for group in instance.conflicts]
    return (
        *_over_budget(instance, placed, USES, names),
        *(
            message(
                "{names} exclude each other.", names=listed(option_name(options[j]) for j in group)
            )
            for group in together
            if len(group) > 1
        ),
        *(
            _unmet(options, each, placed)
            for each in instance.requirements
            if not each.is_met(placed)
        ),
        *(
            message(
                "{name} must be used, and the plan shown does not use it.", name=option_name(option)
            )
            for option, used in zip(options, placed, strict=True)
            if option.forced and not used
        ),
        *(
            message(
                "{name} must not be used, and the plan shown uses it.", name=option_name(option)
            )
            for option, used in zip(options, placed, strict=True)
            if option.forbidden and used
        ),
    )


def _unmet(options: Sequence[Option], requirement: Requirement, placed: NDArray[np.bool_]) -> str:
    """Return the sentence on a requirement that a mask does not reach.

    One option that lets others stand, as a team that answers sensors does, is named
    with them; else the requirement is called by its id.
    """
    terms = list(zip(requirement.options, requirement.coefficients, strict=True))
    lets = [(j, count) for j, count in terms if count > 0]
    stand = [j for j, count in terms if count < 0 and placed[j]]
    if requirement.least == 0 and len(lets) == 1 and stand:
        (helper, most), names = lets[0], listed(option_name(options[j]) for j in stand)
        if not placed[helper]:
            return message(
                "{helper} must be used beside {names}, and the plan shown does not use it.",
                helper=option_name(options[helper]),
                names=names,
            )
        return message(
            "{helper} can stand by for {most:n} at most, and the plan shown asks it for"
            " {count:n}: {names}.",
            helper=option_name(options[helper]),
            most=most,
            count=len(stand),
            names=names,
        )
    if requirement.least < 0 and not lets:
        return message(
            "Exceeded: {name} ({total:n} of at most {most:n}).",
            name=plain(requirement.id, NAME_LENGTH),
            total=-requirement.total(placed),
            most=-requirement.least,
        )
    return message(
        "Not reached: {name} ({total:n} of at least {least:n}).",
        name=plain(requirement.id, NAME_LENGTH),
        total=requirement.total(placed),
        least=requirement.least,
    )


def impossible(instance: Instance, names: Mapping[str, str]) -> tuple[str, ...]:
    """Return a sentence for every budget that the forced options alone exceed: then no
    plan can have them all.
    """
    return _over_budget(instance, instance.forced, NEEDS, names)


def _over_budget(
    instance: Instance, placed: NDArray[np.bool_], sentence: str, names: Mapping[str, str]
) -> tuple[str, ...]:
    used, most = placed @ instance.use, instance.budget * (1 + BUDGET_TOLERANCE)
    return tuple(
        message(
            sentence,
            total=total,
            budget=resource.budget,
            resource=resource_name(resource, names),
            excess=total - resource.budget,
            unit=_unit(resource),
        )
        for r, (resource, total) in enumerate(
            zip(instance.resources, instance.amounts(placed).tolist(), strict=True)
        )
        if used[r] > most[r]
    )


def _unit(resource: Resource) -> str:
    return f" ({plain(resource.unit, NAME_LENGTH)})" if resource.unit else ""
