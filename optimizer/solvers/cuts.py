"""The root of a branch and cut: a strong lower bound from star, chord and tangent cuts, and the fractional x that good plans lie near.

Sets      J options; U units: informed evaders (those with the same ends as one) and chains of habitual routes; G groups of units
Data      p_u weight of a unit; R_u, L_u its value with nothing (but what is forced) and with everything placed; R_g, L_g their sums
          over the group, each times p_u
Variables x_j in [0, 1], forced ones 1 and forbidden ones 0; theta_g in [L_g, R_g]
Minimise  sum_g theta_g
such that theta_g >= sum_{u in g} p_u (a_u - sum_j b_uj x_j)     for each unit a cut of `optimizer.solvers.separation`, or L_u
          budgets, at most one option of each conflict set

A round solves the linear program, finds for each unit the cut that asks most at a point between its x and the mean of those before, adds one
row a group, and drops rows that have been slack for a while. One variable a unit would be tighter for the same rows, but the linear
programs then take most of the time: Rio Grande's 1,111 units ask for 9 s of it where 200 groups ask for 2 s, and both end within 0.1 %.

The bound of a round comes from the duals, so that no tolerance of the solver can make it wrong (`optimizer.solvers.relaxation`). theta_g is
scaled by R_g and the objective by sum_g R_g, so that every variable lies in [0, 1].
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from optimizer.evaders import Evader, Searches
from optimizer.plan import BUDGET_TOLERANCE, fits
from optimizer.solvers.compact import Rows, add_side_constraints
from optimizer.solvers.pathpool import PathPool, Paths, padded
from optimizer.solvers.relaxation import LinearProgram
from optimizer.solvers.separation import Cuts, best_of_each, chord_cuts, star_cuts, tangent_cuts

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from optimizer.instance import Instance
    from optimizer.result import Limit
    from optimizer.solvers.overlay import Overlay

GROUPS = 150
"""Most groups of informed evaders, and of chains."""
BASES = (0.999, 0.6)
"""Shares from which on an option belongs to T; beside them T is empty."""
INWARD = 0.4
"""How far the point of separation lies from x towards the mean of earlier ones."""
SLACK_ROUNDS = 3
"""Rounds after which a row without a dual is dropped."""
STALLED = 1e-3
"""Relative rise of the bound over `PATIENCE` rounds below which the loop ends."""
PATIENCE = 5
"""Rounds over which the rise of the bound is watched."""
VIOLATION = 1e-7
"""Least violation of a row, relative to the value with nothing placed, that counts."""


@dataclass(frozen=True)
class RootBound:
    """What the root loop ended with.

    Attributes
    ----------
    lower
        Proven lower bound of the value of every feasible plan.
    x
        (options,) last solution of the relaxation.
    candidates
        Feasible masks to start a local search from: the best rounding, in the loop or in the dive, and where the dive ended; none if
        the loop ended before the first.
    rounds, rows
        Linear programs solved; rows in the last.
    limit
        What ended the loop early; None when the bound stalled or the gap closed.
    """

    lower: float
    x: NDArray[np.float64]
    candidates: tuple[NDArray[np.bool_], ...]
    rounds: int
    rows: int
    limit: Limit | None


def root_bound(
    instance: Instance,
    overlay: Overlay,
    *,
    upper: float = np.inf,
    gap: float = 0.0,
    until: float = np.inf,
    on_bounds: Callable[[float, float], None] = lambda *_: None,
) -> RootBound:
    """Raise a lower bound round by round until it stalls, then dive for a plan unless the gap is closed.

    Parameters
    ----------
    instance, overlay
        The problem; its forced options must be feasible by themselves.
    upper
        Value of the best plan known.
    gap
        Relative gap to `upper` at which to stop, >= 0.
    until
        `time.monotonic()` at which to stop; also the end of a linear program under way, not of a separation.
    on_bounds
        Called with (lower, upper) after each round; `upper` is that of the best rounding where it is better than the one given.

    Raises
    ------
    SolverError
        If both GLOP and HiGHS fail on a linear program.
    """
    loop = RootLoop(instance, overlay, upper)
    limit: Limit | None = None
    dived: NDArray[np.bool_] | None = None
    history: list[float] = []
    try:
        while loop.relax(until):
            history.append(loop.lower)
            on_bounds(loop.lower, loop.upper)
            past = history[-1 - PATIENCE] if len(history) > PATIENCE else -np.inf
            closed = loop.lower >= loop.upper * (1 - gap)
            if closed or loop.lower - past <= STALLED * abs(loop.lower) or not loop.separate():
                if not closed:
                    dived = loop.dive(until)
                break
        limit = "time" if time.monotonic() >= until else None
    except KeyboardInterrupt:
        limit = "interrupted"
    candidates = tuple(placed for placed in (loop.candidate, dived) if placed is not None)
    return RootBound(loop.lower, loop.x, candidates, len(history), loop.program.n_rows, limit)


@dataclass(frozen=True)
class Units:
    """What a plan is judged by: informed evaders, equal ends as one, then chains.

    Attributes
    ----------
    searches
        How the informed ones' paths are found.
    chains
        The chains as paths.
    weight, start, floor
        (units,) p_u, R_u, L_u.
    group
        (units,) the group of each.
    """

    searches: Searches
    chains: Paths
    weight: NDArray[np.float64]
    start: NDArray[np.float64]
    floor: NDArray[np.float64]
    group: NDArray[np.int64]

    @classmethod
    def of(cls, overlay: Overlay) -> Units:
        """Gather the units of an overlay; groups are evaders of one end, or chains that meet the same first options."""
        n, routes = overlay.n_nodes, overlay.chains
        ends, unit = np.unique(overlay.origin * n + overlay.destination, return_inverse=True)
        searches = Searches.of([Evader("", end // n, end % n, 1.0) for end in ends.tolist()])
        start, floor = (
            searches.values(n, overlay.tail, overlay.head, overlay.arc_survival(placed))
            for placed in (np.zeros_like(overlay.free), overlay.free)
        )
        chain = ends.size + np.arange(routes.value.size)
        chains = padded(chain, routes.value, routes.chain, routes.option, routes.survival, overlay.free.size)
        near = np.lexsort((searches.leaf, searches.row))
        alike = np.lexsort(chains.option.T[::-1]) if chains.option.size else np.arange(chain.size)
        return cls(
            searches=searches,
            chains=chains,
            weight=np.append(np.bincount(unit, overlay.weight, ends.size), np.ones(chain.size)),
            start=np.append(start, routes.value),
            floor=np.append(np.minimum(start, floor), np.minimum(routes.value, routes.values(overlay.free))),
            group=np.append(parts := _parts(near), parts.max(initial=-1) + 1 + _parts(alike)),
        )

    def sums(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the (groups,) weighted sums of (units,) values."""
        return np.asarray(np.bincount(self.group, self.weight * values), dtype=np.float64)

    def rows(self, cuts: Cuts, point: NDArray[np.float64]) -> Cuts:
        """Return one row a group: for each unit what asks most at a point, a cut of it or its floor."""
        best = best_of_each(cuts.unit, worth := cuts.values(point))
        best = best[worth[best] > self.floor[cuts.unit[best]]]
        chosen = cuts.take(best)
        side = self.floor.copy()
        side[chosen.unit] = chosen.side
        groups = int(self.group.max(initial=-1)) + 1
        place = (self.group[chosen.unit], np.arange(best.size))
        sums = csr_array((self.weight[chosen.unit], place), shape=(groups, best.size))
        return Cuts(np.arange(groups), self.sums(side), csr_array(sums @ chosen.coefficient))


