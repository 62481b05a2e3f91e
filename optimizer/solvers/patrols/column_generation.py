"""Column generation: a linear program over fixed options and all beats, of which only
those with a negative reduced cost are made.

Sets      J fixed options (checkpoints, sensors); E elements of beats; B beats made so far; Q teams of a type at a base; T types
Data      a_eb how often beat b holds element e; K_e how often all teams can; u_jr, u_br use of resources, C_r budgets; N_t teams of a type that
          budgets allow
Variables x_j in [0, 1]; y_e in [0, K_e] presence; lambda_b in [0, N_t + 1], a bound that the budgets never let it reach
Minimise  sum_g theta_g                                   as in `optimizer.solvers.branch_and_cut.lp.master`, whose options are J and E together
such that cuts of the value, linear in x and y: they hold for every beat, because elements are fixed before any beat is made
          y_e <= sum_b a_eb lambda_b                       links, dual pi_e >= 0
          sum_j u_jr x_j + sum_b u_br lambda_b <= C_r      budgets (a team of a type is a resource), dual mu_r >= 0
          exclusions of J
          sum_{e dwelling at p} y_e <= T                   for each post p where more teams could dwell than may

Pricing. A beat not made yet lowers the bound by no more than its profit sum_e pi_e a_eb
- sum_r mu_r u_br. So with P_q an upper bound of the value of any tour of q, proven by
`optimizer.solvers.patrols.tours.pricing`, and N_t teams of a type,

    bound over all beats = bound of the program - sum_t N_t max(0, max over bases q of t of P_q - sum_r mu_r u_tr)

is valid after every round, and equal to the program's once no tour has a profit. It
holds for any bounds on x, so the nodes of a tree are bounded in the same way
(`optimizer.solvers.patrols.branch_and_price`).

The limit of teams at a post is a row on elements, so that beats are priced as without
it: its dual is taken off what dwelling there is worth, and with it off pi_e, never
below 0. A plan obeys the row with y its own elements. The program may hold more beats
at a post than teams may stand there, of which T count: it is a relaxation, and plans
are held to the limit where they are made (`room_at_posts`).

The overlay must hold every best path under K_e copies of each element: it is contracted
with s^K_e, and has s put back.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import block_array, csr_array, eye_array, hstack, vstack

from optimizer.base.work.listener import Listener
from optimizer.base.work.work_clock import work_seconds
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.options import BUDGET_TOLERANCE, Option
from optimizer.problem.instance.teams import Patrol, PatrolField, team_resource
from optimizer.problem.plan.evaluation import weighted_sum
from optimizer.problem.plan.plan import Beat, make_beat, posts_of, with_post_limits
from optimizer.solvers.branch_and_cut.improve.warm_start import ValueRows
from optimizer.solvers.branch_and_cut.lp.master import Master, Relaxed
from optimizer.solvers.branch_and_cut.tree.node import Node
from optimizer.solvers.overlay.overlay import Overlay, bundled, contract, repeated
from optimizer.solvers.patrols.tours.pricing import best_tour, quick_tours
from optimizer.solvers.patrols.tours.tour import Tour, TourProblem, tour_value

if TYPE_CHECKING:
    from optimizer.solvers.patrols.debug_beats import DebugBeats

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

WORTHWHILE = 1e-6
"""Least profit of a new beat, relative to the value with nothing placed."""

TOURS_A_ROUND = 4
"""Most beats that one team type at one base gets from one round of heuristics."""

SEARCH_EVERY = 3
"""Every so many rounds look for new paths; all do where the pool has no cut."""

MOST_DEPTH, FAINTEST = 200.0, 1e-80
"""Depth -ln s of so many copies beyond which an arc counts as closed, and the least
survival of one copy that is repeated.
"""

ROUNDING = 1e-9
"""Allowance for sums of fractions: how often a beat holds an element must never be
counted too low.
"""

SLACK = 4
"""Solves after which a row without a dual is dropped."""


@dataclass(frozen=True)
class BeatNode:
    """A node of the tree: the plans that place some options and not others, and some
    beats at least so often.
    """

    #: `ones`, `zeros`: (options,) fixed options that every plan, and no plan, of these
    #: places.
    ones: Mask
    zeros: Mask
    #: (beats,) how often each of the first beats is placed at least.
    number: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    #: (beats,) whether more of it can be placed; of later beats they can.
    open: Mask = field(default_factory=lambda: np.empty(0, dtype=bool))


@dataclass(frozen=True)
class PricingOutcome:
    """What solving the pricing problems to proof gave."""

    #: Number of beats added.
    made: int
    #: By how much all beats that were not made before lower the bound at most.
    missing: float
    #: Whether each pricing problem was solved to proof.
    exact: bool


@dataclass
class ColumnGeneration:
    """The linear program, the beats made for it, and how they are priced."""

    #: Fixed options, with the teams among its resources.
    instance: Instance
    #: What teams could do.
    patrols: PatrolField
    #: Of the pricing.
    seed: int = 0
    #: Whether the program is that of mixtures of plans, with rows of single paths
    #: alone.
    mixed: bool = False
    #: `overlay`, `master`: Fixed options and elements, contracted, and the linear
    #: program over them.
    overlay: Overlay = field(init=False)
    master: Master = field(init=False)
    #: For each team type at a base, how many teams of the type a plan can have.
    most_teams: list[int] = field(init=False)
    #: Those made so far; the id of each option is unique.
    beats: list[Beat] = field(init=False, default_factory=list)
    #: Linear programs solved.
    rounds: int = field(init=False, default=0)
    #: What each pricing problem solved to proof took.
    pricing_seconds: list[float] = field(init=False, default_factory=list)
    #: (elements,) prices of elements, the duals of links, for each time that pricing
    #: was solved to proof.
    proven_prices: list[Floats] = field(init=False, default_factory=list)
    #: (options and elements,) how often each fixed option and element can come in one
    #: plan.
    times: NDArray[np.int64] = field(init=False)
    #: Rows on values that the program had in use when its root was last cut
    #: (`keep_root_rows`), over all columns but those of beats.
    root_rows: ValueRows | None = field(init=False, default=None)
    #: A plan with beats that the search must not lose; None but in tests
    #: (`debug_beats`).
    debug: DebugBeats | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        """Set up the linear program over fixed options and elements."""
        self.most_teams = most_teams(self.instance, self.patrols)
        self.times = times = most_times(self.instance, self.patrols)
        self._n, elements = len(self.instance.options), self.patrols.elements.size
        each = np.arange(elements)
        whole = with_elements_limited(
            element_instance(self.instance, self.patrols), self._n, each, np.ones_like(each)
        )
        self._between = len(whole.conflicts) + len(whole.requirements)
        self._standing = standing(self.instance, self.patrols)
        links = csr_array(hstack((csr_array((elements, self._n)), -eye_array(elements))))
        self.overlay = element_overlay(whole, times)
        self.master = Master(whole, self.overlay, links, times, mixed=self.mixed, elements=elements)
        self._root = Node(
            whole.forced, ~(self.overlay.free | whole.forced), self.master.commodities.floor
        )
        self._lower, self._upper = self.master.program.bounds
        self._known: set[tuple[int, tuple[int, ...], tuple[int, ...]]] = set()

    @property
    def root(self) -> BeatNode:
        """The node of all plans."""
        return BeatNode(self._root.ones[: self._n], self._root.zeros[: self._n])

    @property
    def floor(self) -> float:
        """Value with everything placed as often as it can be."""
        return weighted_sum(self.master.commodities.weight, self.master.commodities.floor)

    def enter(self, node: BeatNode) -> None:
        """Set the program to a node."""
        lower, upper = self._lower.copy(), self._upper.copy()
        lower[: self._n], upper[: self._n] = node.ones, ~node.zeros
        number = np.zeros(len(self.beats))
        number[: node.number.size] = node.number
        most = self._most(self.beats)
        most[: node.open.size] = np.where(
            node.open, np.maximum(most[: node.open.size], node.number), node.number
        )
        self.master.program.move_bounds(np.append(lower, number), np.append(upper, most))
        if self.debug is not None:
            self.debug.entered(node)

    def relax(self, until: float = np.inf) -> Relaxed | None:
        """Solve the linear program; None when `work_seconds()` passed `until` first."""
        self.rounds += 1
        relaxed = self.master.relax(until)
        if self.debug is not None and relaxed is not None:
            self.debug.relaxed(self, relaxed)
        return relaxed

    def reduced_at(self, relaxed: Relaxed) -> Floats:
        """Return the (beats,) reduced cost of every beat at a solution."""
        pi = self.link_duals(relaxed)
        costs = [self.dual_cost(q, relaxed) for q in range(len(self.patrols.patrols))]
        return np.array(
            [costs[beat.patrol] - weighted_sum(pi, beat.elements) for beat in self.beats]
        )

    def cut(self, relaxed: Relaxed) -> bool:
        """Add cuts that the solution violates; return whether there were any."""
        self.master.program.drop_slack(SLACK)
        if self.rounds % SEARCH_EVERY and self.master.separate(self._root, relaxed, search=False):
            return True
        return self.master.separate(self._root, relaxed)

    def add_quickly(self, relaxed: Relaxed) -> int:
        """Add beats with a profit that heuristics find; return how many."""
        made = 0
        least = WORTHWHILE * self.master.total
        for q in range(len(self.patrols.patrols)):
            problem, cost = self.tour_problem(q, relaxed), self.dual_cost(q, relaxed)
            if problem.n and (problem.prize.any() or problem.leg.any()):
                tours = quick_tours(problem, TOURS_A_ROUND, seed=self.seed + self.rounds)
                made += self._add(
                    q, [tour for tour in tours if tour_value(problem, tour) > cost + least]
                )
        return made

    def add_proving(self, relaxed: Relaxed, until: float = np.inf) -> PricingOutcome:
        """Add the most profitable beats, found by solving the pricing problems to
        proof, or until `work_seconds()` passes `until`.
        """
        most: dict[str, float] = {}
        found, exact = 0, True
        least = WORTHWHILE * self.master.total
        for q, patrol in enumerate(self.patrols.patrols):
            problem, cost = self.tour_problem(q, relaxed), self.dual_cost(q, relaxed)
            if not problem.n:
                continue
            left = until - work_seconds()
            limit = max(left, 0.05) if np.isfinite(left) else None
            best = best_tour(problem, time_limit=limit, at_least=cost, seed=self.seed)
            if self.debug is not None:
                self.debug.priced(q, self.link_duals(relaxed), best.bound, "pricing beats")
            self.pricing_seconds.append(best.seconds)
            most[patrol.team.id] = max(most.get(patrol.team.id, 0.0), best.bound - cost)
            exact &= best.proven or best.bound <= cost + least
            if best.tour is not None and best.value > cost + least:
                found += self._add(q, [best.tour])
        self.proven_prices.append(self.link_duals(relaxed))
        number = {
            patrol.team.id: self.most_teams[q] for q, patrol in enumerate(self.patrols.patrols)
        }
        missing = sum(number[team] * profit for team, profit in most.items())
        if self.debug is not None:
            self.debug.missing(self, relaxed, missing)
        return PricingOutcome(found, missing, exact)

    def add_all(self, relaxed: Relaxed, slack: float, most: int) -> bool:
        """Add every beat of a reduced cost of at most `slack`; return whether that was
        possible: they are few enough to list.

        The value of a plan with any other beat exceeds the bound over all beats that
        `relaxed` proves by more than the slack.
        """
        listed = []
        for q in range(len(self.patrols.patrols)):
            cost = self.dual_cost(q, relaxed)
            tours = tours_above(
                self.tour_problem(q, relaxed), cost - slack * (1 + WORTHWHILE), most
            )
            if tours is None:
                return False
            listed.append(tours)
        if sum(map(len, listed)) > most:
            return False
        for q, tours in enumerate(listed):
            self._add(q, tours)
        if self.debug is not None:
            self.debug.listed(self, slack, relaxed.bound)
        return True

    def tour_problem(self, q: int, relaxed: Relaxed) -> TourProblem:
        """Return the pricing problem of a team type at a base: elements at the duals of
        their links.
        """
        return tour_problem_at(self.patrols.patrols[q], self.link_duals(relaxed))

    def keep_root_rows(self) -> None:
        """Keep the rows in use as those of the root: those that the program of another
        node, as in a dive, leaves in use say less of it.
        """
        rows, columns = self.master.value_rows, self._lower.size
        self.root_rows = ValueRows(csr_array(rows.rows[:, :columns]), rows.side)

    def value(self, placed: Mask, present: Floats) -> float:
        """Return the value of (options,) fixed options with (elements,) whole numbers
        of elements.
        """
        overlay = repeated(
            self.overlay, np.maximum(np.concatenate((np.ones(self._n), present)), 1.0)
        )
        return overlay.value(np.concatenate((placed, present > 0)))

    def uses(self) -> Floats:
        """Return the (beats, resources) use of the beats made so far."""
        patrols = range(len(self.patrols.patrols))
        uses = np.array([beat_uses(self.instance, self.patrols, q) for q in patrols])
        return (
            uses[[beat.patrol for beat in self.beats]]
            if self.beats
            else np.empty((0, self.instance.budget.size))
        )

    def teams_at_posts(self, ones: Mask, number: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the (posts,) number of teams that dwell at each, by (options,) ones
        and (beats,) numbers of the first beats.
        """
        return np.asarray(ones @ self._standing + number @ self._stands()[: number.size])

    def crowds(self, ones: Mask, number: NDArray[np.int64]) -> bool:
        """Return whether more teams dwell at some post than may."""
        most = self.patrols.teams_at_post
        return most is not None and bool((self.teams_at_posts(ones, number) > most).any())

    def room_at_posts(self, ones: Mask, number: NDArray[np.int64]) -> Mask:
        """Return the (beats,) mask of those of which one more may dwell at its posts."""
        most = self.patrols.teams_at_post
        if most is None:
            return np.ones(len(self.beats), dtype=bool)
        return np.asarray(~self._stands()[:, self.teams_at_posts(ones, number) >= most].any(axis=1))

    def _stands(self) -> NDArray[np.int64]:
        """(beats, posts) whether each beat made so far dwells at each post."""
        table = np.zeros((len(self.beats), len(self.patrols.posts)), dtype=np.int64)
        for row, beat in zip(table, self.beats, strict=True):
            row[posts_of(self.patrols, beat)] = 1
        return table

    def position(self, q: int, tour: Tour) -> int | None:
        """Return the position of the beat of a tour, which is made where there is none
        yet; None where it is banned.
        """
        self._add(q, [tour])
        same = (
            k
            for k, b in enumerate(self.beats)
            if (b.patrol, b.posts, b.slots) == (q, tour.posts, tour.slots)
        )
        return next(same, None)

    def knows(self, q: int, tour: Tour) -> bool:
        """Return whether the beat of a tour was made, or is banned."""
        return (q, tour.posts, tour.slots) in self._known

    def ban(self, q: int, tour: Tour) -> None:
        """Never make the beat of a tour; to be called before it is made."""
        self._known.add((q, tour.posts, tour.slots))

    def overlay_of(self, whole: Instance, beats: Sequence[Beat]) -> Overlay:
        """Return the overlay of an instance of the fixed options and, after them, beats."""
        elements = self.patrols.elements.size
        held = csr_array(
            np.array([b.elements for b in beats], dtype=np.float64).reshape(len(beats), elements).T
        )
        free = np.array(
            [not (option.forced or option.forbidden) for option in whole.options], dtype=bool
        )
        blocks: list[list[Any]] = [[eye_array(self._n), None], [None, held]]
        return bundled(self.overlay, free, csr_array(block_array(blocks)))

    def _most(self, beats: Sequence[Beat]) -> Floats:
        """Return (beats,) upper bounds above what budgets allow: the value of a team is
        then in the dual of its budget, never here.
        """
        return np.array([self.most_teams[beat.patrol] + 1 for beat in beats], dtype=np.float64)

    def link_duals(self, relaxed: Relaxed) -> Floats:
        """Return the (elements,) prices of elements: the duals of their links."""
        return relaxed.price[relaxed.price.size - self.patrols.elements.size :]

    def dual_cost(self, q: int, relaxed: Relaxed) -> float:
        """Return the dual cost of the resources of a beat."""
        return weighted_sum(self._shares(q), relaxed.price[: len(self.instance.resources)])

    def _shares(self, q: int) -> Floats:
        """(resources,) use of a beat as the rows of budgets have it."""
        use, budget = beat_uses(self.instance, self.patrols, q), self.instance.budget
        share = np.divide(
            np.minimum(use, 2 * budget), budget, out=np.ones_like(use), where=budget > 0
        )
        return np.where(use > 0, share, 0.0)

    def team_columns(self, patrols: Sequence[int], below: csr_array) -> csr_array:
        """Return the (kept rows, columns) entries of variables that use what teams of
        these patrols do, with others in the rows of links.
        """
        shares = csr_array(-np.array([self._shares(q) for q in patrols]).T)
        return csr_array(vstack((shares, csr_array((self._between, len(patrols))), below)))

    def _add(self, q: int, tours: Sequence[Tour]) -> int:
        """Make beats of the tours that are new; return how many."""
        fresh: list[Beat] = []
        for tour in tours:
            if not self.knows(q, tour):
                name = f"{self.patrols.patrols[q].id} {len(self.beats) + len(fresh) + 1}"
                fresh.append(make_beat(self.patrols, q, tour.posts, tour.slots, name))
        if fresh:
            held = csr_array(np.array([beat.elements for beat in fresh]).T.astype(np.float64))
            self.master.program.add_columns(
                self._most(fresh), self.team_columns([b.patrol for b in fresh], held)
            )
            self.beats += fresh
            # last, so that an interrupt does not leave tours known of which there is no
            # beat
            self._known |= {(q, beat.posts, beat.slots) for beat in fresh}
        return len(fresh)


