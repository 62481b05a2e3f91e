"""The double oracle: plans and paths are added to a restricted game until neither side has a better answer.

1. The restricted game gives probabilities mu of plans, and the evaders' strategy y.
2. Evaders answer mu: best paths at several prices of the marginal probabilities; exact ones (`evader`) only where these bring nothing.
3. The defender answers y, smoothed with earlier ones (in-out separation): exchanges from plans of the mixture and from plans sampled by its
   marginals; where nothing gains, once more at y itself. Further samples join the game as they are.
4. Once the game's value is near enough to the lower bound, or no side moves, its mixture is brought down to few plans and certified: the upper
   bound is the sum of proven bounds of what each evader achieves.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.listener import SILENT, OnlyCancels, stop_if_cancelled
from optimizer.problem.result import relative_gap, tolerance_of
from optimizer.solvers.mixed.defender import DefenderBound, Exchanges
from optimizer.solvers.mixed.evader import EvaderOracle
from optimizer.solvers.mixed.restricted_game import RestrictedGame
from optimizer.solvers.mixed.sampling import sampled_plan

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.base.listener import Listener
    from optimizer.problem.instance import Instance
    from optimizer.solvers.mixed.marginals import MarginalRelaxation
    from optimizer.solvers.mixed.restricted_game import GameSolution
    from optimizer.solvers.overlay.overlay import Overlay

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

SAMPLED = 60
"""Plans sampled from the marginals of the relaxation."""
SMOOTHED = 0.5
"""Share of the best strategy so far in the one that the defender answers."""
STARTS = 2
"""Plans that the defender's exchanges begin from in one round, and as many sampled ones."""
DRAWN = 20
"""Plans sampled from the marginals of the mixture in one round, which join the game as they are: mixtures of them spread their options over
paths as the marginals do, where answers to one strategy of the evaders are all alike."""
FEW = 25
"""Plans that a mixture is brought down to where that costs little."""
COSTS_LITTLE, SLACK = 0.1, 0.2
"""Shares of the gap asked for that fewer plans, and looser proofs of what evaders achieve, may cost."""
PROOF_SHARE = 0.25
"""Share of the time after which a mixture is certified whether or not it is near the lower bound."""
ROUGHLY = 0.25
"""Share of the gap left that takes the place of the gap asked for in proofs before the search is done."""
KEPT_FOR_PROOF = 0.4
"""Share of the time that is kept for certifying the last mixture."""
FIRST_LABELS, MOST_LABELS = 16_000, 1_000_000
"""Labels of the search for one evader at first; twice as many after each proof that finds no better path, and most of all."""


@dataclass(frozen=True)
class CertifiedMixture:
    """A mixture with a proven upper bound.

    Attributes
    ----------
    plans, probability
        Masks and their probabilities, all above 0.
    upper
        Proven upper bound of what the evaders achieve against it.
    unsearched
        Number of pairs of origin and destination that are bounded as if their evaders saw the plan of the day, for want of time.
    """

    plans: tuple[Mask, ...]
    probability: Floats
    upper: float
    unsearched: int = 0


