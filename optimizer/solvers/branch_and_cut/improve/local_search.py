"""The plans that every method looks for: a greedy one, and local searches around plans,
for a share of the time.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from optimizer.base.work.listener import SILENT, Listener, step, stop_if_cancelled
from optimizer.base.work.work_clock import work_seconds
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.requirements import (
    options_that_break_none,
    options_that_help,
    requirements_met,
)
from optimizer.problem.plan.plan import violations
from optimizer.problem.plan.result import PROVEN
from optimizer.solvers.branch_and_cut.improve.feasible_start import todays_layout
from optimizer.solvers.branch_and_cut.improve.state import NOTHING, SolveState, reduce_plan
from optimizer.solvers.branch_and_cut.paths.commodities import Commodities
from optimizer.solvers.branch_and_cut.paths.path_pool import PathPool, PooledValues
from optimizer.solvers.branch_and_cut.tree.node import options_that_fit
from optimizer.solvers.overlay.overlay import Overlay
from optimizer.solvers.params import HeuristicParams

Mask = NDArray[np.bool_]


EXCHANGING = 10.0
"""Seconds of work beyond the time limit in which today's layout is to be bettered."""
EXCHANGES = 3
"""Passes over its options at most."""

OVER, LEAST_OVER = 0.25, 5.0
"""Share of the time limit, and least seconds of work, for which a greedy plan may go on
after it.
"""