def tour_problem_at(patrol: Patrol, pi: Floats) -> TourProblem:
    """Return the pricing problem of a team type at a base at (elements,) prices of elements."""
    n = patrol.posts.size
    return TourProblem(
        travel=patrol.travel_s,
        slot=patrol.team.slot_s,
        shift=patrol.team.shift_s,
        prize=np.column_stack((np.zeros(n), pi[patrol.dwell])),
        leg=np.asarray(patrol.drives @ pi).reshape(n + 1, n + 1),
    )


def beat_uses(instance: Instance, patrols: PatrolField, q: int) -> Floats:
    """Return the (resources,) use of a beat of a team type at a base."""
    team = patrols.patrols[q].team
    uses = dict(team.uses) | {team_resource(team.id): 1.0}
    return np.array([uses.get(resource.id, 0.0) for resource in instance.resources])


def most_teams(instance: Instance, patrols: PatrolField) -> list[int]:
    """Return for each team type at a base how many teams of the type a plan can have:
    their number, or what each budget is enough for.
    """
    most = []
    for q, patrol in enumerate(patrols.patrols):
        use = beat_uses(instance, patrols, q)
        budget, use = instance.budget[use > 0], use[use > 0]
        # a plan may overrun a budget by its tolerance; twice that, as sums are rounded
        enough = budget * (1 + 2 * BUDGET_TOLERANCE) >= patrol.team.number * use
        fitting = budget[~enough] * (1 + 2 * BUDGET_TOLERANCE) // use[~enough]
        most.append(int(fitting.min(initial=patrol.team.number)))
    return most


