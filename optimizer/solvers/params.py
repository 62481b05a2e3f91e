"""What is asked of a search, and the parameters of its parts that a researcher may
turn.

`SolveParams` can be set from a TOML file and by `--param tree.most_rounds=4`
(`optimizer.base.params`), in a scenario under `[solve.params]`, and from Python.
Whatever they are, bounds are proven and plans are valued exactly: parameters change how
long a search takes and which plans it finds. Tolerances of proofs are no parameters;
they stand as constants beside the proof.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat

from optimizer.base.params import Params
from optimizer.base.schema import Chance, Count, Share


@dataclass(frozen=True)
class RootParams(Params):
    """The loop of cuts at the root (`branch_and_cut.tree`)."""

    stalled: Annotated[float, Field(gt=0, lt=1)] = 1e-3
    """relative rise of the bound over `patience` rounds below which the loop ends"""
    patience: Count = 5
    """rounds over which that rise is measured; one round alone often moves between equal optima"""
    flat_rounds: Count = 80
    """rounds before a bound that has not moved counts as stalled; at first too few
    paths are known
    """
    slack_solves: Count = 3
    """linear programs after which a row without a dual is dropped; fewer keep programs small"""
    most_tightenings: NonNegativeInt = 4
    """times that bounds of evaders are tightened under the budgets, with a loop of cuts
    after each
    """
    tightening_share: Share = 0.1
    """share of the time left that one of these may take"""


@dataclass(frozen=True)
class TreeParams(Params):
    """The nodes of branch and cut (`branch_and_cut.tree`)."""

    most_rounds: Annotated[int, Field(ge=3)] = 8
    """rounds of cuts at a node after which one without a gain ends them"""
    worthwhile: Chance = 0.1
    """share of the distance to the cutoff that two rounds at a node must gain for another"""
    worthwhile_beside_relaxed: Chance = 0.05
    """the same where beats are relaxed options, as in the bound over all beats"""
    search_every: Count = 3
    """every so many rounds at a node search for new paths; the others take those known"""
    slack_solves: Count = 12
    """linear programs after which a row without a dual is dropped; more than at the
    root, as nodes differ
    """
    splits: NonNegativeInt = 3
    """splits tried without a better one before the best is taken (strong branching)"""
    splits_beside_relaxed: NonNegativeInt = 0
    """the same beside relaxed options, whose linear programs take long: 0 takes the first"""
    most_commodities: Count = 24
    """pairs of origin and destination whose paths give splits, the most promising first"""
    most_paths: Count = 80
    """paths of a pair that a split may close"""


@dataclass(frozen=True)
class HeuristicParams(Params):
    """Searches for plans: around plans known, and of plans that close one cut of the network."""

    most_seconds: PositiveFloat = 10.0
    """seconds of one local search at most"""
    share: Share = 0.25
    """share of the time left for one local search, and of the time spent for all beside the tree"""
    nodes_between: Count = 8
    """nodes between two local searches where there is no time limit, so that a search
    can be repeated
    """
    wide_gap: Chance = 0.05
    """relative gap above which ruins, and a search from a greedy plan, are worth their time"""
    most_ruins: NonNegativeInt = 120
    """ruins without a better plan after which ruin and recreate ends"""
    ruined: Share = 0.3
    """largest share of the options that one ruin takes out"""
    noise: Annotated[float, Field(ge=0, lt=1)] = 0.3
    """relative size of the random change of gains while a plan is filled again"""
    accepted_loss: Chance = 0.004
    """how much worse than the best, relative, a plan may be that the ruins go on from"""
    start_share: Share = 0.6
    """share of the time left that a search around a plan to begin from may take"""
    dive_gap: Chance = 0.06
    """relative gap of the root up to which no dive is made: the tree finds its plan sooner"""
    min_cut_gap: Chance = 0.05
    """relative gap of the root above which a plan that closes one cut is looked for; 1 for never"""
    min_cut_nodes: Count = 200
    """nodes of the program that looks for it; 20 found no plan on rio-grande-100"""
    min_cut_share: Share = 0.3
    """share of the time left that it may take; if that is below 5 s, 5 s or 0.8 of that
    time, the lesser
    """


@dataclass(frozen=True)
class LagrangianParams(Params):
    """Lagrangian cuts for groups of evaders (`branch_and_cut.cuts.lagrangian_cuts`)."""

    gap: Chance = 0.05
    """relative gap of the root above which groups are searched; 1 for never"""
    share: Share = 0.85
    """share of the time left that all of them may take"""
    nodes: Count = 40
    """nodes of one search at a gap of 5 %; they rise with the square of the gap"""
    tried: Annotated[int, Field(ge=2)] = 6
    """searches before the gain of all is judged by theirs"""
    worthwhile: Chance = 0.1
    """share of the gap that all are expected to close for more of them to be made"""


@dataclass(frozen=True)
class WorkerParams(Params):
    """Processes that share the tree (`branch_and_cut.parallel`)."""

    start_after: NonNegativeFloat = 2.0
    """seconds of search before they are started, which costs about 1.5 s of processor time each"""
    slice_seconds: PositiveFloat = 2.0
    """seconds after which a worker hands back its open nodes, so that all work near the
    least bound
    """
    most_nodes: Count = 8
    """open nodes given to a worker at once"""
    most_lost: NonNegativeInt = 6
    """workers that may be lost before no other is started in their place"""


@dataclass(frozen=True)
class PatrolParams(Params):
    """Beats of patrol teams (`patrols.joint`); shares are of the time limit, and end
    with the step named.
    """

    generating: Share = 0.25
    """share after which column generation must end"""
    diving: Share = 0.3
    """share after which the dive must end"""
    improving: Share = 0.65
    """share after which exact steps around the best plan must end, where one process
    makes them before that tree
    """
    bounding: Share = 0.95
    """share after which the tree that bounds plans with any beats must end; up to
    `improving`: no such tree
    """
    most_beats: NonNegativeInt = 120
    """beats of the placement problem beside those of its first plan: those of least reduced cost"""
    listed: NonNegativeInt = 40
    """beats up to which all that a better plan may hold are listed, which proves its
    bound for all beats
    """
    most_rounds: Count = 60
    """rounds of column generation at the root"""
    proof_every: Count = 6
    """rounds after which pricing is solved to proof, so that an interrupt finds a bound"""
    candidates: Count = 4
    """options whose children are solved before a node is split (strong branching)"""


@dataclass(frozen=True)
class MixedParams(Params):
    """The method `mixed` (`mixed.solve_mixed`, `mixed.double_oracle`); shares are of
    the time limit.
    """

    single: Annotated[float, Field(gt=0, lt=1)] = 0.15
    """share for the best single plan"""
    relaxed: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """share after which the relaxation over beats must end, with patrol teams"""
    unrestricted: Share = 0.8
    """with a largest support, share after which the search of any support must end"""
    recorded: Annotated[float, Field(gt=0, lt=1)] = 0.3
    """with a certificate, share kept for the search that it is made from"""
    proof: Share = 0.25
    """share of the search after which a mixture is certified though it may still
    improve; then after rounds of at most that proof's time
    """
    kept_for_proof: Annotated[float, Field(ge=0, lt=1)] = 0.4
    """share of the search that is kept for certifying the last mixture; less once a
    proof has shown how long one takes
    """
    sampled: NonNegativeInt = 60
    """plans sampled at first from the marginals of the relaxation"""
    starts: Count = 2
    """plans from which the defender's swaps begin in a round, and as many sampled ones"""
    drawn: NonNegativeInt = 20
    """plans sampled from the mixture in a round: they spread its options over more paths"""
    first_labels: Count = 16_000
    """labels of the search for one evader at first; twice as many where it finds nothing"""
    most_labels: Count = 1_000_000
    """labels of it at most, about 1 s a million"""


@dataclass(frozen=True)
class ClockParams(Params):
    """What the time limit counts (`optimizer.base.work.work_clock`)."""

    by_work: bool = False
    """whether it counts work, the processor seconds of the longest chain of work of all
    processes, in place of seconds by the clock: what other programs do then does not
    shorten the search; one linear program may go on beyond it
    """


@dataclass(frozen=True)
class SolveParams(Params):
    """All parameters of a search, by part; seconds and shares of time are of work
    (`optimizer.base.work.work_clock`).
    """

    root: RootParams = RootParams()
    tree: TreeParams = TreeParams()
    heuristics: HeuristicParams = HeuristicParams()
    lagrangian: LagrangianParams = LagrangianParams()
    workers: WorkerParams = WorkerParams()
    patrols: PatrolParams = PatrolParams()
    mixed: MixedParams = MixedParams()
    clock: ClockParams = ClockParams()


@dataclass(frozen=True)
class SolveOptions:
    """What is asked of a search, whatever its method; each as in
    `optimizer.solvers.solve.solve`.
    """

    method: str = "auto"
    gap: float = 1e-4
    time_limit: float | None = None
    seed: int = 0
    threads: int | None = None
    scheduler: str | None = None
    params: SolveParams = SolveParams()