class PlanImprover:
    """Local searches around the plans of a tree, for a share of its time.

    Attributes
    ----------
    pooled
        Values over pooled paths.
    seen
        Plans that were searched around, and those that came of it, as bytes.
    """

    def __init__(self, search: SolveState, pooled: PooledValues) -> None:
        self.pooled = pooled
        self._search, self._params = search, search.params.heuristics
        self._began = work_seconds()
        self._spent = 0.0
        self._fruitless = 0
        self._nodes = 0
        self._rng = np.random.default_rng(search.seed)
        self.seen: set[bytes] = set()
        self._greedy: NDArray[np.bool_] | None = None

    @classmethod
    def without_tree(cls, search: SolveState) -> PlanImprover:
        """Return an improver with a pool of its own, for methods that have no tree."""
        return cls(search, _own_pool(search))

    def fill(self, start: NDArray[np.bool_]) -> None:
        """Offer a plan with what is left of the budgets spent."""
        if not self.pooled.knows:
            self.pooled.refresh(start)
        self._search.offer(complete_plan(self._search.instance, self.pooled, start))

    def greedy(self, *, afresh: bool = False) -> NDArray[np.bool_]:
        """Return a greedy plan, offered as well; it is made once, and the time limit
        does not end it: no plan is to be worse.

        It ends some time after the limit (`OVER`), with a word: at 10^4 options it
        takes minutes. `afresh` makes it from paths of its own. The pool of a flat root
        has thousands, and each choice would weigh them all.
        """
        search = self._search
        if self._greedy is None:
            limit = (
                np.inf if search.time_limit is None else max(LEAST_OVER, OVER * search.time_limit)
            )
            until = max(search.work_until, work_seconds()) + limit
            with step(search.listener, "greedy"):
                made = greedy(
                    search.instance,
                    search.overlay,
                    _own_pool(search) if afresh else self.pooled,
                    start=search.start,
                    until=until,
                    once=search.out_of_time,
                    listener=search,
                )
            if work_seconds() >= until:
                search.noted(
                    f"The greedy plan was ended after {limit:.0f} s of work beyond the time limit:"
                    " others may be better than the plan here."
                )
            search.offer(made)
            self._greedy, search.greedy_made = made, True
        return self._greedy

    def take_note(self, seen: Iterable[bytes], made: NDArray[np.bool_] | None) -> None:
        """Take note of plans that another process has searched around, and of the
        greedy plan if it made it.
        """
        self.seen |= set(seen)
        if made is not None and self._greedy is None:
            self._greedy, self._search.greedy_made = made, True

    def make_sure(self, *, exchanging: bool = True) -> None:
        """Offer the plans to begin from, filled, a greedy plan, and the first exchange
        of today's layout that gains: what no search is to be worse than, however early
        its time ends. `exchanging` is whether that layout is not known to be bettered.
        """
        search, before = self._search, self._search.upper
        for start in search.starts:
            self.fill(start)
        if not (search.closed or search.greedy_made):
            self.greedy()
        if exchanging and not search.closed:
            self._exchange_from_today()
        if search.upper < before:
            search.reduce_plan(self.pooled)

    def _exchange_from_today(self) -> None:
        """Exchange options of today's layout for others until less gets through, where
        no better plan is known; the time limit does not end it.

        It ends after `EXCHANGING` seconds of work beyond the limit, with a word.
        """
        search, today = self._search, todays_layout(self._search.instance)
        if today is None or violations(search.instance, today):
            return
        value = search.overlay.value(today)
        if search.upper < value * (1 - NOTHING):
            return
        until = max(search.work_until, work_seconds()) + EXCHANGING
        with step(search.listener, "exchanging options of today's layout"):
            # each pass knows the paths that the one before has found
            for _ in range(EXCHANGES):
                found = local_search(
                    search.instance,
                    search.overlay,
                    self.pooled,
                    today,
                    until=until,
                    enough=value * (1 - NOTHING),
                    listener=search,
                )
                search.offer(found)
                if search.upper < value * (1 - NOTHING) or work_seconds() >= until:
                    break
        if work_seconds() >= until:
            search.noted(
                f"No plan better than today's layout was found in {EXCHANGING:.0f} s of work beyond"
                " the time limit: give the search more time."
            )

    def finish(self, least: float = PROVEN) -> None:
        """Make sure of a greedy plan and a local search around the best, unless the
        bounds leave nothing to gain or time is up.

        A gap is a promise about the bound, not leave to stop looking. No greedy plan is
        made where the gap is at most `least`.
        """
        search = self._search
        if search.gap_left > least and not (search.out_of_time or search.greedy_made):
            self.greedy()
        if (
            search.gap_left > PROVEN
            and not search.out_of_time
            and search.placed.tobytes() not in self.seen
        ):
            self.search_around(search.placed, ruins=False)
        search.looked = search.gap_left <= PROVEN or not search.out_of_time

    def search_around(
        self, start: NDArray[np.bool_], share: float = 0.0, *, ruins: bool = True
    ) -> NDArray[np.bool_]:
        """Search around a plan, for at least a share of the time that is left where
        there is a limit, and offer what is found.

        While the gap is wide the search goes on with ruins, where they are wanted.
        Without a limit it ends when it finds nothing more.
        """
        search = self._search
        params = self._params
        began = work_seconds()
        left = search.work_until - began
        seconds = (
            max(min(params.most_seconds, left * params.share), share * left)
            if np.isfinite(left)
            else np.inf
        )
        problem = (search.instance, search.overlay, self.pooled)
        with step(search.listener, "local search"):
            enough = search.enough if search.quick else 0.0
            improved = local_search(
                *problem, start, until=began + seconds, enough=enough, listener=search
            )
            search.offer(improved)
            if ruins and search.gap_left > params.wide_gap:
                until = began + seconds
                improved = ruin_and_recreate(
                    *problem, improved, rng=self._rng, until=until, listener=search, params=params
                )
                search.offer(improved)
        self._spent += work_seconds() - began
        self.seen |= {start.tobytes(), improved.tobytes()}
        return improved

    def near_node(self, near: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
        """Search around a plan near a part's solution, unless that was done or the
        share of time is spent.

        The share falls with the number of searches since the last that found a better
        plan.
        """
        if not self._has_turn() or near.tobytes() in self.seen:
            return None
        self._nodes = 0
        before = self._search.upper
        improved = self.search_around(near)
        self._fruitless = 0 if self._search.upper < before else self._fruitless + 1
        return improved

    def _has_turn(self) -> bool:
        """Return whether a search near a node may be made: by the time that searches
        have taken, without a time limit by nodes.
        """
        self._nodes += 1
        if not np.isfinite(self._search.work_until):
            return self._nodes >= self._params.nodes_between * (1 + self._fruitless)
        return self._spent <= self._params.share / (1 + self._fruitless) * (
            work_seconds() - self._began
        )


def _own_pool(search: SolveState) -> PooledValues:
    """Return values over paths that are not known yet."""
    commodities = Commodities.of(search.overlay)
    return PooledValues(commodities, PathPool(search.overlay, commodities.searches))


NONE = -1
"""No option."""

TRIED = 6
"""Options that break a requirement which are tried with others that mend it, the best first."""

MENDING = 8
"""Most options that mend what one has broken."""

SECOND_THOUGHTS = 4
"""How often the choice of an option is made again after a refresh of the pool."""


def greedy(
    instance: Instance,
    overlay: Overlay,
    pooled: PooledValues,
    *,
    start: Mask | None = None,
    until: float = np.inf,
    once: bool = False,
    listener: Listener = SILENT,
) -> Mask:
    """Return a feasible (options,) mask.

    Parameters
    ----------
    instance, overlay, pooled
        The problem, its contraction, and values over pooled paths.
    start
        (options,) mask of a feasible plan to add to; by default the forced options.
    until
        `work_seconds()` at which to stop adding.
    once
        Whether one run is enough where all options use the same: the second then
        differs by the paths alone that the first has found.
    listener
        Told of every feasible plan on the way, so that an interrupt loses none.
    """
    runs = []
    for by_cost in (False,) if once and (instance.use == instance.use[:1]).all() else (False, True):
        placed = (instance.forced if start is None else start).copy()
        while (
            work_seconds() < until
            and (more := _next_plan(instance, pooled, placed, by_cost)) is not None
        ):
            placed = more
            listener.plan_found(placed, overlay.value(placed))
            stop_if_cancelled(listener)
        runs.append(placed)
    return reduce_plan(instance, overlay, min(runs, key=overlay.value), pooled)


def local_search(
    instance: Instance,
    overlay: Overlay,
    pooled: PooledValues,
    placed: Mask,
    *,
    until: float = np.inf,
    enough: float = 0.0,
    listener: Listener = SILENT,
) -> Mask:
    """Return a mask at least as good as `placed`; parameters as in `greedy`, but the
    listener is told of better plans only.

    The search ends at a plan of a value of at most `enough`.

    Greedy adds the option of the largest gain until none fits. A gain over the pool may
    be too large where paths are missing, so the pool is refreshed with the option
    placed, and the option is kept if its gain is still the largest. Where no single
    option gains (two equal parallel roads), the one that would gain most if all other
    paths were closed is taken. Two runs, by gain and by gain per cost; options without
    an effect are removed from the better one.

    The local search fills what is left of the budget greedily, or removes one option,
    that of the least marginal value first, and fills the budget without it; it keeps
    the result if its exact value is better, until a whole round gains nothing: a swap
    that also works where options use different resources.

    Ruin and recreate (Schrimpf et al. 2000) continues from there: a few options are
    removed at random, half of the time those of one agency, and the budget is filled
    greedily by randomly perturbed gains; plans slightly worse than the best are
    accepted.

    Where requirements are not met, options that bring one nearer come first, and none
    is added that would break one that is met. Where nothing more can be added so, an
    option that breaks one is added together with those that mend it, such as a sensor
    with the team that answers it.
    """
    pooled.refresh(placed)
    best, best_value = placed, overlay.value(placed)
    improved = True
    while improved and best_value > enough:
        improved = False
        loss = pooled.losses(best)
        removable = np.flatnonzero(best & ~instance.forced)
        for option in (NONE, *removable[np.argsort(loss[removable], kind="stable")].tolist()):
            if work_seconds() >= until:
                break
            rest = best if option == NONE else _without(best, option)
            candidate = complete_plan(instance, pooled, rest, banned=option)
            if pooled.value(candidate) >= best_value * (1 - NOTHING) or not requirements_met(
                instance, candidate
            ):
                continue
            value = overlay.value(candidate)
            if value < best_value * (1 - NOTHING):
                best = candidate
                best_value = value
                improved = True
                listener.plan_found(best, best_value)
                break
            pooled.refresh(candidate)
    return reduce_plan(instance, overlay, best, pooled)


def ruin_and_recreate(
    instance: Instance,
    overlay: Overlay,
    pooled: PooledValues,
    placed: Mask,
    *,
    rng: np.random.Generator,
    until: float = np.inf,
    listener: Listener = SILENT,
    params: HeuristicParams = HeuristicParams(),
) -> Mask:
    """Return a mask at least as good as `placed`; parameters as in `local_search`, with
    a random generator.
    """
    best = here = placed
    best_value = overlay.value(best)
    fruitless = 0
    while fruitless < params.most_ruins and work_seconds() < until:
        fruitless += 1
        rough = _ruined(instance, here, rng, params.ruined)
        shake = rng.uniform(1 - params.noise, 1 + params.noise, placed.size)
        candidate = complete_plan(instance, pooled, rough, shake=shake, until=until)
        if pooled.value(candidate) >= best_value * (
            1 + params.accepted_loss
        ) or not requirements_met(instance, candidate):
            continue
        value = overlay.value(candidate)
        if value > best_value * (1 + params.accepted_loss):
            pooled.refresh(candidate)
            continue
        here = candidate
        if value < best_value * (1 - NOTHING):
            best = candidate
            best_value = value
            fruitless = 0
            listener.plan_found(best, best_value)
    return reduce_plan(instance, overlay, best, pooled)


def _ruined(instance: Instance, placed: Mask, rng: np.random.Generator, share: float) -> Mask:
    """Return the mask without a few of its options: two, or a share of them, at most."""
    out = np.flatnonzero(placed & ~instance.forced)
    if not out.size:
        return placed
    if rng.random() < 0.5:
        owner = np.array([instance.options[j].agency for j in out.tolist()])
        out = out[owner == rng.choice(owner)]
    most = max(2, round(share * float(placed.sum())))
    gone = rng.permutation(out)[: rng.integers(1, most + 1)]
    fewer = placed.copy()
    fewer[gone] = False
    return fewer


def complete_plan(
    instance: Instance,
    pooled: PooledValues,
    placed: Mask,
    banned: int = NONE,
    shake: NDArray[np.float64] | None = None,
    until: float = np.inf,
) -> Mask:
    """Add the best options by gain for cost over the pool as it is, until nothing fits
    or nothing could gain.
    """
    while work_seconds() < until:
        choice = _best_option(instance, pooled, placed, by_cost=True, banned=banned, shake=shake)
        more = (
            _mended(instance, pooled, placed, banned, shake)
            if choice is None
            else _with(placed, choice)
        )
        if more is None:
            break
        placed = more
    return placed


def _mended(
    instance: Instance,
    pooled: PooledValues,
    placed: Mask,
    banned: int = NONE,
    shake: NDArray[np.float64] | None = None,
) -> Mask | None:
    """Return the mask with an option that breaks a requirement, and others that mend
    it; None where there is none.
    """
    if not instance.requirements or not requirements_met(instance, placed):
        return None
    blocked = (
        options_that_fit(instance, placed)
        & ~placed
        & ~_forbidden(instance)
        & ~options_that_break_none(instance, placed)
        & options_that_break_none(instance, placed, limits_alone=True)
    )
    if banned != NONE:
        blocked[banned] = False
    if not blocked.any():
        return None
    # An option alone may break a requirement ("two of this side for each of the other")
    # that it keeps together with others. Greedy choice never takes it, and would end
    # with budget left; so the likeliest of such options are tried, each with a few that
    # mend what it breaks.
    gain = np.where(blocked, pooled.gains(placed).gain, 0.0) / _prices(instance, placed)
    gain *= 1.0 if shake is None else shake
    for option in np.argsort(-gain, kind="stable")[:TRIED].tolist():
        if gain[option] <= NOTHING * pooled.value(placed):
            break
        more = _with(placed, option)
        for _ in range(MENDING):
            choice = (
                None
                if requirements_met(instance, more)
                else _best_option(instance, pooled, more, by_cost=True, banned=banned)
            )
            if choice is None:
                break
            more = _with(more, choice)
        if requirements_met(instance, more):
            return more
    return None


def _next_plan(
    instance: Instance, pooled: PooledValues, placed: Mask, by_cost: bool
) -> Mask | None:
    """Return the mask with what greedy places next; None when nothing fits or nothing
    could gain.
    """
    choice = _next_option(instance, pooled, placed, by_cost)
    return _mended(instance, pooled, placed) if choice is None else _with(placed, choice)


def _next_option(
    instance: Instance, pooled: PooledValues, placed: Mask, by_cost: bool
) -> int | None:
    """Return the option to place next, after a refresh with it placed; None when
    nothing fits or nothing could gain.
    """
    pooled.refresh(placed)
    choice = _best_option(instance, pooled, placed, by_cost)
    for _ in range(SECOND_THOUGHTS):
        if choice is None:
            break
        pooled.refresh(_with(placed, choice))
        again = _best_option(instance, pooled, placed, by_cost)
        if again == choice:
            break
        choice = again
    return choice


def _best_option(
    instance: Instance,
    pooled: PooledValues,
    placed: Mask,
    by_cost: bool,
    banned: int = NONE,
    shake: NDArray[np.float64] | None = None,
) -> int | None:
    """Return the option of the largest gain over the pool among those that fit, or of
    the largest possible gain where none gains.

    Gains are multiplied by (options,) `shake` if given.
    """
    allowed = (
        options_that_fit(instance, placed)
        & ~placed
        & ~_forbidden(instance)
        & options_that_break_none(instance, placed)
    )
    if banned != NONE:
        allowed[banned] = False
    if not allowed.any():
        return None
    needed = options_that_help(instance, placed)
    if needed is not None:
        allowed &= needed
    gains = pooled.gains(placed)
    price = _prices(instance, placed) if by_cost else np.ones(placed.size)
    nothing = NOTHING * pooled.value(placed)
    for gain in (gains.gain, gains.most):
        rate = np.where(allowed & (gain > nothing), gain / price, 0.0) * (
            1.0 if shake is None else shake
        )
        if rate.any():
            return int(rate.argmax())
    return int(allowed.argmax()) if needed is not None and allowed.any() else None


def _forbidden(instance: Instance) -> Mask:
    return np.array([option.forbidden for option in instance.options], dtype=bool)


def _prices(instance: Instance, placed: Mask) -> NDArray[np.float64]:
    """Return each option's largest share of a remaining budget, at least 0.001: a cost
    of almost 0 would count for too much.
    """
    remaining = instance.budget - placed @ instance.use
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        share = np.where(instance.use > 0, instance.use / remaining, 0.0)
    return np.asarray(np.maximum(share.max(axis=1, initial=0.0), 1e-3))


def _with(placed: Mask, option: int) -> Mask:
    more = placed.copy()
    more[option] = True
    return more


def _without(placed: Mask, option: int) -> Mask:
    fewer = placed.copy()
    fewer[option] = False
    return fewer
