"""The best plan if one of its sites is out of work, with proven bounds (N-1).

With V(x) the value of a plan x, and x - s the plan without what it places at site s,

    minimise over plans x    W(x) = max over sites s of V(x - s).

Everybody knows which site is out of work, and answers that. An option on no site is a
site of its own; one that watches nothing is taken to be in work, and beats are driven.

W is solved by generating the sites that count (the constraint generation of Blankenship
and Falk 1976). For any set D of sites

    min over x of max over s in D of V(x - s)  <=  min over x of W(x),

as V(x - s) >= V(x): the left side is a problem over draws (`over_draws`), one draw for
each site of D with a copy of the network in which options at that site detect nothing.
Its bound is a bound of W. Its plan is valued without each of its own sites, and the
worst of these that D does not have join it. When there are none, the plan is the best.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from optimizer.base.errors import InfeasibleError, InputError, Problem
from optimizer.base.work.listener import SILENT, Listener, OnlyCancels
from optimizer.problem.instance.instance import Instance
from optimizer.problem.plan.evaluation import plan_value
from optimizer.problem.plan.plan import Plan, packed_plan, unpacked_plan, with_plan
from optimizer.problem.plan.result import Limit, Result, relative_gap, tolerance_of
from optimizer.problem.plan.weight_scenarios import Draws, Objective, layered_draws
from optimizer.solvers.over_draws import METHODS, solve_over_draws
from optimizer.solvers.params import SolveOptions
from optimizer.solvers.solve import solve_with

WORST = Objective("worst")

A_ROUND = 2
"""Sites that join the draws in a round, at most: each is a copy of the network."""

FIRST_SHARE = 0.25
"""Share of the time for the plan with all sites in work, from which the search begins."""

LEAST_SECONDS = 0.05
"""Least time of a solve."""


@dataclass(frozen=True, slots=True)
class OneOut:
    """A plan made for one site out of work."""

    #: The plan; its bounds are of W.
    result: Result
    #: The site of the plan without which most gets through; empty where it has none.
    site: str
    #: The plan with all sites in work from which the search began, its bounds of V.
    usual: Result
    #: W of that plan.
    usual_worst: float
    #: V of the plan that was made: what gets through with all sites in work.
    value: float
    #: The sites that joined the draws.
    drawn: tuple[str, ...]

    @property
    def content(self) -> dict[str, Any]:
        """What --json says of it: values in loads."""
        return {
            "lower": self.result.lower,
            "upper": self.result.upper,
            "site": self.site,
            "usual_upper": self.usual_worst,
        }

    @property
    def in_work(self) -> Result:
        """The plan with all sites in work: its value, and the bound of every plan."""
        lower = min(self.usual.lower or 0.0, self.value)
        return replace(
            self.usual,
            plan=self.result.plan,
            lower=lower,
            upper=self.value,
            limit=self.result.limit,
            status="optimal" if _closed(lower, self.value, self.result.tolerance) else "feasible",
            seconds=self.result.seconds,
            weighed_lower=None if self.usual.weighed_lower is None else lower,
            history=(),
        )


def solve_one_out(
    instance: Instance,
    options: SolveOptions = SolveOptions(),
    *,
    starts: Sequence[Plan] = (),
    listener: Listener = SILENT,
) -> OneOut:
    """Return the plan that lets least through if one of its sites is out of work.

    Parameters
    ----------
    instance
        The problem.
    options, listener
        As in `optimizer.solvers.solve.solve`; `gap` is of W.
    starts
        Plans to begin from.

    Raises
    ------
    InputError, InfeasibleError, SolverError, KeyboardInterrupt
        As in `solve`; also for the method `mixed`, whose plans differ by day.
    """
    if options.method not in METHODS:
        expected = f"one of {', '.join(METHODS)} for a plan with one site out of work"
        raise InputError(Problem("method", repr(options.method), expected))
    begun, quiet = time.monotonic(), OnlyCancels(listener)
    first = None if options.time_limit is None else FIRST_SHARE * options.time_limit
    usual = solve_with(instance, replace(options, time_limit=first), starts=starts, listener=quiet)
    if usual.plan is None or usual.lower is None:
        raise InfeasibleError("The search ended before it had a plan. Give it more time.")
    best, lower, failing = usual.plan, usual.lower, list[str]()
    without = values_without(instance, best)
    usual_worst = upper = max(without.values())
    limit: Limit | None = usual.limit if usual.limit == "interrupted" else None
    while limit is None:
        listener.bounds_moved(lower, upper)
        new = _worst_of(without, failing)
        if not new or _closed(lower, upper, options.gap):
            break
        left = None
        if options.time_limit is not None:
            left = max(begun + options.time_limit - time.monotonic(), LEAST_SECONDS)
        failing += new
        draws = _draws(instance, failing)
        found = solve_over_draws(
            draws,
            WORST,
            replace(options, time_limit=left),
            starts=[unpacked_plan(draws.instance, packed_plan(best))],
            proven=lower,
            listener=quiet,
        )
        limit = found.limit
        lower = max(lower, min(found.lower or 0.0, upper))
        if found.plan is None:
            continue
        plan = unpacked_plan(instance, packed_plan(found.plan))
        without = values_without(instance, plan)
        if max(without.values()) < upper:
            best, upper = plan, max(without.values())
    lower = min(lower, upper)
    result = replace(
        usual,
        plan=best,
        lower=lower,
        upper=upper,
        limit=limit,
        status="optimal" if _closed(lower, upper, options.gap) else "feasible",
        seconds=time.monotonic() - begun,
        tolerance=tolerance_of(options.gap),
        weighed_lower=None if usual.weighed_lower is None else lower,
        history=(),
    )
    values = values_without(instance, best)
    site = max(values, key=lambda name: values[name])
    return OneOut(result, site, usual, usual_worst, values[""], tuple(failing))


def values_without(instance: Instance, plan: Plan) -> dict[str, float]:
    """Return what gets through without each site of a plan, by site: V(x - s).

    The empty name is of the plan itself, with all sites in work.
    """
    whole = with_plan(instance, plan)
    placed = whole.placed(plan.options)
    values = {"": plan_value(whole, placed)}
    driven = {beat.id for beat in plan.beats}
    at: dict[str, list[int]] = {}
    for j in np.flatnonzero(placed).tolist():
        option = whole.options[j]
        if option.arcs and option.id not in driven:
            at.setdefault(option.site or option.id, []).append(j)
    for site, members in at.items():
        rest = placed.copy()
        rest[members] = False
        values[site] = plan_value(whole, rest)
    return values


def _worst_of(values: Mapping[str, float], drawn: Sequence[str]) -> list[str]:
    """Return the sites without which most gets through and that no draw is of yet.

    Only those count that are worse than every site that has a draw: the others change
    nothing at this plan.
    """
    known = max((values.get(site, 0.0) for site in drawn), default=0.0)
    worse = [site for site in values if site and site not in drawn and values[site] > known]
    return sorted(worse, key=lambda site: -values[site])[:A_ROUND]


def _draws(instance: Instance, failing: Sequence[str]) -> Draws:
    """Return a draw for each site, in which it detects nothing."""
    copies = [
        replace(
            instance,
            options=tuple(
                replace(each, arcs=(), survival=()) if (each.site or each.id) == site else each
                for each in instance.options
            ),
        )
        for site in failing
    ]
    return layered_draws(copies, np.tile(instance.weight, (len(copies), 1)))


def _closed(lower: float, upper: float, gap: float) -> bool:
    return (relative_gap(lower, upper) or 0.0) <= tolerance_of(gap)
