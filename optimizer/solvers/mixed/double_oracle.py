"""The double oracle: plans and paths are added to a restricted game until neither side
has a better answer.

1. The restricted game gives probabilities mu of plans, and the evaders' strategy y.
2. Evaders answer mu: best paths at several prices of the marginal probabilities; exact
   ones (`evader`) only where these bring nothing.
3. The defender answers y, smoothed with earlier ones (in-out separation): swaps from
   plans of the mixture and from plans sampled by its marginals; where nothing gains,
   once more at y itself. Further samples join the game as they are.
4. Once the game's value is near enough to the lower bound, or no side moves, its
   mixture is brought down to few plans and certified: the upper bound is the sum of
   proven bounds of what each evader achieves. Under a time limit it has no more plans
   than can be proven for, in which options are exchanged (`few_plans`), and searches
   that are broken off are made again, up to values that lie nearer to their bounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from optimizer.base.work.listener import SILENT, Listener, OnlyCancels, stop_if_cancelled
from optimizer.base.work.work_clock import work_seconds
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.requirements import options_that_break_none
from optimizer.problem.plan.result import relative_gap, tolerance_of
from optimizer.solvers.branch_and_cut.lp.master import Master
from optimizer.solvers.branch_and_cut.proof.record import SearchRecord
from optimizer.solvers.branch_and_cut.tree.node import Node, options_that_fit
from optimizer.solvers.branch_and_cut.tree.tree import has_stalled
from optimizer.solvers.mixed.defender import DefenderBound, Swaps
from optimizer.solvers.mixed.evader import EvaderOracle
from optimizer.solvers.mixed.few_plans import FewPlans
from optimizer.solvers.mixed.restricted_game import GameSolution, RestrictedGame
from optimizer.solvers.overlay.overlay import Overlay
from optimizer.solvers.params import MixedParams, RootParams

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

SMOOTHED = 0.5
"""Share of the best strategy so far in the one that the defender answers."""

FEW = 25
"""Plans that a mixture is brought down to where that costs little."""

LEAST, STEEP, POWER = 10, 3.0, 0.25
"""Under a time limit a mixture is brought down to `FEW` plans at first whatever it
costs, later to as many as the last one had, times (what few plans cost / (`STEEP` times
what the proof left open)) to a `POWER`, from .5 to 2, but no fewer than `LEAST`. With
what is left open as the third power of the number of plans and their cost as its
inverse, that number has the least sum of both.
"""

LESS = 0.5
"""Share of what a pass of a proof leaves open of an evader up to which the next one looks
for no paths.
"""

PASSES = 3
"""Passes of a proof at most."""

QUICKER = 4
"""How many times as many labels a pass has as the one before: with fewer labels to look at
it comes to its end, and proves that share.
"""

SETTLED = 0.4
"""Share of the time of a proof in which the mixture is brought down to few plans, at most."""

SETTLING = 6
"""Times at most that paths, and plans in place of the least likely ones, are added to
the game of these plans before the proof.
"""

SOON, AS_LONG = 0.2, 2.0
"""Least share of the work before the first proof that comes before another one, and how
many times the last proof is kept for the last.
"""

COSTS_LITTLE, SLACK = 0.1, 0.2
"""Shares of the gap asked for that fewer plans, and looser proofs of what evaders
achieve, may cost.
"""

ROUNDS_A_PROOF = 200
"""Rounds after which a proof is made without a time limit, where there is no share of
the time to wait for.
"""
IDLE_PROOFS = 8
"""Proofs in a row that close less than `MOVED` of the relative gap, after which a
search without a time limit ends as it is.
"""
MOVED = 1e-9
ROUGHLY = 0.25
"""Share of the gap left that takes the place of the gap asked for in proofs before the
search is done.
"""


@dataclass(frozen=True)
class CertifiedMixture:
    """A mixture with a proven upper bound."""

    #: `plans`, `probability`: Masks and their probabilities, all above 0.
    plans: tuple[Mask, ...]
    probability: Floats
    #: Proven upper bound of what the evaders achieve against it.
    upper: float
    #: Number of pairs of origin and destination that are bounded as if their evaders
    #: saw the plan of the day, for want of time.
    unsearched: int = 0


@dataclass
class DoubleOracle:
    """The state of one search."""

    #: `instance`, `overlay`, `relaxation`: The problem, and its marginal relaxation
    #: after its cuts, whose pool of paths goes on to grow.
    instance: Instance
    overlay: Overlay
    relaxation: MarginalRelaxation
    #: A feasible plan.
    start: Mask
    #: The best mixture so far; at first a single plan with its value.
    best: CertifiedMixture
    #: `gap`, `until`, `seed`, `listener`: As in `optimizer.solvers.solve.solve`;
    #: `until` is a `work_seconds()`.
    gap: float = 0.0
    until: float = np.inf
    seed: int = 0
    listener: Listener = SILENT
    #: Proven lower bound of the value of every mixture.
    lower: float = 0.0
    #: Searches of evaders that run beside one another, >= 1.
    threads: int = 1
    #: Parameters of the search.
    params: MixedParams = MixedParams()
    #: Masks of other feasible plans that mixtures may be made of.
    known: tuple[Mask, ...] = ()
    game: RestrictedGame = field(init=False)
    rounds: int = field(init=False, default=0)
    labels: int = field(init=False, default=0)
    ended_by_time: bool = field(init=False, default=False)
    _most: int = field(init=False)
    _few: float = field(init=False)
    _settled: list[Mask] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        """Set up the game."""
        self._most = self.params.first_labels
        self._few = np.inf if self.until == np.inf else FEW
        master = self.relaxation.master
        self.game = RestrictedGame(master.commodities, master.pool)
        self._swaps = Swaps(self.instance, self.overlay)
        self._few_plans = FewPlans(master.commodities, master.pool, self._swaps, self.listener)
        overlay = self.overlay
        ends = (overlay.n_nodes, overlay.tail, overlay.head)
        self._evaders = EvaderOracle(*ends, master.commodities.searches, self.threads)
        self._rng = np.random.default_rng(self.seed)
        self._smooth: Floats | None = None

    @property
    def value_of_everything(self) -> float:
        """Value with every option placed."""
        commodities = self.game.commodities
        return float(commodities.weight @ commodities.floor)

    def begin(self) -> None:
        """Begin with the best plan so far and plans sampled from the marginals."""
        self.lower = max(self.lower, self.relaxation.lower)
        for plan in (*self.best.plans, self.start, *self.known):
            self.game.add(plan)
        for _ in range(self.params.sampled):
            if self.out_of_time:
                break
            self.game.add(sampled_plan(self.instance, self.start, self.relaxation.x, self._rng))

    @property
    def gap_left(self) -> float:
        """Relative gap of the bounds so far."""
        return relative_gap(self.lower, self.best.upper) or 0.0

    @property
    def closed(self) -> bool:
        """Whether the bounds have met to within the gap asked for."""
        return self.gap_left <= tolerance_of(self.gap)

    @property
    def out_of_time(self) -> bool:
        """Whether the time limit has come."""
        return work_seconds() >= self.until

    def run(self) -> None:
        """Add plans and paths until the bounds meet, time is up, or no side has a
        better answer and the bound stalls.
        """
        since = work_seconds()
        first, kept = (
            share * (self.until - since)
            for share in (self.params.proof, self.params.kept_for_proof)
        )
        longest, searched = first, self.until - kept if self.until < np.inf else np.inf
        last: GameSolution | None = None
        # then work decides when a proof is made, and when the search ends
        untimed = self.until == np.inf
        proven_at, idle = self.rounds, 0
        while not self.closed and not (untimed and idle >= IDLE_PROOFS):
            stop_if_cancelled(self.listener)
            solution = None if work_seconds() >= searched else self.game.solve(searched)
            if solution is None:
                self.ended_by_time = True
                if last is not None and not self.out_of_time:
                    self._certify(last, self.until, self._roughly)
                return
            self.rounds += 1
            # kept until it is certified: where time ends the loop, this mixture is what
            # can still be proven
            last = solution
            tolerance = COSTS_LITTLE * tolerance_of(self.gap)
            found = self.answer_quickly(solution)
            gained = self._defend(solution, searched)
            # The game's value bounds nothing: its evaders have only the paths at hand,
            # its defender only the plans. A proof takes exact best paths and costs more
            # than a round, so it waits until the value is near the bound, or until
            # neither side moves.
            near = solution.value <= self.lower / (1 - tolerance_of(self.gap) / 2)
            ready = (
                near or gained <= tolerance * solution.value
            ) and found <= tolerance * solution.value
            # A long search is certified now and then as well, so that there is an upper
            # bound to show, and one that falls, before its end.
            due = (
                self.rounds - proven_at >= ROUNDS_A_PROOF
                if untimed
                else work_seconds() - since > longest
            )
            if ready or due:
                before, open_before = (
                    self.game.value_under(self._padded(solution.probability)),
                    self.gap_left,
                )
                now, few = work_seconds(), self._few
                certified = self._certify(
                    solution, self.until, tolerance_of(self.gap) if ready else self._roughly
                )
                since = work_seconds()
                last = None
                proven_at = self.rounds
                took, left = since - now, self.until - since
                # what few plans, and their proof, leave open is not closed by more
                # plans: rounds are as long as their part of the gap
                part = min(
                    1.0,
                    max(solution.value - self.lower, 0.0)
                    / max(self.best.upper - solution.value, MOVED),
                )
                longest, searched = (
                    part * max(took, SOON * first),
                    self.until - min(AS_LONG * took, left / 2),
                )
                idle = 0 if open_before - self.gap_left > MOVED else idle + 1
                # The proof has added the paths that it found. Where they raise the
                # mixture's value the game goes on with them; where they do not, and the
                # defender has no better answer, only the lower bound can still move.
                known = self.game.value_under(self._padded(solution.probability)) - before
                still = (
                    known <= tolerance * before
                    and gained <= tolerance * solution.value
                    and not self.closed
                )
                # A loose proof says nothing of the mixture: with more labels it may be
                # tighter, or more plans better, so the loop goes on until neither
                # helps.
                tight = certified <= before * (1 + 2 * SLACK * tolerance_of(self.gap)) or (
                    self._most >= self.params.most_labels and self._few <= few
                )
                if still and tight and not self._raise_bound(solution):
                    return

    @property
    def _roughly(self) -> float:
        """Relative gap that a proof is made for while time is short: a share of the one
        that is left.
        """
        return max(tolerance_of(self.gap), ROUGHLY * self.gap_left)

    def _padded(self, probability: Floats) -> Floats:
        return np.pad(probability, (0, len(self.game.plans) - probability.size))

    def answer_quickly(self, solution: GameSolution) -> float:
        """Add paths that evaders would take now; return by how much they raise the value."""
        marginals = np.array(self.game.plans[: solution.probability.size]).T @ solution.probability
        likeliest = self.game.plans[int(solution.probability.argmax())]
        self.game.pool.grow(marginals, np.zeros_like(likeliest))
        return self.game.value_under(self._padded(solution.probability)) - solution.value

    def _defend(self, solution: GameSolution, until: float) -> float:
        """Add plans that answer the evaders' strategy; return by how much one of them
        is below the value at the strategy itself.
        """
        y = solution.weight
        smooth = (
            y if self._smooth is None else np.pad(self._smooth, (0, y.size - self._smooth.size))
        )
        gained = self._answers((1 - SMOOTHED) * y + SMOOTHED * smooth, solution, until)
        if gained <= 0 and self._smooth is not None:
            gained = self._answers(y, solution, until)
        self._smooth = (1 - SMOOTHED) * y + SMOOTHED * smooth
        return gained

    def _answers(self, y: Floats, solution: GameSolution, until: float) -> float:
        fixed_routes = self.game.commodities.fixed_routes
        paths = self.game.pool.paths.take(np.arange(y.size)).joined(
            fixed_routes, self.game.pool.filling
        )
        weight = np.append(y, np.ones(fixed_routes.value.size))
        swaps, own = self._swaps, np.append(solution.weight, np.ones(fixed_routes.value.size))
        swaps.weigh(paths, weight)
        likely = np.argsort(-solution.probability, kind="stable")[: self.params.starts]
        marginals = np.array(self.game.plans[: solution.probability.size]).T @ solution.probability
        drawn = [
            sampled_plan(self.instance, self.start, marginals, self._rng)
            for _ in range(self.params.drawn)
        ]
        starts = [
            self.game.plans[x] for x in likely.tolist() if solution.probability[x] > 0
        ] + drawn[: self.params.starts]
        improved = [swaps.improved(start, until) for start in starts if work_seconds() < until]
        answers = {plan.tobytes(): plan for plan in improved}
        swaps.weigh(paths, own)
        gained = 0.0
        for plan in answers.values():
            gained = max(gained, solution.value - swaps.value(plan))
            self.game.add(plan)
        for plan in drawn:
            self.game.add(plan)
        return gained

    def _certify(self, solution: GameSolution, until: float, gap: float) -> float:
        """Bring the mixture down to few plans, keep it if it is better, and return the
        proven bound of what evaders achieve against it.

        The proof may take until `until` (`work_seconds()`), and fewer plans a share
        `SETTLED` of that time; both may cost shares of a relative `gap`. Under a time
        limit the number of plans follows from what the last proof left open and few
        plans cost.
        """
        now = work_seconds()
        probability = self._padded(self._sparse(solution, now + SETTLED * (until - now), gap))
        some = np.flatnonzero(probability)
        plans = [self.game.plans[x] for x in some.tolist()]
        share = probability[some]
        theta = self.game.values_under(probability)
        weight = self.game.commodities.weight[: theta.size]
        fixed_routes = self.game.fixed_route_value(probability)
        survival = np.array([self.overlay.arc_survival(plan) for plan in plans]).T
        # most evaders are bounded by the slack alone, so it is small beside what an
        # exact proof would leave open
        left = relative_gap(self.lower, min(solution.value, self.best.upper)) or 0.0
        slack = SLACK * min(gap, max(tolerance_of(self.gap), ROUGHLY * left))
        bound, found, unsearched = self._proven(survival, share, theta, slack, until)
        for k, arcs in found.items():
            theta[k] = _value(arcs, survival, share)
        if not found:
            self._most = min(2 * self._most, self.params.most_labels)
        else:
            self.game.pool.add(np.array(list(found), dtype=np.int64), list(found.values()))
        upper, reached = (float(weight @ values) + fixed_routes for values in (bound, theta))
        unproven, cost = (
            upper - reached,
            reached - solution.value,
        )  # few plans cost this, with paths that were not known
        if unproven <= 2 * slack * reached:
            self._few = max(self._few, 2 * share.size)
        elif self.until < np.inf:
            factor = (max(cost, 0.0) / (STEEP * unproven)) ** POWER
            self._few = max(LEAST, np.ceil(share.size * min(max(factor, 0.5), 2.0)))
        if upper < self.best.upper:
            self.best = CertifiedMixture(tuple(plans), share, upper, unsearched)
            self.listener.bounds_moved(min(self.lower, upper), upper)
        return upper

    def _proven(
        self, survival: Floats, share: Floats, theta: Floats, slack: float, until: float
    ) -> tuple[Floats, dict[int, tuple[int, ...]], int]:
        """Return bounds of what evaders achieve who are known to achieve `theta`, paths
        above it, and how many were not searched for.

        Under a time limit evaders of whom much is left open are searched for again, up
        to values that nobody is known to achieve.
        """
        now = work_seconds()
        known = theta
        found = dict[int, tuple[int, ...]]()
        bound = np.full(theta.size, np.inf)
        reached = theta.copy()
        skipped = np.ones(theta.size, dtype=bool)
        timed = self.until < np.inf
        for turn in range(PASSES if timed else 1):
            most = max(self._most // QUICKER, 1) * QUICKER**turn if timed else self._most
            answers = self._evaders.answers(
                survival, share, known, slack, most, until, self.listener
            )
            self.labels += answers.labels
            skipped &= answers.skipped
            bound, found = np.minimum(bound, answers.bound), found | answers.arcs
            for k, arcs in answers.arcs.items():
                reached[k] = _value(arcs, survival, share)
            still = bound > reached * (1 + 2 * slack)
            if not still.any() or work_seconds() > until - (until - now) / 4:
                break
            # of the others no path is looked for
            known = np.where(still, reached + LESS * (bound - reached), 1.0)
        return bound, found, int(skipped.sum())

    def _sparse(self, solution: GameSolution, until: float, gap: float) -> Floats:
        """Return probabilities of few plans whose value is little above, also with
        paths that evaders would then take.
        """
        if (solution.probability > 0).sum() > self._few:
            return self._settle(solution, until)
        most = solution.value * (1 + COSTS_LITTLE * gap)
        while (solution.probability > 0).sum() > FEW:
            trial = self._fewer(solution, FEW, until)
            if trial is None or trial.value > most:
                break
            solution = trial
        for _ in range(SETTLING):
            count, known = int((solution.probability > 0).sum()), len(self.game.plans)
            self.answer_quickly(solution)
            if solution.value > most:
                self._answers(solution.weight, solution, until)
            own = np.append(
                np.flatnonzero(solution.probability), np.arange(known, len(self.game.plans))
            )
            trial = self.game.solve(until, self._only(own))
            while trial is not None and int((trial.probability > 0).sum()) > count:
                trial = self._fewer(trial, count, until)
            value = self.game.value_under(self._padded(solution.probability))
            if trial is None or trial.value >= value * (1 - COSTS_LITTLE * tolerance_of(self.gap)):
                break
            solution = trial
        return solution.probability

    def _settle(self, solution: GameSolution, until: float) -> Floats:
        """Return probabilities of as few plans as can be proven for: the likeliest, or
        those of the last proof, after exchanges of options.
        """
        few = int(self._few)
        while not self._settled and (solution.probability > 0).sum() > few:
            trial = self._fewer(solution, few, until, 2 / 3)
            if trial is None:
                break
            solution = trial
        likely = np.argsort(-solution.probability, kind="stable")[:few]
        begin = [*self._settled, *(self.game.plans[x] for x in likely.tolist())][:few]
        settled = self._few_plans.settled(begin, until)
        if settled is None:
            chosen = self._only(likely)[: solution.probability.size] * solution.probability
            return np.asarray(chosen / chosen.sum())
        plans, share = settled
        self._settled = [plans[i] for i in np.argsort(-share, kind="stable").tolist()]
        places = self._places(plans)
        probability = np.zeros(len(self.game.plans))
        probability[places] = share
        return probability

    def _places(self, plans: Sequence[Mask]) -> NDArray[np.int64]:
        """Return where plans stand in the game, to which those are added that are new."""
        for plan in plans:
            self.game.add(plan)
        place = {plan.tobytes(): x for x, plan in enumerate(self.game.plans)}
        return np.array([place[plan.tobytes()] for plan in plans])

    def _fewer(
        self, solution: GameSolution, least: int, until: float, kept: float = 7 / 8
    ) -> GameSolution | None:
        """Return the game's solution with a share of the plans, the likeliest ones, but
        with no fewer than `least`.
        """
        fewer = max(least, int((solution.probability > 0).sum() * kept))
        return self.game.solve(
            until, self._only(np.argsort(-solution.probability, kind="stable")[:fewer])
        )

    def restrict(self, most: int, single: CertifiedMixture) -> None:
        """Keep to at most so many plans: drop the least likely one by one, exchange
        options, and certify the best mixture of what is left.

        Where that is no better than a single plan, or there is no time to prove that it
        is, the single plan is kept.
        """
        if self.best.probability.size <= most:
            return
        plans, probability = self.best.plans, self.best.probability
        self.best = single
        # the proof would be; and an interrupt may have left the game half changed
        stop_if_cancelled(self.listener)
        likely = self._places(plans)
        trial: GameSolution | None = None
        while likely.size > most:
            likely = np.delete(likely, probability.argmin())
            trial = self.game.solve(self.until, self._only(likely))
            if trial is None:
                break
            probability = trial.probability[likely]
        now, before = work_seconds(), np.inf
        begin = [self.game.plans[x] for x in likely.tolist()]
        if (
            trial is not None
            and (settled := self._few_plans.settled(begin, now + (self.until - now) / 2))
            is not None
        ):
            likely = self._places(settled[0])
            trial = self.game.solve(self.until, self._only(likely))
        exactly = tolerance_of(self.gap)
        while (
            trial is not None
            and trial.value < self.best.upper
            and self._certify(trial, self.until, exactly) < before
        ):
            before = self.best.upper
            trial = None if self.out_of_time else self.game.solve(self.until, self._only(likely))
        self.ended_by_time |= trial is None

    def _only(self, plans: NDArray[np.int64]) -> Mask:
        allowed = np.zeros(len(self.game.plans), dtype=bool)
        allowed[plans] = True
        return allowed

    def _raise_bound(self, solution: GameSolution) -> bool:
        """Raise the lower bound by branch and cut of the defender's answer; return
        whether it rose or a better plan was found.
        """
        fixed_routes = self.overlay.fixed_routes
        paths = self.game.pool.paths.take(np.arange(solution.weight.size))
        self._swaps.weigh(
            paths.joined(self.game.commodities.fixed_routes, self.game.pool.filling),
            np.append(solution.weight, np.ones(fixed_routes.value.size)),
        )
        plan = min(self.game.plans, key=self._swaps.value)
        answer = DefenderBound(
            self.instance, self.overlay, paths, solution.weight, plan, OnlyCancels(self.listener)
        )
        before = self.lower
        bound = answer.bound(tolerance_of(self.gap) / 2, self.until)
        self.lower = max(self.lower, min(bound, self.best.upper))
        self.listener.bounds_moved(self.lower, self.best.upper)
        added = [self.game.add(better) for better in answer.better]
        return self.lower > before or any(added)


def _value(arcs: tuple[int, ...], survival: Floats, share: Floats) -> float:
    return float(share @ survival[list(arcs)].prod(axis=0))


CUTS = RootParams(stalled=2e-4, patience=6, slack_solves=4)
"""When the cuts of the relaxation end: later than at the root of a tree, as nothing but
they raises this bound.
"""


class MarginalRelaxation:
    """The linear program over marginal probabilities.

    Sets      J options; P paths of an informed commodity k; C fixed routes
    Data      p_k weight; g_P(x) value of a path under a plan x; h_c(x) of a fixed route
    Variables xbar_j in [0, 1] marginal probability of option j; theta_k what commodity k achieves
    Minimise  sum_k p_k theta_k + sum_c theta_c
    such that theta_k >= a - sum_j b_j xbar_j    for every row of one path P of k with g_P(x) >= a - sum_j b_j x_j at all plans x
              theta_c likewise
              xbar in the convex hull of the feasible plans, or something larger: budgets, conflicts, requirements, budget cuts

    A mixture mu has theta_k(mu) = max_P E g_P(x) >= E (a - sum_j b_j x_j) = a - sum_j
    b_j xbar_j, so every row of `separation` that is of one path is valid: chords
    (between consecutive numbers of placed options, where all multiply the path by the
    same) and tangents. Star cuts are not: they bound E max_P g_P, what evaders achieve
    who see the plan of the day. The linear program is `branch_and_cut.master`, whose
    bound is computed from its duals.

    Parameters
    ----------
    instance, overlay
        The problem; its forced options are feasible by themselves, or with others.
    record
        Receives what a certificate of the bound needs; None where there is to be none.

    Attributes
    ----------
    master
        The linear program, with the pool of paths.
    lower
        Proven lower bound of the value of every mixture; true whenever the cuts are
        broken off.
    x
        (options,) marginal probabilities of the last solution.
    """

    def __init__(
        self, instance: Instance, overlay: Overlay, record: SearchRecord | None = None
    ) -> None:
        self.master = Master(instance, overlay, mixed=True, record=record)
        commodities = self.master.commodities
        forced = instance.forced
        self._root = Node(forced, ~(overlay.free | forced), commodities.floor)
        self.lower = float(commodities.weight @ commodities.floor)
        self.x: NDArray[np.float64] = forced.astype(np.float64)

    def cut(
        self, until: float = np.inf, upper: float = np.inf, listener: Listener = SILENT
    ) -> None:
        """Raise the bound by cuts until it stalls, time is up (`work_seconds()`), or it
        reaches an upper bound.
        """
        history: list[float] = []
        while (relaxed := self.master.relax(until)) is not None:
            self.x = relaxed.x
            self._root = self._root.proven(relaxed.bound, relaxed.duals)
            self.lower = max(self.lower, relaxed.bound)
            if self.master.record is not None:
                self.master.record.ends.clear()
                self.master.record.ended(self._root)
            listener.bounds_moved(min(self.lower, upper), upper)
            history.append(self.lower)
            if (
                self.lower >= upper
                or has_stalled(history, CUTS, moved=history[-1] != history[0])
                or work_seconds() >= until
            ):
                break
            self.master.program.drop_slack(CUTS.slack_solves)
            tightened = self.master.tighten(relaxed.x)
            if not self.master.separate(self._root, relaxed) and not tightened:
                break


# Plans from marginal probabilities by systematic sampling (Madow 1949).


def sampled_plan(
    instance: Instance, start: Mask, marginals: NDArray[np.float64], rng: np.random.Generator
) -> Mask:
    """Return a feasible (options,) mask: a feasible `start`, and options drawn by their
    (options,) marginals as far as they fit.
    """
    placed = start.copy()
    for option in systematic_sample(np.where(placed, 0.0, marginals), rng).tolist():
        placed[option] = (
            options_that_fit(instance, placed)[option]
            and options_that_break_none(instance, placed)[option]
        )
    return placed


def systematic_sample(
    marginals: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return the positions that are drawn, in random order.

    Options are put in random order and their probabilities laid end to end on a line;
    with a start u in [0, 1) those are placed whose stretch holds u, u + 1, u + 2, ...
    Each option is placed with its own probability, and every run of options that follow
    one another in that order holds its expected number, rounded up or down. Where a
    budget, an exclusion or a requirement is broken, options are left out, so the
    frequencies are near the probabilities and not equal to them; the restricted game
    gives the plans their weights.
    """
    order = rng.permutation(np.flatnonzero(marginals > 0))
    reached = np.cumsum(marginals[order]) + rng.random()
    before = np.append(reached[:1] - marginals[order[:1]], reached[:-1])
    return np.asarray(rng.permutation(order[np.floor(reached) > np.floor(before)]))
