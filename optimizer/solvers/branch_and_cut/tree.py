"""Branch and cut: a root loop of star, chord and tangent cuts, a dive for a plan, and a tree whose parts are split by screens.

The linear program stands in `master`, the cuts in `separation`, screens in `node`.

Root: solve, find for each unit the cut that asks most at a point between x and the mean of those before, add one row a group, drop rows that
have been slack for a while; until the bound stalls.

Part: the same with the part's floors, at x itself and mostly from pooled paths. An option whose reduced cost carries the bound over
`upper (1 - gap)` is decided; what it shuts out is worth at least that. Then the part is split by the screen that lifts the bounds of
both halves most, out of a few for which the linear programs of the halves are solved. The part of the least bound is next, so the
proven bound is the least over the open parts, those given up, and the best plan.

Every plan is valued exactly. Every bound comes from duals, or from exact values of the part's floors, never from the solver's own objective.
"""

from __future__ import annotations

import heapq
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.listener import SILENT
from optimizer.problem.plan import fits
from optimizer.problem.result import PROVEN
from optimizer.solvers.branch_and_cut.master import VIOLATION, Master, Relaxed
from optimizer.solvers.branch_and_cut.node import Part, Screen, room, screens

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from optimizer.base.listener import Listener
    from optimizer.problem.instance import Instance
    from optimizer.solvers.overlay.overlay import Overlay

    Mask = NDArray[np.bool_]

STALLED = 1e-3
"""Relative rise of the root's bound over `PATIENCE` rounds below which the loop ends."""
PATIENCE = 5
"""Rounds over which the rise of the root's bound is watched."""
ROUNDING = 1e-6
"""Share of the gap that parts must exceed it by, so that the gap of their least bound is within the one asked for."""
FLAT, MOVED = 40, 1e-2
"""Rounds at the root after which a bound that never moved, by this share, counts as stalled."""
WHOLE = 0.999
"""Share from which on the dive places an option."""
WORTHWHILE = 0.1
"""Share of what is left to the cutoff that two rounds in a part must bring for a third."""
TURNS = 8
"""Rounds of a part before one that brought nothing ends it."""
SEARCH_EVERY = 3
"""Every so many rounds of a part look for new paths; all do where the pool has no cut."""
SLACK_AT_ROOT, SLACK_IN_TREE = 3, 12
"""Solves after which a row without a dual is dropped."""
CANDIDATES = 6
"""Screens whose halves are solved before one is chosen."""
HOUSEKEEPING = 20
"""Parts after which the rows of parts that are done with are dropped."""