def most_times(instance: Instance, patrols: PatrolField) -> NDArray[np.int64]:
    """Return how often each fixed option (once) and each element can come in one plan."""
    teams = np.zeros((len(patrols.teams), patrols.elements.size), dtype=np.int64)
    place = {team.id: row for row, team in enumerate(patrols.teams)}
    for patrol, most in zip(patrols.patrols, most_teams(instance, patrols), strict=True):
        held = np.union1d(patrol.drives.indices, patrol.dwell.ravel())
        teams[place[patrol.team.id], held] = most  # whichever base they come from
    # a number stated too low would make bounds too high, so none below what can be
    # proven is believed
    times = np.maximum(patrols.elements.times, proven_times(patrols)) * np.maximum(
        teams.sum(axis=0), 1
    )
    return np.concatenate((np.ones(len(instance.options), dtype=np.int64), times))


def proven_times(patrols: PatrolField) -> NDArray[np.int64]:
    """Return (elements,) numbers of times that no beat of any team exceeds."""
    every: list[NDArray[np.int64]] = [times_in_a_beat(patrol) for patrol in patrols.patrols]
    most: NDArray[np.int64] = np.max(
        [np.zeros(patrols.elements.size, dtype=np.int64), *every], axis=0
    )
    return most


def note_times(patrols: PatrolField, listener: Listener) -> None:
    """Say for how many elements a file states fewer `times` than `most_times` believes."""
    low = int((patrols.elements.times < proven_times(patrols)).sum())
    if low:
        listener.noted(
            f"For {low} of {patrols.elements.size} elements of patrols `times` is less than what is"
            " proven to be enough for any beat; that number counts in its place."
        )


