"""Method `mixed`: the best single plan, then the mixture of plans of least value against evaders who know it but not the plan of the day.

1. The exact single plan, for a share of the time: it is what a mixture is compared with, and the mixture to begin from; with patrol teams the
   beats that plans may drive as well (`preparation`).
2. The marginal relaxation: a lower bound of every mixture (`marginals`).
3. The double oracle: mixtures with proven upper bounds, until the bounds meet (`double_oracle`).
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.interrupts import Stopping
from optimizer.base.listener import SILENT, step
from optimizer.base.threads import thread_count
from optimizer.problem.methods import MIXED
from optimizer.problem.mixture import Mixture
from optimizer.problem.plan import Plan
from optimizer.problem.result import Randomised, Result, relative_gap, tolerance_of
from optimizer.solvers.mixed.double_oracle import CertifiedMixture, DoubleOracle
from optimizer.solvers.mixed.marginals import MarginalRelaxation
from optimizer.solvers.mixed.preparation import SingleTerms, prepare_beats, prepare_options
from optimizer.solvers.patrols.joint import with_tours
from optimizer.solvers.solve import check_arguments

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from optimizer.base.listener import Listener
    from optimizer.problem.instance import Instance
    from optimizer.problem.result import Limit
    from optimizer.solvers.mixed.preparation import PreparedProblem

PURE, RELAXED = 0.15, 0.5
UNRESTRICTED = 0.8
"""Shares of the time after which the single plan, and the marginal relaxation, must end, and where a mixture may have so many plans the
search for one of any number of plans."""


def solve_mixed(
    instance: Instance,
    *,
    gap: float = 1e-4,
    time_limit: float | None = None,
    seed: int = 0,
    threads: int | None = None,
    scheduler: str | None = None,
    support: int | None = None,
    listener: Listener = SILENT,
    starts: Sequence[NDArray[np.bool_]] = (),
) -> Result:
    """Return the mixture of plans that lets least through, and the best single plan.

    Ctrl-C ends the search, whatever step is under way, and returns the best mixture so far with its bounds; one before there is any plan raises
    KeyboardInterrupt.

    Parameters
    ----------
    instance
        The problem.
    gap, time_limit, seed, threads, scheduler, listener, starts
        As in `optimizer.solvers.solve.place`; the time is shared. Processes are those of the search for a single plan, after which as many
        searches of evaders run beside one another. With patrol teams masks of options without beats.
    support
        Most different plans of the mixture, >= 1; None for as many as are found. A search that is interrupted before it has reduced its
        mixture to so many returns the single plan.

    Raises
    ------
    InputError, InfeasibleError, SolverError
        As in `solve`.
    """
    check_arguments("auto", gap, time_limit, seed)
    started = time.monotonic()

    def end(share: float) -> float:
        return np.inf if time_limit is None else started + share * time_limit

    terms = SingleTerms(gap, None if time_limit is None else PURE * time_limit, seed, threads, scheduler, starts)
    with Stopping(listener) as stopping:
        if instance.patrols is None:
            problem = prepare_options(instance, terms, stopping)
        else:
            problem = prepare_beats(instance, terms, stopping, end(RELAXED))
        single = CertifiedMixture((problem.plan,), np.ones(1), float(problem.pure.upper or 0.0))
        relaxation = MarginalRelaxation(problem.instance, problem.overlay)
        search = DoubleOracle(
            problem.instance,
            problem.overlay,
            relaxation,
            problem.start,
            single,
            gap,
            end(1.0),
            seed,
            stopping,
            threads=thread_count(threads),
        )

        def mix() -> None:
            with step(stopping, "bounding mixtures"):
                relaxation.cut(end((1 + RELAXED) / 2), single.upper, stopping)
            search.begin()
            with step(stopping, "mixing plans"):
                search.until = end(1.0 if support is None else UNRESTRICTED)
                search.run()

        def restrict() -> None:
            search.until = end(1.0)
            if support is not None:
                search.restrict(support, single)

        stopping.attempt(mix)
        stopping.attempt(restrict)
        limit: Limit | None = (
            "interrupted" if stopping.stopped else "time" if search.ended_by_time or search.out_of_time else None
        )
        if search.best.unsearched:
            pairs = search.game.commodities.searches.leaf.size
            stopping.noted(
                f"Time was short to search for the best paths against the mixture: {search.best.unsearched} of {pairs} pairs of origin and "
                "destination are bounded as if their evaders saw the plan of the day. A longer time limit gives a lower bound."
            )
        return _outcome(problem, search, limit, time.monotonic() - started)


def _outcome(problem: PreparedProblem, search: DoubleOracle, limit: Limit | None, seconds: float) -> Result:
    """Return the result of a search."""
    best, pure = search.best, problem.pure
    # within the beats that were made; an interrupt may have come before the search took the relaxation's bound
    weighed = min(max(search.lower, search.relaxation.lower), best.upper)
    lower = weighed if problem.lower is None else min(problem.lower, best.upper)
    order = np.argsort(-best.probability, kind="stable").tolist()
    plans = tuple(with_tours(Plan.from_mask(problem.instance, best.plans[x]), problem.beats) for x in order)
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
