"""The linear program of a branch and cut: options, and the value of groups of units, bounded from below by cuts.

Sets      J options; U units: informed evaders (those with the same ends as one) and chains of habitual routes; G groups of units
Data      p_u weight of a unit; R_u, L_u its value with nothing (but what is forced) and with everything placed; R_g, L_g their sums
          over the group, each times p_u
Variables x_j in [0, K_j], K_j = 1 but for options that can be placed several times; forced ones 1, forbidden ones 0;
          theta_g in [L_g, R_g]; e in [0, 1], which breaks a screen
Minimise  sum_g theta_g + 2 (sum_g R_g) e
such that theta_g >= sum_{u in g} p_u (a_u - sum_j b_uj x_j)     for each unit a cut of `optimizer.solvers.branch_and_cut.separation`, or L_u
          budgets, at most one option of each conflict set
          sum_{j in J(P)} x_j + e >= 1                            for the paths P of a screen that must be closed (`node`)
          sum_{j in B} x_j <= |B| - 1 + e                         for a screen that must stay open

One variable a unit would be tighter for the same rows, but the linear programs then take most of the time: Rio Grande's 1,111 units ask for 9 s
of it where 200 groups ask for 2 s, and both end within 0.1 %.

The bound of a solve comes from the duals, so that no tolerance of the solver can make it wrong (`relaxation`); e keeps the
program feasible, so that there always are duals. theta_g is scaled by R_g and the objective by sum_g R_g: every variable lies in [0, 1].
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from optimizer.problem.evaders import Evader, Searches
from optimizer.problem.plan import BUDGET_TOLERANCE
from optimizer.solvers.branch_and_cut.path_pool import PathPool, Paths, padded
from optimizer.solvers.branch_and_cut.relaxation import LinearProgram
from optimizer.solvers.branch_and_cut.separation import Cuts, best_of_each, chord_cuts, star_cuts, tangent_cuts
from optimizer.solvers.compact import Rows, add_side_constraints

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.problem.instance import Instance
    from optimizer.solvers.branch_and_cut.node import Part
    from optimizer.solvers.overlay.overlay import Overlay

GROUPS = 150
"""Most groups of informed evaders, and of chains."""
BASES = (0.999, 0.6)
"""Shares from which on an option belongs to T; beside them T is empty."""
INWARD = 0.4
"""How far the point of separation lies from x towards the mean of earlier ones."""
VIOLATION = 1e-7
"""Least violation of a row, relative to the value with nothing placed, that counts."""
SMALL = 1e-7
"""Coefficients below this share of a group's value are counted as if their option stood."""
BREAKING = 2.0
"""Price of breaking a screen, in the value with nothing placed: no plan is worth it."""


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
    def of(cls, overlay: Overlay, times: NDArray[np.int64] | None = None) -> Units:
        """Gather the units of an overlay; groups are evaders of one end, or chains that meet the same first options.

        Floors are values with each option placed as often as it can be: (options,) `times`, by default once.
        """
        n, routes = overlay.n_nodes, overlay.chains
        ends, unit = np.unique(overlay.origin * n + overlay.destination, return_inverse=True)
        searches = Searches.of([Evader("", end // n, end % n, 1.0) for end in ends.tolist()])
        chain = ends.size + np.arange(routes.value.size)
        chains = padded(chain, routes.value, routes.chain, routes.option, routes.survival, overlay.free.size)
        near = np.lexsort((searches.leaf, searches.row))
        alike = np.lexsort(chains.option.T[::-1]) if chains.option.size else np.arange(chain.size)
        start = _unit_values(overlay, searches, np.zeros_like(overlay.free))
        most = overlay if times is None else repeated(overlay, times)
        floor = _unit_values(most, searches, overlay.free)
        return cls(
            searches=searches,
            chains=chains,
            weight=np.append(np.bincount(unit, overlay.weight, ends.size), np.ones(chain.size)),
            start=start,
            floor=np.minimum(start, floor),
            group=np.append(parts := _parts(near), parts.max(initial=-1) + 1 + _parts(alike)),
        )

    def sums(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the (groups,) weighted sums of (units,) values."""
        return np.asarray(np.bincount(self.group, self.weight * values), dtype=np.float64)

    def asked(self, cuts: Cuts, point: NDArray[np.float64], floor: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the (units,) most that cuts, or a floor, ask of each unit at a point."""
        most = floor.copy()
        np.maximum.at(most, cuts.unit, cuts.values(point))
        return most

    def rows(self, cuts: Cuts, point: NDArray[np.float64], floor: NDArray[np.float64]) -> Cuts:
        """Return one row a group: for each unit what asks most at a point, a cut of it or its floor."""
        best = best_of_each(cuts.unit, worth := cuts.values(point))
        best = best[worth[best] > floor[cuts.unit[best]]]
        chosen = cuts.take(best)
        side = floor.copy()
        side[chosen.unit] = chosen.side
        groups = int(self.group.max(initial=-1)) + 1
        place = (self.group[chosen.unit], np.arange(best.size))
        sums = csr_array((self.weight[chosen.unit], place), shape=(groups, best.size))
        return Cuts(np.arange(groups), self.sums(side), csr_array(sums @ chosen.coefficient))


@dataclass(frozen=True)
class Relaxed:
    """What the linear program says of a part.

    Attributes
    ----------
    bound
        Proven lower bound of the value of every plan in the part.
    x, theta
        (options,) and (groups,) solution.
    reduced
        (options,) by how much the bound rises, at least, a unit by which an option is moved from where it is cheapest.
    toll
        (options,) what budgets and conflicts charge an option, in units of the value.
    price
        (kept,) what a unit of each row that is never dropped is worth, in units of the value: budgets, conflicts, links.
    added
        (added,) values of the columns that were added to the program.
    """

    bound: float
    x: NDArray[np.float64]
    theta: NDArray[np.float64]
    reduced: NDArray[np.float64]
    toll: NDArray[np.float64]
    price: NDArray[np.float64]
    added: NDArray[np.float64]


class Master:
    """The linear program, the pool of paths it is cut from, and the mean of the points so far.

    Parameters
    ----------
    instance, overlay
        The problem.
    links
        (rows, options) further rows that are never dropped: links x >= 0.
    times
        (options,) K: how often each option can be placed, >= 1; every copy multiplies the value again. An overlay for K above 1 must hold
        every best path under so many copies (`column_generation`). Stars and tangents hold for any number of copies; T has
        single ones alone.

    Attributes
    ----------
    units, pool
        What is bounded, and the paths found so far.
    total
        Value with nothing placed but what is forced.
    """

    def __init__(
        self,
        instance: Instance,
        overlay: Overlay,
        links: csr_array | None = None,
        times: NDArray[np.int64] | None = None,
    ) -> None:
        self.overlay = overlay
        self._times = np.ones(overlay.free.size, dtype=np.int64) if times is None else times
        self.units = Units.of(overlay, times)
        self.pool = PathPool(overlay, self.units.searches)
        most, least = self.units.sums(self.units.start), self.units.sums(self.units.floor)
        self.total = max(float(most.sum()), np.finfo(np.float64).tiny)
        self._most = most
        self._scale = np.where(most > 0, most, 1.0)
        self._n = overlay.free.size
        price = np.concatenate((np.zeros(self._n), self._scale / self.total, [BREAKING]))
        forced = instance.forced.astype(np.float64)
        rows = Rows(self._n)
        add_side_constraints(instance, rows)
        if links is not None:
            _add_links(links, rows)
        place = (np.concatenate([*rows.row, []]).astype(int), np.concatenate([*rows.column, []]).astype(int))
        self.program = LinearProgram(
            cost=price,
            lower=np.concatenate((forced, least / self._scale, [0.0])),
            upper=np.concatenate((forced + overlay.free * self._times, np.maximum(most, least) / self._scale, [0.0])),
            rows=csr_array((np.concatenate([*rows.value, []]), place), shape=(rows.n_rows, price.size)),
            side=np.concatenate([*rows.side, []]) * (1 + BUDGET_TOLERANCE),
        )
        self._mean = _even(instance)
        self._searched = 0

    def values(self, placed: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the exact (units,) values of an (options,) mask."""
        return _unit_values(self.overlay, self.units.searches, placed)

    def enter(self, part: Part) -> None:
        """Turn to a part: its options and floors become bounds, its rows wake."""
        least = self.units.sums(part.floor)
        lower = np.concatenate((part.ones, least / self._scale, [0.0]))
        upper = np.concatenate(
            (~part.zeros * self._times, np.maximum(self._most, least) / self._scale, [float(bool(part.line))])
        )
        self.program.move_bounds(lower.astype(np.float64), upper.astype(np.float64))
        self.program.wake(part.line)

    def relax(self, until: float = np.inf) -> Relaxed | None:
        """Solve for the part entered; None when time ran out."""
        solution = self.program.solve(until)
        if solution is None:
            return None
        x, theta = solution.values[: self._n], solution.values[self._n : self._n + self._scale.size]
        reduced, toll = solution.reduced[: self._n] * self.total, solution.toll[: self._n] * self.total
        return Relaxed(
            solution.bound * self.total,
            np.clip(x, 0.0, self._times),
            theta * self._scale,
            reduced,
            toll,
            solution.price * self.total,
            solution.values[self._n + self._scale.size + 1 :],
        )

    def separate(self, part: Part, relaxed: Relaxed, *, search: bool = True) -> bool:
        """Add the rows that x violates, found at a point inward of it or else at x itself; return whether there were any."""
        x = relaxed.x
        self._mean = (self._mean + x) / 2
        for point in ((1 - INWARD) * x + INWARD * self._mean, x) if search else (x,):
            rows = self.units.rows(self.cuts_at(point, part.floor, search=search), point, part.floor)
            violated = rows.values(x) - relaxed.theta > VIOLATION * self.total
            if violated.any():
                self._add(rows.take(violated), part)
                return True
        return False

    def cuts_at(self, point: NDArray[np.float64], floor: NDArray[np.float64], *, search: bool = True) -> Cuts:
        """Return cuts of every unit for a point, for plans that leave each unit its floor; each search for paths takes the next T."""
        free, chains = self.overlay.free & (self._times == 1), self.units.chains
        bases = [np.zeros_like(free), *((point >= share) & free for share in BASES)]
        if search:
            self.pool.grow(point, bases[self._searched % len(bases)])
            self._searched += 1
        found = [tangent_cuts(chains, point, floor)]
        for base in bases:
            found += [star_cuts(self.pool.paths, point, base, floor), chord_cuts(chains, point, base, floor)]
            if base.any():  # else the star of one path asks for as much
                found.append(chord_cuts(self.pool.paths, point, base, floor))
        if self.overlay.bundle is not None or (self._times > 1).any():  # many weak options add up on a path
            found.append(tangent_cuts(self.pool.paths, point, floor))
        return Cuts.join(found)

    def close(self, options: list[NDArray[np.int64]], part: int) -> None:
        """Add a row for each set of options: at least one of them is placed, in a part."""
        self._add_sums(options, 1.0, np.ones(len(options)), part)

    def leave_open(self, options: NDArray[np.int64], part: int) -> None:
        """Add a row: not all of these options are placed, in a part."""
        self._add_sums([options], -1.0, np.array([1.0 - options.size]), part)

    def _add_sums(self, options: list[NDArray[np.int64]], sign: float, side: NDArray[np.float64], part: int) -> None:
        row = np.repeat(np.arange(len(options)), [members.size for members in options])
        shape = (len(options), self._n + self._scale.size + 1)
        row = np.append(row, np.arange(len(options)))
        column = np.append(np.concatenate(options), np.full(len(options), shape[1] - 1))
        value = np.where(column < self._n, sign, 1.0)
        self.program.add(csr_array((value, (row, column)), shape=shape), side, part)

    def _add(self, rows: Cuts, part: Part) -> None:
        scale = self._scale[rows.unit]
        coefficient = rows.coefficient.tocoo()
        value = coefficient.data / scale[coefficient.row]
        small = value < SMALL  # at most so much is lost, and the solver meets no tiny pivots
        lost = value[small] * self._times[coefficient.col[small]]
        side = rows.side / scale - np.bincount(coefficient.row[small], lost, scale.size)
        row = np.append(coefficient.row[~small], np.arange(scale.size))
        column = np.append(coefficient.col[~small], self._n + rows.unit)
        entry: NDArray[np.float64] = np.append(value[~small], np.ones(scale.size))
        shape = (scale.size, self._n + self._scale.size + 1)
        table: csr_array = csr_array((entry, (row, column)), shape=shape)
        self.program.add(table, side, part.line[-1] if part.line else 0)


def repeated(overlay: Overlay, times: NDArray[np.int64] | NDArray[np.float64]) -> Overlay:
    """Return the overlay in which each option does at once what (options,) `times` copies of it do."""
    often = np.append(times, 1.0)
    routes = replace(overlay.chains, survival=overlay.chains.survival ** often[overlay.chains.option])
    return replace(overlay, survival=overlay.survival ** often[overlay.option], chains=routes)


def _add_links(links: csr_array, rows: Rows) -> None:
    entries = links.tocoo()
    rows.row.append(rows.n_rows + entries.row.astype(np.int64))
    rows.column.append(entries.col.astype(np.int64))
    rows.value.append(entries.data)
    rows.side.append(np.zeros(links.shape[0]))
    rows.n_rows += links.shape[0]


def _even(instance: Instance) -> NDArray[np.float64]:
    """Return the (options,) point that spends the budgets evenly: separation begins between it and x, or x would run from path to path."""
    use = instance.use.sum(axis=0)
    share = float(np.min(instance.budget[use > 0] / use[use > 0], initial=1.0))
    return np.full(len(instance.options), share)


def _unit_values(overlay: Overlay, searches: Searches, placed: NDArray[np.bool_]) -> NDArray[np.float64]:
    informed = searches.values(overlay.n_nodes, overlay.tail, overlay.head, overlay.arc_survival(placed))
    return np.append(informed, overlay.chains.values(placed))


def _parts(order: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the part, of at most `GROUPS` about equal ones, that each element falls in when they are put in this order."""
    part = np.empty(order.size, dtype=np.int64)
    part[order] = np.arange(order.size) * min(GROUPS, order.size) // max(order.size, 1)
    return part
