"""What the first few changes of a plan alone bring: changes against today's layout are taken back one by one, that of the least loss first.

To take back an opened site is to leave it out. To take back a closing, or a change of kind, is to let stand what stands; beats make room where
there is none. What then fits is put back: it lets no more through. Each layout is feasible and valued exactly, so what it brings is brought by
so many changes; that others bring no more is not shown. Losses of the step before decide which are valued anew: one whose old loss is above the
best new one is not tried. The way back is a curve: a layout, and its value, for each number of changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimizer.problem.instance.changes import differences
from optimizer.problem.plan.plan import violations
from optimizer.solvers.search.feasible_start import make_room

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from optimizer.problem.instance.instance import Instance

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
    """What few of the changes of a plan bring.

    Attributes
    ----------
    layouts
        Those of so many changes as were asked for, the fewest last.
    made, tried
        How many the plan makes, and how many layouts were valued.
    curve
        Changes and value of each layout on the way back to none, the fewest first.
    """

    layouts: tuple[FewChanges, ...]
    made: int
    tried: int
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
    curve = {made: value_of(placed)}
    for most in range(made - 1, -1, -1):
        if not search.back_to(most):
            break
        whole = search.filled()
        value, makes = value_of(whole), search.made(whole)
        curve[makes] = min(value, curve.get(makes, value))
        if most in few:
            found.append(FewChanges(most, whole, value))
    return FirstChanges(tuple(found), made, search.tried, tuple(sorted(curve.items())))


class _Taking:
    """A plan whose changes are taken back."""

    def __init__(
        self,
        instance: Instance,
        placed: NDArray[np.bool_],
        sites: int,
        value_of: Callable[[NDArray[np.bool_]], float],
    ) -> None:
        self._instance, self._plan, self._value_of, self.tried = instance, placed, value_of, 0
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
            open_changes = [j for j in self._today if not self._now[j]] + [j for j in self._new if self._now[j]]
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
                k for k, other in enumerate(options) if mask[k] and k != j and other.site == options[j].site != ""
            ]
            mask[beside] = False
            make_room(self._instance, mask, [k for k in np.flatnonzero(mask).tolist() if k not in self._beats])
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
