"""The linear program of branch and cut: options, and the value of groups of
commodities, bounded from below by cuts.

Sets      J options; U commodities: informed evaders (those with the same ends as one) and fixed routes; G groups of commodities
Data      p_u weight of a commodity; R_u, L_u its value with nothing (but what is forced) and with everything placed; R_g, L_g their sums
          over the group, each times p_u
Variables x_j in [0, K_j], K_j = 1 but for options that can be placed several times;
forced ones 1, forbidden ones 0;
          theta_g in [L_g, R_g]; e >= 0, which relaxes the rows of branching and the requirements
Minimise  sum_g theta_g + 2 (sum_g R_g) e
such that theta_g >= sum_{u in g} p_u (a_u - sum_j b_uj x_j)     for each commodity a cut of `separation`, or L_u
          budgets, and cuts that hold because options are whole (`budget_hull`); at most one option of each conflict set
          sum_j a_rj x_j + max_j |a_rj| e >= b_r                  for each requirement r
          sum_{j in J(P)} x_j + e >= 1                            for the paths P of a path set that is closed (`path_sets`)
          sum_{j in B} x_j <= |B| - 1 + e                         for the options B of one that is open

Over draws (`optimizer.problem.plan.weight_scenarios`) a group belongs to a draw d, with
its weights p_du, and the objective, the largest mean of the values of the draws by
weights q from {0 <= q_d <= c_d, sum q = 1}, is the linear program's dual of that
maximum:

Minimise  z + sum_d c_d u_d + 2 (total) e       z, u_d >= 0, in place of the sum of theta
such that z + u_d >= sum_{g of d} theta_g       for each draw d

Every plan x has a solution of its value: theta its sums, z the smallest v for which the
c_d of the draws of value above v add up to 1 at most, u_d = max(0, V_d - z). So the
program bounds the objective from below, and its duals prove that bound as before.

One variable for each commodity would be tighter for the same rows, but the linear
programs then take most of the time: 9 s with Rio Grande's 1,111 commodities, 2 s with
200 groups, and the bounds agree to 0.1 %.

The bound of a solve comes from the duals, so that no tolerance of the solver can make
it wrong (`relaxation`); e keeps the program feasible, so that there always are duals.
theta_g is scaled by R_g and the objective by sum_g R_g: every variable lies in [0, 1].
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from optimizer.base.work.kernels import LARGE
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.options import BUDGET_TOLERANCE
from optimizer.problem.instance.requirements import Requirement
from optimizer.problem.plan.evaluation import weighted_sum
from optimizer.solvers.branch_and_cut.cuts.budget_hull import BudgetCuts, BudgetHull
from optimizer.solvers.branch_and_cut.cuts.lifting import lifted
from optimizer.solvers.branch_and_cut.cuts.separation import Cuts, Kinds, best_cuts, route_kinds
from optimizer.solvers.branch_and_cut.improve.warm_start import ValueRows
from optimizer.solvers.branch_and_cut.lp.linear_program import LinearProgram
from optimizer.solvers.branch_and_cut.lp.relaxed_options import (
    LargestShares,
    rows_beside,
    stars_of_elements,
)
from optimizer.solvers.branch_and_cut.paths.commodities import Commodities, commodity_values
from optimizer.solvers.branch_and_cut.paths.path_pool import PathPool
from optimizer.solvers.branch_and_cut.proof.record import Duals, SearchRecord
from optimizer.solvers.branch_and_cut.tree.node import Node
from optimizer.solvers.mip.rows import RowBuilder, add_side_constraints
from optimizer.solvers.overlay.overlay import LEAST_NORMAL, Overlay

if TYPE_CHECKING:
    from optimizer.solvers.branch_and_cut.debug_solution import DebugSolution

Near = tuple[NDArray[np.float64], NDArray[np.float64]]
Limits = Callable[[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]], csr_array]

BASES = (0.999, 0.6)
"""Values of x from which on an option belongs to T; T empty is tried as well."""

MORE_BASES = (0.999, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.15, 0.1, 0.05)
"""The same where rows are made thoroughly."""

INWARD = 0.4
"""How far the point of separation lies from x towards the mean of earlier ones."""

FLAT_INWARD = 0.9
"""The same at a root whose bound has not moved yet."""

FLAT_WEIGHT = 2.0
"""Weight of the k-th solution in the mean there, times k: those of the second half
count for three quarters.
"""

VIOLATION = 1e-7
"""Least violation of a row, relative to the value with nothing placed, that counts."""

WORTH_ADDING = 0.1
"""The same below the root beside relaxed options, relative to the largest violation of
a round: there programs take half of the time, and a row that is left out comes where it
matters.
"""

SMALL = 1e-7
"""Coefficients below this share of a group's value are dropped as if their option were placed."""

