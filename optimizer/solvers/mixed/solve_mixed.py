"""Method `mixed`: the best single plan, then the mixture of plans of least value against evaders who know it but not the plan of the day.

1. The exact single plan, for a share of the time: it is what a mixture is compared with, and the mixture to begin from.
2. The marginal relaxation: a lower bound of every mixture (`marginals`).
3. The double oracle: mixtures with proven upper bounds, until the bounds meet (`double_oracle`).
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.errors import InputError, Problem
from optimizer.base.interrupts import Stopping
from optimizer.base.listener import SILENT, ForwardingListener, step
from optimizer.problem.methods import MIXED
from optimizer.problem.mixture import Mixture
from optimizer.problem.plan import Plan
from optimizer.problem.result import Randomised, Result, relative_gap, tolerance_of
from optimizer.solvers.feasible_start import feasible_start
from optimizer.solvers.mixed.double_oracle import CertifiedMixture, DoubleOracle
from optimizer.solvers.mixed.marginals import MarginalRelaxation
from optimizer.solvers.overlay.overlay import contract
from optimizer.solvers.solve import check_arguments, place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from optimizer.base.listener import Listener
    from optimizer.problem.instance import Instance
    from optimizer.problem.result import Limit

PURE, RELAXED = 0.3, 0.5
"""Shares of the time after which the single plan, and the marginal relaxation, must end."""


def solve_mixed(
    instance: Instance,
    *,
    gap: float = 1e-4,
    time_limit: float | None = None,
    seed: int = 0,
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
    gap, time_limit, seed, listener, starts
        As in `optimizer.solvers.solve.place`; the time is shared.

    Raises
    ------
    InputError, InfeasibleError, SolverError
        As in `solve`.
    """
    check_arguments("auto", gap, time_limit, seed)
    if instance.patrols is not None:
        raise InputError(
            Problem("method", "'mixed' with patrol teams", "an instance without teams", "Use another method")
        )
    started = time.monotonic()

    def end(share: float) -> float:
        return np.inf if time_limit is None else started + share * time_limit

    start = feasible_start(instance)
    with Stopping(listener) as stopping:
        overlay = stopping.attempt(lambda: contract(instance))
        if overlay is None:
            raise KeyboardInterrupt
        with step(stopping, "solving for a single plan", stoppable=False):
            pure = place(
                instance,
                gap=gap,
                time_limit=None if time_limit is None else PURE * time_limit,
                seed=seed,
                listener=_WithoutBounds(stopping),
                overlay=overlay,
                starts=starts,
            )
        plan = start if pure.plan is None else instance.placed(pure.plan.options)
        single = CertifiedMixture((plan,), np.ones(1), float(pure.upper or 0.0))
        relaxation = MarginalRelaxation(instance, overlay)
        search = DoubleOracle(instance, overlay, relaxation, start, single, gap, end(1.0), seed, stopping)

        def mix() -> None:
            with step(stopping, "bounding mixtures"):
                relaxation.cut(end(RELAXED), single.upper, stopping)
            search.begin()
            with step(stopping, "mixing plans"):
                search.run()

        stopping.attempt(mix)
        limit: Limit | None = "interrupted" if stopping.stopped else "time" if search.out_of_time else None
        return _outcome(instance, search, pure, limit, time.monotonic() - started)


class _WithoutBounds(ForwardingListener):
    """Passes on all but the bounds over single plans, which are none of mixtures."""

    def bounds_moved(self, lower: float, upper: float) -> None:
        """Say nothing."""


def _outcome(instance: Instance, search: DoubleOracle, pure: Result, limit: Limit | None, seconds: float) -> Result:
    """Return the result of a search."""
    best, lower = search.best, min(search.lower, search.best.upper)
    order = np.argsort(-best.probability, kind="stable").tolist()
    plans = tuple(Plan.from_mask(instance, best.plans[x]) for x in order)
    share = best.probability[order] / best.probability.sum()
    everything = search.value_of_everything
    closed = (relative_gap(lower, best.upper) or 0.0) <= tolerance_of(search.gap)
    return replace(
        pure,
        method=MIXED,
        status="optimal" if closed else "feasible",
        limit=None if closed and limit != "interrupted" else limit,
        lower=lower,
        upper=best.upper,
        seconds=seconds,
        statistics=dict(pure.statistics)
        | {
            "rounds": float(search.rounds),
            "plans": float(len(search.game.plans)),
            "paths": float(search.game.pool.paths.value.size),
            "labels": float(search.labels),
        },
        mixed=Randomised(
            mixture=Mixture(plans, tuple(share.tolist())),
            pure_lower=max(float(pure.lower or 0.0), lower),  # a single plan is a mixture as well
            pure_upper=float(pure.upper or 0.0),
            saturated=(relative_gap(everything, best.upper) or 0.0) <= tolerance_of(search.gap),
        ),
    )
