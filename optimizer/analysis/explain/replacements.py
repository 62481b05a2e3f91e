"""What each site of a plan is worth: the problem solved again without it, or with it,
from plans that are known and over one contraction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.base.errors import InfeasibleError
from optimizer.base.work.executor import Executor
from optimizer.base.work.listener import ForwardingListener, Listener, Stopping, step
from optimizer.base.work.tasks import LostTaskError, Task, TaskCall
from optimizer.plans.comparison import exchanges
from optimizer.problem.instance.instance import Instance
from optimizer.problem.plan.plan import violations
from optimizer.solvers.branch_and_cut.improve.feasible_start import make_room
from optimizer.solvers.branch_and_cut.improve.warm_start import ValueRows, WarmStart
from optimizer.solvers.branch_and_cut.tree.tree import BranchAndCut
from optimizer.solvers.overlay.overlay import Overlay
from optimizer.solvers.params import SolveOptions, SolveParams
from optimizer.solvers.place import place

if TYPE_CHECKING:
    from optimizer.plans.plan_folder import KnownPlan

MOST_PARTNERS = 40
"""Options that one is exchanged for at most, of those that fit into the budgets; the
report tries fewer of the same.
"""

NOTHING = 1e-12
"""A gain below this share of the value is rounding."""


@dataclass(frozen=True)
class OptionPrice:
    """The best plan without an option that is chosen, or with one that is not."""

    #: Its position in the instance.
    option: int
    #: Whether the plan has it.
    chosen: bool
    #: (options,) mask of the best plan found; None where no plan is feasible.
    plan: NDArray[np.bool_] | None
    #: `lower`, `upper`: Proven bound of all such plans, with whatever beats, and value
    #: of `plan`; None where no plan is feasible.
    lower: float | None
    upper: float | None
    #: Proven bound of such plans that have no other beats than the plan, at least
    #: `lower`; None without patrol teams.
    same_beats: float | None = None
    #: Why no plan is feasible; empty where one is.
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Pricing:
    """What all prices of a plan have in common."""

    #: The plan.
    known: KnownPlan
    #: Contraction of the problem in which the options to price are neither forced nor
    #: forbidden (`released`).
    overlay: Overlay
    #: What each solve is asked for, but for its time.
    asked: SolveOptions
    #: Options outside the plan, by position, those first that would gain most in
    #: addition: what one of the plan is exchanged for.
    partners: Sequence[int] = ()
    #: Rows of the root program of the problem, which hold in each case as well.
    rows: ValueRows | None = None

    def case(self, option: int) -> Instance:
        """Return the problem without an option that is chosen, or with one that is not."""
        instance = self.known.instance
        change = instance.with_forbidden if self.known.placed[option] else instance.with_forced
        return change(instance.options[option].id)

    def exchanged(self, option: int) -> NDArray[np.bool_] | None:
        """Return the best plan in which an option is exchanged one for one, as the
        report weighs exchanges; None where none is feasible.
        """
        case, placed = self.case(option), self.known.placed
        others = self.partners if placed[option] else np.flatnonzero(placed).tolist()
        found = [each.placed for each in exchanges(case, placed, option, others, MOST_PARTNERS)]
        return min(found, key=self.overlay.value, default=None)

    def prices(
        self, options: Sequence[int], until: float | None, executor: Executor, listener: Listener
    ) -> list[OptionPrice]:
        """Price options of the plan, one solve each; those that Ctrl-C, or the time,
        left room for, in the order given.

        No solve takes anything from another; at the end each gets the best plan of them
        all that is one of its case.
        """
        instance, placed = self.known.instance, self.known.placed
        tasks = [
            Task(f"{'without' if placed[j] else 'with'} {instance.options[j].id}", j)
            for j in dict.fromkeys(options)
        ]
        found: dict[int, OptionPrice] = {}
        with Stopping(listener) as stopping:
            for ended in executor.run(
                price_option, tasks, shared=self, until=until, listener=stopping
            ):
                if isinstance(ended.error, LostTaskError):
                    stopping.noted(f"{ended.task.key} is not priced: {ended.fault}.")
                elif (price := ended.value()) is not None:
                    found[price.option] = price
        made = [found[j] for j in options if j in found]
        return [self._with_best_plan(price, made) for price in made]

    def _with_best_plan(self, price: OptionPrice, others: Sequence[OptionPrice]) -> OptionPrice:
        """Return a price with the best plan of its case among those of others."""
        if price.plan is None or price.upper is None or price.lower is None:
            return price
        case = self.case(price.option)
        upper, plan = price.upper, price.plan
        for other in others:
            if other.plan is None or other.upper is None or other.upper >= upper:
                continue
            if not violations(case, other.plan):
                upper, plan = other.upper, other.plan
        same_beats = None if price.same_beats is None else min(price.same_beats, upper)
        return replace(
            price, plan=plan, upper=upper, lower=min(price.lower, upper), same_beats=same_beats
        )


def price_option(call: TaskCall) -> OptionPrice | None:
    """Return the price of an option; None where the search was stopped before it had a plan."""
    pricing: Pricing = call.shared
    option: int = call.task.argument
    known, own = pricing.known, pricing.known.instance.options[option]
    chosen = bool(known.placed[option])
    case = pricing.case(option)
    # every plan of the case is one of the problem
    narrower = not (own.forced if chosen else own.forbidden)
    begun = [_begun(case, known.placed, option)]
    if (exchanged := pricing.exchanged(option)) is not None:
        begun.append(exchanged)
    try:
        result = place(
            case,
            replace(pricing.asked, time_limit=call.seconds),
            listener=_OneOfSeries(call.listener),
            overlay=pricing.overlay,
            warm_start=WarmStart(pricing.rows),
            starts=tuple(each for each in begun if not violations(case, each)),
            proven=known.same_beats if narrower else 0.0,
        )
    except InfeasibleError as error:
        return OptionPrice(option, chosen, None, None, None, reason=error.args[0])
    if result.plan is None or result.upper is None or result.lower is None:
        return None
    plan = case.placed(result.plan.options)
    if case.patrols is None:
        return OptionPrice(option, chosen, plan, result.lower, result.upper)
    proven = min(known.lower, result.upper) if narrower else 0.0
    return OptionPrice(option, chosen, plan, proven, result.upper, result.lower)


def root_rows(
    known: KnownPlan,
    overlay: Overlay,
    gap: float,
    until: float | None,
    listener: Listener,
    params: SolveParams,
) -> ValueRows:
    """Return the rows of the problem's root program, cut until it stalls, meets the
    plan, or time is up.
    """
    until = np.inf if until is None else until
    tree = BranchAndCut(known.instance, overlay, known.value, gap, until, listener, params=params)
    with step(listener, "cutting the root"):
        tree.cut_root(floors=False)
    return tree.master.value_rows


def released(instance: Instance, options: Sequence[int]) -> Instance:
    """Return an instance in which some options, by position, are neither forced nor forbidden."""
    chosen = set(options)
    marks = (
        replace(o, forced=False, forbidden=False) if j in chosen else o
        for j, o in enumerate(instance.options)
    )
    return replace(instance, options=tuple(marks))


def swapped(instance: Instance, placed: NDArray[np.bool_], option: int) -> NDArray[np.bool_]:
    """Return a plan without one of its options, or with one more in place of what
    excludes it; budgets aside.
    """
    plan = placed.copy()
    plan[option] = not placed[option]
    if plan[option]:
        plan[
            [j for group in instance.conflicts if option in group for j in group if j != option]
        ] = False
    return plan


def _begun(case: Instance, placed: NDArray[np.bool_], option: int) -> NDArray[np.bool_]:
    """Return a plan to begin from: a plan without an option, or with it and less of
    what uses the same resources.
    """
    plan = swapped(case, placed, option)
    if plan[option]:
        make_room(case, plan, [option])
    return plan


def promising(known: KnownPlan, overlay: Overlay) -> list[int]:
    """Return the options outside a plan, those first that would gain most if there were
    budget for one more; then those that gain most alone.

    Options of a site that is used already, and forbidden ones, come in place of what is
    there.
    """
    instance, nothing = known.instance, known.instance.forced
    value, alone = overlay.value(known.placed), overlay.value(nothing)
    gains = []
    for j in np.flatnonzero(overlay.free & ~known.placed).tolist():
        group = [i for conflict in instance.conflicts if j in conflict for i in conflict if i != j]
        more, one = known.placed.copy(), nothing.copy()
        more[group], more[j], one[j] = False, True, True
        gain = value - overlay.value(more)
        gains.append((-gain if gain > NOTHING * value else 0.0, overlay.value(one) - alone, j))
    return [j for _, _, j in sorted(gains)]


class _OneOfSeries(ForwardingListener):
    """Passes on all but plans and bounds, which are those of one solve of a series."""

    def plan_found(self, placed: NDArray[np.bool_], value: float) -> None:
        """Keep it."""
