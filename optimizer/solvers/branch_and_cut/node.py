"""Parts of the space of plans, and how a part is split in two by a screen.

A *screen* of unit u is a set of its paths, best first; J(P) are the undecided options that P meets and g_P its value with what the part has
placed. Either every one of them meets one more option (the screen is closed), or one of them, P*, meets none: then theta_u >= g_P*, and every
unit w is worth at least what it is worth with all options but J(P*) placed,

    theta_w >= min over P of f_w(N - J(P)),      N: all options the part allows.

A road network guards a place by screens: many roads side by side, of which one left open spoils the rest. A linear program closes each by a
half and halves what gets through; a split by screens decides a dozen options at once, where a split by one option decides one. The screen of
the single path that meets the single option j is the common split into x_j = 1 and x_j = 0.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from optimizer.problem.plan import BUDGET_TOLERANCE, fits

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.problem.instance import Instance
    from optimizer.solvers.branch_and_cut.path_pool import Paths


@dataclass(frozen=True)
class Part:
    """Plans that place some options and not others, and keep some screens open and others closed.

    Attributes
    ----------
    ones, zeros
        (options,) masks: placed in every plan of the part, placed in none.
    floor
        (units,) least value of each unit over the part.
    line
        Names of the sets of rows that hold here: those of the parts it was split from, and its own last; empty for the root.
    lower
        Proven lower bound.
    """

    ones: NDArray[np.bool_]
    zeros: NDArray[np.bool_]
    floor: NDArray[np.float64]
    line: tuple[int, ...] = ()
    lower: float = 0.0

    @property
    def undecided(self) -> NDArray[np.bool_]:
        """(options,) mask of the options in neither."""
        return ~(self.ones | self.zeros)

    def settled(self, instance: Instance) -> Part:
        """Return the part with the options shut that no longer fit beside those placed."""
        return replace(self, zeros=self.zeros | (self.undecided & ~room(instance, self.ones)))


def room(instance: Instance, placed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the (options,) mask of those that can be added, one at a time, to a mask that fits: exactly those of `plan.fits`."""
    most = instance.budget * (1 + BUDGET_TOLERANCE)
    used = placed @ instance.use + instance.use
    fitting = np.all(used <= most, axis=1)
    near = np.any((instance.use > 0) & (np.abs(used - most) <= ROUNDING * most), axis=1)
    for option in np.flatnonzero(near & ~placed).tolist():  # a sum in another order may fall on the other side
        fitting[option] = fits(instance, placed | np.equal(np.arange(placed.size), option))
    for group in instance.conflicts:
        members = list(group)
        if placed[members].any():
            fitting[members] = False
    return np.asarray(fitting)


@dataclass(frozen=True)
class Screen:
    """A set of paths to be closed or left open together.

    Attributes
    ----------
    members
        For each path, the undecided options it meets.
    floor
        (units,) what every unit is worth at least if one of the paths stays open.
    if_open, if_closed
        How much the bound is likely to rise on either side, > 0.
    """

    members: tuple[NDArray[np.int64], ...]
    floor: NDArray[np.float64]
    if_open: float
    if_closed: float

    @property
    def singles(self) -> NDArray[np.int64]:
        """Options without which a path stays open."""
        return np.array([options[0] for options in self.members if options.size == 1], dtype=np.int64)

    @property
    def option(self) -> int | None:
        """The option, where the split is by one option alone."""
        return int(self.members[0][0]) if len(self.members) == self.members[0].size == 1 else None

    def opened(self, part: Part, name: int) -> Part:
        """Return the part in which one of the paths is open."""
        zeros = part.zeros.copy()
        if len(self.members) == 1:
            zeros[self.members[0]] = True
        return replace(part, zeros=zeros, floor=np.maximum(part.floor, self.floor), line=(*part.line, name))

    def closed(self, part: Part, name: int) -> Part:
        """Return the part in which all of the paths are closed."""
        ones = part.ones.copy()
        ones[self.singles] = True
        return replace(part, ones=ones, line=(*part.line, name))


LONGEST_SCREEN = 80
"""Most paths of a screen."""
UNITS = 24
"""Units whose screens are looked at."""