@dataclass
class BranchAndCut:
    """The state of one search.

    Attributes
    ----------
    instance, overlay
        The problem; its forced options must be feasible by themselves.
    upper
        Value of the best plan known.
    gap
        Relative gap to `upper` at which to stop, >= 0.
    until
        `time.monotonic()` at which to stop; also the end of a linear program under way, not of a separation.
    listener
        Told of every plan that is better than `upper`, and of the bounds whenever they may have moved.
    lower
        Proven lower bound of the value of every feasible plan; an interrupt anywhere leaves it true.
    rounds, parts
        Linear programs solved; parts looked at.
    """

    instance: Instance
    overlay: Overlay
    upper: float = np.inf
    gap: float = 0.0
    until: float = np.inf
    listener: Listener = SILENT
    lower: float = field(init=False)
    rounds: int = field(init=False, default=0)
    parts: int = field(init=False, default=0)
    master: Master = field(init=False)
    root: Part = field(init=False)
    _heap: list[tuple[float, int, Part]] = field(init=False, default_factory=list)
    _given_up: float = field(init=False, default=np.inf)
    _named: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        """Set up the linear program and the part that is everything."""
        self.master = Master(self.instance, self.overlay)
        floor, weight = self.master.units.floor, self.master.units.weight
        shut = ~(self.overlay.free | self.instance.forced)
        self.root = Part(self.instance.forced.copy(), shut, floor, lower=float(weight @ floor)).settled(self.instance)
        self.lower = self.root.lower

    @property
    def cutoff(self) -> float:
        """Bound at which a part need not be looked at further."""
        return self.upper * (1 - max(self.gap, PROVEN) * (1 - ROUNDING))

    @property
    def out_of_time(self) -> bool:
        """Whether the search must end."""
        return time.monotonic() >= self.until

    def cut_root(self) -> Relaxed | None:
        """Raise the bound of the whole by cuts until it stalls or meets `upper`; return the last solution, if there was one."""
        history: list[float] = []
        last = None
        self.master.enter(self.root)
        while (relaxed := self._relax()) is not None:
            last = relaxed
            self.root = replace(self.root, lower=max(self.root.lower, relaxed.bound))
            self.lower = max(self.lower, min(self.root.lower, self._given_up, self.upper))
            self._round(self.root, relaxed.x)
            self.listener.bounds_moved(self.lower, self.upper)
            history.append(self.lower)
            if self.lower >= self.cutoff or _has_stalled(history):
                break
            self.master.program.drop_slack(SLACK_AT_ROOT)
            if not self.master.separate(self.root, relaxed):
                break
        return last

    def dive(self) -> Mask | None:
        """Place the largest x, solve and cut again, and so on: what fits together shows only step by step.

        Returns the plan at its end, or None when time ran out; every step is rounded as well.
        """
        part = self.root
        while True:
            self.master.enter(part)
            if (relaxed := self._relax()) is None:
                return None
            if self.master.separate(part, relaxed) and (relaxed := self._relax()) is None:
                return None
            self._round(part, relaxed.x)
            further = self._settled(part, relaxed.x)
            if further is None:
                return part.ones
            part = further

    def branch(self, improve: Callable[[Mask], Mask | None] = lambda _: None) -> None:
        """Split parts until the bounds meet or time is up.

        `improve` is called after each part with a plan near its solution; it returns a better plan that it found, or None.
        """
        self._push(self.root)
        while self._heap and self._heap[0][0] < self.cutoff and not self.out_of_time:
            halves = self._explored(self._heap[0][2], improve)
            if halves is None:
                break
            heapq.heappop(self._heap)
            for half in halves:
                self._push(half)
            self.parts += 1
            waiting = self._heap[0][0] if self._heap else np.inf
            self.lower = max(self.lower, min(waiting, self._given_up, self.upper))
            self.listener.bounds_moved(self.lower, self.upper)
            if self.parts % HOUSEKEEPING == 0:
                self.master.program.drop_parts({name for _, _, part in self._heap for name in part.line})

    def _push(self, part: Part) -> None:
        """Put a part where it waits, give it up when its bound is high enough, forget it when no plan is in it."""
        if not fits(self.instance, part.ones):
            return
        if part.lower >= self.cutoff:
            self._given_up = min(self._given_up, part.lower)
            return
        self._named += 1
        heapq.heappush(self._heap, (part.lower, -self._named, part))

    def _explored(self, part: Part, improve: Callable[[Mask], Mask | None]) -> list[Part] | None:
        """Return what is left of a part once it was cut and split; None when time ran out."""
        part = self._prepared(part)
        self.master.enter(part)
        history: list[float] = []
        while True:
            if (relaxed := self._relax()) is None:
                return None
            part = replace(part, lower=max(part.lower, relaxed.bound))
            if part.lower >= self.cutoff:
                return [part]
            fixed = self._fixed(part, relaxed)
            if fixed is not part:
                if not fits(self.instance, fixed.ones):
                    return []
                part = self._prepared(fixed)
                self.master.enter(part)
            history.append(part.lower)
            if self._is_slow(history) or not self._cut(part, relaxed, len(history)):
                break
        near = self._round(part, relaxed.x)
        if (better := improve(near)) is not None:
            self.offer(better)
        if not part.undecided.any():
            return [replace(part, lower=max(part.lower, self.overlay.value(part.ones)))]
        return self._split(part, relaxed)

    def _is_slow(self, history: list[float]) -> bool:
        """Whether the last rounds of a part brought little; ones that brought nothing may only have turned from one optimum to the next."""
        if len(history) <= 3:
            return False
        rise = history[-1] - history[-3]
        return rise < WORTHWHILE * (self.cutoff - history[-1]) and (rise > 0 or len(history) > TURNS)

    def _prepared(self, part: Part) -> Part:
        """Return a part without the options that no longer fit, and with the exact values of all the others placed as its floors."""
        part = part.settled(self.instance)
        floor = np.minimum(self.master.values(self.overlay.free & ~part.zeros), self.master.units.start)
        floor = np.maximum(part.floor, floor)
        return replace(part, floor=floor, lower=max(part.lower, float(self.master.units.weight @ floor)))

    def _cut(self, part: Part, relaxed: Relaxed, count: int) -> bool:
        """Add rows that the solution violates: from the pool, or with a search for paths."""
        self.master.program.drop_slack(SLACK_IN_TREE)
        if count % SEARCH_EVERY and self.master.separate(part, relaxed, search=False):
            return True
        return self.master.separate(part, relaxed)

    def _fixed(self, part: Part, relaxed: Relaxed) -> Part:
        """Return the part with the options decided that could not be otherwise in a plan below the cutoff."""
        left = self.cutoff - relaxed.bound
        shut = part.undecided & (relaxed.reduced >= left)
        must = part.undecided & (-relaxed.reduced >= left)
        if not (shut.any() or must.any()):
            return part
        self._given_up = min(self._given_up, self.cutoff)
        return replace(part, ones=part.ones | must, zeros=part.zeros | shut)

    def _split(self, part: Part, relaxed: Relaxed) -> list[Part] | None:
        """Return the halves of a part by the screen that lifts both most; None when time ran out."""
        left = self.cutoff - part.lower
        best: tuple[float, list[Part]] = (-1.0, [])
        for screen in self._candidates(part, relaxed):
            halves = self._halves(part, screen)
            if halves is None:
                return None
            rise = [min(half.lower - part.lower, left) for half in halves]
            if screen.option is None and min(rise) < VIOLATION * left:
                continue  # such halves could be split so again without end
            score = (rise[0] + VIOLATION * left) * (rise[1] + VIOLATION * left)
            if score > best[0]:
                best = score, halves
            if min(rise) >= left:
                break
        return best[1]

    def _candidates(self, part: Part, relaxed: Relaxed) -> list[Screen]:
        """Return the most promising screens, at least one of them of a single option."""
        master = self.master
        cuts = master.cuts_at(relaxed.x, part.floor, search=False)
        asked = master.units.asked(cuts, relaxed.x, part.floor)
        price = np.maximum(relaxed.toll, 0.0)
        found = screens(part, master.pool.paths, relaxed.x, asked, master.units.weight, price)
        chosen = found[:CANDIDATES]
        if all(screen.option is None for screen in chosen):
            chosen.append(next(screen for screen in found if screen.option is not None))
        return chosen

    def _halves(self, part: Part, screen: Screen) -> list[Part] | None:
        """Return the parts in which a screen is open and closed, with the bounds of their linear programs; None when time ran out."""
        self._named += 2
        opened, closed = screen.opened(part, self._named - 1), screen.closed(part, self._named)
        if 1 < len(screen.members) == screen.singles.size:
            self.master.leave_open(screen.singles, self._named - 1)
        several = [options for options in screen.members if options.size > 1]
        if several:
            self.master.close(several, self._named)
        halves = []
        for half in (opened, closed):
            bounded = self._bounded(half, fully=screen.option is not None)
            if bounded is None:
                return None
            halves.append(bounded)
        return halves

    def _bounded(self, part: Part, *, fully: bool) -> Part | None:
        """Return a new part with the bound of its linear program, infinite if it holds no plan; None when time ran out."""
        if not fits(self.instance, part.ones):
            return replace(part, lower=np.inf)
        part = self._prepared(part) if fully else part.settled(self.instance)
        self.master.enter(part)
        relaxed = self._relax()
        return None if relaxed is None else replace(part, lower=max(part.lower, relaxed.bound))

    def _relax(self) -> Relaxed | None:
        self.rounds += 1
        return self.master.relax(self.until)

    def _round(self, part: Part, x: NDArray[np.float64]) -> Mask:
        """Return the plan that places a part's options by falling x, as long as they fit; it is taken if it is better."""
        placed = part.ones.copy()
        for option in np.argsort(-x, kind="stable")[: int((x > VIOLATION).sum())].tolist():
            if not part.zeros[option] and not placed[option] and room(self.instance, placed)[option]:
                placed[option] = True
        self.offer(placed)
        return placed

    def offer(self, placed: Mask) -> None:
        """Take a plan if it is feasible and better than `upper`."""
        value = self.overlay.value(placed)
        if value < self.upper and fits(self.instance, placed):
            self.upper = value
            self.listener.plan_found(placed, value)

    def _settled(self, part: Part, x: NDArray[np.float64]) -> Part | None:
        """Return the part with the options placed that are all but whole, or else the largest, as far as they fit; None if there is none."""
        largest = float(np.max(x, where=part.undecided, initial=0.0))
        if largest <= VIOLATION:
            return None
        ones = part.ones.copy()
        for option in np.flatnonzero(part.undecided & (x >= min(largest, WHOLE))).tolist():
            ones[option] = room(self.instance, ones)[option]
        return replace(part, ones=ones).settled(self.instance)


def _has_stalled(history: list[float]) -> bool:
    """Whether the last rounds at the root brought next to nothing; at first x runs from the paths seen so far, and the bound does not move."""
    moved = history[-1] - history[0] > MOVED * abs(history[-1])
    if len(history) <= (PATIENCE if moved else FLAT):
        return False
    return history[-1] - history[-1 - PATIENCE] <= STALLED * abs(history[-1])
