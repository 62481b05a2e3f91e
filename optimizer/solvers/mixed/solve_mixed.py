"""Method `mixed`: the best single plan, then the mixture of plans of least value
against evaders who know it but not the plan of the day.

1. The exact single plan, for a share of the time: it is what a mixture is compared
   with, and the mixture to begin from; with patrol teams the beats that plans may drive
   as well (`preparation`).
2. The marginal relaxation: a lower bound of every mixture (`marginals`).
3. The double oracle: mixtures with proven upper bounds, until the bounds meet
   (`double_oracle`).
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from optimizer.base.work.executor import thread_count
from optimizer.base.work.listener import (
    SILENT,
    ForwardingListener,
    Listener,
    OnlyCancels,
    Stopping,
    step,
)
from optimizer.base.work.work_clock import work_seconds
from optimizer.problem.instance.evaders import Evader, Route
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.methods import MIXED
from optimizer.problem.plan.evaluation import plan_value
from optimizer.problem.plan.plan import (
    Beat,
    Mixture,
    Plan,
    known_options,
    violations,
    with_beats,
    with_teams,
)
from optimizer.problem.plan.result import Limit, Randomised, Result, relative_gap, tolerance_of
from optimizer.solvers.branch_and_cut.improve.feasible_start import feasible_start, made_to_fit
from optimizer.solvers.branch_and_cut.proof.certificate import WEIGHTS, NetworkWalks
from optimizer.solvers.branch_and_cut.proof.record import SearchRecord, Strategy
from optimizer.solvers.mixed.double_oracle import (
    MOVED,
    CertifiedMixture,
    DoubleOracle,
    MarginalRelaxation,
)
from optimizer.solvers.mixed.restricted_game import GameSolution
from optimizer.solvers.overlay.overlay import Overlay, contract
from optimizer.solvers.params import SolveOptions
from optimizer.solvers.patrols.beat_pool import with_tours
from optimizer.solvers.patrols.branch_and_price import BranchAndPrice
from optimizer.solvers.patrols.column_generation import ColumnGeneration
from optimizer.solvers.patrols.joint import solve_joint
from optimizer.solvers.place import check_options, limited_as_asked, place

Mask = NDArray[np.bool_]


def solve_mixed(
    instance: Instance,
    options: SolveOptions = SolveOptions(),
    *,
    support: int | None = None,
    listener: Listener = SILENT,
    starts: Sequence[Plan] = (),
    record: SearchRecord | None = None,
) -> Result:
    """Return the mixture of plans that lets least through, and the best single plan.

    Ctrl-C ends the search, whatever step is under way, and returns the best mixture so
    far with its bounds; one before there is any plan raises KeyboardInterrupt.

    Parameters
    ----------
    instance
        The problem.
    options, listener
        As in `optimizer.solvers.place.place`, whatever the method; the time is shared.
        Processes are those of the search for a single plan, after which as many
        searches of evaders run beside one another.
    starts
        Plans to begin from, as in `solve_joint`; they are plans of the mixture's first
        game too.
    support
        Most different plans of the mixture, >= 1; None for as many as are found. A
        search that is interrupted before it has reduced its mixture to so many returns
        the single plan.
    record
        Receives what a certificate of the bound needs, for a share
        `params.mixed.recorded` of the time; without patrol teams.

    Raises
    ------
    InputError, InfeasibleError, SolverError
        As in `solve`.
    """
    options = replace(options, method="auto")
    check_options(options)
    machine_started = time.monotonic()
    started = work_seconds()
    params = options.params.mixed
    time_limit = options.time_limit

    def end(share: float) -> float:
        return np.inf if time_limit is None else started + share * time_limit

    single_options = replace(
        options, time_limit=None if time_limit is None else params.single * time_limit
    )
    with limited_as_asked(options), Stopping(listener) as stopping:
        if instance.patrols is None:
            problem = prepare_options(instance, single_options, starts, stopping)
        else:
            problem = prepare_beats(instance, single_options, starts, stopping, end(params.relaxed))
        single = CertifiedMixture((problem.plan,), np.ones(1), float(problem.pure.upper or 0.0))
        if record is not None:
            record.relaxed = SearchRecord()
        relaxation = MarginalRelaxation(
            problem.instance, problem.overlay, None if record is None else record.relaxed
        )
        last = 1.0 if record is None else 1.0 - params.recorded
        telling = stopping if problem.lower is None else _OverAllBeats(stopping, problem.lower)
        search = DoubleOracle(
            problem.instance,
            problem.overlay,
            relaxation,
            problem.start,
            single,
            options.gap,
            end(last),
            options.seed,
            telling,
            threads=thread_count(options.threads),
            params=params,
            known=problem.known,
        )

        def mix() -> None:
            with step(stopping, "bounding mixtures"):
                relaxation.cut(end((1 + params.relaxed) / 2), single.upper, telling)
            search.begin()
            with step(stopping, "mixing plans"):
                search.until = end(last if support is None else last * params.unrestricted)
                search.run()

        def restrict() -> None:
            search.until = end(last)
            if support is not None:
                search.restrict(support, single)

        def prove() -> None:
            if record is not None:
                with step(stopping, "proving the bound of mixtures once more, for the certificate"):
                    record_bound(search, record, options, end(1.0), stopping)

        stopping.attempt(mix)
        stopping.attempt(restrict)
        stopping.attempt(prove)
        limit: Limit | None = (
            "interrupted"
            if stopping.stopped
            else "time"
            if search.ended_by_time or search.out_of_time
            else None
        )
        if search.best.unsearched:
            pairs = search.game.commodities.searches.leaf.size
            stopping.noted(
                "Time was short to search for the best paths against the mixture:"
                f" {search.best.unsearched} of {pairs} pairs of origin and destination are bounded"
                " as if their evaders saw the plan of the day. A longer time limit gives a lower"
                " bound."
            )
        return _outcome(problem, search, limit, time.monotonic() - machine_started)


def _outcome(
    problem: PreparedProblem, search: DoubleOracle, limit: Limit | None, seconds: float
) -> Result:
    """Return the result of a search."""
    best, pure = search.best, _best_single(problem, search.best)
    # what the overlay leaves out gets through as well, whatever the mixture
    best = replace(best, upper=best.upper + problem.overlay.left_out_value)
    if pure.upper is not None and pure.upper <= best.upper:  # a single plan is a mixture as well
        plan = problem.instance.placed(() if pure.plan is None else pure.plan.options)
        best = CertifiedMixture((plan,), np.ones(1), pure.upper)
    # within the beats that were made; an interrupt may have come before the search took
    # the relaxation's bound
    weighed = min(max(search.lower, search.relaxation.lower), best.upper)
    lower = weighed if problem.lower is None else min(problem.lower, best.upper)
    order = np.argsort(-best.probability, kind="stable").tolist()
    plans = tuple(
        with_tours(Plan.from_mask(problem.instance, best.plans[x]), problem.beats) for x in order
    )
    share = best.probability[order] / best.probability.sum()
    closed = (relative_gap(lower, best.upper) or 0.0) <= tolerance_of(search.gap)
    everything = relative_gap(search.value_of_everything, best.upper) or 0.0
    statistics = {
        "rounds": float(search.rounds),
        "plans": float(len(search.game.plans)),
        "paths": float(search.game.pool.paths.value.size),
        "labels": float(search.labels),
        "unsearched": float(best.unsearched),
    }
    return replace(
        pure,
        method=MIXED,
        status="optimal" if closed else "feasible",
        limit=None if closed and limit != "interrupted" else limit,
        lower=lower,
        upper=best.upper,
        seconds=seconds,
        statistics=dict(pure.statistics) | statistics,
        weighed=None if problem.lower is None else len(problem.beats),
        weighed_lower=None if problem.lower is None else max(weighed, lower),
        mixed=Randomised(
            mixture=Mixture(plans, tuple(share.tolist())),
            pure_lower=max(float(pure.lower or 0.0), lower),  # a single plan is a mixture as well
            pure_upper=float(pure.upper or 0.0),
            saturated=everything <= tolerance_of(search.gap),
        ),
    )


def _best_single(problem: PreparedProblem, best: CertifiedMixture) -> Result:
    """Return the best single plan: that of its own search, or a plan of the mixture
    that is better with its own exact value.
    """
    pure = problem.pure
    values = [problem.overlay.value(plan) for plan in best.plans]
    plan = best.plans[int(np.argmin(values))]
    if pure.upper is not None and min(values) >= pure.upper:
        return pure
    upper = plan_value(problem.instance, plan)
    if pure.upper is not None and upper >= pure.upper:
        return pure
    chosen = with_tours(Plan.from_mask(problem.instance, plan), problem.beats)
    return replace(pure, plan=chosen, upper=upper, lower=min(pure.lower or 0.0, upper))


# What a search for a mixture begins from: the problem on its overlay, the best single
# plan, and with patrol teams the beats of its plans.
#
# With teams the marginal relaxation is that of column generation over all beats
# (`optimizer.solvers.patrols.column_generation`), with rows of single paths alone: its
# bound holds for mixtures of plans with any beats, as how often an element is present
# is linear in the plans. Beats that it makes, and those of the best single plan, are
# what mixtures are made of.
@dataclass(frozen=True)
class PreparedProblem:
    """What a search begins from."""

    #: `instance`, `overlay`: The problem; beats stand behind its options.
    instance: Instance
    overlay: Overlay
    #: A feasible plan of few options, without beats.
    start: Mask
    #: `pure`, `plan`: The best single plan, and its mask.
    pure: Result
    plan: Mask
    #: Masks of other plans that are known.
    known: tuple[Mask, ...] = ()
    #: The beats that plans may drive.
    beats: tuple[Beat, ...] = ()
    #: Proven lower bound of mixtures of plans with any beats; None without patrol
    #: teams.
    lower: float | None = None


class _OverAllBeats(ForwardingListener):
    """Passes lower bounds within the beats at hand on as far as one over all beats proves them."""

    def __init__(self, listener: Listener, proven: float) -> None:
        super().__init__(listener)
        self._proven = proven

    def bounds_moved(self, lower: float, upper: float) -> None:
        """Tell what is proven over all beats."""
        super().bounds_moved(min(lower, self._proven), upper)


class _WithoutBounds(ForwardingListener):
    """Passes on all but the bounds over single plans, which are none of mixtures."""

    def bounds_moved(self, lower: float, upper: float) -> None:
        """Say nothing."""


def prepare_options(
    instance: Instance, options: SolveOptions, starts: Sequence[Plan], stopping: Stopping
) -> PreparedProblem:
    """Contract the network and find the best single plan of options.

    Raises
    ------
    KeyboardInterrupt
        If the listener cancels before there is any plan.
    """
    start = feasible_start(instance)
    with step(stopping, "contracting the network", stoppable=False):
        # with plans to begin from there is something to keep
        overlay = contract(instance) if starts else stopping.attempt(lambda: contract(instance))
    if overlay is None:
        raise KeyboardInterrupt
    with step(stopping, "solving for a single plan", stoppable=False):
        masks = [instance.placed(known_options(instance, plan)) for plan in starts]
        pure = place(
            instance, options, listener=_WithoutBounds(stopping), overlay=overlay, starts=masks
        )
    plan = start if pure.plan is None else instance.placed(pure.plan.options)
    fitting = [made_to_fit(instance, mask) for mask in masks]
    return PreparedProblem(
        instance,
        overlay,
        start,
        pure,
        plan,
        tuple(mask for mask in fitting if not violations(instance, mask)),
    )


def prepare_beats(
    instance: Instance,
    options: SolveOptions,
    starts: Sequence[Plan],
    stopping: Stopping,
    until: float,
) -> PreparedProblem:
    """Find the best single plan of options and beats, bound mixtures over all beats
    until `work_seconds()` passes `until`, and make beats.

    Raises
    ------
    KeyboardInterrupt
        If the listener cancels before there is any plan.
    """
    instance = with_teams(instance)
    if instance.patrols is None:
        raise ValueError("an instance without patrol teams")
    start = feasible_start(instance)
    with step(stopping, "solving for a single plan", stoppable=False):
        pure = solve_joint(instance, options, listener=_WithoutBounds(stopping), starts=starts)
    generation = ColumnGeneration(instance, instance.patrols, seed=options.seed, mixed=True)
    tree = BranchAndPrice(
        generation, gap=options.gap, listener=OnlyCancels(stopping), params=options.params.patrols
    )

    def bound() -> None:
        with step(stopping, "bounding mixtures over all beats"):
            tree.cut_root(until)

    stopping.attempt(bound)
    own = () if pure.plan is None else pure.plan.beats
    beats = _pool(tree, own, options.params.patrols.most_beats)
    whole = with_beats(instance, beats)
    none = np.zeros(len(beats), dtype=bool)
    begin = np.concatenate((start, none))
    return PreparedProblem(
        instance=whole,
        overlay=generation.overlay_of(whole, beats),
        start=begin,
        pure=pure,
        plan=begin if pure.plan is None else whole.placed(pure.plan.options),
        beats=beats,
        lower=tree.lower,
    )


def _pool(tree: BranchAndPrice, own: Iterable[Beat], most: int) -> tuple[Beat, ...]:
    """Return the beats of a plan, and so many beats of least reduced cost in the
    relaxation under names of their own.
    """
    generation, beats = tree.generation, list(own)
    known = {(beat.patrol, beat.posts, beat.slots) for beat in beats}
    taken = {beat.id for beat in beats}
    reduced = np.zeros(len(generation.beats))
    if tree.proof is not None:
        reduced = generation.reduced_at(tree.proof.relaxed)
    number = 0
    for b in np.argsort(reduced, kind="stable").tolist():
        beat = generation.beats[b]
        if (beat.patrol, beat.posts, beat.slots) in known or len(beats) >= len(known) + most:
            continue
        name = beat.id
        while name in taken:
            number += 1
            name = f"{generation.patrols.patrols[beat.patrol].id} {len(generation.beats) + number}"
        taken.add(name)
        beats.append(replace(beat, option=replace(beat.option, id=name)))
    return tuple(beats)


# The bound of mixtures as a record for a certificate (Proposition 18).
#
# The evaders' strategy of the last game gives each path a weight. Against it every path
# is the route of a habitual evader. So the bound is that of a placement problem without
# informed evaders, on the network itself. That problem is solved, and its search is
# recorded.

MOST_ROUNDS = 20
"""Rounds in which paths are added to the last game."""

LEAST_TIME = 1e-3
"""Seconds, above 0, of a search for which no time is left."""


def record_bound(
    search: DoubleOracle,
    record: SearchRecord,
    options: SolveOptions,
    until: float,
    listener: Listener = SILENT,
) -> None:
    """Bound all plans against the evaders' strategy of the last game, and record the
    search; without any time left nothing is recorded.

    Parameters
    ----------
    search
        A search that has ended, whose pool has kept the arcs of its paths.
    record
        Receives the search and the strategy.
    options
        Of the search for the bound; it ends at half the gap, or when `work_seconds()`
        passes `until`.
    listener
        Asked whether to stop.
    """
    solution, instance = _last_game(search), search.instance
    if solution is None:
        return
    walks = _walks(search, np.flatnonzero(solution.weight > 0).tolist())
    paths = tuple(
        (arcs, float(solution.weight[place]) * (1 - WEIGHTS)) for place, arcs in walks.items()
    )
    habitual = [k for k, evader in enumerate(instance.evaders) if evader.routes]
    against = [
        Evader(
            f"path {n}",
            int(instance.tail[arcs[0]]),
            int(instance.head[arcs[-1]]),
            weight,
            (Route(arcs, 1.0),),
        )
        for n, (arcs, weight) in enumerate(paths)
    ]
    problem = replace(instance, evaders=(*(instance.evaders[k] for k in habitual), *against))
    left = None if until == np.inf else max(until - work_seconds(), LEAST_TIME)
    options = replace(options, method="cuts", gap=options.gap / 2, time_limit=left, threads=1)
    found = place(
        problem,
        options,
        starts=list(search.best.plans),
        listener=OnlyCancels(listener),
        record=record,
    )
    routes = ((k, 0) for k in habitual), ((-1, n) for n in range(len(paths)))
    record.strategy = Strategy(
        paths, tuple(pair for part in routes for pair in part), float(found.lower or 0.0)
    )


def _last_game(search: DoubleOracle) -> GameSolution | None:
    """Return the game's solution once evaders have no quick answer (where the gap
    closed at once none was played); None without time.
    """
    for plan in search.best.plans:
        search.game.add(plan)
    solution = search.game.solve()
    for _ in range(MOST_ROUNDS):
        if solution is None or search.answer_quickly(solution) <= MOVED * solution.value:
            break
        solution = search.game.solve()
    return solution


def _walks(search: DoubleOracle, wanted: list[int]) -> dict[int, tuple[int, ...]]:
    """Return the arcs, in order of travel, of paths of the pool, by their place in it."""
    overlay = search.overlay
    commodities = search.game.commodities
    pool = search.game.pool
    assert pool.steps is not None  # noqa: S101 - the caller has asked for them
    assert overlay.node is not None  # noqa: S101 - the overlay is that of the whole instance
    series: dict[int, list[int]] = defaultdict(list)
    for steps in pool.steps:
        for path, arc in steps.T.tolist():
            series[path].append(arc)
    network = NetworkWalks(search.instance, overlay)
    pairs = np.unique(overlay.origin * overlay.n_nodes + overlay.destination).tolist()
    ends = [
        (network.node[pair // overlay.n_nodes], network.node[pair % overlay.n_nodes])
        for pair in pairs
    ]
    found = [
        (
            ends[int(pool.paths.commodity[place])],
            network.arcs(series[place] if commodities.searches.reverse else series[place][::-1]),
        )
        for place in wanted
    ]
    walks, parts = network.walks(found)
    arcs = {
        place: tuple(arc for part in parts[way] for arc in walks[part])
        for place, way in zip(wanted, found, strict=True)
    }
    return {place: path for place, path in arcs.items() if path}