def times_in_a_beat(patrol: Patrol) -> NDArray[np.int64]:
    """Return (elements,) numbers of times that no beat of a team type at a base
    exceeds.

    A beat leaves each place at most once and reaches each at most once, and its legs
    and a slot at each post fit the shift. For either side this is a knapsack with an
    item a place, of the most times and the fewest seconds of its legs, filled in
    fractions.
    """
    places, team = patrol.posts.size + 1, patrol.team
    drives = patrol.drives.tocoo()
    seconds = patrol.travel_s + np.where(np.arange(places) > 0, team.slot_s, 0)
    leg, element = drives.coords
    cost = seconds.ravel()[leg]
    fits = (cost <= team.shift_s) & (leg // places != leg % places)
    leg = leg[fits]
    element = element[fits]
    cost = cost[fits].astype(np.float64)
    often = drives.data[fits]
    most = np.full(patrol.drives.shape[1], np.inf)
    for place in (leg // places, leg % places):
        item, at = np.unique(element * places + place, return_inverse=True)
        value, least = np.zeros(item.size), np.full(item.size, np.inf)
        np.maximum.at(value, at, often)
        np.minimum.at(least, at, cost)
        of = item // places
        order = np.lexsort((least / value, of))
        of = of[order]
        value = value[order]
        least = least[order]
        spent = np.cumsum(least) - least
        spent -= spent[np.searchsorted(of, of)]  # before this item, by the items of its element
        left = team.shift_s - spent
        part = np.divide(left, least, out=np.ones_like(left), where=least > 0).clip(0, 1)
        most = np.minimum(most, np.bincount(of, part * value, most.size))
    times: NDArray[np.int64] = np.floor(most + ROUNDING).astype(np.int64)
    times[patrol.dwell] = 1  # of one post, where it dwells once
    return times


def element_instance(instance: Instance, patrols: PatrolField) -> Instance:
    """Return the instance with every element of beats as an option."""
    elements = patrols.elements
    start = np.searchsorted(elements.element, np.arange(elements.size + 1))
    options = [
        Option(
            id=f"element {e}",
            arcs=tuple(elements.arc[start[e] : start[e + 1]].tolist()),
            survival=tuple(elements.survival[start[e] : start[e + 1]].tolist()),
            kind="patrol",
        )
        for e in range(elements.size)
    ]
    return replace(instance, options=(*instance.options, *options))


def with_elements_limited(
    instance: Instance, first: int, column: NDArray[np.int64], slots: NDArray[np.int64]
) -> Instance:
    """Return an instance of fixed options and, from position `first` on, columns of
    elements with the limits of teams at posts.

    Element e counts as `slots[e]` of column `column[e]`, so that a unit of a column is
    at least 1 / max slots of the teams at its post.
    """
    assert instance.patrols is not None  # noqa: S101 - there are elements
    post = instance.patrols.elements.post
    most = np.zeros(int(column.max(initial=-1)) + 1, dtype=np.int64)
    np.maximum.at(most, column, slots)
    held = {
        (first + int(column[e]), int(post[e])): 1.0 / int(most[column[e]])
        for e in np.flatnonzero(post >= 0)
    }
    return with_post_limits(instance, held)


def standing(instance: Instance, patrols: PatrolField) -> NDArray[np.int64]:
    """Return the (options, posts) number of teams that each option is at each post:
    beats that are options already.
    """
    table = np.zeros((len(instance.options), len(patrols.posts)), dtype=np.int64)
    rows = {each.id: each for each in instance.requirements}
    for post in np.flatnonzero(patrols.crowded_posts).tolist():
        if (row := rows.get(patrols.limit_at(post))) is not None:
            table[list(row.options), post] = 1
    return table


def element_overlay(whole: Instance, times: NDArray[np.int64]) -> Overlay:
    """Return the overlay of an instance whose options can be placed several times.

    Where so many copies leave an arc a survival that underflows, only as many are
    counted as do not: with more the arc counts as closed.
    """
    strongest = [min(option.survival, default=1.0) for option in whole.options]
    often = np.array(
        [
            k if k == 1 or s == 1 else max(1, min(k, int(MOST_DEPTH / -math.log(max(s, FAINTEST)))))
            for k, s in zip(times.tolist(), strongest, strict=True)
        ]
    )
    repeatedly = [
        option if k == 1 else replace(option, survival=tuple(s**k for s in option.survival))
        for option, k in zip(whole.options, often.tolist(), strict=True)
    ]
    return repeated(contract(replace(whole, options=tuple(repeatedly))), 1.0 / often)


# All tours above a value, by enumeration: where they are few, an optimal plan over them
# is optimal over all beats.

MOST_STEPS = 100_000
"""Partial tours after which the enumeration is given up."""


def tours_above(problem: TourProblem, least: float, most: int) -> list[Tour] | None:
    """Return every tour that fits the shift and has at least this value; None where
    they are more than `most`, or too many to enumerate.

    Parameters
    ----------
    problem
        One team, one shift.
    least
        Least value of a tour.
    most
        Largest number of tours, >= 0.
    """
    travel = problem.travel.tolist()
    leg = problem.leg.tolist()
    prize = problem.prize.tolist()
    n = len(prize)
    found: list[Tour] = []
    steps = 0
    # Depth first, and without a bound on what a partial tour can still gain: where
    # tours above `least` are few the shift ends most of them, and where they are many,
    # a list is of no use. `MOST_STEPS` tells the two apart: the caller then knows that
    # beats are missing. (posts, slots, seconds since leaving, value so far)
    waiting: list[tuple[tuple[int, ...], tuple[int, ...], int, float]] = [((), (), 0, 0.0)]
    while waiting:
        posts, slots, clock, value = waiting.pop()
        here = posts[-1] if posts else 0
        if posts and clock + travel[here][0] <= problem.shift and value + leg[here][0] >= least:
            found.append(Tour(posts, slots))
            if len(found) > most:
                return None
        for post in range(1, n + 1):
            if post in posts:
                continue
            for dwell in range(1, problem.most_slots + 1):
                then = clock + travel[here][post] + dwell * problem.slot
                if then > problem.shift:
                    # longer stays end later still; the way back is checked where the
                    # tour is listed
                    break
                steps += 1
                if steps > MOST_STEPS:
                    return None
                gained = value + leg[here][post] + prize[post - 1][dwell]
                waiting.append(((*posts, post), (*slots, dwell), then, gained))
    return found
