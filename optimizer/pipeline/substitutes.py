"""What each site of a plan is worth: the problem solved again without it, or with it, from plans that are known and over one contraction."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.errors import InfeasibleError
from optimizer.base.interrupts import Stopping
from optimizer.base.listener import ForwardingListener, step
from optimizer.problem.plan import violations
from optimizer.solvers.overlay.restriction import restricted
from optimizer.solvers.solve import place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from optimizer.base.listener import Listener
    from optimizer.pipeline.known_plan import KnownPlan
    from optimizer.problem.instance import Instance
    from optimizer.solvers.overlay.overlay import Overlay

LEAST_SECONDS = 0.05
"""Least time of one solve."""
NOTHING = 1e-12
"""A gain below this share of the value is rounding."""


@dataclass(frozen=True)
class OptionPrice:
    """The best plan without an option that is chosen, or with one that is not.

    Attributes
    ----------
    option
        Its position in the instance.
    chosen
        Whether the plan has it.
    plan
        (options,) mask of the best plan found; None where no plan is feasible.
    lower, upper
        Proven bound of all such plans, with whatever beats, and value of `plan`; None where no plan is feasible.
    same_beats
        Proven bound of such plans that have no other beats than the plan, at least `lower`; None without patrol teams.
    reason
        Why no plan is feasible; empty where one is.
    """

    option: int
    chosen: bool
    plan: NDArray[np.bool_] | None
    lower: float | None
    upper: float | None
    same_beats: float | None = None
    reason: str = ""


@dataclass
class Pricing:
    """The prices of options of a plan, one solve each.

    Ctrl-C, or a listener that cancels, ends the series; what is priced by then is kept.

    Attributes
    ----------
    known
        The plan.
    overlay
        Contraction of the problem in which the options to price are neither forced nor forbidden (`released`).
    options
        Positions of the options to price, in this order.
    gap, until, seed, listener
        Of each solve: relative gap; `time.monotonic()` at which the series ends, infinity for never; seed; and who is told.
    prices
        Those made so far.
    """

    known: KnownPlan
    overlay: Overlay
    options: Sequence[int]
    gap: float
    until: float
    seed: int
    listener: Listener
    prices: list[OptionPrice] = field(default_factory=list)

    def run(self) -> bool:
        """Price the options; return whether all were."""
        with Stopping(self.listener) as stopping:
            for done, option in enumerate(self.options):
                if stopping.cancelled() or (done and time.monotonic() >= self.until):
                    return False
                name = self.known.instance.options[option].id
                verb = "without" if self.known.placed[option] else "with"
                with step(stopping, f"option {done + 1} of {len(self.options)}: {verb} {name}", stoppable=False):
                    left = max((self.until - time.monotonic()) / (len(self.options) - done), LEAST_SECONDS)
                    price = self._priced(option, left, stopping)
                if price is None:
                    return False
                self.prices.append(price)
        return True

    def _priced(self, option: int, seconds: float, listener: Listener) -> OptionPrice | None:
        """Return the price of an option; None where the search was stopped."""
        known, own = self.known, self.known.instance.options[option]
        chosen = bool(known.placed[option])
        case = known.instance.with_forbidden(own.id) if chosen else known.instance.with_forced(own.id)
        narrower = not (own.forced if chosen else own.forbidden)  # every plan of the case is one of the problem
        try:
            result = place(
                case,
                gap=self.gap,
                time_limit=None if seconds == np.inf else seconds,
                seed=self.seed,
                listener=_OneOfSeries(listener),
                overlay=restricted(self.overlay, case),
                starts=self._starts(case, option),
                proven=known.same_beats if narrower else 0.0,
            )
        except InfeasibleError as error:
            return OptionPrice(option, chosen, None, None, None, reason=str(error))
        except KeyboardInterrupt:
            return None
        if result.plan is None or result.upper is None or result.lower is None:
            return None
        plan = case.placed(result.plan.options)
        if case.patrols is None:
            return OptionPrice(option, chosen, plan, result.lower, result.upper)
        proven = min(known.lower, result.upper) if narrower else 0.0
        return OptionPrice(option, chosen, plan, proven, result.upper, result.lower)

    def _starts(self, case: Instance, option: int) -> list[NDArray[np.bool_]]:
        """Return the best plan known that is one of the case, from the plan itself and from the prices made so far."""
        plans = [_begun(case, self.known.placed, option), *(p.plan for p in self.prices if p.plan is not None)]
        values = [self.known.value, *(p.upper for p in self.prices if p.plan is not None)]
        order = sorted(range(1, len(plans)), key=lambda k: values[k] or 0.0)
        known = next((plans[k] for k in order if not violations(case, plans[k])), None)
        return [plan for plan in (plans[0], known) if plan is not None and not violations(case, plan)]


def released(instance: Instance, options: Sequence[int]) -> Instance:
    """Return an instance in which some options, by position, are neither forced nor forbidden."""
    chosen = set(options)
    marks = (replace(o, forced=False, forbidden=False) if j in chosen else o for j, o in enumerate(instance.options))
    return replace(instance, options=tuple(marks))


def swapped(instance: Instance, placed: NDArray[np.bool_], option: int) -> NDArray[np.bool_]:
    """Return a plan without one of its options, or with one more in place of what excludes it; budgets aside."""
    plan = placed.copy()
    plan[option] = not placed[option]
    if plan[option]:
        plan[[j for group in instance.conflicts if option in group for j in group if j != option]] = False
    return plan


def _begun(case: Instance, placed: NDArray[np.bool_], option: int) -> NDArray[np.bool_]:
    """Return a plan to begin from: a plan without an option, or with it and less of what uses the same resources."""
    plan = swapped(case, placed, option)
    if plan[option]:
        make_room(case, plan, [option])
    return plan


def make_room(case: Instance, plan: NDArray[np.bool_], keep: Sequence[int]) -> None:
    """Take options out of a plan until the budgets hold, those first that use most of what is short; forced ones and `keep` stay."""
    while True:
        over = plan @ case.use - case.budget
        short = np.flatnonzero(over > 1e-9 * (1 + case.budget))
        removable = plan & ~case.forced & (case.use[:, short] > 0).any(axis=1)
        removable[list(keep)] = False
        if not short.size or not removable.any():
            return
        plan[np.flatnonzero(removable)[np.argmax(case.use[removable][:, short].sum(axis=1))]] = False


def promising(known: KnownPlan, overlay: Overlay, count: int) -> list[int]:
    """Return the options outside a plan that would gain most, if there were budget for one more; then those that gain most alone.

    Options of a site that is used already, and forbidden ones, come in place of what is there.
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
    return [j for _, _, j in sorted(gains)[:count]]


class _OneOfSeries(ForwardingListener):
    """Passes on all but plans and bounds, which are those of one solve of a series."""

    def plan_found(self, placed: NDArray[np.bool_], value: float) -> None:
        """Keep it."""