MOST_VALUED = 256
"""Masks of options whose values are kept."""

LIMITED = 4
"""Every so many solutions of a loop of cuts, from the first, rows on relaxed options
are asked for.
"""

BREAKING = 2.0
"""Cost of e in units of the value with nothing placed: larger than any plan's."""


@dataclass(frozen=True)
class Relaxed:
    """The solution of the linear program of a node."""

    #: Proven lower bound of the value of every plan in the node.
    bound: float
    #: `x`, `theta`: (options,) and (groups,) solution.
    x: NDArray[np.float64]
    theta: NDArray[np.float64]
    #: (options,) by how much the bound rises, at least, for each unit by which an
    #: option is moved from its cheapest value.
    reduced: NDArray[np.float64]
    #: (options,) what a unit of an option takes off the value by the duals of the rows
    #: that it lowers.
    worth: NDArray[np.float64]
    #: (options,) cost of an option at the duals of budgets and conflicts, in units of
    #: the value.
    dual_cost: NDArray[np.float64]
    #: (kept,) duals of the rows that are never dropped (budgets, conflicts,
    #: requirements, links), in units of the value.
    price: NDArray[np.float64]
    #: (added,) values of the columns that were added to the program.
    added: NDArray[np.float64]
    #: What proves the bound, where the program is recorded (`Master.record`).
    duals: Duals | None = None