@dataclass
class DoubleOracle:
    """The state of one search.

    Attributes
    ----------
    instance, overlay, relaxation
        The problem, and its marginal relaxation after its cuts, whose pool of paths goes on to grow.
    start
        A feasible plan.
    best
        The best mixture so far; at first a single plan with its value.
    gap, until, seed, listener
        As in `optimizer.solvers.solve.solve`; `until` is a `time.monotonic()`.
    lower
        Proven lower bound of the value of every mixture.
    threads
        Searches of evaders that run beside one another, >= 1.
    """

    instance: Instance
    overlay: Overlay
    relaxation: MarginalRelaxation
    start: Mask
    best: CertifiedMixture
    gap: float = 0.0
    until: float = np.inf
    seed: int = 0
    listener: Listener = SILENT
    lower: float = 0.0
    threads: int = 1
    game: RestrictedGame = field(init=False)
    rounds: int = field(init=False, default=0)
    labels: int = field(init=False, default=0)
    ended_by_time: bool = field(init=False, default=False)
    _most: int = field(init=False, default=FIRST_LABELS)

    def __post_init__(self) -> None:
        """Set up the game."""
        master = self.relaxation.master
        self.game = RestrictedGame(master.commodities, master.pool)
        self._exchanges = Exchanges(self.instance, self.overlay)
        overlay = self.overlay
        ends = (overlay.n_nodes, overlay.tail, overlay.head, overlay.reliability)
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
        for plan in (*self.best.plans, self.start):
            self.game.add(plan)
        for _ in range(SAMPLED):
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
        return time.monotonic() >= self.until

    def run(self) -> None:
        """Add plans and paths until the bounds meet, time is up, or no side has a better answer and the bound stalls."""
        since = time.monotonic()
        longest = PROOF_SHARE * (self.until - since)
        searched = self.until - KEPT_FOR_PROOF * (self.until - since) if self.until < np.inf else np.inf
        last: GameSolution | None = None
        while not self.closed:
            stop_if_cancelled(self.listener)
            solution = None if time.monotonic() >= searched else self.game.solve(searched)
            if solution is None:
                self.ended_by_time = True
                if last is not None and not self.out_of_time:
                    self._certify(last, self.until, self._roughly)
                return
            self.rounds += 1
            last = solution
            tolerance = COSTS_LITTLE * tolerance_of(self.gap)
            found = self._answer_quickly(solution)
            gained = self._defend(solution, searched)
            near = solution.value <= self.lower / (1 - tolerance_of(self.gap) / 2)
            ready = (near or gained <= tolerance * solution.value) and found <= tolerance * solution.value
            if ready or time.monotonic() - since > longest:
                before = self.game.value_under(self._padded(solution.probability))
                now = time.monotonic()
                half = now + (self.until - now) / 2
                proven = (
                    self.until if ready or half + longest > searched else half
                )  # else there is time for another proof
                certified = self._certify(solution, proven, tolerance_of(self.gap) if ready else self._roughly)
                since, last = time.monotonic(), None
                known = self.game.value_under(self._padded(solution.probability)) - before
                still = known <= tolerance * before and gained <= tolerance * solution.value and not self.closed
                tight = certified <= before * (1 + 2 * SLACK * tolerance_of(self.gap)) or self._most == MOST_LABELS
                if still and tight and not self._raise_bound(solution):
                    return

    @property
    def _roughly(self) -> float:
        """Relative gap that a proof is made for while time is short: a share of the one that is left."""
        return max(tolerance_of(self.gap), ROUGHLY * self.gap_left)

    def _padded(self, probability: Floats) -> Floats:
        return np.pad(probability, (0, len(self.game.plans) - probability.size))

    def _answer_quickly(self, solution: GameSolution) -> float:
        """Add paths that evaders would take now; return by how much they raise the value."""
        marginals = np.array(self.game.plans[: solution.probability.size]).T @ solution.probability
        likeliest = self.game.plans[int(solution.probability.argmax())]
        self.game.pool.grow(marginals, np.zeros_like(likeliest))
        return self.game.value_under(self._padded(solution.probability)) - solution.value

    def _defend(self, solution: GameSolution, until: float) -> float:
        """Add plans that answer the evaders' strategy; return by how much one of them is below the value at the strategy itself."""
        y = solution.weight
        smooth = y if self._smooth is None else np.pad(self._smooth, (0, y.size - self._smooth.size))
        gained = self._answers((1 - SMOOTHED) * y + SMOOTHED * smooth, solution, until)
        if gained <= 0 and self._smooth is not None:
            gained = self._answers(y, solution, until)
        self._smooth = (1 - SMOOTHED) * y + SMOOTHED * smooth
        return gained

    def _answers(self, y: Floats, solution: GameSolution, until: float) -> float:
        chains = self.game.commodities.chains
        paths = self.game.pool.paths.take(np.arange(y.size)).joined(chains, self.game.pool.filling)
        weight = np.append(y, np.ones(chains.value.size))
        exchanges, own = self._exchanges, np.append(solution.weight, np.ones(chains.value.size))
        exchanges.weigh(paths, weight)
        likely = np.argsort(-solution.probability, kind="stable")[:STARTS]
        marginals = np.array(self.game.plans[: solution.probability.size]).T @ solution.probability
        drawn = [sampled_plan(self.instance, self.start, marginals, self._rng) for _ in range(DRAWN)]
        starts = [self.game.plans[x] for x in likely.tolist() if solution.probability[x] > 0] + drawn[:STARTS]
        improved = [exchanges.improved(start, until) for start in starts if time.monotonic() < until]
        answers = {plan.tobytes(): plan for plan in improved}
        exchanges.weigh(paths, own)
        gained = 0.0
        for plan in answers.values():
            gained = max(gained, solution.value - exchanges.value(plan))
            self.game.add(plan)
        for plan in drawn:
            self.game.add(plan)
        return gained

    def _certify(self, solution: GameSolution, until: float, gap: float) -> float:
        """Bring the mixture down to few plans, keep it if it is better, and return the proven bound of what evaders achieve against it.

        The proof may take until `until` (`time.monotonic()`), and fewer plans a quarter of that time; both may cost shares of a relative `gap`.
        """
        now = time.monotonic()
        probability = self._padded(self._sparse(solution, now + (until - now) / 4, gap))
        some = np.flatnonzero(probability)
        plans = [self.game.plans[x] for x in some.tolist()]
        share = probability[some]
        theta = self.game.values_under(probability)
        weight = self.game.commodities.weight[: theta.size]
        chains = self.game.chain_value(probability)
        survival = np.array([self.overlay.arc_survival(plan) for plan in plans]).T
        slack = SLACK * gap
        answers = self._evaders.answers(survival, share, theta, slack, self._most, until, self.listener)
        self.labels += answers.labels
        if not answers.arcs:
            self._most = min(2 * self._most, MOST_LABELS)
        else:
            self.game.pool.add(np.array(list(answers.arcs), dtype=np.int64), list(answers.arcs.values()))
        upper = float(weight @ answers.bound) + chains
        if upper < self.best.upper:
            self.best = CertifiedMixture(tuple(plans), share, upper, answers.unsearched)
            self.listener.bounds_moved(self.lower, upper)
        return upper

    def _sparse(self, solution: GameSolution, until: float, gap: float) -> Floats:
        """Return probabilities of few plans whose value is little above."""
        probability, most = solution.probability, solution.value * (1 + COSTS_LITTLE * gap)
        while (count := int((probability > 0).sum())) > FEW:
            fewer = max(FEW, count * 2 // 3)
            allowed = np.zeros(len(self.game.plans), dtype=bool)
            allowed[np.argsort(-probability, kind="stable")[:fewer]] = True
            trial = self.game.solve(until, allowed)
            if trial is None or trial.value > most:
                break
            probability = trial.probability
        return probability

    def restrict(self, most: int, single: CertifiedMixture) -> None:
        """Keep to at most so many plans: drop the least likely one by one, and certify the best mixture of those that are left.

        Where that is no better than a single plan, or there is no time to prove that it is, the single plan is kept.
        """
        if self.best.probability.size <= most:
            return
        plans, probability = self.best.plans, self.best.probability
        self.best = single
        stop_if_cancelled(self.listener)  # the proof would be; and an interrupt may have left the game half changed
        place = {plan.tobytes(): x for x, plan in enumerate(self.game.plans)}
        likely = np.array([place[plan.tobytes()] for plan in plans])
        trial: GameSolution | None = None
        while likely.size > most:
            likely = np.delete(likely, probability.argmin())
            trial = self.game.solve(self.until, self._only(likely))
            if trial is None:
                break
            probability = trial.probability[likely]
        before = np.inf
        exactly = tolerance_of(self.gap)
        while (
            trial is not None and trial.value < self.best.upper and self._certify(trial, self.until, exactly) < before
        ):
            before = self.best.upper
            trial = None if self.out_of_time else self.game.solve(self.until, self._only(likely))
        self.ended_by_time |= trial is None

    def _only(self, plans: NDArray[np.int64]) -> Mask:
        allowed = np.zeros(len(self.game.plans), dtype=bool)
        allowed[plans] = True
        return allowed

    def _raise_bound(self, solution: GameSolution) -> bool:
        """Raise the lower bound by branch and cut of the defender's answer; return whether it rose or a better plan was found."""
        chains = self.overlay.chains
        paths = self.game.pool.paths.take(np.arange(solution.weight.size))
        self._exchanges.weigh(
            paths.joined(self.game.commodities.chains, self.game.pool.filling),
            np.append(solution.weight, np.ones(chains.value.size)),
        )
        plan = min(self.game.plans, key=self._exchanges.value)
        answer = DefenderBound(self.instance, self.overlay, paths, solution.weight, plan, OnlyCancels(self.listener))
        before = self.lower
        bound = answer.bound(tolerance_of(self.gap) / 2, self.until)
        self.lower = max(self.lower, min(bound, self.best.upper))
        self.listener.bounds_moved(self.lower, self.best.upper)
        added = [self.game.add(better) for better in answer.better]
        return self.lower > before or any(added)
