"""A plan beside the layouts it is compared with, all on the same model; and what its
first few changes alone bring.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from optimizer.problem.instance.changes import differences
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.options import BUDGET_TOLERANCE
from optimizer.problem.plan.evaluation import Evaluation, evaluate, marginal_values, plan_value
from optimizer.problem.plan.plan import Plan, violations, with_plan
from optimizer.solvers.branch_and_cut.improve.feasible_start import make_room
from optimizer.solvers.overlay.overlay import contract

CONTRACTED_FROM = 4_000
"""Nodes from which the many layouts of a comparison are valued on the contracted
network: its making pays off there.
"""


@dataclass(frozen=True)
class Comparison:
    """A plan beside other layouts: exact values on the full network."""

    #: The problem with the beats of the plan behind its options.
    instance: Instance
    #: The plan, with every evader's best response.
    plan: Evaluation
    #: Nothing placed.
    nothing: Evaluation
    #: Today's layout; None where no option is marked existing.
    existing: Evaluation | None
    #: Every option that is not forbidden, without budgets: a lower bound of every plan
    #: from these options.
    everything: float
    #: (options,) mask of the plan.
    placed: NDArray[np.bool_]
    #: For each option, by id: by how much the value would rise without it (placed), or
    #: fall with it in addition (not placed), >= 0.
    marginal_values: Mapping[str, float]
    #: Value of an (options,) mask of `instance`: that of `plan_value`, to rounding.
    value_of: Callable[[NDArray[np.bool_]], float]


def compare(instance: Instance, plan: Plan) -> Comparison:
    """Evaluate a plan, the layouts it is compared with, and the marginal value of every option."""
    instance = with_plan(instance, plan)
    placed = instance.placed(plan.options)
    existing = np.array([option.existing for option in instance.options], dtype=bool)
    allowed = np.array([not option.forbidden for option in instance.options], dtype=bool)
    evaluated = evaluate(instance, plan)
    value_of = _values(instance)
    return Comparison(
        instance=instance,
        plan=evaluated,
        nothing=evaluate(instance, ()),
        existing=evaluate(instance, Plan.from_mask(instance, existing)) if existing.any() else None,
        everything=plan_value(instance, allowed),
        placed=placed,
        marginal_values=marginal_values(instance, plan, value_of)
        | _additions(instance, evaluated, placed, value_of),
        value_of=value_of,
    )


def _values(instance: Instance) -> Callable[[NDArray[np.bool_]], float]:
    """Return what values any mask: the whole network, or where that is large its
    contraction, with no option forced or forbidden.
    """
    if instance.n_nodes < CONTRACTED_FROM:
        return partial(plan_value, instance)
    options = tuple(replace(option, forced=False, forbidden=False) for option in instance.options)
    return contract(replace(instance, options=options)).value


@dataclass(frozen=True, slots=True)
class Exchange:
    """A plan with one of its options exchanged for another: positions of what goes and
    what comes, and its (options,) mask.
    """

    goes: int
    comes: int
    placed: NDArray[np.bool_]


def exchanges(
    instance: Instance, placed: NDArray[np.bool_], option: int, others: Iterable[int], most: int
) -> Iterator[Exchange]:
    """Yield the feasible plans in which an option of a plan is exchanged for another
    one; or, if the plan has it not, another one for it.

    Parameters
    ----------
    instance, placed
        The problem and the (options,) mask of the plan.
    option
        The option, by position; another kind at its place may come for it.
    others
        What it is exchanged with, by position, in the order to try.
    most
        How many that fit into the budgets are tried.
    """
    left = instance.budget * (1 + BUDGET_TOLERANCE) - placed @ instance.use
    fitting = 0
    for other in others:
        goes, comes = (option, other) if placed[option] else (other, option)
        if (
            not placed[goes]
            or placed[comes]
            or (instance.use[comes] > left + instance.use[goes]).any()
        ):
            continue
        fitting += 1
        if fitting > most:
            return
        changed = placed.copy()
        changed[goes], changed[comes] = False, True
        if not violations(instance, changed):
            yield Exchange(goes, comes, changed)


def _additions(
    instance: Instance,
    plan: Evaluation,
    placed: NDArray[np.bool_],
    value_of: Callable[[NDArray[np.bool_]], float],
) -> dict[str, float]:
    """Return how much the value falls when each option that is not placed is added; its
    site's other kinds make way for it.

    An option that displaces nothing and watches no arc that an evader takes changes no
    best response, so that its value is 0 without an evaluation; options with the same
    effects have the same value.
    """
    travelled = {
        arc for evader in instance.evaders for route in evader.routes for arc in route.arcs
    }
    travelled |= {arc for response in plan.evaders for arc in response.arcs}
    at_site: dict[str, list[int]] = {}
    for j in np.flatnonzero(placed).tolist():
        at_site.setdefault(instance.options[j].site, []).append(j)
    value = value_of(placed)
    known: dict[tuple[object, ...], float] = {}
    additions = {}
    for j in np.flatnonzero(~placed).tolist():
        option = instance.options[j]
        displaced = tuple(at_site.get(option.site, ())) if option.site else ()
        effects = (displaced, option.arcs, option.survival)
        if not displaced and travelled.isdisjoint(option.arcs):
            known[effects] = 0.0
        if effects not in known:
            changed = placed.copy()
            changed[list(displaced)] = False
            changed[j] = True
            known[effects] = max(0.0, value - value_of(changed))
        additions[option.id] = known[effects]
    return additions


# What the first few changes of a plan alone bring: changes against today's layout are
# taken back one by one, that of the least loss first.
#
# To take back an opened site is to leave it out. To take back a closing, or a change of
# kind, is to let stand what stands; beats make room where there is none. What then fits
# is put back: it lets no more through. Each layout is feasible and valued exactly, so
# what it brings is brought by so many changes; that others bring no more is not shown.
# Losses of the step before decide which are valued anew: one whose old loss is above
# the best new one is not tried. The way back is a curve: a layout, and its value, for
# each number of changes.


FEW = (10, 5)
"""Numbers of changes that a plan is taken back to."""


@dataclass(frozen=True, slots=True)
class FewChanges:
    """A layout of few changes: how many at most, its (options,) mask, and its value."""

    most: int
    placed: NDArray[np.bool_]
    value: float


@dataclass(frozen=True, slots=True)
class FirstChanges:
    """What few of the changes of a plan bring."""

    #: Those of so many changes as were asked for, the fewest last.
    layouts: tuple[FewChanges, ...]
    #: `made`, `tried`: How many the plan makes, and how many layouts were valued.
    made: int
    tried: int
    #: Changes and value of each layout on the way back to none, the fewest first.
    curve: tuple[tuple[int, float], ...] = ()


def first_changes(
    instance: Instance,
    placed: NDArray[np.bool_],
    sites: int,
    value_of: Callable[[NDArray[np.bool_]], float],
    few: Sequence[int] = FEW,
) -> FirstChanges:
    """Return what few changes of a plan alone bring.

    Parameters
    ----------
    instance
        The problem, with the beats of the plan behind its options.
    placed
        (options,) mask of the plan.
    sites
        How many of the options are no beats; beats do not count as changes.
    value_of
        Value of an (options,) mask.
    few
        Numbers of changes, falling; those that the plan does not exceed are left out.
    """
    search = _Taking(instance, placed, sites, value_of)
    made, found = search.made(placed), []
    if made <= min(few, default=0):
        return FirstChanges((), made, 0)
    best = {made: FewChanges(made, placed, value_of(placed))}
    for most in range(made - 1, -1, -1):
        if not search.back_to(most):
            break
        whole = search.filled()
        value, makes = value_of(whole), search.made(whole)
        if makes not in best or value < best[makes].value:
            best[makes] = FewChanges(makes, whole, value)
    # one on the way to fewer changes may let less through, as other things then fit
    for most in few:
        within = [layout for makes, layout in sorted(best.items()) if makes <= most < made]
        if within:
            found.append(replace(min(within, key=lambda layout: layout.value), most=most))
    curve = tuple((makes, layout.value) for makes, layout in sorted(best.items()))
    return FirstChanges(tuple(found), made, search.tried, curve)


class _Taking:
    """A plan whose changes are taken back."""

    def __init__(
        self,
        instance: Instance,
        placed: NDArray[np.bool_],
        sites: int,
        value_of: Callable[[NDArray[np.bool_]], float],
    ) -> None:
        self._instance = instance
        self._plan = placed
        self._value_of = value_of
        self.tried = 0
        self._now, self._value = placed.copy(), value_of(placed)
        self._today, self._new = differences(instance.options[:sites])
        self._beats = range(sites, placed.size)
        self._loss: dict[int, float] = {}

    def made(self, placed: NDArray[np.bool_]) -> int:
        """Return how many changes a mask makes."""
        return int(np.count_nonzero(~placed[self._today]) + np.count_nonzero(placed[self._new]))

    def back_to(self, most: int) -> bool:
        """Take changes back until there are so many at most; return whether that could be done."""
        while self.made(self._now) > most:
            best: tuple[float, NDArray[np.bool_]] | None = None
            open_changes = [j for j in self._today if not self._now[j]] + [
                j for j in self._new if self._now[j]
            ]
            for j in sorted(open_changes, key=lambda j: self._loss.get(j, -np.inf)):
                if best is not None and self._loss.get(j, -np.inf) >= best[0] - self._value:
                    break
                without = self._without(j)
                if without is None:
                    continue  # it may fit later: its loss stays unknown
                self.tried += 1
                value = self._value_of(without)
                self._loss[j] = value - self._value
                if best is None or value < best[0]:
                    best = value, without
            if best is None:
                return False
            self._value, self._now = best
        return True

    def _without(self, j: int) -> NDArray[np.bool_] | None:
        """Return the mask with the change of option j taken back; None where that breaks a rule."""
        options, mask = self._instance.options, self._now.copy()
        mask[j] = not mask[j]
        if mask[j]:
            beside = [
                k
                for k, other in enumerate(options)
                if mask[k] and k != j and other.site == options[j].site != ""
            ]
            mask[beside] = False
            make_room(
                self._instance,
                mask,
                [k for k in np.flatnonzero(mask).tolist() if k not in self._beats],
            )
        return None if violations(self._instance, mask) else mask

    def filled(self) -> NDArray[np.bool_]:
        """Return the mask with what of today, and of the plan's beats, fits beside it."""
        mask = self._now.copy()
        for j in [*self._today, *(b for b in self._beats if self._plan[b])]:
            if not mask[j]:
                mask[j] = True
                if violations(self._instance, mask):
                    mask[j] = False
        return mask