class Master:
    """The linear program, the pool of paths that its cuts come from, and the mean of
    the points so far.

    Parameters
    ----------
    instance, overlay
        The problem.
    links
        (rows, options) further rows that are never dropped: links x >= 0.
    times
        (options,) K: how often each option can be placed, >= 1; every copy multiplies
        the value again. An overlay for K above 1 must hold every best path under so
        many copies (`column_generation`). Stars and tangents hold for any number of
        copies; T has single ones alone.
    relaxed_options
        (options,) mask of options that nodes never decide, for which they count as not
        placed: parts of beats. The program places them as it likes, at most K times;
        what they take off the floors of a node is its `loss`, and floors are rows there
        (`relaxed_options`).
    mixed
        Whether x are the marginals of a mixture of plans, whose evaders see no single
        plan: then every row is of one path, as the mean of its value over plans is
        bounded by rows that hold for each of them; a star, which compares paths within
        one plan, is not valid.
    price
        (options,) what placing an option adds to the value, >= 0; nothing by default.
    limits
        Rows on relaxed options and the columns that are added later, each at least 0 at
        every plan: given what a unit of each (relaxed,) option is worth, how often it
        is there and the values of the (added,) columns, it returns the (rows, relaxed
        and added) entries of those that are violated. None where there are none.
    commodities, pool
        Those of another program of the same overlay, and `times`, whose paths this one
        shares; by default its own.
    elements
        How many of the options, the last ones, are elements of beats. Rows with detours
        treat those at one post alike, however often each can come: they are then also
        rows on slots (`optimizer.solvers.patrols.beat_tree.MergedSlots`).

    Attributes
    ----------
    commodities, pool
        The commodities, and their paths found so far.
    budget_cuts
        The budget cuts that were added.
    total
        Value with nothing placed but what is forced.
    record
        What receives all that a certificate needs; None where there is to be none.
    debug
        A plan that the search must not lose; None but in tests (`debug_solution`).
    drives_around
        Whether searches for paths look for those with `detours` too: beside beats, and
        where the bound of a root stands still.
    thorough
        Whether rows are made with more T and `lifted`: where the gap of a root is wide.
        Without beats that are elements, mixtures and a record alone; none is lifted
        where the program is so small that kernels are not compiled.
    """

    def __init__(
        self,
        instance: Instance,
        overlay: Overlay,
        links: csr_array | None = None,
        times: NDArray[np.int64] | None = None,
        *,
        mixed: bool = False,
        price: NDArray[np.float64] | None = None,
        relaxed_options: NDArray[np.bool_] | None = None,
        limits: Limits | None = None,
        commodities: Commodities | None = None,
        pool: PathPool | None = None,
        record: SearchRecord | None = None,
        elements: int = 0,
    ) -> None:
        self.overlay = overlay
        self._mixed = mixed
        self.record = record
        self.debug: DebugSolution | None = None
        self._times = np.ones(overlay.free.size, dtype=np.int64) if times is None else times
        self.commodities = commodities or Commodities.of(overlay, times)
        self.pool = pool or PathPool(overlay, self.commodities.searches)
        most, least = (
            self.commodities.sums(self.commodities.start),
            self.commodities.sums(self.commodities.floor),
        )
        total = self.commodities.value(self.commodities.start)
        self.total = total if total >= LEAST_NORMAL else 1.0
        self._most = most
        self._scale = np.where(most > 0, most, 1.0)
        self._n = overlay.free.size
        over_draws = ScenarioColumns.of(self.commodities, self._scale, most, self.total)
        self._widest = over_draws.upper
        self._price = np.zeros(self._n) if price is None else price
        cost = np.concatenate(
            (self._price / self.total, over_draws.theta_cost, [BREAKING], over_draws.cost)
        )
        forced = instance.forced.astype(np.float64)
        rows = RowBuilder(self._n)
        add_side_constraints(instance, rows, self._n + self._scale.size)
        self._breaking = max((_shortage(each) for each in instance.requirements), default=0.0)
        if links is not None:
            _add_links(links, rows)
        if over_draws.cost.size:
            _add_links(over_draws.links(self._n), rows)
        side = rows.sides
        self.program = LinearProgram(
            cost=cost,
            lower=np.concatenate((forced, least / self._scale, [0.0], np.zeros(self._widest.size))),
            upper=np.concatenate(
                (
                    np.maximum(forced, overlay.free * self._times),
                    np.maximum(most, least) / self._scale,
                    [self._breaking],
                    self._widest,
                )
            ),
            rows=rows.table(cost.size),
            side=side - BUDGET_TOLERANCE * np.abs(side),
        )
        self._mean = _even(instance)
        self._hull = BudgetHull(instance, (instance.forced | overlay.free) & (self._times == 1))
        self.budget_cuts = BudgetCuts.none(self._n)
        self.relaxed_options = (
            np.zeros(self._n, dtype=bool) if relaxed_options is None else relaxed_options
        )
        self._limits = limits
        self._wider, self._shares = (
            np.empty(0),
            LargestShares(self.commodities.fixed_routes, self._n),
        )
        self._searched = 0
        self._in_stars = np.empty(0, dtype=np.int64)
        self._many_weak = False
        self.drives_around = bool(elements or self.relaxed_options.any())
        self.elements = np.arange(self._n) >= self._n - elements
        self._single = (self._times == 1) & ~self.relaxed_options & ~self.elements
        self._valued: dict[bytes, NDArray[np.float64]] = {}
        self._lasting = np.empty(0, dtype=np.int64)
        self.thorough = False
        self._whole = not (
            mixed or self.elements.any() or self.relaxed_options.any() or (self._times > 1).any()
        )
        self._large = overlay.tail.size * self.commodities.searches.leaf.size >= LARGE
        if record is not None:
            record.begin(instance, overlay, self)

    @property
    def scale(self) -> NDArray[np.float64]:
        """(groups,) values by which rows on values are divided in the program."""
        return self._scale

    @property
    def value_rows(self) -> ValueRows:
        """The rows in use that hold for every plan, whatever the budgets and demands
        (`value_rows`).
        """
        lasting = self.program.rows_in_use(self._lasting)
        return ValueRows.weakened(lasting.rows, lasting.side)

    def add_value_rows(self, rows: ValueRows) -> None:
        """Add rows that were left by a program of the same overlay."""
        self._add_lasting(rows.rows.astype(np.float64), rows.side.astype(np.float64))

    def value(self, placed: NDArray[np.bool_]) -> float:
        """Return the exact value of an (options,) mask, with the prices of its options."""
        return self.overlay.value(placed) + weighted_sum(self._price, placed)

    def values(self, placed: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the exact (commodities,) values of an (options,) mask; the latest ones
        are kept, as children often allow the same options.
        """
        key = placed.tobytes()
        if key not in self._valued:
            if len(self._valued) >= MOST_VALUED:
                del self._valued[next(iter(self._valued))]
            self._valued[key] = commodity_values(self.overlay, self.commodities.searches, placed)
            self._valued[key].flags.writeable = False
        return self._valued[key]

    @property
    def largest_shares(self) -> NDArray[np.float64]:
        """(options + 1,) the largest share that one of each option takes off any known path."""
        return self._shares.of(self.pool.paths)

    def add_columns(self, upper: NDArray[np.float64], entries: csr_array) -> None:
        """Add variables in [0, upper] of cost 0, with (kept, new) entries in the rows
        that are never dropped.
        """
        self.program.add_columns(upper, entries)
        self._wider = np.append(self._wider, upper)

    def enter(self, node: Node) -> None:
        """Set the program to a node: its options, and floors without losses, become
        bounds, its rows active.
        """
        least = self.commodities.sums(self.commodities.floor if node.beside_relaxed else node.floor)
        none = np.zeros(self._widest.size + self._wider.size)
        lower = np.concatenate((node.ones, least / self._scale, [0.0], none))
        most = np.where(self.relaxed_options | ~node.zeros, self._times, 0)
        breaking = max(self._breaking, float(bool(node.ancestors)))
        upper = np.concatenate(
            (
                most,
                np.maximum(self._most, least) / self._scale,
                [breaking],
                self._widest,
                self._wider,
            )
        )
        self.program.move_bounds(lower.astype(np.float64), upper.astype(np.float64))
        self.program.activate(node.ancestors)
        self.program.start_from(node.basis)
        if self.debug is not None:
            self.debug.entered(node)

    def relax(self, until: float = np.inf, near: Near | None = None) -> Relaxed | None:
        """Solve the program of the node entered; None when time ran out.

        With (options,) bounds `near` the solution is the best between these, and the
        bound is one of the node all the same.
        """
        within = None
        if near is not None:
            lower, upper = self.program.bounds
            lower[: self._n] = np.clip(near[0], lower[: self._n], upper[: self._n])
            upper[: self._n] = np.clip(near[1], lower[: self._n], upper[: self._n])
            within = lower, upper
        solution = self.program.solve(until, within)
        if solution is None:
            return None
        x, theta = solution.values[: self._n], solution.values[self._n : self._n + self._scale.size]
        reduced, dual_cost = (
            solution.reduced[: self._n] * self.total,
            solution.dual_cost[: self._n] * self.total,
        )
        if self.debug is not None:
            self.debug.relaxed(self, solution.bound * self.total, reduced)
        return Relaxed(
            solution.bound * self.total,
            np.clip(x, 0.0, self._times),
            theta * self._scale,
            reduced,
            solution.worth[: self._n] * self.total,
            dual_cost,
            solution.price * self.total,
            solution.values[self._n + self._scale.size + 1 :],
            None if self.record is None else self._named(solution.dual * self.total),
        )

    def _named(self, dual: NDArray[np.float64]) -> Duals:
        """Return the duals of the stored rows under the names of the record."""
        assert self.record is not None  # noqa: S101 - they are for it
        held = np.flatnonzero(dual)
        return Duals(self.record.named(self.program.stored_names[held]), dual[held])

    def separate(self, node: Node, relaxed: Relaxed, *, search: bool = True, flat: int = 0) -> bool:
        """Add the rows that x violates, found at a point inward of it or else at x
        itself; return whether there were any.

        `flat` counts the solutions of a root since its bound had not moved for long: x
        is then some corner of an optimal face that is wide, and rows found near it hold
        it back from that corner alone. The mean of all corners is near what the face
        has in common (`FLAT_INWARD`). Many options are placed by a little there, so
        that from then on, at nodes as well, the tangent of a path may be its strongest
        row.
        """
        self._many_weak |= flat > 0
        self.drives_around |= self._many_weak
        self.program.perturbed = self._many_weak
        x = relaxed.x
        inward, weight = (FLAT_INWARD, min(1.0, FLAT_WEIGHT / flat)) if flat else (INWARD, 0.5)
        self._mean = (1 - weight) * self._mean + weight * x
        for point in ((1 - inward) * x + inward * self._mean, x) if search else (x,):
            if not node.beside_relaxed:
                floor = node.floor
                cuts = self.cuts_at(point, floor, search=search)
            else:
                floor = self.commodities.floor
                cuts = self._rows_beside(node, point, search=search)
            rows = self.commodities.rows(cuts, point, floor)
            excess = rows.values(x) - relaxed.theta
            if self.commodities.draw is not None:
                excess[~self._in_draws_that_count(rows.values(x), relaxed)] = 0.0
            # the root takes all rows: with few its bound would soon rise by too little
            # and end it
            few = node.beside_relaxed and bool(node.ancestors)
            least = WORTH_ADDING * float(excess.max(initial=0.0)) if few else 0.0
            violated = excess > max(VIOLATION * self.total, least)
            if violated.any():
                if self.record is not None:
                    largest = self.commodities.largest(cuts, point, floor)
                    self.record.rows_of_values(
                        self.program.next_name, np.flatnonzero(violated), largest, point
                    )
                self._add(rows.take(violated), node)
                return True
        return False

    @property
    def price(self) -> NDArray[np.float64]:
        """(options,) what placing an option adds to the value."""
        return self._price

    @property
    def mean(self) -> NDArray[np.float64]:
        """(options,) mean of the solutions so far that separation begins from."""
        return self._mean

    def separate_at(
        self,
        node: Node,
        point: NDArray[np.float64],
        known: tuple[tuple[NDArray[np.float64], NDArray[np.float64]], ...],
    ) -> Cuts:
        """Return the rows found at a point, after those were added that exceed at one
        of some points what is known there.

        Points and what is known of the (groups,) values at each stand in `known`; the
        program is one of fixed weights (no draws).
        """
        rows = self.commodities.rows(cuts := self.cuts_at(point, node.floor), point, node.floor)
        excess = [rows.values(x) - values > VIOLATION * self.total for x, values in known]
        violated: NDArray[np.bool_] = np.any(excess, axis=0)
        if violated.any():
            if self.record is not None:
                largest = self.commodities.largest(cuts, point, node.floor)
                self.record.rows_of_values(
                    self.program.next_name, np.flatnonzero(violated), largest, point
                )
            self._add(rows.take(violated), node)
        return rows

    def separate_below(self, node: Node, above: Relaxed) -> None:
        """Add the rows of a node with losses that the solution of the one above it
        violates in its bounds: its floors are rows.
        """
        if not node.beside_relaxed:
            return
        most = np.where(self.relaxed_options | ~node.zeros, self._times, 0)
        self.separate(node, replace(above, x=np.clip(above.x, node.ones, most)), search=False)

    def _in_draws_that_count(
        self, values: NDArray[np.float64], relaxed: Relaxed
    ) -> NDArray[np.bool_]:
        """Return the (groups,) mask of those whose draw the rows raise above z + u_d:
        in others theta rises at no cost.
        """
        draw = self.commodities.draw
        if draw is None:
            return np.ones(values.size, dtype=bool)
        z, u = relaxed.added[0] * self.total, relaxed.added[1:] * self.total
        raised = np.bincount(draw, np.maximum(values, relaxed.theta), u.size)
        return np.asarray((raised - z - u > VIOLATION * self.total)[draw])

    def tighten(self, x: NDArray[np.float64], node: Node | None = None) -> bool:
        """Add the budget cuts that x violates, of all plans or those of a node below
        the root; return whether there were any.
        """
        if node is not None and node.ancestors:
            cuts, owner = (
                self._hull.cuts(x[: self._n], node.ones, node.zeros & ~self.relaxed_options),
                node.ancestors[-1],
            )
        else:
            cuts, owner = self._hull.cuts(x[: self._n]), 0
        if cuts.side.size:
            if self.record is not None:
                self.record.rows_of_budgets(self.program.next_name, cuts)
            if self.debug is not None:
                self.debug.budget_cuts(cuts, node if owner else None)
            self.program.add(-cuts.coefficient, -cuts.side, owner)
            if not owner:
                self.budget_cuts = self.budget_cuts.joined(cuts)
        return bool(cuts.side.size)

    def limit(self, relaxed: Relaxed, count: int) -> bool:
        """Add the rows on relaxed options that a solution violates, where it is one in
        `LIMITED` of a loop's; return whether there were any.
        """
        if self._limits is None or (count - 1) % LIMITED:
            return False
        n_added = self._wider.size
        rows = self._limits(
            relaxed.worth[self.relaxed_options],
            relaxed.x[self.relaxed_options],
            relaxed.added[relaxed.added.size - n_added :],
        )
        width = self.program.bounds[0].size
        column = np.append(np.flatnonzero(self.relaxed_options), np.arange(width - n_added, width))
        self.program.add(
            csr_array((rows.data, column[rows.indices], rows.indptr), shape=(rows.shape[0], width)),
            np.zeros(rows.shape[0]),
        )
        return rows.shape[0] > 0

    def _rows_beside(self, node: Node, point: NDArray[np.float64], *, search: bool) -> Cuts:
        """Return rows of a node with losses: from all paths of the pool after a search
        for more, else from those that stars were tried of.
        """
        if search:
            self._look_for_paths(point, self.bases(point))
        found = rows_beside(
            node, self, point, None if search or not self._in_stars.size else self._in_stars
        )
        self._in_stars = np.union1d(self._in_stars, np.flatnonzero(found.used))
        return found.cuts

    def _look_for_paths(self, point: NDArray[np.float64], bases: list[NDArray[np.bool_]]) -> None:
        """Let the pool grow by the paths that are best near a point; each search takes
        the next T.
        """
        self.pool.grow(point, bases[self._searched % len(bases)])
        # an evader who drives around options sees the plan
        if self.drives_around and not self._mixed:
            self.pool.grow_around(point, self._single)
        self._searched += 1
        if self.debug is not None:
            self.debug.paths(self)

    def cuts_at(
        self, point: NDArray[np.float64], floor: NDArray[np.float64], *, search: bool = True
    ) -> Cuts:
        """Return for each commodity the cut of largest value at a point, where it is
        above a floor; each search for paths takes the next T.

        The cuts hold for plans that leave each commodity its (commodities,) floor.
        """
        bases, routes = self.bases(point), self.commodities.fixed_routes
        if search:
            self._look_for_paths(point, bases)
        table, no = np.array(bases), np.zeros(len(bases), dtype=bool)
        if self._mixed:
            kinds = Kinds(stars=no, chords=~no, tangents=True)
            return Cuts.join(
                [
                    best_cuts(each, point, table, kinds, np.zeros_like(floor))
                    for each in (self.pool.paths, routes)
                ]
            )
        # without T the star of one path asks for as much as its chord; many weak
        # options add up on a path
        weak = self._many_weak or self.overlay.bundle is not None or bool((self._times > 1).any())
        informed = Kinds(stars=~no, chords=np.asarray(table.any(axis=1)), tangents=weak)
        found = [
            best_cuts(self.pool.paths, point, table, informed, floor),
            best_cuts(routes, point, table, route_kinds(len(bases)), floor),
        ]
        if self.elements.any():
            found += stars_of_elements(self, point, floor, table)
        cuts = Cuts.join(found)
        return (
            lifted(cuts, self.pool.paths, point, floor)
            if self._thoroughly and self._large
            else cuts
        )

    @property
    def _thoroughly(self) -> bool:
        """Whether rows are to be made thoroughly, and may: a record names the T of a
        row by its place in `bases`, which must not change.
        """
        return self.thorough and self._whole and self.record is None

    def bases(self, point: NDArray[np.float64]) -> list[NDArray[np.bool_]]:
        """Return the (options,) masks T that cuts at a point are made with."""
        free = self.overlay.free & (self._times == 1) & ~self.relaxed_options
        shares = MORE_BASES if self._thoroughly else BASES
        return [np.zeros_like(free), *((point >= share) & free for share in shares)]

    def close(self, options: list[NDArray[np.int64]], node: int) -> None:
        """Add a row for each set of options: at least one of them is placed, in a node."""
        self._add_sums(options, 1.0, np.ones(len(options)), node)

    def leave_open(self, options: NDArray[np.int64], node: int) -> None:
        """Add a row: not all of these options are placed, in a node."""
        self._add_sums([options], -1.0, np.array([1.0 - options.size]), node)

    def _add_sums(
        self, options: list[NDArray[np.int64]], sign: float, side: NDArray[np.float64], node: int
    ) -> None:
        row = np.repeat(np.arange(len(options)), [members.size for members in options])
        shape = (len(options), self._n + self._scale.size + 1)
        row = np.append(row, np.arange(len(options)))
        column = np.append(np.concatenate(options), np.full(len(options), shape[1] - 1))
        value = np.where(column < self._n, sign, 1.0)
        self.program.add(csr_array((value, (row, column)), shape=shape), side, node)

    def mean_rows(self, node: Node) -> Cuts:
        """Return for each group the mean of its rows by their duals at the optimum of a
        node.

        None for groups without a dual, and no row at all where the time limit of the
        search comes first.
        """
        self.enter(node)
        solution = self.program.solve()
        dual = np.empty(0) if solution is None else solution.dual
        means = self.program.means(dual, self._n, self._scale.size)
        entries, scale = csr_array(means.rows[:, : self._n]).tocoo(), self._scale[means.name]
        held = entries.data > SMALL
        row, option = entries.row[held].astype(np.int64), entries.col[held].astype(np.int64)
        return Cuts(
            means.name, means.side * scale, row, option, entries.data[held] * scale[row], self._n
        )

    def add_within_budgets(self, rows: Cuts) -> None:
        """Add rows, one a group, that hold for all plans under these budgets."""
        self._add(rows, None)

    def _add(self, rows: Cuts, node: Node | None) -> None:
        if self.debug is not None:
            self.debug.rows(self, rows, node)
        scale = self._scale[rows.commodity]
        value = rows.entry / scale[rows.row]
        small = value < SMALL  # at most so much is lost, and the solver meets no tiny pivots
        lost = value[small] * self._times[rows.option[small]]
        side = rows.side / scale - np.bincount(rows.row[small], lost, scale.size)
        row = np.append(rows.row[~small], np.arange(scale.size))
        column = np.append(rows.option[~small], self._n + rows.commodity)
        entry: NDArray[np.float64] = np.append(value[~small], np.ones(scale.size))
        shape = (scale.size, self._n + self._scale.size + 1)
        table: csr_array = csr_array((entry, (row, column)), shape=shape)
        if node is not None and node.floor is self.commodities.floor:
            self._add_lasting(table, side)
        else:
            self.program.add(
                table, side, 0 if node is None or not node.ancestors else node.ancestors[-1]
            )

    def _add_lasting(self, rows: csr_array, side: NDArray[np.float64]) -> None:
        first = self.program.next_name
        self._lasting = np.append(self._lasting, np.arange(first, first + side.size))
        self.program.add(rows, side)


def _shortage(requirement: Requirement) -> float:
    """Return by how much a plan may fall short of a requirement, in units of its
    largest coefficient.
    """
    size = max(map(abs, requirement.coefficients), default=1.0) or 1.0
    return max(0.0, requirement.least - sum(min(c, 0.0) for c in requirement.coefficients)) / size


def _add_links(links: csr_array, rows: RowBuilder) -> None:
    entries = links.tocoo()
    rows.add_table(
        np.zeros(links.shape[0]),
        entries.row.astype(np.int64),
        entries.col.astype(np.int64),
        entries.data,
    )


def _even(instance: Instance) -> NDArray[np.float64]:
    """Return the (options,) point that spends the budgets evenly.

    Separation starts between it and x, so that x does not move from path to path.
    """
    use = instance.use.sum(axis=0)
    share = float(np.min(instance.budget[use > 0] / use[use > 0], initial=1.0))
    return np.full(len(instance.options), share)


# The variables of the objective over draws (`master`): z, and u_d for each draw d.

MARGIN = 1e-9
"""Room above the largest values of z and u, relative, for rounding."""


@dataclass(frozen=True)
class ScenarioColumns:
    """The variables z and u of the objective over draws; none where there are no draws."""

    #: (groups,) cost of theta.
    theta_cost: NDArray[np.float64]
    #: `cost`, `upper`: (1 + draws,) cost of z and each u, and their largest values.
    cost: NDArray[np.float64]
    upper: NDArray[np.float64]
    #: `row`, `entry`: (groups,) draw of each theta, and what a unit of it is of the
    #: total.
    row: NDArray[np.int64]
    entry: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        commodities: Commodities,
        scale: NDArray[np.float64],
        most: NDArray[np.float64],
        total: float,
    ) -> ScenarioColumns:
        """Return the variables that commodities need, in units of the total."""
        if commodities.scenario_weights is None or commodities.draw is None:
            nothing = np.empty(0)
            return cls(scale / total, nothing, nothing, np.empty(0, dtype=np.int64), nothing)
        caps, draw = commodities.scenario_weights.caps, commodities.draw
        widest = np.bincount(draw, most, caps.size) / total
        return cls(
            np.zeros_like(scale),
            np.append(1.0, caps),
            np.append(widest.max(initial=0.0), widest) * (1 + MARGIN),
            draw,
            scale / total,
        )

    def links(self, n_options: int) -> csr_array:
        """Return the rows z + u_d >= sum_g theta_g, one a draw."""
        n = n_options
        groups = self.entry.size
        draws = self.cost.size - 1
        first, each = n + groups + 1, np.arange(draws)
        row = np.concatenate((self.row, each, each))
        column = np.concatenate((n + np.arange(groups), np.full(draws, first), first + 1 + each))
        entry = np.concatenate((-self.entry, np.ones(2 * draws)))
        return csr_array((entry, (row, column)), shape=(draws, first + 1 + draws))
