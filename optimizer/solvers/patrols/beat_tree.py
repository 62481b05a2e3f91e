"""The tree of branch and cut over fixed options and every beat: elements are relaxed
options, and rows say what tours can do with them.

Column generation bounds all beats by columns, and a tree over its nodes would solve the
pricing problems at each of them. Here rows of tours (`TourRows`) take the place of
columns: the numbers n_q of teams use the budgets, elements are relaxed
(`lp.relaxed_options`), and the duals of a program bound every plan of a node, with any
beats, by themselves. At the prices at which column generation ended, the rows with a
multiplier of 1 prove the bound that it proved. Limits of teams at posts are rows on
elements here too. A node whose fixed options are all decided is left at its bound.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack
from scipy.sparse.csgraph import connected_components

from optimizer.base.work.listener import OnlyCancels, step
from optimizer.base.work.work_clock import work_seconds
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.options import Option
from optimizer.problem.instance.teams import PatrolField
from optimizer.solvers.branch_and_cut.improve.warm_start import ValueRows
from optimizer.solvers.branch_and_cut.lp.linear_program import taken
from optimizer.solvers.branch_and_cut.lp.master import Master
from optimizer.solvers.branch_and_cut.paths.path_pool import Paths, padded
from optimizer.solvers.overlay.overlay import Links, Overlay, bundled
from optimizer.solvers.params import SolveOptions
from optimizer.solvers.patrols.branch_and_price import BranchAndPrice
from optimizer.solvers.patrols.column_generation import (
    ColumnGeneration,
    tour_problem_at,
    with_elements_limited,
)
from optimizer.solvers.patrols.tours.pricing import best_tour
from optimizer.solvers.place import place

PRICES = 8
"""How many of the last prices of column generation rows are made of."""

PRICING = 0.2
"""Share of the time that their pricing problems may take."""

SHORTEST, LONGEST = 0.05, 60.0
"""Seconds for a search at least, and where there is no limit."""


class _Proving(OnlyCancels):
    """Tells a search over beats of plans without beats, and of bounds over all beats;
    passes on what cut them short.
    """

    def __init__(self, tree: BranchAndPrice) -> None:
        super().__init__(tree.listener)
        self._tree = tree

    def plan_found(self, placed: NDArray[np.bool_], value: float) -> None:  # noqa: ARG002 - it is valued again
        """Offer the fixed options."""
        generation = self._tree.generation
        number = np.zeros(len(generation.beats), dtype=np.int64)
        self._tree.offer(placed[: len(generation.instance.options)], number)

    def bounds_moved(self, lower: float, upper: float) -> None:  # noqa: ARG002 - plans come by themselves
        """Take the bound."""
        self._tree.prove(lower)

    def noted(self, sentence: str) -> None:
        """Pass it on."""
        self._tree.listener.noted(sentence)


def bound_beside_any_beats(
    tree: BranchAndPrice,
    options: SolveOptions,
    alone: NDArray[np.bool_],
    *,
    began: float,
    until: float,
) -> None:
    """Bound all plans with any beats by a tree over fixed options.

    Parameters
    ----------
    tree
        The search over beats, which is told of bounds and of plans without beats.
    options, began
        As in `optimizer.solvers.place.place`.
    alone
        (options,) mask to begin from.
    until
        `work_seconds()` at which to stop; without limit the search has `LONGEST`
        seconds.
    """
    with step(tree.listener, "placing fixed options beside any beats"):
        problem = BeatTreeProblem.of(tree.generation, until)
        seconds = LONGEST if np.isinf(until) else max(until - work_seconds(), SHORTEST)
        found = place(
            problem.instance,
            replace(options, method="cuts", time_limit=seconds),
            began=began,
            listener=_Proving(tree),
            overlay=problem.overlay,
            proven=tree.lower,
            known=tree.upper,
            master=problem.master,
            starts=[np.append(alone, np.zeros(problem.merged.size, dtype=bool))],
        )
        tree.prove(found.lower or 0.0)


@dataclass(frozen=True)
class BeatTreeProblem:
    """What the tree beside any beats searches."""

    #: `instance`, `overlay`, `master`: The instance, whose last options are columns of
    #: elements, which no plan places; its overlay and its linear program.
    instance: Instance
    overlay: Overlay
    master: Master
    #: How elements are columns.
    merged: MergedSlots

    @classmethod
    def of(cls, generation: ColumnGeneration, until: float = np.inf) -> BeatTreeProblem:
        """Return the problem over fixed options, columns of elements and numbers of
        teams, with rows at the last prices.

        Pricing problems have a share of the time to `until`, of `work_seconds()`; the
        bound of one that is not solved by then is as true.
        """
        fixed, base = len(generation.instance.options), generation.master
        merged = MergedSlots.of(generation.patrols)
        loose = tuple(
            Option(id=f"element {k}", arcs=(), survival=(), forbidden=True)
            for k in range(merged.size)
        )
        instance = replace(generation.instance, options=(*generation.instance.options, *loose))
        instance = with_elements_limited(instance, fixed, merged.column, merged.slots)
        free = np.append(generation.overlay.free[:fixed], np.ones(merged.size, dtype=bool))
        overlay = bundled(generation.overlay, free, merged.bundle(fixed))
        most = np.bincount(
            merged.column, merged.slots * generation.times[fixed:], merged.size
        ).astype(np.int64)
        rows = TourRows.of(tour_prizes(generation, merged, until), generation.patrols)
        price = merged.of_columns(rows.price)
        master = Master(
            instance,
            overlay,
            csr_array(hstack((csr_array((price.shape[0], fixed)), -price))),
            np.append(generation.times[:fixed], most),
            relaxed_options=np.arange(fixed + merged.size) >= fixed,
            limits=TourLimits(generation.patrols, merged),
            commodities=replace(
                base.commodities, fixed_routes=merged.merged(base.commodities.fixed_routes, fixed)
            ),
            pool=base.pool.over(overlay, merged.merged(base.pool.paths, fixed)),
        )
        if (found := generation.root_rows) is not None:
            others = found.rows.shape[1] - fixed - merged.column.size
            master.add_value_rows(merged.merged_rows(found, fixed, others))
        teams = np.array(generation.most_teams, dtype=np.float64)
        master.add_columns(teams, generation.team_columns(range(teams.size), rows.prize))
        if generation.debug is not None:
            master.debug = generation.debug.beside(merged, teams.size)
        return cls(instance, overlay, master, merged)


def tour_prizes(
    generation: ColumnGeneration, merged: MergedSlots, until: float = np.inf
) -> list[TourPrizes]:
    """Return what tours can collect at the last prices of column generation, made the
    same for each slot at a post.
    """
    prices, teams = generation.proven_prices[-PRICES:], range(len(generation.patrols.patrols))
    number = np.maximum(np.bincount(merged.column, minlength=merged.size), 1)
    limit = PRICING * (until - work_seconds()) / max(len(prices) * len(teams), 1)
    found = []
    for each in prices:
        price = merged.spread(np.bincount(merged.column, each / merged.slots, merged.size) / number)
        problems = [tour_problem_at(generation.patrols.patrols[q], price) for q in teams]
        bounds = [
            best_tour(one, time_limit=max(limit, 0.0) if np.isfinite(limit) else None).bound
            for one in problems
        ]
        if generation.debug is not None:
            for q, bound in enumerate(bounds):
                generation.debug.priced(q, price, bound, "pricing for rows on tours")
        found.append(TourPrizes(price, np.array(bounds)))
    return found


LONGEST_PRICING = 0.5
"""Seconds for a pricing problem; the bound of one that is not solved by then is as true."""

LEAST = 1e-3
"""Share of what the elements present are worth by which a row must be violated."""


@dataclass(frozen=True)
class TourLimits:
    """Rows on columns of elements and numbers of teams, as
    `optimizer.solvers.branch_and_cut.lp.master` asks for.

    Rows at the last prices of column generation say nothing of elements that had no
    price there. Once floors have losses and options are decided, others are worth
    something, and the linear program takes them for nothing. So for the prices pi_e
    that elements are worth at the duals of its rows, the pricing problems are solved
    again, and the row sum_e pi_e y_e <= sum_q P_q n_q of `TourRows` is added where the
    solution violates it. With the same duals and a multiplier of 1 for this row its
    bound is that of Proposition 15 at these prices.
    """

    #: What teams can do.
    field: PatrolField
    #: How elements are columns.
    merged: MergedSlots

    def __call__(
        self, worth: NDArray[np.float64], present: NDArray[np.float64], teams: NDArray[np.float64]
    ) -> csr_array:
        """Return the (rows, columns and patrols) entries of the violated rows at what
        (columns,) are worth a unit.

        Patrols none of whose elements are both present and worth something are left
        out, with all that they can hold.
        """
        held = held_elements(self.field)
        price = self.merged.spread(np.maximum(worth, 0.0))
        idle = ~held[:, (price > 0) & (present[self.merged.column] > 0)].any(axis=1)
        left_out = np.zeros(self.merged.size, dtype=bool)
        left_out[self.merged.column[held[idle].any(axis=0)]] = True
        # all of a column: its price rises evenly with the slots
        price[left_out[self.merged.column]] = 0.0
        problems = (tour_problem_at(patrol, price) for patrol in self.field.patrols)
        prize = np.array(
            [best_tour(problem, time_limit=LONGEST_PRICING).bound for problem in problems]
        )
        rows = TourRows.of([TourPrizes(price, prize)], self.field)
        of_columns = self.merged.of_columns(rows.price)
        spent = np.asarray(of_columns @ present)
        table = csr_array(hstack((-of_columns, rows.prize)))
        return taken(table, spent - np.asarray(rows.prize @ teams) > LEAST * spent)


SPARE = 1e-9
"""Relative allowance for rounding in the bounds of prizes."""


@dataclass(frozen=True)
class TourPrizes:
    """What tours can collect."""

    #: (elements,) prices >= 0.
    price: NDArray[np.float64]
    #: (patrols,) proven upper bound of the prices of the elements of any tour of a team
    #: type at a base, each as often as it has them.
    prize: NDArray[np.float64]


@dataclass(frozen=True)
class TourRows:
    """Rows sum_q prize_q n_q - sum_e price_e y_e >= 0.

    For prices pi >= 0 of elements, and P_q proven to be no less than the prices that
    any tour of a team type at a base q collects (`pricing`), every plan obeys

        sum_e pi_e y_e <= sum_q P_q n_q,      n_q teams driven from q, y_e how often their beats hold element e,

    as each beat holds elements of at most P_q. Where bases share no elements there is
    such a row for each.
    """

    #: (rows, elements), at most 1.
    price: csr_array
    #: (rows, patrols).
    prize: csr_array

    @classmethod
    def of(cls, found: Sequence[TourPrizes], field: PatrolField) -> TourRows:
        """Return a row for each time that prizes were proven and each set of bases
        whose beats share elements.
        """
        held = held_elements(field)
        shared = csr_array(held.astype(np.int64) @ held.T.astype(np.int64))
        group = connected_components(shared, directed=False)[1]
        price = np.empty((0, held.shape[1]))
        prize = np.empty((0, held.shape[0]))
        for each in found:
            for one in np.unique(group):
                row = np.where(held[group == one].any(axis=0), each.price, 0.0)
                if (largest := row.max(initial=0.0)) > 0:
                    price = np.vstack((price, row / largest))
                    prize = np.vstack(
                        (prize, np.where(group == one, each.prize, 0.0) / largest * (1 + SPARE))
                    )
        return cls(csr_array(price), csr_array(prize))


def held_elements(field: PatrolField) -> NDArray[np.bool_]:
    """Return the (patrols, elements) mask of those that beats of each can hold."""
    held = np.zeros((len(field.patrols), field.elements.size), dtype=bool)
    for q, patrol in enumerate(field.patrols):
        held[q, np.union1d(patrol.drives.indices, patrol.dwell.ravel())] = True
    return held


@dataclass(frozen=True)
class MergedSlots:
    """Elements as multiples of fewer ones.

    Dwelling l slots at a post is an element of its own
    (`optimizer.problem.instance.teams`); on each arc it does what l dwells of one slot
    do, or nearly so: with depths d = -ln s there is kappa with d_l <= l kappa d_1 on
    every arc. So for z = sum_l l y_l, what y leaves of any path is at least what z
    times kappa elements of one slot leave of it. Elements of other kinds stay as they
    are, z = y.
    """

    #: (elements,) the column z of each element.
    column: NDArray[np.int64]
    #: (elements,) how much of z one of it is.
    slots: NDArray[np.int64]
    #: (elements,) kappa of the element that stands for its column; 0 for those that do
    #: not.
    power: NDArray[np.float64]

    @property
    def size(self) -> int:
        """Number of columns."""
        return int(self.column.max(initial=-1)) + 1

    @classmethod
    def of(cls, field: PatrolField) -> MergedSlots:
        """Merge the dwells at each post that watch the same arcs, but where teams at
        posts are limited.

        There a limit of T teams is sum_l y_l <= T, and no more than z / L <= T of z:
        that costs the root of the shipped scenario .002.
        """
        elements = field.elements
        arcs: list[dict[int, float]] = [{} for _ in range(elements.size)]
        for element, arc, survival in zip(
            elements.element.tolist(),
            elements.arc.tolist(),
            elements.survival.tolist(),
            strict=True,
        ):
            arcs[element][arc] = arcs[element].get(arc, 1.0) * survival
        slots, power = np.ones(elements.size, dtype=np.int64), np.ones(elements.size)
        first, merged = np.arange(elements.size), np.zeros(elements.size, dtype=bool)
        for patrol in field.patrols:
            for dwell in (
                patrol.dwell.tolist()
                if patrol.team.most_slots > 1 and field.teams_at_post is None
                else ()
            ):
                kappa = _kappa([arcs[element] for element in dwell])
                # kappa is of these dwells: one that another row has too is merged once
                if kappa is not None and len({*dwell}) == len(dwell) and not merged[dwell].any():
                    merged[dwell] = True
                    slots[dwell] = np.arange(1, len(dwell) + 1)
                    power[dwell] = 0.0
                    power[dwell[0]], first[dwell] = kappa, dwell[0]
        return cls(np.unique(first, return_inverse=True)[1], slots, power)

    def spread(self, of_column: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (elements,) amounts that are so much for each unit of a column."""
        return of_column[self.column] * self.slots

    def of_columns(self, price: csr_array) -> csr_array:
        """Return the (rows, columns) prices of a unit of each column, from (rows,
        elements) prices that rise evenly with the slots.
        """
        first = np.unique(self.column, return_index=True)[1]
        return csr_array(price[:, first] / self.slots[first])

    def merged(self, paths: Paths, fixed: int) -> Paths:
        """Return paths over fixed options and elements as paths over fixed options and columns."""
        power = np.concatenate((np.ones(fixed), self.power, [0.0]))
        target = np.concatenate((np.arange(fixed), fixed + self.column))
        row, place = np.nonzero(power[paths.option])
        option = paths.option[row, place]
        survival = paths.survival[row, place] ** power[option]
        order = np.lexsort((target[option], row))
        links = Links(row[order], target[option][order], survival[order])
        return padded(paths.commodity, paths.value, links, fixed + self.size)

    def merged_rows(self, found: ValueRows, fixed: int, others: int) -> ValueRows:
        """Return rows over fixed options, elements and other columns as rows over fixed
        options, columns z and the others.

        As sum_e c_e y_e <= max_e (c_e / l_e) z, where l_e is how much of z one of e is,
        rows with these coefficients of z hold for every plan.
        """
        target = np.concatenate(
            (np.arange(fixed), fixed + self.column, fixed + self.size + np.arange(others))
        )
        slots = np.concatenate((np.ones(fixed), self.slots, np.ones(others)))
        rows = found.rows[:, : target.size].tocoo()
        entry = np.nextafter(rows.data.astype(np.float64) / slots[rows.col], np.inf)
        width = fixed + self.size + others
        key = rows.row.astype(np.int64) * width + target[rows.col]
        order = np.lexsort((-entry, key))
        key, first = np.unique(key[order], return_index=True)
        table = csr_array(
            (entry[order][first], (key // width, key % width)), shape=(rows.shape[0], width)
        )
        return ValueRows.weakened(table, found.side.astype(np.float64))

    def bundle(self, fixed: int) -> csr_array:
        """Return the (fixed options and elements, fixed options and columns) table of
        how often each column holds each element.
        """
        power = np.append(np.ones(fixed), self.power)
        target = np.append(np.arange(fixed), fixed + self.column)
        part = np.flatnonzero(power)
        return csr_array((power[part], (part, target[part])), shape=(power.size, fixed + self.size))


def _kappa(arcs: list[dict[int, float]]) -> float | None:
    """Return the largest depth of a dwell on an arc, per slot, over that of one slot;
    None where arcs differ or one is closed.
    """
    if not arcs or not arcs[0] or any(one.keys() != arcs[0].keys() for one in arcs):
        return None
    if min(min(one.values()) for one in arcs) <= 0 or max(arcs[0].values()) >= 1:
        return None
    return max(
        math.log(one[arc]) / (n * math.log(arcs[0][arc]))
        for n, one in enumerate(arcs, start=1)
        for arc in one
    )
