"""Branch and price: bounds over all beats, and plans of fixed options and beats.

Parts of the space of plans fix some options and leave beats free; each is bounded by column generation over it, and split by an option. The
part of the least bound is next, so the proven bound over all plans with any beats is the least over the parts that are left. Plans come from
dives: what is most nearly whole in a part's solution is placed, beats are priced again, and so on.

A part whose fixed options are all decided is left at its bound: what is between that and a plan is the rounding of beats.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.listener import SILENT
from optimizer.problem.plan import BUDGET_TOLERANCE, fits
from optimizer.problem.result import PROVEN
from optimizer.solvers.branch_and_cut.node import room
from optimizer.solvers.patrols.column_generation import Scope, beat_uses

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.base.listener import Listener
    from optimizer.solvers.branch_and_cut.master import Relaxed
    from optimizer.solvers.patrols.column_generation import Generation

CLOSE = 2e-4
"""What a round of cuts and beats must bring, relative to the bound, for another; and how near to the program a proven bound must come."""
MOST_ROUNDS = 60
"""Rounds at the root."""
ROUNDS_IN_PART = 8
PROOF_EVERY = 6
"""Rounds after which pricing is proven although heuristics still find beats: an interrupt then finds a bound."""
WHOLE = 1e-6
"""Shares nearer to whole numbers than this are whole."""
NEARLY = 0.999
"""Share from which on a dive places an option."""
CANDIDATES = 4
"""Options whose halves are tried before a part is split."""


@dataclass
class JointTree:
    """The state of one search.

    Attributes
    ----------
    generation
        The linear program and its beats.
    gap
        Relative gap to `upper` at which to stop.
    listener
        Told of each better plan (how often each fixed option, then each beat made so far, is placed), and when the proven bound rises.
    upper, lower
        Value of the best plan, and the proven bound over all plans with any beats.
    placed, number
        The best plan made here: (options,) mask and (beats,) how often each is driven; the forced options alone before there is one.
    proof
        The solution whose prices prove the best bound of the whole, and that bound; None before there is one. It may be below `lower`.
    exact
        Whether every bound in `lower` rests on pricing that was solved to proof.
    parts
        Parts looked at.
    """

    generation: Generation
    gap: float = 0.0
    listener: Listener = SILENT
    upper: float = np.inf
    lower: float = field(init=False)
    placed: NDArray[np.bool_] = field(init=False)
    number: NDArray[np.int64] = field(init=False)
    proof: tuple[Relaxed, float] | None = field(init=False, default=None)
    exact: bool = field(init=False, default=True)
    parts: int = field(init=False, default=0)
    _heap: list[tuple[float, int, Scope]] = field(init=False, default_factory=list)
    _left: float = field(init=False, default=np.inf)
    _named: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        """Begin with the value of everything placed as the bound."""
        self.lower = self.generation.floor
        self.placed, self.number = self.generation.instance.forced, np.empty(0, dtype=np.int64)

    @property
    def cutoff(self) -> float:
        """Bound at which a part need not be looked at further."""
        return self.upper * (1 - max(self.gap, PROVEN))

    def cut_root(self) -> Relaxed | None:
        """Bound the whole; return its last solution."""
        bound, relaxed = self._bounded(self.generation.everything, MOST_ROUNDS, proving=True)
        self._rise(bound)
        return relaxed

    def branch(self) -> None:
        """Split parts until the bounds meet or time is up."""
        self._push(self.lower, self.generation.everything)
        while self._heap and self._heap[0][0] < self.cutoff and not self.generation.out_of_time:
            bound, _, scope = self._heap[0]
            bound_now, relaxed = self._bounded(scope, ROUNDS_IN_PART)
            if relaxed is None:
                return
            bound = max(bound, bound_now)
            halves = [] if bound >= self.cutoff else self._split(scope, relaxed, bound)
            if halves is None:
                return
            heapq.heappop(self._heap)
            if not halves:
                self._left = min(self._left, bound)
            for value, half in halves:
                self._push(value, half)
            self.parts += 1
            self._rise(min(self._heap[0][0] if self._heap else np.inf, self._left))

    def dive(self, scope: Scope) -> float | None:
        """Place step by step what is most nearly whole; return the value of the plan at the end, None when time ran out."""
        generation = self.generation
        ones, zeros = scope.ones.copy(), scope.zeros.copy()
        number = np.zeros(len(generation.beats), dtype=np.int64)
        while True:
            fits_option, fits_beat = self._room(ones, number)
            zeros |= ~ones & ~fits_option
            generation.enter(Scope(ones, zeros, number, fits_beat))
            relaxed = generation.relax()
            if relaxed is not None and generation.add_quickly(relaxed):
                number = np.pad(number, (0, len(generation.beats) - number.size))
                generation.enter(Scope(ones, zeros, number, self._room(ones, number)[1]))
                relaxed = generation.relax()
            number = np.pad(number, (0, len(generation.beats) - number.size))
            if relaxed is None:
                self._offer(ones, number)  # what was placed so far is a plan
                return None
            x = np.where(ones | zeros, 0.0, relaxed.x[: ones.size])
            beats = np.where(self._room(ones, number)[1], relaxed.added - number, 0.0)
            if max(x.max(initial=0.0), beats.max(initial=0.0)) <= WHOLE:
                return self._offer(ones, number)
            if x.max(initial=0.0) >= min(beats.max(initial=0.0), NEARLY):
                nearly = x >= min(float(x.max()), NEARLY)
                for j in np.flatnonzero(nearly).tolist():
                    ones[j] = self._room(ones, number)[0][j]
                zeros |= nearly & ~ones
            else:
                number[int(beats.argmax())] += 1

    def _room(self, ones: NDArray[np.bool_], number: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return which options, and which beats, can be added one at a time."""
        generation = self.generation
        instance = generation.instance
        uses = np.array([beat_uses(instance, generation.patrols, q) for q in range(len(generation.patrols.patrols))])
        of_beat = (
            uses[[beat.patrol for beat in generation.beats]]
            if generation.beats
            else np.empty((0, len(instance.budget)))
        )
        taken = number @ of_beat[: number.size]
        left = instance.budget * (1 + BUDGET_TOLERANCE) - taken
        fits_option = room(instance, ones) & np.all(ones @ instance.use + instance.use <= left, axis=1)
        fits_beat = np.all(ones @ instance.use + of_beat <= left, axis=1)
        return fits_option, fits_beat

    def _offer(self, ones: NDArray[np.bool_], number: NDArray[np.int64]) -> float:
        value = self._value(ones, number)
        if value < self.upper:
            self.placed, self.number, self.upper = ones.copy(), number.copy(), value
            self.listener.plan_found(np.concatenate((ones, number)), value)
        return value

    def _value(self, ones: NDArray[np.bool_], number: NDArray[np.int64]) -> float:
        """Return the exact value of a plan: elements as often as its beats hold them."""
        generation = self.generation
        present = np.zeros(generation.patrols.elements.size)
        for b in np.flatnonzero(number).tolist():
            present += number[b] * generation.beats[b].elements
        return generation.value(ones, present)

    def _bounded(self, scope: Scope, rounds: int, *, proving: bool = False) -> tuple[float, Relaxed | None]:
        """Return a proven bound of a scope and the last solution; no solution when time ran out."""
        generation = self.generation
        generation.enter(scope)
        best, last, before = -np.inf, None, -np.inf
        for turn in range(rounds):
            relaxed = generation.relax()
            if relaxed is None:
                break
            last = relaxed
            made = generation.add_quickly(relaxed)
            cut = generation.cut(relaxed)
            moved = abs(relaxed.bound - before) > CLOSE * abs(relaxed.bound)
            before = relaxed.bound
            if (made or cut) and moved and turn < rounds - 1 and (turn + 1) % PROOF_EVERY:
                continue
            found, missing, exact = generation.add_proving(relaxed)
            if relaxed.bound - missing > best:
                best = relaxed.bound - missing
                self.exact &= exact
                if proving:
                    self.proof = relaxed, best
                    self._rise(best)
            if best >= self.cutoff or not (made or cut or found):
                break
            if relaxed.bound - best <= CLOSE * abs(best) and not moved:
                break
        return best, last

    def _rise(self, bound: float) -> None:
        if bound > self.lower:
            self.lower = min(bound, self.upper)
            self.listener.bounds_moved(self.lower, self.upper)

    def _push(self, bound: float, scope: Scope) -> None:
        if not fits(self.generation.instance, scope.ones):
            return  # no plan is in it
        if bound >= self.cutoff:
            self._left = min(self._left, bound)
            return
        self._named += 1
        heapq.heappush(self._heap, (bound, self._named, scope))

    def _split(self, scope: Scope, relaxed: Relaxed, bound: float) -> list[tuple[float, Scope]] | None:
        """Return the halves of a scope by an option; none where all options are whole, None when time ran out."""
        x = np.where(scope.ones | scope.zeros, 0.0, relaxed.x[: scope.ones.size])
        doubt = np.minimum(x, 1 - x)
        likely = np.argsort(-doubt, kind="stable")[:CANDIDATES]
        best: tuple[float, list[tuple[float, Scope]]] = (-1.0, [])
        for j in likely[doubt[likely] > WHOLE].tolist():
            halves = []
            for placed in (False, True):
                half = self._half(scope, j, placed)
                self.generation.enter(half)
                after = self.generation.relax()
                if after is None:
                    return None
                halves.append((after.bound, half))
            rises = [max(value - relaxed.bound, 0.0) for value, _ in halves]
            score = (rises[0] + WHOLE) * (rises[1] + WHOLE)
            if score > best[0]:
                best = score, [(bound, half) for _, half in halves]
        return best[1]

    def _half(self, scope: Scope, j: int, placed: bool) -> Scope:
        ones, zeros = scope.ones.copy(), scope.zeros.copy()
        if placed:
            ones[j] = True
            zeros |= ~ones & ~room(self.generation.instance, ones)
        else:
            zeros[j] = True
        return replace(scope, ones=ones, zeros=zeros)