class RootLoop:
    """The state of the loop: the linear program, the pool of paths, the bounds and the points so far.

    Attributes
    ----------
    lower, upper
        Proven bound; value of the best plan known.
    x, theta
        (options,) and (groups,) solution of the last linear program.
    candidate
        Best rounding so far.
    """

    def __init__(self, instance: Instance, overlay: Overlay, upper: float = np.inf) -> None:
        self.instance, self.overlay, self.upper = instance, overlay, upper
        self.units = Units.of(overlay)
        self.pool = PathPool(overlay, self.units.searches)
        most, least = self.units.sums(self.units.start), self.units.sums(self.units.floor)
        self.total = max(float(most.sum()), np.finfo(np.float64).tiny)
        self._scale = np.where(most > 0, most, 1.0)
        self.program = _program(instance, overlay, most / self._scale, least / self._scale, self._scale / self.total)
        self.lower, self.theta = float(least.sum()), least
        self.x = instance.forced.astype(np.float64)
        self.candidate: NDArray[np.bool_] | None = None
        self._candidate_value = np.inf
        self._mean: NDArray[np.float64] | None = None
        self._searched = 0

    def relax(self, until: float = np.inf) -> bool:
        """Solve the linear program, take its bound and round its x; return whether it was solved in time."""
        solution = self.program.solve(until)
        if solution is None:
            return False
        self.lower = max(self.lower, solution.bound * self.total)
        self.x = np.clip(solution.values[: self.x.size], 0.0, 1.0)
        self.theta = solution.values[self.x.size :] * self._scale
        placed = rounded(self.instance, self.x)
        value = self.overlay.value(placed)
        if value < self._candidate_value:
            self.candidate, self._candidate_value = placed, value
            self.upper = min(self.upper, value)
        return True

    def separate(self) -> bool:
        """Add the rows that x violates, found at a point inward of it or else at x itself; return whether there were any."""
        self._mean = self.x if self._mean is None else (self._mean + self.x) / 2
        self.program.drop_slack(SLACK_ROUNDS)
        for point in ((1 - INWARD) * self.x + INWARD * self._mean, self.x):
            rows = self.units.rows(self.cuts_at(point), point)
            violated = rows.values(self.x) - self.theta > VIOLATION * self.total
            if violated.any():
                self._add(rows.take(violated))
                return True
        return False

    def dive(self, until: float = np.inf) -> NDArray[np.bool_] | None:
        """Fix the largest x, solve and cut again, and so on: what fits together shows only step by step.

        Returns the plan at its end, or None when time ran out; every step is rounded as well. Afterwards the program is as before but for
        the cuts found, and `lower` may have risen.
        """
        placed, open_ = self.instance.forced.copy(), self.overlay.free.copy()
        try:
            while open_.any():
                if not self.relax(until) or (self.separate() and not self.relax(until)):
                    return None
                if not self._settle(placed, open_):
                    break
        finally:
            self.program.release()
        return placed

    def _settle(self, placed: NDArray[np.bool_], open_: NDArray[np.bool_]) -> bool:
        """Place the options that are all but whole, or else the largest, and shut those that no longer fit; return whether any was placed."""
        largest = float(self.x[open_].max())
        if largest <= VIOLATION:
            return False
        for option in np.flatnonzero(open_ & (self.x >= min(largest, BASES[0]))).tolist():
            placed[option] = True
            placed[option] = fits(self.instance, placed)
            open_[option] = placed[option]
        settled = placed & open_
        open_ &= ~placed
        shut = [
            option
            for option in np.flatnonzero(open_).tolist()
            if not fits(self.instance, placed | _one(option, placed.size))
        ]
        open_[shut] = False
        self.program.fix(np.flatnonzero(settled).tolist(), 1.0)
        self.program.fix(np.flatnonzero(self.overlay.free & ~placed & ~open_).tolist(), 0.0)
        return True

    def cuts_at(self, point: NDArray[np.float64]) -> Cuts:
        """Return cuts of every unit for a point; each call looks for new paths with the next of the sets T."""
        free, floor, chains = self.overlay.free, self.units.floor, self.units.chains
        bases = [np.zeros_like(free), *((point >= share) & free for share in BASES)]
        self.pool.grow(point, bases[self._searched % len(bases)])
        self._searched += 1
        found = [tangent_cuts(chains, point, floor)]
        for base in bases:
            found += [star_cuts(self.pool.paths, point, base, floor), chord_cuts(chains, point, base, floor)]
            if base.any():  # else the star of one path asks for as much
                found.append(chord_cuts(self.pool.paths, point, base, floor))
        return Cuts.join(found)

    def _add(self, rows: Cuts) -> None:
        scale = self._scale[rows.unit]
        coefficient = rows.coefficient.tocoo()
        row = np.append(coefficient.row, np.arange(scale.size))
        column = np.append(coefficient.col, self.x.size + rows.unit)
        value = np.append(coefficient.data / scale[coefficient.row], np.ones(scale.size))
        shape = (scale.size, self.x.size + self.theta.size)
        self.program.add(csr_array((value, (row, column)), shape=shape), rows.side / scale)


