"""What is asked of a search, and the parameters of its parts that a researcher may turn.

`SolveParams` can be set from a TOML file and by `--param tree.most_rounds=4` (`optimizer.base.params`), in a scenario under `[solve.params]`,
and from Python. Whatever they are, bounds are proven and plans are valued exactly: parameters change how long a search takes and which plans it
finds. Tolerances of proofs are no parameters; they stand as constants beside the proof.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from optimizer.base.params import Params


@dataclass(frozen=True)
class RootParams(Params):
    """The loop of cuts at the root (`branch_and_cut.tree`)."""

    stalled: Annotated[
        float,
        Field(gt=0, lt=1, description="relative rise of the bound over `patience` rounds below which the loop ends"),
    ] = 1e-3
    patience: Annotated[
        int,
        Field(
            ge=1,
            description="rounds over which that rise is measured; one round alone often moves between equal optima",
        ),
    ] = 5
    flat_rounds: Annotated[
        int,
        Field(
            ge=1,
            description="rounds before a bound that has not moved counts as stalled; at first too few paths are known",
        ),
    ] = 80
    slack_solves: Annotated[
        int,
        Field(
            ge=1, description="linear programs after which a row without a dual is dropped; fewer keep programs small"
        ),
    ] = 3
    most_tightenings: Annotated[
        int,
        Field(
            ge=0,
            description="times that bounds of evaders are tightened under the budgets, with a loop of cuts after each",
        ),
    ] = 4
    tightening_share: Annotated[
        float, Field(gt=0, le=1, description="share of the time left that one of these may take")
    ] = 0.1


@dataclass(frozen=True)
class TreeParams(Params):
    """The nodes of branch and cut (`branch_and_cut.tree`)."""

    most_rounds: Annotated[
        int, Field(ge=3, description="rounds of cuts at a node after which one without a gain ends them")
    ] = 8
    worthwhile: Annotated[
        float,
        Field(
            ge=0,
            le=1,
            description="share of the distance to the cutoff that two rounds at a node must gain for another",
        ),
    ] = 0.1
    worthwhile_beside_relaxed: Annotated[
        float, Field(ge=0, le=1, description="the same where beats are relaxed options, as in the bound over all beats")
    ] = 0.05
    search_every: Annotated[
        int, Field(ge=1, description="every so many rounds at a node search for new paths; the others take those known")
    ] = 3
    slack_solves: Annotated[
        int,
        Field(
            ge=1,
            description="linear programs after which a row without a dual is dropped; more than at the root, as nodes differ",
        ),
    ] = 12
    splits: Annotated[
        int, Field(ge=0, description="splits tried without a better one before the best is taken (strong branching)")
    ] = 3
    splits_beside_relaxed: Annotated[
        int,
        Field(ge=0, description="the same beside relaxed options, whose linear programs take long: 0 takes the first"),
    ] = 0
    most_commodities: Annotated[
        int,
        Field(ge=1, description="pairs of origin and destination whose paths give splits, the most promising first"),
    ] = 24
    most_paths: Annotated[int, Field(ge=1, description="paths of a pair that a split may close")] = 80


@dataclass(frozen=True)
class HeuristicParams(Params):
    """Searches for plans: around plans known, and of plans that close one cut of the network."""

    most_seconds: Annotated[float, Field(gt=0, description="seconds of one local search at most")] = 10.0
    share: Annotated[
        float,
        Field(
            gt=0,
            le=1,
            description="share of the time left for one local search, and of the time spent for all beside the tree",
        ),
    ] = 0.25
    nodes_between: Annotated[
        int,
        Field(
            ge=1,
            description="nodes between two local searches where there is no time limit, so that a search can be repeated",
        ),
    ] = 8
    wide_gap: Annotated[
        float,
        Field(
            ge=0,
            le=1,
            description="relative gap above which ruins, and a search from a greedy plan, are worth their time",
        ),
    ] = 0.05
    most_ruins: Annotated[
        int, Field(ge=0, description="ruins without a better plan after which ruin and recreate ends")
    ] = 120
    ruined: Annotated[float, Field(gt=0, le=1, description="largest share of the options that one ruin takes out")] = (
        0.3
    )
    noise: Annotated[
        float, Field(ge=0, lt=1, description="relative size of the random change of gains while a plan is filled again")
    ] = 0.3
    accepted_loss: Annotated[
        float,
        Field(
            ge=0, le=1, description="how much worse than the best, relative, a plan may be that the ruins go on from"
        ),
    ] = 0.004
    start_share: Annotated[
        float,
        Field(gt=0, le=1, description="share of the time left that a search around a plan to begin from may take"),
    ] = 0.6
    dive_gap: Annotated[
        float,
        Field(
            ge=0,
            le=1,
            description="relative gap of the root up to which no dive is made: the tree finds its plan sooner",
        ),
    ] = 0.06
    min_cut_gap: Annotated[
        float,
        Field(
            ge=0,
            le=1,
            description="relative gap of the root above which a plan that closes one cut is looked for; 1 for never",
        ),
    ] = 0.05
    min_cut_nodes: Annotated[
        int, Field(ge=1, description="nodes of the program that looks for it; 20 found no plan on rio-grande-100")
    ] = 200
    min_cut_share: Annotated[
        float,
        Field(
            gt=0,
            le=1,
            description="share of the time left that it may take; if that is below 5 s, 5 s or 0.8 of that time, the lesser",
        ),
    ] = 0.3


@dataclass(frozen=True)
class LagrangianParams(Params):
    """Lagrangian cuts for groups of evaders (`branch_and_cut.cuts.lagrangian_cuts`)."""

    gap: Annotated[
        float, Field(ge=0, le=1, description="relative gap of the root above which groups are searched; 1 for never")
    ] = 0.05
    share: Annotated[float, Field(gt=0, le=1, description="share of the time left that all of them may take")] = 0.85
    nodes: Annotated[
        int, Field(ge=1, description="nodes of one search at a gap of 5 %; they rise with the square of the gap")
    ] = 40
    tried: Annotated[int, Field(ge=2, description="searches before the gain of all is judged by theirs")] = 6
    worthwhile: Annotated[
        float,
        Field(ge=0, le=1, description="share of the gap that all are expected to close for more of them to be made"),
    ] = 0.1


@dataclass(frozen=True)
class WorkerParams(Params):
    """Processes that share the tree (`branch_and_cut.parallel`)."""

    start_after: Annotated[
        float,
        Field(
            ge=0,
            description="seconds of search before they are started, which costs about 1.5 s of processor time each",
        ),
    ] = 2.0
    slice_seconds: Annotated[
        float,
        Field(
            gt=0,
            description="seconds after which a worker hands back its open nodes, so that all work near the least bound",
        ),
    ] = 2.0
    most_nodes: Annotated[int, Field(ge=1, description="open nodes given to a worker at once")] = 8
    most_lost: Annotated[
        int, Field(ge=0, description="workers that may be lost before no other is started in their place")
    ] = 6


@dataclass(frozen=True)
class PatrolParams(Params):
    """Beats of patrol teams (`patrols.joint`); shares are of the time limit, and end with the step named."""

    generating: Annotated[float, Field(gt=0, le=1, description="share after which column generation must end")] = 0.25
    diving: Annotated[float, Field(gt=0, le=1, description="share after which the first dive must end")] = 0.3
    fixed: Annotated[
        float, Field(gt=0, le=1, description="share after which the search for fixed options without beats must end")
    ] = 0.4
    diving_again: Annotated[
        float, Field(gt=0, le=1, description="share after which the dive for beats beside these must end")
    ] = 0.44
    bounding: Annotated[
        float,
        Field(
            gt=0,
            le=1,
            description="share after which the tree that bounds plans with any beats must end; up to `diving_again`: no such tree",
        ),
    ] = 0.95
    most_beats: Annotated[
        int,
        Field(
            ge=0,
            description="beats of the placement problem beside those of its first plan: those of least reduced cost",
        ),
    ] = 120
    listed: Annotated[
        int,
        Field(
            ge=0,
            description="beats up to which all that a better plan may hold are listed, which proves its bound for all beats",
        ),
    ] = 40
    most_rounds: Annotated[int, Field(ge=1, description="rounds of column generation at the root")] = 60
    proof_every: Annotated[
        int,
        Field(ge=1, description="rounds after which pricing is solved to proof, so that an interrupt finds a bound"),
    ] = 6
    candidates: Annotated[
        int, Field(ge=1, description="options whose children are solved before a node is split (strong branching)")
    ] = 4


@dataclass(frozen=True)
class MixedParams(Params):
    """The method `mixed` (`mixed.solve_mixed`, `mixed.double_oracle`); shares are of the time limit."""

    single: Annotated[float, Field(gt=0, lt=1, description="share for the best single plan")] = 0.15
    relaxed: Annotated[
        float, Field(gt=0, lt=1, description="share after which the relaxation over beats must end, with patrol teams")
    ] = 0.5
    unrestricted: Annotated[
        float,
        Field(gt=0, le=1, description="with a largest support, share after which the search of any support must end"),
    ] = 0.8
    recorded: Annotated[
        float, Field(gt=0, lt=1, description="with a certificate, share kept for the search that it is made from")
    ] = 0.3
    proof: Annotated[
        float,
        Field(
            gt=0, le=1, description="share of the search after which a mixture is certified though it may still improve"
        ),
    ] = 0.25
    kept_for_proof: Annotated[
        float, Field(ge=0, lt=1, description="share of the search that is kept for certifying the last mixture")
    ] = 0.4
    sampled: Annotated[int, Field(ge=0, description="plans sampled at first from the marginals of the relaxation")] = 60
    starts: Annotated[
        int, Field(ge=1, description="plans from which the defender's swaps begin in a round, and as many sampled ones")
    ] = 2
    drawn: Annotated[
        int,
        Field(ge=0, description="plans sampled from the mixture in a round: they spread its options over more paths"),
    ] = 20
    first_labels: Annotated[
        int,
        Field(ge=1, description="labels of the search for one evader at first; twice as many where it finds nothing"),
    ] = 16_000
    most_labels: Annotated[int, Field(ge=1, description="labels of it at most, about 1 s a million")] = 1_000_000


@dataclass(frozen=True)
class SolveParams(Params):
    """All parameters of a search, by part; seconds and shares of time are of work (`optimizer.base.work.work_clock`)."""

    root: RootParams = RootParams()
    tree: TreeParams = TreeParams()
    heuristics: HeuristicParams = HeuristicParams()
    lagrangian: LagrangianParams = LagrangianParams()
    workers: WorkerParams = WorkerParams()
    patrols: PatrolParams = PatrolParams()
    mixed: MixedParams = MixedParams()


@dataclass(frozen=True)
class SolveOptions:
    """What is asked of a search, whatever its method; each as in `optimizer.solvers.solve.solve`."""

    method: str = "auto"
    gap: float = 1e-4
    time_limit: float | None = None
    seed: int = 0
    threads: int | None = None
    scheduler: str | None = None
    params: SolveParams = SolveParams()