def screens(
    part: Part,
    paths: Paths,
    x: NDArray[np.float64],
    asked: NDArray[np.float64],
    weight: NDArray[np.float64],
    price: NDArray[np.float64],
) -> list[Screen]:
    """Return screens to split by, the most promising first; splits by one option are among them.

    Parameters
    ----------
    part
        What is to be split.
    paths
        Paths of informed units found so far.
    x
        (options,) point of the relaxation.
    asked
        (units,) what cuts ask of each unit at x.
    weight
        (units,) p_u.
    price
        (options,) what a whole option costs the relaxation, >= 0.
    """
    split = part.undecided & (x > EPSILON) & (x < 1 - EPSILON)
    options = np.flatnonzero(split if split.any() else part.undecided).tolist()
    without = _without_each(part, paths)
    least = EPSILON * float(weight @ asked) + np.finfo(np.float64).tiny
    found = [_single(j, x, without, asked, weight, price, least) for j in options]
    for unit in _by_promise(part, paths, asked, weight)[:UNITS].tolist():
        found += _screens_of(unit, part, paths, x, without, asked, weight, price)
    found.sort(key=lambda screen: -screen.if_open * screen.if_closed)
    return _distinct(found)


ROUNDING = 1e-12
"""How near a budget, relative to it, a sum is made again in the order of `plan.fits`."""
EPSILON = 1e-6
"""An x this close to 0 or 1 counts as whole."""


def _without_each(part: Part, paths: Paths) -> NDArray[np.float64]:
    """Return the (options, units) values, or less, with everything the part allows placed but for one option."""
    values = np.repeat(part.floor[None], part.zeros.size, axis=0)
    there = np.append(~part.zeros, False)[paths.option]
    left = np.where(there, paths.survival, 1.0)
    before = np.cumprod(np.column_stack((paths.value, left[:, :-1])), axis=1)
    after = np.cumprod(np.column_stack((np.ones(paths.value.size), left[:, :0:-1])), axis=1)[:, ::-1]
    path, place = np.nonzero(there & np.append(part.undecided, False)[paths.option])
    np.maximum.at(values, (paths.option[path, place], paths.unit[path]), (before * after)[path, place])
    return values


def _by_promise(part: Part, paths: Paths, asked: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return units by how far the relaxation presses them below what they are worth with no more placed."""
    best = part.floor.copy()
    np.maximum.at(best, paths.unit, paths.values(np.append(part.ones, False)))
    promise = weight * (best - asked)
    order = np.argsort(-promise, kind="stable")
    return order[promise[order] > 0]


def _single(
    option: int,
    x: NDArray[np.float64],
    without: NDArray[np.float64],
    asked: NDArray[np.float64],
    weight: NDArray[np.float64],
    price: NDArray[np.float64],
    least: float,
) -> Screen:
    """Return the screen of one option; its rises are at least `least`, so that it can always be compared."""
    rise = float(weight @ np.maximum(without[option] - asked, 0.0))
    floor = np.zeros_like(asked)  # the values without the option follow from its being shut
    return Screen((np.array([option]),), floor, max(rise, least), max(float(price[option] * (1 - x[option])), least))


def _screens_of(
    unit: int,
    part: Part,
    paths: Paths,
    x: NDArray[np.float64],
    without: NDArray[np.float64],
    asked: NDArray[np.float64],
    weight: NDArray[np.float64],
    price: NDArray[np.float64],
) -> list[Screen]:
    """Return the screens of a unit at all levels above its floor."""
    own = np.flatnonzero(paths.unit == unit)
    value = paths.take(own).values(np.append(part.ones, False))
    undecided = np.append(part.undecided, False)
    above = np.flatnonzero(value > part.floor[unit])
    members: list[NDArray[np.int64]] = []
    keys: list[set[int]] = []
    floor, deficit = np.full(asked.size, np.inf), 0.0
    found: list[Screen] = []
    for k in above[np.argsort(-value[above], kind="stable")].tolist():
        options = paths.option[own[k]]
        options = options[undecided[options]]
        key = set(options.tolist())
        if any(other <= key for other in keys):
            continue  # closed with one before
        if not key or len(members) >= LONGEST_SCREEN:
            break
        keys.append(key)
        members.append(options)
        floor = np.minimum(floor, without[options].max(axis=0))
        floor[unit] = value[k]
        cost = price[options] * (1 - x[options])
        deficit += float(cost.min() * max(0.0, 1 - x[options].sum()) / max(EPSILON, (1 - x[options]).max()))
        rise = float(weight @ np.maximum(floor - asked, 0.0))
        if rise > 0 and deficit > 0:
            found.append(Screen(tuple(members), floor.copy(), rise, deficit))
    return found


def _distinct(screens: list[Screen]) -> list[Screen]:
    """Return the screens without those that close the same paths as one before."""
    seen: set[tuple[tuple[int, ...], ...]] = set()
    kept = []
    for screen in screens:
        key = tuple(sorted(tuple(options.tolist()) for options in screen.members))
        if key not in seen:
            seen.add(key)
            kept.append(screen)
    return kept