def _program(
    instance: Instance,
    overlay: Overlay,
    most: NDArray[np.float64],
    least: NDArray[np.float64],
    price: NDArray[np.float64],
) -> LinearProgram:
    """Return the relaxation without cuts: options, then groups between `least` and `most`; budgets as wide as `plan.fits` takes them."""
    n = overlay.free.size
    rows = Rows(n)
    add_side_constraints(instance, rows)
    place = (np.concatenate([*rows.row, []]).astype(int), np.concatenate([*rows.column, []]).astype(int))
    forced = instance.forced.astype(np.float64)
    return LinearProgram(
        cost=np.append(np.zeros(n), price),
        lower=np.append(forced, least),
        upper=np.append(forced + overlay.free, np.maximum(most, least)),
        rows=csr_array((np.concatenate([*rows.value, []]), place), shape=(rows.n_rows, n + price.size)),
        side=np.concatenate([*rows.side, []]) * (1 + BUDGET_TOLERANCE),
    )


def rounded(instance: Instance, x: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return the feasible mask that takes options by falling x, as long as they fit."""
    placed = instance.forced.copy()
    allowed = np.array([not option.forbidden for option in instance.options], dtype=bool) & (x > VIOLATION) & ~placed
    for option in np.argsort(-x, kind="stable").tolist():
        if allowed[option]:
            placed[option] = True
            placed[option] = fits(instance, placed)
    return placed


def _one(option: int, size: int) -> NDArray[np.bool_]:
    return np.equal(np.arange(size), option)


def _parts(order: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the part, of at most `GROUPS` about equal ones, that each element falls in when they are put in this order."""
    part = np.empty(order.size, dtype=np.int64)
    part[order] = np.arange(order.size) * min(GROUPS, order.size) // max(order.size, 1)
    return part
