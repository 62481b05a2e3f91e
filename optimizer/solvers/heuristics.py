"""Greedy placement, and a local search around it: one option at a time, the exact gain of each, taken lazily.

State x, value f(x) = sum_k p_k f_k(x). Placing option j on the present best route of evader k leaves that route worth
f_k prod_{a in route, a in A_j} s_ja, so

    gain_j <= sum_k p_k f_k (1 - prod s_ja)      over the evaders whose present best route j touches.

Options are tried by falling bound until the best exact gain is no smaller than the next bound: the exact greedy choice, at a fraction of its
evaluations. Where no single option gains (two equal roads side by side), the largest bound is taken instead, so that the budget opens the
next step. Two runs, by gain and by gain for cost; the better is tidied of options that turned out to be worth nothing.

The local search takes one option out, the least worth first, fills up greedily without it, and keeps what is better, until a whole round
brings nothing: a swap that also works where options differ in what they use.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimizer.plan import fits

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from optimizer.instance import Instance
    from optimizer.solvers.overlay import Overlay

    Mask = NDArray[np.bool_]

NOTHING = 1e-12
"""A gain below this share of the value counts as none: rounding."""


def greedy(
    instance: Instance, overlay: Overlay, *, until: float = np.inf, on_plan: Callable[[Mask], None] = lambda _: None
) -> Mask:
    """Return a feasible (options,) mask.

    Parameters
    ----------
    instance, overlay
        The problem; its forced options must be feasible by themselves.
    until
        `time.monotonic()` at which to stop adding.
    on_plan
        Called with every feasible plan on the way, so that an interrupt loses none.
    """
    runs = [
        _fill(_Filling(instance, overlay, by_cost, until), instance.forced, on_plan=on_plan)
        for by_cost in (False, True)
    ]
    return tidy(instance, overlay, min(runs, key=overlay.value))


def local_search(
    instance: Instance,
    overlay: Overlay,
    placed: Mask,
    *,
    until: float = np.inf,
    on_plan: Callable[[Mask], None] = lambda _: None,
) -> Mask:
    """Return a mask at least as good as `placed`; parameters as in `greedy`, `on_plan` is called with every better plan."""
    best, best_value = placed, overlay.value(placed)
    improved = True
    while improved:
        improved = False
        for option in _least_worth_first(instance, overlay, best):
            if time.monotonic() >= until:
                break
            filling = _Filling(instance, overlay, by_cost=True, until=until, banned=option)
            candidate = _fill(filling, _without(best, option))
            value = overlay.value(candidate)
            if value < best_value * (1 - NOTHING):
                best, best_value, improved = candidate, value, True
                on_plan(best)
                break
    return tidy(instance, overlay, best)


def tidy(instance: Instance, overlay: Overlay, placed: Mask) -> Mask:
    """Return the mask without options whose removal, one after another, changes nothing: people are not sent where they add nothing."""
    placed = placed.copy()
    value = overlay.value(placed)
    for option in reversed(np.flatnonzero(placed & ~instance.forced).tolist()):
        placed[option] = False
        if overlay.value(placed) > value * (1 + NOTHING):
            placed[option] = True
    return placed


@dataclass(frozen=True)
class _Filling:
    """How a plan is filled up: gains as they are or for their cost, until when, and which option is not to be used."""

    instance: Instance
    overlay: Overlay
    by_cost: bool
    until: float
    banned: int = -1


def _fill(filling: _Filling, start: Mask, *, on_plan: Callable[[Mask], None] = lambda _: None) -> Mask:
    """Add options to a plan, the best next one each time, until nothing fits, nothing could gain, or time is up."""
    placed = start
    while time.monotonic() < filling.until and (choice := _next_option(filling, placed)) is not None:
        placed = _with(placed, choice)
        on_plan(placed)
    return placed


def _next_option(filling: _Filling, placed: Mask) -> int | None:
    """Return the option to place next, or None when nothing fits or nothing could gain."""
    instance, overlay = filling.instance, filling.overlay
    bound, value = _gain_bounds(overlay, placed)
    if filling.banned >= 0:
        bound[filling.banned] = 0.0
    candidates = [j for j in np.flatnonzero(bound > value * NOTHING).tolist() if fits(instance, _with(placed, j))]
    price = _prices(instance, placed) if filling.by_cost else np.ones(len(instance.options))
    candidates.sort(key=lambda j: -bound[j] / price[j])
    best, best_rate = None, 0.0
    for option in candidates:
        if bound[option] / price[option] <= best_rate or time.monotonic() >= filling.until:
            break
        gain = value - overlay.value(_with(placed, option))
        if gain > value * NOTHING and gain / price[option] > best_rate:
            best, best_rate = option, gain / price[option]
    return best if best is not None else (candidates[0] if candidates else None)


def _least_worth_first(instance: Instance, overlay: Overlay, placed: Mask) -> list[int]:
    """Return the placed options that are not forced, by how little the value rises without each."""
    options = np.flatnonzero(placed & ~instance.forced).tolist()
    without = {option: overlay.value(_without(placed, option)) for option in options}
    return sorted(without, key=lambda option: without[option])


def _gain_bounds(overlay: Overlay, placed: Mask) -> tuple[NDArray[np.float64], float]:
    """Return the (options,) upper bounds of the gain of each unplaced option, and the present value."""
    bound = np.zeros(placed.size)
    total = 0.0
    for weight, value, arcs in zip(
        overlay.weight.tolist(), overlay.informed_values(placed).tolist(), overlay.paths(placed), strict=True
    ):
        total += weight * value
        route = np.array(arcs, dtype=np.int64)
        met = route[overlay.option[route] >= 0]
        left: dict[int, float] = {}
        for option, survival in zip(overlay.option[met].tolist(), overlay.survival[met].tolist(), strict=True):
            left[option] = left.get(option, 1.0) * survival
        for option, survival in left.items():
            bound[option] += weight * value * (1 - survival)
    worth = overlay.chains.values(placed)
    total += float(worth.sum())
    np.add.at(bound, overlay.chains.option, worth[overlay.chains.chain] * (1 - overlay.chains.survival))
    bound[placed] = 0.0
    return bound, total


def _prices(instance: Instance, placed: Mask) -> NDArray[np.float64]:
    """Return each option's largest share of a remaining budget, at least a thousandth: what is nearly free is not infinitely good."""
    remaining = instance.budget - placed @ instance.use
    with np.errstate(divide="ignore", invalid="ignore"):
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
